"""What a pool says about the safety of an image, as one of three tags: NSFW, UNSURE, UNLIKELY.

Pools write it as LAION's tag, a bool, 0 or 1, a score from 0 to 1, a category, or any of these as text. One function
decides what a value means, for both filters, the downloader and the chunks of other tools. A value that it does not
understand is refused and never passes as safe. Standard library only.
"""

import math
import numbers
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from retrieval.cli import UserError

NSFW, UNSURE, UNLIKELY = "NSFW", "UNSURE", "UNLIKELY"  # LAION's tags
UNSAFE_FROM = 0.5  # a score from here on is NSFW: the threshold of LAION's own tags
MOST_NAMED = 5  # values that a refusal lists

# Lower-cased text -> tag. Sources: LAION-2B's tags; SafeSearch's likelihoods (Google Vision API); the five categories
# of GantMan's nsfw_model; plain words and booleans as text.
TAG_OF_TEXT = {
    **dict.fromkeys(("nsfw", "unsafe", "porn", "hentai", "explicit", "true", "yes", "t", "y"), NSFW),
    **dict.fromkeys(("likely", "very_likely"), NSFW),
    **dict.fromkeys(("unsure", "possible", "sexy", "questionable"), UNSURE),
    **dict.fromkeys(
        ("unlikely", "very_unlikely", "sfw", "safe", "neutral", "drawings", "false", "no", "f", "n"), UNLIKELY
    ),
    **dict.fromkeys(("", "nan", "null", "none", "na", "n/a", "unknown"), None),
}


class UnknownSafety(ValueError):
    """A safety value that nothing here understands."""


def safety_tag(value) -> str | None:
    """NSFW, UNSURE or UNLIKELY; None where the pool says nothing (null, NaN, empty text).

    Args:
        value: a tag, a bool, a score from 0 to 1 (int, float, Decimal), or one of these as str or bytes.

    Raises:
        UnknownSafety: anything else, as a number outside 0 to 1 or a word that is no tag.
    """
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        text = value.strip().lower()
        if text in TAG_OF_TEXT:
            return TAG_OF_TEXT[text]
        try:
            value = float(text)
        except ValueError:
            raise UnknownSafety(value) from None
    if not isinstance(value, (numbers.Real, Decimal)):
        raise UnknownSafety(value)
    score = float(value)
    if math.isnan(score):
        return None
    if not 0 <= score <= 1:
        raise UnknownSafety(value)
    return NSFW if score >= UNSAFE_FROM else UNLIKELY


def safety_tags_of(values: Iterable, where: str) -> list[str | None]:
    """The tags of some values.

    Args:
        where: what a refusal names: the file and the column.

    Raises:
        UserError: values that are not understood, with their counts.
    """
    known, tags, unknown = {}, [], Counter()
    for value in values:
        kind = (type(value), value) if value.__hash__ else (type(value), str(value))  # True, 1 and 1.0 are equal keys
        if kind not in known:
            try:
                known[kind] = safety_tag(value)
            except UnknownSafety:
                known[kind] = UnknownSafety
        tags.append(known[kind])
        if known[kind] is UnknownSafety:
            unknown[str(value)[:40]] += 1
    if unknown:
        raise unknown_safety(where, unknown)
    return tags


def unknown_safety(where: str, unknown: Counter) -> UserError:
    """The refusal of values that are not understood."""
    named = ", ".join(f"{value!r} ({count:,})" for value, count in unknown.most_common(MOST_NAMED))
    more = f" and {len(unknown) - MOST_NAMED:,} other values" if len(unknown) > MOST_NAMED else ""
    return UserError(
        f"{where} holds safety values that are not understood: {named}{more}; known are NSFW, UNSURE, UNLIKELY, true "
        "and false, 0 and 1, scores from 0 to 1: convert the column, or drop it and download with --allow-untagged"
    )
