"""SQLite shards: databases with a table, view or FTS index `samples`, opened for reading only.

Their rows have their rowids. Rows of a view, or of a table WITHOUT ROWID, are numbered from 1 as SQLite gives them.
"""

import contextlib
import functools
import json
import re
import sqlite3
import struct
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import binaries
from retrieval.cli import UserError
from retrieval.pool_values import record_list, text_of
from retrieval.safety import NSFW, UNLIKELY, UNSURE, safety_tags_of
from retrieval.shard import Batch, Shard, damage_named, keep_freed_memory, named_columns

SQLITE_BATCH_ROWS = 1 << 12  # rows of Python values, a kilobyte each; with 32,768 a run takes a third longer
SAMPLES = "samples"  # the table's name in the published databases
TAGS = {NSFW, UNSURE, UNLIKELY}


def connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading only: `immutable` takes no lock and leaves no -wal, -shm or -journal beside it.

    Text comes as bytes: Arrow takes captions as they are, and text from the web is not always UTF-8.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.text_factory = bytes
    return connection


def open_sqlite(path: Path, head: bytes, size: int, field: str | None) -> Shard:
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
            return _describe_samples(connection, path, field)
    except (sqlite3.Error, UnicodeError) as error:
        raise UserError(f"shard {path} is a SQLite database that cannot be read ({error})") from error


def _describe_samples(connection: sqlite3.Connection, path: Path, field: str | None) -> Shard:
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')"))
    if SAMPLES not in tables:
        raise UserError(f"shard {path} has no table {SAMPLES!r}; it has {', '.join(sorted(tables)) or 'none'}")
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({SAMPLES})")]
    columns = named_columns(path, names, field)
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
        table_columns=tuple((ours, spelling[name]) for ours, name in columns.items()),
        has_rowids=bool(module) or _has_rowids(connection, names),
    )


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
    """All rows. Only captions become Python values. The other columns are looked up for the rows that matched."""
    if not shard.has_rowids:
        yield from _batches_without_rowids(shard)
        return
    with contextlib.closing(connect(shard.path)) as connection:
        cursor = connection.execute(f"SELECT rowid, {_listed(shard, ['TEXT'])} FROM {shard.table} AS s ORDER BY rowid")
        while block := cursor.fetchmany(SQLITE_BATCH_ROWS):
            rowids, captions = zip(*block, strict=True)
            rows = np.array(rowids, np.int64)
            yield Batch(rows, _captions(list(captions)), functools.partial(_fetch_rows, connection, shard, rows))


def _batches_without_rowids(shard: Shard) -> Iterator[Batch]:
    """All rows with all their columns: none of them can be looked up again."""
    with contextlib.closing(connect(shard.path)) as connection:
        cursor = connection.execute(f"SELECT {_listed(shard, ['TEXT', *_others(shard)])} FROM {shard.table} AS s")
        first = 1
        while block := cursor.fetchmany(SQLITE_BATCH_ROWS):
            rows = np.arange(first, first + len(block))
            yield Batch(rows, _captions([row[0] for row in block]), functools.partial(_fetch_held, shard, block))
            first += len(block)


def _fetch_held(shard: Shard, block: list[tuple], positions: np.ndarray) -> dict:
    """Batch.fetch where the batch's rows are in memory."""
    return _sqlite_columns(shard, [tuple(map(_text_or_bytes, block[position])) for position in positions.tolist()])


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
            yield Batch(rows, None, functools.partial(_fetch_rows, connection, shard, rows))


def _fetch_rows(connection: sqlite3.Connection, shard: Shard, rows: np.ndarray, positions: np.ndarray) -> dict:
    """Batch.fetch of the batch of these rows."""
    with damage_named(shard.path):
        found = _look_up(connection, shard, rows[positions].tolist())
    if len(found) != len(positions):
        raise UserError(
            f"shard {shard.path} is damaged ({len(positions) - len(found):,} rows that its index names are not there): "
            "rebuild its index, or fetch it again"
        )
    return _sqlite_columns(shard, [row[1:] for row in found])


def index_selection(
    shard: Shard, queries: list[str], phrases: list[list[str]], choose: Callable, quantity: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows of each class by the full-text index, for a shard that `has_word_index`.

    Args:
        queries: one FTS5 expression per class.
        phrases: for each class the FTS5 expressions of its phrases.
        choose: (class number, holding) -> the phrase to name for each row. `holding` is bool (phrases, rows). Called
            only for classes with several phrases.
        quantity: only the first rows of each class, up to this number.

    Returns:
        tuple: rowids (int64), class numbers (int32), phrase numbers within the class (int32), sorted by row and class.
    """
    column = shard.columns["TEXT"].replace('"', '""')
    limit = -1 if quantity is None else quantity
    rows, classes, named = array("q"), array("i"), array("i")
    with damage_named(shard.path), contextlib.closing(connect(shard.path)) as connection:

        def select(query: str, limit: int) -> list[int]:
            cursor = connection.execute(
                f"SELECT rowid FROM {SAMPLES} WHERE {SAMPLES} MATCH ? ORDER BY rowid LIMIT ?",
                [f'{{"{column}"}} : ({query})', limit],
            )
            return [row for (row,) in cursor]

        for number, query in enumerate(queries):
            found = select(query, limit)
            chosen = [0] * len(found)
            if len(phrases[number]) > 1 and found:
                holding = [np.isin(found, select(phrase, -1), assume_unique=True) for phrase in phrases[number]]
                chosen = choose(number, np.array(holding)).tolist()
            rows.extend(found)
            classes.extend([number] * len(found))
            named.extend(chosen)
    order = np.argsort(np.array(rows, np.int64), kind="stable")
    return np.array(rows, np.int64)[order], np.array(classes, np.int32)[order], np.array(named, np.int32)[order]


def _look_up(connection: sqlite3.Connection, shard: Shard, rowids: list[int]) -> list[tuple]:
    """These rows, in this order: rowid, caption, then the other columns in the order of `shard.columns`."""
    listed = _listed(shard, ["TEXT", *_others(shard)])
    select = (
        f"SELECT s.rowid, {listed} FROM json_each(?) AS wanted CROSS JOIN {shard.table} s ON s.rowid = wanted.value"
    )
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


def _listed(shard: Shard, ours: list[str]) -> str:
    spelling = dict(shard.table_columns)
    return ", ".join('s."' + spelling[name].replace('"', '""') + '"' for name in ours)


def _others(shard: Shard) -> list[str]:
    return [ours for ours in shard.columns if ours != "TEXT"]


def _sqlite_columns(shard: Shard, rows: list[tuple]) -> dict[str, list]:
    """The values of these rows as records hold them: caption, then the columns of `_others`."""
    values = map(list, zip(*rows, strict=True))
    found = dict(zip(["TEXT", *_others(shard)], values, strict=True))
    columns = {ours: record_list(ours, column) for ours, column in found.items() if ours != "NSFW"}
    for ours in ("NSFW", "punsafe"):
        if ours in found and ("NSFW" not in columns or None in columns["NSFW"]):
            tags = _tags(found[ours], f"shard {shard.path}: column {shard.columns[ours]}")
            earlier = columns.get("NSFW", [None] * len(tags))
            columns["NSFW"] = [first or second for first, second in zip(earlier, tags, strict=True)]
    return columns


def _tags(values: list, where: str) -> list[str | None]:
    return values if set(map(type, values)) == {str} and set(values) <= TAGS else safety_tags_of(values, where)


def _captions(values: list) -> pa.LargeBinaryArray:
    """Captions that SQLite gave as bytes, unchanged."""
    if set(map(type, values)) - {bytes, type(None)}:  # a number in the caption column
        values = [value if value is None or isinstance(value, bytes) else str(value).encode() for value in values]
    return binaries(values)
