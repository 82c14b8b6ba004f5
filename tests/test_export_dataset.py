"""dataset_helper/: what other trainers read of a finished dataset, and its page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from download_server import arguments, chunks, record, serving

from retrieval.dataset.export import write_rebuild_list
from retrieval.records import Manifest, write_manifest

ROOT = Path(__file__).parent.parent
CLASSES = ["woven", "tiger shark", "banded"]  # the template's order, not that of the names
UIDS = [f"{number:032x}" for number in (2**127 + 5, 3, 2**64, 2**64 - 1, 2**127 + 4, 7)]


@pytest.fixture(scope="module")
def made(tmp_path_factory, run_script):
    """A folder with datasets of six images: `flat`, `split`, and `plain`, which lacks the class with a space."""
    folder = tmp_path_factory.mktemp("made")
    with serving() as server:
        rows = [
            record(f"{server.at}/jpeg/{number}", CLASSES[number % 3], SAMPLE_ID=uid) for number, uid in enumerate(UIDS)
        ]
        for name, kept in (("chunks", rows), ("plain-chunks", [row for row in rows if " " not in row["QUERY"]])):
            chunks(folder / name, kept)
            settings = {"queries": dict.fromkeys(CLASSES, "q")}
            counts = {"records": len(kept), "rows": len(kept), "captions": len(kept), "classes": {}}
            coverage = {"asked": 1, "done": 1, "missing": {}}
            write_manifest(
                folder / name, Manifest("substring", settings, {}, coverage, counts, {"chunk_0.json": len(kept)})
            )
        for out, source, *flags in (
            ("flat", "chunks"), ("split", "chunks", "--val-fraction", "0.5"), ("plain", "plain-chunks")
        ):  # fmt: skip
            done = run_script("download_urls_img2dataset.py", *arguments(folder, *flags, r=[source], out=out))
            assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def export(run_script, tmp_path):
    def run(dataset, kind, *flags, code=0):
        words = [dataset, "--format", kind, "--output", tmp_path / "out", *flags]
        done = run_script("dataset_helper/export_dataset.py", *words, cwd=tmp_path)
        assert done.returncode == code, done.stderr
        return done.stderr if code else tmp_path / "out"

    return run


def entries_of(dataset: Path) -> dict[str, dict]:
    return json.loads((dataset / "metadata.json").read_text(encoding="utf-8"))


def test_filtered_ids_are_the_stems_of_all_images_or_of_a_split(made, export):
    lines = export(made / "flat", "filtered-ids").read_text().splitlines()
    assert lines == sorted(path.stem for path in (made / "flat").glob("*/*.jpg"))
    assert all(str(int(line)) == line for line in lines)
    val = export(made / "split", "filtered-ids", "--split", "val").read_text().splitlines()
    assert val == sorted(path.stem for path in (made / "split" / "val").glob("*/*.jpg")) != []
    assert "has no splits" in export(made / "flat", "filtered-ids", "--split", "val", code=2)


def test_swat_lists_are_read_as_swat_reads_them(made, export, tmp_path):
    entries = entries_of(made / "plain")
    lines = export(made / "plain", "swat").read_text().splitlines()
    for line in lines:
        path, label, source = line.split(" ")
        assert (made / "plain" / path).is_file() and int(source) == 0
        assert CLASSES[int(label)] == entries[Path(path).stem]["QUERY"]
    assert len(lines) == 4
    assert "add --links FOLDER" in export(made / "flat", "swat", code=2)
    for _ in range(2):
        lines = export(made / "flat", "swat", "--links", tmp_path / "links").read_text().splitlines()
        paths = [tmp_path / "links" / line.split(" ")[0] for line in lines]
        assert len(paths) == 6 and all(path.read_bytes()[:2] == b"\xff\xd8" for path in paths)


def test_datacomp_uids_are_the_sorted_pairs_that_its_resharder_takes(made, export, tmp_path):
    path = export(made / "flat", "datacomp-uids")
    theirs = np.array([(int(uid[:16], 16), int(uid[16:32], 16)) for uid in UIDS], np.dtype("u8,u8"))
    theirs.sort()
    ours = np.load(path)
    assert ours.dtype == theirs.dtype and (ours == theirs).all()


def test_images_without_a_datacomp_uid_are_named_and_exit_1(made, export, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (made / "flat").iterdir():
        (copy / path.name).symlink_to(path)
    lines = [json.loads(line) for line in (made / "flat" / "metadata.jsonl").read_text().splitlines()]
    (copy / "metadata.jsonl").unlink()
    for count, code, sentence in ((2, 1, "2 images have a SAMPLE_ID that is no"), (6, 2, "no image has a DataComp")):
        changed = [line | {"SAMPLE_ID": "17"} for line in lines[:count]] + lines[count:]
        (copy / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
        assert sentence in export(copy, "datacomp-uids", code=code)


def test_the_label_map_has_the_order_of_the_template(made, export, tmp_path):
    assert json.loads(export(made / "flat", "label-map").read_text()) == {"woven": 0, "tiger shark": 1, "banded": 2}
    (tmp_path / "Mine.py").write_text('classes = ["banded", "woven", "x"]\ntemplates = ["a {}"]\n')
    own = ("--template", "Mine", "--template-dir", tmp_path)
    assert json.loads(export(made / "plain", "label-map", *own).read_text()) == {"banded": 0, "woven": 1, "x": 2}
    assert "'tiger shark' is not in the template Mine" in export(
        made / "flat", "swat", "--links", tmp_path / "links", *own, code=2
    )


def test_what_is_no_dataset_is_a_sentence(made, export, tmp_path):
    assert "is no dataset" in export(tmp_path, "filtered-ids", code=2)
    (tmp_path / "classes.txt").touch()
    assert "imagefolder in --w" in export(tmp_path, "filtered-ids", code=2)
    assert "--links is for" in export(made / "flat", "label-map", "--links", tmp_path / "links", code=2)


def test_the_report_helper_writes_the_page_that_the_module_writes(made, run_script, tmp_path):
    done = run_script("dataset_helper/report.py", made / "flat", "--output", tmp_path / "a.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-m", "retrieval.report", made / "flat", "--output", tmp_path / "b.html"]
    subprocess.run(list(map(str, command)), cwd=ROOT, env=os.environ, check=True, capture_output=True)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


# ---- rebuilding ----


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory, run_script):
    """A dataset, its list for rebuilding, and what the list gives after one URL has changed and one has died."""
    folder = tmp_path_factory.mktemp("rebuilt")
    with serving() as server:
        server.elsewhere = {name: f"{server.at}/jpeg/{name}" for name in ("changed", "dead")}
        rows = [record(f"{server.at}/to/{name}", "banded") for name in server.elsewhere]
        rows += [record(f"{server.at}/{kind}/{n}", name) for n, name in enumerate(CLASSES) for kind in ("jpeg", "png")]
        rows.append(record(rows[0]["URL"], "woven", NSFW=None, punsafe=0.1))
        rows.append(rows[2] | {"SOURCE": "text_index", "MATCHED": "a photo", "SCORE": 0.3, "RANK": 2})
        chunks(folder / "chunks", rows)
        runs = [run_script("download_urls_img2dataset.py", *arguments(folder, "--image-size", 64))]
        runs.append(run_script("dataset_helper/export_dataset.py", folder / "dataset", "--format", "rebuild",
                               "--output", folder / "list"))  # fmt: skip
        server.elsewhere = {"changed": f"{server.at}/jpeg/other", "dead": f"{server.at}/status/410"}
        again = arguments(folder, "--image-size", 64, r=["list"], w="work2", out="again")
        runs += [run_script("download_urls_img2dataset.py", *again) for _ in range(2)]
    assert [done.returncode for done in runs] == [0] * 4, [done.stderr for done in runs]
    return folder, runs


def test_a_dataset_is_rebuilt_from_its_list_but_for_urls_that_changed_or_died(rebuilt):
    folder, runs = rebuilt
    before, after = entries_of(folder / "dataset"), entries_of(folder / "again")
    gone = {key for key, entry in before.items() if "/to/" in entry["url"]}
    assert len(before) == 9 and len(gone) == 3 and after.keys() == before.keys() - gone
    report = json.loads((folder / "again" / "report.json").read_text())
    assert report["dropped"] == {"HTTP 410": 1, "not the file of its SHA256": 2} and report["rows_read"] == 9
    for key, entry in after.items():
        assert {**entry, "sources": []} == {**before[key], "sources": []}
        assert entry["sources"] == before[key]["sources"][:1]
        assert (folder / "again" / entry["label"] / f"{key}.jpg").read_bytes() == (
            folder / "dataset" / entry["label"] / f"{key}.jpg"
        ).read_bytes()
    assert "--image-size 64" in runs[1].stderr and runs[1].stderr.endswith(f"9 images in {folder / 'list'}\n")
    assert "0 URLs to fetch" in runs[3].stderr


def test_images_that_nobody_else_can_fetch_are_left_out_of_the_list_and_counted(tmp_path):
    known = {"QUERY": "hen", "sha256": "a" * 64, "sources": []}
    entries = [
        known | {"url": "http://h/1"},
        known | {"url": "/data/0.tar#512+9/1.jpg"},
        known | {"url": "http://h/2", "sha256": None},
    ]
    assert write_rebuild_list(entries, tmp_path) == (1, 2)
    assert [record["URL"] for record in json.loads((tmp_path / "chunk_0.json").read_text())] == ["http://h/1"]


def test_img2dataset_reads_the_list_and_finds_the_hashes(rebuilt, tmp_path):
    """Its reader; that its downloader compares the hashes was tried by hand: a whole run takes 10 seconds."""
    from img2dataset.reader import Reader

    folder, _ = rebuilt
    reader = Reader(str(folder / "list"), "json", "URL", "TEXT", "SHA256", "sha256", None, 100, set(), str(tmp_path))
    ((_, shard),) = reader
    with pa.ipc.open_file(shard) as file:
        rows = file.read_all().to_pylist()
    entries = entries_of(folder / "dataset").values()
    assert sorted((row["url"], row["sha256"]) for row in rows) == sorted((e["url"], e["sha256"]) for e in entries)
