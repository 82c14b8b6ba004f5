"""From the phrases that hold in each caption to the queries that match.

    plans = QueryPlans(queries, phrases, empty)
    needed, others = plans.divide(costs)                    # the phrases to search all captions for, and the others
    rows = plans.unfinished_rows(hits_of_needed)            # the captions to search for the others
    hits = plans.hits(hits_of_needed, hits_of_others)

Most queries are one phrase, or an OR of some: they need one lookup per phrase hit. The others are worked out for the
captions that hold what they need (plans.py), all at once (query_trees.py).
"""

import numpy as np

from retrieval.queries import Or, Phrase, Query
from retrieval.substring.hits import Hits, PhraseHits, joined_hits, joined_phrase_hits
from retrieval.substring.plans import Plan, cheapest_cover, make_plan
from retrieval.substring.query_trees import QueryTrees
from retrieval.substring.ragged_array import RaggedArray, distinct


class QueryPlans:
    """Compiled queries. It gives what match_definition.first_holding gives for each caption."""

    def __init__(self, queries: list[Query], phrases: list[Phrase], empty: set[Phrase]):
        """`phrases` are all phrases of the queries; `empty` are those without a token or character."""
        number_of = {phrase: number for number, phrase in enumerate(phrases)}
        plans = {number: make_plan(query, number_of, empty) for number, query in enumerate(queries)}
        simple = {number: _any_of(plan) for number, plan in plans.items() if _any_of(plan)}
        composed = {number: plan for number, plan in plans.items() if plan is not None and number not in simple}
        self._queries, self._phrases = len(queries), len(phrases)
        self._any_phrase = _AnyPhrase(simple, len(phrases))
        self._composed, self._trees = list(composed.values()), QueryTrees(list(composed.values()))
        self._query_of = np.array(list(composed), np.int64)  # of each composed plan
        self._plans_begun_by = RaggedArray([])
        # As for a list of names, each its own query: then the phrases that hold are the queries that match.
        self._is_one_to_one = simple == {number: (number,) for number in range(len(queries))}

    @property
    def composed_phrases(self) -> list[int]:
        """The phrases of the queries that are more than an OR of phrases: `divide` needs the costs of these."""
        return self._trees.phrases

    def divide(self, costs: np.ndarray) -> tuple[set[int], set[int]]:
        """The phrases that all captions must be searched for, and the others.

        Args:
            costs: float64 (phrases,), above 0: how often each is in captions. This decides which part of an AND is
                needed, and changes no result.
        """
        begun: list[list[int]] = [[] for _ in range(self._phrases)]
        costs = costs.tolist()  # numbers of Python are read one by one in a fifth of the time
        for number, plan in enumerate(self._composed):
            for phrase in cheapest_cover(plan, costs):
                begun[phrase].append(number)
        self._plans_begun_by = RaggedArray(begun)
        needed = self._any_phrase.phrases | {phrase for phrase, plans in enumerate(begun) if plans}
        return needed, set(self._trees.phrases) - needed

    def unfinished_rows(self, needed: PhraseHits) -> np.ndarray:
        """The rows, ascending, where the other phrases decide which queries match."""
        return distinct(needed.row[self._plans_begun_by.lengths[needed.phrase] > 0])

    def hits(self, needed: PhraseHits, others: PhraseHits) -> Hits:
        """The queries that match, each with the first of its phrases that made it match.

        Args:
            needed: the hits of the phrases that are needed.
            others: the hits of the others in `unfinished_rows`.
        """
        if self._is_one_to_one:
            return _as_hits(needed, needed.phrase)
        queries, chosen = self._any_phrase.select(needed)
        hits = _as_hits(needed.take(chosen), queries)
        if not self._composed:
            return hits
        queries, found = self._select_composed(needed, others)
        together = joined_hits([hits, _as_hits(found, queries)])
        return together.take(np.argsort(together.row * self._queries + together.query, kind="stable"))

    def _select_composed(self, needed: PhraseHits, others: PhraseHits) -> tuple[np.ndarray, PhraseHits]:
        """The composed queries that match, and for each the phrase that made it match."""
        entries, numbers = self._plans_begun_by.expand(needed.phrase)
        pairs = distinct(needed.row[entries] * len(self._composed) + numbers)
        rows, numbers = np.divmod(pairs, len(self._composed))
        found = joined_phrase_hits([needed, others])
        found = found.take(np.argsort(found.row, kind="stable"))  # two ascending runs: as fast as reading them
        which, entries = self._trees.select(rows, numbers, found)
        return self._query_of[numbers[which]], found.take(entries)


class _AnyPhrase:
    """Queries that are one phrase, or an OR of some: {query: its phrases in order}."""

    def __init__(self, queries: dict[int, tuple[int, ...]], phrases: int):
        choices: list[list[tuple[int, int]]] = [[] for _ in range(phrases)]  # phrase: (query, rank of the phrase in it)
        for number, of_query in queries.items():
            for rank, phrase in enumerate(of_query):
                choices[phrase].append((number, rank))
        self.phrases = {phrase for phrase, chosen in enumerate(choices) if chosen}
        self._queries = 1 + max(queries, default=0)
        self._ranks = max(map(len, queries.values()), default=1)
        self._choices = RaggedArray([[number * self._ranks + rank for number, rank in chosen] for chosen in choices])

    def select(self, found: PhraseHits) -> tuple[np.ndarray, np.ndarray]:
        """The queries that match, by row and number, and for each the entry of `found` with its first phrase."""
        entries, choices = self._choices.expand(found.phrase)
        keys = found.row[entries] * self._queries * self._ranks + choices  # sorts by row, query and rank
        order = np.argsort(keys, kind="stable")
        is_first = np.diff(keys[order] // self._ranks, prepend=-1) > 0  # of its row and query
        firsts = order[is_first]
        return choices[firsts] // self._ranks, entries[firsts]


def _as_hits(found: PhraseHits, queries: np.ndarray) -> Hits:
    return Hits(found.row, queries.astype(np.int32), found.phrase.astype(np.int32), found.inside)


def _any_of(plan: Plan | None) -> tuple[int, ...]:
    """The phrases of a plan that is one phrase, or an OR of some. Else none."""
    if isinstance(plan, int):
        return (plan,)
    if isinstance(plan, Or) and all(isinstance(part, int) for part in plan.parts):
        return tuple(dict.fromkeys(plan.parts))
    return ()
