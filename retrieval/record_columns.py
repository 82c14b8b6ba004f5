"""Records encoded a column at a time, in Arrow's kernels: what records.encode_record gives, some twenty times as fast.

Half a million records take one second so, and the interpreter's lock is free meanwhile, so that classes can be encoded
side by side.
"""

import json
from json.encoder import encode_basestring

from retrieval.arrow_values import integers, text_scalar, texts
from retrieval.columns import nsfw_tag
from retrieval.records import LINE_END, RECORD_FIELDS


def encode_columns(columns: dict) -> memoryview:
    """A line of a chunk for each row, as records.encode_record gives it: one stretch of UTF-8; RECORD_FIELDS first.

    `columns` maps a field to a pyarrow Array, or to one plain value for all rows (at least one is an Array). Numbers
    that are no JSON (NaN, infinities) become null.
    """
    import pyarrow as pa

    return joined_lines(
        {
            name: json_parts(values) if isinstance(values, pa.Array) else [json.dumps(values, ensure_ascii=False)]
            for name, values in (dict.fromkeys(RECORD_FIELDS) | columns).items()
        }
    )


def joined_lines(encoded: dict) -> memoryview:
    """The lines, from the parts of each field's JSON: pyarrow string arrays without nulls, and texts for all rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

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


def json_parts(values, whole: bool = False) -> list:
    """`json_values` for `joined_lines`: of text without nulls, the quotes are the same for all rows."""
    if is_text(values.type) and not values.null_count:
        return ['"', _escaped(valid_utf8(values)), '"']
    return [json_values(values, whole)]


def json_values(values, whole: bool = False):
    """Each value's JSON text, as a pyarrow string array without nulls.

    Text that is not UTF-8 gets U+FFFD where it is broken. `whole`: floats such as 512.0 are written as integers.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

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
    else:  # a list, a date: nothing that a pool is known to hold here
        encoded = texts([json.dumps(value, ensure_ascii=False, default=str) for value in values.to_pylist()])
    return pc.coalesce(encoded, text_scalar("null")) if encoded.null_count else encoded


def _floats(values, whole: bool):
    import pyarrow as pa
    import pyarrow.compute as pc

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


def is_text(kind) -> bool:
    import pyarrow as pa

    of_text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(is_kind(kind) for is_kind in of_text)


def valid_utf8(values):
    """Text or binary as a string array; where bytes are not UTF-8, they become U+FFFD."""
    import pyarrow as pa

    large = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
    values = values.cast(pa.large_binary() if large else pa.binary())  # Arrow trusts a string's bytes, not a binary's
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return texts([None if value is None else value.decode("utf-8", "replace") for value in values.to_pylist()])


def _escaped(values):
    """Strings as json.dumps(ensure_ascii=False) writes them between the quotes."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    places = np.flatnonzero((data < 0x20) | (data == ord('"')) | (data == ord("\\")))
    if not len(places):
        return values
    rows = np.unique(np.searchsorted(offsets, places + offsets[0], "right") - 1)  # one caption in twenty-five
    mask = np.zeros(len(values), np.uint8)
    mask[rows] = 1
    again = values.take(integers(rows))
    if (data[places] < 0x20).any():
        again = texts([text and encode_basestring(text)[1:-1] for text in again.to_pylist()])  # a null may have bytes
    else:
        again = pc.replace_substring(pc.replace_substring(again, "\\", "\\\\"), '"', '\\"')
    return pc.replace_with_mask(values, integers(mask, "uint8").cast(pa.bool_()), again)


def safety_tags(table, columns: dict[str, str]):
    """The rows' NSFW tags as a pyarrow array: as they are where the pool has tags, else from its score (LAION's rule).

    `columns` is retrieval.columns.map_columns of the table's. None where the pool has neither.
    """
    import pyarrow as pa

    name = columns.get("NSFW") or columns.get("punsafe")
    if name is None:
        return None
    values = table[name].combine_chunks()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return values
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    return tags_of_scores(values)


def tags_of_scores(scores):
    """LAION's tags for a pyarrow array of unsafe scores."""
    return texts([nsfw_tag(None if score is None else float(score)) for score in scores.to_pylist()])


def tagged_unsafe(tags):
    """Which of `safety_tags` say NSFW: a numpy bool array. UNSURE, UNLIKELY and null do not."""
    import pyarrow.compute as pc

    unsafe = pc.equal(pc.utf8_upper(pc.utf8_trim_whitespace(tags)), "NSFW")
    return unsafe.fill_null(False).to_numpy(zero_copy_only=False)
