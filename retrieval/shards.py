"""Shards: parquet files and SQLite databases of captions, opened alike, read in batches, never written to.

    shard = open_shard("part-00000.parquet")            # or .db; UserError for anything else
    for batch in caption_batches(shard):                # decodes the caption column only
        batch.captions                                  # pyarrow array of strings, one per row
        batch.fetch(positions)                          # the other columns of the rows that matched

The rows of a parquet shard are numbered from 0. The rows of a database have their rowids.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from retrieval.arrow_values import integers
from retrieval.cli import UserError
from retrieval.duckdb_shards import duckdb_batches
from retrieval.file_kinds import HEAD_BYTES, what_to_do
from retrieval.parquet_shards import open_parquet, parquet_batches, spread_row_groups
from retrieval.remote_address import RemoteFile, is_address
from retrieval.shard import Batch, Shard, damage_named, keep_freed_memory
from retrieval.sqlite_shards import open_sqlite, sqlite_batches

BATCHES = {"parquet": parquet_batches, "duckdb": duckdb_batches, "sqlite": sqlite_batches}


def open_shard(path: Path | str | RemoteFile, field: str | None = None) -> Shard:
    """Read the file's kind, columns and number of rows.

    Args:
        path: a file, an address of one, or what find_remote gives.
        field: the caption column to search, where it is not found by name.

    Raises:
        UserError: the file has neither format (then it says what to do), is cut short, or has no URL or caption column
            (names those it has).
    """
    if is_address(path):
        from retrieval.remote_shards import find_remote  # 0.4 s for the libraries that read from the network

        [path] = find_remote([path], "shard")
    if isinstance(path, RemoteFile):
        return open_parquet(path, field)
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            file.seek(max(0, size - 4))
            tail = file.read(4)
    except OSError as error:
        raise UserError(f"shard {path} cannot be read: {error.strerror or error}") from error
    if head[:16] == b"SQLite format 3\0":
        return open_sqlite(path, head, size, field)
    if head[:4] == b"PAR1" and (tail != b"PAR1" or size < 12):
        raise UserError(f"shard {path} is cut short ({size:,} bytes, no parquet footer): fetch it again")
    if head[:4] != b"PAR1":
        raise UserError(f"shard {path} {what_to_do(path, head)}")
    return open_parquet(path, field)


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


def row_batches(shard: Shard, positions: np.ndarray) -> Iterator[Batch]:
    """The rows at these positions (ascending, from 0, below `shard.rows`), whatever their numbers are."""
    start = 0
    for batch in caption_batches(shard):
        first, last = np.searchsorted(positions, [start, start + len(batch.captions)])
        if last > first:
            yield _part_of_batch(batch, positions[first:last] - start)
        start += len(batch.captions)


def _part_of_batch(batch: Batch, chosen: np.ndarray) -> Batch:
    return Batch(
        rows=batch.rows[chosen],
        captions=batch.captions.take(integers(chosen)),
        fetch=lambda positions: batch.fetch(chosen[positions]),
    )
