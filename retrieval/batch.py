"""Batch: some rows of a shard as arrays, and memory that is kept from one batch to the next."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

BATCH_ROWS = 1 << 16  # 4 MB of captions; larger is no faster, and if a third of them match, a batch takes 200 MB
LARGEST_BLOCK_BYTES = 30 << 20  # the threshold that glibc can learn ends at 32 MiB


@dataclass(frozen=True)
class Batch:
    """Some rows of a shard. `fetch` works until the next batch is asked for."""

    rows: np.ndarray  # int64 (n,): the rows' numbers
    captions: pa.Array  # (n,) string, large_string, binary or a dictionary of one
    fetch: Callable[[np.ndarray], dict]  # positions in the batch, ascending -> {our name: list or pyarrow Array}
    own: Callable[[np.ndarray], dict] = lambda positions: {}  # positions -> {column of the file: list or Array}, once
    lost: int = 0  # rows among these that cannot be read: their captions are null
    first_lost: str = ""  # which is the first of them, and why


def keep_freed_memory() -> None:
    """Let malloc keep the memory of a batch for the next one, which saves a tenth of a scan's time.

    glibc returns the top of its heap to the kernel as soon as 256 KB of it are free, and the kernel clears each page
    that it hands out again. Freeing one large mapped block raises that threshold (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(LARGEST_BLOCK_BYTES, np.uint8)


def use_mimalloc() -> None:
    """Let Arrow keep the memory of a batch too: its jemalloc gives it back, with 25,000 page faults per million rows.

    Only where Arrow was built with mimalloc, and the user has not chosen another pool.
    """
    if "mimalloc" in pa.supported_memory_backends() and "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.mimalloc_memory_pool())
