"""The rows behind an index's ids: a pool's metadata, memory-mapped from arrow files."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.cli import UserError
from retrieval.columns import NOTHING_SAID, ColumnChoice, asked_columns, map_columns
from retrieval.index_folder import BUILDER, metadata_files
from retrieval.own_values import comparable
from retrieval.record_columns import safety_tags
from retrieval.row_condition import Condition, Judge, own_names, parse_condition
from retrieval.semantic.column_types import common_type, of_type, plain_type

SAFETY_ROWS = 1_024  # of a file whose safety values are understood before the search begins; the others when they hit
SAFETY_FILES = 100


@dataclass(frozen=True)
class Metadata:
    """A pool's rows. Opening them reads no column, whatever their number."""

    name: str  # the folder, for refusals
    files: tuple[Path, ...]
    readers: tuple[pa.ipc.RecordBatchFileReader, ...]  # one per file
    batches: tuple[tuple[int, int], ...]  # (number of the reader, number of the batch in its file) per record batch
    starts: np.ndarray  # int64 (batches + 1,): the first row of each batch, and the number of rows
    columns: dict[str, str]  # ours -> the pool's own, as retrieval.columns.map_columns finds them
    types: dict[str, pa.DataType]  # the pool's column -> the one type in which all files' values are given
    condition: Condition | None = None  # of --where
    compared: tuple[str, ...] = ()  # the pool's columns that it names

    @property
    def rows(self) -> int:
        return int(self.starts[-1])

    def rows_of_files(self) -> list[int]:
        sizes = np.diff(self.starts)
        return np.bincount([file for file, _ in self.batches], sizes, len(self.files)).astype(int).tolist()

    def fetch(self, ids: np.ndarray, names: list[str]) -> pa.Table:
        """Rows `ids` (int64, sorted, each once), in the pool's columns `names`.

        Each record batch is visited once, front to back, and only the rows asked for are copied. (Table.take would
        first join a column's chunks, which at two billion rows is the whole column.)

        Raises:
            UserError: a file that is damaged; names it.
        """
        if len(ids) == 0:
            return pa.table({name: pa.array([], self.types[name]) for name in names})
        batch_of = np.searchsorted(self.starts, ids, side="right") - 1
        edges = np.flatnonzero(np.r_[True, batch_of[1:] != batch_of[:-1], True])
        tables = [
            self._fetch_of_batch(batch_of[begin], ids[begin:end], names) for begin, end in itertools.pairwise(edges)
        ]
        return pa.concat_tables(tables)

    def _fetch_of_batch(self, batch_number: int, ids: np.ndarray, names: list[str]) -> pa.Table:
        reader, number = self.batches[batch_number]
        rows = pa.array(ids - self.starts[batch_number])
        try:
            batch = self.readers[reader].get_batch(number).select(names)
            batch.validate()
            return pa.table({name: of_type(batch.column(name).take(rows), self.types[name]) for name in names})
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{self.files[reader]} cannot be read ({reason}): make it again with {BUILDER}") from error


def open_metadata(
    folder: Path, allow_untagged: bool, where: str | None = None, asked: ColumnChoice = NOTHING_SAID
) -> Metadata:
    """Memory-map the metadata of an index folder.

    Raises:
        UserError: no arrow file, a file of another format, files with different columns, no URL column, values of a
            type that is not read, no safety column (unless `allow_untagged`) or one that is not understood, or a
            condition `where` that cannot be evaluated.
    """
    files = metadata_files(folder)
    if not files:
        raise UserError(f"{folder}/metadata has no arrow file: {BUILDER} writes it")
    return open_arrow_files(files, f"{folder}/metadata", allow_untagged, where, asked)


def open_arrow_files(
    files: list[Path],
    name: str,
    allow_untagged: bool,
    where: str | None = None,
    asked: ColumnChoice = NOTHING_SAID,
    ours: tuple[str, ...] = (),
) -> Metadata:
    """Memory-map arrow files as one pool's metadata. `ours`: columns that are read under their own names too.

    Raises:
        UserError: as `open_metadata`; `name` is what a refusal names.
    """
    readers, batches, sizes = _open_readers(files)
    names = readers[0].schema.names
    columns = _columns(name, names, allow_untagged, asked) | {column: column for column in ours}
    condition = parse_condition(where) if where is not None else None
    compared = own_names(condition, names, name).values() if condition else ()
    types = _column_types(files, readers, columns | {column: column for column in compared})
    starts = np.cumsum([0, *sizes])
    metadata = Metadata(
        name, tuple(files), tuple(readers), tuple(batches), starts, columns, types, condition, tuple(compared)
    )  # fmt: skip
    _check_safety(metadata)
    if condition is not None:
        with Judge(condition, metadata.name) as judge:
            judge.check_types(compared_values(metadata.fetch(np.array([], np.int64), list(metadata.compared))))
    return metadata


def _open_readers(files: list[Path]) -> tuple[list, list[tuple[int, int]], list[int]]:
    """The files' readers; of each batch of all files (number of its reader, number in the file), and its rows.

    Raises:
        UserError: a file is no whole arrow file, or has other columns than the first.
    """
    readers, batches, sizes = [], [], []
    for file in files:
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(file), "r"))
            for number in range(reader.num_record_batches):
                batches.append((len(readers), number))
                sizes.append(reader.get_batch(number).num_rows)
            reader.schema.names  # noqa: B018 - decoded here, so that names that are no text are refused
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{file} is not a complete arrow file ({error}): {BUILDER} makes them of parquet"
            ) from error
        readers.append(reader)
    for file, reader in zip(files, readers, strict=True):
        if set(reader.schema.names) != set(readers[0].schema.names):
            raise UserError(f"{file} has other columns than {files[0]}: they are not one pool's metadata")
    return readers, batches, sizes


def give_ids_one_type(pools: list[Metadata]) -> None:
    """Give the ids of several pools one type, so that SAMPLE_ID has it in all records."""
    columns = [(pool.types, pool.columns["SAMPLE_ID"]) for pool in pools if "SAMPLE_ID" in pool.columns]
    common = common_type([types[name] for types, name in columns], exact=True)
    for types, name in columns:
        types[name] = common


def compared_values(table: pa.Table) -> dict[str, pa.Array]:
    """A table's columns as arrays that a condition can compare."""
    return {name: comparable(table[name].combine_chunks()) for name in table.column_names}


def _columns(name: str, names: list[str], allow_untagged: bool, asked: ColumnChoice) -> dict[str, str]:
    columns = map_columns(names) | asked_columns(names, asked, f"{name}")
    if "URL" not in columns:
        raise UserError(
            f"{name} has no URL column; it has: {', '.join(names)}: name the one with the addresses with --url-column"
        )
    if not {"NSFW", "punsafe"} & columns.keys() and not allow_untagged:
        raise UserError(
            f"{name} has no NSFW column and no punsafe score (it has: {', '.join(names)}), so nothing can "
            "be rejected as unsafe: keep one when the metadata is made, or add --allow-untagged"
        )
    return columns


def _column_types(files: list[Path], readers: list, columns: dict[str, str]) -> dict[str, pa.DataType]:
    """The one type of each column that is read.

    Raises:
        UserError: a file that has a column twice, or values of a type that is not read; names the file and the column.
    """
    types = {}
    for ours, name in columns.items():
        found: dict[pa.DataType, int] = {}  # type -> number of the first file that has it
        for number, reader in enumerate(readers):
            if reader.schema.names.count(name) > 1:
                raise UserError(f"{files[number]} has {reader.schema.names.count(name)} columns named {name!r}")
            found.setdefault(reader.schema.field(name).type, number)
        types[name] = common_type([plain_type(kind) for kind in found], exact=ours == "SAMPLE_ID")
        for kind, number in found.items():
            try:
                sample = pa.nulls(1, kind) if not pa.types.is_dictionary(kind) else pa.array([], kind)
                of_type(sample.take(pa.array([], pa.int64())), types[name])
            except (pa.ArrowException, NotImplementedError) as error:
                raise UserError(
                    f"{files[number]}: column {name!r} holds {kind}, which is not read: write it as text or numbers"
                ) from error
    return types


def _check_safety(metadata: Metadata) -> None:
    """Understand some safety values of each file (of the first 100) now, and not after hours of searching."""
    names = list({metadata.columns[ours] for ours in ("NSFW", "punsafe") if ours in metadata.columns})
    first_batches = [number for number, (_, of_file) in enumerate(metadata.batches) if of_file == 0]
    for number in first_batches[:SAFETY_FILES] if names else ():
        start, end = metadata.starts[number : number + 2]
        sample = metadata.fetch(np.arange(start, min(end, start + SAFETY_ROWS)), names)
        safety_tags(sample, metadata.columns, str(metadata.files[metadata.batches[number][0]]))
