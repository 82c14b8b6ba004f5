"""What a bucket must do at s3:// and gs:// alike: it has pool/data/part-0 to -2.parquet, which are in tmp_path too."""

from test_filter_substring import make_rows, run, write_shard

from retrieval.remote_shards import LISTING, find_remote

QUERY = "hen|tiger"


def chunks(folder) -> dict:
    return {path.name: path.read_bytes() for path in folder.glob("chunk_*.json")}


def check_chunks_of_local_shards(scheme, tmp_path, capsys):
    for shards, output in ((tmp_path / "*.parquet", "here"), (f"{scheme}://pool/data/*.parquet", "there")):
        assert run("-q", QUERY, "-d", shards, "-o", tmp_path / output, "--workers", 1) == 0
    assert chunks(tmp_path / "here") == chunks(tmp_path / "there") != {}
    assert "bytes moved of" in capsys.readouterr().err


def check_processes(scheme, tmp_path, run_script):
    for shards, output in ((tmp_path / "*.parquet", "here"), (f"{scheme}://pool/data/part-{{0..2}}.parquet", "there")):
        arguments = ("-q", QUERY, "-d", shards, "-o", tmp_path / output, "--workers", 2)
        done = run_script("filter_laion_metadata_substring.py", *arguments)
        assert done.returncode == 0, done.stderr
    assert chunks(tmp_path / "here") == chunks(tmp_path / "there") != {}


def check_object_written_again(scheme, bucket, tmp_path, capsys):
    shards = f"{scheme}://pool/data/*.parquet"
    find_remote([shards], "--dbs", tmp_path / "out" / LISTING)
    bucket.put(str(write_shard(tmp_path / "new.parquet", make_rows(500, 9), 100)), "pool/data/part-1.parquet")
    assert run("-q", QUERY, "-d", shards, "-o", tmp_path / "out", "--workers", 1) == 1
    assert "part-1.parquet has changed since it was listed" in capsys.readouterr().err
    assert run("-q", QUERY, "-d", shards, "-o", tmp_path / "out", "--workers", 1) == 0
