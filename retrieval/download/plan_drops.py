"""The plan's side of --drop: images that the user has looked at and does not want.

    <work>/dropped.txt    every line of every LIST so far; take a line out, and its image may come back
    <work>/gone.txt       keys of images that metadata.jsonl lists and that somebody removed from their folders

plan.py describes the tables.
"""

from pathlib import Path

from retrieval.download import plan
from retrieval.drop_lists import key_of_line, lines_of
from retrieval.files import complete_file

REMEMBERED, GONE = "dropped.txt", "gone.txt"


def remember(work: Path, lines: list[str]) -> None:
    """Write the lines for later runs."""
    if lines and lines != lines_of(work / REMEMBERED):
        with complete_file(work / REMEMBERED) as beside:
            beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="replace")


def read_drops(database, lines: list[str]) -> None:
    """Fill `unwanted`. A line is a URL, a key, or a file's name: `<key>.jpg`, with or without folders before it.

    The key may be one of older versions, a digest (keys.py).
    """
    keys = [key_of_line(line) for line in lines]
    database.execute(
        "INSERT INTO unwanted SELECT line, key, md5_number(line) FROM (SELECT unnest(?::VARCHAR[]) AS line, "
        "unnest(?::VARCHAR[]) AS key)",
        [[line.encode("utf-8", "replace").decode() for line in lines], keys],
    )


def lines_without_image(database) -> set[str]:
    """Lines that name no image, neither of this run's rows nor of the dataset folder."""
    found = database.execute(
        """
        SELECT line FROM unwanted
        WHERE key NOT IN (
                SELECT key FROM pairs UNION ALL SELECT digest FROM pairs UNION ALL
                SELECT key FROM placed UNION ALL SELECT digest FROM placed
            )
            AND url_hash NOT IN (SELECT url_hash FROM pairs UNION ALL SELECT url_hash FROM placed)
        """
    ).fetchall()
    return {line for (line,) in found}


def list_gone(database, work: Path) -> int:
    """Write <work>/gone.txt with the wanted images that were removed from their folders; returns their number."""
    cursor = database.cursor().execute("SELECT key FROM wanted WHERE key IN (FROM gone) ORDER BY key")
    count = 0
    with complete_file(work / GONE) as beside, open(beside, "w", encoding="utf-8") as file:
        while rows := cursor.fetchmany(plan.ROWS_PER_BATCH):
            file.writelines(f"{key}\n" for (key,) in rows)
            count += len(rows)
    if not count:
        (work / GONE).unlink()
    return count
