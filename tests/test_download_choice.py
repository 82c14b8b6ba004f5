"""What the downloader chooses: several folders combined, caps, classes filled, images that differ."""

import math
import random
from collections import defaultdict

import pytest
from download_server import chunks, loaded, planned, record

from retrieval.download_plan import count_dropped

pytest_plugins = "download_server"  # the fixtures `server` and `download`


def wanted(database) -> set[tuple[str, str]]:
    """(URL, class) of the wanted pairs."""
    return set(
        database.execute(
            "SELECT DISTINCT URL, QUERY FROM asked WHERE key IN (SELECT key FROM pairs WHERE bucket IS NULL)"
        ).fetchall()
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
        for place, row in enumerate(rows):
            pair = (row["URL"], row["QUERY"])
            rank = math.inf if row["RANK"] is None else row["RANK"]
            score = -(row["SCORE"] or 0)
            similarity = math.inf if row["similarity"] is None else -row["similarity"]
            old = best.get(pair, (math.inf, math.inf, math.inf, place))
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
    found = database.execute("SELECT DISTINCT URL, QUERY, fused FROM pairs JOIN asked USING (key)").fetchall()
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
    assert "without --max-per-class or --n it changes nothing" in said
    assert "changes nothing with one --r folder" in download("--combine", "intersection", "--dry-run").stderr
