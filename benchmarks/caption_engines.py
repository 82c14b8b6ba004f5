"""How fast vectorscan reads captions for different literals and expressions: the reasons for those of literal_scan.py.

In:   captions made here, or resampled from --captions FILE (its TEXT column); the class names of templates.
Out:  one line per list and way: seconds per million captions without and with Python's handling of the matches, and the
      number of matches.

    python benchmarks/caption_engines.py
    python benchmarks/caption_engines.py --captions web_captions.parquet --templates Flowers102

Ways: the names between spaces, in text where every other character is a space; the same with the dummy literals that
literal_scan adds, which are never reported; the names with character classes for word boundaries, in the captions as
they are.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import _root  # noqa: F401

from retrieval_templates import load_template

PIECE_BYTES = 1 << 19  # scanned at once, as retrieval/substring/matching.py does


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="captions (default: %(default)s)")
    parser.add_argument("--captions", type=Path, help="a parquet file whose TEXT column is resampled")
    parser.add_argument("--templates", nargs="+", default=["Flowers102", "ImageNet"], help="(default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the best counts (default: %(default)s)")
    parser.add_argument("--cpu", type=int, default=0, help="the core to run on (default: %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    os.sched_setaffinity(0, {args.cpu})
    from caption_match import resampled_captions

    from retrieval.substring.caption_buffers import joined, pieces, plain_words, without_nulls
    from retrieval.substring.literal_scan import FEWEST_LITERALS

    captions = [joined(piece, b" ") for _, piece in pieces(without_nulls(resampled_captions(args)), PIECE_BYTES)]
    words = [plain_words(buffer) for buffer in captions]
    print(f"{args.rows:,} captions, {sum(map(len, words)) / 1e6:,.0f} MB; seconds of scanning alone, and with matches")
    for template in args.templates:
        names = [b" ".join(plain_words(name.encode()).tobytes().split()) for name in load_template(template).classes]
        between = [escaped(b" " + name + b" ") for name in dict.fromkeys(names)]
        dummies = [escaped(bytes((0xFE, number))) for number in range(max(1, FEWEST_LITERALS - len(between)))]
        classes = [b"[^A-Za-z0-9]" + escaped(name) + b"[^A-Za-z0-9]" for name in dict.fromkeys(names)]
        for way, buffers, expressions, quiet in (
            ("names between spaces", words, between, []),
            ("the same, with dummy literals", words, between, dummies),
            ("classes for boundaries", captions, classes, []),
        ):
            show(f"{template}, {len(between):,} names: {way}", buffers, expressions, quiet, args)
    return 0


def escaped(literal: bytes) -> bytes:
    return "".join(f"\\x{byte:02x}" for byte in literal).encode()


def show(label: str, buffers: list, expressions: list[bytes], quiet: list[bytes], args) -> None:
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    started = time.perf_counter()
    database.compile(
        expressions=expressions + quiet,
        ids=list(range(len(expressions + quiet))),
        elements=len(expressions + quiet),
        flags=[hyperscan.HS_FLAG_CASELESS] * len(expressions) + [hyperscan.HS_FLAG_QUIET] * len(quiet),
    )
    compiled = time.perf_counter() - started
    hits = []

    def on_match(literal, _start, end, _flags, _context):
        hits.append(literal)
        hits.append(end)

    def scan(handler) -> float:
        hits.clear()
        started = time.perf_counter()
        for buffer in buffers:
            database.scan(buffer, match_event_handler=handler)
        return time.perf_counter() - started

    alone, told = (min(scan(handler) for _ in range(args.repeats)) for handler in (None, on_match))
    million = args.rows / 1e6
    print(f"  {label:<62} {alone / million:.3f} {told / million:.3f} s; {len(hits) // 2:,} matches, "
          f"compiled in {compiled:.2f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
