"""Whether an image is a copy of another: their local features must lie alike, and their thumbnails look alike there."""

import cv2
import numpy as np

from retrieval.download.lookalikes_features import Features

MOST_BITS = 64  # of 256 in which two features differ that may be of one corner; of unrelated corners about 128 differ
PIXELS = 4  # between a feature and where the other image says that it is
TRIALS = 300  # of RANSAC: enough for 3 right pairs when 1 of 4 is right
# Of 41,000 pairs of photographs of Caltech-101, 99 % have at most 10 agreeing features. Those with 20 and a correlation
# of 0.75 are edits of one picture, and two advertisements for grand pianos. 99 % of the copies have more of both. The
# watermark of a stock site gives many agreeing features, but nothing else is alike in the thumbnails.
FEWEST_FEATURES = 20
LEAST_CORRELATION = 0.75
LEAST_OVERLAP = 0.2  # of the image; a small piece is alike by chance


def is_copy(image: Features, other: Features) -> bool:
    """Whether `image` shows `other` or a part of it, also enlarged, turned or squeezed, but not mirrored."""
    placement = _placement(image, other)
    return placement is not None and _looks_alike(image, other, placement)


def _placement(image: Features, other: Features) -> np.ndarray | None:
    """Where `other` lies in `image`: float64 (2, 3), pixels to pixels; None if too few features agree."""
    if min(len(image.codes), len(other.codes)) < FEWEST_FEATURES:
        return None
    bits, nearest = cv2.batchDistance(image.codes, other.codes, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=1)
    bits, nearest = bits[:, 0], nearest[:, 0]
    order = np.argsort(bits, kind="stable")
    order = order[bits[order] <= MOST_BITS]
    _, first = np.unique(nearest[order], return_index=True)  # one feature of the other image is in one place
    order = order[first]
    if len(order) < FEWEST_FEATURES:
        return None
    placement, agree = cv2.estimateAffine2D(
        other.points[nearest[order]], image.points[order], ransacReprojThreshold=PIXELS, maxIters=TRIALS
    )
    return placement if placement is not None and agree.sum() >= FEWEST_FEATURES else None


def _looks_alike(image: Features, other: Features, placement: np.ndarray) -> bool:
    """Whether the thumbnails correlate where the images overlap."""
    height, width = image.thumbnail.shape
    placement = placement * (width / image.width)
    placement[:, :2] *= other.width / other.thumbnail.shape[1]
    moved = cv2.warpAffine(other.thumbnail, placement, (width, height))
    inside = cv2.warpAffine(np.ones_like(other.thumbnail), placement, (width, height), flags=cv2.INTER_NEAREST) > 0
    if inside.mean() < LEAST_OVERLAP:
        return False
    return _correlation(image.thumbnail[inside], moved[inside]) >= LEAST_CORRELATION


def _correlation(some: np.ndarray, others: np.ndarray) -> float:
    some, others = some - some.mean(), others - others.mean()
    norms = np.sqrt((some @ some) * (others @ others))
    return float(some @ others / norms) if norms > 0 else 0.0
