"""Which of many images may show what a given one shows, by votes of local features.

Two features of one corner differ in few of their 256 bits. Tables list all features by some of their bits each
(locality sensitive hashing), and an image's features vote for the images whose features are in the same lists. Votes
count together where the features are turned against one another by the same angle (weak geometric consistency, Jégou et
al. 2008): that halves the votes for unrelated images, and leaves those for copies.
"""

import numpy as np

from retrieval.download.lookalikes_features import Features

TABLES = 4
# 1 million lists per table: the 6 million features of 10,000 images and their mirror images are 6 per list. Features of
# copies share the bits of one table in one of ten cases, unrelated ones in one of a million.
TABLE_BITS = 20
SHORT_LIST_BITS = 3  # with more than 8 features per list on average, there are more lists
LONGEST_LIST = 200  # features; longer lists hold what many images have, such as straight edges
TURN_BITS = 3  # turns are told apart to 45 degrees, the first from -22.5 to 22.5
FEWEST_VOTES = 8
MOST_CANDIDATES = 5
SEED = 0
BLOCK = 100_000  # features whose lists are computed at once: 50 MB


class VoteTables:
    """The tables of all features of many images: 16 bytes per feature."""

    def __init__(self, codes: np.ndarray, angles: np.ndarray, begins: np.ndarray):
        """
        Args:
            codes: uint8 (features, 32).
            angles: uint8 (features,), where 256 are a full turn.
            begins: int64 (images + 1,), the first feature of each image.
        """
        self.images = len(begins) - 1
        table_bits = max(TABLE_BITS, len(codes).bit_length() - SHORT_LIST_BITS)
        every = np.tile(np.arange(256), (TABLES, 1))
        self.bits = np.random.default_rng(SEED).permuted(every, axis=1)[:, :table_bits]
        lists = np.empty((TABLES, len(codes)), np.uint32)
        for at in range(0, len(codes), BLOCK):
            lists[:, at : at + BLOCK] = self._lists(codes[at : at + BLOCK])
        members = np.repeat(np.arange(self.images, dtype=np.uint32), np.diff(begins)) << 8 | angles
        self.begins = np.zeros((TABLES, (1 << table_bits) + 1), np.int64)
        self.members = np.empty((TABLES, len(codes)), np.uint32)  # image and angle, list after list
        for table in range(TABLES):
            self.members[table] = members[np.argsort(lists[table], kind="stable")]
            np.cumsum(np.bincount(lists[table], minlength=1 << table_bits), out=self.begins[table, 1:])

    def candidates(self, image: Features) -> list[int]:
        """The numbers of at most MOST_CANDIDATES images, those with most votes first."""
        found = [self._votes(image, table, lists) for table, lists in enumerate(self._lists(image.codes))]
        votes = np.bincount(np.concatenate(found), minlength=self.images << TURN_BITS)
        of_turns = (votes >= FEWEST_VOTES).nonzero()[0]
        best = of_turns[np.argsort(-votes[of_turns], kind="stable")] >> TURN_BITS
        return list(dict.fromkeys(best.tolist()))[:MOST_CANDIDATES]

    def _votes(self, image: Features, table: int, lists: np.ndarray) -> np.ndarray:
        """int64 (votes,): image and turn that each member of the features' lists votes for."""
        begins = self.begins[table, lists]
        sizes = self.begins[table, lists + 1] - begins
        sizes[sizes > LONGEST_LIST] = 0
        ends = np.cumsum(sizes)
        members = self.members[table, np.repeat(begins - ends + sizes, sizes) + np.arange(sizes.sum())]
        half = 256 >> TURN_BITS + 1
        turns = (np.repeat(image.angles, sizes) - members.astype(np.uint8) + np.uint8(half)) >> 8 - TURN_BITS
        return (members.astype(np.int64) >> 8 << TURN_BITS) | turns

    def _lists(self, codes: np.ndarray) -> np.ndarray:
        """int64 (TABLES, features): the list of each feature in each table."""
        bits = np.unpackbits(codes, axis=1)[:, self.bits]
        parts = np.packbits(bits, axis=2, bitorder="little").astype(np.int64)
        return (parts @ (1 << 8 * np.arange(parts.shape[2]))).T
