"""A pool's columns, found by any of the names that pools give them. Every script that reads a pool asks here.

Names are compared without case: LAION-2B-en, Re-LAION, DataComp, COYO-700M, CC12M, img2dataset and clip-retrieval each
spell them differently. A column that a pool does not have is absent from the map and null in the record.
Standard library only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.cli import UserError

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
        "image_urls",
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


@dataclass(frozen=True)
class ColumnChoice:
    """What the user says of a pool's columns. What is not said is found by its name."""

    caption: str | None = None  # --caption-column
    url: str | None = None  # --url-column
    listed: tuple[str, ...] = ()  # --columns: the names, in order, of a list that has no line of names
    needs_url: bool = True  # not where only captions are read


LONGEST_NAME = 60  # characters of a column's name that a message shows
MOST_NAMES = 50  # columns that it names
NOTHING_SAID = ColumnChoice()


def add_column_flags(parser, with_url: bool = True) -> None:
    """--caption-column and --url-column, of every script that reads a pool."""
    parser.add_argument(
        "--caption-column",
        "--field",
        metavar="NAME",
        help="the captions' column (default: TEXT, caption, …, found by name)",
    )
    if with_url:
        parser.add_argument("--url-column", metavar="NAME", help="the addresses' column (default: url, image_url …)")


def add_list_flag(parser) -> None:
    parser.add_argument(
        "--columns",
        metavar="NAME,NAME",
        help="the columns' names, in order, of csv and tsv lists without a line of names",
    )


def column_choice(args) -> ColumnChoice:
    """What the flags say.

    Raises:
        UserError: --columns does not name an address and a caption.
    """
    listed = tuple(name.strip() for name in args.columns.split(",")) if getattr(args, "columns", None) else ()
    if listed and not all(listed):
        raise UserError(f"--columns {args.columns} has an empty name: name each column, as --columns caption,url")
    return ColumnChoice(args.caption_column, getattr(args, "url_column", None), listed)


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


def asked_columns(names: Sequence[str], asked: ColumnChoice, where: str) -> dict[str, str]:
    """Our field -> the pool's spelling of the column that the flags name for it.

    Raises:
        UserError: the pool (`where`, for the refusal) has no such column.
    """
    found = {}
    for ours, name, flag in (("TEXT", asked.caption, "--caption-column"), ("URL", asked.url, "--url-column")):
        if name is not None:
            alike = [other for other in names if other.lower() == name.lower()]
            if not alike:
                raise UserError(f"{where} has no column {name!r} ({flag}); it has {shown_names(names)}")
            found[ours] = name if name in alike else alike[0]
    return found


def choice_notes(names: Sequence[str], columns: dict[str, str]) -> list[str]:
    """Which captions and addresses are taken, where a pool has several columns of them: a sentence for each."""
    notes = []
    for ours, what, flag in (("TEXT", "captions", "--caption-column"), ("URL", "addresses", "--url-column")):
        others = [name for name in names if name.lower() in ALIASES[ours] and name != columns.get(ours)]
        if ours in columns and others:
            taken = shown_names([columns[ours]])
            notes.append(f"{what} are taken from {taken} and not from {shown_names(others)} ({flag})")
    return notes


def shown_names(names: Sequence[str]) -> str:
    """Columns' names as a message has them: strangers chose them."""
    shown = ["".join(sign if sign.isprintable() else "?" for sign in name) for name in names[:MOST_NAMES]]
    shown = [name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…" for name in shown]
    return ", ".join(shown + ["…"] * (len(names) > MOST_NAMES)) or "none"


def caption_column(names: list[str], asked: str | None = None) -> str | None:
    """The column that holds the captions: the one asked for, else the one that the records take as TEXT.

    Returns:
        str | None: the pool's spelling; None where the pool has no such column.
    """
    if asked is not None:
        return asked if asked in names else None
    return map_columns(names).get("TEXT")
