"""The k nearest neighbours by comparing every stored embedding with every prompt: `--exact`, no index."""

from collections.abc import Iterator

import numpy as np
import torch

from retrieval.embeddings import UNIT_TOLERANCE, EmbeddingFiles, check_rows
from retrieval.semantic.array_files import STRETCH_ROWS
from retrieval.semantic.best_rows import BestRows, rows_of, scores_of
from retrieval.semantic.row_products import search_rows


def exact_search(
    files: EmbeddingFiles, queries: np.ndarray, k: int, device: str = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of all rows for each of the float32 (n, width) `queries`.

    Returns:
        int64 rows and float32 scores (n, k), best first. Equal scores are in the order of the rows. Where there are
        fewer than k rows: -1 and -inf.

    Raises:
        UserError: a row that is not unit, anywhere in the files; names its file and its number there.
    """

    def check(rows: torch.Tensor, lengths: np.ndarray, start: int) -> None:
        if files.files and not (np.abs(lengths - 1) < UNIT_TOLERANCE).all():
            number = int(np.searchsorted(files.starts, start, side="right")) - 1
            check_rows(rows.cpu().numpy(), files.files[number], start - int(files.starts[number]))

    best = search_rows(stretches(files), queries, k, device, check)
    hits = np.concatenate([BestRows.sorted(each) for each in best])
    return rows_of(hits), scores_of(hits)


def stretches(files: EmbeddingFiles) -> Iterator[tuple[np.ndarray, int]]:
    """(rows, number of the first) of each file, in pieces that never span two."""
    for array, start in zip(files.arrays, files.starts.tolist(), strict=False):
        for first in range(0, len(array), STRETCH_ROWS):
            yield array[first : first + STRETCH_ROWS], start + first
