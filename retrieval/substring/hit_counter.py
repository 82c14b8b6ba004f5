"""Counts of one shard's hits. Standard library only."""

from collections import Counter
from collections.abc import Iterable

from retrieval.example_records import KNOWN_PLACES


class HitCounter:
    """Counts of one shard's hits, added batch by batch."""

    def __init__(self):
        self.captions = 0
        self.rows, self.lost, self.first_lost = 0, 0, ""  # read in batches, and those of them that cannot be read
        self.where = None  # a retrieval.substring.where.Where
        self.records, self.inside, self.phrases = Counter(), Counter(), Counter()
        self.bytes, self.places = 0, {}  # of the hit file; of each class the bytes where its first records begin

    def note(self, batch) -> None:
        """Count the rows of a Batch that was read."""
        self.rows += len(batch.rows)
        self.lost += batch.lost
        self.first_lost = self.first_lost or batch.first_lost

    def add(self, captions: int, found: Iterable[tuple[int, str | None, int]], inside: Iterable[int] = ()) -> None:
        """Count hits.

        Args:
            captions: matched rows; found: (query, MATCHED, number of hits); inside: the query of each hit inside words.
        """
        self.captions += captions
        for query, phrase, number in found:
            self.records[query] += number
            if phrase is not None:
                self.phrases[query, phrase] += number
        self.inside.update(inside)

    def note_places(self, found: Iterable[tuple[int, int]], length: int) -> None:
        """Where lines begin.

        Args:
            found: (query, the byte where its line begins, counted from the first of these lines), in order; those of
                `full` classes may be left out. length: bytes of all these lines.
        """
        for query, start in found:
            places = self.places.setdefault(query, [])
            if len(places) < KNOWN_PLACES:
                places.append(self.bytes + start)
        self.bytes += length

    @property
    def full(self) -> list[int]:
        """The classes whose places are all known."""
        return [query for query, places in self.places.items() if len(places) == KNOWN_PLACES]

    def counts(self) -> dict:
        classes = {
            str(query): {"records": number, "inside": self.inside[query], "phrases": {}}
            for query, number in sorted(self.records.items())
        }
        for (query, phrase), number in sorted(self.phrases.items()):
            classes[str(query)]["phrases"][phrase] = number
        where = {} if self.where is None else {"dropped_by_where": self.where.dropped}
        lost = {"lost_rows": self.lost, "first_lost": self.first_lost} if self.lost else {}
        counts = {"captions": self.captions, "records": sum(self.records.values()), "classes": classes}
        return counts | {"places": self.places} | where | lost
