"""Select, for each class of a dataset, the rows of a pool whose CLIP embeddings are nearest to the class's prompts.

In:   a template (class names and prompts), and the index folders that `indicies.json` names: text index and / or image
      index (faiss) and the rows' metadata (arrow), as knn_indices_helper/assemble_index_folder.py lays them out.
Out:  OUTPUT_DIR/chunk_x.json, one record per line, and a manifest job_0_of_1.json, written last. A record has the
      pool's row, its class (QUERY), the index (SOURCE), the prompt (MATCHED), the inner product (SCORE), the rank among
      the prompt's hits without near-duplicates (RANK, from 0) and the row of the index (ROW: laion2B-en:17).

Each prompt gets what clip-retrieval's KnnService.query(text_input=prompt, modality=…, num_images=K, num_result_ids=K,
deduplicate=True) returns. Rows tagged NSFW are dropped. Within a class each row is kept once, where it comes first:
prompts in the template's order, for each the text index before the image index, hits by rank. Finished classes are kept
in OUTPUT_DIR/.hits, so the same command again does the rest, and one more class searches only for that class.

    python filter_laion_metadata_semantic.py --query-dataset DTD --output-dir outputs/semantic/DTD \\
        --results-per-query 500 --index-info-path indicies.json
    python filter_laion_metadata_semantic.py --query-dataset ImageNet --output-dir outputs/semantic/ImageNet \\
        --classes "tabby cat" tench --no-text-index --index-info-path indicies.json
"""

import statistics
import sys
from pathlib import Path

from retrieval.class_folders import class_folders
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
)
from retrieval.clip_names import check_model_name
from retrieval.columns import add_column_flags, column_choice
from retrieval.files import file_fingerprint, writable_folder
from retrieval.index_folder import SOURCES, IndexEntry, fingerprints, index_paths, read_indices_file
from retrieval.records import SEMANTIC_LOSSES, Manifest, is_complete, write_chunks, write_manifest
from retrieval.report import write_when_whole
from retrieval.run_folder import Run, add_overwrite_flag, begun_run, check_folder
from retrieval.semantic.class_table import class_table
from retrieval.semantic.hit_files import clear_remains, hits_path, kept_records, losses_line, read_summary
from retrieval.semantic.plan import DEDUP_THRESHOLD, ClassPlan, PoolFiles, SearchSettings
from retrieval.wandb_run import add_wandb_flags, check_wandb, log_manifest
from retrieval_templates import Template, choose_template, only_classes

RESULTS_PER_QUERY = 500  # the published runs' value
BATCH_SIZE = 256  # prompts per pass of the text tower: ViT-L/14 needs about 1 GB for them
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}  # of --seed-images: common formats that PIL reads
DEVICES = ("cpu", "cuda", "mps", "xpu")  # torch's names
HITS_VERSION = 6  # raise it when the same inputs and settings give other records


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument(
        "-q", "--query-dataset", required=True, metavar="NAME",
        help="a template, or a|b|c, or a file with one class name per line",
    )  # fmt: skip
    parser.add_argument("-o", "--output-dir", required=True, metavar="FOLDER", help="for the chunks and the manifest")
    parser.add_argument(
        "--results-per-query", type=int, default=RESULTS_PER_QUERY, metavar="K",
        help="nearest neighbours per prompt and index (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--index-info-path", default="indicies.json", metavar="FILE",
        help="names the index folders; or the folder that holds it, or an index folder itself (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--index-name", metavar="NAME", help="search only this entry of the file (default: all)")
    parser.add_argument("--no-text-index", action="store_true", help="do not search the captions' embeddings")
    parser.add_argument("--no-image-index", action="store_true", help="do not search the images' embeddings")
    parser.add_argument(
        "--nprobe", type=int, metavar="N", help="inverted lists visited per prompt (default: as stored in the index)"
    )
    parser.add_argument(
        "--ef-search", type=int, metavar="N", help="search breadth in an HNSW graph (default: as stored in the index)"
    )
    parser.add_argument(
        "--dedup-threshold", type=float, default=DEDUP_THRESHOLD, metavar="COSINE",
        help="hits of one prompt are near-duplicates above this cosine (default %(default)s, clip-retrieval's)",
    )  # fmt: skip
    parser.add_argument(
        "--rerank", metavar="EMBEDDINGS_DIR",
        help="score the hits again with the stored embeddings, and find near-duplicates with them: "
        "scores of compressed indices (PQ) are rough",
    )  # fmt: skip
    parser.add_argument(
        "--exact", metavar="EMBEDDINGS_DIR",
        help="use no index: compare with every stored embedding, on the model's device (up to about 100 M rows)",
    )  # fmt: skip
    parser.add_argument(
        "--seed-images", metavar="FOLDER",
        help="an ImageFolder with a few images per class, which are searched for like prompts",
    )  # fmt: skip
    parser.add_argument("--template-dir", metavar="DIR", help="a folder of your own templates")
    parser.add_argument("--classes", nargs="+", metavar="CLASS", help="only these classes of the template")
    parser.add_argument("--subset", type=int, metavar="N", help="only the first N classes, for a quick try")
    parser.add_argument("--model", help="the model that embedded the pool (default: clip_model of the index info)")
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    parser.add_argument(
        "--batch-size", type=int, default=BATCH_SIZE, help="prompts embedded together (default %(default)s)"
    )
    parser.add_argument(
        "--allow-untagged", action="store_true",
        help="search a pool without a safety column, where no row can be rejected as NSFW",
    )  # fmt: skip
    add_column_flags(parser)
    parser.add_argument(
        "--where", metavar="SQL",
        help="keep only hits whose row in the metadata fulfils this DuckDB expression; --results-per-query counts "
        "hits before it",
    )  # fmt: skip
    add_overwrite_flag(parser)
    add_array_flags(parser)
    add_talk_flags(parser)
    add_wandb_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    sources = check_flags(args)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    template = find_template(args)
    seeds = find_seed_images(args.seed_images, template)
    pools = plan_pools(args, sources)
    output = writable_folder(args.output_dir, "--output-dir")

    settings = run_settings(args, template, pools, sources)
    inputs = {}
    for pool in pools:
        inputs |= fingerprints(pool.entry.folder, pool.all_searched())
    classes = []
    for name in array_share(list(template.classes), job_idx, total_jobs):
        seed_prints = {seed.name: file_fingerprint(seed) for seed in seeds[name]}
        hits_file = hits_path(output / ".hits", name, settings, inputs, seed_prints)
        classes.append(ClassPlan(name, template.prompts(name), seeds[name], hits_file))
    all_seeds = [str(seed) for images in seeds.values() for seed in images]
    run = Run("semantic", settings, (*inputs, *all_seeds), job_idx, total_jobs)
    check_folder(output, run, args.overwrite)
    inputs |= {str(seed): file_fingerprint(seed) for each in classes for seed in each.seeds}
    if is_complete(output, job_idx, total_jobs, settings, inputs):
        say_always(f"{output}: job {job_idx} of {total_jobs} is complete already, with these settings and inputs")
        write_when_whole(output, total_jobs, thorough=True)
        return 0

    with begun_run(output, run, args.overwrite):
        clear_remains(output / ".hits", classes)
        search_pending(args, classes, pools)
        hits_files = [each.hits_file for each in classes]
        written = write_chunks(kept_records(hits_files), output, job_idx, total_jobs)
        summaries = {each.name: read_summary(each.hits_file) for each in classes}
        manifest = Manifest(
            stage="semantic",
            settings=settings,
            inputs=inputs,
            coverage={"asked": len(classes), "done": len(classes), "missing": {}},
            counts={"records": sum(written.values()), "classes": summaries},
            chunks=written,
            job_idx=job_idx,
            total_jobs=total_jobs,
        )
        write_manifest(output, manifest)
    log_manifest(args, output, manifest)
    write_when_whole(output, total_jobs, thorough=True)
    report(output, manifest)
    return 0


# ---- before anything is opened: what can be refused, and the plan ----


def check_flags(args) -> list[str]:
    """The sources to search, in order."""
    sources = [name for name in SOURCES if not getattr(args, f"no_{name}")]
    if not sources:
        raise UserError("--no-text-index and --no-image-index together leave nothing to search: drop one")
    for flag in ("results_per_query", "nprobe", "ef_search", "subset", "batch_size"):
        value = getattr(args, flag)
        if value is not None and value < 1:
            raise UserError(f"--{flag.replace('_', '-')} {value}: must be at least 1")
    for flag in ("rerank", "nprobe", "ef_search"):
        if args.exact and getattr(args, flag) is not None:
            raise UserError(f"--exact searches no index: leave out --{flag.replace('_', '-')}, or --exact")
    if args.device is not None and args.device.partition(":")[0] not in DEVICES:
        raise UserError(f"--device {args.device}: give {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, or leave it out")
    check_wandb(args)
    if not 0 < args.dedup_threshold <= 1:
        raise UserError(f"--dedup-threshold {args.dedup_threshold}: is a cosine, above 0 and at most 1")
    return sources


def find_template(args) -> Template:
    template = choose_template(args.query_dataset, "--query-dataset", args.template_dir, only=args.classes)
    return only_classes(template, list(template.classes[: args.subset])) if args.subset else template


def find_seed_images(folder: str | None, template: Template) -> dict[str, list[Path]]:
    """Class -> its images in an ImageFolder (FOLDER/CLASS/IMAGE); none for a class that has no folder there.

    Raises:
        UserError: not a folder, or one without an image of any class.
    """
    if folder is None:
        return {name: [] for name in template.classes}
    if not Path(folder).is_dir():
        raise UserError(f"--seed-images {folder} is not a folder: it must hold {folder}/CLASS/IMAGE")
    seeds = {
        name: sorted(file for file in (Path(folder) / class_folder).glob("*") if is_seed(file))
        for name, class_folder in class_folders(template.classes).items()
    }
    lacking = [name for name, files in seeds.items() if not files]
    if len(lacking) == len(seeds):
        raise UserError(f"--seed-images {folder} has no image of any class: it must hold {folder}/CLASS/IMAGE")
    if lacking:
        say(
            f"note: --seed-images has none for {len(lacking):,} classes (first: {lacking[0]}): "
            "only their prompts are searched for"
        )
    return seeds


def is_seed(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES and file.is_file() and not file.name.startswith(".")


def plan_pools(args, sources: list[str]) -> list[PoolFiles]:
    """The pools to search, each with its model and its files."""
    entries = read_indices_file(args.index_info_path, args.index_name)
    if len(entries) > 1 and (args.exact or args.rerank):
        raise UserError("--exact and --rerank have one pool's embeddings: choose the pool with --index-name")
    return [
        PoolFiles(entry, model_name(args, entry), *files_to_search(args, entry, sources), args.exact)
        for entry in entries
    ]


def files_to_search(args, entry: IndexEntry, sources: list[str]) -> tuple[dict, dict]:
    """`searched` and `reranked` of a PoolFiles."""
    if not (args.exact or args.rerank):
        return index_files(entry, sources), {}
    from retrieval.embeddings import NAMES, embedding_paths

    if args.exact:
        return embedding_paths(args.exact, sources, "--exact"), {}
    searched = index_files(entry, sources)
    reranked = embedding_paths(args.rerank, list(searched), "--rerank")
    for source in searched:
        if source not in reranked:
            raise UserError(
                f"--rerank {args.rerank} has no {NAMES[source]} to score {SOURCES[source]}'s hits by: "
                f"add them, or leave that index out (--no-{source.replace('_', '-')})"
            )
    return searched, reranked


def index_files(entry: IndexEntry, sources: list[str]) -> dict[str, list[Path]]:
    return {source: [path] for source, path in index_paths(entry, sources).items()}


def model_name(args, entry: IndexEntry) -> str:
    """The model that embedded the pool. Its name is checked here, its weights are loaded later."""
    name = args.model or entry.clip_model
    if not name:
        raise UserError(
            f"{args.index_info_path}: entry {entry.name!r} has no clip_model: add it, or give --model "
            "(ViT-L/14 for LAION's own embeddings)"
        )
    check_model_name(name)
    return name


def run_settings(args, template: Template, pools: list[PoolFiles], sources: list[str]) -> dict:
    """The manifest's settings: everything that decides the records, except the files themselves."""
    return {
        "version": HITS_VERSION,
        "template": template.name,
        "classes": list(template.classes),
        "prompts": list(template.templates),
        "results_per_query": args.results_per_query,
        "dedup_threshold": args.dedup_threshold,
        "pools": [pool.entry.name for pool in pools],
        "sources": sources,
        "models": {pool.entry.name: pool.model for pool in pools},
        "nprobe": args.nprobe,
        "ef_search": args.ef_search,
        "exact": bool(args.exact),
        "seed_images": bool(args.seed_images),
        "rerank": bool(args.rerank),
        "allow_untagged": args.allow_untagged,
    } | {flag: getattr(args, flag) for flag in ("where", "url_column", "caption_column") if getattr(args, flag)}


# ---- the work ----


def search_pending(args, classes: list[ClassPlan], pools: list[PoolFiles]) -> None:
    """Search the classes that have no hit file yet. The modules that compute are imported here.

    The pools come first: what does not fit is refused in a second, while torch and open_clip take several to import.
    """
    pending = [each for each in classes if not each.hits_file.exists()]
    if not pending:
        return
    from retrieval.semantic.pool_metadata import give_ids_one_type
    from retrieval.semantic.pools import open_pool

    settings = SearchSettings(
        args.results_per_query, args.dedup_threshold, args.nprobe, args.ef_search, args.allow_untagged, args.where,
        column_choice(args),
    )  # fmt: skip
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


def report(output: Path, manifest: Manifest) -> None:
    """Say the published script's statistics (images per class), and how many hits were lost for each reason."""
    for line in class_table(manifest.counts["classes"]):
        say(line)
    summaries = manifest.counts["classes"].values()
    kept = [summary["kept"] for summary in summaries]
    if kept:
        quartiles = statistics.quantiles(kept, n=4, method="inclusive") if len(kept) > 1 else kept * 3
        say(f"Mean number of images per class: {statistics.fmean(kept):,.1f}")
        say("25, 50, 75 percentiles: " + " ".join(f"{value:,.1f}" for value in quartiles))
    total = {name: sum(summary.get(name, 0) for summary in summaries) for name in ("asked", *SEMANTIC_LOSSES)}
    say_always(
        f"{output}: {len(kept):,} classes, {manifest.counts['records']:,} records in {len(manifest.chunks):,} "
        f"chunk files ({losses_line(total)})"
    )


if __name__ == "__main__":
    sys.exit(main())
