"""--prompt-names: which names of a class stand in its prompts. Standard library only.

own            the class's own name
most-written   the one name that most captions have, by the counts of a substring run (--counts)
all            each name: of every prompt the mean of its embeddings with each name
"""

from collections import Counter
from pathlib import Path

from retrieval.cli import UserError, say
from retrieval.records import RUN_FILE, read_manifests
from retrieval.table_lines import listed
from retrieval.written_names import most_written, rows_per_name
from retrieval_templates import Template

WAYS = ("own", "most-written", "all")


def add_name_flags(parser) -> None:
    parser.add_argument(
        "--prompt-names", choices=WAYS, default="own",
        help="the names in a class's prompts: its own, the one that most captions have (with --counts), or the mean "
        "over all its names (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--counts", metavar="FOLDER", help="with --prompt-names most-written: the output folder of a substring run "
        "with this template"
    )  # fmt: skip


def check_name_flags(args) -> None:
    if args.counts and args.prompt_names != "most-written":
        raise UserError("--counts says which name is written most: give it with --prompt-names most-written")
    if args.prompt_names == "most-written" and not args.counts:
        raise UserError(
            "--prompt-names most-written needs --counts FOLDER: the output of filter_laion_metadata_substring.py with "
            "the same template, over any part of the pool"
        )


def names_in_prompts(args, template: Template) -> dict[str, tuple[str, ...]]:
    """Class -> the names in its prompts, of all classes.

    Raises:
        UserError: the template has no synonyms, or --counts is not the folder of a finished substring run.
    """
    if args.prompt_names == "own":
        return {name: (name,) for name in template.classes}
    if not any(template.synonyms.values()):
        raise UserError(f"{template.name} has no synonyms: leave out --prompt-names, or add `synonyms` to the template")
    if args.prompt_names == "all":
        return {name: distinct(template.names(name)) for name in template.classes}
    matches = counted_phrases(Path(args.counts))
    chosen = {
        name: (most_written(rows_per_name(matches.get(name, {}), template.names(name))),) for name in template.classes
    }
    others = [f"{name} as {names[0]}" for name, names in chosen.items() if names != (name,)]
    for line in listed(f"{len(others):,} of {len(chosen):,} classes are asked with another name: ", others):
        say(line)
    return chosen


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names without those that differ only in case: CLIP's tokenizer lower-cases them."""
    firsts: dict[str, str] = {}
    for name in names:
        firsts.setdefault(name.casefold(), name)
    return tuple(firsts.values())


def counted_phrases(folder: Path) -> dict[str, Counter]:
    """Class -> phrase -> rows, over all jobs of a substring run.

    Raises:
        UserError: the folder is none of a substring run, or one of its jobs has not finished.
    """
    manifests = read_manifests(folder)
    if not manifests or manifests[0]["stage"] != "substring":
        began = " yet: run its command again for the rest" if (folder / RUN_FILE).exists() and not manifests else ""
        raise UserError(f"--counts {folder} holds no finished run of filter_laion_metadata_substring.py{began}")
    if len(manifests) < manifests[0]["total_jobs"]:
        raise UserError(f"--counts {folder}: {len(manifests):,} of {manifests[0]['total_jobs']:,} jobs have finished: "
                        "wait for the others")  # fmt: skip
    matches: dict[str, Counter] = {}
    for manifest in manifests:
        for name, of_class in manifest["counts"]["classes"].items():
            matches.setdefault(name, Counter()).update(of_class["matches"])
    return matches
