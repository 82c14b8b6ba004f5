"""Parquet shards that pyarrow cannot decode (VARIANT, GEOMETRY, integers as BYTE_STREAM_SPLIT), read by DuckDB.

The same rows in the same order as parquet_shards.py gives, more slowly: all columns are decoded for all rows.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from retrieval.batch import BATCH_ROWS, Batch
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.pool_values import refused_type
from retrieval.shard import Shard, named_columns, needed_names
from retrieval.shard_columns import held_batch

GLOB_SIGNS = set("*?[\\")  # DuckDB reads a path with one of these as a pattern


def open_by_duckdb(path: Path, asked: ColumnChoice) -> Shard:
    """Read the footer.

    Raises:
        UserError: DuckDB cannot read it either (its cause is DuckDB's error), or it lacks what a shard needs.
    """
    with _scanned(path) as (connection, source):
        names = [
            row[0]
            for row in connection.execute(
                "DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning = false)", [source]
            ).fetchall()
        ]
        rows = connection.execute("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [source]).fetchall()[0][
            0
        ]
        columns = named_columns(path, names, asked)
        for name in columns.values():
            if f"{name}_1" in names:  # DuckDB's name for the second column of that name
                raise UserError(f"shard {path} has 2 columns of the name {name!r}: rename or drop all but one")
        schema = _reader(connection, source, list(dict.fromkeys(columns.values())), 0).schema
    for ours, name in columns.items():
        refused = refused_type(ours, schema.field(name).type)
        if refused:
            raise UserError(f"shard {path}: column {name} holds {refused}: convert, rename or drop it")
    return Shard(path, "duckdb", columns, rows, names=tuple(names))


def duckdb_batches(shard: Shard) -> Iterator[Batch]:
    """All rows. `fetch` is given the whole batch's columns."""
    done = 0
    with _scanned(shard.path) as (connection, source):
        for batch in _reader(connection, source, needed_names(shard)):
            values = dict(zip(batch.schema.names, batch.columns, strict=True))
            yield held_batch(shard, done, values)
            done += len(batch)
    if done != shard.rows:
        raise UserError(f"shard {shard.path} is damaged ({done:,} of {shard.rows:,} rows): fetch it again")


def _reader(connection, source: str, names: list[str], limit: int | None = None) -> pa.RecordBatchReader:
    listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    end = "" if limit is None else f" LIMIT {limit}"
    rows = connection.sql(f"SELECT {listed} FROM read_parquet(?, hive_partitioning = false){end}", params=[source])
    give = getattr(rows, "to_arrow_reader", None) or rows.fetch_arrow_reader  # since DuckDB 1.4, and before
    return give(BATCH_ROWS)


@contextlib.contextmanager
def _scanned(path: Path) -> Iterator[tuple]:
    """A connection with one thread, which keeps the rows in order, and the name under which it finds the file."""
    import duckdb  # 40 ms, for the few files that need it

    try:
        with contextlib.ExitStack() as until_the_end:
            source = str(path)
            if GLOB_SIGNS & set(source):
                folder = until_the_end.enter_context(tempfile.TemporaryDirectory())
                source = os.path.join(folder, "shard.parquet")
                os.symlink(path.absolute(), source)
            connection = until_the_end.enter_context(
                duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
            )
            yield connection, source
    except (duckdb.Error, RuntimeError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"shard {path} can be decoded neither by pyarrow nor by DuckDB ({reason}): write it again as plain "
            "parquet, with a tool that reads it"
        ) from error
