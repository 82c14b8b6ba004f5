"""--rename-old-keys: a dataset folder of an older version, whose images are named by hexadecimal keys.

Killed at any moment, the same command does the rest: files are renamed first, then metadata.jsonl is replaced, and the
run that follows writes all other files. Standard library only.
"""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from retrieval.cli import UserError
from retrieval.download.keys import OLD_KEY, key_of
from retrieval.files import complete_file


def refuse_old_keys(dataset: Path) -> None:
    """Refuse a dataset folder whose images have old keys.

    Raises:
        UserError: names --rename-old-keys, or where there is no metadata.jsonl, another folder.
    """
    jsonl = dataset / "metadata.jsonl"
    if jsonl.exists():
        with open(jsonl, "rb") as lines:
            first = lines.readline()
        if b'"key": "' in first and OLD_KEY.fullmatch(str(_entry(jsonl, first)["key"])):
            raise UserError(
                f"{dataset} holds images that an older version named by hexadecimal keys: add --rename-old-keys, or "
                "give another --dataset-output"
            )
    elif any(OLD_KEY.fullmatch(file.stem) for file in dataset.glob("*/*.jpg")):
        raise UserError(
            f"{dataset} holds images with the keys of an older version and no metadata.jsonl: give another "
            "--dataset-output; the images are placed from --w again"
        )


def rename_old_keys(dataset: Path) -> int:
    """Give all images of the folder the key that this version gives them.

    Images that metadata.jsonl does not list are removed: a killed run left them, and has them in its work folder.

    Returns:
        int: entries of metadata.jsonl that had an old key.

    Raises:
        UserError: two images would have one key, or metadata.jsonl cannot be read.
    """
    jsonl = dataset / "metadata.jsonl"
    if not jsonl.exists():
        return 0
    places = sorted((key, start) for start, _, key in _entries(jsonl))
    if twice := [key for (key, _), (other, _) in zip(places, places[1:], strict=False) if key == other]:
        raise UserError(f"{dataset}: two images would have the key {twice[0]}: give another --dataset-output")
    renamed = 0
    for _, entry, key in _entries(jsonl):
        renamed += key != entry["key"]
        old = dataset / _folder(entry) / f"{entry['key']}.jpg"
        if key != entry["key"] and old.exists():
            old.rename(old.with_name(f"{key}.jpg"))
    for file in dataset.glob("*/*.jpg"):
        if OLD_KEY.fullmatch(file.stem):
            file.unlink()
    with complete_file(jsonl) as beside, open(beside, "w", encoding="utf-8") as new, open(jsonl, "rb") as old_lines:
        for key, start in places:
            old_lines.seek(start)
            entry = _entry(jsonl, old_lines.readline())
            entry |= {"file_name": f"{_folder(entry)}/{key}.jpg", "key": key}
            new.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return renamed


def _entries(jsonl: Path) -> Iterator[tuple[int, dict, str]]:
    """(position of the line, entry, its key in this version), line by line."""
    start = 0
    with open(jsonl, "rb") as lines:
        for line in lines:
            entry = _entry(jsonl, line)
            yield start, entry, key_of(entry["url"], entry["QUERY"])
            start += len(line)


def _entry(jsonl: Path, line: bytes) -> dict:
    try:
        entry = json.loads(line)
        entry["file_name"], entry["key"], entry["url"], entry["QUERY"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{jsonl} cannot be read ({error!r}): give another --dataset-output") from error
    return entry


def _folder(entry: dict) -> str:
    """The class folder: one component, whatever the file says."""
    return PurePosixPath(entry["file_name"]).parent.name
