"""The classes at the end of a run: those with the fewest records first, because they need another name or more shards.

    class            records  inside longer words  most written
    aardvark               7                   0%  ant bear
    no record: ibex, okapi
    and 982 more classes, 120 to 51,234 records each

Standard library only.
"""

from collections.abc import Iterator, Mapping

from retrieval.table_lines import TABLE_LINES, WIDEST_NAME, cut, listed


def class_table(records: Mapping[str, int], inside: Mapping[str, float], written: Mapping[str, str]) -> Iterator[str]:
    """Lines of text.

    Args:
        records: class -> its number of records; inside: class -> the share of its matches inside longer words;
            written: class with synonyms -> its most written name.
    """
    found = sorted((number, place, name) for place, (name, number) in enumerate(records.items()) if number)
    empty = [name for name, number in records.items() if not number]
    if found:
        shown = found[:TABLE_LINES] if len(found) > TABLE_LINES + 1 else found
        width = min(WIDEST_NAME, max(len("class"), *(len(name) for _, _, name in shown)))
        titles = "  inside longer words" * any(inside.values()) + "  most written" * any(written.values())
        yield f"{'class':{width}}  {'records':>10}" + titles
        for number, _, name in shown:
            share = f"  {inside.get(name, 0):>19.0%}" if any(inside.values()) else ""
            most = f"  {cut(written[name], WIDEST_NAME)}" if written.get(name) else ""
            yield f"{cut(name, width):{width}}  {number:>10,}{share}{most}"
        if rest := found[len(shown) :]:
            yield f"and {len(rest):,} more classes, {rest[0][0]:,} to {rest[-1][0]:,} records each"
    if empty:
        yield from listed("no record: ", empty)
