"""Images that differ: a list reordered so that each image is the farthest from all before it.

Distances are those of embeddings. In this greedy farthest-point order (Gonzalez 1985), the first k images are at least
half as far apart as the best k can be.
"""

import numpy as np
from threadpoolctl import threadpool_limits

COMPARED = 20_000  # rows of one class's list: × 768 × 4 bytes = 61 MB, and 4 ms per pick on one core


def farthest_points(vectors: np.ndarray, count: int) -> np.ndarray:
    """The first `count` row numbers in farthest-point order, beginning with row 0; of equals the first comes first.

    One thread computes the products, so the same vectors give the same order whatever the number of cores.

    Args:
        vectors: float32 (rows, width), unit length.

    Returns:
        np.ndarray: int64 (min(count, rows),).
    """
    vectors = np.nan_to_num(vectors)  # an image whose vector is NaN would be both the nearest and the farthest of all
    picks = np.empty(min(count, len(vectors)), np.int64)
    nearest = np.full(len(vectors), -np.inf, np.float32)  # each row's cosine with its nearest pick
    row = 0
    with threadpool_limits(1, "blas"):
        for number in range(len(picks)):
            picks[number] = row
            np.maximum(nearest, vectors @ vectors[row], out=nearest)
            nearest[row] = np.inf
            row = int(nearest.argmin())
    return picks
