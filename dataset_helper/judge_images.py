"""Keep the images of a dataset that show their class: compare each with the text of every class, by CLIP.

In:  DATASET, the ImageFolder that download_urls_img2dataset.py (or this script) made, or any other
     --model, the CLIP that judges; --template, whose prompts say what a class looks like
Out: --ids FILE       the keys of the images that are kept, one per line
     --rejects FILE   the keys of those that are not, but for a limit: the downloader's --drop reads it, and --fill then
                      fetches others in their place
     --scores FILE    CSV: each image's score, its nearest class, and why it is not kept
     --output FOLDER  an ImageFolder of the images that are kept (hard links), with metadata, README.md and page
     --review FILE    a page of all images, to look at and to mark what shall go: `--drop` reads its list of marks

    python dataset_helper/judge_images.py outputs/dataset --model ViT-L/14 --template DTD --agree 1 --output outputs/judged
    python dataset_helper/judge_images.py outputs/dataset --template DTD --review outputs/review.html
    python dataset_helper/judge_images.py outputs/dataset --template DTD --keep-fraction 0.3 --drop drop.txt --ids kept.txt
    python dataset_helper/judge_images.py dtd/images --template DTD --agree 1 --scores scores.csv

A class's text is the mean of its prompts' features, and an image's score is its cosine with the text of its class. Each
picture is embedded once, and kept in DATASET.features: killed and started again, or run with other limits, this script
embeds only what is new. Conditions come first (--drop, --agree, --min-score), then near-duplicates, then the limits per
class, which keep the best scored.
"""  # noqa: E501 - commands as they are typed

import sys
from collections import Counter
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, add_talk_flags, at_least, command, parse_flags, parser_for, say_always
from retrieval.clip_names import DEFAULT_MODEL, PRECISIONS, check_model_name
from retrieval.dataset.dataset_folder import class_order, images_of, is_plain, refuse_inside
from retrieval.dataset.plain_folder import plain_entries
from retrieval.drop_lists import is_one_line, key_of_line, lines_of
from retrieval.files import read_json, refuse_shared_paths, writable_file, writable_folder

NAMED = 10  # images or classes that a message names


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="an ImageFolder: of the downloader, or any other")
    judge = parser.add_argument_group("the judge")
    judge.add_argument("--model", default=DEFAULT_MODEL, help="the CLIP that judges (default %(default)s)")
    judge.add_argument("--template", metavar="NAME", help='whose prompts are taken (default "a photo of a {}." alone)')
    judge.add_argument("--template-dir", metavar="DIR", help="a folder with your own templates")
    judge.add_argument("--folder-names", type=Path, metavar="FILE",
                       help="JSON that says which class each class folder means: {folder: class}; for an ImageFolder "
                       "that the downloader did not make")  # fmt: skip
    judge.add_argument("--text-mean", choices=("normalised", "raw"), default="normalised",
                       help="a class's text is the mean of its prompts' features: each of length 1, as in CLIP's own "
                       "zero-shot classifier, or as the model gives them (default %(default)s)")  # fmt: skip
    judge.add_argument("--features", type=Path, metavar="FOLDER",
                       help="where features are kept (default: DATASET.features, beside it)")  # fmt: skip
    judge.add_argument("--device", help="cuda, cuda:1, cpu … (default: cuda where there is one)")
    judge.add_argument("--precision", choices=PRECISIONS, default="fp32", help="(default %(default)s)")
    keep = parser.add_argument_group("what is kept")
    keep.add_argument("--drop", type=Path, metavar="LIST",
                      help="leave out these images: one key, file name or URL per line")  # fmt: skip
    keep.add_argument("--agree", type=at_least(1), metavar="K",
                      help="keep images whose own class is among the K nearest of all classes")  # fmt: skip
    keep.add_argument("--min-score", type=float, metavar="COSINE", help="keep images with at least this score")
    keep.add_argument("--per-class-thresholds", type=Path, metavar="FILE",
                      help='JSON, {"class": score}: the --min-score of these classes')  # fmt: skip
    keep.add_argument("--duplicate-cosine", type=float, metavar="COSINE",
                      help="of a class's images that have this cosine or more (0.9: near-duplicates), keep the best "
                      "scored")  # fmt: skip
    keep.add_argument("--keep-fraction", type=float, metavar="SHARE",
                      help="keep at most this share of each class's images, the best scored")  # fmt: skip
    keep.add_argument("--max-per-class", type=at_least(1), metavar="N",
                      help="keep at most N images of each class, the best scored")  # fmt: skip
    keep.add_argument("--diverse", action="store_true", help="with --max-per-class: N that differ, not the N best")
    output = parser.add_argument_group("output")
    output.add_argument("--ids", type=Path, metavar="FILE", help="write the keys of the images that are kept")
    output.add_argument("--rejects", type=Path, metavar="FILE",
                        help="write the keys of the images that are not kept, without those over a limit")  # fmt: skip
    output.add_argument("--scores", type=Path, metavar="FILE", help="write a CSV of all images")
    output.add_argument("--output", type=Path, metavar="FOLDER", help="make an ImageFolder of what is kept")
    output.add_argument("--overwrite", action="store_true", help="replace what other settings left in --output")
    output.add_argument("--review", type=Path, metavar="FILE", help="write a page to look at all images and mark some")
    add_talk_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    check(flags)
    if is_plain(flags.dataset):
        entries, prompts = plain_images(flags)
    else:
        entries, prompts = list(images_of(flags.dataset)), prompts_of_dataset(flags)
    check_keys(flags, entries)
    classes = list(prompts)
    thresholds = read_thresholds(flags.per_class_thresholds, classes)
    drop = keys_to_drop(flags.drop, entries)
    settings = settings_of(flags, thresholds, drop)

    # What computes is imported once all that can be refused without it has been refused.
    from retrieval.clip_model import load_clip
    from retrieval.dataset import image_features
    from retrieval.dataset.choice import Rules
    from retrieval.dataset.class_texts import embed_class_texts
    from retrieval.dataset.judged_files import write_files
    from retrieval.dataset.judged_folder import check_output
    from retrieval.dataset.judgement import judge, reasons_of
    from retrieval.torch_threads import use_all_cores

    if flags.output:
        check_output(flags.output, flags.dataset, settings, flags.overwrite)

    use_all_cores()
    model = load_clip(flags.model, flags.device, flags.precision)
    kept_in = flags.features or image_features.default_features(flags.dataset)
    features = image_features.embed_folder(flags.dataset, model, kept_in)
    texts = embed_class_texts(model, prompts, flags.text_mean, image_features.model_folder(kept_in, model))
    limits = flags.duplicate_cosine, flags.keep_fraction, flags.max_per_class, flags.diverse
    rules = Rules(drop, flags.agree, flags.min_score, thresholds, *limits)
    judged = judge(entries, features, texts, classes, rules)
    write_files(flags, judged, settings)

    say_lost(features.lost)
    report(judged, reasons_of(judged))
    return 0


# ---- check ----


def check(flags) -> None:
    check_model_name(flags.model)
    outputs = [(f"--{name}", getattr(flags, name)) for name in ("ids", "rejects", "scores", "output", "review")]
    if not any(path for _, path in outputs):
        raise UserError("nothing would be written: give --ids, --rejects, --scores, --output or --review")
    for flag, value in (("--min-score", flags.min_score), ("--duplicate-cosine", flags.duplicate_cosine)):
        if value is not None and not -1 <= value <= 1:
            raise UserError(f"{flag} {value}: a cosine is a number from -1 to 1")
    if flags.keep_fraction is not None and not 0 < flags.keep_fraction <= 1:
        raise UserError(f"--keep-fraction {flags.keep_fraction}: give a share above 0 and up to 1")
    if flags.diverse and flags.max_per_class is None:
        raise UserError("--diverse chooses which images --max-per-class N keeps: add it")
    if flags.drop and not flags.drop.is_file():
        raise UserError(f"--drop {flags.drop} is not there: give a text file with one key, file name or URL per line")
    if flags.folder_names and not is_plain(flags.dataset):
        raise UserError(f"--folder-names is for other ImageFolders: {flags.dataset} says itself which classes it has")
    if flags.folder_names and not flags.folder_names.is_file():
        raise UserError(f"--folder-names {flags.folder_names} is not there: give a JSON file, {{folder: class}}")
    if flags.review and is_plain(flags.dataset):
        raise UserError("--review shows what the downloader knows of each image, and this folder is not of it: "
                        "--scores FILE has each image's score and nearest class")  # fmt: skip
    refuse_shared_paths(outputs)
    refuse_inside(flags.dataset, "--features", flags.features, is_folder=True)
    for flag, path in outputs:
        if path and flag == "--output":
            writable_folder(path.absolute().parent, flag)
        elif path:
            refuse_inside(flags.dataset, flag, path)
            writable_file(path, flag)


def check_keys(flags, entries: list[dict]) -> None:
    """Refuse a list that could not name an image. Keys are paths where the downloader did not make the folder."""
    flag = "--ids" if flags.ids else "--rejects" if flags.rejects else None
    if flag and (unnamed := [entry["key"] for entry in entries if not is_one_line(entry["key"])]):
        raise UserError(f"{flag} has a line per image, and {ascii(unnamed[0])} is not read as one line (a line break, "
                        "a # in front, or a space at an end): rename it")  # fmt: skip


def plain_images(flags) -> tuple[list[dict], dict[str, list[str]]]:
    """(an entry per image, class -> its prompts) of an ImageFolder that the downloader did not make.

    Raises:
        UserError: a class folder means no class of the template.
    """
    template = chosen_template(flags)
    entries, class_of = plain_entries(flags.dataset, template.classes, flags.folder_names, "--folder-names")
    if template.classes:
        return entries, {name: template.prompts(name) for name in template.classes}
    # "a photo of a tiger_shark" is no caption.
    return entries, {name: template.prompts(name.replace("_", " ")) for name in class_of.values()}


def prompts_of_dataset(flags) -> dict[str, list[str]]:
    """Class -> its prompts, in the order of the template that the dataset was filtered with.

    Raises:
        UserError: a class of the dataset is not in the template.
    """
    template, classes = chosen_template(flags), class_order(flags.dataset)
    if unknown := [name for name in classes if template.classes and name not in template.classes]:
        raise UserError(
            f"the dataset's class {unknown[0]!r} is not in the template {flags.template}: give another --template"
        )
    return {name: template.prompts(name) for name in classes}


def chosen_template(flags):
    """The template; without --template one without classes."""
    from retrieval_templates import DEFAULT_PROMPT, Template, load_template

    if flags.template:
        return load_template(flags.template, flags.template_dir)
    return Template("", (), (DEFAULT_PROMPT,))


def read_thresholds(file: Path | None, classes: list[str]) -> dict[str, float]:
    """Class -> least score.

    Raises:
        UserError: the file is not there, is no JSON object of numbers, or names a class that the dataset lacks.
    """
    if file is None:
        return {}
    if not file.is_file():
        raise UserError(f'--per-class-thresholds {file} is not there: give a JSON file, {{"class": score}}')
    thresholds = read_json(file)
    if not isinstance(thresholds, dict) or not all(type(score) in (int, float) for score in thresholds.values()):
        raise UserError(f'--per-class-thresholds {file} must hold one JSON object, {{"class": score}}')
    if unknown := [name for name in thresholds if name not in classes]:
        raise UserError(f"--per-class-thresholds {file}: the dataset has no class {unknown[0]!r}")
    return thresholds


def keys_to_drop(file: Path | None, entries: list[dict]) -> frozenset[str]:
    """The keys of the images that the lines of --drop name; says how many lines name none."""
    lines = lines_of(file) if file else []
    keys, keys_of_url = {entry["key"] for entry in entries}, {}
    for entry in entries:
        keys_of_url.setdefault(entry["url"], []).append(entry["key"])
    found = {line: keys_of_url.get(line) or sorted({key_of_line(line)} & keys) for line in lines}
    if missed := [line for line in lines if not found[line]]:
        say_always(f"warning: --drop: {len(missed):,} of {len(lines):,} lines name no image of the dataset (first: "
                   f"{missed[0]})")  # fmt: skip
    return frozenset(key for named in found.values() for key in named)


def settings_of(flags, thresholds: dict, drop: frozenset[str]) -> dict:
    """What report.json and the page say of the choice, by the flags' names."""
    names = ("model", "template", "text_mean", "precision", "agree", "min_score", "duplicate_cosine", "keep_fraction",
             "max_per_class", "diverse")  # fmt: skip
    given = {name: getattr(flags, name) for name in names}
    given |= {"per_class_thresholds": len(thresholds) or None, "drop": len(drop) or None}
    return given | ({"folder_names": read_json(flags.folder_names)} if flags.folder_names else {})


# ---- report ----


def say_lost(lost: dict[str, str]) -> None:
    """Name images that have no features: they are left out, and take no other with them."""
    if lost:
        named = "; ".join(f"{name!r}: {reason}" for name, reason in sorted(lost.items())[:NAMED])
        others = f"; and {len(lost) - NAMED:,} more" if len(lost) > NAMED else ""
        say_always(f"warning: {len(lost):,} images cannot be judged and are left out ({named}{others})")


def report(judged: list[dict], lost: Counter[str]) -> None:
    """Name the classes that had images and keep none; then the sum, with the images lost for each reason."""
    kept = [entry for entry in judged if entry["outcome"] not in lost]
    if empty := sorted({entry["QUERY"] for entry in judged} - {entry["QUERY"] for entry in kept}):
        others = f", and {len(empty) - NAMED:,} more" if len(empty) > NAMED else ""
        say_always(f"warning: {len(empty):,} classes keep no image: {', '.join(map(repr, empty[:NAMED]))}{others}")
    reasons = "".join(f" + {count:,} {reason}" for reason, count in lost.most_common())
    say_always(f"{len(judged):,} images = {len(kept):,} kept{reasons}")


if __name__ == "__main__":
    sys.exit(main())
