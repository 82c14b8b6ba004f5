"""The scan of one shard: its captions are matched, and its hit file and counts file are written (search_units.py).

counts = scan_unit(unit, search)        # in a worker
"""

import contextlib
import functools
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from retrieval.cli import UserError
from retrieval.files import complete_file, file_fingerprint
from retrieval.opened_shard import open_shard
from retrieval.records import BLOCK_BYTES
from retrieval.remote_address import RemoteFile
from retrieval.shard import Shard
from retrieval.substring.hit_counter import HitCounter
from retrieval.substring.search_units import Search, Unit, copy_on_fast_disk
from retrieval.substring.small_answers import small_answers
from retrieval.substring.small_questions import MOST_ROWS, Found, Questions, ask


def scan_unit(unit: Unit, search: Search, stop: threading.Event | None = None) -> dict:
    """Write the unit's hit file and then its counts. The scan is given up when `stop` is set.

    Returns:
        dict: shard (its fingerprint), rows, bytes (of the hit file), captions (matched rows), records, classes
        ({class number: {records, inside, phrases}}), places ({class number: where its first records begin in the hit
        file}), and `seconds`, which is not in the file.

    Raises:
        UserError: the shard cannot be read.
    """
    started = time.perf_counter()
    unit.counts.unlink(missing_ok=True)
    fingerprint = file_fingerprint(unit.source)
    counter = HitCounter()
    with local_copy(unit) as path, complete_file(unit.hits) as unfinished:
        shard = open_shard(path, search.columns)
        with open(unfinished, "wb") as file:
            for lines in record_lines(shard, unit, search, counter):
                if stop is not None and stop.is_set():
                    raise UserError("the run ended before it was scanned")
                write_blocks(file, lines)
    rows = counter.rows if shard.rows is None else shard.rows
    counts = {"shard": fingerprint, "rows": rows, "bytes": unit.hits.stat().st_size} | counter.counts()
    with complete_file(unit.counts) as unfinished:  # on one line, in a tenth of the time: only we read it
        unfinished.write_text(json.dumps(counts), encoding="utf-8")
    return counts | {"seconds": time.perf_counter() - started}


@contextlib.contextmanager
def local_copy(unit: Unit) -> Iterator[Path | RemoteFile]:
    """The shard itself, or its copy on a faster disk, which is removed afterwards."""
    if unit.tmp is None:
        yield unit.source
        return
    copy = copy_on_fast_disk(unit)
    try:
        if unit.remote:
            from retrieval.remote_file import copy_to  # 0.4 s for the libraries that read from the network

            copy_to(unit.remote, copy)
        else:
            shutil.copyfile(unit.shard, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def write_blocks(file: BinaryIO, lines: bytes | memoryview) -> None:
    """In blocks: one large write took four times as long (0.2 s per 150 MB; Linux 6.18, ext4)."""
    for start in range(0, len(lines), BLOCK_BYTES):
        file.write(lines[start : start + BLOCK_BYTES])


# ---- the records, few or many ----


def record_lines(shard: Shard, unit: Unit, search: Search, counter: HitCounter) -> Iterator[bytes | memoryview]:
    """The encoded records of a shard, in blocks; some are empty, so that a run that has ended is noticed."""
    found = few_rows(shard, search)
    if found is not None and "pyarrow" not in sys.modules and earlier_shards(search).rows <= MOST_ROWS:
        return small_answers(shard, unit, search, found, counter)
    from retrieval.substring import batch_scan  # 0.2 s for numpy, pyarrow and the matcher

    return batch_scan.record_lines(shard, unit, search, counter, found)


def few_rows(shard: Shard, search: Search) -> Found | None:
    """What a database's own index finds, where it knows whole words, as the mode does, and finds few rows."""
    is_for_index = search.match in ("word", "fts") and shard.has_word_index
    if not is_for_index or search.where or search.quantity:
        return None
    earlier = earlier_shards(search)
    if earlier.one_had_many:
        return None
    found = ask(shard, earlier.questions)
    if found is None:
        earlier.one_had_many = True
    else:
        earlier.rows += len(found.rowids)
    return found


@dataclass
class EarlierShards:
    """What this process found in the shards that it has asked so far. It decides only how fast the next is read."""

    questions: Questions  # the same for all shards
    rows: int = 0  # that were found in all of them
    one_had_many: bool = False  # so the others are not asked


@functools.lru_cache(maxsize=1)
def earlier_shards(search: Search) -> EarlierShards:
    return EarlierShards(Questions(search.queries, search.match))
