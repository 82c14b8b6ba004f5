"""Whether a file is whole, and how long it is where it comes from."""

import hashlib
import math
import tokenize
from collections.abc import Sequence
from pathlib import Path

import requests
from huggingface_hub import get_token, hf_hub_url

from retrieval.embeddings import read_npy_header
from retrieval.http_answers import CONNECT_SECONDS, GiveUp, innermost
from retrieval.remote_address import split_hub

BLOCK_BYTES = 1 << 20  # hashed at a time


def why_incomplete(
    path: Path,
    expected_bytes: int | None = None,
    sha256: str | None = None,
    urls: Sequence[str] = (),
    suffix: str | None = None,
) -> str | None:
    """The reason why a file is not whole, or None. Cheap, but with `sha256` the file is read.

    A parquet file ends as it begins, and an npy file's header says its length. For any other file the length is asked
    from `urls`, where they are given and answer.
    """
    size, suffix = path.stat().st_size, suffix or path.suffix.lower()
    if expected_bytes is not None and size != expected_bytes:
        return f"has {size:,} bytes, not {expected_bytes:,}"
    if sha256 is not None:
        found = _sha256(path)
        return None if found == sha256.lower() else f"has the checksum {found}, not {sha256.lower()}"
    if suffix == ".parquet":
        with open(path, "rb") as file:
            begin = file.read(4)
            file.seek(max(0, size - 4))
            return None if begin == file.read(4) == b"PAR1" and size >= 12 else "is no whole parquet file"
    if suffix == ".npy":
        length = _npy_bytes(path)
        return None if length == size else f"is no whole npy file ({size:,} bytes, its header says {length or 0:,})"
    if expected_bytes is None and urls:
        told = remote_size(urls)
        if isinstance(told, int) and told != size:
            return f"has {size:,} bytes, not {told:,}"
    return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _npy_bytes(path: Path) -> int | None:
    """The length in bytes that an npy file's header announces; None where it has no such header."""
    with open(path, "rb") as file:
        try:
            shape, _, dtype = read_npy_header(file)
        except (ValueError, SyntaxError, tokenize.TokenError):  # TokenError: a null byte, since Python 3.12
            return None
        return file.tell() + math.prod(shape) * dtype.itemsize


def remote_size(urls: Sequence[str]) -> int | str:
    """The length in bytes from the first mirror that gives it (HEAD), else the last mirror's reason."""
    reason = "no address"
    for url in urls:
        try:
            address, headers = resolve(url)
            headers |= {"Accept-Encoding": "identity"}
            with requests.head(address, headers=headers, timeout=CONNECT_SECONDS, allow_redirects=True) as response:
                length = response.headers.get("Content-Length", "")
                page = response.headers.get("Content-Type", "").startswith("text/html")
                if response.status_code == 200 and length.isdigit() and not page:
                    return int(length)
                answered = f"answered {response.status_code} {response.reason}"
                reason = "a web page instead of the file" if page and response.status_code == 200 else answered
        except GiveUp as refusal:
            reason = str(refusal)
        except requests.exceptions.RequestException as error:
            reason = innermost(error)
    return reason


def resolve(url: str) -> tuple[str, dict[str, str]]:
    """The http address of `url`, and the headers that it needs."""
    if not url.startswith("hf://"):
        return url, {}
    if not (found := split_hub(url)):
        raise GiveUp("is no hf:// address: hf://datasets/OWNER/NAME[@REVISION]/PATH")
    repository, revision, path = found
    address = hf_hub_url(repository, path, repo_type="dataset", revision=revision)
    token = get_token()
    # requests drops the header when the hub redirects to its storage, where it would be refused.
    return address, {"Authorization": f"Bearer {token}"} if token else {}
