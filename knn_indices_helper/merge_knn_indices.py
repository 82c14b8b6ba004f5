"""Parts of one kNN index into one index that is served from disk: neither is ever in memory.

In:  --parts, a folder with knn.index00, knn.index01 … as build_knn_index.py writes them, or the 55 published ones of
     LAION-2B-en. They must be copies of one trained index, and together hold each row once.
Out: --output-dir with populated.index (what was trained, some 400 MB for LAION) and merged_index.ivfdata (the inverted
     lists), as clip-retrieval and assemble_index_folder.py take them, and index_infos.json.

    python knn_indices_helper/merge_knn_indices.py --parts parts --output-dir image.index --embeddings img_emb
    python knn_indices_helper/merge_knn_indices.py --parts laion-indices --output-dir image.index --count 55 --nprobe 64

The parts are merged by faiss's own merge_ondisk, in the order of their numbers. A part that is missing, cut short, of
another kind or trained otherwise is refused by name before anything is written.
"""

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import _root  # noqa: F401
from build_knn_index import open_embeddings, recall_infos, said_recall

from retrieval.cli import UserError, command, parse_flags, parser_for, say
from retrieval.files import file_fingerprint, free_bytes, settings_fingerprint, writable_folder, write_json

LISTS_NAME, INDEX_NAME = "merged_index.ivfdata", "populated.index"  # clip-retrieval's
_PART_NAME = re.compile(r"(.*?)(\d+)")


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--parts", type=Path, required=True, help="folder of knn.index00, knn.index01 …")
    parser.add_argument("--prefix", default="knn.index", help="of the parts' names (default: %(default)s)")
    parser.add_argument("--count", type=int, help="how many parts there must be (default: as the parts' records say)")
    parser.add_argument("--output-dir", type=Path, required=True, help="where populated.index goes; image.index, say")
    parser.add_argument("--nprobe", type=int, help="lists visited by a query, kept in the index (default: the parts')")
    parser.add_argument("--embeddings", type=Path, help="the rows' embeddings, to measure recall@10 with")
    parser.add_argument("--pattern", default="*.npy", help="which files of --embeddings (default: %(default)s)")
    parser.add_argument("--recall-queries", type=int, help="rows to measure it with; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=0, help="of the sample for recall (default: %(default)s)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    paths = find_parts(args.parts, args.prefix, args.count)
    embeddings = open_embeddings(args.embeddings, args.pattern) if args.embeddings else None
    files = [str(path) for path in embeddings.files] if embeddings else None
    settings = [args.nprobe, args.recall_queries, args.seed, files]
    fingerprint = settings_fingerprint([settings, [[path.name, file_fingerprint(path)] for path in paths]])
    infos_path = args.output_dir / "index_infos.json"
    if is_merged(args.output_dir, fingerprint):
        say(f"{args.output_dir} is there, merged from these parts: nothing to do")
        return 0
    needed, free = sum(path.stat().st_size for path in paths), free_bytes(nearest(args.output_dir))
    say(f"{len(paths):,} parts, {needed:,} bytes; the disk of {args.output_dir} has {free:,} left")
    if needed > free:
        raise UserError(f"the merged index takes {needed:,} bytes and {args.output_dir}'s disk has {free:,} left")

    parts = [look_at(path) for path in paths]
    shifted = check_parts(parts)
    if args.nprobe is not None and not 1 <= args.nprobe <= len(parts[0].list_sizes):
        raise UserError(f"--nprobe {args.nprobe} is not in 1 … {len(parts[0].list_sizes):,}, the number of lists")
    if embeddings and (rows := sum(part.rows for part in parts)) != embeddings.rows:
        raise UserError(f"--embeddings has {embeddings.rows:,} rows, and the parts have {rows:,}")
    writable_folder(args.output_dir, "--output-dir")
    building = args.output_dir / ".building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    index = merge(parts, building, shifted, args.nprobe)
    infos = {"rows": index.ntotal, "width": index.d, "parts": [part.path.name for part in parts]}
    infos |= recall_infos(index, embeddings, args.recall_queries, args.seed) if embeddings else {}
    del index
    infos_path.unlink(missing_ok=True)
    for name in (LISTS_NAME, INDEX_NAME):
        os.replace(building / name, args.output_dir / name)
    building.rmdir()
    write_json(infos_path, infos | {"fingerprint": fingerprint})
    say(f"{args.output_dir}: {infos['rows']:,} rows of width {infos['width']:,} from {len(parts):,} parts"
        + (f", {said_recall(infos)}" if embeddings else ""))  # fmt: skip
    return 0


def nearest(path: Path) -> Path:
    return next(folder for folder in [path.absolute(), *path.absolute().parents] if folder.exists())


def is_merged(output: Path, fingerprint: str) -> bool:
    try:
        known = json.loads((output / "index_infos.json").read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return known == fingerprint and all((output / name).is_file() for name in (LISTS_NAME, INDEX_NAME))


# ---- the parts ----


def find_parts(folder: Path, prefix: str, count: int | None) -> list[Path]:
    """The parts in the order of their numbers, 0 … count - 1.

    Raises:
        UserError: no part, or one missing; names it.
    """
    if not folder.is_dir():
        raise UserError(f"--parts {folder} is not a folder")
    found = {}
    for path in sorted(folder.iterdir()):
        match = _PART_NAME.fullmatch(path.name)
        if match and match[1] == prefix:
            if (number := int(match[2])) in found:
                raise UserError(f"--parts {folder} holds part {number} twice: {found[number].name} and {path.name}")
            found[number] = path
    if not found:
        raise UserError(f"--parts {folder} holds no {prefix}00, {prefix}01 …")
    records = [path.with_name(path.name + ".json") for path in found.values()]
    recorded = {json.loads(record.read_text())["parts"] for record in records if record.exists()}
    if len(recorded) > 1:
        raise UserError(f"--parts {folder} holds parts of {' and of '.join(map(str, sorted(recorded)))}: they are of "
                        "several runs of build_knn_index.py; keep one run a folder")  # fmt: skip
    count = count or (recorded.pop() if recorded else max(found) + 1)
    digits = len(_PART_NAME.fullmatch(next(iter(found.values())).name)[2])
    if missing := [number for number in range(count) if number not in found]:
        names = ", ".join(f"{prefix}{number:0{digits}d}" for number in missing[:5])
        raise UserError(
            f"--parts {folder} lacks {len(missing):,} of {count:,} parts: {names}{' …' if missing[5:] else ''}"
        )
    if more := [path.name for number, path in found.items() if number >= count]:
        raise UserError(f"--parts {folder} holds {more[0]} beside the {count:,} parts that were asked for")
    return [found[number] for number in range(count)]


@dataclass(frozen=True)
class Part:
    path: Path
    kind: str  # what is compared and said: class, width, lists, code size, metric
    list_sizes: object  # int64 (lists,)
    training: str  # digest of everything that was trained
    rows: int
    first_id: int
    last_id: int
    ids_sum: int


def look_at(path: Path) -> Part:
    """Read what is trained, and the ids through a memory map; the codes stay on disk.

    Raises:
        UserError: no index, cut short, or one without inverted lists.
    """
    import faiss
    import numpy as np

    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        inverted = faiss.try_extract_index_ivf(index)
    except RuntimeError as error:
        raise UserError(f"{path} is no whole faiss index ({str(error).strip().splitlines()[-1]})") from error
    if inverted is None:
        raise UserError(
            f"{path} has no inverted lists ({type(index).__name__}): only IVF indices can be merged on disk"
        )
    lists, first, last, ids_sum = inverted.invlists, None, -1, 0
    sizes = np.array([lists.list_size(number) for number in range(inverted.nlist)], np.int64)
    for number, size in enumerate(sizes.tolist()):
        if size:
            ids = faiss.rev_swig_ptr(lists.get_ids(number), size)
            low, high = int(ids.min()), int(ids.max())
            first, last = low if first is None else min(first, low), max(last, high)
            ids_sum += int(ids.sum(dtype=np.int64))
    kind = (
        f"{type(index).__name__} of {type(inverted).__name__}, width {index.d}, {inverted.nlist} lists of codes of "
        f"{inverted.code_size} bytes, metric {index.metric_type}"
    )
    training = trained_digest(path)
    return Part(path, kind, sizes, training, int(sizes.sum()), first or 0, last, ids_sum)


def trained_digest(path: Path) -> str:
    """What the index is when it is empty: transforms, centroids, codebooks; without how many lists a query visits."""
    import hashlib

    import faiss

    index = empty_copy(path)
    faiss.extract_index_ivf(index).nprobe = 1
    return hashlib.blake2b(faiss.serialize_index(index).tobytes(), digest_size=16).hexdigest()


def empty_copy(path: Path):
    """The part's index without rows; its lists stay on disk. (IO_FLAG_SKIP_IVF_DATA cannot read plain lists.)"""
    import faiss

    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    inverted = faiss.extract_index_ivf(index)
    lists = faiss.ArrayInvertedLists(inverted.nlist, inverted.code_size)
    inverted.replace_invlists(lists, True)
    lists.this.disown()
    index.ntotal = inverted.ntotal = 0
    return index


def check_parts(parts: list[Part]) -> bool:
    """Whether ids must be shifted: each part counts its own from 0 (the alternative: rows of the whole).

    Raises:
        UserError: parts of different kinds or trainings, or ids that are neither; names the part.
    """
    for part in parts:
        if part.kind != parts[0].kind:
            raise UserError(f"{part.path.name} is {part.kind}; {parts[0].path.name} is {parts[0].kind}: not one index")
        if part.training != parts[0].training:
            raise UserError(f"{part.path.name} was trained otherwise than {parts[0].path.name}: "
                            "parts must be copies of one trained index")  # fmt: skip

    def misfit(shifted: bool) -> Part | None:
        start = 0
        for part in parts:
            first = 0 if shifted else start
            expected = (first, first + part.rows - 1, part.rows * (2 * first + part.rows - 1) // 2)
            if part.rows and (part.first_id, part.last_id, part.ids_sum) != expected:
                return part
            start += part.rows
        return None

    if misfit(shifted=False) is None:
        return False
    if misfit(shifted=True) is None:
        return True
    part = misfit(shifted=False)
    raise UserError(f"{part.path.name} has {part.rows:,} rows with ids {part.first_id:,} to {part.last_id:,}: "
                    "neither its own from 0 nor the rows that follow the parts before it; "
                    "a part is missing or is another's")  # fmt: skip


def merge(parts: list[Part], folder: Path, shifted: bool, nprobe: int | None):
    """Write both files into `folder`; the merged index, opened from there."""
    import faiss
    from faiss.contrib.ondisk import merge_ondisk

    index = empty_copy(parts[0].path)
    inverted = faiss.extract_index_ivf(index)
    if nprobe is not None:
        inverted.nprobe = nprobe
    merge_ondisk(index, [str(part.path) for part in parts], str(folder / LISTS_NAME))
    if shifted:
        shift_ids(faiss.extract_index_ivf(index).invlists, parts)
    faiss.write_index(index, str(folder / INDEX_NAME))
    del index, inverted
    merged = faiss.read_index(str(folder / INDEX_NAME), faiss.IO_FLAG_ONDISK_SAME_DIR)
    if merged.ntotal != (rows := sum(part.rows for part in parts)):
        raise UserError(f"the merged index has {merged.ntotal:,} rows and its parts have {rows:,}: report it")
    return merged


def shift_ids(lists, parts: list[Part]) -> None:
    """Make each part's own ids rows of the whole, in the merged file itself; a list holds the parts one after another.

    (merge_ondisk(shift_ids=True) of faiss 1.15 adds wrong sums: of parts of 1,134, 93, 585 and 588 rows, the last began
    at 1,266 instead of 1,812.)
    """
    import faiss
    import numpy as np

    starts = np.cumsum([0] + [part.rows for part in parts[:-1]])
    sizes = np.stack([part.list_sizes for part in parts], axis=1)  # (lists, parts)
    for number in range(len(sizes)):
        if size := lists.list_size(number):
            faiss.rev_swig_ptr(lists.get_ids(number), size)[:] += np.repeat(starts, sizes[number])


if __name__ == "__main__":
    sys.exit(main())
