"""Which CLIP a name means, found out in milliseconds: its configuration, its checkpoint and its width, without torch.

    ViT-L/14                            OpenAI's weights, in open_clip's quick-GELU configuration; also ViT-B/32, RN50 …
    open_clip:MODEL/PRETRAINED          open_clip's own names: open_clip:ViT-B-32/laion2b_s34b_b79k
    open_clip:MODEL/PATH/TO/WEIGHTS.pt  a checkpoint, by a relative or an absolute path (open_clip:MODEL//data/x.pt);
                                        a MODEL.json beside it is registered as the model's configuration

These are clip-retrieval's names, as indicies.json holds them. Standard library only; retrieval/clip_model.py loads.
"""

import difflib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError

DEFAULT_MODEL = "ViT-L/14"  # the model of LAION's published image embeddings and indices
OPENAI_MODELS = (  # clip.available_models() of OpenAI's package: clip-retrieval takes these names without a prefix
    "RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B/32", "ViT-B/16", "ViT-L/14", "ViT-L/14@336px",
)  # fmt: skip
WEIGHT_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".npz")  # a PRETRAINED that ends so is a path
PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from."""

    name: str
    architecture: str  # open_clip's name of it
    pretrained: str  # open_clip's tag, or the checkpoint's path as given
    checkpoint: Path | None
    config: Path
    width: int

    @property
    def files(self) -> list[Path]:
        """The user's own files that decide the embeddings."""
        return [self.checkpoint, self.config] if self.checkpoint else []


def check_model_name(name: str) -> ModelSource:
    """Find the configuration (and the checkpoint, if it is a file) that a name means.

    Raises:
        UserError: a name of no known form, an unknown architecture, a checkpoint that is not there.
    """
    bare = name.removeprefix("openai_clip:")
    if bare in OPENAI_MODELS:
        architecture = bare.replace("/", "-").replace("@336px", "-336") + "-quickgelu"
        return _source(name, architecture, "openai", None)
    if not name.startswith("open_clip:"):
        raise UserError(
            f"model {name!r} is not known: name one of OpenAI's ({', '.join(OPENAI_MODELS)}), or any of open_clip's as "
            "open_clip:MODEL/PRETRAINED, where PRETRAINED is a tag or a checkpoint's path"
        )
    architecture, _, pretrained = name.removeprefix("open_clip:").partition("/")
    if not (architecture and pretrained):
        raise UserError(
            f"model {name!r} names no weights: write open_clip:MODEL/PRETRAINED, for instance "
            "open_clip:ViT-B-32/laion2b_s34b_b79k or open_clip:ViT-B-32/path/to/weights.pt"
        )
    is_path = "/" in pretrained or pretrained.endswith(WEIGHT_SUFFIXES) or Path(pretrained).is_file()
    if is_path and not Path(pretrained).is_file():
        raise UserError(
            f"model {name!r}: there is no checkpoint {pretrained} (seen from {Path.cwd()}); give its path after "
            f"open_clip:{architecture}/"
        )
    return _source(name, architecture, pretrained, Path(pretrained) if is_path else None)


def _source(name: str, architecture: str, pretrained: str, checkpoint: Path | None) -> ModelSource:
    package = importlib.util.find_spec("open_clip")
    if package is None:
        raise UserError("open_clip is not installed: pip install -r requirements.txt")
    shipped = Path(package.origin).parent / "model_configs"
    beside = checkpoint.parent / f"{architecture}.json" if checkpoint else None
    config = beside if beside and beside.is_file() else shipped / f"{architecture}.json"
    if not config.is_file():
        known = sorted(path.stem for path in shipped.glob("*.json"))
        close = difflib.get_close_matches(architecture, known, n=3) or known[:3]
        raise UserError(
            f"model {name!r}: open_clip has no configuration {architecture} (close: {', '.join(close)})"
            + (f"; put one at {beside}" if beside else "")
        )
    try:
        width = int(json.loads(config.read_text(encoding="utf-8"))["embed_dim"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{config} is no open_clip model configuration: {error!r}") from error
    return ModelSource(name, architecture, pretrained, checkpoint, config, width)
