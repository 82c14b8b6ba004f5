"""A filter's output folder belongs to one run at a time, and to one set of settings.

The first job that begins writes `.run.json`: the stage, the settings and the inputs of the whole run. A later command
goes on with that run when it has the same settings. It may also add classes or inputs, because then nothing that the
folder holds is lost. Any other command is refused with what the folder holds; `--overwrite` replaces it.

Each job holds a lock while it runs, so two processes never write the same chunks. Test: tests/test_run_folder.py.
Standard library only.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.files import locked, read_object, write_json
from retrieval.records import HITS_FOLDER, RUN_FILE, is_chunk_of, manifest_path, read_manifests

PAGES = ("report.html", "classes.png", "prompts.png")  # they show the old run
GROWING = ("classes", "queries", "names")  # settings that may gain entries: what the folder holds stays right
LABELS = ("query", "template")  # how the user named the classes: the classes themselves are compared
BEGIN_SECONDS = 60  # a job begins in milliseconds, or waits LOCK_SECONDS for a killed one
LONGEST_VALUE = 60  # characters of a setting in a refusal


@dataclass(frozen=True)
class Run:
    """One job of a run of a filter."""

    stage: str  # "substring" or "semantic"
    settings: dict  # the manifest's: the same for all jobs
    inputs: tuple[str, ...]  # the inputs of all jobs: shards, index files
    job_idx: int
    total_jobs: int
    writes_chunks: bool = True  # False: the jobs leave units of work, and one command writes the chunks of all

    def held(self) -> dict:
        """What `.run.json` says of the run."""
        jobs = self.total_jobs if self.writes_chunks else 1
        run = {"stage": self.stage, "settings": self.settings, "inputs": sorted(self.inputs), "jobs": jobs}
        return json.loads(json.dumps(run))  # a JSON file has lists where we have tuples


def add_overwrite_flag(parser) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace what another run left in the output folder")


def check_folder(folder: Path, run: Run, overwrite: bool) -> None:
    """Refuse a folder that holds another run. Changes nothing.

    Raises:
        UserError: says what the folder holds and how it differs.
    """
    difference = _difference(_held_run(folder), run.held())
    if difference and not overwrite and _holds_results(folder):
        raise UserError(
            f"{folder} holds {difference}: give another output folder, or add --overwrite to replace what is there"
        )


@contextlib.contextmanager
def begun_run(folder: Path, run: Run, overwrite: bool) -> Iterator[None]:
    """Take the folder for one job. Its old manifest and chunks are removed, and its lock is held until the block ends.

    Raises:
        UserError: the folder holds another run, or this job is running in another process.
    """
    busy = f"another run is writing to {folder}: wait until it ends, or give another output folder"
    with contextlib.ExitStack() as until_the_end:
        # For a moment: two runs that begin together see each other. The jobs of a large array wait in line here.
        with locked(folder, busy, BEGIN_SECONDS):
            check_folder(folder, run, overwrite)
            is_other = _difference(_held_run(folder), run.held()) is not None
            locks = (
                set(folder.glob(".job_*_of_*.lock")) if is_other else set()
            )  # no job of the other run may be running
            for lock in sorted(locks | {folder / f".job_{run.job_idx}_of_{run.total_jobs}.lock"}):
                until_the_end.enter_context(locked(lock, busy))
            if is_other:
                _remove_run(folder)
            if run.writes_chunks:
                _remove_job(folder, run)
            for remains in folder.glob(f".{RUN_FILE}.*.part"):  # of a run that was killed as it wrote this file
                remains.unlink(missing_ok=True)
            write_json(folder / RUN_FILE, run.held())
        yield


def _held_run(folder: Path) -> dict | None:
    """The run that the folder belongs to; None where it belongs to none."""
    if (folder / RUN_FILE).exists():
        return read_object(folder / RUN_FILE, "stage", "settings", "inputs")
    if manifests := read_manifests(folder):  # of a version that wrote no `.run.json`
        first = manifests[0]
        inputs = sorted({path for manifest in manifests for path in manifest["inputs"]})
        return {"stage": first["stage"], "settings": first["settings"], "inputs": inputs, "jobs": first["total_jobs"]}
    if any(folder.glob("chunk_*.json")) and not (folder / HITS_FOLDER).exists():
        return {"stage": None}
    return None


def _holds_results(folder: Path) -> bool:
    """Whether there is something to lose: a run that was refused when it opened its inputs leaves nothing."""
    patterns = ("chunk_*.json", "job_*_of_*.json", f"{HITS_FOLDER}/*")
    return any(any(folder.glob(pattern)) for pattern in patterns)


def _difference(held: dict | None, wanted: dict) -> str | None:
    """What a refusal says about the run that a folder holds; None where the wanted run may go on with it."""
    if held is None:
        return None
    if held["stage"] is None:
        return "chunks of another tool"
    if held["stage"] != wanted["stage"]:
        return f"a run of the {held['stage']} filter"
    if held["jobs"] != wanted["jobs"]:
        return f"a run of {held['jobs']:,} jobs and this one has {wanted['jobs']:,}"
    before, now = held["settings"], wanted["settings"]
    for name in dict.fromkeys([*before, *now]):
        if name in GROWING:
            if lost := _lost(before.get(name, ()), now.get(name, ())):
                return f"a run with other {name} (first: {_shown(lost)})"
        elif name not in LABELS and before.get(name) != now.get(name):
            return f"a run with {name} {_shown(before.get(name))} and this one has {_shown(now.get(name))}"
    if lost := _lost(held["inputs"], wanted["inputs"]):
        if os.path.abspath(lost) in map(os.path.abspath, wanted["inputs"]):
            return f"a run that names its inputs otherwise (first: {lost}; with these names, the run goes on)"
        return f"a run over other inputs (first: {lost})"
    return None


def _lost(before: Iterable, now: Iterable):
    """The first entry of a list, or of a dictionary, that is gone or changed."""
    if isinstance(before, dict) and isinstance(now, dict):
        return next((name for name in before if name not in now or now[name] != before[name]), None)
    present = set(now)
    return next((name for name in before if name not in present), None)


def _shown(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _remove_run(folder: Path) -> None:
    """Remove what a run wrote, of all its jobs: nothing else in the folder is touched."""
    for path in (*folder.glob("job_*_of_*.json"), *folder.glob("chunk_*.json")):
        if re.fullmatch(r"job_\d+_of_\d+\.json|chunk_\d+\.json", path.name):
            path.unlink(missing_ok=True)
    (folder / RUN_FILE).unlink(missing_ok=True)
    shutil.rmtree(folder / HITS_FOLDER, ignore_errors=True)


def _remove_job(folder: Path, run: Run) -> None:
    """Remove the job's manifest and chunks: this run may write fewer. Remove what a killed run of it left."""
    for name in (manifest_path(folder, run.job_idx, run.total_jobs).name, *PAGES):
        for path in (folder / name, *folder.glob(f".{name}.*.part")):
            path.unlink(missing_ok=True)
    for path in (*folder.glob("chunk_*.json"), *folder.glob(".chunk_*.json.*.part")):
        if is_chunk_of(path.name, run.job_idx, run.total_jobs):
            path.unlink(missing_ok=True)
