"""How fast fetched images are put into an ImageFolder: retrieval/download/image_folder.py's place_images on real files.

In:   nothing: --images small JPEGs of --classes classes are made here, in img2dataset's layout (00000/000000000.jpg …)
Out:  images per second, placed on one filesystem, and again when all are there

    python benchmarks/image_folder.py
    python benchmarks/image_folder.py --images 10000 --classes 100
"""

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

import _root  # noqa: F401

SHARD_IMAGES = 10_000  # per folder of img2dataset


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000, help="images to place (default %(default)s)")
    parser.add_argument("--classes", type=int, default=1_000, help="their classes (default %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    from retrieval.download.image_folder import place_images

    with tempfile.TemporaryDirectory() as temporary:
        rounds, dataset = Path(temporary, "rounds"), Path(temporary, "dataset")
        dataset.mkdir()
        images = make_images(rounds, args.images, args.classes)
        folders = {name: name for _, name, *_ in images}
        for label in ("placed", "the same again"):
            begin = time.perf_counter()
            placed = place_images(images, rounds, dataset, folders)
            seconds = time.perf_counter() - begin
            rate = len(images) / seconds
            print(f"{label}: {placed:,} of {len(images):,} images in {seconds:.1f} s, {rate:,.0f} per second")
    return 0


def make_images(rounds: Path, count: int, classes: int) -> list[tuple]:
    """Make the files; rows as the plan gives them: key, class, file, and no image that is placed already."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (256, 256), (90, 120, 60)).save(buffer, "JPEG")
    images = []
    for number in range(count):
        file = f"{number // SHARD_IMAGES:05d}/{number:09d}.jpg"
        (rounds / file).parent.mkdir(parents=True, exist_ok=True)
        (rounds / file).write_bytes(buffer.getvalue())
        images.append((f"{number:020x}", f"class {number % classes}", None, file, None, None))
    return images


if __name__ == "__main__":
    sys.exit(main())
