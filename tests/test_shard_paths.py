"""Which files --dbs and --pool name: each once, whatever its names."""

import pytest

from retrieval.cli import UserError
from retrieval.shard_paths import find_shards


def test_a_file_with_two_names_is_one_shard(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder in ("pool", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0.parquet").write_text(folder)
    (tmp_path / "z.parquet").symlink_to(tmp_path / "pool/0.parquet")
    (tmp_path / "same").symlink_to(tmp_path / "pool")
    once = ["other/0.parquet", "pool/0.parquet"]
    assert len(find_shards(["pool/*", "other/*", "./pool/0.parquet"], "--dbs")) == 2
    assert capsys.readouterr().err == ""
    assert find_shards(["pool/*", "other/*", "z.parquet", "same/*"], "--dbs") == once
    said = capsys.readouterr().err
    assert "same/0.parquet and pool/0.parquet are one file" in said
    assert "z.parquet and pool/0.parquet are one file" in said


def test_a_pool_of_links_keeps_their_names(tmp_path):
    """As the hub's cache has them."""
    (tmp_path / "blob").write_text("")
    (tmp_path / "0.parquet").symlink_to("blob")
    assert find_shards([str(tmp_path / "*.parquet")], "--dbs") == [str(tmp_path / "0.parquet")]


def test_a_folder_with_a_bracket_in_its_name_gets_a_way_out(tmp_path):
    (tmp_path / "a[1]").mkdir()
    (tmp_path / "a[1]/0.parquet").write_text("")
    with pytest.raises(UserError, match=r"matches no file; a \[ that is part of a name is written \[\[\]"):
        find_shards([str(tmp_path / "a[1]/*.parquet")], "--dbs")
    assert len(find_shards([str(tmp_path / "a[[]1]/*.parquet")], "--dbs")) == 1


def test_the_output_of_a_filter_within_the_pool_is_no_shard_of_it(tmp_path, capsys):
    for name in ("0.parquet", "more/1.parquet", "out/chunk_0.json", "out/.run.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    pool = [str(tmp_path / name) for name in ("0.parquet", "more/1.parquet")]
    assert find_shards([str(tmp_path / "**")], "--dbs") == pool
    assert "out is the output of a filter, and is no part of the pool" in capsys.readouterr().err
    assert find_shards([str(tmp_path / "out/*")], "--dbs") == [str(tmp_path / "out/chunk_0.json")]
