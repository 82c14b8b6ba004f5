"""Merge the parts of one kNN index into one index that is served from disk: neither is ever in memory.

In:  --parts, a folder with knn.index00, knn.index01 … as build_knn_index.py writes them, or the 55 published ones of
     LAION-2B-en. They must be copies of one trained index, and together hold each row once.
Out: --output-dir with populated.index (what was trained, about 400 MB for LAION) and merged_index.ivfdata (the inverted
     lists), as clip-retrieval and assemble_index_folder.py take them, and index_infos.json.

    python knn_indices_helper/merge_knn_indices.py --parts parts --output-dir image.index --embeddings img_emb
    python knn_indices_helper/merge_knn_indices.py --parts laion-indices --output-dir image.index --count 55 --nprobe 64

faiss's own merge_ondisk merges the parts, in the order of their numbers. A part that is missing, cut short, of another
kind or trained otherwise is refused by name before anything is written.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, at_least, command, parse_flags, parser_for, say
from retrieval.files import file_fingerprint, free_bytes, settings_fingerprint, writable_folder, write_json

PART_NAME = re.compile(r"(.*?)(\d+)")


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--parts", type=Path, required=True, help="folder of knn.index00, knn.index01 …")
    parser.add_argument("--prefix", default="knn.index", help="how the parts' names begin (default: %(default)s)")
    parser.add_argument(
        "--count", type=at_least(1), help="how many parts there must be (default: what the parts' records say)"
    )
    parser.add_argument("--output-dir", type=Path, required=True, help="folder for populated.index: image.index")
    parser.add_argument(
        "--nprobe", type=int, help="lists that a query visits, kept in the index (default: as in the parts)"
    )
    parser.add_argument("--embeddings", type=Path, help="the rows' embeddings, to measure recall@10 with")
    parser.add_argument("--pattern", default="*.npy", help="which files of --embeddings (default: %(default)s)")
    parser.add_argument("--recall-queries", type=at_least(0), help="rows to measure it with; 0 leaves it out")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the sample for recall (default: %(default)s)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    paths = find_parts(args.parts, args.prefix, args.count)

    from retrieval.embeddings import open_matching
    from retrieval.indexing.index_merge import INDEX_NAME, LISTS_NAME, check_parts, merge, read_part
    from retrieval.indexing.recall import recall_in_words, recall_infos

    embeddings = open_matching(args.embeddings, args.pattern, "--embeddings") if args.embeddings else None
    files = [str(path) for path in embeddings.files] if embeddings else None
    settings = [args.nprobe, args.recall_queries, args.seed, files]
    fingerprint = settings_fingerprint([settings, [[path.name, file_fingerprint(path)] for path in paths]])
    infos_path = args.output_dir / "index_infos.json"
    merged_files = [args.output_dir / name for name in (LISTS_NAME, INDEX_NAME)]
    if recorded_fingerprint(infos_path) == fingerprint and all(path.is_file() for path in merged_files):
        say(f"{args.output_dir} is there, merged from these parts: nothing to do")
        return 0
    check_space(paths, args.output_dir)

    parts = [read_part(path) for path in paths]
    shifted = check_parts(parts)
    if args.nprobe is not None and not 1 <= args.nprobe <= len(parts[0].list_sizes):
        raise UserError(f"--nprobe {args.nprobe} is not in 1 … {len(parts[0].list_sizes):,}, the number of lists")
    rows = sum(part.rows for part in parts)
    if embeddings and rows != embeddings.ntotal:
        raise UserError(f"--embeddings has {embeddings.ntotal:,} rows, and the parts have {rows:,}")
    writable_folder(args.output_dir, "--output-dir")
    building = args.output_dir / ".building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    index = merge(parts, building, shifted, args.nprobe)
    infos = {"rows": index.ntotal, "width": index.d, "parts": [part.path.name for part in parts]}
    if embeddings:
        infos |= recall_infos(index, embeddings, args.recall_queries, args.seed)
    del index
    infos_path.unlink(missing_ok=True)
    for path in merged_files:
        os.replace(building / path.name, path)
    building.rmdir()
    write_json(infos_path, infos | {"fingerprint": fingerprint})
    say(f"{args.output_dir}: {infos['rows']:,} rows of width {infos['width']:,} from {len(parts):,} parts"
        + (f", {recall_in_words(infos)}" if embeddings else ""))  # fmt: skip
    return 0


def recorded_parts(record: Path) -> int | None:
    """How many parts there are, as a part's record says; None where it is not a record of build_knn_index.py."""
    try:
        parts = json.loads(record.read_text(encoding="utf-8"))["parts"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return parts if isinstance(parts, int) else None


def recorded_fingerprint(infos_path: Path) -> str | None:
    try:
        return json.loads(infos_path.read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_space(paths: list[Path], output: Path) -> None:
    """Refuse to merge parts that do not fit on the disk."""
    nearest = next(folder for folder in [output.absolute(), *output.absolute().parents] if folder.exists())
    needed, free = sum(path.stat().st_size for path in paths), free_bytes(nearest)
    say(f"{len(paths):,} parts, {needed:,} bytes; the disk of {output} has {free:,} left")
    if needed > free:
        raise UserError(f"the merged index takes {needed:,} bytes and {output}'s disk has {free:,} left")


def find_parts(folder: Path, prefix: str, count: int | None) -> list[Path]:
    """The parts in the order of their numbers, 0 … count - 1.

    Raises:
        UserError: no part, or one missing; names it.
    """
    if not folder.is_dir():
        raise UserError(f"--parts {folder} is not a folder")
    found = {}
    for path in sorted(folder.iterdir()):
        match = PART_NAME.fullmatch(path.name)
        if match and match[1] == prefix:
            number = int(match[2])
            if number in found:
                raise UserError(f"--parts {folder} holds part {number} twice: {found[number].name} and {path.name}")
            found[number] = path
    if not found:
        raise UserError(f"--parts {folder} holds no {prefix}00, {prefix}01 …")
    records = [path.with_name(path.name + ".json") for path in found.values()]
    recorded = {recorded_parts(record) for record in records if record.exists()} - {None}
    if len(recorded) > 1:
        raise UserError(f"--parts {folder} holds parts of {' and of '.join(map(str, sorted(recorded)))}: they are of "
                        "several runs of build_knn_index.py; keep one run per folder")  # fmt: skip
    count = count or (recorded.pop() if recorded else max(found) + 1)
    digits = len(PART_NAME.fullmatch(next(iter(found.values())).name)[2])
    missing = [number for number in range(count) if number not in found]
    if missing:
        names = ", ".join(f"{prefix}{number:0{digits}d}" for number in missing[:5])
        raise UserError(
            f"--parts {folder} lacks {len(missing):,} of {count:,} parts: {names}{' …' if missing[5:] else ''}"
        )
    more = [path.name for number, path in found.items() if number >= count]
    if more:
        raise UserError(f"--parts {folder} holds {more[0]} beside the {count:,} parts that were asked for")
    return [found[number] for number in range(count)]


if __name__ == "__main__":
    sys.exit(main())
