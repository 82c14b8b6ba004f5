"""Shards with oddities of type, encoding, order and name: the right records, or one sentence and the rest done.

Each round writes a good shard and a few odd ones with a generator of a fixed seed, and runs the filter over all.
FUZZ=1000 runs more rounds.
"""

import datetime
import json
import os
import random
import re
import sqlite3
from contextlib import closing
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filter_laion_metadata_substring import main
from retrieval.records import chunk_files, read_records

ROUNDS = int(os.environ.get("FUZZ", 60))
WORDS = ["cat", "Cats", "concatenate", "a", "“cat”", "café", "猫", "\n", '"', "\\", "x" * 200, "dog", ""]
TAG = {"NSFW": "NSFW", "unsafe": "NSFW", "UNLIKELY": "UNLIKELY", "UNSURE": "UNSURE", "": None, None: None}
FOLDERS = ["plain", "run[1]", "what?", "a b", "100%", "it's", "ü*"]


def make_captions(choose, count):
    return [
        None if choose.random() < 0.1 else " ".join(choose.choices(WORDS, k=choose.randint(0, 6))) for _ in range(count)
    ]


# Each maker of a column: (choose, count) -> (values, what the records must hold; ANY where only a sentence is known).
ANY = object()


def safety(choose, count):
    kind = choose.choice(["tag", "bool", "int", "float", "half", "text", "dictionary", "binary", "decimal", "odd"])
    unsafe = [choose.choice([True, False, None]) for _ in range(count)]
    tags = [None if each is None else "NSFW" if each else "UNLIKELY" for each in unsafe]
    scores = [None if each is None else 0.9 if each else 0.1 for each in unsafe]
    if kind == "odd":
        odd = [["cat"], {"a": 1}, datetime.date(2020, 1, 1), 98, "perhaps", -0.5]
        value = choose.choice(odd)
        return pa.array([value] * count), ANY
    values = {
        "tag": pa.array(tags, pa.string()),
        "bool": pa.array(unsafe, pa.bool_()),
        "int": pa.array(
            [each if each is None else int(each) for each in unsafe], choose.choice([pa.int8(), pa.uint64()])
        ),
        "float": pa.array(scores, choose.choice([pa.float32(), pa.float64()])),
        "half": pa.array(np.array([np.nan if each is None else each for each in scores], np.float16)),
        "text": pa.array([each if each is None else str(each) for each in scores], pa.large_string()),
        "dictionary": pa.array(tags, pa.string()).dictionary_encode(),
        "binary": pa.array([each and each.encode() for each in tags], pa.binary()),
        "decimal": pa.array([None if each is None else Decimal(str(each)) for each in scores], pa.decimal128(3, 2)),
    }[kind]
    return values, tags


def ids(choose, count):
    kind = choose.choice(["int64", "uint64", "decimal", "text", "fixed", "dictionary", "float", "list"])
    numbers = [choose.choice([None, choose.randint(0, 2**63 - 1)]) for _ in range(count)]
    if kind == "list":
        return pa.array([[number] for number in numbers]), ANY
    if kind == "fixed":
        digests = [None if number is None else b"\xff" + number.to_bytes(15, "big") for number in numbers]
        return pa.array(digests, pa.binary(16)), [digest and digest.hex() for digest in digests]
    if kind in ("text", "dictionary"):
        names = [number and f"id{number:x}" for number in numbers]
        return pa.array(names, pa.string()).dictionary_encode() if kind == "dictionary" else pa.array(
            names, pa.string()
        ), names
    if kind == "decimal":
        return pa.array(
            [None if n is None else Decimal(n) for n in numbers], pa.decimal128(choose.choice([20, 38]), 0)
        ), numbers
    if kind == "float":
        small = [None if n is None else n % 2**50 for n in numbers]
        return pa.array(small, pa.float64()), small
    return pa.array(numbers, getattr(pa, kind)()), numbers


def sizes(choose, count):
    numbers = [choose.choice([None, 0, 64, 2000]) for _ in range(count)]
    kind = choose.choice(["int16", "uint32", "float16", "float32", "text", "decimal", "null", "map", "time"])
    if kind == "null":
        return pa.nulls(count), [None] * count
    if kind == "map":
        return pa.array([[("a", 1)]] * count, pa.map_(pa.string(), pa.int64())), ANY
    if kind == "time":
        return pa.array([datetime.datetime(2020, 1, 1)] * count), ANY
    if kind == "text":
        return pa.array([n if n is None else str(n) for n in numbers], pa.string()), numbers
    if kind == "decimal":
        return pa.array([n if n is None else Decimal(n) for n in numbers], pa.decimal128(9, 2)), numbers
    if kind == "float16":
        return pa.array(np.array([np.nan if n is None else n for n in numbers], np.float16)), numbers
    return pa.array(numbers, getattr(pa, kind)()), numbers


def text_array(choose, values):
    kind = choose.choice([pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
    array = pa.array(values, pa.string())
    if pa.types.is_dictionary(kind):
        return array.dictionary_encode()
    return array.cast(kind)


def make_table(choose):
    """(names, arrays, what the records of "cat" must hold, or None where a sentence will do)."""
    count = choose.choice([0, 1, 7, 300])
    captions = make_captions(choose, count)
    urls = [f"http://x.example/{number}" for number in range(count)]
    columns = {"URL": (text_array(choose, urls), urls), "TEXT": (text_array(choose, captions), captions)}
    for ours, make in (("SAMPLE_ID", ids), ("HEIGHT", sizes), ("NSFW", safety)):
        if choose.random() < 0.7:
            columns[ours] = make(choose, count)
    theirs = {"URL": ["url", "URL", "image_url"], "TEXT": ["caption", "TEXT", "alt_text"], "SAMPLE_ID": ["hash", "uid"],
              "HEIGHT": ["height", "original_height"], "NSFW": ["NSFW", "nsfw"]}  # fmt: skip
    order = choose.sample(list(columns), len(columns))
    names = [choose.choice(theirs[ours]) for ours in order]
    arrays = [columns[ours][0] for ours in order]
    if choose.random() < 0.3:
        names, arrays = [*names, "x", "x"], [*arrays, pa.nulls(count), pa.array([[1]] * count, pa.list_(pa.int64()))]
    if choose.random() < 0.1:
        names, arrays = [*names, names[0]], [*arrays, arrays[0]]
    matches = [row for row, caption in enumerate(captions) if caption and "cat" in caption.lower()]
    expected = [
        {ours: values if values is ANY else values[row] for ours, (_, values) in columns.items()} for row in matches
    ]
    return names, arrays, expected


def write(choose, path, names, arrays):
    """Write the columns as one of the kinds of parquet, or as a database; False where DuckDB cannot."""
    table = pa.table(arrays, names=names)
    kind = choose.choice(["arrow", "arrow", "v2", "variant", "sqlite"])
    if kind == "arrow" or len(set(map(str.lower, names))) < len(names):
        pq.write_table(
            table,
            path,
            row_group_size=choose.choice([1, 50, 1000]),
            compression=choose.choice(["none", "zstd"]),
            use_dictionary=choose.random() < 0.5,
            store_schema=choose.random() < 0.5,
            data_page_version=choose.choice(["1.0", "2.0"]),
        )
        return
    try:
        more = ", 'x'::VARIANT AS extra" if kind == "variant" else ""
        version = ", PARQUET_VERSION V2" if kind == "v2" else ""
        with duckdb.connect() as connection:
            connection.register("t", table)
            if kind != "sqlite":
                connection.execute(f"COPY (SELECT *{more} FROM t) TO '{path.name}' (FORMAT parquet{version})")
                return
        listed = ", ".join('"' + name + '"' for name in names)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"CREATE TABLE {'samples' if choose.random() < 0.5 else 'own'} ({listed})")
            rows = [tuple(map(as_sqlite, row.values())) for row in table.to_pylist()]
            own = connection.execute("SELECT name FROM sqlite_master").fetchone()[0]
            connection.executemany(f"INSERT INTO {own} VALUES ({','.join('?' * len(names))})", rows)
            if own == "own":
                connection.execute("CREATE VIEW samples AS SELECT * FROM own")
            connection.commit()
    except (duckdb.Error, UnicodeDecodeError):  # float16, maps of lists: DuckDB has no such column
        path.unlink(missing_ok=True)
        pq.write_table(table, path)


def as_sqlite(value):
    if isinstance(value, np.floating | Decimal):
        return float(value) if not isinstance(value, Decimal) or value % 1 or abs(value) < 2**50 else str(value)
    return value if value is None or isinstance(value, str | bytes | int | float) else str(value)


def holds(record, expected):
    return all(
        value is ANY
        or record[ours] == value
        or str(record[ours]) == str(value)
        or (ours == "HEIGHT" and record[ours] in (value, None))
        for ours, value in expected.items()
    )


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_odd_shards_give_the_right_records_or_one_sentence_and_the_rest_is_done(tmp_path, monkeypatch, capsys, seed):
    choose = random.Random(seed)
    folder = tmp_path / choose.choice(FOLDERS)
    folder.mkdir()
    monkeypatch.chdir(folder)
    pq.write_table(pa.table({"url": ["good"], "caption": ["a cat"]}), folder / "good.parquet")
    expected = {"good.parquet": [{"URL": "good", "TEXT": "a cat"}]}
    for number in range(4):
        names, arrays, expected[f"{number}.parquet"] = make_table(choose)
        write(choose, folder / f"{number}.parquet", names, arrays)
    whole = (folder / "0.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: choose.randrange(len(whole))])
    expected["cut.parquet"] = [{"URL": ANY}]
    code = main(["-q", "cat", "-o", str(tmp_path / "out"), "--workers", "1", "--dbs", *sorted(expected)])
    said = capsys.readouterr().err
    assert "does not know" not in said, said  # that is what an error nobody foresaw is called
    missing = dict(re.findall(r"^missing: (\S+): (.*)$", said, re.MULTILINE))
    assert code == 1 and "cut.parquet" in missing, said
    found = {name: [] for name in expected}
    for chunk in chunk_files(tmp_path / "out", allow_partial=True):
        for record in read_records(chunk):
            json.dumps(record, allow_nan=False)
            found[record["ROW"].rpartition(":")[0]].append(record)
    for name, records in expected.items():
        if name in missing:
            assert "shard " in missing[name] and not found[name] and name != "good.parquet"
            odd = any(value is ANY for record in records for value in record.values())
            assert odd or "columns of the name" in missing[name] or "holds" in missing[name], missing[name]
        else:
            assert len(found[name]) == len(records), name
            assert all(map(holds, found[name], records)), (name, found[name], records)
