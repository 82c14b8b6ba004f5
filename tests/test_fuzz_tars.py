"""Tars, folders and parquets as no tool should write them: each image is embedded in its own row, or counted.

Images have one colour each, and their names or captions say which, so that an embedding in a wrong row is seen.
"""

import gzip
import io
import json
import os
import random
import re
import tarfile
from pathlib import Path

import compute_image_embeddings as script
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from retrieval.clip_model import load_clip
from retrieval.embeddings import numeric_order

ROOT = Path(__file__).parent.parent
MODEL = f"open_clip:demo-clip/{ROOT}/demo/demo-clip.pt"
COLOURS = {
    "red": (230, 20, 20), "lime": (20, 230, 20), "blue": (20, 20, 230), "yellow": (240, 240, 20), "black": (5, 5, 5),
    "white": (250, 250, 250), "cyan": (20, 230, 230), "magenta": (230, 20, 230),
}  # fmt: skip
SEEDS = range(4)
STEMS = ("{n:04}", "{n:04}.v2", "img.2020.01.{n}", "{n}.5inch", "./{n}", "a/b.c/{n}", "{n}\u00e9", "{n}\udce9", "{n} x")
SUFFIXES = (".jpg", ".JPG", ".jpeg", ".jfif", ".png", ".PNG", ".jpg.jpg", ".webp", ".gif", ".tif")
GOOD_JSON = ("{}", "\ufeff{}", "\n {} \n")
BAD_JSON = (b"{broken", '{"caption":"caf\xe9"}'.encode("latin-1"), b'["red"]', b"null", b"", b"\0\0", b"[" * 100_000)


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    """Colour -> its image's embedding."""
    model = load_clip(MODEL, "cpu")
    pixels = torch.stack([model.preprocess(Image.new("RGB", (64, 64), colour)) for colour in COLOURS.values()])
    return dict(zip(COLOURS, model.embed_pixels(pixels).numpy(), strict=True))


def picture(colour: str, rng: random.Random) -> bytes:
    """An image of this colour in one of many kinds of file."""
    size = rng.randint(20, 90), rng.randint(20, 90)
    image, content, options = Image.new("RGB", size, COLOURS[colour]), io.BytesIO(), {}
    kind = rng.choice(("JPEG", "PNG", "WEBP", "GIF", "TIFF", "CMYK", "RGBA", "P", "EXIF"))
    if kind == "EXIF":
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = rng.randint(0, 9)
    image = image.convert(kind) if kind in ("CMYK", "RGBA", "P") else image
    image.save(content, {"CMYK": "JPEG", "RGBA": "PNG", "P": "PNG", "EXIF": "JPEG"}.get(kind, kind), **options)
    return content.getvalue()


def run(tmp_path: Path, *flags: str) -> int:
    outputs = ["--output-embeddings-dir", str(tmp_path / "emb"), "--output-metadata-dir", str(tmp_path / "metadata")]
    return script.main([*flags, *outputs, "--model", MODEL, "--device", "cpu", "--batch-size", "5"])


def check_rows(tmp_path: Path, reference: dict[str, np.ndarray], colour_of) -> int:
    """Every row's embedding is nearest to its own colour; returns the number of rows."""
    names, vectors = list(reference), np.stack(list(reference.values()))
    embeddings = sorted((tmp_path / "emb").glob("*.npy"), key=numeric_order)
    metadata = sorted((tmp_path / "metadata").glob("*.parquet"), key=numeric_order)
    total = 0
    for ours, theirs in zip(embeddings, metadata, strict=True):
        assert ours.stem.removeprefix("img_emb_") == theirs.stem.removeprefix("metadata_")
        rows, found = pq.read_table(theirs).to_pylist(), np.load(ours).astype(np.float32)
        assert len(rows) == len(found)
        for row, vector in zip(rows, found, strict=True):
            for colour in colour_of(row):
                assert names[int(np.argmax(vectors @ vector))] == colour, row
        total += len(rows)
    return total


def reconcile(said: str) -> tuple[int, int, int]:
    """(asked, embedded, dropped) of the last line."""
    line = said.strip().splitlines()[-1].split(";")[1]
    asked, embedded, *dropped = (int(number.replace(",", "")) for number in re.findall(r"(?:^|,) ?([\d,]*\d) ", line))
    assert asked == embedded + sum(dropped), line
    return asked, embedded, sum(dropped)


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def odd_tar(rng: random.Random, prefix: str) -> tuple[bytes, int, int]:
    """(tar, its images, those of them that decode)."""
    content, asked, sound = io.BytesIO(), 0, 0
    with tarfile.open(fileobj=content, mode="w", format=rng.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))) as tar:
        for n in range(rng.randint(1, 9)):
            colour = rng.choice(list(COLOURS))
            stem = rng.choice(STEMS).format(n=n).replace("x", colour) + f"-{prefix}-{colour}"
            for _ in range(rng.choice((1, 1, 1, 2))):  # a key twice
                asked += 1
                broken = rng.random() < 0.1
                sound += not broken
                add(tar, stem + rng.choice(SUFFIXES), b"\xff\xd8\xffno" if broken else picture(colour, rng))
                sidecar = rng.random()
                if sidecar < 0.3:
                    add(tar, stem + ".json", rng.choice(BAD_JSON))
                elif sidecar < 0.7:
                    text = json.dumps(
                        {"caption": colour, rng.choice("ab"): rng.choice((1, "\ud800", 2**70, [1], True))}
                    )
                    add(tar, stem + rng.choice((".json", ".JSON")), rng.choice(GOOD_JSON).replace("{}", text).encode())
            if rng.random() < 0.2:
                add(tar, f"._{stem}.jpg", b"\0\5\26\7\0\2\0\0Mac OS X")
            if rng.random() < 0.2:
                add(tar, f"{stem}.cls", b"7")
    return content.getvalue(), asked, sound


def colours_of_tar_row(row: dict) -> list[str]:
    named = row["key"].rpartition("-")[2].partition(".")[0]
    return [named, *([row["caption"]] if row.get("caption") in COLOURS else [])]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_image_of_odd_tars_is_embedded_in_its_row_or_counted(seed, reference, tmp_path, capsys):
    rng, asked, sound = random.Random(seed), 0, 0
    (tmp_path / "tars").mkdir()
    names = rng.choice(("{n:05}", "{n}", "train-{n:05}-of-00009", "shard{n}b", "{n:02}.part"))
    for n in range(9):
        parts = [odd_tar(rng, f"{n}{part}") for part in range(rng.choice((1, 1, 3)))]  # cat a.tar b.tar c.tar
        content = b"".join(part[0] for part in parts)
        name = names.format(n=n) + rng.choice((".tar", ".TAR", ".tar.gz"))
        (tmp_path / "tars" / name).write_bytes(gzip.compress(content) if rng.random() < 0.3 else content)
        asked, sound = asked + sum(part[1] for part in parts), sound + sum(part[2] for part in parts)
    assert run(tmp_path, "--images", str(tmp_path / "tars")) == 0
    assert reconcile(capsys.readouterr().err) == (asked, sound, asked - sound)
    assert check_rows(tmp_path, reference, colours_of_tar_row) == sound
    sources = [json.loads(path.read_text())["source"]
               for path in sorted((tmp_path / "emb").glob("*.json"), key=numeric_order)]  # fmt: skip
    assert sources == [path.name for path in sorted((tmp_path / "tars").iterdir(), key=numeric_order)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tar_that_is_cut_keeps_what_came_before_and_is_named(seed, reference, tmp_path, capsys):
    rng, least = random.Random(100 + seed), 0
    (tmp_path / "tars").mkdir()
    cuts = 0
    for n in range(6):
        content, _, _ = odd_tar(rng, str(n))
        cut = rng.choice((rng.randint(600, len(content)), 512 * rng.randint(3, len(content) // 512)))
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            members = list(tar)
            whole = [m for m in members if m.offset_data + m.size <= cut and Path(m.name).suffix.lower() in SUFFIXES]
            cuts += cut <= members[-1].offset_data + -(-members[-1].size // 512) * 512
            least += sum(not Path(m.name).name.startswith("._") and m.size > 10 for m in whole)
        cut_file = gzip.compress(content)[: -rng.randint(9, 60)] if n == 0 else content[:cut]
        (tmp_path / f"tars/{n}.tar").write_bytes(cut_file)
    code = run(tmp_path, "--images", str(tmp_path / "tars"))
    said = capsys.readouterr().err
    assert code == 1 and (said.count("cut short or damaged: ") + said.count("not embedded: ")) >= cuts
    reconcile(said)
    if " 0 unreadable" in said:
        assert check_rows(tmp_path, reference, colours_of_tar_row) > 0
    assert run(tmp_path, "--images", str(tmp_path / "tars")) == 1  # and it is said again
    assert reconcile(capsys.readouterr().err) == reconcile(said)


def colour_of_path(row: dict) -> list[str]:
    return [re.search("|".join(COLOURS), row["image_path"])[0]] + ([row["text"]] if row.get("text") else [])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_image_of_an_odd_folder_is_embedded_in_its_row_or_counted(seed, reference, tmp_path, capsys):
    rng, asked, sound, lines = random.Random(200 + seed), 0, 0, []
    for n in range(40):
        colour = rng.choice(list(COLOURS))
        folder = tmp_path / "data" / rng.choice(("cat", "a.b", "c\u00e9", "d\udce9", "e/f", ".", ".hidden"))
        folder.mkdir(parents=True, exist_ok=True)
        odd = rng.choice(("", "\udcff", "\u0301", " "))
        name = f"{rng.choice(('', '', '', '._'))}{n}{odd}{colour}{rng.choice(SUFFIXES)}"
        kind, hidden = rng.random(), folder.name == ".hidden" or name.startswith("._")
        if kind < 0.1:
            (folder / name).symlink_to("nowhere")
        else:
            (folder / name).write_bytes(b"junk" if kind < 0.2 else picture(colour, rng))
        asked, sound = asked + (not hidden), sound + (not hidden and kind >= 0.2)
        path = (folder / name).relative_to(tmp_path / "data").as_posix()
        spelled = rng.choice(("{}", "./{}", "a/../{}")).format(path)
        lines.append(json.dumps({"file_name": spelled, "text": colour}).encode())
        lines.append(rng.choice((b"", b"[1]", b"{", b"\xff\xfe", b"null", b'{"file_name": 3}', b"  ")))
    (tmp_path / "data/metadata.jsonl").write_bytes(rng.choice((b"", b"\xef\xbb\xbf")) + b"\r\n".join(lines))
    (tmp_path / "data/loop").symlink_to(tmp_path / "data")
    assert run(tmp_path, "--images", str(tmp_path / "data")) == 0
    assert reconcile(capsys.readouterr().err) == (asked, sound, asked - sound)
    assert check_rows(tmp_path, reference, colour_of_path) == sound


COLUMNS = {
    "path": lambda paths, images: pa.array([os.fsdecode(path) for path in paths]),
    "large path": lambda paths, images: pa.array([os.fsdecode(path) for path in paths], pa.large_string()),
    "path of bytes": lambda paths, images: pa.array(paths, pa.binary()),
    "dictionary": lambda paths, images: pa.array([os.fsdecode(path) for path in paths]).dictionary_encode(),
    "bytes": lambda paths, images: pa.array(images, pa.binary()),
    "large bytes": lambda paths, images: pa.array(images, pa.large_binary()),
    "struct": lambda paths, images: pa.array(
        [{"bytes": image, "path": path.decode()} for path, image in zip(paths, images, strict=True)]
    ),
    "struct without bytes": lambda paths, images: pa.array([{"path": path.decode(), "bytes": None} for path in paths]),
    "struct of bytes": lambda paths, images: pa.array([{"bytes": image} for image in images]),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_of_odd_parquets_is_embedded_in_its_row_or_counted(seed, reference, tmp_path, capsys):
    rng, asked, sound = random.Random(300 + seed), 0, 0
    (tmp_path / "pool").mkdir()
    (tmp_path / "images").mkdir()
    kinds = rng.sample(list(COLUMNS), len(COLUMNS))
    for n, kind in enumerate(kinds):
        colours = [rng.choice(list(COLOURS)) for _ in range(rng.choice((0, 1, 12)))]
        paths, images = [f"{n}-{row}.jpg".encode() for row in range(len(colours))], []
        for path, colour in zip(paths, colours, strict=True):
            images.append(picture(colour, rng) if rng.random() < 0.8 else b"\xff\xd8\xffjunk")
            (tmp_path / "images" / path.decode()).write_bytes(images[-1])
        columns = {"colour": pa.array(colours, pa.string()), "image": COLUMNS[kind](paths, images)}
        if colours:
            columns["text"] = pa.array([b"caf\xe9"] * len(colours)).view(pa.string())
        name = f"{rng.choice('ab')}-{n:05}-of-00009.parquet"
        pq.write_table(pa.table(columns), tmp_path / "pool" / name, row_group_size=5)
        asked, sound = asked + len(colours), sound + sum(len(image) > 10 for image in images)
    (tmp_path / "pool/._a-00000-of-00009.parquet").write_bytes(b"\0\5\26\7")
    assert run(tmp_path, "--images", str(tmp_path / "images"), "--metadata", str(tmp_path / "pool")) == 0
    assert reconcile(capsys.readouterr().err) == (asked, sound, asked - sound)
    assert check_rows(tmp_path, reference, lambda row: [row["colour"]]) == sound
