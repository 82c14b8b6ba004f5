"""How fast captions become embeddings: batches cut to their longest caption against open_clip's padded pass.

ViT-L/14's text tower with random weights (speed does not depend on them), in one run and on one set of captions:
padded fp32, cut fp32, cut bf16, and the native tokenizer against open_clip's. Every pair is checked for equality.
Without --captions the captions are made up, of the lengths of web captions (15 tokens of 77 on average, median 13).

    python benchmarks/text_embedding.py
    python benchmarks/text_embedding.py --captions laion/part-00000.parquet --device cuda
    python benchmarks/text_embedding.py --memory    # peak memory with the demo's CLIP, by rows per shard
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _root  # noqa: F401

WIDTH, CONTEXT, LAYERS, HEADS = 768, 77, 12, 12  # ViT-L/14's text tower
CAPTIONS = 1024  # embedded on CPU in batches of 16: sorted as finely as 16,384 in batches of 256, the script's own way
PADDED = 64  # of them, the slow way too
BATCH = 16
GPU_GROUP, GPU_GROUPS, GPU_BATCH = 16_384, 24, 1024
MATMUL = 8192  # the card's own rate is measured on square matrices of this width
ROOT = Path(__file__).resolve().parent.parent
MEMORY_ROWS = (100_000, 1_000_000)  # of one shard
PARAMETERS = LAYERS * 12 * WIDTH**2  # of the text tower's matrices: two operations each per token

# Runs a command and prints the peak, in KiB, of the largest of its processes.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=Path, help="parquet with a TEXT or caption column, 10,000 rows or more")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--memory", action="store_true", help="only peak memory over a small and a large shard")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    captions = read_captions(args.captions) if args.captions else made_up_captions(10_000)
    if args.memory:
        return report_memory(captions, args.device)
    same = benchmark_tokenizer(captions)
    if args.device == "cpu":
        return 0 if benchmark_cpu(captions) and same else 1
    benchmark_gpu(captions, args.device)
    return 0 if same else 1


def read_captions(path: Path) -> list[str]:
    import pyarrow.parquet

    from retrieval.columns import caption_column

    column = caption_column(pyarrow.parquet.read_schema(path).names)
    return [caption or "" for caption in pyarrow.parquet.read_table(path, columns=[column])[column].to_pylist()]


def made_up_captions(count: int) -> list[str]:
    """Words of CLIP's own vocabulary, lognormal in number; one caption in ten with an entity or a typographic mark."""
    import numpy as np
    from open_clip.tokenizer import SimpleTokenizer

    rng = np.random.default_rng(0)
    words = [word[:-4] for word in SimpleTokenizer().encoder if word.endswith("</w>") and word[:-4].isalpha()]
    words = [word for word in words if word.isascii() and len(word) > 2][:20_000]
    lengths = rng.lognormal(np.log(11), 0.6, count).astype(int).clip(1, 90)
    marked = rng.random(count) < 0.1
    marks = ["&amp;", "–", "’s", "®", "é", "…"]
    return [
        " ".join(rng.choice(words, length)).title() + (f" {marks[row % len(marks)]}" if marked[row] else "")
        for row, length in enumerate(lengths)
    ]


def network(precision: str, device: str = "cpu"):
    """An open_clip CLIP whose text tower is ViT-L/14's; its image tower is as small as can be."""
    import open_clip
    import torch
    from open_clip.model import CLIP, convert_weights_to_lp

    torch.manual_seed(0)
    vision = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 32}
    text = {"context_length": CONTEXT, "vocab_size": 49408, "width": WIDTH, "heads": HEADS, "layers": LAYERS}
    dtype = open_clip.get_input_dtype(precision)
    model = CLIP(WIDTH, vision, text, quick_gelu=True, cast_dtype=dtype).to(device).eval()
    if dtype:
        convert_weights_to_lp(model, dtype)
    return model


def tower(precision: str, device: str = "cpu"):
    from open_clip.tokenizer import SimpleTokenizer

    from retrieval.clip_model import wrap_network

    return wrap_network(
        f"ViT-L/14 in {precision}", network(precision, device), None, SimpleTokenizer(), device, precision
    )


def timed(work):
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def benchmark_tokenizer(captions: list[str]) -> bool:
    """On one core; open_clip's tokenizer remembers words, so it is timed a second time on the same captions."""
    from open_clip.tokenizer import SimpleTokenizer

    from retrieval.clip_tokens import caption_tokenizer

    exact, native = SimpleTokenizer(), caption_tokenizer(SimpleTokenizer())
    native(captions[:10])
    ours, our_time = timed(lambda: native(captions))
    theirs, their_time = timed(lambda: exact(captions).numpy())
    _, second_time = timed(lambda: exact(captions))
    different = int((ours != theirs).any(axis=1).sum())
    lengths = ours.argmax(axis=1) + 1
    print(f"{len(captions):,} captions, {lengths.mean():.1f} tokens on average; ids differ on {different}")
    print(f"tokenizer: open_clip {len(captions) / their_time:,.0f}/s (again: {len(captions) / second_time:,.0f}/s)")
    print(f"           native    {len(captions) / our_time:,.0f}/s: {their_time / our_time:.1f} times (bar: 10)")
    return different == 0


def benchmark_cpu(captions: list[str]) -> bool:
    import numpy as np
    import torch

    captions = captions[:CAPTIONS]
    exact = tower("fp32")
    ids = exact.tokenizer(captions)
    exact.embed_tokens(ids[:BATCH])  # warm

    def padded():
        with torch.inference_mode():
            parts = torch.from_numpy(ids[:PADDED]).split(BATCH)
            return torch.cat([exact.network.encode_text(part, normalize=True) for part in parts]).numpy()

    expected, padded_time = timed(padded)
    embedded, cut_time = timed(lambda: exact.embed_tokens(ids, BATCH).numpy())
    padded_rate, cut_rate = PADDED / padded_time, len(captions) / cut_time
    difference = np.abs(embedded[:PADDED] - expected).max()
    print(f"fp32 padded to {CONTEXT}: {padded_rate:,.1f} captions/s on {torch.get_num_threads()} threads")
    print(f"fp32 cut:          {cut_rate:,.1f} captions/s: {cut_rate / padded_rate:.1f} times (bar: 5)")
    print(f"                   largest difference {difference:.1e} (bar: 1e-05)")
    half = tower("bf16")
    half.embed_tokens(ids[:BATCH])
    rounded, half_time = timed(lambda: half.embed_tokens(ids, BATCH).numpy())
    cosine = (rounded * embedded).sum(axis=1)
    print(
        f"bf16 cut:          {len(captions) / half_time:,.1f} captions/s: {cut_time / half_time:.1f} times (bar: 2.5)"
    )
    print(f"                   cosine to fp32 {cosine.mean():.5f} mean, {cosine.min():.5f} lowest (bar: 0.999 mean)")
    return difference <= 1e-5


def report_memory(captions: list[str], device: str) -> int:
    """Peak memory of compute_text_embeddings.py itself, one shard at a time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet

    peaks = []
    for rows in MEMORY_ROWS:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "metadata").mkdir()
            picked = pa.array(captions).take(pa.array(np.random.default_rng(0).integers(0, len(captions), rows)))
            pyarrow.parquet.write_table(pa.table({"caption": picked}), f"{folder}/metadata/metadata_0000.parquet")
            script = ROOT / "knn_indices_helper" / "compute_text_embeddings.py"
            command = [sys.executable, script, "--input-parquet-dir", f"{folder}/metadata", "--device", device,
                       "--output-embeddings-dir", f"{folder}/embeddings",
                       "--model", f"open_clip:demo-clip/{ROOT}/demo/demo-clip.pt"]  # fmt: skip
            begin = time.perf_counter()
            peak = int(subprocess.check_output([sys.executable, "-c", PEAK, *map(str, command)])) / 1024
            peaks.append(peak)
            print(
                f"a shard of {rows:>9,} rows: peak {peak:,.0f} MiB, {rows / (time.perf_counter() - begin):,.0f} rows/s"
            )
    print(f"ten times the rows take {peaks[1] / peaks[0]:.2f} times the memory (bar: 1.10)")
    return 0


def benchmark_gpu(captions: list[str], device: str) -> None:
    """As compute_text_embeddings.py works: tokenised ahead in a thread, copied while the next group is embedded."""
    import numpy as np
    import torch

    from retrieval.caption_groups import copy_to_host
    from retrieval.read_ahead import ahead

    left = torch.randn(MATMUL, MATMUL, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        left @ left
    torch.cuda.synchronize()
    _, matmul_time = timed(lambda: ([left @ left for _ in range(20)], torch.cuda.synchronize()))
    rate = 20 * 2 * MATMUL**3 / matmul_time
    picks = np.random.default_rng(0).integers(0, len(captions), (GPU_GROUPS, GPU_GROUP))
    for precision in ("fp32", "fp16", "bf16"):
        model = tower(precision, device)
        model.embed_tokens(model.tokenizer(captions[:GPU_BATCH]), GPU_BATCH)
        torch.cuda.synchronize()
        begin, tokens, spans, copies = time.perf_counter(), 0, [], []
        tokenised = (model.tokenizer([captions[pick] for pick in group]) for group in picks)
        with contextlib.closing(ahead(tokenised)) as groups:
            for ids in groups:
                tokens += int((ids.argmax(axis=1) + 1).sum())
                span = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
                span[0].record()
                copies.append(copy_to_host(model.embed_tokens(ids, GPU_BATCH)))
                span[1].record()
                spans.append(span)
                if len(copies) > 1:
                    copies.pop(0)()
            copies.pop()()
        torch.cuda.synchronize()
        wall = time.perf_counter() - begin
        busy = sum(start.elapsed_time(end) for start, end in spans) / 1000
        print(
            f"{precision}: {picks.size / wall:,.0f} captions/s, its stream busy {busy / wall:.0%} of the time, "
            f"{2 * PARAMETERS * tokens / wall / rate:.0%} of the card's {rate / 1e12:,.0f} Tflop/s in bf16"
        )


if __name__ == "__main__":
    sys.exit(main())
