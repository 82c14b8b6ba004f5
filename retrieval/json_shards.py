"""JSON as shards: one record per line, or one array of records; plain or packed.

Lines are cut as bytes. DuckDB gives the captions of a block of lines, and Python reads the lines that matched, which
keeps every digit. Where DuckDB refuses a line (half a surrogate pair), Python reads the block. An array is read by
Python, record by record. A line or an element that is no object cannot be read: it keeps its number, and is counted.
"""

import codecs
import functools
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import binaries
from retrieval.batch import Batch
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.record_columns import valid_utf8
from retrieval.shard import Shard, named_columns
from retrieval.shard_columns import object_batch, object_columns, own_of_objects
from retrieval.shard_file import open_unpacked

BLOCK_BYTES = 1 << 22  # read at once: some 15,000 records
LONGEST_RECORD = 1 << 26  # bytes
ARRAY_ROWS = 1 << 13  # records of an array that are in memory, a kilobyte each
SAMPLE_ROWS = 1000  # whose keys are the columns
BOM = codecs.BOM_UTF8
SPACE = " \t\r\n"
READERS = (object_columns, own_of_objects)  # of Batch.fetch and Batch.own


def open_json(path: Path, head: bytes, asked: ColumnChoice) -> Shard:
    """Find the columns in the first records.

    Args:
        head: the first bytes of its content.

    Raises:
        UserError: its first records are no objects, or lack what a shard needs.
    """
    is_array = head.removeprefix(BOM).lstrip().startswith(b"[")
    with open_unpacked(path, BLOCK_BYTES) as stream:
        rows = (row for block in (_elements if is_array else _objects)(path, stream) for row in block)
        sample = [row for row in itertools.islice(rows, SAMPLE_ROWS) if row is not None]
    if not sample:
        raise UserError(
            f"shard {path} is a JSON file without records: one object per line is read, or an array of objects"
        )
    names = list(dict.fromkeys(key for row in sample for key in row))
    columns = named_columns(path, names, asked)
    for ours, name in columns.items():
        nested = next((row[name] for row in sample if isinstance(row.get(name), (list, dict))), None)
        if nested is not None and ours != "LICENSE":
            kind = "lists" if isinstance(nested, list) else "objects"
            raise UserError(f"shard {path}: column {name} holds {kind}, not one value: convert, rename or drop it")
    return Shard(path, "json", columns, None, is_array=is_array, names=tuple(names))


def json_batches(shard: Shard) -> Iterator[Batch]:
    """All rows. Only what was asked for is read of the other columns."""
    with open_unpacked(shard.path) as stream:
        yield from (_array_batches if shard.is_array else _line_batches)(shard, stream)


# ---- one record per line ----


def _line_batches(shard: Shard, stream: pa.NativeFile) -> Iterator[Batch]:
    import duckdb  # 40 ms

    first = 0
    with duckdb.connect(config={"threads": 1}) as connection:
        for lines in _blocks_of_lines(shard.path, stream):
            captions = _captions(connection, lines, shard.columns["TEXT"])
            if captions is None:
                rows, lost = _parsed(lines, first)
                yield object_batch(shard, first, rows, lost)
            else:
                rows = np.arange(first, first + len(lines))
                fetch, own = (functools.partial(_of_lines, shard, lines, first, read) for read in READERS)
                yield Batch(rows, captions, fetch, own)
            first += len(lines)


def _blocks_of_lines(path: Path, stream: pa.NativeFile) -> Iterator[list[bytes]]:
    """The lines that are not empty, block by block."""
    rest, begun = b"", False
    while True:
        block = stream.read(BLOCK_BYTES)
        lines = (rest + block).split(b"\n") if begun else (rest + block).removeprefix(BOM).split(b"\n")
        begun = True
        rest = lines.pop() if block else b""
        if len(rest) > LONGEST_RECORD:
            raise UserError(f"shard {path} has a line of more than {LONGEST_RECORD >> 20} MB: it is no list of records")
        lines = [line for line in map(bytes.strip, lines) if line]
        if lines:
            yield lines
        if not block:
            return


def _captions(connection, lines: list[bytes], name: str) -> pa.Array | None:
    """The captions of these lines; None where DuckDB cannot read each of them as an object."""
    import duckdb

    if not all(line.startswith(b"{") for line in lines):
        return None
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    connection.register("lines", pa.table({"line": valid_utf8(binaries(lines))}))
    try:
        found = connection.sql("SELECT json_extract_string(line, ?) FROM lines", params=[pointer])
        give = getattr(found, "to_arrow_table", None) or found.fetch_arrow_table
        return give().column(0).combine_chunks()
    except duckdb.Error:
        return None
    finally:
        connection.unregister("lines")


def _of_lines(shard: Shard, lines: list[bytes], first: int, read: Callable, positions: np.ndarray) -> dict:
    rows = [_object(lines[position]) for position in positions.tolist()]
    if None in rows:
        number = first + int(positions[rows.index(None)])
        raise UserError(f"shard {shard.path} is damaged (row {number:,} is no JSON object): repair it")
    return read(shard, rows)


def _parsed(lines: list[bytes], first: int) -> tuple[list[dict | None], str]:
    """The lines' objects, and which is the first that is none."""
    rows = [_object(line) for line in lines]
    return rows, f"row {first + rows.index(None):,} is no JSON object" if None in rows else ""


def _object(line: bytes) -> dict | None:
    try:
        value = json.loads(line.decode("utf-8", "replace"), object_pairs_hook=first_of_each)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def first_of_each(pairs: list[tuple[str, object]]) -> dict:
    """An object; of two values of one key the first, as DuckDB takes it, which has searched the captions."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else dict(reversed(pairs))


def _objects(path: Path, stream: pa.NativeFile) -> Iterator[list[dict | None]]:
    return (_parsed(lines, 0)[0] for lines in _blocks_of_lines(path, stream))


# ---- one array ----


def _array_batches(shard: Shard, stream: pa.NativeFile) -> Iterator[Batch]:
    first = 0
    for rows in _elements(shard.path, stream):
        lost = f"element {first + rows.index(None):,} is no JSON object" if None in rows else ""
        yield object_batch(shard, first, rows, lost)
        first += len(rows)


def _elements(path: Path, stream: pa.NativeFile) -> Iterator[list[dict | None]]:
    """The array's elements, ARRAY_ROWS at a time; None for one that is no object.

    Raises:
        UserError: the array is cut short, or is no JSON from some element on.
    """
    decoder, rows, text, done = json.JSONDecoder(object_pairs_hook=first_of_each), [], _Text(stream), 0
    text.skip("[")
    while not text.skip("]"):
        try:
            value = text.next_value(decoder)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"shard {path} is damaged (its JSON array cannot be read after {done:,} elements): fetch it again"
            ) from error
        rows.append(value if isinstance(value, dict) else None)
        done += 1
        if len(rows) == ARRAY_ROWS:
            yield rows
            rows = []
    if text.skip_space() and text.has_more():
        raise UserError(f"shard {path} has more after its JSON array: one array is read, or one object per line")
    yield rows


class _Text:
    """A stream as text, of which a part is in memory."""

    def __init__(self, stream: pa.NativeFile):
        self._stream, self._decoder = stream, codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._text, self._at, self._ended = "", 0, False

    def _read(self) -> bool:
        """Whether there was more to read."""
        block = self._stream.read(max(BLOCK_BYTES, len(self._text) - self._at))
        self._ended = not block
        self._text = self._text[self._at :] + self._decoder.decode(block, final=self._ended)
        self._at = 0
        return not self._ended

    def skip_space(self) -> bool:
        while True:
            while self._at < len(self._text) and self._text[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._text) or self._ended or not self._read():
                return True

    def has_more(self) -> bool:
        return self._at < len(self._text)

    def skip(self, sign: str) -> bool:
        """Pass over the sign where it is next, and over white space before it."""
        self.skip_space()
        is_next = self._text.startswith(sign, self._at)
        self._at += is_next
        return is_next

    def next_value(self, decoder: json.JSONDecoder):
        """The next element, and the comma after it.

        Raises:
            ValueError: there is none, or it is too long.
        """
        while True:
            self.skip_space()
            try:
                value, end = decoder.raw_decode(self._text, self._at)
            except ValueError:
                if self._ended or len(self._text) - self._at > LONGEST_RECORD:
                    raise
            else:
                if end < len(self._text) or self._ended:  # a number may go on in the next block
                    self._at = end
                    break
            self._read()
        if not self.skip(",") and not self._text.startswith("]", self._at):
            raise ValueError("no comma and no end")
        return value
