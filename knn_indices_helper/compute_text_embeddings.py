"""Embed the captions of metadata shards with CLIP's text tower: the first step towards a text index.

In:  --input-parquet-dir, a folder of parquet shards with a caption column: metadata_0000.parquet … Where it has none,
     its lists (csv, tsv, jsonl, json, plain or packed), Arrow files and webdataset tars. Or an address of such a folder
     or of its shards but for tars, which are read where they lie.
Out: --output-embeddings-dir with text_embed_0000.npy …, float16 (rows, width), unit rows, row i for row i; beside each
     a text_embed_0000.json that says what it was made from. Where the shards' names are no series of numbers
     (DataComp's, several splits), a file has its shard's whole name: text_embed_train-00000-of-00002.npy.

A null or empty caption gets the embedding of the empty string, and is counted. Memory holds a few groups of captions,
whatever the size of the shard. Stopped at any moment, the same command goes on at the group that it had reached.

    python knn_indices_helper/compute_text_embeddings.py --input-parquet-dir metadata --output-embeddings-dir text_emb
    python knn_indices_helper/compute_text_embeddings.py --input-parquet-dir pool --output-embeddings-dir text_emb \\
        --model open_clip:ViT-B-32/laion2b_s34b_b79k --precision bf16 --job-idx 0 --total-jobs 4
    python knn_indices_helper/compute_text_embeddings.py --output-embeddings-dir text_emb \\
        --input-parquet-dir 'hf://datasets/mlfoundations/datacomp_small/*.parquet'
"""

import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import (
    UserError,
    add_array_flags,
    array_place,
    array_share,
    command,
    parse_flags,
    parser_for,
    say,
)
from retrieval.clip_names import DEFAULT_MODEL, PRECISIONS, check_model_name
from retrieval.columns import add_column_flags, add_list_flag, column_choice
from retrieval.files import writable_folder
from retrieval.remote_address import is_address
from retrieval.remote_traffic import bytes_moved

BATCH_SIZE = 256  # captions; 4 % of a sorted group's tokens are padding then. A GPU wants 1,024 (19 %) to be busy


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--input-parquet-dir", required=True,
                        help="folder of shards (*.parquet, else *.csv …), or an address: "
                        "hf:// https:// s3:// gs://")  # fmt: skip
    parser.add_argument("--output-embeddings-dir", required=True, type=Path, help="folder for text_embed_*.npy")
    add_column_flags(parser, with_url=False)
    add_list_flag(parser)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="as indicies.json names it (default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="(default: %(default)s)")
    parser.add_argument(
        "--batch-size", type=int, default=BATCH_SIZE, help="captions per batch (default: %(default)s; on a GPU 1024)"
    )
    parser.add_argument("--device", help="cuda, cuda:1, cpu … (default: cuda where there is one)")
    add_array_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    if args.batch_size < 1:
        raise UserError(f"--batch-size {args.batch_size}: give at least 1")
    is_remote = is_address(args.input_parquet_dir)
    if not is_remote and not Path(args.input_parquet_dir).is_dir():
        raise UserError(f"--input-parquet-dir {args.input_parquet_dir} is no folder")
    source = check_model_name(args.model)
    output = writable_folder(args.output_embeddings_dir, "--output-embeddings-dir")

    from retrieval.indexing.caption_shards import (
        EmbeddingSettings,
        Unreadable,
        check_space,
        earlier_names,
        find_shards,
        plan_all,
        read_state,
    )
    from retrieval.indexing.other_inputs import say_replaced, say_strays

    settings = EmbeddingSettings(source, args.precision, args.batch_size)
    asked = column_choice(args)
    names = find_shards(args.input_parquet_dir, output)
    shards = array_share(names, job_idx, total_jobs)
    planned = plan_all({shard: output / names[shard] for shard in shards}, asked, settings)
    unread = [work for work in planned if isinstance(work, Unreadable)]
    works = [work for work in planned if not isinstance(work, Unreadable)]
    if unread and not works and all(bad.no_captions for bad in unread):
        raise UserError(f"{unread[0].shard}: {unread[0].reason}")
    say_strays("text_embed_*.npy", {*names.values()}.union(*map(earlier_names, names)), output)
    for note in works[0].notes if works else ():
        say(f"note: {note}")
    todo = [work for work in works if not work.done]
    check_space(todo, output)
    say(
        f"job {job_idx} of {total_jobs}: {len(shards):,} shards, {sum(work.rows for work in works):,} captions; "
        f"{len(works) - len(todo):,} shards are done already"
    )
    if todo:  # torch takes seconds to import: a finished run answers without it
        say_replaced([(read_state(work), work.made_from) for work in todo], output)
        from retrieval.indexing.text_embedding import embed_shards, load_model

        model = load_model(args.model, args.device, args.precision, todo[0])
        unread += embed_shards(model, todo, args.batch_size)
    return report(works, unread, output)


def report(works: list, unread: list, output: Path) -> int:
    """The line that reconciles: every shard is done, or named."""
    from retrieval.indexing.caption_shards import resume
    from retrieval.remote_shards import LISTING, forget

    for bad in unread:
        say(f"not embedded: {bad.shard}: {bad.reason}")
        if bad.has_changed:
            forget(output / LISTING, bad.shard)
    done = [work for work in map(resume, works) if work.done]
    say(
        f"{len(done) + len(unread):,} shards asked, {len(done):,} done, {len(unread):,} unreadable; "
        f"{sum(work.rows for work in done):,} captions embedded, {sum(work.empty for work in done):,} of them null or "
        f"empty{bytes_moved([each.shard for each in [*works, *unread]])}"
    )
    return 1 if unread else 0


if __name__ == "__main__":
    sys.exit(main())
