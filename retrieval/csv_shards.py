"""Lists of text as shards: csv, tsv, lists with semicolons, plain or packed. Arrow streams them, each value as bytes.

A row with too few or too many fields cannot be read: it keeps its number, its caption is null, and it is counted.
"""

import codecs
import csv
import functools
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from retrieval.arrow_values import integers
from retrieval.batch import Batch
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.csv_layout import WHOLE_NUMBER, CsvLayout, check_order, find_layout
from retrieval.record_values import ID_COLUMN
from retrieval.shard import Shard, named_columns, needed_names
from retrieval.shard_columns import own_columns, taken_columns
from retrieval.shard_file import open_unpacked

BLOCK_BYTES = 1 << 23  # of text per batch: about 65,000 rows; a longer row is refused


def open_csv(path: Path, head: bytes, asked: ColumnChoice) -> Shard:
    """Find the layout in the first bytes of the content.

    Raises:
        UserError: it has no line of names, or lacks what a shard needs.
    """
    layout = find_layout(path, head.decode("utf-8", "replace"), asked)
    text = head.removeprefix(codecs.BOM_UTF8)
    if empty := len(text) - len(text.lstrip(b"\r\n")):
        layout = replace(layout, starts_at=len(head) - len(text) + empty)
    columns = named_columns(path, layout.names, asked)
    if asked.listed and "URL" in columns:
        check_order(path, layout, columns["URL"])
    return Shard(path, "csv", columns, None, layout=layout, names=layout.names)


def csv_batches(shard: Shard) -> Iterator[Batch]:
    """All rows; `fetch` is given the whole batch's columns."""
    lost = deque()  # (row number, reason) of rows that were passed over
    wanted = list(range(len(shard.layout.names)) if shard.layout.is_quoted else needed_places(shard))
    first, are_checked = 0, not shard.layout.is_quoted
    with open_unpacked(shard.path) as stream:
        stream.read(shard.layout.starts_at)
        try:
            for batch in _reader(stream, shard.layout, wanted, lost):
                if not are_checked and any(map(_has_line_end, batch.columns)):
                    check_quotes(shard)
                    are_checked = True
                values = {
                    shard.layout.names[place]: batch.column(wanted.index(place)) for place in needed_places(shard)
                }
                made = _batch(shard, values, first, len(batch), lost)
                if first == 0 and made.lost > len(batch):
                    raise UserError(
                        f"shard {shard.path}: most rows do not have the {len(shard.layout.names)} columns that "
                        f"it begins with, cut at {shard.layout.separator!r} ({made.first_lost}): write it again"
                    )
                yield made
                first += len(made.rows)
        except pa.ArrowInvalid as error:
            if shard.layout.has_names and not shard.layout.sample and has_one_line(shard.path):
                return  # pyarrow wants a line end after the names
            if "straddl" not in str(error):
                raise
            raise UserError(
                f"shard {shard.path} has a row of more than {BLOCK_BYTES >> 20} MB after row {first:,}, as where a "
                "quote is not closed: repair that row"
            ) from error
    if lost:
        nothing = dict.fromkeys(needed_names(shard), pa.nulls(0, pa.binary()))
        yield _batch(shard, nothing, first, 0, lost)


def has_one_line(path: Path) -> bool:
    """Whether a list ends within its first line."""
    with open_unpacked(path) as stream:
        text = stream.read(BLOCK_BYTES)
    return len(text) < BLOCK_BYTES and not set(b"\r\n") & set(text.strip(b"\r\n"))


def needed_places(shard: Shard) -> list[int]:
    """The places of the needed columns; of two columns of one name, the first."""
    return sorted({shard.layout.names.index(name) for name in needed_names(shard)})


def _has_line_end(values: pa.Array) -> bool:
    return pc.any(pc.match_substring(values, "\n")).as_py() or False


def check_quotes(shard: Shard) -> None:
    """Read the whole list by Python's strict reader.

    For a list with a line end in a value: a quote that nobody closed makes one value of all rows up to the next quote.

    Raises:
        UserError: names the line.
    """
    limit = csv.field_size_limit(BLOCK_BYTES)
    try:
        with open_unpacked(shard.path) as stream, io.TextIOWrapper(stream, "latin-1", newline="") as lines:
            reader = csv.reader(lines, delimiter=shard.layout.separator, strict=True)
            deque(reader, maxlen=0)
    except csv.Error as error:
        raise UserError(
            f"shard {shard.path} has a quote that is not closed, or text after one that is, up to line "
            f"{reader.line_num:,} ({error}): repair that row"
        ) from error
    finally:
        csv.field_size_limit(limit)


def _reader(stream: pa.NativeFile, layout: CsvLayout, wanted: list[int], lost: deque) -> Iterator[pa.RecordBatch]:
    """The wanted columns. Rows of another width are passed over and added to `lost`."""
    columns = [f"{number}" for number in range(len(layout.names))]  # names may be there twice

    def passed_over(row: pyarrow.csv.InvalidRow) -> str:
        number = row.number - 1 - layout.has_names
        lost.append((number, f"row {number:,} has {row.actual_columns} fields, not {row.expected_columns}"))
        return "skip"

    with pyarrow.csv.open_csv(
        stream,
        pyarrow.csv.ReadOptions(
            use_threads=False, block_size=BLOCK_BYTES, column_names=columns, skip_rows_after_names=int(layout.has_names)
        ),
        pyarrow.csv.ParseOptions(
            delimiter=layout.separator,
            quote_char='"' if layout.is_quoted else False,
            double_quote=layout.is_quoted,
            newlines_in_values=layout.is_quoted,
            invalid_row_handler=passed_over,
        ),
        pyarrow.csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(columns, pa.binary()),
            include_columns=[columns[place] for place in wanted],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ) as reader:
        yield from reader


def _batch(shard: Shard, values: dict[str, pa.Array], first: int, rows: int, lost: deque) -> Batch:
    """These rows, and those among them and right after them that were passed over, as rows of nulls."""
    end, missed, reason = first + rows, [], ""
    while lost and lost[0][0] <= end if not rows else lost and lost[0][0] < end:
        number, why = lost.popleft()
        reason = reason or why
        missed.append(number - first)
        end += 1
    if missed:
        values = {name: with_nulls_at(column, missed, end - first) for name, column in values.items()}
    captions = values[shard.columns["TEXT"]]
    fetch, own = (functools.partial(take, shard, values) for take in (_fetch, own_columns))
    return Batch(np.arange(first, end), captions, fetch, own, len(missed), reason)


def with_nulls_at(values: pa.Array, places: list[int], length: int) -> pa.Array:
    """`length` values: a null at each of these places, and `values` in order at the others."""
    if not len(values):
        return pa.nulls(length, values.type)
    is_value = np.ones(length, np.uint8)
    is_value[places] = 0
    source = integers(np.maximum(np.cumsum(is_value, dtype=np.int64) - 1, 0))
    return values.take(pc.if_else(integers(is_value, "uint8").cast(pa.bool_()), source, pa.nulls(length, pa.int64())))


def _fetch(shard: Shard, values: dict[str, pa.Array], positions: np.ndarray) -> dict:
    found = taken_columns(shard, values, positions)
    if ID_COLUMN in found and shard.layout.has_whole_numbers(shard.columns[ID_COLUMN]):
        found[ID_COLUMN] = [
            int(value) if value is not None and WHOLE_NUMBER.fullmatch(value) else value
            for value in found[ID_COLUMN].to_pylist()
        ]
    return found
