"""Other ways to write one name: spellings of the two sides of the Atlantic, plurals, hyphens, words written together.

    forms("grey tea-cup")   # {"gray tea-cup": "spelling", "grey tea-cups": "plural", "grey tea cup": "hyphen", ...}

Standard library only.
"""

import re

# British words and the American ones, as dictionaries pair them.
AMERICAN = {
    "aeroplane": "airplane", "aluminium": "aluminum", "analogue": "analog", "armour": "armor",
    "armoured": "armored", "artefact": "artifact", "axe": "ax", "behaviour": "behavior", "calibre": "caliber",
    "carburettor": "carburetor", "catalogue": "catalog", "centre": "center", "chilli": "chili", "colour": "color",
    "coloured": "colored", "cosy": "cozy", "dialogue": "dialog", "disc": "disk", "doughnut": "donut",
    "draught": "draft", "fibre": "fiber", "flavour": "flavor", "grey": "gray", "harbour": "harbor",
    "honour": "honor", "jewellery": "jewelry", "jewelled": "jeweled", "kerb": "curb", "litre": "liter",
    "lustre": "luster", "manoeuvre": "maneuver", "metre": "meter", "mould": "mold", "moustache": "mustache",
    "neighbour": "neighbor", "panelled": "paneled", "parlour": "parlor", "plough": "plow", "programme": "program",
    "pyjamas": "pajamas", "pyjama": "pajama", "racquet": "racket", "sabre": "saber", "savoury": "savory",
    "sceptre": "scepter", "snowplough": "snowplow", "sulphur": "sulfur", "theatre": "theater", "tumour": "tumor",
    "tyre": "tire", "vapour": "vapor", "waggon": "wagon", "whisky": "whiskey", "woollen": "woolen",
    "yoghurt": "yogurt",
}  # fmt: skip
OTHER_SPELLING = AMERICAN | {american: british for british, american in AMERICAN.items()}


def plain_names(class_name: str) -> list[str]:
    """What people may write of a name that was made for a list: "kite (bird of prey)" is a kite, "a / b" two names."""
    without = re.sub(r"\s*\([^)]*\)", "", class_name).strip()
    parts = [part.strip() for part in re.split(r"\s+/\s+|\s+or\s+", without)]
    return [part for part in dict.fromkeys(parts) if part and part != class_name]


def in_parentheses(class_name: str) -> list[str]:
    """Of "kite (bird of prey)" the "bird of prey": another name, or the kind of thing that it is."""
    return re.findall(r"\(([^)]+)\)", class_name)


def forms(name: str, irregular_plural: str | None = None) -> dict[str, str]:
    """Other ways to write the name -> what kind of way it is.

    Args:
        irregular_plural: of the last word, as "wolves", where it does not follow the rules.
    """
    found = {}
    words = re.split(r"(\W+)", name)  # with what stands between them
    for place, word in enumerate(words):
        if other := OTHER_SPELLING.get(word.lower()):
            other = other.capitalize() if word[:1].isupper() else other
            found["".join([*words[:place], other, *words[place + 1 :]])] = "spelling"
    for text in [name, *found]:
        last = re.search(r"\w+$", text)
        if last and (not text.endswith("s") or text.endswith("ss")):
            found[text[: last.start()] + irregular_plural if irregular_plural else plural(text)] = "plural"
    parts = re.split(r"[ -]", name)
    if len(parts) > 1:
        for between, kind in ((" ", "without hyphens"), ("-", "with hyphens"), ("", "in one word")):
            found[between.join(parts)] = kind
    return {form: kind for form, kind in found.items() if form != name}


def plural(name: str) -> str:
    """A rough English plural: the author of a template corrects it at a glance."""
    if re.search(r"(s|x|z|ch|sh)$", name):
        return name + "es"
    return name[:-1] + "ies" if re.search(r"[^aeiou]y$", name) else name + "s"
