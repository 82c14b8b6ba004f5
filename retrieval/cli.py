"""Command-line manners that every script shares: flags, what is said, errors, exit codes, the share of an array job.

Standard library only, so that `--help` works where nothing is installed. It imports nothing of ours.
"""

import argparse
import contextlib
import errno
import functools
import os
import re
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

PROGRESS_SECONDS = 60  # between the progress lines of a log: a day of work is then 1,440 lines


class UserError(Exception):
    """A mistake that the user can correct: one sentence with the way out. `command` prints it and exits with 2."""


# ---- messages: to stderr, one line at a time; stdout is for data ----

QUIET, ORDINARY, VERBOSE = range(3)
_talk = SimpleNamespace(level=ORDINARY, bar=None)  # `parse_flags` sets the level; the bar is the one on the terminal


def say(message: str) -> None:
    """Print a message, unless --quiet."""
    if _talk.level >= ORDINARY:
        say_always(message)


def say_always(message: str) -> None:
    """Print a message also with --quiet: an error, lost work by name, the last line of a run."""
    if (bar := _talk.bar) is not None:  # another thread may be about to close it
        bar.write(message, file=sys.stderr)  # above the bar, which is drawn again
    else:
        print(message, file=sys.stderr, flush=True)


def say_more(message: str) -> None:
    """Print a message with --verbose only."""
    if _talk.level == VERBOSE:
        say_always(message)


@contextlib.contextmanager
def progress(total: int | None, unit: str, what: str):
    """Show progress: a bar on a terminal, a whole line per minute in a log file, nothing with --quiet.

    Args:
        total: the number of units, or None where it is unknown: then no time left is shown.
        unit: what is counted, as a plural ("URLs").
        what: one word for the work ("fetching").

    Yields:
        a function to call with the number of units that were finished since the last call.
    """
    if sys.stderr.isatty() and _talk.level > QUIET:
        from tqdm import tqdm  # 30 ms, so only where it is seen

        with tqdm(
            total=total, unit=f" {unit}", unit_scale=not total or total >= 1e6, desc=what, dynamic_ncols=True
        ) as _talk.bar:
            try:
                yield _talk.bar.update
            finally:
                _talk.bar = None
        return

    begun = last = time.monotonic()
    done = 0

    def update(more: int = 1) -> None:
        nonlocal done, last
        done, now = done + more, time.monotonic()
        if now - last >= PROGRESS_SECONDS and done:
            last, rate = now, done / (now - begun)
            of, left = "", ""
            if total:
                of = f" of {total:,}"
                left = f" ({done / total:.0%}), {timedelta(seconds=round(max(0, total - done) / rate))} left"
            say(f"{what}: {done:,}{of} {unit}, {rate:,.{0 if rate >= 100 else 1}f} a second{left}")

    yield update


# ---- the command line ----


class _HelpPage(argparse.RawDescriptionHelpFormatter):
    """Keeps the description's line breaks. The usage has only what must be given: all flags are 30 lines of it.
    A flag of several names shows its value once, as argparse does from Python 3.13 on."""

    def add_usage(self, usage, actions, groups, prefix=None) -> None:
        given = [action for action in actions if action.required or not action.option_strings]
        words = [
            " ".join((*action.option_strings[-1:], self._format_args(action, action.dest.upper()))) for action in given
        ]
        super().add_usage(" ".join((self._prog, *words, "[flags]")).replace("%", "%%"), (), (), prefix)

    def _format_action_invocation(self, action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {self._format_args(action, action.dest.upper())}"


def parser_for(doc: str, script: str) -> argparse.ArgumentParser:
    """An argument parser whose description is the script's docstring, with its line breaks kept."""
    parser = argparse.ArgumentParser(
        prog=Path(script).name,
        description=doc,
        formatter_class=_HelpPage,
        allow_abbrev=False,  # --r and --w are flags of their own, not the start of --retries
    )
    parser.error = lambda message: _refuse_flags(parser, message)
    return parser


def _refuse_flags(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """One sentence for a mistake in the flags. (argparse prints 27 lines of usage before it.)"""
    message = message.removeprefix("argument ")
    unknown = re.fullmatch(r"unrecognized arguments: (.*)", message)
    if unknown:
        flag = unknown[1].split()[0].partition("=")[0]
        known = [name for action in parser._actions for name in action.option_strings]
        import difflib  # a mistyped flag is rare, and each start would take a millisecond longer

        near = difflib.get_close_matches(flag, known, 1, cutoff=0.7)  # at 0.6 --overwrite is taken for --verbose
        message = f"{flag} is no flag of {parser.prog}" + (f": did you mean {near[0]}?" if near else "")
    raise UserError(f"{message} (--help lists the flags)")


def at_least(least: int):
    """A `type` for argparse: a whole number from `least` on."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {value}")
        return value

    return number


def parse_flags(parser: argparse.ArgumentParser, argv: list[str] | None = None) -> argparse.Namespace:
    """Parse `argv` and set how much is said.

    `--output_dir` is read as `--output-dir`. `~/` at the start of a value is the home folder, also in quotes and behind
    `=`, where the shell leaves it.
    """
    argv = sys.argv[1:] if argv is None else argv
    flags = parser.parse_args([_with_home(_dashed(word)) for word in argv])
    _talk.level = getattr(flags, "talk", ORDINARY)
    return flags


def _dashed(word: str) -> str:
    flag, equals, value = word.partition("=")
    return flag.replace("_", "-") + equals + value if re.match(r"--[a-zA-Z]", flag) else word


def _with_home(word: str) -> str:
    flag, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return flag + equals + os.path.expanduser(value) if value == "~" or re.match(r"~[^/]*/", value) else word


def add_array_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--job-idx` and `--total-jobs`. Their defaults come from SLURM (`array_place` reads them)."""
    group = parser.add_argument_group("array jobs")
    group.add_argument("--job-idx", type=int, help="number of this job, from 0 (default: the SLURM array task, else 0)")
    group.add_argument(
        "--total-jobs",
        type=int,
        help="number of jobs that share the work (default: the size of the SLURM array, else 1)",
    )


def add_talk_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--quiet` and `--verbose`, which `say`, `say_more` and `progress` obey."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--quiet", dest="talk", action="store_const", const=QUIET, default=ORDINARY,
                       help="print only errors and the last line")  # fmt: skip
    group.add_argument("--verbose", dest="talk", action="store_const", const=VERBOSE, help="print more")


def array_place(job_idx: int | None, total_jobs: int | None) -> tuple[int, int]:
    """(job_idx, total_jobs) from the flags, else from SLURM's variables, else (0, 1).

    Raises:
        UserError: one flag without the other, a number outside the array, or a SLURM array with gaps.
    """
    if (job_idx is None) != (total_jobs is None):
        raise UserError("--job-idx and --total-jobs go together: give both or neither")
    if job_idx is None and os.environ.get("SLURM_ARRAY_TASK_ID"):
        task, first, last, count = (_slurm_number(f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "MIN", "MAX", "COUNT"))
        if last - first + 1 != count:
            raise UserError(
                f"the SLURM array runs from {first} to {last} but has only {count} tasks: "
                "shares would be skipped; submit it without gaps, or give --job-idx and --total-jobs"
            )
        return task - first, count
    if job_idx is None:
        return 0, 1
    if not 0 <= job_idx < total_jobs:
        raise UserError(f"--job-idx {job_idx} is not in 0 … {total_jobs - 1} (--total-jobs {total_jobs})")
    return job_idx, total_jobs


def is_array_job(args) -> bool:
    """Whether this is a job of an array, also of an array of one: the flags are given, or SLURM runs it."""
    return args.job_idx is not None or bool(os.environ.get("SLURM_ARRAY_TASK_ID"))


def _slurm_number(variable: str) -> int:
    text = os.environ.get(variable, "")
    if not text.isdigit():
        raise UserError(
            f"SLURM_ARRAY_TASK_ID is set and {variable} is {text!r}, no number (a container may pass on only some of "
            "SLURM's variables): give --job-idx and --total-jobs, or unset SLURM_ARRAY_TASK_ID"
        )
    return int(text)


def array_share(units: list, job_idx: int, total_jobs: int) -> list:
    """The units of this job: every `total_jobs`-th of the sorted list, so shares differ by 1 unit at most."""
    return sorted(units)[job_idx::total_jobs]


def command(main):
    """Decorate `main(argv) -> int`. A UserError becomes one line and exit code 2; a file's OSError: 1; Ctrl-C: 130."""

    @functools.wraps(main)
    def wrapped(argv: list[str] | None = None) -> int:
        if sys.stderr is None:  # closed by `2>&-`: without this, the next file that is opened would become stderr
            sys.stderr = open(os.devnull, "w")
        try:
            return main(argv)
        except UserError as error:
            say_always(f"error: {error}")
            return 2
        except KeyboardInterrupt:
            say_always("interrupted: what is complete is kept; the same command does the rest")
            return 130
        except BrokenPipeError:  # `script | head`: the reader left, which is not an error
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except Exception as error:  # a full disk may be DuckDB's own error
            file = getattr(error, "filename", None)
            if is_full_disk(error):
                where = f" ({file})" if file else ""
                say_always(f"error: no space left on the disk{where}: make room; the same command does the rest")
            elif isinstance(error, OSError) and (file or error.errno in DISK_FAULTS):
                where = file or "a file could not be written or read"
                say_always(f"error: {where}: {error.strerror}; once that is mended, the same command does the rest")
            else:
                raise
            return 1

    return wrapped


# A file system's largest file (4 GB on FAT32) or a user's limit, a failing disk, a disk that became read-only.
DISK_FAULTS = (errno.EFBIG, errno.EIO, errno.EROFS)  # of a file that is open, so the error does not name it
_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")  # all that numpy's tofile says of a full disk


def is_full_disk(error: Exception) -> bool:
    """Whether the disk, or the user's quota, was full."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return os.strerror(errno.ENOSPC) in str(error) or bool(_SHORT_WRITE.fullmatch(str(error)))


# What nobody foresaw in one shard must not cost a night's work on the others. All errors of pyarrow are among these.
UNFORESEEN = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


def unforeseen(error: Exception, what: str = "read") -> str:
    """Such an error, in one sentence. `what`: what cannot be done to the shard."""
    said = " ".join(str(error).split())[:200]
    return f"it cannot be {what}, for a reason that this program does not know ({type(error).__name__}: {said})"
