"""Columns by any of the names the web's pools give them: LAION-2B-en, Re-LAION, DataComp, COYO-700M, img2dataset.

Names are compared without case. What a pool does not have is absent from the map and null in the record.
"""

# Ours -> theirs, lower-cased, in order of preference. Sources: the dataset cards of laion/laion2B-en,
# laion/relaion2B-en-research (with its punsafe join), mlfoundations/datacomp_pools and kakaobrain/coyo-700m;
# `image_url` is CC12M's on Hugging Face; `key`, `original_*`, `caption` are what img2dataset and clip-retrieval write.
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
# Probabilities of being unsafe, in records beside the NSFW tag, and instead of it where a pool has none: LAION's
# punsafe, COYO's OpenNSFW2 score.
UNSAFE_SCORES = ("punsafe", "nsfw_score_opennsfw2")
UNSAFE_FROM = 0.5  # the threshold LAION's own safety tags use


def map_columns(names: list[str]) -> dict[str, str]:
    """Ours -> the pool's own spelling, for those it has; `punsafe` -> the first of UNSAFE_SCORES that it has."""
    spelling = {name.lower(): name for name in reversed(names)}  # the first of two spellings wins
    found = {
        ours: next(spelling[alias] for alias in aliases if alias in spelling)
        for ours, aliases in ALIASES.items()
        if any(alias in spelling for alias in aliases)
    }
    score = next((spelling[score] for score in UNSAFE_SCORES if score in spelling), None)
    return found | ({"punsafe": score} if score else {})


def nsfw_tag(unsafe_score: float | None) -> str | None:
    """LAION's tag for an unsafe score; null where the score is."""
    if unsafe_score is None or unsafe_score != unsafe_score:
        return None
    return "NSFW" if unsafe_score >= UNSAFE_FROM else "UNLIKELY"
