"""A finished dataset: which images it holds, and the order of its classes. Standard library only."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from retrieval.class_folders import OUR_FILES
from retrieval.cli import UserError, say
from retrieval.dataset_files import SPLITS
from retrieval.files import read_object
from retrieval.image_files import is_image, visible_files
from retrieval.report_dataset import read_entries

SPLIT_NAMES = {*SPLITS, "test", "validation"}


def is_ours(folder: Path) -> bool:
    """Whether the downloader, or a helper of a finished dataset, made the folder."""
    return (folder / "metadata.jsonl").exists() and (folder / "report.json").exists()


def is_plain(folder: Path) -> bool:
    """Whether it is a folder that our stages did not make, which is an ImageFolder or nothing."""
    holds_tars = (folder / "classes.txt").exists() and any(folder.glob("*.tar"))
    return folder.is_dir() and not is_ours(folder) and not holds_tars


def labelled_images(folder: Path) -> list[tuple[str, str]]:
    """(file, class folder) of each image of an ImageFolder, ours or any other: FOLDER/CLASS/…/IMAGE. Sorted by file.

    Of ours only the images that its metadata lists count.

    Raises:
        UserError: it is no folder, or has no class folder with an image.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: give an ImageFolder, FOLDER/CLASS/IMAGE")
    if is_ours(folder):
        names = (entry["file_name"] for entry in images_of(folder))
        images = [(name, PurePosixPath(name).parent.name) for name in names]
    else:
        names = (name for name in visible_files(folder, Counter()) if is_image(name))
        images = [(name, PurePosixPath(name).parts[0]) for name in names if "/" in name]
        _refuse_splits(folder, images)
    if not images:
        raise UserError(f"{folder} has no images in class folders: give an ImageFolder, FOLDER/CLASS/IMAGE")
    return sorted(images)


def _refuse_splits(folder: Path, images: list[tuple[str, str]]) -> None:
    """Refuse FOLDER/train/CLASS/IMAGE: train and val would be the classes."""
    labels = {label for _, label in images}
    if labels and labels <= SPLIT_NAMES and all(name.count("/") > 1 for name, _ in images):
        raise holds_splits(folder, labels)


def holds_splits(folder: Path, names: Iterable[str]) -> UserError:
    return UserError(f"{folder} holds splits, not classes: give one of them, such as {folder / min(names)}")


def refuse_inside(dataset: Path, flag: str, path: Path | None, is_folder: bool = False) -> None:
    """Refuse an output that would be or lie in a folder of the dataset, which is a class, or replace one of its files.

    Raises:
        UserError: names `flag`.
    """
    if path is None:
        return
    inner, outer = path.resolve(), dataset.resolve()
    if not inner.is_relative_to(outer):
        return
    if inner.parent != outer or inner.name.lower() in OUR_FILES or is_folder:
        raise UserError(f"{flag} {path} is a part of the dataset: give a path beside {dataset}")


def images_of(dataset: Path, split: str | None = None) -> Iterator[dict]:
    """The entries of metadata.jsonl whose images are there, by key.

    Args:
        split: only images of this split; None for all.

    Raises:
        UserError: no ImageFolder of the downloader, or no such split.
    """
    if (dataset / "classes.txt").exists():
        raise UserError(f"{dataset} holds tars: give the ImageFolder that they were made of, imagefolder in --w")
    if not is_ours(dataset):
        raise UserError(f"{dataset} is no dataset: give the --dataset-output of download_urls_img2dataset.py")
    if split and not (dataset / split).is_dir():
        raise UserError(f"{dataset} has no splits: leave --split out, or make it with --val-fraction")
    return _present(dataset, split)


def _present(dataset: Path, split: str | None) -> Iterator[dict]:
    gone = 0
    for entry in read_entries(dataset / "metadata.jsonl"):
        if split and entry.get("split") != split:
            continue
        if (dataset / entry["file_name"]).exists():
            yield entry
        else:
            gone += 1
    if gone:
        say(f"note: {gone:,} images that metadata.jsonl lists were removed from their folders; they are left out")


def class_order(dataset: Path) -> list[str]:
    """The classes in the order of the template that the filters ran with; of older versions' datasets, by name."""
    report = read_object(dataset / "report.json", "folders")
    return report.get("class_order") or sorted(report["folders"])


def class_of_labels(folder: Path) -> dict[str, str]:
    """Class folder -> class, of a dataset of ours; empty of any other, whose folders its makers named."""
    if not is_ours(folder):
        return {}
    return {label: name for name, label in read_object(folder / "report.json", "folders")["folders"].items()}
