"""Where an image lies in a tar: TAR#OFFSET+SIZE/MEMBER, such as /data/0000.tar#1536+48213/000000017.jpg.

The bytes of the image begin at OFFSET of the tar, which is a path or an address. The filters write the place into their
records (PIXELS), and the downloader reads the image there. Standard library only.
"""

import os
import re
import tarfile
from typing import NamedTuple

from retrieval.image_files import is_image
from retrieval.remote_address import is_address

PIXELS = "PIXELS"  # the record's field
BLOCK_BYTES = tarfile.BLOCKSIZE  # a member's header is the block before its content
LONGEST_NAME = 100  # bytes of a name that a header has room for
# The first place counts: the tar is named by the user, and the member by a stranger.
TAR_PATTERN = r"^(.+?)#(\d+)\+(\d+)/(.+)$"
PLACE_PATTERN = r"^(.+?)#(\d+:\d+@)?\d+\+\d+/.+$"  # of a tar, or of a parquet (parquet_images.py)
_PLACE = re.compile(TAR_PATTERN, re.DOTALL)


class TarPlace(NamedTuple):
    tar: str  # an absolute path, or an address
    offset: int  # bytes before the image
    size: int  # bytes of the image
    member: str


def is_image_member(member: tarfile.TarInfo) -> bool:
    """Whether it is an image, by its name. A link to one has no pixels of its own."""
    return member.isreg() and not member.issparse() and is_image(member.name)


def place_in_tar(member: tarfile.TarInfo) -> str:
    """OFFSET+SIZE/MEMBER. Half a surrogate pair in a name, for bytes that are no UTF-8, is written as "?"."""
    return f"{member.offset_data}+{member.size}/{_text(member.name)}"


def image_places(tar: str, places: list[str | None]) -> list[str | None]:
    """The places of a tar's images as records have them. None stays None."""
    tar = tar if is_address(tar) else os.path.abspath(tar)
    return [place and f"{tar}#{place}" for place in places]


def split_place(text: str) -> TarPlace:
    """
    Raises:
        ValueError: it is no such place.
    """
    found = _PLACE.match(text)
    if not found or int(found[2]) < BLOCK_BYTES:
        raise ValueError(f"{text} is no place in a tar")
    return TarPlace(found[1], int(found[2]), int(found[3]), found[4])


def is_header_of(header: bytes, place: TarPlace) -> bool:
    """Whether the block before an image says what its record says. If not, the tar is another than it was.

    A name that is long, or not ASCII, stands in a block of its own before: then the size decides.
    """
    try:
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    in_header = place.member.isascii() and len(place.member) <= LONGEST_NAME
    return member.size == place.size and (not in_header or _text(member.name) == place.member)


def _text(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
