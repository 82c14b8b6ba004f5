"""Which hits of a class become its records: per prompt no near-duplicates, no row tagged NSFW, each row once.

A row is kept where it comes first: prompts in the template's order, for each the text index before the image index,
hits by rank. tests/test_filter_semantic.py holds the rule
(`test_each_class_selects_what_knn_service_and_the_nsfw_rule_select`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from retrieval.index_folder import SOURCES
from retrieval.record_columns import safety_tags, tagged_unsafe
from retrieval.records import SEMANTIC_LOSSES
from retrieval.row_condition import Judge
from retrieval.semantic.knn_search import Neighbours, check_ids, rerank
from retrieval.semantic.near_duplicates import without_near_duplicates
from retrieval.semantic.plan import SearchSettings
from retrieval.semantic.pool_metadata import Metadata, compared_values
from retrieval.semantic.pools import Pool


@dataclass(frozen=True)
class PoolHits:
    """What a pool answers to some prompts."""

    pool: Pool
    queries: np.ndarray  # float32 (prompts, width), the prompts' embeddings
    neighbours: dict[str, Neighbours]  # source -> the hits of all prompts

    def of(self, rows: slice) -> "PoolHits":
        """The answer to some of the prompts."""
        neighbours = {source: each.of(rows) for source, each in self.neighbours.items()}
        return PoolHits(self.pool, self.queries[rows], neighbours)


class Hits(NamedTuple):
    """Hits as columns, one value per hit."""

    ids: np.ndarray  # int64, the row of the pool
    sources: np.ndarray  # index into SOURCES
    prompts: np.ndarray  # index into the prompts that were asked
    ranks: np.ndarray  # among the prompt's hits without near-duplicates, from 0
    scores: np.ndarray  # float32

    def take(self, which: np.ndarray) -> "Hits":
        return Hits(*(column[which] for column in self))


@dataclass(frozen=True)
class Selection:
    """What one class selects from one pool."""

    hits: Hits  # in the order of the records
    rows: pa.Table  # the pool's columns of these hits
    counts: dict[str, int]  # asked, then one per loss (records.SEMANTIC_LOSSES), then kept


def select(found: PoolHits, settings: SearchSettings) -> Selection:
    """One class's records in one pool, from the answer to its prompts."""
    counts = dict.fromkeys(("asked", *SEMANTIC_LOSSES, "kept"), 0)
    by_source = [_distinct_hits(found, source, settings, counts) for source in found.neighbours]
    hits = Hits(*(np.concatenate(column) for column in zip(*by_source, strict=True)))
    hits = hits.take(np.argsort(hits.prompts, kind="stable"))  # sources stay in their order within each prompt

    metadata = found.pool.metadata
    ids, first, id_of_hit = np.unique(hits.ids, return_index=True, return_inverse=True)
    table = metadata.fetch(ids, list(dict.fromkeys(metadata.columns.values())))
    tags = safety_tags(table, metadata.columns, metadata.name)
    unsafe = np.zeros(len(ids), bool) if tags is None else tagged_unsafe(tags)
    dropped = ~unsafe & ~_fulfil_condition(metadata, ids)
    safe = np.flatnonzero(~unsafe & ~dropped)
    safe = safe[np.argsort(first[safe])]
    counts["nsfw"] = int(unsafe[id_of_hit].sum())
    counts["where"] = int(dropped[id_of_hit].sum())
    counts["kept"] = len(safe)
    counts["repeats"] = len(hits.ids) - counts["nsfw"] - counts["where"] - counts["kept"]
    return Selection(hits.take(first[safe]), table.take(safe), counts)


def _fulfil_condition(metadata: Metadata, ids: np.ndarray) -> np.ndarray:
    """Which rows --where keeps: bool (n,); all where there is none."""
    if metadata.condition is None or not len(ids):
        return np.ones(len(ids), bool)
    with Judge(metadata.condition, metadata.name) as judge:
        return judge.holds(compared_values(metadata.fetch(ids, list(metadata.compared))))


def _distinct_hits(found: PoolHits, source: str, settings: SearchSettings, counts: dict[str, int]) -> Hits:
    """One index's hits without near-duplicates, by prompt and rank. Adds to the `counts` what is asked and lost."""
    vectors, neighbours = found.pool.indices[source], found.neighbours[source]
    if source in found.pool.embeddings:
        embeddings = found.pool.embeddings[source]
        vectors, neighbours = embeddings, rerank(vectors, neighbours, embeddings, found.queries)
    ids, stays = without_near_duplicates(vectors, neighbours, settings.dedup_threshold)
    check_ids(ids[ids != -1], found.pool.metadata.rows)
    beyond = max(0, settings.results_per_query - vectors.ntotal) * len(found.queries)
    counts["asked"] += ids.size
    counts["beyond"] += beyond
    counts["short"] += int((ids < 0).sum()) - beyond
    counts["near_duplicates"] += int((ids >= 0).sum() - stays.sum())
    if settings.min_score is not None:
        low = stays & (neighbours.scores < settings.min_score)
        counts["low_score"] += int(low.sum())
        stays = stays & ~low
    prompts, positions = np.nonzero(stays)
    ranks = np.cumsum(stays, axis=1)[prompts, positions] - 1
    sources = np.full(len(prompts), list(SOURCES).index(source))
    return Hits(ids[stays], sources, prompts, ranks, neighbours.scores[stays])
