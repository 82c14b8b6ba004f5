"""Paths that DuckDB takes as they are written.

DuckDB reads `run[1]`, `what?` and `*` as patterns of file names, `what?` in a database's path as an option, and
`url=x/` as a column. So a folder whose name has more than ordinary characters is given to it by another name: a link
in a temporary folder, which is removed when the process ends.
"""

import functools
import os
import re
import tempfile
from pathlib import Path

from retrieval.cli import UserError

_PLAIN = re.compile(r"[\w/ .,+@-]+")  # letters and digits of any script, and nothing that means something to DuckDB


def plain_path(path: Path | str) -> str:
    """A path to the same file that has no special characters. The file's own name must have none.

    Raises:
        UserError: the folder for temporary files has such characters too.
    """
    path = Path(os.path.abspath(path))
    return str(path) if _PLAIN.fullmatch(str(path)) else str(_link_to(path.parent) / path.name)


def database_path(path: Path) -> str:
    """Where a database goes that belongs at `path`: there, or among the temporary files, for DuckDB follows links."""
    path = Path(os.path.realpath(path))
    return str(path) if _PLAIN.fullmatch(str(path)) else str(Path(tempfile.mkdtemp(dir=_links().name)) / path.name)


@functools.cache
def _link_to(folder: Path) -> Path:
    link = Path(_links().name) / str(_link_to.cache_info().currsize)
    link.symlink_to(folder)
    return link


@functools.cache
def _links() -> tempfile.TemporaryDirectory:
    folder = tempfile.gettempdir()
    if not _PLAIN.fullmatch(os.path.realpath(folder)):
        raise UserError(
            f"a folder's name has characters that DuckDB takes for a pattern, and so has that of temporary files "
            f"({folder}): set TMPDIR to a folder with a plain name"
        )
    return tempfile.TemporaryDirectory(prefix="links-")
