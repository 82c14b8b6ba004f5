"""Captions as buffers of bytes that one scan can search: as they lie in memory, or joined, and folded where it matters.

for first, piece in pieces(without_nulls(captions), 1 << 19):
    words = plain_words(joined(piece, b" "))             # exact for rows where rows_to_fold() says no
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrieval.arrow_values import binaries, binary_scalar, integers, is_large
from retrieval.substring.folded_bytes import folded_utf8
from retrieval.substring.unicode61 import tokens

ROW_END = b"\xff"  # a byte that is in no UTF-8
WORD_ROW_END = b" \xff "  # with spaces, so that the first and last word of a row are between spaces too
CASED_SYMBOLS = (0x24B6, 0x24CF)  # circled capitals: they separate words, and yet have a lower case

_WORD_BYTES = bytes(byte if byte >= 128 or chr(byte).isalnum() else ord(" ") for byte in bytes(range(256)).lower())


def without_nulls(captions: pa.Array) -> pa.BinaryArray | pa.LargeBinaryArray:
    """Any array of captions as bytes. A null becomes empty, which matches nothing either."""
    if pa.types.is_dictionary(captions.type):
        captions = captions.dictionary_decode()
    if pa.types.is_null(captions.type):
        captions = captions.cast(pa.string())
    if captions.null_count:
        captions = captions.fill_null("")
    return captions.cast(pa.large_binary() if is_large(captions.type) else pa.binary())


def pieces(captions: pa.Array, size: int) -> Iterator[tuple[int, pa.BinaryArray]]:
    """The captions in pieces of about `size` bytes, each with the number of its first row."""
    offsets = offsets_of(captions)
    start = 0
    while start < len(captions):
        end = max(start + 1, int(np.searchsorted(offsets, offsets[start] + size, "right")) - 1)
        piece = captions.slice(start, end - start)
        if is_large(captions.type):
            piece = pa.concat_arrays([piece]).cast(pa.binary())  # a copy has offsets from 0, which fit 32 bits
        yield start, piece
        start = end


def offsets_of(captions: pa.Array) -> np.ndarray:
    """Where each caption begins in the array's data, and where the last one ends: int64 (n + 1,)."""
    if not len(captions):
        return np.zeros(1, np.int64)
    offsets = np.frombuffer(captions.buffers()[1], np.int64 if is_large(captions.type) else np.int32)
    return offsets[captions.offset : captions.offset + len(captions) + 1].astype(np.int64)


def bytes_of(captions: pa.Array) -> pa.Buffer:
    """All captions without anything between them, as they lie in memory. Nothing is copied."""
    offsets = offsets_of(captions)
    data = captions.buffers()[2]
    return pa.py_buffer(b"") if data is None else data.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def joined(captions: pa.BinaryArray, between: bytes) -> pa.Buffer:
    """All captions in one new buffer, with `between` between them."""
    one_list = pa.ListArray.from_arrays(integers([0, len(captions)], "int32"), captions)
    return pc.binary_join(one_list, binary_scalar(between))[0].as_buffer()


def plain_words(buffer: pa.Buffer | bytes) -> np.ndarray:
    """Lower-cased ASCII letters and digits, and a space for every other byte: uint8 (n,).

    Twice as fast as bytes.translate.
    """
    values = np.frombuffer(buffer, np.uint8)
    text = values & 0xDF  # letters in upper case; digits lose two bits
    spare = text - 65
    is_word = spare < 26
    np.subtract(values, ord("0"), out=spare)
    is_word |= spare < 10
    text *= is_word.view(np.uint8)
    text ^= 0x20  # letters in lower case, digits as before, spaces elsewhere
    return text


def rows_to_fold(captions: pa.Array, offsets: np.ndarray, mode: str, every_non_ascii: bool = False) -> np.ndarray:
    """Which captions have a non-ASCII character that a scan of plain text would get wrong: bool (n,).

    Dashes, typographic quotes, symbols and emoji separate words and have no case: rows that have only those are plain.
    So are bytes that are not UTF-8: they are read as U+FFFD, a symbol. `every_non_ascii`: fold these rows too.
    """
    found = np.zeros(len(captions), bool)
    values = np.frombuffer(bytes_of(captions), np.uint8)
    positions = np.flatnonzero(values >= (0x80 if every_non_ascii else 0xC0))  # from 0xC0: first bytes of characters
    codes, _ = code_points(values, positions)
    matters = folded_utf8(codes) != ord(" ")
    if mode == "substring":
        matters |= (codes >= CASED_SYMBOLS[0]) & (codes <= CASED_SYMBOLS[1]) | every_non_ascii
    found[np.searchsorted(offsets, positions[matters] + offsets[0], "right") - 1] = True
    return found


def code_points(values: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The characters of UTF-8 that begin at `positions`: code points, and their lengths in bytes.

    Where the bytes are not UTF-8: any code point.
    """
    last = len(values) - 1
    first, second, third, fourth = (values[np.minimum(positions + nth, last)].astype(np.uint32) for nth in range(4))
    codes = (first & 0x1F) << 6 | second & 0x3F
    codes = np.where(first >= 0xE0, (first & 0x0F) << 12 | (second & 0x3F) << 6 | third & 0x3F, codes)
    four = (first & 0x07) << 18 | (second & 0x3F) << 12 | (third & 0x3F) << 6 | fourth & 0x3F
    codes = np.where(first >= 0xF0, four, codes)
    return np.minimum(codes, 0x10FFFF), 2 + (first >= 0xE0) + (first >= 0xF0)


def exact_text(captions: pa.BinaryArray, mode: str) -> bytes:
    """Captions as text to scan, with ROW_END between rows.

    Lower-cased by Python (substring), or the tokens of unicode61 with one space between them.
    """
    try:
        captions.cast(pa.string())
    except pa.ArrowInvalid:  # not UTF-8 somewhere
        texts = [caption.decode("utf-8", "replace") for caption in captions.to_pylist()]
        captions = binaries([text.encode() for text in texts]).cast(pa.binary())
    if mode == "substring":  # surrogateescape reads ROW_END as a character that has no case and is in no word
        text = joined(captions, ROW_END).to_pybytes().decode("utf-8", "surrogateescape")
        return text.lower().encode("utf-8", "surrogateescape")
    words = folded(joined(captions, WORD_ROW_END).to_pybytes().translate(_WORD_BYTES))
    if words is None:
        rows = (" ".join(tokens(caption.decode())) for caption in captions.to_pylist())
        words = WORD_ROW_END.join(row.encode("utf-8", "surrogateescape") for row in rows)
    return b" " + words + b" "


def folded(text: bytes) -> bytes | None:
    """Fold the non-ASCII characters of `text`, whose ASCII is folded already, and make runs of spaces one space.

    None where a folded character takes more bytes than before, as U+023A does: there is no room for it.
    """
    values = np.frombuffer(bytearray(text), np.uint8)
    positions = np.flatnonzero(values >= 0xC0)
    positions = positions[values[positions] != ROW_END[0]]
    codes, sizes = code_points(values, positions)
    replacement = folded_utf8(codes)
    for nth in range(4):
        if nth >= 2 and (replacement[sizes <= nth] >> (8 * nth)).any():
            return None
        fits = sizes > nth
        values[positions[fits] + nth] = replacement[fits] >> (8 * nth) & 0xFF
    values = values[values != 0]
    is_spare = values == ord(" ")  # a space after a space, or the first one
    is_spare[1:] &= is_spare[:-1]
    return values[~is_spare].tobytes()
