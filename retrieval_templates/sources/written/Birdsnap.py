"""Birdsnap (Berg et al. 2014): 500 birds of North America, 1 prompt.

https://thomasberg.org/

The list lost its apostrophes and hyphens (Allens Hummingbird, Ash throated Flycatcher): the names with them are
synonyms.
"""

facts = "Birdsnap"
bird_names = True
_WITHOUT = """
Allens Annas Audubons Bairds Barrows Bells Bewicks Bonapartes Brandts Brewers Bullocks Cassins Clarks Coopers Costas
Couchs Forsters Franklins Gambels Hammonds Harriss Heermanns Henslows Huttons Lewiss Lincolns Nelsons Nuttalls Rosss Says
Scotts Stellers Swainsons Thayers Townsends Williamsons Wilsons Contes
"""
possessives = {word: f"{word[:-1]}'s" for word in _WITHOUT.split()} | {"Barrows": "Barrow's"}
class_map = {
    "Merlin": "Merlin AND (falcon OR bird OR raptor OR columbarius)",
    "Redhead": "Redhead AND (duck OR drake OR waterfowl OR aythya)",
    "Osprey": "Osprey NOT (backpack OR pack OR helicopter OR tilt OR kiteboard)",
    "Sora": "Sora AND (rail OR bird OR marsh OR porzana)",
    "Willet": "Willet AND (bird OR sandpiper OR beach OR shorebird OR shore)",
    "Verdin": "Verdin AND (bird OR auriparus OR desert)",
    "Brant": "Brant AND (goose OR geese OR duck OR waterfowl OR branta)",
    "Veery": "Veery AND (bird OR thrush OR catharus)",
    "Mallard": "Mallard OR mallards",
    "Killdeer": "Killdeer NOT (dunn OR county)",
    "Canvasback": "Canvasback AND (duck OR drake OR waterfowl OR bird)",
    "Wild Turkey": '"Wild Turkey" NOT (bourbon OR whiskey OR whisky) OR "wild turkeys"',
    "Baltimore Oriole": '"Baltimore Oriole" NOT (baseball OR mlb OR jersey)',
    "Northern Cardinal": '"Northern Cardinal" OR cardinalis',
    "Blue Jay": '"Blue Jay" NOT (toronto OR baseball OR mlb)',
    "Ruddy Duck": '"Ruddy Duck" OR "oxyura jamaicensis"',
}
