"""The downloader on a Ray or Spark cluster of two workers on this machine: the guard is in its workers too.

`make test-cluster` has both (.venv-cluster); `.ci/run` runs it."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from download_server import HASTY, arguments, chunks, loaded, record
from hostile_internet import UNSHARE, why_no_internet

ROOT = Path(__file__).parent.parent
pytest_plugins = "download_server"


def needs(engine: str) -> None:
    if not importlib.util.find_spec(engine) or (engine == "pyspark" and not shutil.which("java")):
        pytest.skip(f"needs {engine}: make test-cluster (and, for Spark, Java 17 or newer)")


@pytest.mark.parametrize("engine", ["ray", "pyspark"])
@pytest.mark.skipif(why_no_internet() is not None, reason=str(why_no_internet()))
def test_the_workers_of_a_cluster_fetch_and_keep_to_the_limits(tmp_path, engine):
    needs(engine)
    wanted = {
        "public.test/endless/1": "too many bytes", "public.test/drip/1": "timeout", "public.test/gone": "HTTP 404",
        "public.test/to/file": "redirect refused", "public.test/cut/1": "cut short",
        "public.test/bomb/50000": "too many pixels", "public.test/to/private": "private address",
        "public.test/to/name": "private address", "private.test/a": "private address",
        "mapped.test/a": "private address",
    }  # fmt: skip
    rows = [record(f"http://{path}") for path in wanted]
    rows += [record(f"http://public.test/jpeg/{number}", "dotted") for number in range(20)]
    chunks(tmp_path / "chunks", rows)
    limits = ("--distributor", engine, "--nprocesses", 2, *HASTY, "--max-megabytes", 5)
    command = [
        *UNSHARE,
        sys.executable,
        ROOT / "tests" / "hostile_internet.py",
        tmp_path / "said.json",
        sys.executable,
        ROOT / "download_urls_img2dataset.py",
        *arguments(tmp_path, *limits, private=False),
    ]
    alone = {"PYTHONPATH": str(ROOT), "RAY_ADDRESS": "", "RAY_USAGE_STATS_ENABLED": "0", "SPARK_LOCAL_IP": "127.0.0.1"}
    environment = {name: value for name, value in (os.environ | alone).items() if not name.startswith("PYSPARK_")}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    report, metadata, _ = loaded(tmp_path)
    assert report["dropped"] == Counter(wanted.values())
    assert {(entry["QUERY"], entry["original_width"], entry["height"]) for entry in metadata.values()} == {
        ("dotted", 300, 256)
    }
    assert len(metadata) == 20
    said = json.loads((tmp_path / "said.json").read_text())
    assert set(said["private"]) <= {"169.254.169.254:80"}  # Ray's own telemetry asks there which cloud it is in
    assert max(Counter(said["asked"]).values()) == 1


def test_a_cluster_engine_that_is_not_installed_is_refused_in_a_sentence(tmp_path, download):
    if importlib.util.find_spec("pyspark"):
        pytest.skip("pyspark is installed here")
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    refused = download("--distributor", "pyspark", code=2)
    assert "--distributor pyspark needs a package that is not here: pip install pyspark" in refused.stderr
