"""The names that people write for a class: what is searched, and what is counted per name."""

import json
import sqlite3
from contextlib import closing

import pyarrow as pa
import pytest

from filter_laion_metadata_substring import main
from retrieval.queries import And, Not, Or, Phrase, QueryError, class_query, parse_query, to_fts5
from retrieval.report_selection import merged_classes
from retrieval.substring.matching import Matcher
from retrieval.written_names import most_written, rows_per_name
from retrieval_templates import load_template, names_only, only_classes

TEMPLATE = """
classes = ["tabby", "jay", "crane", "great white shark", "owl"]
templates = ["a photo of a {}."]
synonyms = {"tabby": ["tabby cat"], "jay": ["blue jay", "jay"], "crane": ["sandhill crane", "Grus"],
            "great white shark": ["white shark", "man-eater"]}
class_map = {"crane": "{names} AND (bird OR wetland)", "jay": "jay AND bird"}
"""
CAPTIONS = [
    *["a tabby cat", "a tabby", "the TABBY cat", "a blue jay in a tree", "Jay, my brother", "a jay, the bird"],
    *["a crane bird", "a Sandhill Crane in a wetland", "a crane at work", "a shark that is great and white"],
    *["a white shark", "Great White Shark!", "man-eater", "an owl"],
]


def word(text):
    return Phrase((text,), (False,))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Pets.py").write_text(TEMPLATE)
    rows = "".join(f'http://example.com/{row},"{text}"\n' for row, text in enumerate(CAPTIONS))
    (tmp_path / "pool.csv").write_text("url,text\n" + rows)
    with closing(sqlite3.connect(tmp_path / "pool.db")) as database:
        database.execute("CREATE VIRTUAL TABLE samples USING fts5(SAMPLE_ID, URL, TEXT)")
        rows = [(row, f"http://example.com/{row}", text) for row, text in enumerate(CAPTIONS)]
        database.executemany("INSERT INTO samples VALUES (?, ?, ?)", rows)
        database.commit()
    return tmp_path


def run(folder, *flags, pool="pool.csv", match="word"):
    """The matches of each class, the manifest."""
    arguments = ["--query", "Pets", "--template-dir", str(folder), "--dbs", str(folder / pool), "--match", match]
    assert main(["--output", str(folder / "out"), *arguments, "--workers", "1", "--overwrite", *flags]) == 0
    manifest = json.loads((folder / "out" / "job_0_of_1.json").read_text())
    return {name: of_class["matches"] for name, of_class in manifest["counts"]["classes"].items()}, manifest


# ---- the query ----


def test_a_class_is_found_by_its_name_or_any_synonym():
    assert class_query("hen", None, "word", ["biddy", "hen"]) == Or((word("hen"), word("biddy")))
    assert class_query("hen", None, "word") == word("hen")


def test_a_class_map_query_is_found_beside_the_synonyms_unless_it_says_where_they_stand():
    assert class_query("jay", "jay NOT suit", "word", ["blue jay"]) == Or(
        (Not(word("jay"), word("suit")), word("blue jay"))
    )
    assert class_query("jay", "a OR b", "word", ["c"]) == Or((word("a"), word("b"), word("c")))  # not nested
    assert class_query("jay", "{names} AND bird", "word", ["c"]) == And((Or((word("jay"), word("c"))), word("bird")))
    assert class_query("jay", "{names} AND bird", "word") == And((word("jay"), word("bird")))


def test_a_name_that_holds_another_one_is_asked_first():
    names = ["jay", "bird", "blue jay", "Blue Jay bird"]
    query = class_query(names[0], None, "word", names[1:])
    assert [part.text for part in query.parts] == ["Blue Jay bird", "blue jay", "jay", "bird"]


def test_the_own_name_follows_the_rule_of_the_mode_and_a_synonym_is_one_phrase():
    assert class_query("great shark", None, "fts", ["man eater"]) == Or(
        (And((word("great"), word("shark")), implicit=True), word("man eater"))
    )


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('"a {names}"', "{names} must stand outside quotes"),
        ("bird {names}", "AND, OR or NOT must stand before {names}"),
        ("{names} bird", "AND, OR or NOT must stand after {names}"),
        ("{names} AND red-hen", "- must stand in quotes"),
        ("{name} OR b", "column filters"),
    ],
)
def test_a_placeholder_in_the_wrong_place_is_refused(text, sentence):
    with pytest.raises(QueryError) as refused:
        class_query("hen", text, "word", ["biddy"])
    assert sentence in str(refused.value)


def test_the_placeholder_means_nothing_outside_a_class_map():
    with pytest.raises(QueryError, match="only in class_map"):
        parse_query("{names} OR b")
    assert class_query("{names}", None, "fts") == word("{names}")  # a class of that name


# ---- the template ----


def test_the_template_knows_its_names_and_drops_the_own_name_and_repeats(folder):
    template = load_template("Pets", folder)
    assert template.names("jay") == ("jay", "blue jay") and template.names("owl") == ("owl",)
    assert only_classes(template, ["jay"]).synonyms == {"jay": ("blue jay",)}
    assert names_only(template, "own").caption_query("crane", "word") == word("crane")
    assert (
        to_fts5(names_only(template, "all").caption_query("crane", "word")) == '"sandhill crane" OR "crane" OR "Grus"'
    )


def test_a_name_of_two_classes_is_told(tmp_path, capsys):
    (tmp_path / "T.py").write_text('classes = ["cup", "mug", "pot"]\ntemplates = ["{}"]\n'
                                   'synonyms = {"cup": ["Mug"], "mug": ["beaker"], "pot": ["beaker"]}\n')  # fmt: skip
    load_template("T", tmp_path)
    said = capsys.readouterr().err
    assert "names of several classes, each of which gets their captions: 'mug' (cup, mug), 'beaker' (mug, pot)" in said


# ---- the run ----


def test_matched_says_which_name_it_was_and_the_manifest_counts_rows_per_name(folder, capsys):
    matches, manifest = run(folder)
    assert matches == {
        "tabby": {"tabby": 1, "tabby cat": 2},
        "jay": {"blue jay": 1, "jay AND bird": 1},
        "crane": {"crane": 1, "sandhill crane": 1},
        "great white shark": {"great white shark": 1, "man-eater": 1, "white shark": 1},
        "owl": {"owl": 1},
    }
    classes = manifest["counts"]["classes"]
    assert classes["tabby"]["names"] == {"tabby": 1, "tabby cat": 2} and classes["tabby"]["most_written"] == "tabby cat"
    assert classes["jay"]["names"] == {"jay": 1, "blue jay": 1} and classes["jay"]["most_written"] == "jay"
    assert classes["crane"]["names"] == {"crane": 1, "sandhill crane": 1, "Grus": 0}
    assert "names" not in classes["owl"]
    said = capsys.readouterr().err
    assert "most written" in said and "tabby as tabby cat (2 of 3)" in said
    assert '"most_written": "tabby cat"' in (folder / "out" / "report.html").read_text()


@pytest.mark.parametrize("match", ["word", "fts", "substring"])
def test_a_database_gives_the_same_matches_as_a_list(folder, match):
    from_list = run(folder, match=match)[1]["counts"]["classes"]
    assert from_list == run(folder, pool="pool.db", match=match)[1]["counts"]["classes"]
    assert sum(of_class["records"] for of_class in from_list.values()) >= 10


def test_the_names_alone_are_searched_own_or_all(folder):
    own, manifest = run(folder, "--names-only")
    assert own["jay"] == {"jay": 3} and own["crane"] == {"crane": 3} and manifest["settings"]["names_only"] is True
    every, manifest = run(folder, "--names-only", "all")
    assert every["jay"] == {"blue jay": 1, "jay": 2} and manifest["settings"]["names_only"] == "all"
    assert all(sum(every[name].values()) >= sum(own[name].values()) for name in own)  # no class loses rows


def test_other_synonyms_are_another_run(folder):
    run(folder)
    (folder / "Pets.py").write_text(TEMPLATE.replace('"Grus"', '"Grus grus"'))
    arguments = ["--query", "Pets", "--template-dir", str(folder), "--dbs", str(folder / "pool.csv"), "--match", "word"]
    assert main(["--output", str(folder / "out"), *arguments]) == 2


# ---- the counts ----


def test_rows_are_counted_for_the_name_that_their_phrase_shows():
    matches = {"Tabby*": 7, "tabby AND cat": 2, "tabby AND fur": 4, "mackerel tabby": 1}
    rows = rows_per_name(matches, ("tabby cat", "tabby"))
    assert rows == {"tabby cat": 2, "tabby": 11}
    assert most_written(rows) == "tabby" and most_written({"a": 0, "b": 0}) == "a"


def test_the_page_adds_the_names_of_the_jobs_of_an_array():
    job = {"records": 3, "matches": {"a": 1, "b": 2}, "inside_longer_words": 0.0, "names": {"a": 1, "b": 2}}
    other = job | {"matches": {"a": 3}, "names": {"a": 3, "b": 0}, "most_written": "a"}
    merged = merged_classes([{"classes": {"x": job}}, {"classes": {"x": other}}])
    assert merged["x"]["names"] == {"a": 4, "b": 2} and merged["x"]["most_written"] == "a"


def test_synonyms_find_what_the_names_find_one_by_one():
    """An OR of names against one search per name."""
    names = ["tabby", "tabby cat", "jay", "blue jay", "Grus", "white shark", "man-eater", "crane bird"]
    together = Matcher([class_query(names[0], None, "word", names[1:])], "word").match(pa.array(CAPTIONS))
    alone = Matcher([word(name) for name in names], "word").match(pa.array(CAPTIONS))
    assert together.row.tolist() == sorted(set(alone.row.tolist()))
