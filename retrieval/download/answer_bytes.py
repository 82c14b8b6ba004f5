"""What is checked and unpacked in the bytes of one answer, before anything decodes them as an image."""

import io
import re
import threading
import zlib
from collections.abc import Iterator

# OpenCV's own limit is 2^30 pixels, and img2dataset needs up to 60 bytes per pixel for an image with transparency.
MAX_IMAGE_PIXELS = 40_000_000
# A progressive JPEG has about 10 scans. A scan of 61 bytes over 40 million pixels takes 0.05 s to decode, so a file of
# 20 MB could take hours.
MAX_SCANS = 100
MAX_ENCODINGS = 3  # "gzip, gzip" is seen; each is unpacked within the cap of bytes
# Content-Encoding values that browsers know and Python's standard library does not. Any other value is ignored, as
# browsers do: "none", "utf-8", "binary" …
UNREADABLE_ENCODINGS = ("br", "zstd", "compress", "x-compress")
READABLE_ENCODINGS = ("gzip", "x-gzip", "deflate")

PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")

TOO_LARGE = "too many bytes"
CUT_SHORT = "cut short"
TOO_MANY_SCANS = "too many scans"
ENCODED = "Content-Encoding"  # and which one, as `ENCODED_AS` lists them
ENCODED_AS = tuple(f"{ENCODED} {name}" for name in (*READABLE_ENCODINGS, *UNREADABLE_ENCODINGS))

_IMAGE = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|BM.{4}\0{4}|II\*\0|MM\0\*|\0\0\0\x0cjP|....ftyp(avi|hei|mif|msf)"
    rb"|\0\0\x01\0.\0|P[56]\s+\d",
    re.DOTALL,
)
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # of JPEG, but for the restarts inside a scan
_SCAN, _END, _ALONE = 0xDA, 0xD9, (0x01, 0xD8)  # markers without a length: TEM, SOI


class BadAnswer(ValueError):
    """The answer's bytes are not taken; the text is the reason."""


def looks_like_image(beginning: bytes) -> bool:
    """Whether a file begins (16 bytes are enough) as an image of a format in use does."""
    return bool(_IMAGE.match(beginning))


def unpacked(data: bytes, encodings: list[str], max_bytes: int) -> bytes:
    """The answer without its Content-Encoding, of which `encodings` are the headers' values.

    A server that names an encoding and sends the image as it is is believed by its bytes.

    Raises:
        BadAnswer: more than `max_bytes`, cut short, or an encoding that cannot be read.
    """
    names = [name.strip().lower() for value in encodings for name in value.split(",")]
    names = [name for name in names if name in (*READABLE_ENCODINGS, *UNREADABLE_ENCODINGS)]
    for count, name in enumerate(reversed(names)):
        if not data or looks_like_image(data):
            break
        if name in UNREADABLE_ENCODINGS or count == MAX_ENCODINGS:
            raise BadAnswer(f"{ENCODED} {name}")
        try:
            data = _inflate(data, name, max_bytes)
        except zlib.error as error:
            raise BadAnswer(f"{ENCODED} {name}") from error
    return data


def _inflate(data: bytes, name: str, max_bytes: int) -> bytes:
    if name == "deflate":  # zlib's format; some servers send the bare stream, and browsers take both
        has_header = len(data) > 1 and data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        kind = zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
    else:
        kind = 16 + zlib.MAX_WBITS
    pieces, size = [], 0
    while True:
        stream = zlib.decompressobj(kind)
        pieces.append(stream.decompress(data, max_bytes - size + 1))
        size += len(pieces[-1])
        if size > max_bytes:
            raise BadAnswer(TOO_LARGE)
        if not stream.eof:
            raise BadAnswer(CUT_SHORT)
        data = stream.unused_data
        if name == "deflate" or not data.startswith(b"\x1f\x8b"):  # a gzip file may have several members
            return b"".join(pieces)


def check_image(data: bytes) -> None:
    """Refuse what would be decoded to a part of an image, or for hours.

    Raises:
        BadAnswer: with the reason.
    """
    # The two bytes occur by chance too, in a video behind the image's end: 128 times in 8 MB.
    is_jpeg = data.startswith(b"\xff\xd8")
    if is_jpeg and data.count(b"\xff\xda") > MAX_SCANS and jpeg_scans(data)[0] > MAX_SCANS:
        raise BadAnswer(TOO_MANY_SCANS)
    if may_be_cut_short(data) and not decodes_whole(data):
        raise BadAnswer(CUT_SHORT)


def jpeg_scans(data: bytes) -> tuple[int, int | None]:
    """The number of scans up to the image's own end (at most MAX_SCANS + 1), and where that is, if it has one."""
    scans, at = 0, 2
    while scans <= MAX_SCANS and (found := _MARKER.search(data, at)):
        marker, at = data[found.start() + 1], found.end()
        if marker == _END:
            return scans, at
        scans += marker == _SCAN
        if marker not in _ALONE:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
    return scans, None


def reaches_iend(png: bytes) -> bool:
    """Whether each chunk of a PNG lies within the file, up to its end mark.

    OpenCV 4.11 takes memory for whatever length a chunk names, up to 2 GB, and 5 seconds.
    """
    return b"IEND" in png_chunk_names(png)


def png_chunk_names(png: bytes) -> set[bytes]:
    return {name for name, _ in _png_chunks(png)}


def png_without_description(png: bytes) -> bytes:
    """The PNG with the chunks that make its pixels. Browsers skip another one that is broken; Pillow stops there."""
    return png[:8] + b"".join(chunk for kind, chunk in _png_chunks(png) if kind in PIXEL_CHUNKS)


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, the whole chunk) of each chunk that lies within the file, up to the end mark."""
    at, kind = 8, b""
    while at + 12 <= len(png) and kind != b"IEND":
        kind, end = png[at + 4 : at + 8], at + 12 + int.from_bytes(png[at : at + 4], "big")
        if end <= len(png):
            yield kind, png[at:end]
        at = end


def may_be_cut_short(data: bytes) -> bool:
    """Whether the file lacks its format's end mark. OpenCV would paint the missing rest grey without an error."""
    if data.startswith(b"\xff\xd8"):
        return not data.rstrip(b"\0\r\n ").endswith(b"\xff\xd9") and jpeg_scans(data)[1] is None
    if data.startswith(b"\x89PNG"):
        return not reaches_iend(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    return False


_decoding = threading.Lock()  # one at a time: 160 MB for the largest image, not 160 MB per thread


def decodes_whole(data: bytes) -> bool:
    """Whether the image is complete. Some cameras leave the end mark out, so its absence alone proves nothing."""
    from PIL import Image

    try:
        with _decoding, Image.open(io.BytesIO(data), formats=("JPEG", "MPO", "PNG", "WEBP")) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                return False
            image.draft("RGB", (1, 1))  # an eighth of the size: every scan is read, little is computed
            image.load()
    except Exception:  # noqa: BLE001  a decoder that is given arbitrary bytes raises anything; the image is not complete
        return False
    return True
