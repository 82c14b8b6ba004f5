"""An output folder belongs to one run: others are refused, two at once are refused, --overwrite replaces."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval import records
from retrieval.cli import UserError
from retrieval.run_folder import Run, begun_run, check_folder

ROOT = Path(__file__).parent.parent
RUN = Run("substring", {"match": "word", "query": "hen|cat", "queries": {"hen": "hen", "cat": "cat"}}, ("a", "b"), 0, 1)


def finish(folder, run=RUN, count=3, overwrite=False):
    """A whole run of one job."""
    with begun_run(folder, run, overwrite):
        lines = [records.encode_record({"SAMPLE_ID": number, "QUERY": "hen"}) for number in range(count)]
        chunks = records.write_chunks(lines, folder, run.job_idx, run.total_jobs)
        inputs = dict.fromkeys(run.inputs, {"bytes": 1})
        coverage = {"asked": 1, "done": 1, "missing": {}}
        records.write_manifest(folder, records.Manifest(
            run.stage, run.settings, inputs, coverage, {"records": count}, chunks, run.job_idx, run.total_jobs
        ))  # fmt: skip


def with_settings(**changes) -> Run:
    return replace(RUN, settings=RUN.settings | changes)


OTHERS = [
    (with_settings(match="fts"), 'a run with match "word" and this one has "fts"'),
    (with_settings(queries={"hen": "hen"}), 'a run with other queries .first: "cat"'),
    (with_settings(queries={"hen": "hen OR chicken", "cat": "cat"}), 'a run with other queries .first: "hen"'),
    (with_settings(quantity=5), "a run with quantity null and this one has 5"),
    (replace(RUN, inputs=("b", "c")), "a run over other inputs .first: a"),
    (replace(RUN, inputs=("./a", "b")), "a run that names its inputs otherwise .first: a; with these names"),
    (replace(RUN, stage="semantic"), "a run of the substring filter"),
    (replace(RUN, total_jobs=4), "a run of 1 jobs and this one has 4"),
]


@pytest.mark.parametrize("other, difference", OTHERS)
@pytest.mark.parametrize("is_begun_only", [False, True])
def test_another_run_is_refused_with_what_the_folder_holds_and_nothing_is_lost(
    tmp_path, other, difference, is_begun_only
):
    finish(tmp_path)
    if is_begun_only:
        (tmp_path / "job_0_of_1.json").unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for attempt in (lambda: check_folder(tmp_path, other, False), lambda: finish(tmp_path, other)):
        with pytest.raises(UserError, match=f"holds {difference}.*: give another output folder, or add --overwrite"):
            attempt()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("other, _", OTHERS)
def test_overwrite_replaces_another_run_and_its_finished_units(tmp_path, other, _):
    finish(tmp_path)
    (tmp_path / ".hits").mkdir()
    (tmp_path / "notes.txt").write_text("the user's own")
    finish(tmp_path, other, count=1, overwrite=True)
    (manifest,) = records.read_manifests(tmp_path)
    assert (manifest["settings"], manifest["counts"]["records"]) == (other.settings, 1)
    assert not (tmp_path / ".hits").exists() and (tmp_path / "notes.txt").exists()
    finish(tmp_path, other)


def test_a_run_that_was_refused_before_it_had_a_result_stands_in_nobodys_way(tmp_path):
    with pytest.raises(UserError, match="no model"), begun_run(tmp_path, RUN, False):
        raise UserError("no model")
    finish(tmp_path, with_settings(match="fts"))


def test_more_classes_more_inputs_and_another_name_of_the_same_classes_go_on_with_the_run(tmp_path):
    finish(tmp_path)
    finish(tmp_path, replace(RUN, inputs=("a", "b", "c")))
    more = RUN.settings["queries"] | {"dog": "dog"}
    finish(tmp_path, replace(with_settings(query="animals.txt", queries=more), inputs=("a", "b", "c")))
    with pytest.raises(UserError, match="a run with other queries .first: .dog"):
        finish(tmp_path)


def test_the_jobs_of_an_array_share_a_folder(tmp_path):
    with begun_run(tmp_path, replace(RUN, total_jobs=2), False):
        finish(tmp_path, replace(RUN, job_idx=1, total_jobs=2))
    with pytest.raises(UserError, match="job 0 of 2 has not finished"):
        records.chunk_files(tmp_path)


def test_a_second_run_with_fewer_records_leaves_no_chunk_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "CHUNK_RECORDS", 10)
    finish(tmp_path, count=35)
    finish(tmp_path, count=5)
    assert [path.name for path in tmp_path.glob("chunk_*.json")] == ["chunk_0.json"]


def test_chunks_of_another_tool_are_not_removed_without_a_word(tmp_path):
    (tmp_path / "chunk_0.json").write_text("[]")
    with pytest.raises(UserError, match="holds chunks of another tool"):
        finish(tmp_path)
    finish(tmp_path, overwrite=True)


HOLDS = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + '/tests']
from test_run_folder import RUN, begun_run
with begun_run(Path(sys.argv[1]), RUN, False):
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("run, overwrite", [(RUN, False), (RUN, True), (with_settings(match="fts"), True)])
def test_a_folder_in_which_a_process_is_running_is_refused(tmp_path, monkeypatch, run, overwrite):
    words = [sys.executable, "-c", HOLDS, str(tmp_path), str(ROOT)]
    holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert holder.stdout.readline() == b"begun\n"
        with pytest.raises(UserError, match="another run is writing to"):
            finish(tmp_path, run, overwrite=overwrite)
    finally:
        holder.kill()
        holder.communicate()
    finish(tmp_path, run, overwrite=overwrite)


def test_what_a_killed_run_left_of_its_own_files_goes_when_it_is_run_again(tmp_path):
    finish(tmp_path)
    for name in (".run.json", "job_0_of_1.json", "chunk_0.json", "report.html"):
        (tmp_path / f".{name}.0123abcd.part").write_text("{")
    finish(tmp_path)
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob(".*.part"))
