"""A database is searched by its index, by reading captions, or by both: the hits are the matcher's and SQLite's."""

import random
import sqlite3
from contextlib import closing

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retrieval.opened_shard import open_shard
from retrieval.queries import class_query, to_fts5
from retrieval.substring import index_choice
from retrieval.substring.batch_scan import matching_rows
from retrieval.substring.hit_counter import HitCounter
from retrieval.substring.index_choice import IndexChoice, IndexPlan
from retrieval.substring.match_definition import distinct_phrases
from retrieval.substring.matching import Matcher
from retrieval.substring.search_units import Search
from retrieval_templates import load_template, template_names

ROWS = 600
DEAR, FREE = 1e9, 0
PRICES = {
    "index alone": {"READ_ALL": DEAR, "LOOK_UP": DEAR},
    "index, then captions": {"READ_ALL": DEAR, "LOOK_UP": FREE, "COMPILE": -1, "COMPILE_QUERY": FREE, "FOUND": FREE},
    "all captions": {"READ_ALL": -DEAR},
    "as measured": {},
}


def make_captions(queries, count, seed):
    """Captions of the phrases of queries, and of their words."""
    choose = random.Random(seed)
    bits = [phrase.text for phrase in distinct_phrases(queries)]
    bits += sorted({word for bit in bits for word in bit.split()}) + ["Été", "a", "of the", "photo,"]
    return [" ".join(choose.choices(bits, k=choose.randint(1, 6))) for _ in range(count)]


def make_shard(folder, captions, module):
    path = folder / f"{module}.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE VIRTUAL TABLE samples USING {module}(URL, TEXT)")
        database.executemany("INSERT INTO samples VALUES ('u', ?)", [(text,) for text in captions])
        database.commit()
    return open_shard(path)


def hits_of(shard, search):
    found = []
    for batch, hits in matching_rows(shard, search, HitCounter()):
        found += zip(batch.rows[hits.row].tolist(), hits.query.tolist(), hits.phrase.tolist(), strict=True)
    return found


@pytest.mark.parametrize("name", template_names())
@pytest.mark.parametrize("mode", ["substring", "word", "fts"])
def test_every_shipped_template_finds_the_same_in_databases_and_in_parquet(name, mode, tmp_path):
    template = load_template(name)
    queries = tuple(template.caption_query(one, mode) for one in template.classes)
    captions = make_captions(queries, ROWS, 1)
    hits = Matcher(list(queries), mode).match(pa.array(captions))
    expected = list(zip((hits.row + 1).tolist(), hits.query.tolist(), hits.phrase.tolist(), strict=True))
    search = Search(mode, template.classes, queries)
    shards = {module: make_shard(tmp_path, captions, module) for module in ("fts4", "fts5")}
    assert len(expected) > ROWS / 5  # a template whose queries all have an AND finds least
    assert hits_of(shards["fts4"], search) == hits_of(shards["fts5"], search) == expected
    parquet = tmp_path / "0.parquet"
    pq.write_table(pa.table({"URL": ["u"] * ROWS, "TEXT": captions}), parquet)
    assert [(row + 1, *rest) for row, *rest in hits_of(open_shard(parquet), search)] == expected
    if mode == "substring":
        return
    with closing(sqlite3.connect(shards["fts5"].path)) as database:
        by_sqlite = {
            (row, number) for number, query in enumerate(queries)
            for (row,) in database.execute("SELECT rowid FROM samples WHERE TEXT MATCH ?", [to_fts5(query)])
        }  # fmt: skip
    assert {(row, query) for row, query, _ in expected} == by_sqlite


@pytest.mark.parametrize("way", PRICES)
@pytest.mark.parametrize("quantity", [None, 1, 7])
def test_each_way_gives_the_hits_of_the_matcher(way, quantity, tmp_path, monkeypatch):
    for constant, value in PRICES[way].items():
        monkeypatch.setattr(index_choice, constant, value)
    texts = [
        "a",
        '"of the" OR a',
        "(a OR photo) AND of",
        "photo NOT (a AND of)",
        '"..." a',
        "ph*",
        '"x" OR "été" OR th*',
    ]
    queries = tuple(class_query(text, text, "fts") for text in texts)
    captions = make_captions(queries, ROWS, 2)
    hits = Matcher(list(queries), "fts").match(pa.array(captions))
    if quantity:
        seen = [np.flatnonzero(hits.query == number)[:quantity] for number in range(len(queries))]
        hits = hits.take(np.sort(np.concatenate(seen)))
    expected = list(zip((hits.row + 1).tolist(), hits.query.tolist(), hits.phrase.tolist(), strict=True))
    shard = make_shard(tmp_path, captions, "fts5")
    assert hits_of(shard, Search("fts", tuple(texts), queries, None, quantity)) == expected


def test_shards_of_one_size_have_one_plan_and_an_empty_one_decides_nothing():
    choice, samples = IndexChoice([class_query("hen", None, "word")], "word"), []

    def plan(rows, *captions):
        return choice.plan(lambda: samples.append(rows) or captions, rows)

    assert plan(0) == IndexPlan([], (), [])
    plans = [plan(1_000, b"a hen"), plan(2_000, b"a cat"), plan(500, b"a dog"), plan(2_001, b"a hen")]
    assert samples == [0, 1_000, 2_001]
    assert plans[0] is plans[1] is plans[2] and plans[0].direct == plans[3].direct
