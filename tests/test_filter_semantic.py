"""The semantic filter as a command, on real index folders, against clip-retrieval's KnnService with the same model."""

import contextlib
import importlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pytest
from killed_runs import killed_runs
from tiny_clip import WIDTH, write_tiny_clip

import filter_laion_metadata_semantic as stage
from retrieval.record_columns import encode_columns, safety_tags, tagged_unsafe
from retrieval.records import RECORD_FIELDS, SEMANTIC_LOSSES, chunk_files, encode_record, read_records
from retrieval.semantic import block_search
from retrieval.semantic.plan import ClassPlan

with contextlib.suppress(ImportError):  # the tests marked as oracle are then skipped
    clip_back = importlib.import_module("clip_retrieval.clip_back")  # the package's own name for it is a function
SCRIPT = Path(stage.__file__)
ROWS, K = 3_000, 60
CLASSES = ["banded", "dotted", "striped"]
PROMPTS = ["a photo of a {} texture.", "{} pattern", "a close-up of something {}", "the {} cloth"]


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    return write_tiny_clip(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def prompt_vectors(model):
    """The prompts' embeddings, one at a time as clip-retrieval makes them."""
    from retrieval.clip_model import load_clip

    clip = load_clip(model, "cpu")
    texts = [prompt.replace("{}", name) for name in CLASSES for prompt in PROMPTS]
    return np.concatenate([clip.encode_texts([text]) for text in texts])


@pytest.fixture
def pool(tmp_path, model, prompt_vectors):
    """indicies.json and a folder with both indices; the rows lie around the prompts, a third are near-duplicates."""
    make_pool(tmp_path / "pool", prompt_vectors)
    write_info(tmp_path, {"demo": tmp_path / "pool"}, model)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "Cloth.py").write_text(f"classes = {CLASSES!r}\ntemplates = {PROMPTS!r}\n")
    return tmp_path


def make_pool(folder, prompt_vectors, kind="IVF32,SQ8", seed=0, safety="NSFW"):
    (folder / "metadata").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for name in ("text.index", "image.index"):
        vectors = prompt_vectors[rng.integers(0, len(prompt_vectors), ROWS)] + 0.15 * rng.standard_normal((ROWS, WIDTH))
        copies = rng.choice(ROWS, ROWS // 3, replace=False)
        vectors[copies] = vectors[rng.integers(0, ROWS, len(copies))] + 0.01 * rng.standard_normal((len(copies), WIDTH))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        index = faiss.index_factory(WIDTH, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        faiss.extract_index_ivf(index).nprobe = 8
        faiss.write_index(index, str(folder / name))
    columns = {
        "SAMPLE_ID": pa.array([2**62 + row for row in range(ROWS)], pa.int64()),
        "url": [f"http://pool.test/{row}.jpg" for row in range(ROWS)],
        "caption": [f"cloth “{row}”" if row % 11 else None for row in range(ROWS)],
        "HEIGHT": pa.array([200 + row for row in range(ROWS)], pa.int32()),
        "WIDTH": pa.array([300 + row for row in range(ROWS)], pa.int32()),
        "LICENSE": ["?"] * ROWS,
        "similarity": pa.array([0.3 + row / 10_000 for row in range(ROWS)], pa.float64()),
    }
    if safety == "NSFW":
        columns["NSFW"] = [("UNLIKELY", "UNSURE", "NSFW", None, "UNLIKELY")[row % 5] for row in range(ROWS)]
    elif safety == "punsafe":
        columns["punsafe"] = pa.array([(0.1, 0.49, 0.5, None, 0.02)[row % 5] for row in range(ROWS)], pa.float32())
    table = pa.table(columns)
    for number, (begin, end) in enumerate([(0, ROWS // 3), (ROWS // 3, ROWS)]):
        with pa.ipc.new_file(str(folder / "metadata" / f"{number:04d}.arrow"), table.schema) as writer:
            writer.write_table(table[begin:end], max_chunksize=500)


def write_info(folder, pools: dict, model: str, **more):
    """indicies.json as clip-retrieval reads it."""
    entries = {
        name: {
            "indice_folder": str(path), "clip_model": model, "use_arrow": True, "enable_hdf5": False,
            "enable_faiss_memory_mapping": True, "columns_to_return": ["url", "caption", "NSFW"],
            "reorder_metadata_by_ivf_index": False, "enable_mclip_option": False, "use_jit": False,
            "provide_safety_model": False, "provide_violence_detector": False, "provide_aesthetic_embeddings": False,
        }
        for name, path in pools.items()
    }  # fmt: skip
    (folder / "indicies.json").write_text(json.dumps(entries))


def flags(folder, *more, dataset="Cloth", output="out") -> list[str]:
    return [
        "--query_dataset", dataset, "--output_dir", str(folder / output), "--template-dir", str(folder / "templates"),
        "--results_per_query", str(K), "--index_info_path", str(folder / "indicies.json"), "--device", "cpu",
        *map(str, more),
    ]  # fmt: skip


def row_of(record) -> int:
    """The row of the index, of ROW as NAME:ROW."""
    return int(record["ROW"].rpartition(":")[2])


def records_in(folder) -> list[dict]:
    return [record for chunk in chunk_files(folder) for record in read_records(chunk)]


def bytes_in(folder) -> dict:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}


def all_bytes_in(folder) -> dict:
    """Every file, the classes' own results and the page too, but for what is still being written (.NAME.part)."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def asked_of_knn_service(folder, modalities=("text", "image")) -> dict[str, list[tuple]]:
    """Class -> (id, source, prompt, rank, score), as the README's rule makes them of KnnService's own answers."""
    service = clip_back.KnnService(
        clip_resources=clip_back.load_clip_indices(folder / "indicies.json", empty_options())
    )
    selected = {}
    for name in CLASSES:
        seen, rows = set(), []
        for prompt in PROMPTS:
            for modality in modalities:
                text = prompt.replace("{}", name)
                answer = service.query(
                    text_input=text, modality=modality, num_images=K, num_result_ids=K, deduplicate=True
                )
                for rank, hit in enumerate(answer):
                    if hit["NSFW"] != "NSFW" and hit["id"] not in seen:
                        seen.add(hit["id"])
                        rows.append((hit["id"], f"{modality}_index", text, rank, hit["similarity"], hit["url"]))
        selected[name] = rows
    return selected


def empty_options():
    return clip_back.ClipOptions(
        indice_folder="", clip_model="", enable_hdf5=False, enable_faiss_memory_mapping=False, columns_to_return=[],
        reorder_metadata_by_ivf_index=False, enable_mclip_option=False, use_jit=False, use_arrow=True,
        provide_safety_model=False, provide_violence_detector=False, provide_aesthetic_embeddings=False,
    )  # fmt: skip


# ---- the same answer ----


@pytest.mark.oracle
@pytest.mark.parametrize("only", [None, "--no-text-index", "--no-image-index"])
def test_each_class_selects_what_knn_service_and_the_nsfw_rule_select(pool, only, capsys):
    assert stage.main(flags(pool, *([only] if only else []))) == 0
    modalities = {None: ("text", "image"), "--no-text-index": ("image",), "--no-image-index": ("text",)}[only]
    oracle = asked_of_knn_service(pool, modalities)
    records = records_in(pool / "out")
    assert list(dict.fromkeys(record["QUERY"] for record in records)) == CLASSES
    for name in CLASSES:
        ours = [record for record in records if record["QUERY"] == name]
        theirs = oracle[name]
        assert len(ours) > K
        assert [(row_of(r), r["SOURCE"], r["MATCHED"], r["RANK"], r["URL"]) for r in ours] == [
            (row, source, prompt, rank, url) for row, source, prompt, rank, _, url in theirs
        ]
        np.testing.assert_allclose([r["SCORE"] for r in ours], [hit[4] for hit in theirs], atol=1e-5)
    assert {record["NSFW"] for record in records} == {"UNLIKELY", "UNSURE", None}
    talk = capsys.readouterr().err
    assert "near-duplicates" in talk and "NSFW" in talk and "quartiles" in talk
    kept = [len(oracle[name]) for name in CLASSES]  # what the published script's compute_stats prints
    assert f"Mean number of images per class: {np.mean(kept):.1f}\n" in talk
    assert "25, 50, 75 percentiles: " + " ".join(f"{q:.1f}" for q in np.percentile(kept, [25, 50, 75])) in talk


def test_a_record_has_the_pools_own_row_and_its_provenance(pool):
    assert stage.main(flags(pool, "--classes", "dotted")) == 0
    records = records_in(pool / "out")
    for record in records:
        row = row_of(record)
        assert record["ROW"] == f"demo:{row}"
        assert list(record)[: len(RECORD_FIELDS)] == list(RECORD_FIELDS)
        assert record["SAMPLE_ID"] == 2**62 + row  # past the integers that a float keeps
        assert (record["HEIGHT"], record["WIDTH"], record["LICENSE"]) == (200 + row, 300 + row, "?")
        assert record["TEXT"] == (f"cloth “{row}”" if row % 11 else None)
        assert record["similarity"] == 0.3 + row / 10_000 and record["QUERY"] == "dotted"
        assert record["SOURCE"] in ("text_index", "image_index") and record["MATCHED"].count("dotted") == 1
    (manifest,) = [json.loads(path.read_text()) for path in (pool / "out").glob("job_*.json")]
    counts = manifest["counts"]["classes"]["dotted"]
    assert counts["asked"] == 2 * len(PROMPTS) * K
    assert counts["kept"] == len(records) == manifest["counts"]["records"]
    assert counts["asked"] == sum(counts[name] for name in (*SEMANTIC_LOSSES, "kept"))


def test_a_condition_keeps_the_records_that_it_holds_for_and_counts_the_hits_it_drops(pool):
    assert stage.main(flags(pool)) == 0
    assert stage.main(flags(pool, "--where", "least(height, width) >= 1200 AND url IS NOT NULL", output="some")) == 0
    kept = [record for record in records_in(pool / "out") if record["HEIGHT"] >= 1200]
    assert 0 < len(kept) < len(records_in(pool / "out")) and records_in(pool / "some") == kept
    ((every, some),) = zip(*[
        [json.loads(path.read_text())["counts"]["classes"] for path in (pool / folder).glob("job_*.json")]
        for folder in ("out", "some")
    ], strict=True)  # fmt: skip
    for name in CLASSES:
        assert every[name]["where"] == 0 < some[name]["where"]
        assert some[name]["asked"] == sum(some[name][loss] for loss in (*SEMANTIC_LOSSES, "kept"))
    assert '["lost", "--where", ' in (pool / "some" / "report.html").read_text()


def test_the_page_has_the_manifests_counts_and_says_which_prompt_was_first_to_find_a_row(pool):
    assert stage.main(flags(pool)) == 0
    page = (pool / "out" / "report.html").read_text()
    data = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    counts = json.loads((pool / "out" / "job_0_of_1.json").read_text())["counts"]
    assert (data["records"], data["classes"]) == (counts["records"], counts["classes"])
    records = records_in(pool / "out")
    for name in CLASSES:
        matched = Counter(record["MATCHED"] for record in records if record["QUERY"] == name)
        assert data["classes"][name]["new_by_prompt"] == [matched[prompt.replace("{}", name)] for prompt in PROMPTS]


def test_quiet_says_the_last_line_and_verbose_what_took_how_long_and_wandb_gets_the_counts(pool, capsys, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert stage.main(flags(pool, "--quiet", "--wandb")) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{pool}/out: {len(CLASSES)} classes, ")
    (table,) = (pool / "out").glob("wandb/offline-run-*/files/media/table/*.table.json")
    counts = json.loads((pool / "out" / "job_0_of_1.json").read_text())["counts"]["classes"]
    logged = json.loads(table.read_text())
    for row in logged["data"]:
        values = dict(zip(logged["columns"], row, strict=True))
        assert values == {"class": row[0]} | {name: counts[row[0]][name] for name in logged["columns"][1:]}
    assert {"asked", "kept", "nsfw"} < set(logged["columns"]) and len(logged["data"]) == len(CLASSES)
    assert stage.main(flags(pool, "--verbose", "--subset", 1, output="other")) == 0
    assert f"{len(PROMPTS)} prompts of 1 classes: embedded in " in capsys.readouterr().err


def test_a_list_of_names_and_a_file_of_names_are_searched_with_clips_own_prompt(pool):
    assert stage.main(flags(pool, dataset="dotted|striped")) == 0
    (pool / "names.txt").write_text("dotted\nstriped\n")
    assert stage.main(flags(pool, dataset=str(pool / "names.txt"), output="other")) == 0
    assert records_in(pool / "out") == records_in(pool / "other")
    assert {record["MATCHED"] for record in records_in(pool / "out")} == {
        "a photo of a dotted.",
        "a photo of a striped.",
    }


def test_punsafe_is_used_where_there_is_no_tag(tmp_path, model, prompt_vectors, pool):
    make_pool(tmp_path / "scored", prompt_vectors, safety="punsafe")
    write_info(tmp_path, {"scored": tmp_path / "scored"}, model)
    assert stage.main(flags(tmp_path)) == 0
    records = records_in(tmp_path / "out")
    assert {row_of(record) % 5 for record in records} == {0, 1, 3, 4}  # 2 scores 0.5
    assert {record["NSFW"] for record in records} == {"UNLIKELY", None}
    assert all(record["punsafe"] == (0.1, 0.49, None, None, 0.02)[row_of(record) % 5] for record in records)


def test_two_pools_are_both_searched_and_one_can_be_named(pool, model, prompt_vectors):
    make_pool(pool / "second", prompt_vectors, seed=9)
    write_info(pool, {"first": pool / "pool", "second": pool / "second"}, model)
    assert stage.main(flags(pool)) == 0
    both = records_in(pool / "out")
    assert {record["INDEX_NAME"] for record in both} == {"first", "second"}
    assert stage.main(flags(pool, "--index-name", "second", output="one")) == 0
    one = records_in(pool / "one")
    assert one == [{k: v for k, v in r.items() if k != "INDEX_NAME"} for r in both if r["INDEX_NAME"] == "second"]


def test_a_field_has_one_type_in_the_records_of_two_pools_and_is_what_the_substring_filter_writes(
    pool, model, prompt_vectors
):
    make_pool(pool / "second", prompt_vectors, seed=9)
    for file in (pool / "second" / "metadata").glob("*.arrow"):
        table = pa.ipc.open_file(pa.py_buffer(file.read_bytes())).read_all()
        rows = range(len(table))
        other = {"SAMPLE_ID": pa.array([f"{row:032x}" for row in rows]), "LICENSE": pa.array(rows)}
        other |= {
            "HEIGHT": pa.array([512.0 if row % 2 else None for row in rows]),
            "similarity": pa.array([1] * len(rows)),
        }
        kept = {name: table[name] for name in table.column_names if name.upper() not in map(str.upper, other)}
        with pa.ipc.new_file(str(file), pa.table(kept | other).schema) as writer:
            writer.write_table(pa.table(kept | other))
    write_info(pool, {"first": pool / "pool", "second": pool / "second"}, model)
    assert stage.main(flags(pool)) == 0
    types = {
        "SAMPLE_ID": str,
        "LICENSE": str,
        "HEIGHT": int,
        "similarity": float,
        "SCORE": float,
        "RANK": int,
        "ROW": str,
    }
    for field, kind in types.items():
        assert {type(record[field]) for record in records_in(pool / "out")} - {type(None)} == {kind}, field


# ---- units, arrays, resuming ----


def test_an_array_of_jobs_selects_what_one_job_selects(pool):
    assert stage.main(flags(pool)) == 0
    for job in range(2):
        assert stage.main(flags(pool, "--job-idx", job, "--total-jobs", 2, output="array")) == 0
    one, two = records_in(pool / "out"), records_in(pool / "array")
    assert sorted(map(json.dumps, one)) == sorted(map(json.dumps, two))


def test_classes_are_searched_together_until_their_prompts_fill_a_block(monkeypatch):
    monkeypatch.setattr(block_search, "BLOCK_PROMPTS", 10)
    prompts = {"a": 4, "b": 6, "c": 1, "with many seed images": 30, "d": 9, "e": 1}
    classes = [ClassPlan(name, ["a prompt"] * count, [], Path("unused")) for name, count in prompts.items()]
    blocks = [[each.name for each in block] for block in block_search.class_blocks(classes)]
    assert blocks == [["a", "b"], ["c"], ["with many seed images"], ["d", "e"]]
    assert block_search.class_blocks([]) == []


def test_one_more_class_asks_only_for_that_class(pool, capsys):
    assert stage.main(flags(pool, "--subset", 2)) == 0
    before = {path.name: path.stat().st_mtime_ns for path in (pool / "out" / ".hits").iterdir()}
    assert stage.main(flags(pool)) == 0
    assert "3 classes, 2 done before" in capsys.readouterr().err
    after = {path.name: path.stat().st_mtime_ns for path in (pool / "out" / ".hits").iterdir()}
    assert len(after) == 3 and before.items() <= after.items()
    fresh = flags(pool, output="fresh")
    assert stage.main(fresh) == 0
    assert bytes_in(pool / "fresh").keys() == bytes_in(pool / "out").keys()
    assert (pool / "fresh" / "chunk_0.json").read_bytes() == (pool / "out" / "chunk_0.json").read_bytes()


def test_a_complete_run_is_not_run_again_and_other_settings_are_not_mixed_in(pool, capsys):
    assert stage.main(flags(pool)) == 0
    first = bytes_in(pool / "out")
    capsys.readouterr()
    assert stage.main(flags(pool)) == 0
    assert "is complete already" in capsys.readouterr().err
    assert stage.main(flags(pool, "--dedup-threshold", "0.999")) == 2
    assert "holds a run with dedup_threshold 0.94 and this one has 0.999" in capsys.readouterr().err
    assert bytes_in(pool / "out") == first
    assert stage.main(flags(pool, "--dedup-threshold", "0.999", "--overwrite")) == 0
    assert bytes_in(pool / "out") != first
    assert len(list((pool / "out" / ".hits").iterdir())) == len(CLASSES)  # the old results are gone
    assert stage.main(flags(pool, "--overwrite")) == 0
    assert bytes_in(pool / "out") == first


def test_killed_at_any_moment_and_run_again_gives_the_same_bytes(pool):
    assert stage.main(flags(pool, output="undisturbed/out")) == 0
    preload = [stage.__name__, block_search.__name__]
    for output in killed_runs(stage.main, preload, lambda name: flags(pool, output=f"{name}/out"), 6):
        assert stage.main(flags(pool, output=f"{output}/out")) == 0
        assert all_bytes_in(pool / output) == all_bytes_in(pool / "undisturbed")
        assert not list((pool / output / "out" / ".hits").glob(".*.part"))


# ---- bad input ----


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--no-text-index", "--no-image-index"], "leave nothing to search"),
        (["--results-per-query", "0"], "--results-per-query 0: must be at least 1"),
        (["--dedup-threshold", "2"], "--dedup-threshold 2.0: is a cosine"),
        (["--classes", "plaid"], "has no class 'plaid'"),
        (["--index-name", "other"], "--index-name other is not in"),
        (["--index-info-path", "/nowhere/indicies.json"], "is not there: it is the indicies.json that"),
        (["--output-dir", "/dev/null/out"], "--output-dir /dev/null/out cannot be written"),
        (["--query-dataset", "Nothing"], "there is no template 'Nothing'; known: "),
        (["--model", "open_clip:no-such-model/none"], "no-such-model"),
        (["--exact", "/tmp", "--nprobe", "4"], "--exact searches no index: leave out --nprobe"),
        (["--ef-search", "16"], "--ef-search: text.index of"),
        (["--where", "nothing > 1"], "metadata has no column 'nothing' (--where); it has "),
        (["--where", "height > (SELECT 1)"], "a subquery is not allowed"),
        (["--where", "height"], "is INTEGER and no condition"),
        (["--url-column", "nothing"], "metadata has no column 'nothing' (--url-column); it has "),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(pool, capsys, more, sentence):
    assert stage.main(flags(pool) + more) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1 and sentence in error and "Traceback" not in error


def test_a_model_of_another_width_is_refused_before_any_search(pool, capsys, tmp_path):
    rng = np.random.default_rng(0)
    index = faiss.IndexFlatIP(48)
    index.add(rng.standard_normal((ROWS, 48)).astype(np.float32))
    faiss.write_index(index, str(pool / "pool" / "text.index"))
    assert stage.main(flags(pool)) == 2
    error = capsys.readouterr().err
    assert f"embeds in {WIDTH} dimensions and text.index of" in error and "has 48" in error and "--model" in error
    assert not (pool / "out" / ".hits").exists()


def test_a_model_of_another_width_is_told_from_its_configuration_even_where_its_weights_are_not(pool, capsys):
    assert stage.main([*flags(pool), "--model", "ViT-L/14"]) == 2  # no network here, no weights
    error = capsys.readouterr().err
    assert f"ViT-L/14 embeds in 768 dimensions and text.index of {pool / 'pool'} has {WIDTH}" in error


def test_metadata_that_is_not_the_indexs_is_refused(pool, capsys):
    (pool / "pool" / "metadata" / "0001.arrow").unlink()
    assert stage.main(flags(pool)) == 2
    assert "text.index holds 3,000 vectors and the metadata 1,000 rows" in capsys.readouterr().err


def test_a_pool_without_a_safety_column_is_refused_until_the_user_says_so(
    tmp_path, pool, model, prompt_vectors, capsys
):
    make_pool(tmp_path / "untagged", prompt_vectors, safety=None)
    write_info(tmp_path, {"untagged": tmp_path / "untagged"}, model)
    assert stage.main(flags(tmp_path)) == 2
    assert "--allow-untagged" in capsys.readouterr().err
    assert stage.main(flags(tmp_path, "--allow-untagged")) == 0
    assert {record["NSFW"] for record in records_in(tmp_path / "out")} == {None}


def test_an_index_that_cannot_give_vectors_back_is_refused(pool, capsys):
    vectors = np.random.default_rng(0).standard_normal((ROWS, WIDTH)).astype(np.float32)
    index = faiss.index_factory(WIDTH, "IVF16,PQ8x4fs", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(pool / "pool" / "image.index"))
    assert stage.main(flags(pool)) == 2
    error = capsys.readouterr().err
    assert "image.index is an index whose vectors cannot be had back" in error and "build it without fast-scan" in error


def test_an_index_folder_with_one_index_is_searched_by_it_alone(pool):
    (pool / "pool" / "text.index").unlink()
    assert stage.main(flags(pool)) == 0
    assert {record["SOURCE"] for record in records_in(pool / "out")} == {"image_index"}


def test_fewer_hits_than_asked_are_counted_and_explained(pool, capsys):
    assert stage.main(flags(pool, "--nprobe", 1, "--results-per-query", 400)) == 0
    assert "a larger --nprobe or --ef-search finds more)" in capsys.readouterr().err
    assert stage.main(flags(pool, "--nprobe", 32, "--results-per-query", ROWS + 7, output="all")) == 0
    asked = 2 * len(PROMPTS) * len(CLASSES)
    talk = capsys.readouterr().err
    assert f"of {asked * (ROWS + 7):,} hits asked: {asked * 7:,} more than the index has rows" in talk
    assert "not found" not in talk


def test_help_needs_no_third_party_package(tmp_path):
    run = subprocess.run([sys.executable, "-S", str(SCRIPT), "--help"], cwd="/", capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "--no-text-index" in run.stdout


# ---- the lines themselves ----


def test_columns_are_encoded_as_records_are_one_by_one():
    rows = [
        {
            "SAMPLE_ID": 2**63 - 1,
            "TEXT": 'a "quoted" \\ back\nslash\x07',
            "similarity": 0.1,
            "SCORE": 1.0,
            "LICENSE": None,
        },
        {
            "SAMPLE_ID": None,
            "TEXT": "Crème “brûlée” \u2028 \x7f 🍮",
            "similarity": 1e-7,
            "SCORE": -2.0,
            "LICENSE": None,
        },
        {"SAMPLE_ID": 0, "TEXT": None, "similarity": None, "SCORE": 0.28 + 1 / 3, "LICENSE": None},
    ]
    columns = {name: pa.array([row[name] for row in rows]) for name in rows[0]}
    for line, row in zip(
        bytes(encode_columns(columns | {"QUERY": 'the "c"'})).decode().split("\n")[:-1], rows, strict=True
    ):
        ours, theirs = (json.loads(each.rstrip(",\n")) for each in (line, encode_record(row | {"QUERY": 'the "c"'})))
        assert list(ours.items()) == list(theirs.items())
        assert list(map(type, ours.values())) == list(map(type, theirs.values()))
    assert bytes(encode_columns({"SCORE": pa.array([], pa.float32())})) == b""


def test_a_tag_of_any_spelling_or_a_score_rejects_and_nothing_else_does():
    texts = pa.table({"NSFW": ["NSFW", "nsfw ", "UNSURE", "UNLIKELY", None, ""]})
    assert tagged_unsafe(safety_tags(texts, {"NSFW": "NSFW"})).tolist() == [True, True, False, False, False, False]
    scores = pa.table({"p": pa.array([0.5, 0.49, None, float("nan"), 1.0])})
    assert tagged_unsafe(safety_tags(scores, {"punsafe": "p"})).tolist() == [True, False, False, False, True]
    assert tagged_unsafe(safety_tags(pa.table({"nsfw": [True, False]}), {"NSFW": "nsfw"})).tolist() == [True, False]


# ---- without an index, and scored again ----


def write_embeddings(folder, prompt_vectors, seed=0) -> dict[str, np.ndarray]:
    """The embeddings that make_pool indexed, as the helpers write them: float16, in several files."""
    (folder / "emb").mkdir()
    written = {}
    for name, file in (("text.index", "text_embed"), ("image.index", "img_emb")):
        index = faiss.read_index(str(folder / "pool" / name))
        index.make_direct_map()
        vectors = index.reconstruct_n(0, ROWS)
        written[name] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
        for number, part in enumerate(np.array_split(written[name], 3)):
            np.save(folder / "emb" / f"{file}_{number:04d}.npy", part)
    return written


def test_an_exact_search_is_a_brute_force_over_all_rows(pool, prompt_vectors):
    written = write_embeddings(pool, prompt_vectors)
    (pool / "pool" / "text.index").unlink()  # no index is needed
    (pool / "pool" / "image.index").unlink()
    assert stage.main(flags(pool, "--exact", pool / "emb", "--classes", "dotted")) == 0
    records = records_in(pool / "out")
    queries = prompt_vectors[len(PROMPTS) : 2 * len(PROMPTS)]
    for source, vectors in (("text_index", written["text.index"]), ("image_index", written["image.index"])):
        scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
        best = np.argsort(-scores, axis=1)[:, :K]
        ours = [record for record in records if record["SOURCE"] == source]
        assert len(ours) > K // 2
        for record in ours:
            prompt = [text.replace("{}", "dotted") for text in PROMPTS].index(record["MATCHED"])
            assert row_of(record) in best[prompt]
            assert record["SCORE"] == pytest.approx(scores[prompt, row_of(record)], abs=1e-5)
        first = [record for record in ours if record["MATCHED"] == PROMPTS[0].replace("{}", "dotted")]
        assert [r["SCORE"] for r in first] == sorted((r["SCORE"] for r in first), reverse=True)


def test_hits_scored_again_have_the_stored_embeddings_scores_and_order(pool, prompt_vectors, model):
    written = write_embeddings(pool, prompt_vectors)
    rough = faiss.index_factory(WIDTH, "IVF8,PQ4", faiss.METRIC_INNER_PRODUCT)
    rough.do_polysemous_training = faiss.downcast_index(rough).do_polysemous_training = False
    vectors = written["image.index"].astype(np.float32)
    rough.train(vectors)
    rough.add(vectors)
    rough.nprobe = 8
    faiss.write_index(rough, str(pool / "pool" / "image.index"))
    only = ["--no-text-index", "--classes", "banded"]
    assert stage.main(flags(pool, *only, output="rough")) == 0
    assert stage.main(flags(pool, *only, "--rerank", pool / "emb", output="fine")) == 0
    scores = prompt_vectors[: len(PROMPTS)] @ vectors.T

    def error(records):
        texts = [text.replace("{}", "banded") for text in PROMPTS]
        return max(abs(r["SCORE"] - scores[texts.index(r["MATCHED"]), row_of(r)]) for r in records)

    fine = records_in(pool / "fine")
    assert error(fine) < 1e-5 < 1e-3 < error(records_in(pool / "rough"))
    first = [r for r in fine if r["MATCHED"] == PROMPTS[0].replace("{}", "banded")]
    assert len(first) > 5
    assert [r["SCORE"] for r in first] == sorted((r["SCORE"] for r in first), reverse=True)
    assert [r["RANK"] for r in first] == sorted(r["RANK"] for r in first)


def test_embeddings_that_are_not_the_pools_are_refused(pool, prompt_vectors, capsys):
    assert stage.main(flags(pool, "--exact", pool / "nowhere")) == 2
    assert "--exact" in capsys.readouterr().err
    write_embeddings(pool, prompt_vectors)
    (pool / "emb" / "img_emb_0002.npy").unlink()
    assert stage.main(flags(pool, "--exact", pool / "emb")) == 2
    assert "img_emb*.npy in" in capsys.readouterr().err
    assert stage.main(flags(pool, "--rerank", pool / "emb")) == 2
    assert "holds 2,000 vectors and the metadata 3,000 rows" in capsys.readouterr().err
    for file in (pool / "emb").glob("img_emb*"):
        file.unlink()
    assert stage.main(flags(pool, "--rerank", pool / "emb")) == 2
    assert "has no img_emb*.npy to score image.index's hits by" in capsys.readouterr().err


def test_a_seed_image_whose_name_is_no_text_is_refused_by_name(pool, capsys):
    folder = pool / "named" / "dotted"
    folder.mkdir(parents=True)
    try:
        (folder / "\udcff.png").write_bytes(b"")
    except OSError:
        pytest.skip("this disk takes no such names")
    assert stage.main(flags(pool, "--seed-images", pool / "named")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: --seed-images ") and said.endswith("rename it") and "udcff" in said


@pytest.mark.oracle
def test_seed_images_are_asked_beside_the_prompts(pool, model, capsys):
    from PIL import Image

    from retrieval.clip_model import load_clip

    (pool / "seeds" / "dotted").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(pool / "seeds" / "dotted" / "mine.png")
    only = ["--no-text-index", "--classes", "banded", "dotted"]
    assert stage.main(flags(pool, *only, output="plain")) == 0
    capsys.readouterr()
    assert stage.main(flags(pool, *only, "--seed-images", pool / "seeds")) == 0
    assert "has none for 1 classes (first: banded)" in capsys.readouterr().err
    by_seed = [record for record in records_in(pool / "out") if record["MATCHED"] == "mine.png"]
    assert [r for r in records_in(pool / "out") if r["MATCHED"] != "mine.png"] == records_in(pool / "plain")
    vectors = load_clip(model, "cpu").encode_images([Image.fromarray(pixels)])
    service = clip_back.KnnService(clip_resources=clip_back.load_clip_indices(pool / "indicies.json", empty_options()))
    answer = service.query(
        embedding_input=vectors[0], modality="image", num_images=K, num_result_ids=K, deduplicate=True
    )  # fmt: skip
    before = {row_of(r) for r in records_in(pool / "plain") if r["QUERY"] == "dotted"}
    expected = [hit["id"] for hit in answer if hit["NSFW"] != "NSFW" and hit["id"] not in before]
    assert [row_of(record) for record in by_seed] == expected and len(expected) > 5
    assert {record["SOURCE"] for record in by_seed} == {"image_index"}
    assert stage.main(flags(pool, "--seed-images", pool / "pool", output="none")) == 2
    assert "has no image of any class" in capsys.readouterr().err


def test_a_seed_image_that_cannot_be_used_is_named_before_the_model_is_loaded(pool, capsys, monkeypatch):
    from PIL import Image

    from retrieval import clip_model

    monkeypatch.setattr(clip_model, "load_clip", None)
    seed = pool / "seeds" / "dotted" / "mine.png"
    seed.parent.mkdir(parents=True)
    (seed.parent / "._other.png").write_bytes(b"a hidden file is no seed")
    Image.new("L", (20_000, 10_000)).save(pool / "large.png")
    Image.new("RGB", (40, 40)).save(pool / "cut.png")
    content = {
        b"no image": "cannot be read as an image",
        (pool / "large.png").read_bytes(): "cannot be read as an image (over 89,478,485 pixels)",
        (pool / "cut.png").read_bytes().replace(b"IDAT", b"ID\0T"): "cannot be read as an image",
        (pool / "cut.png").read_bytes()[:60]: "cannot be read as an image",
    }
    for data, sentence in content.items():
        seed.write_bytes(data)
        assert stage.main(flags(pool, "--seed-images", pool / "seeds", output="broken")) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"error: --seed-images: {seed} {sentence}"), error


def test_a_seed_image_is_searched_for_as_a_browser_shows_it(tmp_path):
    from PIL import Image

    from retrieval.semantic.seed_images import open_seed

    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0] = 255, 0, 0, 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    shown = np.asarray(open_seed(tmp_path / "a.png"))
    assert shown.shape == (3, 2, 3) and shown[0, 1].tolist() == [255, 0, 0] and shown[2, 0].tolist() == [255] * 3
    Image.fromarray(np.full((2, 3), 0x8080, np.uint16)).save(tmp_path / "deep.png")
    assert np.asarray(open_seed(tmp_path / "deep.png"))[0, 0].tolist() == [0x80] * 3


# ---- vectors, ids and columns that are not as they should be ----


@pytest.mark.parametrize(("row", "what"), [(2_950, "has length "), (1_500, "holds NaN"), (0, "is all zeros")])
def test_embeddings_that_are_not_unit_in_any_place_are_refused_by_exact_and_rerank(
    row, what, pool, prompt_vectors, capsys
):
    write_embeddings(pool, prompt_vectors)
    file = pool / "emb" / f"text_embed_000{row // 1_000}.npy"
    rows = np.load(file).astype(np.float32)
    rows[row % 1_000] *= {"has length ": 12, "holds NaN": np.nan, "is all zeros": 0}[what]
    np.save(file, rows)
    assert stage.main(flags(pool, "--exact", pool / "emb")) == 2
    assert f"{file}: row {row % 1_000} {what}" in capsys.readouterr().err
    everything = ["--results-per-query", ROWS, "--nprobe", 32]
    assert stage.main(flags(pool, "--rerank", pool / "emb", *everything, output="again")) == 2
    assert f"{file}: row {row % 1_000} {what}" in capsys.readouterr().err


def test_embeddings_in_another_order_than_the_folders_metadata_are_refused(pool, prompt_vectors, capsys):
    written = write_embeddings(pool, prompt_vectors)["text.index"]
    for file in (pool / "emb").glob("*.npy"):
        file.unlink()
    (pool / "pool" / "metadata.json").write_text(json.dumps({"sources": ["b.parquet", "a.parquet"]}))
    for name, rows in (("a", written[1_000:]), ("b", written[:1_000])):
        np.save(pool / "emb" / f"text_embed_{name}.npy", rows)
        (pool / "emb" / f"text_embed_{name}.json").write_text(json.dumps({"shard": f"{name}.parquet"}))
    only = ["--no-image-index", "--exact", pool / "emb"]
    assert stage.main(flags(pool, *only)) == 2
    error = capsys.readouterr().err
    assert "text_embed_a.npy has the 2,000 rows of a.parquet" in error and "b.parquet (1,000 rows) is in its" in error
    (pool / "pool" / "metadata.json").unlink()  # rows alone tell it, too
    assert stage.main(flags(pool, *only)) == 2


def test_captions_that_do_not_find_their_rows_are_warned_of_and_others_are_not(pool, model, capsys):
    from retrieval.clip_model import load_clip

    assert stage.main(flags(pool, "--classes", "dotted")) == 0
    assert "captions (column caption) find their own row in the text index" in capsys.readouterr().err
    captions = [f"cloth “{row}”" if row % 11 else "" for row in range(ROWS)]
    vectors = load_clip(model, "cpu").encode_texts(captions)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(vectors)
    faiss.write_index(index, str(pool / "pool" / "text.index"))
    assert stage.main(flags(pool, "--classes", "dotted", output="fits")) == 0
    assert "warning" not in capsys.readouterr().err


def test_an_index_whose_ids_are_no_rows_is_a_sentence(pool, capsys):
    index = faiss.read_index(str(pool / "pool" / "text.index"))
    vectors = np.random.default_rng(0).standard_normal((ROWS, WIDTH)).astype(np.float32)
    for number, (key, ids) in enumerate(
        [
            ("IDMap2,Flat", np.arange(ROWS) + 10**12),
            ("IVF8,Flat", np.arange(ROWS) - 7),
            ("IVF8,Flat", np.arange(ROWS) + 7),
        ]
    ):
        index = faiss.index_factory(WIDTH, key, faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            index.train(vectors)
        index.add_with_ids(vectors, ids)
        faiss.write_index(index, str(pool / "pool" / "text.index"))
        everything = ["--results-per-query", ROWS, "--no-image-index", "--classes", "dotted"]
        nprobe = ["--nprobe", 8] if number else []
        assert stage.main(flags(pool, *everything, *nprobe, output=f"out {number}")) == 2
        assert "row i of the metadata must have the id i" in capsys.readouterr().err


def test_every_type_of_column_is_one_type_in_the_records(pool):
    import uuid

    ids = [uuid.UUID(int=row) for row in range(ROWS)]
    tags = pa.array(["NSFW" if row % 5 == 2 else "UNLIKELY" for row in range(ROWS)])
    columns = {"url": [f"http://pool.test/{row}.jpg" for row in range(ROWS)], "caption": [b"\xff cloth"] * ROWS}
    first = {"uid": pa.array([each.bytes for each in ids], pa.binary(16)), "NSFW": tags.dictionary_encode()}
    first |= {"similarity": pa.array(np.full(ROWS, 0.5, np.float16)), "height": pa.array(range(ROWS), pa.uint64())}
    second = {"uid": pa.array(range(ROWS)), "NSFW": tags.cast(pa.binary())}
    second |= {"similarity": pa.array([1] * ROWS), "height": pa.array([-1] * ROWS, pa.int8())}
    for number, part in enumerate((first, second)):
        begin, end = ((0, 1_000), (1_000, ROWS))[number]
        table = pa.table(columns | part)[begin:end]
        with pa.ipc.new_file(str(pool / "pool" / "metadata" / f"000{number}.arrow"), table.schema) as writer:
            writer.write_table(table)
    (pool / "pool" / "metadata" / ".DS_Store").write_bytes(b"no data")
    assert stage.main(flags(pool)) == 0
    records = records_in(pool / "out")
    assert {row_of(record) % 5 for record in records} == {0, 1, 3, 4}
    for record in records:
        row = row_of(record)
        assert record["SAMPLE_ID"] == (str(ids[row]) if row < 1_000 else str(row))
        assert record["HEIGHT"] == (row if row < 1_000 else -1) and type(record["HEIGHT"]) is int
        assert record["similarity"] == (0.5 if row < 1_000 else 1.0) and type(record["similarity"]) is float
        assert record["TEXT"] == "\ufffd cloth" and record["NSFW"] == "UNLIKELY"


def test_the_table_at_the_end_names_the_smallest_classes_first_and_all_short_ones():
    from retrieval.semantic.class_table import class_table

    def summary(kept):
        return {"asked": 1_000, "kept": kept, "score_mean": 0.25 if kept else None}

    many = {f"class {number}": summary(500 + number) for number in range(900)}
    few = {f"rare {number}": summary(number) for number in range(16)}
    lines = list(class_table(many | few))
    assert len(lines) <= 20 and lines[1].split() == ["rare", "0", "1,000", "0"]
    assert lines[2].split() == ["rare", "1", "1,000", "1", "0.2500"]
    assert all(any(name in line for line in lines) for name in few) and "and 904 more classes, 12 to 1,399" in lines[13]
    assert list(class_table({})) == []
    assert len(list(class_table({"one": summary(3)}))) == 2
