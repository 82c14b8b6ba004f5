"""Shards: parquet files and SQLite databases of captions, opened alike, read in batches, never written to.

    shard = open_shard("part-00000.parquet")            # or .db; UserError for what is neither
    for batch in caption_batches(shard):                # decodes the caption column only
        batch.captions                                  # pyarrow array of strings, one a row
        batch.fetch(positions)                          # the records' other columns, of the rows that matched

A parquet shard's rows are numbered from 0; a database's rows are its rowids.
"""

import contextlib
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

from retrieval.arrow_values import binaries, integers
from retrieval.cli import UserError
from retrieval.columns import map_columns, nsfw_tag
from retrieval.record_columns import tags_of_scores

BATCH_ROWS = 1 << 16  # 4 MB of captions of 60 bytes: larger is no faster, and a third of them matching takes 200 MB
SQLITE_BATCH_ROWS = 1 << 12  # rows of Python values, a kilobyte each: with 32,768 a run takes a third longer
LARGEST_BLOCK = 30 << 20  # bytes; the bound that glibc can learn ends at 32 MiB
READ_BUFFER = 1 << 18  # parquet pages are read as they come: a row group of 18 million rows is never held whole
SAMPLES = "samples"  # the table's name in the published databases


@dataclass(frozen=True)
class Shard:
    """One file of the pool. `columns` maps our names to the file's; `columns["TEXT"]` is the column to search."""

    path: Path
    kind: str  # "parquet" or "sqlite"
    columns: dict[str, str]
    rows: int
    has_word_index: bool = False  # an FTS5 index whose tokens are the ones DESIGN's `word` is defined by
    source: str = ""  # sqlite: the table to read, and
    source_columns: tuple[tuple[str, str], ...] = ()  # the name there of each of ours


@dataclass(frozen=True)
class Batch:
    """Some rows: their numbers (indexable), captions, and the way to their other columns until the next batch."""

    rows: Any
    captions: Any  # pyarrow Array of string, large_string, binary or dictionary of them
    fetch: Callable[[Any], dict]  # positions in the batch, ascending -> our column -> a list, or a pyarrow Array


def open_shard(path: Path | str, field: str | None = None) -> Shard:
    """Read what the file says about itself: kind, columns, rows.

    Args:
        field: the caption column to search, where it is not the one named TEXT or caption.

    Raises:
        UserError: neither format, cut short, or without a URL or a caption column (names the columns it has).
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
        UserError: the file is damaged somewhere behind its first pages.
    """
    keep_freed_memory()
    with _damage_named(shard.path):
        yield from _parquet_batches(shard) if shard.kind == "parquet" else _sqlite_batches(shard)


def row_batches(shard: Shard, positions) -> Iterator[Batch]:
    """The rows at these positions (ascending, from 0, below `shard.rows`), whatever their numbers are."""
    import numpy as np

    start = 0
    for batch in caption_batches(shard):
        first, last = np.searchsorted(positions, [start, start + len(batch.captions)])
        if last > first:
            chosen = np.asarray(positions[first:last]) - start
            rows = np.asarray(batch.rows)[chosen]
            yield Batch(
                rows, batch.captions.take(integers(chosen)), lambda wanted, b=batch, c=chosen: b.fetch(c[wanted])
            )
        start += len(batch.captions)


def keep_freed_memory() -> None:
    """Let malloc keep a batch's memory for the next one, which is a tenth of a scan's time.

    glibc returns the top of its heap to the kernel as soon as 256 KB of it are free, and the kernel clears every page
    that it gives again; but a large block that was mapped and freed raises that bound (mallopt(3), M_MMAP_THRESHOLD).
    """
    import numpy as np

    np.empty(LARGEST_BLOCK, np.uint8)


def use_mimalloc() -> None:
    """Let Arrow keep a batch's memory too: its jemalloc gives it back, 25,000 page faults in a million rows.

    Where it was built with mimalloc, and unless the user chose otherwise.
    """
    import pyarrow as pa

    if "mimalloc" in pa.supported_memory_backends() and "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.mimalloc_memory_pool())


@contextlib.contextmanager
def _damage_named(path: Path):
    try:
        yield
    except (UserError, KeyboardInterrupt, GeneratorExit):
        raise
    except Exception as error:  # Arrow's, whose base class only an import of 0.1 s would name, or one of these
        if not isinstance(error, (OSError, sqlite3.Error)) and not type(error).__module__.startswith("pyarrow"):
            raise
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

_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,18}))(?:\.0+)?")  # at most 19 digits: longer ones are hex ids


WHOLE_NUMBERS = ("SAMPLE_ID", "HEIGHT", "WIDTH")  # integers, which pandas makes floats where one is null
SCORES = ("similarity", "punsafe")


def _sqlite_values(ours: str, values: list) -> list:
    """A column as SQLite gave it, as records hold it: an FTS table keeps whatever type was inserted.

    Most columns are of one type, and are returned as they are.
    """
    kinds = set(map(type, values)) - {type(None)}
    if ours in WHOLE_NUMBERS:
        return values if kinds <= {int} else [_whole_number(value) for value in values]
    if ours in SCORES:
        plain = kinds <= {float} and None not in values and all(map(math.isfinite, values))
        return values if plain else [_score(value) for value in values]
    return values if kinds <= {str} else [value if value is None else _text(value) for value in values]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _whole_number(value: Any) -> Any:
    """Dumps often insert numbers as text, or as floats; ids never pass a float. Other text stays, a hex id."""
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value.is_integer() else value
    if not isinstance(value, str | bytes):
        return value
    text = _text(value)
    match = _WHOLE_NUMBER.fullmatch(text)
    return int(match[1]) if match else text or None


def _score(value: Any) -> float | None:
    """A score that may have been stored as text; null where it is no number."""
    try:
        score = None if value is None else float(value)
    except ValueError:
        return None
    return score if score is not None and math.isfinite(score) else None


# ---- parquet ----


def _open_parquet(path: Path, field: str | None) -> Shard:
    import pyarrow as pa
    import pyarrow.parquet as pq

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
        text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
        if not pa.types.is_null(kind) and not any(is_kind(kind) for is_kind in text):
            raise UserError(f"shard {path}: column {columns[ours]} holds {kind}, not text")
    return Shard(path, "parquet", columns, rows)


def _parquet_batches(shard: Shard) -> Iterator[Batch]:
    """Two readers in step, row group by row group: one decodes the captions; one, started at a row group's first
    match, the other columns."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    use_mimalloc()
    caption = shard.columns["TEXT"]
    others = {ours: name for ours, name in shard.columns.items() if ours != "TEXT"}
    first_row = 0
    few_values = [shard.columns[ours] for ours in ("LICENSE", "NSFW") if ours in shard.columns]
    with pq.ParquetFile(shard.path, buffer_size=READ_BUFFER, read_dictionary=few_values) as file:
        for group in range(file.num_row_groups):
            group_row, ahead = first_row, None
            for record_batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=[caption], use_threads=False):
                captions = record_batch.column(0)
                if pa.types.is_null(captions.type):
                    captions = captions.cast(pa.string())

                def fetch(positions, start=first_row, captions=captions, group=group, group_row=group_row):
                    nonlocal ahead
                    if ahead is None:
                        ahead = _RowGroup(file, group, list(dict.fromkeys(others.values())), group_row)
                    with _damage_named(shard.path):
                        table = ahead.take(start + positions)
                    columns = {ours: table.column(name).combine_chunks() for ours, name in others.items()}
                    if "punsafe" in columns and "NSFW" not in columns:
                        columns["NSFW"] = tags_of_scores(columns["punsafe"])
                    return columns | {"TEXT": captions.take(integers(positions))}

                yield Batch(np.arange(first_row, first_row + len(captions)), captions, fetch)
                first_row += len(captions)


class _RowGroup:
    """A row group's columns, decoded from its start to the rows last asked for, one batch held at a time."""

    def __init__(self, file, group: int, columns: list[str], first_row: int):
        self.batches = file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns, use_threads=False)
        self.first, self.batch = first_row, None

    def take(self, rows):
        """The table of these rows: numbers within the file, ascending, from one call to the next too."""
        import numpy as np
        import pyarrow as pa

        taken, done = [], 0
        while done < len(rows):
            if self.batch is None:
                self.batch = next(self.batches)
            upto = int(np.searchsorted(rows, self.first + len(self.batch)))
            if upto > done:
                taken.append(self.batch.take(integers(rows[done:upto] - self.first)))
                done = upto
            if done < len(rows):
                self.first, self.batch = self.first + len(self.batch), None
        return pa.Table.from_batches(taken)


# ---- SQLite ----


def connect(path: Path) -> sqlite3.Connection:
    """Open a database for reading alone: `immutable` takes no lock and leaves no -wal, -shm or -journal beside it.

    Text comes as bytes: Arrow takes captions as they are, and the web's text is not always UTF-8.
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

    # An FTS table's rows lie in an ordinary table beside it, column for column: reading that one is twice as fast.
    stored = f"{SAMPLES}_content"
    if module and stored in tables and not {"content", "compress", "uncompress"} & options.keys():
        stored_names = [row[1] for row in connection.execute(f"PRAGMA table_info({stored})")][1:]
        source, spelling = stored, dict(zip(names, stored_names, strict=False))
    else:
        source, spelling = SAMPLES, {name: name for name in names}
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
        rows=_count_rows(connection, module, source, tables),
        has_word_index=exact,
        source=source,
        source_columns=tuple((ours, spelling[name]) for ours, name in columns.items()),
    )


def _fts_options(sql: str) -> tuple[str, dict[str, str]]:
    """("fts5", {"tokenize": ...}) from a CREATE VIRTUAL TABLE; ("", {}) for an ordinary table."""
    match = re.search(r"\bUSING\s+(fts[345])\s*\((.*)\)\s*;?\s*$", sql, re.IGNORECASE | re.DOTALL)
    if not match:
        return "", {}
    options = re.findall(r"""\b(\w+)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[^,]*)""", match[2])
    return match[1].lower(), {key.lower(): value.strip().strip("'\"").strip() for key, value in options}


def _count_rows(connection: sqlite3.Connection, module: str, source: str, tables: dict) -> int:
    """The number of rows, without the minutes that count(*) takes over gigabytes of them."""
    if module == "fts5" and f"{SAMPLES}_data" in tables:
        # FTS5 keeps its averages as record 1 of the _data table: a big-endian varint, the rows, comes first.
        # https://www.sqlite.org/fts5.html#fts5_data_structures
        row = connection.execute(f"SELECT block FROM {SAMPLES}_data WHERE id = 1").fetchone()
        rows = 0
        for byte in row[0] if row and row[0] else b"":
            rows = rows << 7 | byte & 0x7F
            if byte < 0x80:
                return rows
    return connection.execute(f"SELECT count(*) FROM {source}").fetchone()[0]


def _sqlite_batches(shard: Shard) -> Iterator[Batch]:
    """All rows. Only captions become Python values; the other columns are looked up for the rows that matched."""
    with contextlib.closing(connect(shard.path)) as connection:
        cursor = connection.execute(f"SELECT rowid, {_listed(shard, ['TEXT'])} FROM {shard.source} AS s ORDER BY rowid")
        while block := cursor.fetchmany(SQLITE_BATCH_ROWS):

            def fetch(positions, block=block):
                with _damage_named(shard.path):
                    found = _look_up(connection, shard, [block[position][0] for position in positions.tolist()])
                return _sqlite_columns(shard, found)

            yield Batch([row[0] for row in block], _captions([row[1] for row in block]), fetch)


def index_selection(shard: Shard, queries: list[str], phrases: list[list[str]], choose, quantity: int | None = None):
    """What the full-text index says of every class, for a shard that `has_word_index`.

    Args:
        queries: an FTS5 expression a class.
        phrases: for each class the FTS5 expressions of its phrases.
        choose: (class, holding) -> the phrase to name for each row, from bool (phrases, rows): asked of classes of
            several phrases.
        quantity: only the first so many rows of each class.

    Returns:
        tuple: row ids (int64), classes (int32), phrases (int32, within the class); by row, then class. None where
        nothing is found: then numpy is not imported either, which takes as long as to ask for a hundred classes.
    """
    column = shard.columns["TEXT"].replace('"', '""')
    limit = -1 if quantity is None else quantity
    rows, classes, held = array("q"), array("i"), array("i")
    with _damage_named(shard.path), contextlib.closing(connect(shard.path)) as connection:

        def select(query: str, limit: int) -> list[int]:
            cursor = connection.execute(
                f"SELECT rowid FROM {SAMPLES} WHERE {SAMPLES} MATCH ? ORDER BY rowid LIMIT ?",
                [f'{{"{column}"}} : ({query})', limit],
            )
            return [row for (row,) in cursor]

        for place, query in enumerate(queries):
            found = select(query, limit)
            named = array("i", [0]) * len(found)
            if len(phrases[place]) > 1 and found:
                import numpy as np

                holding = [np.isin(found, select(phrase, -1), assume_unique=True) for phrase in phrases[place]]
                named = array("i", choose(place, np.array(holding)).tolist())
            rows.extend(found)
            classes.extend(array("i", [place]) * len(found))
            held.extend(named)
    if not rows:
        return None

    import numpy as np

    order = np.argsort(np.frombuffer(rows, np.int64), kind="stable")
    return tuple(np.frombuffer(column, column.typecode)[order] for column in (rows, classes, held))


def looked_up_batches(shard: Shard, rowids) -> Iterator[Batch]:
    """These rows of a database (distinct, ascending), without their captions apart: `fetch` gives them."""
    keep_freed_memory()
    with contextlib.closing(connect(shard.path)) as connection:
        for start in range(0, len(rowids), SQLITE_BATCH_ROWS):
            numbers = rowids[start : start + SQLITE_BATCH_ROWS].tolist()

            def fetch(positions, numbers=numbers):
                with _damage_named(shard.path):
                    found = _look_up(connection, shard, [numbers[position] for position in positions.tolist()])
                return _sqlite_columns(shard, found)

            yield Batch(numbers, None, fetch)


def _look_up(connection: sqlite3.Connection, shard: Shard, rowids: list[int]) -> list[tuple]:
    """These rows, in this order: row id, caption, then the other columns as `shard.columns` orders them."""
    listed = _listed(shard, ["TEXT", *_others(shard)])
    select = (
        f"SELECT s.rowid, {listed} FROM json_each(?) AS wanted CROSS JOIN {shard.source} s ON s.rowid = wanted.value"
    )
    try:
        connection.text_factory = str
        try:
            return connection.execute(select, [json.dumps(rowids)]).fetchall()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
            connection.text_factory = _text  # three times as slow, and right where the text is not UTF-8
            return connection.execute(select, [json.dumps(rowids)]).fetchall()
    finally:
        connection.text_factory = bytes


def _listed(shard: Shard, ours: list[str]) -> str:
    spelling = dict(shard.source_columns)
    return ", ".join('s."' + spelling[name].replace('"', '""') + '"' for name in ours)


def _others(shard: Shard) -> list[str]:
    return [ours for ours in shard.columns if ours != "TEXT"]


def _sqlite_columns(shard: Shard, rows: list[tuple]) -> dict[str, list]:
    _, *values = map(list, zip(*rows, strict=True))
    columns = {
        ours: _sqlite_values(ours, column) for ours, column in zip(["TEXT", *_others(shard)], values, strict=True)
    }
    if "punsafe" in columns and "NSFW" not in columns:
        columns["NSFW"] = [nsfw_tag(score) for score in columns["punsafe"]]
    return columns


def _captions(values: list):
    """An Arrow array of captions that SQLite gave as bytes, taken as they are."""
    if set(map(type, values)) - {bytes, type(None)}:  # a number in the caption column
        values = [None if value is None else _text(value).encode() for value in values]
    return binaries(values)
