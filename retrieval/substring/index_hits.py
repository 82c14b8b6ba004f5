"""The hits of a shard by its full-text index, as index_choice.IndexPlan says.

for batch, hits in index_hits(shard, search, plan):
"""

import functools
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from retrieval.batch import Batch
from retrieval.shard import Shard
from retrieval.sqlite_rows import rows_of_index
from retrieval.sqlite_shards import looked_up_batches, looked_up_captions
from retrieval.substring.hits import Hits
from retrieval.substring.index_choice import Direct, IndexPlan
from retrieval.substring.match_definition import distinct_phrases
from retrieval.substring.matching import Matcher
from retrieval.substring.ragged_array import distinct
from retrieval.substring.search_units import Search

Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # rowids, numbers of queries, numbers of phrases


def index_hits(shard: Shard, search: Search, plan: IndexPlan) -> Iterator[tuple[Batch, Hits]]:
    """Batches of the rows that match, with their hits. In `word` and `fts` no hit is inside a longer word."""
    parts = [*direct_hits(shard, plan.direct, search.quantity), *searched_hits(shard, search, plan)]
    rows, queries, phrases = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((queries, rows))
    rows, queries, phrases = rows[order], queries[order].astype(np.int32), phrases[order].astype(np.int32)
    start = 0
    for batch in looked_up_batches(shard, distinct(rows)):
        end = start + int(np.searchsorted(rows[start:], batch.rows[-1], side="right"))
        part = slice(start, end)
        positions = np.searchsorted(batch.rows, rows[part])
        yield batch, Hits(positions, queries[part], phrases[part], np.zeros(end - start, bool))
        start = end


def direct_hits(shard: Shard, direct: list[Direct], quantity: int | None) -> Iterator[Found]:
    """The hits of the queries that the index answers alone. Only the first `quantity` rows of each."""
    yield np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    rows_of = rows_of_index(shard, [asked.expression for asked in direct], quantity)
    for query, asked in groupby(direct, lambda asked: asked.query):
        numbers = [one.phrase for one in asked]
        found = [np.array(next(rows_of), np.int64) for _ in numbers]
        rows, phrases = np.concatenate(found), np.repeat(numbers, list(map(len, found)))
        if len(found) > 1:  # of a row that several phrases find, the first
            rows, firsts = np.unique(rows, return_index=True)
            phrases = phrases[firsts]
        yield rows[:quantity], np.full(len(rows[:quantity]), query), phrases[:quantity]


def searched_hits(shard: Shard, search: Search, plan: IndexPlan) -> Iterator[Found]:
    """The hits of the queries for which captions are read."""
    if not plan.searched:
        return
    matcher, number_of_phrase = matcher_of_some(search, plan.searched)
    query_numbers = np.array(plan.searched)
    candidates = distinct(np.concatenate([np.array(rows, np.int64) for rows in rows_of_index(shard, plan.needed)]))
    for rows, captions in looked_up_captions(shard, candidates):
        hits = matcher.match(captions)
        yield rows[hits.row], query_numbers[hits.query], number_of_phrase[hits.phrase]


@functools.lru_cache(maxsize=1)
def matcher_of_some(search: Search, numbers: tuple[int, ...]) -> tuple[Matcher, np.ndarray]:
    """A matcher of these queries, and the numbers of its phrases among those of all queries."""
    queries = [search.queries[number] for number in numbers]
    number_of = {phrase: number for number, phrase in enumerate(distinct_phrases(list(search.queries)))}
    return Matcher(queries, search.match), np.array([number_of[phrase] for phrase in distinct_phrases(queries)])
