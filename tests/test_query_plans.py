"""Searching for what the queries need, and for the rest where it is found, gives what the plain rule gives."""

from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.queries import MATCH_MODES, parse_query
from retrieval.substring import matching, query_trees
from retrieval.substring.literal_scan import hyperscan_scanner, re_scanner
from retrieval.substring.match_definition import distinct_phrases
from retrieval.substring.matching import Matcher, match_plain
from retrieval.substring.plans import cheapest_cover, make_plan

WORDS = ["hen", "cock", "egg", "white", "tiger", "shark", "é"]
PHRASES = [
    *["hen", "cock", "egg*", "white", "tiger", "shark", "E", "whit*", '"hen egg"', '"tiger shark"', '"great white" *'],
    *['""', '"-"', "white + egg", "hen cock", "white tiger shark", '"white hen egg"', "ti*"],
]
captions = st.lists(st.sampled_from([*WORDS, "great", "whites"]), max_size=8).flatmap(
    lambda words: st.sampled_from([" ", "  ", " - ", "   ", "-----"]).map(lambda between: between.join(words))
)
queries_of_any_shape = st.recursive(
    st.sampled_from(PHRASES),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR", "NOT"]), inner).map(
        lambda t: f"({t[0]}) {t[1]} ({t[2]})"
    ),
    max_leaves=9,
)


def lists(hits):
    return [column.tolist() for column in vars(hits).values()]


@pytest.mark.parametrize("mode", MATCH_MODES)
@settings(max_examples=300)
@given(
    st.lists(captions, min_size=1, max_size=30),
    st.lists(captions | st.none(), max_size=30),
    st.lists(queries_of_any_shape, min_size=1, max_size=8),
    st.sampled_from([1, 60, 1 << 19]),
    st.sampled_from([1, 5, 1 << 18]),
    st.sampled_from([hyperscan_scanner, re_scanner]),
)
def test_queries_of_any_shape_match_as_the_plain_rule_says(mode, first, second, texts, piece, block, engine):
    queries = [parse_query(text) for text in texts]
    matcher = Matcher(queries, mode, engine)
    with (
        mock.patch.multiple(matching, PIECE_BYTES=piece, GATHERED_BYTES=3 * piece, SAMPLE_BYTES=piece),
        mock.patch.object(query_trees, "BLOCK_PHRASES", block),
    ):
        for batch in (first, second):  # what is needed is decided by the first batch, and right for the second
            fast = matcher.match(pa.array(batch, pa.string()))
            plain = match_plain(batch, queries, mode)
            assert lists(fast) == lists(plain)
            assert [column.dtype for column in vars(fast).values()] == [np.int64, np.int32, np.int32, bool]


@pytest.mark.parametrize(
    ("query", "needed"),
    [
        ("hen", ["hen"]),
        ("hen OR cock", ["hen", "cock"]),
        ("crane AND (bird OR water)", ["crane"]),
        ("water AND (crane OR heron)", ["crane", "heron"]),
        ("white tiger water", ["tiger"]),
        ("water NOT crane", ["water"]),
        ("crane OR (water AND bird NOT heron)", ["crane", "bird"]),
        ('"" water', ["water"]),
        ("(white OR crane) AND (crane OR tiger)", ["crane", "tiger"]),
    ],
)
def test_of_an_and_the_part_is_needed_that_is_rarest(query, needed):
    costs = {"water": 9, "white": 8, "bird": 3, "tiger": 2, "crane": 1, "heron": 1, "hen": 1, "cock": 1}
    parsed = parse_query(query)
    phrases = distinct_phrases([parsed])
    empty = {phrase for phrase in phrases if not phrase.text}
    plan = make_plan(parsed, {phrase: number for number, phrase in enumerate(phrases)}, empty)
    cover = cheapest_cover(plan, np.array([costs.get(phrase.text, 0) for phrase in phrases], np.float64))
    assert [phrases[number].text for number in cover] == needed


def test_all_captions_are_searched_for_few_phrases_only():
    captions = ["a white bird on the water"] * 999 + ["a crane on the water"]
    matcher = Matcher([parse_query("crane AND (bird OR water)"), parse_query("white crane")], "word")
    hits = matcher.match(pa.array(captions))
    assert lists(hits) == [[999], [0], [0], [False]]
    assert len(matcher._needed.hits(pa.array(captions, pa.binary())).row) == 1
