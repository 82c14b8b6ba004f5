"""Parquet shards: the captions of all rows, the other columns of the rows that match.

What pyarrow cannot decode goes through DuckDB (duckdb_shards.py): the same rows in the same order, more slowly.
"""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.arrow_values import integers, without_views
from retrieval.batch import BATCH_ROWS, Batch, use_mimalloc
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.duckdb_shards import open_by_duckdb
from retrieval.parquet_images import group_places
from retrieval.pool_values import pool_columns, refused_type
from retrieval.record_values import ID_COLUMN
from retrieval.remote_address import RemoteFile
from retrieval.shard import Shard, damage_named, is_beyond, named_columns, unreadable
from retrieval.tar_images import PIXELS

READ_BUFFER_BYTES = 1 << 18  # parquet is read page by page: a row group of 18 million rows is never held whole

# What pyarrow 15 decodes, by physical type. It decodes nothing but _PLAIN of text as a dictionary.
_PLAIN = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}
_DECODED = {
    "INT32": {"DELTA_BINARY_PACKED"},
    "INT64": {"DELTA_BINARY_PACKED"},
    "BYTE_ARRAY": {"DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"},
    "FLOAT": {"BYTE_STREAM_SPLIT"},
    "DOUBLE": {"BYTE_STREAM_SPLIT"},
}


def open_parquet(path: Path | RemoteFile, asked: ColumnChoice) -> Shard:
    """Read the footer.

    Raises:
        UserError: neither pyarrow nor DuckDB reads it, or it lacks what a shard needs.
    """
    try:
        with parquet_file(path) as (file, _):
            schema, footer, leaves = file.schema_arrow, file.metadata, file.schema
            names = schema.names
    except UnicodeDecodeError as error:
        raise UserError(f"shard {path} has column names that are not UTF-8: write it again with other names") from error
    except (pa.ArrowException, OSError) as error:
        return _by_duckdb(path, asked, error)
    places = group_places(schema, footer)
    columns = named_columns(path, names, replace(asked, needs_url=asked.needs_url and not places))
    for ours, name in columns.items():
        refused = refused_type(ours, schema.field(name).type)
        if refused:
            raise UserError(f"shard {path}: column {name} holds {refused}: convert, rename or drop it")
    chunks = _Chunks(leaves, footer)
    chunks.check_rows(path, columns)
    if not all(chunks.are_decoded(name) for name in columns.values()):
        return _by_duckdb(path, asked, NotImplementedError(f"encodings of {', '.join(columns.values())}"))
    return Shard(
        path=path,
        kind="parquet",
        columns=columns,
        rows=footer.num_rows,
        few_values=tuple(columns[ours] for ours in ("LICENSE", "NSFW") if chunks.have_dictionaries(columns.get(ours))),
        names=tuple(names),
        has_uuids=chunks.are_uuids(columns.get(ID_COLUMN)),
        image_places=places,
    )


def _by_duckdb(path: Path | RemoteFile, asked: ColumnChoice, error: Exception) -> Shard:
    """The shard as DuckDB opens it; `error` is what pyarrow said."""
    if isinstance(path, RemoteFile):
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"shard {path} cannot be decoded where it lies ({reason}): with --tmp DIR the substring filter copies each "
            "shard to a disk first; else fetch it"
        ) from error
    try:
        return open_by_duckdb(path, asked)
    except UserError as refusal:
        if refusal.__cause__ is not None and not is_beyond(error):
            raise unreadable(path, error) from error  # damaged: DuckDB says no more than pyarrow
        raise


@contextlib.contextmanager
def parquet_file(path: Path | RemoteFile, **options) -> Iterator[tuple[pq.ParquetFile, Callable]]:
    """The open file, and `fetch_ahead(row_groups, names)`: one column will be read, row group after row group, or some
    columns of one row group side by side.

    It does nothing for a file on a disk.
    """
    if not isinstance(path, RemoteFile):
        with pq.ParquetFile(path, **options) as file:
            yield file, lambda row_groups, names: None
        return
    from retrieval.remote_file import RemoteReader, footer_of  # 0.4 s for the libraries that read from the network

    footer = footer_of(path)
    with RemoteReader(path) as reader, pq.ParquetFile(reader, metadata=footer, **options) as file:

        def fetch_ahead(row_groups, names: list[str]) -> None:
            ranges = chunk_ranges(footer, path.bytes, row_groups, names)
            if len(names) == len(ranges) == 1:
                reader.expect(*ranges.values())
            else:
                reader.expect_side_by_side([chunk for chunks in ranges.values() for chunk in chunks])

        yield file, fetch_ahead


def chunk_ranges(footer: pq.FileMetaData, size: int, row_groups, names: list[str]) -> dict[str, list[tuple[int, int]]]:
    """Where column chunks lie in a file of `size` bytes: leaf column -> (start, end) per row group."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for number in row_groups:
        row_group = footer.row_group(number)
        for place in range(row_group.num_columns):
            chunk = row_group.column(place)
            if any(chunk.path_in_schema == name or chunk.path_in_schema.startswith(f"{name}.") for name in names):
                start = min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)), default=0)
                end = start + chunk.total_compressed_size
                if 0 <= start < end <= size:  # else the footer is wrong: the reader will say so
                    ranges.setdefault(chunk.path_in_schema, []).append((start, end))
    return ranges


class _Chunks:
    """What the footer says of the column chunks of each flat column."""

    def __init__(self, leaves: pq.ParquetSchema, footer: pq.FileMetaData):
        self._footer, self._leaves = footer, leaves
        self._number_of = {leaves.column(number).path: number for number in range(len(leaves))}

    def of(self, name: str) -> Iterator[tuple[pq.ColumnChunkMetaData, int]]:
        """Each chunk of a column, with the rows of its row group."""
        for number in range(self._footer.num_row_groups):
            row_group = self._footer.row_group(number)
            yield row_group.column(self._number_of[name]), row_group.num_rows

    def check_rows(self, path: Path | RemoteFile, columns: dict[str, str]) -> None:
        in_groups = sum(self._footer.row_group(number).num_rows for number in range(self._footer.num_row_groups))
        if in_groups != self._footer.num_rows:
            raise UserError(
                f"shard {path} is damaged ({self._footer.num_rows:,} rows, and {in_groups:,} in its row groups): "
                "fetch it again"
            )
        for name in self._flat(columns.values()):
            for chunk, rows in self.of(name):
                if chunk.num_values != rows:
                    raise short_column(path, name, chunk.num_values, rows)

    def are_decoded(self, name: str) -> bool:
        return all(
            set(chunk.encodings) <= _PLAIN | _DECODED.get(chunk.physical_type, set())
            for known in self._flat([name])
            for chunk, _ in self.of(known)
        )

    def have_dictionaries(self, name: str | None) -> bool:
        """Whether the column can be read as a dictionary: text with few values, which is then decoded once each."""
        chunks = [chunk for known in self._flat([name]) for chunk, _ in self.of(known)]
        return bool(chunks) and all(
            chunk.physical_type == "BYTE_ARRAY" and set(chunk.encodings) <= _PLAIN for chunk in chunks
        )

    def are_uuids(self, name: str | None) -> bool:
        return any(
            self._leaves.column(self._number_of[known]).logical_type.type == "UUID" for known in self._flat([name])
        )

    def _flat(self, names) -> list[str]:
        """Those of the columns that are no lists or structs."""
        return [
            name
            for name in names
            if name in self._number_of and self._leaves.column(self._number_of[name]).max_repetition_level == 0
        ]


def short_column(path: Path | RemoteFile, name: str, values: int, rows: int) -> UserError:
    return UserError(f"shard {path} is damaged (column {name} has {values:,} values for {rows:,} rows): fetch it again")


def spread_row_groups(file: RemoteFile, rows: int) -> list[int]:
    """Numbers of row groups, evenly spread, that have `rows` rows together, or all there are."""
    with parquet_file(file) as (parquet, _):
        sizes = [parquet.metadata.row_group(number).num_rows for number in range(parquet.num_row_groups)]
    for count in range(max(1, rows * len(sizes) // max(1, sum(sizes))), len(sizes)):
        chosen = [number * len(sizes) // count for number in range(count)]
        if sum(sizes[number] for number in chosen) >= rows:
            return chosen
    return list(range(len(sizes)))


def parquet_batches(shard: Shard, row_groups: list[int] | None = None) -> Iterator[Batch]:
    """Readers in step, row group by row group: all of them, or those that are named, in order.

    One decodes the captions. One per other column decodes that column; it starts at the first match in a row group.
    """
    use_mimalloc()
    caption = shard.columns["TEXT"]
    options = {"buffer_size": READ_BUFFER_BYTES, "read_dictionary": list(shard.few_values)}
    with parquet_file(shard.path, **options) as (file, fetch_ahead):
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        starts = [0, *itertools.accumulate(sizes)]
        row_groups = range(len(sizes)) if row_groups is None else row_groups
        fetch_ahead(row_groups, [caption])
        for number in row_groups:
            first_row = starts[number]
            others = _OtherColumns(shard, file, number, first_row, fetch_ahead)
            end = first_row + sizes[number]
            for captions in _column_batches(file, number, caption):
                rows = np.arange(first_row, first_row + len(captions))
                first_row += len(captions)
                if first_row > end:
                    break
                fetch = functools.partial(others.fetch, rows, captions)
                yield Batch(rows, captions, fetch, functools.partial(others.own, rows))
            if first_row != end:
                raise short_column(shard.path, caption, sizes[number] - end + first_row, sizes[number])


def _column_batches(file: pq.ParquetFile, row_group: int, name: str) -> Iterator[pa.Array]:
    """One column alone: of two columns with different numbers of values, pyarrow 15 loses rows, or crashes."""
    for batch in file.iter_batches(BATCH_ROWS, row_groups=[row_group], columns=[name], use_threads=False):
        values = batch.column(batch.schema.get_field_index(name))  # `a.b` is also the b of a struct a
        yield values.cast(pa.string()) if pa.types.is_null(values.type) else without_views(values)


class _OtherColumns:
    """The columns of one row group beside the captions.

    They are decoded from the row group's start to the rows last asked for, one batch in memory at a time, and not at
    all where nothing is asked for. So rows must be asked for in ascending order, from one call to the next too.
    """

    def __init__(self, shard: Shard, file: pq.ParquetFile, row_group: int, first_row: int, fetch_ahead: Callable):
        self._shard, self._row_group, self._first_row, self._fetch_ahead = shard, row_group, first_row, fetch_ahead
        self._columns = {
            name: _OneColumn(file, row_group, name, first_row)
            for name in dict.fromkeys(name for ours, name in shard.columns.items() if ours != "TEXT")
        }
        self._own = {name: _OneColumn(file, row_group, name, first_row) for name in shard.own}  # read before the others

    def fetch(self, rows: np.ndarray, captions: pa.Array, positions: np.ndarray) -> dict[str, pa.Array]:
        """Batch.fetch of the batch of these rows and captions."""
        path = self._shard.path
        self._begin()
        with damage_named(path):
            taken = {name: column.take(rows[positions]) for name, column in self._columns.items()}
        found = pool_columns(self._shard.columns, taken, f"shard {path}", self._shard.has_uuids)
        return found | {"TEXT": captions.take(integers(positions))} | self._places(rows[positions])

    def _places(self, rows: np.ndarray) -> dict[str, list[str | None]]:
        """PIXELS of these rows, where the file holds images."""
        if not self._shard.image_places:
            return {}
        place = self._shard.image_places[self._row_group]
        return {PIXELS: [place and place.replace("{}", str(row), 1) for row in (rows - self._first_row).tolist()]}

    def own(self, rows: np.ndarray, positions: np.ndarray) -> dict[str, pa.Array]:
        """Batch.own of the batch of these rows."""
        self._begin()
        with damage_named(self._shard.path):
            return {name: column.take(rows[positions]) for name, column in self._own.items()}

    def _begin(self) -> None:
        """At the first match in this row group: its columns will be read."""
        if self._fetch_ahead is not None:
            names = dict.fromkeys([*self._columns, *self._own])
            self._fetch_ahead([self._row_group], [name for name in names if name != self._shard.columns["TEXT"]])
            self._fetch_ahead = None


class _OneColumn:
    """One column of one row group, and the batch of it that is in memory."""

    def __init__(self, file: pq.ParquetFile, row_group: int, name: str, first_row: int):
        self._batches = _column_batches(file, row_group, name)
        self._first, self._batch = first_row, None  # the number of the batch's first row

    def take(self, rows: np.ndarray) -> pa.Array:
        """The values of these rows (numbers within the file)."""
        taken, done = [], 0
        while True:
            if self._batch is None:
                self._batch = next(self._batches, None)
                if self._batch is None:
                    raise pa.ArrowInvalid("a column has fewer values than rows")
            upto = int(np.searchsorted(rows, self._first + len(self._batch)))
            if upto > done:
                taken.append(self._batch.take(integers(rows[done:upto] - self._first)))
                done = upto
            if done == len(rows):
                return taken[0] if len(taken) == 1 else pa.chunked_array(taken).combine_chunks()
            self._first, self._batch = self._first + len(self._batch), None
