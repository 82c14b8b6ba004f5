"""STL-10 (Coates et al. 2011): 10 classes, 2 prompts.

https://cs.stanford.edu/~acoates/stl10/

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT).

Written by sources/write_templates.py: edit sources/written/STL10.py.
"""

classes = [
    "airplane",
    "bird",
    "car",
    "cat",
    "deer",
    "dog",
    "horse",
    "monkey",
    "ship",
    "truck",
]

templates = [
    "a photo of a {}.",
    "a photo of the {}.",
]

synonyms = {
    "airplane": ["aeroplane", "passenger plane", "jetliner"],
    "car": ["automobile"],
    "truck": ["lorry"],
}

class_map = {
    "airplane": '{names} OR airplanes OR aeroplanes OR "passenger planes" OR jetliners',
    "bird": "{names} OR birds",
    "car": "{names} OR cars OR automobiles",
    "cat": "{names} OR cats OR kitten OR kittens",
    "deer": "{names} NOT deere",
    "dog": '("dog" OR dogs OR puppy OR puppies) NOT "hot dog"',
    "horse": "{names} OR horses",
    "monkey": "{names} OR monkeys",
    "ship": '("ship" OR ships) NOT ("ship to" OR "free ship" OR "ships free" OR "ships in") OR "container ships"',
    "truck": "{names} OR trucks OR lorries",
}
