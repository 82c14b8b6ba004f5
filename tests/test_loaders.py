"""What the downloader and judge_images.py make loads with torchvision, `datasets` and webdataset, and trains.

`datasets` is in .venv-datasets, which `make test` sets up; DATASETS_PYTHON names another Python that has it.
"""

import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import webdataset
from download_server import arguments, chunks, record, serving
from tiny_clip import write_tiny_clip
from torchvision.datasets import ImageFolder

ROOT = Path(__file__).parent.parent
DATASETS_PYTHON = Path(os.environ.get("DATASETS_PYTHON", ROOT / ".venv-datasets" / "bin" / "python"))
CLASSES = ["high-speed train", "a [b]: #1 'é'", "dotted"]  # `datasets` takes the first for the split "train"
FOLDERS = sorted(["high-speed train", "a [b]_ #1 'é'", "dotted"])
MADE = {  # folder -> (filters, flags)
    "substring": (["substring"], []),
    "semantic": (["semantic"], []),
    "both": (["substring", "semantic"], []),
    "split": (["substring", "semantic"], ["--val-fraction", "0.3"]),
    "tars": (["substring", "semantic"], ["--webdataset"]),
    "split-tars": (["substring", "semantic"], ["--webdataset", "--val-fraction", "0.3"]),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory, run_script):
    """A folder with what the downloader makes of records of either filter, whose fields differ in type and in nulls."""
    folder = tmp_path_factory.mktemp("made")
    with serving() as server:
        urls = [(f"{server.at}/jpeg/{number}", CLASSES[number % 3]) for number in range(36)]
        chunks(folder / "in" / "substring", [record(url, name, LICENSE=None) for url, name in urls[:24]])
        chunks(folder / "in" / "semantic", [
            record(url, name, SAMPLE_ID=f"{number:032x}", SOURCE="text_index", MATCHED=f"a photo of a {name}.",
                   SCORE=0.25, RANK=number, ROW=f"laion2B-en:{number}", punsafe=0.1)
            for number, (url, name) in enumerate(urls[12:])
        ])  # fmt: skip
        for out, (filters, flags) in MADE.items():
            sources, work = [f"in/{name}" for name in filters], f"work-{out}" if "tars" in out else "work"
            done = run_script("download_urls_img2dataset.py", *arguments(folder, *flags, r=sources, w=work, out=out))
            assert done.returncode == 0, done.stderr
    judged = ("--model", write_tiny_clip(folder), "--max-per-class", 8, "--output", folder / "judged")
    done = run_script("dataset_helper/judge_images.py", folder / "both", *judged)
    assert done.returncode == 0, done.stderr
    return folder


def train_one_step(pixels: np.ndarray, labels: np.ndarray) -> None:
    """One step of gradient descent on uint8 pixels (n, side, side, 3) lowers the loss."""
    images, targets = torch.from_numpy(pixels).flatten(1) / 255 - 0.5, torch.from_numpy(labels).long()
    model = torch.nn.Linear(images.shape[1], len(CLASSES))
    optimizer, loss = torch.optim.SGD(model.parameters(), lr=1e-3), torch.nn.CrossEntropyLoss()
    before = loss(model(images), targets)
    before.backward()
    optimizer.step()
    assert loss(model(images), targets) < before


def small(image) -> np.ndarray:
    return np.asarray(image.resize((32, 32)).convert("RGB"))


def loaded_by_datasets(tmp_path, *words) -> dict[str, np.ndarray]:
    if not DATASETS_PYTHON.exists():
        pytest.skip(f"{DATASETS_PYTHON} is not there: make .venv-datasets/.complete")
    command = [DATASETS_PYTHON, ROOT / "tests" / "load_with_datasets.py", *words, tmp_path / "out.npz"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return dict(np.load(tmp_path / "out.npz"))


def entries_of(folder: Path) -> dict[str, dict]:
    return json.loads((folder / "metadata.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name, images", [("substring", 24), ("semantic", 24), ("both", 36), ("judged", 24)])
def test_torchvision_loads_the_folder_its_names_are_decimal_and_it_trains(made, name, images):
    data = ImageFolder(made / name)
    assert data.classes == FOLDERS and len(data) == images
    for path, label in data.samples:
        key = Path(path).stem
        assert str(int(key)) == key and int(key) < 2**63
        assert entries_of(made / name)[key]["label"] == FOLDERS[label]
    train_one_step(np.stack([small(image) for image, _ in data]), np.array(data.targets))


def test_torchvision_numbers_the_classes_of_both_splits_alike(made):
    train, val = (ImageFolder(made / "split" / split) for split in ("train", "val"))
    assert train.classes == val.classes == FOLDERS
    assert len(train) + len(val) == 36 and 3 <= len(val) <= 18
    entries = entries_of(made / "split")
    for split, data in (("train", train), ("val", val)):
        assert {entries[Path(path).stem]["split"] for path, _ in data.samples} == {split}


@pytest.mark.parametrize("name, images", [("substring", 24), ("semantic", 24), ("both", 36), ("judged", 24)])
def test_datasets_loads_the_folder_with_labels_and_metadata_and_it_trains(made, tmp_path, name, images):
    found = loaded_by_datasets(tmp_path, made / name)
    assert found["train names"].tolist() == FOLDERS and len(found["train rows"]) == images
    entries = entries_of(made / name)
    for row in map(json.loads, found["train rows"]):
        entry = entries[row.pop("key")]
        assert row == entry | {"label": FOLDERS.index(entry["label"])}
    train_one_step(found["train pixels"], found["train labels"])


def test_datasets_finds_the_splits(made, tmp_path):
    found = loaded_by_datasets(tmp_path, made / "split")
    entries = entries_of(made / "split")
    for split, ours in (("train", "train"), ("validation", "val")):
        rows = [json.loads(row) for row in found[f"{split} rows"]]
        assert {row["key"] for row in rows} == {key for key, entry in entries.items() if entry["split"] == ours}
        assert found[f"{split} names"].tolist() == FOLDERS
        train_one_step(found[f"{split} pixels"], found[f"{split} labels"])


def test_imagefolder_of_datasets_takes_the_metadata_where_no_class_is_named_like_a_split(made, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    lines = (made / "both" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if json.loads(line)["QUERY"] != CLASSES[0]]
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in FOLDERS:
        if name != CLASSES[0]:
            (folder / name).symlink_to(made / "both" / name)
    found = loaded_by_datasets(tmp_path, "imagefolder", folder)
    assert len(found["train rows"]) == 24 and sorted(found["train names"]) == [FOLDERS[0], FOLDERS[1]]


def test_datasets_and_webdataset_load_the_tars_and_they_train(made, tmp_path):
    entries, classes = entries_of(made / "tars"), (made / "tars" / "classes.txt").read_text().splitlines()
    found = loaded_by_datasets(tmp_path, made / "tars")
    assert len(found["train rows"]) == 36
    for row, label in zip(found["train rows"], found["train labels"], strict=True):
        assert classes[label] == json.loads(row)["QUERY"]
    train_one_step(found["train pixels"], found["train labels"])
    data = webdataset.WebDataset(str(made / "tars" / "00000.tar"), shardshuffle=False).decode("pil")
    samples = list(data.to_tuple("__key__", "jpg", "cls"))
    assert [key for key, _, _ in samples] == sorted(entries)
    train_one_step(np.stack([small(image) for _, image, _ in samples]), np.array([label for *_, label in samples]))


def test_datasets_loads_tars_in_which_a_field_is_null_in_all_images_but_the_last(made, tmp_path):
    folder = shutil.copytree(made / "tars", tmp_path / "tars")
    with tarfile.open(folder / "00000.tar") as tar:
        files = [(member, tar.extractfile(member).read()) for member in tar]
    names = sorted(member.name for member, _ in files if member.name.endswith(".json"))
    with tarfile.open(folder / "00000.tar", "w") as tar:
        for member, content in files:
            if member.name in names:
                similarity = 0.5 if member.name == names[-1] else None
                content = json.dumps(json.loads(content) | {"similarity": similarity}).encode()
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    rows = [json.loads(row) for row in loaded_by_datasets(tmp_path, folder)["train rows"]]
    assert [row["similarity"] for row in rows] == [None] * 35 + [0.5]


def test_tars_have_splits_too(made, tmp_path):
    entries = entries_of(made / "split-tars")
    assert entries == entries_of(made / "split")
    found = loaded_by_datasets(tmp_path, made / "split-tars")
    for split, ours in (("train", "train"), ("validation", "val")):
        assert len(found[f"{split} rows"]) == sum(entry["split"] == ours for entry in entries.values())
