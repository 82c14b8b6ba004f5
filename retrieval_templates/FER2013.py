"""FER2013 (Goodfellow et al. 2013): 7 expressions of a face, 6 prompts.

https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge

A word for a feeling stands beside a face or an expression.

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT).

Written by sources/write_templates.py: edit sources/written/FER2013.py.
"""

classes = [
    "angry",
    "disgusted",
    "fearful",
    "happy",
    "sad",
    "surprised",
    "neutral",
]

templates = [
    "a photo of a {} looking face.",
    "a photo of a face showing the emotion: {}.",
    "a photo of a face looking {}.",
    "a face that looks {}.",
    "they look {}.",
    "look at how {} they are.",
]

synonyms = {
    "angry": ["angry face", "angry man", "angry woman"],
    "disgusted": ["disgusted face"],
    "fearful": ["scared face"],
    "happy": ["smiling", "happy face"],
    "sad": ["sad face", "depressed woman", "depressed man"],
    "surprised": ["surprised face", "shocked face", "shocked woman"],
    "neutral": ["bored face", "serious face"],
}

class_map = {
    "angry": (
        "(angry OR furious OR scowling OR frowning) AND (face OR faces OR facial OR expression OR expressions "
        "OR portrait OR emoji)"
    ),
    "disgusted": (
        "(disgusted OR disgust) AND (face OR faces OR facial OR expression OR expressions OR portrait OR emoji)"
    ),
    "fearful": (
        "(fearful OR scared OR frightened OR terrified) AND (face OR faces OR facial OR expression OR expressions "
        "OR portrait OR emoji)"
    ),
    "happy": (
        "(happy OR laughing OR cheerful) AND (face OR faces OR facial OR expression OR expressions OR portrait "
        "OR emoji) NOT birthday"
    ),
    "sad": (
        '("sad" OR crying OR unhappy) AND (face OR faces OR facial OR expression OR expressions OR portrait OR emoji)'
    ),
    "surprised": (
        "(surprised OR surprise OR amazed OR astonished) AND (face OR faces OR facial OR expression OR expressions "
        "OR portrait OR emoji)"
    ),
    "neutral": (
        '"neutral expression" OR "neutral face" OR (serious OR bored OR expressionless) AND (face OR faces OR facial '
        "OR expression OR expressions OR portrait OR emoji)"
    ),
}
