"""The images of --exclude, and which of them another image shows.

Their features are computed once and kept in the work folder, under a fingerprint of the files. 10,000 images take 100
seconds on one core, 0.33 GB on disk and 0.5 GB in memory; each later run takes 10 seconds to make the tables again.
"""

import hashlib
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from retrieval.cli import UserError, progress, say_always
from retrieval.download.lookalikes_features import THUMBNAIL_SIDE, Features, features_of, read_grey, without_borders
from retrieval.download.lookalikes_judge import FEWEST_FEATURES, is_copy
from retrieval.download.lookalikes_votes import VoteTables
from retrieval.download.perceptual_hash import images_under
from retrieval.files import complete_file, settings_fingerprint

RULE = 1  # of what is a copy: with another number, every image is judged again


class ExcludedImages:
    """Views of the images: each as it is and mirrored; with --resize-mode center_crop also both of its square."""

    def __init__(self, features: Path, fingerprint: str):
        """
        Args:
            features: a file that `_write_features` wrote.
            fingerprint: of the images' files, and of the rule.
        """
        self.fingerprint = fingerprint
        with np.load(features) as arrays:
            self.names: list[str] = arrays["names"].tolist()  # of the images
            self.of_view = arrays["of_view"]  # int64 (views,): number of the image
            self.begins = arrays["begins"]  # int64 (views + 1,): first feature of each view
            self.points = arrays["points"]  # float32 (features, 2)
            self.angles = arrays["angles"]  # uint8 (features,)
            self.codes = arrays["codes"]  # uint8 (features, 32)
            self.widths = arrays["widths"]  # int64 (views,)
            self.shapes = arrays["shapes"]  # int64 (views, 2): height and width of the thumbnail
            self.thumbnails = arrays["thumbnails"]  # uint8 (views, THUMBNAIL_SIDE, THUMBNAIL_SIDE): in the first corner
        self.tables = VoteTables(self.codes, self.angles, self.begins)

    def shown_by(self, image: Features) -> str | None:
        """The path of an excluded image that `image` is a copy of, else None."""
        for number in self.tables.candidates(image):
            if is_copy(image, self._view(number)):
                return self.names[self.of_view[number]]
        return None

    def _view(self, number: int) -> Features:
        features = slice(self.begins[number], self.begins[number + 1])
        height, width = self.shapes[number]
        return Features(
            points=self.points[features],
            angles=self.angles[features],
            codes=self.codes[features],
            width=int(self.widths[number]),
            thumbnail=np.ascontiguousarray(self.thumbnails[number, :height, :width]),
        )


def excluded_images(folders: list[Path], resize_mode: str, work: Path) -> ExcludedImages:
    """The images of --exclude. What the work folder has of other images is removed.

    Raises:
        UserError: a folder without images, or with one that cannot be read: copies of it would not be found.
    """
    paths = []
    for folder in folders:
        found = images_under(folder.absolute())
        if not found:
            raise UserError(f"--exclude {folder}: no images in it")
        paths += found
    paths = sorted(set(paths))
    modes = ["no", *({resize_mode} & {"center_crop"})]
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        files = [[str(path), digest] for path, digest in zip(paths, threads.map(_digest, paths), strict=True)]
    fingerprint = settings_fingerprint([RULE, modes, files])
    features = work / f"excluded-{fingerprint}.npz"
    if not features.exists():
        for old in work.glob("excluded-*.npz"):
            old.unlink()
        _write_features(paths, modes, features)
    return ExcludedImages(features, fingerprint)


def _digest(path: Path) -> str | None:
    try:
        with open(path, "rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except OSError:  # `_read` names it
        return None


def _write_features(paths: list[Path], modes: list[str], to: Path) -> None:
    views = _read(paths, modes)
    of_view = [number for number, found in enumerate(views) for _ in found]
    views = [view for found in views for view in found]
    thumbnails = np.zeros((len(views), THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    for thumbnail, view in zip(thumbnails, views, strict=True):
        height, width = view.thumbnail.shape
        thumbnail[:height, :width] = view.thumbnail
    with complete_file(to) as beside, open(beside, "wb") as file:
        np.savez(
            file,
            names=np.array([os.fsencode(path).decode(errors="replace") for path in paths]),
            of_view=np.array(of_view),
            begins=np.cumsum([0, *(len(view.codes) for view in views)]),
            points=np.concatenate([view.points for view in views]),
            angles=np.concatenate([view.angles for view in views]),
            codes=np.concatenate([view.codes for view in views]),
            widths=np.array([view.width for view in views]),
            shapes=np.array([view.thumbnail.shape for view in views]),
            thumbnails=thumbnails,
        )


def _read(paths: list[Path], modes: list[str]) -> list[list[Features]]:
    """The views of each image."""
    cv2.setNumThreads(1)  # each image has a thread of ours
    views = []
    with progress(len(paths), "images", "reading --exclude") as more, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for found in pool.map(_views, paths, itertools.repeat(modes)):
            views.append(found)
            more(1)
    if unread := [path for path, found in zip(paths, views, strict=True) if found is None]:
        raise UserError(
            f"--exclude: {len(unread):,} of {len(paths):,} images cannot be read, so what is like them would be kept "
            f"(first: {unread[0]}): repair them or take them out"
        )
    if plain := [path for path, found in zip(paths, views, strict=True) if len(found[0].codes) < FEWEST_FEATURES]:
        say_always(
            f"warning: --exclude: {len(plain):,} of {len(paths):,} images have too few corners to find copies of them, "
            f"such as those of one plain colour (first: {plain[0]})"
        )
    return views


def _views(path: Path, modes: list[str]) -> list[Features] | None:
    """Two per mode; None if the file cannot be read."""
    found = []
    for mode in modes:
        grey = read_grey(path, mode)
        if grey is None:
            return None
        grey = without_borders(grey)
        found += [features_of(grey), features_of(grey[:, ::-1])]
    return found
