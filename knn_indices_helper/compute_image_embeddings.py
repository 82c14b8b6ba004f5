"""Embed images with CLIP's image tower: the first step towards an image index of one's own.

In, one of: an ImageFolder (--images FOLDER with images in class folders; its metadata.jsonl is used if there is one);
webdataset tars (--images FOLDER with 00000.tar …, as img2dataset writes them); parquets (--metadata PARQUET) whose
--image-column holds each image's path below --images, or the image itself (Hugging Face's, img2dataset's parquets).
Out: img_emb_0000.npy …, float16 (rows, width), unit rows, and metadata_0000.parquet … with the same rows in order,
without the images' bytes.

Images are embedded as a browser shows them: turned by EXIF, on white, the first frame. An image that is missing, is
not an image, is cut short or is a decompression bomb is left out of both files, and counted by reason. A JSON file
that cannot be read costs its image's fields only. Hidden files (._x, .ipynb_checkpoints) are no data. A tar that is
cut short is embedded up to the cut, and named; the exit code is then 1. A tar, a parquet or 10,000 images of a folder
are one unit; stopped at any moment, the same command does the others.

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
    parser.add_argument("--images", type=Path,
                        help="folder of images, or of tars; with --metadata, where its paths begin (default: beside "
                             "it)")  # fmt: skip
    parser.add_argument("--metadata", type=Path, help="parquet, or folder of them, that names images or holds them")
    parser.add_argument("--image-column",
                        help="with --metadata: paths, bytes, or structs of bytes and path (default: image_path, else "
                             "image, jpg …)")  # fmt: skip
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

    from retrieval.indexing.image_units import ImageSource, fingerprint_units, is_done, plan_units, read_state
    from retrieval.indexing.other_inputs import say_replaced, say_strays

    source = ImageSource(args.images or args.metadata.parent, args.metadata, args.image_column, args.batch_size)
    plan = plan_units(source, args.output_embeddings_dir, args.output_metadata_dir)
    say_strays("img_emb_*.npy", (unit.embeddings.name for unit in plan.units), args.output_embeddings_dir)
    units = array_share(plan.units, job_idx, total_jobs)
    lost = {unit.name: plan.lost[unit.name] for unit in units if unit.name in plan.lost}
    readable = [unit for unit in units if unit.name not in lost]
    fingerprints, unreadable = fingerprint_units(readable, source, model_source, args.precision)
    lost |= unreadable
    todo = [unit for unit in units if unit.name in fingerprints and not is_done(unit, fingerprints[unit.name])]
    say(f"job {job_idx} of {total_jobs}: {len(units):,} units, {len(units) - len(todo) - len(lost):,} are done already")
    if todo:  # torch takes seconds to import: a finished run answers without it
        say_replaced([(read_state(unit), unit.made_from(args.model)) for unit in todo], args.output_embeddings_dir)
        from retrieval.indexing.image_embedding import embed_units, load_model

        model = load_model(args.model, args.device, args.precision)
        lost |= embed_units(model, todo, fingerprints, source, args.workers)
    return report(units, lost, plan.left_out)


def check(args) -> None:
    """Refuse what can be refused before anything is opened."""
    for flag, value in (("--batch-size", args.batch_size), ("--workers", args.workers)):
        if value < 1:
            raise UserError(f"{flag} {value}: give at least 1")
    if args.images is None and args.metadata is None:
        raise UserError("give --images FOLDER, or --metadata PARQUET that holds images")
    if args.images and not args.images.is_dir():
        raise UserError(f"--images {args.images} is no folder")
    if args.metadata and not args.metadata.exists():
        raise UserError(f"--metadata {args.metadata} is not there")


def report(units: list, lost: dict[str, str], left_out: Counter) -> int:
    """The line that reconciles: every image is embedded, or dropped for a reason; every unit is done, or named."""
    from retrieval.indexing.image_units import read_state

    for reason in lost.values():
        say(f"not embedded: {reason}")
    states = {unit: read_state(unit) for unit in units if unit.name not in lost}
    damaged = [(unit, state["damage"]) for unit, state in states.items() if state.get("damage")]
    for unit, damage in damaged:
        say(f"cut short or damaged: {unit.source} ({damage}): {unit.embeddings.name} holds what could be read")
    earlier = sum("source" not in state for state in states.values())
    if earlier:
        say(f"{earlier:,} units were embedded by an earlier version, without rotation by EXIF and images whose names "
            "in a tar hold dots: remove their img_emb_*.json to embed them again")  # fmt: skip
    say(summary(len(units), len(lost), list(states.values()), left_out))
    return 1 if lost or damaged else 0


def summary(units: int, lost: int, states: list[dict], left_out: Counter) -> str:
    dropped, left_out = Counter(), Counter(left_out)
    for state in states:
        dropped.update(state["dropped"])
        left_out["hidden"] += state.get("hidden", 0)
        left_out["sidecars or lines that are no JSON objects"] += state.get("unread_sidecars", 0)
    reasons = "".join(f", {count:,} {reason}" for reason, count in sorted(dropped.items()))
    others = ", ".join(f"{count:,} {reason}" for reason, count in sorted(left_out.items()) if count)
    damaged = sum(bool(state.get("damage")) for state in states)
    # "pictures asked": scripts that run this one read the number before these two words.
    return (
        f"{units:,} units asked, {len(states):,} done{f' ({damaged:,} of them cut short)' if damaged else ''}, "
        f"{lost:,} unreadable; {sum(state['asked'] for state in states):,} pictures asked, "
        f"{sum(state['rows'] for state in states):,} embedded{reasons}" + (f"; left out: {others}" if others else "")
    )


if __name__ == "__main__":
    sys.exit(main())
