"""Arrow arrays from Python's and numpy's values, and what kind of values an Arrow type holds.

Not by `pa.array` or `pa.scalar`: they import pandas, to ask whether a value is one of its types. That takes a quarter
of a second, and a whole run may take one.
"""

import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

SEPARATOR = b"\x1e"  # between values that are joined in one call: ASCII's own record separator, SQLite's char(30)


def integers(numbers, kind: str = "int64") -> pa.Array:
    """Numbers (n,) as an Arrow array of that numpy dtype."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(numbers, kind))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(kind), len(numbers), buffers)


def binaries(values: Sequence[bytes | None]) -> pa.LargeBinaryArray:
    """Byte strings as a large_binary array."""
    try:
        found = cut(SEPARATOR.join(values), SEPARATOR, len(values))
    except TypeError:  # a null
        found = None
    return _one_by_one(values) if found is None else found


def texts(values: Sequence[str | None]) -> pa.StringArray:
    """Texts as a string array. A lone surrogate becomes "?"."""
    try:
        found = cut(SEPARATOR.decode().join(values).encode("utf-8", "replace"), SEPARATOR, len(values))
    except TypeError:  # a null
        found = None
    if found is None:
        found = _one_by_one([None if value is None else value.encode("utf-8", "replace") for value in values])
    return found.cast(pa.string())


def cut(joined: bytes, separator: bytes, number: int) -> pa.LargeBinaryArray | None:
    """The `number` values between separators of one byte. None where one of the values holds the separator, or none is.

    Values that were joined in one call are five times as fast as values one by one.
    """
    ends = np.flatnonzero(np.frombuffer(joined, np.uint8) == separator[0])
    if len(ends) != number - 1:
        return None
    data = joined.replace(separator, b"")
    offsets = np.zeros(number + 1, np.int64)
    offsets[1:-1] = ends - np.arange(len(ends))
    offsets[-1] = len(data)
    return pa.Array.from_buffers(pa.large_binary(), number, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _one_by_one(values: Sequence[bytes | None]) -> pa.LargeBinaryArray:
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum([0 if value is None else len(value) for value in values], out=offsets[1:])
    valid = np.packbits(np.array([value is not None for value in values], bool), bitorder="little")
    data = b"".join(value for value in values if value is not None)
    buffers = [pa.py_buffer(buffer) for buffer in (valid, offsets, data)]
    return pa.Array.from_buffers(pa.large_binary(), len(values), buffers)


@functools.lru_cache(64)  # a separator is asked for with every half megabyte of captions
def binary_scalar(value: bytes) -> pa.BinaryScalar:
    return binaries([value]).cast(pa.binary())[0]


def text_scalar(value: str) -> pa.StringScalar:
    return texts([value])[0]


def is_text(kind: pa.DataType) -> bool:
    """Whether values of this type are strings or bytes, large or not."""
    return pa.types.is_string(kind) or pa.types.is_binary(kind) or is_large(kind)


def is_view(kind: pa.DataType) -> bool:
    """Whether values of this type are strings or bytes as views, as polars writes them into Arrow files."""
    return str(kind) in ("string_view", "binary_view")  # pyarrow 14 has no names for them


def without_views(values: pa.Array) -> pa.Array:
    """Views as strings or bytes with offsets, because few of Arrow's functions take views; other values as they are."""
    if not is_view(values.type):
        return values
    return values.cast(pa.large_string() if str(values.type) == "string_view" else pa.large_binary())


def is_large(kind: pa.DataType) -> bool:
    """Whether values of this type are strings or bytes with 64-bit offsets."""
    return pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
