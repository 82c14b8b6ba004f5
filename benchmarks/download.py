"""What the plan, the guard and the account cost on top of bare img2dataset, and how fast planning and placing are.

In:  nothing: a server on loopback serves JPEG, PNG, WebP and GIF pictures of 640 × 480, each with its own URL.
Out: a table on stdout: seconds of ours and of bare img2dataset on the same URLs in turn, and their ratio.

    python benchmarks/download.py
    python benchmarks/download.py --urls 1000 --latency 0.1 --rounds 1
"""

import contextlib
import http.server
import io
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = ("JPEG", "PNG", "WEBP", "GIF")
SETTINGS = {"thread_count": 64, "processes_count": 2, "timeout": 10, "image_size": 256}


def serve(connection, latency: float) -> None:
    """A server in a process of its own, so that it does not share the downloader's interpreter lock."""
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
            number, kind = self.path.lstrip("/").split(".")
            body = of_its_own(kind, bodies[kind], number.encode())
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 1024  # the default of 5 would drop connections, and each costs a client its time-out

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    connection.send(server.server_port)
    server.serve_forever()


def of_its_own(kind: str, body: bytes, number: bytes) -> bytes:
    """The picture with a comment in it, where its format takes one: equal files would be dropped as placeholders."""
    if kind == "jpeg":
        return body[:2] + b"\xff\xfe" + (2 + len(number)).to_bytes(2, "big") + number + body[2:]
    if kind == "png":
        text = b"tEXtn\0" + number
        chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
        return body[:33] + chunk + body[33:]  # behind the signature and IHDR
    return body + number  # behind the end that WebP and GIF say they have


def bare(urls: list[str], folder: Path) -> tuple[float, int]:
    """Seconds of img2dataset's own command line on the URLs, and images made."""
    (folder / "urls.txt").write_text("\n".join(urls))
    flags = SETTINGS | {
        "url_list": folder / "urls.txt", "output_folder": folder / "out", "resize_mode": "keep_ratio",
        "extract_exif": False,
        "number_sample_per_shard": -(-len(urls) // SETTINGS["processes_count"]),  # its 10,000 would idle a process
    }  # fmt: skip
    seconds = timed(["img2dataset.main", *(f"--{name}={value}" for name, value in flags.items())], folder)
    return seconds, sum(json.loads(stats.read_text())["successes"] for stats in (folder / "out").glob("*_stats.json"))


def ours(urls: list[str], folder: Path) -> tuple[float, int]:
    """Seconds of download_urls_img2dataset.py on a chunk that asks for the URLs, and images kept."""
    (folder / "chunks").mkdir()
    records = [{"URL": url, "TEXT": "a caption", "NSFW": "UNLIKELY", "QUERY": f"class {i % 50}"}
               for i, url in enumerate(urls)]  # fmt: skip
    (folder / "chunks" / "chunk_0.json").write_text(json.dumps(records))
    command = ["download_urls_img2dataset", "--r", folder / "chunks", "--w", folder / "work", "--dataset-output",
               folder / "dataset", "--nthreads", SETTINGS["thread_count"], "--nprocesses", SETTINGS["processes_count"],
               "--allow-private-hosts"]  # fmt: skip
    seconds = timed(command, folder)
    return seconds, json.loads((folder / "dataset" / "report.json").read_text())["kept"]


def timed(module_and_flags: list, folder: Path) -> float:
    began = time.perf_counter()
    with open(folder / "log", "wb") as log:
        subprocess.run(
            [sys.executable, "-m", *map(str, module_and_flags)],
            check=True, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1"},
        )  # fmt: skip
    return time.perf_counter() - began


def main() -> int:
    import argparse

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=5_000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of both in turn; the medians count")
    flags = parser.parse_args()

    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there, flags.latency), daemon=True)
    server.start()
    port = here.recv()
    urls = [f"http://127.0.0.1:{port}/{i}.{KINDS[i % len(KINDS)].lower()}" for i in range(flags.urls)]
    seconds: dict[str, list[float]] = {"img2dataset": [], "ours": []}
    for number in range(flags.rounds):
        for name, run in (("img2dataset", bare), ("ours", ours)):
            with tempfile.TemporaryDirectory() as folder:
                took, images = run(urls, Path(folder))
                seconds[name].append(took)
                print(f"round {number}: {name} {took:.1f} s, {images:,} images", file=sys.stderr)
    peer, mine = (statistics.median(seconds[name]) for name in ("img2dataset", "ours"))
    print(f"{flags.urls:,} URLs, latency {flags.latency} s: img2dataset {peer:.1f} s, ours {mine:.1f} s, "
          f"ratio {mine / peer:.2f} (bar 1.05)")  # fmt: skip
    server.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
