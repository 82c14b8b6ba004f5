"""--check: what is wrong with a template, found in a sample of captions before hours of scanning.

    lines = check_template(search, class_map, sample, pool_rows)      # text, the most important first

A class name may find nothing, or far too much. It may be found inside longer words (hen in kitchen), have two meanings
(crane), lose its signs as a token (C++), or find the captions of another class. Each finding shows captions, and a line
to paste into `class_map` where there is one. Findings are advice: the author of a template knows better.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retrieval.substring.caption_sample import Sample, matched, rows_by_class
from retrieval.substring.findings import Findings, rounded
from retrieval.substring.hits import Hits
from retrieval.substring.search_units import Search
from retrieval.substring.suspect_names import (
    has_edge_space,
    homonym_line,
    homonyms,
    inside_longer_words,
    lost_signs,
    shared_captions,
    word_line,
    words_found,
)
from retrieval.table_lines import cut
from retrieval.wilson import wilson

EXPLODING_SHARE = 0.005  # of all captions: in LAION-2B the class would have 11 million rows
EXAMPLES = 2  # captions shown per finding
LONGEST_CAPTION = 90  # characters shown
MOST_SHOWN, FEWEST_SHOWN = 5, 10  # classes whose expected counts are shown


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
        captions = (" ".join(self.captions[row].split()) for row in rows[:EXAMPLES])
        return [f"      {cut(caption, LONGEST_CAPTION)}" for caption in captions]
