"""ImageNet's synonyms: WordNet's other names, without those that mean something else."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from retrieval_templates import check_template, load_template

SOURCES = Path(__file__).parent.parent / "retrieval_templates" / "sources"
HOMONYMS = SOURCES.parent.parent / "retrieval" / "substring" / "homonyms.json"


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(SOURCES))
    try:
        spec = importlib.util.spec_from_file_location("write_imagenet_synonyms", SOURCES / "write_imagenet_synonyms.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SOURCES))
    return module


@pytest.fixture(scope="module")
def template():
    return load_template("ImageNet")


def facts(name, **senses):
    lemmas = {lemma.replace("_", " "): number for lemma, number in senses.items()}
    return {"openai_name": name, "lemmas": list(lemmas), "noun_senses": lemmas}


def test_a_name_with_another_meaning_is_left_out(script):
    class_map = {"crane": "crane AND bird OR grus", "laptop computer": "(laptop OR a) NOT bag", "cab": '" taxi "'}
    template = check_template("T", ["crane", "kite", "laptop computer", "cab"], ["{}"], class_map)
    given = [
        facts("crane", crane=2, heron_like=1, grus=3, kite=1, shared=1, jay=1),
        facts("kite", red_kite=1, shared=1, eft=1, milvus=2, Kite=4),
        facts("laptop computer", laptop=1),  # its query allows it only without "bag"
        facts("cab", taxi=1),  # its query bars taxidermy
    ]
    judged = {"kept": {"Milvus": ""}, "left_out": {"EFT": ""}, "added": {"cab": ["minicab"]}}
    found = script.unambiguous_names(given, template, judged, {"jay"})
    assert found == {"crane": ["heron like", "grus"], "kite": ["red kite", "milvus"], "cab": ["minicab"]}


def test_a_long_list_of_names_has_a_line_per_name(script):
    assert script.entry(("a", ["b", "c"])) == '    "a": ["b", "c"],\n'
    long = script.entry(("a", ["b" * 60, "c" * 60]))
    assert long == f'    "a": [\n        "{"b" * 60}",\n        "{"c" * 60}",\n    ],\n'


def test_the_script_would_write_the_block_that_the_template_has(script, template):
    block = "".join(script.entry((name, list(names))) for name, names in template.synonyms.items())
    assert f"\nsynonyms = {{\n{block}}}\n" in script.TEMPLATE.read_text(encoding="utf-8")
    assert sum(map(len, template.synonyms.values())) > 600


def test_no_synonym_of_imagenet_is_shared_or_a_homonym_or_was_left_out(script, template):
    names = [name.casefold() for of_class in template.synonyms.values() for name in of_class]
    judged = json.loads((SOURCES / "imagenet_names.json").read_text(encoding="utf-8"))
    assert len(set(names)) == len(names)
    assert not set(names) & {name.casefold() for name in template.classes}
    assert not set(names) & {name.casefold() for name in judged["left_out"]}
    assert not set(names) & set(json.loads(HOMONYMS.read_text(encoding="utf-8"))["words_near_the_other_meaning"])
    for class_name, of_class in template.synonyms.items():
        free, guarded = script.phrases_of(template, class_name)
        assert not {name.casefold() for name in of_class} & (guarded - free)


def test_wordnets_licence_is_kept():
    text = (SOURCES / "WORDNET_LICENSE.txt").read_text(encoding="utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in text and "AS IS" in text
