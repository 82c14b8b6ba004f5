"""Put metadata, text index and image index into one folder, for the semantic filter and clip-retrieval's back end.

In:  --metadata, a folder of metadata_0000.parquet …; --image-index and / or --text-index (a file, or the folder with
     populated.index and merged_index.ivfdata); the embeddings they were built from, to check them by.
Out: --output-dir with metadata/*.arrow (URL and TEXT as `url` and `caption`, or the columns that
     --url-column and --caption-column name; other columns as they are), image.index
     and / or text.index (hard links where the disk allows, else copies), and indicies.json.

Row i of an index must be row i of the metadata. So the metadata is taken in the order of the embeddings, by the names
of what was embedded (the .json beside each .npy), else in numeric order. That is proved before anything is written:
numbers of rows are equal (file by file too), widths are the model's, a sample of rows of every file, searched for with
their own embeddings, is found at their own ids, and a sample of captions, embedded again, has the rows' embeddings
(where the model is on this machine).

    python knn_indices_helper/assemble_index_folder.py --metadata metadata --text-index text/knn.index --text-embeddings text_embeddings --image-index image/knn.index --image-embeddings img_emb --model ViT-L/14 --output-dir my_index_folder
    python knn_indices_helper/assemble_index_folder.py --metadata coyo --text-index coyo_text.index --text-embeddings coyo_text --model ViT-L/14 --name coyo --output-dir coyo_folder --indicies my_index_folder/indicies.json --add
"""  # noqa: E501 - commands as they are typed

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, command, parse_flags, parser_for, say
from retrieval.clip_names import check_model_name
from retrieval.columns import ColumnChoice, add_column_flags
from retrieval.files import complete_file, writable_file, writable_folder, write_json

INDEX_NAMES = {"image": "image.index", "text": "text.index"}  # clip-retrieval's names


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--metadata", type=Path, required=True, help="folder of parquet files")
    parser.add_argument("--image-index", type=Path, help="a file, or a folder that holds populated.index")
    parser.add_argument("--text-index", type=Path, help="the same, of the captions")
    parser.add_argument("--image-embeddings", type=Path, help="folder of .npy files, for the check")
    parser.add_argument("--text-embeddings", type=Path, help="the same, of the captions")
    parser.add_argument(
        "--model", required=True, help="ViT-L/14, or open_clip:MODEL/PRETRAINED: what embedded the rows"
    )
    parser.add_argument("--output-dir", type=Path, required=True, help="the folder to write")
    parser.add_argument("--name", default="laion", help="of the entry in indicies.json (default: %(default)s)")
    parser.add_argument("--indicies", type=Path, help="(default: indicies.json in --output-dir)")
    parser.add_argument("--add", action="store_true", help="keep the other entries of an indicies.json that is there")
    add_column_flags(parser)
    parser.add_argument("--columns", nargs="+", metavar="COLUMN", help="keep only these served columns (default: all)")
    parser.add_argument("--check", action=argparse.BooleanOptionalAction, default=True, help="(default: --check)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    model = check_model_name(args.model)
    index_paths = given_indices(args)
    indicies = args.indicies or args.output_dir / "indicies.json"
    entries = other_entries(indicies, args.name, args.add)

    from retrieval.indexing.alignment import IndexSource, check_index, open_source, order_metadata
    from retrieval.indexing.served_metadata import read_plan, write_metadata

    metadata = read_plan(args.metadata, args.columns, ColumnChoice(args.caption_column, args.url_column))
    sources = [IndexSource(kind, path, getattr(args, f"{kind}_embeddings")) for kind, path in index_paths.items()]
    metadata = order_metadata(sources, metadata, args.check)
    for source in sources:
        check_index(source, metadata, args.model, model.width, args.check)
    for source in sources:
        if args.check and source.kind == "text":
            from retrieval.indexing.caption_proof import check_captions  # imports torch

            check_captions(metadata, open_source(source), args.model, source.flag)
    writable_folder(args.output_dir, "--output-dir")

    write_metadata(metadata, args.output_dir)
    for kind, path in index_paths.items():
        link_or_copy(path, args.output_dir / INDEX_NAMES[kind])
    for kind in INDEX_NAMES.keys() - index_paths.keys():  # an old one would be served as if it belonged to these rows
        remove(args.output_dir / INDEX_NAMES[kind])
    entries[args.name] = served_entry(args.output_dir, args.model, metadata.schema.names)
    writable_file(indicies, "--indicies")
    write_json(indicies, entries)
    say(f"{args.output_dir}: {metadata.rows:,} rows, {' and '.join(INDEX_NAMES[kind] for kind in index_paths)}; "
        f"{indicies} names {', '.join(entries)}")  # fmt: skip
    return 0


def given_indices(args) -> dict[str, Path]:
    """Kind -> the index, for those given."""
    paths = {kind: getattr(args, f"{kind}_index") for kind in INDEX_NAMES if getattr(args, f"{kind}_index")}
    if not paths:
        raise UserError("give --image-index, --text-index, or both")
    for kind, path in paths.items():
        is_folder = path.is_dir()
        if not (path / "populated.index" if is_folder else path).is_file():
            raise UserError(f"--{kind}-index {path} is not there" + (
                ": the folder holds no populated.index" if is_folder else ""))  # fmt: skip
        if args.check and getattr(args, f"{kind}_embeddings") is None:
            raise UserError(f"--{kind}-embeddings is needed to check that row i of --{kind}-index is row i of the "
                            "metadata; --no-check leaves that out")  # fmt: skip
    return paths


def served_entry(folder: Path, model: str, columns: list[str]) -> dict:
    """The folder's entry of indicies.json, every option of clip-retrieval's back end named."""
    return {
        "indice_folder": str(folder.resolve()),
        "clip_model": model,
        "enable_hdf5": False,
        "enable_faiss_memory_mapping": True,  # merged lists are opened in no other way
        "columns_to_return": columns,
        "reorder_metadata_by_ivf_index": False,
        "enable_mclip_option": False,
        "use_jit": False,
        "use_arrow": True,
        "provide_safety_model": False,
        "provide_violence_detector": False,
        "provide_aesthetic_embeddings": False,
    }


def other_entries(indicies: Path, name: str, add: bool) -> dict:
    """The entries of an existing indicies.json, without `name`."""
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


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the disk allows, else a copy; a folder file by file. What is there already stays."""
    if target.exists() and source.exists() and target.samefile(source):
        return
    if source.is_dir():
        if target.exists() and not target.is_dir():
            target.unlink()
        for path in sorted(path for path in source.iterdir() if path.is_file()):
            link_or_copy(path, target / path.name)
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
