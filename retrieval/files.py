"""Files that exist only when they are complete, and fingerprints that tell one version of a file from another.

Standard library only, as retrieval/cli.py.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from retrieval.cli import UserError, say
from retrieval.remote_address import RemoteFile

LOCK_SECONDS = 5  # a worker whose run was killed ends within half a second and lets go of the lock
LAID_OUT = 3  # levels of a JSON file with a line per entry
FINGERPRINT_EDGE_BYTES = 1 << 16  # both ends of a file: a parquet's footer and an index's header live there

_as_json = json.JSONEncoder(ensure_ascii=False).encode


@contextlib.contextmanager
def complete_file(path: Path | str):
    """Yield a temporary path beside `path`. When the block ends without an error, the file is renamed to `path`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The file is not created here: ext4 flushes a file that is truncated and rewritten, 0.12 s per chunk.
    beside = path.with_name(f".{path.name[:100]}.{os.urandom(4).hex()}.part")
    try:
        yield beside
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_json(path: Path | str, value) -> None:
    """Write `value` as UTF-8 JSON that people can read: a class with its counts is one line. Complete or absent."""
    with complete_file(path) as beside:
        beside.write_text(_laid_out(value, "\n") + "\n", encoding="utf-8")


def _laid_out(value, line_end: str) -> str:
    """JSON with a line per entry of an object, and per object of a list, down to LAID_OUT levels.

    json.dumps with `indent` takes ten times as long, 0.1 s for ImageNet's counts.
    """
    inner = line_end + " "  # as many spaces as levels
    if len(inner) > 1 + LAID_OUT or not value:
        return _as_json(value)
    if isinstance(value, dict):
        entries, edges = (f"{_as_json(str(name))}: {_laid_out(entry, inner)}" for name, entry in value.items()), "{}"
    elif isinstance(value, list | tuple) and isinstance(value[0], dict):
        entries, edges = map(_as_json, value), "[]"
    else:
        return _as_json(value)
    return edges[0] + inner + f",{inner}".join(entries) + line_end + edges[1]


def writable_folder(path: Path | str, flag: str) -> Path:
    """Make the folder and check that a file can be written in it.

    Raises:
        UserError: names `flag` and the operating system's reason.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path, prefix=".writable."):
            pass
    except OSError as error:
        raise UserError(f"{flag} {path} cannot be written: {error.strerror or error}") from error
    return path


def writable_file(path: Path, flag: str) -> Path:
    """Make the file's folder and check that a file of this name can be written.

    Raises:
        UserError: names `flag`, and the operating system's reason or that the path is a folder.
    """
    if path.is_dir():
        raise UserError(f"{flag} {path} is a folder: give the name of a file")
    writable_folder(path.absolute().parent, flag)
    return path


def refuse_shared_paths(outputs: Iterable[tuple[str, Path | None]]) -> None:
    """Refuse two flags that name one path: the one that is written last would replace the other, without a word.

    Args:
        outputs: each flag and its path; None where it was not given.
    """
    flag_of: dict[str, str] = {}
    for flag, path in outputs:
        if path is not None:
            first = flag_of.setdefault(os.path.realpath(path), flag)
            if first != flag:
                raise UserError(f"{first} and {flag} are both {path}: give each a name of its own")


def check_names_are_text(paths: Iterable[str], flag: str) -> None:
    """Refuse files whose names are no UTF-8: records and manifests are, and name them.

    Raises:
        UserError: names `flag` and the first of them.
    """
    for path in paths:
        if not path.isascii() and path.encode("utf-8", "surrogateescape").decode("utf-8", "replace") != path:
            raise UserError(f"{flag} {ascii(path)}: its name is not UTF-8, as manifests and records are: rename it")


@contextlib.contextmanager
def locked(path: Path | str, refusal: str, seconds: float = LOCK_SECONDS):
    """Hold an exclusive lock (flock) on a folder, or on a file that is made for it. Yield its file descriptor.

    Args:
        refusal: the sentence where another process holds the lock for longer than `seconds`.

    Raises:
        UserError: `refusal`.
    """
    path = Path(path)
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    give_up = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):  # a network disk without locks
                    say(f"warning: {path} cannot be locked: start no second run there")
                    break
                if time.monotonic() > give_up:
                    raise UserError(refusal) from error
                time.sleep(0.1)
        yield descriptor
    finally:
        os.close(descriptor)


def file_fingerprint(path: Path | str | RemoteFile) -> dict:
    """What distinguishes two versions of a file, without reading the whole file.

    Returns:
        dict: bytes (int), mtime_ns (int), edges (blake2b of its first and last 64 KiB, hex). Of a remote file what
        was listed: address, bytes, identity, commit.

    Raises:
        OSError: it is not there.
        UserError: the disk does not give its bytes.
    """
    if isinstance(path, RemoteFile):
        return path.fingerprint()
    stat = os.stat(path)
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        for begin in (0, max(0, stat.st_size - FINGERPRINT_EDGE_BYTES)):
            try:
                file.seek(begin)
                digest.update(file.read(FINGERPRINT_EDGE_BYTES))
            except OSError as error:  # of the disk
                raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns, "edges": digest.hexdigest()}


def settings_fingerprint(settings) -> str:
    """Hex digest (16 characters) of any JSON value. Work that was done with these settings is kept under this name."""
    encoded = json.dumps(settings, sort_keys=True, ensure_ascii=True, default=str).encode()
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def free_bytes(path: Path | str) -> int:
    """Free bytes for an ordinary user on the disk that holds `path`."""
    return shutil.disk_usage(path).free


def read_json(path: Path):
    """The JSON value of a file.

    Raises:
        UserError: it is not JSON; names the file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not JSON ({error}): it was cut short or is not ours") from error


def read_object(path: Path, *needed: str) -> dict:
    """The JSON object of a file that a stage of ours wrote.

    Args:
        needed: fields that every version of ours writes.

    Raises:
        UserError: it is not JSON, no object, or lacks one of the fields; names the file.
    """
    value = read_json(path)
    if not isinstance(value, dict) or not set(needed) <= value.keys():
        raise UserError(f"{path} is not what our stages write: give another folder, or move the file away")
    return value
