"""How a shard's bytes are reached: the only place that opens the files of the formats that are streamed.

with open_unpacked(path) as stream:      # csv, json, tar; plain or packed with gzip, zstd or bzip2
    stream.read(1 << 20)
with open_whole(path) as file:           # arrow: read here and there

A remote file is fetched ahead of its reader (remote_file.py), whole.
"""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from retrieval.remote_address import RemoteFile

PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
FOOTER_BYTES = 1 << 16  # of an Arrow file: 50 or so per batch
SAMPLE_BYTES = 1 << 16  # of text: some 300 rows, which show how they are cut


def open_whole(path: Path | RemoteFile, expected: int | None = None) -> pa.NativeFile:
    """`expected`: so many bytes of a remote file will be read; None: all. Its footer is read first, so not ahead."""
    if not isinstance(path, RemoteFile):
        return pa.memory_map(str(path))
    body = max(0, path.bytes - FOOTER_BYTES)
    return pa.PythonFile(_opened(path, body if expected is None else min(expected, body)), "r")


def _opened(path: Path | RemoteFile, expected: int | None) -> io.IOBase:
    if not isinstance(path, RemoteFile):
        return open(path, "rb")
    from retrieval.remote_file import RemoteReader  # 0.4 s for the libraries that read from the network

    reader = RemoteReader(path)
    reader.expect([(0, path.bytes if expected is None else min(expected, path.bytes))])
    return reader


def packing(head: bytes) -> str | None:
    """The codec of a file that begins with these bytes; None where it is not packed."""
    return next((codec for magic, codec in PACKED.items() if head.startswith(magic)), None)


@contextlib.contextmanager
def open_unpacked(path: Path | RemoteFile, expected: int | None = None) -> Iterator[pa.NativeFile]:
    """The file's content as a stream. A packed file that is cut short raises OSError when its end is read.

    Args:
        expected: so many bytes of the file will be read; None: all.
    """
    with contextlib.ExitStack() as until_the_end:
        raw = until_the_end.enter_context(_opened(path, expected))
        codec = packing(raw.read(4))
        raw.seek(0)
        file = until_the_end.enter_context(pa.PythonFile(raw, "r"))
        yield file if codec is None else until_the_end.enter_context(pa.CompressedInputStream(file, codec))


def beginning(path: Path | RemoteFile, size: int = SAMPLE_BYTES) -> bytes:
    """The first bytes of the content, unpacked."""
    with open_unpacked(path, size) as stream:
        parts, left = [], size
        while left > 0 and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
