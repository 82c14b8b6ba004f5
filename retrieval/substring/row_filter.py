"""Which captions may match a short list of phrases: one scan of the captions as they lie in Arrow, without a copy.

    rows_that_may_match = row_filter([[b"tiger", b"shark"], [b"rose"]], best_scanner)     # None: not worth it
    rows = rows_that_may_match(captions, offsets)

A phrase can only match a caption that contains its rarest word in any case, or a non-ASCII character that may fold to
ASCII ("rosé" to "rose"). For Flowers102 that is one web caption in twelve. Only those are joined, folded and searched
(matching.py), which takes 0.07 s instead of 0.10 s per million captions.
"""

import functools
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from retrieval.substring.caption_buffers import bytes_of
from retrieval.substring.literal_scan import LONGEST_LITERAL, Scanner

RowFilter = Callable[[pa.Array, np.ndarray], np.ndarray]

SHORT_LIST = 512  # phrases; ImageNet's thousand are in a third of all captions, so a filter does not help
SHORTEST_WORD = 2  # bytes; single letters and digits are nearly everywhere
SAMPLE_BYTES = 1 << 17  # some 2,000 captions show which word of a phrase is rare; counting takes 10 ms


def row_filter(phrases: list[list[bytes]], make_scanner: Callable[[list[bytes]], Scanner]) -> RowFilter | None:
    """A function from captions (binary, without nulls) and their offsets to the rows that may match, ascending.

    None for a list that is long, or has a phrase without a word to look for.

    Args:
        phrases: the words of each phrase, lower-cased: a caption that it matches contains all of them.
        make_scanner: an engine of literal_scan.py.
    """
    useful = [[word for word in words if word.isascii() and len(word) >= SHORTEST_WORD] for words in phrases]
    if not all(useful) or not 0 < len(useful) <= SHORT_LIST:
        return None
    scan = None

    def rows_that_may_match(captions: pa.Array, offsets: np.ndarray) -> np.ndarray:
        nonlocal scan
        if offsets[0] == offsets[-1]:
            return np.empty(0, np.int64)
        buffer = bytes_of(captions)
        if scan is None:
            count = functools.cache(bytes(buffer[:SAMPLE_BYTES]).lower().count)  # names share words, as "sedan"
            rarest = [min(words, key=lambda word: (count(word), -len(word))) for words in useful]
            scan = make_scanner(list(dict.fromkeys(word[:LONGEST_LITERAL] for word in rarest)))
        _, ends = scan(buffer)
        positions = np.concatenate([ends - 1, may_become_ascii(np.frombuffer(buffer, np.uint8))]) + offsets[0]
        may_match = np.zeros(len(captions), bool)
        may_match[np.searchsorted(offsets, positions, "right") - 1] = True  # a word across two rows: a false alarm
        return np.flatnonzero(may_match)

    return rows_that_may_match


def may_become_ascii(values: np.ndarray) -> np.ndarray:
    """Positions in UTF-8 `values` of characters whose folded or lower-cased form may be ASCII or nothing.

    These are Latin letters with diacritics and the combining marks (U+00C0 to U+036F, U+1E00 to U+1EFF), and the signs
    for kelvin and angstrom. Punctuation, symbols and other scripts are not among them.
    """
    positions = np.flatnonzero(values >= 0xC3)  # first bytes of characters
    first = values[positions]
    second = values[np.minimum(positions + 1, len(values) - 1)]
    latin = (first >= 0xC3) & (first <= 0xCD) | (first == 0xE1) | (first == 0xE2) & (second == 0x84)
    return positions[latin]
