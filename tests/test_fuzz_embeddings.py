"""Made-up embedding folders through build_knn_index.py: one sentence, or row i of the index is row i of the sources.

The folders hold what real ones do: published names, both orders of axes, two types, empty, cut and hidden files,
archives, rows that are NaN or not unit, sidecars and none. tests/test_text_embeddings.py writes such folders itself.
"""

import json
import re
import zlib
from pathlib import Path

import faiss
import numpy as np
import pytest
from build_knn_index import main

from retrieval.embeddings import numeric_order
from retrieval.indexing.caption_shards import earlier_names, embedding_names

WIDTH, FOLDERS = 16, 84
UUID = "5114fd87-297e-42b0-9d11-50f1df323dfa"


def stems_of(kind: str, count: int, random: np.random.Generator) -> list[str]:
    """Stems of parquet files as they are published, in any order."""
    numbers = random.choice(40, count, replace=False).tolist()
    return {
        "laion": [f"metadata_{number:04d}" for number in numbers],
        "unpadded": [f"laion2B_{number}" for number in numbers],
        "spark": [f"part-{number:05d}-{UUID}-c000.snappy" for number in numbers],
        "hub": [f"train-{number:05d}-of-00040" for number in numbers],
        "splits": [f"{split}-00000-of-00001" for split in ("train", "test", "validation", "extra")[:count]],
        "datacomp": [random.bytes(16).hex() for _ in numbers],
        "dots and words": [f"{['a.o', 'x-1', 'B'][number % 3]}{'.b' * (place % 3)}{place}"
                           for place, number in enumerate(numbers)],
    }[kind]  # fmt: skip


def embedding_names_of(stems: list[str], how: str) -> list[str]:
    """The names of their embedding files without suffix: ours, those of earlier versions, or the stems themselves."""
    shards = [Path(f"{stem}.parquet") for stem in stems]
    if how == "earlier":
        return [sorted(earlier_names(shard))[0].removesuffix(".npy") for shard in shards]
    return [name.removesuffix(".npy") for name in embedding_names(shards).values()] if how == "ours" else stems


def unit_rows(random: np.random.Generator, rows: int) -> np.ndarray:
    vectors = random.normal(size=(rows, WIDTH))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def changed_row(value: float):
    def change(path: Path, rows: np.ndarray) -> None:
        rows = rows.copy()
        rows[-1] *= np.float16(value)
        np.save(path, rows)

    return change


SOUND = {
    "plain": np.save,
    "Fortran order": lambda path, rows: np.save(path, np.asfortranarray(rows)),
    "float32": lambda path, rows: np.save(path, rows.astype(np.float32)),
    "version 2": lambda path, rows: np.lib.format.write_array(open(path, "wb"), rows, (2, 0)),
    "a hidden twin": lambda path, rows: (
        np.save(path, rows),
        path.with_name(f"._{path.name}").write_bytes(b"Mac OS X"),
    ),
    "a folder beside": lambda path, rows: (np.save(path, rows), path.with_name(f"{path.stem}.d.npy").mkdir()),
}
UNSOUND = {
    "NaN": changed_row(np.nan),
    "infinite": changed_row(np.inf),
    "zeros": changed_row(0),
    "long": changed_row(3),
    "float64": lambda path, rows: np.save(path, rows.astype(np.float64)),
    "big-endian": lambda path, rows: np.save(path, rows.astype(">f4")),
    "one axis": lambda path, rows: np.save(path, rows.ravel()),
    "another width": lambda path, rows: np.save(path, np.pad(rows, ((0, 0), (0, 1)))),
    "objects": lambda path, rows: np.save(path, np.array([{}], object), allow_pickle=True),
    "archive": lambda path, rows: np.savez(open(path, "wb"), a=rows),
    "nothing": lambda path, rows: path.write_bytes(b""),
    "cut": lambda path, rows: (np.save(path, rows), path.write_bytes(path.read_bytes()[: -rows.nbytes // 2])),
    "cut header": lambda path, rows: (np.save(path, rows), path.write_bytes(path.read_bytes()[:30])),
    "cut archive": lambda path, rows: (np.savez(open(path, "wb"), a=rows), path.write_bytes(path.read_bytes()[:90])),
    "text": lambda path, rows: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
}  # fmt: skip


def write_folder(folder: Path, seed: int) -> tuple[np.ndarray, list[str]]:
    """An embeddings folder; its rows in the sources' order, and what is unsound about it."""
    random = np.random.default_rng(seed)
    kinds = ("laion", "unpadded", "spark", "hub", "splits", "datacomp", "dots and words")
    kind = kinds[seed % len(kinds)]
    count = int(random.integers(2, 5))
    stems = stems_of(kind, count, random)
    # Bare names tell one kind of files from another only where they begin alike.
    how = str(random.choice(["ours", "earlier"] + (["bare"] if kind in ("spark", "hub", "datacomp") else [])))
    names = embedding_names_of(stems, how)
    if len(set(names)) < len(names):  # earlier versions refused these shards
        how, names = "ours", embedding_names_of(stems, "ours")
    rows_of, unsound = {}, []
    folder.mkdir()
    for place, (stem, name) in enumerate(zip(stems, names, strict=True)):
        rows = unit_rows(random, int(random.integers(1, 40)))
        if random.random() < 0.1 and place:
            rows = rows[:0]
        spoilt = random.random() < 0.15 and len(rows)
        oddity = str(random.choice(list(UNSOUND if spoilt else SOUND)))
        (UNSOUND | SOUND)[oddity](folder / f"{name}.npy", rows)
        unsound += [oddity] if spoilt else []
        rows_of[Path(f"{stem}.parquet")] = rows
        if how == "earlier" or random.random() < 0.5:
            (folder / f"{name}.json").write_text(json.dumps({"shard": f"{stem}.parquet"}))
    in_order = sorted(rows_of, key=numeric_order)  # as assemble_index_folder.py takes the metadata
    return np.concatenate([rows_of[path] for path in in_order]), unsound


@pytest.mark.parametrize("seed", range(FOLDERS))
def test_a_folder_is_refused_in_one_sentence_or_indexed_in_the_order_of_its_sources(seed, tmp_path, capsys):
    rows, unsound = write_folder(tmp_path / "emb", seed)
    index_path = tmp_path / "index" / "knn.index"
    code = main(["--embeddings", str(tmp_path / "emb"), "--index-path", str(index_path), "--recall-queries", "0"])
    said = capsys.readouterr().err.splitlines()
    if unsound:
        assert code == 2 and said[-1].startswith("error: ") and "Traceback" not in "".join(said), unsound
        assert not index_path.exists()
        return
    assert code == 0, said
    index = faiss.read_index(str(index_path))
    assert (index.reconstruct_n(0, index.ntotal) == rows.astype(np.float32)).all(), sorted((tmp_path / "emb").iterdir())


@pytest.mark.parametrize("seed", range(12))
def test_the_pattern_that_a_refusal_of_several_kinds_advises_works(seed, tmp_path, capsys):
    random = np.random.default_rng(seed)
    kinds = random.choice(["img_emb_", "text_embed_", "text_emb_", "clip-", "clip-b-", "vit[l]"], 2, replace=False)
    for kind in kinds:
        for number in range(2):
            rows = unit_rows(np.random.default_rng(zlib.crc32(f"{kind}{number}".encode())), 5)
            np.save(tmp_path / f"{kind}{number}.npy", rows)
    command = ["--embeddings", str(tmp_path), "--index-path", str(tmp_path / "index" / "knn.index")]
    assert main(command) == 2
    pattern = re.search(r"--pattern '(.+)'", capsys.readouterr().err)[1]
    assert main([*command, "--pattern", pattern]) == 0
    assert faiss.read_index(str(tmp_path / "index" / "knn.index")).ntotal == 10
