"""The scan of one shard: its captions are matched, and its hit file and counts file are written (search_units.py).

counts = scan_unit(unit, search)        # in a worker
"""

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from retrieval.cli import UserError
from retrieval.files import complete_file, file_fingerprint, write_json
from retrieval.opened_shard import open_shard
from retrieval.remote_address import RemoteFile
from retrieval.shard import Shard
from retrieval.substring.hit_counter import HitCounter
from retrieval.substring.search_units import Search, Unit, clear_remains, copy_on_fast_disk


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
    clear_remains(unit)
    unit.counts.unlink(missing_ok=True)
    fingerprint = file_fingerprint(unit.source)
    counter = HitCounter()
    with local_copy(unit) as path, complete_file(unit.hits) as unfinished:
        shard = open_shard(path, search.columns)
        with open(unfinished, "wb") as file:
            for lines in record_lines(shard, unit, search, counter):
                if stop is not None and stop.is_set():
                    raise UserError("the run ended before it was scanned")
                file.write(lines)
    rows = counter.rows if shard.rows is None else shard.rows
    counts = {"shard": fingerprint, "rows": rows, "bytes": unit.hits.stat().st_size} | counter.counts()
    write_json(unit.counts, counts)
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


def record_lines(shard: Shard, unit: Unit, search: Search, counter: HitCounter) -> Iterator[bytes | memoryview]:
    from retrieval.substring import batch_scan  # 0.2 s for numpy, pyarrow and the engines

    return batch_scan.record_lines(shard, unit, search, counter)
