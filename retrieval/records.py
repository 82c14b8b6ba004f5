"""Records and chunks: what the two filters write and the downloader reads.

A record is a flat JSON object. It always has `RECORD_FIELDS` (null where unknown), in this order.
`PROVENANCE_FIELDS` say why the row was selected. A chunk, `chunk_x.json`, is a JSON array with one record per line.
The manifest of a job, `job_{j}_of_{J}.json`, is written last and names the job's chunks. So a reader never takes half
a run for a whole one. Standard library only.
"""

import io
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from retrieval.cli import UserError, say
from retrieval.columns import ALIASES
from retrieval.files import complete_file, read_json, read_object, write_json

# The one list of the record's fields. A field of the pool is added in columns.ALIASES, a field of ours here.
POOL_FIELDS = tuple(ALIASES)  # SAMPLE_ID URL TEXT HEIGHT WIDTH LICENSE NSFW similarity
RECORD_FIELDS = (*POOL_FIELDS, "QUERY")  # QUERY is the class
PROVENANCE_FIELDS = ("SOURCE", "MATCHED", "SCORE", "RANK", "ROW")
EXTRA_FIELDS = ("punsafe", "PIXELS")  # in the record where the pool has it: a score, a place in a tar (tar_images.py)
EXPECTED_HASH = "SHA256"  # in the records of export_dataset.py --format rebuild: of the file that the URL answered with
SEMANTIC_LOSSES = {  # why a hit of the semantic filter is no record: the count's name -> its label
    "beyond": "more than the index has rows",
    "short": "not found by the index",
    "near_duplicates": "near-duplicates",
    "low_score": "below --min-score",
    "nsfw": "NSFW",
    "where": "--where",
    "repeats": "found before by the same class",
}
SCORE_LOSSES = {  # why score_captions.py leaves out a record, in the same way
    "dropped_by_sense": "below --min-sense",
    "dropped_by_agree": "another class fits better (--agree)",
}
LINE_END = ",\n"  # ends every encoded record, so a chunk is written by copying; the last comma is removed
CHUNK_RECORDS = 500_000  # about 200 MB of JSON, which json.load opens in a few seconds
BLOCK_BYTES = 1 << 19  # per read and write: with the default 8 KB, copying lines takes twice as long
ENCODED_BYTES = 1 << 26  # of records encoded at once; most batches have a tenth of it, and Arrow's text ends at 2 GB
RECORD_BYTES = 300  # of a record without its caption

RUN_FILE = ".run.json"  # written when a run begins (run_folder.py); a folder that has it and no manifest is incomplete
HITS_FOLDER = ".hits"  # what finished units gave to a run

_CHUNK_NAME = re.compile(r"chunk_(\d+)\.json")
_MANIFEST_NAME = re.compile(r"job_(\d+)_of_(\d+)\.json")


@dataclass(frozen=True)
class Manifest:
    """What one job did. Written after its last chunk. It holds no times, so the same work gives the same bytes."""

    stage: str  # "substring" or "semantic"
    settings: dict  # everything that decides the records, including classes and queries
    inputs: dict  # path of an input -> files.file_fingerprint
    coverage: dict  # asked, done: numbers of units; missing: unit -> the reason, one sentence
    counts: dict  # records, and per class: {"classes": {name: {...}}}
    chunks: dict = field(default_factory=dict)  # file name of a chunk -> number of records
    job_idx: int = 0
    total_jobs: int = 1


def encode_record(record: dict) -> str:
    """One record as a line of a chunk, `RECORD_FIELDS` first."""
    ordered = {name: record.get(name) for name in RECORD_FIELDS} | record
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":")) + LINE_END


def write_chunks(parts: Iterable, folder: Path, job_idx: int = 0, total_jobs: int = 1) -> dict[str, int]:
    """Write encoded records as `chunk_x.json`, x = i * total_jobs + job_idx.

    Args:
        parts: each part is one or many encoded records (str or UTF-8 bytes), or (file, number): a file opened in
            binary mode and the number of lines that are left in it. The lines are copied.

    Returns:
        dict: file name of a chunk -> number of records. A run without records writes one empty chunk: its folder
        then says "nothing was found" and not "nothing was run".
    """
    coming = ((file, number) for file, number in map(_as_file, parts) if number)
    file, left = next(coming, (None, 0))
    written: dict[str, int] = {}
    while left or not written:
        name = f"chunk_{len(written) * total_jobs + job_idx}.json"
        count = 0
        with complete_file(folder / name) as beside, open(beside, "wb", BLOCK_BYTES) as chunk:
            chunk.write(b"[\n")
            while left and count < CHUNK_RECORDS:
                number = min(left, CHUNK_RECORDS - count)
                if number == left:
                    shutil.copyfileobj(file, chunk, BLOCK_BYTES)
                else:  # line by line, which takes twice as long
                    chunk.writelines(itertools.islice(file, number))
                count += number
                left -= number
                if not left:
                    file, left = next(coming, (None, 0))
            if count:
                chunk.seek(-len(LINE_END), os.SEEK_CUR)
                chunk.write(b"\n")
            chunk.write(b"]\n")
        written[name] = count
    return written


def _as_file(part) -> tuple:
    if isinstance(part, tuple):
        return part
    lines = part.encode("utf-8", "replace") if isinstance(part, str) else part
    return io.BytesIO(lines), lines.count(b"\n")


def manifest_path(folder: Path, job_idx: int, total_jobs: int) -> Path:
    return folder / f"job_{job_idx}_of_{total_jobs}.json"


def is_chunk_of(name: str, job_idx: int, total_jobs: int) -> bool:
    """Whether a file name is that of a chunk of this job, or of a chunk that was being written."""
    match = re.fullmatch(r"\.?chunk_(\d+)\.json(\.\w+\.part)?", name)
    return bool(match) and int(match[1]) % total_jobs == job_idx


def write_manifest(folder: Path, manifest: Manifest, command: list[str] | None = None) -> None:
    """Write the manifest, the last file of a run.

    Args:
        command: as as_run.py has it, for the card of a dataset.
    """
    of_run = {"command": command} if command else {}
    write_json(manifest_path(folder, manifest.job_idx, manifest.total_jobs), vars(manifest) | of_run)


def read_manifests(folder: Path) -> list[dict]:
    """The folder's manifests in job order. All must belong to one run.

    Raises:
        UserError: they belong to runs with different numbers of jobs or different settings.
    """
    found = {}
    for path in folder.glob("job_*_of_*.json"):
        if match := _MANIFEST_NAME.fullmatch(path.name):
            found[int(match[1]), int(match[2])] = manifest = read_json(path)
            if not isinstance(manifest, dict) or not {each.name for each in fields(Manifest)} <= manifest.keys():
                raise UserError(
                    f"{path} is no manifest of a filter: move it out of the folder, or run the filter again"
                )
    totals = {total for _, total in found}
    if len(totals) > 1:
        raise UserError(f"{folder} holds runs of {sorted(totals)} jobs: keep one run a folder")
    manifests = [manifest for _, manifest in sorted(found.items())]
    if any(m["settings"] != manifests[0]["settings"] or m["stage"] != manifests[0]["stage"] for m in manifests):
        raise UserError(f"{folder} holds jobs that ran with different settings: run the array again with one command")
    return manifests


def chunk_files(folder: Path | str, allow_partial: bool = False) -> list[Path]:
    """The chunks to read, in numeric order: those that the manifests name, or all `chunk_*.json` without a manifest.

    Raises:
        UserError: no chunk, a missing chunk, or (unless `allow_partial`, which warns) a missing job or missing input.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: --r takes the output folder of a filter")
    manifests = read_manifests(folder)
    if not manifests:
        chunks = [path for path in folder.glob("chunk_*.json") if _CHUNK_NAME.fullmatch(path.name) and path.is_file()]
        if (folder / RUN_FILE).exists() or (folder / HITS_FOLDER).exists():
            unfinished = f"{folder} holds a run that was begun and has not finished"
            if not allow_partial:
                raise UserError(f"{unfinished}: run the same command again for the rest, or add --allow-partial")
            if not chunks:
                raise UserError(f"{unfinished}, and has written no chunk yet: run the same command again for the rest")
            say(f"warning: {unfinished}")
        elif not chunks:
            raise UserError(f"{folder} holds no chunk_*.json: run one of the two filters with it as output first")
        return sorted(chunks, key=_chunk_number)
    total = manifests[0]["total_jobs"]
    gaps = [f"job {idx} of {total} has not finished" for idx in range(total)
            if idx not in {m["job_idx"] for m in manifests}]  # fmt: skip
    gaps += [f"{unit}: {why}" for m in manifests for unit, why in m["coverage"].get("missing", {}).items()]
    if gaps and not allow_partial:
        raise UserError(
            f"{folder} is not complete ({len(gaps):,} missing; first: {gaps[0]}): "
            "run the same command again for the rest, or add --allow-partial"
        )
    for gap in gaps:
        say(f"warning: {folder}: {gap}")
    names = [name for m in manifests for name in m["chunks"]]
    if odd := [name for name in names if not _CHUNK_NAME.fullmatch(name)]:
        raise UserError(
            f"{folder}: its manifest names {odd[0]!r}, which is no chunk of this folder: run the filter again"
        )
    chunks = [folder / name for name in names]
    if lost := [path.name for path in chunks if not path.is_file()]:
        raise UserError(f"{folder} lacks {lost[0]}, which its manifest names: run the filter again")
    return sorted(chunks, key=_chunk_number)


def _chunk_number(path: Path) -> int:
    return int(_CHUNK_NAME.fullmatch(path.name)[1])


def read_records(chunk: Path) -> Iterator[dict]:
    """The records of one chunk. A chunk of ours is read line by line, another JSON array all at once.

    Raises:
        UserError: the chunk is no JSON array of objects; names the file.
    """
    with open(chunk, encoding=_encoding_of(chunk), errors="replace") as file:
        first, second = file.readline().strip(), file.readline().strip()
        if first == "[" and (second == "]" or second.startswith('{"')):
            for line in itertools.chain([second], file):
                text = line.strip()
                if text == "]":
                    return
                yield _record(text.removesuffix(","), chunk)
            raise UserError(f"{chunk} ends in the middle: it was cut short; run the filter again")
        file.seek(0)
        try:
            records = json.load(file)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UserError(f"{chunk} is not JSON ({error}): it was cut short or is not a chunk") from error
    if not isinstance(records, list):
        raise UserError(f"{chunk} is not a JSON array of records")
    for record in records:
        if not isinstance(record, dict):
            raise UserError(f"{chunk} holds something that is no record: {str(record)[:60]!r}")
        yield record


def _encoding_of(chunk: Path) -> str:
    with open(chunk, "rb") as file:
        mark = file.read(3)
    return "utf-16" if mark[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"  # -sig: with or without a mark


def _record(text: str, chunk: Path) -> dict:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{chunk} is not JSON ({error}): it was cut short or is not a chunk") from error
    if not isinstance(record, dict):
        raise UserError(f"{chunk} holds something that is no record: {text[:60]!r}")
    return record


def is_complete(folder: Path, job_idx: int, total_jobs: int, settings: dict, inputs: dict) -> bool:
    """Whether this job has already run with these settings and inputs, wrote its manifest and missed nothing."""
    path = manifest_path(folder, job_idx, total_jobs)
    if not path.exists():
        return False
    manifest = read_object(path, "settings", "inputs", "coverage", "chunks")
    same = json.loads(json.dumps([settings, inputs]))  # a JSON file has lists where we have tuples
    return (
        [manifest["settings"], manifest["inputs"]] == same
        and not manifest["coverage"].get("missing")
        and all(is_whole(folder / name) for name in manifest["chunks"])
    )


def is_whole(chunk: Path) -> bool:
    """Whether a chunk is there to its end. A power loss may leave a file with its name but without its content."""
    try:
        with open(chunk, "rb") as file:
            file.seek(-2, os.SEEK_END)
            return file.read() == b"]\n"
    except OSError:  # no such file, or shorter than 2 bytes
        return False
