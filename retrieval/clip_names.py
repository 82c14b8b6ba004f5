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
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError

DEFAULT_MODEL = "ViT-L/14"  # the model of LAION's published image embeddings and indices
OPENAI_MODELS = (  # clip.available_models() of OpenAI's package: clip-retrieval takes these names without a prefix
    "RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B/32", "ViT-B/16", "ViT-L/14", "ViT-L/14@336px",
)  # fmt: skip
WEIGHT_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".npz")  # a PRETRAINED that ends so is a path
PRECISIONS = ("fp32", "bf16", "fp16")
# Weights that were trained with quick GELU, as open_clip's table of pretrained weights says. open_clip loads them into
# a configuration with the ordinary GELU too, and only warns; the embeddings are others then (cosine 0.9 and less).
QUICK_GELU_WEIGHTS = {
    *("openai", "metaclip_400m", "metaclip_fullcc", "dfn2b", "dfn5b", "yfcc15m", "cc12m"),
    *("ViT-B-32/laion400m_e31", "ViT-B-32/laion400m_e32", "ViT-H-14-worldwide/metaclip2_worldwide"),
}
QUICK_GELU_FACTOR = b"1.702"  # x * sigmoid(1.702 * x): in the code of OpenAI's own archives (ViT-B-32.pt)


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from."""

    name: str
    architecture: str  # open_clip's name of it
    pretrained: str  # open_clip's tag, or the checkpoint's path as given
    checkpoint: Path | None
    config: Path
    width: int

    quick_gelu: bool = False  # whether the name asks for a configuration without it, and the weights need it

    @property
    def identity(self) -> str:
        """What a fingerprint holds: earlier versions embedded such weights without quick GELU under the same name."""
        return f"{self.name} (quick GELU)" if self.quick_gelu else self.name

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
    needs_quick = needs_quick_gelu(architecture, pretrained, checkpoint)
    own = beside is not None and beside.is_file()
    quick = needs_quick and not own and (shipped / f"{architecture}-quickgelu.json").is_file()
    architecture += "-quickgelu" if quick else ""
    config = beside if own else shipped / f"{architecture}.json"
    if not config.is_file():
        known = sorted(path.stem for path in shipped.glob("*.json"))
        close = difflib.get_close_matches(architecture, known, n=3) or known[:3]
        raise UserError(
            f"model {name!r}: open_clip has no configuration {architecture} (close: {', '.join(close)})"
            + (f"; put one at {beside}" if beside else "")
        )
    try:
        described = json.loads(config.read_text(encoding="utf-8"))
        width = int(described["embed_dim"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{config} is no open_clip model configuration: {error!r}") from error
    if checkpoint and needs_quick and not described.get("quick_gelu"):
        raise UserError(f'{checkpoint} was trained with quick GELU: write "quick_gelu": true into {config}')
    return ModelSource(name, architecture, pretrained, checkpoint, config, width, quick)


def needs_quick_gelu(architecture: str, pretrained: str, checkpoint: Path | None) -> bool:
    """Whether weights were trained with quick GELU: by their tag, or as the code in OpenAI's own archive says."""
    if checkpoint is None:
        tag = pretrained.lower().replace("-", "_")  # as open_clip reads it
        return tag in QUICK_GELU_WEIGHTS or f"{architecture}/{tag}" in QUICK_GELU_WEIGHTS
    if not zipfile.is_zipfile(checkpoint):
        return False
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            code = [name for name in archive.namelist() if "/code/" in name and name.endswith(".py")]
            return any(QUICK_GELU_FACTOR in archive.read(name) for name in code)
    except (OSError, zipfile.BadZipFile, zlib.error):
        return False  # a broken file is refused when it is loaded
