"""Whether a word goes on beside an occurrence, as before and after "hen" in "kitchens"."""

import numpy as np

from retrieval.substring.caption_buffers import ROW_END
from retrieval.substring.unicode61 import is_word_part

WORD_BEFORE, WORD_AFTER = 1, 2  # bits

_IS_WORD_BYTE = np.array([byte < 0x80 and chr(byte).isalnum() for byte in range(256)], np.uint8)


def sides_in_ascii(
    buffer, starts: np.ndarray, ends: np.ndarray, row_starts: np.ndarray, row_ends: np.ndarray
) -> np.ndarray:
    """The sides where a word goes on, of occurrences in captions that lie one after the other: uint8 (n,).

    Only letters and digits of ASCII count: rows with other ones are not taken from such a scan.
    """
    values = np.frombuffer(buffer, np.uint8)
    before = _word_bytes(values, starts - 1, starts > row_starts)
    return before * WORD_BEFORE | _word_bytes(values, ends, ends < row_ends) * WORD_AFTER


def sides_in_utf8(buffer, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The sides where a word goes on, of occurrences in UTF-8 with ROW_END between rows: uint8 (n,)."""
    values = np.frombuffer(buffer, np.uint8)
    before = _word_characters(values, starts - 1, starts > 0)
    return before * WORD_BEFORE | _word_characters(values, ends, ends < len(values)) * WORD_AFTER


def _word_bytes(values: np.ndarray, positions: np.ndarray, is_there: np.ndarray) -> np.ndarray:
    """1 where there is an ASCII letter or digit at the position, else 0: uint8 (n,)."""
    if not len(positions):
        return np.zeros(0, np.uint8)
    return _IS_WORD_BYTE[values[np.where(is_there, positions, 0)]] & is_there


def _word_characters(values: np.ndarray, positions: np.ndarray, is_there: np.ndarray) -> np.ndarray:
    """1 where the character at the position makes a word beside it longer, else 0: uint8 (n,)."""
    found = _word_bytes(values, positions, is_there)
    if not len(positions):
        return found
    bytes_there = values[np.where(is_there, positions, 0)]
    is_more = is_there & (bytes_there >= 0x80) & (bytes_there != ROW_END[0])
    for entry in np.flatnonzero(is_more).tolist():
        found[entry] = is_word_part(_character_at(values, int(positions[entry])))
    return found


def _character_at(values: np.ndarray, position: int) -> str:
    """The character of UTF-8 that the byte at `position` belongs to."""
    start, end = position, position + 1
    while values[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(values) and values[end] & 0xC0 == 0x80:
        end += 1
    return values[start:end].tobytes().decode()
