"""Lists remote shards once: which files an address means, and which version of each is read from then on.

    shards = find_remote(["hf://datasets/kakaobrain/coyo-700m/data/*.parquet"], "--dbs", output / LISTING)

Patterns are those of a shell: `*` and `?` within a folder, `**` across folders, `[0-9]`, and `{000..127}` or `{a,b}`.
Over http there is no listing, so `*` cannot be answered there, and braces can. The listing is kept in the output
folder: the jobs of an array, and later runs of the same command, read the versions that the first one found. An entry
whose file has changed is dropped (`forget`), so that the next run lists it again.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from braceexpand import UnbalancedBracesError, braceexpand

from retrieval.cli import UserError
from retrieval.files import locked, write_json
from retrieval.http_answers import GiveUp
from retrieval.remote_address import SCHEMES, WAYS, RemoteFile, scheme_of, shown, split_hub
from retrieval.remote_http import LISTING_PATIENCE, HttpRanges
from retrieval.remote_traffic import Helpers

LISTING = ".listing.json"
LISTING_SECONDS = 600  # another job of the array may be listing thousands of files
NOT_THERE = re.compile("answered (401|403|404|410)|answered with a web page")  # 403: a bucket that may not be listed
ASKED_AT_ONCE = 16  # addresses over http, each of which is one request


def find_remote(addresses: Iterable[str], flag: str, kept: Path | None = None) -> list[RemoteFile]:
    """The files that the addresses mean, sorted, each once.

    Args:
        flag: what a refusal names.
        kept: a file in the output folder that keeps the listing.

    Raises:
        UserError: an address that cannot be read here, or that means no file.
    """
    expanded = [each for address in addresses for each in _expanded(address, flag)]
    for address in expanded:
        _check(address, flag)
    if kept is None:
        return _unique(_list_all(expanded, flag, {}), flag)
    with _locked(kept):
        known = _read(kept)
        found = _list_all(expanded, flag, known)
        lists = {shown(address): [_entry(file) for file in files] for address, files in found.items()}
        if any(known.get(pattern) != files for pattern, files in lists.items()):
            write_json(kept, {"files": known | lists})
    return _unique(found, flag)


def forget(kept: Path, file: RemoteFile) -> None:
    """Let the next run list the pattern of this file again."""
    with _locked(kept):
        known = _read(kept)
        stale = [name for name, files in known.items() if any(each["address"] == file.address for each in files)]
        write_json(kept, {"files": {name: files for name, files in known.items() if name not in stale}})


def find_beside(files: Iterable[RemoteFile], suffix: str, flag: str) -> dict[RemoteFile, RemoteFile]:
    """The file beside each, of the same stem and of the same commit, where there is one.

    Raises:
        UserError: whether there is one cannot be found out.
    """
    found, on_the_web = {}, []
    by_folder: dict[str, list[RemoteFile]] = {}
    for file in files:
        if file.scheme in ("http", "https"):
            on_the_web.append(file)
        else:
            by_folder.setdefault(_folder_of(file), []).append(file)
    for folder, here in by_folder.items():
        listed = _list_hub if scheme_of(folder) == "hf" else _list_store
        others = {other.stem: other for other in listed(f"{folder}/*{suffix}", flag)}
        found |= {file: others[file.stem] for file in here if file.stem in others}
    if on_the_web:
        helpers = Helpers(min(ASKED_AT_ONCE, len(on_the_web)))
        asked = {file: helpers.submit(_ask_beside, file, suffix, flag) for file in on_the_web}
        found |= {file: other for file, future in asked.items() if (other := future.result())}
        helpers.end()
    return found


def _folder_of(file: RemoteFile) -> str:
    """Its address, at the commit that was listed."""
    if file.scheme != "hf":
        return file.address.rpartition("/")[0]
    repository, _, path = split_hub(file.address)
    return f"hf://datasets/{repository}@{file.commit}/{path.rpartition('/')[0]}".rstrip("/")


def _ask_beside(file: RemoteFile, suffix: str, flag: str) -> RemoteFile | None:
    parts = urlsplit(file.source)
    address = urlunsplit(parts._replace(path=str(PurePosixPath(parts.path).with_suffix(suffix))))
    try:
        return _first_answer(address)
    except GiveUp as error:
        if NOT_THERE.match(str(error)):
            return None
        raise UserError(f"{flag} {shown(address)}, beside {file.name}, cannot be read: {error}") from error


def _locked(kept: Path):
    kept.parent.mkdir(parents=True, exist_ok=True)
    busy = f"another run is listing the shards of {kept.parent}: wait until it ends"
    return locked(kept.with_name(f"{kept.name}.lock"), busy, LISTING_SECONDS)


def _read(kept: Path) -> dict[str, list[dict]]:
    try:
        return json.loads(kept.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _entry(file: RemoteFile) -> dict:
    return {"address": file.address, "bytes": file.bytes, "identity": file.identity, "commit": file.commit}


# ---- what an address may be ----


def _expanded(address: str, flag: str) -> list[str]:
    path, mark, query = address.partition("?") if scheme_of(address) in ("http", "https") else (address, "", "")
    try:
        return [each + mark + query for each in braceexpand(path)]
    except (UnbalancedBracesError, ValueError) as error:
        raise UserError(f"{flag} {shown(address)}: its braces cannot be read; write {{000..127}} or {{a,b}}") from error


def _check(address: str, flag: str) -> None:
    scheme = scheme_of(address)
    if scheme not in SCHEMES:
        raise UserError(f"{flag} {shown(address)}: {scheme}:// is not read here: give {WAYS}, or a path")
    if scheme == "hf":
        if not split_hub(address):
            raise UserError(f"{flag} {address}: write hf://datasets/ORG/NAME/*.parquet, or with the folder and a "
                            "revision: hf://datasets/ORG/NAME@REVISION/FOLDER/*.parquet")  # fmt: skip
    elif scheme in ("http", "https") and re.search(r"[*\[]", address.partition("?")[0]):
        raise UserError(f"{flag} {shown(address)}: a web server lists no files, so * and [ mean nothing there: name "
                        "each file, or write {000..127}")  # fmt: skip


def _unique(found: dict[str, list[RemoteFile]], flag: str) -> list[RemoteFile]:
    by_address: dict[str, RemoteFile] = {}
    for file in (file for files in found.values() for file in files):
        other = by_address.setdefault(file.address, file)
        if other.source != file.source:
            raise UserError(f"{flag}: two addresses differ only behind the ? or in their password, which is never "
                            f"written down ({file.address}): fetch them, and give their paths")  # fmt: skip
    return [by_address[address] for address in sorted(by_address)]


# ---- the listing ----


def _list_all(addresses: list[str], flag: str, known: dict[str, list[dict]]) -> dict[str, list[RemoteFile]]:
    """Address as it was given -> its files."""
    found: dict[str, list[RemoteFile]] = {}
    on_the_web = []
    for address in addresses:
        if entries := known.get(shown(address)):
            found[address] = [RemoteFile(**entry, source=_source(entry["address"], address)) for entry in entries]
        elif scheme_of(address) in ("http", "https"):
            on_the_web.append(address)
        else:
            files = _list_hub(address, flag) if scheme_of(address) == "hf" else _list_store(address, flag)
            if not files:
                raise UserError(f"{flag} {shown(address)} matches no file")
            found[address] = files
    if on_the_web:
        helpers = Helpers(min(ASKED_AT_ONCE, len(on_the_web)))
        asked = {address: helpers.submit(_ask, address, flag) for address in on_the_web}
        found |= {address: [future.result()] for address, future in asked.items()}
        helpers.end()  # workers are forked only where no other thread is
    return found


def _source(address: str, given: str) -> str:
    return given if scheme_of(address) in ("http", "https") else address


def _ask(address: str, flag: str) -> RemoteFile:
    try:
        return _first_answer(address)
    except GiveUp as error:
        whole = "; fetch the file and give its path" if "whole file" in str(error) else ""
        raise UserError(f"{flag} {shown(address)} cannot be read: {error}{whole}") from error


def _first_answer(address: str) -> RemoteFile:
    ranges = HttpRanges(address, patience=LISTING_PATIENCE)
    ranges.read(0, 1)
    return RemoteFile(shown(address), ranges.size, ranges.identity, source=address)


def _list_hub(address: str, flag: str) -> list[RemoteFile]:
    from retrieval.remote_hub import list_hub  # 0.3 s for huggingface_hub

    return list_hub(address, flag)


def _list_store(address: str, flag: str) -> list[RemoteFile]:
    from retrieval.remote_store import list_store  # 0.1 s for fsspec

    return list_store(address, flag)
