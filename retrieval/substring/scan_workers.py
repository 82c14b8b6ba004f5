"""Processes that scan shards side by side, and end with the run that started them.

    with Workers(search, 16) as workers:        # before anything heavy is imported, see `start_method`
        counts = workers.scan(unit)             # from as many threads as there are workers

A single worker is this process itself: on a small pool, starting another one takes longer than the work.
"""

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from types import SimpleNamespace

from retrieval.cli import UNFORESEEN, UserError, unforeseen
from retrieval.columns import choice_notes
from retrieval.remote_address import RemoteFile
from retrieval.remote_traffic import Traffic, computing, traffic, use
from retrieval.substring.search_units import Search, Unit

PARENT_CHECK_SECONDS = 1  # a worker whose parent was killed ends within this time
# Arrow's allocator gives freed memory back after some milliseconds, and the kernel clears each page that it hands out
# again: 8,000 page faults per two million rows, a twentieth of the scan. It reads this as pyarrow is imported.
KEEP_FREED_MEMORY = {"MIMALLOC_PURGE_DELAY": "-1"}
THREADED = ("numpy", "pyarrow")  # modules that start threads when they are imported, and locks that these hold


class Workers:
    """`scan` may be called from several threads. It waits until a worker is free.

    As many scan as `number` says. `more` are there to take the place of those that wait for the network.
    """

    def __init__(self, search: Search, number: int, more: int = 0):
        self.followers = number + more  # threads that should call `scan`
        self.search, self._pool, self._stop = search, None, threading.Event()
        os.environ.update(KEEP_FREED_MEMORY | os.environ)  # for this process and its workers
        if number == 1:
            use(Traffic(number), self._stop)
            return
        try:
            with held_interrupts():
                import multiprocessing
                from concurrent.futures import ProcessPoolExecutor

                method = multiprocessing.get_context(start_method())
                use(Traffic(number, method))
                at_start = (os.getpid(), traffic(), search)  # once per worker: a thousand queries take 0.02 s to send
                self._pool = ProcessPoolExecutor(number + more, method, begin_worker, at_start)
                self._pool.submit(os.getpid)  # the first task starts them: now, while forking is safe
        except BaseException:
            self.end()
            raise

    def scan(self, unit: Unit) -> dict:
        """The unit's counts, as shard_scan.scan_unit gives them.

        Raises:
            UserError: the shard cannot be read, or `end` was called.
            concurrent.futures.BrokenExecutor: a worker was killed.
        """
        if self._pool is not None:
            return self._pool.submit(scan_in_worker, unit, os.getpid()).result()
        return scan(unit, self.search, self._stop)

    def check(self, shard: str | RemoteFile) -> list[str]:
        """Open one shard.

        Returns:
            list[str]: which columns are taken, where it has several that could be.

        Raises:
            UserError: it cannot be read.
            concurrent.futures.BrokenExecutor: a worker was killed.
        """
        if self._pool is None:
            return check(shard, self.search)
        return self._pool.submit(check_in_worker, shard).result()

    def check_all(self, shards: list[str | RemoteFile]) -> dict[str, str]:
        """Open the shards side by side.

        Returns:
            dict: the shards that cannot be read, each with the reason, one sentence.

        Raises:
            UserError: a worker was killed.
        """
        try:
            if self._pool is None:
                reasons = [reason_against(shard, self.search) for shard in shards]
            else:
                reasons = list(self._pool.map(reason_in_worker, shards))
        except BrokenExecutor as error:
            raise UserError(
                "a worker was killed as it opened the shards (out of memory?): run again, perhaps with fewer --workers"
            ) from error
        return {str(shard): reason for shard, reason in zip(shards, reasons, strict=True) if reason}

    def end(self) -> None:
        """Stop the scans that are running. May be called again."""
        self._stop.set()
        if self._pool is not None:
            from multiprocessing import active_children

            for process in active_children():
                process.terminate()
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        use(traffic())  # what is read later in this process is not stopped


def start_method() -> str:
    """How to start workers: fork takes milliseconds, spawn a third of a second per worker.

    Only a process with one thread can be forked safely. macOS's own libraries have threads, so only Linux forks.
    """
    is_alone = threading.active_count() == 1 and not sys.modules.keys() & set(THREADED)
    return "fork" if sys.platform == "linux" and is_alone else "spawn"


@contextlib.contextmanager
def held_interrupts():
    """Hold Ctrl-C back until the block ends: Python loses one that comes while it forks, and half a pool would stay."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ---- in a worker ----


_here = SimpleNamespace(search=None)  # of this worker


def begin_worker(parent: int, shared: Traffic, search: Search) -> None:
    gc.disable()  # as `scan` does, and before the imports
    _here.search = search
    use(shared)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: the parent talks, workers just end
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # it was held while this worker was forked

    def end_with_parent():
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def check(shard: str | RemoteFile, search: Search) -> list[str]:
    """Open a shard, and say which columns are taken.

    Raises:
        UserError: it cannot be read. ConditionError: --where cannot be evaluated on its rows.
    """
    from retrieval.opened_shard import open_shard

    opened = open_shard(shard, search.columns)
    if search.where is not None:
        from retrieval.shard_condition import ShardCondition

        ShardCondition(opened, search.where).check()
    return choice_notes(opened.names, opened.columns)


def reason_against(shard: str | RemoteFile, search: Search) -> str | None:
    """Why the shard cannot be read, one sentence; None where it can."""
    try:
        check(shard, search)
    except UserError as error:
        return str(error)
    except (OSError, *UNFORESEEN) as error:
        return unforeseen(error)
    return None


def check_in_worker(shard: str | RemoteFile) -> list[str]:
    return check(shard, _here.search)


def reason_in_worker(shard: str | RemoteFile) -> str | None:
    return reason_against(shard, _here.search)


def scan_in_worker(unit: Unit, parent: int) -> dict:
    if os.getppid() != parent:
        os._exit(1)  # a task of a killed run: the same command may be scanning this very unit again
    return scan(unit, _here.search)


def scan(unit: Unit, search: Search, stop: threading.Event | None = None) -> dict:
    gc.disable()  # there are no cycles here, and walking over millions of strings and tuples takes a tenth of the time
    from retrieval.substring.shard_scan import scan_unit

    with computing():
        return scan_unit(unit, search, stop)
