"""EuroSAT (Helber et al. 2019): 10 kinds of land in Sentinel-2's pictures, 3 prompts.

https://github.com/phelber/EuroSAT

The names are found everywhere, and pictures from above are what is meant: each name stands beside satellite or aerial.
"""

facts = "EuroSAT"
order = "eurosat"
_WORDS = 'satellite OR aerial OR "from above" OR sentinel OR landsat OR drone OR "google earth"'
_ABOVE = f"AND ({_WORDS})"
class_map = {
    "annual crop land": f'(cropland OR crops OR "crop fields" OR farmland OR "wheat field" OR "corn field") {_ABOVE}',
    "forest": f"(forest OR forests OR woodland OR rainforest) {_ABOVE}",
    "brushland or shrubland": f"(brushland OR shrubland OR scrub OR heath OR moorland OR grassland) {_ABOVE}",
    "highway or road": f"(highway OR road OR motorway OR freeway OR interchange) {_ABOVE}",
    "industrial buildings or commercial buildings": f'(industrial OR factory OR warehouse OR "commercial buildings" OR "business park") {_ABOVE}',
    "pasture land": f"(pasture OR pastures OR meadow OR meadows OR grazing) {_ABOVE}",
    "permanent crop land": f'(vineyard OR vineyards OR orchard OR orchards OR "olive grove" OR plantation) {_ABOVE}',
    "residential buildings or homes or apartments": f'(residential OR suburb OR suburban OR houses OR homes OR "apartment buildings" OR neighborhood) {_ABOVE}',
    "river": f"(river OR rivers) {_ABOVE}",
    "lake or sea": f"(lake OR lakes OR sea OR ocean OR coast) {_ABOVE}",
}
