"""What goes wrong in matching whole buffers of many rows: each trap with captions that fall into it."""

import mmap
import random
import sqlite3
from contextlib import closing

import numpy as np
import pyarrow as pa
import pytest

from retrieval.queries import Phrase, parse_query
from retrieval.substring import matching
from retrieval.substring.literal_scan import hyperscan_scanner, re_scanner
from retrieval.substring.matching import Matcher, match_plain

ENGINES = [hyperscan_scanner, re_scanner]
ODD_NAMES = [
    *["it's", 'the "best"', "t-shirt", "CD/DVD", "St. Bernard", "salt & pepper", "ram (adult)", "100% wool", "a_b"],
    *["🐈", "👩\u200d🚀", "猫", "한국", "cafe\u0301", "café", "CAFÉ", "ısı", "ISI", "İstanbul", "straße", "STRASSE"],
    *["ΣΊΣΥΦΟΣ", "σίσυφος", ".*", "[a-z]+", "\\d", "^a$", "a|b", "x{2}", "\n", "\t\0", "\xff", "ÿ", "%s", "{}", "$1"],
]


def names(*texts):
    return [Phrase((text,), (False,)) for text in texts]


def pairs(hits):
    return list(zip(hits.row.tolist(), hits.query.tolist(), strict=True))


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.__name__)
def match(request):
    """(row, query) pairs that every way to hand over the captions gives."""

    def pairs_of(captions, queries, mode):
        array = captions if isinstance(captions, (pa.Array, pa.ChunkedArray)) else pa.array(captions)
        return pairs(Matcher(queries, mode, request.param).match(array))

    return pairs_of


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_a_match_does_not_straddle_two_rows(match, mode):
    assert match(["a tiger", "shark", "ki", "tchen", "tiger ", " shark"], names("tiger shark", "kitchen"), mode) == []
    assert match(["tiger", "", "shark", None, "shark"], names("tiger shark", "rt", " s"), mode) == []


def test_words_at_the_edges_of_rows_are_words(match):
    captions = ["hen", "hens", "hen", "a hen", "hen a", "then", "x", "hen", "y", "hen"]
    found = [(row, 0) for row, caption in enumerate(captions) if "hen" in caption.split()]
    assert match(captions, names("hen"), "word") == found
    assert match(["a", "b"] * 3, names("a", "b"), "word") == [(0, 0), (1, 1), (2, 0), (3, 1), (4, 0), (5, 1)]


def test_short_rows_beside_each_other_are_each_folded(match):
    captions = ["a", "é", "b", "É", "e", "", "è", "é", "x"]
    assert match(captions, names("e"), "word") == [(row, 0) for row in (1, 3, 4, 6, 7)]
    assert match(captions, names("É"), "substring") == [(row, 0) for row in (1, 3, 7)]


def test_names_inside_other_words_and_names(match):
    captions = ["a kitchen", "tiger shark", "tiger", "great white shark", "shark tiger"]
    queries = names("hen", "tiger", "tiger shark", "shark", "great white shark", "white")
    assert match(captions, queries, "word") == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 3), (3, 4), (3, 5), (4, 1), (4, 3)]
    assert match(captions, queries, "substring")[0] == (0, 0)


def test_names_that_differ_by_case_or_accent_only(match):
    queries = names("crane", "Crane", "CRANE", "crâne")
    captions = ["a crane", "A CRANE", "un crâne", "CRÂNE", "cra\u0302ne"]
    assert match(captions, queries, "word") == [(row, query) for row in range(5) for query in range(4)]
    expected = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 3), (3, 3)]
    assert match(captions, queries, "substring") == expected


def test_a_folded_letter_may_take_more_bytes_than_the_letter(match):
    captions = ["Ⱥbc", "ⱥbc", "an Ⱦ", "Ⱥ", "xȺbc", "bc"]  # U+023A and U+023E: two bytes, three when lower-cased
    assert match(captions, names("Ⱥbc", "Ⱦ", "bc"), "word") == [(0, 0), (1, 0), (2, 1), (5, 2)]


def test_the_last_star_of_a_phrase_is_the_one_that_counts_where_a_string_has_no_token(match):
    captions = ["tiger", "tigers", "tiger shark", "tigers sharks"]
    queries = [parse_query(text) for text in ('tiger* + ""', 'tiger + "" *', "tiger* + shark", "tiger* + shark*")]
    expected = [(0, 0), (0, 1), (1, 1), (2, 0), (2, 1), (2, 2), (2, 3), (3, 1), (3, 3)]
    assert match(captions, queries, "word") == expected


def test_words_of_a_name_may_be_apart_by_any_separators(match):
    apart = [" ", "-", "  ", " - ", ", ", "\n", " … ", "\0", "_", "™ & ", "\u200b", " \u0301 ", "." * 500, "\ufffe"]
    captions = [f"a great{a}white{b}shark!" for a in apart for b in apart]
    assert match(captions, names("great white shark"), "word") == [(row, 0) for row in range(len(captions))]
    assert match([f"great{a}a{a}white shark" for a in apart], names("great white shark"), "word") == []
    assert match([f"great{c}white shark" for c in "é1ß"], names("great white shark"), "word") == []


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_odd_names_are_literal(match, mode):
    captions = (
        ODD_NAMES + [f"x{name}y" for name in ODD_NAMES] + [f"({name})!" for name in ODD_NAMES] + ["aab", "xx", "d"]
    )
    queries = names(*ODD_NAMES)
    if mode == "substring":
        expected = [(r, q) for r, c in enumerate(captions) for q, n in enumerate(ODD_NAMES) if n.lower() in c.lower()]
    else:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE VIRTUAL TABLE t USING fts5(caption)")
            connection.executemany("INSERT INTO t(rowid, caption) VALUES (?, ?)", enumerate(captions))
            quoted = ['"' + name.replace('"', '""').replace("\0", " ") + '"' for name in ODD_NAMES]
            select = "SELECT rowid FROM t WHERE t MATCH ?"
            expected = sorted(
                (row, q) for q, text in enumerate(quoted) for (row,) in connection.execute(select, [text])
            )
    assert match(captions, queries, mode) == expected


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_null_and_empty_captions_match_nothing(match, mode):
    assert match(pa.array([], pa.string()), names("a"), mode) == []
    assert match(pa.array([None, None], pa.string()), names("a"), mode) == []
    assert match(pa.nulls(3), names("a"), mode) == []
    assert match([None, "", "a", None, "", "a", None], names("a", ""), mode) == [(2, 0), (5, 0)]
    hidden = pa.Array.from_buffers(  # a null whose bytes are still there
        pa.string(), 2, [pa.py_buffer(b"\x02"), pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"aa")]
    )
    assert match(hidden, names("a"), mode) == [(1, 0)]


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_queries_that_can_match_nothing(match, mode):
    assert match(["a", "b"], [], mode) == []
    assert match(["a", "", "b"], names("", ""), mode) == []
    queries = [parse_query(text) for text in ('"" AND a', '"" a', 'a NOT ""', '"" NOT a', '"" OR a', '"" ""')]
    assert match(["a"], queries, mode) == [(0, 1), (0, 2), (0, 4)]


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_captions_of_100_kilobytes(match, mode):
    long = "lorem ipsum " * 9_000
    captions = ["hen", long + "hen", long, "é" + long + "hen", long + "猫 hen", "x" * 100_000, "hen " * 25_000, "hen"]
    assert match(captions, names("hen"), mode) == [(row, 0) for row in (0, 1, 3, 4, 6, 7)]


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_names_of_kilobytes(match, mode):
    name = "a very long name " * 400
    captions = [name, name[:-3], "x " + name.upper() + " y", name[17:], name.replace(" ", "  ")]
    assert match(captions, names(name.strip()), mode) == [(0, 0), (2, 0)] + [(4, 0)] * (mode == "word")


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_captions_that_are_not_utf8_are_read_with_replacement_characters(match, mode):
    captions = [b"a hen\xff", b"\xffhen", b"h\xffen", b"tiger\xe2\x82 shark", b"\xed\xa0\x80hen", b"ok hen", b"\xc3"]
    captions += [b"\xe9hen", b"caf\xc3", b"\xa9 caf\xc3\xa9"]
    queries = names("hen", "tiger shark", "\ufffdhen", "café", "tiger")
    plain = match_plain(captions, queries, mode)
    as_binary = pa.array(captions, pa.binary())
    as_string = pa.Array.from_buffers(pa.string(), len(captions), as_binary.buffers())  # parquet promises, and lies
    for array in (as_binary, as_string, pa.array(captions, pa.large_binary())):
        assert match(array, queries, mode) == pairs(plain)
    assert (5, 0) in pairs(plain) and (8, 3) not in pairs(plain) and (9, 3) in pairs(plain)


@pytest.mark.parametrize("mode", ["substring", "word"])
@pytest.mark.parametrize("piece_bytes", [1, 40, 1 << 19])
def test_every_kind_of_array_gives_the_same(match, mode, piece_bytes, monkeypatch):
    monkeypatch.setattr(matching, "PIECE_BYTES", piece_bytes)
    monkeypatch.setattr(matching, "GATHERED_BYTES", 3 * piece_bytes)
    captions = ["zero hen", None, "tiger - shark", "", "café hen", "x", "a tiger shark", "tigershark", "hen"] * 3
    queries = names("hen", "tiger shark", "cafe")
    expected = pairs(match_plain(captions, queries, mode))
    plain = pa.array(captions)
    padded = pa.array(["hen", "tiger", *captions, "shark", None])
    kinds = {
        "string": plain,
        "large_string": plain.cast(pa.large_string()),
        "binary": plain.cast(pa.binary()),
        "large_binary": plain.cast(pa.large_binary()),
        "dictionary": plain.dictionary_encode(),
        "dictionary of large_string": plain.cast(pa.large_string()).dictionary_encode(),
        "sliced": padded.slice(2, len(captions)),
        "sliced large_string": padded.cast(pa.large_string()).slice(2, len(captions)),
        "sliced dictionary": padded.dictionary_encode().slice(2, len(captions)),
        "chunked": pa.chunked_array([plain[:4], plain[4:4], plain[4:5], plain[5:]]),
        "chunked dictionary": pa.chunked_array([plain[:5].dictionary_encode(), plain[5:].dictionary_encode()]),
        "one row a chunk": pa.chunked_array([plain[row : row + 1] for row in range(len(plain))]),
    }
    for kind, array in kinds.items():
        assert match(array, queries, mode) == expected, kind
    assert match(pa.chunked_array([], pa.string()), queries, mode) == []


def test_offsets_beyond_two_gigabytes(match):
    text = "a hen" + "kitchen" + "tiger - shark"
    depth = 3 << 30  # of memory that is reserved and never touched
    memory = mmap.mmap(-1, depth + len(text))
    memory[depth:] = text.encode()
    offsets = pa.array([depth + end for end in (0, 5, 12, 25)], pa.int64()).buffers()[1]
    captions = pa.Array.from_buffers(pa.large_string(), 3, [None, offsets, pa.py_buffer(memory)])
    assert match(captions, names("hen", "tiger shark"), "word") == [(0, 0), (2, 1)]


@pytest.mark.parametrize("mode", ["substring", "word"])
def test_50000_names(mode):
    choose = random.Random(5)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = sorted({"".join(choose.choices(letters, k=choose.randint(3, 9))) for _ in range(9_000)})
    classes = list(dict.fromkeys(" ".join(choose.choices(words, k=choose.choice([1, 2, 2, 3]))) for _ in range(60_000)))
    classes = classes[:50_000]
    number_of = {name: number for number, name in enumerate(classes)}
    captions = [" ".join(choose.choices(words, k=12)) for _ in range(3_000)]
    captions += [f"a {name.upper()}, and {choose.choice(words)}" for name in choose.sample(classes, 2_000)]
    hits = Matcher(names(*classes), mode).match(pa.array(captions))
    found = set(pairs(hits))
    expected = set()
    for row, caption in enumerate(captions):
        tokens = caption.lower().replace(",", "").split()
        runs = {" ".join(tokens[i : i + n]) for i in range(len(tokens)) for n in (1, 2, 3)}
        expected |= {(row, number_of[run]) for run in runs if run in number_of}
    assert len(expected) > 5_000
    if mode == "word":
        assert found == expected
    else:
        for row in range(0, len(captions), 500):
            said = {number for number, name in enumerate(classes) if name in captions[row].lower()}
            assert {number for r, number in found if r == row} == said


def test_one_letter_classes_on_every_caption_stay_exact():
    captions = ["abcdefghij" * 6] * 20_000
    hits = Matcher(names(*"abcdefghijk"), "substring").match(pa.array(captions))
    assert len(hits.row) == 20_000 * 10 and hits.inside.all()
    assert np.array_equal(hits.row, np.repeat(np.arange(20_000), 10))
