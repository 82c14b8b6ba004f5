"""The units of a pool, one after the other, as one pool: the k best of all shards, then selected as from an index.

A row's location is its unit's first one plus its place among the unit's kept rows. Units are in the order of the
shards, so equal scores are in the order of the pool's rows, as `--exact` has them.
"""

import contextlib
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.embeddings import EmbeddingFiles
from retrieval.index_folder import IndexEntry
from retrieval.records import EXTRA_FIELDS
from retrieval.semantic.best_rows import NO_HIT, merged, rows_of, scores_of
from retrieval.semantic.block_search import class_blocks, class_rows, select_block
from retrieval.semantic.knn_search import Neighbours
from retrieval.semantic.plan import ClassPlan, PoolFiles, SearchSettings
from retrieval.semantic.pool_metadata import open_arrow_files
from retrieval.semantic.pool_units import Unit
from retrieval.semantic.pools import Pool
from retrieval.semantic.selection import PoolHits
from retrieval.semantic.unit_rows import HOLDS

NAME = "pool"


def select_classes(
    pending: list[ClassPlan],
    classes: list[ClassPlan],
    units: list[Unit],
    pool: Pool,
    settings: SearchSettings,
) -> Iterator[str]:
    """Select and write the pending ones of the classes that the units were searched for, block by block.

    Args:
        pool: the units, opened (open_units).

    Yields:
        str: a line for each class that is done.
    """
    places = dict(zip([each.name for each in classes], class_rows(classes), strict=True))
    for block in class_blocks(pending):
        queries = np.concatenate([np.r_[places[each.name]] for each in block])
        neighbours = {
            source: best_of_units(units, vectors.starts, source, queries, settings.results_per_query)
            for source, vectors in pool.indices.items()
        }
        no_vectors = np.empty((len(queries), 0), np.float32)  # the scores are known
        yield from select_block(block, class_rows(block), [PoolHits(pool, no_vectors, neighbours)], settings)


def open_units(units: list[Unit], sources: list[str], width: int, has_condition: bool) -> Pool:
    """The units' rows as a pool. Three files per unit stay open.

    Args:
        has_condition: the units were searched with --where, and have a column that says which rows fulfil it.
    """
    allow_open_files(64 + 4 * len(units))
    files = [unit.folder / "rows.arrow" for unit in units]
    where = HOLDS if has_condition else None
    metadata = open_arrow_files(files, NAME, allow_untagged=True, where=where, ours=("ROW", "PIXELS"))
    for extra in EXTRA_FIELDS:
        if all(reader.schema.field(extra).type == pa.null() for reader in metadata.readers):
            columns = {ours: name for ours, name in metadata.columns.items() if ours != extra}
            metadata = replace(metadata, columns=columns)
    starts = np.cumsum([0, *metadata.rows_of_files()])
    indices = {}
    for source in sources:
        arrays = [
            kept_vectors(unit, source, rows, width) for unit, rows in zip(units, np.diff(starts).tolist(), strict=True)
        ]
        if any(unit.vectors(source).exists() for unit in units):
            indices[source] = EmbeddingFiles(tuple(arrays), starts)
    return Pool(PoolFiles(IndexEntry(NAME, Path(NAME), None, False), "", {}, {}, None), indices, {}, metadata)


def kept_vectors(unit: Unit, source: str, rows: int, width: int) -> np.ndarray:
    """Memory-mapped (kept rows, width); zeros, of no size, where the shard has no such features."""
    if not unit.vectors(source).exists() or not rows:
        return np.broadcast_to(np.float16(0), (rows, width))
    return np.load(unit.vectors(source), mmap_mode="r")


def best_of_units(units: list[Unit], starts: np.ndarray, source: str, queries: np.ndarray, k: int) -> Neighbours:
    """The k best of all units for some queries (their numbers, ascending)."""
    best = np.full((len(queries), k), NO_HIT)
    for unit, start in zip(units, starts.tolist(), strict=False):
        if unit.hits(source).exists():
            hits = np.load(unit.hits(source), mmap_mode="r")[queries]
            best = merged(best, np.where(hits == NO_HIT, NO_HIT, hits - start), k)  # a row is a complement
    return Neighbours(rows_of(best), scores_of(best))


def allow_open_files(number: int) -> None:
    """Raise this process's limit of open files, often 1,024, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (number if hard == resource.RLIM_INFINITY else min(number, hard), hard)
            )
