"""The units of a search without an index: one per shard, with a folder that holds the shard's best rows.

A unit's folder appears when it is complete. Its name carries a fingerprint of the shard, its features and all that
decides which rows are best, so a stopped run goes on, and another run never reads it. In it, for the k best rows of
each query by each source (text_index, image_index), each row once:

    rows.arrow          the kept rows' fields, and ROW: part.parquet:17
    text_index.npy      their features, float16 or float32 (kept rows, width); so with each source
    text_index.hits.npy  int64 (queries, k), best first: the score, and the row's place among the kept (best_rows.py)
    counts.json         rows, and how many features were not unit or not usable

The units of a pool, one after the other, are a pool of their own that `--exact` could search, and selection.py does
select from it (pool_merge.py). Standard library only.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.files import settings_fingerprint, write_json
from retrieval.remote_address import is_address

UNIT_VERSION = 2  # raise it when the same inputs and settings give other units


@dataclass(frozen=True)
class Unit:
    """The work on one shard, and where its result goes."""

    shard: str  # its path
    folder: Path  # exists when it is complete

    @property
    def refusal(self) -> Path:
        """Exists where the shard turned out to be bad while it was searched: JSON, its `reason`."""
        return self.folder.with_name(f"{self.folder.name}.bad.json")

    @property
    def is_done(self) -> bool:
        return self.folder.is_dir()

    def hits(self, source: str) -> Path:
        return self.folder / f"{source}.hits.npy"

    def vectors(self, source: str) -> Path:
        return self.folder / f"{source}.npy"

    def counts(self) -> dict:
        return json.loads((self.folder / "counts.json").read_text(encoding="utf-8"))

    def reason(self) -> str | None:
        """Why the shard cannot be searched, if an earlier try found out."""
        if self.is_done or not self.refusal.exists():
            return None
        return json.loads(self.refusal.read_text(encoding="utf-8"))["reason"]


@dataclass(frozen=True)
class Share:
    """Which units a job searches."""

    job_idx: int
    total_jobs: int
    is_one: bool  # a job of an array leaves units only; a command without the array's flags selects
    mark: Path  # exists where an array has begun: then only its jobs search

    def units(self, units: list[Unit]) -> list[Unit]:
        if self.is_one:
            return units[self.job_idx :: self.total_jobs]
        return [] if self.mark.exists() else units

    def begin(self) -> None:
        if self.is_one:
            write_json(self.mark, {"total_jobs": self.total_jobs})

    def end(self, units: list[Unit]) -> None:
        """When the records are selected: remove the mark, and what the folder holds of other settings."""
        self.mark.unlink(missing_ok=True)
        mine = {unit.folder for unit in units}
        for folder in self.mark.parent.iterdir():
            if folder.is_dir() and not folder.name.startswith(".") and folder not in mine:
                shutil.rmtree(folder, ignore_errors=True)


def bad_shards(units: list[Unit]) -> dict[str, str]:
    """Shards that turned out to be bad, in a job of any array too -> the reason."""
    return {unit.shard: unit.reason() for unit in units if unit.reason()}


def total_counts(units: list[Unit]) -> dict:
    """The units' counts, added up: rows; normalised and unusable features by source."""
    total = {"rows": 0, "normalised": {}, "unusable": {}}
    for counts in (unit.counts() for unit in units):
        total["rows"] += counts["rows"]
        for name in ("normalised", "unusable"):
            for source, number in counts[name].items():
                total[name][source] = total[name].get(source, 0) + number
    return total


def plan_unit(shard: str, fingerprints: dict, features: list, decides: dict, hits_folder: Path) -> Unit:
    """The unit of one shard. Its path is in the fingerprint: two folders may hold shards of the same name.

    Args:
        fingerprints: of the shard and the files of its features, by path.
        features: how they are read, as JSON.
        decides: the settings that decide which rows are best.
    """
    place = shard if is_address(shard) else os.path.abspath(shard)
    fingerprint = settings_fingerprint([UNIT_VERSION, place, fingerprints, features, decides])
    return Unit(shard, hits_folder / f"{Path(shard).name[:80]}.{fingerprint}")


@contextlib.contextmanager
def complete_folder(unit: Unit) -> Iterator[Path]:
    """Yield a temporary folder. When the block ends without an error, it is renamed to the unit's."""
    unit.folder.parent.mkdir(parents=True, exist_ok=True)
    beside = unit.folder.with_name(f".{unit.folder.name}.{os.urandom(4).hex()}.part")
    try:
        beside.mkdir()
        yield beside
        shutil.rmtree(unit.folder, ignore_errors=True)
        os.replace(beside, unit.folder)
        unit.refusal.unlink(missing_ok=True)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def refuse(unit: Unit, reason: str) -> None:
    write_json(unit.refusal, {"shard": unit.shard, "reason": reason})


def clear_remains(units: list[Unit]) -> None:
    """Remove what a killed run left half-written of these units. Another job may be writing others."""
    for folder in {unit.folder.parent for unit in units}:
        mine = {unit.folder.name for unit in units}
        for part in folder.glob(".*.part"):
            if part.name[1:].rsplit(".", 2)[0] in mine:
                shutil.rmtree(part, ignore_errors=True)
