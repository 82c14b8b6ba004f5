"""Stored rows times queries, stretch by stretch, on the CPU or on a GPU: only the k best rows of each query stay.

The invariants: the rows, order and scores are those of a brute-force search in float32, ties by row; and a query gets
the same bits whatever else is searched, and on any number of threads. A matrix product rounds by its shape, so all
products have one shape: a piece of rows times a group of queries, the last of each filled up.
tests/test_knn_search.py holds both (`test_an_exact_search_…`).

Products are made by torch: its BLAS (MKL) is five times as fast as numpy's where that does not know the processor.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import faiss
import numpy as np
import torch

from retrieval.semantic.array_files import STRETCH_ROWS
from retrieval.semantic.best_rows import BestRows
from retrieval.semantic.stored_rows import StoredRows


class Shape(NamedTuple):
    """Of one product."""

    rows: int  # divides STRETCH_ROWS
    queries: int  # a multiple of 16, the width of a processor's tile


CPU_SHAPE = Shape(2048, 48)  # the scores (390 KB) stay in a core's cache; 47 classes leave one column of zeros
GPU_SHAPE = Shape(STRETCH_ROWS, 1024)
PIECES_AHEAD = 8  # that wait for a core: one stretch

# What is done with the float32 rows (n, width) of a piece before they are compared: (rows, their lengths, number of the
# first row). It may change the rows in place. A row of NaN is never found. It is called from several threads.
Settle = Callable[[torch.Tensor, np.ndarray, int], None]


def search_rows(
    stretches: Iterable[tuple[np.ndarray | StoredRows, int]],
    queries: np.ndarray,
    k: int,
    device: str,
    settle: Settle,
    overlaps: bool = True,
) -> list[BestRows]:
    """The k best of all rows for each of the float32 (n, width) `queries`. The next stretch is read meanwhile.

    Args:
        stretches: (float16 or float32 rows, at most STRETCH_ROWS; number of the first). StoredRows are read here.
        device: "cpu", or torch's name of the GPU that makes the products (in float32; not TF32, torch's default).
        overlaps: whether the next stretch is asked for while one is compared. Not where that takes all cores itself.

    Returns:
        list: BestRows of consecutive queries.
    """
    products = _Products(queries, k, device, settle)
    cores = faiss.omp_get_max_threads()  # OMP_NUM_THREADS, else the cores that this process may use
    with _one_torch_thread(), ThreadPoolExecutor(cores) as threads:
        pending = deque()
        for rows, start in stretches:
            for first in range(0, len(rows), products.shape.rows):
                piece = rows[first : first + products.shape.rows]
                pending.append(threads.submit(products.compare, piece, start + first))
            while len(pending) > (cores + PIECES_AHEAD if overlaps else 0):
                pending.popleft().result()
        for piece in pending:
            piece.result()
        list(threads.map(BestRows.sort_in, [best for best in products.best if best.waiting]))
    return products.best


class _Products:
    """The queries in groups, and the best rows of each."""

    def __init__(self, queries: np.ndarray, k: int, device: str, settle: Settle):
        self.on_cpu, self.device, self.settle = device == "cpu", device, settle
        self.shape = CPU_SHAPE if self.on_cpu else GPU_SHAPE
        self.groups, self.best = [], []
        for begin in range(0, len(queries), self.shape.queries):
            some = torch.from_numpy(np.ascontiguousarray(queries[begin : begin + self.shape.queries]))
            group = torch.zeros(self.shape.queries, queries.shape[1])
            group[: len(some)] = some
            self.groups.append(group.to(device))
            self.best.append(BestRows(len(some), k))
        self.locks = [threading.Lock() for _ in self.groups]
        self.of_thread = threading.local()  # memory for rows: allocating it takes longer than converting them

    def compare(self, rows: np.ndarray | StoredRows, start: int) -> None:
        """Add what may be among the k best, of one piece of rows."""
        loaded = self.load(rows, start)
        for number in range(len(self.groups)):
            group = (number + start // self.shape.rows) % len(self.groups)  # threads begin at different groups
            best = self.best[group]
            scores = loaded @ self.groups[group].T
            found = self._candidates(scores[: len(rows), : len(best.hits)], best)
            with self.locks[group]:
                best.add(*found, start)

    def load(self, rows: np.ndarray | StoredRows, start: int) -> torch.Tensor:
        """The rows as float32 on the device, settled; behind them zeros up to the end of a piece."""
        if isinstance(rows, StoredRows):
            if not hasattr(self.of_thread, "read"):
                self.of_thread.read = np.empty((self.shape.rows, rows.width), rows.dtype)
            rows = rows.read(self.of_thread.read)
        if not hasattr(self.of_thread, "rows"):
            self.of_thread.rows = torch.empty(self.shape.rows, rows.shape[1], device=self.device)
        filled = self.of_thread.rows
        loaded = filled[: len(rows)]
        # Ten times as fast as numpy's conversion. The copy: rows of a map that is read-only, or not aligned.
        loaded.copy_(torch.from_numpy(rows if rows.flags.writeable and rows.flags.aligned else np.array(rows)))
        filled[len(rows) :] = 0
        self.settle(loaded, torch.linalg.vector_norm(loaded, dim=1).cpu().numpy(), start)
        return filled

    def _candidates(self, scores: torch.Tensor, best: BestRows) -> tuple[np.ndarray, np.ndarray]:
        """(flat positions, scores) of what may be among the k best, in the matrix (rows, queries)."""
        floor = best.floor
        if self.on_cpu:
            scores = scores.numpy()
            positions = np.flatnonzero(scores > (-np.inf if floor is None else floor))
            return positions, scores[np.divmod(positions, scores.shape[1])]
        if floor is None and len(scores) > best.k:
            wanted = scores >= scores.nan_to_num(nan=-torch.inf).topk(best.k, dim=0).values[-1]
        else:
            wanted = scores > (-torch.inf if floor is None else torch.from_numpy(floor).to(self.device))
        positions = wanted.ravel().nonzero().ravel()
        return positions.cpu().numpy(), scores.ravel()[positions].cpu().numpy()


@contextlib.contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Products run side by side, each on one thread. Threads that begin inside take this number over."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
