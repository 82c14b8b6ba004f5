"""How fast fetched images get their places in an ImageFolder: download_urls_img2dataset.place_images on real files.

In:   --images small JPEGs, made here in img2dataset's layout (00000/000000000.jpg …), in --classes classes.
Out:  images a second placed on one filesystem, and by the same command again, when all are there.

    PYTHONPATH=. python benchmarks/image_folder.py
"""

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

SHARD = 10_000  # images a folder of img2dataset's


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--classes", type=int, default=1_000, help="(default: %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    import download_urls_img2dataset as stage

    with tempfile.TemporaryDirectory() as temporary:
        rounds, dataset = Path(temporary, "rounds"), Path(temporary, "dataset")
        dataset.mkdir()
        plan = make_images(rounds, args.images, args.classes)
        folders = {name: name for _, name, *_ in plan}
        for label in ("placed", "the same again"):
            begin = time.perf_counter()
            with mock.patch.object(stage, "to_place", lambda _: iter(plan)):
                placed = stage.place_images(None, rounds, dataset, folders)
            seconds = time.perf_counter() - begin
            print(
                f"{label}: {placed:,} of {len(plan):,} images in {seconds:.1f} s, {len(plan) / seconds:,.0f} a second"
            )
    return 0


def make_images(rounds: Path, count: int, classes: int) -> list[tuple]:
    """Rows as the plan gives them: key, class, file, and no place where the image is already."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (256, 256), (90, 120, 60)).save(buffer, "JPEG")
    plan = []
    for number in range(count):
        file = f"{number // SHARD:05d}/{number:09d}.jpg"
        (rounds / file).parent.mkdir(parents=True, exist_ok=True)
        (rounds / file).write_bytes(buffer.getvalue())
        plan.append((f"{number:020x}", f"class {number % classes}", file, None, None))
    return plan


if __name__ == "__main__":
    sys.exit(main())
