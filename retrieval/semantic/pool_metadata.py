"""The rows behind an index's ids: a pool's metadata, memory-mapped from arrow files."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.cli import UserError
from retrieval.columns import map_columns
from retrieval.index_folder import BUILDER, metadata_files


@dataclass(frozen=True)
class Metadata:
    """A pool's rows. Opening them reads no column, whatever their number."""

    readers: tuple[pa.ipc.RecordBatchFileReader, ...]  # one per file
    batches: tuple[tuple[int, int], ...]  # (number of the reader, number of the batch in its file) per record batch
    starts: np.ndarray  # int64 (batches + 1,): the first row of each batch, and the number of rows
    columns: dict[str, str]  # ours -> the pool's own, as retrieval.columns.map_columns finds them

    @property
    def rows(self) -> int:
        return int(self.starts[-1])

    def fetch(self, ids: np.ndarray, names: list[str]) -> pa.Table:
        """Rows `ids` (int64, sorted, each once), in the pool's columns `names`.

        Each record batch is visited once, front to back, and only the rows asked for are copied. (Table.take would
        first join a column's chunks, which at two billion rows is the whole column.)
        """
        if len(ids) == 0:
            return self.readers[0].schema.empty_table().select(names)
        batch_of = np.searchsorted(self.starts, ids, side="right") - 1
        edges = np.flatnonzero(np.r_[True, batch_of[1:] != batch_of[:-1], True])
        tables = []
        for begin, end in itertools.pairwise(edges):
            batch_number = batch_of[begin]
            reader, number = self.batches[batch_number]
            rows = pa.array(ids[begin:end] - self.starts[batch_number])
            tables.append(pa.Table.from_batches([self.readers[reader].get_batch(number).select(names).take(rows)]))
        return pa.concat_tables(tables, promote_options="permissive")


def open_metadata(folder: Path, allow_untagged: bool) -> Metadata:
    """Memory-map the metadata of an index folder.

    Raises:
        UserError: no arrow file, a file of another format, files with different columns, no URL column, or no safety
            column (unless `allow_untagged`).
    """
    files = metadata_files(folder)
    if not files:
        raise UserError(f"{folder}/metadata has no arrow file: {BUILDER} writes it")
    readers, batches, sizes = [], [], []
    for file in files:
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(file), "r"))
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(
                f"{file} is not a complete arrow file ({error}): {BUILDER} makes them of parquet"
            ) from error
        for number in range(reader.num_record_batches):
            batches.append((len(readers), number))
            sizes.append(reader.get_batch(number).num_rows)
        readers.append(reader)
    names = readers[0].schema.names
    for file, reader in zip(files, readers, strict=True):
        if set(reader.schema.names) != set(names):
            raise UserError(f"{file} has other columns than {files[0]}: they are not one pool's metadata")
    return Metadata(tuple(readers), tuple(batches), np.cumsum([0, *sizes]), _columns(folder, names, allow_untagged))


def _columns(folder: Path, names: list[str], allow_untagged: bool) -> dict[str, str]:
    columns = map_columns(names)
    if "URL" not in columns:
        raise UserError(f"{folder}/metadata has no URL column; it has: {', '.join(names)}")
    if not {"NSFW", "punsafe"} & columns.keys() and not allow_untagged:
        raise UserError(
            f"{folder}/metadata has no NSFW column and no punsafe score (it has: {', '.join(names)}), so nothing can "
            "be rejected as unsafe: keep one when the metadata is made, or add --allow-untagged"
        )
    return columns
