"""Oxford Flowers 102 (Nilsback and Zisserman 2008): 102 classes, 1 prompt.

https://www.robots.ox.ac.uk/~vgg/data/flowers/102/

The class names and the prompt are those of CLIP's zero-shot evaluation (Radford et al. 2021). A query asks for the
common name in the spellings people use, or for the botanical name, which is no homonym and which shops and botanists
write. A name that means something else in most captions (rose, wallflower) stands beside a word that only the flower
has near it; from the other names, the few things that share them are taken out by name. NOT binds tighter than AND, and
AND tighter than OR.
"""

classes = [
    "pink primrose",
    "hard-leaved pocket orchid",
    "canterbury bells",
    "sweet pea",
    "english marigold",
    "tiger lily",
    "moon orchid",
    "bird of paradise",
    "monkshood",
    "globe thistle",
    "snapdragon",
    "colt's foot",
    "king protea",
    "spear thistle",
    "yellow iris",
    "globe flower",
    "purple coneflower",
    "peruvian lily",
    "balloon flower",
    "giant white arum lily",
    "fire lily",
    "pincushion flower",
    "fritillary",
    "red ginger",
    "grape hyacinth",
    "corn poppy",
    "prince of wales feathers",
    "stemless gentian",
    "artichoke",
    "sweet william",
    "carnation",
    "garden phlox",
    "love in the mist",
    "mexican aster",
    "alpine sea holly",
    "ruby-lipped cattleya",
    "cape flower",
    "great masterwort",
    "siam tulip",
    "lenten rose",
    "barbeton daisy",
    "daffodil",
    "sword lily",
    "poinsettia",
    "bolero deep blue",
    "wallflower",
    "marigold",
    "buttercup",
    "oxeye daisy",
    "common dandelion",
    "petunia",
    "wild pansy",
    "primula",
    "sunflower",
    "pelargonium",
    "bishop of llandaff",
    "gaura",
    "geranium",
    "orange dahlia",
    "pink and yellow dahlia",
    "cautleya spicata",
    "japanese anemone",
    "black-eyed susan",
    "silverbush",
    "californian poppy",
    "osteospermum",
    "spring crocus",
    "bearded iris",
    "windflower",
    "tree poppy",
    "gazania",
    "azalea",
    "water lily",
    "rose",
    "thorn apple",
    "morning glory",
    "passion flower",
    "lotus",
    "toad lily",
    "anthurium",
    "frangipani",
    "clematis",
    "hibiscus",
    "columbine",
    "desert-rose",
    "tree mallow",
    "magnolia",
    "cyclamen",
    "watercress",
    "canna lily",
    "hippeastrum",
    "bee balm",
    "air plant",
    "foxglove",
    "bougainvillea",
    "camellia",
    "mallow",
    "mexican petunia",
    "bromelia",
    "blanket flower",
    "trumpet creeper",
    "blackberry lily",
]

templates = [
    "a photo of a {}, a type of flower.",
]

class_map = {
    "pink primrose": '"pink primrose"* OR "pink evening primrose"* OR "oenothera speciosa"',
    "hard-leaved pocket orchid": (  # hardly anybody writes the English name; the genus is the slipper orchids
        '"hard-leaved pocket orchid" OR "hard leaved pocket orchid" OR "paphiopedilum micranthum" OR "paphiopedilum"'
    ),
    "canterbury bells": '"canterbury bell"* OR "campanula medium"',
    "sweet pea": '"sweet pea"* NOT (kitchen OR restaurant) OR "lathyrus odoratus"',  # a pet name too
    "english marigold": '"english marigold"* OR "pot marigold"* OR calendula*',
    "tiger lily": '"tiger lily" OR "tiger lilies" OR "lilium lancifolium"',
    "moon orchid": '"moon orchid"* OR "moth orchid"* OR "phalaenopsis"',
    "bird of paradise": (  # birds have the name too
        '"bird of paradise" AND (flower* OR plant* OR bloom* OR garden OR tropical OR strelitzia) OR strelitzia*'
    ),
    "monkshood": 'monkshood* OR "monk\'s hood" AND flower* OR "monk’s hood" AND flower* OR aconitum OR wolfsbane',
    "globe thistle": '"globe thistle"* OR echinops',
    "snapdragon": (  # a processor for phones
        "snapdragon* AND (flower* OR garden OR bloom* OR plant* OR bouquet OR seed* OR antirrhinum) OR antirrhinum*"
    ),
    "colt's foot": '"colt\'s foot" OR "colt’s foot" OR coltsfoot OR "tussilago farfara"',
    "king protea": '"king protea"* OR "protea cynaroides"',
    "spear thistle": '"spear thistle"* OR "bull thistle"* OR "cirsium vulgare"',
    "yellow iris": '"yellow iris"* OR "yellow flag iris"* OR "yellow flag" AND iris OR "iris pseudacorus"',
    "globe flower": '"globe flower"* OR globeflower* OR "trollius"',
    "purple coneflower": '"purple coneflower"* OR "purple cone flower"* OR "echinacea purpurea"',
    "peruvian lily": '"peruvian lily" OR "peruvian lilies" OR "lily of the incas" OR alstroemeria*',
    # flowers made of balloons
    "balloon flower": '"balloon flower"* AND (plant* OR garden OR bloom* OR blue OR seed* OR perennial*) OR platycodon',
    "giant white arum lily": '"arum lily" OR "arum lilies" OR "calla lily" OR "calla lilies" OR "zantedeschia"',
    "fire lily": '"fire lily" OR "fire lilies" OR "orange lily" OR "lilium bulbiferum"',
    "pincushion flower": '"pincushion flower"* OR "pin cushion flower"* OR scabiosa*',
    "fritillary": (  # a butterfly too
        'fritillary AND (flower* OR bulb* OR bloom* OR garden OR plant* OR "snake\'s head" OR "snakes head") '
        "OR fritillaria*"
    ),
    "red ginger": '"red ginger" AND (flower* OR plant* OR tropical OR lily OR bloom*) OR "alpinia purpurata"',
    "grape hyacinth": '"grape hyacinth"* OR "muscari"',
    "corn poppy": (
        '"corn poppy" OR "corn poppies" OR "field poppy" OR "field poppies" OR "common poppy" OR "flanders poppy" '
        'OR "papaver rhoeas"'
    ),
    "prince of wales feathers": (
        '"prince of wales feathers" AND flower* OR "prince of wales feather" AND flower* OR celosia* OR cockscomb '
        "AND flower*"
    ),
    "stemless gentian": '"stemless gentian"* OR "gentiana acaulis" OR "trumpet gentian"*',
    "artichoke": (  # otherwise a dish
        'artichoke* AND (flower* OR bloom* OR thistle OR blossom*) OR "cynara cardunculus" OR "globe artichoke"*'
    ),
    "sweet william": '"sweet william"* OR "dianthus barbatus"',
    "carnation": (  # a brand of milk too
        'carnation* NOT (milk OR evaporated OR "instant breakfast" OR reincarnation* OR incarnation*) '
        'OR "dianthus caryophyllus"'
    ),
    "garden phlox": '"garden phlox" OR "tall phlox" OR "summer phlox" OR "phlox paniculata"',
    "love in the mist": (  # a film; people write in a mist
        '"love in the mist" AND (flower* OR nigella OR garden OR seed* OR bloom*) OR "love-in-a-mist" '
        'OR "love in a mist" OR "love-in-the-mist" OR nigella AND (flower* OR damascena)'
    ),
    "mexican aster": '"mexican aster"* OR "garden cosmos" OR "cosmos bipinnatus" OR cosmos AND flower*',
    "alpine sea holly": '"sea holly" OR "sea hollies" OR eryngium',
    "ruby-lipped cattleya": '"ruby-lipped cattleya" OR "ruby lipped cattleya" OR cattleya*',
    # people write nerine
    "cape flower": '"cape flower"* AND (nerine OR garden OR bulb*) OR "nerine" OR "nerines" OR "guernsey lily"',
    "great masterwort": "masterwort* OR astrantia*",
    "siam tulip": '"siam tulip"* OR "curcuma alismatifolia" OR "summer tulip"*',
    "lenten rose": '"lenten rose"* OR hellebore* OR helleborus',  # a kind of hellebore, which is what people write
    "barbeton daisy": (  # the benchmark misspells Barberton; florists write gerbera
        '"barbeton daisy" OR "barberton daisy" OR "barberton daisies" OR "gerbera daisy" OR "gerbera daisies" '
        "OR gerbera*"
    ),
    "daffodil": "daffodil* OR narcissus AND (flower* OR bulb* OR bloom* OR plant)",
    "sword lily": '"sword lily" OR "sword lilies" OR gladiolus OR gladioli OR gladiola*',
    "poinsettia": "poinsettia*",
    "bolero deep blue": '"bolero deep blue" OR lisianthus OR eustoma',  # a cultivar hardly anybody names
    "wallflower": (  # a shy person, a film
        'wallflower* AND (flower* OR garden OR bloom* OR plant* OR erysimum) NOT "perks of being" OR erysimum'
    ),
    "marigold": 'marigold* NOT ("marigold hotel" OR "marigold gloves") OR tagetes',  # a film
    # a squash, a girl in two films
    "buttercup": 'buttercup* NOT (squash* OR powerpuff OR "princess bride") OR ranunculus AND (flower* OR yellow)',
    "oxeye daisy": (
        '"oxeye daisy" OR "oxeye daisies" OR "ox-eye daisy" OR "ox-eye daisies" OR "ox eye daisy" '
        'OR "ox eye daisies" OR "leucanthemum vulgare"'
    ),
    "common dandelion": (
        'dandelion* NOT ("dandelion tea" OR "dandelion coffee" OR "dandelion salad") OR "taraxacum officinale"'
    ),
    "petunia": 'petunia* NOT "petunia pig"',  # Porky's friend
    "wild pansy": (
        '"wild pansy" OR "wild pansies" OR "heartsease" OR "heart\'s ease" OR "viola tricolor" OR "johnny jump up"'
    ),
    "primula": "primula* OR primrose* AND flower*",
    # the kitchen has it too
    "sunflower": 'sunflower* NOT ("sunflower oil" OR "sunflower seed" OR "sunflower seeds" OR "sunflower butter")',
    "pelargonium": "pelargonium*",
    "bishop of llandaff": '"bishop of llandaff" AND (dahlia OR flower* OR garden OR bloom*)',
    "gaura": "gaura AND (flower* OR plant* OR lindheimeri OR garden OR pink OR white) OR beeblossom",
    "geranium": 'geranium* NOT "geranium oil" NOT "geranium essential oil" OR cranesbill*',
    "orange dahlia": '"orange dahlia"*',
    "pink and yellow dahlia": '"pink and yellow dahlia"* OR "yellow and pink dahlia"* OR dahlia* AND pink AND yellow',
    "cautleya spicata": "cautleya",
    "japanese anemone": (
        '"japanese anemone"* OR "anemone hupehensis" OR "anemone japonica" OR "anemone × hybrida" '
        'OR "anemone x hybrida"'
    ),
    "black-eyed susan": '"black-eyed susan"* OR "black eyed susan"* OR "rudbeckia"',
    "silverbush": 'silverbush OR "silver bush" AND (plant* OR flower* OR convolvulus) OR "convolvulus cneorum"',
    "californian poppy": (
        '"californian poppy" OR "californian poppies" OR "california poppy" OR "california poppies" OR eschscholzia'
    ),
    "osteospermum": 'osteospermum* OR "african daisy" OR "african daisies" OR "cape daisy" OR "cape daisies"',
    "spring crocus": (
        '"spring crocus" OR "spring crocuses" OR crocus AND (spring OR snow OR flower* OR purple) OR "crocus vernus"'
    ),
    "bearded iris": '"bearded iris"* OR "iris germanica"',
    "windflower": 'windflower* OR "wood anemone"* OR "anemone nemorosa" OR "anemone blanda" OR "anemone coronaria"',
    "tree poppy": '"tree poppy" OR "tree poppies" OR "matilija poppy" OR "matilija poppies" OR romneya',
    "gazania": 'gazania* OR "treasure flower"*',
    "azalea": 'azalea* NOT "iggy azalea"',  # a singer
    # Monet's lily ponds come along
    "water lily": '"water lily" OR "water lilies" OR "waterlily" OR "waterlilies" OR nymphaea',
    "rose": (  # a name, a colour, a verb
        '"red rose"* OR "white rose"* OR "pink rose"* OR "yellow rose"* OR "rose flower"* OR "rose bud"* '
        'OR rosebud* OR "rose bush"* OR "rose garden"* OR rose AND (flower* OR bouquet* OR petal* OR bush* '
        'OR bloom*) NOT "rose gold" OR roses NOT "guns n"'
    ),
    "thorn apple": (
        '"thorn apple"* OR "thornapple"* OR jimsonweed OR "jimson weed" OR "datura stramonium" OR datura AND flower*'
    ),
    # an album, a hot spring, a muffin
    "morning glory": '"morning glory" NOT (oasis OR "morning glory pool" OR muffin*) OR "morning glories" OR "ipomoea"',
    "passion flower": '"passion flower"* OR passionflower* OR passiflora*',
    "lotus": (  # cars, software, a pose of yoga
        "lotus NOT (car OR cars OR f1 OR renault OR grosjean OR elise OR exige OR evora OR esprit OR elan "
        'OR evija OR emira OR "lotus seven" OR yoga OR asana OR notes OR biscoff) OR "nelumbo nucifera"'
    ),
    "toad lily": '"toad lily" OR "toad lilies" OR tricyrtis',
    "anthurium": 'anthurium* OR "flamingo flower"* OR "flamingo lily"',
    "frangipani": "frangipani* OR plumeria*",
    "hibiscus": 'hibiscus NOT "hibiscus tea"',
    # a school in Colorado
    "columbine": "columbine* NOT (shooting* OR massacre OR school OR killer* OR memorial) OR aquilegia*",
    # a crystal of gypsum, a song
    "desert-rose": '("desert-rose" OR "desert rose") NOT (gypsum OR selenite OR sting) OR "adenium"',
    "tree mallow": '"tree mallow"* OR lavatera OR "malva arborea"',
    "magnolia": (  # a film, a bakery, a shop, towns
        'magnolia* NOT ("magnolia bakery" OR "magnolia pictures" OR "magnolia home" OR "magnolia network" '
        'OR "magnolia market" OR "magnolia, tx" OR texas OR arkansas)'
    ),
    "watercress": (  # salads otherwise; the benchmark's pictures are of nasturtiums, Tropaeolum
        "watercress AND (flower* OR bloom* OR plant* OR blossom* OR wild OR stream) OR nasturtium* AND (flower* "
        "OR bloom* OR orange OR garden)"
    ),
    "canna lily": '"canna lily" OR "canna lilies" OR "canna indica" OR canna AND (flower* OR bloom* OR tropical)',
    "hippeastrum": "hippeastrum* OR amaryllis",
    "bee balm": '"bee balm" OR "beebalm" OR "monarda"',
    "air plant": '"air plant"* OR tillandsia*',
    "foxglove": 'foxglove* OR "digitalis purpurea"',
    "bougainvillea": "bougainvillea* OR bougainvillia OR bouganvillea",
    "camellia": 'camellia* NOT ("camellia sinensis" OR "camellia oil")',  # the tea bush
    "mallow": 'mallow* NOT marshmallow* OR "malva sylvestris"',  # in marshmallow
    "mexican petunia": '"mexican petunia"* OR "ruellia"',
    "bromelia": "bromelia* OR bromeliad*",
    "blanket flower": '"blanket flower"* OR gaillardia* OR blanketflower*',
    "trumpet creeper": '"trumpet creeper"* OR "trumpet vine"* OR "campsis radicans"',
    "blackberry lily": (
        '"blackberry lily" OR "blackberry lilies" OR "leopard lily" OR "leopard flower" OR "iris domestica" '
        "OR belamcanda"
    ),
}
