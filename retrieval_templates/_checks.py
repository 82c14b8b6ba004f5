"""What a template's file may hold: refusals of what would fail hours later, and warnings. Standard library only."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import NoReturn

from retrieval.class_folders import safe_folder_name
from retrieval.class_lists import CURLY_QUOTES
from retrieval.cli import UserError, say
from retrieval.queries import Phrase, QueryError, parse_mapped_query

NAMED_SHARED = 12  # names of several classes, in the warning
NEAR = 0.8  # difflib's likeness: "classmap", "synonym" and "template" are above, "class_names" and "prompts" are not


class Refusals:
    """The checks of one template. Each raises UserError with the template, the class and the reason."""

    def __init__(self, template: str, classes):
        self.template, self.classes = template, classes
        if not isinstance(classes, (list, tuple)) or not classes:
            self.refuse("`classes` must be a list of at least one class name")
        for class_name in classes:
            if not isinstance(class_name, str) or not class_name.strip():
                self.refuse(f"class {class_name!r} is not a name")

    def refuse(self, reason: str) -> NoReturn:
        raise UserError(f"template {self.template}: {reason}")

    def prompts(self, templates) -> None:
        if not isinstance(templates, (list, tuple)) or not templates:
            self.refuse("`templates` must be a list of at least one prompt, as ['a photo of a {}.']")
        for prompt in templates:
            if not isinstance(prompt, str) or prompt.count("{}") != 1:
                self.refuse(f"prompt {prompt!r} must hold {{}} once, where the class name goes")

    def class_map(self, class_map) -> None:
        for class_name, query in self.entries("class_map", class_map, "caption query"):
            if not isinstance(query, str):
                kind = type(query).__name__
                self.refuse(f"class {class_name!r}: its class_map query is {kind}, not text: write 'a OR b'")

    def synonyms(self, synonyms) -> None:
        for class_name, names in self.entries("synonyms", synonyms, "a list of names"):
            if not isinstance(names, (list, tuple)):
                kind = type(names).__name__
                self.refuse(f"class {class_name!r}: its synonyms are {kind}, not a list: write ['a', 'b']")
            for synonym in names:
                if not isinstance(synonym, str) or not synonym.strip():
                    self.refuse(f"class {class_name!r}: its synonym {synonym!r} is not a name")

    def definitions(self, definitions) -> None:
        for class_name, phrase in self.entries("definitions", definitions, "one phrase"):
            if not isinstance(phrase, str) or not phrase.strip():
                self.refuse(f"class {class_name!r}: its definition {phrase!r} is no phrase: write what the name means")

    def entries(self, key: str, of_classes, what: str) -> Iterator[tuple]:
        """The entries of a dictionary by class."""
        if not isinstance(of_classes, dict):
            self.refuse(f"`{key}` must be a dictionary from class name to {what}")
        for class_name, value in of_classes.items():
            if class_name not in self.classes:
                self.refuse(f"{key} has {class_name!r}, which is no class")
            yield class_name, value

    def shared_folders(self) -> None:
        folders: dict[str, str] = {}
        for class_name in self.classes:
            folder = safe_folder_name(class_name)
            other = folders.setdefault(folder.casefold(), class_name)
            if other != class_name:
                self.refuse(f"classes {other!r} and {class_name!r} would share the output folder "
                            f"{safe_folder_name(other)!r}")  # fmt: skip


def warn_of_misspelt(template: str, found: Iterable[str], known: Sequence[str]) -> None:
    """Say which variables of a template's file are nearly one that is read, and are read by nobody.

    Not a refusal: a file may have variables of its own.
    """
    for name in found:
        near = () if name in known else get_close_matches(name.lower(), known, 1, NEAR)
        if near:
            say(f"warning: template {template}: {name} is not read: did you mean {near[0]}?")


def warn_of_repeats(template: str, classes: list[str]) -> None:
    """Say which classes are listed more than once: they are merged."""
    counts = Counter(classes)
    if len(counts) < len(classes):
        twice = sorted(class_name for class_name, count in counts.items() if count > 1)
        say(f"warning: template {template}: {', '.join(twice)} listed more than once, merged "
            f"({len(counts):,} distinct)")  # fmt: skip


def warn_of_shared_names(of: str, names_of: dict[str, tuple[str, ...]]) -> None:
    """Say which names several classes have: each of these classes gets their captions.

    Args:
        of: what has these names, as "template Pets". names_of: class -> the names that are searched.
    """
    classes_of: dict[str, list[str]] = {}
    for class_name, names in names_of.items():
        for name in dict.fromkeys(text.casefold() for text in names):
            classes_of.setdefault(name, []).append(class_name)
    shared = [f"{name!r} ({', '.join(which)})" for name, which in classes_of.items() if len(which) > 1]
    if shared:
        more = f" and {len(shared) - NAMED_SHARED:,} more" if len(shared) > NAMED_SHARED else ""
        say(f"warning: {of}: names of several classes, each of which gets their captions: "
            f"{', '.join(shared[:NAMED_SHARED])}{more}")  # fmt: skip


def bad_queries_of(class_map: dict[str, str]) -> dict[str, str]:
    """The classes whose query does not parse: class -> what is wrong with it."""
    bad = {}
    for class_name, query in class_map.items():
        if any(quote in query for quote in CURLY_QUOTES):
            bad[class_name] = 'has typographic quotes: write "'
            continue
        try:
            parse_mapped_query(query, names=Phrase((class_name,), (False,)))
        except QueryError as error:
            bad[class_name] = f"does not parse: {error}"
    return bad
