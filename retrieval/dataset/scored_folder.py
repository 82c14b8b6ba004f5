"""The output folder of a filter whose records have scores: chunks and a manifest as the filter itself writes them.

It is a folder of its own, because the filter's folder belongs to the filter's run: the same command with one more shard
writes the filter's chunks anew from its hit files, and would undo the scores. The manifest says what the filter's says,
and what the scores were made with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.cli import UserError
from retrieval.dataset.caption_numbers import all_records
from retrieval.files import file_fingerprint
from retrieval.records import Manifest, chunk_files, encode_record, read_manifests, write_chunks, write_manifest
from retrieval.report_selection import merged_classes

QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Selection:
    """A folder of the substring filter."""

    folder: Path
    manifests: list[dict]
    chunks: list[Path]

    @property
    def settings(self) -> dict:
        return self.manifests[0]["settings"]

    def inputs(self) -> dict:
        """The chunks as the inputs of a run: path -> fingerprint."""
        return {str(path): file_fingerprint(path) for path in self.chunks}


@dataclass(frozen=True)
class Verdict:
    """What becomes of each record, arrays (records,)."""

    score: np.ndarray  # float32: the cosine
    of_class: np.ndarray  # int64: the position of its class in the template
    rank: np.ndarray  # int64: among the kept records of its class, from 0; of records that are dropped meaningless
    is_vague: np.ndarray  # below --min-sense
    is_other: np.ndarray  # not vague, but more than --agree - 1 other classes fit better

    @property
    def is_kept(self) -> np.ndarray:
        return ~(self.is_vague | self.is_other)


def open_selection(folder: Path, allow_partial: bool) -> Selection:
    """A folder of the substring filter whose records have no scores yet.

    Raises:
        UserError: it is none, or it is not complete.
    """
    chunks = chunk_files(folder, allow_partial)
    manifests = read_manifests(folder)
    if not manifests or manifests[0]["stage"] != "substring":
        raise UserError(f"--r {folder} is no output of the substring filter: the semantic filter's records have scores")
    settings = manifests[0]["settings"]
    if "score_model" in settings:
        raise UserError(f"--r {folder} has scores already: give the folder that it was made of")
    if "select_random" in settings:
        raise UserError(f"--r {folder} is a random sample, which has no classes to judge captions by")
    return Selection(folder, manifests, chunks)


def judge_records(
    scores: np.ndarray, places: np.ndarray, classes: np.ndarray, min_sense: float | None, agree: int | None
) -> Verdict:
    """What becomes of each record, by its score, its class's place among all classes, and its class: arrays (records,).

    Records with one score are ranked in their order in the chunks.
    """
    nothing = np.zeros(len(scores), bool)
    is_vague = scores < min_sense if min_sense is not None else nothing
    is_other = ~is_vague & (places > agree) if agree is not None else nothing
    order = np.lexsort((-scores, is_vague | is_other, classes))  # stable
    starts = np.searchsorted(classes[order], classes[order])
    rank = np.empty(len(scores), np.int64)
    rank[order] = np.arange(len(scores)) - starts
    return Verdict(scores, classes, rank, is_vague, is_other)


def write_scored(
    selection: Selection, verdict: Verdict, names: tuple[str, ...], settings: dict, output: Path
) -> Manifest:
    """Write the chunks and, last, the manifest. `names` are the template's classes."""
    chunks = write_chunks(_scored_lines(selection.chunks, verdict), output)
    coverages = [manifest["coverage"] for manifest in selection.manifests]
    numbers = {
        name: sum(each.get(name, 0) for each in coverages)
        for name in dict.fromkeys(name for each in coverages for name in each)
        if isinstance(coverages[0].get(name), int)
    }
    missing = {unit: why for each in coverages for unit, why in each.get("missing", {}).items()}
    manifest = Manifest(
        stage="substring",
        settings=settings,
        inputs=selection.inputs(),
        coverage=numbers | {"missing": missing},
        counts=scored_counts(selection, verdict, names),
        chunks=chunks,
    )
    write_manifest(output, manifest)
    return manifest


def _scored_lines(chunks: list[Path], verdict: Verdict) -> Iterator[str]:
    kept = verdict.is_kept
    for place, record in enumerate(all_records(chunks)):
        if kept[place]:
            scores = {"SCORE": round(float(verdict.score[place]), 6), "RANK": int(verdict.rank[place])}
            yield encode_record(record | scores)


def scored_counts(selection: Selection, verdict: Verdict, names: tuple[str, ...]) -> dict:
    """The filter's counts, with the records that are left and the quartiles of their scores per class."""
    of_jobs = [manifest["counts"] for manifest in selection.manifests]
    sums = {
        name: sum(each.get(name) or 0 for each in of_jobs)
        for name in dict.fromkeys(name for each in of_jobs for name in each)
        if name not in ("classes", "places")  # places are of the filter's own chunks
    }
    classes = merged_classes(of_jobs)
    order = np.argsort(verdict.of_class[verdict.is_kept], kind="stable")
    found = verdict.of_class[verdict.is_kept][order]
    ends = np.searchsorted(found, np.arange(1, len(names)))
    of_class = dict(zip(names, np.split(verdict.score[verdict.is_kept][order], ends), strict=True))
    for name, counts in classes.items():
        scores = of_class[name].astype(float)
        quartiles = np.quantile(scores, QUARTILES).round(4).tolist() if len(scores) else None
        counts |= {"found": counts["records"], "records": len(scores), "score_quartiles": quartiles}
    dropped = {"dropped_by_sense": int(verdict.is_vague.sum()), "dropped_by_agree": int(verdict.is_other.sum())}
    return sums | {"records": int(verdict.is_kept.sum())} | dropped | {"classes": classes}
