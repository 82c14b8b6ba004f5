"""The semantic filter on a pool's own files (--pool), each number beside the machine's own in the same run.

In:   nothing; it makes shards with npz files (width 768, float16, as DataComp's) in --folder.
Out:  a table on stdout: what is measured, the number, the target.

warm    47 x 8 queries on image and text features that are in the page cache, the best rows written: CPU seconds of
        products alone (the faster of torch's and numpy's, one large matrix) against ours.
cold    47 queries (--prompt-ensemble), the files dropped from the page cache: bytes per second against reading them.
fly     captions per second against compute_text_embeddings.py's work on the same shard, with the demo's CLIP
        (3.8 million parameters: what is not the model weighs most).
memory  peak of an array's job and of the selection, 1,040 and 79,840 prompts, few and four times as many rows.

    python benchmarks/pool_search.py --folder /tmp/pool
    python benchmarks/pool_search.py --parts warm cold --rows 400000
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _root  # noqa: F401

K, WIDTH, CLASSES, PROMPTS = 500, 768, 47, 8
ROUNDS = 5
ROOT = Path(__file__).resolve().parent.parent
DEMO_MODEL = "open_clip:demo-clip/demo/demo-clip.pt"
PARTS = ["warm", "cold", "fly", "memory"]
MEMORY_ROWS = (50_000, 200_000)
SHARD_ROWS = 50_000
FLY_ROWS = 20_000
WORDS = ["a", "the", "red", "old", "photo of", "shirt", "woven", "banded", "blue cotton", "striped", "vintage pattern"]


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--folder", type=Path, help="keep the shards here, and use those that are there already")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as scratch:
        folder = args.folder or Path(scratch)
        if {"warm", "cold"} & set(args.parts):
            shard = make_shard(folder / f"{args.rows}x{WIDTH}.parquet", args.rows, WIDTH)
            if "warm" in args.parts:
                time_warm(shard, Path(scratch))
            if "cold" in args.parts:
                time_cold(shard, Path(scratch))
        if "fly" in args.parts:
            time_captions(Path(scratch))
        if "memory" in args.parts:
            peak_memory(Path(scratch))
    return 0


def line(what: str, measured: str, target: str = "") -> None:
    print(f"{what:100} {measured:>10}  {target}", flush=True)


def make_shard(path: Path, rows: int, width: int) -> Path:
    """A parquet shard of DataComp's columns, and its npz."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = path.with_suffix(".npz")
    if features.exists():
        return path
    rng = np.random.default_rng(rows)
    captions = [" ".join(rng.choice(WORDS, rng.integers(4, 14))) for _ in range(1_000)]
    table = pa.table(
        {
            "uid": [f"{row:032x}" for row in range(rows)],
            "url": [f"https://pool.example/{row}.jpg" for row in range(rows)],
            "text": [f"{captions[row % 1_000]} {row}" for row in range(rows)],
            "nsfw": ["UNLIKELY"] * rows,
        }
    )
    pq.write_table(table, path)
    members = {}
    for key in ("l14_img", "l14_txt"):
        topics = make_topics(width)
        members[key] = np.empty((rows, width), np.float16)
        for begin in range(0, rows, 50_000):
            some = topics[rng.integers(0, len(topics), min(50_000, rows - begin))]
            some = some + rng.standard_normal(some.shape, dtype=np.float32)
            members[key][begin : begin + len(some)] = some / np.linalg.norm(some, axis=1, keepdims=True)
    with open(features.with_suffix(".part"), "wb") as file:
        np.savez(file, **members)
    os.replace(features.with_suffix(".part"), features)
    os.sync()
    return path


def make_topics(width: int):
    import numpy as np

    return np.random.default_rng(0).standard_normal((1_000, width), dtype=np.float32)


def searcher_of(prompts: int):
    """The prompts of a class lie at cosines of 0.9 to each other, as CLIP's: they share most of their hits."""
    import numpy as np

    from retrieval.semantic.pool_search import Searcher

    topics = make_topics(WIDTH)[:CLASSES]
    noise = np.random.default_rng(1).standard_normal((CLASSES, prompts, WIDTH), dtype=np.float32)
    queries = (topics[:, None] + np.float32(0.33) * noise).reshape(-1, WIDTH)
    return Searcher(queries / np.linalg.norm(queries, axis=1, keepdims=True), K, "cpu", None, 256)


def search(path: Path, searcher, scratch: Path) -> None:
    """What a run does with one shard."""
    from retrieval.clip_names import check_model_name
    from retrieval.semantic.feature_plan import FeatureWishes, plan_features
    from retrieval.semantic.pool_search import search_shard
    from retrieval.semantic.pool_units import Unit

    wishes = FeatureWishes(check_model_name("ViT-L/14"), ("text_index", "image_index"), {}, None, {}, False)
    (each,), _ = plan_features([str(path)], wishes)
    search_shard(each, Unit(str(path), scratch / "unit"), searcher)


def time_warm(path: Path, scratch: Path) -> None:
    import numpy as np
    import torch

    searcher, rows = searcher_of(PROMPTS), int(path.stem.partition("x")[0])
    left = torch.rand(4096, WIDTH)
    right = torch.rand(WIDTH, 4096)
    search(path, searcher, scratch)  # warm
    ours, own = [], []
    for _ in range(ROUNDS):
        rates = []
        for multiply in (lambda: left @ right, lambda: np.dot(left.numpy(), right.numpy())):
            began = time.process_time()
            multiply()
            rates.append(2e-9 * 4096 * 4096 * WIDTH / (time.process_time() - began))
        own.append(max(rates))
        began = time.process_time()
        search(path, searcher, scratch)
        ours.append(2e-9 * 2 * rows * WIDTH * len(searcher.queries) / (time.process_time() - began))
    rate, best = float(np.median(ours)), float(np.median(own))
    what = f"warm: {rows:,} rows x 2 x {WIDTH} float16 in npz, {len(searcher.queries)} queries, k = {K}"
    line(f"{what}: {rate:,.0f} of {best:,.0f} GFLOP per CPU second", f"{rate / best:.0%}", ">= 60 %")


def forget(path: Path) -> None:
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def time_cold(path: Path, scratch: Path) -> None:
    import statistics

    searcher, features = searcher_of(1), path.with_suffix(".npz")
    size, ours, own = features.stat().st_size, [], []
    search(path, searcher, scratch)
    for _ in range(ROUNDS):
        forget(features)
        began = time.perf_counter()
        with open(features, "rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
        own.append(size / (time.perf_counter() - began))
        forget(features)
        began, cpu = time.perf_counter(), time.process_time()
        search(path, searcher, scratch)
        ours.append(size / (time.perf_counter() - began))
        used = time.process_time() - cpu
    rate, best = statistics.median(ours), statistics.median(own)
    what = f"cold: {size / 1e9:.1f} GB of npz, {CLASSES} queries: {rate / 1e6:,.0f} of {best / 1e6:,.0f} MB/s"
    line(f"{what}, {used / size * 1e9:.2f} CPU seconds per GB", f"{rate / best:.0%}", ">= 80 %")


def time_captions(scratch: Path) -> None:
    """CPU seconds of both in one process, in turns: what a run does with one shard, and the helper's work on it."""
    import shutil
    import statistics

    from retrieval.clip_model import load_clip
    from retrieval.clip_names import check_model_name
    from retrieval.indexing.caption_shards import EmbeddingSettings, plan_work
    from retrieval.indexing.text_embedding import embed_shards
    from retrieval.semantic.feature_plan import FeatureWishes, plan_features
    from retrieval.semantic.pool_search import Searcher, search_shard
    from retrieval.semantic.pool_units import Unit
    from retrieval.torch_threads import use_all_cores

    os.chdir(ROOT)
    use_all_cores()
    source, model = check_model_name(DEMO_MODEL), load_clip(DEMO_MODEL, "cpu")
    make_captions(scratch / "0.parquet", FLY_ROWS)
    queries = model.encode_texts([f"a photo of a {word}" for word in WORDS] * 35)
    (each,), _ = plan_features(
        [str(scratch / "0.parquet")], FeatureWishes(source, ("text_index",), {}, None, {}, allow_untagged=False)
    )
    ratios, rates = [], []
    for _ in range(ROUNDS):
        shutil.rmtree(scratch / "helper", ignore_errors=True)
        (scratch / "helper").mkdir()
        began = time.process_time()
        settings = EmbeddingSettings(source, "fp32", 256)
        embed_shards(model, [plan_work(each.shard.path, scratch / "helper" / "0.npy", None, settings)], 256)
        helper = time.process_time() - began
        began = time.process_time()
        search_shard(each, Unit("0", scratch / "fly"), Searcher(queries, K, "cpu", model, 256))
        ours = time.process_time() - began
        ratios.append(helper / ours)
        rates.append(FLY_ROWS / ours)
    what = f"fly: {FLY_ROWS:,} captions, {len(queries)} queries, the demo's CLIP: "
    line(f"{what}{statistics.median(rates):,.0f} captions per CPU second, of the helper's",
         f"{statistics.median(ratios):.2f} x", ">= 0.95 x")  # fmt: skip


def make_captions(path: Path, rows: int) -> None:
    import random

    import pyarrow as pa
    import pyarrow.parquet as pq

    choose = random.Random(0)
    captions = [" ".join(choose.choices(WORDS, k=choose.randint(4, 14))) + f" {row}" for row in range(rows)]
    urls = [f"https://pool.example/{row}.jpg" for row in range(rows)]
    pq.write_table(pa.table({"url": urls, "text": captions, "nsfw": ["UNLIKELY"] * rows}), path)


def run(script: str, *flags):
    command = [sys.executable, str(ROOT / script), *map(str, flags)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage


def peak_memory(scratch: Path) -> None:
    """Of the commands, with features of the demo CLIP's width: the prompts and the hits decide, the rows do not."""
    for rows in MEMORY_ROWS:
        (scratch / f"m{rows}").mkdir()
        for number in range(rows // SHARD_ROWS):
            make_shard(scratch / f"m{rows}" / f"{number}.parquet", SHARD_ROWS, 64)
    for classes in (13, 998):
        peaks = {}
        for rows in MEMORY_ROWS:
            flags = [
                "filter_laion_metadata_semantic.py", "--query-dataset", "ImageNet", "--subset", classes, "--pool",
                scratch / f"m{rows}" / "*.parquet", "--model", DEMO_MODEL, "--text-features", "l14_txt",
                "--image-features", "l14_img", "--output-dir", scratch / f"m{rows}-{classes}",
            ]  # fmt: skip
            peaks[rows] = run(*flags, "--job-idx", 0, "--total-jobs", 1).ru_maxrss / 1024
        few, many = (peaks[rows] for rows in MEMORY_ROWS)
        what = f"memory, search: {80 * classes:,} prompts, k = {K}, two sources"
        sizes = f"{few:,.0f} MB with {MEMORY_ROWS[0]:,} rows and {many:,.0f} MB with {MEMORY_ROWS[1]:,}"
        line(f"{what}: {sizes}", f"{many / few - 1:+.0%}", "under 4,096 MB")
        line(f"memory, select: {80 * classes:,} prompts", f"{run(*flags).ru_maxrss / 1024:,.0f} MB", "under 4,096 MB")


if __name__ == "__main__":
    sys.exit(main())
