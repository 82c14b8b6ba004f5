"""build_knn_index.py over real embeddings files: order, plan, recall, refusals, parts."""

import json

import faiss
import numpy as np
import pytest
from build_knn_index import main

from retrieval.embeddings import EmbeddingFiles, open_matching
from retrieval.indexing import index_build
from retrieval.indexing.recall import recall_infos

WIDTH, ROWS, FILES = 32, 3_000, 12


def clustered(rows: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    """float16 unit rows in 40 clusters, so that inverted lists have something to find."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(40, width))
    vectors = centres[random.integers(0, 40, rows)] + 0.5 * random.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve files without padded numbers: as text, 10 comes before 2."""
    folder = tmp_path_factory.mktemp("embeddings")
    for number, rows in enumerate(np.array_split(clustered(ROWS), FILES)):
        np.save(folder / f"img_emb_{number}.npy", rows)
    return folder


def build(*arguments) -> int:
    return main([str(argument) for argument in arguments])


def finds_itself(index, vectors: np.ndarray) -> float:
    return float((index.search(vectors.astype(np.float32), 1)[1][:, 0] == np.arange(len(vectors))).mean())


def test_ids_are_rows_in_the_numeric_order_of_the_files(folder, tmp_path, capsys):
    assert build("--embeddings", folder, "--index_path", tmp_path / "knn.index", "--metric_type=ip") == 0
    index = faiss.read_index(str(tmp_path / "knn.index"))
    assert index.ntotal == ROWS and finds_itself(index, clustered(ROWS)) > 0.99
    infos = json.loads((tmp_path / "index_infos.json").read_text())
    assert infos["recall@10"] == 1.0 and infos["rows"] == ROWS and infos["index_key"] == "Flat"
    said = capsys.readouterr().err
    assert f"embeddings: {ROWS:,} rows of width {WIDTH} in {FILES} files" in said and "fits" in said
    assert "recall@10 1.000 over 256 rows" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index_infos.json", "knn.index"]


def test_the_same_command_again_does_nothing_and_other_embeddings_are_built_again(tmp_path, capsys):
    np.save(tmp_path / "text_embed_0000.npy", clustered(500))
    command = ["--embeddings", tmp_path, "--index-path", tmp_path / "i" / "knn.index"]
    build(*command)
    stamp = (tmp_path / "i" / "knn.index").stat().st_mtime_ns
    build(*command)
    assert "nothing to do" in capsys.readouterr().err
    assert (tmp_path / "i" / "knn.index").stat().st_mtime_ns == stamp
    np.save(tmp_path / "text_embed_0000.npy", clustered(500, seed=1))
    build(*command)
    index = faiss.read_index(str(tmp_path / "i" / "knn.index"))
    assert finds_itself(index, clustered(500, seed=1)) > 0.99


@pytest.mark.parametrize("key", ["IVF32,Flat", "OPQ8_32,IVF32_HNSW32,PQ8x8"])
def test_an_explicit_key_is_built_as_asked(folder, tmp_path, key):
    assert build("--embeddings", folder, "--index-path", tmp_path / "knn.index", "--index-key", key) == 0
    infos = json.loads((tmp_path / "index_infos.json").read_text())
    assert infos["index_key"] == key and infos["recall@10"] > (0.4 if "PQ" in key else 0.95)
    assert faiss.read_index(str(tmp_path / "knn.index")).metric_type == faiss.METRIC_INNER_PRODUCT


@pytest.mark.parametrize("key", ["IVF64,Flat", "HNSW16"])
def test_the_index_looks_at_no_more_than_it_needs_and_is_the_same_each_time(folder, tmp_path, key):
    command = ["--embeddings", folder, "--index-key", key, "--index-path"]
    assert build(*command, tmp_path / "a" / "knn.index") == build(*command, tmp_path / "b" / "knn.index") == 0
    infos, again = (json.loads((tmp_path / name / "index_infos.json").read_text()) for name in "ab")
    assert infos["index_param"] == again["index_param"] and infos["recall@10"] == again["recall@10"]
    index = faiss.read_index(str(tmp_path / "a" / "knn.index"))
    embeddings = open_matching(folder, "*.npy", "--embeddings")
    assert recall_infos(index, embeddings, 256, seed=0)["recall@10"] == pytest.approx(infos["recall@10"], abs=1e-4)
    most = {"IVF64,Flat": "nprobe=64", "HNSW16": "efSearch=4096"}[key]
    assert infos["index_param"] != most
    faiss.ParameterSpace().set_index_parameters(index, most)
    assert infos["recall@10"] >= 0.99 * recall_infos(index, embeddings, 256, seed=0)["recall@10"]


def test_recall_is_what_plain_search_says(folder):
    embeddings = open_matching(folder, "*.npy", "--embeddings")
    vectors = np.concatenate([np.load(path) for path in embeddings.files]).astype(np.float32)
    index = faiss.index_factory(WIDTH, "IVF200,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    index.nprobe = 1
    asked = np.sort(np.random.default_rng(5).choice(ROWS, 200, replace=False))
    exact = np.argsort(-(vectors[asked] @ vectors.T), axis=1, kind="stable")[:, :10]
    found = index.search(vectors[asked], 10)[1]
    expected = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)])
    assert expected < 0.99  # else this would show nothing
    assert recall_infos(index, embeddings, 200, seed=5)["recall@10"] == pytest.approx(expected, abs=0.005)


def test_equal_rows_do_not_count_against_recall(tmp_path):
    vectors = np.repeat(clustered(20), 50, axis=0)
    np.save(tmp_path / "text_embed_0.npy", vectors)
    embeddings = open_matching(tmp_path, "*.npy", "--embeddings")
    index = faiss.IndexIDMap(faiss.IndexFlatIP(WIDTH))
    ids = np.arange(1_000).reshape(20, 50)[:, ::-1].ravel()  # the last of each 50 equal rows is found first
    index.add_with_ids(vectors.astype(np.float32), ids.copy())
    assert recall_infos(index, embeddings, 100, seed=0)["recall@10"] == 1.0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--current-memory-available", "100K"], "to build and 0.1 MiB are to be had"),
        (["--current-memory-available", "much"], "--current-memory-available much is no size: write it as 16G"),
        (["--current-memory-available", "1G", "--max-index-memory-usage", "1G"], "must leave a tenth"),
        (["--index-key", "IVF32,SQ8"], "--index-key IVF32,SQ8 is none of the kinds built here"),
        (["--index-key", "IVF4096,Flat"], "needs at least 4,096 rows to train on, and there are 3,000"),
        (["--index-key", "OPQ7_32,IVF32,PQ7x8"], "should be a multiple of the number of subquantizers"),
        (["--index-key", "Flat", "--parts", "2"], "cannot be built in parts"),
        (["--parts", "2", "--job-idx", "0", "--total-jobs", "4"], "--parts 2: at least 1, and at least"),
        (["--pattern", "text_*.npy"], "holds no text_*.npy"),
    ],
)
def test_what_cannot_be_built_is_a_sentence_and_exit_code_2(folder, tmp_path, capsys, flags, sentence):
    assert build("--embeddings", folder, "--index-path", tmp_path / "knn.index", *flags) == 2
    assert sentence in capsys.readouterr().err and not list(tmp_path.glob("*"))


@pytest.mark.parametrize("parts", [[], ["--parts", 2, "--index-key", "IVF4,Flat"]])
@pytest.mark.parametrize(("fault", "sentence"), [(np.nan, "holds NaN"), (7, "has length 7"), (0, "is all zeros")])
def test_a_row_that_is_not_unit_is_refused_by_name_wherever_it_is(tmp_path, capsys, parts, fault, sentence):
    for number in range(3):
        rows = clustered(1_500, seed=number)
        rows[1_400] *= np.float16(fault if number == 2 else 1)
        np.save(tmp_path / f"text_embed_{number}.npy", rows)
    assert build("--embeddings", tmp_path, "--index-path", tmp_path / "i" / "knn.index", *parts) == 2
    assert f"text_embed_2.npy: row 1,400 {sentence}" in capsys.readouterr().err
    assert not list((tmp_path / "i").iterdir())


def test_a_part_checks_the_rows_that_it_adds(folder, tmp_path, monkeypatch, capsys):
    command = ["--embeddings", tmp_path / "e", "--index-path", tmp_path / "i" / "knn.index", "--index-key", "IVF4,Flat"]
    (tmp_path / "e").mkdir()
    rows = clustered(500)
    rows[499, 0] = np.inf
    np.save(tmp_path / "e" / "text_embed_0.npy", rows)
    monkeypatch.setattr(index_build, "check_unit_rows", lambda embeddings: None)  # a trained index of earlier times
    monkeypatch.setattr(index_build.np, "linspace", lambda *_: np.arange(400))
    assert build(*command, "--parts", 2) == 2
    assert "text_embed_0.npy: row 499 holds infinite values" in capsys.readouterr().err


ODD_FILES = {
    "Fortran order": np.asfortranarray,
    "another type": lambda rows: rows.astype(np.float32),
    "no rows": lambda rows: rows[:0],
    "another header": None,
}


def test_the_index_and_its_infos_are_never_one_file(folder, tmp_path, capsys):
    same = tmp_path / "index_infos.json"
    assert build("--embeddings", folder, "--index-path", same) == 2
    assert "--index-path and --index-infos-path are both" in capsys.readouterr().err and not same.exists()


@pytest.mark.parametrize("odd", ODD_FILES)
@pytest.mark.parametrize("where", [0, 1])
def test_files_of_any_order_type_and_header_are_indexed_row_by_row(odd, where, tmp_path):
    (tmp_path / "e").mkdir()
    rows = [clustered(200), clustered(300, seed=1)]
    for number in range(2):
        path = tmp_path / "e" / f"img_emb_{number}.npy"
        if number == where and ODD_FILES[odd]:
            rows[number] = ODD_FILES[odd](rows[number])
        np.save(path, rows[number])
    if odd == "another header":  # as other writers lay it out
        path = tmp_path / "e" / f"img_emb_{where}.npy"
        path.write_bytes(path.read_bytes().replace(b"'shape': (", b"'shape':(").replace(b"), }", b"),  }", 1))
    assert build("--embeddings", tmp_path / "e", "--index-path", tmp_path / "i[1]?*" / "knn.index") == 0
    index = faiss.read_index(str(tmp_path / "i[1]?*" / "knn.index"))
    assert (index.reconstruct_n(0, index.ntotal) == np.concatenate(rows).astype(np.float32)).all()
    assert sorted(path.name for path in (tmp_path / "i[1]?*").iterdir()) == ["index_infos.json", "knn.index"]


def test_a_scrambled_index_of_an_earlier_version_is_built_again(tmp_path, monkeypatch):
    np.save(tmp_path / "img_emb_0.npy", np.asfortranarray(clustered(300)))
    command = ["--embeddings", tmp_path, "--index-path", tmp_path / "i" / "knn.index"]
    with monkeypatch.context() as earlier:
        earlier.setattr(index_build, "are_alike", lambda embeddings: True)  # it did not look
        earlier.setattr(EmbeddingFiles, "blocks", lambda self: [(0, clustered(300, seed=1).astype(np.float32))])
        build(*command)
    assert build(*command) == 0
    index = faiss.read_index(str(tmp_path / "i" / "knn.index"))
    assert (index.reconstruct_n(0, 300) == clustered(300).astype(np.float32)).all()


def test_the_plan_for_laion_2b_is_printed_without_reading_a_row(tmp_path, capsys):
    # Sparse files: 40 million rows of zeros that take no disk.
    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 768), np.float16)) | {"shape": (20_000_000, 768)}
    for number in range(2):
        with open(tmp_path / f"img_emb_{number:04d}.npy", "wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + 20_000_000 * 768 * 2)
    key = "OPQ256_768,IVF131072_HNSW32,PQ256x8"
    flags = ["--index-key", key, "--current-memory-available", "128G", "--plan-only"]
    assert build("--embeddings", tmp_path, "--index-path", tmp_path / "knn.index", *flags) == 0
    said = capsys.readouterr().err
    assert "embeddings: 40,000,000 rows of width 768 in 2 files" in said
    assert f"index: {key} (as asked), about 10.2 GiB" in said and "training: on 13,107,200 rows" in said
    assert "memory: 57.6 GiB to build, 128.0 GiB of" in said


# ---- parts ----


def test_parts_of_one_trained_index_are_the_same_however_many_jobs_build_them(folder, tmp_path, capsys):
    flags = ["--embeddings", folder, "--index-key", "IVF32,Flat", "--parts", 5, "--index-path"]
    assert build(*flags, tmp_path / "alone" / "knn.index") == 0
    shared = tmp_path / "shared" / "knn.index"
    assert build(*flags, shared, "--job-idx", 0, "--total-jobs", 2) == 2
    assert "run this command once with --train-only" in capsys.readouterr().err
    assert build(*flags, shared, "--train-only") == 0
    for job in (1, 0):
        assert build(*flags, shared, "--job-idx", job, "--total-jobs", 2) == 0
    names = [f"knn.index0{part}" for part in range(5)]
    assert sorted(p.name for p in shared.parent.glob("knn.index0?")) == names
    for name in names:
        assert (shared.parent / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    first = faiss.read_index(str(tmp_path / "alone" / "knn.index01"))
    asked = clustered(ROWS)[600:1200].astype(np.float32)  # part 1's rows; ids are rows of the whole
    assert (first.search(asked, 1)[1][:, 0] == np.arange(600, 1200)).mean() > 0.99


def test_a_lost_part_alone_is_built_again(folder, tmp_path, capsys):
    flags = ["--embeddings", folder, "--index-key", "IVF32,Flat", "--parts", 3]
    command = [*flags, "--index-path", tmp_path / "knn.index"]
    build(*command)
    kept = (tmp_path / "knn.index02").stat().st_mtime_ns
    (tmp_path / "knn.index01").unlink()
    capsys.readouterr()
    build(*command)
    assert "3 of 3 parts are this job's: 2 were there, 1 built" in capsys.readouterr().err
    assert (tmp_path / "knn.index02").stat().st_mtime_ns == kept
