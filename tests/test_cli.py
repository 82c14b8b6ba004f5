"""Array shares, messages and exit codes of the command line."""

import argparse
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from retrieval import cli
from retrieval.cli import UserError

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("total_jobs", [1, 2, 3, 7, 20])
def test_the_shares_of_an_array_hold_every_unit_once(total_jobs):
    units = [f"shard_{number:04d}" for number in range(13)]
    shares = [cli.array_share(units[::-1], idx, total_jobs) for idx in range(total_jobs)]
    assert sorted(sum(shares, [])) == units
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def slurm(monkeypatch, task, first, last, count):
    for name, value in {"ID": task, "MIN": first, "MAX": last, "COUNT": count}.items():
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))


def test_a_slurm_array_that_does_not_start_at_0_is_counted_from_its_first_task(monkeypatch):
    slurm(monkeypatch, task=7, first=5, last=8, count=4)
    assert cli.array_place(None, None) == (2, 4)


def test_a_slurm_array_with_gaps_is_refused(monkeypatch):
    slurm(monkeypatch, task=4, first=0, last=8, count=3)
    with pytest.raises(UserError, match="from 0 to 8 but has only 3 tasks: shares would be skipped"):
        cli.array_place(None, None)


def test_flags_go_before_slurm_and_without_either_there_is_one_job(monkeypatch):
    assert cli.array_place(None, None) == (0, 1)
    slurm(monkeypatch, task=7, first=5, last=8, count=4)
    assert cli.array_place(1, 3) == (1, 3)


@pytest.mark.parametrize(
    "place, sentence", [((0, None), "go together"), ((3, 3), "--job-idx 3 is not in 0 … 2"), ((-1, 3), "--job-idx -1")]
)
def test_a_place_outside_the_array_is_refused(place, sentence):
    with pytest.raises(UserError, match=sentence):
        cli.array_place(*place)


def test_flags_are_taken_with_underscores_and_values_are_left_alone():
    parser = cli.parser_for("doc", "x.py")
    parser.add_argument("--output-dir")
    parser.add_argument("--query")
    flags = cli.parse_flags(parser, ["--output_dir=a_b", "--query", "polka_dot|a--b_c"])
    assert (flags.output_dir, flags.query) == ("a_b", "polka_dot|a--b_c")


TALK = """
import sys
from retrieval.cli import add_talk_flags, command, parse_flags, parser_for
from retrieval.cli import progress, say, say_always, say_more
@command
def main(argv=None):
    parser = parser_for("doc", "x.py")
    add_talk_flags(parser)
    parse_flags(parser, argv)
    with progress(3, "shards", "scanning") as more:
        for number in range(3):
            say(f"shard {number}")
            say_more(f"detail {number}")
            more()
    say_always("3 shards done")
    return 0
sys.exit(main())
"""


@pytest.mark.parametrize(
    "flag, lines",
    [
        ("--quiet", ["3 shards done"]),
        (None, ["shard 0", "shard 1", "shard 2", "3 shards done"]),
        ("--verbose", ["shard 0", "detail 0", "shard 1", "detail 1", "shard 2", "detail 2", "3 shards done"]),
    ],
)
def test_quiet_leaves_the_last_line_and_verbose_says_more_and_a_short_run_has_no_progress_lines(flag, lines):
    words = [sys.executable, "-c", TALK, *([flag] if flag else [])]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (0, "", lines)


def test_quiet_and_verbose_together_are_refused():
    done = subprocess.run(
        [sys.executable, "-c", TALK, "--quiet", "--verbose"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2 and "not allowed with argument --quiet" in done.stderr


@pytest.mark.parametrize("flag", ["--quiet", "--verbose"])
def test_a_terminal_gets_a_bar_that_no_line_runs_into_and_with_quiet_none(flag):
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    child = subprocess.Popen([sys.executable, "-c", TALK, flag], stderr=theirs, cwd=ROOT)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux: the other end is closed
        while more := os.read(ours, 4096):
            shown += more
    os.close(ours)
    assert child.wait() == 0
    lines = [line.rpartition("\r")[2].strip() for line in shown.decode().replace("\r\n", "\n").split("\n")]
    assert ("scanning" in shown.decode(), "shard 1" in lines) == ((flag == "--verbose"),) * 2
    if flag == "--verbose":
        assert any("100%" in line and "3/3" in line and "shards/s" in line for line in lines)


def test_a_log_gets_whole_lines_with_rate_and_time_left(monkeypatch, capsys):
    clock = [100.0]
    monkeypatch.setattr(cli.time, "monotonic", lambda: clock[0])
    with cli.progress(4_000, "URLs", "fetching") as more:
        for seconds, number in ((59, 500), (60, 500), (90, 500), (200, 500)):
            clock[0] = 100.0 + seconds
            more(number)
    assert capsys.readouterr().err.splitlines() == [
        "fetching: 1,000 of 4,000 URLs, 16.7 a second (25%), 0:03:00 left",
        "fetching: 2,000 of 4,000 URLs, 10.0 a second (50%), 0:03:20 left",
    ]
    with cli.progress(None, "pictures", "embedding") as more:
        clock[0] += 60
        more(1_200_000)
    assert capsys.readouterr().err == "embedding: 1,200,000 pictures, 20,000 a second\n"


SCRIPT = """
import sys, time
sys.argv[0] = "x.py"
from retrieval.cli import command, UserError
@command
def main(argv=None):
    if sys.argv[1] == "mistake":
        raise UserError("--dbs matches nothing: give paths of shards")
    if sys.argv[1] == "long":
        print("ready", flush=True)
        time.sleep(120)
    while True:
        print("data" * 1000)
sys.exit(main())
"""


def test_a_mistake_is_one_line_on_stderr_and_exit_code_2():
    done = subprocess.run([sys.executable, "-c", SCRIPT, "mistake"], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --dbs matches nothing: give paths of shards\n"


def test_a_file_that_the_system_refuses_is_one_line_and_exit_code_1(tmp_path, capsys):
    with_folder = cli.command(lambda argv: (tmp_path / "x").open("rb"))
    assert with_folder([]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/x: No such file or directory; once that is mended, the same command does the rest\n"
    )


def test_ctrl_c_is_one_line_that_says_how_to_go_on():
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "long"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    _, talk = child.communicate(timeout=60)
    assert (child.returncode, talk) == (
        130,
        "interrupted: what is complete is kept; the same command does the rest\n",
    )


def test_a_reader_that_leaves_early_is_no_traceback():
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "talk"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.wait(timeout=60) == 141


def test_the_description_of_a_parser_is_the_docstring_as_laid_out():
    parser = cli.parser_for("First.\n\n    python x.py --flag\n", "/a/x.py")
    assert isinstance(parser, argparse.ArgumentParser) and parser.prog == "x.py"
    assert "\n    python x.py --flag\n" in parser.format_help()


def test_without_stderr_a_script_works_and_says_nothing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom retrieval import cli, files\n"
        "@cli.command\n"
        "def main(argv):\n"
        "    cli.say('talk')\n"
        "    with cli.progress(1, 'things', 'doing') as more: more()\n"
        "    open('data', 'w').write('x')\n"
        "    return 7\n"
        "sys.exit(main([]))\n"
    )
    command = f"PYTHONPATH={ROOT} {sys.executable} {script} 2>&-"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout, (tmp_path / "data").read_text()) == (7, b"", "x")


def refusal(*argv: str) -> str:
    parser = cli.parser_for("doc", "x.py")
    parser.add_argument("--max-per-class", type=cli.at_least(1))
    parser.add_argument("--r", required=True)
    cli.add_talk_flags(parser)
    with pytest.raises(UserError) as refused:
        cli.parse_flags(parser, list(argv))
    return str(refused.value)


def test_a_mistake_in_the_flags_is_one_sentence():
    assert refusal("--r", "x", "--max-per-class", "0") == (
        "--max-per-class: must be at least 1, not 0 (--help lists the flags)"
    )
    assert refusal("--r", "x", "--max-per-class", "some").startswith("--max-per-class: 'some' is not a whole number")
    assert refusal("--r", "x", "--max-per-clas", "3").startswith(
        "--max-per-clas is no flag of x.py: did you mean --max-per-class?"
    )
    assert refusal("--r", "x", "--overwrite") == "--overwrite is no flag of x.py (--help lists the flags)"
    assert refusal().startswith("the following arguments are required: --r")


def test_a_tilde_is_the_home_folder_in_quotes_and_behind_an_equals_sign(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    parser = cli.parser_for("doc", "x.py")
    parser.add_argument("--output")
    parser.add_argument("--query")
    flags = cli.parse_flags(parser, ["--output=~/a_b", "--query", "~/classes.txt"])
    assert (flags.output, flags.query) == ("/home/someone/a_b", "/home/someone/classes.txt")
    assert cli.parse_flags(parser, ["--query", "a ~ b|~c"]).query == "a ~ b|~c"


@pytest.mark.parametrize("missing", ["MIN", "MAX", "COUNT"])
def test_slurm_variables_in_part_are_one_sentence_and_an_empty_task_is_no_array(missing, monkeypatch):
    slurm(monkeypatch, task=7, first=5, last=8, count=4)
    monkeypatch.delenv(f"SLURM_ARRAY_TASK_{missing}")
    with pytest.raises(UserError, match=f"SLURM_ARRAY_TASK_{missing} is '', no number .*: give --job-idx"):
        cli.array_place(None, None)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "")
    assert cli.array_place(None, None) == (0, 1)
