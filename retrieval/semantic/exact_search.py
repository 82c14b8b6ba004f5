"""Exact answers from stored embeddings: every row compared, or the hits of an index scored again."""

import itertools
from collections import deque

from retrieval.embeddings import EmbeddingFiles

ROWS_AT_ONCE = 16_384  # × 768 × 4 bytes = 50 MB of rows compared, and as many being read
ROW_BITS = 2**32 - 1
NO_HIT = -(2**63)  # below every hit


def exact_search(files: EmbeddingFiles, queries, k: int, groups: list[slice], device: str = "cpu"):
    """(rows, scores) of the k best of all rows, int64 and float32 (n, k); equal scores by row; -1 past the last row.

    Products are made group by group (a class's prompts) and of the same pieces of the files, whatever else the block
    holds: a matrix product rounds by its shape, and a class should get the same scores in any block. Groups are
    compared side by side, each on one thread, while the next rows are read.

    `device`: "cpu", or what torch calls the GPU that makes the products there (in float32; not TF32, torch's default).
    """
    from concurrent.futures import ThreadPoolExecutor

    import faiss
    import numpy as np
    from threadpoolctl import threadpool_limits

    engine = _OnCpu() if device == "cpu" else _OnGpu(device)
    asked = [engine.queries(queries[group]) for group in groups]
    best = [_Best(len(each), k) for each in asked]

    def compare(number: int, rows, start: int) -> None:
        for first in range(0, len(rows), engine.piece):
            piece = rows[first : first + engine.piece]
            best[number].add(*engine.above(asked[number], piece, best[number]), start + first)

    cores = faiss.omp_get_max_threads()  # OMP_NUM_THREADS, else those that this process may use
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as threads:
        for rows, start in _read_ahead(files, engine.load, threads):
            done = [threads.submit(compare, number, rows, start) for number in range(len(groups))]
            for each in done:
                each.result()
        found = list(threads.map(_Best.sorted, best))
    rows, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, scores


def _read_ahead(files: EmbeddingFiles, load, threads):
    """(loaded rows, number of the first) of each stretch of the files, while the next one is being loaded."""
    loading = deque()
    place = itertools.cycle((0, 1))
    for array, start in zip(files.arrays, files.starts, strict=False):
        for first in range(0, len(array), ROWS_AT_ONCE):
            stretch = array[first : first + ROWS_AT_ONCE]
            loading.append((threads.submit(load, stretch, next(place)), int(start) + first))
            if len(loading) > 1:
                rows, begin = loading.popleft()
                yield rows.result(), begin
    for rows, begin in loading:
        yield rows.result(), begin


class _OnCpu:
    """Products by numpy, of pieces so small that their scores (2,048 × 80 × 4 bytes) stay in a core's cache."""

    piece = 2048

    def __init__(self):
        self.places = {}  # two, used again and again: fresh memory for each stretch takes longer than to convert it

    def queries(self, queries):
        return queries

    def load(self, rows, place: int):
        import numpy as np
        import torch

        if place not in self.places:
            shape = ROWS_AT_ONCE, rows.shape[1]
            self.places[place] = np.empty(shape, np.float16), np.empty(shape, np.float32)
        half, loaded = (memory[: len(rows)] for memory in self.places[place])
        if rows.dtype == np.float16:
            half[:] = rows
            torch.from_numpy(loaded).copy_(torch.from_numpy(half))  # ten times as fast as numpy converts
        else:
            loaded[:] = rows
        return loaded

    def above(self, queries, rows, best: "_Best"):
        """(flat positions, scores) of what may be among the k best, in the matrix (rows, queries)."""
        import numpy as np

        scores = rows @ queries.T
        if best.floor is None and len(rows) > best.k:  # fmax: a NaN of a broken embedding is no score
            wanted = scores >= np.partition(np.fmax(scores, -np.inf), -best.k, axis=0)[-best.k]
        else:
            wanted = scores > (-np.inf if best.floor is None else best.floor)
        at = np.flatnonzero(wanted)  # flat, as it is four times as fast as nonzero of a matrix
        return at, scores.ravel()[at]


class _OnGpu:
    """The same by torch; only what may be among the best leaves the device."""

    piece = ROWS_AT_ONCE

    def __init__(self, device: str):
        self.device = device

    def queries(self, queries):
        import torch

        return torch.from_numpy(queries).to(self.device)

    def load(self, rows, place: int):
        import numpy as np
        import torch

        return torch.from_numpy(np.array(rows)).to(self.device).float()

    def above(self, queries, rows, best: "_Best"):
        import torch

        scores = rows @ queries.T
        if best.floor is None and len(rows) > best.k:
            wanted = scores >= scores.nan_to_num(nan=-torch.inf).topk(best.k, dim=0).values[-1]
        elif best.floor is None:
            wanted = scores > -torch.inf
        else:
            wanted = scores > torch.from_numpy(best.floor).to(self.device)
        at = wanted.ravel().nonzero().ravel()
        return at.cpu().numpy(), scores.ravel()[at].cpu().numpy()


class _Best:
    """The k best rows so far of some queries.

    A hit is one int64 that sorts as hits do, by score and then by lesser row: the score's bits above, the row's
    complement below (so a pool may have 2**32 rows).
    """

    def __init__(self, queries: int, k: int):
        import numpy as np

        self.k = k
        self.hits = np.full((queries, k), NO_HIT)
        self.floor = None  # float32 (queries,): what a score must exceed to be among the k best, once that is known
        self.waiting = []  # (query, hit) not sorted in yet
        self.room = queries * k

    def add(self, at, scores, start: int) -> None:
        """`scores` at flat positions `at` of a matrix (rows, queries), whose first row is the pool's row `start`."""
        import numpy as np

        row, query = np.divmod(at.astype(np.int32), np.int32(len(self.hits)))
        bits = _ordered((scores + np.float32(0)).view(np.int32))  # + 0: the two zeros are one score
        self.waiting.append(
            (
                query.astype(np.min_scalar_type(len(self.hits))),
                (bits.astype(np.int64) << 32) | (np.int64(ROW_BITS - start) - row),
            )
        )
        self.room -= len(at)
        if self.room <= 0:
            self.sort_in()

    def sort_in(self) -> None:
        import numpy as np

        query, hits = (np.concatenate(part) for part in zip(*self.waiting, strict=True))
        counts = np.bincount(query, minlength=len(self.hits))
        more = np.full((len(counts), counts.max()), NO_HIT)
        more[np.arange(counts.max()) < counts[:, None]] = hits[np.argsort(query, kind="stable")]
        self.hits = np.partition(np.hstack([self.hits, more]), counts.max(), axis=1)[:, counts.max() :]
        last = self.hits[:, 0]
        if (last > NO_HIT).all():
            self.floor = _score(last)
        self.waiting, self.room = [], self.hits.size

    def sorted(self):
        """(rows, scores), best first; -1 and -inf where a query has no more."""
        import numpy as np

        if self.waiting:
            self.sort_in()
        hits = np.sort(self.hits, axis=1)[:, ::-1]
        rows = np.where(hits == NO_HIT, -1, ROW_BITS - (hits & ROW_BITS))
        return rows, np.where(hits == NO_HIT, np.float32(-np.inf), _score(hits))


def _score(hits):
    import numpy as np

    return _ordered((hits >> 32).astype(np.int32)).view(np.float32)


def _ordered(bits):
    """float32 bits (int32) as whole numbers in the order of the floats, and back."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def score_again(files: EmbeddingFiles, ids, queries):
    """(ids, scores) by the exact inner products of each query (n, width) with its hits `ids` (n, k), best first."""
    import numpy as np

    found = ids >= 0
    distinct, column = np.unique(ids[found], return_inverse=True)
    vectors = files.take(distinct)
    at = np.zeros(ids.shape, np.int64)
    at[found] = column
    scores = np.stack([np.einsum("kd,d->k", vectors[rows], query) for rows, query in zip(at, queries, strict=True)])
    scores[~found] = -np.inf
    order = np.lexsort((ids, -scores), axis=1)
    return np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)
