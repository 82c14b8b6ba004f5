"""Many large files over HTTP, side by side; fetch.py fetches each.

fetch_all([Download(urls, destination), ...], workers=4)    -> FetchSummary, failures by name
list_missing([Download(...), ...], workers=4)               -> what would be fetched, and its size
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from retrieval.fetch import FetchError, FetchResult, fetch_file, remote_size, why_incomplete
from retrieval.http_answers import FIRST_PAUSE_SECONDS, RETRIES


@dataclass(frozen=True)
class Download:
    urls: tuple[str, ...]  # mirrors of one file, in order of preference
    destination: Path
    expected_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class FetchSummary:
    fetched: list[FetchResult]
    already: int
    failed: dict[Path, str] = field(default_factory=dict)  # destination -> the reason, one sentence


def fetch_all(
    downloads: list[Download],
    workers: int,
    *,
    retries: int = RETRIES,
    first_pause_seconds: float = FIRST_PAUSE_SECONDS,
) -> FetchSummary:
    """Fetch files side by side under one bar (bytes, rate, time left), with a line for each that fails.

    Ctrl-C stops all of them within one block; their parts stay.
    """
    stop, lock = threading.Event(), threading.Lock()
    sizes: dict[Path, int] = {}
    fetched, already, failed = [], 0, {}
    with (
        tqdm(desc="fetching", unit="B", unit_scale=True, unit_divisor=1024, smoothing=0.05, disable=None) as bar,
        ThreadPoolExecutor(max_workers=workers) as pool,
    ):

        def held(change: int) -> None:
            with lock:
                bar.update(change)

        def sized(destination: Path, size: int) -> None:
            with lock:  # files that have not begun count with the average size of the others
                sizes[destination] = size
                bar.total = int(sum(sizes.values()) / len(sizes) * (len(downloads) - already - len(failed)))

        def one(download: Download) -> FetchResult:
            return fetch_file(
                list(download.urls),
                download.destination,
                download.expected_bytes,
                download.sha256,
                retries=retries,
                first_pause_seconds=first_pause_seconds,
                on_bytes=held,
                on_size=lambda size: sized(download.destination, size),
                stop=stop,
            )

        futures = {pool.submit(one, download): download for download in downloads}
        try:
            for future in as_completed(futures):
                destination = futures[future].destination
                try:
                    result = future.result()
                except FetchError as error:
                    failed[destination] = str(error)
                    bar.write(f"failed: {destination.name}: {error}", file=sys.stderr)
                    continue
                if result.url is None:
                    already += 1
                else:
                    fetched.append(result)
                bar.set_postfix_str(f"{len(fetched) + already:,} of {len(downloads):,} files")
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return FetchSummary(fetched, already, dict(sorted(failed.items())))


def list_missing(downloads: list[Download], workers: int) -> list[tuple[Download, int | str]]:
    """The files that are not whole here, in order, each with its length (HEAD) or the reason why that is not known."""

    def look(download: Download) -> tuple[Download, int | str] | None:
        path = download.destination
        if path.exists() and not why_incomplete(path, download.expected_bytes, download.sha256, list(download.urls)):
            return None
        return download, remote_size(list(download.urls))

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return [found for found in pool.map(look, downloads) if found]
