"""Remote shards, as a user names them: the same records as from the disk, no byte too many, no secret anywhere."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from range_server import COMMIT, serving
from test_filter_substring import COLUMNS, make_rows, run, write_shard

from retrieval import remote_file
from retrieval.cli import UserError
from retrieval.http_answers import Patience
from retrieval.opened_shard import open_shard
from retrieval.parquet_shards import chunk_ranges
from retrieval.remote_address import RemoteFile, is_address, scrubbed, shown
from retrieval.remote_file import joined
from retrieval.remote_shards import LISTING, find_remote
from retrieval.shards import caption_batches
from retrieval.substring.shards_in_order import how_many_workers

SCRIPT = str(Path(__file__).parent.parent / "filter_laion_metadata_substring.py")
QUERY = "hen|tiger|café"
HUB = "hf://datasets/me/pool/data/*.parquet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A repository of a hub, and the chunks that its shards give when they are on the disk."""
    root = tmp_path_factory.mktemp("served")
    data = root / "datasets" / "me" / "pool" / "data"
    data.mkdir(parents=True)
    for number in range(6):
        write_shard(data / f"part-{number}.parquet", make_rows(700, number), row_group_size=200)
    (data / "README.md").write_text("no shard")
    shutil.copytree(root / "datasets" / "me", root / "datasets" / "gated")
    assert run("-q", QUERY, "-d", data / "*.parquet", "-o", root / "local", "--workers", 1) == 0
    return root


@pytest.fixture()
def server(folder, monkeypatch):
    remote_file.footer_of.cache_clear()
    remote_file.ranges_of.cache_clear()
    with serving(folder) as made:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", made.at)
        template = made.at + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("retrieval.remote_http.PATIENCE", Patience(2, 0.05, 2.0))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield made


def chunks(output: Path) -> dict:
    return {path.name: path.read_bytes() for path in output.glob("chunk_*.json")}


def scan(server, output, *shards, workers=1, more=()):
    return run("-q", QUERY, "-d", *shards, "-o", output, "--workers", workers, *more)


def as_a_process(server, output, *shards, workers=2, **environment) -> subprocess.Popen:
    environment = os.environ | {"HF_ENDPOINT": server.at, "HF_HUB_OFFLINE": "0"} | environment
    command = [sys.executable, SCRIPT, "-q", QUERY, "-d", *shards, "-o", output, "--workers", workers]
    return subprocess.Popen(list(map(str, command)), env=environment, stderr=subprocess.PIPE, text=True)


# ---- the same records ----


@pytest.mark.parametrize("shards", ["{at}/datasets/me/pool/data/part-{{0..5}}.parquet", HUB,
                                    "hf://datasets/me/pool@v1/**/part-?.parquet",
                                    "hf://datasets/me/pool@~parquet/data/part-[0-5].parquet"])  # fmt: skip
def test_remote_shards_give_the_chunks_of_local_ones(server, folder, tmp_path, shards, capsys):
    assert scan(server, tmp_path / "out", shards.format(at=server.at)) == 0
    assert chunks(tmp_path / "out") == chunks(folder / "local") != {}
    moved = re.search(r"([\d,]+) bytes moved of ([\d,]+) in the remote shards", capsys.readouterr().err)
    moved, of = (int(number.replace(",", "")) for number in moved.groups())
    assert abs(moved - server.sent(of="/part-")) <= 6 and of == sum(
        path.stat().st_size for path in folder.glob("datasets/me/pool/data/*.parquet")
    )


def test_processes_read_side_by_side_and_from_a_storage_behind_the_hub(server, folder, tmp_path):
    with serving(folder) as storage:
        server.storage = storage.at
        process = as_a_process(server, tmp_path / "out", HUB, HF_TOKEN="hf_only_for_the_hub")
        said = process.communicate(timeout=180)[1]
        assert (process.returncode, chunks(tmp_path / "out")) == (0, chunks(folder / "local")), said
        assert {asked.token for asked in server.asked} == {"Bearer hf_only_for_the_hub"}
        assert {asked.token for asked in storage.asked} == {None}
        assert 0 < sum("/resolve/" in asked.path for asked in server.asked) <= 6 * 2
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert not re.search(rb"hf_only|Signature", written) and "hf_only" not in said and "Signature" not in said


def test_a_shard_is_copied_to_the_fast_disk_and_then_searched(server, folder, tmp_path):
    assert scan(server, tmp_path / "out", HUB, more=("--tmp", tmp_path / "fast")) == 0
    assert chunks(tmp_path / "out") == chunks(folder / "local")
    assert list((tmp_path / "fast").iterdir()) == []


def test_a_control_set_is_the_same_as_from_the_disk(server, folder, tmp_path):
    data = folder / "datasets" / "me" / "pool" / "data"
    for name, shards in (("here", data / "*.parquet"), ("there", HUB)):
        assert run("--select-random", 50, "-d", shards, "-o", tmp_path / name, "--workers", 1) == 0
    assert chunks(tmp_path / "here") == chunks(tmp_path / "there")


# ---- what is moved ----


@pytest.fixture()
def wide(folder):
    """A shard of ten row groups whose captions are a third of it; one row group has a hit."""
    rows = make_rows(20_000, 1)
    for number, row in enumerate(rows):
        row["TEXT"] = f"picture {number * 7919} of {row['URL']}" + (" coelacanth" if number == 9_000 else "")
    path = folder / "wide.parquet"
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in COLUMNS} | {
        "unneeded": [os.urandom(20) for _ in rows]}), path, row_group_size=2_000)  # fmt: skip
    return path


def column_bytes(path: Path, row_groups, names) -> int:
    ranges = chunk_ranges(pq.read_metadata(path), path.stat().st_size, row_groups, list(names))
    return sum(end - start for chunks in ranges.values() for start, end in chunks)


@pytest.mark.parametrize(("query", "hit_groups"), [("nothing here", []), ("coelacanth", [4])])
def test_only_captions_are_moved_and_other_columns_where_something_was_found(server, wide, tmp_path, query, hit_groups):
    assert run("-q", query, "-d", f"{server.at}/wide.parquet", "-o", tmp_path / "out", "--workers", 1) == 0
    needed = column_bytes(wide, range(10), ["TEXT"]) + column_bytes(wide, hit_groups, set(COLUMNS) - {"TEXT"})
    footer = wide.stat().st_size // remote_file.TAIL_SHARE
    assert needed <= server.sent(of="wide") <= needed + max(footer, remote_file.SMALLEST_TAIL) + 1 + 3 * 4096
    assert len(server.asked) <= 1 + 1 + 10 + 3 * len(hit_groups)


def test_check_reads_some_row_groups(server, wide, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("retrieval.substring.caption_sample.SAMPLE_CAPTIONS", 5_000)
    assert run("-q", "tiger", "--check", "-d", f"{server.at}/wide.parquet") == 0
    assert "of 20,000 rows" in capsys.readouterr().out
    assert server.sent() < column_bytes(wide, range(10), ["TEXT"]) / 2


def test_what_is_held_ahead_is_bounded_and_no_byte_is_fetched_twice(server, folder, monkeypatch):
    monkeypatch.setattr(remote_file, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(remote_file, "AHEAD_BYTES", 30_000)
    (folder / "long.bin").write_bytes(os.urandom(500_000))
    [file] = find_remote([f"{server.at}/long.bin"], "--dbs")
    with remote_file.RemoteReader(file) as reader:
        reader.expect([(100_000, 400_000)])
        time.sleep(0.3)
        assert server.sent() <= 1 + 30_000
        reader.seek(100_000)
        assert reader.read(300_000) == (folder / "long.bin").read_bytes()[100_000:400_000]
    assert server.sent() == 300_001


def test_ranges_that_lie_near_each_other_are_one_request():
    assert joined([(5_000, 6_000), (0, 1_000), (900_000, 900_100)]) == [(0, 6_000), (900_000, 900_100)]
    assert joined([(0, 1_000), (2_000, 3_000)], others=[500, 1_500, 2_500]) == [(0, 1_000), (2_000, 3_000)]
    assert joined([]) == []


# ---- what goes wrong ----


def test_twenty_cuts_and_two_waits_give_the_same_bytes(server, folder, tmp_path, capsys):
    shards = f"{server.at}/datasets/me/pool/data/part-{{0..5}}.parquet"
    find_remote([shards], "--dbs", tmp_path / "out" / LISTING)
    server.faults["*"] = [(503, {"Retry_After": "1"}), (429, {"Retry_After": "1"}), *["cut"] * 20]
    assert scan(server, tmp_path / "out", shards) == 0
    assert chunks(tmp_path / "out") == chunks(folder / "local")
    assert capsys.readouterr().err.count("limits its requests") == 1


def test_a_server_that_is_killed_and_restarted_is_read_to_the_end(server, folder, tmp_path):
    with serving(folder) as first:
        first.latency, port = 0.05, first.server_port
        process = as_a_process(server, tmp_path / "out", f"{first.at}/datasets/me/pool/data/part-{{0..5}}.parquet")
        while len(first.asked) < 15 and process.poll() is None:
            time.sleep(0.02)
    time.sleep(0.5)
    with serving(folder, port):
        said = process.communicate(timeout=180)[1]
    assert (process.returncode, chunks(tmp_path / "out")) == (0, chunks(folder / "local")), said


def test_a_run_that_is_killed_goes_on_with_the_shards_that_are_left(server, folder, tmp_path):
    server.latency = 0.05
    process = as_a_process(server, tmp_path / "out", HUB, workers=1)
    while len(list((tmp_path / "out" / ".hits").glob("*.json"))) < 2 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = [path.name.partition(".")[0] for path in (tmp_path / "out" / ".hits").glob("*.json")]
    server.latency, before = 0, len(server.asked)
    assert scan(server, tmp_path / "out", HUB) == 0
    assert chunks(tmp_path / "out") == chunks(folder / "local")
    again = server.asked[before:]
    assert not any("/api/" in asked.path for asked in again), "the listing is kept"
    read = [asked.path for asked in again]
    assert len(finished) >= 2 and not [path for path in read if Path(path).stem in finished], "finished: not read again"


def test_a_shard_that_changed_is_named_never_mixed_and_read_by_the_next_run(server, folder, tmp_path, capsys):
    shutil.copytree(folder / "datasets/me/pool/data", folder / "changing")
    shards, one = f"{server.at}/changing/part-{{0..5}}.parquet", folder / "changing" / "part-3.parquet"
    find_remote([shards], "--dbs", tmp_path / "out" / LISTING)
    write_shard(one, make_rows(700, 99), row_group_size=200)
    assert scan(server, tmp_path / "out", shards) == 1
    assert re.search(
        r"missing: http\S+part-3.parquet: shard \S+ has changed since it was listed", capsys.readouterr().err
    )
    manifest = json.loads((tmp_path / "out" / "job_0_of_1.json").read_text())
    assert list(manifest["coverage"]["missing"]) == [f"{server.at}/changing/part-3.parquet"]
    assert scan(server, tmp_path / "out", shards) == 0
    assert scan(server, tmp_path / "here", folder / "changing" / "*.parquet") == 0
    assert chunks(tmp_path / "out") == chunks(tmp_path / "here") != chunks(folder / "local")


def test_a_shard_that_is_gone_is_missing_and_the_same_command_reads_it_later(server, folder, tmp_path, capsys):
    shards = f"{server.at}/datasets/me/pool/data/part-{{0..5}}.parquet"
    find_remote([shards], "--dbs", tmp_path / "out" / LISTING)
    server.faults["datasets/me/pool/data/part-1.parquet"] = [(404, {})] * 9
    assert scan(server, tmp_path / "out", shards) == 1
    assert "part-1.parquet could not be read: answered 404" in capsys.readouterr().err
    server.faults.clear()
    assert scan(server, tmp_path / "out", shards) == 0
    assert chunks(tmp_path / "out") == chunks(folder / "local")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("hf://datasets/me/nowhere/*.parquet", "there is no dataset me/nowhere, or it is private"),
        ("hf://datasets/me/pool@v9/*.parquet", "me/pool has no revision 'v9'"),
        ("hf://datasets/me/pool/none/*.parquet", "has no such folder or file"),
        ("hf://datasets/me/pool/*.parquet", "matches no file"),
        ("hf://datasets/me/pool/data", "is a folder: name its shards"),
        ("hf://datasets/gated/pool/data/*.parquet", "it is gated: accept the terms"),
        ("hf://me/pool/*.parquet", "write hf://datasets/ORG/NAME/*.parquet"),
        ("{at}/nothing.parquet", "answered 404"),
        ("{at}/datasets/*.parquet", "a web server lists no files"),
        ("{at}/part-{{0..}}.parquet", "answered 404"),
        ("ftp://host/x.parquet", "ftp:// is not read here"),
        ("http://127.0.0.1:1/x.parquet", "cannot be read"),
        ("{at}/datasets/me/pool/data/README.md", "is no parquet file, and by its name no list or Arrow file"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_exit_code_2(server, tmp_path, capsys, monkeypatch, address, sentence):
    assert scan(server, tmp_path / "out", address.format(at=server.at)) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said and "Traceback" not in said and said.count("error:") == 1


def test_a_gated_repository_is_read_with_the_token_that_may_and_kept_at_its_commit(
    server, folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_let_me_in")
    assert scan(server, tmp_path / "out", "hf://datasets/gated/pool@main/data/*.parquet") == 0
    assert chunks(tmp_path / "out") == chunks(folder / "local")
    inputs = json.loads((tmp_path / "out" / "job_0_of_1.json").read_text())["inputs"]
    assert {known["commit"] for known in inputs.values()} == {COMMIT} and len(inputs) == 6


def test_a_hub_that_limits_requests_is_waited_for(server, tmp_path, capsys):
    server.hub_faults = [(429, {"Retry_After": "1"}), (503, {}), (429, {"RateLimit": '"api";r=0;t=1'})]
    assert len(find_remote([HUB], "--dbs")) == 6
    assert capsys.readouterr().err.count("limits its requests") == 1


# ---- secrets ----


def test_passwords_and_signatures_stand_nowhere(server, folder, tmp_path, capsys):
    server.needs = "Basic bWU6c2VzYW1l"  # me:sesame
    address = (
        server.at.replace("//", "//me:sesame@") + "/datasets/me/pool/data/part-{0..5}.parquet?X-Amz-Signature=open"
    )
    assert scan(server, tmp_path / "out", address) == 0
    assert chunks(tmp_path / "out") == chunks(folder / "local")
    server.needs = "something else"
    assert scan(server, tmp_path / "other", address) == 2
    said = "".join(capsys.readouterr())
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in ("sesame", "X-Amz", "bWU6"):
        assert secret not in said and secret.encode() not in written
    assert "X-Amz-Signature=open" in server.asked[-1].path


def test_what_is_shown_of_an_address():
    assert shown("https://a:b@host:8/x/y.parquet?sig=1#z") == "https://host:8/x/y.parquet"
    assert shown("s3://key:secret@bucket/x.parquet") == "s3://bucket/x.parquet"
    assert scrubbed("Max retries for https://a:b@h/x?sig=1 with hf_abcdefghij") == "Max retries for https://h/x with "
    assert "secret" not in repr(RemoteFile("https://h/x", 1, "e", source="https://h/x?secret"))
    assert is_address("hf://x") and not is_address("a/b.parquet") and not is_address("C:/x")


def test_two_addresses_that_differ_in_what_is_not_written_down_are_refused(server):
    with pytest.raises(UserError, match="differ only behind the"):
        at = f"{server.at}/datasets/me/pool/data/part-0.parquet"
        find_remote([f"{at}?a", f"{at}?b"], "--dbs")


def test_small_remote_shards_have_more_processes_as_their_scan_is_short_beside_the_waits():
    def units(count, size):
        return [SimpleNamespace(remote=RemoteFile(f"https://x.example/{number}", size, "1")) for number in range(count)]

    assert how_many_workers(2, units(32, 30_000_000)) == (2, 2)
    assert how_many_workers(16, units(128, 1_000_000_000)) == (16, 1)
    assert how_many_workers(2, units(3, 1000)) == (2, 1)
    assert how_many_workers(2, units(1, 0)) == (1, 0)
    assert how_many_workers(2, [SimpleNamespace(remote=None)] * 9) == (2, 0)


# ---- helpers ----


def test_a_helper_opens_an_address_like_a_path(server, folder):
    shard = open_shard(f"{server.at}/datasets/me/pool/data/part-2.parquet")
    captions = [text for batch in caption_batches(shard) for text in batch.captions.to_pylist()]
    assert captions == [row["TEXT"] for row in make_rows(700, 2)]


def test_a_footer_that_lies_about_its_chunks_is_damage_and_no_crash(server, folder, tmp_path, capsys):
    path = folder / "lying.parquet"
    write_shard(path, make_rows(300, 5), row_group_size=100)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    assert scan(server, tmp_path / "out", f"{server.at}/lying.parquet") in (1, 2)
    assert "is damaged" in capsys.readouterr().err
    assert chunk_ranges(pq.read_metadata(path), 50, [0, 1, 2], ["TEXT"]) == {}


def test_threads_of_one_process_scan_while_others_wait(server, folder, tmp_path):
    server.latency = 0.1
    before = threading.active_count()  # of this process's earlier tests too
    assert scan(server, tmp_path / "out", f"{server.at}/datasets/me/pool/data/part-{{0..5}}.parquet") == 0
    assert threading.active_count() - before < 60 and server.most_at_once >= 3
