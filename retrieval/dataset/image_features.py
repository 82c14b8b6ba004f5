"""The CLIP features of a folder's images: each picture is embedded once, and kept in files beside the folder.

In:  an ImageFolder, the downloader's or any other, and a loaded model.
Out: ImageFeatures, and below <folder>.features/ one folder per model, with

     img_emb_00000.npy    float16 (n, width), unit rows, of up to PART_IMAGES pictures
     img_emb_00000.json   the sha256 of each row's picture, and of those that do not decode, with the reason
     hashes.json          file -> [bytes, mtime_ns, sha256], so that an unchanged file is not read again

A picture is known by its content. So one that was moved, linked into another folder, or found for two classes is
embedded once, and several datasets can share a folder of features.

The files are beside the dataset, because torchvision's ImageFolder takes each folder inside for a class, also a hidden
one. A part is written when it is complete, its .json last: a killed run loses at most one part, and ends with the same
bytes when it is started again. tests/test_image_features.py compares with open_clip's own embeddings.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from retrieval.cli import UserError, progress, say, say_always
from retrieval.clip_model import IMAGE_BATCH, ClipModel
from retrieval.clip_names import check_model_name
from retrieval.dataset.dataset_folder import labelled_images
from retrieval.embeddings import check_rows, open_array
from retrieval.files import (
    complete_file,
    file_fingerprint,
    locked,
    read_json,
    settings_fingerprint,
    writable_folder,
    write_json,
)
from retrieval.image_files import MISSING
from retrieval.image_pixels import refuse_bombs
from retrieval.read_ahead import ahead

PART_IMAGES = 4 * IMAGE_BATCH  # whole batches: the composition of a batch changes the last bit of its rows
HASHES = "hashes.json"
FILES_AT_ONCE = 10_000  # that wait for a thread: a million at once would take a gigabyte


@dataclass(frozen=True)
class ImageFeatures:
    """The images of a folder that have features, sorted by name."""

    names: list[str]  # files, relative to the folder: "tabby cat/123.jpg"
    labels: list[str]  # the class folder of each
    hashes: list[str]  # the sha256 of each file, hex
    rows: np.ndarray  # float32 (n, width), unit rows
    lost: dict[str, str]  # name -> why an image has none: missing, broken, no image …

    @property
    def keys(self) -> list[str]:
        """The stem of each file: the key of an image of ours."""
        return [PurePosixPath(name).stem for name in self.names]


def embed_folder(folder: Path, model: ClipModel, features: Path | None = None) -> ImageFeatures:
    """The features of all images of an ImageFolder. What was embedded before is only read.

    Args:
        features: where features are kept (default: <folder>.features).

    Raises:
        UserError: the folder has no images, its features cannot be written, or another run is writing them.
    """
    images = labelled_images(folder)
    place = model_folder(features or default_features(folder), model)
    with only_writer(place), ThreadPoolExecutor(os.cpu_count()) as threads:
        hashes, lost = _hash_files(folder, [name for name, _ in images], place / HASHES, threads)
        places, reasons = _read_parts(place, model.width)
        first_file = {digest: name for name, digest in reversed(hashes.items())}
        todo = [(digest, folder / first_file[digest]) for digest in dict.fromkeys(hashes.values())
                if digest not in places and digest not in reasons]  # fmt: skip
        say(f"{folder}: {len(first_file):,} pictures, {len(first_file) - len(todo):,} of them embedded before")
        if todo:
            _embed(todo, model, place, threads)
            places, reasons = _read_parts(place, model.width)
    lost |= {name: reasons[digest] for name, digest in hashes.items() if digest in reasons}
    kept = [(name, label, hashes[name]) for name, label in images if name not in lost]
    names, labels, digests = (list(column) for column in zip(*kept, strict=True)) if kept else ([], [], [])
    return ImageFeatures(names, labels, digests, _take([places[digest] for digest in digests], model.width), lost)


def default_features(folder: Path) -> Path:
    """Beside the folder: outputs/dataset -> outputs/dataset.features."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}.features")


def model_folder(features: Path, model: ClipModel) -> Path:
    """The folder of one model's features. What decides the numbers is in its name: weights, precision, preprocessing.

    Raises:
        UserError: it cannot be written.
    """
    source = check_model_name(model.name)
    decides = {
        "model": source.identity,
        "weights": [file_fingerprint(path) for path in source.files],
        "precision": model.precision,
        "preprocess": re.sub(r" at 0x[0-9a-f]+", "", repr(model.preprocess)),  # of a function: where it lies in memory
    }
    return writable_folder(features / f"{source.architecture}-{settings_fingerprint(decides)}", "--features")


@contextlib.contextmanager
def only_writer(place: Path) -> Iterator[None]:
    """Hold the folder of a model's features, and remove what a killed run left half written.

    Raises:
        UserError: another run holds it.
    """
    with locked(place / ".lock", f"another run is embedding into {place}: wait until it ends"):
        for left in place.glob(".*.part"):
            left.unlink()
        yield


# ---- which file has which content ----


def _hash_files(folder: Path, names: list[str], memo: Path, threads: Executor) -> tuple[dict[str, str], dict[str, str]]:
    """Two maps by file: its sha256; why it cannot be read. A file of the same size and time as before is not read."""
    known = {}
    with contextlib.suppress(OSError, UserError):  # no file yet, or a damaged one: then all are read
        known = read_json(memo)
    outcomes: dict[str, list | str] = {}
    for begin in range(0, len(names), FILES_AT_ONCE):
        some = names[begin : begin + FILES_AT_ONCE]
        outcomes |= zip(some, threads.map(lambda name: _hash_file(folder / name, known.get(name)), some), strict=True)
    found = {name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, str)}
    if any(known.get(name) != outcome for name, outcome in found.items()):
        with complete_file(memo) as beside:
            lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted((known | found).items()))
            beside.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    lost = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, str)}
    return {name: digest for name, (_, _, digest) in found.items()}, lost


def _hash_file(path: Path, known: list | None) -> list | str:
    """[bytes, mtime_ns, sha256] of a file, or the reason why it cannot be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return MISSING
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        if known and known[:2] == stamp:
            return known
        return [*stamp, hashlib.sha256(path.read_bytes()).hexdigest()]
    except OSError as error:
        return f"unreadable ({error.strerror})"


# ---- the parts ----


def _read_parts(place: Path, width: int) -> tuple[dict[str, tuple[Path, int]], dict[str, str]]:
    """Two maps by sha256: (file, row) of each embedded picture; the reason, of those that do not decode.

    A part that is damaged is removed, so that its pictures are embedded again.
    """
    places: dict[str, tuple[Path, int]] = {}
    reasons: dict[str, str] = {}
    for state in sorted(place.glob("img_emb_*.json")):
        file = state.with_suffix(".npy")
        try:
            part, shape = read_json(state), open_array(file).shape
            if shape != (len(part["rows"]), width):
                raise UserError(f"{file} has shape {shape}")
        except (OSError, UserError, KeyError, TypeError) as error:
            say_always(f"warning: {file.name} is damaged and is made again ({error})")
            state.unlink(missing_ok=True)
            continue
        places |= {digest: (file, row) for row, digest in enumerate(part["rows"])}
        reasons |= part["lost"]
    return places, reasons


def _embed(todo: list[tuple[str, Path]], model: ClipModel, place: Path, threads: Executor) -> None:
    """Embed pictures, given as (sha256, a file that holds it), part after part."""

    def batches(pictures: list) -> Iterator[list]:
        return (pictures[begin : begin + IMAGE_BATCH] for begin in range(0, len(pictures), IMAGE_BATCH))

    refuse_bombs()
    decoded = ahead(model.decode_images([file for _, file in batch], threads) for batch in batches(todo))
    free = (number for number in range(10**5) if not (place / f"img_emb_{number:05}.json").exists())
    with contextlib.closing(decoded), progress(len(todo), "images", "embedding") as more:
        for begin in range(0, len(todo), PART_IMAGES):
            blocks, kept, lost = [np.zeros((0, model.width), np.float16)], [], {}
            for batch in batches(todo[begin : begin + PART_IMAGES]):
                pixels, reasons = next(decoded)
                if pixels is not None:
                    blocks.append(model.embed_pixels(pixels).half().cpu().numpy())
                for (digest, _), reason in zip(batch, reasons, strict=True):
                    lost |= {digest: reason} if reason else {}
                    kept += [] if reason else [digest]
                more(len(batch))
            file = place / f"img_emb_{next(free):05}.npy"
            with complete_file(file) as beside, open(beside, "wb") as rows:
                np.save(rows, np.concatenate(blocks))
            write_json(file.with_suffix(".json"), {"rows": kept, "lost": lost})


def _take(wanted: list[tuple[Path, int]], width: int) -> np.ndarray:
    """float32 (n, width) of rows of several parts."""
    taken = np.empty((len(wanted), width), np.float32)
    files: dict[Path, list[int]] = {}
    for number, (file, _) in enumerate(wanted):
        files.setdefault(file, []).append(number)
    for file, numbers in files.items():
        rows = np.array([wanted[number][1] for number in numbers])
        taken[numbers] = np.load(file)[rows]
        check_rows(taken[numbers], file, rows)
    return taken
