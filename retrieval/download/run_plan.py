"""The plan of a run: from the chunks, and from what earlier runs left, to the images that are wanted.

The rows are in the plan's database (plan.py describes its tables). `Plan` has what else the later steps need.
"""

from dataclasses import dataclass
from pathlib import Path

from retrieval.download import (
    account,
    fetch_rounds,
    forecast,
    lookalikes,
    plan,
    plan_choice,
    plan_chunks,
    plan_drops,
    plan_fetch,
)
from retrieval.download.earlier_run import folders_of_earlier_run
from retrieval.download.run import Run, dataset_settings
from retrieval.download.tar_answers import TAR_FAULTS
from retrieval.drop_lists import lines_of
from retrieval.embeddings import EmbeddingFiles


@dataclass(frozen=True)
class Plan:
    rows_read: int
    folders: dict[str, str]  # class -> its folder, as an earlier run gave them
    drops: list[str]  # lines of --drop, of this run and of earlier ones
    lookalike_filter: lookalikes.LookalikeFilter | None
    unwanted: list[Path]  # images of earlier runs that go for their looks
    expected: forecast.Forecast | None  # what fetching will give


def make_plan(run: Run, database, embeddings: EmbeddingFiles | None) -> Plan:
    """Fill the tables of an empty database, and say what is planned. Outside the work folder nothing is changed.

    Args:
        embeddings: those that --diverse compares.

    Raises:
        UserError: the dataset folder holds images of other settings, or chunks cannot be read.
    """
    filter_ = lookalikes.lookalike_filter(
        run.flags.near_duplicates, run.flags.exclude, run.resize.resize_mode, run.work
    )
    folders = folders_of_earlier_run(run.dataset, dataset_settings(run))
    rows_read = plan_chunks.read_chunks(database, run.sources, run.choice, run.flags.allow_partial)
    plan.read_placed(database, run.dataset, folders, run.splits or (None,))
    new_drops = lines_of(Path(run.flags.drop)) if run.flags.drop else []
    drops = list(dict.fromkeys([*lines_of(run.work / plan_drops.REMEMBERED), *new_drops]))
    plan_drops.read_drops(database, drops)
    unwanted = lookalikes.forget_lookalikes(database, filter_, run.rounds, run.dataset)
    plan_choice.choose(database, run.choice, embeddings)
    plan_choice.list_classes(database, run.choice)
    read_earlier_results(run, database)

    account.say_plan(database, rows_read, run.choice)
    account.say_drops(database, run.work, new_drops)
    expected = forecast.forecast(database, run.rounds, run.choice.fill, run.resize, run.fetching)
    forecast.say_forecast(expected)
    return Plan(rows_read, folders, drops, filter_, unwanted, expected)


def read_earlier_results(run: Run, database) -> None:
    """Take over what earlier runs fetched, without the failures that are to be tried again."""
    forgotten_reasons = TAR_FAULTS + fetch_rounds.reasons_to_retry(run.flags.retry_failed)
    plan_fetch.read_results(database, fetch_rounds.close_rounds(run.rounds), forgotten_reasons)
    plan_fetch.forget_vanished(database, run.rounds)
