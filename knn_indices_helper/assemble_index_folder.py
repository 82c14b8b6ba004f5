"""Metadata, text index and image index into one folder that the semantic filter and clip-retrieval's back end serve.

In:  --metadata, a folder of metadata_0000.parquet …; --image-index and / or --text-index (a file, or the folder with
     populated.index and merged_index.ivfdata); the embeddings they were built from, to check them by.
Out: --output-dir with metadata/*.arrow (URL and TEXT as `url` and `caption`, other columns as they are), image.index
     and / or text.index (hard links where the disk allows, else copies), and indicies.json.

Row i of an index must be row i of the metadata. That is proved before anything is written: numbers of rows and widths
are equal (file by file too), the model's width is theirs, and a sample of rows of every file, asked for with their own
embeddings, is found at their own ids.

    python knn_indices_helper/assemble_index_folder.py --metadata metadata --text-index text/knn.index --text-embeddings text_embeddings --image-index image/knn.index --image-embeddings img_emb --model ViT-L/14 --output-dir my_index_folder
    python knn_indices_helper/assemble_index_folder.py --metadata coyo --text-index coyo_text.index --text-embeddings coyo_text --model ViT-L/14 --name coyo --output-dir coyo_folder --indicies my_index_folder/indicies.json --add
"""  # noqa: E501 - commands as they are typed

import argparse
import itertools
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import _root  # noqa: F401
from build_knn_index import Embeddings, numeric_order, open_embeddings

from retrieval.cli import UserError, command, parse_flags, parser_for, progress, say
from retrieval.clip_model import ModelError, check_model_name
from retrieval.files import (
    complete_file,
    file_fingerprint,
    free_bytes,
    settings_fingerprint,
    writable_folder,
    write_json,
)

BATCH_ROWS = 65_536  # rows of one arrow record batch, and all that is in memory at a time: some 20 MB of LAION's
SAMPLE_ROWS = 256  # rows asked for, spread over all files; more where there are many files
SAMPLE_ROWS_A_FILE = 8  # at a recall of 0.9, all eight rows of a sound file are missed once in 100,000,000 files
NEIGHBOURS = 10  # among how many a row must find itself
FOUND_SHARE = 0.5  # misaligned indices find next to none of the rows, the coarsest of sound ones most
EQUAL_SCORE = 2e-3  # float16's rounding of a unit row: rows that are that equal may stand for each other
INDEX_NAMES = {"image": "image.index", "text": "text.index"}  # clip-retrieval's
EMBEDDING_PATTERNS = {"image": "img_emb_*.npy", "text": "text_embed_*.npy"}  # where a folder holds both kinds


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--metadata", type=Path, required=True, help="folder of parquet files")
    parser.add_argument("--image-index", type=Path, help="a file, or a folder that holds populated.index")
    parser.add_argument("--text-index", type=Path)
    parser.add_argument("--image-embeddings", type=Path, help="folder of .npy files, for the check")
    parser.add_argument("--text-embeddings", type=Path)
    parser.add_argument(
        "--model", required=True, help="ViT-L/14, or open_clip:MODEL/PRETRAINED: what embedded the rows"
    )
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--name", default="laion", help="of the entry in indicies.json (default: %(default)s)")
    parser.add_argument("--indicies", type=Path, help="(default: indicies.json in --output-dir)")
    parser.add_argument("--add", action="store_true", help="keep the other entries of an indicies.json that is there")
    parser.add_argument("--columns", nargs="+", metavar="COLUMN", help="keep only these columns (default: all)")
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=True, help="(default: --check)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    try:
        model = check_model_name(args.model)
    except ModelError as error:
        raise UserError(f"--model: {error}") from error
    sources = index_sources(args)
    indicies = args.indicies or args.output_dir / "indicies.json"
    entries = other_entries(indicies, args.name, args.add)
    metadata = read_plan(args.metadata, args.columns)
    for kind, path in sources.items():
        check_index(kind, path, getattr(args, f"{kind}_embeddings"), metadata, model.width, args.model, args.check)
    writable_folder(args.output_dir, "--output-dir")

    write_metadata(metadata, args.output_dir)
    for kind, path in sources.items():
        put_in_place(path, args.output_dir / INDEX_NAMES[kind])
    for kind in INDEX_NAMES.keys() - sources.keys():  # an old one would be served as if it belonged to these rows
        remove(args.output_dir / INDEX_NAMES[kind])
    entries[args.name] = {
        "indice_folder": str(args.output_dir.resolve()),
        "clip_model": args.model,
        "enable_hdf5": False,
        "enable_faiss_memory_mapping": True,  # merged lists are opened in no other way
        "columns_to_return": metadata.schema.names,
        "reorder_metadata_by_ivf_index": False,
        "enable_mclip_option": False,
        "use_jit": False,
        "use_arrow": True,
        "provide_safety_model": False,
        "provide_violence_detector": False,
        "provide_aesthetic_embeddings": False,
    }
    writable_folder(indicies.parent, "--indicies")
    write_json(indicies, entries)
    say(f"{args.output_dir}: {metadata.rows:,} rows, {' and '.join(INDEX_NAMES[kind] for kind in sources)}; "
        f"{indicies} names {', '.join(entries)}")  # fmt: skip
    return 0


def index_sources(args) -> dict[str, Path]:
    """Kind -> the index to put in place, for those given."""
    sources = {kind: getattr(args, f"{kind}_index") for kind in INDEX_NAMES if getattr(args, f"{kind}_index")}
    if not sources:
        raise UserError("give --image-index, --text-index, or both")
    for kind, path in sources.items():
        if not index_file(path).is_file():
            raise UserError(f"--{kind}-index {path} is not there" + (
                ": the folder holds no populated.index" if path.is_dir() else ""))  # fmt: skip
        if args.check and getattr(args, f"{kind}_embeddings") is None:
            raise UserError(f"--{kind}-embeddings is needed to check that row i of --{kind}-index is row i of the "
                            "metadata; --no-check leaves that out")  # fmt: skip
    return sources


def index_file(path: Path) -> Path:
    return path / "populated.index" if path.is_dir() else path


def other_entries(indicies: Path, name: str, add: bool) -> dict:
    """What an indicies.json that is there holds beside `name`."""
    if not indicies.exists():
        return {}
    try:
        entries = json.loads(indicies.read_text(encoding="utf-8"))
        entries = {other: value for other, value in entries.items() if other != name}
    except (ValueError, AttributeError) as error:
        raise UserError(f"--indicies {indicies} is there and is no JSON object of entries ({error})") from error
    if entries and not add:
        raise UserError(f"--indicies {indicies} holds {', '.join(entries)}: --add keeps them beside {name}")
    return entries


# ---- metadata ----


@dataclass(frozen=True)
class MetadataPlan:
    files: tuple[Path, ...]  # in numeric order
    counts: tuple[int, ...]  # rows of each
    schema: object  # pyarrow.Schema of every arrow file

    @property
    def rows(self) -> int:
        return sum(self.counts)


def read_plan(folder: Path, columns: list[str] | None) -> MetadataPlan:
    """Read all footers, and find the one schema that holds every file's columns.

    Raises:
        UserError: no parquet, a cut one, columns whose types cannot be joined, or no url and no caption.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(folder.glob("*.parquet"), key=numeric_order) if folder.is_dir() else []
    if not files:
        raise UserError(f"--metadata {folder} holds no *.parquet")
    counts, schema = [], None
    for path in files:
        try:
            with pq.ParquetFile(path) as parquet:
                counts.append(parquet.metadata.num_rows)
                own = pa.schema([pa.field(name, plain_type(parquet.schema_arrow.field(old).type))
                                 for old, name in served_names(parquet.schema_arrow.names).items()])  # fmt: skip
            schema = own if schema is None else pa.unify_schemas([schema, own], promote_options="permissive")
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(
                f"{path} is no whole parquet file ({str(error).splitlines()[0]}): fetch it again"
            ) from error
        except (pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise UserError(f"{path} has columns of other types than the files before it: {error}") from error
    if columns:
        if unknown := [name for name in columns if name not in schema.names]:
            raise UserError(f"--columns {unknown[0]} is not in the metadata, which has: {', '.join(schema.names)}")
        schema = pa.schema([schema.field(name) for name in columns])
    if not {"url", "caption"} & set(schema.names):
        raise UserError(f"--metadata {folder} has neither a URL nor a TEXT column: it has {', '.join(schema.names)}")
    return MetadataPlan(tuple(files), tuple(counts), schema)


def served_names(names: list[str]) -> dict[str, str]:
    """The pool's name -> the name it is served under: clip-retrieval asks for `url` and `caption`."""
    served = {name: name for name in names}
    for wanted, spellings in (("url", ("url",)), ("caption", ("caption", "text"))):
        if wanted not in names:
            found = [name for spelling in spellings for name in names if name.lower() == spelling]
            served |= {found[0]: wanted} if found else {}
    return served


def plain_type(type_):
    """Dictionaries as their values: each file has its own dictionary, and arrow files cannot be joined across them."""
    import pyarrow as pa

    return type_.value_type if pa.types.is_dictionary(type_) else type_


def write_metadata(plan: MetadataPlan, output: Path) -> None:
    """One arrow file for each parquet file, in a folder that takes its place when all are there.

    clip-retrieval opens every file under metadata/, so that nothing else may ever be in it. The record beside it says
    of what it was made; what a killed run has converted is kept.
    """
    folder, building, record = output / "metadata", output / ".metadata.building", output / "metadata.json"
    fingerprint = settings_fingerprint([str(plan.schema), [[p.name, file_fingerprint(p)] for p in plan.files]])
    known = {"fingerprint": fingerprint, "rows": plan.rows, "files": len(plan.files)}
    if folder.is_dir() and read_record(record) == known:
        say(f"{folder} is there, made from this metadata")
        return
    if folder.exists() and not record.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is there and was not made by this script: give another --output-dir, or remove it")
    if read_record(building / "record.json") != known:
        shutil.rmtree(building, ignore_errors=True)
        write_json(building / "record.json", known)
    needed = sum(path.stat().st_size for path in plan.files)  # uncompressed arrow is larger; at least this must fit
    if needed > (free := free_bytes(output)):
        raise UserError(f"the metadata needs more than {needed:,} bytes and the disk of {output} has {free:,} left")
    convert(plan, building)
    (building / "record.json").unlink()
    for leftover in building.glob(".*"):
        leftover.unlink()
    record.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(building, folder)
    write_json(record, known)


def convert(plan: MetadataPlan, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    digits = max(4, len(str(len(plan.files) - 1)))  # the names are sorted as text
    with progress(plan.rows, "rows", "metadata") as more:
        for number, (path, count) in enumerate(zip(plan.files, plan.counts, strict=True)):
            target = folder / f"metadata_{number:0{digits}d}.arrow"
            if not target.exists():
                with complete_file(target) as beside, pq.ParquetFile(path) as parquet:
                    served = {name: old for old, name in served_names(parquet.schema_arrow.names).items()}
                    wanted = [served[name] for name in plan.schema.names if name in served]
                    with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, plan.schema) as writer:
                        for batch in parquet.iter_batches(BATCH_ROWS, columns=wanted):
                            writer.write_batch(with_schema(batch, served, plan.schema))
            more(count)


def with_schema(batch, served: dict[str, str], schema):
    """The batch's columns under the names and types of `schema`; those it lacks are null."""
    import pyarrow as pa

    columns = []
    for field in schema:
        if field.name in served:
            column = batch.column(served[field.name])
            column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            columns.append(column.cast(field.type))
        else:
            columns.append(pa.nulls(batch.num_rows, field.type))
    return pa.record_batch(columns, schema=schema)


def read_record(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


# ---- the check ----


def check_index(kind: str, path: Path, embeddings_folder: Path | None, metadata: MetadataPlan, model_width: int,
                model_name: str, sample: bool) -> None:  # fmt: skip
    """Refuse an index that is not of these rows, this model and inner products.

    Raises:
        UserError: names both sides of what does not fit.
    """
    import faiss

    flag = f"--{kind}-index {path}"
    flags = faiss.IO_FLAG_ONDISK_SAME_DIR if path.is_dir() else faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
    try:
        index = faiss.read_index(str(index_file(path)), flags)
    except RuntimeError as error:
        raise UserError(f"{flag} cannot be read as a faiss index ({str(error).strip().splitlines()[-1]})") from error
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise UserError(f"{flag} does not compare by inner product: build it with --metric_type=ip")
    if index.d != model_width:
        raise UserError(f"{flag} has width {index.d:,}, and --model {model_name} has {model_width:,}")
    if index.ntotal != metadata.rows:
        raise UserError(f"{flag} has {index.ntotal:,} rows, and --metadata has {metadata.rows:,}")
    if embeddings_folder is None:
        return
    flag = f"--{kind}-embeddings"
    pattern = EMBEDDING_PATTERNS[kind] if any(embeddings_folder.glob(EMBEDDING_PATTERNS[kind])) else "*.npy"
    embeddings = open_embeddings(embeddings_folder, pattern, flag)
    if embeddings.width != index.d:
        raise UserError(f"{flag} {embeddings_folder} has width {embeddings.width:,}, and the index has {index.d:,}")
    check_counts(flag, embeddings, metadata)
    if sample:
        found = check_alignment(kind, index, embeddings)
        say(f"{kind} index: {index.ntotal:,} rows of width {index.d:,}; {found:.1%} of a sample found at their own")


def check_counts(flag: str, embeddings: Embeddings, metadata: MetadataPlan) -> None:
    """Equal numbers of rows, in all and in each pair of files."""
    if len(embeddings.files) == len(metadata.files):
        counts = [end - start for start, end in itertools.pairwise(embeddings.starts)]
        for ours, rows, theirs, count in zip(embeddings.files, counts, metadata.files, metadata.counts, strict=True):
            if rows != count:
                raise UserError(f"{flag}: {ours.name} has {rows:,} rows, and {theirs.name} has {count:,}")
    if embeddings.rows != metadata.rows:
        raise UserError(f"{flag} has {embeddings.rows:,} rows, and --metadata has {metadata.rows:,}")


def check_alignment(kind: str, index, embeddings: Embeddings) -> float:
    """The share of sampled rows that their own embeddings find; the sample has rows of every file.

    Raises:
        UserError: most of the sample, or all of one file's, is not found where it should be.
    """
    import numpy as np

    in_each = max(SAMPLE_ROWS_A_FILE, SAMPLE_ROWS // len(embeddings.files))
    samples = {
        path: np.unique(np.linspace(start, end - 1, in_each).astype(np.int64))
        for path, (start, end) in zip(embeddings.files, itertools.pairwise(embeddings.starts), strict=True)
        if end > start
    }
    rows = np.concatenate(list(samples.values()))
    vectors = embeddings.take(rows)
    found = index.search(vectors, NEIGHBOURS)[1]
    itself = (found == rows[:, None]).any(axis=1)
    lost = np.flatnonzero(~itself)
    if lost.size:  # pools are full of equal captions: an equal row's embedding stands for the row's own
        there = found[lost] >= 0
        others = embeddings.take(np.where(there, found[lost], 0).ravel()).reshape(len(lost), NEIGHBOURS, -1)
        own = (vectors[lost] ** 2).sum(axis=1, keepdims=True)
        itself[lost] = (there & (np.einsum("qkw,qw->qk", others, vectors[lost]) > own - EQUAL_SCORE)).any(axis=1)
    first = int(rows[np.argmin(itself)])
    if itself.mean() < FOUND_SHARE:
        raise UserError(f"--{kind}-index is not of these embeddings in this order: only {itself.sum():,} of "
                        f"{len(rows):,} rows are found with their own embeddings (row {first:,} is not)")  # fmt: skip
    begin = 0
    for path, sample in samples.items():
        if len(sample) >= SAMPLE_ROWS_A_FILE and not itself[begin : begin + len(sample)].any():
            raise UserError(f"--{kind}-index: not one of {len(sample)} rows of {path.name} is found with its own "
                            "embedding: the index was built from other files, or in another order")  # fmt: skip
        begin += len(sample)
    return float(itself.mean())


# ---- indices in place ----


def put_in_place(source: Path, target: Path) -> None:
    """A hard link where the disk allows, else a copy; a folder file by file. What is there already stays."""
    if target.exists() and source.exists() and target.samefile(source):
        return
    if source.is_dir():
        if target.exists() and not target.is_dir():
            target.unlink()
        for path in sorted(path for path in source.iterdir() if path.is_file()):
            put_in_place(path, target / path.name)
        return
    if target.is_dir():
        remove(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    linked = target.with_name(f".{target.name}.linked")
    linked.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), linked)
        os.replace(linked, target)
    except OSError:  # another disk, or one without hard links
        with complete_file(target) as beside:
            shutil.copyfile(source, beside)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
