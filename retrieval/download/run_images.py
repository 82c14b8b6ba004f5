"""The work of a run: fetches the images that the plan wants, and places them into the dataset folder."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from retrieval.class_folders import class_folders
from retrieval.dataset_files import even_splits
from retrieval.download import fetch_wanted, forecast, image_folder, plan_drops, plan_outcome, plan_splits
from retrieval.download.earlier_run import clear_remains
from retrieval.download.run import Run, dataset_settings
from retrieval.download.run_plan import Plan
from retrieval.files import complete_file, write_json


@dataclass(frozen=True)
class Placed:
    """What is in the dataset folder now."""

    images: int
    new: int  # of these, those that this run placed
    folders: dict[str, str]  # class -> its folder
    left: Counter  # reason -> images that earlier runs placed and this one took away
    uneven: list[str]  # folders of classes that have images in one split only


def fetch_images(run: Run, plan: Plan, database, lock: int) -> int:
    """Fetch what is wanted, and judge it.

    Args:
        lock: file descriptor of the work folder's lock.

    Returns:
        int: URLs that were lost.
    """
    clear_remains(run.dataset, run.output)
    plan_drops.remember(run.work, plan.drops)
    write_json(run.dataset / "settings.json", dataset_settings(run))
    fetch = fetch_wanted.Fetch(database, run.rounds, run.resize, run.fetching, plan.lookalike_filter, lock)
    fill = run.choice.fill
    lost = fetch_wanted.fill_classes(fetch, fill) if fill else fetch_wanted.fetch_all(fetch)
    forecast.say_outcome(plan.expected, database, run.rounds)
    return lost


def place_images(run: Run, plan: Plan, database) -> Placed:
    """Place what is kept, remove what earlier runs placed and this one does not keep, and write the metadata."""
    folders = class_folders(plan_outcome.count_classes(database), plan.folders)
    image_folder.remove(plan.unwanted)
    left = plan_outcome.list_leaving(database)
    if run.splits:
        plan_splits.assign_splits(database, run.flags.val_fraction)
    to_place = plan_outcome.images_to_place(database)
    new = image_folder.place_images(to_place, run.rounds, run.dataset, folders)
    image_folder.remove(taken_back(run, database))
    uneven = even_splits(run.dataset, folders.values(), run.splits)
    kept, placed_before = plan_outcome.kept_entries(database), plan_outcome.keys_placed_before(database)
    images = image_folder.write_metadata(run.dataset, kept, placed_before, folders, run.splits)
    return Placed(images, new, folders, left, uneven)


def taken_back(run: Run, database) -> list[Path]:
    """Files of the images that leave the dataset folder, once the work folder has each of them."""
    keys, files = image_folder.take_back(plan_outcome.leaving(database), run.rounds, run.dataset)
    if keys:
        number = 1 + len(list(run.rounds.glob("round-*.parquet")))
        with complete_file(run.rounds / f"round-{number:05d}.parquet") as beside:
            plan_outcome.write_taken_back(database, keys, beside)
    return files
