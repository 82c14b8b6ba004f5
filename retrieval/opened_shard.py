"""Opens a shard of any format.

    shard = open_shard("part-00000.parquet")            # or .csv.gz, .jsonl, .arrow, .tar, .db; UserError for others

A database is opened with the standard library only.
"""

from pathlib import Path

from retrieval.cli import UserError
from retrieval.columns import NOTHING_SAID, ColumnChoice
from retrieval.file_kinds import HEAD_BYTES
from retrieval.remote_address import RemoteFile, is_address
from retrieval.shard import Shard
from retrieval.sqlite_rows import open_sqlite


def open_shard(path: Path | str | RemoteFile, asked: ColumnChoice = NOTHING_SAID) -> Shard:
    """Read the file's kind, columns and, where its footer has it, number of rows.

    Args:
        path: a file, an address of one, or what find_remote gives.

    Raises:
        UserError: the file has no known format (then it says what to do), is cut short, or has no URL or caption column
            (names those it has).
    """
    if is_address(path):
        from retrieval.remote_shards import find_remote  # 0.4 s for the libraries that read from the network

        [path] = find_remote([path], "shard")
    if isinstance(path, RemoteFile):
        from retrieval.shards import open_remote  # 0.2 s for numpy and pyarrow

        shard = open_remote(path, asked)
    else:
        path = Path(path)
        shard = _open_by_its_kind(path, asked)
    if asked.listed and shard.kind != "csv":
        raise UserError(f"shard {path} has names of its own: leave --columns out, it is about lists without them")
    return shard


def _open_by_its_kind(path: Path, asked: ColumnChoice) -> Shard:
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            file.seek(max(0, size - 4))
            tail = file.read(4)
    except OSError as error:
        raise UserError(f"shard {path} cannot be read: {error.strerror or error}") from error
    if head[:16] == b"SQLite format 3\0":
        return open_sqlite(path, head, size, asked)
    from retrieval.shards import open_file  # 0.2 s for numpy, pyarrow and the readers of all other formats

    return open_file(path, head, tail, size, asked)
