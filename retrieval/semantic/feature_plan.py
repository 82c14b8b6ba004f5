"""Which features each shard of a pool has: an npz beside it, embedding files, a column of vectors, or only captions.

The first of these that holds what is asked for is taken. Only headers are read, and nothing is unpickled.
"""

import functools
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from retrieval.cli import UserError
from retrieval.clip_names import ModelSource
from retrieval.columns import NOTHING_SAID, ColumnChoice
from retrieval.file_kinds import PACKED_SUFFIXES
from retrieval.opened_shard import open_shard
from retrieval.parquet_shards import parquet_file
from retrieval.remote_address import RemoteFile
from retrieval.semantic.array_files import ArrayFile, open_members
from retrieval.semantic.embedding_files import files_of_shards
from retrieval.semantic.features import Features
from retrieval.shard import Shard, damage_named
from retrieval.shards import counted_rows

OPENED_AT_ONCE = 8  # remote shards: each takes three or four requests
FLAGS = {"text_index": "--text-features", "image_index": "--image-features"}
WORDS = {"text_index": "text", "image_index": "image"}
DATACOMP_KEYS = {  # of its npz files, by the model that made them
    "ViT-L/14": {"text_index": "l14_txt", "image_index": "l14_img"},
    "ViT-B/32": {"text_index": "b32_txt", "image_index": "b32_img"},
}
# A column of vectors that says by its name what it is of.
COLUMN_NAMES = {"text_index": re.compile("text|txt|caption", re.I), "image_index": re.compile("ima?ge?|picture", re.I)}


@dataclass(frozen=True)
class FeatureWishes:
    """What the user says of the features."""

    model: ModelSource
    sources: tuple[str, ...]  # of index_folder.SOURCES
    keys: dict[str, str]  # source -> the member or the column that the user names
    folder: Path | None  # where the features are, if not beside the shards
    remote_npz: dict[RemoteFile, RemoteFile]  # of remote shards that have one beside them
    allow_untagged: bool
    columns: ColumnChoice = NOTHING_SAID


@dataclass(frozen=True)
class PoolShard:
    """A shard that can be searched, and the features of its rows by source."""

    shard: Shard
    features: dict[str, Features]
    lost: tuple[int, str] = (0, "")  # rows that cannot be read, which is the first

    @property
    def name(self) -> str:
        return self.shard.path.name

    def files(self) -> list[Path]:
        """All that decides the answers, each once."""
        return list(dict.fromkeys([self.shard.path, *(p for each in self.features.values() for p in each.files())]))


def plan_features(paths: list[str | RemoteFile], wishes: FeatureWishes) -> tuple[list[PoolShard], dict[str, str]]:
    """(shards that can be searched, path of every other -> the reason, one sentence), in the order of the paths."""
    with ThreadPoolExecutor(OPENED_AT_ONCE) as helpers:
        apply = helpers.map if any(isinstance(path, RemoteFile) for path in paths) else map  # they wait for servers
        opened = dict(zip(paths, apply(functools.partial(attempt, open_counted, wishes), paths), strict=True))
        shards = [each.shard for each in opened.values() if not isinstance(each, UserError)]
        with_files = files_of_shards(shards, wishes.sources, wishes.folder)
        find = functools.partial(attempt, with_features, wishes, with_files)
        good = {path: each for path, each in opened.items() if not isinstance(each, UserError)}
        planned = opened | dict(zip(good, apply(find, good.values()), strict=True))
    bad = {str(path): str(each) for path, each in planned.items() if isinstance(each, UserError)}
    return [each for each in planned.values() if not isinstance(each, UserError)], bad


def attempt(work: Callable, *arguments):
    """Its result, or its UserError: one bad shard takes no other with it."""
    try:
        return work(*arguments)
    except UserError as error:
        return error


def open_counted(wishes: FeatureWishes, path: str | RemoteFile) -> PoolShard:
    """The shard, still without features."""
    shard = open_shard(path, wishes.columns)
    rows, *lost = counted_rows(shard)
    check_safety(shard, wishes)
    return PoolShard(replace(shard, rows=rows), {}, tuple(lost))


def with_features(wishes: FeatureWishes, with_files: dict, each: PoolShard) -> PoolShard:
    return replace(each, features=features_of(each.shard, wishes, with_files))


def check_safety(shard: Shard, wishes: FeatureWishes) -> None:
    if not {"NSFW", "punsafe"} & shard.columns.keys() and not wishes.allow_untagged:
        raise UserError(
            f"shard {shard.path} has no NSFW column and no punsafe score, so nothing can be rejected as unsafe: "
            "add --allow-untagged"
        )


def features_of(shard: Shard, wishes: FeatureWishes, with_files: dict) -> dict[str, Features]:
    """Source -> features.

    Raises:
        UserError: they do not fit to the shard or the model, or there are none.
    """
    found = npz_features(shard, wishes)
    for source in wishes.sources:
        if source not in found and (features := with_files.get((shard.path, source))):
            if isinstance(features, UserError):
                raise features
            found[source] = features
    columns = vector_columns(shard, wishes) if len(found) < len(wishes.sources) else {}
    found = {source: found.get(source) or columns.get(source) for source in wishes.sources}
    found = {source: features for source, features in found.items() if features}
    for features in found.values():
        check_fit(shard, wishes, features)
    if not found and "text_index" in wishes.sources:
        found = {"text_index": Features("captions", "captions, embedded now")}
    if not found:
        raise UserError(
            f"shard {shard.path} has no image features beside it or in a column: leave out --no-text-index, or name "
            "their folder with --features"
        )
    return found


def npz_features(shard: Shard, wishes: FeatureWishes) -> dict[str, Features]:
    """Of the npz with the shard's own stem."""
    path = npz_beside(shard.path, wishes)
    if path is None:
        return {}
    known = DATACOMP_KEYS.get(wishes.model.name.removeprefix("openai_clip:"), {})
    keys = {source: wishes.keys.get(source) or known.get(source) for source in wishes.sources}
    for source in wishes.sources:
        if keys[source] is None:
            raise UserError(
                f"{path}: which of its members has {wishes.model.name}'s {WORDS[source]} features is not known: name "
                f"it with {FLAGS[source]}, or leave it out with --no-{WORDS[source]}-index"
            )
    members = open_members(path, {source: (keys[source], FLAGS[source]) for source in wishes.sources})
    return {source: Features("npz", npz_label(keys[source], array), whole(array)) for source, array in members.items()}


def npz_beside(path: Path | RemoteFile, wishes: FeatureWishes) -> Path | RemoteFile | None:
    """00.parquet has 00.npz, and so has 00.csv.gz."""
    if isinstance(path, RemoteFile) and not wishes.folder:
        return wishes.remote_npz.get(path)
    folder = wishes.folder or path.parent
    stem = Path(path.name).stem if path.name.endswith(PACKED_SUFFIXES) else path.name
    candidates = [folder / f"{each}.npz" for each in (Path(path.name).stem, Path(stem).stem)]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def npz_label(key: str, array: ArrayFile) -> str:
    if isinstance(array.path, RemoteFile):
        return f"{key} of an npz, read where it lies"
    return f"{key} of an npz{'' if array.offset else ', deflated'}"


def whole(array: ArrayFile) -> tuple:
    return ((array, 0, array.rows),)


def vector_columns(shard: Shard, wishes: FeatureWishes) -> dict[str, Features]:
    """Of a parquet shard: the columns that the user names, else those that say by their names what they are of."""
    if shard.kind != "parquet":
        return {}
    with damage_named(shard.path), parquet_file(shard.path) as (file, _):
        schema = file.schema_arrow
    lists = {field.name: field.type for field in schema if is_list(field.type)}
    found = {}
    for source in wishes.sources:
        asked = wishes.keys.get(source)
        names = [asked] if asked in lists else []
        if not asked:
            others = [pattern for name, pattern in COLUMN_NAMES.items() if name != source]
            names = [
                name
                for name, kind in lists.items()
                if fits(kind, wishes.model.width)
                and COLUMN_NAMES[source].search(name)
                and not any(pattern.search(name) for pattern in others)
            ]
        if len(names) > 1:
            raise UserError(f"shard {shard.path} has the columns {' and '.join(names)}: say which with {FLAGS[source]}")
        if names:
            check_column(shard, names[0], lists[names[0]], wishes.model)
            found[source] = Features("column", f"column {names[0]}", column=names[0])
        elif asked:
            raise UserError(f"shard {shard.path} has no npz beside it and no column of vectors {asked!r}")
    return found


def is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def fits(kind: pa.DataType, width: int) -> bool:
    is_fixed = pa.types.is_fixed_size_list(kind)
    return pa.types.is_floating(kind.value_type) and (not is_fixed or kind.list_size == width)


def check_column(shard: Shard, name: str, kind: pa.DataType, model: ModelSource) -> None:
    if kind.value_type not in (pa.float16(), pa.float32()):
        raise UserError(f"shard {shard.path}: column {name} holds {kind}, not lists of float16 or float32")
    if pa.types.is_fixed_size_list(kind) and kind.list_size != model.width:
        raise UserError(other_width(f"shard {shard.path}: column {name}", kind.list_size, model))


def check_fit(shard: Shard, wishes: FeatureWishes, features: Features) -> None:
    """Rows for rows, and the model's width."""
    if not features.parts:
        return
    for array, _, _ in features.parts:
        if array.width != wishes.model.width:
            raise UserError(other_width(array.name, array.width, wishes.model))
    rows = sum(end - begin for _, begin, end in features.parts)
    if rows != shard.rows:
        raise UserError(
            f"{features.parts[0][0].name} has {rows:,} rows, and {shard.path} has {shard.rows:,}: "
            "they are not of one pool"
        )


def other_width(where: str, width: int, model: ModelSource) -> str:
    return f"{where} has width {width}, and {model.name} embeds in {model.width}: name the model with --model"


def described(planned: list[PoolShard]) -> list[str]:
    """One line per kind of shard: what is searched."""
    kinds: dict[str, list[PoolShard]] = {}
    for each in planned:
        label = "; ".join(f"{WORDS[source]}: {features.label}" for source, features in each.features.items())
        kinds.setdefault(label, []).append(each)
    return [
        f"{len(shards):,} shard{'s' * (len(shards) > 1)}, {sum(each.shard.rows for each in shards):,} rows: {label}"
        for label, shards in kinds.items()
    ]
