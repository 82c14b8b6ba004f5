"""Embedding files as one matrix.

An embeddings folder holds `img_emb*.npy` and / or `text_emb*.npy` as clip-retrieval and knn_indices_helper write them:
(rows, width), float16 or float32, unit length. Taken in the order of their names, row i of all of them is row i of the
pool's metadata. They are memory-mapped; of 100 million rows × 768 × 2 bytes (154 GB) one stretch at a time is read.
"""

from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError

NAMES = {"text_index": "text_emb*.npy", "image_index": "img_emb*.npy"}


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
