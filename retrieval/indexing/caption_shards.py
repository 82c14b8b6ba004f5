"""The plan of a text embedding run: each parquet shard, its caption column, and how far an earlier run has come.

A shard's rows are saved group by group (GROUP captions), so that a run that was stopped goes on at the group that it
had reached. The state file beside the embeddings holds the fingerprint of what decides the bytes; only work with the
same fingerprint is continued.
"""

import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from retrieval.arrow_values import is_text
from retrieval.caption_groups import GROUP, grouped
from retrieval.cli import UserError
from retrieval.clip_names import ModelSource
from retrieval.columns import ColumnChoice, caption_column, choice_notes
from retrieval.file_kinds import is_shard_name, is_streamed_from_afar
from retrieval.files import file_fingerprint, free_bytes, settings_fingerprint
from retrieval.index_folder import is_hidden
from retrieval.indexing.other_inputs import made_from
from retrieval.opened_shard import open_shard
from retrieval.parquet_shards import parquet_file
from retrieval.remote_address import RemoteFile, ShardChanged, is_address, scheme_of
from retrieval.shard import Shard
from retrieval.shards import caption_batches

READ_BUFFER = 1 << 20  # bytes: pages are read one by one instead of a column of a row group at once
FLOAT16 = 2  # bytes
FOOTERS_AT_ONCE = 8  # of remote shards
LONGEST_NAME = 240  # bytes: a file system takes 255, and while it is written a name is .NAME.part
# The first number of a name, with what comes before it and after it. Hexadecimal digits go on with a letter.
NUMBERED = re.compile(r"(?P<before>\D*)(?P<number>\d+)(?P<after>(?:[-_.].*)?)")
READ_ERRORS = (
    pa.ArrowException,
    OSError,
    ValueError,
    UserError,
)  # ValueError: texts that are not UTF-8, also names of columns


class NoCaptions(ValueError):
    """A shard without a column of captions."""


@dataclass(frozen=True)
class EmbeddingSettings:
    """What decides the bytes of an embedding beside the captions."""

    model: ModelSource
    precision: str
    batch_size: int


@dataclass(frozen=True)
class Unreadable:
    shard: Path | RemoteFile
    reason: str
    no_captions: bool = False  # it can be read, and no column of it was taken for the captions
    has_changed: bool = False  # a remote one, since it was listed


@dataclass(frozen=True)
class Work:
    """A shard and the file that its embeddings go to."""

    shard: Path | RemoteFile
    column: str
    rows: int
    width: int
    target: Path  # text_embed_0000.npy
    model: str
    fingerprint: str  # of the shard, the model and what else decides the bytes
    rows_done: int  # by an earlier run of the same fingerprint
    empty: int  # null or empty captions among them
    listed: tuple[str, ...] = ()  # the names of the columns of a list without names
    notes: tuple[str, ...] = ()  # which captions are taken, where several columns could be

    @property
    def part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    @property
    def state(self) -> Path:
        return self.target.with_suffix(".json")

    @property
    def done(self) -> bool:
        return self.rows_done == self.rows and self.target.exists()

    @property
    def made_from(self) -> dict[str, str | None]:
        """What its state says of where the embeddings come from."""
        return made_from(self.shard, self.column, self.model)


def find_shards(place: str, output: Path) -> dict[Path | RemoteFile, str]:
    """The shards of a folder or an address, each with the name of its embedding file.

    Those are the folder's parquet files, or where it has none its shards of other formats. (img2dataset's folders hold
    a parquet beside each tar, of the same rows.)

    Args:
        output: keeps the listing of remote shards.

    Raises:
        UserError: there is none, or two remote ones have one name.
    """
    if is_address(place):
        return embedding_names(_find_remote(place, output))
    folder = Path(place)
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not is_hidden(path, folder)]
    shards = [path for path in files if path.suffix == ".parquet"]
    shards = shards or [path for path in files if is_shard_name(path.name)]
    if not shards:
        raise UserError(f"--input-parquet-dir {folder} holds no *.parquet, nor *.csv, *.tsv, *.jsonl, *.arrow …")
    return embedding_names(shards)


def _find_remote(place: str, output: Path) -> list[RemoteFile]:
    from retrieval.remote_shards import LISTING, find_remote  # 0.2 s for the libraries that read from the network

    names_shards = place.partition("?")[0].endswith(".parquet") or scheme_of(place) in ("http", "https")
    pattern = place if names_shards else f"{place.rstrip('/')}/*.parquet"
    shards = find_remote([pattern], "--input-parquet-dir", output / LISTING)
    for before, shard in itertools.pairwise(sorted(shards, key=lambda shard: shard.name)):
        if before.name == shard.name:
            raise UserError(
                f"--input-parquet-dir {pattern}: {before} and {shard} would have embedding files of one name: embed "
                "each folder on its own"
            )
    return shards


def embedding_names(shards: list[Path | RemoteFile]) -> dict[Path | RemoteFile, str]:
    """metadata_0007 -> text_embed_0007.npy where the shards' names differ by this number alone; else their whole stems.

    So no two shards share a name, and the names are in the shards' order: by their numbers, or because one beginning is
    put before every stem. LAION's part-00007-5114…-c000.snappy and the hub's train-00007-of-00128 are numbered;
    DataComp's names are hexadecimal, and no numbers.
    """
    numbered = [NUMBERED.fullmatch(shard.stem) for shard in shards]
    one_series = all(numbered) and len({(match["before"], match["after"]) for match in numbered}) == 1
    return {
        shard: f"text_embed_{match['number'] if one_series else shard.stem}.npy"
        for shard, match in zip(shards, numbered, strict=True)
    }


def earlier_names(shard: Path | RemoteFile) -> set[str]:
    """What a shard's embedding file may be called where its folder held other shards, or in earlier versions."""
    digits = re.search(r"\d+$", shard.stem)
    names = {f"text_embed_{digits.group() if digits else shard.stem}.npy", f"text_embed_{shard.stem}.npy"}
    return names | set(embedding_names([shard]).values())


def plan_all(
    targets: dict[Path | RemoteFile, Path], asked: ColumnChoice, settings: EmbeddingSettings
) -> list[Work | Unreadable]:
    """`plan_work` for each shard and its target. The footers of remote shards are fetched side by side."""
    at_once = FOOTERS_AT_ONCE if any(isinstance(shard, RemoteFile) for shard in targets) else 1
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda each: plan_work(*each, asked, settings), targets.items()))


def plan_work(
    shard: Path | RemoteFile, target: Path, asked: ColumnChoice, settings: EmbeddingSettings
) -> Work | Unreadable:
    """Open the shard's footer, find the captions, and find out what an earlier run has done of it."""
    try:
        target.name.encode()
    except UnicodeEncodeError:
        return Unreadable(shard, "its name is not UTF-8: rename it")
    try:
        rows, column, names = find_captions(shard, asked)
    except READ_ERRORS as error:
        return unreadable(shard, error)
    if len(target.name.encode()) > LONGEST_NAME:
        return Unreadable(shard, f"{target.name} would be too long a name: rename the shard")
    fingerprint = settings_fingerprint(
        {
            "shard": file_fingerprint(shard),
            "column": column,
            "model": settings.model.identity,
            "weights": [file_fingerprint(path) for path in settings.model.files],
            "precision": settings.precision,
            "batch_size": settings.batch_size,  # batch composition changes float rounding
            "group": GROUP,
        }
    )
    work = Work(shard, column, rows, settings.model.width, target, settings.model.name, fingerprint, 0, 0)
    work = replace(work, listed=asked.listed, notes=tuple(choice_notes(names, {"TEXT": column})))
    take_over(work)
    return resume(work)


def unreadable(shard: Path | RemoteFile, error: Exception) -> Unreadable:
    return Unreadable(shard, first_line(error), isinstance(error, NoCaptions), isinstance(error, ShardChanged))


def find_captions(shard: Path | RemoteFile, asked: ColumnChoice) -> tuple[int, str, Sequence[str]]:
    """The number of rows, the caption column, and all columns.

    Raises:
        One of READ_ERRORS.
    """
    if not is_parquet(shard):
        opened = open_shard(shard, replace(asked, needs_url=False))
        return count_whole_rows(opened), opened.columns["TEXT"], opened.names
    try:
        with parquet_file(shard) as (file, _):
            names = file.schema_arrow.names
            return file.metadata.num_rows, text_column(file.schema_arrow, asked.caption), names
    except NoCaptions:
        raise
    except READ_ERRORS as error:
        opened = None if isinstance(shard, RemoteFile) else opened_by_duckdb(shard, asked.caption)
        if opened is None:
            raise error
        return opened.rows, opened.columns["TEXT"], opened.names


def is_parquet(shard: Path | RemoteFile) -> bool:
    """Of a remote shard, its name decides."""
    if isinstance(shard, RemoteFile):
        return not is_streamed_from_afar(shard.name)
    with open(shard, "rb") as file:
        return file.read(4) == b"PAR1" or shard.suffix == ".parquet"


def count_whole_rows(shard: Shard) -> int:
    """The number of rows, all of which can be read: row i of the embeddings must be row i of the shard.

    Raises:
        UserError: one cannot be read.
    """
    if shard.rows is not None:
        return shard.rows
    rows = 0
    for batch in caption_batches(shard):
        if batch.lost:
            raise UserError(f"it has rows that cannot be read, the first: {batch.first_lost}: repair or drop them")
        rows += len(batch.rows)
    return rows


def opened_by_duckdb(shard: Path | RemoteFile, column: str | None) -> Shard | None:
    """A sound shard that pyarrow cannot decode (VARIANT beside the captions, captions of an encoding that it lacks)."""
    try:
        opened = open_shard(shard, ColumnChoice(column, needs_url=False))
    except UserError:
        return None
    return opened if opened.kind == "duckdb" else None


def text_column(schema: pa.Schema, asked: str | None) -> str:
    """The shard's caption column, which holds text (or bytes of text, or nothing).

    Raises:
        NoCaptions: no such column, or one of another type.
    """
    name = caption_column(schema.names, asked)
    if name is None:
        raise NoCaptions(
            f"it has no caption column{f' {asked!r}' if asked else ''}; it has {', '.join(schema.names)}: "
            "name one with --caption-column"
        )
    if schema.names.count(name) > 1:
        raise NoCaptions(f"it has {schema.names.count(name)} columns of the name {name!r}: rename or drop all but one")
    kind = schema.field(name).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (is_text(kind) or pa.types.is_null(kind) or str(kind) in ("string_view", "binary_view")):
        raise NoCaptions(f"column {name!r} holds {kind}, not text: name the captions with --caption-column")
    return name


def take_over(work: Work) -> None:
    """Give an earlier run's files of the same fingerprint their present names."""
    for earlier in earlier_works(work):
        if read_state(earlier).get("fingerprint") == work.fingerprint:
            for old, new in ((earlier.target, work.target), (earlier.part, work.part), (earlier.state, work.state)):
                if old.exists():
                    os.replace(old, new)


def earlier_works(work: Work) -> list[Work]:
    """This shard's files under earlier names, whatever they were made with."""
    earlier = [replace(work, target=work.target.with_name(name)) for name in sorted(earlier_names(work.shard))]
    return [
        other
        for other in earlier
        if other.target != work.target and read_state(other).get("shard") == work.shard.name
    ]  # fmt: skip


def read_state(work: Work) -> dict:
    try:
        state = json.loads(work.state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def resume(work: Work) -> Work:
    """The same work with `rows_done` and `empty` of an earlier run of the same fingerprint."""
    state = read_state(work)
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


def read_captions(work: Work) -> Iterator[list[str | None]]:
    """The captions, GROUP by GROUP whatever the shard's row groups are."""
    return grouped(caption_columns(work), GROUP)


def caption_columns(work: Work) -> Iterator[pa.Array]:
    """The captions in pieces of any size: of parquet by pyarrow, or where it cannot begin to decode them, by DuckDB."""
    shard, column, begun = work.shard, work.column, False
    if not is_parquet(shard):
        opened = open_shard(shard, ColumnChoice(column, listed=work.listed, needs_url=False))
        yield from (batch.captions for batch in caption_batches(opened))
        return
    try:
        with parquet_file(shard, buffer_size=READ_BUFFER, pre_buffer=False) as (file, fetch_ahead):
            fetch_ahead(range(file.num_row_groups), [column])
            for batch in file.iter_batches(batch_size=GROUP, columns=[column]):
                begun = True
                yield batch.column(0)
    except READ_ERRORS as error:
        opened = None if begun or isinstance(shard, RemoteFile) else opened_by_duckdb(shard, column)
        if opened is None:
            raise error
        yield from (batch.captions for batch in caption_batches(opened))


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
