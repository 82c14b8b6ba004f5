"""Exact answers from stored embeddings: every row compared, or the hits of an index scored again.

An embeddings folder holds `img_emb*.npy` and / or `text_emb*.npy` as clip-retrieval and knn_indices_helper write them:
(rows, width), float16 or float32, unit length. Taken in the order of their names, row i of all of them is row i of the
pool's metadata. They are memory-mapped; of 100 million rows × 768 × 2 bytes (154 GB) one stretch at a time is read.
"""

from dataclasses import dataclass
from pathlib import Path

from knn_indices_helper.jobs import UserError

NAMES = {"text_index": "text_emb*.npy", "image_index": "img_emb*.npy"}
ROWS_AT_ONCE = 16_384  # × 768 × 4 bytes = 50 MB of rows; their products with 80 prompts are 5 MB, inside the cache
SLACK = 4  # candidates kept between two sortings, in multiples of k


@dataclass(frozen=True)
class EmbeddingFiles:
    """Some embedding files as one matrix. It stands where a faiss index stands: places are row numbers."""

    arrays: tuple  # memory-mapped (rows, width) each
    starts: object  # int64 (files + 1,)

    @property
    def ntotal(self) -> int:
        return int(self.starts[-1])

    @property
    def d(self) -> int:
        return self.arrays[0].shape[1]

    def take(self, rows):
        """float32 (n, width) of sorted row numbers."""
        import numpy as np

        file_of = np.searchsorted(self.starts, rows, side="right") - 1
        vectors = np.empty((len(rows), self.d), np.float32)
        for number in np.unique(file_of):
            here = file_of == number
            vectors[here] = self.arrays[number][rows[here] - self.starts[number]]
        return vectors


def embedding_paths(folder: Path | str, wanted: list[str], flag: str) -> dict[str, list[Path]]:
    """Source -> its files in the order of their rows, for those `wanted` (of NAMES) that the folder has.

    Raises:
        UserError: no folder, or none of them in it; names `flag`.
    """
    found = {source: sorted(Path(folder).glob(f"**/{NAMES[source]}")) for source in wanted}
    found = {source: files for source, files in found.items() if files}
    if not found:
        expected = " or ".join(NAMES[source] for source in wanted)
        raise UserError(f"{flag} {folder} has no {expected}: knn_indices_helper/compute_*_embeddings.py writes them")
    return found


def open_embeddings(files: list[Path]) -> EmbeddingFiles:
    """Memory-map embedding files.

    Raises:
        UserError: a file that is no matrix of floats, or of another width than the first.
    """
    import numpy as np

    arrays = []
    for file in files:
        try:
            array = np.load(file, mmap_mode="r")
        except (ValueError, OSError, EOFError) as error:
            raise UserError(f"{file} is not a complete .npy file ({error})") from error
        if (
            array.ndim != 2
            or array.dtype not in (np.float16, np.float32)
            or array.shape[1] != (arrays or [array])[0].shape[1]
        ):
            raise UserError(f"{file} holds {array.dtype} {array.shape}, not rows of embeddings like {files[0].name}")
        arrays.append(array)
    return EmbeddingFiles(tuple(arrays), np.cumsum([0, *(len(array) for array in arrays)]))


def exact_search(files: EmbeddingFiles, queries, k: int, groups: list[slice]):
    """(rows, scores) of the k best of all rows, int64 and float32 (n, k); equal scores by row; -1 past the last row.

    Products are made group by group (a class's prompts), whatever else the block holds: a matrix product rounds by its
    shape, and a class should get the same scores in any block.
    """
    import numpy as np

    best = [_Best.none(len(queries[group])) for group in groups]
    for array, start in zip(files.arrays, files.starts, strict=False):
        for first in range(0, len(array), ROWS_AT_ONCE):
            rows = np.asarray(array[first : first + ROWS_AT_ONCE], dtype=np.float32).T
            for number, group in enumerate(groups):
                scores = queries[group] @ rows
                best[number] = best[number].with_more(scores, int(start) + first, k)
    found = [each.sorted(k) for each in best]
    rows, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, scores


@dataclass(frozen=True)
class _Best:
    """The best rows so far of some queries, unsorted but for ties: columns go by ascending row."""

    rows: object  # int64 (queries, kept), -1 where a query has fewer
    scores: object  # float32 (queries, kept)
    floor: object  # float32 (queries, 1): what a row must exceed to be among the k best

    @staticmethod
    def none(queries: int) -> "_Best":
        import numpy as np

        return _Best(np.empty((queries, 0), np.int64), np.empty((queries, 0), np.float32), None)

    def with_more(self, scores, start: int, k: int) -> "_Best":
        """`scores` (queries, rows) of the rows from `start` on."""
        import numpy as np

        if self.floor is None:
            floor = np.partition(scores, -k, axis=1)[:, [-k]] if scores.shape[1] > k else np.float32(-np.inf)
            wanted = scores >= floor
        else:
            wanted = scores > self.floor
        # Flat, as nonzero of a flat array is four times as fast; then each query's candidates side by side.
        query, row = np.divmod(np.flatnonzero(wanted), scores.shape[1])
        counts = np.bincount(query, minlength=len(scores))
        column = np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
        more_rows = np.full((len(scores), counts.max()), -1, np.int64)
        more_scores = np.full(more_rows.shape, -np.inf, np.float32)
        more_rows[query, column] = row + start
        more_scores[query, column] = scores[query, row]
        grown = _Best(np.hstack([self.rows, more_rows]), np.hstack([self.scores, more_scores]), self.floor)
        if grown.floor is not None and grown.rows.shape[1] <= SLACK * k:
            return grown
        rows, best = grown.sorted(k)
        order = np.argsort(np.where(rows < 0, np.iinfo(np.int64).max, rows), axis=1)  # by row again, for the next ties
        floor = best[:, [k - 1]] if best.shape[1] >= k and (rows[:, k - 1] >= 0).all() else None
        return _Best(np.take_along_axis(rows, order, 1), np.take_along_axis(best, order, 1), floor)

    def sorted(self, k: int):
        """(rows, scores) of the k best, best first."""
        import numpy as np

        lacking = max(0, k - self.rows.shape[1])
        rows = np.pad(self.rows, ((0, 0), (0, lacking)), constant_values=-1)
        scores = np.pad(self.scores, ((0, 0), (0, lacking)), constant_values=-np.inf)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)


def score_again(files: EmbeddingFiles, ids, queries):
    """(ids, scores) by the exact inner products of each query (n, width) with its hits `ids` (n, k), best first."""
    import numpy as np

    found = ids >= 0
    distinct, column = np.unique(ids[found], return_inverse=True)
    vectors = files.take(distinct)
    at = np.zeros(ids.shape, np.int64)
    at[found] = column
    scores = np.stack([np.einsum("kd,d->k", vectors[rows], query) for rows, query in zip(at, queries, strict=True)])
    scores[~found] = -np.inf
    order = np.lexsort((ids, -scores), axis=1)
    return np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)
