"""Chunks and manifests: what one stage writes, the next one reads whole, in order, or not at all."""

import itertools
import json

import pytest

from retrieval import records
from retrieval.cli import UserError
from retrieval.records import Manifest


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(records, "CHUNK_RECORDS", 10)


def lines(count, start=0):
    return (records.encode_record({"SAMPLE_ID": number, "QUERY": "hen"}) for number in range(start, start + count))


def manifest(chunks, job_idx=0, total_jobs=1, **changes):
    fields = dict(stage="substring", settings={"match": "word"}, inputs={"a.parquet": {"bytes": 1}},
                  coverage={"asked": 1, "done": 1, "missing": {}}, counts={"records": sum(chunks.values())},
                  chunks=chunks, job_idx=job_idx, total_jobs=total_jobs)  # fmt: skip
    return Manifest(**(fields | changes))


def read_all(folder, **options):
    return [record for chunk in records.chunk_files(folder, **options) for record in records.read_records(chunk)]


def test_a_chunk_is_a_json_array_with_one_record_a_line(tmp_path, small_chunks):
    assert records.write_chunks(lines(25), tmp_path) == {"chunk_0.json": 10, "chunk_1.json": 10, "chunk_2.json": 5}
    text = (tmp_path / "chunk_2.json").read_text()
    assert len(json.loads(text)) == 5 and len(text.splitlines()) == 7
    assert list(json.loads(text)[0]) == list(records.RECORD_FIELDS)


def test_chunks_that_are_exactly_full_are_followed_by_no_empty_one(tmp_path, small_chunks):
    assert records.write_chunks(lines(20), tmp_path) == {"chunk_0.json": 10, "chunk_1.json": 10}


@pytest.mark.parametrize("sizes", [[25], [10, 10, 5], [9, 2, 0, 14], [0, 25, 0]])
def test_lines_may_come_in_files_and_many_at_once(tmp_path, small_chunks, sizes):
    every = "".join(lines(25)).splitlines(keepends=True)
    parts = [
        "".join(itertools.islice(every, end - size, end))
        for size, end in zip(sizes, itertools.accumulate(sizes), strict=True)
    ]
    chunks = {"chunk_0.json": 10, "chunk_1.json": 10, "chunk_2.json": 5}
    (tmp_path / "lines").mkdir()
    assert records.write_chunks(parts, tmp_path / "lines") == chunks

    def files():
        for number, (part, size) in enumerate(zip(parts, sizes, strict=True)):
            (tmp_path / f"{number}.jsonl").write_text("a summary\n" + part)
            with open(tmp_path / f"{number}.jsonl", "rb") as file:
                next(file)
                yield file, size

    assert records.write_chunks(files(), tmp_path) == chunks
    assert [record["SAMPLE_ID"] for record in read_all(tmp_path)] == list(range(25))
    for name in chunks:
        assert (tmp_path / name).read_bytes() == (tmp_path / "lines" / name).read_bytes()


def test_a_run_that_found_nothing_writes_one_empty_chunk(tmp_path):
    assert records.write_chunks([], tmp_path) == {"chunk_0.json": 0}
    assert json.loads((tmp_path / "chunk_0.json").read_text()) == [] == read_all(tmp_path)


def test_the_chunks_of_two_jobs_never_meet_and_read_back_whole(tmp_path, small_chunks):
    for job_idx in range(2):
        chunks = records.write_chunks(lines(25, start=100 * job_idx), tmp_path, job_idx, 2)
        records.write_manifest(tmp_path, manifest(chunks, job_idx, 2))
    assert sorted(path.name for path in tmp_path.glob("chunk_*")) == [f"chunk_{x}.json" for x in range(6)]
    assert sorted(record["SAMPLE_ID"] for record in read_all(tmp_path)) == [*range(25), *range(100, 125)]


def test_text_of_any_script_survives_and_a_lone_surrogate_does_not_stop_the_run(tmp_path):
    texts = ["pâté “quoted”", "猫 🐈", "line\nbreak\u2028and\u0085more", "half \ud83d pair"]
    records.write_chunks((records.encode_record({"TEXT": text}) for text in texts), tmp_path)
    assert [record["TEXT"] for record in read_all(tmp_path)] == [*texts[:3], "half ? pair"]


def test_ids_of_64_bits_and_hex_stay_exact(tmp_path):
    ids = [9_223_372_036_854_775_807, -5_670_000_000_000_000_001, "00ff00ff00ff00ff"]
    records.write_chunks((records.encode_record({"SAMPLE_ID": sample_id}) for sample_id in ids), tmp_path)
    assert [record["SAMPLE_ID"] for record in read_all(tmp_path)] == ids


def test_chunks_are_read_in_numeric_order(tmp_path):
    for number in (10, 9, 1):
        (tmp_path / f"chunk_{number}.json").write_text(json.dumps([{"SAMPLE_ID": number}]))
    assert [record["SAMPLE_ID"] for record in read_all(tmp_path)] == [1, 9, 10]


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_a_folder_written_by_other_tools_is_read_however_it_is_laid_out(tmp_path, indent):
    (tmp_path / "chunk_0.json").write_text(json.dumps([{"URL": "u", "QUERY": "hen"}] * 2, indent=indent))
    assert read_all(tmp_path) == [{"URL": "u", "QUERY": "hen"}] * 2


def test_a_chunk_no_manifest_names_is_not_read(tmp_path, small_chunks):
    records.write_manifest(tmp_path, manifest(records.write_chunks(lines(5), tmp_path)))
    (tmp_path / "chunk_1.json").write_text("[{}]")
    assert len(read_all(tmp_path)) == 5


def test_a_missing_job_is_an_error_and_with_allow_partial_a_warning(tmp_path, capsys):
    records.write_manifest(tmp_path, manifest(records.write_chunks(lines(5), tmp_path, 1, 3), 1, 3))
    with pytest.raises(UserError, match=r"2 missing; first: job 0 of 3 has not finished.*--allow-partial"):
        records.chunk_files(tmp_path)
    assert len(read_all(tmp_path, allow_partial=True)) == 5
    assert "warning" in capsys.readouterr().err


def test_a_missing_shard_is_named(tmp_path):
    coverage = {"asked": 2, "done": 1, "missing": {"part-00007.db": "gdrive is not installed"}}
    records.write_manifest(tmp_path, manifest(records.write_chunks(lines(5), tmp_path), coverage=coverage))
    with pytest.raises(UserError, match="part-00007.db: gdrive is not installed"):
        records.chunk_files(tmp_path)


def test_jobs_of_different_settings_or_splits_are_not_mixed(tmp_path):
    chunks = records.write_chunks(lines(5), tmp_path, 0, 2)
    records.write_manifest(tmp_path, manifest(chunks, 0, 2))
    records.write_manifest(tmp_path, manifest({}, 1, 2, settings={"match": "fts"}))
    with pytest.raises(UserError, match="different settings"):
        records.chunk_files(tmp_path)


@pytest.mark.parametrize("begun", [records.RUN_FILE, records.HITS_FOLDER + "/x.jsonl"])
def test_a_run_that_was_begun_and_has_no_manifest_is_incomplete(tmp_path, begun, capsys):
    records.write_chunks(lines(5), tmp_path)
    (tmp_path / begun).parent.mkdir(exist_ok=True)
    (tmp_path / begun).write_text("{}")
    with pytest.raises(
        UserError, match="was begun and has not finished: run the same command again .* --allow-partial"
    ):
        records.chunk_files(tmp_path)
    assert len(read_all(tmp_path, allow_partial=True)) == 5
    assert "warning: " in capsys.readouterr().err


def test_a_run_is_complete_only_with_the_same_settings_inputs_and_nothing_missing(tmp_path):
    chunks = records.write_chunks(lines(5), tmp_path)
    records.write_manifest(tmp_path, manifest(chunks))
    same = ({"match": "word"}, {"a.parquet": {"bytes": 1}})
    assert records.is_complete(tmp_path, 0, 1, *same)
    assert not records.is_complete(tmp_path, 0, 1, {"match": "fts"}, same[1])
    assert not records.is_complete(tmp_path, 0, 1, same[0], {"a.parquet": {"bytes": 2}})
    assert not records.is_complete(tmp_path, 0, 2, *same)
    (tmp_path / "chunk_0.json").unlink()
    assert not records.is_complete(tmp_path, 0, 1, *same)


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("[\n" + '{"URL":"u"},\n', "ends in the middle"),
        ("[\n" + '{"URL":"u"},\n{"URL":', "is not JSON"),
        ("not json", "is not JSON"),
        ('{"URL": "u"}', "is not a JSON array of records"),
        ("[1, 2]", "something that is no record"),
    ],
)
def test_a_chunk_that_is_no_chunk_is_named(tmp_path, content, sentence):
    (tmp_path / "chunk_0.json").write_text(content)
    with pytest.raises(UserError, match=f"chunk_0.json .*{sentence}"):
        read_all(tmp_path)


def test_a_folder_without_a_chunk_says_what_to_run(tmp_path):
    with pytest.raises(UserError, match="holds no chunk_.*run one of the two filters"):
        records.chunk_files(tmp_path)
    with pytest.raises(UserError, match="is not a folder: --r takes"):
        records.chunk_files(tmp_path / "nowhere")
