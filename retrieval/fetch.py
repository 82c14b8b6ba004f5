"""Large files over HTTP: resumed, checked, retried, from several mirrors.

    fetch_file(["https://a/x.npy", "https://b/x.npy"], Path("x.npy")) -> FetchResult, or FetchError with one sentence

The invariant: a file has its name only when it is whole, and bytes of two versions of a file are never joined.
tests/test_fetch.py holds it against a server that cuts, stalls, lies, refuses and asks for patience.

Addresses are http, https, or `hf://datasets/OWNER/NAME[@REVISION]/PATH` (huggingface_hub gives the address and the
user's token). While a file is fetched it is `.NAME.part`, and `.NAME.part.json` says what it is a part of; the next
run goes on from there.
(huggingface_hub, fsspec and urllib3's Retry were considered: none of them resumes with If-Range from another mirror,
compares an overlap, or gives up on a trickle.)
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import math
import os
import re
import threading
import time
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from huggingface_hub import get_token, hf_hub_url

from retrieval.embeddings import read_npy_header
from retrieval.http_answers import (
    CONNECT_SECONDS,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    RETRIES,
    STALL_SECONDS,
    TEMPORARY_STATUS,
    GiveUp,
    Trickle,
    TryAgain,
    innermost,
    retry_after,
)
from retrieval.remote_address import split_hub

BLOCK_BYTES = 1 << 20  # read and hashed at a time: all the memory that a download takes
OVERLAP_BYTES = 1 << 16  # on resuming, the last bytes are fetched again and compared

_HTML_START = re.compile(rb"^\s*<(!doctype\s+html|html|head)\b", re.IGNORECASE)


class FetchError(Exception):
    """A file that could not be fetched: one sentence with its address and the reason."""


@dataclass(frozen=True)
class FetchResult:
    path: Path
    url: str | None  # None: the file was there before
    bytes: int
    resumed_from: int = 0


# ---- one file ----


def fetch_file(
    urls: list[str],
    destination: Path,
    expected_bytes: int | None = None,
    sha256: str | None = None,
    *,
    retries: int = RETRIES,
    stall_seconds: float = STALL_SECONDS,
    first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    on_bytes: Callable[[int], None] = lambda change: None,
    on_size: Callable[[int], None] = lambda size: None,
    stop: threading.Event | None = None,
) -> FetchResult:
    """Fetch one file to `destination`, from the first mirror that gives it.

    A mirror that refuses (404, a web page instead of the file) is not asked again. One that fails (cut, stalled, 5xx,
    429) is asked again after a pause that doubles, up to `retries` times without progress. `on_bytes` gets each change
    in the number of bytes held (negative when a part is thrown away), `on_size` the file's size once it is known.

    Raises:
        FetchError: no mirror gave the whole file; names each with its reason. A part that can be resumed stays.
    """
    if not urls:
        raise FetchError(f"{destination.name}: no address to fetch it from")
    stop = stop or threading.Event()
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.exists() and not why_incomplete(destination, expected_bytes, sha256, urls):
        return FetchResult(destination, None, destination.stat().st_size)

    ready_at = dict.fromkeys(urls, 0.0)  # mirror -> when it may be asked; one that was given up is not in it
    failures = dict.fromkeys(urls, 0)
    reasons: dict[str, str] = {}
    with _part_of(destination) as part:
        part.expected_bytes, part.sha256 = expected_bytes, sha256
        part.on_bytes, part.on_size, part.stop, part.stall_seconds = on_bytes, on_size, stop, stall_seconds
        resumed_from = farthest = part.size
        on_bytes(part.size)
        while ready_at:
            url = min(ready_at, key=ready_at.get)
            if stop.wait(max(0.0, ready_at[url] - time.monotonic())):
                raise FetchError(f"{url} was left when the run was interrupted")
            try:
                _receive(url, part)
                part.finish(destination)
                return FetchResult(destination, url, part.size, resumed_from)
            except GiveUp as refusal:
                reasons[url] = str(refusal)
                del ready_at[url]
            except TryAgain as failure:
                reasons[url] = str(failure)
                failures[url] = 1 if part.size > farthest else failures[url] + 1
                farthest = max(farthest, part.size)
                if failures[url] > retries or failure.pause > LONGEST_PAUSE_SECONDS:
                    del ready_at[url]
                else:
                    pause = first_pause_seconds * 2 ** (failures[url] - 1)
                    ready_at[url] = time.monotonic() + max(pause, failure.pause)
            except OSError as error:  # of the disk: _receive turns those of the network into the two above
                raise FetchError(f"{destination} cannot be written: {error.strerror or error}") from error
    raise FetchError("; ".join(f"{url}: {reasons[url]}" for url in urls))


def _receive(url: str, part: "_Part") -> None:
    """Ask once for the bytes that the part lacks, and write them. Returns when all that was announced has come."""
    address, headers = _resolve(url)
    headers |= {"Accept-Encoding": "identity"}  # the file's own bytes, so that lengths and ranges mean them
    start = max(0, part.size - OVERLAP_BYTES)
    if start:
        headers["Range"] = f"bytes={start}-"
        if part.url == url and part.validator:
            headers["If-Range"] = part.validator
    timeout = (min(CONNECT_SECONDS, part.stall_seconds), part.stall_seconds)
    try:
        with requests.get(address, headers=headers, stream=True, timeout=timeout) as response:
            start = _read_head(url, response, start, part)
            part.describe(url, response)
            _read_body(response, start, part)
    except (requests.exceptions.SSLError, ValueError) as error:  # requests' errors about an address are ValueErrors
        raise GiveUp(innermost(error)) from error
    except requests.exceptions.Timeout as error:
        raise TryAgain(f"no byte for {part.stall_seconds:g} seconds") from error
    except requests.exceptions.ConnectionError as error:
        reason = innermost(error)
        if "resolve" in reason:
            raise GiveUp(f"no server of that name ({urlsplit(address).hostname})") from error
        raise TryAgain(reason) from error
    except requests.exceptions.RequestException as error:
        raise TryAgain(innermost(error)) from error


def _read_head(url: str, response, start: int, part: "_Part") -> int:
    """Judge status and headers.

    Returns:
        int: the offset in the file at which the body begins.
    """
    status = response.status_code
    if status == 416:  # the part is longer than the file, or the server takes no ranges: begin again
        part.clear()
        raise TryAgain("answered 416 (range not satisfiable)")
    if status in TEMPORARY_STATUS:
        raise TryAgain(f"answered {status} {response.reason}", retry_after(response))
    if status in (401, 403) and url.startswith("hf://"):
        raise GiveUp(f"answered {status}: accept the dataset's terms on its page, and log in with `hf auth login`")
    if status not in (200, 206):
        raise GiveUp(f"answered {status} {response.reason}")
    if response.headers.get("Content-Type", "").startswith("text/html") and part.suffix not in (".html", ".htm"):
        raise GiveUp("answered with a web page instead of the file")

    length = response.headers.get("Content-Length", "")
    body_bytes = int(length) if length.isdigit() else None
    if status == 200:  # the whole file: it has changed, or the server takes no ranges
        part.clear()
        start = 0
        part.total = body_bytes
    else:
        answered = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        if not answered or int(answered[1]) != start:
            part.clear()
            raise TryAgain("answered with another range than was asked for")
        total = int(answered[3]) if answered[3] != "*" else None
        if total is not None and part.total is not None and total != part.total:
            part.clear()
            raise TryAgain("the file's length has changed since its first part was fetched")
        part.total = total if total is not None else part.total
    if part.expected_bytes is not None and part.total not in (None, part.expected_bytes):
        raise GiveUp(f"its length is {part.total:,} bytes, not the {part.expected_bytes:,} expected")
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    if part.total is None and not chunked and not (part.expected_bytes or part.sha256 or part.structured):
        raise GiveUp("does not say how long the file is, so a cut file could not be told from a whole one")
    if part.total is not None:
        part.on_size(part.total)
    return start


def _read_body(response, start: int, part: "_Part") -> None:
    """Append the body, which begins at offset `start`, after comparing it with the bytes that the part has there."""
    position, trickle = start, Trickle(part.stall_seconds)
    while block := _next_block(response):
        if part.stop.is_set():
            raise TryAgain("interrupted")
        if position == 0 and _HTML_START.match(block) and part.suffix not in (".html", ".htm"):
            raise GiveUp("answered with a web page instead of the file")
        known = min(len(block), part.size - position)
        if known > 0 and part.read_at(position, known) != block[:known]:
            part.clear()
            raise TryAgain("this is another file than the one whose first part was fetched")
        part.append(block[max(0, known) :])
        position += len(block)
        trickle.add(len(block))
    if part.total is not None and part.size < part.total:
        raise TryAgain(f"cut short at {part.size:,} of {part.total:,} bytes")


def _next_block(response) -> bytes:
    """The bytes that have arrived, at most BLOCK_BYTES; empty at the end.

    (iter_content would wait for a full block, and so would not see that a connection only trickles.)
    """
    try:
        return response.raw.read1(BLOCK_BYTES)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.Timeout(error) from error
    except urllib3.exceptions.ProtocolError as error:
        if "Content-Length" in response.headers:
            return b""  # closed early: the caller counts what is missing
        raise requests.exceptions.ConnectionError("cut short") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.exceptions.ConnectionError(error) from error


def _resolve(url: str) -> tuple[str, dict[str, str]]:
    """The http address of `url`, and the headers that it needs."""
    if not url.startswith("hf://"):
        return url, {}
    if not (found := split_hub(url)):
        raise GiveUp("is no hf:// address: hf://datasets/OWNER/NAME[@REVISION]/PATH")
    repository, revision, path = found
    address = hf_hub_url(repository, path, repo_type="dataset", revision=revision)
    token = get_token()
    # requests drops the header when the hub redirects to its storage, where it would be refused.
    return address, {"Authorization": f"Bearer {token}"} if token else {}


# ---- the part file ----


class _Part:
    """The open part file and what is known about it: the one mutable object here, owned by `fetch_file`."""

    def __init__(self, path: Path, name: str):
        self.path, self.about = path, path.with_name(path.name + ".json")
        self.suffix = Path(name).suffix.lower()
        self.file = open(path, "r+b" if path.exists() else "w+b")  # closed by _part_of
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.file.close()
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise FetchError(f"{name} is being fetched by another process") from error
            raise
        self.url = self.validator = self.total = None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            known = json.loads(self.about.read_text(encoding="utf-8"))
            self.url, self.validator, self.total = known.get("url"), known.get("validator"), known.get("bytes")
        self.size = self.file.seek(0, os.SEEK_END)
        self.on_bytes = lambda change: None
        if self.url is None and self.size:  # nothing says what it is a part of
            self.clear()

    @property
    def structured(self) -> bool:
        return self.suffix in (".npy", ".parquet")  # their content shows whether they are whole

    def describe(self, url: str, response) -> None:
        etag = response.headers.get("ETag", "")
        weak = not etag or etag.startswith("W/")  # RFC 9110: ranges must not be joined on a weak tag
        self.url = url
        self.validator = response.headers.get("Last-Modified") if weak else etag
        self.about.write_text(json.dumps({"url": url, "validator": self.validator, "bytes": self.total}))

    def append(self, block: bytes) -> None:
        self.file.seek(self.size)
        self.file.write(block)
        self.size += len(block)
        self.on_bytes(len(block))

    def read_at(self, position: int, length: int) -> bytes:
        self.file.seek(position)
        return self.file.read(length)

    def clear(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.on_bytes(-self.size)
        self.size, self.url, self.validator, self.total = 0, None, None, None

    def finish(self, destination: Path) -> None:
        """Check the whole file and give it its name; a file that fails the check is thrown away."""
        self.file.flush()
        os.fsync(self.file.fileno())
        expected = self.expected_bytes if self.expected_bytes is not None else self.total
        if reason := why_incomplete(self.path, expected, self.sha256, suffix=self.suffix):
            self.clear()
            raise TryAgain(reason)
        os.replace(self.path, destination)
        self.about.unlink(missing_ok=True)


@contextlib.contextmanager
def _part_of(destination: Path):
    try:
        part = _Part(destination.with_name(f".{destination.name}.part"), destination.name)
    except OSError as error:
        raise FetchError(f"{destination} cannot be written: {error.strerror or error}") from error
    try:
        yield part
    finally:
        part.file.close()
        if part.path.exists() and part.path.stat().st_size == 0:  # nothing to resume
            part.path.unlink()
            part.about.unlink(missing_ok=True)


# ---- whole or not ----


def why_incomplete(
    path: Path,
    expected_bytes: int | None = None,
    sha256: str | None = None,
    urls: list[str] = (),
    suffix: str | None = None,
) -> str | None:
    """The reason why a file is not whole, or None. Cheap, but with `sha256` the file is read.

    A parquet file ends as it begins, and an npy file's header says its length. For any other file the length is asked
    from `urls`, where they are given and answer.
    """
    size, suffix = path.stat().st_size, suffix or path.suffix.lower()
    if expected_bytes is not None and size != expected_bytes:
        return f"has {size:,} bytes, not {expected_bytes:,}"
    if sha256 is not None:
        found = _sha256(path)
        return None if found == sha256.lower() else f"has the checksum {found}, not {sha256.lower()}"
    if suffix == ".parquet":
        with open(path, "rb") as file:
            begin = file.read(4)
            file.seek(max(0, size - 4))
            return None if begin == file.read(4) == b"PAR1" and size >= 12 else "is no whole parquet file"
    if suffix == ".npy":
        length = _npy_bytes(path)
        return None if length == size else f"is no whole npy file ({size:,} bytes, its header says {length or 0:,})"
    if expected_bytes is None and urls:
        told = remote_size(urls)
        if isinstance(told, int) and told != size:
            return f"has {size:,} bytes, not {told:,}"
    return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _npy_bytes(path: Path) -> int | None:
    """The length in bytes that an npy file's header announces; None where it has no such header."""
    with open(path, "rb") as file:
        try:
            shape, _, dtype = read_npy_header(file)
        except (ValueError, SyntaxError, tokenize.TokenError):  # TokenError: a null byte, since Python 3.12
            return None
        return file.tell() + math.prod(shape) * dtype.itemsize


def remote_size(urls: list[str]) -> int | str:
    """The length in bytes from the first mirror that gives it (HEAD), else the last mirror's reason."""
    reason = "no address"
    for url in urls:
        try:
            address, headers = _resolve(url)
            headers |= {"Accept-Encoding": "identity"}
            with requests.head(address, headers=headers, timeout=CONNECT_SECONDS, allow_redirects=True) as response:
                length = response.headers.get("Content-Length", "")
                page = response.headers.get("Content-Type", "").startswith("text/html")
                if response.status_code == 200 and length.isdigit() and not page:
                    return int(length)
                answered = f"answered {response.status_code} {response.reason}"
                reason = "a web page instead of the file" if page and response.status_code == 200 else answered
        except GiveUp as refusal:
            reason = str(refusal)
        except requests.exceptions.RequestException as error:
            reason = innermost(error)
    return reason
