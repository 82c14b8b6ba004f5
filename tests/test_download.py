"""The downloader against a real server on loopback, which says what was asked of it."""

import contextlib
import http.server
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from retrieval.download_plan import Choice, choose, count_dropped, open_database, read_chunks, read_placed
from retrieval.fetch_rounds import reason_of
from retrieval.guarded_fetch import ascii_url, is_public_address, names_private_host
from retrieval.records import encode_record, write_chunks

ROOT = Path(__file__).parent.parent


def picture(name: str, kind: str = "JPEG", size: tuple[int, int] = (300, 200)) -> bytes:
    """A picture that no other name gets."""
    noise = random.Random(name)
    image = Image.new("RGB", (6, 4))
    image.putdata([tuple(noise.randrange(256) for _ in range(3)) for _ in range(24)])
    file = io.BytesIO()
    image.resize(size, Image.Resampling.NEAREST).save(file, kind)
    return file.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        name = self.path.lstrip("/")
        kind, _, rest = name.partition("/")
        with contextlib.suppress(OSError):  # the client has left
            getattr(self, f"serve_{kind}", self.serve_missing)(rest)

    def answer(self, body: bytes, code: int = 200, content_type: str = "image/jpeg", **headers):
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        for header, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def serve_missing(self, rest):
        self.answer(b"no", 404)

    def serve_jpeg(self, rest):
        time.sleep(self.server.latency)
        self.answer(picture(rest))

    def serve_png(self, rest):
        self.answer(picture(rest, "PNG"))

    def serve_webp(self, rest):
        self.answer(picture(rest, "WEBP"))

    def serve_tiny(self, rest):
        self.answer(picture(rest, size=(30, 20)))

    def serve_long(self, rest):
        self.answer(picture(rest, size=(900, 100)))

    def serve_html(self, rest):
        self.answer(b"<html>this image has moved</html>", content_type="text/html")

    def serve_status(self, rest):
        self.answer(b"no", int(rest.split("/")[0]))

    def serve_cut(self, rest):
        self.answer(picture(rest)[:-2000])

    def serve_short(self, rest):
        self.answer(picture(rest), Content_Length="99999")

    def serve_noai(self, rest):
        self.answer(picture(rest), X_Robots_Tag="noai")

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
        self.answer(self.server.bomb, content_type="image/png")

    def serve_placeholder(self, rest):
        self.answer(picture("image not available"))

    def serve_same(self, rest):
        self.answer(picture("one picture"))


@pytest.fixture()
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.asked, made.latency, made.elsewhere = [], 0, {}
    made.at = f"http://127.0.0.1:{made.server_port}"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def record(url, name="banded", **fields):
    return {"SAMPLE_ID": 2**62 + 1, "URL": url, "TEXT": f"a caption of {url}", "NSFW": "UNLIKELY", "LICENSE": "?",
            "similarity": 0.31, "QUERY": name, "SOURCE": "substring", "MATCHED": name, "SCORE": None, "RANK": None,
            "ROW": "part-0.parquet:7"} | fields  # fmt: skip


def chunks(folder: Path, records: list[dict]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_chunks(map(encode_record, records), folder)
    return folder


def arguments(tmp_path, *more, r=("chunks",), w="work", out="dataset", private=True):
    return [
        "--r", *(tmp_path / folder for folder in r), "--w", tmp_path / w, "--dataset-output", tmp_path / out,
        "--nthreads", 16, "--nprocesses", 1, "--timeout", 4, *(["--allow-private-hosts"] if private else []), *more,
    ]  # fmt: skip


@pytest.fixture()
def download(run_script, tmp_path):
    def run(*more, code=0, env=None, **places):
        done = run_script("download_urls_img2dataset.py", *arguments(tmp_path, *more, **places), env=env)
        assert done.returncode == code, done.stderr
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


def test_a_run_fetches_what_is_safe_once_accounts_for_every_row_and_a_second_run_asks_for_nothing(
    server, tmp_path, download
):
    urls = [f"{server.at}/{kind}/{number}" for kind in ("jpeg", "png", "webp") for number in range(4)]
    rows = [record(url) for url in urls]
    rows += [record(urls[0]), record(urls[1], "dotted", SOURCE="text_index", SCORE=0.9, RANK=3, ROW=17)]
    rows += [record(urls[0], SOURCE="image_index", SCORE=0.25, RANK=0, ROW=5)]
    rows += [record(f"{server.at}/jpeg/unsafe", NSFW="NSFW"), record(f"{server.at}/jpeg/unsafe", "dotted")]
    rows += [record(f"{server.at}/jpeg/untagged", NSFW=None), record(f"{server.at}/jpeg/empty-tag", NSFW="nsfw")]
    rows += [record("ftp://127.0.0.1/x.jpg"), record("file:///etc/passwd"), record(None), record("")]
    rows += [record(f"{server.at}/gone"), record(f"{server.at}/html/a"), record(f"{server.at}/noai/a")]
    rows += [record(f"{server.at}/cut/a"), record(f"{server.at}/short/a"), record(f"{server.at}/silent/a")]
    rows += [record(f"{server.at}/status/{code}") for code in (403, 429, 500)]
    rows += [record(f"{server.at}/jpeg/caffè und käse.jpg")]
    chunks(tmp_path / "chunks", rows)
    done = download()
    report, metadata, files = loaded(tmp_path)

    assert report["dropped"] == {
        "NSFW": 3, "no NSFW tag": 1, "not http(s)": 2, "no URL or class": 2, "repeated (same URL and class)": 2,
        "HTTP 404": 1, "not an image": 1, "X-Robots-Tag": 1, "cut short": 2, "timeout": 1, "HTTP 403": 1,
        "HTTP 429": 1, "HTTP 500": 1,
    }  # fmt: skip
    assert report["kept"] == 14 == len(metadata) == len(files)
    assert report["classes"]["banded"] == {"asked": 27, "live": 13, "kept": 13, "folder": "banded"}
    asked = Counter(server.asked)
    assert set(asked.values()) == {1}
    assert not any("unsafe" in path or "untagged" in path or "empty-tag" in path for path in asked)
    assert done.stderr.splitlines()[-1].startswith(f"{len(rows)} rows read = 14 kept")
    host = report["hosts"]["127.0.0.1"]
    assert host["failed"] == 9 and host["reasons"]["cut short"] == 2

    first = next(entry for entry in metadata.values() if entry["url"] == urls[0])
    assert first["SAMPLE_ID"] == 2**62 + 1
    assert [source["SOURCE"] for source in first["sources"]] == ["substring", "image_index"]
    assert first["sources"][1] == {
        "SOURCE": "image_index", "MATCHED": "banded", "SCORE": 0.25, "RANK": 0, "ROW": 5
    }  # fmt: skip
    assert (first["original_width"], first["original_height"], first["height"]) == (300, 200, 256)
    shared = [key for key, entry in metadata.items() if entry["url"] == urls[1]]
    places = [tmp_path / "dataset" / metadata[key]["QUERY"] / f"{key}.jpg" for key in shared]
    assert len(places) == 2 and places[0].samefile(places[1])
    assert {tuple(metadata[key]["also_asked_by"]) for key in shared} == {("dotted",), ("banded",)}

    before = contents(tmp_path / "dataset")
    server.asked.clear()
    again = download()
    assert server.asked == []
    assert "placed: 0 new images" in again.stderr
    assert contents(tmp_path / "dataset") == before

    from torchvision.datasets import ImageFolder

    assert ImageFolder(tmp_path / "dataset").classes == ["banded", "dotted"]


def test_chunks_added_later_fetch_only_what_is_new_even_when_the_work_folder_is_gone(server, tmp_path, download):
    chunks(tmp_path / "a", [record(f"{server.at}/jpeg/{number}") for number in range(6)])
    chunks(tmp_path / "b", [record(f"{server.at}/jpeg/{number}", "dotted") for number in range(4, 9)])
    download(r=("a",))
    _, before, _ = loaded(tmp_path)
    server.asked.clear()
    download(r=("a", "b"), w="another")
    report, after, _ = loaded(tmp_path)
    assert sorted(server.asked) == ["/jpeg/6", "/jpeg/7", "/jpeg/8"]
    assert report["kept"] == len(after) == 11
    assert {key: after[key]["sha256"] for key in before} == {key: before[key]["sha256"] for key in before}
    linked = [entry for entry in after.values() if entry["QUERY"] == "dotted" and entry["url"].endswith("/4")]
    assert linked[0]["width"] == before[next(iter(before))]["width"]


def test_private_addresses_are_never_asked_not_by_name_nor_after_a_redirect(server, tmp_path, download):
    port = server.server_port
    hosts = ["127.0.0.1", "localhost", "0x7f000001", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]
    rows = [record(f"http://{host}:{port}/jpeg/{number}") for number, host in enumerate(hosts)]
    rows += [
        record("http://169.254.169.254/latest/meta-data"),
        record("http://10.0.0.1/a"),
        record("http://[fe80::1]/a"),
    ]
    rows += [record(f"http://user@127.0.0.1:{port}/jpeg/user")]
    rows += [record(f"http://{socket.gethostname()}:{port}/jpeg/name")]  # only its look-up says that it is private
    chunks(tmp_path / "chunks", rows)
    download(private=False)
    report, _, _ = loaded(tmp_path)
    assert server.asked == []
    assert report["kept"] == 0
    assert report["dropped"]["private address"] >= len(rows) - 1
    assert set(report["dropped"]) <= {"private address", "DNS"}


def test_hostile_class_names_get_distinct_folders_inside_the_dataset(server, tmp_path, download):
    names = ["../../etc", "CON", "a/b", "a_b", "x" * 300, "🦈", ".", "Rose", "rose", "metadata.json", "/abs", "c:\\d"]
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}", name) for number, name in enumerate(names)])
    download()
    report, metadata, files = loaded(tmp_path)
    folders = {name: report["classes"][name]["folder"] for name in names}
    assert len({folder.casefold() for folder in folders.values()}) == len(names) == len(files)
    assert {(entry["QUERY"], folders[entry["QUERY"]]) for entry in metadata.values()} == set(folders.items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chunks", "dataset", "work"]
    assert all(
        path.resolve().parent.parent == (tmp_path / "dataset").resolve() for path in tmp_path.rglob("*/dataset/*/*")
    )


@pytest.mark.parametrize("seed", range(2))
def test_a_run_killed_at_any_moment_and_run_again_makes_the_same_folder(server, tmp_path, download, seed):
    server.latency = 0.05
    rows = [record(f"{server.at}/jpeg/{number}", ["banded", "dotted"][number % 2]) for number in range(100)]
    rows += [record(f"{server.at}/gone/{number}") for number in range(20)]
    chunks(tmp_path / "chunks", rows)
    command = [sys.executable, str(ROOT / "download_urls_img2dataset.py")]
    moments = random.Random(seed)
    for _ in range(2):
        run = subprocess.Popen([*command, *map(str, arguments(tmp_path))], stderr=subprocess.PIPE)
        try:
            run.wait(timeout=moments.uniform(1, 6))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        time.sleep(1.2)  # the fetching process sees that its parent is gone, and goes
        had = sum(1 for _ in (tmp_path / "work").rglob("*.jpg")) if (tmp_path / "work").exists() else 0
        server.asked.clear()
    download()
    assert (
        len([path for path in server.asked if path.startswith("/jpeg")]) <= 100 - had
    )  # what was had is not asked for
    interrupted = contents(tmp_path / "dataset")
    download(w="work2", out="undisturbed/dataset")
    assert interrupted == contents(tmp_path / "undisturbed" / "dataset")
    assert loaded(tmp_path)[0]["kept"] == 100


def test_caps_choose_the_same_images_every_time_and_count_the_rest(server, tmp_path, download):
    rows = [record(f"{server.at}/jpeg/{number}", ["a", "b"][number % 2], SCORE=number / 100, RANK=50 - number)
            for number in range(40)]  # fmt: skip
    chunks(tmp_path / "chunks", rows)
    plan = download("--dry-run", "--max-per-class", 5, "--n", 8)
    assert "wanted: 8 images of 2 classes; 8 URLs to fetch" in plan.stderr
    assert "over --max-per-class: 30" in plan.stderr and "over --n: 2" in plan.stderr
    assert not (tmp_path / "dataset").exists() and server.asked == []
    download("--max-per-class", 3, "--prefer", "score")
    assert sorted(server.asked) == [f"/jpeg/{number}" for number in range(34, 40)]
    server.asked.clear()
    plan = download("--max-per-class", 4, "--dry-run")  # what is in the folder stays, and one more a class joins
    assert "wanted: 8 images of 2 classes; 2 URLs to fetch" in plan.stderr


def planned(tmp_path, rows: list[dict], **settings):
    """The plan's database for the rows, as the script makes it."""
    usual = {"nsfw_tags": ("NSFW",), "allow_untagged": False, "allow_private_hosts": False, "conflict": "all",
             "balance": None, "max_per_class": None, "most": None, "prefer": "sample", "seed": 0}  # fmt: skip
    choice = Choice(**(usual | settings))
    database = open_database(tmp_path / "plan.duckdb")
    read_chunks(database, [chunks(tmp_path / "chunks", rows)], choice, allow_partial=False)
    read_placed(database, tmp_path / "nothing", {})
    choose(database, choice)
    return database


@pytest.mark.parametrize(
    ("conflict", "classes", "dropped"),
    [("all", ["a", "b"], {}), ("first", ["a"], {"given to another class": 1}),
     ("best", ["b"], {"given to another class": 1}), ("drop", [], {"several classes ask for it": 2})],
)  # fmt: skip
def test_an_image_of_two_classes_goes_where_conflict_says(tmp_path, conflict, classes, dropped):
    url = "http://example.com/shared.jpg"
    rows = [record(url, "a", SCORE=0.2, RANK=7), record(url, "b", SCORE=0.3, RANK=1), record(url + "x", "a")]
    database = planned(tmp_path, rows, conflict=conflict)
    wanted = database.execute("SELECT class FROM pairs WHERE bucket IS NULL AND u = md5_number(?)", [url]).fetchall()
    assert sorted(name for (name,) in wanted) == classes
    assert count_dropped(database) == dropped


def test_balance_keeps_small_classes_whole_and_large_ones_in_proportion(tmp_path):
    rows = [record(f"http://example.com/{number}.jpg", "large" if number >= 20 else "small") for number in range(1020)]
    dropped = count_dropped(planned(tmp_path, rows, balance=100))["over --balance"]
    assert 1000 - 130 <= dropped <= 1000 - 70


def test_one_image_under_several_urls_is_kept_once_a_class_and_placeholders_are_dropped(server, tmp_path, download):
    rows = [record(f"{server.at}/same/{number}", name) for number in range(4) for name in ("a", "b")]
    rows += [record(f"{server.at}/placeholder/{number}", "a") for number in range(12)]
    rows += [record(f"{server.at}/jpeg/{number}", "a") for number in range(3)]
    chunks(tmp_path / "chunks", rows)
    download()
    report, _, _ = loaded(tmp_path)
    assert report["dropped"] == {"placeholder": 12, "same image in its class": 6}
    assert report["classes"]["a"] == {"asked": 19, "live": 19, "kept": 4, "folder": "a"}


def test_small_and_long_images_are_dropped_by_their_size(server, tmp_path, download):
    rows = [record(f"{server.at}/{kind}/1") for kind in ("tiny", "long", "jpeg")]
    chunks(tmp_path / "chunks", rows)
    download("--min-image-size", 64, "--max-aspect-ratio", 4)
    assert loaded(tmp_path)[0]["dropped"] == {"image too small": 1, "aspect ratio too large": 1}


def test_retry_failed_asks_again_only_for_what_may_pass(server, tmp_path, download):
    rows = [record(f"{server.at}/{name}") for name in ("gone", "status/503", "status/403", "html/a", "jpeg/a")]
    chunks(tmp_path / "chunks", rows)
    download()
    server.asked.clear()
    download("--retry-failed")
    assert server.asked == ["/status/503"]


def test_hostile_servers_end_in_their_bucket_in_bounded_time_and_memory(server, tmp_path, download):
    server.bomb = png_bomb(50_000)
    server.elsewhere = {"file": "file:///etc/passwd", "ftp": "ftp://127.0.0.1/x"}
    wanted = {
        "endless/1": "too many bytes", "drip/1": "timeout", "dripheaders/1": "timeout", "silent/1": "timeout",
        "bomb/1": "too many pixels", "loop/1": "redirect loop", "to/file": "redirect refused",
        "to/ftp": "redirect refused", "short/1": "cut short", "cut/1": "cut short", "html/1": "not an image",
        "noai/1": "X-Robots-Tag", "status/429": "HTTP 429", "status/500": "HTTP 500",
    }  # fmt: skip
    rows = [record(f"{server.at}/{path}", path) for path in wanted]
    rows += [record(f"https://127.0.0.1:{server.server_port}/tls", "tls"), record("http://127.0.0.1:1/", "closed")]
    rows += [record(f"{server.at}/endlessredirect/1", "redirected"), record(f"{server.at}/jpeg/1", "fine")]
    chunks(tmp_path / "chunks", rows)
    began = time.monotonic()
    download("--deadline", 5, "--max-megabytes", 5)
    assert time.monotonic() - began < 40
    report, metadata, _ = loaded(tmp_path)
    assert sorted(entry["QUERY"] for entry in metadata.values()) == ["fine", "redirected"]
    assert report["dropped"] == Counter(wanted.values()) + Counter({"TLS": 1, "connection": 1})


def png_bomb(side: int) -> bytes:
    """A PNG of side × side black pixels: 7.5 GB decoded, some 100 KB on the wire if it were whole."""
    import struct
    import zlib

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 24), 9) * 3
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", body) + part(b"IEND", b"")


def test_images_are_copied_where_the_work_folder_is_on_another_disk(server, tmp_path, download):
    other = Path("/dev/shm")
    if not other.is_dir() or os.stat(other).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("needs a second filesystem at /dev/shm")
    import tempfile

    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{n}", name) for n in range(3) for name in ("a", "b")])
    with tempfile.TemporaryDirectory(dir=other) as work:
        download(w=work)
    _, metadata, files = loaded(tmp_path)
    assert len(files) == 6
    assert len({os.stat(tmp_path / "dataset" / file).st_ino for file in files}) == 3
    Image.open(tmp_path / "dataset" / next(iter(files))).load()


def test_img2dataset_failing_is_exit_1_and_the_same_command_goes_on(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}") for number in range(5)])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "albumentations.py").write_text("raise ImportError('broken on purpose')\n")
    failed = download(code=1, env={"PYTHONPATH": str(tmp_path / "broken")})
    assert "broken on purpose" in failed.stderr
    assert "5 lost: img2dataset failed" in failed.stderr.splitlines()[-1]
    download()
    assert loaded(tmp_path)[0]["kept"] == 5


def test_wandb_offline_writes_a_run_with_history(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}") for number in range(5)])
    download("--wandb", env={"WANDB_MODE": "offline"})
    runs = list((tmp_path / "work").rglob("run-*.wandb"))
    assert len(runs) == 1
    assert b"total/success" in runs[0].read_bytes()


def test_wandb_without_an_account_is_refused_in_a_sentence(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    env = {"WANDB_MODE": "online", "WANDB_API_KEY": "", "HOME": str(tmp_path)}
    assert "run `wandb login` first" in download("--wandb", code=2, env=env).stderr


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (None, None, "holds no chunk_*.json: run one of the two filters"),
        ("chunk_0.json", '[\n{"URL": "http://a/b", "QUERY"', "is not JSON"),
        (
            "chunk_0.json",
            '[\n{"URL": "http://a/b", "QUERY": "a", "NSFW": "UNLIKELY"},\n',
            "ends in the middle: it was cut short",
        ),
        ("chunk_0.json", "<html>", "is not JSON"),
        ("chunk_0.json", '{"URL": "http://a/b"}', "is not a JSON array of records"),
    ],
)
def test_chunks_that_cannot_be_read_are_refused_in_a_sentence(tmp_path, download, name, text, sentence):
    (tmp_path / "chunks").mkdir()
    if name:
        (tmp_path / "chunks" / name).write_text(text)
    assert sentence in download(code=2).stderr


def test_a_pool_without_a_safety_column_waits_for_allow_untagged(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/a", NSFW=None)])
    assert "add --allow-untagged" in download(code=2).stderr
    assert server.asked == []
    download("--allow-untagged")
    assert loaded(tmp_path)[0]["kept"] == 1


def test_other_settings_into_the_same_dataset_folder_are_refused(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/a")])
    download()
    refused = download("--image-size", 128, code=2)
    assert "holds images made with --image-size 256, not 128: give another --dataset-output" in refused.stderr


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--max-aspect-ratio", 0.5), "--max-aspect-ratio is longer side over shorter side"),
        (("--encode-quality", 101), "--encode-quality is a JPEG quality"),
        (("--n", 0), "argument --n: invalid whole number from 1 value"),
    ],
)
def test_flags_out_of_range_are_refused(tmp_path, download, flags, sentence):
    assert sentence in download(*flags, code=2).stderr


def test_an_output_that_cannot_be_written_is_refused(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    (tmp_path / "file").write_text("")
    assert "--w" in download(code=2, w="file").stderr
    assert "--dataset-output" in download(code=2, out="file").stderr
    assert "is inside --dataset-output" in download(code=2, w="dataset/work").stderr


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("127.0.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False),
     ("0.0.0.0", False), ("::1", False), ("fe80::1%eth0", False), ("::ffff:10.0.0.1", False), ("fd00::1", False),
     ("64:ff9b::7f00:1", False), ("64:ff9b::808:808", True), ("2002:7f00:1::", False), ("2606:4700::1111", True)],
)  # fmt: skip
def test_addresses_of_the_open_internet_are_told_from_the_rest(address, public):
    assert is_public_address(address) is public


def test_hosts_that_name_a_private_address_are_known_without_a_look_up():
    private = ["localhost", "LOCALHOST.", "a.localhost", "127.1", "0x7f.1", "017700000001", "10.0.0.1", "[::1]"]
    assert all(map(names_private_host, private))
    assert not any(map(names_private_host, ["example.com", "8.8.8.8", "1.example.com", "deadbeef", "", "käse.de"]))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://a.com/x%20y?q=1&r=%C3%A9#f", "http://a.com/x%20y?q=1&r=%C3%A9#f"),
        ("http://a.com/x y.jpg", "http://a.com/x%20y.jpg"),
        ("http://käse.de/é.jpg?ü=1", "http://xn--kse-qla.de/%C3%A9.jpg?%C3%BC=1"),
    ],
)
def test_urls_are_sent_as_a_browser_sends_them(url, sent):
    assert ascii_url(url) == sent


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        ("success", None, None),
        ("failed_to_download", "HTTP Error 404: Not Found", "HTTP 404"),
        ("failed_to_download", "<urlopen error [Errno -2] Name or service not known>", "DNS"),
        ("failed_to_download", "<urlopen error [Errno 111] Connection refused>", "connection"),
        ("failed_to_download", "<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed>", "TLS"),
        ("failed_to_download", "The read operation timed out", "timeout"),
        ("failed_to_resize", "Image decoding error", "not an image"),
        ("failed_to_download", "something new", "other failure"),
    ],
)
def test_failures_are_named_by_their_reason(status, error, reason):
    assert reason_of(status, error) == reason
