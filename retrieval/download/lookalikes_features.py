"""What is compared of an image: its local features (ORB, Rublee et al. 2011) and a small grey thumbnail.

Uniform borders are cut off first, and what is left is brought to one area. So a copy with a frame, in another size or
with another quality gives nearly the same features, and a crop or a turned copy many of the same.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from retrieval.shown_image import FORMATS, shown

MOST_FEATURES = 300  # per image
AREA = 256 * 192  # pixels in which features are looked for
MOST_STRETCH = 8  # longest side over shortest; what is longer is squeezed, or no patch of 31 pixels fits into it
PATCH = 31  # pixels, ORB's
FAINTEST = 7  # grey levels between a corner and its ring; OpenCV's 20 finds few in a blurred image
THUMBNAIL_SIDE = 64  # pixels, the longer side
DECODED_SIDE = 256  # pixels: libjpeg leaves out finer detail
LARGEST_SIDE = 512  # pixels in which borders are looked for
BORDER_LEVELS = 24  # grey levels by which a border's pixels differ: JPEG at quality 40 changes white by about 10
BORDER_SPECKS = 0.02  # of a line of a border may differ by more


@dataclass(frozen=True)
class Features:
    """Of one image; of none that has no corners, as one of a single colour, there are any."""

    points: np.ndarray  # float32 (n, 2), x and y in pixels of the image as it was looked at
    angles: np.ndarray  # uint8 (n,), where 256 are a full turn
    codes: np.ndarray  # uint8 (n, 32), 256 bits each
    width: int  # of the image as it was looked at
    thumbnail: np.ndarray  # uint8 (height, width)


def features_of_file(path: Path) -> Features | None:
    """The features of an image as it is shown; None for a file that cannot be read."""
    grey = read_grey(path)
    return None if grey is None else features_of(without_borders(grey))


def read_grey(path: Path, resize_mode: str = "no") -> np.ndarray | None:
    """uint8 (height, width) as the image is shown, at most LARGEST_SIDE per side; None if it cannot be read.

    Args:
        resize_mode: img2dataset's; center_crop gives the square that it stores.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            # Colours are decoded only where a profile changes them: it never does in what the downloader stores.
            image.draft("RGB" if "icc_profile" in image.info else "L", (DECODED_SIDE, DECODED_SIDE))
            image = shown(image).convert("L")
            if resize_mode == "center_crop":
                image = ImageOps.fit(image, (min(image.size),) * 2)
            image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            return np.asarray(image)
    except Exception:  # noqa: BLE001  Pillow raises anything for a broken file: RuntimeError of AVIF, MemoryError of TIFF
        return None


def without_borders(grey: np.ndarray) -> np.ndarray:
    """The image without uniform lines at its four sides; empty if all lines are."""
    for _ in range(2):  # top and bottom, then left and right
        first = _border_lines(grey)
        last = len(grey) - _border_lines(grey[::-1]) if first < len(grey) else first
        grey = grey[first:last].T
    return grey


def _border_lines(grey: np.ndarray) -> int:
    """Lines at the top whose pixels are as those of the first line."""
    if not grey.size:
        return len(grey)
    colour = int(np.median(grey[0]))
    differs = cv2.inRange(np.ascontiguousarray(grey), colour - BORDER_LEVELS, colour + BORDER_LEVELS) == 0
    inside = (differs.mean(axis=1) > BORDER_SPECKS).nonzero()[0]
    return int(inside[0]) if len(inside) else len(grey)


def features_of(grey: np.ndarray) -> Features:
    """Features of uint8 (height, width) whose borders are cut off."""
    if min(grey.shape) < 2:
        return NOTHING
    height, width = grey.shape
    stretch = min(max(width / height, 1 / MOST_STRETCH), MOST_STRETCH)
    grey = _resized(grey, round((AREA * stretch) ** 0.5), round((AREA / stretch) ** 0.5))
    height, width = grey.shape
    orb = cv2.ORB_create(MOST_FEATURES, edgeThreshold=PATCH // 2, patchSize=PATCH, fastThreshold=FAINTEST)
    found, codes = orb.detectAndCompute(grey, None)
    if not found:
        return NOTHING
    scale = THUMBNAIL_SIDE / max(width, height)
    return Features(
        points=np.array([feature.pt for feature in found], np.float32),
        angles=(np.array([feature.angle for feature in found]) * (256 / 360)).astype(np.uint8),
        codes=codes,
        width=width,
        thumbnail=_resized(grey, max(1, round(width * scale)), max(1, round(height * scale))),
    )


def _resized(grey: np.ndarray, width: int, height: int) -> np.ndarray:
    smaller = width * height < grey.size
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


NOTHING = Features(
    points=np.empty((0, 2), np.float32),
    angles=np.empty(0, np.uint8),
    codes=np.empty((0, 32), np.uint8),
    width=1,
    thumbnail=np.zeros((1, 1), np.uint8),
)
