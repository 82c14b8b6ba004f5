"""Write the templates of benchmarks whose names and prompts are published in a list: retrieval_templates/<name>.py.

In:  FACTS, a folder with clip_prompts.json (CLIP's list of prompts: {dataset: {classes, templates, source}}),
     clip_benchmark_en.json (CLIP_benchmark's), imagenet_subsets.json (what ImageNet-A, -R and ObjectNet hold)
     written/<name>.py beside this script, one hand-written file per template, with any of
       facts         the dataset's name in clip_prompts.json
       order         its name in clip_benchmark_en.json, where that has the dataset's own order of classes
       subset        its name in imagenet_subsets.json
       based_on, classes, templates, synonyms, class_map, definitions    as in a template; they go before what follows
       plurals       True: a class is found by its plural too
       bird_names    the names lost their hyphens, and `possessives` (the words that) their apostrophes
       alternatives  names have brackets and "or": the name without the brackets, and each side of "or", are synonyms
       places        names end in indoor, outdoor, interior or exterior, which nobody writes
Out: the templates. Edit the hand-written file, not the template, and run again.

    python retrieval_templates/sources/write_templates.py FACTS
"""

import argparse
import json
import re
import runpy
import sys
from collections import Counter
from pathlib import Path

import _root  # noqa: F401 - the repository's root on the path

from retrieval.files import complete_file
from retrieval.substring.name_forms import plural

WRITTEN = Path(__file__).parent / "written"
TEMPLATES = Path(__file__).parent.parent
WIDTH = 120  # of a line, as ruff formats it
INSIDE = ("indoor", "interior")
PLACES = (*INSIDE, "outdoor", "exterior")
INSIDE_QUERY, OUTSIDE_QUERY = "(interior OR inside OR indoor OR indoors)", "(interior OR indoor OR indoors)"
GREY = {"gray": "grey", "grey": "gray", "Gray": "Grey", "Grey": "Gray"}
# Birds that ornithologists write with a hyphen and others without: Night-Heron.
PAIRED_BIRDS = (
    "Night Heron|Wood Pewee|Screech Owl|Golden Plover|Whistling Duck|Ground Dove|Prairie Chicken|Sage Grouse|"
    "Rosy Finch|Pygmy Owl|Scrub Jay|Collared Dove|Hawk Owl"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=Path, help="a folder with the published lists as JSON")
    facts = parser.parse_args().facts
    published = json.loads((facts / "clip_prompts.json").read_text(encoding="utf-8"))
    benchmark = json.loads((facts / "clip_benchmark_en.json").read_text(encoding="utf-8"))
    subsets = json.loads((facts / "imagenet_subsets.json").read_text(encoding="utf-8"))
    for path in sorted(WRITTEN.glob("*.py")):
        written = runpy.run_path(str(path))
        template = make_template(written, published, benchmark, subsets)
        with complete_file(TEMPLATES / path.name) as beside:
            beside.write_text(module_text(written["__doc__"], path.name, template), encoding="utf-8")
        print(f"{path.stem}: {len(template['classes'])} classes")
    return 0


def make_template(written: dict, published: dict, benchmark: dict, subsets: dict) -> dict:
    """The template's variables, and `source`, what its docstring says of the facts."""
    facts = published.get(written.get("facts"), {})
    names = [name[0] if isinstance(name, list) else name for name in facts.get("classes", [])]
    source = facts.get("source", "")
    if "order" in written:
        names = benchmark["datasets"][written["order"]]["classes"]
        source += f"; order of {benchmark['source']}"
    if written.get("subset", "").startswith("imagenet"):
        imagenet = published["ImageNet"]["classes"]
        names = [imagenet[number] for number in subsets[written["subset"]]["CLASS_SUBLIST"]]
        source = subsets["source"]
    elif "subset" in written:
        names = [name.lower() for name in subsets[written["subset"]]]
        source = subsets["source"]
    template = {
        "source": source,
        "based_on": written.get("based_on"),
        "classes": [" ".join(name.split()) for name in written.get("classes", names)],
        "templates": written.get("templates", facts.get("templates", [])),
    }
    synonyms, class_map = ruled(template["classes"], written, facts)
    template["synonyms"] = in_order(synonyms, written.get("synonyms", {}), template["classes"])
    template["class_map"] = in_order(class_map, written.get("class_map", {}), template["classes"])
    template["definitions"] = written.get("definitions", {})
    return template


def in_order(ruled: dict, by_hand: dict, classes: list[str]) -> dict:
    """What a rule gives and what was written by hand, which goes first. A query by hand that is
    the class's own name takes the rule's out, and so does an empty entry."""
    if unknown := set(by_hand) - set(classes):
        raise SystemExit(f"no such class: {sorted(unknown)}")
    both = {name: value for name, value in (ruled | by_hand).items() if value and value != "{names}"}
    idle = {name for name, value in both.items() if isinstance(value, str) and value.strip('"').lower() == name.lower()}
    return {name: both[name] for name in classes if name in both and name not in idle}


def ruled(classes: list[str], written: dict, facts: dict) -> tuple[dict, dict]:
    """Synonyms and queries that the rules of a hand-written file give."""
    synonyms = {name[0]: name[1:] for name in facts.get("classes", []) if isinstance(name, list)}
    class_map = {}
    if written.get("bird_names"):
        synonyms |= {name: bird_spellings(name, written["possessives"]) for name in classes}
    if written.get("alternatives"):
        synonyms |= {name: alternatives(name) for name in classes}
    if written.get("places"):
        bases = Counter(place_of(name)[0] for name in classes)
        for name in classes:
            place, kind = place_of(name)
            if name in written.get("class_map", {}):
                continue  # a query guards the place's name
            if kind and bases[place] > 1:
                condition = f"AND {INSIDE_QUERY}" if kind in INSIDE else f"NOT {OUTSIDE_QUERY}"
                class_map[name] = f'"{place}" {condition}'
            elif kind:
                synonyms[name] = [place]
    if written.get("plurals"):
        more = {name: [plural(each) for each in (name, *written.get("synonyms", {}).get(name, ()))] for name in classes}
        class_map = {name: " OR ".join(["{names}", *map(phrase, more[name])]) for name in classes}
        inherited = (
            runpy.run_path(str(TEMPLATES / f"{written['based_on']}.py"))["class_map"] if "based_on" in written else {}
        )
        class_map = {name: query for name, query in class_map.items() if name not in inherited}
    return synonyms, class_map


def phrase(text: str) -> str:
    return text if re.fullmatch(r"[a-z]+", text) else f'"{text}"'


def place_of(name: str) -> tuple[str, str | None]:
    """A scene without its last word, if that says where one stands; and that word."""
    place, _, last = name.rpartition(" ")
    return (place, last) if last in PLACES else (name, None)


def alternatives(name: str) -> list[str]:
    """`catching or throwing baseball` -> catching baseball, throwing baseball; `curling (sport)` -> curling."""
    bare = re.sub(r" \(.*\)", "", name)
    sides = re.fullmatch(r"(.*?)(\w+) or (\w+)(.*)", bare)
    both = [f"{sides[1]}{side}{sides[4]}" for side in (sides[2], sides[3])] if sides else [bare]
    return [each for each in both if each != name]


def bird_spellings(name: str, possessives: dict) -> list[str]:
    """A bird's name with its hyphens and apostrophes, and gray beside grey."""
    words = [possessives.get(word, word) for word in name.split()]
    spelt = re.sub(r" (?=[a-z])", "-", " ".join(words))
    paired = re.sub(PAIRED_BIRDS, lambda found: found[0].replace(" ", "-"), spelt)
    grey = [re.sub(r"\b[Gg]r[ae]y\b", lambda found: GREY[found[0]], each) for each in (name, spelt)]
    return [each for each in dict.fromkeys([spelt, paired, *grey]) if each != name]


# ---- the module's text, as ruff formats it ----


def module_text(doc: str, file: str, template: dict) -> str:
    lines = [f'"""{doc.strip()}']
    lines += ["", *wrapped(f"Names and prompts: {template['source']}.")]
    lines += ["", f"Written by sources/write_templates.py: edit sources/written/{file}.", '"""', ""]
    if template["based_on"]:
        lines += [
            f'based_on = "{template["based_on"]}"  # for prompts, and for the queries of the classes it has too',
            "",
        ]
    for variable in ("classes", "templates"):
        if template[variable]:
            lines += [f"{variable} = [", *(f"    {quoted(each)}," for each in template[variable]), "]", ""]
    for variable in ("synonyms", "class_map", "definitions"):
        if template[variable]:
            entries = [line for name, value in template[variable].items() for line in entry(name, value)]
            lines += [f"{variable} = {{", *entries, "}", ""]
    return "\n".join(lines)


def entry(name: str, value: str | list[str]) -> list[str]:
    """One entry of a dictionary. A long query is cut at its ORs."""
    if isinstance(value, list) or len(quoted(value)) + len(quoted(name)) + 7 <= WIDTH:
        shown = f"[{', '.join(map(quoted, value))}]" if isinstance(value, list) else quoted(value)
        line = f"    {quoted(name)}: {shown},"
        if len(line) <= WIDTH:
            return [line]
        return [f"    {quoted(name)}: [", *(f"        {quoted(each)}," for each in value), "    ],"]
    parts = value.split(" OR ")
    lines, line = [], parts[0]
    for part in parts[1:]:
        if len(quoted(f"{line} OR {part} ")) > WIDTH - 8:
            lines.append(line + " ")
            line = f"OR {part}"
        else:
            line = f"{line} OR {part}"
    return [f"    {quoted(name)}: (", *(f"        {quoted(each)}" for each in [*lines, line]), "    ),"]


def quoted(text: str) -> str:
    return repr(text) if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)


def wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


if __name__ == "__main__":
    sys.exit(main())
