"""A CLIP with random weights under a name that open_clip loads: its checkpoint, and its configuration beside it."""

import json
from pathlib import Path

WIDTH = 32
CONFIG = {
    "embed_dim": WIDTH,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


def write_tiny_clip(folder: Path) -> str:
    import open_clip
    import torch

    (folder / "tiny-random.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder / "tiny-random.json")
    torch.manual_seed(0)
    torch.save(open_clip.create_model("tiny-random").state_dict(), folder / "tiny-random.pt")
    return f"open_clip:tiny-random/{folder / 'tiny-random.pt'}"
