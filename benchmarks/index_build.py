"""What building an index and its folder costs: whole and in parts; and metadata to arrow against clip-retrieval's own.

In:   nothing; it makes clustered unit vectors and LAION-like metadata in a temporary folder.
Out:  a table on stdout: seconds, peak memory (of the process), bytes, recall@10 against exact search.

1. The same key by the raw `autofaiss` command, by build_knn_index.py, and by build_knn_index.py --parts with
   merge_knn_indices.py. The raw command is given the key's own defaults, so that all three build the same kind.
2. Metadata parquet to arrow by `clip_retrieval.clip_back_prepro.parquet_to_arrow` and by assemble_index_folder.py,
   whose time includes the check, and linking the index into the folder.

    python benchmarks/index_build.py                     # 100,000 vectors of width 64, 500,000 rows of metadata
    python benchmarks/index_build.py --vectors 50000 --rows 100000 --parts 4
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HELPERS = ROOT / "knn_indices_helper"
WIDTH = 64
CLUSTERS = 5_000


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000, help="embeddings to index (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=500_000, help="of metadata, in ten files (default: %(default)s)")
    parser.add_argument("--parts", type=int, default=4, help="of the index in parts (default: %(default)s)")
    parser.add_argument("--index-key", default="IVF1024,Flat", help="autofaiss finds OPQ keys only with faiss < 1.14")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_vectors(folder / "emb", args.vectors)
        print(f"{args.vectors:,} vectors of width {WIDTH}, {args.index_key}")
        print(f"{'':34} {'seconds':>8} {'peak MiB':>9} {'bytes':>12} {'recall@10':>10}")
        compare_builds(folder, args)
        make_metadata(folder / "metadata", args.rows)
        print(f"\n{args.rows:,} rows of metadata to arrow")
        print(f"{'':34} {'seconds':>8} {'peak MiB':>9} {'bytes':>12}")
        compare_arrow(folder, args)
    return 0


def compare_builds(folder: Path, args) -> None:
    raw, ours, parts, merged = (folder / name for name in ("raw", "ours", "parts", "image.index"))
    autofaiss = [str(Path(sys.executable).parent / "autofaiss"), "build_index", f"--embeddings={folder / 'emb'}"]
    autofaiss += [f"--index_path={raw}/knn.index", f"--index_infos_path={raw}/infos.json", "--metric_type=ip"]
    cost = run([*autofaiss, f"--index_key='{args.index_key}'"])  # unquoted, fire takes what has a comma for a tuple
    show("autofaiss build_index", *cost, raw / "knn.index", recall=None)

    build = [sys.executable, HELPERS / "build_knn_index.py", "--embeddings", folder / "emb"]
    build += ["--index-key", args.index_key]
    cost = run([*build, "--index-path", ours / "knn.index"])
    show("build_knn_index.py", *cost, ours / "knn.index", recall_of(ours))

    in_parts = [*build, "--index-path", parts / "knn.index", "--parts", args.parts]
    train, training = run([*in_parts, "--train-only"])
    show("  --train-only", train, training, parts / "knn.index.trained", recall=None)
    slowest, peak = 0.0, 0.0
    for job in range(args.parts):  # one after the other here; side by side in an array
        seconds, memory = run([*in_parts, "--job-idx", job, "--total-jobs", args.parts])
        slowest, peak = max(slowest, seconds), max(peak, memory)
    show(f"  --parts {args.parts}, the slowest job", slowest, peak, parts / "knn.index00", recall=None)
    merge = [sys.executable, HELPERS / "merge_knn_indices.py", "--parts", parts, "--output-dir", merged]
    cost = run(merge)
    show("  merge_knn_indices.py", *cost, merged, recall=None)
    run([*merge, "--embeddings", folder / "emb"])
    show("  the same with --embeddings", *cost, merged, recall_of(merged))


def compare_arrow(folder: Path, args) -> None:
    theirs, ours = folder / "theirs", folder / "folder"
    columns = ["SAMPLE_ID", "URL", "TEXT", "NSFW", "similarity"]
    # Run by its path: importing the package would load torch, which this work does not need.
    package = Path(importlib.util.find_spec("clip_retrieval").origin).parent
    command = [sys.executable, package / "clip_back_prepro" / "parquet_to_arrow.py", folder / "metadata", theirs]
    cost = run([*command, f"--columns_to_return={columns}"])
    show("clip-retrieval parquet_to_arrow", *cost, theirs)

    make_flat_index(folder / "flat.index", args.rows)
    command = [sys.executable, HELPERS / "assemble_index_folder.py", "--metadata", folder / "metadata", "--no-check"]
    command += ["--image-index", folder / "flat.index", "--model", "ViT-B/32", "--output-dir", ours]
    cost = run(command)
    show("assemble_index_folder.py", *cost, ours / "metadata")


def run(command: list) -> tuple[float, float]:
    """(seconds, MiB of peak resident memory) of a command that must succeed.

    A process between us and it, because a child's peak begins with what its parent held.
    """
    between = (
        "import resource, subprocess, sys, time; begun = time.perf_counter(); "
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE); "
        "print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); "
        "sys.stderr.buffer.write(done.stderr[-2000:]); sys.exit(done.returncode)"
    )
    words = [sys.executable, "-S", "-c", between, *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr}")
    seconds, kibibytes = done.stdout.split()
    return float(seconds), float(kibibytes) / 1024


def show(name: str, seconds: float, memory: float, path: Path, recall: float | str | None = "") -> None:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    said = "" if recall == "" else "-" if recall is None else f"{recall:.3f}"
    print(f"{name:34} {seconds:8.1f} {memory:9,.0f} {size:12,} {said:>10}", flush=True)


def recall_of(folder: Path) -> float:
    return json.loads((folder / "index_infos.json").read_text())["recall@10"]


def make_vectors(folder: Path, count: int) -> None:
    import numpy as np

    random = np.random.default_rng(0)
    centres = random.normal(size=(CLUSTERS, WIDTH)).astype(np.float32)
    folder.mkdir()
    for number in range(8):
        rows = count * (number + 1) // 8 - count * number // 8
        vectors = centres[random.integers(0, CLUSTERS, rows)] + 0.6 * random.normal(size=(rows, WIDTH))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        np.save(folder / f"img_emb_{number:04d}.npy", vectors.astype(np.float16))


def make_metadata(folder: Path, count: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(10):
        ids = np.arange(count * number // 10, count * (number + 1) // 10)
        cdn = "https://cdn{}.example.com/images/{}/{}.jpg"
        words = random.integers(0, 9_999, (len(ids), 6))
        table = {
            "SAMPLE_ID": ids,
            "URL": [cdn.format(w[0] % 97, w[1], i) for i, w in zip(ids, words, strict=True)],
            "TEXT": [" ".join(f"word{n}" for n in w) for w in words],
            "NSFW": np.where(ids % 50, "UNLIKELY", "NSFW"),
            "similarity": random.random(len(ids)),
        }
        pq.write_table(pa.table(table), folder / f"metadata_{number:04d}.parquet")


def make_flat_index(path: Path, rows: int) -> None:
    """An index of width 512 (ViT-B/32's) and `rows` rows whose lists take little memory: one byte per row."""
    import faiss
    import numpy as np

    index = faiss.index_factory(512, "IVF1,PQ1x4", faiss.METRIC_INNER_PRODUCT)
    index.train(np.random.default_rng(0).normal(size=(1_000, 512)).astype(np.float32))
    for start in range(0, rows, 10_000):
        index.add(np.zeros((min(10_000, rows - start), 512), np.float32))
    faiss.write_index(index, str(path))


if __name__ == "__main__":
    sys.exit(main())
