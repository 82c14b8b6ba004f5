"""The CLIP that embeds captions, prompts and images, through open_clip; retrieval/clip_names.py says what names mean.

In: texts, or PIL images. Out: float32 (n, width) of unit rows. Texts are embedded in batches of similar length, cut
to their longest: 5 times the speed of padding to 77 tokens, and the same numbers, because the tower is causal and
pools at end-of-text. tests/test_clip_model.py compares ids and embeddings with open_clip's own.
"""

import os
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import open_clip
import torch
from huggingface_hub import try_to_load_from_cache
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from open_clip.pretrained import download_pretrained, get_pretrained_cfg

from retrieval.cli import UserError
from retrieval.clip_names import ModelSource, check_model_name
from retrieval.clip_tokens import END_OF_TEXT, CaptionTokenizer, caption_tokenizer
from retrieval.image_files import Image
from retrieval.image_pixels import decode

TEXT_BATCH = 256  # captions; on CPU 64 to 1,024 are equally fast, a GPU wants 1,024 or more
IMAGE_BATCH = 64
NETWORK_TIMEOUT = 10  # seconds


def batches_of_similar_length(lengths: np.ndarray, batch_size: int) -> Iterator[tuple[slice, int]]:
    """The slice of each batch and its longest caption in tokens, for ascending token counts `lengths` (n,).

    The longest captions come first, so that a batch that is too large for the memory fails at once.
    """
    for end in range(len(lengths), 0, -batch_size):
        yield slice(max(0, end - batch_size), end), int(lengths[end - 1])


# ---- the model ----


@dataclass(frozen=True)
class ClipModel:
    """A loaded model. It is not safe to embed from two threads at once."""

    name: str
    width: int
    device: str
    precision: str  # of the network's weights: one of clip_names.PRECISIONS
    network: torch.nn.Module  # open_clip's, in eval mode
    preprocess: Callable  # PIL image -> float32 tensor (3, height, width), as open_clip validates with
    tokenizer: CaptionTokenizer
    cuts: bool  # whether captions can be cut to the longest of a batch; else they are padded

    def encode_texts(self, texts: list[str], batch_size: int = TEXT_BATCH, unit: bool = True) -> np.ndarray:
        """float32 (n, width), unit rows, in the order of `texts`; with unit=False as the text tower gives them."""
        return self.embed_tokens(self.tokenizer(list(texts)), batch_size, unit).cpu().numpy()

    def embed_tokens(self, ids: np.ndarray, batch_size: int = TEXT_BATCH, unit: bool = True) -> torch.Tensor:
        """Embed the tokenizer's ids, int32 (n, context_length): a float32 tensor (n, width) on the model's device.

        Rows are unit, or with unit=False as the tower gives them. On CUDA it returns when the work is queued, not when
        it is done.
        """
        lengths = ids.argmax(axis=1) + 1 if self.cuts else np.full(len(ids), ids.shape[1])
        order = np.argsort(lengths, kind="stable")
        on_device, row_of = self._upload(ids[order]), self._upload(order)
        embedded = torch.empty(len(ids), self.width, device=self.device)
        with torch.inference_mode():
            for batch, longest in batches_of_similar_length(lengths[order], batch_size):
                tower = _cut_tower if self.cuts else type(self.network).encode_text
                features = tower(self.network, on_device[batch, :longest])
                embedded[row_of[batch]] = _unit_rows(features) if unit else features.float()
        return embedded

    def encode_images(self, images: list, batch_size: int = IMAGE_BATCH) -> np.ndarray:
        """float32 (n, width), unit rows, of PIL images."""
        batches = (images[begin : begin + batch_size] for begin in range(0, len(images), batch_size))
        embedded = [
            self.embed_pixels(torch.stack([self.preprocess(image) for image in batch])).cpu().numpy()
            for batch in batches
        ]
        return np.concatenate(embedded) if embedded else np.zeros((0, self.width), np.float32)

    def decode_images(self, images: Iterable[Image], threads: Executor) -> tuple[torch.Tensor | None, list[str | None]]:
        """(pixels (n, 3, height, width) of the images that decode, or None; a reason or None for each image)."""
        outcomes = list(threads.map(lambda image: decode(image, self.preprocess), images))
        pixels = [outcome for outcome in outcomes if not isinstance(outcome, str)]
        reasons = [outcome if isinstance(outcome, str) else None for outcome in outcomes]
        return torch.stack(pixels) if pixels else None, reasons

    def embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed preprocessed images (n, 3, height, width): a float32 tensor (n, width) on the model's device."""
        dtype = open_clip.get_input_dtype(self.precision) or torch.float32
        pixels = pixels.pin_memory() if self.device != "cpu" else pixels
        with torch.inference_mode():
            return _unit_rows(self.network.encode_image(pixels.to(self.device, dtype, non_blocking=True)))

    def _upload(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        return tensor if self.device == "cpu" else tensor.pin_memory().to(self.device, non_blocking=True)


def _cut_tower(network: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """open_clip's text tower on ids (n, longest) that are cut to the longest caption: features (n, width).

    It runs the network's own blocks, with positions and causal mask cut. The last block computes only end-of-text,
    because nothing else is pooled: there the other tokens are only keys and values (saves 6 % of a 12-layer tower).
    """
    text = getattr(network, "text", network)
    longest, ends, rows = ids.shape[1], ids.argmax(dim=1), torch.arange(len(ids), device=ids.device)
    tokens = text.token_embedding(ids).to(text.transformer.get_cast_dtype())
    tokens = tokens + text.positional_embedding[:longest].to(tokens.dtype)
    *blocks, last = text.transformer.resblocks
    for block in blocks:
        tokens = block(tokens, attn_mask=text.attn_mask[:longest, :longest])
    normed = last.ln_1(tokens)
    later = torch.arange(longest, device=ids.device) > ends[:, None]  # the causal mask's row of each end-of-text
    asking = normed[rows, ends].unsqueeze(1)
    attended = last.attn(asking, normed, normed, key_padding_mask=later, need_weights=False)[0]
    pooled = tokens[rows, ends] + last.ls_1(attended.squeeze(1))
    pooled = text.ln_final(pooled + last.ls_2(last.mlp(last.ln_2(pooled))))
    if text.text_projection is None:
        return pooled
    linear = isinstance(text.text_projection, torch.nn.Linear)
    return text.text_projection(pooled) if linear else pooled @ text.text_projection


def _unit_rows(features: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(features.float(), dim=-1)


def copy_to_host(embedded: torch.Tensor) -> Callable[[], np.ndarray]:
    """Queue the copy of float32 (n, width) behind the work that computes it.

    Returns:
        Callable: waits for the copy, and gives it as float16 (n, width).
    """
    if embedded.device.type == "cpu":
        return lambda: embedded.half().numpy()
    host = torch.empty(embedded.shape, dtype=torch.float16, pin_memory=True)
    host.copy_(embedded.half(), non_blocking=True)
    copied = torch.cuda.Event()
    copied.record()

    def wait() -> np.ndarray:
        copied.synchronize()
        return host.numpy()

    return wait


def load_clip(name: str, device: str | None = None, precision: str = "fp32") -> ClipModel:
    """Load a model by its name (retrieval/clip_names.py) on `device`: CUDA where there is one, else the CPU.

    Raises:
        UserError: what `check_model_name` refuses, an unknown tag, weights that cannot be fetched or do not fit, or a
            device that is not there.
    """
    source = check_model_name(name)
    device = check_device(device)

    if source.checkpoint:
        open_clip.add_model_config(source.config)
    else:
        _fetch_weights(source)
    try:
        network, _, preprocess = open_clip.create_model_and_transforms(
            source.architecture, pretrained=source.pretrained, precision=precision, device=device
        )
    except Exception as error:  # torch and open_clip raise a dozen kinds for a file that does not fit
        raise UserError(
            f"the weights of {name} do not load as {source.architecture} ({source.config}): {_first_line(error)}; give "
            "the checkpoint that belongs to this configuration"
        ) from error
    return wrap_network(name, network, preprocess, _get_tokenizer(source), device, precision)


def _get_tokenizer(source: ModelSource):
    try:
        return open_clip.get_tokenizer(source.architecture)
    except Exception as error:  # transformers and the hub's client each have their own kinds
        raise UserError(
            f"the tokenizer of {source.name} (hf_tokenizer_name in {source.config}) is not on this machine and could "
            f"not be fetched ({_first_line(error)}): run once where there is a network and keep its Hugging Face cache "
            "(HF_HOME), or give the tokenizer's own folder there"
        ) from error


def _first_line(error: Exception) -> str:
    """Its first sentence: torch's second one advises to unpickle what a stranger wrote."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0]


def wrap_network(
    name: str, network, preprocess: Callable, tokenizer, device: str = "cpu", precision: str = "fp32"
) -> ClipModel:
    """A ClipModel of an open_clip model in memory, with its preprocessing and its tokenizer."""
    text = getattr(network, "text", network)
    blocks = getattr(getattr(text, "transformer", None), "resblocks", [None])
    cuts = (
        type(text).__name__ in ("CLIP", "TextTransformer")  # not CoCa, not Hugging Face's towers
        and type(blocks[-1]).__name__ == "ResidualAttentionBlock"
        and type(blocks[-1].attn).__name__ == "MultiheadAttention"
        and blocks[-1].attn.batch_first
        and getattr(text, "attn_mask", None) is not None  # causal
        and getattr(text, "cls_emb", None) is None  # a token appended after the padding
        and getattr(text, "text_pool_type", getattr(text, "pool_type", None)) in ("argmax", "eos")
        and getattr(tokenizer, "eot_token_id", None) == END_OF_TEXT
    )
    width = int(network.visual.output_dim)
    return ClipModel(name, width, device, precision, network.eval(), preprocess, caption_tokenizer(tokenizer), cuts)


def check_device(device: str | None) -> str:
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch built without CUDA
        reason = str(error).splitlines()[0]
        raise UserError(f"device {device!r} cannot be used ({reason}): give cpu, or no device") from error
    return device


def _fetch_weights(source: ModelSource) -> None:
    """Bring the tag's weights to the disk first, so that a later failure is about the weights, not the network."""
    known = get_pretrained_cfg(source.architecture, source.pretrained)
    if not known:
        tags = open_clip.list_pretrained_tags_by_model(source.architecture)
        raise UserError(
            f"model {source.name!r}: open_clip knows no weights {source.pretrained!r} of {source.architecture} "
            f"(it knows: {', '.join(tags) or 'none'}); give one of these, or a checkpoint's path"
        )
    if known.get("quick_gelu") and not (open_clip.get_model_config(source.architecture) or {}).get("quick_gelu"):
        raise UserError(
            f"the weights of {source.name} were trained with quick GELU, and {source.architecture} has the ordinary "
            "GELU: name a configuration of open_clip's that ends in -quickgelu"
        )
    try:
        if not _in_cache(known):
            # One request first: without a network the hub's client retries for a minute, with many lines of log.
            hub = known.get("hf_hub") and os.environ.get("HF_ENDPOINT", "https://huggingface.co")
            urllib.request.urlopen(hub or known["url"], timeout=NETWORK_TIMEOUT).close()
        download_pretrained(known)
    except Exception as error:  # requests, httpx, urllib and the hub each have their own kinds
        raise UserError(
            f"the weights of {source.name} are not on this machine and could not be fetched ({error}): run once where "
            "there is a network and keep its Hugging Face cache (HF_HOME), or give a checkpoint that you have, "
            f"--model open_clip:{source.architecture}/PATH"
        ) from error


def weights_are_here(name: str) -> bool:
    """Whether a model loads without the network: its checkpoint is a file, or its weights are in the hub's cache."""
    source = check_model_name(name)
    return bool(source.checkpoint) or _in_cache(get_pretrained_cfg(source.architecture, source.pretrained) or {})


def _in_cache(known: dict) -> bool:
    repository, _, file_name = known.get("hf_hub", "").rpartition("/")
    names = [file_name] if file_name else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
    return bool(repository) and any(isinstance(try_to_load_from_cache(repository, name), str) for name in names)
