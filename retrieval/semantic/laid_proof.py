"""Prove by captions that embedding files which are laid across shards, by row counts alone, are of these rows.

A sample of captions is embedded. Text features fit where a row has the embedding of its caption. Image features fit
where captions are nearer to their own images than to others': CLIP ranks a caption's own image before nine of ten
others, and chance ranks it in the middle.
"""

import numpy as np

from retrieval.caption_fit import FITTING_SHARE, SAMPLE_ROWS, fitting
from retrieval.caption_groups import as_texts
from retrieval.cli import UserError, say
from retrieval.clip_model import ClipModel
from retrieval.semantic.feature_plan import WORDS, PoolShard
from retrieval.semantic.features import Features, take
from retrieval.shards import caption_batches

SAMPLE_SHARDS = 8  # spread over all; of each, captions of the first batch
LEAST_ROWS = 24
FITTING_RANK = 0.65  # mean share of other images that are farther than the own: 0.5 by chance, within 0.03


def check_laid(shards: list[PoolShard], model: ClipModel) -> None:
    """Refuse features that are not of these rows.

    Raises:
        UserError: names what does not fit.
    """
    laid = [each for each in shards if any(features.is_laid for features in each.features.values()) and each.shard.rows]
    chosen = [laid[number] for number in np.unique(np.linspace(0, len(laid) - 1, SAMPLE_SHARDS).astype(int))]
    samples = [(each, *sample_captions(each, SAMPLE_ROWS // len(chosen))) for each in chosen]
    captions = [caption for _, _, found in samples for caption in found]
    if len(captions) < LEAST_ROWS:
        say("note: too few captions to prove that the embedding files, laid across the shards, are of these rows")
        return
    vectors = model.encode_texts(captions)
    for source in {source for each in chosen for source, features in each.features.items() if features.is_laid}:
        taken = [rows_of(each.features[source], rows) for each, rows, _ in samples if source in each.features]
        cosines = vectors @ unit(np.concatenate(taken)).T
        if source == "text_index":
            share = float(fitting(cosines).mean())
            fits, what = share >= FITTING_SHARE, f"{share:.0%} of {len(captions)} captions have their row's embedding"
        else:
            own = np.diag(cosines)
            rank = float((cosines < own[:, None]).sum() / (len(own) * (len(own) - 1)))
            fits, what = rank >= FITTING_RANK, f"captions rank their own image before {rank:.0%} of the others"
        if not fits:
            raise UserError(
                f"the {WORDS[source]} embedding files laid across {chosen[0].shard.path} … are not of these rows "
                f"({what}, by {model.name}): give the shards and files of one pool, all of them"
            )
        say(f"{WORDS[source]} embedding files laid across the shards: {what}")


def sample_captions(each: PoolShard, number: int) -> tuple[np.ndarray, list[str]]:
    """(row numbers, captions) of the shard's first batch; null and empty captions are left out."""
    captions = as_texts(next(iter(caption_batches(each.shard))).captions)
    rows = np.unique(np.linspace(0, len(captions) - 1, number).astype(int))
    rows = np.array([row for row in rows.tolist() if captions[row]], int)
    return rows, [captions[row] for row in rows.tolist()]


def rows_of(features: Features, rows: np.ndarray) -> np.ndarray:
    return take(features, rows).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
