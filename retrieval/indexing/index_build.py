"""Build a planned kNN index: whole, and tuned; or in parts, each added to a copy of one trained index.

The invariant: row i of the embedding files, one after the other, is id i. A part has equally many rows (± 1), and its
bytes do not depend on which job builds it, nor on how many jobs there are. tests/test_build_knn_index.py holds both.
"""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from retrieval.cli import UserError, progress, say
from retrieval.embeddings import EmbeddingFiles, check_rows
from retrieval.files import complete_file, file_fingerprint, settings_fingerprint, write_json
from retrieval.indexing.index_keys import empty_index
from retrieval.indexing.index_plan import IndexPlan
from retrieval.indexing.index_tuning import UNTUNED_NPROBE, tune
from retrieval.indexing.recall import exact_answers, infos_of, recall_in_words

METRIC = "ip"  # inner product, which is what the semantic filter searches by
CHECKED_ROWS = 8_192  # 25 MB of float32 at width 768, per core


@dataclass(frozen=True)
class RecallSample:
    """How recall is measured."""

    queries: int | None  # None: as recall_infos chooses
    seed: int


def check_unit_rows(embeddings: EmbeddingFiles) -> None:
    """Read every row before hours are spent on an index, on all cores. Its cost is that of converting float16 once.

    Raises:
        UserError: a row that is not unit, or not finite; names its file.
    """

    def check(file: int, begin: int) -> int:
        block = embeddings.arrays[file][begin : begin + CHECKED_ROWS]
        check_rows(block, embeddings.files[file], begin)
        return len(block)

    tasks = [
        (file, begin)
        for file, array in enumerate(embeddings.arrays)
        for begin in range(0, len(array), CHECKED_ROWS)
    ]  # fmt: skip
    pool, begun = ThreadPoolExecutor(core_count()), time.monotonic()
    try:
        with progress(embeddings.ntotal, "rows", "checking") as more:
            for rows in pool.map(check, *zip(*tasks, strict=True)):
                more(rows)
    finally:
        pool.shutdown(cancel_futures=True)
    rate = embeddings.ntotal / max(time.monotonic() - begun, 1e-3)
    say(f"checked: all {embeddings.ntotal:,} rows are unit ({rate:,.0f} rows per second)")


def checked_blocks(embeddings: EmbeddingFiles, start: int, stop: int) -> Iterator[tuple[int, np.ndarray]]:
    """`embeddings.blocks`, each checked. Inner products are cosines only between unit rows."""
    for first, block in embeddings.blocks(start, stop):
        file = int(np.searchsorted(embeddings.starts, first, side="right")) - 1
        check_rows(block, embeddings.files[file], first - int(embeddings.starts[file]))
        yield first, block


def inputs_of(embeddings: EmbeddingFiles) -> list:
    """[name, fingerprint] of every file."""
    return [[path.name, file_fingerprint(path)] for path in embeddings.files]


# ---- one index ----


def build_whole(
    embeddings: EmbeddingFiles, plan: IndexPlan, index_path: Path, infos_path: Path, sample: RecallSample
) -> None:
    """Train, add all rows, tune; done already if the infos hold the fingerprint of these inputs and settings."""
    settings = {"index_key": plan.key, "metric_type": METRIC, "training_rows": plan.training_rows, "parts": None}
    if not are_alike(embeddings):
        settings["copied"] = True  # the first versions built a scrambled index of such files
    fingerprint = settings_fingerprint([settings, inputs_of(embeddings), sample.queries, sample.seed])
    if index_path.is_file() and recorded_fingerprint(infos_path) == fingerprint:
        say(f"{index_path} is there, built from these embeddings with these settings: nothing to do")
        return

    check_unit_rows(embeddings)
    index = trained_on_spread_rows(embeddings, plan)
    with progress(embeddings.ntotal, "rows", "adding") as more:
        for _, block in embeddings.blocks():
            index.add(block)
            more(len(block))
    exact = exact_answers(embeddings, sample.queries, sample.seed)
    infos = {"index_key": plan.key, "index_param": tune(index, plan.key, embeddings, exact)}
    infos |= {"index_path": str(index_path), "rows": index.ntotal, "width": index.d}
    infos |= {"training_rows": plan.training_rows, "fingerprint": fingerprint}
    infos |= infos_of(index, embeddings, exact)
    with complete_file(index_path) as beside:
        faiss.write_index(index, str(beside))
        infos_path.unlink(missing_ok=True)  # until the new ones are written, they would describe another index
    infos["size in bytes"] = index_path.stat().st_size
    write_json(infos_path, infos)
    say(f"{index_path}: {embeddings.ntotal:,} rows, {plan.key}, {infos['size in bytes']:,} bytes, "
        f"{recall_in_words(infos)}; {infos_path}")  # fmt: skip


def are_alike(embeddings: EmbeddingFiles) -> bool:
    """Whether all files are of one type and have their rows one after the other (C order)."""
    arrays = [array for array in embeddings.arrays if len(array)]
    return len({array.dtype for array in arrays}) <= 1 and all(array.flags.c_contiguous for array in arrays)


def trained_on_spread_rows(embeddings: EmbeddingFiles, plan: IndexPlan) -> faiss.Index:
    """An index without rows, trained on rows evenly spread over all files: shards need not be alike.

    Raises:
        UserError: faiss's reason.
    """
    faiss.omp_set_num_threads(core_count())
    index = empty_index(plan.key, embeddings.d)
    if not plan.training_rows:
        return index
    say(f"training {plan.key} on {plan.training_rows:,} rows")
    rows = np.linspace(0, embeddings.ntotal - 1, plan.training_rows).astype(np.int64)
    try:
        index.train(embeddings.take(rows))
    except (ValueError, RuntimeError, AssertionError) as error:
        raise UserError(f"faiss cannot train {plan.key}: {str(error).strip().splitlines()[-1]}") from error
    return index


def core_count() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", 0)) or len(os.sched_getaffinity(0))


# ---- an index in parts ----


@dataclass(frozen=True)
class TrainedIndex:
    path: Path  # knn.index.trained
    fingerprint: str  # of every embedding file, the key and the number of training rows


def trained_index(embeddings: EmbeddingFiles, plan: IndexPlan, index_path: Path) -> TrainedIndex:
    """The trained index that the parts are copies of; it need not be there yet."""
    fingerprint = settings_fingerprint([plan.key, plan.training_rows, inputs_of(embeddings)])
    return TrainedIndex(index_path.with_name(index_path.name + ".trained"), fingerprint)


def train(embeddings: EmbeddingFiles, plan: IndexPlan, trained: TrainedIndex) -> None:
    check_unit_rows(embeddings)
    index = trained_on_spread_rows(embeddings, plan)
    inverted = faiss.extract_index_ivf(index)
    inverted.nprobe = min(UNTUNED_NPROBE, inverted.nlist)
    write_index(index, trained.path)
    write_json(record_path(trained.path), {"fingerprint": trained.fingerprint, "index_key": plan.key})


def build_part(embeddings: EmbeddingFiles, plan: IndexPlan, index_path: Path, trained: TrainedIndex, part: int) -> bool:
    """Add a part's rows to a copy of the trained index; False where that was done already.

    Ids are rows of the whole, so parts can be merged as they are.
    """
    faiss.omp_set_num_threads(core_count())
    path = index_path.with_name(f"{index_path.name}{part:0{max(2, len(str(plan.parts - 1)))}d}")
    start, stop = embeddings.ntotal * part // plan.parts, embeddings.ntotal * (part + 1) // plan.parts
    fingerprint = settings_fingerprint([trained.fingerprint, start, stop])
    if is_done(path, fingerprint):
        return False
    index = faiss.read_index(str(trained.path))
    add_rows(index, embeddings, start, stop)
    write_index(index, path)
    write_json(record_path(path), {"fingerprint": fingerprint, "start": start, "rows": stop - start,
                                   "part": part, "parts": plan.parts, "index_key": plan.key})  # fmt: skip
    say(f"{path.name}: rows {start:,} to {stop:,}, {path.stat().st_size:,} bytes")
    return True


def add_rows(index: faiss.Index, embeddings: EmbeddingFiles, start: int, stop: int) -> None:
    with progress(stop - start, "rows", "adding") as more:
        for first, block in checked_blocks(embeddings, start, stop):
            index.add_with_ids(block, np.arange(first, first + len(block)))
            more(len(block))


def write_index(index: faiss.Index, path: Path) -> None:
    with complete_file(path) as beside:
        record_path(path).unlink(missing_ok=True)
        faiss.write_index(index, str(beside))


def record_path(path: Path) -> Path:
    """Written after its index: the fingerprint of what the index was made from."""
    return path.with_name(path.name + ".json")


def is_done(path: Path, fingerprint: str) -> bool:
    return path.is_file() and recorded_fingerprint(record_path(path)) == fingerprint


def recorded_fingerprint(record: Path) -> str | None:
    try:
        return json.loads(record.read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
