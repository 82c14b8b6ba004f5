"""From the phrases that hold in each caption to the queries that match: AND, OR and NOT over whole batches.

    plans = QueryPlans(queries, phrases, empty)
    hits = plans.hits(phrase_hits)

Most queries are one phrase, or an OR of some: they need one lookup per phrase hit. The others are worked out one by
one, as operations on sorted arrays of rows.
"""

import numpy as np

from retrieval.queries import And, Not, Or, Phrase, Query
from retrieval.substring.hits import Hits, PhraseHits
from retrieval.substring.ragged_array import RaggedArray

# A query with phrases as numbers, and without what is empty. And, Or and Not are those of retrieval.queries.
Plan = int | And | Or | Not


class QueryPlans:
    """Compiled queries. It gives what matching.first_holding gives for each caption."""

    def __init__(self, queries: list[Query], phrases: list[Phrase], empty: set[Phrase]):
        """`phrases` are all phrases of the queries; `empty` are those without a token or character."""
        number_of = {phrase: number for number, phrase in enumerate(phrases)}
        choices: list[list[tuple[int, int]]] = [[] for _ in phrases]  # per phrase: (query, rank of the phrase in it)
        self._phrases, self._queries = len(phrases), len(queries)
        self._composed: list[tuple[int, Plan]] = []
        for number, query in enumerate(queries):
            plan = make_plan(query, number_of, empty)
            if isinstance(plan, int):
                choices[plan].append((number, 0))
            elif isinstance(plan, Or) and all(isinstance(part, int) for part in plan.parts):
                for rank, phrase in enumerate(dict.fromkeys(plan.parts)):
                    choices[phrase].append((number, rank))
            elif plan is not None:
                self._composed.append((number, plan))
        self._ranks = 1 + max((rank for chosen in choices for _, rank in chosen), default=0)
        self._choices = RaggedArray([[number * self._ranks + rank for number, rank in chosen] for chosen in choices])
        # As for a list of names, each its own query: then the phrases that hold are the queries that match.
        self._is_one_to_one = choices == [[(number, 0)] for number in range(len(queries))]

    def hits(self, found: PhraseHits) -> Hits:
        """The queries that match, each with the first of its phrases that made it match."""
        if self._is_one_to_one:
            return Hits(found.row, found.phrase.astype(np.int32), found.phrase.astype(np.int32), found.inside)
        hits = self._hits_by_any_phrase(found)
        return self._with_composed(hits, found) if self._composed else hits

    def _hits_by_any_phrase(self, found: PhraseHits) -> Hits:
        """The hits of queries that are one phrase, or an OR of some."""
        entries, choices = self._choices.expand(found.phrase)
        keys = found.row[entries] * self._queries * self._ranks + choices  # sorts by row, query and rank
        order = np.argsort(keys, kind="stable")
        is_first = np.diff(keys[order] // self._ranks, prepend=-1) > 0  # of its row and query
        firsts = order[is_first]
        return _as_hits(found.take(entries[firsts]), choices[firsts] // self._ranks)

    def _with_composed(self, hits: Hits, found: PhraseHits) -> Hits:
        """The hits, and those of the queries that are more than an OR of phrases."""
        rows_of = _RowsOfPhrases(found, self._phrases)
        parts = [hits]
        for number, plan in self._composed:
            rows, entries = rows_of.select(plan)
            if len(rows):
                parts.append(_as_hits(found.take(entries), np.full(len(rows), number)))
        together = Hits(
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.query for part in parts]),
            np.concatenate([part.phrase for part in parts]),
            np.concatenate([part.inside for part in parts]),
        )
        return together.take(np.lexsort((together.query, together.row)))


def _as_hits(found: PhraseHits, queries: np.ndarray) -> Hits:
    return Hits(found.row, queries.astype(np.int32), found.phrase.astype(np.int32), found.inside)


def make_plan(query: Query, number_of: dict[Phrase, int], empty: set[Phrase]) -> Plan | None:
    """The query with phrases as numbers and without what is empty. None where it matches nothing."""
    match query:
        case Phrase():
            return None if query in empty else number_of[query]
        case And(parts, implicit):
            plans = [make_plan(part, number_of, empty) for part in parts if not (implicit and part in empty)]
            if not plans or None in plans:
                return None
            return plans[0] if len(plans) == 1 else And(tuple(plans))
        case Or(parts):
            plans = [make_plan(part, number_of, empty) for part in parts]
            plans = [plan for plan in plans if plan is not None]
            if not plans:
                return None
            return plans[0] if len(plans) == 1 else Or(tuple(plans))
        case Not(wanted, unwanted):
            plans = [make_plan(part, number_of, empty) for part in (wanted, unwanted)]
            return plans[0] if None in plans else Not(*plans)


class _RowsOfPhrases:
    """The rows in which each phrase holds."""

    def __init__(self, found: PhraseHits, phrases: int):
        self._by_phrase = np.argsort(found.phrase, kind="stable")
        self._edges = np.searchsorted(found.phrase[self._by_phrase], np.arange(phrases + 1))
        self._rows = found.row[self._by_phrase]

    def select(self, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
        """The rows where the plan holds, ascending, and for each the entry of `found` that made it hold."""
        match plan:
            case int():
                span = slice(self._edges[plan], self._edges[plan + 1])
                return self._rows[span], self._by_phrase[span]
            case And(parts):
                return self._select_all_of(*parts)
            case Or(parts):
                selected = [self.select(part) for part in parts]
                rows, firsts = np.unique(np.concatenate([rows for rows, _ in selected]), return_index=True)
                return rows, np.concatenate([entries for _, entries in selected])[firsts]
            case Not(wanted, unwanted):
                rows, entries = self.select(wanted)
                keep = ~_are_in(rows, self.select(unwanted)[0])
                return rows[keep], entries[keep]

    def _select_all_of(self, first: Plan, *others: Plan) -> tuple[np.ndarray, np.ndarray]:
        rows, entries = self.select(first)
        for other in others:
            if not len(rows):
                break
            keep = _are_in(rows, self.select(other)[0])
            rows, entries = rows[keep], entries[keep]
        return rows, entries


def _are_in(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each of `rows` is among `others`, both ascending: bool (n,)."""
    if not len(others):
        return np.zeros(len(rows), bool)
    candidates = np.minimum(np.searchsorted(others, rows), len(others) - 1)
    return others[candidates] == rows
