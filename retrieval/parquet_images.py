"""Where an image lies in a parquet: FILE#GROUP:ROW@OFFSET+SIZE/COLUMN, such as /0.parquet#3:17@900+7000/image.bytes.

GROUP is the row group and ROW the row in it, both from 0. Its images lie together in the SIZE bytes of one column chunk
from OFFSET on: a file where they lie elsewhere is another than it was. The filters write the place into their records
(PIXELS), as of images in tars (tar_images.py), and the downloader reads the image there.
"""

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

# Of columns of bytes, which may be anything, those of these names are images. A struct of bytes and path is what
# Hugging Face `datasets` writes for an image, also of other names.
NAMES = ("image", "img", "jpg", "jpeg", "png", "webp")
# A column chunk is held in memory for its images. `datasets` writes row groups of 100 images: 10 MB of web photographs.
LARGEST_CHUNK = 1 << 28
_PLACE = re.compile(r"(.+?)#(\d+):(\d+)@(\d+)\+(\d+)/(.+)", re.DOTALL)


class RowPlace(NamedTuple):
    file: str  # an absolute path, or an address
    group: int
    row: int
    offset: int  # bytes before the column chunk
    size: int  # bytes of the column chunk
    column: str  # the leaf: "image", or "image.bytes" of a struct


def group_places(schema: pa.Schema, footer: pq.FileMetaData) -> tuple[str | None, ...]:
    """Of each row group, the place of its images with `{}` for the row; None where it holds none. () without images."""
    leaf = _image_leaf(schema)
    if leaf is None:
        return ()
    places = tuple(_group_place(footer, number, leaf) for number in range(footer.num_row_groups))
    return places if any(places) else ()


def _image_leaf(schema: pa.Schema) -> str | None:
    known = {name: kind for name, kind in zip(schema.names, schema.types, strict=True) if schema.names.count(name) == 1}
    named = {name: kind for name, kind in known.items() if name.lower() in NAMES}
    for name, kind in (*named.items(), *known.items()):
        if pa.types.is_struct(kind):
            parts = {field.name: field.type for field in kind}
            if {"bytes", "path"} <= parts.keys() and _is_binary(parts["bytes"]):
                return f"{name}.bytes"
        elif name in named and _is_binary(kind):
            return name
    return None


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _group_place(footer: pq.FileMetaData, number: int, leaf: str) -> str | None:
    chunk = chunk_of(footer, number, leaf)
    if chunk is None or chunk.total_uncompressed_size > LARGEST_CHUNK:
        return None
    if chunk.is_stats_set and chunk.statistics.has_null_count and chunk.statistics.null_count == chunk.num_values:
        return None  # paths to files that were left behind
    return f"{number}:{{}}@{start_of(chunk)}+{chunk.total_compressed_size}/{leaf}"


def chunk_of(footer: pq.FileMetaData, number: int, leaf: str) -> pq.ColumnChunkMetaData | None:
    row_group = footer.row_group(number)
    chunks = (row_group.column(place) for place in range(row_group.num_columns))
    return next((chunk for chunk in chunks if chunk.path_in_schema == leaf), None)


def start_of(chunk: pq.ColumnChunkMetaData) -> int:
    return min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)), default=0)


def split_row(text: str) -> RowPlace | None:
    """None where it is no place in a parquet."""
    found = _PLACE.fullmatch(text)
    return RowPlace(found[1], *map(int, found.groups()[1:5]), found[6]) if found else None
