"""The metadata of a webdataset tar as a shard: each KEY.json, with KEY.txt beside it, is a row in the tar's order.

A key ends at the first dot of a file's name, as webdataset has it. Of an image the row has the place in the tar
(tar_images.py), and nothing is read; a packed tar has no such places.
"""

import itertools
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from retrieval.batch import Batch
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.noting_tar import NotingTar
from retrieval.shard import Shard, named_columns
from retrieval.shard_columns import object_batch
from retrieval.shard_file import open_unpacked
from retrieval.tar_images import PIXELS, is_image_member, place_in_tar

BATCH_ROWS = 1 << 12
SAMPLE_ROWS = 100  # whose keys are the columns; the images before them are passed over
SIDECARS = ("json", "txt")
LONGEST_SIDECAR = 1 << 24  # bytes


def open_tar(path: Path, asked: ColumnChoice) -> Shard:
    """Find the columns in the first rows. Rows whose images lie in the tar need no URL.

    Raises:
        UserError: it holds no metadata, or lacks what a shard needs.
    """
    with open_unpacked(path) as stream:
        sample = [row for row in itertools.islice(_rows(path, stream), SAMPLE_ROWS) if row is not None]
    names = list(dict.fromkeys(key for row in sample for key in row if key != PIXELS))
    has_pixels = any(row[PIXELS] for row in sample)
    if not sample:
        raise UserError(
            f"shard {path} is a tar without metadata (KEY.json or KEY.txt): "
            "knn_indices_helper/compute_image_embeddings.py reads its images"
        )
    columns = named_columns(path, names, replace(asked, needs_url=asked.needs_url and not has_pixels))
    return Shard(path, "tar", columns | ({PIXELS: PIXELS} if has_pixels else {}), None, names=tuple(names))


def tar_batches(shard: Shard) -> Iterator[Batch]:
    """All rows."""
    first = 0
    with open_unpacked(shard.path) as stream:
        rows = _rows(shard.path, stream)
        while block := list(itertools.islice(rows, BATCH_ROWS)):
            lost = f"row {first + block.index(None):,} is no JSON object" if None in block else ""
            yield object_batch(shard, first, block, lost)
            first += len(block)


def _rows(path: Path, stream: pa.NativeFile) -> Iterator[dict | None]:
    """The samples' metadata; None where a JSON file holds no object."""
    key, found, images = None, {}, []  # of the sample: its sidecars, and the places of its images
    for member, content in _members(path, stream):
        folder, slash, file = member.name.rpartition("/")
        stem, _, suffix = file.partition(".")
        if key != (folder, stem) or suffix in found:
            if found:
                yield _row(found, images)
            images = images[1:] if key == (folder, stem) else []  # a key that comes twice: the second image is its own
            key, found = (folder, stem), {}
        if suffix in SIDECARS:
            found[suffix] = content
        elif len(images) < 2:
            images.append(place_in_tar(member))
    if found:
        yield _row(found, images)


def _row(found: dict[str, bytes | None], images: list[str]) -> dict | None:
    if None in found.values():
        return None
    try:
        row = json.loads(found["json"].decode("utf-8-sig", "replace")) if "json" in found else {}
    except (ValueError, RecursionError):
        return None
    text = {"txt": found["txt"].decode("utf-8-sig", "replace")} if "txt" in found else {}
    return text | row | {PIXELS: images[0] if images else None} if isinstance(row, dict) else None


def _members(path: Path, stream: pa.NativeFile) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """The files with metadata, and their content, None for one that is too long; and the images of a tar not packed."""
    is_plain = stream.seekable()
    mode = "r:" if is_plain else "r|"
    zeros_before = 0
    try:
        with NotingTar.open(fileobj=stream, mode=mode, ignore_zeros=True) as tar:
            for member in tar:
                tar.members, zeros_before = [], tar.zero_blocks  # members would be kept for all images
                suffix = member.name.rpartition("/")[2].partition(".")[2]
                if member.isfile() and suffix in SIDECARS:
                    yield member, tar.extractfile(member).read() if member.size <= LONGEST_SIDECAR else None
                elif is_plain and is_image_member(member):
                    yield member, None
            if tar.bad_header is not None:
                raise tarfile.ReadError(f"no tar header before byte {tar.bad_header:,}")
            if tar.zero_blocks == zeros_before:
                raise tarfile.ReadError("no end mark")
    except (tarfile.TarError, EOFError) as error:
        raise UserError(f"shard {path} is damaged ({error}): fetch it again") from error
