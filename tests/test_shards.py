"""Shards of every kind give the same rows: opened, read in batches, refused with a sentence."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retrieval import duckdb_shards, parquet_shards, sqlite_shards
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.opened_shard import open_shard
from retrieval.shard import unreadable
from retrieval.shards import caption_batches, row_batches
from retrieval.sqlite_rows import rows_of_index
from retrieval.sqlite_shards import held_batches, looked_up_captions
from retrieval.substring.hit_records import Labels, encode_hits
from retrieval.substring.hits import Hits

TEXTS = [
    "A red hen",
    None,
    "",
    "kitchen “hen”",
    "Ökö-Hänchen",
    "猫 🐈 cat",
    "line\nbreak",
    "x" * 100_000,
    "hen",
    "tiger's",
]
ROWS = [
    {
        "SAMPLE_ID": 9_223_372_036_854_775_000 + number,  # beyond what a float holds
        "URL": f"http://example.com/{number}.jpg",
        "TEXT": text,
        "HEIGHT": 100 + number,
        "WIDTH": 200 + number,
        "LICENSE": "?",
        "NSFW": ["UNLIKELY", "UNSURE", "NSFW"][number % 3],
        "similarity": 0.25 + number / 64,
    }
    for number, text in enumerate(TEXTS)
]
FTS5 = "CREATE VIRTUAL TABLE samples USING fts5(SAMPLE_ID, URL, TEXT, HEIGHT, WIDTH, LICENSE, NSFW, similarity"


def write_parquet(path, rows=ROWS, row_group_size=None, **columns):
    """Rows under their own names, or under those of `columns` (name=ours), or as whole arrays (name=array)."""
    arrays = {name: [row[ours] for row in rows] if isinstance(ours, str) else ours for name, ours in columns.items()}
    pq.write_table(pa.table(arrays or {name: [row[name] for row in rows] for name in ROWS[0]}), path,
                   row_group_size=row_group_size)  # fmt: skip
    return path


def write_db(path, create=FTS5 + ")", rows=ROWS, *more):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(create)
        connection.executemany("INSERT INTO samples VALUES (?,?,?,?,?,?,?,?)", [tuple(row.values()) for row in rows])
        for statement in more:
            connection.execute(statement)
        connection.commit()
    return path


def read_all(shard, batches=None):
    """Every row as the record that is written of it, `ROW` its number; what the pool does not have is left out."""
    records = []
    for batch in caption_batches(shard) if batches is None else batches:
        zeros = np.zeros(len(batch.rows), np.int32)
        hits = Hits(np.arange(len(zeros)), zeros, zeros, zeros > 0)
        lines = bytes(encode_hits(batch, hits, Labels("substring", "a shard", ("a class",), ("a phrase",)))[0])
        columns = dict.fromkeys([*shard.columns, "NSFW"] if "punsafe" in shard.columns else shard.columns)
        for line in lines.decode().splitlines():
            record = json.loads(line.removesuffix(","))
            shard_name, _, row = record["ROW"].rpartition(":")
            assert shard_name == "a shard"
            records.append({name: record[name] for name in columns} | {"ROW": int(row)})
    return records


def numbered(rows, start=0):
    return [row | {"ROW": number} for number, row in enumerate(rows, start)]


# ---- the pools' own names ----


def test_laion_2b_en(tmp_path):
    shard = open_shard(write_parquet(tmp_path / "a.parquet"))
    assert (shard.kind, shard.rows) == ("parquet", len(ROWS))
    assert read_all(shard) == numbered(ROWS)


def test_re_laion_joined_with_punsafe(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", hash="SAMPLE_ID", url="URL", caption="TEXT", original_height="HEIGHT",
                         original_width="WIDTH", similarity="similarity",
                         punsafe=[0.1, 0.5, None, float("nan")] + [0.49999] * 6)  # fmt: skip
    safety = [("UNLIKELY", 0.1), ("NSFW", 0.5), (None, None), (None, None)] + [("UNLIKELY", 0.49999)] * 6
    expected = [{k: v for k, v in row.items() if k != "LICENSE"} | {"NSFW": tag, "punsafe": score}
                for row, (tag, score) in zip(ROWS, safety, strict=True)]  # fmt: skip
    assert read_all(open_shard(path)) == numbered(expected)


def test_datacomp(tmp_path):
    uids = [f"{number:032x}" for number in range(len(ROWS))]  # hex ids that could be taken for numbers
    path = write_parquet(tmp_path / "a.parquet", uid=uids, url="URL", text="TEXT", original_height="HEIGHT",
                         original_width="WIDTH", clip_b32_similarity_score=[0.0] * len(ROWS),
                         clip_l14_similarity_score="similarity")  # fmt: skip
    expected = [{k: v for k, v in row.items() if k not in ("LICENSE", "NSFW")} | {"SAMPLE_ID": uid}
                for row, uid in zip(ROWS, uids, strict=True)]  # fmt: skip
    assert read_all(open_shard(path)) == numbered(expected)


def test_coyo_700m(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", id="SAMPLE_ID", url="URL", text="TEXT", width="WIDTH", height="HEIGHT",
                         clip_similarity_vitb32=[0.0] * len(ROWS), clip_similarity_vitl14="similarity",
                         nsfw_score_opennsfw2=pa.array([0.9] + [0.01] * 9, pa.float32()))  # fmt: skip
    expected = [{k: v for k, v in row.items() if k != "LICENSE"} | {"NSFW": "UNLIKELY", "punsafe": 0.01}
                for row in ROWS]  # fmt: skip
    expected[0] |= {"NSFW": "NSFW", "punsafe": 0.9}
    assert read_all(open_shard(path)) == numbered(expected)


@pytest.mark.parametrize("fts", ["fts4", "fts5"])
def test_a_published_database_gives_what_the_parquet_gives_with_rowids_for_rows(tmp_path, fts):
    shard = open_shard(write_db(tmp_path / "a.db", FTS5.replace("fts5", fts) + ")"))
    assert (shard.kind, shard.rows, shard.has_word_index) == ("sqlite", len(ROWS), fts == "fts5")
    assert read_all(shard) == numbered(ROWS, start=1)


def test_a_database_with_a_score_for_a_tag_gives_both(tmp_path):
    scored = [row | {"NSFW": [0.75, None, "0.125"][number % 3]} for number, row in enumerate(ROWS)]
    path = write_db(tmp_path / "a.db", FTS5.replace("NSFW", "punsafe") + ")", scored)
    expected = [
        row | {"NSFW": ["NSFW", None, "UNLIKELY"][number % 3], "punsafe": [0.75, None, 0.125][number % 3]}
        for number, row in enumerate(ROWS)
    ]
    assert read_all(open_shard(path)) == numbered(expected, start=1)


# ---- how the values may lie in the file ----


@pytest.mark.parametrize(
    "kind",
    [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.large_string())],
    ids=str,
)
def test_captions_and_urls_of_any_string_type(tmp_path, kind):
    text = pa.array([row["TEXT"] for row in ROWS]).cast(pa.string())
    text = text.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else text.cast(kind)
    path = write_parquet(tmp_path / "a.parquet", URL=pa.array([row["URL"] for row in ROWS]).cast(pa.large_string()),
                         TEXT=text)  # fmt: skip
    assert read_all(open_shard(path)) == numbered({"URL": row["URL"], "TEXT": row["TEXT"]} for row in ROWS)


@pytest.mark.skipif(not hasattr(pa, "string_view"), reason="this pyarrow has no views")
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_captions_and_ids_that_are_views_are_read(tmp_path, ending):
    columns = {name: pa.array([row[name] for row in ROWS], pa.string_view()) for name in ("URL", "TEXT")}
    table = pa.table(columns | {"SAMPLE_ID": pa.array([str(row["URL"]) for row in ROWS], pa.string_view())})
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    wanted = ({"SAMPLE_ID": row["URL"], "URL": row["URL"], "TEXT": row["TEXT"]} for row in ROWS)
    assert read_all(open_shard(path)) == numbered(wanted)


@pytest.mark.parametrize("row_group_size", [1, 3, None])
def test_row_groups_of_any_size_and_batches_that_cut_them(tmp_path, row_group_size, monkeypatch):
    shard = open_shard(write_parquet(tmp_path / "a.parquet", row_group_size=row_group_size))
    monkeypatch.setattr(parquet_shards, "BATCH_ROWS", 4)
    assert read_all(shard) == numbered(ROWS)


def test_only_the_wanted_rows_are_fetched_whatever_batches_are_skipped(tmp_path, monkeypatch):
    shard = open_shard(write_parquet(tmp_path / "a.parquet", row_group_size=7))
    monkeypatch.setattr(parquet_shards, "BATCH_ROWS", 2)
    found = []
    for batch in caption_batches(shard):
        wanted = np.array([p for p, row in enumerate(batch.rows) if row in (1, 4, 5, 9)], dtype=np.int64)
        if len(wanted):
            found += batch.fetch(wanted)["SAMPLE_ID"].to_pylist()
    assert found == [ROWS[number]["SAMPLE_ID"] for number in (1, 4, 5, 9)]


def test_an_empty_shard_has_no_rows(tmp_path):
    empty = pa.table({"URL": pa.array([], pa.string()), "TEXT": pa.array([], pa.string())})
    pq.write_table(empty, tmp_path / "a.parquet")
    for path in (tmp_path / "a.parquet", write_db(tmp_path / "a.db", rows=[])):
        assert open_shard(path).rows == 0 and read_all(open_shard(path)) == []


def test_a_column_of_nulls_only_is_a_column_of_nulls(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", URL="URL", TEXT=pa.nulls(10), NSFW=pa.nulls(10), WIDTH=pa.nulls(10))
    assert read_all(open_shard(path)) == numbered(
        {"URL": row["URL"], "TEXT": None, "NSFW": None, "WIDTH": None} for row in ROWS
    )


def test_nullable_integers_stay_exact_and_nan_is_null(tmp_path):
    ids = [2**63 - 1, None, -(2**63)] + [None] * 7
    path = write_parquet(tmp_path / "a.parquet", SAMPLE_ID=pa.array(ids, pa.int64()), URL="URL", TEXT="TEXT",
                         WIDTH=pa.array([512.0, float("nan")] + [None] * 8),
                         similarity=pa.array([float("nan"), float("inf")] + [0.5] * 8))  # fmt: skip
    records = read_all(open_shard(path))
    assert [record["SAMPLE_ID"] for record in records] == ids
    assert [record["WIDTH"] for record in records[:3]] == [512, None, None]
    assert [record["similarity"] for record in records[:3]] == [None, None, 0.5]


def test_numbers_kept_as_text_in_a_database_are_exact(tmp_path):
    rows = [
        ROWS[0] | {"SAMPLE_ID": "9223372036854775807", "HEIGHT": "512.0", "WIDTH": "7", "similarity": "0.25"},
        ROWS[0] | {"SAMPLE_ID": "9007199254740993.0", "HEIGHT": "", "WIDTH": None, "similarity": ""},
        ROWS[0] | {"SAMPLE_ID": "00ff00ff", "HEIGHT": 512.0, "WIDTH": "7", "similarity": 1},
        ROWS[0] | {"SAMPLE_ID": "12345678901234567890123456789012", "HEIGHT": 1, "WIDTH": 1, "similarity": "nan"},
    ]
    found = read_all(open_shard(write_db(tmp_path / "a.db", rows=rows)))
    assert [[row[c] for c in ("SAMPLE_ID", "HEIGHT", "WIDTH", "similarity")] for row in found] == [
        [9223372036854775807, 512, 7, 0.25],
        [9007199254740993, None, None, None],
        ["00ff00ff", 512, 7, 1.0],
        ["12345678901234567890123456789012", 1, 1, None],
    ]


def test_captions_that_are_not_utf8_are_read_with_replacement_characters(tmp_path):
    broken = pa.array([b"a \xff hen", b"fine"], pa.binary())
    pq.write_table(pa.table({"URL": ["u", "v"], "TEXT": broken}), tmp_path / "a.parquet")
    as_string = pa.StringArray.from_buffers(2, broken.buffers()[1], broken.buffers()[2])
    pq.write_table(pa.table({"URL": ["u", "v"], "TEXT": as_string}), tmp_path / "b.parquet")
    write_db(tmp_path / "c.db", FTS5 + ")", ROWS[:2], "UPDATE samples SET TEXT = CAST(x'6120ff2068656e' AS TEXT)")
    for name in ("a.parquet", "b.parquet", "c.db"):
        assert read_all(open_shard(tmp_path / name))[0]["TEXT"] == "a \ufffd hen", name


# ---- databases ----


@pytest.mark.parametrize(
    "create, word_index",
    [
        (FTS5 + ")", True),
        (FTS5 + ", tokenize='unicode61')", True),
        (FTS5 + ', tokenize = "unicode61 remove_diacritics 1")', True),
        (FTS5 + ", tokenize='unicode61 remove_diacritics 0')", False),
        (FTS5 + ", tokenize='unicode61 remove_diacritics 2')", False),
        (FTS5 + """, tokenize="unicode61 tokenchars '-_'")""", False),
        (FTS5 + ", tokenize='porter unicode61')", False),
        (FTS5 + ", tokenize=porter)", False),
        (FTS5 + ", tokenize='ascii')", False),
        (FTS5 + ", tokenize='trigram')", False),
        (FTS5 + ", detail=none)", False),
        (FTS5 + ", tok=porter)", False),
        (FTS5 + ", det=`none`)", False),
        (FTS5.replace("samples", "Samples") + ", prefix=2)", True),
        (FTS5.replace("TEXT", '"TEXT"UNINDEXED') + ")", False),
        (FTS5 + ", detail='column')", False),
        (FTS5 + ", prefix='2 3')", True),
        (FTS5.replace("TEXT", "TEXT UNINDEXED") + ")", False),
        (FTS5.replace("URL", "URL UNINDEXED") + ")", True),
        (FTS5.replace("fts5", "fts4") + ", tokenize=unicode61)", False),
        (FTS5.replace("fts5", "fts4") + ", tokenize=porter)", False),
        (FTS5.replace("VIRTUAL TABLE", "TABLE").replace("USING fts5", "") + ")", False),
    ],
)
def test_the_index_is_used_only_where_its_tokens_are_the_defined_ones(tmp_path, create, word_index):
    shard = open_shard(write_db(tmp_path / "a.db", create))
    assert shard.has_word_index == word_index and shard.rows == len(ROWS)
    assert read_all(shard) == numbered(ROWS, start=1)


def test_the_index_gives_the_rows_of_each_expression_and_their_captions_can_be_looked_up(tmp_path):
    shard = open_shard(write_db(tmp_path / "a.db"))
    found = list(rows_of_index(shard, ['"hen"', '"tiger" OR "hen"', '"nowhere"']))
    texts, hens = {number: row["TEXT"] for number, row in enumerate(ROWS, 1)}, [1, 4, 9]
    assert found[0] == hens and set(hens) <= set(found[1]) and found[2] == []
    assert list(rows_of_index(shard, ['"hen"'], 1)) == [hens[:1]]
    ((rows, captions),) = looked_up_captions(shard, np.array(hens))
    assert rows.tolist() == hens and [text.decode() for text in captions.to_pylist()] == [texts[row] for row in hens]
    expected = [row | {"ROW": number} for number, row in enumerate(ROWS, 1) if number in hens]
    assert read_all(shard, held_batches(shard, hens)) == expected


def test_rows_of_a_database_with_gaps_keep_their_rowids(tmp_path):
    path = write_db(tmp_path / "a.db", FTS5 + ")", ROWS, "DELETE FROM samples WHERE rowid IN (1, 5, 10)",
                    "UPDATE samples SET rowid = 70000000000 WHERE rowid = 2")  # fmt: skip
    shard = open_shard(path)
    assert shard.rows == 7
    assert [row["ROW"] for row in read_all(shard)] == [3, 4, 6, 7, 8, 9, 70000000000]
    assert [row["ROW"] for row in read_all(shard, row_batches(shard, np.array([0, 6])))] == [3, 70000000000]


@pytest.mark.parametrize("first", [-(2**63), 2**63 - len(ROWS)])
@pytest.mark.parametrize("create", [FTS5 + ")", FTS5.replace("VIRTUAL TABLE", "TABLE").replace("USING fts5", "") + ")"])
def test_the_smallest_and_the_largest_rowids_stay_exact(first, create, tmp_path):
    rows = [row | {"TEXT": "hen"} for row in ROWS]
    path = write_db(tmp_path / "a.db", create)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM samples")
        statement = f"INSERT INTO samples(rowid, {', '.join(ROWS[0])}) VALUES (?,?,?,?,?,?,?,?,?)"
        connection.executemany(statement, [(first + number, *row.values()) for number, row in enumerate(rows)])
        connection.commit()
    assert read_all(open_shard(path)) == numbered(rows, first)


def test_the_rows_are_counted_as_sqlite_counts_them(tmp_path):
    for rows in (0, 1, 127, 128, 20_000):
        path = write_db(tmp_path / f"{rows}.db", rows=[ROWS[0]] * rows)
        assert open_shard(path).rows == rows


def test_a_database_whose_rows_lie_in_a_table_of_its_own_is_read_through_its_index(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE own (SAMPLE_ID, URL, TEXT)")
        connection.executemany("INSERT INTO own VALUES (?,?,?)", [(1, "u", "a hen"), (2, "v", "a cat")])
        connection.execute("CREATE VIRTUAL TABLE samples USING fts5(SAMPLE_ID, URL, TEXT, content='own')")
        connection.execute("INSERT INTO samples(samples) VALUES ('rebuild')")
        connection.commit()
    shard = open_shard(tmp_path / "a.db")
    assert [row["TEXT"] for row in read_all(shard)] == ["a hen", "a cat"]
    assert next(rows_of_index(shard, ['"hen"'])) == [1]


@pytest.mark.parametrize(
    "module, options, is_asked",
    [
        ("fts5", "content='own'", True),
        ("fts5", "cont=[own]", True),
        ("fts5", "content=own, columnsize=0", False),
        ("fts4", "content=own", False),
    ],
)
def test_an_index_that_was_not_rebuilt_since_rows_were_added_is_not_asked(module, options, is_asked, tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE own (URL, TEXT)")
        connection.execute("INSERT INTO own VALUES ('u', 'a cat'), ('v', 'a dog')")
        connection.execute(f"CREATE VIRTUAL TABLE samples USING {module}(URL, TEXT, {options})")
        connection.execute("INSERT INTO samples(samples) VALUES ('rebuild')")
        connection.commit()
        assert open_shard(tmp_path / "a.db").has_word_index == is_asked
        connection.execute("INSERT INTO own VALUES ('w', 'a hen')")
        connection.commit()
    shard = open_shard(tmp_path / "a.db")
    assert (shard.has_word_index, shard.rows) == (False, 3)
    assert [row["TEXT"] for row in read_all(shard)] == ["a cat", "a dog", "a hen"]


def test_a_generated_column_is_read_as_any_other(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE samples (URL, title, TEXT AS ('a ' || title), HEIGHT AS (7) STORED)")
        connection.execute("INSERT INTO samples VALUES ('u', 'hen')")
        connection.commit()
    assert read_all(open_shard(tmp_path / "a.db")) == [{"URL": "u", "TEXT": "a hen", "HEIGHT": 7, "ROW": 1}]


def test_a_database_is_never_written_beside(tmp_path):
    path = write_db(tmp_path / "a db?#%.db", FTS5 + ")", ROWS, "PRAGMA user_version = 1")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    before = (path.read_bytes(), sorted(tmp_path.iterdir()))
    shard = open_shard(path)
    assert len(next(rows_of_index(shard, ['"hen"']))) == 3
    for batch in caption_batches(shard):
        assert sorted(tmp_path.iterdir()) == before[1] and len(batch.captions)
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_a_database_with_changes_beside_it_is_refused(tmp_path):
    path = write_db(tmp_path / "a.db")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("DELETE FROM samples WHERE rowid = 1")
        writer.commit()
        with pytest.raises(UserError, match=r"a.db has changes that are not in it yet \(a.db-wal\)"):
            open_shard(path)


# ---- rows by their place ----


@pytest.mark.parametrize(
    "odd", [[], [None], [3, 1e20], [b"a\xff hen"], ["a\x1e hen"], ["", "a\0 hen"], [b"\xff", "\x1e\x1e", None]]
)
def test_captions_that_sqlite_joins_are_those_that_it_gives_one_by_one(tmp_path, odd, monkeypatch):
    monkeypatch.setattr(sqlite_shards, "SQLITE_BATCH_ROWS", 4)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE samples (URL, TEXT)")
        values = ["", "a hen", "é", "x", "y", *odd, "z", ""]
        connection.executemany("INSERT INTO samples VALUES ('u', ?)", [(value,) for value in values])
        connection.commit()
        connection.text_factory = bytes
        expected = [text for (text,) in connection.execute("SELECT CAST(TEXT AS TEXT) FROM samples ORDER BY rowid")]
    batches = list(caption_batches(open_shard(tmp_path / "a.db")))
    assert [text for batch in batches for text in batch.captions.to_pylist()] == expected
    assert [row for batch in batches for row in batch.rows.tolist()] == list(range(1, len(values) + 1))


@pytest.mark.parametrize("kind", ["parquet", "db"])
def test_rows_are_taken_by_position(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(parquet_shards, "BATCH_ROWS", 3)
    monkeypatch.setattr(sqlite_shards, "SQLITE_BATCH_ROWS", 3)
    path = write_parquet(tmp_path / "a.parquet", row_group_size=4) if kind == "parquet" else write_db(tmp_path / "a.db")
    shard = open_shard(path)
    positions = np.array([0, 4, 5, 9])
    found = read_all(shard, row_batches(shard, positions))
    assert [row["SAMPLE_ID"] for row in found] == [ROWS[p]["SAMPLE_ID"] for p in positions]


# ---- refusals ----


def test_the_caption_column_can_be_named(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", url="URL", what="TEXT")
    with pytest.raises(UserError, match="has no TEXT column; it has url, what: name the captions with --caption-col"):
        open_shard(path)
    with pytest.raises(UserError, match="has no column 'alt' .--caption-column.; it has url, what"):
        open_shard(path, ColumnChoice("alt"))
    assert [row["TEXT"] for row in read_all(open_shard(path, ColumnChoice("WHAT")))] == TEXTS


def test_a_shard_without_a_url_names_what_it_has(tmp_path):
    with pytest.raises(
        UserError, match="a.parquet has no URL column; it has whence, TEXT: name the one with the addresses with --url"
    ):
        open_shard(write_parquet(tmp_path / "a.parquet", whence="URL", TEXT="TEXT"))
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE VIRTUAL TABLE samples USING fts5(whence, TEXT)")
    with pytest.raises(
        UserError, match="a.db has no URL column; it has whence, TEXT: name the one with the addresses with --url"
    ):
        open_shard(tmp_path / "a.db")


def test_a_caption_column_that_holds_no_text_is_refused(tmp_path):
    with pytest.raises(UserError, match="column TEXT holds int64, not text"):
        open_shard(write_parquet(tmp_path / "a.parquet", URL="URL", TEXT="HEIGHT"))


def test_what_is_neither_format_is_refused(tmp_path):
    for content, sentence in (
        (b"", r"a.db is empty \(0 bytes\): fetch it again"),
        (b"PK\x03\x04 a zip file", "a.db is a zip archive .*: unpack it"),
        (b"SQLite formula", "a.db is no parquet, csv, .* and no SQLite database$"),
        (b"<!DOCTYPE html><html>", "a.db is a web page"),
    ):
        (tmp_path / "a.db").write_bytes(content)
        with pytest.raises(UserError, match=sentence):
            open_shard(tmp_path / "a.db")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        open_shard(tmp_path)


def test_a_shard_that_is_cut_short_is_refused(tmp_path):
    for path in (write_parquet(tmp_path / "a.parquet"), write_db(tmp_path / "a.db", rows=ROWS * 10)):
        whole = path.read_bytes()
        for size in (len(whole) - 1, len(whole) // 2, 50, 16):
            path.write_bytes(whole[:size])
            with pytest.raises(UserError, match=f"{path.name} is cut short .*: fetch it again"):
                open_shard(path)


def test_a_parquet_file_with_a_damaged_footer_or_page_is_named(tmp_path):
    path = write_parquet(tmp_path / "a.parquet")
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    path.write_bytes(whole[:footer] + b"\xff" * 100 + whole[footer + 100 :])
    with pytest.raises(UserError, match="a.parquet is damaged .*thrift.*: fetch it again"):
        open_shard(path)
    path.write_bytes(whole[:4] + bytes([0xA5]) * 400 + whole[404:])
    with pytest.raises(UserError, match="a.parquet is damaged .*: fetch it again"):
        read_all(open_shard(path))


def test_a_database_without_the_table_or_without_rows_to_give_back_is_named(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.commit()
    with pytest.raises(UserError, match="a.db has no table 'samples'; it has other"):
        open_shard(tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "b.db")) as connection:
        connection.execute("CREATE VIRTUAL TABLE samples USING fts5(SAMPLE_ID, URL, TEXT, content='')")
    with pytest.raises(UserError, match="b.db is an index without its rows"):
        open_shard(tmp_path / "b.db")


def test_a_damaged_database_is_named(tmp_path):
    path = write_db(tmp_path / "a.db", rows=[row | {"TEXT": "hen " * 300} for row in ROWS * 20])
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes([0xA5]) * (len(whole) - 4096))
    with pytest.raises(UserError, match=r"a.db (is damaged|is a SQLite database that cannot be read)"):
        read_all(open_shard(path))


# ---- safety values ----


def tags_in(path):
    return [record["NSFW"] for record in read_all(open_shard(path))]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["NSFW", "UNLIKELY", None]),
        pa.array([True, False, None]),
        pa.array([1, 0, None], pa.uint8()),
        pa.array([0.98, 0.01, None], pa.float32()),
        pa.array(np.float16([0.98, 0.01, np.nan])),
        pa.array(["0.98", "0.01", ""]),
        pa.array([b"nsfw", b"safe", None]),
        pa.array([Decimal("0.98"), Decimal("0.01"), None]),
        pa.array(["true", "false", "nan"]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
@pytest.mark.parametrize("name", ["nsfw", "punsafe"])
def test_safety_of_any_type_is_a_tag(tmp_path, values, name):
    pq.write_table(pa.table({"url": ["u"] * 3, "caption": ["c"] * 3, name: values}), tmp_path / "a.parquet")
    assert tags_in(tmp_path / "a.parquet") == ["NSFW", "UNLIKELY", None]
    rows = [tuple(row.values()) for row in pa.table({"u": ["u"] * 3, "c": ["c"] * 3, "s": values}).to_pylist()]
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute(f"CREATE TABLE samples (url, caption, {name})")
        as_sqlite = [(u, c, float(s) if isinstance(s, Decimal | np.floating) else s) for u, c, s in rows]
        connection.executemany("INSERT INTO samples VALUES (?,?,?)", as_sqlite)
        connection.commit()
    assert tags_in(tmp_path / "a.db") == ["NSFW", "UNLIKELY", None]


@pytest.mark.parametrize("values", [["bogus", "NSFW", "bogus"], [98, 1, 98], [0.5, -1.0, -1.0], ["1.5", "0", "1.5"]])
def test_safety_that_is_not_understood_is_refused_by_value_and_count(tmp_path, values):
    path = write_parquet(tmp_path / "a.parquet", ROWS[:3], url="URL", caption="TEXT", nsfw=pa.array(values))
    unknown = max(values, key=values.count)
    with pytest.raises(UserError, match=rf"a.parquet: column nsfw holds .* not understood: '{unknown}' \(2\)"):
        read_all(open_shard(path))


def test_where_the_tag_says_nothing_the_score_decides(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", ROWS[:4], url="URL", caption="TEXT",
                         nsfw=pa.array(["UNLIKELY", None, "", None]),
                         punsafe=pa.array([0.9, 0.9, 0.1, None]))  # fmt: skip
    assert tags_in(path) == ["UNLIKELY", "NSFW", "UNLIKELY", None]


# ---- ids, and columns of other types ----


def ids_in(path):
    return [record["SAMPLE_ID"] for record in read_all(open_shard(path))]


def test_ids_keep_every_digit(tmp_path):
    big = [12345678901234567891, 18446744073709551615, 9007199254740993]
    digest = bytes(range(200, 216))
    for kind in (pa.decimal128(20, 0), pa.uint64(), pa.decimal256(60, 0)):
        values = pa.array(list(map(Decimal, big)), kind) if pa.types.is_decimal(kind) else pa.array(big, kind)
        assert ids_in(write_parquet(tmp_path / "a.parquet", ROWS[:3], url="URL", text="TEXT", hash=values)) == big
    for kind in (pa.binary(16), pa.binary()):
        ids = pa.array([digest, None, b"0123456789abcdef"], kind)
        path = write_parquet(tmp_path / "a.parquet", ROWS[:3], url="URL", text="TEXT", uid=ids)
        assert ids_in(path) == [digest.hex(), None, "0123456789abcdef"]
    duckdb.sql(f"COPY (SELECT '00000000-0000-0000-0000-00000000000a'::UUID id, 'u' url, 'cat' caption) "
               f"TO '{tmp_path}/uuid.parquet'")  # fmt: skip
    assert ids_in(tmp_path / "uuid.parquet") == ["00000000-0000-0000-0000-00000000000a"]


def test_numbers_and_licences_of_other_types_are_what_they_say(tmp_path):
    path = write_parquet(
        tmp_path / "a.parquet", ROWS[:3], url="URL", text="TEXT",
        height=pa.array(["512", "64.0", "tall"]), width=pa.array(np.float16([512, np.nan, 7])),
        similarity=pa.array(["0.25", "", "x"]), license=pa.array([{"name": "by"}, None, {"name": "?"}]),
    )  # fmt: skip
    found = [[row[name] for name in ("HEIGHT", "WIDTH", "similarity", "LICENSE")] for row in read_all(open_shard(path))]
    assert found == [[512, 512, 0.25, '{"name": "by"}'], [64, None, None, None], [None, 7, None, '{"name": "?"}']]


@pytest.mark.parametrize("name", ["NSFW", "punsafe", "HEIGHT", "similarity", "URL", "TEXT"])
def test_a_list_where_a_value_belongs_is_refused_by_name(tmp_path, name):
    columns = {"URL": "URL", "TEXT": "TEXT"} | {name: pa.array([["a"], [], None])}
    with pytest.raises(UserError, match=f"column {name} holds list<.*, not (tags or scores|numbers|text)"):
        open_shard(write_parquet(tmp_path / "a.parquet", ROWS[:3], **columns))


# ---- names ----


def test_two_columns_of_one_name_are_refused_only_where_it_is_needed(tmp_path):
    values = [pa.array(["u"]), pa.array(["v"]), pa.array(["cat"]), pa.array([1])]
    pq.write_table(pa.table(values, names=["url", "url", "caption", "x"]), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="has 2 columns of the name 'url': rename or drop"):
        open_shard(tmp_path / "a.parquet")
    pq.write_table(pa.table(values, names=["x", "url", "caption", "x"]), tmp_path / "b.parquet")
    assert read_all(open_shard(tmp_path / "b.parquet"))[0]["URL"] == "v"


def test_a_column_whose_name_begins_like_the_caption_is_not_the_caption(tmp_path):
    struct = pa.array([{"en": "wrong"}])
    table = pa.table([struct, pa.array(["u"]), pa.array(["right"]), pa.array(["flat"])],
                     names=["meta", "url", "caption", "meta.en"])  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_all(open_shard(tmp_path / "a.parquet"))[0]["TEXT"] == "right"
    assert read_all(open_shard(tmp_path / "a.parquet", ColumnChoice("meta.en")))[0]["TEXT"] == "flat"


def test_column_names_that_are_not_utf8_are_one_sentence(tmp_path):
    pq.write_table(pa.table({"urlXX": ["u"], "caption": ["c"]}), tmp_path / "a.parquet", store_schema=False)
    damaged = (tmp_path / "a.parquet").read_bytes().replace(b"urlXX", b"url\xff\xfe")
    (tmp_path / "a.parquet").write_bytes(damaged)
    with pytest.raises(UserError, match="has column names that are not UTF-8"):
        open_shard(tmp_path / "a.parquet")


# ---- encodings ----


def test_what_pyarrow_cannot_decode_goes_through_duckdb(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb_shards, "BATCH_ROWS", 3)
    whole = write_parquet(tmp_path / "plain.parquet")
    folder = tmp_path / "a[b]?"  # which DuckDB would read as a pattern
    folder.mkdir()
    duckdb.sql(f"COPY (FROM '{whole}') TO '{tmp_path}/v2.parquet' (PARQUET_VERSION V2, ROW_GROUP_SIZE 2048)")
    duckdb.sql(f"COPY (SELECT *, 'x'::VARIANT AS extra FROM '{whole}') TO '{tmp_path}/variant.parquet'")
    (tmp_path / "variant.parquet").rename(folder / "variant.parquet")
    assert read_all(open_shard(tmp_path / "v2.parquet")) == numbered(ROWS)
    shard = open_shard(folder / "variant.parquet")
    assert shard.rows == len(ROWS)
    assert shard.kind == "duckdb" or int(pa.__version__.split(".")[0]) > 20  # a newer pyarrow decodes it
    assert read_all(shard) == numbered(ROWS)
    assert [row["ROW"] for row in read_all(shard, row_batches(shard, np.array([0, 4, 9])))] == [0, 4, 9]


def test_encodings_are_looked_at_in_each_row_group(tmp_path):
    """A column may begin with a dictionary and go on with another encoding."""
    duckdb.sql(f"COPY (SELECT i SAMPLE_ID, 'http://x.example/'||i URL, 'cat '||i AS TEXT, CASE WHEN i < 4096 THEN '?' "
               f"ELSE 'licence number '||i END LICENSE FROM range(9000) t(i)) "
               f"TO '{tmp_path}/a.parquet' (PARQUET_VERSION V2, ROW_GROUP_SIZE 2048)")  # fmt: skip
    found = read_all(open_shard(tmp_path / "a.parquet"))
    assert [row["LICENSE"] for row in found] == ["?"] * 4096 + [f"licence number {n}" for n in range(4096, 9000)]
    assert [row["SAMPLE_ID"] for row in found] == list(range(9000))


def short_column_file(path, short):
    """A file whose footer says 10 rows, and one of whose columns has 5 values: its chunk is that of another file."""
    texts = [f"cat {number}" for number in range(10)]
    options = {"use_dictionary": False, "compression": "none", "write_statistics": False, "store_schema": False}
    whole = {"caption": texts, "url": texts}
    pq.write_table(pa.table(whole), path, **options)
    pq.write_table(pa.table({name: values[:5] for name, values in whole.items()}), path.with_name("five"), **options)
    long, five = pq.ParquetFile(path).metadata, pq.ParquetFile(path.with_name("five")).metadata
    index = list(whole).index(short)
    place, other = long.row_group(0).column(index), five.row_group(0).column(index)
    data = path.read_bytes()
    donor = path.with_name("five").read_bytes()
    page = donor[other.data_page_offset : other.data_page_offset + other.total_compressed_size]
    start, end = place.data_page_offset, place.data_page_offset + place.total_compressed_size
    path.write_bytes(data[:start] + page + bytes(end - start - len(page)) + data[end:])
    return path


@pytest.mark.parametrize("short", ["caption", "url"])
def test_a_column_with_fewer_values_than_rows_is_a_damaged_shard(tmp_path, short):
    path = short_column_file(tmp_path / "a.parquet", short)
    with pytest.raises(UserError, match="a.parquet is damaged .*: fetch it again"):
        read_all(open_shard(path))


def test_what_no_reader_decodes_is_refused_with_its_reason_and_no_advice_to_fetch_it_again(tmp_path):
    table = {"url": ["u"], "caption": ["a cat"]}
    pq.write_table(pa.table(table), tmp_path / "a.parquet", compression="none", store_schema=False)
    said = str(unreadable(tmp_path / "a.parquet", OSError("BYTE_STREAM_SPLIT only supports FLOAT and DOUBLE")))
    assert "cannot be decoded here (BYTE_STREAM_SPLIT" in said and "fetch it again" not in said
    (tmp_path / "secret.parquet").write_bytes(b"PARE" + bytes(100) + b"PARE")  # with an encrypted footer
    with pytest.raises(UserError, match="secret.parquet is an encrypted parquet file"):
        open_shard(tmp_path / "secret.parquet")


# ---- databases that are no FTS table ----


@pytest.mark.parametrize("of", ["VIEW samples AS SELECT a SAMPLE_ID, b URL, c TEXT FROM own", "TABLE"])
def test_rows_without_rowids_are_numbered_from_1(tmp_path, of, monkeypatch):
    monkeypatch.setattr(sqlite_shards, "SQLITE_BATCH_ROWS", 2)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        table = "own (a" if of.startswith("VIEW") else "samples (SAMPLE_ID"
        names = "b, c" if of.startswith("VIEW") else "URL, TEXT"
        connection.execute(f"CREATE TABLE {table} TEXT PRIMARY KEY, {names}) WITHOUT ROWID")
        rows = [(f"id{number}", f"http://{number}", text) for number, text in enumerate(["a hen", None, "hens", "x"])]
        connection.executemany(f"INSERT INTO {table.split()[0]} VALUES (?,?,?)", rows)
        if of.startswith("VIEW"):
            connection.execute(f"CREATE {of}")
        connection.commit()
    shard = open_shard(tmp_path / "a.db")
    assert (shard.rows, shard.has_word_index) == (4, False)
    assert read_all(shard) == [
        {"SAMPLE_ID": a, "URL": b, "TEXT": c, "ROW": row} for row, (a, b, c) in enumerate(rows, start=1)
    ]


def test_an_index_that_names_rows_which_are_gone_is_a_damaged_shard(tmp_path):
    path = write_db(tmp_path / "a.db", FTS5 + ")", ROWS, "DELETE FROM samples_content WHERE id = 4")
    shard = open_shard(path)
    with pytest.raises(UserError, match="a.db is damaged .*1 rows that its index names"):
        read_all(shard, held_batches(shard, [1, 4, 6]))
