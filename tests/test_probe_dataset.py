"""dataset_helper/probe_dataset.py: whose class a folder means, what the figures say, the JSON, the page."""

import contextlib
import io
import json
import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from browser import drawn_by_a_browser, needs_browser
from PIL import Image
from tiny_clip import write_tiny_clip

from retrieval.class_folders import class_folders
from retrieval.cli import UserError
from retrieval.dataset.folder_classes import class_of_folders, named_folders
from retrieval.dataset.probe import HELD_OUT, is_held_out, places_in_class
from retrieval.dataset.probe_figures import accuracy_of, compared, confusions

SCRIPTS = Path(__file__).parent.parent / "dataset_helper"
sys.path.insert(0, str(SCRIPTS))  # for its `import _root`
MAIN = runpy.run_path(str(SCRIPTS / "probe_dataset.py"))["main"]
HOSTILE = "</script><img src=x onerror=alert(1)>"
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "sea blue": (30, 30, 220)}

# ---- figures ----


@pytest.mark.parametrize(("right", "of"), [(0, 7), (7, 7), (3, 7), (488, 500), (1, 1)])
def test_the_interval_is_wilsons(right, of):
    figures = accuracy_of(np.arange(of) < right)
    theirs = scipy.stats.binomtest(right, of).proportion_ci(0.95, method="wilson")
    assert (figures["right"], figures["of"]) == (right, of) and figures["accuracy"] == pytest.approx(
        right / of, abs=1e-6
    )
    assert (figures["low"], figures["high"]) == (
        pytest.approx(theirs.low, abs=2e-6),
        pytest.approx(theirs.high, abs=2e-6),
    )


def test_of_no_pictures_there_is_no_accuracy():
    assert accuracy_of(np.zeros(0, bool)) == {"right": 0, "of": 0, "accuracy": None, "low": None, "high": None}


def test_two_ways_are_compared_on_the_pictures_where_one_alone_is_right():
    this, other = np.array([1, 1, 1, 1, 1, 1, 0, 1], bool), np.array([0, 0, 0, 0, 0, 0, 1, 1], bool)
    assert compared(this, other) == {"only_this": 6, "only_other": 1, "p": round(2 * (1 + 7) / 2**7, 6)}
    assert compared(this, this)["p"] == 1


def test_confusions_count_each_wrong_pair_the_most_frequent_first():
    assert confusions(np.array([1, 1, 0, 2, 0]), np.array([0, 0, 0, 1, 2])) == [[0, 1, 2], [1, 2, 1], [2, 0, 1]]


def test_places_in_a_class_count_from_its_first_picture():
    labels = np.random.default_rng(0).integers(0, 5, 200)
    assert places_in_class(labels).tolist() == [int((labels[:at] == labels[at]).sum()) for at in range(200)]


def test_one_picture_in_five_is_held_out_or_those_of_the_validation_split():
    held_out = [is_held_out(f"banded/{number}.jpg", "banded", f"{number:064x}") for number in range(1000)]
    assert abs(sum(held_out) - 1000 / HELD_OUT) < 50
    assert is_held_out("val/banded/1.jpg", "banded", "0") and not is_held_out("train/banded/1.jpg", "banded", "1")
    same = [is_held_out(name, "val", "7") for name in ("val/1.jpg", "val/more/1.jpg")]
    assert same[0] == same[1] == is_held_out("x/1.jpg", "x", "7")


# ---- classes ----


def test_a_folder_means_the_class_of_its_name_or_of_the_same_letters():
    names = ["tiger shark", "a/b", "colt's foot", "737-200"]
    folders = ["Tiger_Shark", "a_b", "colts foot", "737-200", "unheard of"]
    assert class_of_folders(folders, names) == {
        "Tiger_Shark": "tiger shark", "a_b": "a/b", "colts foot": "colts foot", "737-200": "737-200",
        "unheard of": "unheard of",
    }  # fmt: skip
    assert class_of_folders(["x y"], ["x-y", "x_y"]) == {"x y": "x y"}  # which of the two, nobody knows
    assert class_of_folders(["!?"], ["..."]) == {"!?": "!?"}


def test_a_folder_of_the_downloader_means_its_class_also_where_two_classes_would_share_one():
    names = ["a/b", "a_b", "a:b", "CON", "x" * 300]
    folders = class_folders(names)
    assert class_of_folders(list(folders.values()), names) == {folder: name for name, folder in folders.items()}


def test_numbers_count_the_classes_of_the_template():
    template = ["banded", "woven", "grid"]
    assert class_of_folders(["0", "02"], template, template) == {"0": "banded", "02": "grid"}
    with pytest.raises(UserError, match="numbers up to 3, and the template has 3 classes"):
        class_of_folders(["1", "3"], template, template)
    assert class_of_folders(["1", "3"], ["1"]) == {"1": "1", "3": "3"}


def test_two_folders_of_one_class_are_refused(tmp_path):
    with pytest.raises(UserError, match="both mean the class 'tiger shark'"):
        class_of_folders(["tiger_shark", "tiger-shark"], ["tiger shark"])
    (tmp_path / "names.json").write_text('{"n1": "tench", "n2": "tench"}')
    with pytest.raises(UserError, match="both mean the class 'tench'"):
        named_folders(["n1", "n2"], tmp_path / "names.json")
    with pytest.raises(UserError, match="has no class for 1 folders, the first is 'n3'"):
        named_folders(["n1", "n3"], tmp_path / "names.json")
    assert named_folders(["n1"], tmp_path / "names.json") == {"n1": "tench"}


# ---- the script ----


def paint(folder: Path, colour: tuple, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = random.normal(colour, 60, (24, 24, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`whole` and `lacking` (without sea blue, with brown), a test set, and a dataset of ours with a hostile class."""
    root = tmp_path_factory.mktemp("made")
    for seed, (name, colour) in enumerate(COLOURS.items()):
        paint(root / "whole" / name, colour, 12, seed)
        paint(root / "test" / name.replace(" ", "_").title(), colour, 6, seed + 10)
    shutil.copytree(root / "whole", root / "lacking")
    shutil.rmtree(root / "lacking" / "sea blue")
    paint(root / "lacking" / "brown", (120, 70, 30), 4, 20)
    paint(root / "ours" / "red", COLOURS["red"], 6, 21)
    paint(root / "ours" / "odd", COLOURS["green"], 6, 22)
    entries = [
        {"file_name": str(path.relative_to(root / "ours")), "QUERY": "", "url": "", "sources": []}
        for path in sorted((root / "ours").glob("*/*.png"))
    ]
    (root / "ours" / "metadata.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (root / "ours" / "report.json").write_text(json.dumps({"folders": {"red": "red", HOSTILE: "odd"}}))
    (root / "names.json").write_text(json.dumps({"Red": "red", "Green": HOSTILE, "Sea_Blue": "sea blue"}))
    return root, write_tiny_clip(root)


@pytest.fixture(scope="module")
def probe(made):
    """Runs the script in this process, as torch and open_clip take seconds to import."""
    root, model = made

    def run(*datasets, output="out", code=0, test="test", more=()):
        words = [*(root / name for name in datasets), "--test", root / test, "--model", model, "--device", "cpu"]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            returned = MAIN([*map(str, words), "--output", str(root / output), *map(str, more)])
        assert returned == code, err.getvalue()
        return SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue())

    return run


@pytest.fixture(scope="module")
def probed(made, probe):
    root, _ = made
    done = probe("whole", "lacking", output="probed")
    return done, json.loads((root / "probed" / "probe.json").read_text())


def test_a_probe_learns_colours_that_the_model_does_not_know_by_name(probed):
    done, result = probed
    whole, lacking = result["datasets"]
    assert whole["accuracy"]["right"] >= 17 and result["test"]["pictures"] == 18
    assert result["zero_shot"]["accuracy"]["accuracy"] < whole["accuracy"]["low"]
    assert [point["per_class"] for point in whole["curve"]] == [1, 2, 4, 8, 12]
    assert [point["pictures"] for point in whole["curve"]] == [3, 6, 12, 24, 36]
    assert 0 < whole["held_out"] < 36 and whole["classes"][0]["pictures"] == 12
    assert [(pair["this"], pair["other"]) for pair in result["pairs"]][0] == ("whole", "lacking")
    header, *lines = done.stdout.splitlines()
    assert len(lines) == 3 and lines[-1].startswith("zero-shot") and "95 % interval" in header


def test_a_class_without_training_pictures_is_named_and_counts_as_wrong(probed):
    done, result = probed
    lacking = result["datasets"][1]
    assert lacking["without_pictures"] == ["sea blue"] and lacking["unused_classes"] == {"brown": 4}
    assert lacking["accuracy"]["of"] == 18 and lacking["covered"]["of"] == 12
    assert lacking["accuracy"]["right"] == lacking["covered"]["right"] <= 12
    assert lacking["classes"][2]["pictures"] == lacking["classes"][2]["right"] == 0
    assert "has no picture of 1 test classes" in done.stderr and "'sea blue'" in done.stderr
    assert "4 pictures of 1 classes that are not in --test were not used: 'brown'" in done.stderr
    assert done.stderr.rstrip().endswith("18 test pictures = 18 tested")


def test_the_same_command_again_embeds_nothing_and_writes_the_same_bytes(made, probe, probed):
    root, _ = made
    before = {name: (root / "probed" / name).read_bytes() for name in ("probe.json", "probe.html")}
    done = probe("whole", "lacking", output="probed")
    assert done.stderr.count("36 pictures, 36 of them embedded before") == 1 and "18 of them embedded" in done.stderr
    assert {name: (root / "probed" / name).read_bytes() for name in before} == before
    assert not list((root / "test").glob("*.features")) and (root / "whole.features").is_dir()


def test_a_hostile_class_name_ends_no_script_element(made, probe):
    root, _ = made
    probe("ours", output="hostile", more=("--test-names", root / "names.json"))
    page = (root / "hostile" / "probe.html").read_text()
    assert page.count("</script>") == 2 and "<img" not in page and "@data@" not in page and "@style@" not in page
    result = json.loads((root / "hostile" / "probe.json").read_text())
    assert {"class": HOSTILE, "folder": "Green"} in result["test"]["classes"]
    assert result["datasets"][0]["accuracy"]["right"] >= 10


def test_a_test_picture_that_does_not_decode_is_counted_and_exit_1(made, probe):
    root, _ = made
    shutil.copytree(root / "test", root / "broken")
    (root / "broken" / "Red" / "0.png").write_bytes(b"no image")
    done = probe("whole", output="broken-out", test="broken", code=1)
    assert done.stderr.rstrip().endswith("18 test pictures = 17 tested + 1 that do not decode")


def test_mistakes_are_one_sentence_each(made, probe):
    root, _ = made
    (root / "empty").mkdir(exist_ok=True)
    paint(root / "strange" / "x1", (0, 0, 0), 1, 1)
    for datasets, test, more, sentence in (
        (["whole", "whole"], "test", (), "a DATASET is given twice"),
        (["whole"], "whole", (), "is a DATASET too"),
        (["whole"], "whole/red", (), "shares its pictures with"),
        (["whole"], "test", ("--features", root / "whole" / "f"), "is a part of the dataset"),
        (["nowhere"], "test", (), "is not a folder"),
        (["empty"], "test", (), "has no images"),
        (["strange"], "test", (), "none of its classes is a class of --test"),
        (["whole"], "test", ("--test-names", root / "nowhere.json"), "is no file"),
        (["whole"], "test", ("--template", "Nothing"), "there is no template 'Nothing'"),
    ):
        done = probe(*datasets, test=test, more=more, code=2)
        assert sentence in done.stderr.splitlines()[-1], done.stderr
    assert "where each folder is a class" in probe("whole", output="whole/out", code=2).stderr


@needs_browser
def test_a_browser_draws_every_section_and_runs_no_strangers_code(made, probe, tmp_path):
    root, _ = made
    probe("ours", "lacking", output="seen", more=("--test-names", root / "names.json"))
    headings = ("Accuracy", "One against the other", "More pictures", "Class by class", "What is taken for what")
    shown = drawn_by_a_browser(root / "seen" / "probe.html", tmp_path, (*headings, "zero-shot, with no picture"))
    main = shown.split('<script type="application/json"')[0]
    assert all(f">{heading}</h2>" in main for heading in (*headings, "Settings"))
    assert "<img" not in main and "&lt;/script&gt;&lt;img src=x" in main and "16 pictures of 2 classes" in main
