"""Images that the downloader drops for their looks: --near-duplicates and --exclude.

An image that an earlier run placed goes too, if this run would not keep it. Of a class's images that look alike, those
that are placed come first, then the class's list decides.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.cli import UserError, progress, say_always
from retrieval.download import plan, plan_hashes
from retrieval.download.perceptual_hash import hash_images, images_under, near_an_earlier, near_any
from retrieval.download.settings import NEAR_BITS
from retrieval.files import complete_file

# Saved this often; a run that is killed hashes at most this many images again, about a minute on one core.
IMAGES_PER_SAVE = 50_000


@dataclass(frozen=True)
class LookalikeFilter:
    """Which images are dropped for their looks."""

    bits: int  # images whose hashes differ in at most this many bits are alike
    near_duplicates: bool  # of alike images of a class keep one
    excluded: np.ndarray  # uint64 (n,), hashes of the images that no image may be like


def lookalike_filter(near_duplicates: int | None, exclude: list[str], resize_mode: str) -> LookalikeFilter | None:
    """The filter of --near-duplicates (bits) and --exclude (folders); None without either flag."""
    if near_duplicates is None and not exclude:
        return None
    return LookalikeFilter(
        bits=NEAR_BITS if near_duplicates is None else near_duplicates,
        near_duplicates=near_duplicates is not None,
        excluded=hash_excluded([Path(folder) for folder in exclude], resize_mode),
    )


def hash_excluded(folders: list[Path], resize_mode: str) -> np.ndarray:
    """uint64 hashes of all images in the folders, as they are, and as the downloader stores them if it changes shapes.

    Raises:
        UserError: a folder without images, or with one that cannot be read: what is like it would not be found.
    """
    paths = []
    for folder in folders:
        found = images_under(folder)
        if not found:
            raise UserError(f"--exclude {folder}: no images in it")
        paths += found
    hashes, unread = [], set()
    modes = ["no", *({resize_mode} & {"border", "center_crop"})]
    with progress(len(paths) * len(modes), "images", "hashing --exclude") as more:
        for mode in modes:
            for path, bits in zip(paths, hash_images(paths, mode), strict=True):
                if bits is None:
                    unread.add(path)
                else:
                    hashes.append(bits)
                more(1)
    if unread:
        raise UserError(
            f"--exclude: {len(unread):,} of {len(paths):,} images cannot be read, so what is like them would be kept "
            f"(first: {min(unread)}): repair them or take them out"
        )
    return np.unique(np.array(hashes, np.uint64))


def forget_lookalikes(database, filter_: LookalikeFilter | None, rounds: Path, dataset: Path) -> list[Path]:
    """Take out of the plan's `placed` what this run would not have kept; the caller removes the files.

    The plan is then made as if they had never been there, so the same command again makes the same one.

    Returns:
        list: the files to remove; none without a filter.
    """
    if filter_ is None:
        return []
    plan_hashes.read_hashes(database, _saved_hashes(rounds))
    _hash_images_of(database, plan_hashes.PLACED, dataset, rounds)
    reasons = _find(database, filter_, plan_hashes.PLACED)
    forgotten = plan_hashes.forget_placed(database, list(reasons))
    return [dataset / folder / f"{key}.jpg" for folder, key in forgotten]


def drop_lookalikes(database, filter_: LookalikeFilter, rounds: Path) -> None:
    """Give the images that came back and are not to be kept their reason in the plan's `outcome`."""
    _hash_images_of(database, plan_hashes.FETCHED, rounds, rounds)
    plan_hashes.drop_images(database, _find(database, filter_, plan_hashes.PLACED_AND_NEW))


def _saved_hashes(rounds: Path) -> Path:
    return rounds / "perceptual_hashes.parquet"


def _hash_images_of(database, images: str, folder: Path, rounds: Path) -> None:
    """Hash those of the images (SQL, as plan_hashes.PLACED; files in `folder`) that have no hash, and save all hashes.

    An image's sha256 is that of the fetched file. The work folder's settings decide what is stored of it.
    """
    total = plan_hashes.count_unhashed(database, images)
    if not total:
        return
    rounds.mkdir(parents=True, exist_ok=True)
    with progress(total, "images", "hashing") as more:
        while rows := plan_hashes.unhashed(database, images, IMAGES_PER_SAVE):
            sha256s, files = zip(*rows, strict=True)
            hashes = list(hash_images(folder / file for file in files))
            if unread := [file for file, bits in zip(files, hashes, strict=True) if bits is None]:
                say_always(
                    f"warning: {len(unread):,} images cannot be read, and so are taken to be like no other "
                    f"(first: {folder / unread[0]})"
                )
            plan_hashes.add_hashes(database, list(sha256s), hashes)
            with complete_file(_saved_hashes(rounds)) as beside:
                plan_hashes.save_hashes(database, beside)
            more(len(rows))


def _find(database, filter_: LookalikeFilter, images: str) -> dict[str, str]:
    """Key -> drop reason, of the images (SQL, as plan_hashes.PLACED) that are to go; one class in memory at a time."""
    reasons = {}
    for keys, bits in plan_hashes.hashes_by_class(database, images):
        hashes = np.array(bits, np.uint64)
        excluded = near_any(hashes, filter_.excluded, filter_.bits)
        reasons |= {keys[position]: plan.EXCLUDED for position in excluded.nonzero()[0]}
        if filter_.near_duplicates:
            rest = (~excluded).nonzero()[0]
            duplicates = rest[near_an_earlier(hashes[rest], filter_.bits)]
            reasons |= {keys[position]: plan.NEAR_DUPLICATE for position in duplicates}
    return reasons
