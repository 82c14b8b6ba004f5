"""Addresses of shards that are read where they lie, and what is known of such a file once it was listed.

    is_address("hf://datasets/kakaobrain/coyo-700m/data/*.parquet")     # True
    shown("https://me:secret@host/x.parquet?X-Amz-Signature=…")          # https://host/x.parquet

An address may hold a password or a signature. Only `RemoteFile.source` keeps those, in memory: what is printed, logged
or written to a file is the address as `shown`. Standard library only: a run is planned before its workers are forked.
"""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from retrieval.cli import UserError

SCHEMES = ("hf", "https", "http", "s3", "gs")
# The way out for what is not read where it lies.
COPY_IT = "with --tmp DIR the substring filter copies each shard to a disk first; else fetch it"
WAYS = "hf://datasets/ORG/NAME[@REVISION]/FILES, https://…, s3://… or gs://…"

# Revisions with a slash are known by name: refs/pr/7, refs/convert/parquet (which the hub itself makes of any format).
_HUB = re.compile(
    r"hf://datasets/(?P<repository>[^/@\s]+/[^/@\s]+)(?:@(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+))?/(?P<path>.+)"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
# What may be secret in a message of another library: user:password@, a query, a token of Hugging Face.
_SECRET = re.compile(r"(?<=://)[^/\s@]+@|\?[^\s'\")]+|\bhf_\w{8,}|\bBearer \S+")


@dataclass(frozen=True, order=True)
class RemoteFile:
    """One file and the version of it that was listed. It stands where a shard's Path does."""

    address: str  # as `shown`
    bytes: int
    identity: str  # what changes with the content: a checksum or an ETag, else a date; "" where the server gives none
    commit: str | None = None  # hf: of the repository
    source: str = field(default="", repr=False, compare=False)  # the address as it is asked for, with its secrets

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        return PurePosixPath(self.address).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.address).stem

    @property
    def suffixes(self) -> list[str]:
        return PurePosixPath(self.address).suffixes

    @property
    def scheme(self) -> str:
        return self.address.partition("://")[0]

    def fingerprint(self) -> dict:
        """What files.file_fingerprint is for a file on a disk."""
        known = {"address": self.address, "bytes": self.bytes, "identity": self.identity}
        return known | ({"commit": self.commit} if self.commit else {})


class ShardChanged(UserError):
    """The file is not the version that was listed."""


def is_address(text) -> bool:
    """Whether it names something with a scheme, known or not. Paths have none."""
    return isinstance(text, str) and _SCHEME.match(text) is not None


def scheme_of(address: str) -> str:
    return address.partition("://")[0].lower()


def split_hub(address: str) -> tuple[str, str | None, str] | None:
    """(repository, revision, path) of an hf:// address; None where it is none of a dataset's files."""
    found = _HUB.fullmatch(address)
    return (found["repository"], found["revision"], found["path"]) if found else None


def shown(address: str) -> str:
    """The address without user name, password, query and fragment: any of them may be a key to the file."""
    parts = urlsplit(address)
    if parts.scheme.lower() not in ("http", "https"):  # there, `?` and `#` are parts of names and patterns
        return _SECRET.sub("", address) if parts.scheme.lower() in ("s3", "gs") and "@" in parts.netloc else address
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def scrubbed(text: str) -> str:
    """A message of another library without what may be secret in it."""
    return _SECRET.sub("", text)
