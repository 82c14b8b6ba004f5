"""Features of a folder's images: against open_clip's own pass, embedded once, stopped at every write, broken files."""

import os
import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from tiny_clip import write_tiny_clip

from retrieval.cli import UserError
from retrieval.clip_model import ClipModel, load_clip
from retrieval.dataset import image_features
from retrieval.dataset.image_features import default_features, embed_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> ClipModel:
    return load_clip(write_tiny_clip(tmp_path_factory.mktemp("model")), "cpu")


@pytest.fixture
def embedded(monkeypatch) -> list[int]:
    """Gets the number of images of each batch that the model embeds; batches are small."""
    counts, embed = [], ClipModel.embed_pixels
    monkeypatch.setattr(ClipModel, "embed_pixels", lambda self, p: counts.append(len(p)) or embed(self, p))
    monkeypatch.setattr(image_features, "IMAGE_BATCH", 3)
    monkeypatch.setattr(image_features, "PART_IMAGES", 6)
    return counts


def write_image(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    Image.fromarray(pixels).resize((48, 40)).save(path)


def write_folder(folder: Path, images: int) -> Path:
    for number in range(images):
        write_image(folder / ("cat" if number % 2 else "a dog") / f"{number:03}.jpg", number)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_features_are_those_of_open_clip(tmp_path, model, embedded):
    folder = write_folder(tmp_path / "data", 20)
    features = embed_folder(folder, model)
    checkpoint = model.name.removeprefix("open_clip:tiny-random/")
    network, _, preprocess = open_clip.create_model_and_transforms("tiny-random", pretrained=checkpoint)
    with torch.no_grad():
        pixels = torch.stack([preprocess(Image.open(folder / name)) for name in features.names])
        theirs = network.eval().encode_image(pixels, normalize=True).numpy()
    assert np.abs(features.rows - theirs).max() < 1e-3 and features.rows.dtype == np.float32
    assert features.names == sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.jpg"))
    assert features.labels == ["a dog"] * 10 + ["cat"] * 10 and features.keys[:2] == ["000", "002"]
    assert sum(embedded) == 20 and not features.lost


def test_a_picture_is_embedded_once_wherever_it_goes(tmp_path, model, embedded):
    folder = write_folder(tmp_path / "data", 10)
    shutil.copy(folder / "cat/001.jpg", folder / "a dog/copy.jpg")
    first = embed_folder(folder, model)
    assert sum(embedded) == 10 and len(first.names) == 11
    (folder / "cat/003.jpg").rename(folder / "cat/renamed.jpg")
    os.utime(folder / "cat/005.jpg", (0, 0))
    write_image(folder / "cat/new.jpg", 77)
    linked = shutil.copytree(folder, tmp_path / "linked", copy_function=os.link)
    assert sum(embedded) == 10
    again = embed_folder(folder, model)
    other = embed_folder(linked, model, default_features(folder))
    assert sum(embedded) == 11
    assert (again.rows == other.rows).all() and again.names == other.names
    row_of = dict(zip(first.hashes, first.rows, strict=True))
    assert all((row == row_of.get(digest, row)).all() for digest, row in zip(again.hashes, again.rows, strict=True))


def test_a_changed_picture_is_embedded_again(tmp_path, model, embedded):
    folder = write_folder(tmp_path / "data", 4)
    before = embed_folder(folder, model)
    write_image(folder / "cat/001.jpg", 99)
    after = embed_folder(folder, model)
    assert sum(embedded) == 5
    assert [name for name, one, other in zip(before.names, before.rows, after.rows, strict=True)
            if (one != other).any()] == ["cat/001.jpg"]  # fmt: skip


def test_a_broken_image_is_named_and_takes_no_other_with_it(tmp_path, model, embedded):
    folder = write_folder(tmp_path / "data", 7)
    whole = embed_folder(folder, model).rows
    content = (folder / "cat/001.jpg").read_bytes()
    (folder / "cat/cut.jpg").write_bytes(content[: len(content) // 2])
    (folder / "cat/page.jpg").write_bytes(b"<html>")
    (folder / "cat/nowhere.jpg").symlink_to(tmp_path / "gone")
    os.mkfifo(folder / "cat/pipe.jpg")
    for _ in range(2):
        features = embed_folder(folder, model)
        assert features.lost == {"cat/cut.jpg": "broken", "cat/page.jpg": "no image",
                                 "cat/nowhere.jpg": "missing", "cat/pipe.jpg": "missing"}  # fmt: skip
        assert (features.rows == whole).all()


def test_stopped_at_every_write_it_ends_with_the_same_bytes(tmp_path, model, embedded, monkeypatch):
    folder = write_folder(tmp_path / "data", 20)
    (folder / "cat/page.jpg").write_bytes(b"<html>")
    embed_folder(folder, model, tmp_path / "whole")
    whole, replace = files_of(tmp_path / "whole"), os.replace
    for stop_at in range(9):
        writes = []

        def dying(one, other, writes=writes, stop_at=stop_at):
            if len(writes) == stop_at:
                raise KeyboardInterrupt
            writes.append(other)
            replace(one, other)

        features = tmp_path / f"stopped {stop_at}"
        monkeypatch.setattr(os, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            embed_folder(folder, model, features)
        monkeypatch.setattr(os, "replace", replace)
        kept = {path: path.stat().st_ino for path in features.rglob("img_emb_*.json")}
        next(features.iterdir()).joinpath(".img_emb_00001.npy.0a1b2c3d.part").write_bytes(
            b"killed while it was written"
        )
        embedded.clear()
        embed_folder(folder, model, features)
        assert files_of(features) == whole
        assert sum(embedded) == 20 - 6 * len(kept) and kept == {path: path.stat().st_ino for path in kept}


def test_a_damaged_part_is_made_again(tmp_path, model, embedded, capsys):
    folder = write_folder(tmp_path / "data", 20)
    first = embed_folder(folder, model)
    part = next(default_features(folder).rglob("img_emb_00001.npy"))
    part.write_bytes(part.read_bytes()[:-8])
    embedded.clear()
    assert (embed_folder(folder, model).rows == first.rows).all()
    assert sum(embedded) == 6 and "img_emb_00001.npy is damaged" in capsys.readouterr().err


def test_models_and_preprocessings_share_no_features(tmp_path, model, embedded):
    folder = write_folder(tmp_path / "data", 4)
    embed_folder(folder, model)
    other = ClipModel(**(vars(model) | {"preprocess": open_clip.image_transform(32, is_train=False, mean=(0, 0, 0))}))
    embed_folder(folder, other)
    assert sum(embedded) == 8 and len(list(default_features(folder).iterdir())) == 2


def test_what_is_no_image_folder_is_refused(tmp_path, model):
    with pytest.raises(UserError, match="is not a folder"):
        embed_folder(tmp_path / "nothing", model)
    write_image(tmp_path / "flat" / "0.jpg", 0)
    with pytest.raises(UserError, match="no images in class folders"):
        embed_folder(tmp_path / "flat", model)


def test_the_loaders_of_image_folders_do_not_see_the_features(tmp_path, model):
    from torchvision.datasets import ImageFolder

    folder = write_folder(tmp_path / "data", 4)
    before = files_of(folder)
    embed_folder(folder, model)
    assert files_of(folder) == before and ImageFolder(folder).classes == ["a dog", "cat"]
