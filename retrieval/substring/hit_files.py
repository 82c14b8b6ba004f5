"""Hit files: what one shard gives to a search, kept so that a stopped run goes on and a changed run starts anew.

A unit is one shard under one set of settings. Its hit file holds the encoded records (records.encode_record), one a
line, by row and class; its counts file, written after it, says which version of the shard they come from. Both carry
the settings' fingerprint in their names, so that a run with other classes or another mode never sees them.
"""

import contextlib
import glob
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.cli import UserError
from retrieval.files import complete_file, file_fingerprint, settings_fingerprint, write_json
from retrieval.queries import to_fts5
from retrieval.shards import Batch, Shard, caption_batches, index_selection, looked_up_batches, open_shard, row_batches
from retrieval.substring.caption_buffers import offsets_of, without_nulls
from retrieval.substring.hit_records import Labels, encode_hits
from retrieval.substring.matching import Hits, distinct_phrases, first_holding, phrase_needle, shown

HITS_VERSION = 3  # raise it when the same shard and settings give other records
PART_BYTES = 1 << 26  # of records encoded at once; most batches have a tenth of it, and Arrow's text ends at 2 GB
RECORD_BYTES = 300  # of a record beside its caption
RANDOM = "random"  # QUERY and SOURCE of a control set's records


@dataclass(frozen=True)
class Search:
    """What decides a shard's records, the same for every shard of a run."""

    match: str  # a mode of retrieval.substring.matching, or RANDOM for a control set
    classes: tuple[str, ...]
    queries: tuple  # one retrieval.queries.Query a class
    field: str | None = None  # the caption column, where it is not found by name
    quantity: int | None = None  # at most so many records a class

    def settings(self) -> dict:
        queries = dict(zip(self.classes, map(to_fts5, self.queries), strict=False))
        return {"match": self.match, "field": self.field, "quantity": self.quantity, "queries": queries}


@dataclass(frozen=True)
class Unit:
    """One shard's work, and where its results go."""

    shard: str  # as the user named it
    hits: Path
    counts: Path  # exists when `hits` is complete
    sample: tuple[int, ...] | None = None  # a control set: these rows (positions from 0, ascending)
    tmp: str | None = None  # a fast disk to copy the shard to while it is read


def plan_unit(shard: str, folder: Path, search: Search, sample=None, tmp: str | None = None) -> Unit:
    """The unit of one shard. Its folder counts too: two folders may hold shards of one name."""
    fingerprint = settings_fingerprint([HITS_VERSION, search.settings(), os.path.abspath(shard), sample])
    stem = f"{Path(shard).name[:80]}.{fingerprint}"
    return Unit(shard, folder / f"{stem}.jsonl", folder / f"{stem}.json", sample, tmp)


def shard_fingerprint(unit: Unit) -> dict | None:
    """The shard's fingerprint; where it was removed after its scan, the one it had; None where it never was there."""
    if os.path.isfile(unit.shard):
        return file_fingerprint(unit.shard)
    return json.loads(unit.counts.read_text(encoding="utf-8"))["shard"] if unit.counts.exists() else None


def finished_counts(unit: Unit) -> dict | None:
    """The counts of a unit that is done, if its shard is still what it was."""
    if not unit.counts.exists() or not unit.hits.exists():
        return None
    counts = json.loads(unit.counts.read_text(encoding="utf-8"))
    is_whole = unit.hits.stat().st_size == counts["bytes"]  # a machine that lost power may have lost its end
    return counts if is_whole and counts["shard"] == shard_fingerprint(unit) else None


def scan_unit(unit: Unit, search: Search, make_matcher, stop: threading.Event | None = None) -> dict:
    """Write the unit's hit file and then its counts.

    Args:
        make_matcher: gives the Matcher (matching.py) of `search.queries`; called where captions are scanned.
        stop: when it is set, the scan is given up.

    Returns:
        dict: shard (its fingerprint), rows, bytes (of the hit file), captions (matched rows), records, classes
        ({index: {records, inside, phrases}}), and `seconds`, which the file does not keep.

    Raises:
        UserError: the shard cannot be read.
    """
    started = time.perf_counter()
    clear_remains(unit)
    unit.counts.unlink(missing_ok=True)
    fingerprint = file_fingerprint(unit.shard)
    seen = Seen()
    with local_copy(unit) as path, complete_file(unit.hits) as beside:
        shard = open_shard(path, search.field)
        name = Path(unit.shard).name
        if unit.sample is not None:
            scan = sample_lines(shard, unit, Labels(RANDOM, name, (RANDOM,), (None,)), seen)
        else:
            phrases = tuple(map(shown, distinct_phrases(search.queries)))
            labels = Labels("substring", name, search.classes, phrases)
            scan = hit_lines(shard, search, labels, make_matcher, seen)
        with open(beside, "wb") as file:
            for lines in scan:
                if stop is not None and stop.is_set():
                    raise UserError("the run ended before it was scanned")
                file.write(lines)
    counts = {"shard": fingerprint, "rows": shard.rows, "bytes": unit.hits.stat().st_size} | seen.counts()
    write_json(unit.counts, counts, indent=None)
    return counts | {"seconds": time.perf_counter() - started}


def clear_remains(unit: Unit) -> None:
    """Remove what a killed worker left: half a hit file, a copy on the fast disk."""
    for part in unit.hits.parent.glob(f".{glob.escape(unit.counts.stem)}*.part"):
        part.unlink(missing_ok=True)
    if unit.tmp is not None:
        (Path(unit.tmp) / unit.counts.stem).unlink(missing_ok=True)


@contextlib.contextmanager
def local_copy(unit: Unit) -> Iterator[Path]:
    """The shard itself, or its copy on a faster disk, removed afterwards."""
    if unit.tmp is None:
        yield Path(unit.shard)
        return
    copy = Path(unit.tmp) / unit.counts.stem
    try:
        shutil.copyfile(unit.shard, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


class Seen:
    """Counts of one shard's hits, gathered batch by batch."""

    def __init__(self):
        self.captions = 0
        self.records, self.inside, self.phrases = Counter(), Counter(), Counter()

    def add(self, hits: Hits, phrases: tuple[str | None, ...]) -> None:
        import numpy as np

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


def hit_lines(shard: Shard, search: Search, labels: Labels, make_matcher, seen: Seen) -> Iterator[bytes | memoryview]:
    """The encoded records of the captions that match, a batch at a time."""
    for batch, hits in found_hits(shard, search, make_matcher, seen):
        seen.add(hits, labels.phrases)
        yield b""  # so that a run that ended is noticed
        for part in in_parts(batch, hits):
            yield encode_hits(batch, part, labels)
        if search.quantity and all(seen.records[c] >= search.quantity for c in range(len(search.classes))):
            return


def in_parts(batch: Batch, hits: Hits) -> Iterator[Hits]:
    """A batch's hits, of long captions or of a thousand classes a few at a time: each is a record with the caption."""
    import numpy as np

    if not len(hits.row):
        return
    if batch.captions is None:  # rows that were looked up in an index: 4,096 at most
        yield hits
        return
    caption_bytes = np.diff(offsets_of(without_nulls(batch.captions)))
    part_of = np.cumsum(caption_bytes[hits.row] + RECORD_BYTES) // PART_BYTES
    for part in np.split(np.arange(len(part_of)), np.flatnonzero(np.diff(part_of)) + 1):
        yield Hits(*(column[part] for column in vars(hits).values()))


def found_hits(shard: Shard, search: Search, make_matcher, seen: Seen) -> Iterator[tuple[Batch, Hits]]:
    """Batches with their hits (row: position in the batch).

    A database's index is asked where it answers exactly as the mode is defined; else the captions are scanned.
    """
    if search.match != "substring" and shard.has_word_index:
        yield from index_hits(shard, search)
        return
    matcher = make_matcher()
    for batch in caption_batches(shard):
        hits = matcher.match(batch.captions)
        if search.quantity:
            hits = first_of_each_class(hits, seen.records, search.quantity)
        yield batch, hits


def index_hits(shard: Shard, search: Search) -> Iterator[tuple[Batch, Hits]]:
    phrases = [distinct_phrases([query]) for query in search.queries]

    def choose(place: int, holding):
        """The phrase that matching.py names, worked out once for each combination of phrases that occurs."""
        import numpy as np

        combinations, of_row = np.unique(holding, axis=1, return_inverse=True)
        empty = {phrase for phrase in phrases[place] if not phrase_needle(phrase, search.match)}
        named = []
        for combination in combinations.T:
            held = {phrase for phrase, holds in zip(phrases[place], combination, strict=True) if holds}
            named.append(phrases[place].index(first_holding(search.queries[place], held, empty)))
        return np.array(named, np.int32)[of_row.ravel()]

    selection = index_selection(
        shard,
        [to_fts5(query) for query in search.queries],
        [[to_fts5(phrase) for phrase in of_class] for of_class in phrases],
        choose,
        search.quantity,
    )
    if selection is None:
        return

    import numpy as np

    rows, classes, named = selection
    number_of = {phrase: number for number, phrase in enumerate(distinct_phrases(search.queries))}
    numbers = np.array([number_of[phrase] for of_class in phrases for phrase in of_class], np.int32)
    named = numbers[np.cumsum([0, *map(len, phrases)])[classes] + named]
    start = 0
    for batch in looked_up_batches(shard, np.unique(rows)):
        end = start + int(np.searchsorted(rows[start:], batch.rows[-1], side="right"))
        part = slice(start, end)
        positions = np.searchsorted(batch.rows, rows[part])
        yield batch, Hits(positions, classes[part], named[part], np.zeros(end - start, bool))
        start = end


def sample_lines(shard: Shard, unit: Unit, labels: Labels, seen: Seen) -> Iterator[bytes | memoryview]:
    """The encoded records of a control set's rows."""
    import numpy as np

    for batch in row_batches(shard, np.asarray(unit.sample, np.int64)):
        zeros = np.zeros(len(batch.captions), np.int32)
        hits = Hits(np.arange(len(zeros)), zeros, zeros, zeros > 0)
        seen.add(hits, labels.phrases)
        yield encode_hits(batch, hits, labels)


def first_of_each_class(hits, already: Counter, quantity: int):
    """The hits without those beyond a class's `quantity`, of which it has `already` some."""
    import numpy as np

    order = np.argsort(hits.query, kind="stable")  # by class, within it still by row
    by_class = hits.query[order]
    place = np.arange(len(by_class)) - np.searchsorted(by_class, by_class)  # 0, 1, 2, … within its class
    before = np.fromiter((already[query] for query in by_class.tolist()), np.int64, len(by_class))
    keep = np.zeros(len(by_class), bool)
    keep[order] = place + before < quantity
    return replace(hits, row=hits.row[keep], query=hits.query[keep], phrase=hits.phrase[keep], inside=hits.inside[keep])
