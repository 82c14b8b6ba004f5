"""AND, OR and NOT over many captions and many queries at once.

    trees = QueryTrees(plans)                                       # query_plans.Plan, each more than a phrase
    which, entries = trees.select(rows, numbers, found)             # of these (row, plan) pairs, those that hold

All nodes of one height are worked out together, from the phrases up: a node holds in a caption where enough of its
parts do. So a batch takes some ten operations on arrays per height, and not some per query: with eight hundred
queries those take as long as decoding the captions.
"""

import numpy as np

from retrieval.queries import And, Not, Or
from retrieval.substring.hits import PhraseHits
from retrieval.substring.ragged_array import RaggedArray

BLOCK_PHRASES = 1 << 18  # phrases looked up at once; a batch of web captions takes a tenth of it


class QueryTrees:
    """Compiled plans. The nodes of all of them are numbered in one sequence."""

    def __init__(self, plans: list):
        self._rows_of_table: list[tuple[int, int, int, int, int, bool, int]] = []
        leaves: dict[tuple[int, int], list[int]] = {}  # (plan, phrase) -> the nodes with that phrase
        for number, plan in enumerate(plans):
            first = len(self._rows_of_table)
            self._add(plan, -1, 0)
            for node, (*_, phrase) in enumerate(self._rows_of_table[first:], first):
                if phrase >= 0:
                    leaves.setdefault((number, phrase), []).append(node)
        # A root has parent -1. That is the last row, which is no node and has no height.
        table = np.array([*self._rows_of_table, (-1, 0, 0, 0, 0, False, -1)], np.int64).T
        self._parent, self._rank, self._height, self._fewest, self._most, self._needs_first, self._phrase = table
        self._ranks = 1 + int(self._rank.max())
        self.phrases = sorted({int(phrase) for phrase in self._phrase} - {-1})  # of all plans
        self._phrases = 1 + int(self._phrase.max())
        places = sorted(leaves)
        self._leaf_keys = np.array([number * self._phrases + phrase for number, phrase in places], np.int64)
        self._nodes_of_leaf = RaggedArray([leaves[place] for place in places])

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

    def select(self, rows: np.ndarray, numbers: np.ndarray, found: PhraseHits) -> tuple[np.ndarray, np.ndarray]:
        """Of the pairs of a row and a plan, those where the plan holds.

        Args:
            rows, numbers: int64 (pairs,), the plans by number.
            found: the phrases that hold in these rows, in no particular order within a row.

        Returns:
            tuple: positions of the pairs, ascending; for each the entry of `found` with the phrase that made it hold.
        """
        firsts = np.searchsorted(found.row, rows)
        lengths = np.searchsorted(found.row, rows, "right") - firsts
        block_of = np.cumsum(lengths) // BLOCK_PHRASES
        edges = [0, *(np.flatnonzero(np.diff(block_of)) + 1).tolist(), len(rows)]
        held = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        for first, end in zip(edges[:-1], edges[1:], strict=True):
            part = slice(first, end)
            which, entries = self._select_block(numbers[part], firsts[part], lengths[part], found.phrase)
            held.append((which + first, entries))
        return np.concatenate([which for which, _ in held]), np.concatenate([entries for _, entries in held])

    def _select_block(self, numbers, firsts, lengths, phrases) -> tuple[np.ndarray, np.ndarray]:
        pairs = np.repeat(np.arange(len(numbers)), lengths)
        entries = np.arange(len(pairs)) + (firsts - (np.cumsum(lengths) - lengths))[pairs]
        wanted = numbers[pairs] * self._phrases + phrases[entries]
        leaves = np.minimum(np.searchsorted(self._leaf_keys, wanted), len(self._leaf_keys) - 1)
        is_leaf = np.flatnonzero((self._leaf_keys[leaves] == wanted) & (phrases[entries] < self._phrases))
        chosen, nodes = self._nodes_of_leaf.expand(leaves[is_leaf])
        pairs, entries = pairs[is_leaf][chosen], entries[is_leaf][chosen]
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
