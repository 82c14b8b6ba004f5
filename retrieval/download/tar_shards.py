"""An ImageFolder as WebDataset's tars: <key>.jpg, .json, .cls and .txt side by side, thousands of images per tar.

    write_tars(Path("work/imagefolder"), Path("outputs/tars"))      # 00000.tar, 00001.tar, …, classes.txt

Images are ordered by key, as in metadata.jsonl. Keys are hashes, so each tar holds a sample of all classes, as training
needs it, and the same images give the same bytes. With --val-fraction the tars are in train/ and val/.
https://github.com/webdataset/webdataset
"""

import io
import itertools
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from retrieval.dataset_card import write_tars_card
from retrieval.dataset_files import used_folders
from retrieval.files import complete_file, read_object
from retrieval.report import write_report

IMAGES_PER_TAR = 10_000  # about 200 MB at 256 pixels, which streams well and shuffles well
FILES_BESIDE = ("metadata.json", "metadata.jsonl", "report.json")


def write_tars(images: Path, output: Path, splits: tuple[str, ...] = ()) -> int:
    """Write the tars, the files beside them, and last `classes.txt`; returns the number of tars.

    Line n of classes.txt, from 0, is the class that `.cls` calls n. These are the classes with images, in the order in
    which torchvision's ImageFolder numbers their folders.

    Args:
        images: an ImageFolder that the downloader made.
        splits: with --val-fraction, its folders above the class folders.
    """
    folders = {folder: name for name, folder in read_object(images / "report.json", "folders")["folders"].items()}
    used = used_folders(images, folders, splits)
    numbers = {folder: number for number, folder in enumerate(used)}
    written = sum(_write_split(images / split, output / split, numbers) for split in splits or ("",))
    for name in FILES_BESIDE:
        with complete_file(output / name) as beside:
            shutil.copyfile(images / name, beside)
    write_report(images, output.resolve().name, to=output / "report.html")  # its links lead to the folder of images
    write_tars_card(output, bool(splits))
    with complete_file(output / "classes.txt") as beside:
        beside.write_text("".join(f"{folders[folder]}\n" for folder in used), encoding="utf-8")
    return written


def _write_split(images: Path, output: Path, numbers: dict[str, int]) -> int:
    """Write the tars of a folder of class folders with its metadata.jsonl; returns their number."""
    output.mkdir(exist_ok=True)
    written = 0
    with open(images / "metadata.jsonl", encoding="utf-8") as lines:
        while block := list(itertools.islice(lines, IMAGES_PER_TAR)):
            with complete_file(output / f"{written:05d}.tar") as beside, tarfile.open(beside, "w") as tar:
                for name, data in _files(images, block, numbers):
                    add(tar, name, data)
            written += 1
    for stale in output.glob("[0-9][0-9][0-9][0-9][0-9].tar"):
        if int(stale.stem) >= written:
            stale.unlink()
    return written


def _files(images: Path, lines: list[str], numbers: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file of a tar."""
    for line in lines:
        entry = json.loads(line)
        name, key = entry.pop("file_name"), entry.pop("key")
        yield f"{key}.jpg", (images / name).read_bytes()
        yield f"{key}.json", json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace")
        yield f"{key}.cls", str(numbers[PurePosixPath(name).parent.name]).encode()
        yield f"{key}.txt", (entry.get("caption") or "").encode("utf-8", "replace")


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file without a date or an owner, so that the same images give the same tar."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
