"""The plan's outcome: which wanted images are kept, what the dataset folder's metadata says of them, and the counts.

plan.py describes the tables.
"""

import json
from collections import Counter
from collections.abc import Iterator

from retrieval.download import plan
from retrieval.records import PROVENANCE_FIELDS

# One file under this many URLs of one host says "image not available"; it is not an image that is shown often.
PLACEHOLDER_URLS = 10


def judge(database) -> None:
    """Fill `outcome`: per wanted pair the reason why it is not kept, or null.

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
        answered AS (
            SELECT pairs.key, pairs.url_hash, pairs.class, pairs.class_rank,
                   same_pair.key IS NOT NULL AS is_placed,
                   one_placed.key AS placed_key,
                   results.file,
                   coalesce(same_pair.sha256, results.sha256, same_url.sha256) AS sha256,
                   CASE WHEN same_url.key IS NOT NULL THEN NULL
                        WHEN results.url_hash IS NULL THEN $lost
                        ELSE results.reason
                   END AS fail_reason
            FROM pairs
            LEFT JOIN results ON results.url_hash = pairs.url_hash
            LEFT JOIN placed AS same_pair ON same_pair.key = pairs.key
            LEFT JOIN one_placed ON one_placed.url_hash = pairs.url_hash
            LEFT JOIN placed AS same_url ON same_url.key = one_placed.key
            WHERE pairs.drop_reason IS NULL
        )
        SELECT key, url_hash, class, class_rank, is_placed, placed_key, file, sha256,
               fail_reason IS NULL AS is_live,
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
        {"lost": plan.LOST_BY_IMG2DATASET, "placeholder": plan.PLACEHOLDER, "same_image": plan.SAME_IMAGE},
    )


def images_to_place(database) -> Iterator[tuple]:
    """The kept images that are not in their class's folder yet, by URL.

    Yields:
        (key, class, file, folder, placed_key): `file` is in the folder of rounds, or None; `folder` and `placed_key`
        are of an image that the dataset folder has of the same URL, or None.
    """
    cursor = database.cursor().execute(
        """
        SELECT outcome.key, outcome.class, outcome.file, placed.folder, placed.key
        FROM outcome LEFT JOIN placed ON placed.key = outcome.placed_key
        WHERE drop_reason IS NULL AND NOT is_placed ORDER BY outcome.url_hash, outcome.key
        """
    )
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        yield from rows


def keys_placed_before(database) -> Iterator[str]:
    """Sorted keys of the images that were in the dataset folder before this run."""
    cursor = database.cursor().execute("SELECT key FROM placed ORDER BY key")
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        for (key,) in rows:
            yield key


# ---- metadata ----


def kept_entries(database) -> Iterator[dict]:
    """The metadata entry of each kept image, sorted by key, with every record that asked for it under `sources`."""
    record_columns = ", ".join(f'asked."{name}"' for name in plan.RECORD_COLUMNS)
    image_columns = ", ".join(
        f"coalesce(results.{name}, placed.{name}) AS {name}"
        for name in ("sha256", "width", "height", "original_width", "original_height")
    )
    cursor = database.cursor().execute(
        f"""
        SELECT outcome.key, {record_columns}, {image_columns}, shared.classes
        FROM outcome
        JOIN asked ON asked.key = outcome.key
        LEFT JOIN results ON results.url_hash = outcome.url_hash AND results.reason IS NULL
        LEFT JOIN placed ON placed.key = outcome.placed_key
        LEFT JOIN (
            SELECT url_hash, list_sort(list(class)) AS classes FROM pairs GROUP BY url_hash HAVING count(*) > 1
        ) AS shared ON shared.url_hash = outcome.url_hash
        WHERE outcome.drop_reason IS NULL ORDER BY outcome.key, asked.rowid
        """
    )
    columns = [column[0] for column in cursor.description]
    entry = None
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        for values in rows:
            row = dict(zip(columns, values, strict=True))
            record = _record_of(row)
            if entry is None or entry["key"] != row["key"]:
                if entry:
                    yield entry
                entry = _entry_of(row, record)
            source = {name: record[name] for name in PROVENANCE_FIELDS}
            if any(value is not None for value in source.values()) and source not in entry["sources"]:
                entry["sources"].append(source)
    if entry:
        yield entry


def _record_of(row: dict) -> dict:
    return {
        name: json.loads(row[name]) if kind == "JSON" and row[name] is not None else row[name]
        for name, kind in plan.RECORD_COLUMNS.items()
    }


def _entry_of(row: dict, record: dict) -> dict:
    return {
        "key": row["key"], "QUERY": record["QUERY"], "caption": record["TEXT"], "url": record["URL"],
        "sha256": row["sha256"], "similarity": record["similarity"], "width": row["width"],
        "height": row["height"], "original_width": row["original_width"],
        "original_height": row["original_height"], "SAMPLE_ID": record["SAMPLE_ID"],
        "NSFW": record["NSFW"], "punsafe": record["punsafe"], "LICENSE": record["LICENSE"],
        "also_asked_by": [name for name in row["classes"] or [] if name != record["QUERY"]], "sources": [],
    }  # fmt: skip


# ---- counts ----


def count_outcome(database) -> tuple[int, Counter]:
    """(images kept, wanted pairs that are not kept by reason)."""
    counts = dict(database.execute("SELECT drop_reason, count(*) FROM outcome GROUP BY drop_reason").fetchall())
    return counts.pop(None, 0), Counter(counts)


def count_classes(database) -> dict[str, dict]:
    """Per class: images asked for, live (the URL gave an image), kept."""
    rows = database.execute(
        """
        SELECT pairs.class, count(*), count(*) FILTER (is_live),
               count(*) FILTER (is_live AND outcome.drop_reason IS NULL)
        FROM pairs LEFT JOIN outcome USING (key) GROUP BY pairs.class ORDER BY pairs.class
        """
    ).fetchall()
    return {name: {"asked": asked, "live": live, "kept": kept} for name, asked, live, kept in rows}


def count_urls(database) -> dict:
    """Distinct URLs: asked for, wanted after the drops, live and failed among the wanted."""
    asked, wanted = database.execute(
        "SELECT count(DISTINCT url_hash), count(DISTINCT url_hash) FILTER (drop_reason IS NULL) FROM pairs"
    ).fetchone()
    live = database.execute("SELECT count(DISTINCT url_hash) FROM outcome WHERE is_live").fetchone()[0]
    return {"asked": asked, "wanted": wanted, "live": live, "failed": wanted - live}


def count_hosts(database, most: int) -> dict[str, dict]:
    """The `most` hosts with the most failures: URLs tried, failed, and failed by reason."""
    rows = database.execute(
        f"""
        WITH answers AS (
            SELECT {plan.HOST_SQL} AS host, reason
            FROM results JOIN (SELECT DISTINCT url_hash FROM pairs WHERE drop_reason IS NULL) USING (url_hash)
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
