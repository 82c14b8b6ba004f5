"""Embedding files as one matrix: numeric order of files, rows by number and by block; bad files are named."""

import json

import numpy as np
import pytest

from retrieval.cli import UserError
from retrieval.embeddings import (
    check_rows,
    embedding_paths,
    matching_paths,
    npy_header,
    numeric_order,
    open_embeddings,
    open_matching,
)

FILES, ROWS, WIDTH = 12, 60, 8


def matrix(width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, width)).astype(np.float16)


@pytest.fixture
def folder(tmp_path):
    """Twelve files without padded numbers, of each kind: as text, 10 comes before 2."""
    for number, rows in enumerate(np.array_split(matrix(), FILES)):
        np.save(tmp_path / f"text_embed_{number}.npy", rows)
        np.save(tmp_path / f"img_emb_{number}.npy", -rows)
    return tmp_path


def test_the_order_of_rows_is_the_numeric_order_of_files_for_every_reader(folder):
    found = embedding_paths(folder, ["text_index", "image_index"], "--exact")
    assert [path.name for path in found["text_index"]] == [f"text_embed_{number}.npy" for number in range(FILES)]
    assert matching_paths(folder, "text_embed_*.npy", "--embeddings") == found["text_index"]
    everything = np.arange(ROWS)
    assert (open_embeddings(found["text_index"]).take(everything) == matrix()).all()
    assert (open_embeddings(found["image_index"]).take(everything) == -matrix()).all()


@pytest.mark.parametrize(
    "stems",
    [
        [f"part-0000{number}-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy" for number in range(3)],
        ["0b42e5ad6a9d6f0a8ea1b2c3d4e5f601", "7fa3e5ad6a9d6f0a8ea1b2c3d4e5fab1", "c0a3e5ad6a9d6f0a8ea1b2c3d4e5fab0"],
        [f"train-0000{number}-of-00003" for number in range(3)],
        ["a.b", "a"],
    ],
)
@pytest.mark.parametrize("prefix", ["", "text_embed_"])
def test_embeddings_that_keep_their_shards_names_are_in_the_shards_order(stems, prefix, tmp_path):
    for stem in stems:
        np.save(tmp_path / f"{prefix}{stem}.npy", matrix())
        (tmp_path / f"{stem}.parquet").touch()
    if prefix or "a" not in stems:  # names without a number or a prefix are of several kinds
        shards = sorted(tmp_path.glob("*.parquet"), key=numeric_order)
        found = matching_paths(tmp_path, "*.npy", "--embeddings")
        assert [path.stem for path in found] == [prefix + shard.stem for shard in shards]


def test_the_shard_that_a_sidecar_names_decides_the_order_before_the_files_own_name(tmp_path):
    for number, shard in (("601", "c0a3.parquet"), ("1", "7fa3.parquet"), ("0", "0b42.parquet")):
        np.save(tmp_path / f"text_embed_{number}.npy", matrix())
        (tmp_path / f"text_embed_{number}.json").write_text(json.dumps({"shard": shard}))
    names = ["text_embed_0.npy", "text_embed_1.npy", "text_embed_601.npy"]
    assert [path.name for path in matching_paths(tmp_path, "*.npy", "--embeddings")] == names
    (tmp_path / "text_embed_0.json").write_text(json.dumps({"shard": "d.parquet"}))
    names = ["text_embed_1.npy", "text_embed_601.npy", "text_embed_0.npy"]
    assert [path.name for path in matching_paths(tmp_path, "*.npy", "--embeddings")] == names
    (tmp_path / "text_embed_1.json").unlink()  # not all have one
    names = ["text_embed_0.npy", "text_embed_1.npy", "text_embed_601.npy"]
    assert [path.name for path in matching_paths(tmp_path, "*.npy", "--embeddings")] == names


def test_numbers_of_folders_count_too(tmp_path):
    for number in (10, 9):
        (tmp_path / f"part{number}").mkdir()
        np.save(tmp_path / f"part{number}" / "img_emb_0.npy", matrix())
    found = embedding_paths(tmp_path, ["image_index"], "--exact")["image_index"]
    assert [path.parent.name for path in found] == ["part9", "part10"]


def test_rows_are_taken_in_any_order_and_read_in_blocks(folder):
    embeddings = open_matching(folder, "text_*.npy", "--embeddings")
    assert (embeddings.ntotal, embeddings.d, len(embeddings.files)) == (ROWS, WIDTH, FILES)
    rows = np.random.default_rng(1).permutation(ROWS)
    taken = embeddings.take(rows)
    assert taken.dtype == np.float32 and (taken == matrix()[rows]).all()
    for start, stop in ((0, None), (7, 33), (59, 60), (5, 5)):
        blocks = embeddings.blocks(start, stop, block_rows=3)
        covered = [(first + offset, vector) for first, block in blocks for offset, vector in enumerate(block)]
        assert [row for row, _ in covered] == list(range(start, ROWS if stop is None else stop))
        assert all((vector == matrix()[row]).all() for row, vector in covered)


def test_bad_embeddings_are_named(tmp_path):
    def refused(sentence):
        with pytest.raises(UserError, match=sentence):
            open_matching(tmp_path, "*.npy", "--embeddings")

    refused("holds no")
    np.save(tmp_path / "text_embed_0000.npy", matrix())
    np.save(tmp_path / "img_emb_0000.npy", matrix())
    refused(r"holds img_emb_\*\.npy and text_embed_\*\.npy: say which with --pattern")
    assert open_matching(tmp_path, "text_embed_*.npy", "--embeddings").ntotal == ROWS
    (tmp_path / "img_emb_0000.npy").unlink()
    np.save(tmp_path / "text_embed_0001.npy", matrix(width=16))
    refused("text_embed_0001.npy has width 16, text_embed_0000.npy has 8")
    np.save(tmp_path / "text_embed_0001.npy", np.zeros(10))
    refused("holds float64 of shape")
    np.save(tmp_path / "text_embed_0001.npy", matrix())
    whole = (tmp_path / "text_embed_0001.npy").read_bytes()
    (tmp_path / "text_embed_0001.npy").write_bytes(whole[:-1])
    refused("text_embed_0001.npy is no whole npy file")


def test_the_pattern_that_a_refusal_advises_takes_one_kind_of_files(tmp_path):
    for name in ("train-00000-of-00001", "validation-00000-of-00001", "trains-00000-of-00001"):
        np.save(tmp_path / f"{name}.npy", matrix())
    with pytest.raises(UserError, match=r"--pattern 'train-\*\.npy'"):
        matching_paths(tmp_path, "*.npy", "--embeddings")
    assert [path.name for path in matching_paths(tmp_path, "train-*.npy", "")] == ["train-00000-of-00001.npy"]


def test_hidden_files_are_not_embeddings_and_an_archive_is_named_with_its_arrays(tmp_path):
    np.save(tmp_path / "text_embed_0000.npy", matrix())
    (tmp_path / "._text_embed_0000.npy").write_bytes(b"Mac OS X")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    np.save(tmp_path / ".ipynb_checkpoints" / "text_embed_0000-checkpoint.npy", matrix())
    assert len(embedding_paths(tmp_path, ["text_index"], "--exact")["text_index"]) == 1
    assert open_matching(tmp_path, "*.npy", "--embeddings").ntotal == ROWS
    np.savez(tmp_path / "a.npz", l14_img=matrix(), l14_txt=matrix())
    with pytest.raises(UserError, match=r"a.npz is an archive of l14_img and l14_txt, not one array"):
        open_matching(tmp_path, "*.npz", "--embeddings")
    (tmp_path / "text_embed_0000.npy").unlink()
    with pytest.raises(UserError, match=r"holds no \*.npy, only \*.npz: write its rows as .npy files"):
        open_matching(tmp_path, "*.npy", "--embeddings")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda row: row * 12, "has length 12.000"),
        (lambda row: row * 0.97, "has length 0.970"),
        (lambda row: row * 0, "is all zeros"),
        (lambda row: np.where(np.arange(WIDTH) == 3, np.nan, row), "holds NaN"),
        (lambda row: np.where(np.arange(WIDTH) == 3, np.inf, row), "holds infinite values"),
    ],
)
def test_a_row_that_is_not_unit_is_refused_by_file_and_row_wherever_it_is(change, what, tmp_path):
    rows = matrix().astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    check_rows(rows.astype(np.float16), "x.npy", 0)  # float16's rounding is no fault
    np.save(tmp_path / "text_embed_0.npy", rows)
    rows[57] = change(rows[57])
    np.save(tmp_path / "text_embed_1.npy", rows)
    with pytest.raises(UserError, match=f"x.npy: row 1,057 {what}, so rows are not unit: "):
        check_rows(rows, "x.npy", 1_000)
    embeddings = open_matching(tmp_path, "*.npy", "--embeddings")
    embeddings.take_unit(np.array([ROWS + 3, 57]))
    with pytest.raises(UserError, match=f"text_embed_1.npy: row 57 {what}"):
        embeddings.take_unit(np.array([4, ROWS + 57, ROWS + 2]))


def test_columns_first_arrays_are_read_row_by_row_and_what_is_no_array_of_rows_is_refused(tmp_path):
    file = tmp_path / "text_embed_0.npy"
    np.save(file, np.asfortranarray(matrix()))
    fortran = open_embeddings([file])
    assert (fortran.take(np.arange(ROWS)) == matrix()).all()
    assert (np.concatenate([block for _, block in fortran.blocks(block_rows=7)]) == matrix()).all()
    content = {
        "bytes behind": npy_header(ROWS, WIDTH) + matrix().tobytes() * 2,
        "no whole npy file": npy_header(10**12, WIDTH) + matrix().tobytes(),
        "no whole npy file ": b"\x80\x04K\x01.",  # a pickle
        "no whole npy file  ": b"",
        "no whole npy file   ": npy_header(ROWS, WIDTH).replace(b"shape", b"sh\x00pe") + matrix().tobytes(),
    }
    for sentence, data in content.items():
        file.write_bytes(data)
        with pytest.raises(UserError, match=sentence.strip()):
            open_embeddings([file])
    for array in (matrix().astype(">f4"), matrix()[:, :0], matrix()[None], np.array([{"a": 1}]), matrix().astype("f8")):
        np.save(file, array)
        with pytest.raises(UserError, match="not rows of float16 or float32|no whole npy file"):
            open_embeddings([file])


def test_files_without_a_row_are_refused(tmp_path):
    np.save(tmp_path / "text_embed_0000.npy", matrix()[:0])
    with pytest.raises(UserError, match="holds files without rows"):
        open_matching(tmp_path, "*.npy", "--embeddings")


def test_a_header_has_one_length_whatever_the_number_of_rows(tmp_path):
    header = npy_header(ROWS, WIDTH)
    assert len(header) == len(npy_header(10**12, WIDTH))
    (tmp_path / "x.npy").write_bytes(header + matrix().tobytes())
    assert (np.load(tmp_path / "x.npy") == matrix()).all()
