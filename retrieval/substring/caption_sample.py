"""--check: a sample of a pool's captions, and what a set of queries finds in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.arrow_values import texts
from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.opened_shard import open_shard
from retrieval.queries import Query
from retrieval.record_columns import valid_utf8
from retrieval.remote_address import RemoteFile
from retrieval.shard import Shard
from retrieval.shards import count_rows, sampled_batches
from retrieval.substring.caption_buffers import without_nulls
from retrieval.substring.hits import Hits
from retrieval.substring.matching import Matcher

SAMPLE_CAPTIONS = 200_000  # read and matched in a second
SAMPLED_SHARDS = 16  # remote ones: each costs two requests or more


@dataclass(frozen=True)
class Sample:
    """Captions, and the number of rows in all shards that they come from."""

    captions: list[str]
    rows: int


def read_sample(paths: Sequence[str | RemoteFile], asked: ColumnChoice) -> tuple[Sample, dict[str, str]]:
    """The first captions of each shard, SAMPLE_CAPTIONS in total, and the shards that cannot be read, with the reason.

    Of many remote shards some are opened, and the rows of the others are estimated from their bytes.

    Raises:
        UserError: none can be read.
    """
    captions: list[str] = []
    missing: dict[str, str] = {}
    rows = 0
    remote = [path for path in paths if isinstance(path, RemoteFile)]
    opened = remote[:: -(-len(remote) // SAMPLED_SHARDS) or 1]
    share = sum(file.bytes for file in opened) / max(1, sum(file.bytes for file in remote))
    paths = [path for path in paths if not isinstance(path, RemoteFile)] + opened
    for number, path in enumerate(paths):
        try:
            shard = open_shard(path, asked)
            captions += first_captions(shard, (SAMPLE_CAPTIONS - len(captions)) // (len(paths) - number))
            rows += round(shard.rows / share) if isinstance(path, RemoteFile) else count_rows(shard)
        except UserError as error:
            missing[str(path)] = str(error)
    if len(missing) == len(paths):
        raise UserError(next(iter(missing.values())))
    return Sample(captions, rows), missing


def first_captions(shard: Shard, room: int) -> list[str]:
    """The captions of the shard's first `room` rows, without empty ones. Of a remote shard, of some row groups."""
    captions: list[str] = []
    for batch in sampled_batches(shard, room):
        found = valid_utf8(without_nulls(batch.captions)[:room])
        captions += filter(None, found.to_pylist())
        room -= len(found)
        if room <= 0:
            break
    return captions


def matched(queries: Sequence[Query], mode: str, captions: list[str]) -> Hits:
    return Matcher(list(queries), mode).match(texts(captions))


def rows_by_class(hits: Hits, classes: int) -> dict[int, list[int]]:
    """Class number -> the captions that it matches."""
    found: dict[int, list[int]] = {number: [] for number in range(classes)}
    for row, query in zip(hits.row.tolist(), hits.query.tolist(), strict=True):
        found[query].append(row)
    return found
