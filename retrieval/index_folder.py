"""The folders that clip-retrieval's back end serves: which pools `indicies.json` names, and which files each holds.

`metadata/*.arrow`, `text.index` and `image.index` (a file, or a folder with `populated.index` and its lists). Row i of
each index is row i of the metadata, whose files are taken in the order of their names.

Standard library only: nothing is opened here, so that a wrong folder is refused in the first second.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError, say
from retrieval.files import file_fingerprint

SOURCES = {"text_index": "text.index", "image_index": "image.index"}  # in the order in which they are searched
SPELLINGS = ("indicies.json", "indices.json")  # the published one, and the right one
BUILDER = "knn_indices_helper/assemble_index_folder.py"


@dataclass(frozen=True)
class IndexEntry:
    """One entry of `indicies.json`: a pool. `folder` exists; its files are not opened yet."""

    name: str
    folder: Path
    clip_model: str | None
    memory_mapping: bool


def read_indices_file(path: Path | str, index_name: str | None = None) -> list[IndexEntry]:
    """The pools of an `indicies.json`, all of them or the one named. `path` may be the folder that holds it.

    An entry is a folder or {indice_folder, clip_model, enable_faiss_memory_mapping, …}, as clip-retrieval reads it. A
    relative folder is looked for where the command runs (clip-retrieval's way), then beside the file. A folder that is
    gone was moved together with the file, or it is not found. An index folder without the file is one pool.

    Raises:
        UserError: no such file, no JSON object, no such entry, or a folder that is not there.
    """
    path = Path(path)
    found = _indices_file(path)
    if found is None:  # a bare index folder
        return [IndexEntry(index_name or path.resolve().name, path, None, True)]
    listed = _entries(found)
    if index_name is not None and index_name not in listed:
        raise UserError(f"--index-name {index_name} is not in {found}, which has: {', '.join(listed)}")
    names = [index_name] if index_name is not None else list(listed)
    return [_entry(found, name, listed[name], alone=len(listed) == 1) for name in names]


def _indices_file(path: Path) -> Path | None:
    """The file that --index-info-path means; None where it is an index folder that has none."""
    folder = path if path.is_dir() else path.parent
    wanted = SPELLINGS if path.is_dir() or path.name == SPELLINGS[0] else (path.name,)
    found = next((folder / name for name in wanted if (folder / name).is_file()), None)
    if found is None and not (path.is_dir() and is_index_folder(path)):
        raise UserError(
            f"--index-info-path {path} {'holds no indicies.json' if path.is_dir() else 'is not there'}: it is the "
            f'indicies.json that {BUILDER} writes ({{"NAME": {{"indice_folder": FOLDER, "clip_model": MODEL}}}}), or '
            "the folder that holds it"
        )
    return found


def _entries(path: Path) -> dict:
    try:
        listed = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"--index-info-path {path} is not JSON ({error})") from error
    if not isinstance(listed, dict) or not listed:
        raise UserError(f'--index-info-path {path} must hold at least one entry {{"NAME": FOLDER or {{...}}}}')
    return listed


def _entry(path: Path, name: str, value, alone: bool) -> IndexEntry:
    value = {"indice_folder": value} if isinstance(value, str) else value
    if not isinstance(value, dict) or not isinstance(value.get("indice_folder"), str):
        raise UserError(f"{path}: entry {name!r} names no indice_folder")
    if value.get("reorder_metadata_by_ivf_index"):
        raise UserError(
            f"{path}: entry {name!r} has reorder_metadata_by_ivf_index: its rows are not its index's ids; "
            f"assemble the folder with {BUILDER}, which keeps them in order"
        )
    model = value.get("clip_model")
    if model is not None and not isinstance(model, str):
        raise UserError(f"{path}: clip_model of entry {name!r} is {model!r}, not a model's name")
    listed = Path(value["indice_folder"])
    found = [folder for folder in _candidates(path, listed, alone) if folder.is_dir()]
    folder = next((folder for folder in found if (folder / "metadata").is_dir()), found[0] if found else None)
    if folder is None:
        raise UserError(
            f"{path}: entry {name!r} points to {listed}, which is not a folder: if it was moved, move {path.name} with "
            "it, or write its new place into the file"
        )
    if listed.is_absolute() and folder != listed:
        say(f"note: {listed} of {path} is gone: {folder} is taken for entry {name!r}")
    elif alone and is_index_folder(path.parent) and not folder.samefile(path.parent):
        say(f"note: entry {name!r} of {path} is {folder}, and not the index folder in which the file lies")
    return IndexEntry(name, folder, model, bool(value.get("enable_faiss_memory_mapping")))


def _candidates(path: Path, listed: Path, alone: bool) -> Iterator[Path]:
    """Where an entry's folder may be, the likeliest first."""
    yield listed
    if not listed.is_absolute():
        yield path.parent / listed
        return
    for number in range(2, len(listed.parts)):  # the file and the folder below it, moved together
        below = path.parent.joinpath(*listed.parts[number:])
        if is_index_folder(below):
            yield below
    if is_index_folder(path.parent) and (alone or path.parent.resolve().name == listed.name):
        yield path.parent


def is_index_folder(folder: Path) -> bool:
    return (folder / "metadata").is_dir() and any((folder / index).exists() for index in SOURCES.values())


def index_paths(entry: IndexEntry, wanted: list[str]) -> dict[str, Path]:
    """Source -> the file faiss reads, for those `wanted` (of SOURCES) that the folder has.

    Raises:
        UserError: the folder has none of them.
    """
    found = {}
    for source in wanted:
        path = entry.folder / SOURCES[source]
        if path.is_dir():
            path = path / "populated.index"
        if path.is_file():
            found[source] = path
    if not found:
        expected = " or ".join(SOURCES[source] for source in wanted)
        raise UserError(f"{entry.folder} (entry {entry.name!r}) has no {expected}: {BUILDER} puts it there")
    return found


def metadata_files(folder: Path) -> list[Path]:
    """In clip-retrieval's order. Hidden files (.DS_Store, ._x, .ipynb_checkpoints) are no data."""
    metadata = folder / "metadata"
    return [path for path in sorted(metadata.glob("**/*")) if path.is_file() and not is_hidden(path, metadata)]


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a name on the way from the folder to the path begins with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def lists_are_beside(index: Path) -> bool:
    """Whether faiss merged the index on disk: its inverted lists are in a file of their own in the same folder."""
    return index.name == "populated.index"


def fingerprints(folder: Path, searched: list[Path]) -> dict[str, dict]:
    """Path -> files.file_fingerprint of everything that decides the answers: the folder's metadata, and the files that
    are `searched` (indices or embeddings)."""
    files = list(metadata_files(folder))
    for path in searched:
        files += sorted(path.parent.glob("*")) if lists_are_beside(path) else [path]
    return {str(file): file_fingerprint(file) for file in files}
