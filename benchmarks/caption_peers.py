"""How fast captions are searched for the names of all classes, next to general tools that search text, on one core.

In:   a template; captions made here (LAION-2B-en's columns; resampled from --captions FILE where it is given).
Out:  a table: seconds, captions per second, and ours against each peer. Exit code 1 if two that should agree do not.

    python benchmarks/caption_peers.py
    python benchmarks/caption_peers.py --rows 1000000 --template Flowers102 --captions web_captions.parquet
    python benchmarks/caption_peers.py --memory     # peak memory at one and at ten times the rows

Peers that are not installed (rg, pyahocorasick, polars) are skipped, and a line says so. Only ratios within one run
mean something: everything runs on one core (--cpu), and each time is the best of --repeats.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
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
SCRIPT = ROOT / "filter_laion_metadata_substring.py"

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
    from caption_shards import MATCHING, make_shards

    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {args.cpu})
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # users' machines compile modules once, not at each start
    with tempfile.TemporaryDirectory() as temporary:
        work = args.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        names = class_names(args)
        label = args.names.stem if args.names else args.template
        (work / "names.txt").write_text("\n".join(names) + "\n")
        shards = make_shards(work, args, label, names, matching=1 / 3 if args.memory else MATCHING)
        if args.memory:
            return report_memory(work, shards, args)
        wrong = compare_on_parquet(work, shards, names, args)
        if args.two_workers:
            os.sched_setaffinity(0, cores)
            compare_workers(work, shards, args)
    for line in wrong:
        print(f"DIFFERENT: {line}")
    return 1 if wrong else 0


def class_names(args) -> list[str]:
    template = template_from_names(str(args.names)) if args.names else load_template(args.template)
    return list(template.classes)


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


def filter_command(output: Path, shards: list[Path], match: str, workers: int = 1) -> list[str]:
    return [sys.executable, str(SCRIPT), "-o", str(output), "-q", str(output.parent / "names.txt"), "--match", match,
            "--workers", str(workers), "--dbs", *map(str, shards)]  # fmt: skip


def best_filter(output: Path, shards: list[Path], args, match: str, workers: int) -> tuple[float, dict]:
    """(seconds, the manifest's counts) of the fastest whole run into an empty folder."""

    def clear():
        shutil.rmtree(output, ignore_errors=True)
        os.sync()  # so that this run does not wait for what an earlier one has left to write

    def run():
        subprocess.run(filter_command(output, shards, match, workers), check=True, stderr=subprocess.DEVNULL)

    seconds, _ = best(args.repeats, run, clear)
    return seconds, json.loads((output / "job_0_of_1.json").read_text())["counts"]


# ---- on parquet ----


def compare_on_parquet(work: Path, shards: list[Path], names: list[str], args) -> list[str]:
    import numpy as np
    import pyarrow as pa

    from retrieval.opened_shard import open_shard
    from retrieval.shards import caption_batches
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
            command = [sys.executable, "-c", PEAK, *filter_command(work / f"out-{times}", links, "word")]
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
