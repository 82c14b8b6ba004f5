"""MATCHED of a record: the phrase that made the query match, with the phrases that an AND asks for beside it.

    query = parse_query("crane AND bird")
    label(query, query.parts[0])        # "crane AND bird"

The scan says which phrase came first. What must then hold too is known from the query alone, so nothing is searched
again. Of an OR within the AND, it is not known which part held: `crane AND (bird OR wetland)` says "crane".
Standard library only.
"""

from retrieval.queries import And, Not, Or, Phrase, Query
from retrieval.substring.match_definition import shown

BETWEEN = " AND "  # the query language's own word: `+` would be a phrase


def label(query: Query, first: Phrase) -> str:
    """MATCHED where `first` is the first phrase that made the query match; the query is one `without_empty` phrases."""
    return BETWEEN.join(map(shown, dict.fromkeys(held_with(query, first) or [first])))


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


def held_with(query: Query, first: Phrase) -> list[Phrase]:
    """The phrases that surely hold where `first` is the first phrase that made the query match: `first` and others."""
    match query:
        case Phrase():
            return [first] if query == first else []
        case And(parts):
            held = held_with(parts[0], first)
            return held + [phrase for part in parts[1:] for phrase in held_always(part)] if held else []
        case Or(parts):
            ways = [held for part in parts if (held := held_with(part, first))]
            return ways[0] if len(ways) == 1 else [first] if ways else []
        case Not(wanted, _):
            return held_with(wanted, first)


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
