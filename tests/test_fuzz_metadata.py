"""Generated oddities of metadata arrow files, embedding files and index folders: each is read right, or is a sentence.

Everything is drawn from seeded random numbers, so a failure names the seed that shows it again.
"""

import json
import random
import uuid
from decimal import Decimal

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retrieval.cli import UserError
from retrieval.embeddings import check_rows, embedding_paths, open_embeddings
from retrieval.index_folder import read_indices_file
from retrieval.indexing.served_metadata import read_plan, write_metadata
from retrieval.record_columns import encode_columns, safety_tags, tagged_unsafe
from retrieval.semantic.exact_search import exact_search
from retrieval.semantic.plan import PoolFiles, SearchSettings
from retrieval.semantic.pool_metadata import open_metadata
from retrieval.semantic.pools import open_pool
from retrieval.semantic.selection import PoolHits, select

ROWS, WIDTH = 60, 8
SEEDS = range(40)


# ---- metadata: the same values in every type that holds them ----


def texts_as(values: list, luck: random.Random) -> pa.Array:
    plain = pa.array(values, pa.string())
    kinds = [plain, plain.dictionary_encode(), plain.cast(pa.binary()), plain.cast(pa.large_string()),
             plain.cast(pa.binary()).dictionary_encode(), plain.cast(pa.large_binary())]  # fmt: skip
    return luck.choice(kinds)


def numbers_as(values: list[int], luck: random.Random) -> pa.Array:
    kind = luck.choice([pa.int16(), pa.int64(), pa.uint64(), pa.int32(), pa.decimal128(12, 0)])
    array = pa.array([Decimal(value) for value in values] if pa.types.is_decimal(kind) else values, kind)
    return array.dictionary_encode() if luck.random() < 0.3 and not pa.types.is_decimal(kind) else array


def tags_as(unsafe: list[bool], luck: random.Random) -> pa.Array:
    return luck.choice([
        lambda: texts_as(["NSFW" if each else luck.choice(["UNLIKELY", "UNSURE", None]) for each in unsafe], luck),
        lambda: pa.array(unsafe),
        lambda: pa.array([int(each) for each in unsafe], luck.choice([pa.int8(), pa.int64(), pa.uint8()])),
        lambda: pa.array(np.where(unsafe, 0.98, 0.02), luck.choice([pa.float32(), pa.float64()])),
        lambda: pa.array(np.where(unsafe, 0.98, 0.02).astype(np.float16)),
        lambda: texts_as([str(each) for each in unsafe], luck),
        lambda: texts_as(["0.98" if each else "0.02" for each in unsafe], luck),
    ])()  # fmt: skip


def write_arrow_files(folder, luck: random.Random) -> list[bool]:
    """Metadata of ROWS rows in one to four files, each with types of its own; which rows are unsafe."""
    (folder / "metadata").mkdir(parents=True)
    unsafe = [luck.random() < 0.4 for _ in range(ROWS)]
    edges = [0, *sorted(luck.sample(range(1, ROWS), luck.randrange(4))), ROWS]
    for number, (begin, end) in enumerate(zip(edges, edges[1:], strict=False)):
        rows = range(begin, end)
        columns = {
            "URL": texts_as([f"http://x.example/{row}.jpg" for row in rows], luck),
            "caption": texts_as([f"caption é {row}" if row % 7 else None for row in rows], luck),
            "HEIGHT": numbers_as([row + 100 for row in rows], luck),
            "uid": numbers_as(list(rows), luck) if luck.random() < 0.5 else texts_as([str(row) for row in rows], luck),
            "nsfw": tags_as(unsafe[begin:end], luck),
        }
        names = luck.sample(list(columns), len(columns))
        table = pa.table({name: columns[name] for name in names})
        with pa.ipc.new_file(str(folder / "metadata" / f"{number:04d}.arrow"), table.schema) as writer:
            writer.write_table(table, max_chunksize=luck.choice([7, 1_000]))
    for name in luck.sample([".DS_Store", "._0000.arrow", ".ipynb_checkpoints/0000.arrow"], 2):
        (folder / "metadata" / name).parent.mkdir(exist_ok=True)
        (folder / "metadata" / name).write_bytes(b"\0\5\26\7")
    return unsafe


@pytest.mark.parametrize("seed", SEEDS)
def test_metadata_of_any_types_gives_the_same_records(seed, tmp_path):
    luck = random.Random(seed)
    unsafe = write_arrow_files(tmp_path, luck)
    metadata = open_metadata(tmp_path, allow_untagged=False)
    ids = np.array(sorted(luck.sample(range(ROWS), 30)))
    table = metadata.fetch(ids, list(dict.fromkeys(metadata.columns.values())))
    tags = safety_tags(table, metadata.columns)
    assert tagged_unsafe(tags).tolist() == [unsafe[row] for row in ids]
    columns = {ours: table[name].combine_chunks() for ours, name in metadata.columns.items()} | {"NSFW": tags}
    records = [json.loads(line.rstrip(",")) for line in bytes(encode_columns(columns)).decode().splitlines()]
    for row, record in zip(ids.tolist(), records, strict=True):
        assert record["URL"] == f"http://x.example/{row}.jpg" and record["HEIGHT"] == row + 100
        assert record["TEXT"] == (f"caption é {row}" if row % 7 else None) and str(record["SAMPLE_ID"]) == str(row)
    for field in ("SAMPLE_ID", "HEIGHT"):
        assert len({type(record[field]) for record in records}) == 1


ODD_COLUMNS = {
    "nsfw": [pa.array([[True]] * 3), pa.array([{"a": 1}] * 3), pa.array([7, 8, 9]), pa.array(["cat", "dog", None]),
             pa.array([b"\xff", b"\xfe", None]), pa.array([None] * 3), pa.array([-1.0, 2.0, None])],
    "url": [pa.array([None] * 3), pa.array([["a"], ["b"], []]), pa.array([1, 2, 3]), pa.array([b"\xff"] * 3)],
    "caption": [pa.array([["a", "b"], [], None]), pa.array([{"en": "a"}] * 3), pa.array([1.5, None, 2.5]),
                pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())), pa.array([b"\xff\xfe", b"", None])],
    "similarity": [pa.array([True, False, None]), pa.array(["0.5", "x", None]), pa.array([float("nan"), 1, -1]),
                   pa.array([Decimal("0.25")] * 3), pa.array([[0.5]] * 3)],
    "uid": [pa.array([uuid.uuid4().bytes] * 3, pa.binary(16)), pa.array([b"abc"] * 3, pa.binary(3)),
            pa.array([1, 2, 3], pa.timestamp("ns")), pa.array([2**64 - 1] * 3, pa.uint64())],
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_columns_of_odd_types_are_read_or_are_a_sentence(seed, tmp_path):
    luck = random.Random(seed)
    (tmp_path / "metadata").mkdir()
    for number in range(2):
        columns = {"url": pa.array(["u"] * 3), "caption": pa.array(["c"] * 3), "nsfw": pa.array(["NSFW", None, "SFW"])}
        columns |= {"similarity": pa.array([0.1] * 3), "uid": pa.array([1, 2, 3])}
        for name in luck.sample(list(ODD_COLUMNS), luck.randrange(1, 3)):
            columns[name] = luck.choice(ODD_COLUMNS[name])
        with pa.ipc.new_file(str(tmp_path / "metadata" / f"{number}.arrow"), pa.table(columns).schema) as writer:
            writer.write_table(pa.table(columns))
    try:
        metadata = open_metadata(tmp_path, allow_untagged=True)
        table = metadata.fetch(np.arange(6), list(dict.fromkeys(metadata.columns.values())))
        tags = safety_tags(table, metadata.columns)
    except UserError as error:
        assert str(tmp_path) in str(error) and "\n" not in str(error)
        return
    columns = {ours: table[name].combine_chunks() for ours, name in metadata.columns.items()} | {"NSFW": tags}
    records = [json.loads(line.rstrip(",")) for line in bytes(encode_columns(columns)).decode().splitlines()]
    assert len(records) == 6 and all(record["NSFW"] in ("NSFW", "UNSURE", "UNLIKELY", None) for record in records)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_arrow_and_parquet_files_are_a_sentence(seed, tmp_path):
    luck = random.Random(seed)
    table = pa.table({"url": [f"u{row}" for row in range(ROWS)], "caption": ["c"] * ROWS, "nsfw": [False] * ROWS})
    (tmp_path / "metadata").mkdir()
    arrow, parquet = tmp_path / "metadata" / "0.arrow", tmp_path / "0.parquet"
    with pa.ipc.new_file(str(arrow), table.schema) as writer:
        writer.write_table(table)
    pq.write_table(table, parquet)
    for file in (arrow, parquet):
        data = bytearray(file.read_bytes())
        cut = luck.randrange(len(data))
        data = luck.choice([data[:cut], data[cut:], b"", data + b"more", b"<html>no such file</html>"])
        file.write_bytes(bytes(data))
    try:
        metadata = open_metadata(tmp_path, allow_untagged=False)
        assert metadata.fetch(np.arange(ROWS), ["url"])["url"].to_pylist() == table["url"].to_pylist()
    except UserError as error:
        assert "0.arrow" in str(error)
    try:
        write_metadata(read_plan(tmp_path, None), tmp_path / "out")
    except UserError as error:
        assert "0.parquet" in str(error)


# ---- embeddings ----


def unit_rows(seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(ROWS, WIDTH)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_embedding_files_of_any_layout_are_one_matrix_or_a_sentence(seed, tmp_path):
    luck, rows = random.Random(seed), unit_rows(seed)
    edges = [0, *sorted(luck.sample(range(1, ROWS), 10)), ROWS]
    spelt = luck.choice(["text_emb_{}", "text_embed_{:04d}", "text_embed_part-{}-c000", "text_emb{}"])
    odd = luck.choice([None, None, "f8", ">f4", "cut", "pickle", "npz", "1d", "wide", "nan", "long", "zero", "behind"])
    for number, (begin, end) in enumerate(zip(edges, edges[1:], strict=False)):
        kind = luck.choice(["f2", "f4"])
        array = np.array(rows[begin:end], kind, order=luck.choice("CF"))
        file = tmp_path / f"{spelt.format(number)}.npy"
        if number == 7:
            array = odd_array(array, odd)
        np.save(file, array)
        if number == 7:
            damage(file, odd)
    (tmp_path / "._text_emb_3.npy").write_bytes(b"\0\5\26\7")
    try:
        files = open_embeddings(embedding_paths(tmp_path, ["text_index"], "--exact")["text_index"])
        assert (np.abs(files.take(np.arange(ROWS)) - rows) < 1e-3).all() or odd in ("nan", "long", "zero")
        found, scores = exact_search(files, rows[:5], 3)
    except UserError as error:
        assert odd and spelt.format(7) in str(error), f"{odd}: {error}"
        return
    assert odd is None and found[:, 0].tolist() == list(range(5)) and (scores[:, 0] < 1.01).all()


def odd_array(array: np.ndarray, odd: str | None) -> np.ndarray:
    match odd:
        case "f8" | ">f4":
            return array.astype(odd)
        case "1d":
            return array.ravel()
        case "wide":
            return np.hstack([array, array])
        case "nan" | "long" | "zero":
            array[-1] = {"nan": np.nan, "long": array[-1] * 3, "zero": 0}[odd]
    return array


def damage(file, odd: str | None) -> None:
    match odd:
        case "cut":
            file.write_bytes(file.read_bytes()[:-3])
        case "behind":
            file.write_bytes(file.read_bytes() * 2)
        case "pickle":
            np.save(file, np.array([{"a": 1}]), allow_pickle=True)
        case "npz":
            with open(file, "wb") as opened:
                np.savez(opened, l14_txt=np.zeros((3, WIDTH), np.float32))


def test_random_rows_are_refused_exactly_where_one_is_not_unit():
    for seed in range(200):
        luck, rows = random.Random(seed), unit_rows(seed)
        row, factor = luck.randrange(ROWS), luck.choice([1.0, 1.005, 0.995, 1.02, 0.98, 0.0, -1.0, 1e30, float("inf")])
        rows[row] *= np.float32(factor)
        if abs(abs(factor) - 1) < 0.01:
            check_rows(rows, "x", 0)
        else:
            with pytest.raises(UserError, match=f"x: row {row} "):
                check_rows(rows, "x", 0)


# ---- index folders ----


@pytest.mark.parametrize("seed", SEEDS)
def test_an_index_of_any_ids_is_searched_or_is_a_sentence(seed, tmp_path, monkeypatch):
    luck, rows = random.Random(seed), unit_rows(seed)
    unsafe = write_arrow_files(tmp_path, luck)
    key = luck.choice(["Flat", "IVF4,Flat", "IDMap2,Flat", "IDMap,Flat", "HNSW8", "IVF4,SQ8", "SQ8"])
    index = faiss.index_factory(WIDTH, key, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    ids = np.arange(ROWS)
    strange = ("IDMap" in key or "IVF" in key) and luck.random() < 0.6
    if strange:
        ids[luck.randrange(ROWS)] = luck.choice([-7, ROWS, 10**12, 2**62])
    if "IDMap" in key or "IVF" in key:
        index.add_with_ids(rows, ids)
    else:
        index.add(rows)
    if "IVF" in key:
        index.nprobe = 4
    faiss.write_index(index, str(tmp_path / "text.index"))
    (tmp_path / "indicies.json").write_text(json.dumps({"x": luck.choice([str(tmp_path), "/gone/since", "."])}))
    from retrieval.semantic import pools
    from retrieval.semantic.knn_search import search

    monkeypatch.setattr(pools, "check_widths", lambda *fits: None)  # no model of this width
    settings = SearchSettings(ROWS, 1.0, None, None, False)
    try:
        (entry,) = read_indices_file(tmp_path)
        pool = open_pool(PoolFiles(entry, "m", {"text_index": [tmp_path / "text.index"]}, {}, None), settings)
        hits = PoolHits(pool, rows[:3], {"text_index": search(pool.indices["text_index"], rows[:3], ROWS)})
        selection = select(hits, settings)
    except UserError as error:
        assert strange or key == "IDMap,Flat", error
        assert "id" in str(error) or "cannot be had back" in str(error)
        return
    found, safe = set(selection.hits.ids.tolist()), {row for row in range(ROWS) if not unsafe[row]}
    assert not strange and (found == safe or key == "HNSW8" and found < safe)
