"""CIFAR-100 (Krizhevsky 2009): 100 classes, 18 prompts.

https://www.cs.toronto.edu/~kriz/cifar.html
"""

facts = "CIFAR100"
based_on = "ImageNet"
plurals = True
synonyms = {
    "aquarium fish": ["tropical fish", "goldfish", "angelfish", "fish tank", "reef aquarium"],
    "baby": ["infant", "newborn", "toddler"],
    "bicycle": ["bike", "mountain bike"],
    "bus": ["school bus", "double decker bus"],
    "can": ["tin can", "soda can", "beer can", "aluminum can"],
    "couch": ["sofa"],
    "crocodile": ["alligator", "caiman"],
    "flatfish": ["flounder", "halibut", "turbot", "plaice"],
    "keyboard": ["computer keyboard"],
    "lawn mower": ["lawnmower", "mower"],
    "maple tree": ["japanese maple", "acer palmatum"],
    "motorcycle": ["motorbike"],
    "oak tree": ["live oak", "quercus"],
    "palm tree": ["coconut palm", "date palm"],
    "pickup truck": ["pick-up truck", "pickup"],
    "pine tree": ["scots pine", "pinus"],
    "plain": ["grassland", "prairie", "steppe", "savannah"],
    "poppy": ["papaver"],
    "possum": ["opossum"],
    "ray": ["manta ray", "stingray", "eagle ray"],
    "rocket": ["space rocket", "rocket launch"],
    "sea": ["ocean"],
    "streetcar": ["tram", "trolley car", "tramway"],
    "sweet pepper": ["bell pepper", "capsicum"],
    "tank": ["battle tank", "army tank"],
    "telephone": ["phone", "rotary phone"],
    "television": ["tv set", "flat screen tv"],
    "willow tree": ["weeping willow", "salix"],
    "worm": ["earthworm", "earth worm", "mealworm"],
}
class_map = {
    "apple": '"red apple" OR "green apple" OR "apple pie" OR "apple tree" OR ("apple" OR apples) AND (fruit OR orchard OR '
    "juice OR ripe OR pie OR cider OR slices)",
    "aquarium fish": "{names}",
    "bear": '("bear" OR bears) NOT (teddy OR "bear with" OR chicago OR baylor)',
    "bee": '"bee" OR "bees" OR honeybee OR honeybees OR bumblebee OR bumblebees',
    "beetle": "(beetle OR beetles) NOT (vw OR volkswagen OR borer)",
    "bowl": '("bowl" OR bowls) NOT (super OR football OR college)',
    "bus": '"bus" OR buses',
    "can": '"canned food" OR "cans of" OR "can of soup" OR "can of beer" OR "tin cans" OR "tinned"',
    "castle": "(castle OR castles) NOT rock",
    "cattle": '{names} OR " cow " OR cows OR " bull " OR bulls',
    "cloud": "(cloud OR clouds) AND (sky OR blue OR storm OR white OR sunset OR rain OR cumulus) NOT (computing OR google)",
    "crab": '"crab" OR "crabs"',
    "cup": '"coffee cup" OR "tea cup" OR teacup OR "cup of coffee" OR "cup of tea" OR "paper cup" OR "ceramic cup" OR '
    "cups AND (coffee OR tea OR saucer)",
    "fox": '"red fox" OR "arctic fox" OR "fox cub" OR foxes OR fox AND (wildlife OR forest OR animal OR cub OR snow) '
    "NOT (megan OR news)",
    "hamster": "hamster OR hamsters",
    "house": "(house OR houses) NOT (white OR representatives OR music)",
    "leopard": '("leopard" OR leopards) NOT (print OR leggings OR dress OR heels OR bag)',
    "lion": '("lion" OR "lions") NOT (detroit OR king)',
    "man": '("man" OR "men") NOT (iron OR spider)',
    "mouse": '"field mouse" OR "house mouse" OR "lab mouse" OR "mice" OR ("mouse" AND (rodent OR cheese OR trap OR wild OR tail))',
    "orange": '"orange tree" OR "orange slice" OR "orange slices" OR "oranges" OR "orange juice" OR "orange" AND (fruit OR citrus '
    "OR peel)",
    "orchid": "orchid OR orchids",
    "pear": '"pear" OR "pears"',
    "plain": '"great plains" OR "grassy plain" OR "open plain" OR plains AND (landscape OR wildlife OR grass)',
    "plate": '"dinner plate" OR "dinner plates" OR "ceramic plate" OR "porcelain plate" OR "plate of food" OR plates AND (dinner OR '
    "porcelain OR salad)",
    "poppy": '("poppy" OR poppies) AND (flower OR flowers OR red OR field OR remembrance OR seed)',
    "ray": '"manta rays" OR "stingrays" OR "eagle rays" OR "cownose ray"',
    "rocket": "(rocket OR rockets) NOT (houston OR salad OR arugula)",
    "rose": '"red rose" OR "pink rose" OR "white rose" OR "rose bush" OR "rose garden" OR roses NOT guns OR rose AND (flower OR petals '
    "OR bouquet)",
    "seal": '"grey seal" OR "gray seal" OR "harbor seal" OR "harbour seal" OR "fur seal" OR "elephant seal" OR "seal pup" OR "seals on" '
    "OR ((seal OR seals) AND (beach OR ocean OR sea OR zoo OR antarctica))",
    "sea": '"sea" OR seaside OR "seas"',
    "shark": "(shark OR sharks) NOT (tank OR tale OR san)",
    "skunk": "skunk OR skunks",
    "snail": "snail OR snails",
    "table": '"dining table" OR "coffee table" OR "wooden table" OR "side table" OR "table and chairs" OR tables AND (dining OR coffee '
    "OR oak OR furniture)",
    "tank": '"army tanks" OR "battle tanks" OR "tank" AND (military OR army OR war OR panzer OR sherman) OR tanks AND (military OR army)',
    "telephone": "{names} OR telephones",
    "tiger": '("tiger" OR "tigers") NOT (detroit OR clemson OR woods OR lsu)',
    "train": '"steam train" OR "train station" OR trains OR train AND (railway OR locomotive OR station OR tracks OR passenger)',
    "trout": "trout",
    "turtle": "(turtle OR turtles) NOT (ninja OR neck OR beach)",
    "whale": "whale OR whales",
    "wolf": '("wolf" OR wolves) NOT (wolverhampton OR "wall street")',
    "woman": '"woman" OR "women"',
    "worm": '"worm" OR "worms"',
}
definitions = {
    "apple": "a round red or green fruit that grows on trees",
    "beetle": "an insect with hard wing cases",
    "can": "a metal container for food or drink",
    "mouse": "a small furry rodent with a long tail",
    "orange": "a round juicy citrus fruit",
    "plain": "a wide flat stretch of grassland",
    "plate": "a flat dish from which food is eaten",
    "poppy": "a flower with large red petals",
    "ray": "a flat fish with wing-like fins",
    "rocket": "a vehicle that flies into space",
    "rose": "a garden flower with thorns and fragrant petals",
    "seal": "a sea mammal with flippers that rests on beaches and rocks",
    "tank": "an armoured military vehicle with tracks and a gun",
    "train": "a row of railway carriages with an engine",
}
