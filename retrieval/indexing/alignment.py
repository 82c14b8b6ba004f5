"""Prove that row i of an index is row i of the metadata, before a folder is assembled of them.

Metadata and embeddings: file_order.py takes both in one order, by the names of what was embedded, and caption_proof.py
compares captions with rows. Embeddings and index: a row, asked for with its own embedding, must find itself. A sample
has rows of every embedding file, so that two files in the wrong order are seen.
tests/test_assemble_index_folder.py swaps rows and files.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from retrieval.cli import UserError, say
from retrieval.embeddings import EmbeddingFiles, open_matching
from retrieval.indexing.file_order import in_embeddings_order
from retrieval.indexing.served_metadata import MetadataPlan

SAMPLE_ROWS = 256  # rows asked for, spread over all files; more where there are many files
SAMPLE_ROWS_PER_FILE = 8  # at a recall of 0.9, all eight rows of a sound file are missed once in 100,000,000 files
NEIGHBOURS = 10  # among how many a row must find itself
FOUND_SHARE = 0.5  # misaligned indices find next to none of the rows, the coarsest of sound ones most
EQUAL_SCORE = 2e-3  # float16's rounding of a unit row: rows that are this equal may stand for each other
IDS_READ = 100_000_000  # 0.8 GB of ids; of a larger index only those that the sample finds are looked at
EMBEDDING_PATTERNS = {"image": "img_emb_*.npy", "text": "text_embed_*.npy"}  # where a folder holds both kinds


@dataclass(frozen=True)
class IndexSource:
    """An index that the user gives, and the embeddings to check it by."""

    kind: str  # "image" or "text"
    path: Path  # a file, or a folder that holds populated.index
    embeddings: Path | None

    @property
    def flag(self) -> str:
        """The flag of its embeddings."""
        return f"--{self.kind}-embeddings"

    @property
    def file(self) -> Path:
        return self.path / "populated.index" if self.path.is_dir() else self.path


def open_index(source: IndexSource, metadata: MetadataPlan, model_name: str, model_width: int) -> faiss.Index:
    """Open an index, and refuse one that is not of as many rows, this model's width and inner products.

    Raises:
        UserError: names both sides of what does not fit.
    """
    flag = f"--{source.kind}-index {source.path}"
    flags = faiss.IO_FLAG_ONDISK_SAME_DIR if source.path.is_dir() else faiss.IO_FLAG_MMAP
    try:
        index = faiss.read_index(str(source.file), flags | faiss.IO_FLAG_READ_ONLY)
    except RuntimeError as error:
        raise UserError(f"{flag} cannot be read as a faiss index ({str(error).strip().splitlines()[-1]})") from error
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise UserError(f"{flag} does not compare by inner product: build it with --metric_type=ip")
    if index.d != model_width:
        raise UserError(f"{flag} has width {index.d:,}, and --model {model_name} has {model_width:,}")
    if index.ntotal != metadata.rows:
        raise UserError(f"{flag} has {index.ntotal:,} rows, and --metadata has {metadata.rows:,}")
    return index


def check_index(source: IndexSource, metadata: MetadataPlan, model_name: str, model_width: int, sample: bool) -> None:
    """Refuse an index that is not of these rows, in this order.

    Args:
        metadata: in the order of the embeddings, where these are given.
        sample: whether a sample of rows is searched for too (`check_alignment`), and their captions are embedded.

    Raises:
        UserError: names both sides of what does not fit.
    """
    index = open_index(source, metadata, model_name, model_width)
    if source.embeddings is None:
        return
    embeddings = open_source(source)
    if embeddings.d != index.d:
        raise UserError(f"{source.flag} {source.embeddings} has width {embeddings.d:,}, and the index has {index.d:,}")
    if sample:
        found = check_alignment(source.kind, index, embeddings)
        say(f"{source.kind} index: {index.ntotal:,} rows of width {index.d:,}; "
            f"{found:.1%} of a sample found at their own")  # fmt: skip


def open_source(source: IndexSource) -> EmbeddingFiles:
    """The embeddings of an index, in the order of their rows."""
    pattern = EMBEDDING_PATTERNS[source.kind]
    if not any(source.embeddings.glob(pattern)):
        pattern = "*.npy"
    return open_matching(source.embeddings, pattern, source.flag)


def order_metadata(sources: list[IndexSource], metadata: MetadataPlan, is_checked: bool) -> MetadataPlan:
    """The metadata in the order of the embeddings, which must be one order.

    Raises:
        UserError: what `in_embeddings_order` refuses (unless not `is_checked`), or two orders; names both.
    """
    ordered: dict[str, MetadataPlan] = {}
    for source in sources:
        if source.embeddings is None:
            continue
        try:
            ordered[source.flag] = in_embeddings_order(metadata, open_source(source), source.flag)
        except UserError as error:
            if is_checked:
                raise
            say(f"warning: not checked: {error}")
    for flag, plan in ordered.items():
        first_flag, first = next(iter(ordered.items()))
        if plan.files != first.files:
            one, other = next(pair for pair in zip(first.files, plan.files, strict=True) if pair[0] != pair[1])
            raise UserError(
                f"{first_flag} and {flag} are in two orders: rows of {one.name} in one are where the other has rows of "
                f"{other.name}; compute one of them again from this metadata, and build its index again"
            )
    return next(iter(ordered.values()), metadata)


def check_alignment(kind: str, index: faiss.Index, embeddings: EmbeddingFiles) -> float:
    """The share of sampled rows that their own embeddings find.

    Raises:
        UserError: most of the sample, or all of one file's, is not found where it should be.
    """
    check_ids(kind, index)
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


def check_ids(kind: str, index: faiss.Index) -> None:
    """Refuse an index whose ids are not 0 … n - 1: an inverted file, or IDMap, may hold any int64.

    Raises:
        UserError: names an id that is no row.
    """
    index = faiss.downcast_index(index)
    inverted = faiss.try_extract_index_ivf(index)
    if isinstance(index, faiss.IndexIDMap):
        parts = [faiss.vector_to_array(index.id_map)]
    elif inverted is not None and index.ntotal <= IDS_READ:
        lists = inverted.invlists
        sizes = ((number, lists.list_size(number)) for number in range(inverted.nlist))
        parts = (faiss.rev_swig_ptr(lists.get_ids(number), size) for number, size in sizes if size)
    else:
        return
    total = 0
    for ids in parts:
        low, high = int(ids.min()), int(ids.max())
        total += int(ids.sum(dtype=np.int64)) % 2**64
        if low < 0 or high >= index.ntotal:
            raise UserError(f"--{kind}-index holds the id {low if low < 0 else high:,}, and its rows are 0 to "
                            f"{index.ntotal - 1:,}: build it again without ids of its own")  # fmt: skip
    if total % 2**64 != index.ntotal * (index.ntotal - 1) // 2 % 2**64:
        raise UserError(f"--{kind}-index holds an id twice and lacks another: build it again without ids of its own")


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
    vectors = embeddings.take_unit(rows)
    found = index.search(vectors, NEIGHBOURS)[1]
    found[found >= embeddings.ntotal] = -1
    itself = (found == rows[:, None]).any(axis=1)
    lost = np.flatnonzero(~itself)
    if lost.size:  # pools are full of equal captions: an equal row's embedding stands for the row's own
        there = found[lost] >= 0
        others = embeddings.take(np.where(there, found[lost], 0).ravel()).reshape(len(lost), NEIGHBOURS, -1)
        own = (vectors[lost] ** 2).sum(axis=1, keepdims=True)
        itself[lost] = (there & (np.einsum("qkw,qw->qk", others, vectors[lost]) > own - EQUAL_SCORE)).any(axis=1)
    return itself
