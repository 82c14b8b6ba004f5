"""Batches whose rows are in memory already, and the columns that records need of them: Arrow's values, or Python's."""

import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from retrieval.arrow_values import integers, texts
from retrieval.batch import Batch
from retrieval.cli import UserError
from retrieval.columns import ALIASES, UNSAFE_SCORES, shown_names
from retrieval.pool_values import pool_columns
from retrieval.record_values import ID_COLUMN, python_columns, text_of
from retrieval.shard import Shard

SAFETY = {"NSFW", "punsafe"}
SAFETY_NAMES = {*ALIASES["NSFW"], *UNSAFE_SCORES}


# ---- Arrow's values ----


def held_batch(shard: Shard, first: int, values: dict[str, pa.Array]) -> Batch:
    """The rows from number `first` on, whose columns are `values` (the file's name -> an array)."""
    captions = values[shard.columns["TEXT"]]
    captions = captions.cast(pa.string()) if pa.types.is_null(captions.type) else captions
    values = values | {shard.columns["TEXT"]: captions}
    rows = np.arange(first, first + len(captions))
    fetch, own = (functools.partial(take, shard, values) for take in (taken_columns, own_columns))
    return Batch(rows, captions, fetch, own)


def taken_columns(shard: Shard, values: dict[str, pa.Array], positions: np.ndarray) -> dict[str, pa.Array]:
    """The records' columns of some rows."""
    which = integers(positions)
    taken = {name: values[name].take(which) for name in dict.fromkeys(shard.columns.values())}
    return pool_columns(shard.columns, taken, f"shard {shard.path}") | {"TEXT": taken[shard.columns["TEXT"]]}


def own_columns(shard: Shard, values: dict[str, pa.Array], positions: np.ndarray) -> dict[str, pa.Array]:
    """Batch.own where the batch's columns are in memory."""
    return {name: values[name].take(integers(positions)) for name in shard.own}


# ---- Python's values ----


def object_batch(shard: Shard, first: int, rows: Sequence[dict | None], first_lost: str) -> Batch:
    """The rows from number `first` on: objects of JSON, None for one that cannot be read."""
    caption = shard.columns["TEXT"]
    captions = [None if row is None else row.get(caption) for row in rows]
    captions = [value if value is None or isinstance(value, str) else text_of(value) for value in captions]
    return Batch(
        np.arange(first, first + len(rows)),
        texts(captions),
        lambda positions: object_columns(shard, [rows[position] or {} for position in positions.tolist()]),
        lambda positions: own_of_objects(shard, [rows[position] or {} for position in positions.tolist()]),
        sum(row is None for row in rows),
        first_lost,
    )


def object_columns(shard: Shard, rows: Sequence[dict]) -> dict[str, list]:
    """The records' columns of these rows. Ids that are text stay text.

    Raises:
        UserError: a safety value that is not understood, or that no earlier record has shown: it would be lost.
    """
    if not SAFETY & shard.columns.keys():
        refuse_late_safety(shard, rows)
    found = python_columns(shard, {ours: [row.get(name) for row in rows] for ours, name in shard.columns.items()})
    if ID_COLUMN in found:
        own = [row.get(shard.columns[ID_COLUMN]) for row in rows]
        found[ID_COLUMN] = [
            value if isinstance(value, str) else whole for value, whole in zip(own, found[ID_COLUMN], strict=True)
        ]
    return found


def refuse_late_safety(shard: Shard, rows: Sequence[dict]) -> None:
    """Objects need not have all keys: those of the first records are the columns."""
    late = next((key for row in rows for key in row if key.lower() in SAFETY_NAMES), None)
    if late is not None:
        raise UserError(
            f"shard {shard.path}: some records have a safety column {shown_names([late])} that the first ones lack, so "
            "it would not be read: give the first record all keys"
        )


def own_of_objects(shard: Shard, rows: Sequence[dict]) -> dict[str, list]:
    return {name: [row.get(name) for row in rows] for name in shard.own}
