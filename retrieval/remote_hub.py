"""Datasets of Hugging Face: which files a pattern means, at which commit, and the address and headers of each."""

import re

import requests
from fsspec.utils import glob_translate
from huggingface_hub import HfApi, constants, get_token, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from retrieval.cli import UserError
from retrieval.http_answers import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TEMPORARY_STATUS,
    GiveUp,
    innermost,
    limit_resets,
    retry_after,
)
from retrieval.remote_address import RemoteFile, scrubbed, split_hub
from retrieval.remote_http import HUB_LOGIN, HttpRanges
from retrieval.remote_traffic import pause, traffic

HUB_RETRIES = 3
HUB_SECONDS = 15
_MAGIC = re.compile(r"[*?\[]")


def hub_ranges(file: RemoteFile) -> HttpRanges:
    """Reads ranges of a file at the commit that was listed, with the user's token."""
    repository, _, path = split_hub(file.address)
    token = get_token()
    return HttpRanges(
        hf_hub_url(repository, path, repo_type="dataset", revision=file.commit),
        headers={"Authorization": f"Bearer {token}"} if token else None,
        size=file.bytes,
        checksum=file.identity,
    )


def list_hub(address: str, flag: str) -> list[RemoteFile]:
    """The repository's files at one commit, of which the revision is a name."""
    repository, revision, pattern = split_hub(address)
    before = address[: len(address) - len(pattern)]  # hf://datasets/ORG/NAME@REVISION/
    revision = "refs/convert/parquet" if revision == "~parquet" else revision
    fixed = _MAGIC.split(pattern)[0]
    folder = fixed.rpartition("/")[0] if fixed != pattern else None
    api = HfApi(token=get_token())
    try:
        info = _patiently(lambda: api.dataset_info(repository, revision=revision, timeout=HUB_SECONDS))
        if folder is None:
            entries = _patiently(
                lambda: api.get_paths_info(repository, [pattern], repo_type="dataset", revision=info.sha)
            )
        else:
            is_deep = "/" in pattern[len(folder) + bool(folder) :]
            entries = _patiently(lambda: list(api.list_repo_tree(
                repository, folder or None, recursive=is_deep, repo_type="dataset", revision=info.sha
            )))  # fmt: skip
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, requests.exceptions.RequestException) as error:
        raise UserError(f"{flag} {address} cannot be read: {_why(error, repository, revision)}") from error
    matches = re.compile(glob_translate(pattern)).fullmatch
    files = [entry for entry in entries if hasattr(entry, "blob_id") and (folder is None or matches(entry.path))]
    if folder is None and entries and not files:
        raise UserError(f"{flag} {address} is a folder: name its shards, as {address.rstrip('/')}/*.parquet")
    found = [RemoteFile(before + each.path, each.size, _checksum(each), info.sha, before + each.path) for each in files]
    if found and info.gated:
        _check_access(found[0], flag)
    return found


def _checksum(entry) -> str:
    return entry.lfs.sha256 if entry.lfs else entry.blob_id


def _check_access(file: RemoteFile, flag: str) -> None:
    """Everybody may list a gated repository: whether its files may be read shows only when one is asked for."""
    try:
        hub_ranges(file).read(0, 1)
    except GiveUp as error:
        raise UserError(f"{flag} {file} cannot be read: {error}") from error


def _patiently(ask):
    """The hub's answer, asked for again where it says that another may come."""
    for attempt in range(HUB_RETRIES + 1):
        try:
            return ask()
        except (HfHubHTTPError, requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            response = getattr(error, "response", None)
            if response is not None and response.status_code not in TEMPORARY_STATUS:
                raise
            asked = 0.0
            if response is not None:
                asked = retry_after(response) or limit_resets(response.headers)
            if attempt == HUB_RETRIES or asked > LONGEST_PAUSE_SECONDS or isinstance(error, OfflineModeIsEnabled):
                raise
            if asked:
                traffic().tell_once(f"note: the hub limits its requests and asks to wait {asked:.0f} seconds: waiting")
            pause(asked or FIRST_PAUSE_SECONDS * 2**attempt)


def _why(error: Exception, repository: str, revision: str | None) -> str:
    page = f"{constants.ENDPOINT}/datasets/{repository}"
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set: unset it"
    if isinstance(error, GatedRepoError):
        return f"{repository} is gated: {HUB_LOGIN} ({page})"
    if isinstance(error, RevisionNotFoundError):
        return f"{repository} has no revision {revision!r} ({page}/tree/main)"
    if isinstance(error, EntryNotFoundError):
        return f"{repository} has no such folder or file ({page}/tree/main)"
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        login = "the token in use may not see it" if get_token() else "if it is private, log in with `hf auth login`"
        return f"there is no dataset {repository}, or it is private: check its name at {page}; {login}"
    response = getattr(error, "response", None)
    if response is not None and response.status_code == 401:
        return "the hub does not accept the token: log in again with `hf auth login` (or correct HF_TOKEN)"
    if response is not None:
        return f"the hub answered {response.status_code} {response.reason}"
    return f"the hub at {constants.ENDPOINT} does not answer ({scrubbed(innermost(error))})"
