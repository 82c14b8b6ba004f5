"""Caltech-UCSD Birds-200-2011 (Wah et al. 2011): 200 birds, 1 prompt.

https://www.vision.caltech.edu/datasets/cub_200_2011/

The list lost its apostrophes and hyphens (Brewer Blackbird, Black footed Albatross): the names with them are synonyms.
"""

facts = "CUB200"  # the names alone
templates = ["a photo of a {}, a type of bird."]  # CLIP's, for Birdsnap
bird_names = True
_PERSONS = """
Brewer Brandt Heermann Anna Clark Scott Baird Harris Henslow Conte Lincoln Nelson Swainson Wilson Bewick
"""
possessives = {word: f"{word}'s" for word in _PERSONS.split()} | {"Forsters": "Forster's", "Artic": "Arctic"}
synonyms = {
    "Cardinal": ["northern cardinal", "cardinalis cardinalis"],
    "Chuck will Widow": ["chuck-will's-widow", "chuck will's widow"],
    "Florida Jay": ["Florida scrub jay", "Florida scrub-jay"],
    "Frigatebird": ["frigate bird", "magnificent frigatebird"],
    "Geococcyx": ["roadrunner", "greater roadrunner"],
    "Green Violetear": ["green violet-ear", "Mexican violetear"],
    "Mockingbird": ["northern mockingbird"],
    "Myrtle Warbler": ["yellow-rumped warbler", "yellow rumped warbler"],
    "Nelson Sharp tailed Sparrow": ["Nelson's sparrow", "Nelson's sharp-tailed sparrow"],
    "Nighthawk": ["common nighthawk"],
    "Sayornis": ["eastern phoebe", "black phoebe", "Say's phoebe"],
    "Whip poor Will": ["whip-poor-will", "eastern whip-poor-will", "whippoorwill"],
    "White Pelican": ["American white pelican"],
    "Cape Glossy Starling": ["Cape starling"],
    "White breasted Kingfisher": ["white-breasted kingfisher", "white-throated kingfisher"],
}
class_map = {
    "Baltimore Oriole": '"Baltimore Oriole" NOT (baseball OR mlb OR jersey)',
    "Blue Jay": '"Blue Jay" NOT (toronto OR baseball OR mlb)',
    "Cardinal": "Cardinal AND (bird OR birds OR feeder OR songbird OR nest OR feathers)",
    "Mallard": "Mallard OR mallards",
    "Mockingbird": "(Mockingbird OR mockingbirds) NOT (kill OR lee OR harper)",
    "Nighthawk": "Nighthawk AND (bird OR chordeiles OR nest)",
}
