"""The plan: every row of the filters' chunks, and whether its image is fetched, kept, or dropped for which reason.

The plan is a DuckDB database in the work folder, made anew by every run. It spills to disk, so 50 million rows take
as much memory as 5 million. Only the `plan_*` modules read and write it. Its tables, in the order in which they are
filled:

    asked     one row per record of a chunk. Filled by `plan_chunks.read_chunks`.
        folder                       which --r folder, from 0
        url_hash                     md5 of the URL, a number
        key                          name of the image (keys.py). Null without a URL or a class, or where another
                                     pair has the key (plan_keys.py)
        SAMPLE_ID, URL, TEXT, ...    the record's fields
    placed    one row per image that the dataset folder holds from earlier runs. Filled by `read_placed`;
              `plan_hashes.forget_placed` takes out what is like another image.
        key, url, url_hash, digest, split, class, sha256, width, height, original_width, original_height
        folder                       its class folder, with --val-fraction that of the split before it
    gone      one row per image that metadata.jsonl lists and that is not in its folder. Filled by `read_placed`.
        key
    unwanted  one row per line of --drop. Filled by `plan_drops.read_drops`.
        line, key, url_hash
    pairs     one row per (class, URL), the unit of choice. Filled by `plan_choice.choose`.
        key, url_hash, class
        digest                       of URL and class (keys.py): the random sample follows it
        first_row                    rowid in `asked` of the first record
        row_count                    how many records ask for this pair
        pixels                       where the image lies in a tar of its pool (tar_images.py); null: the web has it
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
        in_tar                       whether the answer is that of a tar of the pool, and not of the web
    hashes    one row per image with a perceptual hash. Filled by `plan_hashes`.
        sha256, bits
    likenesses  one row per image that was compared with those of --exclude. Filled by `plan_hashes`.
        sha256, is_read
        likeness                     path of the image of --exclude that it is a copy of; null: of none
    outcome   one row per wanted pair, after a fetch. Filled by `plan_outcome.judge`; `plan_hashes.drop_images` and
              `plan_fetch.drop_surplus` add reasons.
        key, url_hash, class, class_rank
        is_placed                    whether `placed` has this pair
        placed_key                   key of an image in `placed` with the same URL, in any class
        file, sha256                 of the image
        is_live                      whether the URL gave an image
        drop_reason                  why it is not kept; null: it is kept
        split                        with --val-fraction: train or val. Of new images filled by `assign_splits`
    leaving   one row per image of `placed` that this run does not keep. Filled by `plan_outcome.list_leaving`.
        the columns of `placed`, and reason

and one view:

    wanted    the pairs without a drop_reason, with two more columns
        random_order                 hex digits that depend on --seed and digest alone
        is_new                       whether `placed` lacks this pair
"""

import itertools
import os
from pathlib import Path

import duckdb

from retrieval.cli import UserError
from retrieval.download.keys import digest_sql
from retrieval.download.plan_paths import database_path, plain_path
from retrieval.records import EXPECTED_HASH

MEMORY = "1GB"  # DuckDB's; with more data it spills beside the database
DUCKDB_OBJECT_BYTES = 16 << 20  # DuckDB's limit for one JSON value, unless told; its buffers grow with it
ROWS_PER_BATCH = 50_000  # rows that Python holds at once

# Why a row is dropped. The reasons that a fetch gives are in fetch_rounds.py.
NO_URL = "no URL or class"
KEY_TAKEN = "key of another image"
NOT_HTTP = "not http(s)"
NSFW = "NSFW"
UNSAFE = "over --max-punsafe"
LOW_SCORE = "below --min-score"
UNTAGGED = "no NSFW tag"
PRIVATE_HOST = "private address"
DROPPED = "dropped by the user"
NOT_EVERYWHERE = "not in every folder"
OTHER_CLASS = "given to another class"
SEVERAL_CLASSES = "several classes ask for it"
OVER_BALANCE = "over --balance"
OVER_CLASS_CAP = "over --max-per-class"
OVER_CAP = "over --n"
FULL = "not needed: class is full"
REPEATED = "repeated (same URL and class)"
OTHER_FILE = "not the file of its SHA256"
PLACEHOLDER = "placeholder"
SAME_IMAGE = "same image in its class"
NEAR_DUPLICATE = "near-duplicate in its class"
EXCLUDED = "like an image of --exclude"
LOST_BY_IMG2DATASET = "lost: img2dataset failed"

# The fields of a record and their types, the same in metadata.json. Ids are text: pools have 64-bit numbers and hex.
RECORD_COLUMNS = {
    "SAMPLE_ID": "VARCHAR", "URL": "VARCHAR", "TEXT": "VARCHAR", "LICENSE": "VARCHAR", "NSFW": "VARCHAR",
    "similarity": "DOUBLE", "QUERY": "VARCHAR", "SOURCE": "VARCHAR", "MATCHED": "VARCHAR", "SCORE": "DOUBLE",
    "RANK": "BIGINT", "ROW": "VARCHAR", "punsafe": "VARCHAR", EXPECTED_HASH: "VARCHAR", "PIXELS": "VARCHAR",
}  # fmt: skip
METADATA_COLUMNS = {
    "key": "VARCHAR", "url": "VARCHAR", "sha256": "VARCHAR", "width": "INTEGER", "height": "INTEGER",
    "original_width": "INTEGER", "original_height": "INTEGER",
}  # fmt: skip

# SQL of a record: its punsafe as a number, and its URL's host (with brackets around an IPv6 address).
PUNSAFE_SQL = "TRY_CAST(punsafe AS DOUBLE)"
IS_SCORE = f"{PUNSAFE_SQL} BETWEEN 0 AND 1"
HOST_SQL = r"lower(regexp_extract(URL, '^[a-z]+://(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)', 1, 'i'))"

_TABLES = f"""
    CREATE TABLE asked (
        folder INTEGER, url_hash UHUGEINT, key VARCHAR,
        {", ".join(f'"{name}" {kind}' for name, kind in RECORD_COLUMNS.items())}
    );
    CREATE TABLE placed (
        {", ".join(f"{name} {kind}" for name, kind in METADATA_COLUMNS.items())},
        folder VARCHAR, class VARCHAR, url_hash UHUGEINT, digest VARCHAR, split VARCHAR
    );
    CREATE TABLE gone (key VARCHAR);
    CREATE TABLE unwanted (line VARCHAR, key VARCHAR, url_hash UHUGEINT);
    CREATE TABLE results (
        url VARCHAR, reason VARCHAR, sha256 VARCHAR, width INTEGER, height INTEGER,
        original_width INTEGER, original_height INTEGER, file VARCHAR, in_tar BOOLEAN, url_hash UHUGEINT
    );
    CREATE TABLE hashes (sha256 VARCHAR, bits UBIGINT);
    CREATE TABLE likenesses (sha256 VARCHAR, is_read BOOLEAN, likeness VARCHAR);
"""


def open_database(path: Path) -> duckdb.DuckDBPyConnection:
    """A new database with empty tables. What an earlier run left at `path` is removed."""
    for old in (path, path.with_name(path.name + ".wal")):
        old.unlink(missing_ok=True)
    database = duckdb.connect(database_path(path))
    database.execute(f"SET memory_limit = '{MEMORY}'; SET enable_progress_bar = false")
    database.execute("SET python_enable_replacements = false")  # a table is never a variable of ours
    database.execute(_TABLES)
    return database


def sql_string(text: Path | str) -> str:
    """A quoted SQL string, for COPY … TO, which takes no parameter."""
    return "'" + str(text).replace("'", "''") + "'"


def finite_sql(name: str) -> str:
    """SQL of a text column as a number; null for what is none, for NaN and for infinity."""
    number = f'TRY_CAST("{name}" AS DOUBLE)'
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def folder_of(database) -> Path:
    """The folder that holds the plan's database."""
    found = database.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    return Path(found.fetchone()[0]).parent


# ---- the dataset folder ----


def read_placed(database, dataset: Path, folders: dict[str, str], splits: tuple = (None,)) -> None:
    """Fill `placed` with the images that are both in the dataset folder and in its metadata, `gone` with the others.

    Args:
        folders: class -> its folder, as an earlier run gave them.
        splits: with --val-fraction the folders above the class folders.
    """
    if not (dataset / "metadata.jsonl").exists():
        return
    database.execute("CREATE TEMP TABLE files (key VARCHAR, folder VARCHAR, class VARCHAR, split VARCHAR)")
    for name, split in itertools.product(folders, splits):
        folder = f"{split}/{folders[name]}" if split else folders[name]
        if (dataset / folder).is_dir():
            keys = [file.name.removesuffix(".jpg") for file in os.scandir(dataset / folder)]
            for start in range(0, len(keys), ROWS_PER_BATCH):
                batch = keys[start : start + ROWS_PER_BATCH]
                database.execute("INSERT INTO files SELECT unnest(?::VARCHAR[]), ?, ?, ?", [batch, folder, name, split])
    _read_metadata(database, dataset / "metadata.jsonl")
    database.execute(
        f"""
        INSERT INTO placed
        SELECT {", ".join(METADATA_COLUMNS)}, folder, class, md5_number(url), {digest_sql("url", "class")}, split
        FROM listed JOIN files USING (key);
        INSERT INTO gone SELECT key FROM listed ANTI JOIN files USING (key);
        DROP TABLE listed; DROP TABLE files
        """
    )


def _read_metadata(database, jsonl: Path) -> None:
    """Make `listed` of an earlier run's metadata.jsonl.

    Raises:
        UserError: it cannot be read.
    """
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in METADATA_COLUMNS.items())
    with open(jsonl, "rb") as lines:
        longest = max(map(len, lines), default=0)  # an image that 100,000 rows ask for has a line of 10 MB
    try:
        database.execute(
            f"""
            CREATE TEMP TABLE listed AS
            FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}}, hive_partitioning = false,
                           maximum_object_size = {max(longest + 1, DUCKDB_OBJECT_BYTES)})
            """,
            [plain_path(jsonl)],
        )
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise UserError(
            f"{jsonl} cannot be read ({str(error).splitlines()[0]}): give another --dataset-output, or remove "
            "metadata.jsonl, and the images of these rows are placed again"
        ) from error
