"""MATCHED of a record: the phrase that made the query match, with the phrases that an AND asks for beside it.

    labels = MatchedLabels((parse_query("crane AND (bird OR wetland)"), parse_query("crane AND bird")), "word")
    hits = labels.of(hits)              # Hits.phrase numbers labels.labels: ..., "crane AND bird"

The scan says which phrase came first. What must then hold too is known from the query alone, so nothing is searched
again. Of an OR within the AND, it is not known which part held: "crane" is all that the first of these queries says.
"""

import dataclasses

import numpy as np

from retrieval.queries import And, Not, Or, Phrase, Query
from retrieval.substring.hits import Hits
from retrieval.substring.match_definition import distinct_phrases, phrase_needle, shown

BETWEEN = " AND "  # the query language's own word: `+` would be a phrase


class MatchedLabels:
    """Numbers for labels: first those of single phrases, as the matcher counts them, then those with an AND."""

    def __init__(self, queries: tuple[Query, ...], mode: str):
        phrases = distinct_phrases(list(queries))
        empty = {phrase for phrase in phrases if not phrase_needle(phrase, mode)}
        number_of = {phrase: number for number, phrase in enumerate(phrases)}
        labels = list(map(shown, phrases))
        label_of: dict[int, int] = {}  # query * phrases + phrase -> label
        for query_number, query in enumerate(queries):
            query = without_empty(query, empty)
            for phrase in distinct_phrases([query]):
                together = list(dict.fromkeys(held_with(query, phrase)))
                if len(together) > 1:
                    label_of[query_number * len(phrases) + number_of[phrase]] = len(labels)
                    labels.append(BETWEEN.join(map(shown, together)))
        self.labels = tuple(labels)
        self._phrases = len(phrases)
        self._keys = np.array(sorted(label_of), np.int64)
        self._labels = np.array([label_of[key] for key in sorted(label_of)], np.int32)
        self._has_and = np.zeros(len(queries), bool)
        self._has_and[self._keys // max(1, len(phrases))] = True

    def of(self, hits: Hits) -> Hits:
        """The hits with numbers of labels instead of phrases."""
        if not len(self._keys):
            return hits
        entries = np.flatnonzero(self._has_and[hits.query])
        keys = hits.query[entries].astype(np.int64) * self._phrases + hits.phrase[entries]
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        is_known = self._keys[places] == keys
        numbers = hits.phrase.copy()
        numbers[entries[is_known]] = self._labels[places[is_known]]
        return dataclasses.replace(hits, phrase=numbers)


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
