"""Which captions match which queries, at the speed of decoding them; match_definition.py says what matches.

matcher = Matcher([parse_query("tabby"), parse_query('"tiger shark" OR tiger')], "word")
hits = matcher.match(captions)          # captions: a pyarrow array; hits: numpy arrays, sorted by row and query
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import integers
from retrieval.queries import Query
from retrieval.substring.caption_buffers import (
    ROW_END,
    bytes_of,
    exact_text,
    joined,
    offsets_of,
    pieces,
    plain_words,
    rows_to_fold,
    without_nulls,
)
from retrieval.substring.covers import SAMPLE_BYTES, estimated_hits
from retrieval.substring.hits import Hits, LiteralHits, PhraseHits, joined_hits
from retrieval.substring.literal_scan import LONGEST_LITERAL, Scanner, best_scanner
from retrieval.substring.match_definition import (
    haystack,
    holds,
    number_phrases,
    only_inside,
    plain_hits,
    shown,
)
from retrieval.substring.query_plans import QueryPlans
from retrieval.substring.ragged_array import RaggedArray
from retrieval.substring.row_filter import row_filter
from retrieval.substring.unicode61 import is_word_part
from retrieval.substring.word_sides import WORD_AFTER, WORD_BEFORE, sides_in_ascii, sides_in_utf8

PIECE_BYTES = 1 << 19  # of captions scanned at once: they stay in cache, and malloc reuses their memory
GATHERED_BYTES = 1 << 23  # of captions whose hits are in memory at once: twice a batch of ordinary captions
USELESS_SHARE = 1 / 3  # if the row filter keeps more of the captions than this, searching all of them is as fast


def match_plain(captions: Iterable[str | bytes | None], queries: list[Query], mode: str) -> Hits:
    """`plain_hits` as arrays: what `Matcher` is compared with."""
    found = list(plain_hits(captions, queries, mode))
    rows, numbers, phrases, inside = zip(*found, strict=True) if found else ([], [], [], [])
    return Hits(
        np.array(rows, np.int64), np.array(numbers, np.int32), np.array(phrases, np.int32), np.array(inside, bool)
    )


class Matcher:
    """Compiled queries: `match` gives what `match_plain` gives, at the speed of decoding the captions.

    The idea: a phrase becomes a literal, as " tiger shark ", and one scan of half a megabyte of captions finds the
    literals of all phrases (literal_scan.py). For words, the captions are joined into a buffer of lower-case ASCII
    words with a space for every other byte (caption_buffers.py). For substrings they are scanned as they lie in memory.
    One web caption in thirty is not exact that way: it has non-ASCII letters, or more separators between the words of
    a phrase than the literals allow. These are folded exactly as the mode is defined, and scanned again. For a short
    list, most captions are ruled out before all this (row_filter.py). The phrases that hold in a caption then decide
    which queries match (query_plans.py).

    The invariant: `Matcher(queries, mode).match(captions)` equals `match_plain(captions, queries, mode)`, entry by
    entry, with every engine, and however the captions lie in Arrow.

    The tests: tests/test_matching.py holds it for random captions and queries, and holds match_plain itself against
    SQLite's FTS5 and Python's `in`. tests/test_match_traps.py holds it for each known trap, tests/test_row_filter.py
    for short lists.
    """

    def __init__(self, queries: list[Query], mode: str, make_scanner: Callable[[list[bytes]], Scanner] = best_scanner):
        """Compile. `make_scanner` is an engine of literal_scan.py."""
        phrases, self._needles, _, empty = number_phrases(queries, mode)
        self.phrases = [shown(phrase) for phrase in phrases]  # what `Hits.phrase` numbers
        self._mode, self._make_scanner = mode, make_scanner
        self._plans = QueryPlans(queries, phrases, empty)
        self._needed = self._others = self._rows_that_may_match = None
        if not self._plans.composed_phrases:
            self._compile(np.ones(len(phrases)))

    def _compile(self, costs: np.ndarray) -> None:
        """Make the scanners. `costs`: float64 (phrases,), how often each is in captions, as far as it is known."""
        needed, others = self._plans.divide(costs)
        self._needed, self._others = (
            PhraseScanner(
                [needle if number in part else "" for number, needle in enumerate(self._needles)],
                self._mode,
                self._make_scanner,
            )
            for part in (needed, others)
        )
        self._rows_that_may_match = row_filter(
            [_words_of(self._needles[number]) for number in sorted(needed)], self._make_scanner
        )

    def _costs(self, captions: pa.BinaryArray) -> np.ndarray:
        """How often each phrase is in the first of these captions, for phrases of which it matters."""
        costs = np.ones(len(self.phrases))
        numbers = self._plans.composed_phrases
        _, sample = next(pieces(captions, SAMPLE_BYTES))
        literals = [literals_of(self._needles[number])[0][0] for number in numbers]
        costs[numbers] = estimated_hits(literals, sample, self._mode, self._make_scanner)
        return costs

    def match(self, captions: pa.Array | pa.ChunkedArray) -> Hits:
        """The hits of a batch. Memory is bounded by GATHERED_BYTES of the captions, and by the hits.

        Args:
            captions: (large) strings, (large) binary, or a dictionary of either.
        """
        found, start = [Hits(*(np.empty(0, kind) for kind in (np.int64, np.int32, np.int32, bool)))], 0
        for chunk in captions.chunks if isinstance(captions, pa.ChunkedArray) else [captions]:
            for first, part in pieces(without_nulls(chunk), GATHERED_BYTES):
                if self._needed is None:
                    self._compile(self._costs(part))
                rows = self._rows_worth_scanning(part)
                if len(rows) < len(part):
                    part = part.take(integers(rows))
                hits = self._hits(part)
                found.append(replace(hits, row=rows[hits.row] + first + start))
            start += len(chunk)
        return joined_hits(found)

    def _rows_worth_scanning(self, captions: pa.Array) -> np.ndarray:
        """The rows that may match. All of them where the list is long or its words are common."""
        if self._rows_that_may_match is not None:
            rows = self._rows_that_may_match(captions, offsets_of(captions))
            if len(rows) <= USELESS_SHARE * len(captions):
                return rows
            self._rows_that_may_match = None
        return np.arange(len(captions))

    def _hits(self, captions: pa.Array) -> Hits:
        """The hits in binary captions without nulls: all are searched for what the queries need, few for the rest."""
        needed = self._needed.hits(captions)
        rows = self._plans.unfinished_rows(needed)
        others = self._others.hits(captions.take(integers(rows)))
        return self._plans.hits(needed, others.moved(rows[others.row]))


class PhraseScanner:
    """Finds the phrases that hold in captions."""

    def __init__(self, needles: list, mode: str, make_scanner: Callable[[list[bytes]], Scanner]):
        """`needles` are those of all phrases (`phrase_needle`). The empty ones are not searched for."""
        self._needles, self._mode = needles, mode
        self._literals = compile_literals(needles, make_scanner)
        if mode == "substring":
            self._word_sides = np.array([_sides_of_a_word(needle) for needle in needles], np.uint8)
        self._has_replacement = mode == "substring" and any("\ufffd" in needle for needle in needles)

    def hits(self, captions: pa.Array) -> PhraseHits:
        """The phrases that hold in binary captions without nulls, sorted by row and phrase."""
        if not len(captions) or not len(self._literals.lengths):
            return PhraseHits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool))
        hits, is_inexact = self._scan_as_they_lie(captions)
        found, inexact = [hits], np.flatnonzero(is_inexact)
        for first, piece in pieces(captions.take(integers(inexact)), PIECE_BYTES):
            found.append(self._scan_folded(piece, inexact[first : first + len(piece)]))
        together = LiteralHits(
            np.concatenate([hits.row for hits in found]),
            np.concatenate([hits.literal for hits in found]),
            np.concatenate([hits.sides for hits in found]),
        )
        return self._verified(captions, self._once_per_row(together))

    def _scan_as_they_lie(self, captions: pa.Array) -> tuple[LiteralHits, np.ndarray]:
        """The hits in rows for which a plain scan is exact, and the rows for which it is not: bool (n,)."""
        is_words = self._mode != "substring"
        offsets = offsets_of(captions)
        row_edges = offsets - offsets[0]
        if is_words:
            row_edges = row_edges + np.arange(len(offsets))  # one space after each row
        is_inexact = np.zeros(len(captions), bool)
        literals, ends = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
        for first, piece in pieces(captions, PIECE_BYTES):
            end = first + len(piece)
            is_inexact[first:end] = rows_to_fold(piece, offsets[first : end + 1], self._mode, self._has_replacement)
            if is_words:  # there is no space before a piece's first row, and none after its last
                is_inexact[[first, end - 1]] = True
            found, ends_in_piece = self._literals.scan(
                plain_words(joined(piece, b" ")) if is_words else bytes_of(piece)
            )
            literals.append(found)
            ends.append(ends_in_piece + row_edges[first])
        literals, ends = np.concatenate(literals), np.concatenate(ends)
        starts = ends - self._literals.lengths[literals]
        rows = np.searchsorted(row_edges, ends - 1, "right") - 1
        in_one_row = starts >= row_edges[rows] - is_words
        is_gap = literals >= self._literals.first_gap
        is_inexact[rows[in_one_row & is_gap]] = True
        sure = in_one_row & ~is_gap & ~is_inexact[rows]
        rows, literals, starts, ends = rows[sure], literals[sure], starts[sure], ends[sure]
        if is_words:
            sides = np.zeros(len(rows), np.uint8)
        else:
            sides = sides_in_ascii(bytes_of(captions), starts, ends, row_edges[rows], row_edges[rows + 1])
        return LiteralHits(rows, literals, sides), is_inexact

    def _scan_folded(self, captions: pa.BinaryArray, row_numbers: np.ndarray) -> LiteralHits:
        """The hits in captions that must be folded first, with these row numbers."""
        buffer = exact_text(captions, self._mode)
        literals, ends = self._literals.scan(buffer)
        sure = literals < self._literals.first_gap
        literals, ends = literals[sure], ends[sure]
        row_ends = np.flatnonzero(np.frombuffer(buffer, np.uint8) == ROW_END[0])
        if self._mode == "substring":
            sides = sides_in_utf8(buffer, ends - self._literals.lengths[literals], ends)
        else:
            sides = np.zeros(len(ends), np.uint8)
        return LiteralHits(row_numbers[np.searchsorted(row_ends, ends - 1)], literals, sides)

    def _once_per_row(self, hits: LiteralHits) -> PhraseHits:
        """Each phrase once per row; `inside` where all its occurrences are inside longer words."""
        entries, phrases = self._literals.phrases_of.expand(hits.literal)
        number = len(self._needles)
        keys = hits.row[entries] * number + phrases
        order = np.argsort(keys, kind="stable")
        firsts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        inside = np.zeros(len(firsts), bool)
        if self._mode == "substring" and len(firsts):
            is_inside = (hits.sides[entries] & self._word_sides[phrases]) > 0
            inside = np.logical_and.reduceat(is_inside[order], firsts)
        rows, phrases = np.divmod(keys[order[firsts]], number)
        return PhraseHits(rows, phrases, inside)

    def _verified(self, captions: pa.Array, hits: PhraseHits) -> PhraseHits:
        """The hits without those where only a part of the phrase was found."""
        right, inside = np.ones(len(hits.row), bool), hits.inside.copy()
        for entry in np.flatnonzero(self._literals.is_part[hits.phrase]).tolist():
            needle, text = self._needles[hits.phrase[entry]], haystack(captions[hits.row[entry]].as_py(), self._mode)
            right[entry] = holds(needle, text)
            inside[entry] = right[entry] and self._mode == "substring" and only_inside(needle, text)
        return PhraseHits(hits.row, hits.phrase, inside).take(right)


def _sides_of_a_word(needle: str) -> int:
    """The sides on which another letter makes this a longer word: not beside a sign, as after "t."."""
    if not needle:
        return 0
    return is_word_part(needle[0]) * WORD_BEFORE | is_word_part(needle[-1]) * WORD_AFTER


# ---- phrases as literals ----


@dataclass(frozen=True)
class Literals:
    """What is scanned for: first the literals of phrases, then gaps, whose hits only say that a row is not exact."""

    scan: Scanner
    first_gap: int  # literals from this number on are gaps
    lengths: np.ndarray  # int64 (literals,): in bytes
    phrases_of: RaggedArray  # literal -> numbers of phrases
    is_part: np.ndarray  # bool (phrases,): the literal is only a part of the phrase, so a hit must be verified


def compile_literals(needles: list, make_scanner: Callable[[list[bytes]], Scanner]) -> Literals:
    """The literals of all needles (`phrase_needle`). Needles may share literals."""
    phrases_of: dict[bytes, list[int]] = {}
    gaps: dict[bytes, None] = {}
    is_part = np.zeros(len(needles), bool)
    for number, needle in enumerate(needles):
        if needle:
            of_needle, is_part[number], its_gaps = literals_of(needle)
            for literal in of_needle:
                phrases_of.setdefault(literal, []).append(number)
            gaps |= dict.fromkeys(its_gaps)
    literals = [*phrases_of, *gaps]
    lengths = np.array([len(literal) for literal in literals], np.int64)
    return Literals(make_scanner(literals), len(phrases_of), lengths, RaggedArray(list(phrases_of.values())), is_part)


def literals_of(needle: str | list[tuple[str, bool]]) -> tuple[list[bytes], bool, list[bytes]]:
    """What to scan for: literals of the phrase, whether they are only a part of it, and its gaps.

    A gap is a literal with more spaces than the phrase's literals allow between two of its words: two, three, or more.
    It has the word before them too: "  300 " alone is in one web caption in twenty.
    """
    if isinstance(needle, str):
        literal = needle.encode()
        return [literal[:LONGEST_LITERAL]], len(literal) > LONGEST_LITERAL, []
    (token, star), *more = needle
    if star or not more:  # one word, or anything may follow; most phrases, in a third of the time
        literal = b" " + token.encode("utf-8", "surrogateescape") + b" " * (not star)
        return [literal[:LONGEST_LITERAL]], bool(more) or len(literal) > LONGEST_LITERAL, []
    stars = [star for _, star in needle]
    known = stars.index(True) + 1 if True in stars else len(needle)  # after a star anything may follow
    words = [token.encode("utf-8", "surrogateescape") for token, _ in needle[:known]]
    first, *rests = (b" ".join(words[start:]) + b" " * (not stars[known - 1]) for start in range(known))
    if len(rests) == 1:  # two words may have up to three separators between them, as in "mobile - home"
        literals, gaps = [b" " + words[0] + b" " * spaces + rests[0] for spaces in (1, 2, 3)], [b"    " + rests[0]]
    else:
        literals = [b" " + first]
        gaps = [
            before + rest
            for word, rest in zip(words, rests, strict=False)
            for before in (word + b"  ", word + b"   ", b"    ")
        ]
    is_part = known < len(needle) or len(literals[-1]) > LONGEST_LITERAL
    cut = (list(dict.fromkeys(literal[:LONGEST_LITERAL] for literal in some)) for some in (literals, gaps))
    return next(cut), is_part, next(cut)


def _words_of(needle: str | list[tuple[str, bool]]) -> list[bytes]:
    """What every caption that holds the phrase contains, when both are folded: the text itself, or its tokens."""
    if isinstance(needle, str):
        return [needle.encode()]
    return [token.encode("utf-8", "surrogateescape") for token, _ in needle]
