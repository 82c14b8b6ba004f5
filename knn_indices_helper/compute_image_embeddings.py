"""Embed images with CLIP's image tower: the first step towards an image index of one's own.

In, one of: an ImageFolder (--images FOLDER with images in class folders; its metadata.jsonl is used if there is one);
img2dataset's webdataset tars (--images FOLDER with 00000.tar …); images beside metadata parquets (--images FOLDER
--metadata PARQUET, whose --image-column holds each image's path below FOLDER).
Out: img_emb_0000.npy …, float16 (rows, width), unit rows, and metadata_0000.parquet … with the same rows in order.

An image that is missing, is not an image, is cut short or is a decompression bomb is left out of both, and counted by
reason. A tar, a parquet or 10,000 images of a folder are one unit; stopped at any moment, the same command does the
others.

    python knn_indices_helper/compute_image_embeddings.py --images dataset \\
        --output-embeddings-dir img_emb --output-metadata-dir metadata
    python knn_indices_helper/compute_image_embeddings.py --images images --metadata pool.parquet \\
        --model ViT-B/32 --output-embeddings-dir img_emb --output-metadata-dir metadata

clip-retrieval's `clip_inference` is not used: it reads no metadata parquet, does not count what it drops, fails where
all images of a batch are broken, and begins again when it is stopped.
"""

import os
import sys
from collections import Counter
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
from retrieval.files import writable_folder

BATCH_SIZE = 64  # images: 20 MB of pixels at 224 × 224; a GPU gains little above 256


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--images", required=True, type=Path, help="folder of images, or of *.tar")
    parser.add_argument("--metadata", type=Path, help="parquet, or folder of them, that names images in --images")
    parser.add_argument("--image-column", default="image_path", help="with --metadata (default: %(default)s)")
    parser.add_argument("--output-embeddings-dir", required=True, type=Path, help="folder for img_emb_*.npy")
    parser.add_argument("--output-metadata-dir", required=True, type=Path, help="folder for metadata_*.parquet")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="as indicies.json names it (default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="(default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="images per batch (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="decoding threads (default: one per core)")
    parser.add_argument("--device", help="cuda, cuda:1, cpu … (default: cuda where there is one)")
    add_array_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    check(args)
    model_source = check_model_name(args.model)
    writable_folder(args.output_embeddings_dir, "--output-embeddings-dir")
    writable_folder(args.output_metadata_dir, "--output-metadata-dir")

    from retrieval.indexing.image_units import ImageSource, fingerprint_units, is_done, plan_units

    source = ImageSource(args.images, args.metadata, args.image_column, args.batch_size)
    planned = plan_units(source, args.output_embeddings_dir, args.output_metadata_dir)
    units = array_share(planned, job_idx, total_jobs)
    fingerprints, lost = fingerprint_units(units, source, model_source, args.precision)
    todo = [unit for unit in units if unit.name in fingerprints and not is_done(unit, fingerprints[unit.name])]
    say(f"job {job_idx} of {total_jobs}: {len(units):,} units, {len(units) - len(todo) - len(lost):,} are done already")
    if todo:  # torch takes seconds to import: a finished run answers without it
        from retrieval.indexing.image_embedding import embed_units, load_model

        model = load_model(args.model, args.device, args.precision)
        lost |= embed_units(model, todo, fingerprints, source, args.workers)
    return report(units, lost)


def check(args) -> None:
    """Refuse what can be refused before anything is opened."""
    for flag, value in (("--batch-size", args.batch_size), ("--workers", args.workers)):
        if value < 1:
            raise UserError(f"{flag} {value}: give at least 1")
    if not args.images.is_dir():
        raise UserError(f"--images {args.images} is no folder")
    if args.metadata and not args.metadata.exists():
        raise UserError(f"--metadata {args.metadata} is not there")


def report(units: list, lost: dict[str, str]) -> int:
    """The line that reconciles: every image is embedded, or dropped for a reason; every unit is done, or named."""
    from retrieval.indexing.image_units import read_state

    for reason in lost.values():
        say(f"not embedded: {reason}")
    states = [read_state(unit) for unit in units if unit.name not in lost]
    dropped = sum((Counter(state["dropped"]) for state in states), Counter())
    reasons = "".join(f", {count:,} {reason}" for reason, count in sorted(dropped.items()))
    say(
        f"{len(units):,} units asked, {len(states):,} done, {len(lost):,} unreadable; "
        f"{sum(state['asked'] for state in states):,} images asked, "
        f"{sum(state['rows'] for state in states):,} embedded{reasons}"
    )
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
