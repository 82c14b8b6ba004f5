"""Write the `synonyms` of ImageNet.py: WordNet's other names of each class, without those that mean something else.

In:  FACTS, a JSON file {"classes": [{"openai_name", "lemmas", "noun_senses": {lemma: senses}}]}, from WordNet 3.0
     (its licence: WORDNET_LICENSE.txt); imagenet_names.json, what was judged by hand.
Out: the block `synonyms = {…}` in retrieval_templates/ImageNet.py.

    python retrieval_templates/sources/write_imagenet_synonyms.py FACTS

Left out is a name that two classes have, that has several senses in WordNet, that homonyms.json lists, or that the
class's own query allows only beside other words. A query that has the name without a condition is a judgement by hand
too: then it is taken, whatever WordNet says of its senses.
"""

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path

import _root  # noqa: F401 - the repository's root on the path

from retrieval.files import complete_file
from retrieval.queries import Or, Phrase, all_phrases, parse_mapped_query
from retrieval_templates import Template, load_template

HERE = Path(__file__).parent
TEMPLATE = HERE.parent / "ImageNet.py"
HOMONYMS = HERE.parent.parent / "retrieval" / "substring" / "homonyms.json"
BLOCK = re.compile(r"\nsynonyms = \{\n.*?\n\}\n", re.DOTALL)
WIDTH = 120  # of a line, as ruff formats it


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=Path, help="JSON: the classes with WordNet's lemmas and their numbers of senses")
    args = parser.parse_args()
    facts = json.loads(args.facts.read_text(encoding="utf-8"))["classes"]
    judged = json.loads((HERE / "imagenet_names.json").read_text(encoding="utf-8"))
    homonyms = json.loads(HOMONYMS.read_text(encoding="utf-8"))["words_near_the_other_meaning"]
    synonyms = unambiguous_names(facts, load_template("ImageNet"), judged, set(homonyms))
    block = f"\nsynonyms = {{\n{''.join(map(entry, synonyms.items()))}}}\n"
    source = TEMPLATE.read_text(encoding="utf-8")
    with complete_file(TEMPLATE) as beside:
        beside.write_text(BLOCK.sub(lambda _: block, source, count=1), encoding="utf-8")
    print(f"{sum(map(len, synonyms.values())):,} synonyms of {len(synonyms):,} classes")
    return 0


def unambiguous_names(facts: list[dict], template: Template, judged: dict, homonyms: set[str]) -> dict[str, list[str]]:
    """Class -> its other names.

    Args:
        facts: one entry per class, as in the facts file; two entries may have one name.
        judged: {"kept": {name: why}, "left_out": {name: why}, "added": {class: names}}.
        homonyms: names with another meaning, lower-cased.
    """
    shared = Counter(folded for of_class in facts for folded in {name.casefold() for name in of_class["lemmas"]})
    own = {name.casefold() for name in template.classes}
    kept, left_out = ({name.casefold() for name in judged[key]} for key in ("kept", "left_out"))
    found: dict[str, list[str]] = {}
    for of_class in facts:
        class_name = of_class["openai_name"]
        free, guarded = phrases_of(template, class_name)
        for name in of_class["lemmas"]:
            folded = name.casefold()
            is_taken = folded in own or shared[folded] > 1 or folded in guarded - free or folded in left_out
            is_clear = of_class["noun_senses"][name] == 1 and folded not in homonyms
            if not is_taken and (is_clear or folded in free or folded in kept):
                found.setdefault(class_name, []).append(name)
    for class_name, names in judged["added"].items():
        found.setdefault(class_name, []).extend(names)
    return {name: list(dict.fromkeys(found[name])) for name in template.classes if name in found}


def phrases_of(template: Template, class_name: str) -> tuple[set[str], set[str]]:
    """The phrases of a class's query, lower-cased: those that are enough, and those that need others or bar them."""
    text = template.query(class_name)
    if text is None:
        return set(), set()
    query = parse_mapped_query(text, names=Phrase((class_name,), (False,)))
    parts = query.parts if isinstance(query, Or) else [query]
    free = {part.text.casefold() for part in parts if isinstance(part, Phrase)}  # not " taxi ", which bars taxidermy
    return free, {phrase.text.strip().casefold() for phrase in all_phrases(query)}


def entry(named: tuple[str, list[str]]) -> str:
    """A class and its names as lines of the template."""
    class_name, names = (json.dumps(part, ensure_ascii=False) for part in named)
    line = f"    {class_name}: {names},\n"
    if len(line) <= WIDTH + 1:
        return line
    each = "".join(f"        {json.dumps(name, ensure_ascii=False)},\n" for name in named[1])
    return f"    {class_name}: [\n{each}    ],\n"


if __name__ == "__main__":
    sys.exit(main())
