"""--select-random: a control set, drawn uniformly from all rows of the pool, whatever their captions say."""

import bisect
import itertools
import random

from retrieval.cli import UserError
from retrieval.shards import open_shard


def sample_of_each_shard(shards: list[str], field: str | None, count: int, seed: int) -> list[tuple[int, ...]]:
    """`draw_sample` over the shards' numbers of rows."""
    rows, refused = [], []
    for path in shards:
        try:
            rows.append(open_shard(path, field).rows)
        except UserError as error:  # it gives no row, and its scan will name it
            rows.append(0)
            refused.append(error)
    if refused and len(refused) == len(shards):
        raise refused[0]
    return draw_sample(rows, count, seed)


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
