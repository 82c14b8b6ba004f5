"""A finished dataset: which images it holds, and the order of its classes. Standard library only."""

from collections.abc import Iterator
from pathlib import Path

from retrieval.cli import UserError, say
from retrieval.files import read_json
from retrieval.report import read_entries


def images_of(dataset: Path, split: str | None = None) -> Iterator[dict]:
    """The entries of metadata.jsonl whose images are there, by key.

    Args:
        split: only images of this split; None for all.

    Raises:
        UserError: no ImageFolder of the downloader, or no such split.
    """
    if (dataset / "classes.txt").exists():
        raise UserError(f"{dataset} holds tars: give the ImageFolder that they were made of, imagefolder in --w")
    if not (dataset / "metadata.jsonl").exists() or not (dataset / "report.json").exists():
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
    report = read_json(dataset / "report.json")
    return report.get("class_order") or sorted(report["folders"])
