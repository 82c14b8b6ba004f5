"""What the two scripts share that fetch LAION's published files: their flags, and the work from flags to exit code.

Standard library only, so that `--help` works where nothing is installed; `fetch_published` imports what fetches.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError, add_array_flags, array_place, array_share, at_least, say
from retrieval.files import writable_folder

RETRIES = 5  # as retrieval/http_answers.py, which needs urllib3


@dataclass(frozen=True)
class Published:
    """Numbered files at mirrors."""

    base_urls: tuple[str, ...]  # as LAION published them
    file_count: int
    workers: int  # files fetched at a time


def add_published_flags(parser: argparse.ArgumentParser, published: Published, output_dir: str) -> None:
    parser.add_argument("--output-dir", "--w", type=Path, default=Path(output_dir), help="(default: %(default)s)")
    parser.add_argument("--base-url", action="append", metavar="URL", help="where the files are; repeat it for mirrors")
    parser.add_argument("--start", type=int, default=0, help="first number (default: %(default)s)")
    parser.add_argument("--end", type=int, default=published.file_count,
                        help="the number after the last (default: %(default)s)")  # fmt: skip
    parser.add_argument("--workers", type=int, default=published.workers, help="files at a time (default: %(default)s)")
    parser.add_argument("--retries", type=at_least(0), default=RETRIES,
                        help="give up a mirror after this many failures in a row (default: %(default)s)")  # fmt: skip
    parser.add_argument("--checksums", type=Path, metavar="FILE", help="a list as sha256sum writes it: check each file")
    parser.add_argument("--dry-run", action="store_true", help="list what is missing, with its size; fetch nothing")
    add_array_flags(parser)


def check_published_flags(args: argparse.Namespace) -> list[int]:
    """The numbers of this job's files.

    Raises:
        UserError: flags that hold no file.
    """
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    if not 0 <= args.start < args.end:
        raise UserError(f"--start {args.start} and --end {args.end} hold no file: the first is 0, --end is left out")
    if args.workers < 1:
        raise UserError(f"--workers {args.workers}: at least 1")
    return array_share(range(args.start, args.end), job_idx, total_jobs)


def fetch_published(args: argparse.Namespace, published: Published, paths: list[str]) -> int:
    """Fetch the files at these paths under each base URL, or with --dry-run list them; the exit code."""
    bases = [base.rstrip("/") + "/" for base in args.base_url or published.base_urls]
    checksums = read_checksums(args.checksums) if args.checksums else {}

    from retrieval.downloads import Download
    from retrieval.fetch_many import fetch_all, list_missing
    from retrieval.http_answers import Patience

    downloads = []
    for path in paths:
        name = path.rpartition("/")[2]
        urls = tuple(base + path for base in bases)
        downloads.append(Download(urls, args.output_dir / name, sha256=checksums.get(name)))
    if args.dry_run:
        return print_missing(list_missing(downloads, args.workers), len(downloads))
    writable_folder(args.output_dir, "--output-dir")
    return report(fetch_all(downloads, args.workers, Patience(args.retries)), len(downloads))


def read_checksums(path: Path) -> dict[str, str]:
    """File name -> sha256, from a list as `sha256sum` writes it.

    Raises:
        UserError: no such list, or a line of another form; names its number.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"--checksums {path} cannot be read: {error.strerror}") from error
    checksums = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            match = re.fullmatch(r"([0-9a-fA-F]{64})\s+\*?(.+)", line.strip())
            if not match:
                raise UserError(f"--checksums {path}, line {number} is not `SHA256  NAME`: {line[:60]!r}")
            checksums[match[2].rsplit("/", 1)[-1]] = match[1].lower()
    return checksums


def print_missing(missing: list, asked: int) -> int:
    """`name <tab> bytes <tab> address` of each missing file on stdout; exit code 1 if one has no size."""
    for download, size in missing:
        print(download.destination.name, size, download.urls[0], sep="\t")
    known = [size for _, size in missing if isinstance(size, int)]
    say(
        f"{asked:,} files asked for: {asked - len(missing):,} here, {len(missing):,} missing, "
        f"{len(known):,} of them have a size, together {sum(known):,} bytes"
    )
    return int(len(known) < len(missing))


def report(summary, asked: int) -> int:
    """The last lines: each failed file by name, then the sum; exit code 1 if one failed."""
    if summary.failed:
        say(f"{len(summary.failed):,} files are missing:")
        for path, reason in summary.failed.items():
            say(f"  {path.name}: {reason}")
    say(
        f"{asked:,} files asked for: {summary.already:,} were here, {len(summary.fetched):,} fetched "
        f"({sum(result.bytes for result in summary.fetched):,} bytes), {len(summary.failed):,} failed"
        + ("; the same command fetches those again" if summary.failed else "")
    )
    return int(bool(summary.failed))
