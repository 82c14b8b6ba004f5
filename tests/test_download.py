"""The downloader against a real server on loopback, which says what was asked of it."""

import json
import os
import socket
from collections import Counter
from pathlib import Path

import pytest
from download_server import HASTY, chunks, contents, loaded, planned, record
from PIL import Image

from retrieval.download.plan_choice import count_dropped
from retrieval.records import Manifest, write_manifest

ROOT = Path(__file__).parent.parent
pytest_plugins = "download_server"  # the fixtures `server` and `download`


def rows_of_every_kind(server) -> tuple[list[str], list[dict]]:
    """(URLs of twelve good images, rows: these, repeats, and everything that can be wrong with a row or a URL)."""
    urls = [f"{server.at}/{kind}/{number}" for kind in ("jpeg", "png", "webp") for number in range(4)]
    rows = [record(url) for url in urls]
    rows += [record(urls[0]), record(urls[1], "dotted", SOURCE="text_index", SCORE=0.9, RANK=3, ROW=17)]
    rows += [record(urls[0], SOURCE="image_index", SCORE=0.25, RANK=0, ROW=5)]
    rows += [record(f"{server.at}/jpeg/unsafe", NSFW="NSFW"), record(f"{server.at}/jpeg/unsafe", "dotted")]
    rows += [record(f"{server.at}/jpeg/untagged", NSFW=None), record(f"{server.at}/jpeg/empty-tag", NSFW="nsfw")]
    rows += [record("ftp://127.0.0.1/x.jpg"), record("file:///etc/passwd"), record(None), record("")]
    rows += [record(f"{server.at}/gone"), record(f"{server.at}/html/a"), record(f"{server.at}/noai/a")]
    rows += [record(f"{server.at}/cut/a"), record(f"{server.at}/short/a"), record(f"{server.at}/silent/a")]
    rows += [record(f"{server.at}/status/{code}") for code in (403, 429, 500)]
    rows += [record(f"{server.at}/jpeg/caffè und käse.jpg")]
    return urls, rows


def test_a_run_fetches_what_is_safe_once_accounts_for_every_row_and_a_second_run_asks_for_nothing(
    server, tmp_path, download
):
    urls, rows = rows_of_every_kind(server)
    chunks(tmp_path / "chunks", rows)
    done = download(*HASTY)
    report, metadata, files = loaded(tmp_path)

    assert report["dropped"] == {
        "NSFW": 3, "no NSFW tag": 1, "not http(s)": 2, "no URL or class": 2, "repeated (same URL and class)": 2,
        "HTTP 404": 1, "not an image": 1, "X-Robots-Tag": 1, "cut short": 2, "timeout": 1, "HTTP 403": 1,
        "HTTP 429": 1, "HTTP 500": 1,
    }  # fmt: skip
    assert report["kept"] == 14 == len(metadata) == len(files)
    assert report["classes"]["banded"] == {"asked": 22, "live": 13, "kept": 13, "folder": "banded"}
    asked = Counter(server.asked)
    assert set(asked.values()) == {1}
    assert not any("unsafe" in path or "untagged" in path or "empty-tag" in path for path in asked)
    assert done.stderr.splitlines()[-1].startswith(f"{len(rows)} rows read = 14 kept")
    host = report["hosts"]["127.0.0.1"]
    assert host["failed"] == 9 and host["reasons"]["cut short"] == 2

    first = next(entry for entry in metadata.values() if entry["url"] == urls[0])
    assert first["SAMPLE_ID"] == str(2**62 + 1)
    assert [source["SOURCE"] for source in first["sources"]] == ["substring", "image_index"]
    assert first["sources"][1] == {
        "SOURCE": "image_index", "MATCHED": "banded", "SCORE": 0.25, "RANK": 0, "ROW": "5"
    }  # fmt: skip
    assert (first["original_width"], first["original_height"], first["height"]) == (300, 200, 256)
    shared = [key for key, entry in metadata.items() if entry["url"] == urls[1]]
    linked = [tmp_path / "dataset" / metadata[key]["QUERY"] / f"{key}.jpg" for key in shared]
    assert len(linked) == 2 and linked[0].samefile(linked[1])
    assert {tuple(metadata[key]["also_asked_by"]) for key in shared} == {("dotted",), ("banded",)}

    before = contents(tmp_path / "dataset")
    server.asked.clear()
    again = download(*HASTY)
    assert server.asked == []
    assert "placed: 0 new images" in again.stderr
    assert contents(tmp_path / "dataset") == before

    from torchvision.datasets import ImageFolder

    assert ImageFolder(tmp_path / "dataset").classes == ["banded", "dotted"]


def test_a_run_whose_urls_are_all_dead_is_no_success_nor_is_it_the_second_time(server, tmp_path, download):
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        dead = [f"http://127.0.0.1:{closed.getsockname()[1]}/{number}" for number in range(3)]
        chunks(tmp_path / "chunks", [record(url) for url in dead])
        for _ in range(2):
            *_, error, last = download(code=1).stderr.splitlines()
            assert error.startswith("error: none of 3 URLs gave an image, for the reasons in the last line")
            assert "check the network and its proxy, and add --retry-failed" in error
            assert last == "3 rows read = 0 kept + 3 connection"
        assert loaded(tmp_path)[0]["kept"] == 0
        chunks(tmp_path / "more", [record(f"{server.at}/jpeg/0")])
        assert "error" not in download(r=("chunks", "more")).stderr  # single dead links are normal on the web


def test_a_run_of_whose_rows_none_may_be_asked_for_is_no_success(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://127.0.0.1:9/x.jpg", NSFW="NSFW")])
    *_, error, last = download(code=1).stderr.splitlines()
    assert error == "error: no row became an image that is kept, for the reasons in the last line"
    assert last == "1 rows read = 0 kept + 1 NSFW"
    chunks(tmp_path / "nothing", [])
    assert download(r=("nothing",), out="empty").stderr.splitlines()[-1] == "0 rows read = 0 kept"


def test_chunks_added_later_fetch_only_what_is_new_even_when_the_work_folder_is_gone(server, tmp_path, download):
    chunks(tmp_path / "a", [record(f"{server.at}/jpeg/{number}") for number in range(6)])
    chunks(tmp_path / "b", [record(f"{server.at}/jpeg/{number}", "dotted") for number in range(4, 9)])
    download(r=("a",))
    _, before, _ = loaded(tmp_path)
    server.asked.clear()
    download(r=("a", "b"), w="another")
    report, after, _ = loaded(tmp_path)
    assert sorted(server.asked) == ["/jpeg/6", "/jpeg/7", "/jpeg/8"]
    assert report["kept"] == len(after) == 11
    assert {key: after[key]["sha256"] for key in before} == {key: before[key]["sha256"] for key in before}
    linked = [entry for entry in after.values() if entry["QUERY"] == "dotted" and entry["url"].endswith("/4")]
    assert linked[0]["width"] == before[next(iter(before))]["width"]


def test_hostile_class_names_get_distinct_folders_inside_the_dataset(server, tmp_path, download):
    names = ["../../etc", "CON", "a/b", "a_b", "x" * 300, "🦈", ".", "Rose", "rose", "metadata.json", "/abs", "c:\\d"]
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}", name) for number, name in enumerate(names)])
    download()
    report, metadata, files = loaded(tmp_path)
    folders = {name: report["classes"][name]["folder"] for name in names}
    assert len({folder.casefold() for folder in folders.values()}) == len(names) == len(files)
    assert {(entry["QUERY"], folders[entry["QUERY"]]) for entry in metadata.values()} == set(folders.items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chunks", "dataset", "work"]
    assert all(
        path.resolve().parent.parent == (tmp_path / "dataset").resolve() for path in tmp_path.rglob("*/dataset/*/*")
    )


def test_caps_choose_the_same_images_every_time_and_count_the_rest(server, tmp_path, download):
    rows = [record(f"{server.at}/jpeg/{number}", ["a", "b"][number % 2], SCORE=number / 100, RANK=50 - number)
            for number in range(40)]  # fmt: skip
    chunks(tmp_path / "chunks", rows)
    plan = download("--dry-run", "--max-per-class", 5, "--n", 8)
    assert "wanted: 8 images of 2 classes; 8 URLs to fetch" in plan.stderr
    assert "over --max-per-class: 30" in plan.stderr and "over --n: 2" in plan.stderr
    assert not (tmp_path / "dataset").exists() and server.asked == []
    download("--max-per-class", 3, "--prefer", "score")
    assert sorted(server.asked) == [f"/jpeg/{number}" for number in range(34, 40)]
    server.asked.clear()
    plan = download("--max-per-class", 4, "--dry-run")  # what is in the folder stays, and one more a class joins
    assert "wanted: 8 images of 2 classes; 2 URLs to fetch" in plan.stderr


@pytest.mark.parametrize(
    ("conflict", "classes", "dropped"),
    [("all", ["a", "b"], {}), ("first", ["a"], {"given to another class": 1}),
     ("best", ["b"], {"given to another class": 1}), ("drop", [], {"several classes ask for it": 2})],
)  # fmt: skip
def test_an_image_of_two_classes_goes_where_conflict_says(tmp_path, conflict, classes, dropped):
    url = "http://example.com/shared.jpg"
    rows = [record(url, "a", SCORE=0.2, RANK=7), record(url, "b", SCORE=0.3, RANK=1), record(url + "x", "a")]
    database = planned(tmp_path, rows, conflict=conflict)
    wanted = database.execute("SELECT class FROM wanted WHERE url_hash = md5_number(?)", [url]).fetchall()
    assert sorted(name for (name,) in wanted) == classes
    assert count_dropped(database) == dropped


def test_balance_keeps_small_classes_whole_and_large_ones_in_proportion(tmp_path):
    rows = [record(f"http://example.com/{number}.jpg", "large" if number >= 20 else "small") for number in range(1020)]
    dropped = count_dropped(planned(tmp_path, rows, balance=100))["over --balance"]
    assert 1000 - 130 <= dropped <= 1000 - 70


def test_one_image_under_several_urls_is_kept_once_a_class_and_placeholders_are_dropped(server, tmp_path, download):
    rows = [record(f"{server.at}/same/{number}", name) for number in range(4) for name in ("a", "b")]
    rows += [record(f"{server.at}/placeholder/{number}", "a") for number in range(12)]
    rows += [record(f"{server.at}/jpeg/{number}", "a") for number in range(3)]
    chunks(tmp_path / "chunks", rows)
    download()
    report, _, _ = loaded(tmp_path)
    assert report["dropped"] == {"placeholder": 12, "same image in its class": 6}
    assert report["classes"]["a"] == {"asked": 19, "live": 19, "kept": 4, "folder": "a"}


def test_small_and_long_images_are_dropped_by_their_size(server, tmp_path, download):
    rows = [record(f"{server.at}/{kind}/1") for kind in ("tiny", "long", "jpeg")]
    chunks(tmp_path / "chunks", rows)
    download("--min-image-size", 64, "--max-aspect-ratio", 4)
    assert loaded(tmp_path)[0]["dropped"] == {"image too small": 1, "aspect ratio too large": 1}


def test_retry_failed_asks_again_only_for_what_may_pass(server, tmp_path, download):
    rows = [record(f"{server.at}/{name}") for name in ("gone", "status/503", "status/403", "html/a", "jpeg/a")]
    chunks(tmp_path / "chunks", rows)
    download()
    server.asked.clear()
    download("--retry-failed")
    assert server.asked == ["/status/503"]


def test_images_are_copied_where_the_work_folder_is_on_another_disk(server, tmp_path, download):
    other = Path("/dev/shm")
    if not other.is_dir() or os.stat(other).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("needs a second filesystem at /dev/shm")
    import tempfile

    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{n}", name) for n in range(3) for name in ("a", "b")])
    with tempfile.TemporaryDirectory(dir=other) as work:
        download(w=work)
    _, metadata, files = loaded(tmp_path)
    assert len(files) == 6
    assert len({os.stat(tmp_path / "dataset" / file).st_ino for file in files}) == 3
    Image.open(tmp_path / "dataset" / next(iter(files))).load()


def test_img2dataset_failing_is_exit_1_and_the_same_command_goes_on(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}") for number in range(5)])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "albumentations.py").write_text("raise ImportError('broken on purpose')\n")
    failed = download(code=1, env={"PYTHONPATH": str(tmp_path / "broken")})
    assert "broken on purpose" in failed.stderr
    assert "5 lost: img2dataset failed" in failed.stderr.splitlines()[-1]
    download()
    assert loaded(tmp_path)[0]["kept"] == 5


def test_wandb_offline_writes_img2datasets_run_and_one_with_the_counts(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/{number}") for number in range(5)])
    download("--wandb", env={"WANDB_MODE": "offline"})
    runs = [run.read_bytes() for run in (tmp_path / "work").rglob("run-*.wandb")]
    assert len(runs) == 2
    assert sum(b"total/success" in run for run in runs) == 1 and sum(b"rows_read" in run for run in runs) == 1
    (table,) = (tmp_path / "work").glob("wandb/offline-run-*/files/media/table/classes_*.table.json")
    assert json.loads(table.read_text())["data"] == [["banded", 5, 5, 5]]


def test_wandb_without_an_account_is_refused_in_a_sentence(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    env = {"WANDB_MODE": "online", "WANDB_API_KEY": "", "HOME": str(tmp_path)}
    assert "run `wandb login` first" in download("--wandb", code=2, env=env).stderr


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (None, None, "holds no chunk_*.json: run one of the two filters"),
        ("chunk_0.json", '[\n{"URL": "http://a/b", "QUERY"', "is not JSON"),
        (
            "chunk_0.json",
            '[\n{"URL": "http://a/b", "QUERY": "a", "NSFW": "UNLIKELY"},\n',
            "ends in the middle: it was cut short",
        ),
        ("chunk_0.json", "<html>", "is not JSON"),
        ("chunk_0.json", '{"URL": "http://a/b"}', "is not a JSON array of records"),
    ],
)
def test_chunks_that_cannot_be_read_are_refused_in_a_sentence(tmp_path, download, name, text, sentence):
    (tmp_path / "chunks").mkdir()
    if name:
        (tmp_path / "chunks" / name).write_text(text)
    assert sentence in download(code=2).stderr


def test_a_pool_without_a_safety_column_waits_for_allow_untagged(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/a", NSFW=None)])
    assert "add --allow-untagged" in download(code=2).stderr
    assert server.asked == []
    download("--allow-untagged")
    assert loaded(tmp_path)[0]["kept"] == 1


def test_other_settings_into_the_same_dataset_folder_are_refused(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/a")])
    download()
    refused = download("--image-size", 128, code=2)
    assert "holds images made with --image-size 256, not 128: give another --dataset-output" in refused.stderr


def test_settings_are_json_that_every_reader_takes_and_those_of_older_versions_are_read(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/a")])
    download()
    settings = tmp_path / "dataset" / "settings.json"
    assert json.loads(settings.read_text(), parse_constant=pytest.fail)["max_aspect_ratio"] is None
    settings.write_text(settings.read_text().replace("null", "Infinity"))
    assert "0 URLs to fetch" in download("--dry-run").stderr
    refused = download("--max-aspect-ratio", 3, "--dry-run", code=2).stderr
    assert "made with --max-aspect-ratio None, not 3.0" in refused


def test_the_last_lines_show_the_smallest_classes_and_name_the_flags_that_help(server, tmp_path, download):
    rows = [record(f"{server.at}/jpeg/{n}{m}", f"class {n:02}") for n in range(2) for m in range(n + 1)]
    rows += [record(f"{server.at}/{path}", "class 00") for path in ("status/503", "gone")]
    chunks(tmp_path / "chunks", [*rows, record(f"{server.at}/x", NSFW=None)])
    said = download().stderr.splitlines()
    start = next(number for number, line in enumerate(said) if line.split() == ["class", "asked", "alive", "kept"])
    table = [line.rsplit(maxsplit=3) for line in said[start + 1 : start + 4]]
    assert table == [["banded", "0", "0", "0"], ["class 00", "3", "1", "1"], ["class 01", "2", "2", "2"]]
    assert any("1 failures may pass (HTTP 503): --retry-failed asks again" in line for line in said)
    assert any("1 rows have no NSFW tag: --allow-untagged" in line for line in said)
    assert "private address: if the server is your own, --allow-private-hosts" in (
        download("--dry-run", private=False).stderr
    )
    assert len(download("--quiet").stderr.splitlines()) == 1


def test_the_classes_without_an_image_are_named_with_those_for_which_the_filter_found_nothing(
    server, tmp_path, download
):
    rows = [record(f"{server.at}/jpeg/1", "fork"), record(f"{server.at}/gone", "cup")]
    settings = {"queries": ["whisk", "fork", "cup"]}
    coverage = {"asked": 1, "done": 1, "not_needed": 0, "missing": {}}
    manifest = Manifest("substring", settings, {}, coverage, {"rows": 9, "records": 2}, {"chunk_0.json": 2})
    write_manifest(chunks(tmp_path / "chunks", rows), manifest)
    said = download().stderr
    assert "2 of 3 classes have no image, and loaders number only the others: whisk, cup\n" in said
    assert "1 images of 1 classes were kept of 2 rows" in (tmp_path / "dataset" / "README.md").read_text()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--max-aspect-ratio", 0.5), "--max-aspect-ratio is longer side over shorter side"),
        (("--encode-quality", 101), "--encode-quality is a JPEG quality"),
        (("--n", 0), "--n: must be at least 1, not 0"),
    ],
)
def test_flags_out_of_range_are_refused(tmp_path, download, flags, sentence):
    assert sentence in download(*flags, code=2).stderr


def test_an_output_that_cannot_be_written_is_refused(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    (tmp_path / "file").write_text("")
    assert "--w" in download(code=2, w="file").stderr
    assert "--dataset-output" in download(code=2, out="file").stderr
    assert "is inside --dataset-output" in download(code=2, w="dataset/work").stderr
    for out in ("chunks", "."):  # a filter's folder would be a class, or hold classes
        assert "chunks is inside --dataset-output" in download(code=2, w="../work", out=out).stderr


def test_what_a_killed_run_was_writing_is_cleared(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/1")])
    download()
    before = contents(tmp_path / "dataset")
    for name in (".metadata.json.x1.part", "banded/.a.jpg.x2.part"):
        (tmp_path / "dataset" / name).write_text("half of")
    download()
    assert contents(tmp_path / "dataset") == before
