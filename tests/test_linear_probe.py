"""retrieval/dataset/linear_probe.py against Newton's method on the plain formula, and scikit-learn where it is."""

import numpy as np
import pytest
import scipy.special

from retrieval.dataset import linear_probe
from retrieval.dataset.linear_probe import DECAYS, probes_of_decays, train_probe


def drawn(rows: int, classes: int, width: int, spread: float, seed: int = 0):
    """(float32 features (rows, width), int64 labels (rows,)): a cloud per class."""
    random = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    centres = np.random.default_rng(99).normal(size=(classes, width))
    return (centres[labels] + spread * random.normal(size=(rows, width))).astype(np.float32), labels


def loss_of(parameters, rows, labels, decay):
    """The formula as it stands in the docstring, on rows with a column of ones behind them."""
    logs = scipy.special.log_softmax(rows @ parameters.T, axis=1)
    return decay / 2 * np.square(parameters[:, :-1]).sum() - logs[np.arange(len(rows)), labels].mean()


def by_newton(rows, labels, classes, decay):
    """Parameters (classes, width + 1) of the least loss: steps with the whole Hessian, halved until they help."""
    parameters = np.zeros((classes, rows.shape[1]))
    ridge = np.tile(np.append(np.full(rows.shape[1] - 1, decay), 1e-9), classes)  # 1e-9: biases are free but for a sum
    for _ in range(50):
        shares = scipy.special.softmax(rows @ parameters.T, axis=1)
        wrong = (shares - np.eye(classes)[labels]) / len(rows)
        gradient = (wrong.T @ rows).ravel() + ridge * parameters.ravel()
        parts = np.einsum("nk,kl->nkl", shares, np.eye(classes)) - np.einsum("nk,nl->nkl", shares, shares)
        hessian = np.einsum("nkl,ni,nj->kilj", parts, rows, rows).reshape(len(ridge), -1) / len(rows) + np.diag(ridge)
        step, size = np.linalg.solve(hessian, gradient).reshape(parameters.shape), 1.0
        while size > 1e-6 and loss_of(parameters - size * step, rows, labels, decay) > loss_of(
            parameters, rows, labels, decay
        ):
            size /= 2
        parameters = parameters - size * step
        if abs(gradient).max() < 1e-10:
            break
    return parameters


def scaled(probe, features):
    return np.c_[(features - probe.centre) / probe.scale, np.ones(len(features))]


@pytest.mark.parametrize("blocks", ["one block", "many blocks"])
def test_the_loss_and_the_probabilities_are_those_of_newtons_method(blocks, monkeypatch):
    if blocks == "many blocks":
        monkeypatch.setattr(linear_probe, "BLOCK_NUMBERS", 4 * 7)
    features, labels = drawn(90, 4, 6, spread=2)
    for probe in probes_of_decays(features, labels, 4, (1e-2, 1e-4)):
        rows = scaled(probe, features)
        ours = np.c_[probe.weights, probe.biases]
        exact = by_newton(rows, labels, 4, probe.decay)
        least = loss_of(exact, rows, labels, probe.decay)
        assert least - 1e-9 <= loss_of(ours, rows, labels, probe.decay) <= least + 1e-6
        shares = scipy.special.softmax(probe.scores(features), axis=1)
        assert abs(shares - scipy.special.softmax(rows @ exact.T, axis=1)).max() < 5e-3


def test_scikit_learn_finds_the_same_probabilities():
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, labels = drawn(300, 5, 8, spread=2)
    (probe,) = probes_of_decays(features, labels, 5, (1e-3,))
    rows = scaled(probe, features)[:, :-1]
    theirs = linear_model.LogisticRegression(C=1 / (1e-3 * len(rows)), tol=1e-8, max_iter=1000).fit(rows, labels)
    assert abs(theirs.predict_proba(rows) - scipy.special.softmax(probe.scores(features), axis=1)).max() < 5e-3


def test_neither_the_length_nor_the_place_of_the_features_changes_a_prediction():
    features, labels = drawn(200, 5, 8, spread=2)
    (plain,) = probes_of_decays(features, labels, 5, (1e-3,))
    (moved,) = probes_of_decays(features * 30 + 7, labels, 5, (1e-3,))
    assert (plain.scores(features).argmax(1) == moved.scores(features * 30 + 7).argmax(1)).mean() > 0.99


def test_of_noisy_labels_a_stronger_decay_is_chosen_than_of_clean_ones():
    """With 40 columns for 120 rows, an unregularised probe learns the wrong labels by heart."""
    features, labels = drawn(240, 3, 80, spread=4)
    noisy = np.where(np.random.default_rng(1).random(240) < 0.4, (labels + 1) % 3, labels)
    held_out = np.arange(240) % 4 == 3
    tested, wanted = drawn(600, 3, 80, spread=4, seed=5)
    probe = train_probe(features, noisy, 3, held_out)
    (weakest,) = [each for each in probes_of_decays(features, noisy, 3, DECAYS) if each.decay == DECAYS[-1]]
    assert probe.decay > 1e-4
    assert (probe.scores(tested).argmax(1) == wanted).mean() > (weakest.scores(tested).argmax(1) == wanted).mean()


def test_a_class_without_rows_is_never_predicted_and_no_held_out_row_is_no_error():
    features, labels = drawn(60, 3, 5, spread=0.5)
    probe = train_probe(features, labels, 5, np.zeros(60, bool))
    assert (probe.scores(features).argmax(axis=1) == labels).all() and probe.scores(features).shape == (60, 5)
