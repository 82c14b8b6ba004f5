"""FGVC-Aircraft, variants (Maji et al. 2013): 100 classes, 2 prompts.

https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/

Names and prompts are those of CLIP's zero-shot evaluation (Radford et al. 2021). A variant is written with a hyphen, a
space or nothing, and with its maker in front. A number of Boeing's or a long one of Airbus (777-200, A330-300) is a
word that means the airplane wherever it stands. Any other number alone is a part number or, in substring mode, the end
of another (an-12 in Jan-12): it needs its maker or an airline, an airport or the word aircraft beside it. NOT binds
tighter than AND, and AND tighter than OR.
"""

classes = [
    "707-320",
    "727-200",
    "737-200",
    "737-300",
    "737-400",
    "737-500",
    "737-600",
    "737-700",
    "737-800",
    "737-900",
    "747-100",
    "747-200",
    "747-300",
    "747-400",
    "757-200",
    "757-300",
    "767-200",
    "767-300",
    "767-400",
    "777-200",
    "777-300",
    "A300B4",
    "A310",
    "A318",
    "A319",
    "A320",
    "A321",
    "A330-200",
    "A330-300",
    "A340-200",
    "A340-300",
    "A340-500",
    "A340-600",
    "A380",
    "ATR-42",
    "ATR-72",
    "An-12",
    "BAE 146-200",
    "BAE 146-300",
    "BAE-125",
    "Beechcraft 1900",
    "Boeing 717",
    "C-130",
    "C-47",
    "CRJ-200",
    "CRJ-700",
    "CRJ-900",
    "Cessna 172",
    "Cessna 208",
    "Cessna 525",
    "Cessna 560",
    "Challenger 600",
    "DC-10",
    "DC-3",
    "DC-6",
    "DC-8",
    "DC-9-30",
    "DH-82",
    "DHC-1",
    "DHC-6",
    "DHC-8-100",
    "DHC-8-300",
    "DR-400",
    "Dornier 328",
    "E-170",
    "E-190",
    "E-195",
    "EMB-120",
    "ERJ 135",
    "ERJ 145",
    "Embraer Legacy 600",
    "Eurofighter Typhoon",
    "F-16A_B",
    "F_A-18",
    "Falcon 2000",
    "Falcon 900",
    "Fokker 100",
    "Fokker 50",
    "Fokker 70",
    "Global Express",
    "Gulfstream IV",
    "Gulfstream V",
    "Hawk T1",
    "Il-76",
    "L-1011",
    "MD-11",
    "MD-80",
    "MD-87",
    "MD-90",
    "Metroliner",
    "Model B200",
    "PA-28",
    "SR-20",
    "Saab 2000",
    "Saab 340",
    "Spitfire",
    "Tornado",
    "Tu-134",
    "Tu-154",
    "Yak-42",
]

templates = [
    "a photo of a {}, a type of aircraft.",
    "a photo of the {}, a type of aircraft.",
]

class_map = {
    "707-320": (
        '"boeing 707-3"* OR "boeing 707 320"* OR "b707-320"* OR "707-320"* AND (boeing OR aircraft OR airplane '
        "OR airliner* OR airline* OR airways OR airport)"
    ),
    "727-200": (
        '"boeing 727-2"* OR "boeing 727 200"* OR "b727-200"* OR "727-200"* AND (boeing OR aircraft OR airplane '
        "OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-200": (
        '"boeing 737-2"* OR "boeing 737 200"* OR "b737-200"* OR " 737-200 " OR "737-200"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-300": (
        '"boeing 737-3"* OR "boeing 737 300"* OR "b737-300"* OR " 737-300 " OR "737-300"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-400": (
        '"boeing 737-4"* OR "boeing 737 400"* OR "b737-400"* OR " 737-400 " OR "737-400"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-500": (
        '"boeing 737-5"* OR "boeing 737 500"* OR "b737-500"* OR " 737-500 " OR "737-500"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-600": (
        '"boeing 737-6"* OR "boeing 737 600"* OR "b737-600"* OR " 737-600 " OR "737-600"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-700": (
        '"boeing 737-7"* OR "boeing 737 700"* OR "b737-700"* OR " 737-700 " OR "737-700"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-800": (  # Boeing numbered each customer's own: 737-823 is American's 737-800
        '"boeing 737-8"* OR "boeing 737 800"* OR "b737-800"* OR " 737-800 " OR "737-800"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "737-900": (
        '"boeing 737-9"* OR "boeing 737 900"* OR "b737-900"* OR " 737-900 " OR "737-900"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "747-100": (
        '"boeing 747-1"* OR "boeing 747 100"* OR "b747-100"* OR " 747-100 " OR "747-100"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "747-200": (
        '"boeing 747-2"* OR "boeing 747 200"* OR "b747-200"* OR " 747-200 " OR "747-200"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "747-300": (
        '"boeing 747-3"* OR "boeing 747 300"* OR "b747-300"* OR " 747-300 " OR "747-300"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "747-400": (
        '"boeing 747-4"* OR "boeing 747 400"* OR "b747-400"* OR " 747-400 " OR "747-400"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "757-200": (
        '"boeing 757-2"* OR "boeing 757 200"* OR "b757-200"* OR " 757-200 " OR "757-200"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "757-300": (
        '"boeing 757-3"* OR "boeing 757 300"* OR "b757-300"* OR " 757-300 " OR "757-300"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "767-200": (
        '"boeing 767-2"* OR "boeing 767 200"* OR "b767-200"* OR " 767-200 " OR "767-200"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "767-300": (
        '"boeing 767-3"* OR "boeing 767 300"* OR "b767-300"* OR " 767-300 " OR "767-300"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "767-400": (
        '"boeing 767-4"* OR "boeing 767 400"* OR "b767-400"* OR " 767-400 " OR "767-400"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "777-200": (
        '"boeing 777-2"* OR "boeing 777 200"* OR "b777-200"* OR " 777-200 " OR "777-200"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "777-300": (
        '"boeing 777-3"* OR "boeing 777 300"* OR "b777-300"* OR " 777-300 " OR "777-300"* AND (boeing OR aircraft '
        "OR airplane OR airliner* OR airline* OR airways OR airport)"
    ),
    "A300B4": (  # mostly just A300, of which the B4 is the common one
        '"a300b4"* OR "a300-b4"* OR "airbus a300"* OR "a300" AND (airbus OR aircraft OR airliner* OR airline* OR cargo)'
    ),
    "A310": (
        '"airbus a310"* OR "airbus a-310" OR "a310" AND (airbus OR aircraft OR airplane OR airliner* OR airline* '
        "OR airways OR airport)"
    ),
    "A318": (
        '"airbus a318"* OR "airbus a-318" OR "a318" AND (airbus OR aircraft OR airplane OR airliner* OR airline* '
        "OR airways OR airport)"
    ),
    "A319": (
        '"airbus a319"* OR "airbus a-319" OR "a319" AND (airbus OR aircraft OR airplane OR airliner* OR airline* '
        "OR airways OR airport)"
    ),
    "A320": (
        '"airbus a320"* OR "airbus a-320" OR "a320" AND (airbus OR aircraft OR airplane OR airliner* OR airline* '
        "OR airways OR airport)"
    ),
    "A321": (
        '"airbus a321"* OR "airbus a-321" OR "a321" AND (airbus OR aircraft OR airplane OR airliner* OR airline* '
        "OR airways OR airport)"
    ),
    "A330-200": (  # the last two digits tell the engine: A330-243
        '"airbus a330-200" OR "airbus a330 200" OR "a330-200" OR "a330-2"* AND airbus'
    ),
    "A330-300": ('"airbus a330-300" OR "airbus a330 300" OR "a330-300" OR "a330-3"* AND airbus'),
    "A340-200": ('"airbus a340-200" OR "airbus a340 200" OR "a340-200" OR "a340-2"* AND airbus'),
    "A340-300": ('"airbus a340-300" OR "airbus a340 300" OR "a340-300" OR "a340-3"* AND airbus'),
    "A340-500": ('"airbus a340-500" OR "airbus a340 500" OR "a340-500" OR "a340-5"* AND airbus'),
    "A340-600": ('"airbus a340-600" OR "airbus a340 600" OR "a340-600" OR "a340-6"* AND airbus'),
    "A380": (
        '"airbus a380"* OR "airbus a-380" OR "a380" AND (airbus OR aircraft OR airplane OR airliner* OR airline* '
        "OR airways OR airport)"
    ),
    "ATR-42": '"atr-42"* OR "atr 42"* OR "atr42"*',
    "ATR-72": '"atr-72"* OR "atr 72"* OR "atr72"*',
    "An-12": (  # the space keeps Jan-12 out in substring mode
        '"antonov an-12"* OR "antonov an 12"* OR "antonov an12" OR "an-12bp" OR " an-12" AND (cargo OR aircraft '
        'OR airforce OR "air force")'
    ),
    "BAE 146-200": '"bae 146-200"* OR "bae146-200" OR "bae-146-200" OR "british aerospace 146-200"',
    "BAE 146-300": '"bae 146-300"* OR "bae146-300" OR "bae-146-300" OR "british aerospace 146-300"',
    "BAE-125": (  # Hawker Siddeley's HS-125 before, Hawker 800 after
        '"bae-125" OR "bae 125"* OR "bae125" OR "hawker 800" AND (jet OR aircraft) OR "hs-125" OR "hs 125" '
        'OR "hs125" OR "british aerospace 125" OR "hawker siddeley 125"'
    ),
    "Beechcraft 1900": '"beechcraft 1900"* OR "beech 1900"* OR "beechcraft 1900d" OR "raytheon 1900d"',
    "Boeing 717": (
        '"boeing 717"* OR "b717" AND (aircraft OR airliner* OR airline*) OR "717-200" AND (boeing OR aircraft '
        "OR airline* OR airliner* OR airport)"
    ),
    "C-130": (
        '"c-130"* AND (hercules OR lockheed OR aircraft OR "air force" OR airlift OR military OR cargo OR plane '
        'OR airplane) OR "c130" AND (hercules OR lockheed OR aircraft) OR "lockheed hercules"'
    ),
    "C-47": (
        '"c-47"* AND (skytrain OR dakota OR douglas OR aircraft OR plane OR airplane OR "air force" OR wwii) '
        'OR "c47" AND (skytrain OR dakota OR douglas) OR "douglas c-47"*'
    ),
    "CRJ-200": '"crj-200"* OR "crj 200"* OR "crj200"* OR "bombardier crj200" OR "canadair regional jet 200"',
    "CRJ-700": '"crj-700"* OR "crj 700"* OR "crj700"* OR "bombardier crj700" OR "canadair regional jet 700"',
    "CRJ-900": '"crj-900"* OR "crj 900"* OR "crj900"* OR "bombardier crj900" OR "canadair regional jet 900"',
    # the Skyhawk
    "Cessna 172": '"cessna 172"* OR "cessna c172"* OR "cessna-172" OR "c172" AND cessna OR cessna AND skyhawk',
    # the Caravan
    "Cessna 208": '"cessna 208"* OR "cessna c208"* OR "cessna-208" OR "cessna caravan" OR "cessna grand caravan"',
    "Cessna 525": (  # the CitationJet
        '"cessna 525"* OR "cessna c525"* OR "cessna-525" OR "citationjet" OR "citation jet" OR "cessna citation cj1" '
        'OR "cessna citation cj2" OR "cessna citation cj3"'
    ),
    "Cessna 560": (  # the Citation V, Ultra, Encore and Excel
        '"cessna 560"* OR "cessna c560"* OR "cessna-560" OR "cessna citation v" OR "citation excel" '
        'OR "citation encore" OR "citation ultra"'
    ),
    "Challenger 600": (
        '"challenger 600"* OR "challenger 601"* OR "challenger 604" OR "challenger 605" OR "canadair cl-600"* '
        'OR "bombardier challenger 6"* OR "cl-600" AND (aircraft OR jet)'
    ),
    "DC-10": (  # shoes and amplifiers are called DC-10 too
        '"mcdonnell douglas dc-10"* OR "dc-10"* AND (douglas OR aircraft OR airplane OR airliner* OR airline* '
        'OR airways OR cargo OR jet) OR "dc10" AND (douglas OR aircraft OR airline*)'
    ),
    "DC-3": (
        '"douglas dc-3"* OR "douglas dc3" OR "dc-3" AND (aircraft OR airplane OR plane OR airliner* OR airline* '
        'OR airways OR dakota) OR "dc3" AND (aircraft OR airplane OR plane OR airline*)'
    ),
    "DC-6": (
        '"douglas dc-6"* OR "douglas dc6" OR "dc-6"* AND (aircraft OR airplane OR plane OR airliner* OR airline* '
        "OR airways OR liftmaster)"
    ),
    "DC-8": (
        '"douglas dc-8"* OR "douglas dc8" OR "dc-8"* AND (aircraft OR airplane OR plane OR airliner* OR airline* '
        "OR airways OR cargo)"
    ),
    "DC-9-30": (  # people seldom say which DC-9; the 30 is two thirds of them
        '"dc-9-30"* OR "dc-9-31"* OR "dc-9-32"* OR "dc9-30" OR "dc-9 30" OR "dc-9" AND (douglas OR airliner* '
        "OR airline* OR airways OR aircraft)"
    ),
    "DH-82": (  # the de Havilland Tiger Moth; the insect is left out
        '"dh-82"* OR "dh 82"* OR "dh82"* OR "dh.82"* OR "tiger moth" AND (aircraft OR biplane* OR plane '
        'OR "de havilland" OR dehavilland OR airshow OR raf OR flight OR flying)'
    ),
    "DHC-1": (  # the Chipmunk, not the animal; dhc-1 is in dhc-12 in substring mode
        '"dhc-1 chipmunk" OR "dhc1" OR "dhc-1" AND (havilland OR chipmunk OR aircraft) OR "de havilland chipmunk"* '
        "OR chipmunk AND (raf OR havilland OR aircraft OR trainer OR cockpit)"
    ),
    "DHC-6": '"dhc-6"* OR "dhc6"* OR "twin otter"*',  # the Twin Otter
    "DHC-8-100": (  # the Dash 8, or Q100
        '"dhc-8-100"* OR "dhc-8-102"* OR "dhc-8-103" OR "dhc-8 100" OR "dash 8-100" OR "dash 8 100" OR "dash 8 q100" '
        'OR "dhc-8-1"* OR "q100" AND (bombardier OR "dash 8")'
    ),
    "DHC-8-300": (  # the Dash 8, or Q300
        '"dhc-8-300"* OR "dhc-8-311"* OR "dhc-8-314"* OR "dhc-8-315"* OR "dhc-8 300" OR "dash 8-300" OR "dash 8 300" '
        'OR "dash 8 q300" OR "dhc-8-3"* OR "q300" AND (bombardier OR "dash 8" OR "air new zealand")'
    ),
    "DR-400": (
        '"robin dr-400"* OR "robin dr400"* OR "robin dr 400"* OR "robin dr.400" OR "dr400" AND (robin OR aircraft '
        'OR aeroclub OR avion) OR "jodel dr400"'
    ),
    "Dornier 328": (
        '"dornier 328"* OR "dornier do-328"* OR "dornier do 328"* OR "fairchild dornier 328"* OR "dornier 328jet" '
        'OR "do328"*'
    ),
    "E-170": (
        '"embraer e-170"* OR "embraer 170"* OR "embraer e170"* OR "embraer erj-170"* OR "embraer erj 170"* '
        'OR "erj-170"* OR "embraer emb-170"* OR "e170" AND embraer'
    ),
    "E-190": (
        '"embraer e-190"* OR "embraer 190"* OR "embraer e190"* OR "embraer erj-190"* OR "embraer erj 190"* '
        'OR "erj-190"* OR "embraer emb-190"* OR "e190" AND embraer'
    ),
    "E-195": (
        '"embraer e-195"* OR "embraer 195"* OR "embraer e195"* OR "embraer erj-195"* OR "embraer erj 195"* '
        'OR "erj-195"* OR "embraer emb-195"* OR "e195" AND embraer'
    ),
    "EMB-120": '"emb-120"* OR "emb 120"* OR "emb120"* OR "embraer brasilia"* OR "embraer 120"*',
    "ERJ 135": '"erj 135"* OR "erj-135"* OR "erj135"* OR "embraer 135"* OR "emb-135"* OR "emb 135" OR "embraer rj135"*',
    "ERJ 145": '"erj 145"* OR "erj-145"* OR "erj145"* OR "embraer 145"* OR "emb-145"* OR "emb 145" OR "embraer rj145"*',
    "Embraer Legacy 600": (
        '"embraer legacy"* OR "legacy 600" AND (embraer OR jet OR aircraft) OR "legacy 650" AND (embraer OR jet) '
        'OR "emb-135bj"*'
    ),
    "Eurofighter Typhoon": (  # typhoon alone is a storm
        '"eurofighter"* OR typhoon AND (raf OR luftwaffe OR "fighter jet" OR airshow OR "royal air force" OR aircraft)'
    ),
    "F-16A_B": (  # people seldom say which F-16
        '"f-16a"* OR "f-16b"* OR "f-16am"* OR "f-16bm"* OR "f16a" OR "f-16" AND (falcon OR fighter OR jet '
        'OR aircraft OR "air force" OR viper OR thunderbirds)'
    ),
    "F_A-18": (  # an underscore is the benchmark's slash; in word mode f/a-18 is f a 18
        '"f/a-18"* OR "f-18"* AND (hornet OR fighter OR jet OR navy OR aircraft OR marine) OR "f18" AND (hornet '
        'OR fighter OR jet) OR "fa-18"* AND (hornet OR aircraft) OR "super hornet"* OR "f/a 18"*'
    ),
    "Falcon 2000": (
        '"falcon 2000"* AND (dassault OR jet OR aircraft) OR "dassault falcon 2000"* OR "falcon 2000lx" '
        'OR "falcon 2000ex"'
    ),
    "Falcon 900": (
        '"falcon 900"* AND (dassault OR jet OR aircraft) OR "dassault falcon 900"* OR "falcon 900ex" OR "falcon 900lx"'
    ),
    "Fokker 100": '"fokker 100"* OR "fokker-100" OR "fokker f100" OR "fokker f.28-0100" OR "f100" AND fokker',
    "Fokker 50": '"fokker 50"* OR "fokker-50" OR "fokker f50" OR "fokker f27-050" OR "f50" AND fokker',
    "Fokker 70": '"fokker 70"* OR "fokker-70" OR "fokker f70" OR "fokker f.28-070" OR "f70" AND fokker',
    "Global Express": (  # otherwise a carrier of parcels
        '"bombardier global"* OR "global express" AND (bombardier OR jet OR aircraft OR "bd-700") OR "bd-700"*'
    ),
    "Gulfstream IV": (
        '"gulfstream iv"* OR "gulfstream g-iv"* OR "gulfstream giv"* OR "gulfstream g4"* OR "gulfstream g400" '
        'OR "gulfstream g450" OR "gulfstream 4"'
    ),
    "Gulfstream V": (
        '("gulfstream v" NOT "gulfstream vi") OR "gulfstream g-v"* OR "gulfstream gv"* OR "gulfstream g5"* '
        'OR "gulfstream g500" OR "gulfstream g550"'
    ),
    "Hawk T1": (  # the trainer of the Red Arrows
        '"hawk t1"* OR "hawk t.1"* OR "hawk t.mk"* OR "bae hawk"* OR "hawk" AND ("red arrows" OR "trainer aircraft" '
        'OR "hawk trainer")'
    ),
    "Il-76": (
        '"il-76"* AND (ilyushin OR aircraft OR cargo OR "air force" OR airplane OR airlines OR candid) '
        'OR "ilyushin il-76"* OR "ilyushin il 76"* OR "ilyushin 76"* OR "il76" AND ilyushin'
    ),
    "L-1011": (
        '"l-1011"* OR "l1011"* OR "lockheed tristar"* OR "lockheed l-1011"* OR tristar AND (lockheed OR aircraft '
        "OR raf OR airline*)"
    ),
    "MD-11": (
        '"mcdonnell douglas md-11"* OR "md-11"* AND (douglas OR aircraft OR airliner* OR airline* OR cargo '
        "OR freighter OR airport OR airways)"
    ),
    "MD-80": (  # its kinds are the MD-81 to MD-88
        '"mcdonnell douglas md-80"* OR "md-80"* AND (douglas OR aircraft OR airliner* OR airline* OR airport '
        'OR airways) OR ("md-82"* OR "md-83"* OR "md-88"*) AND (douglas OR aircraft OR airliner* OR airline* '
        "OR airport)"
    ),
    "MD-87": (
        '"mcdonnell douglas md-87"* OR "md-87"* AND (douglas OR aircraft OR airliner* OR airline* OR airport '
        "OR airways)"
    ),
    "MD-90": (
        '"mcdonnell douglas md-90"* OR "md-90"* AND (douglas OR aircraft OR airliner* OR airline* OR airport '
        "OR airways)"
    ),
    "Metroliner": (  # an Amtrak train too
        '"metroliner"* AND (swearingen OR fairchild OR aircraft OR airlines OR airport) OR "swearingen metro"* '
        'OR "fairchild metro"* OR "sa-227"* OR "sa227"*'
    ),
    "Model B200": (  # the Beechcraft Super King Air, of which the B200 is the common kind
        '"king air b200"* OR "king air 200" OR "king air 200"* AND beechcraft OR "beechcraft b200"* OR "beech b200"* '
        'OR "beechcraft king air"*'
    ),
    "PA-28": (
        '"pa-28"* AND (piper OR aircraft OR cherokee OR archer OR warrior OR arrow) OR "piper pa28"* '
        'OR "piper pa 28"* OR "piper cherokee" OR "piper archer" OR "piper warrior" OR "piper pa-28"*'
    ),
    "SR-20": '"cirrus sr20"* OR "cirrus sr-20"* OR "cirrus sr 20"* OR "sr20" AND (cirrus OR aircraft OR airplane)',
    "Saab 2000": (  # else a car of the year 2000
        '"saab 2000" AND (aircraft OR airlines OR airliner* OR airport OR airways OR turboprop OR eastern) '
        'OR "saab sb2000"'
    ),
    "Saab 340": '"saab 340"* OR "saab sf340"* OR "saab sf-340"* OR "saab 340b" OR "sf340"*',
    "Spitfire": (  # a Triumph car and an ale too
        'spitfire* AND (aircraft OR raf OR airplane OR plane OR fighter OR wwii OR "world war" OR supermarine '
        'OR squadron OR airshow OR "air show" OR merlin OR flight OR battle) OR supermarine AND spitfire*'
    ),
    "Tornado": (  # otherwise a storm
        'tornado AND ("gr4" OR "gr1" OR raf OR luftwaffe OR panavia OR "fighter jet" OR "royal air force" '
        'OR squadron OR aircraft OR jet) OR "panavia tornado"* OR "tornado gr4"* OR "tornado f3"'
    ),
    "Tu-134": '"tu-134"* OR "tu 134"* OR "tu134"* OR "tupolev 134"*',
    "Tu-154": '"tu-154"* OR "tu 154"* OR "tu154"* OR "tupolev 154"*',
    "Yak-42": '"yak-42"* OR "yak 42"* OR "yakovlev yak-42"* OR "yak42"*',
}
