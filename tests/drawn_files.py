"""Image files of many kinds for the downloader's tests, each with the pixels that a browser shows of it."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

WIDTH, HEIGHT = 96, 64  # not square, so that a turn is seen
TURNED = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1], 8: lambda a: a.swapaxes(0, 1)[::-1],
}  # fmt: skip # Exif orientation -> the pixels as they are shown


def drawing(seed: int) -> np.ndarray:
    """uint8 (HEIGHT, WIDTH, 3), soft enough for JPEG; no two parts are alike."""
    noise = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8))
    return np.asarray(noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(samples: np.ndarray, depth: int, colour: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of any bit depth and colour type (0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA)."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def row(line: np.ndarray) -> bytes:
        if depth == 16:
            return line.astype(">u2").tobytes()
        bits = np.unpackbits(line.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
        return np.packbits(bits.ravel()).tobytes()

    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row(line) for line in samples))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        part(*chunk) for chunk in ((b"IHDR", header), *chunks, (b"IDAT", body), (b"IEND", b""))
    )


def exif(orientation: int) -> bytes:
    made = Image.Exif()
    made[0x0112] = orientation
    return made.tobytes()


def with_segments(jpeg: bytes, *segments: tuple[int, bytes]) -> bytes:
    """The JPEG with marker segments behind its first two bytes."""
    return (
        jpeg[:2]
        + b"".join(bytes((255, kind)) + struct.pack(">H", len(body) + 2) + body for kind, body in segments)
        + jpeg[2:]
    )


def on_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


def grey_of(colours: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(colours).convert("L"))


def swapped_profile() -> bytes:
    """An RGB profile whose red is blue: sRGB with two tags exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for position in range(132, 132 + 12 * struct.unpack(">I", data[128:132])[0], 12):
        name = bytes(data[position : position + 4])
        data[position : position + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    return bytes(data)


def files_of_every_kind(seed: int) -> dict[str, tuple[bytes, np.ndarray]]:
    """Name -> (file, the pixels that are shown; (h, w) or (h, w, 3))."""
    rgb = drawing(seed)
    grey, alpha = grey_of(rgb), np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    image, clear = Image.fromarray(rgb), Image.fromarray(np.dstack([rgb, alpha]))
    other = Image.fromarray(255 - rgb)
    made = _pngs(rgb, grey, alpha) | _palettes(image)
    made |= {
        "cmyk.jpg": (encoded(image.convert("CMYK"), "JPEG"), rgb),
        "grey.jpg": (encoded(image.convert("L"), "JPEG"), grey),
        "progressive.jpg": (encoded(image, "JPEG", progressive=True), rgb),
        "rgb.jpg": (encoded(image, "JPEG", keep_rgb=True), rgb),
        "clear.webp": (encoded(clear, "WEBP", lossless=True), on_white(rgb, alpha)),
        "moving.webp": (encoded(image, "WEBP", lossless=True, save_all=True, append_images=[other]), rgb),
        "moving.png": (encoded(image, "PNG", save_all=True, append_images=[other]), rgb),
        "poster.png": (encoded(other, "PNG", save_all=True, default_image=True, append_images=[image, other]), rgb),
        "plain.bmp": (encoded(image, "BMP"), rgb),
        "lines.bmp": (encoded(Image.fromarray(grey > 127), "BMP"), (grey > 127) * 255),
        "padded.bmp": (_bmp_of_32_bits(rgb), rgb),
        "icon.ico": (encoded(image, "ICO", sizes=[(WIDTH, HEIGHT)]), rgb),
        "plain.jp2": (encoded(image, "JPEG2000"), rgb),
        "deep.jp2": (encoded(Image.fromarray(grey.astype(np.uint16) * 257), "JPEG2000"), grey),
        "deep.ppm": (b"P6 %d %d 65535\n" % (WIDTH, HEIGHT) + (rgb.astype(">u2") * 257).astype(">u2").tobytes(), rgb),
    }  # fmt: skip
    if "AVIF" in Image.registered_extensions().values():
        made["clear.avif"] = (encoded(clear, "AVIF", quality=95), on_white(rgb, alpha))
    return made | _tiffs(rgb, grey, alpha)


def _pngs(rgb, grey, alpha) -> dict[str, tuple[bytes, np.ndarray]]:
    made = {}
    for depth in (1, 2, 4, 8, 16):
        most = (1 << depth) - 1
        levels = np.rint(grey.astype(float) * most / 255).astype(int)
        seen, key = levels * 255 / most, int(levels[5, 5])
        made[f"grey{depth}.png"] = png(levels, depth, 0), seen
        keyed = png(levels, depth, 0, (b"tRNS", struct.pack(">H", key)))
        made[f"grey{depth}-key.png"] = keyed, np.where(levels == key, 255, seen)
    left = np.arange(WIDTH)[None, :, None] < 40
    for depth, scale in ((8, 1), (16, 257)):
        keyed = np.where(left, rgb[3, 3], rgb).astype(int) * scale
        key = (b"tRNS", (rgb[3, 3].astype(int) * scale).astype(">u2").tobytes())
        made |= {
            f"rgb{depth}.png": (png(rgb.astype(int) * scale, depth, 2), rgb),
            f"rgb{depth}-key.png": (png(keyed, depth, 2, key), np.where(left, 255, rgb)),
            f"grey-alpha{depth}.png": (png(np.dstack([grey, alpha]).astype(int) * scale, depth, 4),
                                       on_white(np.dstack([grey] * 3), alpha)),
            f"rgba{depth}.png": (png(np.dstack([rgb, alpha]).astype(int) * scale, depth, 6), on_white(rgb, alpha)),
        }  # fmt: skip
    return made


def _palettes(image: Image.Image) -> dict[str, tuple[bytes, np.ndarray]]:
    made = {}
    for depth in (1, 2, 4, 8):
        reduced = image.quantize(1 << depth)
        seen, colours = np.asarray(reduced.convert("RGB")), bytes(reduced.getpalette()[: 3 << depth])
        positions = np.asarray(reduced)
        half = on_white(seen, np.where(positions == 0, 0, np.where(positions == 1, 128, 255)))
        made[f"palette{depth}.png"] = png(positions, depth, 3, (b"PLTE", colours)), seen
        made[f"palette{depth}-clear.png"] = (
            png(positions, depth, 3, (b"PLTE", colours), (b"tRNS", bytes((0, 128)))), half
        )  # fmt: skip
        made[f"still{depth}.gif"] = encoded(reduced, "GIF"), seen
        made[f"clear{depth}.gif"] = (
            encoded(reduced, "GIF", transparency=1, optimize=False), np.where(positions[..., None] == 1, 255, seen)
        )  # fmt: skip
    return made


def _tiffs(rgb, grey, alpha) -> dict[str, tuple[bytes, np.ndarray]]:
    image = Image.fromarray(rgb)
    images = {
        "lines": (image.convert("1", dither=Image.Dither.NONE), (grey > 127) * 255),
        "grey": (image.convert("L"), grey), "rgb": (image, rgb), "cmyk": (image.convert("CMYK"), rgb),
        "rgba": (Image.fromarray(np.dstack([rgb, alpha])), on_white(rgb, alpha)),
        "deep": (Image.fromarray(grey.astype(np.uint16) * 257), grey),
        "integers": (Image.fromarray((grey.astype(np.int64) * 0x7FFFFFFF // 255).astype(np.int32)), grey),
        "floats": (Image.fromarray((grey / 255).astype(np.float32)), grey),
        "levels": (Image.fromarray(grey.astype(np.float32)), grey),
    }  # fmt: skip
    return {f"{name}.tiff": (encoded(image, "TIFF"), seen) for name, (image, seen) in images.items()}


def _bmp_of_32_bits(rgb: np.ndarray) -> bytes:
    """The fourth byte is padding, and 0; read as alpha it would make the whole image white."""
    body = np.dstack([rgb[::-1, :, ::-1], np.zeros((HEIGHT, WIDTH), np.uint8)]).tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 32, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + header + body
