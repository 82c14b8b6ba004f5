"""Warn where a pool's captions do not belong to its rows: an older or foreign index folder may have them mixed up.

A few captions are searched for like prompts. Where rows and captions belong together, nearly each finds its own row, or
one with an equal caption; where they do not, next to none does.
"""

import numpy as np
import pyarrow as pa

from retrieval.clip_model import ClipModel
from retrieval.embeddings import EmbeddingFiles
from retrieval.record_columns import valid_utf8
from retrieval.semantic.knn_search import look_up, search
from retrieval.semantic.pools import Pool

SAMPLE_ROWS = 12  # a second of ViT-L/14 on two cores
NEIGHBOURS = 20
FOUND_SHARE = 0.2  # of the captions of a sound pool, half are found even by coarse codes
LEAST_ROWS = 1_000  # among fewer rows, the neighbours of any caption are a large part of the pool


def caption_warning(pool: Pool, encoder: ClipModel) -> str | None:
    """A sentence where captions do not find their rows in the text index, or among the text embeddings of --exact."""
    metadata, column = pool.metadata, pool.metadata.columns.get("TEXT")
    if "text_index" not in pool.indices or column is None or metadata.rows < LEAST_ROWS:
        return None
    if not pa.types.is_string(metadata.types[column]):  # lists of captions
        return None
    rows = np.unique(np.linspace(0, metadata.rows - 1, SAMPLE_ROWS).astype(np.int64))
    captions = captions_of(pool, column, rows)
    rows = np.array([row for row in rows.tolist() if captions[row]], np.int64)
    if not len(rows):
        return None
    vectors = encoder.encode_texts([captions[row] for row in rows.tolist()])
    index = pool.indices["text_index"]
    if isinstance(index, EmbeddingFiles):
        cosines = vectors @ index.take_unit(rows).T
        found = int((np.diag(cosines) > cosines.max(axis=1) - 1e-3).sum())
    else:
        found = found_in_index(pool, index, vectors, [captions[row] for row in rows.tolist()], rows)
    if found >= FOUND_SHARE * len(rows):
        return None
    return (
        f"warning: the captions of {metadata.name} do not seem to be of these rows: {found} of {len(rows)} captions "
        f"(column {column}) find their own row in the text index; other rows' captions and URLs may stand in the "
        "records. Assemble the folder again from the metadata that was embedded"
    )


def found_in_index(pool: Pool, index, vectors: np.ndarray, captions: list[str], rows: np.ndarray) -> int:
    """How many captions find their own row, or one with an equal caption."""
    neighbours = search(index, vectors, NEIGHBOURS)
    distinct = np.unique(neighbours.locations[neighbours.locations >= 0])
    ids = look_up(index, distinct, neighbours.stored)[0]
    inside = (ids >= 0) & (ids < pool.metadata.rows)
    id_of = dict(zip(distinct[inside].tolist(), ids[inside].tolist(), strict=True))
    column = pool.metadata.columns["TEXT"]
    text_of = captions_of(pool, column, np.unique(ids[inside]))
    found = 0
    for locations, row, caption in zip(neighbours.locations.tolist(), rows.tolist(), captions, strict=True):
        hits = [id_of[location] for location in locations if location in id_of]
        found += row in hits or any(text_of[hit] == caption for hit in hits)
    return found


def captions_of(pool: Pool, column: str, rows: np.ndarray) -> dict[int, str | None]:
    """Row -> its caption, of int64 `rows`, sorted, each once."""
    texts = valid_utf8(pool.metadata.fetch(rows, [column])[column].combine_chunks())
    return dict(zip(rows.tolist(), texts.to_pylist(), strict=True))
