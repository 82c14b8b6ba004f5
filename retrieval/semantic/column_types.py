"""One type for the values of a column whose files have several: a record's field has one type in every file we write.

Ordinary columns (text, whole numbers, floats, bools, of one type in all files) pass through untouched.
"""

import json
import uuid

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import is_text, texts
from retrieval.record_columns import plain_value, python_values, valid_utf8

UUID_BYTES = 16


def plain_type(kind: pa.DataType) -> pa.DataType:
    """What a type's values are given as: dictionaries and extensions as what they hold, bytes as text."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if is_text(kind) or pa.types.is_fixed_size_binary(kind) or str(kind) in ("string_view", "binary_view"):
        return pa.string()
    return pa.float32() if pa.types.is_float16(kind) else kind


def common_type(kinds: list[pa.DataType], exact: bool) -> pa.DataType:
    """One type that holds the values of all these plain types. `exact`: ids, which never become floats."""
    kinds = list(dict.fromkeys(kind for kind in kinds if not pa.types.is_null(kind)))
    if len(kinds) < 2:
        return kinds[0] if kinds else pa.string()
    if all(map(pa.types.is_integer, kinds)):
        unsigned = pa.uint64() in kinds and any(map(pa.types.is_signed_integer, kinds))
        return pa.decimal128(20, 0) if unsigned else pa.uint64() if pa.uint64() in kinds else pa.int64()
    if all(pa.types.is_integer(kind) or pa.types.is_decimal(kind) and kind.scale == 0 for kind in kinds):
        return pa.decimal128(38, 0)
    if not exact and all(map(_is_number, kinds)):
        return pa.float64()
    return pa.string()


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def of_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values of any type as `kind`, which `common_type` made of their plain type and others."""
    if values.type == kind:
        return values
    if isinstance(values.type, pa.BaseExtensionType):
        return of_type(values.storage, kind)
    if pa.types.is_dictionary(values.type):
        return of_type(values.dictionary_decode(), kind)
    if pa.types.is_float16(values.type):
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float32)
        return of_type(pa.array(numbers, pa.float32(), mask=values.is_null().to_numpy(zero_copy_only=False)), kind)
    if pa.types.is_string(kind):
        return _as_text(values)
    return values.cast(kind, safe=not pa.types.is_floating(kind))  # a whole number beyond 2**53 is rounded


def _as_text(values: pa.Array) -> pa.Array:
    """UUIDs as they are written, other bytes of fixed length in hexadecimal, lists as JSON."""
    kind = values.type
    if pa.types.is_fixed_size_binary(kind):
        is_uuid = kind.byte_width == UUID_BYTES
        return texts(
            [value and (str(uuid.UUID(bytes=value)) if is_uuid else value.hex()) for value in values.to_pylist()]
        )
    if is_text(kind):
        return valid_utf8(values)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind):
        return values.cast(pa.string())
    return texts([_written(value) for value in python_values(values)])


def _written(value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    plain = plain_value(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
