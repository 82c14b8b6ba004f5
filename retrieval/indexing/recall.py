"""Recall@10 of an index: the share of the exact ten nearest rows that it finds, over a sample of its own rows."""

from dataclasses import dataclass

import faiss
import numpy as np

from retrieval.embeddings import EmbeddingFiles

RECALL_AT = 10
RECALL_QUERIES = 256  # rows asked for: the standard error of a recall of 0.9 is then below 0.01
RECALL_ROWS = 50_000_000  # exact search reads every row; above this it takes hours, so it is left out unless asked for
EQUAL_SCORE = 1e-5


@dataclass(frozen=True)
class ExactAnswers:
    """What exact search finds for a sample of rows."""

    vectors: np.ndarray  # float32 (queries, width): the rows asked for
    tenth: np.ndarray  # float32 (queries,): the score of the tenth nearest row


def recall_infos(index, embeddings: EmbeddingFiles, queries: int | None, seed: int) -> dict:
    """{"recall@10": float or None where it was not measured, "recall_queries": int}.

    Args:
        queries: rows to ask for; None: RECALL_QUERIES, or none of a pool too large for exact search.
    """
    return infos_of(index, embeddings, exact_answers(embeddings, queries, seed))


def infos_of(index, embeddings: EmbeddingFiles, exact: ExactAnswers | None) -> dict:
    if exact is None:
        return {f"recall@{RECALL_AT}": None, "recall_queries": 0}
    return {f"recall@{RECALL_AT}": round(recall_of(index, embeddings, exact), 4), "recall_queries": len(exact.vectors)}


def exact_answers(embeddings: EmbeddingFiles, queries: int | None, seed: int) -> ExactAnswers | None:
    """Exact search for a sample of rows: reads every row once, one block at a time. None: no rows to ask for."""
    if queries is None:
        queries = RECALL_QUERIES if embeddings.ntotal <= RECALL_ROWS else 0
    queries = min(queries, embeddings.ntotal)
    if queries == 0:
        return None
    vectors = embeddings.take(np.sort(np.random.default_rng(seed).choice(embeddings.ntotal, queries, replace=False)))
    k = min(RECALL_AT, embeddings.ntotal)
    exact = faiss.ResultHeap(len(vectors), k, keep_max=True)
    for first, block in embeddings.blocks():
        scores, rows = faiss.knn(vectors, block, min(k, len(block)), faiss.METRIC_INNER_PRODUCT)
        exact.add_result(scores, rows + first)
    exact.finalize()
    return ExactAnswers(vectors, exact.D[:, -1].copy())


def recall_of(index, embeddings: EmbeddingFiles, exact: ExactAnswers) -> float:
    """A row that scores as high as the tenth counts as one of the ten: pools are full of equal captions."""
    found = index.search(exact.vectors, min(RECALL_AT, embeddings.ntotal))[1]
    there = found >= 0  # -1: the index found fewer
    neighbours = embeddings.take(np.where(there, found, 0).ravel()).reshape(*found.shape, -1)
    scores = np.einsum("qkw,qw->qk", neighbours, exact.vectors)
    return float((there & (scores >= exact.tenth[:, None] - EQUAL_SCORE)).mean())


def recall_in_words(infos: dict) -> str:
    recall = infos[f"recall@{RECALL_AT}"]
    if recall is None:
        return f"recall@{RECALL_AT} not measured (--recall-queries {RECALL_QUERIES} would)"
    return f"recall@{RECALL_AT} {recall:.3f} over {infos['recall_queries']:,} rows"
