"""The classes at the end of a run: those with the fewest records first, because they need another name or more shards.

    class            records  inside longer words
    aardvark               7                   0%
    no record: ibex, okapi
    and 982 more classes, 120 to 51,234 records each

Standard library only.
"""

from collections.abc import Iterator, Mapping

from retrieval.table_lines import TABLE_LINES, WIDEST_NAME, cut, listed


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
            yield f"{cut(name, width):{width}}  {number:>10,}{share}"
        if rest := found[len(shown) :]:
            yield f"and {len(rest):,} more classes, {rest[0][0]:,} to {rest[-1][0]:,} records each"
    if empty:
        yield from listed("no record: ", empty)
