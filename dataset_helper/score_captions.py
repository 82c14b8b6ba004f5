"""Score the substring filter's records by their captions, before anything is downloaded.

In:  --r, the output folder of filter_laion_metadata_substring.py
Out: --output, a folder that download_urls_img2dataset.py takes as --r: the same records, with SCORE (the cosine of the
     caption to what the class means) and RANK (in its class, the best is 0)

What a class means: "name, definition" where the template has a definition, else the mean of its prompts. A definition
tells the bird crane from the machine, which prompts do not (benchmarks/caption_senses.py).

    python dataset_helper/score_captions.py --r outputs/substring/Pets --output outputs/scored/Pets --template Pets \\
        --template-dir my_templates --model st:sentence-transformers/all-MiniLM-L6-v2
    python download_urls_img2dataset.py --r outputs/scored/Pets --w /tmp/pets --dataset-output outputs/pets \\
        --prefer score --max-per-class 1000 --min-score 0.3

Each distinct caption is embedded once. Stopped at any moment, the same command goes on. --r is left as it is, so that
the filter can go on with it; then the same command here scores what is new.
"""

import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, add_talk_flags, at_least, command, parse_flags, parser_for, say, say_always
from retrieval.clip_names import DEFAULT_MODEL
from retrieval.files import file_fingerprint, settings_fingerprint, writable_folder
from retrieval.records import is_complete
from retrieval.report import write_when_whole
from retrieval.run_folder import Run, add_overwrite_flag, begun_run, check_folder
from retrieval.table_lines import TABLE_LINES, WIDEST_NAME, cut
from retrieval.text_model_names import check_text_model
from retrieval_templates import DEFAULT_PROMPT, Template, load_template, template_names

SCORES_FOLDER = ".scores"  # in --output: the scores of finished blocks of captions


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--r", type=Path, required=True, metavar="FOLDER", help="the substring filter's output folder")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="folder for the scored chunks")
    parser.add_argument("--template", metavar="NAME",
                        help="the template with the definitions or prompts (default: the one that --r was made with, "
                        f"else the names of its classes in {DEFAULT_PROMPT!r})")  # fmt: skip
    parser.add_argument("--template-dir", metavar="DIR", help="a folder with your own templates")
    parser.add_argument("--model", default=DEFAULT_MODEL,
                        help="a CLIP by its name, or st:NAME_OR_FOLDER of sentence-transformers, which tells meanings "
                        "apart better (default: %(default)s)")  # fmt: skip
    parser.add_argument("--device", help="cuda, cuda:1, cpu … (default: cuda where there is one)")
    parser.add_argument("--min-sense", type=float, metavar="X", help="leave out records with a SCORE below X")
    parser.add_argument("--agree", type=at_least(1), metavar="K",
                        help="leave out records whose own class is not among the K classes of the template that fit "
                        "the caption best")  # fmt: skip
    parser.add_argument("--allow-partial", action="store_true",
                        help="also read the output of a filter run with missing jobs or shards")  # fmt: skip
    add_overwrite_flag(parser)
    add_talk_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    check_flags(flags)
    model = check_text_model(flags.model)

    from retrieval.dataset.caption_numbers import number_captions
    from retrieval.dataset.caption_scores import Judge, forget_other_blocks, score_pairs
    from retrieval.dataset.class_senses import sense_texts
    from retrieval.dataset.scored_folder import judge_records, open_selection, write_scored

    selection = open_selection(flags.r, flags.allow_partial)
    template = template_of(flags, selection.settings)
    output = writable_folder(flags.output, "--output")
    texts = sense_texts(template)
    weights = [file_fingerprint(path) for path in model.files]
    fingerprint = settings_fingerprint([model.identity, weights, texts])
    settings = selection.settings | {
        "score_model": flags.model, "score_texts": fingerprint, "min_sense": flags.min_sense, "agree": flags.agree
    }  # fmt: skip
    run = Run("substring", settings, tuple(map(str, selection.chunks)), 0, 1)
    check_folder(output, run, flags.overwrite)
    if is_complete(output, 0, 1, settings, selection.inputs()):
        say_always(f"{output}: this very run is complete already; nothing to do")
        return 0

    with begun_run(output, run, flags.overwrite):
        captions = number_captions(selection.chunks, template.classes)
        judge = Judge(fingerprint, texts, lambda: load_model(flags))
        scores, embedded = score_pairs(captions, selection.chunks, judge, output / SCORES_FOLDER)
        of_record = scores[captions.pair_of_record]
        classes = captions.pair_class[captions.pair_of_record]
        verdict = judge_records(of_record["score"], of_record["place"], classes, flags.min_sense, flags.agree)
        manifest = write_scored(selection, verdict, template.classes, settings, output)
        forget_other_blocks(captions, judge, output / SCORES_FOLDER)
    write_when_whole(output, 1, thorough=False)
    return report(manifest, len(captions.hashes), embedded, output)


def check_flags(flags) -> None:
    if flags.output.resolve() == flags.r.resolve():
        raise UserError("--output is --r, which belongs to the filter's run: give another folder")
    if flags.min_sense is not None and not -1 <= flags.min_sense <= 1:
        raise UserError(f"--min-sense {flags.min_sense} is no cosine: give a number from -1 to 1, such as 0.3")
    if flags.template_dir and not flags.template:
        raise UserError("--template-dir is where --template is looked for: give both")


def template_of(flags, settings: dict) -> Template:
    """The template of --template, else the one that the filter ran with, else its classes with the default prompt.

    Raises:
        UserError: the template lacks a class of the filter's run.
    """
    if not flags.template and settings["query"] not in template_names():
        say(f"note: captions are compared with {DEFAULT_PROMPT!r} of each class: --template compares with a template's "
            "definitions and prompts")  # fmt: skip
        return Template(str(flags.r), tuple(settings["queries"]), (DEFAULT_PROMPT,))
    template = load_template(flags.template or settings["query"], flags.template_dir)
    if lacking := [name for name in settings["queries"] if name not in template.classes]:
        raise UserError(
            f"template {template.name} has no class {lacking[0]!r}, and --r has: give the --template of --r"
        )
    return template


def load_model(flags):
    from retrieval.text_model import load_text_model  # torch takes seconds: a run whose captions are scored needs none

    return load_text_model(flags.model, flags.device)


def report(manifest, captions: int, embedded: int, output: Path) -> int:
    """A table of the classes with the lowest scores, and the line that reconciles. The exit code."""
    counts = manifest.counts
    scored = [(name, of_class) for name, of_class in counts["classes"].items() if of_class["score_quartiles"]]
    scored.sort(key=lambda item: item[1]["score_quartiles"][1])
    shown = scored[:TABLE_LINES]
    width = min(WIDEST_NAME, max((len(name) for name, _ in shown), default=0))
    say(f"{'class':{width}}  {'found':>10} {'kept':>10}  quartiles of the scores")
    for name, of_class in shown:
        quartiles = "  ".join(f"{value:.3f}" for value in of_class["score_quartiles"])
        say(f"{cut(name, width):{width}}  {of_class['found']:>10,} {of_class['records']:>10,}  {quartiles}")
    if rest := len(scored) - len(shown):
        say(f"and {rest:,} more classes, with higher scores")
    vague, other = counts["dropped_by_sense"], counts["dropped_by_agree"]
    say_always(
        f"{counts['records'] + vague + other:,} records with {captions:,} captions, {embedded:,} of them embedded now; "
        f"{vague:,} below --min-sense, {other:,} fit other classes better, {counts['records']:,} written to {output}"
    )
    return 1 if manifest.coverage["missing"] else 0


if __name__ == "__main__":
    sys.exit(main())
