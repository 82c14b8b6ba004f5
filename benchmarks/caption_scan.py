"""The documented command, as people run it, against the published approach with the same queries, on one core.

In:   templates; captions made here (LAION-2B-en's columns), or resampled from the TEXT column of --captions FILE.
Out:  two tables, worst first. Exit code 1 if the records of any two that should agree differ.

    python benchmarks/caption_scan.py
    python benchmarks/caption_scan.py --rows 100000 --repeats 1 --templates ImageNet DTD
    python benchmarks/caption_scan.py --captions web_captions.parquet --work /fast/disk

Each template is searched with its own queries and with its bare names, in the three match modes. Names in `fts` are the
published way. Whole processes write their chunks: filter_laion_metadata_substring.py on parquet and on databases, and
the published approach (one MATCH per class, one JSON at the end) on the same databases, built before and warm. In
`substring` it has no equal: it gets the queries as `word` has them, and only its time is compared.
Times are CPU seconds, user and system, the least of --repeats, so that other processes matter little.
"""

import argparse
import functools
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import _root  # noqa: F401

from retrieval.queries import MATCH_MODES, to_fts5
from retrieval_templates import Template, load_template, names_only

TEMPLATES = ("DTD", "FGVCAircraft", "Flowers102", "ImageNet", "StanfordCars")  # those of docs/numbers.md
SCRIPT = Path(__file__).resolve().parent.parent / "filter_laion_metadata_substring.py"

PUBLISHED = """
import json, sqlite3, sys
queries = json.load(open(sys.argv[1]))
records = []
for database in sys.argv[3:]:
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    for name, query in queries.items():
        for row in connection.execute("SELECT * FROM samples WHERE TEXT MATCH ?", [query]):
            records.append(dict(row) | {"QUERY": name})
json.dump(records, open(sys.argv[2], "w"))
"""


@dataclass(frozen=True)
class Case:
    template: str
    kind: str  # "queries", the template's own, or "names"
    match: str

    def queries(self, match: str) -> dict:
        template = loaded(self.template)
        if self.kind == "names":
            template = names_only(template, "own")
        return {name: template.caption_query(name, match) for name in template.classes}

    def __str__(self):
        return f"{self.template}, {self.kind}, {self.match}"


@functools.cache  # it warns of duplicate names each time
def loaded(template: str) -> Template:
    return load_template(template)


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="captions per shard (default: %(default)s)")
    parser.add_argument("--shards", type=int, default=2, help="number of shards (default: %(default)s)")
    parser.add_argument("--templates", nargs="+", default=TEMPLATES, help="(default: %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=("queries", "names"), default=("queries", "names"))
    parser.add_argument("--modes", nargs="+", choices=MATCH_MODES, default=MATCH_MODES)
    parser.add_argument("--captions", type=Path, help="a parquet file whose TEXT column is resampled")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the least counts (default: %(default)s)")
    parser.add_argument("--cpu", type=int, default=0, help="the core to run on (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="where shards are made and kept (default: a temporary folder)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    from caption_shards import MATCHING, build_database, make_shards

    os.sched_setaffinity(0, {args.cpu})
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # users' machines compile modules once, not at each start
    cases = [Case(*case) for case in product_of(args)]
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        names = [name for template in args.templates for name in loaded(template).classes]
        shards = make_shards(work, args, "-".join(args.templates), names, MATCHING)
        databases = [shard.with_suffix(".db") for shard in shards]
        for shard, database in zip(shards, databases, strict=True):
            build_database(shard, database)
        whole = [compare(case, shards, databases, work, args.repeats) for case in cases]
        matching = [decode_and_match(case, shards, args.repeats) for case in cases]
    rows = args.rows * args.shards
    show_whole(whole, rows)
    show_matching(matching, rows)
    wrong = [line for *_, differences in whole for line in differences]
    for line in wrong:
        print(f"DIFFERENT: {line}")
    return 1 if wrong else 0


def product_of(args) -> list[tuple[str, str, str]]:
    return [(template, kind, mode) for template in args.templates for kind in args.kinds for mode in args.modes]


# ---- whole processes ----


def compare(case: Case, shards: list[Path], databases: list[Path], work: Path, repeats: int) -> tuple:
    """(case, published, ours on parquet, ours on databases, what differs), times in CPU seconds."""
    queries = case.queries("word" if case.match == "substring" else case.match)
    texts, result = work / "queries.json", work / "published.json"
    texts.write_text(json.dumps({name: to_fts5(query) for name, query in queries.items()}))
    outputs = work / "out-parquet", work / "out-databases"
    commands = [
        [sys.executable, "-c", PUBLISHED, *map(str, (texts, result, *databases))],
        filter_command(case, shards, outputs[0]),
        filter_command(case, databases, outputs[1]),
    ]
    seconds = [float("inf")] * 3
    for _ in range(repeats):
        for output in outputs:
            shutil.rmtree(output, ignore_errors=True)
        seconds = [min(least, cpu_seconds(command)) for least, command in zip(seconds, commands, strict=True)]
    print(f"{case}: published {seconds[0]:.2f}, parquet {seconds[1]:.2f}, databases {seconds[2]:.2f}", file=sys.stderr)
    ours, on_databases = (digest(sorted(output.glob("chunk_*.json"))) for output in outputs)
    differences = []
    if ours != on_databases:
        differences.append(f"{case}: parquet {ours[0]:,} records, databases {on_databases[0]:,}")
    if case.match != "substring" and ours != (theirs := digest([result])):
        differences.append(f"{case}: ours {ours[0]:,} records, published {theirs[0]:,}")
    return case, *seconds, differences


def filter_command(case: Case, shards: list[Path], output: Path) -> list[str]:
    names = output.with_suffix(".txt")
    names.write_text("\n".join(loaded(case.template).classes) + "\n")
    classes = [case.template, "--template"] if case.kind == "queries" else [str(names)]
    return [sys.executable, str(SCRIPT), "-o", str(output), "-q", *classes, "--match", case.match, "--workers", "1",
            "--dbs", *map(str, shards)]  # fmt: skip


def cpu_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def digest(chunks: list[Path]) -> tuple[int, str]:
    """The number of records in JSON arrays, and a hash of their classes, ids and addresses in any order."""
    records = [
        json.dumps([record[name] for name in ("QUERY", "SAMPLE_ID", "URL")])
        for chunk in chunks
        for record in json.loads(chunk.read_text())
    ]
    return len(records), hashlib.sha256("\n".join(sorted(records)).encode()).hexdigest()


# ---- decoding and matching ----


def decode_and_match(case: Case, shards: list[Path], repeats: int) -> tuple[Case, float, float]:
    """(case, decoding, decoding and matching) in CPU seconds; compiling is not in them."""
    from retrieval.opened_shard import open_shard
    from retrieval.shards import caption_batches
    from retrieval.substring.matching import Matcher

    matcher, opened = Matcher(list(case.queries(case.match).values()), case.match), [*map(open_shard, shards)]
    matcher.match(next(caption_batches(opened[0])).captions)  # compiled with the first batch

    def read(work) -> float:
        started = time.process_time()
        for shard in opened:
            for batch in caption_batches(shard):
                work(batch.captions)
        return time.process_time() - started

    runs = [(read(len), read(matcher.match)) for _ in range(repeats)]
    decoding, both = (min(times) for times in zip(*runs, strict=True))
    return case, decoding, both


# ---- the tables, worst first ----


def show_whole(whole: list[tuple], rows: int) -> None:
    print(f"whole processes, {rows:,} captions, CPU seconds on one core; ratios: published / ours")
    print(f"{'':40} published   parquet   ratio  databases   ratio")
    for case, published, parquet, databases, _ in sorted(whole, key=lambda run: run[1] / max(run[2], run[3])):
        print(f"{case!s:40} {published:9.2f} {parquet:9.2f} {published / parquet:7.2f} "
              f"{databases:10.2f} {published / databases:7.2f}")  # fmt: skip


def show_matching(matching: list[tuple], rows: int) -> None:
    print(f"decoding and matching, {rows:,} captions, CPU seconds; ratio: to decoding alone")
    for case, decoding, both in sorted(matching, key=lambda run: -run[2] / run[1]):
        print(f"{case!s:40} {both:9.2f} of which {decoding:5.2f} is decoding, ratio {both / decoding:5.2f}")


if __name__ == "__main__":
    sys.exit(main())
