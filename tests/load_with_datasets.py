"""Load a folder with Hugging Face `datasets`, and save what came as arrays. tests/test_loaders.py runs it in .venv-datasets.

python tests/load_with_datasets.py FOLDER OUT.npz
python tests/load_with_datasets.py imagefolder FOLDER OUT.npz
"""  # noqa: E501

import json
import sys
import tempfile

import numpy as np
from datasets import ClassLabel, load_dataset

SIDE = 32  # pixels


def load(words: list[str], cache: str) -> dict:
    if words[0] == "imagefolder":
        loaded = load_dataset("imagefolder", data_dir=words[1], cache_dir=cache)
        return {split: rows.class_encode_column("label") for split, rows in loaded.items()}
    return load_dataset(words[0], cache_dir=cache)


def main() -> None:
    *words, out = sys.argv[1:]
    saved = {}
    with tempfile.TemporaryDirectory() as cache:
        for split, rows in load(words, cache).items():
            image, label = ("image", "label") if "image" in rows.features else ("jpg", "cls")
            names = rows.features[label].names if isinstance(rows.features[label], ClassLabel) else []
            small = [np.asarray(row[image].resize((SIDE, SIDE)).convert("RGB")) for row in rows]
            saved |= {
                f"{split} pixels": np.stack(small),
                f"{split} labels": np.array([row[label] for row in rows]),
                f"{split} names": np.array(names, str),
                f"{split} rows": np.array([
                    json.dumps(row["json"] if "json" in row else {k: v for k, v in row.items() if k != image})
                    for row in rows
                ]),
            }  # fmt: skip
    np.savez(out, **saved)


if __name__ == "__main__":
    main()
