"""The folders that clip-retrieval's back end serves: which pools `indicies.json` names, and which files each holds.

`metadata/*.arrow`, `text.index` and `image.index` (a file, or a folder with `populated.index` and its lists). Row i of
each index is row i of the metadata, whose files are taken in the order of their names.

Standard library only: nothing is opened here, so that a wrong folder is refused in the first second.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.files import file_fingerprint

SOURCES = {"text_index": "text.index", "image_index": "image.index"}  # in the order in which they are searched
BUILDER = "knn_indices_helper/assemble_index_folder.py"


@dataclass(frozen=True)
class IndexEntry:
    """One entry of `indicies.json`: a pool. `folder` exists; its files are not opened yet."""

    name: str
    folder: Path
    clip_model: str | None
    memory_mapping: bool


def read_indices_file(path: Path | str, index_name: str | None = None) -> list[IndexEntry]:
    """The pools of an `indicies.json`, all of them or the one named.

    An entry is a folder or {indice_folder, clip_model, enable_faiss_memory_mapping, …}, as clip-retrieval reads it. A
    relative folder is looked for where the command runs (clip-retrieval's way), then beside the file.

    Raises:
        UserError: no such file, no JSON object, no such entry, or a folder that is not there.
    """
    path = Path(path)
    if not path.is_file():
        other = path.with_name("indices.json")
        if path.name != "indicies.json" or not other.is_file():
            raise UserError(
                f"--index-info-path {path} is not there: it is the indicies.json that {BUILDER} writes "
                '({"NAME": {"indice_folder": FOLDER, "clip_model": MODEL}})'
            )
        path = other
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"--index-info-path {path} is not JSON ({error})") from error
    if not isinstance(listed, dict) or not listed:
        raise UserError(f'--index-info-path {path} must hold at least one entry {{"NAME": FOLDER or {{...}}}}')
    if index_name is not None and index_name not in listed:
        raise UserError(f"--index-name {index_name} is not in {path}, which has: {', '.join(listed)}")
    names = [index_name] if index_name is not None else list(listed)
    return [_entry(path, name, listed[name]) for name in names]


def _entry(path: Path, name: str, value) -> IndexEntry:
    value = {"indice_folder": value} if isinstance(value, str) else value
    if not isinstance(value, dict) or not isinstance(value.get("indice_folder"), str):
        raise UserError(f"{path}: entry {name!r} names no indice_folder")
    if value.get("reorder_metadata_by_ivf_index"):
        raise UserError(
            f"{path}: entry {name!r} has reorder_metadata_by_ivf_index: its rows are not its index's ids; "
            f"assemble the folder with {BUILDER}, which keeps them in order"
        )
    folder = Path(value["indice_folder"])
    if not folder.is_dir() and not folder.is_absolute():
        folder = path.parent / folder
    if not folder.is_dir():
        raise UserError(f"{path}: entry {name!r} points to {value['indice_folder']}, which is not a folder")
    return IndexEntry(name, folder, value.get("clip_model"), bool(value.get("enable_faiss_memory_mapping")))


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
