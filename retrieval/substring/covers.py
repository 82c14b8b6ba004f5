"""What a query needs: a few phrases, one of which holds in every caption that the query matches.

    covers = cheapest_covers(plans, estimated_hits(literals, captions, mode))

`crane AND (bird OR water)` needs "crane": captions without a crane need no search for birds and water. So all captions
are searched for what the queries need, and only those that are left for the other phrases. Of an AND, the part is
needed whose phrases are rarest in a sample of the captions. A poor sample costs time and changes no result.
"""

import numpy as np
import pyarrow as pa

from retrieval.queries import And, Not, Or
from retrieval.substring.caption_buffers import bytes_of, joined, plain_words

SAMPLE_BYTES = 1 << 17  # some 2,000 captions; counting two thousand phrases in them takes 0.03 s
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


def estimated_hits(literals: list[bytes], captions: pa.BinaryArray, mode: str) -> np.ndarray:
    """How often each of these literals (matching.literals_of) is in the first captions: float64 (n,), above 0."""
    text = bytes_of(captions).to_pybytes().lower() if mode == "substring" else _words(captions)
    return np.array([text.count(literal) for literal in literals], np.float64) + LEAST_HITS


def _words(captions: pa.BinaryArray) -> bytes:
    return b" " + plain_words(joined(captions, b" ")).tobytes() + b" "
