"""--check about names: how much the own name finds, the senses that WordNet knows, and --suggest-names.

    for line in check_names(search, template, sample, wordnet): ...
    for line in suggest_names(search, template.synonyms, sample, wordnet): ...

A suggestion is a name that WordNet gives the same thing, or another way to write a name. Each has the captions of the
sample that hold it, and how many of them the class does not find yet. Doubtful ones are marked and stand in no line to
paste: the author of a template knows better.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from retrieval.queries import phrase_query
from retrieval.substring.caption_sample import Sample, matched, rows_by_class
from retrieval.substring.findings import Findings, wrapped
from retrieval.substring.match_definition import phrase_needle
from retrieval.substring.name_forms import forms, in_parentheses, plain_names
from retrieval.substring.search_units import Search
from retrieval.substring.suspect_names import MOSTLY_INSIDE, homonyms
from retrieval.substring.wordnet import WordNet
from retrieval.table_lines import cut
from retrieval.written_names import most_written
from retrieval_templates import Template

LOW_SHARE = 0.5  # of the captions with any name of the class, those with its own
FEWEST_CAPTIONS = 3  # of a class in the finding above
LONGEST_GLOSS = 60  # characters

Synonyms = Mapping[str, Sequence[str]]


def check_names(search: Search, template: Template, sample: Sample, wordnet: WordNet | None) -> Iterator[str]:
    """Findings on the names of each class, as lines of text."""
    yield from own_names(search, template.synonyms, sample).lines()
    if wordnet is not None:
        yield from several_senses(template, wordnet).lines()


def own_names(search: Search, synonyms: Synonyms, sample: Sample) -> Findings:
    """Classes whose own name is in the smaller part of the captions that hold any of their names."""
    names = [(name, text) for name in search.classes if synonyms.get(name) for text in (name, *synonyms[name])]
    rows = rows_by_class(matched([phrase_query(text) for _, text in names], search.match, sample.captions), len(names))
    rows_of: dict[str, dict[str, list[int]]] = {}
    for number, (name, text) in enumerate(names):
        rows_of.setdefault(name, {})[text] = rows[number]
    found = []
    for name, of_name in rows_of.items():
        own, every = len(of_name[name]), len({row for rows in of_name.values() for row in rows})
        if every >= FEWEST_CAPTIONS and own < LOW_SHARE * every:
            most = most_written({text: len(rows) for text, rows in of_name.items()})
            line = f"{name}: {own:,} of {every:,} ({own / every:.0%}); most written: {most} ({len(of_name[most]):,})"
            found.append((own / every, -every, [line]))
    lines = [line for *_, line in sorted(found)]
    return Findings("the own name is in less than half of the captions with any name of the class", lines, is_list=True)


def several_senses(template: Template, wordnet: WordNet) -> Findings:
    """Names with several meanings that a photograph can show, as WordNet knows them."""
    found, guarded = [], []
    for name in template.classes:
        visible = [sense for sense in wordnet.senses(name) if sense.is_visible]
        if len(visible) > 1 and name in template.class_map:
            guarded.append(name)
        elif len(visible) > 1:
            glosses = [f"      {cut(sense.gloss, LONGEST_GLOSS)}" for sense in visible]
            found.append([f"{name}: {len(visible)} senses that can be seen", *glosses])
    return Findings("names with several senses in WordNet", found, guarded)


# ---- --suggest-names ----


@dataclass
class Suggestion:
    """One name that a class may be written with."""

    name: str
    kind: str
    doubts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)  # captions of the sample that hold it
    new: int = 0  # of them, those that the class does not find


def suggest_names(search: Search, synonyms: Synonyms, sample: Sample, wordnet: WordNet | None) -> Iterator[str]:
    """For each class with suggestions that are in the sample: the names with their counts, and a line to paste."""
    yield ""
    yield "names that people may write, with the captions of the sample that hold them, and those of them that are new"
    if wordnet is None:
        yield ("  (WordNet is not here, so these are only other spellings: apt-get install wordnet-base, or --wordnet "
               "DIR with its index.noun and data.noun)")  # fmt: skip
    suggested = {name: suggestions(name, synonyms.get(name, ()), search.match, wordnet) for name in search.classes}
    mark_shared(suggested, synonyms)
    mark_guarded(suggested, search)
    count(suggested, search, sample)
    absent = []
    for name, found in suggested.items():
        written = sorted((each for each in found if each.rows), key=lambda each: (-each.new, -len(each.rows)))
        absent += [each.name for each in found if not each.rows and not each.doubts and each.kind == "WordNet"]
        if any(each.new for each in written):
            yield from lines_of(name, written, synonyms.get(name, ()))
    if absent:
        yield from wrapped(absent[:40], f"in no caption of the sample, {len(absent):,} of WordNet's: ")


def suggestions(class_name: str, synonyms: Sequence[str], match: str, wordnet: WordNet | None) -> list[Suggestion]:
    """Names that the class may have, without those that find nothing more in this match mode."""
    known = [class_name, *synonyms]
    found: dict[str, Suggestion] = {}

    def add(name: str, kind: str, doubts: Sequence[str] = ()) -> None:
        others = known if kind == "WordNet" else [*known, *(each.name for each in found.values())]
        if name.casefold() not in {text.casefold() for text in known} and adds_captions(name, others, match):
            found.setdefault(name.casefold(), Suggestion(name, kind, [*doubts, *doubts_of(name, wordnet)]))

    for part in plain_names(class_name):
        add(part, "part of the name")
    for part in in_parentheses(class_name):
        add(part, "in parentheses", ["may be a kind of thing"])
    if wordnet is not None:
        for name in [class_name, *plain_names(class_name)]:
            senses = [sense for sense in wordnet.senses(name) if sense.is_visible] or wordnet.senses(name)
            for sense in senses:
                doubts = [f"if {name} is: {cut(sense.gloss, LONGEST_GLOSS)}"] if len(senses) > 1 else []
                for lemma in sense.lemmas:
                    add(lemma, "WordNet", doubts)
    for name, doubts in [*((name, []) for name in known), *((each.name, each.doubts) for each in found.values())]:
        irregular = wordnet and wordnet.irregular_plural(name.rpartition(" ")[2].lower())
        for form, kind in forms(name, irregular).items():
            add(form, kind, [f"a form of {name}"] if doubts else [])
    return list(found.values())


def doubts_of(name: str, wordnet: WordNet | None) -> list[str]:
    """Why the name may mean something else."""
    senses = wordnet.count(name) if wordnet is not None else 0
    doubts = [f"{senses} senses in WordNet"] if senses > 1 else []
    return [*doubts, "a known homonym"] if name.casefold() in homonyms() else doubts


def adds_captions(name: str, known: Sequence[str], match: str) -> bool:
    """Whether captions with `name` can be others than those with a known name: "hens" holds "hen" as a substring."""
    needle, *needles = (phrase_needle(phrase_query(text), match) for text in (name, *known))
    if not needle:
        return False
    return not any(other in needle for other in needles) if match == "substring" else needle not in needles


def mark_shared(suggested: dict[str, list[Suggestion]], synonyms: Synonyms) -> None:
    """Mark the suggestions that are a name of another class, or are suggested for one."""
    classes_of: dict[str, dict[str, None]] = {}
    for class_name, found in suggested.items():
        for text in (class_name, *synonyms.get(class_name, ()), *(each.name for each in found)):
            classes_of.setdefault(text.casefold(), {})[class_name] = None
    for class_name, found in suggested.items():
        for each in found:
            if others := [other for other in classes_of[each.name.casefold()] if other != class_name]:
                each.doubts.append(f"also {' and '.join(others[:2])}")


def mark_guarded(suggested: dict[str, list[Suggestion]], search: Search) -> None:
    """Mark the suggestions for a class whose query wants more than its name: what guards it should guard them too."""
    names = [(number, text) for number, name in enumerate(search.classes) for text in plain_names(name) or [name]]
    hits = matched(search.queries, search.match, [text for _, text in names])
    found = set(zip(hits.row.tolist(), hits.query.tolist(), strict=True))
    guarded = {search.classes[number] for row, (number, _) in enumerate(names) if (row, number) not in found}
    for class_name in guarded:
        for each in suggested[class_name]:
            each.doubts.append("the class's query guards its own name")


def count(suggested: dict[str, list[Suggestion]], search: Search, sample: Sample) -> None:
    """Count the captions of all suggestions, and mark those that are mostly inside longer words."""
    flat = [(name, each) for name, found in suggested.items() for each in found]
    queries = [*search.queries, *(phrase_query(each.name) for _, each in flat)]
    hits = matched(queries, search.match, sample.captions)
    rows = rows_by_class(hits, len(queries))
    inside = [0] * len(queries)
    for query, is_inside in zip(hits.query.tolist(), hits.inside.tolist(), strict=True):
        inside[query] += is_inside
    class_rows = {name: set(rows[number]) for number, name in enumerate(search.classes)}
    for number, (name, each) in enumerate(flat, len(search.classes)):
        each.rows = rows[number]
        each.new = len(set(each.rows) - class_rows[name])
        if each.rows and inside[number] > MOSTLY_INSIDE * len(each.rows):
            each.doubts.append(f"{inside[number] / len(each.rows):.0%} inside longer words")


def lines_of(class_name: str, written: list[Suggestion], synonyms: Sequence[str]) -> Iterator[str]:
    yield f"  {class_name}"
    width = max(len(each.name) for each in written)
    for each in written:
        doubts = f"  ? {'; '.join(each.doubts)}" if each.doubts else ""
        yield f"      {each.name:{width}}  {len(each.rows):>6,} {each.new:>6,} new  {each.kind}{doubts}"
    if sure := [each.name for each in written if each.new and not each.doubts]:
        key, names = (json.dumps(part, ensure_ascii=False) for part in (class_name, [*synonyms, *sure]))
        yield f"      {key}: {names},"
