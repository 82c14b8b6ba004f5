"""Select the rows of a pool whose captions name a class of a target dataset.

In:   metadata shards: parquet (the columns of LAION-2B-en, Re-LAION, DataComp or COYO), lists (csv, tsv, jsonl, json),
      Arrow files, webdataset tars, or SQLite `.db` with an FTS table `samples`; classes from a template, from a|b|c, or
      from a file with one name per line.
Out:  OUTPUT/chunk_0.json, chunk_1.json, …: one record per line, ordered by shard, row and class. OUTPUT/job_0_of_1.json
      is written last: settings, coverage, and counts per class. OUTPUT/.hits keeps the records of each finished shard,
      so that the same command continues a stopped run, and one with more shards scans only those. It takes as much
      disk as the chunks; --no-hits removes it at the end.

    python filter_laion_metadata_substring.py --output outputs/substring/DTD --query DTD --template \\
        --dbs 'laion2B-en/*.parquet' --workers 16
    python filter_laion_metadata_substring.py --output outputs/substring/pets --query 'tabby cat|corgi' --match word \\
        --dbs ./laion-metadata-dbs/part-00{000..127}-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.db --download-dbs

--match substring (the default) finds "hen" in "kitchen". word finds whole words. fts also finds the words of a class in
any order, anywhere in the caption, as the published script did. Exit code 1: some shards are missing or cannot be read;
the last lines name them, and the others are done. Or classes were left out (--skip-bad-queries), or rows of a list
cannot be read.
"""

import math
import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from retrieval.as_run import command_as_run
from retrieval.cli import (
    UNFORESEEN,
    UserError,
    add_array_flags,
    add_talk_flags,
    array_place,
    command,
    parse_flags,
    parser_for,
    progress,
    say,
    say_always,
    unforeseen,
)
from retrieval.columns import add_column_flags, add_list_flag, column_choice
from retrieval.files import read_json, writable_folder
from retrieval.queries import MATCH_MODES, QueryError, is_quoted_whole, lower_case_operators
from retrieval.records import Manifest, is_complete, manifest_path, write_chunks, write_manifest
from retrieval.remote_address import RemoteFile, ShardChanged
from retrieval.report import write_when_whole
from retrieval.run_folder import Run, add_overwrite_flag, begun_run, check_folder
from retrieval.shard_paths import find_shards, kept_listing
from retrieval.substring.scan_workers import Workers
from retrieval.substring.search_units import (
    RANDOM,
    Search,
    Unit,
    clear_remains,
    finished_counts,
    plan_unit,
    remove_hits,
    shard_fingerprint,
)
from retrieval.substring.shard_sources import MissingShard, ShardFetcher, read_sources
from retrieval.substring.tally import Tally, first_few, report
from retrieval.wandb_run import add_wandb_flags, check_wandb, log_manifest
from retrieval_templates import Template, choose_template, names_only, refuse_bad_queries, without_bad_queries
from retrieval_templates.languages import in_language

NAMED_SHARDS = 12  # that are left out, named one by one before the scan
CHECKED_SHARDS = 4  # remote shards that are opened before the scan begins
WAITED_SECONDS = 0.2  # for the network per remote shard: about four requests in turn, at 50 ms
SCANNED_BYTES = 190_000_000  # of a remote shard per second of a core (benchmarks/remote_scan.py)


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("-o", "--output", help="folder for the chunks and the manifest")
    parser.add_argument("-q", "--query", help="a template's name (with --template), a|b|c, or a file of class names")
    parser.add_argument("--template", action="store_true", help="take --query as a template's name")
    parser.add_argument("--template-dir", help="a folder with your own templates")
    parser.add_argument("--classes", nargs="+", metavar="CLASS", help="only these classes of the template")
    parser.add_argument(
        "--names-only", nargs="?", const="own", choices=("own", "all"), help="search for names as they are, without "
        "class_map: each class's own name (own, the same as nothing), or its synonyms too (all)"
    )  # fmt: skip
    parser.add_argument(
        "--language", metavar="CODE", help="search for a template's classes by their names in this language: de, ja … "
        "(ImageNet has 92)"
    )  # fmt: skip
    parser.add_argument(
        "--skip-bad-queries", action="store_true", help="leave out classes whose class_map query does not parse, and "
        "end with exit code 1"
    )  # fmt: skip
    parser.add_argument("-d", "--dbs", nargs="+", required=True, metavar="SHARD",
                        help="shards: paths, addresses (hf:// https:// s3:// gs://), quoted globs of both")  # fmt: skip
    parser.add_argument(
        "--match",
        choices=MATCH_MODES,
        default="substring",
        help="what counts as a match, see docs/match_modes.md (default: %(default)s)",
    )
    add_column_flags(parser)
    add_list_flag(parser)
    parser.add_argument(
        "--where", metavar="SQL", help="keep only rows where this DuckDB expression over the pool's own columns holds: "
        "\"least(width, height) >= 200 AND language = 'en'\"; NULL is dropped"
    )  # fmt: skip
    parser.add_argument("-n", "--quantity", type=int, metavar="N", help="keep only the first N records of each class")
    parser.add_argument(
        "--select-random", type=int, metavar="N", help="instead of --query: a uniform sample of N rows of the pool"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed of --select-random (default: %(default)s)")
    parser.add_argument("--workers", type=int, help="number of processes (default: one per core)")
    parser.add_argument("--tmp", metavar="DIR", help="copy each shard to this fast disk while it is scanned")
    parser.add_argument("--download-dbs", action="store_true", help="download missing shards (with gdrive)")
    parser.add_argument(
        "--shard-sources", type=Path, metavar="FILE", help="JSON {shard name: Drive id | https://… | path}"
    )
    parser.add_argument("--do-cleanup", action="store_true", help="remove downloaded shards after their scan")
    parser.add_argument(
        "--no-hits", action="store_true", help="remove OUTPUT/.hits when all is done: half the disk, and a run with "
        "more shards later scans all of them again"
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="write nothing: search a sample and print what is wrong with the classes"
    )
    parser.add_argument(
        "--suggest-names", action="store_true", help="with --check: propose names that people may write for each class"
    )
    parser.add_argument(
        "--wordnet", type=Path, metavar="DIR", help="with --check: the folder of WordNet's index.noun and data.noun "
        "(default: /usr/share/wordnet, if it is there)"
    )  # fmt: skip
    parser.add_argument(
        "--pool-rows", type=int, metavar="N", help="with --check: estimate counts for N rows (default: those of --dbs)"
    )
    add_overwrite_flag(parser)
    add_array_flags(parser)
    add_talk_flags(parser)
    add_wandb_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = check_flags(args)
    template = load_classes(args)
    search = make_search(args, template)
    if args.check:
        return check_classes(args, template, search, find_pool(args, None))
    shards = find_pool(args, Path(args.output))
    output = writable_folder(args.output, "--output")
    units = plan_units(args, search, shards, output / ".hits")[job_idx::total_jobs]
    settings = run_settings(args, template, search)
    run = Run("substring", settings, tuple(map(str, shards)), job_idx, total_jobs)
    check_folder(output, run, args.overwrite)
    if is_complete(output, job_idx, total_jobs, settings, input_fingerprints(units)):
        say_always(f"{output}: this very run is complete already; nothing to do")
        write_when_whole(output, total_jobs, thorough=False)
        return 1 if template.bad_queries or lost_rows(output, job_idx, total_jobs) else 0

    tally = Tally(search, template.synonyms)
    done = {unit.shard for unit in units if finished_counts(unit) is not None}
    with Workers(
        search, *how_many_workers(args.workers, [unit for unit in units if unit.shard not in done])
    ) as workers:
        check_shards(shards, done, args.tmp, workers)
        with begun_run(output, run, args.overwrite):
            chunks = write_chunks(tally.pass_on(scan_in_order(units, done, workers, args)), output, job_idx, total_jobs)
            manifest = Manifest(
                stage="substring",
                settings=settings,
                inputs=input_fingerprints(units),
                coverage=tally.coverage(units) | skipped_classes(template),
                counts=tally.counts(),
                chunks=chunks,
                job_idx=job_idx,
                total_jobs=total_jobs,
            )
            write_manifest(output, manifest, command_as_run(make_parser(), args))
            if args.no_hits and not tally.missing:
                for unit in units:
                    remove_hits(unit)
    log_manifest(args, output, manifest)
    write_when_whole(output, total_jobs, thorough=False)
    report(tally, units, output, chunks)
    return 1 if tally.missing or tally.lost or template.bad_queries else 0


# ---- before the work: what can be refused, and the plan ----


def check_flags(args) -> tuple[int, int]:
    """(job_idx, total_jobs), after everything that the flags alone can get wrong.

    Raises:
        UserError: names the flag and the way out.
    """
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    if not args.output and not args.check:
        raise UserError("give --output, the folder for the chunks and the manifest (only --check writes nothing)")
    if args.check and (args.query is None or args.download_dbs):
        raise UserError(
            "--check looks for --query's classes in shards that are there: leave --select-random and --download-dbs out"
        )
    if (args.suggest_names or args.wordnet) and not args.check:
        raise UserError("--suggest-names and --wordnet are about a sample of captions: add --check")
    if args.check and args.where:
        raise UserError("--check looks at captions alone: leave --where out")
    if (args.query is None) == (args.select_random is None):
        raise UserError("give either --query (what to look for) or --select-random N (a control set)")
    for flag in ("quantity", "select_random", "workers"):
        value = getattr(args, flag)
        if value is not None and value < 1:
            raise UserError(f"--{flag.replace('_', '-')} must be at least 1, not {value}")
    if args.quantity and total_jobs > 1:
        raise UserError("-n keeps the first of all shards in order, which the jobs of an array do not see: "
                        "run one job, or leave -n out and cap classes in download_urls_img2dataset.py --n")  # fmt: skip
    if args.select_random and (args.names_only or args.skip_bad_queries or args.language):
        raise UserError("--names-only, --language and --skip-bad-queries are about classes, and --select-random has "
                        "none: leave them out")  # fmt: skip
    if args.language and args.names_only:
        raise UserError("--language takes the names of that language, without queries: leave --names-only out")
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
    """The classes to search for. Their `bad_queries` are those of classes left out."""
    if args.select_random:
        return Template(RANDOM, (RANDOM,), ())
    template = choose_template(args.query, "--query", args.template_dir, args.template, args.classes)
    if args.names_only:
        template = names_only(template, args.names_only)
    if args.language:
        template = in_language(template, args.language.lower(), args.match)
    if not args.skip_bad_queries:
        refuse_bad_queries(template)
        return template
    for name, why in template.bad_queries.items():
        say_always(f"left out: class {name!r}: its class_map query {why}")
    return without_bad_queries(template)


def make_search(args, template: Template) -> Search:
    if args.select_random:
        return Search(RANDOM, (RANDOM,), (), column_choice(args), where=args.where)
    try:
        queries = tuple(template.caption_query(name, args.match) for name in template.classes)
    except QueryError as error:
        raise UserError(f"--query {args.query}: {error}") from error
    note_operators(template, args.match)
    note_quoted_queries(template)
    return Search(args.match, template.classes, queries, column_choice(args), args.quantity, args.where)


def note_quoted_queries(template: Template) -> None:
    """Say which class_map queries are one phrase because they have `-` or `/` outside quotes."""
    names = [name for name, query in template.class_map.items() if is_quoted_whole(query)]
    if names:
        say(f"note: a class_map query with - or / and without quotes is searched as one phrase: "
            f"{len(names):,} of {len(template.classes):,} classes: {first_few(names)}")  # fmt: skip


def note_operators(template: Template, mode: str) -> None:
    """Say which classes search for the word "and" where they may mean AND."""
    found: dict[str, list[str]] = {}
    for name in template.classes:
        query = template.query(name) or (name if mode == "fts" else "")
        for word in [] if is_quoted_whole(query) else lower_case_operators(query):
            found.setdefault(word, []).append(name)
    for word, names in found.items():
        say(f"note: {word!r} is searched as a word (the operator is {word.upper()}) in the query of {first_few(names)}")


def check_classes(args, template: Template, search: Search, shards: list[str | RemoteFile]) -> int:
    """--check: print the findings. The exit code."""
    from retrieval.substring.name_check import check_names, suggest_names
    from retrieval.substring.template_check import check_template, read_sample
    from retrieval.substring.wordnet import open_wordnet

    wordnet = open_wordnet(args.wordnet)
    sample, missing = read_sample(shards, search.columns)
    for shard, reason in missing.items():
        say_always(f"missing: {shard}: {reason}")
    if not sample.captions:
        raise UserError("--check found no caption in the shards of --dbs")
    lines = [check_template(search, template.class_map, sample, args.pool_rows or sample.rows)]
    lines += [check_names(search, template, sample, wordnet)]
    lines += [suggest_names(search, template.synonyms, sample, wordnet)] if args.suggest_names else []
    for line in chain.from_iterable(lines):
        print(line)
    return 1 if missing or template.bad_queries else 0


def find_pool(args, output: Path | None) -> list[str | RemoteFile]:
    """The shards of --dbs, sorted. Remote ones are listed once for all runs with this output folder."""
    listing = kept_listing(args.dbs, output, "--output", args.overwrite) if output else None
    return find_shards(args.dbs, "--dbs", listing, "--download-dbs", args.download_dbs)


def plan_units(args, search: Search, shards: list[str | RemoteFile], folder: Path) -> list[Unit]:
    """One unit per shard of the whole pool, in order."""
    if not args.select_random:
        return [plan_unit(path, folder, search, tmp=args.tmp) for path in shards]
    absent = absent_shards(shards)
    if absent:
        raise UserError(f"--select-random must know every shard's number of rows, and {absent[0]} is not there yet")
    from retrieval.substring.random_sample import sample_of_each_shard

    samples = sample_of_each_shard(shards, search.columns, args.select_random, args.seed)
    return [plan_unit(path, folder, search, sample, args.tmp) for path, sample in zip(shards, samples, strict=True)]


def run_settings(args, template: Template, search: Search) -> dict:
    """The manifest's settings: the same for all jobs of an array."""
    sample = {"select_random": args.select_random, "seed": args.seed} if args.select_random else {}
    names = {"names_only": True if args.names_only == "own" else "all"} if args.names_only else {}
    language = {"language": args.language.lower()} if args.language else {}
    return {"query": args.query} | names | language | sample | search.settings() | skipped_classes(template)


def skipped_classes(template: Template) -> dict:
    """What --skip-bad-queries left out, for the manifest: class -> why. Nothing where no class was left out."""
    return {"skipped_classes": template.bad_queries} if template.bad_queries else {}


def input_fingerprints(units: list[Unit]) -> dict:
    return {unit.shard: shard_fingerprint(unit) for unit in units}


def check_shards(shards: list[str | RemoteFile], done: set[str], tmp: str | None, workers: Workers) -> None:
    """Open the shards that are there, so that a bad one is named before others are scanned for hours.

    Raises:
        UserError: none of the pool can be read.
    """
    opened = shards_to_open(shards, done, tmp)
    check_condition(opened, workers)
    reasons = workers.check_all(opened)
    others_may_do = done and any(isinstance(shard, RemoteFile) for shard in opened)
    if reasons and len(reasons) == len(opened) and not absent_shards(shards) and not others_may_do:
        others = f" (and {len(reasons) - 1:,} other shards, which cannot be read either)" if len(reasons) > 1 else ""
        raise UserError(next(iter(reasons.values())) + others)
    for reason in list(reasons.values())[:NAMED_SHARDS]:
        say_always(f"left out, and the others are scanned: {reason}")
    say_columns([shard for shard in opened if str(shard) not in done], workers)


def shards_to_open(shards: list[str | RemoteFile], done: set[str], tmp: str | None) -> list[str | RemoteFile]:
    """Those to look at before the work: all on a disk, and a few remote ones where they are read as they lie.

    Each remote one costs a request, and what is wrong with such a pool is wrong with all of its shards.
    """
    remote = [] if tmp else [file for file in shards if isinstance(file, RemoteFile) and file.address not in done]
    local = [path for path in shards if not isinstance(path, RemoteFile) and os.path.isfile(path)]
    return local + remote[:: -(-len(remote) // CHECKED_SHARDS) or 1]


def absent_shards(shards: list[str | RemoteFile]) -> list[str]:
    return [path for path in shards if not isinstance(path, RemoteFile) and not os.path.isfile(path)]


def check_condition(shards: list[str | RemoteFile], workers: Workers) -> None:
    """Refuse a --where that the first shard of a kind cannot answer.

    Raises:
        ConditionError: names the column, or has DuckDB's reason.
    """
    if workers.search.where is None:
        return
    from retrieval.row_condition import ConditionError

    first_of_kind = {Path(str(path)).suffix: path for path in reversed(shards)}
    for path in sorted(first_of_kind.values(), key=str):
        try:
            workers.check(path)
        except ConditionError:
            raise
        except UserError:  # it cannot be read, and will be named
            continue


def say_columns(shards: list[str | RemoteFile], workers: Workers) -> None:
    """Which columns are taken, where the first shard that can be read has several that could be."""
    for path in shards:
        try:
            for note in workers.check(path):
                say(f"note: {note}")
            return
        except UserError:
            continue


# ---- the work: each process scans one shard at a time ----


def how_many_workers(asked: int | None, units: list[Unit]) -> tuple[int, int]:
    """(workers, more of them): as many more as wait for the network at one time, up to one for each worker."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = max(1, min(asked or cores, len(units)))
    remote = [unit.remote.bytes for unit in units if unit.remote is not None]
    if len(remote) <= workers:
        return workers, 0
    scan_seconds = sum(remote) / len(remote) / SCANNED_BYTES
    waiting = math.ceil(workers * WAITED_SECONDS / max(scan_seconds, WAITED_SECONDS))
    return workers, min(waiting, len(remote) - workers)


def scan_in_order(units: list[Unit], done: set[str], workers: Workers, args) -> Iterator[tuple[Unit, dict | str]]:
    """Each unit in order with its counts, or with the reason why it is missing. Later units are scanned meanwhile.

    A thread follows one shard from fetch to cleanup. Where shards must be fetched, there is one thread more than there
    are workers: the next shard is fetched while others are scanned, and no more than that are on the disk.
    """
    absent = [unit.shard for unit in units if unit.shard not in done and not unit.is_there]
    fetcher = ShardFetcher(absent, args.shard_sources)
    followers = ThreadPoolExecutor(workers.followers + bool(absent))
    try:
        with progress(len(units), "shards", "scanning") as more:
            following = deque(
                (unit, followers.submit(counts_or_reason, unit, workers, fetcher, args.do_cleanup)) for unit in units
            )
            try:
                while following:  # forget what was passed on: the counts of a shard take half a megabyte
                    unit, future = following.popleft()
                    yield unit, future.result()
                    more()
            finally:  # also at Ctrl-C, and when every class is full: running scans are stopped, not waited for
                fetcher.stop()
                followers.shutdown(wait=False, cancel_futures=True)
                workers.end()
    finally:
        followers.shutdown()
        for unit in units:
            clear_remains(unit)


def counts_or_reason(unit: Unit, workers: Workers, fetcher: ShardFetcher, do_cleanup: bool) -> dict | str:
    """One shard from fetch to cleanup: its counts, or one sentence why it is missing."""
    counts = finished_counts(unit)
    if counts is not None:
        say(f"{unit.shard}: scanned before, {counts['records']:,} records")
        return counts
    try:
        is_fetched = not unit.is_there
        if is_fetched:
            fetcher.fetch(unit.shard)
            check_fetched(unit.shard, workers)
        counts = workers.scan(unit)
        if is_fetched and do_cleanup:
            os.unlink(unit.shard)
    except ShardChanged as error:
        from retrieval.remote_shards import LISTING, forget  # imported before, where the shard was listed

        forget(unit.hits.parent.parent / LISTING, unit.remote)
        return str(error)
    except (UserError, MissingShard) as error:
        return str(error)
    except OSError as error:  # a full disk, a file server that went away
        return f"{error.strerror or error} ({error.filename or unit.hits.parent})"
    except BrokenExecutor:
        return "its worker was killed (out of memory?): run again, perhaps with fewer --workers"
    except UNFORESEEN as error:
        return unforeseen(error)
    say(
        f"{unit.shard}: {counts['rows']:,} rows, {counts['captions']:,} captions matched, "
        f"{counts['records']:,} records, {counts['rows'] / counts['seconds']:,.0f} rows/s"
    )
    return counts


def check_fetched(shard: str, workers: Workers) -> None:
    """Remove a fetched file that is no shard: an error page under a shard's name must not stay.

    Raises:
        UserError: it is no shard.
    """
    try:
        workers.check(shard)
    except UserError:
        os.unlink(shard)
        raise


def lost_rows(output: Path, job_idx: int, total_jobs: int) -> bool:
    """Whether a finished job could not read some rows, which it named then."""
    return "lost_rows" in read_json(manifest_path(output, job_idx, total_jobs))["coverage"]


if __name__ == "__main__":
    sys.exit(main())
