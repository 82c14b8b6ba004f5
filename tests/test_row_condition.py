"""--where: DuckDB's own answer in every format; what is more than a condition on a row is refused before any work."""

import json
import re

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_list_pools import manifest_of, read_output, run
from test_shard_formats import FORMATS, TABLE

from retrieval.cli import UserError
from retrieval.opened_shard import open_shard
from retrieval.row_condition import ConditionError, Judge, parse_condition
from retrieval.shards import caption_batches
from retrieval.substring.hits import Hits
from retrieval.substring.where import Where

CONDITIONS = [
    "least(width, height) >= 110 AND similarity > 0.28 AND NSFW != 'NSFW'",
    "coalesce(height, 0) < 120 OR license = '?'",
    "contains(text, 'hen') AND similarity BETWEEN 0.3 AND 0.5",
    "sample_id % 2 = 0",
    "url LIKE '%/1%' AND NSFW IN ('UNLIKELY', 'UNSURE')",
    "height IS NULL",
]


def rows_kept(shard, text):
    where, kept = Where(shard, text), []
    where.condition.check()
    for batch in caption_batches(where.condition.shard):
        zeros = np.zeros(len(batch.rows), np.int32)
        hits = where.kept(batch, Hits(np.arange(len(zeros)), zeros, zeros, zeros > 0))
        if len(hits.row):
            batch.fetch(hits.row)
        kept += batch.rows[hits.row].tolist()
    return kept


@pytest.mark.parametrize("name", FORMATS)
def test_the_rows_that_are_kept_are_those_that_duckdb_keeps(tmp_path, name):
    FORMATS[name](tmp_path / name)
    shard = open_shard(tmp_path / name)
    numbered = TABLE.append_column("n", pa.array(range(len(TABLE))))
    for text in CONDITIONS:
        expected = duckdb.from_arrow(numbered).query("t", f"SELECT n FROM t WHERE {text} ORDER BY n").fetchall()
        first = 1 if shard.kind == "sqlite" else 0
        assert rows_kept(shard, text) == [number + first for (number,) in expected], text


@pytest.mark.parametrize(
    "text",
    [
        "width > (SELECT 1)", "width IN (FROM range(3))", "exists(FROM pool)",
        "width > 1; DROP TABLE x", "width > 1) OR (1 = 1", "width > 1 FROM pool", "width > 1 LIMIT 1", "DISTINCT width",
        "width > 1 UNION SELECT true", "width, height", "width > 1 AS x", "1 = 1", "width >", "", "* > 1", "width > $1",
        "read_text('/etc/passwd') = url", "main.read_text('x') = url", "getenv('HOME') = url", "getvariable('x') = url",
        "current_setting('home_directory') = url", "nextval('a') > width", "random() > width", "count(*) > width",
        "row_number() OVER () > width", "list_filter([width], x -> x > 1)[1] > 1", "unnest([width]) = 1", "a.b > 1",
        "query('SELECT 1') = width", "repeat(url, 1000000000) = url", "error(url)", "url = {sql}",
    ],
)  # fmt: skip
def test_what_is_more_than_a_condition_on_a_row_is_refused(text):
    with pytest.raises(ConditionError, match="--where"):
        parse_condition(text)


def test_a_judge_reaches_no_file_even_where_the_tree_was_not_looked_at(tmp_path):
    (tmp_path / "secret").write_text("x")
    condition = parse_condition("a = 1")
    object.__setattr__(condition, "text", f"a = (SELECT count(*) FROM read_text('{tmp_path}/secret'))")
    with Judge(condition, "a shard") as judge, pytest.raises(UserError, match="file system operations are disabled"):
        judge.holds({"a": pa.array([1])})


@pytest.fixture
def pool(tmp_path):
    rows = [
        {"url": f"http://x.example/{n}", "caption": f"a hen {n}", "width": n, "lang": "en" if n % 2 else None}
        for n in range(100)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=30)
    (tmp_path / "b.csv").write_text("url,caption,width,lang\n" + "".join(
        f"{row['url']},{row['caption']},{row['width']},{row['lang'] or ''}\n" for row in rows))  # fmt: skip
    return tmp_path


def test_the_stage_keeps_counts_and_shows_what_the_condition_drops(pool, tmp_path, capsys):
    dbs = ["--dbs", pool / "a.parquet", pool / "b.csv"]
    assert run("-o", tmp_path / "out", "-q", "hen", "--where", "width >= 50 AND Lang = 'en'", *dbs) == 0
    rows = [int(record["ROW"].rpartition(":")[2]) for record in read_output(tmp_path / "out")]
    assert rows == 2 * [n for n in range(50, 100) if n % 2]
    counts = manifest_of(tmp_path / "out")["counts"]
    assert (counts["rows"], counts["captions"], counts["dropped_by_where"]) == (200, 50, 150)
    assert "150 that match dropped by --where" in capsys.readouterr().err
    page = (tmp_path / "out" / "report.html").read_text()
    assert '["lost", "--where", 150]' in page and '["selected", "captions that match", 200]' in page
    assert run("-o", tmp_path / "out", "-q", "hen", *dbs) == 2  # it is among the settings
    assert run("-o", tmp_path / "n", "-q", "hen", "-n", 3, "--where", "width >= 50", *dbs) == 0
    assert [record["ROW"] for record in read_output(tmp_path / "n")] == [f"a.parquet:{n}" for n in (50, 51, 52)]
    assert run("-o", tmp_path / "r", "--select-random", 200, "--where", "width < 10", *dbs) == 0
    assert len(read_output(tmp_path / "r")) == 20


def test_n_and_a_condition_over_a_databases_own_index(tmp_path):
    FORMATS["a.db"](tmp_path / "a.db")
    out = ["-q", "hen", "--match", "word", "--dbs", tmp_path / "a.db", "--where", "width >= 220"]
    assert run("-o", tmp_path / "all", *out) == 0 and run("-o", tmp_path / "n", *out, "-n", 2) == 0
    found = read_output(tmp_path / "all")
    assert len(found) > 2 and all(record["WIDTH"] >= 220 for record in found)
    assert read_output(tmp_path / "n") == found[:2]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("wide > 1", "a.parquet has no column 'wide' .--where.; it has url, caption, width, lang"),
        ("width", "where width: is BIGINT and no condition"),
        ("width + lang > 1", "cannot be evaluated"),
        ("width > 'wide'", "cannot be evaluated: Conversion Error"),
        ("regexp_matches(lang, '(')", "cannot be evaluated: Invalid Input Error: missing"),
        ("width > 1; DROP TABLE x", "it is more than one expression"),
        (" OR ".join(["width > 1"] * 1_000), "--where has 12,996 characters"),
        ("width > (SELECT 1)", "a subquery is not allowed"),
    ],
)
def test_a_condition_that_the_pool_cannot_answer_is_one_sentence(pool, tmp_path, capsys, text, sentence):
    assert run("-o", tmp_path / "out", "-q", "hen", "--where", text, "--dbs", pool / "a.parquet") == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(sentence, said), said
    assert not list((tmp_path / "out").iterdir())


def test_columns_that_only_differ_in_case_are_refused_where_they_are_compared(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("url,URL,caption\nhttp://a.example/1,http://b.example/1,a hen\n")
    assert run("-o", tmp_path / "out", "-q", "hen", "--where", "url <> URL", "--dbs", tmp_path / "a.csv") == 2
    assert "a.csv has the columns url, URL, which --where cannot tell apart" in capsys.readouterr().err
    assert run("-o", tmp_path / "out", "-q", "hen", "--where", "caption <> ''", "--dbs", tmp_path / "a.csv") == 0


def test_a_value_that_is_no_number_does_not_hold_in_a_list_and_a_cast_names_the_shard(pool, tmp_path, capsys):
    lines = [{"url": f"u{n}", "caption": "a hen", "width": n if n != 1500 else "wide"} for n in range(2000)]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert run("-o", tmp_path / "out", "-q", "hen", "--where", "width >= 1000", "--dbs", tmp_path / "c.jsonl") == 0
    assert manifest_of(tmp_path / "out")["counts"]["dropped_by_where"] == 1001
    assert run("-o", tmp_path / "c", "-q", "hen", "--where", "lang::INT > 1", "--dbs", pool / "a.parquet") == 1
    assert "missing: " in (said := capsys.readouterr().err) and "cannot be evaluated: Conversion Error" in said
