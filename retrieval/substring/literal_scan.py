"""All positions of many byte strings in a buffer, in upper or lower case: two engines with the same signature.

    scan = best_scanner([b" hen ", b" tiger "])     # lower-cased; ASCII letters in the buffer may have either case
    literals, ends = scan(buffer)       # int32 numbers of the literals, int64 ends (exclusive); overlaps are included

Measured with a million web captions on one core (benchmarks/caption_engines.py): vectorscan (`hyperscan` on PyPI) finds
ImageNet's 998 names in 0.08 s. Python's handling of the 158,000 hits takes 0.03 s of that. Regular expressions with
character classes for the word boundaries would take 0.13 s, and 0.7 s to compile. The engine of the standard library
takes some seconds: it is for platforms without hyperscan's wheel.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

Scanner = Callable[[Any], tuple[np.ndarray, np.ndarray]]  # bytes or a pyarrow buffer -> (literals, ends), in any order

LONGEST_LITERAL = 200  # bytes; longer ones compile slowly, so callers scan for their first bytes and verify the rest
HEAD_BYTES = 4  # what the regular expression looks for; a dictionary then says which literals begin there
FEWEST_LITERALS = 100  # with fewer, vectorscan chooses an engine that scans captions at a quarter of the speed


def best_scanner(literals: list[bytes]) -> Scanner:
    """The fastest engine that works here.

    Args:
        literals: distinct, each of at least one byte, lower-cased.
    """
    try:
        return hyperscan_scanner(literals)
    except ImportError:  # no wheel for this platform
        return re_scanner(literals)


def hyperscan_scanner(literals: list[bytes]) -> Scanner:
    """Vectorscan.

    Raises:
        ImportError: it is not installed, or this processor lacks the instructions it is built for.
    """
    import hyperscan  # not on every platform

    from retrieval.substring.kept_literals import kept_database

    if not literals:
        return re_scanner(literals)
    # Vectorscan's stride depends on the shortest literal, and each candidate is verified, which is slow in captions:
    # a dummy 2-byte literal cuts scanning from 0.038 to 0.014 s per million captions (102 names).
    # Its bytes are in no UTF-8. Where they are found nevertheless, that is left out.
    dummies = [bytes((0xFE, 1 + number)) for number in range(max(1, FEWEST_LITERALS - len(literals)))]
    are_plain = b"\0" not in b"".join(literals)  # the binding ends a literal at a NUL
    together = literals + dummies

    def compiled() -> hyperscan.Database:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[literal if are_plain else escaped(literal) for literal in together],
            ids=list(range(len(together))),
            elements=len(together),
            flags=hyperscan.HS_FLAG_CASELESS,
            literal=are_plain,  # regular expressions compile half as fast
        )
        return database

    try:
        database = kept_database(together, are_plain, compiled)
    except hyperscan.ArchitectureError as error:
        raise ImportError("hyperscan does not run on this processor") from error

    def scan(buffer):
        hits = []
        add = hits.append

        def on_match(literal, _start, end, _flags, _context):
            add(literal)
            add(end)

        database.scan(buffer, match_event_handler=on_match)
        pairs = np.frombuffer(array("q", hits), np.int64).reshape(-1, 2)  # array() reads a list thrice as fast as numpy
        pairs = pairs[pairs[:, 0] < len(literals)]
        return pairs[:, 0].astype(np.int32), pairs[:, 1]

    return scan


def escaped(literal: bytes) -> bytes:
    return "".join(f"\\x{byte:02x}" for byte in literal).encode()


def re_scanner(literals: list[bytes]) -> Scanner:
    """The standard library: a regular expression finds the first bytes of literals, a dictionary the whole ones.

    It copies the buffer.
    """
    number_of = {literal: number for number, literal in enumerate(literals)}
    heads = {literal[:HEAD_BYTES] for literal in literals}
    lengths = defaultdict(set)  # the expression finds the longest head, and a shorter literal may be the start of it
    for literal in literals:
        lengths[literal[:HEAD_BYTES]].add(len(literal))
    for head in heads:
        lengths[head].update(length for length in range(1, HEAD_BYTES) if head[:length] in number_of)
    lengths_of = {head: sorted(lengths[head]) for head in heads}
    head_at = re.compile(b"(?=(" + _trie(sorted(heads)) + b"))", re.DOTALL) if heads else None

    def scan(buffer):
        hits, text = [], bytes(buffer).lower()
        for match in head_at.finditer(text) if head_at else ():
            start = match.start()
            for length in lengths_of[match[1]]:
                number = number_of.get(text[start : start + length])
                if number is not None and start + length <= len(text):  # a slice at the end may be short
                    hits += (number, start + length)
        pairs = np.array(hits, np.int64).reshape(-1, 2)
        return pairs[:, 0].astype(np.int32), pairs[:, 1]

    return scan


def _trie(strings: list[bytes]) -> bytes:
    """A regular expression, built as a trie, for the longest of sorted, distinct strings that begins at a position."""
    branches = defaultdict(list)
    for string in strings:
        if string:
            branches[string[:1]].append(string[1:])
    if not branches:
        return b""
    longer = b"|".join(re.escape(first) + _trie(rest) for first, rest in branches.items())
    return b"(?:" + longer + b")" + (b"?" if b"" in strings else b"")
