"""The places of example records in a manifest, against a look through all chunks."""

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import filter_laion_metadata_substring as script
from retrieval import report, report_selection
from retrieval.example_records import KNOWN_PLACES, first_records, have_places
from retrieval.records import chunk_files, read_manifests

COUNTS = {"hen": 400, "cock": 90, "goose": 10, "café": 3, "egg": 1, "swan": 0}


@pytest.fixture
def shards(tmp_path):
    captions = [f"A {name}, 雞 number {number}" for name, count in COUNTS.items() for number in range(count)]
    captions += ["nothing"] * 300 + ["a hen and a goose"] * 4
    random.Random(0).shuffle(captions)
    table = pa.table({"url": [f"http://h/{n}" for n in range(len(captions))], "text": captions})
    for number in range(4):
        pq.write_table(table.slice(number * 200, 200 if number < 3 else None), tmp_path / f"{number}.parquet")
    return f"{tmp_path}/*.parquet"


def first_of_all_lines(output) -> dict[str, list[str]]:
    """Class -> its first records, by jobs: a plain look through the chunks."""
    found = {name: [] for name in COUNTS}
    for manifest in read_manifests(output):
        for chunk in manifest["chunks"]:
            for record in json.loads((output / chunk).read_text()):
                found[record["QUERY"]].append(record)
    return {name: records[:KNOWN_PLACES] for name, records in found.items()}


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_places_are_those_of_each_classs_first_records(tmp_path, shards, monkeypatch, jobs):
    monkeypatch.setattr("retrieval.records.CHUNK_RECORDS", 37)
    output = tmp_path / "out"
    flags = ["-o", str(output), "-q", "|".join(COUNTS), "--match", "word", "--dbs", shards, "--workers", "1"]
    for job in range(jobs):
        assert script.main([*flags, "--job-idx", str(job), "--total-jobs", str(jobs)]) == 0
    manifests = read_manifests(output)
    assert have_places(manifests) and len(chunk_files(output)) > 10
    lines = first_records(output, manifests, dict.fromkeys(COUNTS, KNOWN_PLACES))
    found = {name: [] for name in COUNTS}
    for line in lines:
        record = json.loads(line.rstrip(b",\n"))
        found[record["QUERY"]].append(record)
    for name, records in first_of_all_lines(output).items():
        assert sorted(found[name], key=str) == sorted(records, key=str), name


def test_a_page_made_by_places_has_the_records_of_one_that_looks_through_the_chunks(tmp_path, shards, monkeypatch):
    monkeypatch.setattr(report_selection, "SAMPLE_BYTES", 8 << 10)
    monkeypatch.setattr(report_selection, "BLOCK_BYTES", 1 << 10)
    output = tmp_path / "out"
    assert script.main(["-o", str(output), "-q", "|".join(COUNTS), "--match", "word", "--dbs", shards]) == 0
    page = (output / "report.html").read_text()
    monkeypatch.setattr(report_selection, "have_places", lambda manifests: False)
    searched = report.write_report(output, thorough=False, to=tmp_path / "searched.html").read_text()
    before, after = (text.split("\nexamples\n") for text in (page, searched))
    assert sorted(before[1].splitlines()) == sorted(after[1].splitlines()) and before[1].count("café") > 3


def test_a_run_with_a_quantity_knows_no_places(tmp_path, shards):
    output = tmp_path / "out"
    assert script.main(["-o", str(output), "-q", "hen|egg", "-n", "5", "--match", "word", "--dbs", shards]) == 0
    assert not have_places(read_manifests(output))
