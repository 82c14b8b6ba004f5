"""How well each caption fits the class that it was found for, and how many other classes it fits better.

The unit of work is a block of distinct captions. Its scores are kept in a file that is named by what decides them:
captions, classes, texts and model. So a stopped run goes on, a run with other limits embeds nothing, and one with more
records embeds the new captions only, if they come after the old ones.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.cli import progress
from retrieval.dataset.caption_numbers import Captions, all_records, caption_of
from retrieval.dataset.class_senses import mean_vectors
from retrieval.files import complete_file

BLOCK = 8_192  # distinct captions: half a minute of two cores with MiniLM
COMPARED = 1_024  # captions compared with all classes at once: 40 MB with 10,000 classes
SCORES = np.dtype([("score", "f4"), ("place", "i4")])  # place: 1 where no class of the template fits better


@dataclass(frozen=True)
class Judge:
    """What decides a caption's score."""

    fingerprint: str  # of the model and the texts
    texts: list[list[str]]  # per class
    load: Callable  # -> the model: it takes seconds, and a run whose blocks are done needs none


@dataclass(frozen=True)
class Block:
    captions: slice
    pairs: slice
    file: Path


def score_pairs(captions: Captions, chunks: list[Path], judge: Judge, folder: Path) -> tuple[np.ndarray, int]:
    """The scores of all pairs, array (pairs,) of SCORES, and the number of captions that were embedded for them."""
    blocks = plan_blocks(captions, judge, folder)
    todo = [block for block in blocks if not block.file.exists()]
    embedded = 0
    if todo:
        model = judge.load()
        senses = mean_vectors(judge.texts, model.encode_texts)
        asked = sum(block.captions.stop - block.captions.start for block in todo)
        with progress(asked, "captions", "scoring") as more:
            for block, texts in texts_of_blocks(captions, chunks, todo):
                scores = scores_of_block(captions, block, model.encode_texts(texts), senses)
                with complete_file(block.file) as beside, open(beside, "wb") as file:
                    np.save(file, scores)
                embedded += len(texts)
                more(len(texts))
    return np.concatenate([np.zeros(0, SCORES), *(np.load(block.file) for block in blocks)]), embedded


def plan_blocks(captions: Captions, judge: Judge, folder: Path) -> list[Block]:
    blocks = []
    for start in range(0, len(captions.hashes), BLOCK):
        stop = min(start + BLOCK, len(captions.hashes))
        pairs = slice(*np.searchsorted(captions.pair_caption, (start, stop)).tolist())
        digest = hashlib.blake2b(judge.fingerprint.encode(), digest_size=8)
        for part in (captions.hashes[start:stop], captions.pair_caption[pairs] - start, captions.pair_class[pairs]):
            digest.update(part.tobytes())
        blocks.append(Block(slice(start, stop), pairs, folder / f"{digest.hexdigest()}.npy"))
    return blocks


def texts_of_blocks(captions: Captions, chunks: list[Path], blocks: list[Block]) -> Iterator[tuple[Block, list[str]]]:
    """Each block with its captions, which are read from the chunks again."""
    coming, texts = iter(blocks), []
    block = next(coming)
    number = 0  # of the next new caption
    for place, record in enumerate(all_records(chunks)):
        if place != captions.first_record[number]:
            continue
        if number >= block.captions.start:
            texts.append(caption_of(record))
        number += 1
        if number == block.captions.stop:
            yield block, texts
            if (block := next(coming, None)) is None:
                return
            texts = []


def scores_of_block(captions: Captions, block: Block, vectors: np.ndarray, senses: np.ndarray) -> np.ndarray:
    """SCORES (pairs of the block,) of its captions' vectors, float32 (captions, width)."""
    of_caption = captions.pair_caption[block.pairs] - block.captions.start
    of_class = captions.pair_class[block.pairs]
    scores = np.zeros(len(of_caption), SCORES)
    for start in range(0, len(vectors), COMPARED):
        pairs = slice(*np.searchsorted(of_caption, (start, start + COMPARED)).tolist())
        cosines = vectors[start : start + COMPARED] @ senses.T
        of_pair = cosines[of_caption[pairs] - start]
        own = of_pair[np.arange(len(of_pair)), of_class[pairs]]
        scores["score"][pairs] = own
        scores["place"][pairs] = 1 + (of_pair > own[:, None]).sum(axis=1)
    return scores


def forget_other_blocks(captions: Captions, judge: Judge, folder: Path) -> None:
    """Remove the blocks of other texts, models and captions."""
    ours = {block.file for block in plan_blocks(captions, judge, folder)}
    for path in folder.glob("*.npy"):
        if path not in ours:
            path.unlink()
