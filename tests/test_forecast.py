"""What the dry run expects of a fetch, compared with webs whose hosts differ."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from download_server import choice_of, chunks, planned, record

from retrieval.download import forecast
from retrieval.download.plan_choice import list_classes
from retrieval.download.plan_fetch import read_results
from retrieval.download.settings import FetchSettings, Manners, ResizeSettings

pytest_plugins = "download_server"
RESIZE = ResizeSettings(256, "keep_ratio", 95, 0, float("inf"))
FETCH = FetchSettings("multiprocessing", 64, 2, 10, 0, 30, 1 << 20, False, Manners("x", True, None, 0, ""), False, "")


def planned_web(tmp_path, luck: random.Random, **settings):
    """A plan with 600 URLs of 60 hosts, which differ, of which 200 are answered; and the live share of the rest."""
    alive = {f"h{number}.test": luck.betavariate(1, 0.6) for number in range(60)}
    weights = [1 / (number + 1) for number in range(60)]
    hosts = luck.choices(list(alive), weights, k=600)
    urls = [f"http://{host}/{number}.jpg" for number, host in enumerate(hosts)]
    lives = [luck.random() < alive[host] for host in hosts]
    database = planned(tmp_path, [record(url, f"c{n % 3}", RANK=n) for n, url in enumerate(urls)], **settings)
    reasons = {url: None if is_live else "HTTP 404" for url, is_live in zip(urls, lives, strict=True)}
    answer(database, tmp_path, dict(list(reasons.items())[:200]))
    return database, sum(lives[200:]) / 400


def answer(database, tmp_path, reasons: dict[str, str | None]) -> None:
    """Results of an earlier run: URL -> why there is no image, or None."""
    strings = [(name, pa.string()) for name in ("url", "reason", "sha256", "file")]
    numbers = [(name, pa.int32()) for name in ("width", "height", "original_width", "original_height")]
    rows = [{"url": url, "reason": reason, "file": "x"} for url, reason in reasons.items()]
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(strings + numbers)), tmp_path / "r.parquet")
    read_results(database, [tmp_path / "r.parquet"])


def test_the_live_share_is_within_its_range_and_the_range_says_something(tmp_path):
    within, widths = 0, []
    for seed in range(12):
        (tmp_path / str(seed)).mkdir()
        database, share = planned_web(tmp_path / str(seed), random.Random(seed))
        expected = forecast.forecast(database, tmp_path, None, RESIZE, FETCH)
        assert expected.urls == (400, 400) and "from 200 answers" in expected.basis
        within += expected.share[0] <= share <= expected.share[1]
        widths.append(expected.share[1] - expected.share[0])
    assert within >= 11  # of 12
    assert max(widths) < 0.35


def test_fill_needs_fewer_urls_and_gives_no_more_images_than_it_asks_for(tmp_path):
    database, _ = planned_web(tmp_path, random.Random(1), fill=60)
    expected = forecast.forecast(database, tmp_path, 60, RESIZE, FETCH)
    assert expected.images[1] <= 180
    assert expected.images[0] <= expected.urls[0] < expected.urls[1] < 400


def test_with_fill_a_url_that_several_classes_ask_for_is_expected_once(tmp_path):
    rows = [record(f"http://h{number}.test/a.jpg", name) for number in range(30) for name in ("a", "b", "c")]
    expected = forecast.forecast(planned(tmp_path, rows, fill=30), tmp_path, 30, RESIZE, FETCH)
    assert expected.urls == (30, 30) and expected.images == pytest.approx((15, 30 * 0.99))


def test_with_fill_a_live_image_far_down_the_list_saves_no_request_for_those_before_it(tmp_path):
    rows = [record(f"http://h{number}.test/a.jpg", RANK=number) for number in range(200)]
    database = planned(tmp_path, rows, fill=50, prefer="score")
    list_classes(database, choice_of(fill=50, prefer="score"))
    answer(database, tmp_path, {row["URL"]: None for row in rows[100:]})
    expected = forecast.forecast(database, tmp_path, 50, RESIZE, FETCH)
    assert 50 <= expected.urls[0] <= expected.urls[1] < 60


def test_without_answers_the_figures_are_assumed_and_the_busiest_host_decides_the_time(tmp_path):
    rows = [record(f"http://one.test/{number}.jpg") for number in range(3000)]
    database = planned(tmp_path, rows)
    expected = forecast.forecast(database, tmp_path, None, RESIZE, FETCH)
    assert expected.share == forecast.ASSUMED_ALIVE and expected.basis.startswith("assumed")
    assert expected.seconds == (3000 / 4 * 0.3, 3000 / 4 * 3)
    spread = planned(tmp_path, [record(f"http://h{number}.test/a.jpg") for number in range(3000)])
    assert forecast.forecast(spread, tmp_path, None, RESIZE, FETCH).seconds[1] < 100


def test_the_dry_run_says_what_is_expected_and_the_run_what_came(server, tmp_path, download):
    chunks(tmp_path / "chunks", [record(f"{server.at}/{['jpeg', 'gone'][n % 4 == 3]}/{n}") for n in range(40)])
    said = download("--dry-run").stderr
    assert "expected (assumed, as --w has few answers or none): 50% to 99% of 40 URLs alive, 20 to 40 images" in said
    said = download().stderr
    assert "expected 50% to 99% alive, came 75.0% (within); expected 20 to 40 images, came 30; expected" in said
    assert "alive, came" not in download().stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((5400, 7200), "1.5 to 2.0 hours"), ((60, 90), "1.0 to 1.5 minutes"), ((6, 75), "0.1 to 1.2 minutes"),
        ((0.1, 12), "less than a minute"),
    ],
)  # fmt: skip
def test_times_are_said_in_hours_or_minutes(seconds, words):
    assert forecast._duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"), [((2e9, 5e9), "2 to 5 GB"), ((1e6, 6e6), "1 to 6 MB"), ((4e5, 4e5), "400 kB")]
)
def test_bytes_are_said_in_a_unit_that_leaves_more_than_a_zero(size, words):
    assert forecast._bytes(size) == words
