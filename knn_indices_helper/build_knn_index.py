"""Build a kNN index of a folder of embeddings: planned first, checked afterwards, in parts if need be.

In:  --embeddings, a folder with text_embed_0000.npy … or img_emb_0000.npy … (float16 or float32, unit rows). Row i of
     the files, one after the other in the order of the shards they were made from (the .json beside each; else of
     their own numbers), is id i of the index.
Out: --index-path, and --index-infos-path with what was built and its recall@10 against exact search.

The plan is printed before anything is read: kind of index, bytes, rows to train on, whether it fits this machine. The
kind is the one that autofaiss would choose. Every row is read and checked first (unit, no NaN). The rows to train on
are spread over all files. Then nprobe or efSearch is set to the least that finds nearly all that can be found.

    python knn_indices_helper/build_knn_index.py --embeddings text_embeddings --index-path my_index_folder/knn.index --index-infos-path my_index_folder/index_infos.json
    python knn_indices_helper/build_knn_index.py --embeddings img_emb --index-path parts/knn.index --index-key OPQ256_768,IVF131072_HNSW32,PQ256x8 --parts 55

With --parts, or in an array job (--total-jobs, SLURM), one index is trained (--train-only, once, before the array), and
each part of the rows is added to a copy of it: knn.index00, knn.index01 … Each part is built once, whichever job does
it. merge_knn_indices.py makes them one index that is served from disk.
"""  # noqa: E501 - commands as they are typed

import re
import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import (
    UserError,
    add_array_flags,
    array_place,
    array_share,
    at_least,
    command,
    parse_flags,
    parser_for,
    say,
)
from retrieval.files import refuse_shared_paths, writable_file


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of .npy files")
    parser.add_argument("--pattern", default="*.npy", help="which files of the folder (default: %(default)s)")
    parser.add_argument("--index-path", type=Path, required=True, help="the index to write: my_index_folder/knn.index")
    parser.add_argument("--index-infos-path", type=Path, help="(default: index_infos.json beside the index)")
    parser.add_argument("--metric-type", choices=("ip",), default="ip", help="inner product, which is what is searched")
    parser.add_argument("--index-key", help="faiss's name of the kind of index (default: what suits the size)")
    parser.add_argument("--memory-mapped", action="store_true", help="choose among kinds that can be served from disk")
    parser.add_argument("--max-index-memory-usage", metavar="SIZE", help="as 16G (default: from the machine)")
    parser.add_argument("--current-memory-available", metavar="SIZE", help="as 32G (default: from the machine)")
    parser.add_argument("--recall-queries", type=at_least(0), help="rows to measure recall@10 with; 0 leaves it out")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the sample for recall (default: %(default)s)")
    parser.add_argument("--parts", type=int, help="build one trained index in this many parts (default: --total-jobs)")
    parser.add_argument("--train-only", action="store_true", help="with parts: train, and add nothing yet")
    parser.add_argument("--plan-only", action="store_true", help="print the plan and stop")
    add_array_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    parts = args.parts or (total_jobs if total_jobs > 1 or args.train_only else None)
    if (args.parts or 1) < 1 or (parts and parts < total_jobs):
        raise UserError(f"--parts {args.parts}: at least 1, and at least the number of jobs ({total_jobs})")
    infos_path = args.index_infos_path or args.index_path.with_name("index_infos.json")
    refuse_shared_paths([("--index-path", args.index_path), ("--index-infos-path", infos_path)])
    memory = memory_bytes(args.current_memory_available, "--current-memory-available")
    index_memory = memory_bytes(args.max_index_memory_usage, "--max-index-memory-usage")

    from retrieval.embeddings import open_matching
    from retrieval.indexing import index_build, index_plan

    embeddings = open_matching(args.embeddings, args.pattern, "--embeddings")
    disk_of = None if args.plan_only else args.index_path
    plan = index_plan.make_plan(
        index_plan.IndexRequest(args.index_key, parts, args.memory_mapped, index_memory, memory, disk_of), embeddings
    )
    for line in plan.lines:
        say(line)
    if plan.refusal:
        raise UserError(plan.refusal)
    if args.plan_only:
        return 0
    writable_file(args.index_path, "--index-path")
    if parts is None:
        writable_file(infos_path, "--index-infos-path")
        sample = index_build.RecallSample(args.recall_queries, args.seed)
        index_build.build_whole(embeddings, plan, args.index_path, infos_path, sample)
        return 0

    trained = index_build.trained_index(embeddings, plan, args.index_path)
    if not index_build.is_done(trained.path, trained.fingerprint):
        if total_jobs > 1 and not args.train_only:
            raise UserError(f"{trained.path} is not there, or was trained otherwise: run this command once with "
                            "--train-only, outside the array, and then the array")  # fmt: skip
        index_build.train(embeddings, plan, trained)
    if args.train_only:
        say(f"{trained.path}: trained on {plan.training_rows:,} rows; now run the same command without --train-only")
        return 0
    share = array_share(range(parts), job_idx, total_jobs)
    built = sum(index_build.build_part(embeddings, plan, args.index_path, trained, part) for part in share)
    say(f"{len(share):,} of {parts:,} parts are this job's: {len(share) - built:,} were there, {built:,} built; "
        f"when all are: merge_knn_indices.py --parts {args.index_path.parent}")  # fmt: skip
    return 0


def memory_bytes(size: str | None, flag: str) -> int | None:
    """16G -> 17179869184."""
    if size is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)i?B?", size, re.IGNORECASE)
    if not match or float(match[1]) == 0:
        raise UserError(f"{flag} {size} is no size: write it as 16G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


if __name__ == "__main__":
    sys.exit(main())
