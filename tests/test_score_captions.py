"""dataset_helper/score_captions.py: what a caption's score is, which records stay, and what is not done twice."""

import csv
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from download_server import contents, planned

from retrieval import text_model_names
from retrieval.cli import UserError
from retrieval.dataset import caption_scores
from retrieval.dataset.class_senses import mean_vectors, sense_texts
from retrieval.download.plan_choice import count_dropped
from retrieval.records import Manifest, chunk_files, encode_record, read_records, write_chunks, write_manifest
from retrieval.report import write_report
from retrieval_templates import Template, load_template

ROOT = Path(__file__).parent.parent
DATA = ROOT / "benchmarks" / "data"
TEMPLATE = """
classes = ["crane", "kite", "seal"]
templates = ["a photo of a {}.", "a drawing of a {}."]
definitions = {"crane": "a tall bird of the wetland", "kite": "a bird that soars"}
"""
CAPTIONS = [
    ("a tall crane, a bird in the wetland", "crane"), ("tower crane for rent", "crane"), ("a photo of a seal", "seal"),
    ("crane and kite, each a bird", "crane"), ("crane and kite, each a bird", "kite"), ("seal of the state", "seal"),
    ("tower crane for rent", "crane"), ("a kite, a bird that soars", "kite"), ("a paper kite", "kite"),
]  # fmt: skip


class WordModel:
    """A text is the bag of its words. Counts the texts that it was asked for."""

    def __init__(self, most: int | None = None):
        self.asked, self.left = Counter(), most

    def encode_texts(self, texts):
        self.asked.update(texts)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
        vectors = np.zeros((len(texts), 64), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.lower().replace(",", "").replace(".", "").split():
                row[sum(map(ord, word)) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def selection(folder: Path, found=CAPTIONS, jobs: int = 1) -> Path:
    """What the substring filter leaves in its folder."""
    for job in range(jobs):
        own = found[job::jobs]
        records = [
            {"URL": f"http://x.org/{number}.jpg", "TEXT": text, "NSFW": "UNLIKELY", "QUERY": name,
             "SOURCE": "substring", "MATCHED": name, "SCORE": None, "RANK": None, "ROW": f"a:{number}"}
            for number, (text, name) in enumerate(own)
        ]  # fmt: skip
        chunks = write_chunks(map(encode_record, records), folder, job, jobs)
        classes = {
            name: {"records": number, "matches": {name: number}, "inside_longer_words": 0.0}
            for name in ("crane", "kite", "seal")
            for number in [sum(each == name for _, each in own)]
        }
        counts = {"rows": 20, "captions": len(own), "records": len(own), "classes": classes,
                  "places": {"crane": [2, 90]}}  # fmt: skip
        settings = {"query": "Birds", "match": "word", "queries": dict.fromkeys(classes, "q")}
        coverage = {"asked": 1, "done": 1, "not_needed": 0, "missing": {}}
        write_manifest(folder, Manifest("substring", settings, {"a": {}}, coverage, counts, chunks, job, jobs))
    return folder


@pytest.fixture
def score(tmp_path, monkeypatch, capsys):
    """score(*flags, model=) runs the script on tmp_path/found -> (exit code, last words)."""
    monkeypatch.syspath_prepend(str(ROOT / "dataset_helper"))
    spec = importlib.util.spec_from_file_location("score_captions", ROOT / "dataset_helper" / "score_captions.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    (tmp_path / "Birds.py").write_text(TEMPLATE)
    monkeypatch.setattr(script, "check_text_model", lambda name: SimpleNamespace(identity=name, files=[]))

    def run(*flags, model=None, out="scored", template=("--template", "Birds", "--template-dir", str(tmp_path))):
        monkeypatch.setattr(script, "load_model", lambda _: model or WordModel())
        places = ["--r", str(tmp_path / "found"), "--output", str(tmp_path / out)]
        code = script.main([*places, *template, *map(str, flags)])
        return code, capsys.readouterr().err

    return run


def records_of(folder: Path) -> list[dict]:
    return [record for chunk in chunk_files(folder) for record in read_records(chunk)]


def score_by_hand(text: str, name: str) -> tuple[float, int]:
    """The cosine of a caption to its class, and its class's place among all."""
    template = Template("", ("crane", "kite", "seal"), ("a photo of a {}.", "a drawing of a {}."), definitions={
        "crane": "a tall bird of the wetland", "kite": "a bird that soars"})  # fmt: skip
    model, cosines = WordModel(), {}
    for each in template.classes:
        meant = [f"{each}, {template.definitions[each]}"] if each in template.definitions else template.prompts(each)
        mean = np.mean(model.encode_texts(meant), axis=0)
        cosines[each] = float(model.encode_texts([text])[0] @ mean / np.linalg.norm(mean))
    return cosines[name], 1 + sum(value > cosines[name] + 1e-6 for value in cosines.values())


# ---- scores ----


def test_a_class_is_its_name_and_definition_or_else_its_prompts():
    template = Template("", ("crane", "hen"), ("a {}.", "the {}."), definitions={"crane": "a bird"})
    assert sense_texts(template) == [["crane, a bird"], ["a hen.", "the hen."]]
    vectors = mean_vectors(sense_texts(template), WordModel().encode_texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1) and vectors.shape == (2, 64)


@pytest.mark.parametrize("block, jobs", [(8192, 1), (2, 1), (3, 2)])
def test_each_record_gets_the_cosine_of_its_caption_to_its_class(tmp_path, score, monkeypatch, block, jobs):
    monkeypatch.setattr(caption_scores, "BLOCK", block)
    monkeypatch.setattr(caption_scores, "COMPARED", 2)
    before = records_of(selection(tmp_path / "found", jobs=jobs))
    assert score()[0] == 0
    after = records_of(tmp_path / "scored")
    assert [record | {"SCORE": None, "RANK": None} for record in after] == before
    for record in after:
        assert record["SCORE"] == pytest.approx(score_by_hand(record["TEXT"], record["QUERY"])[0], abs=2e-6)


def test_ranks_count_from_the_best_of_a_class(tmp_path, score):
    selection(tmp_path / "found")
    score()
    for name in ("crane", "kite", "seal"):
        of_class = [record for record in records_of(tmp_path / "scored") if record["QUERY"] == name]
        of_class.sort(key=lambda record: -record["SCORE"])
        assert [record["RANK"] for record in of_class] == list(range(len(of_class)))


def test_limits_drop_records_and_the_last_line_adds_up(tmp_path, score):
    found = records_of(selection(tmp_path / "found"))
    code, said = score("--min-sense", 0.5, "--agree", 1)
    by_hand = [score_by_hand(record["TEXT"], record["QUERY"]) for record in found]
    vague = sum(cosine < 0.5 for cosine, _ in by_hand)
    other = sum(cosine >= 0.5 and place > 1 for cosine, place in by_hand)
    kept = [record["ROW"] for record, (cosine, place) in zip(found, by_hand, strict=True)
            if cosine >= 0.5 and place == 1]  # fmt: skip
    assert code == 0 and vague and other and kept
    assert [record["ROW"] for record in records_of(tmp_path / "scored")] == kept
    assert f"{vague} below --min-sense, {other} fit other classes better, {len(kept)} written" in said
    funnel = write_report(tmp_path / "scored").read_text(encoding="utf-8")
    assert f'["lost", "below --min-sense", {vague}]' in funnel and f'["kept", "records written", {len(kept)}]' in funnel


def test_the_downloader_takes_the_best_scored_and_drops_the_low_ones(tmp_path, score):
    selection(tmp_path / "found")
    score()
    rows = records_of(tmp_path / "scored")
    database = planned(tmp_path, rows, prefer="score", max_per_class=1, min_score=0.4)
    wanted = database.execute("SELECT URL FROM asked WHERE key IN (SELECT key FROM wanted)").fetchall()
    best = {max((row for row in rows if row["QUERY"] == name), key=lambda row: row["SCORE"])["URL"]
            for name in ("crane", "kite", "seal")}  # fmt: skip
    assert {url for (url,) in wanted} == best
    assert count_dropped(database)["below --min-score"] == sum(row["SCORE"] < 0.4 for row in rows) > 0


def test_captions_of_any_kind_are_scored(tmp_path, score):
    found = [(None, "crane"), ("", "kite"), ("half \ud800 a pair", "seal"), ("crane " * 10_000, "crane")]
    folder = selection(tmp_path / "found", found)
    (folder / "chunk_0.json").write_text((folder / "chunk_0.json").read_text().replace("half ?", "half \\ud800"))
    model = WordModel()
    assert score(model=model)[0] == 0
    assert len(records_of(tmp_path / "scored")) == 4 and "half ? a pair" in model.asked


# ---- nothing twice ----


def test_each_distinct_caption_is_embedded_once_and_other_limits_embed_none(tmp_path, score, monkeypatch):
    monkeypatch.setattr(caption_scores, "BLOCK", 3)
    selection(tmp_path / "found")
    model = WordModel()
    score(model=model)
    assert {model.asked[text] for text, _ in CAPTIONS} == {1}
    again = WordModel()
    assert "nothing to do" in score(model=again)[1]
    assert "0 of them embedded now" in score("--min-sense", 0.5, "--overwrite", model=again)[1]
    assert not again.asked


def test_more_records_embed_only_the_new_captions(tmp_path, score, monkeypatch):
    monkeypatch.setattr(caption_scores, "BLOCK", 1)
    selection(tmp_path / "found", CAPTIONS[:6])
    score()
    selection(tmp_path / "found")
    model = WordModel()
    score(model=model)
    assert {text for text, _ in CAPTIONS if model.asked[text]} == {"a kite, a bird that soars", "a paper kite"}
    score(out="anew")
    grown, anew = (json.loads((tmp_path / name / "job_0_of_1.json").read_text()) for name in ("scored", "anew"))
    assert grown == anew and records_of(tmp_path / "scored") == records_of(tmp_path / "anew")


def test_a_run_that_was_stopped_ends_with_the_same_bytes(tmp_path, score, monkeypatch):
    monkeypatch.setattr(caption_scores, "BLOCK", 1)
    selection(tmp_path / "found")
    score(out="whole")
    for _ in range(4):
        score(model=WordModel(most=4))  # three classes, one block, and then Ctrl-C
        assert not (tmp_path / "scored" / "job_0_of_1.json").exists()
    code, said = score()
    assert code == 0 and "7 captions, 3 of them embedded now" in said
    whole, stopped = contents(tmp_path / "whole"), contents(tmp_path / "scored")
    assert {name: data for name, data in whole.items() if name != "report.html"} == {
        name: data for name, data in stopped.items() if name != "report.html"
    }


# ---- refusals, and models ----


@pytest.mark.parametrize(
    "flags, reason",
    [
        (("--min-sense", "2"), "is no cosine"),
        (("--min-sense", "nan"), "is no cosine"),
        (("--agree", "0"), "must be at least 1"),
        (("--output", "FOUND"), "--output is --r"),
        (("--template", "DTD"), "template DTD has no class 'crane', and --r has"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, score, flags, reason):
    selection(tmp_path / "found")
    template = () if "--template" in flags else ("--template", "Birds", "--template-dir", str(tmp_path))
    code, said = score(*[word.replace("FOUND", str(tmp_path / "found")) for word in flags], template=template)
    assert code == 2 and reason in said and said.count("\n") == 1


def test_scored_and_semantic_and_foreign_folders_are_refused(tmp_path, score):
    selection(tmp_path / "found")
    score()
    code, said = score("--r", tmp_path / "scored", out="twice")
    assert code == 2 and "has scores already" in said
    write_chunks([], tmp_path / "other")
    code, said = score("--r", tmp_path / "other", out="twice")
    assert code == 2 and "is no output of the substring filter" in said


def test_without_a_template_the_names_stand_in_the_default_prompt(tmp_path, score):
    selection(tmp_path / "found")
    model = WordModel()
    assert "'a photo of a {}.'" in score(model=model, template=())[1]
    assert {"a photo of a crane.", "a photo of a kite.", "a photo of a seal."} <= model.asked.keys()


def test_a_model_of_sentences_needs_its_package_and_gives_unit_rows(monkeypatch):
    from retrieval.text_model import load_text_model

    monkeypatch.setattr(text_model_names.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="sentence-transformers: pip install -r requirements-senses.txt"):
        text_model_names.check_text_model("st:mini")
    monkeypatch.setattr(text_model_names.importlib.util, "find_spec", lambda name: object())
    asked = {}

    class SentenceTransformer:
        def __init__(self, place, device):
            asked["place"] = place
            if place == "broken":
                raise OSError("no such model\nmany lines")

        def encode(self, texts, **how):
            asked.update(how)
            return np.eye(len(texts), 3)

    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=SentenceTransformer))
    assert load_text_model("st:mini", "cpu").encode_texts(["a", "b"]).dtype == np.float32
    assert asked["place"] == "mini" and asked["normalize_embeddings"] is True
    with pytest.raises(UserError, match=r"st:broken does not load \(no such model\)"):
        load_text_model("st:broken", "cpu")
    with pytest.raises(UserError, match="there is no config.json in ./nowhere"):
        load_text_model("st:./nowhere")


# ---- the labelled captions ----


def test_the_labelled_captions_are_balanced_and_each_holds_its_name():
    template = load_template("AmbiguousNames", DATA)
    with open(DATA / "ambiguous_captions.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) >= 300 and len(template.classes) >= 30 and set(template.definitions) == set(template.classes)
    assert len({row["caption"] for row in rows}) == len(rows)
    assert all(row["class"] in row["caption"].lower() for row in rows)
    counts = Counter((row["class"], row["label"]) for row in rows)
    assert counts == {(name, label): 5 for name in template.classes for label in "01"}
