"""Read webdataset tars as they are found: dotted keys, a key twice, concatenated, compressed, cut short.

Each image of a tar is a row, whatever its name is. What belongs to it (KEY.json, KEY.txt) is found by its name, and
never in another of the tars that were concatenated. tests/test_fuzz_tars.py holds it.
"""

import lzma
import re
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from retrieval.noting_tar import NotingTar

TAR_NAME = re.compile(r"\.(tar(\.(gz|bz2|xz|zst))?|tgz|tbz2?|txz)$", re.IGNORECASE)
TAR_ERRORS = (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError)  # cut or damaged
MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|RIFF....WEBP|II\*\0|MM\0\*", re.DOTALL)
MAGIC_BYTES = 12
SIDECARS = (".json", ".txt")


def is_tar(path: Path) -> bool:
    return TAR_NAME.search(path.name) is not None


@dataclass
class Sample:
    """An image of a tar, and what belongs to it."""

    key: str
    image: tarfile.TarInfo | None  # None: fields without an image
    sidecars: dict[str, tarfile.TarInfo] = field(default_factory=dict)  # by suffix


@dataclass
class TarContents:
    samples: list[Sample]
    hidden: int  # images whose names begin with a dot
    damage: str | None  # why what is listed may not be all


def list_samples(tar: NotingTar, suffixes: tuple[str, ...]) -> TarContents:
    """All images of the tar in its order, and JSON files without an image.

    Args:
        suffixes: of images, lower-cased. A file of another suffix is an image where its first bytes say so.
    """
    parts: dict[tuple, dict] = {}  # (which of the concatenated tars, key) -> suffix -> members
    order, hidden, damage, zeros_before = [], 0, None, 0
    try:
        for member in tar:
            zeros_before = tar.zero_blocks
            if not (member.isfile() or member.islnk() or member.issym()):
                continue
            key, suffix = split_name(member.name)
            is_image = suffix in suffixes or (suffix not in SIDECARS and has_magic(tar, member))
            if any(part.startswith(".") and part.strip(".") for part in member.name.split("/")):
                hidden += is_image
            elif is_image or suffix in SIDECARS:
                kinds = parts.setdefault((zeros_before, key), defaultdict(list))
                kinds["image" if is_image else suffix].append(member)
                order.append(((zeros_before, key), member, is_image))
    except TAR_ERRORS as error:
        if getattr(error, "errno", None):  # the disk's fault, not the tar's: another run may read more
            raise
        damage = first_words(error)
    if not damage and tar.bad_header is not None:
        damage = f"no tar header before byte {tar.bad_header:,}"
    if not damage and tar.zero_blocks == zeros_before:
        damage = "no end mark"
    return TarContents(join_samples(parts, order), hidden, damage)


def split_name(name: str) -> tuple[str, str]:
    """./a/photo.v2.JPG -> (a/photo.v2, .jpg)."""
    folder, slash, file = re.sub(r"^(\.?/)+", "", name).rpartition("/")
    stem, dot, suffix = file.rpartition(".")
    return (f"{folder}{slash}{stem}", f".{suffix.lower()}") if dot and stem else (f"{folder}{slash}{file}", "")


def has_magic(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
    return member.isfile() and member.size > MAGIC_BYTES and bool(MAGIC.match(read_member(tar, member, MAGIC_BYTES)))


def join_samples(parts: dict[tuple, dict], order: list[tuple]) -> list[Sample]:
    """A sample for each image, in order; then one for each JSON file of a key without an image.

    The nth image of a key has the nth JSON of this key. Without one of its own, photo.v2.jpg has photo.json, by
    webdataset's rule that the key ends at the first dot, unless there is a photo.jpg, whose it is.
    """
    samples, seen = [], defaultdict(int)
    for place, member, is_image in order:
        if not is_image:
            continue
        sample = Sample(place[1], member)
        number = seen[place]
        seen[place] += 1
        for suffix in SIDECARS:
            own = nth(parts[place].get(suffix), number)
            found = own or next((nth(kinds[suffix], 0) for kinds in shorter(parts, place, suffix)), None)
            if found is not None:
                sample.sidecars[suffix] = found
        samples.append(sample)
    with_image = {(part, key) for part, image_key in seen for key in (image_key, *shorter_keys(image_key))}
    for place, member, _ in order:
        if place not in with_image and split_name(member.name)[1] == ".json":
            samples.append(Sample(place[1], None, {".json": member}))
    return samples


def nth(members: list | None, number: int):
    """The nth of a key's sidecars; the only one is for all images of that key (000.jpg and 000.png)."""
    if not members:
        return None
    return members[0] if len(members) == 1 else members[number] if number < len(members) else None


def shorter(parts: dict[tuple, dict], place: tuple, suffix: str) -> Iterator[dict]:
    """The files of shorter keys (photo of photo.v2) that have this sidecar and no image of their own."""
    part, key = place
    for shorter_key in shorter_keys(key):
        kinds = parts.get((part, shorter_key))
        if kinds and suffix in kinds and "image" not in kinds:
            yield kinds


def shorter_keys(key: str) -> Iterator[str]:
    """a/img.2020.01 -> a/img.2020, a/img."""
    folder, slash, name = key.rpartition("/")
    while "." in name:
        name = name.rpartition(".")[0]
        yield f"{folder}{slash}{name}"


def read_member(tar: tarfile.TarFile, member: tarfile.TarInfo, size: int = -1) -> bytes | None:
    """The member's content; None where the tar ends before it does, or a link leads nowhere."""
    try:
        file = tar.extractfile(member)
        return file and file.read(size)
    except (*TAR_ERRORS, KeyError, RecursionError) as error:
        if getattr(error, "errno", None):
            raise
        return None


def first_words(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
