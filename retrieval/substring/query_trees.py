"""AND, OR and NOT over many captions and many queries at once.

    trees = QueryTrees(plans)                                       # query_plans.Plan, each more than a phrase
    which, entries = trees.select(rows, numbers, keys, phrases)     # of these (row, plan) pairs, those that hold

All nodes of one height are worked out together, from the phrases up: a node holds in a caption where enough of its
parts do. So a batch takes some ten operations on arrays per height, and not some per query: with eight hundred
queries those take as long as decoding the captions.
"""

from collections.abc import Iterator

import numpy as np

from retrieval.queries import And, Not, Or
from retrieval.substring.ragged_array import RaggedArray

BLOCK_PHRASES = 1 << 18  # phrases looked up at once; a batch of web captions takes a tenth of it


class QueryTrees:
    """Compiled plans. The nodes of all of them are numbered in one sequence."""

    def __init__(self, plans: list):
        self._rows_of_table: list[tuple[int, int, int, int, int, bool, int]] = []
        leaves = []
        for plan in plans:
            first = len(self._rows_of_table)
            self._add(plan, -1, 0)
            leaves.append([first + n for n, node in enumerate(self._rows_of_table[first:]) if node[-1] >= 0])
        # A root has parent -1. That is the last row, which is no node and has no height.
        table = np.array([*self._rows_of_table, (-1, 0, 0, 0, 0, False, -1)], np.int64).T
        self._parent, self._rank, self._height, self._fewest, self._most, self._needs_first, self._phrase = table
        self._leaves = RaggedArray(leaves)
        self._ranks = 1 + int(self._rank.max())
        self.phrases = sorted({int(phrase) for phrase in self._phrase} - {-1})  # of all plans

    def _add(self, plan, parent: int, rank: int) -> int:
        """Append the plan's nodes. Its height: 0 for a phrase."""
        node, parts = len(self._rows_of_table), ()
        fewest, most, needs_first, phrase = 0, 0, False, -1
        match plan:
            case int():
                phrase = plan
            case And(parts):
                fewest = most = len(parts)
            case Or(parts):
                fewest, most = 1, len(parts)
            case Not(wanted, unwanted):
                parts, fewest, most, needs_first = (wanted, unwanted), 1, 1, True
        self._rows_of_table.append(())  # its place; its parts come first
        height = max((1 + self._add(part, node, number) for number, part in enumerate(parts)), default=0)
        self._rows_of_table[node] = (parent, rank, height, fewest, most, needs_first, phrase)
        return height

    def select(
        self, rows: np.ndarray, numbers: np.ndarray, keys: np.ndarray, phrases: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of the pairs of a row and a plan, those where the plan holds.

        Args:
            rows, numbers: int64 (pairs,), the plans by number.
            keys: int64, ascending: row * phrases + phrase, for each phrase that holds in a row.

        Returns:
            tuple: positions of the pairs, ascending; for each the position in `keys` of the phrase that made it hold.
        """
        found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        for first, end in self._blocks(numbers):
            which, entries = self._select_block(rows[first:end], numbers[first:end], keys, phrases)
            found.append((which + first, entries))
        return np.concatenate([which for which, _ in found]), np.concatenate([entries for _, entries in found])

    def _blocks(self, numbers: np.ndarray) -> Iterator[tuple[int, int]]:
        """The pairs in blocks of about BLOCK_PHRASES phrases: (first, end)."""
        block_of = np.cumsum(self._leaves.lengths[numbers]) // BLOCK_PHRASES
        edges = [0, *(np.flatnonzero(np.diff(block_of)) + 1).tolist(), len(numbers)]
        return zip(edges[:-1], edges[1:], strict=True)

    def _select_block(self, rows, numbers, keys, phrases) -> tuple[np.ndarray, np.ndarray]:
        pairs, nodes = self._leaves.expand(numbers)
        wanted = rows[pairs] * phrases + self._phrase[nodes]
        entries = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        held = keys[entries] == wanted
        pairs, nodes, entries = pairs[held], nodes[held], entries[held]
        for height in range(1, int(self._height.max()) + 1):
            now = self._height[self._parent[nodes]] == height
            done = self._hold(pairs[now], nodes[now], entries[now])
            pairs, nodes, entries = (
                np.concatenate([before[~now], after])
                for before, after in zip((pairs, nodes, entries), done, strict=True)
            )
        order = np.argsort(pairs, kind="stable")
        return pairs[order], entries[order]

    def _hold(self, pairs, nodes, entries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The parents that hold, where these nodes do: pairs, parents, and the entries of their first parts."""
        parents = self._parent[nodes]
        order = np.argsort((pairs * len(self._parent) + parents) * self._ranks + self._rank[nodes], kind="stable")
        pairs, parents, ranks = pairs[order], parents[order], self._rank[nodes[order]]
        is_first = np.ones(len(order), bool)
        is_first[1:] = (np.diff(pairs) != 0) | (np.diff(parents) != 0)
        firsts = np.flatnonzero(is_first)
        number = np.diff(firsts, append=len(order))  # of parts that hold
        parents = parents[firsts]
        enough = (number >= self._fewest[parents]) & (number <= self._most[parents])
        enough &= (ranks[firsts] == 0) | (self._needs_first[parents] == 0)
        return pairs[firsts][enough], parents[enough], entries[order[firsts]][enough]
