"""Build a planned kNN index: whole, by autofaiss; or in parts, each added to a copy of one trained index.

The invariant: row i of the embedding files, one after the other, is id i. A part has equally many rows (± 1), and its
bytes do not depend on which job builds it, nor on how many jobs there are. tests/test_build_knn_index.py holds both.
"""

import contextlib
import glob
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from autofaiss import build_index
from autofaiss.indices.training import create_empty_index

from retrieval.cli import UserError, progress, say
from retrieval.embeddings import BLOCK_ROWS, EmbeddingFiles, check_rows
from retrieval.files import complete_file, file_fingerprint, free_bytes, settings_fingerprint, write_json
from retrieval.indexing.index_plan import IndexPlan
from retrieval.indexing.recall import recall_in_words, recall_infos

METRIC = "ip"  # inner product, which is what the semantic filter searches by
CHECKED_ROWS = 8_192  # 25 MB of float32 at width 768, per core
PART_NPROBE = 64  # what autofaiss sets for OPQ,IVF,PQ before it tunes; merge_knn_indices.py can change it


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
    """autofaiss over all rows; done already if the infos hold the fingerprint of these inputs and settings."""
    settings = {"index_key": plan.key, "metric_type": METRIC, "training_rows": plan.training_rows, "parts": None}
    if misread_files(embeddings)[1]:
        settings["copied"] = True  # earlier versions built a scrambled index of the same files
    fingerprint = settings_fingerprint([settings, inputs_of(embeddings), sample.queries, sample.seed])
    if index_path.is_file() and recorded_fingerprint(infos_path) == fingerprint:
        say(f"{index_path} is there, built from these embeddings with these settings: nothing to do")
        return

    check_unit_rows(embeddings)
    with tempfile.TemporaryDirectory(dir=index_path.parent, prefix=f".{index_path.name}.building.") as folder:
        built = Path(folder) / "knn.index"
        infos = run_autofaiss(embeddings, plan, built, Path(folder))
        index = faiss.read_index(str(built), faiss.IO_FLAG_MMAP)
        if index.ntotal != embeddings.ntotal:
            raise UserError(f"autofaiss built an index of {index.ntotal:,} rows from {embeddings.ntotal:,}: report it")
        infos |= {"index_path": str(index_path), "rows": embeddings.ntotal, "width": embeddings.d}
        infos |= {"training_rows": plan.training_rows, "fingerprint": fingerprint}
        infos |= recall_infos(index, embeddings, sample.queries, sample.seed)
        del index
        infos_path.unlink(missing_ok=True)  # until the new ones are written, they would describe another index
        built.chmod(0o644)
        os.replace(built, index_path)
    write_json(infos_path, infos)
    say(f"{index_path}: {embeddings.ntotal:,} rows, {plan.key}, {index_path.stat().st_size:,} bytes, "
        f"{recall_in_words(infos)}; {infos_path}")  # fmt: skip


def run_autofaiss(embeddings: EmbeddingFiles, plan: IndexPlan, built: Path, folder: Path) -> dict:
    """Call autofaiss; the metrics that it writes.

    Raises:
        UserError: it left no index; says autofaiss's reason.
    """
    staged = folder / "embeddings"
    staged.mkdir()
    stage_files(embeddings, staged)
    try:
        with opq_by_its_old_name(), logged_errors("autofaiss") as reasons:
            build_index(
                embeddings=glob.escape(str(staged)),  # it is globbed
                index_path=str(built),
                index_infos_path=str(folder / "infos.json"),
                metric_type=METRIC,
                index_key=plan.key,
                max_index_memory_usage=plan.index_memory,
                current_memory_available=plan.memory,
                nb_cores=core_count(),
                verbose=logging.WARNING,
            )
    except (ValueError, RuntimeError, AssertionError) as error:  # faiss's own reasons come as RuntimeError
        raise UserError(f"autofaiss cannot build {plan.key}: {str(error).strip().splitlines()[-1]}") from error
    if not built.is_file():
        raise UserError(f"autofaiss built no index: {reasons[-1] if reasons else 'it gave no reason'}")
    return json.loads((folder / "infos.json").read_text(encoding="utf-8"))


def stage_files(embeddings: EmbeddingFiles, folder: Path) -> None:
    """Lay the files out as autofaiss reads them: links, but copies of those that it would misread.

    autofaiss reads a folder in text order, 10 before 2: the names carry the rows' order. It takes all files to be of
    the first one's type, and to have their rows one after the other whatever the header says: the columns of a file in
    Fortran order (DataFrame.to_numpy(), X.T) became rows, at recall@10 0.05 and exit code 0.

    Raises:
        UserError: no space for the copies.
    """
    kind, misread = misread_files(embeddings)
    needed = sum(embeddings.arrays[number].size * kind.itemsize for number in misread)
    if needed > free_bytes(folder):
        raise UserError(f"{len(misread):,} embedding files are not in C order, or not of the other files' type: their "
                        f"copies need {needed:,} bytes and the disk of {folder} has {free_bytes(folder):,} left; "
                        "write them again (numpy.save('X.npy', numpy.ascontiguousarray(X)))")  # fmt: skip
    if misread:
        say(f"{len(misread):,} of {len(embeddings.files):,} files are copied first, as rows of {kind} in C order, "
            "which is what autofaiss reads")  # fmt: skip
    for number, (path, array) in enumerate(zip(embeddings.files, embeddings.arrays, strict=True)):
        staged = folder / f"{number:08d}.npy"
        if number in misread:
            copy = np.lib.format.open_memmap(staged, "w+", kind, array.shape)
            for begin in range(0, len(array), BLOCK_ROWS):
                copy[begin : begin + BLOCK_ROWS] = array[begin : begin + BLOCK_ROWS]
            copy.flush()
        elif len(array):
            staged.symlink_to(path.resolve())


def misread_files(embeddings: EmbeddingFiles) -> tuple[np.dtype, list[int]]:
    """The type that holds all files' rows, and the numbers of the files that autofaiss would not read as such rows."""
    files = list(zip(embeddings.files, embeddings.arrays, strict=True))
    kind = np.result_type(*{array.dtype for _, array in files if len(array)})
    misread = [
        number
        for number, (path, array) in enumerate(files)
        if len(array) and not is_read_rightly(path, array, kind)
    ]  # fmt: skip
    return kind, misread


def is_read_rightly(path: Path, array: np.ndarray, kind: np.dtype) -> bool:
    """Whether autofaiss, which looks for shape and type in the header's first line, reads a file's rows as they are."""
    with open(path, "rb") as file:
        line = file.read(300).partition(b"\n")[0]
    shape = re.search(rb"'shape': \((\d+), (\d+)\)", line)
    return (
        array.flags.c_contiguous
        and array.dtype == kind
        and array.offset == len(line) + 1
        and f"'descr': '{kind.str}'".encode() in line
        and shape is not None
        and (int(shape[1]), int(shape[2])) == array.shape
    )


@contextlib.contextmanager
def logged_errors(logger: str) -> Iterator[list[str]]:
    """The messages of level ERROR that a logger gets meanwhile."""
    messages: list[str] = []
    listener = logging.Handler(logging.ERROR)
    listener.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger(logger).addHandler(listener)
    try:
        yield messages
    finally:
        logging.getLogger(logger).removeHandler(listener)


@contextlib.contextmanager
def opq_by_its_old_name():
    """autofaiss 2.18 calls faiss.OPQMatrix(d, M=…). Since faiss 1.14 that is M_in, and every OPQ key would fail."""
    matrix = faiss.OPQMatrix
    faiss.OPQMatrix = lambda d, M, d2: matrix(d, M, d2)
    try:
        yield
    finally:
        faiss.OPQMatrix = matrix


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
    """Train on rows evenly spread over all files. (autofaiss takes the first ones; shards need not be alike.)"""
    check_unit_rows(embeddings)
    say(f"training {plan.key} on {plan.training_rows:,} rows")
    faiss.omp_set_num_threads(core_count())
    rows = np.linspace(0, embeddings.ntotal - 1, plan.training_rows).astype(np.int64)
    try:
        with opq_by_its_old_name():
            index = create_empty_index(embeddings.d, plan.key, METRIC)
        index.train(embeddings.take(rows))
    except (ValueError, RuntimeError, AssertionError) as error:
        raise UserError(f"faiss cannot train {plan.key}: {str(error).strip().splitlines()[-1]}") from error
    inverted = faiss.extract_index_ivf(index)
    inverted.nprobe = min(PART_NPROBE, inverted.nlist)
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
