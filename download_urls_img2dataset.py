"""Download what the filters selected, into a folder that torchvision's ImageFolder loads.

In:  --r              output folders of filter_laion_metadata_substring.py or …_semantic.py, any number of them
     --w              a work folder: the fetched images and each URL's result
Out: --dataset-output one folder per class with <key>.jpg in it, metadata.json, metadata.jsonl, report.json, report.html

    python download_urls_img2dataset.py --r outputs/filtered_metadata_substring/DTD --w /tmp/laion-dl/DTD --dataset-output outputs/retrieved_data_substring/DTD --wandb
    python download_urls_img2dataset.py --r outputs/substring/DTD outputs/semantic/DTD --w /tmp/both --dataset-output outputs/both --combine rrf --fill 500 --dry-run

Before any request it drops rows tagged NSFW, untagged rows, URLs that are not http(s) and hosts of private networks.
It asks for nothing that a site's robots.txt or its reservation of text and data mining (TDMRep) forbids, keeps nothing
whose X-Robots-Tag says noai or the like (--ignore-opt-outs), and never opens more than a few connections to one host.
Several --r folders are combined (--combine). A class can have a cap (--max-per-class) or be filled (--fill): with its
best ranked images, with a sample, or with images that differ (--prefer, --diverse). Of images that look the same one is
kept (--near-duplicates); what looks like an image of a test set is not kept at all (--exclude).

Each URL is requested once, however many rows and classes ask for it. The same command again goes on where it was
stopped. With more --r folders, a later run fetches only what is new. report.json counts every row that was read, once.
"""  # noqa: E501 - commands as they are typed

import contextlib
import sys
from dataclasses import asdict
from pathlib import Path

from retrieval.as_run import command_as_run
from retrieval.class_folders import class_folders
from retrieval.cli import UserError, command, parse_flags, parser_for, say
from retrieval.dataset_card import write_card
from retrieval.dataset_files import SPLITS, even_splits, used_folders
from retrieval.download import old_keys
from retrieval.download.command_line import (
    add_flags,
    check_flags,
    choice_of,
    fetch_settings_of,
    resize_settings_of,
)
from retrieval.download.later_import import keep_pandas_from_pyarrow
from retrieval.download.settings import ResizeSettings
from retrieval.drop_lists import lines_of
from retrieval.files import complete_file, locked, read_object, writable_folder, write_json
from retrieval.report import write_report
from retrieval.wandb_run import log_counts


def make_parser():
    parser = parser_for(__doc__, __file__)
    add_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    check_flags(flags)
    choice, resize, fetch_settings = choice_of(flags), resize_settings_of(flags), fetch_settings_of(flags)
    sources = [Path(folder) for folder in flags.r]
    work, output = Path(flags.w).absolute(), Path(flags.dataset_output).absolute()
    dataset = work / "imagefolder" if flags.webdataset else output
    splits = SPLITS if flags.val_fraction else ()
    if not flags.rename_old_keys:
        old_keys.refuse_old_keys(dataset)

    # What computes is imported once all that can be refused without it has been refused.
    keep_pandas_from_pyarrow()
    from retrieval.download import (
        account,
        diverse,
        fetch_rounds,
        fetch_wanted,
        forecast,
        image_folder,
        lookalikes,
        plan,
        plan_choice,
        plan_chunks,
        plan_drops,
        plan_fetch,
        plan_outcome,
        plan_splits,
        tar_answers,
        tar_shards,
    )

    rounds = fetch_rounds.rounds_folder(work, resize, opt_outs=not flags.ignore_opt_outs)
    embeddings = diverse.open_diverse(flags.diverse, sources) if flags.diverse else None

    writable_folder(work, "--w")
    busy = "another run is using {} {}: wait for it, or give another"
    with (
        locked(work, busy.format("--w", work)) as lock,
        contextlib.closing(plan.open_database(work / "plan.duckdb")) as database,
    ):
        if flags.rename_old_keys and dataset.exists():
            with locked(dataset, busy.format("--dataset-output", dataset)):
                say(f"renamed: {old_keys.rename_old_keys(dataset):,} images of an older version")

        # Plan.
        lookalike_filter = lookalikes.lookalike_filter(flags.near_duplicates, flags.exclude, flags.resize_mode, work)
        settings = dataset_settings(resize, flags)
        earlier_folders = folders_of_earlier_run(dataset, settings)
        rows_read = plan_chunks.read_chunks(database, sources, choice, flags.allow_partial)
        plan.read_placed(database, dataset, earlier_folders, splits or (None,))
        new_drops = lines_of(Path(flags.drop)) if flags.drop else []
        drops = list(dict.fromkeys([*lines_of(work / plan_drops.REMEMBERED), *new_drops]))
        plan_drops.read_drops(database, drops)
        unwanted = lookalikes.forget_lookalikes(database, lookalike_filter, rounds, dataset)
        plan_choice.choose(database, choice, embeddings)
        plan_choice.list_classes(database, choice)
        forgotten_reasons = tar_answers.TAR_FAULTS + fetch_rounds.reasons_to_retry(flags.retry_failed)
        plan_fetch.read_results(database, fetch_rounds.close_rounds(rounds), forgotten_reasons)
        plan_fetch.forget_vanished(database, rounds)
        account.say_plan(database, rows_read, choice)
        account.say_drops(database, work, new_drops)
        expected = forecast.forecast(database, rounds, choice.fill, resize, fetch_settings)
        forecast.say_forecast(expected)
        if flags.dry_run:
            return 0

        writable_folder(output, "--dataset-output")
        dataset.mkdir(exist_ok=True)
        with locked(dataset, busy.format("--dataset-output", dataset)):
            # Fetch.
            clear_remains(dataset, output)
            plan_drops.remember(work, drops)
            write_json(dataset / "settings.json", settings)
            fetch = fetch_wanted.Fetch(database, rounds, resize, fetch_settings, lookalike_filter, lock)
            lost = fetch_wanted.fill_classes(fetch, choice.fill) if choice.fill else fetch_wanted.fetch_all(fetch)
            forecast.say_outcome(expected, database, rounds)

            # Place, and remove what earlier runs placed and this one does not keep.
            folders = class_folders(plan_outcome.count_classes(database), earlier_folders)
            image_folder.remove(unwanted)
            left = plan_outcome.list_leaving(database)
            if splits:
                plan_splits.assign_splits(database, flags.val_fraction)
            to_place = plan_outcome.images_to_place(database)
            placed = image_folder.place_images(to_place, rounds, dataset, folders)
            image_folder.remove(taken_back(database, rounds, dataset))
            uneven = even_splits(dataset, folders.values(), splits)
            kept_entries, placed_before = plan_outcome.kept_entries(database), plan_outcome.keys_placed_before(database)
            images = image_folder.write_metadata(dataset, kept_entries, placed_before, folders, splits)

            # Report.
            has_lost_tars = account.say_lost_tars(database)
            totals = account.count_totals(database, rows_read, images, folders)
            described = account.describe_run(
                database, folders, sources, describe_choice(flags, len(drops)), class_order_of_earlier_run(dataset)
            )
            copies = lookalikes.write_copies(database, lookalike_filter, work / "excluded.jsonl")
            as_run = {"command": command_as_run(make_parser(), flags)}
            write_json(dataset / "report.json", totals | described | copies | as_run)
            write_card(dataset, used_folders(dataset, folders.values(), splits), bool(splits))
            page = write_report(dataset)
            if flags.webdataset:
                say(f"{tar_shards.write_tars(dataset, output, splits):,} tars in {output}")
    log_counts(flags, work, "download", output.name, as_json(resize), totals)
    account.say_classes(totals["classes"], choice.fill or 1)
    account.say_advice(totals, fetch_rounds.reasons_to_retry([]))
    account.say_uneven(uneven)
    account.say_removed(left, len(unwanted))
    say(f"to look at: {page}")
    others = f", {images - totals['kept']:,} of them for other --r folders" if images > totals["kept"] else ""
    say(f"placed: {placed:,} new images; {dataset} holds {images:,}{others}")
    return account.say_totals(totals, lost) or int(has_lost_tars)


# ---- settings ----


def describe_choice(flags, drops: int) -> dict:
    """What decided which images are wanted, by the flags' names, for report.json and the page."""
    names = ("n", "max_per_class", "fill", "diverse", "balance", "combine", "prefer", "min_score", "seed", "conflict",
             "nsfw_tags", "max_punsafe", "allow_untagged", "allow_private_hosts", "allow_partial", "near_duplicates",
             "exclude", "pixels", "user_agent", "per_host", "per_host_pace", "ignore_opt_outs")  # fmt: skip
    return {name: getattr(flags, name) for name in names} | {"drop": drops}


def dataset_settings(resize: ResizeSettings, flags) -> dict:
    """What a dataset folder holds to: the settings of its images, how it is split, whether opt-outs were ignored."""
    others = {"val_fraction": flags.val_fraction, "ignore_opt_outs": flags.ignore_opt_outs}
    return as_json(resize) | {name: value for name, value in others.items() if value}


def as_json(resize: ResizeSettings) -> dict:
    """The settings as JSON values: no limit is null, because JSON has no infinity."""
    return {name: None if value == float("inf") else value for name, value in asdict(resize).items()}


# ---- earlier runs ----


def clear_remains(*folders: Path) -> None:
    """Remove the temporary files of a killed run (complete_file's): metadata, tars, copied images."""
    for folder in folders:
        for part in (*folder.glob(".*.part"), *folder.glob("*/.*.part"), *folder.glob("*/*/.*.part")):
            part.unlink(missing_ok=True)


def folders_of_earlier_run(dataset: Path, wanted: dict) -> dict[str, str]:
    """Class -> its folder, as an earlier run gave them; empty for a new dataset folder.

    Args:
        wanted: `dataset_settings` of this run.

    Raises:
        UserError: its images were made with other settings.
    """
    settings = dataset / "settings.json"
    if settings.exists():
        held = read_object(settings)
        for name in {**held, **wanted}:
            value = None if held.get(name) == float("inf") else held.get(name)  # older versions wrote Infinity
            if wanted.get(name) != value:
                raise UserError(
                    f"{dataset} holds images made with --{name.replace('_', '-')} {value}, not {wanted.get(name)}: "
                    "give another --dataset-output"
                )
    report = dataset / "report.json"
    return read_object(report, "folders")["folders"] if report.exists() else {}


def class_order_of_earlier_run(dataset: Path) -> list[str]:
    report = dataset / "report.json"
    return read_object(report).get("class_order", []) if report.exists() else []


def taken_back(database, rounds: Path, dataset: Path) -> list[Path]:
    """Files of the images that leave the dataset folder, once the work folder has each of them."""
    from retrieval.download import image_folder, plan_outcome

    keys, files = image_folder.take_back(plan_outcome.leaving(database), rounds, dataset)
    if keys:
        number = 1 + len(list(rounds.glob("round-*.parquet")))
        with complete_file(rounds / f"round-{number:05d}.parquet") as beside:
            plan_outcome.write_taken_back(database, keys, beside)
    return files


if __name__ == "__main__":
    sys.exit(main())
