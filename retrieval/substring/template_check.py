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

import pyarrow as pa

from retrieval.queries import Phrase
from retrieval.shards import caption_batches, open_shard
from retrieval.substring.matching import Matcher
from retrieval.substring.search_units import Search
from retrieval.substring.unicode61 import tokens

SAMPLE_CAPTIONS = 200_000  # read and matched in a second
EXPLODING_SHARE = 0.005  # of all captions: in LAION-2B the class would have 11 million rows
MOSTLY_INSIDE = 0.5  # more than this share of a name's captions have it inside longer words only
SHARED = 0.8  # two classes have more than this share of the smaller one's captions in common
FEWEST_CAPTIONS = 3  # for the two findings above
EXAMPLES = 2  # captions shown per finding
SHOWN_FINDINGS = 10  # findings per kind with their examples; the others are listed by name
SHOWN_NAMES = 60  # of findings that are a name alone
LONGEST_CAPTION = 90  # characters shown

HOMONYMS = Path(__file__).with_name("homonyms.json")


@dataclass(frozen=True)
class Sample:
    """Captions, and the number of rows in all shards that they come from."""

    captions: list[str]
    rows: int


def read_sample(paths: Sequence[str], field: str | None) -> Sample:
    """The first captions of each shard, SAMPLE_CAPTIONS in total.

    Raises:
        UserError: a shard cannot be read.
    """
    shards = [open_shard(path, field) for path in paths]
    captions: list[str] = []
    for number, shard in enumerate(shards):
        room = (SAMPLE_CAPTIONS - len(captions)) // (len(shards) - number)
        for batch in caption_batches(shard):
            texts = batch.captions[:room].to_pylist()
            captions += [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts if text]
            room -= len(texts)
            if room <= 0:
                break
    return Sample(captions, sum(shard.rows for shard in shards))


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
    check = _Check(search, class_map, sample.captions, pool_rows, rows_by_class(search, sample.captions))
    yield (
        f"{len(sample.captions):,} captions of {sample.rows:,} rows, {len(search.classes):,} classes, "
        f"--match {search.match}; expected counts are for {pool_rows:,} rows, 95 % intervals"
    )
    yield from check.inside_longer_words().lines()
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

    def lines(self) -> Iterator[str]:
        if self.findings or self.guarded:
            yield ""
            yield f"{self.title}: {len(self.findings):,}"
        if self.findings and len(self.findings[0]) == 1:
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
    rows_of: dict[int, list[int]]  # class number -> its captions

    def inside_longer_words(self) -> Findings:
        found = inside_longer_words(self.search.classes, self.captions)
        mostly = {
            name: inside
            for name, inside in found.items()
            if inside.share > MOSTLY_INSIDE and len(inside.rows) >= FEWEST_CAPTIONS
        }
        open_names = [name for name in mostly if name not in self.class_map]
        findings = [
            [
                f"{name}: {mostly[name].share:.0%} of {len(mostly[name].rows):,} ({', '.join(mostly[name].words)})",
                *self._examples(mostly[name].rows),
                f"      {word_line(name)}",
            ]
            for name in sorted(open_names, key=lambda name: -len(mostly[name].rows))
        ]
        guarded = [name for name in mostly if name in self.class_map]
        return Findings("mostly inside longer words when searched as a substring", findings, guarded)

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
        for number in [number for number in self._most_first() if len(self.rows_of[number])][:5]:
            yield f"  {self.search.classes[number]}: {self._expected(self.rows_of[number])}"

    def _most_first(self) -> list[int]:
        return sorted(range(len(self.search.classes)), key=lambda number: -len(self.rows_of[number]))

    def _expected(self, rows: Iterable[int]) -> str:
        low, high = (share * self.pool_rows for share in wilson(len(rows), len(self.captions)))
        return f"{len(rows):,} captions, {rounded(low)} to {rounded(high)} expected"

    def _examples(self, rows: list[int]) -> list[str]:
        return [f"      {shorten(self.captions[row])}" for row in rows[:EXAMPLES]]


def rows_by_class(search: Search, captions: list[str]) -> dict[int, list[int]]:
    """Class number -> the captions that it matches."""
    hits = Matcher(list(search.queries), search.match).match(pa.array(captions, pa.string()))
    found: dict[int, list[int]] = {number: [] for number in range(len(search.queries))}
    for row, query in zip(hits.row.tolist(), hits.query.tolist(), strict=True):
        found[query].append(row)
    return found


@dataclass(frozen=True)
class Inside:
    """Where a class name is found as a substring."""

    rows: list[int]  # its captions
    share: float  # of them, where it is only inside longer words
    words: list[str]  # the most common of these words


def inside_longer_words(classes: Sequence[str], captions: list[str]) -> dict[str, Inside]:
    """For each class whose name is in any caption as a substring."""
    matcher = Matcher([Phrase((name,), (False,)) for name in classes], "substring")
    hits = matcher.match(pa.array(captions, pa.string()))
    rows, parts, words = defaultdict(list), Counter(), defaultdict(Counter)
    for row, query, is_inside in zip(hits.row.tolist(), hits.query.tolist(), hits.inside.tolist(), strict=True):
        rows[query].append(row)
        if is_inside:
            name = classes[query].lower()
            longer = re.search(rf"\w*{re.escape(name)}\w*", captions[row].lower())
            if longer and longer[0] != plural(name):
                parts[query] += 1
                words[query][longer[0]] += 1
    return {
        classes[query]: Inside(found, parts[query] / len(found), [word for word, _ in words[query].most_common(3)])
        for query, found in rows.items()
    }


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
        if isinstance(query, Phrase) and re.search(r"[^\w\s'’\-./,()]", query.text):
            yield name, tokens(query.text)


def word_line(name: str) -> str:
    """A class_map line that finds the name as a word, in the mode `substring` too."""
    return f'"{name}": \'" {name} " OR " {plural(name)} "\','


def plural(name: str) -> str:
    """A rough English plural: the author of a template corrects it at a glance."""
    if re.search(r"(s|x|z|ch|sh)$", name):
        return name + "es"
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"


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
