"""Keys, sizes and empty indices, against autofaiss's own functions and its command, where it installs."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest
from build_knn_index import main

from retrieval.embeddings import open_matching
from retrieval.indexing import index_keys
from retrieval.indexing.recall import recall_infos

ROWS = [1, 999, 1_000, 9_999, 10_000, 54_321, 999_999, 1_000_000, 9_999_999, 10_000_000, 299_999_999, 2_000_000_000]
WIDTHS = [24, 64, 512, 768, 1_280]
MEMORIES = [10 * 2**20, 2**30, 100 * 2**30, 10 * 2**40]
KEYS = [
    "Flat", "HNSW15", "HNSW32", "IVF1,Flat", "IVF4096,Flat", "OPQ16_64,IVF512,PQ16x8", "OPQ16_64,IVF512,PQ16",
    "OPQ256_768,IVF131072_HNSW32,PQ256x8", "OPQ8_32,IVF64_HNSW16,PQ8x4", "Pad1024,IVF65536_HNSW32,PQ128x8",
]  # fmt: skip


@pytest.mark.oracle
def test_the_key_is_autofaiss_first_choice_for_each_size():
    from autofaiss.external.optimize import get_optimal_index_keys_v2

    chosen = set()
    for rows, width, memory, mapped in itertools.product(ROWS, WIDTHS, MEMORIES, (False, True)):
        expected = get_optimal_index_keys_v2(
            rows, width, f"{memory}B", flat_threshold=1_000, should_be_memory_mappable=mapped
        )
        key = index_keys.best_key(rows, width, memory, flat_rows=1_000, memory_mapped=mapped)
        assert key == (expected[0] if expected else None), (rows, width, memory, mapped)
        chosen.add(key)
    kinds = {"".join(filter(str.isalpha, key)) for key in chosen - {None}}
    assert kinds == {"Flat", "HNSW", "IVFFlat", "OPQIVFPQx", "OPQIVFHNSWPQx"} and None in chosen


@pytest.mark.oracle
@pytest.mark.parametrize("key", KEYS)
def test_sizes_memory_and_rows_to_train_on_are_autofaiss_estimates(key):
    from autofaiss.external.build import estimate_memory_required_for_index_creation
    from autofaiss.external.metadata import IndexMetadata
    from autofaiss.external.optimize import get_optimal_train_size

    for rows, width, memory in itertools.product(ROWS, WIDTHS, MEMORIES):
        theirs = IndexMetadata(key, rows, width)
        assert index_keys.index_size(key, rows, width) == theirs.estimated_index_size_in_bytes()
        training = index_keys.training_rows(key, rows, width, memory)
        assert training == (get_optimal_train_size(rows, key, f"{memory}B", width) if "IVF" in key else 0)
        assert index_keys.training_memory(key, training, width) == theirs.compute_memory_necessary_for_training(
            training
        )
        needed, _ = estimate_memory_required_for_index_creation(rows, width, key, f"{memory}B")
        assert index_keys.memory_to_build(key, rows, width) == needed


def clouds(rows: int, width: int) -> np.ndarray:
    """float16 unit rows in 200 loose clusters."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(200, width))[random.integers(0, 200, rows)] + 0.7 * random.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


@pytest.mark.oracle
@pytest.mark.parametrize("key", ["IVF128,Flat", "HNSW15"])  # its OPQ fails with faiss 1.14 and newer
def test_recall_is_that_of_the_index_that_the_autofaiss_command_builds(key, tmp_path):
    (tmp_path / "e").mkdir()
    np.save(tmp_path / "e" / "img_emb_0.npy", clouds(20_000, 64))
    command = [Path(sys.executable).parent / "autofaiss", "build_index", f"--embeddings={tmp_path}/e"]
    command += [f"--index_path={tmp_path}/theirs.index", f"--index_infos_path={tmp_path}/infos.json"]
    command += ["--metric_type=ip", "--max_index_query_time_ms=1", f"--index_key='{key}'"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    flags = ["--embeddings", tmp_path / "e", "--index-path", tmp_path / "knn.index", "--index-key", key]
    assert main([str(flag) for flag in flags]) == 0
    ours = json.loads((tmp_path / "index_infos.json").read_text())["recall@10"]
    embeddings = open_matching(tmp_path / "e", "*.npy", "--embeddings")
    theirs = recall_infos(faiss.read_index(f"{tmp_path}/theirs.index"), embeddings, 256, seed=0)["recall@10"]
    print(f"{key}: recall@10 {ours:.3f}, autofaiss {theirs:.3f}")
    assert ours >= theirs - 0.02


@pytest.mark.oracle
def test_the_raw_autofaiss_command_works_as_documented(tmp_path):
    (tmp_path / "text_emb").mkdir()
    np.save(tmp_path / "text_emb" / "text_embed_0000.npy", clouds(3_000, 32))
    command = [Path(sys.executable).parent / "autofaiss", "build_index", "--embeddings=text_emb"]
    command += ["--index_path=my_index_folder/knn.index", "--index_infos_path=my_index_folder/infos.json"]
    command += ["--metric_type=ip", "--max_index_query_time_ms=1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert faiss.read_index(f"{tmp_path}/my_index_folder/knn.index").ntotal == 3_000


@pytest.mark.parametrize("key", ["Flat", "HNSW8", "IVF4,Flat", "OPQ4_16,IVF4,PQ4x4", "OPQ4_16,IVF4_HNSW8,PQ4x4",
                                 "Pad24,IVF4_HNSW8,PQ4x4"])  # fmt: skip
def test_an_empty_index_has_inner_products_all_the_way_down(key):
    index = index_keys.empty_index(key, 20)
    assert index.d == 20 and index.metric_type == faiss.METRIC_INNER_PRODUCT and index.ntotal == 0
    if "IVF" in key:
        inverted = faiss.extract_index_ivf(index)
        assert inverted.metric_type == inverted.quantizer.metric_type == faiss.METRIC_INNER_PRODUCT
    vectors = clouds(400, 20).astype(np.float32)
    index.train(vectors)
    index.add(vectors)
    assert index.search(vectors[:5], 3)[1].shape == (5, 3)
