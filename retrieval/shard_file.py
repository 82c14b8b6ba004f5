"""How a shard's bytes are reached: the only place that opens the files of the formats that are streamed.

with open_unpacked(path) as stream:      # csv, json, tar; plain or packed with gzip, zstd or bzip2
    stream.read(1 << 20)
with open_whole(path) as file:           # arrow: read here and there
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
SAMPLE_BYTES = 1 << 16  # of text: some 300 rows, which show how they are cut


def open_whole(path: Path) -> pa.NativeFile:
    return pa.memory_map(str(path))


def packing(head: bytes) -> str | None:
    """The codec of a file that begins with these bytes; None where it is not packed."""
    return next((codec for magic, codec in PACKED.items() if head.startswith(magic)), None)


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[pa.NativeFile]:
    """The file's content as a stream. A packed file that is cut short raises OSError when its end is read."""
    with contextlib.ExitStack() as until_the_end:
        raw = until_the_end.enter_context(open(path, "rb"))
        codec = packing(raw.read(4))
        raw.seek(0)
        file = until_the_end.enter_context(pa.PythonFile(raw, "r"))
        yield file if codec is None else until_the_end.enter_context(pa.CompressedInputStream(file, codec))


def beginning(path: Path, size: int = SAMPLE_BYTES) -> bytes:
    """The first bytes of the content, unpacked."""
    with open_unpacked(path) as stream:
        parts, left = [], size
        while left > 0 and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
