"""judge_images.py: scores against open_clip and numpy, the choice against a plain one, kills, the page to review."""

import csv
import html
import json
import random
import re
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import judge_images
import numpy as np
import open_clip
import pytest
import torch
from browser import ACTIONS, acted_in_a_browser, needs_browser
from killed_runs import killed_runs
from PIL import Image
from tiny_clip import write_tiny_clip

from retrieval.class_folders import class_folders
from retrieval.dataset import choice
from retrieval.dataset.choice import Rules, choose
from retrieval.dataset.image_scores import Scores, score_images
from retrieval.dataset_card import write_card
from retrieval.dataset_files import write_entries
from retrieval.drop_lists import lines_of
from retrieval.files import write_json
from retrieval.report import write_report

CLASSES = ["woven", "tiger shark", "a/b"]  # the template's order, not that of the names


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return write_tiny_clip(tmp_path_factory.mktemp("model"))


def make_dataset(folder: Path, images: int, classes: list[str] = CLASSES, split: bool = False) -> Path:
    """What the downloader leaves of images of random colours, the n-th of class n modulo their number."""
    folders, entries = class_folders(classes), []
    for number in range(images):
        name = classes[number % len(classes)]
        entry = {"key": f"{10_000 + number}", "label": folders[name], "QUERY": name, "url": f"http://h/{number}.jpg",
                 "caption": "", "also_asked_by": [], "sources": [{"SOURCE": "substring", "MATCHED": name}]}  # fmt: skip
        entry |= {"split": ("train", "val")[number % 5 == 0]} if split else {}
        file = folder / entry.get("split", "") / folders[name] / f"{entry['key']}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((40, 40)).save(file)
        entries.append(entry)
    kept = Counter(entry["QUERY"] for entry in entries)
    totals = {"rows_read": images + 2, "kept": images, "dropped": {"HTTP 404": 2}, "images": images,
              "classes": {name: {"asked": kept[name], "live": kept[name], "kept": kept[name]} for name in classes},
              "folders": folders, "class_order": classes, "choice": {}, "hosts": {}, "stages": []}  # fmt: skip
    write_entries(folder, entries, ("train", "val") if split else ())
    write_card(folder, sorted(folders.values()), split)
    write_json(folder / "report.json", totals)
    write_json(folder / "settings.json", {"image_size": 40})
    return folder


def judged(dataset: Path, *flags, code: int = 0) -> list[dict]:
    """The lines of --scores, by file."""
    scores = dataset.with_name("scores.csv")
    words = [dataset, "--scores", scores, "--device", "cpu", *flags]
    assert judge_images.main([str(word) for word in words]) == code
    return list(csv.DictReader(scores.open(encoding="utf-8", newline="")))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---- scores ----


@pytest.mark.parametrize("mean", ["normalised", "raw"])
def test_scores_are_those_of_open_clip_and_numpy(tmp_path, model, mean):
    dataset, prompts = make_dataset(tmp_path / "data", 12), ["a photo of {}.", "the {}", "art of a {}"]
    (tmp_path / "T.py").write_text(f"classes = {CLASSES}\ntemplates = {prompts}")
    lines = judged(dataset, "--model", model, "--template", "T", "--template-dir", tmp_path, "--text-mean", mean)
    network, _, preprocess = open_clip.create_model_and_transforms("tiny-random", pretrained=model.split("/", 1)[1])
    texts = []
    with torch.no_grad():
        for name in CLASSES:
            tokens = open_clip.tokenize([prompt.format(name) for prompt in prompts])
            texts.append(network.eval().encode_text(tokens, normalize=mean == "normalised").mean(dim=0))
        texts = torch.nn.functional.normalize(torch.stack(texts), dim=1)
        pixels = torch.stack([preprocess(Image.open(dataset / line["file_name"])) for line in lines])
        cosines = (network.encode_image(pixels, normalize=True) @ texts.T).numpy()
    own = np.array([CLASSES.index(line["class"]) for line in lines])
    assert np.abs(cosines[range(12), own] - [float(line["clip_score"]) for line in lines]).max() < 1e-3
    for line, of_image, number in zip(lines, cosines, own, strict=True):
        gaps = np.abs(np.diff(np.sort(of_image)))
        if gaps.min() > 2e-3:  # features are kept in float16
            assert line["clip_class"] == CLASSES[of_image.argmax()]
            assert int(line["clip_rank"]) == 1 + (of_image > of_image[number]).sum()


def test_ranks_count_the_nearer_classes():
    rng = np.random.default_rng(0)
    rows, texts = (rng.normal(size=(n, 8)).astype(np.float32) for n in (50, 7))
    own = rng.integers(0, 7, 50)
    scores, cosines = score_images(rows, texts, own), rows @ texts.T
    for number in range(50):
        order = sorted(range(7), key=lambda name: -cosines[number, name])
        assert scores.rank[number] == 1 + order.index(own[number]) and scores.nearest[number] == order[0]
        assert abs(scores.own[number] - cosines[number, own[number]]) < 1e-5


# ---- the choice ----


def plainly_chosen(keys, classes, rows, scores, rules) -> list[str | None]:
    """The rules of --help, image by image."""
    reasons, by_class = dict.fromkeys(keys), defaultdict(list)
    score_of, rank_of = dict(zip(keys, scores.own, strict=True)), dict(zip(keys, scores.rank, strict=True))
    row_of = dict(zip(keys, rows, strict=True))
    for key, name in zip(keys, classes, strict=True):
        by_class[name].append(key)
    for name, members in by_class.items():
        kept = []
        for key in sorted(members, key=lambda key: (-score_of[key], key)):
            least = rules.thresholds.get(name, rules.min_score)
            if key in rules.drop:
                reasons[key] = choice.DROPPED
            elif rules.agree and rank_of[key] > rules.agree:
                reasons[key] = choice.DISAGREES
            elif least is not None and score_of[key] < least:
                reasons[key] = choice.LOW_IN_CLASS if name in rules.thresholds else choice.LOW
            elif rules.duplicate_cosine and any(row_of[key] @ row_of[o] >= rules.duplicate_cosine for o in kept):
                reasons[key] = choice.SIMILAR
            else:
                kept.append(key)
        for place, key in enumerate(kept):
            if rules.keep_fraction and place >= rules.keep_fraction * len(members) - 1e-9:
                reasons[key] = choice.OVER_FRACTION
            elif rules.max_per_class and place >= rules.max_per_class:
                reasons[key] = choice.OVER_MAXIMUM
    return list(reasons.values())


def test_the_choice_is_the_plain_one(monkeypatch):
    monkeypatch.setattr(choice, "BLOCK_ROWS", 7)
    draw = random.Random(1)
    for seed in range(150):
        rng = np.random.default_rng(seed)
        count, names = draw.randint(0, 60), ["cat", "dog", "cow"]
        keys = [str(key) for key in draw.sample(range(1000), count)]
        rows = rng.normal(size=(count, 3)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        own = rng.integers(-5, 6, count).astype(np.float32) / 10  # with equals
        scores = Scores(own, rng.integers(1, 4, count), rng.integers(0, 3, count))
        classes = [draw.choice(names) for _ in keys]
        rules = Rules(
            drop=frozenset(draw.sample(keys, count // 9)),
            agree=draw.choice([None, 1, 2]),
            min_score=draw.choice([None, -0.2, 0.1]),
            thresholds=draw.choice([{}, {"cat": 0.2}]),
            duplicate_cosine=draw.choice([None, 0.9, 0.5]),
            keep_fraction=draw.choice([None, 0.3, 0.5, 1.0]),
            max_per_class=draw.choice([None, 1, 5]),
        )
        assert choose(keys, classes, rows, scores, rules) == plainly_chosen(keys, classes, rows, scores, rules)


def test_diverse_keeps_the_best_and_then_what_differs():
    angles = np.radians([0, 1, 2, 90, 91])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    scores = Scores(np.array([0.9, 0.8, 0.7, 0.3, 0.2], np.float32), np.ones(5, int), np.zeros(5, int))
    best, differing = (
        choose(list("abcde"), ["x"] * 5, rows, scores, Rules(max_per_class=2, diverse=diverse))
        for diverse in (False, True)
    )
    assert [reason is None for reason in best] == [True, True, False, False, False]
    assert [reason is None for reason in differing] == [True, False, False, False, True]


# ---- what is written ----


@pytest.mark.parametrize("split", [False, True])
def test_the_folder_holds_links_metadata_and_a_funnel_that_adds_up(tmp_path, model, split):
    from torchvision.datasets import ImageFolder

    dataset, output, ids = make_dataset(tmp_path / "data", 30, split=split), tmp_path / "out", tmp_path / "ids.txt"
    flags = ("--model", model, "--agree", 2, "--max-per-class", 4, "--output", output, "--ids", ids)
    lines = judged(dataset, *flags)
    kept = {line["file_name"] for line in lines if line["outcome"] == "kept"}
    assert 0 < len(kept) < 30 and {str(path.relative_to(output)) for path in output.glob("**/*.jpg")} == kept
    assert all((output / name).samefile(dataset / name) for name in kept)
    entries = [json.loads(line) for line in (output / "metadata.jsonl").read_text().splitlines()]
    before = {entry["key"]: entry for entry in map(json.loads, (dataset / "metadata.jsonl").open())}
    for entry in entries:
        assert before[entry["key"]] == {name: value for name, value in entry.items() if not name.startswith("clip_")}
        assert (type(entry["clip_score"]), type(entry["clip_rank"]), type(entry["clip_class"])) == (float, int, str)
    assert (
        ids.read_text().split()
        == [entry["key"] for entry in entries]
        == sorted(json.load((output / "metadata.json").open()))
    )
    step = json.loads((output / "report.json").read_text())["judged"][0]
    assert step["images"] == 30 == step["kept"] + sum(step["dropped"].values()) and step["kept"] == len(kept)
    page = json.loads(re.search(r'id="data">(.*?)</script>', (output / "report.html").read_text(), re.S)[1])
    assert page["funnel"][-1] == ["kept", "images kept by the judge", len(kept)] and page["records"] == len(kept)
    for top in (output / "train", output / "val") if split else (output,):
        assert ImageFolder(top, allow_empty=True).classes == sorted({entry["label"] for entry in entries})
    shutil.rmtree(tmp_path / "data.features")
    chosen = files_of(output)
    judged(dataset, *flags)  # over itself
    assert files_of(output) == chosen


def test_killed_at_random_moments_it_ends_with_the_same_bytes(tmp_path, model):
    dataset = make_dataset(tmp_path / "data", 400)

    def flags(output: str) -> list[str]:
        words = [dataset, "--model", model, "--agree", 2, "--output", tmp_path / output, "--device", "cpu"]
        return [str(word) for word in (*words, "--features", tmp_path / f"{output} features")]

    preload = [
        "judge_images",
        "retrieval.clip_model",
        "retrieval.dataset.image_features",
        "retrieval.report",
        "PIL.Image",
    ]
    for output in killed_runs(judge_images.main, preload, flags, 3):
        parts = {path: path.stat().st_ino for path in (tmp_path / f"{output} features").rglob("img_emb_*.json")}
        assert judge_images.main(flags(output)) == 0
        assert files_of(tmp_path / f"{output} features") == files_of(tmp_path / "whole features")
        pages = [files_of(tmp_path / name) for name in (output, "whole")]
        for page in pages:
            page["report.html"] = re.sub(b'"title": "[^"]*"', b"", page["report.html"])
        assert pages[0] == pages[1] and len(pages[0]) > 200
        assert parts == {path: path.stat().st_ino for path in parts}, "nothing is embedded twice"
        assert not list(tmp_path.glob(".*.part")) and not list(tmp_path.glob(".*.old"))


def test_a_broken_image_is_named_and_takes_no_other_with_it(tmp_path, model, capsys):
    dataset = make_dataset(tmp_path / "data", 9)
    (dataset / "woven" / "10000.jpg").write_bytes(b"<html>gone</html>")
    lines = judged(dataset, "--model", model, "--output", tmp_path / "out")
    assert Counter(line["outcome"] for line in lines) == {"kept": 8, "no image": 1}
    said = capsys.readouterr().err
    assert "1 images cannot be judged and are left out ('woven/10000.jpg': no image)" in said
    assert said.splitlines()[-1] == "9 images = 8 kept + 1 no image"


def test_drop_takes_keys_files_and_urls_and_thresholds_are_of_classes(tmp_path, model, capsys):
    dataset = make_dataset(tmp_path / "data", 9)
    (tmp_path / "drop.txt").write_text("# seen\n10000\nwherever/10001.jpg\nhttp://h/2.jpg\n77\n")
    (tmp_path / "least.json").write_text('{"woven": 2}')
    flags = ("--model", model, "--drop", tmp_path / "drop.txt", "--per-class-thresholds", tmp_path / "least.json")
    outcomes = [line["outcome"] for line in judged(dataset, *flags, "--rejects", tmp_path / "rejects.txt")]
    assert (tmp_path / "rejects.txt").read_text().split() == ["10000", "10001", "10002", "10003", "10006"]
    assert outcomes == [choice.DROPPED] * 3 + [choice.LOW_IN_CLASS, "kept", "kept"] * 2
    said = capsys.readouterr().err
    assert "1 of 4 lines name no image of the dataset (first: 77)" in said
    assert "1 classes keep no image: 'woven'" in said


@pytest.mark.parametrize("flags, sentence", [
    ([], "nothing would be written"),
    (["--ids", "{}/ids", "--keep-fraction", "0"], "a share above 0"),
    (["--ids", "{}/ids", "--min-score", "25"], "a cosine is a number"),
    (["--ids", "{}/ids", "--agree", "0"], "must be at least 1"),
    (["--ids", "{}/ids", "--diverse"], "add it"),
    (["--ids", "{}/ids", "--template", "DTD"], "is not in the template DTD"),
    (["--ids", "{}/ids", "--drop", "{}/none"], "is not there"),
    (["--ids", "{}/ids", "--per-class-thresholds", "{}/bad.json"], "has no class 'cat'"),
    (["--ids", "{}/ids", "--features", "{}/bad.json"], "--features"),
    (["--output", "{}/data/inside"], "lie in each other"),
    (["--output", "{}/mine"], "did not make"),
])  # fmt: skip
def test_bad_input_is_one_sentence(tmp_path, model, capsys, flags, sentence):
    dataset = make_dataset(tmp_path / "data", 3)
    (tmp_path / "bad.json").write_text('{"cat": 0.2}')
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    words = [str(dataset), "--model", model, *(flag.format(tmp_path) for flag in flags)]
    assert judge_images.main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and sentence in said


def test_another_choice_is_replaced_only_when_told(tmp_path, model):
    dataset, output = make_dataset(tmp_path / "data", 6), tmp_path / "out"
    words = [str(dataset), "--model", model, "--output", str(output)]
    assert judge_images.main(words) == 0
    assert judge_images.main([*words, "--max-per-class", "1"]) == 2
    assert judge_images.main([str(make_dataset(tmp_path / "other", 6)), *words[1:]]) == 2
    assert judge_images.main([*words, "--max-per-class", "1", "--overwrite"]) == 0
    assert len(list(output.glob("*/*.jpg"))) == 3


# ---- an ImageFolder of somebody else ----


def make_plain(folder: Path, names: dict[str, list[str]]) -> Path:
    """Class folder -> its files, of random colours."""
    for label, files in names.items():
        (folder / label).mkdir(parents=True)
        for number, file in enumerate(files):
            pixels = np.random.default_rng(len(label) + number).integers(0, 256, (4, 4, 3), np.uint8)
            Image.fromarray(pixels).resize((40, 40)).save(folder / label / file)
    return folder


@pytest.fixture
def plain(tmp_path) -> Path:
    (tmp_path / "T.py").write_text(f"classes = {[*CLASSES, 'unseen']}\ntemplates = ['a photo of {{}}.']")
    files = ["1.jpg", "2.PNG", "3.webp"]
    return make_plain(tmp_path / "data", {"Tiger_Shark": files, "a_b": files, "woven": [*files, "4.jpeg"]})


def test_any_image_folder_is_judged_its_folders_mean_the_templates_classes(tmp_path, model, plain):
    flags = ("--model", model, "--template", "T", "--template-dir", tmp_path)
    ids, output = tmp_path / "ids.txt", tmp_path / "out"
    (tmp_path / "drop.txt").write_text("woven/1.jpg\n")
    more = ("--drop", tmp_path / "drop.txt", "--keep-fraction", 0.5, "--ids", ids, "--output", output)
    lines = judged(plain, *flags, *more)
    assert {line["file_name"].split("/")[0]: line["class"] for line in lines} == {
        "Tiger_Shark": "tiger shark", "a_b": "a/b", "woven": "woven",
    }  # fmt: skip
    assert {line["clip_class"] for line in lines} <= {*CLASSES, "unseen"}
    kept = [line["file_name"] for line in lines if line["outcome"] == "kept"]
    assert Counter(name.split("/")[0] for name in kept) == {"Tiger_Shark": 2, "a_b": 2, "woven": 2}
    assert ids.read_text().split() == kept and "woven/1.jpg" not in kept
    assert [str(path.relative_to(output)) for path in sorted(output.glob("*/*"))] == kept
    assert all((output / name).samefile(plain / name) for name in kept)
    before = files_of(output)
    judged(plain, *flags, *more)
    assert files_of(output) == before
    assert len(judged(output, *flags)) == 6  # what was judged is an ImageFolder too


def test_the_same_images_have_the_same_scores_with_and_without_our_metadata(tmp_path, model):
    ours = make_dataset(tmp_path / "data", 12)
    plain = shutil.copytree(ours, tmp_path / "plain", ignore=shutil.ignore_patterns("*.json*", "README.md"))
    (tmp_path / "T.py").write_text(f"classes = {CLASSES}\ntemplates = ['a photo of {{}}.']")
    flags = ("--model", model, "--template", "T", "--template-dir", tmp_path, "--agree", 1)
    wanted = ("file_name", "class", "clip_score", "clip_rank", "clip_class", "outcome")
    both = [sorted([line[name] for name in wanted] for line in judged(data, *flags)) for data in (ours, plain)]
    assert both[0] == both[1]


def test_without_a_template_the_folders_are_the_classes(tmp_path, model, plain):
    assert {line["class"] for line in judged(plain, "--model", model)} == {"Tiger_Shark", "a_b", "woven"}


@pytest.mark.parametrize("folders, flags, sentence", [
    (["woven", "n01", "n02"], [], "2 class folders mean no class of the template: 'n01', 'n02'; rename them, or give"),
    (["train", "val"], [], "holds splits, not classes: give one of them, such as {}/data/train"),
    (["woven", "Woven_"], [], "both mean the class 'woven': join them, or give --folder-names FILE"),
    (["0", "9"], [], "numbers up to 9, and the template has 3 classes"),
    (["woven"], ["--review", "{}/page.html"], "--scores FILE has each image's score"),
    (["n01"], ["--folder-names", "{}/names.json"], "'n01' ('tench')"),
    (["n02"], ["--folder-names", "{}/names.json"], "has no class for 1 folders"),
    (["n02"], ["--folder-names", "{}/none.json"], "is not there"),
    ([], [], "has no images in class folders"),
])  # fmt: skip
def test_folders_that_mean_no_class_are_named(tmp_path, model, capsys, folders, flags, sentence):
    (tmp_path / "T.py").write_text(f"classes = {CLASSES}\ntemplates = ['a photo of {{}}.']")
    (tmp_path / "names.json").write_text('{"n01": "tench"}')
    (tmp_path / "data").mkdir()
    dataset = make_plain(tmp_path / "data", {name: ["1.jpg"] for name in folders})
    words = [dataset, "--model", model, "--template", "T", "--template-dir", tmp_path, "--ids", tmp_path / "ids"]
    assert judge_images.main([str(word).format(tmp_path) for word in (*words, *flags)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and sentence.format(tmp_path) in said


def test_train_and_val_are_no_classes_also_without_a_template(tmp_path, model, capsys):
    (tmp_path / "data").mkdir()
    splits = make_plain(tmp_path / "data", {"train/woven": ["1.jpg"], "val/tiger": ["1.jpg"]})
    assert judge_images.main([str(splits), "--model", model, "--ids", str(tmp_path / "ids")]) == 2
    assert f"holds splits, not classes: give one of them, such as {splits / 'train'}" in capsys.readouterr().err
    vehicles = make_plain(tmp_path / "data2", {"train": ["1.jpg"]})
    assert [line["class"] for line in judged(vehicles, "--model", model)] == ["train"]


@pytest.mark.parametrize("flags, sentence", [
    (["--ids", "{}/x", "--rejects", "{}/./x"], "--ids and --rejects are both {}/x: give each a name of its own"),
    (["--ids", "{}/data/woven/1.jpg"], "--ids {}/data/woven/1.jpg is a part of the dataset"),
    (["--scores", "{}/data/metadata.jsonl"], "--scores {}/data/metadata.jsonl is a part of the dataset"),
    (["--ids", "{}/x", "--features", "{}/data/features"], "--features {}/data/features is a part of the dataset"),
])  # fmt: skip
def test_an_output_never_takes_the_place_of_another_file(tmp_path, model, capsys, flags, sentence):
    dataset = make_dataset(tmp_path / "data", 3)
    before = files_of(tmp_path)
    assert judge_images.main([str(word).format(tmp_path) for word in (dataset, "--model", model, *flags)]) == 2
    assert capsys.readouterr().err.startswith("error: " + sentence.format(tmp_path))
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("key", ["a/1\n2.jpg", "a/1\x852.jpg", "a/1\u20282.jpg", "#1/1.jpg", " 1/1.jpg"])
@pytest.mark.parametrize("flag", ["--ids", "--rejects"])
def test_a_list_is_refused_where_a_files_name_is_not_read_as_one_line(tmp_path, model, capsys, flag, key):
    label, name = key.split("/")
    dataset = make_plain(tmp_path / "data", {"woven": ["1.jpg"], label: [name]})
    assert judge_images.main([str(dataset), "--model", model, flag, str(tmp_path / "list.txt")]) == 2
    assert f"error: {flag} has a line per image, and {ascii(key)} is not read as one line" in capsys.readouterr().err
    assert not (tmp_path / "list.txt").exists()
    assert len(judged(dataset, "--model", model)) == 2  # without a list there is nothing to refuse


def test_a_list_names_files_with_tabs_and_spaces(tmp_path, model):
    files, list_ = ["1\t2.jpg", "1 2.jpg", "#3.jpg"], tmp_path / "list.txt"
    dataset = make_plain(tmp_path / "data", {"woven": files})
    judged(dataset, "--model", model, "--ids", list_)
    assert sorted(lines_of(list_)) == sorted(f"woven/{name}" for name in files)
    assert {line["outcome"] for line in judged(dataset, "--model", model, "--drop", list_)} != {"kept"}


# ---- the page to review ----

HOSTILE = ["<script>alert(1)</script>", "</script><!--", "\u202ereversed", "__proto__", '"quoted"', "#1"]


@needs_browser
def test_the_page_marks_hostile_classes_and_gives_the_list_that_drop_reads(tmp_path):
    dataset = make_dataset(tmp_path / "data", 24, HOSTILE)
    review = {f"{10_000 + n}": {"clip_score": n / 100, "clip_rank": 1 + n % 3, "clip_class": HOSTILE[n % 5],
                                "outcome": "kept" if n % 3 else choice.DISAGREES} for n in range(24)}  # fmt: skip
    page = write_report(dataset, to=tmp_path / "review.html", review=review)
    said = acted_in_a_browser(page, tmp_path / "profile", 1300, ACTIONS + """
        let saved; URL.createObjectURL = blob => { saved = blob; return "#"; };
        const selects = browse.querySelectorAll("select"), download = browse.querySelector(".marks");
        await set(selects[1], "1 clip_score");
        const tiles = all("#browse figure"), first = tiles[0].textContent, disabled = download.disabled;
        tiles[1].querySelector("input").click();
        await set(selects[2], [...selects[2].options].find(option => option.text.includes("--agree")).value);
        const filtered = shown();
        all("#browse .controls button")[0].click();
        download.click();
        return { first, disabled, filtered, label: download.textContent, saved: await saved.text(),
                 images: all("#browse img").filter(image => image.naturalWidth).length };""")  # fmt: skip
    marked = sorted({"10001", *(key for key in review if review[key]["outcome"] == choice.DISAGREES)})
    assert said["saved"].split() == marked and said["label"] == f"Download {len(marked)} marks" and said["disabled"]
    assert HOSTILE[0] in html.unescape(said["first"]) and "0.000" in said["first"]
    assert said["images"] == said["filtered"] == 8
