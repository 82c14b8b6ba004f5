"""Shards and databases for the benchmarks: captions like LAION's, with LAION-2B-en's columns."""

import re
import sqlite3
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 250_000  # about what pyarrow and Spark write for rows of this size (64 MB)
MATCHING = 0.1  # share of invented captions that name a class; ImageNet finds as many in web captions by whole words
COLUMNS = ("SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity")


def make_shards(work: Path, args, label: str, names: list[str], matching: float) -> list[Path]:
    """Parquet shards with LAION-2B-en's columns, made once in `work`. A share `matching` of the rows names a class.

    `args` has rows (per shard), shards and captions (a parquet file, or None for captions that are made here). `label`
    stands for the names in the shards' file names.
    """
    captions = read_captions(args.captions) if args.captions else invent_captions()
    made = f"{args.captions.stem if args.captions else 'invented'}-{label}-{matching:.2f}-{args.rows}"
    shards = []
    for shard in range(args.shards):
        path = work / f"{made}-{shard}.parquet"
        shards.append(path)
        if path.exists():
            continue
        random = np.random.default_rng(shard)
        beside = path.with_suffix(".part")
        with pq.ParquetWriter(beside, pa.schema(schema_fields())) as writer:
            for first in range(0, args.rows, ROW_GROUP):
                count = min(ROW_GROUP, args.rows - first)
                # The first half of one caption, the second of another: phrases survive, few captions are there twice.
                left, right = random.integers(0, len(captions), (2, count))
                text = [captions[a][0] + captions[b][1] for a, b in zip(left, right, strict=True)]
                if not args.captions or matching > MATCHING:
                    for position in np.flatnonzero(random.random(count) < matching):
                        text[position] = f"{text[position]} {names[random.integers(len(names))]}"
                writer.write_table(pa.table(
                    {
                        "SAMPLE_ID": random.integers(0, 2**62, count),
                        "URL": [f"https://cdn.example.com/images/{shard}/{first + n:012x}/{a:08x}-large.jpg?width=800"
                                for n, a in enumerate(left)],
                        "TEXT": text,
                        "HEIGHT": random.integers(64, 2048, count).astype("int32"),
                        "WIDTH": random.integers(64, 2048, count).astype("int32"),
                        "LICENSE": ["?"] * count,
                        "NSFW": np.array(["UNLIKELY", "UNSURE", "NSFW"], object)[random.integers(0, 3, count)],
                        "similarity": random.uniform(0.28, 0.45, count),
                    }, schema=pa.schema(schema_fields())))  # fmt: skip
        beside.replace(path)
    return shards


def schema_fields():
    kinds = [pa.int64(), pa.string(), pa.string(), pa.int32(), pa.int32(), pa.string(), pa.string(), pa.float64()]
    return list(zip(COLUMNS, kinds, strict=True))


def read_captions(path: Path) -> list[tuple[str, str]]:
    texts = [text for text in pq.read_table(path, columns=["TEXT"]).column(0).to_pylist() if text]
    return [halves(text) for text in texts]


def invent_captions(count: int = 50_000, vocabulary: int = 30_000) -> list[tuple[str, str]]:
    """Captions of 4 to 15 words with the frequencies of natural words (Zipf). One in sixteen is not ASCII."""
    random = np.random.default_rng(7)
    syllables = re.findall("..", "anbecadoelfigohainjokalomineorparistoteunwaxiyazo")
    words = ["".join(random.choice(syllables, random.integers(1, 5))) for _ in range(vocabulary)]
    chance = 1 / np.arange(1, vocabulary + 1)
    picked = iter(random.choice(vocabulary, count * 15, p=chance / chance.sum()))
    captions = []
    for length in random.integers(4, 16, count):
        text = " ".join(words[next(picked)] for _ in range(length)).capitalize()
        captions.append(halves(text + " é" if random.random() < 1 / 16 else text))
    return captions


def halves(text: str) -> tuple[str, str]:
    middle = text.find(" ", len(text) // 2)
    return (text, "") if middle < 0 else (text[:middle], text[middle:])


def build_database(shard: Path, database: Path) -> float:
    """Make a database of the published kind from a shard, and keep it in --work. Returns the seconds that it took."""
    took = database.with_suffix(".seconds")
    if database.exists() and took.exists():
        return float(took.read_text())
    database.unlink(missing_ok=True)
    started = time.perf_counter()
    connection = sqlite3.connect(database)
    connection.execute(f"CREATE VIRTUAL TABLE samples USING fts5({', '.join(COLUMNS)})")
    for batch in pq.ParquetFile(shard).iter_batches():
        values = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    connection.close()
    seconds = time.perf_counter() - started
    took.write_text(str(seconds))
    return seconds
