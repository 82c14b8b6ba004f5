"""Shards: parquet files and SQLite databases of captions, opened alike, read in batches, never written to.

    shard = open_shard("part-00000.parquet")            # or .db; UserError for anything else
    for batch in caption_batches(shard):                # decodes the caption column only
        batch.captions                                  # pyarrow array of strings, one per row
        batch.fetch(positions)                          # the other columns of the rows that matched

The rows of a parquet shard are numbered from 0. The rows of a database have their rowids.
"""

import contextlib
import functools
import json
import math
import os
import re
import sqlite3
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.arrow_values import binaries, integers, is_text
from retrieval.cli import UserError
from retrieval.columns import map_columns
from retrieval.record_columns import tags_of_scores
from retrieval.safety import safety_tag

BATCH_ROWS = 1 << 16  # 4 MB of captions; larger is no faster, and if a third of them match, a batch takes 200 MB
SQLITE_BATCH_ROWS = 1 << 12  # rows of Python values, a kilobyte each; with 32,768 a run takes a third longer
LARGEST_BLOCK_BYTES = 30 << 20  # the threshold that glibc can learn ends at 32 MiB
READ_BUFFER_BYTES = 1 << 18  # parquet is read page by page: a row group of 18 million rows is never held whole
SAMPLES = "samples"  # the table's name in the published databases


@dataclass(frozen=True)
class Shard:
    """One file of the pool. `columns` maps our names to the file's. `columns["TEXT"]` is the column to search."""

    path: Path
    kind: str  # "parquet" or "sqlite"
    columns: dict[str, str]
    rows: int
    has_word_index: bool = False  # sqlite: an FTS5 index with the tokens that define the match mode `word`
    table: str = ""  # sqlite: the table to read
    table_columns: tuple[tuple[str, str], ...] = ()  # sqlite: (our name, the column's name in that table)


@dataclass(frozen=True)
class Batch:
    """Some rows of a shard. `fetch` works until the next batch is asked for."""

    rows: np.ndarray  # int64 (n,): the rows' numbers
    captions: pa.Array | None  # (n,) string, large_string, binary or a dictionary of one; None: not read, `fetch` does
    fetch: Callable[[np.ndarray], dict]  # positions in the batch, ascending -> {our name: list or pyarrow Array}


def open_shard(path: Path | str, field: str | None = None) -> Shard:
    """Read the file's kind, columns and number of rows.

    Args:
        field: the caption column to search, where it is not found by name.

    Raises:
        UserError: the file has neither format, is cut short, or has no URL or caption column (names those it has).
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(100)
            size = file.seek(0, 2)
            file.seek(max(0, size - 4))
            tail = file.read(4)
    except OSError as error:
        raise UserError(f"shard {path} cannot be read: {error.strerror or error}") from error
    if head[:16] == b"SQLite format 3\0":
        return _open_sqlite(path, head, size, field)
    if head[:4] == b"PAR1" and (tail != b"PAR1" or size < 12):
        raise UserError(f"shard {path} is cut short ({size:,} bytes, no parquet footer): fetch it again")
    if head[:4] != b"PAR1":
        raise UserError(f"shard {path} is neither a parquet file nor a SQLite database")
    return _open_parquet(path, field)


def caption_batches(shard: Shard) -> Iterator[Batch]:
    """The shard's rows in order.

    Raises:
        UserError: the file is damaged after its first pages.
    """
    keep_freed_memory()
    with _damage_named(shard.path):
        yield from _parquet_batches(shard) if shard.kind == "parquet" else _sqlite_batches(shard)


def row_batches(shard: Shard, positions: np.ndarray) -> Iterator[Batch]:
    """The rows at these positions (ascending, from 0, below `shard.rows`), whatever their numbers are."""
    start = 0
    for batch in caption_batches(shard):
        first, last = np.searchsorted(positions, [start, start + len(batch.captions)])
        if last > first:
            yield _part_of_batch(batch, positions[first:last] - start)
        start += len(batch.captions)


def _part_of_batch(batch: Batch, chosen: np.ndarray) -> Batch:
    return Batch(
        rows=batch.rows[chosen],
        captions=batch.captions.take(integers(chosen)),
        fetch=lambda positions: batch.fetch(chosen[positions]),
    )


def keep_freed_memory() -> None:
    """Let malloc keep the memory of a batch for the next one, which saves a tenth of a scan's time.

    glibc returns the top of its heap to the kernel as soon as 256 KB of it are free, and the kernel clears each page
    that it hands out again. Freeing one large mapped block raises that threshold (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(LARGEST_BLOCK_BYTES, np.uint8)


def use_mimalloc() -> None:
    """Let Arrow keep the memory of a batch too: its jemalloc gives it back, with 25,000 page faults per million rows.

    Only where Arrow was built with mimalloc, and the user has not chosen another pool.
    """
    if "mimalloc" in pa.supported_memory_backends() and "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.mimalloc_memory_pool())


@contextlib.contextmanager
def _damage_named(path: Path):
    try:
        yield
    except (pa.ArrowException, OSError, sqlite3.Error) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"shard {path} is damaged ({reason}): fetch it again") from error


def _named_columns(path: Path, names: list[str], field: str | None) -> dict[str, str]:
    columns = map_columns(names)
    if field is not None:
        if field.lower() not in {name.lower() for name in names}:
            raise UserError(f"shard {path} has no column {field!r} (--field); it has {', '.join(names)}")
        columns["TEXT"] = next(name for name in names if name.lower() == field.lower())
    for ours, flag in (("URL", ""), ("TEXT", " (--field names the caption column)")):
        if ours not in columns:
            raise UserError(f"shard {path} has no {ours} column{flag}; it has {', '.join(names) or 'none'}")
    return columns


# ---- values ----

INTEGER_COLUMNS = ("SAMPLE_ID", "HEIGHT", "WIDTH")  # pandas stores them as floats where one is null
SCORE_COLUMNS = ("similarity", "punsafe")
_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,18}))(?:\.0+)?")  # at most 19 digits: longer ones are hex ids


def _sqlite_values(ours: str, values: list) -> list:
    """SQLite's values of one column as records hold them: an FTS table keeps whatever type was inserted.

    Most columns have values of one type only, and are returned unchanged.
    """
    kinds = set(map(type, values)) - {type(None)}
    if ours in INTEGER_COLUMNS:
        return values if kinds <= {int} else [_whole_number(value) for value in values]
    if ours in SCORE_COLUMNS:
        plain = kinds <= {float} and None not in values and all(map(math.isfinite, values))
        return values if plain else [_score(value) for value in values]
    return values if kinds <= {str} else [value if value is None else _text(value) for value in values]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _whole_number(value: Any) -> Any:
    """An integer that may be stored as text or as a float. Ids in text never become floats. Hex ids stay text."""
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value.is_integer() else value
    if not isinstance(value, str | bytes):
        return value
    text = _text(value)
    match = _WHOLE_NUMBER.fullmatch(text)
    return int(match[1]) if match else text or None


def _score(value: Any) -> float | None:
    """A score that may be stored as text. None where it is no finite number."""
    try:
        score = None if value is None else float(value)
    except ValueError:
        return None
    return score if score is not None and math.isfinite(score) else None


# ---- parquet ----


def _open_parquet(path: Path, field: str | None) -> Shard:

    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise UserError(f"shard {path} is not a parquet file that can be read ({reason}): fetch it again") from error
    columns = _named_columns(path, schema.names, field)
    for ours in ("URL", "TEXT"):
        kind = schema.field(columns[ours]).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not pa.types.is_null(kind) and not is_text(kind):
            raise UserError(f"shard {path}: column {columns[ours]} holds {kind}, not text")
    return Shard(path, "parquet", columns, rows)


def _parquet_batches(shard: Shard) -> Iterator[Batch]:
    """Two readers in step, row group by row group.

    One decodes the captions. The other decodes the other columns; it starts at the first match in a row group.
    """
    use_mimalloc()
    caption = shard.columns["TEXT"]
    with pq.ParquetFile(
        shard.path, buffer_size=READ_BUFFER_BYTES, read_dictionary=_columns_of_few_values(shard)
    ) as file:
        first_row = 0
        for number in range(file.num_row_groups):
            others = _OtherColumns(shard, file, number, first_row)
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], columns=[caption], use_threads=False):
                captions = batch.column(0)
                if pa.types.is_null(captions.type):
                    captions = captions.cast(pa.string())
                rows = np.arange(first_row, first_row + len(captions))
                yield Batch(rows, captions, functools.partial(others.fetch, rows, captions))
                first_row += len(captions)


def _columns_of_few_values(shard: Shard) -> list[str]:
    return [shard.columns[ours] for ours in ("LICENSE", "NSFW") if ours in shard.columns]


class _OtherColumns:
    """The columns of one row group beside the captions.

    They are decoded from the row group's start to the rows last asked for, one batch in memory at a time, and not at
    all where nothing is asked for. So rows must be asked for in ascending order, from one call to the next too.
    """

    def __init__(self, shard: Shard, file: pq.ParquetFile, row_group: int, first_row: int):
        self._path = shard.path
        self._names = {ours: name for ours, name in shard.columns.items() if ours != "TEXT"}
        columns = list(dict.fromkeys(self._names.values()))
        self._batches = file.iter_batches(BATCH_ROWS, row_groups=[row_group], columns=columns, use_threads=False)
        self._first, self._batch = first_row, None  # the batch in memory, and the number of its first row

    def fetch(self, rows: np.ndarray, captions: pa.Array, positions: np.ndarray) -> dict[str, pa.Array]:
        """Batch.fetch of the batch of these rows and captions."""
        with _damage_named(self._path):
            table = self._take(rows[positions])
        columns = {ours: table.column(name).combine_chunks() for ours, name in self._names.items()}
        if "punsafe" in columns and "NSFW" not in columns:
            columns["NSFW"] = tags_of_scores(columns["punsafe"])
        return columns | {"TEXT": captions.take(integers(positions))}

    def _take(self, rows: np.ndarray) -> pa.Table:
        """The table of these rows (numbers within the file)."""
        taken, done = [], 0
        while done < len(rows):
            if self._batch is None:
                self._batch = next(self._batches)
            upto = int(np.searchsorted(rows, self._first + len(self._batch)))
            if upto > done:
                taken.append(self._batch.take(integers(rows[done:upto] - self._first)))
                done = upto
            if done < len(rows):
                self._first, self._batch = self._first + len(self._batch), None
        return pa.Table.from_batches(taken)


# ---- SQLite ----


def connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading only: `immutable` takes no lock and leaves no -wal, -shm or -journal beside it.

    Text comes as bytes: Arrow takes captions as they are, and text from the web is not always UTF-8.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.text_factory = bytes
    return connection


def _open_sqlite(path: Path, head: bytes, size: int, field: str | None) -> Shard:
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
    except sqlite3.Error as error:
        raise UserError(f"shard {path} is a SQLite database that cannot be read ({error})") from error


def _describe_samples(connection: sqlite3.Connection, path: Path, field: str | None) -> Shard:
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')"))
    if SAMPLES not in tables:
        raise UserError(f"shard {path} has no table {SAMPLES!r}; it has {', '.join(sorted(tables)) or 'none'}")
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({SAMPLES})")]
    columns = _named_columns(path, names, field)
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
    )


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


def _sqlite_batches(shard: Shard) -> Iterator[Batch]:
    """All rows. Only captions become Python values. The other columns are looked up for the rows that matched."""
    with contextlib.closing(connect(shard.path)) as connection:
        cursor = connection.execute(f"SELECT rowid, {_listed(shard, ['TEXT'])} FROM {shard.table} AS s ORDER BY rowid")
        while block := cursor.fetchmany(SQLITE_BATCH_ROWS):
            rowids, captions = zip(*block, strict=True)
            rows = np.array(rowids, np.int64)
            yield Batch(rows, _captions(list(captions)), functools.partial(_fetch_rows, connection, shard, rows))


def looked_up_batches(shard: Shard, rowids: np.ndarray) -> Iterator[Batch]:
    """These rows of a database (int64, distinct, ascending). `fetch` gives their captions too."""
    keep_freed_memory()
    with contextlib.closing(connect(shard.path)) as connection:
        for start in range(0, len(rowids), SQLITE_BATCH_ROWS):
            rows = rowids[start : start + SQLITE_BATCH_ROWS]
            yield Batch(rows, None, functools.partial(_fetch_rows, connection, shard, rows))


def _fetch_rows(connection: sqlite3.Connection, shard: Shard, rows: np.ndarray, positions: np.ndarray) -> dict:
    """Batch.fetch of the batch of these rows."""
    with _damage_named(shard.path):
        return _sqlite_columns(shard, _look_up(connection, shard, rows[positions].tolist()))


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
    with _damage_named(shard.path), contextlib.closing(connect(shard.path)) as connection:

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
            connection.text_factory = _text  # three times as slow, and works where text is not UTF-8
            return connection.execute(select, [json.dumps(rowids)]).fetchall()
    finally:
        connection.text_factory = bytes


def _listed(shard: Shard, ours: list[str]) -> str:
    spelling = dict(shard.table_columns)
    return ", ".join('s."' + spelling[name].replace('"', '""') + '"' for name in ours)


def _others(shard: Shard) -> list[str]:
    return [ours for ours in shard.columns if ours != "TEXT"]


def _sqlite_columns(shard: Shard, rows: list[tuple]) -> dict[str, list]:
    _, *values = map(list, zip(*rows, strict=True))
    columns = {
        ours: _sqlite_values(ours, column) for ours, column in zip(["TEXT", *_others(shard)], values, strict=True)
    }
    if "punsafe" in columns and "NSFW" not in columns:
        columns["NSFW"] = [safety_tag(score) for score in columns["punsafe"]]
    return columns


def _captions(values: list) -> pa.LargeBinaryArray:
    """Captions that SQLite gave as bytes, unchanged."""
    if set(map(type, values)) - {bytes, type(None)}:  # a number in the caption column
        values = [None if value is None else _text(value).encode() for value in values]
    return binaries(values)
