"""The hits of a batch of captions, as arrays with one entry per hit."""

from collections import Counter
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hits:
    """One entry per caption and query that matches, sorted by (row, query)."""

    row: np.ndarray  # int64 (n,): position of the caption in the batch
    query: np.ndarray  # int32 (n,): number of the query
    phrase: np.ndarray  # int32 (n,): number of the phrase: the first one of the query that made it match
    inside: np.ndarray  # bool (n,): in `substring`, each occurrence of that phrase in the caption is in a longer word

    def take(self, which: np.ndarray) -> "Hits":
        """The entries at these positions, or where this mask is true."""
        return Hits(self.row[which], self.query[which], self.phrase[which], self.inside[which])


def first_of_each_class(hits: Hits, already: Counter, quantity: int) -> Hits:
    """The hits without those that exceed `quantity` per class, where `already` counts earlier ones."""
    order = np.argsort(hits.query, kind="stable")  # by class, within it still by row
    by_class = hits.query[order]
    rank = np.arange(len(by_class)) - np.searchsorted(by_class, by_class)  # 0, 1, 2, … within its class
    before = np.fromiter((already[query] for query in by_class.tolist()), np.int64, len(by_class))
    keep = np.zeros(len(by_class), bool)
    keep[order] = rank + before < quantity
    return hits.take(keep)


@dataclass(frozen=True)
class PhraseHits:
    """One entry per caption and phrase that holds in it, sorted by (row, phrase)."""

    row: np.ndarray  # int64 (n,)
    phrase: np.ndarray  # int64 (n,)
    inside: np.ndarray  # bool (n,), as in Hits

    def take(self, which: np.ndarray) -> "PhraseHits":
        return PhraseHits(self.row[which], self.phrase[which], self.inside[which])

    def moved(self, row: np.ndarray) -> "PhraseHits":
        """The same hits with other row numbers."""
        return PhraseHits(row, self.phrase, self.inside)


def joined_hits(parts: list[Hits]) -> Hits:
    """The entries of all parts, one part after the other."""
    return Hits(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))


def joined_phrase_hits(parts: list[PhraseHits]) -> PhraseHits:
    """The entries of all parts, one part after the other."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return PhraseHits(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True)
class LiteralHits:
    """One entry per occurrence of a literal, in any order."""

    row: np.ndarray  # int64 (n,)
    literal: np.ndarray  # int32 (n,)
    sides: np.ndarray  # uint8 (n,): where a word goes on beside the occurrence, as bits (word_sides.py)
