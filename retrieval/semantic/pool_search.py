"""Search one shard: its features are read once, and its best rows are kept in the unit's folder (pool_units.py).

Rows that are not of length 1 are normalised, and counted. Rows of zeros, NaN or infinite values are counted and never
found.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from retrieval.caption_groups import grouped
from retrieval.clip_model import ClipModel, copy_to_host
from retrieval.embeddings import UNIT_TOLERANCE
from retrieval.files import write_json
from retrieval.read_ahead import ahead
from retrieval.semantic.best_rows import BestRows, at_rows, rows_of
from retrieval.semantic.feature_plan import PoolShard
from retrieval.semantic.features import Features, Spool, feature_rows, stretches, take
from retrieval.semantic.pool_units import Unit, complete_folder
from retrieval.semantic.row_products import search_rows
from retrieval.semantic.unit_rows import write_rows
from retrieval.shard import Shard
from retrieval.shards import caption_batches


@dataclass(frozen=True)
class Searcher:
    """What is searched for in every shard."""

    queries: np.ndarray  # float32 (n, width), unit rows
    k: int
    device: str
    embedder: ClipModel | None  # of captions that have no features
    batch_size: int
    where: str | None = None  # a condition on the pool's own columns (row_condition.py)


class Lengths:
    """Settles rows before they are compared (row_products.Settle), and counts what it changes."""

    def __init__(self):
        self.normalised, self.unusable = [], []

    def __call__(self, rows: torch.Tensor, lengths: np.ndarray, start: int) -> None:
        unit = np.abs(lengths - 1) < UNIT_TOLERANCE
        if unit.all():
            return
        usable = np.isfinite(lengths) & (lengths > 0)
        odd = np.flatnonzero(usable & ~unit)
        rows[odd] /= torch.from_numpy(lengths[odd]).to(rows.device)[:, None]
        rows[np.flatnonzero(~usable)] = torch.nan
        self.normalised.append(len(odd))  # from several threads: adding to a number is not one step
        self.unusable.append(int((~usable).sum()))


def search_shard(each: PoolShard, unit: Unit, searcher: Searcher) -> dict:
    """Write the unit's folder.

    Returns:
        dict: its counts.

    Raises:
        UserError: the shard or its features are damaged; names them.
    """
    rows, found = each.shard.rows, {source: np.zeros(each.shard.rows, bool) for source in each.features}
    counts = {"rows": rows, "normalised": {}, "unusable": {}}
    with complete_folder(unit) as folder, contextlib.ExitStack() as at_the_end:
        spools = {}
        for source, features in each.features.items():
            if features.is_streamed:
                spools[source] = Spool(folder / f"{source}.spool")
                at_the_end.callback(spools[source].remove)
            lengths = Lengths()
            best = best_rows(each.shard, features, spools.get(source), searcher, lengths)
            write_hits(folder / unit.hits(source).name, best, min(searcher.k, rows), found[source])
            counts["normalised"][source], counts["unusable"][source] = sum(lengths.normalised), sum(lengths.unusable)
        kept = np.flatnonzero(np.logical_or.reduce([*found.values()]))
        for source, features in each.features.items():
            taker = spools[source].take if source in spools else functools.partial(take, features)
            write_vectors(folder / unit.vectors(source).name, taker, kept, found[source])
            place_hits(folder / unit.hits(source).name, kept)
            if source in spools:
                spools[source].remove()
        write_rows(folder / "rows.arrow", each.shard, kept, searcher.where)
        write_json(folder / "counts.json", counts)
    return counts


def best_rows(
    shard: Shard, features: Features, spool: Spool | None, searcher: Searcher, lengths: Lengths
) -> list[BestRows]:
    """The best rows of one source."""
    where, width = f"shard {shard.path}", searcher.queries.shape[1]
    from_captions, at_end = features.kind == "captions", []
    if from_captions:
        reading = embedded_captions(shard, searcher, torch.get_num_threads())
    else:
        reading = ahead(feature_rows(features, shard.path, width, at_end))
    with contextlib.closing(reading) as arrays:
        kept = spool.keep(arrays) if spool else arrays
        found = stretches(kept, shard.rows, where)
        k = max(1, min(searcher.k, shard.rows))
        best = search_rows(found, searcher.queries, k, searcher.device, lengths, overlaps=not from_captions)
    for finish in at_end:
        finish()
    return best


def embedded_captions(shard: Shard, searcher: Searcher, threads: int) -> Iterator[np.ndarray]:
    """float16 (n, width): the very embeddings that compute_text_embeddings.py writes. A thread tokenises ahead."""
    model = searcher.embedder
    groups = grouped(batch.captions for batch in caption_batches(shard))
    with contextlib.closing(ahead(model.tokenizer([text or "" for text in group]) for group in groups)) as tokens:
        for ids in tokens:
            products, _ = torch.get_num_threads(), torch.set_num_threads(threads)  # the model takes all cores
            embedded = copy_to_host(model.embed_tokens(ids, searcher.batch_size))()
            torch.set_num_threads(products)
            yield embedded


def write_vectors(path: Path, taker: Callable, kept: np.ndarray, found: np.ndarray, block: int = 16_384) -> None:
    """Write the vectors of the kept rows; those that only another source found are zeros, and are never read.

    Through a file: a mapped one takes a page fault for each four rows, and waits for the disk at the end.
    """
    none = taker(kept[:0])
    header = {"descr": none.dtype.str, "fortran_order": False, "shape": (len(kept), none.shape[1])}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for begin in range(0, len(kept), block):
            some = kept[begin : begin + block]
            vectors = np.zeros((len(some), none.shape[1]), none.dtype)
            vectors[found[some]] = taker(some[found[some]])
            file.write(vectors)


def write_hits(path: Path, best: list[BestRows], k: int, found: np.ndarray) -> None:
    """Write hits by the shard's rows, int64 (queries, k), and mark in `found` the rows that occur."""
    queries = sum(len(each.hits) for each in best)
    written = np.lib.format.open_memmap(path, "w+", np.int64, (queries, k))
    begin = 0
    for each in best:
        hits = each.sorted()[:, :k]
        rows = rows_of(hits)
        found[rows[rows >= 0]] = True
        written[begin : begin + len(hits)] = hits
        begin += len(hits)
        each.hits = each.waiting = None  # 0.3 GB of them with 80,000 prompts
    written.flush()


def place_hits(path: Path, kept: np.ndarray, block: int = 4096) -> None:
    """Write the hits again, by the rows' places among the kept."""
    written = np.lib.format.open_memmap(path, "r+")
    for begin in range(0, len(written), block):
        hits = written[begin : begin + block]
        written[begin : begin + block] = at_rows(hits, np.searchsorted(kept, rows_of(hits)))
    written.flush()
