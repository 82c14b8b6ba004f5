"""From wanted pairs to judged images: fetch all that is wanted, or fetch until each class is full (--fill)."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from retrieval.cli import progress, say
from retrieval.download import lookalikes, plan_fetch, plan_outcome
from retrieval.download.fetch_rounds import ROUND_URLS, close_rounds, run_round
from retrieval.download.settings import FetchSettings, ResizeSettings


@dataclass(frozen=True)
class Fetch:
    """The plan, and all that fetching its images takes."""

    database: duckdb.DuckDBPyConnection
    rounds: Path  # <work>/images-<settings>
    resize: ResizeSettings
    settings: FetchSettings
    lookalike_filter: lookalikes.LookalikeFilter | None
    lock: int  # file descriptor of the work folder's lock


def fetch_all(fetch: Fetch) -> int:
    """Fetch and judge everything that is wanted.

    Returns:
        int: URLs that were lost.
    """
    lost = _fetch(fetch)
    _judge(fetch)
    return lost


def fill_classes(fetch: Fetch, fill: int) -> int:
    """Fetch the beginning of each class's list, and more of it if too few images were live, until each class is full.

    Returns:
        int: URLs that were lost.
    """
    plan_fetch.begin_fill(fetch.database, fill)
    while True:
        lost = fetch_all(fetch)
        if lost or not plan_fetch.go_further(fetch.database, fill):
            break
    plan_fetch.want_answered(fetch.database)
    _judge(fetch)
    plan_fetch.drop_surplus(fetch.database, fill)
    short = [name for name, counts in plan_outcome.count_classes(fetch.database).items() if counts["kept"] < fill]
    if short and not lost:
        say(f"--fill {fill}: {len(short):,} classes have fewer, as their lists end (first: {short[0]})")
    return lost


def _fetch(fetch: Fetch) -> int:
    """Fetch one round after another until every URL is answered or img2dataset fails; returns the URLs lost."""
    with progress(plan_fetch.count_to_fetch(fetch.database)[0], "URLs", "fetching") as more:
        while True:
            number = 1 + len(list(fetch.rounds.glob("round-*.parquet")))
            folder = fetch.rounds / f"round-{number:05d}"
            folder.mkdir(parents=True, exist_ok=True)
            urls = plan_fetch.write_url_list(fetch.database, folder / "urls.parquet", ROUND_URLS)
            if not urls:
                folder.rmdir()
                return 0
            answered, lost = run_round(folder, urls, fetch.resize, fetch.settings, fetch.lock, more)
            plan_fetch.read_results(fetch.database, close_rounds(fetch.rounds))
            say(f"fetched: {answered:,} of {urls:,} URLs answered")
            if lost:
                return lost


def _judge(fetch: Fetch) -> None:
    """Decide for every wanted pair whether its image is kept, and if not, why."""
    plan_outcome.judge(fetch.database)
    if fetch.lookalike_filter:
        lookalikes.drop_lookalikes(fetch.database, fetch.lookalike_filter, fetch.rounds)
