"""--check and --suggest-names: WordNet read from its own files, and names counted in a sample of captions."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filter_laion_metadata_substring import main
from retrieval.cli import UserError
from retrieval.substring.name_forms import forms, in_parentheses, plain_names
from retrieval.substring.wordnet import DEFAULT, open_wordnet

SYNSETS = [  # (lexicographer file, lemmas, gloss)
    ("05", ["crayfish", "crawfish", "crawdad"], 'a lobster of fresh water; "he caught crayfish"'),
    ("13", ["crayfish", "crawfish"], "its meat"),
    ("05", ["crane"], "a large wading bird"),
    ("06", ["crane"], "lifts heavy objects"),
    ("18", ["Crane", "Stephen_Crane"], "a writer"),
    ("05", ["grey_wolf", "timber_wolf", "Canis_lupus"], "a wolf of northern woods"),
    ("06", ["mobile_phone", "cell", "cellular_phone"], "a telephone"),
    ("06", ["cell"], "a small room"),
]
CAPTIONS = [
    *["boiled crawfish", "a crawdad in a creek", "crawdads", "a crayfish", "crawfish again"],
    *["a timber wolf", "gray wolves", "grey wolf", "the grey-wolf pack", "timber wolves howl"],
    *["cellular phone", "a cell door", "a cellular-phone case", "excellent", "a crane", "my mobile phone"],
    *["swim trunks", "board shorts", "a snow-plough", "snowplow", "snow plow"],
]
TEMPLATE = """
classes = ["crayfish", "crane", "grey wolf", "mobile phone", "swim trunks / shorts", "snowplow"]
templates = ["a photo of a {}."]
synonyms = {"mobile phone": ["cellular phone"], "crayfish": ["crawfish"]}
"""


@pytest.fixture(scope="module")
def wordnet(tmp_path_factory) -> Path:
    """A dictionary of a few nouns, in WordNet's format."""
    folder = tmp_path_factory.mktemp("wordnet")
    data, offsets = "  1 a licence\n", {}
    for number, (file, lemmas, gloss) in enumerate(SYNSETS):
        for lemma in lemmas:
            offsets.setdefault(lemma.lower(), []).append(len(data))
        words = " ".join(f"{lemma} {number % 10}" for lemma in lemmas)
        data += f"{len(data):08d} {file} n {len(lemmas):02x} {words} 001 @ 00000000 n 0000 | {gloss}  \n"
    index = "  1 a licence\n"
    for lemma, places in sorted(offsets.items()):
        numbers = " ".join(f"{place:08d}" for place in places)
        index += f"{lemma} n {len(places)} 1 @ {len(places)} 0 {numbers}  \n"
    (folder / "data.noun").write_text(data)
    (folder / "index.noun").write_text(index)
    (folder / "noun.exc").write_text("wolves wolf\nmice mouse\n")
    return folder


@pytest.fixture
def pool(tmp_path) -> Path:
    (tmp_path / "Names.py").write_text(TEMPLATE)
    pq.write_table(pa.table({"URL": ["http://a/b"] * len(CAPTIONS), "TEXT": CAPTIONS}), tmp_path / "pool.parquet")
    return tmp_path


def check(pool, *more, match="word") -> list[str]:
    return [
        "--check", "--query", "Names", "--template-dir", str(pool), "--dbs", str(pool / "pool.parquet"), "--match",
        match, *map(str, more),
    ]  # fmt: skip


def test_senses_are_read_from_wordnets_own_files(wordnet):
    nouns = open_wordnet(wordnet)
    first, second = nouns.senses("crayfish")
    assert first.lemmas == ("crayfish", "crawfish", "crawdad") and first.gloss == "a lobster of fresh water"
    assert second.gloss == "its meat" and nouns.count("CRANE") == 3 and nouns.senses("kite") == []
    assert nouns.senses("grey wolf")[0].lemmas[2] == "Canis lupus"
    assert [sense.is_visible for sense in nouns.senses("crane")] == [True, True, False]
    assert nouns.irregular_plural("wolf") == "wolves" and nouns.irregular_plural("cat") is None


@pytest.mark.skipif(not (DEFAULT / "index.noun").is_file(), reason="Debian's wordnet-base is not installed")
def test_debians_wordnet_is_read():
    nouns = open_wordnet(None)
    (sense,) = nouns.senses("tench")
    assert sense.lemmas == ("tench", "Tinca tinca") and sense.is_visible
    assert nouns.irregular_plural("wolf") == "wolves"


def test_a_folder_that_is_not_wordnets_is_refused(tmp_path, wordnet, pool, capsys):
    assert main(check(pool, "--wordnet", tmp_path / "nowhere")) == 2
    assert "has no index.noun: give the folder" in capsys.readouterr().err
    (tmp_path / "index.noun").write_text("tench n\n")
    (tmp_path / "data.noun").write_text("")
    with pytest.raises(UserError, match="a line that is not WordNet's: 'tench n'"):
        open_wordnet(tmp_path).senses("tench")
    assert main([*check(pool)[1:], "--output", str(tmp_path / "out"), "--suggest-names"]) == 2
    assert "add --check" in capsys.readouterr().err


def test_other_forms_of_a_name():
    assert forms("grey tea-cup") == {
        "gray tea-cup": "spelling", "grey tea-cups": "plural", "gray tea-cups": "plural",
        "grey tea cup": "without hyphens", "grey-tea-cup": "with hyphens", "greyteacup": "in one word",
    }  # fmt: skip
    assert forms("wolf", "wolves") == {"wolves": "plural"} and forms("jeans") == {}
    assert forms("Plough") == {"Plow": "spelling", "Ploughs": "plural", "Plows": "plural"}
    assert plain_names("gas mask or respirator") == ["gas mask", "respirator"]
    assert plain_names("kite (bird of prey)") == ["kite"] and in_parentheses("kite (bird of prey)") == ["bird of prey"]
    assert plain_names("hen") == in_parentheses("hen") == []


def test_names_are_proposed_with_their_captions_and_a_line_to_paste(pool, wordnet, capsys):
    assert main(check(pool, "--suggest-names", "--wordnet", wordnet)) == 0
    said = capsys.readouterr().out.partition("names that people may write")[2]
    assert re.search(r"crawdad +1 +1 new  WordNet  \? if crayfish is: a lobster of fresh water\n", said)
    assert re.search(r"timber wolf +1 +1 new  WordNet\n", said)
    assert '      "grey wolf": ["timber wolf", "gray wolves", "timber wolves"],' in said
    assert re.search(r"cell +1 +1 new  WordNet  \? 2 senses in WordNet\n", said)
    assert '"mobile phone"' not in said  # nothing to paste: "cell" is doubtful
    assert re.search(r"swim trunks +1 +1 new  part of the name", said)
    assert "snowplough" not in said  # no caption has it in one word
    assert "of WordNet's: Canis lupus" in said


def test_in_substring_a_plural_adds_nothing_and_parts_of_words_are_marked(pool, wordnet, capsys):
    assert main(check(pool, "--suggest-names", "--wordnet", wordnet, match="substring")) == 0
    said = capsys.readouterr().out.partition("names that people may write")[2]
    assert "crawfishes" not in said and "timber wolfs" not in said
    assert re.search(r"cell +4 +3 new  WordNet  \? 2 senses in WordNet; 75% inside longer words\n", said)


def test_a_name_of_a_class_whose_own_name_is_guarded_is_marked(pool, wordnet, capsys):
    (pool / "Names.py").write_text(TEMPLATE + 'class_map = {"grey wolf": \'"grey wolf" AND zoo\'}\n')
    assert main(check(pool, "--suggest-names", "--wordnet", wordnet)) == 0
    said = capsys.readouterr().out.partition("names that people may write")[2]
    assert re.search(r"timber wolf +1 +1 new  WordNet  \? the class's query guards its own name\n", said)
    assert '"grey wolf":' not in said


def test_a_name_of_two_classes_is_marked(pool, wordnet, capsys):
    (pool / "Names.py").write_text('classes = ["crayfish", "crawdad"]\ntemplates = ["{}"]\n')
    assert main(check(pool, "--suggest-names", "--wordnet", wordnet)) == 0
    said = capsys.readouterr().out.partition("names that people may write")[2]
    assert re.search(r"crawfish +2 +2 new  WordNet  \? .*also crawdad\n", said)


def test_without_wordnet_other_spellings_are_proposed_and_that_is_said(pool, capsys, monkeypatch):
    monkeypatch.setattr("retrieval.substring.wordnet.DEFAULT", pool / "nowhere")
    assert main(check(pool, "--suggest-names")) == 0
    said = capsys.readouterr().out
    assert "WordNet is not here" in said and "several senses in WordNet" not in said
    assert re.search(r"snow-?plough|swim trunks", said) and "timber wolf" not in said


def test_check_says_what_the_own_name_finds_and_which_senses_there_are(pool, wordnet, capsys):
    assert main(check(pool, "--wordnet", wordnet)) == 0
    said = capsys.readouterr().out
    assert "the own name is in less than half of the captions with any name of the class: 2" in said
    assert "  crayfish: 1 of 3 (33%); most written: crawfish (2)\n" in said
    assert "names with several senses in WordNet: 2" in said
    assert "crane: 2 senses that can be seen\n        a large wading bird\n        lifts heavy objects" in said
    assert "names that people may write" not in said
