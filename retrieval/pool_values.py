"""A pool's values of any type as records hold them: text, exact ids, numbers. One rule for parquet and for databases.

    record_values("WIDTH", pa.array(["512", "wide"]))       # [512, null]
    refused_type("WIDTH", pa.list_(pa.int64()))             # "list<item: int64>, not numbers"

A field has one type in every chunk, so that other tools can load chunks side by side. The ordinary types are returned
unchanged. Safety tags are made in record_columns.tags_of.
"""

import json
import math
import re
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrieval.arrow_values import integers, is_text, texts
from retrieval.record_columns import plain_value, python_values, safety_tags, widened

ID_COLUMN = "SAMPLE_ID"
SIZE_COLUMNS = ("HEIGHT", "WIDTH")
INTEGER_COLUMNS = (ID_COLUMN, *SIZE_COLUMNS)  # pandas stores them as floats where one is null
SCORE_COLUMNS = ("similarity", "punsafe")
SAFETY_COLUMNS = ("NSFW", "punsafe")
CAPTION_COLUMNS = ("URL", "TEXT")
LARGEST_SIZE = 2**63  # of an image's side in an Arrow integer
_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,18}))(?:\.0+)?")  # at most 19 digits: longer ones are hex ids


def refused_type(ours: str, kind: pa.DataType) -> str | None:
    """What a column holds, and not what the field needs. None where each value can be read."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_null(plain) or is_text(plain):
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
    """Text that is stored as bytes, or the bytes of a hash or UUID in hex digits, as people write them."""
    if is_uuid and len(value) == 16:
        return str(uuid.UUID(bytes=value))
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()  # one hash of 16 bytes in a million is printable too


def _sizes(values: pa.Array) -> pa.Array:
    numbers = [_size(value) for value in python_values(values)]
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


# ---- Python's values: an FTS table keeps whatever type was inserted ----


def record_list(ours: str, values: list) -> list:
    """One column of a database. Most have values of one type only, and are returned unchanged."""
    kinds = set(map(type, values)) - {type(None)}
    if ours == ID_COLUMN:
        return values if kinds <= {int} else [_whole_number(value) for value in values]
    if ours in SIZE_COLUMNS:
        return values if kinds <= {int} else [_size(value) for value in values]
    if ours in SCORE_COLUMNS:
        plain = kinds <= {float} and None not in values and all(map(math.isfinite, values))
        return values if plain else [score_of(value) for value in values]
    return values if kinds <= {str} else [value if value is None else text_of(value) for value in values]


def text_of(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _whole_number(value: Any) -> Any:
    """An integer that may be stored as text or as a float. Ids in text never become floats. Hex ids stay text."""
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value.is_integer() else value
    if isinstance(value, bytes):
        value = _id_of_bytes(value, False)
    if not isinstance(value, str):
        return value
    match = _WHOLE_NUMBER.fullmatch(value)
    return int(match[1]) if match else value or None


def _size(value: Any) -> int | None:
    """An image's height or width, also from text, in whole pixels. None where it is no number."""
    number = _whole_number(value)
    number = score_of(number) if isinstance(number, str | Decimal) else number
    known = number is not None and math.isfinite(number) and abs(number) < LARGEST_SIZE
    return round(number) if known else None


def score_of(value: Any) -> float | None:
    """A score that may be stored as text. None where it is no finite number."""
    try:
        score = None if value is None else float(value)
    except ValueError:
        return None
    return score if score is not None and math.isfinite(score) else None
