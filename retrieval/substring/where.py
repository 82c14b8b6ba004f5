"""--where in the scan of a shard: which hits are kept."""

import numpy as np

from retrieval.batch import Batch
from retrieval.shard import Shard
from retrieval.shard_condition import ShardCondition
from retrieval.substring.hits import Hits


class Where:
    """Keeps the hits in rows where the condition holds. Scan `condition.shard`.

    Raises:
        ConditionError: the condition is none, or the shard lacks a column that it names.
    """

    def __init__(self, shard: Shard, text: str):
        self.condition = ShardCondition(shard, text)
        self.dropped = 0  # rows

    def kept(self, batch: Batch, hits: Hits) -> Hits:
        """The rows of one batch after the other, each batch once.

        Raises:
            UserError: a value that it cannot be evaluated on.
        """
        rows, row_of_hit = np.unique(hits.row, return_inverse=True)
        if not len(rows):
            return hits
        holds = self.condition.holds(batch, rows)
        self.dropped += int(np.count_nonzero(~holds))
        return hits.take(holds[row_of_hit])
