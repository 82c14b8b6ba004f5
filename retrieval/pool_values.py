"""A pool's values of any type as records hold them: text, exact ids, numbers. One rule for parquet and for databases.

    record_values("WIDTH", pa.array(["512", "wide"]))       # [512, null]
    refused_type("WIDTH", pa.list_(pa.int64()))             # "list<item: int64>, not numbers"

A field has one type in every chunk, so that other tools can load chunks side by side. The ordinary types are returned
unchanged. Safety tags are made in record_columns.tags_of.
"""

import json
import math
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrieval.arrow_values import integers, is_text, is_view, texts
from retrieval.record_columns import plain_value, python_values, safety_tags, widened
from retrieval.record_values import (
    CAPTION_COLUMNS,
    ID_COLUMN,
    SAFETY_COLUMNS,
    SCORE_COLUMNS,
    SIZE_COLUMNS,
    id_of_bytes,
    score_of,
    size_of,
)


def refused_type(ours: str, kind: pa.DataType) -> str | None:
    """What a column holds, and not what the field needs. None where each value can be read."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_null(plain) or is_text(plain) or is_view(kind):
        return None
    is_number = pa.types.is_integer(plain) or pa.types.is_floating(plain) or pa.types.is_decimal(plain)
    if ours in CAPTION_COLUMNS:
        return f"{kind}, not text"
    if ours in SAFETY_COLUMNS:
        return None if is_number or pa.types.is_boolean(plain) else f"{kind}, not tags or scores"
    if ours in SIZE_COLUMNS or ours in SCORE_COLUMNS:
        return None if is_number else f"{kind}, not numbers"
    return None  # an id or a licence of any type is written as text


# ---- Arrow's values ----


def pool_columns(
    columns: dict[str, str], values: dict[str, pa.Array], where: str, has_uuids: bool = False
) -> dict[str, pa.Array]:
    """Some rows' values as records hold them, the captions left out.

    Args:
        columns: our name -> the pool's; values: the pool's name -> the rows' values; where: what a refusal names.

    Raises:
        UserError: a safety value is not understood.
    """
    names = {ours: name for ours, name in columns.items() if ours != "TEXT"}
    found = {ours: record_values(ours, values[name], has_uuids) for ours, name in names.items() if ours != "NSFW"}
    safety = {ours: name for ours, name in names.items() if ours in SAFETY_COLUMNS}
    if safety:
        table = pa.table({name: values[name] for name in safety.values()})
        found["NSFW"] = safety_tags(table, safety, where)
    return found


def record_values(ours: str, values: pa.Array, is_uuid: bool = False) -> pa.Array:
    """One column's values. `is_uuid`: they are UUIDs of 16 bytes."""
    kind = values.type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if ours == ID_COLUMN:
        return _ids(values, plain, is_uuid)
    if ours in SIZE_COLUMNS:
        return values if pa.types.is_integer(plain) or pa.types.is_null(plain) else _sizes(values)
    if ours in SCORE_COLUMNS:
        return _scores(values, plain)
    if is_text(plain) or pa.types.is_null(plain):
        return values
    return _as_text(values)


def _ids(values: pa.Array, plain: pa.DataType, is_uuid: bool) -> pa.Array:
    if pa.types.is_fixed_size_binary(plain) or pa.types.is_binary(plain) or pa.types.is_large_binary(plain):
        return texts([value if value is None else _id_of_bytes(value, is_uuid) for value in values.to_pylist()])
    known = pa.types.is_null(plain) or is_text(plain) or pa.types.is_integer(plain) or pa.types.is_decimal(plain)
    if known or pa.types.is_floating(plain):
        return widened(values)
    return _as_text(values)


def _id_of_bytes(value: bytes, is_uuid: bool) -> str:
    return str(uuid.UUID(bytes=value)) if is_uuid and len(value) == 16 else id_of_bytes(value)


def _sizes(values: pa.Array) -> pa.Array:
    numbers = [size_of(value) for value in python_values(values)]
    valid = integers([number is not None for number in numbers], "uint8").cast(pa.bool_())
    return pc.if_else(valid, integers([number or 0 for number in numbers]), pa.nulls(len(numbers), pa.int64()))


def _scores(values: pa.Array, plain: pa.DataType) -> pa.Array:
    if pa.types.is_null(plain) or plain in (pa.float32(), pa.float64()):
        return values
    return _float_array([score_of(value) for value in python_values(values)])


def _float_array(numbers: list[float | None]) -> pa.Array:
    filled = [math.nan if number is None else float(number) for number in numbers]  # NaN is written as null
    return pa.Array.from_buffers(pa.float64(), len(filled), [None, pa.py_buffer(np.array(filled, np.float64))])


def _as_text(values: pa.Array) -> pa.Array:
    found = [plain_value(value) for value in python_values(values)]
    return texts([
        value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in found
    ])  # fmt: skip
