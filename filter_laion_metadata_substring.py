"""Select the rows of a pool whose captions name a class of a target dataset.

In:   metadata shards, parquet (the columns of LAION-2B-en, Re-LAION, DataComp or COYO) or SQLite `.db` with an FTS
      table `samples`; classes from a template, from a|b|c, or from a file with a name a line.
Out:  OUTPUT/chunk_0.json, chunk_1.json, …: one record a line, by shard, row and class, and OUTPUT/job_0_of_1.json,
      written last: settings, coverage, and counts per class. OUTPUT/.hits keeps each finished shard's part, so that the
      same command again does only the rest.

    python filter_laion_metadata_substring.py --output outputs/substring/DTD --query DTD --template \\
        --dbs 'laion2B-en/*.parquet' --workers 16
    python filter_laion_metadata_substring.py --output outputs/substring/pets --query 'tabby cat|corgi' --match word \\
        --dbs ./laion-metadata-dbs/part-00{000..127}-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.db --download-dbs

--match substring (the default) finds "hen" in "kitchen"; word finds whole words; fts also takes a class's words in any
order and place, as the published script did. Exit code 1: some shards are missing, and the last lines name them.
"""

import bisect
import contextlib
import glob
import itertools
import json
import os
import random
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

from retrieval.cli import (
    UserError,
    add_array_flags,
    add_talk_flags,
    array_place,
    array_share,
    command,
    parse_flags,
    parser_for,
    progress,
    say,
    say_always,
    say_more,
)
from retrieval.files import writable_folder
from retrieval.queries import QueryError, class_query
from retrieval.records import BLOCK_BYTES, LINE_END, Manifest, begin_run, is_complete, write_chunks, write_manifest
from retrieval.report import write_when_whole
from retrieval.shards import open_shard
from retrieval.substring.hit_files import (
    RANDOM,
    Search,
    Unit,
    clear_remains,
    finished_counts,
    plan_unit,
    shard_fingerprint,
)
from retrieval.substring.scan_workers import Workers
from retrieval.substring.shard_sources import MissingShard, fetch_shard, find_sources, read_sources
from retrieval.wandb_run import add_wandb_flags, check_wandb, log_manifest
from retrieval_templates import Template, load_template, only_classes, template_from_names

MODES = ("substring", "word", "fts")  # retrieval/substring/matching.py says what each means
MOSTLY, FEW = 0.5, 5  # the summary names a class when over half of at least five matches are inside longer words
NAMED = 12  # classes the summary lists before "and … more": one line or two


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("-o", "--output", help="folder for the chunks and the manifest")
    parser.add_argument("-q", "--query", help="a template's name (with --template), a|b|c, or a file of class names")
    parser.add_argument("--template", action="store_true", help="take --query as a template's name")
    parser.add_argument("--template-dir", help="a folder with templates of your own")
    parser.add_argument("--classes", nargs="+", metavar="CLASS", help="only these classes of the template")
    parser.add_argument("-d", "--dbs", nargs="+", required=True, metavar="SHARD", help="shards: paths and quoted globs")
    parser.add_argument(
        "--match",
        choices=("substring", "word", "fts"),
        default="substring",
        help="when a phrase counts, see docs/match_modes.md (default: %(default)s)",
    )
    parser.add_argument("--field", help="the caption column (default: the one named TEXT or caption)")
    parser.add_argument("-n", "--quantity", type=int, metavar="PER_CLASS", help="keep the first so many of each class")
    parser.add_argument(
        "--select-random", type=int, metavar="N", help="no query: a uniform sample of N rows of the pool"
    )
    parser.add_argument("--seed", type=int, default=0, help="of --select-random (default: %(default)s)")
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument("--tmp", metavar="DIR", help="copy each shard to this (fast) disk while it is scanned")
    parser.add_argument("--download-dbs", action="store_true", help="fetch shards that are not there (gdrive)")
    parser.add_argument(
        "--shard-sources", type=Path, metavar="FILE", help="JSON {shard name: gdrive:ID | https://… | path}"
    )
    parser.add_argument("--do-cleanup", action="store_true", help="remove shards this run downloaded, once scanned")
    parser.add_argument(
        "--check", action="store_true", help="write nothing: say what is wrong with the classes, from a sample"
    )
    parser.add_argument(
        "--pool-rows", type=int, metavar="N", help="of --check: expect counts for so many rows (default: the shards')"
    )
    add_array_flags(parser)
    add_talk_flags(parser)
    add_wandb_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = check_flags(args)
    search = make_search(args)
    shards = find_shards(args.dbs, args.download_dbs)
    if args.check:
        return check_classes(args, search, shards)
    output = writable_folder(args.output, "--output")
    units = plan_units(args, search, shards, output / ".hits")[job_idx::total_jobs]
    settings = run_settings(args, search)
    if is_complete(output, job_idx, total_jobs, settings, input_fingerprints(units)):
        say_always(f"{output}: this very run is complete already; nothing to do")
        write_when_whole(output, total_jobs, thorough=False)
        return 0

    tally = Tally(search)
    done = {unit.shard for unit in units if finished_counts(unit) is not None}
    with Workers(search, how_many_workers(args.workers, len(units) - len(done))) as workers:
        workers.look_at([path for path in shards if os.path.isfile(path)], args.field)
        begin_run(output, job_idx, total_jobs)
        chunks = write_chunks(tally.pass_on(scan_in_order(units, done, workers, args)), output, job_idx, total_jobs)
    manifest = Manifest(
        stage="substring",
        settings=settings,
        inputs=input_fingerprints(units),
        coverage=tally.coverage(units),
        counts=tally.counts(),
        chunks=chunks,
        job_idx=job_idx,
        total_jobs=total_jobs,
    )
    write_manifest(output, manifest)
    log_manifest(args, output, manifest)
    write_when_whole(output, total_jobs, thorough=False)
    report(tally, units, output, chunks)
    return 1 if tally.missing else 0


# ---- before the work: what can be refused, and the plan ----


def check_flags(args) -> tuple[int, int]:
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    if not args.output and not args.check:
        raise UserError("give --output, the folder for the chunks and the manifest (only --check writes nothing)")
    if args.check and (args.query is None or args.download_dbs):
        raise UserError(
            "--check looks for --query's classes in shards that are there: leave --select-random and --download-dbs out"
        )
    if (args.query is None) == (args.select_random is None):
        raise UserError("give either --query (what to look for) or --select-random N (a control set)")
    for flag in ("quantity", "select_random", "workers"):
        value = getattr(args, flag)
        if value is not None and value < 1:
            raise UserError(f"--{flag.replace('_', '-')} must be at least 1, not {value}")
    if args.quantity and total_jobs > 1:
        raise UserError("-n keeps the first of all shards in order, which the jobs of an array do not see: "
                        "run one job, or leave -n out and cap classes in download_urls_img2dataset.py --n")  # fmt: skip
    if args.quantity and args.select_random:
        raise UserError("-n is per class and --select-random has no classes: leave one out")
    if (args.shard_sources or args.do_cleanup) and not args.download_dbs:
        raise UserError("--shard-sources and --do-cleanup are about downloaded shards: add --download-dbs")
    if args.shard_sources:
        read_sources(args.shard_sources)
    check_wandb(args)
    if args.tmp:
        writable_folder(args.tmp, "--tmp")
    return job_idx, total_jobs


def load_classes(args) -> Template:
    template = load_template(args.query, args.template_dir) if args.template else template_from_names(args.query)
    return only_classes(template, args.classes) if args.classes else template


def make_search(args) -> Search:
    if args.select_random:
        return Search(RANDOM, (RANDOM,), (), args.field, None)
    template = load_classes(args)
    try:
        queries = tuple(class_query(name, template.query(name), args.match) for name in template.classes)
    except QueryError as error:
        raise UserError(f"--query {args.query}: {error}") from error
    return Search(args.match, template.classes, queries, args.field, args.quantity)


def check_classes(args, search: Search, shards: list[str]) -> int:
    from retrieval.substring.template_check import check_template, read_sample

    template = load_classes(args)
    sample = read_sample([open_shard(path, args.field) for path in shards])
    if not sample.captions:
        raise UserError("--check found no caption in the shards of --dbs")
    for line in check_template(search, template.class_map, sample, args.pool_rows or sample.rows):
        print(line)
    return 0


def find_shards(patterns: list[str], may_download: bool) -> list[str]:
    """The pool's shards, sorted, each once: files, globs' files, and with --download-dbs files still to come.

    Raises:
        UserError: something in `patterns` is no file and matches none.
    """
    shards = []
    for pattern in patterns:
        if os.path.isfile(pattern):
            shards.append(pattern)
        elif os.path.isdir(pattern):
            raise UserError(f"--dbs {pattern} is a folder: name its shards, as '{pattern.rstrip('/')}/*.parquet'")
        elif glob.has_magic(pattern):
            matched = [path for path in glob.glob(os.path.expanduser(pattern), recursive=True) if os.path.isfile(path)]
            if not matched:
                raise UserError(f"--dbs {pattern} matches no file")
            shards += matched
        elif "{" in pattern and ".." in pattern:
            raise UserError(f"--dbs {pattern} is no file: {{000..127}} is expanded by bash, when it is not in quotes")
        elif may_download:
            shards.append(pattern)
        else:
            raise UserError(f"--dbs {pattern} is not there: give its path, or add --download-dbs to fetch it")
    return array_share(list(dict.fromkeys(shards)), 0, 1)


def plan_units(args, search: Search, shards: list[str], folder: Path) -> list[Unit]:
    """One unit a shard of the whole pool."""
    if not args.select_random:
        return [plan_unit(path, folder, search, tmp=args.tmp) for path in shards]
    if absent := [path for path in shards if not os.path.isfile(path)]:
        raise UserError(f"--select-random must know every shard's number of rows, and {absent[0]} is not there yet")
    samples = draw_sample([open_shard(path, args.field).rows for path in shards], args.select_random, args.seed)
    return [plan_unit(path, folder, search, sample, args.tmp) for path, sample in zip(shards, samples, strict=True)]


def draw_sample(rows: list[int], count: int, seed: int) -> list[tuple[int, ...]]:
    """`count` distinct rows of the pool, each as likely as any other: for each shard ascending positions from 0."""
    if count > sum(rows):
        raise UserError(f"--select-random {count:,} is more than the pool's {sum(rows):,} rows")
    chosen = sorted(random.Random(seed).sample(range(sum(rows)), count))
    starts = [0, *itertools.accumulate(rows)]
    edges = [bisect.bisect_left(chosen, start) for start in starts]
    return [
        tuple(position - start for position in chosen[first:last])
        for start, first, last in zip(starts, edges, edges[1:], strict=False)
    ]


def run_settings(args, search: Search) -> dict:
    """The manifest's settings: the same for all jobs of an array."""
    sample = {"select_random": args.select_random, "seed": args.seed} if args.select_random else {}
    return {"query": args.query} | sample | search.settings()


def input_fingerprints(units: list[Unit]) -> dict:
    return {unit.shard: shard_fingerprint(unit) for unit in units}


# ---- the work: one shard a process ----


def how_many_workers(asked: int | None, units: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(asked or cores, units))


def scan_in_order(units: list[Unit], done: set[str], workers: Workers, args) -> Iterator[tuple[Unit, dict | str]]:
    """Each unit in order with its counts, or with the reason why it is missing, while later ones are at work.

    A thread follows one shard from fetch to cleanup. Where shards must be fetched there is one more than there are
    workers, so that a next shard comes while others are scanned, and no more than that lie on the disk.
    """
    absent = [unit.shard for unit in units if unit.shard not in done and not os.path.isfile(unit.shard)]
    sources, reasons = find_sources([Path(path).name for path in absent], args.shard_sources) if absent else ({}, {})
    one_fetch, stop = threading.Lock(), threading.Event()  # two fetches at once would only share the line

    def fetch(shard: str) -> None:
        name = Path(shard).name
        if name in reasons:
            raise MissingShard(reasons[name])
        with one_fetch:
            fetch_shard(sources[name], Path(shard), stop)
        try:
            open_shard(shard, args.field)
        except UserError:  # an error page under a shard's name must not stay
            os.unlink(shard)
            raise

    def follow(unit: Unit) -> dict | str:
        if unit.shard in done and (counts := finished_counts(unit)) is not None:
            say(f"{unit.shard}: scanned before, {counts['records']:,} records")
            return counts
        try:
            if fetched := not os.path.isfile(unit.shard):
                fetch(unit.shard)
            counts = workers.scan(unit)
            if fetched and args.do_cleanup:
                os.unlink(unit.shard)
        except (UserError, MissingShard) as error:
            return str(error)
        except OSError as error:  # a full disk, a file server that went away
            return f"{error.strerror or error} ({error.filename or unit.hits.parent})"
        except BrokenExecutor:
            return "its worker was killed (out of memory?): run again, perhaps with fewer --workers"
        say(
            f"{unit.shard}: {counts['rows']:,} rows, {counts['captions']:,} captions matched, "
            f"{counts['records']:,} records, {counts['rows'] / counts['seconds']:,.0f} rows/s"
        )
        return counts

    followers = ThreadPoolExecutor(workers.number + bool(absent))
    try:
        with progress(len(units), "shards", "scanning") as more:
            following = deque((unit, followers.submit(follow, unit)) for unit in units)
            try:
                while following:  # what was passed on is let go: a shard's counts take half a megabyte
                    unit, future = following.popleft()
                    yield unit, future.result()
                    more()
            finally:  # also at Ctrl-C, and when every class is full: what is at work is ended, not waited for
                stop.set()
                followers.shutdown(wait=False, cancel_futures=True)
                workers.end()
    finally:
        followers.shutdown()
        for unit in units:
            clear_remains(unit)


# ---- what came of it ----


class Tally:
    """Counts what passes from the shards' hit files to the chunks."""

    def __init__(self, search: Search):
        self.quantity = search.quantity
        self.scanned, self.rows, self.captions = 0, 0, 0
        self.missing: dict[str, str] = {}
        self.records = dict.fromkeys(search.classes, 0)
        self.matched, self.inside = Counter(), Counter()
        self.phrases = {name: Counter() for name in search.classes}

    def pass_on(self, scanned: Iterator[tuple[Unit, dict | str]]) -> Iterator:
        """The encoded records in order, as `write_chunks` takes them: whole hit files; with -n those lines that keep
        to n a class, and no shard behind the last one needed."""
        with contextlib.closing(scanned):
            for unit, counts in scanned:
                if isinstance(counts, str):
                    self.missing[unit.shard] = counts
                    continue
                self.add(counts)
                with open(unit.hits, "rb", BLOCK_BYTES) as file:
                    yield from filter(self.has_room, file) if self.quantity else [(file, counts["records"])]
                if self.quantity and all(number >= self.quantity for number in self.records.values()):
                    return

    def add(self, counts: dict) -> None:
        names = list(self.records)
        self.scanned += 1
        self.rows += counts["rows"]
        self.captions += counts["captions"]
        for index, found in counts["classes"].items():
            name = names[int(index)]
            self.matched[name] += found["records"]
            self.inside[name] += found["inside"]
            self.phrases[name].update(found["phrases"])
            if not self.quantity:
                self.records[name] += found["records"]

    def has_room(self, line: bytes) -> bool:
        name = json.loads(line[: -len(LINE_END)])["QUERY"]
        self.records[name] += (room := self.records[name] < self.quantity)
        return room

    def coverage(self, units: list[Unit]) -> dict:
        not_needed = len(units) - self.scanned - len(self.missing)
        return {"asked": len(units), "done": self.scanned, "not_needed": not_needed, "missing": self.missing}

    def counts(self) -> dict:
        classes = {
            name: {
                "records": number,
                "matches": dict(sorted(self.phrases[name].items())),
                "inside_longer_words": round(self.inside[name] / max(1, self.matched[name]), 4),
            }
            for name, number in self.records.items()
        }
        return {"rows": self.rows, "captions": self.captions, "records": sum(self.records.values()), "classes": classes}


def report(tally: Tally, units: list[Unit], output: Path, chunks: dict) -> None:
    """The last lines: a line a class (--verbose), what is in longer words, what is missing, and the sum."""
    for name, number in tally.records.items():
        matches = ", ".join(f"{phrase} ({count:,})" for phrase, count in tally.phrases[name].most_common(NAMED))
        say_more(f"{name}: {number:,} records{': ' + matches if matches else ''}")
    mostly_inside = [
        f"{name} ({tally.inside[name] / number:.0%} of {number:,})"
        for name, number in tally.matched.most_common()
        if number >= FEW and tally.inside[name] > MOSTLY * number
    ]
    if mostly_inside:
        say(f"mostly inside longer words, which --match word leaves out: {some(mostly_inside)}")
    none = [name for name, number in tally.records.items() if number == 0]
    for shard, reason in tally.missing.items():
        say_always(f"missing: {shard}: {reason}")
    coverage = tally.coverage(units)
    not_needed = f", {coverage['not_needed']:,} not needed" if coverage["not_needed"] else ""
    say_always(
        f"{coverage['asked']:,} shards: {coverage['done']:,} scanned{not_needed}, {len(tally.missing):,} missing; "
        f"{tally.rows:,} rows; {sum(tally.records.values()):,} records of {len(tally.records) - len(none):,} classes; "
        f"{len(none):,} classes with none{': ' + some(none) if none else ''}; "
        f"{len(chunks):,} chunks in {output}"
    )


def some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


if __name__ == "__main__":
    sys.exit(main())
