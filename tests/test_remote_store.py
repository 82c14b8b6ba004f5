"""s3:// addresses, read by s3fs from moto's server."""

import pytest
from bucket_checks import (
    QUERY,
    check_chunks_of_local_shards,
    check_object_written_again,
    check_processes,
)
from test_filter_substring import make_rows, run, write_shard

s3fs = pytest.importorskip("s3fs", reason="s3fs (requirements-cluster.txt) is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")

from retrieval import remote_file, remote_store  # noqa: E402


@pytest.fixture()
def bucket(tmp_path, monkeypatch):
    """A bucket with three shards, which are on the disk too."""
    server = moto_server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    for name, value in {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "sesame", "AWS_DEFAULT_REGION": "us-east-1",
                        "AWS_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port())}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for known in (remote_store.file_system, remote_file.footer_of, remote_file.ranges_of):
        known.cache_clear()
    store = s3fs.S3FileSystem(skip_instance_cache=True)
    store.makedirs("pool", exist_ok=True)  # moto keeps it for the next test
    for number in range(3):
        shard = write_shard(tmp_path / f"part-{number}.parquet", make_rows(500, number), row_group_size=100)
        store.put(str(shard), f"pool/data/{shard.name}")
    yield store
    server.stop()
    remote_store.file_system.cache_clear()


def test_a_bucket_gives_the_chunks_of_local_shards(bucket, tmp_path, capsys):
    check_chunks_of_local_shards("s3", tmp_path, capsys)
    written = b"".join(path.read_bytes() for path in (tmp_path / "there").rglob("*") if path.is_file())
    assert b"sesame" not in written


def test_processes_that_are_spawned_read_a_bucket(bucket, tmp_path, run_script):
    check_processes("s3", tmp_path, run_script)


def test_an_object_that_was_written_again_is_named_and_never_mixed(bucket, tmp_path, capsys):
    check_object_written_again("s3", bucket, tmp_path, capsys)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("s3://pool/none/*.parquet", "matches no file"),
        ("s3://nobody/*.parquet", "error: --dbs s3://nobody/*.parquet"),
        ("s3://pool/data", "matches no file"),
    ],
)
def test_what_a_bucket_lacks_is_one_sentence(bucket, tmp_path, capsys, address, sentence):
    assert run("-q", QUERY, "-d", address, "-o", tmp_path / "out") == 2
    assert sentence in capsys.readouterr().err
