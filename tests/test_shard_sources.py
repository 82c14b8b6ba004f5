"""--download-dbs: shards that are not there are fetched, one by one, and those that cannot be had are named.

`gdrive` is a small program on PATH that answers as glotlabs' 3.x does, over a local folder that stands for the Drive's.
"""

import http.server
import json
import os
import random
import sqlite3
import stat
import sys
import threading
from contextlib import closing

import pytest

from filter_laion_metadata_substring import main
from retrieval.cli import UserError
from retrieval.records import chunk_files, read_records
from retrieval.substring.shard_sources import Source, read_sources, size_agrees

NAMES = [f"part-{number:05d}-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.db" for number in range(4)]
GDRIVE = """#!{python}
import json, os, sys
from pathlib import Path

arguments, drive = sys.argv[1:], Path(os.environ["DRIVE"])
with open(os.environ["DRIVE_LOG"], "a") as log:
    log.write(json.dumps(arguments) + "\\n")
ids = {{f"1d{{index:03d}}": path for index, path in enumerate(sorted(drive.iterdir()))}}
listing = "files list --parent 19ejsELFg62-MxuLdlPSQP1FUFTozlT3l --max 1000 --skip-header --full-name"
if arguments == listing.split():
    for drive_id, path in ids.items():
        kib = f"{{path.stat().st_size / 1024:.1f}}".removesuffix(".0")
        print(drive_id, path.name, "regular", f"{{kib}} KiB", "2023-01-31 12:00:00", sep="\\t")
elif arguments[:2] == ["files", "download"] and arguments[3] == "--destination" and len(arguments) == 5:
    if arguments[2] not in ids:
        sys.exit("Error: Failed getting file: File not found: " + arguments[2])
    content = ids[arguments[2]].read_bytes()
    name = ids[arguments[2]].name
    if name == os.environ.get("DRIVE_CUTS"):
        content = content[: len(content) // 2]
    if name == os.environ.get("DRIVE_REFUSES"):
        sys.exit("Error: Failed to download file: quota exceeded")
    Path(arguments[4], name).write_bytes(content)
    print("Downloading", name)
    print("Successfully downloaded", name)
else:
    sys.exit(f"error: unexpected argument {{arguments}}")
"""


def write_database(path, seed):
    choose = random.Random(seed)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIRTUAL TABLE samples USING fts5"
                           "(SAMPLE_ID, URL, TEXT, HEIGHT, WIDTH, LICENSE, NSFW, similarity)")  # fmt: skip
        for number in range(200 + 100 * seed):
            text = " ".join(choose.choices(["hen", "tiger", "photo", "red", "of"], k=4))
            row = (number, f"http://e.com/{seed}/{number}", text, 1, 1, "?", "UNLIKELY", 0.3)
            connection.execute("INSERT INTO samples VALUES (?,?,?,?,?,?,?,?)", row)
        connection.commit()


@pytest.fixture
def drive(tmp_path, monkeypatch):
    """The Drive's folder with three of the four shards, and gdrive on PATH."""
    folder, programs = tmp_path / "drive", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    for seed, name in enumerate(NAMES[:3]):
        write_database(folder / name, seed)
    (programs / "gdrive").write_text(GDRIVE.format(python=sys.executable))
    (programs / "gdrive").chmod(0o755 | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DRIVE", str(folder))
    monkeypatch.setenv("DRIVE_LOG", str(tmp_path / "calls"))
    monkeypatch.chdir(tmp_path)
    return folder


def calls(tmp_path):
    """What gdrive was asked since the last time: the listing first, the downloads (several at once) by id."""
    log = tmp_path / "calls"
    asked = [json.loads(line)[:3] for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return [words[1] for words in asked if words[1] != "download"] + sorted(
        words[2] for words in asked if words[1] == "download"
    )


def run(*arguments, names=NAMES[:3], out="out"):
    return main(["-o", out, "-q", "hen|tiger", "--workers", "2", "--dbs", *[f"dbs/{name}" for name in names],
                 "--download-dbs", *map(str, arguments)])  # fmt: skip


def read_output(folder, **options):
    return [record for chunk in chunk_files(folder, **options) for record in read_records(chunk)]


def test_absent_shards_are_fetched_from_the_drive_folder_and_searched(drive, tmp_path, capsys):
    assert run() == 0
    assert calls(tmp_path) == ["list", "1d000", "1d001", "1d002"]
    assert sorted(path.name for path in (tmp_path / "dbs").iterdir()) == NAMES[:3]
    assert main(["-o", "local", "-q", "hen|tiger", "--dbs", "drive/*.db"]) == 0
    assert read_output(tmp_path / "out") == read_output(tmp_path / "local") != []
    assert "3 shards: 3 scanned, 0 missing; 900 rows" in capsys.readouterr().err
    assert calls(tmp_path) == []


def test_a_shard_that_is_there_is_not_fetched(drive, tmp_path):
    (tmp_path / "dbs").mkdir()
    write_database(tmp_path / "dbs" / NAMES[1], 1)
    assert run() == 0
    assert calls(tmp_path) == ["list", "1d000", "1d002"]


def test_cleanup_removes_only_what_was_downloaded_and_a_rerun_fetches_nothing(drive, tmp_path, capsys):
    (tmp_path / "dbs").mkdir()
    write_database(tmp_path / "dbs" / NAMES[1], 1)
    assert run("--do-cleanup") == 0
    assert [path.name for path in (tmp_path / "dbs").iterdir()] == [NAMES[1]]
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.json")}
    calls(tmp_path)
    assert run("--do-cleanup") == 0
    assert "this very run is complete already" in capsys.readouterr().err
    (tmp_path / "out" / "job_0_of_1.json").unlink()
    assert run("--do-cleanup") == 0
    assert calls(tmp_path) == []
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.json")}


def test_other_settings_fetch_a_cleaned_up_shard_again(drive, tmp_path):
    run("--do-cleanup", names=NAMES[:1])
    calls(tmp_path)
    assert run("--do-cleanup", "--match", "word", "--overwrite", names=NAMES[:1]) == 0
    assert calls(tmp_path) == ["list", "1d000"]


def test_no_more_than_one_shard_a_worker_and_one_more_lie_on_the_disk(drive, tmp_path):
    for seed in range(3, 9):
        write_database(drive / f"more-{seed}.db", 2)
    most, names, over = 0, sorted(path.name for path in drive.iterdir()), threading.Event()

    def watch():
        nonlocal most
        while not over.wait(0.002):
            most = max(most, len(list((tmp_path / "dbs").glob("*.db"))) if (tmp_path / "dbs").exists() else 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert run("--do-cleanup", names=names) == 0
    over.set()
    watcher.join()
    assert 1 <= most <= 3 and list((tmp_path / "dbs").iterdir()) == []


def test_without_gdrive_every_absent_shard_is_named_and_what_is_there_is_kept(drive, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / "dbs").mkdir()
    write_database(tmp_path / "dbs" / NAMES[0], 0)
    assert run() == 1
    said = capsys.readouterr().err.splitlines()
    reason = "gdrive is not installed (https://github.com/glotlabs/gdrive, then `gdrive account add`), " \
             "and --shard-sources gives no other place"  # fmt: skip
    assert said[-3:-1] == [f"missing: dbs/{name}: {reason}" for name in NAMES[1:3]]
    assert "3 shards: 1 scanned, 2 missing" in said[-1]
    with pytest.raises(UserError, match="is not complete .2 missing"):
        read_output(tmp_path / "out")
    assert {record["URL"].split("/")[3] for record in read_output(tmp_path / "out", allow_partial=True)} == {"0"}


def test_a_shard_that_the_folder_does_not_hold_is_named_and_comes_when_it_does(drive, tmp_path, capsys):
    assert run(names=NAMES) == 1
    *_, missing, last = capsys.readouterr().err.splitlines()
    assert missing == (f"missing: dbs/{NAMES[3]}: the Drive folder 19ejsELFg62-MxuLdlPSQP1FUFTozlT3l does not hold it")
    assert "4 shards: 3 scanned, 1 missing" in last
    write_database(drive / NAMES[3], 3)
    calls(tmp_path)
    assert run(names=NAMES) == 0
    assert calls(tmp_path) == ["list", "1d003"]
    assert {record["URL"].split("/")[3] for record in read_output(tmp_path / "out")} == {"0", "1", "2", "3"}


def test_a_download_that_ends_early_is_no_shard(drive, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DRIVE_CUTS", NAMES[1])
    assert run() == 1
    said = capsys.readouterr().err
    assert f"missing: dbs/{NAMES[1]}: the download ended early: " in said and "KiB that Drive lists" in said
    assert sorted(path.name for path in (tmp_path / "dbs").iterdir()) == [NAMES[0], NAMES[2]]
    monkeypatch.delenv("DRIVE_CUTS")
    assert run() == 0


def test_what_gdrive_says_when_it_fails_is_passed_on(drive, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DRIVE_REFUSES", NAMES[2])
    assert run() == 1
    assert (
        f"missing: dbs/{NAMES[2]}: gdrive download failed with exit code 1: "
        "Error: Failed to download file: quota exceeded\n" in capsys.readouterr().err
    )


# ---- --shard-sources ----


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def web(tmp_path):
    (tmp_path / "web").mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: Handler(*args, directory=str(tmp_path / "web"))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_shards_come_from_where_the_sources_file_says(drive, tmp_path, web, capsys):
    write_database(tmp_path / "web" / "a.db", 0)
    write_database(tmp_path / "elsewhere.db", 1)
    sources = {NAMES[0]: f"{web}/a.db", NAMES[1]: "elsewhere.db", NAMES[2]: "gdrive:1d002", "x.db": f"{web}/none.db"}
    (tmp_path / "sources.json").write_text(json.dumps(sources))
    assert run("--shard-sources", "sources.json", "--do-cleanup") == 0
    assert calls(tmp_path) == ["1d002"]
    assert list((tmp_path / "dbs").iterdir()) == [] and (tmp_path / "elsewhere.db").exists()
    assert {record["URL"].split("/")[3] for record in read_output(tmp_path / "out")} == {"0", "1", "2"}
    assert run("--shard-sources", "sources.json", names=["x.db", NAMES[3]], out="other") == 1
    said = capsys.readouterr().err
    assert f"missing: dbs/{NAMES[3]}: sources.json does not list it\n" in said
    assert "missing: dbs/x.db: " in said and "404" in said


def test_a_drive_id_that_is_wrong_and_a_path_that_is_not_there_are_named(drive, tmp_path, capsys):
    (tmp_path / "sources.json").write_text(json.dumps({"a.db": "gdrive:wrong", "b.db": "nothing.db"}))
    assert run("--shard-sources", "sources.json", names=["a.db", "b.db"]) == 1
    said = capsys.readouterr().err
    assert (
        "missing: dbs/a.db: gdrive download failed with exit code 1: Error: Failed getting file: File not found" in said
    )
    assert "missing: dbs/b.db: copying nothing.db failed: No such file or directory" in said
    assert read_output(tmp_path / "out", allow_partial=True) == []


def test_what_was_fetched_and_is_no_shard_is_named(drive, tmp_path, capsys):
    (tmp_path / "page.html").write_text("<html>Quota exceeded</html>")
    (tmp_path / "sources.json").write_text(json.dumps({"a.db": "page.html"}))
    assert run("--shard-sources", "sources.json", names=["a.db"]) == 1
    assert "missing: dbs/a.db: shard dbs/a.db is a web page" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[]", '{"a.db": 1}'])
def test_a_sources_file_that_is_none_is_exit_code_2(drive, tmp_path, capsys, content):
    (tmp_path / "sources.json").write_text(content)
    assert run("--shard-sources", "sources.json") == 2
    assert "error: --shard-sources sources.json " in capsys.readouterr().err
    assert run("--shard-sources", "absent.json") == 2


def test_paths_in_a_sources_file_are_taken_from_its_folder(tmp_path):
    (tmp_path / "s.json").write_text('{"a": "sub/a.db", "b": "/x/b.db", "c": "gdrive:ID", "d": "https://h/d.db"}')
    assert read_sources(tmp_path / "s.json") == {
        "a": Source("file", str(tmp_path / "sub/a.db")),
        "b": Source("file", "/x/b.db"),
        "c": Source("gdrive", "ID"),
        "d": Source("http", "https://h/d.db"),
    }


@pytest.mark.parametrize(
    "size, listed, agrees",
    [
        (5_000_000_000, "4.7 GiB", True), (5_000_000_000, "5 GB", True), (5_000_000_000, "4.7 GB", True),
        (4_800_000_000, "4.7 GiB", False), (2_500_000_000, "5 GB", False), (512, "512 B", True), (511, "512 B", False),
        (1_048_576, "1048576", True), (1_048_575, "1048576", False), (1024, "1 KiB", True), (900, "1 KiB", False),
        (1, "", True), (1, "unknown", True), (2_560, "2.5 KB", True), (2_500, "2.5 kB", True),
    ],
)  # fmt: skip
def test_a_size_agrees_with_a_listing_that_rounds(size, listed, agrees):
    assert size_agrees(size, listed) == agrees


def test_bare_drive_ids_and_drive_links_are_drive_files(tmp_path):
    """The published script's drive_urls.json is {shard: bare id}."""
    drive_id, other = "1XC0BBexrwMtLDCceqdEoRqLjTRLibD_V", "a_file_of_the_same_length_as_an_id"
    (tmp_path / other).write_text("here")
    listed = {
        "a.db": drive_id,
        "b.db": f"https://drive.google.com/file/d/{drive_id}/view?usp=sharing",
        "c.db": f"https://drive.google.com/uc?export=download&id={drive_id}",
        "d.db": f"gdrive:{drive_id}",
        "e.db": other,
        "f.db": "part-00000-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.db",
        "g.db": "https://example.com/drive.google.com/g.db",
    }
    (tmp_path / "drive_urls.json").write_text(json.dumps(listed))
    sources = read_sources(tmp_path / "drive_urls.json")
    assert [sources[name].address for name in ["a.db", "b.db", "c.db", "d.db"]] == [drive_id] * 4
    assert [source.kind for source in sources.values()] == ["gdrive"] * 4 + ["file", "file", "http"]
