"""assemble_index_folder.py: clip-retrieval itself opens and asks what it writes; what does not fit is refused."""

import json
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assemble_index_folder import main

from retrieval.indexing import caption_proof
from retrieval.semantic.pool_metadata import open_metadata

WIDTH, ROWS, FILES = 32, 600, 3
ARCHITECTURE = "assembled-clip"
DEMO_CLIP = f"open_clip:demo-clip/{Path(__file__).parent.parent}/demo/demo-clip.pt"
TEXTURES = ("striped", "dotted", "woven", "cracked", "banded", "grid")
CONFIG = {
    "embed_dim": WIDTH,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(autouse=True)
def weights_elsewhere(request, monkeypatch):
    """Rows of random numbers are no captions' embeddings: but for tests with a model, its weights are not here."""
    if "with_a_model" not in request.fixturenames:
        monkeypatch.setattr(caption_proof, "weights_are_here", lambda name: False)


@pytest.fixture
def with_a_model():
    """Captions are compared with rows by the demo's CLIP."""
    from retrieval.clip_model import load_clip

    return load_clip(DEMO_CLIP)


@pytest.fixture(scope="module")
def model_name(tmp_path_factory):
    """A tiny CLIP of random weights, its configuration beside it; open_clip knows it under its name, too."""
    import open_clip
    import torch

    folder = tmp_path_factory.mktemp("model")
    config = folder / f"{ARCHITECTURE}.json"
    config.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    torch.save(open_clip.create_model(ARCHITECTURE).state_dict(), folder / "weights.pt")
    return f"open_clip:{ARCHITECTURE}/{folder}/weights.pt"


def unit(rows: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, WIDTH))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def flat(vectors: np.ndarray, path, width=WIDTH, metric=faiss.METRIC_INNER_PRODUCT):
    index = faiss.IndexFlat(width, metric)
    index.add(vectors.astype(np.float32))
    faiss.write_index(index, str(path))


@pytest.fixture
def pool(tmp_path):
    """Metadata, embeddings and indices of 600 rows in three files, LAION's columns; part 1's ids are 32 bits wide."""
    folder = tmp_path / "pool"
    folder.mkdir()
    texts, images = unit(ROWS, 1), unit(ROWS, 2)
    for number in range(FILES):
        rows = range(number * 200, (number + 1) * 200)
        table = pa.table(
            {
                "SAMPLE_ID": pa.array(rows, pa.int32() if number == 1 else pa.int64()),
                "URL": [f"http://images.example/{i}.jpg" for i in rows],
                "TEXT": [f"caption {i}" if i % 7 else None for i in rows],
                "NSFW": pa.array(["UNLIKELY" if i % 2 else "NSFW" for i in rows]).dictionary_encode(),
                "similarity": [i / ROWS for i in rows],
            }
        )
        if number == 2:
            table = table.drop_columns(["similarity"])
        pq.write_table(table, folder / f"metadata_{number}.parquet", row_group_size=70)
        np.save(folder / f"text_embed_{number}.npy", texts[rows.start : rows.stop])
        np.save(folder / f"img_emb_{number}.npy", images[rows.start : rows.stop])
    flat(texts, folder / "text.knn")
    flat(images, folder / "image.knn")
    return folder


def assemble(pool, out, model_name, *flags, text=True, image=True) -> int:
    arguments = ["--metadata", pool, "--output-dir", out, "--model", model_name, *flags]
    if text:
        arguments += ["--text-index", pool / "text.knn", "--text-embeddings", pool]
    if image:
        arguments += ["--image-index", pool / "image.knn", "--image-embeddings", pool]
    return main([str(argument) for argument in arguments])


def clip_options(**changes):
    from clip_retrieval.clip_back import ClipOptions

    defaults = dict(indice_folder="", clip_model="ViT-B/32", enable_hdf5=False, enable_faiss_memory_mapping=False,
                    columns_to_return=["url"], reorder_metadata_by_ivf_index=False, enable_mclip_option=True,
                    use_jit=True, use_arrow=False, provide_safety_model=True, provide_violence_detector=True,
                    provide_aesthetic_embeddings=True)  # fmt: skip
    return ClipOptions(**(defaults | changes))


@pytest.mark.oracle
def test_clip_retrieval_opens_the_folder_unchanged_and_answers_a_query(pool, tmp_path, model_name):
    from clip_retrieval.clip_back import KnnService, load_clip_indices

    assert assemble(pool, tmp_path / "folder", model_name, "--name", "demo") == 0
    resources = load_clip_indices(str(tmp_path / "folder" / "indicies.json"), clip_options())
    assert list(resources) == ["demo"]
    service = KnnService(clip_resources=resources)
    for modality, seed in (("text", 1), ("image", 2)):
        vector = unit(ROWS, seed)[431].astype(np.float32)
        found = service.query(embedding_input=vector.tolist(), modality=modality, num_images=3, num_result_ids=3,
                              deduplicate=False)  # fmt: skip
        assert found[0]["id"] == 431 and found[0]["url"] == "http://images.example/431.jpg"
        assert found[0]["caption"] == "caption 431" and found[0]["NSFW"] == "UNLIKELY" and found[0]["SAMPLE_ID"] == 431
    # and a query that goes through the model that indicies.json names
    found = service.query(text_input="a striped texture", modality="image", num_images=5, num_result_ids=5)
    assert 1 <= len(found) <= 5 and all(row["url"].startswith("http://images.example/") for row in found)


def test_the_metadata_is_the_parquets_row_for_row_in_one_schema(pool, tmp_path, model_name, capsys):
    assert assemble(pool, tmp_path / "folder", model_name) == 0
    files = sorted((tmp_path / "folder" / "metadata").iterdir())
    assert [path.name for path in files] == [f"metadata_000{number}.arrow" for number in range(FILES)]
    tables = [pa.ipc.RecordBatchFileReader(pa.memory_map(str(path))).read_all() for path in files]
    assert len({str(table.schema) for table in tables}) == 1
    table = pa.concat_tables(tables)  # refuses schemas that differ
    assert table.schema.names == ["SAMPLE_ID", "url", "caption", "NSFW", "similarity"]
    assert table["SAMPLE_ID"].to_pylist() == list(range(ROWS)) and table.schema.field("SAMPLE_ID").type == pa.int64()
    assert table["caption"][7].as_py() is None and table["caption"][8].as_py() == "caption 8"
    assert table["similarity"][399].as_py() == 399 / ROWS and table["similarity"][400].as_py() is None
    assert "100.0% of a sample found at their own" in capsys.readouterr().err


def test_numeric_order_is_row_order_with_more_than_ten_files(tmp_path, model_name):
    pool = tmp_path / "pool"
    pool.mkdir()
    vectors = unit(120, 3)
    for number in range(12):
        rows = range(number * 10, number * 10 + 10)
        pq.write_table(pa.table({"url": [str(i) for i in rows]}), pool / f"metadata_{number}.parquet")
        np.save(pool / f"text_embed_{number}.npy", vectors[rows.start : rows.stop])
    flat(vectors, pool / "text.knn")
    assert assemble(pool, tmp_path / "folder", model_name, image=False) == 0
    names = sorted((tmp_path / "folder" / "metadata").iterdir())
    urls = [row for name in names for row in pa.ipc.open_file(name).read_all()["url"].to_pylist()]
    assert urls == [str(i) for i in range(120)]


def test_indicies_json_is_what_clip_retrievals_back_end_wants(pool, tmp_path, model_name):
    assert assemble(pool, tmp_path / "folder", model_name, "--name", "laion") == 0
    assert json.loads((tmp_path / "folder" / "indicies.json").read_text()) == {
        "laion": {
            "indice_folder": str(tmp_path / "folder"),
            "clip_model": model_name,
            "enable_hdf5": False,
            "enable_faiss_memory_mapping": True,
            "columns_to_return": ["SAMPLE_ID", "url", "caption", "NSFW", "similarity"],
            "reorder_metadata_by_ivf_index": False,
            "enable_mclip_option": False,
            "use_jit": False,
            "use_arrow": True,
            "provide_safety_model": False,
            "provide_violence_detector": False,
            "provide_aesthetic_embeddings": False,
        }
    }


def test_entries_of_other_pools_stay_only_when_asked(pool, tmp_path, model_name, capsys):
    listed = tmp_path / "indicies.json"
    listed.write_text(json.dumps({"coyo": {"indice_folder": "/data/coyo"}}))
    flags = ["--indicies", listed, "--name", "laion"]
    assert assemble(pool, tmp_path / "folder", model_name, *flags) == 2
    assert "holds coyo: --add keeps them beside laion" in capsys.readouterr().err
    assert assemble(pool, tmp_path / "folder", model_name, *flags, "--add") == 0
    assert list(json.loads(listed.read_text())) == ["coyo", "laion"]
    assert assemble(pool, tmp_path / "folder", model_name, *flags, "--add") == 0  # its own entry is replaced
    assert list(json.loads(listed.read_text())) == ["coyo", "laion"]


def test_a_folder_is_assembled_again_from_what_is_there_and_from_what_changed(pool, tmp_path, model_name, capsys):
    assemble(pool, tmp_path / "folder", model_name)
    stamp = (tmp_path / "folder" / "metadata" / "metadata_0000.arrow").stat().st_mtime_ns
    capsys.readouterr()
    assemble(pool, tmp_path / "folder", model_name)
    assert "is there, made from this metadata" in capsys.readouterr().err
    assert (tmp_path / "folder" / "metadata" / "metadata_0000.arrow").stat().st_mtime_ns == stamp
    pq.write_table(pa.table({"url": [f"new {i}" for i in range(200)]}), pool / "metadata_1.parquet")
    assert assemble(pool, tmp_path / "folder", model_name, text=False) == 0
    table = pa.ipc.open_file(tmp_path / "folder" / "metadata" / "metadata_0001.arrow").read_all()
    assert table["url"][3].as_py() == "new 3"
    assert not (tmp_path / "folder" / "text.index").exists()  # it was not asked for: it would be of other rows
    left = sorted(path.name for path in (tmp_path / "folder").iterdir())
    assert left == ["image.index", "indicies.json", "metadata", "metadata.json"]


def test_what_a_killed_run_converted_is_kept(pool, tmp_path, model_name, monkeypatch):
    from retrieval.indexing import served_metadata

    write = served_metadata.with_schema
    alive = []

    def dying(batch, served, schema):
        if batch.column("SAMPLE_ID")[0].as_py() == 200 and not alive:  # the second file begins
            alive.append("again")
            raise KeyboardInterrupt
        return write(batch, served, schema)

    monkeypatch.setattr(served_metadata, "with_schema", dying)
    assert assemble(pool, tmp_path / "folder", model_name) == 130
    building = tmp_path / "folder" / ".metadata.building"
    assert sorted(path.name for path in building.iterdir()) == ["metadata_0000.arrow", "record.json"]
    (building / ".metadata_0001.arrow.abc.part").write_bytes(b"what SIGKILL leaves")
    stamp = (building / "metadata_0000.arrow").stat().st_mtime_ns
    assert assemble(pool, tmp_path / "folder", model_name) == 0
    metadata = tmp_path / "folder" / "metadata"
    assert sorted(path.name for path in metadata.iterdir()) == [
        f"metadata_000{number}.arrow" for number in range(FILES)
    ]
    assert (metadata / "metadata_0000.arrow").stat().st_mtime_ns == stamp


@pytest.mark.oracle
def test_an_index_merged_on_disk_is_put_in_place_as_a_folder(pool, tmp_path, model_name):
    from clip_retrieval.clip_back import load_index
    from faiss.contrib.ondisk import merge_ondisk

    merged = tmp_path / "merged"
    merged.mkdir()
    vectors = unit(ROWS, 2).astype(np.float32)
    index = faiss.index_factory(WIDTH, "IVF8,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    empty = faiss.clone_index(index)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "part"))
    merge_ondisk(empty, [str(tmp_path / "part")], str(merged / "merged_index.ivfdata"))
    faiss.write_index(empty, str(merged / "populated.index"))
    del empty
    flags = ["--image-index", merged, "--image-embeddings", pool]
    assert assemble(pool, tmp_path / "folder", model_name, *flags, image=False) == 0
    placed = tmp_path / "folder" / "image.index"
    assert sorted(path.name for path in placed.iterdir()) == ["merged_index.ivfdata", "populated.index"]
    served = load_index(str(placed), True)  # clip-retrieval's
    served.nprobe = 8
    assert (served.search(vectors[:50], 1)[1][:, 0] == np.arange(50)).all()


# ---- what does not fit ----


def refused(capsys, sentence, code):
    said = capsys.readouterr().err.splitlines()[-1]
    assert code == 2 and said.startswith("error: ") and sentence in said, said


def test_rows_in_another_order_are_refused(pool, tmp_path, model_name, capsys):
    flat(np.roll(unit(ROWS, 1), 1, axis=0), pool / "text.knn")
    refused(capsys, "--text-index is not of these embeddings in this order: only ",
            assemble(pool, tmp_path / "folder", model_name))  # fmt: skip
    assert not (tmp_path / "folder").exists()


def test_two_files_swapped_among_many_are_refused_and_one_is_named(tmp_path, model_name, capsys):
    pool = tmp_path / "pool"
    pool.mkdir()
    vectors = unit(400, 4)
    for number in range(20):
        pq.write_table(pa.table({"url": ["x"] * 20}), pool / f"metadata_{number:04d}.parquet")
        np.save(pool / f"text_embed_{number:04d}.npy", vectors[number * 20 : number * 20 + 20])
    swapped = vectors.copy()
    swapped[60:80], swapped[80:100] = vectors[80:100], vectors[60:80]
    flat(swapped, pool / "text.knn")
    code = assemble(pool, tmp_path / "folder", model_name, image=False)
    refused(capsys, "not one of 12 rows of text_embed_0003.npy is found with its own embedding", code)


def test_equal_captions_stand_for_each_other(tmp_path, model_name):
    pool = tmp_path / "pool"
    pool.mkdir()
    vectors = np.repeat(unit(3, 5), 50, axis=0)  # more equal rows than neighbours looked at
    pq.write_table(pa.table({"url": ["x"] * 150}), pool / "metadata_0.parquet")
    np.save(pool / "text_embed_0.npy", vectors)
    flat(vectors, pool / "text.knn")
    assert assemble(pool, tmp_path / "folder", model_name, image=False) == 0


def test_another_number_of_rows_or_another_width_is_refused_naming_both(pool, tmp_path, model_name, capsys):
    out = tmp_path / "folder"
    flat(unit(ROWS + 1, 1), pool / "text.knn")
    refused(capsys, "text.knn has 601 rows, and --metadata has 600", assemble(pool, out, model_name))
    flat(np.zeros((ROWS, 16)), pool / "text.knn", width=16)
    refused(capsys, f"text.knn has width 16, and --model {model_name} has 32", assemble(pool, out, model_name))
    refused(capsys, "has width 32, and --model ViT-L/14 has 768", assemble(pool, out, "ViT-L/14", text=False))
    flat(unit(ROWS, 1), pool / "text.knn")
    np.save(pool / "text_embed_0.npy", unit(201, 1))
    np.save(pool / "text_embed_1.npy", unit(199, 1))
    code = assemble(pool, out, model_name)
    refused(capsys, "text_embed_0.npy has 201 rows, and metadata_0.parquet has 200", code)
    for number in range(FILES):
        np.save(pool / f"text_embed_{number}.npy", np.zeros((200, 16), np.float16))
    refused(capsys, "has width 16, and the index has 32", assemble(pool, out, model_name))
    assert not out.exists()


def test_other_bad_input_is_a_sentence(pool, tmp_path, model_name, capsys):
    out = tmp_path / "folder"
    refused(capsys, "give --image-index, --text-index, or both",
            assemble(pool, out, model_name, text=False, image=False))  # fmt: skip
    refused(capsys, "model 'ViT-XXL' is not known", assemble(pool, out, "ViT-XXL"))
    flags = ["--text-index", pool / "nothing"]
    refused(capsys, "nothing is not there", assemble(pool, out, model_name, *flags, text=False))
    flags = ["--text-index", pool / "text.knn"]
    refused(capsys, "--text-embeddings is needed to check", assemble(pool, out, model_name, *flags, text=False))
    assert assemble(pool, out, model_name, *flags, "--no-check", text=False) == 0
    flat(unit(ROWS, 1), pool / "text.knn", metric=faiss.METRIC_L2)
    refused(capsys, "does not compare by inner product", assemble(pool, out, model_name))
    (pool / "text.knn").write_bytes(b"no index")
    refused(capsys, "cannot be read as a faiss index", assemble(pool, out, model_name))
    refused(capsys, "--columns price is not in the metadata, which has: SAMPLE_ID, url, caption",
            assemble(pool, out, model_name, "--columns", "price"))  # fmt: skip
    whole = (pool / "metadata_2.parquet").read_bytes()
    (pool / "metadata_2.parquet").write_bytes(whole[:-9])
    refused(capsys, "metadata_2.parquet is no whole parquet file", assemble(pool, out, model_name))


def test_a_metadata_folder_of_other_origin_is_left_alone(pool, tmp_path, model_name, capsys):
    (tmp_path / "folder" / "metadata").mkdir(parents=True)
    (tmp_path / "folder" / "metadata" / "mine.arrow").write_bytes(b"mine")
    refused(capsys, "was not made by this script", assemble(pool, tmp_path / "folder", model_name))
    assert (tmp_path / "folder" / "metadata" / "mine.arrow").read_bytes() == b"mine"


def test_an_index_built_by_the_helper_goes_straight_in(pool, tmp_path, model_name):
    from build_knn_index import main as build

    for kind, name in (("text_embed", "text"), ("img_emb", "image")):
        flags = ["--embeddings", pool, "--pattern", f"{kind}_*.npy", "--index-path", pool / f"{name}.knn"]
        assert build([str(flag) for flag in [*flags, "--index-infos-path", pool / f"{name}.json"]]) == 0
    assert assemble(pool, tmp_path / "folder", model_name) == 0
    assert (tmp_path / "folder" / "text.index").stat().st_ino == (pool / "text.knn").stat().st_ino  # a hard link


# ---- rows and captions ----


def captioned(folder, model, names, sidecars: bool, embedded_in=None):
    """Metadata files `names`, of one texture each, their embeddings, and an index of them; True embeddings of captions.

    `embedded_in`: the names of the embedding files, in the same order as `names`.
    """
    folder.mkdir()
    vectors = {}
    for number, name in enumerate(names):
        captions = [f"a photo of a {TEXTURES[number]} texture, {colour}" for colour in ("red", "blue", "green", "grey")]
        urls = [f"http://x.example/{TEXTURES[number]}/{row}.jpg" for row in range(4)]
        pq.write_table(pa.table({"url": urls, "caption": captions}), folder / f"{name}.parquet")
        file = folder / (embedded_in[number] if embedded_in else f"text_embed_{name}.npy")
        vectors[file] = model.encode_texts(captions).astype(np.float16)
        np.save(file, vectors[file])
        if sidecars:
            sidecar = {"fingerprint": "x", "rows": 4, "shard": f"{name}.parquet"}
            file.with_suffix(".json").write_text(json.dumps(sidecar))
    return vectors


def assembled(folder, out, vectors) -> int:
    flat(np.concatenate(list(vectors)), folder / "text.knn", width=64)
    return assemble(folder, out, DEMO_CLIP, image=False)


def served(out) -> list[tuple[str, str]]:
    tables = [pa.ipc.open_file(path).read_all() for path in sorted((out / "metadata").iterdir())]
    return [(row["url"], row["caption"]) for table in tables for row in table.to_pylist()]


HEX = ["0b42e5ad6f601", "7fa3e5ad6fab1", "c0a3e5ad6fab0"]  # DataComp's names: their last digits are in another order


@pytest.mark.parametrize("sidecars", [True, False])
def test_the_metadata_is_in_the_order_of_the_files_that_were_embedded(sidecars, tmp_path, with_a_model, capsys):
    embedded_in = ["text_embed_601.npy", "text_embed_1.npy", "text_embed_0.npy"]  # names of an earlier version
    vectors = captioned(tmp_path / "pool", with_a_model, HEX, sidecars, embedded_in)
    order = list(vectors.values()) if sidecars else list(vectors.values())[::-1]
    assert assembled(tmp_path / "pool", tmp_path / "out", order) == 0
    assert "12 of 12 sampled rows have the embedding of their caption" in capsys.readouterr().err
    textures = [url.split("/")[3] for url, _ in served(tmp_path / "out")][::4]
    assert textures == list(TEXTURES[:3] if sidecars else TEXTURES[2::-1])
    assert all(url.split("/")[3] in caption for url, caption in served(tmp_path / "out"))


def test_captions_that_are_not_the_rows_are_refused(tmp_path, with_a_model, capsys):
    pool, names = tmp_path / "pool", ["train-7", "train-8", "train-9", "other"]
    vectors = captioned(pool, with_a_model, names, False, [f"text_embed_{number}.npy" for number in (2, 0, 1, 3)])
    ordered = [vectors[pool / f"text_embed_{number}.npy"] for number in range(4)]
    refused(capsys, "--text-embeddings is not of these captions", assembled(pool, tmp_path / "out", ordered))
    assert not (tmp_path / "out").exists()


def test_one_file_of_other_captions_is_named(tmp_path, with_a_model, capsys):
    pool = tmp_path / "pool"
    captioned(pool, with_a_model, [f"metadata_{number}" for number in range(6)], True)
    files = [pool / f"text_embed_metadata_{number}.npy" for number in range(6)]
    np.save(files[4], np.load(files[5]))
    sentence = "text_embed_metadata_4.npy is not of the captions of metadata_4.parquet: not one of 4 rows fits"
    refused(capsys, sentence, assembled(pool, tmp_path / "out", [np.load(file) for file in files]))


def test_the_column_that_was_embedded_is_named(tmp_path, with_a_model, capsys):
    pool = tmp_path / "pool"
    vectors = captioned(pool, with_a_model, ["a"], True).values()
    table = pq.read_table(pool / "a.parquet").append_column("text", pa.array(["one", "two", "three", "four"]))
    pq.write_table(table, pool / "a.parquet")
    sentence = "is of the column 'caption', and the records would have 'text' as TEXT: name it with --caption-column"
    refused(capsys, sentence, assembled(pool, tmp_path / "out", vectors))
    for flags in (["--caption-column", "caption"], ["--columns", "url", "caption"]):
        assert assemble(pool, tmp_path / "out", DEMO_CLIP, *flags, image=False) == 0


def test_files_that_sidecars_and_metadata_do_not_share_are_named(tmp_path, model_name, pool, capsys):
    for number in range(FILES):
        sidecar = {"fingerprint": "x", "rows": 200, "shard": f"metadata_{number}.parquet"}
        (pool / f"text_embed_{number}.json").write_text(json.dumps(sidecar))
    out = tmp_path / "out"
    assert assemble(pool, out, model_name, image=False) == 0
    pq.write_table(pa.table({"url": ["x"]}), pool / "metadata_7.parquet")
    refused(
        capsys, "holds metadata_7.parquet, of which --text-embeddings", assemble(pool, out, model_name, image=False)
    )
    (pool / "metadata_1.parquet").rename(pool / "metadata_01.parquet")
    sentence = "text_embed_1.npy was made from metadata_1.parquet, which --metadata"
    refused(capsys, sentence, assemble(pool, out, model_name, image=False))


def test_images_and_captions_in_two_orders_are_refused(tmp_path, model_name, pool, capsys):
    for number in range(FILES):
        sidecar = {"fingerprint": "x", "rows": 200, "shard": f"metadata_{number}.parquet"}
        (pool / f"text_embed_{number}.json").write_text(json.dumps(sidecar))
        sidecar = {"fingerprint": "x", "rows": 200, "asked": 200}
        (pool / f"img_emb_{number}.json").write_text(json.dumps(sidecar))
    assert assemble(pool, tmp_path / "out", model_name) == 0
    for number in range(FILES):
        (pool / f"metadata_{number}.parquet").rename(pool / f"metadata_{'cab'[number]}.parquet")
        sidecar = {"fingerprint": "x", "rows": 200, "shard": f"metadata_{'cab'[number]}.parquet"}
        (pool / f"text_embed_{number}.json").write_text(json.dumps(sidecar))
        (pool / f"img_emb_{number}.npy").rename(pool / f"img_emb_{'abc'[number]}.npy")
        (pool / f"img_emb_{number}.json").rename(pool / f"img_emb_{'abc'[number]}.json")
    assert assemble(pool, tmp_path / "out", model_name) == 2
    assert "error: " in capsys.readouterr().err


# ---- columns that the user names ----


def test_the_columns_that_the_user_names_are_what_a_filter_then_reads(tmp_path, pool, model_name, capsys):
    for number in range(FILES):
        table = pq.read_table(pool / f"metadata_{number}.parquet")
        mirrors = pa.array([f"http://mirror.example/{row}.jpg" for row in table["SAMPLE_ID"].to_pylist()])
        longer = pa.array([f"long caption {row}" for row in table["SAMPLE_ID"].to_pylist()])
        table = table.append_column("Mirror", mirrors).append_column("long_one", longer)
        pq.write_table(table, pool / f"metadata_{number}.parquet")
    flags = ["--url-column", "mirror", "--caption-column", "long_one"]
    refused(capsys, "metadata_0.parquet has no column 'long' (--caption-column); it has SAMPLE_ID, URL",
            assemble(pool, tmp_path / "out", model_name, "--caption-column", "long"))  # fmt: skip
    assert assemble(pool, tmp_path / "out", model_name) == 0
    assert assemble(pool, tmp_path / "out", model_name, *flags) == 0  # and not what is there of other columns
    table = pa.ipc.open_file(tmp_path / "out/metadata/metadata_0001.arrow").read_all()
    assert table.schema.names == ["SAMPLE_ID", "NSFW", "similarity", "url", "caption"]
    assert table["url"][3].as_py() == "http://mirror.example/203.jpg" and table["caption"][3].as_py() == (
        "long caption 203")  # fmt: skip
    metadata = open_metadata(tmp_path / "out", allow_untagged=False)
    assert (metadata.columns["URL"], metadata.columns["TEXT"]) == ("url", "caption")


# ---- metadata that cannot be served, and indices with ids of their own ----


def test_metadata_without_a_url_is_refused_in_the_first_second_and_other_names_of_it_are_served(
    tmp_path, pool, model_name, capsys
):
    for number in range(FILES):
        table = pq.read_table(pool / f"metadata_{number}.parquet")
        pq.write_table(table.rename_columns(["image_url" if c == "URL" else c for c in table.column_names]),
                       pool / f"metadata_{number}.parquet")  # fmt: skip
    assert assemble(pool, tmp_path / "out", model_name) == 0
    assert pa.ipc.open_file(tmp_path / "out/metadata/metadata_0000.arrow").schema.names[:3] == [
        "SAMPLE_ID", "url", "caption"]  # fmt: skip
    refused(capsys, "has no URL column, so nothing that is found could be downloaded: it has caption of --columns",
            assemble(pool, tmp_path / "out", model_name, "--columns", "caption"))  # fmt: skip
    pq.write_table(pa.table({"image_path": ["a.jpg"], "caption": ["x"]}), tmp_path / "metadata.parquet")
    code = assemble(pool, tmp_path / "out", model_name, "--metadata", tmp_path)
    refused(capsys, "has no URL column, so nothing that is found could be downloaded: it has image_path, caption", code)


def test_an_index_whose_ids_are_no_rows_is_refused(tmp_path, pool, model_name, capsys):
    vectors = unit(ROWS, 1).astype(np.float32)
    for key, ids, sentence in (
        ("IDMap2,Flat", np.arange(ROWS) + 10**12, "holds the id 1,000,000,000,599, and its rows are 0 to 599"),
        ("IVF4,Flat", np.r_[np.arange(ROWS - 1), -7], "holds the id -7"),
        ("IVF4,Flat", np.r_[np.arange(ROWS - 1), 0], "holds an id twice and lacks another"),
    ):
        index = faiss.index_factory(WIDTH, key, faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            index.train(vectors)
        index.add_with_ids(vectors, ids)
        faiss.write_index(index, str(pool / "text.knn"))
        refused(capsys, sentence, assemble(pool, tmp_path / "out", model_name, image=False))


def test_hidden_files_beside_the_data_are_no_data(tmp_path, pool, model_name):
    for name in ("._metadata_0.parquet", "._text_embed_0.npy", ".DS_Store"):
        (pool / name).write_bytes(b"\0\5\26\7")
    assert assemble(pool, tmp_path / "out", model_name) == 0


def test_a_column_that_a_file_has_twice_is_named(tmp_path, pool, model_name, capsys):
    table = pq.read_table(pool / "metadata_1.parquet")
    pq.write_table(table.append_column("TEXT", table["URL"]), pool / "metadata_1.parquet")
    refused(capsys, "metadata_1.parquet has two columns named 'TEXT'", assemble(pool, tmp_path / "out", model_name))
