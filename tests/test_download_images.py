"""The downloader's images that look the same: near-duplicates of a class, and what a test set holds."""

import io
import random
import shutil
import struct
import zlib

import numpy as np
import pytest
from download_server import Handler, chunks, contents, loaded, record
from PIL import Image

from retrieval.cli import UserError
from retrieval.download.lookalikes_excluded import excluded_images
from retrieval.download.perceptual_hash import hash_images, images_under, near_an_earlier
from retrieval.download.settings import NEAR_BITS

pytest_plugins = "download_server"


def drawn(name: str, size=(300, 200), kind="JPEG", **options) -> bytes:
    """An image that is near no other name's; another size, kind or quality of the same name is near."""
    noise = Image.frombytes("RGB", (12, 12), random.Random(name).randbytes(432))
    file = io.BytesIO()
    noise.resize(size, Image.Resampling.BICUBIC).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture()
def views(monkeypatch):
    """/view/<name>/<quality>: other bytes of the same image for each quality."""

    def serve_view(self, rest):
        name, quality = rest.split("/")
        self.answer(drawn(name, quality=int(quality)))

    monkeypatch.setattr(Handler, "serve_view", serve_view, raising=False)


def viewed(files) -> list[str]:
    """<name>/<quality> of each metadata entry, sorted."""
    return sorted(entry["url"].partition("/view/")[2] for entry in files.values())


def distances(some, others) -> np.ndarray:
    """Bits that differ, of each pair, counted one by one."""
    return np.array([[bin(int(one) ^ int(other)).count("1") for other in others] for one in some])


def clustered_hashes(number: int, seed: int) -> np.ndarray:
    """Hashes of which many are near others, in chains too."""
    luck = random.Random(seed)
    made = [luck.getrandbits(64) for _ in range(number // 10)]
    while len(made) < number:
        made.append(made[luck.randrange(len(made))] ^ sum({1 << luck.randrange(64) for _ in range(luck.randrange(5))}))
    luck.shuffle(made)
    return np.array(made, np.uint64)


@pytest.mark.parametrize("bits", [0, 2, 5])
def test_of_a_list_each_hash_that_is_near_one_kept_before_it_is_left_out(bits, monkeypatch):
    monkeypatch.setattr("retrieval.download.perceptual_hash.BLOCK", 64)
    hashes = clustered_hashes(500, seed=bits)
    near = distances(hashes, hashes) <= bits
    kept = []
    for number in range(len(hashes)):
        if not near[number, kept].any():
            kept.append(number)
    assert (~near_an_earlier(hashes, bits)).nonzero()[0].tolist() == kept
    assert near_an_earlier(hashes[:200], bits).tolist() == near_an_earlier(hashes, bits)[:200].tolist()
    assert near_an_earlier(hashes[:0], bits).tolist() == []


def test_an_image_in_another_size_quality_or_format_is_near_and_another_image_is_not(tmp_path):
    paths = []
    for name in ("one", "another"):
        image = Image.open(io.BytesIO(drawn(name, (600, 400), "PNG")))
        for end, size, options in (
            ("a.jpg", (600, 400), {"quality": 95}), ("b.jpg", (384, 256), {"quality": 30}), ("c.png", (300, 200), {}),
            ("d.webp", (256, 256), {"quality": 60}),
        ):  # fmt: skip
            paths.append(tmp_path / f"{name}-{end}")
            image.resize(size, Image.Resampling.BICUBIC).save(paths[-1], **options)
    (tmp_path / "no.jpg").write_bytes(b"no image")
    *hashes, broken = hash_images([*paths, tmp_path / "no.jpg"])
    assert broken is None
    assert distances(hashes[:4], hashes[:4]).max() <= NEAR_BITS >= distances(hashes[4:], hashes[4:]).max()
    assert distances(hashes[:4], hashes[4:]).min() > 16


def test_near_duplicates_are_kept_once_the_best_ranked_and_the_same_command_again_changes_nothing(
    server, tmp_path, download, views
):
    views_of = ["a/60", "b/90", "a/95", "c/80", "b/70", "a/80"]
    rows = [record(f"{server.at}/view/{view}", RANK=rank) for rank, view in enumerate(views_of)]
    rows += [record(f"{server.at}/view/a/95", "dotted"), record(f"{server.at}/view/a/95")]
    chunks(tmp_path / "chunks", rows)
    flags = ("--near-duplicates", "--prefer", "score")
    done = download(*flags)
    report, metadata, _ = loaded(tmp_path)
    assert viewed(metadata) == ["a/60", "a/95", "b/90", "c/80"]  # a/95 for the other class
    assert report["dropped"] == {"near-duplicate in its class": 3, "repeated (same URL and class)": 1}
    assert done.stderr.splitlines()[-1].startswith("8 rows read = 4 kept + 3 near-duplicate in its class")
    assert report["classes"]["banded"] == {"asked": 6, "live": 6, "kept": 3, "folder": "banded"}
    before = contents(tmp_path / "dataset")
    server.asked.clear()
    download(*flags)
    assert server.asked == [] and contents(tmp_path / "dataset") == before
    shutil.rmtree(tmp_path / "work")
    download(*flags)  # without what was fetched: the images that are placed stay
    assert contents(tmp_path / "dataset") == before


def test_near_duplicates_that_an_earlier_run_placed_are_removed(server, tmp_path, download, views):
    views_of = ["a/50", "a/90", "b/50", "b/90", "c/90"]
    chunks(tmp_path / "chunks", [record(f"{server.at}/view/{view}") for view in views_of])
    download()
    key = next(key for key, entry in loaded(tmp_path)[1].items() if "/c/" in entry["url"])
    (tmp_path / "dataset" / "banded" / f"{key}.jpg").write_bytes(b"broken")
    done = download("--near-duplicates", 6)
    assert "removed: 2 images that an earlier run placed" in done.stderr
    report, metadata, files = loaded(tmp_path)
    assert len({view[0] for view in viewed(metadata)}) == len(files) == report["kept"] == 3
    assert f"warning: 1 images cannot be read, and so are taken to be like no other (first: {tmp_path}" in done.stderr


def test_fill_counts_no_image_that_is_dropped_for_its_looks(server, tmp_path, download, views):
    views_of = [f"{name}/{quality}" for name in "abcdefgh" for quality in (50, 70, 90)]
    chunks(tmp_path / "chunks", [record(f"{server.at}/view/{view}", RANK=rank) for rank, view in enumerate(views_of)])
    (tmp_path / "test" / "deep").mkdir(parents=True)
    (tmp_path / "test" / "deep" / "b.png").write_bytes(drawn("b", (200, 200), "PNG"))
    (tmp_path / "test" / "labels.txt").write_text("no image")
    flags = ("--fill", 4, "--prefer", "score", "--near-duplicates", "--exclude", tmp_path / "test")
    download(*flags)
    report, metadata, _ = loaded(tmp_path)
    assert viewed(metadata) == ["a/50", "c/50", "d/50", "e/50"]
    assert report["dropped"]["like an image of --exclude"] == 3
    before = contents(tmp_path / "dataset")
    download(*flags)
    assert contents(tmp_path / "dataset") == before


def test_exclude_removes_what_is_placed_for_any_class_whether_it_is_asked_for_again_or_not(
    server, tmp_path, download, views
):
    chunks(tmp_path / "a", [record(f"{server.at}/view/{name}/90", "banded") for name in "pq"])
    chunks(tmp_path / "b", [record(f"{server.at}/view/{name}/90", "dotted") for name in "prs"])
    download(r=("a",))
    (tmp_path / "test").mkdir()
    for name in "pqr":
        (tmp_path / "test" / f"{name}.JPEG").write_bytes(drawn(name, (150, 100), quality=70))
    plan = download("--exclude", tmp_path / "test", "--dry-run", r=("b",))
    assert "wanted: 3 images of 1 classes" in plan.stderr and len(loaded(tmp_path)[2]) == 2
    done = download("--exclude", tmp_path / "test", r=("b",))
    assert "removed: 2 images that an earlier run placed" in done.stderr
    report, metadata, files = loaded(tmp_path)
    assert viewed(metadata) == ["s/90"]
    assert report["dropped"] == {"like an image of --exclude": 2}
    assert not (tmp_path / "dataset" / "banded").exists()  # ImageFolder refuses an empty class folder
    before = contents(tmp_path / "dataset")
    server.asked.clear()
    download("--exclude", tmp_path / "test", r=("b",))
    assert server.asked == [] and contents(tmp_path / "dataset") == before
    download(r=("b",))
    assert viewed(loaded(tmp_path)[1]) == ["p/90", "r/90", "s/90"]


def test_images_are_found_in_linked_folders_and_without_a_suffix_and_hidden_files_are_none(tmp_path):
    data, folder = drawn("x"), tmp_path / "test"
    for name in ("a/x.JPG", "a/deep/x.jfif", "a/._x.jpg", ".ipynb_checkpoints/x.jpg", "a/.DS_Store", "../far/x.webp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "a" / "x").write_bytes(data)
    (folder / "a" / "labels.txt").write_text("BM and other letters, at least sixteen")
    (folder / "linked").symlink_to(tmp_path / "far")
    (folder / "a" / "back").symlink_to(folder)
    (folder / "a" / "nowhere").symlink_to(tmp_path / "nothing")
    found = [str(path.relative_to(folder)) for path in images_under(folder)]
    assert found == ["a/deep/x.jfif", "a/x", "a/x.JPG", "linked/x.webp"]


@pytest.mark.parametrize("broken", ["a.avif", "a.png", "a.tiff", "a"])
def test_an_excluded_image_that_cannot_be_read_is_named(tmp_path, broken):
    sizes = struct.pack(">II", 20_000, 20_000)
    huge = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + sizes + b"\x08\0\0\0\0" + struct.pack(
        ">I", zlib.crc32(b"IHDR" + sizes + b"\x08\0\0\0\0")
    )  # fmt: skip
    files = {"a.avif": b"\0\0\0\x20ftypavif" + bytes(99), "a.png": huge, "a.tiff": b"II*\0\x08\0\0\0" + b"\xff" * 40,
             "a": drawn("a", kind="WEBP")[:200]}  # fmt: skip
    (tmp_path / "fine.jpg").write_bytes(drawn("fine"))
    (tmp_path / broken).write_bytes(files[broken])
    with pytest.raises(UserError, match=rf"1 of 2 images cannot be read.*\(first: {tmp_path}/{broken}\)"):
        excluded_images([tmp_path], "no", tmp_path / "work")


def test_what_is_see_through_is_compared_on_white(tmp_path):
    solid = Image.open(io.BytesIO(drawn("shape"))).convert("RGBA")
    solid.putalpha(Image.linear_gradient("L").resize(solid.size))
    solid.save(tmp_path / "clear.png")
    white = Image.alpha_composite(Image.new("RGBA", solid.size, "white"), solid)
    white.convert("RGB").save(tmp_path / "white.jpg")
    clear, white = hash_images([tmp_path / "clear.png", tmp_path / "white.jpg"])
    assert distances([clear], [white]).max() <= NEAR_BITS


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--exclude", "nothing"], "--exclude nothing is not a folder"),
        (["--exclude", "{empty}"], "no images in it"),
        (["--exclude", "{broken}"], "1 of 1 images cannot be read, so what is like them would be kept"),
        (["--exclude", "{dataset}/banded"], "overlaps with --dataset-output"),
        (["--near-duplicates", "17"], "--near-duplicates 17: more than 16 bits"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(tmp_path, download, flags, sentence):
    chunks(tmp_path / "chunks", [record("http://127.0.0.1:9/x.jpg")])
    folders = {"empty": tmp_path / "empty", "broken": tmp_path / "broken", "dataset": tmp_path / "dataset"}
    for folder in (*folders.values(), tmp_path / "dataset" / "banded"):
        folder.mkdir()
    (tmp_path / "broken" / "x.jpg").write_bytes(b"no image")
    done = download(*(flag.format(**folders) for flag in flags), code=2)
    assert sentence in done.stderr.splitlines()[-1]
