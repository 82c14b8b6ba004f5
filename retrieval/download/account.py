"""What the downloader says of its plan, and what it counts at the end: every row that was read ends in one count."""

from collections import Counter
from pathlib import Path

from retrieval.cli import say, say_always
from retrieval.download import plan_choice, plan_fetch, plan_outcome
from retrieval.download.settings import Choice
from retrieval.records import read_manifests

HOSTS_SHOWN = 100


def say_plan(database, rows_read: int, choice: Choice) -> None:
    wanted, classes = plan_choice.count_wanted(database)
    say(f"rows read: {rows_read:,}")
    for reason, count in plan_choice.count_dropped(database).most_common():
        say(f"    {reason}: {count:,}")
    say(f"wanted: {wanted:,} images of {classes:,} classes; {plan_fetch.count_to_fetch(database):,} URLs to fetch")
    if choice.diverse:
        pairs, embedded = plan_choice.count_embedded(database)
        say(f"--diverse: {embedded:,} of these {pairs:,} have an embedding; others come after them in their class")
    if choice.fill:
        say(f"--fill {choice.fill}: of these as many as give each class {choice.fill:,} live images")


def count_totals(database, rows_read: int, images: int, folders: dict[str, str]) -> dict:
    """The numbers of report.json.

    Args:
        images: images in the dataset folder.
        folders: class -> its folder.

    Raises:
        RuntimeError: a row that was read is in no count, or in two.
    """
    kept, failed = plan_outcome.count_outcome(database)
    dropped = plan_choice.count_dropped(database) + failed
    if rows_read != kept + sum(dropped.values()):
        raise RuntimeError(f"{rows_read:,} rows read, but {kept:,} kept and {sum(dropped.values()):,} dropped")
    classes = plan_outcome.count_classes(database)
    return {
        "rows_read": rows_read,
        "kept": kept,
        "dropped": dict(sorted(dropped.items())),
        "urls": plan_outcome.count_urls(database),
        "images": images,
        "classes": {name: counts | {"folder": folders[name]} for name, counts in classes.items()},
    }


def describe_run(database, folders: dict[str, str], sources: list[Path]) -> dict:
    """The rest of report.json: the class folders, the hosts that failed most, and the filters' own counts."""
    return {
        "folders": dict(sorted(folders.items())),
        "hosts": plan_outcome.count_hosts(database, HOSTS_SHOWN),
        "stages": _filter_counts(sources),
    }


def _filter_counts(sources: list[Path]) -> list[dict]:
    """Rows that each filter read and records that it wrote, from its manifests, for the report's funnel."""
    found = []
    for folder in sources:
        if manifests := read_manifests(folder):
            counts = [manifest["counts"] for manifest in manifests]
            sums = {name: sum(count.get(name) or 0 for count in counts) for name in ("rows", "records")}
            found.append({"stage": manifests[0]["stage"]} | sums)
    return found


def say_totals(totals: dict, lost: int) -> int:
    """Say the last line, in which the counts add up; returns the exit code.

    Dead links are normal on the web. URLs that img2dataset lost are an error.
    """
    if lost:
        say_always(f"error: {lost:,} URLs were lost by img2dataset: the same command asks for them again")
    reasons = "".join(f" + {count:,} {reason}" for reason, count in Counter(totals["dropped"]).most_common())
    say_always(f"{totals['rows_read']:,} rows read = {totals['kept']:,} kept{reasons}")
    return 1 if lost else 0
