"""A pool's columns, found by any of the names that pools give them. Every script that reads a pool asks here.

Names are compared without case: LAION-2B-en, Re-LAION, DataComp, COYO-700M, CC12M, img2dataset and clip-retrieval each
spell them differently. A column that a pool does not have is absent from the map and null in the record.
Standard library only.
"""

# Our field -> the pools' names for it, lower-cased, the preferred one first. Sources: the dataset cards of
# laion/laion2B-en, laion/relaion2B-en-research (with its punsafe join), mlfoundations/datacomp_pools and
# kakaobrain/coyo-700m; `image_url` is CC12M's on Hugging Face; `original_*`, `caption` are what img2dataset and
# clip-retrieval write; downloadurl YFCC100M's, photo_image_url Unsplash's, originalurl Open Images', coco_url COCO's,
# caption_alt_text_description WIT's. `page_url` is the page and not the image, so it is the last.
ALIASES = {
    "SAMPLE_ID": ("sample_id", "uid", "hash", "id", "photo_id", "imageid"),
    "URL": (
        "url",
        "image_url",
        "img_url",
        "image_link",
        "imageurl",
        "downloadurl",
        "photo_image_url",
        "coco_url",
        "flickr_url",
        "originalurl",
        "original_url",
        "source_url",
        "link",
        "src",
        "uri",
        "href",
        "page_url",
    ),
    "TEXT": (
        "text",
        "caption",
        "alt_text",
        "alt",
        "alttext",
        "alt_txt",
        "raw_caption",
        "org_caption",
        "re_caption",
        "top_caption",
        "vlm_caption",
        "caption_alt_text_description",
        "eng text",
        "txt",
        "sentence",
        "prompt",
        "title",
        "description",
    ),
    "HEIGHT": ("height", "original_height"),
    "WIDTH": ("width", "original_width"),
    "LICENSE": ("license",),
    "NSFW": ("nsfw", "unsafe"),  # never `safe`: its meaning is the opposite
    "similarity": ("similarity", "clip_l14_similarity_score", "clip_similarity_vitl14"),
}
# Probabilities that an image is unsafe: LAION's punsafe, COYO's two scores. The records keep them beside the NSFW
# tag; where a pool has no tag, the tag comes from them.
UNSAFE_SCORES = ("punsafe", "nsfw_score_opennsfw2", "nsfw_score_gantman")


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
