"""An image as a browser shows it: upright, in 8-bit RGB, on white, the first frame of an animation.

Every kind of image comes to the model in these pixels, so that the same picture has the same embedding whether it is
stored as a rotated JPEG, a 16-bit or a palette PNG, or a GIF.
"""

import numpy as np
import PIL.Image
from PIL import ImageOps

ORIENTATION = 0x0112  # EXIF's tag; 1 is upright
PIL.Image.init()
FORMATS = tuple(name for name in PIL.Image.ID if name != "EPS")  # for EPS, Pillow would start Ghostscript


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
