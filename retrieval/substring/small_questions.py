"""What to ask a database's index where few rows match, and the rows that it finds. Standard library only.

    found = ask(shard, Questions(queries, "word"))          # None: more than MOST_ROWS rows

A query is asked for in one of two ways:
    what it needs       of `"jeep wrangler" AND ("2007" OR … OR "2018")` only the jeep, if this finds few rows; whether
                        the query matches them is seen from their captions
    the whole query     otherwise; only which of its phrases matched is seen from the captions
Each word that the index is asked for takes as long as reading a few rows. So asking for less is worth a few rows more.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.queries import And, Not, Or, Phrase, Query, to_fts5
from retrieval.shard import Shard
from retrieval.sqlite_rows import IndexReader
from retrieval.substring.match_definition import distinct_phrases, number_phrases
from retrieval.substring.plans import Plan, make_plan

MOST_ROWS = 20_000  # reading more one by one, of a shard or of many, takes longer than importing numpy and pyarrow
SAMPLE_QUERIES = 20  # from all over the list are asked for first: they show whether all will find far more
FAR_MORE = 1.5  # times MOST_ROWS
# Microseconds, measured with a million web captions; only their ratios matter.
ASK = 100  # a word
STAR = 700  # the words that `plan*` begins: SQLite makes one list of their rows
STAR_NUMBER, STAR_LETTER = 100_000, 50_000  # the same for a beginning of one character
READ = 9  # a row, looked up and decided
WORTH = 10  # phrases that cost so many times as much are not asked for, but words that they hold

Needle = list[tuple[str, bool]]  # match_definition.phrase_needle in `word` and `fts`


@dataclass(frozen=True)
class Question:
    """One query. Its rows are those of `needed`, if these are `most` or fewer, else those of `whole`."""

    whole: str  # in FTS5's language
    phrase: int | None  # which is the first wherever the query matches; None: the captions say which
    needed: str  # finds every row that matches, and others
    most: int  # rows of `needed` that are worth reading; 0: it is not asked for


@dataclass(frozen=True)
class Found:
    """The rows of a shard, and the queries that match them: surely, each with its phrase, or as their captions say."""

    sure: dict[int, list[tuple[int, int]]]
    to_read: dict[int, list[int]]

    @functools.cached_property
    def rowids(self) -> list[int]:
        """Of all these rows, ascending."""
        return sorted(self.sure.keys() | self.to_read.keys())


class Questions:
    """Queries in `word` or `fts`. The question of each is made when it is asked for: a long list is soon given up."""

    def __init__(self, queries: Sequence[Query], mode: str):
        self.queries = queries
        self._phrases, self._needles, self._number_of, self._empty = number_phrases(queries, mode)
        self._made: dict[int, Question | None] = {}

    def of(self, number: int) -> Question | None:
        """The question of a query. None: it matches nothing."""
        if number not in self._made:
            self._made[number] = self._make(self.queries[number])
        return self._made[number]

    def _make(self, query: Query) -> Question | None:
        plan = make_plan(query, self._number_of, self._empty)
        if plan is None:
            return None
        firsts, needed = first_phrases(plan), needed_phrases(plan, self._phrases, self._needles)
        whole = cost_of([self._needles[self._number_of[phrase]] for phrase in distinct_phrases([query])])
        saved = whole - cost_of([needle for _, needle in needed])
        asked = to_fts5(needed[0][0] if len(needed) == 1 else Or(tuple(phrase for phrase, _ in needed)))
        return Question(to_fts5(query), firsts.pop() if len(firsts) == 1 else None, asked, int(saved / READ))


def first_phrases(plan: Plan) -> set[int]:
    """The phrases that can be the first that makes the plan match."""
    match plan:
        case And(parts):
            return first_phrases(parts[0])
        case Or(parts):
            return set().union(*map(first_phrases, parts))
        case Not(wanted):
            return first_phrases(wanted)
    return {plan}


def needed_phrases(plan: Plan, phrases: list[Phrase], needles: list[Needle]) -> list[tuple[Phrase, Needle]]:
    """Phrases, one of which holds wherever the plan does: of an AND, those of the part that is asked for fastest."""
    match plan:
        case And(parts):
            of_parts = [needed_phrases(part, phrases, needles) for part in parts]
            return min(of_parts, key=lambda some: cost_of([needle for _, needle in some]))
        case Or(parts):
            some = [each for part in parts for each in needed_phrases(part, phrases, needles)]
            words = few_words([needle for _, needle in some])
            is_worth_it = words and WORTH * ASK * len(words) <= cost_of([needle for _, needle in some])
            return [(Phrase((word,), (False,)), [(word, False)]) for word in words] if is_worth_it else some
        case Not(wanted):
            return needed_phrases(wanted, phrases, needles)
    return [(phrases[plan], needles[plan])]


def cost_of(needles: list[Needle]) -> float:
    """Microseconds to ask for phrases. Of two equally long ones, the one with more letters is taken to be rarer."""
    tokens = [token for needle in needles for token in needle]
    return sum(ASK + star * _merging(token) for token, star in tokens) + 1 / (
        1 + sum(len(token) for token, _ in tokens)
    )


def _merging(token: str) -> float:
    """What the words cost that a token begins: ids, sizes and scores are words too."""
    return max(
        STAR, STAR_NUMBER / 10 ** (len(token) - 1) if token[0].isdigit() else STAR_LETTER / 5 ** (len(token) - 1)
    )


def few_words(needles: list[Needle]) -> list[str]:
    """Words of which each phrase has one, the most frequent first. Empty where a phrase has no word without a star."""
    left, chosen = [{token for token, star in needle if not star and token.isascii()} for needle in needles], []
    if not all(left):
        return []
    while left:
        [(word, _)] = Counter(sorted(word for words in left for word in words)).most_common(1)
        chosen.append(word)
        left = [words for words in left if word not in words]
    return chosen


def ask(shard: Shard, questions: Questions) -> Found | None:
    """The rows of all queries. None: they are more than MOST_ROWS, or will be."""
    rows_of, number, total = {}, 0, len(questions.queries)
    step = max(1, total // SAMPLE_QUERIES)
    with IndexReader(shard) as index:
        for query in (query for first in range(step) for query in range(first, total, step)):
            rows_of[query] = rows_of_question(index, questions.of(query))
            number += len(rows_of[query][0])
            expected = number * total / len(rows_of)
            if number > MOST_ROWS or (len(rows_of) >= SAMPLE_QUERIES and expected > FAR_MORE * MOST_ROWS):
                return None
    found = Found(defaultdict(list), defaultdict(list))
    for query, (rows, phrase) in sorted(rows_of.items()):
        for row in rows:
            if phrase is None:
                found.to_read[row].append(query)
            else:
                found.sure[row].append((query, phrase))
    return found


def rows_of_question(index: IndexReader, question: Question | None) -> tuple[list[int], int | None]:
    """The rows, and the phrase by which they surely match; None: their captions must be read."""
    if question is None:
        return [], None
    if question.most > 0:
        rows = index.rows(question.needed, question.most + 1)
        if len(rows) <= question.most:
            return rows, None
    return index.rows(question.whole, MOST_ROWS + 1), question.phrase
