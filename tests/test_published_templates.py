"""Templates in the shapes of the five that were published with the paper: they load, and mean what they meant.

The published script put quotes around any query with `-` or `/` and without `"`, and gave it to SQLite's FTS5.
"""

import json
import random
import sqlite3
from contextlib import closing

import pytest

from filter_laion_metadata_substring import main
from retrieval.cli import UserError
from retrieval_templates import choose_template, load_template

SHAPES = {
    # ImageNet: a word with a guard, synonyms, values without quotes
    "spider monkey": "black-handed spider monkey",
    "crane": "crane AND bird",
    "missile": '"missile" OR "projectile weapon"',
    "black swan": "black swan",
    # DTD: an OR of phrases
    "banded": '"banded texture" OR "banded pattern" OR "banded fabric"',
    "crosshatched": "cross-hatched",
    # Flowers102: apostrophes in quotes
    "colt's foot": '"colt\'s foot" AND flower',
    "pocket orchid": "hard-leaved pocket orchid",
    # StanfordCars: a raw AND of quoted words
    "Audi TT": '"Audi" AND "TT" AND "2011"',
    "Ram C/V": "Ram C/V Cargo Van Minivan",
    # FGVCAircraft: signs inside and outside quotes
    "Boeing 737": '"Boeing" AND ("737-200" OR "737")',
    "F-16A/B": "F-16A/B",
}
BAD = {
    "polar bear": '"ice bear" OR polar-bear',  # it has quotes, so the script left it as it is
    "carpenter's kit": "carpenter's kit",
    "St. Bernard": "St. Bernard",
    "rose": "“rose”",
}
BITS = [
    *["black-handed spider monkey", "black handed", "spider monkey", "crane", "bird", "missile", "projectile weapon"],
    *["a banded texture,", "banded pattern", "cross-hatched", "cross hatched", "colt's foot", "flower", "hard leaved"],
    *["pocket orchid", "hard-leaved pocket orchid", "Audi", "TT", "2011", "Ram C/V cargo van minivan", "Ram C V"],
    *["Boeing", "737-200", "737", "F-16A/B", "F 16A B", "f-16a", "black", "swan", "polar bear", "rose"],
]


def write_template(folder, class_map):
    names = list(class_map)
    (folder / "T.py").write_text(f"classes = {names}\ntemplates = ['a {{}}']\nclass_map = {class_map}\n")
    return ["-q", "T", "--template", "--template-dir", str(folder)]


@pytest.fixture(scope="module")
def captions():
    choose = random.Random(14)
    return [" ".join(choose.choices(BITS, k=choose.randint(1, 5))) for _ in range(3000)]


@pytest.fixture(scope="module")
def shard(captions, tmp_path_factory):
    path = tmp_path_factory.mktemp("shard") / "part.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE VIRTUAL TABLE samples USING fts5(URL, TEXT)")
        database.executemany(
            "INSERT INTO samples VALUES (?, ?)", [(f"http://a/{row}", text) for row, text in enumerate(captions)]
        )
        database.commit()
    return path


def found_by_class(output):
    records = json.loads((output / "chunk_0.json").read_text())
    return {(record["QUERY"], record["URL"]) for record in records}


def test_the_published_quoting_finds_what_sqlite_finds(shard, tmp_path):
    template = write_template(tmp_path, SHAPES)
    assert main([*template, "--match", "fts", "-o", str(tmp_path / "out"), "-d", str(shard), "--workers", "1"]) == 0
    expected = set()
    with closing(sqlite3.connect(shard)) as database:
        for name, query in SHAPES.items():
            if ("-" in query or "/" in query) and '"' not in query:
                query = f'"{query}"'
            rows = database.execute("SELECT URL FROM samples WHERE TEXT MATCH ?", [query]).fetchall()
            assert rows, name
            expected |= {(name, url) for (url,) in rows}
    assert found_by_class(tmp_path / "out") == expected


def test_in_substring_such_a_value_is_one_phrase_and_a_note_says_so_once(shard, captions, tmp_path, capsys):
    template = write_template(tmp_path, SHAPES)
    assert main([*template, "-o", str(tmp_path / "out"), "-d", str(shard), "--workers", "1"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "one phrase" in line]
    assert lines == [
        "note: a class_map query with - or / and without quotes is searched as one phrase: 5 of 12 classes: "
        "spider monkey, crosshatched, pocket orchid, Ram C/V, F-16A/B"
    ]
    found = found_by_class(tmp_path / "out")
    for name in ("F-16A/B", "crosshatched"):
        wanted = {f"http://a/{row}" for row, text in enumerate(captions) if SHAPES[name].lower() in text.lower()}
        assert {url for query, url in found if query == name} == wanted != set()


def test_all_values_that_do_not_parse_are_named_at_once(tmp_path, shard, capsys):
    template = write_template(tmp_path, SHAPES | BAD)
    assert main([*template, "-o", str(tmp_path / "out"), "-d", str(shard)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("error: template T: 4 classes cannot be searched: ") and "--skip-bad-queries" in said
    for name in BAD:
        assert f"class {name!r}: its class_map query " in said
    with pytest.raises(UserError, match="4 classes"):
        load_template("T", tmp_path)


def test_skipped_classes_are_told_stand_in_the_manifest_and_never_give_exit_code_0(tmp_path, shard, capsys):
    output = tmp_path / "out"
    arguments = ["--match", "fts", "-o", str(output), "-d", str(shard), "--workers", "1", "--skip-bad-queries"]
    whole = write_template(tmp_path, SHAPES | BAD)
    for _ in range(2):  # the second finds all done
        assert main([*whole, *arguments]) == 1
        said = capsys.readouterr().err
        assert all(f"left out: class {name!r}: its class_map query " in said for name in BAD)
    manifest = json.loads((output / "job_0_of_1.json").read_text())
    assert set(manifest["coverage"]["skipped_classes"]) == set(BAD)
    assert set(manifest["counts"]["classes"]) == set(SHAPES)
    assert {name for name, _ in found_by_class(output)} == set(SHAPES)
    assert "St. Bernard" in (output / "report.html").read_text()


def test_names_only_searches_the_names_and_stands_in_the_manifest(tmp_path, shard):
    template = write_template(tmp_path, SHAPES | BAD)
    arguments = ["-o", str(tmp_path / "out"), "-d", str(shard), "--workers", "1", "--match", "word"]
    assert main([*template, *arguments, "--names-only"]) == 0
    settings = json.loads((tmp_path / "out" / "job_0_of_1.json").read_text())["settings"]
    assert settings["names_only"] and settings["queries"] == {name: f'"{name}"' for name in SHAPES | BAD}
    assert main([*template, *arguments, "--skip-bad-queries"]) == 2  # the folder holds another run
    assert main(["--select-random", "9", *arguments[:4], "--names-only"]) == 2


def test_a_template_of_bad_queries_alone_and_classes_that_need_none_of_them(tmp_path, shard):
    template = write_template(tmp_path, SHAPES | BAD)
    arguments = ["-o", str(tmp_path / "out"), "-d", str(shard), "--workers", "1"]
    assert main([*template, *arguments, "--classes", "crane", "missile"]) == 0
    write_template(tmp_path, BAD)
    assert main([*template, *arguments, "--overwrite", "--skip-bad-queries"]) == 2
    assert choose_template("T", template_dir=tmp_path).classes == tuple(BAD)  # kNN search needs no queries
