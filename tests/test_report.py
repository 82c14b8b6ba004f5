"""The page of a dataset folder: its numbers are the folder's, and nothing in it is anybody else's code."""

import functools
import http.server
import json
import re
import threading

import pytest
from PIL import Image

from knn_indices_helper.jobs import UserError
from retrieval.records import encode_record, write_chunks
from retrieval.report import write_report

HOSTILE = "<script>alert('caption')</script>"
CLASSES = ("hen", 'jack-o\'-lantern "big"', "<b>&amp;")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, run_script):
    """What the real downloader leaves of eighteen rows on a real server: three dead links, two unsafe, one repeated."""
    root = tmp_path_factory.mktemp("report")
    (root / "web").mkdir()
    for number in range(12):
        Image.new("RGB", (300, 260), (20 * number, 90, 200)).save(root / "web" / f"{number}.png")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root / "web")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"

    def row(number, **changes):
        fields = {"URL": f"{base}/{number}.png", "TEXT": f"{HOSTILE} {number}", "NSFW": "UNLIKELY", "SCORE": None,
                  "QUERY": CLASSES[number % 3], "SOURCE": "substring", "MATCHED": "hen", "RANK": None}  # fmt: skip
        return encode_record(fields | changes)

    caption_rows = [row(n) for n in range(12)] + [row(n) for n in (96, 97, 98)]
    neighbours = [row(n, SOURCE="image_index", SCORE=0.25 + n / 100, RANK=n, MATCHED="a photo of a hen.") for n in (0,)]
    unsafe = [row(n, NSFW="NSFW") for n in (101, 102)]
    write_chunks(caption_rows + neighbours + unsafe, root / "chunks")
    done = run_script("download_urls_img2dataset.py", "--r", root / "chunks", "--w", root / "work",
                      "--dataset-output", root / "dataset", "--allow-private-hosts")  # fmt: skip
    server.shutdown()
    assert done.returncode == 0, done.stderr
    return root / "dataset"


def page_of(dataset):
    return (dataset / "report.html").read_text(encoding="utf-8")


def test_the_downloader_writes_the_page_and_its_numbers_are_the_reports(dataset):
    page, report = page_of(dataset), json.loads((dataset / "report.json").read_text())
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])
    assert (data["rows_read"], data["kept"], data["dropped"]) == (18, report["kept"], report["dropped"])
    assert report["kept"] == 12 and sum(report["dropped"].values()) == 6
    for name, counts in report["classes"].items():
        assert {key: data["classes"][name][key] for key in ("asked", "live", "kept")} == {
            key: counts[key] for key in ("asked", "live", "kept")
        }
        assert sum(data["classes"][name]["sources"].values()) == counts["kept"] == 4
    for reason, count in report["dropped"].items():
        assert re.search(rf"{re.escape(reason)}</th><td class='number'>{count:,}<", page.replace("&#x27;", "'"))


def test_each_picture_is_there_with_its_caption_source_score_and_link(dataset):
    page = page_of(dataset)
    assert page.count("data:image/jpeg;base64,") == 12
    pictures = [json.loads(line) for line in (dataset / "metadata.jsonl").read_text().splitlines()]
    assert all(picture["url"] in page for picture in pictures)
    assert "image index 0.250: a photo of a hen." in page and "caption: hen" in page


def test_what_strangers_wrote_is_text_and_the_page_asks_the_network_for_nothing(dataset):
    page = page_of(dataset)
    assert HOSTILE not in page and "&lt;script&gt;alert(" in page
    assert "<b>" not in page and "&lt;b&gt;&amp;amp;" in page
    assert not re.search(r"<(?:link|iframe)|(?:src|@import|url\()\s*=?\s*['\"]?https?:", page)


def test_a_rebuilt_page_is_the_same_and_a_picture_that_is_gone_is_a_warning(dataset, capsys):
    before = page_of(dataset)
    assert write_report(dataset).read_text() == before
    pictures = [json.loads(line)["file_name"] for line in (dataset / "metadata.jsonl").read_text().splitlines()]
    picture = dataset / pictures[0]
    picture.rename(picture.with_suffix(".gone"))
    assert write_report(dataset).read_text().count("data:image/jpeg;base64,") == 11
    assert f"{pictures[0]} is not shown" in capsys.readouterr().err
    picture.with_suffix(".gone").rename(picture)


def test_a_folder_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no report.json and metadata.jsonl: give the downloader's"):
        write_report(tmp_path)
