"""--diverse: which stored embeddings say how far apart the images of a class are (retrieval/farthest_points.py)."""

from pathlib import Path

from retrieval.cli import UserError
from retrieval.embeddings import EmbeddingFiles, embedding_paths, open_embeddings
from retrieval.records import read_manifests


def open_diverse(folder: str, sources: list[Path]) -> EmbeddingFiles:
    """The embeddings that --diverse compares: those of the images if the folder has them, else those of the captions.

    Raises:
        UserError: a folder without embeddings, or records of several pools, whose row numbers cannot be told apart.
    """
    pools = {pool for source in sources for run in read_manifests(source) for pool in run["settings"].get("pools", ())}
    if len(pools) > 1:
        raise UserError(f"--diverse has one pool's embeddings, and --r has records of {', '.join(sorted(pools))}")
    found = embedding_paths(folder, ["image_index", "text_index"], "--diverse")
    return open_embeddings(found.get("image_index") or found["text_index"])
