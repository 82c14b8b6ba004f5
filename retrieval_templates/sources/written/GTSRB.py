"""GTSRB, the German Traffic Sign Recognition Benchmark (Stallkamp et al. 2011): 43 signs, 3 prompts.

https://benchmark.ini.rub.de/

The names describe the signs, and are nobody's captions: each class is searched by what people call the sign.
"""

facts = "GTSRB"
_SIGN = "AND (sign OR signs OR road OR traffic)"
_LIMITS = ["20", "30", "50", "60", "70", "80", "100", "120"]
class_map = {
    f"red and white circle {speed} kph speed limit": f'"{speed} km/h speed limit" OR "speed limit {speed}" OR "{speed} kmh speed limit" OR '
    f'"{speed} kph speed limit" OR "{speed} speed limit"'
    for speed in _LIMITS
} | {
    "end / de-restriction of 80 kph speed limit": '"end of speed limit" OR "end speed limit"',
    "red and white circle red car and black car no passing": f'("no overtaking" OR "no passing") {_SIGN}',
    "red and white circle red truck and black car no passing": f'("no overtaking" OR "no passing") AND (truck OR trucks OR lorry OR lorries) {_SIGN}',
    "red and white triangle road intersection warning": f'("crossroads" OR "intersection ahead" OR "intersection warning") {_SIGN}',
    "white and yellow diamond priority road": '"priority road"',
    "red and white upside down triangle yield right-of-way": '"yield sign" OR "give way sign" OR "give way" AND sign OR "yield signs"',
    "stop": '"stop sign" OR "stop signs"',
    "empty red and white circle": '"no vehicles" OR "closed to all vehicles" OR "road closed sign"',
    "red and white circle no truck entry": '"no trucks" OR "no lorries" OR "no heavy goods vehicles"',
    "red circle with white horizonal stripe no entry": f'"no entry sign" OR "do not enter sign" OR ("no entry" OR "do not enter") {_SIGN}',
    "red and white triangle with exclamation mark warning": f'("general danger" OR "other danger" OR "exclamation mark" OR "danger ahead") {_SIGN}',
    "red and white triangle with black left curve approaching warning": f'("curve to left" OR "left curve" OR "left bend" OR "bend to left") {_SIGN}',
    "red and white triangle with black right curve approaching warning": f'("curve to right" OR "right curve" OR "right bend" OR "bend to right") {_SIGN}',
    "red and white triangle with black double curve approaching warning": f'("double curve" OR "double bend" OR "winding road" OR "series of bends") {_SIGN}',
    "red and white triangle rough / bumpy road warning": '"bumpy road sign" OR "uneven road" OR "bump sign" OR "speed bump sign" OR "rough road sign"',
    "red and white triangle car skidding / slipping warning": '"slippery road" OR "slippery when wet" OR "slippery surface sign"',
    "red and white triangle with merging / narrow lanes warning": '"road narrows" OR "narrow road sign" OR "lane narrows"',
    "red and white triangle with person digging / construction / road work warning": '"road work" OR "road works" OR roadworks OR "road construction sign" OR "men at work"',
    "red and white triangle with traffic light approaching warning": '"traffic signals ahead" OR "traffic lights ahead" OR "signal ahead sign" OR "traffic light sign"',
    "red and white triangle with person walking warning": '"pedestrian crossing sign" OR "pedestrians sign" OR "pedestrian sign" OR "zebra crossing sign"',
    "red and white triangle with child and person walking warning": '"children crossing" OR "school crossing" OR "school sign" OR "children playing sign"',
    "red and white triangle with bicyle warning": '"bicycle crossing" OR "bike crossing" OR "cyclists sign" OR "bicycle warning sign"',
    "red and white triangle with snowflake / ice warning": '"ice warning sign" OR "risk of ice" OR "icy road" OR "snow warning sign" OR "snowflake sign"',
    "red and white triangle with deer warning": '"deer crossing" OR "wild animals sign" OR "deer sign" OR "animal crossing sign" OR "moose crossing" OR "wildlife crossing sign"',
    "white circle with gray strike bar no speed limit": '"national speed limit" OR "end of all restrictions" OR "no speed limit"',
    "blue circle with white right turn arrow mandatory": '"turn right sign" OR "turn right ahead" OR "right turn sign" OR "right turn only"',
    "blue circle with white left turn arrow mandatory": '"turn left sign" OR "turn left ahead" OR "left turn sign" OR "left turn only"',
    "blue circle with white forward arrow mandatory": '"ahead only" OR "straight ahead sign" OR "go straight sign" OR "proceed straight"',
    "blue circle with white forward or right turn arrow mandatory": '"straight or right" OR "go straight or right" OR "ahead or right"',
    "blue circle with white forward or left turn arrow mandatory": '"straight or left" OR "go straight or left" OR "ahead or left"',
    "blue circle with white keep right arrow mandatory": f'"keep right sign" OR "keep right" {_SIGN} OR "pass on the right sign"',
    "blue circle with white keep left arrow mandatory": f'"keep left sign" OR "keep left" {_SIGN} OR "pass on the left sign"',
    "blue circle with white arrows indicating a traffic circle": '"roundabout sign" OR "traffic circle sign" OR roundabout AND (sign OR signs)',
    "white circle with gray strike bar indicating no passing for cars has ended": '"end of no overtaking" OR "end of no passing" OR "end of overtaking restriction"',
    "white circle with gray strike bar indicating no passing for trucks has ended": '"end of no overtaking by trucks" OR "end of no passing for trucks" OR "end of overtaking restriction for lorries"',
}  # fmt: skip
