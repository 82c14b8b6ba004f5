"""Every script, as a newcomer meets it: `--help` from anywhere, with nothing installed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import filter_laion_metadata_semantic as semantic
import filter_laion_metadata_substring as substring
from retrieval.cli import parse_flags

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(
    path.relative_to(ROOT)
    for folder in (".", "knn_indices_helper", "dataset_helper", "demo", "benchmarks")
    for path in (ROOT / folder).glob("*.py")
    if "__main__" in path.read_text(encoding="utf-8")
)


def help_page(script: Path) -> subprocess.CompletedProcess:
    # -S: no site-packages, so not one third-party package can be imported.
    return subprocess.run(
        [sys.executable, "-S", str(ROOT / script), "--help"], cwd="/", capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_help_prints_from_anywhere_with_no_third_party_package_and_shows_a_command(script):
    done = help_page(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"python \S*{re.escape(script.name)}", done.stdout), "the docstring has no command that runs"


def test_the_usage_of_a_stage_has_only_what_must_be_given(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    usage = substring.make_parser().format_usage() + semantic.make_parser().format_usage()
    assert usage == (
        "usage: filter_laion_metadata_substring.py --dbs SHARD [SHARD ...] [flags]\n"
        "usage: filter_laion_metadata_semantic.py --query-dataset NAMES --output-dir FOLDER [flags]\n"
    )
    page = substring.make_parser().format_help()
    assert "  -d, --pool, --dbs SHARD [SHARD ...]\n" in page and "  --no-hits  " in page


def test_one_spelling_of_classes_pool_and_output_serves_both_filters():
    words = ["--query", "hen|cow", "--pool", "a.parquet", "--output", "out"]
    first, second = (parse_flags(stage.make_parser(), words) for stage in (substring, semantic))
    assert (first.query, first.dbs, first.output) == (second.query_dataset, second.pool, second.output_dir)


def test_the_scripts_of_the_pipeline_are_all_there():
    names = {str(script) for script in SCRIPTS}
    assert names >= {
        "filter_laion_metadata_substring.py",
        "filter_laion_metadata_semantic.py",
        "download_urls_img2dataset.py",
        "knn_indices_helper/compute_text_embeddings.py",
        "knn_indices_helper/compute_image_embeddings.py",
        "knn_indices_helper/build_knn_index.py",
        "knn_indices_helper/assemble_index_folder.py",
        "knn_indices_helper/download_metadata_and_embed_concurrent.py",
        "knn_indices_helper/download_img_indices_concurrent.py",
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_an_unknown_flag_is_exit_code_2(script):
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / script), "--no-such-flag"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
