"""Names, tokens and embeddings of clip_model, against open_clip itself."""

import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
import web_captions
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image

from retrieval import clip_tokens
from retrieval.cli import UserError
from retrieval.clip_model import batches_of_similar_length, load_clip, wrap_network
from retrieval.clip_names import OPENAI_MODELS, check_model_name
from retrieval.clip_tokens import caption_tokenizer

VISION = {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 3}
TINY = {"embed_dim": 48, "vision_cfg": VISION, "text_cfg": TEXT}
CAPTIONS = [
    "a dog", "", "Vintage  Honeycomb Wallpaper | 10m roll", "café — “quoted” R&amp;B", "x " * 200, "日本語",
    "<end_of_text> a", *(" ".join(["striped sofa"] * size) for size in range(1, 30)),
]  # fmt: skip


def save_model(folder, name="tiny", config=TINY):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / f"{name}.json")
    torch.manual_seed(0)
    network = open_clip.create_model(name).eval()
    torch.save(network.state_dict(), folder / f"{name}.pt")
    return network


def padded(network, captions, name="tiny"):
    with torch.no_grad():
        return network.encode_text(open_clip.get_tokenizer(name)(captions), normalize=True).numpy()


# ---- names ----


@pytest.mark.parametrize(
    ("name", "architecture", "width"),
    [
        ("ViT-L/14", "ViT-L-14-quickgelu", 768),
        ("ViT-B/32", "ViT-B-32-quickgelu", 512),
        ("ViT-L/14@336px", "ViT-L-14-336-quickgelu", 768),
        ("RN50", "RN50-quickgelu", 1024),
        ("openai_clip:ViT-B/16", "ViT-B-16-quickgelu", 512),
        ("open_clip:ViT-H-14/laion2b_s32b_b79k", "ViT-H-14", 1024),
    ],
)
def test_a_models_width_is_known_from_its_name_alone(name, architecture, width):
    source = check_model_name(name)
    assert (source.architecture, source.width) == (architecture, width)
    config = open_clip.get_model_config(architecture)
    assert config["embed_dim"] == width
    assert open_clip.get_pretrained_cfg(architecture, source.pretrained)


@pytest.mark.parametrize("name", OPENAI_MODELS)
def test_every_openai_name_has_openai_weights_with_quick_gelu_in_open_clip(name):
    source = check_model_name(name)
    assert open_clip.get_pretrained_cfg(source.architecture, source.pretrained)["quick_gelu"]
    assert open_clip.get_model_config(source.architecture)["quick_gelu"]


def test_weights_of_quick_gelu_are_loaded_in_a_configuration_of_quick_gelu():
    for model, tags in open_clip.pretrained._PRETRAINED.items():
        for tag, weights in tags.items():
            source = check_model_name(f"open_clip:{model}/{tag}")
            if weights.get("quick_gelu"):
                assert open_clip.get_model_config(source.architecture)["quick_gelu"], (model, tag)
            else:
                assert source.architecture == model, (model, tag)
            assert source.quick_gelu == (source.architecture != model)
    asked = check_model_name("open_clip:ViT-B-32/openai")
    assert asked.architecture == check_model_name("ViT-B/32").architecture
    assert asked.identity == "open_clip:ViT-B-32/openai (quick GELU)"  # not to be taken for what was embedded before


def test_an_archive_of_openai_brings_quick_gelu_or_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "ViT-B-32.pt", "w") as archive:
        archive.writestr("ViT-B-32/code/model.py", "torch.mul(x, torch.sigmoid(torch.mul(x, 1.702)))")
    assert check_model_name(f"open_clip:ViT-B-32/{tmp_path}/ViT-B-32.pt").architecture == "ViT-B-32-quickgelu"
    (tmp_path / "ViT-B-32.json").write_text(json.dumps(TINY))
    with pytest.raises(UserError, match='was trained with quick GELU: write "quick_gelu": true into .*ViT-B-32.json'):
        check_model_name(f"open_clip:ViT-B-32/{tmp_path}/ViT-B-32.pt")
    save_model(tmp_path, "tiny-plain")
    assert check_model_name(f"open_clip:tiny-plain/{tmp_path}/tiny-plain.pt").architecture == "tiny-plain"


def test_a_tokenizer_that_cannot_be_fetched_is_a_sentence(tmp_path):
    save_model(tmp_path, "tiny-foreign")
    foreign = TINY | {"text_cfg": TEXT | {"hf_tokenizer_name": "some-org/some-tokenizer"}}
    (tmp_path / "tiny-foreign.json").write_text(json.dumps(foreign))
    with pytest.raises(
        UserError, match="the tokenizer of .* is not on this machine and could not be fetched"
    ) as caught:
        load_clip(f"open_clip:tiny-foreign/{tmp_path}/tiny-foreign.pt", "cpu")
    assert "\n" not in str(caught.value)


def test_checking_a_name_imports_no_torch():
    program = "import sys; from retrieval.clip_names import check_model_name as check; check('ViT-L/14')"
    program += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent.parent).returncode == 0


@pytest.mark.parametrize("absolute", [False, True])
def test_a_checkpoint_is_found_by_its_path_and_brings_the_config_beside_it(absolute, tmp_path, monkeypatch):
    save_model(tmp_path / "demo", "tiny-beside")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "demo/tiny-beside.pt" if absolute else "demo/tiny-beside.pt"
    source = check_model_name(f"open_clip:tiny-beside/{path}")
    assert source.width == 48 and source.config.resolve() == tmp_path / "demo/tiny-beside.json"
    assert [file.name for file in source.files] == ["tiny-beside.pt", "tiny-beside.json"]
    assert load_clip(f"open_clip:tiny-beside/{path}", "cpu").width == 48


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ViT-X/14", "model 'ViT-X/14' is not known: name one of OpenAI's (RN50,"),
        ("hf_clip:patrickjohncyh/fashion-clip", "or any of open_clip's as open_clip:MODEL/PRETRAINED"),
        ("open_clip:ViT-B-32", "names no weights: write open_clip:MODEL/PRETRAINED"),
        ("open_clip:ViT-B-33/openai", "open_clip has no configuration ViT-B-33 (close: ViT-B-32"),
        ("open_clip:ViT-B-32/no/such.pt", "there is no checkpoint no/such.pt"),
        ("open_clip:ViT-B-32/nonsense", "open_clip knows no weights 'nonsense' of ViT-B-32 (it knows: openai,"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_way_out(name, sentence):
    with pytest.raises(UserError) as caught:
        load_clip(name, "cpu")
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_weights_that_do_not_fit_their_config_are_refused_in_a_sentence(tmp_path):
    save_model(tmp_path, "tiny-misfit")
    (tmp_path / "tiny-misfit.json").write_text(json.dumps(TINY | {"embed_dim": 40}))
    with pytest.raises(UserError, match="do not load as tiny-misfit .*: .*give the checkpoint that belongs to this"):
        load_clip(f"open_clip:tiny-misfit/{tmp_path}/tiny-misfit.pt", "cpu")
    (tmp_path / "tiny-misfit.pt").write_bytes(b"no checkpoint")
    with pytest.raises(UserError, match="do not load as tiny-misfit"):
        load_clip(f"open_clip:tiny-misfit/{tmp_path}/tiny-misfit.pt", "cpu")
    (tmp_path / "tiny-misfit.json").write_text("{}")
    with pytest.raises(UserError, match="is no open_clip model configuration"):
        check_model_name(f"open_clip:tiny-misfit/{tmp_path}/tiny-misfit.pt")


def test_weights_that_cannot_be_fetched_are_a_sentence_and_not_a_minute_of_retries(tmp_path):
    program = (
        "from retrieval import clip_model\ntry: clip_model.load_clip('ViT-B/32', 'cpu')\n"
        "except clip_model.UserError as e: print(e)"
    )
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent.parent, env=os.environ | nowhere,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.startswith("the weights of ViT-B/32 are not on this machine and could not be fetched (")
    assert "Retrying" not in said.stderr


def test_a_device_that_is_not_there_is_refused_in_a_sentence(tmp_path):
    save_model(tmp_path, "tiny-device")
    with pytest.raises(UserError, match="device 'cuda:77' cannot be used .*: give cpu, or no device"):
        load_clip(f"open_clip:tiny-device/{tmp_path}/tiny-device.pt", "cuda:77")


# ---- tokens ----

EXACT = SimpleTokenizer()
TOKENS = caption_tokenizer(SimpleTokenizer())
# Words that open_clip repairs, that only one of the two tokenizers holds special, and mojibake.
TRICKY = [
    *("&", "&amp;", "&amp;amp;", "&lt;b&gt;", "&eacute;", "&#x27;s", " & ", "<", "<b>"),
    *("<|startoftext|>", "<|endoftext|>", "<end_of_text>", "<Start_of_Text>"),
    *(
        "l’amour",
        "“no”",
        "’ll",
        "â€™",
        "Ã©",
        "voilÃ ",
        "e\u0301",
        "ﬁne",
        "\uff26\uff35\uff2c\uff2c",
        "İstanbul",
        "ſ",
        "ß",
    ),
    *("'S", "ΑΣ", "½", "²", "№ 5", "★★", "日本", "한국", "🙂", "__", "1st"),
    *("\u00a0", "\u200b", "\x00", "\x1b[31m", "\ud800", "\r\n", "\t"),
]


def assert_same_ids(texts):
    expected = EXACT(texts).numpy()
    got = TOKENS(texts)
    assert got.dtype == np.int32 and got.shape == expected.shape
    for text, ours, theirs in zip(texts, got, expected, strict=True):
        assert ours.tolist() == theirs.tolist(), repr(text)


@settings(max_examples=400)
@given(st.lists(st.lists(st.one_of(st.text(), st.sampled_from(TRICKY)), max_size=12).map("".join), max_size=8))
def test_ids_are_open_clips_on_any_unicode(texts):
    assert_same_ids(texts)


@settings(max_examples=400)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2122), max_size=60))
def test_ids_are_open_clips_on_the_characters_that_take_the_short_way(text):
    assert_same_ids([text])


def test_ids_are_open_clips_for_letters_of_every_block():
    points = [*range(0xA0, 0x4E00), 0x4E00, 0x9FA5, 0xAC00, 0xD7A3, *range(0xE000, 0x20000)]
    assert_same_ids([f"A{letter}B {letter} 1{letter} x'{letter} {letter}{letter}" for letter in map(chr, points[::11])])


def test_ids_are_open_clips_on_random_strings_of_web_characters():
    rng = random.Random(0)
    letters = [chr(point) for point in range(32, 0x250)] + TRICKY * 8
    assert_same_ids(["".join(rng.choices(letters, k=rng.randint(0, 30))) for _ in range(5000)])


@pytest.mark.parametrize("context_length", [8, 32, 77])
def test_truncation_keeps_end_of_text(context_length):
    tokens = caption_tokenizer(SimpleTokenizer(context_length=context_length))
    texts = ["word " * size for size in range(0, 100, 3)]
    ids = tokens(texts)
    assert (ids == SimpleTokenizer(context_length=context_length)(texts).numpy()).all()
    assert (ids.max(axis=1) == clip_tokens.END_OF_TEXT).all() and ids[-1, -1] == clip_tokens.END_OF_TEXT


def test_ids_are_open_clips_on_ten_thousand_captions():
    rng = random.Random(0)
    captions = web_captions.about_other_things(np.random.default_rng(0), 10_000)
    for row in range(0, 10_000, 4):  # and what the web does to some of them
        words = captions[row].split()
        words.insert(rng.randrange(len(words) + 1), rng.choice(TRICKY))
        captions[row] = rng.choice([str, str.upper, str.title])(" ".join(words))
    assert len(set(captions)) > 5_000
    assert_same_ids(captions)


def test_with_another_vocabulary_open_clips_own_tokenizer_is_used():
    for other in (SimpleTokenizer(additional_special_tokens=["<x>"]), SimpleTokenizer(clean="canonicalize")):
        tokens = caption_tokenizer(other)
        assert tokens.words is None and (tokens(CAPTIONS) == other(CAPTIONS).numpy()).all()


@pytest.mark.parametrize("words", [True, False], ids=["ours", "open_clip's"])
def test_the_words_that_are_remembered_are_bounded(monkeypatch, words):
    monkeypatch.setattr(clip_tokens, "WORD_LIMIT", 50)
    exact = SimpleTokenizer()
    tokens = clip_tokens.CaptionTokenizer(exact, clip_tokens.WordIds(exact) if words else None, 77)
    for begin in range(0, 600, 20):
        texts = [
            f"w{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}{'uvwxyz'[n // 100]}" for n in range(begin, begin + 20)
        ]
        texts += ["<end_of_text>", "x" * 10_000]
        assert (tokens(texts) == EXACT(texts).numpy()).all()
        assert 20 <= len(tokens.words or exact.cache) <= 50 + 22 + 2


# ---- embeddings ----

TOWERS = {
    "clip": {},
    "custom-text": {"custom_text": True},
    "quick-gelu": {"quick_gelu": True},
    "layer-scale": {"text_cfg": TEXT | {"ls_init_value": 0.5}},
    "linear-projection": {"custom_text": True, "text_cfg": TEXT | {"proj_bias": True}},
    "one-layer": {"text_cfg": TEXT | {"layers": 1}},
    "no-causal-mask": {"custom_text": True, "text_cfg": TEXT | {"no_causal_mask": True}},
    "pools-last": {"custom_text": True, "text_cfg": TEXT | {"pool_type": "last"}},
    "class-token": {"custom_text": True, "text_cfg": TEXT | {"embed_cls": True, "context_length": 76}},
    "short-context": {"text_cfg": TEXT | {"context_length": 16}},
}


@pytest.mark.parametrize("tower", TOWERS)
def test_embeddings_are_open_clips_padded_ones_in_the_texts_order(tower, tmp_path):
    name = f"tiny-{tower}"
    network = save_model(tmp_path, name, TINY | TOWERS[tower])
    model = load_clip(f"open_clip:{name}/{tmp_path}/{name}.pt", "cpu")
    assert model.cuts == (tower not in ("no-causal-mask", "pools-last", "class-token"))
    embedded = model.encode_texts(CAPTIONS, batch_size=5)
    assert embedded.dtype == np.float32 and embedded.shape == (len(CAPTIONS), 48)
    np.testing.assert_allclose(embedded, padded(network, CAPTIONS, name), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)


def test_no_texts_and_no_images_give_no_rows(tmp_path):
    save_model(tmp_path, "tiny-none")
    model = load_clip(f"open_clip:tiny-none/{tmp_path}/tiny-none.pt", "cpu")
    assert model.encode_texts([]).shape == model.encode_images([]).shape == (0, 48)


def test_images_of_any_mode_get_open_clips_embeddings(tmp_path):
    network = save_model(tmp_path, "tiny-images")
    model = load_clip(f"open_clip:tiny-images/{tmp_path}/tiny-images.pt", "cpu")
    rng = np.random.default_rng(0)
    images = [
        Image.fromarray(rng.integers(0, 256, (30 + 5 * size, 60, 3), np.uint8)).convert(mode)
        for size, mode in enumerate(["RGB", "L", "P", "RGBA", "CMYK", "RGB", "1"])
    ]
    _, _, preprocess = open_clip.create_model_and_transforms("tiny-images", pretrained=str(tmp_path / "tiny-images.pt"))
    with torch.no_grad():
        expected = network.encode_image(torch.stack([preprocess(each) for each in images]), normalize=True).numpy()
    embedded = model.encode_images(images, batch_size=3)
    np.testing.assert_allclose(embedded, expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_reduced_precision_stays_near_fp32(precision, tmp_path):
    network = save_model(tmp_path, "tiny-half")
    model = load_clip(f"open_clip:tiny-half/{tmp_path}/tiny-half.pt", "cpu", precision)
    embedded = model.encode_texts(CAPTIONS)
    assert embedded.dtype == np.float32
    assert (embedded * padded(network, CAPTIONS, "tiny-half")).sum(1).mean() > 0.999
    images = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    exact = load_clip(f"open_clip:tiny-half/{tmp_path}/tiny-half.pt", "cpu").encode_images(images)
    assert (model.encode_images(images) * exact).sum(1).min() > 0.999


def test_batches_of_similar_length_cover_every_row_once():
    rng = np.random.default_rng(0)
    lengths = np.sort(rng.integers(2, 78, 1000))
    batches = list(batches_of_similar_length(lengths, 64))
    covered = np.concatenate([np.arange(batch.start, batch.stop) for batch, _ in batches])
    assert sorted(covered) == list(range(1000))
    assert all(lengths[batch].max() == longest for batch, longest in batches)


def test_a_network_in_memory_is_wrapped_as_it_is(tmp_path):
    network = save_model(tmp_path, "tiny-wrapped")
    model = wrap_network("mine", network, None, open_clip.get_tokenizer("tiny-wrapped"))
    np.testing.assert_allclose(model.encode_texts(CAPTIONS), padded(network, CAPTIONS, "tiny-wrapped"), atol=1e-5)
