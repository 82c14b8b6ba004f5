"""Matching against its oracles: FTS5 for `word` and `fts`, Python's `in` for `substring`; every engine alike."""

import itertools
import sqlite3
from contextlib import closing
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.queries import Phrase, class_query, parse_query
from retrieval.substring.hits import Hits
from retrieval.substring.label_arrays import MatchedLabels
from retrieval.substring.literal_scan import best_scanner, hyperscan_scanner, re_scanner
from retrieval.substring.match_definition import distinct_phrases, phrase_needle
from retrieval.substring.matched_labels import held_with_each, without_empty
from retrieval.substring.matching import Matcher, match_plain
from retrieval.substring.unicode61 import LONGEST_TOKEN, tokens

ENGINES = [hyperscan_scanner, re_scanner]

WORDS = [
    *["a", "b", "ab", "hen", "Hen", "kitchen", "tiger", "TIGER", "shark", "great", "white", "AND", "or", "x1", "100"],
    *["café", "cafe\u0301", "CAFÉ", "ca\u0301\u0301fe", "straße", "STRASSE", "İstanbul", "istanbul", "ısı", "ISI"],
    *["ΣΊΣΥΦΟΣ", "σίσυφος", "Σ", "ς", "猫", "小猫", "ﬁn", "fin", "Ⱥb", "ⱥb", "ǅ", "\u212aelvin", "ſt", "½", "٣"],
    *["क्षि", "e\u20dd", "\ue000", "\U00010400", "\U00010428", "𝐀", "ё", "Й", "и\u0306", "한국", "ไทย"],
]
MARKS = [
    *[" ", " ", " ", "  ", " - ", "-", "_", ".", ",", "'", '"', "&", "(", ")", "/", "%", "*", "\n", "\t", "\x1a", "|"],
    *[
        "\u0301",
        "\u0300",
        "\u200d",
        "\u00ad",
        "–",
        "’",
        "“",
        "🐈",
        "👩\u200d🚀",
        "\u3000",
        "\ufffd",
        "\ufffe",
        "\uffff",
    ],
]
captions = st.lists(st.sampled_from(WORDS + MARKS * 2) | st.text(max_size=2), max_size=14).map("".join)
strings = st.lists(st.sampled_from(WORDS + MARKS), max_size=4).map("".join).filter(lambda text: "\0" not in text)
barewords = st.sampled_from([word for word in WORDS if word not in ("AND",)])


@st.composite
def phrases(draw):
    parts = draw(st.lists(barewords | strings.map(lambda s: '"' + s.replace('"', '""') + '"'), min_size=1, max_size=3))
    return " + ".join(part + draw(st.sampled_from(["", "", "*"])) for part in parts)


query_texts = st.recursive(
    st.lists(phrases(), min_size=1, max_size=3).map(" ".join),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR", "NOT"]), inner).map(
        lambda t: f"({t[0]}) {t[1]} ({t[2]})"
    ),
    max_leaves=4,
)


def fts5_rows(texts, query_texts):
    """[(row, query)] that SQLite selects."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE captions USING fts5(TEXT)")
        connection.executemany("INSERT INTO captions(rowid, TEXT) VALUES (?, ?)", enumerate(texts))
        select = "SELECT rowid FROM captions WHERE captions MATCH ?"
        return sorted((row, n) for n, query in enumerate(query_texts) for (row,) in connection.execute(select, [query]))


def pairs(hits: Hits):
    return list(zip(hits.row.tolist(), hits.query.tolist(), strict=True))


def assert_same(one: Hits, other: Hits):
    for field in ("row", "query", "phrase", "inside"):
        first, second = getattr(one, field), getattr(other, field)
        assert first.dtype == second.dtype
        assert first.tolist() == second.tolist(), field


@settings(max_examples=400)
@given(st.lists(captions, min_size=1, max_size=10), st.lists(query_texts, min_size=1, max_size=4))
def test_word_is_what_fts5_selects_with_every_engine(texts, query_texts):
    queries = [parse_query(text) for text in query_texts]
    plain = match_plain(texts, queries, "word")
    assert pairs(plain) == fts5_rows(texts, query_texts)
    for engine in ENGINES:
        assert_same(Matcher(queries, "word", engine).match(pa.array(texts)), plain)


@settings(max_examples=200)
@given(st.lists(captions, min_size=1, max_size=10), st.lists(strings.filter(str.strip), min_size=1, max_size=5))
def test_a_name_in_fts_mode_is_what_the_published_script_would_select(texts, names):
    queries = [class_query(name, None, "fts") for name in names]
    plain = match_plain(texts, queries, "fts")
    assert_same(Matcher(queries, "fts").match(pa.array(texts)), plain)
    for number, name in enumerate(names):
        quoted = '"' + name.replace('"', '""') + '"'
        published = f'"{name}"' if ("-" in name or "/" in name) and '"' not in name else name
        try:
            rows = fts5_rows(texts, [published])
        except sqlite3.OperationalError:  # not a query: the published script stopped here, ours quotes it
            rows = fts5_rows(texts, [quoted])
        else:
            if isinstance(queries[number], Phrase) and queries[number].strings == (name,) and published == name:
                rows = fts5_rows(texts, [quoted])  # NEAR, ^ and column filters are quoted too
        assert [row for row, query in pairs(plain) if query == number] == [row for row, _ in rows]


@settings(max_examples=200)
@given(
    st.lists(captions, min_size=1, max_size=10),
    st.lists(strings | st.text(min_size=1, max_size=3), min_size=1, max_size=6),
)
def test_substring_is_what_python_says_with_every_engine(texts, names):
    queries = [Phrase((name,), (False,)) for name in names]
    said = [(r, q) for r, t in enumerate(texts) for q, n in enumerate(names) if n and n.lower() in t.lower()]
    plain = match_plain(texts, queries, "substring")
    assert pairs(plain) == said
    for engine in ENGINES:
        assert_same(Matcher(queries, "substring", engine).match(pa.array(texts)), plain)


@settings(max_examples=200)
@given(st.lists(captions, min_size=1, max_size=10), st.lists(query_texts, min_size=1, max_size=4))
def test_the_whole_language_in_substring_mode_is_the_same_fast_and_plain(texts, query_texts):
    queries = [parse_query(text) for text in query_texts]
    for engine in ENGINES:
        fast = Matcher(queries, "substring", engine).match(pa.array(texts))
        assert_same(fast, match_plain(texts, queries, "substring"))


@settings(max_examples=200)
@given(st.lists(st.text(max_size=20) | captions, min_size=1, max_size=20))
def test_tokens_are_those_of_fts5(texts):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE captions USING fts5(TEXT)")
        connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(captions, instance)")
        connection.executemany("INSERT INTO captions(rowid, TEXT) VALUES (?, ?)", enumerate(texts))
        found = [[] for _ in texts]
        for row, term in connection.execute("SELECT doc, term FROM terms ORDER BY doc, offset"):
            found[row].append(term)
    assert [tokens(text) for text in texts] == found


def test_tokens_longer_than_fts5_keeps_are_cut_where_it_cuts_them():
    long, longer = "x" * LONGEST_TOKEN, "x" * (LONGEST_TOKEN + 5)
    texts = ["é" + longer, longer + " hen", long, "猫" * 20_000, "猫" * 20_000 + "犬", longer[:-6]]
    queries = ["猫" * 20_000, long, f'"{longer} hen"', "猫*", "e" + longer[:-1], '"' + "猫" * 10_922 + '"']
    assert pairs(match_plain(texts, list(map(parse_query, queries)), "word")) == fts5_rows(texts, queries)
    for engine in ENGINES:
        hits = Matcher(list(map(parse_query, queries)), "word", engine).match(pa.array(texts))
        assert pairs(hits) == fts5_rows(texts, queries)


@pytest.mark.parametrize(
    ("query", "text", "phrase"),
    [
        ("hen OR cock", "cock and hen", "hen"),
        ("hen OR cock", "cock", "cock"),
        ("(hen AND egg) OR cock", "hen and cock", "cock"),
        ("(hen AND egg) OR cock", "egg, hen, cock", "hen"),
        ("cock NOT hen", "cock", "cock"),
        ('"-" egg', "an egg", "egg"),
        ("great + white shar*", "great white sharks", "great white"),
        ("shar* great", "great white sharks", "shar*"),
    ],
)
def test_the_phrase_named_is_the_first_that_made_the_query_match(query, text, phrase):
    matcher = Matcher([parse_query(query)], "word")
    assert [matcher.phrases[number] for number in matcher.match(pa.array([text])).phrase] == [phrase]


@pytest.mark.parametrize(
    ("name", "text", "inside"),
    [
        ("hen", "a kitchen", True),
        ("hen", "a kitchen with a hen", False),
        ("hen", "Hen.", False),
        ("hen", "hens", True),
        ("hen", "hen2", True),
        ("hen", "_hen_", False),
        ("cafe", "cafe\u0301", True),
        ("hen", "éhen", True),
        ("hen", "“hen” 猫", False),
        ("猫", "小猫", True),
        ("t.", "t.shirt", False),
        (" hen", "a hen house", False),
        ("aa", "aaa", True),
    ],
)
def test_a_match_inside_a_longer_word_is_told_from_one_that_stands_alone(name, text, inside):
    query = Phrase((name,), (False,))
    for engine in ENGINES:
        assert Matcher([query], "substring", engine).match(pa.array([text, ""])).inside.tolist() == [inside]
    assert match_plain([text], [query], "substring").inside.tolist() == [inside]


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=40, unique=True), st.binary(max_size=400))
def test_every_engine_finds_every_occurrence_in_either_case(literals, buffer):
    buffer = buffer + b"".join(literals)
    literals = list({literal.lower() for literal in literals})
    text = buffer.lower()
    expected = sorted(
        (n, start + len(literal))
        for n, literal in enumerate(literals)
        for start in range(len(text))
        if text.startswith(literal, start)
    )
    for engine, read in itertools.product([*ENGINES, best_scanner], (buffer, text)):
        found, ends = engine(literals)(pa.py_buffer(read))
        assert (found.dtype, ends.dtype) == (np.int32, np.int64)
        assert sorted(zip(found.tolist(), ends.tolist(), strict=True)) == expected


def test_literals_that_an_engine_adds_for_speed_are_not_reported_and_hide_none():
    buffer = b"".join(bytes((0xFE, number)) for number in range(256))
    for engine in ENGINES:
        literals, ends = engine([b"a", b"\xfe\x01", b"\xfe\x05"])(buffer)
        found = sorted(zip(literals.tolist(), ends.tolist(), strict=True))
        assert found == [(0, 2 * ord("A") + 2), (0, 2 * ord("a") + 2), (1, 4), (2, 12)]


def test_without_hyperscan_the_standard_library_takes_its_place():
    with mock.patch.dict("sys.modules", {"hyperscan": None}):
        hits = Matcher([parse_query("hen")], "word").match(pa.array(["a hen", "a kitchen"]))
    assert pairs(hits) == [(0, 0)]


# ---- what the records name as MATCHED ----


def labels_of(query, caption, mode="word"):
    matched = MatchedLabels((parse_query("other"), parse_query(query)), mode)
    hits = matched.of(match_plain([caption], [parse_query("other"), parse_query(query)], mode))
    return [matched.labels[number] for number in hits.phrase.tolist()]


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("crane AND bird", "crane AND bird"),
        ("bird crane", "bird AND crane"),
        ("crane AND (bird OR wetland)", "crane"),
        ("(heron OR crane) AND bird NOT tower", "crane AND bird"),
        ("(crane AND heron) OR (crane AND bird)", "crane"),
        ("heron OR (crane AND bird)", "crane AND bird"),
        ('"..." crane bird', "crane AND bird"),
        ("crane", "crane"),
        ("heron OR crane", "crane"),
        ("cra* + bird AND wild", "cra* bird AND wild"),
    ],
)
def test_matched_names_the_phrases_of_an_and_that_surely_hold(query, label):
    assert labels_of(query, "a crane bird, wild") == [label]


@settings(max_examples=150)
@given(
    st.lists(captions, min_size=1, max_size=6),
    st.lists(query_texts, min_size=1, max_size=3),
    st.sampled_from(["substring", "word"]),
)
def test_each_phrase_that_matched_names_holds_in_the_caption(texts, query_texts, mode):
    queries = list(map(parse_query, query_texts))
    phrases = distinct_phrases(queries)
    empty = {phrase for phrase in phrases if not phrase_needle(phrase, mode)}
    holding = {(row, phrases[number]) for row, number in pairs(match_plain(texts, phrases, mode))}
    hits = match_plain(texts, queries, mode)
    for row, query, first in zip(hits.row.tolist(), hits.query.tolist(), hits.phrase.tolist(), strict=True):
        together = held_with_each(without_empty(queries[query], empty))[phrases[first]]
        assert together[0] == phrases[first] and all((row, phrase) in holding for phrase in together)
