"""The dataset folder: images in their class folders, one metadata entry per image."""

import contextlib
import errno
import heapq
import itertools
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from retrieval.cli import UserError
from retrieval.dataset_files import image_folder, place, write_entries
from retrieval.download.plan_outcome import TAKEN_BACK

# ---- placing ----


def place_images(images: Iterable[tuple], rounds: Path, dataset: Path, folders: dict[str, str]) -> int:
    """Put every image into its class's folder. A URL of several classes is on disk once.

    Args:
        images: as plan_outcome.images_to_place gives them.
        rounds: the folder that an image's file is in.
        folders: class -> its folder.

    Returns:
        int: images that were not there before.

    Raises:
        UserError: the disk is full.
    """
    placed = 0
    made_folders, last_source, last_target = set(), None, None
    try:
        for key, name, split, file, placed_folder, placed_key in images:
            folder = dataset / image_folder(split, folders[name])
            if folder not in made_folders:
                folder.mkdir(parents=True, exist_ok=True)
                made_folders.add(folder)
            source = dataset / placed_folder / f"{placed_key}.jpg" if placed_folder else rounds / file
            target = folder / f"{key}.jpg"
            # From the second class on, link to the first one's image: the work folder may be on another disk.
            placed += place(last_target if source == last_source else source, target)
            last_source, last_target = source, target
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise UserError("the disk of --dataset-output is full: make room; the same command goes on") from error
        raise
    return placed


# ---- removing ----


def take_back(images: Iterable[tuple], rounds: Path, dataset: Path) -> tuple[list[str], list[Path]]:
    """Keep a copy in the work folder of images that leave and of which nothing else is left.

    Args:
        images: as plan_outcome.leaving gives them.

    Returns:
        (keys, files): the images that are now at <rounds>/taken_back/<key>.jpg; all files to remove.
    """
    keys, files, last = [], [], None
    for key, folder, url_hash, file in images:
        files.append(dataset / folder / f"{key}.jpg")
        if url_hash is None or url_hash == last or (file and (rounds / file).exists()):
            continue
        (rounds / TAKEN_BACK).mkdir(parents=True, exist_ok=True)
        place(files[-1], rounds / TAKEN_BACK / f"{key}.jpg")
        keys.append(key)
        last = url_hash
    return keys, files


def remove(files: Iterable[Path]) -> None:
    """Remove images, and folders that are empty then, which ImageFolder refuses."""
    for path in files:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty
            path.parent.rmdir()


# ---- metadata ----

_INTEGERS = ("width", "height", "original_width", "original_height")


def write_metadata(
    dataset: Path, kept: Iterable[dict], placed_before: Iterable[str], folders: dict[str, str], splits: tuple = ()
) -> int:
    """Write the metadata of the dataset folder, one entry in memory at a time.

    Args:
        kept: this run's entries, each with its `key`, sorted by it.
        placed_before: sorted keys of the earlier metadata's images that are in their folders; they stay.
        folders: class -> its folder.
        splits: with --val-fraction, their folders.

    Returns:
        int: entries written.
    """
    earlier = _earlier_entries(dataset / "metadata.jsonl", placed_before)
    groups = itertools.groupby(heapq.merge(earlier, kept, key=_key), key=_key)
    entries = (_united(list(group)) for _, group in groups)
    return write_entries(dataset, ({"label": folders[entry["QUERY"]]} | entry for entry in entries), splits)


def _earlier_entries(jsonl: Path, placed_before: Iterable[str]) -> Iterator[dict]:
    keys = iter(placed_before)
    key = next(keys, None)
    if key is None:
        return
    with open(jsonl, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["key"] == key:
                yield _typed(entry)
                key = next(keys, None)


def _key(entry: dict) -> str:
    return entry["key"]


def _typed(entry: dict) -> dict:
    """An entry of an earlier run with the fields and types of plan_outcome's: older versions mixed them.

    Loaders that read metadata.jsonl into columns, as load_dataset("imagefolder"), want one type per field.
    """
    sources = entry.get("sources") or []
    return {
        **{name: _text(entry.get(name)) for name in ("key", "split", "QUERY", "caption", "url", "sha256")},
        "similarity": _number(entry.get("similarity"), float),
        **{name: _number(entry.get(name), int) for name in _INTEGERS},
        **{name: _text(entry.get(name)) for name in ("SAMPLE_ID", "NSFW")},
        "punsafe": _number(entry.get("punsafe"), float),
        "LICENSE": _text(entry.get("LICENSE")),
        "also_asked_by": [str(name) for name in entry.get("also_asked_by") or []],
        "sources": [
            {
                "SOURCE": _text(source.get("SOURCE")),
                "MATCHED": _text(source.get("MATCHED")),
                "SCORE": _number(source.get("SCORE"), float),
                "RANK": _number(source.get("RANK"), int),
                "ROW": _text(source.get("ROW")),
            }
            for source in sources
        ],
    }


def _text(value) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value, kind: type) -> float | int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return kind(number) if math.isfinite(number) else None


def _united(entries: list[dict]) -> dict:
    """An image that an earlier run placed and this one asks for too has the sources of both, each once."""
    united = entries[0]
    for other in entries[1:]:
        sources = {tuple(source.values()): source for source in united["sources"] + other["sources"]}
        united["sources"] = list(sources.values())
        united["also_asked_by"] = sorted({*united["also_asked_by"], *other["also_asked_by"]})
    return united
