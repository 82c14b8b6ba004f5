"""Hits as records, one line of JSON each: the lines of records.encode_record, encoded column by column.

In Arrow a record takes half a microsecond.
"""

import functools
import json
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import cut, integers, texts
from retrieval.batch import Batch
from retrieval.record_columns import joined_lines, json_parts
from retrieval.record_values import INTEGER_COLUMNS
from retrieval.records import POOL_FIELDS
from retrieval.substring.hits import Hits
from retrieval.tar_images import PIXELS, image_places

SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e9  # floats that both write without an exponent

_quoted = json.encoder.encode_basestring
_as_lines = json.JSONEncoder(ensure_ascii=False, separators=("\n", ":")).encode  # of a list, one line per value


@dataclass(frozen=True)
class Labels:
    """What the records of one shard say about where they come from."""

    source: str
    shard: str  # its path or address
    classes: tuple[str, ...]  # what Hits.query numbers
    phrases: tuple[str | None, ...]  # what Hits.phrase numbers


def encode_hits(batch: Batch, hits: Hits, labels: Labels) -> tuple[memoryview, np.ndarray]:
    """One line per hit, in UTF-8, and where each begins (record_columns.joined_lines).

    A caption is encoded again for each class that it matches.
    """
    columns = batch.fetch(hits.row)
    encoded = {name: column_parts(name, columns[name]) if name in columns else ["null"] for name in POOL_FIELDS}
    classes, phrases = _label_arrays(labels.classes, labels.phrases)
    encoded |= {
        "QUERY": [classes.take(integers(hits.query))],
        "SOURCE": [_quoted(labels.source)],
        "MATCHED": [phrases.take(integers(hits.phrase))],
        "SCORE": ["null"],
        "RANK": ["null"],
        "ROW": [_quoted(Path(labels.shard).name)[:-1] + ":", integers(batch.rows[hits.row]).cast(pa.string()), '"'],
    }
    if "punsafe" in columns:
        encoded["punsafe"] = column_parts("punsafe", columns["punsafe"])
    if PIXELS in columns:
        encoded[PIXELS] = column_parts(PIXELS, image_places(labels.shard, columns[PIXELS]))
    return joined_lines(encoded)


@functools.lru_cache(maxsize=1)  # the same for all shards of a run; ImageNet's take 3 ms
def _label_arrays(classes: tuple[str, ...], phrases: tuple[str | None, ...]) -> tuple[pa.StringArray, pa.StringArray]:
    return texts(list(map(_quoted, classes))), texts(list(map(_encoded, phrases)))


def column_parts(name: str, values: list | pa.Array) -> list[str | pa.Array]:
    """A column's JSON for `joined_lines`: of Arrow's values (parquet), or of Python's (a database)."""
    if not isinstance(values, list):
        return json_parts(values, name in INTEGER_COLUMNS)
    kinds = set(map(type, values))
    if kinds == {str}:
        return json_parts(texts(values))
    if (kinds == {int} or kinds == {float}) and (numbers := _numbers(values)) is not None:
        return json_parts(numbers)
    lines = _as_lines(values)[1:-1].encode("utf-8", "replace")
    return [cut(lines, b"\n", len(values)).cast(pa.string())]


def _numbers(values: list[int] | list[float]) -> pa.Array | None:
    """Numbers that Arrow writes as Python does, in a third of the time. None where some may differ."""
    if isinstance(values[0], int):
        try:
            return integers(array("q", values))
        except OverflowError:
            return None
    sizes = np.abs(np.array(values))
    are_plain = (sizes >= SMALLEST_PLAIN) & (sizes < LARGEST_PLAIN) | (sizes == 0)
    return integers(values, "float64") if are_plain.all() else None


def _encoded(value) -> str:
    return _quoted(value) if isinstance(value, str) else json.dumps(value)
