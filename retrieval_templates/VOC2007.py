"""PASCAL VOC 2007 (Everingham et al.): 20 classes, 1 prompt.

http://host.robots.ox.ac.uk/pascal/VOC/voc2007/

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT).

Written by sources/write_templates.py: edit sources/written/VOC2007.py.
"""

classes = [
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "dog",
    "horse",
    "motorbike",
    "person",
    "sheep",
    "sofa",
    "diningtable",
    "pottedplant",
    "train",
    "tvmonitor",
]

templates = [
    "a photo of a {}.",
]

synonyms = {
    "aeroplane": ["airplane", "passenger plane", "jetliner"],
    "bicycle": ["bike", "mountain bike"],
    "bottle": ["wine bottle"],
    "bus": ["double decker bus", "school bus"],
    "car": ["automobile"],
    "motorbike": ["motorcycle"],
    "sofa": ["couch"],
    "diningtable": ["dining table", "dinner table"],
    "pottedplant": ["potted plant", "houseplant", "indoor plant"],
    "train": ["steam train", "locomotive"],
    "tvmonitor": ["television", "computer monitor", "flat screen tv"],
}

class_map = {
    "aeroplane": '{names} OR aeroplanes OR airplanes OR "passenger planes" OR jetliners',
    "bicycle": '{names} OR bicycles OR bikes OR "mountain bikes"',
    "bird": "{names} OR birds",
    "boat": "{names} OR boats",
    "bottle": '{names} OR bottles OR "wine bottles"',
    "bus": "{names} OR buses",
    "car": "{names} OR cars OR automobiles",
    "cat": "{names} OR cats OR kitten OR kittens",
    "chair": "{names} OR chairs OR armchair OR armchairs",
    "cow": "{names} OR cows OR cattle",
    "dog": '("dog" OR dogs OR puppy OR puppies) NOT "hot dog"',
    "horse": "{names} OR horses",
    "motorbike": "{names} OR motorbikes OR motorcycles",
    "person": "{names} OR people OR man OR woman OR child",
    "sheep": "{names} OR lamb OR lambs",
    "sofa": "{names} OR sofas OR couches",
    "diningtable": '{names} OR diningtables OR "dining tables" OR "dinner tables"',
    "pottedplant": '{names} OR pottedplants OR "potted plants" OR houseplants OR "indoor plants"',
    "train": '("train" OR trains) NOT ("train your" OR "train to" OR "how to train")',
    "tvmonitor": '{names} OR tvmonitors OR televisions OR "computer monitors" OR "flat screen tvs"',
}
