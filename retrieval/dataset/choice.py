"""Which images of a dataset are kept: conditions on each image first, then look-alikes, then limits per class."""

import math
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from retrieval.dataset.image_scores import Scores
from retrieval.farthest_points import COMPARED, farthest_points

DROPPED = "dropped by the user"  # as the downloader calls it
DISAGREES = "another class is nearer (--agree)"
LOW = "below --min-score"
LOW_IN_CLASS = "below its class's threshold"
SIMILAR = "near-duplicate in its class (--duplicate-cosine)"
LIMITS = OVER_FRACTION, OVER_MAXIMUM = "over --keep-fraction", "over --max-per-class"
BLOCK_ROWS = 256  # compared with all kept ones at once


@dataclass(frozen=True)
class Rules:
    """What decides which images are kept. None: no such condition."""

    drop: frozenset[str] = frozenset()  # keys
    agree: int | None = None  # its own class is among so many nearest ones
    min_score: float | None = None
    thresholds: dict[str, float] = field(default_factory=dict)  # class -> its min_score
    duplicate_cosine: float | None = None
    keep_fraction: float | None = None  # of the class's images
    max_per_class: int | None = None
    diverse: bool = False  # of what max_per_class limits: images that differ, instead of the best


def choose(keys: list[str], classes: list[str], rows: np.ndarray, scores: Scores, rules: Rules) -> list[str | None]:
    """Of each image the first reason why it is not kept, or None.

    Within a class the best scored come first, of equals the smallest key. Near-duplicates are looked for among what the
    conditions leave, and the limits count what is left then.

    Args:
        keys, classes: of each image.
        rows: float32 (images, width), unit rows.
    """
    reasons: list[str | None] = []
    for key, name, score, rank in zip(keys, classes, scores.own, scores.rank, strict=True):
        reasons.append(_condition(key, name, score, rank, rules))
    members: dict[str, list[int]] = {}
    for number, name in enumerate(classes):
        members.setdefault(name, []).append(number)
    for numbers in members.values():
        order = sorted(numbers, key=lambda number: (-scores.own[number], keys[number]))
        for number, reason in _limits(order, reasons, rows, rules):
            reasons[number] = reason
    return reasons


def _condition(key: str, name: str, score: np.float32, rank: int, rules: Rules) -> str | None:
    if key in rules.drop:
        return DROPPED
    if rules.agree is not None and rank > rules.agree:
        return DISAGREES
    if name in rules.thresholds:
        return LOW_IN_CLASS if score < rules.thresholds[name] else None
    return LOW if rules.min_score is not None and score < rules.min_score else None


def _limits(order: list[int], reasons: list[str | None], rows: np.ndarray, rules: Rules) -> list[tuple[int, str]]:
    """(image, reason) of those of one class, given best first, that its better images leave no place for."""
    left, lost = [number for number in order if reasons[number] is None], []
    if rules.duplicate_cosine is not None:
        similar = near_a_better(rows[left], rules.duplicate_cosine)
        lost += [(number, SIMILAR) for number, is_similar in zip(left, similar, strict=True) if is_similar]
        left = [number for number, is_similar in zip(left, similar, strict=True) if not is_similar]
    if rules.keep_fraction is not None:
        most = math.ceil(round(rules.keep_fraction * len(order), 6))  # 0.3 × 10 is 3.0000000000000004 in floats
        lost += [(number, OVER_FRACTION) for number in left[most:]]
        left = left[:most]
    if rules.max_per_class is not None:
        picked = set(left[: rules.max_per_class])
        if rules.diverse:
            picks = farthest_points(rows[left[:COMPARED]], rules.max_per_class)
            picked = {left[pick] for pick in picks.tolist()}
        lost += [(number, OVER_MAXIMUM) for number in left if number not in picked]
    return lost


def near_a_better(rows: np.ndarray, cosine: float) -> np.ndarray:
    """Which rows are left out, if in order each is left out that has at least this cosine with a kept one.

    Args:
        rows: float32 (rows, width), unit rows, the best first.

    Returns:
        np.ndarray: bool (rows,).
    """
    similar, kept = np.zeros(len(rows), bool), rows[:0]
    with threadpool_limits(1, "blas"):
        for begin in range(0, len(rows), BLOCK_ROWS):
            block, out = rows[begin : begin + BLOCK_ROWS], similar[begin : begin + BLOCK_ROWS]
            out |= (block @ kept.T >= cosine).any(axis=1)
            within = block @ block.T >= cosine
            for place in range(len(block)):
                out[place] |= (within[place, :place] & ~out[:place]).any()
            kept = np.concatenate([kept, block[~out]])
    return similar
