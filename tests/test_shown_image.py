"""What is stored of an answer is what a browser shows; of an ordinary one, img2dataset's own bytes."""

import gzip
import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from download_server import Handler, chunks, loaded, record
from drawn_files import TURNED, drawing, encoded, exif, files_of_every_kind, png, swapped_profile, with_segments
from img2dataset.resizer import Resizer
from PIL import Image, ImageCms

from retrieval.download.answer_bytes import BadAnswer, check_image, jpeg_scans, unpacked
from retrieval.download.stored_image import ShownResizer
from retrieval.shown_image import NotShown, eight_bits

pytest_plugins = "download_server"
KINDS = files_of_every_kind(1)
CLOSE = 6  # mean difference of levels: JPEG at quality 95; another turn of the same drawing differs by 50 and more


def stored(data: bytes, mode="no", size=256, only_if_bigger=False, **options) -> tuple:
    """(pixels or None, error, (original width, original height))."""
    jpeg, _, _, *original, error = ShownResizer(Resizer(size, mode, only_if_bigger, **options))(io.BytesIO(data))
    return (np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")) if jpeg else None), error, tuple(original)


def difference(pixels: np.ndarray, expected: np.ndarray) -> float:
    expected = expected if expected.ndim == 3 else np.dstack([expected] * 3)
    assert pixels.shape == expected.shape
    return np.abs(pixels.astype(float) - expected).mean()


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_any_kind_is_stored_as_a_browser_shows_it(name):
    data, expected = KINDS[name]
    pixels, error, _ = stored(data)
    assert error is None
    # Hard edges between colours lose more in JPEG.
    assert difference(pixels, expected) < (12 if "palette" in name or "gif" in name or "key" in name else CLOSE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_image_is_stored_upright(kind, orientation):
    image = Image.fromarray(drawing(2))
    tag = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": exif(orientation)}
    pixels, error, original = stored(encoded(image, kind, **tag))
    expected = TURNED[orientation](drawing(2))
    assert error is None and original == expected.shape[1::-1]
    assert difference(pixels, expected) < CLOSE


def test_limits_on_the_size_count_the_turned_image():
    data = encoded(Image.fromarray(drawing(3)), "JPEG", exif=exif(6))
    assert stored(data, min_image_size=65)[1] == "image too small"
    pixels, error, _ = stored(data, mode="keep_ratio", size=32)
    assert error is None and pixels.shape == (48, 32, 3)


@pytest.mark.parametrize("broken", [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM" + b"\xff" * 40])
def test_broken_exif_turns_nothing(broken):
    data = with_segments(encoded(Image.fromarray(drawing(4)), "JPEG"), (0xE1, broken))
    assert difference(stored(data)[0], drawing(4)) < CLOSE


@pytest.mark.parametrize("mode", ["no", "keep_ratio", "keep_ratio_largest", "center_crop", "border"])
def test_an_ordinary_image_gets_img2datasets_own_bytes(mode):
    image = Image.fromarray(drawing(5))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for data in (
        encoded(image, "JPEG"), encoded(image.convert("L"), "JPEG"), encoded(image, "JPEG", progressive=True),
        encoded(image, "JPEG", icc_profile=srgb), encoded(image, "JPEG", exif=exif(1)), encoded(image, "PNG"),
        encoded(image.convert("L"), "PNG"), encoded(image.convert("RGBA"), "PNG"), encoded(image, "WEBP"),
        encoded(image.quantize(64), "PNG"), encoded(image, "PNG", icc_profile=srgb),
    ):  # fmt: skip
        resizer = Resizer(48, mode, False)
        assert ShownResizer(resizer)(io.BytesIO(data)) == resizer(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_colours_of_another_profile_become_srgb(kind):
    image = Image.fromarray(drawing(6))
    pixels, error, _ = stored(encoded(image, kind, icc_profile=swapped_profile()))
    assert error is None and difference(pixels, drawing(6)[..., ::-1]) < CLOSE
    pixels, error, _ = stored(encoded(image, kind, icc_profile=swapped_profile()[:300]))
    assert error is None and difference(pixels, drawing(6)) < CLOSE  # broken: ignored


@pytest.mark.parametrize("samples", [[0, np.nan], [0, 2.0], [0, 1000.0], [-1.0, 1], np.int32([0, 255])])
def test_numbers_that_are_no_brightness_are_named(samples):
    with pytest.raises(NotShown, match="sample values of unknown range"):
        eight_bits(np.array([samples]))


def test_thin_images_are_named_before_they_are_enlarged_beyond_what_a_jpeg_holds():
    thin = encoded(Image.new("RGB", (3, 30_000)), "PNG")
    assert stored(thin, mode="keep_ratio")[1] == "aspect ratio too large"
    assert stored(thin, mode="keep_ratio_largest")[1] is None
    assert stored(thin, mode="keep_ratio", only_if_bigger=True)[1] is None
    assert stored(thin, mode="no")[1] is None


def test_files_that_are_cut_or_too_large_are_named():
    for name in ("still8.gif", "plain.bmp", "deep.jp2", "rgb16.png", "clear.avif"):
        if name in KINDS:
            data = KINDS[name][0]
            assert stored(data[: len(data) // 2])[1] in ("cut short", "Image decoding error"), name
    huge = png(np.zeros((1, 1), int), 16, 0).replace(struct.pack(">II", 1, 1), struct.pack(">II", 20_000, 20_000))
    header = huge[12:29]
    huge = huge.replace(huge[29:33], struct.pack(">I", zlib.crc32(header)))
    assert stored(huge)[1] == "image area too large"


# ---- the bytes of an answer ----


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)  # zlib.compress has no wbits before Python 3.11
    return packer.compress(data) + packer.flush()


def test_content_encodings_are_unpacked_as_browsers_do():
    image = encoded(Image.fromarray(drawing(7)), "JPEG")
    gzipped = gzip.compress(image)
    for headers, data in (
        (["gzip"], gzipped), (["x-gzip"], gzipped), (["GZIP "], gzipped), (["deflate"], zlib.compress(image)),
        (["deflate"], raw_deflate(image)), (["gzip, deflate"], zlib.compress(gzipped)), (["deflate", "gzip"],
        gzip.compress(zlib.compress(image))), (["gzip"], gzipped + b"\r\n"), (["gzip"], image),
        (["br"], image), (["identity"], image), (["utf-8", ""], image), ([], image),
        (["gzip"], b"".join(gzip.compress(image[at : at + 999]) for at in range(0, len(image), 999))),
    ):  # fmt: skip
        assert unpacked(data, headers, 10**6) == image, headers


def test_an_encoding_that_cannot_be_unpacked_is_named():
    image = encoded(Image.fromarray(drawing(7)), "JPEG")
    gzipped = gzip.compress(image)
    bomb = gzip.compress(bytes(50_000_000))
    for headers, data, reason in (
        (["br"], b"\x8b\x01\x80" * 99, "Content-Encoding br"), (["zstd"], b"\x28\xb5\x2f\xfd", "Content-Encoding zstd"),
        (["gzip"], gzipped[:-50], "cut short"), (["gzip"], b"no gzip at all", "Content-Encoding gzip"),
        (["gzip"], gzipped[:99] + b"\0" + gzipped[100:], "Content-Encoding gzip"), (["gzip"], bomb, "too many bytes"),
        (["gzip, gzip"], gzip.compress(bomb), "too many bytes"), (["deflate"], b"!" * 9, "Encoding deflate"),
        (["gzip"] * 4, gzip.compress(gzip.compress(gzip.compress(gzipped))), "gzip"),
    ):  # fmt: skip
        with pytest.raises(BadAnswer, match=reason):
            unpacked(data, headers, 10**6)


def test_scans_are_counted_up_to_the_images_own_end():
    image = encoded(Image.fromarray(drawing(8)), "JPEG")
    video = b"MotionPhoto_Data" + b"\xff\xda\0" * 500
    assert jpeg_scans(image) == (1, len(image))
    check_image(image + video)
    check_image(with_segments(image, (0xE1, video)))  # a thumbnail of many scans
    check_image(image[:-2] + bytes(9000))  # some cameras leave the end mark out
    progressive = encoded(Image.fromarray(drawing(8)), "JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    with pytest.raises(BadAnswer, match="too many scans"):
        check_image(progressive[:-2] + scan * 200 + progressive[-2:] + video)
    with pytest.raises(BadAnswer, match="cut short"):
        check_image(image[:-500])
    with pytest.raises(BadAnswer, match="cut short"):
        check_image(image[:-500] + video)


def test_only_shrink_enlarges_no_image_and_shrinks_as_keep_ratio_does(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/jpeg/big"), record(f"{server.at}/tiny/small")])
    download("--resize-mode", "shrink", "--image-size", 100)
    entries = {entry["url"].rsplit("/", 1)[1]: entry for entry in loaded(tmp_path)[1].values()}
    assert {name: (entry["width"], entry["height"]) for name, entry in entries.items()} == {
        "big": (150, 100), "small": (30, 20)
    }  # fmt: skip


def test_the_sha256_is_that_of_the_answer_and_no_encoding_is_asked_for(server, tmp_path, download, monkeypatch):
    turned = encoded(Image.fromarray(drawing(9)), "JPEG", exif=exif(8))
    asked = []

    def serve_turned(self, rest):
        asked.append(self.headers["Accept-Encoding"])
        packed = gzip.compress(turned) if rest == "gzip" else turned
        self.answer(packed, **({"Content_Encoding": "gzip"} if rest == "gzip" else {}))

    monkeypatch.setattr(Handler, "serve_turned", serve_turned, raising=False)
    chunks(tmp_path / "chunks", [record(f"{server.at}/turned/{name}", name) for name in ("plain", "gzip")])
    download("--resize-mode", "no")
    entries = loaded(tmp_path)[1].values()
    assert [entry["sha256"] for entry in entries] == [hashlib.sha256(turned).hexdigest()] * 2
    assert {(entry["width"], entry["height"], entry["original_width"]) for entry in entries} == {(64, 96, 64)}
    assert asked == ["identity"] * 2
