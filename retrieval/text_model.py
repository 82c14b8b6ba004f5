"""The model that embeds captions to judge them, loaded; retrieval/text_model_names.py says what names mean."""

from dataclasses import dataclass

import numpy as np

from retrieval.cli import UserError
from retrieval.clip_model import ClipModel, check_device, load_clip
from retrieval.text_model_names import SentenceSource, check_text_model

SENTENCE_BATCH = 64  # captions; sentence-transformers sorts them by length, so few tokens are padding


@dataclass(frozen=True)
class SentenceModel:
    """A loaded model of sentence-transformers."""

    name: str
    network: object  # a SentenceTransformer

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        """float32 (n, width), unit rows, in the order of `texts`."""
        vectors = self.network.encode(
            texts, batch_size=SENTENCE_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float32)


def load_text_model(name: str, device: str | None = None) -> ClipModel | SentenceModel:
    """Load the model that `name` means, on CUDA where there is one.

    Raises:
        UserError: what `check_text_model` and `load_clip` refuse, or weights that are not here and cannot be fetched.
    """
    source = check_text_model(name)
    if not isinstance(source, SentenceSource):
        return load_clip(name, device)
    device = check_device(device)
    from sentence_transformers import SentenceTransformer  # optional: only a model that is named st: needs it

    try:
        return SentenceModel(name, SentenceTransformer(source.place, device=device))
    except Exception as error:  # the hub's client, transformers and safetensors each have their own kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{name} does not load ({reason}): run once where there is a network and keep its Hugging Face cache "
            "(HF_HOME), or give the model's folder as st:FOLDER"
        ) from error
