"""How well a text model tells a caption that means the class from one that only holds its name.

benchmarks/data/ambiguous_captions.tsv: 400 captions of forty names (crane, jaguar, seal …), half of them in another
sense than benchmarks/data/AmbiguousNames.py defines. A caption's score is what dataset_helper/score_captions.py writes:
its cosine to "name, definition", or to the prompts where there is no definition.

ROC AUC is the chance that a caption in the right sense scores higher than one in a wrong sense: pooled over all names,
as one --min-sense needs it, and as the mean over names of the AUC within a name. The threshold has the best F1 on every
other name; precision and recall are those on the other half.

    python benchmarks/caption_senses.py --model st:sentence-transformers/all-MiniLM-L6-v2
    python benchmarks/caption_senses.py --model open_clip:demo-clip/demo/demo-clip.pt
"""

import argparse
import csv
import sys
from dataclasses import replace
from pathlib import Path

import _root  # noqa: F401

from retrieval_templates import load_template

DATA = Path(__file__).parent / "data"


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=f"open_clip:demo-clip/{DATA.parent.parent / 'demo' / 'demo-clip.pt'}",
                        help="a CLIP by its name, or st:NAME_OR_FOLDER (default: the demo's CLIP)")  # fmt: skip
    parser.add_argument("--worst", type=int, default=5, help="names to list, those with the lowest AUC (default 5)")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)

    import numpy as np

    from retrieval.dataset.class_senses import mean_vectors, sense_texts
    from retrieval.text_model import load_text_model

    template = load_template("AmbiguousNames", DATA)
    names, labels, captions = read_labels(template.classes)
    model = load_text_model(args.model)
    vectors = model.encode_texts(captions)
    print(f"{args.model}: {len(captions)} captions of {len(template.classes)} names, {labels.sum()} mean the class")
    for what, of_class in (("definitions", template), ("prompts only", replace(template, definitions={}))):
        senses = mean_vectors(sense_texts(of_class), model.encode_texts)
        scores = np.einsum("ij,ij->i", vectors, senses[names])
        report(what, scores, labels, names, template.classes, args.worst)
    return 0


def read_labels(classes: tuple[str, ...]) -> tuple:
    """(position of each name among `classes`, whether a caption means it: arrays (captions,); the captions)."""
    import numpy as np

    with open(DATA / "ambiguous_captions.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    names = np.array([classes.index(row["class"]) for row in rows])
    return names, np.array([row["label"] == "1" for row in rows]), [row["caption"] for row in rows]


def report(what: str, scores, labels, names, classes: tuple[str, ...], worst: int) -> None:
    of_name = [auc(scores[names == number], labels[names == number]) for number in range(len(classes))]
    tuned = names % 2 == 0
    threshold = best_threshold(scores[tuned], labels[tuned])
    precision, recall = precision_recall(scores[~tuned] >= threshold, labels[~tuned])
    print(f"{what}: ROC AUC pooled {auc(scores, labels):.3f}, mean over names {sum(of_name) / len(of_name):.3f}")
    print(f"    threshold {threshold:.3f}: precision {precision:.3f}, recall {recall:.3f} on the other names")
    lowest = sorted(range(len(classes)), key=lambda number: (of_name[number], number))[:worst]
    print(f"    lowest: {', '.join(f'{classes[number]} {of_name[number]:.2f}' for number in lowest)}")


def auc(scores, labels) -> float:
    difference = scores[labels][:, None] - scores[~labels]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def best_threshold(scores, labels) -> float:
    """The lowest score that is kept where F1 is best."""
    return float(max(sorted(scores), key=lambda least: f1(*precision_recall(scores >= least, labels))))


def precision_recall(kept, labels) -> tuple[float, float]:
    right = (kept & labels).sum()
    return float(right / max(1, kept.sum())), float(right / labels.sum())


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / max(1e-9, precision + recall)


if __name__ == "__main__":
    sys.exit(main())
