"""Which captions may match a short list of phrases: one scan of the captions as they lie in Arrow, nothing copied.

    rows_that_may_match = row_filter([[b"tiger", b"shark"], [b"rose"]], best_scanner)     # None: no list for this
    rows = rows_that_may_match(captions, offsets)

A phrase can only match where its rarest word stands, in whatever case, or where a character beyond ASCII may be read as
one within it ("rosé" as "rose"). For Flowers102 that is one web caption in twelve, and only those are joined, folded
and searched in earnest (retrieval/substring/matching.py): 0.07 s for a million captions, not 0.10 s.
"""

from collections.abc import Callable

from retrieval.substring.caption_buffers import beyond_ascii, bytes_of
from retrieval.substring.literal_scan import LONGEST_LITERAL

SHORT_LIST = 256  # words; ImageNet's thousand stand in a third of all captions, which is no help
SHORTEST_WORD = 3  # bytes; shorter ones stand nearly everywhere
SAMPLE_BYTES = 1 << 17  # of captions that tell which of a phrase's words is rare: some 2,000, read in 10 ms


def row_filter(phrases: list[list[bytes]], make_scanner) -> Callable | None:
    """A function from captions (BinaryArray or LargeBinaryArray without nulls) and their offsets to the rows that may
    match, ascending.

    Args:
        phrases: of each the words, lower-cased, that must all stand in a caption that it matches.
        make_scanner: an engine of retrieval/substring/literal_scan.py.
    """
    useful = [[word for word in words if word.isascii() and len(word) >= SHORTEST_WORD] for words in phrases]
    if not all(useful) or not 0 < len(useful) <= SHORT_LIST:
        return None
    scan = None

    def rows_that_may_match(captions, offsets):
        import numpy as np

        nonlocal scan
        if offsets[0] == offsets[-1]:
            return np.empty(0, np.int64)
        buffer = bytes_of(captions)
        if scan is None:
            sample = bytes(buffer[:SAMPLE_BYTES]).lower()
            rarest = [min(words, key=lambda word: (sample.count(word), -len(word))) for words in useful]
            scan = make_scanner(list(dict.fromkeys(word[:LONGEST_LITERAL] for word in rarest)))
        _, ends = scan(buffer)
        places = np.concatenate([ends - 1, may_become_ascii(np.frombuffer(buffer, np.uint8))]) + offsets[0]
        may_match = np.zeros(len(captions), bool)
        may_match[np.searchsorted(offsets, places, "right") - 1] = True  # an end in a next row costs a look, no more
        return np.flatnonzero(may_match)

    return rows_that_may_match


def may_become_ascii(values):
    """Where UTF-8 `values` have the first byte of a character whose folded or lower-cased form may be ASCII or nothing.

    Latin letters with diacritics and the combining marks (U+00C0 to U+036F, U+1E00 to U+1EFF), and the signs for
    kelvin and angstrom. Punctuation, symbols and other scripts are not among them.
    """
    import numpy as np

    places = beyond_ascii(values)
    first = values[places]
    second = values[np.minimum(places + 1, len(values) - 1)]
    latin = (first >= 0xC3) & (first <= 0xCD) | (first == 0xE1) | (first == 0xE2) & (second == 0x84)
    return places[latin]
