"""A pool's own values as Arrow arrays that an expression can compare: typed where the file has no types."""

import json

import pyarrow as pa

from retrieval.arrow_values import is_text
from retrieval.record_columns import valid_utf8, widened

NUMBER, TEXT, BOOL = "number", "text", "bool"


def comparable(values: pa.Array) -> pa.Array:
    """Arrow's values of a pool: bytes as text, dictionaries decoded, float16 widened."""
    values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    if is_text(values.type):
        return valid_utf8(values)
    return widened(values)


def kind_of(sample: list) -> str:
    """What the values of a column of text or of a database are: numbers, also as text, or true and false, or text."""
    values = [value for value in sample if value is not None and value != "" and value != b""]
    if values and all(isinstance(value, bool) for value in values):
        return BOOL
    return NUMBER if values and all(_number(value) is not None for value in values) else TEXT


def typed(values: list, kind: str) -> pa.Array:
    """Python's values as an array of the kind; null where one is of another kind."""
    if kind == BOOL:
        return pa.array([value if isinstance(value, bool) else None for value in values], pa.bool_())
    if kind == NUMBER:
        numbers = [_number(value) for value in values]
        whole = all(number is None or (isinstance(number, int) and abs(number) < 2**63) for number in numbers)
        return pa.array(numbers if whole else [n if n is None else float(n) for n in numbers],
                        pa.int64() if whole else pa.float64())  # fmt: skip
    return pa.array([_text(value) for value in values], pa.string())


def _number(value) -> int | float | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        for read in (int, float):
            try:
                return read(value)
            except ValueError:
                continue
        return None
    return value if isinstance(value, (int, float)) else None


def _text(value) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
