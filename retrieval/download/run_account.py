"""The account of a run: report.json, the dataset's card, the page, and the last lines."""

from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import say
from retrieval.dataset_card import write_card
from retrieval.dataset_files import used_folders
from retrieval.download import account, lookalikes
from retrieval.download.earlier_run import class_order_of_earlier_run
from retrieval.download.fetch_rounds import reasons_to_retry
from retrieval.download.run import Run
from retrieval.download.run_images import Placed
from retrieval.download.run_plan import Plan
from retrieval.files import write_json
from retrieval.report import write_report

# The flags that decide which images are wanted, as report.json and the page name them.
CHOICE_FLAGS = (
    "n", "max_per_class", "fill", "diverse", "balance", "combine", "prefer", "min_score", "seed", "conflict",
    "nsfw_tags", "max_punsafe", "allow_untagged", "allow_private_hosts", "allow_partial", "near_duplicates",
    "exclude", "pixels", "user_agent", "per_host", "per_host_pace", "ignore_opt_outs",
)  # fmt: skip


@dataclass(frozen=True)
class Account:
    totals: dict  # account.count_totals
    class_order: list[str]  # the classes that the filters searched for, in their order
    used: list[str]  # the class folders that hold images
    page: Path
    has_lost_tars: bool  # whether a tar of the pool could not be read


def write_account(run: Run, plan: Plan, placed: Placed, database, command: list[str]) -> Account:
    """Write report.json, README.md and report.html into the dataset folder, and excluded.jsonl into the work folder.

    Args:
        command: the run's, as as_run.py has it.
    """
    has_lost_tars = account.say_lost_tars(database)
    totals = account.count_totals(database, plan.rows_read, placed.images, placed.folders)
    choice = {name: getattr(run.flags, name) for name in CHOICE_FLAGS} | {"drop": len(plan.drops)}
    earlier_order = class_order_of_earlier_run(run.dataset)
    described = account.describe_run(database, placed.folders, run.sources, choice, earlier_order)
    copies = lookalikes.write_copies(database, plan.lookalike_filter, run.work / "excluded.jsonl")
    write_json(run.dataset / "report.json", totals | described | copies | {"command": command})
    used = used_folders(run.dataset, placed.folders.values(), run.splits)
    write_card(run.dataset, used, bool(run.splits))
    return Account(totals, described["class_order"], used, write_report(run.dataset), has_lost_tars)


def say_account(run: Run, plan: Plan, placed: Placed, written: Account, lost: int) -> int:
    """Say what the run did. The last line adds up.

    Args:
        lost: URLs that img2dataset lost.

    Returns:
        int: the exit code. 1 where URLs or tars were lost, or no image is kept.
    """
    totals, kept = written.totals, written.totals["kept"]
    account.say_classes(totals["classes"], run.choice.fill or 1)
    account.say_empty(written.class_order, placed.folders, written.used)
    account.say_advice(totals, reasons_to_retry([]))
    account.say_uneven(placed.uneven)
    account.say_removed(placed.left, len(plan.unwanted))
    say(f"to look at: {written.page}")
    others = f", {placed.images - kept:,} of them for other --r folders" if placed.images > kept else ""
    say(f"placed: {placed.new:,} new images; {run.dataset} holds {placed.images:,}{others}")
    return account.say_totals(totals, lost) or int(written.has_lost_tars)
