"""The work itself: classes are searched block by block, then selected and written one by one."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
from threadpoolctl import threadpool_limits

from retrieval.cli import say_more
from retrieval.clip_model import ClipModel
from retrieval.semantic.exact_search import exact_search
from retrieval.semantic.hit_files import class_line
from retrieval.semantic.hit_records import write_class
from retrieval.semantic.knn_search import Neighbours, search
from retrieval.semantic.plan import ClassPlan, SearchSettings
from retrieval.semantic.pools import Pool
from retrieval.semantic.query_vectors import embed_classes
from retrieval.semantic.selection import PoolHits, select

# Prompts searched together: enough that an inverted list serves many of them at once, few enough that their hits
# (20 bytes each) stay at 41 MB for 500 results per query.
BLOCK_PROMPTS = 4096


def search_classes(
    classes: list[ClassPlan],
    pools: list[Pool],
    encoders: dict[str, ClipModel],
    settings: SearchSettings,
    batch_size: int,
) -> Iterator[str]:
    """Search all classes and write the hit file of each. `encoders` has the model of each pool, by its name.

    Yields:
        str: a line for each class that is done.
    """
    for block in class_blocks(classes):
        began = time.monotonic()
        queries = {name: embed_classes(block, encoder, batch_size) for name, encoder in encoders.items()}
        embedded = time.monotonic()
        rows_of = class_rows(block)
        found = [ask(pool, queries[pool.files.model], settings, encoders[pool.files.model].device) for pool in pools]
        say_more(
            f"{rows_of[-1].stop:,} prompts of {len(block):,} classes: embedded in {embedded - began:.1f} s, "
            f"searched in {time.monotonic() - embedded:.1f} s"
        )
        yield from select_block(block, rows_of, found, settings)


def class_blocks(classes: list[ClassPlan]) -> list[list[ClassPlan]]:
    """Classes to be searched together: at most BLOCK_PROMPTS prompts, or one class."""
    blocks, room = [], 0
    for each in classes:
        if len(each.queries) > room:
            blocks.append([])
            room = BLOCK_PROMPTS
        blocks[-1].append(each)
        room -= len(each.queries)
    return blocks


def class_rows(block: list[ClassPlan]) -> list[slice]:
    """Where the queries of each class lie among those of the block."""
    ends = np.cumsum([len(each.queries) for each in block]).tolist()
    return [slice(end - len(each.queries), end) for each, end in zip(block, ends, strict=True)]


def ask(pool: Pool, queries: np.ndarray, settings: SearchSettings, device: str) -> PoolHits:
    """The k nearest rows of all queries in each index of the pool, or with --exact among its embeddings."""
    k = settings.results_per_query
    if pool.files.exact_folder:
        neighbours = {
            source: Neighbours(*exact_search(embeddings, queries, k, device))
            for source, embeddings in pool.indices.items()
        }
    else:
        neighbours = {source: search(index, queries, k) for source, index in pool.indices.items()}
    return PoolHits(pool, queries, neighbours)


def select_block(
    block: list[ClassPlan], rows_of: list[slice], found: list[PoolHits], settings: SearchSettings
) -> Iterator[str]:
    """Select and write the classes of a block side by side, each on one thread; a line for each."""
    pools = [each.pool for each in found]

    def finish(plan: ClassPlan, rows: slice) -> str:
        return class_line(write_class(plan, pools, [select(each.of(rows), settings) for each in found]))

    cores = faiss.omp_get_max_threads()  # OMP_NUM_THREADS, else the cores that this process may use
    # faiss counts threads per calling thread, BLAS per process.
    one_thread = ThreadPoolExecutor(cores, initializer=faiss.omp_set_num_threads, initargs=(1,))
    with threadpool_limits(1, "blas"), one_thread as threads:
        yield from threads.map(finish, block, rows_of)
