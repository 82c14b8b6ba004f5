"""An image file -> what the model takes: the pixels that a browser shows, in RGB, preprocessed.

An image that does not decode is a reason, never an error: it must not take the others of its batch with it.
"""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image

from retrieval.image_files import BROKEN, MISSING, Image
from retrieval.shown_image import NotShown, shown

MAX_PIXELS = 89_478_485  # Pillow's own line between a large image and a decompression bomb (a quarter GB of RGB)
# The user's own files may have any format. For EPS, Pillow would start Ghostscript.
FORMATS = tuple(name for name in PIL.Image.ID if name != "EPS")


def refuse_bombs() -> None:
    """Make Pillow raise an error for images above MAX_PIXELS, in this whole process. It says nothing of broken EXIF."""
    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)  # Pillow itself refuses only at twice the line
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")


def decode(image: Image, preprocess: Callable[[PIL.Image.Image], Any]) -> Any | str:
    """What `preprocess` makes of the image in RGB (a tensor, of a model's), or the reason why it is dropped."""
    if isinstance(image, str):
        return image
    try:
        if isinstance(image, Path) and not image.is_file():  # a pipe would be waited for
            return MISSING
        with PIL.Image.open(io.BytesIO(image) if isinstance(image, bytes) else image, formats=FORMATS) as opened:
            return preprocess(shown(opened).convert("RGB"))
    except FileNotFoundError:
        return MISSING
    except PIL.UnidentifiedImageError:
        return "no image"
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        return f"over {MAX_PIXELS:,} pixels"
    except NotShown as reason:
        return str(reason)
    except OSError as error:  # the system's have a number, Pillow's for broken data have none
        return "unreadable" if error.errno else BROKEN
    except Exception:  # noqa: BLE001 - Pillow's decoders raise SyntaxError, struct.error … for broken data
        return BROKEN
