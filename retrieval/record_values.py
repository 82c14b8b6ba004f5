"""Python's values as records hold them: text, exact ids, numbers, safety tags. Standard library only.

    record_list("WIDTH", ["512", "wide"])           # [512, None]

An FTS table keeps whatever type was inserted, and JSON has any. pool_values.py does the same for Arrow's values.
"""

import math
import re
from decimal import Decimal
from typing import Any

from retrieval.safety import NSFW, UNLIKELY, UNSURE, safety_tags_of
from retrieval.shard import Shard

ID_COLUMN = "SAMPLE_ID"
SIZE_COLUMNS = ("HEIGHT", "WIDTH")
INTEGER_COLUMNS = (ID_COLUMN, *SIZE_COLUMNS)  # pandas stores them as floats where one is null
SCORE_COLUMNS = ("similarity", "punsafe")
SAFETY_COLUMNS = ("NSFW", "punsafe")
CAPTION_COLUMNS = ("URL", "TEXT")
LARGEST_SIZE = 2**63  # of an image's side in an Arrow integer
_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]{0,18}))(?:\.0+)?")  # at most 19 digits: longer ones are hex ids
TAGS = {NSFW, UNSURE, UNLIKELY}


def python_columns(shard: Shard, found: dict[str, list]) -> dict[str, list]:
    """Columns of Python's values (our name -> one per row) as records hold them."""
    columns = {ours: record_list(ours, column) for ours, column in found.items() if ours != "NSFW"}
    for ours in ("NSFW", "punsafe"):
        if ours in found and ("NSFW" not in columns or None in columns["NSFW"]):
            tags = _tags(found[ours], f"shard {shard.path}: column {shard.columns[ours]}")
            earlier = columns.get("NSFW", [None] * len(tags))
            columns["NSFW"] = [first or second for first, second in zip(earlier, tags, strict=True)]
    return columns


def _tags(values: list, where: str) -> list[str | None]:
    return values if set(map(type, values)) == {str} and set(values) <= TAGS else safety_tags_of(values, where)


def record_list(ours: str, values: list) -> list:
    """One column of a database. Most have values of one type only, and are returned unchanged."""
    kinds = set(map(type, values)) - {type(None)}
    if ours == ID_COLUMN:
        return values if kinds <= {int} else [_whole_number(value) for value in values]
    if ours in SIZE_COLUMNS:
        return values if kinds <= {int} else [size_of(value) for value in values]
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
        value = id_of_bytes(value)
    if not isinstance(value, str):
        return value
    match = _WHOLE_NUMBER.fullmatch(value)
    return int(match[1]) if match else value or None


def size_of(value: Any) -> int | None:
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


def id_of_bytes(value: bytes) -> str:
    """Text that is stored as bytes, or the bytes of a hash in hex digits, as people write them."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()  # one hash of 16 bytes in a million is printable too
