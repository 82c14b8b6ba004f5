"""What a class means, as vectors of a text model.

A class with a definition is the text "name, definition". Another class is its prompts: the mean of their unit vectors,
of length 1 again, as --prompt-ensemble of the semantic filter makes it.
"""

from collections.abc import Callable, Iterable

import numpy as np

from retrieval_templates import Template


def sense_texts(template: Template) -> list[list[str]]:
    """Per class, in the template's order, the texts that say what it means."""
    return [
        [f"{name}, {template.definitions[name]}"] if name in template.definitions else template.prompts(name)
        for name in template.classes
    ]


def mean_vectors(texts: Iterable[list[str]], embed: Callable[[list[str]], np.ndarray]) -> np.ndarray:
    """float32 (classes, width), unit rows: per class the mean of its texts' vectors, of length 1 again.

    A class is embedded by itself, because what is in a batch changes float rounding: its vector is the same in any
    template.
    """
    means = np.stack([embed(of_class).mean(axis=0) for of_class in texts])
    return means / np.linalg.norm(means, axis=1, keepdims=True)
