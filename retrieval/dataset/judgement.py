"""The judgement of a dataset's images: what each image's entry says of its score, and why it is kept or not."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from retrieval.dataset.choice import Rules, choose
from retrieval.dataset.image_features import ImageFeatures
from retrieval.dataset.image_scores import score_images
from retrieval.files import complete_file

KEPT = "kept"
FIELDS = ("clip_score", "clip_rank", "clip_class", "outcome")
HEAD = ("key", "file_name", "QUERY", *FIELDS)


def judge(
    entries: Iterable[dict], features: ImageFeatures, texts: np.ndarray, classes: list[str], rules: Rules
) -> list[dict]:
    """The entries of metadata.jsonl in their order, each with FIELDS.

    clip_score is the cosine with the text of its class, clip_rank the place of its class among all by that cosine,
    clip_class the nearest class: None of an image without features. `outcome` is "kept", or the first reason why not.

    Args:
        texts: float32 (classes, width), unit rows.
        classes: the class of each text; those of the images are among them.
    """
    by_name = {entry["file_name"]: entry for entry in entries}
    number = {name: place for place, name in enumerate(classes)}
    own = [by_name[name]["QUERY"] for name in features.names]
    scores = score_images(features.rows, texts, np.array([number[name] for name in own], np.int64))
    keys = [by_name[name]["key"] for name in features.names]
    reasons = choose(keys, own, features.rows, scores, rules)
    columns = (scores.own.tolist(), scores.rank.tolist(), scores.nearest.tolist(), reasons)
    found = {name: dict.fromkeys(FIELDS) | {"outcome": reason} for name, reason in features.lost.items()}
    for name, score, rank, nearest, reason in zip(features.names, *columns, strict=True):
        values = round(score, 6), rank, classes[nearest], reason or KEPT
        found[name] = dict(zip(FIELDS, values, strict=True))
    return [entry | found[name] for name, entry in by_name.items()]


def reasons_of(judged: list[dict]) -> Counter[str]:
    """Why images are not kept -> how many."""
    return Counter(entry["outcome"] for entry in judged if entry["outcome"] != KEPT)


def write_scores(judged: list[dict], file: Path) -> None:
    """CSV, a line per image."""
    with complete_file(file) as beside, open(beside, "w", encoding="utf-8", errors="replace", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["class" if name == "QUERY" else name for name in HEAD])
        writer.writerows([entry[name] for name in HEAD] for entry in judged)
