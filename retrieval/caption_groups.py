"""Captions in groups that are sorted by length and embedded together.

Two stages embed captions: compute_text_embeddings.py, and the semantic filter on a pool without features. Both make the
same groups of a shard, so they get the same embeddings.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa

GROUP = 16_384  # captions sorted by length, embedded and saved together: a second of a GPU, some minutes of two cores


def grouped(columns: Iterable[pa.Array], size: int = GROUP) -> Iterator[list[str | None]]:
    """The captions of a shard, `size` at a time. They come as text or bytes in pieces of any size."""
    captions = []
    for values in columns:
        captions += as_texts(values)
        while len(captions) >= size:
            yield captions[:size]
            del captions[:size]
    if captions:
        yield captions


def as_texts(column: pa.Array) -> list[str | None]:
    """A column of text or bytes as texts. Bytes that are not UTF-8 become U+FFFD, as in the substring filter."""
    column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        values = column.cast(pa.large_binary()).to_pylist()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
