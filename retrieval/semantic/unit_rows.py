"""The kept rows of a shard as an arrow file, whatever the shard's format and types are."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrieval.arrow_values import integers, text_scalar, texts
from retrieval.batch import Batch
from retrieval.records import EXTRA_FIELDS, POOL_FIELDS
from retrieval.semantic.column_types import common_type, of_type, plain_type
from retrieval.shard import Shard
from retrieval.shard_condition import ShardCondition
from retrieval.shards import row_batches
from retrieval.tar_images import PIXELS, image_places

HOLDS = "HOLDS"  # the column for --where
FIELDS = (*POOL_FIELDS, *EXTRA_FIELDS)


def write_rows(path: Path, shard: Shard, kept: np.ndarray, where: str | None) -> None:
    """The fields of the rows at these positions (ascending), ROW, and HOLDS: whether `where` does.

    A field that the pool lacks is null.
    """
    condition = None if where is None else ShardCondition(shard, where)
    batches = row_batches(condition.shard if condition else shard, kept)
    tables = (fetched(batch, shard, condition) for batch in batches)
    write_tables(path, tables, fetched(None, shard, condition))


def fetched(batch: Batch | None, shard: Shard, condition: ShardCondition | None) -> pa.Table:
    """All rows of a batch as one table."""
    found = batch.fetch(np.arange(len(batch.rows))) if batch else {}
    if PIXELS in found:
        found[PIXELS] = image_places(str(shard.path), found[PIXELS])
    rows = batch.rows if batch else np.empty(0, np.int64)
    columns = {ours: plain(found[ours]) if ours in found else pa.nulls(len(rows)) for ours in FIELDS}
    columns["ROW"] = pc.binary_join_element_wise(
        text_scalar(f"{shard.path.name}:"), integers(rows).cast(pa.string()), text_scalar("")
    )
    if condition:
        columns[HOLDS] = pa.array(condition.holds(batch, np.arange(len(rows))) if batch else [], pa.bool_())
    return pa.table(columns)


def plain(values: list | pa.Array) -> pa.Array:
    """Values of a database are Python's, and one column may have several types."""
    if isinstance(values, list):
        kinds = {type(value) for value in values} - {type(None)}
        if len(kinds) > 1 and kinds != {int, float}:
            return texts([None if value is None else str(value) for value in values])
        return texts(values) if kinds == {str} else pa.array(values)
    return of_type(values, plain_type(values.type))


def write_tables(path: Path, tables: Iterator[pa.Table], none: pa.Table) -> None:
    """Write tables one after the other. Where a column's type changes, what is written is converted."""
    schema, part = None, path.with_suffix(".part")
    for table in tables:
        if schema is None:
            schema = table.schema
            writer = pa.ipc.new_file(str(part), schema)
        elif table.schema != schema:
            writer.close()
            schema = common_schema(schema, table.schema)
            writer = rewritten(part, schema)
        writer.write_table(cast(table, schema))
    if schema is None:
        writer = pa.ipc.new_file(str(part), none.schema)
    writer.close()
    part.rename(path)


def common_schema(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    return pa.schema(
        [
            (name, pa.null() if one.field(name).type == other.field(name).type == pa.null() else
             common_type([one.field(name).type, other.field(name).type], exact=name == "SAMPLE_ID"))
            for name in one.names
        ]
    )  # fmt: skip


def rewritten(path: Path, schema: pa.Schema) -> pa.RecordBatchFileWriter:
    """A writer that has written the file's tables again by another schema."""
    older = path.with_suffix(".older")
    path.rename(older)
    writer = pa.ipc.new_file(str(path), schema)
    with pa.memory_map(str(older)) as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            writer.write_table(cast(pa.Table.from_batches([reader.get_batch(number)]), schema))
    older.unlink()
    return writer


def cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [of_type(table[field.name].combine_chunks(), field.type) for field in schema]
    return pa.table(columns, schema=schema)
