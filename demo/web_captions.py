"""Make up captions like those of shops, stock sites, blogs and file names, from a seeded generator.

In:  a drawing (draw_textures.Drawing) and the kind of caption.
Out: `Caption`: the text, and what it says about the image.

    template     names the class as the template's query expects: "… navy and white banded texture …"
    other words  means the class, in other words: "banded agate slab", "checkerboard", "banded-texture-042.jpg"
    unnamed      names a colour, a thing or a shop, but no class
    wrong        names a class that the image does not show, as the template's query expects

The pool (make_pool.py) and the training of the model (train_demo_clip.py) use it with different seeds.
"""

from dataclasses import dataclass

import numpy as np
from draw_textures import CLASSES, Drawing

TEMPLATE, OTHER_WORDS, UNNAMED, WRONG = "template", "other words", "unnamed", "wrong"
KINDS = (TEMPLATE, OTHER_WORDS, UNNAMED, WRONG)
NOUNS = ("texture", "pattern")  # the DTD template's queries expect one of them after the adjective

OTHER_WORDS_OF = {
    "banded": ("banded agate slab", "layered sandstone bands", "wide colour bands", "agate slice with bands"),
    "bubbly": ("soap bubbles", "fizzy bubbles", "bubble foam macro", "floating bubbles"),
    "chequered": ("checkerboard", "checkered floor tiles", "chess board squares", "checkerboard vinyl"),
    "cobwebbed": ("spider web", "spiderweb", "cobweb with threads", "spider's cobweb"),
    "cracked": ("dry mud cracks", "parched earth", "cracks in dry soil", "crackle glaze"),
    "crosshatched": ("pencil hatching", "cross-hatch shading", "hatched ink strokes", "crosshatch sketch"),
    "grid": ("grid lines", "windowpane squares", "graph paper squares", "square grid sheet"),
    "honeycombed": ("honeycomb", "beehive hexagons", "hexagon cells", "honeycomb wall"),
    "lined": ("ruled notebook paper", "thin ruled lines", "lined writing paper", "exercise book lines"),
    "marbled": ("marble slab", "marble countertop", "veined marble", "marble tile"),
    "polka-dotted": ("polka dots", "polka dot cotton", "spotty dots", "polka dot print"),
    "scaly": ("fish scales", "mermaid scales", "dragon scales", "reptile scales"),
    "spiralled": ("hypnotic spiral", "spiral", "spiral from above", "endless spiral"),
    "sprinkled": ("sprinkles", "sugar sprinkles", "rainbow sprinkles on icing", "sprinkles on frosting"),
    "striped": ("stripes", "cabana stripes", "awning stripe", "deckchair stripes"),
    "studded": ("metal studs", "leather with studs", "rivets and studs", "punk studs"),
    "swirly": ("swirls", "paint swirls", "psychedelic swirl", "swirling paint"),
    "waffled": ("Belgian waffle", "waffle close-up", "waffle squares", "crisp waffle"),
    "woven": ("basket weave", "wicker", "rattan weave", "wicker basketwork"),
    "zigzagged": ("chevron", "zig zag", "chevrons", "chevron zig-zag"),
}
THINGS = ("cushion cover", "wallpaper", "cotton fabric", "gift wrap", "phone case", "area rug", "shower curtain",
          "tile", "tote bag", "canvas print", "scrapbook paper", "table runner", "scarf", "notebook cover", "poster",
          "duvet")  # fmt: skip
SHOPS = ("Etsy", "Zazzle", "Wayfair", "Spoonflower", "Atelier Zoé", "Café Décor", "Möbelhaus Jörg", "Lumière & Fils",
         "Hobby Barn", "Casa Peña", "Nordlys Design", "Redbubble", "The Linen Press", "Søstrene",
         "Pixel Goods")  # fmt: skip
SITES = (
    "Stock Photo",
    "Royalty Free Image",
    "stock illustration",
    "Shutterstock",
    "iStock",
    "Stock Vector",
    "Dreamstime",
)
PLACES = ("Lisbon", "Kraków", "Austin", "São Paulo", "Leeds", "Zürich", "Kyoto", "Québec", "Málaga", "Oslo")
SIZE_WORDS = {"large": ("large", "bold", "big"), "medium": ("mid-size", "medium"), "small": ("small", "fine", "tiny")}
PROMPTS = ("a photo of a {} texture.", "a photo of a {} pattern.", "a photo of a {} thing.", "a photo of a {} object.",
           "a photo of the {} texture.", "a photo of the {} pattern.", "a photo of the {} thing.",
           "a photo of the {} object.")  # fmt: skip


@dataclass(frozen=True)
class Caption:
    """A text, and what it says about the image; None for what it does not mention."""

    text: str
    kind: str
    class_name: str | None
    ink: str | None = None
    ground: str | None = None
    angle: str | None = None
    scale: str | None = None


def prompt(random: np.random.Generator, drawing: Drawing) -> Caption:
    """The drawing's class in one of the template's prompts. It trains the model and is never in the pool."""
    return Caption(_one(random, PROMPTS).format(drawing.class_name), "prompt", drawing.class_name)


def caption(random: np.random.Generator, drawing: Drawing, kind: str) -> Caption:
    """A caption of one of the KINDS for a drawing. The same generator state gives the same caption."""
    class_name = drawing.class_name if kind in (TEMPLATE, OTHER_WORDS) else None
    if kind == WRONG:
        class_name = _one(random, [name for name in CLASSES if name != drawing.class_name])
    ink = drawing.ink if random.random() < 0.75 else None
    ground = drawing.ground if ink and random.random() < 0.7 else None
    angle = drawing.angle if kind != WRONG and random.random() < 0.5 else None
    scale = drawing.scale if random.random() < 0.4 else None
    words = [_one(random, SIZE_WORDS[scale])] if scale else []
    words += [f"{ink} and {ground}" if ground else ink] if ink else []
    words += [angle] if angle else []
    if kind in (TEMPLATE, WRONG):
        name = f"{class_name} {_one(random, NOUNS)}" + ("s" if random.random() < 0.1 else "")
    elif kind == OTHER_WORDS:
        name = _one(random, OTHER_WORDS_OF[class_name])
    else:
        name = _one(random, THINGS)
    phrase = " ".join([*words, name])
    file_like = kind == OTHER_WORDS and random.random() < 0.12
    if file_like:
        phrase = f"{'-'.join(words + [class_name, _one(random, NOUNS)])}".replace(" ", "-")
    text = _as_the_web_writes(random, phrase, kind, file_like)
    return Caption(text, kind, class_name, ink, ground, angle, scale)


def _as_the_web_writes(random: np.random.Generator, phrase: str, kind: str, file_like: bool) -> str:
    number = int(random.integers(100, 99_999))
    thing, shop, site, place = (_one(random, words) for words in (THINGS, SHOPS, SITES, PLACES))
    if file_like:
        return f"{phrase}-{number}.jpg"
    if kind == UNNAMED and random.random() < 0.15:
        return _one(random, (f"DSC_{number:05d}.JPG", f"IMG_{number} {place}", f"{shop} catalogue page {number % 90}"))
    forms = (
        f"{phrase} {thing} | {shop}",
        f"{_title(phrase)} {_title(thing)} – {shop}",
        f"{_title(phrase)}, {site} #{number}",
        f"{phrase} background, {site}",
        f"“{_title(phrase)}” by {shop}",
        f"I’ve found this {phrase} in {place}!",
        f"{place}: {phrase}, photo {number % 90}",
        f"{thing} with {phrase}, {2 + number % 8} pcs, {shop}",
        f"{phrase} for our new {thing} (blog)",
        f"{phrase}",
    )
    text = _one(random, forms)
    return text.upper() if random.random() < 0.07 else text


def _title(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def _one(random: np.random.Generator, values):
    return values[int(random.integers(len(values)))]


# ---- captions about other things ----

MADE_BY = ("vintage", "handmade", "new", "used", "modern", "children's", "wooden", "leather", "solar", "Italian",
           "rare", "cheap", "luxury", "men's", "women’s", "organic", "wireless", "fleece-lined", "brass",
           "framed")  # fmt: skip
SUBJECTS = ("dining table", "running shoes", "wedding cake", "mountain lake", "labrador puppy", "espresso machine",
            "electric guitar", "power grid inverter", "sailing boat", "garden shed", "striped bass", "city skyline",
            "marbled rye bread", "football jersey", "bathroom cabinet", "train station", "tabby cat", "lemon tart",
            "camping tent", "rose bouquet", "car stereo", "history book", "winter coat", "office chair", "bicycle pump",
            "banded dragonfly", "beach house", "jazz trio", "cracked pepper steak", "kitchen knife", "school bus",
            "necklace", "lighthouse", "chicken curry", "laptop sleeve", "crème brûlée", "movie premiere")  # fmt: skip
TAILS = ("for sale in {place}", "| {shop}", "- {site}", "review {number}", "({number} x {number} px)",
         "at {place} 2014", "recipe", "– {shop} “best of”", "DVD, {number}", "in stock, €{number}", "by {shop}",
         "#{number}")  # fmt: skip


def about_other_things(random: np.random.Generator, count: int) -> list[str]:
    """`count` captions that name no texture. Some use a word of a class in another sense (striped bass)."""
    columns = (MADE_BY, SUBJECTS, TAILS, SHOPS, SITES, PLACES)
    picked = [random.integers(len(words), size=count) for words in columns]
    numbers, shouted = random.integers(2, 9_999, size=count), random.random(count) < 0.05
    texts = []
    for row in range(count):
        made, subject, tail, shop, site, place = (
            words[indices[row]] for words, indices in zip(columns, picked, strict=True)
        )
        text = f"{made} {subject} {tail.format(shop=shop, site=site, place=place, number=numbers[row])}"
        texts.append(text.upper() if shouted[row] else text)
    return texts
