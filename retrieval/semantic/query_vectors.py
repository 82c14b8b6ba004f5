"""A class's queries as vectors: its prompts or their mean, and its seed images, moved away from --negative."""

import numpy as np

from retrieval.cli import UserError
from retrieval.clip_model import ClipModel
from retrieval.semantic.plan import ClassPlan
from retrieval.semantic.seed_images import open_seed


def embed_classes(classes: list[ClassPlan], encoder: ClipModel, batch_size: int) -> np.ndarray:
    """float32 (queries of all classes, width), unit rows.

    Batch composition changes float rounding, so classes are embedded one by one: a class gets the same hits in any
    block.
    """
    return np.concatenate([embed_class(each, encoder, batch_size) for each in classes])


def embed_class(plan: ClassPlan, encoder: ClipModel, batch_size: int) -> np.ndarray:
    """float32 (queries, width), unit rows, as ClassPlan.queries names them."""
    vectors = encoder.encode_texts(plan.prompts, batch_size)
    if plan.names > 1:
        vectors = _unit(vectors.reshape(-1, plan.names, vectors.shape[1]).mean(axis=1), plan)
    if plan.style.ensemble:  # CLIP's zero-shot classifier: the mean of unit vectors, of length 1 again
        vectors = _unit(vectors.mean(axis=0, keepdims=True), plan)
    vectors = np.concatenate([vectors, *(encoder.encode_images([open_seed(seed)]) for seed in plan.seeds)])
    if plan.negative:
        away = encoder.encode_texts([plan.negative], batch_size)
        vectors = _unit(vectors - np.float32(plan.style.negative_weight) * away, plan)
    return vectors


def _unit(vectors: np.ndarray, plan: ClassPlan) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (lengths > 1e-6).all():
        raise UserError(f"class {plan.name!r}: nothing is left of a query without --negative: give a lesser weight")
    return vectors / lengths
