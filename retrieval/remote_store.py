"""Object stores, read by fsspec's own file systems: s3:// by s3fs, gs:// by gcsfs (requirements-cluster.txt).

Credentials, regions and endpoints come from where those libraries look for them (AWS_PROFILE, AWS_ENDPOINT_URL, ~/.aws,
GOOGLE_APPLICATION_CREDENTIALS, STORAGE_EMULATOR_HOST; FSSPEC_S3_ANON=true for public buckets without an account).
"""

import functools
import importlib.util

import fsspec

from retrieval.cli import UserError
from retrieval.http_answers import FIRST_PAUSE_SECONDS, RETRIES, STALL_SECONDS, GiveUp
from retrieval.remote_address import RemoteFile, ShardChanged, scheme_of, scrubbed
from retrieval.remote_http import STOPPED, changed
from retrieval.remote_traffic import is_stopped, pause, traffic

LIBRARIES = {"s3": "s3fs", "gs": "gcsfs"}
LOGINS = {
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for a public bucket FSSPEC_S3_ANON=true",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`; for a public bucket "
    "FSSPEC_GS_TOKEN=anon",
}


@functools.cache
def file_system(scheme: str):
    return fsspec.filesystem(scheme, skip_instance_cache=True)


def list_store(address: str, flag: str) -> list[RemoteFile]:
    """The files that the pattern matches.

    Raises:
        UserError: no library, no credentials, no such bucket.
    """
    scheme, library = scheme_of(address), LIBRARIES[scheme_of(address)]
    if importlib.util.find_spec(library) is None:
        raise UserError(f"{flag} {address}: {scheme}:// is read by {library}, which is not installed: pip install "
                        f"{library} (requirements-cluster.txt lists it)")  # fmt: skip
    try:
        file_system(scheme).invalidate_cache()
        found = file_system(scheme).glob(address.partition("://")[2], detail=True)
    except Exception as error:  # of botocore, aiohttp, google: each library has its own
        raise UserError(f"{flag} {address} cannot be listed ({reason(error)}): {LOGINS[scheme]}") from error
    files = [(f"{scheme}://{path}", info) for path, info in sorted(found.items()) if info["type"] == "file"]
    return [RemoteFile(path, info["size"], identity_of(info), source=path) for path, info in files]


def identity_of(info: dict) -> str:
    """What an object store says of an object's version."""
    names = ("generation", "ETag", "etag", "LastModified", "updated")  # the first is Google's
    return next((str(info[name]) for name in names if info.get(name)), "")


def reason(error: Exception) -> str:
    return scrubbed(" ".join(str(error).split()))[:200] or type(error).__name__


class StoreRanges:
    """One object, as HttpRanges is one file."""

    def __init__(self, file: RemoteFile):
        self._file, self._path = file, file.address.partition("://")[2]
        self._system = file_system(file.scheme)

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`.

        Raises:
            GiveUp, ShardChanged: as HttpRanges.read.
        """
        for failures in range(1, RETRIES + 2):
            if is_stopped():
                raise GiveUp(STOPPED)
            try:
                data = self._get(start, end)
            except ShardChanged:
                raise
            except FileNotFoundError as error:
                raise GiveUp("it is gone") from error
            except PermissionError as error:
                raise GiveUp(f"it may not be read ({reason(error)}): {LOGINS[self._file.scheme]}") from error
            except Exception as error:  # as in `list_store`
                if "Precondition" in f"{error!r} {error.__cause__!r}":
                    raise ShardChanged(changed(self._file.identity, "another")) from error
                failure = reason(error)
            else:
                traffic().add(len(data))
                if len(data) == end - start:
                    return data
                failure = "its answers are cut short"
            if failures <= RETRIES:
                pause(FIRST_PAUSE_SECONDS * 2 ** (failures - 1))
        raise GiveUp(f"{failure} ({failures} times)")

    def _get(self, start: int, end: int) -> bytes:
        """One request, which shows the object's version too: `cat_file` of neither library has a way to do that."""
        get = self._get_from_s3 if self._file.scheme == "s3" else self._get_from_gs
        return fsspec.asyn.sync(self._system.loop, get, f"bytes={start}-{end - 1}", timeout=STALL_SECONDS * 4)

    async def _get_from_s3(self, wanted: str) -> bytes:
        """S3 itself compares the ETag."""
        bucket, key, _ = self._system.split_path(self._path)
        answer = await self._system._call_s3(
            "get_object", Bucket=bucket, Key=key, Range=wanted, IfMatch=self._file.identity
        )
        async with answer["Body"] as body:
            return await body.read()

    async def _get_from_gs(self, wanted: str) -> bytes:
        """Google's answers name the object's generation. An emulator's may not: then it is asked for."""
        headers, data = await self._system._call("GET", self._system.url(self._path), headers={"Range": wanted})
        now = headers.get("x-goog-generation")
        if now is None:
            self._system.invalidate_cache()  # of listings, which `_info` would answer from
            now = identity_of(await self._system._info(self._path))
        if now != self._file.identity:
            raise ShardChanged(changed(self._file.identity, now))
        return data
