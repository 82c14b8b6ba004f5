"""The units of a run: one search over many shards, and for each shard a unit of work with its hit file.

A hit file holds the encoded records of one shard (records.encode_record), one per line, ordered by row and class. Its
counts file is written after it, and says which version of the shard the records come from. Both names carry the
fingerprint of the settings, so that a stopped run goes on and a run with other classes or another mode starts anew.

Standard library only: a run is planned before its workers are forked (scan_workers.start_method).
"""

import contextlib
import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path

from retrieval.columns import NOTHING_SAID, ColumnChoice
from retrieval.files import file_fingerprint, settings_fingerprint
from retrieval.queries import Query, to_fts5
from retrieval.remote_address import RemoteFile

HITS_VERSION = 6  # raise it when the same shard and settings give other records
RANDOM = "random"  # QUERY and SOURCE of a control set's records


@dataclass(frozen=True, eq=False)  # so that it is found in a cache without a look at its thousand queries
class Search:
    """What decides a shard's records. It is the same for every shard of a run, and each process has one."""

    match: str  # a mode of retrieval.substring.matching, or RANDOM for a control set
    classes: tuple[str, ...]
    queries: tuple[Query, ...]  # one per class; none for a control set
    columns: ColumnChoice = NOTHING_SAID
    quantity: int | None = None  # at most this many records per class
    where: str | None = None  # a condition on the pool's own columns (row_condition.py)

    def settings(self) -> dict:
        queries = dict(zip(self.classes, map(to_fts5, self.queries), strict=False))
        said = {"url_column": self.columns.url, "columns": list(self.columns.listed), "where": self.where}
        asked = {name: value for name, value in said.items() if value}  # absent: an earlier version's run goes on
        found = {"match": self.match, "field": self.columns.caption, "quantity": self.quantity, "queries": queries}
        return found | asked

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the settings, and of the classes in order, as a unit's counts have their numbers.

        It is asked for with each shard, and for a thousand queries it takes 0.02 s to make.
        """
        return settings_fingerprint([HITS_VERSION, self.settings(), self.classes])


@dataclass(frozen=True)
class Unit:
    """The work on one shard, and where its results go."""

    shard: str  # as the user named it; an address without its secrets
    hits: Path
    counts: Path  # exists when `hits` is complete
    sample: tuple[int, ...] | None = None  # a control set takes these rows (positions from 0, ascending)
    tmp: str | None = None  # a fast disk to copy the shard to while it is read
    remote: RemoteFile | None = None  # what is known of a shard that is read where it lies

    @property
    def fingerprint(self) -> str:
        """Of the settings and the shard's place. It is in the names of all files of this unit."""
        return self.counts.stem.rpartition(".")[2]

    @property
    def source(self) -> Path | RemoteFile:
        return self.remote or Path(self.shard)

    @property
    def is_there(self) -> bool:
        """Whether it can be read without being fetched first."""
        return self.remote is not None or os.path.isfile(self.shard)


def plan_unit(shard: str | RemoteFile, folder: Path, search: Search, sample=None, tmp: str | None = None) -> Unit:
    """The unit of one shard. Its folder is in the fingerprint: two folders may hold shards of the same name."""
    remote = shard if isinstance(shard, RemoteFile) else None
    place = remote.address if remote else os.path.abspath(shard)
    stem = f"{Path(place).name[:80]}.{settings_fingerprint([search.fingerprint, place, sample])}"
    return Unit(str(shard), folder / f"{stem}.jsonl", folder / f"{stem}.json", sample, tmp, remote)


def shard_fingerprint(unit: Unit) -> dict | None:
    """The shard's fingerprint. If it was removed after its scan: the one it had. None if it was never there."""
    if unit.is_there:
        return file_fingerprint(unit.source)
    return json.loads(unit.counts.read_text(encoding="utf-8"))["shard"] if unit.counts.exists() else None


def finished_counts(unit: Unit) -> dict | None:
    """The counts of a finished unit. None if it is not finished, or if its shard has changed since."""
    if not unit.counts.exists() or not unit.hits.exists():
        return None
    counts = json.loads(unit.counts.read_text(encoding="utf-8"))
    is_whole = unit.hits.stat().st_size == counts["bytes"]  # the end may be lost after a power failure
    return counts if is_whole and counts["shard"] == shard_fingerprint(unit) else None


def remove_hits(unit: Unit) -> None:
    """Remove a unit's hit file. Its counts stay where the shard is gone: they hold the shard's fingerprint."""
    unit.hits.unlink(missing_ok=True)
    if unit.is_there:
        unit.counts.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: other jobs, or such counts
        unit.hits.parent.rmdir()


def clear_remains(units: list[Unit]) -> None:
    """Remove what killed workers left of these units: half hit files, copies on the fast disk.

    Another job may be writing the files of others. The folder is listed once: it may hold ten thousand files.
    """
    mine = {unit.fingerprint for unit in units}
    for folder in {unit.hits.parent for unit in units}:
        for part in folder.glob(".*.part"):
            if mine.intersection(part.name.split(".")):
                part.unlink(missing_ok=True)
    for unit in units:
        if unit.tmp is not None:
            copy_on_fast_disk(unit).unlink(missing_ok=True)


def copy_on_fast_disk(unit: Unit) -> Path:
    """Where --tmp holds the shard's copy while it is read. Its name ends as the shard's: that tells a list's format."""
    return Path(unit.tmp) / f"{unit.fingerprint}.{Path(unit.shard).name[-80:]}"
