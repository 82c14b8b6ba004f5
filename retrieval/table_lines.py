"""What the filters' tables of classes share: how many lines they have, and how long names and lists are cut.

Standard library only.
"""

from collections.abc import Iterator

TABLE_LINES = 12  # classes with their numbers; with the lines for the rest, a table of 20 lines
LIST_LINES = 5  # for the names of classes that the table has no room for
WIDEST_NAME = 40  # characters
WIDTH = 116  # characters of a line


def listed(before: str, names: list[str]) -> Iterator[str]:
    """The names in LIST_LINES lines at most, and the number of the others."""
    lines, line, left = [], before, len(names)
    for name in names:
        word = name + (", " if left > 1 else "")
        if len(line) + len(word) > WIDTH and line.strip():
            if len(lines) == LIST_LINES - 1:
                break
            lines.append(line.rstrip())
            line = "  "
        line += word
        left -= 1
    yield from lines
    yield line.rstrip(", ") + (f" and {left:,} more" if left else "")


def cut(name: str, width: int) -> str:
    """The name in at most `width` characters."""
    return name if len(name) <= width else name[: width - 1] + "…"
