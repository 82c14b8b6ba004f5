"""A pool's columns, found by any of the names that pools give them. Every script that reads a pool asks here.

Names are compared without case: LAION-2B-en, Re-LAION, DataComp, COYO-700M, CC12M, img2dataset and clip-retrieval each
spell them differently. A column that a pool does not have is absent from the map and null in the record.
Standard library only.
"""

# Our field -> the pools' names for it, lower-cased, the preferred one first. Sources: the dataset cards of
# laion/laion2B-en, laion/relaion2B-en-research (with its punsafe join), mlfoundations/datacomp_pools and
# kakaobrain/coyo-700m; `image_url` is CC12M's on Hugging Face; `key`, `original_*`, `caption` are what img2dataset and
# clip-retrieval write.
ALIASES = {
    "SAMPLE_ID": ("sample_id", "uid", "hash", "id"),
    "URL": ("url", "image_url"),
    "TEXT": ("text", "caption"),
    "HEIGHT": ("height", "original_height"),
    "WIDTH": ("width", "original_width"),
    "LICENSE": ("license",),
    "NSFW": ("nsfw",),
    "similarity": ("similarity", "clip_l14_similarity_score", "clip_similarity_vitl14"),
}
# Probabilities that an image is unsafe: LAION's punsafe, COYO's OpenNSFW2 score. The records keep them beside the NSFW
# tag; where a pool has no tag, the tag comes from them.
UNSAFE_SCORES = ("punsafe", "nsfw_score_opennsfw2")
UNSAFE_FROM = 0.5  # the threshold of LAION's own safety tags


def map_columns(names: list[str]) -> dict[str, str]:
    """Our field -> the pool's spelling, for the fields that it has; `punsafe` -> the first of UNSAFE_SCORES it has."""
    spelling = {name.lower(): name for name in reversed(names)}  # the first of two spellings wins
    found = {
        ours: next(spelling[alias] for alias in aliases if alias in spelling)
        for ours, aliases in ALIASES.items()
        if any(alias in spelling for alias in aliases)
    }
    score = next((spelling[score] for score in UNSAFE_SCORES if score in spelling), None)
    return found | ({"punsafe": score} if score else {})


def caption_column(names: list[str], asked: str | None = None) -> str | None:
    """The column that holds the captions: the one asked for, else the one that the records take as TEXT.

    Returns:
        str | None: the pool's spelling; None where the pool has no such column.
    """
    if asked is not None:
        return asked if asked in names else None
    return map_columns(names).get("TEXT")


def nsfw_tag(unsafe_score: float | None) -> str | None:
    """LAION's tag for the probability that an image is unsafe; None where there is no score."""
    if unsafe_score is None or unsafe_score != unsafe_score:
        return None
    return "NSFW" if unsafe_score >= UNSAFE_FROM else "UNLIKELY"
