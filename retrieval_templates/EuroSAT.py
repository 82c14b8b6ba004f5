"""EuroSAT (Helber et al. 2019): 10 kinds of land in Sentinel-2's pictures, 3 prompts.

https://github.com/phelber/EuroSAT

The names are found everywhere, and pictures from above are what is meant: each name stands beside satellite or aerial.

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT); order of
github.com/LAION-AI/CLIP_benchmark 48de38c1689fa6d8b4dd53e3370c669c3bb18117 clip_benchmark/datasets/en_classnames.json +
en_zeroshot_classification_templates.json (MIT).

Written by sources/write_templates.py: edit sources/written/EuroSAT.py.
"""

classes = [
    "annual crop land",
    "forest",
    "brushland or shrubland",
    "highway or road",
    "industrial buildings or commercial buildings",
    "pasture land",
    "permanent crop land",
    "residential buildings or homes or apartments",
    "river",
    "lake or sea",
]

templates = [
    "a centered satellite photo of {}.",
    "a centered satellite photo of a {}.",
    "a centered satellite photo of the {}.",
]

class_map = {
    "annual crop land": (
        '(cropland OR crops OR farmland OR "arable land" OR "agricultural land" OR cornfield OR cornfields '
        'OR "crop field" OR "crop fields" OR "wheat field" OR "wheat fields" OR "corn field" OR "corn fields" '
        'OR "rice field" OR "rice fields" OR "farm field" OR "farm fields" OR "agricultural field" '
        'OR "agricultural fields" OR "irrigated field" OR "irrigated fields" OR "irrigation field" '
        'OR "irrigation fields" OR "rapeseed field" OR "rapeseed fields" OR "barley field" OR "barley fields" '
        'OR "harvested field" OR "harvested fields" OR "rice paddy" OR "rice paddies") AND ((satellite OR aerial '
        'OR aerials OR "from above" OR sentinel OR landsat OR drone OR "google earth" OR "from the air" '
        'OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" OR "overhead view" '
        'OR "from a plane") NOT ("satellite internet" OR "satellite tv" OR "satellite dish" OR "satellite phone"))'
    ),
    "forest": (
        "(forest OR forests OR woodland OR woodlands OR woods OR rainforest OR rainforests OR jungle "
        'OR deforestation) AND ((satellite OR aerial OR aerials OR "from above" OR sentinel OR landsat OR drone '
        'OR "google earth" OR "from the air" OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" '
        'OR "overhead view" OR "from a plane") NOT ("satellite internet" OR "satellite tv" OR "satellite dish" '
        'OR "satellite phone"))'
    ),
    "brushland or shrubland": (
        "(brushland OR shrubland OR shrubs OR scrub OR scrubland OR heath OR heathland OR moorland OR grassland "
        'OR savanna OR savannah OR steppe OR bushland) AND ((satellite OR aerial OR aerials OR "from above" '
        'OR sentinel OR landsat OR drone OR "google earth" OR "from the air" OR "from space" OR "bird\'s eye" '
        'OR "birds eye" OR "top down" OR "overhead view" OR "from a plane") NOT ("satellite internet" '
        'OR "satellite tv" OR "satellite dish" OR "satellite phone"))'
    ),
    "highway or road": (
        "(highway OR highways OR road OR roads OR motorway OR freeway OR interchange) AND (satellite OR aerial "
        'OR aerials OR "from above" OR sentinel OR landsat OR drone OR "google earth" OR "from the air" '
        'OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" OR "overhead view" OR "from a plane" '
        'OR "top view")'
    ),
    "industrial buildings or commercial buildings": (
        '(industrial OR factory OR factories OR warehouse OR warehouses OR "commercial buildings" OR "business park" '
        'OR "retail park" OR "shopping centre" OR "shopping center" OR "shopping mall" OR refinery) AND ((satellite '
        'OR aerial OR aerials OR "from above" OR sentinel OR landsat OR drone OR "google earth" OR "from the air" '
        'OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" OR "overhead view" '
        'OR "from a plane") NOT ("satellite internet" OR "satellite tv" OR "satellite dish" OR "satellite phone"))'
    ),
    "pasture land": (
        '(pasture OR pastures OR meadow OR meadows OR grazing) AND ((satellite OR aerial OR aerials OR "from above" '
        'OR sentinel OR landsat OR drone OR "google earth" OR "from the air" OR "from space" OR "bird\'s eye" '
        'OR "birds eye" OR "top down" OR "overhead view" OR "from a plane") NOT ("satellite internet" '
        'OR "satellite tv" OR "satellite dish" OR "satellite phone"))'
    ),
    "permanent crop land": (
        '(vineyard OR vineyards OR orchard OR orchards OR vines OR "olive grove" OR "olive groves" OR "olive trees" '
        'OR plantation OR plantations) AND ((satellite OR aerial OR aerials OR "from above" OR sentinel OR landsat '
        'OR drone OR "google earth" OR "from the air" OR "from space" OR "bird\'s eye" OR "birds eye" '
        'OR "top down" OR "overhead view" OR "from a plane") NOT ("satellite internet" OR "satellite tv" '
        'OR "satellite dish" OR "satellite phone"))'
    ),
    "residential buildings or homes or apartments": (
        '(residential OR suburb OR suburbs OR suburban OR houses OR homes OR "apartment buildings" '
        'OR "apartment blocks" OR "apartment towers" OR apartments OR "housing estate" OR rooftops OR neighborhood '
        'OR neighbourhood) AND ((satellite OR aerial OR aerials OR "from above" OR sentinel OR landsat OR drone '
        'OR "google earth" OR "from the air" OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" '
        'OR "overhead view" OR "from a plane") NOT ("satellite internet" OR "satellite tv" OR "satellite dish" '
        'OR "satellite phone"))'
    ),
    "river": (
        "(river OR rivers OR creek OR meander OR meanders OR (stream NOT (live OR video OR watch))) AND ((satellite "
        'OR aerial OR aerials OR "from above" OR sentinel OR landsat OR drone OR "google earth" OR "from the air" '
        'OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" OR "overhead view" '
        'OR "from a plane") NOT ("satellite internet" OR "satellite tv" OR "satellite dish" OR "satellite phone"))'
    ),
    "lake or sea": (
        "(lake OR lakes OR sea OR ocean OR coast OR coastline OR reservoir OR lagoon) AND ((satellite OR aerial "
        'OR aerials OR "from above" OR sentinel OR landsat OR drone OR "google earth" OR "from the air" '
        'OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" OR "overhead view" '
        'OR "from a plane") NOT ("satellite internet" OR "satellite tv" OR "satellite dish" OR "satellite phone"))'
    ),
}
