"""Metadata parquet files as the arrow files that clip-retrieval serves: one file each, all in one schema.

In: a folder of parquet files, in numeric order, or in that of the embeddings (file_order.py). Out:
metadata/metadata_0000.arrow …, row i for row i; a killed run's finished files are kept. Where the metadata has no `url`
and `caption`, its own columns of that meaning get these names, or those that the user names.
"""

import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.cli import UserError, is_full_disk, progress, say
from retrieval.columns import ALIASES, NOTHING_SAID, ColumnChoice, asked_columns, map_columns
from retrieval.embeddings import numeric_order, visible_files
from retrieval.files import complete_file, file_fingerprint, free_bytes, settings_fingerprint, write_json

SERVED = {"URL": "url", "TEXT": "caption"}  # our name -> clip-retrieval's
BATCH_ROWS = 65_536  # rows per arrow record batch, and all that is in memory at a time: some 20 MB of LAION's


@dataclass(frozen=True)
class MetadataPlan:
    files: tuple[Path, ...]  # in the order of the rows
    counts: tuple[int, ...]  # rows of each
    schema: pa.Schema  # of every arrow file
    asked: ColumnChoice = NOTHING_SAID  # which columns are served as `url` and `caption`

    @property
    def rows(self) -> int:
        return sum(self.counts)


def read_plan(folder: Path, columns: list[str] | None, asked: ColumnChoice = NOTHING_SAID) -> MetadataPlan:
    """Read all footers, and find the one schema that holds every file's columns.

    Args:
        columns: those to keep, by their served names; None: all.

    Raises:
        UserError: no parquet, a cut one, two columns of one name, columns whose types cannot be joined, no URLs, or a
            file without a column that is asked for.
    """
    files = sorted(visible_files(folder, "*.parquet"), key=numeric_order) if folder.is_dir() else []
    if not files:
        raise UserError(f"--metadata {folder} holds no *.parquet")
    counts, schema = [], None
    for path in files:
        try:
            with pq.ParquetFile(path) as parquet:
                counts.append(parquet.metadata.num_rows)
                own = served_schema(parquet.schema_arrow, path, asked)
            schema = own if schema is None else pa.unify_schemas([schema, own], promote_options="permissive")
        except pa.ArrowTypeError as error:
            raise UserError(
                f"{path} has columns of other types than the files before it: {error}; write them as one type, or name "
                "the columns to keep with --columns"
            ) from error
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path} is no whole parquet file ({str(error).splitlines()[0]}): fetch it again"
            ) from error
    if columns:
        unknown = [name for name in columns if name not in schema.names]
        if unknown:
            raise UserError(f"--columns {unknown[0]} is not in the metadata, which has: {', '.join(schema.names)}")
        schema = pa.schema([schema.field(name) for name in columns])
    if "URL" not in map_columns(schema.names):
        raise UserError(
            f"--metadata {folder} has no URL column, so nothing that is found could be downloaded: it has "
            f"{', '.join(schema.names)}{' of --columns' if columns else ''}; name the one with the addresses with "
            "--url-column, or add one"
        )
    return MetadataPlan(tuple(files), tuple(counts), schema, asked)


def served_schema(schema: pa.Schema, path: Path, asked: ColumnChoice) -> pa.Schema:
    """A parquet file's columns under their served names, dictionaries as their values.

    Each file has its own dictionary, and arrow files cannot be joined across them.

    Raises:
        UserError: two columns of one name, or no column of a name that is asked for.
    """
    if twice := [name for name, count in Counter(schema.names).items() if count > 1]:
        raise UserError(f"{path} has two columns named {twice[0]!r}: rename one")
    fields = []
    for old, name in served_names(schema.names, asked, path).items():
        kind = schema.field(old).type
        fields.append(pa.field(name, kind.value_type if pa.types.is_dictionary(kind) else kind))
    return pa.schema(fields)


def served_names(names: list[str], asked: ColumnChoice, path: Path) -> dict[str, str]:
    """The pool's name -> the name that it is served under: clip-retrieval asks for `url` and `caption`.

    Where the user names a column, those that a filter would take before it are left out.
    """
    chosen = asked_columns(names, asked, str(path))
    found = map_columns(names)
    served = {name: name for name in names}
    for ours, wanted in SERVED.items():
        if ours in chosen:
            before = ALIASES[ours][: ALIASES[ours].index(wanted) + 1]
            served = {name: as_ for name, as_ in served.items() if name == chosen[ours] or name.lower() not in before}
            served[chosen[ours]] = wanted
        elif wanted not in names and ours in found:
            served[found[ours]] = wanted
    return served


def write_metadata(plan: MetadataPlan, output: Path) -> None:
    """One arrow file for each parquet file, in a folder that gets its name when all are there.

    clip-retrieval opens every file under metadata/, so nothing else may ever be in it. The record beside it says what
    it was made of.
    """
    folder, building, record = output / "metadata", output / ".metadata.building", output / "metadata.json"
    named = [] if plan.asked == NOTHING_SAID else [[plan.asked.url, plan.asked.caption]]
    fingerprint = settings_fingerprint([str(plan.schema), [[p.name, file_fingerprint(p)] for p in plan.files], *named])
    known = {"fingerprint": fingerprint, "rows": plan.rows, "files": len(plan.files)}
    known["sources"] = [path.name for path in plan.files]  # the semantic filter compares --exact's embeddings with it
    if folder.is_dir() and read_record(record) == known:
        say(f"{folder} is there, made from this metadata")
        return
    if folder.exists() and not record.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is there and was not made by this script: give another --output-dir, or remove it")
    if read_record(building / "record.json") != known:
        shutil.rmtree(building, ignore_errors=True)
        write_json(building / "record.json", known)
    # Uncompressed arrow is larger than parquet; at least this must fit.
    needed, free = sum(path.stat().st_size for path in plan.files), free_bytes(output)
    if needed > free:
        raise UserError(f"the metadata needs more than {needed:,} bytes and the disk of {output} has {free:,} left")
    convert(plan, building)
    (building / "record.json").unlink()
    for leftover in building.glob(".*"):
        leftover.unlink()
    record.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(building, folder)
    write_json(record, known)


def convert(plan: MetadataPlan, folder: Path) -> None:
    digits = max(4, len(str(len(plan.files) - 1)))  # clip-retrieval sorts the names as text
    with progress(plan.rows, "rows", "metadata") as more:
        for number, (path, count) in enumerate(zip(plan.files, plan.counts, strict=True)):
            target = folder / f"metadata_{number:0{digits}d}.arrow"
            if not target.exists():
                convert_file(path, target, plan)
            more(count)


def convert_file(path: Path, target: Path, plan: MetadataPlan) -> None:
    schema = plan.schema
    try:
        with complete_file(target) as beside, pq.ParquetFile(path) as parquet:
            served = {name: old for old, name in served_names(parquet.schema_arrow.names, plan.asked, path).items()}
            wanted = [served[name] for name in schema.names if name in served]
            with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for batch in parquet.iter_batches(BATCH_ROWS, columns=wanted):
                    writer.write_batch(with_schema(batch, served, schema))
    except (pa.ArrowException, OSError) as error:
        if is_full_disk(error):
            raise
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path} cannot be converted ({reason}): fetch it again, or leave out a column (--columns)"
        ) from error


def with_schema(batch: pa.RecordBatch, served: dict[str, str], schema: pa.Schema) -> pa.RecordBatch:
    """The batch's columns under the names and types of `schema`; those it lacks are null.

    Args:
        served: served name -> the batch's own.
    """
    columns = []
    for field in schema:
        if field.name in served:
            column = batch.column(served[field.name])
            column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            columns.append(column.cast(field.type))
        else:
            columns.append(pa.nulls(batch.num_rows, field.type))
    return pa.record_batch(columns, schema=schema)


def read_record(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
