"""--check: what can be wrong with a template is found in captions made for it, and what it suggests helps."""

import random
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filter_laion_metadata_substring import main
from retrieval.queries import class_query, parse_query
from retrieval.substring.caption_sample import Sample, matched, rows_by_class
from retrieval.substring.search_units import Search
from retrieval.substring.suspect_names import inside_longer_words, word_line
from retrieval.substring.template_check import check_template
from retrieval.wilson import wilson

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
    inside = kinds["mostly inside longer words, which --match word leaves out"]
    assert "hen: 60% of 20 (kitchen, when, lichen)" in inside and "a kitchen with a view" in inside
    assert "crane: 10 captions" in kinds["words with another meaning"]
    assert "nothing: " in kinds["in very many captions"] and "hen" not in kinds["in very many captions"]
    assert "shark and tiger shark: 6 captions, 100%" in kinds["classes that share most of their captions"]
    assert "C++ is read as c" in kinds["signs that --match word and fts do not see"]
    assert "aardvark" in text.partition("no caption in the sample")[2]
    assert "expected counts are for 1,000,000 rows" in text


def test_a_class_with_a_query_is_named_as_guarded():
    kinds, _ = findings(class_map={"hen": '" hen "', "crane": "crane NOT construction"})
    assert kinds["words with another meaning"] == "  the same, with a query in class_map: crane\n"
    assert "mostly inside longer words, which --match word leaves out" not in kinds


def search_for(*names, match="substring", **class_map):
    queries = tuple(class_query(name, class_map.get(name), match) for name in names)
    return Search(match, names, queries)


def inside(search, captions):
    return inside_longer_words(search, matched(search.queries, search.match, captions), captions)


def test_the_suggested_line_finds_the_word_at_the_edges_of_a_caption_too():
    name, query = re.fullmatch(r"\"(.*)\": '(.*)',", word_line("hen")).groups()
    captions = ["hen", "a hen", "hens, many", "Hen.", "kitchen", "when", "then", "a big hen here"]
    rows = rows_by_class(matched([parse_query(query)], "word", captions), 1)[0]
    assert name == "hen" and rows == [0, 1, 2, 3, 7]
    kinds, text = findings()
    assert '--match word finds 8; with this line in class_map 8:\n        "hen": \'"hen" OR "hens"\',' in text
    for line in re.findall(r'^ +"[\w+ ]+": \'(.*)\',$', "\n".join(kinds.values()), re.MULTILINE):
        parse_query(line)


def test_a_query_with_spaces_in_quotes_is_told_what_it_loses():
    captions = ["fish", "a fish", "fish here", "a fish here", "fish, fried"] * 3 + ["selfish"]
    search = search_for("fish", fish='" fish "')
    lines = list(check_template(search, {"fish": '" fish "'}, Sample(captions, 16), 16))
    assert "  fish: finds 3 of the 15 captions that --match word finds" in lines
    assert not any(
        "space in quotes" in line for line in check_template(search_for("fish"), {}, Sample(captions, 16), 16)
    )


def test_the_share_inside_longer_words_is_the_one_that_the_run_reports(tmp_path, capsys):
    captions = ["fishes"] * 30 + ["fish"] + ["selfish"] * 69
    pq.write_table(pa.table({"URL": ["http://a/b"] * 100, "TEXT": captions}), tmp_path / "pool.parquet")
    arguments = ["-q", "fish", "--dbs", str(tmp_path / "pool.parquet")]
    assert main(["--check", *arguments]) == 0
    said = capsys.readouterr()
    assert "fish: 99% of 100 (selfish, fishes)" in said.out
    assert "go into class_map or synonyms of a template" in said.err  # the classes came without one
    assert main(["-o", str(tmp_path / "out"), *arguments]) == 0
    assert "mostly inside longer words, which --match word leaves out: fish (99% of 100)" in capsys.readouterr().err
    assert inside(search_for("fish", match="word"), captions)["fish"].share == 0


def test_the_smallest_classes_are_shown_too():
    names = [f"word{number:02d}" for number in range(30)]
    captions = [name for number, name in enumerate(names) for _ in range(number)]
    text = "\n".join(check_template(search_for(*names), {}, Sample(captions, len(captions)), 1000))
    most, fewest = text.partition("most captions:")[2].split("fewest captions:")
    assert re.findall("word(..)", most) == ["29", "28", "27", "26", "25"]
    assert re.findall("word(..)", fewest) == [f"{number:02d}" for number in range(1, 11)]
    assert "and 14 more classes between them" in text and "word00" in text


def test_a_bad_shard_is_named_and_the_others_are_searched(tmp_path, capsys):
    broken = pa.array([b"a \xff hen", b"fine"], pa.binary())
    as_string = pa.StringArray.from_buffers(2, broken.buffers()[1], broken.buffers()[2])
    pq.write_table(pa.table({"URL": ["u", "v"], "TEXT": as_string}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": ["u", "v"]}), tmp_path / "b.parquet")
    assert main(["--check", "-q", "hen", "--dbs", str(tmp_path / "*.parquet")]) == 1
    said = capsys.readouterr()
    assert "2 captions of 2 rows" in said.out and re.search("missing: .*b.parquet has no URL column", said.err)


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
