"""k nearest neighbours of many prompts asked together, with the answer each would get alone from clip-retrieval.

`search` is `index.search_and_reconstruct` for a block of queries, without the reconstruction; `without_near_duplicates`
is `KnnService.get_non_uniques` for the prompts of one class, whose hits overlap so much that comparing each distinct
pair once is several times cheaper than comparing it again for each prompt.

What a block holds: 12 bytes a hit, so 4,096 prompts × 500 hits are 25 MB. Vectors are only ever decoded for one class
and one index: at most 80 prompts × 500 hits × 768 × 4 bytes = 123 MB, in practice a tenth of it. Of an inverted file on
disk, LIST_BYTES are looked at together, and the codes of the block's distinct hits are kept: a tenth of the hits where
prompts of a class agree, 200,000 × 64 bytes for PQ64.
"""

import contextlib
import itertools
from dataclasses import dataclass

from retrieval.embeddings import EmbeddingFiles
from retrieval.semantic.exact_search import exact_search, score_again

DEDUP_THRESHOLD = 0.94  # clip-retrieval's: clip_back.py, get_non_uniques
# Two float32 dot products of the same unit vectors, summed in another order (another BLAS, a rotated space), differ by
# some 1e-7. A pair this near to the threshold is decided by asking faiss exactly as clip-retrieval does.
UNDECIDED = 2e-6
ROWS_AT_ONCE = 512  # of the similarity matrix: 512 × 6,000 × 4 bytes = 12 MB; larger ones leave the cache, 20 % slower
MANY_PAIRS = 400  # one pair in so many: gathering them for a comparison one by one costs as much as comparing all
ROUNDING = 1e-5  # more than float32's in sums of some hundred products of unit vectors' values
PAIRS_AT_ONCE = 1 << 22  # (prompt, pair) combinations looked up together: 4 M × 2 × 4 bytes
_NEVER_BLAS = 2**31 - 1
# Of an inverted file on disk: as much of it as is worked on before the next stretch is read. It should fit in memory
# beside everything else; smaller stretches read no more bytes, they only merge the hits more often.
LIST_BYTES = 2 << 30


@dataclass(frozen=True)
class Neighbours:
    """The hits of a block of queries, best first. Both arrays are (queries, k); after a query's last hit, place -1."""

    places: object  # int64, where the index keeps the vector: list << 32 | offset in an inverted file, else its id
    scores: object  # float32, inner products
    stored: "Stored | None" = None  # the hits' ids and codes, where they were read together with the lists

    def of(self, queries: slice) -> "Neighbours":
        """The hits of some of the queries."""
        return Neighbours(self.places[queries], self.scores[queries], self.stored)


@dataclass(frozen=True)
class Stored:
    """What an inverted file keeps at some distinct sorted places."""

    places: object  # int64 (n,)
    ids: object  # int64 (n,)
    codes: object  # uint8 (n, code_size)


def search(index, queries, k: int, list_bytes: int = LIST_BYTES) -> Neighbours:
    """`index.search_and_reconstruct` of float32 (n, width) queries: the ids, order and scores of n lonely queries.

    A batch is not n lonely queries bit for bit, and 500 hits lie so close together that the last bit decides an order
    once in a few prompts. Two things differ, and both are held to the lonely way here: vector transforms (OPQ, PCA)
    are applied to one query at a time, because a matrix product rounds by its shape (0.1 ms each at width 768); and
    exhaustive comparisons (a flat index, the centroids of an inverted file) stay with the SIMD kernel that a lonely
    query gets, where faiss would change to BLAS for a batch. Everything behind them is per query in faiss itself.
    """
    import faiss
    import numpy as np

    chain, inner = split(index)
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    for transform in chain:
        queries = np.concatenate([transform.apply(queries[row : row + 1]) for row in range(len(queries))])
    if isinstance(inner, faiss.IndexIVF):
        with lonely_kernel():
            return _search_inverted_file(inner, queries, k, list_bytes)
    if isinstance(inner, (faiss.IndexFlat, faiss.IndexHNSW, faiss.IndexScalarQuantizer)):
        with lonely_kernel():
            scores, ids = inner.search(queries, k)
    else:  # a kind whose batches we have not compared: one at a time, as clip-retrieval does
        rows = [inner.search(queries[row : row + 1], k) for row in range(len(queries))]
        scores, ids = (np.concatenate(part) for part in zip(*rows, strict=True))
    return Neighbours(ids, scores)


def search_exactly(files: EmbeddingFiles, queries, k: int, groups: list[slice], device: str) -> Neighbours:
    """The k best of all rows, with no index; `groups` of queries and `device` as in `exact_search`."""
    return Neighbours(*exact_search(files, queries, k, groups, device))


def rerank(index, neighbours: Neighbours, files: EmbeddingFiles, queries) -> Neighbours:
    """An index's hits in the order of their exact scores; their places are rows of `files` then."""
    import numpy as np

    found = neighbours.places >= 0
    distinct, column = np.unique(neighbours.places[found], return_inverse=True)
    ids = np.full(found.shape, -1, np.int64)
    ids[found] = look_up(index, distinct, neighbours.stored)[0][column]
    return Neighbours(*score_again(files, ids, queries))


def _search_inverted_file(ivf, queries, k: int, list_bytes: int) -> Neighbours:
    """Query by query where the lists are in memory, else stretch by stretch of the file, each needed list read once.

    Stretches end at the same lists whatever the queries are, so a query's answer does not depend on its block. It is
    the lonely answer but for one thing: where hits share the very score of the k-th, a file of several stretches may
    keep others of them, because faiss keeps those that it happens to meet first.
    """
    import faiss
    import numpy as np

    centroid_scores, lists = ivf.quantizer.search(queries, min(ivf.nprobe, ivf.nlist))
    if not isinstance(faiss.downcast_InvertedLists(ivf.invlists), faiss.OnDiskInvertedLists):
        return Neighbours(*_scan(ivf, queries, lists, centroid_scores, k))
    # Lists lie in the file in the order of their numbers: faiss writes them so, merged or not.
    sizes = np.array([ivf.invlists.list_size(number) for number in range(ivf.nlist)]) * (ivf.code_size + 8)
    stretch_of_list = np.cumsum(sizes) // list_bytes
    if stretch_of_list[-1] == 0:
        return Neighbours(*_scan(ivf, queries, lists, centroid_scores, k))
    stretch_of = np.where(lists >= 0, stretch_of_list[lists], -1)
    places, scores = np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), -np.inf, np.float32)
    stored = Stored(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, ivf.code_size), np.uint8))
    for stretch in np.unique(stretch_of[stretch_of >= 0]):
        here = stretch_of == stretch
        rows = np.flatnonzero(here.any(axis=1))
        _read(ivf.invlists, np.unique(lists[here]), ivf.code_size)
        found = _scan(ivf, queries[rows], np.where(here, lists, -1)[rows], centroid_scores[rows], k)
        places[rows], scores[rows] = _best(k, (places[rows], scores[rows]), found)
        # While the stretch is in memory, what dedup will ask of the hits: later they would be reads all over the disk.
        new = np.unique(places[rows])
        new = new[(new >= 0) & (stretch_of_list[new >> 32] == stretch)]
        stored = _merged(stored, _stored(ivf, new), np.unique(places))
    return Neighbours(places, scores, stored)


def _scan(ivf, queries, lists, centroid_scores, k: int):
    """(places, scores) of each query's `lists` (-1: none), as IndexIVF.search_and_reconstruct finds them."""
    import faiss
    import numpy as np

    n = len(queries)
    queries, lists = np.ascontiguousarray(queries), np.ascontiguousarray(lists)
    scores, places = np.empty((n, k), np.float32), np.empty((n, k), np.int64)
    # store_pairs=True gives places instead of ids, and breaks ties as search_and_reconstruct does: by place.
    pointers = (faiss.swig_ptr(array) for array in (lists, np.ascontiguousarray(centroid_scores), scores, places))
    ivf.search_preassigned_c(n, faiss.swig_ptr(queries), k, *pointers, True)
    return places, scores


def _read(lists, numbers, code_size: int) -> None:
    """Touch every page of some lists, front to back, so that the disk is read in the order of the file."""
    import faiss

    for number in numbers.tolist():
        size = lists.list_size(number)
        ids, codes = lists.get_ids(number), lists.get_codes(number)
        if size:
            faiss.rev_swig_ptr(codes, size * code_size)[::4096].max()
            faiss.rev_swig_ptr(ids, size)[::512].max()
        lists.release_ids(number, ids)
        lists.release_codes(number, codes)


def _best(k: int, *found):
    """The k best of (places, scores) of the same queries; equal scores in faiss's order, the greater place first."""
    import numpy as np

    places, scores = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    order = np.lexsort((-places, -scores), axis=1)[:, :k]
    return np.take_along_axis(places, order, 1), np.take_along_axis(scores, order, 1)


def _stored(ivf, places) -> Stored:
    """Ids and codes at distinct sorted places of an inverted file."""
    import faiss
    import numpy as np

    ids, codes = np.empty(len(places), np.int64), np.empty((len(places), ivf.code_size), np.uint8)
    lists = ivf.invlists
    for number, here, offsets in _by_list(places):
        size = lists.list_size(number)
        ids_pointer, codes_pointer = lists.get_ids(number), lists.get_codes(number)
        ids[here] = faiss.rev_swig_ptr(ids_pointer, size)[offsets]
        codes[here] = faiss.rev_swig_ptr(codes_pointer, size * ivf.code_size).reshape(size, -1)[offsets]
        lists.release_ids(number, ids_pointer)
        lists.release_codes(number, codes_pointer)
    return Stored(places, ids, codes)


def _merged(one: Stored, other: Stored, still_hits) -> Stored:
    """Both, sorted by place, without what is no hit any more."""
    import numpy as np

    parts = [np.concatenate(part) for part in zip(*((s.places, s.ids, s.codes) for s in (one, other)), strict=True)]
    keep = np.flatnonzero(np.isin(parts[0], still_hits))
    keep = keep[np.argsort(parts[0][keep])]
    return Stored(*(part[keep] for part in parts))


def look_up(index, places, stored: Stored | None = None):
    """(ids, unit vectors) of distinct sorted `places`: int64 (n,), float32 (n, width).

    The vectors are decoded as the index keeps them, that is up to a rotation (OPQ) that all of them share.

    Raises:
        RuntimeError: the index cannot give its vectors back (nor could clip-retrieval then remove near-duplicates).
    """
    import faiss
    import numpy as np

    if isinstance(index, EmbeddingFiles):
        return places, _unit(index.take(places))
    chain, inner = split(index)
    if isinstance(inner, faiss.IndexIVF):
        if stored is None:
            stored = _stored(inner, places)
        at = np.searchsorted(stored.places, places)
        ids, codes = stored.ids[at], stored.codes[at]
        vectors = np.empty((len(places), inner.d), np.float32)
        list_numbers = np.ascontiguousarray(places >> 32)
        inner.decode_vectors(len(places), *(faiss.swig_ptr(array) for array in (codes, list_numbers, vectors)))
    else:
        ids, vectors = places, inner.reconstruct_batch(places)
    if not all(_keeps_angles(transform) for transform in chain):
        vectors = _back(chain, vectors)
    return ids, _unit(vectors)


def without_near_duplicates(index, neighbours: Neighbours, threshold: float = DEDUP_THRESHOLD):
    """(ids, stays) of some queries' hits, int64 and bool (queries, k): `stays` are those that
    `KnnService.query(deduplicate=True)` returns; ids are -1 where there is no hit.

    For each query by itself: hits whose vectors' cosine is above `threshold` are joined, and of each connected
    component only the best hit stays. An id left out once is left out wherever the query lists it.
    """
    import numpy as np

    places = neighbours.places
    queries, k = places.shape
    found = np.logical_and.accumulate(places >= 0, axis=1)  # clip-retrieval stops at the first -1
    distinct, column = np.unique(places[found], return_inverse=True)
    distinct_ids, vectors = look_up(index, distinct, neighbours.stored)
    ids = np.full((queries, k), -1, np.int64)
    ids[found] = distinct_ids[column]
    rank_of = np.full((queries, len(distinct)), -1, np.int32)  # of each distinct vector in each query's list
    query_of, rank = np.nonzero(found)
    rank_of[query_of, column] = rank

    first, second, score = _similar_pairs(vectors, threshold - UNDECIDED)
    above = score > np.float32(threshold)
    stays = found & _first_of_components(rank_of, k, first[above], second[above])
    undecided = score < threshold + UNDECIDED
    if undecided.any():
        without = _first_of_components(rank_of, k, first[~undecided], second[~undecided])
        with_them = _first_of_components(rank_of, k, first, second)
        for query in np.flatnonzero((without != with_them).any(axis=1)):
            hits = int(found[query].sum())
            stays[query, :hits] = _as_clip_retrieval_does(index, places[query, :hits], threshold)
    if len(np.unique(distinct_ids)) < len(distinct_ids):  # an index that holds an id twice
        for query in range(queries):
            listed, stay = ids[query][found[query]], stays[query][found[query]]
            once = np.zeros(len(listed), bool)
            once[np.unique(listed, return_index=True)[1]] = True
            stays[query][found[query]] = once & ~np.isin(listed, listed[~stay])
    return ids, stays


def _first_of_components(rank_of, k: int, first, second):
    """For every (query, rank) whether it is the best of its component, where these pairs are joined."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes = len(rank_of) * k
    left, right = _pairs_of_queries(rank_of, k, first, second)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(nodes, nodes))
    components, label = connected_components(graph, directed=False)
    best = np.empty(components, np.int64)
    best[label[::-1]] = np.arange(nodes)[::-1]  # of an index given twice, numpy keeps the last value: the best rank
    stays = np.zeros(nodes, bool)
    stays[best] = True
    return stays.reshape(-1, k)


def _similar_pairs(vectors, threshold: float):
    """(i, j, cosine) with i < j and cosine above the threshold, of unit vectors (n, width).

    Few pairs are that similar, so most are ruled out by a bound at two fifths of the cost: with some of the dimensions
    in x', y' and the others in x", y", x·y = x'·y' + x"·y" <= x'·y' + |x"| |y"| (Cauchy and Schwarz). The dimensions
    in which the vectors differ most make it tight. What passes is compared in full.
    """
    import numpy as np

    if len(vectors) == 0:
        return (np.empty(0, int),) * 3
    order = np.argsort(-vectors[::8].var(axis=0))
    head = vectors[:, order[: vectors.shape[1] * 3 // 8]]
    rest = np.sqrt(np.maximum(0, 1 - np.einsum("nd,nd->n", head, head)) + ROUNDING)
    head = np.column_stack([head, rest])
    found = []
    for begin in range(0, len(vectors), ROWS_AT_ONCE):
        bound = head[begin : begin + ROWS_AT_ONCE] @ head[begin:].T
        passing = np.flatnonzero(bound.ravel() > threshold - ROUNDING)
        many = len(passing) > bound.size // MANY_PAIRS
        if many:
            scores = vectors[begin : begin + ROWS_AT_ONCE] @ vectors[begin:].T
            passing = np.flatnonzero(scores.ravel() > threshold)
        first, second = np.divmod(passing, bound.shape[1])
        upper = second > first
        first, second = first[upper], second[upper]
        if many:
            score = scores[first, second]
        else:
            score = np.einsum("nd,nd->n", vectors[first + begin], vectors[second + begin])
        above = score > threshold
        found.append((first[above] + begin, second[above] + begin, score[above]))
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def _pairs_of_queries(rank_of, k: int, first, second):
    """The pairs (columns of `rank_of`) that each query has among its hits, as flat positions query * k + rank.

    `rank_of` is (queries, distinct). A query has a pair when it has both.
    """
    import numpy as np

    queries = len(rank_of)
    base = (np.arange(queries, dtype=np.int64) * k)[:, None]
    lefts, rights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    step = max(1, PAIRS_AT_ONCE // max(1, queries))
    for begin in range(0, len(first), step):
        left, right = rank_of[:, first[begin : begin + step]], rank_of[:, second[begin : begin + step]]
        both = (left >= 0) & (right >= 0)
        lefts.append((base + left)[both])
        rights.append((base + right)[both])
    return np.concatenate(lefts), np.concatenate(rights)


def _as_clip_retrieval_does(index, places, threshold: float):
    """Which of one query's hits stay, found with the very calls of clip-retrieval, so that ties fall the same way.

    A tie may hold for (i, j) and not for (j, i), so its components are followed as there: along a hit's own list.
    """
    import faiss
    import numpy as np

    vectors = _unit(np.stack([_reconstruct(index, int(place)) for place in places]))
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    limits, _, neighbours = flat.range_search(vectors, threshold)
    seen, stays = np.zeros(len(places), bool), np.zeros(len(places), bool)
    for start in range(len(places)):
        stays[start] = not seen[start]
        waiting = [] if seen[start] else [start]
        seen[start] = True
        while waiting:
            hit = waiting.pop()
            listed = neighbours[int(limits[hit]) : int(limits[hit + 1])]
            waiting.extend(listed[~seen[listed]].tolist())
            seen[listed] = True
    return stays


def _reconstruct(index, place: int):
    import faiss
    import numpy as np

    if isinstance(index, EmbeddingFiles):
        return index.take(np.array([place]))[0]
    chain, inner = split(index)
    vector = np.empty(inner.d, np.float32)
    if isinstance(inner, faiss.IndexIVF):
        inner.reconstruct_from_offset(place >> 32, place & 0xFFFFFFFF, faiss.swig_ptr(vector))
    else:
        inner.reconstruct(place, vector)
    return _back(chain, vector[None])[0]


def split(index):
    """(transforms, the index behind them), each as its own class."""
    import faiss

    index = faiss.downcast_index(index)
    if not isinstance(index, faiss.IndexPreTransform):
        return [], index
    chain = [faiss.downcast_VectorTransform(index.chain.at(i)) for i in range(index.chain.size())]
    return chain, faiss.downcast_index(index.index)


def _keeps_angles(transform) -> bool:
    """A rotation (OPQ): cosines are the same before it and behind it, so going back through it can be saved."""
    import faiss

    return isinstance(transform, faiss.LinearTransform) and transform.is_orthonormal and not transform.have_bias


def _back(chain, vectors):
    for transform in reversed(chain):
        vectors = transform.reverse_transform(vectors)
    return vectors


def _unit(vectors):
    """clip_back.normalized, operation by operation."""
    import numpy as np

    norms = np.linalg.norm(vectors, 2, -1)
    norms[norms == 0] = 1
    return vectors / norms[:, None]


def _by_list(places):
    """(list, slice of `places`, offsets) for sorted places, in file order."""
    import numpy as np

    lists = places >> 32
    edges = np.flatnonzero(np.r_[True, lists[1:] != lists[:-1], True]) if len(places) else []
    for begin, end in itertools.pairwise(edges):
        yield int(lists[begin]), slice(begin, end), places[begin:end] & 0xFFFFFFFF


@contextlib.contextmanager
def lonely_kernel():
    """Have faiss compare a batch exhaustively with the kernel it uses for one query, so that scores are bit-equal."""
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = _NEVER_BLAS
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before
