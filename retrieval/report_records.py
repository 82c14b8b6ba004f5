"""Records and images as a page holds them: long texts are cut, and of many sources the best are kept."""

import json
import math

LONGEST_RECORD = 2 << 10  # bytes; longer ones have their texts cut, and the page stays small
LONGEST_TEXT = 1_000  # characters of a caption: longer ones are lists of keywords
LONGEST_URL = 2_000  # characters; a longer one is shown in part and is no link
MOST_SOURCES = 20  # of one image, the best
MOST_SHOWN = 100  # hosts, and pairs of classes
UNSHOWN = {"key", "sha256", "SAMPLE_ID", "punsafe"}  # of an entry of metadata.jsonl


def shorter_line(line: bytes) -> bytes:
    """A record's line; if it is very long, with its texts cut."""
    if len(line) <= LONGEST_RECORD:
        return line
    try:
        return json.dumps(shortened(json.loads(line.strip().removesuffix(b",")))).encode() + b"\n"
    except ValueError:  # no JSON
        return b""


def shortened(record: dict) -> dict:
    """A record or an entry of metadata.jsonl as the page holds it: long texts cut, of many sources the best."""
    short = {
        name: cut_text(value, name) if isinstance(value, str) else value
        for name, value in record.items()
        if value is not None and name not in UNSHOWN
    }
    if sources := record.get("sources"):
        most = sources if len(sources) <= MOST_SOURCES else best_of_each_kind(sources)[:MOST_SOURCES]
        short |= {"sources": [shortened(source) for source in most], "more_sources": len(sources) - len(most)}
    if others := record.get("also_asked_by"):
        most = [cut_text(name, "") for name in others[:MOST_SHOWN]]
        short |= {"also_asked_by": most, "more_also_asked_by": len(others) - len(most)}
    return {name: value for name, value in short.items() if value != 0 or not name.startswith("more_")}


def best_of_each_kind(sources: list[dict]) -> list[dict]:
    """The best source of each kind, then the others, best first."""
    ranked, bests = sorted(sources, key=best_first), {}
    for source in ranked:
        bests.setdefault(source.get("SOURCE"), source)
    return [*bests.values(), *(source for source in ranked if source is not bests[source.get("SOURCE")])]


def best_first(source: dict) -> float:
    """Sort key: what a caption found first, as it has no score, then the highest scores."""
    score = source.get("SCORE")
    return -score if is_number(score) else -2.0


def is_number(value) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def cut_text(text: str, name: str) -> str:
    if name == "QUERY":  # the page finds a record's class by it
        return text
    if name.lower() == "url":  # a part of a URL is another URL: it must not look like one
        return text if len(text) <= LONGEST_URL else f"({len(text):,} characters) {text[:LONGEST_TEXT]}…"
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text):,} characters)"
