"""--check: names that may find too much or too little, and the class_map lines that mend them."""

import functools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.queries import And, Not, Or, Phrase, Query, to_fts5
from retrieval.substring.caption_sample import matched, rows_by_class
from retrieval.substring.hits import Hits
from retrieval.substring.match_definition import distinct_phrases
from retrieval.substring.name_forms import plural
from retrieval.substring.search_units import Search
from retrieval.substring.unicode61 import tokens

MOSTLY_INSIDE = 0.5  # more than this share of a name's captions have it inside longer words only
SHARED = 0.8  # two classes have more than this share of the smaller one's captions in common
FEWEST_CAPTIONS = 3  # for the two findings above

HOMONYMS = Path(__file__).with_name("homonyms.json")


@dataclass(frozen=True)
class Inside:
    """What a class finds, and how much of it inside longer words."""

    rows: list[int]  # its captions
    share: float  # of them, where the phrase is only inside longer words
    words: list[str]  # the most common of these words

    @property
    def is_most(self) -> bool:
        return self.share > MOSTLY_INSIDE and len(self.rows) >= FEWEST_CAPTIONS


def inside_longer_words(search: Search, hits: Hits, captions: list[str]) -> dict[str, Inside]:
    """For each class that matches any caption, what the run will count as inside longer words."""
    phrases = [phrase.text.lower() for phrase in distinct_phrases(search.queries)]
    rows, parts, words = defaultdict(list), Counter(), defaultdict(Counter)
    columns = (hits.row.tolist(), hits.query.tolist(), hits.phrase.tolist(), hits.inside.tolist())
    for row, query, phrase, is_inside in zip(*columns, strict=True):
        rows[query].append(row)
        if is_inside:
            parts[query] += 1
            longer = re.search(rf"\w*{re.escape(phrases[phrase])}\w*", captions[row].lower())
            words[query][longer[0] if longer else phrases[phrase]] += 1
    common = {query: [word for word, _ in words[query].most_common(3)] for query in rows}
    return {
        search.classes[query]: Inside(found, parts[query] / len(found), common[query]) for query, found in rows.items()
    }


def words_found(names: list[str], captions: list[str]) -> dict[str, str]:
    """For each name a sentence on what --match word finds, without and with the query of `word_line`."""
    queries = [Phrase((name,), (False,)) for name in names] + [word_query(name) for name in names]
    rows = rows_by_class(matched(queries, "word", captions), len(queries))
    return {
        name: f"--match word finds {len(rows[place]):,}; with this line in class_map {len(rows[place + len(names)]):,}:"
        for place, name in enumerate(names)
    }


def word_query(name: str) -> Query:
    return Or((Phrase((name,), (False,)), Phrase((plural(name),), (False,))))


def word_line(name: str) -> str:
    """A class_map line for --match word that finds the name and its plural."""
    return f"{json.dumps(name, ensure_ascii=False)}: {to_fts5(word_query(name))!r},"


@functools.cache
def homonyms() -> dict[str, list[str]]:
    """Names with a second meaning, lower-cased, and words that are found near that meaning."""
    return json.loads(HOMONYMS.read_text(encoding="utf-8"))["words_near_the_other_meaning"]


def homonym_line(name: str) -> str:
    return f'"{name}": \'"{name}" NOT ({" OR ".join(homonyms()[name.lower()])})\','


def has_edge_space(query: Query) -> bool:
    """Whether a phrase of the query begins or ends with a space."""
    match query:
        case Phrase():
            return query.text != query.text.strip()
        case And(parts) | Or(parts):
            return any(map(has_edge_space, parts))
        case Not(wanted, _):
            return has_edge_space(wanted)


def shared_captions(classes: Sequence[str], rows_of: dict[int, list[int]]) -> list[tuple]:
    """(class, class, captions of both, captions of the smaller class, its name), most captions first."""
    of_row = defaultdict(list)
    for query, rows in rows_of.items():
        for row in rows:
            of_row[row].append(query)
    pairs = Counter((a, b) for found in of_row.values() for n, a in enumerate(found) for b in found[n + 1 :])
    shared = []
    for (a, b), both in pairs.most_common():
        smaller = min(a, b, key=lambda n: len(rows_of[n]))
        if both >= FEWEST_CAPTIONS and both > SHARED * len(rows_of[smaller]):
            shared.append((classes[a], classes[b], both, len(rows_of[smaller]), classes[smaller]))
    return shared


def lost_signs(search: Search) -> Iterator[tuple[str, list[str]]]:
    """Classes whose name has signs that are not in its tokens, with the tokens. Ordinary punctuation is ignored."""
    for name, query in zip(search.classes, search.queries, strict=True):
        phrases = [query] if isinstance(query, Phrase) else query.parts if isinstance(query, Or) else []
        if Phrase((name,), (False,)) in phrases and re.search(r"[^\w\s'’\-./,()]", name):
            yield name, tokens(name)
