"""The classes at the end of a run: those with the fewest records first, because they need another name or more shards.

    class            records  inside longer words
    aardvark               7                   0%
    no record: ibex, okapi
    and 982 more classes, 120 to 51,234 records each

Standard library only.
"""

from collections.abc import Iterator, Mapping

TABLE_LINES = 12  # classes with their numbers; with the lines for the rest, a table of 20 lines
EMPTY_LINES = 5  # for the names of classes without a record
WIDEST_NAME = 40  # characters
WIDTH = 116  # characters of a line


def class_table(records: Mapping[str, int], inside: Mapping[str, float]) -> Iterator[str]:
    """Lines of text.

    Args:
        records: class -> its number of records; inside: class -> the share of its matches inside longer words.
    """
    found = sorted((number, place, name) for place, (name, number) in enumerate(records.items()) if number)
    empty = [name for name, number in records.items() if not number]
    if found:
        shown = found[:TABLE_LINES] if len(found) > TABLE_LINES + 1 else found
        width = min(WIDEST_NAME, max(len("class"), *(len(name) for _, _, name in shown)))
        yield f"{'class':{width}}  {'records':>10}" + "  inside longer words" * any(inside.values())
        for number, _, name in shown:
            share = f"  {inside.get(name, 0):>19.0%}" if any(inside.values()) else ""
            yield f"{_cut(name, width):{width}}  {number:>10,}{share}"
        if rest := found[len(shown) :]:
            yield f"and {len(rest):,} more classes, {rest[0][0]:,} to {rest[-1][0]:,} records each"
    if empty:
        yield from _listed("no record: ", empty)


def _listed(before: str, names: list[str]) -> Iterator[str]:
    """The names in EMPTY_LINES lines at most, and the number of the others."""
    lines, line, left = [], before, len(names)
    for name in names:
        word = name + (", " if left > 1 else "")
        if len(line) + len(word) > WIDTH and line.strip():
            if len(lines) == EMPTY_LINES - 1:
                break
            lines.append(line.rstrip())
            line = "  "
        line += word
        left -= 1
    yield from lines
    yield line.rstrip(", ") + (f" and {left:,} more" if left else "")


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"
