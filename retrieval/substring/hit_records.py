"""Hits as records, a line of JSON each: what records.encode_record gives, a column at a time.

A parquet shard's columns stay in Arrow, where a record takes half a microsecond. A database's are Python values
already, and most runs over databases are done before Arrow would be imported.
"""

import functools
import json
from dataclasses import dataclass

from retrieval.arrow_values import integers, texts
from retrieval.record_columns import joined_lines, json_parts
from retrieval.records import LINE_END, RECORD_FIELDS
from retrieval.shards import WHOLE_NUMBERS, Batch
from retrieval.substring.matching import Hits

OWN_FIELDS = RECORD_FIELDS[: RECORD_FIELDS.index("QUERY")]

_quoted = json.encoder.encode_basestring


@dataclass(frozen=True)
class Labels:
    """What the records of one shard say of where they come from."""

    source: str
    shard_name: str
    classes: tuple[str, ...]  # what Hits.query numbers
    phrases: tuple[str | None, ...]  # what Hits.phrase numbers


def encode_hits(batch: Batch, hits: Hits, labels: Labels) -> bytes | memoryview:
    """A line for each hit, in UTF-8. The same caption is encoded again for each class that it matches."""
    columns = batch.fetch(hits.row)
    encode = _encode_lists if isinstance(columns["URL"], list) else _encode_arrays
    return encode(columns, batch.rows, hits, labels)


def _encode_arrays(columns: dict, rows, hits: Hits, labels: Labels) -> memoryview:
    import numpy as np
    import pyarrow as pa

    encoded = {
        name: json_parts(columns[name], name in WHOLE_NUMBERS) if name in columns else ["null"] for name in OWN_FIELDS
    }
    classes, phrases = _label_arrays(labels)
    encoded |= {
        "QUERY": [classes.take(integers(hits.query))],
        "SOURCE": [_quoted(labels.source)],
        "MATCHED": [phrases.take(integers(hits.phrase))],
        "SCORE": ["null"],
        "RANK": ["null"],
        "ROW": [_quoted(labels.shard_name)[:-1] + ":", integers(np.asarray(rows)[hits.row]).cast(pa.string()), '"'],
    }
    if "punsafe" in columns:
        encoded["punsafe"] = json_parts(columns["punsafe"])
    return joined_lines(encoded)


@functools.lru_cache(maxsize=1)  # the same for all batches of a shard
def _label_arrays(labels: Labels):
    return texts(list(map(_quoted, labels.classes))), texts(list(map(_encoded, labels.phrases)))


def _encode_lists(columns: dict, rows, hits: Hits, labels: Labels) -> bytes:
    encoded = [_encode_list(columns.get(name), len(hits.row)) for name in OWN_FIELDS]
    classes, phrases = list(map(_quoted, labels.classes)), list(map(_encoded, labels.phrases))
    encoded.append([classes[query] for query in hits.query.tolist()])
    encoded.append([phrases[phrase] for phrase in hits.phrase.tolist()])
    encoded.append([rows[position] for position in hits.row.tolist()])
    scores = [f',"punsafe":{score}' for score in _encode_list(columns["punsafe"], 0)] if "punsafe" in columns else None
    encoded.append(scores or [""] * len(hits.row))
    source, beginning = _quoted(labels.source), _quoted(labels.shard_name)[:-1]
    lines = [
        f'{{"SAMPLE_ID":{a},"URL":{b},"TEXT":{c},"HEIGHT":{d},"WIDTH":{e},"LICENSE":{f},"NSFW":{g},"similarity":{h},'
        f'"QUERY":{query},"SOURCE":{source},"MATCHED":{matched},"SCORE":null,"RANK":null,"ROW":{beginning}:{row}"{score}}}{LINE_END}'
        for a, b, c, d, e, f, g, h, query, matched, row, score in zip(*encoded, strict=True)
    ]
    return "".join(lines).encode("utf-8", "replace")


def _encode_list(values: list | None, length: int) -> list[str]:
    if values is None:
        return ["null"] * length
    kinds = set(map(type, values))
    if kinds == {str}:
        return list(map(_quoted, values))
    if kinds <= {int, float}:
        return list(map(repr, values))
    return list(map(_encoded, values))


def _encoded(value) -> str:
    return _quoted(value) if isinstance(value, str) else json.dumps(value)
