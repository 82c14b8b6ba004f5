"""Which captions match which queries: `match_plain` says what is right, `Matcher` the same at the speed of decoding.

    matcher = Matcher([parse_query("tabby"), parse_query('"tiger shark" OR tiger')], "word")
    hits = matcher.match(captions)          # captions: a pyarrow array; hits: numpy arrays, sorted by row and query

A phrase holds in a caption when
    substring   the lower-cased caption contains the lower-cased phrase (its strings, one space between them)
    word, fts   the phrase's tokens (unicode61.py) stand next to each other in the caption; a starred one
                may be the beginning of the caption's token
A phrase of no token (in substring: no character) is left out of an implicit AND, and holds nowhere else, as in FTS5. A
null caption matches nothing. Bytes that are not UTF-8 are read as U+FFFD.

How `Matcher` works. For words, rows are joined into buffers of half a megabyte, with a space for all that is no letter
or digit (caption_buffers.py); then a phrase is a literal, as in " tiger shark ". Substrings are looked for in
the captions as they lie in memory. One scan that takes letters of either case (literal_scan.py) finds them
all. Rows that this does not suit, one web caption in thirty, go a second, exact way: those with a letter beyond ASCII,
and those where the end of a phrase stands behind too many separators. They are folded as unicode61 folds, every run of
separators becomes one space, and they are scanned again. Of a short list, most captions are ruled out before all this
(row_filter.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from retrieval.arrow_values import integers
from retrieval.queries import And, Not, Or, Phrase, Query
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
from retrieval.substring.literal_scan import LONGEST_LITERAL, Scanner, best_scanner
from retrieval.substring.row_filter import row_filter
from retrieval.substring.unicode61 import is_word_part, tokens

MATCH_MODES = ("substring", "word", "fts")

PIECE_BYTES = 1 << 19  # of captions scanned at once: it stays in cache, and malloc reuses what it gave
PART_BYTES = 1 << 23  # of captions whose hits are gathered at once: twice a batch of ordinary captions
USELESS = 1 / 3  # of the captions left by the filter for short lists: without it all of them are searched as fast


@dataclass(frozen=True)
class Hits:
    """One entry per caption and query that matches, sorted by (row, query)."""

    row: Any  # int64 (n,): position in the captions given
    query: Any  # int32 (n,): index into the queries
    phrase: Any  # int32 (n,): index into the phrases; the first one of that query that made it match
    inside: Any  # bool (n,): in `substring`, every occurrence of that phrase here is a part of longer words


def distinct_phrases(queries: list[Query]) -> list[Phrase]:
    """All phrases of the queries in order, each once: what `Hits.phrase` counts."""
    return list(dict.fromkeys(phrase for query in queries for phrase in _phrases_of(query)))


def _phrases_of(query: Query) -> list[Phrase]:
    match query:
        case Phrase():
            return [query]
        case And(parts) | Or(parts):
            return [phrase for part in parts for phrase in _phrases_of(part)]
        case Not(wanted, unwanted):
            return _phrases_of(wanted) + _phrases_of(unwanted)


def shown(phrase: Phrase) -> str:
    """A phrase as the records name it: its strings, with their stars."""
    return " ".join(string + "*" * star for string, star in zip(phrase.strings, phrase.stars, strict=True))


# ---- the spec ----


def match_plain(captions: Iterable[str | bytes | None], queries: list[Query], mode: str) -> Hits:
    """Every query on every caption, one after the other."""
    phrases = distinct_phrases(queries)
    number_of = {phrase: number for number, phrase in enumerate(phrases)}
    needles = [phrase_needle(phrase, mode) for phrase in phrases]
    found = []
    for row, caption in enumerate(captions):
        if caption is None:
            continue
        text = haystack(caption, mode)
        holding = {phrase for phrase, needle in zip(phrases, needles, strict=True) if needle and holds(needle, text)}
        empty = {phrase for phrase, needle in zip(phrases, needles, strict=True) if not needle}
        for number, query in enumerate(queries):
            phrase = first_holding(query, holding, empty)
            if phrase is not None:
                inside = mode == "substring" and only_inside(phrase.text.lower(), text)
                found.append((row, number, number_of[phrase], inside))
    return _hits(*zip(*found, strict=True)) if found else _hits([], [], [], [])


def phrase_needle(phrase: Phrase, mode: str) -> str | list[tuple[str, bool]]:
    """What to look for: lower-cased text, or (token, starred) pairs. Empty: the phrase holds nowhere."""
    if mode == "substring":
        return phrase.text.lower()
    needle = []
    for string, star in zip(phrase.strings, phrase.stars, strict=True):
        needle += [(token, False) for token in tokens(string)]
        if needle:
            needle[-1] = needle[-1][0], star  # FTS5 stars the last token so far, even where `string` has none
    return needle


def haystack(caption: str | bytes, mode: str) -> str | list[str]:
    """What to look in: the lower-cased caption, or its tokens."""
    text = caption.decode("utf-8", "replace") if isinstance(caption, bytes) else caption
    return text.lower() if mode == "substring" else tokens(text)


def holds(needle: str | list[tuple[str, bool]], text: str | list[str]) -> bool:
    """Whether a phrase's needle is in a caption's haystack."""
    if isinstance(needle, str):
        return needle in text
    return any(
        all(
            token.startswith(wanted) if star else token == wanted
            for (wanted, star), token in zip(needle, text[start:], strict=False)
        )
        for start in range(len(text) - len(needle) + 1)
    )


def first_holding(query: Query, holding: set[Phrase], empty: set[Phrase]) -> Phrase | None:
    """The first phrase that makes the query match, or None where it does not."""
    match query:
        case Phrase():
            return query if query in holding else None
        case And(parts, implicit):
            kept = [part for part in parts if not (implicit and part in empty)]
            firsts = [first_holding(part, holding, empty) for part in kept]
            return firsts[0] if firsts and None not in firsts else None
        case Or(parts):
            firsts = [first_holding(part, holding, empty) for part in parts]
            return next((first for first in firsts if first is not None), None)
        case Not(wanted, unwanted):
            return first_holding(wanted, holding, empty) if first_holding(unwanted, holding, empty) is None else None


def only_inside(needle: str, text: str) -> bool:
    """Whether each occurrence in `text` is a part of a longer word, as "hen" in "kitchen"."""
    begins, ends = is_word_part(needle[0]), is_word_part(needle[-1])
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        before = begins and start > 0 and is_word_part(text[start - 1])
        after = ends and end < len(text) and is_word_part(text[end])
        if not before and not after:
            return False
        start = text.find(needle, start + 1)
    return True


def _hits(row, query, phrase, inside) -> Hits:
    import numpy as np

    return Hits(np.array(row, np.int64), np.array(query, np.int32), np.array(phrase, np.int32), np.array(inside, bool))


# ---- the fast way ----


class Matcher:
    """Compiled queries. `phrases` are the texts that `Hits.phrase` counts."""

    def __init__(self, queries: list[Query], mode: str, make_scanner=best_scanner):
        """Compile. `make_scanner` is an engine of retrieval/substring/literal_scan.py."""
        import numpy as np

        phrases = distinct_phrases(queries)
        self.phrases = [shown(phrase) for phrase in phrases]
        self._mode, self._queries = mode, len(queries)
        self._needles = [phrase_needle(phrase, mode) for phrase in phrases]
        self._unsure = np.zeros(len(phrases), bool)  # its literal is only a part of it: a hit must be verified
        self._rows_that_may_match = row_filter([_words(needle) for needle in self._needles if needle], make_scanner)
        phrases_of, run_literals = {}, {}  # literal -> phrases; literals that begin with two separators
        for number, needle in enumerate(self._needles):
            if needle:
                literals, self._unsure[number], runs = _literals(needle)
                for literal in literals:
                    phrases_of.setdefault(literal, []).append(number)
                run_literals |= dict.fromkeys(runs)
        literals = [*phrases_of, *run_literals]
        self._exact_literals = len(phrases_of)
        self._scan: Scanner = make_scanner(literals)
        self._literal_bytes = np.array([len(literal) for literal in literals], np.int64)
        self._phrases_of_literal = _Lists(list(phrases_of.values()))
        if mode == "substring":
            edges = [is_word_part(needle[0]) | is_word_part(needle[-1]) << 1 if needle else 0
                     for needle in self._needles]  # fmt: skip
            self._word_edges = np.array(edges, np.uint8)
        self._has_replacement = mode == "substring" and any("\ufffd" in needle for needle in self._needles)

        number_of = {phrase: number for number, phrase in enumerate(phrases)}
        empty = {phrase for phrase, needle in zip(phrases, self._needles, strict=True) if not needle}
        choices, self._composed = [[] for _ in phrases], []
        for number, query in enumerate(queries):
            plan = _plan(query, number_of, empty)
            if isinstance(plan, int):
                choices[plan].append((number, 0))
            elif isinstance(plan, Or) and all(isinstance(part, int) for part in plan.parts):
                for rank, phrase in enumerate(dict.fromkeys(plan.parts)):
                    choices[phrase].append((number, rank))
            elif plan is not None:
                self._composed.append((number, plan))
        self._ranks = 1 + max((rank for chosen in choices for _, rank in chosen), default=0)
        # Queries that are a phrase, or an OR of some, by phrase, as query * ranks + rank.
        self._choices = _Lists([[number * self._ranks + rank for number, rank in chosen] for chosen in choices])
        # As for a list of names, each its own query: then what holds is what matches.
        self._is_one_to_one = choices == [[(number, 0)] for number in range(len(queries))]

    def match(self, captions) -> Hits:
        """The hits of a batch; memory is bounded by PART_BYTES of it, and by the hits.

        Args:
            captions: pyarrow Array or ChunkedArray of (large) strings, (large) binary, or a dictionary of either.
        """
        import numpy as np
        import pyarrow as pa

        found, start = [], 0
        for chunk in captions.chunks if isinstance(captions, pa.ChunkedArray) else [captions]:
            for first, array in pieces(without_nulls(chunk), PART_BYTES):
                rows = self._filtered(array)
                if len(rows) < len(array):
                    array = array.take(integers(rows))
                hit_rows, phrases, inside = self._match_array(array)
                found.append((rows[hit_rows] + first + start, phrases, inside))
            start += len(chunk)
        if not found:
            return _hits([], [], [], [])
        return self._answer(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def _filtered(self, captions):
        """The rows of a batch that are worth a look: all of them where the list is long or its words are common."""
        import numpy as np

        if self._rows_that_may_match is not None:
            rows = self._rows_that_may_match(captions, offsets_of(captions))
            if len(rows) <= USELESS * len(captions):
                return rows
            self._rows_that_may_match = None
        return np.arange(len(captions))

    def _match_array(self, captions):
        """(rows, phrases, inside) of binary captions without nulls: each phrase that holds in a row once, in order."""
        import numpy as np

        is_words = self._mode != "substring"
        offsets = offsets_of(captions)
        row_edges = offsets - offsets[0]
        if is_words:
            row_edges = row_edges + np.arange(len(offsets))  # a space behind each row, in all pieces' buffers together
        is_slow = rows_to_fold(captions, offsets, self._mode, self._has_replacement)
        found = [_nothing()]
        for first, piece in pieces(captions, PIECE_BYTES):
            is_slow[[first, first + len(piece) - 1]] |= is_words  # no space before the one, none after the other
            literals, ends = self._scan(plain_words(joined(piece, b" ")) if is_words else bytes_of(piece))
            found.append((literals, ends + row_edges[first]))
        literals, ends = (np.concatenate(column) for column in zip(*found, strict=True))
        rows = np.searchsorted(row_edges, ends - 1, "right") - 1
        starts = ends - self._literal_bytes[literals]
        in_one_row = starts >= row_edges[rows] - is_words
        is_slow[rows[in_one_row & (literals >= self._exact_literals)]] = True
        sure = in_one_row & ~is_slow[rows] & (literals < self._exact_literals)
        rows, literals = rows[sure], literals[sure]
        sides = np.zeros(len(rows), np.uint8)
        if not is_words:
            sides = _word_sides(bytes_of(captions), starts[sure], ends[sure], row_edges[rows], row_edges[rows + 1])

        found, slow = [(rows, literals, sides)], np.flatnonzero(is_slow)
        for first, piece in pieces(captions.take(integers(slow)), PIECE_BYTES):
            found.append(self._match_exactly(piece, slow[first : first + len(piece)]))
        rows, literals, sides = (np.concatenate(column) for column in zip(*found, strict=True))
        return self._verified(captions, *self._once_a_row(rows, literals, sides))

    def _match_exactly(self, captions, row_numbers):
        """(rows, literals, sides) of captions whose letters must be folded first."""
        import numpy as np

        buffer = exact_text(captions, self._mode)
        literals, ends = self._scan(buffer)
        sure = literals < self._exact_literals
        literals, ends = literals[sure], ends[sure]
        row_ends = np.flatnonzero(np.frombuffer(buffer, np.uint8) == ROW_END[0])
        sides = np.zeros(len(ends), np.uint8)
        if self._mode == "substring":
            sides = _word_sides(buffer, ends - self._literal_bytes[literals], ends, 0, len(buffer), is_exact=True)
        return row_numbers[np.searchsorted(row_ends, ends - 1)], literals, sides

    def _once_a_row(self, rows, literals, sides):
        """(rows, phrases, inside): each phrase in a row once, in order; inside where all its occurrences are."""
        import numpy as np

        entries, phrases = self._phrases_of_literal.expand(literals)
        keys = rows[entries] * max(1, len(self.phrases)) + phrases
        order = np.argsort(keys, kind="stable")
        firsts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        inside = np.zeros(len(firsts), bool)
        if self._mode == "substring" and len(firsts):
            is_part = (sides[entries] & self._word_edges[phrases]) > 0
            inside = np.logical_and.reduceat(is_part[order], firsts)
        return *np.divmod(keys[order[firsts]], max(1, len(self.phrases))), inside

    def _verified(self, captions, rows, phrases, inside):
        """The same without the phrases of which only a part was found."""
        import numpy as np

        right = np.ones(len(rows), bool)
        for entry in np.flatnonzero(self._unsure[phrases]).tolist():
            needle, text = self._needles[phrases[entry]], haystack(captions[rows[entry]].as_py(), self._mode)
            right[entry] = holds(needle, text)
            inside[entry] = right[entry] and self._mode == "substring" and only_inside(needle, text)
        return rows[right], phrases[right], inside[right]

    def _answer(self, rows, phrases, inside) -> Hits:
        """From phrases that hold, sorted by (row, phrase) and distinct, to the queries that match."""
        import numpy as np

        if self._is_one_to_one:
            return _hits(rows, phrases, phrases, inside)
        entries, choices = self._choices.expand(phrases)
        keys = rows[entries] * self._queries * self._ranks + choices
        order = np.argsort(keys, kind="stable")
        keys = keys[order] // self._ranks
        firsts = order[np.flatnonzero(np.diff(keys, prepend=-1))]  # of each (row, query): the phrase that comes first
        columns = [rows[entries[firsts]], choices[firsts] // self._ranks, phrases[entries[firsts]]]
        columns.append(inside[entries[firsts]])
        if self._composed:
            columns = self._with_composed(columns, rows, phrases, inside)
        return _hits(*columns)

    def _with_composed(self, columns, rows, phrases, inside):
        """The columns with those of the queries that are more than an OR of phrases."""
        import numpy as np

        by_phrase = np.argsort(phrases, kind="stable")
        edges = np.searchsorted(phrases[by_phrase], np.arange(len(self.phrases) + 1))
        sorted_rows = rows[by_phrase]

        def select(plan):
            """The plan's rows, ascending, and for each the entry of the phrase that made it hold."""
            match plan:
                case int():
                    entries = slice(edges[plan], edges[plan + 1])
                    return sorted_rows[entries], by_phrase[entries]
                case And(parts):
                    first, *others = parts
                    kept, entries = select(first)
                    for other in others:
                        if not len(kept):
                            break
                        also = _are_in(kept, select(other)[0])
                        kept, entries = kept[also], entries[also]
                    return kept, entries
                case Or(parts):
                    selected = [select(part) for part in parts]
                    kept, firsts = np.unique(np.concatenate([kept for kept, _ in selected]), return_index=True)
                    return kept, np.concatenate([entries for _, entries in selected])[firsts]
                case Not(wanted, unwanted):
                    kept, entries = select(wanted)
                    also = ~_are_in(kept, select(unwanted)[0])
                    return kept[also], entries[also]

        parts = [columns]
        for number, plan in self._composed:
            kept, entries = select(plan)
            if len(kept):
                parts.append([kept, np.full(len(kept), number), phrases[entries], inside[entries]])
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        return [column[order] for column in columns]


def _plan(query: Query, number_of: dict[Phrase, int], empty: set[Phrase]):
    """The query with phrases as numbers and without what is empty; None where it matches nothing."""
    match query:
        case Phrase():
            return None if query in empty else number_of[query]
        case And(parts, implicit):
            plans = [_plan(part, number_of, empty) for part in parts if not (implicit and part in empty)]
            if not plans or None in plans:
                return None
            return plans[0] if len(plans) == 1 else And(tuple(plans))
        case Or(parts):
            plans = [plan for part in parts if (plan := _plan(part, number_of, empty)) is not None]
            return None if not plans else plans[0] if len(plans) == 1 else Or(tuple(plans))
        case Not(wanted, unwanted):
            plans = [_plan(part, number_of, empty) for part in (wanted, unwanted)]
            return plans[0] if None in plans else Not(*plans)


def _literals(needle: str | list[tuple[str, bool]]) -> tuple[list[bytes], bool, list[bytes]]:
    """What to scan for: literals; whether a hit must be verified; the literals that send a row the exact way."""
    if isinstance(needle, str):
        literal = needle.encode()
        return [literal[:LONGEST_LITERAL]], len(literal) > LONGEST_LITERAL, []
    stars = [star for _, star in needle]
    known = stars.index(True) + 1 if True in stars else len(needle)  # after a star anything may follow
    words = [token.encode("utf-8", "surrogateescape") for token, _ in needle[:known]]
    first, *rests = (b" ".join(words[start:]) + b" " * (not stars[known - 1]) for start in range(known))
    if len(rests) == 1:  # two words are found behind two or three separators too, as in "mobile - home"
        literals, gap = [b" " + words[0] + b" " * spaces + rests[0] for spaces in (1, 2, 3)], b"    "
    else:
        literals, gap = [b" " + first], b"  "
    is_part = known < len(needle) or len(literals[-1]) > LONGEST_LITERAL
    runs = [(gap + rest)[:LONGEST_LITERAL] for rest in rests]
    return list(dict.fromkeys(literal[:LONGEST_LITERAL] for literal in literals)), is_part, runs


def _words(needle: str | list[tuple[str, bool]]) -> list[bytes]:
    """What stands in every caption that holds a phrase, when both are folded: the text itself, or its tokens."""
    if isinstance(needle, str):
        return [needle.encode()]
    return [token.encode("utf-8", "surrogateescape") for token, _ in needle]


def _nothing():
    import numpy as np

    return np.empty(0, np.int32), np.empty(0, np.int64)


class _Lists:
    """Many short lists of numbers, looked up many at once."""

    def __init__(self, lists: list[list[int]]):
        import numpy as np

        self.lengths = np.array([len(items) for items in lists], np.int64)
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.items = np.array([item for items in lists for item in items], np.int64)
        self.are_single = all(len(items) == 1 for items in lists)

    def expand(self, which):
        """(entries, items): the items of the lists `which`, and for each the entry of `which` that it comes from."""
        import numpy as np

        if self.are_single:
            return np.arange(len(which)), self.items[which]
        lengths = self.lengths[which]
        entries = np.repeat(np.arange(len(which)), lengths)
        nth = np.arange(len(entries)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return entries, self.items[self.starts[which][entries] + nth]


def _are_in(rows, others):
    """For each of ascending rows whether it is among ascending others."""
    import numpy as np

    if not len(others):
        return np.zeros(len(rows), bool)
    places = np.minimum(np.searchsorted(others, rows), len(others) - 1)
    return others[places] == rows


# ---- what stands beside a hit ----

_IS_WORD_BYTE = bytes(byte < 0x80 and chr(byte).isalnum() for byte in range(256))


def _word_sides(buffer, starts, ends, row_starts, row_ends, is_exact: bool = False):
    """Of literals in UTF-8: whether a word goes on before it (1), after it (2), in its row: uint8 (n,).

    Between rows that are `is_exact` stands ROW_END, which is in no word; others lie one behind another, so that their
    edges must be told.
    """
    import numpy as np

    values = np.frombuffer(buffer, np.uint8)
    before = _are_word_parts(values, starts - 1, starts > row_starts, is_exact)
    return before | _are_word_parts(values, ends, ends < row_ends, is_exact) << 1


def _are_word_parts(values, places, is_there, is_exact: bool):
    """Whether the character at each place of UTF-8 `values` that `is_there` makes a word longer: uint8 (n,).

    Where not `is_exact`, only letters and digits of ASCII do: rows with others are not taken from such a scan.
    """
    import numpy as np

    if not len(places):
        return np.zeros(0, np.uint8)
    places = np.where(is_there, places, 0)
    parts = np.frombuffer(_IS_WORD_BYTE, np.uint8)[values[places]] & is_there
    if is_exact:
        is_more = is_there & (values[places] >= 0x80) & (values[places] != ROW_END[0])
        for entry in np.flatnonzero(is_more).tolist():
            parts[entry] = is_word_part(_character(values, int(places[entry])))
    return parts


def _character(values, place: int) -> str:
    """The character that the byte at `place` is a part of."""
    start, end = place, place + 1
    while values[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(values) and values[end] & 0xC0 == 0x80:
        end += 1
    return values[start:end].tobytes().decode()
