"""Whether stored embeddings are those of their rows' captions. Both proofs of a pool sample captions and ask this.

A caption fits where its embedding is the stored one (cosine 0.9 and more: another precision loses less than 0.01), and
where no other row of the sample is nearer. (Captions of one template can be as near as 0.9 to each other.)
"""

import numpy as np

SAMPLE_ROWS = 96  # captions that are embedded for a proof
FITTING_COSINE = 0.9
EQUAL_COSINE = 0.005  # rows whose captions are equal stand for each other
FITTING_SHARE = 0.5  # of the sample, that must fit


def fitting(cosines: np.ndarray) -> np.ndarray:
    """Whether each caption has the embedding of its row; float (n, n), captions x rows -> bool (n,)."""
    own = np.diag(cosines)
    return (own >= FITTING_COSINE) & (own >= cosines.max(axis=1) - EQUAL_COSINE)
