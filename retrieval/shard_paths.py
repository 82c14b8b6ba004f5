"""The shards that --dbs and --pool name: paths, globs, and addresses of remote ones. Standard library only."""

import functools
import glob
import os
from collections.abc import Iterable
from pathlib import Path

from retrieval.cli import UserError, say
from retrieval.file_kinds import folder_advice
from retrieval.files import check_names_are_text, writable_folder
from retrieval.records import RUN_FILE
from retrieval.remote_address import RemoteFile, is_address


def find_shards(
    patterns: Iterable[str], flag: str, listing: Path | None = None, fetch_flag: str = "", may_fetch: bool = False
) -> list[str | RemoteFile]:
    """The shards, sorted, each once.

    Args:
        flag: what a refusal names.
        listing: a file in the output folder that keeps what the addresses mean, for all runs with this folder.
        fetch_flag: the flag that fetches paths where no file is yet; may_fetch: it was given, so they are shards too.

    Raises:
        UserError: a pattern is no file and matches none, or a file's name is no UTF-8.
    """
    patterns, remote = list(patterns), []
    if addresses := [pattern for pattern in patterns if is_address(pattern)]:
        from retrieval.remote_shards import find_remote  # 0.5 s for the libraries that read from the network

        remote = find_remote(addresses, flag, listing)
    way_out = f", or add {fetch_flag} to fetch it" if fetch_flag else ""
    local = []
    for pattern in patterns:
        if not is_address(pattern):
            local += [pattern] if may_fetch and _is_absent(pattern) else _files(pattern, flag, way_out)
    check_names_are_text(local, flag)
    return sorted([*_each_once(local), *remote], key=str)


def _without_outputs(paths: list[str]) -> list[str]:
    """The files that no filter wrote: with `**` and an output folder in the pool, a run would read its own chunks."""
    written = {folder for folder in set(map(os.path.dirname, paths)) if os.path.exists(os.path.join(folder, RUN_FILE))}
    for folder in sorted(written):
        say(f"{folder} is the output of a filter, and is no part of the pool: name its files to read them")
    return [path for path in paths if os.path.dirname(path) not in written]


def _each_once(paths: Iterable[str]) -> list[str]:
    """Each file once, by its first name. Says which other names are links to a file that has another name here too."""
    real_folder = functools.lru_cache(os.path.realpath)  # a pool of 10,000 shards has few folders
    once: dict[str, str] = {}
    for path in sorted(set(paths)):
        folder, name = os.path.split(os.path.abspath(path))
        place = os.path.join(real_folder(folder), name)
        first = once.setdefault(os.path.realpath(place) if os.path.islink(place) else place, path)
        if os.path.abspath(first) != os.path.abspath(path):
            say(f"{path} and {first} are one file, which is read once")
    return list(once.values())


def kept_listing(patterns: Iterable[str], folder: Path | str, flag: str, overwrite: bool) -> Path | None:
    """Where all runs with this output folder keep what the addresses mean; None where no pattern is an address.

    Args:
        flag: of the folder, which is made.
        overwrite: list anew.
    """
    if not any(map(is_address, patterns)):
        return None
    from retrieval.remote_shards import LISTING  # 0.5 s for the libraries that read from the network

    listing = writable_folder(folder, flag) / LISTING
    if overwrite:
        listing.unlink(missing_ok=True)
    return listing


def _is_absent(pattern: str) -> bool:
    """A plain path with nothing there."""
    return not (os.path.exists(pattern) or glob.has_magic(pattern) or _has_range(pattern))


def _has_range(pattern: str) -> bool:
    """{000..127}"""
    return "{" in pattern and ".." in pattern


def _files(pattern: str, flag: str, way_out: str) -> list[str]:
    if os.path.isfile(pattern):
        return [pattern]
    if os.path.isdir(pattern):
        raise UserError(f"{flag} {pattern} {folder_advice(Path(pattern))}")
    if glob.has_magic(pattern):
        matched = [path for path in glob.glob(os.path.expanduser(pattern), recursive=True) if os.path.isfile(path)]
        if "**" in pattern:
            matched = _without_outputs(matched)
        if not matched:
            brackets = "; a [ that is part of a name is written [[]" if "[" in pattern else ""
            raise UserError(f"{flag} {pattern} matches no file{brackets}")
        return matched
    if _has_range(pattern):
        raise UserError(f"{flag} {pattern} is no file: {{000..127}} is expanded by bash, when it is not in quotes")
    raise UserError(f"{flag} {pattern} is not there: give its path{way_out}")
