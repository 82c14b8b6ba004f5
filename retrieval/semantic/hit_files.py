"""Hit files: the result of each class, kept in OUTPUT_DIR/.hits, so that a stopped run goes on where it ended.

A hit file's first line is the class's summary (its counts and scores), then follow its encoded records, one per line.
Its name holds a fingerprint of everything that decides the result, so a run with other settings never reads it.
Standard library only.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from retrieval.files import settings_fingerprint
from retrieval.records import SEMANTIC_LOSSES
from retrieval.semantic.plan import ClassPlan

SHORT_HINT = " (rows of zeros or NaN never are; of an index, a larger --nprobe or --ef-search finds more)"


def hits_path(folder: Path, class_name: str, settings: dict, inputs: dict, seeds: dict) -> Path:
    """Where a class's result is kept.

    Args:
        settings: the manifest's; the class list in it does not decide the result of one class.
        inputs, seeds: fingerprints of the pools' files by path, and of the class's seed images by name.
    """
    decides = {name: value for name, value in settings.items() if name not in ("template", "classes", "names")}
    if names := settings.get("names", {}).get(class_name):
        decides["names"] = names
    return folder / f"{_class_key(class_name)}.{settings_fingerprint([class_name, decides, inputs, seeds])}.jsonl"


def _class_key(class_name: str) -> str:
    return hashlib.sha256(class_name.encode()).hexdigest()[:16]


def clear_remains(folder: Path, classes: Iterable[ClassPlan]) -> None:
    """Remove the half-written files that a killed run left of these classes. Another job may be writing others."""
    mine = {_class_key(each.name) for each in classes}
    for part in folder.glob(".*.part"):
        if part.name.split(".")[1] in mine:
            part.unlink(missing_ok=True)


def remove_superseded(folder: Path, classes: Iterable[ClassPlan]) -> None:
    """Remove these classes' results with other settings or inputs: they are never read again."""
    kept, mine = {each.hits_file for each in classes}, {_class_key(each.name) for each in classes}
    for path in folder.glob("*.jsonl"):
        if path not in kept and path.name.split(".")[0] in mine:
            path.unlink()


def read_summary(path: Path) -> dict:
    """A class's counts and scores, as the manifest has them."""
    with open(path, encoding="utf-8") as file:
        summary = json.loads(file.readline())
    del summary["class"]
    return summary


def kept_records(paths: Iterable[Path]) -> Iterator[tuple[BinaryIO, int]]:
    """The encoded records of all classes, as records.write_chunks takes them."""
    for path in paths:
        with open(path, "rb") as file:
            yield file, json.loads(file.readline())["kept"]


def class_line(summary: dict) -> str:
    """A class's number of rows, the mean and quartiles of their scores, and the losses."""
    line = f"{summary['class']}: {summary['kept']:,} rows"
    if summary["kept"]:
        low, middle, high = summary["score_quartiles"]
        line += f", score mean {summary['score_mean']:.4f}, quartiles {low:.4f} {middle:.4f} {high:.4f}"
    return f"{line} ({losses_line(summary)})"


def losses_line(counts: dict) -> str:
    """Hits asked for, and how many of them were lost for each reason."""
    lost = [
        f"{counts[name]:,} {label}{SHORT_HINT if name == 'short' else ''}"
        for name, label in SEMANTIC_LOSSES.items()
        if counts.get(name)
    ]
    return f"of {counts['asked']:,} hits asked: " + (", ".join(lost) if lost else "none lost")
