"""SQLite shards: databases with a table, view or FTS index `samples`, opened for reading only.

Their rows have their rowids. Rows of a view, or of a table WITHOUT ROWID, are numbered from 1 as SQLite gives them.
"""

import contextlib
import functools
import json
import re
import shlex
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import SEPARATOR, binaries, cut
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice, map_columns, shown_names
from retrieval.pool_values import text_of
from retrieval.shard import Batch, Shard, damage_named, keep_freed_memory, named_columns
from retrieval.shard_columns import python_columns

SQLITE_BATCH_ROWS = 1 << 12  # rows of Python values, a kilobyte each; with 32,768 a run takes a third longer
SMALLEST_ROWID, LARGEST_ROWID = -(2**63), 2**63 - 1
SAMPLE_BLOCKS = 16  # places of a shard that a sample of its captions is read from
LOOKED_UP_CAPTIONS = 1 << 15  # a matcher is faster with more captions
SAMPLES = "samples"  # the table's name in the published databases


def connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading only: `immutable` takes no lock and leaves no -wal, -shm or -journal beside it.

    Text comes as bytes: Arrow takes captions as they are, and text from the web is not always UTF-8.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.text_factory = bytes
    return connection


def open_sqlite(path: Path, head: bytes, size: int, asked: ColumnChoice) -> Shard:
    page_bytes, pages = struct.unpack(">H", head[16:18])[0], struct.unpack(">I", head[28:32])[0]
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    if size < 100 or (head[24:28] == head[92:96] and size < pages * page_bytes):
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
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')"))
    if SAMPLES not in tables:
        raise UserError(f"shard {path} has no table {SAMPLES!r}; {_way_out(connection, path, sorted(tables))}")
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({SAMPLES})")]
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
    exact = (
        module == "fts5"
        and tokenizer in (["unicode61"], ["unicode61", "remove_diacritics", "1"])
        and options.get("detail", "full") == "full"
        and not re.search(rf"\b{re.escape(columns['TEXT'])}\b\W*\s+UNINDEXED", tables[SAMPLES], re.IGNORECASE)
    )
    return Shard(
        path=path,
        kind="sqlite",
        columns=columns,
        rows=_count_rows(connection, module, table, tables),
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
    kind = connection.execute("SELECT type FROM sqlite_master WHERE name = ?", [SAMPLES]).fetchone()[0]
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
    options = re.findall(r"""\b(\w+)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[^,]*)""", match[2])
    return match[1].lower(), {key.lower(): value.strip().strip("'\"").strip() for key, value in options}


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


def sqlite_batches(shard: Shard) -> Iterator[Batch]:
    """All rows. Only captions are read. The other columns are looked up for the rows that matched."""
    if not shard.has_rowids:
        yield from _batches_without_rowids(shard)
        return
    with contextlib.closing(connect(shard.path)) as connection:
        is_utf8 = connection.execute("PRAGMA encoding").fetchone() == (b"UTF-8",)
        first = SMALLEST_ROWID
        while block := (is_utf8 and _joined_block(connection, shard, first)) or _block(connection, shard, first):
            rows, captions = block
            fetch, own = (functools.partial(read, connection, shard, rows) for read in (_fetch_rows, _own_rows))
            yield Batch(rows, captions, fetch, own)
            if rows[-1] == LARGEST_ROWID:
                return
            first = int(rows[-1]) + 1


def _block(connection: sqlite3.Connection, shard: Shard, first: int) -> tuple[np.ndarray, pa.Array] | None:
    """The next rows from this rowid on: their rowids and captions. None at the end."""
    found = connection.execute(
        f"SELECT s.rowid, {_caption(shard)} FROM {shard.table} AS s WHERE s.rowid >= ? ORDER BY s.rowid LIMIT ?",
        [first, SQLITE_BATCH_ROWS],
    ).fetchall()
    if not found:
        return None
    rowids, captions = zip(*found, strict=True)
    return np.array(rowids, np.int64), binaries(captions)


def _joined_block(connection: sqlite3.Connection, shard: Shard, first: int) -> tuple[np.ndarray, pa.Array] | None:
    """The same in half the time: SQLite joins the captions. None where this would not be exact, and at the end.

    It is exact where all captions are text, none holds the separator, and the rowids have no gap.
    """
    caption = _listed(shard, [shard.columns["TEXT"]])
    try:
        joined, lowest, highest, rows, texts = connection.execute(
            "SELECT group_concat(caption, char(30)), min(number), max(number), count(*), sum(typeof(caption) = 'text') "
            f"FROM (SELECT s.rowid AS number, {caption} AS caption FROM {shard.table} AS s "
            "WHERE s.rowid >= ? ORDER BY s.rowid LIMIT ?)",
            [first, SQLITE_BATCH_ROWS],
        ).fetchone()
    except sqlite3.DataError:  # longer than SQLite's longest text, a gigabyte
        return None
    if not rows or texts != rows or highest - lowest != rows - 1:
        return None
    captions = cut(joined, SEPARATOR, rows)
    return None if captions is None else (np.arange(lowest, highest + 1), captions)


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
                f"SELECT rowid, {_caption(shard)} FROM {shard.table} AS s WHERE rowid >= ? ORDER BY rowid LIMIT ?",
                [lowest + (highest - lowest) * block // SAMPLE_BLOCKS, count // SAMPLE_BLOCKS],
            ).fetchall()
    return list(found.values())


def _batches_without_rowids(shard: Shard) -> Iterator[Batch]:
    """All rows with all their columns: none of them can be looked up again."""
    with contextlib.closing(connect(shard.path)) as connection:
        cursor = connection.execute(
            f"SELECT {_listed(shard, [*_record_columns(shard), *shard.own])} FROM {shard.table} AS s"
        )
        first = 1
        while block := cursor.fetchmany(SQLITE_BATCH_ROWS):
            rows = np.arange(first, first + len(block))
            fetch, own = (functools.partial(read, shard, block) for read in (_fetch_held, _own_held))
            yield Batch(rows, _captions([row[0] for row in block]), fetch, own)
            first += len(block)


def _fetch_held(shard: Shard, block: list[tuple], positions: np.ndarray) -> dict:
    """Batch.fetch where the batch's rows are in memory."""
    rows = [block[position][: len(_record_columns(shard))] for position in positions.tolist()]
    return _sqlite_columns(shard, [tuple(map(_text_or_bytes, row)) for row in rows])


def _own_held(shard: Shard, block: list[tuple], positions: np.ndarray) -> dict[str, list]:
    """Batch.own where the batch's rows are in memory."""
    first = len(_record_columns(shard))
    return {
        name: [_text_or_bytes(block[position][first + place]) for position in positions.tolist()]
        for place, name in enumerate(shard.own)
    }


def _text_or_bytes(value):
    """A text came as bytes (see `connect`), and so did a blob."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def looked_up_batches(shard: Shard, rowids: np.ndarray) -> Iterator[Batch]:
    """These rows of a database (int64, distinct, ascending). `fetch` gives their captions too."""
    keep_freed_memory()
    with contextlib.closing(connect(shard.path)) as connection:
        for start in range(0, len(rowids), SQLITE_BATCH_ROWS):
            rows = rowids[start : start + SQLITE_BATCH_ROWS]
            fetch, own = (functools.partial(read, connection, shard, rows) for read in (_fetch_rows, _own_rows))
            yield Batch(rows, None, fetch, own)


def looked_up_captions(shard: Shard, rowids: np.ndarray) -> Iterator[tuple[np.ndarray, pa.LargeBinaryArray]]:
    """The captions of these rows (int64, distinct, ascending), in blocks with their rowids.

    Raises:
        UserError: the file is damaged, or a row is not there.
    """
    select = (
        f"SELECT {_caption(shard)} FROM json_each(?) AS wanted CROSS JOIN {shard.table} s ON s.rowid = wanted.value"
    )
    with damage_named(shard.path), contextlib.closing(connect(shard.path)) as connection:
        for start in range(0, len(rowids), LOOKED_UP_CAPTIONS):
            rows = rowids[start : start + LOOKED_UP_CAPTIONS]
            captions = [caption for (caption,) in connection.execute(select, [json.dumps(rows.tolist())])]
            _check_found(shard, len(captions), len(rows))
            yield rows, binaries(captions)


def _check_found(shard: Shard, found: int, wanted: int) -> None:
    if found != wanted:
        raise UserError(
            f"shard {shard.path} is damaged ({wanted - found:,} rows that its index names are not there): "
            "rebuild its index, or fetch it again"
        )


def _fetch_rows(connection: sqlite3.Connection, shard: Shard, rows: np.ndarray, positions: np.ndarray) -> dict:
    """Batch.fetch of the batch of these rows."""
    return _sqlite_columns(shard, _rows_by_id(connection, shard, rows[positions], _record_columns(shard)))


def _own_rows(connection: sqlite3.Connection, shard: Shard, rows: np.ndarray, positions: np.ndarray) -> dict:
    """Batch.own of the batch of these rows."""
    found = _rows_by_id(connection, shard, rows[positions], shard.own)
    return {name: [row[place] for row in found] for place, name in enumerate(shard.own)}


def _rows_by_id(connection: sqlite3.Connection, shard: Shard, rowids: np.ndarray, names: Sequence[str]) -> list[tuple]:
    with damage_named(shard.path):
        found = _look_up(connection, shard, rowids.tolist(), names)
    _check_found(shard, len(found), len(rowids))
    return found


def rows_of_index(shard: Shard, expressions: list[str], limit: int | None = None) -> Iterator[np.ndarray]:
    """For each FTS5 expression the rowids that it finds, for a shard that `has_word_index`: int64, ascending.

    Args:
        limit: only the first rows of each, up to this number.
    """
    column = shard.columns["TEXT"].replace('"', '""')
    select = f"SELECT rowid FROM {SAMPLES} WHERE {SAMPLES} MATCH ? ORDER BY rowid LIMIT ?"
    with damage_named(shard.path), contextlib.closing(connect(shard.path)) as connection:
        for expression in expressions:
            found = connection.execute(select, [f'{{"{column}"}} : ({expression})', -1 if limit is None else limit])
            yield np.array([row for (row,) in found], np.int64)


def _look_up(connection: sqlite3.Connection, shard: Shard, rowids: list[int], names: Sequence[str]) -> list[tuple]:
    """These columns of these rows, in this order."""
    listed = _listed(shard, names)
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


def _listed(shard: Shard, names: Sequence[str]) -> str:
    spelling = dict(shard.table_columns)
    return ", ".join("s." + _quoted(spelling[name]) for name in names)


def _record_columns(shard: Shard) -> list[str]:
    """The columns that records need: the caption, then those of `_others`."""
    return [shard.columns[ours] for ours in ("TEXT", *_others(shard))]


def _caption(shard: Shard) -> str:
    """The caption as the index read it: SQLite's own text of a number."""
    return f"CAST({_listed(shard, [shard.columns['TEXT']])} AS TEXT)"


def _others(shard: Shard) -> list[str]:
    return [ours for ours in shard.columns if ours != "TEXT"]


def _sqlite_columns(shard: Shard, rows: list[tuple]) -> dict[str, list]:
    """The values of these rows as records hold them: caption, then the columns of `_others`."""
    values = map(list, zip(*rows, strict=True))
    return python_columns(shard, dict(zip(["TEXT", *_others(shard)], values, strict=True)))


def _captions(values: list) -> pa.LargeBinaryArray:
    """Captions that SQLite gave as bytes, unchanged."""
    if set(map(type, values)) - {bytes, type(None)}:  # a number in the caption column
        values = [value if value is None or isinstance(value, bytes) else str(value).encode() for value in values]
    return binaries(values)
