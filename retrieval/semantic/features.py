"""The features of a shard's rows, wherever they lie: read once, front to back, in stretches that begin at fixed rows.

What can be read at any row (npy files, stored members of an npz) is read again for the few rows that are kept. What can
only be streamed (deflated members, a parquet column, captions that are embedded on the fly) is spooled to a file.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.cli import UserError
from retrieval.parquet_shards import parquet_file
from retrieval.remote_address import RemoteFile
from retrieval.semantic.array_files import STRETCH_ROWS, ArrayFile, read_rows
from retrieval.semantic.stored_rows import StoredRows, stored_stretches
from retrieval.shard import damage_named


@dataclass(frozen=True)
class Features:
    """Where the features of one kind (image or text) of a shard's rows are."""

    kind: str  # "npz", "npy", "column" or "captions"
    label: str  # what is said of it: "member l14_img of the npz"
    parts: tuple[tuple[ArrayFile, int, int], ...] = ()  # (file, first row, end) in the order of the shard's rows
    column: str | None = None
    is_laid: bool = False  # over files that are divided otherwise than the shards

    @property
    def is_streamed(self) -> bool:
        return any(array.offset is None for array, _, _ in self.parts) or self.kind in ("column", "captions")

    def recipe(self) -> list:
        """How they are read, as JSON: for fingerprints."""
        parts = [[str(array.path), array.member, begin, end] for array, begin, end in self.parts]
        return [self.kind, self.column, parts]

    def files(self) -> list[Path | RemoteFile]:
        return [array.path for array, _, _ in self.parts]


def feature_rows(
    features: Features, path: Path | RemoteFile, width: int, at_end: list[Callable]
) -> Iterator[np.ndarray | StoredRows]:
    """The rows of files or of a column, in arrays of any length. (Captions are embedded in pool_search.py.)

    Args:
        at_end: as `stored_stretches` has it.

    Raises:
        UserError: what is damaged, or not of this width; names it.
    """
    if features.kind == "column":
        yield from column_rows(path, features.column, width)
    for array, begin, end in features.parts:
        if array.offset is None:
            yield from read_rows(array, begin, end)
        else:
            yield from stored_stretches(array, begin, end, at_end)


def column_rows(path: Path | RemoteFile, column: str, width: int) -> Iterator[np.ndarray]:
    """A parquet column of lists. A null is a row of NaN, which is never found."""
    with damage_named(path), parquet_file(path, buffer_size=1 << 20, pre_buffer=False) as (file, fetch_ahead):
        fetch_ahead(range(file.num_row_groups), [column])
        for batch in file.iter_batches(STRETCH_ROWS, columns=[column], use_threads=False):
            yield vectors_of(batch.column(0), width, f"shard {path}: column {column}")


def vectors_of(lists: pa.Array, width: int, where: str) -> np.ndarray:
    """float (n, width) of lists.

    Raises:
        UserError: a list of another length, or a null within one.
    """
    there = ~lists.is_null().to_numpy(zero_copy_only=False)
    values = lists.flatten()  # without the nulls' values
    numbers = values.to_numpy(zero_copy_only=False)
    lengths = {lists.type.list_size} if pa.types.is_fixed_size_list(lists.type) else {*_lengths(lists)[there].tolist()}
    if lengths - {width} and there.any():
        raise UserError(f"{where} holds lists of {min(lengths - {width}):,} numbers, and the model has {width:,}")
    if len(numbers) != there.sum() * width:
        raise UserError(f"{where} holds lists with nulls inside, which are no vectors")
    rows = np.full((len(lists), width), np.nan, numbers.dtype)
    rows[there] = numbers.reshape(-1, width)
    return rows


def _lengths(lists: pa.Array) -> np.ndarray:
    lengths = lists.value_lengths()
    return lengths.fill_null(0).to_numpy(zero_copy_only=False)


def stretches(
    arrays: Iterator[np.ndarray | StoredRows], rows: int, where: str
) -> Iterator[tuple[np.ndarray | StoredRows, int]]:
    """(rows, number of the first), STRETCH_ROWS at a time, whatever the arrays' lengths are.

    Raises:
        UserError: they hold other than `rows` rows.
    """
    start, waiting = 0, []
    for array in itertools.chain(arrays, [None]):
        if array is not None:
            waiting.append(array)
        size = sum(map(len, waiting))
        while size >= STRETCH_ROWS or (array is None and size):
            joined = waiting[0] if len(waiting) == 1 else np.concatenate([np.asarray(each) for each in waiting])
            yield joined[:STRETCH_ROWS], start
            start += min(size, STRETCH_ROWS)
            waiting = [joined[STRETCH_ROWS:]] if size > STRETCH_ROWS else []
            size = sum(map(len, waiting))
    if start != rows:
        raise UserError(
            f"{where} holds {start:,} rows of features, and the shard has {rows:,}: they are not of one pool"
        )


class Spool:
    """A file beside the results that keeps rows which pass, until some of them are taken."""

    def __init__(self, path: Path):
        self.path, self.rows, self.dtype, self.width = path, 0, None, 0

    def keep(self, arrays: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        with open(self.path, "wb") as file:
            for array in arrays:
                self.rows, self.dtype, self.width = self.rows + len(array), array.dtype, array.shape[1]
                file.write(np.ascontiguousarray(array))
                yield array

    def take(self, rows: np.ndarray) -> np.ndarray:
        array = ArrayFile(self.path, None, self.dtype or np.dtype(np.float16), self.rows, self.width, 0)
        return array.take(rows)

    def remove(self) -> None:
        if os.path.exists(self.path):
            os.unlink(self.path)


def take(features: Features, rows: np.ndarray) -> np.ndarray:
    """(n, width) of ascending row numbers of the shard, from files that can be read at any row."""
    taken, start = [features.parts[0][0].take(rows[:0])], 0
    for array, begin, end in features.parts:
        first, last = np.searchsorted(rows, [start, start + end - begin])
        taken.append(array.take(rows[first:last] - start + begin))
        start += end - begin
    return np.concatenate(taken)
