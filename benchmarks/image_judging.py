"""What judging costs: pictures embedded per CPU second beside open_clip's own loop, and runs that are killed.

In:  nothing: pictures of random colours are drawn, 256 × 256 pixels, in 20 classes.
Out: rate: CPU seconds of the features (embed_folder), of a plain loop with open_clip, and of a second run
     kills: judge_images.py killed at random moments, each time started again, against an undisturbed run

    python benchmarks/image_judging.py --images 2000 --parts rate
    python benchmarks/image_judging.py --images 20000 --parts kills --kills 20

Exit code 1: features differ by more than float16's rounding, or bytes differ, or a picture was embedded that a finished
part holds.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _root  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent
DEMO_MODEL = f"open_clip:demo-clip/{ROOT}/demo/demo-clip.pt"
CLASSES = 20
ROUNDING = 2e-3  # of a component in float16


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000, help="pictures (default %(default)s)")
    parser.add_argument("--model", default=DEMO_MODEL, help="(default: the demo's CLIP)")
    parser.add_argument("--parts", nargs="+", choices=("rate", "kills"), default=["rate", "kills"])
    parser.add_argument("--kills", type=int, default=20, help="(default %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    flags = make_parser().parse_args(argv)
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        dataset = draw_dataset(Path(folder) / "dataset", flags.images)
        if "rate" in flags.parts:
            fine &= compare_rates(dataset, flags.model)
        if "kills" in flags.parts:
            fine &= kill_runs(dataset, flags.model, flags.kills)
    return 0 if fine else 1


def draw_dataset(folder: Path, images: int) -> Path:
    """A dataset folder as the downloader leaves it, of random pictures."""
    import numpy as np
    from PIL import Image

    from retrieval.dataset_files import write_entries
    from retrieval.files import write_json

    entries, names = [], [f"class {number}" for number in range(CLASSES)]
    for number in range(images):
        name, key = names[number % CLASSES], str(10**9 + number)
        (folder / name).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).resize((256, 256)).save(folder / name / f"{key}.jpg")
        entries.append({"key": key, "label": name, "QUERY": name, "url": "", "caption": "", "sources": []})
    write_entries(folder, entries)
    folders = {name: name for name in names}
    totals = {"rows_read": images, "kept": images, "dropped": {}, "folders": folders, "class_order": names}
    write_json(folder / "report.json", totals | {"classes": {name: {} for name in names}})
    return folder


def compare_rates(dataset: Path, name: str) -> bool:
    import numpy as np
    import torch
    from PIL import Image

    from retrieval.clip_model import load_clip
    from retrieval.dataset.dataset_folder import labelled_images
    from retrieval.dataset.image_features import embed_folder
    from retrieval.torch_threads import use_all_cores

    use_all_cores()
    model = load_clip(name)
    names = [name for name, _ in labelled_images(dataset)]

    def plain_loop(names: list[str]) -> np.ndarray:
        blocks = []
        with torch.inference_mode():
            for begin in range(0, len(names), 64):
                files = [dataset / name for name in names[begin : begin + 64]]
                pixels = torch.stack([model.preprocess(Image.open(file).convert("RGB")) for file in files])
                blocks.append(model.network.encode_image(pixels.to(model.device), normalize=True).cpu().numpy())
        return np.concatenate(blocks)

    plain_loop(names[:64])  # the first batch takes longer
    features, ours = cpu_seconds(lambda: embed_folder(dataset, model))
    _, again = cpu_seconds(lambda: embed_folder(dataset, model))
    theirs_rows, theirs = cpu_seconds(lambda: plain_loop(names))
    count = len(names)
    print(f"{count:,} pictures, {name} on {model.device}, in CPU seconds of this process")
    print(f"features     {ours:8.1f}   {count / ours:8.1f} pictures per CPU second")
    print(f"open_clip    {theirs:8.1f}   ratio {theirs / ours:.2f} x")
    print(f"a second run {again:8.2f}")
    return bool(np.abs(features.rows - theirs_rows).max() < ROUNDING)


def cpu_seconds(work) -> tuple:
    """(what `work` returns, the CPU seconds of this process for it)."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def kill_runs(dataset: Path, name: str, kills: int) -> bool:
    """Kill a run at random moments; each goes on where the last one was."""
    began = time.monotonic()
    judge(dataset, name, "whole").wait()
    whole, moments = time.monotonic() - began, random.Random(5)
    kept, same = {}, True
    for _ in range(kills):
        process = judge(dataset, name, "killed")
        time.sleep(moments.uniform(0.1, 0.6) * whole)
        process.kill()
        process.wait()
        before, kept = kept, parts_of(dataset.with_name("killed features"))
        same &= before.items() <= kept.items()
    print(f"killed {kills} times; the last one killed found {pictures_in(kept):,} pictures in {len(kept):,} parts")
    last = judge(dataset, name, "killed")
    same &= last.wait() == 0 and kept.items() <= parts_of(dataset.with_name("killed features")).items()
    print("no part was written twice" if same else "FAILED: a part was written twice")
    unequal = [
        f"killed{what}/{name}"
        for what in ("", " features")
        for one, other in [[contents(dataset.with_name(f"{run}{what}")) for run in ("whole", "killed")]]
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]
    print("the same bytes" if not unequal else f"FAILED: {len(unequal):,} files differ, the first is {unequal[0]}")
    return same and not unequal


def judge(dataset: Path, name: str, output: str) -> subprocess.Popen:
    words = [ROOT / "dataset_helper" / "judge_images.py", dataset, "--model", name, "--keep-fraction", "0.3", "--quiet",
             "--output", dataset.with_name(output), "--features", dataset.with_name(f"{output} features")]  # fmt: skip
    return subprocess.Popen([sys.executable, *map(str, words)], stderr=subprocess.DEVNULL)


def parts_of(features: Path) -> dict[Path, int]:
    """Each finished part's file -> its inode, which changes when it is written again."""
    return {path: path.stat().st_ino for path in features.rglob("img_emb_*.json")}


def pictures_in(parts: dict[Path, int]) -> int:
    return sum(len(json.loads(path.read_text())["rows"]) for path in parts)


def contents(folder: Path) -> dict[str, bytes]:
    """File -> its bytes; the page's title is the folder's name."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    title = f'"title": "{folder.name}"'.encode()
    return {name: content.replace(title, b"") for name, content in files.items()}


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main())
