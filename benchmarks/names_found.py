"""What do a template's synonyms find, and does any class lose rows by them?

In:   a parquet file with a TEXT column of real captions; a template with `synonyms`.
Out:  rows per way to search: own names, all names, queries, queries and synonyms; the classes that gain most by the
      synonyms; the CPU time of matching with synonyms as a multiple of that without. Exit code 1 if a class loses rows.

    python benchmarks/names_found.py --captions web_captions_10k.parquet
    python benchmarks/names_found.py --captions web_captions_10k.parquet --template FGVCAircraft --match substring
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import _root  # noqa: F401

from retrieval.queries import MATCH_MODES
from retrieval_templates import load_template, names_only

GAINS = 12  # classes that are printed
REPEATS, ROUNDS = 20, 5  # of the captions, so that starting costs little; of the timing, of which the best counts


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=Path, required=True, help="a parquet file with a TEXT column")
    parser.add_argument("--template", default="ImageNet", help="(default: %(default)s)")
    parser.add_argument("--template-dir", help="a folder with your own templates")
    parser.add_argument("--match", choices=MATCH_MODES, default="word", help="(default: %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    import pyarrow as pa
    from pyarrow import parquet

    from retrieval.substring.matching import Matcher

    captions = parquet.read_table(args.captions, columns=["TEXT"])["TEXT"].combine_chunks()
    template = load_template(args.template, args.template_dir)
    ways = {
        "own names": names_only(template, "own"),
        "all names": names_only(template, "all"),
        "queries without synonyms": replace(template, synonyms={}),
        "queries and synonyms": template,
    }

    def matcher_of(way: str):
        return Matcher([ways[way].caption_query(name, args.match) for name in template.classes], args.match)

    rows = {way: rows_of_classes(matcher_of(way).match(captions), template.classes) for way in ways}
    for way, of_class in rows.items():
        found = sum(1 for found in of_class.values() if found)
        print(f"{way}: {sum(map(len, of_class.values())):,} rows, {found:,} classes with any")
    lost = 0
    many = pa.concat_arrays([captions] * REPEATS)
    for without, with_them in (("own names", "all names"), ("queries without synonyms", "queries and synonyms")):
        gains = {name: len(rows[with_them][name] - rows[without][name]) for name in template.classes}
        lost += sum(len(rows[without][name] - rows[with_them][name]) for name in template.classes)
        best = sorted((name for name in gains if gains[name]), key=lambda name: -gains[name])[:GAINS]
        gained = ", ".join(f"{name} {len(rows[without][name])} + {gains[name]}" for name in best)
        ratio = slower(lambda way: matcher_of(way).match(many), without, with_them)
        print(f"{with_them}, CPU time against {without}: {ratio:.2f} x; largest gains: {gained or 'none'}")
    print(f"rows lost by synonyms: {lost}")
    return 1 if lost else 0


def rows_of_classes(hits, classes: tuple[str, ...]) -> dict[str, set[int]]:
    rows: dict[str, set[int]] = {name: set() for name in classes}
    for row, query in zip(hits.row.tolist(), hits.query.tolist(), strict=True):
        rows[classes[query]].add(row)
    return rows


def slower(work, without: str, with_them: str) -> float:
    """How many times as much CPU time the work takes `with_them`: the best of several rounds of both."""
    best = {}
    for _ in range(ROUNDS):
        for way in (without, with_them):
            start = time.process_time()
            work(way)
            best[way] = min(best.get(way, float("inf")), time.process_time() - start)
    return best[with_them] / best[without]


if __name__ == "__main__":
    sys.exit(main())
