"""What a shard is, whatever its format: Shard and Batch, and the refusals that all formats share."""

import contextlib
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.cli import UserError
from retrieval.columns import NOTHING_SAID, ColumnChoice, asked_columns, map_columns, shown_names
from retrieval.csv_layout import CsvLayout
from retrieval.remote_address import RemoteFile

BATCH_ROWS = 1 << 16  # 4 MB of captions; larger is no faster, and if a third of them match, a batch takes 200 MB
LARGEST_BLOCK_BYTES = 30 << 20  # the threshold that glibc can learn ends at 32 MiB

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
    layout: CsvLayout | None = None  # csv: how its lines are cut
    is_array: bool = False  # json: one array of records, not one record per line
    is_stream: bool = False  # arrow: the stream format, which has no footer
    names: tuple[str, ...] = ()  # all columns of the file
    own: tuple[str, ...] = ()  # the columns that Batch.own gives


@dataclass(frozen=True)
class Batch:
    """Some rows of a shard. `fetch` works until the next batch is asked for."""

    rows: np.ndarray  # int64 (n,): the rows' numbers
    captions: pa.Array | None  # (n,) string, large_string, binary or a dictionary of one; None: not read, `fetch` does
    fetch: Callable[[np.ndarray], dict]  # positions in the batch, ascending -> {our name: list or pyarrow Array}
    own: Callable[[np.ndarray], dict] = lambda positions: {}  # positions -> {column of the file: list or Array}, once
    lost: int = 0  # rows among these that cannot be read: their captions are null
    first_lost: str = ""  # which is the first of them, and why


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
    except (pa.ArrowException, OSError, UnicodeError, sqlite3.Error) as error:
        raise unreadable(path, error) from error


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
