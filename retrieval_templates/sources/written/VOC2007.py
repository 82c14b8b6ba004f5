"""PASCAL VOC 2007 (Everingham et al.): 20 classes, 1 prompt.

http://host.robots.ox.ac.uk/pascal/VOC/voc2007/
"""

facts = "PascalVOC2007"
plurals = True
synonyms = {
    "aeroplane": ["airplane", "passenger plane", "jetliner"],
    "bicycle": ["bike", "mountain bike"],
    "bottle": ["wine bottle"],
    "bus": ["double decker bus", "school bus"],
    "car": ["automobile"],
    "motorbike": ["motorcycle"],
    "diningtable": ["dining table", "dinner table"],
    "pottedplant": ["potted plant", "houseplant", "indoor plant"],
    "sofa": ["couch"],
    "train": ["steam train", "locomotive"],
    "tvmonitor": ["television", "computer monitor", "flat screen tv"],
}
class_map = {
    "bus": "{names} OR buses",
    "cat": "{names} OR cats OR kitten OR kittens",
    "chair": "{names} OR chairs OR armchair OR armchairs",
    "cow": "{names} OR cows OR cattle",
    "dog": '("dog" OR dogs OR puppy OR puppies) NOT "hot dog"',
    "person": "{names} OR people OR man OR woman OR child",
    "sheep": "{names} OR lamb OR lambs",
    "train": '("train" OR trains) NOT ("train your" OR "train to" OR "how to train")',
}
