"""Shards: the files of a pool, opened alike (opened_shard.py), read in batches, never written to.

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
from retrieval.batch import Batch, keep_freed_memory
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.csv_shards import csv_batches, open_csv
from retrieval.duckdb_shards import duckdb_batches
from retrieval.file_kinds import HEAD_BYTES, is_streamed_from_afar, streamed_kind
from retrieval.json_shards import json_batches, open_json
from retrieval.own_values import comparable, kind_of, typed
from retrieval.parquet_shards import open_parquet, parquet_batches, spread_row_groups
from retrieval.remote_address import COPY_IT, RemoteFile
from retrieval.shard import Shard, damage_named
from retrieval.shard_file import beginning
from retrieval.sqlite_shards import sqlite_batches
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


def open_file(path: Path, head: bytes, tail: bytes, size: int, asked: ColumnChoice) -> Shard:
    """A file that is no database, by its first and last bytes.

    Raises:
        UserError: as opened_shard.open_shard.
    """
    if head[:4] == b"PAR1" and (tail != b"PAR1" or size < 12):
        raise UserError(f"shard {path} is cut short ({size:,} bytes, no parquet footer): fetch it again")
    if head[:4] == b"PAR1":
        return open_parquet(path, asked)
    return _open_streamed(path, head, asked)


def open_remote(file: RemoteFile, asked: ColumnChoice) -> Shard:
    """A file where it lies: parquet, or by its name a list or an Arrow file.

    Raises:
        UserError: as opened_shard.open_shard.
    """
    if not is_streamed_from_afar(file.name):
        return open_parquet(file, asked)
    from retrieval.remote_file import read_range  # 0.4 s for the libraries that read from the network

    return _open_streamed(file, read_range(file, 0, min(HEAD_BYTES, file.bytes)), asked)


def _open_streamed(path: Path | RemoteFile, head: bytes, asked: ColumnChoice) -> Shard:
    """A file of another format, by its first bytes, unpacked, and its name."""
    with damage_named(path):
        content = beginning(path)
        try:
            kind = streamed_kind(Path(path.name) if isinstance(path, RemoteFile) else path, head, content)
        except UserError as error:
            raise UserError(f"{path}: {error}" if isinstance(path, RemoteFile) else str(error)) from error
        if kind == "tar" and isinstance(path, RemoteFile):
            raise UserError(f"shard {path} is a tar, which is not read where it lies: {COPY_IT}")
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
    """Batches with at least `rows` rows, where the shard has so many. From all over a remote parquet; else its first.

    Raises:
        UserError: as `caption_batches`.
    """
    if not isinstance(shard.path, RemoteFile) or shard.kind != "parquet":
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
