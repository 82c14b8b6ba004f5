"""How well each image fits its class: its cosine with the class's text, and how many classes fit better."""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

BLOCK_ROWS = 8_192  # × 1,000 classes × 4 bytes = 33 MB of cosines


@dataclass(frozen=True)
class Scores:
    """Of each image, in one order."""

    own: np.ndarray  # float32 (images,): the cosine with its own class's text
    rank: np.ndarray  # int64 (images,): 1 where no class is nearer than its own, 2 where one is, …
    nearest: np.ndarray  # int64 (images,): number of the nearest class


def score_images(rows: np.ndarray, texts: np.ndarray, own_class: np.ndarray) -> Scores:
    """Compare each image with the text of every class.

    Args:
        rows: float32 (images, width), unit rows.
        texts: float32 (classes, width), unit rows.
        own_class: int64 (images,): the number of each image's class.
    """
    own, rank, nearest = np.empty(len(rows), np.float32), np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    with threadpool_limits(1, "blas"):  # the same bits on any number of cores
        for begin in range(0, len(rows), BLOCK_ROWS):
            block = slice(begin, begin + BLOCK_ROWS)
            cosines = rows[block] @ texts.T
            own[block] = np.take_along_axis(cosines, own_class[block, None], axis=1)[:, 0]
            rank[block] = 1 + (cosines > own[block, None]).sum(axis=1)
            nearest[block] = cosines.argmax(axis=1)
    return Scores(own, rank, nearest)
