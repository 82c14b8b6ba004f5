"""Generated answers of a server: each URL ends as the image that a browser shows, or with a named reason."""

import gzip
import random
import zlib

import numpy as np
import pytest
from download_server import Handler, chunks, loaded, record
from drawn_files import TURNED, drawing, encoded, exif, files_of_every_kind, with_segments
from PIL import Image

from retrieval.download.fetch_rounds import _REASONS, NOT_AN_IMAGE
from retrieval.download.stored_image import NotShown, plain_file

pytest_plugins = "download_server"
REASONS = {name for name, _ in _REASONS} | {NOT_AN_IMAGE}
CLOSE = 12  # mean difference of levels: two JPEG encodings; another turn of the same drawing differs by 30 and more
JUNK = random.Random(0).randbytes(1 << 21) + b"\xff\xda" * 300  # a video behind the image, say


def packed(data: bytes, encoding: str) -> bytes:
    for name in encoding.split(", "):
        if name == "gzip":
            data = gzip.compress(data, mtime=0)
        elif name == "deflate":
            data = zlib.compress(data)
        elif name == "br":
            data = b"\x8b" + data[::-1]  # no brotli here; no reader here either
    return data


def turned_files(luck: random.Random):
    """(name, file, pixels shown) of each format with Exif and each orientation, with large segments before."""
    for kind in ("JPEG", "PNG", "WEBP", *(["AVIF"] if "AVIF" in Image.registered_extensions().values() else [])):
        for orientation in range(1, 9):
            seed = luck.randrange(1 << 30)
            data = encoded(Image.fromarray(drawing(seed)), kind, exif=exif(orientation), quality=95)
            if kind == "JPEG" and orientation % 2:
                data = with_segments(data, *[(0xFE, luck.randbytes(60_000))] * 9)
            yield f"{kind}-{orientation}", data, TURNED[orientation](drawing(seed))


def answers(seed: int) -> dict[str, tuple[bytes, dict, np.ndarray | None]]:
    """Name -> (body, headers, the pixels shown; None where only a reason or any image is wanted)."""
    luck = random.Random(seed)
    whole = [(name, data, shown) for name, (data, shown) in files_of_every_kind(seed).items()]
    whole += turned_files(luck)
    made = {}
    for name, data, shown in whole:
        encoding = luck.choice(["", "", "gzip", "deflate", "gzip, deflate", "identity", "none"])
        junk = (
            JUNK if luck.random() < 0.2 and name.endswith(("jpg", "png", "gif")) or name.startswith("JPEG-2") else b""
        )
        headers = {"Content_Encoding": encoding} if encoding else {}
        made[f"whole-{name}"] = packed(data + junk, encoding), headers, shown
        made[f"lying-{name}"] = data, {"Content_Encoding": luck.choice(["gzip", "deflate", "br"])}, shown
        made[f"br-{name}"] = packed(data, "br"), {"Content_Encoding": "br"}, None
        cut = luck.randrange(len(data))
        made[f"cut-{name}"] = data[:cut], {}, None
        made[f"short-{name}"] = data, {"Content_Length": str(len(data) + luck.randrange(1, 99))}, None
        made[f"less-{name}"] = data, {"Content_Length": str(cut)}, None
        broken = bytearray(data)
        for _ in range(luck.randrange(1, 9)):
            broken[luck.randrange(len(data))] = luck.randrange(256)
        made[f"flipped-{name}"] = bytes(broken), {}, None
    return made


@pytest.fixture()
def serve(monkeypatch):
    def use(made: dict):
        def serve_made(self, name):
            self.answer(made[name][0], **made[name][1])

        monkeypatch.setattr(Handler, "serve_made", serve_made, raising=False)

    return use


def test_every_answer_is_stored_as_it_is_shown_or_has_a_named_reason(server, tmp_path, download, serve):
    made = answers(seed=11)
    serve(made)
    chunks(tmp_path / "chunks", [record(f"{server.at}/made/{name}", name.replace(".", "_")) for name in made])
    download("--resize-mode", "no", "--encode-quality", 100)
    report, metadata, _ = loaded(tmp_path)
    assert report["rows_read"] == len(made) and set(report["dropped"]) <= REASONS, report["dropped"]
    assert report["dropped"]["Content-Encoding br"] >= len([name for name in made if name.startswith("br-")])
    stored = {entry["url"].rpartition("/")[2]: tmp_path / "dataset" / report["folders"][entry["QUERY"]] / f"{key}.jpg"
              for key, entry in metadata.items()}  # fmt: skip
    wanted = {name for name, (_, _, shown) in made.items() if shown is not None}
    assert wanted - stored.keys() == set()
    assert {name for name in stored if name.startswith(("short-", "br-"))} == set()
    for name in wanted:
        pixels, shown = np.asarray(Image.open(stored[name]).convert("RGB")).astype(float), made[name][2]
        shown = shown if shown.ndim == 3 else np.dstack([shown] * 3)
        assert pixels.shape == shown.shape, name
        assert np.abs(pixels - shown).mean() < CLOSE, name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_bytes_that_were_changed_end_in_a_file_or_a_reason(seed):
    luck = random.Random(seed)
    files = [data for data, _ in files_of_every_kind(seed).values()]
    for _ in range(1500):
        data = bytearray(luck.choice(files))
        for _ in range(luck.choice([1, 3, 30])):
            data[min(int(luck.expovariate(1 / 60)), len(data) - 1)] = luck.randrange(
                256
            )  # headers are at the beginning
        try:
            plain, _ = plain_file(bytes(data[: luck.choice([len(data), luck.randrange(len(data))])]))
            assert isinstance(plain, bytes)
        except NotShown as reason:
            assert str(reason) in ("cut short", "Image decoding error", "image area too large",
                                   "sample values of unknown range")  # fmt: skip
