"""The container's entry script, run outside a container; and that what the Dockerfile copies is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def enter(*arguments, cwd=ROOT) -> subprocess.CompletedProcess:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [ROOT / "container_entry.sh", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize(
    ("stage", "flag"),
    [
        ("substring", "--dbs"),
        ("semantic", "--query_dataset"),
        ("download", "--dataset-output"),
        ("build_knn_index", "--embeddings"),
        ("demo", "--port"),
    ],
)
def test_a_stage_is_reached_by_its_short_name_from_any_folder(stage, flag, tmp_path):
    done = enter(stage, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert flag.replace("_", "-") in done.stdout.replace("_", "-")


def test_without_a_stage_or_with_an_unknown_one_the_stages_are_named():
    for arguments, code in (((), 0), (("--help",), 0), (("substrings",), 2), (("../setup",), 2)):
        done = enter(*arguments)
        assert done.returncode == code
        assert "substring, semantic, download" in done.stderr and "merge_knn_indices" in done.stderr


def test_each_script_can_be_reached():
    entry = (ROOT / "container_entry.sh").read_text()
    for script in ROOT.glob("*.py"):
        assert f"script={script.name}" in entry


def test_what_the_dockerfile_copies_is_there():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert "requirements.lock" in names and all((ROOT / name).exists() for name in names)
