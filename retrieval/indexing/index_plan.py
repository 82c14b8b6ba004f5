"""The plan of a kNN index: its kind, its size, rows to train on, and whether it fits.

It is made and printed before any row is read; the numbers are those of index_keys.py.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.embeddings import EmbeddingFiles
from retrieval.files import free_bytes
from retrieval.indexing import index_keys

MEMORY_SHARE = 0.8  # of the machine's free memory: the page cache and other processes want some
INDEX_SHARE = 0.8  # of that, for the finished index; at least a tenth must be left to build it
FLAT_ROWS = 10_000  # up to here exact search takes a millisecond; a graph takes longer to build than it saves


@dataclass(frozen=True)
class IndexRequest:
    """What the user asks for; None: chosen by the plan."""

    index_key: str | None  # faiss's name of the kind of index
    parts: int | None  # None: one index
    memory_mapped: bool  # only kinds that can be served from disk
    index_memory: int | None  # bytes that the finished index may take
    memory: int | None  # bytes to build with
    disk_of: Path | None  # the index must fit on the disk of this path; None: not looked at


@dataclass(frozen=True)
class IndexPlan:
    key: str
    parts: int | None
    training_rows: int  # 0: this kind needs no training
    lines: tuple[str, ...]  # for the user
    refusal: str | None  # why it cannot be built here


@dataclass(frozen=True)
class Budget:
    """Bytes of memory."""

    free: int
    memory: int  # to build with
    index_memory: int  # for the finished index


@dataclass(frozen=True)
class Estimate:
    """What a key takes."""

    size: int  # bytes of the whole index
    training_rows: int
    needed: float  # bytes of memory to build it


def make_plan(request: IndexRequest, embeddings: EmbeddingFiles) -> IndexPlan:
    """What will be built, and what it takes.

    Raises:
        UserError: no kind of index fits, or a key of another kind.
    """
    rows, width = embeddings.ntotal, embeddings.d
    budget = make_budget(request)
    key = request.index_key or best_key(request, rows, width, budget)
    cost = estimate(key, request.parts, rows, width, budget)
    refusal = why_refused(request, key, rows, cost, budget)
    how = "as asked" if request.index_key else "chosen for this size"
    in_parts = f" in {request.parts:,} parts of about {gib(cost.size / request.parts)}" if request.parts else ""
    fits = "too little" if refusal else "fits"
    lines = (
        f"embeddings: {rows:,} rows of width {width:,} in {len(embeddings.files):,} files",
        f"index: {key} ({how}), about {gib(cost.size)}{in_parts}",
        f"training: on {cost.training_rows:,} rows" if cost.training_rows else "training: none",
        f"memory: {gib(cost.needed)} to build, {gib(budget.memory)} of {gib(budget.free)} free: {fits}",
    )
    return IndexPlan(key, request.parts, cost.training_rows, lines, refusal)


def make_budget(request: IndexRequest) -> Budget:
    free = available_memory()
    memory = request.memory or int(free * MEMORY_SHARE)
    return Budget(free, memory, request.index_memory or int(memory * INDEX_SHARE))


def best_key(request: IndexRequest, rows: int, width: int, budget: Budget) -> str:
    key = index_keys.best_key(
        rows,
        width,
        budget.index_memory,
        flat_rows=FLAT_ROWS if request.parts is None else 0,
        memory_mapped=request.memory_mapped or request.parts is not None,
    )
    if key is None:
        raise UserError(f"no index of {rows:,} rows fits in {gib(budget.index_memory)}: raise --max-index-memory-usage")
    return key


def estimate(key: str, parts: int | None, rows: int, width: int, budget: Budget) -> Estimate:
    size = index_keys.index_size(key, rows, width)
    training = index_keys.training_rows(key, rows, width, budget.memory)
    needed = index_keys.training_memory(key, training, width)
    # In parts, one of them is in memory at a time.
    needed = max(needed, size / parts if parts else index_keys.memory_to_build(key, rows, width))
    return Estimate(size, training, needed)


def why_refused(request: IndexRequest, key: str, rows: int, cost: Estimate, budget: Budget) -> str | None:
    parts = index_keys.parts_of(key)
    least = max(parts["lists"], 2 ** parts.get("bits", 0)) if cost.training_rows else 0
    if cost.training_rows < least:
        return f"--index-key {key} needs at least {least:,} rows to train on, and there are {rows:,}"
    if request.parts and not cost.training_rows:
        return f"--index-key {key} cannot be built in parts: merging needs inverted lists (IVF…)"
    if cost.needed > budget.memory:
        return (
            f"{key} needs {gib(cost.needed)} of memory to build and {gib(budget.memory)} are to be had: take a smaller "
            "--index-key, build in --parts, or raise --current-memory-available"
        )
    if request.parts is None and budget.memory - budget.index_memory < 0.1 * budget.memory:
        return (
            f"--max-index-memory-usage {gib(budget.index_memory)} must leave a tenth of --current-memory-available "
            f"{gib(budget.memory)} to build with"
        )
    if request.disk_of is not None:
        disk = free_bytes(next(parent for parent in request.disk_of.absolute().parents if parent.exists()))
        if cost.size > disk:
            return f"the index takes {gib(cost.size)} and the disk of {request.disk_of} has {gib(disk)} left"
    return None


def available_memory() -> int:
    """Bytes free for this process: the machine's, or its container's where that is less."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, StopIteration):  # Linux: page cache that can be given back counts as free
        meminfo = Path("/proc/meminfo").read_text()
        free = next(int(line.split()[1]) << 10 for line in meminfo.splitlines() if line.startswith("MemAvailable"))
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            group = Path("/sys/fs/cgroup")
            free = min(free, int((group / limit).read_text()) - int((group / used).read_text()))
    return max(free, 0)


def gib(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**29 else f"{count / 2**20:,.1f} MiB"
