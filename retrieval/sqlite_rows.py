"""SQLite shards: databases with a table, view or FTS index `samples`, opened for reading only.

Their rows have their rowids. Rows of a view, or of a table WITHOUT ROWID, are numbered from 1 as SQLite gives them.
Rows that are looked up come as Python's values: few of them are read before numpy and pyarrow could be imported.
Standard library only.
"""

import contextlib
import json
import re
import shlex
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from retrieval.cli import UserError
from retrieval.columns import ColumnChoice, map_columns, shown_names
from retrieval.record_values import python_columns, text_of
from retrieval.shard import Shard, damage_named, named_columns

SAMPLE_BLOCKS = 16  # places of a shard that a sample of its captions is read from
SAMPLES = "samples"  # the table's name in the published databases
# FTS5 takes the first letters of an option's name for it, and the first of these names that has them:
# sqlite3_strnicmp in fts5_config.c. So `tok=porter` is `tokenize=porter`.
FTS5_OPTIONS = (
    "prefix",
    "tokenize",
    "content",
    "contentless_delete",
    "contentless_unindexed",
    "content_rowid",
    "columnsize",
    "locale",
    "detail",
    "tokendata",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading only: `immutable` takes no lock and leaves no -wal, -shm or -journal beside it.

    Text comes as bytes: Arrow takes captions as they are, and text from the web is not always UTF-8.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.text_factory = bytes
    return connection


def open_sqlite(path: Path, head: bytes, size: int, asked: ColumnChoice) -> Shard:
    if size < 100:  # its header
        raise UserError(f"shard {path} is cut short ({size:,} bytes): fetch it again")
    page_bytes, pages = struct.unpack(">H", head[16:18])[0], struct.unpack(">I", head[28:32])[0]
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    if head[24:28] == head[92:96] and size < pages * page_bytes:
        raise UserError(f"shard {path} is cut short ({size:,} of {pages * page_bytes:,} bytes): fetch it again")
    for suffix in ("-wal", "-journal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists() and beside.stat().st_size:
            raise UserError(f"shard {path} has changes that are not in it yet ({beside.name}): close its writer first")
    try:
        with contextlib.closing(connect(path)) as connection:
            connection.text_factory = str
            return _describe_samples(connection, path, asked)
    except (sqlite3.Error, UnicodeError) as error:
        raise UserError(f"shard {path} is a SQLite database that cannot be read ({error})") from error


def _describe_samples(connection: sqlite3.Connection, path: Path, asked: ColumnChoice) -> Shard:
    sql_of = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')"))
    tables = {name.lower(): sql for name, sql in sql_of.items()}  # SQLite's names have no case
    if SAMPLES not in tables:
        raise UserError(f"shard {path} has no table {SAMPLES!r}; {_way_out(connection, path, sorted(sql_of))}")
    # table_info leaves out generated columns; of the hidden ones of an index (1), nothing is read.
    names = [row[1] for row in connection.execute(f"PRAGMA table_xinfo({SAMPLES})") if row[6] != 1]
    columns = named_columns(path, names, asked)
    module, options = _fts_options(tables[SAMPLES] or "")
    if module and options.get("content") == "":
        raise UserError(f"shard {path} is an index without its rows (content=''): it cannot give back a URL")

    # SQLite stores the rows of an FTS table in an ordinary table, column for column. Reading that one is twice as fast.
    stored = f"{SAMPLES}_content"
    if module and stored in tables and not {"content", "compress", "uncompress"} & options.keys():
        stored_names = [row[1] for row in connection.execute(f"PRAGMA table_info({stored})")][1:]
        table, spelling = stored, dict(zip(names, stored_names, strict=False))
    else:
        table, spelling = SAMPLES, {name: name for name in names}
    tokenizer = options.get("tokenize", "unicode61").replace("'", " ").replace('"', " ").split()
    is_whole = module != "fts5" or "content" not in options or _has_first_and_last_row(connection, tables)
    exact = (
        module == "fts5"
        and is_whole
        and tokenizer in (["unicode61"], ["unicode61", "remove_diacritics", "1"])
        and options.get("detail", "full") == "full"
        and not re.search(rf"(?<!\w){re.escape(columns['TEXT'])}\W+UNINDEXED\b", tables[SAMPLES], re.IGNORECASE)
    )
    return Shard(
        path=path,
        kind="sqlite",
        columns=columns,
        rows=_count_rows(connection, module if is_whole else "", table, tables),
        has_word_index=exact,
        table=table,
        table_columns=tuple(spelling.items()),
        names=tuple(names),
        has_rowids=bool(module) or _has_rowids(connection, names),
    )


def _way_out(connection: sqlite3.Connection, path: Path, tables: list[str]) -> str:
    """The tables that it has, and the command that makes a view of one: one with an address, else the first."""
    if not tables:
        return "it has none"
    names = {table: [row[1] for row in connection.execute(f"PRAGMA table_info({_quoted(table)})")] for table in tables}
    table = next((table for table in tables if "URL" in map_columns(names[table])), tables[0])
    statement = f"CREATE VIEW {SAMPLES} AS SELECT * FROM {_quoted(table)}"
    command = f"import sqlite3; sqlite3.connect({str(path)!r}).execute({statement!r})"
    return (
        f"it has {shown_names(tables)}; make a view of one, as of {shown_names([table])} "
        f"({shown_names(names[table])}), with python -c {shlex.quote(command)}"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _has_rowids(connection: sqlite3.Connection, names: list[str]) -> bool:
    """Not a view, a table WITHOUT ROWID, or a table with a column of that name."""
    kind = connection.execute("SELECT type FROM sqlite_master WHERE lower(name) = ?", [SAMPLES]).fetchone()[0]
    if kind == "view" or "rowid" in {name.lower() for name in names}:
        return False
    try:
        connection.execute(f"SELECT rowid FROM {SAMPLES} LIMIT 1")
    except sqlite3.OperationalError:
        return False
    return True


def _fts_options(sql: str) -> tuple[str, dict[str, str]]:
    """("fts5", {"tokenize": ...}) from a CREATE VIRTUAL TABLE; ("", {}) for an ordinary table."""
    match = re.search(r"\bUSING\s+(fts[345])\s*\((.*)\)\s*;?\s*$", sql, re.IGNORECASE | re.DOTALL)
    if not match:
        return "", {}
    module = match[1].lower()
    options = {}
    for key, value in re.findall(r"""\b(\w+)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[^,]*)""", match[2]):
        full = (name for name in FTS5_OPTIONS if module == "fts5" and name.startswith(key.lower()))
        options[next(full, key.lower())] = value.strip().strip("'\"`[]").strip()
    return module, options


def _has_first_and_last_row(connection: sqlite3.Connection, tables: dict) -> bool:
    """Whether an FTS5 index of another table's rows (`content=`) has been rebuilt since rows were added to that table.

    SQLite itself never compares the two. To compare all rows would take minutes.
    """
    if f"{SAMPLES}_docsize" not in tables:  # columnsize=0: nothing says cheaply which rows the index has
        return False
    indexed = connection.execute(
        f"SELECT min(id) FROM {SAMPLES}_docsize UNION ALL SELECT max(id) FROM {SAMPLES}_docsize"
    )
    ends = [connection.execute(f"SELECT rowid FROM {SAMPLES} ORDER BY rowid {order} LIMIT 1").fetchone() or (None,)
            for order in ("ASC", "DESC")]  # fmt: skip
    return indexed.fetchall() == ends


def _count_rows(connection: sqlite3.Connection, module: str, table: str, tables: dict) -> int:
    """The number of rows. Not by count(*) where FTS5 keeps it: that takes minutes over gigabytes."""
    if module == "fts5" and f"{SAMPLES}_data" in tables:
        # FTS5 keeps its averages as record 1 of the _data table; the first value is the rows, a big-endian varint.
        # https://www.sqlite.org/fts5.html#fts5_data_structures
        row = connection.execute(f"SELECT block FROM {SAMPLES}_data WHERE id = 1").fetchone()
        rows = 0
        for byte in row[0] if row and row[0] else b"":
            rows = rows << 7 | byte & 0x7F
            if byte < 0x80:
                return rows
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def sample_captions(shard: Shard, count: int) -> list[bytes | None]:
    """About `count` captions, from SAMPLE_BLOCKS places of the shard. It must have rowids."""
    with damage_named(shard.path), contextlib.closing(connect(shard.path)) as connection:
        ends = [connection.execute(f"SELECT rowid FROM {shard.table} ORDER BY rowid {order} LIMIT 1").fetchone()
                for order in ("ASC", "DESC")]  # fmt: skip
        if None in ends:
            return []
        (lowest,), (highest,) = ends
        found = {}
        for block in range(SAMPLE_BLOCKS):
            found |= connection.execute(
                f"SELECT rowid, {caption_of(shard)} FROM {shard.table} AS s WHERE rowid >= ? ORDER BY rowid LIMIT ?",
                [lowest + (highest - lowest) * block // SAMPLE_BLOCKS, count // SAMPLE_BLOCKS],
            ).fetchall()
    return list(found.values())


class IndexReader:
    """The full-text index of a shard that `has_word_index`, open for reading. A context manager."""

    def __init__(self, shard: Shard):
        self._shard, self._connection = shard, connect(shard.path)
        column = shard.columns["TEXT"].replace('"', '""')
        self._before = f'{{"{column}"}} : ('

    def rows(self, expression: str, limit: int | None = None) -> list[int]:
        """The rowids that an FTS5 expression finds, ascending. Only the first ones, up to `limit`.

        Raises:
            UserError: the file is damaged.
        """
        select = f"SELECT rowid FROM {SAMPLES} WHERE {SAMPLES} MATCH ? ORDER BY rowid LIMIT ?"
        with damage_named(self._shard.path):
            asked = [f"{self._before}{expression})", -1 if limit is None else limit]
            return [row for (row,) in self._connection.execute(select, asked)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()


def rows_of_index(shard: Shard, expressions: list[str], limit: int | None = None) -> Iterator[list[int]]:
    """IndexReader.rows of each expression."""
    with IndexReader(shard) as index:
        for expression in expressions:
            yield index.rows(expression, limit)


def rows_by_id(connection: sqlite3.Connection, shard: Shard, rowids: list[int], names: Sequence[str]) -> list[tuple]:
    with damage_named(shard.path):
        found = _look_up(connection, shard, rowids, names)
    check_found(shard, len(found), len(rowids))
    return found


def _look_up(connection: sqlite3.Connection, shard: Shard, rowids: list[int], names: Sequence[str]) -> list[tuple]:
    """These columns of these rows, in this order."""
    listed = listed_columns(shard, names)
    select = f"SELECT {listed} FROM json_each(?) AS wanted CROSS JOIN {shard.table} s ON s.rowid = wanted.value"
    try:
        connection.text_factory = str
        try:
            return connection.execute(select, [json.dumps(rowids)]).fetchall()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
            connection.text_factory = text_of  # three times as slow, and works where text is not UTF-8
            return connection.execute(select, [json.dumps(rowids)]).fetchall()
    finally:
        connection.text_factory = bytes


def check_found(shard: Shard, found: int, wanted: int) -> None:
    if found != wanted:
        raise UserError(
            f"shard {shard.path} is damaged ({wanted - found:,} rows that its index names are not there): "
            "rebuild its index, or fetch it again"
        )


def listed_columns(shard: Shard, names: Sequence[str]) -> str:
    spelling = dict(shard.table_columns)
    return ", ".join("s." + _quoted(spelling[name]) for name in names)


def record_columns(shard: Shard) -> list[str]:
    """The columns that records need: the caption, then those of `others`."""
    return [shard.columns[ours] for ours in ("TEXT", *others(shard))]


def caption_of(shard: Shard) -> str:
    """The caption as the index read it: SQLite's own text of a number."""
    return f"CAST({listed_columns(shard, [shard.columns['TEXT']])} AS TEXT)"


def caption_as_indexed(connection: sqlite3.Connection, caption) -> str:
    """The same of a caption that was read as a value: nearly always a text."""
    if isinstance(caption, str):
        return caption
    [text] = connection.execute("SELECT CAST(? AS TEXT)", [caption]).fetchone()
    return (text or b"").decode("utf-8", "replace")


def others(shard: Shard) -> list[str]:
    return [ours for ours in shard.columns if ours != "TEXT"]


def record_columns_of(shard: Shard, rows: list[tuple]) -> dict[str, list]:
    """The values of these rows as records hold them: caption, then the columns of `others`."""
    values = map(list, zip(*rows, strict=True))
    return python_columns(shard, dict(zip(["TEXT", *others(shard)], values, strict=True)))
