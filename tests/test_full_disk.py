"""A full disk is one sentence, nothing half-written is taken for complete, and with room the same command goes on."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from download_server import chunks, contents, record

from retrieval.cli import is_full_disk

pytest_plugins = "download_server"  # the fixtures `server` and `download`
SCRIPT = str(Path(__file__).parent.parent / "filter_laion_metadata_substring.py")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB, and a function that gives it another size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this container may not mount anything")

    def resize(size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)

    yield folder, resize
    subprocess.run(["umount", folder], check=True)


def test_a_filter_on_a_full_disk_says_so_and_goes_on_when_there_is_room(small_disk, tmp_path):
    folder, resize = small_disk
    for number in range(3):  # half a megabyte of records each, in a hit file and then in a chunk
        table = pa.table({"URL": [f"http://a/{row}" for row in range(2_000)], "TEXT": ["a hen " + "x" * 100] * 2_000})
        pq.write_table(table, tmp_path / f"{number}.parquet")
    command = [sys.executable, SCRIPT, "-q", "hen", "--workers", "1", "--dbs", str(tmp_path / "*.parquet"), "-o"]
    subprocess.run([*command, tmp_path / "whole"], check=True, capture_output=True)

    done = subprocess.run([*command, folder / "out"], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr or "no space left on the disk" in done.stderr
    assert not (folder / "out" / "job_0_of_1.json").exists() or "missing" in done.stderr

    resize("20m")
    done = subprocess.run([*command, folder / "out"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "whole").glob("*.json"):
        assert (folder / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_file_that_may_not_grow_so_large_is_one_sentence(tmp_path):
    table = pa.table({"URL": [f"http://a/{row}" for row in range(100)], "TEXT": ["a hen"] * 100})
    pq.write_table(table, tmp_path / "a.parquet")
    limited = ["bash", "-c", 'ulimit -f 64; exec "$@"', "bash"]  # 64 KB: the records fit, the page does not
    command = [sys.executable, SCRIPT, "-q", "hen", "--workers", "1", "--dbs", tmp_path / "a.parquet", "-o", tmp_path]
    done = subprocess.run([*limited, *command], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert os.strerror(errno.EFBIG) in done.stderr


def test_the_downloader_on_a_full_disk_says_so_and_goes_on_when_there_is_room(small_disk, server, tmp_path, download):
    folder, resize = small_disk
    resize("64k")
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}") for number in range(30)])
    done = download(out="disk/dataset", code=None)
    assert done.returncode in (1, 2) and "make room" in done.stderr.splitlines()[-1]
    asked = len(server.asked)
    resize("20m")
    download(out="disk/dataset")
    assert len(server.asked) == asked  # what was fetched is in the work folder
    download(w="work2")
    assert contents(folder / "dataset").keys() == contents(tmp_path / "dataset").keys()


def test_a_short_write_of_numpy_is_a_full_disk():
    assert is_full_disk(OSError("24064 requested and 11232 written")) and not is_full_disk(OSError("I/O error"))
