"""Lists of images, one key, file name or URL per line: what --drop reads and --ids writes. Standard library only."""

import re
from pathlib import Path


def lines_of(path: Path) -> list[str]:
    """The lines of a list, each once, without empty ones and comments (#). No list: no lines."""
    if not path.exists():
        return []
    return _lines_in(path.read_text(encoding="utf-8-sig", errors="replace"))


def _lines_in(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def is_one_line(key: str) -> bool:
    """Whether a list can name this key: a line that holds it is read as the key again."""
    return _lines_in(key) == [key]


def key_of_line(line: str) -> str:
    """The key that a line names: itself, or the stem of a file's name, `<key>.jpg`, with or without folders before."""
    return re.split(r"[/\\]", line)[-1].removesuffix(".jpg")
