"""--webdataset: tars that the webdataset package reads, with what the ImageFolder of the same rows holds."""

import io
import json

import pytest
import webdataset
from download_server import chunks, contents, record
from PIL import Image

from retrieval.download import tar_shards

pytest_plugins = "download_server"  # the fixtures `server` and `download`


@pytest.fixture
def rows(server, tmp_path):
    urls = [f"{server.at}/jpeg/{number}" for number in range(6)]
    rows = [record(url, "../banded") for url in urls[:4]] + [record(url, "dotted") for url in urls[3:]]
    chunks(tmp_path / "chunks", [*rows, record(f"{server.at}/gone", "empty class")])
    return rows


def test_the_tars_hold_what_the_imagefolder_holds(rows, tmp_path, download):
    download()
    expected = {}
    for line in (tmp_path / "dataset" / "metadata.jsonl").read_text(encoding="utf-8").splitlines():
        name = json.loads(line)["file_name"]
        expected[name.rpartition("/")[2].removesuffix(".jpg")] = (tmp_path / "dataset" / name).read_bytes()
    download("--webdataset", w="work2", out="tars")
    output = tmp_path / "tars"
    assert sorted(path.name for path in output.iterdir()) == [
        "00000.tar", "README.md", "classes.txt", "metadata.json", "metadata.jsonl", "report.html", "report.json"
    ]  # fmt: skip
    classes = (output / "classes.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(classes) == ["../banded", "dotted"]
    metadata = json.loads((output / "metadata.json").read_text(encoding="utf-8"))
    found = {}
    for sample in webdataset.WebDataset(str(output / "00000.tar"), shardshuffle=False):
        key, entry = sample["__key__"], json.loads(sample["json"])
        found[key] = sample["jpg"]
        assert Image.open(io.BytesIO(sample["jpg"])).size[1] > 0
        assert entry == metadata[key] and sample["txt"].decode() == (entry["caption"] or "")
        assert classes[int(sample["cls"])] == entry["QUERY"]
    assert found == expected and list(found) == sorted(found)


def test_the_same_command_again_ends_with_the_same_bytes_and_more_rows_with_more_tars(
    rows, server, tmp_path, download, monkeypatch
):
    download("--webdataset")
    before, asked = contents(tmp_path / "dataset"), len(server.asked)
    download("--webdataset")
    assert contents(tmp_path / "dataset") == before and len(server.asked) == asked
    monkeypatch.setattr(tar_shards, "IMAGES_PER_TAR", 3)
    assert tar_shards.write_tars(tmp_path / "work" / "imagefolder", tmp_path / "dataset") == 3
    assert len(list((tmp_path / "dataset").glob("*.tar"))) == 3
    monkeypatch.undo()
    tar_shards.write_tars(tmp_path / "work" / "imagefolder", tmp_path / "dataset")
    assert contents(tmp_path / "dataset") == before


def test_tars_and_an_imagefolder_are_not_mixed(rows, download):
    download(out="images")
    assert "holds an ImageFolder, not tars" in download("--webdataset", out="images", code=2).stderr
    download("--webdataset", out="tars")
    assert "holds tars, not an ImageFolder" in download(out="tars", code=2).stderr
