"""The plan of a text embedding run: each parquet shard, its caption column, and how far an earlier run has come.

A shard's rows are saved group by group (GROUP captions), so that a run that was stopped goes on at the group that it
had reached. The state file beside the embeddings holds the fingerprint of what decides the bytes; only work with the
same fingerprint is continued.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.cli import UserError
from retrieval.clip_names import ModelSource
from retrieval.columns import caption_column
from retrieval.files import file_fingerprint, free_bytes, settings_fingerprint

GROUP = 16_384  # captions sorted by length, embedded and saved together: a second of a GPU, some minutes of two cores
READ_BUFFER = 1 << 20  # bytes: pages are read one by one instead of a column of a row group at once
FLOAT16 = 2  # bytes


@dataclass(frozen=True)
class EmbeddingSettings:
    """What decides the bytes of an embedding beside the captions."""

    model: ModelSource
    precision: str
    batch_size: int


@dataclass(frozen=True)
class Unreadable:
    shard: Path
    reason: str


@dataclass(frozen=True)
class Work:
    """A shard and the file that its embeddings go to."""

    shard: Path
    column: str
    rows: int
    width: int
    target: Path  # text_embed_0000.npy
    model: str
    fingerprint: str  # of the shard, the model and what else decides the bytes
    rows_done: int  # by an earlier run of the same fingerprint
    empty: int  # null or empty captions among them

    @property
    def part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    @property
    def state(self) -> Path:
        return self.target.with_suffix(".json")

    @property
    def done(self) -> bool:
        return self.rows_done == self.rows and self.target.exists()


def find_shards(folder: Path) -> list[Path]:
    """The folder's parquet files.

    Raises:
        UserError: none, or two that would share an embedding file.
    """
    shards = sorted(folder.glob("*.parquet"))
    if not shards:
        raise UserError(f"--input-parquet-dir {folder} holds no *.parquet")
    names: dict[str, Path] = {}
    for shard in shards:
        twin = names.setdefault(embedding_name(shard), shard)
        if twin is not shard:
            raise UserError(
                f"{twin.name} and {shard.name} would both become {embedding_name(shard)}: put them in folders of their "
                "own, or rename one"
            )
    return shards


def embedding_name(shard: Path) -> str:
    """metadata_0007.parquet -> text_embed_0007.npy; a name without a number keeps its stem."""
    digits = re.search(r"\d+$", shard.stem)
    return f"text_embed_{digits.group() if digits else shard.stem}.npy"


def plan_work(shard: Path, output: Path, asked_column: str | None, settings: EmbeddingSettings) -> Work | Unreadable:
    """Open the shard's footer, find the captions, and find out what an earlier run has done of it.

    Raises:
        UserError: a shard without a caption column.
    """
    try:
        with pq.ParquetFile(shard) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
    except (pa.ArrowInvalid, OSError) as error:
        return Unreadable(shard, str(error).splitlines()[0])
    column = text_column(shard, schema, asked_column)
    fingerprint = settings_fingerprint(
        {
            "shard": file_fingerprint(shard),
            "column": column,
            "model": settings.model.name,
            "weights": [file_fingerprint(path) for path in settings.model.files],
            "precision": settings.precision,
            "batch_size": settings.batch_size,  # batch composition changes float rounding
            "group": GROUP,
        }
    )
    target = output / embedding_name(shard)
    return resume(Work(shard, column, rows, settings.model.width, target, settings.model.name, fingerprint, 0, 0))


def text_column(shard: Path, schema: pa.Schema, asked: str | None) -> str:
    """The shard's caption column, which holds text.

    Raises:
        UserError: no such column, or one of another type.
    """
    name = caption_column(schema.names, asked)
    if name is None:
        raise UserError(
            f"{shard} has no caption column{f' {asked!r}' if asked else ''}; it has {', '.join(schema.names)}: "
            "name one with --caption-column"
        )
    kind = schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise UserError(f"{shard}: column {name!r} holds {kind}, not text: name the captions with --caption-column")
    return name


def resume(work: Work) -> Work:
    """The same work with `rows_done` and `empty` of an earlier run of the same fingerprint."""
    try:
        state = json.loads(work.state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return work
    if state.get("fingerprint") != work.fingerprint:
        return work
    reached = replace(work, rows_done=state["rows_done"], empty=state["empty"])
    return reached if reached.part.exists() or reached.done else work


def check_space(todo: list[Work], output: Path) -> None:
    """Refuse a run whose embeddings do not fit on the disk."""
    needed, free = sum((work.rows - work.rows_done) * work.width * FLOAT16 for work in todo), free_bytes(output)
    if needed > free:
        raise UserError(
            f"--output-embeddings-dir {output} has {free / 1e9:,.1f} GB left and {needed / 1e9:,.1f} GB are to be "
            "written: free some, or give a folder on a larger disk"
        )


def read_captions(shard: Path, column: str) -> Iterator[list[str | None]]:
    """The captions, GROUP by GROUP whatever the shard's row groups are."""
    captions = []
    with pq.ParquetFile(shard, buffer_size=READ_BUFFER, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=GROUP, columns=[column]):
            captions += batch.column(0).to_pylist()
            while len(captions) >= GROUP:
                yield captions[:GROUP]
                del captions[:GROUP]
    if captions:
        yield captions
