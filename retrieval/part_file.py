"""The part of a file that has come so far: `.NAME.part`, and `.NAME.part.json`, which says what it is a part of."""

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from retrieval.downloads import Download, FetchError, Watcher
from retrieval.http_answers import TryAgain
from retrieval.whole_file import why_incomplete


class PartFile:
    """The open part file and what is known about it: the one mutable object of a download."""

    def __init__(self, download: Download, watcher: Watcher, stall_seconds: float):
        name = download.destination.name
        self.path = path = download.destination.with_name(f".{name}.part")
        self.about = path.with_name(path.name + ".json")
        self.suffix = download.destination.suffix.lower()
        self.expected_bytes, self.sha256 = download.expected_bytes, download.sha256
        self.watcher, self.stall_seconds = watcher, stall_seconds
        self.file = open(path, "r+b" if path.exists() else "w+b")  # closed by part_of
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
        watcher.on_bytes(self.size)
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
        self.watcher.on_bytes(len(block))

    def read_at(self, position: int, length: int) -> bytes:
        self.file.seek(position)
        return self.file.read(length)

    def clear(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.watcher.on_bytes(-self.size)
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
def part_of(download: Download, watcher: Watcher, stall_seconds: float) -> Iterator[PartFile]:
    """The download's part, which no other process may write until the block ends. One without a byte is removed then.

    Raises:
        FetchError: it cannot be written, or another process is writing it.
    """
    try:
        part = PartFile(download, watcher, stall_seconds)
    except OSError as error:
        raise FetchError(f"{download.destination} cannot be written: {error.strerror or error}") from error
    try:
        yield part
    finally:
        part.file.close()
        if part.path.exists() and part.path.stat().st_size == 0:  # nothing to resume
            part.path.unlink()
            part.about.unlink(missing_ok=True)
