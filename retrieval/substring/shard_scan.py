"""The scan of one shard: its captions are matched, and its hit file and counts file are written (search_units.py).

counts = scan_unit(unit, search)        # in a worker
"""

import contextlib
import functools
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from retrieval.cli import UserError
from retrieval.files import complete_file, file_fingerprint, write_json
from retrieval.queries import Phrase, Query, to_fts5
from retrieval.shard import Batch, Shard
from retrieval.shards import caption_batches, open_shard, row_batches
from retrieval.sqlite_shards import index_selection, looked_up_batches
from retrieval.substring.caption_buffers import offsets_of, without_nulls
from retrieval.substring.hit_records import Labels, encode_hits
from retrieval.substring.hits import Hits
from retrieval.substring.matched_labels import MatchedLabels
from retrieval.substring.matching import Matcher, distinct_phrases, first_holding, phrase_needle
from retrieval.substring.search_units import RANDOM, Search, Unit, clear_remains, copy_on_fast_disk

ENCODED_BYTES = 1 << 26  # of records encoded at once; most batches have a tenth of it, and Arrow's text ends at 2 GB
RECORD_BYTES = 300  # of a record without its caption


def scan_unit(unit: Unit, search: Search, stop: threading.Event | None = None) -> dict:
    """Write the unit's hit file and then its counts. The scan is given up when `stop` is set.

    Returns:
        dict: shard (its fingerprint), rows, bytes (of the hit file), captions (matched rows), records, classes
        ({class number: {records, inside, phrases}}), and `seconds`, which is not in the file.

    Raises:
        UserError: the shard cannot be read.
    """
    started = time.perf_counter()
    clear_remains(unit)
    unit.counts.unlink(missing_ok=True)
    fingerprint = file_fingerprint(unit.shard)
    counter = HitCounter()
    with local_copy(unit) as path, complete_file(unit.hits) as unfinished:
        shard = open_shard(path, search.field)
        with open(unfinished, "wb") as file:
            for lines in record_lines(shard, unit, search, counter):
                if stop is not None and stop.is_set():
                    raise UserError("the run ended before it was scanned")
                file.write(lines)
    counts = {"shard": fingerprint, "rows": shard.rows, "bytes": unit.hits.stat().st_size} | counter.counts()
    write_json(unit.counts, counts, indent=None)
    return counts | {"seconds": time.perf_counter() - started}


@contextlib.contextmanager
def local_copy(unit: Unit) -> Iterator[Path]:
    """The shard itself, or its copy on a faster disk, which is removed afterwards."""
    if unit.tmp is None:
        yield Path(unit.shard)
        return
    copy = copy_on_fast_disk(unit)
    try:
        shutil.copyfile(unit.shard, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


class HitCounter:
    """Counts of one shard's hits, added batch by batch."""

    def __init__(self):
        self.captions = 0
        self.records, self.inside, self.phrases = Counter(), Counter(), Counter()

    def add(self, hits: Hits, phrases: tuple[str | None, ...]) -> None:
        self.captions += int(np.count_nonzero(np.diff(hits.row, prepend=-1)))
        pairs, counts = np.unique(hits.query * np.int64(len(phrases)) + hits.phrase, return_counts=True)
        for pair, number in zip(pairs.tolist(), counts.tolist(), strict=True):
            query, phrase = divmod(pair, len(phrases))
            self.records[query] += number
            if phrases[phrase] is not None:
                self.phrases[query, phrases[phrase]] += number
        self.inside.update(hits.query[hits.inside].tolist())

    def counts(self) -> dict:
        classes = {
            str(query): {"records": number, "inside": self.inside[query], "phrases": {}}
            for query, number in sorted(self.records.items())
        }
        for (query, phrase), number in sorted(self.phrases.items()):
            classes[str(query)]["phrases"][phrase] = number
        return {"captions": self.captions, "records": sum(self.records.values()), "classes": classes}


# ---- the records, batch by batch ----


def record_lines(shard: Shard, unit: Unit, search: Search, counter: HitCounter) -> Iterator[bytes | memoryview]:
    """The encoded records of a shard, in blocks; some are empty, so that a run that has ended is noticed."""
    name = Path(unit.shard).name
    if unit.sample is not None:
        labels = Labels(RANDOM, name, (RANDOM,), (None,))
        found = sampled_rows(shard, unit.sample)
    else:
        matched = matched_labels(search)
        labels = Labels("substring", name, search.classes, matched.labels)
        found = ((batch, matched.of(hits)) for batch, hits in matching_rows(shard, search, counter))
    for batch, hits in found:
        counter.add(hits, labels.phrases)
        yield b""
        for part in in_parts(batch, hits):
            yield encode_hits(batch, part, labels)
        if search.quantity and all(counter.records[number] >= search.quantity for number in range(len(search.classes))):
            return


def sampled_rows(shard: Shard, sample: tuple[int, ...]) -> Iterator[tuple[Batch, Hits]]:
    """A control set's rows, as hits of its only class."""
    for batch in row_batches(shard, np.asarray(sample, np.int64)):
        zeros = np.zeros(len(batch.rows), np.int32)
        yield batch, Hits(np.arange(len(zeros)), zeros, zeros, zeros > 0)


def matching_rows(shard: Shard, search: Search, counter: HitCounter) -> Iterator[tuple[Batch, Hits]]:
    """Batches with their hits (row: position in the batch).

    A database's own index is used where it answers exactly as the mode is defined. Else the captions are scanned.
    """
    if search.match != "substring" and shard.has_word_index:
        yield from index_hits(shard, search)
        return
    matcher = matcher_of(search)
    for batch in caption_batches(shard):
        hits = matcher.match(batch.captions)
        if search.quantity:
            hits = first_of_each_class(hits, counter.records, search.quantity)
        yield batch, hits


@functools.lru_cache(maxsize=1)  # one per process: compiling a thousand names takes longer than scanning a batch
def matcher_of(search: Search) -> Matcher:
    return Matcher(list(search.queries), search.match)


@functools.lru_cache(maxsize=1)
def matched_labels(search: Search) -> MatchedLabels:
    return MatchedLabels(search.queries, search.match)


def first_of_each_class(hits: Hits, already: Counter, quantity: int) -> Hits:
    """The hits without those that exceed `quantity` per class, where `already` counts earlier ones."""
    order = np.argsort(hits.query, kind="stable")  # by class, within it still by row
    by_class = hits.query[order]
    rank = np.arange(len(by_class)) - np.searchsorted(by_class, by_class)  # 0, 1, 2, … within its class
    before = np.fromiter((already[query] for query in by_class.tolist()), np.int64, len(by_class))
    keep = np.zeros(len(by_class), bool)
    keep[order] = rank + before < quantity
    return hits.take(keep)


def in_parts(batch: Batch, hits: Hits) -> Iterator[Hits]:
    """The hits in parts of about ENCODED_BYTES of records.

    Each record holds its whole caption, so a batch with long captions, or a thousand classes per caption, needs it.
    """
    if not len(hits.row):
        return
    if batch.captions is None:  # rows that were looked up in an index: 4,096 at most
        yield hits
        return
    caption_bytes = np.diff(offsets_of(without_nulls(batch.captions)))
    part_of = np.cumsum(caption_bytes[hits.row] + RECORD_BYTES) // ENCODED_BYTES
    for part in np.split(np.arange(len(part_of)), np.flatnonzero(np.diff(part_of)) + 1):
        yield hits.take(part)


# ---- databases with an index that answers as we do ----


def index_hits(shard: Shard, search: Search) -> Iterator[tuple[Batch, Hits]]:
    """The rows that the database's index finds, with the phrase that matching.py would name for each."""
    phrases = [distinct_phrases([query]) for query in search.queries]
    rows, classes, named = index_selection(
        shard,
        queries=[to_fts5(query) for query in search.queries],
        phrases=[[to_fts5(phrase) for phrase in of_class] for of_class in phrases],
        choose=lambda number, holding: first_phrase_of_each_row(
            search.queries[number], phrases[number], search.match, holding
        ),
        quantity=search.quantity,
    )
    phrase_numbers = numbers_among_all(named, classes, phrases, distinct_phrases(search.queries))
    start = 0
    for batch in looked_up_batches(shard, np.unique(rows)):
        end = start + int(np.searchsorted(rows[start:], batch.rows[-1], side="right"))
        part = slice(start, end)
        positions = np.searchsorted(batch.rows, rows[part])
        yield batch, Hits(positions, classes[part], phrase_numbers[part], np.zeros(end - start, bool))
        start = end


def first_phrase_of_each_row(query: Query, phrases: list[Phrase], mode: str, holding: np.ndarray) -> np.ndarray:
    """For each row the first phrase that makes `query` match, worked out once per combination that occurs.

    `holding` is bool (phrases, rows); returns int32 (rows,), numbers among `phrases`.
    """
    combinations, combination_of_row = np.unique(holding, axis=1, return_inverse=True)
    empty = {phrase for phrase in phrases if not phrase_needle(phrase, mode)}
    first = []
    for combination in combinations.T:
        held = {phrase for phrase, holds in zip(phrases, combination, strict=True) if holds}
        first.append(phrases.index(first_holding(query, held, empty)))
    return np.array(first, np.int32)[combination_of_row.ravel()]


def numbers_among_all(
    named: np.ndarray, classes: np.ndarray, phrases: list[list[Phrase]], all_phrases: list[Phrase]
) -> np.ndarray:
    """Phrase numbers within a class as numbers among all distinct phrases: int32 (n,)."""
    number_of = {phrase: number for number, phrase in enumerate(all_phrases)}
    numbers = np.array([number_of[phrase] for of_class in phrases for phrase in of_class], np.int32)
    first_of_class = np.cumsum([0, *map(len, phrases)])
    return numbers[first_of_class[classes] + named]
