"""Perceptual hashes: numbers that tell which images look the same, and which of many hashes are near one another.

A hash is the 64 signs of an image's lowest frequencies (pHash, Zauner 2010, as `imagehash` computes it). Another size,
JPEG quality or file format changes a few bits. The hashes of two unrelated images differ in about 32 bits.
"""

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import imagehash
import numpy as np
from PIL import Image

from retrieval.download.answer_bytes import looks_like_image
from retrieval.image_files import visible_files
from retrieval.shown_image import FORMATS, shown

DECODED_SIDE = 128  # pixels: libjpeg leaves out finer detail, which a hash of 32 x 32 pixels does not see
BLOCK = 1024  # hashes compared with one another at once: a few megabytes
IMAGES_PER_BATCH = 10_000  # images that wait for the threads


def hash_images(paths: Iterable[Path]) -> Iterator[int | None]:
    """The hash of each image, in order; None for a file that cannot be read. Pillow decodes without Python's lock."""
    paths = iter(paths)
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        while batch := list(itertools.islice(paths, IMAGES_PER_BATCH)):
            yield from threads.map(hash_image, batch)


def hash_image(path: Path) -> int | None:
    try:
        with Image.open(path, formats=FORMATS) as image:
            # Colours are decoded only where a profile changes them: it never does in what the downloader stores.
            image.draft("RGB" if "icc_profile" in image.info else "L", (DECODED_SIDE, DECODED_SIDE))
            signs = imagehash.phash(shown(image)).hash
    except Exception:  # noqa: BLE001  Pillow raises anything for a broken file: RuntimeError of AVIF, MemoryError of TIFF
        return None
    return int.from_bytes(np.packbits(signs).tobytes(), "big")


def images_under(folder: Path) -> list[Path]:
    """The image files in a folder, however deep and also behind links: by their suffix, else by their first bytes."""
    suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}
    paths = (folder / name for name in visible_files(folder, Counter()))
    return sorted(path for path in paths if path.suffix.lower() in suffixes or _begins_like_an_image(path))


def _begins_like_an_image(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return looks_like_image(file.read(16))
    except OSError:  # a link that leads nowhere, or no permission: nothing says that it is one
        return False


def near_an_earlier(hashes: np.ndarray, bits: int) -> np.ndarray:
    """Which hashes are left out if, in order, each that is near a kept one is left out; uint64 (n,) -> bool (n,).

    What is kept of a list's beginning does not depend on what follows.
    """
    left_out = np.ones(len(hashes), bool)
    _, first = np.unique(hashes, return_index=True)  # of equal hashes only the first can be kept
    first.sort()
    kept = _index_of(hashes[:0])
    for start in range(0, len(first), BLOCK):
        block = first[start : start + BLOCK]
        block = block[_nearest(kept, hashes[block]) > bits]
        block = block[~_near_an_earlier_of_the_block(hashes[block], bits)]
        kept.add(_bytes(hashes[block]))
        left_out[block] = False
    return left_out


def _near_an_earlier_of_the_block(hashes: np.ndarray, bits: int) -> np.ndarray:
    starts, _, neighbours = _index_of(hashes).range_search(_bytes(hashes), bits + 1)
    left_out = np.zeros(len(hashes), bool)
    for position in range(len(hashes)):
        if not left_out[position]:
            near = neighbours[starts[position] : starts[position + 1]]
            left_out[near[near > position]] = True
    return left_out


def _index_of(hashes: np.ndarray) -> faiss.IndexBinaryFlat:
    index = faiss.IndexBinaryFlat(64)
    index.add(_bytes(hashes))
    return index


def _nearest(index: faiss.IndexBinaryFlat, hashes: np.ndarray) -> np.ndarray:
    """The distance of each hash to the index's nearest one; more than 64 if the index is empty."""
    return index.search(_bytes(hashes), 1)[0][:, 0]


def _bytes(hashes: np.ndarray) -> np.ndarray:
    """uint64 (n,) -> uint8 (n, 8)."""
    return np.ascontiguousarray(hashes, np.uint64).view(np.uint8).reshape(-1, 8)
