"""img2dataset in a process of its own, with a guard under it.

The idea: img2dataset does all its work through `urllib.request.urlopen`, so a guarded opener, installed in each of its
processes before the first request, sees every connection. The invariant: no connection is made to an address that is
not of the open internet (unless --allow-private-hosts), whatever name, redirect or spelling leads there; and every URL
ends, within its deadline, its bytes and bounded memory. tests/test_guarded_fetch.py holds it: hostile servers, and an
internet of its own (tests/hostile_internet.py) that writes down every connection; tests/test_download_cluster.py holds
it in Ray's workers.

In:  a JSON file: `download` (img2dataset's own arguments), `limits` (the fields of `Limits`), `parent` (a process id)
Out: img2dataset's output; the `progress` file grows by one byte per URL that is answered.

    python -m retrieval.download.guarded_fetch arguments.json

What is replaced in img2dataset and in the standard library, and why:

    urllib's opener                         `install`: addresses are judged when the connection is made, after the name
                                            is resolved and after every redirect; rules of sites, turns at hosts, user
                                            agent, deadline and cap of bytes per URL (guarded_opener.py)
    img2dataset.downloader
        .download_image_with_retry          `install`: counts answers, retries only temporary failures, waits as a host
                                            asks, gives up one that only times out
    img2dataset.main.Downloader             `main`: what is sent to a worker, on this machine or on a cluster, is a
                                            `GuardedDownloader`, which installs the guard there before it fetches
    its resizer                             `GuardedDownloader`: gets what a browser shows (stored_image.py)
    img2dataset's process contexts          `_start_multiprocessing`: workers are forked from a process that has
                                            imported img2dataset once; when one is killed, all end

img2dataset keeps its threads, its resizing and its writer.
"""

import functools
import importlib
import json
import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import multiprocessing.pool
import os
import pickle
import signal
import sys
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path

from retrieval.download.answer_bytes import MAX_IMAGE_PIXELS
from retrieval.download.guarded_opener import DEADLINE, GuardedOpener, Limits, host_of
from retrieval.download.host_turns import LATER
from retrieval.download.later_import import import_later
from retrieval.download.settings import Manners
from retrieval.download.tar_answers import is_listed, read_listed

# Time-outs in a row from one host in one process, after which its other URLs are not tried. With the default deadline
# and 64 threads, a dead host costs a process about 10 seconds.
HOST_TIMEOUTS = 20
# A host whose Retry-After asks for a short wait (host_turns.py) gets it, and is asked for the same URL again, this
# often. After HOST_TIMEOUTS URLs in a row that ended with HTTP 429 we leave it alone for an hour.
WAITED_TRIES = 2
AN_HOUR = "3600"
PARENT_CHECK_SECONDS = 0.1
WORKER_ENVIRONMENT = ("NO_ALBUMENTATIONS_UPDATE", "OPENCV_IO_MAX_IMAGE_PIXELS")

GIVEN_UP = "host given up: it only timed out"


# ---- in img2dataset's processes ----


@dataclass(frozen=True)
class GuardedDownloader:
    """img2dataset's downloader of shards, which fetches nothing before the guard is in its process."""

    limits: Limits
    downloader: bytes  # pickled, because unpickling it imports img2dataset, which `install` must do first

    def __call__(self, shard):
        opener = install(self.limits)
        downloader = pickle.loads(self.downloader)
        downloader.resizer = importlib.import_module("retrieval.download.stored_image").ShownResizer(downloader.resizer)
        with ThreadPool(downloader.thread_count) as ahead:
            if self.limits.manners.opt_outs:
                ahead.imap_unordered(opener.fetch_rules, one_url_per_site(urls_of(shard[1])))
            return downloader(shard)


def urls_of(shard_file: str) -> list[str]:
    """The URLs of img2dataset's shard."""
    with importlib.import_module("fsspec").open(shard_file, "rb") as file:
        return importlib.import_module("pyarrow").ipc.open_file(file).read_all()["url"].to_pylist()


def one_url_per_site(urls: list[str]) -> list[str]:
    """The first URL of each site, in order.

    Rules cost a site's first image two more answers to wait for. Of 10,000 URLs of web captions, which have 4,600
    sites, that would nearly double the waiting. So they are fetched ahead, in as many threads as the images have.
    """
    first: dict[str, str] = {}
    for url in urls:
        first.setdefault("/".join(url.split("/", 3)[:3]).lower(), url)
    return list(first.values())


@functools.cache
def install(limits: Limits) -> GuardedOpener:
    """Put the guard under img2dataset in this process."""
    importlib.import_module("retrieval.download.img2dataset_alone")
    downloader = importlib.import_module("img2dataset.downloader")
    opener = GuardedOpener(limits)
    urllib.request.install_opener(opener)
    importlib.import_module("PIL.Image").MAX_IMAGE_PIXELS = MAX_IMAGE_PIXELS // 2  # Pillow refuses twice this
    progress = os.open(limits.progress, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    timeouts: Counter = Counter()  # host -> time-outs in a row
    refusals: Counter = Counter()  # host -> HTTP 429 in a row

    def ask(row, host: str, timeout, retries: int) -> tuple:
        for number in range(1 + retries + WAITED_TRIES):
            answer = downloader.download_image(row, timeout, None, None)
            if answer[1] is not None or not is_temporary(answer[2]):
                break
            if number >= retries and not (LATER in answer[2] and opener.turns.wants_a_short_wait(host)):
                break
        return answer

    def download_with_retry(row, timeout, retries, user_agent_token, disallowed_header_directives):
        if is_listed(row[1]):
            answer = row[0], *read_listed(row[1], limits.max_bytes, limits.allow_private_hosts)
            os.write(progress, b".")
            return answer
        host = host_of(row[1])
        answer = row[0], None, GIVEN_UP
        if timeouts[host] < HOST_TIMEOUTS:
            answer = ask(row, host, timeout, retries)
            error = answer[2] or ""
            timeouts[host] = timeouts[host] + 1 if "timed out" in error or DEADLINE in error else 0
            refusals[host] = refusals[host] + 1 if error.startswith("HTTP Error 429") else 0
            if refusals[host] == HOST_TIMEOUTS:
                opener.turns.ask_later(host, AN_HOUR)
        os.write(progress, b".")
        return answer

    downloader.download_image_with_retry = download_with_retry
    return opener


def is_temporary(error: str) -> bool:
    """Whether asking the same URL again may help: not after a 404, nor after a refusal of ours."""
    if error.startswith("HTTP Error "):
        return error[11:14] in ("408", "425", "429") or error[11:12] == "5"
    return not error.startswith("refused: ")


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, so that nothing goes on after the parent was killed with -9."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _end_with_main_process() -> None:
    """The same in a process that multiprocessing made: its operating system's parent is the fork server."""
    while (parent := multiprocessing.parent_process()) is None:  # set right after this module's import
        time.sleep(0.01)
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


def main() -> int:
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    threading.Thread(target=_end_with, args=(settings["parent"],), daemon=True).start()
    START[settings["download"]["distributor"]](settings["download"]["processes_count"])
    importlib.import_module("retrieval.download.img2dataset_alone")
    module = importlib.import_module("img2dataset.main")  # `import img2dataset.main as module` gives a function
    unguarded = module.Downloader
    limits = Limits(**settings["limits"] | {"manners": Manners(**settings["limits"]["manners"])})
    module.Downloader = lambda **arguments: GuardedDownloader(limits, pickle.dumps(unguarded(**arguments)))
    module.download(**settings["download"])
    return 0


def _start_multiprocessing(processes: int) -> None:
    """img2dataset spawns its logger and its workers, and each would import it for a second.

    Here a fork server imports it once, and the logger and workers are forked from it. This process resizes nothing:
    it leaves out albumentations, three quarters of that second.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["retrieval.download.img2dataset_alone", "retrieval.download.stored_image"])
    multiprocessing.forkserver.ensure_running()
    import_later("albumentations")
    importlib.import_module("retrieval.download.img2dataset_alone")
    importlib.import_module("img2dataset.main").LoggerProcess._Popen = staticmethod(context.Process._Popen)
    importlib.import_module("img2dataset.distributor").get_context = lambda _: context
    multiprocessing.pool.Pool._join_exited_workers = staticmethod(_end_if_one_was_killed)


def _end_if_one_was_killed(workers, join=multiprocessing.pool.Pool._join_exited_workers):
    """multiprocessing waits for ever for what a worker had, when memory ran out or a decoder crashed under it."""
    for worker in workers:
        if (worker.exitcode or 0) < 0 and worker.exitcode != -signal.SIGTERM:  # which ends them after the last shard
            print(f"a process was killed by {signal.Signals(-worker.exitcode).name}", file=sys.stderr, flush=True)
            os._exit(1)
    return join(workers)


def _start_ray(processes: int) -> None:
    """Join the cluster at RAY_ADDRESS, or start one on this machine."""
    import ray

    of_this_machine = {} if os.environ.get("RAY_ADDRESS") else {
        "num_cpus": processes, "include_dashboard": False, "object_store_memory": 100 << 20,
    }  # fmt: skip
    ray.init(runtime_env={"env_vars": _worker_environment()}, **of_this_machine)


def _start_spark(processes: int) -> None:
    """Begin the session that img2dataset then finds: where PYSPARK_SUBMIT_ARGS says, else on this machine."""
    from pyspark.sql import SparkSession

    # Spark would start "python3" of the PATH for its workers. Where a cluster has it elsewhere, the user says so.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("img2dataset")
    if "PYSPARK_SUBMIT_ARGS" not in os.environ:
        builder = builder.master(f"local[{processes}]")
    for name, value in _worker_environment().items():
        os.environ[name] = value  # for the workers of this machine
        builder = builder.config(f"spark.executorEnv.{name}", value)
    builder.getOrCreate()


def _worker_environment() -> dict[str, str]:
    """What a cluster's worker must be told: where this module is, and this process's environment variables."""
    paths = [str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | {
        name: os.environ[name] for name in WORKER_ENVIRONMENT if name in os.environ
    }


START = {"multiprocessing": _start_multiprocessing, "ray": _start_ray, "pyspark": _start_spark}


if __name__ == "__mp_main__":  # in img2dataset's logger and workers
    threading.Thread(target=_end_with_main_process, daemon=True).start()

if __name__ == "__main__":
    from retrieval.download import guarded_fetch  # not as __main__: workers look GuardedDownloader up by this name

    sys.exit(guarded_fetch.main())
