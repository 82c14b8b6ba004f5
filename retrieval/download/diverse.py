"""Images that differ: a class's list, each image the farthest from all before it, by stored embeddings.

Greedy farthest-point order (Gonzalez 1985): its first k are never more than twice as close together as the best k.
"""

COMPARED = 20_000  # rows of one class's list: × 768 × 4 bytes = 61 MB, and 4 ms a pick on one core


def farthest_points(vectors, count: int):
    """int64 (count,) places in `vectors` (rows, width; float32, unit length), the first row first, of equals the first.

    One thread makes the products, so that the same vectors give the same order whatever the number of cores.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    vectors = np.nan_to_num(vectors)  # a picture that gave NaN would be the nearest and the farthest of all
    picks = np.empty(min(count, len(vectors)), np.int64)
    nearest = np.full(len(vectors), -np.inf, np.float32)  # the cosine with the nearest pick
    place = 0
    with threadpool_limits(1, "blas"):
        for number in range(len(picks)):
            picks[number] = place
            np.maximum(nearest, vectors @ vectors[place], out=nearest)
            nearest[place] = np.inf
            place = int(nearest.argmin())
    return picks
