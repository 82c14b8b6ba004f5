"""How long the downloader's plan takes and how much memory it needs: a `--dry-run` on the chunks of two filters.

In:  nothing: two folders of chunks are made, with rows as the filters write them; a third of the semantic filter's
     URLs are also among the substring filter's.
Out: one line on stdout per way of combining: seconds of the whole process, imports included, and its peak memory.

    python benchmarks/download_plan.py
    python benchmarks/download_plan.py --rows 1000000 --ways union rrf
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLASSES = 998  # ImageNet's
CHUNK_ROWS = 500_000  # the filters' own
LIMITS = "limits for 5,000,000 rows: 60 s, 1.5 GB"
WAYS = {
    "union": [],
    "intersection": ["--combine", "intersection"],
    "rrf": ["--combine", "rrf", "--max-per-class", "1000"],
}


def write_chunks(folder: Path, rows: int, source: str, first_url: int, rng: random.Random) -> None:
    """Write `rows` records, their URLs numbered from `first_url` on and spread over 50,000 hosts."""
    folder.mkdir()
    for chunk, start in enumerate(range(0, rows, CHUNK_ROWS)):
        with open(folder / f"chunk_{chunk}.json", "w", encoding="utf-8") as file:
            file.write("[\n")
            for row in range(start, min(rows, start + CHUNK_ROWS)):
                url = (first_url + row) * 2_654_435_761 % 2**32  # so that the URLs of a chunk are not in order
                found = f'"SCORE":0.{rng.randrange(10**7)},"RANK":{row % 500},"ROW":{url}'
                if source == "substring":
                    found = f'"SCORE":null,"RANK":null,"ROW":"part-00007.parquet:{row}"'
                tag = "NSFW" if url % 50 == 0 else "UNLIKELY"
                file.write(
                    f'{{"SAMPLE_ID":{2**60 + url},"URL":"https://images-{url % 50_000}.example.com/{url}/full.jpg",'
                    f'"TEXT":"a caption of the mean length of captions on the web, sixty bytes: {row}",'
                    f'"HEIGHT":600,"WIDTH":800,"LICENSE":"?","NSFW":"{tag}","similarity":0.3{rng.randrange(10**6)},'
                    f'"QUERY":"class {url % CLASSES}","SOURCE":"{source}","MATCHED":"a photo",{found}}}'
                    + (",\n" if row + 1 < min(rows, start + CHUNK_ROWS) else "\n")
                )
            file.write("]\n")


def planned(folder: Path, flags: list[str]) -> tuple[float, int, str]:
    """Run a dry run: seconds, its peak bytes in memory, and its last line."""
    command = [
        sys.executable, ROOT / "download_urls_img2dataset.py", "--r", folder / "substring", folder / "semantic",
        "--w", folder / "work", "--dataset-output", folder / "dataset", "--dry-run", *flags,
    ]  # fmt: skip
    began = time.perf_counter()
    run = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    said = run.stderr.read()
    _, status, used = os.wait4(run.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"the plan failed: {said}")
    return seconds, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), said.splitlines()[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, default=5_000_000, help="rows of both filters together (default %(default)s)"
    )
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=list(WAYS), help="ways of combining to run (default: all)"
    )
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, half = Path(made), flags.rows // 2
        write_chunks(folder / "substring", half, "substring", 0, random.Random(0))
        write_chunks(folder / "semantic", flags.rows - half, "text_index", half * 2 // 3, random.Random(1))
        for way in flags.ways:
            seconds, held, last = planned(folder, WAYS[way])
            print(f"{flags.rows:,} rows, {way}: {seconds:.1f} s, {held / 1e9:.2f} GB ({LIMITS}); {last}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
