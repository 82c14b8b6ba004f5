"""Answers that come out of the pool's own tars: instead of a request, some bytes of a tar are read.

In img2dataset's list such an image stands as `["PLACE", "URL"]`: its place (tar_images.py), and the URL that names it
in the plan. No URL begins so. A local tar is read where it lies, of a remote one the range of the image. The bytes are
taken if the block before them is the header of this image: then the tar is the one that the record speaks of. After
that they pass the checks that an answer of the web passes.
"""

import functools
import io
import json
import os
import threading
from collections.abc import Iterator

from retrieval.cli import UserError
from retrieval.download.answer_bytes import TOO_LARGE, BadAnswer, check_image
from retrieval.remote_address import RemoteFile, ShardChanged, is_address
from retrieval.tar_images import BLOCK_BYTES, is_header_of, split_place

UNREADABLE, CHANGED = "tar cannot be read", "tar has changed"
TAR_FAULTS = (UNREADABLE, CHANGED)  # of a tar, not of an image: the next run tries again
OPEN_TARS = 64  # per process
LISTED = '["'

_given_up: set[str] = set()  # tars that could not be read: a server's patience is spent once per tar, not per image


def is_listed(text: str) -> bool:
    return text.startswith(LISTED)


def url_of(text: str) -> str:
    """The URL of a line of img2dataset's list."""
    return json.loads(text)[1] if is_listed(text) else text


def read_listed(text: str, max_bytes: int) -> tuple[io.BytesIO | None, str | None]:
    """(the image's bytes, None), or (None, why there are none), as img2dataset's download_image has them."""
    try:
        return io.BytesIO(read_image(json.loads(text)[0], max_bytes)), None
    except BadAnswer as error:
        return None, f"refused: {error}"


def read_image(place: str, max_bytes: int) -> bytes:
    """
    Raises:
        BadAnswer: one of TAR_FAULTS, or a reason of answer_bytes.py.
    """
    where = split_place(place)
    if where.size > max_bytes:
        raise BadAnswer(TOO_LARGE)
    if where.tar in _given_up:
        raise BadAnswer(UNREADABLE)
    start, end = where.offset - BLOCK_BYTES, where.offset + where.size
    try:
        data = _remote_bytes(where.tar, start, end) if is_address(where.tar) else _local_bytes(where.tar, start, end)
    except ShardChanged as error:
        raise BadAnswer(CHANGED) from error
    except (OSError, UserError) as error:
        _given_up.add(where.tar)
        raise BadAnswer(UNREADABLE) from error
    if len(data) < end - start or not is_header_of(data[:BLOCK_BYTES], where):
        raise BadAnswer(CHANGED)
    check_image(data[BLOCK_BYTES:])
    return data[BLOCK_BYTES:]


def _local_bytes(tar: str, start: int, end: int) -> bytes:
    file = _opened(tar)
    return b"".join(_pieces(file.fileno(), start, end))


def _pieces(file: int, start: int, end: int) -> Iterator[bytes]:
    while start < end and (piece := os.pread(file, end - start, start)):
        yield piece
        start += len(piece)


@functools.lru_cache(OPEN_TARS)
def _opened(tar: str):
    return open(tar, "rb")


# ---- remote tars ----

_listing = threading.Lock()  # the first thread asks for a tar's version; the others wait for the answer


def _remote_bytes(tar: str, start: int, end: int) -> bytes:
    from retrieval.remote_file import read_range  # 0.4 s for the libraries that read from the network

    with _listing:
        file = _version(tar)
    if end > file.bytes:
        raise ShardChanged("it is shorter than it was")
    return read_range(file, start, end)


@functools.lru_cache(OPEN_TARS)
def _version(tar: str) -> RemoteFile:
    from retrieval.remote_shards import find_remote

    return find_remote([tar], "--pixels tar")[0]
