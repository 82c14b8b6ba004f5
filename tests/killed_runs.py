"""Runs of a stage that are killed at random moments, each twice."""

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator


def killed_runs(main: Callable, preload: list[str], flags: Callable[[str], list], number: int) -> Iterator[str]:
    """The output folders' names of runs that were begun and killed twice.

    Args:
        preload: the modules that `main` imports. A server that has them forks each run, which else is three seconds of
            importing torch.
        flags: the command line for an output folder's name.
    """
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(preload)

    def run(output: str, seconds: float | None) -> None:
        process = processes.Process(target=main, args=(flags(output),))
        process.start()
        process.join(seconds)
        process.kill()
        process.join()

    run("imports", None)
    began = time.monotonic()
    run("whole", None)
    whole, moments = time.monotonic() - began, random.Random(5)
    for output in (f"killed {each}" for each in range(number)):
        for _ in range(2):
            run(output, moments.uniform(0, whole))
        yield output
