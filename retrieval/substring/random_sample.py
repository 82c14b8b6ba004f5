"""--select-random: a control set, drawn uniformly from all rows of the pool, whatever their captions say."""

import bisect
import itertools
import random
from concurrent.futures import ThreadPoolExecutor

from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.opened_shard import open_shard
from retrieval.remote_address import RemoteFile
from retrieval.shards import count_rows

OPENED_AT_ONCE = 8  # remote shards: each costs a request


def sample_of_each_shard(
    shards: list[str | RemoteFile], asked: ColumnChoice, count: int, seed: int
) -> list[tuple[int, ...]]:
    """`draw_sample` over the shards' numbers of rows."""
    with ThreadPoolExecutor(OPENED_AT_ONCE if any(isinstance(path, RemoteFile) for path in shards) else 1) as pool:
        rows = list(pool.map(lambda path: rows_or_refusal(path, asked), shards))
    refused = [reason for reason in rows if isinstance(reason, UserError)]
    if refused and len(refused) == len(shards):
        raise refused[0]
    return draw_sample([0 if isinstance(number, UserError) else number for number in rows], count, seed)


def rows_or_refusal(path: str | RemoteFile, asked: ColumnChoice) -> int | UserError:
    """A shard's number of rows. One that cannot be read gives none, and its scan will name it."""
    try:
        return count_rows(open_shard(path, asked))
    except UserError as error:
        return error


def draw_sample(rows: list[int], count: int, seed: int) -> list[tuple[int, ...]]:
    """`count` distinct rows of a pool whose shards have `rows` rows, each row as likely as any other.

    Returns:
        list: for each shard the drawn positions, from 0, ascending.

    Raises:
        UserError: the pool has fewer rows.
    """
    if count > sum(rows):
        raise UserError(f"--select-random {count:,} is more than the pool's {sum(rows):,} rows")
    chosen = sorted(random.Random(seed).sample(range(sum(rows)), count))
    starts = [0, *itertools.accumulate(rows)]
    edges = [bisect.bisect_left(chosen, start) for start in starts]
    return [
        tuple(position - start for position in chosen[first:last])
        for start, first, last in zip(starts, edges, edges[1:], strict=False)
    ]
