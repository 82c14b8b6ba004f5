"""merge_knn_indices.py: the merged index answers as one built whole does; parts that do not belong are refused."""

import json
import os
import subprocess
import sys

import faiss
import numpy as np
import pytest
from merge_knn_indices import main

WIDTH, ROWS = 32, 2_400


def vectors(seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(ROWS, WIDTH)).astype(np.float16).astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


def trained(key="IVF16,Flat", seed=0):
    index = faiss.index_factory(WIDTH, key, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors(seed))
    faiss.extract_index_ivf(index).nprobe = 4
    return index


def write_parts(folder, index, count=12, own_ids=False, digits=2):
    """`count` parts of unequal size; as published (ids of the whole) or each counting from 0."""
    folder.mkdir(exist_ok=True)
    bounds = np.sort(np.r_[0, np.random.default_rng(1).choice(ROWS, count - 1, replace=False), ROWS])
    for number in range(count):
        start, stop = bounds[number], bounds[number + 1]
        part = faiss.clone_index(index)
        first = 0 if own_ids else start
        part.add_with_ids(vectors()[start:stop], np.arange(first, first + stop - start))
        faiss.write_index(part, str(folder / f"knn.index{number:0{digits}d}"))


def merge(folder, out, *flags) -> int:
    return main([str(flag) for flag in ["--parts", folder, "--output-dir", out, *flags]])


@pytest.mark.oracle
@pytest.mark.parametrize("own_ids", [False, True])
@pytest.mark.parametrize("key", ["IVF16,Flat", "OPQ8_32,IVF16,PQ8x4", "IVF16_HNSW8,SQ8"])
def test_the_merged_index_answers_as_the_whole_one(tmp_path, key, own_ids):
    index = trained(key)
    write_parts(tmp_path / "parts", index, own_ids=own_ids, digits=1)  # 10 sorts before 2 as text
    assert merge(tmp_path / "parts", tmp_path / "image.index") == 0
    names = sorted(path.name for path in (tmp_path / "image.index").iterdir())
    assert names == ["index_infos.json", "merged_index.ivfdata", "populated.index"]

    from clip_retrieval.clip_back import load_index

    merged = load_index(str(tmp_path / "image.index"), True)
    index.add(vectors())
    queries = vectors(seed=3)[:200]
    expected_scores, expected_ids = index.search(queries, 20)
    scores, ids = merged.search(queries, 20)
    assert (scores == expected_scores).all()
    # Equal scores may come in either order, and at the end only one of two may come.
    for row, expected_row, score in zip(ids, expected_ids, scores, strict=True):
        sure = score > score[-1]
        assert set(row[sure]) == set(expected_row[sure])
    assert merged.ntotal == ROWS and faiss.extract_index_ivf(merged).nprobe == 4


def test_everybody_may_read_what_is_merged_and_a_broken_record_of_a_part_counts_for_nothing(tmp_path):
    write_parts(tmp_path / "parts", trained(), count=2)
    (tmp_path / "parts" / "knn.index00.json").write_text("{")
    (tmp_path / "parts" / "._knn.index00").write_bytes(b"Mac OS X")
    before = os.umask(0o022)
    try:
        assert merge(tmp_path / "parts", tmp_path / "image.index") == 0
    finally:
        os.umask(before)
    for path in (tmp_path / "image.index").iterdir():
        assert path.stat().st_mode & 0o777 & ~0o111 == 0o644, path


def test_nprobe_and_recall_are_written(tmp_path, capsys):
    write_parts(tmp_path / "parts", trained())
    (tmp_path / "emb").mkdir()
    for number, rows in enumerate(np.array_split(vectors(), 3)):
        np.save(tmp_path / "emb" / f"img_emb_{number}.npy", rows.astype(np.float16))
    flags = ["--embeddings", tmp_path / "emb"]
    assert merge(tmp_path / "parts", tmp_path / "a", *flags, "--nprobe", 16) == 0
    infos = json.loads((tmp_path / "a" / "index_infos.json").read_text())
    assert infos["recall@10"] == 1.0 and infos["rows"] == ROWS and len(infos["parts"]) == 12
    assert merge(tmp_path / "parts", tmp_path / "b", *flags, "--nprobe", 1) == 0
    assert json.loads((tmp_path / "b" / "index_infos.json").read_text())["recall@10"] < 0.9
    capsys.readouterr()
    assert merge(tmp_path / "parts", tmp_path / "b", *flags, "--nprobe", 1) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert merge(tmp_path / "parts", tmp_path / "c", "--nprobe", 17) == 2
    assert "--nprobe 17 is not in 1 … 16" in capsys.readouterr().err


def test_parts_built_by_the_helper_merge_into_the_index_that_all_rows_make(tmp_path, capsys):
    from build_knn_index import main as build

    (tmp_path / "emb").mkdir()
    for number, rows in enumerate(np.array_split(vectors(), 5)):
        np.save(tmp_path / "emb" / f"text_embed_{number}.npy", rows.astype(np.float16))
    flags = ["--embeddings", tmp_path / "emb", "--index-key", "IVF16,Flat", "--parts", 3]
    flags += ["--index-path", tmp_path / "parts" / "knn.index"]
    assert build([str(flag) for flag in flags]) == 0
    assert merge(tmp_path / "parts", tmp_path / "text.index", "--embeddings", tmp_path / "emb") == 0
    assert json.loads((tmp_path / "text.index" / "index_infos.json").read_text())["recall@10"] == 1.0
    # its records say how many there are: the last one missing is seen
    (tmp_path / "parts" / "knn.index02").unlink()
    assert merge(tmp_path / "parts", tmp_path / "other") == 2
    assert "lacks 1 of 3 parts: knn.index02" in capsys.readouterr().err


def test_what_does_not_belong_is_refused_by_name(tmp_path, capsys):
    parts, out = tmp_path / "parts", tmp_path / "out"

    def refused(sentence, *flags):
        assert merge(parts, out, *flags) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("error: ") and sentence in said, said
        assert not (out / "populated.index").exists()

    refused("is not a folder")
    parts.mkdir()
    refused("holds no knn.index00, knn.index01 …")
    write_parts(parts, trained(), count=4)
    refused("lacks 51 of 55 parts: knn.index04, knn.index05", "--count", 55)
    refused("holds knn.index03 beside the 3 parts", "--count", 3)
    kept = (parts / "knn.index01").read_bytes()

    (parts / "knn.index01").unlink()
    refused("lacks 1 of 4 parts: knn.index01")
    (parts / "knn.index01").write_bytes(kept[: len(kept) // 2])
    refused("knn.index01 is no whole faiss index")
    (parts / "knn.index01").write_bytes(kept[:-1])
    refused("knn.index01 is no whole faiss index")
    faiss.write_index(faiss.IndexFlatIP(WIDTH), str(parts / "knn.index01"))
    refused("knn.index01 has no inverted lists (IndexFlatIP)")
    write_other = trained("IVF8,Flat")
    write_other.add(vectors()[:10])
    faiss.write_index(write_other, str(parts / "knn.index01"))
    refused("8 lists of codes")
    write_other = trained(seed=5)
    write_other.add(vectors()[:10])
    faiss.write_index(write_other, str(parts / "knn.index01"))
    refused("knn.index01 was trained otherwise than knn.index00")
    (parts / "knn.index01").write_bytes((parts / "knn.index02").read_bytes())  # a part twice
    refused("knn.index01 has")
    (parts / "knn.index01").write_bytes(kept)
    (parts / "knn.index1").write_bytes(kept)
    refused("holds part 1 twice")


def test_memory_stays_far_below_the_lists(tmp_path):
    width, rows = 64, 120_000  # four parts of 31 MB each: a merge that loaded them would need 125 MB
    index = faiss.index_factory(width, "IVF16,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(np.random.default_rng(0).normal(size=(1_000, width)).astype(np.float32))
    (tmp_path / "parts").mkdir()
    for number in range(4):
        part = faiss.clone_index(index)
        block = np.random.default_rng(number).normal(size=(rows, width)).astype(np.float32)
        part.add_with_ids(block, np.arange(number * rows, (number + 1) * rows))
        faiss.write_index(part, str(tmp_path / "parts" / f"knn.index{number:02d}"))
    script = (
        "import re, sys\nfrom merge_knn_indices import main\n"
        "anonymous = lambda: int(re.search(r'VmData:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "import faiss.contrib.ondisk, numpy\nbefore = anonymous()\n"
        f"assert main(['--parts', {str(tmp_path / 'parts')!r}, '--output-dir', {str(tmp_path / 'out')!r}]) == 0\n"
        "print(anonymous() - before, file=sys.stderr)"
    )
    helpers = os.path.join(os.path.dirname(os.path.dirname(__file__)), "knn_indices_helper")
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": helpers}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.splitlines()[-1]) < 20_000  # KiB of memory of its own
