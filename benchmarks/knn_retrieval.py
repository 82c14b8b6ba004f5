"""How many prompts a second the semantic filter answers, against clip-retrieval's KnnService on the same folder.

In:   nothing; it makes a pool of vectors (clusters, a third near-duplicates), its indices and its metadata in --folder.
Out:  a table on stdout: width, index, prompts a second of both, their ratio, and how many answers are the same.

Both sides get the same embeddings (KnnService through embedding_input), so the text tower is on neither side. A prompt
is asked of both indices. Ours writes its records and chunks; KnnService's answers are only compared, ids and order. It
is timed on --lonely of the prompts, spread over the classes.

    PYTHONPATH=. python benchmarks/knn_retrieval.py                    # 400,000 vectors, widths 64 and 768
    PYTHONPATH=. python benchmarks/knn_retrieval.py --vectors 50000 --classes 10 --widths 64
"""

import argparse
import importlib
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

K, PROMPTS, NPROBE, NLIST = 500, 80, 16, 1024
MODEL = "the embeddings the benchmark made"


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=400_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 768])
    parser.add_argument("--kinds", nargs="+", default=["IVF,SQ8", "OPQ,IVF,PQ"], choices=["IVF,SQ8", "OPQ,IVF,PQ"])
    parser.add_argument("--on-disk", action="store_true", help="memory-mapped indices; bytes read, nothing cached")
    parser.add_argument("--lonely", type=int, default=200, help="prompts that KnnService is timed on")
    parser.add_argument("--folder", type=Path, help="keep the indices here and use those that are there")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    print(f"{'width':>5} {'index':12} {'KnnService/s':>12} {'ours/s':>8} {'ratio':>7}  same answers")
    worst = True
    with tempfile.TemporaryDirectory() as scratch:
        for width in args.widths:
            folder = (args.folder or Path(scratch)) / f"{args.vectors}x{width}"
            vectors, prompts = make_vectors(args.vectors, width, args.classes)
            for kind in args.kinds:
                pool = folder / kind.replace(",", "_")
                make_folder(pool, vectors, kind)
                lonely, answers = time_knn_service(pool, prompts, args.lonely, args.on_disk)
                ours, selected = time_ours(pool, prompts, args.classes, args.on_disk, Path(scratch))
                same = sum(answer == selected[key] for key, answer in answers.items())
                worst = worst and same == len(answers)
                print(
                    f"{width:5} {kind:12} {lonely:12,.0f} {ours:8,.0f} {ours / lonely:6.1f}x  "
                    f"{same:,} of {len(answers):,}",
                    flush=True,
                )
                if args.on_disk:
                    count_reads(pool / "text.index", prompts)
            time_exact(vectors, prompts)
    return 0 if worst else 1


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
            "url": [f"https://pool.example/{row:09d}/picture.jpg" for row in range(rows)],
            "caption": [f"picture number {row} of a pool, as a shop would describe it in words" for row in range(rows)],
            "NSFW": [("UNLIKELY", "UNSURE", "UNLIKELY", "NSFW")[row * 7 % 50 // 48 * 3] for row in range(rows)],
            "similarity": np.linspace(0.28, 0.4, rows),
            "HEIGHT": np.arange(rows, dtype=np.int32) % 900 + 100,
            "WIDTH": np.arange(rows, dtype=np.int32) % 700 + 100,
            "LICENSE": ["?"] * rows,
        }
    )
    with pa.ipc.new_file(str(folder / "metadata" / "0000.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=10_000)


def time_knn_service(folder: Path, prompts, count: int, on_disk: bool):
    """(prompts a second, {(class, prompt, modality): ids}), one prompt and index at a time."""
    import numpy as np

    clip_back = importlib.import_module("clip_retrieval.clip_back")  # the package's own name for it is a function
    indices = {m: clip_back.load_index(str(folder / f"{m}.index"), on_disk) for m in ("text", "image")}
    resource = clip_back.ClipResource(
        device="cpu", model=None, preprocess=None, tokenizer=None, model_txt_mclip=None, safety_model=None,
        violence_detector=None, metadata_provider=clip_back.ArrowMetadataProvider(str(folder / "metadata")),
        image_index=indices["image"], text_index=indices["text"], ivf_old_to_new_mapping=None,
        columns_to_return=["url", "caption", "NSFW", "similarity", "HEIGHT", "WIDTH", "LICENSE"],
        metadata_is_ordered_by_ivf=False, aesthetic_embeddings=None,
    )  # fmt: skip
    service = clip_back.KnnService(clip_resources={"pool": resource})
    which = np.linspace(0, prompts.shape[0] * PROMPTS - 1, count).astype(int)
    answers = {}
    began = time.perf_counter()
    for number in which.tolist():
        for modality in ("text", "image"):
            found = service.query(
                embedding_input=prompts.reshape(-1, prompts.shape[2])[number], modality=modality,
                num_images=K, num_result_ids=K, deduplicate=True,
            )  # fmt: skip
            answers[(*divmod(number, PROMPTS), modality)] = [hit["id"] for hit in found]
    return 2 * count / (time.perf_counter() - began), answers


class Embedded:
    """The benchmark's embeddings, by the prompt's own text "class/prompt"."""

    def __init__(self, prompts):
        self.prompts, self.width = prompts, prompts.shape[2]

    def encode_texts(self, texts: list[str], batch_size: int):
        import numpy as np

        return np.stack([self.prompts[tuple(map(int, text.split("/")))] for text in texts])


def time_ours(folder: Path, prompts, classes: int, on_disk: bool, scratch: Path):
    """(prompts a second, {(class, prompt, modality): ids}): searched, selected, records and chunks written."""
    import filter_laion_metadata_semantic as stage
    from retrieval.index_folder import SOURCES, IndexEntry, index_paths
    from retrieval.knn_search import search, without_near_duplicates
    from retrieval.records import write_chunks
    from retrieval_templates import Template

    flags = ["--query-dataset", "x", "--output-dir", str(scratch), "--results-per-query", str(K)]
    args = stage.make_parser().parse_args(flags)
    names = tuple(str(number) for number in range(classes))
    template = Template("benchmark", names, tuple(f"{{}}/{number}" for number in range(PROMPTS)))
    entry = IndexEntry("pool", folder, MODEL, on_disk)
    pool = stage.open_pool(args, entry, index_paths(entry, list(SOURCES)), {})
    hits_files = {name: scratch / ".hits" / f"{name}.jsonl" for name in names}
    stage.say = lambda message: None  # a line a class
    encoder = Embedded(prompts)
    began = time.perf_counter()
    for block in stage.class_blocks(dict.fromkeys(names, PROMPTS)):
        stage.search_block(
            block, template, dict.fromkeys(names, []), [pool], {MODEL: encoder}, {"pool": MODEL}, args, hits_files
        )
    write_chunks(stage.lines_of(hits_files.values()), scratch)
    took = time.perf_counter() - began
    selected = {}
    for number in range(classes):  # once more, each prompt's own list kept, to be compared
        for source, index in pool.indices.items():
            hits = search(index, prompts[number], K)
            ids, stays = without_near_duplicates(index, hits)
            for prompt in range(PROMPTS):
                key = number, prompt, source.removesuffix("_index")
                selected[key] = ids[prompt][stays[prompt]].tolist()
    return 2 * classes * PROMPTS / took, selected


def time_exact(vectors, prompts) -> None:
    """Print the rate of --exact, top-k and all, against numpy's bare product of the same matrices.

    The pool is both embeddings one after the other. The product is made of the shapes in which it is fastest.
    """
    import numpy as np

    from retrieval.embedding_files import ROWS_AT_ONCE, EmbeddingFiles, exact_search

    arrays = tuple(rows.astype(np.float16) for rows in vectors.values())
    files = EmbeddingFiles(arrays, np.cumsum([0, *map(len, arrays)]))
    width = prompts.shape[2]
    # Some 10 s of products; whole classes, at most a block of the stage's.
    classes = min(len(prompts), 4096 // PROMPTS, max(1, int(4e11 / (2 * files.ntotal * width * PROMPTS))))
    queries = np.ascontiguousarray(prompts[:classes].reshape(-1, width))
    groups = [slice(begin, begin + PROMPTS) for begin in range(0, len(queries), PROMPTS)]
    rounded = [array.astype(np.float32) for array in arrays]

    def products(together: int) -> float:
        began = time.perf_counter()
        for rows in rounded:
            for first in range(0, len(rows), ROWS_AT_ONCE):
                for begin in range(0, len(queries), together):
                    queries[begin : begin + together] @ rows[first : first + ROWS_AT_ONCE].T
        return time.perf_counter() - began

    bare, ours = [], []
    for _ in range(3):
        bare.append(min(products(PROMPTS), products(10 * PROMPTS)))
        began = time.perf_counter()
        found, scores = exact_search(files, queries, K, groups)
        ours.append(time.perf_counter() - began)
    everything = np.concatenate([queries[:PROMPTS] @ rows.T for rows in rounded], axis=1)
    best = np.argsort(-everything, axis=1, kind="stable")[:, :K]
    error = np.abs(scores[:PROMPTS] - np.take_along_axis(everything, best, 1)).max()
    gigaflops = 2e-9 * files.ntotal * queries.size / min(ours)
    print(
        f"      --exact: {files.ntotal:,} rows, {len(queries):,} prompts: {gigaflops:,.0f} GFLOP/s, "
        f"{min(bare) / min(ours):.0%} of numpy's product; the same row at "
        f"{(found[:PROMPTS] == best).mean():.3%} of the ranks, scores within {error:.0e} (sums in another order)",
        flush=True,
    )


def count_reads(path: Path, prompts) -> None:
    """Print what a block of prompts reads from disk, in eight stretches of the file, nothing of it cached before.

    Asked alone, with an index far larger than memory, each prompt reads its own lists: their sizes are added up (the
    kernel's read-ahead would make it several times more).
    """
    import numpy as np

    from retrieval import index_folder, knn_search

    def read_so_far() -> int:
        return int(next(line.split()[1] for line in open("/proc/self/io") if line.startswith("read_bytes")))

    block = np.ascontiguousarray(prompts.reshape(-1, prompts.shape[2])[:4096])
    os.sync()
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    index = index_folder.open_index(path, memory_mapping=True)  # opening reads no list
    before = read_so_far()
    hits = knn_search.search(index, block, K, path.stat().st_size // 8)
    for begin in range(0, len(block), PROMPTS):
        knn_search.without_near_duplicates(index, hits.of(slice(begin, begin + PROMPTS)))
    together = read_so_far() - before
    chain, ivf = knn_search.split(index)
    for transform in chain:
        block = transform.apply(block)
    sizes = np.array([ivf.invlists.list_size(number) for number in range(ivf.nlist)]) * (ivf.code_size + 8)
    alone = int(sizes[ivf.quantizer.search(block, ivf.nprobe)[1]].sum())
    print(
        f"      read from disk for {len(block):,} prompts: together {together / 1e6:,.0f} MB of the file's "
        f"{path.stat().st_size / 1e6:,.0f}; alone {alone / 1e6:,.0f} MB of lists, {alone / max(1, together):,.0f}x",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
