"""The dataset folder: class folders with safe names, images in their places, one metadata entry per image.

A class name comes from strangers (a template, a file, `--query a|b`), so it is never used as a path as it stands.
"""

import errno
import hashlib
import heapq
import itertools
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from knn_indices_helper.jobs import complete_file

FOLDER_BYTES = 200  # ext4, APFS and NTFS take 255; the rest is left for temporary names beside it
# What Windows refuses in a name or as a name (learn.microsoft.com, "Naming Files, Paths, and Namespaces"); a dataset
# is copied to such disks too.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\s*\..*)?", re.IGNORECASE)
# Files that the downloader and the report write beside the class folders.
_OUR_FILES = {"metadata.json", "metadata.jsonl", "report.json", "report.html", "settings.json"}


def safe_folder_name(name: str) -> str:
    """One path component for any class name; ordinary names ("tiger shark", "colt's foot", "737-200") are kept.

    Two names may give the same component ("a/b", "a_b"): `class_folders` tells them apart.
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    safe = _FORBIDDEN.sub("_", text).lstrip(". \t\u00a0").rstrip(". \t\u00a0")
    safe = "".join("_" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter for letter in safe)
    if not safe:
        return f"class-{_digest(name)}"
    if _RESERVED.fullmatch(safe) or safe.casefold() in _OUR_FILES:
        safe += "_"
        if _RESERVED.fullmatch(safe):  # "con.x" is still the console: what counts stands before the dot
            safe = "_" + safe.removesuffix("_")
    return _with_suffix(safe, "") if len(safe.encode()) <= FOLDER_BYTES else _with_suffix(safe, f"-{_digest(name)}")


def class_folders(classes: Iterable[str], taken: dict[str, str] | None = None) -> dict[str, str]:
    """Class -> its folder, no two alike on a disk that ignores case; where two would be, a hash tells them apart.

    Args:
        classes: the class names, in any order: the result does not depend on it.
        taken: class -> folder as an earlier run gave them; those stay, and no other class gets theirs.
    """
    folders = dict(taken or {})
    used = {folder.casefold() for folder in folders.values()}
    # Names that need no change come first, so that "a_b" keeps its name and "a/b" gets the suffix.
    for name in sorted(set(classes) - set(folders), key=lambda name: (safe_folder_name(name) != name, name)):
        folder = safe_folder_name(name)
        if folder.casefold() in used:
            folder = _with_suffix(folder, f"-{_digest(name)}")
        folders[name] = folder
        used.add(folder.casefold())
    return folders


def _with_suffix(folder: str, suffix: str) -> str:
    room = FOLDER_BYTES - len(suffix)
    return folder.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + suffix if suffix else folder


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]


# ---- placing ----


def place(source: Path, target: Path) -> bool:
    """Put `source` at `target`, complete or not at all: a hard link, or a copy where the disk differs.

    Returns:
        bool: False where `target` was there already.
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


# ---- metadata ----


def write_metadata(dataset: Path, kept: Iterable[dict], still_there: Iterable[str], folders: dict[str, str]) -> int:
    """Write metadata.json ({key: entry}) and metadata.jsonl (with `file_name`), one entry in memory at a time.

    Args:
        kept: this run's entries, each with its `key`, sorted by it.
        still_there: sorted keys of the earlier metadata's images that are in their folders; those stay.

    Returns:
        int: entries written.
    """
    count = 0
    with (
        complete_file(dataset / "metadata.json") as whole,
        complete_file(dataset / "metadata.jsonl") as lines,
        open(whole, "w", encoding="utf-8", errors="replace") as whole_file,
        open(lines, "w", encoding="utf-8", errors="replace") as lines_file,
    ):
        whole_file.write("{")
        earlier = _earlier_entries(dataset / "metadata.jsonl", still_there)
        for key, group in itertools.groupby(heapq.merge(earlier, kept, key=_key), key=_key):
            entry = _united(list(group))
            place = {"file_name": f"{folders[entry['QUERY']]}/{key}.jpg", "key": key}
            del entry["key"]
            whole_file.write((",\n" if count else "\n") + f'"{key}": {json.dumps(entry, ensure_ascii=False)}')
            lines_file.write(json.dumps(place | entry, ensure_ascii=False) + "\n")
            count += 1
        whole_file.write("\n}\n")
    return count


def _earlier_entries(jsonl: Path, still_there: Iterable[str]) -> Iterator[dict]:
    keys = iter(still_there)
    key = next(keys, None)
    if key is None:
        return
    with open(jsonl, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["key"] == key:
                del entry["file_name"]
                yield entry
                key = next(keys, None)


def _key(entry: dict) -> str:
    return entry["key"]


def _united(entries: list[dict]) -> dict:
    """An image that an earlier run placed and this one asks for too has the sources of both, each once."""
    united = entries[0]
    for other in entries[1:]:
        united["sources"] += [source for source in other["sources"] if source not in united["sources"]]
        united["also_asked_by"] = sorted({*united["also_asked_by"], *other["also_asked_by"]})
    return united
