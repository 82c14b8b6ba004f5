"""The rows that the downloader reads: chunks of other tools, safety values of any type, folders of any name."""

import json
from collections import Counter
from pathlib import Path

import pytest
from download_server import choice_of, chunks, planned, record

from retrieval.cli import UserError
from retrieval.columns import ColumnChoice
from retrieval.download.plan import open_database, read_placed
from retrieval.download.plan_choice import choose, count_dropped
from retrieval.download.plan_chunks import read_chunks
from retrieval.download.plan_outcome import judge, kept_entries
from retrieval.records import RUN_FILE, Manifest, write_manifest

pytest_plugins = "download_server"  # the fixtures `server` and `download`
AT = "http://example.com/"


def foreign(folder: Path, records, number: int = 0, encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = records if isinstance(records, str) else json.dumps(records)
    (folder / f"chunk_{number}.json").write_text(text, encoding=encoding)
    return folder


def of_a_filter(folder: Path) -> Path:
    chunks(folder, [record(AT + "ours")])
    coverage = {"asked": [], "done": [], "missing": {}}
    write_manifest(folder, Manifest("substring", {}, {}, coverage, {}, {"chunk_0.json": 1}))
    return folder


def read(tmp_path: Path, *folders: Path, **settings):
    """The plan's database after its choice."""
    database = open_database(tmp_path / "plan.duckdb")
    choice = choice_of(**settings)
    read_chunks(database, list(folders), choice, allow_partial=False)
    read_placed(database, tmp_path / "nothing", {})
    choose(database, choice)
    return database


def wanted(database) -> set[tuple[str, str]]:
    return set(
        database.execute("SELECT DISTINCT URL, QUERY FROM asked WHERE key IN (SELECT key FROM wanted)").fetchall()
    )


def test_records_of_clip_retrieval_and_img2dataset_are_read_by_their_own_names(tmp_path):
    folder = foreign(
        tmp_path / "cat", [{"caption": "a cat", "url": AT + "0", "id": 1, "similarity": 0.7, "class": "x"}]
    )
    foreign(folder, [{"TEXT": "b", "image_url": AT + "1", "uid": "ff", "label": 3, "nsfw": False}], 1)
    foreign(folder, [{"URL": None, "url": AT + "2", "QUERY": "x", "punsafe": "0.9", "key": "0001"}], 2)
    database = read(tmp_path, folder, allow_untagged=True)
    assert wanted(database) == {(AT + "0", "x"), (AT + "1", "3")}
    assert count_dropped(database) == {"NSFW": 1}
    found = database.execute("SELECT SAMPLE_ID, TEXT, NSFW, similarity FROM asked ORDER BY URL").fetchall()
    assert found == [("1", "a cat", None, 0.7), ("ff", "b", "UNLIKELY", None), (None, None, "NSFW", None)]


def test_records_without_a_class_get_the_name_of_their_folder_and_it_is_said(tmp_path, capsys):
    folder = foreign(tmp_path / "tiger shark", [{"url": AT + str(n), "nsfw": "UNLIKELY"} for n in range(3)])
    assert wanted(read(tmp_path, folder)) == {(AT + str(n), "tiger shark") for n in range(3)}
    said = capsys.readouterr().err
    assert "its 3 records name no class (QUERY), so their class is the folder's name: 'tiger shark'" in said


def test_records_of_which_some_name_a_class_are_counted_not_guessed(tmp_path):
    folder = foreign(tmp_path / "x", [{"url": AT, "QUERY": "a"}, {"url": AT}, {"QUERY": "a"}, {}])
    database = read(tmp_path, folder, allow_untagged=True)
    assert wanted(database) == {(AT, "a")} and count_dropped(database) == {"no URL or class": 3}


def test_fields_of_other_tools_that_the_user_names_are_taken_before_those_of_known_names(tmp_path):
    rows = [{"url": AT + "page", "Picture": f"{AT}{n}", "text": "a", "blip": f"b{n}", "QUERY": "x"} for n in range(2)]
    folder, columns = foreign(tmp_path / "r", rows), ColumnChoice(caption="blip", url="picture")
    ours = of_a_filter(tmp_path / "ours")
    database = read(tmp_path, folder, ours, allow_untagged=True, columns=columns)
    assert database.execute("SELECT URL, TEXT FROM asked WHERE folder = 0 ORDER BY 1").fetchall() == [
        (AT + "0", "b0"), (AT + "1", "b1")]  # fmt: skip
    database.close()
    with pytest.raises(UserError, match=r"r has no column 'pic' \(--url-column\); it has Picture, QUERY, blip, text"):
        read(tmp_path, folder, columns=ColumnChoice(url="pic"))


def test_columns_that_the_user_names_need_a_folder_of_another_tool(tmp_path, download):
    of_a_filter(tmp_path / "chunks")
    said = download("--dry-run", "--url-column", "link", code=2).stderr
    assert "each --r folder is a filter's, whose fields are known" in said


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([{"link_to_it": AT, "QUERY": "a"}], "none of its 1 records has a URL; their fields are QUERY, link_to_it"),
        ([{}, {}], "none of its 2 records has a URL; their fields are none"),
        ([{"url": AT, "QUERY": ["a", "b"]}], "the class of 1 records is a list or an object"),
        ([{"url": AT}, 7, None, [2]], "holds 3 JSON values that are no records"),
        ([{"url": AT, "QUERY": "a", "nsfw": 3}], r"NSFW holds safety values that are not understood: '3' \(1\)"),
        ([{"url": AT, "QUERY": "a", "nsfw": {"p": 1}}], "NSFW holds safety values that are not understood"),
        ([{"url": AT, "QUERY": "a", "punsafe": "high"}], r"punsafe holds .* not understood: 'high' \(1\)"),
        ([{"url": AT, "QUERY": "a", "punsafe": 98}], r"punsafe holds .* not understood: '98' \(1\)"),
        ([{"url": AT, "QUERY": "a"}], "add --allow-untagged"),
    ],
)
def test_records_that_cannot_be_understood_are_refused_in_a_sentence(tmp_path, records, sentence):
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, foreign(tmp_path / "x", records))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("indent", [None, 0, 2])
def test_chunks_of_any_layout_and_encoding_give_all_their_rows(tmp_path, encoding, indent):
    rows = [{"url": f"{AT}{n}", "caption": "café", "QUERY": "a", "nsfw": "SFW"} for n in range(5)]
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    assert len(wanted(read(tmp_path, foreign(tmp_path / "x", text, encoding=encoding)))) == 5


def test_half_a_surrogate_pair_and_infinity_do_not_lose_a_chunk(tmp_path):
    rows = [{"url": AT + "0", "caption": "half \ud83d", "QUERY": "a", "nsfw": 0, "similarity": float("inf")},
            {"url": AT + "1", "caption": "nul \0", "QUERY": "a", "nsfw": float("nan"), "RANK": 1e300}]  # fmt: skip
    database = read(tmp_path, foreign(tmp_path / "x", rows), allow_untagged=True)
    assert len(wanted(database)) == 2
    assert database.execute('SELECT similarity, "RANK" FROM asked').fetchall() == [(None, None)] * 2


# ---- safety ----

SAFETY = [(True, "NSFW"), (False, "UNLIKELY"), (1, "NSFW"), (0, "UNLIKELY"), (0.98, "NSFW"), (0.02, "UNLIKELY"),
          ("0.98", "NSFW"), ("0.02", "UNLIKELY"), ("nsfw", "NSFW"), (" NSFW ", "NSFW"), ("porn", "NSFW"),
          ("VERY_LIKELY", "NSFW"), ("neutral", "UNLIKELY"), ("unsure", "UNSURE"), ("true", "NSFW"),
          ("", None), ("nan", None), (float("nan"), None), (None, None)]  # fmt: skip


def test_a_safety_value_of_any_type_is_decided_as_both_filters_decide_it(tmp_path):
    rows = [{"URL": f"{AT}{n}", "QUERY": "a", "NSFW": value} for n, (value, _) in enumerate(SAFETY)]
    database = read(tmp_path, foreign(tmp_path / "x", rows))
    tags = Counter(tag for _, tag in SAFETY)
    assert [tag for (tag,) in database.execute("SELECT NSFW FROM asked ORDER BY rowid").fetchall()] == [
        tag for _, tag in SAFETY
    ]
    assert count_dropped(database) == {"NSFW": tags["NSFW"], "no NSFW tag": tags[None]}


def test_an_unsafe_score_as_text_is_a_number_and_decides_where_there_is_no_tag(tmp_path):
    rows = [record(AT + "0", NSFW=None, punsafe="0.97"), record(AT + "1", NSFW=None, punsafe="0.01"),
            record(AT + "2", punsafe="0.3"), record(AT + "3", NSFW=None, punsafe=True)]  # fmt: skip
    assert count_dropped(planned(tmp_path, rows)) == {"NSFW": 2}
    dropped = count_dropped(planned(tmp_path, rows, max_punsafe=0.2))
    assert dropped == {"NSFW": 2, "over --max-punsafe": 1}


def test_other_tags_to_drop_are_refused(tmp_path, download):
    chunks(tmp_path / "chunks", [record(AT)])
    assert "--nsfw-tags lewd: give one or more of NSFW" in download("--nsfw-tags", "lewd", code=2).stderr


# ---- folders of any name ----


@pytest.mark.parametrize("name", ["run[1]", "what?", "st*r", "back\\slash", "url=x", "it's", "{a,b}", "new\nline"])
def test_a_folder_may_have_any_name_and_is_not_taken_for_a_pattern(tmp_path, name):
    foreign(tmp_path / "run1", [{"URL": AT + "other", "QUERY": "a", "NSFW": "UNLIKELY"}])
    folder = foreign(tmp_path / name, [{"URL": AT + "this", "QUERY": "a", "NSFW": "UNLIKELY"}])
    (tmp_path / name / "w").mkdir()
    assert wanted(read(tmp_path / name / "w", folder)) == {(AT + "this", "a")}


def test_a_run_fetches_and_goes_on_in_folders_of_odd_names(server, tmp_path, download):
    odd = "o'dd [1] * ? \\ =x"
    chunks(tmp_path / odd / "r", [record(f"{server.at}/jpeg/{n}") for n in range(3)])
    places = {"r": (f"{odd}/r",), "w": f"{odd}/w", "out": f"{odd}/d"}
    download("--near-duplicates", **places)
    assert len(list((tmp_path / odd / "d" / "banded").glob("*.jpg"))) == 3
    server.asked.clear()
    assert "placed: 0 new images" in download("--near-duplicates", **places).stderr
    assert server.asked == [] and {path.name for path in tmp_path.iterdir()} == {odd}


# ---- runs that are not finished ----


def test_a_run_that_has_begun_is_refused_and_allow_partial_reads_what_it_has_written(tmp_path, download):
    (chunks(tmp_path / "chunks", [record(AT)]) / RUN_FILE).write_text("{}")
    sentence = "holds a run that was begun and has not finished"
    assert f"{sentence}: run the same command again" in download("--dry-run", code=2).stderr
    said = download("--dry-run", "--allow-partial").stderr
    assert f"warning: {tmp_path / 'chunks'} {sentence}" in said and "wanted: 1 images" in said
    (tmp_path / "chunks" / "chunk_0.json").unlink()
    assert "has written no chunk yet" in download("--dry-run", "--allow-partial", code=2).stderr


def test_a_manifest_of_another_tool_is_named(tmp_path, download):
    (chunks(tmp_path / "chunks", [record(AT)]) / "job_0_of_1.json").write_text('{"stage": "x"}')
    assert "job_0_of_1.json is no manifest of a filter: move it out" in download("--dry-run", code=2).stderr


# ---- many rows of one image ----


def test_rows_of_one_url_and_class_take_time_in_proportion(tmp_path):
    rows = [record(AT, ROW=f"part-0.parquet:{number}") for number in range(30_000)]
    database = planned(tmp_path, rows)
    judge(database)
    database.execute("UPDATE outcome SET drop_reason = NULL")  # as if it were fetched
    (entry,) = kept_entries(database)  # 30,000 dictionaries compared with each other took 40 s
    assert len(entry["sources"]) == 30_000 and entry["sources"][7]["ROW"] == "part-0.parquet:7"
