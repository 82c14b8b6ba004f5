"""Images out of the pool's own tars: filter, then download, without a request for any of them."""

import io
import json
import os
import tarfile
import zlib

import numpy as np
import pyarrow as pa
import pytest
from download_server import contents, loaded
from PIL import Image
from range_server import serving

import filter_laion_metadata_substring
from retrieval import private_hosts, remote_http
from retrieval.download import pool_files, tar_answers
from retrieval.download.answer_bytes import BadAnswer
from retrieval.opened_shard import open_shard
from retrieval.records import chunk_files, read_records
from retrieval.semantic.unit_rows import write_rows

pytest_plugins = "download_server"


def jpeg(number, side=300):
    stream = io.BytesIO()
    Image.new("RGB", (side, side), (number * 20 % 256, 80, number)).save(stream, "JPEG")
    return stream.getvalue()


def bomb():
    chunk = lambda name, data: len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)  # noqa: E731
    header = (60_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def write_tar(path, samples, **options):
    """samples: (key, {suffix: content}); a dict is written as JSON."""
    with tarfile.open(path, "w", **options) as tar:
        for key, files in samples:
            for suffix, content in files.items():
                content = json.dumps(content).encode() if isinstance(content, dict) else content
                member = tarfile.TarInfo(f"{key}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def row(caption, **more):
    return {"caption": caption, "nsfw": "UNLIKELY"} | more


def select(tmp_path, *tars, more=(), code=0):
    flags = ["-q", "cat|hen", "--match", "word", "-o", tmp_path / "chunks", *more, "--dbs", *tars]
    assert filter_laion_metadata_substring.main([str(flag) for flag in flags]) == code
    return [record for chunk in chunk_files(tmp_path / "chunks") for record in read_records(chunk)]


def read_image(place, allow_private_hosts=True):
    return tar_answers.read_image(place, 1 << 20, allow_private_hosts)


@pytest.fixture
def tar(tmp_path):
    path = tmp_path / "0000.tar"
    write_tar(
        path, [(f"{n:09d}", {"jpg": jpeg(n), "json": row("a cat", url=f"http://gone.test/{n}")}) for n in range(8)]
    )
    return path


def test_the_record_says_where_in_the_tar_the_image_lies(tmp_path, tar):
    records = select(tmp_path, tar)
    for number, record in enumerate(records):
        path, place = record["PIXELS"].split("#")
        span, member = place.split("/")
        offset, size = map(int, span.split("+"))
        assert (path, member) == (str(tar), f"{number:09d}.jpg")
        assert tar.read_bytes()[offset : offset + size] == jpeg(number)


def test_images_are_copied_out_of_the_tar_and_no_server_is_asked(tmp_path, tar, download):
    select(tmp_path, tar)
    done = download(private=False)
    assert "8 URLs to fetch, 8 of them from files of the pool" in done.stderr
    report, metadata, files = loaded(tmp_path)
    assert (report["kept"], len(files), report["dropped"]) == (8, 8, {})
    assert {entry["url"] for entry in metadata.values()} == {f"http://gone.test/{n}" for n in range(8)}
    assert {(entry["width"], entry["original_width"]) for entry in metadata.values()} == {(256, 300)}


def test_rows_without_url_are_known_by_their_place(tmp_path, download):
    write_tar(tmp_path / "a.tar", [(f"{n}", {"jpg": jpeg(n), "txt": b"a hen"}) for n in range(5)])
    assert all(record["URL"] is None for record in select(tmp_path, tmp_path / "a.tar"))
    download("--allow-untagged", private=False)
    report, metadata, _ = loaded(tmp_path)
    assert (report["kept"], report["dropped"]) == (5, {})
    assert {entry["url"].partition("#")[0] for entry in metadata.values()} == {str(tmp_path / "a.tar")}
    before = contents(tmp_path / "dataset")
    download("--allow-untagged", private=False)
    assert contents(tmp_path / "dataset") == before


def test_hostile_members_end_in_the_buckets_of_hostile_answers(tmp_path, download):
    turned = Image.Exif()
    turned[0x112] = 6
    stream = io.BytesIO()
    Image.new("RGB", (300, 200)).save(stream, "JPEG", exif=turned)
    members = {"bomb.png": bomb(), "text.jpg": b"<html>not here</html>", "half.jpg": jpeg(1)[:-200],
               "large.jpg": jpeg(2) + b"\0" * (2 << 20), "turned.jpg": stream.getvalue()}  # fmt: skip
    samples = [(name.split(".")[0], {name.split(".")[1]: data, "json": row("a cat")}) for name, data in members.items()]
    write_tar(tmp_path / "0.tar", samples)
    select(tmp_path, tmp_path / "0.tar")
    download("--max-megabytes", 1, private=False)
    report, metadata, _ = loaded(tmp_path)
    assert report["dropped"] == {"too many pixels": 1, "not an image": 1, "cut short": 1, "too many bytes": 1}
    assert [(entry["width"], entry["height"]) for entry in metadata.values()] == [(256, 384)]


def test_a_tar_that_is_gone_or_changed_is_named_and_the_next_run_reads_it(tmp_path, tar, download):
    write_tar(tmp_path / "1.tar", [("x", {"jpg": jpeg(90), "json": row("a hen")})])
    select(tmp_path, tar, tmp_path / "1.tar")
    whole = tar.read_bytes()
    (tmp_path / "1.tar").rename(tmp_path / "moved.tar")
    write_tar(tar, [(f"{n:09d}", {"jpg": jpeg(n + 9), "json": row("a cat and more")}) for n in range(8)])
    said = download(private=False, code=1).stderr
    assert f"{tmp_path / '1.tar'}: 1 images were not read (tar cannot be read)" in said
    assert f"{tar}: " in said and "(tar has changed)" in said
    tar.write_bytes(whole)
    (tmp_path / "moved.tar").rename(tmp_path / "1.tar")
    download(private=False)
    report, _, _ = loaded(tmp_path)
    assert (report["kept"], report["dropped"]) == (9, {})


def test_the_web_is_asked_with_pixels_web_and_its_failures_do_not_bind_the_tar(tmp_path, tar, download, server):
    select(tmp_path, tar)
    for chunk in chunk_files(tmp_path / "chunks"):
        chunk.write_text(chunk.read_text().replace("http://gone.test/", f"{server.at}/gone/"))
    download("--pixels", "web", code=1)
    assert loaded(tmp_path)[0]["dropped"] == {"HTTP 404": 8}
    download()
    assert loaded(tmp_path)[0]["kept"] == 8


def test_a_key_that_comes_twice_has_each_time_its_own_image(tmp_path):
    write_tar(
        tmp_path / "a.tar",
        [("k", {"jpg": jpeg(1), "json": row("cat 1")}), ("k", {"jpg": jpeg(2), "json": row("cat 2")})],
    )
    data = (tmp_path / "a.tar").read_bytes()
    found = []
    for record in select(tmp_path, tmp_path / "a.tar"):
        offset, size = map(int, record["PIXELS"].split("#")[1].split("/")[0].split("+"))
        found.append(data[offset : offset + size])
    assert found == [jpeg(1), jpeg(2)]


def test_of_a_remote_tar_only_the_bytes_of_the_wanted_images_are_read(tmp_path, tar):
    (tmp_path / "tmp").mkdir()
    with serving(tmp_path) as server:
        records = select(tmp_path, f"{server.at}/0000.tar", more=("--tmp", tmp_path / "tmp"))
        assert {record["PIXELS"].partition("#")[0] for record in records} == {f"{server.at}/0000.tar"}
        server.asked.clear()
        assert [read_image(record["PIXELS"]) for record in records[:2]] == [jpeg(0), jpeg(1)]
        assert sum(asked.sent for asked in server.asked) <= 1 + 2 * 512 + len(jpeg(0) + jpeg(1))
        tar.write_bytes(b"\0" * 512 + tar.read_bytes())
        with pytest.raises(BadAnswer, match="tar has changed"):
            read_image(records[2]["PIXELS"])
    pool_files._reader.cache_clear()
    with pytest.raises(BadAnswer, match="tar cannot be read"):
        read_image(records[3]["PIXELS"])


def test_the_rows_that_a_search_keeps_of_a_tar_say_it_too(tmp_path, tar):
    write_rows(tmp_path / "rows.arrow", open_shard(tar), np.array([2, 5]), None)
    rows = pa.ipc.open_file(tmp_path / "rows.arrow").read_all().to_pylist()
    expected = [record["PIXELS"] for record in select(tmp_path, tar)]
    assert [row["PIXELS"] for row in rows] == [expected[2], expected[5]]


def test_what_is_no_tar_is_never_read(tmp_path, download):
    """A chunk of somebody else may name any file of this machine."""
    (tmp_path / "secret").write_bytes(b"\0" * 512 + jpeg(3))
    record = {"URL": "http://gone.test/1", "QUERY": "cat", "NSFW": "UNLIKELY", "TEXT": "a cat"}
    place = f"{tmp_path / 'secret'}#512+{len(jpeg(3))}/secret.jpg"
    (tmp_path / "chunks").mkdir()
    (tmp_path / "chunks" / "chunk_0.json").write_text(
        json.dumps([record | {"PIXELS": place}, record | {"PIXELS": "307200", "URL": "http://10.0.0.1/x"}])
    )
    download(private=False, code=1)
    assert loaded(tmp_path)[0]["dropped"] == {"tar has changed": 1, "private address": 1}


def foreign_chunk(tmp_path, *places):
    """What somebody else may write: records that name any place."""
    record = {"QUERY": "cat", "NSFW": "UNLIKELY", "TEXT": "a cat"}
    records = [record | {"URL": f"http://gone.test/{n}", "PIXELS": place} for n, place in enumerate(places)]
    (tmp_path / "chunks").mkdir()
    (tmp_path / "chunks" / "chunk_0.json").write_text(json.dumps(records))


def test_a_tar_on_a_private_address_is_asked_for_only_if_the_user_allows_it(tmp_path, tar, download):
    with serving(tmp_path) as server:
        places = [record["PIXELS"].replace(str(tar), f"{server.at}/0000.tar") for record in select(tmp_path / "a", tar)]
        foreign_chunk(tmp_path, *places)
        said = download(private=False, code=1).stderr
        assert server.asked == []
        assert loaded(tmp_path)[0]["dropped"] == {"tar at a private address": 8}
        assert "8 images were not read (tar at a private address): if the server is your own, add --allow" in said
        download()
        assert loaded(tmp_path)[0]["kept"] == 8


PRIVATE_SPELLINGS = ["127.0.0.1", "127.1", "localhost", "[::ffff:7f00:1]", "2130706433"]


@pytest.mark.parametrize("spelling", PRIVATE_SPELLINGS)
def test_no_spelling_and_no_redirect_leads_a_strangers_tar_to_a_private_address(tmp_path, tar, monkeypatch, spelling):
    """The server that redirects is taken for one of the open internet."""
    place = select(tmp_path / "out", tar)[0]["PIXELS"].partition("#")[2]
    public = "127.0.0.2"
    for name, of_public in (("names_private_host", False), ("is_public_address", True)):
        judge = getattr(private_hosts, name)
        patched = lambda host, judge=judge, value=of_public: value if host == public else judge(host)  # noqa: E731
        monkeypatch.setattr(remote_http, name, patched)
    with serving(tmp_path) as private, serving(tmp_path, host=public) as server:
        assert read_image(f"{server.at}/0000.tar#{place}", allow_private_hosts=False) == jpeg(0)
        server.elsewhere = f"http://{spelling}:{private.server_port}"
        server.faults["moved/0000.tar"] = ["redirect"]
        for address in (server.elsewhere, f"{server.at}/moved"):
            with pytest.raises(BadAnswer, match="private address"):
                read_image(f"{address}/0000.tar#{place}", allow_private_hosts=False)
        assert private.asked == []


@pytest.mark.parametrize("kind", ["pipe", "folder", "dots", "relative", "gone"])
def test_of_a_path_only_a_regular_file_under_its_plain_name_is_opened(tmp_path, tar, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    named = {"dots": f"{tmp_path}/folder/../0000.tar", "relative": "0000.tar"}.get(kind, str(tmp_path / kind))
    place = select(tmp_path / "out", tar)[0]["PIXELS"]
    assert read_image(place) == jpeg(0)
    with pytest.raises(BadAnswer, match="tar cannot be read"):
        read_image(place.replace(str(tar), named))


def test_an_address_of_a_stranger_is_no_pattern():
    for address in ("s3://bucket/{0..999999999}.tar", "hf://datasets/a/b/**", "file:///etc/passwd", "ftp://10.0.0.1/a"):
        with pytest.raises(BadAnswer, match="tar cannot be read"):
            read_image(f"{address}#512+10/a.jpg", allow_private_hosts=False)
