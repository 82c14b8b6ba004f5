"""A run that is killed, and the same command again."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from download_server import arguments, chunks, contents, loaded, record

ROOT = Path(__file__).parent.parent
pytest_plugins = "download_server"


@pytest.mark.parametrize("seed", range(2))
def test_a_run_killed_at_any_moment_and_run_again_makes_the_same_folder(server, tmp_path, download, seed):
    server.latency = 0.05
    rows = [record(f"{server.at}/jpeg/{number}", ["banded", "dotted"][number % 2]) for number in range(100)]
    rows += [record(f"{server.at}/gone/{number}") for number in range(20)]
    chunks(tmp_path / "chunks", rows)
    command = [sys.executable, str(ROOT / "download_urls_img2dataset.py")]
    moments = random.Random(seed)
    for _ in range(2):
        run = subprocess.Popen([*command, *map(str, arguments(tmp_path))], stderr=subprocess.PIPE)
        try:
            run.wait(timeout=moments.uniform(1, 6))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        time.sleep(1.2)  # the fetching process sees that its parent is gone, and goes
        had = sum(1 for _ in (tmp_path / "work").rglob("*.jpg")) if (tmp_path / "work").exists() else 0
        server.asked.clear()
    download()
    assert (
        len([path for path in server.asked if path.startswith("/jpeg")]) <= 100 - had
    )  # what was had is not asked for
    interrupted = contents(tmp_path / "dataset")
    download(w="work2", out="undisturbed/dataset")
    assert interrupted == contents(tmp_path / "undisturbed" / "dataset")
    assert loaded(tmp_path)[0]["kept"] == 100
