"""Records encoded column by column, by Arrow's kernels: the lines of records.encode_record, some twenty times as fast.

Half a million records take one second. Arrow releases the interpreter's lock, so several classes can be encoded side by
side.
"""

import json
import math
from decimal import Decimal
from json.encoder import encode_basestring

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrieval.arrow_values import integers, is_large, is_text, text_scalar, texts
from retrieval.records import LINE_END, RECORD_FIELDS
from retrieval.safety import NSFW, UNLIKELY, UNSAFE_FROM, UnknownSafety, safety_tag, safety_tags_of


def encode_columns(columns: dict) -> memoryview:
    """A line of a chunk for each row, as records.encode_record gives it, in one buffer of UTF-8.

    RECORD_FIELDS come first. `columns` maps a field to a pyarrow Array, or to one plain value for all rows (at least
    one is an Array). Numbers that JSON does not have (NaN, infinities) become null.
    """
    lines, _ = joined_lines(
        {
            name: json_parts(values) if isinstance(values, pa.Array) else [json.dumps(values, ensure_ascii=False)]
            for name, values in (dict.fromkeys(RECORD_FIELDS) | columns).items()
        }
    )
    return lines


def joined_lines(encoded: dict) -> tuple[memoryview, np.ndarray]:
    """One line per row, from the parts of each field's JSON, and where each line begins and the last ends: (n + 1,).

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
        return memoryview(b""), np.zeros(1, np.int32)
    _, offsets, data = lines.buffers()
    edges = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[edges[0] : edges[-1]], edges - edges[0]


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
    elif pa.types.is_floating(kind):
        encoded = _floats(widened(values), whole)
    elif pa.types.is_decimal(kind):
        encoded = texts([_decimal(value, whole) for value in values.to_pylist()])
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        encoded = values.cast(pa.string())
    elif pa.types.is_null(kind) or len(values) == values.null_count:
        return texts(["null"] * len(values))
    elif is_text(kind):
        quote = text_scalar('"')
        encoded = pc.binary_join_element_wise(quote, _escaped(valid_utf8(values)), quote, text_scalar(""))
    else:  # a list, a date, bytes of fixed length: no known pool holds one here
        encoded = texts([json.dumps(plain_value(value), ensure_ascii=False) for value in python_values(values)])
    return pc.coalesce(encoded, text_scalar("null")) if encoded.null_count else encoded


def python_values(values: pa.Array) -> list:
    """The values as Python's. Text that is not UTF-8, and times that Python does not have, are given as text."""
    try:
        return values.to_pylist()
    except (UnicodeDecodeError, ValueError, OverflowError, ArithmeticError, pa.ArrowException):
        return [_python_value(value) for value in values]


def _python_value(value: pa.Scalar):
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return value.as_buffer().to_pybytes().decode("utf-8", "replace") if is_text(value.type) else None
    except (ValueError, OverflowError, ArithmeticError, pa.ArrowException):
        return str(value.cast(pa.int64()))  # a time beyond Python's: its count of units


def plain_value(value):
    """A value as JSON has it: NaN is null, bytes are text, and what JSON does not have is its text."""
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def widened(values: pa.Array) -> pa.Array:
    """float16 as float32: Arrow 15 has no kernels for it."""
    if not pa.types.is_float16(values.type):
        return values
    numbers = values.to_numpy(zero_copy_only=False).astype(np.float32)  # NaN where it is null
    return pa.Array.from_buffers(pa.float32(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))])


def _decimal(value: Decimal | None, whole: bool) -> str | None:
    """Every digit of a whole number; else the nearest float."""
    if value is None or not value.is_finite():
        return None
    if value == value.to_integral_value() and (whole or value.as_tuple().exponent >= 0):
        return str(int(value))
    return repr(float(value))


def _floats(values: pa.Array, whole: bool) -> pa.StringArray:
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


def safety_tags(table: pa.Table, columns: dict[str, str], where: str | None = None) -> pa.Array | None:
    """The rows' tags (retrieval.safety): from the pool's tag, and where that says nothing, from its score.

    `columns` is retrieval.columns.map_columns of the table's, and `where` names the table in a refusal. None where the
    pool has neither tag nor score.

    Raises:
        UserError: values that are not understood, with their counts.
    """
    tags = None
    for ours in ("NSFW", "punsafe"):
        if ours in columns and (tags is None or tags.null_count):
            name = columns[ours]
            found = tags_of(table[name].combine_chunks(), f"{where or 'the pool'}: column {name}")
            tags = found if tags is None else pc.coalesce(tags, found)
    return tags


def tags_of(values: pa.Array, where: str) -> pa.StringArray:
    """The tag of each value of one column of any type. It decides about distinct values, or about all scores at once.

    Raises:
        UserError: values that are not understood, with their counts.
    """
    kind = values.type
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    if pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        return _tags_of_scores(values, where)
    if is_text(kind):
        values = valid_utf8(values).dictionary_encode()
    if not pa.types.is_dictionary(values.type):
        return texts(safety_tags_of(python_values(values), where))
    try:
        tags = [_tag_or_unknown(value) for value in python_values(_decoded(values.dictionary))]
    except TypeError:  # a dictionary of what cannot be a tag
        return texts(safety_tags_of(python_values(values.dictionary_decode()), where))
    found = texts(tags).take(values.indices)
    if _UNKNOWN in tags and pc.any(pc.equal(found, _UNKNOWN)).as_py():  # an entry may have no row among these
        safety_tags_of(python_values(_decoded(values.dictionary).take(values.indices)), where)
    return found


_UNKNOWN = "?"


def _tag_or_unknown(value) -> str | None:
    try:
        return safety_tag(value)
    except UnknownSafety:
        return _UNKNOWN


def _decoded(values: pa.Array) -> pa.Array:
    return valid_utf8(values) if is_text(values.type) else values


def _tags_of_scores(values: pa.Array, where: str) -> pa.StringArray:
    scores = widened(values).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # NaN where it is null
    is_absent = np.isnan(scores)
    if not (is_absent | (scores >= 0) & (scores <= 1)).all():
        return texts(safety_tags_of(values.to_pylist(), where))  # raises
    numbers = np.where(is_absent, 2, scores < UNSAFE_FROM)
    return texts([NSFW, UNLIKELY, None]).take(integers(numbers))


def tagged_unsafe(tags: pa.Array) -> np.ndarray:
    """Which of `safety_tags` say NSFW: bool (n,). UNSURE, UNLIKELY and null do not."""
    unsafe = pc.equal(pc.utf8_upper(pc.utf8_trim_whitespace(tags)), "NSFW")
    return unsafe.fill_null(False).to_numpy(zero_copy_only=False)
