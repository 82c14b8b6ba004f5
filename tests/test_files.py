"""Complete files, fingerprints, folders that can be written."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import files
from retrieval.cli import UserError


def test_a_file_is_absent_until_it_is_complete_and_the_old_one_stays_when_writing_fails(tmp_path):
    target = tmp_path / "folder" / "x.json"
    with files.complete_file(target) as beside:
        beside.write_text("old")
        assert not target.exists()
    with pytest.raises(ZeroDivisionError), files.complete_file(target) as beside:
        beside.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert [path.name for path in target.parent.iterdir()] == ["x.json"]


def test_a_complete_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").write_text("")
    files.write_json(tmp_path / "ours", {})
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_fingerprint_tells_a_changed_file_from_the_same_file(tmp_path):
    path = tmp_path / "shard"
    path.write_bytes(b"x" * 1_000_000)
    before = files.file_fingerprint(path)
    assert files.file_fingerprint(path) == before
    os.utime(path, ns=(0, before["mtime_ns"] + 1))
    assert files.file_fingerprint(path) != before
    path.write_bytes(b"x" * 999_999 + b"y")
    os.utime(path, ns=(0, before["mtime_ns"]))
    assert files.file_fingerprint(path) != before, "a footer that changed under the same size and time"


def test_a_folder_in_the_place_of_an_output_file_is_refused_before_any_work(tmp_path):
    with pytest.raises(UserError, match=" is a folder: give the name of a file$"):
        files.writable_file(tmp_path, "--ids")
    with pytest.raises(UserError, match="^--ids /proc cannot be written"):
        files.writable_file(files.Path("/proc/x"), "--ids")
    assert files.writable_file(tmp_path / "new" / "ids.txt", "--ids").parent.is_dir()


def test_what_the_disk_does_not_give_is_one_sentence():
    with pytest.raises(UserError, match="^/proc/self/mem cannot be read: Input/output error$"):
        files.file_fingerprint("/proc/self/mem")


@pytest.mark.parametrize("content", ["[1]", "{}", "null", '"folders"'])
def test_a_file_that_is_not_what_our_stages_write_is_named(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(UserError, match="report.json is not what our stages write"):
        files.read_object(tmp_path / "report.json", "folders")


def test_settings_in_another_order_are_the_same_settings():
    assert files.settings_fingerprint({"a": 1, "b": [2]}) == files.settings_fingerprint({"b": [2], "a": 1})
    assert files.settings_fingerprint({"a": 1}) != files.settings_fingerprint({"a": "1"})


def test_an_output_that_cannot_be_written_names_its_flag(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="^--output .*/file/inside cannot be written: Not a directory$"):
        files.writable_folder(tmp_path / "file" / "inside", "--output")


@pytest.mark.parametrize("name", [".", "job.lock"])
def test_a_lock_is_refused_with_the_given_sentence_while_another_holds_it(tmp_path, name):
    held = files.locked(tmp_path / name, "busy")
    refused = pytest.raises(UserError, match="^it is in use$")
    with held, refused, files.locked(tmp_path / name, "it is in use", seconds=0.2):
        pass
    with files.locked(tmp_path / name, "busy"):
        pass


def test_a_name_that_is_no_utf8_is_refused_and_any_other_is_not():
    files.check_names_are_text(["a.csv", "Ökö 🐈\n.csv", "\ufffd.csv"], "--dbs")
    with pytest.raises(UserError, match=r"--dbs 'a\\udcff.csv': its name is not UTF-8"):
        files.check_names_are_text(["a.csv", os.fsdecode(b"a\xff.csv")], "--dbs")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_json_that_is_laid_out_is_the_same_json(value):
    assert json.loads(files._laid_out(value, "\n")) == value


def test_a_class_with_its_counts_is_one_line_of_a_manifest(tmp_path):
    classes = {"hen": {"records": 2, "matches": {"hen": 2}}, "雞": {"records": 0, "matches": {}}}
    files.write_json(tmp_path / "job.json", {"counts": {"rows": 3, "classes": classes}, "units": [{"a": 1}, {"a": 2}]})
    lines = (tmp_path / "job.json").read_text().splitlines()
    assert '   "雞": {"records": 0, "matches": {}}' in lines and ' "units": [' in lines and " ]" in lines
    assert '  {"a": 1},' in lines and lines[0] == "{" and lines[-1] == "}"
