"""Images that the downloader drops for their looks: --near-duplicates and --exclude.

An image that an earlier run placed goes too, if this run would not keep it. Of a class's images that look alike, those
that are placed come first, then the class's list decides. What is known of an image's looks is kept beside the images:
it is read once for its perceptual hash, and once per test set.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from retrieval.cli import progress, say_always
from retrieval.download import plan, plan_hashes
from retrieval.download.lookalikes_excluded import ExcludedImages, excluded_images
from retrieval.download.lookalikes_features import features_of_file
from retrieval.download.perceptual_hash import hash_images, near_an_earlier
from retrieval.files import complete_file

# A run that is killed looks at most at this many images again, about a minute on one core.
IMAGES_PER_SAVE = {plan_hashes.HASHES: 50_000, plan_hashes.LIKENESSES: 5_000}
COPIES_SHOWN = 100  # of the dropped copies of --exclude's images, in report.json


@dataclass(frozen=True)
class LookalikeFilter:
    """Which images are dropped for their looks."""

    near_duplicates: int | None  # of a class's images whose hashes differ in at most this many bits keep one
    excluded: ExcludedImages | None  # that no image may be a copy of


def lookalike_filter(
    near_duplicates: int | None, exclude: list[str], resize_mode: str, work: Path
) -> LookalikeFilter | None:
    """The filter of --near-duplicates (bits) and --exclude (folders); None without either flag."""
    if near_duplicates is None and not exclude:
        return None
    folders = [Path(folder) for folder in exclude]
    return LookalikeFilter(near_duplicates, excluded_images(folders, resize_mode, work) if folders else None)


def forget_lookalikes(database, filter_: LookalikeFilter | None, rounds: Path, dataset: Path) -> list[Path]:
    """Take out of the plan's `placed` what this run would not have kept; the caller removes the files.

    The plan is then made as if they had never been there, so the same command again makes the same one.

    Returns:
        list: the files to remove; none without a filter.
    """
    if filter_ is None:
        return []
    plan_hashes.read_known(database, plan_hashes.HASHES, [path for path in [_saved_hashes(rounds)] if path.exists()])
    if filter_.excluded:
        saved = sorted(_saved_likenesses(rounds, filter_.excluded).glob("part-*.parquet"))
        plan_hashes.read_known(database, plan_hashes.LIKENESSES, saved)
    _look_at(database, filter_, plan_hashes.PLACED, dataset, rounds)
    reasons = _find(database, filter_, plan_hashes.PLACED)
    forgotten = plan_hashes.forget_placed(database, list(reasons))
    return [dataset / folder / f"{key}.jpg" for folder, key in forgotten]


def drop_lookalikes(database, filter_: LookalikeFilter, rounds: Path) -> None:
    """Give the images that came back and are not to be kept their reason in the plan's `outcome`."""
    _look_at(database, filter_, plan_hashes.FETCHED, rounds, rounds)
    plan_hashes.drop_images(database, _find(database, filter_, plan_hashes.PLACED_AND_NEW))


def write_copies(database, filter_: LookalikeFilter | None, to: Path) -> dict:
    """Write a line per dropped copy of an image of --exclude, with that image's path.

    Returns:
        dict: for report.json: the numbers of excluded images, of those with copies, and of copies; and the first
        copies. Empty without --exclude.
    """
    if filter_ is None or filter_.excluded is None:
        to.unlink(missing_ok=True)  # of an earlier run
        return {}
    count, originals, first = 0, set(), []
    with complete_file(to) as beside, open(beside, "w", encoding="utf-8") as file:
        for copy in plan_hashes.dropped_copies(database):
            file.write(json.dumps(copy, ensure_ascii=False) + "\n")
            count += 1
            originals.add(copy["excluded_by"])
            if len(first) < COPIES_SHOWN:
                first.append(copy)
    numbers = {"images": len(filter_.excluded.names), "with_copies": len(originals), "copies": count}
    return {"excluded": numbers | {"first_copies": first}}


# ---- what the images look like ----


def _saved_hashes(rounds: Path) -> Path:
    return rounds / "perceptual_hashes.parquet"


def _saved_likenesses(rounds: Path, excluded: ExcludedImages) -> Path:
    return rounds / f"excluded-{excluded.fingerprint}"


def _look_at(database, filter_: LookalikeFilter, images: str, folder: Path, rounds: Path) -> None:
    """Look at those of the images (SQL, as plan_hashes.PLACED; files in `folder`) whose looks are not known yet."""
    if filter_.near_duplicates is not None:
        for sha256s, files in _unknown(database, images, folder, plan_hashes.HASHES, "hashing"):
            hashes = list(hash_images(files))
            plan_hashes.add_hashes(database, sha256s, hashes)
            with complete_file(_saved_hashes(rounds)) as beside:
                plan_hashes.save_hashes(database, beside)
            _warn_of([file for file, bits in zip(files, hashes, strict=True) if bits is None])
    if filter_.excluded:
        parts = _saved_likenesses(rounds, filter_.excluded)
        for sha256s, files in _unknown(database, images, folder, plan_hashes.LIKENESSES, "comparing"):
            compared = _compare(files, filter_.excluded)
            plan_hashes.add_likenesses(database, sha256s, compared)
            number = 1 + len(list(parts.glob("part-*.parquet")))
            with complete_file(parts / f"part-{number:05d}.parquet") as beside:
                plan_hashes.save_likenesses(database, sha256s, beside)
            _warn_of([file for file, (read, _) in zip(files, compared, strict=True) if not read])


def _unknown(database, images: str, folder: Path, table: str, what: str) -> Iterator[tuple[list[str], list[Path]]]:
    """(sha256s, files) of the images (SQL, as plan_hashes.PLACED) that `table` lacks, which then have to be added.

    An image's sha256 is that of the fetched file. The work folder's settings decide what is stored of it.
    """
    if total := plan_hashes.count_unknown(database, images, table):
        with progress(total, "images", what) as more:
            while rows := plan_hashes.unknown(database, images, table, IMAGES_PER_SAVE[table]):
                sha256s, files = zip(*rows, strict=True)
                yield list(sha256s), [folder / file for file in files]
                more(len(rows))


def _warn_of(unread: list[Path]) -> None:
    if unread:
        say_always(
            f"warning: {len(unread):,} images cannot be read, and so are taken to be like no other (first: {unread[0]})"
        )


def _compare(files: list[Path], excluded: ExcludedImages) -> list[tuple[bool, str | None]]:
    """Of each image whether it can be read, and the path of the excluded image that it is a copy of."""

    def compare(file: Path) -> tuple[bool, str | None]:
        features = features_of_file(file)
        return (False, None) if features is None else (True, excluded.shown_by(features))

    cv2.setNumThreads(1)  # each image has a thread of ours
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return list(threads.map(compare, files))


# ---- what is dropped ----


def _find(database, filter_: LookalikeFilter, images: str) -> dict[str, str]:
    """Key -> drop reason, of the images (SQL, as plan_hashes.PLACED) that are to go; one class in memory at a time."""
    reasons = dict.fromkeys(plan_hashes.keys_of_copies(database, images), plan.EXCLUDED) if filter_.excluded else {}
    if filter_.near_duplicates is not None:
        for keys, bits in plan_hashes.hashes_by_class(database, images):
            rest = [position for position, key in enumerate(keys) if key not in reasons]
            duplicates = near_an_earlier(np.array(bits, np.uint64)[rest], filter_.near_duplicates).nonzero()[0]
            reasons |= {keys[rest[position]]: plan.NEAR_DUPLICATE for position in duplicates}
    return reasons
