"""How often phrases are in a sample of the captions: of an AND, the part with the rarest is searched for first."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from retrieval.substring.caption_buffers import bytes_of, joined, plain_words
from retrieval.substring.literal_scan import Scanner

SAMPLE_BYTES = 1 << 17  # some 2,000 captions; two thousand literals take 0.04 s, to compile them
LEAST_HITS = 0.01  # what a phrase costs that is not in the sample: of two parts, the one with fewer phrases is needed


def estimated_hits(
    literals: list[bytes], captions: pa.BinaryArray, mode: str, make_scanner: Callable[[list[bytes]], Scanner]
) -> np.ndarray:
    """How often each of these literals (matching.literals_of) is in the first captions: float64 (n,), above 0."""
    number_of = {literal: number for number, literal in enumerate(dict.fromkeys(literals))}
    text = bytes_of(captions) if mode == "substring" else plain_words(joined(captions, b" "))
    found, _ = make_scanner(list(number_of))(text)
    counts = np.bincount(found, minlength=len(number_of))
    return counts[[number_of[literal] for literal in literals]] + LEAST_HITS
