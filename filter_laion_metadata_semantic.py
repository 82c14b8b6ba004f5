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

import sys
from dataclasses import replace
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
    say_always,
)
from retrieval.files import writable_folder
from retrieval.index_folder import fingerprints
from retrieval.records import HITS_FOLDER, Manifest, is_complete, write_chunks, write_manifest
from retrieval.remote_traffic import bytes_moved
from retrieval.report import write_when_whole
from retrieval.run_folder import Run, begun_run, check_folder
from retrieval.semantic.asked import find_asked, plan_classes, seed_fingerprints, with_hit_files
from retrieval.semantic.command_line import add_flags, check_flags
from retrieval.semantic.hit_files import clear_remains, kept_records, read_summary, remove_superseded
from retrieval.semantic.index_steps import search_pending
from retrieval.semantic.last_lines import report_run, report_share, report_unsearched
from retrieval.semantic.plan import Asked, ClassPlan
from retrieval.semantic.pool_steps import plan_shards, search_missing, select_pending
from retrieval.semantic.pool_units import Share, bad_shards, total_counts
from retrieval.semantic.run_settings import model_of_pool, run_settings
from retrieval.semantic.searched_files import plan_pools
from retrieval.wandb_run import log_manifest


def make_parser():
    parser = parser_for(__doc__, __file__)
    add_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    sources = check_flags(args)
    place = array_place(args.job_idx, args.total_jobs)
    asked = find_asked(args, sources)
    return search_pool(args, asked, place) if args.pool else search_indices(args, asked, place)


def search_indices(args, asked: Asked, place: tuple[int, int]) -> int:
    """--index-info-path: a job searches its share of the classes. The exit code."""
    pools = plan_pools(args, asked.sources)
    output = writable_folder(args.output_dir, "--output-dir")
    hits_folder = output / HITS_FOLDER
    settings = run_settings(args, asked, {pool.entry.name: pool.model for pool in pools})
    inputs = {}
    for pool in pools:
        inputs |= fingerprints(pool.entry.folder, pool.all_searched())
    mine = plan_classes(asked, array_share(list(asked.template.classes), *place))
    classes = with_hit_files(mine, hits_folder, settings, inputs)
    all_seeds = [str(seed) for images in asked.seeds.values() for seed in images]
    run = Run("semantic", settings, (*inputs, *all_seeds), *place)
    check_folder(output, run, args.overwrite)
    inputs |= seed_fingerprints(classes)
    if is_complete(output, *place, settings, inputs):
        return report_earlier(output, run)

    with begun_run(output, run, args.overwrite):
        clear_remains(hits_folder, classes)
        search_pending(args, classes, pools)
        coverage = {"asked": len(classes), "done": len(classes), "missing": {}}
        manifest = write_results(args, output, classes, draft(run, inputs, coverage))
    return report(args, output, manifest)


def search_pool(args, asked: Asked, place: tuple[int, int]) -> int:
    """--pool: a job searches its share of the shards, and one command selects from all of them. The exit code."""
    model = model_of_pool(args)
    plan = plan_shards(args, asked.sources, model)
    output = writable_folder(args.output_dir, "--output-dir")
    hits_folder = output / HITS_FOLDER
    share = Share(*place, is_array_job(args), hits_folder / "array.json")
    settings = run_settings(args, asked, {"pool": model.source.name}) | plan.settings(model)
    classes = plan_classes(asked, asked.template.classes)
    seeds = seed_fingerprints(classes)
    inputs = plan.inputs(model) | seeds
    units = plan.units(classes, args.results_per_query, model, hits_folder)
    run = Run("semantic", settings, (*plan.paths, *seeds), *place, writes_chunks=not share.is_one)
    check_folder(output, run, args.overwrite)
    if not share.is_one and not plan.bad and not plan.lost and is_complete(output, *place, settings, inputs):
        return report_earlier(output, run)

    with begun_run(output, run, args.overwrite):
        share.begin()
        search_missing(plan, share.units(units), classes, args.results_per_query, model)
        bad = bad_shards(units)
        if share.is_one:
            return report_share(share, units, bad, bytes_moved(plan.files))
        if unsearched := [unit.shard for unit in units if not unit.is_done and unit.shard not in bad]:
            return report_unsearched(output, unsearched)
        done, missing = [unit for unit in units if unit.is_done], plan.bad | bad
        if not done:
            raise UserError(f"no shard could be searched ({next(iter(bad.values()))})")
        classes = with_hit_files(classes, hits_folder, settings, inputs | missing)
        clear_remains(hits_folder, classes)
        select_pending(args, classes, done, asked.sources, model.source.width)
        coverage = {"asked": len(plan.paths), "done": len(done), "missing": missing}
        coverage |= {"lost_rows": plan.lost} if plan.lost else {}
        counts = {"pool": total_counts(done)}
        manifest = write_results(args, output, classes, draft(run, inputs, coverage, counts))
        share.end(units)
    return report(args, output, manifest, bytes_moved(plan.files))


# ---- the results ----


def draft(run: Run, inputs: dict, coverage: dict, counts: dict | None = None) -> Manifest:
    """The manifest before the chunks are written."""
    return Manifest(
        stage=run.stage,
        settings=run.settings,
        inputs=inputs,
        coverage=coverage,
        counts=counts or {},
        job_idx=run.job_idx,
        total_jobs=run.total_jobs,
    )


def write_results(args, output: Path, classes: list[ClassPlan], manifest: Manifest) -> Manifest:
    """Write the chunks of all classes, and the manifest last, with what is now known of them."""
    records = kept_records([each.hits_file for each in classes])
    chunks = write_chunks(records, output, manifest.job_idx, manifest.total_jobs)
    summaries = {each.name: read_summary(each.hits_file) for each in classes}
    counts = {"records": sum(chunks.values()), "classes": summaries} | manifest.counts
    manifest = replace(manifest, counts=counts, chunks=chunks)
    write_manifest(output, manifest, command_as_run(make_parser(), args))
    remove_superseded(output / HITS_FOLDER, classes)
    return manifest


def report(args, output: Path, manifest: Manifest, moved: str = "") -> int:
    """The page of the folder, and the last lines. The exit code."""
    log_manifest(args, output, manifest)
    write_when_whole(output, manifest.total_jobs, thorough=True)
    return report_run(output, manifest, moved)


def report_earlier(output: Path, run: Run) -> int:
    say_always(f"{output}: job {run.job_idx} of {run.total_jobs} is complete already, with these settings and inputs")
    write_when_whole(output, run.total_jobs, thorough=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
