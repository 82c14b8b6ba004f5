"""The filter for short lists loses no caption that matches."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.queries import parse_query
from retrieval.substring.folded_bytes import folded_utf8
from retrieval.substring.literal_scan import hyperscan_scanner, re_scanner
from retrieval.substring.matching import Matcher, match_plain
from retrieval.substring.row_filter import SHORT_LIST, may_become_ascii, row_filter

ENGINES = [hyperscan_scanner, re_scanner]


@pytest.fixture(params=ENGINES)
def candidates(request):
    def rows(words, captions, phrases=None):
        phrases = phrases or [[word] for word in words]
        array = pa.array(captions, pa.binary())
        offsets = np.frombuffer(array.buffers()[1], np.int32).astype(np.int64)[: len(captions) + 1]
        return row_filter(phrases, request.param)(array, offsets).tolist()

    return rows


def test_every_character_that_may_become_ascii_or_nothing_sends_its_caption_on():
    codes = np.array([code for code in range(0x80, 0x30000) if not 0xD800 <= code < 0xE000])
    folded = folded_utf8(codes)
    becomes_ascii = (folded < 0x80) & (folded != ord(" "))
    lowers_to_ascii = np.array([any(c < "\x80" for c in chr(code).lower()) for code in codes.tolist()])
    assert becomes_ascii.sum() > 300 and lowers_to_ascii.sum() == 2  # U+0130 and the sign for kelvin
    for code in codes[becomes_ascii | lowers_to_ascii].tolist():
        assert may_become_ascii(np.frombuffer(f"a{chr(code)}b".encode(), np.uint8)).tolist() == [1], hex(code)


def test_punctuation_and_other_scripts_do_not():
    text = "“a” – b… € 猫 кот 🐈 ％"
    assert may_become_ascii(np.frombuffer(text.encode(), np.uint8)).tolist() == []


def test_rows_with_a_word_in_any_case_or_inside_another_go_on(candidates):
    captions = [b"a ROSE", b"prose", b"", b"ros", b"e", b"ros\xc3\xa9", "猫".encode(), b"tulip", b"x" * 1000]
    assert candidates([b"rose"], captions) in ([0, 1, 5], [0, 1, 4, 5])  # a word across two rows may cost a look


def test_no_caption_is_an_answer_too(candidates):
    assert candidates([b"rose"], []) == [] == candidates([b"rose"], [b"", b""])


@pytest.mark.parametrize(
    "words", [[], [b"a"], ["猫猫".encode()], [b"%04d" % number for number in range(SHORT_LIST + 1)]]
)
def test_lists_that_are_long_or_of_short_words_or_beyond_ascii_are_not_filtered(words):
    assert row_filter([[word] for word in words], re_scanner) is None


def test_of_a_phrase_the_word_is_looked_for_that_is_rare_in_the_captions(candidates):
    captions = [b"white " * 9, b"white oak", b"an oak of white wood", b"oak"]
    assert candidates([], captions, [[b"white", b"oak", b"a"]]) == [1, 2, 3]


def test_a_filter_that_leaves_most_captions_is_dropped():
    matcher = Matcher([parse_query("hen")], "word")
    for captions in (["a hen"] * 9, ["a hen"] * 9 + ["a dog"] * 99):
        assert len(matcher.match(pa.array(captions)).row) == 9
    assert matcher._rows_that_may_match is None


PIECES = [
    "rose",
    "ROSE",
    "Ros\u00e9",
    "ro\u0301se",
    "wild",
    "WI\u212aD",
    "\u0130ris",
    "iris",
    " ",
    "  ",
    "-",
    "—",
    "x",
    "猫",
    "\u00df",
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", ["substring", "word"])
@given(captions=st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=20))
def test_a_short_list_matches_what_the_spec_matches_among_many_captions(captions, mode, engine):
    captions = captions + ["nothing here"] * 3 * len(captions)  # so that the filter is worth its while
    queries = [parse_query(text) for text in ("rose", '"wild rose"', "wiki OR iris", "wild NOT rose", "iris*")]
    plain, fast = (
        match_plain(captions, queries, mode),
        Matcher(queries, mode, engine).match(pa.array(captions, pa.string())),
    )
    for one, other in zip(vars(plain).values(), vars(fast).values(), strict=True):
        assert one.tolist() == other.tolist()
