"""The semantic filter on a pool's own files: against numpy's brute force, and against --exact on the same rows."""

import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from killed_runs import killed_runs
from range_server import serving
from tiny_clip import WIDTH, write_tiny_clip

import filter_laion_metadata_semantic as stage
from retrieval import remote_file
from retrieval.http_answers import Patience
from retrieval.records import Manifest, chunk_files, read_records, write_manifest
from retrieval.semantic import pool_run

K = 60
SIZES = (700, 1_100, 200)
ROWS = sum(SIZES)
CLASSES = ["banded", "dotted", "striped"]
PROMPTS = ["a photo of a {} texture.", "{} pattern", "a close-up of something {}", "the {} cloth"]
SOURCES = {"text_index": "txt", "image_index": "img"}


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    return write_tiny_clip(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def clip(model):
    from retrieval.clip_model import load_clip

    return load_clip(model, "cpu")


@pytest.fixture(scope="session")
def vectors(clip) -> dict[str, np.ndarray]:
    """Source -> float16 unit rows around the prompts; a third are near-duplicates, some are equal."""
    prompts = clip.encode_texts([prompt.replace("{}", name) for name in CLASSES for prompt in PROMPTS])
    rng, found = np.random.default_rng(0), {}
    for source in SOURCES:
        rows = prompts[rng.integers(0, len(prompts), ROWS)] + 0.15 * rng.standard_normal((ROWS, WIDTH))
        copies = rng.choice(ROWS, ROWS // 3, replace=False)
        rows[copies] = rows[rng.integers(0, ROWS, len(copies))] + 0.01 * rng.standard_normal((len(copies), WIDTH))
        rows[1_500:1_520] = rows[100:120]
        found[source] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    return found


def table() -> pa.Table:
    return pa.table(
        {
            "uid": [f"{row:032x}" for row in range(ROWS)],
            "url": [f"http://pool.test/{row}.jpg" for row in range(ROWS)],
            "text": [f"cloth “{row}” {'of ' * (row % 7)}" if row % 11 else None for row in range(ROWS)],
            "original_height": pa.array([200 + row for row in range(ROWS)], pa.int32()),
            "nsfw": [("UNLIKELY", "UNSURE", "NSFW", None, "UNLIKELY")[row % 5] for row in range(ROWS)],
        }
    )


def parts(rows):
    """One value per shard, of a value per row."""
    ends = np.cumsum(SIZES)
    return [rows[end - size : end] for end, size in zip(ends, SIZES, strict=True)]


@pytest.fixture
def pool(tmp_path, vectors):
    """Three shards of DataComp's kind, each with an npz: one stored, one deflated."""
    (tmp_path / "pool").mkdir()
    for number, part in enumerate(parts(table())):
        pq.write_table(part, tmp_path / "pool" / f"{number}.parquet", row_group_size=256)
    write_npz(tmp_path / "pool", vectors)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "Cloth.py").write_text(f"classes = {CLASSES!r}\ntemplates = {PROMPTS!r}\n")
    return tmp_path


def write_npz(folder: Path, vectors: dict) -> None:
    for number in range(len(SIZES)):
        members = {f"l14_{SOURCES[source]}": parts(rows)[number] for source, rows in vectors.items()}
        (np.savez_compressed if number == 1 else np.savez)(folder / f"{number}.npz", **members)


def flags(folder, model, *more, output="out", pool="pool/*.parquet", keys=True) -> list[str]:
    named = ["--text-features", "l14_txt", "--image-features", "l14_img"] if keys else []
    return [
        "--query-dataset", "Cloth", "--template-dir", str(folder / "templates"), "--output-dir", str(folder / output),
        "--results-per-query", str(K), "--pool", str(folder / pool), "--model", model, "--device", "cpu", *named,
        *map(str, more),
    ]  # fmt: skip


def records_in(folder) -> list[dict]:
    return [record for chunk in chunk_files(folder) for record in read_records(chunk)]


def outputs_of(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}


def brute_force(vectors, queries, names, threshold=0.94) -> list[tuple]:
    """(row, source, MATCHED) of one class, by numpy and the README's rule."""
    seen, found = set(), []
    hits = {}
    for source, rows in vectors.items():
        scores = queries.astype(np.float64) @ rows.astype(np.float64).T
        hits[source] = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    for number, name in enumerate(names):
        for source, rows in vectors.items():
            best = hits[source][number].tolist()
            unit = rows[best].astype(np.float64)
            unit /= np.linalg.norm(unit, axis=1, keepdims=True)
            near = unit @ unit.T > threshold
            left = list(range(len(best)))
            while left:
                group, grown = {left[0]}, 0
                while len(group) > grown:
                    grown = len(group)
                    group |= {other for member in group for other in np.flatnonzero(near[member]).tolist()}
                row = best[left[0]]
                left = [other for other in left if other not in group]
                if row % 5 != 2 and row not in seen:
                    seen.add(row)
                    found.append((row, source, name))
    return found


def selected(records, name) -> list[tuple]:
    starts = dict(zip(("0.parquet", "1.parquet", "2.parquet"), np.cumsum([0, *SIZES]).tolist(), strict=False))
    rows = [record["ROW"].rpartition(":") for record in records if record["QUERY"] == name]
    of_class = [record for record in records if record["QUERY"] == name]
    return [
        (starts[shard] + int(row), record["SOURCE"], record["MATCHED"])
        for (shard, _, row), record in zip(rows, of_class, strict=True)
    ]


def exact_records(folder, model, vectors, *more) -> list[dict]:
    """What --exact selects from an index folder of the same rows."""
    (folder / "index" / "metadata").mkdir(parents=True)
    (folder / "index" / "text.index").touch()
    rows = table()
    with pa.ipc.new_file(str(folder / "index" / "metadata" / "0.arrow"), rows.schema) as writer:
        writer.write_table(rows)
    (folder / "emb").mkdir()
    for source, name in (("text_index", "text_embed"), ("image_index", "img_emb")):
        np.save(folder / "emb" / f"{name}_0.npy", vectors[source])
    info = {"demo": {"indice_folder": str(folder / "index"), "clip_model": model}}
    (folder / "indicies.json").write_text(json.dumps(info))
    assert (
        stage.main(
            [
                "--query-dataset", "Cloth", "--template-dir", str(folder / "templates"), "--device", "cpu",
                "--output-dir", str(folder / "exact"), "--results-per-query", str(K),
                "--index-info-path", str(folder / "indicies.json"), "--exact", str(folder / "emb"), *more,
            ]
        )
        == 0
    )  # fmt: skip
    return records_in(folder / "exact")


def without_row(records) -> list[dict]:
    return [{name: value for name, value in record.items() if name != "ROW"} for record in records]


# ---- the same answer ----


def as_npy(folder: Path, vectors, sizes=SIZES) -> None:
    """clip-retrieval's files, in its folders beside the shards."""
    for source, name in (("text_index", "text_emb"), ("image_index", "img_emb")):
        (folder / name).mkdir()
        ends = np.cumsum(sizes)
        for number, (end, size) in enumerate(zip(ends, sizes, strict=True)):
            np.save(folder / name / f"{name}_{number}.npy", vectors[source][end - size : end])


def as_columns(folder: Path, vectors) -> None:
    lists = [
        pa.FixedSizeListArray.from_arrays(pa.array(vectors["text_index"].ravel()), WIDTH),
        pa.array(list(vectors["image_index"].astype(np.float32)), pa.list_(pa.float32())),
    ]
    for number, part in enumerate(parts(table())):
        for name, values in zip(("text_embedding", "image_embedding"), lists, strict=True):
            part = part.append_column(name, parts(values)[number])
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=256)


@pytest.mark.parametrize("kind", ["npz", "npy", "columns"])
def test_a_pool_selects_what_brute_force_and_an_exact_search_of_the_same_rows_select(kind, pool, model, clip, vectors):
    if kind != "npz":
        for path in (pool / "pool").glob("*.npz"):
            path.unlink()
        as_npy(pool / "pool", vectors) if kind == "npy" else as_columns(pool / "pool", vectors)
    assert stage.main(flags(pool, model, keys=kind == "npz")) == 0
    records = records_in(pool / "out")
    for name in CLASSES:
        prompts = [prompt.replace("{}", name) for prompt in PROMPTS]
        expected = brute_force(vectors, clip.encode_texts(prompts), prompts)
        assert selected(records, name) == expected and len(expected) > K
    exact = exact_records(pool, model, vectors)
    assert without_row(records) == without_row(exact)
    assert [list(record) for record in records] == [list(record) for record in exact]
    assert {record["NSFW"] for record in records} == {"UNLIKELY", "UNSURE", None}
    counts = [json.loads((pool / name / "job_0_of_1.json").read_text())["counts"] for name in ("out", "exact")]
    assert counts[0]["classes"] == counts[1]["classes"]


def test_captions_that_have_no_features_are_embedded_as_the_helper_embeds_them(pool, model, clip, vectors, capsys):
    import compute_text_embeddings as helper

    for path in (pool / "pool").glob("*.npz"):
        path.unlink()
    assert helper.main(["--input-parquet-dir", str(pool / "pool"), "--output-embeddings-dir", str(pool / "text_emb"),
                        "--model", model, "--device", "cpu"]) == 0  # fmt: skip
    capsys.readouterr()
    assert stage.main(flags(pool, model, "--features", pool / "text_emb", keys=False, output="stored")) == 0
    assert "3 shards, 2,000 rows: text: an embedding file per shard" in capsys.readouterr().err
    shutil.move(pool / "text_emb", pool / "away")
    assert stage.main(flags(pool, model, keys=False)) == 0
    assert "3 shards, 2,000 rows: text: captions, embedded now" in capsys.readouterr().err
    assert records_in(pool / "out") == records_in(pool / "stored")
    rows = np.concatenate([np.load(pool / "away" / f"text_embed_{number}.npy") for number in range(3)])
    names = [prompt.replace("{}", "dotted") for prompt in PROMPTS]
    expected = brute_force({"text_index": rows}, clip.encode_texts(names), names)
    assert selected(records_in(pool / "out"), "dotted") == expected
    assert not list((pool / "out").rglob("*.spool"))


def test_what_is_searched_is_said_per_kind_of_shard(pool, model, capsys):
    (pool / "pool" / "2.npz").unlink()
    assert stage.main(flags(pool, model, "--no-image-index")) == 1
    talk = capsys.readouterr().err
    assert "1 shard, 700 rows: text: l14_txt of an npz\n1 shard, 1,100 rows: text: l14_txt of an npz, deflated" in talk
    assert "2.parquet has no npz beside it and no column of vectors 'l14_txt'" in talk
    assert {record["ROW"].partition(":")[0] for record in records_in_partial(pool / "out")} == {
        "0.parquet",
        "1.parquet",
    }


def records_in_partial(folder) -> list[dict]:
    return [record for chunk in chunk_files(folder, allow_partial=True) for record in read_records(chunk)]


# ---- however the work is divided ----


def test_the_records_are_the_same_in_any_order_of_any_files_and_on_any_threads(pool, model, vectors, monkeypatch):
    import faiss

    from retrieval.semantic import pool_run

    assert stage.main(flags(pool, model)) == 0
    first = records_in(pool / "out")
    turned = [str(pool / "pool" / f"{number}.parquet") for number in (2, 0, 1)]
    monkeypatch.setattr(faiss, "omp_get_max_threads", lambda: 5)
    assert stage.main(flags(pool, model, "--pool", *turned, output="turned")) == 0
    assert records_in(pool / "turned") == first
    for path in (pool / "pool").glob("*.npz"):
        path.unlink()
    as_npy(pool / "pool", vectors, sizes=(1, 998, 1_000, 1))
    monkeypatch.setattr(pool_run, "weights_are_here", lambda name: False)  # the captions are not of these vectors
    assert stage.main(flags(pool, model, keys=False, output="laid")) == 0
    assert records_in(pool / "laid") == first


def test_files_laid_across_shards_are_refused_where_captions_do_not_fit_their_rows(pool, model, clip, vectors, capsys):
    captions = [text or "" for text in table()["text"].to_pylist()]
    text = clip.encode_texts(captions).astype(np.float16)
    for path in (pool / "pool").glob("*.npz"):
        path.unlink()
    as_npy(pool / "pool", {"text_index": text, "image_index": text}, sizes=(ROWS,))
    assert stage.main(flags(pool, model, keys=False)) == 0
    assert "text embedding files laid across the shards: 100% of" in capsys.readouterr().err
    turned = np.roll(text, 3, axis=0)
    np.save(pool / "pool" / "text_emb" / "text_emb_0.npy", turned)
    assert stage.main(flags(pool, model, "--no-image-index", keys=False, output="turned")) == 2
    assert "laid across" in (error := capsys.readouterr().err) and "are not of these rows" in error
    np.save(pool / "pool" / "img_emb" / "img_emb_0.npy", turned)
    assert stage.main(flags(pool, model, "--no-text-index", keys=False, output="images")) == 2
    assert "captions rank their own image before" in capsys.readouterr().err


def test_an_array_leaves_units_and_one_command_selects_what_one_job_selects(pool, model, capsys):
    assert stage.main(flags(pool, model)) == 0
    for job in (0, 2):
        assert stage.main(flags(pool, model, "--job-idx", job, "--total-jobs", 4, output="array")) == 0
    capsys.readouterr()
    assert not list((pool / "array").glob("chunk_*"))
    assert stage.main(flags(pool, model, output="array")) == 1
    talk = capsys.readouterr().err
    assert f"missing: {pool}/pool/1.parquet: no job has searched it yet" in talk and "1 shards are not searched" in talk
    assert not list((pool / "array").glob("job_*"))
    for job in (1, 3):
        assert stage.main(flags(pool, model, "--job-idx", job, "--total-jobs", 4, output="array")) == 0
    assert stage.main(flags(pool, model, output="array")) == 0
    assert outputs_of(pool / "array") == outputs_of(pool / "out")
    assert stage.main(flags(pool, model, "--job-idx", 1, "--total-jobs", 4, output="array")) == 0  # requeued too late
    assert outputs_of(pool / "array") == outputs_of(pool / "out")


def test_one_more_shard_searches_only_that_shard_and_a_changed_one_is_searched_again(pool, model, capsys):
    two = [str(pool / "pool" / f"{number}.parquet") for number in (0, 1)]
    assert stage.main(flags(pool, model, "--pool", *two)) == 0
    capsys.readouterr()
    assert stage.main(flags(pool, model)) == 0
    assert "3 shards, 2 searched before" in capsys.readouterr().err
    assert stage.main(flags(pool, model)) == 0
    assert "is complete already" in capsys.readouterr().err
    assert stage.main(flags(pool, model, output="fresh")) == 0
    assert outputs_of(pool / "fresh") == outputs_of(pool / "out")
    shutil.copy(pool / "pool" / "0.npz", pool / "kept.npz")
    members = dict(np.load(pool / "pool" / "0.npz"))
    np.savez(pool / "pool" / "0.npz", **{name: rows[::-1] for name, rows in members.items()})
    capsys.readouterr()
    assert stage.main(flags(pool, model)) == 0
    assert "3 shards, 2 searched before" in capsys.readouterr().err
    assert len([path for path in (pool / "out" / ".hits").iterdir() if path.is_dir()]) == 3


def test_other_features_of_the_same_files_or_other_weights_under_one_name_are_searched_anew(pool, model, capsys):
    import torch

    swapped = ["--text-features", "l14_img", "--image-features", "l14_txt"]
    assert stage.main(flags(pool, model)) == 0
    assert stage.main(flags(pool, model, *swapped)) == 2
    assert 'holds a run with text_features "l14_txt" and this one has "l14_img"' in capsys.readouterr().err
    assert stage.main(flags(pool, model, *swapped, output="swapped")) == 0
    assert outputs_of(pool / "swapped") != outputs_of(pool / "out")
    (pool / "weights").mkdir()
    changing = write_tiny_clip(pool / "weights")
    alone = ["--no-image-index", "--features", str(pool / "templates")]
    assert stage.main(flags(pool, changing, *alone, keys=False, output="weights")) == 0
    before = outputs_of(pool / "weights")
    weights = torch.load(changing.partition("/")[2])
    weights["text_projection"] = weights["text_projection"].roll(1, 0)
    torch.save(weights, changing.partition("/")[2])
    capsys.readouterr()
    assert stage.main(flags(pool, changing, *alone, keys=False, output="weights")) == 0
    assert "complete already" not in capsys.readouterr().err and outputs_of(pool / "weights") != before


def test_killed_at_any_moment_and_run_again_gives_the_same_bytes(pool, model):
    assert stage.main(flags(pool, model, output="undisturbed")) == 0
    preload = [stage.__name__, "retrieval.semantic.pool_run", "retrieval.semantic.pool_merge"]
    for output in killed_runs(stage.main, preload, lambda name: flags(pool, model, output=name), 10):
        assert stage.main(flags(pool, model, output=output)) == 0
        assert outputs_of(pool / output) == outputs_of(pool / "undisturbed")
        assert not list((pool / output / ".hits").glob(".*.part"))


# ---- queries ----


def test_an_ensemble_asks_one_query_per_class_the_mean_of_its_prompts(pool, model, clip, vectors):
    assert stage.main(flags(pool, model, "--prompt-ensemble")) == 0
    records = records_in(pool / "out")
    for name in CLASSES:
        mean = clip.encode_texts([prompt.replace("{}", name) for prompt in PROMPTS]).mean(axis=0)
        expected = brute_force(vectors, (mean / np.linalg.norm(mean))[None], [f"{name} (mean of 4 prompts)"])
        assert selected(records, name) == expected and len(expected) > K // 2
    page = (pool / "out" / "report.html").read_text()
    data = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    assert data["settings"]["prompt_ensemble"] is True and "dotted (mean of 4 prompts)" in page


NAMED = {"banded": ["striped in bands", "Banded"], "dotted": ["polka dot"]}


def with_synonyms(pool) -> None:
    with open(pool / "templates" / "Cloth.py", "a") as file:
        file.write(f"synonyms = {NAMED!r}\n")


@pytest.mark.parametrize("ensemble", [False, True])
def test_all_names_of_a_class_are_asked_by_the_mean_of_each_prompts_embeddings(pool, model, clip, vectors, ensemble):
    with_synonyms(pool)
    assert stage.main(flags(pool, model, "--prompt-names", "all", *["--prompt-ensemble"] * ensemble)) == 0
    records = records_in(pool / "out")
    for name, names in {"banded": ["banded", "striped in bands"], "dotted": ["dotted", "polka dot"]}.items():
        queries = []
        for prompt in PROMPTS:
            mean = clip.encode_texts([prompt.replace("{}", one) for one in names]).mean(axis=0)
            queries.append(mean / np.linalg.norm(mean))
        labels = [prompt.replace("{}", name) + " (mean of 2 names)" for prompt in PROMPTS]
        if ensemble:
            mean = np.mean(queries, axis=0)
            queries, labels = [mean / np.linalg.norm(mean)], [f"{name} (mean of 8 prompts)"]
        assert selected(records, name) == brute_force(vectors, np.array(queries), labels)
    assert {record["MATCHED"] for record in records if record["QUERY"] == "striped"} <= {
        "striped (mean of 4 prompts)", *(prompt.replace("{}", "striped") for prompt in PROMPTS)
    }  # fmt: skip


def counted(pool, matches: dict, jobs: int = 1) -> Path:
    """The folder of a substring run, of which the first job has finished."""
    folder = pool / "counts"
    folder.mkdir(exist_ok=True)
    classes = {name: {"records": sum(of_class.values()), "matches": of_class} for name, of_class in matches.items()}
    manifest = Manifest("substring", {}, {}, {"asked": 1, "done": 1, "missing": {}}, {"classes": classes}, {}, 0, jobs)
    write_manifest(folder, manifest)
    return folder


def test_the_name_that_most_captions_have_stands_in_the_prompts(pool, model, clip, vectors, capsys):
    with_synonyms(pool)
    matches = {"banded": {"banded": 3, "Banded": 1}, "dotted": {"dotted": 2, "polka dot*": 5}}
    ask = ["--prompt-names", "most-written", "--counts", counted(pool, matches)]
    assert stage.main(flags(pool, model, *ask)) == 0
    assert "1 of 3 classes are asked with another name: dotted as polka dot" in capsys.readouterr().err
    records = records_in(pool / "out")
    for name, asked in {"banded": "banded", "dotted": "polka dot", "striped": "striped"}.items():
        prompts = [prompt.replace("{}", asked) for prompt in PROMPTS]
        assert selected(records, name) == brute_force(vectors, clip.encode_texts(prompts), prompts)
    settings = json.loads((pool / "out" / "job_0_of_1.json").read_text())["settings"]
    assert settings["prompt_names"] == "most-written" and settings["names"]["dotted"] == ["polka dot"]
    assert stage.main(flags(pool, model, *ask)) == 0
    assert "is complete already" in capsys.readouterr().err
    counted(pool, {"dotted": {"dotted": 9}})
    assert stage.main(flags(pool, model, *ask)) == 2  # other names are another run
    assert stage.main(flags(pool, model)) == 2


@pytest.mark.parametrize(
    "more, sentence",
    [
        (["--prompt-names", "most-written"], "needs --counts FOLDER"),
        (["--counts", "counts"], "give it with --prompt-names most-written"),
        (
            ["--prompt-names", "most-written", "--counts", "nowhere"],
            "holds no finished run of filter_laion_metadata",
        ),
        (["--prompt-names", "most-written", "--counts", "counts"], "1 of 2 jobs have finished"),
        (["--prompt-names", "all", "--query-dataset", "banded|dotted"], "has no synonyms"),
    ],
)
def test_names_that_nothing_says_are_refused(pool, model, more, sentence, capsys, monkeypatch):
    with_synonyms(pool)
    counted(pool, {"dotted": {"dotted": 2}}, jobs=2)
    monkeypatch.chdir(pool)
    assert stage.main(flags(pool, model, *more)) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("where", ["pool", "index"])
def test_a_negative_prompt_and_a_least_score_change_what_is_selected(where, pool, model, clip, vectors):
    exact_records(pool, model, vectors)

    def run(*more, output):
        index = ["--index-info-path", str(pool / "indicies.json"), "--exact", str(pool / "emb")]
        words = flags(pool, model, *more, output=output)
        if where == "index":
            begin = words.index("--pool")
            words = words[:begin] + words[begin + 2 : words.index("--text-features")] + index + [*map(str, more)]
        assert stage.main(words) == 0
        return records_in(pool / output)

    away = run("--negative", "a drawing of {}", "--negative-weight", 0.3, output="away")
    names = [prompt.replace("{}", "dotted") for prompt in PROMPTS]
    queries = clip.encode_texts(names) - np.float32(0.3) * clip.encode_texts(["a drawing of dotted"])
    expected = brute_force(vectors, queries / np.linalg.norm(queries, axis=1, keepdims=True), names)
    found = [record["URL"] for record in away if record["QUERY"] == "dotted"]
    assert found == [f"http://pool.test/{row}.jpg" for row, _, _ in expected]
    whole = run(output="whole")
    middle = float(np.median([record["SCORE"] for record in whole]))
    high = run("--min-score", middle, output="high")
    assert 0 < len(high) < len(whole) and all(record["SCORE"] >= middle for record in high)
    rows = [(record["QUERY"], record["URL"]) for record in whole if record["SCORE"] >= middle]
    assert set(rows) <= {(record["QUERY"], record["URL"]) for record in high}
    counts = json.loads((pool / "high" / "job_0_of_1.json").read_text())["counts"]["classes"]
    assert all(of_class["low_score"] > 0 for of_class in counts.values())


def test_seed_images_are_asked_beside_the_prompts_of_a_pool(pool, model, clip, vectors):
    from PIL import Image

    (pool / "seeds" / "dotted").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(pool / "seeds" / "dotted" / "mine.png")
    assert stage.main(flags(pool, model, "--seed-images", pool / "seeds", "--classes", "dotted")) == 0
    names = [prompt.replace("{}", "dotted") for prompt in PROMPTS]
    queries = np.concatenate([clip.encode_texts(names), clip.encode_images([Image.fromarray(pixels)])])
    expected = brute_force(vectors, queries, [*names, "mine.png"])
    assert selected(records_in(pool / "out"), "dotted") == expected
    assert "mine.png" in {name for _, _, name in expected}


# ---- features that are not as they should be ----


def test_rows_that_are_not_unit_are_normalised_and_broken_ones_are_never_found(pool, model, clip, vectors):
    spoilt = {source: rows.astype(np.float32) for source, rows in vectors.items()}
    for rows in spoilt.values():
        rows[::3] *= 7
        rows[1::50] = np.nan
        rows[2::50] = 0
        rows[3::50, 4] = np.inf
    write_npz(pool / "pool", spoilt)
    assert stage.main(flags(pool, model)) == 0
    clean = {}
    for source, rows in spoilt.items():
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
        lengths[np.abs(lengths - 1) < 0.01] = 1
        clean[source] = np.nan_to_num(rows / lengths, nan=0.0, posinf=0.0)
        clean[source][1::50] = clean[source][2::50] = clean[source][3::50] = -vectors[source].sum(axis=0) / 9
    broken = {row for row in range(ROWS) if row % 50 in (1, 2, 3)}
    records = records_in(pool / "out")
    for name in CLASSES:
        names = [prompt.replace("{}", name) for prompt in PROMPTS]
        found = selected(records, name)
        assert not broken & {row for row, _, _ in found}
        assert found == brute_force(clean, clip.encode_texts(names), names)
    counts = json.loads((pool / "out" / "job_0_of_1.json").read_text())["counts"]["pool"]
    assert counts["rows"] == ROWS and counts["unusable"] == dict.fromkeys(SOURCES, len(broken))
    assert counts["normalised"]["text_index"] == len([row for row in range(0, ROWS, 3) if row not in broken])


def test_broken_rows_do_not_fill_up_where_fewer_rows_are_left_than_are_asked(pool, model, vectors):
    spoilt = {source: np.where(np.arange(ROWS)[:, None] % 40, 0, rows) for source, rows in vectors.items()}
    write_npz(pool / "pool", spoilt)
    assert stage.main(flags(pool, model)) == 0
    found = {row for name in CLASSES for row, _, _ in selected(records_in(pool / "out"), name)}
    assert found and all(row % 40 == 0 for row in found)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[3_000] ^= 4
    file.write_bytes(data)


def rewrite(change):
    def spoil(file: Path) -> None:
        members = {name: change(name, rows) for name, rows in np.load(file).items()}
        np.savez(file, **{name: rows for name, rows in members.items() if rows is not None})

    return spoil


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def pickled(file: Path) -> None:
    bombs = np.array([Bomb(file.with_suffix(".exploded"))] * SIZES[0], object)
    np.savez(file, l14_img=bombs, l14_txt=bombs)


SPOILT = {
    "cut": (cut, "0.npz is no whole npz or npy file (File is not a zip file)"),
    "a flipped bit": (flip_a_bit, "0.npz is no whole npz or npy file (its checksum differs)"),
    "a missing member": (rewrite(lambda name, rows: rows if "img" in name else None),
                         "0.npz has no member 'l14_txt' (it has l14_img): name one with --text-features"),
    "fewer rows": (rewrite(lambda name, rows: rows[:-1]), "has 699 rows, and"),
    "another width": (rewrite(lambda name, rows: rows[:, :-1].copy()), f"has width {WIDTH - 1}, and open_clip:tiny"),
    "float64": (rewrite(lambda name, rows: rows.astype(float)), "holds float64 of shape (700, 32), not rows of float"),
    "pickled": (pickled, "holds pickled Python objects, which are never opened"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_npz_is_one_sentence_and_the_other_shards_are_searched(what, pool, model, capsys):
    spoil, sentence = SPOILT[what]
    spoil(pool / "pool" / "0.npz")
    assert stage.main(flags(pool, model)) == 1
    talk = capsys.readouterr().err
    assert sentence in talk and "Traceback" not in talk
    assert not list((pool / "pool").glob("*.exploded"))
    manifest = json.loads((pool / "out" / "job_0_of_1.json").read_text())
    assert manifest["coverage"]["asked"] == 3 and manifest["coverage"]["done"] == 2
    assert list(manifest["coverage"]["missing"]) == [f"{pool}/pool/0.parquet"]
    assert {record["ROW"][0] for record in records_in_partial(pool / "out")} == {"1", "2"}
    only = flags(pool, model, pool="pool/0.parquet", output="only")
    assert stage.main(only) == 2 and sentence in capsys.readouterr().err


def test_a_spoilt_shard_is_searched_again_when_it_is_whole(pool, model, capsys):
    whole = (pool / "pool" / "0.npz").read_bytes()
    flip_a_bit(pool / "pool" / "0.npz")
    assert stage.main(flags(pool, model)) == 1
    (pool / "pool" / "0.npz").write_bytes(whole)
    assert stage.main(flags(pool, model)) == 0
    assert stage.main(flags(pool, model, output="fresh")) == 0
    assert records_in(pool / "out") == records_in(pool / "fresh")


def test_columns_and_files_that_do_not_fit_are_one_sentence_each(pool, model, vectors, capsys):
    for path in (pool / "pool").glob("*.npz"):
        path.unlink()
    rows = pa.table({name: column for name, column in zip(table().column_names, table().columns, strict=True)})
    ragged = pa.array([[1.0] * (WIDTH + row % 2) for row in range(ROWS)], pa.list_(pa.float32()))
    double = pa.array([[1.0] * WIDTH] * ROWS, pa.list_(pa.float64()))
    short = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(ROWS * 8, np.float32)), 8)
    sentences = {"ragged": "holds lists of 33 numbers", "double": "not lists of float16", "short": "has width 8, and"}
    for name, values in {"ragged": ragged, "double": double, "short": short}.items():
        pq.write_table(rows.append_column(name, values), pool / "pool" / "0.parquet")
        words = flags(pool, model, "--text-features", name, "--no-image-index", keys=False, pool="pool/0.parquet")
        assert stage.main(words) == 2
        assert sentences[name] in capsys.readouterr().err
    pq.write_table(parts(table())[0], pool / "pool" / "0.parquet")
    as_npy(pool / "pool", {source: part[:-5] for source, part in vectors.items()}, sizes=(700, 1_100, 195))
    assert stage.main(flags(pool, model, keys=False, output="short")) == 1
    assert "text_emb_2.npy has 195 rows, and" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--index-info-path", "indicies.json"], "--pool searches no index: leave out --index-info-path, or --pool"),
        (["--exact", "/tmp"], "--pool searches no index: leave out --exact"),
        (["--nprobe", "4"], "leave out --nprobe"),
        (["--pool", "/nowhere/*.parquet"], "--pool /nowhere/*.parquet matches no file"),
        (["--pool", "/tmp"], "--pool /tmp is a folder: name its shards"),
        (["--features", "/nowhere"], "--features /nowhere is not a folder"),
        (["--min-score", "2"], "--min-score 2.0: is an inner product"),
        (["--where", ""], "--where is empty: give one condition"),
        (["--where", "nothing > 1"], "0.parquet has no column 'nothing' (--where); it has "),
        (["--negative", " "], "--negative is empty"),
        (["--negative-weight", "0"], "--negative-weight 0.0: must be above 0"),
    ],
)
def test_flags_that_do_not_go_together_are_refused_in_a_sentence(pool, model, capsys, more, sentence):
    assert stage.main([*flags(pool, model), *more]) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1 and sentence in error


def test_neither_a_pool_nor_an_index_is_refused_and_so_is_a_pool_without_safety(pool, model, capsys, monkeypatch):
    monkeypatch.chdir(pool / "pool")
    words = flags(pool, model)
    begin = words.index("--pool")
    assert stage.main(words[:begin] + words[begin + 2 :]) == 2
    assert "give --pool SHARD… (the pool's own files), or --index-info-path FILE" in capsys.readouterr().err
    for number in range(3):
        file = pool / "pool" / f"{number}.parquet"
        pq.write_table(pq.read_table(file).drop_columns("nsfw"), file)
    assert stage.main(flags(pool, model)) == 2
    assert "has no NSFW column and no punsafe score" in capsys.readouterr().err
    assert stage.main(flags(pool, model, "--allow-untagged")) == 0
    assert {record["NSFW"] for record in records_in(pool / "out")} == {None}


def test_remote_shards_are_searched_by_their_captions_or_by_features_on_the_disk(pool, model, monkeypatch):
    monkeypatch.setattr("retrieval.remote_http.PATIENCE", Patience(2, 0.05, 2.0))
    only = ["--no-image-index"]
    (pool / "features").mkdir()
    for path in (pool / "pool").glob("*.npz"):
        path.rename(pool / "features" / path.name)
    assert stage.main(flags(pool, model, *only, keys=False)) == 0
    assert stage.main(flags(pool, model, "--features", pool / "features", output="with")) == 0
    with serving(pool / "pool") as server:
        there = ["--pool", *(f"{server.at}/{number}.parquet" for number in range(3))]
        assert stage.main(flags(pool, model, *only, *there, keys=False, output="remote")) == 0
        assert stage.main(flags(pool, model, "--features", pool / "features", *there, output="remote with")) == 0
    assert records_in(pool / "remote") == records_in(pool / "out")
    assert records_in(pool / "remote with") == records_in(pool / "with")


@pytest.fixture
def hub(pool, monkeypatch):
    """The pool as a repository of a hub, and the server."""
    remote_file.footer_of.cache_clear()
    remote_file.ranges_of.cache_clear()
    shutil.copytree(pool / "pool", pool / "served" / "datasets" / "me" / "pool" / "data")
    with serving(pool / "served") as made:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", made.at)
        template = made.at + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("retrieval.remote_http.PATIENCE", Patience(2, 0.05, 2.0))
        yield made


HUB = ("--pool", "hf://datasets/me/pool/data/*.parquet")


def test_features_beside_remote_shards_are_streamed_and_found_on_a_hub_and_on_a_web_server(pool, model, hub, capsys):
    assert stage.main(flags(pool, model)) == 0
    assert stage.main(flags(pool, model, *HUB, output="hub")) == 0
    said = capsys.readouterr().err
    assert "2,000 rows: text: l14_txt of an npz, read where it lies; image: l14_img of an npz, read where it li" in said
    size = sum(path.stat().st_size for path in (pool / "pool").iterdir())
    directories = 3 * 80_000  # of each npz its directory is read three times, and its members' headers once
    assert f" bytes moved of {size:,} in the remote shards\n" in said and hub.sent(of="/data/") < size + directories
    web = ["--pool", hub.at + "/datasets/me/pool/data/{0..2}.parquet"]
    assert stage.main(flags(pool, model, *web, output="web")) == 0
    assert records_in(pool / "out") == records_in(pool / "hub") == records_in(pool / "web")


def test_vectors_in_columns_of_remote_shards_are_read_once(pool, model, vectors, hub):
    for path in (pool / "pool").glob("*.npz"):
        path.unlink()
    as_columns(pool / "pool", vectors)
    data = pool / "served" / "datasets" / "me" / "pool" / "data"
    shutil.rmtree(data)
    shutil.copytree(pool / "pool", data)
    assert stage.main(flags(pool, model, keys=False)) == 0
    assert stage.main(flags(pool, model, *HUB, keys=False, output="hub")) == 0
    assert records_in(pool / "out") == records_in(pool / "hub")
    assert hub.sent(of="/data/") < 1.5 * sum(path.stat().st_size for path in data.iterdir())


def test_remote_features_that_change_are_named_and_the_same_command_lists_them_again(
    pool, model, hub, capsys, monkeypatch
):
    data, search = "datasets/me/pool/data", pool_run.search_units
    words = flags(pool, model, "--pool", f"{hub.at}/{data}/{{0..2}}.parquet")

    def after_a_change(*arguments):
        hub.etags[f"{data}/1.npz"] = '"another"'
        search(*arguments)

    monkeypatch.setattr(pool_run, "search_units", after_a_change)
    assert stage.main(words) == 1
    error = capsys.readouterr().err
    assert f"missing: {hub.at}/{data}/1.parquet: shard {hub.at}/{data}/1.npz has changed since it was listed" in error
    assert error.count("missing: ") == 1
    monkeypatch.setattr(pool_run, "search_units", search)
    assert stage.main(words) == 0 and stage.main(flags(pool, model, output="whole")) == 0
    assert records_in(pool / "out") == records_in(pool / "whole")


def test_a_list_of_another_format_is_searched_like_a_parquet_shard(pool, model, capsys):
    import csv

    rows = parts(table())[2].select(["uid", "url", "text", "nsfw"]).to_pylist()
    with open(pool / "pool" / "2.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({name: value or "" for name, value in row.items()} for row in rows)
    assert stage.main(flags(pool, model, pool="pool/2.parquet", output="parquet")) == 0
    assert stage.main(flags(pool, model, pool="pool/2.csv")) == 0
    assert "200 rows: text: l14_txt of an npz" in capsys.readouterr().err
    (pool / "pool" / "2.csv.gz").write_bytes(gzip.compress((pool / "pool" / "2.csv").read_bytes()))
    assert stage.main(flags(pool, model, pool="pool/2.csv.gz", output="packed")) == 0
    assert "200 rows: text: l14_txt of an npz" in capsys.readouterr().err
    assert without_row(records_in(pool / "packed")) == without_row(records_in(pool / "out"))
    ours, theirs = ([(r["QUERY"], r["URL"], r["SOURCE"], r["SCORE"], r["NSFW"]) for r in records_in(pool / name)]
                    for name in ("out", "parquet"))  # fmt: skip
    assert ours == theirs and len(ours) > 10


@pytest.mark.parametrize("pattern", ["pool/*.parquet", "pool/*.csv"])
def test_a_condition_keeps_the_hits_that_an_exact_search_of_the_same_rows_keeps(pool, model, vectors, pattern):
    condition = ["--where", "original_height BETWEEN 300 AND 1700 AND url NOT LIKE '%7.jpg'"]
    for number, part in enumerate(parts(table())):
        pa.csv.write_csv(part, pool / "pool" / f"{number}.csv")
    assert stage.main(flags(pool, model, pool=pattern, output="every")) == 0
    assert stage.main(flags(pool, model, *condition, pool=pattern)) == 0
    records = records_in(pool / "out")
    kept = exact_records(pool, model, vectors, *condition)
    names = ("QUERY", "URL", "SOURCE", "MATCHED", "RANK")
    assert [[r[name] for name in names] for r in records] == [[r[name] for name in names] for r in kept]
    counts = json.loads((pool / "out" / "job_0_of_1.json").read_text())["counts"]["classes"]
    assert 0 < len(records) < len(records_in(pool / "every")) and all(each["where"] for each in counts.values())


def test_a_list_without_names_is_searched_by_columns_and_its_rows_that_cannot_be_read_are_named(pool, model, capsys):
    (pool / "pool" / "0.npz").unlink()
    rows = [f"a {name} cloth, number {n}\thttp://x.example/{name}/{n}" for name in CLASSES for n in range(9)]
    (pool / "pool" / "0.tsv").write_text("\n".join(rows) + "\n")
    of_list = ["--allow-untagged", "--no-image-index"]
    words = flags(pool, model, *of_list, keys=False, pool="pool/0.tsv")
    assert stage.main(words) == 2
    assert "as --columns caption,url" in capsys.readouterr().err
    assert stage.main([*words, "--columns", "url,caption"]) == 2
    assert stage.main([*words, "--columns", "caption,url"]) == 0
    whole = records_in(pool / "out")
    assert whole and all(record["TEXT"].startswith("a ") for record in whole)
    (pool / "pool" / "0.tsv").write_text("\n".join([*rows, "a\tb\tc"]) + "\n")
    for _ in range(2):
        capsys.readouterr()
        assert stage.main([*words, "--columns", "caption,url"]) == 1
        assert "0.tsv: 1, the first: row 27 has 3 fields, not 2" in capsys.readouterr().err
    manifest = json.loads((pool / "out" / "job_0_of_1.json").read_text())
    assert manifest["coverage"]["lost_rows"] == {str(pool / "pool" / "0.tsv"): [1, "row 27 has 3 fields, not 2"]}


def test_an_empty_shard_is_searched_like_any_other(pool, model, capsys):
    assert stage.main(flags(pool, model)) == 0
    for number, kind in ((3, "npz"), (4, "captions")):
        pq.write_table(table()[:0], pool / "pool" / f"{number}.parquet")
        if kind == "npz":
            np.savez(pool / "pool" / f"{number}.npz", l14_txt=np.zeros((0, WIDTH), np.float16),
                     l14_img=np.zeros((0, WIDTH), np.float16))  # fmt: skip
    with_them = flags(pool, model, output="more", pool="pool/[0-3].parquet")
    assert stage.main(with_them) == 0
    assert records_in(pool / "more") == records_in(pool / "out")
    assert stage.main(flags(pool, model, keys=False, output="none", pool="pool/4.parquet")) == 0
    assert records_in(pool / "none") == []


def test_a_device_that_is_not_there_is_refused_and_no_shard_is_called_bad(pool, model, capsys):
    assert stage.main(flags(pool, model, "--job-idx", 0, "--total-jobs", 1)) == 0
    assert stage.main([*flags(pool, model, "--results-per-query", 30, output="other"), "--device", "cuda:7"]) == 2
    assert "device 'cuda:7' cannot be used" in (error := capsys.readouterr().err) and "left out" not in error


def test_a_database_is_searched_by_its_captions(pool, model):
    import sqlite3

    rows = parts(table())[2]
    with sqlite3.connect(pool / "pool" / "2.db") as database:
        database.execute("CREATE VIRTUAL TABLE samples USING fts5(SAMPLE_ID, URL, TEXT, NSFW)")
        columns = [rows[name].to_pylist() for name in ("uid", "url", "text", "nsfw")]
        database.executemany("INSERT INTO samples VALUES (?, ?, ?, ?)", zip(*columns, strict=True))
    (pool / "pool" / "2.npz").unlink()
    alike = ["--no-image-index"]
    assert stage.main(flags(pool, model, *alike, keys=False, pool="pool/2.parquet", output="parquet")) == 0
    assert stage.main(flags(pool, model, *alike, keys=False, pool="pool/2.db")) == 0
    ours, theirs = ([(r["QUERY"], r["URL"], r["SCORE"], r["NSFW"], r["SAMPLE_ID"]) for r in records_in(pool / name)]
                    for name in ("out", "parquet"))  # fmt: skip
    assert ours == theirs and len(ours) > 10


def test_nothing_is_read_but_headers_before_the_first_refusal(pool, model):
    """The plan imports neither torch nor faiss: a mistake costs a second."""
    code = (
        "import sys, filter_laion_metadata_semantic as stage\n"
        "code = stage.main(sys.argv[1:])\n"
        "assert not {'torch', 'faiss', 'open_clip'} & set(sys.modules), 'imported'\n"
        "sys.exit(code)"
    )
    for number in range(3):
        with zipfile.ZipFile(pool / "pool" / f"{number}.npz", "w") as archive:
            archive.writestr("other.npy", b"")
    run = subprocess.run([sys.executable, "-c", code, *flags(pool, model)], cwd=Path(stage.__file__).parent,
                         capture_output=True, text=True)  # fmt: skip
    assert run.returncode == 2 and "has no member 'l14_txt'" in run.stderr, run.stderr
