"""Build a kNN index of a folder of embeddings with autofaiss: planned first, checked afterwards, in parts if need be.

In:  --embeddings, a folder with text_embed_0000.npy … or img_emb_0000.npy … (float16 or float32, unit rows). Numbers
     give the order, and the order is the index's: row i of the files, one after the other, is id i.
Out: --index-path, and --index-infos-path with what was built and its recall@10 against exact search.

autofaiss answers a memory budget that cannot be kept with a log line, exit code 0 and no file, and trains on whatever
rows come first; here the plan is printed before anything is read (kind of index, bytes, rows to train on, whether it
fits this machine), and no index is an error.

    python knn_indices_helper/build_knn_index.py --embeddings text_embeddings --index-path my_index_folder/knn.index --index-infos-path my_index_folder/index_infos.json
    python knn_indices_helper/build_knn_index.py --embeddings img_emb --index-path parts/knn.index --index-key OPQ256_768,IVF131072_HNSW32,PQ256x8 --parts 55

With --parts, or in an array job (--total-jobs, SLURM), one index is trained (--train-only, once, before the array) and
each part of the rows is added to a copy of it: knn.index00, knn.index01 … (each done once, whatever job does it), which
merge_knn_indices.py makes one index that is served from disk.
"""  # noqa: E501 - commands as they are typed

import contextlib
import itertools
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import (
    UserError,
    add_array_flags,
    array_place,
    array_share,
    command,
    parse_flags,
    parser_for,
    progress,
    say,
)
from retrieval.files import (
    complete_file,
    file_fingerprint,
    free_bytes,
    settings_fingerprint,
    writable_folder,
    write_json,
)

MEMORY_SHARE = 0.8  # of what the machine has free now: the page cache and the rest of the world want some
FLAT_ROWS = 10_000  # up to here exact search takes a millisecond; autofaiss would tune a graph for 15 seconds
INDEX_SHARE = 0.8  # of that, for the finished index; autofaiss wants at least a tenth beside it to build
BLOCK_ROWS = 65_536  # rows added or compared at a time: 200 MB of float32 at width 768
RECALL_AT = 10
RECALL_QUERIES = 256  # rows asked for: the standard error of a recall of 0.9 is then below 0.01
RECALL_ROWS = 50_000_000  # exact search reads every row; above this it takes hours, and is left out unless asked for
UNIT_TOLERANCE = 0.01  # float16 rows of width 768 are unit to about 0.001
PART_NPROBE = 64  # what autofaiss sets for OPQ,IVF,PQ before it tunes; merge_knn_indices.py can change it
KEYS_THAT_WORK = "Flat, HNSWm, IVFn,Flat, OPQm_d,IVFn,PQmx8, OPQm_d,IVFn_HNSWm,PQmx8 and Padd,IVFn_HNSWm,PQmx8"


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--embeddings", type=Path, required=True, help="folder of .npy files")
    parser.add_argument("--pattern", default="*.npy", help="which files of the folder (default: %(default)s)")
    parser.add_argument("--index-path", type=Path, required=True)
    parser.add_argument("--index-infos-path", type=Path, help="(default: index_infos.json beside the index)")
    parser.add_argument("--metric-type", choices=("ip",), default="ip", help="inner product, which is what is searched")
    parser.add_argument("--index-key", help="faiss's name of the kind of index (default: autofaiss chooses)")
    parser.add_argument("--memory-mapped", action="store_true", help="choose among kinds that can be served from disk")
    parser.add_argument("--max-index-memory-usage", metavar="SIZE", help="as 16G (default: from the machine)")
    parser.add_argument("--current-memory-available", metavar="SIZE", help="as 32G (default: from the machine)")
    parser.add_argument("--recall-queries", type=int, help=f"rows to measure recall@{RECALL_AT} with; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=0, help="of the sample for recall (default: %(default)s)")
    parser.add_argument("--parts", type=int, help="build one trained index in so many parts (default: --total-jobs)")
    parser.add_argument("--train-only", action="store_true", help="with parts: train, and add nothing yet")
    parser.add_argument("--plan-only", action="store_true", help="print the plan and stop")
    add_array_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    os.environ.setdefault("TQDM_DISABLE", "" if sys.stderr.isatty() else "1")  # autofaiss's bars, read at its import
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    parts = args.parts or (total_jobs if total_jobs > 1 or args.train_only else None)
    if (args.parts or 1) < 1 or (parts and parts < total_jobs):
        raise UserError(f"--parts {args.parts}: at least 1, and at least the number of jobs ({total_jobs})")
    embeddings = open_embeddings(args.embeddings, args.pattern)
    plan = make_plan(args, embeddings, parts)
    for line in plan.lines:
        say(line)
    if plan.refusal:
        raise UserError(plan.refusal)
    if args.plan_only:
        return 0
    writable_folder(args.index_path.parent, "--index-path")
    check_unit_rows(embeddings)
    if parts is None:
        return build_whole(args, embeddings, plan)
    return build_parts(args, embeddings, plan, parts, job_idx, total_jobs)


# ---- embeddings ----


@dataclass(frozen=True)
class Embeddings:
    """A folder of .npy files as one table; nothing is read until rows are asked for."""

    files: tuple[Path, ...]  # in numeric order
    starts: tuple[int, ...]  # row at which each file begins, and the number of rows
    width: int

    @property
    def rows(self) -> int:
        return self.starts[-1]

    def blocks(self, start: int = 0, stop: int | None = None, block_rows: int = BLOCK_ROWS) -> Iterator:
        """(first row, float32 (≤ block_rows, width)) over rows start … stop."""
        import numpy as np

        stop = self.rows if stop is None else stop
        for path, (first, end) in zip(self.files, itertools.pairwise(self.starts), strict=True):
            begin, end = max(first, start), min(end, stop)
            if begin < end:
                table = np.load(path, mmap_mode="r")
                for row in range(begin, end, block_rows):
                    yield row, table[row - first : min(row + block_rows, end) - first].astype(np.float32)

    def take(self, rows):
        """float32 (len(rows), width), for int64 `rows` in any order."""
        import numpy as np

        taken = np.empty((len(rows), self.width), np.float32)
        file_of = np.searchsorted(self.starts, rows, side="right") - 1
        for number in np.unique(file_of):
            chosen = np.flatnonzero(file_of == number)
            table = np.load(self.files[number], mmap_mode="r")
            taken[chosen] = table[np.asarray(rows)[chosen] - self.starts[number]]
        return taken


def open_embeddings(folder: Path, pattern: str = "*.npy", flag: str = "--embeddings") -> Embeddings:
    """The folder's embedding files in numeric order, their headers read and compared.

    Raises:
        UserError: no file, files of two kinds, a cut file, another shape or width; names the file.
    """
    import numpy as np

    if not folder.is_dir():
        raise UserError(f"{flag} {folder} is not a folder: it is where the text_embed_*.npy or img_emb_*.npy are")
    files = sorted((path for path in folder.glob(pattern) if path.is_file()), key=numeric_order)
    if not files:
        raise UserError(f"{flag} {folder} holds no {pattern}")
    kinds = sorted({re.sub(r"\d+$", "", path.stem) for path in files})
    if len(kinds) > 1:
        raise UserError(f"{flag} {folder} holds {' and '.join(kind + '*.npy' for kind in kinds)}: "
                        f"say which with --pattern '{kinds[0]}*.npy'")  # fmt: skip
    starts, width = [0], None
    for path in files:
        try:
            table = np.load(path, mmap_mode="r")
        except (ValueError, OSError, EOFError) as error:
            raise UserError(f"{path} is no whole npy file ({error}): compute or fetch it again") from error
        if table.ndim != 2 or table.dtype not in (np.float16, np.float32):
            raise UserError(f"{path} holds {table.dtype} of shape {table.shape}, not rows of float16 or float32")
        if width not in (None, table.shape[1]):
            raise UserError(f"{path} has width {table.shape[1]}, {files[0].name} has {width}: they are of two models")
        width = table.shape[1]
        starts.append(starts[-1] + len(table))
    if starts[-1] == 0:
        raise UserError(f"{flag} {folder} holds files without rows")
    return Embeddings(tuple(files), tuple(starts), width)


def numeric_order(path: Path) -> tuple:
    """img_emb_2 before img_emb_10, whether or not numbers are padded."""
    return [int(word) if word.isdigit() else word for word in re.split(r"(\d+)", path.name)]


def check_unit_rows(embeddings: Embeddings) -> None:
    """Inner products are cosines only between unit rows.

    Raises:
        UserError: rows of the first block are not unit, or not finite.
    """
    import numpy as np

    _, block = next(embeddings.blocks(block_rows=1_000))
    norms = np.linalg.norm(block, axis=1)
    # A row that is not finite has a norm that is close to nothing.
    if (wrong := np.flatnonzero(~(np.abs(norms - 1) < UNIT_TOLERANCE))).size:
        raise UserError(f"{embeddings.files[0]} has rows that are not unit (row {wrong[0]:,}: length "
                        f"{norms[wrong[0]]:.3f}): normalise the embeddings before they are indexed")  # fmt: skip


# ---- the plan ----


@dataclass(frozen=True)
class Plan:
    key: str
    training_rows: int  # 0: this kind needs no training
    memory: str  # autofaiss's current_memory_available
    index_memory: str  # autofaiss's max_index_memory_usage
    settings: dict  # what decides the index
    lines: tuple[str, ...]
    refusal: str | None  # why it cannot be built here


def make_plan(args, embeddings: Embeddings, parts: int | None) -> Plan:
    """What will be built and what it takes, by autofaiss's own estimates."""
    from autofaiss.external.build import estimate_memory_required_for_index_creation
    from autofaiss.external.metadata import IndexMetadata
    from autofaiss.external.optimize import (
        check_if_index_needs_training,
        get_optimal_index_keys_v2,
        get_optimal_train_size,
        index_key_to_nb_cluster,
    )

    free = available_memory()
    memory = memory_bytes(args.current_memory_available, "--current-memory-available") or int(free * MEMORY_SHARE)
    asked = memory_bytes(args.max_index_memory_usage, "--max-index-memory-usage")
    index_memory = asked or int(memory * INDEX_SHARE)
    rows, width = embeddings.rows, embeddings.width
    key = args.index_key
    if key is None:
        keys = get_optimal_index_keys_v2(
            rows,
            width,
            f"{index_memory}B",
            flat_threshold=FLAT_ROWS if parts is None else 0,
            should_be_memory_mappable=args.memory_mapped or parts is not None,
        )
        if not keys:
            raise UserError(f"no index of {rows:,} rows fits in {gib(index_memory)}: raise --max-index-memory-usage")
        key = keys[0]
    size = IndexMetadata(key, rows, width).estimated_index_size_in_bytes()
    if size < 0:
        raise UserError(f"--index-key {key} is none of the kinds autofaiss builds for inner products: {KEYS_THAT_WORK}")
    training, needed = 0, 0
    try:
        if check_if_index_needs_training(key):
            training = get_optimal_train_size(rows, key, f"{memory}B", width)
            needed = IndexMetadata(key, rows, width).compute_memory_necessary_for_training(training)
        if parts is None:
            whole, _ = estimate_memory_required_for_index_creation(rows, width, key, f"{index_memory}B")
            needed = max(needed, whole)
        else:  # one part is in memory at a time
            needed = max(needed, size / parts)
    except (ValueError, KeyError, IndexError) as error:
        raise UserError(f"--index-key {key} is not understood ({error}); kinds: {KEYS_THAT_WORK}") from error

    refusal = None
    if training and training < (least := max(index_key_to_nb_cluster(key), 256 if "PQ" in key else 1)):
        refusal = f"--index-key {key} needs at least {least:,} rows to train on, and there are {rows:,}"
    elif parts and not training:
        refusal = f"--index-key {key} cannot be built in parts: merging needs inverted lists (IVF…)"
    elif needed > memory:
        refusal = (f"{key} needs {gib(needed)} of memory to build and {gib(memory)} are to be had: take a smaller "
                   "--index-key, build in --parts, or raise --current-memory-available")  # fmt: skip
    elif parts is None and memory - index_memory < 0.1 * memory:
        refusal = (f"--max-index-memory-usage {gib(index_memory)} must leave a tenth of --current-memory-available "
                   f"{gib(memory)} to build with")  # fmt: skip
    elif not args.plan_only and size > (disk := free_bytes(nearest_folder(args.index_path))):
        refusal = f"the index takes {gib(size)} and the disk of {args.index_path} has {gib(disk)} left"
    lines = (
        f"embeddings: {rows:,} rows of width {width:,} in {len(embeddings.files):,} files",
        f"index: {key} ({'as asked' if args.index_key else 'chosen by autofaiss'}), about {gib(size)}"
        + (f" in {parts:,} parts of about {gib(size / parts)}" if parts else ""),
        f"training: on {training:,} rows" if training else "training: none",
        f"memory: {gib(needed)} to build, {gib(memory)} of {gib(free)} free: {'too little' if refusal else 'fits'}",
    )
    settings = {"index_key": key, "metric_type": args.metric_type, "training_rows": training, "parts": parts}
    return Plan(key, training, f"{memory}B", f"{index_memory}B", settings, lines, refusal)


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


def memory_bytes(size: str | None, flag: str) -> int | None:
    if size is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)i?B?", size, re.IGNORECASE)
    if not match or float(match[1]) == 0:
        raise UserError(f"{flag} {size} is no size: write it as 16G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def gib(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**29 else f"{count / 2**20:,.1f} MiB"


def nearest_folder(path: Path) -> Path:
    """The path's closest ancestor that exists."""
    return next(parent for parent in path.absolute().parents if parent.exists())


# ---- one index ----


def build_whole(args, embeddings: Embeddings, plan: Plan) -> int:
    """autofaiss over all rows; done already if the infos hold the fingerprint of these inputs and settings."""
    import json

    import faiss

    infos_path = args.index_infos_path or args.index_path.with_name("index_infos.json")
    writable_folder(infos_path.parent, "--index-infos-path")
    inputs = [[path.name, file_fingerprint(path)] for path in embeddings.files]
    fingerprint = settings_fingerprint([plan.settings, inputs, args.recall_queries, args.seed])
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if (
            json.loads(infos_path.read_text(encoding="utf-8")).get("fingerprint") == fingerprint
            and args.index_path.is_file()
        ):
            say(f"{args.index_path} is there, built from these embeddings with these settings: nothing to do")
            return 0

    with tempfile.TemporaryDirectory(dir=args.index_path.parent, prefix=f".{args.index_path.name}.building.") as folder:
        built = Path(folder) / "knn.index"
        infos = run_autofaiss(embeddings, plan, built, Path(folder))
        index = faiss.read_index(str(built), faiss.IO_FLAG_MMAP)
        if index.ntotal != embeddings.rows:
            raise UserError(f"autofaiss built an index of {index.ntotal:,} rows from {embeddings.rows:,}: report it")
        infos |= {"index_path": str(args.index_path), "rows": embeddings.rows, "width": embeddings.width}
        infos |= {"training_rows": plan.training_rows, "fingerprint": fingerprint}
        infos |= recall_infos(index, embeddings, args.recall_queries, args.seed)
        del index
        infos_path.unlink(missing_ok=True)  # until the new ones are written, they would speak of another index
        built.chmod(0o644)
        os.replace(built, args.index_path)
    write_json(infos_path, infos)
    say(f"{args.index_path}: {embeddings.rows:,} rows, {plan.key}, {args.index_path.stat().st_size:,} bytes, "
        f"{said_recall(infos)}; {infos_path}")  # fmt: skip
    return 0


def run_autofaiss(embeddings: Embeddings, plan: Plan, built: Path, folder: Path) -> dict:
    """Call autofaiss; the metrics it writes.

    Raises:
        UserError: it left no index; says autofaiss's reason.
    """
    import json

    from autofaiss import build_index

    # autofaiss reads a folder in the order of the names as text, 10 before 2: links carry the numeric order.
    staged = folder / "embeddings"
    staged.mkdir()
    for number, path in enumerate(embeddings.files):
        (staged / f"{number:08d}.npy").symlink_to(path.resolve())
    reasons: list[str] = []
    listener = logging.Handler(logging.ERROR)
    listener.emit = lambda record: reasons.append(record.getMessage())
    logging.getLogger("autofaiss").addHandler(listener)
    try:
        with opq_by_its_old_name():
            build_index(
                embeddings=str(staged),
                index_path=str(built),
                index_infos_path=str(folder / "infos.json"),
                metric_type="ip",
                index_key=plan.key,
                max_index_memory_usage=plan.index_memory,
                current_memory_available=plan.memory,
                nb_cores=core_count(),
                verbose=logging.WARNING,
            )
    except (ValueError, RuntimeError, AssertionError) as error:  # faiss's own reasons come as RuntimeError
        raise UserError(f"autofaiss cannot build {plan.key}: {str(error).strip().splitlines()[-1]}") from error
    finally:
        logging.getLogger("autofaiss").removeHandler(listener)
    if not built.is_file():
        raise UserError(f"autofaiss built no index: {reasons[-1] if reasons else 'it gave no reason'}")
    return json.loads((folder / "infos.json").read_text(encoding="utf-8"))


@contextlib.contextmanager
def opq_by_its_old_name():
    """autofaiss 2.18 writes faiss.OPQMatrix(d, M=…); faiss 1.14 calls it M_in, and every OPQ key would fail."""
    import faiss

    matrix = faiss.OPQMatrix
    faiss.OPQMatrix = lambda d, M, d2: matrix(d, M, d2)
    try:
        yield
    finally:
        faiss.OPQMatrix = matrix


def core_count() -> int:
    return int(os.environ.get("OMP_NUM_THREADS", 0)) or len(os.sched_getaffinity(0))


# ---- an index in parts ----


def build_parts(args, embeddings: Embeddings, plan: Plan, parts: int, job_idx: int, total_jobs: int) -> int:
    """Train once, then add each part's rows to a copy: ids are rows of the whole, so parts can be merged as they are.

    A part has equally many rows (± 1). It does not depend on which job builds it, nor on how many jobs there are.
    """
    import faiss

    faiss.omp_set_num_threads(core_count())
    trained = args.index_path.with_name(args.index_path.name + ".trained")
    # Training looks at rows of every file, so every file's fingerprint decides it.
    training = settings_fingerprint(
        [plan.settings["index_key"], plan.training_rows, inputs_of(embeddings, 0, embeddings.rows)]
    )
    if not is_done(trained, training):
        if total_jobs > 1 and not args.train_only:
            raise UserError(f"{trained} is not there, or was trained otherwise: run this command once with "
                            "--train-only, outside the array, and then the array")  # fmt: skip
        train(embeddings, plan, trained, training)
    if args.train_only:
        say(f"{trained}: trained on {plan.training_rows:,} rows; now run the same command without --train-only")
        return 0

    share = array_share(range(parts), job_idx, total_jobs)
    done = 0
    for part in share:
        path = part_path(args.index_path, part, parts)
        start, stop = embeddings.rows * part // parts, embeddings.rows * (part + 1) // parts
        fingerprint = settings_fingerprint([training, start, stop])
        if is_done(path, fingerprint):
            done += 1
            continue
        index = faiss.read_index(str(trained))
        add_rows(index, embeddings, start, stop)
        with complete_file(path) as beside:
            record_path(path).unlink(missing_ok=True)
            faiss.write_index(index, str(beside))
        write_json(record_path(path), {"fingerprint": fingerprint, "start": start, "rows": stop - start,
                                       "part": part, "parts": parts, "index_key": plan.key})  # fmt: skip
        say(f"{path.name}: rows {start:,} to {stop:,}, {path.stat().st_size:,} bytes")
    say(f"{len(share):,} of {parts:,} parts are this job's: {done:,} were there, {len(share) - done:,} built; "
        f"when all are: merge_knn_indices.py --parts {args.index_path.parent}")  # fmt: skip
    return 0


def train(embeddings: Embeddings, plan: Plan, trained: Path, fingerprint: str) -> None:
    """Train on rows evenly spread over all files. (autofaiss takes the first ones; shards need not be alike.)"""
    import faiss
    import numpy as np
    from autofaiss.indices.training import create_empty_index

    say(f"training {plan.key} on {plan.training_rows:,} rows")
    rows = np.linspace(0, embeddings.rows - 1, plan.training_rows).astype(np.int64)
    try:
        with opq_by_its_old_name():
            index = create_empty_index(embeddings.width, plan.key, "ip")
        index.train(embeddings.take(rows))
    except (ValueError, RuntimeError, AssertionError) as error:
        raise UserError(f"faiss cannot train {plan.key}: {str(error).strip().splitlines()[-1]}") from error
    inverted = faiss.extract_index_ivf(index)
    inverted.nprobe = min(PART_NPROBE, inverted.nlist)
    with complete_file(trained) as beside:
        record_path(trained).unlink(missing_ok=True)
        faiss.write_index(index, str(beside))
    write_json(record_path(trained), {"fingerprint": fingerprint, "index_key": plan.key})


def add_rows(index, embeddings: Embeddings, start: int, stop: int) -> None:
    import numpy as np

    with progress(stop - start, "rows", "adding") as more:
        for first, block in embeddings.blocks(start, stop):
            index.add_with_ids(block, np.arange(first, first + len(block)))
            more(len(block))


def inputs_of(embeddings: Embeddings, start: int, stop: int) -> list:
    """[name, fingerprint] of the files that hold rows start … stop."""
    bounds = itertools.pairwise(embeddings.starts)
    return [
        [path.name, file_fingerprint(path)]
        for path, (first, end) in zip(embeddings.files, bounds, strict=True)
        if first < stop and end > start
    ]


def part_path(index_path: Path, part: int, parts: int) -> Path:
    return index_path.with_name(f"{index_path.name}{part:0{max(2, len(str(parts - 1)))}d}")


def record_path(path: Path) -> Path:
    """Written after its index: what it was made of."""
    return path.with_name(path.name + ".json")


def is_done(path: Path, fingerprint: str) -> bool:
    import json

    try:
        return (
            path.is_file() and json.loads(record_path(path).read_text(encoding="utf-8"))["fingerprint"] == fingerprint
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


# ---- recall ----


def recall_infos(index, embeddings: Embeddings, queries: int | None, seed: int) -> dict:
    """{"recall@10": …, "recall_queries": …}, or the reason why it was not measured."""
    if queries is None:
        queries = RECALL_QUERIES if embeddings.rows <= RECALL_ROWS else 0
    queries = min(queries, embeddings.rows)
    if queries == 0:
        return {f"recall@{RECALL_AT}": None, "recall_queries": 0}
    return {
        f"recall@{RECALL_AT}": round(measure_recall(index, embeddings, queries, seed), 4),
        "recall_queries": queries,
    }


def measure_recall(index, embeddings: Embeddings, queries: int, seed: int) -> float:
    """The share of the exact ten nearest rows that the index finds, over a sample of rows asking for themselves.

    A row that scores as high as the tenth counts as one of the ten: pools are full of equal captions. Exact search
    reads every row once, a block at a time.
    """
    import faiss
    import numpy as np

    asked = np.sort(np.random.default_rng(seed).choice(embeddings.rows, queries, replace=False))
    vectors = embeddings.take(asked)
    k = min(RECALL_AT, embeddings.rows)
    exact = faiss.ResultHeap(len(vectors), k, keep_max=True)
    for first, block in embeddings.blocks():
        scores, rows = faiss.knn(vectors, block, min(k, len(block)), faiss.METRIC_INNER_PRODUCT)
        exact.add_result(scores, rows + first)
    exact.finalize()
    found = index.search(vectors, k)[1]
    there = found >= 0  # -1: the index found fewer than k
    scores = np.einsum(
        "qkw,qw->qk", embeddings.take(np.where(there, found, 0).ravel()).reshape(*found.shape, -1), vectors
    )
    return float((there & (scores >= exact.D[:, -1:] - 1e-5)).mean())


def said_recall(infos: dict) -> str:
    recall = infos[f"recall@{RECALL_AT}"]
    if recall is None:
        return f"recall@{RECALL_AT} not measured (--recall-queries {RECALL_QUERIES} would)"
    return f"recall@{RECALL_AT} {recall:.3f} over {infos['recall_queries']:,} rows"


if __name__ == "__main__":
    sys.exit(main())
