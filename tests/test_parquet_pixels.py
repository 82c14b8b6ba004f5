"""Images out of the pool's own parquets, as Hugging Face `datasets` writes them: filter, then download."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from download_server import loaded
from range_server import serving
from test_tar_pixels import jpeg

import filter_laion_metadata_substring
from retrieval.download import parquet_answers, pool_files, tar_answers
from retrieval.download.answer_bytes import BadAnswer
from retrieval.opened_shard import open_shard
from retrieval.parquet_images import group_places
from retrieval.records import chunk_files, read_records
from retrieval.semantic.unit_rows import write_rows

pytest_plugins = "download_server"
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
KINDS = ("struct", "binary")


def write_parquet(path, images, kind="struct", group=3, **columns):
    """Captions "a cat", and the images as a struct of bytes and path or as bytes; None for a row without one."""
    if kind == "struct":
        images = pa.array([{"bytes": image, "path": f"{n}.jpg"} for n, image in enumerate(images)], STRUCT)
    else:
        images = pa.array(images, pa.binary())
    table = pa.table(
        {"image": images, "caption": ["a cat"] * len(images), "nsfw": ["UNLIKELY"] * len(images)} | columns
    )
    pq.write_table(table, path, row_group_size=group)
    return path


def select(tmp_path, *shards, code=0):
    flags = ["-q", "cat", "--match", "word", "-o", tmp_path / "chunks", "--dbs", *shards]
    assert filter_laion_metadata_substring.main([str(flag) for flag in flags]) == code
    return [record for chunk in chunk_files(tmp_path / "chunks") for record in read_records(chunk)]


def read_image(place, most=1 << 20, allow_private_hosts=True):
    return tar_answers.read_image(place, most, allow_private_hosts)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Each test begins as a new process does."""
    for cache in (pool_files._opened, pool_files._reader, parquet_answers._footer):
        cache.cache_clear()
    parquet_answers._held.clear()
    monkeypatch.setattr(tar_answers, "_given_up", {})


@pytest.mark.parametrize("kind", KINDS)
def test_each_record_says_where_its_image_lies_and_the_image_is_read_there(tmp_path, kind):
    images = [jpeg(n) for n in range(8)]
    records = select(tmp_path, write_parquet(tmp_path / "a.parquet", images, kind))
    assert all(record["URL"] is None for record in records)
    assert [read_image(record["PIXELS"]) for record in records] == images
    assert records[7]["PIXELS"].startswith(f"{tmp_path / 'a.parquet'}#2:1@")


@pytest.mark.parametrize("kind", KINDS)
def test_images_are_copied_out_of_the_parquet_and_no_server_is_asked(tmp_path, download, kind):
    urls = [f"http://gone.test/{n}" for n in range(8)]
    images = [jpeg(n) for n in range(6)] + [None, b"<html>"]
    select(tmp_path, write_parquet(tmp_path / "a.parquet", images, kind, url=urls))
    assert "8 URLs to fetch, 8 of them from files of the pool" in download(private=False).stderr
    report, metadata, _ = loaded(tmp_path)
    assert {entry["url"] for entry in metadata.values()} == set(urls[:6])
    assert (report["kept"], report["dropped"]) == (6, {"no image in this row": 1, "not an image": 1})


def test_of_the_row_groups_those_read_last_are_held_up_to_a_number_of_bytes(tmp_path, monkeypatch):
    images = [jpeg(n) for n in range(9)]
    places = [record["PIXELS"] for record in select(tmp_path, write_parquet(tmp_path / "a.parquet", images))]
    monkeypatch.setattr(parquet_answers, "HELD_BYTES", 7 * len(images[0]))
    for number in (0, 3, 1, 6, 2):
        assert read_image(places[number]) == images[number]
    assert [first.group for first in parquet_answers._held] == [2, 0]


def test_of_a_remote_parquet_only_the_row_groups_that_are_wanted_are_read(tmp_path):
    noise = [np.random.default_rng(n).bytes(20_000) for n in range(12)]
    images = [jpeg(n) + noise[n] for n in range(12)]
    write_parquet(tmp_path / "a.parquet", images)
    with serving(tmp_path) as server:
        records = select(tmp_path, f"{server.at}/a.parquet")
        server.asked.clear()
        with pytest.raises(BadAnswer, match="private address"):
            read_image(records[4]["PIXELS"], allow_private_hosts=False)
        assert server.asked == []
        tar_answers._given_up.clear()
        found = {place["PIXELS"]: parquet_answers.read_row(tar_answers.split_row(place["PIXELS"]), True)
                 for place in records[3:6]}  # fmt: skip
        assert list(found.values()) == images[3:6]
        assert server.sent() < 3 * 25_000 + 70_000


def test_a_parquet_that_was_written_again_gives_no_image(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [jpeg(n) for n in range(8)])
    places = [record["PIXELS"] for record in select(tmp_path, path)]
    write_parquet(path, [jpeg(n + 9) + b"more" for n in range(8)])
    for place in (places[4], places[4].replace("#1:1@", "#9:1@"), places[4].replace("/image.bytes", "/caption")):
        with pytest.raises(BadAnswer, match="tar has changed"):
            read_image(place)
    path.unlink()
    pool_files._opened.cache_clear()
    parquet_answers._footer.cache_clear()
    with pytest.raises(BadAnswer, match="tar cannot be read"):
        read_image(places[0])


def test_images_that_unpack_to_more_than_is_held_are_refused(tmp_path, monkeypatch):
    path = write_parquet(tmp_path / "a.parquet", [b"\0" * 100_000] * 30, group=30)
    place = select(tmp_path, path)[0]["PIXELS"]
    monkeypatch.setattr(parquet_answers, "LARGEST_CHUNK", 1 << 20)
    with pytest.raises(BadAnswer, match="tar cannot be read"):
        read_image(place)


def test_paths_to_files_that_were_left_behind_are_no_images(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [None] * 4, url=["http://gone.test/1"] * 4)
    assert "PIXELS" not in select(tmp_path, path)[0]
    for columns in ({"image": ["a.jpg"]}, {"data": [b"x"]}, {"image": [[b"x"]]}):
        pq.write_table(pa.table(columns), tmp_path / "b.parquet")
        with pq.ParquetFile(tmp_path / "b.parquet") as file:
            assert group_places(file.schema_arrow, file.metadata) == ()


def test_the_rows_that_a_search_keeps_of_a_parquet_say_it_too(tmp_path):
    path = write_parquet(
        tmp_path / "a.parquet", [jpeg(n) for n in range(8)], url=[f"http://h.test/{n}" for n in range(8)]
    )
    write_rows(tmp_path / "rows.arrow", open_shard(path), np.array([2, 5]), None)
    rows = pa.ipc.open_file(tmp_path / "rows.arrow").read_all().to_pylist()
    expected = [record["PIXELS"] for record in select(tmp_path, path)]
    assert [row["PIXELS"] for row in rows] == [expected[2], expected[5]]


def test_a_strangers_record_opens_no_parquet(tmp_path, download):
    """One that is made to crash its reader would take the other images with it."""
    place = select(tmp_path / "ours", write_parquet(tmp_path / "a.parquet", [jpeg(1)]))[0]["PIXELS"]
    (tmp_path / "chunks").mkdir()
    record = {"URL": "http://10.0.0.1/x", "QUERY": "cat", "NSFW": "UNLIKELY", "PIXELS": place}
    (tmp_path / "chunks" / "chunk_0.json").write_text(json.dumps([record]))
    download(private=False, code=1)
    assert loaded(tmp_path)[0]["dropped"] == {"private address": 1}
