"""The counts of a substring run, and its last lines."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from retrieval.cli import say, say_always, say_more
from retrieval.example_records import KNOWN_PLACES
from retrieval.records import BLOCK_BYTES, LINE_END
from retrieval.remote_traffic import bytes_moved
from retrieval.substring.class_table import class_table
from retrieval.substring.search_units import Search, Unit
from retrieval.written_names import most_written, rows_per_name

MOSTLY_INSIDE = 0.5  # the summary names a class when more than this share of its matches is inside longer words
FEWEST_MATCHES = 5  # and when it has at least this many matches
LISTED_CLASSES = 12  # classes that the summary lists before "and … more": one line or two


class Tally:
    """Counts the records while they pass from the shards' hit files to the chunks."""

    def __init__(self, search: Search, synonyms: Mapping[str, Sequence[str]]):
        """`synonyms`: class -> names that people write for it."""
        self.synonyms = synonyms
        self.quantity = search.quantity
        self.scanned, self.rows, self.captions = 0, 0, 0
        self.missing: dict[str, str] = {}
        self.dropped: int | None = None  # rows that match and for which --where does not hold
        self.lost: dict[str, list] = {}  # shard -> [rows that cannot be read, which is the first]
        self.records = dict.fromkeys(search.classes, 0)
        self.matched, self.inside = Counter(), Counter()
        self.phrases = {name: Counter() for name in search.classes}
        self.bytes = 0  # of the records that were passed on
        self.places: dict[str, list[int]] | None = None if search.quantity else {}

    def pass_on(self, scanned: Iterator[tuple[Unit, dict | str]]) -> Iterator:
        """The encoded records in order, as `write_chunks` takes them: whole hit files.

        With -n only the lines up to n per class, and no shard after all classes are full.
        """
        with contextlib.closing(scanned):
            for unit, counts in scanned:
                if isinstance(counts, str):
                    self.missing[unit.shard] = counts
                    continue
                self.add(counts)
                if "dropped_by_where" in counts:
                    self.dropped = (self.dropped or 0) + counts["dropped_by_where"]
                if "lost_rows" in counts:
                    self.lost[unit.shard] = [counts["lost_rows"], counts["first_lost"]]
                with open(unit.hits, "rb", BLOCK_BYTES) as file:
                    yield from filter(self.has_room, file) if self.quantity else [(file, counts["records"])]
                if self.quantity and all(number >= self.quantity for number in self.records.values()):
                    return

    def add(self, counts: dict) -> None:
        names = list(self.records)
        self.add_places(counts, names)
        self.scanned += 1
        self.rows += counts["rows"]
        self.captions += counts["captions"]
        for index, found in counts["classes"].items():
            name = names[int(index)]
            self.matched[name] += found["records"]
            self.inside[name] += found["inside"]
            self.phrases[name].update(found["phrases"])
            if not self.quantity:
                self.records[name] += found["records"]

    def add_places(self, counts: dict, names: list[str]) -> None:
        if "places" not in counts:  # scanned by an earlier version
            self.places = None
        for index, places in counts["places"].items() if self.places is not None else ():
            known = self.places.setdefault(names[int(index)], [])
            known += [self.bytes + place for place in places[: KNOWN_PLACES - len(known)]]
        self.bytes += counts["bytes"]

    def has_room(self, line: bytes) -> bool:
        name = json.loads(line[: -len(LINE_END)])["QUERY"]
        has_room = self.records[name] < self.quantity
        self.records[name] += has_room
        return has_room

    def coverage(self, units: list[Unit]) -> dict:
        not_needed = len(units) - self.scanned - len(self.missing)
        lost = {"lost_rows": self.lost} if self.lost else {}
        return {"asked": len(units), "done": self.scanned, "not_needed": not_needed, "missing": self.missing} | lost

    def counts(self) -> dict:
        classes = {
            name: {
                "records": number,
                "matches": dict(sorted(self.phrases[name].items())),
                "inside_longer_words": round(self.inside[name] / max(1, self.matched[name]), 4),
            }
            | self.names(name)
            for name, number in self.records.items()
        }
        where = {} if self.dropped is None else {"dropped_by_where": self.dropped}
        places = {} if self.places is None else {"places": self.places}
        counts = {"rows": self.rows, "captions": self.captions} | where
        return counts | {"records": sum(self.records.values()), "classes": classes} | places

    def names(self, class_name: str) -> dict:
        """Of a class with synonyms: rows per name, and the most written name."""
        if not self.synonyms.get(class_name):
            return {}
        rows = rows_per_name(self.phrases[class_name], (class_name, *self.synonyms[class_name]))
        return {"names": rows} | ({"most_written": most_written(rows)} if any(rows.values()) else {})


def report(tally: Tally, units: list[Unit], output: Path, chunks: dict) -> None:
    """The last lines: a table of the smallest classes, those found inside longer words, missing shards, and the sums.

    --verbose: one line per class before them.
    """
    for name, number in tally.records.items():
        phrases = tally.phrases[name].most_common(LISTED_CLASSES)
        matches = ", ".join(f"{phrase} ({count:,})" for phrase, count in phrases)
        say_more(f"{name}: {number:,} records{': ' + matches if matches else ''}")
    inside = {name: tally.inside[name] / max(1, number) for name, number in tally.matched.items()}
    written = {name: tally.names(name).get("most_written", "") for name in tally.synonyms}
    for line in class_table(tally.records, inside, written):
        say(line)
    other_names = [
        f"{name} as {most} ({tally.names(name)['names'][most]:,} of {tally.records[name]:,})"
        for name, most in written.items()
        if most not in ("", name)
    ]
    if other_names:
        say(f"{len(other_names):,} classes are mostly written with another name (docs/names.md): "
            f"{first_few(other_names)}")  # fmt: skip
    mostly_inside = [
        f"{name} ({tally.inside[name] / number:.0%} of {number:,})"
        for name, number in tally.matched.most_common()
        if number >= FEWEST_MATCHES and tally.inside[name] > MOSTLY_INSIDE * number
    ]
    if mostly_inside:
        say(f"mostly inside longer words, which --match word leaves out: {first_few(mostly_inside)}")
    none = [name for name, number in tally.records.items() if number == 0]
    for shard, reason in tally.missing.items():
        say_always(f"missing: {shard}: {reason}")
    for shard, (rows, first) in tally.lost.items():
        say_always(f"rows that cannot be read: {shard}: {rows:,}, the first: {first}")
    coverage = tally.coverage(units)
    where = "" if tally.dropped is None else f"{tally.dropped:,} that match dropped by --where; "
    not_needed = f", {coverage['not_needed']:,} not needed" if coverage["not_needed"] else ""
    say_always(
        f"{coverage['asked']:,} shards: {coverage['done']:,} scanned{not_needed}, {len(tally.missing):,} missing; "
        f"{tally.rows:,} rows; {where}{sum(tally.records.values()):,} records of "
        f"{len(tally.records) - len(none):,} classes; "
        f"{len(none):,} classes with none{': ' + first_few(none) if none else ''}; "
        f"{len(chunks):,} chunks in {output}{bytes_moved(unit.remote for unit in units)}"
    )


def first_few(names: list[str]) -> str:
    more = f" and {len(names) - LISTED_CLASSES:,} more" if len(names) > LISTED_CLASSES else ""
    return ", ".join(names[:LISTED_CLASSES]) + more
