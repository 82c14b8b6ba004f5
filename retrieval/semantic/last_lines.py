"""The last lines of a run, and its exit code: 1 where work is missing or lost. Standard library only."""

import statistics
from pathlib import Path

from retrieval.cli import say, say_always
from retrieval.records import SEMANTIC_LOSSES, Manifest
from retrieval.semantic.class_table import class_table
from retrieval.semantic.hit_files import losses_line
from retrieval.semantic.pool_units import Share, Unit

LISTED = 12  # missing shards that are named


def report_run(output: Path, manifest: Manifest, moved: str) -> int:
    """The published script's statistics (records per class), what is missing, and why hits were lost. The exit code.

    Args:
        moved: the end of the last line, of a pool that is read over a network.
    """
    summaries = manifest.counts["classes"]
    for line in class_table(summaries):
        say(line)
    say_quartiles([summary["kept"] for summary in summaries.values()])
    missing, lost = manifest.coverage["missing"], manifest.coverage.get("lost_rows", {})
    for shard, reason in missing.items():
        say_always(f"missing: {shard}: {reason}")
    for shard, (rows, first) in lost.items():
        say_always(f"rows that cannot be read: {shard}: {rows:,}, the first: {first}")
    total = {name: sum(each.get(name, 0) for each in summaries.values()) for name in ("asked", *SEMANTIC_LOSSES)}
    say_always(
        f"{output}: {len(summaries):,} classes, {manifest.counts['records']:,} records in {len(manifest.chunks):,} "
        f"chunk files ({losses_line(total)}){moved}"
    )
    return 1 if missing or lost else 0


def say_quartiles(kept: list[int]) -> None:
    """Mean and quartiles of the numbers of records per class; nothing for a job without a class."""
    if not kept:
        return
    quartiles = statistics.quantiles(kept, n=4, method="inclusive") if len(kept) > 1 else kept * 3
    say(f"Mean number of images per class: {statistics.fmean(kept):,.1f}")
    say("25, 50, 75 percentiles: " + " ".join(f"{value:,.1f}" for value in quartiles))


def report_share(share: Share, units: list[Unit], bad: dict[str, str], moved: str) -> int:
    """The last line of an array's job."""
    mine = share.units(units)
    lost = [unit for unit in mine if unit.shard in bad]
    done = sum(unit.is_done for unit in units)
    say_always(
        f"job {share.job_idx} of {share.total_jobs}: {len(mine):,} shards, {len(mine) - len(lost):,} searched, "
        f"{len(lost):,} bad; of all {len(units):,} shards {done:,} are searched. When all are, the same command "
        f"outside the array (without --job-idx and --total-jobs) selects the records{moved}"
    )
    return 1 if lost else 0


def report_unsearched(output: Path, shards: list[str]) -> int:
    """An array's shards that no job has finished."""
    for shard in shards[:LISTED]:
        say_always(f"missing: {shard}: no job has searched it yet")
    more = f" (the first {LISTED} are named)" if len(shards) > LISTED else ""
    say_always(
        f"{output}: {len(shards):,} shards are not searched{more}: run the array's jobs again, which do the rest "
        "(--job-idx 0 --total-jobs 1: one job for all); then this command again"
    )
    return 1
