"""The k nearest neighbours of many prompts, searched together in a faiss index.

The idea: prompts of a block share the inverted lists that they visit, so one batched search is many times as fast as
one search per prompt, and on a disk each list is read once per block.

The invariant: `search` gives each query the ids, order and float32 scores that `index.search_and_reconstruct` gives it
when it is searched for alone, as clip-retrieval's KnnService does. tests/test_knn_search.py holds it, for ten kinds of
index (`test_a_block_of_queries_gets_what_knn_service_returns_for_each_alone`).

A hit is named by its *location*, an int64, because an inverted file finds a vector by its list, not by its id:

    inverted file (IVF…)                    list << 32 | offset in the list
    any other index, or EmbeddingFiles      the id itself, which is the row

`look_up` turns locations into ids and vectors; nothing outside this file and near_duplicates.py needs to know.

Memory: 12 bytes per hit, so 4,096 prompts × 500 hits are 25 MB. Of an inverted file on disk, STRETCH_BYTES are worked
on at a time, and the codes of the block's distinct hits are kept: a tenth of the hits where the prompts of a class
agree, 200,000 × 64 bytes for PQ64.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np

from retrieval.cli import UserError
from retrieval.embeddings import EmbeddingFiles

_NEVER_BLAS = 2**31 - 1
# An inverted file on disk is searched in stretches of this size. A stretch should fit in memory beside everything
# else. Smaller stretches read no more bytes; they only merge the hits more often.
STRETCH_BYTES = 2 << 30


@dataclass(frozen=True)
class Stored:
    """What an inverted file holds at some distinct sorted locations."""

    locations: np.ndarray  # int64 (n,)
    ids: np.ndarray  # int64 (n,)
    codes: np.ndarray  # uint8 (n, code_size)


@dataclass(frozen=True)
class Neighbours:
    """The hits of some queries, best first. Both arrays are (queries, k); after a query's last hit, location -1."""

    locations: np.ndarray  # int64
    scores: np.ndarray  # float32, inner products
    stored: Stored | None = None  # the hits' ids and codes, where they were read together with the lists

    def of(self, queries: slice) -> "Neighbours":
        """The hits of some of the queries."""
        return Neighbours(self.locations[queries], self.scores[queries], self.stored)


def search(index: faiss.Index, queries: np.ndarray, k: int, stretch_bytes: int = STRETCH_BYTES) -> Neighbours:
    """The k nearest neighbours of float32 (n, width) queries: the same result as searching for each query alone.

    A batch differs from single searches in the last bits of its scores, and 500 hits lie so close together that the
    last bit decides an order once in a few prompts. There are two causes, and both are avoided here:

    - A vector transform (OPQ, PCA) is a matrix product, which rounds by its shape. It is applied to one query at a
      time (0.1 ms per query at width 768).
    - For an exhaustive comparison (a flat index, the centroids of an inverted file) faiss uses a SIMD kernel for one
      query and BLAS for a batch. `single_query_kernel` keeps it to the first.

    Everything behind them is done per query in faiss itself.
    """
    chain, inner = split(index)
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    for transform in chain:
        queries = np.concatenate([transform.apply(queries[row : row + 1]) for row in range(len(queries))])
    if isinstance(inner, faiss.IndexIVF):
        with single_query_kernel():
            return _search_inverted_file(inner, queries, k, stretch_bytes)
    if isinstance(inner, (faiss.IndexFlat, faiss.IndexHNSW, faiss.IndexScalarQuantizer)):
        with single_query_kernel():
            scores, ids = inner.search(queries, k)
    else:  # batches of another kind have not been compared with single searches
        found = [inner.search(queries[row : row + 1], k) for row in range(len(queries))]
        scores, ids = (np.concatenate(part) for part in zip(*found, strict=True))
    return Neighbours(ids, scores)


def rerank(index: faiss.Index, neighbours: Neighbours, files: EmbeddingFiles, queries: np.ndarray) -> Neighbours:
    """An index's hits, scored again by the exact inner products with the stored embeddings, best first.

    The new locations are rows of `files`. `queries` is float32 (n, width), `neighbours` their hits.

    Raises:
        UserError: an id that is no row of the files, or a hit's stored embedding that is not unit.
    """
    found = neighbours.locations >= 0
    distinct, column = np.unique(neighbours.locations[found], return_inverse=True)
    rows = np.full(found.shape, -1, np.int64)
    rows[found] = look_up(index, distinct, neighbours.stored)[0][column]
    distinct, column = np.unique(rows[found], return_inverse=True)
    check_ids(distinct, files.ntotal)
    vectors = files.take_unit(distinct)
    vector_of = np.zeros(rows.shape, np.int64)
    vector_of[found] = column
    scores = np.stack([np.einsum("kd,d->k", vectors[of], query) for of, query in zip(vector_of, queries, strict=True)])
    scores[~found] = -np.inf
    order = np.lexsort((rows, -scores), axis=1)
    return Neighbours(np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1))


def check_ids(ids: np.ndarray, rows: int) -> None:
    """Refuse ids that are no rows of the metadata: an index may hold any int64.

    Raises:
        UserError: names one of them.
    """
    wrong = ids[(ids < 0) | (ids >= rows)]
    if wrong.size:
        raise UserError(
            f"the index holds the id {wrong[0]:,}, and the metadata has the rows 0 to {rows - 1:,}: row i of the "
            "metadata must have the id i; build the index again from its embeddings, without ids of its own"
        )


# ---- inverted files ----


def _search_inverted_file(ivf: faiss.IndexIVF, queries: np.ndarray, k: int, stretch_bytes: int) -> Neighbours:
    """All lists at once where they are in memory, else stretch by stretch of the file, each needed list read once.

    Stretches end at the same lists whatever the queries are, so a query's answer does not depend on its block. It
    differs from a single search in one case: where several hits have exactly the score of the k-th, a file of several
    stretches may keep others of them, because faiss keeps those that it meets first.
    """
    centroid_scores, lists = ivf.quantizer.search(queries, min(ivf.nprobe, ivf.nlist))
    if not isinstance(faiss.downcast_InvertedLists(ivf.invlists), faiss.OnDiskInvertedLists):
        return Neighbours(*_scan(ivf, queries, lists, centroid_scores, k))
    # Lists lie in the file in the order of their numbers: faiss writes them so, merged or not.
    sizes = np.array([ivf.invlists.list_size(number) for number in range(ivf.nlist)]) * (ivf.code_size + 8)
    stretch_of_list = np.cumsum(sizes) // stretch_bytes
    if stretch_of_list[-1] == 0:
        return Neighbours(*_scan(ivf, queries, lists, centroid_scores, k))
    stretch_of = np.where(lists >= 0, stretch_of_list[lists], -1)
    locations, scores = np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), -np.inf, np.float32)
    stored = Stored(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, ivf.code_size), np.uint8))
    for stretch in np.unique(stretch_of[stretch_of >= 0]):
        here = stretch_of == stretch
        rows = np.flatnonzero(here.any(axis=1))
        _read_lists(ivf.invlists, np.unique(lists[here]), ivf.code_size)
        found = _scan(ivf, queries[rows], np.where(here, lists, -1)[rows], centroid_scores[rows], k)
        locations[rows], scores[rows] = _best(k, (locations[rows], scores[rows]), found)
        # While the stretch is in memory, keep what the removal of near-duplicates will ask of these hits. Later it
        # would be random reads all over the disk.
        new = np.unique(locations[rows])
        new = new[(new >= 0) & (stretch_of_list[new >> 32] == stretch)]
        stored = _merged(stored, _stored(ivf, new), np.unique(locations))
    return Neighbours(locations, scores, stored)


def _scan(
    ivf: faiss.IndexIVF, queries: np.ndarray, lists: np.ndarray, centroid_scores: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """(locations, scores) of each query's `lists` (-1: none), as IndexIVF.search_and_reconstruct finds them."""
    n = len(queries)
    queries, lists = np.ascontiguousarray(queries), np.ascontiguousarray(lists)
    scores, locations = np.empty((n, k), np.float32), np.empty((n, k), np.int64)
    # store_pairs=True gives locations instead of ids, and breaks ties as search_and_reconstruct does: by location.
    pointers = (faiss.swig_ptr(array) for array in (lists, np.ascontiguousarray(centroid_scores), scores, locations))
    ivf.search_preassigned_c(n, faiss.swig_ptr(queries), k, *pointers, True)
    return locations, scores


def _read_lists(lists: faiss.InvertedLists, numbers: np.ndarray, code_size: int) -> None:
    """Touch every page of some lists, front to back, so that the disk is read in the order of the file."""
    for number in numbers.tolist():
        size = lists.list_size(number)
        ids, codes = lists.get_ids(number), lists.get_codes(number)
        if size:
            faiss.rev_swig_ptr(codes, size * code_size)[::4096].max()
            faiss.rev_swig_ptr(ids, size)[::512].max()
        lists.release_ids(number, ids)
        lists.release_codes(number, codes)


def _best(k: int, *found: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The k best of several (locations, scores) of the same queries; equal scores as faiss orders them, the greater
    location first."""
    locations, scores = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    order = np.lexsort((-locations, -scores), axis=1)[:, :k]
    return np.take_along_axis(locations, order, 1), np.take_along_axis(scores, order, 1)


def _stored(ivf: faiss.IndexIVF, locations: np.ndarray) -> Stored:
    """Ids and codes at distinct sorted locations of an inverted file."""
    ids, codes = np.empty(len(locations), np.int64), np.empty((len(locations), ivf.code_size), np.uint8)
    lists = ivf.invlists
    for number, here, offsets in _by_list(locations):
        size = lists.list_size(number)
        ids_pointer, codes_pointer = lists.get_ids(number), lists.get_codes(number)
        ids[here] = faiss.rev_swig_ptr(ids_pointer, size)[offsets]
        codes[here] = faiss.rev_swig_ptr(codes_pointer, size * ivf.code_size).reshape(size, -1)[offsets]
        lists.release_ids(number, ids_pointer)
        lists.release_codes(number, codes_pointer)
    return Stored(locations, ids, codes)


def _by_list(locations: np.ndarray) -> Iterator[tuple[int, slice, np.ndarray]]:
    """(list, where in `locations` its part lies, its offsets) for sorted locations, in the order of the file."""
    lists = locations >> 32
    edges = np.flatnonzero(np.r_[True, lists[1:] != lists[:-1], True]) if len(locations) else []
    for begin, end in itertools.pairwise(edges):
        yield int(lists[begin]), slice(begin, end), locations[begin:end] & 0xFFFFFFFF


def _merged(one: Stored, other: Stored, still_hits: np.ndarray) -> Stored:
    """Both, sorted by location, without the locations that are no hits any more."""
    locations, ids, codes = (
        np.concatenate([getattr(one, name), getattr(other, name)]) for name in ("locations", "ids", "codes")
    )
    keep = np.flatnonzero(np.isin(locations, still_hits))
    keep = keep[np.argsort(locations[keep])]
    return Stored(locations[keep], ids[keep], codes[keep])


# ---- the vectors at locations ----


def look_up(
    index: faiss.Index | EmbeddingFiles, locations: np.ndarray, stored: Stored | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(ids, unit vectors) at distinct sorted locations: int64 (n,), float32 (n, width).

    Vectors are decoded as the index keeps them: behind a rotation (OPQ) they stay rotated, all alike, so that their
    cosines are right.

    Raises:
        RuntimeError: the index cannot give its vectors back (nor could clip-retrieval then remove near-duplicates).
    """
    if isinstance(index, EmbeddingFiles):
        return locations, unit_rows(index.take(locations))
    chain, inner = split(index)
    if isinstance(inner, faiss.IndexIVF):
        if stored is None:
            stored = _stored(inner, locations)
        rows = np.searchsorted(stored.locations, locations)
        ids, codes = stored.ids[rows], stored.codes[rows]
        vectors = np.empty((len(locations), inner.d), np.float32)
        lists = np.ascontiguousarray(locations >> 32)
        inner.decode_vectors(len(locations), *(faiss.swig_ptr(array) for array in (codes, lists, vectors)))
    else:
        ids, vectors = locations, inner.reconstruct_batch(locations)
    if not all(_keeps_angles(transform) for transform in chain):
        vectors = _transformed_back(chain, vectors)
    return ids, unit_rows(vectors)


def reconstruct(index: faiss.Index | EmbeddingFiles, location: int) -> np.ndarray:
    """The vector at one location, float32 (width,), bit for bit as faiss's search_and_reconstruct gives it."""
    if isinstance(index, EmbeddingFiles):
        return index.take(np.array([location]))[0]
    chain, inner = split(index)
    vector = np.empty(inner.d, np.float32)
    if isinstance(inner, faiss.IndexIVF):
        inner.reconstruct_from_offset(location >> 32, location & 0xFFFFFFFF, faiss.swig_ptr(vector))
    else:
        inner.reconstruct(location, vector)
    return _transformed_back(chain, vector[None])[0]


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """clip_back.normalized, operation by operation."""
    norms = np.linalg.norm(vectors, 2, -1)
    norms[norms == 0] = 1
    return vectors / norms[:, None]


def _keeps_angles(transform: faiss.VectorTransform) -> bool:
    """A rotation (OPQ): cosines are the same before and behind it, so there is no need to transform back."""
    return isinstance(transform, faiss.LinearTransform) and transform.is_orthonormal and not transform.have_bias


def _transformed_back(chain: list, vectors: np.ndarray) -> np.ndarray:
    for transform in reversed(chain):
        vectors = transform.reverse_transform(vectors)
    return vectors


# ---- faiss ----


def split(index: faiss.Index) -> tuple[list[faiss.VectorTransform], faiss.Index]:
    """The vector transforms and the index behind them, each as its own class."""
    index = faiss.downcast_index(index)
    if not isinstance(index, faiss.IndexPreTransform):
        return [], index
    chain = [faiss.downcast_VectorTransform(index.chain.at(i)) for i in range(index.chain.size())]
    return chain, faiss.downcast_index(index.index)


@contextlib.contextmanager
def single_query_kernel() -> Iterator[None]:
    """Make faiss compare a batch exhaustively with the kernel it uses for one query, so that scores are bit-equal."""
    before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = _NEVER_BLAS
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before
