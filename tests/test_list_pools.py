"""The substring filter over pools of lists: rows that cannot be read, names of columns, killed and resumed, --check."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import filter_laion_metadata_substring
from retrieval.records import chunk_files, read_records


def run(*arguments):
    return filter_laion_metadata_substring.main([str(argument) for argument in arguments])


def manifest_of(folder):
    return json.loads((folder / "job_0_of_1.json").read_text())


def read_output(folder):
    return [record for chunk in chunk_files(folder) for record in read_records(chunk)]


@pytest.fixture
def pool(tmp_path):
    """A list of 300 rows, the same as parquet, and the same as lines of JSON."""
    rows = [{"url": f"http://x.example/{n}.jpg", "caption": f"a {'hen' if n % 3 else 'cat'}, {n}"} for n in range(300)]
    (tmp_path / "pool").mkdir()
    text = "url,caption\n" + "".join(f'{row["url"]},"{row["caption"]}"\n' for row in rows)
    (tmp_path / "pool" / "a.csv").write_text(text)
    (tmp_path / "pool" / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "pool" / "a.parquet")
    return tmp_path / "pool"


def test_lists_and_parquet_in_one_run_give_the_same_records(pool, tmp_path, capsys):
    assert run("-o", tmp_path / "out", "-q", "hen|cat", "--workers", 2, "--dbs", pool / "a.*") == 0
    records = read_output(tmp_path / "out")
    of_kind = {
        suffix: [
            record | {"ROW": record["ROW"].partition(":")[2]} for record in records if f".{suffix}:" in record["ROW"]
        ]
        for suffix in ("csv", "jsonl", "parquet")
    }
    assert len(of_kind["parquet"]) == 300 and of_kind["csv"] == of_kind["jsonl"] == of_kind["parquet"]
    assert manifest_of(tmp_path / "out")["counts"]["rows"] == 900
    capsys.readouterr()
    before = (tmp_path / "out" / "chunk_0.json").read_bytes()
    (tmp_path / "out" / "job_0_of_1.json").unlink()
    assert run("-o", tmp_path / "out", "-q", "hen|cat", "--workers", 2, "--dbs", pool / "a.*") == 0
    assert capsys.readouterr().err.count("scanned before") == 3
    assert (tmp_path / "out" / "chunk_0.json").read_bytes() == before


def test_rows_that_cannot_be_read_are_named_and_never_exit_code_0(pool, tmp_path, capsys):
    path = pool / "a.csv"
    lines = path.read_text().splitlines()
    lines[7] += ",more"
    lines[100] += ",more"
    path.write_text("\n".join(lines))
    for _ in range(2):  # the second time all is done already
        assert run("-o", tmp_path / "out", "-q", "hen", "--dbs", path) == 1
    assert f"rows that cannot be read: {path}: 2, the first: row 6 has 3 fields, not 2" in capsys.readouterr().err
    assert manifest_of(tmp_path / "out")["coverage"]["lost_rows"] == {str(path): [2, "row 6 has 3 fields, not 2"]}
    rows = [int(record["ROW"].partition(":")[2]) for record in read_output(tmp_path / "out")]
    assert rows == [n for n in range(300) if n % 3]  # 6 and 99 are cats


def test_a_list_without_names_takes_them_from_columns(pool, tmp_path, capsys):
    path = tmp_path / "cc.tsv"
    path.write_text("a hen\thttp://x.example/0\na cat\thttp://x.example/1\n")
    assert run("-o", tmp_path / "out", "-q", "hen", "--dbs", path) == 2
    assert "name them in order, as --columns caption,url" in capsys.readouterr().err
    assert run("-o", tmp_path / "out", "-q", "hen", "--dbs", path, "--columns", "caption,url") == 0
    (record,) = read_output(tmp_path / "out")
    assert (record["URL"], record["TEXT"]) == ("http://x.example/0", "a hen")
    assert run("-o", tmp_path / "out", "-q", "hen", "--dbs", path, "--columns", "url,caption") == 2
    assert run("-o", tmp_path / "p", "-q", "hen", "--dbs", pool / "a.parquet", "--columns", "url,caption") == 2
    assert "leave --columns out" in capsys.readouterr().err


def test_a_sample_of_lists_is_drawn_from_all_rows_and_check_reads_them(pool, tmp_path, capsys):
    dbs = ["--dbs", pool / "a.csv", pool / "a.jsonl"]
    assert run("-o", tmp_path / "out", "--select-random", 600, *dbs) == 0
    assert len(read_output(tmp_path / "out")) == 600
    assert run("--check", "-q", "hen", *dbs) == 0
    assert re.search("600 captions of 600 rows", capsys.readouterr().out)


def test_of_several_columns_the_one_that_is_taken_is_said_once_and_another_can_be_named(pool, tmp_path, capsys):
    rows = [{"url": f"u{n}", "link": f"l{n}", "caption": "a hen", "title": "a cat"} for n in range(3)]
    for name in ("b", "c"):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dbs = ["--dbs", tmp_path / "b.jsonl", tmp_path / "c.jsonl"]
    assert run("-o", tmp_path / "out", "-q", "hen|cat", *dbs) == 0
    said = capsys.readouterr().err
    assert said.count("note: captions are taken from caption and not from title (--caption-column)") == 1
    assert said.count("note: addresses are taken from url and not from link (--url-column)") == 1
    assert {record["QUERY"] for record in read_output(tmp_path / "out")} == {"hen"}
    named = ["--caption-column", "Title", "--url-column", "link"]
    assert run("-o", tmp_path / "named", "-q", "hen|cat", *named, *dbs) == 0
    assert {(record["QUERY"], record["URL"]) for record in read_output(tmp_path / "named")} == {
        ("cat", f"l{n}") for n in range(3)
    }
    assert run("-o", tmp_path / "none", "-q", "hen", "--url-column", "href", *dbs) == 2
    assert "has no column 'href' (--url-column); it has url, link, caption, title" in capsys.readouterr().err
