"""--check: findings as lines of text, and the numbers in them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.table_lines import WIDTH

SHOWN_FINDINGS = 10  # findings per kind with their examples; the others are listed by name
SHOWN_NAMES = 60  # of findings that are a name alone


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


def rounded(number: float) -> str:
    """Two significant digits: more would suggest a precision that is not there."""
    if number < 1:
        return "0"
    digits = max(0, int(math.log10(number)) - 1)
    return f"{round(number / 10**digits) * 10**digits:,}"


def wrapped(names: Sequence[str], before: str = "") -> Iterator[str]:
    """All the names, in as many lines as they take."""
    line = before
    for number, name in enumerate(names):
        word = name + (", " if number < len(names) - 1 else "")
        if len(line) + len(word) > WIDTH and line.strip():
            yield line.rstrip()
            line = "  "
        line += word
    yield line
