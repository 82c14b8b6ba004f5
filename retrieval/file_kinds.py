"""What a file is that is no shard, and the command that makes one of it. Standard library only."""

import csv
import json
import re
import shlex
import zlib
from pathlib import Path

HEAD_BYTES = 4096  # of a file, which show what it is
URL_NAMES = re.compile(r"(\w+_)?(url|uri|link|src)", re.IGNORECASE)
COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "json", ".ndjson": "json", ".json": "json"}
ARROW = {b"ARROW1": "feather.read_table({path})", b"FEA1": "feather.read_table({path})",
         b"\xff\xff\xff\xff": "ipc.open_stream({path}).read_all()"}  # fmt: skip
MAGIC = {
    b"version https://git-lfs": "is a Git LFS pointer and not the file itself: run `git lfs pull` in its repository",
    b"PARE": "is an encrypted parquet file: decrypt it with its owner's key first (DuckDB: PRAGMA add_parquet_key)",
    b"\x93NUMPY": "is a NumPy file of embeddings: a shard has the URLs and captions (give the parquet beside it)",
    b"PK\x03\x04": "is neither a parquet file nor a SQLite database but a zip archive: unpack it",
    b"BZh": "is neither a parquet file nor a SQLite database but compressed with bzip2: unpack it",
    b"\xfd7zXZ": "is neither a parquet file nor a SQLite database but compressed with xz: unpack it",
}
NEITHER = "is neither a parquet file nor a SQLite database"


def what_to_do(path: Path, head: bytes) -> str:
    """The end of a sentence that begins with the shard's name: what it is, and the way out.

    Args:
        head: its first bytes.
    """
    if not head:
        return f"is empty (0 bytes), {NEITHER.removeprefix('is ')}: fetch it again"
    for magic, sentence in MAGIC.items():
        if head.startswith(magic):
            return sentence
    for magic, reader in ARROW.items():
        if head.startswith(magic):
            return f"is an Arrow file: convert it to parquet with {_arrow_command(path, reader)}"
    if head[257:262] == b"ustar":
        return f"{NEITHER} but a tar of images: knn_indices_helper/compute_image_embeddings.py reads those"
    if head[8:12] == b"DUCK":
        return f"is a DuckDB database: export its table with duckdb {path} \"COPY name TO 'shard.parquet'\""
    return _text_kind(path, _unpacked(head))


def _unpacked(head: bytes) -> bytes:
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head)
    except zlib.error:
        return head


def _text_kind(path: Path, head: bytes) -> str:
    text = head.decode("utf-8-sig", "replace").lstrip()
    if re.match(r"<(!doctype|html|\?xml)", text, re.IGNORECASE):
        return f"{NEITHER} but a web page (of an error?): fetch it again"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((SUFFIXES[suffix] for suffix in reversed(suffixes) if suffix in SUFFIXES), None) or _kind_of(text)
    if kind is None:
        return NEITHER
    if head[:4] == b"\x28\xb5\x2f\xfd":  # zstd: what is inside cannot be seen here
        text = ""
    name = {"csv": "a CSV", "tsv": "a TSV", "json": "a JSON"}[kind]
    return f"is {name} file: convert it to parquet with {_command(path, kind, text)}"


def _kind_of(text: str) -> str | None:
    """The kind of a text without a suffix that says it: a JSON object per line, or a header that names a URL."""
    first = text.split("\n")[0].strip()
    if first.startswith("{"):
        try:
            json.loads(first)
        except ValueError:
            return None
        return "json"
    for kind, sign in (("tsv", "\t"), ("csv", ",")):
        names = [name.strip(' "') for name in first.split(sign)]
        if len(names) > 1 and any(URL_NAMES.fullmatch(name) for name in names):
            return kind
    return None


def _arrow_command(path: Path, reader: str) -> str:
    read = reader.format(path=repr(str(path)))
    module = read.partition(".")[0]
    out = repr(str(_parquet_beside(path)))
    statement = "duckdb.sql('COPY t TO ' + repr(" + out + "))"
    return _python(f"import duckdb; from pyarrow import {module}; t = {read}; {statement}")


def _command(path: Path, kind: str, text: str) -> str:
    source = f"read_json({_sql(path)})" if kind == "json" else f"read_csv({_sql(path)}{_csv_options(kind, text)})"
    return _python(f'import duckdb; duckdb.sql("COPY (FROM {source}) TO {_sql(_parquet_beside(path))}")')


def _csv_options(kind: str, text: str) -> str:
    """How DuckDB should read the table. A TSV of captions quotes nothing; a table may have no line of names."""
    sign = "\t" if kind == "tsv" else ","
    options = r", delim='\t', quote=''" if kind == "tsv" else ""
    fields = next(csv.reader([text.split("\n")[0].rstrip("\r")], delimiter=sign, quotechar='"'), [])
    is_url = [re.match(r"https?://", field.strip()) is not None for field in fields]
    if not any(is_url):
        return options
    url = is_url.index(True)
    caption = max((n for n in range(len(fields)) if not is_url[n]), key=lambda n: len(fields[n]), default=None)
    names = [{url: "url", caption: "caption"}.get(n, f"column{n}") for n in range(len(fields))]
    return options + f", header=false, names={names}"


def _parquet_beside(path: Path) -> Path:
    stem = path
    while stem.suffix.lower() in (*SUFFIXES, *COMPRESSED, ".arrow", ".feather", ".txt"):
        stem = stem.with_suffix("")
    out = stem.with_name(stem.name + ".parquet") if stem.suffix.lower() != ".parquet" else stem
    return out if out != path else path.with_name(f"{path.stem}.converted.parquet")


def _sql(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _python(statements: str) -> str:
    """The statements as a command for a shell."""
    if re.search(r"[$`!]", statements) or '\\"' in statements:
        return f"python -c {shlex.quote(statements)}"
    escaped = statements.replace('"', '\\"')
    return f'python -c "{escaped}"'
