"""Caption queries against SQLite's own FTS5 parser, which is what they are said to be."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.queries import And, Not, Or, Phrase, QueryError, class_query, lower_case_operators, parse_query, to_fts5

PIECES = [
    *["a", "b", "Ab1", "é", "猫", "_", "AND", "OR", "NOT", "and", "NEAR", "(", ")", "(", ")", "+", "*", '"a b"', '""'],
    *[
        '"',
        '"say ""hi"""',
        "'",
        ".",
        "-",
        "^",
        ":",
        "{",
        "}",
        ",",
        " ",
        " ",
        "\t",
        "\n",
        "\r",
        "\x0b",
        "\x1a",
        "\u2003",
    ],
]
BEYOND_OURS = set("^:{}-,")  # what FTS5 reads and we refuse, apart from NEAR()


def word(text, star=False):
    return Phrase((text,), (star,))


@pytest.fixture(scope="module")
def captions():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE captions USING fts5(TEXT)")
        texts = ["", "a", "b", "a b", "ab1", "é a", "猫 b", "_ a b ab1", "say hi a", "and a", "near b", "abc", "a c b"]
        connection.executemany("INSERT INTO captions VALUES (?)", [(text,) for text in texts])
        yield connection


def select(connection, query):
    """The rows that SQLite selects, or None where it cannot read the query."""
    try:
        return connection.execute("SELECT rowid FROM captions WHERE captions MATCH ?", [query]).fetchall()
    except sqlite3.OperationalError as error:
        assert any(word in str(error) for word in ("fts5", "unterminated", "no such column", "special query")), error
        return None


@settings(max_examples=4000)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(["", " "]))
def test_what_fts5_reads_is_read_and_what_it_refuses_is_refused(captions, pieces, between):
    text = between.join(pieces)
    rows = select(captions, text)
    try:
        query = parse_query(text)
    except QueryError:
        assert rows is None or not text.strip(" \t\r\n") or BEYOND_OURS & set(text) or "NEAR" in text
    else:
        assert rows is not None
        assert select(captions, to_fts5(query)) == rows, "to_fts5 means something else"
        assert parse_query(to_fts5(query)) == query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("tabby", word("tabby")),
        ("tabby cat", And((word("tabby"), word("cat")), implicit=True)),
        ('"tabby cat"', word("tabby cat")),
        ('"5"" pipe"', word('5" pipe')),
        ("a + b* + c", Phrase(("a", "b", "c"), (False, True, False))),
        ("a OR b AND c NOT d", Or((word("a"), And((word("b"), Not(word("c"), word("d"))))))),
        ("a NOT b NOT c", Not(Not(word("a"), word("b")), word("c"))),
        ("a b OR c", Or((And((word("a"), word("b")), implicit=True), word("c")))),
        ("(a OR b) AND c*", And((Or((word("a"), word("b"))), word("c", star=True)))),
        ("and or not", And((word("and"), word("or"), word("not")), implicit=True)),
        ("NEAR", word("NEAR")),
    ],
)
def test_the_language(text, query):
    assert parse_query(text) == query


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the query ends (at character 1)"),
        ("  ", "the query ends (at character 3)"),
        ("a AND", "the query ends (at character 6)"),
        ("OR a", "'OR' is not expected (at character 1)"),
        ("a NOT NOT b", "'NOT' is not expected (at character 7)"),
        ("(a", "a parenthesis that is not closed (at character 3)"),
        ("a)", "')' is not expected (at character 2)"),
        ("a (b OR c)", "AND, OR or NOT must stand before a parenthesis (at character 3)"),
        ("(a OR b) c", "AND, OR or NOT must stand after a parenthesis (at character 10)"),
        ("NEAR(a b)", "NEAR() is not part of our query language (at character 5)"),
        ("^a", "^ (first word of the caption) is not part of our query language (at character 1: '^a')"),
        ("TEXT : a", "column filters (`name:`) are not part of our query language (at character 6: ': a')"),
        ("t-shirt", "- must stand in quotes (or write NOT) (at character 2: '-shirt')"),
        ("St. Bernard", ". must stand in quotes (at character 3: '. Bernard')"),
        ('cat "dog', "a quoted phrase that does not end (at character 5: '\"dog')"),
        ("a\0b", "a NUL character (at character 2: '\\x00b')"),
        ("a \ud800", "half a character (a lone surrogate) at character 3"),
        ("(" * 21 + "a" + ")" * 21, "parentheses nested deeper than 20 (at character 21)"),
        ("a" + " NOT b" * 101, "more than 100 NOTs in a row (at character 603)"),
    ],
)
def test_a_query_that_is_none_says_why_and_where(text, message):
    with pytest.raises(QueryError) as refusal:
        parse_query(text)
    assert str(refusal.value) == message


def test_the_deepest_queries_we_read_are_read_by_fts5(captions):
    deep = "(" * 20 + "a" + " OR b) AND a" * 20
    assert select(captions, to_fts5(parse_query(deep))) == select(captions, "a")
    assert select(captions, to_fts5(parse_query("a" + " NOT c" * 100))) == select(captions, "a NOT c")
    assert select(captions, to_fts5(parse_query(" OR ".join(["a", "b"] * 5000)))) == select(captions, "a OR b")


@pytest.mark.parametrize(
    ("name", "mode", "query"),
    [
        ("St. Bernard", "substring", word("St. Bernard")),
        ("red panda", "word", word("red panda")),
        ("red panda", "fts", And((word("red"), word("panda")), implicit=True)),
        ("t-shirt", "fts", word("t-shirt")),
        ("CD/DVD player", "fts", word("CD/DVD player")),
        ('"red panda"', "fts", word("red panda")),
        ('"red panda"', "word", word('"red panda"')),
    ],
)
def test_a_class_without_class_map_is_searched_by_the_rule_of_the_mode(name, mode, query, capsys):
    assert class_query(name, None, mode) == query
    assert capsys.readouterr().err == ""


def test_a_name_that_fts5_cannot_read_is_quoted_with_a_warning(capsys):
    assert class_query("St. Bernard", None, "fts") == word("St. Bernard")
    assert capsys.readouterr().err == (
        "warning: class 'St. Bernard' is no FTS5 query (. must stand in quotes (at character 3: '. Bernard')): "
        "it is searched as one quoted phrase\n"
    )


@pytest.mark.parametrize("mode", ["substring", "word", "fts"])
def test_a_class_map_entry_is_a_query_in_every_mode(mode):
    assert class_query("rose", "rose AND flower*", mode) == And((word("rose"), word("flower", star=True)))
    with pytest.raises(QueryError, match="character 6"):
        class_query("rose", "rose ^flower", mode)


def test_lower_case_operators_that_are_bare_words_are_told():
    assert lower_case_operators("black and white OR Not this or that and") == ["and", "Not", "or"]
    assert lower_case_operators('"black and white" AND sand NOT orca') == []
    assert lower_case_operators("St. Bernard and") == []  # not a query from the dot on
