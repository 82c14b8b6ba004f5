"""Batches of the rows of a database (sqlite_rows.py opens it)."""

import contextlib
import functools
import json
import sqlite3
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import SEPARATOR, binaries, cut
from retrieval.batch import Batch, keep_freed_memory
from retrieval.shard import Shard, damage_named
from retrieval.sqlite_rows import (
    caption_as_indexed,
    caption_of,
    check_found,
    connect,
    listed_columns,
    record_columns,
    record_columns_of,
    rows_by_id,
)

SQLITE_BATCH_ROWS = 1 << 12  # rows of Python values, a kilobyte each; with 32,768 a run takes a third longer
SMALLEST_ROWID, LARGEST_ROWID = -(2**63), 2**63 - 1
LOOKED_UP_CAPTIONS = 1 << 15  # a matcher is faster with more captions


def sqlite_batches(shard: Shard) -> Iterator[Batch]:
    """All rows. Only captions are read. The other columns are looked up for the rows that matched."""
    if not shard.has_rowids:
        yield from _batches_without_rowids(shard)
        return
    with contextlib.closing(connect(shard.path)) as connection:
        is_utf8 = connection.execute("PRAGMA encoding").fetchone() == (b"UTF-8",)
        first = SMALLEST_ROWID
        while block := (is_utf8 and _joined_block(connection, shard, first)) or _block(connection, shard, first):
            rows, captions = block
            fetch, own = (functools.partial(read, connection, shard, rows) for read in (_fetch_rows, _own_rows))
            yield Batch(rows, captions, fetch, own)
            if rows[-1] == LARGEST_ROWID:
                return
            first = int(rows[-1]) + 1


def _block(connection: sqlite3.Connection, shard: Shard, first: int) -> tuple[np.ndarray, pa.Array] | None:
    """The next rows from this rowid on: their rowids and captions. None at the end."""
    found = connection.execute(
        f"SELECT s.rowid, {caption_of(shard)} FROM {shard.table} AS s WHERE s.rowid >= ? ORDER BY s.rowid LIMIT ?",
        [first, SQLITE_BATCH_ROWS],
    ).fetchall()
    if not found:
        return None
    rowids, captions = zip(*found, strict=True)
    return np.array(rowids, np.int64), binaries(captions)


def _joined_block(connection: sqlite3.Connection, shard: Shard, first: int) -> tuple[np.ndarray, pa.Array] | None:
    """The same in half the time: SQLite joins the captions. None where this would not be exact, and at the end.

    It is exact where all captions are text, none holds the separator, and the rowids have no gap.
    """
    caption = listed_columns(shard, [shard.columns["TEXT"]])
    try:
        joined, lowest, highest, rows, texts = connection.execute(
            "SELECT group_concat(caption, char(30)), min(number), max(number), count(*), sum(typeof(caption) = 'text') "
            f"FROM (SELECT s.rowid AS number, {caption} AS caption FROM {shard.table} AS s "
            "WHERE s.rowid >= ? ORDER BY s.rowid LIMIT ?)",
            [first, SQLITE_BATCH_ROWS],
        ).fetchone()
    except sqlite3.DataError:  # longer than SQLite's longest text, a gigabyte
        return None
    if not rows or texts != rows or highest - lowest != rows - 1:
        return None
    captions = cut(joined, SEPARATOR, rows)
    return None if captions is None else (lowest + np.arange(rows), captions)


def _batches_without_rowids(shard: Shard) -> Iterator[Batch]:
    """All rows with all their columns: none of them can be looked up again."""
    with contextlib.closing(connect(shard.path)) as connection:
        cursor = connection.execute(
            f"SELECT {listed_columns(shard, [*record_columns(shard), *shard.own])} FROM {shard.table} AS s"
        )
        first = 1
        while block := cursor.fetchmany(SQLITE_BATCH_ROWS):
            rows = np.arange(first, first + len(block))
            fetch, own = (functools.partial(read, shard, block) for read in (_fetch_held, _own_held))
            yield Batch(rows, _captions([row[0] for row in block]), fetch, own)
            first += len(block)


def _fetch_held(shard: Shard, block: list[tuple], positions: np.ndarray) -> dict:
    """Batch.fetch where the batch's rows are in memory."""
    rows = [block[position][: len(record_columns(shard))] for position in positions.tolist()]
    return record_columns_of(shard, [tuple(map(_text_or_bytes, row)) for row in rows])


def _own_held(shard: Shard, block: list[tuple], positions: np.ndarray) -> dict[str, list]:
    """Batch.own where the batch's rows are in memory."""
    first = len(record_columns(shard))
    return {
        name: [_text_or_bytes(block[position][first + place]) for position in positions.tolist()]
        for place, name in enumerate(shard.own)
    }


def _text_or_bytes(value):
    """A text came as bytes (see `connect`), and so did a blob."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def held_batches(shard: Shard, rowids: list[int]) -> Iterator[Batch]:
    """These rows of a database (distinct, ascending) with their captions, read once: most of them match."""
    keep_freed_memory()
    with contextlib.closing(connect(shard.path)) as connection:
        for start in range(0, len(rowids), SQLITE_BATCH_ROWS):
            some = rowids[start : start + SQLITE_BATCH_ROWS]
            rows = rows_by_id(connection, shard, some, record_columns(shard))
            captions = [caption_as_indexed(connection, row[0]).encode("utf-8", "replace") for row in rows]
            numbers = np.array(some, np.int64)
            own = functools.partial(_own_rows, connection, shard, numbers)
            yield Batch(numbers, binaries(captions), functools.partial(_fetch_read, shard, rows), own)


def _fetch_read(shard: Shard, rows: list[tuple], positions: np.ndarray) -> dict:
    """Batch.fetch where rows_by_id read the batch."""
    return record_columns_of(shard, [rows[position] for position in positions.tolist()])


def looked_up_captions(shard: Shard, rowids: np.ndarray) -> Iterator[tuple[np.ndarray, pa.LargeBinaryArray]]:
    """The captions of these rows (int64, distinct, ascending), in blocks with their rowids.

    Raises:
        UserError: the file is damaged, or a row is not there.
    """
    select = (
        f"SELECT {caption_of(shard)} FROM json_each(?) AS wanted CROSS JOIN {shard.table} s ON s.rowid = wanted.value"
    )
    with damage_named(shard.path), contextlib.closing(connect(shard.path)) as connection:
        for start in range(0, len(rowids), LOOKED_UP_CAPTIONS):
            rows = rowids[start : start + LOOKED_UP_CAPTIONS]
            captions = [caption for (caption,) in connection.execute(select, [json.dumps(rows.tolist())])]
            check_found(shard, len(captions), len(rows))
            yield rows, binaries(captions)


def _fetch_rows(connection: sqlite3.Connection, shard: Shard, rows: np.ndarray, positions: np.ndarray) -> dict:
    """Batch.fetch of the batch of these rows."""
    return record_columns_of(shard, rows_by_id(connection, shard, rows[positions].tolist(), record_columns(shard)))


def _own_rows(connection: sqlite3.Connection, shard: Shard, rows: np.ndarray, positions: np.ndarray) -> dict:
    """Batch.own of the batch of these rows."""
    found = rows_by_id(connection, shard, rows[positions].tolist(), shard.own)
    return {name: [row[place] for row in found] for place, name in enumerate(shard.own)}


def _captions(values: list) -> pa.LargeBinaryArray:
    """Captions that SQLite gave as bytes, unchanged."""
    if set(map(type, values)) - {bytes, type(None)}:  # a number in the caption column
        values = [value if value is None or isinstance(value, bytes) else str(value).encode() for value in values]
    return binaries(values)
