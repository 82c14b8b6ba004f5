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
                                            is resolved and after every redirect; deadline and cap of bytes per URL
    img2dataset.downloader
        .download_image_with_retry          `install`: counts answers, retries only temporary failures, gives up a host
                                            that only times out
    img2dataset.main.Downloader             `main`: what is sent to a worker, on this machine or on a cluster, is a
                                            `GuardedDownloader`, which installs the guard there before it fetches
    its resizer                             `GuardedDownloader`: gets what a browser shows (stored_image.py)
    img2dataset's process contexts          `_start_multiprocessing`: workers are forked from a process that has
                                            imported img2dataset once; when one is killed, all end

img2dataset keeps its threads, its user agent, its X-Robots-Tag handling, its resizing and its writer.
"""

import contextlib
import functools
import http.client
import importlib
import json
import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import multiprocessing.pool
import os
import pickle
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from retrieval.download.answer_bytes import MAX_IMAGE_PIXELS, TOO_LARGE, BadAnswer, check_image, unpacked
from retrieval.private_hosts import is_public_address, names_private_host, resolves_to_private

READ_BYTES = 1 << 18
# Time-outs in a row from one host in one process, after which its other URLs are not tried. With the default deadline
# and 64 threads, a dead host costs a process about 10 seconds.
HOST_TIMEOUTS = 20
PARENT_CHECK_SECONDS = 0.1
WORKER_ENVIRONMENT = ("NO_ALBUMENTATIONS_UPDATE", "OPENCV_IO_MAX_IMAGE_PIXELS")

DEADLINE = "deadline: the answer took too long in all"
GIVEN_UP = "host given up: it only timed out"
PRIVATE = "private address"
NOT_HTTP = "not valid HTTP"


@dataclass(frozen=True)
class Limits:
    """What one URL may cost, and where it may lead."""

    deadline_seconds: float
    max_bytes: int
    allow_private_hosts: bool
    progress: str  # path of the file that grows by one byte per URL answered


class Refused(urllib.error.URLError):
    """A limit of ours was reached. Asking again would not change that."""

    def __str__(self) -> str:
        return f"refused: {self.reason}"


# ---- one URL's connection ----

_call = threading.local()  # `deadline` and `timeout` of the URL that this thread is fetching; `busy` during it


def _seconds_left() -> float:
    left = _call.deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(DEADLINE)
    return min(left, _call.timeout)


class _Socket(socket.socket):
    def recv_into(self, *arguments):
        self.settimeout(_seconds_left())
        return super().recv_into(*arguments)


class _TLSSocket(ssl.SSLSocket):
    def recv_into(self, *arguments):
        self.settimeout(_seconds_left())
        return super().recv_into(*arguments)


def _connect(limits: Limits, proxies: set[str]):
    """A `create_connection` for http.client. The address that is judged is the one that is connected to, so a name
    cannot resolve to another address in between."""

    def create_connection(host_and_port, timeout=None, source_address=None):
        host, port = host_and_port[:2]
        is_proxy = f"{host}:{port}" in proxies
        refused = error = None
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
            if not (limits.allow_private_hosts or is_proxy or is_public_address(address[0])):
                refused = Refused(PRIVATE)
                continue
            connection = _Socket(family, kind, protocol)
            try:
                connection.settimeout(_seconds_left())
                connection.connect(address)
                return connection
            except OSError as failure:
                connection.close()
                error = failure
        raise error or refused or OSError("no address for this host")

    return create_connection


class _HTTPHandler(urllib.request.HTTPHandler):
    def __init__(self, connect):
        super().__init__()
        self.connect = connect

    def http_open(self, request):
        def connection(*arguments, **keywords):
            made = http.client.HTTPConnection(*arguments, **keywords)
            made._create_connection = self.connect
            return made

        return self.do_open(connection, request)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def __init__(self, connect):
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        context.sslsocket_class = _TLSSocket
        super().__init__(context=context)
        self.connect, self.tls = connect, context

    def https_open(self, request):
        def connection(*arguments, **keywords):
            made = http.client.HTTPSConnection(*arguments, context=self.tls, **keywords)
            made._create_connection = self.connect
            return made

        return self.do_open(connection, request)


class _RedirectHandler(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, response, code, message, headers, new_url):
        response.read = bytes  # urllib would read the redirect's own body to its end, which may never come
        return super().redirect_request(request, response, code, message, headers, new_url)


class GuardedOpener(urllib.request.OpenerDirector):
    """Opens http and https, nothing else. `read` of its answer keeps to the limits."""

    def __init__(self, limits: Limits):
        super().__init__()
        self.limits = limits
        self.proxies = urllib.request.getproxies()
        proxies = {urllib.parse.urlsplit(proxy).netloc.rpartition("@")[2] for proxy in self.proxies.values()}
        connect = _connect(limits, proxies)
        for handler in (
            urllib.request.ProxyHandler(self.proxies), urllib.request.UnknownHandler(), _HTTPHandler(connect),
            _HTTPSHandler(connect), urllib.request.HTTPDefaultErrorHandler(), _RedirectHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):  # fmt: skip
            self.add_handler(handler)

    def open(self, request, data=None, timeout=None):
        # urllib calls `open` again for a redirect, which shares the deadline of the first URL.
        outermost = not getattr(_call, "busy", False)
        if outermost:
            _call.deadline = time.monotonic() + self.limits.deadline_seconds
            _call.timeout = timeout if isinstance(timeout, (int, float)) else self.limits.deadline_seconds
        request.full_url = ascii_url(request.full_url)
        parts = urllib.parse.urlsplit(request.full_url)
        _ = parts.port  # raises if it is no port; the C library would take 65616 for 80
        if not self.limits.allow_private_hosts:
            host = parts.hostname or ""
            if names_private_host(host) or (self.proxies.get(parts.scheme) and resolves_to_private(host)):
                raise Refused(PRIVATE)
        _call.busy = True
        try:
            response = super().open(request, data, _seconds_left())
        except (http.client.InvalidURL, http.client.RemoteDisconnected):
            raise
        except http.client.HTTPException as error:  # its text quotes the server, and could look like another reason
            raise Refused(NOT_HTTP) from error
        finally:
            if outermost:
                _call.busy = False
        return CappedResponse(response, self.limits.max_bytes) if outermost else response


class CappedResponse(contextlib.closing):
    """The parts of an answer that img2dataset uses: `headers`, `read()`, and `with`."""

    def __init__(self, response, max_bytes: int):
        super().__init__(response)
        self.headers, self.response, self.max_bytes = response.headers, response, max_bytes

    def __enter__(self):
        return self

    def read(self) -> bytes:
        if (self.response.length or 0) > self.max_bytes:
            raise Refused(TOO_LARGE)
        pieces, size = [], 0
        while piece := self.response.read(READ_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > self.max_bytes:
                raise Refused(TOO_LARGE)
        if self.response.length:  # read(n) does not raise when the answer ends before its Content-Length
            raise http.client.IncompleteRead(b"", self.response.length)
        try:
            data = unpacked(b"".join(pieces), self.headers.get_all("Content-Encoding", []), self.max_bytes)
            check_image(data)
        except BadAnswer as error:
            raise Refused(str(error)) from error
        return data


def ascii_url(url: str) -> str:
    """The URL as a browser would send it: accents and spaces escaped, the host in IDNA. urllib would raise instead.

    A user name and password before the host are left out: urllib would take them for a part of the host's name.
    """
    url = url.strip()
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if url.isascii() and " " not in url:
        return url if host == parts.netloc else url.replace(parts.netloc, host, 1)
    host = host if host.isascii() else host.encode("idna").decode()
    path, query = (urllib.parse.quote(text, safe="%/:=&?~+!$,;'@()*[]|") for text in (parts.path, parts.query))
    return urllib.parse.urlunsplit((parts.scheme, host, path, query, ""))


# ---- in img2dataset's processes ----


@dataclass(frozen=True)
class GuardedDownloader:
    """img2dataset's downloader of shards, which fetches nothing before the guard is in its process."""

    limits: Limits
    downloader: bytes  # pickled, because unpickling it imports img2dataset, which `install` must do first

    def __call__(self, shard):
        install(self.limits)
        downloader = pickle.loads(self.downloader)
        downloader.resizer = importlib.import_module("retrieval.download.stored_image").ShownResizer(downloader.resizer)
        return downloader(shard)


@functools.cache
def install(limits: Limits) -> None:
    """Put the guard under img2dataset in this process."""
    importlib.import_module("retrieval.download.img2dataset_alone")
    downloader = importlib.import_module("img2dataset.downloader")
    urllib.request.install_opener(GuardedOpener(limits))
    importlib.import_module("PIL.Image").MAX_IMAGE_PIXELS = MAX_IMAGE_PIXELS // 2  # Pillow refuses twice this
    progress = os.open(limits.progress, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    timeouts: Counter = Counter()  # host -> time-outs in a row

    def download_with_retry(row, timeout, retries, user_agent_token, disallowed_header_directives):
        host = row[1].partition("://")[2].partition("/")[0].lower()
        answer = row[0], None, GIVEN_UP
        if timeouts[host] < HOST_TIMEOUTS:
            for _ in range(retries + 1):
                answer = downloader.download_image(row, timeout, user_agent_token, disallowed_header_directives)
                if answer[1] is not None or not is_temporary(answer[2]):
                    break
            timed_out = answer[2] is not None and ("timed out" in answer[2] or DEADLINE in answer[2])
            timeouts[host] = timeouts[host] + 1 if timed_out else 0
        os.write(progress, b".")
        return answer

    downloader.download_image_with_retry = download_with_retry


def is_temporary(error: str) -> bool:
    """Whether asking the same URL again may help: not after a 404, nor after a refusal of ours."""
    if error.startswith("HTTP Error "):
        return error[11:14] in ("408", "425", "429") or error[11:12] == "5"
    return not error.startswith("refused: ") and "X-Robots-Tag" not in error


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
    unguarded, limits = module.Downloader, Limits(**settings["limits"])
    module.Downloader = lambda **arguments: GuardedDownloader(limits, pickle.dumps(unguarded(**arguments)))
    module.download(**settings["download"])
    return 0


def _start_multiprocessing(processes: int) -> None:
    """img2dataset spawns its logger and its workers, and each would import it for 1.3 s.

    Here a fork server imports it once, while this process does too, and the logger and workers are forked from it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["retrieval.download.img2dataset_alone", "retrieval.download.stored_image"])
    multiprocessing.forkserver.ensure_running()
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
