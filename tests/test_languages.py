"""--language: a template's classes, searched by their names in another language."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from filter_laion_metadata_substring import main
from retrieval.cli import UserError
from retrieval.queries import Phrase
from retrieval.records import chunk_files, read_records
from retrieval_templates import load_template, only_classes
from retrieval_templates.languages import HERE, WITHOUT_SPACES, in_language

LANGUAGES = json.loads((HERE / "ImageNet.json").read_text(encoding="utf-8"))
SCRIPT = HERE.parent / "sources" / "write_imagenet_languages.py"


@pytest.fixture(scope="module")
def imagenet():
    return load_template("ImageNet")


@pytest.fixture
def pool(tmp_path) -> Path:
    captions = ["Ein Goldfisch im Glas", "goldfish", "キンギョと水", "GOLDFISCH!", "Goldfische"]
    rows = "".join(f"http://example.com/{row},{text}\n" for row, text in enumerate(captions))
    (tmp_path / "pool.csv").write_text("url,text\n" + rows, encoding="utf-8")
    return tmp_path


def run(pool, language, match, *more) -> int:
    arguments = ["--query", "ImageNet", "--template", "--language", language, "--match", match, "--workers", "1"]
    return main(["--output", str(pool / "out"), "--dbs", str(pool / "pool.csv"), *arguments, *more])


@pytest.mark.parametrize("language, match, found", [("de", "word", [0, 3]), ("DE", "substring", [0, 3, 4]),
                                                    ("ja", "substring", [2])])  # fmt: skip
def test_captions_are_found_in_the_language_and_the_class_keeps_its_name(pool, language, match, found, capsys):
    assert run(pool, language, match) == 0
    records = [record for chunk in chunk_files(pool / "out") for record in read_records(chunk)]
    assert [int(record["URL"].rpartition("/")[2]) for record in records] == found
    assert {record["QUERY"] for record in records} == {"goldfish"}
    assert json.loads((pool / "out" / "job_0_of_1.json").read_text())["settings"]["language"] == language.lower()
    assert "have none and are left out" in capsys.readouterr().err
    assert main(["--output", str(pool / "out"), "--dbs", str(pool / "pool.csv"), "--query", "ImageNet"]) == 2


@pytest.mark.parametrize(
    "language, match, more, sentence",
    [
        ("zh", "word", [], "Chinese has no spaces between words, so --match word finds next to nothing"),
        ("tlh", "word", [], "--language tlh: ImageNet has af, am, ar"),
        ("de", "word", ["--names-only"], "leave --names-only out"),
        ("de", "word", ["--query", "DTD"], "DTD has only names of its own language; names in others are here for Imag"),
        ("om", "word", ["--classes", "tench"], "none of the classes has a name in it"),
    ],
)
def test_a_language_that_cannot_be_searched_is_refused(pool, language, match, more, sentence, capsys):
    assert run(pool, language, match, *more) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_loads_and_each_name_is_one_phrase(imagenet, language):
    template = in_language(imagenet, language, "substring")
    assert set(template.classes) == set(LANGUAGES[language]) and not template.synonyms
    for name in template.classes:
        assert template.caption_query(name, "substring") == Phrase((LANGUAGES[language][name],), (False,))


def test_names_of_two_classes_are_told_and_classes_without_a_name_are_counted(imagenet, capsys):
    template = only_classes(imagenet, ["chain", "necklace", "mitten", "goldfish"])
    assert in_language(template, "de", "word").classes
    said = capsys.readouterr().err
    assert "'kette' (chain, necklace)" in said and "classes have a name in it" in said
    with pytest.raises(UserError, match="Thai has no spaces"):
        in_language(template, "th", "fts")
    assert set(WITHOUT_SPACES) <= set(LANGUAGES) and len(LANGUAGES) == 92


def test_what_stands_in_parentheses_is_left_out_of_a_name():
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        spec = importlib.util.spec_from_file_location("write_imagenet_languages", SCRIPT)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
    finally:
        sys.path.remove(str(SCRIPT.parent))
    text = script.page({"DE": [[0, 2], ["Geier (Vogel)", "Lama"]], "EN": [[0], ["a"]]}, ["vulture", "b", "llama"])
    assert json.loads(text) == {"de": {"vulture": "Geier", "llama": "Lama"}}
