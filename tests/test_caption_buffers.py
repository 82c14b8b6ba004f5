"""Captions as buffers: what is scanned as it is, what is folded first, for every character there is."""

import pyarrow as pa
import pytest

from retrieval.substring.caption_buffers import bytes_of, offsets_of, plain_words, rows_to_fold
from retrieval.substring.unicode61 import is_word_part

EVERY_BYTE = bytes(range(256))
CODES = [code for code in range(0x80, 0x30000) if not 0xD800 <= code < 0xE000]


def test_plain_words_are_lower_cased_with_spaces_for_all_else():
    expected = bytes(b if b < 0x80 and chr(b).isalnum() else 32 for b in EVERY_BYTE.lower())
    assert plain_words(pa.py_buffer(EVERY_BYTE)).tobytes() == expected


def test_the_bytes_of_captions_are_those_of_the_rows_alone():
    captions = pa.array([b"zero", b"one", b"", b"two", b"three"])
    for kind in (pa.binary(), pa.large_binary()):
        assert bytes_of(captions.cast(kind)).to_pybytes() == b"zeroonetwothree"
        assert bytes_of(captions.cast(kind).slice(1, 3)).to_pybytes() == b"onetwo"
    assert bytes_of(pa.array([], pa.binary())).to_pybytes() == b""


@pytest.mark.parametrize("mode", ["word", "substring"])
def test_a_row_is_folded_unless_all_its_characters_separate_words_and_have_no_case(mode):
    captions = pa.array([f"a{chr(code)}b".encode() for code in CODES], pa.binary())
    to_fold = rows_to_fold(captions, offsets_of(captions), mode).tolist()
    cased = [mode == "substring" and chr(code).lower() != chr(code) for code in CODES]
    assert to_fold == [is_word_part(chr(code)) or case for code, case in zip(CODES, cased, strict=True)]
    assert 5_000 < sum(to_fold) < len(CODES) - 5_000


def test_ascii_is_never_folded_and_what_is_not_utf8_is_when_it_may_matter():
    captions = pa.array([b"plain", b"", b"a \xff b", b"\x80", b"a\xe2", b"\xf7\xbf\xbf\xbf", b"\xed\xa0\x80"])
    assert not rows_to_fold(captions, offsets_of(captions), "word")[:2].any()
    everything = rows_to_fold(captions, offsets_of(captions), "substring", every_non_ascii=True)
    assert everything.tolist() == [False, False, True, True, True, True, True]
