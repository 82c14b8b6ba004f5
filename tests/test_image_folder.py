"""Folder names, placing and metadata, without a network."""

import json
import time

import pyarrow as pa
import pyarrow.json
from download_server import planned, record
from hypothesis import given
from hypothesis import strategies as st

from retrieval.class_folders import FOLDER_BYTES, class_folders, safe_folder_name
from retrieval.dataset_files import place
from retrieval.download.image_folder import write_metadata
from retrieval.download.plan_outcome import judge, kept_entries

NAMES = st.text(alphabet=st.characters(exclude_categories=()), max_size=250)


def test_ordinary_names_stay_as_they_are():
    for name in (
        "banded",
        "tiger shark",
        "colt's foot",
        "737-200",
        "polka-dotted",
        "Käsekuchen",
        "花",
        "🦈",
        "a.b",
        "x_y",
    ):
        assert safe_folder_name(name) == name


def test_names_that_lead_elsewhere_or_cannot_be_a_folder_are_changed():
    hostile = ["../../etc", "/etc", "a/b", "a\\b", ".", "..", "", " ", ".hidden", "x.", "x ", "a\0b", "a\nb", "con",
               "NUL", "COM1", "lpt9.txt", "a<b", "a|b", 'a"b', "a?b", "a*b", "C:x", "metadata.json", "\ud800",
               "x" * 300]  # fmt: skip
    for name in hostile:
        assert safe_folder_name(name) != name
    assert safe_folder_name("../../etc") == "_.._etc"
    assert safe_folder_name("baluster / handrail") == "baluster _ handrail"


@given(NAMES)
def test_any_name_gives_one_safe_component_and_gives_it_again(name):
    folder = safe_folder_name(name)
    assert 0 < len(folder.encode("utf-8")) <= FOLDER_BYTES
    assert not set(folder) & set('<>:"/\\|?*\0\n') and folder[0] not in ". " and folder[-1] not in ". "
    assert folder.split(".")[0].rstrip().casefold() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}
    assert safe_folder_name(folder) == folder


@given(st.lists(NAMES, max_size=12))
def test_classes_never_share_a_folder_whatever_their_order(names):
    folders = class_folders(names)
    assert len({folder.casefold() for folder in folders.values()}) == len(set(names))
    assert class_folders(reversed(names)) == folders


def test_a_class_keeps_the_folder_that_an_earlier_run_gave_it():
    earlier = class_folders(["a/b"])
    later = class_folders(["a/b", "a_b"], earlier)
    assert earlier == {"a/b": "a_b"}
    assert later["a/b"] == "a_b" and later["a_b"] != "a_b"


def test_placing_links_on_one_disk_and_never_replaces(tmp_path):
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "b").write_bytes(b"second")
    assert place(tmp_path / "a", tmp_path / "there")
    assert not place(tmp_path / "b", tmp_path / "there")
    assert (tmp_path / "there").samefile(tmp_path / "a")


def test_placing_5000_images_takes_seconds_at_most(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for number in range(5_000):
        (tmp_path / "in" / str(number)).write_bytes(b"x")
    began = time.process_time()
    for number in range(5_000):
        place(tmp_path / "in" / str(number), tmp_path / "out" / str(number))
    assert time.process_time() - began < 10  # benchmarks/image_folder.py says how fast it is


def entry(key: str, *sources: str) -> dict:
    nothing = {"MATCHED": None, "SCORE": None, "RANK": None, "ROW": None}
    found = [{"SOURCE": source} | nothing for source in sources]
    return {"key": key, "QUERY": "a", "also_asked_by": [], "sources": found}


def test_metadata_of_a_second_run_unites_the_sources_and_forgets_what_is_gone(tmp_path):
    write_metadata(tmp_path, [entry("1", "x"), entry("2", "x"), entry("3", "x")], [], {"a": "a"})
    count = write_metadata(tmp_path, [entry("2", "x", "y"), entry("4", "y")], ["1", "2"], {"a": "a"})
    whole = json.loads((tmp_path / "metadata.json").read_text())
    assert count == 3 and list(whole) == ["1", "2", "4"]
    assert [source["SOURCE"] for source in whole["2"]["sources"]] == ["x", "y"]
    lines = [json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text().splitlines()]
    assert [line["file_name"] for line in lines] == ["a/1.jpg", "a/2.jpg", "a/4.jpg"]


MIXED = [
    {"SAMPLE_ID": 2**64 - 1, "RANK": 3, "ROW": 17, "SCORE": 1, "LICENSE": None, "similarity": None},
    {"SAMPLE_ID": "00ff", "RANK": None, "ROW": "part-0.parquet:17", "SCORE": None, "LICENSE": 4, "similarity": 1},
    {"SAMPLE_ID": None, "RANK": 4.0, "ROW": "laion2B-en:17", "SCORE": 0.25, "LICENSE": ["x"], "similarity": "0.5"},
    {"SAMPLE_ID": 1.5, "RANK": "x", "ROW": None, "SCORE": "nan", "LICENSE": "?", "similarity": 0.25, "punsafe": "0.1"},
]


def kept_as_if_fetched(tmp_path) -> list[dict]:
    rows = [record(f"http://example.com/{n}", "a") | fields for n, fields in enumerate(MIXED)]
    database = planned(tmp_path, rows, rows[::-1])
    judge(database)
    database.execute("UPDATE outcome SET drop_reason = NULL")
    return list(kept_entries(database))


def test_metadata_has_one_type_per_field_whatever_the_types_in_the_chunks(tmp_path):
    write_metadata(tmp_path, kept_as_if_fetched(tmp_path), [], {"a": "a"})
    table = pyarrow.json.read_json(tmp_path / "metadata.jsonl")
    texts, floats = ("SAMPLE_ID", "LICENSE", "NSFW"), ("similarity", "punsafe")
    assert {table.schema.field(name).type for name in texts} == {pa.string()}
    assert {table.schema.field(name).type for name in floats} == {pa.float64()}
    source = table.schema.field("sources").type.value_type
    assert [source.field(name).type for name in ("SCORE", "RANK", "ROW")] == [pa.float64(), pa.int64(), pa.string()]
    assert set(table["SAMPLE_ID"].to_pylist()) == {str(2**64 - 1), "00ff", None, "1.5"}


def test_metadata_of_an_older_version_gets_the_types_of_this_one(tmp_path):
    entries = kept_as_if_fetched(tmp_path)
    write_metadata(tmp_path, map(dict, entries), [], {"a": "a"})
    schema = pyarrow.json.read_json(tmp_path / "metadata.jsonl").schema
    old = []
    for entry, fields in zip(entries, MIXED, strict=True):
        found = {name: fields.get(name) for name in ("SOURCE", "MATCHED", "SCORE", "RANK", "ROW")}
        old.append({"file_name": f"a/{entry['key']}.jpg"} | entry | fields | {"sources": [found]})
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in old))
    write_metadata(tmp_path, entries[:1], [entry["key"] for entry in entries], {"a": "a"})
    table = pyarrow.json.read_json(tmp_path / "metadata.jsonl")
    assert table.num_rows == 4
    assert {field.name: field.type for field in table.schema} == {
        field.name: field.type if field.name != "sources" else table.schema.field("sources").type for field in schema
    }
