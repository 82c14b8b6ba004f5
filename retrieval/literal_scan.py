"""Where any of many byte strings stand in a buffer: the engines, behind one signature.

    scan = best_scanner([b" hen ", b" tiger "])
    literals, ends = scan(buffer)       # int32 numbers of the literals, int64 ends (exclusive); overlapping ones too

Measured on web captions lower-cased by table, the 998 names of ImageNet, one core (benchmarks/caption_match.py):
vectorscan (`hyperscan` on PyPI) scans a million captions in 0.07 s, 0.02 s of them in Python for 110,000 hits; the
same with word boundaries and caseless letters as regular expressions takes 0.2 to 0.3 s, a compile of 1.5 s, and says
the same. The standard library's engine below takes some seconds; it is for platforms without hyperscan's wheel.
"""

import re
from collections import defaultdict
from collections.abc import Callable

Scanner = Callable[[bytes], tuple]  # buffer -> (literals, ends), in no particular order

LONGEST_LITERAL = 200  # bytes; the engines compile longer ones slowly, so callers look for a beginning and verify
HEAD = 4  # bytes a regular expression looks for before a dictionary says which literals stand there


def best_scanner(literals: list[bytes]) -> Scanner:
    """The fastest engine that works here. `literals` are distinct and not empty."""
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
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=["".join(f"\\x{byte:02x}" for byte in literal).encode() for literal in literals],
            ids=list(range(len(literals))),
            elements=len(literals),
            flags=0,
        )
    except hyperscan.ArchitectureError as error:
        raise ImportError("hyperscan does not run on this processor") from error

    def scan(buffer: bytes):
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
    """The standard library: one regular expression for the literals' heads, a dictionary for the rest."""
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

    def scan(buffer: bytes):
        hits = []
        for match in head_at.finditer(buffer) if head_at else ():
            start = match.start()
            for length in lengths_of[match[1]]:
                number = number_of.get(buffer[start : start + length])
                if number is not None:
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
