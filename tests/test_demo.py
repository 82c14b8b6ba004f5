"""The embedded pool, its image server, its tiny CLIP, and the tables at the end of the demo."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "demo"
CHECKPOINT_LIMIT = 8_000_000  # bytes
FRESH_SEED = 500_000  # neither a seed of the pool (below 100,000) nor of the training (from 1,000,000 on)
COLUMNS = ["SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity"]
SMALL = ("--images", "400", "--other-rows", "5000", "--workers", "1", "--port", "9")


def make_pool(folder: Path, *flags) -> subprocess.CompletedProcess:
    command = [sys.executable, DEMO / "make_pool.py", "--output", folder, *flags]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pool") / "pool"
    done = make_pool(folder, *SMALL)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def truth(pool):
    return parquet.read_table(pool / "ground_truth.parquet").to_pandas()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- the pool ----


def test_the_same_seed_gives_the_same_bytes_whatever_the_workers_and_another_seed_does_not(pool, tmp_path):
    assert make_pool(tmp_path / "again", *SMALL, "--workers", "2").returncode == 0
    assert contents(pool) == contents(tmp_path / "again")
    assert make_pool(tmp_path / "other", *SMALL, "--seed", "1").returncode == 0
    shared = contents(pool).keys() & contents(tmp_path / "other").keys()
    assert not [name for name in shared if name.startswith("pictures/")]


def test_a_pool_that_is_there_is_not_made_again(pool):
    before = (pool / "pool.json").stat().st_mtime_ns
    done = make_pool(pool, *SMALL)
    assert "is there already" in done.stdout and (pool / "pool.json").stat().st_mtime_ns == before


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("keep me")
    done = make_pool(tmp_path, *SMALL)
    assert done.returncode == 2 and "holds other things" in done.stderr
    assert contents(tmp_path) == {"thesis.txt": b"keep me"}


def test_the_pool_is_four_parquet_shards_and_a_database_with_the_columns_of_laion(pool):
    shards = sorted((pool / "shards").iterdir())
    assert [shard.name for shard in shards] == [
        f"part-{n:05d}-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.{'parquet' if n < 4 else 'db'}"
        for n in range(5)
    ]
    tables = [parquet.read_table(shard) for shard in shards[:4]]
    assert all(table.column_names == COLUMNS for table in tables)
    ids = [number for table in tables for number in table["SAMPLE_ID"].to_pylist()]
    connection = sqlite3.connect(shards[4])
    cursor = connection.execute("SELECT * FROM samples")
    assert [column[0] for column in cursor.description] == COLUMNS
    ids += [row[0] for row in cursor]
    named = connection.execute(
        "SELECT count(*) FROM samples WHERE samples MATCH 'TEXT : (texture OR pattern)'"
    ).fetchone()
    connection.close()
    assert named[0] > 10
    assert len(ids) == len(set(ids)) == 5_400 and min(ids) > 2**53


def test_captions_name_the_class_or_mean_it_or_say_nothing_or_lie(truth):
    from web_captions import NOUNS

    shares = truth["caption_kind"].value_counts(normalize=True)
    assert shares["template"] > 0.35 and shares["other words"] > 0.2 and shares["unnamed"] > 0.12
    assert 0.01 < shares["wrong"] < 0.09
    assert truth["class_shown"].nunique() == 20
    dtd = set(_dtd_classes())
    assert set(truth["class_shown"]) <= dtd
    wrong = truth[truth["caption_kind"] == "wrong"]
    assert (wrong["class_named"] != wrong["class_shown"]).all() and set(wrong["class_named"]) <= dtd
    assert truth.loc[truth["caption_kind"] == "unnamed", "class_named"].isna().all()
    assert NOUNS == ("texture", "pattern")


def _dtd_classes() -> list[str]:
    from retrieval_templates import load_template

    return list(load_template("DTD").classes)


def test_the_template_finds_the_captions_that_name_a_class_its_way_and_no_unnamed_one(pool, truth):
    import pyarrow

    from retrieval.substring.matching import Matcher
    from retrieval_templates import load_template

    template = load_template("DTD")
    captions = parquet.read_table(pool / "metadata" / "metadata_0000.parquet")["TEXT"]
    queries = [template.caption_query(name, "substring") for name in template.classes]
    hits = Matcher(queries, "substring").match(captions)
    found = {(int(row), template.classes[query]) for row, query in zip(hits.row, hits.query, strict=True)}
    named = truth["caption_kind"].isin(["template", "wrong"])
    assert found >= {(row, name) for row, name in enumerate(truth["class_named"]) if named[row]}
    assert not {row for row, _ in found} & set(np.flatnonzero(truth["caption_kind"] == "unnamed"))
    others = pyarrow.concat_arrays(
        parquet.read_table(path)["TEXT"].combine_chunks() for path in (pool / "shards").glob("*.parquet")
    ).filter(
        pyarrow.compute.starts_with(
            pyarrow.concat_arrays(
                parquet.read_table(path)["URL"].combine_chunks() for path in (pool / "shards").glob("*.parquet")
            ),
            "http://127.0.0.1:9/others/",
        )
    )
    assert len(others) > 3_000 and len(Matcher(queries, "substring").match(others).row) == 0


def test_captions_have_capitals_accents_and_typographic_quotes(pool):
    captions = parquet.read_table(pool / "metadata" / "metadata_0000.parquet")["TEXT"].to_pylist()
    assert 5 < sum(text.isupper() for text in captions) < 80
    assert sum(any(letter in text for letter in "éöüãáñø") for text in captions) > 20
    assert sum("“" in text or "’" in text.lower() for text in captions) > 20


def test_every_image_decodes_at_its_size_and_dead_links_have_one_too(pool):
    from PIL import Image

    rows = parquet.read_table(pool / "metadata" / "metadata_0000.parquet").to_pylist()
    assert len(rows) == 400
    for row in rows:
        with Image.open(pool / "pictures" / row["image_path"]) as image:
            image.load()
            assert image.size == (row["WIDTH"], row["HEIGHT"]) and image.mode == "RGB"
            assert np.asarray(image).std() > 8  # none is one flat colour


# ---- the server ----


@pytest.fixture()
def server(pool, tmp_path):
    from image_server import make_server

    server = make_server(pool, tmp_path / "requests.log", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, tmp_path / "requests.log"
    server.shutdown()
    server.server_close()


def get(server, path: str):
    return urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=60)


def test_the_server_answers_with_images_pages_404_and_late_and_logs_each_path(pool, server):
    server, log = server
    answers = json.loads((pool / "answers.json").read_text())
    path = {answer: next(path for path in answers if answers[path] == answer) for answer in set(answers.values())}
    assert set(path) == {"picture", "dead", "html", "slow"}
    with get(server, path["picture"]) as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.read() == (pool / "pictures" / Path(path["picture"]).name).read_bytes()
    with get(server, path["html"]) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    began = time.monotonic()
    with get(server, path["slow"]) as answer:
        assert answer.read()[:2] == b"\xff\xd8" and time.monotonic() - began >= 1
    asked = [path["picture"], path["html"], path["slow"], path["dead"], "/others/1.jpg", "/images/../pool.json"]
    for gone in asked[3:]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(server, gone)
        assert refused.value.code == 404
    assert log.read_text().splitlines() == asked


def test_a_pool_that_is_not_there_is_one_sentence(tmp_path):
    command = [sys.executable, str(DEMO / "image_server.py"), "--pool", str(tmp_path), "--log", str(tmp_path / "log")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: cannot serve") and done.stderr.count("\n") == 1


# ---- the model ----


@pytest.fixture(scope="module")
def clip():
    from retrieval.clip_model import load_clip

    return load_clip(f"open_clip:demo-clip/{DEMO / 'demo-clip.pt'}")


@pytest.fixture(scope="module")
def fresh(clip):
    """(class numbers, embeddings) of drawings that neither the pool nor the training uses."""
    from draw_textures import CLASSES, draw
    from PIL import Image

    shown = [number for number in range(len(CLASSES)) for _ in range(20)]
    drawings = [draw(CLASSES[number], FRESH_SEED + row, 200, 224).pixels for row, number in enumerate(shown)]
    return np.array(shown), clip.encode_images([Image.fromarray(pixels) for pixels in drawings])


def test_the_checkpoint_is_small_enough_for_the_repository():
    assert (DEMO / "demo-clip.pt").stat().st_size <= CHECKPOINT_LIMIT


def test_zero_shot_on_fresh_drawings_is_right_19_times_in_20(clip, fresh):
    from draw_textures import CLASSES

    from retrieval_templates import load_template

    shown, images = fresh
    prompts = load_template("DTD").templates
    classes = np.stack([clip.encode_texts([prompt.format(name) for prompt in prompts]).mean(0) for name in CLASSES])
    assert ((images @ classes.T).argmax(1) == shown).mean() >= 0.95


def test_images_of_one_class_are_not_taken_for_near_duplicates(fresh):
    shown, images = fresh
    close = images @ images.T > 0.94
    np.fill_diagonal(close, False)
    assert close[shown[:, None] == shown].mean() < 0.02


def test_a_drawing_is_the_same_image_at_another_size():
    import cv2
    from draw_textures import draw

    large, small = draw("chequered", 3, 256, 256), draw("chequered", 3, 128, 128)
    assert (large.ink, large.ground, large.scale) == (small.ink, small.ground, small.scale)
    shrunk = cv2.resize(large.pixels, (128, 128), interpolation=cv2.INTER_AREA).astype(float)
    assert np.corrcoef(shrunk.ravel(), small.pixels.astype(float).ravel())[0, 1] > 0.9


# ---- the tables at the end ----


@pytest.fixture()
def finished(pool, truth, tmp_path, monkeypatch):
    """A demo folder whose filters each found all live images but one, and the log of its downloads."""
    import run_demo

    live = truth[truth["answer"].isin(["picture", "slow"]) & (truth["NSFW"] != "NSFW")]
    pairs = list(zip(live["URL"], live["class_shown"], strict=True))
    for way, found in (("substring", pairs[1:]), ("semantic", pairs[:-1]), ("no_index", pairs[:-2])):
        (tmp_path / way).mkdir()
        records = [{"URL": url, "QUERY": name} for url, name in found]
        (tmp_path / way / "chunk_0.json").write_text(json.dumps(records))
    placed = {str(key): {"url": url, "QUERY": name} for key, (url, name) in enumerate(pairs)}
    for folder in ("dataset", "judged"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "metadata.json").write_text(json.dumps(placed))
    log = tmp_path / "requests.log"
    log.write_text("".join(url.removeprefix("http://127.0.0.1:9") + "\n" for url, _ in pairs))
    monkeypatch.setattr(run_demo, "DEMO", tmp_path)
    return log, pairs


def test_the_table_counts_what_each_way_found_and_misses(pool, finished, capsys):
    import run_demo

    log, pairs = finished
    assert run_demo.report(pool, log)
    said = capsys.readouterr().out
    count = f"{len(pairs):,}"
    assert f"select {len(pairs) - 2:,} of these {len(pairs) - 1:,} pairs" in said and "no index   " in said
    assert f"both             {count}" in said and said.count("misses 1 right images") == 2 and " 0 of them" in said


def test_the_second_table_counts_how_right_a_few_images_per_class_are(pool, finished, tmp_path, capsys):
    import run_demo

    _, pairs = finished
    wrong = [(url, "another class") for url, _ in pairs[:30]]
    for way, placed in zip(run_demo.FEW_WAYS, (pairs[:90] + wrong[:10], pairs[:100], wrong, pairs), strict=True):
        (tmp_path / "few" / way).mkdir(parents=True)
        entries = {str(key): {"url": url, "QUERY": name} for key, (url, name) in enumerate(placed)}
        (tmp_path / "few" / way / "metadata.json").write_text(json.dumps(entries))
    run_demo.report_few(pool)
    substring, semantic, union, rrf = capsys.readouterr().out.splitlines()[-4:]
    count = len(pairs)
    assert substring.split() == ["substring", "100", "90", "0.900", f"{90 / count:.3f}"]
    assert semantic.split() == ["semantic", "100", "100", "1.000", f"{100 / count:.3f}"]
    assert union.split() == ["union", "30", "0", "0.000", "0.000"]
    assert rrf.split() == ["rrf", str(count), str(count), "1.000", "1.000"]


@pytest.mark.parametrize(("both_alone", "judged_alone", "p", "fine"), [(9, 1, 0.02, False), (1, 9, 0.02, True)])
def test_the_third_table_has_five_accuracies(
    pool, finished, tmp_path, capsys, both_alone, judged_alone, p, fine
):  # fmt: skip
    import run_demo

    _, pairs = finished
    for folder in run_demo.PROBED.values():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        entries = {str(key): {"url": url, "QUERY": name} for key, (url, name) in enumerate(pairs[:80])}
        (tmp_path / folder / "metadata.json").write_text(json.dumps(entries))
    of = {"accuracy": 0.9, "low": 0.871, "high": 0.9234}
    probed = {"test": {"pictures": 500}, "zero_shot": {"accuracy": of | {"accuracy": 0.8}}}
    probed["datasets"] = [{"name": Path(folder).name, "accuracy": of} for folder in run_demo.PROBED.values()]
    pair = {"this": "dataset", "other": "judged", "only_this": both_alone, "only_other": judged_alone, "p": p}
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "probe.json").write_text(json.dumps(probed | {"pairs": [pair]}))
    assert run_demo.report_probe(pool) == fine
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "to" in line.split()]
    assert [line[0] for line in lines] == [*run_demo.PROBED, "zero-shot"] and len(lines) == 5
    assert lines[0][1:] == ["80", "1.000", "0.900", "0.871", "to", "0.923"] and lines[-1][1:3] == ["0", "0.800"]


def test_no_drawing_of_the_test_set_is_in_the_pool_or_the_training_and_it_is_the_same_again(tmp_path):
    import make_test_set

    for folder in ("one", "again"):
        assert make_test_set.main(["--output", str(tmp_path / folder), "--each", "2", "--workers", "1"]) == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "again") and len(contents(tmp_path / "one")) == 40
    assert 100_000 <= make_test_set.FIRST_SEED < 1_000_000 - make_test_set.EACH


def test_the_demo_fails_when_a_tagged_image_was_requested(pool, truth, finished, capsys):
    import run_demo

    log, _ = finished
    tagged = truth.loc[truth["NSFW"] == "NSFW", "URL"].iloc[0]
    with log.open("a") as file:
        print(tagged.removeprefix("http://127.0.0.1:9"), file=file)
    assert not run_demo.report(pool, log)
    assert "FAILED: an image tagged NSFW was requested" in capsys.readouterr().out


def test_the_demo_fails_when_a_tenth_of_the_images_is_missing(pool, finished, tmp_path, capsys):
    import run_demo

    log, pairs = finished
    placed = {str(key): {"url": url, "QUERY": name} for key, (url, name) in enumerate(pairs[len(pairs) // 9 :])}
    (tmp_path / "dataset" / "metadata.json").write_text(json.dumps(placed))
    assert not run_demo.report(pool, log)
    assert "FAILED: recall of both is below 0.9" in capsys.readouterr().out


def test_a_port_in_use_ends_the_demo_with_its_reason(tmp_path, pool, server):
    server, _ = server
    command = [sys.executable, DEMO / "image_server.py", "--pool", pool, "--log", tmp_path / "other.log"]
    command += ["--port", server.server_port]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and "in use" in done.stderr and "--port" in done.stderr
