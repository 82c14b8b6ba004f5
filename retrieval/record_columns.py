"""Records encoded column by column, by Arrow's kernels: the lines of records.encode_record, some twenty times as fast.

Half a million records take one second. Arrow releases the interpreter's lock, so several classes can be encoded side by
side.
"""

import json
from json.encoder import encode_basestring

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrieval.arrow_values import integers, is_large, is_text, text_scalar, texts
from retrieval.records import LINE_END, RECORD_FIELDS
from retrieval.safety import safety_tag


def encode_columns(columns: dict) -> memoryview:
    """A line of a chunk for each row, as records.encode_record gives it, in one buffer of UTF-8.

    RECORD_FIELDS come first. `columns` maps a field to a pyarrow Array, or to one plain value for all rows (at least
    one is an Array). Numbers that JSON does not have (NaN, infinities) become null.
    """
    return joined_lines(
        {
            name: json_parts(values) if isinstance(values, pa.Array) else [json.dumps(values, ensure_ascii=False)]
            for name, values in (dict.fromkeys(RECORD_FIELDS) | columns).items()
        }
    )


def joined_lines(encoded: dict) -> memoryview:
    """One line per row, from the parts of each field's JSON.

    A part is a pyarrow string array without nulls, or a text that is the same for all rows.
    """
    joined, text, beginning = [], "", "{"
    for name, parts in encoded.items():
        text += beginning + json.dumps(name) + ":"
        beginning = ","
        for part in parts:
            if isinstance(part, pa.Array):
                joined += [text_scalar(text), part]
                text = ""
            else:
                text += part
    lines = pc.binary_join_element_wise(*joined, text_scalar(text + "}" + LINE_END), text_scalar(""))
    if not len(lines):
        return memoryview(b"")
    _, offsets, data = lines.buffers()
    edges = np.frombuffer(offsets, np.int32)
    return memoryview(data)[edges[lines.offset] : edges[lines.offset + len(lines)]]


def json_parts(values: pa.Array, whole: bool = False) -> list[str | pa.Array]:
    """A column's JSON as parts for `joined_lines`. For text without nulls, the quotes are the same for all rows."""
    if is_text(values.type) and not values.null_count:
        return ['"', _escaped(valid_utf8(values)), '"']
    return [json_values(values, whole)]


def json_values(values: pa.Array, whole: bool = False) -> pa.StringArray:
    """Each value's JSON text, without nulls.

    Bytes that are not UTF-8 become U+FFFD. `whole`: floats such as 512.0 are written as integers.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        encoded = json_values(values.dictionary, whole).take(values.indices)
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        encoded = _floats(values, whole)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        encoded = values.cast(pa.string())
    elif pa.types.is_null(kind) or len(values) == values.null_count:
        return texts(["null"] * len(values))
    elif is_text(kind):
        quote = text_scalar('"')
        encoded = pc.binary_join_element_wise(quote, _escaped(valid_utf8(values)), quote, text_scalar(""))
    else:  # a list, a date: no known pool holds one here
        encoded = texts([json.dumps(value, ensure_ascii=False, default=str) for value in values.to_pylist()])
    return pc.coalesce(encoded, text_scalar("null")) if encoded.null_count else encoded


def _floats(values: pa.Array, whole: bool) -> pa.StringArray:
    if pa.types.is_decimal(values.type):
        values = pc.cast(values, pa.float64())
    values = pc.if_else(pc.is_finite(values), values, pa.nulls(len(values), values.type))
    encoded = values.cast(pa.string())
    if pc.any(pc.equal(pc.trunc(values), values)).as_py():
        # Arrow writes 1.0 as "1"; a reader in Python should find a float again.
        encoded = pc.replace_substring_regex(encoded, r"^(-?\d+)$", r"\1.0")
    if not whole:
        return encoded
    numbers = pc.cast(values, pa.int64(), safe=False)
    return pc.if_else(pc.equal(pc.cast(numbers, values.type, safe=False), values), numbers.cast(pa.string()), encoded)


def valid_utf8(values: pa.Array) -> pa.StringArray:
    """Text or binary as strings. Bytes that are not UTF-8 become U+FFFD."""
    # As binary first: Arrow checks the bytes of a binary that it casts, and trusts those of a string.
    values = values.cast(pa.large_binary() if is_large(values.type) else pa.binary())
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return texts([None if value is None else value.decode("utf-8", "replace") for value in values.to_pylist()])


def _escaped(values: pa.StringArray) -> pa.StringArray:
    """Strings as json.dumps(ensure_ascii=False) writes them between the quotes."""
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    special = np.flatnonzero((data < 0x20) | (data == ord('"')) | (data == ord("\\")))
    if not len(special):
        return values
    rows = np.unique(np.searchsorted(offsets, special + offsets[0], "right") - 1)  # 4 % of captions
    mask = np.zeros(len(values), np.uint8)
    mask[rows] = 1
    again = values.take(integers(rows))
    if (data[special] < 0x20).any():
        again = texts([text and encode_basestring(text)[1:-1] for text in again.to_pylist()])  # a null may hide bytes
    else:
        again = pc.replace_substring(pc.replace_substring(again, "\\", "\\\\"), '"', '\\"')
    return pc.replace_with_mask(values, integers(mask, "uint8").cast(pa.bool_()), again)


def safety_tags(table: pa.Table, columns: dict[str, str]) -> pa.Array | None:
    """The rows' NSFW tags: those of the pool where it has tags, else made from its score (LAION's rule).

    `columns` is retrieval.columns.map_columns of the table's. None where the pool has neither.
    """
    name = columns.get("NSFW") or columns.get("punsafe")
    if name is None:
        return None
    values = table[name].combine_chunks()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return values
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    return tags_of_scores(values)


def tags_of_scores(scores: pa.Array) -> pa.StringArray:
    """LAION's tags for unsafe scores."""
    return texts([safety_tag(score) for score in scores.to_pylist()])


def tagged_unsafe(tags: pa.Array) -> np.ndarray:
    """Which of `safety_tags` say NSFW: bool (n,). UNSURE, UNLIKELY and null do not."""
    unsafe = pc.equal(pc.utf8_upper(pc.utf8_trim_whitespace(tags)), "NSFW")
    return unsafe.fill_null(False).to_numpy(zero_copy_only=False)
