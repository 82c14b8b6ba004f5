"""What to ask a database's full-text index, or whether reading all captions is faster.

    choice = IndexChoice(queries, "word")
    plan = choice.plan(lambda: sample_captions(shard, SAMPLE_ROWS), shard.rows)     # None: read all captions

A query is answered in one of two ways, whichever costs less by a sample of the shard's captions:
    by the index alone      it is asked once for each phrase that may be the first to make the query match, as records
                            name it: `tabby OR "tiger cat"` as two queries, `crane AND (bird OR water)` as one
    by reading captions     the index gives the rows that hold what the query needs (plans.py), of `black AND swan`
                            those with "swan", of "a Boeing 737" those with "boeing"; the matcher decides
The posting list of a word that every fifth caption has costs more than reading the captions of a rare one. A poor
sample costs time and changes no result. So shards of about the same size have one plan: to make it takes as long as to
answer a hundred of ImageNet's queries.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from retrieval.queries import And, Not, Or, Phrase, Query, to_fts5
from retrieval.substring.match_definition import holds, number_phrases
from retrieval.substring.plans import Plan, cheapest_cover, make_plan
from retrieval.substring.unicode61 import tokens

SAMPLE_ROWS = 1024  # captions; a word that is in none of them is in fewer than 3,000 of a million
# Microseconds, measured with a million web captions and ImageNet's queries; only their ratios matter.
ASK = 50  # a word that the index is asked for
STEP = 0.08  # an entry of a posting list that is read, and of each list that is looked into for it
MERGE = 0.12  # an entry of the lists of the words that `plan*` begins: SQLite makes one list of them first
MERGE_NUMBER = 0.4  # the same for `3*`: ids, sizes and scores are words too, and have a list each
UNSEEN = 0.25  # the chance that a shard has a word which its sample has not
FOUND = 0.3  # a row that the index gives
LOOK_UP = 5  # its caption, looked up and searched
READ_ALL = 1  # a caption, when all are read
SEARCH = 2  # and if it holds what a query needs
COMPILE, COMPILE_QUERY = 100_000, 500  # a matcher, and each query in it
SAME_SIZE = 2  # a plan is made anew for a shard that has so many times the rows, or so many times fewer


@dataclass(frozen=True)
class Asked:
    """One expression in FTS5's language, as a query, and what it costs."""

    query: Query
    begin: float  # microseconds, until the first row can be found
    read: float  # entries of posting lists
    found: frozenset[int]  # the captions of the sample that it finds
    microseconds: float  # all that it costs


@dataclass(frozen=True)
class Direct:
    """The rows of an expression match a query, and this phrase is the first that makes it match."""

    query: int
    phrase: int
    expression: str


@dataclass(frozen=True)
class IndexPlan:
    direct: list[Direct]  # by query, and within it in the order of its phrases
    searched: tuple[int, ...]  # the other queries
    needed: list[str]  # expressions that find every row which one of these matches


class IndexChoice:
    """Queries in `word` or `fts`, compiled once for all shards."""

    def __init__(self, queries: Sequence[Query], mode: str):
        self._phrases, self._needles, number_of, empty = number_phrases(queries, mode)
        plans = {number: make_plan(query, number_of, empty) for number, query in enumerate(queries)}
        self._ways = {number: list(first_ways(plan)) for number, plan in plans.items() if plan is not None}
        self._plans = {number: plans[number] for number in self._ways}
        self._searched: set[int] | None = None  # of the first shard: a matcher is compiled for them
        self._last: tuple[int, IndexPlan | None] | None = None  # rows of a shard, and its plan

    def plan(
        self, sample: Callable[[], Sequence[bytes | None]], rows: int, quantity: int | None = None
    ) -> IndexPlan | None:
        """What to ask the index of a shard. None where reading all captions is faster.

        Args:
            sample: gives some of the shard's captions. rows: the number of all.
            quantity: only the first rows of each query are wanted: then the index answers all. The same for all shards.
        """
        if self._last is None or not rows / SAME_SIZE <= self._last[0] <= rows * SAME_SIZE:
            captions = sample()
            if not captions:
                return IndexPlan([], (), [])
            self._last = rows, self._make(captions, rows, quantity)
        return self._last[1]

    def _make(self, captions: Sequence[bytes | None], rows: int, quantity: int | None) -> IndexPlan | None:
        prices = _Prices(self._phrases, self._needles, captions, rows)
        direct = {number: [prices.asked(way) for way, _ in ways] for number, ways in self._ways.items()}
        covers = {number: prices.cover(plan) for number, plan in self._plans.items()}
        if quantity:
            self._searched = set()
        elif self._searched is None:
            self._searched = self._cheaper_searched(direct, covers, prices)
        needed = {asked.query: asked for number in sorted(self._searched) for asked in covers[number]}
        by_index = [asked for number in direct if number not in self._searched for asked in direct[number]]
        if prices.all([*by_index, *needed.values()], needed.values()) > prices.of_scan(covers):
            return None
        return IndexPlan(
            [Direct(number, phrase, to_fts5(asked.query))
             for number, ways in self._ways.items() if number not in self._searched
             for asked, (_, phrase) in zip(direct[number], ways, strict=True)],
            tuple(sorted(self._searched)),
            list(map(to_fts5, needed)),
        )  # fmt: skip

    def _cheaper_searched(self, direct: dict, covers: dict, prices: "_Prices") -> set[int]:
        """The queries that are cheaper by reading captions, if they save more than a matcher costs."""
        saved = {
            number: prices.all(direct[number], []) - prices.all(covers[number], covers[number]) for number in direct
        }
        searched = {number for number, microseconds in saved.items() if microseconds > 0}
        return searched if sum(saved[number] for number in searched) > compiling(searched) else set()


def first_ways(plan: Plan) -> list[tuple[Plan, int]]:
    """Plans that together are `plan`, in order, each with the one phrase that is the first to make it match."""
    match plan:
        case And(parts):
            return [(And((way, *parts[1:])), first) for way, first in first_ways(parts[0])]
        case Or(parts):
            return [way for part in parts for way in first_ways(part)]
        case Not(wanted, unwanted):
            return [(Not(way, unwanted), first) for way, first in first_ways(wanted)]
    return [(plan, plan)]


class _Prices:
    """What it costs to ask a shard's index, estimated from a sample of its captions."""

    def __init__(self, phrases: list[Phrase], needles: list, captions: Sequence[bytes | None], rows: int):
        self._sample, self._rows, self._scale = CaptionSample(captions), rows, rows / len(captions)
        words = [[self._of_token(*token) for token in needle] for needle in needles]
        self._phrases = [self._of_phrase(*of_phrase) for of_phrase in zip(phrases, needles, words, strict=True)]
        self._cheapest = [
            self._cheapest_of(asked, of_phrase) for asked, of_phrase in zip(self._phrases, words, strict=True)
        ]
        self._costs = [1 if asked is None else self.all([asked], [asked]) for asked in self._cheapest]

    def all(self, asked: Sequence[Asked], looked_up) -> float:
        """Microseconds to ask for all of them, and to look up the captions of some."""
        found = frozenset().union(*(some.found for some in looked_up))
        return sum(some.microseconds for some in asked) + LOOK_UP * self._scale * len(found)

    def of_scan(self, covers: dict[int, list[Asked]]) -> float:
        found = frozenset().union(*(asked.found for cover in covers.values() for asked in cover))
        return compiling(covers) + READ_ALL * self._rows + SEARCH * self._scale * len(found)

    def cover(self, plan: Plan) -> list[Asked]:
        """What finds every row that the plan matches, and others."""
        return [self._cheapest[number] for number in cheapest_cover(plan, self._costs)]

    def asked(self, plan: Plan) -> Asked:
        """The plan itself."""
        match plan:
            case And(parts):
                asked = [self.asked(part) for part in parts]
                return self._asked(And(tuple(some.query for some in asked)), asked, _read_of_all(asked), _all_of(asked))
            case Or(parts):
                asked = [self.asked(part) for part in parts]
                read = sum(some.read for some in asked)
                return self._asked(Or(tuple(some.query for some in asked)), asked, read, _any_of(asked))
            case Not(wanted, unwanted):
                asked = [self.asked(wanted), self.asked(unwanted)]
                found = asked[0].found - asked[1].found
                return self._asked(Not(asked[0].query, asked[1].query), asked, 2 * asked[0].read, found)
        return self._phrases[plan]

    def _of_phrase(self, phrase: Phrase, needle: list[tuple[str, bool]], words: list[Asked]) -> Asked | None:
        if not needle:
            return None
        found = _all_of(words)
        if len(needle) > 1:
            found = frozenset(row for row in found if holds(needle, self._sample.tokens[row]))
        begin, chance = 0, 1
        for word in words:  # SQLite begins with a word if the shard has the words before it
            begin += chance * word.begin
            chance *= 1 if word.found else UNSEEN
        return self._priced(phrase, begin, _read_of_all(words), found)

    def _of_token(self, token: str, star: bool) -> Asked:
        rows = frozenset(self._sample.rows_of_token(token, star))
        entries = self._scale * len(rows)
        merge = MERGE * entries
        if token[0].isdigit():  # nearly each row has a number with this digit as its first; a tenth of those the next
            merge += MERGE_NUMBER * self._rows / 10 ** (len(token) - 1)
        return self._priced(Phrase((token,), (star,)), ASK + merge * star, entries, rows)

    def _cheapest_of(self, whole: Asked | None, words: list[Asked]) -> Asked | None:
        """The phrase, or one of its words."""
        if len(words) < 2:
            return whole
        # FTS5 would fold a word that is not ASCII once more; nobody has proved that this changes nothing.
        words = [word for word in words if word.query.text.isascii()]
        return min([whole, *words], key=lambda asked: self.all([asked], [asked]))

    def _asked(self, query: Query, parts: Sequence[Asked], read: float, found: frozenset[int]) -> Asked:
        return self._priced(query, sum(part.begin for part in parts), read, found)

    def _priced(self, query: Query, begin: float, read: float, found: frozenset[int]) -> Asked:
        return Asked(query, begin, read, found, begin + STEP * read + FOUND * self._scale * len(found))


def _read_of_all(parts: Sequence[Asked]) -> float:
    """Entries that are read to find what all parts find: the shortest list, and a look into the others for each."""
    return len(parts) * min(part.read for part in parts)


def _all_of(parts: Sequence[Asked]) -> frozenset[int]:
    return frozenset.intersection(*(part.found for part in parts))


def _any_of(parts: Sequence[Asked]) -> frozenset[int]:
    return frozenset.union(*(part.found for part in parts))


def compiling(queries: Collection[int]) -> float:
    """Microseconds to compile a matcher of these queries."""
    return COMPILE + COMPILE_QUERY * len(queries)


class CaptionSample:
    """The words of some captions, and the captions that hold each word."""

    def __init__(self, captions: Sequence[bytes | None]):
        self.tokens = [tokens((caption or b"").decode("utf-8", "replace")) for caption in captions]
        self._rows_of: dict[str, set[int]] = {}
        for row, words in enumerate(self.tokens):
            for word in words:
                self._rows_of.setdefault(word, set()).add(row)
        self._words = sorted(self._rows_of)

    def rows_of_token(self, token: str, star: bool) -> set[int]:
        if not star:
            return self._rows_of.get(token, set())
        first, end = bisect_left(self._words, token), bisect_left(self._words, token + "\U0010ffff")
        return set().union(*(self._rows_of[word] for word in self._words[first:end]))
