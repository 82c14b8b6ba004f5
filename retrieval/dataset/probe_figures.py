"""What a probe's answers say: accuracies with their intervals, per class, what is taken for what, and who is better."""

from collections import Counter

import numpy as np
import scipy.stats

from retrieval.wilson import wilson

Z = 1.959964  # the normal distribution's 97.5 % point


def accuracy_of(right: np.ndarray) -> dict:
    """Accuracy of bool (pictures,) with Wilson's 95 % interval.

    Returns:
        dict: right, of (int), accuracy, low, high (None of no pictures).
    """
    hits, of = int(right.sum()), len(right)
    if not of:
        return {"right": 0, "of": 0, "accuracy": None, "low": None, "high": None}
    low, high = wilson(hits, of, Z)
    return {"right": hits, "of": of, "accuracy": round(hits / of, 6), "low": round(low, 6), "high": round(high, 6)}


def compared(right: np.ndarray, other: np.ndarray) -> dict:
    """Two probes on the same pictures, both bool (pictures,): on how many is only one of them right?

    The pictures are the same, so that small differences show which the two intervals hide. `p` is the exact McNemar
    test's: the probability of so uneven a count, or a more uneven one, if both were equally good.

    Returns:
        dict: only_this, only_other (int), p (float).
    """
    this, that = int((right & ~other).sum()), int((other & ~right).sum())
    p = scipy.stats.binomtest(this, this + that).pvalue if this + that else 1.0
    return {"only_this": this, "only_other": that, "p": round(float(p), 6)}


def per_class(right: np.ndarray, labels: np.ndarray, classes: int) -> list[dict]:
    """`accuracy_of` each class of int64 labels (pictures,), in the order of their numbers."""
    return [accuracy_of(right[labels == number]) for number in range(classes)]


def confusions(predicted: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    """[class, taken for, count] of each wrong pair, the most frequent first."""
    wrong = predicted != labels
    pairs = Counter(zip(labels[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    return [[*pair, count] for pair, count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))]
