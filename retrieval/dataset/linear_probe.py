"""A linear probe: multinomial logistic regression on image features, its regularisation chosen on held-out rows.

It minimises, over weights W (classes, width) and biases b (classes,),

    mean over the rows of cross-entropy(W x + b, label)  +  decay / 2 · |W|²

(scikit-learn's C is 1 / (decay · rows).) The features are centred and divided by their root mean square length first,
so that one grid of decays suits any model. The biases are free, so centring changes no prediction. torch computes the
gradient, block by block on its device. scipy's L-BFGS takes the steps: torch's own took five times as long for 2,700
rows. tests/test_linear_probe.py compares the result with Newton's method on the plain formula.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import threadpoolctl
import torch

DECAYS = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6)  # the strongest first: each starts from the one before
MOST_STEPS = 500  # per decay; 5 to 60 are usual
# At the end, of any parameter, times the classes: with more of them each gets a smaller share. Of 20 classes in 2,700
# pictures, five times as much changed 11 of 500 predictions of the weakest decay; this changed none.
LARGEST_GRADIENT = 2e-4
PRODUCTS_FOR_THREADS = 1 << 27  # of a matrix product: 10 ms of one core
BLOCK_NUMBERS = 1 << 23  # of a block's scores (rows, classes) in float64: 64 MB


@dataclass(frozen=True)
class Probe:
    """A trained probe."""

    weights: np.ndarray  # float64 (classes, width)
    biases: np.ndarray  # float64 (classes,)
    centre: np.ndarray  # float64 (width,)
    scale: float
    decay: float

    def scores(self, features: np.ndarray) -> np.ndarray:
        """float64 (rows, classes) of features (rows, width): log-probabilities, but for a constant per row."""
        return (features - self.centre) / self.scale @ self.weights.T + self.biases


def train_probe(
    features: np.ndarray, labels: np.ndarray, classes: int, held_out: np.ndarray, device: str = "cpu"
) -> Probe:
    """Choose the decay with which the other rows predict the held-out rows best, then train on all rows.

    Best is the highest accuracy; of equal ones, the lowest cross-entropy.

    Args:
        features: float32 (rows, width).
        labels: int64 (rows,), each below `classes`.
        held_out: bool (rows,). If no row is held out, or all are, the middle decay is taken.
    """
    decay = DECAYS[len(DECAYS) // 2]
    if held_out.any() and not held_out.all():
        rest = probes_of_decays(features[~held_out], labels[~held_out], classes, DECAYS, device)
        decay = max(rest, key=lambda probe: _quality(probe, features[held_out], labels[held_out])).decay
    (probe,) = probes_of_decays(features, labels, classes, (decay,), device)
    return probe


def _quality(probe: Probe, features: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """(accuracy, minus the mean cross-entropy)."""
    scores, wanted = torch.from_numpy(probe.scores(features)), torch.from_numpy(labels)
    right = (scores.argmax(dim=1) == wanted).double().mean()
    return float(right), -float(torch.nn.functional.cross_entropy(scores, wanted))


def probes_of_decays(
    features: np.ndarray, labels: np.ndarray, classes: int, decays: tuple[float, ...], device: str = "cpu"
) -> Iterator[Probe]:
    """A Probe per decay. Arguments as of `train_probe`."""
    centre = features.mean(axis=0, dtype=np.float64)
    scale = max(1e-12, float(np.sqrt(np.square(features - centre).sum(axis=1).mean())))
    rows = torch.from_numpy(((features - centre) / scale).astype(np.float32)).to(device)
    wanted = torch.from_numpy(labels).to(device)
    parameters = np.zeros((classes, features.shape[1] + 1))
    for decay in decays:
        parameters = _least_loss(_loss_of(rows, wanted, classes, decay), parameters)
        yield Probe(parameters[:, :-1], parameters[:, -1], centre, scale, decay)


@contextlib.contextmanager
def threads_for(products: int):
    """One thread of torch and of numpy for small matrix products: threads that wait for each other cost more than they
    save, most of all on a busy machine, where one that is not running holds up the others."""
    before = torch.get_num_threads()
    with threadpoolctl.threadpool_limits(None if products >= PRODUCTS_FOR_THREADS else 1):
        torch.set_num_threads(before if products >= PRODUCTS_FOR_THREADS else 1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _least_loss(loss: Callable, start: np.ndarray) -> np.ndarray:
    options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "ftol": 0, "maxcor": 20}
    options["gtol"] = LARGEST_GRADIENT / len(start)
    found = scipy.optimize.minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(start.shape)


def _loss_of(rows: torch.Tensor, labels: torch.Tensor, classes: int, decay: float) -> Callable:
    """The loss and its gradient, of float64 (classes · (width + 1),): class after class, its bias last."""
    size = max(1, BLOCK_NUMBERS // classes)

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = torch.from_numpy(flat.reshape(classes, -1)).to(rows.device)
        weights, biases = parameters[:, :-1], parameters[:, -1]
        loss = decay / 2 * weights.square().sum()
        gradient = torch.cat([decay * weights, torch.zeros_like(biases)[:, None]], dim=1)
        for begin in range(0, len(rows), size):
            block, wanted = rows[begin : begin + size].double(), labels[begin : begin + size, None]
            logs = torch.log_softmax(torch.addmm(biases, block, weights.T), dim=1)
            loss = loss - logs.gather(1, wanted).sum() / len(rows)
            wrong = logs.exp_().scatter_add_(1, wanted, torch.full(wanted.shape, -1.0).to(logs)) / len(rows)
            gradient[:, :-1] += wrong.T @ block
            gradient[:, -1] += wrong.sum(dim=0)
        return float(loss), gradient.cpu().numpy().ravel()

    return loss_and_gradient
