"""The files that published trainers and converters read. Each function writes one, complete or not at all."""

import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from retrieval.cli import UserError
from retrieval.files import complete_file, read_object
from retrieval.records import EXPECTED_HASH, PROVENANCE_FIELDS, encode_record, write_chunks
from retrieval.remote_address import is_address

RETRIEVED = 0  # SWAT's third field: 1 is an image of the few-shot set
UID = re.compile(r"[0-9a-f]{32}")
UIDS = np.dtype("u8,u8")  # https://github.com/mlfoundations/datacomp: the high 64 bits of a uid, then the low ones


class Labels(dict):
    """Class -> label. An unknown class is a UserError."""

    template: str | None = None

    def __missing__(self, name):
        raise UserError(f"the dataset's class {name!r} is not in the template {self.template}: give another --template")


def numbered(classes: list[str], template: str | None) -> Labels:
    """Labels from 0 in the order of `classes`; `template` is what a refusal names."""
    labels = Labels({name: number for number, name in enumerate(classes)})
    labels.template = template
    return labels


def write_ids(images: Iterable[dict], output: Path) -> int:
    """One key per line; returns their number."""
    return _write_lines((entry["key"] for entry in images), output)


def write_swat(images: Iterable[dict], labels: Labels, dataset: Path, output: Path, links: Path | None) -> int:
    """`path label source` per line; returns their number.

    Args:
        links: a folder that gets <label>/<key>.jpg, links to the images, and from which the paths count.

    Raises:
        UserError: a path has a space and there is no `links`.
    """
    return _write_lines((_swat_line(entry, labels, dataset, links) for entry in images), output)


def _swat_line(entry: dict, labels: Labels, dataset: Path, links: Path | None) -> str:
    name, label = entry["file_name"], labels[entry["QUERY"]]
    if links:
        source, name = name, f"{label}/{entry['key']}.jpg"
        (links / name).parent.mkdir(parents=True, exist_ok=True)
        if not (links / name).is_symlink():
            os.symlink((dataset / source).resolve(), links / name)
    elif re.search(r"\s", name):
        raise UserError(f"{name} has a space, at which SWAT's reader splits a line: add --links FOLDER")
    return f"{name} {label} {RETRIEVED}"


def write_datacomp_uids(images: Iterable[dict], output: Path) -> tuple[int, int]:
    """The distinct uids, sorted, as .npy of dtype u8,u8; returns (their images, images without a uid).

    Raises:
        UserError: no image has a uid.
    """
    uids, skipped = [], 0
    for entry in images:
        uid = str(entry.get("SAMPLE_ID")).lower()
        if UID.fullmatch(uid):
            uids.append((int(uid[:16], 16), int(uid[16:], 16)))
        else:
            skipped += 1
    if not uids:
        raise UserError("no image has a DataComp uid (a SAMPLE_ID of 32 hexadecimal digits): its pool is another one")
    with complete_file(output) as beside, open(beside, "wb") as file:
        np.save(file, np.unique(np.array(uids, UIDS)))
    return len(uids), skipped


def write_rebuild_list(images: Iterable[dict], output: Path) -> tuple[int, int]:
    """chunk_*.json in the folder `output`: a record per image, with the SHA256 of the file that its URL answered with.

    download_urls_img2dataset.py gives such a record the same key again, and keeps no other file for it. Of the sources
    of an image the record has the first.

    Returns:
        (their images, images that nobody else can fetch: without a hash, or from a tar and without a URL).
    """
    for chunk in output.glob("chunk_*.json"):
        chunk.unlink()
    counts = Counter()

    def records() -> Iterator[str]:
        for entry in images:
            can_be_fetched = bool(entry.get("sha256")) and is_address(entry["url"])
            counts[can_be_fetched] += 1
            if can_be_fetched:
                yield encode_record(_record_of(entry))

    write_chunks(records(), output)
    return counts[True], counts[False]


def _record_of(entry: dict) -> dict:
    """The record of a filter from which the downloader makes this entry of metadata.jsonl, and its hash."""
    record = {
        "SAMPLE_ID": entry.get("SAMPLE_ID"), "URL": entry["url"], "TEXT": entry.get("caption"),
        "WIDTH": entry.get("original_width"), "HEIGHT": entry.get("original_height"),
        "LICENSE": entry.get("LICENSE"), "NSFW": entry.get("NSFW"), "similarity": entry.get("similarity"),
        "QUERY": entry["QUERY"], EXPECTED_HASH: entry["sha256"],
    }  # fmt: skip
    first = entry["sources"][0] if entry["sources"] else {}
    return record | {name: first.get(name) for name in PROVENANCE_FIELDS} | {"punsafe": entry.get("punsafe")}


def rebuild_command(dataset: Path, folder: Path) -> str:
    """The downloader's command that makes the same files of the list, with the dataset's own image settings."""
    settings = read_object(dataset / "settings.json") if (dataset / "settings.json").exists() else {}
    flags = [word for name, value in settings.items() if value is not None
             for word in (f"--{name.replace('_', '-')}", str(value))]  # fmt: skip
    return shlex.join(["python", "download_urls_img2dataset.py", "--r", str(folder), "--w", "WORK",
                       "--dataset-output", "DATASET", "--allow-untagged", *flags])  # fmt: skip


def write_label_map(labels: Labels, output: Path) -> int:
    """JSON: class -> label; returns their number."""
    with complete_file(output) as beside:
        beside.write_text(json.dumps(labels, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", errors="replace")
    return len(labels)


def _write_lines(lines: Iterable[str], output: Path) -> int:
    count = 0
    with complete_file(output) as beside, open(beside, "w", encoding="utf-8", errors="surrogateescape") as file:
        for line in lines:
            file.write(line + "\n")
            count += 1
    return count
