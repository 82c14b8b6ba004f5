"""Which of many images may show what a given one shows, by votes of local features.

Two features of one corner differ in few of their 256 bits. Tables list all features by some of their bits each
(locality sensitive hashing), and an image's features vote for the images whose features are in the same lists. Votes
count together where the features are turned against one another by the same angle (weak geometric consistency, Jégou et
al. 2008): that halves the votes for unrelated images, and leaves those for copies.
"""

import numpy as np

from retrieval.download.lookalikes_features import Features

TABLES = 4
# 1 million lists per table: the 4 million features of 10,000 images are 4 per list. Copies' features share the 20 bits
# of one table in one of ten cases, unrelated ones in one of a million.
TABLE_BITS = 20
LONGEST_LIST = 100  # features; longer lists hold what many images have, such as straight edges
TURN_BITS = 3  # turns are told apart to 45 degrees, the first from -22.5 to 22.5
FEWEST_VOTES = 8
MOST_CANDIDATES = 5
SEED = 0
BLOCK = 100_000  # features whose lists are looked up at once: 50 MB


class VoteTables:
    """The tables of all features of many images: 20 bytes per feature."""

    def __init__(self, codes: np.ndarray, angles: np.ndarray, begins: np.ndarray):
        """
        Args:
            codes: uint8 (features, 32).
            angles: uint8 (features,), where 256 are a full turn.
            begins: int64 (images + 1,), the first feature of each image.
        """
        self.images = len(begins) - 1
        self.bits = np.random.default_rng(SEED).permuted(np.tile(np.arange(256), (TABLES, 1)), axis=1)[:, :TABLE_BITS]
        members = np.repeat(np.arange(self.images, dtype=np.uint32), np.diff(begins)) << 8 | angles
        self.begins = np.empty((TABLES, (1 << TABLE_BITS) + 1), np.int64)
        self.members = np.empty((TABLES, len(codes)), np.uint32)  # image and angle, list after list
        for table in range(TABLES):
            lists = np.concatenate(
                [self._lists(codes[at : at + BLOCK], table) for at in range(0, len(codes), BLOCK)] or [[]]
            ).astype(np.int64)
            self.members[table] = members[np.argsort(lists, kind="stable")]
            sizes = np.bincount(lists, minlength=1 << TABLE_BITS)
            self.begins[table] = np.concatenate([[0], np.cumsum(sizes)])

    def candidates(self, image: Features) -> list[int]:
        """The numbers of at most MOST_CANDIDATES images, those with most votes first."""
        found = [self._votes(image, table) for table in range(TABLES)]
        votes = np.bincount(np.concatenate(found), minlength=self.images << TURN_BITS)
        of_turns = (votes >= FEWEST_VOTES).nonzero()[0]
        best = of_turns[np.argsort(-votes[of_turns], kind="stable")] >> TURN_BITS
        return list(dict.fromkeys(best.tolist()))[:MOST_CANDIDATES]

    def _votes(self, image: Features, table: int) -> np.ndarray:
        """int64 (votes,): image and turn that each member of the features' lists votes for."""
        lists = self._lists(image.codes, table)
        begins = self.begins[table, lists]
        sizes = self.begins[table, lists + 1] - begins
        sizes[sizes > LONGEST_LIST] = 0
        ends = np.cumsum(sizes)
        members = self.members[table, np.repeat(begins - ends + sizes, sizes) + np.arange(ends[-1] if len(ends) else 0)]
        half = 256 >> TURN_BITS + 1
        turns = (np.repeat(image.angles, sizes) - members.astype(np.uint8) + np.uint8(half)) >> 8 - TURN_BITS
        return (members.astype(np.int64) >> 8 << TURN_BITS) | turns

    def _lists(self, codes: np.ndarray, table: int) -> np.ndarray:
        """int64 (features,): the list of each feature in a table."""
        bits = np.unpackbits(codes, axis=1)[:, self.bits[table]]
        return np.packbits(bits, axis=1, bitorder="little").astype(np.int64) @ (1 << 8 * np.arange(-(-TABLE_BITS // 8)))
