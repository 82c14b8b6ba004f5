"""Oxford-IIIT Pet (Parkhi et al. 2012): 37 breeds of cats and dogs, 1 prompt.

https://www.robots.ox.ac.uk/~vgg/data/pets/

Several breeds are called by a place or a people (Bengal, Bombay, Newfoundland): these names stand beside a cat or a
dog.
"""

facts = "OxfordPets"
order = "pets"
_CAT = "(cat OR cats OR kitten OR kittens OR feline)"
_DOG = "(dog OR dogs OR puppy OR puppies)"
synonyms = {
    "Abyssinian": ["abyssinian cat"],
    "American Pit Bull Terrier": ["pit bull", "pitbull", "pitbulls"],
    "Basset Hound": ["basset hounds"],
    "Bengal": ["bengal cat", "bengal kitten"],
    "Birman": ["birman cat", "sacred birman"],
    "Bombay": ["bombay cat"],
    "Boxer": ["boxer dog", "boxer puppy"],
    "British Shorthair": ["british shorthairs", "british blue cat"],
    "Chihuahua": ["chihuahuas"],
    "English Cocker Spaniel": ["cocker spaniel"],
    "German Shorthaired": ["german shorthaired pointer", "german shorthair", "gsp dog"],
    "Great Pyrenees": ["pyrenean mountain dog"],
    "Havanese": ["havanese dog"],
    "Japanese Chin": ["japanese spaniel"],
    "Maine Coon": ["maine coons"],
    "Miniature Pinscher": ["min pin"],
    "Newfoundland": ["newfoundland dog", "newfoundland puppy"],
    "Persian": ["persian cat", "persian kitten"],
    "Pomeranian": ["pomeranians"],
    "Pug": ["pugs", "pug puppy"],
    "Saint Bernard": ["st bernard", "st. bernard dog"],
    "Samoyed": ["samoyeds"],
    "Scottish Terrier": ["scottie dog"],
    "Shiba Inu": ["shiba dog", "shiba puppy"],
    "Siamese": ["siamese cat", "siamese kitten"],
    "Sphynx": ["sphynx cat", "hairless cat"],
    "Staffordshire Bull Terrier": ["staffie", "staffordshire terrier"],
    "Wheaten Terrier": ["soft coated wheaten"],
    "Yorkshire Terrier": ["yorkie", "yorkies"],
}
class_map = {
    "Abyssinian": f"Abyssinian AND {_CAT}",
    "Bengal": f"Bengal AND {_CAT}",
    "Birman": f"Birman AND {_CAT}",
    "Bombay": f"Bombay AND {_CAT}",
    "Persian": f"Persian AND {_CAT}",
    "Siamese": f"Siamese AND {_CAT}",
    "Beagle": "Beagle OR beagles",
    "Boxer": f"Boxer AND {_DOG}",
    "Newfoundland": f"Newfoundland AND {_DOG}",
    "Pug": '"Pug"',
    "Chihuahua": f"Chihuahua AND {_DOG}",
}
definitions = {
    "Abyssinian": "a breed of slender cat with a ticked coat",
    "Bengal": "a breed of cat with the coat of a leopard",
    "Bombay": "a breed of short-haired black cat",
    "Boxer": "a short-haired breed of dog with a square muzzle",
    "Chihuahua": "a breed of very small dog",
    "Newfoundland": "a breed of large dog that rescues people from water",
    "Persian": "a breed of long-haired cat with a flat face",
    "Siamese": "a breed of cat with blue eyes and dark ears",
}
