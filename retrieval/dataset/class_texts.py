"""Each class's prompts as one vector, with which its images are compared."""

import contextlib
from pathlib import Path

import numpy as np

from retrieval.clip_model import ClipModel
from retrieval.dataset.class_senses import mean_vectors
from retrieval.dataset.image_features import only_writer
from retrieval.embeddings import READ_ERRORS
from retrieval.files import complete_file, settings_fingerprint


def embed_class_texts(model: ClipModel, prompts: dict[str, list[str]], mean: str, place: Path) -> np.ndarray:
    """float32 (classes, width), unit rows: the mean of each class's prompts, of length 1 again.

    They are kept in `place`: 80 prompts of 1,000 classes take as long as thousands of images.

    Args:
        prompts: class -> its prompts.
        mean: "normalised": of features of length 1, so each prompt counts alike, as in CLIP's own zero-shot classifier.
            "raw": of features as the text tower gives them, where a longer one counts for more.
        place: the folder of the model's features.
    """
    file = place / f"texts-{settings_fingerprint([list(prompts.items()), mean])}.npy"
    with contextlib.suppress(*READ_ERRORS):  # not there, or damaged
        texts = np.load(file)
        if texts.shape == (len(prompts), model.width):
            return texts
    texts = mean_vectors(prompts.values(), lambda some: model.encode_texts(some, unit=mean == "normalised"))
    with only_writer(place), complete_file(file) as beside, open(beside, "wb") as rows:
        np.save(rows, texts)
    return texts
