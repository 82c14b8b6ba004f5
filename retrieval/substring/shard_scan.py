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
from dataclasses import replace
from pathlib import Path

import numpy as np

from retrieval.cli import UserError
from retrieval.example_records import KNOWN_PLACES
from retrieval.files import complete_file, file_fingerprint, write_json
from retrieval.remote_address import RemoteFile
from retrieval.shard import Batch, Shard
from retrieval.shards import caption_batches, open_shard, row_batches
from retrieval.sqlite_shards import sample_captions
from retrieval.substring.caption_buffers import offsets_of, without_nulls
from retrieval.substring.hit_records import Labels, encode_hits
from retrieval.substring.hits import Hits
from retrieval.substring.index_choice import SAMPLE_ROWS, IndexChoice
from retrieval.substring.index_hits import index_hits
from retrieval.substring.matched_labels import MatchedLabels
from retrieval.substring.matching import Matcher
from retrieval.substring.search_units import RANDOM, Search, Unit, clear_remains, copy_on_fast_disk

ENCODED_BYTES = 1 << 26  # of records encoded at once; most batches have a tenth of it, and Arrow's text ends at 2 GB
RECORD_BYTES = 300  # of a record without its caption


def scan_unit(unit: Unit, search: Search, stop: threading.Event | None = None) -> dict:
    """Write the unit's hit file and then its counts. The scan is given up when `stop` is set.

    Returns:
        dict: shard (its fingerprint), rows, bytes (of the hit file), captions (matched rows), records, classes
        ({class number: {records, inside, phrases}}), places ({class number: where its first records begin in the hit
        file}), and `seconds`, which is not in the file.

    Raises:
        UserError: the shard cannot be read.
    """
    started = time.perf_counter()
    clear_remains(unit)
    unit.counts.unlink(missing_ok=True)
    fingerprint = file_fingerprint(unit.source)
    counter = HitCounter()
    with local_copy(unit) as path, complete_file(unit.hits) as unfinished:
        shard = open_shard(path, search.columns)
        with open(unfinished, "wb") as file:
            for lines in record_lines(shard, unit, search, counter):
                if stop is not None and stop.is_set():
                    raise UserError("the run ended before it was scanned")
                file.write(lines)
    rows = counter.rows if shard.rows is None else shard.rows
    counts = {"shard": fingerprint, "rows": rows, "bytes": unit.hits.stat().st_size} | counter.counts()
    write_json(unit.counts, counts, indent=None)
    return counts | {"seconds": time.perf_counter() - started}


@contextlib.contextmanager
def local_copy(unit: Unit) -> Iterator[Path | RemoteFile]:
    """The shard itself, or its copy on a faster disk, which is removed afterwards."""
    if unit.tmp is None:
        yield unit.source
        return
    copy = copy_on_fast_disk(unit)
    try:
        if unit.remote:
            from retrieval.remote_file import copy_to  # 0.4 s for the libraries that read from the network

            copy_to(unit.remote, copy)
        else:
            shutil.copyfile(unit.shard, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


class HitCounter:
    """Counts of one shard's hits, added batch by batch."""

    def __init__(self):
        self.captions = 0
        self.rows, self.lost, self.first_lost = 0, 0, ""  # read in batches, and those of them that cannot be read
        self.where = None  # a retrieval.substring.where.Where
        self.records, self.inside, self.phrases = Counter(), Counter(), Counter()
        self.bytes, self.places = 0, {}  # of the hit file; of each class the bytes where its first records begin

    def note(self, batch: Batch) -> None:
        self.rows += len(batch.rows)
        self.lost += batch.lost
        self.first_lost = self.first_lost or batch.first_lost

    def add(self, hits: Hits, phrases: tuple[str | None, ...]) -> None:
        self.captions += int(np.count_nonzero(np.diff(hits.row, prepend=-1)))
        pairs, counts = np.unique(hits.query * np.int64(len(phrases)) + hits.phrase, return_counts=True)
        for pair, number in zip(pairs.tolist(), counts.tolist(), strict=True):
            query, phrase = divmod(pair, len(phrases))
            self.records[query] += number
            if phrases[phrase] is not None:
                self.phrases[query, phrases[phrase]] += number
        self.inside.update(hits.query[hits.inside].tolist())

    def note_places(self, hits: Hits, starts: np.ndarray) -> None:
        """Where these hits' lines begin, counted from the first: (n + 1,)."""
        full = [query for query, places in self.places.items() if len(places) == KNOWN_PLACES]
        for entry in np.flatnonzero(np.isin(hits.query, full, invert=True)).tolist():
            places = self.places.setdefault(int(hits.query[entry]), [])
            if len(places) < KNOWN_PLACES:
                places.append(self.bytes + int(starts[entry]))
        self.bytes += int(starts[-1])

    def counts(self) -> dict:
        classes = {
            str(query): {"records": number, "inside": self.inside[query], "phrases": {}}
            for query, number in sorted(self.records.items())
        }
        for (query, phrase), number in sorted(self.phrases.items()):
            classes[str(query)]["phrases"][phrase] = number
        where = {} if self.where is None else {"dropped_by_where": self.where.dropped}
        lost = {"lost_rows": self.lost, "first_lost": self.first_lost} if self.lost else {}
        counts = {"captions": self.captions, "records": sum(self.records.values()), "classes": classes}
        return counts | {"places": self.places} | where | lost


# ---- the records, batch by batch ----


def record_lines(shard: Shard, unit: Unit, search: Search, counter: HitCounter) -> Iterator[bytes | memoryview]:
    """The encoded records of a shard, in blocks; some are empty, so that a run that has ended is noticed."""
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
        found = ((batch, matched.of(hits)) for batch, hits in matching_rows(shard, search, counter))
    for batch, hits in found:
        if unit.sample is not None and counter.where is not None:
            hits = counter.where.kept(batch, hits)
        counter.add(hits, labels.phrases)
        yield b""
        for part in in_parts(batch, hits):
            lines, starts = encode_hits(batch, part, labels)
            counter.note_places(part, starts)
            yield lines
        if search.quantity and all(counter.records[number] >= search.quantity for number in range(len(search.classes))):
            return


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
        limited = search if search.where is None else replace(search, quantity=None)
        plan = index_choice_of(search).plan(sample_captions(shard, SAMPLE_ROWS), shard.rows, limited.quantity)
        if plan is not None:
            yield from index_hits(shard, limited, plan)
            return
    yield from scanned_hits(shard, search, counter)


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
