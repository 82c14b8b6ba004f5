"""What judge_images.py writes of a judgement: lists of keys, a CSV of scores, an ImageFolder, a page to look at."""

from retrieval.cli import say
from retrieval.dataset.choice import LIMITS
from retrieval.dataset.dataset_folder import is_plain
from retrieval.dataset.export import write_ids
from retrieval.dataset.judged_folder import write_folder, write_plain_folder
from retrieval.dataset.judgement import FIELDS, KEPT, reasons_of, write_scores
from retrieval.report import write_report


def write_files(flags, judged: list[dict], settings: dict) -> None:
    """Write what the flags ask for.

    Args:
        judged: an entry per image (judgement.judge).
        settings: of the choice, as report.json holds them.
    """
    kept = [entry for entry in judged if entry["outcome"] == KEPT]
    if flags.ids:
        write_ids(kept, flags.ids)
    if flags.rejects:
        write_ids((entry for entry in judged if entry["outcome"] not in (KEPT, *LIMITS)), flags.rejects)
    if flags.scores:
        write_scores(judged, flags.scores)
    if flags.output:
        step = {"dataset": flags.dataset.resolve().name, "settings": settings, "images": len(judged),
                "dropped": dict(sorted(reasons_of(judged).items())), "kept": len(kept)}  # fmt: skip
        write = write_plain_folder if is_plain(flags.dataset) else write_folder
        say(f"to look at: {write(flags.dataset, flags.output, kept, step)}")
    if flags.review:
        review = {entry["key"]: {name: entry[name] for name in FIELDS} for entry in judged}
        say(f"to review: {write_report(flags.dataset, to=flags.review, review=review)}")
