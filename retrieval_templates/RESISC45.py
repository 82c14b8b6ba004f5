"""NWPU-RESISC45 (Cheng et al. 2017): 45 kinds of scenes in pictures from above, 18 prompts.

https://ieeexplore.ieee.org/document/7891544

Pictures from above are what is meant, so each name stands beside satellite, aerial or drone.

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT).

Written by sources/write_templates.py: edit sources/written/RESISC45.py.
"""

classes = [
    "airplane",
    "airport",
    "baseball diamond",
    "basketball court",
    "beach",
    "bridge",
    "chaparral",
    "church",
    "circular farmland",
    "cloud",
    "commercial area",
    "dense residential",
    "desert",
    "forest",
    "freeway",
    "golf course",
    "ground track field",
    "harbor",
    "industrial area",
    "intersection",
    "island",
    "lake",
    "meadow",
    "medium residential",
    "mobile home park",
    "mountain",
    "overpass",
    "palace",
    "parking lot",
    "railway",
    "railway station",
    "rectangular farmland",
    "river",
    "roundabout",
    "runway",
    "sea ice",
    "ship",
    "snowberg",
    "sparse residential",
    "stadium",
    "storage tank",
    "tennis court",
    "terrace",
    "thermal power station",
    "wetland",
]

templates = [
    "satellite imagery of {}.",
    "aerial imagery of {}.",
    "satellite photo of {}.",
    "aerial photo of {}.",
    "satellite view of {}.",
    "aerial view of {}.",
    "satellite imagery of a {}.",
    "aerial imagery of a {}.",
    "satellite photo of a {}.",
    "aerial photo of a {}.",
    "satellite view of a {}.",
    "aerial view of a {}.",
    "satellite imagery of the {}.",
    "aerial imagery of the {}.",
    "satellite photo of the {}.",
    "aerial photo of the {}.",
    "satellite view of the {}.",
    "aerial view of the {}.",
]

class_map = {
    "airplane": (
        '(airplane OR aeroplane OR airplanes OR aircraft) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "airport": (
        '(airport OR airports OR airfield) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "baseball diamond": (
        '("baseball diamond" OR "baseball field" OR ballpark) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "basketball court": (
        '("basketball court" OR "basketball courts") AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "beach": (
        '(beach OR beaches OR shoreline) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "bridge": (
        '(bridge OR bridges) AND (satellite OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" '
        'OR "bird\'s eye view")'
    ),
    "chaparral": (
        '(chaparral OR shrubland OR scrubland OR brushland) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "church": (
        '(church OR cathedral) AND (satellite OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" '
        'OR "bird\'s eye view")'
    ),
    "circular farmland": (
        '"circular farmland" OR "circular fields" OR "crop circles" OR "center pivot" OR "pivot irrigation"'
    ),
    "cloud": (
        '(clouds OR cloud) AND (satellite OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" '
        'OR "bird\'s eye view")'
    ),
    "commercial area": (
        '("commercial area" OR "shopping center" OR "shopping mall" OR "business district" OR downtown) AND (satellite '
        'OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "dense residential": (
        '("residential area" OR "dense residential" OR "housing estate" OR rooftops OR slum) AND (satellite OR aerial '
        'OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "desert": (
        '(desert OR dunes) AND (satellite OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" '
        'OR "bird\'s eye view")'
    ),
    "forest": (
        '(forest OR forests OR woodland) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "freeway": (
        '(freeway OR highway OR motorway OR expressway) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "golf course": (
        '("golf course" OR "golf courses" OR "golf club") AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "ground track field": (
        '("running track" OR "track field" OR "athletics track" OR "athletic field") AND (satellite OR aerial '
        'OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "harbor": (
        '(harbor OR harbour OR marina OR port) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "industrial area": (
        '(industrial OR factory OR "industrial park" OR "industrial estate") AND (satellite OR aerial OR "from above" '
        'OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "intersection": (
        '(intersection OR crossroads OR junction OR interchange) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "island": (
        '(island OR islands OR atoll) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "lake": (
        '(lake OR lakes OR reservoir) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "meadow": (
        '(meadow OR meadows OR grassland OR pasture) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "medium residential": (
        '(suburb OR suburban OR neighborhood OR neighbourhood OR "residential street") AND (satellite OR aerial '
        'OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "mobile home park": (
        '("mobile home park" OR "trailer park" OR "caravan park" OR "mobile homes") AND (satellite OR aerial '
        'OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "mountain": (
        '(mountain OR mountains) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "overpass": (
        '(overpass OR flyover OR viaduct OR interchange) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "palace": (
        '(palace OR castle) AND (satellite OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" '
        'OR "bird\'s eye view")'
    ),
    "parking lot": (
        '("parking lot" OR "car park" OR "parking lots") AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "railway": (
        '(railway OR railroad OR "train tracks" OR "rail yard") AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "railway station": (
        '("railway station" OR "train station" OR "rail station") AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "rectangular farmland": (
        '(farmland OR "farm fields" OR fields OR cropland OR "rice fields") AND (satellite OR aerial OR "from above" '
        'OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "river": (
        '(river OR rivers OR delta) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "roundabout": (
        '(roundabout OR roundabouts OR "traffic circle") AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "runway": (
        '(runway OR runways OR airstrip) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "sea ice": (
        '("sea ice" OR "pack ice" OR "ice floes") AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view") OR "arctic sea ice"'
    ),
    "ship": (
        '(ship OR ships OR vessel OR tanker) AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "snowberg": (
        '(iceberg OR icebergs OR snowberg OR glacier OR "snow covered mountains") AND (satellite OR aerial '
        'OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "sparse residential": (
        '(farmhouse OR "country house" OR "rural house" OR homestead OR ranch) AND (satellite OR aerial '
        'OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "stadium": (
        '(stadium OR arena) AND (satellite OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" '
        'OR "bird\'s eye view")'
    ),
    "storage tank": (
        '("storage tank" OR "storage tanks" OR "oil tanks" OR "tank farm") AND (satellite OR aerial OR "from above" '
        'OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "tennis court": (
        '("tennis court" OR "tennis courts") AND (satellite OR aerial OR "from above" OR drone OR "google earth" '
        'OR "birds eye view" OR "bird\'s eye view")'
    ),
    "terrace": (
        '("terraced fields" OR "rice terraces" OR "rice terrace" OR terraces) AND (satellite OR aerial OR "from above" '
        'OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "thermal power station": (
        '("power station" OR "power plant" OR "cooling towers") AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
    "wetland": (
        '(wetland OR wetlands OR marsh OR swamp OR estuary) AND (satellite OR aerial OR "from above" OR drone '
        'OR "google earth" OR "birds eye view" OR "bird\'s eye view")'
    ),
}
