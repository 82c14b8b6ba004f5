"""A remote file as a file object that pyarrow reads, and what is fetched of it ahead of the reader.

    with RemoteReader(file) as reader:
        reader.expect([(4, 70_000), (900_000, 950_000)])    # will be read in this order: fetched ahead, piece by piece
        pq.ParquetFile(reader, metadata=footer_of(file))

What was expected is fetched by threads, a bounded part of it before it is read, and each byte once. Anything else
is fetched when it is read, exactly as much as was asked for. (pyarrow's `pre_buffer` fetches whole row groups' columns
into memory, and reads a Python file one range after the other; fsspec's caches read blocks that nobody needs.)
"""

import bisect
import functools
import io
import os
import struct
from collections import OrderedDict
from concurrent.futures import Future, wait
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.cli import UserError
from retrieval.files import free_bytes
from retrieval.http_answers import GiveUp
from retrieval.remote_address import COPY_IT, RemoteFile, ShardChanged
from retrieval.remote_http import HttpRanges
from retrieval.remote_traffic import Helpers, is_stopped, waiting

PIECE_BYTES = 1 << 22  # of one request: at 50 ms per request and four requests at a time, 300 MB per second
AHEAD_BYTES = 1 << 24  # of the captions: fetched and not yet read
BESIDE_BYTES = 1 << 23  # the same of each other column, of which there are about ten
SMALL_BYTES = 1 << 20  # ranges up to this length are fetched in one request with others that lie
GAP_BYTES = 1 << 12  # so near: the numbers and tags of a row group are some KB each
REQUESTS = 16  # in flight per process; each row group's captions are one, and shards of 100 MB have some ten
LARGEST_TAIL, SMALLEST_TAIL, TAIL_SHARE = 1 << 16, 1 << 14, 200  # the footer is guessed to be in the last 200th
OPENED = 16  # files whose footer and redirect are kept in memory
STOP_SECONDS = 0.5  # a wait ends within this time after the run was stopped
FOOTER_END = 8  # bytes: the footer's length, and PAR1


def missing(file: RemoteFile, why: object) -> UserError:
    return UserError(f"shard {file} could not be read: {why}")


@functools.lru_cache(maxsize=OPENED)
def ranges_of(file: RemoteFile):
    """Reads ranges of that version of the file: an HttpRanges, or a StoreRanges."""
    if file.scheme == "hf":
        from retrieval.remote_hub import hub_ranges  # 0.3 s for huggingface_hub

        return hub_ranges(file)
    if file.scheme in ("s3", "gs"):
        from retrieval.remote_store import StoreRanges  # 0.1 s for fsspec

        return StoreRanges(file)
    return HttpRanges(file.source, size=file.bytes, identity=file.identity)


def read_range(file: RemoteFile, start: int, end: int) -> bytes:
    """Some bytes of the file.

    Raises:
        UserError: names the file and the reason; ShardChanged: its version is gone.
    """
    try:
        return ranges_of(file).read(start, end)
    except ShardChanged as error:
        raise ShardChanged(f"shard {file} {str(error).removeprefix('it ')}: run the same command again for the new "
                           "version") from error  # fmt: skip
    except GiveUp as error:
        raise missing(file, error) from error


@functools.lru_cache(maxsize=OPENED)
def footer_of(file: RemoteFile) -> pq.FileMetaData:
    """A parquet file's footer, in one request where it is as short as footers are.

    Raises:
        UserError: it has none, cannot be fetched, or is damaged.
    """
    guess = min(file.bytes, max(SMALLEST_TAIL, min(LARGEST_TAIL, file.bytes // TAIL_SHARE)))
    tail = awaited(_fetch(file, file.bytes - guess, file.bytes))
    if len(tail) < FOOTER_END or tail[-4:] != b"PAR1":
        raise UserError(
            f"shard {file} is no parquet file, and by its name no list or Arrow file; nothing else is read where it "
            f"lies: {COPY_IT}"
        )
    length = struct.unpack("<I", tail[-FOOTER_END:-4])[0] + FOOTER_END
    if length > file.bytes:
        raise UserError(f"shard {file} is damaged (its footer is longer than the file)")
    if length > guess:
        tail = awaited(_fetch(file, file.bytes - length, file.bytes - guess)) + tail
    return pq.read_metadata(pa.BufferReader(tail[-length:]))


def copy_to(file: RemoteFile, path: Path) -> None:
    """The whole file, on a disk.

    Raises:
        UserError: it cannot be fetched, or the disk has no room.
    """
    if (free := free_bytes(path.parent)) < file.bytes:
        raise UserError(f"shard {file} has {file.bytes:,} bytes, and the disk of {path.parent} has {free:,} left")
    with RemoteReader(file) as reader, open(path, "wb") as copy:
        reader.expect([(0, file.bytes)])
        while block := reader.read(PIECE_BYTES):
            copy.write(block)


# ---- threads that fetch ----


@functools.cache
def _fetchers(process: int) -> Helpers:
    """Threads do not come along when a process is forked, so each process has its own."""
    return Helpers(REQUESTS)


def _fetch(file: RemoteFile, start: int, end: int) -> Future:
    return _fetchers(os.getpid()).submit(read_range, file, start, end)


def awaited(future: Future) -> bytes:
    """The result. Meanwhile another process may compute."""
    if not future.done():
        with waiting():
            while not wait([future], STOP_SECONDS).done:
                if is_stopped():
                    raise UserError("the run ended before it was scanned")
    return future.result()


# ---- the file object ----


class _Stream:
    """Ranges that will be read one after the other, in pieces: some are fetched ahead, those behind are forgotten.

    With `keep` they are read in any order, and kept until `close`.
    """

    def __init__(self, file: RemoteFile, ranges: list[tuple[int, int]], ahead_bytes: int, keep: bool = False):
        self._file, self._keep, self._ahead_bytes = file, keep, ahead_bytes
        self.pieces = [
            (begin, min(begin + PIECE_BYTES, end)) for start, end in ranges for begin in range(start, end, PIECE_BYTES)
        ]
        self._fetched: OrderedDict[int, Future] = OrderedDict()  # number of a piece -> its bytes
        self._next = self._ahead = 0  # the piece to be asked for next, and the bytes asked for and not forgotten
        self._top_up()

    def _top_up(self) -> None:
        while self._next < len(self.pieces) and (not self._fetched or self._ahead < self._ahead_bytes):
            start, end = self.pieces[self._next]
            self._fetched[self._next] = _fetch(self._file, start, end)
            self._ahead += end - start
            self._next += 1

    def piece(self, number: int) -> bytes | None:
        """A piece's bytes; None where it was read and forgotten."""
        if number < self._next and number not in self._fetched:
            return None
        self._next = max(self._next, number)
        for passed in [earlier for earlier in self._fetched if earlier < number and not self._keep]:
            self._forget(passed)
        self._top_up()
        return awaited(self._fetched[number])

    def _forget(self, number: int) -> None:
        self._fetched.pop(number).cancel()
        start, end = self.pieces[number]
        self._ahead -= end - start

    def close(self) -> None:
        for number in list(self._fetched):
            self._forget(number)


class RemoteReader(io.RawIOBase):
    """Reads one remote file. Not for several threads at once."""

    def __init__(self, file: RemoteFile):
        super().__init__()
        self._file, self._position = file, 0
        self._starts: list[int] = []  # of the pieces that are expected, ascending
        self._expected: dict[int, tuple[_Stream, int]] = {}  # a piece's start -> where it is
        self._beside: list[_Stream] = []  # those of `expect_side_by_side`

    def expect(self, ranges: list[tuple[int, int]]) -> None:
        """Fetch these ranges ahead, in this order. None of them may overlap another."""
        self._add(_Stream(self._file, ranges, AHEAD_BYTES))

    def expect_side_by_side(self, ranges: list[tuple[int, int]]) -> None:
        """Fetch these ranges ahead, each of which will be read on its own. Those of the last call are forgotten."""
        for stream in self._beside:
            stream.close()
            for start, _ in stream.pieces:
                self._expected.pop(start, None)
        self._starts = sorted(self._expected)
        small = [each for each in ranges if each[1] - each[0] <= SMALL_BYTES]
        large = [each for each in ranges if each[1] - each[0] > SMALL_BYTES]
        self._beside = [_Stream(self._file, [each], BESIDE_BYTES) for each in large]
        self._beside += [_Stream(self._file, [each], BESIDE_BYTES, keep=True) for each in joined(small, self._starts)]
        for stream in self._beside:
            self._add(stream)

    def _add(self, stream: _Stream) -> None:
        for number, (start, _) in enumerate(stream.pieces):
            self._expected[start] = stream, number
        self._starts = sorted(self._expected)

    def read(self, size: int = -1) -> bytes:
        end = self._file.bytes if size is None or size < 0 else min(self._file.bytes, self._position + size)
        parts = []
        while self._position < end:
            part = self._next_bytes(self._position, end)
            self._position += len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _next_bytes(self, start: int, end: int) -> bytes:
        """The bytes from `start` on, as far as one piece has them; at most up to `end`."""
        before = bisect.bisect_right(self._starts, start) - 1
        if before >= 0:
            stream, number = self._expected[self._starts[before]]
            first, last = stream.pieces[number]
            if start < last:
                end = min(end, last)
                piece = stream.piece(number)
                return awaited(_fetch(self._file, start, end)) if piece is None else piece[start - first : end - first]
        if before + 1 < len(self._starts):
            end = min(end, self._starts[before + 1])
        return awaited(_fetch(self._file, start, end))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.bytes}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def size(self) -> int:
        return self._file.bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        for stream, _ in self._expected.values():
            stream.close()
        super().close()


def joined(ranges: list[tuple[int, int]], others: list[int] = ()) -> list[tuple[int, int]]:
    """Ranges that lie near each other as one, up to the length of a piece.

    Args:
        others: starts, ascending, of ranges that are fetched anyhow, and are not to lie within a joined one.
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        between = found and bisect.bisect_left(others, start) > bisect.bisect_left(others, found[-1][1])
        if found and not between and start - found[-1][1] <= GAP_BYTES and end - found[-1][0] <= PIECE_BYTES:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
