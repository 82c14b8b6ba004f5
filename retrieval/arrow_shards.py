"""Arrow files as shards: the file format (feather), and the stream format that Hugging Face's `datasets` keeps."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import is_large, is_text, is_view, without_views
from retrieval.batch import BATCH_ROWS, Batch
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.pool_values import refused_type
from retrieval.shard import Shard, damage_named, named_columns, needed_names
from retrieval.shard_columns import held_batch
from retrieval.shard_file import open_whole

FILE_MAGIC = b"ARROW1"


def open_arrow(path: Path, head: bytes, asked: ColumnChoice) -> Shard:
    """Read the schema.

    Raises:
        UserError: it cannot be read, or lacks what a shard needs.
    """
    is_stream = not head.startswith(FILE_MAGIC)
    with damage_named(path), open_whole(path, expected=0) as file:
        schema = (pa.ipc.open_stream if is_stream else pa.ipc.open_file)(file).schema
    columns = named_columns(path, schema.names, asked)
    for ours, name in columns.items():
        refused = refused_type(ours, schema.field(name).type)
        if refused:
            raise UserError(f"shard {path}: column {name} holds {refused}: convert, rename or drop it")
    return Shard(path, "arrow", columns, None, is_stream=is_stream, names=tuple(schema.names))


def arrow_batches(shard: Shard) -> Iterator[Batch]:
    """All rows; only the columns that are needed are decoded."""
    first = 0
    with open_whole(shard.path) as file:
        for batch in _needed_columns(shard, file):
            for start in range(0, len(batch), BATCH_ROWS):
                part = batch.slice(start, BATCH_ROWS)
                yield held_batch(shard, first + start, dict(zip(part.schema.names, part.columns, strict=True)))
            first += len(batch)


def _needed_columns(shard: Shard, file: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    opened = pa.ipc.open_stream if shard.is_stream else pa.ipc.open_file
    fields = sorted(shard.names.index(name) for name in needed_names(shard))
    reader = opened(file, options=pa.ipc.IpcReadOptions(use_threads=False, included_fields=fields))
    batches = reader if shard.is_stream else map(reader.get_batch, range(reader.num_record_batches))
    for batch in batches:
        for column in batch.columns:
            check_offsets(column)
        yield pa.RecordBatch.from_arrays([without_views(column) for column in batch.columns], batch.schema.names)


def check_offsets(column: pa.Array) -> None:
    """Raise ArrowInvalid where a value points outside its buffers: nothing else checks what the file says of them.

    Text is checked as bytes, because captions from the web are not always UTF-8.
    """
    kind = column.type
    if is_text(kind):
        column = column.view(pa.large_binary() if is_large(kind) else pa.binary())
    if is_view(kind):
        column = column.view(pa.binary_view())
    column.validate(full=not pa.types.is_dictionary(kind))
    if pa.types.is_dictionary(kind):
        _check_indices(column)
        check_offsets(column.dictionary)


def _check_indices(column: pa.DictionaryArray) -> None:
    found = column.indices.drop_null().to_numpy(zero_copy_only=False)
    if len(found) and not 0 <= np.min(found) <= np.max(found) < len(column.dictionary):
        raise pa.ArrowInvalid("an index is outside its dictionary")
