"""Train the demo's tiny CLIP on drawings and captions with seeds that the pool does not use: 4 minutes on two cores.

In:  demo/demo-clip.json, an open_clip configuration: a small ResNet, and a two-layer text tower on CLIP's vocabulary.
Out: --output, a checkpoint that open_clip loads. It is float16, because the vocabulary alone has 49,408 × 32 numbers.

    python demo/train_demo_clip.py --output demo/demo-clip.pt
    python demo/train_demo_clip.py --output /tmp/quick.pt --drawings 2000 --steps 60

The loss has three terms:
contrast  a caption fits every image that it is true of, not only its own: CLIP's contrastive loss with that as target
classes   the prompts of a class are nearest to its images and to the captions that mean it, and captions that name no
          class are equally near to all classes
crowding  no two images or captions may come too close: the semantic filter takes neighbours with a cosine above 0.94
          for duplicates, as clip-retrieval does, and would otherwise keep one image per class
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

CONFIG = Path(__file__).with_name("demo-clip.json")
FIRST_SEED = 1_000_000  # the drawings of the pool and of the tests have smaller seeds
DRAWN_SIDE = 128  # pixels: half of the pool's, and a quarter of the time
BATCH = 128  # about six images of each class
LEARNING_RATE = 3e-3
SCALE = 24.0  # of the logits of the prompts: a lead of 0.2 is enough, so a class need not shrink to a point
TOO_CLOSE = 0.7  # cosine; well below 0.94, because the pool's images are new to the model
KIND_SHARES = (0.5, 0.38, 0.12)  # template, other words, unnamed


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the checkpoint to write")
    parser.add_argument("--drawings", type=int, default=9_000, help="training images (default %(default)s)")
    parser.add_argument("--steps", type=int, default=640, help="batches (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="drawing processes (default %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    flags = make_parser().parse_args(argv)
    if not os.access(flags.output.parent, os.W_OK) or flags.drawings < BATCH:
        print(f"error: --output needs a folder that can be written, and --drawings at least {BATCH}", file=sys.stderr)
        return 2
    import numpy as np
    import open_clip
    import torch
    from draw_textures import CLASSES

    torch.manual_seed(flags.seed)
    random = np.random.default_rng(flags.seed)
    open_clip.add_model_config(CONFIG)
    model, _, preprocess = open_clip.create_model_and_transforms(CONFIG.stem)
    tokenizer = open_clip.get_tokenizer(CONFIG.stem)

    tasks = [(CLASSES[n % len(CLASSES)], FIRST_SEED * (1 + flags.seed) + n) for n in range(flags.drawings)]
    with ProcessPoolExecutor(flags.workers) as pool:
        drawings = list(pool.map(drawn, tasks, chunksize=100))
    from PIL import Image

    pixels = torch.stack([preprocess(Image.fromarray(drawing.pixels)) for drawing in drawings])
    print(f"{len(drawings):,} drawings; {sum(part.numel() for part in model.parameters()):,} parameters", flush=True)

    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, flags.steps)
    model = model.to(memory_format=torch.channels_last).train()
    for step in range(flags.steps):
        chosen = random.choice(len(drawings), BATCH, replace=False)
        loss, parts = batch_loss(model, tokenizer, pixels[chosen], [drawings[row] for row in chosen], random)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == flags.steps - 1:
            numbers = ", ".join(f"{name} {part:.3f}" for name, part in parts.items())
            print(f"step {step:,} of {flags.steps:,}: {numbers}", flush=True)

    weights = {
        name: (part.half() if part.is_floating_point() else part).contiguous()
        for name, part in model.state_dict().items()
    }
    beside = flags.output.with_suffix(".part")
    torch.save(weights, beside)
    os.replace(beside, flags.output)
    print(f"{flags.output}: {flags.output.stat().st_size:,} bytes")
    return 0


def drawn(task):
    from draw_textures import draw

    return draw(*task, DRAWN_SIDE, DRAWN_SIDE)


def batch_loss(model, tokenizer, pixels, drawings, random):
    """The loss of one batch, and its terms by name."""
    import torch
    from draw_textures import CLASSES
    from torch.nn.functional import cross_entropy, log_softmax, normalize
    from web_captions import OTHER_WORDS, PROMPTS, TEMPLATE, UNNAMED, caption

    kinds = random.choice([TEMPLATE, OTHER_WORDS, UNNAMED], len(drawings), p=KIND_SHARES)
    captions = [caption(random, drawing, kind) for drawing, kind in zip(drawings, kinds, strict=True)]
    prompts = [PROMPTS[random.integers(len(PROMPTS))].format(name) for name in CLASSES]
    if random.random() < 0.5:
        pixels = pixels.flip(-1)  # spirals turn the other way, and all captions stay true
    with torch.autocast("cpu", torch.bfloat16):  # with channels_last, four times as fast
        images = model.encode_image(pixels.to(memory_format=torch.channels_last))
    images = normalize(images.float(), dim=-1)
    texts = model.encode_text(tokenizer([text.text for text in captions] + prompts), normalize=True)
    texts, prompts = texts[: len(captions)], texts[len(captions) :]

    logits = model.logit_scale.exp().clamp(max=50) * images @ texts.T
    fits = torch.from_numpy(truth(captions, drawings))
    own = torch.eye(len(captions))
    target = 0.5 * own + 0.5 * fits / fits.sum(1, keepdim=True)
    back = 0.5 * own + 0.5 * fits.T / fits.T.sum(1, keepdim=True)
    contrast = -(target * log_softmax(logits, 1)).sum(1).mean() - (back * log_softmax(logits.T, 1)).sum(1).mean()

    # In both directions: the class of an image or caption, and the images or captions of the batch that a prompt finds.
    numbers = {name: number for number, name in enumerate(CLASSES)}
    shown = torch.eye(len(CLASSES))[[numbers[drawing.class_name] for drawing in drawings]]
    meant = torch.zeros(len(captions), len(CLASSES))
    for row, text in enumerate(captions):
        if text.class_name:
            meant[row, numbers[text.class_name]] = 1
    classes = torch.zeros(())
    for rows, belongs in ((images, shown), (texts, meant)):
        nearness = SCALE * rows @ prompts.T
        unsure = belongs + (belongs.sum(1, keepdim=True) == 0)  # a caption without class: equally near to all
        classes = classes + cross_entropy(nearness, unsure / unsure.sum(1, keepdim=True))
        found = belongs.T[belongs.sum(0) > 0]
        classes = classes + cross_entropy(nearness.T[belongs.sum(0) > 0], found / found.sum(1, keepdim=True))

    crowding = _crowding(images) + _crowding(texts)
    parts = {"contrast": contrast.item(), "classes": classes.item(), "crowding": crowding.item()}
    return contrast + classes + 30 * crowding, parts


def truth(captions, drawings):
    """float32 (drawings, captions): 1 where all that the caption says is true of the drawing."""
    import numpy as np

    fits = np.ones((len(drawings), len(captions)), bool)
    for word in ("class_name", "ink", "ground", "angle", "scale"):
        said = np.array([getattr(caption, word) or "" for caption in captions])
        shown = np.array([getattr(drawing, word) or "" for drawing in drawings])
        fits &= (said == "")[None, :] | (said[None, :] == shown[:, None])
    return fits.astype(np.float32)


def _crowding(rows):
    """How far cosines exceed TOO_CLOSE: squared, summed over the neighbours of a row, averaged over the rows."""
    import torch

    cosines = rows @ rows.T - 2 * torch.eye(len(rows))
    return (cosines - TOO_CLOSE).clamp(min=0).square().sum() / len(rows)


if __name__ == "__main__":
    sys.exit(main())
