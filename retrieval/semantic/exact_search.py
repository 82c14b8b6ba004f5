"""The k nearest neighbours by comparing every stored embedding with every prompt: `--exact`, no index.

The invariants: the rows, order and scores are those of a brute-force search in float32, ties by row; and a class gets
the same bits in any block and on any number of threads. tests/test_knn_search.py holds both (`test_an_exact_search_…`).
"""

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import torch
from threadpoolctl import threadpool_limits

from retrieval.embeddings import UNIT_TOLERANCE, EmbeddingFiles, check_rows

STRETCH_ROWS = 16_384  # × 768 × 4 bytes = 50 MB of rows being compared, and as many being read
ROW_BITS = 2**32 - 1
NO_HIT = -(2**63)  # sorts below every hit


def exact_search(
    files: EmbeddingFiles, queries: np.ndarray, k: int, groups: list[slice], device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of all rows for each of the float32 (n, width) `queries`.

    A matrix product rounds by its shape. So products are made per group of queries (the prompts of one class) and of
    the same pieces of the files, whatever else is searched: a class gets the same scores in any block. Groups are
    compared side by side, each on one thread, while the next rows are read.

    Args:
        device: "cpu", or torch's name of the GPU that makes the products (in float32; not TF32, torch's default).

    Returns:
        int64 rows and float32 scores (n, k), best first. Equal scores are in the order of the rows. Where there are
        fewer than k rows: -1 and -inf.

    Raises:
        UserError: a row that is not unit, anywhere in the files; names its file and its number there.
    """
    engine = _OnCpu() if device == "cpu" else _OnGpu(device)
    group_queries = [engine.queries(queries[group]) for group in groups]
    best = [_Best(len(each), k) for each in group_queries]

    def compare(number: int, rows, start: int) -> None:
        for first in range(0, len(rows), engine.piece_rows):
            piece = rows[first : first + engine.piece_rows]
            best[number].add(*engine.candidates(group_queries[number], piece, best[number]), start + first)

    cores = faiss.omp_get_max_threads()  # OMP_NUM_THREADS, else the cores that this process may use
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as threads:
        for rows, start in _read_ahead(files, engine, threads):
            for done in [threads.submit(compare, number, rows, start) for number in range(len(groups))]:
                done.result()
        found = list(threads.map(_Best.sorted, best))
    rows, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, scores


def _read_ahead(files: EmbeddingFiles, engine, threads: Executor) -> Iterator[tuple]:
    """(loaded rows, number of the first) of each stretch of the files, while the next one is being loaded."""
    loading = deque()
    buffers = itertools.cycle((0, 1))

    def load_checked(number: int, first: int, buffer: int):
        rows = engine.load(files.arrays[number][first : first + STRETCH_ROWS], buffer)
        if files.files:
            engine.check(rows, files.files[number], first)
        return rows

    for number, (array, start) in enumerate(zip(files.arrays, files.starts, strict=False)):
        for first in range(0, len(array), STRETCH_ROWS):
            loading.append((threads.submit(load_checked, number, first, next(buffers)), int(start) + first))
            if len(loading) > 1:
                rows, begin = loading.popleft()
                yield rows.result(), begin
    for rows, begin in loading:
        yield rows.result(), begin


class _OnCpu:
    """Products by numpy, of pieces so small that their scores (2,048 × 80 × 4 bytes) stay in a core's cache."""

    piece_rows = 2048

    def __init__(self):
        self.buffers = {}  # two, used in turn: allocating memory for each stretch takes longer than converting it

    def queries(self, queries: np.ndarray) -> np.ndarray:
        return queries

    def load(self, rows: np.ndarray, buffer: int) -> np.ndarray:
        """The rows as float32, in one of the two buffers."""
        if buffer not in self.buffers:
            shape = STRETCH_ROWS, rows.shape[1]
            self.buffers[buffer] = np.empty(shape, np.float16), np.empty(shape, np.float32)
        half, loaded = (memory[: len(rows)] for memory in self.buffers[buffer])
        if rows.dtype == np.float16:
            half[:] = rows
            torch.from_numpy(loaded).copy_(torch.from_numpy(half))  # ten times as fast as numpy's conversion
        else:
            loaded[:] = rows
        return loaded

    def check(self, rows: np.ndarray, file: Path, first: int) -> None:
        check_rows(rows, file, first)  # 3 ms per stretch of width 768

    def candidates(self, queries: np.ndarray, rows: np.ndarray, best: "_Best") -> tuple[np.ndarray, np.ndarray]:
        """(flat positions, scores) of what may be among the k best, in the matrix (rows, queries)."""
        scores = rows @ queries.T
        if best.floor is None and len(rows) > best.k:  # fmax: a broken embedding's NaN is no score
            wanted = scores >= np.partition(np.fmax(scores, -np.inf), -best.k, axis=0)[-best.k]
        else:
            wanted = scores > (-np.inf if best.floor is None else best.floor)
        positions = np.flatnonzero(wanted)  # four times as fast as nonzero of a matrix
        return positions, scores.ravel()[positions]


class _OnGpu:
    """The same by torch. Only what may be among the best leaves the device."""

    piece_rows = STRETCH_ROWS

    def __init__(self, device: str):
        self.device = device

    def queries(self, queries: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(queries).to(self.device)

    def load(self, rows: np.ndarray, buffer: int) -> torch.Tensor:
        return torch.from_numpy(np.array(rows)).to(self.device).float()

    def check(self, rows: torch.Tensor, file: Path, first: int) -> None:
        if not ((torch.linalg.vector_norm(rows, dim=1) - 1).abs() < UNIT_TOLERANCE).all():
            check_rows(rows.cpu().numpy(), file, first)

    def candidates(self, queries: torch.Tensor, rows: torch.Tensor, best: "_Best") -> tuple[np.ndarray, np.ndarray]:
        scores = rows @ queries.T
        if best.floor is None and len(rows) > best.k:
            wanted = scores >= scores.nan_to_num(nan=-torch.inf).topk(best.k, dim=0).values[-1]
        elif best.floor is None:
            wanted = scores > -torch.inf
        else:
            wanted = scores > torch.from_numpy(best.floor).to(self.device)
        positions = wanted.ravel().nonzero().ravel()
        return positions.cpu().numpy(), scores.ravel()[positions].cpu().numpy()


class _Best:
    """The k best rows so far of each of some queries.

    A hit is one int64 that sorts as hits do, by score and then by lesser row: the score's bits above, the row's
    complement below. So a pool may have up to 2**32 rows.
    """

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
        self.hits = np.partition(np.hstack([self.hits, more]), counts.max(), axis=1)[:, counts.max() :]
        last = self.hits[:, 0]
        if (last > NO_HIT).all():
            self.floor = _score(last)
        self.waiting, self.room = [], self.hits.size

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """(rows, scores), best first; -1 and -inf where a query has no more."""
        if self.waiting:
            self.sort_in()
        hits = np.sort(self.hits, axis=1)[:, ::-1]
        rows = np.where(hits == NO_HIT, -1, ROW_BITS - (hits & ROW_BITS))
        return rows, np.where(hits == NO_HIT, np.float32(-np.inf), _score(hits))


def _score(hits: np.ndarray) -> np.ndarray:
    return _ordered((hits >> 32).astype(np.int32)).view(np.float32)


def _ordered(bits: np.ndarray) -> np.ndarray:
    """float32 bits (int32) as whole numbers in the order of the floats, and back."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)
