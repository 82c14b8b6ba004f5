"""What the plan knows of the images' looks: perceptual hashes, and which image of --exclude an image is a copy of.

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


HASHES, LIKENESSES = "hashes", "likenesses"  # the tables, one row per image whose looks are known


def read_known(database, table: str, saved: list[Path]) -> None:
    """Fill `table` with what earlier runs saved."""
    if saved:
        paths = [plain_path(path) for path in saved]
        database.execute(f"INSERT INTO {table} FROM read_parquet(?, hive_partitioning = false)", [paths])


def save_hashes(database, path: Path) -> None:
    """Write a parquet of the hashes. Images that could not be read are left out, so the next run tries them again."""
    database.execute(
        f"COPY (FROM hashes WHERE bits IS NOT NULL) TO {plan.sql_string(plain_path(path))} (FORMAT parquet)"
    )


def save_likenesses(database, sha256s: list[str], path: Path) -> None:
    """Write a parquet of these images' rows. Images that could not be read are left out here too."""
    database.execute(
        f"""
        COPY (FROM likenesses WHERE is_read AND sha256 IN (SELECT unnest(?::VARCHAR[])) ORDER BY sha256)
        TO {plan.sql_string(plain_path(path))} (FORMAT parquet)
        """,
        [sha256s],
    )


def count_unknown(database, images: str, table: str) -> int:
    """Distinct files among `images` (SQL, as PLACED) that are not in `table`."""
    return database.execute(
        f"SELECT count(DISTINCT sha256) FROM ({images}) WHERE sha256 NOT IN (SELECT sha256 FROM {table})"
    ).fetchone()[0]


def unknown(database, images: str, table: str, most: int) -> list[tuple[str, str]]:
    """At most `most` (sha256, file) among `images` (SQL, as PLACED) that are not in `table`."""
    return database.execute(
        f"""
        SELECT sha256, min(file) FROM ({images})
        WHERE sha256 NOT IN (SELECT sha256 FROM {table}) GROUP BY sha256 LIMIT {most}
        """
    ).fetchall()


def add_hashes(database, sha256s: list[str], bits: list[int | None]) -> None:
    """`bits` is None for an image that cannot be read."""
    database.execute("INSERT INTO hashes SELECT unnest(?::VARCHAR[]), unnest(?::UBIGINT[])", [sha256s, bits])


def add_likenesses(database, sha256s: list[str], compared: list[tuple[bool, str | None]]) -> None:
    """Each image: whether it can be read, and the path of the image of --exclude that it is a copy of, or None."""
    read, likenesses = map(list, zip(*compared, strict=True))
    database.execute(
        "INSERT INTO likenesses SELECT unnest(?::VARCHAR[]), unnest(?::BOOLEAN[]), unnest(?::VARCHAR[])",
        [sha256s, read, likenesses],
    )


def keys_of_copies(database, images: str) -> list[str]:
    """Keys of those `images` (SQL, as PLACED) that are copies of an image of --exclude."""
    found = database.execute(
        f"SELECT key FROM ({images}) JOIN likenesses USING (sha256) WHERE likeness IS NOT NULL ORDER BY key"
    )
    return [key for (key,) in found.fetchall()]


def dropped_copies(database) -> Iterator[dict]:
    """The images that are dropped as copies of an image of --exclude, by class, each with that image's path."""
    cursor = database.cursor().execute(
        """
        SELECT outcome.key, outcome.class AS QUERY, coalesce(results.url, placed.url) AS url, likeness AS excluded_by
        FROM outcome JOIN likenesses USING (sha256)
        LEFT JOIN results ON results.url_hash = outcome.url_hash AND results.reason IS NULL
        LEFT JOIN placed ON placed.key = outcome.placed_key
        WHERE drop_reason = ? ORDER BY outcome.class, class_rank, outcome.key
        """,
        [plan.EXCLUDED],
    )
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        yield from (dict(zip(names, row, strict=True)) for row in rows)


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
