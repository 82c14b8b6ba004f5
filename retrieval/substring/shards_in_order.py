"""Follows each shard from its fetch to its cleanup: several at a time, and their counts come in the shards' order.

Standard library only: the workers scan, and threads of this process wait for them.
"""

import math
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

from retrieval.cli import UNFORESEEN, UserError, progress, say, unforeseen
from retrieval.remote_address import ShardChanged
from retrieval.substring.scan_workers import Workers
from retrieval.substring.search_units import Unit, clear_remains, finished_counts
from retrieval.substring.shard_sources import MissingShard, ShardFetcher

WAITED_SECONDS = 0.2  # for the network per remote shard: about four requests in turn, at 50 ms
SCANNED_BYTES = 190_000_000  # of a remote shard per second of a core (benchmarks/remote_scan.py)


def how_many_workers(asked: int | None, units: list[Unit]) -> tuple[int, int]:
    """(workers, more of them): as many more as wait for the network at one time, up to one for each worker."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = max(1, min(asked or cores, len(units)))
    remote = [unit.remote.bytes for unit in units if unit.remote is not None]
    if len(remote) <= workers:
        return workers, 0
    scan_seconds = sum(remote) / len(remote) / SCANNED_BYTES
    waiting = math.ceil(workers * WAITED_SECONDS / max(scan_seconds, WAITED_SECONDS))
    return workers, min(waiting, len(remote) - workers)


def scan_in_order(units: list[Unit], done: set[str], workers: Workers, args) -> Iterator[tuple[Unit, dict | str]]:
    """Each unit in order with its counts, or with the reason why it is missing. Later units are scanned meanwhile.

    A thread follows one shard from fetch to cleanup. Where shards must be fetched, there is one thread more than there
    are workers: the next shard is fetched while others are scanned, and no more than that are on the disk.
    """
    clear_remains(units)
    absent = [unit.shard for unit in units if unit.shard not in done and not unit.is_there]
    fetcher = ShardFetcher(absent, args.shard_sources)
    followers = ThreadPoolExecutor(workers.followers + bool(absent))
    try:
        with progress(len(units), "shards", "scanning") as more:
            following = deque(
                (unit, followers.submit(counts_or_reason, unit, workers, fetcher, args.do_cleanup)) for unit in units
            )
            try:
                while following:  # forget what was passed on: the counts of a shard take half a megabyte
                    unit, future = following.popleft()
                    yield unit, future.result()
                    more()
            finally:  # also at Ctrl-C, and when every class is full: running scans are stopped, not waited for
                fetcher.stop()
                followers.shutdown(wait=False, cancel_futures=True)
                workers.end()
    finally:
        followers.shutdown()
        clear_remains(units)


def counts_or_reason(unit: Unit, workers: Workers, fetcher: ShardFetcher, do_cleanup: bool) -> dict | str:
    """One shard from fetch to cleanup: its counts, or one sentence why it is missing."""
    counts = finished_counts(unit)
    if counts is not None:
        say(f"{unit.shard}: scanned before, {counts['records']:,} records")
        return counts
    try:
        is_fetched = not unit.is_there
        if is_fetched:
            fetcher.fetch(unit.shard)
            check_fetched(unit.shard, workers)
        counts = workers.scan(unit)
        if is_fetched and do_cleanup:
            os.unlink(unit.shard)
    except ShardChanged as error:
        from retrieval.remote_shards import LISTING, forget  # imported before, where the shard was listed

        forget(unit.hits.parent.parent / LISTING, unit.remote)
        return str(error)
    except (UserError, MissingShard) as error:
        return str(error)
    except OSError as error:  # a full disk, a file server that went away
        return f"{error.strerror or error} ({error.filename or unit.hits.parent})"
    except BrokenExecutor:
        return "its worker was killed (out of memory?): run again, perhaps with fewer --workers"
    except UNFORESEEN as error:
        return unforeseen(error)
    say(
        f"{unit.shard}: {counts['rows']:,} rows, {counts['captions']:,} captions matched, "
        f"{counts['records']:,} records, {counts['rows'] / counts['seconds']:,.0f} rows/s"
    )
    return counts


def check_fetched(shard: str, workers: Workers) -> None:
    """Remove a fetched file that is no shard: an error page under a shard's name must not stay.

    Raises:
        UserError: it is no shard.
    """
    try:
        workers.check(shard)
    except UserError:
        os.unlink(shard)
        raise
