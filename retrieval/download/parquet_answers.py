"""Answers that come out of the pool's own parquets: the image of one row (retrieval/parquet_images.py).

The images of a row group lie together, compressed, so they are read together: once per process, as the plan asks for
them one after the other. One thread reads, and the others wait: else 64 threads would hold 64 row groups in memory.
"""

import functools
import io
import threading
from collections import OrderedDict

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.download.pool_files import read_range, size_of
from retrieval.parquet_images import LARGEST_CHUNK, RowPlace, chunk_of, start_of
from retrieval.remote_address import ShardChanged

HELD_BYTES = 1 << 29  # images of the row groups read last: of 50 as `datasets` writes them, or of the two largest
OPEN_FOOTERS = 16
BATCH_ROWS = 16  # decoded at a time, so that a chunk that unpacks to far more than it says is seen in time
_held: OrderedDict[RowPlace, pa.ChunkedArray] = OrderedDict()  # the first row of a row group -> its images
_reading = threading.Lock()


def read_row(where: RowPlace, allow_private_hosts: bool) -> bytes | None:
    """The image's bytes; None where the row has none.

    Raises:
        OSError, ValueError, UserError: the file cannot be read.
        ShardChanged: its images lie elsewhere than the record says.
        PrivateFile: it is at a private address.
    """
    first = where._replace(row=0)
    with _reading:
        images = _held.pop(first, None)
        _held[first] = images = _images_of(first, allow_private_hosts) if images is None else images
        while len(_held) > 1 and sum(each.nbytes for each in _held.values()) > HELD_BYTES:
            _held.popitem(last=False)
    if where.row >= len(images):
        raise ShardChanged("it has fewer rows than it had")
    return images[where.row].as_py()


def _images_of(first: RowPlace, allow_private_hosts: bool) -> pa.ChunkedArray:
    """The images of a row group, whose first row is given."""
    footer = _footer(first.file, allow_private_hosts)
    chunk = chunk_of(footer, first.group, first.column) if first.group < footer.num_row_groups else None
    if chunk is None or (start_of(chunk), chunk.total_compressed_size) != (first.offset, first.size):
        raise ShardChanged("its images lie elsewhere than they did")
    held, left = [], LARGEST_CHUNK
    with _opened(first.file, allow_private_hosts, footer) as file:
        batches = file.iter_batches(BATCH_ROWS, row_groups=[first.group], columns=[first.column], use_threads=False)
        for batch in batches:
            images = batch.column(0)
            images = images.field("bytes") if pa.types.is_struct(images.type) else images
            if (left := left - images.nbytes) < 0:
                raise ValueError(f"the images of a row group take more than {LARGEST_CHUNK:,} bytes")
            held.append(images)
    return pa.chunked_array(held, pa.binary() if not held else held[0].type)


@functools.lru_cache(OPEN_FOOTERS)
def _footer(file: str, allow_private_hosts: bool) -> pq.FileMetaData:
    with _opened(file, allow_private_hosts) as opened:
        return opened.metadata


def _opened(file: str, allow_private_hosts: bool, footer: pq.FileMetaData | None = None) -> pq.ParquetFile:
    source = pa.PythonFile(_Ranges(file, allow_private_hosts), mode="r")
    return pq.ParquetFile(source, metadata=footer, pre_buffer=True)


class _Ranges(io.RawIOBase):
    """A file of the pool as pyarrow reads one."""

    def __init__(self, file: str, allow_private_hosts: bool):
        super().__init__()
        self._file, self._allowed, self._position = file, allow_private_hosts, 0
        self._size = size_of(file, allow_private_hosts)

    def read(self, size: int = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._position + size)
        data = read_range(self._file, self._position, end, self._allowed)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def size(self) -> int:
        return self._size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
