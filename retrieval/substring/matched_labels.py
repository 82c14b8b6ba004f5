"""MATCHED of a record: the phrase that made the query match, with the phrases that an AND asks for beside it.

    labels(parse_query("(crane OR heron) AND bird"), set())     # {crane: "crane AND bird", heron: "heron AND bird"}

The scan says which phrase came first. What must then hold too is known from the query alone, so nothing is searched
again. Of an OR within the AND, it is not known which part held: `crane AND (bird OR wetland)` says "crane".
Standard library only.
"""

from retrieval.queries import And, Not, Or, Phrase, Query
from retrieval.substring.match_definition import shown

BETWEEN = " AND "  # the query language's own word: `+` would be a phrase


def labels(query: Query, empty: set[Phrase]) -> dict[Phrase, str]:
    """MATCHED for each phrase that may be the first to make the query match. `empty`: phrases that hold nowhere."""
    found = held_with_each(without_empty(query, empty) if empty else query)
    return {first: BETWEEN.join(map(shown, held)) for first, held in found.items()}


def without_empty(query: Query, empty: set[Phrase]) -> Query:
    """The query without the phrases that an implicit AND leaves out."""
    match query:
        case And(parts, implicit=True):
            kept = tuple(part for part in parts if part not in empty)
            return kept[0] if len(kept) == 1 else And(kept or parts)
        case And(parts) | Or(parts):
            return type(query)(tuple(without_empty(part, empty) for part in parts))
        case Not(wanted, unwanted):
            return Not(without_empty(wanted, empty), unwanted)
    return query


def held_with_each(query: Query) -> dict[Phrase, list[Phrase]]:
    """For each phrase that may be the first to make the query match: itself, and the others that surely hold then."""
    match query:
        case Phrase():
            return {query: [query]}
        case And(parts):
            others = [phrase for part in parts[1:] for phrase in held_always(part)]
            return {first: list(dict.fromkeys(held + others)) for first, held in held_with_each(parts[0]).items()}
        case Or(parts):
            found: dict[Phrase, list[Phrase]] = {}
            for part in parts:
                for first, held in held_with_each(part).items():
                    found[first] = [first] if first in found else held  # of two ways, it is not known which it was
            return found
        case Not(wanted, _):
            return held_with_each(wanted)


def held_always(query: Query) -> list[Phrase]:
    """The phrases that hold wherever the query does."""
    match query:
        case Phrase():
            return [query]
        case And(parts):
            return [phrase for part in parts for phrase in held_always(part)]
        case Or():
            return []
        case Not(wanted, _):
            return held_always(wanted)
