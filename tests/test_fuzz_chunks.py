"""Made-up chunks: each row is wanted or dropped for a reason, or the folder is refused in one sentence.

FUZZ_EXAMPLES=2000 python -m pytest tests/test_fuzz_chunks.py     # the suite runs 60
"""

import json
import os
import tempfile
from pathlib import Path

from download_server import choice_of
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.cli import UserError
from retrieval.download.plan import open_database, read_placed
from retrieval.download.plan_choice import choose, count_dropped, count_wanted, list_classes
from retrieval.download.plan_chunks import read_chunks
from retrieval.safety import UnknownSafety, safety_tag

EXAMPLES = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", 60)),
)
URLS = ("http://example.com/1", "https://example.com/2", "ftp://example.com/3", " http://example.com/4 ", "", "x", None)
TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=8)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), TEXT, st.lists(st.integers(), max_size=2),
    st.dictionaries(TEXT, st.integers(), max_size=2),
)  # fmt: skip
SAFE = st.sampled_from([None, "UNLIKELY", "unsure", "NSFW", True, False, 0, 1, 0.3, "0.7", "", "porn", float("nan")])
UNSAFE = st.one_of(SAFE, st.sampled_from(["what", 3, [1], -1]))
FIELDS = {
    "URL": (("URL", "url", "Url", "image_url", "link"), st.sampled_from(URLS)),
    "QUERY": (("QUERY", "query", "class", "label"), st.sampled_from(["a", "b", "", None, 3])),
    "TEXT": (("TEXT", "caption", "alt"), ODD),
    "SAMPLE_ID": (("SAMPLE_ID", "uid", "id"), ODD),
    "similarity": (("similarity", "clip_l14_similarity_score"), ODD),
    "RANK": (("RANK",), ODD),
    "SCORE": (("SCORE",), ODD),
    "ROW": (("ROW",), ODD),
    "else": (("json", "a'b", 'a"b', "eng text", "\u00fc"), ODD),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1")
SPECIAL = st.sampled_from("*?[]\\{}='\" #%~$\n")  # to a shell, a pattern or a file system
LETTERS = st.one_of(SPECIAL, st.characters(exclude_characters="/\0", exclude_categories=["Cs"]))
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(lambda name: name not in (".", ".."))


@st.composite
def records(draw, safety=SAFE):
    made = {}
    for names, values in (*FIELDS.values(), (("NSFW", "nsfw", "unsafe"), safety)):
        if draw(st.integers(0, 7)):
            made[draw(st.sampled_from(names))] = draw(values)
    return made


@st.composite
def folders(draw, safety=SAFE):
    """(a folder's name, its chunks' records, indent, encoding)."""
    chunks = draw(st.lists(st.lists(records(safety), max_size=6), min_size=1, max_size=3))
    return draw(NAMES), chunks, draw(st.sampled_from([None, 0, 2])), draw(st.sampled_from(ENCODINGS))


def written(root: Path, made) -> Path:
    name, chunks, indent, encoding = made
    folder = root / "folders" / name
    folder.mkdir(parents=True)
    for number, rows in enumerate(chunks):
        text = json.dumps(rows, indent=indent, ensure_ascii=encoding == "latin-1")
        (folder / f"chunk_{number}.json").write_bytes(text.encode(encoding, "replace"))
    return folder


def planned_rows(root: Path, folder: Path, **changes) -> tuple[int, int, dict]:
    """(rows read, pairs wanted, rows dropped by reason)."""
    (root / "work").mkdir()
    choice = choice_of(**changes)
    database = open_database(root / "work" / "plan.duckdb")
    try:
        rows = read_chunks(database, [folder], choice, allow_partial=False)
        read_placed(database, root / "nothing", {})
        choose(database, choice)
        list_classes(database, choice)
        return rows, count_wanted(database)[0], count_dropped(database)
    finally:
        database.close()


@EXAMPLES
@given(folders(), st.booleans(), st.sampled_from([None, 1]))
def test_every_row_of_a_made_up_folder_is_wanted_or_dropped_for_a_reason(made, allow_untagged, max_per_class):
    rows_made = [row for chunk in made[1] for row in chunk]
    with tempfile.TemporaryDirectory() as root:
        folder = written(Path(root), made)
        try:
            rows, wanted, dropped = planned_rows(
                Path(root), folder, allow_untagged=allow_untagged, max_per_class=max_per_class, prefer="score"
            )
        except UserError as error:
            assert "has a URL" in str(error) or "--allow-untagged" in str(error), error
            assert "\n" not in str(error).replace(str(folder), "")
            return
    assert rows == len(rows_made) == wanted + sum(dropped.values())


def is_unknown(value) -> bool:
    try:
        safety_tag(json.dumps(value) if isinstance(value, list) else value)
    except UnknownSafety:
        return True
    return False


@EXAMPLES
@given(folders(UNSAFE))
def test_no_made_up_safety_value_is_passed_over(made):
    rows = [row for chunk in made[1] for row in chunk]
    # Of several fields the first with a value counts, as columns.ALIASES lists them.
    tags = [next((row[name] for name in ("NSFW", "nsfw", "unsafe") if row.get(name) is not None), None) for row in rows]
    with tempfile.TemporaryDirectory() as root:
        folder = written(Path(root), made)
        try:
            _, wanted, dropped = planned_rows(Path(root), folder, allow_untagged=True)
        except UserError as error:
            assert "has a URL" in str(error) or any(map(is_unknown, tags)), error
            return
    assert not any(map(is_unknown, tags))
    assert wanted <= sum(safety_tag(tag) != "NSFW" for tag in tags)
