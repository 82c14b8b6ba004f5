"""Embedding files as one matrix: which files, in which order, and their rows.

An embeddings folder holds `img_emb*.npy` and / or `text_emb*.npy`, as clip-retrieval and knn_indices_helper write them:
(rows, width), float16 or float32, unit rows.

The invariant: row i of the files, one after the other, is row i of the pool's metadata and id i of its index. The order
is numeric (img_emb_2 before img_emb_10), and every script takes it from here; tests/test_embeddings.py holds it.
Files are memory-mapped: 100 million rows × 768 × 2 bytes are 154 GB, of which one block at a time is read.
"""

import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.cli import UserError

NAMES = {"text_index": "text_emb*.npy", "image_index": "img_emb*.npy"}
BLOCK_ROWS = 65_536  # 200 MB of float32 at width 768


@dataclass(frozen=True)
class EmbeddingFiles:
    """Embedding files as one matrix. Where a faiss index is expected it can stand in: its ids are row numbers."""

    arrays: tuple[np.ndarray, ...]  # memory-mapped (rows, width) each
    starts: np.ndarray  # int64 (files + 1,): the row at which each file begins, and the number of rows
    files: tuple[Path, ...] = ()  # as the arrays; empty where the arrays are not of files

    @property
    def ntotal(self) -> int:
        return int(self.starts[-1])

    @property
    def d(self) -> int:
        return self.arrays[0].shape[1]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """float32 (n, width) of int64 row numbers (n,) in any order."""
        file_of = np.searchsorted(self.starts, rows, side="right") - 1
        vectors = np.empty((len(rows), self.d), np.float32)
        for number in np.unique(file_of):
            here = file_of == number
            vectors[here] = self.arrays[number][rows[here] - self.starts[number]]
        return vectors

    def blocks(self, start: int = 0, stop: int | None = None, block_rows: int = BLOCK_ROWS) -> Iterator:
        """(first row, float32 (at most block_rows, width)), over the rows from `start` up to `stop`."""
        stop = self.ntotal if stop is None else stop
        for array, (first, end) in zip(self.arrays, itertools.pairwise(self.starts.tolist()), strict=True):
            end = min(end, stop)
            for row in range(max(first, start), end, block_rows):
                yield row, array[row - first : min(row + block_rows, end) - first].astype(np.float32)


def numeric_order(path: Path) -> tuple:
    """The sort key that puts img_emb_2 before img_emb_10, whether or not numbers are padded."""
    return [_words_and_numbers(part) for part in path.parts], str(path)


def _words_and_numbers(name: str) -> list[str | int]:
    return [int(word) if number % 2 else word for number, word in enumerate(re.split(r"(\d+)", name))]


def embedding_paths(folder: Path | str, wanted: list[str], flag: str) -> dict[str, list[Path]]:
    """Source -> its files in the order of their rows, for those `wanted` (of NAMES) that the folder has.

    Raises:
        UserError: no folder, or none of these files in it; names `flag`.
    """
    found = {source: sorted(Path(folder).glob(f"**/{NAMES[source]}"), key=numeric_order) for source in wanted}
    found = {source: files for source, files in found.items() if files}
    if not found:
        expected = " or ".join(NAMES[source] for source in wanted)
        raise UserError(f"{flag} {folder} has no {expected}: knn_indices_helper/compute_*_embeddings.py writes them")
    return found


def matching_paths(folder: Path, pattern: str, flag: str) -> list[Path]:
    """The folder's files of one kind in the order of their rows.

    Raises:
        UserError: no folder, no such file, or files of two kinds (img_emb and text_embed); names `flag`.
    """
    if not folder.is_dir():
        raise UserError(f"{flag} {folder} is not a folder: it is where the text_embed_*.npy or img_emb_*.npy are")
    files = sorted((path for path in folder.glob(pattern) if path.is_file()), key=numeric_order)
    if not files:
        raise UserError(f"{flag} {folder} holds no {pattern}")
    kinds = sorted({re.sub(r"\d+$", "", path.stem) for path in files})
    if len(kinds) > 1:
        raise UserError(f"{flag} {folder} holds {' and '.join(kind + '*.npy' for kind in kinds)}: "
                        f"say which with --pattern '{kinds[0]}*.npy'")  # fmt: skip
    return files


def open_matching(folder: Path, pattern: str, flag: str) -> EmbeddingFiles:
    """The folder's files of one kind, opened.

    Raises:
        UserError: what `matching_paths` and `open_embeddings` refuse, or files without a row; names `flag`.
    """
    embeddings = open_embeddings(matching_paths(folder, pattern, flag))
    if embeddings.ntotal == 0:
        raise UserError(f"{flag} {folder} holds files without rows")
    return embeddings


def open_embeddings(files: list[Path]) -> EmbeddingFiles:
    """Memory-map embedding files, which are given in the order of their rows.

    Raises:
        UserError: a file that is cut, holds no rows of floats, or is not as wide as the first; names the file.
    """
    arrays: list[np.ndarray] = []
    for file in files:
        try:
            array = np.load(file, mmap_mode="r")
        except (ValueError, OSError, EOFError) as error:
            raise UserError(f"{file} is no whole npy file ({error}): compute or fetch it again") from error
        if array.ndim != 2 or array.dtype not in (np.float16, np.float32):
            raise UserError(f"{file} holds {array.dtype} of shape {array.shape}, not rows of float16 or float32")
        arrays.append(array)
        if array.shape[1] != arrays[0].shape[1]:
            raise UserError(f"{file} has width {array.shape[1]}, {files[0].name} has {arrays[0].shape[1]}: "
                            "they are of two models")  # fmt: skip
    return EmbeddingFiles(tuple(arrays), np.cumsum([0, *(len(array) for array in arrays)]), tuple(files))


def npy_header(rows: int, width: int) -> bytes:
    """The first bytes of a float16 npy file. NumPy pads it, so it has one length whatever the number of rows."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (rows, width)})
    return header.getvalue()
