"""The chosen images of a dataset as an ImageFolder of their own: hard links, else copies, with metadata, card and page.

It is made in a hidden folder beside --output and renamed when it is complete, so a killed run leaves no half of it.
"""

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from retrieval.cli import UserError
from retrieval.dataset_card import write_card
from retrieval.dataset_files import SPLITS, even_splits, place, used_folders, write_entries
from retrieval.files import locked, read_object, write_json
from retrieval.report import write_report


def check_output(output: Path, dataset: Path, settings: dict, overwrite: bool) -> None:
    """Refuse an --output that this command should not replace.

    Raises:
        UserError: it is a part of the dataset, or holds anything but what the same settings made.
    """
    inner, outer = output.resolve(), dataset.resolve()
    if inner == outer or inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise UserError(f"--output {output} and {dataset} lie in each other: give a folder beside the dataset")
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    judged = read_object(output / "report.json").get("judged") if (output / "report.json").exists() else None
    if not judged:
        raise UserError(f"--output {output} holds something that judge_images.py did not make: give another folder")
    before = judged[-1]["dataset"], judged[-1]["settings"]
    if before != (dataset.resolve().name, settings) and not overwrite:
        raise UserError(f"--output {output} holds images of another dataset, or that other settings chose: give "
                        "another folder, or add --overwrite to replace them")  # fmt: skip


def write_folder(dataset: Path, output: Path, entries: list[dict], step: dict) -> Path:
    """Write the folder, in place of what is there.

    Args:
        entries: of metadata.jsonl, of the images that are kept, by key.
        step: what report.json says of the choice: dataset, settings, images, dropped, kept.

    Returns:
        Path: its page.
    """
    with _fresh_folder(output) as folder:
        splits = SPLITS if any(entry.get("split") for entry in entries) else ()
        for entry in entries:
            target = folder / entry["file_name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            place(Path(os.path.realpath(dataset / entry["file_name"])), target)
        folders = {PurePosixPath(entry["file_name"]).parent.name for entry in entries}
        even_splits(folder, folders, splits)
        write_entries(folder, map(_entry, entries), splits)
        if (dataset / "settings.json").exists():
            shutil.copyfile(dataset / "settings.json", folder / "settings.json")
        write_json(folder / "report.json", _totals(read_object(dataset / "report.json"), entries, step))
        write_card(folder, used_folders(folder, folders, splits), bool(splits), judged=True)
        write_report(folder, title=output.name)
    return output / "report.html"


def write_plain_folder(dataset: Path, output: Path, entries: list[dict], step: dict) -> Path:
    """The same of an ImageFolder that the downloader did not make: the images under their names, and report.json."""
    with _fresh_folder(output) as folder:
        for entry in entries:
            target = folder / entry["file_name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            place(Path(os.path.realpath(dataset / entry["file_name"])), target)
        write_json(folder / "report.json", {"images": len(entries), "judged": [step]})
    return output


@contextlib.contextmanager
def _fresh_folder(output: Path) -> Iterator[Path]:
    """Yield an empty folder, which becomes `output` when the block ends without an error."""
    part, old = (output.with_name(f".{output.name}.{state}") for state in ("part", "old"))
    part.mkdir(parents=True, exist_ok=True)
    with locked(part, f"another run is writing {output}: wait until it ends"):
        for left in (*part.iterdir(), old):  # of a run that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        yield part
        if output.exists():
            output.rename(old)
        part.rename(output)
        shutil.rmtree(old, ignore_errors=True)


def _entry(entry: dict) -> dict:
    """What write_entries takes: older versions' entries have no label."""
    name = PurePosixPath(entry["file_name"])
    entry = {"key": name.stem, "label": name.parent.name} | entry
    return {field: value for field, value in entry.items() if field not in ("file_name", "outcome")}


def _totals(before: dict, entries: list[dict], step: dict) -> dict:
    """report.json: that of the dataset, with one more step, and what each class has now."""
    kept = Counter(entry["QUERY"] for entry in entries)
    classes = {name: of_class | {"kept": kept[name]} for name, of_class in before["classes"].items()}
    steps = [*before.get("judged", ()), step]
    return before | {"images": len(entries), "classes": classes, "judged": steps}
