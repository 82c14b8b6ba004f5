"""NWPU-RESISC45 (Cheng et al. 2017): 45 kinds of scenes in pictures from above, 18 prompts.

https://ieeexplore.ieee.org/document/7891544

Pictures from above are what is meant, so each name stands beside satellite, aerial or drone.
"""

facts = "RESISC45"
_WORDS = 'satellite OR aerial OR "from above" OR drone OR "google earth" OR "birds eye view" OR "bird\'s eye view"'
_ABOVE = f"AND ({_WORDS})"
class_map = {
    "airplane": f"(airplane OR aeroplane OR airplanes OR aircraft) {_ABOVE}",
    "airport": f"(airport OR airports OR airfield) {_ABOVE}",
    "baseball diamond": f'("baseball diamond" OR "baseball field" OR ballpark) {_ABOVE}',
    "basketball court": f'("basketball court" OR "basketball courts") {_ABOVE}',
    "beach": f"(beach OR beaches OR shoreline) {_ABOVE}",
    "bridge": f"(bridge OR bridges) {_ABOVE}",
    "chaparral": f"(chaparral OR shrubland OR scrubland OR brushland) {_ABOVE}",
    "church": f"(church OR cathedral) {_ABOVE}",
    "circular farmland": '"circular farmland" OR "circular fields" OR "crop circles" OR "center pivot" OR "pivot irrigation"',
    "cloud": f"(clouds OR cloud) {_ABOVE}",
    "commercial area": f'("commercial area" OR "shopping center" OR "shopping mall" OR "business district" OR downtown) {_ABOVE}',
    "dense residential": f'("residential area" OR "dense residential" OR "housing estate" OR rooftops OR slum) {_ABOVE}',
    "desert": f"(desert OR dunes) {_ABOVE}",
    "forest": f"(forest OR forests OR woodland) {_ABOVE}",
    "freeway": f"(freeway OR highway OR motorway OR expressway) {_ABOVE}",
    "golf course": f'("golf course" OR "golf courses" OR "golf club") {_ABOVE}',
    "ground track field": f'("running track" OR "track field" OR "athletics track" OR "athletic field") {_ABOVE}',
    "harbor": f"(harbor OR harbour OR marina OR port) {_ABOVE}",
    "industrial area": f'(industrial OR factory OR "industrial park" OR "industrial estate") {_ABOVE}',
    "intersection": f"(intersection OR crossroads OR junction OR interchange) {_ABOVE}",
    "island": f"(island OR islands OR atoll) {_ABOVE}",
    "lake": f"(lake OR lakes OR reservoir) {_ABOVE}",
    "meadow": f"(meadow OR meadows OR grassland OR pasture) {_ABOVE}",
    "medium residential": f'(suburb OR suburban OR neighborhood OR neighbourhood OR "residential street") {_ABOVE}',
    "mobile home park": f'("mobile home park" OR "trailer park" OR "caravan park" OR "mobile homes") {_ABOVE}',
    "mountain": f"(mountain OR mountains) {_ABOVE}",
    "overpass": f"(overpass OR flyover OR viaduct OR interchange) {_ABOVE}",
    "palace": f"(palace OR castle) {_ABOVE}",
    "parking lot": f'("parking lot" OR "car park" OR "parking lots") {_ABOVE}',
    "railway": f'(railway OR railroad OR "train tracks" OR "rail yard") {_ABOVE}',
    "railway station": f'("railway station" OR "train station" OR "rail station") {_ABOVE}',
    "rectangular farmland": f'(farmland OR "farm fields" OR fields OR cropland OR "rice fields") {_ABOVE}',
    "river": f"(river OR rivers OR delta) {_ABOVE}",
    "roundabout": f'(roundabout OR roundabouts OR "traffic circle") {_ABOVE}',
    "runway": f"(runway OR runways OR airstrip) {_ABOVE}",
    "sea ice": f'("sea ice" OR "pack ice" OR "ice floes") {_ABOVE} OR "arctic sea ice"',
    "ship": f"(ship OR ships OR vessel OR tanker) {_ABOVE}",
    "snowberg": f'(iceberg OR icebergs OR snowberg OR glacier OR "snow covered mountains") {_ABOVE}',
    "sparse residential": f'(farmhouse OR "country house" OR "rural house" OR homestead OR ranch) {_ABOVE}',
    "stadium": f"(stadium OR arena) {_ABOVE}",
    "storage tank": f'("storage tank" OR "storage tanks" OR "oil tanks" OR "tank farm") {_ABOVE}',
    "tennis court": f'("tennis court" OR "tennis courts") {_ABOVE}',
    "terrace": f'("terraced fields" OR "rice terraces" OR "rice terrace" OR terraces) {_ABOVE}',
    "thermal power station": f'("power station" OR "power plant" OR "cooling towers") {_ABOVE}',
    "wetland": f"(wetland OR wetlands OR marsh OR swamp OR estuary) {_ABOVE}",
}
