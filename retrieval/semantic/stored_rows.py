"""Rows that lie in a file as they are, read by the thread that compares them: they are still in its core's cache then.

    at_end = []
    for stretch in stored_stretches(array, 0, array.rows, at_end):      # nothing is read yet
        stretch[:2048].read()                                           # float16 or float32 (2048, width)
    for finish in at_end:                                               # all was read
        finish()                                                        # the archive's checksum is compared

The kernel is told what will be read, so the disk works while rows are compared.
"""

import os
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
from zlib_ng import zlib_ng

from retrieval.semantic.array_files import STRETCH_ROWS, ArrayFile, named

POLYNOMIAL = 0xEDB88320  # of CRC-32, its bits reversed
ONE = 1 << 31  # the polynomial 1 in the same way


class StoredRows:
    """Some rows of a file, not read yet."""

    def __init__(self, source: "_Source", first: int, end: int):
        self._source, self._first, self._end = source, first, end

    def __len__(self) -> int:
        return self._end - self._first

    def __getitem__(self, part: slice) -> "StoredRows":
        first, end, _ = part.indices(len(self))
        return StoredRows(self._source, self._first + first, self._first + max(first, end))

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.read() if dtype is None else self.read().astype(dtype)

    def read(self, memory: np.ndarray | None = None) -> np.ndarray:
        """The rows (n, width), in the first rows of `memory` where it is given. Each row may be read once.

        Raises:
            UserError: the file is cut short.
        """
        array = self._source.array
        if memory is None:
            memory = np.empty((len(self), array.width), array.dtype)
        rows = memory[: len(self)]
        with named(array.path):
            self._source.fill(rows, self._first)
        return rows

    @property
    def width(self) -> int:
        return self._source.array.width

    @property
    def dtype(self) -> np.dtype:
        return self._source.array.dtype


def stored_stretches(array: ArrayFile, begin: int, end: int, at_end: list[Callable]) -> Iterator[StoredRows]:
    """The rows from `begin` up to `end`, STRETCH_ROWS at a time.

    Args:
        at_end: gets what is to be called when all of them were read. It raises UserError where the checksum of an
            archive's member differs; of a part of the member there is none.
    """
    with named(array.path):
        source = _Source(array, is_whole=(begin, end) == (0, array.rows))
    at_end.append(source.finish)
    for first in range(begin, end, STRETCH_ROWS):
        last = min(end, first + STRETCH_ROWS)
        source.will_need(first, last)
        yield StoredRows(source, first, last)


class _Source:
    """An open file, and the checksums of what was read of it. Threads may read side by side."""

    def __init__(self, array: ArrayFile, is_whole: bool):
        self.array, self._file = array, open(array.path, "rb", buffering=0)
        self._sums: dict[int, tuple[int, int]] | None = {} if array.member and is_whole else None

    def _place(self, row: int) -> int:
        return self.array.offset + row * self.array.width * self.array.dtype.itemsize

    def will_need(self, first: int, end: int) -> None:
        if hasattr(os, "posix_fadvise"):
            begin = self._place(first)
            os.posix_fadvise(self._file.fileno(), begin, self._place(end) - begin, os.POSIX_FADV_WILLNEED)

    def fill(self, rows: np.ndarray, first: int) -> None:
        memory, done = rows.view(np.uint8).reshape(-1), 0
        while done < len(memory):
            more = os.preadv(self._file.fileno(), [memory[done:]], self._place(first) + done)
            if not more:
                raise EOFError("it is cut short")
            done += more
        if self._sums is not None:
            self._sums[first] = zlib_ng.crc32(memory), len(memory)

    def finish(self) -> None:
        with named(self.array.path), self._file:
            if self._sums is not None:
                self._compare()

    def _compare(self) -> None:
        """The checksum of the whole member: of its header, and of the rows in order."""
        with zipfile.ZipFile(self.array.path) as archive:
            info = archive.getinfo(self.array.member)
            with archive.open(self.array.member) as stream:
                found = zlib_ng.crc32(stream.read(info.file_size - self._place(self.array.rows) + self._place(0)))
        for _, (checksum, length) in sorted(self._sums.items()):
            found = joined_checksum(found, checksum, length)
        if found != info.CRC:
            raise zipfile.BadZipFile("its checksum differs")


def joined_checksum(first: int, second: int, length: int) -> int:
    """CRC-32 of two texts, one after the other, from that of each and the second's length in bytes.

    A CRC is a remainder of polynomials over two elements: the first one is multiplied by x to the second's bits.
    """
    power, square, bits = ONE, ONE >> 1, 8 * length
    while bits:
        if bits & 1:
            power = _product(power, square)
        square, bits = _product(square, square), bits >> 1
    return _product(power, first) ^ second


def _product(one: int, other: int) -> int:
    product, bit = 0, ONE
    while bit:
        if one & bit:
            product ^= other
        other = other >> 1 ^ (POLYNOMIAL if other & 1 else 0)
        bit >>= 1
    return product
