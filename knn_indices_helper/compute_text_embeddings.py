"""Embed the captions of metadata shards with CLIP's text tower: the first step towards a text index.

In: a folder of parquet shards, metadata_0000.parquet … (or any with a caption column). Out: text_embed_0000.npy …,
float16 (rows, width), unit rows, row i for row i; beside each a text_embed_0000.json that says what it was made from.
A null or empty caption gets the embedding of the empty string, and is counted. Memory holds a few groups of captions,
whatever the size of the shard. Stopped at any moment, the same command goes on at the group it had reached.

    python knn_indices_helper/compute_text_embeddings.py --input-parquet-dir metadata --output-embeddings-dir text_emb
    python knn_indices_helper/compute_text_embeddings.py --input-parquet-dir pool --output-embeddings-dir text_emb \\
        --model open_clip:ViT-B-32/laion2b_s34b_b79k --precision bf16 --job-idx 0 --total-jobs 4
"""

import collections
import contextlib
import json
import os
import queue
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import _root  # noqa: F401

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
from retrieval.files import file_fingerprint, free_bytes, settings_fingerprint, writable_folder, write_json

MODEL = "ViT-L/14"  # the model of LAION's published image embeddings and indices
BATCH_SIZE = 256  # captions; 4 % of a sorted group's tokens are padding then. A GPU wants 1,024 (19 %) to be busy
GROUP = 16_384  # captions sorted by length, embedded and saved together: a second of a GPU, some minutes of two cores
GROUPS_AHEAD = 2  # tokenised while one is embedded; 5 MB each
CAPTION_COLUMNS = ("caption", "text")  # compared in lower case: LAION's own shards say TEXT, clip-retrieval's caption
READ_BUFFER = 1 << 20  # bytes: pages are read one by one instead of a column of a row group at once
FLOAT16 = 2  # bytes
SAMPLE = 256  # captions of the first shard on which a reduced precision is compared with fp32


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--input-parquet-dir", required=True, type=Path, help="folder of metadata shards (*.parquet)")
    parser.add_argument("--output-embeddings-dir", required=True, type=Path, help="folder for text_embed_*.npy")
    parser.add_argument("--caption-column", help="the captions' column (default: caption or TEXT, in any case)")
    parser.add_argument("--model", default=MODEL, help="as indicies.json names it (default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="default: %(default)s")
    parser.add_argument(
        "--batch-size", type=int, default=BATCH_SIZE, help="captions (default: %(default)s; on a GPU 1024)"
    )
    parser.add_argument("--device", help="cuda, cuda:1, cpu … (default: cuda where there is one)")
    add_array_flags(parser)
    return parser


@command
def main(argv=None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    source = check(args)
    output = writable_folder(args.output_embeddings_dir, "--output-embeddings-dir")
    shards = array_share(plan_shards(args), job_idx, total_jobs)
    works = [plan_work(shard, output, args, source) for shard in shards]
    unread = [work for work in works if isinstance(work, Unreadable)]
    works = [work for work in works if not isinstance(work, Unreadable)]
    todo = [work for work in works if not work.done]
    check_space(todo, output)
    say(
        f"job {job_idx} of {total_jobs}: {len(shards):,} shards, {sum(work.rows for work in works):,} captions; "
        f"{len(works) - len(todo):,} shards are done already"
    )
    if todo:
        model = load_model(args, todo)
        unread += embed_shards(model, todo, args.batch_size)
    return report(works, unread)


# ---- checks and plan ----


@dataclass(frozen=True)
class Unreadable:
    shard: Path
    reason: str


@dataclass(frozen=True)
class Work:
    """A shard and what becomes of it."""

    shard: Path
    column: str
    rows: int
    width: int
    target: Path  # text_embed_0000.npy
    model: str
    fingerprint: str  # of the shard, the model and what else decides the bytes
    rows_done: int  # of an earlier run of the same fingerprint
    empty: int  # null or empty among them

    @property
    def part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    @property
    def state(self) -> Path:
        return self.target.with_suffix(".json")

    @property
    def done(self) -> bool:
        return self.rows_done == self.rows and self.target.exists()


def check(args):
    """What can be refused before anything is opened; the model's source."""
    if args.batch_size < 1:
        raise UserError(f"--batch-size {args.batch_size}: give at least 1")
    if not args.input_parquet_dir.is_dir():
        raise UserError(f"--input-parquet-dir {args.input_parquet_dir} is no folder")
    try:
        return check_model_name(args.model)
    except ModelError as error:
        raise UserError(f"--model: {error}") from error


def plan_shards(args) -> list[Path]:
    shards = sorted(args.input_parquet_dir.glob("*.parquet"))
    if not shards:
        raise UserError(f"--input-parquet-dir {args.input_parquet_dir} holds no *.parquet")
    names: dict[str, Path] = {}
    for shard in shards:
        twin = names.setdefault(embedding_name(shard), shard)
        if twin is not shard:
            raise UserError(
                f"{twin.name} and {shard.name} would both become {embedding_name(shard)}: put them in folders of their "
                "own, or rename one"
            )
    return shards


def embedding_name(shard: Path) -> str:
    """metadata_0007.parquet -> text_embed_0007.npy; a name without a number keeps its stem."""
    digits = re.search(r"\d+$", shard.stem)
    return f"text_embed_{digits.group() if digits else shard.stem}.npy"


def plan_work(shard: Path, output: Path, args, source) -> Work | Unreadable:
    """Open the shard's footer, find the captions, and find out what an earlier run has done of it.

    Raises:
        UserError: a shard without a caption column.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(shard) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
    except (pyarrow.ArrowInvalid, OSError) as error:
        return Unreadable(shard, str(error).splitlines()[0])
    column = caption_column(shard, schema, args.caption_column)
    settings = {
        "shard": file_fingerprint(shard),
        "column": column,
        "model": args.model,
        "weights": [file_fingerprint(path) for path in source.files],
        "precision": args.precision,
        "batch_size": args.batch_size,  # sums are rounded by the shape of a batch
        "group": GROUP,
    }
    target = output / embedding_name(shard)
    return resume(Work(shard, column, rows, source.width, target, args.model, settings_fingerprint(settings), 0, 0))


def caption_column(shard: Path, schema, asked: str | None) -> str:
    import pyarrow

    names = [name for name in schema.names if name == asked or (not asked and name.lower() in CAPTION_COLUMNS)]
    if not names:
        raise UserError(
            f"{shard} has no caption column{f' {asked!r}' if asked else ''}; it has {', '.join(schema.names)}: "
            "name one with --caption-column"
        )
    name = names[0] if asked else min(names, key=lambda name: CAPTION_COLUMNS.index(name.lower()))
    kind = schema.field(name).type
    kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        raise UserError(f"{shard}: column {name!r} holds {kind}, not text: name the captions with --caption-column")
    return name


def resume(work: Work) -> Work:
    """The same work with `rows_done` and `empty` of an earlier run of the same fingerprint."""
    try:
        state = json.loads(work.state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return work
    if state.get("fingerprint") != work.fingerprint:
        return work
    reached = replace(work, rows_done=state["rows_done"], empty=state["empty"])
    return reached if reached.part.exists() or reached.done else work


def check_space(todo: list[Work], output: Path) -> None:
    needed, free = sum((work.rows - work.rows_done) * work.width * FLOAT16 for work in todo), free_bytes(output)
    if needed > free:
        raise UserError(
            f"--output-embeddings-dir {output} has {free / 1e9:,.1f} GB left and {needed / 1e9:,.1f} GB are to be "
            "written: free some, or give a folder on a larger disk"
        )


# ---- the model ----


def load_model(args, todo: list[Work]):
    """The model at `--precision`; what that costs against fp32 is said on a sample of the first shard."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    try:
        model = load_clip(args.model, args.device, args.precision)
    except ModelError as error:
        raise UserError(str(error)) from error
    say(f"{args.model} on {model.device} in {args.precision}, width {model.width}" + ("" if model.cuts else ", padded"))
    if args.precision != "fp32":
        captions = next(read_captions(todo[0].shard, todo[0].column), [])[:SAMPLE]
        exact = load_clip(args.model, args.device).encode_texts(captions)
        cosine = (exact * model.encode_texts(captions)).sum(axis=1)
        if len(cosine):
            say(
                f"{args.precision} against fp32 on {len(cosine)} captions: "
                f"cosine {cosine.mean():.6f} mean, {cosine.min():.6f} lowest"
            )
    return model


# ---- embedding ----


@dataclass(frozen=True)
class Group:
    """Consecutive captions of a shard, tokenised."""

    work: Work
    begin: int
    ids: object  # int32 (n, context_length)
    empty: int  # null or empty captions of the shard, up to and with these

    @property
    def end(self) -> int:
        return self.begin + len(self.ids)


def embed_shards(model, todo: list[Work], batch_size: int) -> list[Unreadable]:
    """Three things at once: a thread tokenises ahead, the model embeds, what is embedded is copied and saved.

    Returns:
        list[Unreadable]: the shards that could not be read to their end.
    """
    left = sum(work.rows - work.rows_done for work in todo)
    behind = 0 if model.device == "cpu" else 1  # a GPU goes on with the next group while this one is saved
    lost, queued = [], collections.deque()
    with (
        progress(left, "captions", "embedding") as more,
        contextlib.closing(ahead(tokenised_groups(model.tokenizer, todo, lost))) as groups,
    ):
        for group in groups:
            queued.append((group, copy_to_host(model.embed_tokens(group.ids, batch_size))))
            if len(queued) > behind:
                more(save_group(*queued.popleft()))
        for group, embedded in queued:
            more(save_group(group, embedded))
    return lost


def tokenised_groups(tokenizer, todo: list[Work], lost: list[Unreadable]) -> Iterator[Group]:
    """Groups of all shards in order, from where each was left; a shard with no row left has one empty group."""
    import pyarrow

    for work in todo:
        if work.rows_done == work.rows:
            yield Group(work, work.rows, tokenizer([]), work.empty)
            continue
        begin, empty = 0, work.empty
        try:
            for captions in read_captions(work.shard, work.column):
                if begin >= work.rows_done:
                    empty += sum(not caption for caption in captions)
                    yield Group(work, begin, tokenizer([caption or "" for caption in captions]), empty)
                begin += len(captions)
        except (pyarrow.ArrowException, OSError) as error:
            lost.append(Unreadable(work.shard, str(error).splitlines()[0]))


def read_captions(shard: Path, column: str) -> Iterator[list]:
    """The captions (str or None), GROUP by GROUP whatever the shard's row groups are."""
    import pyarrow.parquet

    captions = []
    with pyarrow.parquet.ParquetFile(shard, buffer_size=READ_BUFFER, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=GROUP, columns=[column]):
            captions += batch.column(0).to_pylist()
            while len(captions) >= GROUP:
                yield captions[:GROUP]
                del captions[:GROUP]
    if captions:
        yield captions


def ahead(items: Iterator) -> Iterator:
    """The items of an iterator that a thread runs up to GROUPS_AHEAD ahead; its errors come out here."""
    ready, stop = queue.Queue(GROUPS_AHEAD), threading.Event()
    end = object()

    def put(item) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return True
        return False

    def run():
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((end, None))
        except BaseException as error:  # noqa: BLE001 - handed over, whatever it is
            put((end, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error:
                raise error
            if item is end:
                return
            yield item
    finally:
        stop.set()
        thread.join()


def copy_to_host(embedded):
    """Queue the copy of float32 (n, width) behind what computes it. Call the result for float16 (n, width) in NumPy."""
    import torch

    if embedded.device.type == "cpu":
        return lambda: embedded.half().numpy()
    host = torch.empty(embedded.shape, dtype=torch.float16, pin_memory=True)
    host.copy_(embedded.half(), non_blocking=True)
    copied = torch.cuda.Event()
    copied.record()

    def wait():
        copied.synchronize()
        return host.numpy()

    return wait


def save_group(group: Group, embedded) -> int:
    """Add a group's rows to the part file, then say so in the state file, then name a whole file by its final name.

    Killed between any two of these steps, the next run does at most this group again, to the same bytes.
    """
    work = group.work
    header = npy_header(work.rows, work.width)
    if group.begin == 0:
        for made_otherwise in (work.state, work.target):
            made_otherwise.unlink(missing_ok=True)
        work.part.write_bytes(header)
    with open(work.part, "r+b") as file:
        file.seek(len(header) + group.begin * work.width * FLOAT16)
        file.write(embedded())
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    progress = {"fingerprint": work.fingerprint, "rows": work.rows, "rows_done": group.end, "empty": group.empty}
    write_json(work.state, progress | {"shard": work.shard.name, "model": work.model})
    if group.end == work.rows:
        os.replace(work.part, work.target)
        say(f"{work.target.name}: {work.rows:,} captions of {work.shard.name}, {group.empty:,} null or empty")
    return len(group.ids)


def npy_header(rows: int, width: int) -> bytes:
    import io

    import numpy as np

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": (rows, width)})
    return header.getvalue()


def report(works: list[Work], unread: list[Unreadable]) -> int:
    """The line that reconciles: every shard is done, or named."""
    for bad in unread:
        say(f"not embedded: {bad.shard}: {bad.reason}")
    done = [work for work in map(resume, works) if work.done]
    say(
        f"{len(done) + len(unread):,} shards asked, {len(done):,} done, {len(unread):,} unreadable; "
        f"{sum(work.rows for work in done):,} captions embedded, {sum(work.empty for work in done):,} of them null or "
        "empty"
    )
    return 1 if unread else 0


if __name__ == "__main__":
    sys.exit(main())
