"""The flags of the semantic filter, and what they alone can get wrong. Standard library only."""

from pathlib import Path

from retrieval.cli import UserError, add_array_flags, add_talk_flags
from retrieval.clip_names import PRECISIONS
from retrieval.columns import add_column_flags, add_list_flag
from retrieval.index_folder import SOURCES
from retrieval.run_folder import add_overwrite_flag
from retrieval.semantic.plan import DEDUP_THRESHOLD
from retrieval.semantic.prompt_names import add_name_flags, check_name_flags
from retrieval.wandb_run import add_wandb_flags, check_wandb

RESULTS_PER_QUERY = 500  # the published runs' value
BATCH_SIZE = 256  # prompts per pass of the text tower: ViT-L/14 needs about 1 GB for them
NEGATIVE_WEIGHT = 0.5
INDEX_INFO = "indicies.json"
DEVICES = ("cpu", "cuda", "mps", "xpu")  # torch's names
OF_AN_INDEX = ("index_info_path", "index_name", "exact", "rerank", "nprobe", "ef_search")
OF_A_POOL = ("features", "text_features", "image_features", "columns")


def add_flags(parser) -> None:
    parser.add_argument(
        "-q", "--query", "--query-dataset", dest="query_dataset", required=True, metavar="NAMES",
        help="a template's name, a|b|c, or a file with one class name per line",
    )  # fmt: skip
    parser.add_argument("-o", "--output", "--output-dir", dest="output_dir", required=True, metavar="FOLDER",
                        help="folder for the chunks and the manifest")  # fmt: skip
    _add_pool_flags(parser.add_argument_group("the pool: its own files, or an index of it"))
    _add_query_flags(parser.add_argument_group("the classes, and how they are asked for"))
    _add_hit_flags(parser.add_argument_group("which hits"))
    _add_index_flags(parser.add_argument_group("with an index"))
    _add_model_flags(parser.add_argument_group("the model"))
    add_overwrite_flag(parser)
    add_array_flags(parser)
    add_talk_flags(parser)
    add_wandb_flags(parser)


def _add_pool_flags(group) -> None:
    group.add_argument(
        "--pool", nargs="+", metavar="SHARD",
        help="search the pool's own files, without any index: paths, quoted globs, hf:// or https:// addresses",
    )  # fmt: skip
    group.add_argument(
        "--features",
        metavar="FOLDER",
        help="with --pool: where the shards' npz or npy files are (default: beside them)",
    )
    group.add_argument(
        "--text-features", metavar="KEY",
        help="with --pool: the member of an npz, or the column, with the captions' embeddings (default: DataComp's)",
    )  # fmt: skip
    group.add_argument("--image-features", metavar="KEY", help="the same of the images' embeddings")
    add_column_flags(group)
    add_list_flag(group)
    group.add_argument(
        "--index-info-path", metavar="FILE",
        help="instead of --pool: names the index folders; or the folder that holds it, or an index folder itself "
        f"(default {INDEX_INFO}, if it is here)",
    )  # fmt: skip
    group.add_argument("--index-name", metavar="NAME", help="search only this entry of the file (default: all)")
    group.add_argument("--no-text-index", action="store_true", help="do not search the captions' embeddings")
    group.add_argument("--no-image-index", action="store_true", help="do not search the images' embeddings")


def _add_query_flags(group) -> None:
    group.add_argument("--template-dir", metavar="FOLDER", help="a folder with your own templates")
    group.add_argument("--classes", nargs="+", metavar="CLASS", help="only these classes of the template")
    group.add_argument("--subset", type=int, metavar="N", help="only the first N classes, for a quick try")
    group.add_argument(
        "--prompt-ensemble", action="store_true",
        help="one query per class, the mean of its prompts' embeddings, as CLIP's zero-shot classifier has it",
    )  # fmt: skip
    add_name_flags(group)
    group.add_argument(
        "--seed-images", metavar="FOLDER",
        help="an ImageFolder with a few images per class, which are searched for like prompts",
    )  # fmt: skip
    group.add_argument(
        "--negative", metavar="PROMPT",
        help='what is not wanted, as "a drawing of {}": each query is moved away from its embedding',
    )  # fmt: skip
    group.add_argument(
        "--negative-weight", type=float, default=NEGATIVE_WEIGHT, metavar="W",
        help="query - W x negative, of length 1 again (default %(default)s)",
    )  # fmt: skip


def _add_hit_flags(group) -> None:
    group.add_argument(
        "--results-per-query", type=int, default=RESULTS_PER_QUERY, metavar="K",
        help="nearest neighbours per prompt and index (default %(default)s)",
    )  # fmt: skip
    group.add_argument("--min-score", type=float, metavar="COSINE", help="drop hits below this inner product")
    group.add_argument(
        "--where", metavar="SQL",
        help="keep only hits whose row fulfils this DuckDB expression over the pool's own columns (of an index folder: "
        "its metadata's); --results-per-query counts hits before it",
    )  # fmt: skip
    group.add_argument(
        "--allow-untagged", action="store_true",
        help="search a pool without a safety column, where no row can be rejected as NSFW",
    )  # fmt: skip
    group.add_argument(
        "--dedup-threshold", type=float, default=DEDUP_THRESHOLD, metavar="COSINE",
        help="hits of one prompt are near-duplicates above this cosine (default %(default)s, clip-retrieval's)",
    )  # fmt: skip


def _add_index_flags(group) -> None:
    group.add_argument(
        "--exact", metavar="EMBEDDINGS_DIR",
        help="use no index: compare with every stored embedding, on the model's device (up to about 100 M rows)",
    )  # fmt: skip
    group.add_argument(
        "--rerank", metavar="EMBEDDINGS_DIR",
        help="score the hits again with the stored embeddings, and find near-duplicates with them: "
        "scores of compressed indices (PQ) are rough",
    )  # fmt: skip
    group.add_argument(
        "--nprobe", type=int, metavar="N", help="inverted lists visited per prompt (default: as stored in the index)"
    )
    group.add_argument(
        "--ef-search", type=int, metavar="N", help="search breadth in an HNSW graph (default: as stored in the index)"
    )


def _add_model_flags(group) -> None:
    group.add_argument(
        "--model", help="the model that embedded the pool (default: clip_model of the index info; with --pool ViT-L/14)"
    )
    group.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    group.add_argument(
        "--batch-size",
        type=int,
        default=BATCH_SIZE,
        help="prompts, or captions, embedded together (default %(default)s)",
    )
    group.add_argument(
        "--precision", choices=PRECISIONS, default="fp32",
        help="with --pool: of the model that embeds captions of shards without features (default %(default)s)",
    )  # fmt: skip


# ---- what is wrong ----


def check_flags(args) -> list[str]:
    """The sources to search, in order, after everything that the flags alone can get wrong.

    Raises:
        UserError: names the flag and the way out.
    """
    sources = [name for name in SOURCES if not getattr(args, f"no_{name}")]
    if not sources:
        raise UserError("--no-text-index and --no-image-index together leave nothing to search: drop one")
    for flag in ("results_per_query", "nprobe", "ef_search", "subset", "batch_size"):
        value = getattr(args, flag)
        if value is not None and value < 1:
            raise UserError(f"--{flag.replace('_', '-')} {value}: must be at least 1")
    _refuse_around_pool(args)
    _refuse_queries(args)
    for flag in ("rerank", "nprobe", "ef_search"):
        if args.exact and getattr(args, flag) is not None:
            raise UserError(f"--exact searches no index: leave out --{flag.replace('_', '-')}, or --exact")
    if args.device is not None and args.device.partition(":")[0] not in DEVICES:
        raise UserError(f"--device {args.device}: give {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, or leave it out")
    check_name_flags(args)
    check_wandb(args)
    if not 0 < args.dedup_threshold <= 1:
        raise UserError(f"--dedup-threshold {args.dedup_threshold}: is a cosine, above 0 and at most 1")
    return sources


def _refuse_around_pool(args) -> None:
    """Neither a pool nor an index; flags of an index with --pool, and flags of shards without it."""
    if not args.pool and args.index_info_path is None and not Path(INDEX_INFO).exists():
        raise UserError("give --pool SHARD… (the pool's own files), or --index-info-path FILE (of an index folder)")
    for flag in OF_AN_INDEX:
        if args.pool and getattr(args, flag) is not None:
            raise UserError(f"--pool searches no index: leave out --{flag.replace('_', '-')}, or --pool")
    for flag in OF_A_POOL:
        if not args.pool and getattr(args, flag) is not None:
            raise UserError(f"--{flag.replace('_', '-')} is about shards: give them with --pool")
    if args.precision != "fp32" and not args.pool:
        raise UserError("--precision is of captions that are embedded now: give their shards with --pool")
    if args.features and not Path(args.features).is_dir():
        raise UserError(f"--features {args.features} is not a folder: it is where the shards' npz or npy files are")


def _refuse_queries(args) -> None:
    """Values of --negative and its weight, and of --min-score, that no query can have."""
    if args.negative is not None and not args.negative.strip():
        raise UserError('--negative is empty: give a prompt, such as "a drawing of {}"')
    if not 0 < args.negative_weight <= 2:
        raise UserError(f"--negative-weight {args.negative_weight}: must be above 0 and at most 2")
    if args.min_score is not None and not -1 <= args.min_score <= 1:
        raise UserError(f"--min-score {args.min_score}: is an inner product of unit vectors, from -1 to 1")
