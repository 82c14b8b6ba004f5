"""The plan's choice: which (class, URL) pairs are wanted, in which order, and why the others are not.

`choose` makes `pairs` and gives drop reasons in this order: safety, --drop, --min-score, --combine, --conflict,
--balance, --max-per-class, --n. A pair has the first reason that applies. plan.py describes the tables.
"""

import itertools
from collections import Counter

import numpy as np

from retrieval.cli import UserError
from retrieval.download import plan
from retrieval.download.keys import digest_sql
from retrieval.download.plan_keys import settle_keys
from retrieval.download.settings import Choice
from retrieval.embeddings import EmbeddingFiles
from retrieval.farthest_points import COMPARED, farthest_points
from retrieval.private_hosts import names_private_host

FILL_SPREAD = 4  # --diverse orders this many times --fill: enough where three of four links are dead
FUSION_K = 60  # reciprocal rank fusion's constant: Cormack, Clarke and Büttcher, SIGIR 2009

# The best values of a pair's records. RANK counts within one query of one index, so the lists of two indices, whose
# scores are on different scales, interleave. The pool's own similarity orders what has neither RANK nor SCORE.
_BEST_VALUES = """
    min(rowid) AS first_row,
    min("RANK") AS best_rank, max(SCORE) AS best_score, max(similarity) AS best_similarity
"""
_BEST_FIRST = "best_rank NULLS LAST, best_score DESC NULLS LAST, best_similarity DESC NULLS LAST"
_IS_UNWANTED = """
    key IN (SELECT key FROM unwanted) OR digest IN (SELECT key FROM unwanted)
    OR url_hash IN (SELECT url_hash FROM unwanted)
"""
# A row of the embeddings from "laion2B-en:17" or "17". In the substring filter's ROW it is a row of a shard.
_EMBEDDING_ROW = """
    CASE WHEN SOURCE IS DISTINCT FROM 'substring' THEN TRY_CAST(regexp_extract("ROW", '([0-9]+)$', 1) AS BIGINT) END
"""


def choose(database, choice: Choice, embeddings: EmbeddingFiles | None = None) -> None:
    """Fill `pairs`, each with the reason why it is not wanted, or null.

    Args:
        embeddings: with --diverse, the embeddings whose rows the records' ROW counts.
    """
    settle_keys(database)
    _make_pairs(database, choice)
    _drop(database, plan.DROPPED, _IS_UNWANTED)
    if choice.min_score is not None:
        _drop(database, plan.LOW_SCORE, f"NOT coalesce(best_score >= {float(choice.min_score)!r}, false)")
    if choice.combine == "intersection":
        _drop_what_a_folder_lacks(database)
    elif choice.combine == "rrf":
        _fuse_ranks(database)
    _settle_conflicts(database, choice)
    if choice.balance is not None:  # MetaCLIP's: each of a class's n pairs stays with probability balance / n
        chance = f"{int(choice.balance)} / count(*) OVER (PARTITION BY class)"
        uniform = f"('0x' || random_order[:12])::BIGINT / {16**12}"
        _drop(database, plan.OVER_BALANCE, f"{uniform} >= {chance}")
    if choice.diverse:
        _order_by_diversity(database, choice, embeddings)
    # What is in the dataset folder already goes first, so that chunks added later top up and do not replace. Images
    # there that this run does not want leave it (plan_outcome.leaving).
    if choice.max_per_class is not None:
        position = f"row_number() OVER (PARTITION BY class ORDER BY is_new, {_preference(choice)})"
        _drop(database, plan.OVER_CLASS_CAP, f"{position} > {int(choice.max_per_class)}")
    if choice.most is not None:
        position = f"row_number() OVER (ORDER BY is_new, {_preference(choice)})"
        _drop(database, plan.OVER_CAP, f"{position} > {int(choice.most)}")


def list_classes(database, choice: Choice) -> None:
    """Give each wanted pair its `class_rank`. Of images that are alike, the one with the lowest is kept."""
    database.execute(
        f"""
        UPDATE pairs SET class_rank = listed.class_rank
        FROM (
            SELECT key, row_number() OVER (PARTITION BY class ORDER BY is_new, {_preference(choice)}) AS class_rank
            FROM wanted
        ) AS listed
        WHERE listed.key = pairs.key
        """
    )


def _preference(choice: Choice) -> str:
    """The terms of an ORDER BY over `wanted` that put first what a cap keeps."""
    terms = ["diverse_rank NULLS LAST"] if choice.diverse else []
    if choice.combine == "rrf":
        terms += ["fused_score DESC", _BEST_FIRST]
    elif choice.prefer == "score":
        terms += [_BEST_FIRST]
    return ", ".join([*terms, "random_order"])


def _make_pairs(database, choice: Choice) -> None:
    """Make `pairs`, with the drops for safety, and the view `wanted`."""
    database.execute("CREATE TEMP TABLE private_hosts (host VARCHAR)")
    if not choice.allow_private_hosts:
        hosts = database.execute(f"SELECT DISTINCT {plan.HOST_SQL} FROM asked").fetchall()
        private = [host for (host,) in hosts if host and names_private_host(host)]
        database.execute("INSERT INTO private_hosts SELECT unnest(?::VARCHAR[])", [private])
    # A URL is judged by all its rows. One that is tagged NSFW anywhere is fetched for no class, and a row of an index
    # that knows no tags has the tag that another row of the same URL gives it.
    database.execute(
        f"""
        CREATE TEMP TABLE urls AS
        SELECT url_hash,
               coalesce(bool_or(NSFW IN (SELECT unnest($tags))), false) AS is_nsfw,
               count(NSFW) = 0 AS is_untagged,
               coalesce(max({plan.PUNSAFE_SQL}) > $max_punsafe, false) AS is_unsafe,
               min(PIXELS) AS pixels
        FROM asked WHERE URL <> '' AND QUERY <> '' GROUP BY url_hash
        """,
        {"tags": list(choice.nsfw_tags), "max_punsafe": choice.max_punsafe},
    )
    database.execute(
        f"""
        CREATE TABLE pairs AS
        WITH grouped AS (
            SELECT key, any_value(url_hash) AS url_hash, any_value(QUERY) AS class, count(*) AS row_count,
                   {_BEST_VALUES}, {digest_sql("any_value(URL)", "any_value(QUERY)")} AS digest,
                   NOT regexp_matches(any_value(URL), '^https?://[^/?#]', 'i') AS is_odd,
                   any_value({plan.HOST_SQL}) IN (SELECT host FROM private_hosts) AS is_private
            FROM asked WHERE key IS NOT NULL GROUP BY key
        )
        SELECT key, url_hash, class, digest, first_row, row_count, best_rank, best_score, best_similarity, pixels,
               NULL::DOUBLE AS fused_score, NULL::BIGINT AS diverse_rank, NULL::BIGINT AS class_rank,
               CASE WHEN is_nsfw THEN $nsfw
                    WHEN is_unsafe THEN $unsafe
                    WHEN is_untagged AND NOT $allow_untagged THEN $untagged
                    WHEN pixels IS NOT NULL THEN NULL
                    WHEN is_odd THEN $not_http
                    WHEN is_private THEN $private_host
               END AS drop_reason
        FROM grouped JOIN urls USING (url_hash)
        """,
        {
            "nsfw": plan.NSFW, "unsafe": plan.UNSAFE, "untagged": plan.UNTAGGED, "not_http": plan.NOT_HTTP,
            "private_host": plan.PRIVATE_HOST, "allow_untagged": choice.allow_untagged,
        },
    )  # fmt: skip
    database.execute("DROP TABLE urls; DROP TABLE private_hosts")
    database.execute(
        f"""
        CREATE VIEW wanted AS
        SELECT *, md5('{int(choice.seed)}:' || digest) AS random_order, key NOT IN (SELECT key FROM placed) AS is_new
        FROM pairs WHERE drop_reason IS NULL
        """
    )


def _drop(database, reason: str, condition: str) -> None:
    """Give the wanted pairs for which `condition` holds this drop reason. It may be a window over `wanted`."""
    database.execute(
        f"""
        UPDATE pairs SET drop_reason = ?
        WHERE key IN (SELECT key FROM (SELECT key, {condition} AS is_dropped FROM wanted) WHERE is_dropped)
        """,
        [reason],
    )


def _drop_what_a_folder_lacks(database) -> None:
    database.execute(
        """
        CREATE TEMP TABLE in_every_folder AS
        SELECT key FROM asked WHERE key IS NOT NULL
        GROUP BY key HAVING count(DISTINCT folder) = getvariable('folder_count')
        """
    )
    _drop(database, plan.NOT_EVERYWHERE, "key NOT IN (SELECT key FROM in_every_folder)")
    database.execute("DROP TABLE in_every_folder")


def _fuse_ranks(database) -> None:
    """Give each pair its reciprocal rank fusion: the sum over folders of 1 / (60 + its position in that folder).

    The position, from 1, is among that folder's pairs of the class: the best RANK of a pair's rows first, then SCORE.
    Rows of the substring filter have neither, unless score_captions.py gave them both: the pool's similarity orders
    them, then their order in the chunks.
    """
    database.execute(
        f"""
        UPDATE pairs SET fused_score = fusion.score
        FROM (
            SELECT key, sum(1 / ({FUSION_K} + position) ORDER BY position) AS score
            FROM (
                SELECT key, row_number() OVER (PARTITION BY folder, class ORDER BY {_BEST_FIRST}, first_row) AS position
                FROM (
                    SELECT folder, key, any_value(QUERY) AS class, {_BEST_VALUES}
                    FROM asked WHERE key IS NOT NULL GROUP BY folder, key
                )
            )
            GROUP BY key
        ) AS fusion
        WHERE fusion.key = pairs.key
        """
    )


def _settle_conflicts(database, choice: Choice) -> None:
    """--conflict: what several classes ask for."""
    if choice.conflict == "drop":
        _drop(database, plan.SEVERAL_CLASSES, "count(*) OVER (PARTITION BY url_hash) > 1")
    elif choice.conflict == "first":
        _drop(database, plan.OTHER_CLASS, "row_number() OVER (PARTITION BY url_hash ORDER BY first_row) > 1")
    elif choice.conflict == "best":
        order = f"{_BEST_FIRST}, first_row"
        if choice.combine == "rrf":
            order = f"fused_score DESC, {order}"
        _drop(database, plan.OTHER_CLASS, f"row_number() OVER (PARTITION BY url_hash ORDER BY {order}) > 1")


# ---- --diverse ----


def _order_by_diversity(database, choice: Choice, embeddings: EmbeddingFiles) -> None:
    """Give wanted pairs their `diverse_rank`, with one class's embeddings in memory at a time.

    The order begins with the list's first pair. It ignores what the dataset folder holds, so a second run finds the
    same order. Null: no embedding, not among the picks, or beyond the list's first COMPARED pairs.

    Raises:
        UserError: a record's ROW is beyond the embeddings.
    """
    picks_per_class = choice.max_per_class or FILL_SPREAD * choice.fill
    database.execute(
        f"""
        CREATE TABLE embedded AS
        SELECT * FROM (
            SELECT class, key, embedding_row,
                   row_number() OVER (PARTITION BY class ORDER BY {_preference(choice)}) AS position
            FROM wanted JOIN (
                SELECT key, min({_EMBEDDING_ROW}) AS embedding_row
                FROM asked WHERE key IS NOT NULL GROUP BY key HAVING embedding_row IS NOT NULL
            ) USING (key)
        )
        WHERE position <= {COMPARED}
        """
    )
    first, last = database.execute("SELECT min(embedding_row), max(embedding_row) FROM embedded").fetchone()
    if last is not None and not 0 <= first <= last < embeddings.ntotal:
        raise UserError(
            f"--diverse holds {embeddings.ntotal:,} embeddings and a record has ROW {last:,}: give the folder of the "
            "embeddings that the records' index was built from"
        )
    database.execute("CREATE TEMP TABLE picked (key VARCHAR, diverse_rank BIGINT)")
    cursor = database.cursor().execute("SELECT class, key, embedding_row FROM embedded ORDER BY class, position")
    rows_of_all = itertools.chain.from_iterable(iter(lambda: cursor.fetchmany(plan.ROWS_PER_BATCH), []))
    for _, rows in itertools.groupby(rows_of_all, key=lambda row: row[0]):
        _, keys, embedding_rows = zip(*rows, strict=True)
        distinct, of_pair = np.unique(np.array(embedding_rows), return_inverse=True)
        picks = farthest_points(embeddings.take(distinct)[of_pair], picks_per_class)
        database.execute(
            "INSERT INTO picked SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[])",
            [[keys[pick] for pick in picks], list(range(len(picks)))],
        )
    database.execute("UPDATE pairs SET diverse_rank = picked.diverse_rank FROM picked WHERE picked.key = pairs.key")
    database.execute("DROP TABLE picked; DROP TABLE embedded")


# ---- counts ----


def count_wanted(database) -> tuple[int, int]:
    """(wanted pairs, their classes)."""
    return database.execute("SELECT count(*), count(DISTINCT class) FROM pairs WHERE drop_reason IS NULL").fetchone()


def count_leaving(database) -> int:
    """Images of the dataset folder that this run does not want. With --fill, more of them may leave."""
    return database.execute(
        f"""
        SELECT count(*) FROM placed
        WHERE key IN (SELECT key FROM pairs WHERE drop_reason IS NOT NULL) OR {_IS_UNWANTED}
        """
    ).fetchone()[0]


def count_embedded(database) -> tuple[int, int]:
    """(wanted pairs, those of them that have an embedding), for --diverse."""
    return database.execute(
        f"""
        SELECT count(*), count(*) FILTER (key IN (SELECT key FROM asked WHERE {_EMBEDDING_ROW} IS NOT NULL))
        FROM pairs WHERE drop_reason IS NULL
        """
    ).fetchone()


def count_dropped(database) -> Counter:
    """Rows by the reason why they are dropped before the fetch. Of a wanted pair only its repeats are counted."""
    no_url, taken = database.execute(
        """
        SELECT count(*) FILTER (NOT coalesce(URL <> '' AND QUERY <> '', false)),
               count(*) FILTER (URL <> '' AND QUERY <> '')
        FROM asked WHERE key IS NULL
        """
    ).fetchone()
    dropped = Counter({plan.NO_URL: no_url, plan.KEY_TAKEN: taken})
    # These drop a pair, not a row: the pair's other rows count as repeats.
    of_pairs = (plan.DROPPED, plan.OTHER_CLASS, plan.SEVERAL_CLASSES, plan.OVER_BALANCE, plan.OVER_CLASS_CAP,
                plan.OVER_CAP, plan.FULL)  # fmt: skip
    for reason, pairs, rows in database.execute(
        "SELECT drop_reason, count(*), sum(row_count)::BIGINT FROM pairs GROUP BY drop_reason"
    ).fetchall():
        if reason is None or reason in of_pairs:
            dropped[plan.REPEATED] += rows - pairs
        if reason in of_pairs:
            dropped[reason] += pairs
        elif reason is not None:
            dropped[reason] += rows
    return +dropped
