"""The substring stage, run as a user runs it: the same records from every kind of shard, after every kind of stop."""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filter_laion_metadata_substring import main
from retrieval.records import RECORD_FIELDS, chunk_files, encode_record, read_records
from retrieval.substring import batch_scan, shard_scan
from retrieval.substring.random_sample import draw_sample

ROOT = Path(__file__).parent.parent
SCRIPT = str(ROOT / "filter_laion_metadata_substring.py")
PUBLISHED = "part-{:05d}-5114fd87-297e-42b0-9d11-50f1df323dfa-c000.snappy.db"
CLASSES = [
    "hen",
    "tiger",
    "tiger shark",
    "café",
    "St. Bernard",
    "t-shirt",
    "CD/DVD",
    "it's",
    "100% wool",
    "猫",
    "nowhere",
]
WORDS = [
    *["hen", "kitchen", "Hen's", "HEN", "tiger", "tigers", "shark", "Shark-", "cafe", "CAFÉ", "café", "St", "Bernard"],
    *["St.", "t-shirt", "t shirt", "shirt", "cd", "CD/DVD", "dvd", "it’s", "it's", "100%", "100", "wool", "猫", "小猫"],
    *["🐈", "İstanbul", "straße", "a", "of", "photo", "\n", '"quoted"', "\\", "x" * 300],
]
COLUMNS = RECORD_FIELDS[:-1]
FTS = "CREATE VIRTUAL TABLE samples USING {}(" + ", ".join(COLUMNS) + ")"


def make_rows(count, seed):
    choose = random.Random(seed)
    rows = []
    for number in range(count):
        text = " ".join(choose.choices(WORDS, k=choose.randint(0, 9))) if number % 50 else None
        rows.append({
            "SAMPLE_ID": choose.randint(-(2**63), 2**63 - 1),
            "URL": f"http://example.com/{seed}/{number}?a=\"b\"&c=%20",
            "TEXT": text,
            "HEIGHT": choose.choice([None, 64, 2000]),
            "WIDTH": choose.randint(1, 5000),
            "LICENSE": choose.choice(["?", None]),
            "NSFW": choose.choice(["UNLIKELY", "UNSURE", "NSFW", None]),
            "similarity": choose.choice([None, 0.1, 1e-7, 0.3456789]),
        })  # fmt: skip
    return rows


def write_shard(path, rows, row_group_size=100):
    if path.suffix == ".parquet":
        table = {name: [row[name] for row in rows] for name in COLUMNS}
        pq.write_table(pa.table(table), path, row_group_size=row_group_size)
        return path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(FTS.format("fts4" if "fts4" in path.name else "fts5"))
        connection.executemany(
            f"INSERT INTO samples VALUES ({','.join('?' * len(COLUMNS))})", [tuple(row.values()) for row in rows]
        )
        connection.commit()
    return path


def expected_rows(rows, classes, mode):
    """[(row, class)] by Python's `in`, or by SQLite's FTS5 over the same captions; nothing of ours."""
    if mode == "substring":
        return [(number, name) for number, row in enumerate(rows) for name in classes
                if row["TEXT"] is not None and name.lower() in row["TEXT"].lower()]  # fmt: skip
    found = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE captions USING fts5(TEXT)")
        connection.executemany("INSERT INTO captions(rowid, TEXT) VALUES (?, ?)",
                               [(number, row["TEXT"]) for number, row in enumerate(rows)])  # fmt: skip
        for place, name in enumerate(classes):
            published = name if mode == "fts" and not set(name) & set("-/") else f'"{name}"'
            try:
                numbers = connection.execute(
                    "SELECT rowid FROM captions WHERE captions MATCH ?", [published]
                ).fetchall()
            except sqlite3.OperationalError:  # a raw name that FTS5 cannot parse is searched as a phrase
                numbers = connection.execute(
                    "SELECT rowid FROM captions WHERE captions MATCH ?", [f'"{name}"']
                ).fetchall()
            found += [(number, place, name) for (number,) in numbers]
    return [(number, name) for number, _, name in sorted(found)]


def read_output(folder, **options):
    return [record for chunk in chunk_files(folder, **options) for record in read_records(chunk)]


def manifest_of(folder, job="job_0_of_1"):
    return json.loads((folder / f"{job}.json").read_text())


def output_bytes(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def rows():
    return [make_rows(700, seed) for seed in range(3)]


@pytest.fixture(scope="module")
def pool(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("pool")
    for number, of_shard in enumerate(rows):
        for suffix in (".parquet", ".fts4.db", ".fts5.db"):
            write_shard(folder / f"part-{number}{suffix}", of_shard)
    return folder


# ---- which records ----


@pytest.mark.parametrize("kind", ["parquet", "fts4.db", "fts5.db"])
@pytest.mark.parametrize("mode", ["substring", "word", "fts"])
def test_every_kind_of_shard_gives_the_rows_that_python_and_sqlite_give(pool, rows, tmp_path, mode, kind):
    assert run("-o", tmp_path / "out", "-q", "|".join(CLASSES), "--match", mode, "--workers", 2,
               "--dbs", pool / f"*.{kind}") == 0  # fmt: skip
    first_row = 0 if kind == "parquet" else 1
    expected = [
        {field: row[field] for field in COLUMNS}
        | {"QUERY": name, "SOURCE": "substring", "SCORE": None, "RANK": None}
        | {"ROW": f"part-{shard}.{kind}:{place + first_row}"}
        for shard, of_shard in enumerate(rows)
        for place, name in expected_rows(of_shard, CLASSES, mode)
        for row in [of_shard[place]]
    ]  # fmt: skip
    found = read_output(tmp_path / "out")
    assert [{key: value for key, value in record.items() if key != "MATCHED"} for record in found] == expected
    assert len({record["QUERY"] for record in found}) == len(CLASSES) - 1
    counts = manifest_of(tmp_path / "out")["counts"]
    assert (counts["records"], counts["rows"]) == (len(expected), 2100)
    assert {name: of["records"] for name, of in counts["classes"].items()} == {
        name: sum(record["QUERY"] == name for record in expected) for name in CLASSES
    }


COMPLEX = {
    "a": "hen AND tiger OR shark",
    "b": '(shark AND hen) OR (tiger NOT "t shirt") OR 猫',
    "c": "tig* photo",
    "d": '"..." café',
    "e": 'hen OR "..." OR "tiger shark"',
    "f": "(photo OR wool) NOT (hen OR tiger)",
    "g": 'st + "bern" * OR (cd AND dvd)',
    "h": "100 AND (of OR a)",
}


@pytest.mark.parametrize("mode", ["substring", "word", "fts"])
def test_queries_of_the_whole_language_match_by_the_same_phrases_in_every_kind_of_shard(pool, rows, tmp_path, mode):
    (tmp_path / "T.py").write_text(f"classes = {list(COMPLEX)}\ntemplates = ['a {{}}']\nclass_map = {COMPLEX}\n")
    found = {}
    for kind in ("parquet", "fts4.db", "fts5.db"):
        assert run("-o", tmp_path / kind, "-q", "T", "--template", "--template-dir", tmp_path, "--match", mode,
                   "--workers", 1, "--dbs", pool / f"*.{kind}") == 0  # fmt: skip
        found[kind] = [record | {"ROW": record["ROW"].split(".")[0]} for record in read_output(tmp_path / kind)]
    assert found["parquet"] == found["fts4.db"] == found["fts5.db"] != []
    silent = mode == "substring"  # three dots stand in no caption; as words they are nothing and left out
    assert len({record["QUERY"] for record in found["parquet"]}) == len(COMPLEX) - silent
    if mode != "substring":
        with closing(sqlite3.connect(pool / "part-1.fts5.db")) as connection:
            for name, query in COMPLEX.items():
                ids = connection.execute("SELECT SAMPLE_ID FROM samples WHERE TEXT MATCH ?", [f"({query})"]).fetchall()
                assert [(record["SAMPLE_ID"],) for record in found["parquet"]
                        if record["QUERY"] == name and record["ROW"] == "part-1"] == ids  # fmt: skip


def test_a_line_of_a_chunk_is_exactly_an_encoded_record(pool, tmp_path):
    run("-o", tmp_path, "-q", "hen|café|it's", "--dbs", pool / "*")
    first, *lines, last = (tmp_path / "chunk_0.json").read_text().splitlines(keepends=True)
    assert (first, last) == ("[\n", "]\n") and len(lines) > 1000
    lines[-1] = lines[-1].replace("\n", ",\n")  # the last record has no comma behind it
    lines = [line.replace("e-7,", "e-07,") for line in lines]  # as Arrow writes it, as Python does
    assert lines == [encode_record(json.loads(line[:-2])) for line in lines]


def test_the_manifest_tells_matches_by_phrase_and_those_inside_longer_words(tmp_path, capsys):
    (tmp_path / "T.py").write_text(
        'classes = ["hen", "car"]\ntemplates = ["a {}"]\nclass_map = {"car": "automobile OR \\"motor car\\""}\n'
    )
    texts = [
        "kitchen",
        "Kitchen hen",
        "then",
        "when",
        "hens",
        "automobiles",
        "automobile",
        "a motor car",
        "motor car automobile",
    ]
    write_shard(tmp_path / "a.parquet", [make_rows(1, 0)[0] | {"TEXT": text} for text in texts])
    arguments = ["-q", "T", "--template", "--template-dir", tmp_path, "--dbs", tmp_path / "a.parquet"]
    assert run("-o", tmp_path / "out", *arguments) == 0
    assert manifest_of(tmp_path / "out")["counts"]["classes"] == {
        "hen": {"records": 5, "matches": {"hen": 5}, "inside_longer_words": 0.8},
        "car": {"records": 4, "matches": {"automobile": 3, "motor car": 1}, "inside_longer_words": 0.25},
    }
    said = capsys.readouterr().err
    assert "mostly inside longer words, which --match word leaves out: hen (80% of 5)\n" in said
    assert [record["MATCHED"] for record in read_output(tmp_path / "out")[-4:]] == ["automobile"] * 2 + [
        "motor car",
        "automobile",
    ]
    assert run("-o", tmp_path / "word", *arguments, "--match", "word") == 0
    assert manifest_of(tmp_path / "word")["counts"]["classes"]["hen"] == {
        "records": 1, "matches": {"hen": 1}, "inside_longer_words": 0.0}  # fmt: skip
    assert "longer words" not in capsys.readouterr().err


def test_the_last_line_reconciles(pool, tmp_path, capsys):
    run("-o", tmp_path, "-q", "hen|nowhere|neither", "--dbs", pool / "*.parquet")
    records = len(read_output(tmp_path))
    *_, last = capsys.readouterr().err.splitlines()
    assert last == (
        f"3 shards: 3 scanned, 0 missing; 2,100 rows; {records:,} records of 1 classes; "
        f"2 classes with none: nowhere, neither; 1 chunks in {tmp_path}"
    )


def test_the_schema_of_each_pool_gives_the_same_records(tmp_path, rows):
    table = pa.table({name: [row[name] for row in rows[0]] for name in COLUMNS})
    spellings = {
        "relaion": ["hash", "url", "caption", "original_height", "original_width", "license", None, "similarity"],
        "datacomp": [
            "uid",
            "url",
            "text",
            "original_height",
            "original_width",
            None,
            None,
            "clip_l14_similarity_score",
        ],
        "coyo": ["id", "url", "text", "height", "width", None, None, "clip_similarity_vitl14"],
    }
    for pool_name, names in spellings.items():
        kept = [(theirs, ours) for theirs, ours in zip(names, COLUMNS, strict=True) if theirs]
        shard = tmp_path / f"{pool_name}.parquet"
        pq.write_table(pa.table({theirs: table.column(ours) for theirs, ours in kept}), shard)
        run("-o", tmp_path / pool_name, "-q", "hen", "--dbs", shard, "--workers", 1)
        expected = [
            {field: rows[0][place][field] if field in dict(map(reversed, kept)) else None for field in COLUMNS}
            for place, _ in expected_rows(rows[0], ["hen"], "substring")
        ]
        assert [{field: record[field] for field in COLUMNS} for record in read_output(tmp_path / pool_name)] == expected


# ---- how many ----


@pytest.mark.parametrize("kind", ["parquet", "fts5.db"])
def test_quantity_keeps_the_first_of_each_class_and_stops_when_all_are_full(pool, tmp_path, kind, capsys):
    arguments = ["-q", "hen|tiger|café", "--match", "word", "--dbs", pool / f"*.{kind}"]
    run("-o", tmp_path / "all", *arguments)
    first: dict[str, list] = {}
    for record in read_output(tmp_path / "all"):
        first.setdefault(record["QUERY"], []).append(record["ROW"])
    capsys.readouterr()
    outputs = []
    for workers in (1, 2):
        assert run("-o", tmp_path / f"n{workers}", *arguments, "-n", 7, "--workers", workers) == 0
        found: dict[str, list] = {}
        for record in read_output(tmp_path / f"n{workers}"):
            found.setdefault(record["QUERY"], []).append(record["ROW"])
        assert found == {name: numbers[:7] for name, numbers in first.items()}
        outputs.append(output_bytes(tmp_path / f"n{workers}"))
        assert "3 shards: 1 scanned, 2 not needed, 0 missing" in capsys.readouterr().err
    assert outputs[0] == outputs[1]
    run("-o", tmp_path / "n1", *arguments, "-n", 7)
    assert "nothing to do" in capsys.readouterr().err


def test_quantity_beyond_one_shard_goes_on_into_the_next(pool, tmp_path):
    for number in (1, 150, 10_000):
        run("-o", tmp_path / str(number), "-q", "tiger|nowhere", "-n", number, "--dbs", pool / "*.parquet")
    whole = read_output(tmp_path / "10000")
    assert (
        len(whole) > 150 and read_output(tmp_path / "150") == whole[:150] and read_output(tmp_path / "1") == whole[:1]
    )


@pytest.mark.parametrize("kind", ["parquet", "fts5.db"])
def test_select_random_takes_distinct_rows_of_all_shards_the_same_for_the_same_seed(pool, rows, tmp_path, kind):
    for name, seed, workers in (("a", 1, 1), ("b", 1, 2), ("c", 2, 1)):
        arguments = ["--select-random", 200, "--seed", seed, "--workers", workers, "--dbs", pool / f"*.{kind}"]
        assert run("-o", tmp_path / name, *arguments) == 0
    records = read_output(tmp_path / "a")
    assert len({record["ROW"] for record in records}) == 200 and {record["QUERY"] for record in records} == {"random"}
    by_id = {row["SAMPLE_ID"]: row for of_shard in rows for row in of_shard}
    assert all({field: record[field] for field in COLUMNS} == by_id[record["SAMPLE_ID"]] for record in records)
    assert output_bytes(tmp_path / "a") == output_bytes(tmp_path / "b")
    assert records != read_output(tmp_path / "c")


def test_a_random_sample_is_uniform_over_shards_of_different_sizes():
    rows, drawn = [10, 0, 90, 900], [0, 0, 0, 0]
    for seed in range(200):
        sample = draw_sample(rows, 100, seed)
        assert all(
            list(of) == sorted(set(of)) and all(0 <= p < n for p in of) for of, n in zip(sample, rows, strict=True)
        )
        drawn = [total + len(of) for total, of in zip(drawn, sample, strict=True)]
    assert sum(drawn) == 20_000 and drawn[1] == 0
    assert abs(drawn[0] - 200) < 60 and abs(drawn[2] - 1800) < 160  # four standard deviations
    assert draw_sample([3], 3, 0) == [(0, 1, 2)]


# ---- work that can be stopped ----


def test_one_more_shard_is_the_only_one_scanned(pool, tmp_path, capsys):
    arguments = ["-o", tmp_path, "-q", "hen", "--dbs"]
    run(*arguments, pool / "part-0.parquet", pool / "part-2.parquet")
    capsys.readouterr()
    run(*arguments, pool / "*.parquet")
    said = capsys.readouterr().err
    assert said.count("scanned before") == 2 and "part-1.parquet: 700 rows" in said
    run("-o", tmp_path / "fresh", "-q", "hen", "--dbs", pool / "*.parquet")
    assert output_bytes(tmp_path) == output_bytes(tmp_path / "fresh")
    capsys.readouterr()
    run(*arguments, pool / "*.parquet")
    assert "this very run is complete already; nothing to do" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change", [["-q", "hen|tiger"], ["--match", "word"], ["-n", "10000"], ["--field", "URL"]], ids=lambda c: c[0]
)
def test_other_classes_or_settings_read_no_old_hits(pool, tmp_path, change, capsys):
    arguments = ["-q", "hen", "--dbs", pool / "part-0.parquet"]
    run("-o", tmp_path / "out", *arguments)
    capsys.readouterr()
    run("-o", tmp_path / "out", *arguments, *change, *([] if change[0] == "-q" else ["--overwrite"]))
    assert "scanned before" not in capsys.readouterr().err
    run("-o", tmp_path / "fresh", *arguments, *change)
    assert output_bytes(tmp_path / "out") == output_bytes(tmp_path / "fresh")


def test_a_shard_that_changed_is_scanned_again(tmp_path, rows, capsys):
    shard = write_shard(tmp_path / "a.parquet", rows[0])
    run("-o", tmp_path / "out", "-q", "hen", "--dbs", shard)
    write_shard(shard, rows[1])
    run("-o", tmp_path / "out", "-q", "hen", "--dbs", shard)
    assert "scanned before" not in capsys.readouterr().err
    assert len(read_output(tmp_path / "out")) == len(expected_rows(rows[1], ["hen"], "substring"))


def test_a_hit_file_that_lost_its_end_is_written_again(pool, tmp_path, capsys):
    arguments = ["-q", "hen", "--dbs", pool / "part-0.parquet"]
    run("-o", tmp_path / "whole", *arguments)
    run("-o", tmp_path / "cut", *arguments)
    (hits,) = (tmp_path / "cut" / ".hits").glob("*.jsonl")
    os.truncate(hits, hits.stat().st_size - 1)
    (tmp_path / "cut" / "job_0_of_1.json").unlink()
    capsys.readouterr()
    run("-o", tmp_path / "cut", *arguments)
    assert "scanned before" not in capsys.readouterr().err
    assert output_bytes(tmp_path / "cut") == output_bytes(tmp_path / "whole")


def test_a_chunk_that_lost_its_end_is_written_again(pool, tmp_path, capsys):
    arguments = ["-o", tmp_path, "-q", "hen", "--dbs", pool / "part-0.parquet"]
    run(*arguments)
    whole = (tmp_path / "chunk_0.json").read_bytes()
    for left in (0, 1, len(whole) // 2):
        os.truncate(tmp_path / "chunk_0.json", left)
        run(*arguments)
        assert (tmp_path / "chunk_0.json").read_bytes() == whole
    assert "nothing to do" not in capsys.readouterr().err


def test_records_of_one_batch_that_are_encoded_in_parts_are_the_same(pool, tmp_path, monkeypatch):
    arguments = ["-q", "|".join("abcdehinorst"), "--workers", 1, "--dbs", pool / "*.parquet"]
    run("-o", tmp_path / "whole", *arguments)
    monkeypatch.setattr(batch_scan, "ENCODED_BYTES", 1000)
    run("-o", tmp_path / "parts", *arguments)
    assert output_bytes(tmp_path / "parts") == output_bytes(tmp_path / "whole")


def test_shards_of_one_name_in_two_folders_are_two_shards(tmp_path, rows):
    for number in (0, 1):
        (tmp_path / str(number)).mkdir()
        write_shard(tmp_path / str(number) / "a.parquet", rows[number])
    run("-o", tmp_path / "out", "-q", "hen", "--dbs", tmp_path / "*" / "a.parquet")
    assert len(read_output(tmp_path / "out")) == sum(len(expected_rows(r, ["hen"], "substring")) for r in rows[:2])


def test_the_jobs_of_an_array_share_the_shards_and_their_chunks_read_as_one(pool, tmp_path):
    for job in (1, 0):
        assert run("-o", tmp_path / "jobs", "-q", "hen|tiger", "--dbs", pool / "*.parquet",
                   "--job-idx", job, "--total-jobs", 2) == 0  # fmt: skip
    run("-o", tmp_path / "one", "-q", "hen|tiger", "--dbs", pool / "*.parquet")
    by_row = [sorted(encode_record(r) for r in read_output(tmp_path / name)) for name in ("jobs", "one")]
    assert by_row[0] == by_row[1]
    assert [manifest_of(tmp_path / "jobs", f"job_{job}_of_2")["coverage"]["asked"] for job in (0, 1)] == [2, 1]


def test_the_copy_on_a_fast_disk_is_removed_and_the_shard_stays(pool, tmp_path):
    run("-o", tmp_path / "out", "-q", "hen", "--dbs", pool / "part-0.*", "--tmp", tmp_path / "fast")
    run("-o", tmp_path / "plain", "-q", "hen", "--dbs", pool / "part-0.*")
    assert list((tmp_path / "fast").iterdir()) == [] and len(list(pool.glob("part-0.*"))) == 3
    assert read_output(tmp_path / "out") == read_output(tmp_path / "plain")


def children_of(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def test_killed_at_any_moment_and_run_again_gives_the_same_bytes(tmp_path, rows):
    """Real kills, from the first batch to the last chunk, then the same command; no worker outlives its parent."""
    big = [row | {"SAMPLE_ID": number} for number, row in enumerate(rows[0] * 30)]
    for number in range(4):
        write_shard(tmp_path / f"{number}.parquet", big, row_group_size=5_000)
        write_shard(tmp_path / f"{number}.fts5.db", big[:3_000])
    shards = [str(tmp_path / "*.parquet"), str(tmp_path / "*.db")]
    command = [sys.executable, SCRIPT, "-q", "|".join(CLASSES), "--workers", "2", "--dbs", *shards, "-o"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    expected = output_bytes(tmp_path / "whole")
    killed, workers, stopped = tmp_path / "killed", [], 0
    moments = [(0, True), (1, False), (3, False), (5, True), (2, False), (7, False), (8, True)]

    for place, (shards_done, again) in enumerate(moments * 4):  # a run may be faster than we are, on a busy machine
        if place >= len(moments) and place % len(moments) == 0 and stopped >= 5:
            break
        process = subprocess.Popen([*command, str(killed)], stderr=subprocess.DEVNULL)
        while process.poll() is None:
            if len(list(killed.glob(".hits/*.json"))) >= shards_done and list(killed.glob("**/*.part")):
                break
            time.sleep(0.002)
        workers += children_of(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        stopped += not (killed / "job_0_of_1.json").exists()
        if again:  # let it finish, and start anew
            done = subprocess.run([*command, str(killed)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert output_bytes(killed) == expected
            assert not list(killed.glob("**/*.part"))
            shutil.rmtree(killed)
    assert stopped >= 5 and workers
    deadline = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]


@pytest.mark.parametrize("seed", range(int(os.environ.get("KILLS", 3))))  # KILLS=20 for the whole acceptance
def test_killed_at_a_random_moment_and_run_again_gives_the_same_bytes(tmp_path, rows, seed):
    for number in range(3):
        write_shard(tmp_path / f"{number}.parquet", rows[0] * 20, row_group_size=5_000)
    command = [
        sys.executable,
        SCRIPT,
        "-q",
        "|".join(CLASSES),
        "--workers",
        "1",
        "--dbs",
        str(tmp_path / "*.parquet"),
        "-o",
    ]
    started = time.monotonic()
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    took = time.monotonic() - started
    process = subprocess.Popen([*command, str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=random.Random(seed).uniform(0, took))
    process.kill()
    process.wait()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    assert output_bytes(tmp_path / "killed") == output_bytes(tmp_path / "whole")


def test_a_worker_that_is_killed_costs_its_shards_and_the_same_command_does_them(tmp_path, rows):
    for number in range(2):
        write_shard(tmp_path / f"{number}.parquet", rows[number] * 200, row_group_size=5_000)
    command = [sys.executable, SCRIPT, "-q", "|".join(CLASSES), "--workers", "2", "--dbs", str(tmp_path / "*.parquet")]
    for _ in range(10):  # a run may be over before we see its workers, on a busy machine
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        process = subprocess.Popen([*command, "-o", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True)
        workers = []
        while not workers and process.poll() is None:
            if list(tmp_path.glob("out/.hits/.*.part")):  # it has begun to scan
                workers = children_of(process.pid)
            time.sleep(0.005)
        for worker in workers[:1]:
            os.kill(worker, signal.SIGKILL)
        said = process.communicate(timeout=120)[1]
        if process.returncode:
            break
    assert process.returncode == 1
    assert ".parquet: its worker was killed (out of memory?): run again, perhaps with fewer --workers" in said
    assert "2 shards: 0 scanned, 2 missing" in said or "2 shards: 1 scanned, 1 missing" in said
    for output in ("out", "whole"):
        subprocess.run([*command, "-o", str(tmp_path / output)], check=True, capture_output=True)
    assert output_bytes(tmp_path / "out") == output_bytes(tmp_path / "whole")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(pool, tmp_path, rows, workers):
    write_shard(tmp_path / "z.parquet", rows[0] * 300, row_group_size=1_000)
    shards = [str(pool / "part-0.parquet"), str(tmp_path / "z.parquet")]
    command = [
        sys.executable,
        SCRIPT,
        "-q",
        "|".join(CLASSES),
        "--workers",
        workers,
        "--dbs",
        *shards,
        "-o",
        tmp_path / "out",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert "part-0.parquet: 700 rows" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    said = process.communicate(timeout=120)[1]
    assert (
        process.returncode == 130 and said == "interrupted: what is complete is kept; the same command does the rest\n"
    )
    assert (
        "part-0.parquet: scanned before" in subprocess.run(command, capture_output=True, text=True, check=True).stderr
    )


def test_ctrl_c_while_workers_start_ends_them_all(pool, tmp_path, rows):
    """As soon as there is a first one: Python loses interrupts while it forks."""
    long = write_shard(tmp_path / "z.parquet", rows[0] * 300, row_group_size=1_000)
    shards = [str(pool / "*.parquet"), str(long)]
    command = [sys.executable, SCRIPT, "-q", "hen", "--workers", "3", "--dbs", *shards, "-o"]
    for attempt in range(6):
        process = subprocess.Popen(
            [*command, tmp_path / str(attempt)], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        while not (workers := children_of(process.pid)) and process.poll() is None:
            pass
        if attempt % 2:
            os.killpg(process.pid, signal.SIGINT)
        else:
            os.kill(process.pid, signal.SIGINT)
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 130 and workers, said
        assert said == "interrupted: what is complete is kept; the same command does the rest\n"
        with pytest.raises(ProcessLookupError):  # nobody is left of its session
            os.killpg(process.pid, 0)


def test_a_worker_that_is_killed_as_it_opens_the_shards_is_one_sentence(pool, tmp_path):
    command = [sys.executable, SCRIPT, "-q", "hen", "--workers", "2", "--dbs", *map(str, pool.glob("*.parquet")), "-o"]
    for _ in range(10):  # the shards may be open before we see both workers, on a busy machine
        process = subprocess.Popen([*command, tmp_path / "out"], stderr=subprocess.PIPE, text=True)
        while len(workers := children_of(process.pid)) < 2 and process.poll() is None:
            pass
        for worker in workers[:1]:
            os.kill(worker, signal.SIGKILL)
        said = process.communicate(timeout=120)[1]
        if process.returncode == 2:
            break
        shutil.rmtree(tmp_path / "out")
    assert process.returncode == 2 and said.startswith("error: a worker was killed as it opened the shards")
    assert not list((tmp_path / "out").iterdir())


# ---- the documented command ----


def test_the_documented_command_with_the_published_shard_names(tmp_path, rows):
    folder = tmp_path / "laion-metadata-dbs"
    folder.mkdir()
    for number in range(3):
        write_shard(folder / PUBLISHED.format(number), rows[number])
    documented = (
        f"{sys.executable} {SCRIPT} --output outputs/filtered_metadata_substring/$DATASET "
        "--query $DATASET --template --dbs ./laion-metadata-dbs/part-00{000..002}-5114fd87-297e-42b0-9d11-50f1df323dfa-"
        "c000.snappy.db --workers 16 --download-dbs"
    )
    done = subprocess.run(["bash", "-c", documented], cwd=tmp_path, env=os.environ | {"DATASET": "ImageNet"},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "3 shards: 3 scanned, 0 missing; 2,100 rows" in done.stderr
    records = read_output(tmp_path / "outputs" / "filtered_metadata_substring" / "ImageNet")
    assert {"hen", "tiger shark"} <= {record["QUERY"] for record in records}
    assert sum(record["QUERY"] == "tiger shark" for record in records) == sum(
        len(expected_rows(of_shard, ["tiger shark"], "substring")) for of_shard in rows
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are always started anew")
def test_workers_are_forked_only_while_nothing_with_threads_is_there():
    said = subprocess.run(
        [sys.executable, "-c", "import filter_laion_metadata_substring, sys, threading\n"
         "from retrieval.substring.scan_workers import start_method\n"
         "print(start_method())\n"
         "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
         "print(start_method())\n"
         "import numpy\n"
         "print(start_method())"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.split() == ["fork", "spawn", "spawn"]


# ---- refusals ----


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["-q", "hen", "--dbs", "{pool}/*.txt"], r"--dbs .*\*.txt matches no file"),
        (["-q", "hen", "--dbs", "{pool}/none.db"], "none.db is not there: give its path, or add --download-dbs"),
        (["-q", "hen", "--dbs", "{pool}/p-{{0..9}}.db"], r"\{0..9\}.db is no file: .* expanded by bash"),
        (["-q", "hen", "--dbs", "{pool}"], r"is a folder: name its shards, as '.*/\*.parquet'"),
        (["-q", "hen", "--dbs", __file__], "is no parquet, csv, tsv, json or Arrow file"),
        (["-q", "Nothing", "--template", "--dbs", "{shard}"], "there is no template 'Nothing'; known: .*DTD"),
        (["-q", "DTD", "--template", "--classes", "hen", "--dbs", "{shard}"], "template DTD has no class 'hen'"),
        (
            ["-q", "hen", "--field", "ALT", "--dbs", "{shard}"],
            "has no column 'ALT' .--caption-column.; it has SAMPLE_ID, URL",
        ),
        (["-q", "hen", "--dbs", "{shard}", "-o", "{shard}"], "--output .*part-0.parquet cannot be written"),
        (["-q", "hen", "--dbs", "{shard}", "--tmp", "{shard}"], "--tmp .*part-0.parquet cannot be written"),
        (["--dbs", "{shard}"], "give either --query .* or --select-random N"),
        (["-q", "hen", "--select-random", "5", "--dbs", "{shard}"], "give either --query .* or --select-random N"),
        (["--select-random", "701", "--dbs", "{shard}"], "--select-random 701 is more than the pool's 700 rows"),
        (["-q", "hen", "-n", "0", "--dbs", "{shard}"], "--quantity must be at least 1, not 0"),
        (["-q", "hen", "--workers", "0", "--dbs", "{shard}"], "--workers must be at least 1, not 0"),
        (
            ["-q", "hen", "-n", "5", "--job-idx", "0", "--total-jobs", "2", "--dbs", "{shard}"],
            "-n keeps the first of all",
        ),
        (["-q", "hen", "--do-cleanup", "--dbs", "{shard}"], "add --download-dbs"),
        (["-q", "hen", "--job-idx", "3", "--total-jobs", "2", "--dbs", "{shard}"], "--job-idx 3 is not in 0 … 1"),
        (["-q", " | ", "--dbs", "{shard}"], "--query ' . ' names no class: give a.b.c, a file"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(pool, tmp_path, capsys, arguments, sentence):
    filled = [argument.format(pool=pool, shard=pool / "part-0.parquet") for argument in arguments]
    assert run("-o", tmp_path / "out", *filled) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("error: ")
    assert re.search(sentence, said[0]), said[0]
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_class_map_query_that_does_not_parse_names_template_class_and_place(pool, tmp_path, capsys):
    (tmp_path / "T.py").write_text('classes = ["hen"]\ntemplates = ["a {}"]\nclass_map = {"hen": "hen AND (red"}\n')
    arguments = ["-q", "T", "--template", "--template-dir", tmp_path, "--dbs", pool / "part-0.parquet"]
    assert run("-o", tmp_path / "out", *arguments) == 2
    assert "error: template T: class 'hen': its class_map query does not parse" in capsys.readouterr().err


def test_a_shard_that_is_damaged_inside_is_named_at_the_end_and_the_others_are_kept(pool, tmp_path, capsys):
    whole = (pool / "part-0.parquet").read_bytes()
    (tmp_path / "bad.parquet").write_bytes(whole[:4] + b"\xa5" * 2000 + whole[2004:])
    assert run("-o", tmp_path / "out", "-q", "hen", "--dbs", pool / "part-0.parquet", tmp_path / "bad.parquet") == 1
    said = capsys.readouterr().err
    assert "missing: " in said and "bad.parquet is damaged" in said and "2 shards: 1 scanned, 1 missing" in said
    assert list(manifest_of(tmp_path / "out")["coverage"]["missing"]) == [str(tmp_path / "bad.parquet")]
    assert read_output(tmp_path / "out", allow_partial=True)


def test_shards_that_cannot_be_opened_are_named_and_the_others_are_done(pool, tmp_path, capsys):
    pq.write_table(pa.table({"caption": ["a hen"]}), tmp_path / "no_url.parquet")
    pq.write_table(pa.table({"url": ["u"], "caption": ["a hen"], "NSFW": [["x"]]}), tmp_path / "list.parquet")
    pq.write_table(pa.table({"url": ["u"], "caption": ["a hen"], "NSFW": ["bogus"]}), tmp_path / "bogus.parquet")
    (tmp_path / "in.zip").write_bytes(b"PK\x03\x04")
    good = pool / "part-0.parquet"
    for workers in (1, 2):
        out = tmp_path / str(workers)
        assert run("-o", out, "-q", "hen", "--workers", workers, "--dbs", good, tmp_path / "*.*") == 1
        said = capsys.readouterr().err
        assert "5 shards: 1 scanned, 4 missing" in said and "Traceback" not in said
        assert said.count("left out, and the others are scanned: ") == 3
        assert "bogus.parquet: column NSFW holds safety values that are not understood: 'bogus' (1)" in said
        assert len(manifest_of(out)["coverage"]["missing"]) == 4
    assert run("-o", tmp_path / "sample", "--select-random", 5, "--dbs", good, tmp_path / "in.zip") == 1
    assert len(read_output(tmp_path / "sample", allow_partial=True)) == 5
    capsys.readouterr()
    assert run("-o", tmp_path / "none", "-q", "hen", "--dbs", tmp_path / "in.zip", tmp_path / "list.parquet") == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "in.zip is a zip archive (npz, spreadsheet …): unpack it" in said and said.endswith(
        "(and 1 other shards, which cannot be read either)"
    )
    assert not list((tmp_path / "none").iterdir())


def test_a_fault_that_nobody_foresaw_in_one_shard_costs_that_shard(pool, tmp_path, capsys, monkeypatch):
    scan_unit = shard_scan.scan_unit

    def fail_on_one(unit, *rest):
        if "part-1" in unit.shard:
            raise KeyError("a fault")
        return scan_unit(unit, *rest)

    monkeypatch.setattr(shard_scan, "scan_unit", fail_on_one)
    assert run("-o", tmp_path / "out", "-q", "hen", "--workers", 1, "--dbs", pool / "*.parquet") == 1
    said = capsys.readouterr().err
    assert (
        "part-1.parquet: it cannot be read, for a reason that this program does not know (KeyError: 'a fault')" in said
    )
    assert "3 shards: 2 scanned, 1 missing" in said


def test_one_shard_named_twice_is_scanned_once(pool, tmp_path, monkeypatch):
    monkeypatch.chdir(pool)
    assert (
        run("-o", tmp_path / "out", "-q", "hen", "--dbs", "part-0.parquet", "./part-0.parquet", pool / "part-0.parquet")
        == 0
    )
    assert manifest_of(tmp_path / "out")["coverage"]["asked"] == 1


def test_the_same_names_in_another_order_are_counted_as_a_fresh_run_counts_them(pool, tmp_path):
    shards = sorted(pool.glob("*.parquet"))
    run("-o", tmp_path / "grown", "-q", "hen|tiger", "--dbs", *shards[:1])
    for folder in ("grown", "fresh"):
        assert run("-o", tmp_path / folder, "-q", "tiger|hen", "--dbs", *shards) == 0
    assert output_bytes(tmp_path / "grown") == output_bytes(tmp_path / "fresh")
    counts = manifest_of(tmp_path / "fresh")["counts"]["classes"]
    assert counts == manifest_of(tmp_path / "grown")["counts"]["classes"]
    assert counts["hen"]["records"] != counts["tiger"]["records"]


def test_no_hits_halves_the_disk_and_the_same_command_is_complete(pool, tmp_path, capsys):
    arguments = ["-q", "hen", "--dbs", pool / "*.parquet"]
    run("-o", tmp_path / "with", *arguments)
    assert run("-o", tmp_path / "without", *arguments, "--no-hits") == 0
    assert output_bytes(tmp_path / "with") == output_bytes(tmp_path / "without")
    assert (tmp_path / "with" / ".hits").exists() and not (tmp_path / "without" / ".hits").exists()
    capsys.readouterr()
    assert run("-o", tmp_path / "without", *arguments, "--no-hits") == 0
    assert "this very run is complete already" in capsys.readouterr().err


def test_the_smallest_classes_end_the_run(tmp_path, capsys):
    names = [f"w{number:02d}x" for number in range(30)]
    texts = [name for number, name in enumerate(names) for _ in range(number)]
    write_shard(tmp_path / "a.parquet", [make_rows(1, 0)[0] | {"TEXT": text} for text in texts])
    arguments = ["-q", "|".join([*names, "none"]), "--dbs", tmp_path / "a.parquet"]
    run("-o", tmp_path / "out", *arguments)
    said = capsys.readouterr().err.splitlines()
    table = said[next(n for n, line in enumerate(said) if line.startswith("class")) :]
    assert table[0] == "class     records" and table[1:3] == ["w01x            1", "w02x            2"]
    assert table[12:15] == ["w12x           12", "and 17 more classes, 13 to 29 records each", "no record: w00x, none"]
    run("-o", tmp_path / "quiet", *arguments, "--quiet")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_lower_case_operator_is_told_by_class(pool, tmp_path, capsys):
    (tmp_path / "T.py").write_text(
        'classes = ["hen", "cat"]\ntemplates = ["a {}"]\nclass_map = {"hen": "hen and tiger"}\n'
    )
    arguments = ["-q", "T", "--template", "--template-dir", tmp_path, "--dbs", pool / "part-0.parquet"]
    run("-o", tmp_path / "out", *arguments)
    assert "note: 'and' is searched as a word (the operator is AND) in the query of hen\n" in capsys.readouterr().err
    run("-o", tmp_path / "fts", "-q", "cat or dog", "--match", "fts", "--dbs", pool / "part-0.parquet")
    assert "note: 'or' is searched as a word (the operator is OR) in the query of cat or dog" in capsys.readouterr().err
    run("-o", tmp_path / "word", "-q", "cat or dog", "--match", "word", "--dbs", pool / "part-0.parquet")
    assert "note: 'or'" not in capsys.readouterr().err


def test_matched_names_what_an_and_asked_for_from_every_kind_of_shard(pool, tmp_path):
    (tmp_path / "T.py").write_text('classes = ["a"]\ntemplates = ["a {}"]\nclass_map = {"a": "hen AND tiger"}\n')
    for kind in ("parquet", "fts5.db"):
        assert run("-o", tmp_path / kind, "-q", "T", "--template", "--template-dir", tmp_path, "--match", "word",
                   "--dbs", pool / f"*.{kind}") == 0  # fmt: skip
        assert {record["MATCHED"] for record in read_output(tmp_path / kind)} == {"hen AND tiger"}
        assert list(manifest_of(tmp_path / kind)["counts"]["classes"]["a"]["matches"]) == ["hen AND tiger"]
