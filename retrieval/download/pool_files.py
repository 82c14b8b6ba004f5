"""Files of the pool that records name, local or remote: some bytes of them, and no more than the user allows.

A record may be a stranger's. So of a path only a regular file is opened, by the name that the filters write; an address
means one file, no pattern; and http leads to no private address, unless the user says --allow-private-hosts.
"""

import functools
import os
import re
import stat
import threading
from collections import defaultdict
from collections.abc import Iterator

from retrieval.cli import UserError
from retrieval.remote_address import is_address, scheme_of

OPEN_FILES = 64  # per process
_PATTERN = re.compile(r"[*?\[{]")
# Address -> held while its version is asked for.
_asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class PrivateFile(UserError):
    """A file of a stranger's choice, where nothing of a stranger may lead."""


def read_range(file: str, start: int, end: int, allow_private_hosts: bool) -> bytes:
    """The bytes from `start` up to `end`; fewer where the file ends before.

    Raises:
        OSError, ValueError, UserError: it cannot be read.
        ShardChanged: its version is gone.
        PrivateFile: it is at a private address.
    """
    if not is_address(file):
        opened = _opened(file)  # held: two threads may both open it, and only one of the two is kept
        return b"".join(_pieces(opened.fileno(), start, end))
    from retrieval.http_answers import GiveUp, PrivateAddress  # 0.1 s for urllib3

    try:
        read, size = _remote(file, allow_private_hosts)
        return read(start, min(end, size)) if start < size else b""
    except PrivateAddress as error:
        raise PrivateFile(str(error)) from error
    except GiveUp as error:
        raise UserError(f"{file}: {error}") from error


def size_of(file: str, allow_private_hosts: bool) -> int:
    """Its bytes. Raises as read_range."""
    if not is_address(file):
        opened = _opened(file)
        return os.fstat(opened.fileno()).st_size
    read_range(file, 0, 1, allow_private_hosts)
    return _remote(file, allow_private_hosts)[1]


def _pieces(file: int, start: int, end: int) -> Iterator[bytes]:
    while start < end and (piece := os.pread(file, end - start, start)):
        yield piece
        start += len(piece)


@functools.lru_cache(OPEN_FILES)
def _opened(path: str):
    """
    Raises:
        OSError, ValueError: it cannot be opened, is no regular file, or is not named as the filters name a file.
    """
    if path != os.path.abspath(path):
        raise ValueError("no absolute path, or one with ..")
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")  # a pipe would be waited for
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("no regular file")
    return file


def _remote(address: str, allow_private_hosts: bool):
    with _asking[address]:  # the first thread asks for the version; the others wait for the answer
        return _reader(address, allow_private_hosts)


@functools.lru_cache(OPEN_FILES)
def _reader(address: str, allow_private_hosts: bool):
    """(what reads a range of the file, as it is now, its size in bytes)."""
    from retrieval import remote_file  # 0.4 s for the libraries that read from the network
    from retrieval.remote_http import LISTING_PATIENCE, HttpRanges
    from retrieval.remote_shards import find_remote

    if scheme_of(address) in ("http", "https"):
        first = HttpRanges(address, patience=LISTING_PATIENCE, is_typed=allow_private_hosts)
        first.read(0, 1)
        return HttpRanges(address, None, first.size, first.identity, is_typed=allow_private_hosts).read, first.size
    if _PATTERN.search(address):  # a stranger's {0..999999999} would be written out, and ** list a whole bucket
        raise UserError(f"{address} is a pattern")
    file = find_remote([address], "--pixels tar")[0]
    return functools.partial(remote_file.read_range, file), file.bytes
