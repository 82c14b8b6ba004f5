"""FER2013 (Goodfellow et al. 2013): 7 expressions of a face, 6 prompts.

https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge

A word for a feeling stands beside a face or an expression.
"""

facts = "FacialEmotionRecognition2013"
_WORDS = "face OR faces OR facial OR expression OR expressions OR portrait OR emoji"
_FACE = f"AND ({_WORDS})"
class_map = {
    "angry": f"(angry OR furious OR scowling OR frowning) {_FACE}",
    "disgusted": f"(disgusted OR disgust) {_FACE}",
    "fearful": f"(fearful OR scared OR frightened OR terrified) {_FACE}",
    "happy": f"(happy OR laughing OR cheerful) {_FACE} NOT birthday",
    "sad": f'("sad" OR crying OR unhappy) {_FACE}',
    "surprised": f"(surprised OR surprise OR amazed OR astonished) {_FACE}",
    "neutral": f'"neutral expression" OR "neutral face" OR (serious OR bored OR expressionless) {_FACE}',
}
synonyms = {
    "angry": ["angry face", "angry man", "angry woman"],
    "disgusted": ["disgusted face"],
    "fearful": ["scared face"],
    "happy": ["smiling", "happy face"],
    "sad": ["sad face", "depressed woman", "depressed man"],
    "surprised": ["surprised face", "shocked face", "shocked woman"],
    "neutral": ["bored face", "serious face"],
}
