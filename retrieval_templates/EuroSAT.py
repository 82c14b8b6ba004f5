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
        '(cropland OR crops OR "crop fields" OR farmland OR "wheat field" OR "corn field") AND (satellite OR aerial '
        'OR "from above" OR sentinel OR landsat OR drone OR "google earth")'
    ),
    "forest": (
        '(forest OR forests OR woodland OR rainforest) AND (satellite OR aerial OR "from above" OR sentinel OR landsat '
        'OR drone OR "google earth")'
    ),
    "brushland or shrubland": (
        '(brushland OR shrubland OR scrub OR heath OR moorland OR grassland) AND (satellite OR aerial OR "from above" '
        'OR sentinel OR landsat OR drone OR "google earth")'
    ),
    "highway or road": (
        '(highway OR road OR motorway OR freeway OR interchange) AND (satellite OR aerial OR "from above" OR sentinel '
        'OR landsat OR drone OR "google earth")'
    ),
    "industrial buildings or commercial buildings": (
        '(industrial OR factory OR warehouse OR "commercial buildings" OR "business park") AND (satellite OR aerial '
        'OR "from above" OR sentinel OR landsat OR drone OR "google earth")'
    ),
    "pasture land": (
        '(pasture OR pastures OR meadow OR meadows OR grazing) AND (satellite OR aerial OR "from above" OR sentinel '
        'OR landsat OR drone OR "google earth")'
    ),
    "permanent crop land": (
        '(vineyard OR vineyards OR orchard OR orchards OR "olive grove" OR plantation) AND (satellite OR aerial '
        'OR "from above" OR sentinel OR landsat OR drone OR "google earth")'
    ),
    "residential buildings or homes or apartments": (
        '(residential OR suburb OR suburban OR houses OR homes OR "apartment buildings" '
        'OR neighborhood) AND (satellite OR aerial OR "from above" OR sentinel OR landsat OR drone OR "google earth")'
    ),
    "river": (
        '(river OR rivers) AND (satellite OR aerial OR "from above" OR sentinel OR landsat OR drone OR "google earth")'
    ),
    "lake or sea": (
        '(lake OR lakes OR sea OR ocean OR coast) AND (satellite OR aerial OR "from above" OR sentinel OR landsat '
        'OR drone OR "google earth")'
    ),
}
