"""What a server's answer means for the next request: wait, try again, or give up. How long one waits for it.

`fetch.py` (whole files) and `remote_http.py` (ranges of files) judge answers by these rules.
"""

import re
import time
from dataclasses import dataclass

import urllib3

RETRIES = 5  # failures without progress before an address is given up: about half a minute, as pauses double
FIRST_PAUSE_SECONDS = 1.0  # doubles with each failure without progress
LONGEST_PAUSE_SECONDS = 600.0  # a server that asks for more (Retry-After) is given up
CONNECT_SECONDS = 15.0
STALL_SECONDS = 30.0  # a connection with less than STALL_BYTES in this time is closed and tried again
STALL_BYTES = 1 << 15  # 1 KiB per second
TEMPORARY_STATUS = {408, 425, 429, 500, 502, 503, 504}  # RFC 9110: another answer may come later

_REMAINING = re.compile(r"\br(?:emaining)?=(\d+)")
_RESET = re.compile(r"\b(?:t|reset)=(\d+)")


@dataclass(frozen=True)
class Patience:
    retries: int = RETRIES
    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    stall_seconds: float = STALL_SECONDS


class TryAgain(Exception):
    """The server may answer later: after `pause` seconds, where it said so."""

    def __init__(self, reason: str, pause: float = 0.0):
        super().__init__(reason)
        self.pause = pause


class GiveUp(Exception):
    """The server will not give what was asked for."""


class PrivateAddress(GiveUp):
    """What a stranger named, or a server's redirect, leads to a host that is not of the open internet."""


def retry_after(response) -> float:
    """Seconds that a Retry-After header asks for (a number or an HTTP date), else 0."""
    try:
        return urllib3.Retry().get_retry_after(response) or 0.0
    except urllib3.exceptions.InvalidHeader:
        return 0.0


def limit_resets(headers) -> float:
    """Seconds until the server's limit of requests begins anew, where its RateLimit header says that none is left.

    Both drafts are understood: `"api";r=0;t=55` (Hugging Face), and `limit=100, remaining=0, reset=55`.
    """
    said = headers.get("RateLimit", "")
    remaining, reset = _REMAINING.search(said), _RESET.search(said)
    return float(reset[1]) if remaining and reset and not int(remaining[1]) else 0.0


class Trickle:
    """Sees a connection that brings less than STALL_BYTES in `seconds`."""

    def __init__(self, seconds: float):
        self._seconds, self._since, self._bytes = seconds, time.monotonic(), 0

    def add(self, count: int) -> None:
        """Count bytes that came.

        Raises:
            TryAgain: they were too few.
        """
        self._bytes += count
        if (seconds := time.monotonic() - self._since) > self._seconds:
            if self._bytes < STALL_BYTES:
                raise TryAgain(f"only {self._bytes:,} bytes in {seconds:.0f} seconds")
            self._since, self._bytes = time.monotonic(), 0


def innermost(error: BaseException) -> str:
    """The reason at the bottom of requests' and urllib3's wrapped errors, in one line."""
    while True:
        inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return re.sub(r"^<[^>]*>:\s*|^[\w.]+\(.*?\):\s*", "", " ".join(said.split()))[:200]
