"""How fast captions are searched for all classes at once, next to the ways that people use today, on one core.

In:   a template; captions made here (LAION-2B-en's columns; resampled from --captions FILE where it is given).
Out:  a table: seconds, captions per second, and ours against each peer. Exit code 1 if two that should agree do not.

    python benchmarks/caption_scan.py
    python benchmarks/caption_scan.py --rows 1000000 --template Flowers102 --captions web_captions.parquet
    python benchmarks/caption_scan.py --memory     # peak memory at one and at ten times the rows

Peers that are not installed (rg, pyahocorasick, polars) are skipped, and a line says so. Only ratios within one run
mean something: everything runs on one core (--cpu), and each time is the best of --repeats.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import _root  # noqa: F401

from retrieval.queries import class_query
from retrieval_templates import load_template, template_from_names

ROOT = Path(__file__).resolve().parent.parent
LAION_ROWS = 2_320_000_000  # LAION-2B-en
ROW_GROUP = 250_000  # about what pyarrow and Spark write for rows of this size (64 MB)
MATCHING = 0.1  # share of invented captions that name a class; ImageNet finds as many in web captions by whole words
COLUMNS = ("SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity")
SCRIPT = ROOT / "filter_laion_metadata_substring.py"

# The published approach: one MATCH per class on a ready index, its rows as dictionaries, one JSON at the end.
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
print(len(records))
"""

# Runs a command and prints the peak, in KiB, of the largest of its processes.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000, help="captions per shard (default: %(default)s)")
    parser.add_argument("--shards", type=int, default=1, help="number of shards (default: %(default)s)")
    parser.add_argument("--template", default="ImageNet", help="whose classes (default: %(default)s)")
    parser.add_argument("--names", type=Path, help="a file of class names, instead of a template")
    parser.add_argument("--captions", type=Path, help="a parquet file whose TEXT column is resampled")
    parser.add_argument("--repeats", type=int, default=3, help="runs, of which the best counts (default: %(default)s)")
    parser.add_argument("--cpu", type=int, default=0, help="the core to run on (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="where shards are made and kept (default: a temporary folder)")
    parser.add_argument("--memory", action="store_true", help="peak memory only: --rows x --shards, and ten times it")
    parser.add_argument("--two-workers", action="store_true", help="also two workers against one (needs two cores)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {args.cpu})
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # users' machines compile modules once, not at each start
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        names = class_names(args)
        (work / "names.txt").write_text("\n".join(names) + "\n")
        shards = make_shards(work, args, names, matching=1 / 3 if args.memory else MATCHING)
        if args.memory:
            return report_memory(work, shards, args)
        wrong = compare_on_parquet(work, shards, names, args) + compare_on_databases(work, shards, names, args)
        if args.two_workers:
            os.sched_setaffinity(0, cores)
            compare_workers(work, shards, args)
    for line in wrong:
        print(f"DIFFERENT: {line}")
    return 1 if wrong else 0


def class_names(args) -> list[str]:
    template = template_from_names(str(args.names)) if args.names else load_template(args.template)
    return list(template.classes)


# ---- captions like LAION's ----


def make_shards(work: Path, args, names: list[str], matching: float) -> list[Path]:
    """Parquet shards with LAION-2B-en's columns, made once in --work. A share `matching` of the rows names a class."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    captions = read_captions(args.captions) if args.captions else invent_captions()
    source, classes = (
        args.captions.stem if args.captions else "invented",
        args.names.stem if args.names else args.template,
    )
    made = f"{source}-{classes}-{matching:.2f}-{args.rows}"
    shards = []
    for shard in range(args.shards):
        path = work / f"{made}-{shard}.parquet"
        shards.append(path)
        if path.exists():
            continue
        random = np.random.default_rng(shard)
        beside = path.with_suffix(".part")
        with pq.ParquetWriter(beside, pa.schema(schema_fields())) as writer:
            for first in range(0, args.rows, ROW_GROUP):
                count = min(ROW_GROUP, args.rows - first)
                # The first half of one caption, the second of another: phrases survive, few captions are there twice.
                left, right = random.integers(0, len(captions), (2, count))
                text = [captions[a][0] + captions[b][1] for a, b in zip(left, right, strict=True)]
                if not args.captions or matching > MATCHING:
                    for position in np.flatnonzero(random.random(count) < matching):
                        text[position] = f"{text[position]} {names[random.integers(len(names))]}"
                writer.write_table(pa.table(
                    {
                        "SAMPLE_ID": random.integers(0, 2**62, count),
                        "URL": [f"https://cdn.example.com/images/{shard}/{first + n:012x}/{a:08x}-large.jpg?width=800"
                                for n, a in enumerate(left)],
                        "TEXT": text,
                        "HEIGHT": random.integers(64, 2048, count).astype("int32"),
                        "WIDTH": random.integers(64, 2048, count).astype("int32"),
                        "LICENSE": ["?"] * count,
                        "NSFW": np.array(["UNLIKELY", "UNSURE", "NSFW"], object)[random.integers(0, 3, count)],
                        "similarity": random.uniform(0.28, 0.45, count),
                    }, schema=pa.schema(schema_fields())))  # fmt: skip
        beside.replace(path)
    return shards


def schema_fields():
    import pyarrow as pa

    kinds = [pa.int64(), pa.string(), pa.string(), pa.int32(), pa.int32(), pa.string(), pa.string(), pa.float64()]
    return list(zip(COLUMNS, kinds, strict=True))


def read_captions(path: Path) -> list[tuple[str, str]]:
    import pyarrow.parquet as pq

    texts = [text for text in pq.read_table(path, columns=["TEXT"]).column(0).to_pylist() if text]
    return [halves(text) for text in texts]


def invent_captions(count: int = 50_000, vocabulary: int = 30_000) -> list[tuple[str, str]]:
    """Captions of 4 to 15 words with the frequencies of natural words (Zipf). One in sixteen is not ASCII."""
    import numpy as np

    random = np.random.default_rng(7)
    syllables = re.findall("..", "anbecadoelfigohainjokalomineorparistoteunwaxiyazo")
    words = ["".join(random.choice(syllables, random.integers(1, 5))) for _ in range(vocabulary)]
    chance = 1 / np.arange(1, vocabulary + 1)
    picked = iter(random.choice(vocabulary, count * 15, p=chance / chance.sum()))
    captions = []
    for length in random.integers(4, 16, count):
        text = " ".join(words[next(picked)] for _ in range(length)).capitalize()
        captions.append(halves(text + " é" if random.random() < 1 / 16 else text))
    return captions


def halves(text: str) -> tuple[str, str]:
    middle = text.find(" ", len(text) // 2)
    return (text, "") if middle < 0 else (text[:middle], text[middle:])


# ---- timing ----


def best(repeats: int, work: Callable, before: Callable = lambda: None):
    """(seconds, result) of the fastest of `repeats` runs. `before` each is not timed."""
    runs = []
    for _ in range(repeats):
        before()
        started = time.perf_counter()
        result = work()
        runs.append((time.perf_counter() - started, result))
    return min(runs, key=lambda run: run[0])


def row(label: str, seconds: float, rows: int, ours: float | None = None) -> None:
    ratio = f"{seconds / ours:>8.2f} x ours" if ours else ""
    print(f"  {label:<58} {seconds:>8.3f} s {rows / seconds:>12,.0f} captions/s {ratio}", flush=True)


def filter_command(output: Path, shards: list[Path], args, match: str, workers: int = 1) -> list[str]:
    return [sys.executable, str(SCRIPT), "-o", str(output), "-q", str(output.parent / "names.txt"), "--match", match,
            "--workers", str(workers), "--dbs", *map(str, shards)]  # fmt: skip


def best_filter(output: Path, shards: list[Path], args, match: str, workers: int = 1) -> tuple[float, dict]:
    """(seconds, the manifest's counts) of the fastest whole run into an empty folder."""

    def clear():
        shutil.rmtree(output, ignore_errors=True)
        os.sync()  # so that this run does not wait for what an earlier one has left to write

    def run():
        subprocess.run(filter_command(output, shards, args, match, workers), check=True, stderr=subprocess.DEVNULL)

    seconds, _ = best(args.repeats, run, clear)
    return seconds, json.loads((output / "job_0_of_1.json").read_text())["counts"]


# ---- on parquet ----


def compare_on_parquet(work: Path, shards: list[Path], names: list[str], args) -> list[str]:
    import numpy as np
    import pyarrow as pa

    from retrieval.shards import caption_batches, open_shard
    from retrieval.substring.matching import Matcher

    rows = args.rows * len(shards)
    opened = [open_shard(shard) for shard in shards]
    print(f"{rows:,} captions, {len(names)} classes ({args.names or args.template}), one core")

    def decode():
        return sum(len(batch.captions) for shard in opened for batch in caption_batches(shard))

    floor, _ = best(args.repeats, decode)
    row("decode floor: the caption column into Arrow", floor, rows)
    captions_found, ours = {}, {}
    for match in ("word", "substring"):
        matcher = Matcher([class_query(name, None, match) for name in names], match)

        def scan(matcher=matcher):
            batches = (batch for shard in opened for batch in caption_batches(shard))
            return sum(np.count_nonzero(np.diff(matcher.match(batch.captions).row, prepend=-1)) for batch in batches)

        seconds, captions_found[match] = best(args.repeats, scan)
        row(f"ours, --match {match}: decode and match", seconds, rows)
        print(f"      = {seconds / floor:.2f} x the decode floor; {captions_found[match]:,} captions matched")
        print(f"      extrapolated, not measured: LAION-2B-en ({LAION_ROWS:,} rows) in "
              f"{seconds * LAION_ROWS / rows / 3600:.1f} core-hours of decoding and matching")  # fmt: skip
        ours[match] = seconds

    text = pa.concat_arrays([batch.captions for shard in opened for batch in caption_batches(shard)])
    (work / "captions.txt").write_text("\n".join((t or "").replace("\n", " ") for t in text.to_pylist()) + "\n")
    if shutil.which("rg"):
        print(
            "a peer that prints each whole word and its position (--match word); its words include `_`, without folding"
        )
        seconds, _ = best(args.repeats, lambda: ripgrep(work, "-w", "-o", "--byte-offset"))
        row("rg -F -i -w -o, captions ready as text", seconds, rows, ours["word"])
    print("peers that say whether any class is anywhere in the caption (--match substring)")
    wrong = []
    for label, peer in substring_peers(work, shards, names, text):
        seconds, found = best(args.repeats if label.startswith("rg") else 1, peer)
        row(label, seconds, rows, ours["substring"])
        if found != captions_found["substring"]:
            wrong.append(f"{label}: {found:,} captions, ours {captions_found['substring']:,}")
    return wrong


def substring_peers(work: Path, shards: list[Path], names: list[str], text):
    """(label, function -> captions with any match) of each peer that is installed."""
    lowered = sorted({name.lower() for name in names})
    if shutil.which("rg"):
        yield "rg -F -i -c, lines only, captions ready as text", lambda: int(ripgrep(work, "-c") or 0)
    else:
        print("  (rg is not installed: left out)")

    import duckdb

    alternation = "|".join(map(re.escape, lowered))
    files = [str(shard) for shard in shards]
    yield (
        "DuckDB regexp_matches, decoding included",
        lambda: (
            duckdb.connect(config={"threads": 1})
            .execute("SELECT count(*) FROM read_parquet(?) WHERE regexp_matches(TEXT, ?, 'i')", [files, alternation])
            .fetchone()[0]
        ),
    )
    try:
        import ahocorasick
    except ImportError:
        print("  (pyahocorasick is not installed: left out)")
    else:
        automaton = ahocorasick.Automaton()
        for name in lowered:
            automaton.add_word(name, name)
        automaton.make_automaton()
        yield (
            "pyahocorasick, one call a caption (as MetaCLIP)",
            lambda: sum(
                next(automaton.iter(caption.lower()), None) is not None for caption in text.to_pylist() if caption
            ),
        )
    try:
        import polars
    except ImportError:
        print("  (polars is not installed: left out)")
    else:
        column = polars.from_arrow(text)
        yield (
            "polars contains_any, lower-cased first, captions ready",
            lambda: column.str.to_lowercase().str.contains_any(lowered).sum(),
        )


def ripgrep(work: Path, *flags: str) -> bytes:
    """What rg prints for the captions: nothing, with exit code 1, if no name is in any."""
    command = ["rg", "-F", "-i", "-j1", "-N", *flags, "-f", str(work / "names.txt"), str(work / "captions.txt")]
    return subprocess.run(command, stdout=subprocess.PIPE).stdout


# ---- on databases, against the script that was published with them ----


def compare_on_databases(work: Path, shards: list[Path], names: list[str], args) -> list[str]:
    rows = args.rows * len(shards)
    print("whole processes with their JSON, --match word")
    databases, build = [], 0.0
    for shard in shards:
        database = shard.with_suffix(".db")
        seconds = build_database(shard, database)
        build += seconds
        databases.append(database)
    queries = {name: '"' + name.replace('"', '""') + '"' for name in names}
    (work / "queries.json").write_text(json.dumps(queries))

    def published():
        files = [work / "queries.json", work / "published.json", *databases]
        return int(subprocess.check_output([sys.executable, "-c", PUBLISHED, *map(str, files)]))

    seconds, published_records = best(args.repeats, published, os.sync)
    on_parquet, from_parquet = best_filter(work / "out", shards, args, "word")
    row("ours on parquet", on_parquet, rows)
    row("published: a MATCH per class on the ready, warm index", seconds, rows, on_parquet)
    row("published, the index built first", seconds + build, rows, on_parquet)
    on_database, from_database = best_filter(work / "out-db", databases, args, "word")
    row("ours on the same databases", on_database, rows)
    row("published on them", seconds, rows, on_database)
    print(f"      databases: {sum(map(size, databases)) / sum(map(size, shards)):.1f} x the parquet's bytes")
    wrong = []
    if from_parquet != from_database:
        wrong.append("ours on parquet and ours on databases")
    if from_database["records"] != published_records:
        wrong.append(f"published: {published_records:,} records, ours {from_database['records']:,}")
    return wrong


def build_database(shard: Path, database: Path) -> float:
    """Make a database of the published kind from a shard, and keep it in --work. Returns the seconds that it took."""
    import pyarrow.parquet as pq

    took = database.with_suffix(".seconds")
    if database.exists() and took.exists():
        return float(took.read_text())
    database.unlink(missing_ok=True)
    started = time.perf_counter()
    connection = sqlite3.connect(database)
    connection.execute(f"CREATE VIRTUAL TABLE samples USING fts5({', '.join(COLUMNS)})")
    for batch in pq.ParquetFile(shard).iter_batches():
        values = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    connection.close()
    seconds = time.perf_counter() - started
    took.write_text(str(seconds))
    return seconds


def size(path: Path) -> int:
    return path.stat().st_size


# ---- workers, memory ----


def compare_workers(work: Path, shards: list[Path], args) -> None:
    """One worker on one core against two on two, over --rows x --shards rows and over four times as many."""
    cores = os.sched_getaffinity(0)
    print("workers, whole processes, --match word")
    for times in (1, 4):
        seconds, counts = [], []
        with linked(work, shards, times) as links:
            for label, workers, allowed in (
                ("one worker on one core", 1, {args.cpu}),
                ("one worker, whose chunks another core may write", 1, cores),
                ("two workers", 2, cores),
            ):
                os.sched_setaffinity(0, allowed)
                took, count = best_filter(work / "out", links, args, "word", workers)
                row(f"{label}, {count['rows']:,} rows", took, count["rows"])
                seconds.append(took)
                counts.append(count)
        print(f"      two workers are {seconds[0] / seconds[2]:.2f} x and {seconds[1] / seconds[2]:.2f} x as fast; "
              f"same counts: {counts[0] == counts[1] == counts[2]}")  # fmt: skip


@contextlib.contextmanager
def linked(work: Path, shards: list[Path], times: int):
    """The shards `times` times, as hard links: each is a shard like any other, and takes no more disk."""
    links = [work / f"copy-{copy}-{shard.name}" for copy in range(times) for shard in shards]
    for link, shard in zip(links, shards * times, strict=True):
        link.unlink(missing_ok=True)
        os.link(shard, link)
    try:
        yield links
    finally:
        for link in links:
            link.unlink()


def report_memory(work: Path, shards: list[Path], args) -> int:
    """Peak memory of the largest process of a run, over --rows x --shards rows and over ten times as many."""
    peaks = []
    for times in (1, 10):
        # RUSAGE_CHILDREN only grows, so each run has its own process.
        with linked(work, shards, times) as links:
            command = [sys.executable, "-c", PEAK, *filter_command(work / f"out-{times}", links, args, "word")]
            counted = subprocess.check_output(command, text=True)
        peak = int(counted.splitlines()[-1]) / 1024
        counts = json.loads((work / f"out-{times}" / "job_0_of_1.json").read_text())["counts"]
        print(f"{counts['rows']:>12,} rows, {counts['records']:>12,} records: peak {peak:,.0f} MiB", flush=True)
        peaks.append(peak)
        shutil.rmtree(work / f"out-{times}")
    print(f"ten times the rows take {peaks[1] / peaks[0]:.2f} x the memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
