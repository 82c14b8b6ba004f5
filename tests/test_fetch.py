"""fetch.py against a server that does what servers do: cuts, stalls, lies, refuses, asks for patience."""

import hashlib
import http.server
import re
import threading
import time
from collections import Counter
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest

from retrieval.cli import UserError
from retrieval.downloads import Download, FetchError, Watcher
from retrieval.fetch import OVERLAP_BYTES, fetch_file
from retrieval.fetch_many import fetch_all, list_missing
from retrieval.http_answers import Patience
from retrieval.indexing.published_files import read_checksums
from retrieval.whole_file import remote_size, why_incomplete

BODY = np.random.default_rng(7).bytes(1_000_003)
SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """The first word of the path says how the server behaves; every request is written down."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server, way = self.server, self.path.split("/")[1]
        key = (self.command, self.path)
        server.requests.append((self.path, self.headers.get("Range"), self.headers.get("If-Range"), time.monotonic()))
        server.seen[key] += 1
        getattr(self, "way_" + way)(server.seen[key])

    # -- ways

    def way_good(self, nth):
        self.give(BODY)

    def way_cut(self, nth):
        """Each answer stops after 300,000 bytes, whatever its headers promised."""
        self.give(BODY, stop_after=300_000)

    def way_changed(self, nth):
        """Cut once; then another file of the same length is there, under another tag."""
        other = BODY[::-1]
        self.give(BODY, stop_after=300_000) if nth == 1 else self.give(other, tag='"other"')

    def way_swapped(self, nth):
        """The same, by a server that ignores If-Range and tags nothing: only the bytes tell."""
        if nth == 1:
            self.give(BODY, stop_after=300_000, tag=None)
        else:
            self.give(BODY[::-1], tag=None, heed_if_range=False)

    def way_noranges(self, nth):
        self.give(BODY, stop_after=300_000 if nth == 1 else None, heed_range=False)

    def way_always416(self, nth):
        if self.headers.get("Range"):
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(BODY)}"})
        self.give(BODY, stop_after=300_000 if nth == 1 else None)

    def way_liesmore(self, nth):
        """Announces more than it has and closes."""
        self.give(BODY, announce=len(BODY) + 5_000, heed_range=False)

    def way_liesless(self, nth):
        """Announces less than it has: what arrives looks whole to HTTP."""
        self.give(BODY[:500_000])

    def way_stall(self, nth):
        if nth == 1:
            self.give(BODY, stop_after=200_000, then_wait=True)
        else:
            self.give(BODY)

    def way_trickle(self, nth):
        """A byte every 0.1 seconds: each read succeeds, and the file would take a day."""
        self.headers_for(BODY)
        for byte in BODY[:200]:
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                return
            if self.server.closing.wait(0.1):
                return

    def way_patience(self, nth):
        if nth == 1:
            return self.answer(429, b"later", {"Retry-After": "1"})
        self.give(BODY)

    def way_date(self, nth):
        if nth == 1:
            return self.answer(503, b"later", {"Retry-After": formatdate(time.time() + 2, usegmt=True)})
        self.give(BODY)

    def way_never(self, nth):
        self.answer(429, b"", {"Retry-After": "86400"})

    def way_500x3(self, nth):
        self.answer(500, b"oops") if nth <= 3 else self.give(BODY)

    def way_500(self, nth):
        self.answer(500, b"oops")

    def way_404(self, nth):
        self.answer(404, b"gone")

    def way_page(self, nth):
        self.answer(200, b"<!DOCTYPE html><html><body>Please log in</body></html>", {"Content-Type": "text/html"})

    def way_disguised(self, nth):
        self.answer(200, b"\n<html><body>moved</body></html>", {"Content-Type": "application/octet-stream"})

    def way_chunked(self, nth):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(BODY), 200_000):
            if nth == 1 and start == 600_000:
                self.close_connection = True
                return  # no last chunk: cut
            block = BODY[start : start + 200_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        self.wfile.write(b"0\r\n\r\n")

    def way_nolength(self, nth):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(BODY)
        self.close_connection = True

    def way_wrongrange(self, nth):
        if self.headers.get("Range"):
            self.send_response(206)
            self.send_header("Content-Range", f"bytes 0-{len(BODY) - 1}/{len(BODY)}")
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)
        else:
            self.give(BODY, stop_after=300_000 if nth == 1 else None)

    def way_file(self, nth):
        self.give(self.server.files[self.path.split("/", 2)[2]])

    # -- how

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def headers_for(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()

    def give(self, body, stop_after=None, announce=None, tag='"v1"', heed_range=True, heed_if_range=True,
             then_wait=False):  # fmt: skip
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and heed_range and not (heed_if_range and self.headers.get("If-Range", tag) != tag):
            start = int(asked[1])
            if start >= len(body):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str((announce or len(body)) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self.wfile.write(body[start:][:stop_after])
            if then_wait:
                self.wfile.flush()
                self.server.closing.wait(30)
        except OSError:
            pass
        if stop_after is not None or announce:
            self.close_connection = True


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *arguments: None  # a client that hangs up is what the tests are about
    server.requests, server.seen, server.files, server.closing = [], Counter(), {}, threading.Event()
    server.at = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


HASTY = {"first_pause_seconds": 0.01, "stall_seconds": 5.0}


def get(server, way, folder, name="knn.index00", watcher=None, expected_bytes=None, sha256=None, **patience):
    download = Download((f"{server.at}/{way}/{name}",), folder / name, expected_bytes, sha256)
    return fetch_file(download, Patience(**HASTY | patience), watcher)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "way",
    ["good", "cut", "noranges", "always416", "500x3", "patience", "date", "chunked", "wrongrange"],
)
def test_the_file_is_right_in_the_end_and_nothing_is_left_beside_it(server, tmp_path, way):
    result = get(server, way, tmp_path)
    assert (tmp_path / "knn.index00").read_bytes() == BODY
    assert result.bytes == len(BODY) and leftovers(tmp_path) == ["knn.index00"]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("404", "answered 404"),
        ("500", "answered 500"),
        ("page", "a web page instead of the file"),
        ("disguised", "a web page instead of the file"),
        ("liesmore", "cut short at 1,000,003 of 1,005,003 bytes"),
        ("nolength", "does not say how long the file is"),
        ("never", "answered 429"),
    ],
)
def test_what_cannot_be_had_is_an_error_that_names_address_and_reason_and_no_file(server, tmp_path, way, reason):
    with pytest.raises(FetchError) as error:
        get(server, way, tmp_path, retries=2)
    assert f"{server.at}/{way}/knn.index00: " in str(error.value) and reason in str(error.value)
    assert not (tmp_path / "knn.index00").exists()


def test_a_cut_download_goes_on_where_it_was_cut_and_says_what_it_is_a_part_of(server, tmp_path):
    get(server, "cut", tmp_path)
    ranges = [asked for _, asked, _, _ in server.requests]
    assert ranges[:2] == [None, f"bytes={300_000 - OVERLAP_BYTES}-"]
    assert {tag for _, asked, tag, _ in server.requests if asked} == {'"v1"'}


def test_the_next_run_goes_on_with_the_part_of_the_last(server, tmp_path):
    with pytest.raises(FetchError):
        get(server, "cut", tmp_path, retries=0)
    assert ".knn.index00.part" in leftovers(tmp_path)
    result = get(server, "cut", tmp_path)
    assert result.resumed_from == 300_000 and (tmp_path / "knn.index00").read_bytes() == BODY


@pytest.mark.parametrize("way", ["changed", "swapped"])
def test_two_versions_of_a_file_are_never_joined(server, tmp_path, way):
    get(server, way, tmp_path)
    assert (tmp_path / "knn.index00").read_bytes() == BODY[::-1]


def test_a_part_of_unknown_origin_is_not_used(server, tmp_path):
    (tmp_path / ".knn.index00.part").write_bytes(BODY[:400_000])
    assert get(server, "good", tmp_path).resumed_from == 0
    assert server.requests[0][1] is None


def test_a_part_longer_than_the_file_is_begun_again(server, tmp_path):
    with pytest.raises(FetchError):
        get(server, "cut", tmp_path, retries=0)
    with open(tmp_path / ".knn.index00.part", "ab") as part:
        part.write(bytes(2_000_000))
    get(server, "cut", tmp_path)
    assert (tmp_path / "knn.index00").read_bytes() == BODY


def test_a_length_that_is_announced_too_short_is_seen_by_checksum_by_length_and_by_the_files_own_header(
    server, tmp_path
):
    with pytest.raises(FetchError, match="checksum"):
        get(server, "liesless", tmp_path, sha256=SHA256, retries=1)
    with pytest.raises(FetchError, match="its length is 500,000 bytes, not the 1,000,003 expected"):
        get(server, "liesless", tmp_path, expected_bytes=len(BODY))
    np.save(tmp_path / "x.npy", np.zeros((100, 8), np.float16))
    server.files["img_emb_0000.npy"] = (tmp_path / "x.npy").read_bytes()[:-16]
    with pytest.raises(FetchError, match="no whole npy file"):
        get(server, "file", tmp_path, name="img_emb_0000.npy", retries=1)
    server.files["metadata_0000.parquet"] = b"PAR1" + bytes(1_000)
    with pytest.raises(FetchError, match="no whole parquet file"):
        get(server, "file", tmp_path, name="metadata_0000.parquet", retries=1)
    assert leftovers(tmp_path) == ["x.npy"]


@pytest.mark.parametrize("way", ["stall", "trickle"])
def test_a_connection_that_brings_nothing_is_left(server, tmp_path, way):
    begun = time.monotonic()
    if way == "stall":
        get(server, way, tmp_path, stall_seconds=0.5)
        assert (tmp_path / "knn.index00").read_bytes() == BODY
    else:
        with pytest.raises(FetchError, match=r"only \d+ bytes in"):
            get(server, way, tmp_path, stall_seconds=0.5, retries=0)
    assert time.monotonic() - begun < 15  # the stall takes 30 seconds, the trickle 20


def test_retry_after_is_waited_for(server, tmp_path):
    get(server, "patience", tmp_path)
    first, second = (at for *_, at in server.requests)
    assert second - first >= 1.0


def test_pauses_double(server, tmp_path):
    slept, stop = [], threading.Event()
    stop.wait = slept.append
    get(server, "500x3", tmp_path, first_pause_seconds=100, watcher=Watcher(stop=stop))
    np.testing.assert_allclose(slept, [0, 100, 200, 400], atol=40)


def test_a_mirror_takes_over_and_goes_on_with_the_same_part(server, tmp_path):
    urls = tuple(f"{server.at}/{way}/knn.index00" for way in ("404", "500", "good"))
    result = fetch_file(Download(urls, tmp_path / "knn.index00"), Patience(first_pause_seconds=0.01))
    assert result.url == urls[2] and (tmp_path / "knn.index00").read_bytes() == BODY
    assert sum("/404/" in path for path, *_ in server.requests) == 1


def test_a_server_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FetchError, match="http://127.0.0.1:9/x.npy: .*refused"):
        fetch_file(Download(("http://127.0.0.1:9/x.npy",), tmp_path / "x.npy"), Patience(retries=0))
    with pytest.raises(FetchError, match="no server of that name"):
        fetch_file(Download(("http://does-not-exist.invalid/x.npy",), tmp_path / "x.npy"))


def test_a_whole_file_is_not_fetched_again_and_a_cut_one_is(server, tmp_path):
    get(server, "good", tmp_path)
    server.requests.clear()
    assert get(server, "good", tmp_path, sha256=SHA256).url is None and not server.requests
    (tmp_path / "knn.index00").write_bytes(BODY[:1_000])  # what another tool left
    assert get(server, "good", tmp_path).url is not None
    assert (tmp_path / "knn.index00").read_bytes() == BODY


def test_an_npy_file_says_whether_it_is_whole(tmp_path):
    for shape, dtype in [((3, 5), np.float16), ((0, 5), np.float32), ((7,), np.uint8)]:
        np.save(tmp_path / "a.npy", np.zeros(shape, dtype))
        assert why_incomplete(tmp_path / "a.npy") is None
        (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes() + b"x")
        assert "no whole npy" in why_incomplete(tmp_path / "a.npy")


def test_two_processes_do_not_write_one_file(server, tmp_path):
    started = threading.Event()
    blocked = threading.Thread(
        target=lambda: get(
            server, "stall", tmp_path, stall_seconds=60, watcher=Watcher(on_size=lambda size: started.set())
        )
    )
    blocked.start()
    assert started.wait(60)
    with pytest.raises(FetchError, match="being fetched by another process"):
        get(server, "good", tmp_path)
    server.closing.set()  # the stall is over
    blocked.join()
    assert (tmp_path / "knn.index00").read_bytes() == BODY


def test_many_files_are_fetched_and_those_that_fail_are_named(server, tmp_path, capsys):
    ways = ["good", "404", "cut", "page", "500x3"]
    downloads = [
        Download((f"{server.at}/{way}/f{number}.bin",), tmp_path / f"f{number}.bin") for number, way in enumerate(ways)
    ]
    summary = fetch_all(downloads, 3, Patience(first_pause_seconds=0.01))
    assert [path.name for path in summary.failed] == ["f1.bin", "f3.bin"]
    assert sorted(result.path.name for result in summary.fetched) == ["f0.bin", "f2.bin", "f4.bin"]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and any(line.startswith("failed: f1.bin: http://") for line in said)
    again = fetch_all(downloads, 3, Patience(first_pause_seconds=0.01))
    assert (again.already, len(again.fetched), len(again.failed)) == (3, 0, 2)


def test_missing_files_are_listed_with_their_sizes(server, tmp_path):
    downloads = [Download((f"{server.at}/{way}/{way}",), tmp_path / way) for way in ("good", "404", "page")]
    assert [size for _, size in list_missing(downloads, 2)] == [
        len(BODY),
        "answered 404 Not Found",
        "a web page instead of the file",
    ]
    get(server, "good", tmp_path, name="good")
    assert [download.destination.name for download, _ in list_missing(downloads, 2)] == ["404", "page"]
    assert remote_size([f"{server.at}/404/x", f"{server.at}/good/x"]) == len(BODY)


def test_memory_is_a_block_however_long_the_file(server, tmp_path):
    import tracemalloc

    server.files["big.bin"] = bytes(80_000_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    get(server, "file", tmp_path, name="big.bin", sha256=hashlib.sha256(server.files["big.bin"]).hexdigest())
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    # The server is in this process and slices the body once (80 MB); the client may add its blocks.
    assert peak < 80_000_000 + 8_000_000


def test_a_list_of_checksums_is_read_as_sha256sum_writes_it(tmp_path):
    (tmp_path / "sums").write_text(f"{SHA256}  knn.index00\n{SHA256.upper()} *sub/knn.index01\n\n")
    assert read_checksums(tmp_path / "sums") == {"knn.index00": SHA256, "knn.index01": SHA256}
    (tmp_path / "sums").write_text("d41d8cd98f00b204e9800998ecf8427e  x\n")
    with pytest.raises(UserError, match="line 1 is not"):
        read_checksums(tmp_path / "sums")


def test_an_address_at_hugging_face_is_asked_for_with_the_users_token(server, tmp_path, monkeypatch):
    import huggingface_hub.constants as constants
    import huggingface_hub.file_download as file_download

    template = server.at + "/file/{repo_id}/resolve/{revision}/{filename}"
    for module in (constants, file_download):
        monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    asked = []
    monkeypatch.setattr(Handler, "way_file", lambda self, nth: (asked.append(
        (self.path, self.headers["Authorization"])), self.give(BODY))[1])  # fmt: skip
    fetch_file(Download(("hf://datasets/laion/relaion2B-en-research@v1/part 0.bin",), tmp_path / "x.bin"))
    assert asked == [("/file/datasets/laion/relaion2B-en-research/resolve/v1/part%200.bin", "Bearer hf_of_the_user")]
    monkeypatch.setattr(Handler, "way_file", lambda self, nth: self.answer(403, b""))
    with pytest.raises(FetchError, match="accept the dataset's terms"):
        fetch_file(Download(("hf://datasets/laion/relaion2B-en-research/y.bin",), tmp_path / "y.bin"))
    with pytest.raises(FetchError, match="is no hf:// address"):
        fetch_file(Download(("hf://nonsense",), tmp_path / "z.bin"))
