"""Rows of floats in an npy file or in a member of an npz: opened without unpickling anything, read front to back.

An npz is a zip archive of npy files. A stored member lies in it as it is and can be read at any row; a deflated one can
only be streamed, and so is what lies on another machine. The checksums of the archive are compared at the end of each
member.
"""

import contextlib
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.cli import UserError
from retrieval.embeddings import READ_ERRORS, open_array, read_npy_header
from retrieval.remote_address import RemoteFile

STRETCH_ROWS = 16_384  # read at once: × 768 × 2 bytes = 25 MB
LOCAL_HEADER_BYTES = 30  # of a zip entry, before its name and its extra field (APPNOTE.TXT, 4.3.7)
TAIL_BYTES = 1 << 14  # of a remote archive, fetched at once: its directory, about 60 bytes per member
HEADER_BYTES = 1 << 13  # the same of each member: its headers, and the 4 KiB that zipfile reads at least
DAMAGE = (*READ_ERRORS, zlib.error, RuntimeError, NotImplementedError)  # RuntimeError: an encrypted member


@dataclass(frozen=True)
class ArrayFile:
    """Rows of one file."""

    path: Path | RemoteFile
    member: str | None  # of an npz
    dtype: np.dtype  # float16 or float32
    rows: int
    width: int
    offset: int | None  # of the first row in the file; None: the member is deflated, or on another machine

    @property
    def name(self) -> str:
        return f"{self.path} ({self.member})" if self.member else str(self.path)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(n, width) of int64 row numbers, where `offset` is known."""
        if not len(rows):
            return np.empty((0, self.width), self.dtype)
        mapped = np.memmap(self.path, self.dtype, "r", self.offset, (self.rows, self.width))
        return np.asarray(mapped[rows])


def open_npy(path: Path) -> ArrayFile:
    """Read an npy file's header.

    Raises:
        UserError: what `embeddings.open_array` refuses.
    """
    array = open_array(path)
    return ArrayFile(path, None, array.dtype, *array.shape, array.offset)


def open_members(path: Path | RemoteFile, keys: dict[str, tuple[str, str]]) -> dict[str, ArrayFile]:
    """Members of an npz.

    Args:
        keys: what a member is for -> (its key, the flag that names another).

    Raises:
        UserError: no whole archive, a member that is missing, or one that is no rows of float16 or float32.
    """
    with named(path), _archive(path) as (archive, fetch_ahead):
        names = {name.removesuffix(".npy"): name for name in archive.namelist()}
        opened = {}
        for what, (key, flag) in keys.items():
            if key not in names:
                raise UserError(f"{path} has no member {key!r} (it has {', '.join(names)}): name one with {flag}")
            fetch_ahead(names[key], 0)
            opened[what] = _open_member(path, archive, names[key])
        return opened


@contextlib.contextmanager
def _archive(path: Path | RemoteFile) -> Iterator[tuple[zipfile.ZipFile, Callable]]:
    """The open archive, and `fetch_ahead(member, size)`: its headers and so many bytes will be read.

    It does nothing for a file on a disk.
    """
    if not isinstance(path, RemoteFile):
        with zipfile.ZipFile(path) as archive:
            yield archive, lambda member, size: None
        return
    from retrieval.remote_file import RemoteReader  # 0.4 s for the libraries that read from the network

    tail = max(0, path.bytes - TAIL_BYTES)
    with RemoteReader(path) as reader:
        reader.expect([(tail, path.bytes)])
        with zipfile.ZipFile(reader) as archive:

            def fetch_ahead(member: str, size: int) -> None:
                begin = archive.getinfo(member).header_offset
                if begin < tail:
                    reader.expect([(begin, min(begin + HEADER_BYTES + size, tail))])

            yield archive, fetch_ahead


def _open_member(path: Path | RemoteFile, archive: zipfile.ZipFile, member: str) -> ArrayFile:
    with archive.open(member) as stream:
        shape, fortran, dtype = read_npy_header(stream)
        begin = stream.tell()
    if dtype.hasobject or dtype not in (np.float16, np.float32) or len(shape) != 2 or not shape[1] or fortran:
        what = "pickled Python objects, which are never opened" if dtype.hasobject else f"{dtype} of shape {shape}"
        what += " in columns" if fortran and not dtype.hasobject else ""
        raise UserError(f"{path}: member {member} holds {what}, not rows of float16 or float32: write it again so")
    info = archive.getinfo(member)
    if info.file_size != begin + math.prod(shape) * dtype.itemsize:
        raise UserError(f"{path}: member {member} has not the {shape[0]:,} rows of its header: fetch it again")
    offset = None
    if info.compress_type == zipfile.ZIP_STORED and not isinstance(path, RemoteFile):
        with open(path, "rb") as file:
            file.seek(info.header_offset)
            local = file.read(LOCAL_HEADER_BYTES)
        lengths = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        offset = info.header_offset + LOCAL_HEADER_BYTES + lengths + begin
    return ArrayFile(path, member, dtype, *shape, offset)


def read_rows(array: ArrayFile, begin: int, end: int) -> Iterator[np.ndarray]:
    """The rows from `begin` up to `end` of a member that can only be streamed, at most STRETCH_ROWS at a time.

    Each time in memory of their own. (stored_rows.py reads the others.)

    Raises:
        UserError: the file is cut short, or its checksum differs.
    """
    with named(array.path), _archive(array.path) as (archive, fetch_ahead):
        fetch_ahead(array.member, archive.getinfo(array.member).compress_size)
        with archive.open(array.member) as stream:
            read_npy_header(stream)
            _skip(stream, begin * array.width * array.dtype.itemsize)
            for first in range(begin, end, STRETCH_ROWS):
                rows = np.empty((min(STRETCH_ROWS, end - first), array.width), array.dtype)
                _fill(stream, rows.view(np.uint8).reshape(-1))
                yield rows
            if end == array.rows and stream.read(1):  # its end is where zipfile compares the checksum
                raise ValueError("it is longer than its header says")


def _fill(stream, memory: np.ndarray) -> None:
    done = 0
    while done < len(memory):
        more = stream.readinto(memory[done:])
        if not more:
            raise EOFError("it is cut short")
        done += more


def _skip(stream, size: int) -> None:
    while size:
        size -= len(stream.read(min(size, 1 << 20))) or size


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """What a reader says of a damaged file becomes a UserError that names it."""
    try:
        yield
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path} is no whole npz or npy file ({reason}): fetch or compute it again") from error
