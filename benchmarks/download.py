"""What planning, the guard, placing and the report cost on top of bare img2dataset, and what politeness costs of it.

In:  nothing: a server on loopback serves JPEG, PNG, WebP and GIF images of 640 × 480 pixels, each with its own URL. The
     URLs are of --hosts hosts (addresses from 127.1.0.0 on), and each host has a robots.txt.
Out: a line on stdout: seconds of bare img2dataset and of ours on the same URLs, run in turn, and their ratio. Then the
     same of ours with opt-outs kept to and four connections per host, and of ours with --ignore-opt-outs.

    python benchmarks/download.py
    python benchmarks/download.py --urls 2000 --hosts 930   # as many URLs per host as 10,000 web captions have: 2.15
    python benchmarks/download.py --urls 1000 --latency 0.1 --rounds 1
"""

import argparse
import contextlib
import ctypes
import functools
import http.server
import io
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = ("JPEG", "PNG", "WEBP", "GIF")
ROBOTS = b"User-agent: *\n" + b"".join(b"Disallow: /private/%d/\n" % number for number in range(40))
POLITE = ("--per-host", 4)  # private addresses have no limit otherwise
SETTINGS = {"thread_count": 64, "processes_count": 2, "timeout": 10, "image_size": 256}


def serve(connection, latency: float) -> None:
    """Run a server; in a process of its own, so that it does not slow this one down."""
    from PIL import Image

    bodies = {}
    for kind in KINDS:
        file = io.BytesIO()
        Image.effect_noise((640, 480), 60).resize((64, 48)).resize((640, 480)).convert("RGB").save(file, kind)
        bodies[kind.lower()] = file.getvalue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def handle(self):
            with contextlib.suppress(ConnectionError):  # a client that timed out has left
                super().handle()

        def do_GET(self):
            time.sleep(latency)
            if self.path == "/robots.txt":
                return self.say(200, ROBOTS)
            if self.path.startswith("/.well-known/"):
                return self.say(404, b"")
            number, kind = self.path.lstrip("/").split(".")
            body = of_its_own(kind, bodies[kind], number.encode())
            self.say(200, body)

        def say(self, code: int, body: bytes):
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 1024  # the default of 5 drops connections, and each costs a client its time-out

    server = Server(("", 0), Handler)
    server.daemon_threads = True
    connection.send(server.server_port)
    server.serve_forever()


def of_its_own(kind: str, body: bytes, number: bytes) -> bytes:
    """The image with a number in the file, as a comment if the format has them: equal files would be placeholders."""
    if kind == "jpeg":
        return body[:2] + b"\xff\xfe" + (2 + len(number)).to_bytes(2, "big") + number + body[2:]
    if kind == "png":
        text = b"tEXtn\0" + number
        chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
        return body[:33] + chunk + body[33:]  # after the signature and IHDR
    return body + number  # after the end of the image, which WebP and GIF files declare


def bare(urls: list[str], folder: Path) -> tuple[tuple[float, float], int]:
    """Run img2dataset's own command line on the URLs: seconds, and images made."""
    (folder / "urls.txt").write_text("\n".join(urls))
    flags = SETTINGS | {
        "url_list": folder / "urls.txt", "output_folder": folder / "out", "resize_mode": "keep_ratio",
        "extract_exif": False,
        "number_sample_per_shard": -(-len(urls) // SETTINGS["processes_count"]),  # 10,000 would leave one idle
    }  # fmt: skip
    seconds = timed(["img2dataset.main", *(f"--{name}={value}" for name, value in flags.items())], folder)
    return seconds, sum(json.loads(stats.read_text())["successes"] for stats in (folder / "out").glob("*_stats.json"))


def ours(urls: list[str], folder: Path, flags=()) -> tuple[tuple[float, float], int]:
    """Run download_urls_img2dataset.py on a chunk with the URLs: seconds, and images kept."""
    (folder / "chunks").mkdir()
    records = [{"URL": url, "TEXT": "a caption", "NSFW": "UNLIKELY", "QUERY": f"class {i % 50}"}
               for i, url in enumerate(urls)]  # fmt: skip
    (folder / "chunks" / "chunk_0.json").write_text(json.dumps(records))
    command = ["download_urls_img2dataset", "--r", folder / "chunks", "--w", folder / "work", "--dataset-output",
               folder / "dataset", "--nthreads", SETTINGS["thread_count"], "--nprocesses", SETTINGS["processes_count"],
               "--allow-private-hosts", *flags]  # fmt: skip
    seconds = timed(command, folder)
    return seconds, json.loads((folder / "dataset" / "report.json").read_text())["kept"]


def timed(module_and_flags: list, folder: Path) -> tuple[float, float]:
    """Run a module: seconds, and CPU seconds of all its processes, which count where other work shares the machine."""
    began, used = time.perf_counter(), cpu_seconds()
    with open(folder / "log", "wb") as log:
        subprocess.run(
            [sys.executable, "-m", *map(str, module_and_flags)],
            check=True, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1"},
        )  # fmt: skip
    took = time.perf_counter() - began
    with contextlib.suppress(ChildProcessError):
        for _ in range(20):  # a fork server ends after its run, and its workers' time is counted with it
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.05)
    return took, cpu_seconds() - used


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=5_000, help="images to fetch (default %(default)s)")
    parser.add_argument("--hosts", type=int, default=500, help="of the URLs (default %(default)s)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="runs of each; the medians are compared (default %(default)s)"
    )
    flags = parser.parse_args()

    # What a run leaves behind becomes a child of this process, so that its CPU time can be asked for (prctl(2)).
    ctypes.CDLL(None).prctl(36, 1)
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there, flags.latency), daemon=True)
    server.start()
    port = here.recv()
    urls = [f"http://127.1.{i % flags.hosts // 250}.{i % flags.hosts % 250 + 1}:{port}/{i}.{KINDS[i % 4].lower()}"
            for i in range(flags.urls)]  # fmt: skip
    runs = {
        "img2dataset": bare,
        "ours": functools.partial(ours, flags=POLITE),
        "ours, opt-outs ignored": functools.partial(ours, flags=("--ignore-opt-outs",)),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for number in range(flags.rounds):
        for name, run in runs.items():
            with tempfile.TemporaryDirectory() as folder:
                took, images = run(urls, Path(folder))
                seconds[name].append(took)
                print(
                    f"round {number}: {name} {took[0]:.1f} s, CPU {took[1]:.1f} s, {images:,} images", file=sys.stderr
                )
    for kind, place in (("seconds", 0), ("CPU seconds", 1)):
        peer, polite, impolite = (statistics.median(took[place] for took in seconds[name]) for name in runs)
        print(f"{flags.urls:,} URLs of {flags.hosts:,} hosts, latency {flags.latency} s, {kind}: img2dataset "
              f"{peer:.1f}, ours {impolite:.1f}, ratio {impolite / peer:.2f} (bar 1.05); with opt-outs kept to and "
              f"four connections per host {polite:.1f}, ratio {polite / impolite:.2f} (bar 1.10)")  # fmt: skip
    server.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
