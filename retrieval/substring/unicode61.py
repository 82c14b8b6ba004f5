"""The tokens of SQLite FTS5's default tokenizer, `unicode61`: what a word is in the match modes `word` and `fts`.

    tokens("Crème-brûlée, 2 für STRASSE")       # ['creme', 'brulee', '2', 'fur', 'strasse']

It keeps no copy of Unicode's tables. It asks this Python's SQLite once about each non-ASCII character, so that parquet
and `.db` shards agree for every version of SQLite. A character separates tokens, or is part of a token and folds to one
character (lower-cased, without its diacritic), or is a combining mark that folds to nothing.
"""

import contextlib
import sqlite3
from collections.abc import Iterable

from retrieval.cli import UserError

LONGEST_TOKEN = 32768  # bytes; FTS5 cuts longer tokens (FTS5_MAX_TOKEN_SIZE in fts5Int.h)
SEPARATOR = " "

# Code point -> its folded character, "" or SEPARATOR. SQLite has not been asked about those that are missing.
_folded = {code: chr(code).lower() if chr(code).isalnum() else SEPARATOR for code in range(128)}
_ASCII = bytes(ord(_folded.get(code, SEPARATOR)) for code in range(256))  # for bytes, in half the time


def tokens(text: str) -> list[str]:
    """The tokens of `text` in order. A token cut inside a character ends in lone surrogates (surrogateescape)."""
    if not text.isascii():
        learn(text)
    folded = text.encode().translate(_ASCII).decode() if text.isascii() else text.translate(_folded)
    found = folded.split()  # no character of a token is white space
    if len(text) * 4 <= LONGEST_TOKEN:
        return found
    return [token if len(token) * 4 <= LONGEST_TOKEN else _cut(token) for token in found]


def is_word_part(character: str) -> bool:
    """Whether a character next to a word makes it a longer word: letters, digits and combining marks do."""
    if character >= "\x80":
        learn({character})
    return _folded[ord(character)] != SEPARATOR


def folded_characters(characters: Iterable[str]) -> list[str]:
    """What each character folds to: a character, "" or SEPARATOR."""
    characters = list(characters)
    learn(characters)
    return [_folded[ord(character)] for character in characters]


def _cut(token: str) -> str:
    return token.encode()[:LONGEST_TOKEN].decode("utf-8", "surrogateescape")


def learn(characters: Iterable[str]) -> None:
    """Ask SQLite twice about each new character: alone (can it begin a token?), between two x (continue one?).

    Asking about one takes as long as about a thousand, half a millisecond: call it for many captions at once.
    """
    new = [character for character in set(characters) if ord(character) not in _folded]
    _folded.update((ord(character), SEPARATOR) for character in new if "\ud800" <= character <= "\udfff")
    new = [character for character in new if ord(character) not in _folded]
    if not new:
        return
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE texts USING fts5(text, content='')")
        except sqlite3.OperationalError as error:
            raise UserError("--match word and fts need a Python whose SQLite has FTS5 (python.org's and Debian's have)"
                            ) from error  # fmt: skip
        connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, instance)")
        rows = [(2 * n + between, f"x{c}x" if between else c) for n, c in enumerate(new) for between in (0, 1)]
        connection.executemany("INSERT INTO texts(rowid, text) VALUES (?, ?)", rows)
        found = dict.fromkeys(range(2 * len(new)), ())
        for row, term in connection.execute("SELECT doc, term FROM terms"):
            found[row] += (term,)
    for number, character in enumerate(new):
        alone, between = found[2 * number], found[2 * number + 1]
        folded = SEPARATOR if len(between) == 2 else between[0][1:-1]
        # `tokens` may delete characters that can continue a token but not begin one, because they fold to nothing.
        assert (folded not in ("", SEPARATOR)) == bool(alone), f"unicode61 treats {character!r} in a way we do not know"
        _folded[ord(character)] = folded
