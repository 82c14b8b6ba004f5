"""An image file -> what the model takes: as a browser shows it, upright, in 8-bit RGB, on white, the first frame.

Every kind of image comes to the model in these pixels, so that the same picture has the same embedding whether it is
stored as a rotated JPEG, a 16-bit or a palette PNG, or a GIF. An image that does not decode is a reason, never an
error: it must not take the others of its batch with it.
"""

import io
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from PIL import ImageOps

from retrieval.image_files import BROKEN, MISSING, Image

MAX_PIXELS = 89_478_485  # Pillow's own line between a large image and a decompression bomb (a quarter GB of RGB)
ORIENTATION = 0x0112  # EXIF's tag; 1 is upright
PIL.Image.init()
FORMATS = tuple(name for name in PIL.Image.ID if name != "EPS")  # for EPS, Pillow would start Ghostscript


def refuse_bombs() -> None:
    """Make Pillow raise an error for images above MAX_PIXELS, in this whole process."""
    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)  # Pillow itself refuses only at twice the line


def decode_batch(
    images: Iterable[Image], preprocess: Callable, threads: Executor
) -> tuple[torch.Tensor | None, list[str | None]]:
    """(pixels (n, 3, height, width) of the images that decode, or None; a reason or None for each image)."""
    outcomes = list(threads.map(lambda image: decode(image, preprocess), images))
    pixels = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    reasons = [outcome if isinstance(outcome, str) else None for outcome in outcomes]
    return torch.stack(pixels) if pixels else None, reasons


def decode(image: Image, preprocess: Callable) -> torch.Tensor | str:
    """The image as the model wants it, or the reason why it is dropped."""
    if isinstance(image, str):
        return image
    try:
        if isinstance(image, Path) and not image.is_file():  # a pipe would be waited for
            return MISSING
        with PIL.Image.open(io.BytesIO(image) if isinstance(image, bytes) else image, formats=FORMATS) as opened:
            return preprocess(as_shown(opened))
    except FileNotFoundError:
        return MISSING
    except PIL.UnidentifiedImageError:
        return "no image"
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        return f"over {MAX_PIXELS:,} pixels"
    except OSError as error:  # the system's have a number, Pillow's for broken data have none
        return "unreadable" if error.errno else BROKEN
    except Exception:  # noqa: BLE001 - Pillow's decoders raise SyntaxError, struct.error … for broken data
        return BROKEN


def as_shown(image: PIL.Image.Image) -> PIL.Image.Image:
    """The opened image in mode RGB.

    Raises:
        Exception: whatever Pillow's decoders raise for broken data.
    """
    image.load()
    if is_turned(image):
        image = ImageOps.exif_transpose(image)
    if image.mode[0] in "IF":  # 16-bit PNG, TIFF of integers or floats: Pillow itself cuts values at 255
        image = in_eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def is_turned(image: PIL.Image.Image) -> bool:
    if image.format == "TIFF" or not image.info.get("exif"):  # Pillow turns TIFF itself; browsers read no XMP
        return False
    try:
        return image.getexif().get(ORIENTATION, 1) in range(2, 9)
    except Exception:  # noqa: BLE001 - broken EXIF raises a dozen kinds, and browsers show such an image as it lies
        return False


def in_eight_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """A grey image of 16 or 32 bits, or of floats, in mode L: its full scale becomes 0 … 255."""
    values = np.asarray(image, np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        values = np.where(finite, values, 0)
    low, high = min(0.0, float(values.min())), float(values.max())
    if image.mode.startswith("I;16"):
        high = 65535
    else:  # nothing says what white is: the next usual scale that holds all values
        usual = (1, 255, 65535) if image.mode == "F" else (255, 65535)
        high = next((white for white in usual if high <= white), high) if low == 0 else high
    scaled = (values - low) * (255 / max(high - low, 1e-12))
    return PIL.Image.fromarray(scaled.clip(0, 255).round().astype(np.uint8))
