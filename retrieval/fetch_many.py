"""Many large files over HTTP, side by side; fetch.py fetches each.

fetch_all([Download(urls, destination), ...], workers=4)    -> FetchSummary, failures by name
list_missing([Download(...), ...], workers=4)               -> what would be fetched, and its size
"""

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from retrieval.downloads import Download, FetchError, FetchResult, Watcher
from retrieval.fetch import fetch_file
from retrieval.http_answers import Patience
from retrieval.whole_file import remote_size, why_incomplete


@dataclass
class FetchSummary:
    fetched: list[FetchResult] = field(default_factory=list)
    already: int = 0
    failed: dict[Path, str] = field(default_factory=dict)  # destination -> the reason, one sentence


def fetch_all(downloads: list[Download], workers: int, patience: Patience | None = None) -> FetchSummary:
    """Fetch files side by side under one bar (bytes, rate, time left), with a line for each that fails.

    Ctrl-C stops all of them within one block; their parts stay.
    """
    summary, stop = FetchSummary(), threading.Event()
    with (
        tqdm(desc="fetching", unit="B", unit_scale=True, unit_divisor=1024, smoothing=0.05, disable=None) as bar,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):
        shared = _SharedBar(bar, len(downloads), summary)
        futures = {
            pool.submit(fetch_file, each, patience, shared.watcher(each.destination, stop)): each for each in downloads
        }
        try:
            for future in as_completed(futures):
                shared.add(futures[future].destination, future)
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    summary.failed = dict(sorted(summary.failed.items()))
    return summary


class _SharedBar:
    """One bar for files that are fetched by several threads, and the summary of those that have ended."""

    def __init__(self, bar: tqdm, files: int, summary: FetchSummary):
        self._bar, self._files, self._summary = bar, files, summary
        self._lock = threading.Lock()
        self._sizes: dict[Path, int] = {}

    def watcher(self, destination: Path, stop: threading.Event) -> Watcher:
        return Watcher(self._held, lambda size: self._sized(destination, size), stop)

    def _held(self, change: int) -> None:
        with self._lock:
            self._bar.update(change)

    def _sized(self, destination: Path, size: int) -> None:
        with self._lock:  # files that have not begun count with the average size of the others
            self._sizes[destination] = size
            files = self._files - self._summary.already - len(self._summary.failed)
            self._bar.total = int(sum(self._sizes.values()) / len(self._sizes) * files)

    def add(self, destination: Path, ended: Future) -> None:
        summary = self._summary
        try:
            result = ended.result()
        except FetchError as error:
            summary.failed[destination] = str(error)
            self._bar.write(f"failed: {destination.name}: {error}", file=sys.stderr)
            return
        if result.url is None:
            summary.already += 1
        else:
            summary.fetched.append(result)
        self._bar.set_postfix_str(f"{len(summary.fetched) + summary.already:,} of {self._files:,} files")


def list_missing(downloads: list[Download], workers: int) -> list[tuple[Download, int | str]]:
    """The files that are not whole here, in order, each with its length (HEAD) or the reason why that is not known."""

    def look(download: Download) -> tuple[Download, int | str] | None:
        path = download.destination
        if path.exists() and not why_incomplete(path, download.expected_bytes, download.sha256, download.urls):
            return None
        return download, remote_size(download.urls)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return [found for found in pool.map(look, downloads) if found]
