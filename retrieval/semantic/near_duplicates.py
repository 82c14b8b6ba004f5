"""Which hits of a prompt are near-duplicates of a better one: decided as clip-retrieval's KnnService decides it.

The idea: hits of one prompt whose vectors' cosine is above a threshold are joined, and of each connected component only
the best hit stays (`KnnService.get_non_uniques`). The prompts of a class share most of their hits, so each pair of
distinct vectors is compared once for all prompts, several times cheaper than once per prompt.

The invariant: the hits that stay are those of `KnnService.query(deduplicate=True)`, also where a cosine lies on the
threshold itself. tests/test_knn_search.py holds it
(`test_pairs_on_the_threshold_itself_fall_as_they_fall_in_clip_retrieval`).

Memory: the vectors of one class and one index, at most 80 prompts × 500 hits × 768 × 4 bytes = 123 MB, in practice a
tenth of it.
"""

import faiss
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from retrieval.embeddings import EmbeddingFiles
from retrieval.semantic.knn_search import Neighbours, look_up, reconstruct, unit_rows

# Two float32 dot products of the same unit vectors, summed in another order (another BLAS, a rotated space), differ by
# some 1e-7. A pair this near to the threshold is decided by asking faiss exactly as clip-retrieval does.
UNDECIDED = 2e-6
SIMILARITY_ROWS = 512  # × 6,000 × 4 bytes = 12 MB of the similarity matrix; larger parts leave the cache, 20 % slower
DENSE_ONE_IN = 400  # from one passing pair in 400, comparing all pairs costs no more than gathering those that pass
ROUNDING = 1e-5  # more than float32's in sums of some hundred products of unit vectors' values
LOOKUP_PAIRS = 1 << 22  # (prompt, pair) combinations looked up together: 4 M × 2 × 4 bytes


def without_near_duplicates(
    index: faiss.Index | EmbeddingFiles, neighbours: Neighbours, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """(ids, stays) of the hits of some queries, int64 and bool (queries, k).

    `stays` marks the hits that `KnnService.query(deduplicate=True)` returns; ids are -1 where there is no hit. A hit is
    a near-duplicate when its cosine with another hit of the same query is above `threshold`. An id that is left out
    once is left out wherever the query lists it.
    """
    locations = neighbours.locations
    queries, k = locations.shape
    found = np.logical_and.accumulate(locations >= 0, axis=1)  # clip-retrieval stops at the first -1
    distinct, column = np.unique(locations[found], return_inverse=True)
    distinct_ids, vectors = look_up(index, distinct, neighbours.stored)
    ids = np.full((queries, k), -1, np.int64)
    ids[found] = distinct_ids[column]
    rank_of = np.full((queries, len(distinct)), -1, np.int32)  # of each distinct vector among each query's hits
    query_of, rank = np.nonzero(found)
    rank_of[query_of, column] = rank

    first, second, cosine = similar_pairs(vectors, threshold - UNDECIDED)
    above = cosine > np.float32(threshold)
    stays = found & _best_of_components(rank_of, k, first[above], second[above])
    undecided = cosine < threshold + UNDECIDED
    if undecided.any():
        without = _best_of_components(rank_of, k, first[~undecided], second[~undecided])
        with_them = _best_of_components(rank_of, k, first, second)
        for query in np.flatnonzero((without != with_them).any(axis=1)):
            hits = int(found[query].sum())
            stays[query, :hits] = _as_clip_retrieval_does(index, locations[query, :hits], threshold)
    if len(np.unique(distinct_ids)) < len(distinct_ids):  # an index that holds an id twice
        for query in range(queries):
            listed, stay = ids[query][found[query]], stays[query][found[query]]
            once = np.zeros(len(listed), bool)
            once[np.unique(listed, return_index=True)[1]] = True
            stays[query][found[query]] = once & ~np.isin(listed, listed[~stay])
    return ids, stays


def similar_pairs(vectors: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(i, j, cosine) with i < j and cosine above the threshold, of unit vectors (n, width).

    Few pairs are that similar, so most are ruled out by a bound at two fifths of the cost. With some of the dimensions
    in x', y' and the others in x", y": x·y = x'·y' + x"·y" <= x'·y' + |x"| |y"| (Cauchy and Schwarz). The bound is
    tight because x' has the dimensions in which the vectors differ most. Pairs that pass are compared in full.
    """
    if len(vectors) == 0:
        return np.empty(0, int), np.empty(0, int), np.empty(0, int)
    order = np.argsort(-vectors[::8].var(axis=0))
    head = vectors[:, order[: vectors.shape[1] * 3 // 8]]
    rest = np.sqrt(np.maximum(0, 1 - np.einsum("nd,nd->n", head, head)) + ROUNDING)
    head = np.column_stack([head, rest])
    found = []
    for begin in range(0, len(vectors), SIMILARITY_ROWS):
        bound = head[begin : begin + SIMILARITY_ROWS] @ head[begin:].T
        passing = np.flatnonzero(bound.ravel() > threshold - ROUNDING)
        dense = len(passing) > bound.size // DENSE_ONE_IN
        if dense:
            cosines = vectors[begin : begin + SIMILARITY_ROWS] @ vectors[begin:].T
            passing = np.flatnonzero(cosines.ravel() > threshold)
        first, second = np.divmod(passing, bound.shape[1])
        upper = second > first
        first, second = first[upper], second[upper]
        if dense:
            cosine = cosines[first, second]
        else:
            cosine = np.einsum("nd,nd->n", vectors[first + begin], vectors[second + begin])
        above = cosine > threshold
        found.append((first[above] + begin, second[above] + begin, cosine[above]))
    first, second, cosine = (np.concatenate(part) for part in zip(*found, strict=True))
    return first, second, cosine


def _best_of_components(rank_of: np.ndarray, k: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """For every (query, rank) whether it is the best hit of its component, where these pairs are joined."""
    nodes = len(rank_of) * k
    left, right = _pairs_of_queries(rank_of, k, first, second)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(nodes, nodes))
    components, label = connected_components(graph, directed=False)
    best = np.empty(components, np.int64)
    best[label[::-1]] = np.arange(nodes)[::-1]  # where numpy writes an entry twice, the last value stays: the best rank
    stays = np.zeros(nodes, bool)
    stays[best] = True
    return stays.reshape(-1, k)


def _pairs_of_queries(
    rank_of: np.ndarray, k: int, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs (columns of `rank_of`) that each query has among its hits, as flat positions query * k + rank.

    `rank_of` is (queries, distinct). A query has a pair when it has both.
    """
    queries = len(rank_of)
    base = (np.arange(queries, dtype=np.int64) * k)[:, None]
    lefts, rights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    step = max(1, LOOKUP_PAIRS // max(1, queries))
    for begin in range(0, len(first), step):
        left, right = rank_of[:, first[begin : begin + step]], rank_of[:, second[begin : begin + step]]
        both = (left >= 0) & (right >= 0)
        lefts.append((base + left)[both])
        rights.append((base + right)[both])
    return np.concatenate(lefts), np.concatenate(rights)


def _as_clip_retrieval_does(index: faiss.Index | EmbeddingFiles, locations: np.ndarray, threshold: float) -> np.ndarray:
    """Which of one query's hits stay, found with the very calls of clip-retrieval, so that ties fall the same way.

    On a tie, rounding may join (i, j) and not (j, i). So components are followed as clip-retrieval follows them: along
    the list of each hit's own neighbours.
    """
    vectors = unit_rows(np.stack([reconstruct(index, int(location)) for location in locations]))
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    limits, _, neighbours = flat.range_search(vectors, threshold)
    seen, stays = np.zeros(len(locations), bool), np.zeros(len(locations), bool)
    for start in range(len(locations)):
        stays[start] = not seen[start]
        waiting = [] if seen[start] else [start]
        seen[start] = True
        while waiting:
            hit = waiting.pop()
            listed = neighbours[int(limits[hit]) : int(limits[hit + 1])]
            waiting.extend(listed[~seen[listed]].tolist())
            seen[listed] = True
    return stays
