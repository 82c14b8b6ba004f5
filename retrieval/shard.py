"""What a shard is, whatever its format, and the refusals that all formats share. Standard library only."""

import contextlib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.columns import NOTHING_SAID, ColumnChoice, asked_columns, map_columns, shown_names
from retrieval.csv_layout import CsvLayout
from retrieval.remote_address import RemoteFile

# What a reader says of a sound file that is newer than the reader, or that it has no key for.
_NOT_FOR_THIS_READER = re.compile(
    r"not (yet )?(implemented|supported|recognized)|unsupported|only supports|unknown (encoding|compression)|encrypt",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Shard:
    """One file of the pool. `columns` maps our names to the file's. `columns["TEXT"]` is the column to search."""

    path: Path | RemoteFile
    kind: str  # "parquet", "duckdb" (parquet that pyarrow cannot decode), "sqlite", "csv", "json", "arrow" or "tar"
    columns: dict[str, str]
    rows: int | None  # None: only a pass over the file can count them (shards.count_rows)
    has_word_index: bool = False  # sqlite: an FTS5 index with the tokens that define the match mode `word`
    table: str = ""  # sqlite: the table to read
    table_columns: tuple[tuple[str, str], ...] = ()  # sqlite: (the column's name, its name in that table)
    has_rowids: bool = True  # sqlite: not a view or a table WITHOUT ROWID, whose rows are numbered from 1
    few_values: tuple[str, ...] = ()  # parquet: columns to read as dictionaries
    has_uuids: bool = False  # parquet: the ids are UUIDs of 16 bytes
    image_places: tuple[str | None, ...] = ()  # parquet: parquet_images.group_places; () where it holds no images
    layout: CsvLayout | None = None  # csv: how its lines are cut
    is_array: bool = False  # json: one array of records, not one record per line
    is_stream: bool = False  # arrow: the stream format, which has no footer
    names: tuple[str, ...] = ()  # all columns of the file
    own: tuple[str, ...] = ()  # the columns that Batch.own gives


def named_columns(path: Path | RemoteFile, names: Sequence[str], asked: ColumnChoice = NOTHING_SAID) -> dict[str, str]:
    """Our name -> the file's, for the fields that it has.

    Raises:
        UserError: no URL or caption column, or two columns of a name that is needed.
    """
    columns = map_columns(names) | asked_columns(names, asked, f"shard {path}")
    it_has = f"it has {shown_names(names)}"
    if "URL" not in columns and asked.needs_url:
        raise UserError(f"shard {path} has no URL column; {it_has}: name the one with the addresses with --url-column")
    if "TEXT" not in columns:
        raise UserError(f"shard {path} has no TEXT column; {it_has}: name the captions with --caption-column")
    count = Counter(names)
    for name in columns.values():
        if count[name] > 1:
            raise UserError(f"shard {path} has {count[name]} columns of the name {name!r}: rename or drop all but one")
    return columns


def needed_names(shard: Shard) -> list[str]:
    """The file's columns that records or Batch.own need, each once."""
    return list(dict.fromkeys([*shard.columns.values(), *shard.own]))


@contextlib.contextmanager
def damage_named(path: Path | RemoteFile) -> Iterator[None]:
    """What a reader says of a file that it cannot read becomes a UserError that names the file."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (OSError, UnicodeError, sqlite3.Error)) or _is_of_arrow(error):
            raise unreadable(path, error) from error
        raise


def _is_of_arrow(error: Exception) -> bool:
    """Whether it is a pyarrow.ArrowException: asked by name, since a database is read without pyarrow."""
    return any(kind.__module__ == "pyarrow.lib" for kind in type(error).__mro__)


def unreadable(path: Path | RemoteFile, error: Exception) -> UserError:
    """The refusal of a file. Only a damaged one is worth fetching again."""
    reason = " ".join(str(error).split())[:200]
    if is_beyond(error):
        return UserError(
            f"shard {path} cannot be decoded here ({reason}): write it again as plain parquet, "
            "with a tool that reads it"
        )
    return UserError(f"shard {path} is damaged ({reason}): fetch it again")


def is_beyond(error: Exception) -> bool:
    """Whether a reader says that the file is newer than the reader, or encrypted: then it may be sound."""
    return isinstance(error, NotImplementedError) or bool(_NOT_FOR_THIS_READER.search(str(error)))
