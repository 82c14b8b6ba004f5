"""Do we find the classes as often, relative to each other, as the published counts of LAION-2B say?

In:   a parquet file with a TEXT column of real captions; the published counts as JSON,
      {"datasets": {set: {pool: [{"name", "alternates": {name: rows}, "rows", "relevant"}]}}}.
Out:  Spearman's rank correlation over the classes with enough captions, for several ways to search; and the classes
      whose ranks differ most.

    python benchmarks/published_counts.py --captions web_captions_10k.parquet --published laion_concept_counts.json
"""

import argparse
import json
import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.queries import either, phrase_query
from retrieval_templates import load_template, names_only

SHOWN = 5  # classes on each side of the disagreement


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=Path, required=True, help="a parquet file with a TEXT column")
    parser.add_argument("--published", type=Path, required=True, help="JSON with the published counts")
    parser.add_argument("--set", default="imagenet_1k", help="which of its data sets (default: %(default)s)")
    parser.add_argument("--pool", default="LAION2B", help="which of its pools (default: %(default)s)")
    parser.add_argument("--template", default="ImageNet", help="with the classes in the same order, or the same names")
    parser.add_argument("--least", type=int, default=20, help="captions per class (default: %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    from pyarrow import parquet

    from retrieval.substring.matching import Matcher

    captions = parquet.read_table(args.captions, columns=["TEXT"])["TEXT"].combine_chunks()
    published = {
        of_class["name"].casefold(): of_class
        for of_class in json.loads(args.published.read_text())["datasets"][args.set][args.pool]
    }
    template = load_template(args.template)
    classes = [name for name in template.classes if name.casefold() in published]
    theirs = [published[name.casefold()] for name in classes]
    print(
        f"{len(captions):,} captions; {len(classes):,} of {len(template.classes):,} classes are in the published list"
    )
    own, every = names_only(template, "own"), names_only(template, "all")
    ways = {
        "own name / rows of that name": (
            [own.caption_query(name, "word") for name in classes],
            [rows_of(of_class, name) for of_class, name in zip(theirs, classes, strict=True)],
        ),
        "their names / rows": (
            [either(map(phrase_query, of_class["alternates"])) for of_class in theirs],
            [of_class["rows"] for of_class in theirs],
        ),
        "our names / rows": (
            [every.caption_query(name, "word") for name in classes],
            [of_class["rows"] for of_class in theirs],
        ),
        "our queries / rows that mean the class": (
            [template.caption_query(name, "word") for name in classes],
            [of_class["relevant"] for of_class in theirs],
        ),
    }
    for way, (queries, rows) in ways.items():
        hits = Matcher(queries, "word").match(captions)
        found = [0] * len(classes)
        for query in hits.query.tolist():
            found[query] += 1
        compare(way, classes, found, rows, args.least)
    return 0


def rows_of(of_class: dict, name: str) -> int | None:
    """The published rows of one name, in whatever case it is written."""
    return next((rows for text, rows in of_class["alternates"].items() if text.casefold() == name.casefold()), None)


def compare(way: str, classes: list[str], ours: list[int], theirs: list[int | None], least: int) -> None:
    from scipy.stats import rankdata, spearmanr

    chosen = [place for place, number in enumerate(ours) if number >= least and theirs[place] is not None]
    if len(chosen) < 3:
        print(f"{way}: only {len(chosen)} classes with {least} captions or more")
        return
    a, b = ([numbers[place] for place in chosen] for numbers in (ours, theirs))
    print(f"{way}: {spearmanr(a, b).statistic:.2f} over {len(chosen)} classes with {least} captions or more")
    gaps = rankdata(a) - rankdata(b)
    order = sorted(range(len(chosen)), key=lambda number: gaps[number])
    for title, numbers in (("rarer here", order[:SHOWN]), ("more frequent here", order[::-1][:SHOWN])):
        named = ", ".join(f"{classes[chosen[n]]} ({a[n]:,}; {b[n]:,})" for n in numbers)
        print(f"    {title} (captions here; published): {named}")


if __name__ == "__main__":
    sys.exit(main())
