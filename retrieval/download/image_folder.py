"""The dataset folder: images in their class folders, one metadata entry per image."""

import contextlib
import errno
import heapq
import itertools
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from retrieval.cli import UserError
from retrieval.download.plan_outcome import TAKEN_BACK
from retrieval.files import complete_file

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


def image_folder(split: str | None, folder: str) -> str:
    """Where an image is in the dataset folder: in its class's folder, with --val-fraction below its split's."""
    return f"{split}/{folder}" if split else folder


def place(source: Path, target: Path) -> bool:
    """Put `source` at `target`, complete or not at all: a hard link, or a copy if the disk differs.

    Returns:
        bool: False if `target` was there already.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
            raise
        if target.exists():
            return False
        with complete_file(target) as beside:
            shutil.copyfile(source, beside)
    return True


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


def used_folders(dataset: Path, folders: Iterable[str], splits: tuple[str, ...] = ()) -> list[str]:
    """The class folders that hold images, in any split: sorted, as torchvision's ImageFolder numbers them."""
    tops = [dataset / split for split in splits] or [dataset]
    return sorted(folder for folder in folders if any(any((top / folder).glob("*.jpg")) for top in tops))


def even_splits(dataset: Path, folders: Iterable[str], splits: tuple[str, ...]) -> list[str]:
    """Make an empty class folder in a split that has no image of a class of the other one.

    Without it torchvision's ImageFolder would number the classes of both splits differently, without a word.

    Returns:
        list: the folders of these classes.
    """
    uneven = []
    for folder in folders:
        if 0 < sum(any((dataset / split / folder).glob("*.jpg")) for split in splits) < len(splits):
            uneven.append(folder)
            for split in splits:
                (dataset / split / folder).mkdir(parents=True, exist_ok=True)
    return sorted(uneven)


# ---- metadata ----

_INTEGERS = ("width", "height", "original_width", "original_height")


def write_metadata(
    dataset: Path, kept: Iterable[dict], placed_before: Iterable[str], folders: dict[str, str], splits: tuple = ()
) -> int:
    """Write metadata.json ({key: entry}) and metadata.jsonl (with `file_name`), one entry in memory at a time.

    Each split has a metadata.jsonl of its own too: `datasets` looks for it there.

    Args:
        kept: this run's entries, each with its `key`, sorted by it.
        placed_before: sorted keys of the earlier metadata's images that are in their folders; they stay.
        folders: class -> its folder.
        splits: with --val-fraction, their folders.

    Returns:
        int: entries written.
    """
    count = 0
    with contextlib.ExitStack() as files:

        def begun(path: Path):
            beside = files.enter_context(complete_file(path))
            return files.enter_context(open(beside, "w", encoding="utf-8", errors="replace"))

        whole_file, lines_file = begun(dataset / "metadata.json"), begun(dataset / "metadata.jsonl")
        file_of_split = {split: begun(dataset / split / "metadata.jsonl") for split in splits}
        whole_file.write("{")
        earlier = _earlier_entries(dataset / "metadata.jsonl", placed_before)
        for key, group in itertools.groupby(heapq.merge(earlier, kept, key=_key), key=_key):
            entry = _united(list(group))
            label, split = folders[entry["QUERY"]], entry.pop("split", None)
            del entry["key"]
            entry = {"label": label} | ({"split": split} if split else {}) | entry
            whole_file.write((",\n" if count else "\n") + f'"{key}": {json.dumps(entry, ensure_ascii=False)}')
            for file, folder in ((lines_file, image_folder(split, label)), (file_of_split.get(split), label)):
                if file:
                    line = {"file_name": f"{folder}/{key}.jpg", "key": key} | entry
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
        whole_file.write("\n}\n")
    return count


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
