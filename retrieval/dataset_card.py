"""README.md of a dataset: what `datasets` reads first. With it `load_dataset(FOLDER)` knows types, labels and splits.

Without it `datasets` would guess: a field that is null in the first rows gets the type null, `label` is a text, and a
class such as "bullet train" is taken for the training split.
"""

import json
from pathlib import Path

from retrieval.card_text import card_text
from retrieval.dataset_files import SPLITS
from retrieval.files import complete_file

CARD = "README.md"
# Of the licences that the hub knows: no single one holds for images from all over the web. "other" asks for a name.
_LICENSE = "license: other\nlicense_name: each-image-has-its-own\n"
_RIGHTS = """
Each image belongs to whoever made it, and has the licence that its maker gave it, if any. A licence of the pool is one
of its URLs and captions. So this dataset has no licence of its own: `url` says where an image comes from.
"""
_HF_SPLITS = {"train": "train", "val": "validation"}  # `datasets` knows these names
_TYPES = {
    "QUERY": "string", "caption": "string", "url": "string", "sha256": "string",
    "similarity": "float64", "width": "int64", "height": "int64", "original_width": "int64",
    "original_height": "int64", "SAMPLE_ID": "string", "NSFW": "string", "punsafe": "float64", "LICENSE": "string",
}  # fmt: skip
_JUDGED_TYPES = {"clip_score": "float64", "clip_rank": "int64", "clip_class": "string"}
_SOURCE_TYPES = {"SOURCE": "string", "MATCHED": "string", "SCORE": "float64", "RANK": "int64", "ROW": "string"}


def write_card(dataset: Path, labels: list[str], has_splits: bool, judged: bool = False) -> None:
    """Write the README.md of an ImageFolder, after its report.json, which is retold in it (card_text.py).

    Args:
        labels: the class folders that hold images, sorted: label n is the n-th, as in torchvision's ImageFolder.
        judged: whether the entries have judge_images.py's fields.
    """
    features = [
        {"name": "image", "dtype": "image"},
        {"name": "label", "dtype": {"class_label": {"names": labels}}},
        {"name": "key", "dtype": "string"},
        *_fields(has_splits, judged),
    ]
    files = [{"split": "train", "path": ["metadata.jsonl", "*/*.jpg"]}]
    if has_splits:
        files = [{"split": _HF_SPLITS[split], "path": f"{split}/**"} for split in SPLITS]
    what = "images in class folders, chosen by judge_images.py from those" if judged else "images in class folders,"
    _write(dataset, [{"config_name": "default", "data_files": files, "features": features}], what)


def write_tars_card(output: Path, has_splits: bool) -> None:
    """Write the README.md of a folder of tars."""
    files = [{"split": "train", "path": "*.tar"}]
    if has_splits:
        files = [{"split": _HF_SPLITS[split], "path": f"{split}/*.tar"} for split in SPLITS]
    others = {
        "cls": "int64",
        "txt": "string",
        "__key__": "string",
        "__url__": "string",
    }  # the last two are datasets' own
    features = [
        {"name": "jpg", "dtype": "image"},
        {"name": "json", "struct": _fields(has_splits)},
        *_typed(others),
    ]
    info = {"config_name": "default", "features": features}  # `datasets` takes no features of a config for tars
    _write(output, [{"config_name": "default", "data_files": files}], "WebDataset tars,", info)


def _fields(has_splits: bool, judged: bool = False) -> list[dict]:
    """The fields of an image's entry beside its key."""
    split = {"split": "string"} if has_splits else {}
    return [
        *_typed(split | _TYPES | (_JUDGED_TYPES if judged else {})),
        {"name": "also_asked_by", "list": "string"},
        {"name": "sources", "list": _typed(_SOURCE_TYPES)},
    ]


def _typed(types: dict[str, str]) -> list[dict]:
    return [{"name": name, "dtype": kind} for name, kind in types.items()]


def _write(folder: Path, configs: list[dict], what: str, info: dict | None = None) -> None:
    described = f"dataset_info: {_yaml(info)}\n" if info else ""
    text = f"---\nconfigs: {_yaml(configs)}\n{described}{_LICENSE}---\n# Retrieved images\n\n"
    text += f"These are {what} made by download_urls_img2dataset.py. `report.html` shows what is in them and why.\n"
    text += _RIGHTS + card_text(folder)
    with complete_file(folder / CARD) as beside:
        beside.write_text(text, encoding="utf-8", errors="replace")


def _yaml(value) -> str:
    """JSON that is YAML too: what YAML does not print is escaped its way."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
