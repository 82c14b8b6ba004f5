"""Images to embedding files: against open_clip's own pass, with broken images, tars, kills and bad input."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import compute_image_embeddings as script
import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from drawn_files import swapped_profile
from PIL import Image

from retrieval.indexing import image_units
from retrieval.indexing.image_units import unit_names

CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny CLIP with random weights: its name, and what open_clip itself says of images."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "tiny-image.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder / "tiny-image.json")
    torch.manual_seed(0)
    network = open_clip.create_model("tiny-image").eval()
    torch.save(network.state_dict(), folder / "tiny-image.pt")
    _, _, preprocess = open_clip.create_model_and_transforms(
        "tiny-image", pretrained=str(folder / "tiny-image.pt"), device="cpu"
    )

    def embed(files: list) -> np.ndarray:
        with torch.no_grad():
            pixels = torch.stack([preprocess(Image.open(file).convert("RGB")) for file in files])
            return network.encode_image(pixels, normalize=True).numpy()

    return f"open_clip:tiny-image/{folder}/tiny-image.pt", embed


def image_bytes(seed: int, kind: str = "JPEG", mode: str = "RGB", size=(48, 40)) -> bytes:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).resize(size).convert(mode)
    content = io.BytesIO()
    coarse.save(content, kind)
    return content.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def bomb() -> bytes:
    """A PNG that says it has 10 gigapixels."""
    content = bytearray(image_bytes(0, "PNG"))
    content[16:24] = (100_000).to_bytes(4, "big") * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


BROKEN = {
    "bomb.png": bomb(),
    "html.jpg": b"<html>gone</html>",
    "short.jpg": image_bytes(1, size=(400, 400))[:900],
    "nothing.png": b"",
}


def run(images: Path, out: Path, model: str, *flags: str) -> int:
    outputs = ["--output_embeddings_dir", str(out / "emb"), "--output-metadata-dir", str(out / "metadata")]
    return script.main(["--images", str(images), *outputs, "--model", model, "--device", "cpu", *flags])


def results(out: Path, name: str = "0000"):
    return np.load(out / f"emb/img_emb_{name}.npy"), pq.read_table(
        out / f"metadata/metadata_{name}.parquet"
    ).to_pylist()


def test_an_image_folder_becomes_open_clips_embeddings_in_order(model, tmp_path):
    kinds = [("JPEG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "L"), ("WEBP", "RGB"), ("JPEG", "CMYK")]
    for seed in range(30):
        kind, mode = kinds[seed % len(kinds)]
        write(
            tmp_path / f"data/{'dots' if seed % 2 else 'lines'}/{seed:02}.{kind.lower()}", image_bytes(seed, kind, mode)
        )
    assert run(tmp_path / "data", tmp_path, model[0], "--batch-size", "7") == 0
    embedded, rows = results(tmp_path)
    assert embedded.dtype == np.float16 and embedded.shape == (30, 24)
    assert [row["image_path"] for row in rows] == sorted(row["image_path"] for row in rows)
    assert {row["class"] for row in rows} == {"dots", "lines"}
    expected = model[1]([tmp_path / "data" / row["image_path"] for row in rows])
    np.testing.assert_allclose(embedded, expected, atol=5e-4)  # float16 keeps 11 bits


def test_images_that_do_not_decode_leave_both_files_and_are_counted_by_reason(model, tmp_path, capsys):
    for seed in range(10):
        write(tmp_path / f"data/a/{seed}.jpg", image_bytes(seed))
    for name, content in BROKEN.items():
        write(tmp_path / f"data/a/{name}", content)
    assert run(tmp_path / "data", tmp_path, model[0], "--batch-size", "3") == 0
    embedded, rows = results(tmp_path)
    assert [row["image_path"] for row in rows] == [f"a/{seed}.jpg" for seed in range(10)]
    np.testing.assert_allclose(embedded, model[1]([tmp_path / "data" / row["image_path"] for row in rows]), atol=5e-4)
    assert capsys.readouterr().err.splitlines()[-1] == (
        "1 units asked, 1 done, 0 unreadable; 14 pictures asked, 10 embedded, "
        "1 broken, 2 no image, 1 over 89,478,485 pixels"
    )


def test_a_batch_of_nothing_but_broken_images_is_no_obstacle(model, tmp_path):
    for number in range(6):
        write(tmp_path / f"data/a/{number}.jpg", BROKEN["html.jpg"])
    write(tmp_path / "data/a/9.jpg", image_bytes(9))
    assert run(tmp_path / "data", tmp_path, model[0], "--batch-size", "2") == 0
    embedded, rows = results(tmp_path)
    assert embedded.shape == (1, 24) and rows[0]["image_path"] == "a/9.jpg"


def test_rows_of_a_parquet_keep_all_their_columns_beside_their_images_embedding(model, tmp_path, capsys):
    paths = []
    for seed in range(20):
        write(tmp_path / f"images/{seed}.jpg", image_bytes(seed))
        paths.append(f"{seed}.jpg")
    paths[3], paths[11] = None, "never.jpg"
    pool = pa.table({"url": [f"https://x.org/{row}" for row in range(20)], "file": paths, "width": range(20)})
    pq.write_table(pool, tmp_path / "metadata_0007.parquet", row_group_size=6)
    flags = ["--metadata", str(tmp_path / "metadata_0007.parquet"), "--image-column", "file", "--batch-size", "4"]
    assert run(tmp_path / "images", tmp_path, model[0], *flags) == 0
    embedded, rows = results(tmp_path, "0007")
    assert rows == [row for row in pool.to_pylist() if row["width"] not in (3, 11)]
    np.testing.assert_allclose(embedded, model[1]([tmp_path / "images" / row["file"] for row in rows]), atol=5e-4)
    assert "20 pictures asked, 18 embedded, 2 missing" in capsys.readouterr().err


def write_tar(path: Path, samples: dict) -> Path:
    """samples: key -> {suffix: bytes}, as img2dataset's webdataset writer lays them out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for key, sample in samples.items():
            for suffix, content in sample.items():
                member = tarfile.TarInfo(f"{key}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_webdataset_tars_become_a_file_each_with_what_their_json_says(model, tmp_path):
    for tar in range(2):
        samples = {}
        for seed in range(12):
            info = {"url": f"https://x.org/{tar}/{seed}", "key": f"{tar:05}{seed:04}", "exif": {"a": 1}, "width": 48}
            samples[f"{tar:05}{seed:04}"] = {
                "jpg": image_bytes(100 * tar + seed) if seed != 5 else b"junk",
                "json": json.dumps(info).encode(),
                "txt": f"caption {seed}".encode(),
            }
        write_tar(tmp_path / f"data/{tar:05}.tar", samples)
    assert run(tmp_path / "data", tmp_path, model[0], "--batch-size", "5") == 0
    for tar in range(2):
        embedded, rows = results(tmp_path, f"{tar:05}")
        seeds = [seed for seed in range(12) if seed != 5]
        assert [row["caption"] for row in rows] == [f"caption {seed}" for seed in seeds]
        assert rows[0] == {
            "url": f"https://x.org/{tar}/0", "key": f"{tar:05}0000", "width": 48, "caption": "caption 0"
        }  # fmt: skip
        expected = model[1]([io.BytesIO(image_bytes(100 * tar + seed)) for seed in seeds])
        np.testing.assert_allclose(embedded, expected, atol=5e-4)


def test_metadata_jsonl_of_an_image_folder_reaches_the_metadata(model, tmp_path):
    for seed in range(3):
        write(tmp_path / f"data/a/{seed}.jpg", image_bytes(seed))
    lines = [{"file_name": f"a/{seed}.jpg", "caption": f"no {seed}", "sources": [1], "score": seed} for seed in (2, 0)]
    (tmp_path / "data/metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    rows = results(tmp_path)[1]
    assert [(row["image_path"], row["caption"], row["score"]) for row in rows] == [
        ("a/0.jpg", "no 0", 0), ("a/1.jpg", None, None), ("a/2.jpg", "no 2", 2)
    ]  # fmt: skip


def test_a_broken_tar_is_named_and_the_others_are_done(model, tmp_path, capsys):
    write_tar(tmp_path / "data/00000.tar", {"a": {"jpg": image_bytes(1)}})
    bad = write(tmp_path / "data/00001.tar", b"not a tar at all" * 100)
    assert run(tmp_path / "data", tmp_path, model[0]) == 1
    said = capsys.readouterr().err
    assert f"not embedded: {bad}" in said and "2 units asked, 1 done, 1 unreadable; 1 pictures asked" in said
    assert [path.name for path in (tmp_path / "emb").glob("*.npy")] == ["img_emb_00000.npy"]


def test_the_same_command_again_does_nothing_until_a_image_changes(model, tmp_path, capsys):
    for seed in range(3):
        write(tmp_path / f"data/a/{seed}.jpg", image_bytes(seed))
    run(tmp_path / "data", tmp_path, model[0])
    written = (tmp_path / "emb/img_emb_0000.npy").stat().st_mtime_ns
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    assert (tmp_path / "emb/img_emb_0000.npy").stat().st_mtime_ns == written
    assert "1 are done already" in capsys.readouterr().err
    write(tmp_path / "data/a/1.jpg", image_bytes(77))
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    expected = model[1]([io.BytesIO(image_bytes(seed)) for seed in (0, 77, 2)])
    np.testing.assert_allclose(results(tmp_path)[0], expected, atol=5e-4)


def test_embeddings_of_another_input_are_not_replaced_without_a_word(model, tmp_path, capsys):
    for name in ("first", "second"):
        write(tmp_path / name / "hen" / "0.jpg", image_bytes(0))
    for name, warned in (("first", False), ("first", False), ("second", True)):
        assert run(tmp_path / name, tmp_path, model[0]) == 0
        sentence = f"held the embeddings of input {tmp_path}/first, which are replaced by those of input {tmp_path}/"
        assert (sentence in capsys.readouterr().err) == warned


def test_tars_of_equal_names_in_other_folders_are_other_inputs(model, tmp_path, capsys):
    for number, name in enumerate(("first", "second")):
        write_tar(tmp_path / name / "00000.tar", {"0": {"jpg": image_bytes(number)}})
        assert run(tmp_path / name, tmp_path, model[0]) == 0
    assert f"held the embeddings of input {tmp_path}/first/00000.tar, which are" in capsys.readouterr().err


def test_killed_in_a_second_unit_and_run_again_gives_an_undisturbed_runs_bytes(model, tmp_path, monkeypatch):
    for seed in range(40):
        write(tmp_path / f"data/a/{seed:02}.jpg", image_bytes(seed))
    program = (
        "import os, signal, sys, compute_image_embeddings as script\n"
        "from retrieval.indexing import image_embedding, image_units\n"
        "image_units.UNIT_IMAGES, state = 15, image_embedding.write_json\n"
        "def dying(path, value):\n"
        "    if '0001' in str(path): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    state(path, value)\n"
        "image_embedding.write_json = dying\n"
        "sys.exit(script.main(sys.argv[1:]))\n"
    )
    out = tmp_path / "killed"
    outputs = ["--output-embeddings-dir", out / "emb", "--output-metadata-dir", out / "metadata"]
    argv = [sys.executable, "-c", program, "--images", tmp_path / "data", *outputs, "--model", model[0]]
    done = subprocess.run([*argv, "--device", "cpu"], cwd=Path(script.__file__).parent)
    assert done.returncode == -signal.SIGKILL
    assert list(out.glob("emb/*0000.npy")) and not list(out.glob("emb/*0002.npy"))
    monkeypatch.setattr(image_units, "UNIT_IMAGES", 15)
    for folder in ("killed", "whole"):
        assert run(tmp_path / "data", tmp_path / folder, model[0]) == 0
    names = {path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()}
    assert len(names) == 9
    for name in names:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_jobs_of_an_array_share_the_units(model, tmp_path):
    for tar in range(5):
        write_tar(tmp_path / f"data/{tar:05}.tar", {f"{tar}{seed}": {"jpg": image_bytes(seed)} for seed in range(3)})
    for job, done in ((0, 3), (1, 5)):
        assert run(tmp_path / "data", tmp_path, model[0], "--job-idx", str(job), "--total-jobs", "2") == 0
        assert len(list((tmp_path / "emb").glob("*.npy"))) == done


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model", "ViT-X/14"], "model 'ViT-X/14' is not known"),
        (["--batch-size", "0"], "--batch-size 0: give at least 1"),
        (["--workers", "0"], "--workers 0: give at least 1"),
        (["--images", "/nowhere"], "--images /nowhere is no folder"),
        (["--images", "EMPTY"], "holds no image"),
        (["--metadata", "/nowhere.parquet"], "--metadata /nowhere.parquet is not there"),
        (
            ["--metadata", "POOL"],
            "has no column 'image_path' of image paths; it has url: name",
        ),
        (["--metadata", "JUNK"], "is no parquet file"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(flags, sentence, model, tmp_path, capsys):
    write(tmp_path / "data/a/1.jpg", image_bytes(1))
    (tmp_path / "empty").mkdir()
    pq.write_table(pa.table({"url": ["x"]}), tmp_path / "pool.parquet")
    write(tmp_path / "junk.parquet", b"junk")
    paths = {"EMPTY": "empty", "POOL": "pool.parquet", "JUNK": "junk.parquet"}
    flags = [str(tmp_path / paths[flag]) if flag in paths else flag for flag in flags]
    assert run(tmp_path / "data", tmp_path, model[0], *flags) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("error: ") and sentence in said[-1]


def test_the_files_are_readable_by_everyone_whom_the_umask_lets(model, tmp_path):
    write(tmp_path / "data/a/1.jpg", image_bytes(1))
    run(tmp_path / "data", tmp_path, model[0])
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "emb/img_emb_0000.npy").stat().st_mode & 0o777 == 0o666 & ~mask


def put(path: Path, members: list[tuple[str, bytes]]) -> Path:
    """A tar with these members in this order, names as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_each_image_of_a_tar_is_a_row_whatever_dots_its_name_has(model, tmp_path, capsys):
    names = ["000.jpg", "photo.v2.jpg", "img.2020.01.02.jpg", "3.5inch.jpeg", "004.JFIF", "005.jpg.jpg", "6", "./7.png"]
    texts = [("photo.v2.txt", b"v2"), ("img.json", b'{"caption": "of img"}'), ("000.txt", b"0"), ("000.v3.jpg", b"no")]
    put(tmp_path / "data/0.tar", [(name, image_bytes(seed)) for seed, name in enumerate(names)] + texts)
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    embedded, rows = results(tmp_path, "0")
    assert [(row["key"], row["caption"]) for row in rows] == [
        ("000", "0"), ("photo.v2", "v2"), ("img.2020.01.02", "of img"), ("3.5inch", None), ("004", None),
        ("005.jpg", None), ("6", None), ("7", None),
    ]  # fmt: skip
    np.testing.assert_allclose(embedded, model[1]([io.BytesIO(image_bytes(seed)) for seed in range(8)]), atol=5e-4)
    assert "9 pictures asked, 8 embedded, 1 no image" in capsys.readouterr().err


def test_concatenated_and_compressed_tars_give_each_image_its_own_caption(model, tmp_path):
    one = put(tmp_path / "a.tar", [("0.jpg", image_bytes(0)), ("1.jpg", image_bytes(1)), ("1.txt", b"one of a")])
    two = put(tmp_path / "b.tar", [("0.txt", b"zero of b"), ("0.jpg", image_bytes(2)), ("1.jpg", image_bytes(3))])
    write(tmp_path / "data/00000.tar", one.read_bytes() + two.read_bytes())
    write(tmp_path / "data/00001.tar.gz", gzip.compress(one.read_bytes()) + gzip.compress(two.read_bytes()))
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    for name in ("00000", "00001"):
        embedded, rows = results(tmp_path, name)
        assert [row["caption"] for row in rows] == [None, "one of a", "zero of b", None]
        np.testing.assert_allclose(embedded, model[1]([io.BytesIO(image_bytes(seed)) for seed in range(4)]), atol=5e-4)


@pytest.mark.parametrize("bad", [b"{broken", '{"caption": "caf\xe9"}'.encode("latin-1"), b'["a", "b"]', b"", b"\0" * 9])
def test_a_sidecar_that_is_no_json_object_costs_its_own_fields_only(bad, model, tmp_path, capsys):
    good = b'\xef\xbb\xbf{"caption": "half a \\ud83d character"}'
    put(
        tmp_path / "data/0.tar",
        [("0.jpg", image_bytes(0)), ("0.json", bad), ("1.jpg", image_bytes(1)), ("1.json", good)],
    )
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    assert [row["caption"] for row in results(tmp_path, "0")[1]] == [None, "half a \ufffd character"]
    said = capsys.readouterr().err
    assert "warning: 0.tar: 0.json cannot be read as JSON objects" in said
    assert said.splitlines()[-1].endswith("2 embedded; left out: 1 sidecars or lines that are no JSON objects")


@pytest.mark.parametrize("cut", ["in an image", "between two files", "in a header"])
def test_a_tar_that_is_cut_is_embedded_up_to_the_cut_and_named_each_time(cut, model, tmp_path, capsys):
    tar = put(tmp_path / "data/0.tar", [(f"{seed}.png", image_bytes(seed, "PNG")) for seed in range(4)])
    with tarfile.open(tar) as opened:
        third = opened.getmembers()[2]
    end = {"in an image": third.offset_data + 700, "between two files": third.offset, "in a header": third.offset + 99}
    os.truncate(tar, end[cut])
    for _ in range(2):
        assert run(tmp_path / "data", tmp_path, model[0]) == 1
        said = capsys.readouterr().err
        assert f"cut short or damaged: {tar}" in said and "2 embedded" in said.splitlines()[-1]
        assert [row["key"] for row in results(tmp_path, "0")[1]] == ["0", "1"]


def test_images_inside_a_parquet_are_embedded_from_their_bytes(model, tmp_path):
    images = [image_bytes(seed) for seed in range(5)]
    structs = [{"bytes": image, "path": f"{seed}.jpg"} for seed, image in enumerate(images)]
    columns = {"image": pa.array(structs), "jpg": pa.array(images), "n": pa.array(range(5))}
    for name, kept in (("image", {"image": "3.jpg", "n": 3}), ("jpg", {"n": 3})):
        pq.write_table(pa.table({name: columns[name], "n": columns["n"]}), tmp_path / f"{name}.parquet")
        assert script.main(
            ["--metadata", str(tmp_path / f"{name}.parquet"), "--output-embeddings-dir", str(tmp_path / name / "emb"),
             "--output-metadata-dir", str(tmp_path / name / "metadata"), "--model", model[0], "--device", "cpu"]
        ) == 0  # fmt: skip
        embedded, rows = results(tmp_path / name, name)
        assert rows[3] == kept
        np.testing.assert_allclose(embedded, model[1]([io.BytesIO(image) for image in images]), atol=5e-4)


def test_a_parquet_whose_images_cannot_be_found_is_named_and_the_others_are_done(model, tmp_path, capsys):
    write(tmp_path / "images/0.jpg", image_bytes(0))
    for number, columns in enumerate(({"image_path": ["0.jpg"]}, {"image_path": [[1, 2]]}, {"url": ["x"]})):
        write(tmp_path / "pool/x", b"")
        pq.write_table(pa.table(columns), tmp_path / f"pool/train-{number:05}-of-00004.parquet")
    write(tmp_path / "pool/train-00003-of-00004.parquet", b"junk")
    write(tmp_path / "pool/._train-00003-of-00004.parquet", b"\0\5\26\7")
    assert run(tmp_path / "images", tmp_path, model[0], "--metadata", str(tmp_path / "pool")) == 1
    said = capsys.readouterr().err
    assert "4 units asked, 1 done, 3 unreadable; 1 pictures asked, 1 embedded" in said
    assert "holds list<element: int64>: images are paths, bytes, or structs" in said and "is no parquet file" in said
    assert json.loads((tmp_path / "emb/img_emb_00000.json").read_text())["source"] == "train-00000-of-00004.parquet"


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["metadata_0007", "metadata_0012"], ["0007", "0012"]),
        (["x_2", "x_10"], ["2", "10"]),
        (["train-00000-of-00002", "train-00001-of-00002"], ["00000", "00001"]),
        (["test-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002"], ["00000", "00001", "00002"]),
        (["a1", "b0"], ["00000", "00001"]),  # by their numbers, b0 would come first
        (["cats", "dogs"], ["00000", "00001"]),
        (["0a7b1", "0a7b12", "c3"], ["00000", "00001", "00002"]),
        (["cats"], ["cats"]),
    ],
)
def test_outputs_are_named_so_that_they_sort_as_their_inputs(files, names, tmp_path):
    assert unit_names([Path(f"{file}.parquet") for file in files], tmp_path) == names


def test_the_names_of_an_earlier_versions_outputs_are_kept(tmp_path):
    files = [Path("cats.tar"), Path("dogs.tar")]
    (tmp_path / "img_emb_dogs.json").write_text(json.dumps({"fingerprint": "x", "asked": 1, "rows": 1, "dropped": {}}))
    assert unit_names(files, tmp_path) == ["cats", "dogs"]
    files = [Path("a00001.tar"), Path("b00000.tar")]
    (tmp_path / "img_emb_00000.json").write_text(json.dumps({"fingerprint": "x", "source": "a00001.tar"}))
    assert unit_names(files, tmp_path) == ["00000", "00001"]


def test_hidden_files_are_no_images_and_names_that_are_not_utf8_are_embedded(model, tmp_path, capsys):
    for name in ("cat/0.jpg", "cat/.ipynb_checkpoints/0-checkpoint.jpg", ".Trash/old.jpg", "cat/._0.jpg"):
        write(tmp_path / "data" / name, image_bytes(1))
    write(tmp_path / "data" / os.fsdecode(b"caf\xe9/\xe9.jpg"), image_bytes(2))
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "elsewhere/3.jpg", image_bytes(3))
    (tmp_path / "data/dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/dog/loop").symlink_to(tmp_path / "data")
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    rows = results(tmp_path)[1]
    assert [row["image_path"] for row in rows] == ["caf\ufffd/\ufffd.jpg", "cat/0.jpg", "dog/3.jpg"]
    assert capsys.readouterr().err.splitlines()[-1].endswith("3 embedded; left out: 3 hidden")


def test_images_are_embedded_as_a_browser_shows_them(model, tmp_path):
    scene = Image.open(io.BytesIO(image_bytes(7, "PNG", size=(64, 48))))
    turned = Image.Exif()
    turned[0x0112] = 6  # shown turned by 90 degrees
    grey, ramp = scene.convert("L"), np.asarray(scene.convert("L"), np.uint16) * 257
    clear = Image.new("RGBA", scene.size, (255, 0, 0, 0))
    kinds = {
        "turned": (scene.transpose(Image.Transpose.ROTATE_90), {"exif": turned}, "jpg", scene),
        "sixteen": (Image.fromarray(ramp), {}, "png", grey),
        "floats": (Image.fromarray((ramp / 65535).astype(np.float32)), {}, "tif", grey),
        "profile": (Image.fromarray(np.asarray(scene)[..., ::-1]), {"icc_profile": swapped_profile()}, "png", scene),
        "clear": (clear, {}, "png", Image.new("RGB", scene.size, "white")),
        "clear palette": (clear.convert("P"), {"transparency": 0}, "png", Image.new("RGB", scene.size, "white")),
        "animated": (scene, {"save_all": True, "append_images": [clear.convert("RGB")]}, "webp", scene),
    }
    for name, (image, options, suffix, expected) in kinds.items():
        folder = tmp_path / name.replace(" ", "_")
        (folder / "data").mkdir(parents=True)
        image.save(folder / f"data/0.{suffix}", **({"quality": 100} if suffix == "jpg" else {}), **options)
        assert run(folder / "data", folder, model[0]) == 0
        expected.convert("RGB").save(folder / "shown.png")
        cosine = float(results(folder)[0][0].astype(np.float32) @ model[1]([folder / "shown.png"])[0])
        assert cosine > 0.999, name


def test_what_an_earlier_version_embedded_is_done_and_said(model, tmp_path, capsys):
    write(tmp_path / "data/a/1.jpg", image_bytes(1))
    run(tmp_path / "data", tmp_path, model[0])
    state = tmp_path / "emb/img_emb_0000.json"
    known = json.loads(state.read_text())
    state.write_text(json.dumps({name: known[name] for name in ("fingerprint", "asked", "rows", "dropped")}))
    assert run(tmp_path / "data", tmp_path, model[0]) == 0
    said = capsys.readouterr().err
    assert "1 are done already" in said and "1 units were embedded by an earlier version" in said


def test_a_parquet_of_nothing_but_images_has_numbered_rows_and_equal_names_are_told_apart(model, tmp_path):
    content = image_bytes(1)
    write(tmp_path / "images/0.jpg", content)
    (tmp_path / "pool").mkdir()
    pq.write_table(pa.table({"image": [content, b"junk", content]}), tmp_path / "pool/0.parquet")
    twice = pa.Table.from_arrays([pa.array(["0.jpg"]), pa.array(["x"])], names=["image_path", "image_path"])
    pq.write_table(twice, tmp_path / "pool/1.parquet")
    assert run(tmp_path / "images", tmp_path, model[0], "--metadata", str(tmp_path / "pool")) == 0
    embedded, rows = results(tmp_path, "0")
    assert rows == [{"row": 0}, {"row": 2}] and len(embedded) == 2
    assert results(tmp_path, "1")[1] == [{"image_path": "0.jpg", "image_path_2": "x"}]
