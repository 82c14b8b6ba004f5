"""The documents agree with the sources: flags, files, messages, commands."""

import argparse
import importlib
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "demo" / "README.md"])
SOURCES = [*ROOT.glob("*.py"), *ROOT.glob("retrieval*/**/*.py"), *ROOT.glob("*_helper/*.py")]
DATASETS_PYTHON = Path(os.environ.get("DATASETS_PYTHON", ROOT / ".venv-datasets" / "bin" / "python"))
OTHERS = {"--embeddings=", "--index_path=", "--index_infos_path=", "--metric_type=",  # autofaiss
          "--repo-type", "--include", "--local-dir",  # hf
          "--parsable", "--array", "--dependency", "--gres", "--rm",  # sbatch, docker
          "--head", "--address", "--master"}  # ray, spark  # fmt: skip


def test_the_page_of_flags_is_what_help_says():
    written = (ROOT / "docs" / "flags.md").read_text(encoding="utf-8")
    page = runpy.run_path(str(ROOT / "docs" / "write_flags.py"))["page"]()
    assert written == page, "write it again: python docs/write_flags.py"


def known_flags() -> set[str]:
    """Every long flag that any source of ours adds to a parser."""
    added = re.compile(r'add_argument\(\s*(?:"-\w", )?((?:"--[\w-]+",?\s*)+)')
    known = set()
    for path in [*SOURCES, *ROOT.glob("benchmarks/*.py"), *ROOT.glob("demo/*.py"), *ROOT.glob("docs/*.py")]:
        for match in added.finditer(path.read_text(encoding="utf-8")):
            known.update(re.findall(r"--[\w-]+", match[1]))
    return known | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_flag_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    named = {flag.replace("_", "-") for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", text)}
    others = {flag.rstrip("=").replace("_", "-") for flag in OTHERS}
    assert named - known_flags() - others == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_of_ours_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    folders = "retrieval|knn_indices_helper|dataset_helper|slurm|benchmarks|demo|docs|tests|retrieval_templates"
    named = re.findall(
        rf"(?<![\w/.-])(?!retrieval_templates/X\.py)(?:{folders})/[\w./-]+\.\w+|(?<![\w/.-])[\w-]+\.py\b", text
    )
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    here = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.*") if ".venv" not in path.parts}
    names = {Path(path).name for path in [*tracked, *here]}
    assert [name for name in named if name not in here and Path(name).name not in names] == []


def anchor_of(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_to_a_file_and_to_a_heading_in_it(page):
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")) if "://" not in link]
    for path, _, anchor in (link.partition("#") for link in links):
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor and target.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(anchor_of, headings), f"{path}#{anchor}"


def test_every_function_that_contributing_names_is_in_the_file_beside_it():
    rows = re.findall(r"^\|.*\.py`.*$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 8
    for row in rows:
        cell = row.split("|")[2]
        source = "".join((ROOT / path).read_text(encoding="utf-8") for path in re.findall(r"`([\w/]+\.py)`", cell))
        for name in re.findall(r"`(\w+)(?:\.\w+)?`", cell):
            assert re.search(rf"^(?:def|class) {name}\b|^{name} = ", source, re.MULTILINE), f"{name}: {cell}"


def test_every_command_of_the_readme_parses():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    python (\w+)\.py (.*)$", text, re.MULTILINE)
    assert {name for name, _ in commands} >= {
        "filter_laion_metadata_substring", "filter_laion_metadata_semantic", "download_urls_img2dataset"
    }  # fmt: skip
    from retrieval.cli import parse_flags

    for name, words in commands:
        parser = importlib.import_module(name).make_parser()
        assert isinstance(parse_flags(parser, shlex.split(words)), argparse.Namespace)


@pytest.fixture
def small_dataset(tmp_path, monkeypatch):
    """The working folder is one in which the downloader left an ImageFolder and its tars, where README has them."""
    from PIL import Image

    from retrieval.dataset_card import write_card
    from retrieval.download.image_folder import write_metadata
    from retrieval.download.plan import METADATA_COLUMNS, RECORD_COLUMNS
    from retrieval.download.plan_outcome import _entry_of
    from retrieval.download.tar_shards import write_tars

    dataset = tmp_path / "outputs" / "demo" / "dataset"
    entries = []
    for number, name in enumerate(["banded", "banded", "woven"]):
        (dataset / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(dataset / name / f"{number}.jpg")
        row = dict.fromkeys([*RECORD_COLUMNS, *METADATA_COLUMNS, "classes", "split"])
        entries.append(_entry_of(row | {"key": f"{number}", "QUERY": name, "TEXT": name, "URL": ""}))
    write_metadata(dataset, entries, [], {"banded": "banded", "woven": "woven"})
    write_card(dataset, ["banded", "woven"], has_splits=False)
    totals = {
        "rows_read": 3,
        "kept": 3,
        "dropped": {},
        "classes": {},
        "folders": {"banded": "banded", "woven": "woven"},
    }
    (dataset / "report.json").write_text(json.dumps(totals))
    (tmp_path / "outputs" / "tars").mkdir()
    write_tars(dataset, tmp_path / "outputs" / "tars")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("library", ["torchvision", "datasets", "webdataset"])
def test_the_readmes_lines_for_loading_a_dataset_run(library, small_dataset, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    python = DATASETS_PYTHON if library == "datasets" else Path(sys.executable)
    if not python.exists():
        pytest.skip(f"{python} is not there: make .venv-datasets/.complete")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"^With .*\b{library}\b.*\n\n((?:    .*\n)+)", text, re.MULTILINE)[1]
    check = "assert image.size == (8, 8) and int(label) == 0"
    done = subprocess.run([python, "-c", textwrap.dedent(block) + check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_variable_that_a_page_gives_to_sbatch_is_read_by_its_script():
    commands = [
        (variables.split(), script)
        for page in PAGES
        for variables, script in re.findall(
            r"((?:[A-Z]+=\S+ )+)sbatch.*? (slurm/\w+\.sbatch)", page.read_text(encoding="utf-8")
        )
    ]
    assert len(commands) >= 5
    for variables, script in commands:
        text = (ROOT / script).read_text(encoding="utf-8")
        unread = [word for word in variables if not re.search(rf"\$\{{{word.partition('=')[0]}\b", text)]
        assert unread == [], f"{script} reads no {unread}"


def test_every_message_of_the_troubleshooting_page_is_in_the_source():
    source = " ".join(path.read_text(encoding="utf-8") for path in SOURCES)
    source = re.sub(r'"\s*f?"', "", source).replace("{{", "{").replace("}}", "}")  # joined, as Python joins them
    quoted = re.findall(r"^> `(.*)`$", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(quoted) >= 10
    for message in quoted:
        for part in filter(None, (part.strip() for part in message.split("…"))):
            assert part in source.replace("`", ""), part


def test_the_readmes_tree_lists_every_module():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = text[text.index("## Files") :]
    listed = set(re.findall(r"[\w/]+\.(?:py|html)\b", tree))
    data = ("retrieval_templates", "written")  # one file per template
    modules = {path.name for path in SOURCES if path.name != "__init__.py" and path.parent.name not in data}
    assert modules - listed == set(), "not in the tree"
    assert {name for name in listed if name.endswith(".py")} - modules == set(), "in the tree, but gone"


def test_the_lines_of_a_funnel_are_the_downloaders_reasons():
    source = " ".join(path.read_text(encoding="utf-8") for path in SOURCES)
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]*`) \|", page, re.MULTILINE)
    reasons = [reason for row in rows for reason in re.findall(r"`([^`]+)`", row)]
    assert len(reasons) >= 12
    assert [reason for reason in reasons if f'"{reason}"' not in source and f"'{reason}'" not in source] == []
