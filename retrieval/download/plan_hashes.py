"""The plan's perceptual hashes: which images lack one, which hashes a class has, and what is dropped for its looks.

lookalikes.py decides; this module reads and writes the plan for it. plan.py describes the tables.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

from retrieval.download import plan
from retrieval.download.plan_paths import plain_path

# Images as SQL. A file is relative to the dataset folder if the image is placed, else to the folder of rounds.
PLACED = """
    SELECT key, class, sha256, folder || '/' || key || '.jpg' AS file, false AS is_new, 0 AS class_rank FROM placed
"""
_KEPT_AND_NEW = """
    SELECT outcome.key, outcome.class, coalesce(placed.sha256, outcome.sha256) AS sha256, file, true AS is_new,
           outcome.class_rank
    FROM outcome LEFT JOIN placed ON placed.key = placed_key
    WHERE drop_reason IS NULL AND NOT is_placed
"""
FETCHED = f"{_KEPT_AND_NEW} AND placed_key IS NULL"
PLACED_AND_NEW = f"{PLACED} UNION ALL {_KEPT_AND_NEW}"


def read_hashes(database, saved: Path) -> None:
    """Fill `hashes` with what earlier runs saved, if there is any."""
    if saved.exists():
        database.execute("INSERT INTO hashes FROM read_parquet(?, hive_partitioning = false)", [plain_path(saved)])


def save_hashes(database, path: Path) -> None:
    """Write a parquet of the hashes. Images that could not be read are left out, so the next run tries them again."""
    database.execute(
        f"COPY (FROM hashes WHERE bits IS NOT NULL) TO {plan.sql_string(plain_path(path))} (FORMAT parquet)"
    )


def count_unhashed(database, images: str) -> int:
    """Distinct files among `images` (SQL, as PLACED) that have no hash."""
    return database.execute(
        f"SELECT count(DISTINCT sha256) FROM ({images}) WHERE sha256 NOT IN (SELECT sha256 FROM hashes)"
    ).fetchone()[0]


def unhashed(database, images: str, most: int) -> list[tuple[str, str]]:
    """At most `most` (sha256, file) among `images` (SQL, as PLACED) that have no hash."""
    return database.execute(
        f"""
        SELECT sha256, min(file) FROM ({images})
        WHERE sha256 NOT IN (SELECT sha256 FROM hashes) GROUP BY sha256 LIMIT {most}
        """
    ).fetchall()


def add_hashes(database, sha256s: list[str], bits: list[int | None]) -> None:
    """`bits` is None for an image that cannot be read."""
    database.execute("INSERT INTO hashes SELECT unnest(?::VARCHAR[]), unnest(?::UBIGINT[])", [sha256s, bits])


def hashes_by_class(database, images: str) -> Iterator[tuple[list[str], list[int]]]:
    """(keys, hashes) of each class among `images` (SQL, as PLACED): placed ones first, then in the list's order."""
    cursor = database.cursor().execute(
        f"""
        SELECT class, key, bits FROM ({images}) JOIN hashes USING (sha256)
        WHERE bits IS NOT NULL ORDER BY class, is_new, class_rank, key
        """
    )
    rows_of_all = itertools.chain.from_iterable(iter(lambda: cursor.fetchmany(plan.ROWS_PER_BATCH), []))
    for _, rows in itertools.groupby(rows_of_all, key=lambda row: row[0]):
        _, keys, bits = zip(*rows, strict=True)
        yield keys, bits


def forget_placed(database, keys: list[str]) -> list[tuple[str, str]]:
    """Take images out of `placed`: (folder, key) of each."""
    found = database.execute("SELECT folder, key FROM placed WHERE key IN (SELECT unnest(?::VARCHAR[]))", [keys])
    forgotten = found.fetchall()
    database.execute("DELETE FROM placed WHERE key IN (SELECT unnest(?::VARCHAR[]))", [keys])
    return forgotten


def drop_images(database, reasons: dict[str, str]) -> None:
    """Give each key of `reasons` its drop reason in `outcome`."""
    database.execute(
        """
        UPDATE outcome SET drop_reason = dropped.reason
        FROM (SELECT unnest(?::VARCHAR[]) AS key, unnest(?::VARCHAR[]) AS reason) AS dropped
        WHERE dropped.key = outcome.key
        """,
        [list(reasons), list(reasons.values())],
    )
