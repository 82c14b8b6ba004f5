"""Shards: the files of a pool, opened alike, read in batches, never written to.

    shard = open_shard("part-00000.parquet")            # or .csv.gz, .jsonl, .arrow, .tar, .db; UserError for others
    for batch in caption_batches(shard):                # decodes the caption column only
        batch.captions                                  # pyarrow array of strings, one per row
        batch.fetch(positions)                          # the other columns of the rows that matched

The rows of a shard are numbered from 0. The rows of a database have their rowids.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.arrow_shards import arrow_batches, open_arrow
from retrieval.arrow_values import integers
from retrieval.cli import UserError
from retrieval.columns import NOTHING_SAID, ColumnChoice
from retrieval.csv_shards import csv_batches, open_csv
from retrieval.duckdb_shards import duckdb_batches
from retrieval.file_kinds import HEAD_BYTES, streamed_kind
from retrieval.json_shards import json_batches, open_json
from retrieval.own_values import comparable, kind_of, typed
from retrieval.parquet_shards import open_parquet, parquet_batches, spread_row_groups
from retrieval.remote_address import RemoteFile, is_address
from retrieval.shard import Batch, Shard, damage_named, keep_freed_memory
from retrieval.shard_file import beginning
from retrieval.sqlite_shards import open_sqlite, sqlite_batches
from retrieval.webdataset_shards import open_tar, tar_batches

KIND_ROWS = 1000  # whose values say what a column of a list or a database holds
BATCHES = {
    "parquet": parquet_batches,
    "duckdb": duckdb_batches,
    "sqlite": sqlite_batches,
    "csv": csv_batches,
    "json": json_batches,
    "arrow": arrow_batches,
    "tar": tar_batches,
}


def open_shard(path: Path | str | RemoteFile, asked: ColumnChoice = NOTHING_SAID) -> Shard:
    """Read the file's kind, columns and, where its footer has it, number of rows.

    Args:
        path: a file, an address of one, or what find_remote gives.

    Raises:
        UserError: the file has no known format (then it says what to do), is cut short, or has no URL or caption column
            (names those it has).
    """
    if is_address(path):
        from retrieval.remote_shards import find_remote  # 0.4 s for the libraries that read from the network

        [path] = find_remote([path], "shard")
    if isinstance(path, RemoteFile):
        return open_parquet(path, asked)
    path = Path(path)
    shard = _open_by_its_kind(path, asked)
    if asked.listed and shard.kind != "csv":
        raise UserError(f"shard {path} has names of its own: leave --columns out, it is about lists without them")
    return shard


def _open_by_its_kind(path: Path, asked: ColumnChoice) -> Shard:
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            file.seek(max(0, size - 4))
            tail = file.read(4)
    except OSError as error:
        raise UserError(f"shard {path} cannot be read: {error.strerror or error}") from error
    if head[:16] == b"SQLite format 3\0":
        return open_sqlite(path, head, size, asked)
    if head[:4] == b"PAR1" and (tail != b"PAR1" or size < 12):
        raise UserError(f"shard {path} is cut short ({size:,} bytes, no parquet footer): fetch it again")
    if head[:4] == b"PAR1":
        return open_parquet(path, asked)
    return _open_streamed(path, head, asked)


def _open_streamed(path: Path, head: bytes, asked: ColumnChoice) -> Shard:
    """A file of another format, by its first bytes, unpacked, and its name."""
    with damage_named(path):
        content = beginning(path)
        kind = streamed_kind(path, head, content)
        match kind:
            case "csv":
                return open_csv(path, content, asked)
            case "json":
                return open_json(path, content, asked)
            case "tar":
                return open_tar(path, asked)
            case _:
                return open_arrow(path, content, asked)


def with_own(shard: Shard, names: Iterable[str]) -> Shard:
    """The same shard, whose batches give these columns of the file too."""
    return replace(shard, own=tuple(dict.fromkeys(names)))


def own_kinds(shard: Shard) -> dict[str, str]:
    """What the columns of `shard.own` hold (own_values.kind_of) where the format has no types; else empty."""
    if shard.kind in ("parquet", "duckdb", "arrow"):
        return {}
    with contextlib.closing(caption_batches(shard)) as batches:
        batch = next(batches, None)
        sample = batch.own(np.arange(min(KIND_ROWS, len(batch.rows)))) if batch else {}
    return {name: kind_of(listed(sample.get(name, []))) for name in shard.own}


def own_values(batch: Batch, positions: np.ndarray, kinds: dict[str, str]) -> dict[str, pa.Array]:
    """`Batch.own` of these rows as arrays that an expression can compare."""
    return {
        name: typed(listed(values), kinds[name]) if name in kinds else comparable(values)
        for name, values in batch.own(positions).items()
    }


def listed(values: list | pa.Array) -> list:
    return values if isinstance(values, list) else values.to_pylist()


def count_rows(shard: Shard) -> int:
    """The number of rows; where only the whole file shows it, by a pass over its captions."""
    return counted_rows(shard)[0]


def counted_rows(shard: Shard) -> tuple[int, int, str]:
    """(rows, those among them that cannot be read, which is the first of these), as `count_rows` counts them."""
    if shard.rows is not None:
        return shard.rows, 0, ""
    rows, lost, first = 0, 0, ""
    for batch in caption_batches(shard):
        rows, lost, first = rows + len(batch.rows), lost + batch.lost, first or batch.first_lost
    return rows, lost, first


def caption_batches(shard: Shard) -> Iterator[Batch]:
    """The shard's rows in order.

    Raises:
        UserError: the file is damaged after its first pages.
    """
    keep_freed_memory()
    with damage_named(shard.path):
        yield from BATCHES[shard.kind](shard)


def sampled_batches(shard: Shard, rows: int) -> Iterator[Batch]:
    """Batches with at least `rows` rows, where the shard has so many. From all over a remote shard; else its first.

    Raises:
        UserError: as `caption_batches`.
    """
    if not isinstance(shard.path, RemoteFile):
        yield from caption_batches(shard)
        return
    with damage_named(shard.path):
        yield from parquet_batches(shard, spread_row_groups(shard.path, rows))


def row_batches(shard: Shard, positions: np.ndarray, note: Callable[[Batch], None] | None = None) -> Iterator[Batch]:
    """The rows at these positions (ascending, from 0, below their number), whatever their numbers are.

    Args:
        note: called with each whole batch.
    """
    start = 0
    for batch in caption_batches(shard):
        if note is not None:
            note(batch)
        first, last = np.searchsorted(positions, [start, start + len(batch.captions)])
        if last > first:
            yield _part_of_batch(batch, positions[first:last] - start)
        start += len(batch.captions)


def _part_of_batch(batch: Batch, chosen: np.ndarray) -> Batch:
    return Batch(
        rows=batch.rows[chosen],
        captions=batch.captions.take(integers(chosen)),
        fetch=lambda positions: batch.fetch(chosen[positions]),
        own=lambda positions: batch.own(chosen[positions]),
    )
