"""The two scripts that fetch LAION's metadata and indices, run as a user runs them, against a local mirror."""

import functools
import http.server
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

METADATA = "knn_indices_helper/download_metadata_and_embed_concurrent.py"
INDICES = "knn_indices_helper/download_img_indices_concurrent.py"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """(address, folder) of a mirror with four parts of each kind; part 2's embeddings are not there."""
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "img_emb").mkdir()
    (folder / "laion2B-en-metadata").mkdir()
    for number in range(4):
        table = pa.table({"url": [f"http://x/{number}/{i}" for i in range(50)]})
        pq.write_table(table, folder / "laion2B-en-metadata" / f"metadata_{number:04d}.parquet")
        if number != 2:
            rows = np.random.default_rng(number).normal(size=(50, 16))
            np.save(folder / "img_emb" / f"img_emb_{number:04d}.npy", rows.astype(np.float16))
        (folder / f"knn.index{number:02d}").write_bytes(np.random.default_rng(number).bytes(100_000))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def test_metadata_and_embeddings_arrive_and_the_missing_one_is_named(mirror, run_script, tmp_path):
    address, folder = mirror
    done = run_script(METADATA, "--mode", "both", "--end", 4, "--w", tmp_path / "out", "--base_url", address)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"  img_emb_0002.npy: {address}/img_emb/img_emb_0002.npy: answered 404" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("8 files asked for: 0 were here, 7 fetched (")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"img_emb_{i:04d}.npy" for i in (0, 1, 3)] + [f"metadata_{i:04d}.parquet" for i in range(4)]
    for name in names:
        kind = "img_emb" if name.startswith("img") else "laion2B-en-metadata"
        assert (tmp_path / "out" / name).read_bytes() == (folder / kind / name).read_bytes()

    again = run_script(METADATA, "--mode", "both", "--end", 4, "--w", tmp_path / "out", "--base_url", address)
    assert again.stderr.splitlines()[-1].startswith("8 files asked for: 7 were here, 0 fetched (0 bytes), 1 failed")


def test_a_file_cut_short_by_another_tool_is_fetched_again(mirror, run_script, tmp_path):
    address, folder = mirror
    source = (folder / "laion2B-en-metadata" / "metadata_0001.parquet").read_bytes()
    (tmp_path / "metadata_0001.parquet").write_bytes(source[:-10])
    done = run_script(METADATA, "--end", 4, "--output-dir", tmp_path, "--base-url", address)
    assert (done.returncode, (tmp_path / "metadata_0001.parquet").read_bytes()) == (0, source)


def test_the_jobs_of_an_array_share_the_parts(mirror, run_script, tmp_path):
    address, folder = mirror
    for job, share in [(0, ["00", "02"]), (1, ["01", "03"])]:
        array = {"SLURM_ARRAY_TASK_ID": 5 + job, "SLURM_ARRAY_TASK_MIN": 5, "SLURM_ARRAY_TASK_MAX": 6}
        env = {name: str(value) for name, value in (array | {"SLURM_ARRAY_TASK_COUNT": 2}).items()}
        out = tmp_path / str(job)
        done = run_script(INDICES, "--end", 4, "--w", out, "--base-url", address, env=env)
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in out.iterdir()) == [f"knn.index{number}" for number in share]
        for path in out.iterdir():
            assert path.read_bytes() == (folder / path.name).read_bytes()


def test_a_dry_run_lists_what_is_missing_and_its_size_and_fetches_nothing(mirror, run_script, tmp_path):
    address, folder = mirror
    (tmp_path / "knn.index01").write_bytes((folder / "knn.index01").read_bytes())
    done = run_script(INDICES, "--end", 5, "--w", tmp_path, "--base-url", address, "--dry-run")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(name, size) for name, size, _ in lines] == [
        ("knn.index00", "100000"), ("knn.index02", "100000"), ("knn.index03", "100000"),
        ("knn.index04", "answered 404 File not found"),
    ]  # fmt: skip
    assert done.returncode == 1 and [path.name for path in tmp_path.iterdir()] == ["knn.index01"]
    assert "5 files asked for: 1 here, 4 missing, 3 of them have a size, together 300,000 bytes" in done.stderr


def test_a_second_mirror_serves_what_the_first_does_not_have(mirror, run_script, tmp_path):
    address, _ = mirror
    mirrors = ["--base-url", address + "/nothing", "--base-url", address]
    assert run_script(INDICES, "--end", 2, "--w", tmp_path, *mirrors).returncode == 0


def test_a_list_of_checksums_is_kept_to(mirror, run_script, tmp_path):
    import hashlib

    address, folder = mirror
    right = hashlib.sha256((folder / "knn.index00").read_bytes()).hexdigest()
    (tmp_path / "sums").write_text(f"{right}  knn.index00\n{'0' * 64}  knn.index01\n")
    flags = ["--end", 2, "--w", tmp_path / "out", "--base-url", address, "--retries", 0]
    done = run_script(INDICES, *flags, "--checksums", tmp_path / "sums")
    assert done.returncode == 1 and "knn.index01: http" in done.stderr and "has the checksum" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["knn.index00"]
    (tmp_path / "sums").write_text("not a checksum\n")
    done = run_script(INDICES, *flags, "--checksums", tmp_path / "sums")
    assert done.returncode == 2 and "line 1 is not `SHA256  NAME`" in done.stderr


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--start", 3, "--end", 3], "--start 3 and --end 3 hold no file"),
        (["--workers", 0], "--workers 0: at least 1"),
        (["--job-idx", 1], "--job-idx and --total-jobs go together"),
        (["--checksums", "/nowhere"], "--checksums /nowhere cannot be read"),
        (["--w", "/proc/nowhere"], "--output-dir /proc/nowhere cannot be written"),
    ],
)
def test_what_cannot_be_is_refused_at_once(run_script, flags, sentence):
    done = run_script(METADATA, *flags)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and sentence in done.stderr
