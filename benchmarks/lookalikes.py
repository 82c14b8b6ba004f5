"""Which copies of a test set's images --exclude finds, how many other images it takes for copies, and how fast.

In:   --photos, a folder of images (default: 100 drawn scenes). Half of them become the test set; each gets a copy per
      alteration, as the web alters images. The other half are strangers. The test set is filled up to --test-images
      with negatives of pieces of all of them, which have no features in common with them.
Out:  the share that is found, per alteration; the share of strangers that are taken for copies, with their names;
      images per second of one core, of strangers and of copies; the shares that a perceptual hash finds (at most 4 of
      64 bits differ), as --near-duplicates compares; exit code 1 if one of BARS is missed. Both halves of photographs
      may hold edits of one picture, so look at the strangers that are named. Those of drawn scenes are strangers

    python benchmarks/lookalikes.py
    python benchmarks/lookalikes.py --photos caltech101 --test-images 10000
"""

import argparse
import io
import random
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import _root  # noqa: F401

SCENES = 100
QUALITY = 90  # JPEG, of the copies
BARS = dict.fromkeys(("same", "quality 40", "half", "double", "grey", "watermark", "bright"), 0.99)
BARS |= dict.fromkeys(("border", "letterbox", "mirror", "crop 90", "rotate 3"), 0.95) | {"crop 75": 0.8}
LEAST_RATE = 100  # images per second of one core


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="images (default: drawn scenes)")
    parser.add_argument("--test-images", type=int, default=1_000, help="size of the test set (default %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    images = photos_of(args.photos) if args.photos else {f"scene {seed}": scene(seed) for seed in range(SCENES)}
    names = sorted(images)
    random.Random(0).shuffle(names)
    originals, strangers = names[::2], names[1::2]
    with tempfile.TemporaryDirectory() as temporary:
        excluded, begin = exclude(images, originals, args.test_images, Path(temporary)), time.process_time()
        found, by_hash, seconds, wrong = look(images, originals, strangers, excluded)
    print(f"{len(originals):,} originals in a test set of {len(excluded.names):,}, {len(strangers):,} strangers")
    shares = {kind: sum(hits) / len(hits) for kind, hits in found.items()}
    print(f"{'found by':20} ours   perceptual hash")
    for kind, share in shares.items():
        print(f"{kind:20} {share:.3f}  {sum(by_hash[kind]) / len(by_hash[kind]):.3f}")
    print(*wrong, sep="\n")
    stranger, copy = (len(found[kind]) / seconds[kind] for kind in ("stranger", "same"))
    print(f"images per second of one core: {stranger:.0f} strangers, {copy:.0f} copies")
    missed = [kind for kind, bar in BARS.items() if shares[kind] < bar]
    missed += ["strangers"] * (not args.photos and shares["stranger"] > 0) + ["speed"] * (stranger < LEAST_RATE)
    print(f"missed bars: {', '.join(missed) or 'none'} ({time.process_time() - begin:.0f} s)")
    return 1 if missed else 0


def photos_of(folder: Path) -> dict:
    from PIL import Image

    from retrieval.download.perceptual_hash import images_under

    photos = {}
    for path in images_under(folder):
        with Image.open(path) as image:
            photos[str(path.relative_to(folder))] = image.convert("RGB")
    return photos


def exclude(images: dict, originals: list[str], count: int, work: Path):
    """The excluded images: the originals, each under its name as a number, and pieces of others."""
    from retrieval.download.lookalikes_excluded import excluded_images

    (work / "test").mkdir()
    for number, name in enumerate(originals):
        images[name].save(work / "test" / f"{number:06}.png")
    chance, names = random.Random(1), sorted(images)
    for number in range(len(originals), count):
        negative_piece(images[chance.choice(names)], chance).save(work / "test" / f"{number:06}.jpg", quality=QUALITY)
    return excluded_images([work / "test"], "keep_ratio", work)


def negative_piece(image, chance: random.Random):
    from PIL import ImageOps

    width, height = (round(side * chance.uniform(0.5, 1)) for side in image.size)
    x, y = chance.randint(0, image.width - width), chance.randint(0, image.height - height)
    return ImageOps.invert(image.crop((x, y, x + width, y + height)))


def look(images: dict, originals: list[str], strangers: list[str], excluded) -> tuple[dict, dict, dict, list[str]]:
    """(alteration -> a hit or not per image, the same by hashes, alteration -> CPU seconds, what is wrong)."""
    import cv2
    import numpy as np
    from img2dataset.resizer import Resizer

    from retrieval.download.lookalikes_features import features_of_file
    from retrieval.download.perceptual_hash import hash_image
    from retrieval.download.settings import NEAR_BITS

    cv2.setNumThreads(1)
    resizer = Resizer(256, "keep_ratio", False)
    found, by_hash, seconds, wrong = defaultdict(list), defaultdict(list), defaultdict(float), []
    hashes = np.array([hash_image(Path(name)) for name in excluded.names[: len(originals)]], np.uint64)
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder, "stored.jpg")
        for name in [*originals, *strangers]:
            copies = alterations(images[name]) if name in originals else {"stranger": (images[name], QUALITY)}
            for kind, (copy, quality) in copies.items():
                file = io.BytesIO()
                copy.save(file, "JPEG", quality=quality)
                stored.write_bytes(resizer(file)[0])
                begin = time.process_time()
                like = excluded.shown_by(features_of_file(stored))
                seconds[kind] += time.process_time() - begin
                bits = np.unpackbits((hashes ^ np.uint64(hash_image(stored))).view(np.uint8).reshape(-1, 8), axis=1)
                by_hash[kind].append(bits.sum(axis=1).min() <= NEAR_BITS)
                number = len(originals) if like is None else int(Path(like).stem)
                original = originals[number] if number < len(originals) else "a piece of another" if like else None
                found[kind].append(original is not None if kind == "stranger" else original == name)
                if original not in (None, name):
                    wrong.append(f"    {name} ({kind}) is taken for {original}")
    return found, by_hash, seconds, wrong


def alterations(image) -> dict:
    """Alteration -> (image, JPEG quality). The last six have no bar."""
    from PIL import Image, ImageDraw, ImageOps

    width, height = image.size

    def piece(share: float, left: float = 0.5, top: float = 0.5):
        x, y = round(width * (1 - share) * left), round(height * (1 - share) * top)
        return image.crop((x, y, x + round(width * share), y + round(height * share)))

    marked = image.copy()
    ImageDraw.Draw(marked).text((width * 0.2, height * 0.5), "(c) www.example.com sample", fill="white")
    squared = ImageOps.pad(image, (max(image.size),) * 2, color="white")
    changed = {
        "same": image,
        "quality 40": image,
        "half": image.resize((max(8, width // 2), max(8, height // 2))),
        "double": image.resize((width * 2, height * 2)),
        "grey": ImageOps.grayscale(image).convert("RGB"),
        "watermark": marked,
        "bright": Image.eval(image, lambda value: min(255, round(value * 1.25 + 10))),
        "border": ImageOps.expand(image, max(8, width // 12), "white"),
        "letterbox": squared,
        "mirror": ImageOps.mirror(image),
        "crop 90": piece(0.9),
        "rotate 3": image.rotate(3, fillcolor="white"),
        "crop 75": piece(0.75),
        "corner 80": piece(0.8, 0, 1),
        "corner 65": piece(0.65, 1, 0),
        "crop 75, mirror": ImageOps.mirror(piece(0.75)),
        "rotate 10": image.rotate(10),
        "upside down": image.rotate(180),
        "square": image.resize((256, 256)),
    }
    return {kind: (copy, 40 if kind == "quality 40" else QUALITY) for kind, copy in changed.items()}


def scene(seed: int, size: tuple[int, int] = (320, 240)):
    """A drawn picture with some of a photograph's properties: soft light, things in front of things, grain."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFilter

    luck = np.random.default_rng(seed)
    width, height = size

    def colour() -> tuple:
        return tuple(luck.integers(20, 236, 3).tolist())

    image = Image.fromarray(luck.integers(60, 200, (4, 5, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(luck.integers(25, 50)):
        x, y = luck.uniform(0, width), luck.uniform(0, height)
        corners = luck.integers(3, 9)
        turns = np.sort(luck.uniform(0, 2 * np.pi, corners))
        radii = luck.uniform(0.3, 1, corners) * luck.exponential(height / 12) + 6
        shape = [(x + r * np.cos(turn), y + r * np.sin(turn)) for r, turn in zip(radii, turns, strict=True)]
        draw.polygon(shape, fill=colour(), outline=colour())
    light = Image.fromarray(luck.integers(120, 256, (3, 4), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), np.float32) * (np.asarray(light)[..., None] / 255)
    return Image.fromarray((pixels + luck.normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    sys.exit(main())
