"""Embed pictures with CLIP's image tower: the first step towards an image index of one's own.

In, one of: an ImageFolder (--images FOLDER with pictures in class folders; its metadata.jsonl is used if there is one);
img2dataset's webdataset tars (--images FOLDER with 00000.tar …); pictures beside metadata parquets (--images FOLDER
--metadata PARQUET, whose --image-column holds each picture's path below FOLDER).
Out: img_emb_0000.npy …, float16 (rows, width), unit rows, and metadata_0000.parquet … with the same rows in order.
A picture that is missing, is none, is cut short or is a decompression bomb is left out of both, and counted by reason.
A tar, a parquet or 10,000 pictures of a folder are one unit; stopped at any moment, the same command does the others.

    python knn_indices_helper/compute_image_embeddings.py --images dataset \\
        --output-embeddings-dir img_emb --output-metadata-dir metadata
    python knn_indices_helper/compute_image_embeddings.py --images pictures --metadata pool.parquet \\
        --model ViT-B/32 --output-embeddings-dir img_emb --output-metadata-dir metadata

clip-retrieval's `clip_inference` is not used: it reads no metadata parquet, counts nothing that it drops, fails where a
whole batch of files drops, and begins again when it is stopped.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import _root  # noqa: F401
from compute_text_embeddings import ahead, npy_header

from retrieval.cli import (
    UserError,
    add_array_flags,
    array_place,
    array_share,
    command,
    parse_flags,
    parser_for,
    progress,
    say,
)
from retrieval.clip_model import PRECISIONS, ModelError, check_model_name, load_clip
from retrieval.files import complete_file, file_fingerprint, settings_fingerprint, writable_folder, write_json

MODEL = "ViT-L/14"  # the model of LAION's published image embeddings and indices
BATCH_SIZE = 64  # pictures: 20 MB of pixels at 224 × 224; a GPU gains little above 256
UNIT_PICTURES = 10_000  # of an ImageFolder in one unit, as many as img2dataset puts into a tar
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
METADATA_LINES = "metadata.jsonl"
READ_ERRORS = (OSError, ValueError, tarfile.TarError)  # pyarrow's and json's are ValueErrors
MAX_PIXELS = 89_478_485  # Pillow's own line between a large picture and a decompression bomb (a quarter GB of RGB)


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--images", required=True, type=Path, help="folder of pictures, or of *.tar")
    parser.add_argument("--metadata", type=Path, help="parquet, or folder of them, that names pictures in --images")
    parser.add_argument("--image-column", default="image_path", help="with --metadata (default: %(default)s)")
    parser.add_argument("--output-embeddings-dir", required=True, type=Path, help="folder for img_emb_*.npy")
    parser.add_argument("--output-metadata-dir", required=True, type=Path, help="folder for metadata_*.parquet")
    parser.add_argument("--model", default=MODEL, help="as indicies.json names it (default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="pictures a batch (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="threads that decode (default: one a core)")
    parser.add_argument("--device", help="cuda, cuda:1, cpu … (default: cuda where there is one)")
    add_array_flags(parser)
    return parser


@command
def main(argv=None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    source = check(args)
    writable_folder(args.output_embeddings_dir, "--output-embeddings-dir")
    writable_folder(args.output_metadata_dir, "--output-metadata-dir")
    units = array_share(plan_units(args), job_idx, total_jobs)
    fingerprints, lost = fingerprint_units(units, args, source)
    todo = [unit for unit in units if unit.name in fingerprints and not is_done(unit, fingerprints[unit.name])]
    say(f"job {job_idx} of {total_jobs}: {len(units):,} units, {len(units) - len(todo) - len(lost):,} are done already")
    if todo:
        lost |= embed_units(load_model(args), todo, fingerprints, args)
    return report(units, lost)


# ---- checks and plan ----


@dataclass(frozen=True, order=True)
class Unit:
    """What is embedded together (a tar, a metadata parquet, or some of a folder's pictures), and what it becomes."""

    name: str  # its file's number, "0000", or stem
    source: Path  # the tar, the parquet, or the ImageFolder
    pictures: tuple[str, ...]  # of an ImageFolder, relative to it
    embeddings: Path  # img_emb_0000.npy
    metadata: Path  # metadata_0000.parquet

    @property
    def state(self) -> Path:
        """Written last: what the unit was made from, and what was dropped."""
        return self.embeddings.with_suffix(".json")


def check(args):
    """What can be refused before anything is opened; the model's source."""
    for flag, value in (("--batch-size", args.batch_size), ("--workers", args.workers)):
        if value < 1:
            raise UserError(f"{flag} {value}: give at least 1")
    if not args.images.is_dir():
        raise UserError(f"--images {args.images} is no folder")
    if args.metadata and not args.metadata.exists():
        raise UserError(f"--metadata {args.metadata} is not there")
    try:
        return check_model_name(args.model)
    except ModelError as error:
        raise UserError(f"--model: {error}") from error


def plan_units(args) -> list[Unit]:
    """Units in the order of their names.

    Raises:
        UserError: nothing to embed, two files that would share an output, a parquet without the image column.
    """
    tars = sorted(args.images.glob("*.tar"))
    if args.metadata:
        files = sorted(args.metadata.glob("*.parquet")) if args.metadata.is_dir() else [args.metadata]
        for file in files:
            check_image_column(file, args.image_column)
        sources = [(number(file), file, ()) for file in files]
    elif tars:
        sources = [(number(file), file, ()) for file in tars]
    else:
        pictures = sorted(
            path.relative_to(args.images).as_posix()
            for path in args.images.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        sources = [
            (f"{begin // UNIT_PICTURES:04}", args.images, tuple(pictures[begin : begin + UNIT_PICTURES]))
            for begin in range(0, len(pictures), UNIT_PICTURES)
        ]
    if not sources:
        where = f"--metadata {args.metadata} holds no *.parquet" if args.metadata else (
            f"--images {args.images} holds no picture ({' '.join(SUFFIXES)}) and no *.tar"
        )  # fmt: skip
        raise UserError(where)
    names = Counter(name for name, _, _ in sources)
    for name, file, _ in sources:
        if names[name] > 1:
            raise UserError(f"several inputs would become img_emb_{name}.npy, {file} among them: rename them")
    outputs = args.output_embeddings_dir, args.output_metadata_dir
    return [
        Unit(name, source, pictures, outputs[0] / f"img_emb_{name}.npy", outputs[1] / f"metadata_{name}.parquet")
        for name, source, pictures in sources
    ]


def number(file: Path) -> str:
    digits = re.search(r"\d+$", file.stem)
    return digits.group() if digits else file.stem


def check_image_column(file: Path, column: str) -> None:
    import pyarrow
    import pyarrow.parquet

    try:
        names = pyarrow.parquet.read_schema(file).names
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise UserError(f"--metadata: {file} is no parquet file: {first_line(error)}") from error
    if column not in names:
        raise UserError(
            f"{file} has no column {column!r} of picture paths; it has {', '.join(names)}: name one with --image-column"
        )


def fingerprint_units(units: list[Unit], args, source) -> tuple[dict[str, str], dict[str, str]]:
    """By unit's name: the fingerprint of its inputs and settings; and the reason why, where one is unreadable."""
    settings = {
        "model": args.model,
        "weights": [file_fingerprint(path) for path in source.files],
        "precision": args.precision,
        "batch_size": args.batch_size,  # sums are rounded by the shape of a batch
        "image_column": args.image_column,
    }
    fingerprints, lost = {}, {}
    for unit in units:
        try:
            fingerprints[unit.name] = settings_fingerprint([settings, inputs_of(unit, args)])
        except READ_ERRORS as error:
            lost[unit.name] = f"{unit.source}: {first_line(error)}"
    return fingerprints, lost


def inputs_of(unit: Unit, args) -> list:
    """What tells one version of a unit's inputs from another; of a picture its size and time, which is one look."""
    if unit.source.suffix == ".tar":
        return [file_fingerprint(unit.source)]
    described = [file_fingerprint(unit.source)] if args.metadata else [_stamp(unit.source / METADATA_LINES)]
    digest = hashlib.blake2b(digest_size=16)
    for _, pictures in read_unit(unit, args):
        digest.update(repr([path and (str(path), _stamp(path)) for path in pictures]).encode())
    return [*described, digest.hexdigest()]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def is_done(unit: Unit, fingerprint: str) -> bool:
    return read_state(unit).get("fingerprint") == fingerprint and unit.embeddings.exists() and unit.metadata.exists()


def read_state(unit: Unit) -> dict:
    try:
        return json.loads(unit.state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


# ---- reading: each gives (table, pictures), so many rows at a time; a picture is a path, its bytes, or None ----


def read_unit(unit: Unit, args) -> Iterator[tuple]:
    if unit.source.suffix == ".tar":
        return read_tar(unit.source, args.batch_size)
    if args.metadata:
        return read_parquet(unit.source, args.images, args.image_column, args.batch_size)
    return read_folder(unit, args.batch_size)


def read_parquet(file: Path, images: Path, column: str, batch_size: int) -> Iterator[tuple]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as opened:
        for batch in opened.iter_batches(batch_size=batch_size):
            table = pyarrow.Table.from_batches([batch])
            yield table, [images / path if path else None for path in table.column(column).to_pylist()]


def read_folder(unit: Unit, batch_size: int) -> Iterator[tuple]:
    """Rows are image_path, class, and what metadata.jsonl (datasets' ImageFolder) says of the file."""
    known = {}
    with contextlib.suppress(FileNotFoundError), open(unit.source / METADATA_LINES, encoding="utf-8") as lines:
        wanted = set(unit.pictures)
        known = {row["file_name"]: row for row in map(json.loads, lines) if row.get("file_name") in wanted}
    rows = [
        known.get(path, {}) | {"image_path": path, "class": path.rpartition("/")[0].rpartition("/")[2] or None}
        for path in unit.pictures
    ]
    table = table_of(rows)
    for begin in range(0, len(rows), batch_size):
        paths = unit.pictures[begin : begin + batch_size]
        yield table.slice(begin, batch_size), [unit.source / path for path in paths]


def read_tar(file: Path, batch_size: int) -> Iterator[tuple]:
    """Rows are key, what KEY.json says, and caption from KEY.txt where the JSON has none (img2dataset writes all)."""
    with tarfile.open(file) as tar:
        samples: dict[str, dict[str, tarfile.TarInfo]] = {}
        for member in tar:
            folder, _, name = member.name.rpartition("/")
            key, _, suffix = name.partition(".")  # webdataset's rule: up to the first dot
            if member.isfile():
                samples.setdefault(f"{folder}/{key}".lstrip("/"), {})[f".{suffix.lower()}"] = member
        content = lambda member: tar.extractfile(member).read()  # noqa: E731
        rows, pictures = [], []
        for key, sample in samples.items():
            picture = next((sample[suffix] for suffix in SUFFIXES if suffix in sample), None)
            if picture is None and ".json" not in sample:
                continue  # no sample: a README, a list
            row = json.loads(content(sample[".json"])) if ".json" in sample else {}
            if row.get("caption") is None and ".txt" in sample:
                row["caption"] = content(sample[".txt"]).decode("utf-8", "replace")
            rows.append(row | {"key": key})
            pictures.append(picture)
        table = table_of(rows)
        for begin in range(0, len(rows), batch_size):
            part = pictures[begin : begin + batch_size]
            yield table.slice(begin, batch_size), [member and content(member) for member in part]


def table_of(rows: list[dict]):
    """A table of the rows' plain values; a column whose values are of several kinds becomes text."""
    import pyarrow

    plain = (str, int, float, bool, type(None))
    names = dict.fromkeys(name for row in rows for name, value in row.items() if isinstance(value, plain))
    columns = {}
    for name in names:
        values = [value if isinstance(value := row.get(name), plain) else None for row in rows]
        try:
            columns[name] = pyarrow.array(values)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
            columns[name] = pyarrow.array([None if value is None else str(value) for value in values])
    return pyarrow.table(columns)


# ---- embedding ----


def load_model(args):
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    try:
        model = load_clip(args.model, args.device, args.precision)
    except ModelError as error:
        raise UserError(str(error)) from error
    say(f"{args.model} on {model.device} in {args.precision}, width {model.width}")
    return model


def embed_units(model, todo: list[Unit], fingerprints: dict[str, str], args) -> dict[str, str]:
    """Embed unit after unit.

    Returns:
        dict[str, str]: the reason why, of each unit that could not be read to its end.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)  # Pillow itself refuses at twice the line only
    lost = {}
    with ThreadPoolExecutor(args.workers) as threads, progress(None, "pictures", "embedding") as more:
        for unit in todo:
            try:
                embed_unit(model, unit, fingerprints[unit.name], args, threads, more)
            except READ_ERRORS as error:
                lost[unit.name] = f"{unit.source}: {first_line(error)}"
    return lost


def embed_unit(model, unit: Unit, fingerprint: str, args, threads, more) -> None:
    """Write the unit's two files and then its state; killed before that, the next run does the unit again."""
    import pyarrow.parquet

    for made_otherwise in (unit.state, unit.embeddings, unit.metadata):
        made_otherwise.unlink(missing_ok=True)
    asked, kept, dropped, writer = 0, 0, Counter(), None
    with (
        complete_file(unit.embeddings) as rows_file,
        complete_file(unit.metadata) as metadata_file,
        contextlib.closing(ahead(decoded(read_unit(unit, args), model.preprocess, threads))) as batches,
    ):
        with open(rows_file, "wb") as rows:
            rows.write(npy_header(0, model.width))
            for table, pixels, reasons in batches:
                writer = writer or pyarrow.parquet.ParquetWriter(metadata_file, table.schema)
                asked += len(reasons)
                dropped.update(reason for reason in reasons if reason)
                if pixels is not None:
                    rows.write(model.embed_pixels(pixels).half().cpu().numpy().tobytes())
                    writer.write_table(table.filter(pyarrow.array([reason is None for reason in reasons])))
                    kept += len(pixels)
                more(len(reasons))
            rows.seek(0)
            rows.write(npy_header(kept, model.width))  # NumPy pads it, so that the number of rows may grow in place
        if writer is None:  # a unit without rows
            writer = pyarrow.parquet.ParquetWriter(metadata_file, empty_schema(unit, args))
        writer.close()
    dropped = dict(sorted(dropped.items()))
    write_json(unit.state, {"fingerprint": fingerprint, "asked": asked, "rows": kept, "dropped": dropped})
    say(f"{unit.embeddings.name}: {kept:,} of {asked:,} pictures of {unit.source.name}{described(dropped)}")


def empty_schema(unit: Unit, args):
    import pyarrow
    import pyarrow.parquet

    return pyarrow.parquet.read_schema(unit.source) if args.metadata else pyarrow.schema({"key": pyarrow.string()})


def decoded(batches: Iterator[tuple], preprocess, threads) -> Iterator[tuple]:
    """(table, pixels (n, 3, height, width) of those that decode or None, a reason or None for each picture)."""
    import torch

    for table, pictures in batches:
        outcomes = list(threads.map(lambda picture: decode(picture, preprocess), pictures))
        pixels = [outcome for outcome in outcomes if not isinstance(outcome, str)]
        reasons = [outcome if isinstance(outcome, str) else None for outcome in outcomes]
        yield table, torch.stack(pixels) if pixels else None, reasons


def decode(picture: Path | bytes | None, preprocess):
    """The picture as the model wants it, or the reason why it cannot be had."""
    from PIL import Image, UnidentifiedImageError

    if picture is None:
        return "missing"
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
            return preprocess(image)
    except (FileNotFoundError, IsADirectoryError):
        return "missing"
    except UnidentifiedImageError:
        return "no picture"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"over {MAX_PIXELS:,} pixels"
    except Exception:  # noqa: BLE001 - Pillow's decoders raise OSError, SyntaxError, struct.error … for broken data
        return "broken"


# ---- the end ----


def report(units: list[Unit], lost: dict[str, str]) -> int:
    """The line that reconciles: every picture is embedded, or dropped for a reason; every unit is done, or named."""
    for reason in lost.values():
        say(f"not embedded: {reason}")
    states = [read_state(unit) for unit in units if unit.name not in lost]
    dropped = sum((Counter(state["dropped"]) for state in states), Counter())
    say(
        f"{len(units):,} units asked, {len(states):,} done, {len(lost):,} unreadable; "
        f"{sum(state['asked'] for state in states):,} pictures asked, "
        f"{sum(state['rows'] for state in states):,} embedded{described(dropped)}"
    )
    return 1 if lost else 0


def described(dropped: dict[str, int]) -> str:
    return "".join(f", {count:,} {reason}" for reason, count in sorted(dropped.items()))


def first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
