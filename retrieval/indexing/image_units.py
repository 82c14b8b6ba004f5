"""The plan of an image embedding run: the units that are embedded together, how they are read, and what is done.

A unit is a tar of img2dataset's, a metadata parquet, or UNIT_IMAGES images of a folder. Each reader gives
(table, images), a batch of rows at a time. An image is a path, its bytes, or None where the row has none.
"""

import contextlib
import hashlib
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.cli import UserError
from retrieval.clip_names import ModelSource
from retrieval.files import file_fingerprint, settings_fingerprint

UNIT_IMAGES = 10_000  # of an ImageFolder in one unit, as many as img2dataset puts into a tar
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
METADATA_LINES = "metadata.jsonl"
READ_ERRORS = (OSError, ValueError, tarfile.TarError)  # pyarrow's and json's are ValueErrors

Image = Path | bytes | None
Batch = tuple[pa.Table, list[Image]]


@dataclass(frozen=True)
class ImageSource:
    """Where the images and their rows come from."""

    images: Path  # folder of images, or of tars
    metadata: Path | None  # parquet, or folder of them, whose `image_column` names images below `images`
    image_column: str
    batch_size: int


@dataclass(frozen=True, order=True)
class Unit:
    """What is embedded together (a tar, a metadata parquet, or some of a folder's images), and its two files."""

    name: str  # its file's number, "0000", or stem
    source: Path  # the tar, the parquet, or the ImageFolder
    images: tuple[str, ...]  # of an ImageFolder, relative to it
    embeddings: Path  # img_emb_0000.npy
    metadata: Path  # metadata_0000.parquet

    @property
    def state(self) -> Path:
        """Written last: the fingerprint of what the unit was made from, and what was dropped."""
        return self.embeddings.with_suffix(".json")


def plan_units(source: ImageSource, embeddings: Path, metadata: Path) -> list[Unit]:
    """Units in the order of their names; their files go to the folders `embeddings` and `metadata`.

    Raises:
        UserError: nothing to embed, two files that would share an output, a parquet without the image column.
    """
    found = find_sources(source)
    if not found:
        raise UserError(
            f"--metadata {source.metadata} holds no *.parquet"
            if source.metadata
            else f"--images {source.images} holds no image ({' '.join(SUFFIXES)}) and no *.tar"
        )
    names = Counter(name for name, _, _ in found)
    for name, file, _ in found:
        if names[name] > 1:
            raise UserError(f"several inputs would become img_emb_{name}.npy, {file} among them: rename them")
    return [
        Unit(name, file, images, embeddings / f"img_emb_{name}.npy", metadata / f"metadata_{name}.parquet")
        for name, file, images in found
    ]


def find_sources(source: ImageSource) -> list[tuple[str, Path, tuple[str, ...]]]:
    """(name, source, images) of each unit."""
    if source.metadata:
        files = sorted(source.metadata.glob("*.parquet")) if source.metadata.is_dir() else [source.metadata]
        for file in files:
            check_image_column(file, source.image_column)
        return [(number_or_stem(file), file, ()) for file in files]
    tars = sorted(source.images.glob("*.tar"))
    if tars:
        return [(number_or_stem(file), file, ()) for file in tars]
    images = sorted(
        path.relative_to(source.images).as_posix()
        for path in source.images.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    return [
        (f"{begin // UNIT_IMAGES:04}", source.images, tuple(images[begin : begin + UNIT_IMAGES]))
        for begin in range(0, len(images), UNIT_IMAGES)
    ]


def number_or_stem(file: Path) -> str:
    digits = re.search(r"\d+$", file.stem)
    return digits.group() if digits else file.stem


def check_image_column(file: Path, column: str) -> None:
    try:
        names = pq.read_schema(file).names
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"--metadata: {file} is no parquet file: {first_line(error)}") from error
    if column not in names:
        raise UserError(
            f"{file} has no column {column!r} of image paths; it has {', '.join(names)}: name one with --image-column"
        )


def fingerprint_units(
    units: list[Unit], source: ImageSource, model: ModelSource, precision: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Two maps by unit's name: the fingerprint of its inputs and settings; the reason, where it cannot be read."""
    settings = {
        "model": model.name,
        "weights": [file_fingerprint(path) for path in model.files],
        "precision": precision,
        "batch_size": source.batch_size,  # batch composition changes float rounding
        "image_column": source.image_column,
    }
    fingerprints, lost = {}, {}
    for unit in units:
        try:
            fingerprints[unit.name] = settings_fingerprint([settings, inputs_of(unit, source)])
        except READ_ERRORS as error:
            lost[unit.name] = f"{unit.source}: {first_line(error)}"
    return fingerprints, lost


def inputs_of(unit: Unit, source: ImageSource) -> list:
    """What tells one version of a unit's inputs from another; an image counts with its size and time only."""
    if unit.source.suffix == ".tar":
        return [file_fingerprint(unit.source)]
    described = [file_fingerprint(unit.source)] if source.metadata else [_stamp(unit.source / METADATA_LINES)]
    digest = hashlib.blake2b(digest_size=16)
    for _, images in read_unit(unit, source):
        digest.update(repr([path and (str(path), _stamp(path)) for path in images]).encode())
    return [*described, digest.hexdigest()]


def _stamp(path: Path) -> tuple[int, int] | None:
    """(bytes, mtime_ns); None where there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def is_done(unit: Unit, fingerprint: str) -> bool:
    return read_state(unit).get("fingerprint") == fingerprint and unit.embeddings.exists() and unit.metadata.exists()


def read_state(unit: Unit) -> dict:
    try:
        return json.loads(unit.state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


# ---- the readers ----


def read_unit(unit: Unit, source: ImageSource) -> Iterator[Batch]:
    if unit.source.suffix == ".tar":
        return read_tar(unit.source, source.batch_size)
    if source.metadata:
        return read_parquet(unit.source, source)
    return read_folder(unit, source.batch_size)


def read_parquet(file: Path, source: ImageSource) -> Iterator[Batch]:
    with pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as opened:
        for batch in opened.iter_batches(batch_size=source.batch_size):
            table = pa.Table.from_batches([batch])
            paths = table.column(source.image_column).to_pylist()
            yield table, [source.images / path if path else None for path in paths]


def read_folder(unit: Unit, batch_size: int) -> Iterator[Batch]:
    """Rows are image_path, class, and what metadata.jsonl (of `datasets`' ImageFolder) says of the file."""
    known = {}
    with contextlib.suppress(FileNotFoundError), open(unit.source / METADATA_LINES, encoding="utf-8") as lines:
        wanted = set(unit.images)
        known = {row["file_name"]: row for row in map(json.loads, lines) if row.get("file_name") in wanted}
    rows = [
        known.get(path, {}) | {"image_path": path, "class": path.rpartition("/")[0].rpartition("/")[2] or None}
        for path in unit.images
    ]
    table = table_of(rows)
    for begin in range(0, len(rows), batch_size):
        paths = unit.images[begin : begin + batch_size]
        yield table.slice(begin, batch_size), [unit.source / path for path in paths]


def read_tar(file: Path, batch_size: int) -> Iterator[Batch]:
    """Rows are key, what KEY.json says, and caption from KEY.txt where the JSON has none (img2dataset writes all)."""
    with tarfile.open(file) as tar:

        def content(member: tarfile.TarInfo) -> bytes:
            return tar.extractfile(member).read()

        rows, images = [], []
        for key, sample in samples_of(tar).items():
            image = next((sample[suffix] for suffix in SUFFIXES if suffix in sample), None)
            if image is None and ".json" not in sample:
                continue  # no sample: a README, a list
            row = json.loads(content(sample[".json"])) if ".json" in sample else {}
            if row.get("caption") is None and ".txt" in sample:
                row["caption"] = content(sample[".txt"]).decode("utf-8", "replace")
            rows.append(row | {"key": key})
            images.append(image)
        table = table_of(rows)
        for begin in range(0, len(rows), batch_size):
            members = images[begin : begin + batch_size]
            yield table.slice(begin, batch_size), [member and content(member) for member in members]


def samples_of(tar: tarfile.TarFile) -> dict[str, dict[str, tarfile.TarInfo]]:
    """Key -> suffix -> member; webdataset's rule: the key is the name up to its first dot."""
    samples: dict[str, dict[str, tarfile.TarInfo]] = {}
    for member in tar:
        folder, _, name = member.name.rpartition("/")
        key, _, suffix = name.partition(".")
        if member.isfile():
            samples.setdefault(f"{folder}/{key}".lstrip("/"), {})[f".{suffix.lower()}"] = member
    return samples


def table_of(rows: list[dict]) -> pa.Table:
    """The rows' plain values; a column whose values are of several kinds becomes text."""
    plain = (str, int, float, bool, type(None))
    names = dict.fromkeys(name for row in rows for name, value in row.items() if isinstance(value, plain))
    columns = {}
    for name in names:
        values = [row.get(name) if isinstance(row.get(name), plain) else None for row in rows]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            columns[name] = pa.array([None if value is None else str(value) for value in values])
    return pa.table(columns)
