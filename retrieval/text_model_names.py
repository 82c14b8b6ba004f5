"""Which model embeds captions to judge them: a CLIP by its name (clip_names.py), or st:NAME_OR_PATH.

    st:sentence-transformers/all-MiniLM-L6-v2    a model of the package sentence-transformers, by its name on the hub
    st:/models/all-MiniLM-L6-v2                  the same model in a folder

CLIP's text towers learnt what a caption shows; models of sentences know better what a word means in its sentence.
Standard library only; retrieval/text_model.py loads.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.clip_names import ModelSource, check_model_name

SENTENCE_PREFIX = "st:"
MODEL_FILES = ("*.json", "*.safetensors", "*.bin", "*/*.json", "*/*.safetensors", "*/*.bin")  # weights and settings


@dataclass(frozen=True)
class SentenceSource:
    """Where a model of sentence-transformers comes from."""

    name: str  # with its prefix
    place: str  # a folder, or a name on the hub

    @property
    def identity(self) -> str:
        return self.name

    @property
    def files(self) -> list[Path]:
        """The files of a folder that decide the embeddings."""
        return sorted({path for pattern in MODEL_FILES for path in Path(self.place).glob(pattern)})


def check_text_model(name: str) -> ModelSource | SentenceSource:
    """What a name means, found out without torch.

    Raises:
        UserError: what `check_model_name` refuses, a missing package, a folder that is not there.
    """
    if not name.startswith(SENTENCE_PREFIX):
        return check_model_name(name)
    place = name.removeprefix(SENTENCE_PREFIX)
    if not place:
        raise UserError("st: names no model: write st:NAME of the hub, or st:FOLDER")
    if importlib.util.find_spec("sentence_transformers") is None:
        raise UserError(f"{name} needs the package sentence-transformers: pip install -r requirements-senses.txt")
    if place.startswith(("/", "./", "../")) and not (Path(place) / "config.json").is_file():
        raise UserError(f"{name}: there is no config.json in {place}; give the folder of a sentence-transformers model")
    return SentenceSource(name, place)
