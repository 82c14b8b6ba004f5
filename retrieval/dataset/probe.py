"""Linear probes of datasets on one test set: the numbers of probe.json.

A class is a class folder of the test set, and a label is its number. Pictures of other classes train nothing. A test
picture whose class has no training picture counts as wrong in `accuracy`, and not at all in `covered`.
"""

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from retrieval.cli import UserError
from retrieval.clip_model import ClipModel
from retrieval.dataset.class_senses import mean_vectors
from retrieval.dataset.image_features import ImageFeatures
from retrieval.dataset.linear_probe import threads_for, train_probe
from retrieval.dataset.probe_figures import accuracy_of, compared, confusions, per_class
from retrieval.dataset_files import SPLITS

HELD_OUT = 5  # one picture of so many chooses the regularisation
LEAST_PER_CLASS = 5  # of a curve's point with fewer pictures per class, too few would be held out to choose it
_, VALIDATION = SPLITS


@dataclass(frozen=True)
class Pictures:
    """Images as a probe sees them."""

    features: np.ndarray  # float32 (pictures, width), unit rows
    labels: np.ndarray  # int64 (pictures,)
    held_out: np.ndarray  # bool (pictures,): whether it helps to choose the regularisation


# ---- what is compared ----


def pictures_of_test(embedded: ImageFeatures, folders: list[str]) -> Pictures:
    number = {folder: label for label, folder in enumerate(folders)}
    labels = np.array([number[folder] for folder in embedded.labels], np.int64)
    return Pictures(embedded.rows, labels, np.zeros(len(labels), bool))


def pictures_of_dataset(
    dataset: Path, embedded: ImageFeatures, classes: list[str], class_of: dict[str, str]
) -> tuple[Pictures, dict[str, int]]:
    """The pictures of the test's classes, ordered by content, which says nothing about them, and class -> number of
    the pictures that are of no class of the test.

    Args:
        classes: of the test.
        class_of: class folder of the dataset -> its class.

    Raises:
        UserError: no picture is of any of the classes.
    """
    number = {name: label for label, name in enumerate(classes)}
    names = [class_of.get(folder, folder) for folder in embedded.labels]
    unused = Counter(name for name in names if name not in number)
    order = sorted((digest, at) for at, digest in enumerate(embedded.hashes) if names[at] in number)
    if not order:
        raise UserError(f"{dataset} has no picture that decodes of any class of --test: there is nothing to train on")
    places = np.array([at for _, at in order])
    return Pictures(
        embedded.rows[places],
        np.array([number[names[at]] for at in places], np.int64),
        np.array([is_held_out(embedded.names[at], embedded.labels[at], embedded.hashes[at]) for at in places]),
    ), dict(sorted(unused.items()))


def is_held_out(name: str, label: str, digest: str) -> bool:
    """Whether a picture helps to choose the regularisation: of a dataset with splits its validation images, else one
    in five. That follows from the file's content, so one picture of two classes is never on both sides."""
    split, *rest = PurePosixPath(name).parts
    if split in SPLITS and rest[0] == label and len(rest) == 2:
        return split == VALIDATION
    return int(hashlib.md5(f"probe:{digest}".encode()).hexdigest(), 16) % HELD_OUT == 0


# ---- probes ----


def probe_dataset(trained: Pictures, tested: Pictures, classes: int, device: str = "cpu") -> tuple[dict, np.ndarray]:
    """Train a probe on a dataset's pictures and test it, with all of them and with fewer per class.

    Args:
        trained: at least one picture, in an order that says nothing about them: a curve's few are the first ones.

    Returns:
        (numbers, right): numbers as probe.json has them; bool (test pictures,), which are classified rightly.
    """
    counts = np.bincount(trained.labels, minlength=classes)
    predicted, decay = _predictions(trained, tested, device)
    right = predicted == tested.labels
    numbers = {
        "pictures": len(trained.labels),
        "held_out": int(trained.held_out.sum()),
        "decay": decay,
        "accuracy": accuracy_of(right),
        "covered": accuracy_of(right[counts[tested.labels] > 0]),
        "classes": [
            {"pictures": int(count)} | figures
            for count, figures in zip(counts, per_class(right, tested.labels, classes), strict=True)
        ],
        "confusions": confusions(predicted, tested.labels),
        "curve": _curve(trained, tested, int(counts.max()), device),
    }
    numbers["curve"].append({"per_class": int(counts.max()), "pictures": len(trained.labels)} | numbers["accuracy"])
    return numbers, right


def zero_shot(model: ClipModel, prompts: list[list[str]], tested: Pictures) -> tuple[dict, np.ndarray]:
    """The model's own guess, without a training picture: the class whose prompts are nearest.

    Args:
        prompts: of each class. Its feature is the normalised mean of their unit features, as CLIP's authors ensemble.

    Returns:
        as `probe_dataset`.
    """
    predicted = (tested.features @ mean_vectors(prompts, model.encode_texts).T).argmax(axis=1)
    right = predicted == tested.labels
    return {
        "accuracy": accuracy_of(right),
        "classes": per_class(right, tested.labels, len(prompts)),
        "confusions": confusions(predicted, tested.labels),
    }, right


def pairs_of(right: dict[str, np.ndarray]) -> list[dict]:
    """Each two ways, compared picture by picture: name -> bool (test pictures,), in any order."""
    return [
        {"this": this, "other": other} | compared(right[this], right[other])
        for this, other in itertools.combinations(right, 2)
    ]


def _curve(trained: Pictures, tested: Pictures, largest: int, device: str) -> list[dict]:
    """Accuracy with 1, 2, 4 … pictures per class, below the largest class; a class that has fewer gives all."""
    place, curve, most = places_in_class(trained.labels), [], 1
    while most < largest:
        few = place < most
        choosing = trained.held_out[few] & (most >= LEAST_PER_CLASS)
        some = Pictures(trained.features[few], trained.labels[few], choosing)
        predicted, _ = _predictions(some, tested, device)
        figures = accuracy_of(predicted == tested.labels)
        curve.append({"per_class": most, "pictures": len(some.labels)} | figures)
        most *= 2
    return curve


def places_in_class(labels: np.ndarray) -> np.ndarray:
    """For each of int64 labels (n,), how many equal ones stand before it."""
    order = np.argsort(labels, kind="stable")
    begins = np.searchsorted(labels[order], labels[order], side="left")
    places = np.empty(len(labels), np.int64)
    places[order] = np.arange(len(labels)) - begins
    return places


def _predictions(trained: Pictures, tested: Pictures, device: str) -> tuple[np.ndarray, float]:
    """The class that a probe of the classes with pictures gives each test picture, and the probe's decay."""
    present, labels = np.unique(trained.labels, return_inverse=True)
    with threads_for(trained.features.size * len(present)):
        probe = train_probe(trained.features, labels, len(present), trained.held_out, device)
        return present[probe.scores(tested.features).argmax(axis=1)], probe.decay
