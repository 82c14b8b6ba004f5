"""Lists and Arrow files at addresses: streamed, with the records of local files, through cuts and changes."""

import bz2
import gzip
import json

import pyarrow as pa
import pytest
from range_server import serving
from test_list_pools import manifest_of, read_output, run

from retrieval import remote_file
from retrieval.cli import UserError
from retrieval.file_kinds import is_streamed_from_afar
from retrieval.http_answers import Patience
from retrieval.opened_shard import open_shard
from retrieval.shards import caption_batches

ROWS = 4_000
KINDS = ("csv", "csv.gz", "tsv", "jsonl", "jsonl.zst", "json.bz2", "arrow", "stream.arrow")


def written(folder, kind: str):
    """The same rows in each kind of file, some 500 KB of text."""
    rows = [
        {"url": f"http://x.example/{n}.jpg", "caption": f"a {'hen' if n % 9 else 'tiger'}, {n} {'x' * 80}"}
        for n in range(ROWS)
    ]
    sign = "\t" if kind.startswith("tsv") else ","
    text = sign.join(("url", "caption")) + "\n"
    text += "".join(f'{row["url"]}{sign}"{row["caption"]}"\n' for row in rows)
    if kind.startswith("json"):
        text = json.dumps(rows) if "jsonl" not in kind else "\n".join(map(json.dumps, rows))
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "zst": lambda content: pa.compress(content, "zstd", asbytes=True)}
    path = folder / f"part.{kind}"
    if kind.endswith("arrow"):
        table = pa.Table.from_pylist(rows)
        with (pa.ipc.new_stream if "stream" in kind else pa.ipc.new_file)(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
    else:
        path.write_bytes(pack.get(kind.rpartition(".")[2], bytes)(text.encode()))
    return path


@pytest.fixture()
def server(tmp_path, monkeypatch):
    (tmp_path / "served").mkdir()
    for known in (remote_file.footer_of, remote_file.ranges_of):
        known.cache_clear()
    monkeypatch.setattr("retrieval.remote_http.PATIENCE", Patience(2, 0.05, 2.0))
    monkeypatch.setattr(remote_file, "PIECE_BYTES", 1 << 15)  # many pieces, although the files are small
    monkeypatch.setattr(remote_file, "AHEAD_BYTES", 1 << 17)
    monkeypatch.setattr("retrieval.json_shards.BLOCK_BYTES", 1 << 16)
    with serving(tmp_path / "served") as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_a_remote_list_gives_the_records_of_the_local_one_and_is_moved_about_once(kind, server, tmp_path):
    path = written(tmp_path / "served", kind)
    for shard, output in ((path, "here"), (f"{server.at}/{path.name}", "there")):
        assert run("-q", "hen|tiger", "-d", shard, "-o", tmp_path / output, "--workers", 1) == 0
    here, there = read_output(tmp_path / "here"), read_output(tmp_path / "there")
    assert here == there and len(here) == ROWS
    assert manifest_of(tmp_path / "there")["counts"] == manifest_of(tmp_path / "here")["counts"]
    if "json" not in kind:  # of which the first thousand records are read to find the columns
        assert server.sent() <= path.stat().st_size + 8 * remote_file.PIECE_BYTES


@pytest.mark.parametrize("kind", ["csv.gz", "arrow"])
def test_answers_that_are_cut_are_asked_for_again_and_a_server_that_goes_costs_the_shard(
    kind, server, tmp_path, capsys
):
    path = written(tmp_path / "served", kind)
    address = f"{server.at}/{path.name}"
    assert run("-q", "hen|tiger", "-d", address, "-o", tmp_path / "whole", "--workers", 1) == 0
    server.faults[path.name] = [None, *["cut", None] * 4]
    assert run("-q", "hen|tiger", "-d", address, "-o", tmp_path / "cut", "--workers", 2) == 0
    assert read_output(tmp_path / "cut") == read_output(tmp_path / "whole")
    before = len(server.asked)
    server.faults[path.name] = [None] * (len(server.asked) // 3) + ["nothing"] * 1000
    assert run("-q", "hen|tiger", "-d", address, "-o", tmp_path / "lost", "--workers", 1) in (1, 2)
    assert "could not be read: its answers are cut short" in capsys.readouterr().err and len(server.asked) > before
    server.faults.clear()
    assert run("-q", "hen|tiger", "-d", address, "-o", tmp_path / "lost", "--workers", 1) == 0
    assert read_output(tmp_path / "lost") == read_output(tmp_path / "whole")


def test_a_list_without_names_and_a_condition_work_from_afar(server, tmp_path):
    path = tmp_path / "served" / "cc3m.tsv"
    path.write_text("".join(f"a hen, {n}\thttp://x.example/{n}.jpg\n" for n in range(50)))
    flags = ["--columns", "caption,url", "--where", "url LIKE '%7.jpg'"]
    assert run("-q", "hen", "-d", f"{server.at}/cc3m.tsv", "-o", tmp_path / "out", *flags) == 0
    assert [record["TEXT"] for record in read_output(tmp_path / "out")] == [f"a hen, {n}" for n in range(7, 50, 10)]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("page.csv", b"<!DOCTYPE html><html>", r"http\S+/page.csv: shard page.csv is a web page"),
        ("a.csv", b"ustar".rjust(262, b"x").ljust(600, b"0"), "is a tar, which is not read where it lies: with --tmp"),
        ("b.jsonl", b"\xfd7zXZ\0", "is packed with xz: unpack it with unxz < b.jsonl > b"),
        ("c.tar", b"ustar".rjust(262, b"x").ljust(600, b"0"), "is no parquet file, and by its name no list"),
        ("d.csv", b"price,size\n1,2\n", "d.csv has no URL column; it has price, size"),
    ],
)
def test_what_is_no_list_is_refused_with_what_it_is(name, content, sentence, server, tmp_path):
    (tmp_path / "served" / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        open_shard(f"{server.at}/{name}")


def test_a_reader_that_leaves_early_lets_the_rest_be(server, tmp_path):
    path = written(tmp_path / "served", "csv")
    batches = caption_batches(open_shard(f"{server.at}/{path.name}"))
    assert len(next(batches).captions) > 0
    batches.close()
    assert is_streamed_from_afar("a.CSV.gz") and not is_streamed_from_afar("a.tar.gz")
