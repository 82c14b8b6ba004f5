"""What an earlier run left in the dataset folder: its settings, class folders and order. Standard library only."""

from pathlib import Path

from retrieval.cli import UserError
from retrieval.files import read_object


def clear_remains(*folders: Path) -> None:
    """Remove the temporary files of a killed run (complete_file's): metadata, tars, copied images."""
    for folder in folders:
        for part in (*folder.glob(".*.part"), *folder.glob("*/.*.part"), *folder.glob("*/*/.*.part")):
            part.unlink(missing_ok=True)


def folders_of_earlier_run(dataset: Path, wanted: dict) -> dict[str, str]:
    """Class -> its folder, as an earlier run gave them; empty for a new dataset folder.

    Args:
        wanted: `run.dataset_settings` of this run.

    Raises:
        UserError: its images were made with other settings.
    """
    settings = dataset / "settings.json"
    if settings.exists():
        held = read_object(settings)
        for name in {**held, **wanted}:
            value = None if held.get(name) == float("inf") else held.get(name)  # older versions wrote Infinity
            if wanted.get(name) != value:
                raise UserError(
                    f"{dataset} holds images made with --{name.replace('_', '-')} {value}, not {wanted.get(name)}: "
                    "give another --dataset-output"
                )
    report = dataset / "report.json"
    return read_object(report, "folders")["folders"] if report.exists() else {}


def class_order_of_earlier_run(dataset: Path) -> list[str]:
    report = dataset / "report.json"
    return read_object(report).get("class_order", []) if report.exists() else []
