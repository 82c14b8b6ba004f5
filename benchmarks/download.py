"""What planning, the guard, placing and the report cost on top of bare img2dataset.

In:  nothing: a server on loopback serves JPEG, PNG, WebP and GIF images of 640 × 480 pixels, each with its own URL.
Out: a line on stdout: seconds of bare img2dataset and of ours on the same URLs, run in turn, and their ratio.

    python benchmarks/download.py
    python benchmarks/download.py --urls 1000 --latency 0.1 --rounds 1
"""

import argparse
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
            number, kind = self.path.lstrip("/").split(".")
            body = of_its_own(kind, bodies[kind], number.encode())
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 1024  # the default of 5 drops connections, and each costs a client its time-out

    server = Server(("127.0.0.1", 0), Handler)
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


def bare(urls: list[str], folder: Path) -> tuple[float, int]:
    """Run img2dataset's own command line on the URLs: seconds, and images made."""
    (folder / "urls.txt").write_text("\n".join(urls))
    flags = SETTINGS | {
        "url_list": folder / "urls.txt", "output_folder": folder / "out", "resize_mode": "keep_ratio",
        "extract_exif": False,
        "number_sample_per_shard": -(-len(urls) // SETTINGS["processes_count"]),  # 10,000 would leave one idle
    }  # fmt: skip
    seconds = timed(["img2dataset.main", *(f"--{name}={value}" for name, value in flags.items())], folder)
    return seconds, sum(json.loads(stats.read_text())["successes"] for stats in (folder / "out").glob("*_stats.json"))


def ours(urls: list[str], folder: Path) -> tuple[float, int]:
    """Run download_urls_img2dataset.py on a chunk with the URLs: seconds, and images kept."""
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--urls", type=int, default=5_000, help="images to fetch (default %(default)s)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="runs of each; the medians are compared (default %(default)s)"
    )
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
