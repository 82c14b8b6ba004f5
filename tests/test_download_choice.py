"""What the downloader chooses: several folders combined, caps, classes filled, images that differ."""

import contextlib
import itertools
import math
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from download_server import arguments, choice_of, chunks, contents, loaded, planned, record
from process_tree import process_tree

from retrieval.download.plan_choice import count_dropped, list_classes
from retrieval.download.plan_fetch import (
    begin_fill,
    drop_surplus,
    go_further,
    read_results,
    want_answered,
    write_url_list,
)
from retrieval.download.plan_outcome import count_outcome, judge
from retrieval.embeddings import open_embeddings
from retrieval.farthest_points import farthest_points

pytest_plugins = "download_server"  # the fixtures `server` and `download`


def wanted(database) -> set[tuple[str, str]]:
    """(URL, class) of the wanted pairs."""
    return set(
        database.execute("SELECT DISTINCT URL, QUERY FROM asked WHERE key IN (SELECT key FROM wanted)").fetchall()
    )


def two_folders(luck: random.Random, rows: int = 300) -> list[list[dict]]:
    """Records of a substring filter and of a semantic one, with repeats, that share some of their URLs."""
    urls, classes = [f"http://example.com/{number}.jpg" for number in range(80)], ["a", "b", "c"]
    substring = [
        record(luck.choice(urls), luck.choice(classes), similarity=luck.choice([None, 0.2, 0.25, 0.3]))
        for _ in range(rows)
    ]
    semantic = [
        record(luck.choice(urls), luck.choice(classes), SOURCE=luck.choice(["text_index", "image_index"]),
               SCORE=luck.choice([0.2, 0.3, 0.4]), RANK=luck.randrange(30), ROW=luck.randrange(1000))
        for _ in range(rows)
    ]  # fmt: skip
    return [substring, semantic]


def fused_by_hand(folders: list[list[dict]]) -> dict[tuple[str, str], float]:
    """Reciprocal rank fusion as the paper has it: r(d) counts from 1, k is 60."""
    scores = defaultdict(list)
    for rows in folders:
        best: dict = {}
        for position, row in enumerate(rows):
            pair = (row["URL"], row["QUERY"])
            rank = math.inf if row["RANK"] is None else row["RANK"]
            score = -(row["SCORE"] or 0)
            similarity = math.inf if row["similarity"] is None else -row["similarity"]
            old = best.get(pair, (math.inf, math.inf, math.inf, position))
            best[pair] = (min(old[0], rank), min(old[1], score), min(old[2], similarity), old[3])
        lists = defaultdict(list)
        for pair in sorted(best, key=best.get):
            lists[pair[1]].append(pair)
        for listed in lists.values():
            for rank, pair in enumerate(listed, 1):
                scores[pair].append(1 / (60 + rank))
    return {pair: math.fsum(parts) for pair, parts in scores.items()}


@pytest.mark.parametrize("seed", range(3))
def test_rrf_scores_are_those_of_the_formula_and_a_cap_keeps_the_highest(tmp_path, seed):
    folders = two_folders(random.Random(seed))
    database = planned(tmp_path, *folders, combine="rrf", max_per_class=10)
    expected = fused_by_hand(folders)
    found = database.execute("SELECT DISTINCT URL, QUERY, fused_score FROM pairs JOIN asked USING (key)").fetchall()
    assert {(url, name): pytest.approx(score, abs=1e-15) for url, name, score in found} == expected
    for name in "abc":
        kept = {expected[pair] for pair in wanted(database) if pair[1] == name}
        left = {expected[pair] for pair in expected if pair[1] == name and pair not in wanted(database)}
        assert len([pair for pair in wanted(database) if pair[1] == name]) == 10
        assert min(kept) >= max(left) - 1e-15


def test_intersection_wants_what_every_folder_holds_and_counts_every_row_of_the_rest(tmp_path):
    folders = two_folders(random.Random(0))
    database = planned(tmp_path, *folders, combine="intersection")
    substring, semantic = ({(row["URL"], row["QUERY"]) for row in rows} for rows in folders)
    assert wanted(database) == substring & semantic
    rest = [row for rows in folders for row in rows if (row["URL"], row["QUERY"]) not in substring & semantic]
    dropped = count_dropped(database)
    assert dropped["not in every folder"] == len(rest)
    assert len(substring & semantic) + sum(dropped.values()) == 600


def test_a_folder_that_found_nothing_leaves_an_empty_intersection(tmp_path):
    database = planned(tmp_path, [record("http://example.com/a.jpg")], [], combine="intersection")
    assert wanted(database) == set()
    assert count_dropped(database) == {"not in every folder": 1}


def test_a_pair_that_is_unsafe_in_one_folder_is_unsafe_and_not_merely_uncommon(tmp_path):
    url = "http://example.com/a.jpg"
    database = planned(tmp_path, [record(url, NSFW="NSFW"), record(url, "b")], [record(url)], combine="intersection")
    assert count_dropped(database) == {"NSFW": 3}


def test_union_with_one_folder_and_rrf_with_one_folder_differ_only_in_what_a_cap_keeps(tmp_path):
    rows = [record(f"http://example.com/{n}.jpg", SCORE=0.5, RANK=29 - n) for n in range(30)]
    assert wanted(planned(tmp_path, rows)) == wanted(planned(tmp_path, rows, combine="rrf"))
    best = wanted(planned(tmp_path, rows, combine="rrf", max_per_class=3))
    assert best == {(f"http://example.com/{n}.jpg", "banded") for n in (27, 28, 29)}


def test_what_both_filters_found_is_placed_with_the_provenance_of_both(server, tmp_path, download):
    urls = [f"{server.at}/jpeg/{number}" for number in range(3)]
    chunks(tmp_path / "a", [record(url) for url in urls[:2]])
    chunks(tmp_path / "b", [record(url, SOURCE="text_index", SCORE=0.4, RANK=n) for n, url in enumerate(urls[1:])])
    download("--combine", "intersection", r=("a", "b"))
    report, metadata, _ = loaded(tmp_path)
    assert server.asked == ["/jpeg/1"]
    (entry,) = metadata.values()
    assert [source["SOURCE"] for source in entry["sources"]] == ["substring", "text_index"]
    assert report["dropped"] == {"not in every folder": 2, "repeated (same URL and class)": 1}


def test_a_combination_that_changes_nothing_says_so(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    said = download("--combine", "rrf", "--dry-run").stderr
    assert "without --max-per-class, --fill or --n it changes nothing" in said
    assert "changes nothing with one --r folder" in download("--combine", "intersection", "--dry-run").stderr


# ---- --min-score ----


def test_min_score_drops_what_scores_below_it_in_every_row_or_has_no_score(tmp_path):
    rows = [record(f"http://x.org/{name}", SCORE=score) for name, score in
            (("high", 0.5), ("edge", 0.3), ("low", 0.29), ("twice", 0.1), ("twice", 0.4), ("none", None))]  # fmt: skip
    database = planned(tmp_path, rows, min_score=0.3)
    assert {url.rpartition("/")[2] for url, _ in wanted(database)} == {"high", "edge", "twice"}
    assert count_dropped(database) == {"below --min-score": 2, "repeated (same URL and class)": 1}


def test_min_score_is_refused_where_no_row_has_a_score_or_it_is_no_number(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://x.org/1")])
    assert "none of its 1 rows has a SCORE for --min-score" in download("--min-score", 0.2, code=2).stderr
    assert "--min-score nan is no number" in download("--min-score", "nan", code=2).stderr


# ---- --max-punsafe ----


def test_max_punsafe_drops_what_scores_above_it_in_any_row_and_takes_a_score_for_a_tag(tmp_path):
    at = "http://example.com/"
    rows = [
        record(at + "tagged, low", punsafe=0.05),
        record(at + "at the threshold", punsafe=0.2),
        record(at + "above", punsafe=0.21),
        record(at + "low here", punsafe=0.1),
        record(at + "low here", "dotted", punsafe=0.9),
        record(at + "no score"),
        record(at + "untagged, low", NSFW=None, punsafe=0.1),
        record(at + "untagged, no score", NSFW=None, punsafe=None),
        record(at + "tagged NSFW", NSFW="NSFW", punsafe=0.01),
    ]
    database = planned(tmp_path, rows, max_punsafe=0.2)
    stay = {"tagged, low", "at the threshold", "no score", "untagged, low"}
    assert wanted(database) == {(at + name, "banded") for name in stay}
    assert count_dropped(database) == {"over --max-punsafe": 3, "no NSFW tag": 1, "NSFW": 1}
    assert count_dropped(planned(tmp_path, rows)) == {"no NSFW tag": 1, "NSFW": 1}


def test_max_punsafe_is_refused_where_no_row_has_a_score_or_it_is_no_probability(tmp_path, download):
    chunks(tmp_path / "chunks", [record("http://example.com/a.jpg")])
    assert "no row has a punsafe score" in download("--max-punsafe", 0.2, code=2).stderr
    assert "--max-punsafe is a probability" in download("--max-punsafe", 20, code=2).stderr


# ---- --fill ----


def read_answers(database, answers: dict, file: Path) -> None:
    """Give the plan the answers (url -> sha256, None: dead) as a round's file."""
    image = {"reason": None, "width": 1, "height": 1, "original_width": 1, "original_height": 1, "file": "x"}
    listed = [
        image | {"url": url, "sha256": sha} | ({} if sha else {"reason": "HTTP 404"}) for url, sha in answers.items()
    ]
    schema = pa.schema(
        [(name, pa.string() if name in ("url", "reason", "sha256", "file") else pa.int32())
         for name in ("url", "reason", "sha256", "width", "height", "original_width", "original_height", "file")]
    )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(listed, schema), file)
    read_results(database, [file])


def filled(tmp_path, rows: list[dict], web: dict, luck: random.Random, stops: float, **settings):
    """Run --fill over a web of url -> sha256 (None: dead); with probability `stops` a round is cut anywhere, and only
    its answers so far are kept. Gives (kept (class, url) pairs, rows dropped by reason, URLs asked)."""
    answers: dict = {}
    choice, file = choice_of(**settings), tmp_path / "answers.parquet"

    def begun():
        database = planned(tmp_path, rows, **settings)
        read_answers(database, answers, file)
        list_classes(database, choice)
        begin_fill(database, choice.fill)
        return database

    database = begun()
    while True:
        if write_url_list(database, tmp_path / "urls.parquet", 1_000_000):
            todo = pq.read_table(tmp_path / "urls.parquet")["url"].to_pylist()
            stopped = luck.random() < stops
            luck.shuffle(todo)
            for url in todo[: luck.randrange(len(todo) + 1) if stopped else len(todo)]:
                answers[url] = web[url]
            if stopped:
                database.close()
                database = begun()
            else:
                read_answers(database, answers, file)
            continue
        judge(database)
        if not go_further(database, choice.fill):
            break
    want_answered(database)
    judge(database)
    drop_surplus(database, choice.fill)
    images, failed = count_outcome(database)
    dropped = count_dropped(database) + failed
    assert images + sum(dropped.values()) == len(rows)
    kept = database.execute(
        "SELECT DISTINCT class, URL FROM outcome JOIN asked USING (key) WHERE drop_reason IS NULL"
    ).fetchall()
    assert len(kept) == images
    return set(kept), dropped, set(answers)


def uneven_web(luck: random.Random) -> tuple[list[dict], dict]:
    """Rows of three classes by descending score, and a web where half is dead, some images have many URLs, and one
    file is a placeholder on one host."""
    urls = [f"http://example.com/{number}.jpg" for number in range(200)]
    web = {url: luck.choice([None, None, url, f"same{luck.randrange(20)}"]) for url in urls}
    web |= dict.fromkeys(luck.sample(urls, 40), "placeholder")
    rows = [
        record(url, name, SCORE=1 - position / 1000)
        for name in ("a", "b", "c")
        for position, url in enumerate(luck.sample(urls, {"a": 120, "b": 60, "c": 10}[name]))
    ]
    return rows, web


@pytest.mark.parametrize("seed", range(2))
def test_fill_keeps_the_first_live_images_of_each_list_wherever_it_was_stopped(tmp_path, seed):
    luck = random.Random(seed)
    rows, web = uneven_web(luck)
    kept, dropped, asked = filled(tmp_path, rows, web, luck, 0, fill=12, prefer="score")
    seen = sum(web[url] == "placeholder" for url in asked)
    nothing = {None, "placeholder"} if seen >= 10 else {None}  # fewer are taken for one image at several addresses
    expected = set()
    for name in "abc":
        images: dict = {}
        for row in (row for row in rows if row["QUERY"] == name):
            if web[row["URL"]] not in nothing and len(images) < 12:
                images.setdefault(web[row["URL"]], row["URL"])
        expected |= {(name, url) for url in images.values()}
    assert kept == expected
    assert dropped["not needed: class is full"] > 20 and len(asked) < 170
    again = filled(tmp_path, rows, web, luck, 0.7, fill=12, prefer="score")
    assert (again[0], again[1]) == (kept, dropped)


def test_fill_ends_with_full_folders_asks_for_nothing_twice_and_tops_up_later(server, tmp_path, download):
    kinds = ["jpeg", "gone", "jpeg", "status/500", "gone"]
    rows = [
        record(f"{server.at}/{kinds[n % 5]}/{n}", name, RANK=n, SCORE=0.5) for n in range(60) for name in ("a", "b")
    ]
    rows += [record(f"{server.at}/jpeg/c", "c"), record(f"{server.at}/gone/c", "c")]
    chunks(tmp_path / "chunks", rows)
    done = download("--fill", 6, "--prefer", "score")
    report, metadata, _ = loaded(tmp_path)
    alive = [n for n in range(60) if kinds[n % 5] == "jpeg"][:6]
    assert {(entry["QUERY"], entry["url"]) for entry in metadata.values()} == {
        (name, f"{server.at}/jpeg/{n}") for n in alive for name in ("a", "b")
    } | {("c", f"{server.at}/jpeg/c")}
    assert report["dropped"]["not needed: class is full"] > 60
    assert "1 classes have fewer, as their lists end (first: c)" in done.stderr
    assert len(server.asked) == len(set(server.asked)) < 30

    before = contents(tmp_path / "dataset")
    server.asked.clear()
    download("--fill", 6, "--prefer", "score")
    assert server.asked == [] and contents(tmp_path / "dataset") == before

    chunks(tmp_path / "more", [record(f"{server.at}/jpeg/more{n}", "a", RANK=0, SCORE=0.9) for n in range(5)])
    download("--fill", 8, "--prefer", "score", r=("chunks", "more"))
    report, metadata, _ = loaded(tmp_path)
    assert [report["classes"][name]["kept"] for name in "abc"] == [8, 8, 1]
    assert sum("more" in entry["url"] for entry in metadata.values()) == 2


def test_fill_goes_no_further_than_a_cap_on_its_class(tmp_path):
    dead = dict.fromkeys([f"http://example.com/{n}.jpg" for n in range(20)])
    _, dropped, asked = filled(tmp_path, list(map(record, dead)), dead, random.Random(0), 0, fill=2, max_per_class=7)
    assert dropped == {"HTTP 404": 7, "over --max-per-class": 13} and len(asked) == 7


def test_fill_reaches_beyond_a_host_that_has_given_nothing(tmp_path):
    hosts = ["live", "dead"] * 5 + ["dead"] * 30 + ["live"] * 40
    web = {f"http://{host}.test/{n}.jpg": None if host == "dead" else str(n) for n, host in enumerate(hosts)}
    rows = [record(url, RANK=n, SCORE=1 - n / 1000) for n, url in enumerate(web)]
    database = planned(tmp_path, rows, fill=10, prefer="score")
    list_classes(database, choice_of(fill=10, prefer="score"))
    begin_fill(database, 10)
    read_answers(database, dict(itertools.islice(web.items(), 10)), tmp_path / "answers.parquet")
    judge(database)
    further = go_further(database, 10)
    assert 30 + 5 <= further < 30 + 20  # 15 by the class's share alone: a round of dead URLs


def test_fill_killed_and_run_again_makes_the_same_folder(server, tmp_path, download):
    server.latency = 0.05
    kinds = ["jpeg", "gone", "placeholder", "gone", "jpeg", "same"]
    rows = [record(f"{server.at}/{kinds[n % 6]}/{n % 150}", ["a", "b"][n % 2]) for n in range(200)]
    chunks(tmp_path / "chunks", rows)
    command = [sys.executable, "download_urls_img2dataset.py", *map(str, arguments(tmp_path, "--fill", 15))]
    run = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stderr=subprocess.DEVNULL)
    while run.poll() is None and next((tmp_path / "work").glob("images-*/round-00001.parquet"), None) is None:
        time.sleep(0.01)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(timeout=random.uniform(0, 3))
    started = process_tree(run.pid)
    run.kill()
    run.wait()
    while any(process in process_tree(process) for process in started):  # what it had started ends by itself
        time.sleep(0.1)
    download("--fill", 15)
    download("--fill", 15, w="work2", out="undisturbed/dataset")
    assert contents(tmp_path / "dataset") == contents(tmp_path / "undisturbed" / "dataset")


# ---- images that leave the folder ----


def test_a_lower_cap_takes_images_out_of_the_folder_and_a_higher_one_brings_them_back_without_a_request(
    server, tmp_path, download
):
    rows = [record(f"{server.at}/jpeg/{n}", ["a", "b"][n % 2]) for n in range(12)]
    rows += [record(f"{server.at}/jpeg/{n}", "c") for n in range(2)]
    chunks(tmp_path / "chunks", rows)
    download()
    before = contents(tmp_path / "dataset")
    server.asked.clear()
    done = download("--max-per-class", 2, w="another")  # of whose rounds none has these images
    report, metadata, files = loaded(tmp_path)
    assert [report["classes"][name]["kept"] for name in "abc"] == [2, 2, 2]
    assert report["classes"]["a"] == {"asked": 2, "live": 2, "kept": 2, "folder": "a"}
    assert report["kept"] == report["images"] == len(metadata) == len(files) == 6
    assert report["choice"]["max_per_class"] == 2 and report["choice"]["fill"] is None
    assert "removed: 8 images that earlier runs placed and this run does not want (8 over --max-per-class)" in (
        done.stderr
    )
    download(w="another")
    again = contents(tmp_path / "dataset")
    assert server.asked == []
    assert {name: again[name] for name in before if name != "report.html"} == {
        name: before[name] for name in before if name != "report.html"
    }


def test_images_of_other_folders_of_chunks_stay_and_the_last_lines_say_so(server, tmp_path, download):
    for name in "ab":
        chunks(tmp_path / name, [record(f"{server.at}/jpeg/{name}{n}", name) for n in range(3)])
    download(r=("a",))
    done = download("--max-per-class", 1, r=("b",))
    report, metadata, _ = loaded(tmp_path)
    assert (report["kept"], report["images"], len(metadata)) == (1, 4, 4)
    assert "holds 4, 3 of them for other --r folders" in done.stderr


def test_dropped_images_are_replaced_and_stay_out(server, tmp_path, download):
    rows = [record(f"{server.at}/jpeg/{n}", "a", RANK=n) for n in range(12)]
    chunks(tmp_path / "chunks", rows)
    fill = ("--fill", 4, "--prefer", "score")
    download(*fill)
    _, metadata, _ = loaded(tmp_path)
    key_of = {int(entry["url"].rpartition("/")[2]): key for key, entry in metadata.items()}
    (tmp_path / "list.txt").write_text(f"# wrong\n\n{server.at}/jpeg/0\n{key_of[1]}\r\ndataset/a/{key_of[2]}.jpg\nx\n")
    done = download("--drop", tmp_path / "list.txt", *fill)
    report, metadata, _ = loaded(tmp_path)
    assert {entry["url"].rpartition("/")[2] for entry in metadata.values()} == {"3", "4", "5", "6"}
    assert report["dropped"]["dropped by the user"] == 3 and report["choice"]["drop"] == 4
    assert "--drop: 1 of 4 lines name no image of these rows or of the folder (first: x)" in done.stderr

    (tmp_path / "dataset" / "a" / f"{key_of[3]}.jpg").unlink()
    noted = download(*fill, "--dry-run").stderr
    assert "1 images that metadata.jsonl lists were removed from their folders, and come back: add --drop" in noted
    server.asked.clear()
    download("--drop", tmp_path / "work" / "gone.txt", *fill)
    _, metadata, _ = loaded(tmp_path)
    assert {entry["url"].rpartition("/")[2] for entry in metadata.values()} == {"4", "5", "6", "7"}
    assert server.asked == ["/jpeg/7"]
    assert "is no file: give a list" in download("--drop", tmp_path / "no.txt", code=2).stderr


# ---- --diverse ----


@pytest.fixture()
def embedded(tmp_path):
    """(records of two classes, vectors of their index's rows): most of a class lies close together, some far out."""
    noise = np.random.default_rng(0)
    vectors = noise.normal(size=(400, 16)) * noise.choice([0.05, 1.0], size=(400, 1), p=[0.9, 0.1]) + 0.3
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    (tmp_path / "emb").mkdir()
    for number, part in enumerate(np.split(vectors, [150])):
        np.save(tmp_path / "emb" / f"img_emb_{number:04d}.npy", part)
    rows = [
        record(f"http://example.com/{row}.jpg", ["a", "b"][row % 2], SOURCE="image_index", SCORE=0.5,
               RANK=(row * 7) % 400, ROW=row)
        for row in range(400)
    ]  # fmt: skip
    return rows, vectors


def spread_by_hand(points, first: int, count: int) -> list[int]:
    """Farthest-point order by its definition, distances between all points in double precision."""
    distance = np.linalg.norm(points[:, None].astype(float) - points[None], axis=2)
    picks = [first]
    while len(picks) < count:
        picks.append(max(range(len(points)), key=lambda point: (distance[point, picks].min(), -point)))
    return picks


def row_numbers(pairs: set[tuple[str, str]], name: str) -> list[int]:
    return sorted(int(url.split("/")[-1].removesuffix(".jpg")) for url, of in pairs if of == name)


def chosen(tmp_path, rows, **settings) -> set[tuple[str, str]]:
    embeddings = open_embeddings(sorted((tmp_path / "emb").glob("*.npy")))
    return wanted(planned(tmp_path, rows, embeddings=embeddings, diverse=True, **settings))


def test_diverse_picks_are_those_of_a_farthest_point_order_from_the_best_ranked(tmp_path, embedded):
    rows, vectors = embedded
    pairs = chosen(tmp_path, rows, max_per_class=12, prefer="score")
    for number, name in enumerate("ab"):
        members = np.arange(number, 400, 2)
        first = int(np.argmin([(row * 7) % 400 for row in members]))
        expected = members[spread_by_hand(vectors[members], first, 12)]
        assert row_numbers(pairs, name) == sorted(expected.tolist())


def test_diverse_picks_lie_farther_apart_than_a_random_sample_and_hang_on_the_seed_alone(tmp_path, embedded):
    rows, vectors = embedded

    def closest(pairs) -> float:
        points = vectors[row_numbers(pairs, "a")]
        return float((points @ points.T - 2 * np.eye(len(points))).max())

    pairs = chosen(tmp_path, rows, max_per_class=12)
    assert closest(pairs) < closest(wanted(planned(tmp_path, rows, max_per_class=12))) - 0.1
    assert chosen(tmp_path, list(reversed(rows)), max_per_class=12) == pairs
    assert chosen(tmp_path, rows, max_per_class=12, seed=1) != pairs


def test_diverse_finds_rows_that_name_their_pool_and_leaves_rows_of_shards(tmp_path, embedded):
    rows, _ = embedded
    named = [row | {"ROW": f"laion2B:en:{row['ROW']}"} for row in rows]
    captions = [record(f"http://example.com/caption{n}.jpg", "a", ROW=f"part-0.parquet:{n}") for n in range(3)]
    assert chosen(tmp_path, [*named, *captions], max_per_class=12) == chosen(tmp_path, rows, max_per_class=12)


def test_each_image_is_picked_once_whatever_the_vectors(embedded):
    _, vectors = embedded
    odd = np.concatenate([vectors[:20], vectors[:20], np.zeros((2, 16)), np.full((2, 16), np.nan)]).astype(np.float32)
    assert sorted(farthest_points(odd, 99).tolist()) == list(range(44))
    assert farthest_points(odd[:0], 5).tolist() == []


def test_rows_without_an_embedding_fill_what_the_others_leave(tmp_path, embedded):
    rows, _ = embedded
    captions = [record(f"http://example.com/caption{n}.jpg", "a", similarity=0.4 - n / 100) for n in range(10)]
    mixed = [*captions, *rows[:8:2]]
    pairs = chosen(tmp_path, mixed, max_per_class=6, prefer="score")
    assert {url.split("/")[-1] for url, _ in pairs} == {"0.jpg", "2.jpg", "4.jpg", "6.jpg", "caption0.jpg",
                                                        "caption1.jpg"}  # fmt: skip


def test_diverse_from_the_command_line_with_fill_and_its_refusals(server, tmp_path, download, embedded):
    rows, vectors = embedded
    kinds = ["jpeg", "gone", "jpeg"]
    rows = [row | {"URL": f"{server.at}/{kinds[row['ROW'] % 3]}/{row['ROW']}.jpg"} for row in rows[:60:2]]
    chunks(tmp_path / "chunks", rows)
    download("--diverse", tmp_path / "emb", "--fill", 4, "--prefer", "score")
    report, metadata, _ = loaded(tmp_path)
    members = np.arange(0, 60, 2)
    first = int(np.argmin([(row * 7) % 400 for row in members]))
    order = members[spread_by_hand(vectors[members], first, 16)]
    alive = [row for row in order.tolist() if kinds[row % 3] == "jpeg"][:4]
    assert row_numbers({(entry["url"], "a") for entry in metadata.values()}, "a") == sorted(alive)
    before = contents(tmp_path / "dataset")
    said = download("--diverse", tmp_path / "emb", "--fill", 4, "--prefer", "score").stderr
    assert contents(tmp_path / "dataset") == before
    assert "--diverse: 30 of these 30 have an embedding" in said

    assert "say how many with --max-per-class or --fill" in download("--diverse", tmp_path / "emb", code=2).stderr
    few = ("--max-per-class", 3, "--dry-run", "--diverse")
    assert "has no img_emb*.npy or text_emb*.npy" in download(*few, tmp_path / "chunks", code=2).stderr
    (tmp_path / "few").mkdir()
    np.save(tmp_path / "few" / "img_emb_0.npy", vectors[:20])
    assert "holds 20 embeddings and a record has ROW 58" in download(*few, tmp_path / "few", code=2).stderr
