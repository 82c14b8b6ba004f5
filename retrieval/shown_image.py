"""What a browser shows of an image file, as 8-bit pixels: upright, in sRGB, on white, the first frame of an animation.

The downloader stores these pixels, models embed them, and hashes are of them. So a picture is the same in all stages,
whether it is a rotated JPEG, a 16-bit or palette PNG, or a GIF. tests/test_shown_image.py, test_image_embeddings.py and
test_fuzz_answers.py hold it.
"""

import contextlib
import functools
import io

import numpy as np
from PIL import Image, ImageCms, ImageOps

from retrieval.image_files import NO_RANGE

# Formats that a browser shows, and TIFF, JPEG 2000 and PPM, which OpenCV has always read. Not EPS, for which Pillow
# starts Ghostscript. AVIF since Pillow 11.3.
Image.init()
FORMATS = tuple(
    {"AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"} & Image.OPEN.keys()
)
ORIENTATION = 0x0112  # Exif's tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
WHITE_IS_ZERO, SIGNED = 0, 2  # values of the last two
# A profile that changes no colour by more than this many of 256 levels is taken for sRGB. The many spellings of sRGB
# differ by 1 or 2; Display P3 and Adobe RGB by 40 and more.
SRGB_LEVELS = 4
FLOAT_SLACK = 0.02  # floats are stored to 1 % in TIFF's LogLuv, which OpenCV writes


class NotShown(ValueError):
    """The file's pixels cannot be known; the text is the reason."""


def open_image(data: bytes) -> Image.Image:
    """The image with its header read. Pillow raises anything for arbitrary bytes, also ValueError and RuntimeError."""
    return Image.open(io.BytesIO(data), formats=FORMATS)


def shown(image: Image.Image) -> Image.Image:
    """The image as a browser shows it, in mode L or RGB.

    Raises:
        NotShown: its numbers are no brightness that could be shown.
        Exception: of Pillow, for broken bytes.
    """
    if image.info.get("default_image"):  # of an animated PNG: it is for readers that cannot show the animation
        image.seek(1)
    _scale_clear_colour(image)
    image.load()
    turn = TURNS.get(orientation_of(image))
    image = _on_white(_in_srgb(_eight_bit(image)))
    return image.transpose(turn) if turn is not None else image


def orientation_of(image: Image.Image) -> int:
    """The Exif orientation, 1 to 8. Browsers read none from XMP; Pillow turns TIFF images itself."""
    if image.format == "TIFF" or not image.info.get("exif"):
        return 1
    exif = Image.Exif()
    with contextlib.suppress(Exception):  # broken Exif is no orientation
        exif.load(image.info["exif"])
        orientation = exif.get(ORIENTATION)
        if orientation in TURNS:
            return orientation
    return 1


# ---- sample values ----


def eight_bits(samples: np.ndarray, most: int | None = None) -> np.ndarray:
    """Sample values of any type as uint8.

    Args:
        most: the value of white; by default that of the type, and of floats 1 or 255, whichever they keep to.

    Raises:
        NotShown: the values are no brightness between black and white, or nearly black in 32 bits, which are mostly
            used for numbers of another kind.
    """
    low, high = (samples.min(), samples.max()) if samples.size else (0, 0)
    if most is None:
        most = np.iinfo(samples.dtype).max if samples.dtype.kind in "iu" else _white_of_floats(high)
    slack = most * FLOAT_SLACK
    if not (low >= -slack and high <= most + slack) or (most > 1 << 16 and high < most >> 5):  # NaN too
        raise NotShown(NO_RANGE)
    return np.rint(samples * (255 / most)).clip(0, 255).astype(np.uint8)


def _white_of_floats(high: float) -> int:
    """1 for what is up to 1, 255 for what is up to 255. Between 1 and 32 lie both dark images and overexposed ones."""
    return 1 if high <= 1 + FLOAT_SLACK else 255 if 32 <= high <= 255 * (1 + FLOAT_SLACK) else 0


def raw_mode_of(image: Image.Image) -> str:
    """How the samples lie in the file, as Pillow calls it: "L;2", "RGB;16B". Unknown once they are loaded."""
    return str(image.tile[0][3]) if image.tile else ""


def _scale_clear_colour(image: Image.Image) -> None:
    """PNG names the see-through colour in the file's own bits; Pillow compares it with samples of 8."""
    clear, raw = image.info.get("transparency"), raw_mode_of(image)
    if isinstance(clear, int) and raw in ("L;2", "L;4"):
        image.info["transparency"] = clear * (85 if raw == "L;2" else 17)
    elif isinstance(clear, tuple) and ";16" in raw:
        image.info["transparency"] = tuple(value >> 8 for value in clear)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    samples, most, inverted = np.asarray(image), 65535 if image.mode == "I" else None, False
    if image.format == "TIFF":
        tags = image.tag_v2
        inverted = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
        if image.mode == "I":
            bits, signed = tags.get(BITS_PER_SAMPLE, (1,))[0], tags.get(SAMPLE_FORMAT, (1,))[0] == SIGNED
            samples, most = samples if signed else samples.view(np.uint32), (1 << bits - signed) - 1
    values = Image.fromarray(eight_bits(samples, most))
    values = ImageOps.invert(values) if inverted else values
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        values.putalpha(Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8)))
    if "icc_profile" in image.info:
        values.info["icc_profile"] = image.info["icc_profile"]
    return values


# ---- colours ----


def colours_of(image: Image.Image) -> str:
    """The colours that a profile of the image speaks of."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    return "L" if image.mode in ("1", "L", "LA", "La", "I", "I;16", "F") else "RGB"


@functools.lru_cache(maxsize=32)
def conversion_to_srgb(profile: bytes | None, colours: str) -> ImageCms.ImageCmsTransform | None:
    """The way from the profile's colours to sRGB; None if it changes nothing, or is of other colours, or broken."""
    if not profile:
        return None
    try:
        transform = ImageCms.buildTransform(io.BytesIO(profile), ImageCms.createProfile("sRGB"), colours, "RGB")
        if colours == "CMYK":
            return transform
        levels = np.linspace(0, 255, 6).astype(np.uint8)
        sample = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(6, 36, 3)
        before = Image.fromarray(sample).convert(colours)
        after = ImageCms.applyTransform(before, transform)
    except Exception:  # noqa: BLE001  littlecms raises its own for arbitrary bytes; browsers ignore such a profile
        return None
    moved = np.abs(np.asarray(before.convert("RGB"), np.int16) - np.asarray(after, np.int16)).max()
    return transform if moved > SRGB_LEVELS else None


def _in_srgb(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        return ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"),
                                         outputMode="RGB")  # fmt: skip
    colours = colours_of(image)
    transform = conversion_to_srgb(image.info.get("icc_profile"), colours)
    if transform is None:
        return image
    alpha = _with_alpha(image).getchannel("A") if image.has_transparency_data else None
    image = ImageCms.applyTransform(image.convert(colours), transform)
    if alpha:
        image.putalpha(alpha)
    return image


def _with_alpha(image: Image.Image) -> Image.Image:
    if image.mode in ("La", "RGBa"):  # Pillow leaves them premultiplied until they are converted to these
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return image.convert("RGBA")


def _on_white(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = _with_alpha(image)
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")
