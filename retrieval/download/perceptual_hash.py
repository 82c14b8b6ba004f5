"""Images that look the same: perceptual hashes, and which of many hashes are near one another.

A hash is the 64 signs of an image's lowest frequencies (pHash, Zauner 2010, as `imagehash` has it). Another size, JPEG
quality or file format changes a few of its bits; of two pictures that have nothing in common about 32 differ.
"""

import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError, progress, say_always
from retrieval.files import complete_file

# Of 28 photographs, JPEG at quality 30, half the size, grey or more brightness changed 0 to 4 bits of 25 or more, and
# cropping 2 % off each side 2 to 18 bits. No two of the 1,353 textures that `make demo` draws are as near as 4.
NEAR_BITS = 4
MOST_BITS = 16  # half of what differs between unrelated pictures; beyond it a class shrinks to a few images
DECODED_SIDE = 128  # pixels: libjpeg leaves out what is finer, which a hash of 32 x 32 pixels does not see
BLOCK = 1024  # images: their distances to one another are a few megabytes
HASHED_AT_ONCE = 10_000  # images that wait for the threads
SAVED_AT_ONCE = 50_000  # images; a run that is killed hashes so many again, about a minute on one core

NEAR_DUPLICATE = "near-duplicate in its class"
EXCLUDED = "like an image of --exclude"


def hash_images(paths: Iterable[Path], resize_mode: str = "no") -> Iterator[int | None]:
    """The hash of each image, in order, None for what cannot be read; Pillow decodes outside of Python's lock.

    Args:
        resize_mode: img2dataset's; hash the image as that would store it, cropped or padded to a square.
    """
    paths = iter(paths)
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        while some := list(itertools.islice(paths, HASHED_AT_ONCE)):
            yield from threads.map(hash_image, some, itertools.repeat(resize_mode))


def hash_image(path: Path, resize_mode: str = "no") -> int | None:
    import imagehash
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            image.draft("L", (DECODED_SIDE, DECODED_SIDE))
            if image.has_transparency_data:  # shown on white, as img2dataset stores it
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            if resize_mode == "center_crop":
                image = ImageOps.fit(image.convert("L"), (DECODED_SIDE, DECODED_SIDE))
            elif resize_mode == "border":
                image = ImageOps.pad(image.convert("L"), (DECODED_SIDE, DECODED_SIDE), color=255)
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


# ---- what the downloader drops ----


@dataclass(frozen=True)
class Looks:
    """Which images the downloader drops for what they look like."""

    bits: int  # images whose hashes differ in no more bits are alike
    near_duplicates: bool  # of alike images of a class keep one
    excluded: object  # uint64 (n,), hashes of the images that no image may be like


def hash_excluded(folders: list[Path], resize_mode: str):
    """uint64 hashes of all images in the folders, as they are, and as the downloader stores them if it changes shapes.

    Raises:
        UserError: a folder without images, or with one that cannot be read: what is like it would not be found.
    """
    import numpy as np

    paths = []
    for folder in folders:
        found = images_under(folder)
        if not found:
            raise UserError(f"--exclude {folder}: no images in it")
        paths += found
    hashes, unread = [], []
    modes = ["no", *({resize_mode} & {"border", "center_crop"})]
    with progress(len(paths) * len(modes), "images", "hashing --exclude") as more:
        for mode in modes:
            for path, number in zip(paths, hash_images(paths, mode), strict=True):
                (unread if number is None else hashes).append(path if number is None else number)
                more(1)
    if unread := sorted(set(unread)):
        raise UserError(
            f"--exclude: {len(unread):,} of {len(paths):,} images cannot be read, so what is like them would be kept "
            f"(first: {unread[0]}): repair them or take them out"
        )
    return np.unique(np.array(hashes, np.uint64))


def forget_lookalikes(database, looks: Looks, rounds: Path, dataset: Path) -> list[Path]:
    """Take out of the plan's `placed` what this run would not have kept, and give the files, for the caller to remove.

    The plan is then made as if they had never been there: so the same command again makes the same one.
    """
    database.execute("CREATE TABLE hashes (sha256 VARCHAR, bits UBIGINT)")
    if (saved := rounds / "perceptual_hashes.parquet").exists():
        database.execute("INSERT INTO hashes FROM read_parquet(?)", [str(saved)])
    _hash_unseen(database, rounds, dataset, "SELECT sha256, folder || '/' || key || '.jpg' AS file FROM placed")
    gone = dict(_find(database, looks, "SELECT class, key, sha256, false AS new, 0 AS place FROM placed"))
    files = database.execute("SELECT folder, key FROM placed WHERE key IN (SELECT unnest(?::VARCHAR[]))", [list(gone)])
    removed = [dataset / folder / f"{key}.jpg" for folder, key in files.fetchall()]
    database.execute("DELETE FROM placed WHERE key IN (SELECT unnest(?::VARCHAR[]))", [list(gone)])
    return removed


def drop_lookalikes(database, looks: Looks, rounds: Path) -> None:
    """Give what came back and is not to be kept its reason in the plan's `outcome`."""
    _hash_unseen(
        database, rounds, rounds,
        "SELECT sha256, file FROM outcome WHERE reason IS NULL AND NOT here AND placed_key IS NULL",
    )  # fmt: skip
    gone = dict(
        _find(
            database,
            looks,
            "SELECT class, key, sha256, false AS new, 0 AS place FROM placed UNION ALL SELECT outcome.class, "
            "outcome.key, coalesce(there.sha256, outcome.sha256), true, outcome.place FROM outcome "
            "LEFT JOIN placed AS there ON there.key = placed_key WHERE reason IS NULL AND NOT here",
        )
    )
    database.execute(
        "UPDATE outcome SET reason = gone.reason FROM "
        "(SELECT unnest(?::VARCHAR[]) AS key, unnest(?::VARCHAR[]) AS reason) AS gone WHERE gone.key = outcome.key",
        [list(gone), list(gone.values())],
    )


def _hash_unseen(database, rounds: Path, folder: Path, images: str) -> None:
    """Hash those of the images (SQL of sha256 and file in `folder`) that have no hash yet, and save all hashes.

    An image's sha256 is that of what was fetched; the work folder's settings decide what is stored of it.
    """
    unseen = f"FROM ({images}) WHERE sha256 NOT IN (SELECT sha256 FROM hashes)"
    total = database.execute(f"SELECT count(DISTINCT sha256) {unseen}").fetchone()[0]
    if not total:
        return
    with progress(total, "images", "hashing") as more:
        while rows := database.execute(
            f"SELECT sha256, min(file) {unseen} GROUP BY sha256 LIMIT {SAVED_AT_ONCE}"
        ).fetchall():
            names, files = zip(*rows, strict=True)
            found = list(hash_images(folder / file for file in files))
            if unread := [file for file, bits in zip(files, found, strict=True) if bits is None]:
                say_always(
                    f"warning: {len(unread):,} images cannot be read, and so are taken to be like no other "
                    f"(first: {folder / unread[0]})"
                )
            database.execute(
                "INSERT INTO hashes SELECT unnest(?::VARCHAR[]), unnest(?::UBIGINT[])", [list(names), found]
            )
            rounds.mkdir(parents=True, exist_ok=True)
            with complete_file(rounds / "perceptual_hashes.parquet") as beside:
                database.execute(
                    "COPY (FROM hashes WHERE bits IS NOT NULL) "
                    f"TO '{str(beside).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
                )
            more(len(rows))


def _find(database, looks: Looks, candidates: str) -> Iterator[tuple[str, str]]:
    """(key, reason) of what goes among the candidates (SQL of class, key, sha256, new, place); a class in memory."""
    import numpy as np

    cursor = database.cursor().execute(
        f"SELECT class, key, bits FROM ({candidates}) JOIN hashes USING (sha256) WHERE bits IS NOT NULL "
        "ORDER BY class, new, place, key"
    )
    listed = itertools.chain.from_iterable(iter(lambda: cursor.fetchmany(SAVED_AT_ONCE), []))
    for _, rows in itertools.groupby(listed, key=lambda row: row[0]):
        _, keys, bits = zip(*rows, strict=True)
        bits = np.array(bits, np.uint64)
        excluded = near_any(bits, looks.excluded, looks.bits)
        yield from ((keys[place], EXCLUDED) for place in excluded.nonzero()[0])
        if looks.near_duplicates:
            rest = (~excluded).nonzero()[0]
            yield from ((keys[place], NEAR_DUPLICATE) for place in rest[near_an_earlier(bits[rest], looks.bits)])
