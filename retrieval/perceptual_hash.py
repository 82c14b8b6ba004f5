"""Images that look the same: perceptual hashes, and which of many hashes are near one another.

A hash is the 64 signs of an image's lowest frequencies (pHash, Zauner 2010, as `imagehash` has it). Another size, JPEG
quality or file format changes a few of its bits; of two pictures that have nothing in common about 32 differ.
"""

import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Of 28 photographs, JPEG at quality 30, half the size, grey or more brightness changed 0 to 4 bits of 25 or more, and
# cropping 2 % off each side 2 to 18 bits. No two of the 1,353 textures that `make demo` draws are as near as 4.
NEAR_BITS = 4
MOST_BITS = 16  # half of what differs between unrelated pictures; beyond it a class shrinks to a few images
DECODED_SIDE = 128  # pixels: libjpeg leaves out what is finer, which a hash of 32 x 32 pixels does not see
BLOCK = 1024  # images: their distances to one another are a few megabytes
HASHED_AT_ONCE = 10_000  # images that wait for the threads


def hash_images(paths: Iterable[Path]) -> Iterator[int | None]:
    """The hash of each image, in order, None for what cannot be read; Pillow decodes outside of Python's lock."""
    paths = iter(paths)
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        while some := list(itertools.islice(paths, HASHED_AT_ONCE)):
            yield from threads.map(hash_image, some)


def hash_image(path: Path) -> int | None:
    import imagehash
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.draft("L", (DECODED_SIDE, DECODED_SIDE))
            if image.has_transparency_data:  # shown on white, as img2dataset stores it
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            signs = imagehash.phash(image).hash
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow says of a broken file
        return None
    return int.from_bytes(np.packbits(signs).tobytes(), "big")


def images_under(folder: Path) -> list[Path]:
    """The files in a folder, however deep, whose names end as images' do."""
    from PIL import Image

    suffixes = Image.registered_extensions()
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())


def near_any(hashes, others, bits: int):
    """Which hashes differ in at most `bits` bits from any of `others`; uint64 (n,), uint64 (m,) -> bool (n,)."""
    return _nearest(_index_of(others), hashes) <= bits


def near_an_earlier(hashes, bits: int):
    """Which hashes are left out when, in their order, each that is near one kept before is; uint64 (n,) -> bool (n,).

    What is kept of a list's beginning does not depend on what follows.
    """
    import numpy as np

    leaves = np.ones(len(hashes), bool)
    _, first = np.unique(hashes, return_index=True)  # of equal hashes only the first can be kept
    first.sort()
    kept = _index_of(hashes[:0])
    for start in range(0, len(first), BLOCK):
        block = first[start : start + BLOCK]
        block = block[_nearest(kept, hashes[block]) > bits]
        near = _index_of(hashes[block])
        limits, _, neighbours = near.range_search(_bytes(hashes[block]), bits + 1)
        left_out = np.zeros(len(block), bool)
        for one in range(len(block)):
            if not left_out[one]:
                found = neighbours[limits[one] : limits[one + 1]]
                left_out[found[found > one]] = True
        kept.add(_bytes(hashes[block[~left_out]]))
        leaves[block[~left_out]] = False
    return leaves


def _index_of(hashes):
    import faiss

    index = faiss.IndexBinaryFlat(64)
    index.add(_bytes(hashes))
    return index


def _nearest(index, hashes):
    """The distance of each hash to the nearest one of the index; more than 64 where it is empty."""
    return index.search(_bytes(hashes), 1)[0][:, 0]


def _bytes(hashes):
    import numpy as np

    return np.ascontiguousarray(hashes, np.uint64).view(np.uint8).reshape(-1, 8)
