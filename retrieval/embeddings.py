"""Embedding files as one matrix: which files, in which order, and their rows.

An embeddings folder holds `img_emb*.npy` and / or `text_emb*.npy`, as clip-retrieval and knn_indices_helper write them:
(rows, width), float16 or float32, unit rows.

The invariant: row i of the files, one after the other, is row i of the pool's metadata and id i of its index. The order
is that of the metadata files which they were made from (`in_row_order`), numbers counting as numbers (img_emb_2 before
img_emb_10). Every script takes it from here; tests/test_embeddings.py holds it.
Files are memory-mapped: 100 million rows × 768 × 2 bytes are 154 GB, of which one block at a time is read. Whoever
reads rows checks them with `check_rows`: inner products are cosines only between unit rows.
"""

import fnmatch
import glob
import io
import itertools
import json
import re
import tokenize
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.cli import UserError
from retrieval.index_folder import is_hidden

NAMES = {"text_index": "text_emb*.npy", "image_index": "img_emb*.npy"}
# Of np.load. A damaged header is Python code that does not parse, or a shape that no memory holds.
READ_ERRORS = (ValueError, OSError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError, zipfile.BadZipFile)
READ_ERRORS += (tokenize.TokenError,)  # numpy's, since Python 3.12, of a header with a null byte
PREFIX = re.compile(r"(text|img)_emb(ed)?_?")  # of a file's name: compute_*_embeddings.py's and clip-retrieval's
BLOCK_ROWS = 65_536  # 200 MB of float32 at width 768
UNIT_TOLERANCE = 0.01  # float16 rows of width 768 are unit to about 0.001


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
        vectors = np.empty((len(rows), self.d), np.float32)
        for number, here in self._by_file(rows):
            vectors[here] = self.arrays[number][rows[here] - self.starts[number]]
        return vectors

    def take_unit(self, rows: np.ndarray) -> np.ndarray:
        """`take`, checked. Arrays that are not of files are not checked.

        Raises:
            UserError: a row that is not unit; names its file and its number there.
        """
        vectors = self.take(rows)
        for number, here in self._by_file(rows) if self.files else ():
            check_rows(vectors[here], self.files[number], rows[here] - self.starts[number])
        return vectors

    def _by_file(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """(number of a file, which of the rows are in it) for each file that has some."""
        file_of = np.searchsorted(self.starts, rows, side="right") - 1
        for number in np.unique(file_of):
            yield number, file_of == number

    def blocks(self, start: int = 0, stop: int | None = None, block_rows: int = BLOCK_ROWS) -> Iterator:
        """(first row, float32 (at most block_rows, width)), over the rows from `start` up to `stop`."""
        stop = self.ntotal if stop is None else stop
        for array, (first, end) in zip(self.arrays, itertools.pairwise(self.starts.tolist()), strict=True):
            end = min(end, stop)
            for row in range(max(first, start), end, block_rows):
                yield row, array[row - first : min(row + block_rows, end) - first].astype(np.float32)


def check_rows(block: np.ndarray, file: Path | str, first_row: int | np.ndarray) -> None:
    """Refuse rows whose inner products are no cosines: not of length 1, all zeros, NaN or infinite.

    Args:
        block: float32 or float16 (n, width).
        file: what the refusal names.
        first_row: number of the block's first row in the file, or the number of each row (n,).

    Raises:
        UserError: names the file, the first such row and what is wrong with it.
    """
    block = block.astype(np.float32, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.einsum("nd,nd->n", block, block))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) < UNIT_TOLERANCE))  # NaN is not below it either
    if not wrong.size:
        return
    number = first_row + wrong[0] if np.isscalar(first_row) else first_row[wrong[0]]
    row = block[wrong[0]]
    if np.isnan(row).any():
        what = "holds NaN"
    elif np.isinf(row).any():
        what = "holds infinite values"
    else:
        what = f"has length {lengths[wrong[0]]:.3f}" if row.any() else "is all zeros"
    more = f"; {wrong.size:,} such rows among the {len(block):,} read with it" if wrong.size > 1 else ""
    raise UserError(
        f"{file}: row {number:,} {what}, so rows are not unit{more}: inner products are cosines only between rows of "
        "length 1; normalise the embeddings, or compute this file again"
    )


def numeric_order(path: Path) -> tuple:
    """The sort key that puts img_emb_2 before img_emb_10, whether or not numbers are padded.

    A suffix counts for nothing: X.npy and Y.npy are ordered as X.parquet and Y.parquet.
    """
    return [_words_and_numbers(part) for part in (*path.parts[:-1], path.stem)], str(path)


def _words_and_numbers(name: str) -> list[str | int]:
    return [int(word) if number % 2 else word for number, word in enumerate(re.split(r"(\d+)", name))]


def in_row_order(files: Iterable[Path]) -> list[Path]:
    """Embedding files in the order of their rows.

    Where each has a sidecar (X.json beside X.npy) that names the shard it was made from, and no two the same, this is
    the order of the shards, in which assemble_index_folder.py takes the metadata. Else it is that of their own names.
    """
    files = sorted(files, key=numeric_order)
    shards = [source_name(path) for path in files]
    if None in shards or len(set(shards)) < len(shards):
        return files
    return [path for _, path in sorted(zip(shards, files, strict=True), key=lambda pair: numeric_order(Path(pair[0])))]


def source_name(path: Path) -> str | None:
    """The name of the shard that an embedding file was made from, as its sidecar says; None where it does not."""
    try:
        name = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["shard"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def name_key(path: Path) -> str:
    """text_embed_0007.npy -> 0007."""
    return PREFIX.sub("", path.stem, count=1)


def unpadded(number: str) -> str:
    """0007 -> 7; other texts stay."""
    return number.lstrip("0") or "0" if number.isdigit() else number


def embedding_paths(folder: Path | str, wanted: list[str], flag: str) -> dict[str, list[Path]]:
    """Source -> its files in the order of their rows, for those `wanted` (of NAMES) that the folder has.

    Raises:
        UserError: no folder, or none of these files in it; names `flag`.
    """
    found = {source: in_row_order(visible_files(Path(folder), f"**/{NAMES[source]}")) for source in wanted}
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
    files = visible_files(folder, pattern)
    if not files:
        others = sorted({path.suffix for path in visible_files(folder, "*")} & {".npz", ".parquet", ".pt", ".h5"})
        raise UserError(f"{flag} {folder} holds no {pattern}" + (
            f", only *{others[0]}: write its rows as .npy files (numpy.save)" if others else ""))  # fmt: skip
    kinds: dict[str, list[str]] = {}
    for path in files:
        kinds.setdefault(kind_of(path), []).append(path.name)
    if len(kinds) > 1:
        listed = " and ".join(f"{kind}*.npy" for kind in sorted(kinds)[:4]) + (" and others" if len(kinds) > 4 else "")
        raise UserError(f"{flag} {folder} holds {listed}: {way_out(kinds)}")
    return in_row_order(files)


def visible_files(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.glob(pattern) if path.is_file() and not is_hidden(path, folder)]


def kind_of(path: Path) -> str:
    """How the names begin of files that belong together: `img_emb_`, `text_embed_`, else all up to the first digit.

    Hexadecimal names (DataComp's) are one kind.
    """
    known = re.match(r"img_emb(ed)?_|text_emb(ed)?_", path.name)
    if known:
        return known[0]
    return "" if re.fullmatch(r"[0-9a-f-]{16,}", path.stem) else re.split(r"\d", path.stem)[0]


def way_out(kinds: dict[str, list[str]]) -> str:
    """The --pattern that takes one kind of files and leaves the others, tried out on their names."""
    for kind, names in sorted(kinds.items()):
        others = [name for other in kinds if other != kind for name in kinds[other]]
        for pattern in (f"{glob.escape(kind)}*.npy", f"{glob.escape(kind)}[0-9]*.npy"):
            if fnmatch.filter(names, pattern) == names and not fnmatch.filter(others, pattern):
                return f"say which with --pattern '{pattern}'"
    return "put each kind into a folder of its own"


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
        array = open_array(file)
        arrays.append(array)
        if array.shape[1] != arrays[0].shape[1]:
            raise UserError(f"{file} has width {array.shape[1]}, {files[0].name} has {arrays[0].shape[1]}: "
                            "they are of two models")  # fmt: skip
    return EmbeddingFiles(tuple(arrays), np.cumsum([0, *(len(array) for array in arrays)]), tuple(files))


def open_array(file: Path) -> np.ndarray:
    """A memory map of an npy file, (rows, width). Nothing is unpickled, whatever the file holds."""
    try:
        array = np.load(file, mmap_mode="r")
    except READ_ERRORS as error:
        reason = str(error).partition(". ")[0]  # not numpy's advice to unpickle what a stranger wrote
        raise UserError(f"{file} is no whole npy file ({reason}): compute or fetch it again") from error
    if not isinstance(array, np.ndarray):
        raise UserError(f"{file} is an archive of {' and '.join(array.files)}, not one array of rows: write "
                        "one as a file of its own, numpy.save('X.npy', numpy.load('X.npz')['NAME'])")  # fmt: skip
    if array.ndim != 2 or array.dtype not in (np.float16, np.float32) or not array.shape[1]:
        raise UserError(f"{file} holds {array.dtype} of shape {array.shape}, not rows of float16 or float32 (where "
                        "they are rows of other numbers, X.astype('float32') before numpy.save)")  # fmt: skip
    behind = file.stat().st_size - array.offset - array.nbytes
    if behind:
        raise UserError(f"{file} holds {behind:,} bytes behind the {len(array):,} rows of its header: compute or fetch "
                        "it again (npy files joined by cat are no npy file)")  # fmt: skip
    return array


def read_npy_header(stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether it is in columns, dtype) of the npy file that begins here. Nothing is unpickled: NumPy reads the
    header with ast.literal_eval.

    Raises:
        ValueError: it is no npy file.
    """
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"npy version {version}")
    return read(stream)


def npy_header(rows: int, width: int) -> bytes:
    """The first bytes of a float16 npy file. NumPy pads it, so it has one length whatever the number of rows."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (rows, width)})
    return header.getvalue()
