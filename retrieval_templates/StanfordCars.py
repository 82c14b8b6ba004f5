"""Stanford Cars (Krause et al. 2013): 196 classes, 8 prompts.

https://huggingface.co/datasets/tanganke/stanford_cars has it; its first home at Stanford is gone.

Names and prompts are those of CLIP's zero-shot evaluation (Radford et al. 2021). Nobody writes "Acura RL Sedan 2012":
people write "2012 Acura RL", so the rule of the queries is: the make and the model as one phrase, in its spellings;
a body only where the model has several; a year only where the model has generations that look different, and then any
year of the generation, because the benchmark's year is that of one brochure. NOT keeps out what the phrase begins
(Acura TL in Acura TLX, Ford GT in Ford GT500). NOT binds tighter than AND, and AND tighter than OR.
"""

classes = [
    "AM General Hummer SUV 2000",
    "Acura RL Sedan 2012",
    "Acura TL Sedan 2012",
    "Acura TL Type-S 2008",
    "Acura TSX Sedan 2012",
    "Acura Integra Type R 2001",
    "Acura ZDX Hatchback 2012",
    "Aston Martin V8 Vantage Convertible 2012",
    "Aston Martin V8 Vantage Coupe 2012",
    "Aston Martin Virage Convertible 2012",
    "Aston Martin Virage Coupe 2012",
    "Audi RS 4 Convertible 2008",
    "Audi A5 Coupe 2012",
    "Audi TTS Coupe 2012",
    "Audi R8 Coupe 2012",
    "Audi V8 Sedan 1994",
    "Audi 100 Sedan 1994",
    "Audi 100 Wagon 1994",
    "Audi TT Hatchback 2011",
    "Audi S6 Sedan 2011",
    "Audi S5 Convertible 2012",
    "Audi S5 Coupe 2012",
    "Audi S4 Sedan 2012",
    "Audi S4 Sedan 2007",
    "Audi TT RS Coupe 2012",
    "BMW ActiveHybrid 5 Sedan 2012",
    "BMW 1 Series Convertible 2012",
    "BMW 1 Series Coupe 2012",
    "BMW 3 Series Sedan 2012",
    "BMW 3 Series Wagon 2012",
    "BMW 6 Series Convertible 2007",
    "BMW X5 SUV 2007",
    "BMW X6 SUV 2012",
    "BMW M3 Coupe 2012",
    "BMW M5 Sedan 2010",
    "BMW M6 Convertible 2010",
    "BMW X3 SUV 2012",
    "BMW Z4 Convertible 2012",
    "Bentley Continental Supersports Conv. Convertible 2012",
    "Bentley Arnage Sedan 2009",
    "Bentley Mulsanne Sedan 2011",
    "Bentley Continental GT Coupe 2012",
    "Bentley Continental GT Coupe 2007",
    "Bentley Continental Flying Spur Sedan 2007",
    "Bugatti Veyron 16.4 Convertible 2009",
    "Bugatti Veyron 16.4 Coupe 2009",
    "Buick Regal GS 2012",
    "Buick Rainier SUV 2007",
    "Buick Verano Sedan 2012",
    "Buick Enclave SUV 2012",
    "Cadillac CTS-V Sedan 2012",
    "Cadillac SRX SUV 2012",
    "Cadillac Escalade EXT Crew Cab 2007",
    "Chevrolet Silverado 1500 Hybrid Crew Cab 2012",
    "Chevrolet Corvette Convertible 2012",
    "Chevrolet Corvette ZR1 2012",
    "Chevrolet Corvette Ron Fellows Edition Z06 2007",
    "Chevrolet Traverse SUV 2012",
    "Chevrolet Camaro Convertible 2012",
    "Chevrolet HHR SS 2010",
    "Chevrolet Impala Sedan 2007",
    "Chevrolet Tahoe Hybrid SUV 2012",
    "Chevrolet Sonic Sedan 2012",
    "Chevrolet Express Cargo Van 2007",
    "Chevrolet Avalanche Crew Cab 2012",
    "Chevrolet Cobalt SS 2010",
    "Chevrolet Malibu Hybrid Sedan 2010",
    "Chevrolet TrailBlazer SS 2009",
    "Chevrolet Silverado 2500HD Regular Cab 2012",
    "Chevrolet Silverado 1500 Classic Extended Cab 2007",
    "Chevrolet Express Van 2007",
    "Chevrolet Monte Carlo Coupe 2007",
    "Chevrolet Malibu Sedan 2007",
    "Chevrolet Silverado 1500 Extended Cab 2012",
    "Chevrolet Silverado 1500 Regular Cab 2012",
    "Chrysler Aspen SUV 2009",
    "Chrysler Sebring Convertible 2010",
    "Chrysler Town and Country Minivan 2012",
    "Chrysler 300 SRT-8 2010",
    "Chrysler Crossfire Convertible 2008",
    "Chrysler PT Cruiser Convertible 2008",
    "Daewoo Nubira Wagon 2002",
    "Dodge Caliber Wagon 2012",
    "Dodge Caliber Wagon 2007",
    "Dodge Caravan Minivan 1997",
    "Dodge Ram Pickup 3500 Crew Cab 2010",
    "Dodge Ram Pickup 3500 Quad Cab 2009",
    "Dodge Sprinter Cargo Van 2009",
    "Dodge Journey SUV 2012",
    "Dodge Dakota Crew Cab 2010",
    "Dodge Dakota Club Cab 2007",
    "Dodge Magnum Wagon 2008",
    "Dodge Challenger SRT8 2011",
    "Dodge Durango SUV 2012",
    "Dodge Durango SUV 2007",
    "Dodge Charger Sedan 2012",
    "Dodge Charger SRT-8 2009",
    "Eagle Talon Hatchback 1998",
    "FIAT 500 Abarth 2012",
    "FIAT 500 Convertible 2012",
    "Ferrari FF Coupe 2012",
    "Ferrari California Convertible 2012",
    "Ferrari 458 Italia Convertible 2012",
    "Ferrari 458 Italia Coupe 2012",
    "Fisker Karma Sedan 2012",
    "Ford F-450 Super Duty Crew Cab 2012",
    "Ford Mustang Convertible 2007",
    "Ford Freestar Minivan 2007",
    "Ford Expedition EL SUV 2009",
    "Ford Edge SUV 2012",
    "Ford Ranger SuperCab 2011",
    "Ford GT Coupe 2006",
    "Ford F-150 Regular Cab 2012",
    "Ford F-150 Regular Cab 2007",
    "Ford Focus Sedan 2007",
    "Ford E-Series Wagon Van 2012",
    "Ford Fiesta Sedan 2012",
    "GMC Terrain SUV 2012",
    "GMC Savana Van 2012",
    "GMC Yukon Hybrid SUV 2012",
    "GMC Acadia SUV 2012",
    "GMC Canyon Extended Cab 2012",
    "Geo Metro Convertible 1993",
    "HUMMER H3T Crew Cab 2010",
    "HUMMER H2 SUT Crew Cab 2009",
    "Honda Odyssey Minivan 2012",
    "Honda Odyssey Minivan 2007",
    "Honda Accord Coupe 2012",
    "Honda Accord Sedan 2012",
    "Hyundai Veloster Hatchback 2012",
    "Hyundai Santa Fe SUV 2012",
    "Hyundai Tucson SUV 2012",
    "Hyundai Veracruz SUV 2012",
    "Hyundai Sonata Hybrid Sedan 2012",
    "Hyundai Elantra Sedan 2007",
    "Hyundai Accent Sedan 2012",
    "Hyundai Genesis Sedan 2012",
    "Hyundai Sonata Sedan 2012",
    "Hyundai Elantra Touring Hatchback 2012",
    "Hyundai Azera Sedan 2012",
    "Infiniti G Coupe IPL 2012",
    "Infiniti QX56 SUV 2011",
    "Isuzu Ascender SUV 2008",
    "Jaguar XK XKR 2012",
    "Jeep Patriot SUV 2012",
    "Jeep Wrangler SUV 2012",
    "Jeep Liberty SUV 2012",
    "Jeep Grand Cherokee SUV 2012",
    "Jeep Compass SUV 2012",
    "Lamborghini Reventon Coupe 2008",
    "Lamborghini Aventador Coupe 2012",
    "Lamborghini Gallardo LP 570-4 Superleggera 2012",
    "Lamborghini Diablo Coupe 2001",
    "Land Rover Range Rover SUV 2012",
    "Land Rover LR2 SUV 2012",
    "Lincoln Town Car Sedan 2011",
    "MINI Cooper Roadster Convertible 2012",
    "Maybach Landaulet Convertible 2012",
    "Mazda Tribute SUV 2011",
    "McLaren MP4-12C Coupe 2012",
    "Mercedes-Benz 300-Class Convertible 1993",
    "Mercedes-Benz C-Class Sedan 2012",
    "Mercedes-Benz SL-Class Coupe 2009",
    "Mercedes-Benz E-Class Sedan 2012",
    "Mercedes-Benz S-Class Sedan 2012",
    "Mercedes-Benz Sprinter Van 2012",
    "Mitsubishi Lancer Sedan 2012",
    "Nissan Leaf Hatchback 2012",
    "Nissan NV Passenger Van 2012",
    "Nissan Juke Hatchback 2012",
    "Nissan 240SX Coupe 1998",
    "Plymouth Neon Coupe 1999",
    "Porsche Panamera Sedan 2012",
    "Ram CV Cargo Van Minivan 2012",
    "Rolls-Royce Phantom Drophead Coupe Convertible 2012",
    "Rolls-Royce Ghost Sedan 2012",
    "Rolls-Royce Phantom Sedan 2012",
    "Scion xD Hatchback 2012",
    "Spyker C8 Convertible 2009",
    "Spyker C8 Coupe 2009",
    "Suzuki Aerio Sedan 2007",
    "Suzuki Kizashi Sedan 2012",
    "Suzuki SX4 Hatchback 2012",
    "Suzuki SX4 Sedan 2012",
    "Tesla Model S Sedan 2012",
    "Toyota Sequoia SUV 2012",
    "Toyota Camry Sedan 2012",
    "Toyota Corolla Sedan 2012",
    "Toyota 4Runner SUV 2012",
    "Volkswagen Golf Hatchback 2012",
    "Volkswagen Golf Hatchback 1991",
    "Volkswagen Beetle Hatchback 2012",
    "Volvo C30 Hatchback 2012",
    "Volvo 240 Sedan 1993",
    "Volvo XC90 SUV 2007",
    "smart fortwo Convertible 2012",
]

templates = [
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of my {}.",
    "i love my {}!",
    "a photo of my dirty {}.",
    "a photo of my clean {}.",
    "a photo of my new {}.",
    "a photo of my old {}.",
]

class_map = {
    # the H1; its military kind looks alike
    "AM General Hummer SUV 2000": '"hummer h1" OR "am general hummer" OR "hmmwv" OR "humvee"',
    "Acura RL Sedan 2012": '"acura rl" NOT "acura rlx"',
    "Acura TL Sedan 2012": (
        '"acura tl" NOT ("acura tlx" OR "type-s" OR "type s") AND (2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)'
    ),
    "Acura TL Type-S 2008": '"acura tl type-s" OR "acura tl type s" OR "acura tl-s" OR "tl type-s" OR "tl type s"',
    "Acura TSX Sedan 2012": '"acura tsx"',
    "Acura Integra Type R 2001": '"integra type-r" OR "integra type r" OR "integra typer"',
    "Acura ZDX Hatchback 2012": '"acura zdx"',
    "Aston Martin V8 Vantage Convertible 2012": (
        '("aston martin v8 vantage" OR "aston martin vantage" OR "v8 vantage roadster") AND (convertible '
        "OR cabriolet OR cabrio OR roadster OR spyder OR spider)"
    ),
    "Aston Martin V8 Vantage Coupe 2012": (
        '("aston martin v8 vantage" OR "aston martin vantage") NOT ("roadster" OR "convertible" OR "volante" '
        'OR "spider") AND (2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 '
        "OR 2016 OR 2017)"
    ),
    "Aston Martin Virage Convertible 2012": (
        '"aston martin virage" AND (volante OR convertible OR cabriolet OR roadster)'
    ),
    "Aston Martin Virage Coupe 2012": '"aston martin virage" NOT ("volante" OR "convertible" OR "roadster")',
    "Audi RS 4 Convertible 2008": (
        '("audi rs4" OR "audi rs 4" OR "audi rs-4") AND (convertible OR cabriolet OR cabrio OR roadster OR spyder '
        "OR spider)"
    ),
    "Audi A5 Coupe 2012": (
        '"audi a5" NOT ("sportback" OR "cabriolet" OR "convertible" OR "cabrio") AND (2007 OR 2008 OR 2009 OR 2010 '
        "OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)"
    ),
    "Audi TTS Coupe 2012": '"audi tts"',
    "Audi R8 Coupe 2012": (
        '"audi r8" NOT ("spyder" OR "spider" OR "audi r8 lms") AND (2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 '
        "OR 2012 OR 2013 OR 2014 OR 2015)"
    ),
    "Audi V8 Sedan 1994": (  # its engine's name too
        '"audi v8" NOT "audi v8 engine" AND (1988 OR 1989 OR 1990 OR 1991 OR 1992 OR 1993 OR 1994 OR sedan OR saloon '
        "OR quattro)"
    ),
    "Audi 100 Sedan 1994": (
        '("audi 100" OR "audi c4 sedan") AND (sedan OR saloon OR c4 OR 1991 OR 1992 OR 1993 OR 1994)'
    ),
    "Audi 100 Wagon 1994": '"audi 100" AND (avant OR wagon OR estate OR kombi)',
    "Audi TT Hatchback 2011": (
        '"audi tt" NOT ("audi tts" OR "audi tt rs" OR "audi ttrs" OR "roadster" OR "convertible") AND (2006 OR 2007 '
        "OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)"
    ),
    "Audi S6 Sedan 2011": '"audi s6" NOT ("avant" OR "wagon") AND (2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011)',
    "Audi S5 Convertible 2012": '"audi s5" AND (convertible OR cabriolet OR cabrio OR roadster OR spyder OR spider)',
    "Audi S5 Coupe 2012": (
        '"audi s5" NOT ("sportback" OR "cabriolet" OR "convertible" OR "cabrio") AND (2007 OR 2008 OR 2009 OR 2010 '
        "OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)"
    ),
    "Audi S4 Sedan 2012": (
        '"audi s4" NOT ("avant" OR "wagon" OR "cabriolet" OR "convertible") AND (2009 OR 2010 OR 2011 OR 2012 '
        "OR 2013 OR 2014 OR 2015 OR 2016)"
    ),
    "Audi S4 Sedan 2007": (
        '"audi s4" NOT ("avant" OR "wagon" OR "cabriolet" OR "convertible") AND (2003 OR 2004 OR 2005 OR 2006 '
        "OR 2007 OR 2008)"
    ),
    "Audi TT RS Coupe 2012": '"audi tt rs" OR "audi ttrs" OR "audi tt-rs"',
    "BMW ActiveHybrid 5 Sedan 2012": '"activehybrid 5" OR "active hybrid 5" OR "activehybrid5" OR "bmw activehybrid"',
    "BMW 1 Series Convertible 2012": (
        '("bmw 1 series" OR "bmw 1-series" OR "bmw 120i" OR "bmw 125i" OR "bmw 128i" OR "bmw 135i" OR "bmw 118d" '
        'OR "bmw 120d") AND (convertible OR cabriolet OR cabrio OR roadster OR spyder OR spider)'
    ),
    "BMW 1 Series Coupe 2012": (  # 128i and 135i were never hatchbacks in America
        '("bmw 1 series coupe" OR "bmw 1-series coupe" OR "bmw 120d coupe" OR "bmw 125i coupe" OR "bmw 128i" '
        'OR "bmw 135i" OR "bmw 123d coupe") NOT ("convertible" OR "cabrio" OR "cabriolet")'
    ),
    "BMW 3 Series Sedan 2012": (
        '("bmw 3 series" OR "bmw 3-series" OR "bmw 320i" OR "bmw 328i" OR "bmw 335i" OR "bmw 320d") NOT ("coupe" '
        'OR "convertible" OR "cabrio" OR "touring" OR "wagon" OR "estate" OR "gran turismo") AND (2011 OR 2012 '
        "OR 2013 OR 2014 OR 2015)"
    ),
    "BMW 3 Series Wagon 2012": (
        '("bmw 3 series" OR "bmw 3-series" OR "bmw 320i" OR "bmw 328i" OR "bmw 335i" OR "bmw 320d" OR "bmw 330d" '
        'OR "bmw 328xi" OR "bmw 325xi") AND (wagon OR estate OR avant OR touring)'
    ),
    "BMW 6 Series Convertible 2007": (
        '("bmw 6 series" OR "bmw 6-series" OR "bmw 645ci" OR "bmw 650i" OR "bmw 630i") AND (convertible OR cabriolet '
        "OR cabrio OR roadster OR spyder OR spider)"
    ),
    "BMW X5 SUV 2007": '"bmw x5" AND (2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)',
    "BMW X6 SUV 2012": '"bmw x6" AND (2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)',
    "BMW M3 Coupe 2012": (
        '"bmw m3" NOT ("convertible" OR "cabrio" OR "cabriolet" OR "sedan") AND (coupe OR coupé OR e92 OR 2008 '
        "OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)"
    ),
    "BMW M5 Sedan 2010": '"bmw m5" AND (e60 OR 2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010)',
    "BMW M6 Convertible 2010": '"bmw m6" AND (convertible OR cabriolet OR cabrio OR roadster OR spyder OR spider)',
    "BMW X3 SUV 2012": '"bmw x3" AND (2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)',
    "BMW Z4 Convertible 2012": '"bmw z4" AND (2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)',
    "Bentley Continental Supersports Conv. Convertible 2012": (
        '("continental supersports" OR "bentley supersports") AND (convertible OR conv OR cabrio OR cabriolet OR isr)'
    ),
    "Bentley Arnage Sedan 2009": '"bentley arnage"',
    "Bentley Mulsanne Sedan 2011": '"bentley mulsanne" NOT "mulsanne turbo"',  # not the Mulsanne of the eighties
    "Bentley Continental GT Coupe 2012": (
        '("bentley continental gt" OR "bentley gt") NOT ("convertible" OR "gtc") AND (2011 OR 2012 OR 2013 OR 2014 '
        "OR 2015 OR 2016 OR 2017)"
    ),
    "Bentley Continental GT Coupe 2007": (
        '("bentley continental gt" OR "bentley gt") NOT ("convertible" OR "gtc") AND (2003 OR 2004 OR 2005 OR 2006 '
        "OR 2007 OR 2008 OR 2009 OR 2010)"
    ),
    "Bentley Continental Flying Spur Sedan 2007": (
        '"bentley continental flying spur" OR "bentley flying spur" OR "continental flying spur"'
    ),
    "Bugatti Veyron 16.4 Convertible 2009": (
        '"bugatti veyron" AND ("grand sport" OR convertible OR roadster OR targa OR vitesse)'
    ),
    "Bugatti Veyron 16.4 Coupe 2009": (
        '"bugatti veyron" NOT ("grand sport" OR "convertible" OR "roadster" OR "vitesse")'
    ),
    "Buick Regal GS 2012": '"buick regal gs"',
    "Buick Rainier SUV 2007": '"buick rainier"',
    "Buick Verano Sedan 2012": '"buick verano"',
    "Buick Enclave SUV 2012": (
        '"buick enclave" AND (2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)'
    ),
    "Cadillac CTS-V Sedan 2012": '("cadillac cts-v" OR "cadillac cts v" OR "cadillac ctsv") NOT ("coupe" OR "wagon")',
    "Cadillac SRX SUV 2012": '"cadillac srx" AND (2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)',
    "Cadillac Escalade EXT Crew Cab 2007": '"escalade ext"',
    "Chevrolet Silverado 1500 Hybrid Crew Cab 2012": '("chevrolet silverado" OR "chevy silverado") AND hybrid',
    "Chevrolet Corvette Convertible 2012": (
        '("chevrolet corvette" OR "chevy corvette") AND (convertible OR roadster) AND (2005 OR 2006 OR 2007 OR 2008 '
        "OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)"
    ),
    "Chevrolet Corvette ZR1 2012": '("corvette zr1" OR "corvette zr-1") AND (2009 OR 2010 OR 2011 OR 2012 OR 2013)',
    "Chevrolet Corvette Ron Fellows Edition Z06 2007": '"ron fellows" AND (corvette OR z06)',
    "Chevrolet Traverse SUV 2012": (
        '("chevrolet traverse" OR "chevy traverse") AND (2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 '
        "OR 2016 OR 2017)"
    ),
    "Chevrolet Camaro Convertible 2012": (
        '("chevrolet camaro" OR "chevy camaro") AND convertible AND (2011 OR 2012 OR 2013 OR 2014 OR 2015)'
    ),
    "Chevrolet HHR SS 2010": '"hhr ss" OR "chevrolet hhr" OR "chevy hhr"',  # few write the SS
    "Chevrolet Impala Sedan 2007": (
        '("chevrolet impala" OR "chevy impala") AND (2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)'
    ),
    "Chevrolet Tahoe Hybrid SUV 2012": '"tahoe hybrid"',
    "Chevrolet Sonic Sedan 2012": '("chevrolet sonic" OR "chevy sonic") NOT ("hatchback" OR "hatch")',
    "Chevrolet Express Cargo Van 2007": '("chevrolet express" OR "chevy express") AND cargo',
    "Chevrolet Avalanche Crew Cab 2012": (
        '("chevrolet avalanche" OR "chevy avalanche") AND (2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)'
    ),
    "Chevrolet Cobalt SS 2010": (
        '"cobalt ss" AND (chevrolet OR chevy OR coupe OR turbo OR supercharged OR 2005 OR 2006 OR 2007 OR 2008 '
        "OR 2009 OR 2010)"
    ),
    "Chevrolet Malibu Hybrid Sedan 2010": '"malibu hybrid"',
    "Chevrolet TrailBlazer SS 2009": '"trailblazer ss" OR "trail blazer ss"',
    "Chevrolet Silverado 2500HD Regular Cab 2012": (
        '("silverado 2500hd" OR "silverado 2500 hd" OR "silverado 2500") NOT ("crew cab" OR "extended cab" '
        'OR "double cab") AND (2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)'
    ),
    "Chevrolet Silverado 1500 Classic Extended Cab 2007": '"silverado 1500 classic" OR "silverado classic"',
    "Chevrolet Express Van 2007": (
        '("chevrolet express" OR "chevy express") NOT ("cargo" OR "cutaway") AND (van OR passenger OR 1500 OR 2500 '
        "OR 3500)"
    ),
    "Chevrolet Monte Carlo Coupe 2007": '("chevrolet monte carlo" OR "chevy monte carlo") AND (2006 OR 2007)',
    "Chevrolet Malibu Sedan 2007": (
        '("chevrolet malibu" OR "chevy malibu") NOT ("malibu hybrid" OR "malibu maxx") AND (2004 OR 2005 OR 2006 '
        "OR 2007)"
    ),
    "Chevrolet Silverado 1500 Extended Cab 2012": (
        '("chevrolet silverado" OR "chevy silverado") AND ("extended cab" OR "ext cab" OR "ext. cab") AND (2007 '
        "OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)"
    ),
    "Chevrolet Silverado 1500 Regular Cab 2012": (
        '("chevrolet silverado" OR "chevy silverado") AND ("regular cab" OR "reg cab" OR "standard cab") AND (2007 '
        "OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)"
    ),
    "Chrysler Aspen SUV 2009": '"chrysler aspen"',
    "Chrysler Sebring Convertible 2010": (
        '"chrysler sebring" AND (convertible OR cabrio OR cabriolet) AND (2007 OR 2008 OR 2009 OR 2010)'
    ),
    "Chrysler Town and Country Minivan 2012": (
        '("chrysler town and country" OR "chrysler town & country" OR "chrysler town&country") AND (2008 OR 2009 '
        "OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)"
    ),
    "Chrysler 300 SRT-8 2010": (
        '("chrysler 300 srt8" OR "chrysler 300 srt-8" OR "chrysler 300c srt8" OR "chrysler 300c srt-8" '
        'OR "chrysler 300c srt 8" OR "chrysler 300 srt 8") AND (2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010)'
    ),
    "Chrysler Crossfire Convertible 2008": (
        '"chrysler crossfire" AND (convertible OR cabriolet OR cabrio OR roadster OR spyder OR spider)'
    ),
    "Chrysler PT Cruiser Convertible 2008": '"pt cruiser" AND (convertible OR cabrio OR cabriolet)',
    "Daewoo Nubira Wagon 2002": '"daewoo nubira" AND (wagon OR estate OR avant OR touring)',
    "Dodge Caliber Wagon 2012": '"dodge caliber" AND (2010 OR 2011 OR 2012)',  # facelifted inside in 2010
    "Dodge Caliber Wagon 2007": '"dodge caliber" AND (2006 OR 2007 OR 2008 OR 2009)',
    "Dodge Caravan Minivan 1997": (
        '("dodge caravan" OR "dodge grand caravan") AND (1996 OR 1997 OR 1998 OR 1999 OR 2000)'
    ),
    "Dodge Ram Pickup 3500 Crew Cab 2010": (
        '("dodge ram 3500" OR "ram 3500") AND ("crew cab" OR "mega cab" OR crew) AND (2010 OR 2011 OR 2012 OR 2013 '
        "OR 2014 OR 2015 OR 2016 OR 2017 OR 2018)"
    ),
    "Dodge Ram Pickup 3500 Quad Cab 2009": (
        '("dodge ram 3500" OR "ram 3500") AND ("quad cab" OR quad) AND (2003 OR 2004 OR 2005 OR 2006 OR 2007 OR 2008 '
        "OR 2009)"
    ),
    "Dodge Sprinter Cargo Van 2009": '"dodge sprinter"',
    "Dodge Journey SUV 2012": '"dodge journey"',
    "Dodge Dakota Crew Cab 2010": (
        '"dodge dakota" AND ("crew cab" OR "quad cab" OR crew) AND (2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 '
        "OR 2011)"
    ),
    "Dodge Dakota Club Cab 2007": (
        '"dodge dakota" AND ("club cab" OR "extended cab") AND (2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011)'
    ),
    "Dodge Magnum Wagon 2008": '"dodge magnum"',
    "Dodge Challenger SRT8 2011": '"challenger srt8" OR "challenger srt-8" OR "challenger srt 8"',
    "Dodge Durango SUV 2012": '"dodge durango" AND (2011 OR 2012 OR 2013)',
    "Dodge Durango SUV 2007": '"dodge durango" AND (2004 OR 2005 OR 2006 OR 2007 OR 2008 OR 2009)',
    "Dodge Charger Sedan 2012": (
        '"dodge charger" NOT ("srt8" OR "srt-8" OR "hellcat") AND (2011 OR 2012 OR 2013 OR 2014)'
    ),
    "Dodge Charger SRT-8 2009": (
        '("charger srt8" OR "charger srt-8" OR "charger srt 8") AND (2006 OR 2007 OR 2008 OR 2009 OR 2010)'
    ),
    "Eagle Talon Hatchback 1998": (  # a bird has talons
        '"eagle talon" AND (1995 OR 1996 OR 1997 OR 1998 OR tsi OR car OR awd OR turbo OR coupe OR hatchback)'
    ),
    "FIAT 500 Abarth 2012": '"fiat 500 abarth" OR "abarth 500" OR "fiat abarth 500" OR "abarth 595"',
    "FIAT 500 Convertible 2012": '"fiat 500c" OR "fiat 500 convertible" OR "fiat 500 cabrio" OR "fiat 500 cabriolet"',
    "Ferrari FF Coupe 2012": '"ferrari ff" NOT "ferrari ff1"',
    "Ferrari California Convertible 2012": (  # without the 250 GT California of 1957
        '"ferrari california" NOT ("250 gt" OR "250gt" OR "california spyder" OR "california spider")'
    ),
    "Ferrari 458 Italia Convertible 2012": '"ferrari 458" AND (spider OR spyder OR convertible OR cabriolet)',
    "Ferrari 458 Italia Coupe 2012": '"ferrari 458" NOT ("spider" OR "spyder" OR "convertible")',
    "Fisker Karma Sedan 2012": '"fisker karma" OR "karma revero"',
    "Ford F-450 Super Duty Crew Cab 2012": '"ford f-450" OR "ford f450" OR "ford f 450"',
    "Ford Mustang Convertible 2007": (
        '("ford mustang" OR "mustang gt") AND (convertible OR cabrio OR cabriolet) AND (2005 OR 2006 OR 2007 OR 2008 '
        "OR 2009)"
    ),
    "Ford Freestar Minivan 2007": '"ford freestar"',
    "Ford Expedition EL SUV 2009": (  # el begins many words in substring mode
        '"expedition el" AND (ford OR suv OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)'
    ),
    "Ford Edge SUV 2012": '"ford edge" AND (2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)',
    "Ford Ranger SuperCab 2011": '"ford ranger" AND (supercab OR "super cab" OR "extended cab" OR "ext cab")',
    "Ford GT Coupe 2006": (
        '"ford gt" NOT ("gt40" OR "gt500" OR "gt350" OR "ford gto" OR "ford gt 40" OR "gt-40") AND (2004 OR 2005 '
        "OR 2006)"
    ),
    "Ford F-150 Regular Cab 2012": (
        '("ford f-150" OR "ford f150") AND ("regular cab" OR "reg cab" OR "single cab" OR "standard cab") AND (2009 '
        "OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)"
    ),
    "Ford F-150 Regular Cab 2007": (
        '("ford f-150" OR "ford f150") AND ("regular cab" OR "reg cab" OR "single cab" OR "standard cab") AND (2004 '
        "OR 2005 OR 2006 OR 2007 OR 2008)"
    ),
    "Ford Focus Sedan 2007": (
        '"ford focus" NOT ("hatchback" OR "wagon" OR "estate" OR "zx3" OR "zx5") AND (2000 OR 2001 OR 2002 OR 2003 '
        "OR 2004 OR 2005 OR 2006 OR 2007)"
    ),
    "Ford E-Series Wagon Van 2012": (
        '("ford e-series" OR "ford e series" OR "ford e-350" OR "ford e-150" OR "ford e350" OR "ford e150" '
        'OR "ford econoline" OR "ford club wagon") AND (2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)'
    ),
    "Ford Fiesta Sedan 2012": (
        '"ford fiesta" AND (sedan OR saloon) AND (2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)'
    ),
    "GMC Terrain SUV 2012": '"gmc terrain" AND (2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)',
    "GMC Savana Van 2012": '"gmc savana" OR "gmc savanna"',
    "GMC Yukon Hybrid SUV 2012": '"yukon hybrid" OR "yukon denali hybrid"',
    "GMC Acadia SUV 2012": (
        '"gmc acadia" AND (2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)'
    ),
    "GMC Canyon Extended Cab 2012": (
        '"gmc canyon" AND (2004 OR 2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012)'
    ),
    "Geo Metro Convertible 1993": '"geo metro" AND (convertible OR lsi OR cabrio OR 1990 OR 1991 OR 1992 OR 1993)',
    "HUMMER H3T Crew Cab 2010": '"hummer h3t" OR "hummer h3-t"',
    "HUMMER H2 SUT Crew Cab 2009": '"hummer h2 sut" OR "h2 sut" OR "hummer sut"',
    "Honda Odyssey Minivan 2012": '"honda odyssey" AND (2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)',
    "Honda Odyssey Minivan 2007": '"honda odyssey" AND (2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010)',
    "Honda Accord Coupe 2012": '"honda accord" AND (coupe OR coupé) AND (2008 OR 2009 OR 2010 OR 2011 OR 2012)',
    "Honda Accord Sedan 2012": (
        '"honda accord" NOT ("coupe" OR "wagon" OR "tourer") AND (2008 OR 2009 OR 2010 OR 2011 OR 2012)'
    ),
    "Hyundai Veloster Hatchback 2012": '"hyundai veloster"',
    "Hyundai Santa Fe SUV 2012": (
        '("hyundai santa fe" OR "hyundai santafe") AND (2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012)'
    ),
    "Hyundai Tucson SUV 2012": '"hyundai tucson" AND (2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015)',
    "Hyundai Veracruz SUV 2012": '"hyundai veracruz" OR "hyundai ix55"',
    "Hyundai Sonata Hybrid Sedan 2012": '"sonata hybrid"',
    "Hyundai Elantra Sedan 2007": (
        '"hyundai elantra" NOT ("elantra touring" OR "elantra gt") AND (2007 OR 2008 OR 2009 OR 2010)'
    ),
    "Hyundai Accent Sedan 2012": (
        '"hyundai accent" NOT "hatchback" AND (2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)'
    ),
    "Hyundai Genesis Sedan 2012": (
        '"hyundai genesis" NOT "coupe" AND (2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)'
    ),
    "Hyundai Sonata Sedan 2012": '"hyundai sonata" NOT "sonata hybrid" AND (2010 OR 2011 OR 2012 OR 2013 OR 2014)',
    "Hyundai Elantra Touring Hatchback 2012": '"elantra touring" OR "hyundai i30cw" OR "hyundai i30 cw"',
    "Hyundai Azera Sedan 2012": (
        '("hyundai azera" OR "hyundai grandeur") AND (2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)'
    ),
    "Infiniti G Coupe IPL 2012": (  # few write the IPL of the G37
        '"infiniti g37 ipl" OR "infiniti ipl g" OR "infiniti ipl" OR "infiniti g ipl" OR "ipl g coupe" '
        'OR "infiniti g37 coupe" OR "infiniti g coupe"'
    ),
    "Infiniti QX56 SUV 2011": (
        '("infiniti qx56" OR "infiniti qx 56" OR "infiniti qx80") AND (2010 OR 2011 OR 2012 OR 2013 OR 2014)'
    ),
    "Isuzu Ascender SUV 2008": '"isuzu ascender"',
    "Jaguar XK XKR 2012": (  # XK is sixty years of cars
        '("jaguar xkr" OR "jaguar xk-r" OR "jaguar xk") NOT ("xk120" OR "xk140" OR "xk150" OR "xk 120" OR "xk 140" '
        'OR "xk 150" OR "xk8" OR "xk engine" OR "xkss" OR "xke") AND (2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 '
        "OR 2012 OR 2013 OR 2014)"
    ),
    "Jeep Patriot SUV 2012": '"jeep patriot"',
    "Jeep Wrangler SUV 2012": (
        '"jeep wrangler" AND (2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017 '
        "OR 2018)"
    ),
    "Jeep Liberty SUV 2012": '"jeep liberty" AND (2008 OR 2009 OR 2010 OR 2011 OR 2012)',
    "Jeep Grand Cherokee SUV 2012": '"jeep grand cherokee" AND (2011 OR 2012 OR 2013)',
    "Jeep Compass SUV 2012": (
        '"jeep compass" AND (2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)'
    ),
    "Lamborghini Reventon Coupe 2008": '("lamborghini reventon" OR "lamborghini reventón") NOT "roadster"',
    "Lamborghini Aventador Coupe 2012": '"lamborghini aventador" NOT ("roadster" OR "spyder")',
    "Lamborghini Gallardo LP 570-4 Superleggera 2012": (
        '"gallardo superleggera" OR "gallardo lp570-4 superleggera" OR "gallardo lp 570-4 superleggera" '
        'OR "gallardo lp570-4" OR "gallardo lp 570-4" OR "gallardo lp570"'
    ),
    "Lamborghini Diablo Coupe 2001": '"lamborghini diablo" NOT "roadster"',
    "Land Rover Range Rover SUV 2012": (
        '"range rover" NOT ("range rover sport" OR "range rover evoque" OR "range rover velar") AND (2002 OR 2003 '
        "OR 2004 OR 2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012)"
    ),
    "Land Rover LR2 SUV 2012": '"land rover lr2" OR "landrover lr2" OR "freelander 2"',
    "Lincoln Town Car Sedan 2011": (
        '("lincoln town car" OR "lincoln towncar") AND (1998 OR 1999 OR 2000 OR 2001 OR 2002 OR 2003 OR 2004 OR 2005 '
        "OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011)"
    ),
    "MINI Cooper Roadster Convertible 2012": (
        '"mini cooper roadster" OR "mini roadster" OR "mini cooper s roadster" OR "mini john cooper works roadster" '
        'OR "mini jcw roadster"'
    ),
    "Maybach Landaulet Convertible 2012": (
        '"maybach landaulet" OR "maybach 62 landaulet" OR "maybach 62s landaulet" OR "maybach 62 s landaulet"'
    ),
    "Mazda Tribute SUV 2011": '"mazda tribute"',
    "McLaren MP4-12C Coupe 2012": '("mp4-12c" OR "mclaren 12c" OR "mp4 12c") NOT ("spider" OR "spyder")',
    "Mercedes-Benz 300-Class Convertible 1993": (
        '("mercedes-benz 300ce" OR "mercedes benz 300ce" OR "mercedes 300ce" OR "mercedes-benz 300 ce" '
        'OR "mercedes benz 300 ce" OR "mercedes 300 ce" OR "mercedes-benz 300-class" OR "mercedes benz 300-class" '
        'OR "mercedes 300-class" OR "mercedes-benz 300 class" OR "mercedes benz 300 class" OR "mercedes 300 class" '
        'OR "mercedes-benz e320" OR "mercedes benz e320" OR "mercedes e320") AND (convertible OR cabriolet OR cabrio '
        "OR roadster OR spyder OR spider)"
    ),
    "Mercedes-Benz C-Class Sedan 2012": (
        '("mercedes-benz c-class" OR "mercedes benz c-class" OR "mercedes c-class" OR "mercedes-benz c class" '
        'OR "mercedes benz c class" OR "mercedes c class" OR "mercedes-benz c250" OR "mercedes benz c250" '
        'OR "mercedes c250" OR "mercedes-benz c300" OR "mercedes benz c300" OR "mercedes c300" '
        'OR "mercedes-benz c350" OR "mercedes benz c350" OR "mercedes c350" OR "mercedes-benz c 250" '
        'OR "mercedes benz c 250" OR "mercedes c 250") NOT ("coupe" OR "estate" OR "wagon" OR "cabriolet") AND (2007 '
        "OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014)"
    ),
    "Mercedes-Benz SL-Class Coupe 2009": (
        '("mercedes-benz sl-class" OR "mercedes benz sl-class" OR "mercedes sl-class" OR "mercedes-benz sl class" '
        'OR "mercedes benz sl class" OR "mercedes sl class" OR "mercedes-benz sl550" OR "mercedes benz sl550" '
        'OR "mercedes sl550" OR "mercedes-benz sl500" OR "mercedes benz sl500" OR "mercedes sl500" '
        'OR "mercedes-benz sl63" OR "mercedes benz sl63" OR "mercedes sl63" OR "mercedes-benz sl 500" '
        'OR "mercedes benz sl 500" OR "mercedes sl 500" OR "mercedes-benz sl 550" OR "mercedes benz sl 550" '
        'OR "mercedes sl 550" OR "mercedes-benz sl600" OR "mercedes benz sl600" OR "mercedes sl600") AND (2006 '
        "OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012)"
    ),
    "Mercedes-Benz E-Class Sedan 2012": (
        '("mercedes-benz e-class" OR "mercedes benz e-class" OR "mercedes e-class" OR "mercedes-benz e class" '
        'OR "mercedes benz e class" OR "mercedes e class" OR "mercedes-benz e350" OR "mercedes benz e350" '
        'OR "mercedes e350" OR "mercedes-benz e550" OR "mercedes benz e550" OR "mercedes e550" '
        'OR "mercedes-benz e300" OR "mercedes benz e300" OR "mercedes e300" OR "mercedes-benz e 350" '
        'OR "mercedes benz e 350" OR "mercedes e 350") NOT ("coupe" OR "estate" OR "wagon" OR "cabriolet" '
        'OR "convertible") AND (2009 OR 2010 OR 2011 OR 2012 OR 2013)'
    ),
    "Mercedes-Benz S-Class Sedan 2012": (
        '("mercedes-benz s-class" OR "mercedes benz s-class" OR "mercedes s-class" OR "mercedes-benz s class" '
        'OR "mercedes benz s class" OR "mercedes s class" OR "mercedes-benz s550" OR "mercedes benz s550" '
        'OR "mercedes s550" OR "mercedes-benz s500" OR "mercedes benz s500" OR "mercedes s500" '
        'OR "mercedes-benz s600" OR "mercedes benz s600" OR "mercedes s600" OR "mercedes-benz s63" '
        'OR "mercedes benz s63" OR "mercedes s63" OR "mercedes-benz s65" OR "mercedes benz s65" OR "mercedes s65" '
        'OR "mercedes-benz s 550" OR "mercedes benz s 550" OR "mercedes s 550") NOT ("coupe" OR "cabriolet") '
        "AND (2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)"
    ),
    "Mercedes-Benz Sprinter Van 2012": (
        '("mercedes-benz sprinter" OR "mercedes benz sprinter" OR "mercedes sprinter") AND (2006 OR 2007 OR 2008 '
        "OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017 OR 2018)"
    ),
    "Mitsubishi Lancer Sedan 2012": (
        '"mitsubishi lancer" NOT ("lancer evo" OR "lancer evolution" OR "sportback" OR "wagon") AND (2008 OR 2009 '
        "OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)"
    ),
    "Nissan Leaf Hatchback 2012": '"nissan leaf" AND (2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)',
    "Nissan NV Passenger Van 2012": (
        '"nissan nv passenger" OR "nissan nv 3500" OR "nissan nv3500" OR "nissan nv van" OR "nissan nv 2500" '
        'OR "nissan nv2500" OR "nissan nv 1500" OR "nissan nv1500"'
    ),
    "Nissan Juke Hatchback 2012": '"nissan juke" NOT "nismo"',
    "Nissan 240SX Coupe 1998": (
        '("nissan 240sx" OR "nissan 240 sx" OR "nissan s14") NOT ("s13" OR "hatchback" OR "1989" OR "1990" OR "1991" '
        'OR "1992" OR "1993")'
    ),
    # sold as a Dodge too
    "Plymouth Neon Coupe 1999": '("plymouth neon" OR "dodge neon") AND (1995 OR 1996 OR 1997 OR 1998 OR 1999)',
    "Porsche Panamera Sedan 2012": (
        '"porsche panamera" NOT "sport turismo" AND (2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016)'
    ),
    "Ram CV Cargo Van Minivan 2012": (
        '("ram c/v" OR "ram cv" OR "ram cargo van" OR "ram c-v") AND (ram OR tradesman OR cargo OR van OR 2011 '
        "OR 2012 OR 2013 OR 2014 OR 2015)"
    ),
    "Rolls-Royce Phantom Drophead Coupe Convertible 2012": (
        '"phantom drophead" OR "rolls-royce drophead" OR "rolls royce drophead"'
    ),
    "Rolls-Royce Ghost Sedan 2012": '("rolls-royce ghost" OR "rolls royce ghost") NOT "silver ghost"',
    "Rolls-Royce Phantom Sedan 2012": (
        '("rolls-royce phantom" OR "rolls royce phantom") NOT ("drophead" OR "phantom coupe") AND (2003 OR 2004 '
        "OR 2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)"
    ),
    "Scion xD Hatchback 2012": '"scion xd"',
    "Spyker C8 Convertible 2009": '"spyker c8" AND (spyder OR spider OR convertible OR roadster)',
    "Spyker C8 Coupe 2009": '"spyker c8" NOT ("spyder" OR "spider" OR "convertible" OR "roadster")',
    "Suzuki Aerio Sedan 2007": '"suzuki aerio" NOT ("suzuki aerio sx" OR "wagon" OR "hatchback")',
    "Suzuki Kizashi Sedan 2012": '"suzuki kizashi"',
    "Suzuki SX4 Hatchback 2012": '("suzuki sx4" OR "suzuki sx-4") NOT ("sedan" OR "saloon" OR "s-cross")',
    "Suzuki SX4 Sedan 2012": '("suzuki sx4" OR "suzuki sx-4") AND (sedan OR saloon OR lesport)',
    # the nose changed in 2016
    "Tesla Model S Sedan 2012": '"tesla model s" NOT "plaid" AND (2012 OR 2013 OR 2014 OR 2015)',
    "Toyota Sequoia SUV 2012": (
        '"toyota sequoia" AND (2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013 OR 2014 OR 2015 OR 2016 OR 2017)'
    ),
    "Toyota Camry Sedan 2012": '"toyota camry" AND (2011 OR 2012 OR 2013 OR 2014)',
    "Toyota Corolla Sedan 2012": (
        '"toyota corolla" NOT ("hatchback" OR "wagon") AND (2008 OR 2009 OR 2010 OR 2011 OR 2012 OR 2013)'
    ),
    "Toyota 4Runner SUV 2012": (
        '("toyota 4runner" OR "toyota 4-runner" OR "toyota four runner") AND (2010 OR 2011 OR 2012 OR 2013)'
    ),
    "Volkswagen Golf Hatchback 2012": (
        '("volkswagen golf" OR "vw golf") NOT ("cabriolet" OR "convertible" OR "variant" OR "wagon" OR "golf plus") '
        "AND (2009 OR 2010 OR 2011 OR 2012)"
    ),
    "Volkswagen Golf Hatchback 1991": (  # the second generation, 1983 to 1992
        '("volkswagen golf" OR "vw golf") NOT (cabriolet OR convertible) AND (1984 OR 1985 OR 1986 OR 1987 OR 1988 '
        'OR 1989 OR 1990 OR 1991 OR 1992 OR "mk2" OR "mk ii" OR "mark 2")'
    ),
    "Volkswagen Beetle Hatchback 2012": (
        '("volkswagen beetle" OR "vw beetle" OR "volkswagen new beetle") NOT ("convertible" OR "cabrio" '
        'OR "cabriolet") AND (2012 OR 2013 OR 2014 OR 2015 OR 2016)'
    ),
    "Volvo C30 Hatchback 2012": '"volvo c30"',
    "Volvo 240 Sedan 1993": '("volvo 240" OR "volvo 240dl" OR "volvo 240gl" OR "volvo 244") NOT ("wagon" OR "estate")',
    "Volvo XC90 SUV 2007": (
        '("volvo xc90" OR "volvo xc 90") AND (2003 OR 2004 OR 2005 OR 2006 OR 2007 OR 2008 OR 2009 OR 2010 OR 2011 '
        "OR 2012 OR 2013 OR 2014)"
    ),
    "smart fortwo Convertible 2012": (
        '("smart fortwo" OR "smart for two" OR "smart cabrio") AND (convertible OR cabrio OR cabriolet OR "soft top")'
    ),
}
