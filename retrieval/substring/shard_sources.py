"""Where missing shards are downloaded from: the public Drive folder, or the sources that a file of the user lists.

    fetcher = ShardFetcher(["dbs/part-00000.snappy.db"], None)      # asks gdrive for the folder's listing
    fetcher.fetch("dbs/part-00000.snappy.db")                       # MissingShard says why it cannot be had

`gdrive` is glotlabs' command line, version 3 (https://github.com/glotlabs/gdrive), logged in by its owner.
"""

import json
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.files import complete_file

DRIVE_FOLDER = "19ejsELFg62-MxuLdlPSQP1FUFTozlT3l"  # the published FTS databases, one per shard of LAION-2B-en
LISTING = ["gdrive", "files", "list", "--parent", DRIVE_FOLDER, "--max", "1000", "--skip-header", "--full-name"]
DRIVE_ID = re.compile(r"[\w-]{25,}", re.ASCII)  # they have 33 or 44 characters; a file's name has a dot
DRIVE_LINK = re.compile(
    r"https?://(?:drive|docs)\.google\.com/(?:file/d/|(?:open|uc)\?(?:[^#]*&)?id=)([\w-]{25,})", re.ASCII
)
STOP_SECONDS = 0.5  # a download ends within this time after `stop`
# gdrive rounds sizes to one decimal: "2.4 GiB" (powers of 1024), or "2.4 GB" in builds with SI units.
SIZE_UNITS = {"": 1, "B": 1} | {
    f"{letter}{suffix}": base**power
    for suffix, base in (("B", 1000), ("iB", 1024))
    for power, letter in enumerate("KMGT", start=1)
}


class MissingShard(Exception):
    """Why one shard could not be downloaded, in one sentence. The run goes on with the others."""


@dataclass(frozen=True)
class Source:
    kind: str  # "gdrive", "http" or "file"
    address: str  # a Drive id, a URL, or a path
    size: str = ""  # as the listing prints it; "" where it is not known


class ShardFetcher:
    """Fetches the shards that are absent, one at a time: two downloads at once would only share the bandwidth."""

    def __init__(self, absent: list[str], sources_file: Path | None):
        names = [Path(shard).name for shard in absent]
        self._sources, self._reasons = find_sources(names, sources_file) if absent else ({}, {})
        self._one_at_a_time, self._stop = threading.Lock(), threading.Event()

    def fetch(self, shard: str) -> None:
        """Fetch one of them to its path. May be called from several threads.

        Raises:
            MissingShard: the reason, one sentence.
        """
        name = Path(shard).name
        if name in self._reasons:
            raise MissingShard(self._reasons[name])
        with self._one_at_a_time:
            fetch_shard(self._sources[name], Path(shard), self._stop)

    def stop(self) -> None:
        """End the download that is running."""
        self._stop.set()


def find_sources(names: list[str], sources_file: Path | None) -> tuple[dict[str, Source], dict[str, str]]:
    """The source of each shard that has one, and for the others the reason why they have none.

    Raises:
        UserError: `sources_file` is not {shard name: "gdrive:ID", a bare Drive id, "https://..." or a path}.
    """
    if sources_file is not None:
        known, reason = read_sources(sources_file), f"{sources_file} does not list it"
    else:
        try:
            known, reason = list_drive_folder(), f"the Drive folder {DRIVE_FOLDER} does not hold it"
        except MissingShard as error:
            known, reason = {}, str(error)
    sources = {name: known[name] for name in names if name in known}
    return sources, {name: reason for name in names if name not in known}


def read_sources(path: Path) -> dict[str, Source]:
    """The sources in the file of --shard-sources. Relative paths start at the file's own folder."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"--shard-sources {path} cannot be read as JSON: {error}") from error
    if not isinstance(listed, dict) or not all(isinstance(address, str) for address in listed.values()):
        raise UserError(f'--shard-sources {path} must be {{"shard name": a Drive id or "https://…" or a path}}')
    return {name: _source(address, path.parent) for name, address in listed.items()}


def _source(address: str, folder: Path) -> Source:
    if address.startswith("gdrive:"):
        return Source("gdrive", address.removeprefix("gdrive:").strip())
    if link := DRIVE_LINK.match(address):  # the page of a file, whose own address only its id gives
        return Source("gdrive", link[1])
    if re.match(r"(https?|hf)://", address):
        return Source("http", address)
    path = folder / Path(address).expanduser()
    if DRIVE_ID.fullmatch(address) and not path.exists():  # as in the published script's drive_urls.json
        return Source("gdrive", address)
    return Source("file", str(path))


def list_drive_folder() -> dict[str, Source]:
    """The shards of the public Drive folder by name.

    Raises:
        MissingShard: gdrive is not installed, or refuses.
    """
    sources = {}
    for line in _gdrive(LISTING).splitlines():
        drive_id, name, _, size, *_ = [part.strip() for part in line.split("\t")] + [""] * 4
        if name:
            sources[name] = Source("gdrive", drive_id, size)
    return sources


def fetch_shard(source: Source, destination: Path, stop: threading.Event | None = None) -> None:
    """Fetch one shard. `destination` exists only when it is complete. The download is given up when `stop` is set.

    Raises:
        MissingShard: the reason, one sentence.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        if source.kind == "gdrive":
            _fetch_from_drive(source, destination, stop)
        elif source.kind == "http":
            _fetch_over_http(source.address, destination, stop)
        else:
            with complete_file(destination) as beside:
                shutil.copyfile(source.address, beside)
    except OSError as error:
        raise MissingShard(f"copying {source.address} failed: {error.strerror or error}") from error


def _fetch_from_drive(source: Source, destination: Path, stop: threading.Event | None) -> None:
    beside = destination.with_name(f".{destination.name[:200]}.fetching")  # gdrive chooses the file's name itself
    shutil.rmtree(beside, ignore_errors=True)  # what a killed run left
    beside.mkdir()
    try:
        _gdrive(["gdrive", "files", "download", source.address, "--destination", str(beside)], stop)
        files = [path for path in beside.iterdir() if path.is_file()]
        if len(files) != 1:
            raise MissingShard(f"gdrive downloaded {len(files)} files for {source.address}, not one")
        size = files[0].stat().st_size
        if not size_agrees(size, source.size):
            raise MissingShard(f"the download ended early: {size:,} bytes of the {source.size} that Drive lists")
        files[0].replace(destination)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def size_agrees(size: int, listed: str) -> bool:
    """Whether `size` bytes can be rounded to what the listing says. True where the listing gives no size."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", listed.strip())
    if not match:
        return True
    number, unit = match.groups()
    decimals = len(number.partition(".")[2])
    scales = {scale for name, scale in SIZE_UNITS.items() if name.lower() == unit.lower()}
    if len(unit) == 2:
        scales.add(SIZE_UNITS.get(f"{unit[0].upper()}iB", 1))  # some builds print powers of 1024 with the SI letters
    # Half a unit of the last decimal shown. A whole number may be one whose ".0" was left out.
    tolerance = 0.5 * 10 ** -max(decimals, 1)
    return not scales or any(abs(size - float(number) * scale) <= (tolerance * scale + 1 if scale > 1 else 0)
                             for scale in scales)  # fmt: skip


def _gdrive(command: list[str], stop: threading.Event | None = None) -> str:
    """The standard output of one gdrive command. The command is ended when `stop` is set."""
    import subprocess  # 3 ms, and few runs download with gdrive

    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                                   errors="replace")  # fmt: skip
    except FileNotFoundError as error:
        raise MissingShard(
            "gdrive is not installed (https://github.com/glotlabs/gdrive, then `gdrive account add`), "
            "and --shard-sources gives no other place"
        ) from error
    while True:
        try:
            out, err = process.communicate(timeout=STOP_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if stop and stop.is_set():
                process.terminate()
    if process.returncode:
        said = (err.strip() or out.strip() or "nothing").splitlines()[-1][:200]
        raise MissingShard(f"gdrive {command[2]} failed with exit code {process.returncode}: {said}")
    return out


def _fetch_over_http(address: str, destination: Path, stop: threading.Event | None) -> None:
    from retrieval.downloads import Download, FetchError, Watcher
    from retrieval.fetch import fetch_file

    try:
        fetch_file(Download((address,), destination), watcher=Watcher(stop=stop) if stop else None)
    except FetchError as error:
        raise MissingShard(str(error)) from error
