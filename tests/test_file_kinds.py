"""A file that is no shard is named with what it is, and the command that it is answered with makes a shard of it."""

import gzip
import re
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing

import duckdb
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from retrieval.cli import UserError
from retrieval.file_kinds import folder_advice
from retrieval.opened_shard import open_shard
from retrieval.shards import caption_batches

CAPTIONS = ['a "cat", or two', "dogs"]
TABLE = pa.table({"url": [f"http://x.example/{number}.jpg" for number in range(2)], "caption": CAPTIONS})
LIST = 'url,caption\nhttp://x.example/0.jpg,"a ""cat"", or two"\nhttp://x.example/1.jpg,dogs\n'


def encrypted(path):
    with duckdb.connect() as connection:
        connection.register("t", TABLE)
        connection.execute("SET force_mbedtls_unsafe = 'true'")  # DuckDB's own cipher, without its extension
        connection.execute("PRAGMA add_parquet_key('k', 'KEY0123456789abc')")
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet, ENCRYPTION_CONFIG {{footer_key: 'k'}})")


def duckdb_database(path):
    with duckdb.connect(str(path)) as connection:
        connection.register("t", TABLE)
        connection.execute("CREATE TABLE own AS FROM t")


def another_table(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE first (a, b)")
        connection.execute('CREATE TABLE "it\'s own" (url, caption)')
        connection.executemany(
            'INSERT INTO "it\'s own" VALUES (?, ?)', [tuple(row.values()) for row in TABLE.to_pylist()]
        )
        connection.commit()


def test_a_database_with_another_table_is_answered_with_the_view_that_is_missing(tmp_path):
    another_table(tmp_path / "own.db")
    with pytest.raises(
        UserError, match="has no table 'samples'; it has first, it's own; make a view .*url, caption"
    ) as refusal:
        open_shard(tmp_path / "own.db")
    command = re.search("with python (.*)$", str(refusal.value))[1]
    subprocess.run(["bash", "-c", f"{sys.executable} {command}"], check=True)
    (batch,) = caption_batches(open_shard(tmp_path / "own.db"))
    assert [caption.decode() for caption in batch.captions.to_pylist()] == CAPTIONS


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("in.csv", LIST)


def packed_by(command):
    return lambda path: path.write_bytes(subprocess.run(command, input=LIST.encode(), capture_output=True).stdout)


def packed_parquet(path):
    pq.write_table(TABLE, path)
    path.write_bytes(gzip.compress(path.read_bytes()))


FILES = {
    "encrypted.parquet": (encrypted, "is an encrypted parquet file"),
    "own.duckdb": (duckdb_database, "is a DuckDB database"),
    "in.zip": (zipped, "is a zip archive"),
    "in.csv.xz": (packed_by(["xz", "--stdout"]), "is packed with xz"),
    "in.feather": (
        lambda path: pyarrow.feather.write_feather(TABLE, path, version=1),
        "is a feather file of version 1",
    ),
    "in.orc": (lambda path: pyarrow.orc.write_table(TABLE, path), "is an ORC file"),
    "in.csv": (lambda path: path.write_text(LIST, encoding="utf-16"), "is text in UTF-16"),
    "in.parquet.gz": (packed_parquet, "is a parquet file in one packed stream"),
    "it's $HOME.orc": (lambda path: pyarrow.orc.write_table(TABLE, path), "is an ORC file"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_command_that_is_named_makes_a_shard_of_the_file(tmp_path, name):
    path = tmp_path / name
    write, what = FILES[name]
    write(path)
    with pytest.raises(UserError, match=what) as refusal:
        open_shard(path)
    command = re.search(r"with ((?:python|unxz|gunzip|iconv) .*)$", str(refusal.value), re.DOTALL)[1]
    command = re.sub("^python", sys.executable, command).replace("KEY", "KEY0123456789abc")
    before = {*tmp_path.rglob("*")}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, (command, done.stderr)
    (made,) = [other for other in {*tmp_path.rglob("*")} - before if other.is_file()]
    captions = [caption for batch in caption_batches(open_shard(made)) for caption in batch.captions.to_pylist()]
    assert [caption.decode() if isinstance(caption, bytes) else caption for caption in captions] == CAPTIONS
    assert path.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer .*git lfs pull"),
        (b"\x93NUMPY\x01\x00", "is a NumPy file of embeddings"),
        (b"<html><body>404", "a web page .of an error.*: fetch it again"),
        (
            b"name,number\na,1\n",
            "is no parquet, csv, tsv, json or Arrow file, no webdataset tar and no SQLite database$",
        ),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it with 7z x"),
        (b'{"count": 1, "successes": 2}', "has no URL column"),
        (b'{\n "count": 1\n}', "is no parquet"),
        (gzip.compress(gzip.compress(b"url,caption\n")), "is packed twice"),
    ],
)
def test_what_cannot_be_converted_is_named_with_the_way_out(tmp_path, content, sentence):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        open_shard(tmp_path / "a.parquet")


def test_a_tar_of_images_alone_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    subprocess.run(["tar", "-cf", tmp_path / "a.tar", "-C", tmp_path, "a.jpg"], check=True)
    with pytest.raises(
        UserError, match="a.tar is a tar without metadata .*compute_image_embeddings.py reads its images"
    ):
        open_shard(tmp_path / "a.tar")


def test_a_folder_is_answered_with_the_shards_that_it_holds(tmp_path):
    for name, advice in (("a.csv.gz", "*.csv.gz"), ("a.txt", "*.parquet")):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).touch()
        assert folder_advice(folder) == f"is a folder: name its shards, as '{folder}/{advice}'"


def test_a_lance_dataset_is_answered_with_a_command_that_converts_it(tmp_path):
    lance = pytest.importorskip("lance")
    lance.write_dataset(TABLE, str(tmp_path / "in.lance"))
    command = re.search(r"is a Lance dataset: convert it with python (.*)$", folder_advice(tmp_path / "in.lance"))[1]
    subprocess.run(["bash", "-c", f"{sys.executable} {command}"], check=True)
    (batch,) = caption_batches(open_shard(tmp_path / "in.parquet"))
    assert batch.captions.to_pylist() == CAPTIONS
