"""The page of an output folder: its numbers are the folder's, and nothing in it is anybody else's code."""

import functools
import html
import http.server
import json
import re
import shutil
import threading
from urllib.parse import unquote

import pyarrow as pa
import pytest
from browser import ACTIONS, acted_in_a_browser, drawn_by_a_browser, needs_browser
from PIL import Image
from pyarrow import parquet as pq

from retrieval import report, report_dataset, report_records, report_selection
from retrieval.cli import UserError
from retrieval.download import tar_shards
from retrieval.records import Manifest, encode_record, write_chunks, write_manifest
from retrieval.report import write_report

HOSTILE = "<script>alert('caption')</script><!--"
CLASSES = ("hen", 'jack-o\'-lantern "big"', "<b>&amp;")


def parts_of(folder):
    """The page's text, its data, and its records."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1]
    records = re.search(r'<script type="application/x-ndjson" id="records">(.*?)</script>', page, re.S)[1]
    lines = [line for line in records.splitlines() if line.startswith("{")]
    return page, json.loads(data), [json.loads(line.removesuffix(",")) for line in lines]


# ---- the downloader's folder ----


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
                      "--dataset-output", root / "dataset", "--allow-private-hosts", "--quiet")  # fmt: skip
    server.shutdown()
    assert done.returncode == 0, done.stderr
    assert re.fullmatch("18 rows read = 12 kept[^\n]*\n", done.stderr), "--quiet leaves the last line"
    return root / "dataset"


def test_the_downloader_writes_the_page_and_its_numbers_are_the_reports(dataset):
    _, data, images = parts_of(dataset)
    totals = json.loads((dataset / "report.json").read_text())
    assert (data["rows_read"], data["kept"], data["dropped"]) == (18, totals["kept"], totals["dropped"])
    assert data["records"] == totals["kept"] == len(images) == 12 and sum(totals["dropped"].values()) == 6
    for name, counts in totals["classes"].items():
        assert {key: data["classes"][name][key] for key in ("asked", "live", "kept")} == {
            key: counts[key] for key in ("asked", "live", "kept")
        }
        assert sum(data["classes"][name]["sources"].values()) == counts["kept"] == 4
    lost = {label: count for kind, label, count in data["funnel"] if kind == "lost"}
    assert lost == totals["dropped"]
    assert data["classes"]["hen"]["sources"] == {"substring": 3, "image_index + substring": 1}
    assert data["scores"] == {"image_index": [[25, 1]]}
    assert data["hosts"]["127.0.0.1"]["kept"] == 12 and data["hosts"]["127.0.0.1"]["failed"] == 3


def test_each_image_is_there_with_what_brought_it_there(dataset):
    _, _, images = parts_of(dataset)
    entries = [json.loads(line) for line in (dataset / "metadata.jsonl").read_text().splitlines()]
    shown = [{name: value for name, value in image.items() if name != "thumbnail"} for image in images]
    expected = [report_records.shortened(entry) for entry in entries]
    assert sorted(shown, key=lambda entry: entry["file_name"]) == sorted(expected, key=lambda entry: entry["file_name"])
    for entry, short in zip(entries, expected, strict=True):
        assert {*entry} - {*short} == report_records.UNSHOWN | {name for name, value in entry.items() if value is None}
        assert all(entry[name] == value for name, value in short.items() if name != "sources")
        assert [{"SCORE": None, "RANK": None, "ROW": None} | source for source in short["sources"]] == entry["sources"]
    assert all(image["thumbnail"].startswith("data:image/webp;base64,") for image in images)


def test_asked_and_alive_count_what_a_cap_let_through_and_the_page_names_the_cap(dataset, run_script):
    root = dataset.parent  # its work folder has all answers, so this run fetches nothing
    done = run_script("download_urls_img2dataset.py", "--r", root / "chunks", "--w", root / "work", "--quiet",
                      "--dataset-output", root / "capped", "--allow-private-hosts", "--max-per-class", 2)  # fmt: skip
    assert done.returncode == 0, done.stderr
    _, data, _ = parts_of(root / "capped")
    lost = {label: count for kind, label, count in data["funnel"] if kind == "lost"}
    assert lost["over --max-per-class"] == 9 and data["choice"]["max_per_class"] == 2
    assert [of["asked"] for of in data["classes"].values()] == [2, 2, 2]
    failed = sum(of["asked"] - of["live"] for of in data["classes"].values())
    assert failed == sum(host.get("failed", 0) for host in data["hosts"].values()) == lost.get("HTTP 404", 0)


def test_a_rebuilt_page_is_the_same_and_an_image_that_is_gone_is_a_warning(dataset, capsys):
    before, _, images = parts_of(dataset)
    assert write_report(dataset).read_text() == before
    image = dataset / images[0]["file_name"]
    image.rename(image.with_suffix(".gone"))
    write_report(dataset)
    assert len(parts_of(dataset)[2]) == 11
    assert (
        f"the report lacks 1 images of the metadata, the first is {images[0]['file_name']} (" in capsys.readouterr().err
    )
    image.with_suffix(".gone").rename(image)


def test_two_classes_that_want_an_image_share_it_once(tmp_path):
    entries = [
        {"key": key, "file_name": f"{name}/{key}.jpg", "QUERY": name, "url": "http://[half", "sources": [],
         "also_asked_by": others}
        for key, name, others in (("1", "hen", ["cock"]), ("2", "cock", ["hen"]), ("3", "hen", ["cock"]))
    ]  # fmt: skip
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, entries)))
    shown, found = report_dataset.read_images(tmp_path / "metadata.jsonl", 2)
    assert found["shared"] == {("cock", "hen"): 2} and found["hosts"] == {"(none)": 3}
    assert [image["file_name"] for image in shown["hen"]] == ["hen/1.jpg", "hen/3.jpg"]


def write_dataset(folder, entries, **totals):
    """What the downloader leaves of some images: metadata.jsonl (entries over defaults), the files, the totals."""
    lines = []
    for number, changes in enumerate(entries):
        entry = {"file_name": f"class/{number}.png", "QUERY": "hen", "caption": "a hen", "url": f"http://h/{number}",
                 "width": 300, "height": 20, "sources": [], "also_asked_by": []} | changes  # fmt: skip
        lines.append(json.dumps(entry) + "\n")
        file = folder / entry["file_name"]
        if folder.resolve() in file.resolve().parents:
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (300, 20), (number % 256, 90, 200)).save(file)
    (folder / "metadata.jsonl").write_text("".join(lines))
    kept = {"rows_read": len(lines), "kept": len(lines), "dropped": {}, "classes": {}}
    (folder / "report.json").write_text(json.dumps(kept | totals))


def test_a_class_for_which_the_filters_found_nothing_is_on_the_page_with_none(tmp_path):
    kept = {"asked": 1, "live": 1, "kept": 1}
    write_dataset(tmp_path, [{}], classes={"hen": kept}, class_order=["whisk", "hen"])
    write_report(tmp_path)
    classes = parts_of(tmp_path)[1]["classes"]
    assert classes["whisk"]["kept"] == 0 and {name: of["asked"] for name, of in classes.items()} == {
        "hen": 1,
        "whisk": 0,
    }


@pytest.mark.parametrize("place", ["", "beside", "page of it/deeper"])
def test_each_file_that_a_page_links_exists_from_where_the_page_lies(tmp_path, place):
    folder = tmp_path / "50 % of #1?"
    write_dataset(folder, [{"file_name": f"a hen#{n}/{n}.png"} for n in range(60)])
    where = tmp_path / place if place else folder
    page = write_report(folder, to=where / "report.html" if place else None)
    assert page == where / "report.html"
    _, data, images = parts_of(where)
    assert len(images) == 60 and len([image for image in images if "thumbnail" in image]) == 48
    assert all((where / unquote(data["base"]) / image["file_name"]).is_file() for image in images)


def test_the_page_beside_tars_links_the_folder_of_images(tmp_path):
    write_dataset(tmp_path / "work", [{"key": "0", "file_name": "class/0.jpg"}], folders={"hen": "class"})
    shutil.copy(tmp_path / "work" / "metadata.jsonl", tmp_path / "work" / "metadata.json")
    (tmp_path / "tars").mkdir()
    tar_shards.write_tars(tmp_path / "work", tmp_path / "tars")
    _, data, images = parts_of(tmp_path / "tars")
    assert data["title"] == "tars" and (tmp_path / "tars" / data["base"] / images[0]["file_name"]).is_file()


def test_a_small_class_has_all_its_images_on_the_page_and_the_page_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr(report_dataset, "THUMBNAILS", 20)
    monkeypatch.setattr(report_dataset, "LINKED", 70)
    endless = {"caption": "word " * 2_000, "url": f"http://h/{'p' * 9_000}", "LICENSE": "<" * 10_000}
    sources = [{"SOURCE": kind, "SCORE": 0.2 + n / 1000, "MATCHED": "m" * 3_000, "ROW": HOSTILE}
               for kind in ("text_index", "image_index") for n in range(300)]  # fmt: skip
    classes = {"few": 7, "many": 40, "one": 1} | {f"class {n}": 0 for n in range(7)}
    entries = [{"QUERY": name, "file_name": f"{name}/{n}.png", "sources": sources, "also_asked_by": [*classes] * 99}
               | endless for name, count in classes.items() for n in range(count)]  # fmt: skip
    write_dataset(tmp_path, entries, classes={name: {"asked": 9, "live": 8, "kept": n} for name, n in classes.items()})
    page = write_report(tmp_path)
    _, data, images = parts_of(tmp_path)
    shown = _count(image["QUERY"] for image in images)
    assert shown == {"few": 7, "many": 9, "one": 1} and sum(data["classes"]["many"]["sources"].values()) == 40
    assert all(not image["url"].startswith("http") and image["url"].endswith("…") for image in images)
    kinds = {source["SOURCE"] for source in images[0]["sources"]}
    assert len(images[0]["sources"]) == 20 and images[0]["more_sources"] == 580 and len(kinds) == 2
    assert page.stat().st_size < 70_000 + 17 * 40_000


@pytest.mark.parametrize("name", ["/etc/passwd", "../../secret.png", "class/../../secret.png", None])
def test_an_entry_that_names_no_file_of_the_folder_is_one_sentence(tmp_path, capsys, name):
    write_dataset(tmp_path, [{}])
    with open(tmp_path / "metadata.jsonl", "a") as file:
        file.write(json.dumps({"file_name": name, "QUERY": "hen", "url": "", "sources": []}) + "\n")
    assert report.main([str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert (
        said.startswith(f"error: {tmp_path}/metadata.jsonl, line 2, is not the downloader's: ")
        and said.count("\n") == 1
    )


# ---- a filter's folder ----


def write_selection(folder, stage, records, classes, jobs=1, job_idx=0, missing=None, **counts):
    """What a filter leaves: chunks and a manifest."""
    chunks = write_chunks(map(encode_record, records), folder, job_idx, jobs)
    counts = {"records": len(records), "classes": classes} | counts
    coverage = {"asked": 2, "done": 2 - len(missing or {}), "missing": missing or {}}
    write_manifest(folder, Manifest(stage, {"prompts": ["a {}."]}, {}, coverage, counts, chunks, job_idx, jobs))


def caption_records(count, classes, start=0):
    """Records as the substring filter orders them; every caption is a match of two neighbouring classes."""
    for number in range(start, start + count // 2):
        for place in (number, number + 1):
            name = classes[place % len(classes)]
            yield {"URL": f"http://host{number % 7}/{number}.jpg", "TEXT": f"{HOSTILE} {name} {number}",
                   "similarity": 0.3, "QUERY": name, "SOURCE": "substring", "MATCHED": name}  # fmt: skip


def test_a_page_never_takes_the_place_of_the_records(tmp_path):
    chunk = tmp_path / "chunk_0.json"
    chunk.write_text("[\n]\n")
    with pytest.raises(UserError, match="chunk_0.json is there and is no page: give the page another name"):
        write_report(tmp_path, to=chunk)
    assert chunk.read_text() == "[\n]\n"


def test_the_jobs_of_an_array_are_one_page_whose_counts_are_their_sums(tmp_path):
    for job in (0, 1):
        classes = {"hen": {"records": 30, "matches": {"hen": 20 + 20 * job, "hens": 10 - 10 * job},
                           "inside_longer_words": 0.5 * job}}  # fmt: skip
        records = list(caption_records(30, ["hen"], start=100 * job))
        write_selection(tmp_path, "substring", records, classes, 3, job, {"part-7": "a sad story"}, rows=1_000)
    write_report(tmp_path)
    _, data, records = parts_of(tmp_path)
    assert data["classes"] == {
        "hen": {"records": 60, "matches": {"hen": 60, "hens": 10}, "inside_longer_words": round(20 / 70, 4)}
    }
    assert data["funnel"] == [["pool", "captions read", 2_000], ["selected", "matches of a class", 70],
                              ["lost", "over -n", 10], ["kept", "records written", 60]]  # fmt: skip
    assert data["missing"] == {"part-7": "a sad story", "job 2 of 3": "has not finished"}
    assert data["records"] == len(records) == 60 and data["sample"] is None


def test_the_neighbours_page_has_the_manifests_numbers(tmp_path):
    kinds = ("asked", "short", "near_duplicates", "nsfw", "repeats", "kept")
    classes = {name: dict(zip(kinds, (100, 1, 20, 3, 66, 10), strict=True)) for name in CLASSES}
    records = [{"URL": f"http://h/{n}", "TEXT": HOSTILE, "QUERY": name, "SOURCE": "text_index", "SCORE": 0.3}
               for name in CLASSES for n in range(10)]  # fmt: skip
    write_selection(tmp_path, "semantic", records, classes)
    write_report(tmp_path)
    _, data, shown = parts_of(tmp_path)
    assert data["classes"] == classes and data["records"] == len(shown) == 30
    assert [step[2] for step in data["funnel"]] == [300, 3, 60, 9, 198, 30]
    assert data["funnel"][0][2] - sum(step[2] for step in data["funnel"][1:-1]) == data["funnel"][-1][2]


def test_the_caption_filter_writes_the_page_of_its_manifest_also_when_it_was_killed_before(tmp_path, run_script):
    table = pa.table(
        {"url": [f"http://h/{n}" for n in range(60)], "text": ["a hen and a kitchen"] * 20 + ["a cock"] * 40}
    )
    for number in (0, 1):
        pq.write_table(table.slice(30 * number, 30), tmp_path / f"{number}.parquet")
    command = ["filter_laion_metadata_substring.py", "--output", tmp_path / "out", "--query", "hen|cock|egg", "--dbs",
               f"{tmp_path}/*.parquet", "--workers", 1]  # fmt: skip
    said = {}
    for job, flag in ((1, "--quiet"), (0, "--verbose")):
        assert not (tmp_path / "out" / "report.html").exists(), "the page is of whole runs"
        done = run_script(*command, "--job-idx", job, "--total-jobs", 2, flag)
        assert done.returncode == 0, done.stderr
        said[flag] = done.stderr.splitlines()
    assert len(said["--quiet"]) == 1 and said["--quiet"][0].startswith("1 shards: 1 scanned")
    assert "hen: 20 records: hen (20)" in said["--verbose"] and "egg: 0 records" in said["--verbose"]
    page, data, records = parts_of(tmp_path / "out")
    manifests = [json.loads((tmp_path / "out" / f"job_{job}_of_2.json").read_text())["counts"] for job in (0, 1)]
    assert [step[2] for step in data["funnel"]] == [60, 60, 60]
    assert [sum(counts[kind] for counts in manifests) for kind in ("rows", "captions", "records")] == [60, 60, 60]
    for name, count in (("hen", 20), ("cock", 40), ("egg", 0)):
        assert (
            data["classes"][name]["records"] == sum(counts["classes"][name]["records"] for counts in manifests) == count
        )
        assert len([record for record in records if record["QUERY"] == name]) == count
    (tmp_path / "out" / "report.html").unlink()
    assert run_script(*command, "--job-idx", 0, "--total-jobs", 2).returncode == 0
    assert (tmp_path / "out" / "report.html").read_text() == page


@pytest.mark.parametrize("thorough", [True, False])
def test_a_large_output_is_sampled_and_says_so_and_its_counts_stay_the_manifests(tmp_path, monkeypatch, thorough):
    monkeypatch.setattr(report_selection, "SAMPLE_BYTES", 64 << 10)
    monkeypatch.setattr(report_selection, "SAMPLE_RECORDS", 300)
    monkeypatch.setattr("retrieval.records.CHUNK_RECORDS", 2_500)
    monkeypatch.setattr(report_selection, "BLOCK_BYTES", 2 << 10)
    names = [f"class {number}" for number in range(40)]
    records = list(caption_records(6_000, names)) + [{"URL": "http://h/rare", "TEXT": "x", "QUERY": "rare"}]
    classes = {name: {"records": 150, "matches": {name: 150}, "inside_longer_words": 0.0} for name in names}
    write_selection(tmp_path, "substring", records, classes | {"rare": {"records": 1, "matches": {}}}, rows=9_000)
    write_report(tmp_path, thorough=thorough)
    page, data, shown = parts_of(tmp_path)
    assert data["sample"] == ("of URLs" if thorough else "at evenly spaced places")
    assert {name: data["classes"][name]["records"] for name in names} == dict.fromkeys(names, 150)
    keys = [(record["URL"], record["QUERY"]) for record in shown]
    assert len(set(keys)) == len(keys) and set(keys) <= {(record["URL"], record["QUERY"]) for record in records}
    assert 150 < len(keys) < 1_000
    last = max(int(url.rpartition("/")[2].removesuffix(".jpg")) for url, name in keys if name != "rare")
    assert last > 2_500, "the sample reaches the end of the last chunk"
    if thorough:
        assert ("http://h/rare", "rare") in keys
        before_examples = page.split("\nexamples\n")[0]
        alone = [url for url, count in _count(url for url, name in keys if f'"{url}"' in before_examples).items()
                 if count == 1]  # fmt: skip
        assert not alone, "a URL is in the sample with all its classes or not at all"


@pytest.mark.parametrize("thorough", [True, False])
def test_a_class_of_few_records_has_them_all_in_a_sample(tmp_path, monkeypatch, thorough):
    monkeypatch.setattr(report_selection, "SAMPLE_BYTES", 32 << 10)
    monkeypatch.setattr(report_selection, "SAMPLE_RECORDS", 100)
    monkeypatch.setattr(report_selection, "SCAN_BYTES", 4 << 10)
    monkeypatch.setattr(report_selection, "BLOCK_BYTES", 2 << 10)
    few = {"seven": 7, 'quoted "b", \\': 3, "鶏": 2, "two of ten": 10, "wordy": 2}
    records = list(caption_records(6_000, ["hen", "cock"]))
    for place, (name, count) in enumerate(few.items()):
        for number in range(count):
            text = f"{HOSTILE} {name} " + ("word " * 2_000 if name == "wordy" else "")
            records.insert(700 * number + 90 * place, {"URL": f"http://h/{name}/{number}", "TEXT": text, "QUERY": name})
    counts = few | {"hen": 3_000, "cock": 3_000, "none": 0}
    write_selection(tmp_path, "substring", records, {name: {"records": n, "matches": {}} for name, n in counts.items()},
                    rows=9_000)  # fmt: skip
    page = write_report(tmp_path, thorough=thorough)
    _, data, shown = parts_of(tmp_path)
    seen = _count((record["QUERY"], record["URL"]) for record in shown)
    assert set(seen.values()) == {1} and data["sample"]
    assert _count(name for name, url in seen if name in few) == few
    assert page.stat().st_size < 300_000, "a caption of 10 kB is cut"


def _count(values):
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def test_ten_classes_have_plots_that_are_the_same_at_every_rebuild_and_a_datasets_stands_beside_it(tmp_path):
    names = [*CLASSES, "$x$", "鶏", "two\nlines\0", "w" * 3_000, *(f"class {number}" for number in range(7))]
    kept = {"asked": 9, "kept": 5, "new_by_prompt": [3, 2]}
    write_selection(
        tmp_path / "knn", "semantic", [], dict.fromkeys(names, kept) | {"seeded": kept | {"new_by_prompt": [4, 0, 1]}}
    )
    pages = []
    for _ in range(2):
        write_report(tmp_path / "knn", plots=True)
        pages.append([(tmp_path / "knn" / name).read_bytes() for name in ("classes.png", "prompts.png")])
    assert pages[0] == pages[1] and all(plot.startswith(b"\x89PNG") for plot in pages[0])
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "metadata.jsonl").write_text("")
    totals = {
        "rows_read": 0,
        "kept": 0,
        "dropped": {},
        "classes": dict.fromkeys(names, {"asked": 0, "live": 0, "kept": 0}),
    }
    (tmp_path / "dataset" / "report.json").write_text(json.dumps(totals))
    write_report(tmp_path / "dataset", plots=True)
    assert (tmp_path / "dataset-classes.png").exists()
    assert not list((tmp_path / "dataset").glob("*.png")), "load_dataset and timm would take it for an image"


def test_what_strangers_wrote_stays_text_and_the_page_asks_the_network_for_nothing(dataset, tmp_path):
    write_selection(tmp_path, "semantic", [{"URL": "http://h/1", "TEXT": HOSTILE, "QUERY": CLASSES[2]}], {}, missing={})
    write_report(tmp_path, title=HOSTILE)
    for folder in (dataset, tmp_path):
        page, _, _ = parts_of(folder)
        assert "<script>alert" not in page and "<!--" not in page and "<b>" not in page and len(page) > 20_000
        assert not re.search(r"<(?:link|iframe)|(?:src|@import|url\()\s*=?\s*['\"]?https?:", page)
        assert "default-src 'none'" in page


def test_the_command_prints_where_the_page_is_and_refuses_a_folder_of_another_kind(tmp_path, capsys):
    write_selection(tmp_path, "semantic", [], {})
    assert report.main([str(tmp_path), "--title", "A <title>"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/report.html\n" and parts_of(tmp_path)[1]["title"] == "A <title>"
    (tmp_path / "job_0_of_1.json").unlink()
    assert report.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path} is no stage's output: it holds neither a manifest")


@needs_browser
def test_a_browser_draws_every_section_and_runs_no_strangers_code(dataset, tmp_path):
    classes = {
        name: {"records": 150, "matches": {name: 90, f"{name}s": 60}, "inside_longer_words": 0} for name in CLASSES
    }
    write_selection(tmp_path, "substring", list(caption_records(450, CLASSES)), classes, rows=9_000)
    write_report(tmp_path)
    for folder, headings, signs in (
        (tmp_path, ("From pool to records", "Records per class", "Phrases", "Classes that share rows"), ("host1",)),
        (
            dataset,
            ("From pool to folder", "Images per class", "Scores", "Hosts"),
            ("image index 0.250: <bdi>a photo of a",),
        ),
    ):
        shown = drawn_by_a_browser(folder / "report.html", tmp_path / "profile", (*signs, HOSTILE))
        drawn = html.unescape(shown.split("</header>")[1].split('<script type="application/json"')[0])
        assert all(f">{heading}</h2>" in drawn for heading in headings) and all(sign in drawn for sign in signs)
        assert HOSTILE in drawn and "<script" not in shown.split('<script type="application')[0]
        if folder == tmp_path:
            shared = drawn.split('id="overlap"')[1].split("</section>")[0]
            assert shared.count(">75</td>") == 3 and shared.count(">50 %</td>") == 6  # 225 captions, two classes each


HOSTILE_NAMES = (
    "hen",
    "w" * 900,
    "\u202ereversed",
    "مرحبا بالعالم",
    "__proto__",
    "constructor",
    "@records@",
    "@data@",
    "7",
)


@needs_browser
@pytest.mark.parametrize("width", [390, 1300])
def test_images_are_found_ordered_shown_all_and_at_full_size_on_a_phone_too(tmp_path, width):
    urls = ("javascript:alert(1)", " javascript:alert(1)", "https://" + "sub." * 60 + "x/", "http://h/" + "p" * 5_000)
    entries = [{"QUERY": name, "file_name": f"c{place}/{n}.png", "url": urls[n % 4],
                "caption": f"{HOSTILE}{'x' * 9_999 * (n == 1)} no {n}.",
                "sources": [{"SOURCE": "image_index", "SCORE": n / 100, "MATCHED": name}]}
               for place, name in enumerate(HOSTILE_NAMES) for n in range(60)]  # fmt: skip
    kept = {"asked": 70, "live": 65, "kept": 60}
    write_dataset(tmp_path / "dataset", entries, classes=dict.fromkeys(HOSTILE_NAMES, kept),
                  choice={"fill": 60, "combine": "rrf", "exclude": ["/" + "y" * 300], "n": None})  # fmt: skip
    page = write_report(tmp_path / "dataset", title=HOSTILE, to=tmp_path / "report.html")
    said = acted_in_a_browser(page, tmp_path / "profile", width, ACTIONS + """
        const top = browse.querySelector("img").getBoundingClientRect().top, first = shown();
        const settings = document.getElementById("settings").textContent;
        await set(browse.querySelectorAll("select")[1], "-1 image_index");
        browse.querySelector("figure button").click(); await wait(700);
        const dialog = document.querySelector("dialog"), best = dialog.textContent, full = dialog.querySelector("img");
        const right = dialog.getBoundingClientRect().right, size = [full.naturalWidth, right <= innerWidth];
        dialog.close();
        await set(browse.querySelector("input"), "NO 59."); const found = shown();
        await set(browse.querySelector("input"), ""); browse.querySelector(".more button").click();
        return { top, first, settings, best, size, found, all: shown(), over: root.scrollWidth - root.clientWidth,
                 links: all("a").map(link => link.protocol), scripts: all("script").length };""")  # fmt: skip
    assert said["top"] < 500 and 6 <= said["first"] <= 40 and said["found"] == len(HOSTILE_NAMES)
    assert said["over"] == 0 and said["size"] == [300, True] and "no 59." in said["best"]
    assert said["all"] >= 120 and said["scripts"] == 4
    assert "--fill60--combinerrf--exclude/yyy" in said["settings"] and "javascript:" not in said["links"]


@needs_browser
def test_captions_are_found_and_ordered_and_no_name_or_source_breaks_a_filters_page(tmp_path):
    records = [{"URL": "javascript:alert(1)", "TEXT": f"{HOSTILE} {'word ' * 2_000 * (n == 3)} no {n}.", "QUERY": name,
                "SOURCE": ("substring", "__proto__", "constructor", None)[n % 4], "MATCHED": name,
                "SCORE": float("nan"), "similarity": n / 100} for name in HOSTILE_NAMES for n in range(13)]  # fmt: skip
    classes = {name: {"records": 13, "matches": {name: 13}, "inside_longer_words": 0.6} for name in HOSTILE_NAMES}
    write_selection(tmp_path, "substring", records, classes, rows=9_000, missing={"p" * 900: HOSTILE})
    said = acted_in_a_browser(write_report(tmp_path), tmp_path / "profile", 390, ACTIONS + """
        await set(browse.querySelectorAll("select")[1], "1 similarity");
        const lowest = browse.querySelector("li").textContent;
        await set(browse.querySelector("input"), "no 12."); const found = shown();
        return { lowest, found, sections: all("h2").length, over: root.scrollWidth - root.clientWidth,
                 links: all("a").map(link => link.protocol) };""")  # fmt: skip
    assert "no 0." in said["lowest"] and said["found"] == 5 and said["sections"] >= 6 and said["over"] == 0
    assert "javascript:" not in said["links"]


@needs_browser
def test_what_matched_is_marked_as_a_whole_word_where_it_is_one(tmp_path):
    captions = {
        "Template Image Plate": "plate",
        "Überplate, plates": "plate",
        "a Plate": "plate",
        "none of it": "plate",
    }
    records = [{"URL": "http://h/1", "TEXT": caption, "QUERY": "plate", "SOURCE": "substring", "MATCHED": phrase}
               for caption, phrase in captions.items()]  # fmt: skip
    classes = {"plate": {"records": 4, "matches": {"plate": 4}, "inside_longer_words": 0.25}}
    write_selection(tmp_path, "substring", records, classes, rows=9)
    said = acted_in_a_browser(write_report(tmp_path), tmp_path / "profile", 1300, ACTIONS + """
        const drawn = node => node.nodeName === "MARK" ? "[" + node.textContent + "]" : node.textContent;
        return all("#browse li").map(li => [...li.childNodes].slice(0, -1).map(drawn).join(""));""")  # fmt: skip
    assert said == ["Template Image [Plate]", "Über[plate], plates", "a [Plate]", "none of it"]
