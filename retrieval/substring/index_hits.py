"""The hits of a shard by its full-text index, as index_choice.IndexPlan says.

for batch, hits in index_hits(shard, search, plan, search.quantity):
"""

import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from retrieval.batch import Batch
from retrieval.shard import Shard
from retrieval.sqlite_rows import rows_of_index
from retrieval.sqlite_shards import held_batches, looked_up_captions
from retrieval.substring.hits import Hits, first_of_each_class, joined_hits
from retrieval.substring.index_choice import Direct, IndexPlan
from retrieval.substring.match_definition import distinct_phrases
from retrieval.substring.matching import Matcher
from retrieval.substring.ragged_array import distinct
from retrieval.substring.search_units import Search


def index_hits(
    shard: Shard, search: Search, plan: IndexPlan, quantity: int | None = None
) -> Iterator[tuple[Batch, Hits]]:
    """Batches of the rows that match, with their hits; of each class the first `quantity`.

    In `word` and `fts` no hit is inside a longer word.
    """
    hits = joined_hits([direct_hits(shard, plan.direct, quantity), *searched_hits(shard, search, plan)])
    hits = hits.take(np.lexsort((hits.query, hits.row)))  # stable: of a row that several phrases find, the first
    is_first = np.ones(len(hits.row), bool)
    is_first[1:] = (np.diff(hits.row) != 0) | (np.diff(hits.query) != 0)
    hits = hits.take(is_first)
    if quantity:
        hits = first_of_each_class(hits, Counter(), quantity)
    start = 0
    for batch in held_batches(shard, distinct(hits.row).tolist()):
        end = start + int(np.searchsorted(hits.row[start:], batch.rows[-1], side="right"))
        part = hits.take(slice(start, end))
        yield batch, replace(part, row=np.searchsorted(batch.rows, part.row))
        start = end


def direct_hits(shard: Shard, direct: list[Direct], quantity: int | None) -> Hits:
    """The hits of the queries that the index answers alone: row ids, in the order of `direct`.

    Only the first `quantity` rows of each phrase.
    """
    expressions = [asked.expression for asked in direct]
    found = [np.array(rows, np.int64) for rows in rows_of_index(shard, expressions, quantity)]
    numbers = np.array([(asked.query, asked.phrase) for asked in direct], np.int32).reshape(-1, 2)
    numbers = np.repeat(numbers, list(map(len, found)), axis=0)
    rows = np.concatenate([np.empty(0, np.int64), *found])
    return Hits(rows, numbers[:, 0], numbers[:, 1], np.zeros(len(rows), bool))


def searched_hits(shard: Shard, search: Search, plan: IndexPlan) -> Iterator[Hits]:
    """The hits of the queries for which captions are read: row ids."""
    if not plan.searched:
        return
    matcher, number_of_phrase = matcher_of_some(search, plan.searched)
    query_numbers = np.array(plan.searched, np.int32)
    candidates = distinct(np.concatenate([np.array(rows, np.int64) for rows in rows_of_index(shard, plan.needed)]))
    for rows, captions in looked_up_captions(shard, candidates):
        hits = matcher.match(captions)
        yield Hits(rows[hits.row], query_numbers[hits.query], number_of_phrase[hits.phrase], hits.inside)


@functools.lru_cache(maxsize=1)
def matcher_of_some(search: Search, numbers: tuple[int, ...]) -> tuple[Matcher, np.ndarray]:
    """A matcher of these queries, and the numbers of its phrases among those of all queries."""
    queries = [search.queries[number] for number in numbers]
    number_of = {phrase: number for number, phrase in enumerate(distinct_phrases(list(search.queries)))}
    return Matcher(queries, search.match), np.array(
        [number_of[phrase] for phrase in distinct_phrases(queries)], np.int32
    )
