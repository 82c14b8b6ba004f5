"""What the processes of a run share while they read from the network: bytes moved, waits told once, turns to compute.

As many processes compute as the user asked for. One that waits for the network gives its turn to another, so a run has
more processes than turns where its shards are remote.

    traffic = Traffic(turns=2, context=multiprocessing.get_context("fork"))
    use(traffic)                    # in each process
    with computing():               # takes a turn
        with waiting():             # gives it back for a while
            ...
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace

from retrieval.cli import say_always
from retrieval.remote_address import RemoteFile


class Traffic:
    """Shared by the threads of this process; with a context of multiprocessing, by its processes too."""

    def __init__(self, turns: int, context=None):
        shared = context or threading
        self.turn = shared.Semaphore(turns)
        self._told = shared.Event()
        self._lock = shared.Lock()
        self._moved = context.Value("q", 0, lock=False) if context else SimpleNamespace(value=0)

    @property
    def moved(self) -> int:
        """Bytes of answers that have come, those of failed requests too."""
        return self._moved.value

    def add(self, count: int) -> None:
        with self._lock:
            self._moved.value += count

    def tell_once(self, message: str) -> None:
        with self._lock:
            first = not self._told.is_set()
            self._told.set()
        if first:
            say_always(message)


_here = SimpleNamespace(traffic=Traffic(turns=1), stop=threading.Event())  # of this process
_mine = threading.local()  # `has_turn` in a thread that computes


def use(traffic: Traffic, stop: threading.Event | None = None) -> None:
    """Count with `traffic` from now on. Waits end when `stop` is set."""
    _here.traffic, _here.stop = traffic, stop or threading.Event()


def traffic() -> Traffic:
    return _here.traffic


def is_stopped() -> bool:
    return _here.stop.is_set()


def pause(seconds: float) -> None:
    _here.stop.wait(seconds)


def bytes_moved(shards: Iterable) -> str:
    """The end of a run's last line; nothing where none of its shards is remote."""
    remote = [shard.bytes for shard in shards if isinstance(shard, RemoteFile)]
    return f"; {_here.traffic.moved:,} bytes moved of {sum(remote):,} in the remote shards" if remote else ""


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """Take a turn until the block ends."""
    turn = _here.traffic.turn
    turn.acquire()
    _mine.has_turn = True
    try:
        yield
    finally:
        _mine.has_turn = False
        turn.release()


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Let another compute until the block ends, where this thread has a turn."""
    if not getattr(_mine, "has_turn", False):
        yield
        return
    turn = _here.traffic.turn
    turn.release()
    try:
        yield
    finally:
        turn.acquire()


class Helpers:
    """Threads that ask servers. Unlike those of a ThreadPoolExecutor, they hold no exit up when a connection hangs."""

    def __init__(self, number: int):
        self._asked: queue.SimpleQueue = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable, *arguments) -> Future:
        future: Future = Future()
        self._asked.put((future, function, arguments))
        return future

    def end(self) -> None:
        """Let the threads end. Only when all that was submitted is done."""
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (request := self._asked.get()) is not None:
            future, function, arguments = request
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*arguments))
                except BaseException as error:  # noqa: BLE001 whoever waits for it gets it
                    future.set_exception(error)
