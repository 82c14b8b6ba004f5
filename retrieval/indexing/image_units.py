"""The plan of an image embedding run: the units that are embedded together, their names, and what is done.

A unit is a tar of img2dataset's, a metadata parquet, or UNIT_IMAGES images of a folder. image_readers.py reads them.
The names of the outputs sort as the inputs do: retrieval/embeddings.py's order is the order of both.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.cli import UserError
from retrieval.clip_names import ModelSource
from retrieval.embeddings import is_hidden, numeric_order
from retrieval.files import file_fingerprint, settings_fingerprint
from retrieval.image_files import SUFFIXES, is_image, visible_files
from retrieval.indexing.image_readers import (
    METADATA_LINES,
    Batch,
    Notes,
    at_path,
    byte_strings,
    image_column_fault,
    plain,
    read_folder,
    read_parquet,
    read_tar,
    structs_of,
)
from retrieval.indexing.image_tars import TAR_ERRORS, TAR_NAME, first_words, is_tar
from retrieval.indexing.other_inputs import made_from

UNIT_IMAGES = 10_000  # of an ImageFolder in one unit, as many as img2dataset puts into a tar
COLUMNS = ("image_path", "image", "img", "jpg", "jpeg", "png", "webp", "file_name")  # where none is asked for
SHARD_OF = re.compile(r"(\d+)-of-\d+$")  # the Hub's train-00000-of-00002
READ_ERRORS = (*TAR_ERRORS, pa.ArrowException)  # json's are ValueErrors


@dataclass(frozen=True)
class ImageSource:
    """Where the images and their rows come from."""

    images: Path  # folder of images, or of tars
    metadata: Path | None  # parquet, or folder of them, whose `image_column` names images below `images`, or holds them
    image_column: str | None  # None: the first of COLUMNS that is there
    batch_size: int


@dataclass(frozen=True, order=True)
class Unit:
    """What is embedded together (a tar, a metadata parquet, or some of a folder's images), and its two files."""

    name: str  # its file's number, "0000"; else its place among all files
    source: Path  # the tar, the parquet, or the ImageFolder
    images: tuple[str, ...]  # of an ImageFolder, relative to it
    embeddings: Path  # img_emb_0000.npy
    metadata: Path  # metadata_0000.parquet
    column: str | None = None  # of a parquet: which holds the images

    @property
    def state(self) -> Path:
        """Written last: the fingerprint of what the unit was made from, and what was dropped."""
        return self.embeddings.with_suffix(".json")

    def made_from(self, model: str) -> dict[str, str | None]:
        """What its state says of where the embeddings come from."""
        return made_from(self.source, self.column, model)


@dataclass(frozen=True)
class Plan:
    units: list[Unit]  # in the order of their inputs
    lost: dict[str, str]  # unit's name -> why it cannot be read
    left_out: Counter  # what of --images is no input, by reason


def plan_units(source: ImageSource, embeddings: Path, metadata: Path) -> Plan:
    """All units; their files go to the folders `embeddings` and `metadata`.

    Raises:
        UserError: nothing to embed, or no parquet with an image column.
    """

    def unit(name: str, file: Path, images: tuple[str, ...] = (), column: str | None = None) -> Unit:
        outputs = embeddings / f"img_emb_{name}.npy", metadata / f"metadata_{name}.parquet"
        return Unit(name, file, images, *outputs, column)

    if source.metadata:
        files = parquets_in(source.metadata)
        names = unit_names(files, embeddings)
        columns, faults = image_columns(files, source.image_column)
        units = [unit(name, file, (), columns.get(file)) for name, file in zip(names, files, strict=True)]
        return Plan(units, {unit.name: faults[unit.source] for unit in units if unit.source in faults}, Counter())
    tars, images, left_out = walk(source.images)
    if tars:
        left_out["images beside the tars"] = len(images)
        names = unit_names(tars, embeddings)
        return Plan([unit(name, file) for name, file in zip(names, tars, strict=True)], {}, left_out)
    if not images:
        raise UserError(f"--images {source.images} holds no image ({' '.join(SUFFIXES[:6])} …) and no *.tar"
                        f"{parquet_advice(source.images)}")  # fmt: skip
    begins = range(0, len(images), UNIT_IMAGES)
    return Plan(
        [unit(folder_name(n), source.images, tuple(images[at : at + UNIT_IMAGES])) for n, at in enumerate(begins)],
        {},
        left_out,
    )


def parquet_advice(folder: Path) -> str:
    return "; it holds parquet files: give them with --metadata" if any(folder.glob("*.parquet")) else ""


# ---- the inputs ----


def parquets_in(metadata: Path) -> list[Path]:
    """The parquet files in numeric order."""
    if not metadata.is_dir():
        return [metadata]
    files = [path for path in metadata.glob("*.parquet") if path.is_file() and not is_hidden(path, metadata)]
    if not files:
        raise UserError(f"--metadata {metadata} holds no *.parquet")
    return sorted(files, key=numeric_order)


def walk(folder: Path) -> tuple[list[Path], list[str], Counter]:
    """(tars in numeric order, images relative to the folder, what is left out).

    Tars in subfolders count where the folder itself has none.
    """
    tars, images, left_out = [], [], Counter()
    for name in visible_files(folder, left_out):
        if is_image(name):
            images.append(name)
        elif TAR_NAME.search(name):
            tars.append(folder / name)
    at_the_top = [file for file in tars if file.parent == folder]
    return sorted(at_the_top or tars, key=numeric_order), sorted(images), left_out


def image_columns(files: list[Path], asked: str | None) -> tuple[dict[Path, str], dict[Path, str]]:
    """Two maps by file: its column of images; the reason, where it has none.

    Raises:
        UserError: no file has one.
    """
    columns, faults = {}, {}
    for file in files:
        try:
            columns[file] = image_column(file, asked)
        except UserError as error:
            faults[file] = str(error)
    if not columns:
        raise UserError(next(iter(faults.values())))
    return columns, faults


def image_column(file: Path, asked: str | None) -> str:
    """The file's column of images.

    Raises:
        UserError: no parquet file, no such column, or one of another type.
    """
    try:
        schema = pq.read_schema(file)
        names = schema.names
    except UnicodeDecodeError as error:
        raise UserError(f"{file} has a column whose name is not UTF-8: write it with another name") from error
    except READ_ERRORS as error:
        raise UserError(f"--metadata: {file} is no parquet file: {first_words(error)}") from error
    name = next((name for name in ((asked,) if asked else COLUMNS) if name in names), None)
    if name is None:
        raise UserError(
            f"{file} has no column {asked or COLUMNS[0]!r} of image paths; it has {', '.join(names)}: "
            "name one with --image-column"
        )
    fault = image_column_fault(schema.field(names.index(name)).type)
    if fault:
        raise UserError(f"{file}: column {name!r} {fault}; name another with --image-column")
    return name


# ---- the names ----


def unit_names(files: list[Path], embeddings: Path) -> list[str]:
    """A name for each file, given in numeric order: its number where that keeps the order, else its place, "00000".

    Names that earlier outputs in the folder `embeddings` have are kept.
    """
    earlier = [number_or_stem(file) for file in files]
    if len(set(earlier)) == len(files) and any(
        was_made_from(file, embeddings / f"img_emb_{name}.json") for file, name in zip(files, earlier, strict=True)
    ):
        return earlier
    numbers = [shard_number(file) for file in files]
    return numbers if in_order(numbers) else [place_name(place) for place in range(len(files))]


def folder_name(number: int) -> str:
    return f"{number:04}"


def place_name(place: int) -> str:
    return f"{place:05}"


def number_or_stem(file: Path) -> str:
    """The digits that the name ends with, else all of it: 00007 of metadata_00007.parquet."""
    stem = TAR_NAME.sub("", file.name) if is_tar(file) else file.stem
    digits = re.search(r"\d+$", stem)
    return digits.group() if digits else stem


def shard_number(file: Path) -> str:
    stem = TAR_NAME.sub("", file.name) if is_tar(file) else file.stem
    of = SHARD_OF.search(stem)
    return of[1] if of else number_or_stem(file)


def in_order(names: list[str]) -> bool:
    """Whether these are numbers, each higher than the one before, so that their files sort as they stand here."""
    if len(names) == 1:
        return True
    numbers = [int(name) if name.isdecimal() else -1 for name in names]
    return numbers[0] >= 0 and all(one < other for one, other in zip(numbers, numbers[1:], strict=False))


def was_made_from(file: Path, state: Path) -> bool:
    """Whether a state tells of outputs of this file; those of versions that kept no source are taken for such."""
    known = read_json_object(state)
    return bool(known) and known.get("source", file.name) == file.name


# ---- what is done ----


def fingerprint_units(
    units: list[Unit], source: ImageSource, model: ModelSource, precision: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Two maps by unit's name: the fingerprint of its inputs and settings; the reason, where it cannot be read."""
    weights = [file_fingerprint(path) for path in model.files]
    fingerprints, lost = {}, {}
    for unit in units:
        settings = {
            "model": model.identity,
            "weights": weights,
            "precision": precision,
            "batch_size": source.batch_size,  # batch composition changes float rounding
            "image_column": unit.column or source.image_column or COLUMNS[0],
        }
        try:
            fingerprints[unit.name] = settings_fingerprint([settings, inputs_of(unit, source)])
        except READ_ERRORS as error:
            lost[unit.name] = f"{unit.source}: {first_words(error)}"
    return fingerprints, lost


def inputs_of(unit: Unit, source: ImageSource) -> list:
    """What tells one version of a unit's inputs from another; an image counts with its size and time only."""
    if unit.column is None and is_tar(unit.source):
        return [file_fingerprint(unit.source)]
    described = [file_fingerprint(unit.source)] if unit.column else [_stamp(unit.source / METADATA_LINES)]
    digest = hashlib.blake2b(digest_size=16)
    for paths in path_batches(unit, source):
        digest.update(repr([path and (str(path), _stamp(path)) for path in paths]).encode())
    return [*described, digest.hexdigest()]


def path_batches(unit: Unit, source: ImageSource) -> Iterator[list[Path | None]]:
    """The paths of the unit's images, `batch_size` at a time; images that lie in a parquet have none."""
    if unit.column is None:
        for begin in range(0, len(unit.images), source.batch_size):
            yield [unit.source / path for path in unit.images[begin : begin + source.batch_size]]
        return
    with pq.ParquetFile(unit.source) as file:
        kind = file.schema_arrow.field(file.schema_arrow.names.index(unit.column)).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_struct(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return
        column = f"{unit.column}.path" if pa.types.is_struct(kind) else unit.column
        for batch in file.iter_batches(batch_size=source.batch_size, columns=[column]):
            if batch.num_columns == 0:
                return
            if pa.types.is_struct(kind):
                paths = [path for _, path in structs_of(pa.chunked_array([batch.column(0)]))]
            else:
                paths = byte_strings(plain(batch.column(0)))
            found = [at_path(path, source.images) for path in paths]
            yield [path if isinstance(path, Path) else None for path in found]


def _stamp(path: Path) -> tuple[int, int] | None:
    """(bytes, mtime_ns); None where there is no file."""
    try:
        stat = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return stat.st_size, stat.st_mtime_ns


def is_done(unit: Unit, fingerprint: str) -> bool:
    return read_state(unit).get("fingerprint") == fingerprint and unit.embeddings.exists() and unit.metadata.exists()


def read_state(unit: Unit) -> dict:
    return read_json_object(unit.state)


def read_json_object(file: Path) -> dict:
    """The object in a JSON file; {} where there is none."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_unit(unit: Unit, source: ImageSource, notes: Notes) -> Iterator[Batch]:
    if unit.column is not None:
        return read_parquet(unit.source, source.images, unit.column, source.batch_size)
    if is_tar(unit.source):
        return read_tar(unit.source, source.batch_size, notes)
    once = notes if unit.name == folder_name(0) else Notes()  # each unit reads all lines of metadata.jsonl
    return read_folder(unit.source, unit.images, source.batch_size, once)
