"""Where any of many byte strings stand in a buffer, in either case: the engines, behind one signature.

    scan = best_scanner([b" hen ", b" tiger "])         # lower-cased; the buffer's ASCII letters may be of either case
    literals, ends = scan(buffer)       # int32 numbers of the literals, int64 ends (exclusive); overlapping ones too

Measured with a million web captions on one core (benchmarks/caption_engines.py): vectorscan (`hyperscan` on PyPI) finds
ImageNet's 998 names in 0.08 s, of them 0.03 s in Python for 158,000 hits. The names as expressions with classes for
boundaries take 0.13 s and 0.7 s to compile. The standard library's engine below takes some seconds: it is for platforms
without hyperscan's wheel.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

Scanner = Callable[[Any], tuple]  # bytes or a pyarrow buffer -> (literals, ends), in no particular order

LONGEST_LITERAL = 200  # bytes; the engines compile longer ones slowly, so callers look for a beginning and verify
HEAD = 4  # bytes a regular expression looks for before a dictionary says which literals stand there
FEWEST = 100  # literals: for fewer, vectorscan chooses an engine that reads captions at a quarter of the speed


def best_scanner(literals: list[bytes]) -> Scanner:
    """The fastest engine that works here.

    Args:
        literals: distinct, not empty, lower-cased.
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
    import hyperscan
    import numpy as np

    if not literals:
        return re_scanner(literals)
    # Vectorscan strides as far as its shortest literal allows, and verifies what might begin there. In captions
    # that is slow: 102 names take 0.038 s a million, and 0.014 s with one literal of two bytes beside them.
    beside = [bytes((0xFE, number)) for number in range(max(1, FEWEST - len(literals)))]  # in no UTF-8, never reported
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=["".join(f"\\x{byte:02x}" for byte in literal).encode() for literal in literals + beside],
            ids=list(range(len(literals) + len(beside))),
            elements=len(literals) + len(beside),
            flags=[hyperscan.HS_FLAG_CASELESS] * len(literals) + [hyperscan.HS_FLAG_QUIET] * len(beside),
        )
    except hyperscan.ArchitectureError as error:
        raise ImportError("hyperscan does not run on this processor") from error

    def scan(buffer):
        hits = []
        add = hits.append

        def on_match(literal, _start, end, _flags, _context):
            add(literal)
            add(end)

        database.scan(buffer, match_event_handler=on_match)
        pairs = np.array(hits, np.int64).reshape(-1, 2)
        return pairs[:, 0].astype(np.int32), pairs[:, 1]

    return scan


def re_scanner(literals: list[bytes]) -> Scanner:
    """The standard library: one regular expression for the literals' heads, a dictionary for the rest. It copies."""
    import numpy as np

    number_of = {literal: number for number, literal in enumerate(literals)}
    heads = {literal[:HEAD] for literal in literals}
    lengths = defaultdict(set)  # the expression finds the longest head; a shorter literal may be its beginning
    for literal in literals:
        lengths[literal[:HEAD]].add(len(literal))
    for head in heads:
        lengths[head].update(length for length in range(1, HEAD) if head[:length] in number_of)
    lengths_of = {head: sorted(lengths[head]) for head in heads}
    head_at = re.compile(b"(?=(" + _trie(sorted(heads)) + b"))", re.DOTALL) if heads else None

    def scan(buffer):
        hits, text = [], bytes(buffer).lower()
        for match in head_at.finditer(text) if head_at else ():
            start = match.start()
            for length in lengths_of[match[1]]:
                number = number_of.get(text[start : start + length])
                if number is not None and start + length <= len(text):  # a slice at the end is short
                    hits += (number, start + length)
        pairs = np.array(hits, np.int64).reshape(-1, 2)
        return pairs[:, 0].astype(np.int32), pairs[:, 1]

    return scan


def _trie(strings: list[bytes]) -> bytes:
    """An expression for the longest of sorted, distinct strings that stands at a place, without trying each."""
    branches = defaultdict(list)
    for string in strings:
        if string:
            branches[string[:1]].append(string[1:])
    if not branches:
        return b""
    longer = b"|".join(re.escape(first) + _trie(rest) for first, rest in branches.items())
    return b"(?:" + longer + b")" + (b"?" if b"" in strings else b"")
