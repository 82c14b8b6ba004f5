"""The records of a database whose index finds few rows, one by one: the lines of hit_records.encode_hits.

    for lines in small_answers(shard, unit, search, found, counter):

Some thousand rows are read, decided and encoded here before numpy and pyarrow could be imported, which takes 0.2
seconds. Standard library only.
"""

import contextlib
import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

from retrieval.records import ENCODED_BYTES, RECORD_BYTES, RECORD_FIELDS, encode_record
from retrieval.shard import Shard
from retrieval.sqlite_rows import caption_as_indexed, connect, record_columns, record_columns_of, rows_by_id
from retrieval.substring.hit_counter import HitCounter
from retrieval.substring.match_definition import number_phrases
from retrieval.substring.matched_labels import labels
from retrieval.substring.plain_plans import PlainPlans
from retrieval.substring.search_units import Search, Unit
from retrieval.substring.small_questions import Found
from retrieval.substring.unicode61 import learn

BLOCK_ROWS = 1 << 12  # rows that are in memory at once

_quoted = json.encoder.encode_basestring
_as_lines = json.JSONEncoder(ensure_ascii=False, separators=("\n", ":")).encode  # of a list, one line per value

Hits = list[tuple[int, int]]  # of one row: queries, each with the phrase that made it match
Matched = tuple[int, tuple, Hits]  # a rowid, the row's values (record_columns), its hits


def small_answers(shard: Shard, unit: Unit, search: Search, found: Found, counter: HitCounter) -> Iterator[bytes]:
    """The encoded records by row and class, in blocks."""
    with contextlib.closing(connect(shard.path)) as connection:
        for start in range(0, len(found.rowids), BLOCK_ROWS):
            block = found.rowids[start : start + BLOCK_ROWS]
            rows = rows_by_id(connection, shard, block, record_columns(shard))
            captions = [caption_as_indexed(connection, row[0]) for row in rows]
            hits = decided(block, captions, found, plain_plans_of(search))
            matched = [each for each in zip(block, rows, hits, strict=True) if each[2]]
            count_hits(counter, hits, labels_of(search))
            yield b""
            for part in in_parts(matched):
                yield encoded(shard, unit, search, part, counter)


def decided(rowids: list[int], captions: list[str], found: Found, plans: PlainPlans) -> list[Hits]:
    """The hits of each of these rows."""
    learn(character for caption in captions if not caption.isascii() for character in caption)
    hits = []
    for rowid, caption in zip(rowids, captions, strict=True):
        sure, to_read = found.sure.get(rowid), found.to_read.get(rowid)
        read = plans.hits(to_read, caption) if to_read else []
        hits.append(sorted(sure + read) if sure and read else sure or read)
    return hits


def count_hits(counter: HitCounter, hits: list[Hits], label_of: Callable[[int, int], str]) -> None:
    found = Counter(hit for of_row in hits for hit in of_row)
    counts = ((query, label_of(query, phrase), number) for (query, phrase), number in found.items())
    counter.add(sum(map(bool, hits)), counts)


def in_parts(matched: list[Matched]) -> Iterator[list[Matched]]:
    """The hits in parts of about ENCODED_BYTES of records: each record holds its whole caption."""
    part, size = [], 0
    for rowid, row, hits in matched:
        record_bytes = RECORD_BYTES + (len(row[0]) if isinstance(row[0], str | bytes) else 0)
        step = max(1, ENCODED_BYTES // record_bytes)
        for start in range(0, len(hits), step):
            some = hits[start : start + step]
            part.append((rowid, row, some))
            size += len(some) * record_bytes
            if size >= ENCODED_BYTES:
                yield part
                part, size = [], 0
    if part:
        yield part


def encoded(shard: Shard, unit: Unit, search: Search, matched: list[Matched], counter: HitCounter) -> bytes:
    """The lines of some rows with their hits. Their places are noted."""
    columns = record_columns_of(shard, [row for _, row, _ in matched])
    first = [name for name in RECORD_FIELDS if name in columns]
    last = [name for name in columns if name not in first]
    line, label_of = line_template(tuple(first), tuple(last), unit.shard), labels_of(search)
    classes, lines, queries = list(map(_quoted, search.classes)), [], []
    in_json = (json_of_each(columns[name]) for name in (*first, *last))
    for (rowid, _, hits), values in zip(matched, zip(*in_json, strict=True), strict=True):
        for query, phrase in hits:
            label = _quoted(label_of(query, phrase))
            lines.append(line % (*values[: len(first)], classes[query], label, rowid, *values[len(first) :]))
            queries.append(query)
    in_bytes = [text.encode("utf-8", "replace") for text in lines]
    *starts, length = accumulate(map(len, in_bytes), initial=0)
    counter.note_places(zip(queries, starts, strict=True), length)
    return b"".join(in_bytes)


def json_of_each(values: list) -> list[str]:
    """The JSON of each value."""
    if set(map(type, values)) == {str}:
        return list(map(_quoted, values))  # twice as fast
    return _as_lines(values)[1:-1].split("\n")


@functools.lru_cache(maxsize=1)  # the same for all blocks of a shard
def line_template(first: tuple[str, ...], last: tuple[str, ...], shard: str) -> str:
    """The line of encode_record, to be filled with JSON: of these columns, QUERY, MATCHED, the row, the other columns.

    A record takes a tenth of the time that encode_record takes.
    """
    mark = "%s"
    row = f"{Path(shard).name.replace('%', '%%')}:%d"
    provenance = {"SOURCE": "substring", "MATCHED": mark, "SCORE": None, "RANK": None, "ROW": row}
    record = dict.fromkeys((*first, "QUERY"), mark) | provenance | dict.fromkeys(last, mark)
    return encode_record(record).replace(f'"{mark}"', mark)


@functools.lru_cache(maxsize=1)
def plain_plans_of(search: Search) -> PlainPlans:
    return PlainPlans(search.queries, search.match)


@functools.lru_cache(maxsize=1)
def labels_of(search: Search) -> Callable[[int, int], str]:
    """label(query, phrase): what MATCHED says, by the numbers of queries and phrases."""
    phrases, _, _, empty = number_phrases(search.queries, search.match)
    of_query = functools.cache(lambda query: labels(search.queries[query], empty))
    return lambda query, phrase: of_query(query)[phrases[phrase]]
