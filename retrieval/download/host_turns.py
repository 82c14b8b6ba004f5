"""Turns at a host: how many of our threads may be connected to it at once, how fast they follow, and its own "later".

A host's turns are files in a folder that all processes share, and a thread holds a turn by a lock (flock) on one of
them. So the limit holds for all threads and processes of a run, and for all machines of a cluster whose shared disk has
locks (local disks and NFS 4 have them). On a disk without locks nothing is limited, and the run warns that the work
folder cannot be locked. The system frees the turns of a process that is killed.

    <folder>/ab/abcdef….turn-0, -1 …     the connections
    <folder>/ab/abcdef….pace             its time is that of the last request, where the host has a pace
    <folder>/ab/abcdef….later            the time (Unix) before which the host asked not to be asked again

A host is a name or an address, without its port. Two names of one machine are two hosts.
"""

import email.utils
import fcntl
import functools
import hashlib
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from retrieval.private_hosts import names_private_host

PER_HOST = 4  # connections; a browser opens 6 to one host, and shows a page to somebody
MOST_WAIT = 10  # seconds; for a host that asks for more we do not wait: its URLs are for a later run
USUAL_WAIT = 2  # seconds after a 429 without Retry-After
LATER, CRAWL_DELAY = "host asked to wait", "Crawl-delay"


@dataclass(frozen=True)
class HostTurns:
    folder: Path
    per_host: int | None  # None: PER_HOST, and no limit for private addresses, which only the user can have allowed
    pace: float  # seconds from one request to a host to the next, at least

    def take(self, host: str, delay: float = 0) -> int | None:
        """Wait for a turn at the host. The turn lasts until its file descriptor is closed; None: there is no limit.

        Args:
            delay: the host's own pace, seconds from one request to the next.

        Raises:
            AskedToWait, DelayTooLong: it would take more than MOST_WAIT.
        """
        limit = self.per_host or (None if names_private_host(host) else PER_HOST)
        turn = self._lock_one_of(host, limit) if limit else None
        try:
            if seconds := self.seconds_left(host):  # sleep(0) would let others go first, 10 ms on a busy machine
                time.sleep(seconds)
            self._keep_pace(host, delay)
        except BaseException:
            if turn is not None:
                os.close(turn)
            raise
        return turn

    def seconds_left(self, host: str) -> float:
        """How long the host still wants to be left alone, at most MOST_WAIT.

        Raises:
            AskedToWait: for longer.
        """
        try:
            with open(self._path(host, "later"), encoding="ascii") as file:
                left = float(file.read()) - time.time()
        except (FileNotFoundError, ValueError):
            return 0
        if left > MOST_WAIT:
            raise AskedToWait
        return max(0.0, left)

    def wants_a_short_wait(self, host: str) -> bool:
        """Whether the host asked for a wait that `take` keeps to."""
        try:
            return self.seconds_left(host) > 0
        except AskedToWait:
            return False

    def ask_later(self, host: str, retry_after: str | None) -> None:
        """Remember what a host's 429 or 503 said. Retry-After is a number of seconds or a date."""
        seconds = USUAL_WAIT if retry_after is None else _seconds_of(retry_after)
        path = Path(self._path(host, "later"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(time.time() + seconds))

    def _lock_one_of(self, host: str, limit: int) -> int:
        for number in range(limit):  # from 0: most hosts then have one file, and to make one takes 0.3 ms
            turn = open_shared(self._path(host, f"turn-{number}"))
            if _lock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return turn
            os.close(turn)
        turn = open_shared(self._path(host, f"turn-{random.randrange(limit)}"))
        _lock(turn, fcntl.LOCK_EX)
        return turn

    def _keep_pace(self, host: str, delay: float) -> None:
        if not (pace := max(self.pace, delay)):
            return
        with open(open_shared(self._path(host, "pace")), "r+b", buffering=0) as last:
            _lock(last.fileno(), fcntl.LOCK_EX)  # the next in line waits here
            if last.read(1):
                left = min(pace, os.fstat(last.fileno()).st_mtime + pace - time.time())
                if left > max(self.pace, MOST_WAIT):
                    raise DelayTooLong
                time.sleep(max(0.0, left))
            last.seek(0)
            last.write(b"x")

    def _path(self, host: str, kind: str) -> str:
        return path_of(self.folder, host, kind)


class AskedToWait(OSError):
    """The host asked to be left alone, for longer than we wait."""

    def __str__(self) -> str:
        return LATER


class DelayTooLong(OSError):
    """The host's Crawl-delay since our last request is not over, and takes longer than we wait."""

    def __str__(self) -> str:
        return CRAWL_DELAY


def path_of(folder: Path, of: str, kind: str) -> str:
    """The file of a host, or of an origin. A text, as a Path takes ten times as long, and each request needs some."""
    name = _name_of(of)
    return f"{folder}/{name[:2]}/{name}.{kind}"


@functools.lru_cache(1_000)
def _name_of(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:24]


def _seconds_of(retry_after: str) -> float:
    """Seconds of a Retry-After header, from 0 to a day; USUAL_WAIT where it cannot be read."""
    text = retry_after.strip()
    try:
        seconds = float(text) if text.isdigit() else email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return USUAL_WAIT
    return min(max(0.0, seconds), 86_400.0)


def open_shared(path: str) -> int:
    """A file descriptor to read and write a file, which is made if it is not there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def _lock(file: int, how: int) -> bool:
    """Lock a file; False where another thread has it. A disk without locks limits nothing."""
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
