"""CIFAR-10 (Krizhevsky 2009): 10 classes, 18 prompts.

https://www.cs.toronto.edu/~kriz/cifar.html
"""

facts = "CIFAR10"
plurals = True
synonyms = {
    "airplane": ["aeroplane", "passenger plane", "jetliner"],
    "automobile": ["sedan", "sports car"],
    "truck": ["lorry"],
    "ship": ["cargo ship", "cruise ship"],
}
class_map = {
    "bird": "{names} OR birds",
    "cat": "{names} OR cats OR kitten OR kittens",
    "deer": "{names} NOT deere",  # John Deere makes tractors
    "dog": '("dog" OR dogs OR puppy OR puppies) NOT "hot dog"',
    "ship": '("ship" OR ships) NOT ("ship to" OR "free ship" OR "ships free" OR "ships in") OR "container ships"',
}
