"""GTSRB, the German Traffic Sign Recognition Benchmark (Stallkamp et al. 2011): 43 signs, 3 prompts.

https://benchmark.ini.rub.de/

The names describe the signs, and are nobody's captions: each class is searched by what people call the sign.

Names and prompts: github.com/openai/CLIP d05afc436d78f1c48dc0dbf8e5980a9d471f35f6 data/prompts.md (MIT).

Written by sources/write_templates.py: edit sources/written/GTSRB.py.
"""

classes = [
    "red and white circle 20 kph speed limit",
    "red and white circle 30 kph speed limit",
    "red and white circle 50 kph speed limit",
    "red and white circle 60 kph speed limit",
    "red and white circle 70 kph speed limit",
    "red and white circle 80 kph speed limit",
    "end / de-restriction of 80 kph speed limit",
    "red and white circle 100 kph speed limit",
    "red and white circle 120 kph speed limit",
    "red and white circle red car and black car no passing",
    "red and white circle red truck and black car no passing",
    "red and white triangle road intersection warning",
    "white and yellow diamond priority road",
    "red and white upside down triangle yield right-of-way",
    "stop",
    "empty red and white circle",
    "red and white circle no truck entry",
    "red circle with white horizonal stripe no entry",
    "red and white triangle with exclamation mark warning",
    "red and white triangle with black left curve approaching warning",
    "red and white triangle with black right curve approaching warning",
    "red and white triangle with black double curve approaching warning",
    "red and white triangle rough / bumpy road warning",
    "red and white triangle car skidding / slipping warning",
    "red and white triangle with merging / narrow lanes warning",
    "red and white triangle with person digging / construction / road work warning",
    "red and white triangle with traffic light approaching warning",
    "red and white triangle with person walking warning",
    "red and white triangle with child and person walking warning",
    "red and white triangle with bicyle warning",
    "red and white triangle with snowflake / ice warning",
    "red and white triangle with deer warning",
    "white circle with gray strike bar no speed limit",
    "blue circle with white right turn arrow mandatory",
    "blue circle with white left turn arrow mandatory",
    "blue circle with white forward arrow mandatory",
    "blue circle with white forward or right turn arrow mandatory",
    "blue circle with white forward or left turn arrow mandatory",
    "blue circle with white keep right arrow mandatory",
    "blue circle with white keep left arrow mandatory",
    "blue circle with white arrows indicating a traffic circle",
    "white circle with gray strike bar indicating no passing for cars has ended",
    "white circle with gray strike bar indicating no passing for trucks has ended",
]

templates = [
    'a zoomed in photo of a "{}" traffic sign.',
    'a centered photo of a "{}" traffic sign.',
    'a close up photo of a "{}" traffic sign.',
]

class_map = {
    "red and white circle 20 kph speed limit": (
        '("speed limit 20" OR "20 speed limit" OR "speed limit sign 20" OR "speed limit of 20" OR "maximum speed 20" '
        'OR "max speed 20" OR ("20 km h" OR "20 km/h" OR "20 kmh" OR "20 kph" OR "20km/h" '
        'OR "20kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "red and white circle 30 kph speed limit": (
        '("speed limit 30" OR "30 speed limit" OR "speed limit sign 30" OR "speed limit of 30" OR "maximum speed 30" '
        'OR "max speed 30" OR ("30 km h" OR "30 km/h" OR "30 kmh" OR "30 kph" OR "30km/h" '
        'OR "30kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "red and white circle 50 kph speed limit": (
        '("speed limit 50" OR "50 speed limit" OR "speed limit sign 50" OR "speed limit of 50" OR "maximum speed 50" '
        'OR "max speed 50" OR ("50 km h" OR "50 km/h" OR "50 kmh" OR "50 kph" OR "50km/h" '
        'OR "50kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "red and white circle 60 kph speed limit": (
        '("speed limit 60" OR "60 speed limit" OR "speed limit sign 60" OR "speed limit of 60" OR "maximum speed 60" '
        'OR "max speed 60" OR ("60 km h" OR "60 km/h" OR "60 kmh" OR "60 kph" OR "60km/h" '
        'OR "60kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "red and white circle 70 kph speed limit": (
        '("speed limit 70" OR "70 speed limit" OR "speed limit sign 70" OR "speed limit of 70" OR "maximum speed 70" '
        'OR "max speed 70" OR ("70 km h" OR "70 km/h" OR "70 kmh" OR "70 kph" OR "70km/h" '
        'OR "70kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "red and white circle 80 kph speed limit": (
        '("speed limit 80" OR "80 speed limit" OR "speed limit sign 80" OR "speed limit of 80" OR "maximum speed 80" '
        'OR "max speed 80" OR ("80 km h" OR "80 km/h" OR "80 kmh" OR "80 kph" OR "80km/h" '
        'OR "80kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "end / de-restriction of 80 kph speed limit": '"end of speed limit" OR "end speed limit" OR "end of 80"',
    "red and white circle 100 kph speed limit": (
        '("speed limit 100" OR "100 speed limit" OR "speed limit sign 100" OR "speed limit of 100" '
        'OR "maximum speed 100" OR "max speed 100" OR ("100 km h" OR "100 km/h" OR "100 kmh" OR "100 kph" OR "100km/h" '
        'OR "100kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "red and white circle 120 kph speed limit": (
        '("speed limit 120" OR "120 speed limit" OR "speed limit sign 120" OR "speed limit of 120" '
        'OR "maximum speed 120" OR "max speed 120" OR ("120 km h" OR "120 km/h" OR "120 kmh" OR "120 kph" OR "120km/h" '
        'OR "120kmh") AND ("speed limit" OR sign OR signs)) NOT ("end of" OR "end speed")'
    ),
    "red and white circle red car and black car no passing": (
        '(("no overtaking" OR "no passing" OR "do not overtake" OR "do not pass" OR "overtaking prohibited") AND (sign '
        'OR signs OR road OR traffic)) NOT ((truck OR trucks OR lorry OR lorries OR "heavy goods" OR "heavy vehicles" '
        'OR hgv) OR ("end of no overtaking" OR "end of no passing" OR "end of overtaking" OR "end no overtaking" '
        'OR "end no passing"))'
    ),
    "red and white circle red truck and black car no passing": (
        '(("no overtaking" OR "no passing" OR "do not overtake" OR "do not pass" '
        'OR "overtaking prohibited") AND (truck OR trucks OR lorry OR lorries OR "heavy goods" OR "heavy vehicles" '
        'OR hgv) AND (sign OR signs OR road OR traffic)) NOT ("end of no overtaking" OR "end of no passing" '
        'OR "end of overtaking" OR "end no overtaking" OR "end no passing")'
    ),
    "red and white triangle road intersection warning": (
        '(crossroads OR "intersection ahead" OR "intersection warning" OR "cross road ahead") AND (sign OR signs '
        "OR road OR traffic)"
    ),
    "white and yellow diamond priority road": '"priority road"',
    "red and white upside down triangle yield right-of-way": (
        '"yield sign" OR "give way sign" OR "give way" AND sign OR "yield signs" OR "yield traffic sign" '
        'OR "yield road sign"'
    ),
    "stop": '"stop sign" OR "stop signs" OR "stop road sign" OR "stop traffic sign"',
    "empty red and white circle": '"no vehicles" OR "closed to all vehicles" OR "road closed sign"',
    "red and white circle no truck entry": (
        '"no trucks" OR "no lorries" OR "no heavy goods vehicles" OR "no entry" AND (truck OR trucks OR lorry '
        'OR lorries OR "heavy goods" OR "heavy vehicles" OR hgv)'
    ),
    "red circle with white horizonal stripe no entry": (
        '("no entry sign" OR "do not enter sign" OR ("no entry" OR "do not enter") AND (sign OR signs OR road '
        'OR traffic)) NOT (truck OR trucks OR lorry OR lorries OR "heavy goods" OR "heavy vehicles" OR hgv)'
    ),
    "red and white triangle with exclamation mark warning": (
        '("general danger" OR "other danger" OR "exclamation mark" OR "danger ahead") AND (sign OR signs OR road '
        "OR traffic)"
    ),
    "red and white triangle with black left curve approaching warning": (
        '("curve to left" OR "curve to the left" OR "left curve" OR "left hand curve" OR "curve left" '
        'OR "bend to left" OR "bend to the left" OR "left bend" OR "left hand bend" OR "bend left") AND (sign OR signs '
        "OR road OR traffic)"
    ),
    "red and white triangle with black right curve approaching warning": (
        '("curve to right" OR "curve to the right" OR "right curve" OR "right hand curve" OR "curve right" '
        'OR "bend to right" OR "bend to the right" OR "right bend" OR "right hand bend" OR "bend right") AND (sign '
        "OR signs OR road OR traffic)"
    ),
    "red and white triangle with black double curve approaching warning": (
        '("double curve" OR "double bend" OR "winding road" OR "series of bends" OR "curves ahead" '
        'OR "bends ahead") AND (sign OR signs)'
    ),
    "red and white triangle rough / bumpy road warning": (
        '("bumpy road" OR "uneven road" OR "rough road" OR "road bump" OR "bump ahead" OR "bump sign" OR "speed bump" '
        'OR "speed bumps" OR "speed hump" OR "speed humps") AND (sign OR signs)'
    ),
    "red and white triangle car skidding / slipping warning": (
        '("slippery road" OR "slippery when wet" OR "slippery surface" OR "skidding car") AND (sign OR signs '
        "OR warning)"
    ),
    "red and white triangle with merging / narrow lanes warning": (
        '"road narrows" OR "narrow road sign" OR "lane narrows" OR "road narrowing" AND (sign OR signs)'
    ),
    "red and white triangle with person digging / construction / road work warning": (
        '("road work" OR "road works" OR roadwork OR roadworks OR "road construction" OR "men at work" '
        'OR "under construction") AND (sign OR signs)'
    ),
    "red and white triangle with traffic light approaching warning": (
        '("traffic signals ahead" OR "traffic lights ahead" OR "traffic light ahead" OR "signal ahead") AND (sign '
        'OR signs) OR "traffic light sign" OR "traffic lights sign"'
    ),
    "red and white triangle with person walking warning": (
        '("pedestrian crossing" OR "pedestrians crossing" OR "zebra crossing" OR crosswalk '
        'OR "pedestrians ahead") AND (sign OR signs) OR "pedestrians sign" OR "pedestrian sign"'
    ),
    "red and white triangle with child and person walking warning": (
        '("children crossing" OR "school crossing" OR "school zone" OR "school ahead" OR "children playing") AND (sign '
        'OR signs) OR "school sign" OR "children sign"'
    ),
    "red and white triangle with bicyle warning": (
        '(("bicycle crossing" OR "bike crossing") AND (sign OR signs) OR (cyclist OR cyclists OR bicycle '
        'OR bicycles) AND ("road sign" OR "road signs" OR "traffic sign" OR "traffic signs" OR "warning sign" '
        'OR "warning signs" OR "crossing sign")) NOT (lane OR path OR "no bicycles" OR "no cycling" OR parking)'
    ),
    "red and white triangle with snowflake / ice warning": (
        '("ice warning" OR "risk of ice" OR "icy road" OR "icy roads" OR "black ice" OR snowflake '
        'OR "snow warning") AND (sign OR signs)'
    ),
    "red and white triangle with deer warning": (
        '"deer crossing" OR "wild animals sign" OR "deer sign" OR "animal crossing sign" OR "moose crossing" '
        'OR "wildlife crossing sign" OR (deer OR moose OR elk OR "wild animals" OR wildlife) AND ("road sign" '
        'OR "road signs" OR "traffic sign" OR "traffic signs" OR "warning sign" OR "warning signs" OR "crossing sign")'
    ),
    "white circle with gray strike bar no speed limit": (
        '"national speed limit" OR "end of all restrictions" OR "no speed limit"'
    ),
    "blue circle with white right turn arrow mandatory": (
        '"turn right sign" OR "turn right ahead" OR "right turn sign" OR "right turn only" OR "turn right only"'
    ),
    "blue circle with white left turn arrow mandatory": (
        '"turn left sign" OR "turn left ahead" OR "left turn sign" OR "left turn only" OR "turn left only"'
    ),
    "blue circle with white forward arrow mandatory": (
        '"ahead only" OR "straight ahead sign" OR "go straight sign" OR "straight only sign"'
    ),
    "blue circle with white forward or right turn arrow mandatory": (
        '"straight or right" OR "straight or turn right" OR "straight ahead or right" '
        'OR "straight ahead or turn right" OR "straight on or right" OR "straight on or turn right" '
        'OR "ahead or right" OR "ahead or turn right" OR "forward or right" OR "forward or turn right" '
        'OR "right or straight"'
    ),
    "blue circle with white forward or left turn arrow mandatory": (
        '"straight or left" OR "straight or turn left" OR "straight ahead or left" OR "straight ahead or turn left" '
        'OR "straight on or left" OR "straight on or turn left" OR "ahead or left" OR "ahead or turn left" '
        'OR "forward or left" OR "forward or turn left" OR "left or straight"'
    ),
    "blue circle with white keep right arrow mandatory": (
        '"keep right sign" OR "keep right" AND (sign OR signs OR road OR traffic) OR "pass on the right sign"'
    ),
    "blue circle with white keep left arrow mandatory": (
        '"keep left sign" OR "keep left" AND (sign OR signs OR road OR traffic) OR "pass on the left sign"'
    ),
    "blue circle with white arrows indicating a traffic circle": (
        '"roundabout sign" OR "traffic circle sign" OR roundabout AND (sign OR signs)'
    ),
    "white circle with gray strike bar indicating no passing for cars has ended": (
        '("end of no overtaking" OR "end of no passing" OR "end of overtaking" OR "end no overtaking" '
        'OR "end no passing") NOT (truck OR trucks OR lorry OR lorries OR "heavy goods" OR "heavy vehicles" OR hgv)'
    ),
    "white circle with gray strike bar indicating no passing for trucks has ended": (
        '("end of no overtaking" OR "end of no passing" OR "end of overtaking" OR "end no overtaking" '
        'OR "end no passing") AND (truck OR trucks OR lorry OR lorries OR "heavy goods" OR "heavy vehicles" OR hgv)'
    ),
}
