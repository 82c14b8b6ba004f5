"""The distinct captions of a filter's records, and for which classes each one was found.

Memory: about 50 bytes per record while the captions are numbered. The captions themselves stay in the chunks.
"""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.cli import UserError
from retrieval.records import read_records


@dataclass(frozen=True)
class Captions:
    """A pair is a distinct caption with a class that it was found for. Pairs are in the order of caption and class.

    Captions are numbered in the order in which they come. Two captions with one 64-bit hash (among 100 million: 1 in
    4,000) would count as one.
    """

    hashes: np.ndarray  # uint64 (captions,)
    first_record: np.ndarray  # int64 (captions,): the record that a caption is read from
    pair_caption: np.ndarray  # int64 (pairs,)
    pair_class: np.ndarray  # int64 (pairs,): a position in the template
    pair_of_record: np.ndarray  # int64 (records,)


def all_records(chunks: list[Path]) -> Iterator[dict]:
    for chunk in chunks:
        yield from read_records(chunk)


def caption_of(record: dict) -> str:
    """The record's caption. Half a surrogate pair, which no tokenizer takes, becomes a question mark."""
    return str(record.get("TEXT") or "").encode("utf-8", "replace").decode("utf-8")


def number_captions(chunks: list[Path], classes: tuple[str, ...]) -> Captions:
    """Read all records once.

    Raises:
        UserError: a record's class is not among `classes`.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    hashes, of_class = array("Q"), array("l")
    for record in all_records(chunks):
        if record.get("QUERY") not in numbers:
            raise UserError(f"the records' class {record.get('QUERY')!r} is not in the template: give its --template")
        of_class.append(numbers[record["QUERY"]])
        hashes.append(_hash(caption_of(record)))
    distinct, first, of_record = np.unique(np.array(hashes, np.uint64), return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    pairs, pair_of_record = np.unique(
        number[of_record] * len(classes) + np.array(of_class, np.int64), return_inverse=True
    )
    return Captions(distinct[order], first[order], *np.divmod(pairs, len(classes)), pair_of_record)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
