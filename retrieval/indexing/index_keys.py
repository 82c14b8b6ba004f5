"""Kinds of kNN index by faiss's names of them (keys): which one suits a pool, what it takes, and the empty index.

The rules are autofaiss 2.18's (github.com/criteo/autofaiss: external/optimize.py, external/metadata.py,
indices/index_factory.py), which follow faiss's own guidelines. autofaiss itself is not called, because it needs
numpy < 2: with numpy 2 it fails when it writes its results. tests/test_index_keys.py compares each number with it.

All sizes are bytes; vectors are float32 in memory, so a row takes 4 * width.
"""

import math
import re

import faiss

from retrieval.cli import UserError

KEYS_THAT_WORK = "Flat, HNSWm, IVFn,Flat, OPQm_d,IVFn,PQmx8, OPQm_d,IVFn_HNSWm,PQmx8 and Padd,IVFn_HNSWm,PQmx8"
KEYS = (
    re.compile(r"Flat"),
    re.compile(r"HNSW(?P<hnsw>\d+)"),
    re.compile(r"IVF(?P<lists>\d+),Flat"),
    re.compile(r"OPQ(?P<opq>\d+)_(?P<out>\d+),IVF(?P<lists>\d+)(_HNSW(?P<hnsw>\d+))?,PQ(?P<pq>\d+)(x(?P<bits>\d+))?"),
    re.compile(r"Pad(?P<out>\d+),IVF(?P<lists>\d+)_HNSW(?P<hnsw>\d+),PQ(?P<pq>\d+)(x(?P<bits>\d+))?"),
)
CODE_SIZES = (256, 128, 64, 48, 32, 24, 16, 8, 4)  # bytes per row of a quantized index, the best recall first
ID_BYTES = 8  # per row of an inverted list
LEAST_QUANTIZED = 10_000  # rows; below, quantizers have too little to learn from
LEAST_LINKS, MOST_LINKS = 8, 32  # of an HNSW graph
GRAPH_LISTS = 1_000  # from so many lists on, a graph finds the nearest ones
ROWS_PER_LIST = 100  # to train on; faiss asks for 30 to 256
LEAST_ROWS_PER_LIST = 31
OPQ_ROWS = 65_536  # faiss learns a rotation from at most so many


# ---- the choice ----


def best_key(rows: int, width: int, most: int, *, flat_rows: int, memory_mapped: bool) -> str | None:
    """The key that autofaiss would choose first; None: no kind fits into `most` bytes.

    Args:
        flat_rows: with fewer rows, search is exact.
        memory_mapped: only kinds that can be served from disk, which are those with inverted lists.
    """
    if rows < flat_rows:
        return "IVF1,Flat" if memory_mapped else "Flat"
    if rows < LEAST_QUANTIZED:
        return f"IVF{list_counts(rows)[0]},Flat" if memory_mapped else "HNSW15"
    links = math.floor((most / (4 * rows) - width) / 2)
    if not memory_mapped and links >= LEAST_LINKS:
        return f"HNSW{min(links, MOST_LINKS)}"
    whole = f"IVF{list_counts(rows)[0]},Flat"
    if rows < 1_000_000 and index_size(whole, rows, width) <= most:
        return whole
    return best_quantized(rows, width, most)


def best_quantized(rows: int, width: int, most: int) -> str | None:
    for code in CODE_SIZES:
        if code < width and (code + ID_BYTES) * rows <= most:
            out = (min(width // code, 6) + 1) * code  # a multiple of the code, a little wider than the rows
            lists = list_counts(rows)[0]
            return f"OPQ{code}_{out},IVF{lists}{'_HNSW32' if lists >= GRAPH_LISTS else ''},PQ{code}x8"
    return None


def list_counts(rows: int) -> list[int]:
    """How many inverted lists suit a pool, the best first: about 4 * sqrt(rows) at first."""
    if rows < 1_000_000:
        return [2 ** round(math.log2(4 * math.sqrt(rows)))]
    return [16_384 if rows < 10_000_000 else 65_536 if rows < 300_000_000 else 131_072]


# ---- what a key takes ----


def parts_of(key: str) -> dict[str, int]:
    """The numbers in a key: lists, hnsw, pq, bits, out, opq; those that it has.

    Raises:
        UserError: none of the kinds that are built here.
    """
    match = next((found for found in (pattern.fullmatch(key) for pattern in KEYS) if found), None)
    if match is None or 0 in (int(number) for number in match.groupdict().values() if number):
        raise UserError(f"--index-key {key} is none of the kinds built here for inner products: {KEYS_THAT_WORK}")
    parts = {name: int(number) for name, number in match.groupdict().items() if number}
    return parts | {"bits": 8} if "pq" in parts and "bits" not in parts else parts


def index_size(key: str, rows: int, width: int) -> int:
    """Bytes of the whole index."""
    parts = parts_of(key)
    graph = parts.get("hnsw", 0) * 2 * 4  # bytes of links per node
    if "pq" in parts:
        lists = parts["lists"] * (width * 4 + graph)
        return rows * (code_bytes(parts) + ID_BYTES) + lists + parts.get("opq", 0) * parts["out"] * 4
    if "lists" in parts:
        return (rows + parts["lists"]) * width * 4
    return rows * (width * 4 + graph)


def code_bytes(parts: dict[str, int]) -> int:
    return math.ceil(parts["pq"] * parts["bits"] / 8)


def training_rows(key: str, rows: int, width: int, memory: float) -> int:
    """Rows to train on: as many as the memory holds, of 31 to 100 per list; 0: this kind needs no training."""
    lists = parts_of(key).get("lists")
    if lists is None:
        return 0
    fitting = memory / training_memory(key, ROWS_PER_LIST, width)
    return min(round(max(min(fitting, ROWS_PER_LIST), LEAST_ROWS_PER_LIST) * lists), rows)


def training_memory(key: str, rows: int, width: int) -> float:
    """Bytes to train on `rows` rows: the rows with half as much beside them, the lists, the rotation."""
    parts = parts_of(key)
    if "lists" not in parts:
        return 0
    needed = 1.5 * 4 * width * rows + 4 * parts["lists"] * width
    if "hnsw" in parts:
        needed += parts["lists"] * (parts["hnsw"] * 2 * 4 + width * 4)
    if "opq" in parts:
        wide, learnt = max(width, parts["out"]), min(OPQ_ROWS, rows)
        needed += 4 * ((2 * parts["out"] + wide) * learnt + 4 * wide * wide) + parts["opq"] * learnt
    return needed + (code_bytes(parts) if "pq" in parts else 0)


def memory_to_build(key: str, rows: int, width: int) -> int:
    """Bytes to build the whole index in one piece: the index and a tenth of it, or the least training."""
    size = index_size(key, rows, width)
    training = training_memory(key, training_rows(key, rows, width, memory=1), width)
    return int(max(size + min(size * 0.1, 10**9), training))


# ---- the index itself ----


def empty_index(key: str, width: int) -> faiss.Index:
    """An untrained index for inner products.

    faiss.index_factory would give a quantized index Euclidean distances inside, so those are put together here.

    Raises:
        UserError: numbers that do not go together; says faiss's reason.
    """
    parts, metric = parts_of(key), faiss.METRIC_INNER_PRODUCT
    try:
        if "pq" not in parts:
            return faiss.index_factory(width, key, metric)
        out = parts["out"]
        coarse = faiss.IndexHNSWFlat(out, parts["hnsw"], metric) if "hnsw" in parts else faiss.IndexFlatIP(out)
        inner = faiss.IndexIVFPQ(coarse, out, parts["lists"], parts["pq"], parts["bits"], metric)
        opq = parts.get("opq")
        before = faiss.OPQMatrix(width, opq, out) if opq else faiss.RemapDimensionsTransform(width, out, True)
        return faiss.IndexPreTransform(before, inner)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"faiss cannot build {key}: {str(error).strip().splitlines()[-1]}") from error
