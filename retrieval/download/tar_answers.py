"""Answers that come out of the pool's own tars: instead of a request, some bytes of a tar are read.

In img2dataset's list such an image stands as `["PLACE", "URL"]`: its place (tar_images.py), and the URL that names it
in the plan. No URL begins so. A local tar is read where it lies, of a remote one the range of the image. The bytes are
taken if the block before them is the header of this image: then the tar is the one that the record speaks of. After
that they pass the checks that an answer of the web passes.

A record may be a stranger's. So of a path only a regular file is opened, by the name that the filters write; an address
means one file, no pattern; and http leads to no private address, unless the user says --allow-private-hosts.
"""

import functools
import io
import json
import os
import re
import stat
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator

from retrieval.cli import UserError
from retrieval.download.answer_bytes import TOO_LARGE, BadAnswer, check_image
from retrieval.remote_address import ShardChanged, is_address, scheme_of
from retrieval.tar_images import BLOCK_BYTES, is_header_of, split_place

UNREADABLE, CHANGED, PRIVATE = "tar cannot be read", "tar has changed", "tar at a private address"
TAR_FAULTS = (UNREADABLE, CHANGED, PRIVATE)  # of a tar, not of an image: the next run tries again
OPEN_TARS = 64  # per process
LISTED = '["'

_given_up: dict[str, str] = {}  # tars that could not be read -> fault: a server's patience is spent once per tar


def is_listed(text: str) -> bool:
    return text.startswith(LISTED)


def url_of(text: str) -> str:
    """The URL of a line of img2dataset's list."""
    return json.loads(text)[1] if is_listed(text) else text


def read_listed(text: str, max_bytes: int, allow_private_hosts: bool) -> tuple[io.BytesIO | None, str | None]:
    """(the image's bytes, None), or (None, why there are none), as img2dataset's download_image has them."""
    try:
        return io.BytesIO(read_image(json.loads(text)[0], max_bytes, allow_private_hosts)), None
    except BadAnswer as error:
        return None, f"refused: {error}"


def read_image(place: str, max_bytes: int, allow_private_hosts: bool = False) -> bytes:
    """
    Raises:
        BadAnswer: one of TAR_FAULTS, or a reason of answer_bytes.py.
    """
    where = split_place(place)
    if where.size > max_bytes:
        raise BadAnswer(TOO_LARGE)
    if where.tar in _given_up:
        raise BadAnswer(_given_up[where.tar])
    start, end = where.offset - BLOCK_BYTES, where.offset + where.size
    try:
        if is_address(where.tar):
            data = _remote_bytes(where.tar, start, end, allow_private_hosts)
        else:
            data = _local_bytes(where.tar, start, end)
    except ShardChanged as error:
        raise BadAnswer(CHANGED) from error
    except (OSError, ValueError, UserError) as error:
        _given_up[where.tar] = PRIVATE if isinstance(error, _AtPrivateAddress) else UNREADABLE
        raise BadAnswer(_given_up[where.tar]) from error
    if len(data) < end - start or not is_header_of(data[:BLOCK_BYTES], where):
        raise BadAnswer(CHANGED)
    check_image(data[BLOCK_BYTES:])
    return data[BLOCK_BYTES:]


# ---- local tars ----


def _local_bytes(tar: str, start: int, end: int) -> bytes:
    file = _opened(tar)
    return b"".join(_pieces(file.fileno(), start, end))


def _pieces(file: int, start: int, end: int) -> Iterator[bytes]:
    while start < end and (piece := os.pread(file, end - start, start)):
        yield piece
        start += len(piece)


@functools.lru_cache(OPEN_TARS)
def _opened(tar: str):
    """
    Raises:
        OSError, ValueError: it cannot be opened, is no regular file, or is not named as the filters name a tar.
    """
    if tar != os.path.abspath(tar):
        raise ValueError("no absolute path, or one with ..")
    file = open(os.open(tar, os.O_RDONLY | os.O_NONBLOCK), "rb")  # a pipe would be waited for
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("no regular file")
    return file


# ---- remote tars ----

_asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # tar -> held while its version is asked for
_PATTERN = re.compile(r"[*?\[{]")


class _AtPrivateAddress(UserError):
    """A tar of a stranger's choice, where nothing of a stranger may lead."""


def _remote_bytes(tar: str, start: int, end: int, allow_private_hosts: bool) -> bytes:
    from retrieval.http_answers import GiveUp, PrivateAddress  # 0.1 s for urllib3

    try:
        with _asking[tar]:
            read, size = _reader(tar, allow_private_hosts)
        if end > size:
            raise ShardChanged("it is shorter than it was")
        return read(start, end)
    except PrivateAddress as error:
        raise _AtPrivateAddress(str(error)) from error
    except GiveUp as error:
        raise UserError(f"{tar}: {error}") from error


@functools.lru_cache(OPEN_TARS)
def _reader(tar: str, allow_private_hosts: bool) -> tuple[Callable[[int, int], bytes], int]:
    """(what reads a range of the tar, as it is now, its size in bytes)."""
    from retrieval.remote_file import read_range  # 0.4 s for the libraries that read from the network
    from retrieval.remote_http import LISTING_PATIENCE, HttpRanges
    from retrieval.remote_shards import find_remote

    if scheme_of(tar) in ("http", "https"):
        first = HttpRanges(tar, patience=LISTING_PATIENCE, is_typed=allow_private_hosts)
        first.read(0, 1)
        return HttpRanges(tar, None, first.size, first.identity, is_typed=allow_private_hosts).read, first.size
    if _PATTERN.search(tar):  # a stranger's {0..999999999} would be written out, and ** list a whole bucket
        raise UserError(f"{tar} is a pattern")
    file = find_remote([tar], "--pixels tar")[0]
    return functools.partial(read_range, file), file.bytes
