"""Prove that row i of an index is row i of the metadata, before a folder is assembled of them.

The idea: a row, asked for with its own embedding, must find itself. A sample has rows of every embedding file, so that
two files in the wrong order are seen. tests/test_assemble_index_folder.py swaps rows and files.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from retrieval.cli import UserError, say
from retrieval.embeddings import EmbeddingFiles, open_matching
from retrieval.indexing.served_metadata import MetadataPlan

SAMPLE_ROWS = 256  # rows asked for, spread over all files; more where there are many files
SAMPLE_ROWS_PER_FILE = 8  # at a recall of 0.9, all eight rows of a sound file are missed once in 100,000,000 files
NEIGHBOURS = 10  # among how many a row must find itself
FOUND_SHARE = 0.5  # misaligned indices find next to none of the rows, the coarsest of sound ones most
EQUAL_SCORE = 2e-3  # float16's rounding of a unit row: rows that are this equal may stand for each other
EMBEDDING_PATTERNS = {"image": "img_emb_*.npy", "text": "text_embed_*.npy"}  # where a folder holds both kinds


@dataclass(frozen=True)
class IndexSource:
    """An index that the user gives, and the embeddings to check it by."""

    kind: str  # "image" or "text"
    path: Path  # a file, or a folder that holds populated.index
    embeddings: Path | None

    @property
    def file(self) -> Path:
        return self.path / "populated.index" if self.path.is_dir() else self.path


def check_index(source: IndexSource, metadata: MetadataPlan, model_name: str, model_width: int, sample: bool) -> None:
    """Refuse an index that is not of these rows, this model and inner products.

    Args:
        sample: whether a sample of rows is searched for too (`check_alignment`).

    Raises:
        UserError: names both sides of what does not fit.
    """
    flag = f"--{source.kind}-index {source.path}"
    flags = faiss.IO_FLAG_ONDISK_SAME_DIR if source.path.is_dir() else faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
    try:
        index = faiss.read_index(str(source.file), flags)
    except RuntimeError as error:
        raise UserError(f"{flag} cannot be read as a faiss index ({str(error).strip().splitlines()[-1]})") from error
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise UserError(f"{flag} does not compare by inner product: build it with --metric_type=ip")
    if index.d != model_width:
        raise UserError(f"{flag} has width {index.d:,}, and --model {model_name} has {model_width:,}")
    if index.ntotal != metadata.rows:
        raise UserError(f"{flag} has {index.ntotal:,} rows, and --metadata has {metadata.rows:,}")
    if source.embeddings is None:
        return
    flag = f"--{source.kind}-embeddings"
    pattern = EMBEDDING_PATTERNS[source.kind]
    if not any(source.embeddings.glob(pattern)):
        pattern = "*.npy"
    embeddings = open_matching(source.embeddings, pattern, flag)
    if embeddings.d != index.d:
        raise UserError(f"{flag} {source.embeddings} has width {embeddings.d:,}, and the index has {index.d:,}")
    check_counts(flag, embeddings, metadata)
    if sample:
        found = check_alignment(source.kind, index, embeddings)
        say(f"{source.kind} index: {index.ntotal:,} rows of width {index.d:,}; "
            f"{found:.1%} of a sample found at their own")  # fmt: skip


def check_counts(flag: str, embeddings: EmbeddingFiles, metadata: MetadataPlan) -> None:
    """Equal numbers of rows, in all and in each pair of files."""
    if len(embeddings.files) == len(metadata.files):
        counts = map(len, embeddings.arrays)
        for ours, rows, theirs, count in zip(embeddings.files, counts, metadata.files, metadata.counts, strict=True):
            if rows != count:
                raise UserError(f"{flag}: {ours.name} has {rows:,} rows, and {theirs.name} has {count:,}")
    if embeddings.ntotal != metadata.rows:
        raise UserError(f"{flag} has {embeddings.ntotal:,} rows, and --metadata has {metadata.rows:,}")


def check_alignment(kind: str, index: faiss.Index, embeddings: EmbeddingFiles) -> float:
    """The share of sampled rows that their own embeddings find.

    Raises:
        UserError: most of the sample, or all of one file's, is not found where it should be.
    """
    samples = sample_rows(embeddings)
    rows = np.concatenate(list(samples.values()))
    itself = find_themselves(index, embeddings, rows)
    first = int(rows[np.argmin(itself)])
    if itself.mean() < FOUND_SHARE:
        raise UserError(f"--{kind}-index is not of these embeddings in this order: only {itself.sum():,} of "
                        f"{len(rows):,} rows are found with their own embeddings (row {first:,} is not)")  # fmt: skip
    begin = 0
    for path, sample in samples.items():
        if len(sample) >= SAMPLE_ROWS_PER_FILE and not itself[begin : begin + len(sample)].any():
            raise UserError(f"--{kind}-index: not one of {len(sample)} rows of {path.name} is found with its own "
                            "embedding: the index was built from other files, or in another order")  # fmt: skip
        begin += len(sample)
    return float(itself.mean())


def sample_rows(embeddings: EmbeddingFiles) -> dict[Path, np.ndarray]:
    """File -> int64 rows, evenly spread over the file."""
    in_each = max(SAMPLE_ROWS_PER_FILE, SAMPLE_ROWS // len(embeddings.files))
    return {
        path: np.unique(np.linspace(start, end - 1, in_each).astype(np.int64))
        for path, (start, end) in zip(embeddings.files, itertools.pairwise(embeddings.starts), strict=True)
        if end > start
    }


def find_themselves(index: faiss.Index, embeddings: EmbeddingFiles, rows: np.ndarray) -> np.ndarray:
    """bool (n,): whether each row, or one that is equal to it, is among the neighbours of its own embedding."""
    vectors = embeddings.take(rows)
    found = index.search(vectors, NEIGHBOURS)[1]
    itself = (found == rows[:, None]).any(axis=1)
    lost = np.flatnonzero(~itself)
    if lost.size:  # pools are full of equal captions: an equal row's embedding stands for the row's own
        there = found[lost] >= 0
        others = embeddings.take(np.where(there, found[lost], 0).ravel()).reshape(len(lost), NEIGHBOURS, -1)
        own = (vectors[lost] ** 2).sum(axis=1, keepdims=True)
        itself[lost] = (there & (np.einsum("qkw,qw->qk", others, vectors[lost]) > own - EQUAL_SCORE)).any(axis=1)
    return itself
