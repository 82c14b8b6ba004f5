"""Write languages/ImageNet.json: the names of ImageNet's classes in 92 languages.

In:  FACTS, Babel-ImageNet's names as CLIP_benchmark has them (MIT licence; Geigle et al. 2024):
     {"languages": {language: [[numbers of classes], [names]]}}, numbers from 0 in the benchmark's order.
Out: retrieval_templates/languages/ImageNet.json: {language: {class: name}}, one line per language.

    python retrieval_templates/sources/write_imagenet_languages.py FACTS

Encyclopedias write "Geier (Vogel)", captions "Geier": what stands in parentheses is left out.
"""

import argparse
import json
import re
import runpy
import sys
from pathlib import Path

import _root  # noqa: F401 - the repository's root on the path

from retrieval.files import complete_file

TEMPLATES = Path(__file__).parent.parent
TARGET = TEMPLATES / "languages" / "ImageNet.json"
OWN = "en"  # the template's own names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=Path, help="JSON: the numbers and names of the classes of each language")
    args = parser.parse_args()
    classes = runpy.run_path(str(TEMPLATES / "ImageNet.py"))["classes"]
    facts = json.loads(args.facts.read_text(encoding="utf-8"))["languages"]
    with complete_file(TARGET) as beside:
        beside.write_text(page(facts, classes), encoding="utf-8")
    print(f"{len(facts) - 1:,} languages")
    return 0


def page(facts: dict, classes: list[str]) -> str:
    """The file's text: a line per language, sorted."""
    lines = []
    for language in sorted(facts, key=str.lower):
        if language.lower() != OWN:
            names = {classes[number]: plain(name) for number, name in zip(*facts[language], strict=True)}
            lines.append(f"{json.dumps(language.lower())}: {json.dumps(names, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def plain(name: str) -> str:
    return re.sub(r"\s*[(（][^)）]*[)）]", "", name).strip() or name


if __name__ == "__main__":
    sys.exit(main())
