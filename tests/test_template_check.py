"""--check: what can be wrong with a template is found in captions made for it, and what it suggests helps."""

import random
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filter_laion_metadata_substring import main
from retrieval.queries import class_query, parse_query
from retrieval.substring.search_units import Search
from retrieval.substring.template_check import (
    Sample,
    check_template,
    inside_longer_words,
    rows_by_class,
    wilson,
    word_line,
)

CAPTIONS = [
    *["a kitchen with a view", "when in Rome", "an authentic hen", "lichen on stone", "a hen and its chicks"] * 4,
    *["a crane over the construction site", "a crane in the wetland"] * 5,
    *["great tiger shark", "tiger shark fin"] * 3,
    *["learn C++ today"] * 3,
    *[f"nothing of interest {number}" for number in range(4_000)],
]
CLASSES = ["hen", "crane", "shark", "tiger shark", "C++", "aardvark", "nothing"]


def findings(classes=CLASSES, class_map=None, match="substring", pool_rows=1_000_000):
    class_map = class_map or {}
    queries = tuple(class_query(name, class_map.get(name), match) for name in classes)
    sample = Sample(CAPTIONS, len(CAPTIONS))
    text = "\n".join(check_template(Search(match, tuple(classes), queries), class_map, sample, pool_rows))
    return dict(re.findall(r"^(\w.*?)(?:: [\d,]+)?$\n((?:  .*\n?)+)", text, re.MULTILINE)), text


def test_each_kind_of_finding_names_its_classes():
    kinds, text = findings()
    inside = kinds["mostly inside longer words when searched as a substring"]
    assert "hen: 60% of 20 (kitchen, when, lichen)" in inside and "a kitchen with a view" in inside
    assert "crane: 10 captions" in kinds["words with another meaning"]
    assert "nothing: " in kinds["in very many captions"] and "hen" not in kinds["in very many captions"]
    assert "shark and tiger shark: 6 captions, 100%" in kinds["classes that share most of their captions"]
    assert "C++ is read as c" in kinds["signs that --match word and fts do not see"]
    assert "aardvark" in text.partition("no caption in the sample")[2]
    assert "expected counts are for 1,000,000 rows" in text


def test_a_class_with_a_query_is_named_as_guarded():
    kinds, _ = findings(class_map={"hen": '" hen "', "crane": "crane NOT construction"})
    for kind, name in (("mostly inside longer words when searched as a substring", "hen"),
                       ("words with another meaning", "crane")):  # fmt: skip
        assert kinds[kind] == f"  the same, with a query in class_map: {name}\n"


def test_the_suggested_line_lowers_the_share_inside_longer_words():
    name, query = re.fullmatch(r"\"(.*)\": '(.*)',", word_line("hen")).groups()
    assert inside_longer_words(["hen"], CAPTIONS)["hen"].share == 0.6
    rows = rows_by_class(Search("substring", ("hen",), (parse_query(query),)), CAPTIONS)[0]
    assert name == "hen" and rows and all(" hen " in f" {CAPTIONS[row]} " for row in rows)
    kinds, _ = findings()
    for line in re.findall(r'^ +"[\w+ ]+": \'(.*)\',$', "\n".join(kinds.values()), re.MULTILINE):
        parse_query(line)


def test_plurals_are_no_longer_words():
    found = inside_longer_words(["glove", "box"], ["gloves", "two boxes", "box", "boxer"])
    assert found["glove"].share == 0 and found["box"].share == pytest.approx(1 / 3)


@pytest.mark.parametrize("share", [0.0, 0.002, 0.1])
def test_the_interval_holds_the_pools_share_about_95_times_in_a_hundred(share):
    draw = random.Random(int(share * 1000))
    pool = [draw.random() < share for _ in range(20_000)]
    held = 0
    for _ in range(400):
        low, high = wilson(sum(draw.sample(pool, 500)), 500)
        held += low <= sum(pool) / len(pool) <= high
    assert held >= 0.92 * 400


def test_the_command_writes_no_file_and_ends_well(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"URL": ["http://a/b"] * len(CAPTIONS), "TEXT": CAPTIONS}), "pool.parquet")
    assert main(["--check", "-q", "hen|crane", "--dbs", "pool.parquet", "--pool-rows", "2320000000"]) == 0
    out = capsys.readouterr().out
    assert "hen: 60% of 20" in out and "for 2,320,000,000 rows" in out
    assert [path.name for path in tmp_path.iterdir()] == ["pool.parquet"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-q", "hen"], "give --output, the folder for the chunks and the manifest"),
        (["--check", "--select-random", "3"], "--check looks for --query's classes"),
        (["--check", "-q", "hen", "--download-dbs"], "--check looks for --query's classes"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, capsys, arguments, sentence):
    pq.write_table(pa.table({"URL": ["http://a/b"], "TEXT": ["a hen"]}), tmp_path / "pool.parquet")
    assert main([*arguments, "--dbs", str(tmp_path / "pool.parquet")]) == 2
    assert sentence in capsys.readouterr().err


def test_captions_that_are_all_null_are_refused(tmp_path, capsys):
    pq.write_table(pa.table({"URL": ["a"], "TEXT": pa.array([None], pa.string())}), tmp_path / "pool.parquet")
    assert main(["--check", "-q", "hen", "--dbs", str(tmp_path / "pool.parquet")]) == 2
    assert "--check found no caption" in capsys.readouterr().err
