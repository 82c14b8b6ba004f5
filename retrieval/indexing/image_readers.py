"""The readers of image units: a tar, a metadata parquet, or images of a folder, as (table, images), batch by batch.

An image is a path, its bytes, or the reason why there is neither. What a reader cannot read costs the fields of one
row, never the unit: it is counted in `Notes`, and said.
"""

import io
import itertools
import json
import os
import posixpath
import re
import tarfile
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.image_files import BROKEN, MISSING, SUFFIXES, Image
from retrieval.indexing.image_tars import Sample, list_samples, read_member
from retrieval.noting_tar import NotingTar

METADATA_LINES = "metadata.jsonl"
LONGEST_PATH = 4096  # bytes; Linux takes no longer path
SURROGATES = re.compile("[\ud800-\udfff]")  # bytes of a file's name that are not UTF-8, halves of JSON's \uD83D\uDE00

Batch = tuple[pa.Table, list[Image]]


@dataclass
class Notes:
    """What a reader met beside the rows."""

    sidecars: list[str] = field(default_factory=list)  # JSON files or lines that could not be read
    hidden: int = 0  # images in a tar whose names begin with a dot
    damage: str | None = None  # why the unit may have had more rows


# ---- a metadata parquet ----


def image_column_fault(kind: pa.DataType) -> str | None:
    """Why a column of this type holds no images; None where it does: paths, bytes, or structs of bytes and path."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_struct(kind):
        fields = {field.name: field.type for field in kind}
        parts = [fields[name] for name in ("bytes", "path") if name in fields]
        if parts and all(holds_bytes(part) or pa.types.is_null(part) for part in parts):
            return None
    elif holds_bytes(kind) or pa.types.is_null(kind):
        return None
    return f"holds {kind}: images are paths, bytes, or structs of bytes and path"


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of this type are texts or bytes."""
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(is_kind(kind) for is_kind in (*kinds, pa.types.is_fixed_size_binary))


def read_parquet(file: Path, images: Path, column: str, batch_size: int) -> Iterator[Batch]:
    """Rows are the parquet's, without the bytes of the images; of a struct the path is left.

    A parquet of nothing but bytes has rows of their numbers, because a file without columns has no rows.
    """
    with pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as opened:
        index = opened.schema_arrow.names.index(column)
        batches = opened.iter_batches(batch_size=batch_size) if opened.metadata.num_rows else [None]
        begin = 0
        for batch in batches:
            whole = opened.schema_arrow.empty_table() if batch is None else pa.Table.from_batches([batch])
            table = without_bytes(whole, index)
            if table.num_columns == 0:
                table = pa.table({"row": pa.array(range(begin, begin + len(whole)), pa.int64())})
            yield readable(table.rename_columns(unlike(table.schema.names))), images_of(whole.column(index), images)
            begin += len(whole)


def unlike(names: list[str]) -> list[str]:
    """Column names, each once (url, url_2): files with two of one name are read by few."""
    seen: dict[str, None] = {}
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        seen[name if name not in seen else next(other for other in numbered if other not in {*seen, *names})] = None
    return list(seen)


def without_bytes(table: pa.Table, index: int) -> pa.Table:
    values, name = table.column(index), table.schema.names[index]
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_struct(kind):
        if kind.get_field_index("path") < 0:
            return table.remove_column(index)
        return table.set_column(index, name, pa.array(paths_of_structs(values), pa.string()))
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return table.remove_column(index) if is_bytes else table


def paths_of_structs(values: pa.ChunkedArray) -> list[str | None]:
    return [None if path is None else writable(os.fsdecode(path)) for _, path in structs_of(values)]


def structs_of(values: pa.ChunkedArray) -> list[tuple[bytes | None, bytes | None]]:
    """(bytes, path) of each struct."""
    if not len(values):
        return []
    values = pa.concat_arrays([plain(chunk) for chunk in values.chunks])
    names = [field.name for field in values.type]
    valid = values.is_valid().to_pylist()
    columns = [
        byte_strings(values.field(names.index(name))) if name in names else [None] * len(values)
        for name in ("bytes", "path")
    ]
    return [pair if there else (None, None) for there, pair in zip(valid, zip(*columns, strict=True), strict=True)]


def plain(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def byte_strings(values: pa.Array) -> list[bytes | None]:
    """Texts or bytes as bytes: texts may not be UTF-8."""
    if pa.types.is_null(values.type):
        return [None] * len(values)
    return values.cast(pa.large_binary()).to_pylist()


def images_of(values: pa.ChunkedArray, images: Path) -> list[Image]:
    """What a column says of each image: its bytes, or its path below `images`."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_struct(kind):
        return [content or at_path(path, images) for content, path in structs_of(values)]
    strings = [value for chunk in values.chunks for value in byte_strings(plain(chunk))]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [at_path(value, images) for value in strings]
    return [bytes_or_path(value, images) for value in strings]


def at_path(path: bytes | None, images: Path) -> Path | str:
    return images / os.fsdecode(path) if path else MISSING


def bytes_or_path(value: bytes | None, images: Path) -> Image:
    """Bytes are the image itself, or its path: some writers mark no column as text."""
    if value and len(value) <= LONGEST_PATH and b"\0" not in value:
        path = images / os.fsdecode(value)
        if os.path.isfile(path):
            return path
    return value or MISSING


def readable(table: pa.Table) -> pa.Table:
    """The table with texts that are UTF-8: what is not, becomes U+FFFD, or later readers would stop at it."""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        for index, values in enumerate(table.columns):
            if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
                texts = [
                    None if value is None else value.decode("utf-8", "replace")
                    for chunk in values.chunks
                    for value in byte_strings(chunk)
                ]
                table = table.set_column(index, table.schema.field(index), pa.array(texts, values.type))
    return table


# ---- a folder ----


def read_folder(folder: Path, images: tuple[str, ...], batch_size: int, notes: Notes) -> Iterator[Batch]:
    """Rows are image_path, class, and what metadata.jsonl (of `datasets`' ImageFolder) says of the file."""
    known = fields_by_image(folder / METADATA_LINES, images, notes)
    rows = []
    for path in images:
        fields = known.get(path, {})
        folder_name = path.rpartition("/")[0].rpartition("/")[2]
        rows.append(fields | {"image_path": path, "class": folder_name or fields.get("class")})
    table = table_of(rows)
    for begin in range(0, len(rows), batch_size):
        paths = images[begin : begin + batch_size]
        yield table.slice(begin, batch_size), [folder / path for path in paths]


def fields_by_image(file: Path, images: Iterable[str], notes: Notes) -> dict[str, dict]:
    """Image -> what the lines of metadata.jsonl say of it; a line that is no object is noted."""
    images = set(images)
    respelled = {plain_path(image): image for image in images}
    known: dict[str, dict] = {}
    try:
        with open(file, "rb") as content:
            for number, line in enumerate(json_lines(content), 1):
                fields = fields_in(line) if line.strip() else {}
                if fields is None:
                    notes.sidecars.append(f"line {number:,} of {file.name}")
                elif isinstance(fields.get("file_name"), str):
                    name = fields["file_name"]
                    known[name if name in images else respelled.get(plain_path(name))] = fields
    except FileNotFoundError:
        pass
    except (OSError, UnicodeError) as error:
        notes.sidecars.append(f"{file.name} ({(str(error) or type(error).__name__).splitlines()[0]})")
    return known


def json_lines(content: io.BufferedReader) -> Iterator[bytes | str]:
    """The lines; as text where the file is UTF-16, which Windows' shells write."""
    start = content.peek(2)[:2]
    if start in (b"\xff\xfe", b"\xfe\xff"):
        return iter(io.TextIOWrapper(content, "utf-16"))
    return iter(content)


def plain_path(path: str) -> str:
    """One spelling of ./cat/0.jpg, cat\\0.jpg and cat/0.jpg, and of an accent in one character or two."""
    if "/" not in path and "\\" not in path and path.isascii():
        return path
    return unicodedata.normalize("NFC", posixpath.normpath(path.replace("\\", "/")))


# ---- a tar ----


def read_tar(file: Path, batch_size: int, notes: Notes) -> Iterator[Batch]:
    """Rows are key, what KEY.json says, and caption from KEY.txt where the JSON has none (img2dataset writes all)."""
    with NotingTar.open(file, ignore_zeros=True) as tar:
        contents = list_samples(tar, SUFFIXES)
        if contents.damage and not tar.members:
            raise tarfile.ReadError(contents.damage)
        notes.hidden, notes.damage = contents.hidden, contents.damage
        table = table_of([tar_row(tar, sample, notes) for sample in contents.samples], ("key",))
        for begin in range(0, max(1, len(contents.samples)), batch_size):
            samples = contents.samples[begin : begin + batch_size]
            yield table.slice(begin, batch_size), [tar_image(tar, sample) for sample in samples]


def tar_row(tar: NotingTar, sample: Sample, notes: Notes) -> dict:
    row = {}
    if ".json" in sample.sidecars:
        member = sample.sidecars[".json"]
        fields = fields_in(read_member(tar, member) or b"")
        if fields is None:
            notes.sidecars.append(member.name)
        row = fields or {}
    if row.get("caption") is None and ".txt" in sample.sidecars:
        caption = read_member(tar, sample.sidecars[".txt"])
        if caption is None:
            notes.sidecars.append(sample.sidecars[".txt"].name)
        else:
            row["caption"] = caption.decode("utf-8-sig", "replace")
    return row | {"key": sample.key}


def tar_image(tar: NotingTar, sample: Sample) -> Image:
    if sample.image is None:
        return MISSING
    content = read_member(tar, sample.image)
    if content is None:
        return BROKEN if sample.image.isfile() else MISSING  # cut short; a link that leads nowhere
    return content


# ---- fields ----


def fields_in(line: bytes | str) -> dict | None:
    """The fields of a JSON object; None where it is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def table_of(rows: list[dict], always: tuple[str, ...] = ()) -> pa.Table:
    """The rows' plain values; a column whose values are of several kinds becomes text.

    Args:
        always: columns of text that the table has also without rows.
    """
    kinds = (str, int, float, bool, type(None))
    rows = [{writable(name): value for name, value in row.items() if isinstance(value, kinds)} for row in rows]
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        values = [writable(value) if isinstance(value, str) else value for value in values]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            columns[name] = pa.array([None if value is None else str(value) for value in values])
    return pa.table(columns or {name: pa.array([], pa.string()) for name in always})


def writable(text: str) -> str:
    """The text, with U+FFFD for what cannot be written as UTF-8."""
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)
