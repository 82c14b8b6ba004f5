"""What a class means, as vectors of a text model.

A class with a definition is the text "name, definition". Another class is its prompts: the mean of their unit vectors,
of length 1 again, as --prompt-ensemble of the semantic filter makes it.
"""

from collections.abc import Sequence

import numpy as np

from retrieval_templates import Template


def sense_texts(template: Template) -> list[list[str]]:
    """Per class, in the template's order, the texts that say what it means."""
    return [
        [f"{name}, {template.definitions[name]}"] if name in template.definitions else template.prompts(name)
        for name in template.classes
    ]


def sense_vectors(texts: Sequence[Sequence[str]], model) -> np.ndarray:
    """float32 (classes, width), unit rows: per class the mean of its texts' unit vectors."""
    vectors = model.encode_texts([text for of_class in texts for text in of_class])
    starts = np.cumsum([0, *map(len, texts[:-1])])
    sums = np.add.reduceat(vectors, starts, axis=0)
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)
