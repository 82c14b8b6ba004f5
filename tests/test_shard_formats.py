"""The same rows in every format give the same records; a scan reads of a file what plain readers of Python read."""

import csv
import gzip
import io
import json
import sqlite3
import tarfile
from contextlib import closing

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from retrieval import arrow_shards, csv_shards, json_shards
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.opened_shard import open_shard
from retrieval.shards import caption_batches, count_rows, row_batches
from retrieval.substring.hit_records import Labels, encode_hits
from retrieval.substring.hits import Hits

CAPTIONS = [
    "A red hen",
    None,
    'say "hen"',
    "kitchen, “hen”; \t a hen",
    "Ökö-Hänchen 猫 🐈",
    "two\nlines\r\nof hens",
    "hen\\n",
    "'",
]
ROWS = [
    {
        "SAMPLE_ID": 9_223_372_036_854_775_000 + number,  # beyond what a float holds
        "URL": f"http://example.com/{number}.jpg?a=1,2;3",
        "TEXT": text,
        "HEIGHT": 100 + number if number else None,
        "WIDTH": 200 + number,
        "LICENSE": "?" if number % 2 else None,
        "NSFW": ["UNLIKELY", "UNSURE", "NSFW", None][number % 4],
        "similarity": 0.25 + number / 64,
    }
    for number, text in enumerate(CAPTIONS * 5)
]
TABLE = pa.table({name: [row[name] for row in ROWS] for name in ROWS[0]})


def by_duckdb(options):
    return lambda path: duckdb.from_arrow(TABLE).query("t", f"COPY t TO '{path}' ({options})")


def packed(pack, write):
    def write_packed(path):
        plain = path.with_suffix("")  # DuckDB packs what it writes to a name that ends in .gz
        write(plain)
        path.write_bytes(pack(plain.read_bytes()))
        plain.unlink()

    return write_packed


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def json_lines(path):
    path.write_text("\n".join(map(json.dumps, ROWS)))


def json_array(path):
    path.write_text(json.dumps(ROWS, indent=2, ensure_ascii=False))


def stream(path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, 7)


def webdataset(path):
    with tarfile.open(path, "w") as tar:
        for number, row in enumerate(ROWS):
            for suffix, content in (("jpg", b"\xff\xd8\xff" * 500), ("json", json.dumps(row).encode())):
                member = tarfile.TarInfo(f"{number:09d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def database(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE VIRTUAL TABLE samples USING fts5({', '.join(ROWS[0])})")
        connection.executemany("INSERT INTO samples VALUES (?,?,?,?,?,?,?,?)", [tuple(row.values()) for row in ROWS])
        connection.commit()


CSV, TSV = by_duckdb("FORMAT csv, HEADER"), by_duckdb("FORMAT csv, DELIMITER '\t', HEADER")
FORMATS = {
    "a.csv": CSV,
    "a.csv.gz": packed(gzip.compress, CSV),
    "a.csv.zst": packed(zstd, CSV),
    "semicolons.csv": by_duckdb("FORMAT csv, DELIMITER ';', HEADER"),
    "a.tsv": TSV,
    "a.tsv.gz": packed(gzip.compress, TSV),
    "a.tsv.zst": packed(zstd, TSV),
    "no suffix": CSV,
    "a.jsonl": json_lines,
    "a.jsonl.gz": packed(gzip.compress, json_lines),
    "a.jsonl.zst": packed(zstd, json_lines),
    "a.json": json_array,
    "a.json.gz": packed(gzip.compress, json_array),
    "a.json.zst": packed(zstd, json_array),
    "a.arrow": lambda path: pyarrow.feather.write_feather(TABLE, path),
    "zstd.feather": lambda path: pyarrow.feather.write_feather(TABLE, path, "zstd", chunksize=7),
    "stream.arrow": stream,
    "a.tar": webdataset,
    "a.tar.gz": packed(gzip.compress, webdataset),
    "snappy.parquet": lambda path: pq.write_table(TABLE, path, row_group_size=7),
    "zstd.parquet": lambda path: pq.write_table(TABLE, path, compression="zstd"),
    "pages v2.parquet": lambda path: pq.write_table(TABLE, path, data_page_version="2.0", data_page_size=50),
    "by duckdb.parquet": by_duckdb("FORMAT parquet, PARQUET_VERSION V2"),
    "a variant.parquet": lambda path: duckdb.from_arrow(TABLE).query(
        "t", f"COPY (SELECT *, 1::VARIANT AS v FROM t) TO '{path}'"
    ),
    "a.db": database,
}


def records(shard, batches=None):
    """Every row as the line that is written of it, and its number. Where its image is in a tar has its own tests."""
    found = []
    for batch in caption_batches(shard) if batches is None else batches:
        zeros = np.zeros(len(batch.rows), np.int32)
        hits = Hits(np.arange(len(zeros)), zeros, zeros, zeros > 0)
        lines = bytes(encode_hits(batch, hits, Labels("substring", "a shard", ("a class",), ("a phrase",)))[0])
        found += [json.loads(line.removesuffix(",")) for line in lines.decode().split("\n")[:-1]]
    for record in found:
        record.pop("PIXELS", None)
    return found


def captions_of(shard):
    found = []
    for batch in caption_batches(shard):
        for value in batch.captions.to_pylist():
            found.append(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_give_the_same_records_but_for_row(tmp_path, monkeypatch, name):
    pq.write_table(TABLE, tmp_path / "expected.parquet")
    expected = records(open_shard(tmp_path / "expected.parquet"))
    FORMATS[name](tmp_path / name)
    shard = open_shard(tmp_path / name)
    assert shard.kind != "duckdb" or name == "a variant.parquet"  # which a newer pyarrow decodes
    first = 1 if shard.kind == "sqlite" else 0
    assert records(shard) == [row | {"ROW": f"a shard:{n}"} for n, row in enumerate(expected, first)]
    assert count_rows(shard) == len(ROWS)
    for module, size in ((csv_shards, 500), (json_shards, 500)):  # batches that cut the file anywhere
        monkeypatch.setattr(module, "BLOCK_BYTES", size)
    monkeypatch.setattr(arrow_shards, "BATCH_ROWS", 3)
    assert records(shard) == [row | {"ROW": f"a shard:{n}"} for n, row in enumerate(expected, first)]
    some = row_batches(shard, np.array([0, 3, 39]))
    assert [row["SAMPLE_ID"] for row in records(shard, some)] == [ROWS[n]["SAMPLE_ID"] for n in (0, 3, 39)]


# ---- what Python's own readers read is the oracle ----

ODD_CSV = {
    "quotes, line ends in fields": b'url,caption\nu0,"a ""b"" c"\nu1,"two\nlines, a comma"\nu2,x\n',
    "a byte order mark": b"\xef\xbb\xbfurl,caption\nu0,a\n",
    "line ends of Windows": b'url,caption\r\nu0,a\r\nu1,"b\r\nc"\r\n',
    "no last line end": b"url,caption\nu0,a\nu1,b",
    "NUL": b"url,caption\nu0,a\x00b\nu1,c\n",
    "latin-1": "url,caption\nu0,caf\xe9\nu1,na\xefve\n".encode("latin-1"),
    "empty lines": b"url,caption\n\nu0,a\n\n\nu1,b\n\n",
    "a quote within a field": b'url,caption\nu0,6" pipe\nu1,b\n',
    "other line separators": "url,caption\nu0,a\u2028b\x0bc\x0cd\x85e\nu1,f\n".encode(),
    "empty fields": b'url,caption,id\nu0,,1\nu1,"",\n,b,3\n',
    "names in quotes": b'"url","caption"\n"u0","a"\n"u1","b"\n',
    "only names": b"url,caption\n",
    "semicolons": b"url;caption\nu0;a, b\nu1;c\n",
    "quoted tabs.tsv": b'url\tcaption\nu0\t"a ""b"" c"\nu1\td\n',
    "tabs and lines in quotes.tsv": b'url\tcaption\nu0\t"a\tb\nc"\nu1\td\n',
}


@pytest.mark.parametrize("name", ODD_CSV)
def test_a_list_has_the_rows_that_pythons_csv_reads(tmp_path, monkeypatch, name):
    path, content = tmp_path / (name if "." in name else "a.csv"), ODD_CSV[name]
    path.write_bytes(content)
    text = content.decode("utf-8-sig", "replace")
    sign = "\t" if path.suffix == ".tsv" else ";" if name == "semicolons" else ","
    expected = [row["caption"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=sign)]
    assert [caption or "" for caption in captions_of(open_shard(path))] == expected
    assert [row["URL"] for row in records(open_shard(path)) if row["URL"]] == [
        row["url"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=sign) if row["url"]
    ]


def test_a_tab_list_without_quotes_takes_them_as_signs(tmp_path):
    lines = ['u0\ta "b" c', 'u1\t"never closed', 'u2\t"all of it"', 'u3\t6"', "u4\td"]
    (tmp_path / "a.tsv").write_text("url\tcaption\n" + "\n".join(lines) + "\n")
    assert captions_of(open_shard(tmp_path / "a.tsv")) == [line.split("\t")[1] for line in lines]


@pytest.mark.parametrize("order", ["caption,url", "url,caption"])
def test_a_list_without_names_is_read_by_the_names_of_columns(tmp_path, order):
    path, names = tmp_path / "cc.tsv", order.split(",")
    rows = [{"url": f"http://x.example/{n}", "caption": f'a "{n}" hen'} for n in range(3)]
    path.write_text("".join("\t".join(row[name] for name in names) + "\n" for row in rows))
    with pytest.raises(UserError, match=f"name them in order, as --columns {order} "):
        open_shard(path)
    shard = open_shard(path, ColumnChoice(listed=tuple(names)))
    assert [(row["URL"], row["TEXT"]) for row in records(shard)] == [(row["url"], row["caption"]) for row in rows]
    for listed, said in (("a,b,c", "2 columns in its first line and --columns names 3"),):
        with pytest.raises(UserError, match=said):
            open_shard(path, ColumnChoice(listed=tuple(listed.split(","))))
    with pytest.raises(UserError, match="--columns calls column . 'url', and the addresses are in column .: give the"):
        open_shard(path, ColumnChoice(listed=tuple(reversed(names))))
    path.write_text("url\tcaption\nhttp://x.example/0\ta\n")
    with pytest.raises(UserError, match="has a line of names .url, caption., so leave --columns out"):
        open_shard(path, ColumnChoice(listed=("url", "caption")))


def test_rows_of_another_width_keep_their_number_and_are_counted(tmp_path, monkeypatch):
    lines = [f"u{n},a{n}" for n in range(200)]
    for number in (3, 4, 100, 199):
        lines[number] += ",more"
    lines[50] = "u50"
    (tmp_path / "a.csv").write_text("url,caption\n" + "\n".join(lines) + "\n")
    lost = {3, 4, 50, 100, 199}
    for size in (1 << 20, 100):
        monkeypatch.setattr(csv_shards, "BLOCK_BYTES", size)
        batches = list(caption_batches(open_shard(tmp_path / "a.csv")))
        assert np.concatenate([batch.rows for batch in batches]).tolist() == list(range(200))
        assert sum(batch.lost for batch in batches) == len(lost)
        assert next(batch.first_lost for batch in batches if batch.lost) == "row 3 has 3 fields, not 2"
        expected = [None if n in lost else f"a{n}" for n in range(200)]
        assert captions_of(open_shard(tmp_path / "a.csv")) == expected
        assert [row["URL"] for row in records(open_shard(tmp_path / "a.csv")) if row["URL"]] == [
            f"u{n}" for n in range(200) if n not in lost
        ]


@pytest.mark.parametrize("text", ["url,caption", "\n\nurl,caption", "url,caption\n", "\ufeffurl;caption\r\n"])
def test_a_list_of_names_alone_has_no_rows(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text.encode())
    assert captions_of(open_shard(tmp_path / "a.csv")) == []
    with open(tmp_path / "a.csv", "ab") as file:
        file.write(b"\nu,a hen\nu,a,b\n\nv,c".replace(b",", b";" if b";" in text.encode() else b","))
    assert captions_of(open_shard(tmp_path / "a.csv")) == ["a hen", None, "c"]
    (tmp_path / "a.csv").write_text("url,caption\nu," + 3 * csv_shards.BLOCK_BYTES * "a")
    with pytest.raises(UserError, match="a row of more than 8 MB after row 0"):
        captions_of(open_shard(tmp_path / "a.csv"))


@pytest.mark.parametrize("after", ["u,a hen\n", 'u,"a hen"\n'])
@pytest.mark.parametrize("times", [3, 300_000])
def test_a_quote_that_is_never_closed_is_named(tmp_path, after, times):
    (tmp_path / "a.csv").write_text('url,caption\nu,a\nu,"never closed\n' + after * times)
    with pytest.raises(UserError, match="a.csv has a quote that is not closed, or text after one that is, up to line"):
        captions_of(open_shard(tmp_path / "a.csv"))


def test_a_list_that_is_cut_at_the_wrong_sign_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("url,caption\n" + "".join(f"u{n},a,hen\n" for n in range(9)) + "u,a\n")
    with pytest.raises(UserError, match="most rows do not have the 2 columns .*row 0 has 3 fields, not 2"):
        captions_of(open_shard(tmp_path / "a.csv"))


ODD_JSON = {
    "half a surrogate pair": ['{"url": "u", "caption": "a \\ud83d b"}', '{"url": "v", "caption": "c"}'],
    "NUL and signs": ['{"url": "u", "caption": "a\\u0000b\\n\\t\\"c\\" \\u00e9"}'],
    "numbers": ['{"url": "u", "caption": 5, "id": 18446744073709551615}', '{"url": "u", "caption": true}'],
    "a key is absent": ['{"url": "u"}', '{"caption": "a"}', '{"url": "v", "caption": null}'],
    "NaN": ['{"url": "u", "caption": "a", "similarity": NaN}'],
    "empty lines": ["", '{"url": "u", "caption": "a"}', "  ", '{"url": "v", "caption": "b"}', ""],
}


@pytest.mark.parametrize("name", ODD_JSON)
@pytest.mark.parametrize("array", [False, True])
def test_json_has_the_rows_that_pythons_json_reads(tmp_path, name, array):
    lines = [line for line in ODD_JSON[name] if line.strip()]
    whole = "[\n" + ",\n".join(lines) + "\n]" if array else "\r\n".join(ODD_JSON[name])
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + whole.encode())
    rows = [json.loads(line) for line in lines]
    expected = [str(value) if (value := row.get("caption")) is not None else None for row in rows]
    expected = [value and value.encode("utf-8", "replace").decode() for value in expected]
    shard = open_shard(tmp_path / "a.json")
    assert [value and value.lower() for value in captions_of(shard)] == [value and value.lower() for value in expected]
    found = records(shard)
    assert [row["SAMPLE_ID"] for row in found] == [row.get("id") for row in rows]
    assert [row["URL"] for row in found] == [row.get("url") for row in rows]


@pytest.mark.parametrize("text", ['{}\n{"url": "v", "caption": "c"}', "[{}]"])
def test_of_two_values_of_one_key_the_first_is_searched_and_recorded(tmp_path, text):
    twice = '{"url": "u", "caption": "a hen", "caption": "a dog", "url": "x"}'
    (tmp_path / "a.json").write_text(text.replace("{}", twice))
    shard = open_shard(tmp_path / "a.json")
    assert captions_of(shard)[0] == "a hen"
    assert (records(shard)[0]["URL"], records(shard)[0]["TEXT"]) == ("u", "a hen")


def test_lines_that_are_no_objects_are_counted_and_elements_too(tmp_path):
    good = [json.dumps({"url": f"u{n}", "caption": f"c{n}"}) for n in range(4)]
    for bad in ('{"url": "u", "caption"', "[1]", "5", '"text"'):
        lines = [*good[:2], bad, *good[2:]]
        (tmp_path / "a.jsonl").write_text("\n".join(lines))
        batches = list(caption_batches(open_shard(tmp_path / "a.jsonl")))
        assert [batch.first_lost for batch in batches if batch.lost] == ["row 2 is no JSON object"]
        assert sum(batch.lost for batch in batches) == 1
        assert captions_of(open_shard(tmp_path / "a.jsonl")) == ["c0", "c1", None, "c2", "c3"]
    (tmp_path / "a.json").write_text("[" + ",".join([*good[:2], "5", *good[2:]]) + "]")
    (batch,) = caption_batches(open_shard(tmp_path / "a.json"))
    assert (batch.lost, batch.first_lost) == (1, "element 2 is no JSON object")


@pytest.mark.parametrize("is_array", [False, True])
def test_a_safety_column_that_begins_after_the_first_records_is_not_lost(tmp_path, is_array):
    rows = [{"url": f"u{n}", "caption": "a hen"} for n in range(json_shards.SAMPLE_ROWS + 5)]
    rows[-1]["Nsfw"] = "NSFW"
    text = json.dumps(rows) if is_array else "\n".join(map(json.dumps, rows))
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match="some records have a safety column Nsfw that the first ones lack"):
        records(open_shard(tmp_path / "a.json"))
    (tmp_path / "a.json").write_text(text.replace("{", '{"nsfw": null, ', 1).replace("Nsfw", "nsfw"))
    assert [row["NSFW"] for row in records(open_shard(tmp_path / "a.json"))[-2:]] == [None, "NSFW"]


@pytest.mark.parametrize("cut", ["[{}", '[{"url": "u", "caption": "a"}, {"url"', '[{"url": "u"} {"url": "v"}]'])
def test_an_array_that_is_cut_short_is_damaged(tmp_path, cut):
    (tmp_path / "a.json").write_text(cut)
    with pytest.raises(UserError, match="a.json is damaged .its JSON array cannot be read after . element"):
        captions_of(open_shard(tmp_path / "a.json"))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.zst", "a.json.gz", "a.tar.gz", "a.tar", "a.arrow"])
def test_a_file_that_is_cut_short_is_damaged_and_gives_no_rows_without_a_word(tmp_path, name):
    path = tmp_path / name
    FORMATS[name](path)
    whole = path.read_bytes()
    for size in (len(whole) - 7 if name != "a.tar" else len(whole) - 10_240, len(whole) * 2 // 3):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=f"{name} (is damaged|has)"):
            captions_of(open_shard(path))
