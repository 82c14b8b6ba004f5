"""The semantic filter against clip-retrieval's KnnService and numpy on the same folders, each number with its target.

In:   nothing; it makes pools of vectors (clusters, a third near-duplicates), their indices and metadata in --folder.
Out:  a table on stdout: what is measured, the number, the target. Exit code 1 if an answer differs from KnnService's.

search  prompts per second. Both sides get the same embeddings (KnnService through embedding_input), so neither runs
        the text tower. Each prompt is searched in both indices, and ours writes its records and chunks. Rounds of both
        sides alternate, and the fastest of each counts. KnnService is timed on --service-prompts of the prompts, spread
        over the classes.
disk    bytes read (/proc/self/io) from memory-mapped indices, with an eighth of the file in memory at a time: what is
        mapped and what the page cache holds is dropped behind each stretch, and before each prompt searched alone.
exact   --exact, top-k included, against numpy's bare product of the same matrices, in turns.
memory  peak of the whole command, text tower included, with the demo's CLIP and ImageNet's prompts.

    python benchmarks/knn_retrieval.py --folder /tmp/knn   # all of it; 10 minutes, 10 GB of disk
    python benchmarks/knn_retrieval.py --parts search --vectors 50000 --classes 10 --widths 64
"""

import argparse
import ctypes
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import _root  # noqa: F401

K, PROMPTS, NPROBE, NLIST = 500, 80, 16, 1024
ROUNDS = 3
MODEL = "the embeddings the benchmark made"
DEMO_MODEL = "open_clip:demo-clip/demo/demo-clip.pt"
PARTS = ["search", "disk", "exact", "memory"]
SPEED_TARGETS = {64: 15, 768: 10}  # times KnnService's, by width


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=400_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 768])
    parser.add_argument("--kinds", nargs="+", default=["IVF,SQ8", "OPQ,IVF,PQ"], choices=["IVF,SQ8", "OPQ,IVF,PQ"])
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--service-prompts", type=int, default=200, help="number of prompts KnnService is timed on")
    parser.add_argument("--folder", type=Path, help="keep the indices here, and use those that are there already")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    differ = 0
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as scratch:
        folder = args.folder or Path(scratch)
        for width in args.widths if set(args.parts) != {"memory"} else []:
            vectors, prompts = make_vectors(args.vectors, width, args.classes)
            for kind in args.kinds:
                pool = folder / f"{args.vectors}x{width}" / kind.replace(",", "_")
                if {"search", "disk"} & set(args.parts):
                    make_folder(pool, vectors, kind)
                if "search" in args.parts:
                    differ += time_search(f"width {width} {kind}", pool, prompts, args.service_prompts, Path(scratch))
                if "disk" in args.parts:
                    count_reads(f"width {width} {kind}", pool / "text.index", prompts)
            if "exact" in args.parts:
                time_exact(f"width {width} --exact", vectors, prompts)
        if "memory" in args.parts:
            peak_memory(folder / "50000x64" / "IVF_SQ8", Path(scratch))
    return 1 if differ else 0


def line(what: str, measured: str, target: str = "") -> None:
    print(f"{what:96} {measured:>10}  {target}", flush=True)


def make_vectors(rows: int, width: int, classes: int):
    """({index's file: (rows, width)}, (classes, PROMPTS, width)), float32, unit length.

    Topics scatter in a subspace, as CLIP's do: neighbours of a prompt are at cosines of 0.3 to 0.9, two prompts of a
    class at about 0.9 (ViT-L/14's 80 ImageNet prompts: 0.85 to 0.95), a third of the rows are copies a little changed.
    """
    import numpy as np

    rng = np.random.default_rng(width)

    def unit(x):
        x /= np.linalg.norm(x, axis=-1, keepdims=True)
        return x

    def noise(*shape):
        return rng.standard_normal((*shape, width), dtype=np.float32) / np.float32(np.sqrt(width))

    topics = unit(noise(max(rows // 200, classes)))
    pools = {}
    for name in ("text.index", "image.index"):
        x = topics[rng.integers(0, len(topics), rows)]
        x += rng.uniform(0.4, 1.2, (rows, 1)).astype(np.float32) * noise(rows)
        copies = rng.choice(rows, rows // 3, replace=False)
        x[copies] = x[rng.integers(0, rows, len(copies))]
        x[copies] += 0.15 * noise(len(copies))
        pools[name] = unit(x)
    prompts = unit(topics[:classes, None] + 0.33 * noise(classes, PROMPTS))
    return pools, prompts


def make_folder(folder: Path, vectors: dict, kind: str) -> None:
    import faiss
    import numpy as np
    import pyarrow as pa

    (folder / "metadata").mkdir(parents=True, exist_ok=True)
    rows, width = next(iter(vectors.values())).shape
    codes = width // 4 if width > 64 else 32
    factory = {"IVF,SQ8": f"IVF{NLIST},SQ8", "OPQ,IVF,PQ": f"OPQ{codes},IVF{NLIST},PQ{codes}"}[kind]
    for name, x in vectors.items():
        if (folder / name).exists():
            continue
        began = time.perf_counter()
        index = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
        ivf = faiss.extract_index_ivf(index)
        ivf.cp.niter, ivf.nprobe = 5, NPROBE
        if kind != "IVF,SQ8":  # fast and rough: the codes' quality is not what is measured
            ivf = faiss.downcast_index(ivf)
            ivf.pq.cp.niter, ivf.do_polysemous_training = 4, False
            transform = faiss.downcast_VectorTransform(index.chain.at(0))
            transform.niter, transform.niter_pq, transform.niter_pq_0 = 2, 2, 2
            transform.max_train_points = 10_000
        index.train(x[np.random.default_rng(0).choice(rows, min(rows, 40 * NLIST), replace=False)])
        index.add(x)
        faiss.write_index(index, str(folder / f"{name}.part"))
        os.replace(folder / f"{name}.part", folder / name)
        print(f"{folder / name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    table = pa.table(
        {
            "url": [f"https://pool.example/{row:09d}/image.jpg" for row in range(rows)],
            "caption": [f"image number {row} of a pool, as a shop would describe it in words" for row in range(rows)],
            "NSFW": [("UNLIKELY", "UNSURE", "UNLIKELY", "NSFW")[row * 7 % 50 // 48 * 3] for row in range(rows)],
            "similarity": np.linspace(0.28, 0.4, rows),
            "HEIGHT": np.arange(rows, dtype=np.int32) % 900 + 100,
            "WIDTH": np.arange(rows, dtype=np.int32) % 700 + 100,
            "LICENSE": ["?"] * rows,
        }
    )
    with pa.ipc.new_file(str(folder / "metadata" / "0000.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=10_000)


def time_search(what: str, folder: Path, prompts, service_prompts: int, scratch: Path) -> int:
    """Print both sides' speed; the number of answers that differ."""
    import numpy as np

    service, stage = open_knn_service(folder), Ours(folder, prompts, scratch)
    which = np.linspace(0, prompts.shape[0] * PROMPTS - 1, service_prompts).astype(int)
    answers, theirs, ours = {}, [], []
    for share in np.array_split(which, ROUNDS):
        began = time.perf_counter()
        answers |= ask_knn_service(service, prompts, share.tolist())
        theirs.append(2 * len(share) / (time.perf_counter() - began))
        began = time.perf_counter()
        stage.run()
        ours.append(2 * prompts.shape[0] * PROMPTS / (time.perf_counter() - began))
    selected = stage.selected()
    same = sum(answer == selected[key] for key, answer in answers.items())
    ratio = max(ours) / max(theirs)
    speeds = f"{max(ours):,.0f} prompts per second, KnnService {max(theirs):,.0f}"
    line(f"{what}: {speeds}", f"{ratio:.1f} x", f">= {SPEED_TARGETS.get(prompts.shape[2], 10)} x")
    line(f"{what}: the same ids in the same order", f"{same:,}", f"of {len(answers):,}")
    return len(answers) - same


def open_knn_service(folder: Path):
    clip_back = importlib.import_module("clip_retrieval.clip_back")  # the package's own name for it is a function
    indices = {m: clip_back.load_index(str(folder / f"{m}.index"), False) for m in ("text", "image")}
    resource = clip_back.ClipResource(
        device="cpu", model=None, preprocess=None, tokenizer=None, model_txt_mclip=None, safety_model=None,
        violence_detector=None, metadata_provider=clip_back.ArrowMetadataProvider(str(folder / "metadata")),
        image_index=indices["image"], text_index=indices["text"], ivf_old_to_new_mapping=None,
        columns_to_return=["url", "caption", "NSFW", "similarity", "HEIGHT", "WIDTH", "LICENSE"],
        metadata_is_ordered_by_ivf=False, aesthetic_embeddings=None,
    )  # fmt: skip
    return clip_back.KnnService(clip_resources={"pool": resource})


def ask_knn_service(service, prompts, numbers: list[int]) -> dict:
    """{(class, prompt, modality): ids}, one prompt and one index per query."""
    answers = {}
    for number in numbers:
        for modality in ("text", "image"):
            found = service.query(
                embedding_input=prompts.reshape(-1, prompts.shape[2])[number], modality=modality,
                num_images=K, num_result_ids=K, deduplicate=True,
            )  # fmt: skip
            answers[(*divmod(number, PROMPTS), modality)] = [hit["id"] for hit in found]
    return answers


class Embedded:
    """Stands in for a ClipModel: looks up the benchmark's embeddings by the prompt's text, "class/prompt"."""

    device = "cpu"

    def __init__(self, prompts):
        self.prompts, self.width = prompts, prompts.shape[2]

    def encode_texts(self, texts: list[str], batch_size: int):
        import numpy as np

        return np.stack([self.prompts[tuple(map(int, text.split("/")))] for text in texts])


class Ours:
    """The stage on one folder: searched, selected, records and chunks written."""

    def __init__(self, folder: Path, prompts, scratch: Path):
        from retrieval.index_folder import SOURCES, IndexEntry, index_paths
        from retrieval.semantic.plan import DEDUP_THRESHOLD, ClassPlan, PoolFiles, SearchSettings
        from retrieval.semantic.pool_metadata import open_metadata
        from retrieval.semantic.pools import Pool, open_index

        entry = IndexEntry("pool", folder, MODEL, memory_mapping=False)
        paths = index_paths(entry, list(SOURCES))
        files = PoolFiles(entry, MODEL, {source: [path] for source, path in paths.items()}, {}, None)
        indices = {source: open_index(path, entry.memory_mapping) for source, path in paths.items()}
        self.settings = SearchSettings(K, DEDUP_THRESHOLD, nprobe=None, ef_search=None, allow_untagged=False)
        self.pool = Pool(files, indices, {}, open_metadata(folder, allow_untagged=False))
        self.classes = [
            ClassPlan(str(name), [f"{name}/{prompt}" for prompt in range(PROMPTS)], [], scratch / f"{name}.jsonl")
            for name in range(len(prompts))
        ]
        self.prompts, self.scratch = prompts, scratch

    def run(self) -> None:
        from retrieval.records import write_chunks
        from retrieval.semantic.block_search import search_classes
        from retrieval.semantic.hit_files import kept_records

        encoders = {MODEL: Embedded(self.prompts)}
        for _ in search_classes(self.classes, [self.pool], encoders, self.settings, batch_size=PROMPTS):
            pass
        write_chunks(kept_records(each.hits_file for each in self.classes), self.scratch)

    def selected(self) -> dict:
        """{(class, prompt, modality): ids}: each prompt's own hits, before the stage merges them."""
        from retrieval.semantic.knn_search import search
        from retrieval.semantic.near_duplicates import without_near_duplicates

        selected = {}
        for source, index in self.pool.indices.items():
            for number, class_prompts in enumerate(self.prompts):
                neighbours = search(index, class_prompts, K)
                ids, stays = without_near_duplicates(index, neighbours, self.settings.dedup_threshold)
                for prompt in range(PROMPTS):
                    selected[number, prompt, source.removesuffix("_index")] = ids[prompt][stays[prompt]].tolist()
        return selected


def time_exact(what: str, vectors, prompts) -> None:
    """Print the rate of --exact, top-k included, against numpy's bare product of the same matrices.

    The pool is the text embeddings followed by the image embeddings. numpy multiplies in the faster of two shapes.
    """
    import numpy as np

    from retrieval.embeddings import EmbeddingFiles
    from retrieval.semantic.exact_search import exact_search
    from retrieval.semantic.row_products import STRETCH_ROWS

    # About 5 s of products per round: from 16 classes up to a block of the stage, and as many rows as that allows.
    operations, width = 4e11, prompts.shape[2]
    rows = int(operations / (2 * width * PROMPTS * 16)) // len(vectors)
    arrays = tuple(array[:rows].astype(np.float16) for array in vectors.values())
    files = EmbeddingFiles(arrays, np.cumsum([0, *map(len, arrays)]))
    classes = min(len(prompts), 4096 // PROMPTS, int(operations / (2 * files.ntotal * width * PROMPTS)))
    queries = np.ascontiguousarray(prompts[:classes].reshape(-1, width))
    rounded = [array.astype(np.float32) for array in arrays]

    def products(together: int) -> float:
        began = time.perf_counter()
        for rows in rounded:
            for first in range(0, len(rows), STRETCH_ROWS):
                for begin in range(0, len(queries), together):
                    queries[begin : begin + together] @ rows[first : first + STRETCH_ROWS].T
        return time.perf_counter() - began

    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(min(products(PROMPTS), products(10 * PROMPTS)))
        began = time.perf_counter()
        found, scores = exact_search(files, queries, K)
        ours.append(time.perf_counter() - began)
    some = slice(0, 16)
    everything = np.concatenate([queries[some] @ rows.T for rows in rounded], axis=1)
    best = np.argsort(-everything, axis=1, kind="stable")[:, :K]
    error = np.abs(scores[some] - np.take_along_axis(everything, best, 1)).max()
    rates = [2e-9 * files.ntotal * queries.size / min(seconds) for seconds in (ours, bare)]
    size = f"{files.ntotal:,} rows, {len(queries):,} prompts"
    line(f"{what}: {size}, {rates[0]:,.0f} of {rates[1]:,.0f} GFLOP/s", f"{rates[0] / rates[1]:.0%}", ">= 60 %")
    line(
        f"{what}: the same row as numpy's at each rank (sums in another order swap neighbours), scores within",
        f"{(found[some] == best).mean():.3%}", f"{error:.0e}",
    )  # fmt: skip


def count_reads(what: str, path: Path, prompts) -> None:
    """Print what a block of prompts reads from disk, in eight stretches of the file, and what they read one by one.

    Alone, a prompt reads its own lists: the comparison is with their sizes. The kernel's read-ahead adds to that, as a
    few measured prompts show.
    """
    import numpy as np

    from retrieval.semantic import knn_search
    from retrieval.semantic.near_duplicates import without_near_duplicates
    from retrieval.semantic.plan import DEDUP_THRESHOLD
    from retrieval.semantic.pools import open_index

    block = np.ascontiguousarray(prompts.reshape(-1, prompts.shape[2])[:4096])
    index = open_index(path, memory_mapping=True)  # opening reads no list
    os.sync()
    lists_read, read = Counter(), knn_search._read_lists

    def counted(lists, numbers, code_size: int) -> None:
        codes = lists.get_codes(int(numbers[0]))
        forget(path, int(codes))  # the stretches before; what was read ahead of this one is read
        lists.release_codes(int(numbers[0]), codes)
        lists_read.update(numbers.tolist())
        read(lists, numbers, code_size)

    forget(path)
    knn_search._read_lists = counted
    before = bytes_read()
    hits = knn_search.search(index, block, K, path.stat().st_size // 8)
    forget(path)
    for begin in range(0, len(block), PROMPTS):
        without_near_duplicates(index, hits.of(slice(begin, begin + PROMPTS)), DEDUP_THRESHOLD)
    together = bytes_read() - before
    knn_search._read_lists = read
    few = block[:: len(block) // 20]
    before = bytes_read()
    for query in few:
        forget(path)
        index.search_and_reconstruct(query[None], K)
    measured = (bytes_read() - before) / len(few) * len(block)
    chain, ivf = knn_search.split(index)
    for transform in chain:
        block = transform.apply(block)
    sizes = np.array([ivf.invlists.list_size(number) for number in range(ivf.nlist)]) * (ivf.code_size + 8)
    alone = int(sizes[ivf.quantizer.search(block, ivf.nprobe)[1]].sum())
    sizes = f"{together / 1e6:,.0f} MB; alone {alone / 1e6:,.0f} MB of lists ({measured / 1e6:,.0f} MB are read)"
    line(f"{what}: disk, {len(block):,} prompts: {sizes}", f"{alone / max(1, together):,.0f} x", ">= 30 x")
    line(f"{what}: disk, reads of one list for the block, at most", f"{max(lists_read.values())}", "1")


def bytes_read() -> int:
    """What this process has made the disk read."""
    return int(next(row.split()[1] for row in open("/proc/self/io") if row.startswith("read_bytes")))


def forget(path: Path, before: int | None = None) -> None:
    """Drop a mapped file from memory, or its part `before` an address, as a machine with less memory would have to."""
    libc = ctypes.CDLL(None)
    length = 0  # of what the page cache drops: all
    for row in open("/proc/self/maps"):
        if row.rstrip().endswith(str(path.resolve())):
            begin, end = (int(address, 16) for address in row.split()[0].split("-"))
            if before is not None:
                end = before & ~4095
                length = end - begin + int(row.split()[2], 16)
            libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), 4)  # MADV_DONTNEED
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, length, os.POSIX_FADV_DONTNEED)


def peak_memory(pool: Path, scratch: Path) -> None:
    """Print the peak of the command with 1,040 prompts and with ImageNet's 79,840."""
    import filter_laion_metadata_semantic as stage

    make_folder(pool, make_vectors(50_000, 64, 100)[0], "IVF,SQ8")
    entry = {"indice_folder": str(pool.resolve()), "clip_model": DEMO_MODEL}
    (scratch / "indicies.json").write_text(json.dumps({"pool": entry}))
    script = Path(stage.__file__)
    peaks = {}
    for classes in (13, 998):
        with tempfile.TemporaryDirectory(dir=scratch) as output:
            command = [
                sys.executable, str(script), "--query-dataset", "ImageNet", "--subset", str(classes),
                "--output-dir", output, "--index-info-path", str(scratch / "indicies.json"), "--device", "cpu",
            ]  # fmt: skip
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=script.parent)
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
            peaks[classes * PROMPTS] = usage.ru_maxrss / 1024
    few, many = peaks
    sizes = " and ".join(f"{peak:,.0f} MB with {count:,} prompts" for count, peak in peaks.items())
    line(f"peak memory of the command: {sizes}", f"{peaks[many] / peaks[few] - 1:+.0%}", "within 20 %")


if __name__ == "__main__":
    sys.exit(main())
