"""The k best rows of each of some queries, collected while scores come in, piece by piece and in any order.

A hit is one int64 that sorts as hits do, by score and then by lesser row: the score's bits above, the row's complement
below. So a pool may have up to 2**32 rows, and the hits of two parts of a pool are merged by sorting.
"""

import numpy as np

ROW_BITS = 2**32 - 1
NO_HIT = -(2**63)  # sorts below every hit


class BestRows:
    """The k best rows so far of each query."""

    def __init__(self, queries: int, k: int):
        self.k = k
        self.hits = np.full((queries, k), NO_HIT)
        self.floor: np.ndarray | None = None  # float32 (queries,): the k-th best score, once each query has k hits
        self.waiting = []  # (query, hit) arrays not sorted in yet
        self.room = queries * k  # hits that may still wait

    def add(self, positions: np.ndarray, scores: np.ndarray, start: int) -> None:
        """Scores at flat positions of a matrix (rows, queries), whose first row is the pool's row `start`."""
        row, query = np.divmod(positions.astype(np.int32), np.int32(len(self.hits)))
        bits = _ordered((scores + np.float32(0)).view(np.int32))  # + 0: -0 and 0 are one score
        self.waiting.append(
            (
                query.astype(np.min_scalar_type(len(self.hits))),
                (bits.astype(np.int64) << 32) | (np.int64(ROW_BITS - start) - row),
            )
        )
        self.room -= len(positions)
        if self.room <= 0:
            self.sort_in()

    def sort_in(self) -> None:
        query, hits = (np.concatenate(part) for part in zip(*self.waiting, strict=True))
        counts = np.bincount(query, minlength=len(self.hits))
        more = np.full((len(counts), counts.max()), NO_HIT)
        more[np.arange(counts.max()) < counts[:, None]] = hits[np.argsort(query, kind="stable")]
        best = np.partition(np.hstack([self.hits, more]), counts.max(), axis=1)[:, counts.max() :]
        self.hits = best.copy()  # a part of an array keeps all of it: five times the memory
        last = self.hits[:, 0]
        if (last > NO_HIT).all():
            self.floor = scores_of(last)
        self.waiting, self.room = [], self.hits.size

    def sorted(self) -> np.ndarray:
        """int64 (queries, k) hits, best first; NO_HIT where a query has no more."""
        if self.waiting:
            self.sort_in()
        return np.sort(self.hits, axis=1)[:, ::-1]


def rows_of(hits: np.ndarray) -> np.ndarray:
    """int64 rows; -1 where there is no hit."""
    return np.where(hits == NO_HIT, -1, ROW_BITS - (hits & ROW_BITS))


def scores_of(hits: np.ndarray) -> np.ndarray:
    """float32 scores; -inf where there is no hit."""
    return np.where(hits == NO_HIT, np.float32(-np.inf), _ordered((hits >> 32).astype(np.int32)).view(np.float32))


def at_rows(hits: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The same hits at other rows, int64 like `hits`; what stands for "no hit" stays."""
    return np.where(hits == NO_HIT, NO_HIT, (hits & ~np.int64(ROW_BITS)) | (ROW_BITS - rows))


def merged(hits: np.ndarray, more: np.ndarray, k: int) -> np.ndarray:
    """The k best of two (queries, …) arrays of hits, best first."""
    both = np.hstack([hits, more])
    if both.shape[1] > k:
        both = np.partition(both, both.shape[1] - k, axis=1)[:, -k:]
    return np.sort(both, axis=1)[:, ::-1]


def _ordered(bits: np.ndarray) -> np.ndarray:
    """float32 bits (int32) as whole numbers in the order of the floats, and back."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)
