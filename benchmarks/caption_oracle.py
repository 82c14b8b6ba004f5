"""Are the matches right? All captions and classes of a template, compared with Python's `in` and SQLite FTS5 in the
three match modes; and how many captions each mode gives.

In:   a parquet file with a TEXT column of real captions; a template.
Out:  per mode, for the plain names and for the template's own queries: matches, captions, the classes with most
      matches, and whether the oracle gave the same. Exit code 1 if it did not.

    python benchmarks/caption_oracle.py --captions web_captions_10k.parquet
    python benchmarks/caption_oracle.py --captions web_captions_10k.parquet --template DTD
"""

import argparse
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import _root  # noqa: F401

from retrieval.queries import MATCH_MODES, And, Not, Or, to_fts5
from retrieval_templates import load_template, names_only

MOST_MATCHED = 10  # classes that are printed


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=Path, required=True, help="a parquet file with a TEXT column")
    parser.add_argument("--template", default="ImageNet", help="(default: %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    from pyarrow import parquet

    from retrieval.substring.matching import Matcher

    column = parquet.read_table(args.captions, columns=["TEXT"])["TEXT"]
    captions = column.to_pylist()
    database = full_text_database(captions)
    template = load_template(args.template)
    print(f"{len(captions):,} captions, {len(template.classes):,} classes of {template.name}")
    wrong = False
    for label, searched in (("plain names", names_only(template, "own")), ("the template's queries", template)):
        for mode in MATCH_MODES:
            queries = {name: searched.caption_query(name, mode) for name in template.classes}
            hits = Matcher(list(queries.values()), mode).match(column)
            ours = set(zip(hits.row.tolist(), (template.classes[query] for query in hits.query.tolist()), strict=True))
            if mode == "substring":
                oracle = in_every_caption(captions, queries)
            else:
                oracle = matches_of_sqlite(database, queries)
            most = ", ".join(
                f"{name} {count:,}" for name, count in Counter(name for _, name in ours).most_common(MOST_MATCHED)
            )
            verdict = "the same as the oracle" if ours == oracle else f"WRONG: {len(ours ^ oracle):,} differ"
            print(f"{label}, {mode}: {len(ours):,} matches in {len({row for row, _ in ours}):,} captions; {verdict}")
            print(f"    {most}")
            wrong |= ours != oracle
    return 1 if wrong else 0


def full_text_database(captions: list) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE samples USING fts5(TEXT)")
    database.executemany("INSERT INTO samples (rowid, TEXT) VALUES (?, ?)", enumerate(captions))
    return database


def matches_of_sqlite(database: sqlite3.Connection, queries: dict) -> set:
    return {
        (row, name)
        for name, query in queries.items()
        for (row,) in database.execute("SELECT rowid FROM samples WHERE TEXT MATCH ?", (to_fts5(query),))
    }


def in_every_caption(captions: list, queries: dict) -> set:
    """Python's `in`, phrase by phrase; AND, OR and NOT are sets."""
    lowered = [(row, caption.lower()) for row, caption in enumerate(captions) if caption is not None]
    holding: dict[str, set] = {}

    def rows_of(query) -> set:
        if isinstance(query, And):
            return set.intersection(*map(rows_of, query.parts))
        if isinstance(query, Or):
            return set.union(*map(rows_of, query.parts))
        if isinstance(query, Not):
            return rows_of(query.wanted) - rows_of(query.unwanted)
        phrase = query.text.lower()
        if phrase not in holding:
            holding[phrase] = {row for row, caption in lowered if phrase in caption} if phrase else set()
        return holding[phrase]

    return {(row, name) for name, query in queries.items() for row in rows_of(query)}


if __name__ == "__main__":
    sys.exit(main())
