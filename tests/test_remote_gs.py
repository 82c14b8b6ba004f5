"""gs:// addresses, read by gcsfs from an emulator of Google's storage. `make test-cluster` has both (.venv-cluster)."""

import time

import pytest
from bucket_checks import (
    QUERY,
    check_chunks_of_local_shards,
    check_object_written_again,
    check_processes,
)
from test_filter_substring import make_rows, run, write_shard

emulator = pytest.importorskip("gcp_storage_emulator.server", reason="make test-cluster has gcp-storage-emulator")
pytest.importorskip("gcsfs", reason="gcsfs (requirements-cluster.txt) is not installed")

from retrieval import remote_file, remote_store  # noqa: E402


@pytest.fixture()
def bucket(tmp_path, monkeypatch):
    """A bucket with three shards, which are on the disk too."""
    server = emulator.create_server("localhost", 0, in_memory=True, default_bucket="pool")
    server.start()
    while server._api._httpd is None and server._api.is_alive():  # its thread opens the port
        time.sleep(0.01)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://localhost:{server._api._httpd.server_address[1]}")
    monkeypatch.setenv("FSSPEC_GS_TOKEN", "anon")
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # else gcsfs asks by gRPC for the bucket's kind
    for known in (remote_store.file_system, remote_file.footer_of, remote_file.ranges_of):
        known.cache_clear()
    store = remote_store.file_system("gs")
    for number in range(3):
        shard = write_shard(tmp_path / f"part-{number}.parquet", make_rows(500, number), row_group_size=100)
        store.put(str(shard), f"pool/data/{shard.name}")
    yield store
    server.stop()
    remote_store.file_system.cache_clear()


def test_a_bucket_gives_the_chunks_of_local_shards(bucket, tmp_path, capsys):
    check_chunks_of_local_shards("gs", tmp_path, capsys)


def test_processes_read_a_bucket(bucket, tmp_path, run_script):
    check_processes("gs", tmp_path, run_script)


def test_an_object_that_was_written_again_is_named_and_never_mixed(bucket, tmp_path, capsys):
    check_object_written_again("gs", bucket, tmp_path, capsys)


@pytest.mark.parametrize("address", ["gs://pool/none/*.parquet", "gs://nobody/*.parquet", "gs://pool/data"])
def test_what_a_bucket_lacks_is_one_sentence(bucket, tmp_path, capsys, address):
    assert run("-q", QUERY, "-d", address, "-o", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert f"error: --dbs {address}" in said and said.count("error") == 1
