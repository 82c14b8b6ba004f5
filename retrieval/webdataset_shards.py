"""The metadata of a webdataset tar as a shard: each KEY.json, with KEY.txt beside it, is a row in the tar's order.

A key ends at the first dot of a file's name, as webdataset has it. The images are passed over.
"""

import itertools
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.noting_tar import NotingTar
from retrieval.shard import Batch, Shard, named_columns
from retrieval.shard_columns import object_batch
from retrieval.shard_file import open_unpacked

BATCH_ROWS = 1 << 12
SAMPLE_ROWS = 100  # whose keys are the columns; the images before them are passed over
SIDECARS = ("json", "txt")
LONGEST_SIDECAR = 1 << 24  # bytes


def open_tar(path: Path, asked: ColumnChoice) -> Shard:
    """Find the columns in the first rows.

    Raises:
        UserError: it holds no metadata, or lacks what a shard needs.
    """
    with open_unpacked(path) as stream:
        sample = [row for row in itertools.islice(_rows(path, stream), SAMPLE_ROWS) if row is not None]
    names = list(dict.fromkeys(key for row in sample for key in row))
    if not sample:
        raise UserError(
            f"shard {path} is a tar without metadata (KEY.json or KEY.txt): "
            "knn_indices_helper/compute_image_embeddings.py reads its images"
        )
    return Shard(path, "tar", named_columns(path, names, asked), None, names=tuple(names))


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
    key, found = None, {}
    for member, content in _sidecars(path, stream):
        folder, slash, file = member.name.rpartition("/")
        stem, _, suffix = file.partition(".")
        if key != (folder, stem) or suffix in found:
            if found:
                yield _row(found)
            key, found = (folder, stem), {}
        found[suffix] = content
    if found:
        yield _row(found)


def _row(found: dict[str, bytes | None]) -> dict | None:
    if None in found.values():
        return None
    try:
        row = json.loads(found["json"].decode("utf-8-sig", "replace")) if "json" in found else {}
    except (ValueError, RecursionError):
        return None
    text = {"txt": found["txt"].decode("utf-8-sig", "replace")} if "txt" in found else {}
    return text | row if isinstance(row, dict) else None


def _sidecars(path: Path, stream: pa.NativeFile) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """The files with metadata, and their content; None for one that is too long."""
    mode = "r:" if stream.seekable() else "r|"
    zeros_before = 0
    try:
        with NotingTar.open(fileobj=stream, mode=mode, ignore_zeros=True) as tar:
            for member in tar:
                tar.members, zeros_before = [], tar.zero_blocks  # members would be kept for all images
                suffix = member.name.rpartition("/")[2].partition(".")[2]
                if member.isfile() and suffix in SIDECARS:
                    yield member, tar.extractfile(member).read() if member.size <= LONGEST_SIDECAR else None
            if tar.bad_header is not None:
                raise tarfile.ReadError(f"no tar header before byte {tar.bad_header:,}")
            if tar.zero_blocks == zeros_before:
                raise tarfile.ReadError("no end mark")
    except (tarfile.TarError, EOFError) as error:
        raise UserError(f"shard {path} is damaged ({error}): fetch it again") from error
