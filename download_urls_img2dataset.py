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
from pathlib import Path

from retrieval.as_run import command_as_run
from retrieval.cli import command, parse_flags, parser_for, say
from retrieval.download import old_keys
from retrieval.download.command_line import add_flags, check_flags
from retrieval.download.later_import import keep_pandas_from_pyarrow
from retrieval.download.run import Run, as_json, run_of
from retrieval.files import locked, writable_folder
from retrieval.wandb_run import log_counts


def make_parser():
    parser = parser_for(__doc__, __file__)
    add_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    check_flags(flags)
    run = run_of(flags)
    if not flags.rename_old_keys:
        old_keys.refuse_old_keys(run.dataset)

    # What computes is imported once all that can be refused without it has been refused.
    keep_pandas_from_pyarrow()
    from retrieval.download.diverse import open_diverse
    from retrieval.download.plan import open_database
    from retrieval.download.run_account import say_account, write_account
    from retrieval.download.run_images import fetch_images, place_images
    from retrieval.download.run_plan import make_plan
    from retrieval.download.tar_shards import write_tars

    embeddings = open_diverse(flags.diverse, run.sources) if flags.diverse else None
    writable_folder(run.work, "--w")
    if not flags.dry_run:
        writable_folder(run.output, "--dataset-output")
    with (
        held_alone(run.work, "--w") as lock,
        contextlib.closing(open_database(run.work / "plan.duckdb")) as database,
    ):
        rename_old_images(run)
        plan = make_plan(run, database, embeddings)
        if flags.dry_run:
            return 0
        run.dataset.mkdir(exist_ok=True)
        with held_alone(run.dataset, "--dataset-output"):
            lost = fetch_images(run, plan, database, lock)
            placed = place_images(run, plan, database)
            written = write_account(run, plan, placed, database, command_as_run(make_parser(), flags))
            if flags.webdataset:
                say(f"{write_tars(run.dataset, run.output, run.splits):,} tars in {run.output}")

    log_counts(flags, run.work, "download", run.output.name, as_json(run.resize), written.totals)
    return say_account(run, plan, placed, written, lost)


def held_alone(folder: Path, flag: str):
    """No other run may use the folder until the block ends. Yields the lock's file descriptor."""
    return locked(folder, f"another run is using {flag} {folder}: wait for it, or give another")


def rename_old_images(run: Run) -> None:
    """--rename-old-keys: give the images of an older version the names that this one gives them."""
    if run.flags.rename_old_keys and run.dataset.exists():
        with held_alone(run.dataset, "--dataset-output"):
            say(f"renamed: {old_keys.rename_old_keys(run.dataset):,} images of an older version")


if __name__ == "__main__":
    sys.exit(main())
