"""--exclude: which images are taken for copies of a test set's, and what is kept of the comparison."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from download_server import Handler, arguments, chunks, contents, loaded, record
from drawn_files import encoded, exif, files_of_every_kind
from PIL import Image

import download_urls_img2dataset
from retrieval.download import lookalikes
from retrieval.download.lookalikes_excluded import excluded_images
from retrieval.download.lookalikes_features import features_of, features_of_file, without_borders
from retrieval.download.lookalikes_judge import is_copy
from retrieval.download.lookalikes_votes import FEWEST_VOTES, LONGEST_LIST, TURN_BITS, VoteTables

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
from lookalikes import alterations, scene

pytest_plugins = "download_server"
SCENES = 8


@pytest.fixture(scope="module")
def excluded(tmp_path_factory):
    """Drawn scenes as a test set, of two folders and formats."""
    folder = tmp_path_factory.mktemp("excluded")
    for seed in range(SCENES):
        (folder / "test" / str(seed % 2)).mkdir(parents=True, exist_ok=True)
        scene(seed).save(folder / "test" / str(seed % 2) / f"{seed}.{('png', 'webp')[seed % 2]}")
    return excluded_images([folder / "test" / "0", folder / "test" / "1"], "keep_ratio", folder)


def shown_by(excluded, image: Image.Image) -> int | None:
    """The seed of the scene that the image is taken for a copy of."""
    found = excluded.shown_by(features_of(without_borders(np.asarray(image.convert("L")))))
    return None if found is None else int(Path(found).stem)


@pytest.mark.parametrize("seed", range(SCENES))
def test_altered_scenes_are_copies_of_their_own_scene(excluded, seed):
    found = {kind: shown_by(excluded, copy) for kind, (copy, _) in alterations(scene(seed)).items()}
    assert set(found.values()) <= {seed, None}
    assert {kind for kind, like in found.items() if like is None} <= {"corner 65"}


def test_strangers_are_no_copies(excluded):
    assert [shown_by(excluded, scene(seed)) for seed in range(100, 130)] == [None] * 30


def test_images_with_the_same_watermark_or_frame_are_no_copies(tmp_path):
    mark = scene(7, (120, 90))
    for seed in range(8):
        image = scene(seed + 200)
        image.paste(mark, (0, 0))
        image.save(tmp_path / f"{seed}.png")
    for frame in ("a.png", "b.png"):
        framed = scene(300)
        framed.paste(scene(ord(frame[0])).resize((240, 160)), (40, 40))
        framed.save(tmp_path / frame)
    features = [features_of_file(path) for path in sorted(tmp_path.glob("*.png"))]
    pairs = [(one, other) for one in features for other in features if one is not other]
    assert not any(is_copy(one, other) for one, other in pairs)
    assert all(is_copy(one, one) for one in features)


def test_textures_of_one_class_are_no_copies_of_one_another(tmp_path):
    sys.path.insert(0, str(Path(__file__).parent.parent / "demo"))
    from draw_textures import CLASSES, draw

    some = CLASSES[::3]
    for name in some:
        Image.fromarray(draw(name, 0).pixels).save(tmp_path / f"{name}.png")
    excluded = excluded_images([tmp_path], "keep_ratio", tmp_path)
    assert [excluded.shown_by(features_of(draw(name, 1).pixels[..., 1])) for name in some] == [None] * len(some)


PLAIN = {
    "white": Image.new("RGB", (300, 200), "white"), "black": Image.new("RGB", (300, 200)),
    "dot": Image.new("L", (1, 1)), "line": Image.new("RGB", (900, 1), "red"), "clear": Image.new("RGBA", (64, 64)),
    "slope": Image.linear_gradient("L"), "noiseless": Image.new("RGB", (5000, 40), "gray"),
}  # fmt: skip


def test_plain_images_are_no_copies_of_one_another_and_are_named(tmp_path, capsys):
    for name, image in PLAIN.items():
        image.save(tmp_path / f"{name}.png")
    scene(1).save(tmp_path / "scene.png")
    excluded = excluded_images([tmp_path], "keep_ratio", tmp_path)
    assert [excluded.shown_by(features_of_file(tmp_path / f"{name}.png")) for name in PLAIN] == [None] * len(PLAIN)
    assert excluded.shown_by(features_of_file(tmp_path / "scene.png")) == str(tmp_path / "scene.png")
    said = capsys.readouterr().err
    assert f"warning: --exclude: {len(PLAIN)} of 8 images have too few corners" in said and "black.png" in said


def test_a_test_set_of_plain_images_only_excludes_nothing(tmp_path):
    PLAIN["white"].save(tmp_path / "white.png")
    excluded = excluded_images([tmp_path], "center_crop", tmp_path)
    assert excluded.shown_by(features_of_file(tmp_path / "white.png")) is None
    assert excluded.shown_by(features_of(np.asarray(scene(0).convert("L")))) is None


def test_files_of_every_kind_are_compared_as_they_are_shown(tmp_path):
    scene(3).save(tmp_path / "plain.png")
    original = features_of_file(tmp_path / "plain.png")
    grey = Image.fromarray(np.asarray(scene(3).convert("L")).astype(np.uint16) * 257)
    moving = {"save_all": True, "append_images": [scene(4)]}
    kinds = {
        "turned.jpg": encoded(scene(3).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif(6)),
        "deep.png": encoded(grey, "PNG"), "moving.gif": encoded(scene(3), "GIF", **moving),
        "moving.webp": encoded(scene(3), "WEBP", **moving), "cmyk.jpg": encoded(scene(3).convert("CMYK"), "JPEG"),
        "palette.png": encoded(scene(3).quantize(64), "PNG"),
        "huge.jpg": encoded(scene(3).resize((3200, 2400)), "JPEG"),
    }  # fmt: skip
    for name, data in kinds.items():
        (tmp_path / name).write_bytes(data)
        assert is_copy(features_of_file(tmp_path / name), original), name
    for name, (data, _) in files_of_every_kind(5).items():
        (tmp_path / "any").write_bytes(data)
        features = features_of_file(tmp_path / "any")
        assert features is None or not is_copy(features, original), name


@pytest.mark.parametrize("resize_mode", ["keep_ratio", "keep_ratio_largest", "center_crop", "border", "no"])
@pytest.mark.parametrize("size", [(500, 200), (200, 330), (90, 90)])
def test_a_copy_is_found_in_what_img2dataset_stores(tmp_path, resize_mode, size):
    from img2dataset.resizer import Resizer

    scene(1, size).save(tmp_path / "x.png")
    stored, *_, error = Resizer(256, resize_mode, False)((tmp_path / "x.png").open("rb"))
    assert error is None
    (tmp_path / "stored").write_bytes(stored)
    excluded = excluded_images([tmp_path], resize_mode, tmp_path)
    assert excluded.shown_by(features_of_file(tmp_path / "stored"))


def test_votes_are_the_features_that_share_bits_and_turn():
    luck = np.random.default_rng(0)
    codes = np.repeat(luck.integers(0, 256, (60, 32), np.uint8), 50, axis=0)
    codes[luck.random(codes.shape) < 0.1] ^= 1
    angles = luck.integers(0, 256, len(codes)).astype(np.uint8)
    images = luck.integers(0, 12, len(codes))
    order = np.argsort(images, kind="stable")
    codes, angles, images = codes[order], angles[order], images[order]
    tables = VoteTables(codes, angles, np.searchsorted(images, range(13)))
    image = features_of(np.asarray(scene(0).convert("L")))
    image = type(image)(image.points[:40], angles[::75].copy(), codes[::75].copy(), image.width, image.thumbnail)
    votes = np.zeros((12, 1 << TURN_BITS), int)
    for code, angle in zip(np.unpackbits(image.codes, axis=1), image.angles, strict=True):
        for bits in tables.bits:
            same = (np.unpackbits(codes, axis=1)[:, bits] == code[bits]).all(axis=1).nonzero()[0]
            turns = (int(angle) - angles[same].astype(int) + 16) % 256 // 32
            np.add.at(votes, (images[same], turns), len(same) <= LONGEST_LIST)
    best = votes.max(axis=1)
    found = tables.candidates(image)
    assert found and len(found) == min(5, (best >= FEWEST_VOTES).sum())
    assert sorted(best[found], reverse=True) == best[found].tolist() == sorted(best, reverse=True)[: len(found)]


# ---- in the downloader ----


@pytest.fixture()
def scenes(monkeypatch):
    """/scene/<seed>/<alteration> of benchmarks/lookalikes.py."""

    def serve_scene(self, rest):
        seed, kind = rest.split("/")
        self.answer(encoded(alterations(scene(int(seed)))[kind][0], "JPEG", quality=90))

    monkeypatch.setattr(Handler, "serve_scene", serve_scene, raising=False)


def kept(tmp_path) -> list[str]:
    return sorted(entry["url"].partition("/scene/")[2] for entry in loaded(tmp_path)[1].values())


def test_each_copy_is_named_with_its_original_and_compared_once_per_test_set(server, tmp_path, download, scenes):
    views = ["1/same", "1/mirror", "2/border", "3/same", "4/half"]
    chunks(tmp_path / "chunks", [record(f"{server.at}/scene/{view}", RANK=rank) for rank, view in enumerate(views)])
    (tmp_path / "test").mkdir()
    scene(1).save(tmp_path / "test" / "one.png")
    flags = ("--exclude", tmp_path / "test")
    done = download(*flags)
    assert kept(tmp_path) == ["2/border", "3/same", "4/half"] and "+ 2 like an image of --exclude" in done.stderr
    report = loaded(tmp_path)[0]["excluded"]
    lines = [json.loads(line) for line in (tmp_path / "work" / "excluded.jsonl").read_text().splitlines()]
    assert report == {"images": 1, "with_copies": 1, "copies": 2, "first_copies": lines}
    assert json.dumps(report) in (tmp_path / "dataset" / "report.html").read_text()
    assert sorted(line["url"].rpartition("/")[2] for line in lines) == ["mirror", "same"]
    assert {line["excluded_by"] for line in lines} == {str(tmp_path / "test" / "one.png")}
    before, work = contents(tmp_path / "dataset"), sorted((tmp_path / "work").rglob("part-*.parquet"))
    assert download(*flags) and contents(tmp_path / "dataset") == before
    assert sorted((tmp_path / "work").rglob("part-*.parquet")) == work

    scene(2).save(tmp_path / "test" / "one.png")  # another file under the same name
    assert "removed: 1 images" in download(*flags).stderr and kept(tmp_path) == [
        "1/mirror",
        "1/same",
        "3/same",
        "4/half",
    ]
    assert len(list((tmp_path / "work").glob("excluded-*.npz"))) == 1


def test_a_killed_comparison_goes_on_where_it_was_and_looks_at_no_image_twice(
    server, tmp_path, download, scenes, monkeypatch
):
    chunks(tmp_path / "chunks", [record(f"{server.at}/scene/{seed}/same") for seed in range(6)])
    download()
    for seed in (1, 4):
        (tmp_path / "test").mkdir(exist_ok=True)
        scene(seed).save(tmp_path / "test" / f"{seed}.png")
    looked_at = []

    def compare(files, excluded):
        if len(looked_at) == 4 and not killed:
            killed.append(True)
            raise KeyboardInterrupt
        looked_at.extend(files)
        return whole(files, excluded)

    killed, whole = [], lookalikes._compare
    monkeypatch.setattr(lookalikes, "_compare", compare)
    monkeypatch.setitem(lookalikes.IMAGES_PER_SAVE, "likenesses", 2)
    flags = [str(flag) for flag in arguments(tmp_path, "--exclude", tmp_path / "test")]
    assert download_urls_img2dataset.main(flags) == 130 and len(looked_at) == 4
    assert download_urls_img2dataset.main(flags) == 0 and len(looked_at) == len(set(looked_at)) == 6
    assert kept(tmp_path) == [f"{seed}/same" for seed in (0, 2, 3, 5)]
