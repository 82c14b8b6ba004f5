"""The embedding files (.npy) of a pool's shards: found by their sidecars, by names, or laid across by row counts.

They are looked for beside the shards and in the folders that tools write: img_emb and text_emb (clip-retrieval's), and
embeddings (PD12M's, of images).
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from retrieval.cli import UserError
from retrieval.embeddings import (
    NAMES,
    PREFIX,
    in_row_order,
    name_key,
    numeric_order,
    source_name,
    unpadded,
    visible_files,
)
from retrieval.semantic.array_files import ArrayFile, open_npy
from retrieval.semantic.features import Features
from retrieval.shard import Shard

FOLDERS = {"text_index": ("text_emb", "embeddings"), "image_index": ("img_emb", "embeddings")}

Found = dict[tuple[Path, str], Features | UserError]


def files_of_shards(shards: list[Shard], sources: Iterable[str], folder: Path | None) -> Found:
    """(path of a shard, source) -> its features, or why its folder's embedding files cannot be told apart."""
    by_folder = defaultdict(list)
    for shard in shards:
        if isinstance(shard.path, Path):
            by_folder[shard.path.parent].append(shard)
        elif folder:  # npy files beside a remote shard are not read
            by_folder[folder].append(shard)
    found: Found = {}
    for parent, here in by_folder.items():
        here = sorted(here, key=lambda shard: numeric_order(Path(str(shard.path))))
        for source in sources:
            files = candidates(folder, parent, source)
            if files:
                found |= {(path, source): each for path, each in of_folder(here, files).items()}
    return found


def candidates(folder: Path | None, parent: Path, source: str) -> list[Path]:
    """The embedding files of one source, in the order of their rows."""
    own = [folder] if folder else [parent, *(p / name for p in (parent, parent.parent) for name in FOLDERS[source])]
    for place in own:
        files = visible_files(place, NAMES[source])
        if not files and source == "image_index" and (folder or place.name == "embeddings"):
            files = [path for path in visible_files(place, "*.npy") if not PREFIX.match(path.name)]
        if files:
            return in_row_order(files)
    return []


def of_folder(shards: list[Shard], files: list[Path]) -> dict[Path, Features | UserError]:
    """Path of a shard -> its features, of the shards of one folder."""
    try:
        arrays = {path: open_npy(path) for path in files}
    except UserError as error:
        return {shard.path: error for shard in shards}
    paired = paired_files(shards, files)
    if paired and all(arrays[paired[shard.path]].rows == shard.rows for shard in shards):
        return {shard.path: one_file(arrays[paired[shard.path]]) for shard in shards}
    if sum(array.rows for array in arrays.values()) == sum(shard.rows for shard in shards):
        return laid_across(shards, list(arrays.values()))
    if paired:
        return {shard.path: one_file(arrays[paired[shard.path]]) for shard in shards}  # the counts are refused later
    total, rows = sum(array.rows for array in arrays.values()), sum(shard.rows for shard in shards)
    error = UserError(
        f"the embedding files beside {shards[0].path} ({files[0]} …) have {total:,} rows, the shards of this folder "
        f"that were given {rows:,}, and names do not tell which belongs to which: give all shards of the folder"
    )
    return {shard.path: error for shard in shards}


def one_file(array: ArrayFile) -> Features:
    return Features("npy", "an embedding file per shard", ((array, 0, array.rows),))


def paired_files(shards: list[Shard], files: list[Path]) -> dict[Path, Path] | None:
    """The embedding file of each shard, told by sidecars or else by names; None where they do not tell all of them."""
    by_source = {source_name(path): path for path in files}
    if all(shard.path.name in by_source for shard in shards):
        return {shard.path: by_source[shard.path.name] for shard in shards}
    by_key: dict[str, set[Path]] = defaultdict(set)
    for path in files:
        by_key[unpadded(name_key(path))].add(path)
        by_key[unpadded(re.split(r"[_.]", path.stem)[-1])].add(path)
    paired = {}
    for shard in shards:
        named = [by_key.get(unpadded(key), set()) for key in keys_of(shard.path.stem)]
        match = next((each for each in named if len(each) == 1), set())
        if not match:
            return None
        paired[shard.path] = next(iter(match))
    return paired if len(set(paired.values())) == len(paired) else None


def keys_of(stem: str) -> list[str]:
    """What an embedding file of this shard may be called behind text_embed_: its stem, or the number in it."""
    return [stem, re.split(r"[_.]", stem)[-1], *re.findall(r"(?<![0-9a-zA-Z])\d+", stem)[:1]]


def laid_across(shards: list[Shard], arrays: list[ArrayFile]) -> dict[Path, Features]:
    """The rows of all files, one after the other, are those of all shards."""
    starts = [0, *itertools.accumulate(array.rows for array in arrays)]
    laid, start = {}, 0
    for shard in shards:
        end, parts = start + shard.rows, []
        for array, first in zip(arrays, starts, strict=False):
            begin, stop = max(start, first) - first, min(end, first + array.rows) - first
            if stop > begin:
                parts.append((array, begin, stop))
        laid[shard.path] = Features("npy", "embedding files laid across the shards", tuple(parts), is_laid=True)
        start = end
    return laid
