"""GTSRB, the German Traffic Sign Recognition Benchmark (Stallkamp et al. 2011): 43 signs, 3 prompts.

https://benchmark.ini.rub.de/

The names describe the signs, and are nobody's captions: each class is searched by what people call the sign.
"""

facts = "GTSRB"
_SIGN = "AND (sign OR signs OR road OR traffic)"
_ON_A_SIGN = '("road sign" OR "road signs" OR "traffic sign" OR "traffic signs" OR "warning sign" OR "warning signs" OR "crossing sign")'
_TRUCKS = '(truck OR trucks OR lorry OR lorries OR "heavy goods" OR "heavy vehicles" OR hgv)'
_NO_PASSING = '("no overtaking" OR "no passing" OR "do not overtake" OR "do not pass" OR "overtaking prohibited")'
_ENDED = (
    '("end of no overtaking" OR "end of no passing" OR "end of overtaking" OR "end no overtaking" OR "end no passing")'
)
_LIMITS = ["20", "30", "50", "60", "70", "80", "100", "120"]


def _speed(limit):
    kph = f'"{limit} km h" OR "{limit} km/h" OR "{limit} kmh" OR "{limit} kph" OR "{limit}km/h" OR "{limit}kmh"'
    said = f'"speed limit {limit}" OR "{limit} speed limit" OR "speed limit sign {limit}" OR "speed limit of {limit}" OR "maximum speed {limit}" OR "max speed {limit}"'
    return f'({said} OR ({kph}) AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'


def _bend(side):
    said = " OR ".join(f'"{thing} to {side}" OR "{thing} to the {side}" OR "{side} {thing}" OR "{side} hand {thing}" OR "{thing} {side}"'
                       for thing in ("curve", "bend"))  # fmt: skip
    return f"({said}) {_SIGN}"


def _straight_or(side):
    said = " OR ".join(f'"{straight} or {turn}"' for straight in ("straight", "straight ahead", "straight on", "ahead", "forward")
                       for turn in (side, f"turn {side}"))  # fmt: skip
    return f'{said} OR "{side} or straight"'


class_map = {f"red and white circle {limit} kph speed limit": _speed(limit) for limit in _LIMITS} | {
    "end / de-restriction of 80 kph speed limit": '"end of speed limit" OR "end speed limit" OR "end of 80"',
    "red and white circle red car and black car no passing": f"({_NO_PASSING} {_SIGN}) NOT ({_TRUCKS} OR {_ENDED})",
    "red and white circle red truck and black car no passing": f"({_NO_PASSING} AND {_TRUCKS} {_SIGN}) NOT {_ENDED}",
    "red and white triangle road intersection warning": f'(crossroads OR "intersection ahead" OR "intersection warning" OR "cross road ahead") {_SIGN}',
    "white and yellow diamond priority road": '"priority road"',
    "red and white upside down triangle yield right-of-way": '"yield sign" OR "give way sign" OR "give way" AND sign OR "yield signs" OR "yield traffic sign" OR "yield road sign"',
    "stop": '"stop sign" OR "stop signs" OR "stop road sign" OR "stop traffic sign"',
    "empty red and white circle": '"no vehicles" OR "closed to all vehicles" OR "road closed sign"',
    "red and white circle no truck entry": f'"no trucks" OR "no lorries" OR "no heavy goods vehicles" OR "no entry" AND {_TRUCKS}',
    "red circle with white horizonal stripe no entry": f'("no entry sign" OR "do not enter sign" OR ("no entry" OR "do not enter") {_SIGN}) NOT {_TRUCKS}',
    "red and white triangle with exclamation mark warning": f'("general danger" OR "other danger" OR "exclamation mark" OR "danger ahead") {_SIGN}',
    "red and white triangle with black left curve approaching warning": _bend("left"),
    "red and white triangle with black right curve approaching warning": _bend("right"),
    "red and white triangle with black double curve approaching warning": '("double curve" OR "double bend" OR "winding road" OR "series of bends" OR "curves ahead" OR "bends ahead") AND (sign OR signs)',
    "red and white triangle rough / bumpy road warning": '("bumpy road" OR "uneven road" OR "rough road" OR "road bump" OR "bump ahead" OR "bump sign" OR "speed bump" OR "speed bumps" OR "speed hump" OR "speed humps") AND (sign OR signs)',
    "red and white triangle car skidding / slipping warning": '("slippery road" OR "slippery when wet" OR "slippery surface" OR "skidding car") AND (sign OR signs OR warning)',
    "red and white triangle with merging / narrow lanes warning": '"road narrows" OR "narrow road sign" OR "lane narrows" OR "road narrowing" AND (sign OR signs)',
    "red and white triangle with person digging / construction / road work warning": '("road work" OR "road works" OR roadwork OR roadworks OR "road construction" OR "men at work" OR "under construction") AND (sign OR signs)',
    "red and white triangle with traffic light approaching warning": '("traffic signals ahead" OR "traffic lights ahead" OR "traffic light ahead" OR "signal ahead") AND (sign OR signs) OR "traffic light sign" OR "traffic lights sign"',
    "red and white triangle with person walking warning": '("pedestrian crossing" OR "pedestrians crossing" OR "zebra crossing" OR crosswalk OR "pedestrians ahead") AND (sign OR signs) OR "pedestrians sign" OR "pedestrian sign"',
    "red and white triangle with child and person walking warning": '("children crossing" OR "school crossing" OR "school zone" OR "school ahead" OR "children playing") AND (sign OR signs) OR "school sign" OR "children sign"',
    "red and white triangle with bicyle warning": f'(("bicycle crossing" OR "bike crossing") AND (sign OR signs) OR (cyclist OR cyclists OR bicycle OR bicycles) AND {_ON_A_SIGN}) NOT (lane OR path OR "no bicycles" OR "no cycling" OR parking)',
    "red and white triangle with snowflake / ice warning": '("ice warning" OR "risk of ice" OR "icy road" OR "icy roads" OR "black ice" OR snowflake OR "snow warning") AND (sign OR signs)',
    "red and white triangle with deer warning": f'"deer crossing" OR "wild animals sign" OR "deer sign" OR "animal crossing sign" OR "moose crossing" OR "wildlife crossing sign" OR (deer OR moose OR elk OR "wild animals" OR wildlife) AND {_ON_A_SIGN}',
    "white circle with gray strike bar no speed limit": '"national speed limit" OR "end of all restrictions" OR "no speed limit"',
    "blue circle with white right turn arrow mandatory": '"turn right sign" OR "turn right ahead" OR "right turn sign" OR "right turn only" OR "turn right only"',
    "blue circle with white left turn arrow mandatory": '"turn left sign" OR "turn left ahead" OR "left turn sign" OR "left turn only" OR "turn left only"',
    "blue circle with white forward arrow mandatory": '"ahead only" OR "straight ahead sign" OR "go straight sign" OR "straight only sign"',
    "blue circle with white forward or right turn arrow mandatory": _straight_or("right"),
    "blue circle with white forward or left turn arrow mandatory": _straight_or("left"),
    "blue circle with white keep right arrow mandatory": f'"keep right sign" OR "keep right" {_SIGN} OR "pass on the right sign"',
    "blue circle with white keep left arrow mandatory": f'"keep left sign" OR "keep left" {_SIGN} OR "pass on the left sign"',
    "blue circle with white arrows indicating a traffic circle": '"roundabout sign" OR "traffic circle sign" OR roundabout AND (sign OR signs)',
    "white circle with gray strike bar indicating no passing for cars has ended": f"{_ENDED} NOT {_TRUCKS}",
    "white circle with gray strike bar indicating no passing for trucks has ended": f"{_ENDED} AND {_TRUCKS}",
}  # fmt: skip
