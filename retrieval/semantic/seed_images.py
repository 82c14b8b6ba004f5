"""The pixels of --seed-images. Each image is opened before any model is loaded."""

from pathlib import Path

import PIL.Image

from retrieval.cli import UserError
from retrieval.image_pixels import decode, refuse_bombs
from retrieval.semantic.plan import ClassPlan


def check_seed_images(classes: list[ClassPlan]) -> None:
    """Decode each image once, so that a broken one is refused in the first seconds.

    Raises:
        UserError: names the image and what is wrong with it.
    """
    for each in classes:
        for seed in each.seeds:
            open_seed(seed)


def open_seed(path: Path) -> PIL.Image.Image:
    """The image in RGB, as a browser shows it.

    Raises:
        UserError: names the image and what is wrong with it.
    """
    refuse_bombs()
    image = decode(path, lambda image: image)
    if isinstance(image, str):
        raise UserError(f"--seed-images: {path} cannot be read as an image ({image}): replace it, or remove it")
    return image
