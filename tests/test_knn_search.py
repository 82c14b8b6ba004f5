"""The batched search against clip-retrieval's own KnnService, asked one query at a time on the same folder."""

import contextlib
import importlib
import json
import os

import faiss
import numpy as np
import pyarrow as pa
import pytest

from retrieval import embeddings, index_folder
from retrieval.cli import UserError
from retrieval.semantic import exact_search, knn_search, near_duplicates, pool_metadata, pools
from retrieval.semantic.plan import DEDUP_THRESHOLD

with contextlib.suppress(ImportError):  # the tests marked as oracle are then skipped
    clip_back = importlib.import_module("clip_retrieval.clip_back")  # the package's own name for it is a function
ROWS, WIDTH, QUERIES, K = 6_000, 32, 60, 120
KINDS = {
    "flat": "Flat",
    "ivf_flat": "IVF64,Flat",
    "ivf_sq8": "IVF64,SQ8",
    "ivf_hnsw_pq": "IVF64_HNSW32,PQ16",
    "opq_ivf_pq": "OPQ16_32,IVF64,PQ16",
    "opq_narrowing": "OPQ8_16,IVF64,SQ8",
    "pca_ivf": "PCAR24,IVF64,SQ8",
    "hnsw": "HNSW16",
    "sq8": "SQ8",
    "pq": "PQ16",
}


def cloud(rows: int, width: int, seed: int = 0):
    """Unit vectors as a crawl has them: loose clusters, a third near-duplicates of other rows (cosine 0.9 to 1)."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((40, width))
    vectors = centres[rng.integers(0, 40, rows)] + 0.8 * rng.standard_normal((rows, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    copies = rng.choice(rows, rows // 3, replace=False)
    away = rng.uniform(0, 0.45, (len(copies), 1)) * rng.standard_normal((len(copies), width)) / np.sqrt(width)
    vectors[copies] = vectors[rng.integers(0, rows, len(copies))] + away
    vectors[:20] = vectors[20]  # exact copies
    return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def write_folder(folder, vectors, kind: str, name: str = "image.index", nprobe: int = 8):
    """A pool's folder as clip-retrieval reads it; the metadata in two files of several record batches."""
    folder.mkdir(parents=True, exist_ok=True)
    index = trained_index(vectors, kind)
    index.add(vectors)
    if "IVF" in kind:
        faiss.extract_index_ivf(index).nprobe = nprobe
    faiss.write_index(index, str(folder / name))
    write_metadata(folder, len(vectors))
    return index


def trained_index(vectors, kind: str):
    """Trained in two rounds where faiss takes 25: rough ones are as good for these tests, in a tenth the time."""
    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    chain, inner = knn_search.split(index)
    for transform in chain:
        if isinstance(transform, faiss.OPQMatrix):
            transform.niter, transform.niter_pq, transform.niter_pq_0 = 2, 2, 2
    if hasattr(inner, "pq"):
        inner.pq.cp.niter = 2
        inner.do_polysemous_training = False  # simulated annealing that a search like ours never uses: 20 s
    index.train(vectors)
    return index


def write_metadata(folder, rows: int):
    table = pa.table(
        {
            "url": [f"http://pool.test/{row}.jpg" for row in range(rows)],
            "caption": [f"image {row}" if row % 11 else None for row in range(rows)],
            "NSFW": [("UNLIKELY", "UNSURE", "NSFW", None)[row % 4] for row in range(rows)],
            "similarity": pa.array([row / rows for row in range(rows)], pa.float64()),
        }
    )
    (folder / "metadata").mkdir(exist_ok=True)
    for number, (begin, end) in enumerate([(0, rows // 3), (rows // 3, rows)]):
        with pa.ipc.new_file(str(folder / "metadata" / f"{number:04d}.arrow"), table.schema) as writer:
            writer.write_table(table[begin:end], max_chunksize=700)


def knn_service(folder, memory_mapping: bool = False):
    """clip-retrieval's service on the folder, without a model: it is asked with embeddings."""
    paths = {m: f"{folder}/{m}.index" for m in ("image", "text") if os.path.exists(f"{folder}/{m}.index")}
    indices = {m: clip_back.load_index(path, memory_mapping) for m, path in paths.items()}
    resource = clip_back.ClipResource(
        device="cpu", model=None, preprocess=None, tokenizer=None, model_txt_mclip=None, safety_model=None,
        violence_detector=None, metadata_provider=clip_back.ArrowMetadataProvider(f"{folder}/metadata"),
        image_index=indices.get("image"), text_index=indices.get("text"), ivf_old_to_new_mapping=None,
        columns_to_return=["url", "caption", "NSFW"], metadata_is_ordered_by_ivf=False, aesthetic_embeddings=None,
    )  # fmt: skip
    return clip_back.KnnService(clip_resources={"pool": resource})


def ask(service, query, k: int, modality: str = "image"):
    """(ids, scores) of one query, near-duplicates removed."""
    found = service.query(embedding_input=query, modality=modality, num_images=k, num_result_ids=k, deduplicate=True)
    return [each["id"] for each in found], [each["similarity"] for each in found]


def kept(index, queries, k: int, threshold: float = DEDUP_THRESHOLD):
    """(ids, scores) of each query as the batched search keeps them."""
    neighbours = knn_search.search(index, queries, k)
    hits = near_duplicates.without_near_duplicates(index, neighbours, threshold)
    return [
        (ids[stay].tolist(), scores[stay].tolist())
        for ids, scores, stay in zip(hits[0], neighbours.scores, hits[1], strict=True)
    ]


def some_queries(vectors, count: int, seed: int = 1, every: int = 31):
    """Queries that overlap as a class's prompts do: some rows, blurred a little."""
    rng = np.random.default_rng(seed)
    rows = vectors[rng.integers(0, 12, count) * every] + 0.05 * rng.standard_normal((count, vectors.shape[1]))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.oracle
@pytest.mark.parametrize("kind", KINDS)
def test_a_block_of_queries_gets_what_knn_service_returns_for_each_alone(tmp_path, kind):
    vectors = cloud(ROWS, WIDTH)
    write_folder(tmp_path, vectors, KINDS[kind])
    queries = some_queries(vectors, QUERIES)
    service = knn_service(tmp_path)
    index = pools.open_index(tmp_path / "image.index", memory_mapping=False)
    ours = kept(index, queries, K)
    removed = 0
    for query, (ids, scores) in zip(queries, ours, strict=True):
        assert (ids, scores) == ask(service, query, K)
        removed += K - len(ids)
    assert removed > QUERIES  # near-duplicates were there to be removed


@pytest.mark.oracle
def test_wide_vectors_whose_batches_faiss_would_hand_to_blas_get_the_same_bits(tmp_path):
    vectors = cloud(4_000, 768)
    queries = some_queries(vectors, 200)  # 200 x 768 is over faiss's threshold for BLAS
    service = None
    for kind in ("Flat", "IVF32,SQ8", "OPQ32_128,IVF32,PQ32"):
        write_folder(tmp_path, vectors, kind)
        service = knn_service(tmp_path)
        index = pools.open_index(tmp_path / "image.index", memory_mapping=False)
        for query, answer in zip(queries, kept(index, queries, 100), strict=True):
            assert answer == ask(service, query, 100), kind


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["ivf_sq8", "opq_ivf_pq"])
def test_memory_mapped_and_merged_on_disk_indices_answer_alike(tmp_path, kind):
    vectors = cloud(ROWS, WIDTH)
    index = write_folder(tmp_path, vectors, KINDS[kind])
    queries = some_queries(vectors, 30)
    in_memory = kept(index, queries, K)
    mapped = pools.open_index(tmp_path / "image.index", memory_mapping=True)
    assert kept(mapped, queries, K) == in_memory

    merged = merge_on_disk(tmp_path, vectors, KINDS[kind])
    service = knn_service(merged, memory_mapping=True)
    path = index_folder.index_paths(entry_of(merged), ["image_index"])["image_index"]
    assert path.name == "populated.index"
    on_disk = kept(pools.open_index(path, memory_mapping=True), queries, K)
    for query, answer in zip(queries, on_disk, strict=True):
        assert answer == ask(service, query, K)
    assert [sorted(ids) for ids, _ in on_disk] != [[]] * len(queries)


def merge_on_disk(folder, vectors, kind: str):
    """The same rows as two shards merged by faiss into populated.index and merged_index.ivfdata."""
    from faiss.contrib.ondisk import merge_ondisk

    merged = folder / "merged"
    (merged / "image.index").mkdir(parents=True)
    trained = trained_index(vectors, kind)
    faiss.extract_index_ivf(trained).nprobe = 8
    shards = []
    for begin, end in ((0, len(vectors) // 2), (len(vectors) // 2, len(vectors))):
        shard = faiss.clone_index(trained)
        shard.add_with_ids(vectors[begin:end], np.arange(begin, end))
        shards.append(str(folder / f"shard_{begin}.index"))
        faiss.write_index(shard, shards[-1])
    merge_ondisk(trained, shards, str(merged / "image.index" / "merged_index.ivfdata"))
    faiss.write_index(trained, str(merged / "image.index" / "populated.index"))
    write_metadata(merged, len(vectors))
    return merged


def entry_of(folder, name="pool"):
    return index_folder.IndexEntry(name, folder, "open_clip:none", True)


@pytest.mark.parametrize("kind", ["ivf_flat", "ivf_sq8", "opq_ivf_pq"])
def test_an_inverted_file_read_stretch_by_stretch_answers_as_one_read_query_by_query(tmp_path, kind):
    vectors = cloud(ROWS, WIDTH)
    write_folder(tmp_path, vectors, KINDS[kind])
    queries = some_queries(vectors, 50)
    index = pools.open_index(tmp_path / "image.index", memory_mapping=True)
    whole = knn_search.search(index, queries, K)
    assert whole.stored is None
    small = 20 * 128 * (index_of(index).code_size + 8)
    for stretch_bytes in (small, small // 7):
        stretches = knn_search.search(index, queries, K, stretch_bytes)
        assert stretches.stored is not None
        np.testing.assert_array_equal(stretches.scores, whole.scores)
        # Of hits that share the very score of the last one, faiss keeps those it meets first: they may be others.
        certain = whole.scores > whole.scores[:, -1:]
        np.testing.assert_array_equal(stretches.locations[certain], whole.locations[certain])
        hits, others = (
            near_duplicates.without_near_duplicates(index, each, DEDUP_THRESHOLD) for each in (whole, stretches)
        )
        np.testing.assert_array_equal(hits[0][certain], others[0][certain])
        same = (stretches.locations == whole.locations).all(axis=1)
        assert same.mean() > 0.5
        np.testing.assert_array_equal(hits[1][same], others[1][same])


def test_each_list_is_read_once_a_block_and_in_the_order_of_the_file(tmp_path, monkeypatch):
    vectors = cloud(ROWS, WIDTH)
    write_folder(tmp_path, vectors, "IVF64,SQ8")
    index = pools.open_index(tmp_path / "image.index", memory_mapping=True)
    seen, read = [], knn_search._read_lists
    monkeypatch.setattr(
        knn_search, "_read_lists", lambda lists, numbers, size: (seen.extend(numbers), read(lists, numbers, size))
    )
    knn_search.search(index, some_queries(vectors, 50), K, stretch_bytes=50_000)
    assert len(seen) > 10 and seen == sorted(set(seen))


def index_of(index):
    return knn_search.split(index)[1]


@pytest.mark.oracle
def test_more_neighbours_asked_than_the_visited_lists_hold_end_where_they_end(tmp_path):
    vectors = cloud(ROWS, WIDTH)
    write_folder(tmp_path, vectors, "IVF64,SQ8", nprobe=1)
    queries = some_queries(vectors, 20)
    index = pools.open_index(tmp_path / "image.index", memory_mapping=False)
    service = knn_service(tmp_path)
    assert (knn_search.search(index, queries, 400).locations < 0).any()
    for query, answer in zip(queries, kept(index, queries, 400), strict=True):
        assert answer == ask(service, query, 400)


@pytest.mark.oracle
def test_pairs_on_the_threshold_itself_fall_as_they_fall_in_clip_retrieval(tmp_path):
    # Pairs built to have a cosine of 0.94 give or take float32's last bits, in both widths' kernels.
    for width in (64, 768):
        rng = np.random.default_rng(width)
        base = rng.standard_normal((150, width))
        base /= np.linalg.norm(base, axis=1, keepdims=True)
        across = rng.standard_normal(base.shape)
        across -= (across * base).sum(1, keepdims=True) * base
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        vectors = np.concatenate([base, 0.94 * base + np.sqrt(1 - 0.94**2) * across]).astype(np.float32)
        write_folder(tmp_path, vectors, "Flat")
        queries = some_queries(vectors, 25, every=20)
        service = knn_service(tmp_path)
        index = pools.open_index(tmp_path / "image.index", memory_mapping=False)
        answers = kept(index, queries, 250)
        assert len({len(ids) for ids, _ in answers}) > 1
        for query, answer in zip(queries, answers, strict=True):
            assert answer == ask(service, query, 250)


@pytest.mark.parametrize("near", [0.02, 0.4])  # few pairs, which the bound leaves; and more than it can rule out
def test_the_similar_pairs_are_those_of_the_whole_matrix(near):
    rng = np.random.default_rng(0)
    vectors = (rng.random((1_300, 1)) < near) * rng.standard_normal(256) + 0.3 * rng.standard_normal((1_300, 256))
    vectors[5] = vectors[900] + 1e-4  # equal in every dimension, nearly
    vectors = knn_search.unit_rows(vectors.astype(np.float32))
    vectors[7] = 0  # what an embedding of nothing but zeros is left as
    scores = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    first, second, score = near_duplicates.similar_pairs(vectors, 0.9)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    certain = {tuple(pair) for pair in np.argwhere(np.triu(scores, 1) > 0.9 + 1e-6).tolist()}
    assert certain <= found <= {tuple(pair) for pair in np.argwhere(np.triu(scores, 1) > 0.9 - 1e-6).tolist()}
    assert (5, 900) in found and len(found) > 100
    np.testing.assert_allclose(score, scores[first, second], atol=1e-6)
    assert [len(part) for part in near_duplicates.similar_pairs(vectors[:0], 0.9)] == [0, 0, 0]


@pytest.mark.oracle
def test_an_id_that_an_index_holds_twice_is_treated_as_clip_retrieval_treats_it(tmp_path):
    vectors = cloud(2_000, WIDTH)
    index = faiss.index_factory(WIDTH, "IVF16,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add_with_ids(vectors, np.arange(2_000) // 2)
    faiss.extract_index_ivf(index).nprobe = 8
    faiss.write_index(index, str(tmp_path / "image.index"))
    write_metadata(tmp_path, 2_000)
    service = knn_service(tmp_path)
    queries = some_queries(vectors, 20)
    for query, answer in zip(queries, kept(index, queries, K), strict=True):
        assert answer == ask(service, query, K)


@pytest.mark.oracle
def test_metadata_rows_come_back_in_the_order_of_their_ids_across_files_and_batches(tmp_path):
    write_metadata(tmp_path, 6_000)
    metadata = pool_metadata.open_metadata(tmp_path, allow_untagged=False)
    assert metadata.rows == 6_000
    ids = np.array([0, 1, 699, 700, 1_999, 2_000, 2_001, 5_999])
    fetched = metadata.fetch(ids, ["url", "NSFW"])
    oracle = clip_back.ArrowMetadataProvider(f"{tmp_path}/metadata").get(ids.tolist(), ["url", "NSFW"])
    assert fetched.to_pylist() == [{"url": row["url"], "NSFW": row["NSFW"]} for row in oracle]
    assert metadata.fetch(np.empty(0, np.int64), ["url"]).num_rows == 0


def test_an_indicies_file_is_read_as_clip_retrieval_reads_it(tmp_path, monkeypatch):
    (tmp_path / "a" / "pool").mkdir(parents=True)
    (tmp_path / "indices.json").write_text(
        json.dumps({"plain": "a/pool", "full": {"indice_folder": str(tmp_path / "a" / "pool"), "clip_model": "M",
                                               "enable_faiss_memory_mapping": True}})
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    plain, full = index_folder.read_indices_file("indicies.json")  # the other spelling is found
    assert (plain.name, plain.clip_model, plain.memory_mapping) == ("plain", None, False)
    assert (full.clip_model, full.memory_mapping) == ("M", True)
    monkeypatch.chdir("/")
    (entry,) = index_folder.read_indices_file(tmp_path / "indicies.json", "plain")
    assert entry.folder == tmp_path / "a/pool"


def test_a_folder_is_taken_for_the_indicies_file_in_it_and_a_moved_folder_is_found(tmp_path, capsys):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, old / "deep" / "pool"):
        (folder / "metadata").mkdir(parents=True)
        (folder / "text.index").touch()
    alone = {"x": {"indice_folder": str(old), "clip_model": "M"}}
    (old / "indicies.json").write_text("\ufeff" + json.dumps(alone), encoding="utf-8")
    (entry,) = index_folder.read_indices_file(old)
    assert (entry.folder, entry.clip_model) == (old, "M")
    assert not capsys.readouterr().err
    old.rename(new)
    assert index_folder.read_indices_file(new)[0].folder == new
    assert f"note: {old} of {new}/indicies.json is gone: {new} is taken for entry 'x'" in capsys.readouterr().err
    two = {"x": str(old), "y": str(old / "deep" / "pool")}
    (new / "indicies.json").write_text(json.dumps(two))
    with pytest.raises(UserError, match="entry 'x' points to .*: if it was moved, move indicies.json with it"):
        index_folder.read_indices_file(new)  # the file's own folder may be the one of either
    assert index_folder.read_indices_file(new, "y")[0].folder == new / "deep" / "pool"
    (bare,) = index_folder.read_indices_file(new / "deep" / "pool")
    assert (bare.name, bare.folder, bare.clip_model) == ("pool", new / "deep" / "pool", None)
    with pytest.raises(UserError, match="holds no indicies.json"):
        index_folder.read_indices_file(new / "metadata")


def test_an_index_merged_on_disk_is_searched_without_write_permission(tmp_path):
    vectors = cloud(2_000, WIDTH)
    merged = merge_on_disk(tmp_path, vectors, KINDS["ivf_flat"])
    path = merged / "image.index" / "populated.index"
    before = {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()}
    index = pools.open_index(path, memory_mapping=True)
    lists = faiss.downcast_InvertedLists(faiss.extract_index_ivf(index).invlists)
    assert lists.read_only and len(kept(index, some_queries(vectors, 3), 10)) == 3
    assert {file.name: file.stat().st_mtime_ns for file in path.parent.iterdir()} == before


def test_what_an_indicies_file_lacks_is_said(tmp_path):
    path = tmp_path / "indicies.json"
    with pytest.raises(UserError, match="is not there: it is the indicies.json that"):
        index_folder.read_indices_file(path)
    path.write_text("{")
    with pytest.raises(UserError, match="is not JSON"):
        index_folder.read_indices_file(path)
    path.write_text('{"x": "nowhere"}')
    with pytest.raises(UserError, match="entry 'x' points to nowhere, which is not a folder"):
        index_folder.read_indices_file(path)
    with pytest.raises(UserError, match="--index-name y is not in .*which has: x"):
        index_folder.read_indices_file(path, "y")
    path.write_text(json.dumps({"x": {"indice_folder": str(tmp_path), "reorder_metadata_by_ivf_index": True}}))
    with pytest.raises(UserError, match="its rows are not its index's ids"):
        index_folder.read_indices_file(path)


def test_an_index_that_cannot_be_used_is_said(tmp_path):
    with pytest.raises(UserError, match="has no text.index or image.index"):
        index_folder.index_paths(entry_of(tmp_path), ["text_index", "image_index"])
    (tmp_path / "image.index").write_bytes(b"no index at all")
    with pytest.raises(UserError, match="cannot be read as a faiss index"):
        pools.open_index(tmp_path / "image.index", memory_mapping=False)
    faiss.write_index(faiss.IndexFlatL2(4), str(tmp_path / "image.index"))
    with pytest.raises(UserError, match="compares by L2 distance"):
        pools.open_index(tmp_path / "image.index", memory_mapping=False)
    (tmp_path / "metadata").mkdir()
    with pytest.raises(UserError, match="has no arrow file"):
        pool_metadata.open_metadata(tmp_path, allow_untagged=False)
    (tmp_path / "metadata" / "0.arrow").write_bytes(b"ARROW1\0\0cut short")
    with pytest.raises(UserError, match="is not a complete arrow file"):
        pool_metadata.open_metadata(tmp_path, allow_untagged=False)


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])  # and the path of a GPU, by torch, which has a CPU too
def test_an_exact_search_is_numpys_brute_force_ties_by_row_included(device):
    rng = np.random.default_rng(0)
    # Small whole numbers: every product is exact, so scores tie by the hundred and any order of sums gives them.
    vectors = rng.integers(-3, 4, (40_000, 8)).astype(np.float16)
    queries = rng.integers(-3, 4, (25, 8)).astype(np.float32)
    files = embeddings.EmbeddingFiles(
        (vectors[:17_000], vectors[17_000:17_001], vectors[17_001:]), np.array([0, 17_000, 17_001, 40_000])
    )
    for k in (1, 100, 20_000):
        rows, scores = exact_search.exact_search(files, queries, k, device)
        all_scores = queries @ vectors.T.astype(np.float32)
        best = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(rows, best)
        np.testing.assert_array_equal(scores, np.take_along_axis(all_scores, best, 1))
    few = embeddings.EmbeddingFiles((vectors[:50],), np.array([0, 50]))
    rows, scores = exact_search.exact_search(few, queries, 80, device)
    assert (rows[:, 50:] == -1).all() and (np.sort(rows[:, :50], axis=1) == np.arange(50)).all()
    assert (scores[:, 50:] == -np.inf).all()


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_rows_of_a_broken_embedding_are_never_found(device):
    vectors = np.random.default_rng(0).standard_normal((9_000, 8)).astype(np.float16)
    vectors[::3] = np.nan
    files = embeddings.EmbeddingFiles((vectors,), np.array([0, 9_000]))
    rows, _ = exact_search.exact_search(files, vectors[1:3].astype(np.float32), 4_000, device)
    assert (rows[:, :4_000] % 3 > 0).all() and (rows >= 0).all()
    rows, _ = exact_search.exact_search(files, vectors[1:3].astype(np.float32), 7_000, device)
    assert (rows[:, 6_000:] == -1).all() and (rows[:, :6_000] % 3 > 0).all()


def test_an_exact_search_gives_a_class_the_same_bits_in_any_block_and_on_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    vectors, queries = rng.standard_normal((20_000, 64)), rng.standard_normal((60, 64)).astype(np.float32)
    files = embeddings.EmbeddingFiles((vectors.astype(np.float16),), np.array([0, 20_000]))
    groups = [slice(0, 7), slice(7, 40), slice(40, 60)]
    together = exact_search.exact_search(files, queries, 50)
    monkeypatch.setattr(faiss, "omp_get_max_threads", lambda: 5)
    for group in groups:
        alone = exact_search.exact_search(files, queries[group], 50)
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, all_of_them[group])
