"""The plan's side of fetching: what the rounds answered, which URLs are still to fetch, how far --fill goes.

With --fill, pairs beyond the part of their class's list that is needed so far have the drop reason FULL. plan.py
describes the tables.
"""

from pathlib import Path

from retrieval.download import plan
from retrieval.download.plan_paths import plain_path
from retrieval.tar_images import PLACE_PATTERN

# --fill assumes at least these shares of live images, of a class and of a host: so it asks for 20 times what is missing
# at most, and for that only on hosts that have given next to nothing.
LEAST_ALIVE, LEAST_ALIVE_OF_HOST = 0.1, 0.05
PRIOR_URLS = 2  # a host's own share counts as much as the class's after this many answers

TO_FETCH = """
    drop_reason IS NULL
    AND url_hash NOT IN (SELECT url_hash FROM placed)
    AND url_hash NOT IN (SELECT url_hash FROM results)
"""


# ---- answers ----


def read_results(database, files: list[Path], forgotten_reasons: tuple[str, ...] = ()) -> None:
    """Fill `results` from the rounds' files. Of several answers an image counts, else the last one.

    A failure on the web does not count where the image is to come out of a tar now, nor the other way round.

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
        SELECT url, reason, sha256, width, height, original_width, original_height, file, in_tar, url_hash
        FROM (
            SELECT *, md5_number(url) AS url_hash,
                   row_number() OVER (
                       PARTITION BY md5_number(url) ORDER BY reason IS NOT NULL, filename DESC
                   ) AS preference
            FROM (
                FROM read_parquet(?, filename = true, hive_partitioning = false, union_by_name = true)
                UNION ALL BY NAME SELECT NULL::BOOLEAN AS in_tar WHERE false  -- rounds of older versions lack it
            )
        )
        WHERE preference = 1
        """,
        [list(map(plain_path, files))],
    )
    database.execute(
        """
        DELETE FROM results USING pairs
        WHERE reason IS NOT NULL AND results.url_hash = pairs.url_hash
            AND (pixels IS NOT NULL) <> coalesce(in_tar, false)
        """
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


def lost_tars(database, faults: tuple[str, ...]) -> list[tuple[str, str, int]]:
    """(tar, fault, images) of the tars that could not be read where the records say."""
    return database.execute(
        f"""
        SELECT regexp_extract(pixels, '{PLACE_PATTERN}', 1, 's') AS tar, reason, count(*)
        FROM outcome JOIN results USING (url_hash) JOIN pairs USING (key)
        WHERE list_contains(?::VARCHAR[], reason) GROUP BY ALL ORDER BY ALL
        """,
        [list(faults)],
    ).fetchall()


# ---- URLs to fetch ----


def count_to_fetch(database) -> tuple[int, int]:
    """(URLs that are wanted, not placed and not yet answered; how many of them are copied out of tars)."""
    return database.execute(
        f"""
        SELECT count(DISTINCT url_hash), count(DISTINCT url_hash) FILTER (pixels IS NOT NULL)
        FROM pairs WHERE {TO_FETCH}
        """
    ).fetchone()


def count_answers(database) -> tuple[int, int]:
    """URLs that were answered, in this run and in earlier ones, and how many of them gave an image."""
    return database.execute("SELECT count(*), count(*) FILTER (reason IS NULL) FROM results").fetchone()


def write_url_list(database, path: Path, most: int) -> int:
    """Write a parquet of at most `most` URLs that are wanted, not placed and not yet answered, each once.

    Their order is that of their hashes. It spreads a host's URLs over the whole list, so no host gets them all at once.
    Before them come those that lie in tars, tar by tar (tar_answers.py).

    Returns:
        int: number of URLs.
    """
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE to_fetch AS
        SELECT url_hash, min(first_row) AS first_row, any_value(pixels) AS pixels
        FROM pairs WHERE {TO_FETCH} GROUP BY url_hash ORDER BY pixels, url_hash LIMIT {most}
        """
    )
    count = database.execute("SELECT count(*) FROM to_fetch").fetchone()[0]
    if count:
        database.execute(
            f"""
            COPY (
                SELECT CASE WHEN to_fetch.pixels IS NULL THEN URL
                            ELSE to_json([to_fetch.pixels, URL])::VARCHAR
                       END AS url
                FROM to_fetch JOIN asked ON asked.rowid = to_fetch.first_row
                ORDER BY to_fetch.pixels, to_fetch.url_hash
            ) TO {plan.sql_string(plain_path(path))} (FORMAT parquet)
            """
        )
    return count


# ---- --fill ----


def begin_fill(database, fill: int) -> None:
    """Want only the first `fill` pairs of each class's list for now."""
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE hosts AS
        SELECT pairs.url_hash, any_value({plan.HOST_SQL}) AS host
        FROM pairs JOIN asked ON asked.rowid = pairs.first_row WHERE class_rank IS NOT NULL GROUP BY pairs.url_hash
        """
    )
    database.execute("UPDATE pairs SET drop_reason = ? WHERE class_rank > ?", [plan.FULL, fill])


def go_further(database, fill: int) -> int:
    """Want more of the list of each class of which fewer than `fill` images are kept so far (see `judge`).

    How many more follows from the hosts of the list's next URLs: each is expected to give as many images as its host
    has given so far, of all classes, and a host of which little is known as many as the class. The list is wanted up to
    where what is expected, less 1.5 standard deviations, is what is missing. So few classes need yet another round. It
    depends on nothing but the beginnings of the lists, so a run that was stopped goes through the same steps again and
    ends at the same position.

    Returns:
        int: pairs that are wanted in addition; 0 when each class is full or at the end of its list.
    """
    return database.execute(
        f"""
        UPDATE pairs SET drop_reason = NULL
        FROM (
            WITH known AS (
                SELECT host, count(*) AS asked, count(*) FILTER (drop_reason IS NULL) AS kept
                FROM outcome JOIN hosts USING (url_hash) GROUP BY host
            ),
            short AS (
                SELECT class, count(*) FILTER (drop_reason IS NULL) AS kept, count(*) AS depth,
                       greatest(kept / depth, {LEAST_ALIVE}) AS share
                FROM outcome GROUP BY class HAVING kept < {fill}
            ),
            further AS (
                SELECT key, class, class_rank, {fill} - short.kept AS missing,
                       greatest((coalesce(known.kept, 0) + share * {PRIOR_URLS})
                                / (coalesce(asked, 0) + {PRIOR_URLS}), {LEAST_ALIVE_OF_HOST}) AS chance
                FROM pairs JOIN short USING (class) JOIN hosts USING (url_hash) LEFT JOIN known USING (host)
                WHERE drop_reason = $full
            )
            SELECT key, missing, sum(chance) OVER so_far - chance AS expected,
                   sum(chance * (1 - chance)) OVER so_far - chance * (1 - chance) AS variance
            FROM further WINDOW so_far AS (PARTITION BY class ORDER BY class_rank)
        ) AS next
        WHERE pairs.key = next.key AND expected - 1.5 * sqrt(greatest(variance, 0)) < missing
        """,
        {"full": plan.FULL},
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
