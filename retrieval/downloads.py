"""Downloads of large files: what is wanted, who follows them, and what comes of them. Standard library only."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


class FetchError(Exception):
    """A file that could not be fetched: one sentence with its address and the reason."""


@dataclass(frozen=True)
class Download:
    urls: tuple[str, ...]  # mirrors of one file, in order of preference
    destination: Path
    expected_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Watcher:
    """Who follows a download: a bar, or whoever may stop it."""

    on_bytes: Callable[[int], None] = lambda change: None  # each change in the number of bytes held, negative too
    on_size: Callable[[int], None] = lambda size: None  # the file's size, once it is known
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class FetchResult:
    path: Path
    url: str | None  # None: the file was there before
    bytes: int
    resumed_from: int = 0
