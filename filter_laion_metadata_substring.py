"""Select the rows of a pool whose captions name a class of a target dataset.

In:   metadata shards: parquet (the columns of LAION-2B-en, Re-LAION, DataComp or COYO), lists (csv, tsv, jsonl, json),
      Arrow files, webdataset tars, or SQLite `.db` with an FTS table `samples`; classes from a template, from a|b|c, or
      from a file with one name per line.
Out:  OUTPUT/chunk_0.json, chunk_1.json, …: one record per line, ordered by shard, row and class. OUTPUT/job_0_of_1.json
      is written last: settings, coverage, and counts per class. OUTPUT/.hits keeps the records of each finished shard,
      so that the same command continues a stopped run, and one with more shards scans only those. It takes as much
      disk as the chunks; --no-hits removes it at the end.

    python filter_laion_metadata_substring.py --output outputs/pets --query 'tabby cat|corgi' --match word \\
        --dbs 'pool/*.parquet'
    python filter_laion_metadata_substring.py --output outputs/DTD --query DTD --template --match word \\
        --dbs 'hf://datasets/mlfoundations/datacomp_small/*.parquet'

--match substring (the default) finds "hen" in "kitchen". word finds whole words. fts also finds the words of a class in
any order, anywhere in the caption, as the published script did. Exit code 1: some shards are missing or cannot be read;
the last lines name them, and the others are done. Or classes were left out (--skip-bad-queries), or rows of a list
cannot be read.
"""

import sys
from itertools import chain
from pathlib import Path

from retrieval.as_run import command_as_run
from retrieval.cli import UserError, command, parse_flags, parser_for, say, say_always
from retrieval.files import read_json, writable_folder
from retrieval.records import Manifest, is_complete, manifest_path, write_chunks, write_manifest
from retrieval.remote_address import RemoteFile
from retrieval.report import write_when_whole
from retrieval.run_folder import Run, begun_run, check_folder
from retrieval.shard_paths import find_shards, kept_listing
from retrieval.substring.class_queries import load_classes, make_search
from retrieval.substring.command_line import add_flags, check_flags
from retrieval.substring.scan_workers import Workers
from retrieval.substring.search_units import (
    Search,
    Unit,
    finished_counts,
    plan_unit,
    remove_hits,
    shard_fingerprint,
)
from retrieval.substring.shard_check import absent_shards, check_shards
from retrieval.substring.shards_in_order import how_many_workers, scan_in_order
from retrieval.substring.tally import Tally, report
from retrieval.wandb_run import log_manifest
from retrieval_templates import Template


def make_parser():
    parser = parser_for(__doc__, __file__)
    add_flags(parser)
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
    run = Run("substring", run_settings(args, template, search), tuple(map(str, shards)), job_idx, total_jobs)
    check_folder(output, run, args.overwrite)
    if is_complete(output, job_idx, total_jobs, run.settings, input_fingerprints(units)):
        return report_earlier(output, run, template)

    tally = Tally(search, template.synonyms)
    done = {unit.shard for unit in units if finished_counts(unit) is not None}
    pending = [unit for unit in units if unit.shard not in done]
    with Workers(search, *how_many_workers(args.workers, pending)) as workers:
        check_shards(shards, done, args.tmp, workers)
        with begun_run(output, run, args.overwrite):
            scanned = scan_in_order(units, done, workers, args)
            chunks = write_chunks(tally.pass_on(scanned), output, job_idx, total_jobs)
            manifest = make_manifest(run, template, units, tally, chunks)
            write_manifest(output, manifest, command_as_run(make_parser(), args))
            if args.no_hits and not tally.missing:
                for unit in units:
                    remove_hits(unit)

    log_manifest(args, output, manifest)
    write_when_whole(output, total_jobs, thorough=False)
    report(tally, units, output, chunks)
    return 1 if tally.missing or tally.lost or template.bad_queries else 0


# ---- the plan ----


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


# ---- the result ----


def make_manifest(run: Run, template: Template, units: list[Unit], tally: Tally, chunks: dict[str, int]) -> Manifest:
    return Manifest(
        stage=run.stage,
        settings=run.settings,
        inputs=input_fingerprints(units),
        coverage=tally.coverage(units) | skipped_classes(template),
        counts=tally.counts(),
        chunks=chunks,
        job_idx=run.job_idx,
        total_jobs=run.total_jobs,
    )


def report_earlier(output: Path, run: Run, template: Template) -> int:
    """The last line where this job has run before and missed nothing, and its exit code."""
    say_always(f"{output}: this very run is complete already; nothing to do")
    write_when_whole(output, run.total_jobs, thorough=False)
    coverage = read_json(manifest_path(output, run.job_idx, run.total_jobs))["coverage"]
    return 1 if template.bad_queries or "lost_rows" in coverage else 0


# ---- --check ----


def check_classes(args, template: Template, search: Search, shards: list[str | RemoteFile]) -> int:
    """--check: print the findings. The exit code."""
    from retrieval.substring.caption_sample import read_sample
    from retrieval.substring.name_check import check_names, suggest_names
    from retrieval.substring.template_check import check_template
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
    if template.name == "--query":  # a|b|c, or a file of names
        say('note: lines such as "hen": … go into class_map or synonyms of a template: README, "Your own classes"')
    return 1 if missing or template.bad_queries else 0


if __name__ == "__main__":
    sys.exit(main())
