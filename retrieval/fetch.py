"""Large files over HTTP: resumed, checked, retried, from several mirrors.

    fetch_file(Download(("https://a/x.npy", "https://b/x.npy"), Path("x.npy")))
    -> FetchResult, or FetchError with one sentence

The invariant: a file has its name only when it is whole, and bytes of two versions of a file are never joined.
tests/test_fetch.py holds it against a server that cuts, stalls, lies, refuses and asks for patience.

Addresses are http, https, or `hf://datasets/OWNER/NAME[@REVISION]/PATH` (huggingface_hub gives the address and the
user's token). While a file is fetched it is a part (part_file.py); the next run goes on from there.
(huggingface_hub, fsspec and urllib3's Retry were considered: none of them resumes with If-Range from another mirror,
compares an overlap, or gives up on a trickle.)
"""

import re
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import requests
import urllib3

from retrieval.downloads import Download, FetchError, FetchResult, Watcher
from retrieval.http_answers import (
    CONNECT_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TEMPORARY_STATUS,
    GiveUp,
    Patience,
    Trickle,
    TryAgain,
    innermost,
    retry_after,
)
from retrieval.part_file import PartFile, part_of
from retrieval.whole_file import resolve, why_incomplete

BLOCK_BYTES = 1 << 20  # read at a time: all the memory that a download takes
OVERLAP_BYTES = 1 << 16  # on resuming, the last bytes are fetched again and compared

_HTML_START = re.compile(rb"^\s*<(!doctype\s+html|html|head)\b", re.IGNORECASE)


def fetch_file(download: Download, patience: Patience | None = None, watcher: Watcher | None = None) -> FetchResult:
    """Fetch one file to its destination, from the first mirror that gives it.

    A mirror that refuses (404, a web page instead of the file) is not asked again. One that fails (cut, stalled, 5xx,
    429) is asked again after a pause that doubles, up to `patience.retries` times without progress.

    Raises:
        FetchError: no mirror gave the whole file; names each with its reason. A part that can be resumed stays.
    """
    patience, watcher = patience or Patience(), watcher or Watcher()
    urls, destination = download.urls, download.destination
    if not urls:
        raise FetchError(f"{destination.name}: no address to fetch it from")
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.exists() and not why_incomplete(destination, download.expected_bytes, download.sha256, urls):
        return FetchResult(destination, None, destination.stat().st_size)

    mirrors = _Mirrors(urls, patience)
    with part_of(download, watcher, patience.stall_seconds) as part:
        resumed_from = farthest = part.size
        while url := mirrors.next():
            if watcher.stop.wait(mirrors.seconds_until(url)):
                raise FetchError(f"{url} was left when the run was interrupted")
            try:
                _receive(url, part)
                part.finish(destination)
                return FetchResult(destination, url, part.size, resumed_from)
            except GiveUp as refusal:
                mirrors.leave(url, refusal)
            except TryAgain as failure:
                mirrors.try_again(url, failure, has_progress=part.size > farthest)
                farthest = max(farthest, part.size)
            except OSError as error:  # of the disk: _receive turns those of the network into the two above
                raise FetchError(f"{destination} cannot be written: {error.strerror or error}") from error
    raise FetchError("; ".join(f"{url}: {mirrors.reasons[url]}" for url in urls))


class _Mirrors:
    """The addresses of one file: which is asked next, and when."""

    def __init__(self, urls: Sequence[str], patience: Patience):
        self._patience = patience
        self._ready_at = dict.fromkeys(urls, 0.0)  # when it may be asked; one that was given up is not in it
        self._failures = dict.fromkeys(urls, 0)  # without progress
        self.reasons: dict[str, str] = {}  # of the last answer

    def next(self) -> str | None:
        return min(self._ready_at, key=self._ready_at.get, default=None)

    def seconds_until(self, url: str) -> float:
        return max(0.0, self._ready_at[url] - time.monotonic())

    def leave(self, url: str, reason: Exception) -> None:
        self.reasons[url] = str(reason)
        del self._ready_at[url]

    def try_again(self, url: str, failure: TryAgain, has_progress: bool) -> None:
        """Ask it again after a pause, unless the patience is at its end."""
        self._failures[url] = failures = 1 if has_progress else self._failures[url] + 1
        if failures > self._patience.retries or failure.pause > LONGEST_PAUSE_SECONDS:
            self.leave(url, failure)
            return
        self.reasons[url] = str(failure)
        pause = self._patience.first_pause_seconds * 2 ** (failures - 1)
        self._ready_at[url] = time.monotonic() + max(pause, failure.pause)


# ---- one answer ----


def _receive(url: str, part: PartFile) -> None:
    """Ask once for the bytes that the part lacks, and write them. Returns when all that was announced has come."""
    address, headers = resolve(url)
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


def _read_head(url: str, response, start: int, part: PartFile) -> int:
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
        part.watcher.on_size(part.total)
    return start


def _read_body(response, start: int, part: PartFile) -> None:
    """Append the body, which begins at offset `start`, after comparing it with the bytes that the part has there."""
    position, trickle = start, Trickle(part.stall_seconds)
    while block := _next_block(response):
        if part.watcher.stop.is_set():
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
