"""The labels of matched_labels.py for many hits at once.

labels = MatchedLabels((parse_query("crane AND (bird OR wetland)"), parse_query("crane AND bird")), "word")
hits = labels.of(hits)              # Hits.phrase numbers labels.labels: ..., "crane AND bird"
"""

import dataclasses

import numpy as np

from retrieval.queries import Query
from retrieval.substring.hits import Hits
from retrieval.substring.match_definition import number_phrases, shown
from retrieval.substring.matched_labels import labels


class MatchedLabels:
    """Numbers for labels: first those of single phrases, as the matcher counts them, then those with an AND."""

    def __init__(self, queries: tuple[Query, ...], mode: str):
        phrases, _, number_of, empty = number_phrases(queries, mode)
        texts = list(map(shown, phrases))
        label_of: dict[int, int] = {}  # query * phrases + phrase -> label
        for query_number, query in enumerate(queries):
            for phrase, label in labels(query, empty).items():
                if label != texts[number_of[phrase]]:
                    label_of[query_number * len(phrases) + number_of[phrase]] = len(texts)
                    texts.append(label)
        self.labels = tuple(texts)
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
