"""The plan: every row of the filters' chunks, and whether its image is fetched, kept, or dropped for which reason.

The plan is a DuckDB database in the work folder, made anew by every run. It spills to disk, so 50 million rows take
as much memory as 5 million. Only the `plan_*` modules read and write it. Its tables, in the order in which they are
filled:

    asked     one row per record of a chunk. Filled by `read_chunks`.
        folder                       which --r folder, from 0
        url_hash                     md5 of the URL, a number
        key                          name of the image: hash of URL and class. Null without a URL or a class
        SAMPLE_ID, URL, TEXT, ...    the record's fields
    placed    one row per image that the dataset folder holds from earlier runs. Filled by `read_placed`;
              `plan_hashes.forget_placed` takes out what this run would not keep.
        key, url, url_hash, folder, class, sha256, width, height, original_width, original_height
    pairs     one row per (class, URL), the unit of choice. Filled by `plan_choice.choose`.
        key, url_hash, class
        first_row                    rowid in `asked` of the first record
        row_count                    how many records ask for this pair
        best_rank, best_score, best_similarity   the best of these records' RANK, SCORE, similarity
        fused_score                  with --combine rrf: the reciprocal rank fusion
        diverse_rank                 with --diverse: position in the class's farthest-point order
        class_rank                   position in the class's list, from 1. Filled by `plan_choice.list_classes`
        drop_reason                  why it is not wanted; null: it is wanted. --fill changes it (plan_fetch.py)
    results   one row per URL that was answered. Filled by `plan_fetch.read_results` from the rounds' files.
        url, url_hash
        reason                       why there is no image; null: there is one
        sha256, width, height, original_width, original_height
        file                         the image's path, from the folder of rounds
    hashes    one row per image with a perceptual hash. Filled by `plan_hashes`.
        sha256, bits
    outcome   one row per wanted pair, after a fetch. Filled by `plan_outcome.judge`; `plan_hashes.drop_images` and
              `plan_fetch.drop_surplus` add reasons.
        key, url_hash, class, class_rank
        is_placed                    whether `placed` has this pair
        placed_key                   key of an image in `placed` with the same URL, in any class
        file, sha256                 of the image
        is_live                      whether the URL gave an image
        drop_reason                  why it is not kept; null: it is kept

and one view:

    wanted    the pairs without a drop_reason, with two more columns
        random_order                 hex digits that depend on --seed and key alone
        is_new                       whether `placed` lacks this pair
"""

import os
from pathlib import Path

import duckdb

from retrieval.cli import UserError
from retrieval.download.settings import Choice
from retrieval.records import chunk_files, read_records

MEMORY = "1GB"  # DuckDB's; with more data it spills beside the database
KEY_DIGITS = 20  # of a sha256: 80 bits, so among a billion images no two share a key
ROWS_PER_BATCH = 50_000  # rows that Python holds at once

# Why a row is dropped. The reasons that a fetch gives are in fetch_rounds.py.
NO_URL = "no URL or class"
NOT_HTTP = "not http(s)"
NSFW = "NSFW"
UNSAFE = "over --max-punsafe"
UNTAGGED = "no NSFW tag"
PRIVATE_HOST = "private address"
NOT_EVERYWHERE = "not in every folder"
OTHER_CLASS = "given to another class"
SEVERAL_CLASSES = "several classes ask for it"
OVER_BALANCE = "over --balance"
OVER_CLASS_CAP = "over --max-per-class"
OVER_CAP = "over --n"
FULL = "not needed: class is full"
REPEATED = "repeated (same URL and class)"
PLACEHOLDER = "placeholder"
SAME_IMAGE = "same image in its class"
NEAR_DUPLICATE = "near-duplicate in its class"
EXCLUDED = "like an image of --exclude"
LOST_BY_IMG2DATASET = "lost: img2dataset failed"

# JSON columns keep a value as it is written: 64-bit ids, hex ids, floats to the last digit.
RECORD_COLUMNS = {
    "SAMPLE_ID": "JSON", "URL": "VARCHAR", "TEXT": "VARCHAR", "HEIGHT": "JSON", "WIDTH": "JSON", "LICENSE": "JSON",
    "NSFW": "VARCHAR", "similarity": "JSON", "QUERY": "VARCHAR", "SOURCE": "JSON", "MATCHED": "JSON", "SCORE": "JSON",
    "RANK": "JSON", "ROW": "JSON", "punsafe": "JSON",
}  # fmt: skip
METADATA_COLUMNS = {
    "key": "VARCHAR", "url": "VARCHAR", "sha256": "VARCHAR", "width": "INTEGER", "height": "INTEGER",
    "original_width": "INTEGER", "original_height": "INTEGER",
}  # fmt: skip

# SQL of a record: its punsafe as a number, and its URL's host (with brackets around an IPv6 address).
PUNSAFE_SQL = "TRY_CAST(punsafe AS DOUBLE)"
HOST_SQL = r"lower(regexp_extract(URL, '^[a-z]+://(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)', 1, 'i'))"

_TABLES = f"""
    CREATE TABLE asked (
        folder INTEGER, url_hash UHUGEINT, key VARCHAR,
        {", ".join(f'"{name}" {kind}' for name, kind in RECORD_COLUMNS.items())}
    );
    CREATE TABLE placed (
        {", ".join(f"{name} {kind}" for name, kind in METADATA_COLUMNS.items())},
        folder VARCHAR, class VARCHAR, url_hash UHUGEINT
    );
    CREATE TABLE results (
        url VARCHAR, reason VARCHAR, sha256 VARCHAR, width INTEGER, height INTEGER,
        original_width INTEGER, original_height INTEGER, file VARCHAR, url_hash UHUGEINT
    );
    CREATE TABLE hashes (sha256 VARCHAR, bits UBIGINT);
"""


def open_database(path: Path) -> duckdb.DuckDBPyConnection:
    """A new database with empty tables. What an earlier run left at `path` is removed."""
    for old in (path, path.with_name(path.name + ".wal")):
        old.unlink(missing_ok=True)
    database = duckdb.connect(str(path))
    database.execute(f"SET memory_limit = '{MEMORY}'; SET enable_progress_bar = false")
    database.execute(_TABLES)
    return database


def sql_string(text: Path | str) -> str:
    """A quoted SQL string, for COPY … TO, which takes no parameter."""
    return "'" + str(text).replace("'", "''") + "'"


def tag_sql(choice: Choice) -> str:
    """SQL that is null where nothing says whether a record is safe. With --max-punsafe, a score says it too."""
    return "NSFW" if choice.max_punsafe is None else f"coalesce(NSFW, {PUNSAFE_SQL}::VARCHAR)"


# ---- the chunks ----


def read_chunks(database, folders: list[Path], choice: Choice, allow_partial: bool) -> int:
    """Fill `asked` with every row of every chunk.

    Returns:
        int: rows read.

    Raises:
        UserError: a folder without chunks, a chunk that is not JSON, a folder whose rows are all untagged, or
            --max-punsafe where no row has that score.
    """
    chunks_of_folder = [chunk_files(folder, allow_partial) for folder in folders]
    database.execute("SET VARIABLE folder_count = ?", [len(folders)])
    for number, (folder, chunks) in enumerate(zip(folders, chunks_of_folder, strict=True)):
        _read_folder(database, number, folder, chunks)
        rows, tagged = database.execute(
            f"SELECT count(*), count({tag_sql(choice)}) FROM asked WHERE folder = ?", [number]
        ).fetchone()
        if rows and not tagged and not choice.allow_untagged:
            raise UserError(
                f"{folder}: none of its {rows:,} rows says whether its image is safe (NSFW is null): the pool "
                "has no safety column; add --allow-untagged to download it all the same"
            )
    rows, scored = database.execute(f"SELECT count(*), count({PUNSAFE_SQL}) FROM asked").fetchone()
    if choice.max_punsafe is not None and rows and not scored:
        raise UserError(
            "--max-punsafe: no row has a punsafe score, as the pool has none or its filter left it out: run the filter "
            "again on a pool that has one, or drop the flag"
        )
    return rows


def _read_folder(database, number: int, folder: Path, chunks: list[Path]) -> None:
    for chunk in chunks:
        if not _ends_as_array(chunk):  # DuckDB accepts an array without its last bracket
            _raise_what_is_wrong(chunk)
    names = ", ".join(f'"{name}"' for name in RECORD_COLUMNS)
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in RECORD_COLUMNS.items())
    try:
        database.execute(
            f"""
            INSERT INTO asked
            SELECT $folder, md5_number(URL), left(sha256(URL || chr(10) || QUERY), {KEY_DIGITS}), {names}
            FROM (
                SELECT * REPLACE (trim(URL) AS URL)
                FROM read_json($chunks, format = 'array', columns = {{{columns}}})
            )
            """,
            {"folder": number, "chunks": [str(chunk) for chunk in chunks]},
        )
    except duckdb.Error as error:
        for chunk in chunks:
            _raise_what_is_wrong(chunk)
        raise UserError(f"a chunk of {folder} cannot be read: {error}") from error


def _ends_as_array(chunk: Path) -> bool:
    with open(chunk, "rb") as file:
        file.seek(max(0, os.path.getsize(chunk) - 64))
        return file.read().rstrip().endswith(b"]")


def _raise_what_is_wrong(chunk: Path) -> None:
    """Read a chunk record by record: slow, but its error says where the chunk is wrong."""
    for _ in read_records(chunk):
        pass


# ---- the dataset folder ----


def read_placed(database, dataset: Path, folders: dict[str, str]) -> None:
    """Fill `placed` with the images that are both in the dataset folder and in its metadata.

    Args:
        folders: class -> its folder, as an earlier run gave them.
    """
    if not (dataset / "metadata.jsonl").exists():
        return
    database.execute("CREATE TEMP TABLE files (key VARCHAR, folder VARCHAR, class VARCHAR)")
    for name, folder in folders.items():
        if (dataset / folder).is_dir():
            keys = [file.name.removesuffix(".jpg") for file in os.scandir(dataset / folder)]
            for start in range(0, len(keys), ROWS_PER_BATCH):
                batch = keys[start : start + ROWS_PER_BATCH]
                database.execute("INSERT INTO files SELECT unnest(?::VARCHAR[]), ?, ?", [batch, folder, name])
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in METADATA_COLUMNS.items())
    database.execute(
        f"""
        INSERT INTO placed
        SELECT {", ".join(METADATA_COLUMNS)}, folder, class, md5_number(url)
        FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}})
        JOIN files USING (key)
        """,
        [str(dataset / "metadata.jsonl")],
    )
