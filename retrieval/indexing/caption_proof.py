"""Prove by the captions that embeddings and metadata are of the same rows: a sample is embedded again and compared.

An index that is in the order of its embeddings says nothing about the metadata: only the captions do.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.arrow_values import is_text
from retrieval.caption_fit import FITTING_SHARE, SAMPLE_ROWS, fitting
from retrieval.cli import UserError, say
from retrieval.clip_model import ClipModel, load_clip, weights_are_here
from retrieval.columns import caption_column
from retrieval.embeddings import EmbeddingFiles
from retrieval.indexing.served_metadata import MetadataPlan, served_names
from retrieval.record_columns import valid_utf8

SAMPLE_FILES = 64  # spread over all files: the captions of a row group are read from each
LEAST_PER_FILE = 2


@dataclass(frozen=True)
class Sample:
    """Some rows with a caption, by the number of their file."""

    files: np.ndarray  # int64 (n,)
    rows: np.ndarray  # int64 (n,), of the whole pool
    captions: list[str]


def check_captions(metadata: MetadataPlan, embeddings: EmbeddingFiles, model_name: str, flag: str) -> None:
    """Refuse text embeddings that are not of the metadata's captions. Says so where the model is not on this machine.

    Raises:
        UserError: names the files that do not fit, or the column that does.
    """
    column = caption_column(metadata.schema.names)
    if column is None or len(metadata.files) != len(embeddings.files):
        say(f"note: {flag}: that the captions are of these rows is not checked ("
            + ("no caption column)" if column is None else "the files are divided otherwise)"))  # fmt: skip
        return
    if not weights_are_here(model_name):
        say(f"note: {flag}: the weights of {model_name} are not on this machine: captions and rows are not compared")
        return
    model = load_clip(model_name)
    sample = sample_captions(metadata, column)
    if len(sample.rows) < LEAST_PER_FILE:
        return
    fits = fits_of(sample, embeddings, model)
    if fits.mean() < FITTING_SHARE:
        refuse_column(metadata, embeddings, model, column, flag)
        raise UserError(
            f"{flag} is not of these captions: {fits.sum():,} of {len(fits):,} captions of {column!r} have the "
            f"embedding of their row by {model_name}; give the metadata that was embedded, or the --model that did it"
        )
    for number in np.unique(sample.files):
        of_file = fits[sample.files == number]
        if len(of_file) >= LEAST_PER_FILE and not of_file.any():
            raise UserError(
                f"{flag}: {embeddings.files[number].name} is not of the captions of {metadata.files[number].name}: not "
                f"one of {len(of_file)} rows fits; files are missing, or in another order"
            )
    say(f"captions: {fits.sum():,} of {len(fits):,} sampled rows have the embedding of their caption")


def refuse_column(metadata: MetadataPlan, embeddings: EmbeddingFiles, model: ClipModel, column: str, flag: str) -> None:
    """Raise the refusal that names the column which was embedded, if it is another one."""
    for field in metadata.schema:
        if field.name in (column, "url") or not is_text(field.type):
            continue
        sample = sample_captions(metadata, field.name)
        if len(sample.rows) >= LEAST_PER_FILE and fits_of(sample, embeddings, model).mean() >= FITTING_SHARE:
            raise UserError(
                f"{flag} is of the column {field.name!r}, and the records would have {column!r} as TEXT: name it with "
                f"--caption-column {field.name}"
            )


def fits_of(sample: Sample, embeddings: EmbeddingFiles, model: ClipModel) -> np.ndarray:
    """bool (n,): whether each caption's embedding is that of its row."""
    return fitting(model.encode_texts(sample.captions) @ embeddings.take_unit(sample.rows).T)


def sample_captions(metadata: MetadataPlan, column: str) -> Sample:
    """Some captions of files spread over all of them, from each file's first and last row group, without empty ones."""
    files = np.unique(np.linspace(0, len(metadata.files) - 1, SAMPLE_FILES).astype(np.int64))
    in_each = max(LEAST_PER_FILE, SAMPLE_ROWS // len(files))
    starts = np.cumsum([0, *metadata.counts])
    found = []
    for number in files.tolist():
        for row, caption in captions_of_file(metadata, metadata.files[number], column, in_each):
            found.append((number, int(starts[number]) + row, caption))
    numbers, rows = (np.array([each[place] for each in found], np.int64) for place in (0, 1))
    return Sample(numbers, rows, [caption for _, _, caption in found])


def captions_of_file(metadata: MetadataPlan, path: Path, served: str, wanted: int) -> list[tuple[int, str]]:
    """(row, caption) of some rows of the first and the last row group."""
    with pq.ParquetFile(path) as parquet:
        names = served_names(parquet.schema_arrow.names, metadata.asked, path)
        own = {name: old for old, name in names.items()}.get(served)
        groups = [parquet.metadata.row_group(number).num_rows for number in range(parquet.num_row_groups)]
        if own is None or not sum(groups):
            return []
        starts = list(itertools.accumulate(groups, initial=0))
        found = []
        for number in sorted({0, len(groups) - 1}):
            try:
                column = parquet.read_row_group(number, columns=[own]).column(0).combine_chunks()
            except (pa.ArrowException, OSError) as error:
                reason = str(error).splitlines()[0]
                raise UserError(f"{path} is no whole parquet file ({reason}): fetch it again") from error
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            if not is_text(column.type):
                return []
            rows = np.unique(np.linspace(0, len(column) - 1, wanted).astype(np.int64))
            captions = valid_utf8(column.take(pa.array(rows))).to_pylist()
            found += [(starts[number] + row, text) for row, text in zip(rows.tolist(), captions, strict=True) if text]
        return found
