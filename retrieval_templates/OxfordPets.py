"""Oxford-IIIT Pet (Parkhi et al. 2012): 37 breeds of cats and dogs, 1 prompt.

https://www.robots.ox.ac.uk/~vgg/data/pets/

Several breeds are called by a place or a people (Bengal, Bombay, Newfoundland): these names stand beside a cat or a
dog.

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT); order of
github.com/LAION-AI/CLIP_benchmark 48de38c1689fa6d8b4dd53e3370c669c3bb18117 clip_benchmark/datasets/en_classnames.json +
en_zeroshot_classification_templates.json (MIT).

Written by sources/write_templates.py: edit sources/written/OxfordPets.py.
"""

classes = [
    "Abyssinian",
    "American Bulldog",
    "American Pit Bull Terrier",
    "Basset Hound",
    "Beagle",
    "Bengal",
    "Birman",
    "Bombay",
    "Boxer",
    "British Shorthair",
    "Chihuahua",
    "Egyptian Mau",
    "English Cocker Spaniel",
    "English Setter",
    "German Shorthaired",
    "Great Pyrenees",
    "Havanese",
    "Japanese Chin",
    "Keeshond",
    "Leonberger",
    "Maine Coon",
    "Miniature Pinscher",
    "Newfoundland",
    "Persian",
    "Pomeranian",
    "Pug",
    "Ragdoll",
    "Russian Blue",
    "Saint Bernard",
    "Samoyed",
    "Scottish Terrier",
    "Shiba Inu",
    "Siamese",
    "Sphynx",
    "Staffordshire Bull Terrier",
    "Wheaten Terrier",
    "Yorkshire Terrier",
]

templates = [
    "a photo of a {}, a type of pet.",
]

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
    "Abyssinian": "Abyssinian AND (cat OR cats OR kitten OR kittens OR feline)",
    "Beagle": "Beagle OR beagles",
    "Bengal": "Bengal AND (cat OR cats OR kitten OR kittens OR feline)",
    "Birman": "Birman AND (cat OR cats OR kitten OR kittens OR feline)",
    "Bombay": "Bombay AND (cat OR cats OR kitten OR kittens OR feline)",
    "Boxer": "Boxer AND (dog OR dogs OR puppy OR puppies)",
    "Chihuahua": "Chihuahua AND (dog OR dogs OR puppy OR puppies)",
    "Newfoundland": "Newfoundland AND (dog OR dogs OR puppy OR puppies)",
    "Persian": "Persian AND (cat OR cats OR kitten OR kittens OR feline)",
    "Siamese": "Siamese AND (cat OR cats OR kitten OR kittens OR feline)",
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
