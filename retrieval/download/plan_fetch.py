"""The plan's side of fetching: what the rounds answered, which URLs are still to fetch, how far --fill goes.

With --fill, pairs beyond the part of their class's list that is needed so far have the drop reason FULL. plan.py
describes the tables.
"""

from pathlib import Path

from retrieval.download import plan
from retrieval.download.plan_paths import plain_path

LEAST_ALIVE = 0.1  # --fill assumes at least this share of live images: so it asks for 10 times what is missing at most

_TO_FETCH = """
    drop_reason IS NULL
    AND url_hash NOT IN (SELECT url_hash FROM placed)
    AND url_hash NOT IN (SELECT url_hash FROM results)
"""


# ---- answers ----


def read_results(database, files: list[Path], forgotten_reasons: tuple[str, ...] = ()) -> None:
    """Fill `results` from the rounds' files. Of several answers an image counts, else the last one.

    Args:
        files: one per round, in order.
        forgotten_reasons: URLs that failed for one of these are asked for again.
    """
    database.execute("DELETE FROM results")
    if not files:
        return
    database.execute(
        """
        INSERT INTO results
        SELECT url, reason, sha256, width, height, original_width, original_height, file, url_hash
        FROM (
            SELECT *, md5_number(url) AS url_hash,
                   row_number() OVER (
                       PARTITION BY md5_number(url) ORDER BY reason IS NOT NULL, filename DESC
                   ) AS preference
            FROM read_parquet(?, filename = true, hive_partitioning = false)
        )
        WHERE preference = 1
        """,
        [list(map(plain_path, files))],
    )
    database.execute(
        "DELETE FROM results WHERE list_contains(?::VARCHAR[], reason)",
        [list(forgotten_reasons)],
    )


def forget_vanished(database, rounds: Path) -> None:
    """Forget wanted images whose files are gone from the work folder and not placed: they are fetched again."""
    cursor = database.cursor().execute(
        """
        SELECT url_hash, file FROM results
        WHERE reason IS NULL
            AND url_hash IN (SELECT url_hash FROM pairs WHERE drop_reason IS NULL)
            AND url_hash NOT IN (SELECT url_hash FROM placed)
        """
    )
    gone = []
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        gone += [url_hash for url_hash, file in rows if not (rounds / file).exists()]
    database.execute("DELETE FROM results WHERE url_hash IN (SELECT unnest(?::UHUGEINT[]))", [gone])


# ---- URLs to fetch ----


def count_to_fetch(database) -> int:
    """URLs that are wanted, not placed and not yet answered."""
    return database.execute(f"SELECT count(DISTINCT url_hash) FROM pairs WHERE {_TO_FETCH}").fetchone()[0]


def write_url_list(database, path: Path, most: int) -> int:
    """Write a parquet of at most `most` URLs that are wanted, not placed and not yet answered, each once.

    Their order is that of their hashes. It spreads a host's URLs over the whole list, so no host gets them all at once.

    Returns:
        int: number of URLs.
    """
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE to_fetch AS
        SELECT url_hash, min(first_row) AS first_row
        FROM pairs WHERE {_TO_FETCH} GROUP BY url_hash ORDER BY url_hash LIMIT {most}
        """
    )
    count = database.execute("SELECT count(*) FROM to_fetch").fetchone()[0]
    if count:
        database.execute(
            f"""
            COPY (
                SELECT URL AS url FROM to_fetch JOIN asked ON asked.rowid = to_fetch.first_row
                ORDER BY to_fetch.url_hash
            ) TO {plan.sql_string(plain_path(path))} (FORMAT parquet)
            """
        )
    return count


# ---- --fill ----


def begin_fill(database, fill: int) -> None:
    """Want only the first `fill` pairs of each class's list for now."""
    database.execute("UPDATE pairs SET drop_reason = ? WHERE class_rank > ?", [plan.FULL, fill])


def go_further(database, fill: int) -> int:
    """Want more of the list of each class of which fewer than `fill` images are kept so far (see `judge`).

    How many more follows from the share that was kept, plus one standard deviation, so that few classes need yet
    another round. It depends on nothing but the beginning of the list, so a run that was stopped goes through the same
    steps again and ends at the same position.

    Returns:
        int: pairs that are wanted in addition; 0 when each class is full or at the end of its list.
    """
    return database.execute(
        f"""
        UPDATE pairs SET drop_reason = NULL
        FROM (
            SELECT class, max(class_rank) AS depth, count(*) FILTER (drop_reason IS NULL) AS kept
            FROM outcome GROUP BY class
        ) AS seen
        WHERE pairs.class = seen.class AND pairs.drop_reason = ? AND kept < {fill}
            AND class_rank <= depth + ceil(
                ({fill} - kept + sqrt({fill} - kept)) / greatest(kept / depth, {LEAST_ALIVE})
            )
        """,
        [plan.FULL],
    ).fetchone()[0]


def want_answered(database) -> None:
    """End of --fill: also want the pairs that are answered already, whatever their class needed. Judge them next."""
    database.execute(
        "UPDATE pairs SET drop_reason = NULL WHERE drop_reason = ? AND url_hash IN (SELECT url_hash FROM results)",
        [plan.FULL],
    )


def drop_surplus(database, fill: int) -> None:
    """Each class keeps the first `fill` images of its list. Surplus images are marked as not needed.

    A URL that failed keeps its reason, whether its class needed it or not.
    """
    database.execute(
        f"""
        UPDATE outcome SET drop_reason = ?
        WHERE key IN (
            SELECT key FROM (
                SELECT key, row_number() OVER (PARTITION BY class ORDER BY class_rank) > {fill} AS is_surplus
                FROM outcome WHERE drop_reason IS NULL
            )
            WHERE is_surplus
        )
        """,
        [plan.FULL],
    )
