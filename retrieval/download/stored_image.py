"""img2dataset's resizer with what a browser shows under it.

OpenCV, which img2dataset decodes with, ignores the Exif orientation and colour profiles, keeps 16 bits and floats as
they are, and reads no GIF, AVIF or ICO. What it decodes to what a browser shows anyway (nearly all images of the web)
goes to img2dataset as it is, so an ordinary image's bytes are img2dataset's own. The others get there as an
uncompressed file of 8-bit upright pixels. The sha256 in the metadata stays that of the answer.
"""

import io

import cv2
import numpy as np
from PIL import Image

from retrieval.download.answer_bytes import CUT_SHORT, MAX_IMAGE_PIXELS, png_chunk_names, png_without_description
from retrieval.shown_image import (
    NotShown,
    colours_of,
    conversion_to_srgb,
    eight_bits,
    open_image,
    orientation_of,
    raw_mode_of,
    shown,
)

JPEG_SIDE = 65_500  # libjpeg writes no more pixels per side
NO_IMAGE = "Image decoding error"  # img2dataset's words for these, and for the next two
TOO_MANY_PIXELS = "image area too large"
TOO_THIN = "aspect ratio too large"
PLAIN_MODES = {
    "JPEG": ("L", "RGB", "CMYK"),  # CMYK as Adobe writes it, inverted, as browsers read it too
    "MPO": ("L", "RGB"),
    "PNG": ("L", "RGB", "P", "LA", "RGBA"),
    "WEBP": ("RGB", "RGBA"),
}


class ShownResizer:
    """Called as img2dataset's resizer is, with a stream of any bytes; gives (jpeg, width, height, …, error)."""

    def __init__(self, resizer):
        self.resizer = resizer

    def __call__(self, stream, blurring_bbox_list=None):
        try:
            stream.seek(0)
            data, size = plain_file(stream.read())
            if size and self._becomes_too_large(*size):
                raise NotShown(TOO_THIN)
        except NotShown as error:
            return None, None, None, None, None, str(error)
        return self.resizer(io.BytesIO(data), blurring_bbox_list)

    def _becomes_too_large(self, width: int, height: int) -> bool:
        """Whether enlarging a thin image gives one that no JPEG holds: 3 x 30,000 pixels would take 2.5 GB."""
        short, long = sorted((width, height))
        by_the_short = self.resizer.resize_mode.name in ("keep_ratio", "center_crop")
        scale = self.resizer.image_size / (short if by_the_short else long)
        if self.resizer.resize_mode.name == "no" or (self.resizer.resize_only_if_bigger and scale > 1):
            scale = 1
        if short < self.resizer.min_image_size:  # img2dataset says so
            return False
        return (
            scale * long > JPEG_SIDE
            or scale > 1
            and scale**2 * short * long > max(MAX_IMAGE_PIXELS, self.resizer.image_size**2)
        )


def plain_file(data: bytes) -> tuple[bytes, tuple[int, int] | None]:
    """A file that OpenCV decodes to what a browser shows of `data`, and its (width, height) if they are known.

    Raises:
        NotShown: with the reason.
    """
    try:
        image = open_image(data)
    except Image.DecompressionBombError as error:
        raise NotShown(TOO_MANY_PIXELS) from error
    except Exception:  # noqa: BLE001  Pillow raises anything for arbitrary bytes
        return _unknown_to_pillow(data)
    if image.width * image.height > MAX_IMAGE_PIXELS:
        raise NotShown(TOO_MANY_PIXELS)
    return (data, image.size) if _is_plain(image, data) else _converted(image)


def _is_plain(image: Image.Image, data: bytes) -> bool:
    """Whether OpenCV decodes `data`, of which `image` is the header, to what a browser shows."""
    if image.mode not in PLAIN_MODES.get(image.format, ()) or orientation_of(image) != 1:
        return False
    if image.format == "PNG":
        # tRNS of a grey image is ignored by OpenCV; acTL and fcTL are an animation; eXIf may also follow the pixels.
        clear_grey = image.mode == "L" and "transparency" in image.info
        names = png_chunk_names(data)
        if clear_grey or ";16" in raw_mode_of(image) or names & {b"acTL", b"fcTL", b"eXIf"} or b"IEND" not in names:
            return False
    if image.format == "WEBP" and image.is_animated:
        return False
    return conversion_to_srgb(image.info.get("icc_profile"), colours_of(image)) is None


def _converted(image: Image.Image) -> tuple[bytes, tuple[int, int]]:
    try:
        made = shown(image)
    except NotShown:
        raise
    except Image.DecompressionBombError as error:  # an icon's images have sizes of their own
        raise NotShown(TOO_MANY_PIXELS) from error
    except Exception as error:  # as above
        raise NotShown(CUT_SHORT if "truncated" in str(error) else NO_IMAGE) from error
    return _netpbm(made), made.size


def _netpbm(image: Image.Image) -> bytes:
    kind = {"L": b"P5", "RGB": b"P6"}[image.mode]
    return b"%s %d %d 255\n" % (kind, *image.size) + image.tobytes()


def _unknown_to_pillow(data: bytes) -> tuple[bytes, tuple[int, int] | None]:
    """What is an image all the same: PNG and JPEG with a broken description, and TIFF of floats in colour.

    Nothing else goes to OpenCV 4.11: its JPEG 2000 and animated PNG decoders crash on headers that Pillow refuses, and
    with them would go the URLs of the whole process.

    Raises:
        NotShown: no image.
    """
    if data.startswith(b"\xff\xd8"):
        return data, None
    if data.startswith(b"\x89PNG"):
        bare = png_without_description(data)
        if bare == data:
            raise NotShown(NO_IMAGE)
        return plain_file(bare)
    if not data.startswith((b"II*\0", b"MM\0*")):
        raise NotShown(NO_IMAGE)
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise NotShown(TOO_MANY_PIXELS if "CV_IO_MAX_IMAGE" in str(error) else NO_IMAGE) from error
    if samples is None or samples.dtype == np.uint8:
        raise NotShown(NO_IMAGE)
    return cv2.imencode(".png", eight_bits(samples))[1].tobytes(), samples.shape[1::-1]
