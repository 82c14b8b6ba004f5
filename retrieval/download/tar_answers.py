"""Answers that come out of the pool's own files: instead of a request, some bytes of a tar or parquet are read.

In img2dataset's list such an image stands as `["PLACE", "URL"]`: its place (tar_images.py, parquet_images.py), and the
URL that names it in the plan. No URL begins so. A local file is read where it lies (pool_files.py says which), of a
remote one the range of the image. A tar's bytes are taken if the block before them is the header of this image: then
the tar is the one that the record speaks of. (Of a parquet parquet_answers.py sees to that.) After that they pass the
checks that an answer of the web passes.
"""

import io
import json

from retrieval.cli import UserError
from retrieval.download.answer_bytes import TOO_LARGE, BadAnswer, check_image
from retrieval.download.pool_files import PrivateFile, read_range
from retrieval.parquet_images import RowPlace, split_row
from retrieval.remote_address import ShardChanged
from retrieval.tar_images import BLOCK_BYTES, TarPlace, is_header_of, split_place

UNREADABLE, CHANGED, PRIVATE = "tar cannot be read", "tar has changed", "tar at a private address"
TAR_FAULTS = (UNREADABLE, CHANGED, PRIVATE)  # of a tar or parquet, not of an image: the next run tries again
NO_BYTES = "no image in this row"
LISTED = '["'

_given_up: dict[str, str] = {}  # file that could not be read -> fault: a server's patience is spent once per file


def is_listed(text: str) -> bool:
    return text.startswith(LISTED)


def url_of(text: str) -> str:
    """The URL of a line of img2dataset's list."""
    return json.loads(text)[1] if is_listed(text) else text


def read_listed(text: str, max_bytes: int, allow_private_hosts: bool) -> tuple[io.BytesIO | None, str | None]:
    """(the image's bytes, None), or (None, why there are none), as img2dataset's download_image has them."""
    try:
        return io.BytesIO(read_image(json.loads(text)[0], max_bytes, allow_private_hosts)), None
    except BadAnswer as error:
        return None, f"refused: {error}"


def read_image(place: str, max_bytes: int, allow_private_hosts: bool = False) -> bytes:
    """
    Raises:
        BadAnswer: one of TAR_FAULTS, NO_BYTES, or a reason of answer_bytes.py.
    """
    where = split_row(place) or split_place(place)
    file = where[0]
    if file in _given_up:
        raise BadAnswer(_given_up[file])
    try:
        read = _of_a_parquet if isinstance(where, RowPlace) else _of_a_tar
        data = read(where, max_bytes, allow_private_hosts)
    except ShardChanged as error:
        raise BadAnswer(CHANGED) from error
    except BadAnswer:
        raise
    except (OSError, ValueError, UserError) as error:
        _given_up[file] = PRIVATE if isinstance(error, PrivateFile) else UNREADABLE
        raise BadAnswer(_given_up[file]) from error
    check_image(data)
    return data


def _of_a_tar(where: TarPlace, max_bytes: int, allow_private_hosts: bool) -> bytes:
    if where.size > max_bytes:
        raise BadAnswer(TOO_LARGE)
    start, end = where.offset - BLOCK_BYTES, where.offset + where.size
    data = read_range(where.tar, start, end, allow_private_hosts)
    if len(data) < end - start or not is_header_of(data[:BLOCK_BYTES], where):
        raise ShardChanged("another member lies there")
    return data[BLOCK_BYTES:]


def _of_a_parquet(where: RowPlace, max_bytes: int, allow_private_hosts: bool) -> bytes:
    from retrieval.download.parquet_answers import read_row  # pyarrow.parquet, in img2dataset's processes only

    data = read_row(where, allow_private_hosts)
    if not data:
        raise BadAnswer(NO_BYTES)
    if len(data) > max_bytes:
        raise BadAnswer(TOO_LARGE)
    return data
