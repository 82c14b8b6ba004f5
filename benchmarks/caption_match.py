"""What matching costs on top of decoding: captions per second for lists of names and match modes, on one core.

In:   captions made here, or resampled from --captions FILE (its TEXT column); the names of templates, or of --names.
Out:  one line per list and mode: CPU seconds of decoding and matching, captions per second, ratio to decoding alone.

    python benchmarks/caption_match.py
    python benchmarks/caption_match.py --rows 1000000 --captions web_captions.parquet --engine re

The floor is what the filter does anyway: pyarrow decodes the caption column into Arrow batches. It is measured again
before each list, the best of --repeats. Only ratios within one run mean something. DuckDB's decoding is shown too.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import _root  # noqa: F401

from retrieval.queries import class_query
from retrieval_templates import load_template, template_from_names

TEMPLATES = ("Flowers102", "StanfordCars", "ImageNet")  # from sparse to dense: 102, 196 and 998 names


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="captions (default: %(default)s)")
    parser.add_argument("--captions", type=Path, help="a parquet file whose TEXT column is resampled")
    parser.add_argument("--names", type=Path, nargs="+", metavar="FILE", help="files of class names, one per line")
    parser.add_argument("--modes", nargs="+", default=["word", "substring", "fts"], help="(default: %(default)s)")
    parser.add_argument("--engine", choices=("hyperscan", "re"), help="(default: the best that is installed)")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the best counts (default: %(default)s)")
    parser.add_argument("--cpu", type=int, default=0, help="the core to run on (default: %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    os.sched_setaffinity(0, {args.cpu})

    from retrieval.substring.literal_scan import best_scanner, hyperscan_scanner, re_scanner
    from retrieval.substring.matching import Matcher

    make_scanner = {None: best_scanner, "hyperscan": hyperscan_scanner, "re": re_scanner}[args.engine]
    with tempfile.TemporaryDirectory() as folder:
        shard = Path(folder) / "captions.parquet"
        make_shard(shard, args)
        print(f"{args.rows:,} captions, {shard.stat().st_size / 1e6:,.0f} MB of parquet, core {args.cpu}")
        floor = best(args.repeats, lambda: sum(len(captions) for captions in decode(shard)))[0]
        show("decode (pyarrow, as the filter does)", floor, args.rows)
        show("decode (DuckDB into Arrow)", best(args.repeats, lambda: decode_with_duckdb(shard))[0], args.rows)
        for label, names in name_lists(args):
            for mode in args.modes:
                floor = best(args.repeats, lambda: sum(len(captions) for captions in decode(shard)))[0]
                queries = [class_query(name, None, mode) for name in names]
                compiling, matcher = best(1, lambda q=queries, m=mode: Matcher(q, m, make_scanner))
                both, hits = best(args.repeats, lambda m=matcher: sum(len(m.match(c).row) for c in decode(shard)))
                note = f"{both / floor:5.2f} x decoding; {hits:,} hits, compiled in {compiling:.2f} s"
                show(f"{label}, {len(names):,} names, {mode}", both, args.rows, note)
    return 0


def name_lists(args) -> list[tuple[str, list[str]]]:
    if args.names:
        return [(path.stem, list(template_from_names(str(path)).classes)) for path in args.names]
    return [(name, list(load_template(name).classes)) for name in TEMPLATES]


def make_shard(path: Path, args) -> None:
    """One parquet file without a dictionary: captions of the web are hardly ever repeated, so it would not help."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"URL": pa.nulls(args.rows, pa.string()), "TEXT": resampled_captions(args)})
    pq.write_table(table, path, use_dictionary=False)


def resampled_captions(args):
    """--rows captions, resampled from --captions or from some that are made here: a pyarrow array of strings."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(11)
    if args.captions:
        texts = pq.read_table(args.captions, columns=["TEXT"]).column(0).drop_null().combine_chunks()
    else:
        texts = pa.array(invent_captions(random))
    return texts.take(pa.array(random.integers(0, len(texts), args.rows)))


def invent_captions(random, count: int = 20_000) -> list[str]:
    """Captions of 3 to 16 words (Zipf's frequencies). A third name a class, one in sixteen has an accent."""
    syllables = re.findall("..", "anbecadoelfigohainjokalomineorparisoteunwaxiyazo")
    vocabulary = ["".join(random.choice(syllables, random.integers(1, 5))) for _ in range(30_000)]
    vocabulary[20::40] = ["white", "rose", "car", "beach", "plate", "tiger", "shark", "sunflower", "hen", "orange"] * 75
    separators = [" "] * 12 + [", ", " - ", " | ", ". "]
    captions = []
    for number in range(count):
        chosen = random.zipf(1.2, random.integers(3, 17)) % len(vocabulary)
        words = [vocabulary[word] + separators[word % len(separators)] for word in chosen]
        captions.append("".join(words).capitalize() + ("é" if number % 16 == 0 else "."))
    return captions


def decode(shard: Path):
    from retrieval.opened_shard import open_shard
    from retrieval.shards import caption_batches

    for batch in caption_batches(open_shard(shard)):
        yield batch.captions


def decode_with_duckdb(shard: Path) -> int:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        result = connection.sql("SELECT TEXT FROM read_parquet($1)", params=[str(shard)])
        to_reader = getattr(result, "to_arrow_reader", None) or result.fetch_arrow_reader  # duckdb 2 and 1
        return sum(len(batch) for batch in to_reader(1 << 16))


def best(repeats: int, work):
    """(CPU seconds, result) of the fastest of `repeats` runs. CPU time leaves out what other processes do."""
    runs = []
    for _ in range(repeats):
        started = time.process_time()
        result = work()
        runs.append((time.process_time() - started, result))
    return min(runs, key=lambda run: run[0])


def show(label: str, seconds: float, rows: int, note: str = "") -> None:
    print(f"  {label:<40} {seconds:>7.3f} s {rows / seconds:>13,.0f} captions/s  {note}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
