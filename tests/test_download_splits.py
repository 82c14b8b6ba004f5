"""--val-fraction: which images are validation images, and that they stay it."""

import json

from download_server import chunks, contents, planned, record

from retrieval.download.plan_outcome import judge, list_leaving
from retrieval.download.plan_splits import assign_splits

pytest_plugins = "download_server"  # the fixtures `server` and `download`


def split_of(tmp_path, rows: list[tuple[str, str]], fraction: float, placed: dict | None = None) -> dict:
    """(file, class) -> split of new images. `placed`: (file, class) -> split of those of earlier runs."""
    found = [record(f"http://example.com/{name}/{file}", name, MATCHED=file) for file, name in rows]
    database = planned(tmp_path, found)
    for number, ((file, name), split) in enumerate((placed or {}).items()):
        database.execute(
            "INSERT INTO placed (key, url, url_hash, class, sha256, split) SELECT ?, ?, md5_number(?), ?, ?, ?",
            [f"{number}", f"{number}", f"{number}", name, file, split],
        )
    judge(database)
    database.execute("UPDATE outcome SET drop_reason = NULL, sha256 = MATCHED FROM asked WHERE asked.key = outcome.key")
    list_leaving(database)
    assign_splits(database, fraction)
    chosen = database.execute("SELECT sha256, class, split FROM outcome").fetchall()
    return {(file, name): split for file, name, split in chosen}


def test_the_fraction_holds_and_an_image_is_in_the_same_split_whatever_comes_beside_it(tmp_path):
    rows = [(f"file{number}", "a") for number in range(2_000)]
    splits = split_of(tmp_path, rows, 0.2)
    assert set(splits.values()) == {"train", "val"}
    assert 320 < sum(split == "val" for split in splits.values()) < 480  # 400 and 4.5 standard deviations
    part = split_of(tmp_path, rows[500:900], 0.2)
    assert part == {image: splits[image] for image in part}


def test_the_same_file_is_in_one_split_in_all_classes(tmp_path):
    rows = [(f"file{number}", name) for number in range(300) for name in "ab"]
    splits = split_of(tmp_path, rows, 0.5)
    assert all(splits[file, "a"] == splits[file, "b"] for file, _ in rows)


def test_a_class_of_two_or_more_images_has_a_validation_image(tmp_path):
    rows = [(f"{name} {number}", name) for name in map(str, range(100)) for number in range(2)]
    rows += [(f"single {number}", f"single {number}") for number in range(100)]
    splits = split_of(tmp_path, rows, 0.001)
    val = [name for (_, name), split in splits.items() if split == "val"]
    assert sorted(name for name in val if "single" not in name) == sorted(map(str, range(100)))
    assert len(val) <= 102


def test_what_earlier_runs_placed_decides(tmp_path):
    placed = {("file1", "a"): "val", ("file2", "b"): "train"}
    splits = split_of(tmp_path, [(f"file{number}", "b") for number in range(50)], 0.001, placed)
    assert splits["file1", "b"] == "val" and splits["file2", "b"] == "train"
    assert sum(split == "val" for split in splits.values()) <= 2
    more = split_of(tmp_path, [(f"new{number}", "a") for number in range(50)], 0.001, placed)
    assert "val" not in more.values()  # class a has one


def test_a_later_run_keeps_the_splits_and_other_fractions_are_refused(server, tmp_path, download):
    rows = [record(f"{server.at}/jpeg/{number}", ["a", "b"][number % 2]) for number in range(30)]
    rows += [record(f"{server.at}/jpeg/single", "single")]
    chunks(tmp_path / "chunks", rows[12:])
    first = download("--val-fraction", 0.3)
    assert "1 classes have images in one split only (first: single)" in first.stderr
    before = {path: data for path, data in contents(tmp_path / "dataset").items() if path.endswith(".jpg")}
    download("--val-fraction", 0.3)
    chunks(tmp_path / "more", rows)
    download("--val-fraction", 0.3, r=("more",))
    after = contents(tmp_path / "dataset")
    assert before.items() <= after.items()
    assert sum(path.endswith(".jpg") for path in after) == 31
    for split in ("train", "val"):
        assert sorted(path.name for path in (tmp_path / "dataset" / split).iterdir() if path.is_dir()) == [
            "a", "b", "single"
        ]  # fmt: skip
        lines = (tmp_path / "dataset" / split / "metadata.jsonl").read_text().splitlines()
        assert all((tmp_path / "dataset" / split / json.loads(line)["file_name"]).exists() for line in lines)
    assert "made with --val-fraction 0.3, not 0.1" in download("--val-fraction", 0.1, code=2).stderr
    assert "made with --val-fraction 0.3, not None" in download(code=2).stderr
    assert "more than 0 and less than 1" in download("--val-fraction", 1, code=2).stderr
