"""unicode61's folding of many characters at once, as arrays."""

import numpy as np

from retrieval.substring.unicode61 import folded_characters

_folded_bytes = None  # the folded characters by code point
_UNKNOWN = 0xFFFFFFFF  # no UTF-8 has these bytes


def folded_utf8(codes: np.ndarray) -> np.ndarray:
    """The folded character of each code point, as the bytes of its UTF-8.

    Returns:
        uint32 array: the first byte is the lowest; 0 for a mark that folds to nothing, 0x20 for a separator.
    """
    global _folded_bytes
    if _folded_bytes is None:
        _folded_bytes = np.full(0x110000, _UNKNOWN, np.uint32)
    packed = _folded_bytes[codes]
    unknown = packed == _UNKNOWN
    if unknown.any():
        new = np.unique(codes[unknown]).tolist()
        _folded_bytes[new] = [int.from_bytes(folded.encode(), "little") for folded in folded_characters(map(chr, new))]
        packed = _folded_bytes[codes]
    return packed
