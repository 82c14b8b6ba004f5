"""A file that is no shard is named, and the command that it is answered with makes a shard of it."""

import gzip
import json
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.feather
import pytest

from retrieval.cli import UserError
from retrieval.shards import caption_batches, open_shard

CAPTIONS = ['a "cat", or two', "dogs"]
RECORDS = [{"url": f"http://x.example/{number}.jpg", "caption": caption} for number, caption in enumerate(CAPTIONS)]
LINES = "\n".join(map(json.dumps, RECORDS))


def stream(path):
    table = pa.Table.from_pylist(RECORDS)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


FILES = {
    "in.csv": 'url,caption\nhttp://x.example/0.jpg,"a ""cat"", or two"\nhttp://x.example/1.jpg,dogs\n',
    "in.tsv": 'a "cat", or two\thttp://x.example/0.jpg\ndogs\thttp://x.example/1.jpg\n',
    "named.tsv": 'caption\turl\na "cat", or two\thttp://x.example/0.jpg\ndogs\thttp://x.example/1.jpg\n',
    "in.jsonl": LINES,
    "in.json": json.dumps(RECORDS),
    "without a suffix": LINES,
    "it's $HOME.jsonl": LINES,
    "no.parquet": 'url,caption\nhttp://x.example/0.jpg,"a ""cat"", or two"\nhttp://x.example/1.jpg,dogs\n',
    "in.csv.gz": gzip.compress(b'http://x.example/0.jpg,"a ""cat"", or two"\nhttp://x.example/1.jpg,dogs\n'),
    "in.arrow": lambda path: pyarrow.feather.write_feather(pa.Table.from_pylist(RECORDS), path),
    "stream.arrow": stream,
}


@pytest.mark.parametrize("name", FILES)
def test_the_command_that_is_named_makes_a_shard_of_the_file(tmp_path, name):
    path, content = tmp_path / name, FILES[name]
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as refusal:
        open_shard(path)
    kind, command = re.search(
        r"is an? (\w+) file: convert it to parquet with (python -c .*)", str(refusal.value), re.DOTALL
    ).groups()
    assert kind in ("CSV", "TSV", "JSON", "Arrow")
    command = command.replace("python", sys.executable, 1)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, (command, done.stderr)
    (made,) = [other for other in tmp_path.glob("*.parquet") if other != path]
    (batch,) = caption_batches(open_shard(made))
    assert batch.captions.to_pylist() == CAPTIONS
    assert path.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer .*git lfs pull"),
        (b"\x93NUMPY\x01\x00", "is a NumPy file of embeddings"),
        (b"<html><body>404", "a web page .of an error.*: fetch it again"),
        (b"name,number\na,1\n", "is neither a parquet file nor a SQLite database$"),
        (b"\x00" * 257 + b"ustar", "a tar of images"),
    ],
)
def test_what_cannot_be_converted_is_named_with_the_way_out(tmp_path, content, sentence):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        open_shard(tmp_path / "a.parquet")
