"""An ImageFolder that the downloader did not make, FOLDER/CLASS/…/IMAGE: its images have no metadata and no keys.

An image is known by its file, relative to the folder: that is its key, in lists as in --scores. Standard library only.
"""

from pathlib import Path

from retrieval.cli import UserError
from retrieval.dataset.dataset_folder import SPLIT_NAMES, holds_splits, labelled_images
from retrieval.dataset.folder_classes import class_of_folders, named_folders

NAMED = 5  # folders that a refusal names


def plain_entries(
    folder: Path, template: tuple[str, ...], names: Path | None, flag: str
) -> tuple[list[dict], dict[str, str]]:
    """(an entry per image, as metadata.jsonl has them; class folder -> its class).

    Args:
        template: the classes that a folder can mean; if there are none, each folder is a class of its own.
        names: what `flag` takes: JSON that says each folder's class.

    Raises:
        UserError: it is no ImageFolder, or a class folder means no class of the template.
    """
    images = labelled_images(folder)
    labels = sorted({label for _, label in images})
    if names:
        class_of = named_folders(labels, names, flag)
    else:
        class_of = class_of_folders(labels, list(template), list(template), flag)
    if template:
        _refuse_unknown(folder, {label: name for label, name in class_of.items() if name not in template}, flag)
    entries = [{"key": name, "file_name": name, "url": name, "QUERY": class_of[label]} for name, label in images]
    return entries, class_of


def _refuse_unknown(folder: Path, unknown: dict[str, str], flag: str) -> None:
    if not unknown:
        return
    if unknown.keys() <= SPLIT_NAMES:
        raise holds_splits(folder, unknown)
    named = ", ".join(repr(label) if label == name else f"{label!r} ({name!r})" for label, name in
                      sorted(unknown.items())[:NAMED])  # fmt: skip
    more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
    raise UserError(
        f"{folder}: {len(unknown):,} class folders mean no class of the template: {named}{more}; rename them, or give "
        f'{flag} FILE, JSON that says each folder\'s class: {{"n01440764": "tench"}}'
    )
