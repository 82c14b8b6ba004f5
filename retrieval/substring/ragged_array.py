"""Many short lists of numbers in one array, so that many of them are looked up at once."""

import numpy as np


class RaggedArray:
    """Compiled from a list of lists."""

    def __init__(self, lists: list[list[int]]):
        self.lengths = np.array([len(items) for items in lists], np.int64)
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.items = np.array([item for items in lists for item in items], np.int64)
        self.are_single = all(len(items) == 1 for items in lists)

    def expand(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The items of the lists that `which` numbers, one after the other: (entries, items), both int64.

        `entries` says for each item from which entry of `which` it comes.
        """
        if self.are_single:
            return np.arange(len(which)), self.items[which]
        lengths = self.lengths[which]
        entries = np.repeat(np.arange(len(which)), lengths)
        nth = np.arange(len(entries)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return entries, self.items[self.starts[which][entries] + nth]
