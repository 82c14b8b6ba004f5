"""Names of a template's classes in other languages: NAME.json beside this file, {language: {class: name}}.

    template = in_language(load_template("ImageNet"), "de", "substring")
    template.query("goldfish")      # '"Goldfisch"'; the class is still called goldfish, and so is its folder

Standard library only.
"""

import json
from dataclasses import replace
from pathlib import Path

from retrieval.cli import UserError, say
from retrieval.queries import phrase_query, to_fts5
from retrieval_templates import Template, only_classes
from retrieval_templates._checks import warn_of_shared_names

HERE = Path(__file__).parent
WITHOUT_SPACES = {"ja": "Japanese", "km": "Khmer", "lo": "Lao", "my": "Burmese", "th": "Thai", "zh": "Chinese"}


def in_language(template: Template, language: str, match: str) -> Template:
    """The template with the names of one language as its queries, without classes that have none there.

    Raises:
        UserError: no names of the language are here, or it writes without spaces and `match` looks for words.
    """
    path = HERE / f"{template.name}.json"
    if not path.is_file():
        has = ", ".join(sorted(file.stem for file in HERE.glob("*.json")))
        raise UserError(f"--language: {template.name} has only names of its own language; names in others are here for "
                        f"{has}")  # fmt: skip
    languages = json.loads(path.read_text(encoding="utf-8"))
    if language not in languages:
        raise UserError(f"--language {language}: {template.name} has {', '.join(languages)}")
    if language in WITHOUT_SPACES and match != "substring":
        raise UserError(
            f"--language {language}: {WITHOUT_SPACES[language]} has no spaces between words, so --match {match} finds "
            "next to nothing: use --match substring"
        )
    names = {name: text for name, text in languages[language].items() if name in template.classes}
    if not names:
        raise UserError(f"--language {language}: none of the classes has a name in it")
    lacking = len(template.classes) - len(names)
    say(f"--language {language}: {len(names):,} classes have a name in it, {lacking:,} have none and are left out")
    warn_of_shared_names(f"--language {language}", {name: (text,) for name, text in names.items()})
    queries = {name: to_fts5(phrase_query(text)) for name, text in names.items()}
    return replace(only_classes(template, list(names)), class_map=queries, synonyms={}, bad_queries={})
