"""Which images to fetch: from the filters' chunks to one list of URLs, every row of every chunk accounted for.

All of it is DuckDB over the chunks, in a database file in the work folder that spills to disk: 5 million rows take as
much memory as 50 million. Tables:

    asked    one row per record read, as it stands in the chunk; `folder` counts the --r folders
    pairs    one row per (class, url): key, how many rows asked for it, `bucket` (why it is dropped; null: wanted),
             `place` in its class's list
    placed   what the dataset folder holds already, from its metadata.jsonl
    results  what fetching a URL came to: `reason` (null: an image), sha256, size, the file in the work folder
"""

import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.download.diverse import COMPARED, farthest_points
from retrieval.download.guarded_fetch import names_private_host
from retrieval.records import PROVENANCE_FIELDS, chunk_files, read_records

MEMORY = "1GB"  # DuckDB's; beyond it, it spills beside the database
KEY_DIGITS = 20  # of a sha256: 80 bits, so a billion images meet no other's key
INSERT_ROWS = 50_000
# One file under so many URLs of one host is "image not available", not a picture that is shown often.
PLACEHOLDER_URLS = 10
FILL_SPREAD = 4  # --diverse orders so many times --fill of a list: a pool whose links are three quarters dead
LEAST_ALIVE = 0.1  # --fill goes down a list no faster than for this share of live images: 10 times what is missing
FUSION_K = 60  # reciprocal rank fusion's constant: Cormack, Clarke and Büttcher, SIGIR 2009

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

# JSON columns keep a value as it is written: 64-bit ids, hex ids, floats to the last digit.
_COLUMNS = {
    "SAMPLE_ID": "JSON", "URL": "VARCHAR", "TEXT": "VARCHAR", "HEIGHT": "JSON", "WIDTH": "JSON", "LICENSE": "JSON",
    "NSFW": "VARCHAR", "similarity": "JSON", "QUERY": "VARCHAR", "SOURCE": "JSON", "MATCHED": "JSON", "SCORE": "JSON",
    "RANK": "JSON", "ROW": "JSON", "punsafe": "JSON",
}  # fmt: skip
_PLACED_COLUMNS = {
    "key": "VARCHAR", "url": "VARCHAR", "sha256": "VARCHAR", "width": "INTEGER", "height": "INTEGER",
    "original_width": "INTEGER", "original_height": "INTEGER",
}  # fmt: skip
_HOST = r"regexp_extract(URL, '^[a-z]+://(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)', 1, 'i')"
RESULT_COLUMNS = (
    "url VARCHAR, reason VARCHAR, sha256 VARCHAR, width INTEGER, height INTEGER, original_width INTEGER, "
    "original_height INTEGER, file VARCHAR"
)


@dataclass(frozen=True)
class Choice:
    """What decides which rows are wanted."""

    nsfw_tags: tuple[str, ...]
    allow_untagged: bool
    allow_private_hosts: bool
    conflict: str  # "all", "first", "best" or "drop"
    balance: int | None
    max_per_class: int | None
    most: int | None  # --n
    prefer: str  # "sample" or "score"
    seed: int
    combine: str = "union"  # or "intersection", or "rrf", which says by itself what a cap keeps
    fill: int | None = None
    max_punsafe: float | None = None  # of the records' punsafe, from 0 to 1
    diverse: bool = False

    @property
    def ranking(self) -> str:
        """The terms of an ORDER BY over _WANTED that put first what a cap keeps."""
        spread = "spread NULLS LAST," if self.diverse else ""
        best = {"rrf": f"fused DESC, {_BEST}"}.get(self.combine, _BEST if self.prefer == "score" else "")
        return f"{spread} {best} luck"


def open_database(path: Path):
    """A new, empty database; one that an earlier run left is taken away."""
    import duckdb

    for old in (path, path.with_name(path.name + ".wal")):
        old.unlink(missing_ok=True)
    database = duckdb.connect(str(path))
    database.execute(f"SET memory_limit = '{MEMORY}'; SET enable_progress_bar = false")
    return database


def read_chunks(database, folders: list[Path], choice: Choice, allow_partial: bool) -> int:
    """Fill `asked` with every row of every chunk.

    Returns:
        int: rows read.

    Raises:
        UserError: a folder without chunks, a chunk that is not JSON, a folder whose rows are all untagged, or
            --max-punsafe where no row has that score.
    """
    import duckdb

    chunks = [chunk_files(folder, allow_partial) for folder in folders]
    declared = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())
    database.execute(f"CREATE TABLE asked (folder INTEGER, u UHUGEINT, key VARCHAR, {declared})")
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    database.execute(f"SET VARIABLE folders = {len(folders)}")
    for number, files in enumerate(chunks):
        for file in files:
            if not ends_as_array(file):  # DuckDB takes an array without its last bracket for a whole one
                explain(file)
        try:
            database.execute(
                f"INSERT INTO asked SELECT ?, md5_number(URL), left(sha256(URL || chr(10) || QUERY), {KEY_DIGITS}), "
                f"{names} FROM (SELECT * REPLACE (trim(URL) AS URL) FROM "
                f"read_json(?, format = 'array', columns = {{{columns}}}))",
                [number, [str(file) for file in files]],
            )
        except duckdb.Error as error:
            for file in files:
                explain(file)
            raise UserError(f"a chunk of {folders[number]} cannot be read: {error}") from error
        rows, tagged = database.execute(
            f"SELECT count(*), count({_tag(choice)}) FROM asked WHERE folder = ?", [number]
        ).fetchone()
        if rows and not tagged and not choice.allow_untagged:
            raise UserError(
                f"{folders[number]}: none of its {rows:,} rows says whether its image is safe (NSFW is null): the pool "
                "has no safety column; add --allow-untagged to download it all the same"
            )
    rows, scored = database.execute(f"SELECT count(*), count({_PUNSAFE}) FROM asked").fetchone()
    if choice.max_punsafe is not None and rows and not scored:
        raise UserError(
            "--max-punsafe: no row has a punsafe score, as the pool has none or its filter left it out: run the filter "
            "again on a pool that has one, or drop the flag"
        )
    return rows


_PUNSAFE = "TRY_CAST(punsafe AS DOUBLE)"


def _tag(choice: Choice) -> str:
    """SQL that is null for a row of which nothing says whether it is safe: with --max-punsafe a score says it."""
    return "NSFW" if choice.max_punsafe is None else f"coalesce(NSFW, {_PUNSAFE}::VARCHAR)"


def ends_as_array(chunk: Path) -> bool:
    with open(chunk, "rb") as file:
        file.seek(max(0, os.path.getsize(chunk) - 64))
        return file.read().rstrip().endswith(b"]")


def explain(chunk: Path) -> None:
    """Read a chunk slowly, to raise the sentence that names the place where it is wrong."""
    for _ in read_records(chunk):
        pass


def read_placed(database, dataset: Path, folders: dict[str, str]) -> None:
    """Fill `placed` with the images that are in the dataset folder and in its metadata."""
    described = ", ".join(f"{name}: '{kind}'" for name, kind in _PLACED_COLUMNS.items())
    declared = ", ".join(f"{name} {kind}" for name, kind in _PLACED_COLUMNS.items())
    database.execute(f"CREATE TABLE placed ({declared}, folder VARCHAR, class VARCHAR, u UHUGEINT)")
    if not (dataset / "metadata.jsonl").exists():
        return
    database.execute("CREATE TEMP TABLE files (key VARCHAR, folder VARCHAR, class VARCHAR)")
    for name, folder in folders.items():
        if (dataset / folder).is_dir():
            here = [file.name.removesuffix(".jpg") for file in os.scandir(dataset / folder)]
            for some in (here[start : start + INSERT_ROWS] for start in range(0, len(here), INSERT_ROWS)):
                database.execute("INSERT INTO files SELECT unnest(?::VARCHAR[]), ?, ?", [some, folder, name])
    database.execute(
        f"INSERT INTO placed SELECT {', '.join(_PLACED_COLUMNS)}, folder, class, md5_number(url) FROM read_json(?, "
        f"format = 'newline_delimited', columns = {{{described}}}) JOIN files USING (key)",
        [str(dataset / "metadata.jsonl")],
    )


def choose(database, choice: Choice, embeddings=None) -> None:
    """Fill `pairs`, each with the reason why it is not wanted, or null.

    Args:
        embeddings: with --diverse, the EmbeddingFiles whose rows the records' ROW counts.
    """
    tags = [tag.strip().upper() for tag in choice.nsfw_tags]
    # A URL is judged by all its rows: one that is tagged NSFW anywhere is not fetched for anyone, and a row of an
    # index that knows no tags has the tag that another row of the same URL gives it.
    database.execute(
        "CREATE TEMP TABLE urls AS SELECT u, bool_or(upper(trim(coalesce(NSFW, ''))) IN (SELECT unnest(?))) AS nsfw, "
        f"count({_tag(choice)}) = 0 AS untagged, coalesce(max({_PUNSAFE}) > ?, false) AS unsafe "
        "FROM asked WHERE URL <> '' AND QUERY <> '' GROUP BY u",
        [tags, choice.max_punsafe],
    )
    database.execute("CREATE TEMP TABLE private (host VARCHAR)")
    if not choice.allow_private_hosts:
        hosts = database.execute(f"SELECT DISTINCT lower({_HOST}) FROM asked").fetchall()
        found = [host for (host,) in hosts if host and names_private_host(host)]
        database.execute("INSERT INTO private SELECT unnest(?::VARCHAR[])", [found])
    database.execute(
        f"""
        CREATE TABLE pairs AS
        WITH one AS (
            SELECT key, any_value(u) AS u, any_value(QUERY) AS class, count(*) AS rows, {_RANKED},
                   NOT regexp_matches(any_value(URL), '^https?://[^/?#]', 'i') AS odd,
                   lower(any_value({_HOST})) IN (SELECT host FROM private) AS private
            FROM asked WHERE URL <> '' AND QUERY <> '' GROUP BY key)
        SELECT key, u, class, first, rows, rank, score, similarity, NULL::BIGINT AS place,
               CASE WHEN nsfw THEN $nsfw WHEN unsafe THEN $unsafe WHEN untagged AND NOT $allow_untagged THEN $untagged
                    WHEN odd THEN $odd WHEN private THEN $private END AS bucket
        FROM one JOIN urls USING (u)
        """,
        {
            "nsfw": NSFW, "unsafe": UNSAFE, "untagged": UNTAGGED, "odd": NOT_HTTP, "private": PRIVATE_HOST,
            "allow_untagged": choice.allow_untagged,
        },
    )  # fmt: skip
    database.execute("DROP TABLE urls")
    if choice.combine == "intersection":
        drop_what_a_folder_lacks(database)
    elif choice.combine == "rrf":
        fuse_ranks(database)
    number = "row_number() OVER (PARTITION BY u ORDER BY"
    if choice.conflict == "drop":
        _drop(database, SEVERAL_CLASSES, "count(*) OVER (PARTITION BY u) > 1")
    elif choice.conflict == "first":
        _drop(database, OTHER_CLASS, f"{number} first) > 1")
    elif choice.conflict == "best":
        fused = "fused DESC," if choice.combine == "rrf" else ""
        _drop(database, OTHER_CLASS, f"{number} {fused} {_BEST} first) > 1")
    if choice.balance is not None:  # MetaCLIP's: each of a class's n pairs stays with probability balance / n
        chance = f"{int(choice.balance)} / count(*) OVER (PARTITION BY class)"
        _drop(database, OVER_BALANCE, f"new AND ('0x' || luck[:12])::BIGINT / {16**12} >= {chance}", choice.seed)
    if choice.diverse:
        spread_classes(database, choice, embeddings)
    # What is in the folder already goes first, so that chunks added later top up and do not replace.
    order = f"ORDER BY new, {choice.ranking}"
    if choice.max_per_class is not None:
        most = f"> {int(choice.max_per_class)}"
        _drop(database, OVER_CLASS_CAP, f"row_number() OVER (PARTITION BY class {order}) {most}", choice.seed)
    if choice.most is not None:
        _drop(database, OVER_CAP, f"row_number() OVER ({order}) > {int(choice.most)}", choice.seed)


# RANK counts within one query of one index, so the lists of two indices, whose scores are on different scales,
# interleave; LAION's own similarity orders what has neither.
_RANKED = """min(rowid) AS first, min(TRY_CAST("RANK" AS BIGINT)) AS rank, max(TRY_CAST(SCORE AS DOUBLE)) AS score,
    max(TRY_CAST(similarity AS DOUBLE)) AS similarity"""
_BEST = "rank NULLS LAST, score DESC NULLS LAST, similarity DESC NULLS LAST,"


def drop_what_a_folder_lacks(database) -> None:
    """Of the wanted pairs, those that not every --r folder holds."""
    database.execute(
        "CREATE TEMP TABLE everywhere AS SELECT key FROM asked GROUP BY key "
        "HAVING count(DISTINCT folder) = getvariable('folders')"
    )
    _drop(database, NOT_EVERYWHERE, "key NOT IN (SELECT key FROM everywhere)")


def fuse_ranks(database) -> None:
    """Give each pair `fused`, its reciprocal rank fusion: the sum over folders of 1 / (60 + its place in that folder).

    Its place, from 1, is among that folder's pairs of the class, the best RANK of a pair's rows first (then SCORE).
    Rows of the substring filter have neither: those go by the pool's similarity, then as they stand in the chunks.
    """
    database.execute("ALTER TABLE pairs ADD COLUMN fused DOUBLE")
    database.execute(
        f"""
        UPDATE pairs SET fused = fusion.score FROM (
            SELECT key, sum(1 / ({FUSION_K} + place) ORDER BY place) AS score FROM (
                SELECT key, row_number() OVER (PARTITION BY folder, class ORDER BY {_BEST} first) AS place FROM (
                    SELECT folder, key, any_value(QUERY) AS class, {_RANKED}
                    FROM asked WHERE URL <> '' AND QUERY <> '' GROUP BY folder, key))
            GROUP BY key) AS fusion
        WHERE fusion.key = pairs.key
        """
    )


_EMBEDDING = 'TRY_CAST("ROW" AS BIGINT)'  # the substring filter's ROW has a shard's name in it


def spread_classes(database, choice: Choice, embeddings) -> None:
    """Give wanted pairs `spread`, their place in the farthest-point order of their class's list; one class in memory.

    The order begins with the list's first and takes no notice of what is in the dataset folder, so that a second run
    finds it again. Null: no embedding, too far down the list to be picked, or beyond its first COMPARED.

    Raises:
        UserError: a record's ROW is beyond the embeddings.
    """
    import numpy as np

    most = choice.max_per_class or FILL_SPREAD * choice.fill
    database.execute("ALTER TABLE pairs ADD COLUMN spread BIGINT")
    database.execute(
        "CREATE TABLE embedded AS SELECT * FROM (SELECT class, key, embedding, row_number() OVER "
        f"(PARTITION BY class ORDER BY {choice.ranking}) AS place FROM {_WANTED} JOIN (SELECT key, "
        f"min({_EMBEDDING}) AS embedding FROM asked GROUP BY key HAVING embedding IS NOT NULL) USING (key)) "
        f"WHERE place <= {COMPARED}",
        [f"{choice.seed}:"],
    )
    least, last = database.execute("SELECT min(embedding), max(embedding) FROM embedded").fetchone()
    if last is not None and not 0 <= least <= last < embeddings.ntotal:
        raise UserError(
            f"--diverse holds {embeddings.ntotal:,} embeddings and a record has ROW {last:,}: give the folder of the "
            "embeddings that the records' index was built from"
        )
    database.execute("CREATE TABLE spread (key VARCHAR, spread BIGINT)")
    cursor = database.cursor().execute("SELECT class, key, embedding FROM embedded ORDER BY class, place")
    listed = itertools.chain.from_iterable(iter(lambda: cursor.fetchmany(INSERT_ROWS), []))
    for _, rows in itertools.groupby(listed, key=lambda row: row[0]):
        _, keys, numbers = zip(*rows, strict=True)
        in_files, place = np.unique(np.array(numbers), return_inverse=True)
        picks = farthest_points(embeddings.take(in_files)[place], most)
        database.execute(
            "INSERT INTO spread SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[])",
            [[keys[pick] for pick in picks], list(range(len(picks)))],
        )
    database.execute("UPDATE pairs SET spread = spread.spread FROM spread WHERE spread.key = pairs.key")
    database.execute("DROP TABLE spread; DROP TABLE embedded")


def count_embedded(database) -> tuple[int, int]:
    """(wanted pairs, those of them that have an embedding), for --diverse."""
    return database.execute(
        f"SELECT count(*), count(*) FILTER (key IN (SELECT key FROM asked WHERE {_EMBEDDING} IS NOT NULL)) "
        "FROM pairs WHERE bucket IS NULL"
    ).fetchone()


def _drop(database, bucket: str, condition: str, seed: int = 0) -> None:
    """Put the wanted pairs for which `condition` holds into `bucket`; it may be a window over _WANTED."""
    database.execute(
        "UPDATE pairs SET bucket = ? WHERE key IN (SELECT key FROM "
        f"(SELECT key, {condition} AS leaves FROM {_WANTED}) WHERE leaves)",
        [bucket, f"{seed}:"],
    )


# The wanted pairs with `luck`, a pair's own random hex digits (of the seed), and `new`, not in the dataset folder yet.
_WANTED = (
    "(SELECT *, md5(? || key) AS luck, key NOT IN (SELECT key FROM placed) AS new FROM pairs WHERE bucket IS NULL)"
)


def list_classes(database, choice: Choice) -> None:
    """Give each wanted pair its `place` in its class's list; of images that are alike the first is kept."""
    database.execute(
        "UPDATE pairs SET place = listed.place FROM (SELECT key, row_number() OVER "
        f"(PARTITION BY class ORDER BY new, {choice.ranking}) AS place FROM {_WANTED}) AS listed "
        "WHERE listed.key = pairs.key",
        [f"{choice.seed}:"],
    )


# ---- --fill ----


def begin_fill(database, fill: int) -> None:
    """Want only the first `fill` of each class's list for now."""
    database.execute("UPDATE pairs SET bucket = ? WHERE place > ?", [FULL, fill])


def go_further(database, fill: int) -> int:
    """Want more of the list of each class that has fewer than `fill` images of what it wanted so far (see `judge`).

    How much more follows from the share that was alive, with a standard deviation on top: of many classes few should
    need yet another round. It depends on nothing but what the list's beginning came to, so a run that was stopped goes
    through the same steps again, and ends at the same place.

    Returns:
        int: pairs that are wanted now; 0 when each class is full or at the end of its list.
    """
    return database.execute(
        f"""
        UPDATE pairs SET bucket = NULL FROM (
            SELECT class, max(place) AS depth, count(*) FILTER (reason IS NULL) AS kept FROM outcome GROUP BY class
        ) AS seen
        WHERE pairs.class = seen.class AND bucket = ? AND kept < {fill}
            AND place <= depth + ceil(({fill} - kept + sqrt({fill} - kept)) / greatest(kept / depth, {LEAST_ALIVE}))
        """,
        [FULL],
    ).fetchone()[0]


def end_fill(database, fill: int, judge) -> None:
    """Each class keeps the first `fill` images of its list; others that happen to be known are not needed.

    What was asked for and failed has its reason, whether its class turned out to need it or not.

    Args:
        judge: fills `outcome`, as `judge` below does, and drops from it what else is to be dropped.
    """
    database.execute("UPDATE pairs SET bucket = NULL WHERE bucket = ? AND u IN (SELECT u FROM results)", [FULL])
    judge()
    database.execute(
        "UPDATE outcome SET reason = ? WHERE key IN (SELECT key FROM (SELECT key, row_number() OVER "
        f"(PARTITION BY class ORDER BY place) > {fill} AS beyond FROM outcome WHERE reason IS NULL) WHERE beyond)",
        [FULL],
    )


def count_dropped(database) -> Counter:
    """Rows by the reason why they are dropped; those of wanted pairs are not among them, but for their repeats."""
    dropped = Counter(
        {
            NO_URL: database.execute(
                "SELECT count(*) FROM asked WHERE NOT coalesce(URL <> '' AND QUERY <> '', false)"
            ).fetchone()[0]
        }
    )
    once = (
        OTHER_CLASS,
        SEVERAL_CLASSES,
        OVER_BALANCE,
        OVER_CLASS_CAP,
        OVER_CAP,
        FULL,
    )  # their pair is dropped once; its other rows are repeats
    for bucket, pairs, rows in database.execute(
        "SELECT bucket, count(*), sum(rows)::BIGINT FROM pairs GROUP BY bucket"
    ).fetchall():
        if bucket is None:
            dropped[REPEATED] += rows - pairs
        elif bucket in once:
            dropped[REPEATED] += rows - pairs
            dropped[bucket] += pairs
        else:
            dropped[bucket] += rows
    return +dropped


def read_results(database, files: list[Path], forget: tuple[str, ...]) -> None:
    """Fill `results` from the rounds' files, in their order: an image stays, else the last answer holds.

    Args:
        forget: reasons to forget, so that these URLs are asked again.
    """
    database.execute(f"CREATE TABLE IF NOT EXISTS results ({RESULT_COLUMNS}, u UHUGEINT)")
    database.execute("DELETE FROM results")
    if files:
        database.execute(
            "INSERT INTO results SELECT url, reason, sha256, width, height, original_width, original_height, file, u "
            "FROM (SELECT *, md5_number(url) AS u, row_number() OVER (PARTITION BY md5_number(url) "
            "ORDER BY reason IS NOT NULL, filename DESC) AS place FROM read_parquet(?, filename = true)) "
            "WHERE place = 1",
            [[str(file) for file in files]],
        )
        database.execute("DELETE FROM results WHERE list_contains(?::VARCHAR[], reason)", [list(forget)])


def forget_vanished(database, rounds: Path) -> None:
    """Forget images that somebody took away from the work folder before they were placed: they are fetched again."""
    cursor = database.cursor().execute(
        "SELECT u, file FROM results WHERE reason IS NULL AND u IN (SELECT u FROM pairs WHERE bucket IS NULL) "
        "AND u NOT IN (SELECT u FROM placed)"
    )
    gone = []
    while rows := cursor.fetchmany(INSERT_ROWS):
        gone += [u for u, file in rows if not (rounds / file).exists()]
    database.execute("DELETE FROM results WHERE u IN (SELECT unnest(?::UHUGEINT[]))", [gone])


def count_to_fetch(database) -> int:
    """URLs that are wanted, not placed and not yet answered."""
    return database.execute(f"SELECT count(DISTINCT u) FROM pairs WHERE {_TO_FETCH}").fetchone()[0]


_TO_FETCH = "bucket IS NULL AND u NOT IN (SELECT u FROM placed) AND u NOT IN (SELECT u FROM results)"


def write_url_list(database, path: Path, most: int) -> int:
    """Write a parquet of at most `most` URLs that are wanted, not placed and not yet answered, each once.

    Their order is their hash's: a host's pages are spread over the whole list, so no host gets them all at once.

    Returns:
        int: how many.
    """
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE todo AS SELECT u, min(first) AS first FROM pairs WHERE {_TO_FETCH} "
        f"GROUP BY u ORDER BY u LIMIT {most}"
    )
    count = database.execute("SELECT count(*) FROM todo").fetchone()[0]
    if count:
        database.execute(
            "COPY (SELECT URL AS url FROM todo JOIN asked ON asked.rowid = todo.first ORDER BY todo.u) "
            f"TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
        )
    return count


# ---- after the fetch ----


def judge(database, lost: str) -> None:
    """Fill `outcome`: per wanted pair the reason why it is not kept, or null.

    A placeholder is dropped wherever it shows; of one file under several URLs a class keeps one.
    """
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placeholder AS
        SELECT sha256 FROM results JOIN (SELECT DISTINCT u FROM pairs WHERE bucket IS NULL) USING (u)
        WHERE reason IS NULL GROUP BY sha256, lower({_HOST}) HAVING count(*) >= {PLACEHOLDER_URLS}
        """
    )
    database.execute(
        """
        CREATE OR REPLACE TABLE outcome AS
        WITH other AS (SELECT u, min(key) AS key FROM placed GROUP BY u),
        known AS (
            SELECT pairs.key, pairs.u, pairs.class, pairs.first, place, own.key IS NOT NULL AS here,
                   other.key AS placed_key, results.file, coalesce(own.sha256, results.sha256, there.sha256) AS sha256,
                   CASE WHEN there.key IS NOT NULL THEN NULL WHEN results.u IS NULL THEN $lost
                        ELSE results.reason END AS reason
            FROM pairs LEFT JOIN placed AS own ON own.key = pairs.key LEFT JOIN results ON results.u = pairs.u
            LEFT JOIN other ON other.u = pairs.u LEFT JOIN placed AS there ON there.key = other.key
            WHERE bucket IS NULL)
        SELECT key, u, class, first, place, here, placed_key, file, sha256, reason IS NULL AS live,
               CASE WHEN here THEN NULL WHEN reason IS NOT NULL THEN reason
                    WHEN sha256 IN (FROM placeholder) THEN $placeholder
                    WHEN row_number() OVER same > 1 THEN $same END AS reason
        FROM known WINDOW same AS (PARTITION BY class, sha256, reason IS NULL ORDER BY NOT here, place, key)
        """,
        {"lost": lost, "placeholder": PLACEHOLDER, "same": SAME_IMAGE},
    )


def to_place(database) -> Iterator[tuple]:
    """(key, class, file in the work folder or None, folder and key of the same URL's placed image or None), by URL."""
    cursor = database.cursor().execute(
        "SELECT outcome.key, outcome.class, outcome.file, placed.folder, placed.key FROM outcome LEFT JOIN placed "
        "ON placed.key = outcome.placed_key WHERE reason IS NULL AND NOT here ORDER BY outcome.u, outcome.key"
    )
    while rows := cursor.fetchmany(INSERT_ROWS):
        yield from rows


def kept_entries(database) -> Iterator[dict]:
    """The metadata entry of each kept image, sorted by key, with every record that asked for it under `sources`."""
    size = ", ".join(
        f"coalesce(results.{name}, placed.{name}) AS {name}" for name in list(_PLACED_COLUMNS)[2:]
    )  # fmt: skip
    names = ", ".join(f'asked."{name}"' for name in _COLUMNS)
    cursor = database.cursor().execute(
        f"SELECT outcome.key, {names}, {size}, shared.classes FROM outcome JOIN asked ON asked.key = outcome.key "
        "LEFT JOIN results ON results.u = outcome.u AND results.reason IS NULL "
        "LEFT JOIN placed ON placed.key = outcome.placed_key "
        "LEFT JOIN (SELECT u, list_sort(list(class)) AS classes FROM pairs GROUP BY u HAVING count(*) > 1) AS shared "
        "ON shared.u = outcome.u WHERE outcome.reason IS NULL ORDER BY outcome.key, asked.rowid"
    )
    columns = [column[0] for column in cursor.description]
    entry = None
    while rows := cursor.fetchmany(INSERT_ROWS):
        for values in rows:
            row = dict(zip(columns, values, strict=True))
            record = {
                name: json.loads(row[name]) if kind == "JSON" and row[name] is not None else row[name]
                for name, kind in _COLUMNS.items()
            }
            if entry is None or entry["key"] != row["key"]:
                if entry:
                    yield entry
                entry = {
                    "key": row["key"], "QUERY": record["QUERY"], "caption": record["TEXT"], "url": record["URL"],
                    "sha256": row["sha256"], "similarity": record["similarity"], "width": row["width"],
                    "height": row["height"], "original_width": row["original_width"],
                    "original_height": row["original_height"], "SAMPLE_ID": record["SAMPLE_ID"],
                    "NSFW": record["NSFW"], "punsafe": record["punsafe"], "LICENSE": record["LICENSE"],
                    "also_asked_by": [name for name in row["classes"] or [] if name != record["QUERY"]], "sources": [],
                }  # fmt: skip
            source = {name: record[name] for name in PROVENANCE_FIELDS}
            if any(value is not None for value in source.values()) and source not in entry["sources"]:
                entry["sources"].append(source)
    if entry:
        yield entry


def still_placed(database) -> Iterator[str]:
    """Sorted keys of the images that were in the dataset folder before this run."""
    cursor = database.cursor().execute("SELECT key FROM placed ORDER BY key")
    while rows := cursor.fetchmany(INSERT_ROWS):
        for (key,) in rows:
            yield key


def count_outcome(database) -> tuple[int, Counter]:
    """(kept, rows dropped by reason) of the wanted pairs, one row each."""
    counts = dict(database.execute("SELECT reason, count(*) FROM outcome GROUP BY reason").fetchall())
    return counts.pop(None, 0), Counter(counts)


def count_classes(database) -> dict[str, dict]:
    """Per class: images asked for, alive (an image came back), kept."""
    rows = database.execute(
        "SELECT pairs.class, count(*), count(*) FILTER (live), count(*) FILTER (live AND outcome.reason IS NULL) "
        "FROM pairs LEFT JOIN outcome USING (key) GROUP BY pairs.class ORDER BY pairs.class"
    ).fetchall()
    return {name: {"asked": asked, "live": live, "kept": kept} for name, asked, live, kept in rows}


def count_urls(database) -> dict:
    """Distinct URLs: asked for, wanted after the drops, and what came of those."""
    asked, wanted = database.execute(
        "SELECT count(DISTINCT u), count(DISTINCT u) FILTER (bucket IS NULL) FROM pairs"
    ).fetchone()
    live = database.execute("SELECT count(DISTINCT u) FROM outcome WHERE live").fetchone()[0]
    return {"asked": asked, "wanted": wanted, "live": live, "failed": wanted - live}


def count_hosts(database, most: int) -> dict[str, dict]:
    """The `most` hosts with most failures: URLs tried, failed, and failed by reason."""
    host = _HOST.replace("URL", "url")
    rows = database.execute(
        f"WITH answers AS (SELECT lower({host}) AS host, reason FROM results JOIN (SELECT DISTINCT u FROM pairs "
        "WHERE bucket IS NULL) USING (u)), "
        "totals AS (SELECT host, count(*) AS tried, count(reason) AS failed FROM answers GROUP BY host "
        f"HAVING failed > 0 ORDER BY failed DESC, host LIMIT {most}) "
        "SELECT host, tried, failed, reason, count(*) FROM totals JOIN answers USING (host) WHERE reason IS NOT NULL "
        "GROUP BY ALL ORDER BY failed DESC, host, count(*) DESC, reason"
    ).fetchall()
    hosts: dict[str, dict] = {}
    for name, tried, failed, reason, count in rows:
        hosts.setdefault(name, {"tried": tried, "failed": failed, "reasons": {}})["reasons"][reason] = count
    return hosts
