"""Draw the test set of the demo's probe: 25 close-ups of each of the twenty textures, as an ImageFolder.

In:  nothing; the same bytes each time.
Out: --output/<class>/<number>.jpg

    python demo/make_test_set.py --output outputs/demo/test

No picture of it is in the pool or in the training of the tiny CLIP: each drawing has a seed of its own, from 600,000 on
(the pool's are below 100,000, the training's from 1,000,000 on). Each is a part of a drawing, half of its side to all
of it. Whole drawings would be too easy: the tiny CLIP knows 98 in 100 of them without a training picture.
"""

import argparse
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

EACH = 25  # pictures per class
FIRST_SEED = 600_000
SIDE = 160  # pixels of a drawing; the smallest part has 80, and the tiny CLIP sees 64
SMALLEST = 0.5  # of the side, the smallest part


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="a new folder, or an older one")
    parser.add_argument("--each", type=int, default=EACH, help="pictures per class (default %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="drawing processes (default: one per core)")
    return parser


def main(argv: list[str] | None = None) -> int:
    flags = make_parser().parse_args(argv)
    from draw_textures import CLASSES

    for name in CLASSES:
        shutil.rmtree(flags.output / name, ignore_errors=True)
        (flags.output / name).mkdir(parents=True)
    plan = [(name, number, flags.output) for number in range(flags.each) for name in CLASSES]
    with ProcessPoolExecutor(flags.workers) as workers:
        list(workers.map(draw_close_up, plan, chunksize=25))
    print(f"{len(plan):,} pictures of {len(CLASSES)} classes in {flags.output}")
    return 0


def draw_close_up(task) -> None:
    name, number, folder = task
    import numpy as np
    from draw_textures import draw
    from PIL import Image

    random = np.random.default_rng([FIRST_SEED, number])
    side = round(SIDE * random.uniform(SMALLEST, 1))
    top, left = random.integers(0, SIDE - side + 1, 2)
    pixels = draw(name, FIRST_SEED + number, SIDE, SIDE).pixels[top : top + side, left : left + side]
    Image.fromarray(pixels).save(folder / name / f"{number}.jpg", quality=90)


if __name__ == "__main__":
    sys.exit(main())
