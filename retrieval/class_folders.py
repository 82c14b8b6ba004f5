"""Class folders with safe names.

A class name comes from strangers (a template, a file, `--query a|b`), so it is never used as a path without a check.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

FOLDER_BYTES = 200  # ext4, APFS and NTFS take 255; temporary names beside it need the rest
# What Windows refuses in a name or as a name (learn.microsoft.com, "Naming Files, Paths, and Namespaces"): datasets are
# copied to such disks too.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\s*\..*)?", re.IGNORECASE)
# Files that the downloader and the report write beside the class folders.
OUR_FILES = {"metadata.json", "metadata.jsonl", "report.json", "report.html", "settings.json", "readme.md"}


def safe_folder_name(name: str) -> str:
    """One path component for any class name; ordinary names ("tiger shark", "colt's foot", "737-200") are kept.

    Two names may give the same component ("a/b", "a_b"): `class_folders` tells them apart.
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    safe = _FORBIDDEN.sub("_", text).lstrip(". \t\u00a0").rstrip(". \t\u00a0")
    safe = "".join("_" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter for letter in safe)
    if not safe:
        return f"class-{_digest(name)}"
    if _RESERVED.fullmatch(safe) or safe.casefold() in OUR_FILES:
        safe += "_"
        if _RESERVED.fullmatch(safe):  # "con.x_" is still the console: only the part before the dot counts
            safe = "_" + safe.removesuffix("_")
    return _with_suffix(safe, "") if len(safe.encode()) <= FOLDER_BYTES else _with_suffix(safe, f"-{_digest(name)}")


def class_folders(classes: Iterable[str], taken: dict[str, str] | None = None) -> dict[str, str]:
    """Class -> its folder. No two are equal, also on a disk that ignores case: a second one gets a hash as suffix.

    Args:
        classes: the class names. The result does not depend on their order.
        taken: class -> folder, as an earlier run gave them. They stay, and no other class gets one of them.
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
