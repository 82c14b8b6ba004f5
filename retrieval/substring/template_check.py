"""--check: what is wrong with a template, found in a sample of captions before hours of scanning.

    lines = check_template(search, class_map, sample, pool_rows)      # text, the most important first

A class name may find nothing, or far too much. It may be found inside longer words (hen in kitchen), have two meanings
(crane), lose its signs as a token (C++), or find the captions of another class. Each finding shows captions, and a line
to paste into `class_map` where there is one. Findings are advice: the author of a template knows better.
"""

import functools
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.arrow_values import texts
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.opened_shard import open_shard
from retrieval.queries import And, Not, Or, Phrase, Query, to_fts5
from retrieval.record_columns import valid_utf8
from retrieval.remote_address import RemoteFile
from retrieval.shard import Shard
from retrieval.shards import count_rows, sampled_batches
from retrieval.substring.caption_buffers import without_nulls
from retrieval.substring.hits import Hits
from retrieval.substring.match_definition import distinct_phrases
from retrieval.substring.matching import Matcher
from retrieval.substring.name_forms import plural
from retrieval.substring.search_units import Search
from retrieval.substring.unicode61 import tokens

SAMPLE_CAPTIONS = 200_000  # read and matched in a second
SAMPLED_SHARDS = 16  # remote ones: each costs two requests or more
EXPLODING_SHARE = 0.005  # of all captions: in LAION-2B the class would have 11 million rows
MOSTLY_INSIDE = 0.5  # more than this share of a name's captions have it inside longer words only
SHARED = 0.8  # two classes have more than this share of the smaller one's captions in common
FEWEST_CAPTIONS = 3  # for the two findings above
EXAMPLES = 2  # captions shown per finding
MOST_SHOWN, FEWEST_SHOWN = 5, 10  # classes whose expected counts are shown
SHOWN_FINDINGS = 10  # findings per kind with their examples; the others are listed by name
SHOWN_NAMES = 60  # of findings that are a name alone
LONGEST_CAPTION = 90  # characters shown

HOMONYMS = Path(__file__).with_name("homonyms.json")


@dataclass(frozen=True)
class Sample:
    """Captions, and the number of rows in all shards that they come from."""

    captions: list[str]
    rows: int


def read_sample(paths: Sequence[str | RemoteFile], asked: ColumnChoice) -> tuple[Sample, dict[str, str]]:
    """The first captions of each shard, SAMPLE_CAPTIONS in total, and the shards that cannot be read, with the reason.

    Of many remote shards some are opened, and the rows of the others are estimated from their bytes.

    Raises:
        UserError: none can be read.
    """
    captions: list[str] = []
    missing: dict[str, str] = {}
    rows = 0
    remote = [path for path in paths if isinstance(path, RemoteFile)]
    opened = remote[:: -(-len(remote) // SAMPLED_SHARDS) or 1]
    share = sum(file.bytes for file in opened) / max(1, sum(file.bytes for file in remote))
    paths = [path for path in paths if not isinstance(path, RemoteFile)] + opened
    for number, path in enumerate(paths):
        try:
            shard = open_shard(path, asked)
            captions += first_captions(shard, (SAMPLE_CAPTIONS - len(captions)) // (len(paths) - number))
            rows += round(shard.rows / share) if isinstance(path, RemoteFile) else count_rows(shard)
        except UserError as error:
            missing[str(path)] = str(error)
    if len(missing) == len(paths):
        raise UserError(next(iter(missing.values())))
    return Sample(captions, rows), missing


def first_captions(shard: Shard, room: int) -> list[str]:
    """The captions of the shard's first `room` rows, without empty ones. Of a remote shard, of some row groups."""
    captions: list[str] = []
    for batch in sampled_batches(shard, room):
        found = valid_utf8(without_nulls(batch.captions)[:room])
        captions += filter(None, found.to_pylist())
        room -= len(found)
        if room <= 0:
            break
    return captions


@functools.cache
def homonyms() -> dict[str, list[str]]:
    """Names with a second meaning, lower-cased, and words that are found near that meaning."""
    return json.loads(HOMONYMS.read_text(encoding="utf-8"))["words_near_the_other_meaning"]


def check_template(search: Search, class_map: dict[str, str], sample: Sample, pool_rows: int) -> Iterator[str]:
    """The findings as lines of text.

    Args:
        class_map: the template's queries by class. Their author has thought about these classes already.
        pool_rows: the number of rows that expected counts are for.
    """
    hits = matched(search.queries, search.match, sample.captions)
    check = _Check(search, class_map, sample.captions, pool_rows, hits, rows_by_class(hits, len(search.queries)))
    yield (
        f"{len(sample.captions):,} captions of {sample.rows:,} rows, {len(search.classes):,} classes, "
        f"--match {search.match}; expected counts are for {pool_rows:,} rows, 95 % intervals"
    )
    yield from check.inside_longer_words().lines()
    yield from check.spaces_in_quotes().lines()
    yield from check.other_meanings().lines()
    yield from check.in_very_many_captions().lines()
    yield from check.shared_captions().lines()
    yield from check.lost_signs().lines()
    yield from check.without_a_caption().lines()
    yield ""
    yield from check.totals()


@dataclass(frozen=True)
class Findings:
    """The findings of one kind. Each is some lines of text, the first of which begins with the class."""

    title: str
    findings: list[list[str]]
    guarded: Sequence[str] = ()  # classes of this kind that have a query in class_map
    is_list: bool = False  # findings of one line each, that need a line

    def lines(self) -> Iterator[str]:
        if self.findings or self.guarded:
            yield ""
            yield f"{self.title}: {len(self.findings):,}"
        if self.findings and len(self.findings[0]) == 1 and not self.is_list:
            yield from self._names()
        else:
            for finding in self.findings[:SHOWN_FINDINGS]:
                yield from (f"  {line}" for line in finding)
            if len(self.findings) > SHOWN_FINDINGS:
                others = [finding[0].partition(":")[0] for finding in self.findings[SHOWN_FINDINGS:]]
                yield from wrapped(others, "  and ")
        if self.guarded:
            yield from wrapped(self.guarded, "  the same, with a query in class_map: ")

    def _names(self) -> Iterator[str]:
        names = [finding[0] for finding in self.findings]
        more = [f"and {len(names) - SHOWN_NAMES:,} more"] if len(names) > SHOWN_NAMES else []
        yield from (f"  {line}" for line in wrapped(names[:SHOWN_NAMES] + more))


@dataclass(frozen=True)
class _Check:
    """One search over a sample of captions: a method per kind of finding."""

    search: Search
    class_map: dict[str, str]
    captions: list[str]
    pool_rows: int
    hits: Hits  # of the classes' queries, in the run's own mode
    rows_of: dict[int, list[int]]  # class number -> its captions

    def inside_longer_words(self) -> Findings:
        """As the run counts them: in the mode `substring`, with the class's own query, plurals too."""
        found = inside_longer_words(self.search, self.hits, self.captions)
        mostly = [name for name, inside in found.items() if inside.is_most]
        mostly.sort(key=lambda name: -len(found[name].rows))
        advice = words_found([name for name in mostly if name not in self.class_map], self.captions)
        findings = [
            [
                f"{name}: {found[name].share:.0%} of {len(found[name].rows):,} ({', '.join(found[name].words)})",
                *self._examples(found[name].rows),
                *([f"      {advice[name]}", f"      {word_line(name)}"] if name in advice else []),
            ]
            for name in mostly
        ]
        return Findings("mostly inside longer words, which --match word leaves out", findings)

    def spaces_in_quotes(self) -> Findings:
        """Queries such as `" fish "`, which the mode `substring` does not find beside a comma, or at an edge."""
        numbers = [n for n, query in enumerate(self.search.queries) if has_edge_space(query)]
        if self.search.match != "substring" or not numbers:
            return Findings("", [])
        hits = matched([self.search.queries[n] for n in numbers], "word", self.captions)
        findings = []
        for place, rows in rows_by_class(hits, len(numbers)).items():
            lost = sorted(set(rows) - set(self.rows_of[numbers[place]]))
            if lost:
                name, kept = self.search.classes[numbers[place]], len(rows) - len(lost)
                findings.append((-len(lost), [
                    f"{name}: finds {kept:,} of the {len(rows):,} captions that --match word finds",
                    *self._examples(lost),
                ]))  # fmt: skip
        findings.sort(key=lambda finding: finding[0])
        return Findings(
            "queries with a space in quotes, which lose the captions where no space is (at an edge, before a comma)",
            [lines for _, lines in findings],
        )

    def other_meanings(self) -> Findings:
        numbers = {name: number for number, name in enumerate(self.search.classes) if name.lower() in homonyms()}
        findings = [
            [
                f"{name}: {self._expected(self.rows_of[number])}",
                *self._examples(self.rows_of[number]),
                f"      {homonym_line(name)}",
            ]
            for name, number in numbers.items()
            if name not in self.class_map
        ]
        return Findings("words with another meaning", findings, [name for name in numbers if name in self.class_map])

    def in_very_many_captions(self) -> Findings:
        findings = []
        for number in self._most_first():
            rows = self.rows_of[number]
            if len(rows) > EXPLODING_SHARE * len(self.captions):
                share = f"{len(rows) / len(self.captions):.1%} of the captions"
                name = self.search.classes[number]
                findings.append([f"{name}: {share}, {self._expected(rows)}", *self._examples(rows)])
        return Findings("in very many captions", findings)

    def shared_captions(self) -> Findings:
        findings = [
            [f"{a} and {b}: {both:,} captions, {both / least:.0%} of {smaller}'s"]
            for a, b, both, least, smaller in shared_captions(self.search.classes, self.rows_of)
        ]
        return Findings("classes that share most of their captions", findings)

    def lost_signs(self) -> Findings:
        findings = [[f"{name} is read as {' '.join(left) or 'nothing'}"] for name, left in lost_signs(self.search)]
        return Findings("signs that --match word and fts do not see", findings)

    def without_a_caption(self) -> Findings:
        none = [[name] for number, name in enumerate(self.search.classes) if not len(self.rows_of[number])]
        most = rounded(wilson(0, len(self.captions))[1] * self.pool_rows)
        return Findings(f"no caption in the sample, so at most {most} expected", none)

    def totals(self) -> Iterator[str]:
        yield f"all classes together: {self._expected({row for rows in self.rows_of.values() for row in rows})}"
        found = [number for number in self._most_first() if len(self.rows_of[number])]
        most, fewest = found[:MOST_SHOWN], found[MOST_SHOWN:][::-1][:FEWEST_SHOWN]
        yield from self._counts("most captions", most)
        yield from self._counts("fewest captions", fewest)
        if between := len(found) - len(most) - len(fewest):
            yield f"and {between:,} more classes between them"

    def _counts(self, title: str, numbers: list[int]) -> Iterator[str]:
        if numbers:
            yield f"{title}:"
        for number in numbers:
            yield f"  {self.search.classes[number]}: {self._expected(self.rows_of[number])}"

    def _most_first(self) -> list[int]:
        return sorted(range(len(self.search.classes)), key=lambda number: -len(self.rows_of[number]))

    def _expected(self, rows: Iterable[int]) -> str:
        low, high = (share * self.pool_rows for share in wilson(len(rows), len(self.captions)))
        return f"{len(rows):,} captions, {rounded(low)} to {rounded(high)} expected"

    def _examples(self, rows: list[int]) -> list[str]:
        return [f"      {shorten(self.captions[row])}" for row in rows[:EXAMPLES]]


def matched(queries: Sequence[Query], mode: str, captions: list[str]) -> Hits:
    return Matcher(list(queries), mode).match(texts(captions))


def rows_by_class(hits: Hits, classes: int) -> dict[int, list[int]]:
    """Class number -> the captions that it matches."""
    found: dict[int, list[int]] = {number: [] for number in range(classes)}
    for row, query in zip(hits.row.tolist(), hits.query.tolist(), strict=True):
        found[query].append(row)
    return found


@dataclass(frozen=True)
class Inside:
    """What a class finds, and how much of it inside longer words."""

    rows: list[int]  # its captions
    share: float  # of them, where the phrase is only inside longer words
    words: list[str]  # the most common of these words

    @property
    def is_most(self) -> bool:
        return self.share > MOSTLY_INSIDE and len(self.rows) >= FEWEST_CAPTIONS


def inside_longer_words(search: Search, hits: Hits, captions: list[str]) -> dict[str, Inside]:
    """For each class that matches any caption, what the run will count as inside longer words."""
    phrases = [phrase.text.lower() for phrase in distinct_phrases(search.queries)]
    rows, parts, words = defaultdict(list), Counter(), defaultdict(Counter)
    columns = (hits.row.tolist(), hits.query.tolist(), hits.phrase.tolist(), hits.inside.tolist())
    for row, query, phrase, is_inside in zip(*columns, strict=True):
        rows[query].append(row)
        if is_inside:
            parts[query] += 1
            longer = re.search(rf"\w*{re.escape(phrases[phrase])}\w*", captions[row].lower())
            words[query][longer[0] if longer else phrases[phrase]] += 1
    common = {query: [word for word, _ in words[query].most_common(3)] for query in rows}
    return {
        search.classes[query]: Inside(found, parts[query] / len(found), common[query]) for query, found in rows.items()
    }


def words_found(names: list[str], captions: list[str]) -> dict[str, str]:
    """For each name a sentence on what --match word finds, without and with the query of `word_line`."""
    queries = [Phrase((name,), (False,)) for name in names] + [word_query(name) for name in names]
    rows = rows_by_class(matched(queries, "word", captions), len(queries))
    return {
        name: f"--match word finds {len(rows[place]):,}; with this line in class_map {len(rows[place + len(names)]):,}:"
        for place, name in enumerate(names)
    }


def has_edge_space(query: Query) -> bool:
    """Whether a phrase of the query begins or ends with a space."""
    match query:
        case Phrase():
            return query.text != query.text.strip()
        case And(parts) | Or(parts):
            return any(map(has_edge_space, parts))
        case Not(wanted, _):
            return has_edge_space(wanted)


def shared_captions(classes: Sequence[str], rows_of: dict[int, list[int]]) -> list[tuple]:
    """(class, class, captions of both, captions of the smaller class, its name), most captions first."""
    of_row = defaultdict(list)
    for query, rows in rows_of.items():
        for row in rows:
            of_row[row].append(query)
    pairs = Counter((a, b) for found in of_row.values() for n, a in enumerate(found) for b in found[n + 1 :])
    shared = []
    for (a, b), both in pairs.most_common():
        smaller = min(a, b, key=lambda n: len(rows_of[n]))
        if both >= FEWEST_CAPTIONS and both > SHARED * len(rows_of[smaller]):
            shared.append((classes[a], classes[b], both, len(rows_of[smaller]), classes[smaller]))
    return shared


def lost_signs(search: Search) -> Iterator[tuple[str, list[str]]]:
    """Classes whose name has signs that are not in its tokens, with the tokens. Ordinary punctuation is ignored."""
    for name, query in zip(search.classes, search.queries, strict=True):
        phrases = [query] if isinstance(query, Phrase) else query.parts if isinstance(query, Or) else []
        if Phrase((name,), (False,)) in phrases and re.search(r"[^\w\s'’\-./,()]", name):
            yield name, tokens(name)


def word_query(name: str) -> Query:
    return Or((Phrase((name,), (False,)), Phrase((plural(name),), (False,))))


def word_line(name: str) -> str:
    """A class_map line for --match word that finds the name and its plural."""
    return f"{json.dumps(name, ensure_ascii=False)}: {to_fts5(word_query(name))!r},"


def homonym_line(name: str) -> str:
    return f'"{name}": \'"{name}" NOT ({" OR ".join(homonyms()[name.lower()])})\','


def wilson(found: int, sample: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share (JASA 22, 1927), which is useful at 0 of n too."""
    share, spread = found / sample, z * z / sample
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / sample + spread / (4 * sample))
    return max(0.0, middle - half), min(1.0, middle + half)


def rounded(number: float) -> str:
    """Two significant digits: more would suggest a precision that is not there."""
    if number < 1:
        return "0"
    digits = max(0, int(math.log10(number)) - 1)
    return f"{round(number / 10**digits) * 10**digits:,}"


def shorten(caption: str) -> str:
    caption = " ".join(caption.split())
    return caption if len(caption) <= LONGEST_CAPTION else caption[: LONGEST_CAPTION - 1] + "…"


def wrapped(names: Sequence[str], before: str = "", width: int = 116) -> Iterator[str]:
    line = before
    for number, name in enumerate(names):
        word = name + (", " if number < len(names) - 1 else "")
        if len(line) + len(word) > width and line.strip():
            yield line.rstrip()
            line = "  "
        line += word
    yield line
