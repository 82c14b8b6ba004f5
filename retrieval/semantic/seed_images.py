"""The images of --seed-images: those that a class has, and their pixels. Each is opened before any model is loaded."""

import warnings
from pathlib import Path

from PIL import Image, ImageOps

from retrieval.cli import UserError
from retrieval.semantic.plan import ClassPlan

MAX_PIXELS = 89_478_485  # Pillow's own line between a large image and a decompression bomb (a quarter GB of RGB)
DEEP_MODES = ("I", "F")  # 16 bits and more, or floats: Pillow would cut their values at 255


def check_seed_images(classes: list[ClassPlan]) -> None:
    """Decode each image once, so that a broken one is refused in the first seconds.

    Raises:
        UserError: names the image and what is wrong with it.
    """
    for each in classes:
        for seed in each.seeds:
            open_seed(seed)


def open_seed(path: Path) -> Image.Image:
    """The image in RGB, upright, on white.

    Raises:
        UserError: names the image and what is wrong with it.
    """
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # Pillow refuses at twice the line only
            warnings.filterwarnings("ignore", category=UserWarning)  # of broken EXIF, which browsers ignore too
            with Image.open(path) as image:
                return _upright(image, path)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"--seed-images: {path} has more than {MAX_PIXELS:,} pixels: make it smaller, or remove it"
        ) from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error … for broken data
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"--seed-images: {path} cannot be read as an image ({reason}): replace it, or remove it"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _upright(image: Image.Image, path: Path) -> Image.Image:
    image.load()
    if image.mode.startswith(DEEP_MODES):
        raise UserError(f"--seed-images: {path} has more than 8 bits per pixel and colour: save it as an 8-bit image")
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
