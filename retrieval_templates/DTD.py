"""DTD, the Describable Textures Dataset (Cimpoi et al. 2014): 47 classes, 8 prompts.

https://www.robots.ox.ac.uk/~vgg/data/dtd/

Names and prompts are those of CLIP's zero-shot evaluation (Radford et al. 2021). The classes are adjectives. Some mean
the texture nearly wherever they stand (knitted, striped, woven): these need no second word. The others alone find lined
coats, pitted olives and power grids: these stand beside a noun (texture, pattern, and the two to six things that people
photograph for it), in the spellings that people use. `*` lets a plural through in the match modes `word` and `fts`; in
`substring` it changes nothing.
"""

classes = [
    "banded",
    "blotchy",
    "braided",
    "bubbly",
    "bumpy",
    "chequered",
    "cobwebbed",
    "cracked",
    "crosshatched",
    "crystalline",
    "dotted",
    "fibrous",
    "flecked",
    "freckled",
    "frilly",
    "gauzy",
    "grid",
    "grooved",
    "honeycombed",
    "interlaced",
    "knitted",
    "lacelike",
    "lined",
    "marbled",
    "matted",
    "meshed",
    "paisley",
    "perforated",
    "pitted",
    "pleated",
    "polka-dotted",
    "porous",
    "potholed",
    "scaly",
    "smeared",
    "spiralled",
    "sprinkled",
    "stained",
    "stratified",
    "striped",
    "studded",
    "swirly",
    "veined",
    "waffled",
    "woven",
    "wrinkled",
    "zigzagged",
]

templates = [
    "a photo of a {} texture.",
    "a photo of a {} pattern.",
    "a photo of a {} thing.",
    "a photo of a {} object.",
    "a photo of the {} texture.",
    "a photo of the {} pattern.",
    "a photo of the {} thing.",
    "a photo of the {} object.",
]

class_map = {
    "banded": '"banded texture"* OR "banded pattern"* OR "banded background"* OR "banded agate"* OR "banded gneiss"*',
    "blotchy": (
        '"blotchy texture"* OR "blotchy pattern"* OR "blotchy background"* OR "blotchy skin"* OR "blotchy paint"*'
    ),
    "bubbly": (
        '"bubbly texture"* OR "bubbly pattern"* OR "bubbly background"* OR "bubble texture"* OR "bubble pattern"*'
    ),
    "bumpy": 'bumpy NOT "bumpy ride"*',
    "chequered": (  # the web writes the American spelling more, which is shirts and careers too
        'chequered OR "checkered texture"* OR "checkered pattern"* OR "checkered fabric"* '
        'OR "checkered flag"* OR "checkerboard pattern"*'
    ),
    "cobwebbed": (  # so rare a word that it may stand alone
        '"cobwebbed texture"* OR "cobwebbed pattern"* OR "cobweb texture"* OR "cobweb pattern"* '
        'OR "spider web texture"* OR "spider web pattern"* OR "spiderweb pattern"* OR "covered in cobwebs" '
        'OR "cobwebbed"'
    ),
    "cracked": (
        '"cracked texture"* OR "cracked pattern"* OR "cracked surface"* OR "cracked paint"* OR "cracked earth" '
        'OR "cracked soil" OR "cracked mud" OR "cracked ground" OR "cracked wall"* OR "crackle texture"*'
    ),
    "crosshatched": (  # hyphen, space or neither
        '"crosshatched texture"* OR "crosshatched pattern"* OR "cross-hatched texture"* OR "cross-hatched pattern"* '
        'OR "crosshatch texture"* OR "crosshatch pattern"* OR "cross hatch texture"* OR "cross hatch pattern"* '
        'OR "cross-hatch pattern"*'
    ),
    "crystalline": (
        '"crystalline texture"* OR "crystalline pattern"* OR "crystalline structure"* OR "crystalline rock"* '
        'OR "crystalline quartz" OR "crystal texture"* OR "crystal pattern"*'
    ),
    "dotted": (  # polka-dotted is another class
        '("dotted texture"* OR "dotted pattern"* OR "dotted fabric"* OR "dotted background"* OR "dot pattern"* '
        'OR "dots pattern"*) NOT ("polka dot"* OR "polka-dot"*)'
    ),
    "fibrous": (
        '"fibrous texture"* OR "fibrous pattern"* OR "fibrous material"* OR "fibrous bark" OR "fibrous root"* '
        'OR "fibre texture"* OR "fiber texture"*'
    ),
    "freckled": (
        '"freckled texture"* OR "freckled pattern"* OR "freckled face"* OR "freckled skin"* OR "freckled girl"* '
        'OR "freckled nose"*'
    ),
    "gauzy": 'gauzy OR "gauze texture"* OR "gauze fabric"*',
    # grid alone is power grids and grid computing
    "grid": '"grid texture"* OR "grid pattern"* OR "grid background"* OR "grid paper" OR "metal grid"*',
    "honeycombed": (  # people write the noun
        '"honeycombed texture"* OR "honeycombed pattern"* OR "honeycombed surface"* OR "honeycomb texture"* '
        'OR "honeycomb pattern"* OR "honeycomb background"*'
    ),
    # of television
    "interlaced": 'interlaced NOT (1080i OR video OR scan*) OR "interlace pattern"* OR "celtic interlace"*',
    "knitted": 'knitted OR "knit texture"* OR "knit fabric"*',
    "lacelike": (  # people write lace
        '"lacelike texture"* OR "lacelike pattern"* OR "lace-like texture"* OR "lace-like pattern"* '
        'OR "lace like pattern"* OR "lace texture"* OR "lace pattern"* OR "lace fabric"*'
    ),
    "lined": (  # lined alone is coats and boots: fleece-lined
        '"lined texture"* OR "lined pattern"* OR "lined paper" OR "lined background"* OR "lines pattern"* '
        'OR "lines texture"*'
    ),
    "marbled": (
        '"marbled texture"* OR "marbled pattern"* OR "marbled paper"* OR "marbled background"* OR "marble texture"* '
        'OR "marble pattern"*'
    ),
    "matted": (  # matted alone is framed art: matted print
        '"matted texture"* OR "matted pattern"* OR "matted fur" OR "matted hair" OR "matted wool" OR "matted fibers" '
        'OR "matted fibres" OR "matted grass"'
    ),
    "meshed": (
        '"meshed texture"* OR "meshed pattern"* OR "meshed fabric"* OR "mesh texture"* OR "mesh pattern"* '
        'OR "mesh fabric"* OR "wire mesh"*'
    ),
    # a town and a name too
    "paisley": 'paisley NOT ("brad paisley" OR "ian paisley" OR "paisley park" OR scotland OR renfrewshire)',
    "pitted": (  # pitted alone is olives, dates, cherries
        '"pitted texture"* OR "pitted pattern"* OR "pitted surface"* OR "pitted metal" OR "pitted stone"* '
        'OR "pitted rock"* OR "pitted concrete"'
    ),
    "polka-dotted": (  # says it all without a noun; mostly polka dot, polka dots
        '"polka-dotted texture"* OR "polka-dotted pattern"* OR "polka-dotted" OR "polka dotted" OR "polka dot"* '
        'OR "polka-dot"*'
    ),
    "porous": (
        '"porous texture"* OR "porous pattern"* OR "porous surface"* OR "porous rock"* OR "porous stone"* '
        'OR "porous sponge"* OR "porous concrete" OR "porous bread"'
    ),
    "potholed": (
        '"potholed texture"* OR "potholed pattern"* OR "potholed road"* OR "potholed street"* OR "potholed surface"* '
        'OR "pothole road"* OR (pothole* AND (road* OR street* OR asphalt OR pavement))'
    ),
    "scaly": (
        'scaly OR "snake skin texture"* OR "snakeskin pattern"* OR "fish scale pattern"* OR "fish scales texture"*'
    ),
    "smeared": (
        '"smeared texture"* OR "smeared pattern"* OR "smeared paint"* OR "smeared lipstick" OR "smeared ink" '
        'OR "smeared makeup" OR "paint smear"* OR "smeared background"*'
    ),
    "spiralled": (  # one l in America; people write spiral
        '"spiralled texture"* OR "spiralled pattern"* OR "spiraled texture"* OR "spiraled pattern"* '
        'OR "spiral texture"* OR "spiral pattern"* OR "spiralling pattern"* OR "spiral staircase"*'
    ),
    "sprinkled": 'sprinkled OR "sprinkles texture"* OR "sprinkles pattern"* OR "candy sprinkles"',
    "stained": (  # without stained glass, which is another thing
        '"stained texture"* OR "stained pattern"* OR "stained surface"* OR "stained paper"* OR "stained fabric"* '
        'OR "stained wall"* OR "stained concrete" OR "stained shirt"* OR "stained carpet"*'
    ),
    "stratified": (
        '"stratified texture"* OR "stratified pattern"* OR "stratified rock"* OR "stratified layer"* '
        'OR "stratified sandstone" OR "stratified cliff"* OR "rock strata"'
    ),
    "striped": (  # animals
        'striped NOT ("striped bass" OR skunk* OR hyena* OR mullet) OR "stripe pattern"* OR "stripes pattern"*'
    ),
    "studded": 'studded NOT ("star studded" OR "star-studded")',  # an occasion
    "swirly": 'swirly OR "swirl texture"* OR "swirl pattern"* OR "swirls pattern"* OR "swirling pattern"*',
    "veined": 'veined OR "leaf veins"',
    "waffled": (  # people write waffle; with the noun, so not the meal
        'waffled OR "waffle texture"* OR "waffle pattern"* OR "waffle weave"* OR "waffle knit"* OR "waffle fabric"*'
    ),
    "woven": 'woven NOT ("non woven" OR "non-woven" OR nonwoven) OR "basket weave"*',  # a non-woven has no weave
    "wrinkled": 'wrinkled OR "crumpled paper texture"*',
    "zigzagged": (  # people write zigzag in three ways, or chevron
        '"zigzagged texture"* OR "zigzagged pattern"* OR "zigzag texture"* OR "zigzag pattern"* '
        'OR "zig zag pattern"* OR "zig-zag pattern"* OR "chevron pattern"* OR "chevron fabric"*'
    ),
}
