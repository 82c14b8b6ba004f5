"""Which files are images, and how a folder of them is walked. Standard library only."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from retrieval.cli import say

# Of browsers and of Pillow. Those that Pillow cannot decode (heic, jxl, svg) are counted as "no image".
SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif", ".jpe", ".jif", ".pjpeg", ".pjp"),
    *(".apng", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".j2k", ".ico", ".tga", ".ppm", ".pgm", ".pbm", ".pnm"),
    ".svg",
)
# Reasons why an image is dropped. The last: floats and 32-bit numbers that are no brightness.
MISSING, BROKEN, NO_RANGE = "missing", "broken", "sample values of unknown range"
Image = Path | bytes | str  # a file, its bytes, or the reason why there is neither


def is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def visible_files(folder: Path, left_out: Counter) -> Iterator[str]:
    """All files below the folder, relative to it, with folders behind links, in no order.

    Hidden files and folders (._x of macOS, .ipynb_checkpoints, .Trash) are no data.

    Args:
        left_out: gets the number of hidden folders and images, and of folders that cannot be read.
    """

    def unreadable(error: OSError) -> None:
        say(f"warning: {error.filename} cannot be read: {error.strerror}")
        left_out["folders that cannot be read"] += 1

    for place, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        below = Path(place).relative_to(folder)
        left_out["hidden"] += sum(name.startswith(".") for name in folders)
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_loop(folder, below, name)]
        for name in files:
            if name.startswith("."):
                left_out["hidden"] += is_image(name)
            else:
                yield (below / name).as_posix()


def _is_loop(folder: Path, below: Path, name: str) -> bool:
    """Whether a folder is a link to one above it, so that a walk would not end."""
    path = folder / below / name
    if not path.is_symlink():
        return False
    target = os.path.realpath(path).rstrip("/") + "/"
    above = [folder, *(folder.joinpath(*below.parts[:depth]) for depth in range(1, len(below.parts) + 1))]
    return any((os.path.realpath(place) + "/").startswith(target) for place in above)
