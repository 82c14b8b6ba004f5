"""EuroSAT (Helber et al. 2019): 10 kinds of land in Sentinel-2's pictures, 3 prompts.

https://github.com/phelber/EuroSAT

The names are found everywhere, and pictures from above are what is meant: each name stands beside satellite or aerial.
"""

facts = "EuroSAT"
order = "eurosat"
_WORDS = (
    'satellite OR aerial OR aerials OR "from above" OR sentinel OR landsat OR drone OR "google earth" OR "from the air" '
    'OR "from space" OR "bird\'s eye" OR "birds eye" OR "top down" OR "overhead view" OR "from a plane"'
)
_OTHER_SATELLITES = '("satellite internet" OR "satellite tv" OR "satellite dish" OR "satellite phone")'
_ABOVE = f"AND (({_WORDS}) NOT {_OTHER_SATELLITES})"
class_map = {
    "annual crop land": '(cropland OR crops OR farmland OR "arable land" OR "agricultural land" OR cornfield OR cornfields OR '
    + " OR ".join(f'"{crop} field" OR "{crop} fields"' for crop in ("crop", "wheat", "corn", "rice", "farm", "agricultural",
                                                               "irrigated", "irrigation", "rapeseed", "barley", "harvested"))
    + f' OR "rice paddy" OR "rice paddies") {_ABOVE}',
    "forest": f"(forest OR forests OR woodland OR woodlands OR woods OR rainforest OR rainforests OR jungle OR deforestation) {_ABOVE}",
    "brushland or shrubland": f"(brushland OR shrubland OR shrubs OR scrub OR scrubland OR heath OR heathland OR moorland OR grassland OR savanna OR savannah OR steppe OR bushland) {_ABOVE}",
    "highway or road": f'(highway OR highways OR road OR roads OR motorway OR freeway OR interchange) AND ({_WORDS} OR "top view")',
    "industrial buildings or commercial buildings": '(industrial OR factory OR factories OR warehouse OR warehouses OR "commercial buildings" OR "business park" '
    f'OR "retail park" OR "shopping centre" OR "shopping center" OR "shopping mall" OR refinery) {_ABOVE}',
    "pasture land": f"(pasture OR pastures OR meadow OR meadows OR grazing) {_ABOVE}",
    "permanent crop land": f'(vineyard OR vineyards OR orchard OR orchards OR vines OR "olive grove" OR "olive groves" OR "olive trees" OR plantation OR plantations) {_ABOVE}',
    "residential buildings or homes or apartments": '(residential OR suburb OR suburbs OR suburban OR houses OR homes OR "apartment buildings" OR "apartment blocks" OR "apartment towers" OR apartments '
    f'OR "housing estate" OR rooftops OR neighborhood OR neighbourhood) {_ABOVE}',
    "river": f"(river OR rivers OR creek OR meander OR meanders OR (stream NOT (live OR video OR watch))) {_ABOVE}",
    "lake or sea": f"(lake OR lakes OR sea OR ocean OR coast OR coastline OR reservoir OR lagoon) {_ABOVE}",
}  # fmt: skip
