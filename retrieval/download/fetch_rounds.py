"""Fetching in rounds: img2dataset gets one list of URLs at a time, and each URL's result is written down.

    <work>/images-<settings>/round-00001/urls.parquet     the list
                             round-00001/fetched/…        what img2dataset wrote
                             round-00001.parquet          each URL's result; exists once the round is over

A round that was killed is closed by the next run. It keeps the images that img2dataset had finished, also those of an
unfinished shard, and puts the other URLs into the next round. tests/test_download_killed.py holds this.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from retrieval.cli import UserError, say_always
from retrieval.download.answer_bytes import CUT_SHORT, ENCODED_AS, MAX_IMAGE_PIXELS, TOO_LARGE, TOO_MANY_SCANS
from retrieval.download.guarded_fetch import GIVEN_UP
from retrieval.download.guarded_opener import DEADLINE, NOT_HTTP, PRIVATE, Limits
from retrieval.download.host_turns import CRAWL_DELAY, LATER
from retrieval.download.opt_outs import HEADER, ROBOTS, ROBOTS_UNREADABLE, TDM
from retrieval.download.settings import FetchSettings, ResizeSettings
from retrieval.download.tar_answers import NO_BYTES, TAR_FAULTS, is_listed, url_of
from retrieval.files import complete_file, free_bytes, write_json
from retrieval.image_files import NO_RANGE

ROUND_URLS = 1_000_000  # img2dataset holds the list in memory: about 200 MB per million URLs
SHARD_URLS = 10_000  # img2dataset's default; each shard ends with a wait for its slowest URLs
LEAST_FREE_BYTES = 64 << 20
LOG_LINES = 15

SHRINK = "shrink"  # the --resize-mode that img2dataset has as a second argument
NOT_AN_IMAGE = "not an image"
# Our reason, and the pattern of img2dataset's message that it stands for. The first match wins. `reason_of` makes the
# reasons of HTTP errors.
_REASONS = [
    *((fault, rf"^refused: {fault}$") for fault in (*TAR_FAULTS, NO_BYTES)),
    (ROBOTS_UNREADABLE, rf"^{ROBOTS_UNREADABLE}$"),
    *((name, rf"^refused: {name}$") for name in (ROBOTS, TDM)),
    (HEADER, HEADER),
    *((name, rf"^{name}$") for name in (LATER, CRAWL_DELAY)),
    (PRIVATE, rf"refused: {PRIVATE}"),
    ("too many bytes", rf"refused: {TOO_LARGE}"),
    (CUT_SHORT, rf"refused: {CUT_SHORT}|^{CUT_SHORT}$|IncompleteRead"),
    *((name, rf"refused: {name}$") for name in ENCODED_AS),
    (NOT_HTTP, rf"refused: {NOT_HTTP}"),
    (TOO_MANY_SCANS, rf"refused: {TOO_MANY_SCANS}"),
    ("slow host given up", GIVEN_UP),
    ("timeout", rf"timed out|timeout|{DEADLINE}"),
    ("redirect loop", r"infinite loop"),
    ("redirect refused", r"Redirection to url|unknown url type"),
    ("DNS", r"Errno -\d+|Name or service not known|getaddrinfo|nodename nor servname|No address associated"),
    ("TLS", r"SSL|CERTIFICATE|certificate"),
    ("connection", r"refused|reset|unreachable|No route|Remote end closed|Broken pipe|aborted|Errno 1\d\d"),
    (
        "bad URL",
        r"URL can't contain|nonnumeric port|^Port |InvalidURL|idna|label|can't encode|no host given|Invalid IPv6",
    ),
    ("image too small", r"^image too small"),
    ("aspect ratio too large", r"^aspect ratio too large"),
    ("too many pixels", r"CV_IO_MAX_IMAGE|image area too large"),
    (NO_RANGE, rf"^{NO_RANGE}"),
]
_OF_IMAGES = ("image too small", "aspect ratio too large", "too many pixels", CUT_SHORT, NO_RANGE)
_TEMPORARY = (
    "timeout", "slow host given up", LATER, CRAWL_DELAY, ROBOTS_UNREADABLE, "DNS", "connection",
    CUT_SHORT, "HTTP 408", "HTTP 425", "HTTP 429",
    *(f"HTTP {code}" for code in range(500, 600)),
)  # fmt: skip
_RESULTS = pa.schema(
    [("url", pa.string()), ("reason", pa.string()), ("sha256", pa.string()), ("width", pa.int32()),
     ("height", pa.int32()), ("original_width", pa.int32()), ("original_height", pa.int32()), ("file", pa.string()),
     ("in_tar", pa.bool_())]
)  # fmt: skip


def reasons_to_retry(retry_failed: list[str] | None) -> tuple[str, ...]:
    """The reasons that --retry-failed names: none without it, the temporary failures without a value, else its own."""
    if retry_failed is None:
        return ()
    return tuple(retry_failed) or _TEMPORARY


# ---- results ----


def reason_of(status: str, error: str | None) -> str | None:
    """Our reason for img2dataset's status and message of one URL; None for an image."""
    if status == "success":
        return None
    error = error or ""
    found = next((name for name, pattern in _REASONS if re.search(pattern, error)), None)
    if status == "failed_to_download" and (match := re.match(r"HTTP Error (\d+)", error)):
        return found if found and found.startswith("redirect ") else f"HTTP {match[1]}"
    if status == "failed_to_resize":
        return found if found in _OF_IMAGES else NOT_AN_IMAGE
    return found or "other failure"


def close_rounds(rounds: Path) -> list[Path]:
    """Write the results of every round that an earlier run left open; returns all rounds' files, in order."""
    for folder in sorted(rounds.glob("round-[0-9]*")):
        if folder.is_dir() and not folder.with_suffix(".parquet").exists():
            write_results(folder)
    return sorted(rounds.glob("round-[0-9]*.parquet"))


def write_results(folder: Path) -> int:
    """Write `<folder>.parquet` with one row per URL that was answered; returns the number of rows."""
    count = 0
    with complete_file(folder.with_suffix(".parquet")) as beside, pq.ParquetWriter(beside, _RESULTS) as writer:
        for answers in read_fetched(folder / "fetched"):
            rows = [
                {name: answer.get(name) for name in _RESULTS.names}
                | {"reason": reason_of(answer["status"], answer["error_message"]), "file": answer["file"]}
                | {"url": url_of(answer["url"]), "in_tar": is_listed(answer["url"])}
                for answer in answers
            ]
            writer.write_table(pa.Table.from_pylist(rows, _RESULTS))
            count += len(rows)
    return count


def read_fetched(fetched: Path) -> Iterator[list[dict]]:
    """img2dataset's answers, one shard at a time. Its keys count positions in a shard; only the URL identifies."""
    shards = {path.name.partition(".")[0].removesuffix("_stats") for path in fetched.glob("[0-9]*")}
    for shard in sorted(shards):
        if (fetched / f"{shard}_stats.json").exists():  # written after everything else of its shard
            answers = pq.read_table(fetched / f"{shard}.parquet").to_pylist()
        else:
            answers = list(_finished_images(fetched / shard))
        for answer in answers:
            file = fetched / shard / f"{answer['key']}.jpg"
            answer["file"] = f"{fetched.parent.name}/fetched/{shard}/{file.name}"
        yield answers


def _finished_images(shard: Path) -> Iterator[dict]:
    for description in sorted(shard.glob("*.json")) if shard.is_dir() else []:
        # An image's .json is written once its .jpg is closed; the last one may be half written.
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(description.read_text(encoding="utf-8"))


# ---- one round ----


def run_round(
    folder: Path, urls: int, resize: ResizeSettings, fetch: FetchSettings, lock: int, more
) -> tuple[int, int]:
    """Let img2dataset fetch the URLs of `folder`/urls.parquet.

    Args:
        urls: how many these are.
        lock: file descriptor of the work folder's lock. While img2dataset lives, no other run takes the folder.
        more: called with the number of new answers (cli.progress).

    Returns:
        (answered, lost): numbers of URLs. img2dataset says nothing about lost ones.

    Raises:
        UserError: the work folder's disk is full.
    """
    _write_arguments(folder, urls, resize, fetch)
    (folder / "fetched").mkdir(exist_ok=True)
    child = _start_img2dataset(folder, lock)
    try:
        _watch(child, folder / "progress", more)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    answered = write_results(folder)
    if answered < urls:
        if free_bytes(folder) < LEAST_FREE_BYTES:
            raise UserError(f"the disk of --w {folder.parent.parent} is full: make room; the same command goes on")
        say_always(
            f"error: img2dataset (exit code {child.returncode}) left {urls - answered:,} of {urls:,} URLs unanswered;"
        )
        say_always(f"the end of {folder / 'img2dataset.log'}:")
        for line in (folder / "img2dataset.log").read_text(errors="replace").splitlines()[-LOG_LINES:]:
            say_always(f"    {line}")
    return answered, urls - answered


def _write_arguments(folder: Path, urls: int, resize: ResizeSettings, fetch: FetchSettings) -> None:
    limits = Limits(
        fetch.deadline_seconds, fetch.max_bytes, fetch.allow_private_hosts, fetch.manners, str(folder / "progress")
    )
    shard_urls = min(SHARD_URLS, max(1, -(-urls // fetch.processes)))  # every process has work
    download = {
        "url_list": str(folder / "urls.parquet"), "input_format": "parquet", "url_col": "url",
        "output_folder": str(folder / "fetched"), "output_format": "files", "encode_format": "jpg",
        "distributor": fetch.distributor, "processes_count": fetch.processes, "thread_count": fetch.threads,
        "timeout": fetch.timeout, "retries": fetch.retries, "number_sample_per_shard": shard_urls,
        "compute_hash": "sha256", "extract_exif": False, "disallowed_header_directives": [],  # the guard reads them
        "enable_wandb": fetch.wandb, "wandb_project": fetch.wandb_project, **_img2datasets(resize),
    }  # fmt: skip
    write_json(folder / "arguments.json", {"parent": os.getpid(), "limits": asdict(limits), "download": download})


def _img2datasets(resize: ResizeSettings) -> dict:
    """The settings as img2dataset's arguments."""
    only_shrink = resize.resize_mode == SHRINK
    return asdict(resize) | {
        "resize_mode": "keep_ratio" if only_shrink else resize.resize_mode, "resize_only_if_bigger": only_shrink,
    }  # fmt: skip


def _start_img2dataset(folder: Path, lock: int) -> subprocess.Popen:
    environment = os.environ | {
        "NO_ALBUMENTATIONS_UPDATE": "1",  # it asks the network for its newest version at import
        "OPENCV_IO_MAX_IMAGE_PIXELS": str(MAX_IMAGE_PIXELS),
        "WANDB_DIR": os.environ.get("WANDB_DIR", str(folder.parent.parent)),
    }  # fmt: skip
    with open(folder / "img2dataset.log", "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "retrieval.download.guarded_fetch", str(folder / "arguments.json")],
            cwd=Path(__file__).parent.parent.parent, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # Ctrl-C is ours to handle
            pass_fds=[lock],
        )  # fmt: skip


def _watch(child: subprocess.Popen, answers: Path, more) -> None:
    """Wait for the child, and report the answers as the file grows: one byte per URL."""
    told = 0
    while child.returncode is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.2)
        with contextlib.suppress(FileNotFoundError):
            answered = answers.stat().st_size
            more(answered - told)
            told = answered
