"""What a file is by its first bytes and its name, and for one that is no shard the way out. Standard library only."""

import json
import re
import shlex
from pathlib import Path

from retrieval.cli import UserError

HEAD_BYTES = 4096  # of a file, which show what it is
URL_NAMES = re.compile(r"(\w+_)?(url|uri|link|src)", re.IGNORECASE)
TEXT_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".tab": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json"}
ARROW = (b"ARROW1", b"\xff\xff\xff\xff")  # the file format, the stream format
SPACE = " \t\r\n"
PACKED_SUFFIXES = (".gz", ".zst", ".bz2")
STREAMED_SUFFIXES = [suffix + packed for suffix in (*TEXT_SUFFIXES, ".tar") for packed in ("", *PACKED_SUFFIXES)]
LIST_SUFFIXES = [suffix + packed for suffix in TEXT_SUFFIXES for packed in ("", *PACKED_SUFFIXES)]
SHARD_SUFFIXES = (".parquet", *STREAMED_SUFFIXES, ".arrow", ".feather", ".db", ".sqlite")
CONVERTED_SUFFIXES = (*PACKED_SUFFIXES, ".xz", ".feather", ".orc", ".lance", ".duckdb", ".ddb", ".parquet", ".pare")
NEITHER = "is no parquet, csv, tsv, json or Arrow file, no webdataset tar and no SQLite database"
# What a file is that is none of them, by its first bytes. The words in braces: see `_filled`.
MAGIC = {
    b"version https://git-lfs": "is a Git LFS pointer and not the file itself: run `git lfs pull` in its repository",
    b"PARE": "is an encrypted parquet file: decrypt it, with its key for KEY, with {decrypted}",
    b"\x93NUMPY": "is a NumPy file of embeddings: a shard has the URLs and captions (give the parquet beside it)",
    b"PK\x03\x04": "is a zip archive (npz, spreadsheet …): unpack it with python -m zipfile -e {path} {folder}",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive: unpack it with 7z x {path}",
    b"Rar!": "is a RAR archive: unpack it with unrar x {path}",
    b"\xfd7zXZ": "is packed with xz: unpack it with unxz < {path} > {unpacked}",
    b"FEA1": "is a feather file of version 1: convert it with {feather}",
    b"ORC": "is an ORC file: convert it with {orc}",
    b"\xff\xfe": "is text in UTF-16: convert it with iconv -f UTF-16 -t UTF-8 {path} > {utf8}",
    b"\xfe\xff": "is text in UTF-16: convert it with iconv -f UTF-16 -t UTF-8 {path} > {utf8}",
}
WHOLE = {b"PAR1": "a parquet file", b"SQLite format 3\0": "a SQLite database", b"ARROW1": "an Arrow file",
         b"\xff\xff\xff\xff": "an Arrow file"}  # fmt: skip
UNPACK = {b"\x1f\x8b": "gunzip", b"\x28\xb5\x2f\xfd": "zstd -d", b"BZh": "bunzip2"}
COMMANDS = {
    "decrypted": "import duckdb; duckdb.sql(\"PRAGMA add_parquet_key('k', 'KEY')\"); "
    "duckdb.sql(\"FROM read_parquet({sql}, encryption_config={{footer_key: 'k'}})\").write_parquet({out})",
    "feather": "from pyarrow import feather, parquet; parquet.write_table(feather.read_table({source}), {out})",
    "orc": "from pyarrow import orc, parquet; parquet.write_table(orc.read_table({source}), {out})",
    "duckdb": "import duckdb; c = duckdb.connect({source}, read_only=True); "
    "c.table(c.execute('SHOW TABLES').fetchall()[0][0]).write_parquet({out})",
    "lance": "import duckdb, lance; t = lance.dataset({source}).scanner().to_reader(); "
    "duckdb.from_arrow(t).write_parquet({out})",
}


def streamed_kind(path: Path, head: bytes, content: bytes) -> str:
    """ "csv", "json", "tar" or "arrow".

    Args:
        head: the file's first bytes; content: the same unpacked, where it is packed.

    Raises:
        UserError: it is none of these: says what it is, and the way out.
    """
    if not head:
        raise UserError(f"shard {path} is empty (0 bytes): fetch it again")
    for magic, sentence in MAGIC.items():
        if content.startswith(magic):
            raise UserError(f"shard {path} {_filled(sentence, path)}")
    if head[8:12] == b"DUCK":
        raise UserError(f"shard {path} is a DuckDB database: export its first table with {command('duckdb', path)}")
    for packed, unpack in UNPACK.items():
        for magic, name in WHOLE.items():
            if head.startswith(packed) and content.startswith(magic):
                way = f"{unpack} < {shlex.quote(str(path))} > {shlex.quote(str(_beside(path, '')))}"
                raise UserError(f"shard {path} is {name} in one packed stream: unpack it with {way}")
    if content.startswith(tuple(UNPACK)):
        raise UserError(f"shard {path} is packed twice: unpack it once")
    if content.startswith(ARROW):
        return "arrow"
    if content[257:262] == b"ustar":
        return "tar"
    kind = text_kind(path, content.decode("utf-8-sig", "replace"))
    if kind is None:
        raise UserError(f"shard {path} {NEITHER}")
    return kind


def text_kind(path: Path, text: str) -> str | None:
    """By its suffix, or by its content: a JSON record per line or in an array, a header that names a URL."""
    text = text.lstrip(SPACE)
    if re.match(r"<(!doctype|html|\?xml)", text, re.IGNORECASE):
        raise UserError(f"shard {path} is a web page (of an error?): fetch it again")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((TEXT_SUFFIXES[suffix] for suffix in reversed(suffixes) if suffix in TEXT_SUFFIXES), None)
    if kind is not None:
        return kind
    first = text.split("\n")[0].strip()
    if first.startswith(("{", "[")) and _begins_as_json(text):
        return "json"
    for sign in ",;\t|":
        names = [name.strip(' "') for name in first.split(sign)]
        if len(names) > 1 and any(URL_NAMES.fullmatch(name) or re.match("https?://", name) for name in names):
            return "csv"
    return None


def _begins_as_json(text: str) -> bool:
    """Whether the first line is an object, or an array of objects begins."""
    if text.startswith("["):
        return text[1:].lstrip(SPACE).startswith("{")
    try:
        return isinstance(json.loads(text.split("\n")[0]), dict)
    except ValueError:
        return False


def folder_advice(folder: Path) -> str:
    """The end of a sentence that begins with the folder's name."""
    if folder.suffix == ".lance" or (folder / "_versions").is_dir():
        return f"is a Lance dataset: convert it with {command('lance', folder)}"
    inside = [_suffix(path) for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    known = [suffix for suffix in SHARD_SUFFIXES if suffix in inside]
    return f"is a folder: name its shards, as '{folder}/*{known[0] if known else '.parquet'}'"


def is_shard_name(name: str) -> bool:
    return _suffix(Path(name)) in SHARD_SUFFIXES


def is_streamed_from_afar(name: str) -> bool:
    """Whether a remote file of this name is taken for a list or an Arrow file, which are read front to back."""
    return _suffix(Path(name)) in (*LIST_SUFFIXES, ".arrow", ".feather")


def _suffix(path: Path) -> str:
    """.parquet, .csv.gz"""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:] if len(suffixes) > 1 and suffixes[-1] in PACKED_SUFFIXES else suffixes[-1:])


def _filled(sentence: str, path: Path) -> str:
    return sentence.format(
        path=shlex.quote(str(path)),
        folder=shlex.quote(str(path.with_suffix("")) if path.suffix else f"{path}.unpacked"),
        unpacked=shlex.quote(str(_beside(path, ""))),
        utf8=shlex.quote(str(path.with_name(f"utf8-{path.name}"))),
        **{name: command(name, path) for name in COMMANDS},
    )


def command(name: str, path: Path) -> str:
    """A command of COMMANDS for a shell, which writes a parquet file beside this one."""
    out = _beside(path, ".parquet")
    statements = COMMANDS[name].format(source=repr(str(path)), out=repr(str(out)), sql=_sql(path))
    return f"python -c {shlex.quote(statements)}"


def _beside(path: Path, suffix: str) -> Path:
    """Another file beside this one: without what its name says of its format, with `suffix`."""
    stem = path
    while stem.suffix.lower() in CONVERTED_SUFFIXES:
        stem = stem.with_suffix("")
    out = stem.with_name(stem.name + suffix)
    return path.with_name(f"{path.stem}.converted{suffix}") if out == path else out


def _sql(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
