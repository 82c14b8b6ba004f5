"""The plan's outcome: which wanted images are kept, what the dataset folder's metadata says of them, and the counts.

plan.py describes the tables.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from retrieval.download import plan
from retrieval.download.opt_outs import OPT_OUTS
from retrieval.download.plan_paths import plain_path
from retrieval.records import EXPECTED_HASH, PROVENANCE_FIELDS

# One file under this many URLs of one host says "image not available"; it is not an image that is shown often.
PLACEHOLDER_URLS = 10
TAKEN_BACK = "taken_back"  # in the folder of rounds: images of the dataset folder that a run did not want


def judge(database) -> None:
    """Fill `outcome`: per wanted pair the reason why it is not kept, or null.

    Where a pair's first record has a SHA256, no other file is kept, as in a list that export_dataset.py wrote.
    A placeholder is dropped wherever it shows. Of one file under several URLs a class keeps the first of its list.
    """
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placeholders AS
        SELECT sha256
        FROM results JOIN (SELECT DISTINCT url_hash FROM pairs WHERE drop_reason IS NULL) USING (url_hash)
        WHERE reason IS NULL GROUP BY sha256, {plan.HOST_SQL} HAVING count(*) >= {PLACEHOLDER_URLS}
        """
    )
    database.execute(
        """
        CREATE OR REPLACE TABLE outcome AS
        WITH one_placed AS (SELECT url_hash, min(key) AS key FROM placed GROUP BY url_hash),
        first AS (
            SELECT rowid AS row, nullif(regexp_extract(lower("SHA256"), '^[0-9a-f]{64}$'), '') AS expected FROM asked
        ),
        answered AS (
            SELECT pairs.key, pairs.url_hash, pairs.class, pairs.class_rank,
                   same_pair.key IS NOT NULL AS is_placed, same_pair.split,
                   one_placed.key AS placed_key,
                   results.file,
                   coalesce(same_pair.sha256, results.sha256, same_url.sha256) AS sha256,
                   CASE WHEN same_url.key IS NOT NULL THEN NULL
                        WHEN results.url_hash IS NULL THEN $lost
                        WHEN results.reason IS NULL AND first.expected <> results.sha256 THEN $other_file
                        ELSE results.reason
                   END AS fail_reason
            FROM pairs
            JOIN first ON first.row = pairs.first_row
            LEFT JOIN results ON results.url_hash = pairs.url_hash
            LEFT JOIN placed AS same_pair ON same_pair.key = pairs.key
            LEFT JOIN one_placed ON one_placed.url_hash = pairs.url_hash
            LEFT JOIN placed AS same_url ON same_url.key = one_placed.key
            WHERE pairs.drop_reason IS NULL
        )
        SELECT key, url_hash, class, class_rank, is_placed, placed_key, file, sha256,
               fail_reason IS NULL AS is_live, split,
               CASE WHEN is_placed THEN NULL
                    WHEN fail_reason IS NOT NULL THEN fail_reason
                    WHEN sha256 IN (FROM placeholders) THEN $placeholder
                    WHEN row_number() OVER same_file > 1 THEN $same_image
               END AS drop_reason
        FROM answered
        WINDOW same_file AS (
            PARTITION BY class, sha256, fail_reason IS NULL ORDER BY NOT is_placed, class_rank, key
        )
        """,
        {
            "lost": plan.LOST_BY_IMG2DATASET,
            "other_file": plan.OTHER_FILE,
            "placeholder": plan.PLACEHOLDER,
            "same_image": plan.SAME_IMAGE,
        },
    )


def images_to_place(database) -> Iterator[tuple]:
    """The kept images that are not in their class's folder yet, by URL.

    Yields:
        (key, class, split, file, folder, placed_key): `file` is in the folder of rounds, or None; `folder` and
        `placed_key` are of an image that the dataset folder has of the same URL, or None.
    """
    cursor = database.cursor().execute(
        """
        SELECT outcome.key, outcome.class, outcome.split, outcome.file, placed.folder, placed.key
        FROM outcome LEFT JOIN placed ON placed.key = outcome.placed_key
        WHERE drop_reason IS NULL AND NOT is_placed ORDER BY outcome.url_hash, outcome.key
        """
    )
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        yield from rows


def keys_placed_before(database) -> Iterator[str]:
    """Sorted keys of the images that were in the dataset folder before this run and stay there."""
    cursor = database.cursor().execute("SELECT key FROM placed WHERE key NOT IN (SELECT key FROM leaving) ORDER BY key")
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        for (key,) in rows:
            yield key


# ---- images that leave the dataset folder ----


def list_leaving(database) -> Counter:
    """Fill `leaving` with what earlier runs placed and this run asks for but does not keep, and with --drop's images.

    Images that no row of this run asks for stay: other --r folders have asked for them.

    Returns:
        Counter: images by the reason.
    """
    database.execute(
        """
        CREATE TABLE leaving AS
        SELECT * FROM (
            SELECT placed.*,
                   CASE WHEN outcome.key IS NOT NULL THEN outcome.drop_reason
                        WHEN pairs.key IS NOT NULL THEN pairs.drop_reason
                        WHEN placed.key IN (SELECT key FROM unwanted) THEN $dropped
                        WHEN placed.digest IN (SELECT key FROM unwanted) THEN $dropped
                        WHEN placed.url_hash IN (SELECT url_hash FROM unwanted) THEN $dropped
                   END AS reason
            FROM placed
            LEFT JOIN pairs ON pairs.key = placed.key
            LEFT JOIN outcome ON outcome.key = placed.key
        )
        WHERE reason IS NOT NULL
        """,
        {"dropped": plan.DROPPED},
    )
    return Counter(dict(database.execute("SELECT reason, count(*) FROM leaving GROUP BY reason").fetchall()))


def leaving(database) -> Iterator[tuple]:
    """The images that leave, by URL.

    Yields:
        (key, folder, url_hash, file): `file` is the image's in the folder of rounds, or None; `url_hash` is None where
        the dataset folder keeps another image of the same URL.
    """
    cursor = database.cursor().execute(
        """
        SELECT leaving.key, leaving.folder,
               CASE WHEN leaving.url_hash NOT IN (
                   SELECT url_hash FROM placed WHERE key NOT IN (SELECT key FROM leaving)
               ) THEN leaving.url_hash END,
               results.file
        FROM leaving LEFT JOIN results ON results.url_hash = leaving.url_hash AND results.reason IS NULL
        ORDER BY leaving.url_hash, leaving.key
        """
    )
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        yield from rows


def write_taken_back(database, keys: list[str], path: Path) -> None:
    """Write a round's file (plan_fetch.read_results) of leaving images that are now at taken_back/<key>.jpg."""
    database.execute(
        f"""
        COPY (
            SELECT url, NULL::VARCHAR AS reason, sha256, width, height, original_width, original_height,
                   '{TAKEN_BACK}/' || key || '.jpg' AS file
            FROM leaving JOIN (SELECT unnest(?::VARCHAR[]) AS key) USING (key) ORDER BY key
        ) TO {plan.sql_string(plain_path(path))} (FORMAT parquet)
        """,
        [keys],
    )


# ---- metadata ----


def kept_entries(database) -> Iterator[dict]:
    """The metadata entry of each kept image, sorted by key, with every record that asked for it under `sources`."""
    record_columns = ", ".join(f'asked."{name}"' for name in plan.RECORD_COLUMNS if name != EXPECTED_HASH)
    image_columns = ", ".join(
        f"coalesce(results.{name}, placed.{name}) AS {name}"
        for name in ("sha256", "width", "height", "original_width", "original_height")
    )
    # The list of classes comes with an entry's first record only: 30,000 records of one URL may name 1,000 classes.
    cursor = database.cursor().execute(
        f"""
        SELECT outcome.key, outcome.split, {record_columns}, {image_columns},
               CASE WHEN asked.rowid = pairs.first_row THEN shared.classes END AS classes
        FROM outcome
        JOIN asked ON asked.key = outcome.key
        JOIN pairs ON pairs.key = outcome.key
        LEFT JOIN results ON results.url_hash = outcome.url_hash AND results.reason IS NULL
        LEFT JOIN placed ON placed.key = outcome.placed_key
        LEFT JOIN (
            SELECT url_hash, list_sort(list(class)) AS classes FROM pairs GROUP BY url_hash HAVING count(*) > 1
        ) AS shared ON shared.url_hash = outcome.url_hash
        WHERE outcome.drop_reason IS NULL ORDER BY outcome.key, asked.rowid
        """
    )
    columns = [column[0] for column in cursor.description]
    entry, seen = None, set()
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        for values in rows:
            row = dict(zip(columns, values, strict=True))
            if entry is None or entry["key"] != row["key"]:
                if entry:
                    yield entry
                entry, seen = _entry_of(row), set()
            source = tuple(row[name] for name in PROVENANCE_FIELDS)
            if source not in seen and any(value is not None for value in source):
                seen.add(source)
                entry["sources"].append(dict(zip(PROVENANCE_FIELDS, source, strict=True)))
    if entry:
        yield entry


def _entry_of(row: dict) -> dict:
    return {
        "key": row["key"], "split": row["split"], "QUERY": row["QUERY"], "caption": row["TEXT"], "url": row["URL"],
        "sha256": row["sha256"], "similarity": row["similarity"], "width": row["width"],
        "height": row["height"], "original_width": row["original_width"],
        "original_height": row["original_height"], "SAMPLE_ID": row["SAMPLE_ID"],
        "NSFW": row["NSFW"], "punsafe": None if row["punsafe"] is None else float(row["punsafe"]),
        "LICENSE": row["LICENSE"],
        "also_asked_by": [name for name in row["classes"] or [] if name != row["QUERY"]], "sources": [],
    }  # fmt: skip


# ---- counts ----


def count_outcome(database) -> tuple[int, Counter]:
    """(images kept, wanted pairs that are not kept by reason)."""
    counts = dict(database.execute("SELECT drop_reason, count(*) FROM outcome GROUP BY drop_reason").fetchall())
    return counts.pop(None, 0), Counter(counts)


def count_classes(database) -> dict[str, dict]:
    """Per class: images asked for, that is wanted after all drops and caps; live (the URL gave an image); kept."""
    rows = database.execute(
        """
        SELECT pairs.class, count(outcome.key), count(*) FILTER (is_live),
               count(*) FILTER (is_live AND outcome.drop_reason IS NULL)
        FROM pairs LEFT JOIN outcome USING (key) GROUP BY pairs.class ORDER BY pairs.class
        """
    ).fetchall()
    return {name: {"asked": asked, "live": live, "kept": kept} for name, asked, live, kept in rows}


def count_urls(database) -> dict:
    """Distinct URLs: read, asked for after the drops, live and failed among these."""
    read = database.execute("SELECT count(DISTINCT url_hash) FROM pairs").fetchone()[0]
    asked, live = database.execute(
        "SELECT count(DISTINCT url_hash), count(DISTINCT url_hash) FILTER (is_live) FROM outcome"
    ).fetchone()
    return {"read": read, "asked": asked, "live": live, "failed": asked - live}


def count_hosts(database, most: int) -> dict[str, dict]:
    """The `most` hosts with the most failures: tried, failed, and failed by reason.

    The unit is the funnel's: a URL of two classes counts twice.
    """
    rows = database.execute(
        f"""
        WITH answers AS (
            SELECT {plan.HOST_SQL} AS host, CASE WHEN NOT is_live THEN reason END AS reason
            FROM outcome JOIN results USING (url_hash) WHERE NOT coalesce(in_tar, false)
        ),
        totals AS (
            SELECT host, count(*) AS tried, count(reason) AS failed
            FROM answers GROUP BY host HAVING failed > 0 ORDER BY failed DESC, host LIMIT {most}
        )
        SELECT host, tried, failed, reason, count(*)
        FROM totals JOIN answers USING (host) WHERE reason IS NOT NULL
        GROUP BY ALL ORDER BY failed DESC, host, count(*) DESC, reason
        """
    ).fetchall()
    hosts: dict[str, dict] = {}
    for name, tried, failed, reason, count in rows:
        hosts.setdefault(name, {"tried": tried, "failed": failed, "reasons": {}})["reasons"][reason] = count
    return hosts


def count_opt_outs(database, most: int) -> dict:
    """Rows that were left alone because a site asks for it: how many, and of the `most` hosts with most by reason."""
    rows = database.execute(
        f"""
        WITH refused AS (
            SELECT {plan.HOST_SQL} AS host, reason FROM outcome JOIN results USING (url_hash)
            WHERE NOT is_live AND list_contains(?::VARCHAR[], reason)
        ),
        totals AS (SELECT host, count(*) AS total FROM refused GROUP BY host)
        SELECT host, reason, count(*) FROM refused JOIN totals USING (host)
        GROUP BY host, total, reason ORDER BY total DESC, host, reason
        """,
        [list(OPT_OUTS)],
    ).fetchall()
    hosts: dict[str, dict] = {}
    for host, reason, count in rows:
        hosts.setdefault(host, {})[reason] = count
    first = dict(itertools.islice(hosts.items(), most))
    return {"kept_to": True, "rows": sum(row[2] for row in rows), "hosts": first}
