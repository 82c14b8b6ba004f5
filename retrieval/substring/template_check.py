"""--check: what is wrong with a template, found in a sample of captions before hours of scanning.

    lines = check_template(search, template, sample, pool_rows)      # text, the most important first

A name may find nothing, or far too much; stand inside longer words (hen in kitchen); mean two things (crane); lose its
signs as a token (C++); or find another class's captions. Each finding has captions to look at, and a line to paste into
`class_map`. Findings are advice: a template's author knows better.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.queries import Phrase
from retrieval.substring.matching import Matcher
from retrieval.substring.unicode61 import tokens

SAMPLE_CAPTIONS = 200_000  # read and matched in a second
EXPLODES = 0.005  # of all captions: LAION-2B would give the class 11 million rows
MOSTLY, FEW = 0.5, 3  # inside longer words: more than half of at least three matches
SHARED = 0.8  # of the smaller class's captions, and at least FEW of them
EXAMPLES = 2  # captions shown a finding
SHOWN = 10  # findings of a kind in full; the others by name
NAMED = 60  # of findings that are a name alone
LONGEST_CAPTION = 90  # characters shown

# Names that mean something else to many who write captions, with words that stand near the other meaning. Curated from
# web captions and the benchmarks' class names; it cannot be complete.
HOMONYMS = {
    "apple": "iphone macbook ipad", "bass": "guitar drum speaker", "bat": "baseball cricket",
    "boxer": "boxing shorts briefs", "cardigan": "sweater knit wool", "coral": "color dress lipstick",
    "crane": "construction tower lifting", "drake": "rapper album bell", "drum": "oil brake",
    "fly": "fishing plane zip", "fox": "news megan racing", "hog": "harley davidson", "iris": "eye camera scan",
    "jaguar": "car xj xf", "jay": "z rapper leno", "kite": "surfing string boarding", "lotus": "car elise yoga",
    "lynx": "deodorant helicopter", "maltese": "falcon cross island", "monitor": "computer lcd baby",
    "mouse": "computer wireless mickey", "nail": "polish art manicure", "pan": "peter pizza",
    "pipe": "smoking water", "pitcher": "baseball plant", "plate": "license number tectonic", "poppy": "parker",
    "puma": "shoes sneakers", "python": "programming code", "racer": "motorcycle boy", "ram": "dodge truck memory",
    "rose": "gold derrick wine", "ruler": "king queen", "safe": "drive travel", "seal": "wax gasket team",
    "shield": "marvel agents", "snapdragon": "qualcomm processor", "tank": "top fish", "tick": "check clock mark",
    "tiger": "woods", "trunk": "suitcase tree swim", "turkey": "istanbul ankara", "viper": "dodge", "viola": "davis",
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Captions, and how many rows the shards they come from have in all."""

    captions: list[str]
    rows: int


def read_sample(shards: list) -> Sample:
    """The first captions of every shard, SAMPLE_CAPTIONS in all. `shards` are retrieval.shards.Shard."""
    from retrieval.shards import caption_batches

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


def check_template(search, class_map: dict[str, str], sample: Sample, pool_rows: int) -> Iterator[str]:
    """The findings as lines of text.

    Args:
        search: hit_files.Search: the classes, their queries, the match mode.
        class_map: the template's queries, by class; what is in it is taken for its author's care.
        pool_rows: what expected counts are for.
    """
    captions = sample.captions
    rows_of = rows_by_class(search.queries, search.match, captions)
    inside = inside_longer_words(search.classes, captions)
    yield (
        f"{len(captions):,} captions of {sample.rows:,} rows, {len(search.classes):,} classes, --match {search.match}; "
        f"expected counts are for {pool_rows:,} rows, 95 % intervals"
    )

    def expected(rows) -> str:
        low, high = (share * pool_rows for share in wilson(len(rows), len(captions)))
        return f"{len(rows):,} captions, {rounded(low)} to {rounded(high)} expected"

    def examples(rows) -> list[str]:
        return [f"      {shorten(captions[row])}" for row in list(rows)[:EXAMPLES]]

    kinds = []
    bare = [(name, found) for name, found in inside.items() if found.share > MOSTLY and len(found.rows) >= FEW]
    findings = []
    for name, found in sorted((n for n in bare if n[0] not in class_map), key=lambda n: -len(n[1].rows)):
        findings.append([f"{name}: {found.share:.0%} of {len(found.rows):,} ({', '.join(found.words)})",
                         *examples(found.rows), f"      {word_line(name)}"])  # fmt: skip
    guarded = [name for name, _ in bare if name in class_map]
    kinds.append(("mostly inside longer words when searched as a substring", findings, guarded))

    findings, guarded = [], []
    for name in search.classes:
        if name.lower() in HOMONYMS and name in class_map:
            guarded.append(name)
        elif name.lower() in HOMONYMS:
            rows = rows_of[search.classes.index(name)]
            findings.append([f"{name}: {expected(rows)}", *examples(rows), f"      {homonym_line(name)}"])
    kinds.append(("words with another meaning", findings, guarded))

    findings = [
        [
            f"{name}: {len(rows_of[n]) / len(captions):.1%} of the captions, {expected(rows_of[n])}",
            *examples(rows_of[n]),
        ]
        for n, name in sorted(enumerate(search.classes), key=lambda item: -len(rows_of[item[0]]))
        if len(rows_of[n]) > EXPLODES * len(captions)
    ]
    kinds.append(("in very many captions", findings, []))

    findings = [
        [f"{a} and {b}: {both:,} captions, {both / least:.0%} of {smaller}'s"]
        for a, b, both, least, smaller in shared_captions(search.classes, rows_of)
    ]
    kinds.append(("classes that share most of their captions", findings, []))

    findings = [[f"{name} is read as {' '.join(left) or 'nothing'}"] for name, left in lost_signs(search)]
    kinds.append(("signs that --match word and fts do not see", findings, []))

    none = [[name] for n, name in enumerate(search.classes) if not len(rows_of[n])]
    most = rounded(wilson(0, len(captions))[1] * pool_rows)
    kinds.append((f"no caption in the sample, so at most {most} expected", none, []))

    for title, findings, guarded in kinds:
        if findings or guarded:
            yield ""
            yield f"{title}: {len(findings):,}"
        if findings and len(findings[0]) == 1:
            names = [finding[0] for finding in findings]
            more = [f"and {len(names) - NAMED:,} more"] if len(names) > NAMED else []
            yield from (f"  {line}" for line in wrapped(names[:NAMED] + more))
        else:
            for finding in findings[:SHOWN]:
                yield from (f"  {line}" for line in finding)
            if len(findings) > SHOWN:
                yield from wrapped([f[0].partition(":")[0] for f in findings[SHOWN:]], "  and ")
        if guarded:
            yield from wrapped(guarded, "  the same, with a query in class_map: ")

    yield ""
    counts = sorted(range(len(search.classes)), key=lambda n: -len(rows_of[n]))
    total = {row for rows in rows_of.values() for row in rows}
    yield f"all classes together: {expected(total)}"
    for n in [n for n in counts if len(rows_of[n])][:5]:
        yield f"  {search.classes[n]}: {expected(rows_of[n])}"


def rows_by_class(queries, match: str, captions: list[str]) -> dict[int, list[int]]:
    import pyarrow as pa

    hits = Matcher(list(queries), match).match(pa.array(captions, pa.string()))
    found: dict[int, list[int]] = {number: [] for number in range(len(queries))}
    for row, query in zip(hits.row.tolist(), hits.query.tolist(), strict=True):
        found[query].append(row)
    return found


@dataclass(frozen=True)
class Inside:
    """Where a bare name stands: its captions, the share in longer words alone, and the commonest of those words."""

    rows: list[int]
    share: float
    words: list[str]


def inside_longer_words(classes, captions: list[str]) -> dict[str, Inside]:
    """For each class whose bare name occurs at all, searched as a substring."""
    import pyarrow as pa

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


def shared_captions(classes, rows_of: dict[int, list[int]]) -> list[tuple]:
    """(class, class, captions of both, captions of the smaller, its name), most first."""
    of_row = defaultdict(list)
    for query, rows in rows_of.items():
        for row in rows:
            of_row[row].append(query)
    pairs = Counter((a, b) for found in of_row.values() for n, a in enumerate(found) for b in found[n + 1 :])
    shared = []
    for (a, b), both in pairs.most_common():
        smaller = min(a, b, key=lambda n: len(rows_of[n]))
        if both >= FEW and both > SHARED * len(rows_of[smaller]):
            shared.append((classes[a], classes[b], both, len(rows_of[smaller]), classes[smaller]))
    return shared


def lost_signs(search) -> Iterator[tuple[str, list[str]]]:
    """Classes whose phrase has signs, beyond the punctuation of names, that are no part of its tokens."""
    for name, query in zip(search.classes, search.queries, strict=True):
        if isinstance(query, Phrase) and re.search(r"[^\w\s'’\-./,()]", query.text):
            yield name, tokens(query.text)


def word_line(name: str) -> str:
    """A class_map line under which the name counts as a word, in the mode `substring` too."""
    return f'"{name}": \'" {name} " OR " {plural(name)} "\','


def plural(name: str) -> str:
    """English, roughly: what a template's author corrects at a glance."""
    if re.search(r"(s|x|z|ch|sh)$", name):
        return name + "es"
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"


def homonym_line(name: str) -> str:
    return f'"{name}": \'"{name}" NOT ({" OR ".join(HOMONYMS[name.lower()].split())})\','


def wilson(found: int, sample: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share (JASA 22, 1927): at 0 of n too it says something."""
    share, spread = found / sample, z * z / sample
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / sample + spread / (4 * sample))
    return max(0.0, middle - half), min(1.0, middle + half)


def rounded(number: float) -> str:
    """Two figures: more would pretend."""
    if number < 1:
        return "0"
    digits = max(0, int(math.log10(number)) - 1)
    return f"{round(number / 10**digits) * 10**digits:,}"


def shorten(caption: str) -> str:
    caption = " ".join(caption.split())
    return caption if len(caption) <= LONGEST_CAPTION else caption[: LONGEST_CAPTION - 1] + "…"


def wrapped(names: list[str], before: str = "", width: int = 116) -> Iterator[str]:
    line = before
    for number, name in enumerate(names):
        word = name + (", " if number < len(names) - 1 else "")
        if len(line) + len(word) > width and line.strip():
            yield line.rstrip()
            line = "  "
        line += word
    yield line
