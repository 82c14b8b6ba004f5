"""The card of a dataset: what README.md tells people, and the commands in it."""

import json
import re
from functools import partial

import pytest
from huggingface_hub import DatasetCard

import download_urls_img2dataset
import filter_laion_metadata_substring
from retrieval.as_run import command_as_run, without_secrets
from retrieval.card_text import card_text
from retrieval.cli import parse_flags
from retrieval.dataset_card import write_card, write_tars_card

HOSTILE = "`</details><script>alert(1)</script>|\n# no heading\u2028x"
REPORT = {
    "rows_read": 1_000, "kept": 700, "dropped": {"HTTP 404": 200, "NSFW": 60, "noai": 40},
    "classes": {"banded": {"kept": 400}, HOSTILE: {"kept": 300}, "fork": {"kept": 0}}, "folders": {"banded": "banded"},
    "opt_outs": {"kept_to": True, "rows": 40, "hosts": {"a.example": {"noai": 30}, "b.example": {"noai": 10}}},
    "stages": [{
        "stage": "substring", "rows": 5_000, "records": 800, "asked": "DTD", "input_count": 3,
        "inputs": {"hf://datasets/a/b@1234/x.parquet": "10 bytes, version 1234", HOSTILE: ""},
        "command": ["filter_laion_metadata_substring.py", "--query", "DTD", "--dbs", "hf://datasets/a/b/*.parquet"],
    }],
    "command": ["download_urls_img2dataset.py", "--fill", "50"],
}  # fmt: skip


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    licences = ["?", "?", "CC-BY 4.0", None, HOSTILE]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps({"LICENSE": name}) + "\n" for name in licences))
    return tmp_path


def test_the_card_tells_sources_counts_licences_opt_outs_and_the_commands(dataset):
    text = card_text(dataset)
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        "Sources", "Counts", "Licences, as the pool records them", "Opt-outs", "How to make it again"
    ]  # fmt: skip
    assert "1. substring filter, for `DTD`: 800 records among 5,000 rows" in text and "and 1 more files" in text
    assert "`hf://datasets/a/b@1234/x.parquet`, 10 bytes, version 1234" in text
    assert "700 images of 2 classes were kept of 1,000 rows" in text and "| `HTTP 404` | 200 |" in text
    assert "| `?` | 2 |" in text and "| none | 1 |" in text and "| `CC-BY 4.0` | 1 |" in text
    assert "left out: 40 rows (`noai` 40)" in text
    commands = [line.strip() for line in text.splitlines() if line.startswith("    python")]
    assert commands == [
        "python filter_laion_metadata_substring.py --query DTD --dbs 'hf://datasets/a/b/*.parquet' --output selected-1",
        "python download_urls_img2dataset.py --r selected-1 --w work --dataset-output dataset --fill 50",
    ]


def test_what_strangers_wrote_stays_in_one_code_span(dataset):
    text = card_text(dataset)
    spans = re.sub("`[^`\n]*`", "", text)
    assert "script" not in spans and "no heading" not in spans and "\u2028" not in text
    write_card(dataset, ["banded"], has_splits=False)
    card = (dataset / "README.md").read_text()
    assert card.startswith("---\nconfigs: [") and card.count("\n---\n") == 1 and card.endswith(text)


@pytest.mark.parametrize("tars", [False, True])
def test_the_hubs_own_reader_finds_licence_labels_and_files(dataset, tars):
    write = partial(write_tars_card, dataset, True) if tars else partial(write_card, dataset, ["a: b", HOSTILE], False)
    write()
    card = DatasetCard.load(dataset / "README.md", ignore_metadata_errors=False)
    assert (card.data.license, card.data.license_name) == ("other", "each-image-has-its-own")
    (config,) = card.data.configs
    if tars:
        assert [files["split"] for files in config["data_files"]] == ["train", "validation"]
    else:
        assert config["features"][1]["dtype"]["class_label"]["names"] == ["a: b", HOSTILE]
    assert "no licence of its own" in card.text


def test_a_run_that_ignored_opt_outs_says_so_and_a_folder_without_a_report_says_nothing(dataset, tmp_path):
    (dataset / "report.json").write_text(json.dumps(REPORT | {"opt_outs": {"kept_to": False, "rows": 0, "hosts": {}}}))
    assert "did not keep to opt-outs" in card_text(dataset)
    (dataset / "report.json").unlink()
    assert card_text(dataset) == ""


def test_a_command_has_the_flags_that_decide_the_records_and_no_place_or_speed():
    parser = filter_laion_metadata_substring.make_parser()
    words = ["--query", "a|b c", "--template-dir", "mine", "--match", "word", "-n", "5", "--workers", "7", "--quiet",
             "--output", "secret-place", "--dbs", "x.parquet", "--names-only"]  # fmt: skip
    assert command_as_run(parser, parse_flags(parser, words)) == [
        "filter_laion_metadata_substring.py", "--query", "a|b c", "--template-dir", "mine", "--names-only",
        "--match", "word", "--quantity", "5",
    ]  # fmt: skip
    parser = download_urls_img2dataset.make_parser()
    words = ["--r", "a", "--w", "b", "--dataset-output", "c", "--nthreads", "3", "--fill", "9", "--nsfw-tags", "NSFW"]
    assert command_as_run(parser, parse_flags(parser, words)) == ["download_urls_img2dataset.py", "--fill", "9"]


def test_no_secret_is_in_a_command():
    secrets = "https://me:pa55@host/x.parquet?X-Amz-Signature=abc#t"
    assert without_secrets(secrets) == "https://host/x.parquet" == without_secrets(f"{secrets}")
    assert without_secrets(f"KEY={secrets}") == "KEY=https://host/x.parquet"
    assert "hf_" not in without_secrets("hf_abcdefghijklmnop") and without_secrets("a?b*.parquet") == "a?b*.parquet"
