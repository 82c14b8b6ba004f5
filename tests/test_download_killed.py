"""A run that is killed, and the same command again.

DOWNLOAD_KILLED_CHAINS=3 python -m pytest tests/test_download_killed.py    # 21 kills; the suite makes 7
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from download_server import arguments, chunks, contents, loaded, record
from process_tree import process_tree

ROOT = Path(__file__).parent.parent
pytest_plugins = "download_server"

# One kill after each of these signs of how far a run is; between two of them is a random wait.
SIGNS = [
    "work", "work/plan.duckdb", "work/images-*/round-*/urls.parquet", "work/images-*/round-*/fetched/*/*.jpg",
    "work/images-*/round-00002.parquet", "dataset/*/*.jpg", "dataset/metadata.json",
]  # fmt: skip
LONGEST_WAIT = 0.6  # seconds, about half of what a run fetches for


def test_a_run_killed_at_any_moment_and_run_again_makes_the_same_folder_and_fetches_nothing_twice(
    server, tmp_path, download
):
    server.latency = 0.15
    rows = [record(f"{server.at}/jpeg/{number}", ["banded", "dotted"][number % 2]) for number in range(100)]
    rows += [record(f"{server.at}/gone/{number}") for number in range(20)]
    chunks(tmp_path / "chunks", rows)
    download(w="undisturbed-work", out="undisturbed/dataset")
    undisturbed = contents(tmp_path / "undisturbed" / "dataset")
    path_of = {key: entry["url"].removeprefix(server.at)
               for key, entry in json.loads(undisturbed["metadata.json"]).items()}  # fmt: skip
    assert len(path_of) == 100

    for chain in range(int(os.environ.get("DOWNLOAD_KILLED_CHAINS", 1))):
        moments = random.Random(chain)
        had: set[str] = set()  # paths of images that are in one of the two folders
        for sign in SIGNS:
            asked = len(server.asked)
            run_and_kill(tmp_path, sign, moments.uniform(0, LONGEST_WAIT))
            assert not had & set(server.asked[asked:])
            had = {path_of[image.stem] for image in (tmp_path / "dataset").glob("*/*.jpg")}
            had |= {path.removeprefix(server.at) for path in fetched(tmp_path / "work")}
        asked = len(server.asked)
        download()
        assert not had & set(server.asked[asked:])
        assert contents(tmp_path / "dataset") == undisturbed
        assert loaded(tmp_path)[0]["kept"] == 100
        for folder in ("work", "dataset"):
            shutil.rmtree(tmp_path / folder)


def run_and_kill(tmp_path: Path, sign: str, wait: float) -> None:
    """Start the command, kill it `wait` seconds after the sign appears, and wait for what it had started to end."""
    run = subprocess.Popen(
        [sys.executable, str(ROOT / "download_urls_img2dataset.py"), *map(str, arguments(tmp_path))],
        stderr=subprocess.DEVNULL,
    )
    while run.poll() is None and next(tmp_path.glob(sign), None) is None:
        time.sleep(0.01)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(timeout=wait)
    started = process_tree(run.pid)
    run.send_signal(signal.SIGKILL)
    run.wait()
    given_up = time.monotonic() + 60
    while any(process in process_tree(process) for process in started):
        assert time.monotonic() < given_up, "a process that it had started goes on"
        time.sleep(0.1)


def fetched(work: Path) -> set[str]:
    """URLs of the images that img2dataset had written and described."""
    found = set()
    for description in work.glob("images-*/round-*/fetched/*/*.json"):
        with contextlib.suppress(json.JSONDecodeError):  # the last one may be half written
            found.add(json.loads(description.read_text())["url"])
    return found
