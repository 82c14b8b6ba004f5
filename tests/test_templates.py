"""Every template that the folder holds, found by itself, and what the loader refuses."""

import importlib.util
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from retrieval.cli import UserError
from retrieval.queries import MATCH_MODES, to_fts5
from retrieval.substring.matching import Matcher
from retrieval_templates import (
    choose_template,
    load_template,
    names_only,
    only_classes,
    template_from_names,
    template_names,
)

FOLDER = Path(__file__).parent.parent / "retrieval_templates"
TEMPLATES = [path.stem for path in sorted(FOLDER.glob("[!_]*.py"))]
# names in the list, distinct names, prompts: the benchmarks' own numbers
COUNTS = {
    "ImageNet": (1000, 998, 80),
    "Flowers102": (102, 102, 1),
    "FGVCAircraft": (100, 100, 2),
    "StanfordCars": (196, 196, 8),
    "DTD": (47, 47, 8),
    "Birdsnap": (500, 500, 1),
    "CIFAR10": (10, 10, 18),
    "CIFAR100": (100, 100, 18),
    "CUB200": (200, 200, 1),
    "Caltech101": (102, 102, 34),
    "Country211": (211, 211, 5),
    "EuroSAT": (10, 10, 3),
    "FER2013": (7, 7, 6),
    "Food101": (101, 101, 1),
    "GTSRB": (43, 43, 3),
    "ImageNetA": (200, 200, 80),
    "ImageNetR": (200, 200, 80),
    "Kinetics700": (700, 700, 28),
    "ObjectNet": (113, 113, 80),
    "OxfordPets": (37, 37, 1),
    "RESISC45": (45, 45, 18),
    "STL10": (10, 10, 2),
    "SUN397": (397, 397, 2),
    "UCF101": (101, 101, 48),
    "VOC2007": (20, 20, 1),
}
PARITY_SAMPLE = 200  # classes a template whose first phrases make captions: all but ImageNet whole


def module(name):
    spec = importlib.util.spec_from_file_location(f"template_{name}", FOLDER / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module", params=TEMPLATES)
def template(request):
    return load_template(request.param)


@pytest.fixture(scope="module")
def fts5():
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE samples USING fts5(TEXT)")
        yield connection


def test_the_benchmarks_templates_are_all_there():
    assert set(COUNTS) <= set(TEMPLATES)
    assert template_names() == TEMPLATES


@pytest.mark.parametrize("name", COUNTS)
def test_a_benchmarks_template_has_its_number_of_names_and_prompts(name):
    names, distinct, prompts = COUNTS[name]
    assert len(module(name).classes) == names
    loaded = load_template(name)
    assert (len(loaded.classes), len(loaded.templates)) == (distinct, prompts)


def test_the_page_of_templates_lists_each_with_its_numbers(template):
    numbers = [len(template.classes), len(template.templates), sum(map(bool, template.synonyms.values())),
               len(template.class_map), len(template.definitions)]  # fmt: skip
    page = (FOLDER.parent / "docs" / "templates.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| {template.name} |"))
    assert [int(cell) for cell in row.split("|")[3:8]] == numbers


def test_imagenets_repeats_are_merged_with_a_warning(capsys):
    load_template("ImageNet")
    assert capsys.readouterr().err == (
        "warning: template ImageNet: missile, sunglasses listed more than once, merged (998 distinct)\n"
    )


def test_every_class_has_prompts_that_name_it(template):
    for class_name in template.classes:
        prompts = template.prompts(class_name)
        assert len(prompts) == len(template.templates)
        assert all(class_name in prompt and "{}" not in prompt for prompt in prompts)


def test_a_class_is_not_mapped_to_its_own_name(template):
    idle = [name for name, query in template.class_map.items() if query.strip('"').casefold() == name.casefold()]
    assert not idle


def test_sqlite_itself_accepts_every_query_as_it_is_written(template, fts5):
    for class_name, query in template.class_map.items():
        query = query.replace("{names}", f"({to_fts5(names_query(template, class_name))})")
        try:
            fts5.execute("SELECT 1 FROM samples WHERE samples MATCH ?", (query,)).fetchall()
        except sqlite3.OperationalError as error:
            pytest.fail(f"{template.name}, {class_name}: {error}: {query}")


def names_query(template, class_name):
    return names_only(template, "all").caption_query(class_name, "word")


@pytest.mark.parametrize("mode", MATCH_MODES)
def test_every_class_can_be_found_by_some_caption_and_nothing_matches_an_empty_one(template, mode):
    """A caption made of all the query's phrases but those of a NOT: a query that can hold at all, holds here."""
    queries = [template.caption_query(name, mode) for name in template.classes]
    captions = [" " + " | ".join(wanted_words(query)) + " " for query in queries]
    hits = Matcher(queries, mode).match(pa.array([*captions, "", " ", "of the"]))
    found = set(zip(hits.row.tolist(), hits.query.tolist(), strict=True))
    lost = [name for row, name in enumerate(template.classes) if (row, row) not in found]
    assert not lost
    assert not [row for row in hits.row.tolist() if row >= len(captions)]


def wanted_words(query):
    """The phrases of a query that are not under the right side of a NOT."""
    if hasattr(query, "strings"):
        return [query.text]
    if hasattr(query, "wanted"):
        return wanted_words(query.wanted)
    return [text for part in query.parts for text in wanted_words(part)]


def test_a_query_means_to_sqlite_what_it_means_to_us(template, fts5):
    """Each class's phrases as captions, each query over them all: our `word` matches against FTS5's."""
    queries = [template.caption_query(name, "word") for name in template.classes][:PARITY_SAMPLE]
    captions = sorted({text for query in queries for text in [*wanted_words(query), " ".join(wanted_words(query))]})
    fts5.execute("DELETE FROM samples")
    fts5.executemany("INSERT INTO samples(rowid, TEXT) VALUES (?, ?)", list(enumerate(captions)))
    hits = Matcher(queries, "word").match(pa.array(captions))
    ours = set(zip(hits.row.tolist(), hits.query.tolist(), strict=True))
    sqlites = {
        (row, index)
        for index, query in enumerate(queries)
        for (row,) in fts5.execute("SELECT rowid FROM samples WHERE samples MATCH ?", (to_fts5(query),))
    }
    assert ours == sqlites
    assert len(ours) >= len(queries)


@pytest.mark.parametrize(
    "name, class_name, matched, missed",
    [
        ("ImageNet", "ant", "Macro of an ant on a leaf", "An elegant giant elephant"),
        ("ImageNet", "hen", "A brown hen and her chicks", "Kitchen cabinets, then and now, when painted"),
        ("ImageNet", "ox", "An ox cart in Bali", "Box of oxygen masks"),
        ("ImageNet", "ram (adult male sheep)", "A merino ram, head of the sheep", "8 GB RAM for the new MacBook"),
        ("ImageNet", "kite (bird of prey)", "Red kite over Wales", "A kite on the beach"),
        ("ImageNet", "crane bird", "Sandhill cranes in flight", "A crane on a building site"),
        ("ImageNet", "baluster / handrail", "Oak handrail for stairs", "Oak stairs"),
        ("ImageNet", "metal nail", "Galvanized nails and a hammer", "Gel nails manicure"),
        ("ImageNet", "jaguar", "A jaguar in the Amazon jungle", "Jaguar E-Type, 1961"),
        ("ImageNet", "orange", "A fresh orange, peeled citrus fruit", "Orange dress for women"),
        ("ImageNet", "great grey owl", "Great Gray Owl in snow", "Great horned owl"),
        ("ImageNet", "drumstick", "Vic Firth drumsticks, hickory", "Fried chicken drumsticks"),
        ("ImageNet", "otter", "Otter at the pier", "Harry Potter, a lottery ticket, an OtterBox"),
        ("ImageNet", "goose", "A goose on our street", "Canada goose jacket, mongoose"),
        ("ImageNet", "koala", "Koala, Brisbane", "Kola nut"),
        ("ImageNet", "cliff", "Village on a cliff", "Cliff Richard live"),
        ("ImageNet", "badger", "A badger in the woodland", "Badger State of Wisconsin"),
        ("ImageNet", "dome", "Dome of the Rock", "Domestic violence, a speedometer"),
        ("Flowers102", "rose", "A rose, the flower of love", "He rose to fame"),
        ("Flowers102", "colt's foot", "Coltsfoot in spring", "A colt and its foot"),
        ("Flowers102", "mallow", "Pink mallow flower", "Pink marshmallow flower lollies"),
        ("Flowers102", "columbine", "Blue columbine in the garden", "Columbine High School"),
        ("DTD", "banded", "Navy and white banded texture", "A banded dragonfly"),
        ("DTD", "polka-dotted", "Red polka dot dress", "A polka band"),
        ("DTD", "knitted", "Knitted hat", "Knitting needles"),
        ("DTD", "studded", "Studded leather boots", "A star-studded evening"),
        ("DTD", "stained", "A stained wall", "Stained glass of the cathedral"),
        ("DTD", "lined", "Blank lined paper", "Fleece-lined boots"),
        ("FGVCAircraft", "An-12", "Antonov An-12 cargo aircraft", "Diary, Jan-12, by an aircraft mechanic"),
        ("FGVCAircraft", "737-800", "Boeing 737-823 of American Airlines", "Part 5737-8001"),
        ("FGVCAircraft", "777-200", "Landing of the 777-200 in Oslo", "Call 5777-2001"),
        ("FGVCAircraft", "DH-82", "A Tiger Moth biplane", "A tiger moth on a leaf"),
        ("FGVCAircraft", "F-16A_B", "Belgian F-16AM at an airshow", "Highway 16, exit F"),
        ("Birdsnap", "Allens Hummingbird", "Allen's Hummingbird at a feeder", "Allen, a hummingbird"),
        ("CUB200", "Chuck will Widow", "A chuck-will's-widow at night", "Chuck's widow"),
        ("OxfordPets", "Bombay", "A black Bombay cat", "Bombay, the old name of Mumbai"),
        ("EuroSAT", "forest", "Aerial view of a forest", "Forest floor with moss"),
        ("RESISC45", "roundabout", "Aerial photo of a roundabout", "Playground roundabout"),
        ("UCF101", "Apply Lipstick", "A woman applying lipstick", "Red lipstick"),
        ("Kinetics700", "curling (sport)", "Curling at the Olympics", "A curly wig"),
        ("Country211", "Jordan", "Petra, Jordan", "Air Jordan sneakers"),
        ("GTSRB", "stop", "An old stop sign", "Stop it now"),
        ("SUN397", "church indoor", "Interior of a church", "A white church on a hill"),
        ("SUN397", "church outdoor", "A white church on a hill", "Interior of a church"),
        ("FER2013", "happy", "The happy face of a child", "Happy birthday card"),
        ("Food101", "creme brulee", "Crème brûlée with berries", "Brulee torch"),
        ("Caltech101", "water lilly", "Pink water lily on a pond", "Lilly Pulitzer dress"),
        ("CIFAR100", "tank", "An army tank in the desert", "Tank top for women"),
        ("ObjectNet", "nail (fastener)", "Box of galvanized nails", "Gel nails"),
        ("VOC2007", "tvmonitor", "An old television", "A monitor lizard"),
        ("StanfordCars", "Acura RL Sedan 2012", "2012 Acura RL for sale", "2014 Acura RLX for sale"),
        ("StanfordCars", "Audi S4 Sedan 2007", "Used 2006 Audi S4, black", "Used 2012 Audi S4, black"),
        ("StanfordCars", "Ford GT Coupe 2006", "2005 Ford GT in red", "Shelby Ford GT500 2006"),
    ],
)
@pytest.mark.parametrize("mode", MATCH_MODES)
def test_a_class_is_found_as_people_write_it_and_not_in_another_sense(name, class_name, matched, missed, mode):
    template = load_template(name)
    hits = Matcher([template.caption_query(class_name, mode)], mode).match(pa.array([matched, missed]))
    assert hits.row.tolist() == [0]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_pure_data_that_imports_nothing(name):
    code = "import sys; before = set(sys.modules); import runpy; before |= {'runpy', 'pkgutil'}; " \
           f"runpy.run_path({str(FOLDER / (name + '.py'))!r}); print(*set(sys.modules) - before)"  # fmt: skip
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    loaded = {word.partition(".")[0] for word in done.stdout.split()}
    assert loaded <= set(sys.stdlib_module_names)
    public = {word for word in vars(module(name)) if not word.startswith("_")}
    assert public <= {"classes", "templates", "class_map", "synonyms", "definitions", "based_on"}
    assert module(name).__doc__


def test_templates_load_with_no_third_party_package():
    code = (
        f"from retrieval_templates import load_template; print(*[len(load_template(n).classes) for n in {TEMPLATES}])"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FOLDER.parent)}
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env=environment, cwd="/")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(len(load_template(name).classes)) for name in TEMPLATES]


# ---- what the loader refuses, and what it takes from a user ----

GOOD = 'classes = ["hen", "car"]\ntemplates = ["a photo of a {}."]\n'
BAD = {
    'classes = []\ntemplates = ["a {}"]': "`classes` must be a list of at least one class name",
    'templates = ["a {}"]': "`classes` must be a list of at least one class name",
    'classes = "hen"\ntemplates = ["a {}"]': "`classes` must be a list of at least one class name",
    'classes = ["hen", " "]\ntemplates = ["a {}"]': "class ' ' is not a name",
    'classes = ["hen", 3]\ntemplates = ["a {}"]': "class 3 is not a name",
    'classes = ["hen"]': "`templates` must be a list of at least one prompt",
    'classes = ["hen"]\ntemplates = ["a hen"]': "prompt 'a hen' must hold {} once",
    'classes = ["hen"]\ntemplates = ["{} and {}"]': "prompt '{} and {}' must hold {} once",
    GOOD + "class_map = ['hen']": "`class_map` must be a dictionary",
    GOOD + "class_map = {'cat': 'tabby'}": "class_map has 'cat', which is no class",
    GOOD + "class_map = {'hen': 'hen AND (red'}": "class 'hen': its class_map query does not parse: a parenthesis that",
    GOOD + "class_map = {'hen': 'hen OR'}": "class 'hen': its class_map query does not parse: the query ends (at char",
    GOOD + "class_map = {'hen': '\"red\" red-hen'}": "class 'hen': its class_map query does not parse: - must stand in",
    GOOD + "synonyms = ['hen']": "`synonyms` must be a dictionary",
    GOOD + "synonyms = {'cat': ['tabby']}": "synonyms has 'cat', which is no class",
    GOOD + "synonyms = {'hen': 'chicken'}": "class 'hen': its synonyms are str, not a list: write ['a', 'b']",
    GOOD + "synonyms = {'hen': ['']}": "class 'hen': its synonym '' is not a name",
    GOOD + "synonyms = {'hen': [3]}": "class 'hen': its synonym 3 is not a name",
    GOOD + "class_map = {'hen': '\"red {names}\"'}": "class 'hen': its class_map query does not parse: {names} must st",
    GOOD + "definitions = ['hen']": "`definitions` must be a dictionary",
    GOOD + "definitions = {'cat': 'a pet'}": "definitions has 'cat', which is no class",
    GOOD + "definitions = {'hen': ' '}": "class 'hen': its definition ' ' is no phrase",
    GOOD + "based_on = 'Cifar'": "based_on is 'Cifar'; known: Birdsnap, ",
    GOOD + "based_on = 3": "based_on is 3; known: Birdsnap, ",
    'classes = ["Hen", "hen"]\ntemplates = ["a {}"]': "classes 'Hen' and 'hen' would share the output folder 'Hen'",
    "classes = [": "does not load: SyntaxError: ",
    "import no_such_package": "does not load: ModuleNotFoundError: No module named 'no_such_package'",
}


@pytest.mark.parametrize("text, reason", BAD.items())
def test_a_template_that_would_fail_later_is_refused_by_name(text, reason, tmp_path):
    (tmp_path / "Mine.py").write_text(text)
    with pytest.raises(UserError) as refused:
        load_template("Mine", tmp_path)
    assert "template Mine" in str(refused.value) and reason in str(refused.value)


def test_an_unknown_template_lists_the_known_ones_and_the_users_own(tmp_path):
    (tmp_path / "Mine.py").write_text(GOOD)
    with pytest.raises(UserError) as refused:
        load_template("Cifar", tmp_path)
    assert f"known: {', '.join(sorted([*TEMPLATES, 'Mine']))} (" in str(refused.value)


def test_a_mistyped_template_is_answered_with_the_nearest_and_a_file_with_its_own_way(tmp_path):
    (tmp_path / "Kitchen.py").write_text(GOOD)
    (tmp_path / "names.txt").write_text("fork\nknife\n")
    with pytest.raises(UserError, match=r"there is no template 'Kitchn' \(did you mean Kitchen\?\); known: "):
        choose_template("Kitchn", template_dir=tmp_path)
    with pytest.raises(
        UserError, match="names.txt is a file of class names and no template: --query takes it without --template"
    ):
        choose_template(str(tmp_path / "names.txt"), is_template=True)
    with pytest.raises(UserError, match="--query imagenet is no template: did you mean ImageNet?"):
        choose_template("imagenet")
    assert choose_template("imagenet|hen").classes == ("imagenet", "hen")


@pytest.mark.parametrize("name", ["../DTD", "DTD.py", "dtd/../DTD", ""])
def test_a_name_that_is_a_path_is_no_template(name):
    with pytest.raises(UserError, match="there is no template"):
        load_template(name)


def test_a_users_own_template_is_found_and_goes_before_ours(tmp_path):
    (tmp_path / "Mine.py").write_text(GOOD)
    (tmp_path / "DTD.py").write_text(GOOD)
    assert load_template("Mine", tmp_path).prompts("hen") == ["a photo of a hen."]
    assert load_template("DTD", tmp_path).classes == ("hen", "car")


MISSPELT = {"classmap": "class_map", "synonym": "synonyms", "Templates": "templates", "defintions": "definitions"}


@pytest.mark.parametrize(("name", "meant"), [*MISSPELT.items(), ("based", None), ("names", None)])
def test_a_misspelt_variable_of_a_template_is_named(tmp_path, capsys, name, meant):
    (tmp_path / "Mine.py").write_text(GOOD + f"{name} = {{}}\n")
    load_template("Mine", tmp_path)
    said = capsys.readouterr().err
    assert said == (f"warning: template Mine: {name} is not read: did you mean {meant}?\n" if meant else "")


def test_a_template_dir_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="--template-dir .*nowhere is not a folder"):
        load_template("DTD", tmp_path / "nowhere")


def test_only_the_wanted_classes_are_kept_in_the_templates_order():
    template = only_classes(load_template("DTD"), ["woven", "banded"])
    assert template.classes == ("banded", "woven") and set(template.class_map) == {"banded", "woven"}
    with pytest.raises(UserError, match="template DTD has no class 'Banded'"):
        only_classes(template, ["Banded"])


def test_definitions_are_kept_and_go_with_their_classes(tmp_path):
    (tmp_path / "Mine.py").write_text(GOOD + "definitions = {'hen': 'a female chicken', 'car': 'a road vehicle'}\n")
    template = load_template("Mine", tmp_path)
    assert template.definitions["hen"] == "a female chicken"
    assert only_classes(template, ["car"]).definitions == {"car": "a road vehicle"}


def test_a_template_takes_prompts_and_entries_from_the_one_that_it_is_based_on(tmp_path):
    classes = 'based_on = "ImageNet"\nclasses = ["jaguar", "tench", "unicorn"]\n'
    (tmp_path / "Mine.py").write_text(classes + "class_map = {'tench': 'tench AND fish'}\n")
    template, base = load_template("Mine", tmp_path), load_template("ImageNet")
    assert template.classes == ("jaguar", "tench", "unicorn") and template.templates == base.templates
    assert template.class_map == {"jaguar": base.query("jaguar"), "tench": "tench AND fish"}


@pytest.mark.parametrize("name", ["ImageNetA", "ImageNetR"])
def test_a_subset_of_imagenet_asks_what_imagenet_asks(name):
    subset, base = load_template(name), load_template("ImageNet")
    assert list(subset.classes) == [each for each in base.classes if each in set(subset.classes)]
    assert all(subset.query(each) == base.query(each) for each in subset.classes)


def test_class_names_come_from_a_list_or_a_file_too(tmp_path):
    (tmp_path / "names.txt").write_bytes("\ufefftabby cat\n\n café \n".encode())
    assert template_from_names(str(tmp_path / "names.txt")).classes == ("tabby cat", "café")
    assert template_from_names("tabby cat| corgi |").classes == ("tabby cat", "corgi")
    with pytest.raises(UserError, match="names no class"):
        template_from_names("|")


@pytest.mark.parametrize(
    "name, content",
    [
        ("list.json", '["tench", "great white shark"]'),
        ("ids.json", '{"n01440764": "tench", "n01484850": "great white shark"}'),
        ("index.json", '{"0": ["n01440764", "tench"], "1": ["n01484850", "great white shark"]}'),
        ("numbers.json", '{"great white shark": 1, "tench": 0}'),
        ("named_text.txt", '["tench",\n "great white shark"]'),
        ("plain.csv", "tench\ngreat white shark\n"),
        ("header.csv", "id,Class\n0,tench\n1,great white shark\n"),
        ("header.tsv", "class_name\twnid\ntench\tn01440764\ngreat white shark\tn01484850\n"),
        ("lines.names", "tench\ngreat white shark"),
    ],
)
def test_a_list_of_classes_is_read_in_the_formats_that_people_have(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert choose_template(str(tmp_path / name)).classes == ("tench", "great white shark")


@pytest.mark.parametrize(
    "query, sentence",
    [
        ("clases.txt", "clases.txt is not there: give a file"),
        ("./classes", "is not there"),
        ("house cat, dog", "is one class with a comma: separate classes by |, as 'house cat|dog'"),
        ("“house cat”|dog", "class '“house cat”' has typographic quotes"),
        ("|", "names no class"),
    ],
)
def test_a_class_list_that_is_no_list_is_refused_before_any_scan(query, sentence):
    with pytest.raises(UserError) as refused:
        choose_template(query)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("broken.json", "[1, ", "looks like JSON and is not"),
        ("numbers.json", "[1, 2]", "is JSON and no list of class names"),
        ("nested.json", '{"classes": {"a": 1}}', "is JSON and no list of class names"),
        ("columns.csv", "id,what\n0,tench\n", "has the columns id, what: call the one with the class names `class`"),
        ("Mine.py", GOOD, "is a Python file: a template is used by its name, as --template --template-dir"),
    ],
)
def test_a_file_that_holds_no_class_names_says_what_it_holds(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError) as refused:
        choose_template(str(tmp_path / name))
    assert sentence in str(refused.value)


def test_a_query_means_the_same_in_both_filters(tmp_path):
    (tmp_path / "Mine.py").write_text(GOOD)
    assert choose_template("DTD") == load_template("DTD")
    assert choose_template("Mine", template_dir=tmp_path).classes == ("hen", "car")
    assert choose_template("F/A-18").classes == ("F/A-18",)
    assert choose_template("Mine", template_dir=tmp_path, only=["car"]).classes == ("car",)
    with pytest.raises(UserError, match="there is no template 'Mien'"):
        choose_template("Mien", template_dir=tmp_path)
    with pytest.raises(UserError, match="there is no template 'Mien'"):
        choose_template("Mien", is_template=True)


@pytest.mark.parametrize(
    "value, sentence", [("['hen', 'chicken']", "is list, not text: write 'a OR b'"), ("'“hen”'", "typographic quotes")]
)
def test_a_class_map_value_that_is_no_query_names_its_class(tmp_path, value, sentence):
    (tmp_path / "Mine.py").write_text(GOOD + f"\nclass_map = {{'hen': {value}}}\n")
    with pytest.raises(UserError, match=f"template Mine: class 'hen': its class_map query .*{sentence}"):
        load_template("Mine", tmp_path)
