"""What a fetch is expected to give, before it begins: live URLs, images, bytes, time. And afterwards, what it gave.

What is expected of a URL comes from its host's earlier answers in the work folder: it is as alive as they were, and
where they are few, as all answers were. Each figure is a range that holds in about 19 of 20 runs, as far as hosts stay
what they were. Without enough answers the range is an assumption, and is called one.
"""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import say
from retrieval.download import plan, plan_fetch
from retrieval.download.host_turns import PER_HOST
from retrieval.download.settings import FetchSettings, ResizeSettings

LEAST_ANSWERS = 100  # fewer say too little
# "Over 20 %" of the 270 million URLs of 24 data sets were dead by 2022 ("Link-Rot in Web-Sourced Multimedia Datasets",
# doi:10.1007/978-3-031-27077-2_37). How far a list may be from that is our assumption: a fresh one, and an old one.
ASSUMED_ALIVE = (0.5, 0.99)
PRIOR_URLS = 2  # a host's own share counts as much as that of all after this many answers: hosts differ much
ASSUMED_BYTES_PER_PIXEL = (0.15, 0.6)  # of a JPEG of quality 95, from smooth to rough
ASSUMED_SECONDS = (0.3, 3)  # per URL and thread
URLS_PER_PROCESS = 150  # per second; then its core is busy with resizing
FILES_MEASURED = 500
RATE_VARIES_BY = 1.5

Range = tuple[float, float]


@dataclass(frozen=True)
class Forecast:
    basis: str
    urls: Range
    share: Range  # of live URLs
    images: Range
    bytes_per_image: Range
    seconds: Range
    answers_before: tuple[int, int]  # (URLs answered, live ones) before the fetch
    began: float  # time.monotonic()


def forecast(database, rounds: Path, fill: int | None, resize: ResizeSettings, fetch: FetchSettings) -> Forecast | None:
    """What fetching everything that is wanted will give.

    None where nothing is to be fetched, or where tars of the pool hold images: those are alive, whatever hosts answer.

    Args:
        rounds: the folder of rounds, with img2dataset's times and the images that were fetched before.
        fill: --fill; each class is then expected to need as much of its list as gives so many images.
    """
    urls, in_tars = plan_fetch.count_to_fetch(database)
    if in_tars or not urls:
        return None
    before = plan_fetch.count_answers(database)
    is_known = before[0] >= LEAST_ANSWERS
    share = _share_from_hosts(database, before) if is_known else ASSUMED_ALIVE
    needed, images = _of_lists(database, fill, share) if fill else ((urls, urls), (urls * share[0], urls * share[1]))
    return Forecast(
        basis=f"from {before[0]:,} answers in --w" if is_known else "assumed, as --w has few answers or none",
        urls=needed,
        share=share,
        images=images,
        bytes_per_image=_measured_bytes(database, rounds) or _assumed_bytes(resize),
        seconds=_seconds(database, rounds, needed, fetch),
        answers_before=before,
        began=time.monotonic(),
    )


def say_forecast(expected: Forecast | None) -> None:
    if expected:
        low, high = (size * images for size, images in zip(expected.bytes_per_image, expected.images, strict=True))
        say(f"expected ({expected.basis}): {_percent(expected.share)} of {_whole(expected.urls)} URLs alive, "
            f"{_whole(expected.images)} images, {_bytes((low, high))}, {_duration(expected.seconds)}")  # fmt: skip


def say_outcome(expected: Forecast | None, database, rounds: Path) -> None:
    """Say what was expected and what came."""
    answered, live = plan_fetch.count_answers(database)
    if not expected or answered <= expected.answers_before[0]:
        return
    urls, images = answered - expected.answers_before[0], live - expected.answers_before[1]
    share, seconds = images / urls, time.monotonic() - expected.began
    is_within = expected.share[0] <= share <= expected.share[1]
    size = (_measured_bytes(database, rounds) or (0, 0))[0] * images
    low, high = (size * images for size, images in zip(expected.bytes_per_image, expected.images, strict=True))
    say(f"expected {_percent(expected.share)} alive, came {share:.1%} ({'within' if is_within else 'outside'}); "
        f"expected {_whole(expected.images)} images, came {images:,}; expected {_bytes((low, high))}, came "
        f"{_bytes((size, size))}; expected {_duration(expected.seconds)}, came "
        f"{_duration((seconds, seconds))}")  # fmt: skip


# ---- live URLs ----


def _share_from_hosts(database, before: tuple[int, int]) -> Range:
    """The range of the live share of the URLs to fetch, by their hosts' earlier answers.

    A host's share is taken for a draw from a beta distribution around the share of all, with the weight of PRIOR_URLS
    answers; what it then gives is beta-binomial. The share of all is itself uncertain: hosts answer alike, so as many
    answers count as there were hosts.
    """
    hosts = database.execute(
        f"""
        WITH seen AS (
            SELECT {plan.HOST_SQL} AS host, count(*) AS answered, count(*) FILTER (reason IS NULL) AS live
            FROM results GROUP BY host
        )
        SELECT urls, coalesce(answered, 0), coalesce(live, 0), (SELECT count(*) FROM seen)
        FROM ({_HOSTS_TO_FETCH}) LEFT JOIN seen USING (host)
        """
    ).fetchall()
    overall = (before[1] + 1) / (before[0] + 2)
    expected = variance = weight = 0.0
    for urls, answered, live, _ in hosts:
        known = answered + PRIOR_URLS
        chance = (live + PRIOR_URLS * overall) / known
        expected += urls * chance
        variance += urls * chance * (1 - chance) * (known + urls) / (known + 1)
        weight += urls * PRIOR_URLS / known
    variance += weight**2 * overall * (1 - overall) / (hosts[0][3] + 2)
    total = sum(host[0] for host in hosts)
    spread = 2 * math.sqrt(variance)
    return max(0.0, (expected - spread) / total), min(1.0, (expected + spread) / total)


_HOSTS_TO_FETCH = f"""
    SELECT {plan.HOST_SQL} AS host, count(*) AS urls
    FROM (SELECT url_hash, min(first_row) AS first_row FROM pairs WHERE {plan_fetch.TO_FETCH} GROUP BY url_hash)
        AS wanted JOIN asked ON asked.rowid = wanted.first_row
    GROUP BY host
"""


def _of_lists(database, fill: int, share: Range) -> tuple[Range, Range]:
    """--fill: the ranges of the URLs that the classes need, and of the images that these give."""
    low, high = (max(chance, plan_fetch.LEAST_ALIVE_OF_HOST) for chance in share)
    fewest, most = (_urls_needed(database, fill, chance) for chance in (high, low))
    fewer, more = sorted((fewest * high, most * low))
    return (fewest, most), (fewer, more)


def _urls_needed(database, fill: int, chance: float) -> int:
    """The URLs to fetch until each class's list, in its order, has given `fill` images, if this share of them is alive.

    A URL that several classes ask for counts once.
    """
    return database.execute(
        f"""
        WITH listed AS (
            SELECT key, class, class_rank, url_hash, {plan_fetch.TO_FETCH} AS is_further,
                   url_hash IN (SELECT url_hash FROM results WHERE reason IS NULL)
                   OR url_hash IN (SELECT url_hash FROM placed) AS is_live
            FROM pairs WHERE drop_reason IS NULL
        ), walked AS (
            SELECT url_hash, is_further, sum(CASE WHEN is_live THEN 1 WHEN is_further THEN {chance} ELSE 0 END) OVER (
                PARTITION BY class ORDER BY class_rank, key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS images_before
            FROM listed
        )
        SELECT count(DISTINCT url_hash) FROM walked WHERE is_further AND coalesce(images_before, 0) < {fill}
        """
    ).fetchone()[0]


# ---- bytes and time ----


def _measured_bytes(database, rounds: Path) -> Range | None:
    """Bytes per stored image, of some that are in the work folder: 15 % around their mean."""
    files = database.execute(f"SELECT file FROM results WHERE reason IS NULL LIMIT {FILES_MEASURED}").fetchall()
    sizes = [(rounds / file).stat().st_size for (file,) in files if (rounds / file).exists()]
    if not sizes:
        return None
    mean = sum(sizes) / len(sizes)
    return 0.85 * mean, 1.15 * mean


def _assumed_bytes(resize: ResizeSettings) -> Range:
    pixels = resize.image_size**2 * 4 / 3
    return pixels * ASSUMED_BYTES_PER_PIXEL[0], pixels * ASSUMED_BYTES_PER_PIXEL[1]


def _seconds(database, rounds: Path, urls: Range, fetch: FetchSettings) -> Range:
    """The range of the time, at the rate of earlier rounds, and at least what the busiest host takes."""
    threads = fetch.threads * fetch.processes
    most = URLS_PER_PROCESS * fetch.processes
    rate = _measured_rate(rounds)
    slow, fast = (
        (rate / RATE_VARIES_BY, rate * RATE_VARIES_BY) if rate
        else (min(most, threads / ASSUMED_SECONDS[1]), min(most, threads / ASSUMED_SECONDS[0]))
    )  # fmt: skip
    connections = fetch.manners.per_host or (threads if fetch.allow_private_hosts else PER_HOST)
    busiest = database.execute(f"SELECT max(urls) FROM ({_HOSTS_TO_FETCH})").fetchone()[0]
    total, _ = plan_fetch.count_to_fetch(database)
    queue = busiest / connections
    low, high = (max(count / speed, queue * count / total * seconds) for count, speed, seconds in (
        (urls[0], fast, ASSUMED_SECONDS[0]), (urls[1], slow, ASSUMED_SECONDS[1])
    ))  # fmt: skip
    return low, high


def _measured_rate(rounds: Path) -> float | None:
    """URLs per second of earlier rounds."""
    urls = seconds = 0.0
    for folder in rounds.glob("round-[0-9]*/fetched"):
        if stats := [json.loads(path.read_text()) for path in folder.glob("*_stats.json")]:
            urls += sum(shard["count"] for shard in stats)
            seconds += max(shard["end_time"] for shard in stats) - min(shard["start_time"] for shard in stats)
    return urls / seconds if urls >= LEAST_ANSWERS and seconds > 0 else None


# ---- in words ----


def _percent(share: Range) -> str:
    return f"{share[0]:.0%} to {share[1]:.0%}"


def _whole(count: Range) -> str:
    low, high = (f"{round(number):,}" for number in count)
    return low if low == high else f"{low} to {high}"


def _bytes(size: Range) -> str:
    unit, name = (1e9, "GB") if size[1] >= 2e9 else (1e6, "MB") if size[1] >= 2e6 else (1e3, "kB")
    low, high = (f"{number / unit:,.0f}" for number in size)
    return f"{low} {name}" if low == high else f"{low} to {high} {name}"


def _duration(seconds: Range) -> str:
    if seconds[1] < 60:  # a run's start alone takes up to 10 seconds
        return "less than a minute"
    unit, name = (3600, "hours") if seconds[1] >= 5400 else (60, "minutes")
    low, high = (f"{number / unit:,.1f}" for number in seconds)
    return f"{low} {name}" if low == high else f"{low} to {high} {name}"
