"""The plan's first table: every row of the chunks, whichever tool wrote them, with its safety decided.

The filters' chunks have fields of known names and are read by column. In the chunks of other tools a field has any of
the names that retrieval/columns.py knows, in each record anew, and a folder whose records name no class is one class.
plan.py describes the tables.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb

from retrieval.cli import UserError, say
from retrieval.columns import ALIASES, NOTHING_SAID, UNSAFE_SCORES, ColumnChoice, asked_columns
from retrieval.download import plan
from retrieval.download.keys import digest_sql, key_sql
from retrieval.download.plan_paths import plain_path
from retrieval.download.settings import Choice
from retrieval.records import chunk_files, read_manifests, read_records
from retrieval.safety import NSFW, UNLIKELY, UNSAFE_FROM, UNSURE, UnknownSafety, safety_tag, unknown_safety
from retrieval.tar_images import PLACE_PATTERN, TAR_PATTERN

# Names of the field that holds the class, the preferred one first.
CLASS_NAMES = ("query", "class", "class_name", "classname", "label")
_NAMES = {name: (name.lower(),) for name in plan.RECORD_COLUMNS}
_NAMES |= {ours: aliases for ours, aliases in ALIASES.items() if ours in _NAMES}
_NAMES |= {"QUERY": CLASS_NAMES, "punsafe": UNSAFE_SCORES}
_PIXELS = "CASE WHEN getvariable('pixels') = 'tar' AND regexp_matches(PIXELS, '{}', 's') THEN PIXELS END"
# A stranger's parquet can crash the process that decodes it, so of other tools' records only places in tars count.
_OUR_PIXELS, _OTHER_PIXELS = _PIXELS.format(PLACE_PATTERN), _PIXELS.format(TAR_PATTERN)
_FIELDS_NAMED = 12  # field names that a refusal lists
_OBJECTS = "read_json_objects($chunks, format = 'array', hive_partitioning = false)"
_UNREADABLE = (duckdb.Error, UnicodeDecodeError)  # the second: DuckDB's message holds bytes that are not UTF-8
_SCORE_OF_TEXT = {"true": "1", "false": "0"}  # other words in a column of scores are refused


def read_chunks(database, folders: list[Path], choice: Choice, allow_partial: bool) -> int:
    """Fill `asked` with every row of every chunk.

    Returns:
        int: rows read.

    Raises:
        UserError: columns are named and no folder is another tool's, a folder without chunks, a chunk that is not JSON,
            records without URLs, safety values that are not understood, a folder whose rows are all untagged, or --min-
            score or --max-punsafe where no row has that score.
    """
    chunks_of_folder = [chunk_files(folder, allow_partial) for folder in folders]
    if choice.columns != NOTHING_SAID and all(map(read_manifests, folders)):
        raise UserError(
            "--url-column and --caption-column are for records of other tools, and each --r folder is a filter's, "
            "whose fields are known: leave them out"
        )
    database.execute("SET VARIABLE folder_count = ?", [len(folders)])
    database.execute("SET VARIABLE pixels = ?", [choice.pixels])
    for number, (folder, chunks) in enumerate(zip(folders, chunks_of_folder, strict=True)):
        _read_folder(database, number, folder, chunks, choice.columns)
        _decide_safety(database, number, folder)
        rows, tagged, scored = database.execute(
            "SELECT count(*), count(NSFW), count(SCORE) FROM asked WHERE folder = ?", [number]
        ).fetchone()
        if rows and not tagged and not choice.allow_untagged:
            raise UserError(
                f"{folder}: none of its {rows:,} rows says whether its image is safe (NSFW is null): the pool "
                "has no safety column; add --allow-untagged to download it all the same"
            )
        if rows and not scored and choice.min_score is not None:
            raise UserError(
                f"{folder}: none of its {rows:,} rows has a SCORE for --min-score: make one of its records with "
                "dataset_helper/score_captions.py, or leave --min-score out"
            )
    rows, scored = database.execute(f"SELECT count(*), count({plan.PUNSAFE_SQL}) FROM asked").fetchone()
    if choice.max_punsafe is not None and rows and not scored:
        raise UserError(
            "--max-punsafe: no row has a punsafe score, as the pool has none or its filter left it out: run the filter "
            "again on a pool that has one, or drop the flag"
        )
    return rows


# ---- records ----


def _read_folder(database, number: int, folder: Path, chunks: list[Path], columns: ColumnChoice) -> None:
    is_ours = bool(read_manifests(folder))
    columns = NOTHING_SAID if is_ours else columns
    for chunk in chunks:
        if not _ends_as_array(chunk):  # DuckDB accepts an array without its last bracket
            _raise_what_is_wrong(chunk)
    try:
        paths = list(map(plain_path, chunks))
        if is_ours:
            _read_ours(database, number, paths)
        else:
            _read_others(database, number, folder, paths, columns)
    except _UNREADABLE:
        database.execute("DELETE FROM asked WHERE folder = ?", [number])
        with tempfile.TemporaryDirectory(dir=plan.folder_of(database), prefix=".chunks.") as beside:
            readable = [_readable(database, chunk, Path(beside)) for chunk in chunks]
            _read_others(database, number, folder, readable, columns)


def _ends_as_array(chunk: Path) -> bool:
    with open(chunk, "rb") as file:
        file.seek(max(0, os.path.getsize(chunk) - 64))
        return file.read().rstrip(b"\0 \t\r\n").endswith(b"]")


def _raise_what_is_wrong(chunk: Path) -> None:
    """Read a chunk record by record: slow, but its error says where the chunk is wrong."""
    for _ in read_records(chunk):
        pass


def _readable(database, chunk: Path, folder: Path) -> str:
    """The chunk's path, or if DuckDB cannot read it, that of a copy in `folder` in which bytes are U+FFFD that are not
    UTF-8, and half a surrogate pair is "?".

    Raises:
        UserError: Python cannot read it either.
    """
    path = plain_path(chunk)
    try:
        database.execute(f"SELECT count(json) FROM {_OBJECTS}", {"chunks": [path]})
        return path
    except _UNREADABLE:
        copy = folder / chunk.name
    with open(copy, "w", encoding="utf-8", errors="replace") as file:
        mark = "["
        for record in read_records(chunk):
            file.write(f"{mark}\n{json.dumps(record, ensure_ascii=False)}")
            mark = ","
        file.write("[]\n" if mark == "[" else "\n]\n")
    return plain_path(copy)


def _read_ours(database, number: int, chunks: list[str]) -> None:
    """Read the filters' chunks, whose fields have known names."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in plan.RECORD_COLUMNS)
    source = f"read_json($chunks, format = 'array', hive_partitioning = false, columns = {{{columns}}})"
    _insert(database, number, source, {"chunks": chunks}, _OUR_PIXELS)


def _read_others(database, number: int, folder: Path, chunks: list[str], columns: ColumnChoice) -> None:
    """Read the chunks of other tools, whose fields have any name. The first value that is not null counts.

    Raises:
        UserError: values that are no records, or no record has a field that `columns` names.
    """
    if not chunks:
        return
    names, odd = database.execute(
        f"""
        SELECT list_sort(list_distinct(flatten(list(DISTINCT json_keys(json))))),
               count(*) FILTER (json_type(json) <> 'OBJECT')
        FROM {_OBJECTS}
        """,
        {"chunks": chunks},
    ).fetchone()
    if odd:
        raise UserError(f"{folder} holds {odd:,} JSON values that are no records: a chunk is an array of objects")
    names = names or []
    spellings = {
        ours: [name for alias in aliases for name in names if name.lower() == alias] for ours, aliases in _NAMES.items()
    }
    if names:
        spellings |= {ours: [name] for ours, name in asked_columns(names, columns, str(folder)).items()}
    paths = list(dict.fromkeys(name for those in spellings.values() for name in those))
    values = {name: f"nullif(found[{position}], 'null'::JSON)" for position, name in enumerate(paths, 1)}
    fields = ", ".join(
        f"""{f"coalesce({', '.join(values[name] for name in those)}) ->> '$'" if those else "NULL"} AS "{ours}" """
        for ours, those in spellings.items()
    )
    source = f"(SELECT {fields} FROM (SELECT json_extract(json, $paths) AS found FROM {_OBJECTS}))"
    _insert(
        database,
        number,
        source,
        {"chunks": chunks, "paths": [f'$."{name}"' for name in paths] or ["$.URL"]},
        _OTHER_PIXELS,
    )
    _check_others(database, number, folder, names)


def _insert(database, number: int, source: str, parameters: dict, pixels: str) -> None:
    """Fill `asked` from SQL that gives every field of a record as text.

    PIXELS, as the SQL `pixels` gives it, is kept where the image is to be copied out of its file. There, a row without
    a URL is known by it.
    """
    fields = ", ".join(
        f'"{name}"' if kind == "VARCHAR" else f"TRY_CAST({plan.finite_sql(name)} AS {kind})"
        for name, kind in plan.RECORD_COLUMNS.items()
    )
    database.execute(
        f"""
        INSERT INTO asked
        SELECT $folder, md5_number(URL), {_key_of("QUERY")}, {fields}
        FROM (
            SELECT * REPLACE (coalesce(nullif(URL, ''), PIXELS) AS URL)
            FROM (SELECT * REPLACE (trim(URL) AS URL, {pixels} AS PIXELS) FROM {source})
        )
        """,
        parameters | {"folder": number},
    )


def _key_of(name: str) -> str:
    """SQL of a row's key, where `name` is its class."""
    return f"CASE WHEN URL <> '' AND {name} <> '' THEN {key_sql(digest_sql('URL', name))} END"


def _check_others(database, number: int, folder: Path, names: list[str]) -> None:
    """Refuse records without URLs. Where no record names its class, the class is the folder's name.

    Raises:
        UserError: no record has a URL, or a class is a list.
    """
    rows, urls, classes, lists = database.execute(
        """
        SELECT count(*), count(*) FILTER (URL <> ''), count(*) FILTER (QUERY <> ''),
               count(*) FILTER (QUERY[1] IN ('[', '{') AND json_valid(QUERY))
        FROM asked WHERE folder = ?
        """,
        [number],
    ).fetchone()
    if rows and not urls:
        more = " …" if len(names) > _FIELDS_NAMED else ""
        raise UserError(
            f"{folder}: none of its {rows:,} records has a URL; their fields are "
            f"{', '.join(names[:_FIELDS_NAMED]) or 'none'}{more}: name the one with the image's address with "
            "--url-column"
        )
    if lists:
        raise UserError(f"{folder}: the class of {lists:,} records is a list or an object: give each record one QUERY")
    if rows and not classes:
        name = folder.resolve().name
        say(
            f"note: {folder}: its {rows:,} records name no class (QUERY), so their class is the folder's name: {name!r}"
        )
        database.execute(
            f"""
            UPDATE asked SET QUERY = $name, key = {_key_of("$name")} WHERE folder = $folder
            """,
            {"name": name, "folder": number},
        )


# ---- safety ----


def _decide_safety(database, number: int, folder: Path) -> None:
    """Make NSFW of one folder's rows a tag of LAION, or null; where it is null, the punsafe score decides.

    Raises:
        UserError: values that are not understood, by value and count.
    """
    _replace(database, number, "punsafe", f"{folder}: punsafe", _score_of, plan.IS_SCORE)
    tags = ", ".join(f"'{tag}'" for tag in (NSFW, UNSURE, UNLIKELY))
    _replace(database, number, "NSFW", f"{folder}: NSFW", safety_tag, f"NSFW IN ({tags})")
    database.execute(
        f"""
        UPDATE asked SET NSFW = CASE WHEN {plan.PUNSAFE_SQL} >= {UNSAFE_FROM} THEN '{NSFW}' ELSE '{UNLIKELY}' END
        WHERE folder = ? AND NSFW IS NULL AND punsafe IS NOT NULL
        """,
        [number],
    )


def _score_of(text: str) -> str | None:
    if safety_tag(text) is None:  # raises what is neither a word nor a score from 0 to 1
        return None
    if text.strip().lower() in _SCORE_OF_TEXT:
        return _SCORE_OF_TEXT[text.strip().lower()]
    try:
        return str(float(text))
    except ValueError:
        raise UnknownSafety(text) from None


def _replace(database, number: int, column: str, where: str, decide, is_usual: str) -> None:
    """Replace the values of one column by what `decide` makes of them, unless they are usual (SQL) already."""
    unknown = Counter()
    database.execute("CREATE OR REPLACE TEMP TABLE decided (value VARCHAR, meaning VARCHAR)")
    for rows in _distinct_values(database, number, f"{column} IS NOT NULL AND NOT coalesce({is_usual}, false)", column):
        meanings = []
        for value, count in rows:
            try:
                meanings.append(decide(value))
            except UnknownSafety:
                meanings.append(None)
                unknown[value[:40]] += count
        database.execute(
            "INSERT INTO decided SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
            [[row[0] for row in rows], meanings],
        )
    if unknown:
        raise unknown_safety(where, unknown)
    database.execute(
        f"UPDATE asked SET {column} = meaning FROM decided WHERE folder = ? AND {column} = decided.value", [number]
    )


def _distinct_values(database, number: int, condition: str, column: str) -> Iterator[list[tuple[str, int]]]:
    cursor = database.cursor().execute(
        f"SELECT {column}, count(*) FROM asked WHERE folder = ? AND {condition} GROUP BY 1 ORDER BY 1", [number]
    )
    while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
        yield rows
