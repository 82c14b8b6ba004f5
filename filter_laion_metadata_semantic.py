"""Select, for each class of a dataset, the rows of a pool whose CLIP embeddings are nearest to the class's prompts.

In:   a template (class names and prompts), and a pool, in one of two ways. --pool: its own shards, with the features
      that are published beside them (npz, npy, a column of vectors); where there are none, captions are embedded now.
      --index-info-path: the index folders that `indicies.json` names, as
      knn_indices_helper/assemble_index_folder.py lays them out, for those who ask often.
Out:  OUTPUT_DIR/chunk_x.json, one record per line, and a manifest job_0_of_1.json, written last. A record has the
      pool's row, its class (QUERY), where it was found (SOURCE: text_index or image_index), the prompt (MATCHED), the
      inner product (SCORE), the rank among the prompt's hits without near-duplicates (RANK, from 0) and the row (ROW:
      part-00000.parquet:17, or laion2B-en:17 of an index).

Each prompt gets what clip-retrieval's KnnService.query(text_input=prompt, modality=…, num_images=K, num_result_ids=K,
deduplicate=True) returns. Rows tagged NSFW are dropped. Within a class each row is kept once, where it comes first:
prompts in the template's order, for each captions before images, hits by rank. Finished classes are kept in
OUTPUT_DIR/.hits, so the same command again does the rest; with --pool finished shards are kept, too. As a job array,
each job searches its share of the shards; then the same command without the array's flags selects from all of them.

    python filter_laion_metadata_semantic.py --query-dataset DTD --output-dir outputs/semantic/DTD \\
        --results-per-query 500 --pool 'datacomp/small/*.parquet' --allow-untagged
    python filter_laion_metadata_semantic.py --query-dataset ImageNet --output-dir outputs/semantic/ImageNet \\
        --classes "tabby cat" tench --no-text-index --index-info-path indicies.json
"""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from retrieval.as_run import command_as_run
from retrieval.cli import (
    UserError,
    array_place,
    array_share,
    command,
    is_array_job,
    parse_flags,
    parser_for,
    progress,
    say,
    say_always,
)
from retrieval.clip_names import DEFAULT_MODEL, check_model_name
from retrieval.columns import column_choice
from retrieval.files import file_fingerprint, writable_folder
from retrieval.index_folder import fingerprints
from retrieval.records import HITS_FOLDER, SEMANTIC_LOSSES, Manifest, is_complete, write_chunks, write_manifest
from retrieval.remote_traffic import bytes_moved
from retrieval.report import write_when_whole
from retrieval.run_folder import Run, begun_run, check_folder
from retrieval.semantic.class_table import class_table
from retrieval.semantic.command_line import add_flags, check_flags
from retrieval.semantic.hit_files import (
    clear_remains,
    hits_path,
    kept_records,
    losses_line,
    read_summary,
    remove_superseded,
)
from retrieval.semantic.plan import Asked, ClassPlan, ModelUse, PoolFiles, QueryStyle, SearchSettings
from retrieval.semantic.pool_units import Share, Unit, total_counts
from retrieval.semantic.prompt_names import names_in_prompts
from retrieval.semantic.searched_files import plan_pools
from retrieval.semantic.seed_files import find_seed_images
from retrieval.shard_paths import kept_listing
from retrieval.wandb_run import log_manifest
from retrieval_templates import Template, choose_template, only_classes

HITS_VERSION = 6  # raise it when the same inputs and settings give other records
EXACT_VERSION = 7  # the same, of --exact and --pool
OTHER_SETTINGS = ("where", "url_column", "caption_column", "columns", "text_features", "image_features")
LISTED = 12  # missing shards that are named


def make_parser():
    parser = parser_for(__doc__, __file__)
    add_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    sources = check_flags(args)
    place = array_place(args.job_idx, args.total_jobs)
    template = find_template(args)
    asked = Asked(template, names_in_prompts(args, template), find_seed_images(args.seed_images, template))
    if args.pool:
        return search_pool(args, sources, asked, place)
    return search_indices(args, sources, asked, place)


def search_indices(args, sources: list[str], asked: Asked, place: tuple[int, int]) -> int:
    """--index-info-path: a job searches its share of the classes. The exit code."""
    pools = plan_pools(args, sources)
    output = writable_folder(args.output_dir, "--output-dir")
    settings = run_settings(args, asked, sources, {pool.entry.name: pool.model for pool in pools})
    inputs = {}
    for pool in pools:
        inputs |= fingerprints(pool.entry.folder, pool.all_searched())
    mine = array_share(list(asked.template.classes), *place)
    classes = plan_classes(args, asked, mine, output, settings, inputs)
    all_seeds = [str(seed) for images in asked.seeds.values() for seed in images]
    run = Run("semantic", settings, (*inputs, *all_seeds), *place)
    check_folder(output, run, args.overwrite)
    inputs |= seed_fingerprints(classes)
    if is_complete(output, *place, settings, inputs):
        return already(output, place)

    with begun_run(output, run, args.overwrite):
        clear_remains(output / HITS_FOLDER, classes)
        search_pending(args, classes, pools)
        coverage = {"asked": len(classes), "done": len(classes), "missing": {}}
        manifest = write_results(output, run, classes, inputs, coverage, {}, command_as_run(make_parser(), args))
    return report(args, output, manifest)


def search_pool(args, sources: list[str], asked: Asked, place: tuple[int, int]) -> int:
    """--pool: a job searches its share of the shards, and one command selects from all of them. The exit code."""
    model = ModelUse(check_model_name(args.model or DEFAULT_MODEL), args.device, args.precision, args.batch_size)
    plan = plan_shards(args, sources, model)
    output = writable_folder(args.output_dir, "--output-dir")
    hits_folder = output / HITS_FOLDER
    share = Share(*place, is_array_job(args), hits_folder / "array.json")
    settings = run_settings(args, asked, sources, {"pool": model.source.name}) | plan.settings(model)
    classes = plan_classes(args, asked, asked.template.classes, output, settings, {})
    inputs = plan.inputs(model) | seed_fingerprints(classes)
    units = plan.units(classes, args.results_per_query, model, hits_folder)
    run = Run("semantic", settings, (*plan.paths, *seed_fingerprints(classes)), *place, writes_chunks=not share.is_one)
    check_folder(output, run, args.overwrite)
    if not share.is_one and not plan.bad and not plan.lost and is_complete(output, *place, settings, inputs):
        return already(output, place)

    with begun_run(output, run, args.overwrite):
        share.begin()
        bad = search_shards(plan, units, classes, args.results_per_query, model, share)
        if share.is_one:
            return report_share(share, units, bad, bytes_moved(plan.files))
        if unsearched := [unit.shard for unit in units if not unit.is_done and unit.shard not in bad]:
            return report_unsearched(output, unsearched)
        done, missing = [unit for unit in units if unit.is_done], plan.bad | bad
        if not done:
            raise UserError(f"no shard could be searched ({next(iter(bad.values()))})")
        classes = plan_classes(args, asked, asked.template.classes, output, settings, inputs | missing)
        clear_remains(hits_folder, classes)
        select_pending(args, classes, done, model, sources)
        coverage = {"asked": len(plan.paths), "done": len(done), "missing": missing}
        coverage |= {"lost_rows": plan.lost} if plan.lost else {}
        command = command_as_run(make_parser(), args)
        manifest = write_results(output, run, classes, inputs, coverage, {"pool": total_counts(done)}, command)
        share.end(units)
    return report(args, output, manifest, bytes_moved(plan.files))


# ---- before anything is opened: what can be refused, and the plan ----


def find_template(args) -> Template:
    template = choose_template(args.query_dataset, "--query-dataset", args.template_dir, only=args.classes)
    return only_classes(template, list(template.classes[: args.subset])) if args.subset else template


def plan_classes(args, asked: Asked, mine: Sequence[str], output: Path, settings: dict, inputs: dict):
    """A ClassPlan for each of the classes `mine`."""
    negative = (args.negative, args.negative_weight) if args.negative else (None, 0.0)
    style = QueryStyle(args.prompt_ensemble, *negative)
    classes = []
    for name in mine:
        seeds, names = asked.seeds[name], asked.names[name]
        prints = {seed.name: file_fingerprint(seed) for seed in seeds}
        hits_file = hits_path(output / HITS_FOLDER, name, settings, inputs, prints)
        classes.append(ClassPlan(name, asked.template.prompts(*names), seeds, hits_file, style, len(names)))
    return classes


def seed_fingerprints(classes: list[ClassPlan]) -> dict:
    return {str(seed): file_fingerprint(seed) for each in classes for seed in each.seeds}


def run_settings(args, asked: Asked, sources: list[str], models: dict[str, str]) -> dict:
    """The manifest's settings: everything that decides the records, except the files themselves.

    Args:
        models: name of a pool -> the model that embedded it.
    """
    settings = {
        "version": EXACT_VERSION if args.exact or args.pool else HITS_VERSION,
        "template": asked.template.name,
        "classes": list(asked.template.classes),
        "prompts": list(asked.template.templates),
        "results_per_query": args.results_per_query,
        "dedup_threshold": args.dedup_threshold,
        "pools": list(models),
        "sources": sources,
        "models": models,
        "nprobe": args.nprobe,
        "ef_search": args.ef_search,
        "exact": bool(args.exact),
        "seed_images": bool(args.seed_images),
        "rerank": bool(args.rerank),
        "allow_untagged": args.allow_untagged,
    }
    # Only where they are used, so that folders of earlier versions go on.
    more = {"prompt_ensemble": args.prompt_ensemble, "min_score": args.min_score, "negative": args.negative}
    more |= {flag: getattr(args, flag) for flag in OTHER_SETTINGS}
    more |= {"negative_weight": args.negative_weight if args.negative else None}
    if args.prompt_names != "own":
        more |= {"prompt_names": args.prompt_names, "names": {name: list(names) for name, names in asked.names.items()}}
    return settings | {name: value for name, value in more.items() if value not in (None, False, "")}


def search_settings(args) -> SearchSettings:
    return SearchSettings(
        args.results_per_query,
        args.dedup_threshold,
        args.nprobe,
        args.ef_search,
        args.allow_untagged,
        args.where,
        column_choice(args),
        args.min_score,
    )


# ---- the work in an index folder ----


def search_pending(args, classes: list[ClassPlan], pools: list[PoolFiles]) -> None:
    """Search the classes that have no hit file yet. The modules that compute are imported here.

    The pools come first: what does not fit is refused in a second, while torch and open_clip take several to import.
    """
    pending = [each for each in classes if not each.hits_file.exists()]
    if not pending:
        return
    from retrieval.semantic.pool_metadata import give_ids_one_type
    from retrieval.semantic.pools import open_pool

    settings = search_settings(args)
    opened = [open_pool(pool, settings) for pool in pools]
    give_ids_one_type([pool.metadata for pool in opened])
    if any(each.seeds for each in pending):
        from retrieval.semantic.seed_images import check_seed_images

        check_seed_images(pending)

    from retrieval.clip_model import load_clip
    from retrieval.semantic.block_search import search_classes
    from retrieval.semantic.caption_check import caption_warning

    encoders = {name: load_clip(name, args.device) for name in {pool.model for pool in pools}}
    say(
        f"{len(classes):,} classes, {len(classes) - len(pending):,} done before; "
        f"searching {', '.join(pool.described() for pool in opened)}"
    )
    for pool in opened:
        if warning := caption_warning(pool, encoders[pool.files.model]):
            say(warning)
    with progress(len(pending), "classes", "searching") as more:
        for line in search_classes(pending, opened, encoders, settings, args.batch_size):
            say(line)
            more()


# ---- the work on a pool's own files; the modules that compute are imported when they are needed ----


def plan_shards(args, sources: list[str], model: ModelUse):
    """The shards of --pool (pool_plan.PoolPlan), and what of them is searched, which is said."""
    from retrieval.semantic.feature_plan import FeatureWishes
    from retrieval.semantic.pool_plan import plan_pool

    keys = {"text_index": args.text_features, "image_index": args.image_features}
    folder = Path(args.features) if args.features else None
    wishes = FeatureWishes(model.source, tuple(sources), keys, folder, {}, args.allow_untagged, column_choice(args))
    listing = kept_listing(args.pool, args.output_dir, "--output-dir", args.overwrite)
    return plan_pool(args.pool, wishes, args.where, listing)


def search_shards(plan, units: list[Unit], classes: list[ClassPlan], k: int, model: ModelUse, share: Share) -> dict:
    """Search the shards of this job that have not been searched.

    Returns:
        dict: path of a shard, of any job, that turned out to be bad -> the reason.
    """
    mine = share.units(units)
    if any(not unit.is_done for unit in mine):
        from retrieval.semantic.pool_run import search_units

        search_units(plan, mine, classes, k, model)
    return {unit.shard: unit.reason() for unit in units if unit.reason()}


def select_pending(args, classes: list[ClassPlan], units: list[Unit], model: ModelUse, sources: list[str]) -> None:
    """Select the classes that have no hit file yet from all units."""
    pending = [each for each in classes if not each.hits_file.exists()]
    if not pending:
        return
    from retrieval.semantic.pool_merge import select_classes

    with progress(len(pending), "classes", "selecting") as more:
        for line in select_classes(pending, classes, units, sources, model.source.width, search_settings(args)):
            say(line)
            more()


# ---- what is left, and the last lines ----


def already(output: Path, place: tuple[int, int]) -> int:
    say_always(f"{output}: job {place[0]} of {place[1]} is complete already, with these settings and inputs")
    write_when_whole(output, place[1], thorough=True)
    return 0


def write_results(
    output: Path, run: Run, classes: list[ClassPlan], inputs: dict, coverage: dict, more: dict, command: list[str]
) -> Manifest:
    """Write the chunks of all classes, and the manifest last, which has the run's command (as_run.py)."""
    written = write_chunks(kept_records([each.hits_file for each in classes]), output, run.job_idx, run.total_jobs)
    summaries = {each.name: read_summary(each.hits_file) for each in classes}
    manifest = Manifest(
        stage="semantic",
        settings=run.settings,
        inputs=inputs,
        coverage=coverage,
        counts={"records": sum(written.values()), "classes": summaries} | more,
        chunks=written,
        job_idx=run.job_idx,
        total_jobs=run.total_jobs,
    )
    write_manifest(output, manifest, command)
    remove_superseded(output / HITS_FOLDER, classes)
    return manifest


def report_share(share: Share, units: list[Unit], bad: dict[str, str], moved: str) -> int:
    """The last line of an array's job."""
    mine = share.units(units)
    lost = [unit for unit in mine if unit.shard in bad]
    done = sum(unit.is_done for unit in units)
    say_always(
        f"job {share.job_idx} of {share.total_jobs}: {len(mine):,} shards, {len(mine) - len(lost):,} searched, "
        f"{len(lost):,} bad; of all {len(units):,} shards {done:,} are searched. When all are, the same command "
        f"outside the array (without --job-idx and --total-jobs) selects the records{moved}"
    )
    return 1 if lost else 0


def report_unsearched(output: Path, shards: list[str]) -> int:
    """An array's shards that no job has finished."""
    for shard in shards[:LISTED]:
        say_always(f"missing: {shard}: no job has searched it yet")
    more = f" (the first {LISTED} are named)" if len(shards) > LISTED else ""
    say_always(
        f"{output}: {len(shards):,} shards are not searched{more}: run the array's jobs again, which do the rest "
        "(--job-idx 0 --total-jobs 1: one job for all); then this command again"
    )
    return 1


def report(args, output: Path, manifest: Manifest, moved: str = "") -> int:
    """Say the published script's statistics (images per class), and how many hits were lost for each reason.

    Args:
        moved: the end of the last line, of a pool that is read over a network.

    Returns:
        int: the exit code. 1 where shards are missing, or rows of them cannot be read.
    """
    log_manifest(args, output, manifest)
    write_when_whole(output, manifest.total_jobs, thorough=True)
    for line in class_table(manifest.counts["classes"]):
        say(line)
    summaries = manifest.counts["classes"].values()
    kept = [summary["kept"] for summary in summaries]
    if kept:
        quartiles = statistics.quantiles(kept, n=4, method="inclusive") if len(kept) > 1 else kept * 3
        say(f"Mean number of images per class: {statistics.fmean(kept):,.1f}")
        say("25, 50, 75 percentiles: " + " ".join(f"{value:,.1f}" for value in quartiles))
    missing, lost = manifest.coverage["missing"], manifest.coverage.get("lost_rows", {})
    for shard, reason in missing.items():
        say_always(f"missing: {shard}: {reason}")
    for shard, (rows, first) in lost.items():
        say_always(f"rows that cannot be read: {shard}: {rows:,}, the first: {first}")
    total = {name: sum(summary.get(name, 0) for summary in summaries) for name in ("asked", *SEMANTIC_LOSSES)}
    say_always(
        f"{output}: {len(kept):,} classes, {manifest.counts['records']:,} records in {len(manifest.chunks):,} "
        f"chunk files ({losses_line(total)}){moved}"
    )
    return 1 if missing or lost else 0


if __name__ == "__main__":
    sys.exit(main())
