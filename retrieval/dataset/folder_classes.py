"""Which class a folder means, in an ImageFolder that the downloader did not make. Standard library only.

Such folders have their makers' names: `tiger_shark` for "tiger shark", `017` for the 18th class of a template. Each
folder becomes one class; no folder is dropped, also where nothing else knows its class.
"""

import re
import unicodedata
from pathlib import Path

from retrieval.class_folders import class_folders
from retrieval.cli import UserError
from retrieval.files import read_json


def class_of_folders(
    folders: list[str], names: list[str], template: list[str] | None = None, flag: str | None = "--test-names"
) -> dict[str, str]:
    """Folder -> its class.

    A folder means the class whose name it has, or which has this folder in the downloader's datasets; else the one
    class that has the same letters and digits, whatever their case and what stands between them. If all folders are
    numbers, they are positions in the template, from 0. A folder that means none of `names` is a class of its own.

    Args:
        names: the classes that are known: of the template, and of other datasets.
        flag: takes a file that says each folder's class, if any does; what a refusal names.

    Raises:
        UserError: two folders mean one class, or numbers without a template that has as many classes.
    """
    if template and all(re.fullmatch("[0-9]+", folder) for folder in folders):
        return _by_number(folders, template, flag)
    exact = {folder: name for name, folder in class_folders(names).items()} | {name: name for name in names}
    loose: dict[str, set[str]] = {}
    for name in filter(_letters, names):
        loose.setdefault(_letters(name), set()).add(name)
    meant = {}
    for folder in folders:
        near = loose.get(_letters(folder), set())
        meant[folder] = exact.get(folder) or (next(iter(near)) if len(near) == 1 else folder)
    _refuse_twins(meant, flag)
    return meant


def named_folders(folders: list[str], file: Path, flag: str = "--test-names") -> dict[str, str]:
    """Folder -> its class as a JSON file says: {folder: class}.

    Raises:
        UserError: it is no such file, or lacks a folder.
    """
    known = read_json(file)
    if not isinstance(known, dict) or not all(isinstance(name, str) for name in known.values()):
        raise UserError(f'{file} is not what {flag} takes: a JSON object, {{"n01440764": "tench", …}}')
    if missing := [folder for folder in folders if folder not in known]:
        raise UserError(f"{file} has no class for {len(missing):,} folders, the first is {missing[0]!r}")
    meant = {folder: known[folder] for folder in folders}
    _refuse_twins(meant, flag)
    return meant


def _by_number(folders: list[str], template: list[str], flag: str | None) -> dict[str, str]:
    numbers = {folder: int(folder) for folder in folders}
    if (most := max(numbers.values())) >= len(template):
        raise UserError(f"the class folders are numbers up to {most}, and the template has {len(template):,} classes, "
                        f"from 0: rename them{_or_give(flag)}")  # fmt: skip
    meant = {folder: template[number] for folder, number in numbers.items()}
    _refuse_twins(meant, flag)
    return meant


def _refuse_twins(meant: dict[str, str], flag: str | None) -> None:
    folder_of: dict[str, str] = {}
    for folder, name in meant.items():
        if name in folder_of:
            raise UserError(f"the folders {folder_of[name]!r} and {folder!r} both mean the class {name!r}: "
                            f"join them{_or_give(flag)}")  # fmt: skip
        folder_of[name] = folder


def _or_give(flag: str | None) -> str:
    return f", or give {flag} FILE, which says each folder's class" if flag else ""


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", name).casefold()).strip()
