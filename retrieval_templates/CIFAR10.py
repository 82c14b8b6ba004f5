"""CIFAR-10 (Krizhevsky 2009): 10 classes, 18 prompts.

https://www.cs.toronto.edu/~kriz/cifar.html

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT).

Written by sources/write_templates.py: edit sources/written/CIFAR10.py.
"""

classes = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
]

templates = [
    "a photo of a {}.",
    "a blurry photo of a {}.",
    "a black and white photo of a {}.",
    "a low contrast photo of a {}.",
    "a high contrast photo of a {}.",
    "a bad photo of a {}.",
    "a good photo of a {}.",
    "a photo of a small {}.",
    "a photo of a big {}.",
    "a photo of the {}.",
    "a blurry photo of the {}.",
    "a black and white photo of the {}.",
    "a low contrast photo of the {}.",
    "a high contrast photo of the {}.",
    "a bad photo of the {}.",
    "a good photo of the {}.",
    "a photo of the small {}.",
    "a photo of the big {}.",
]

synonyms = {
    "airplane": ["aeroplane", "passenger plane", "jetliner"],
    "automobile": ["sedan", "sports car"],
    "ship": ["cargo ship", "cruise ship"],
    "truck": ["lorry"],
}

class_map = {
    "airplane": '{names} OR airplanes OR aeroplanes OR "passenger planes" OR jetliners',
    "automobile": '{names} OR automobiles OR sedans OR "sports cars"',
    "bird": "{names} OR birds",
    "cat": "{names} OR cats OR kitten OR kittens",
    "deer": "{names} NOT deere",
    "dog": '("dog" OR dogs OR puppy OR puppies) NOT "hot dog"',
    "frog": "{names} OR frogs",
    "horse": "{names} OR horses",
    "ship": '("ship" OR ships) NOT ("ship to" OR "free ship" OR "ships free" OR "ships in") OR "container ships"',
    "truck": "{names} OR trucks OR lorries",
}
