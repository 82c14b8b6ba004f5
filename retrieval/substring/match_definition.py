"""Which phrases hold in which captions, and which queries match: the definition, in plain Python.

    phrase = first_holding(query, {phrase for phrase in phrases if holds(phrase_needle(phrase, mode), text)}, set())

A phrase holds in a caption when
    substring   the lower-cased caption contains the lower-cased phrase (its strings, with one space between them)
    word, fts   the tokens of the phrase (unicode61.py) are next to each other in the caption; a token with a star may
                be the beginning of a token of the caption
A phrase without a token (in substring: without a character) is left out of an implicit AND, and never holds elsewhere,
as in FTS5. A null caption matches nothing. Bytes that are not UTF-8 are read as U+FFFD. Standard library only.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from retrieval.queries import And, Not, Or, Phrase, Query, all_phrases
from retrieval.substring.unicode61 import is_word_part, tokens


def plain_hits(
    captions: Iterable[str | bytes | None], queries: list[Query], mode: str
) -> Iterator[tuple[int, int, int, bool]]:
    """Every query on every caption, one after the other: this defines what matches. An entry of Hits each."""
    phrases, needles, number_of, empty = number_phrases(queries, mode)
    for row, caption in enumerate(captions):
        if caption is None:
            continue
        text = haystack(caption, mode)
        holding = {phrase for phrase, needle in zip(phrases, needles, strict=True) if needle and holds(needle, text)}
        for number, query in enumerate(queries):
            phrase = first_holding(query, holding, empty)
            if phrase is not None:
                inside = mode == "substring" and only_inside(phrase.text.lower(), text)
                yield row, number, number_of[phrase], inside


class NumberedPhrases(NamedTuple):
    """All phrases of some queries."""

    phrases: list[Phrase]  # as distinct_phrases gives them
    needles: list  # of each (phrase_needle)
    number_of: dict[Phrase, int]
    empty: set[Phrase]  # those without a needle


def number_phrases(queries: Sequence[Query], mode: str) -> NumberedPhrases:
    """The result is shared: several parts of a scan number the same queries."""
    return _numbered(tuple(queries), mode)


@functools.lru_cache(maxsize=2)  # the two or three thousand phrases of a long template take 15 ms
def _numbered(queries: tuple[Query, ...], mode: str) -> NumberedPhrases:
    phrases = distinct_phrases(queries)
    needles = [phrase_needle(phrase, mode) for phrase in phrases]
    number_of = {phrase: number for number, phrase in enumerate(phrases)}
    empty = {phrase for phrase, needle in zip(phrases, needles, strict=True) if not needle}
    return NumberedPhrases(phrases, needles, number_of, empty)


def distinct_phrases(queries: Iterable[Query]) -> list[Phrase]:
    """All phrases of the queries in order, each once: what `Hits.phrase` numbers."""
    return list(dict.fromkeys(phrase for query in queries for phrase in all_phrases(query)))


def shown(phrase: Phrase) -> str:
    """A phrase as the records show it: its strings with their stars."""
    return " ".join(string + "*" * star for string, star in zip(phrase.strings, phrase.stars, strict=True))


def phrase_needle(phrase: Phrase, mode: str) -> str | list[tuple[str, bool]]:
    """What to look for: lower-cased text, or (token, starred) pairs. Empty: the phrase holds nowhere."""
    if mode == "substring":
        return phrase.text.lower()
    needle = []
    for string, star in zip(phrase.strings, phrase.stars, strict=True):
        needle += [(token, False) for token in tokens(string)]
        if needle:
            needle[-1] = needle[-1][0], star  # FTS5 puts the star on the last token so far, even if `string` has none
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
