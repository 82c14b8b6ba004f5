"""Compiled literals in the cache folder give the same hits; damage or another's file costs only the time to compile."""

import os

import numpy as np
import pytest

from retrieval.substring import kept_literals
from retrieval.substring.literal_scan import hyperscan_scanner, re_scanner

hyperscan = pytest.importorskip("hyperscan")
LITERALS = [f" name {number} ".encode() for number in range(kept_literals.FEWEST_LITERALS)]
TEXT = b" a name 7 name 12 and Name 499 name 500 "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "image-retrieval"


@pytest.fixture
def compiled(monkeypatch):
    """The sizes of the databases that were compiled, not read."""
    sizes, plain = [], kept_literals.kept_database

    def counted(literals, are_plain, compile_literals):
        return plain(literals, are_plain, lambda: sizes.append(len(literals)) or compile_literals())

    monkeypatch.setattr(kept_literals, "kept_database", counted)
    return sizes


def hits(literals=LITERALS):
    return [np.sort(part).tolist() for part in hyperscan_scanner(literals)(TEXT)]


EXPECTED = [np.sort(part).tolist() for part in re_scanner(LITERALS)(TEXT)]


def test_the_second_time_literals_are_read_and_give_the_same_hits(folder, compiled):
    assert hits() == hits() == EXPECTED and len(compiled) == 1
    hits(LITERALS[1:] + [b" other "])
    assert len(compiled) == 2 and len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-9], lambda data: data[:400] + b"!" * 99])
def test_a_damaged_file_is_replaced(folder, compiled, damage):
    hits()
    (kept,) = folder.iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert hits() == hits() == EXPECTED and len(compiled) == 2


def test_without_a_folder_that_can_be_written_literals_are_compiled(tmp_path, monkeypatch, compiled):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert hits() == EXPECTED and len(compiled) == 1


def test_only_the_last_files_are_kept(folder, monkeypatch):
    monkeypatch.setattr(kept_literals, "KEPT_FILES", 2)
    for number in range(4):
        hits([f" only {number} ".encode(), *LITERALS])
        for path in folder.iterdir():
            os.utime(path, (path.stat().st_mtime - 60,) * 2)
    assert len(list(folder.iterdir())) == 2


def test_few_literals_are_not_kept(folder):
    hits(LITERALS[:100])
    assert not folder.exists()
