"""Captions as stretches of bytes that one scan can search: as they lie, or joined, and where it matters folded.

for first, piece in pieces(without_nulls(captions), 1 << 19):
    words = plain_words(joined(piece, b" "))             # exact for rows where rows_to_fold() says no
"""

from retrieval.arrow_values import binaries, binary_scalar, integers
from retrieval.substring.unicode61 import folded_utf8, tokens

ROW_END = b"\xff"  # stands in no UTF-8
WORD_ROW_END = b" \xff "  # so that the words at a row's edges stand between spaces too
CASED_SYMBOLS = (0x24B6, 0x24CF)  # circled capitals: the characters that separate words and yet have a lower case

_WORDS = bytes(byte if byte >= 128 or chr(byte).isalnum() else ord(" ") for byte in bytes(range(256)).lower())


def without_nulls(captions):
    """Any array of captions as one of binary or large_binary."""
    import pyarrow as pa

    if pa.types.is_dictionary(captions.type):
        captions = captions.dictionary_decode()
    if pa.types.is_null(captions.type):
        captions = captions.cast(pa.string())
    if captions.null_count:
        captions = captions.fill_null("")  # the empty caption matches nothing either
    return captions.cast(pa.large_binary() if _is_large(captions) else pa.binary())


def pieces(captions, size: int):
    """(first row, BinaryArray of about `size` bytes) by and by."""
    import numpy as np
    import pyarrow as pa

    offsets = offsets_of(captions)
    start = 0
    while start < len(captions):
        end = max(start + 1, int(np.searchsorted(offsets, offsets[start] + size, "right")) - 1)
        piece = captions.slice(start, end - start)
        if _is_large(captions):
            piece = pa.concat_arrays([piece]).cast(pa.binary())  # its offsets from 0, so that they fit 32 bits
        yield start, piece
        start = end


def offsets_of(captions):
    """Where each caption begins in the array's values, and where the last one ends: int64 (n + 1,)."""
    import numpy as np

    if not len(captions):
        return np.zeros(1, np.int64)
    offsets = np.frombuffer(captions.buffers()[1], np.int64 if _is_large(captions) else np.int32)
    return offsets[captions.offset : captions.offset + len(captions) + 1].astype(np.int64)


def bytes_of(captions):
    """The captions one behind another as they lie in memory: a buffer."""
    import pyarrow as pa

    offsets = offsets_of(captions)
    data = captions.buffers()[2]
    return pa.py_buffer(b"") if data is None else data.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _is_large(captions) -> bool:
    import pyarrow as pa

    return pa.types.is_large_string(captions.type) or pa.types.is_large_binary(captions.type)


def joined(captions, between: bytes):
    """One buffer of a BinaryArray's captions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    one_list = pa.ListArray.from_arrays(integers([0, len(captions)], "int32"), captions)
    return pc.binary_join(one_list, binary_scalar(between))[0].as_buffer()


def plain_words(buffer):
    """Lower-cased ASCII words, a space for every other byte: uint8 (n,). Twice as fast as bytes.translate."""
    import numpy as np

    values = np.frombuffer(buffer, np.uint8)
    text = values & 0xDF  # upper case, where it is a letter; of digits two bits are gone
    spare = text - 65
    is_word = spare < 26
    np.subtract(values, ord("0"), out=spare)
    is_word |= spare < 10
    text *= is_word.view(np.uint8)
    text ^= 0x20  # lower case, digits as they were, and a space where nothing was left
    return text


def rows_to_fold(captions, offsets, mode: str, beyond_any_doubt: bool = False):
    """bool (n,): which captions hold a character beyond ASCII that a scan of plain text would get wrong.

    Dashes, typographic quotes, symbols and emoji separate words and have no case: a row that has only those is plain,
    and so are bytes that are not UTF-8, which are read as U+FFFD, a symbol. `beyond_any_doubt`: fold these rows too.
    """
    import numpy as np

    found = np.zeros(len(captions), bool)
    values = np.frombuffer(bytes_of(captions), np.uint8)
    places = beyond_ascii(values)
    if not beyond_any_doubt:
        places = places[values[places] >= 0xC0]
    codes, _ = code_points(values, places)
    matters = folded_utf8(codes) != ord(" ")
    if mode == "substring":
        matters |= (codes >= CASED_SYMBOLS[0]) & (codes <= CASED_SYMBOLS[1]) | beyond_any_doubt
    found[np.searchsorted(offsets, places[matters] + offsets[0], "right") - 1] = True
    return found


def beyond_ascii(values):
    """Where the bytes of `values` (uint8) beyond ASCII are: int64, ascending. Looks at eight at a time; few are."""
    import numpy as np

    eights = values[: len(values) // 8 * 8].view(np.uint64)
    some = np.flatnonzero((eights & 0x8080808080808080) != 0)
    nth = np.flatnonzero(eights[some].view(np.uint8) >= 0x80)
    places = some[nth >> 3] * 8 + (nth & 7)
    rest = len(eights) * 8
    return np.concatenate([places, rest + np.flatnonzero(values[rest:] >= 0x80)])


def code_points(values, places):
    """(code points, their lengths in bytes) of the UTF-8 that begins at `places`; where it is none, some code point."""
    import numpy as np

    last = len(values) - 1
    first, second, third, fourth = (values[np.minimum(places + nth, last)].astype(np.uint32) for nth in range(4))
    codes = (first & 0x1F) << 6 | second & 0x3F
    codes = np.where(first >= 0xE0, (first & 0x0F) << 12 | (second & 0x3F) << 6 | third & 0x3F, codes)
    four = (first & 0x07) << 18 | (second & 0x3F) << 12 | (third & 0x3F) << 6 | fourth & 0x3F
    codes = np.where(first >= 0xF0, four, codes)
    return np.minimum(codes, 0x10FFFF), 2 + (first >= 0xE0) + (first >= 0xF0)


def exact_text(captions, mode: str) -> bytes:
    """Any captions as text to scan: lower-cased by Python, or the tokens of unicode61 with one space between."""
    import pyarrow as pa

    try:
        captions.cast(pa.string())
    except pa.ArrowInvalid:  # not UTF-8 somewhere
        texts = [caption.decode("utf-8", "replace") for caption in captions.to_pylist()]
        captions = binaries([text.encode() for text in texts]).cast(pa.binary())
    if mode == "substring":  # surrogateescape reads a row's end as a character that is neither cased nor in a word
        text = joined(captions, ROW_END).to_pybytes().decode("utf-8", "surrogateescape")
        return text.lower().encode("utf-8", "surrogateescape")
    words = folded(joined(captions, WORD_ROW_END).to_pybytes().translate(_WORDS))
    if words is None:
        rows = (" ".join(tokens(caption.decode())) for caption in captions.to_pylist())
        words = WORD_ROW_END.join(row.encode("utf-8", "surrogateescape") for row in rows)
    return b" " + words + b" "


def folded(text: bytes) -> bytes | None:
    """Rows of UTF-8, ASCII done already, with the other characters folded and runs of spaces made one.

    None where a folded character takes more bytes than it did, as U+023A's: there is no room for it.
    """
    import numpy as np

    values = np.frombuffer(bytearray(text), np.uint8)
    places = np.flatnonzero(values >= 0xC0)
    places = places[values[places] != ROW_END[0]]
    codes, sizes = code_points(values, places)
    stand_in = folded_utf8(codes)
    for nth in range(4):
        if nth >= 2 and (stand_in[sizes <= nth] >> (8 * nth)).any():
            return None
        fits = sizes > nth
        values[places[fits] + nth] = stand_in[fits] >> (8 * nth) & 0xFF
    values = values[values != 0]
    is_spare = values == ord(" ")  # a space behind a space, or the first
    is_spare[1:] &= is_spare[:-1]
    return values[~is_spare].tobytes()
