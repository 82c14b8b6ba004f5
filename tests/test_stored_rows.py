"""Features that lie in a file as they are: threads read them piece by piece, and the checksum still counts."""

import random
import zipfile
import zlib

import numpy as np
import pytest

from retrieval.cli import UserError
from retrieval.semantic.array_files import STRETCH_ROWS, open_members, open_npy
from retrieval.semantic.stored_rows import joined_checksum, stored_stretches

ROWS = STRETCH_ROWS + 700


@pytest.fixture()
def archive(tmp_path):
    rows = np.random.default_rng(0).standard_normal((ROWS, 8)).astype(np.float16)
    np.savez(tmp_path / "x.npz", other=rows[:3], rows=rows)
    return tmp_path / "x.npz", rows


def pieces_of(array, begin, end, at_end):
    for stretch in stored_stretches(array, begin, end, at_end):
        yield from (stretch[first : first + 512] for first in range(0, len(stretch), 512))


def member(path):
    return open_members(path, {"rows": ("rows", "--text-features")})["rows"]


def test_checksums_of_parts_give_that_of_the_whole_as_zlib_has_it():
    choose = random.Random(0)
    for length in (0, 1, 2, 31, 4096, 100_001):
        text, cut = choose.randbytes(length), choose.randint(0, length)
        first, second = zlib.crc32(text[:cut]), zlib.crc32(text[cut:])
        assert joined_checksum(first, second, length - cut) == zlib.crc32(text)


def test_pieces_that_are_read_in_any_order_are_the_rows_and_their_checksum_holds(archive):
    path, rows = archive
    at_end, memory = [], np.empty((512, 8), np.float16)
    pieces = list(enumerate(pieces_of(member(path), 0, ROWS, at_end)))
    random.Random(0).shuffle(pieces)
    found = {number: piece.read(memory).copy() for number, piece in pieces}
    assert (np.concatenate([found[number] for number in sorted(found)]) == rows).all()
    for finish in at_end:
        finish()


def test_one_byte_that_differs_is_found_when_all_was_read(archive):
    path, _ = archive
    array = member(path)
    content = bytearray(path.read_bytes())
    content[array.offset + 12_345] ^= 1
    path.write_bytes(content)
    at_end = []
    for piece in pieces_of(array, 0, ROWS, at_end):
        piece.read()
    with pytest.raises(UserError, match=r"x.npz is no whole npz or npy file \(its checksum differs\)"):
        at_end[0]()


def test_a_part_of_a_file_and_a_file_without_a_checksum_are_read_as_they_are(archive, tmp_path):
    path, rows = archive
    np.save(tmp_path / "x.npy", rows)
    for array in (member(path), open_npy(tmp_path / "x.npy")):
        at_end = []
        found = [np.asarray(piece) for piece in pieces_of(array, 100, ROWS - 1, at_end)]
        assert (np.concatenate(found) == rows[100:-1]).all()
        at_end[0]()


def test_a_file_that_was_cut_since_it_was_opened_is_named(archive):
    path, _ = archive
    array, at_end = member(path), []
    with open(path, "r+b") as file:
        file.truncate(array.offset + 1000)
    with pytest.raises(UserError, match="it is cut short"):
        [piece.read() for piece in pieces_of(array, 0, ROWS, at_end)]
    assert not zipfile.is_zipfile(path)
