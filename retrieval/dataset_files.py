"""The files of a dataset folder: images in class folders, and one metadata entry per image. Standard library only."""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from retrieval.files import complete_file

SPLITS = ("train", "val")  # with --val-fraction: folders above the class folders


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


def write_entries(dataset: Path, entries: Iterable[dict], splits: tuple[str, ...] = ()) -> int:
    """Write metadata.json ({key: entry}) and metadata.jsonl (with `file_name`), one entry in memory at a time.

    Each split has a metadata.jsonl of its own too: `datasets` looks for it there.

    Args:
        entries: sorted by `key`, each with its `label` (the class folder) and, if there are splits, its `split`.
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
        for entry in entries:
            key, label, split = entry.pop("key"), entry.pop("label"), entry.pop("split", None)
            entry = {"label": label} | ({"split": split} if split else {}) | entry
            whole_file.write((",\n" if count else "\n") + f'"{key}": {json.dumps(entry, ensure_ascii=False)}')
            for file, folder in ((lines_file, image_folder(split, label)), (file_of_split.get(split), label)):
                if file:
                    line = {"file_name": f"{folder}/{key}.jpg", "key": key} | entry
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
        whole_file.write("\n}\n")
    return count
