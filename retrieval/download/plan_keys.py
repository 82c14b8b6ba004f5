"""The plan's keys: no two images share one. plan.py describes the tables."""

from retrieval.download.keys import digest_sql


def settle_keys(database) -> None:
    """Take the key from rows whose key belongs to another URL or class. `choose` drops them as plan.KEY_TAKEN.

    The key stays with an image of the dataset folder, else with the pair that has the smallest digest. Among 100
    million pairs, two share a key with a probability of 1 in 2,000.
    """
    digest = digest_sql("asked.URL", "QUERY")
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE shared AS
        SELECT key FROM asked WHERE key IS NOT NULL GROUP BY key
        HAVING min(hash(url_hash, QUERY)) <> max(hash(url_hash, QUERY))
        UNION
        SELECT key FROM asked JOIN placed USING (key) WHERE asked.url_hash <> placed.url_hash OR QUERY <> class;

        UPDATE asked SET key = NULL
        FROM (
            SELECT key, coalesce(any_value(placed.digest), min({digest})) AS digest
            FROM asked LEFT JOIN placed USING (key) WHERE key IN (FROM shared) GROUP BY key
        ) AS owner
        WHERE asked.key = owner.key AND {digest} <> owner.digest;

        DROP TABLE shared
        """
    )
