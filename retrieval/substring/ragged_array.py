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
        before = np.cumsum(lengths) - lengths  # items of the entries before
        return entries, self.items[np.arange(len(entries)) + (self.starts[which] - before)[entries]]


def distinct(numbers: np.ndarray) -> np.ndarray:
    """The distinct values of an integer array (n,), ascending.

    As np.unique, which hashes since numpy 2.3: 30,000 values that are nearly sorted take ten times as long there.
    """
    numbers = np.sort(numbers)
    is_first = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=is_first[1:])
    return numbers[is_first]
