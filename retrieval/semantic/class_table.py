"""The classes at the end of a run, those with the fewest records first: they need better prompts, or a larger pool.

    class            asked      kept  mean score
    ibex             4,000         7      0.2113
    and 982 more classes, 12 to 3,412 records each
    short of records as well (120 or fewer): markhor, okapi

Standard library only.
"""

import statistics
from collections.abc import Iterator, Mapping

from retrieval.table_lines import TABLE_LINES, WIDEST_NAME, cut, listed

SHORT_SHARE = 0.1  # of the median number of records: a class with fewer is short


def class_table(summaries: Mapping[str, dict]) -> Iterator[str]:
    """Lines of text, of the classes' summaries in the manifest."""
    ordered = sorted(summaries, key=lambda name: summaries[name]["kept"])
    shown = ordered[:TABLE_LINES] if len(ordered) > TABLE_LINES + 1 else ordered
    width = min(WIDEST_NAME, max(len("class"), *(len(name) for name in shown))) if shown else 0
    if shown:
        yield f"{'class':{width}}  {'asked':>10}  {'kept':>10}  mean score"
    for name in shown:
        counts = summaries[name]
        score = "" if counts["score_mean"] is None else f"{counts['score_mean']:.4f}"
        yield f"{cut(name, width):{width}}  {counts['asked']:>10,}  {counts['kept']:>10,}  {score:>10}".rstrip()
    rest = ordered[len(shown) :]
    if not rest:
        return
    fewest, most = summaries[rest[0]]["kept"], summaries[rest[-1]]["kept"]
    yield f"and {len(rest):,} more classes, {fewest:,} to {most:,} records each"
    line = SHORT_SHARE * statistics.median(counts["kept"] for counts in summaries.values())
    if short := [name for name in rest if summaries[name]["kept"] <= line]:
        yield from listed(f"short of records as well ({line:,.0f} or fewer): ", short)
