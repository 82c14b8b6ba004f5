"""STL-10 (Coates et al. 2011): 10 classes, 2 prompts.

https://cs.stanford.edu/~acoates/stl10/
"""

facts = "STL10"
plurals = True
synonyms = {"airplane": ["aeroplane", "passenger plane", "jetliner"], "car": ["automobile"], "truck": ["lorry"]}
class_map = {
    "cat": "{names} OR cats OR kitten OR kittens",
    "deer": "{names} NOT deere",  # John Deere makes tractors
    "dog": '("dog" OR dogs OR puppy OR puppies) NOT "hot dog"',
    "ship": '("ship" OR ships) NOT ("ship to" OR "free ship" OR "ships free" OR "ships in") OR "container ships"',
}
