"""Which queries match a caption, for one caption at a time, in `word` and `fts`. Standard library only.

    plans = PlainPlans(queries, "word")
    plans.hits([4, 7], "A tabby cat")       # [(4, 2)]: query 4 matches, by phrase 2

It gives what match_definition.first_holding gives, for the queries that are asked for, in a microsecond or two each.
"""

from collections.abc import Callable, Iterable, Sequence

from retrieval.queries import And, Not, Or, Query
from retrieval.substring.match_definition import holds, number_phrases
from retrieval.substring.plans import Plan, make_plan
from retrieval.substring.unicode61 import tokens

First = Callable[[str], int | None]  # a caption's text of tokens, " a tabby cat " -> the first phrase that holds


class PlainPlans:
    """Queries in `word` or `fts`, compiled once for all captions."""

    def __init__(self, queries: Sequence[Query], mode: str):
        _, needles, number_of, empty = number_phrases(queries, mode)
        plans = (make_plan(query, number_of, empty) for query in queries)
        self._firsts = [plan if plan is None else compiled(plan, needles) for plan in plans]

    def hits(self, queries: Iterable[int], caption: str) -> list[tuple[int, int]]:
        """Those of the queries that match, each with the number of its first phrase that makes it match."""
        text = f" {' '.join(tokens(caption))} "  # no token has a space
        return [(query, phrase) for query in queries if (phrase := self._firsts[query](text)) is not None]


def compiled(plan: Plan, needles: list[list[tuple[str, bool]]]) -> First:
    """The plan as a function of a caption's text of tokens."""
    match plan:
        case And(parts):
            return _all_of([compiled(part, needles) for part in parts])
        case Or(parts) if all(isinstance(part, int) and _as_text(needles[part]) for part in parts):
            return _first_of([(part, _as_text(needles[part])) for part in parts])
        case Or(parts):
            return _any_of([compiled(part, needles) for part in parts])
        case Not(wanted, unwanted):
            wanted, unwanted = compiled(wanted, needles), compiled(unwanted, needles)
            return lambda text: wanted(text) if unwanted(text) is None else None
    needle, in_text = needles[plan], _as_text(needles[plan])
    if in_text is None:
        return lambda text: plan if holds(needle, text.split()) else None
    return lambda text: plan if in_text in text else None


def _as_text(needle: list[tuple[str, bool]]) -> str | None:
    """What a text of tokens has where the phrase holds. None: the phrase has a star before its end."""
    if any(star for _, star in needle[:-1]):
        return None
    return f" {' '.join(token for token, _ in needle)}" + " " * (not needle[-1][1])


def _first_of(phrases: list[tuple[int, str]]) -> First:
    """An OR of phrases, which most queries are."""

    def first(text: str) -> int | None:
        for phrase, in_text in phrases:
            if in_text in text:
                return phrase
        return None

    return first


def _all_of(parts: list[First]) -> First:
    def first(text: str) -> int | None:
        of_first = parts[0](text)
        for part in parts[1:]:
            if of_first is None or part(text) is None:
                return None
        return of_first

    return first


def _any_of(parts: list[First]) -> First:
    def first(text: str) -> int | None:
        for part in parts:
            if (found := part(text)) is not None:
                return found
        return None

    return first
