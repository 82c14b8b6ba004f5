"""The sbatch scripts on real SLURM daemons: arrays, a task killed and requeued, arrays with gaps.

A task is killed in the middle of its work for certain: the first time, its Python is stopped (SIGSTOP) as soon as its
first output is there, and stays so until `scontrol requeue` kills it.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from slurm_cluster import slurm_cluster, why_no_cluster
from tiny_clip import WIDTH, write_tiny_clip

pytestmark = pytest.mark.skipif(why_no_cluster() is not None, reason=str(why_no_cluster()))

ROOT = Path(__file__).parent.parent
SHARDS, ROWS = 10, 300
WORDS = [
    "banded",
    "woven",
    "polka",
    "dot",
    "striped",
    "texture",
    "pattern",
    "fabric",
    "shirt",
    "red",
    "of",
    "a",
    "café",
]
TINY_CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
STOPPING_PYTHON = """#!/usr/bin/env bash
# Stops the first try of one array task once a file like $STOP_AT is there; every other task is left alone.
if [ "$SLURM_ARRAY_TASK_ID" != "$STOP_TASK" ] || [ -n "$SLURM_RESTART_COUNT" ]; then exec "{python}" "$@"; fi
"{python}" "$@" &
until compgen -G "$STOP_AT" > /dev/null; do kill -0 $! || exit 9; sleep 0.002; done
kill -STOP $!
touch "$STOPPED"
wait
"""


@pytest.fixture(scope="module")
def cluster():
    with slurm_cluster() as environment:
        yield environment


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Ten metadata shards of LAION-2B-en's columns."""
    folder = tmp_path_factory.mktemp("pool")
    choose = random.Random(0)
    for shard in range(SHARDS):
        rows = [
            {
                "SAMPLE_ID": shard << 32 | row,
                "URL": f"https://example.org/{shard}/{row}.jpg",
                "TEXT": " ".join(choose.choices(WORDS, k=choose.randint(1, 8))),
                "HEIGHT": 200,
                "WIDTH": 300,
                "LICENSE": "?",
                "NSFW": "UNLIKELY",
                "similarity": 0.3,
            }
            for row in range(ROWS)
        ]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"metadata_{shard:04d}.parquet")
    return folder


@pytest.fixture
def stopping_python(tmp_path):
    path = tmp_path / "python"
    path.write_text(STOPPING_PYTHON.format(python=sys.executable))
    path.chmod(0o755)
    return path


def submit(cluster, script, array, *flags, folder, **variables) -> str:
    """Submit a script of slurm/ on one CPU a task, logs in `folder`; the job's id. Nothing here has a GPU."""
    command = ["sbatch", "--parsable", f"--array={array}", "--cpus-per-task=1", "--mem=0", "--gres=none"]
    command += [f"--output={folder}/%a.log", str(ROOT / "slurm" / script), *map(str, flags)]
    environment = cluster | {"PYTHON": sys.executable} | {name: str(value) for name, value in variables.items()}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def states(cluster, job) -> dict[int, str]:
    """{array task: its state and exit code}, of every task that SLURM still knows."""
    done = subprocess.run(["scontrol", "show", "job", job], env=cluster, capture_output=True, text=True, check=True)
    blocks = done.stdout.split("\n\n")
    tasks = {}
    for block in blocks:
        if task := re.search(r"ArrayTaskId=(\d+)\s", block):
            state, code = re.search(r"JobState=(\w+)", block), re.search(r"ExitCode=(\d+):", block)
            tasks[int(task[1])] = f"{state[1]} {code[1]}"
    return tasks


def wait(cluster, job, tasks: int, folder: Path, seconds=180) -> dict[int, str]:
    """The tasks' final states."""
    give_up = time.monotonic() + seconds
    while True:
        now = states(cluster, job)
        if len(now) == tasks and all(state.split()[0] in ("COMPLETED", "FAILED") for state in now.values()):
            return now
        if time.monotonic() > give_up:
            logs = "\n".join(f"--- {log.name}\n{log.read_text()}" for log in sorted(folder.glob("*.log")))
            pytest.fail(f"job {job} did not end in {seconds} s: {now}\n{logs}")
        time.sleep(0.2)


def kill_and_requeue(cluster, job, task, stopped: Path, seconds=180) -> None:
    give_up = time.monotonic() + seconds
    while not stopped.exists():
        assert time.monotonic() < give_up, f"task {task} came to no first output: {states(cluster, job)}"
        time.sleep(0.05)
    subprocess.run(["scontrol", "requeue", f"{job}_{task}"], env=cluster, check=True)


def run_here(script, *flags) -> None:
    done = subprocess.run([sys.executable, ROOT / script, *map(str, flags)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def files(folder: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


def records(folder: Path) -> list[str]:
    return sorted(
        json.dumps(record, sort_keys=True)
        for path in folder.glob("chunk_*.json")
        for record in json.loads(path.read_text())
    )


def test_an_array_of_the_substring_stage_selects_what_one_run_selects_though_a_task_is_killed(
    cluster, pool, stopping_python, tmp_path
):
    alone, shares, array = tmp_path / "alone", tmp_path / "shares", tmp_path / "array"
    flags = ["--dbs", f"{pool}/*.parquet", "--query", "DTD", "--template", "--workers", "1"]
    job = submit(
        cluster, "filter_substring.sbatch", "0-3", folder=tmp_path, POOL=f"{pool}/*.parquet", QUERY="DTD", OUTPUT=array,
        PYTHON=stopping_python, STOP_TASK=1, STOP_AT=f"{array}/.hits/*", STOPPED=tmp_path / "stopped",
    )  # fmt: skip
    run_here("filter_laion_metadata_substring.py", *flags, "--output", alone)
    kill_and_requeue(cluster, job, 1, tmp_path / "stopped")
    for job_idx in range(4):
        run_here(
            "filter_laion_metadata_substring.py", *flags, "--output", shares, "--job-idx", job_idx, "--total-jobs", 4
        )
    assert wait(cluster, job, 4, tmp_path) == dict.fromkeys(range(4), "COMPLETED 0")
    assert files(array, "chunk_*.json") == files(shares, "chunk_*.json")
    assert files(array, "job_*.json") == files(shares, "job_*.json")
    assert list(files(array, "job_*.json")) == [f"job_{job_idx}_of_4.json" for job_idx in range(4)]
    assert records(array) == records(alone)
    assert len(records(alone)) > SHARDS * 10


def test_an_array_of_text_embeddings_that_starts_at_5_equals_one_run_though_a_task_is_killed(
    cluster, pool, stopping_python, tmp_path
):
    import open_clip
    import torch

    (tmp_path / "tiny-slurm.json").write_text(json.dumps(TINY_CLIP))
    open_clip.add_model_config(tmp_path / "tiny-slurm.json")
    torch.manual_seed(0)
    torch.save(open_clip.create_model("tiny-slurm").state_dict(), tmp_path / "tiny-slurm.pt")
    model = f"open_clip:tiny-slurm/{tmp_path}/tiny-slurm.pt"
    alone, array = tmp_path / "alone", tmp_path / "array"
    job = submit(
        cluster, "text_embeddings.sbatch", "5-8", "--device", "cpu", folder=tmp_path, METADATA=pool, EMBEDDINGS=array,
        MODEL=model, BATCH_SIZE=64, PRECISION="fp32", PYTHON=stopping_python, STOP_TASK=6,
        STOP_AT=f"{array}/text_embed_0001.npy", STOPPED=tmp_path / "stopped",
    )  # fmt: skip
    kill_and_requeue(cluster, job, 6, tmp_path / "stopped")
    run_here(
        "knn_indices_helper/compute_text_embeddings.py", "--input-parquet-dir", pool, "--output-embeddings-dir", alone,
        "--model", model, "--device", "cpu", "--batch-size", "64",
    )  # fmt: skip
    assert wait(cluster, job, 4, tmp_path) == dict.fromkeys(range(5, 9), "COMPLETED 0")
    embedded = files(alone, "text_embed_*.npy")
    assert len(embedded) == SHARDS and files(array, "text_embed_*.npy") == embedded
    assert np.load(array / "text_embed_0009.npy").shape == (ROWS, 24)
    assert "of 4: 3 shards" in (tmp_path / "5.log").read_text()
    # The first try was stopped after its first shard, or, on a fast machine, after a later one.
    assert re.search(r"\b[1-3] shards are done already", (tmp_path / "6.log").read_text())


def test_an_array_of_a_pool_search_leaves_units_and_one_command_selects_though_a_task_is_killed(
    cluster, pool, stopping_python, tmp_path
):
    model, array, alone = write_tiny_clip(tmp_path), tmp_path / "array", tmp_path / "alone"
    rows = np.random.default_rng(0).standard_normal((SHARDS, ROWS, WIDTH)).astype(np.float16)
    (tmp_path / "features").mkdir()
    for shard, part in enumerate(rows):
        np.savez(tmp_path / "features" / f"metadata_{shard:04d}.npz", image=part, text=part[::-1])
    more = ["--features", tmp_path / "features", "--text-features", "text", "--image-features", "image",
            "--device", "cpu"]  # fmt: skip
    job = submit(
        cluster, "filter_pool.sbatch", "0-3", *more, folder=tmp_path, POOL=f"{pool}/*.parquet", QUERY="DTD",
        MODEL=model, RESULTS=50, OUTPUT=array, PYTHON=stopping_python, STOP_TASK=1,
        STOP_AT=f"{array}/.hits/metadata_0001.parquet.*", STOPPED=tmp_path / "stopped",
    )  # fmt: skip
    flags = [
        "--query-dataset",
        "DTD",
        "--pool",
        f"{pool}/*.parquet",
        "--model",
        model,
        "--results-per-query",
        50,
        *more,
    ]
    run_here("filter_laion_metadata_semantic.py", *flags, "--output-dir", alone)
    kill_and_requeue(cluster, job, 1, tmp_path / "stopped")
    assert wait(cluster, job, 4, tmp_path) == dict.fromkeys(range(4), "COMPLETED 0")
    assert not files(array, "chunk_*.json")
    run_here("filter_laion_metadata_semantic.py", *flags, "--output-dir", array)
    assert files(array, "chunk_*.json") == files(alone, "chunk_*.json")
    assert files(array, "job_*.json") == files(alone, "job_*.json")
    assert len(records(alone)) > 47 * 50
    assert re.search(
        r"3 shards, [1-3] searched before|job 1 of 4: 3 shards, 3 searched", (tmp_path / "1.log").read_text()
    )


def test_an_array_with_gaps_is_refused_with_a_sentence_in_its_log(cluster, pool, tmp_path):
    job = submit(
        cluster, "filter_substring.sbatch", "0,2", folder=tmp_path, POOL=f"{pool}/*.parquet", QUERY="DTD",
        OUTPUT=tmp_path / "out",
    )  # fmt: skip
    assert wait(cluster, job, 2, tmp_path) == {0: "FAILED 2", 2: "FAILED 2"}
    for task in (0, 2):
        assert (tmp_path / f"{task}.log").read_text() == (
            "error: the SLURM array runs from 0 to 2 but has only 2 tasks: shares would be skipped; "
            "submit it without gaps, or give --job-idx and --total-jobs\n"
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "slurm").glob("*.sbatch")))
def test_a_script_reaches_its_stage_with_flags_that_the_stage_knows(script, cluster, tmp_path):
    """With `--help` last, the stage prints its page: the path, the folder and every flag before it were right."""
    job = submit(cluster, script, "0-0", "--help", folder=tmp_path)
    assert wait(cluster, job, 1, tmp_path) == {0: "COMPLETED 0"}
    assert (tmp_path / "0.log").read_text().startswith("usage: ")


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "slurm").glob("*.sbatch")))
def test_a_script_is_requeued_after_preemption_and_keeps_its_log(script):
    text = (ROOT / "slurm" / script).read_text()
    wanted = ("--requeue", "--open-mode=append", "--signal=B:TERM@60", "--array=0-")
    assert not [option for option in wanted if f"#SBATCH {option}" not in text]
    assert subprocess.run(["bash", "-n", ROOT / "slurm" / script]).returncode == 0
    assert os.access(ROOT / "slurm" / script, os.X_OK) and shutil.which("bash")
