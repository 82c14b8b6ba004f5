"""What the downloader's tests share: a server on loopback that says what was asked of it, chunks, runs of the script.

A test file gets the fixtures by `pytest_plugins = "download_server"`.
"""

import contextlib
import functools
import gzip
import http.server
import io
import json
import random
import struct
import threading
import time
import urllib.parse
import zlib
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from retrieval.download.plan import open_database, read_placed
from retrieval.download.plan_choice import choose
from retrieval.download.plan_chunks import read_chunks
from retrieval.download.settings import Choice
from retrieval.records import encode_record, write_chunks


def drawn(name: str, kind: str = "JPEG", size: tuple[int, int] = (300, 200)) -> bytes:
    """An image that no other name gets."""
    noise = random.Random(name)
    image = Image.new("RGB", (6, 4))
    image.putdata([tuple(noise.randrange(256) for _ in range(3)) for _ in range(24)])
    file = io.BytesIO()
    image.resize(size, Image.Resampling.NEAREST).save(file, kind)
    return file.getvalue()


@functools.cache
def png_bomb(side: int) -> bytes:
    """A PNG of side × side black pixels, the first 600 MB of them: a thousandth of that on the wire."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    squeezed = zlib.compressobj(9)
    blocks = [squeezed.compress(bytes(1 << 24)) + squeezed.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    body = blocks[0] + blocks[1] * min(35, side * (3 * side + 1) >> 24)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", body) + part(b"IEND", b"")


@functools.cache
def many_scans() -> bytes:
    """A progressive JPEG of 40 million pixels, its last scan 20,000 times: 1.2 MB, 15 minutes to decode."""
    file = io.BytesIO()
    Image.new("L", (6300, 6300)).save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + scan * 20_000 + whole[-2:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.host = self.headers.get("Host", "").partition(":")[0]
        self.server.count(self.host, 1)
        self.server.agents.add(self.headers.get("User-Agent"))
        is_rule = self.path.endswith(("/robots.txt", "/tdmrep.json"))
        (self.server.asked_rules if is_rule else self.server.asked).append(self.path)
        kind, _, rest = self.path.lstrip("/").partition("/")
        with contextlib.suppress(OSError):  # the client has left
            if is_rule:
                self.serve_rule()
            else:
                getattr(self, f"serve_{kind}", self.serve_missing)(rest)

    def answer(self, body: bytes, code: int = 200, content_type: str = "image/jpeg", **headers):
        self.server.count(self.host, -1)  # before the client can know: its next request comes after this one
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        for header, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def serve_rule(self):
        """What `server.rules` has for host and path: a text, a status, or the keywords of `answer`."""
        rule = self.server.rules.get(self.host + self.path, 404)
        if isinstance(rule, str):
            self.answer(rule.encode(), content_type="text/plain")
        else:
            self.answer(b"", rule) if isinstance(rule, int) else self.answer(b"", **rule)

    def serve_missing(self, rest):
        self.answer(b"no", 404)

    def serve_jpeg(self, rest):
        time.sleep(self.server.latency)
        self.answer(drawn(rest))

    def serve_png(self, rest):
        self.answer(drawn(rest, "PNG"))

    def serve_webp(self, rest):
        self.answer(drawn(rest, "WEBP"))

    def serve_tiny(self, rest):
        self.answer(drawn(rest, size=(30, 20)))

    def serve_long(self, rest):
        self.answer(drawn(rest, size=(900, 100)))

    def serve_html(self, rest):
        self.answer(b"<html>this image has moved</html>", content_type="text/html")

    def serve_status(self, rest):
        self.answer(b"no", int(rest.split("/")[0]))

    def serve_cut(self, rest):
        self.answer(drawn(rest)[:-2000])

    def serve_short(self, rest):
        self.answer(drawn(rest), Content_Length="99999")

    def serve_less(self, rest):
        self.answer(drawn(rest), Content_Length=str(len(drawn(rest)) // 2))

    def serve_empty(self, rest):
        self.answer(b"")

    def serve_gzip(self, rest):
        self.answer(gzip.compress(bytes(1 << 24)) * 200, Content_Encoding="gzip")  # 3 GB in 3 MB

    def serve_hugeheader(self, rest):
        self.answer(drawn(rest), X_Long="y" * 1_000_000)

    def serve_manyheaders(self, rest):
        self.answer(drawn(rest), **{f"X_{number}": "y" * 40 for number in range(20_000)})

    def serve_garbage(self, rest):
        self.wfile.write(b"\0\xff no protocol at all\r\n\r\n")

    def serve_continue(self, rest):
        while True:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.1)

    def serve_chunks(self, rest):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            self.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    def serve_otheragent(self, rest):
        self.answer(drawn(rest), X_Robots_Tag="otherbot: noai")

    def serve_noai(self, rest):
        self.answer(drawn(rest), X_Robots_Tag="noai")

    def serve_tag(self, rest):
        self.answer(drawn(rest), X_Robots_Tag=urllib.parse.unquote(rest))

    def serve_tdm(self, rest):
        self.answer(drawn(rest), TDM_Reservation=rest)

    def serve_later(self, rest):
        """HTTP 429, the first time or always."""
        seconds, when, _ = rest.split("/")
        if when == "always" or self.server.asked.count(self.path) == 1:
            self.answer(b"", 429, Retry_After=seconds)
        else:
            self.answer(drawn(rest))

    def serve_silent(self, rest):
        time.sleep(20)

    def serve_drip(self, rest):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(60):
            self.wfile.write(b"x")
            time.sleep(0.5)

    def serve_dripheaders(self, rest):
        for letter in b"HTTP/1.0 200 OK\r\nX-Long: " + b"y" * 100:
            self.wfile.write(bytes([letter]))
            time.sleep(0.5)

    def serve_endless(self, rest):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65536)

    def serve_endlessredirect(self, rest):
        self.send_response(302)
        self.send_header("Location", "/jpeg/behind-endless")
        self.end_headers()
        for _ in range(20_000):
            self.wfile.write(b"x" * 65536)

    def serve_loop(self, rest):
        self.answer(b"", 302, Location=f"/loop/{rest}x")

    def serve_to(self, rest):
        self.answer(b"", 302, Location=self.server.elsewhere[rest])

    def serve_bomb(self, rest):
        self.answer(png_bomb(int(rest)), content_type="image/png")

    def serve_cutbomb(self, rest):
        self.answer(png_bomb(int(rest.split("/")[0]))[:-100], content_type="image/png")

    def serve_scans(self, rest):
        self.answer(many_scans())

    def serve_placeholder(self, rest):
        self.answer(drawn("image not available"))

    def serve_same(self, rest):
        self.answer(drawn("one image"))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # the default of 5 drops connections, and each costs a client a second

    def __init__(self, *arguments, asked: list | None = None, elsewhere: dict | None = None, **more):
        super().__init__(*arguments, **more)
        self.asked, self.elsewhere = [] if asked is None else asked, elsewhere or {}
        self.asked_rules, self.agents, self.rules, self.latency = [], set(), {}, 0
        self.open, self.most_open, self.counting = Counter(), Counter(), threading.Lock()

    def count(self, host: str, change: int) -> None:
        """Count the requests of a host that wait for their answer."""
        with self.counting:
            self.open[host] += change
            self.most_open[host] = max(self.most_open[host], self.open[host])


@contextlib.contextmanager
def serving(address="127.0.0.1"):
    """A server on loopback; with the address "" it has each of 127.0.0.0/8 as a host of its own."""
    made = Server((address, 0), Handler)
    made.at = f"http://127.0.0.1:{made.server_port}"
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture()
def server():
    with serving() as made:
        yield made


def record(url, name="banded", **fields):
    return {"SAMPLE_ID": 2**62 + 1, "URL": url, "TEXT": f"a caption of {url}", "NSFW": "UNLIKELY", "LICENSE": "?",
            "similarity": 0.31, "QUERY": name, "SOURCE": "substring", "MATCHED": name, "SCORE": None, "RANK": None,
            "ROW": "part-0.parquet:7"} | fields  # fmt: skip


def chunks(folder: Path, records: list[dict]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_chunks(map(encode_record, records), folder)
    return folder


PATIENT = ("--timeout", 60, "--deadline", 90)  # a busy machine's answers should not be taken for dead links
HASTY = ("--timeout", 10, "--deadline", 10)  # for servers that are silent for 20 seconds, or drip for 30


def arguments(tmp_path, *more, r=("chunks",), w="work", out="dataset", private=True):
    return [
        "--r", *(tmp_path / folder for folder in r), "--w", tmp_path / w, "--dataset-output", tmp_path / out,
        "--nthreads", 16, "--nprocesses", 1, *PATIENT, *(["--allow-private-hosts"] if private else []), *more,
    ]  # fmt: skip


@pytest.fixture()
def download(run_script, tmp_path):
    def run(*more, code=0, env=None, **places):
        done = run_script("download_urls_img2dataset.py", *arguments(tmp_path, *more, **places), env=env)
        assert code is None or done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def loaded(tmp_path, out="dataset"):
    dataset = tmp_path / out
    report = json.loads((dataset / "report.json").read_text())
    metadata = json.loads((dataset / "metadata.json").read_text())
    assert report["rows_read"] == report["kept"] + sum(report["dropped"].values())
    files = {str(path.relative_to(dataset)) for path in dataset.rglob("*.jpg")}
    lines = [json.loads(line) for line in (dataset / "metadata.jsonl").read_text().splitlines()]
    assert {line["file_name"] for line in lines} == files
    assert [line["key"] for line in lines] == list(metadata) == sorted(metadata)
    return report, metadata, files


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def choice_of(**settings) -> Choice:
    """What the script chooses without a flag, but for `settings`."""
    usual = {"nsfw_tags": ("NSFW",), "allow_untagged": False, "allow_private_hosts": False, "conflict": "all",
             "balance": None, "max_per_class": None, "most": None, "prefer": "sample", "seed": 0}  # fmt: skip
    return Choice(**(usual | settings))


def planned(tmp_path, *folders: list[dict], embeddings=None, **settings):
    """The plan's database for the folders' rows, as the script makes it."""
    choice = choice_of(**settings)
    database = open_database(tmp_path / f"plan{len(list(tmp_path.iterdir()))}.duckdb")
    written = [chunks(tmp_path / f"chunks{number}", rows) for number, rows in enumerate(folders)]
    read_chunks(database, written, choice, allow_partial=False)
    read_placed(database, tmp_path / "nothing", {})
    choose(database, choice, embeddings)
    return database
