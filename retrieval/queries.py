"""The language of caption queries: SQLite FTS5's, without its NEAR(), `^` and column filters.

    tabby                  the word; letters, digits, `_` and non-ASCII characters need no quotes
    "great white shark"    a phrase: these words next to each other; inside quotes, "" means one "
    great + "white shark"  the same phrase
    retriev*               words that begin with it; "golden retriev" * does so for the last word of a phrase
    tabby cat              both, in any order (implicit AND: between phrases only, never next to a parenthesis)
    a AND b, a OR b, a NOT b, ( )      upper case; NOT binds tighter than AND, AND tighter than OR
    {names}                in a template's class_map: the names of the class, in parentheses with OR between them

The match mode says when a phrase holds in a caption (substring/match_definition.py). The grammar is that of SQLite's
fts5parse.y and fts5_expr.c. `to_fts5` writes a query that SQLite reads in the same way. Standard library only.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from retrieval.cli import say

MATCH_MODES = ("substring", "word", "fts")  # substring/match_definition.py defines when a phrase holds in each
OPERATORS = ("AND", "OR", "NOT")
NAMES = "{names}"  # in a class_map query: the class's name and its synonyms

# FTS5's parser has a stack of 100 entries (fts5parse.y), and a parenthesis takes up to 3. People write two or three
# parentheses. Its trees are at most 256 deep, and a chain of NOTs can reach that.
DEEPEST_PARENTHESIS = 20
LONGEST_NOT_CHAIN = 100


class QueryError(ValueError):
    """What is wrong with a query, and at which character, counted from 1."""


@dataclass(frozen=True)
class Phrase:
    """Words next to each other. `a + b* + "c d"` is strings ("a", "b", "c d") and stars (False, True, False)."""

    strings: tuple[str, ...]
    stars: tuple[bool, ...]

    @property
    def text(self) -> str:
        """What `substring` looks for: the strings with one space between them."""
        return " ".join(self.strings)


@dataclass(frozen=True)
class And:
    """All of `parts`. If implicit, the parts are phrases, and those without a token are left out, as in FTS5."""

    parts: tuple["Query", ...]
    implicit: bool = False


@dataclass(frozen=True)
class Or:
    parts: tuple["Query", ...]


@dataclass(frozen=True)
class Not:
    """`wanted` without `unwanted`."""

    wanted: "Query"
    unwanted: "Query"


Query = Phrase | And | Or | Not


def class_query(class_name: str, mapped_query: str | None, mode: str, synonyms: Sequence[str] = ()) -> Query:
    """The caption query of a class: its name or a synonym, or its `class_map` entry or a synonym.

    An entry with `{names}` is the whole query, as it says itself where the synonyms stand. A synonym is one phrase in
    each mode: the published script, whose rule `fts` follows, has none, and "eating" far from "place" is no restaurant.

    Raises:
        QueryError: the entry does not parse, or a name has half a character (a lone surrogate).
    """
    query_of = {class_name: name_query(class_name, mode)} | {name: phrase_query(name) for name in synonyms}
    names = either(query_of[name] for name in longer_names_first([class_name, *synonyms]))
    if mapped_query is None:
        return names
    query = parse_mapped_query(mapped_query, names)
    if NAMES in mapped_query:
        return query
    return either([query, *(query_of[name] for name in longer_names_first(synonyms))])


def name_query(name: str, mode: str) -> Query:
    """The query of a class's own name, by the rule of the match mode.

    In `substring` and `word` a name is one phrase. In `fts`, as in the published script, a name that `is_quoted_whole`
    is one phrase, and any other name is a query. A name that FTS5 cannot read (`St. Bernard`) is one phrase too, with a
    warning.

    Raises:
        QueryError: half a character (a lone surrogate).
    """
    whole = phrase_query(name)
    if mode != "fts" or is_quoted_whole(name):
        return whole
    try:
        return parse_query(name)
    except QueryError as error:
        say(f"warning: class {name!r} is no FTS5 query ({error}): it is searched as one quoted phrase")
        return whole


def phrase_query(name: str) -> Phrase:
    """The name as one phrase.

    Raises:
        QueryError: half a character (a lone surrogate).
    """
    _check_encodable(name)
    return Phrase((name,), (False,))


def either(queries: Iterable[Query]) -> Query:
    """One OR of them all. An OR among them is not nested, so MATCHED is the first of all phrases that hold."""
    parts = [part for query in queries for part in (query.parts if isinstance(query, Or) else [query])]
    parts = tuple(dict.fromkeys(parts))
    return Or(parts) if len(parts) > 1 else parts[0]


def longer_names_first(names: Sequence[str]) -> list[str]:
    """The names in order, but "blue jay" before "jay": a caption of a blue jay is counted as that, and not as a jay."""
    ordered: list[str] = []
    for name in names:
        parts = (place for place, other in enumerate(ordered) if other.casefold() in name.casefold())
        ordered.insert(next(parts, len(ordered)), name)
    return ordered


def parse_mapped_query(text: str, names: Query) -> Query:
    """The query of a `class_map` value, the same in every mode: the value itself, or the whole of it as one phrase.

    Args:
        names: what `{names}` stands for.

    Raises:
        QueryError: what is wrong, and where.
    """
    if is_quoted_whole(text):
        return phrase_query(text)
    return parse_query(text, names if NAMES in text else None)  # without them it is parsed once for all uses


def is_quoted_whole(text: str) -> bool:
    """The published script's rule: a text with `-` or `/` and without `"` is put in quotes, as `black-handed monkey`.

    FTS5 could not read it as it is: outside quotes these two signs are an error. (No published query has `{names}`.)
    """
    return '"' not in text and ("-" in text or "/" in text) and NAMES not in text


@functools.lru_cache(maxsize=1 << 13)  # a template's queries are parsed when they are checked, and to be searched
def parse_query(text: str, names: Query | None = None) -> Query:
    """Parse a query in FTS5's language.

    Args:
        names: what `{names}` stands for. If None, it is refused.

    Raises:
        QueryError: what is wrong, and where.
    """
    _check_encodable(text)
    parser = _Parser(text, names)
    query = parser.any_of()
    if parser.kind != "end":
        parser.refuse()
    return query


def lower_case_operators(text: str) -> list[str]:
    """Bare words of a query that look like operators, as "and" in `black and white`: they are searched as words."""
    if not _OPERATOR_IN_ANY_CASE.search(text):  # most queries, in a tenth of the time
        return []
    found, end = [], 0
    while (match := _TOKEN.match(text, end)) and match.lastgroup != "end":
        if match.lastgroup == "word" and match["word"].upper() in OPERATORS and match["word"] not in OPERATORS:
            found.append(match["word"])
        end = match.end()
    return list(dict.fromkeys(found))


def all_phrases(query: Query) -> list[Phrase]:
    """The phrases of a query in order."""
    match query:
        case Phrase():
            return [query]
        case And(parts) | Or(parts):
            return [phrase for part in parts for phrase in all_phrases(part)]
        case Not(wanted, unwanted):
            return all_phrases(wanted) + all_phrases(unwanted)


def to_fts5(query: Query) -> str:
    """The query as text for SQLite's `MATCH`: each string in quotes, parentheses where they are needed."""
    match query:
        case Phrase(strings, stars):
            return " + ".join(_quoted(string) + "*" * star for string, star in zip(strings, stars, strict=True))
        case And(parts, implicit=True):
            return " ".join(map(to_fts5, parts))
        case And(parts):
            return " AND ".join(_operand(part) for part in parts)
        case Or(parts):
            return " OR ".join(_operand(part) for part in parts)
        case Not(wanted, unwanted):
            first = to_fts5(wanted) if isinstance(wanted, Not) else _operand(wanted)  # NOT binds to the left
            return f"{first} NOT {_operand(unwanted)}"


def _operand(query: Query) -> str:
    return to_fts5(query) if isinstance(query, Phrase) else f"({to_fts5(query)})"


def _quoted(string: str) -> str:
    doubled = string.replace('"', '""').replace("\0", " ")  # NUL would end the query; both only separate tokens
    return f'"{doubled}"'


def _check_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError(f"half a character (a lone surrogate) at character {error.start + 1}") from error


# As SQLite's fts5ExprGetToken: white space, then one of these. A bare word may have U+001A and non-ASCII characters.
# `{names}` is ours.
_TOKEN = re.compile(
    r"""[\ \t\n\r]* (?: (?P<end>\Z) | (?P<sign>[()+*]) | (?P<names>\{names\}) | "(?P<quoted>(?:[^"\0]|"")*)" |
        (?P<word>[A-Za-z0-9_\x1a\x80-\U0010ffff]+) )""",
    re.VERBOSE,
)
_OPERATOR_IN_ANY_CASE = re.compile(rf"\b(?:{'|'.join(OPERATORS)})\b", re.IGNORECASE)
_NOT_SUPPORTED = {
    "^": "^ (first word of the caption) is not part of our query language",
    ":": "column filters (`name:`) are not part of our query language",
    "{": "column filters ({…}) are not part of our query language",
    "-": "- must stand in quotes (or write NOT)",
    '"': "a quoted phrase that does not end",
    "\0": "a NUL character",
}


class _Parser:
    """Recursive descent over FTS5's tokens. `kind`, `value`, `start` and `end` describe the next token."""

    def __init__(self, text: str, names: Query | None):
        self.text, self.names, self.end, self.depth = text, names, 0, 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.end)
        if match is None:
            self.start = re.compile(r"[ \t\n\r]*").match(self.text, self.end).end()
            sign = self.text[self.start]
            if sign == '"' and "\0" in self.text:
                sign = "\0"
            raise QueryError(
                f"{_NOT_SUPPORTED.get(sign, f'{sign} must stand in quotes')} (at character {self.start + 1}: "
                f"{self.text[self.start : self.start + 20]!r})"
            )
        self.kind, self.value = match.lastgroup, match[match.lastgroup]
        self.start, self.end = match.start(match.lastgroup) - (self.kind == "quoted"), match.end()
        if self.kind == "sign" or (self.kind == "word" and self.value in OPERATORS):
            self.kind = self.value

    def refuse(self, why: str | None = None) -> NoReturn:
        found = "the query ends" if self.kind == "end" else f"{self.text[self.start : self.end]!r} is not expected"
        raise QueryError(f"{why or found} (at character {self.start + 1})")

    def any_of(self) -> Query:
        return self.chain("OR", self.all_of, Or)

    def all_of(self) -> Query:
        return self.chain("AND", self.without, And)

    def chain(self, operator: str, operand, make) -> Query:
        parts = [operand()]
        while self.kind == operator:
            self.advance()
            parts.append(operand())
        return make(tuple(parts)) if len(parts) > 1 else parts[0]

    def without(self) -> Query:
        query, links = self.group(), 0
        while self.kind == "NOT":
            links += 1
            if links > LONGEST_NOT_CHAIN:
                self.refuse(f"more than {LONGEST_NOT_CHAIN} NOTs in a row")
            self.advance()
            query = Not(query, self.group())
        return query

    def group(self) -> Query:
        if self.kind == "names":
            return self.class_names()
        if self.kind != "(":
            return self.phrases()
        if self.depth == DEEPEST_PARENTHESIS:
            self.refuse(f"parentheses nested deeper than {DEEPEST_PARENTHESIS}")
        self.depth += 1
        self.advance()
        query = self.any_of()
        if self.kind != ")":
            self.refuse("a parenthesis that is not closed" if self.kind == "end" else None)
        self.depth -= 1
        self.advance()
        self.end_group("a parenthesis")
        return query

    def class_names(self) -> Query:
        if self.names is None:
            self.refuse("{names} stands for a class's names only in class_map")
        self.advance()
        self.end_group("{names}")
        return self.names

    def end_group(self, what: str) -> None:
        if self.kind in ("word", "quoted", "(", "names"):
            self.refuse(f"AND, OR or NOT must stand after {what}")

    def phrases(self) -> Query:
        parts = [self.phrase()]
        while self.kind in ("word", "quoted"):
            parts.append(self.phrase())
        if self.kind == "names":
            self.refuse("AND, OR or NOT must stand before {names}")
        if self.kind == "(":
            near = self.text[: self.start].rstrip().endswith("NEAR")
            self.refuse("NEAR() is not part of our query language" if near else
                        "AND, OR or NOT must stand before a parenthesis")  # fmt: skip
        return And(tuple(parts), implicit=True) if len(parts) > 1 else parts[0]

    def phrase(self) -> Phrase:
        strings, stars = [], []
        while True:
            if self.kind not in ("word", "quoted"):
                self.refuse()
            if self.kind == "quoted" and NAMES in self.value:
                self.refuse("{names} must stand outside quotes")
            strings.append(self.value.replace('""', '"') if self.kind == "quoted" else self.value)
            self.advance()
            stars.append(self.kind == "*")
            if stars[-1]:
                self.advance()
            if self.kind != "+":
                return Phrase(tuple(strings), tuple(stars))
            self.advance()
