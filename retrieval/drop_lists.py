"""--drop LIST: images that the user has looked at and does not want, one per line. Standard library only."""

import re
from pathlib import Path


def lines_of(path: Path) -> list[str]:
    """The lines of a list, each once, without empty ones and comments (#). No list: no lines."""
    if not path.exists():
        return []
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def key_of_line(line: str) -> str:
    """The key that a line names: itself, or the stem of a file's name, `<key>.jpg`, with or without folders before."""
    return re.split(r"[/\\]", line)[-1].removesuffix(".jpg")
