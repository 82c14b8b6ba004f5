"""What a query needs: a few phrases, one of which holds in every caption that the query matches.

    cover = cheapest_cover(plan, estimated_hits(literals, captions, mode, best_scanner))

`crane AND (bird OR water)` needs "crane": captions without a crane need no search for birds and water. So all captions
are searched for what the queries need, and only those that are left for the other phrases. Of an AND, the part is
needed whose phrases are rarest in a sample of the captions. A poor sample costs time and changes no result.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from retrieval.queries import And, Not, Or
from retrieval.substring.caption_buffers import bytes_of, joined, plain_words
from retrieval.substring.literal_scan import Scanner

SAMPLE_BYTES = 1 << 17  # some 2,000 captions; two thousand literals take 0.04 s, to compile them
LEAST_HITS = 0.01  # what a phrase costs that is not in the sample: of two parts, the one with fewer phrases is needed


def cheapest_cover(plan: int | And | Or | Not, costs: np.ndarray) -> tuple[int, ...]:
    """Numbers of phrases, one of which holds wherever the plan (query_plans.py) does; the cheapest by their `costs`."""
    match plan:
        case int():
            return (plan,)
        case And(parts):
            covers = [cheapest_cover(part, costs) for part in parts]
            return min(covers, key=lambda cover: costs[list(cover)].sum())
        case Or(parts):
            return tuple(dict.fromkeys(phrase for part in parts for phrase in cheapest_cover(part, costs)))
        case Not(wanted):
            return cheapest_cover(wanted, costs)


def estimated_hits(
    literals: list[bytes], captions: pa.BinaryArray, mode: str, make_scanner: Callable[[list[bytes]], Scanner]
) -> np.ndarray:
    """How often each of these literals (matching.literals_of) is in the first captions: float64 (n,), above 0."""
    number_of = {literal: number for number, literal in enumerate(dict.fromkeys(literals))}
    text = bytes_of(captions) if mode == "substring" else plain_words(joined(captions, b" "))
    found, _ = make_scanner(list(number_of))(text)
    counts = np.bincount(found, minlength=len(number_of))
    return counts[[number_of[literal] for literal in literals]] + LEAST_HITS
