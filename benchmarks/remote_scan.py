"""What a scan of remote shards moves and how fast it is, next to the scan of the same files on this disk.

In:   parquet shards made here (LAION-2B-en's columns), served over loopback by a server that waits --latency seconds
      before each answer and counts the bytes that it sends.
Out:  bytes moved over the bytes of the columns that are needed, without a hit and with hits in a tenth of the row
      groups; and the time next to the local scan's. Exit code 1 if the chunks differ, or a bar is missed.

    python benchmarks/remote_scan.py
    python benchmarks/remote_scan.py --rows 1000000 --shards 128 --latency 0.2 --workers 16
"""

import argparse
import contextlib
import http.server
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import _root  # noqa: F401

SCRIPT = Path(__file__).resolve().parent.parent / "filter_laion_metadata_substring.py"
COLUMNS = ("SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity")
ROW_GROUPS = 10  # per shard
MOST_BYTES, LEAST_SPEED = 1.05, 0.8  # the bars
CLASSES = 998  # as many names as ImageNet has, of the captions' words and one that they lack
TENTH = "quetzalcoatlus"  # in every tenth row group


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000, help="captions per shard (default: %(default)s)")
    parser.add_argument("--shards", type=int, default=32, help="number of shards (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per request (default: %(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="pairs of runs; the median counts (default: %(default)s)"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        pool = work / "pool"
        captions, needed = make_pool(pool, args.rows, args.shards)
        no_hit, tenth = work / "no_hit.txt", work / "tenth.txt"
        tenth.write_text(no_hit.read_text() + TENTH + "\n")
        with serving(pool, args.latency) as server:
            shards = f"{server.at}/{{{0:04d}..{args.shards - 1:04d}}}.parquet"
            runs = Runs(work, str(pool / "*.parquet"), shards, args.workers, server)
            wrong = [
                *compare_bytes("no hit", runs, no_hit, captions),
                *compare_bytes("hits in a tenth of the row groups", runs, tenth, captions + needed),
                *compare_times("no hit", runs, no_hit, args),
                *compare_times("hits in a tenth of the row groups", runs, tenth, args),
            ]
    for line in wrong:
        print(f"MISSED: {line}")
    return 1 if wrong else 0


def make_pool(folder: Path, rows: int, shards: int) -> tuple[int, int]:
    """One shard, and hard links of it under the other names. Beside the folder no_hit.txt, names of classes.

    Returns:
        tuple: compressed bytes of all captions, and those of the other columns of every tenth row group.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    words = np.array(["".join(random.choice(list("aeioubdglmnprst"), random.integers(2, 9))) for _ in range(5_000)])
    names = [f"{first} zq{second}" for first, second in zip(words[:CLASSES], words[CLASSES:], strict=False)]
    (folder.parent / "no_hit.txt").write_text("\n".join(dict.fromkeys(names)) + "\n")
    lengths = random.integers(4, 15, rows)
    drawn = words[(random.zipf(1.3, int(lengths.sum())) - 1) % len(words)]
    captions = [" ".join(part) for part in np.split(drawn, np.cumsum(lengths)[:-1])]
    size = rows // ROW_GROUPS
    for group in range(0, ROW_GROUPS, 10):
        captions[group * size + size // 2] += f" {TENTH}"
    table = pa.table({
        "SAMPLE_ID": random.integers(0, 2**62, rows),
        "URL": [f"https://cdn.example.com/{number:x}/{number % 997}.jpg" for number in random.integers(0, 2**48, rows)],
        "TEXT": captions,
        "HEIGHT": random.integers(64, 2000, rows).astype("int32"),
        "WIDTH": random.integers(64, 2000, rows).astype("int32"),
        "LICENSE": ["?"] * rows,
        "NSFW": random.choice(["UNLIKELY", "UNSURE", "NSFW"], rows),
        "similarity": random.random(rows),
        "not_needed": random.random(rows),
    })  # fmt: skip
    first = folder / "0000.parquet"
    pq.write_table(table, first, row_group_size=size)
    for number in range(1, shards):
        os.link(first, folder / f"{number:04d}.parquet")
    footer = pq.read_metadata(first)
    names = {footer.schema.column(place).name: place for place in range(footer.num_columns)}

    def chunk_bytes(group: int, name: str) -> int:
        return footer.row_group(group).column(names[name]).total_compressed_size

    text = sum(chunk_bytes(group, "TEXT") for group in range(footer.num_row_groups))
    others = sum(chunk_bytes(group, name) for group in range(0, ROW_GROUPS, 10) for name in COLUMNS if name != "TEXT")
    print(f"{shards} shards of {rows:,} rows, {first.stat().st_size:,} bytes each, of which captions {text:,}")
    return text * shards, others * shards


# ---- the runs ----


class Runs:
    def __init__(self, work: Path, local: str, remote: str, workers: int, server):
        self.work, self.pools, self.workers, self.server = work, {"local": local, "remote": remote}, workers, server

    def run(self, where: str, names: Path) -> tuple[float, list[bytes]]:
        """Seconds, and the chunks."""
        output = self.work / where
        shutil.rmtree(output, ignore_errors=True)
        command = [sys.executable, SCRIPT, "--query", names, "--match", "word", "--output", output]
        command += ["--workers", self.workers, "--dbs", self.pools[where]]
        self.server.sent = self.server.requests = 0
        started = time.perf_counter()
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            sys.exit(done.stderr)
        return seconds, [path.read_bytes() for path in sorted(output.glob("chunk_*.json"))]


def compare_bytes(what: str, runs: Runs, names: Path, least: int) -> list[str]:
    latency, runs.server.latency = runs.server.latency, 0
    _, local = runs.run("local", names)
    _, remote = runs.run("remote", names)
    runs.server.latency = latency
    ratio = runs.server.sent / least
    print(f"{what}: {runs.server.sent:,} bytes in {runs.server.requests:,} requests, {ratio:.3f} x the bytes needed")
    return [f"{what}: other chunks"] * (local != remote) + [f"{what}: {ratio:.3f} x the bytes"] * (ratio > MOST_BYTES)


def compare_times(what: str, runs: Runs, names: Path, args) -> list[str]:
    pairs = [(runs.run("local", names)[0], runs.run("remote", names)[0]) for _ in range(args.repeats)]
    local, remote = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    speed = statistics.median(here / there for here, there in pairs)
    rows = args.rows * args.shards
    print(f"{what}: local {local:.2f} s ({rows / local:,.0f} rows/s), at {args.latency * 1000:.0f} ms per request "
          f"{remote:.2f} s ({rows / remote:,.0f} rows/s): {speed:.2f} x the local speed")  # fmt: skip
    return [f"{what}: {speed:.2f} x the local speed"] * (speed < LEAST_SPEED)


# ---- the server ----


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        time.sleep(self.server.latency)
        path = self.server.folder / self.path.lstrip("/")
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
        size = path.stat().st_size
        length = min(last, size - 1) + 1 - first
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + length - 1}/{size}")
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.flush()
        done = 0
        with open(path, "rb") as file, contextlib.suppress(ConnectionError):
            while done < length:
                done += os.sendfile(self.connection.fileno(), file.fileno(), first + done, length - done)
        with self.server.lock:
            self.server.sent += done
            self.server.requests += 1


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def serving(folder: Path, latency: float):
    server = Server(("127.0.0.1", 0), Handler)
    server.folder, server.latency, server.sent, server.requests = folder, latency, 0, 0
    server.lock = threading.Lock()
    server.at = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
