"""Captions to embedding files: against open_clip's own padded pass, through kills, array shares and bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import compute_text_embeddings as script
import duckdb
import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import torch
from range_server import serving

from retrieval import read_ahead
from retrieval.columns import map_columns
from retrieval.embeddings import matching_paths, numeric_order, source_name
from retrieval.indexing import caption_shards, text_embedding
from retrieval.remote_shards import LISTING, find_remote

SCRIPT = Path(script.__file__)
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny CLIP with random weights: its name, and open_clip's own network."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "tiny-text.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder / "tiny-text.json")
    torch.manual_seed(0)
    network = open_clip.create_model("tiny-text").eval()
    torch.save(network.state_dict(), folder / "tiny-text.pt")
    return f"open_clip:tiny-text/{folder}/tiny-text.pt", network


def words(rows: int, seed: int = 0) -> list[str]:
    """Captions of 1 to 40 words."""
    rng = np.random.default_rng(seed)
    vocabulary = ["red", "striped", "Sofa", "photo", "of", "a", "crème", "brûlée", "R&amp;B", "—", "50%", "wallpaper"]
    return [" ".join(rng.choice(vocabulary, size)) for size in rng.geometric(0.12, rows).clip(1, 40)]


def write_shard(path: Path, captions: list, column: str = "caption", **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    urls = [f"https://x.org/{row}" for row in range(len(captions))]
    pq.write_table(pa.table({"url": urls, column: pa.array(captions, pa.string())}), path, **options)
    return path


def run(pool: Path | str, out: Path, model: str, *flags: str) -> int:
    argv = ["--input_parquet_dir", str(pool), "--output_embeddings_dir", str(out), "--model", model, "--device", "cpu"]
    return script.main([*argv, *flags])


def padded(network, captions: list[str]) -> np.ndarray:
    """What open_clip itself says, every caption padded to 77 tokens."""
    with torch.no_grad():
        ids = open_clip.get_tokenizer("tiny-text")(captions)
        return torch.cat([network.encode_text(part, normalize=True) for part in ids.split(256)]).numpy()


def test_rows_are_open_clips_embeddings_in_the_shards_order(model, tmp_path):
    captions = words(700)
    write_shard(tmp_path / "pool/metadata_0003.parquet", captions, row_group_size=100)
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    embedded = np.load(tmp_path / "out/text_embed_0003.npy")
    assert embedded.dtype == np.float16 and embedded.shape == (700, 24)
    np.testing.assert_allclose(embedded, padded(model[1], captions), atol=5e-4)  # float16 keeps 11 bits
    np.testing.assert_allclose(np.linalg.norm(embedded.astype(np.float32), axis=1), 1, atol=1e-3)


def test_null_and_empty_captions_get_the_empty_strings_embedding_and_are_counted(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/metadata_0000.parquet", ["a dog", None, "", "a cat"])
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    embedded = np.load(tmp_path / "out/text_embed_0000.npy")
    np.testing.assert_allclose(embedded, padded(model[1], ["a dog", "", "", "a cat"]), atol=5e-4)
    said = capsys.readouterr().err
    assert "text_embed_0000.npy: 4 captions of metadata_0000.parquet, 2 null or empty" in said
    assert said.splitlines()[-1] == (
        "1 shards asked, 1 done, 0 unreadable; 4 captions embedded, 2 of them null or empty"
    )


def test_a_shard_without_rows_becomes_an_empty_file(model, tmp_path):
    write_shard(tmp_path / "pool/metadata_0000.parquet", [])
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    assert np.load(tmp_path / "out/text_embed_0000.npy").shape == (0, 24)


@pytest.mark.parametrize("column", ["TEXT", "caption", "Caption"])
def test_the_caption_column_is_found_by_the_names_that_pools_give_it(column, model, tmp_path):
    write_shard(tmp_path / "pool/laion.parquet", ["a dog"], column)
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    np.testing.assert_allclose(np.load(tmp_path / "out/text_embed_laion.npy"), padded(model[1], ["a dog"]), atol=5e-4)


def test_of_text_and_caption_the_column_that_the_records_take_is_embedded(model, tmp_path):
    columns = {"url": ["x"], "caption": ["a cat"], "text": ["a dog"]}
    pool = pa.table(columns)
    (tmp_path / "pool").mkdir()
    pq.write_table(pool, tmp_path / "pool/metadata_0000.parquet")
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    expected = padded(model[1], [columns[map_columns(pool.column_names)["TEXT"]][0]])
    np.testing.assert_allclose(np.load(tmp_path / "out/text_embed_0000.npy"), expected, atol=5e-4)


def test_a_caption_column_of_another_name_is_named_by_a_flag(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/a_1.parquet", ["a dog"], "words")
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 2
    said = capsys.readouterr().err
    assert "has no caption column; it has url, words: name one with --caption-column" in said
    assert run(tmp_path / "pool", tmp_path / "out", model[0], "--caption-column", "words") == 0
    assert (tmp_path / "out/text_embed_1.npy").exists()


def test_the_same_command_again_does_nothing(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/metadata_0000.parquet", words(20))
    run(tmp_path / "pool", tmp_path / "out", model[0])
    written = (tmp_path / "out/text_embed_0000.npy").stat().st_mtime_ns
    capsys.readouterr()
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    assert "1 shards are done already" in capsys.readouterr().err
    assert (tmp_path / "out/text_embed_0000.npy").stat().st_mtime_ns == written


def test_a_changed_shard_or_setting_is_embedded_again(model, tmp_path):
    shard = write_shard(tmp_path / "pool/metadata_0000.parquet", ["a dog", "a cat"])
    run(tmp_path / "pool", tmp_path / "out", model[0])
    write_shard(shard, ["a tree", "a house", "a boat"])
    run(tmp_path / "pool", tmp_path / "out", model[0])
    expected = padded(model[1], ["a tree", "a house", "a boat"])
    np.testing.assert_allclose(np.load(tmp_path / "out/text_embed_0000.npy"), expected, atol=5e-4)
    before = (tmp_path / "out/text_embed_0000.json").read_text()
    run(tmp_path / "pool", tmp_path / "out", model[0], "--precision", "bf16")
    assert (tmp_path / "out/text_embed_0000.json").read_text() != before


def test_embeddings_of_another_folder_column_or_model_are_not_replaced_without_a_word(model, tmp_path, capsys):
    for folder in ("first", "second"):
        write_shard(tmp_path / folder / "metadata_0000.parquet", [f"a {folder} dog"])
    table = pa.table({"caption": ["a dog"], "words": ["a cat"]})
    pq.write_table(table, tmp_path / "second/metadata_0000.parquet")
    first, second = (tmp_path / folder / "metadata_0000.parquet" for folder in ("first", "second"))
    for pool, flags, warning in (
        ("first", [], None),
        ("first", ["--precision", "bf16"], None),
        ("second", [], f"input {first}, which are replaced by those of input {second}"),
        ("second", [], None),
        ("second", ["--caption-column", "words"], "column caption, which are replaced by those of column words"),
    ):
        assert run(tmp_path / pool, tmp_path / "out", model[0], *flags) == 0
        said = capsys.readouterr().err
        assert ("which are replaced" in said) == bool(warning)
        assert warning is None or f"warning: {tmp_path}/out held the embeddings of {warning}" in said
    state = tmp_path / "out/text_embed_0000.json"  # as if another model had made them
    state.write_text(json.dumps(json.loads(state.read_text()) | {"fingerprint": "", "model": "ViT-L/14"}))
    assert run(tmp_path / "second", tmp_path / "out", model[0], "--caption-column", "words") == 0
    assert "held the embeddings of model ViT-L/14, which are replaced" in capsys.readouterr().err


def test_embeddings_that_another_input_left_in_the_folder_are_told(model, tmp_path, capsys):
    for folder, number in (("first", 0), ("first", 1), ("second", 0)):
        write_shard(tmp_path / folder / f"metadata_{number:04}.parquet", ["a dog"])
    for pool in ("first", "second"):
        assert "are of no input" not in capsys.readouterr().err
        assert run(tmp_path / pool, tmp_path / "out", model[0]) == 0
    assert "holds 1 files that are of no input of this run (text_embed_0001.npy …)" in capsys.readouterr().err


def test_killed_and_run_again_gives_the_bytes_of_an_undisturbed_run(model, tmp_path, monkeypatch):
    """Killed with SIGKILL after two groups, again after two more, which ends one shard and begins the next."""
    for name, rows in (("metadata_0000", 700), ("metadata_0001", 300)):
        write_shard(tmp_path / f"pool/{name}.parquet", words(rows))
    monkeypatch.setattr(caption_shards, "GROUP", 256)
    run(tmp_path / "pool", tmp_path / "whole", model[0], "--batch-size", "64")
    killer = (
        "import os, signal, sys, compute_text_embeddings as script\n"
        "from retrieval.indexing import caption_shards, text_embedding\n"
        "caption_shards.GROUP, saved, save = 256, [], text_embedding.save_group\n"
        "def dying(*args):\n"
        "    rows = save(*args); saved.append(1)\n"
        "    if len(saved) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return rows\n"
        "text_embedding.save_group = dying\n"
        "sys.exit(script.main(sys.argv[1:]))\n"
    )
    flags = ["--input-parquet-dir", tmp_path / "pool", "--output-embeddings-dir", tmp_path / "out", "--model", model[0]]
    argv = [sys.executable, "-c", killer, *flags, "--batch-size", "64", "--device", "cpu"]
    for _ in range(2):
        assert subprocess.run(argv, cwd=SCRIPT.parent, stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL
    saved, save = [], text_embedding.save_group
    monkeypatch.setattr(text_embedding, "save_group", lambda *group: (saved.append(1), save(*group))[1])
    assert run(tmp_path / "pool", tmp_path / "out", model[0], "--batch-size", "64") == 0
    assert len(saved) == 1  # of five groups, two in each life before
    for name in ("text_embed_0000.npy", "text_embed_0001.npy", "text_embed_0000.json", "text_embed_0001.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(os.listdir(tmp_path / "whole"))


def test_killed_just_before_its_final_name_a_file_gets_it(model, tmp_path, monkeypatch):
    write_shard(tmp_path / "pool/metadata_0000.parquet", words(50))

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace_but(killed, ".npy"))
        assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 130
    assert not (tmp_path / "out/text_embed_0000.npy").exists()
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    assert np.load(tmp_path / "out/text_embed_0000.npy").shape == (50, 24)


def replace_but(killed, suffix):
    """os.replace, until a file with this suffix is to get its name."""
    real = os.replace
    return lambda source, target: killed() if str(target).endswith(suffix) else real(source, target)


def test_a_part_file_without_its_state_is_not_trusted(model, tmp_path):
    write_shard(tmp_path / "pool/metadata_0000.parquet", words(50))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.text_embed_0000.npy.part").write_bytes(b"rubbish" * 1000)
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    np.testing.assert_allclose(np.load(tmp_path / "out/text_embed_0000.npy"), padded(model[1], words(50)), atol=5e-4)


def test_jobs_of_an_array_share_the_shards_and_give_a_single_runs_bytes(model, tmp_path):
    for number in range(5):
        write_shard(tmp_path / f"pool/metadata_{number:04}.parquet", words(40, seed=number))
    run(tmp_path / "pool", tmp_path / "one", model[0])
    written = []
    for job in range(3):
        assert run(tmp_path / "pool", tmp_path / "array", model[0], "--job_idx", str(job), "--total_jobs", "3") == 0
        written.append({path.name for path in (tmp_path / "array").glob("*.npy")})
    assert [len(names) for names in written] == [2, 4, 5]
    for path in (tmp_path / "one").glob("*.npy"):
        assert (tmp_path / "array" / path.name).read_bytes() == path.read_bytes()


def test_a_truncated_shard_is_named_and_the_others_are_done(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/metadata_0000.parquet", words(30))
    bad = write_shard(tmp_path / "pool/metadata_0001.parquet", words(30))
    bad.write_bytes(bad.read_bytes()[:200])
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 1
    said = capsys.readouterr().err
    assert f"not embedded: {bad}" in said and "2 shards asked, 1 done, 1 unreadable" in said
    assert sorted(path.name for path in (tmp_path / "out").glob("*.npy")) == ["text_embed_0000.npy"]


def test_a_shard_with_a_broken_page_is_named_and_the_others_are_done(model, tmp_path, capsys):
    bad = write_shard(tmp_path / "pool/metadata_0000.parquet", words(3000), row_group_size=1000)
    write_shard(tmp_path / "pool/metadata_0001.parquet", words(30))
    offset = pq.ParquetFile(bad).metadata.row_group(1).column(1).dictionary_page_offset
    broken = bytearray(bad.read_bytes())
    broken[offset : offset + 400] = b"\xff" * 400
    bad.write_bytes(broken)
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 1
    assert f"not embedded: {bad}" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").glob("*.npy")) == ["text_embed_0001.npy"]


def test_a_reduced_precision_says_its_cosine_to_fp32(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/metadata_0000.parquet", words(100))
    assert run(tmp_path / "pool", tmp_path / "out", model[0], "--precision", "bf16") == 0
    line = next(line for line in capsys.readouterr().err.splitlines() if "against fp32" in line)
    mean = float(line.split("cosine ")[1].split(" mean")[0])
    assert "bf16 against fp32 on 100 captions" in line and 0.99 < mean < 1
    rows = np.load(tmp_path / "out/text_embed_0000.npy").astype(np.float32)
    assert ((rows * padded(model[1], words(100))).sum(1)).mean() == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model", "ViT-X/14"], "model 'ViT-X/14' is not known"),
        (["--model", "open_clip:ViT-L-14/no.pt"], "there is no checkpoint no.pt"),
        (["--batch-size", "0"], "--batch-size 0: give at least 1"),
        (["--input-parquet-dir", "/nowhere"], "--input-parquet-dir /nowhere is no folder"),
        (["--job-idx", "1"], "--job-idx and --total-jobs go together"),
        (["--device", "cuda:77"], "device 'cuda:77' cannot be used"),
        (["--caption-column", "number"], "column 'number' holds int64, not text"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(flags, sentence, model, tmp_path, capsys):
    (tmp_path / "pool").mkdir()
    pq.write_table(pa.table({"caption": ["a"], "number": [1]}), tmp_path / "pool/metadata_0000.parquet")
    assert run(tmp_path / "pool", tmp_path / "out", model[0], *flags) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("error: ") and sentence in said[-1]


UUID = "5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy"
PUBLISHED = {  # the shards' stems, in their order -> their embeddings'
    "laion-2b-en": (["metadata_0009", "metadata_0010"], ["0009", "0010"]),
    "laion and coyo": ([f"part-0000{n}-{UUID}" for n in (0, 1)], ["00000", "00001"]),
    "the hub": ([f"train-0000{n}-of-00002" for n in (0, 1)], ["00000", "00001"]),
    "splits": (["train-00000-of-00001", "validation-00000-of-00001"],) * 2,
    "unpadded": (["data_2", "data_10"], ["2", "10"]),
    "datacomp": (["0b42e5ad6a9d6f0a8ea1b2c3d4e5f609", "7fa3e5ad6a9d6f0a8ea1b2c3d4e5fab1"],) * 2,
    "one of datacomp": (["00b42e5ad6a9d6f0a8ea1b2c3d4e5f60"],) * 2,
    "no series": (["a_0001", "b_0001"],) * 2,
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_published_names_give_each_shard_a_file_of_its_own_in_the_shards_order(kind, model, tmp_path):
    stems, names = PUBLISHED[kind]
    for number, stem in enumerate(stems):
        write_shard(tmp_path / f"pool/{stem}.parquet", words(number + 1))
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    files = matching_paths(tmp_path / "out", "*.npy", "--embeddings")
    assert [path.name for path in files] == [f"text_embed_{name}.npy" for name in names]
    assert [len(np.load(path)) for path in files] == list(range(1, len(stems) + 1))
    shards = sorted((tmp_path / "pool").glob("*.parquet"), key=numeric_order)
    assert [shard.name for shard in shards] == [source_name(path) for path in files]


def test_work_of_an_earlier_name_is_taken_over_and_not_done_again(model, tmp_path, capsys):
    hexadecimal = "7fa3e5ad6a9d6f0a8ea1b2c3d4e5f601"
    write_shard(tmp_path / f"pool/{hexadecimal}.parquet", words(20))
    run(tmp_path / "pool", tmp_path / "out", model[0])
    written = (tmp_path / f"out/text_embed_{hexadecimal}.npy").stat().st_mtime_ns
    for suffix in (".npy", ".json"):  # as it was named before
        os.rename(tmp_path / f"out/text_embed_{hexadecimal}{suffix}", tmp_path / f"out/text_embed_601{suffix}")
    capsys.readouterr()
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    assert "1 shards are done already" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path / "out")) == [f"text_embed_{hexadecimal}{suffix}" for suffix in (".json", ".npy")]
    assert (tmp_path / f"out/text_embed_{hexadecimal}.npy").stat().st_mtime_ns == written
    for suffix in (".npy", ".json"):
        os.rename(tmp_path / f"out/text_embed_{hexadecimal}{suffix}", tmp_path / f"out/text_embed_601{suffix}")
    write_shard(tmp_path / f"pool/{hexadecimal}.parquet", words(30))
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0  # what was made of the other shard is gone
    assert sorted(os.listdir(tmp_path / "out")) == [f"text_embed_{hexadecimal}{suffix}" for suffix in (".json", ".npy")]


@pytest.mark.parametrize("kind", ["string", "large_string", "binary", "large_binary", "dictionary", "null"])
def test_captions_of_any_type_and_encoding_are_read_as_the_substring_filter_reads_them(kind, model, tmp_path):
    raw = [b"caf\xe9 au lait", "crème".encode(), None]
    column = pa.array(raw, pa.large_binary() if "large" in kind else pa.binary())
    if kind in ("string", "large_string"):
        column = pa.Array.from_buffers(getattr(pa, kind)(), 3, column.buffers())  # unchecked, as parquet holds it
    elif kind == "dictionary":
        column = column.dictionary_encode()
    elif kind == "null":
        raw, column = [None] * 3, pa.nulls(3)
    (tmp_path / "pool").mkdir()
    pq.write_table(pa.table({"caption": column}), tmp_path / "pool/metadata_0000.parquet")
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    expected = padded(model[1], [(caption or b"").decode("utf-8", "replace") for caption in raw])
    np.testing.assert_allclose(np.load(tmp_path / "out/text_embed_0000.npy"), expected, atol=5e-4)


def test_a_shard_that_pyarrow_cannot_decode_is_embedded_all_the_same(model, tmp_path):
    (tmp_path / "pool").mkdir()
    rows = "SELECT 'u' AS url, ['a dog', 'a cat'][i + 1] AS caption, i::VARIANT AS other FROM range(2) t(i)"
    duckdb.sql(f"COPY ({rows}) TO '{tmp_path}/pool/metadata_0000.parquet' (PARQUET_VERSION V2)")
    # pyarrow 15 refuses the whole file for its VARIANT column; pyarrow 26 decodes it
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    expected = padded(model[1], ["a dog", "a cat"])
    np.testing.assert_allclose(np.load(tmp_path / "out/text_embed_0000.npy"), expected, atol=5e-4)


@pytest.mark.parametrize("name", ["metadata_0000.csv.gz", "metadata_0000.jsonl", "metadata_0000.arrow", "cc_0000.tsv"])
def test_a_list_of_any_format_has_the_embeddings_of_the_same_parquet(name, model, tmp_path):
    captions = [*words(40), None, 'say "hen", twice']
    table = pq.read_table(write_shard(tmp_path / "pool/metadata_0000.parquet", captions))
    assert run(tmp_path / "pool", tmp_path / "expected", model[0]) == 0
    (tmp_path / "lists").mkdir()
    path, flags = tmp_path / "lists" / name, []
    if name.endswith(".arrow"):
        pyarrow.feather.write_feather(table, path)
    elif name.endswith(".tsv"):
        path.write_text("".join(f"{row['caption'] or ''}\t{row['url']}\n" for row in table.to_pylist()))
        flags = ["--columns", "caption,url"]
    else:
        options = "FORMAT json" if name.endswith("jsonl") else "FORMAT csv, HEADER"
        duckdb.from_arrow(table).query("t", f"COPY t TO '{path}' ({options})")
    (tmp_path / "lists" / "notes.txt").write_text("no shard")
    assert run(tmp_path / "lists", tmp_path / "out", model[0], *flags) == 0
    made, expected = (np.load(tmp_path / folder / "text_embed_0000.npy") for folder in ("out", "expected"))
    assert np.array_equal(made, expected)


def test_a_list_with_a_row_that_cannot_be_read_is_not_embedded(model, tmp_path, capsys):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.csv").write_text("url,caption\nu,a\nu,b,more\nu,c\nu,d\n")
    assert run(tmp_path / "lists", tmp_path / "out", model[0]) == 1
    assert "a.csv: it has rows that cannot be read, the first: row 1 has 3 fields, not 2" in capsys.readouterr().err


def test_hidden_files_are_no_shards(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/metadata_0000.parquet", ["a dog"])
    (tmp_path / "pool/._metadata_0000.parquet").write_bytes(b"Mac OS X")
    (tmp_path / "pool/metadata_0001.parquet").mkdir()
    assert run(tmp_path / "pool", tmp_path / "out", model[0]) == 0
    assert "1 shards asked, 1 done" in capsys.readouterr().err


def test_a_shard_without_captions_or_with_too_long_a_name_takes_no_other_with_it(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/good.parquet", ["a dog"])
    write_shard(tmp_path / "pool/other.parquet", ["a dog"], column="words")
    twice = pa.Table.from_arrays([pa.array(["a dog"]), pa.array(["a cat"])], names=["TEXT", "TEXT"])
    pq.write_table(twice, tmp_path / "pool/twice.parquet")
    write_shard(tmp_path / f"pool/{'x' * 240}.parquet", ["a dog"])
    assert run(tmp_path / "pool", tmp_path / "out", model[0], "--precision", "bf16") == 1
    said = capsys.readouterr().err
    assert "other.parquet: it has no caption column; it has url, words: name one" in said
    assert (
        "twice.parquet: it has 2 columns of the name 'TEXT': rename or drop all but one" in said
        and "would be too long a name" in said
    )
    assert said.splitlines()[-1].startswith("4 shards asked, 1 done, 3 unreadable; 1 captions embedded")


def test_memory_is_the_same_for_ten_times_the_rows(tmp_path):
    """Peak resident memory of reading and tokenising alone: a model's own is not what grows."""
    program = (
        "import resource, sys, numpy, open_clip, compute_text_embeddings as script\n"
        "from retrieval.clip_tokens import caption_tokenizer\n"
        "from retrieval.indexing.caption_shards import Work\n"
        "from retrieval.read_ahead import ahead\n"
        "from retrieval.indexing.text_embedding import tokenised_groups\n"
        "from pathlib import Path\n"
        "tokenizer = caption_tokenizer(open_clip.tokenizer.SimpleTokenizer())\n"
        "work = Work(Path(sys.argv[1]), 'caption', -1, 768, Path('x'), '', '', 0, 0)\n"
        "rows = sum(len(group.ids) for group in ahead(tokenised_groups(tokenizer, [work], [])))\n"
        "print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for rows in (40_000, 400_000):
        captions = pa.array([f"caption {row} of a rather long and dull web page about sofas" for row in range(rows)])
        pq.write_table(pa.table({"caption": captions}), tmp_path / f"{rows}.parquet", row_group_size=rows)
        argv = [sys.executable, "-c", program, tmp_path / f"{rows}.parquet"]
        counted, peak = subprocess.check_output(argv, cwd=SCRIPT.parent, text=True).split()
        assert int(counted) == rows
        peaks.append(int(peak))
    assert peaks[1] < 1.1 * peaks[0]


def test_work_ahead_stops_when_nobody_wants_it_and_hands_its_errors_over():
    made = []

    def items():
        for number in range(1000):
            made.append(number)
            yield number

    stream = read_ahead.ahead(items())
    assert [next(stream), next(stream)] == [0, 1]
    stream.close()
    count = len(made)
    time.sleep(0.2)
    assert len(made) == count <= 2 + read_ahead.ITEMS_AHEAD + 2

    def broken():
        yield 1
        raise ValueError("a broken page")

    with pytest.raises(ValueError, match="a broken page"):
        list(read_ahead.ahead(broken()))


# ---- shards that are read where they lie ----


def test_remote_shards_give_the_bytes_of_local_ones_and_only_captions_are_moved(model, tmp_path, capsys):
    for number in range(3):
        write_shard(tmp_path / f"pool/part-{number}-of-3.parquet", words(400, number), row_group_size=100)
    assert run(tmp_path / "pool", tmp_path / "here", model[0]) == 0
    with serving(tmp_path) as server:
        shards = server.at + "/pool/part-{0..2}-of-3.parquet"
        assert run(shards, tmp_path / "there", model[0], "--job-idx", "0", "--total-jobs", "2") == 0
        assert run(shards, tmp_path / "there", model[0], "--job-idx", "1", "--total-jobs", "2") == 0
        assert "bytes moved of" in capsys.readouterr().err
        asked = len(server.asked)
        assert run(shards, tmp_path / "there", model[0]) == 0
        assert len(server.asked) == asked, "listing and footers are known, and all is done"
    files = {path.name: path.read_bytes() for path in (tmp_path / "here").glob("*.npy")}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "there").glob("*.npy")}
    assert len(files) == 3


def test_a_remote_shard_that_changed_is_named_and_embedded_by_the_next_run(model, tmp_path, capsys):
    write_shard(tmp_path / "pool/a.parquet", words(50))
    with serving(tmp_path) as server:
        find_remote([f"{server.at}/pool/a.parquet"], "--input-parquet-dir", tmp_path / "out" / LISTING)
        write_shard(tmp_path / "pool/a.parquet", words(60, 1))
        assert run(f"{server.at}/pool/a.parquet", tmp_path / "out", model[0]) == 1
        assert "has changed since it was listed" in capsys.readouterr().err
        assert run(f"{server.at}/pool/a.parquet", tmp_path / "out", model[0]) == 0
    assert len(np.load(tmp_path / "out/text_embed_a.npy")) == 60
