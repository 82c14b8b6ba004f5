"""Captions to CLIP's token ids: open_clip's, at about ten times its speed (benchmarks/text_embedding.py).

open_clip repairs the text (ftfy, html.unescape), splits it into words by a pattern, and cuts each word into tokens.
Here nine captions of ten need no repair, which their characters tell; words are split by the same pattern; and a word
is cut once, by Hugging Face's `tokenizers` (Rust) with open_clip's own vocabulary, and then remembered: web captions
repeat their words. tests/test_clip_model.py compares the ids with open_clip's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from ftfy.badness import is_bad
from open_clip.tokenizer import SimpleTokenizer
from tokenizers.models import BPE

END_OF_TEXT = 49407  # the last id of CLIP's vocabulary, so argmax finds it
WORD_LIMIT = 500_000  # words that are remembered
LONGEST_WORD = 100  # letters; longer ones are seen once, and a caption may be one word of a megabyte
# Which captions need open_clip's repair of text (ftfy, then html.unescape twice), found out by their characters:
# printable ASCII needs none, unless an `&` may start an entity or a `<` may start one of CLIP's special tokens.
PLAIN = re.compile(r"[ -%'-;=-~]*(?:& [ -%'-;=-~]*)*&?").fullmatch
# Of these ftfy only straightens the quotes, unless it finds mojibake (ftfy.badness.is_bad is its own test).
TYPOGRAPHIC = re.compile(
    "[ -%'-;=-~\u00a0-\u0131\u0134-\u0148\u014a-\u017e\u2010-\u2027\u2030-\u203a\u20a0-\u20bf\u2122]*"
).fullmatch
STRAIGHT_QUOTES = dict.fromkeys(range(0x2018, 0x201C), "'") | dict.fromkeys(range(0x201C, 0x2020), '"')
# open_clip's pattern for ASCII in lower case; `re` is five times as fast as the `regex` module that open_clip uses.
ASCII_WORDS = re.compile(r"'(?:s|t|re|ve|m|ll|d)|[a-z]+|[0-9]|[^a-z0-9 \t\n\r\f\v]+").findall
SPECIAL_START = "<"  # of CLIP's special tokens, which the pattern for ASCII does not know


class WordIds(dict):
    """Word -> list of its token ids, cut when it is first asked for."""

    def __init__(self, exact: SimpleTokenizer):
        self.special = {token: [exact.encoder[token]] for token in ("<start_of_text>", "<end_of_text>")}
        super().__init__(self.special)
        self.byte_letters = exact.byte_encoder  # CLIP's vocabulary has a printable letter for each byte
        merges = sorted(exact.bpe_ranks, key=exact.bpe_ranks.get)
        self.bpe = BPE(vocab=exact.encoder, merges=merges, end_of_word_suffix="</w>", cache_capacity=0)

    def __missing__(self, word: str) -> list[int]:
        letters = word if word.isascii() and word.isalnum() else "".join(map(self.byte_letters.get, word.encode()))
        ids = [token.id for token in self.bpe.tokenize(letters)]
        if len(word) <= LONGEST_WORD:
            self[word] = ids
        return ids

    def forget(self) -> None:
        self.clear()
        self.update(self.special)


@dataclass(frozen=True)
class CaptionTokenizer:
    exact: object  # open_clip's tokenizer of the model
    words: WordIds | None  # None: another vocabulary; then `exact` does all
    context_length: int

    def __call__(self, texts: list[str]) -> np.ndarray:
        """int32 (n, context_length): zeros after end-of-text; a caption that is too long is cut before end-of-text."""
        if self.words is None:
            self._forget_exact_words()
            return self.exact(texts).numpy().astype(np.int32)
        if len(self.words) > WORD_LIMIT:
            self.words.forget()
        rows = list(self._token_ids(texts))
        ids = np.zeros((len(texts), self.context_length), np.int32)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        tokens = np.fromiter(chain.from_iterable(rows), np.int32, lengths.sum())
        ids[np.arange(self.context_length) < lengths[:, None]] = tokens
        return ids

    def _token_ids(self, texts: list[str]) -> Iterator[list[int]]:
        begin, room = self.exact.sot_token_id, self.context_length - 1
        ids_of, split = self.words.__getitem__, self.exact.pat.findall
        for text in texts:
            text = text.lower() if PLAIN(text) else self._repaired(text)
            words = ASCII_WORDS(text) if text.isascii() and SPECIAL_START not in text else split(text)
            ids = [begin]
            for word_ids in map(ids_of, words):
                ids += word_ids
            del ids[room:]
            ids.append(END_OF_TEXT)
            yield ids

    def _repaired(self, text: str) -> str:
        """The text in lower case as open_clip repairs it."""
        if TYPOGRAPHIC(text) and not is_bad(text):
            straight = text.translate(STRAIGHT_QUOTES)
            if not is_bad(straight):  # ftfy looks again at what it has changed
                return straight.lower()
        return self.exact.clean_fn(text)

    def _forget_exact_words(self) -> None:
        """open_clip's tokenizer never forgets a word by itself."""
        words = getattr(self.exact, "cache", {})
        if len(words) > WORD_LIMIT:
            special = {word: words[word] for word in list(words)[: len(self.exact.all_special_ids)]}
            words.clear()
            words.update(special)


def caption_tokenizer(exact) -> CaptionTokenizer:
    """The fast tokenizer where it gives the same ids as `exact` (open_clip's of the model), else `exact` itself."""
    standard = type(exact) is SimpleTokenizer and exact.vocab_size == END_OF_TEXT + 1
    fast = standard and exact.reduction_fn is None and exact.clean_fn.__name__ == "_clean_lower"
    return CaptionTokenizer(exact, WordIds(exact) if fast else None, exact.context_length)
