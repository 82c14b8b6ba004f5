"""An image's key, which names its file: the first 63 bits of a hash of its URL and class, as a decimal number.

The same URL and class have the same key in every run. It is decimal, `str(int(key)) == key`, and fits a signed 64-bit
integer, because published trainers and converters call `int` on a file's stem. Standard library only.
"""

import hashlib
import re

DIGEST_DIGITS = 20  # of the sha256 in hexadecimal; a random sample is drawn by them
HASH_DIGITS = 16  # of these the key is made
KEY_BITS = 63
OLD_KEY = re.compile(r"[0-9a-f]{20}")  # of older versions: the digest. A decimal key has at most 19 digits


def digest_sql(url: str, name: str) -> str:
    """SQL of the digest of a URL and a class, which are SQL themselves."""
    return f"left(sha256({url} || chr(10) || {name}), {DIGEST_DIGITS})"


def key_sql(digest: str) -> str:
    """SQL of the key, as text."""
    return f"(('0x' || left({digest}, {HASH_DIGITS}))::UBIGINT >> {4 * HASH_DIGITS - KEY_BITS})::VARCHAR"


def key_of(url: str, name: str) -> str:
    """The key of a URL and a class."""
    digest = hashlib.sha256(f"{url}\n{name}".encode()).hexdigest()
    return str(int(digest[:HASH_DIGITS], 16) >> 4 * HASH_DIGITS - KEY_BITS)
