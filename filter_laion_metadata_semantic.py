"""Select, for each class of a dataset, the rows of a pool whose CLIP embeddings are nearest to the class's prompts.

In:   a template (class names and prompts), and the index folders that `indicies.json` names: text index and / or image
      index (faiss) and the rows' metadata (arrow), as knn_indices_helper/assemble_index_folder.py lays them out.
Out:  OUTPUT_DIR/chunk_x.json, one record a line, and a manifest job_0_of_1.json, written last. A record has the pool's
      row, its class (QUERY), the index (SOURCE), the prompt (MATCHED), the inner product (SCORE), the place among that
      prompt's hits once near-duplicates are removed (RANK, from 0) and the row of the index (ROW).

Each prompt gets what clip-retrieval's KnnService.query(text_input=prompt, modality=…, num_images=K, num_result_ids=K,
deduplicate=True) returns; rows tagged NSFW are dropped; within a class each row is kept once, where it comes first:
prompts in the template's order, for each the text index before the image index, hits by rank. Classes done are kept in
OUTPUT_DIR/.hits, so the same command again does the rest, and one more class asks only for that class.

    python filter_laion_metadata_semantic.py --query-dataset DTD --output-dir outputs/semantic/DTD \\
        --results-per-query 500 --index-info-path indicies.json
    python filter_laion_metadata_semantic.py --query-dataset ImageNet --output-dir outputs/semantic/ImageNet \\
        --classes "tabby cat" tench --no-text-index --index-info-path indicies.json
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
    say_more,
)
from retrieval.files import complete_file, file_fingerprint, settings_fingerprint, writable_folder
from retrieval.index_folder import (
    SOURCES,
    IndexEntry,
    Metadata,
    fingerprints,
    index_paths,
    open_index,
    open_metadata,
    read_indices_file,
)
from retrieval.record_columns import encode_columns, safety_tags, tagged_unsafe
from retrieval.records import (
    Manifest,
    begin_run,
    is_complete,
    write_chunks,
    write_manifest,
)
from retrieval.report import write_when_whole
from retrieval.semantic.knn_search import DEDUP_THRESHOLD, rerank, search, search_exactly, without_near_duplicates
from retrieval.wandb_run import add_wandb_flags, check_wandb, log_manifest
from retrieval_templates import Template, load_template, only_classes, template_from_names, template_names

RESULTS_PER_QUERY = 500  # the published runs' value
# Prompts searched together: enough that an inverted list serves many of them at once, few enough that their hits
# (20 bytes each) stay at 41 MB for 500 results a query.
BLOCK_PROMPTS = 4096
HITS_VERSION = 4  # raise it when the same inputs and settings give other records
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}  # of --seed-images: what PIL reads and people have
# Why a hit that was asked for is no record, in the order in which it is lost.
LOST = {
    "beyond": "more than the index has rows",
    "short": "not found by the index (a larger --nprobe or --ef-search finds more)",
    "near_duplicates": "near-duplicates",
    "nsfw": "NSFW",
    "repeats": "found before by this class",
}
BATCH_SIZE = 256  # prompts a text-tower pass: ViT-L/14 needs about 1 GB for so many


@dataclass(frozen=True)
class Pool:
    """One entry of indicies.json, opened: its indices by source, and the metadata of their rows."""

    entry: IndexEntry
    indices: dict  # source -> faiss index; with --exact, the EmbeddingFiles themselves
    metadata: Metadata
    embeddings: dict  # source -> EmbeddingFiles to score hits by again (--rerank)


@dataclass(frozen=True)
class ClassHits:
    """What one class selects from one pool. Arrays have one value a selected row, in the order of selection."""

    rows: object  # pyarrow Table of the pool's columns
    ids: object  # int64
    sources: object  # index into SOURCES
    prompts: object  # index into the class's prompts
    ranks: object  # among the prompt's hits once near-duplicates are removed
    scores: object  # float32
    counts: dict  # asked, then what became of them: LOST, and kept


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument(
        "-q", "--query-dataset", required=True, metavar="NAME",
        help="a template, or a|b|c, or a file with a class name a line",
    )  # fmt: skip
    parser.add_argument("-o", "--output-dir", required=True, metavar="FOLDER", help="for the chunks and the manifest")
    parser.add_argument(
        "--results-per-query", type=int, default=RESULTS_PER_QUERY, metavar="K",
        help="neighbours asked for a prompt and index (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--index-info-path", default="indicies.json", metavar="FILE", help="default %(default)s")
    parser.add_argument("--index-name", metavar="NAME", help="search this entry of the file only (default: all)")
    parser.add_argument("--no-text-index", action="store_true", help="do not search the captions' embeddings")
    parser.add_argument("--no-image-index", action="store_true", help="do not search the images' embeddings")
    parser.add_argument("--nprobe", type=int, metavar="N", help="inverted lists visited (default: the index's own)")
    parser.add_argument("--ef-search", type=int, metavar="N", help="breadth of a search in an HNSW graph (likewise)")
    parser.add_argument(
        "--dedup-threshold", type=float, default=DEDUP_THRESHOLD, metavar="COSINE",
        help="hits of a prompt nearer to each other than this are one (default %(default)s, clip-retrieval's)",
    )  # fmt: skip
    parser.add_argument(
        "--rerank", metavar="EMBEDDINGS_DIR",
        help="score hits again from the stored embeddings, and compare those for duplicates (PQ scores are rough)",
    )  # fmt: skip
    parser.add_argument(
        "--exact",
        metavar="EMBEDDINGS_DIR",
        help="use no index: compare with every stored embedding (to about 100 M rows), on the device of the model",
    )
    parser.add_argument(
        "--seed-images", metavar="FOLDER", help="an ImageFolder with a few pictures a class, asked beside the prompts"
    )
    parser.add_argument("--template-dir", metavar="DIR", help="a folder of your own templates")
    parser.add_argument("--classes", nargs="+", metavar="CLASS", help="only these classes of the template")
    parser.add_argument("--subset", type=int, metavar="N", help="only the first N classes, for a first look")
    parser.add_argument("--model", help="the model that embedded the pool (default: clip_model of the index info)")
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    parser.add_argument(
        "--batch-size", type=int, default=BATCH_SIZE, help="prompts embedded together (default %(default)s)"
    )
    parser.add_argument(
        "--allow-untagged", action="store_true", help="search a pool without a safety column: nothing is rejected"
    )
    add_array_flags(parser)
    add_talk_flags(parser)
    add_wandb_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    from retrieval.embeddings import NAMES, embedding_paths

    sources = check_flags(args)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    template = choose_template(args)
    entries = read_indices_file(args.index_info_path, args.index_name)
    paths = {entry.name: search_paths(args, entry, sources) for entry in entries}
    again = embedding_paths(args.rerank, list(paths[entries[0].name]), "--rerank") if args.rerank else {}
    if args.rerank and (lacking := paths[entries[0].name].keys() - again.keys()):
        source = lacking.pop()
        raise UserError(
            f"--rerank {args.rerank} has no {NAMES[source]} to score {SOURCES[source]}'s hits by: "
            f"add them, or leave that index out (--no-{source.replace('_', '-')})"
        )
    models = {entry.name: model_name(entry, args) for entry in entries}
    output = writable_folder(args.output_dir, "--output-dir")

    if len(entries) > 1 and (args.exact or args.rerank):
        raise UserError("--exact and --rerank have one pool's embeddings: choose the pool with --index-name")
    seeds = seed_images(args.seed_images, template)
    inputs = {}
    for entry in entries:
        inputs |= fingerprints([*paths[entry.name].values(), *again.values()], entry.folder)
    settings = run_settings(args, template, entries, sources, models)
    classes = array_share(list(template.classes), job_idx, total_jobs)
    hits_files = {name: hits_file(output, name, settings, inputs, seeds[name]) for name in classes}
    inputs |= {str(seed): file_fingerprint(seed) for name in classes for seed in seeds[name]}
    if is_complete(output, job_idx, total_jobs, settings, inputs):
        say_always(f"{output}: job {job_idx} of {total_jobs} is complete already, with these settings and inputs")
        write_when_whole(output, total_jobs, thorough=True)
        return 0
    begin_run(output, job_idx, total_jobs)
    clear_remains(output / ".hits", hits_files)

    pending = [name for name in classes if not hits_files[name].exists()]
    if pending:
        pools, encoders = open_everything(args, entries, paths, again, models)
        say(
            f"{len(classes):,} classes, {len(classes) - len(pending):,} done before; searching {described(pools, args)}"
        )
        with progress(len(pending), "classes", "searching") as more:
            for block in class_blocks({name: len(template.templates) + len(seeds[name]) for name in pending}):
                for line in search_block(block, template, seeds, pools, encoders, models, args, hits_files):
                    say(line)
                    more()

    written = write_chunks(kept_records(hits_files.values()), output, job_idx, total_jobs)
    summaries = {name: read_summary(path) for name, path in hits_files.items()}
    coverage = {"asked": len(classes), "done": len(classes), "missing": {}}
    counts = {"records": sum(written.values()), "classes": summaries}
    manifest = Manifest("semantic", settings, inputs, coverage, counts, written, job_idx, total_jobs)
    write_manifest(output, manifest)
    log_manifest(args, output, manifest)
    write_when_whole(output, total_jobs, thorough=True)
    report(output, summaries, counts["records"], len(written))
    return 0


# ---- before anything is opened ----


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
    check_wandb(args)
    if not 0 < args.dedup_threshold <= 1:
        raise UserError(f"--dedup-threshold {args.dedup_threshold}: is a cosine, above 0 and at most 1")
    return sources


def choose_template(args) -> Template:
    known = args.query_dataset in template_names(args.template_dir)
    if not known and ("|" in args.query_dataset or Path(args.query_dataset).is_file()):
        template = template_from_names(args.query_dataset, "--query-dataset")
    else:
        template = load_template(args.query_dataset, args.template_dir)
    if args.classes:
        template = only_classes(template, args.classes)
    return only_classes(template, list(template.classes[: args.subset])) if args.subset else template


def search_paths(args, entry: IndexEntry, sources: list[str]) -> dict:
    """Source -> what is searched: the index's file, or with --exact the embeddings' files."""
    from retrieval.embeddings import embedding_paths

    return embedding_paths(args.exact, sources, "--exact") if args.exact else index_paths(entry, sources)


def model_name(entry: IndexEntry, args) -> str:
    """The model whose text tower answers to the pool's embeddings; its name is checked, its weights not yet."""
    from retrieval.clip_model import ModelError, check_model_name

    if not (args.model or entry.clip_model):
        raise UserError(
            f"{args.index_info_path}: entry {entry.name!r} has no clip_model: add it, or give --model "
            "(ViT-L/14 for LAION's own embeddings)"
        )
    name = args.model or entry.clip_model
    try:
        check_model_name(name)
    except ModelError as error:
        raise UserError(str(error)) from error
    return name


def run_settings(args, template: Template, entries: list[IndexEntry], sources: list[str], models: dict) -> dict:
    """Everything that decides the records, save the files themselves."""
    return {
        "version": HITS_VERSION,
        "template": template.name,
        "classes": list(template.classes),
        "prompts": list(template.templates),
        "results_per_query": args.results_per_query,
        "dedup_threshold": args.dedup_threshold,
        "pools": [entry.name for entry in entries],
        "sources": sources,
        "models": models,
        "nprobe": args.nprobe,
        "ef_search": args.ef_search,
        "exact": bool(args.exact),
        "seed_images": bool(args.seed_images),
        "rerank": bool(args.rerank),
        "allow_untagged": args.allow_untagged,
    }


def hits_file(output: Path, class_name: str, settings: dict, inputs: dict, seeds: list[Path]) -> Path:
    """Where a class's result is kept; its name changes with whatever would change the result."""
    decides = {name: value for name, value in settings.items() if name not in ("template", "classes")}
    key = hashlib.sha256(class_name.encode()).hexdigest()[:16]
    pictures = {seed.name: file_fingerprint(seed) for seed in seeds}
    return output / ".hits" / f"{key}.{settings_fingerprint([class_name, decides, inputs, pictures])}.jsonl"


def clear_remains(folder: Path, hits_files: dict[str, Path]) -> None:
    """Remove the half-written files that a killed run left of these classes (another job may be writing others)."""
    mine = {path.name.split(".")[0] for path in hits_files.values()}
    for part in folder.glob(".*.part"):
        if part.name.split(".")[1] in mine:
            part.unlink(missing_ok=True)


def seed_images(folder: str | None, template: Template) -> dict[str, list[Path]]:
    """Class -> its pictures in an ImageFolder (FOLDER/class/picture), none for a class that has no folder there.

    Raises:
        UserError: not a folder, or one without a picture of any class.
    """
    if folder is None:
        return {name: [] for name in template.classes}
    seeds = {
        name: sorted(file for file in (Path(folder) / place).glob("*") if file.suffix.lower() in PICTURES)
        for name, place in class_folders(template.classes).items()
    }
    lacking = [name for name, files in seeds.items() if not files]
    if len(lacking) == len(seeds):
        raise UserError(f"--seed-images {folder} has no picture of any class: it wants {folder}/CLASS/PICTURE")
    if lacking:
        say(f"note: --seed-images has none for {len(lacking):,} classes (first: {lacking[0]}): their prompts alone ask")
    return seeds


def class_blocks(prompts: dict[str, int]) -> list[list[str]]:
    """Classes to be searched together, from the number of prompts of each: at most BLOCK_PROMPTS, or one class."""
    blocks, room = [], 0
    for name, count in prompts.items():
        if count > room:
            blocks.append([])
            room = BLOCK_PROMPTS
        blocks[-1].append(name)
        room -= count
    return blocks


# ---- opening ----


def open_everything(args, entries: list[IndexEntry], paths: dict, again: dict, models: dict) -> tuple[list[Pool], dict]:
    """Pools and encoders, loaded side by side (each waits for its own disk), and checked against each other.

    Raises:
        UserError: what a pool lacks, an unknown model, or widths that differ; before any search.
    """
    with ThreadPoolExecutor() as threads:
        loading = {name: threads.submit(load_encoder, name, args.device) for name in set(models.values())}
        opening = [threads.submit(open_pool, args, entry, paths[entry.name], again) for entry in entries]
        pools = [each.result() for each in opening]  # first: what a pool lacks is known long before a model is loaded
        check_widths(args, pools, models)
        return pools, {name: each.result() for name, each in loading.items()}


def check_widths(args, pools: list[Pool], models: dict) -> None:
    """The model's width is in its configuration, so that a mismatch is found without its weights.

    Raises:
        UserError: names the model, the index and both widths.
    """
    from retrieval.clip_model import check_model_name

    for pool in pools:
        model = check_model_name(models[pool.entry.name])
        for source, index in pool.indices.items():
            if index.d != model.width:
                raise UserError(
                    f"{model.name} embeds in {model.width} dimensions and {named(source, args)} of "
                    f"{pool.entry.folder} has {index.d}: name the model that embedded the pool with --model"
                )


def load_encoder(name: str, device: str | None):
    from retrieval.clip_model import ModelError, load_clip

    try:
        return load_clip(name, device)
    except ModelError as error:
        raise UserError(str(error)) from error


def open_pool(args, entry: IndexEntry, paths: dict, again: dict) -> Pool:
    import faiss

    from retrieval.embeddings import open_embeddings

    metadata = open_metadata(entry.folder, args.allow_untagged)
    if args.exact:
        indices = {source: open_embeddings(files) for source, files in paths.items()}
    else:
        indices = {source: open_index(path, entry.memory_mapping) for source, path in paths.items()}
    embeddings = {source: open_embeddings(files) for source, files in again.items()}
    for source, index in [*indices.items(), *embeddings.items()]:
        if index.ntotal != metadata.rows:
            raise UserError(
                f"{entry.folder}: {named(source, args)} holds {index.ntotal:,} vectors and the metadata "
                f"{metadata.rows:,} rows: row i of one must be row i of the other; assemble the folder again"
            )
    for source, index in indices.items():
        if source in embeddings and embeddings[source].d != index.d:
            raise UserError(f"--rerank {args.rerank}: {embeddings[source].d} dimensions, the index has {index.d}")
        for parameter, value in (("nprobe", args.nprobe), ("efSearch", args.ef_search)):
            if value is not None:
                try:
                    faiss.ParameterSpace().set_index_parameter(index, parameter, value)
                except RuntimeError as error:
                    flag = {"nprobe": "--nprobe", "efSearch": "--ef-search"}[parameter]
                    raise UserError(f"{flag}: {SOURCES[source]} of {entry.folder} has no such setting") from error
        if not args.exact:
            check_kind(index, paths[source])
    return Pool(entry, indices, metadata, embeddings)


def check_kind(index, path: Path) -> None:
    """Ask an index one question, as some kinds (fast-scan) find neighbours but cannot give their vectors back.

    Raises:
        UserError: with faiss's reason.
    """
    import numpy as np

    try:
        without_near_duplicates(index, search(index, np.full((1, index.d), index.d**-0.5), 2))
    except RuntimeError as error:
        raise UserError(
            f"{path} is an index whose vectors cannot be had back, so near-duplicates cannot be told "
            f"({str(error).rsplit(':', 1)[-1].strip()}): build it without fast-scan (x4fs)"
        ) from error


def named(source: str, args) -> str:
    """What is searched for a source, as the user knows it."""
    from retrieval.embeddings import NAMES

    return f"{NAMES[source]} in {args.exact}" if args.exact else SOURCES[source]


def described(pools: list[Pool], args) -> str:
    return ", ".join(
        f"{pool.entry.name} ({pool.metadata.rows:,} rows: {' and '.join(named(s, args) for s in pool.indices)})"
        for pool in pools
    )


# ---- searching ----


def search_block(
    block, template: Template, seeds, pools: list[Pool], encoders, models, args, hits_files
) -> Iterator[str]:
    """Ask all prompts of a block of classes together, then select class by class and write each class's records.

    Yields:
        str: a line for each class that is done.
    """
    import faiss
    import numpy as np

    began = time.monotonic()
    asked = [template.prompts(name) + [seed.name for seed in seeds[name]] for name in block]
    ends = np.cumsum([len(texts) for texts in asked]).tolist()
    mine = [slice(end - len(texts), end) for texts, end in zip(asked, ends, strict=True)]
    embedded = {
        model: np.concatenate(
            [embed(encoders[model], template.prompts(name), seeds[name], args.batch_size) for name in block]
        )
        for model in set(models.values())
    }
    embedding_ended = time.monotonic()
    found = []
    for pool in pools:
        model = models[pool.entry.name]
        queries, encoder = embedded[model], encoders[model]
        hits = {
            source: search_exactly(index, queries, args.results_per_query, mine, encoder.device)
            if args.exact
            else search(index, queries, args.results_per_query)
            for source, index in pool.indices.items()
        }
        found.append((pool, queries, hits))

    say_more(
        f"{ends[-1]:,} prompts of {len(block):,} classes: embedded in {embedding_ended - began:.1f} s, "
        f"searched in {time.monotonic() - embedding_ended:.1f} s"
    )

    def select_class(number: int) -> str:
        rows = mine[number]
        selected = [
            select(pool, queries[rows], {source: each.of(rows) for source, each in hits.items()}, args)
            for pool, queries, hits in found
        ]
        name = block[number]
        return class_line(keep_class(hits_files[name], name, asked[number], pools, selected))

    cores = faiss.omp_get_max_threads()  # OMP_NUM_THREADS, else those that this process may use
    with one_thread_each(), ThreadPoolExecutor(cores, initializer=one_faiss_thread) as threads:
        yield from threads.map(select_class, range(len(block)))


def one_thread_each():
    """Classes are selected side by side, so each should keep to one thread."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")


def one_faiss_thread() -> None:
    import faiss

    faiss.omp_set_num_threads(1)  # of the calling thread


def embed(model, prompts: list[str], seeds: list[Path], batch_size: int):
    """float32 (prompts + seeds, width), unit length. One class at a time: what else a batch holds touches the last bits
    of a vector, and a class should get the same hits in any block.

    Raises:
        UserError: a seed that is no picture.
    """
    import numpy as np
    from PIL import Image

    vectors = [model.encode_texts(prompts, batch_size)]
    for seed in seeds:
        try:
            with Image.open(seed) as picture:
                vectors.append(model.encode_images([picture.convert("RGB")]))
        except OSError as error:  # PIL's errors are OSErrors too
            raise UserError(f"--seed-images: {seed} cannot be read as a picture ({error})") from error
    return np.concatenate(vectors)


def select(pool: Pool, queries, by_source: dict, args) -> ClassHits:
    """One class's rows in one pool: near-duplicates out per prompt, NSFW out, then each row once."""
    import numpy as np

    counts = dict.fromkeys(("asked", *LOST, "kept"), 0)
    columns = []
    for source, hits in by_source.items():
        vectors = pool.indices[source]
        if source in pool.embeddings:
            hits, vectors = rerank(vectors, hits, pool.embeddings[source], queries), pool.embeddings[source]
        ids, stays = without_near_duplicates(vectors, hits, args.dedup_threshold)
        prompt, position = np.nonzero(stays)
        rank = np.cumsum(stays, axis=1)[prompt, position] - 1
        number = np.full(len(prompt), list(SOURCES).index(source))
        columns.append((ids[stays], number, prompt, rank, hits.scores[stays]))
        counts["asked"] += ids.size
        beyond = max(0, args.results_per_query - vectors.ntotal) * len(queries)
        counts["beyond"] += beyond
        counts["short"] += int((ids < 0).sum()) - beyond
        counts["near_duplicates"] += int((ids >= 0).sum() - stays.sum())
    ids, number, prompt, rank, scores = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(prompt, kind="stable")  # of each prompt first the text index's hits, as the loop above has them
    ids, *rest = (column[order] for column in (ids, number, prompt, rank, scores))
    distinct, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    table = pool.metadata.fetch(distinct, list(dict.fromkeys(pool.metadata.columns.values())))
    tags = safety_tags(table, pool.metadata.columns)
    unsafe = np.zeros(len(distinct), bool) if tags is None else tagged_unsafe(tags)
    safe = np.flatnonzero(~unsafe)
    safe = safe[np.argsort(first[safe])]
    chosen = first[safe]
    counts["nsfw"] = int(unsafe[inverse].sum())
    counts["kept"] = len(chosen)
    counts["repeats"] = len(ids) - counts["nsfw"] - counts["kept"]
    return ClassHits(table.take(safe), ids[chosen], *(column[chosen] for column in rest), counts)


# ---- keeping and writing ----


def keep_class(path: Path, class_name: str, prompts: list[str], pools: list[Pool], selected: list[ClassHits]) -> dict:
    """Write a class's summary and records, one a line, and return the summary."""
    import numpy as np

    counts = {name: sum(hits.counts[name] for hits in selected) for name in selected[0].counts}
    scores = np.concatenate([hits.scores for hits in selected]).astype(float)
    summary = {"class": class_name, **counts, "score_mean": None, "score_quartiles": None}
    if len(scores):
        summary["score_mean"] = round(float(scores.mean()), 4)
        summary["score_quartiles"] = np.quantile(scores, (0.25, 0.5, 0.75)).round(4).tolist()
    first_found = np.concatenate([hits.prompts for hits in selected])
    summary["new_by_prompt"] = np.bincount(first_found, minlength=len(prompts)).tolist()  # rows no prompt before found
    with complete_file(path) as beside, open(beside, "wb") as file:
        file.write((json.dumps(summary, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
        for pool, hits in zip(pools, selected, strict=True):
            columns = record_columns(hits, pool.metadata.columns, class_name, prompts)
            if len(pools) > 1:
                columns["INDEX_NAME"] = pool.entry.name
            file.write(encode_columns(columns))
    for old in path.parent.glob(f"{path.name.split('.')[0]}.*.jsonl"):
        if old != path:  # the class with other settings or inputs: never read again
            old.unlink()
    return summary


def record_columns(hits: ClassHits, names: dict[str, str], class_name: str, prompts: list[str]) -> dict:
    """The selected rows' fields, as pyarrow arrays or, where they are all the same, one value."""
    import pyarrow as pa

    columns = {ours: hits.rows[theirs].combine_chunks() for ours, theirs in names.items()}
    return columns | {
        "NSFW": safety_tags(hits.rows, names),
        "QUERY": class_name,
        "SOURCE": pa.array(SOURCES).take(pa.array(hits.sources)),
        "MATCHED": pa.array(prompts).take(pa.array(hits.prompts)),
        "SCORE": pa.array(hits.scores),
        "RANK": pa.array(hits.ranks),
        "ROW": pa.array(hits.ids),
    }


def class_line(summary: dict) -> str:
    """A class's count, the mean and quartiles of its scores; then what became of the rest."""
    line = f"{summary['class']}: {summary['kept']:,} rows"
    if summary["kept"]:
        low, middle, high = summary["score_quartiles"]
        line += f", score mean {summary['score_mean']:.4f}, quartiles {low:.4f} {middle:.4f} {high:.4f}"
    return f"{line} ({funnel(summary)})"


def funnel(counts: dict) -> str:
    lost = [f"{counts[name]:,} {words}" for name, words in LOST.items() if counts[name]]
    return f"of {counts['asked']:,} hits asked: " + (", ".join(lost) if lost else "none lost")


def read_summary(path: Path) -> dict:
    with open(path, encoding="utf-8") as file:
        summary = json.loads(file.readline())
    del summary["class"]
    return summary


def kept_records(paths):
    """The encoded records of all classes, as `write_chunks` takes them."""
    for path in paths:
        with open(path, "rb") as file:
            yield file, json.loads(file.readline())["kept"]


def report(output: Path, summaries: dict, records_written: int, chunks: int) -> None:
    """The published script's statistics of the classes' counts, and what became of everything asked for."""
    import numpy as np

    kept = [summary["kept"] for summary in summaries.values()]
    if kept:
        say(f"Mean number of images per class: {np.mean(kept):,.1f}")
        say("25, 50, 75 percentiles: " + " ".join(f"{value:,.1f}" for value in np.percentile(kept, [25, 50, 75])))
    total = {name: sum(summary[name] for summary in summaries.values()) for name in ("asked", *LOST)}
    say_always(
        f"{output}: {len(summaries):,} classes, {records_written:,} records in {chunks:,} chunk files ({funnel(total)})"
    )


if __name__ == "__main__":
    sys.exit(main())
