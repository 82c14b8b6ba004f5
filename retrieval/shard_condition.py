"""--where on the rows of one shard, whatever its format is."""

import contextlib

import numpy as np

from retrieval.batch import Batch
from retrieval.row_condition import Judge, own_names, parse_condition
from retrieval.shard import Shard
from retrieval.shards import caption_batches, own_kinds, own_values, with_own


class ShardCondition:
    """A condition on the rows of one shard. Read `shard`: its batches give the columns that the condition needs.

    Raises:
        ConditionError: the condition is none, or the shard lacks a column that it names.
    """

    def __init__(self, shard: Shard, text: str):
        condition = parse_condition(text)
        self.shard = with_own(shard, own_names(condition, list(shard.names), f"shard {shard.path}").values())
        self._kinds = own_kinds(self.shard)
        self._judge = Judge(condition, f"shard {shard.path}")

    def check(self) -> None:
        """Refuse a condition that cannot be evaluated on columns of these types.

        Raises:
            ConditionError: with the reason.
        """
        with contextlib.closing(caption_batches(self.shard)) as batches:
            batch = next((batch for batch in batches if len(batch.rows)), None)
            if batch is not None:
                self._judge.check_types(own_values(batch, np.zeros(1, np.int64), self._kinds))

    def holds(self, batch: Batch, positions: np.ndarray) -> np.ndarray:
        """Whether it holds in these rows of a batch (ascending): bool (n,). Each batch is asked once.

        Raises:
            UserError: a value that it cannot be evaluated on.
        """
        return self._judge.holds(own_values(batch, positions, self._kinds))
