"""The records of a shard, batch by batch, by its captions or its full-text index.

for lines in record_lines(shard, unit, search, counter):
"""

import functools
from collections.abc import Iterator

import numpy as np

from retrieval.batch import Batch
from retrieval.records import ENCODED_BYTES, RECORD_BYTES
from retrieval.shard import Shard
from retrieval.shards import caption_batches, row_batches
from retrieval.sqlite_rows import sample_captions
from retrieval.sqlite_shards import held_batches
from retrieval.substring.caption_buffers import offsets_of, without_nulls
from retrieval.substring.hit_counter import HitCounter
from retrieval.substring.hit_records import Labels, encode_hits
from retrieval.substring.hits import Hits, first_of_each_class
from retrieval.substring.index_choice import SAMPLE_ROWS, IndexChoice
from retrieval.substring.index_hits import index_hits
from retrieval.substring.label_arrays import MatchedLabels
from retrieval.substring.matching import Matcher
from retrieval.substring.search_units import RANDOM, Search, Unit
from retrieval.substring.small_questions import Found


def record_lines(
    shard: Shard, unit: Unit, search: Search, counter: HitCounter, asked: Found | None = None
) -> Iterator[bytes | memoryview]:
    """The encoded records of a shard, in blocks; some are empty, so that a run that has ended is noticed.

    Args:
        asked: the rows that its index found, if it was asked already.
    """
    if search.where is not None:
        from retrieval.substring.where import Where  # 40 ms for DuckDB, which evaluates the condition

        counter.where = Where(shard, search.where)
        shard = counter.where.condition.shard
    if unit.sample is not None:
        labels = Labels(RANDOM, unit.shard, (RANDOM,), (None,))
        found = sampled_rows(shard, unit.sample, counter)
    else:
        matched = matched_labels(search)
        labels = Labels("substring", unit.shard, search.classes, matched.labels)
        by_row = matching_rows(shard, search, counter) if asked is None else asked_hits(shard, search, asked)
        found = ((batch, matched.of(hits)) for batch, hits in by_row)
    for batch, hits in found:
        if unit.sample is not None and counter.where is not None:
            hits = counter.where.kept(batch, hits)
        count_hits(counter, hits, labels.phrases)
        yield b""
        for part in in_parts(batch, hits):
            lines, starts = encode_hits(batch, part, labels)
            note_places(counter, part, starts)
            yield lines
        if search.quantity and all(counter.records[number] >= search.quantity for number in range(len(search.classes))):
            return


def count_hits(counter: HitCounter, hits: Hits, phrases: tuple[str | None, ...]) -> None:
    pairs, counts = np.unique(hits.query * np.int64(len(phrases)) + hits.phrase, return_counts=True)
    queries, numbers = np.divmod(pairs, len(phrases))
    found = zip(queries.tolist(), [phrases[number] for number in numbers.tolist()], counts.tolist(), strict=True)
    counter.add(int(np.count_nonzero(np.diff(hits.row, prepend=-1))), found, hits.query[hits.inside].tolist())


def note_places(counter: HitCounter, hits: Hits, starts: np.ndarray) -> None:
    entries = np.flatnonzero(np.isin(hits.query, counter.full, invert=True))
    counter.note_places(zip(hits.query[entries].tolist(), starts[entries].tolist(), strict=True), int(starts[-1]))


def sampled_rows(shard: Shard, sample: tuple[int, ...], counter: HitCounter) -> Iterator[tuple[Batch, Hits]]:
    """A control set's rows, as hits of its only class."""
    for batch in row_batches(shard, np.asarray(sample, np.int64), counter.note):
        zeros = np.zeros(len(batch.rows), np.int32)
        yield batch, Hits(np.arange(len(zeros)), zeros, zeros, zeros > 0)


def matching_rows(shard: Shard, search: Search, counter: HitCounter) -> Iterator[tuple[Batch, Hits]]:
    """Batches with their hits (row: position in the batch).

    A database's own index is used where it knows whole words, as the mode does, and is faster than reading captions.
    """
    for batch, hits in found_hits(shard, search, counter):
        if counter.where is not None:
            hits = counter.where.kept(batch, hits)
        if search.quantity:
            hits = first_of_each_class(hits, counter.records, search.quantity)
        yield batch, hits


def found_hits(shard: Shard, search: Search, counter: HitCounter) -> Iterator[tuple[Batch, Hits]]:
    """By the index, or by a scan; with -n, what the index finds is limited already, unless --where drops some of it."""
    if search.match != "substring" and shard.has_word_index:
        quantity = search.quantity if search.where is None else None
        sample = functools.partial(sample_captions, shard, SAMPLE_ROWS)
        plan = index_choice_of(search).plan(sample, shard.rows, quantity)
        if plan is not None:
            yield from index_hits(shard, search, plan, quantity)
            return
    yield from scanned_hits(shard, search, counter)


def asked_hits(shard: Shard, search: Search, asked: Found) -> Iterator[tuple[Batch, Hits]]:
    """The hits in the rows that small_questions.ask found: the captions say which queries match, and why."""
    matcher = matcher_of(search)
    for batch in held_batches(shard, asked.rowids):
        yield batch, matcher.match(batch.captions)


def scanned_hits(shard: Shard, search: Search, counter: HitCounter) -> Iterator[tuple[Batch, Hits]]:
    matcher = matcher_of(search)
    for batch in caption_batches(shard):
        counter.note(batch)
        yield batch, matcher.match(batch.captions)


@functools.lru_cache(maxsize=1)  # one per process: compiling a thousand names takes longer than scanning a batch
def matcher_of(search: Search) -> Matcher:
    return Matcher(list(search.queries), search.match)


@functools.lru_cache(maxsize=1)
def index_choice_of(search: Search) -> IndexChoice:
    return IndexChoice(search.queries, search.match)


@functools.lru_cache(maxsize=1)
def matched_labels(search: Search) -> MatchedLabels:
    return MatchedLabels(search.queries, search.match)


def in_parts(batch: Batch, hits: Hits) -> Iterator[Hits]:
    """The hits in parts of about ENCODED_BYTES of records.

    Each record holds its whole caption, so a batch with long captions, or a thousand classes per caption, needs it.
    """
    if not len(hits.row):
        return
    caption_bytes = np.diff(offsets_of(without_nulls(batch.captions)))
    part_of = np.cumsum(caption_bytes[hits.row] + RECORD_BYTES) // ENCODED_BYTES
    for part in np.split(np.arange(len(part_of)), np.flatnonzero(np.diff(part_of)) + 1):
        yield hits.take(part)
