"""Embed the captions of planned shards: a thread tokenises ahead, the model embeds, and finished rows are saved.

The invariant: killed at any moment and run again, the files have the bytes of an undisturbed run. A group's rows are
on the disk before the state file counts them, and a file gets its final name last (`save_group`).
tests/test_text_embeddings.py kills a run after every second group.
"""

import collections
import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from retrieval.cli import progress, say
from retrieval.clip_model import ClipModel, copy_to_host, load_clip
from retrieval.embeddings import npy_header
from retrieval.files import write_json
from retrieval.indexing.caption_shards import (
    FLOAT16,
    READ_ERRORS,
    Unreadable,
    Work,
    earlier_works,
    read_captions,
    unreadable,
)
from retrieval.read_ahead import ahead
from retrieval.torch_threads import use_all_cores

SAMPLE = 256  # captions of the first shard on which a reduced precision is compared with fp32


def load_model(name: str, device: str | None, precision: str, first: Work) -> ClipModel:
    """The model at this precision; what it loses against fp32 is said on a sample of the first shard."""
    use_all_cores()
    model = load_clip(name, device, precision)
    say(f"{name} on {model.device} in {precision}, width {model.width}" + ("" if model.cuts else ", padded"))
    if precision != "fp32":
        captions = sample_captions(first)
        exact = load_clip(name, device).encode_texts(captions)
        cosine = (exact * model.encode_texts(captions)).sum(axis=1)
        if len(cosine):
            say(
                f"{precision} against fp32 on {len(cosine)} captions: "
                f"cosine {cosine.mean():.6f} mean, {cosine.min():.6f} lowest"
            )
    return model


def sample_captions(work: Work) -> list[str]:
    try:
        return [caption or "" for caption in next(read_captions(work), [])[:SAMPLE]]
    except READ_ERRORS:  # it is named when its turn comes
        return []


@dataclass(frozen=True)
class Group:
    """Consecutive captions of a shard, tokenised."""

    work: Work
    begin: int
    ids: np.ndarray  # int32 (n, context_length)
    empty: int  # null or empty captions of the shard, up to and with these

    @property
    def end(self) -> int:
        return self.begin + len(self.ids)


def embed_shards(model: ClipModel, todo: list[Work], batch_size: int) -> list[Unreadable]:
    """Embed and save what is left of every shard.

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


def tokenised_groups(tokenizer: Callable, todo: list[Work], lost: list[Unreadable]) -> Iterator[Group]:
    """The groups that are left of each shard in order; a shard with no row left has one empty group.

    A shard that cannot be read to its end is added to `lost`.
    """
    for work in todo:
        if work.rows_done == work.rows:
            yield Group(work, work.rows, tokenizer([]), work.empty)
            continue
        begin, empty = 0, work.empty
        try:
            for captions in read_captions(work):
                if begin >= work.rows_done:
                    empty += sum(not caption for caption in captions)
                    yield Group(work, begin, tokenizer([caption or "" for caption in captions]), empty)
                begin += len(captions)
        except READ_ERRORS as error:
            lost.append(unreadable(work.shard, error))
        else:
            if begin != work.rows:
                lost.append(Unreadable(work.shard, f"its captions end after {begin:,} of {work.rows:,} rows"))


def save_group(group: Group, embedded: Callable[[], np.ndarray]) -> int:
    """Add a group's rows to the part file, then count them in the state file, then give a whole file its final name.

    Killed between any two of these steps, the next run does at most this group again, to the same bytes.

    Returns:
        int: the number of rows saved.
    """
    work = group.work
    header = npy_header(work.rows, work.width)
    if group.begin == 0:
        for made_otherwise in [work, *earlier_works(work)]:
            for path in (made_otherwise.state, made_otherwise.target, made_otherwise.part):
                path.unlink(missing_ok=True)
        work.part.write_bytes(header)
    with open(work.part, "r+b") as file:
        file.seek(len(header) + group.begin * work.width * FLOAT16)
        file.write(embedded())
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    reached = {"fingerprint": work.fingerprint, "rows": work.rows, "rows_done": group.end, "empty": group.empty}
    write_json(work.state, reached | {"shard": work.shard.name, **work.made_from})
    if group.end == work.rows:
        os.replace(work.part, work.target)
        say(f"{work.target.name}: {work.rows:,} captions of {work.shard.name}, {group.empty:,} null or empty")
    return len(group.ids)
