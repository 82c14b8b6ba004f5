"""Merge the parts of one trained index on disk, by faiss's own merge_ondisk: neither is ever in memory.

The invariant: the parts are copies of one trained index, in the order of their rows, and together hold each row once.
`check_parts` proves it before anything is written; tests/test_merge_knn_indices.py compares the merged index with one
that was built whole.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from faiss.contrib.ondisk import merge_ondisk

from retrieval.cli import UserError

LISTS_NAME, INDEX_NAME = "merged_index.ivfdata", "populated.index"  # clip-retrieval's names


@dataclass(frozen=True)
class Part:
    """What a part says about itself, for `check_parts`."""

    path: Path
    kind: str  # in words: class, width, lists, code size, metric
    list_sizes: np.ndarray  # int64 (lists,)
    training: str  # `trained_digest`
    rows: int
    first_id: int
    last_id: int
    ids_sum: int


def read_part(path: Path) -> Part:
    """Read what is trained, and the ids through a memory map; the codes are not read.

    Raises:
        UserError: no index, cut short, or one without inverted lists.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        inverted = faiss.try_extract_index_ivf(index)
    except RuntimeError as error:
        raise UserError(f"{path} is no whole faiss index ({str(error).strip().splitlines()[-1]})") from error
    if inverted is None:
        raise UserError(
            f"{path} has no inverted lists ({type(index).__name__}): only IVF indices can be merged on disk"
        )
    lists, first, last, ids_sum = inverted.invlists, None, -1, 0
    sizes = np.array([lists.list_size(number) for number in range(inverted.nlist)], np.int64)
    for number, size in enumerate(sizes.tolist()):
        if size:
            ids = faiss.rev_swig_ptr(lists.get_ids(number), size)
            low, high = int(ids.min()), int(ids.max())
            first, last = low if first is None else min(first, low), max(last, high)
            ids_sum += int(ids.sum(dtype=np.int64))
    kind = (
        f"{type(index).__name__} of {type(inverted).__name__}, width {index.d}, {inverted.nlist} lists of codes of "
        f"{inverted.code_size} bytes, metric {index.metric_type}"
    )
    training = trained_digest(path)
    return Part(path, kind, sizes, training, int(sizes.sum()), first or 0, last, ids_sum)


def trained_digest(path: Path) -> str:
    """Digest of all that was trained: transforms, centroids, codebooks; not of nprobe, which may differ by part."""
    index = empty_copy(path)
    faiss.extract_index_ivf(index).nprobe = 1
    return hashlib.blake2b(faiss.serialize_index(index).tobytes(), digest_size=16).hexdigest()


def empty_copy(path: Path) -> faiss.Index:
    """The part's index without rows; its lists are not read. (IO_FLAG_SKIP_IVF_DATA cannot read plain lists.)"""
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    inverted = faiss.extract_index_ivf(index)
    lists = faiss.ArrayInvertedLists(inverted.nlist, inverted.code_size)
    inverted.replace_invlists(lists, True)
    lists.this.disown()
    index.ntotal = inverted.ntotal = 0
    return index


def check_parts(parts: list[Part]) -> bool:
    """Whether ids must be shifted: True where each part counts from 0, False where ids are rows of the whole.

    Raises:
        UserError: parts of different kinds or trainings, or ids that are neither of the two; names the part.
    """
    for part in parts:
        if part.kind != parts[0].kind:
            raise UserError(f"{part.path.name} is {part.kind}; {parts[0].path.name} is {parts[0].kind}: not one index")
        if part.training != parts[0].training:
            raise UserError(f"{part.path.name} was trained otherwise than {parts[0].path.name}: "
                            "parts must be copies of one trained index")  # fmt: skip

    def misfit(shifted: bool) -> Part | None:
        start = 0
        for part in parts:
            first = 0 if shifted else start
            expected = (first, first + part.rows - 1, part.rows * (2 * first + part.rows - 1) // 2)
            if part.rows and (part.first_id, part.last_id, part.ids_sum) != expected:
                return part
            start += part.rows
        return None

    if misfit(shifted=False) is None:
        return False
    if misfit(shifted=True) is None:
        return True
    part = misfit(shifted=False)
    raise UserError(f"{part.path.name} has {part.rows:,} rows with ids {part.first_id:,} to {part.last_id:,}: "
                    "neither its own from 0 nor the rows that follow the parts before it; "
                    "a part is missing or is another's")  # fmt: skip


def merge(parts: list[Part], folder: Path, shifted: bool, nprobe: int | None) -> faiss.Index:
    """Write LISTS_NAME and INDEX_NAME into `folder`; the merged index, opened from there."""
    index = empty_copy(parts[0].path)
    inverted = faiss.extract_index_ivf(index)
    if nprobe is not None:
        inverted.nprobe = nprobe
    merge_ondisk(index, [str(part.path) for part in parts], str(folder / LISTS_NAME))
    if shifted:
        shift_ids(faiss.extract_index_ivf(index).invlists, parts)
    faiss.write_index(index, str(folder / INDEX_NAME))
    del index, inverted
    merged = faiss.read_index(str(folder / INDEX_NAME), faiss.IO_FLAG_ONDISK_SAME_DIR)
    rows = sum(part.rows for part in parts)
    if merged.ntotal != rows:
        raise UserError(f"the merged index has {merged.ntotal:,} rows and its parts have {rows:,}: report it")
    return merged


def shift_ids(lists, parts: list[Part]) -> None:
    """Make each part's own ids rows of the whole, in the merged file itself; a list holds part after part.

    (merge_ondisk(shift_ids=True) of faiss 1.15 adds wrong sums: of parts of 1,134, 93, 585 and 588 rows, the last began
    at 1,266 instead of 1,812.)
    """
    starts = np.cumsum([0] + [part.rows for part in parts[:-1]])
    sizes = np.stack([part.list_sizes for part in parts], axis=1)  # (lists, parts)
    for number in range(len(sizes)):
        size = lists.list_size(number)
        if size:
            faiss.rev_swig_ptr(lists.get_ids(number), size)[:] += np.repeat(starts, sizes[number])
