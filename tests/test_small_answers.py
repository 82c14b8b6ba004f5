"""Few rows of a database are read one by one, without numpy and pyarrow: the bytes are those of the ways by arrays."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from test_index_choice import PRICES, make_captions, make_shard

from retrieval.opened_shard import open_shard
from retrieval.queries import class_query
from retrieval.substring import batch_scan, index_choice, shard_scan, small_questions
from retrieval.substring.hit_counter import HitCounter
from retrieval.substring.matching import Matcher
from retrieval.substring.search_units import Search, Unit
from retrieval.substring.small_answers import small_answers
from retrieval.substring.small_questions import Questions, ask
from retrieval_templates import load_template, template_names

ROOT = Path(__file__).parent.parent
TEXTS = [
    "hen",
    '"red hen" OR hen OR cat',
    "(cat OR photo) AND hen",
    '"red hen" AND (a OR the OR of OR hen)',
    "photo NOT (hen AND cat)",
    '"..." hen',
    "ph*",
    '"ph" * + hen OR "été" OR c*',
    "1000000",
    '"." OR hen',
]
ODD = [
    # id, url, caption, height, licence, NSFW, similarity, punsafe
    (1, "http://a/1", "A red hen, 100% “hen”\n", 100, "?", "UNLIKELY", 0.25, 0.1),
    ("7", None, "Photo: cat\0hen \t\x7f\\\"'", "200", None, "NSFW", "0.5", None),
    (2**62, b"http://a/3", b"hen caf\xe9 \xe2\x82", 1.0, 5, None, 1, 1),
    (None, b"u\xed\xa0\xbd", None, None, "", "", None, None),
    ("0x1f", "u", 1000000, "wide", 2.5, "UNSURE", float("inf"), 0),
    (3.0, "u", 1e20, -1, b"\xff", None, "nan", 0.5),
    ("00012", "u", "une poule d'ÉTÉ phot PHOTO hen", 2**63 - 1, "x%s", "UNLIKELY", 1e-320, "0.9"),
    (-5, "u", "photograph of the red  hen; Red-Hen cat", 10, "line\u2028", "NSFW", -0.0, 1e-9),
]
COLUMNS = ["SAMPLE_ID", "URL", "TEXT", "HEIGHT", "LICENSE", "NSFW", "similarity", "punsafe"]


def odd_shard(folder, kind, left_out=()):
    """A database of ODD without some columns. kind: its rows lie in the index itself, or in a table beside it."""
    listed = ", ".join(name for name in COLUMNS if name not in left_out)
    path = folder / '100%s %(ROW)d "odd".db'
    with closing(sqlite3.connect(path)) as database:
        if kind == "beside":
            table = "pool"
            database.execute(f"CREATE TABLE pool({listed})")
            database.execute(f"CREATE VIRTUAL TABLE samples USING fts5({listed}, content='pool')")
        else:
            table = "samples"
            database.execute(f"CREATE VIRTUAL TABLE samples USING fts5({listed})")
        for number, row in enumerate(ODD):
            values = {name: value for name, value in zip(COLUMNS, row, strict=True) if name not in left_out}
            marks = ", ".join("CAST(? AS TEXT)" if is_broken_text(*item) else "?" for item in values.items())
            statement = f"INSERT INTO {table}(rowid, {listed}) VALUES (?, {marks})"
            database.execute(statement, [7 - 3 * number, *values.values()])
        if kind == "beside":
            database.execute("INSERT INTO samples(samples) VALUES ('rebuild')")
        database.commit()
    return open_shard(path)


def is_broken_text(name, value):
    return isinstance(value, bytes) and name != "LICENSE"


def each_way(shard, search):
    """(lines, counts) of the records one by one, as arrays of the rows that the index found, and as arrays."""
    unit = Unit(str(shard.path), Path("x.jsonl"), Path("x.json"))
    found = ask(shard, Questions(search.queries, search.match))
    one_by_one, asked, as_arrays = (HitCounter() for _ in range(3))
    ways = [
        (small_answers(shard, unit, search, found, one_by_one), one_by_one),
        (batch_scan.record_lines(shard, unit, search, asked, found), asked),
        (batch_scan.record_lines(shard, unit, search, as_arrays), as_arrays),
    ]
    return [(b"".join(map(bytes, lines)), counter.counts()) for lines, counter in ways]


def search_of(mode):
    return Search(mode, tuple(f"class 100% {text}" for text in TEXTS), tuple(class_query(t, t, mode) for t in TEXTS))


@pytest.mark.parametrize("mode", ["word", "fts"])
@pytest.mark.parametrize("kind", ["inside", "beside"])
@pytest.mark.parametrize("left_out", [(), ("punsafe",), ("NSFW",), ("NSFW", "punsafe", "SAMPLE_ID", "LICENSE")])
def test_odd_values_are_the_same_bytes(mode, kind, left_out, tmp_path):
    one_by_one, asked, as_arrays = each_way(odd_shard(tmp_path, kind, left_out), search_of(mode))
    assert one_by_one == asked == as_arrays
    assert one_by_one[1]["records"] > len(TEXTS)


@pytest.mark.parametrize("read", [1e-9, 9, 1e9])
def test_what_a_query_needs_and_the_whole_query_give_the_same(read, tmp_path, monkeypatch):
    monkeypatch.setattr(small_questions, "READ", read)
    search = search_of("fts")
    captions = make_captions(list(search.queries), 500, 3)
    one_by_one, asked, as_arrays = each_way(make_shard(tmp_path, captions, "fts5"), search)
    assert one_by_one == asked == as_arrays
    assert one_by_one[1]["records"] > 500


@pytest.mark.parametrize("name", template_names())
@pytest.mark.parametrize("mode", ["word", "fts"])
def test_every_shipped_template_finds_what_the_matcher_finds(name, mode, tmp_path):
    template = load_template(name)
    queries = tuple(template.caption_query(one, mode) for one in template.classes)
    captions = make_captions(list(queries), 300, 4)
    hits = Matcher(list(queries), mode).match(pa.array(captions))
    search, counter = Search(mode, template.classes, queries), HitCounter()
    shard = make_shard(tmp_path, captions, "fts5")
    unit = Unit(str(shard.path), Path("x.jsonl"), Path("x.json"))
    for _ in small_answers(shard, unit, search, ask(shard, Questions(queries, mode)), counter):
        pass
    rows, classes = set(hits.row.tolist()), hits.query.tolist()
    assert counter.captions == len(rows)
    assert counter.records == {number: classes.count(number) for number in set(classes)}


@pytest.mark.parametrize("way", ["index alone", "index, then captions", "all captions"])
def test_a_long_caption_of_many_classes_is_encoded_in_parts_in_each_way(way, tmp_path, monkeypatch):
    for constant, value in PRICES[way].items():
        monkeypatch.setattr(index_choice, constant, value)
    names = tuple(f"hen{number}" for number in range(50))
    search = Search("word", names, tuple(class_query(name, None, "word") for name in names))
    shard = make_shard(tmp_path, ["a hen7", " ".join(names) + " hen" * 10_000, "hen49", "hen8 hen9"], "fts5")
    unit, found = Unit(str(shard.path), Path("x.jsonl"), Path("x.json")), ask(shard, Questions(search.queries, "word"))
    whole = each_way(shard, search)
    assert whole[0] == whole[1] == whole[2] and whole[0][1]["records"] == 54 and whole[0][1]["captions"] == 4
    for module in ("small_answers", "batch_scan"):
        monkeypatch.setattr(f"retrieval.substring.{module}.ENCODED_BYTES", 100_000)
    assert each_way(shard, search) == whole
    for lines in (
        small_answers(shard, unit, search, found, HitCounter()),
        batch_scan.record_lines(shard, unit, search, HitCounter(), found),
        batch_scan.record_lines(shard, unit, search, HitCounter()),
    ):
        assert max(map(len, lines)) < 200_000


def test_many_rows_are_left_to_the_way_by_arrays(tmp_path, monkeypatch):
    search = search_of("word")
    shard = make_shard(tmp_path, make_captions(list(search.queries), 500, 3), "fts5")
    monkeypatch.setattr(small_questions, "MOST_ROWS", 100)
    assert ask(shard, Questions(search.queries, "word")) is None


@pytest.mark.parametrize("sizes", [[400, 3, 0, 1], [3, 0, 1, 400], [3, 400, 3, 400]])
def test_databases_of_very_different_sizes_give_in_any_order_what_each_gives_alone(sizes, tmp_path, monkeypatch):
    monkeypatch.setattr(small_questions, "MOST_ROWS", 100)
    search = search_of("word")
    for number, size in enumerate(sizes):
        shard = make_shard(tmp_path, make_captions(list(search.queries), size, number), "fts5")
        unit = Unit(str(shard.path), Path("x.jsonl"), Path("x.json"))
        after_others, alone = HitCounter(), HitCounter()
        lines = b"".join(map(bytes, shard_scan.record_lines(shard, unit, search, after_others)))
        assert lines == b"".join(map(bytes, batch_scan.record_lines(shard, unit, search_of("word"), alone)))
        assert after_others.counts() == alone.counts()
        shard.path.unlink()
    assert shard_scan.earlier_shards(search).one_had_many


RUN = """
import sys
import filter_laion_metadata_substring as script
from retrieval.substring import shard_scan

shard_scan.MOST_ROWS = {most_rows}
flags = ["-o", "{output}", "-q", "hen|cow", "--match", "word", "--dbs", "a.db", "b.db", "c.db", "--workers", "1"]
assert script.main(flags) == 0
assert ("numpy" in sys.modules, "pyarrow" in sys.modules) == ({by_arrays}, {by_arrays})
"""


def run_three_shards(folder, output, most_rows, by_arrays):
    """The chunk of a run of its own, which imports numpy and pyarrow or does not."""
    program = RUN.format(output=output, most_rows=most_rows, by_arrays=by_arrays)
    subprocess.run([sys.executable, "-c", program], cwd=folder, env={"PYTHONPATH": str(ROOT)}, check=True)
    return (folder / output / "chunk_0.json").read_bytes()


def test_numpy_and_pyarrow_are_imported_only_when_many_rows_were_read_and_the_bytes_are_the_same(tmp_path):
    for name in "abc":
        make_shard(tmp_path, [f"a hen {name}", "a cat", "a red hen"], "fts5").path.rename(tmp_path / f"{name}.db")
    chunk = run_three_shards(tmp_path, "few", most_rows=6, by_arrays=False)
    assert chunk.count(b'"MATCHED":"hen"') == 6
    assert run_three_shards(tmp_path, "many", most_rows=2, by_arrays=True) == chunk
