"""Arrow arrays from what Python and numpy hold. Not by `pa.array` or `pa.scalar`: to ask whether a value is one of
pandas', they import pandas, a quarter of a second in a run that may take one."""

import functools
from collections.abc import Sequence


def integers(numbers, kind: str = "int64"):
    """Numbers (n,) as an Arrow array of that numpy kind."""
    import numpy as np
    import pyarrow as pa

    buffers = [None, pa.py_buffer(np.ascontiguousarray(numbers, kind))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(kind), len(numbers), buffers)


def binaries(values: Sequence[bytes | None]):
    """Byte strings as a large_binary array."""
    import numpy as np
    import pyarrow as pa

    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum([0 if value is None else len(value) for value in values], out=offsets[1:])
    valid = np.packbits(np.array([value is not None for value in values], bool), bitorder="little")
    data = b"".join(value for value in values if value is not None)
    buffers = [pa.py_buffer(buffer) for buffer in (valid, offsets, data)]
    return pa.Array.from_buffers(pa.large_binary(), len(values), buffers)


def texts(values: Sequence[str | None]):
    """Texts as a string array; a lone surrogate becomes "?"."""
    import pyarrow as pa

    return binaries([None if value is None else value.encode("utf-8", "replace") for value in values]).cast(pa.string())


@functools.lru_cache(64)  # a separator is asked for with every half megabyte of captions
def binary_scalar(value: bytes):
    """One byte string as a binary scalar."""
    import pyarrow as pa

    return binaries([value]).cast(pa.binary())[0]


def text_scalar(value: str):
    """One text as a string scalar."""
    return texts([value])[0]
