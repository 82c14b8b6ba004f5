"""The look at the shards before the work: which are opened, and what is said of them.

Standard library only: the workers open them.
"""

import os
from pathlib import Path

from retrieval.cli import UserError, say, say_always
from retrieval.remote_address import RemoteFile
from retrieval.substring.scan_workers import Workers

NAMED_SHARDS = 12  # that are left out, named one by one before the scan
CHECKED_SHARDS = 4  # remote shards that are opened before the scan begins


def check_shards(shards: list[str | RemoteFile], done: set[str], tmp: str | None, workers: Workers) -> None:
    """Open the shards that are there, so that a bad one is named before others are scanned for hours.

    Raises:
        UserError: none of the pool can be read.
    """
    opened = shards_to_open(shards, done, tmp)
    check_condition(opened, workers)
    reasons = workers.check_all(opened)
    others_may_do = done and any(isinstance(shard, RemoteFile) for shard in opened)
    if reasons and len(reasons) == len(opened) and not absent_shards(shards) and not others_may_do:
        others = f" (and {len(reasons) - 1:,} other shards, which cannot be read either)" if len(reasons) > 1 else ""
        raise UserError(next(iter(reasons.values())) + others)
    for reason in list(reasons.values())[:NAMED_SHARDS]:
        say_always(f"left out, and the others are scanned: {reason}")
    say_columns([shard for shard in opened if str(shard) not in done], workers)


def shards_to_open(shards: list[str | RemoteFile], done: set[str], tmp: str | None) -> list[str | RemoteFile]:
    """Those to look at before the work: all on a disk, and a few remote ones where they are read as they lie.

    Each remote one costs a request, and what is wrong with such a pool is wrong with all of its shards.
    """
    remote = [] if tmp else [file for file in shards if isinstance(file, RemoteFile) and file.address not in done]
    local = [path for path in shards if not isinstance(path, RemoteFile) and os.path.isfile(path)]
    return local + remote[:: -(-len(remote) // CHECKED_SHARDS) or 1]


def absent_shards(shards: list[str | RemoteFile]) -> list[str]:
    return [path for path in shards if not isinstance(path, RemoteFile) and not os.path.isfile(path)]


def check_condition(shards: list[str | RemoteFile], workers: Workers) -> None:
    """Refuse a --where that the first shard of a kind cannot answer.

    Raises:
        ConditionError: names the column, or has DuckDB's reason.
    """
    if workers.search.where is None:
        return
    from retrieval.row_condition import ConditionError

    first_of_kind = {Path(str(path)).suffix: path for path in reversed(shards)}
    for path in sorted(first_of_kind.values(), key=str):
        try:
            workers.check(path)
        except ConditionError:
            raise
        except UserError:  # it cannot be read, and will be named
            continue


def say_columns(shards: list[str | RemoteFile], workers: Workers) -> None:
    """Which columns are taken, where the first shard that can be read has several that could be."""
    for path in shards:
        try:
            for note in workers.check(path):
                say(f"note: {note}")
            return
        except UserError:
            continue
