"""Class names from a list in a file, in the formats that people have: text, JSON, CSV or TSV.

A list that cannot be read as class names is refused: a scan for the lines of a JSON file takes hours and finds nothing.
Standard library only.
"""

import csv
import io
import json
from pathlib import Path

from retrieval.cli import UserError

# Column names of class lists, lower-cased, the preferred one first.
NAME_COLUMNS = ("class", "class_name", "classname", "name", "label", "category", "classes", "names")
LIST_SUFFIXES = (".txt", ".json", ".csv", ".tsv", ".py", ".names", ".list", ".yaml", ".yml", ".md", ".jsonl", ".xlsx")
CURLY_QUOTES = "“”„‟«»"


def looks_like_a_path(text: str) -> bool:
    """Whether a class list was meant as a file's path."""
    return text.startswith(("/", "./", "../", "~")) or text.lower().endswith(LIST_SUFFIXES)


def read_class_list(path: Path, flag: str) -> list[str]:
    """The class names of a file, in its order.

    Text has one name per line. JSON is a list of names, or an object whose values are the names (as ImageNet's
    `{"n01440764": "tench"}`, or `{"0": ["n01440764", "tench"]}`). CSV and TSV have a column of names with a header of
    NAME_COLUMNS, or one column.

    Raises:
        UserError: no such list; says what the file holds.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{flag} {path} is not a UTF-8 text file with one class name per line") from error
    if path.suffix.lower() == ".py":
        raise UserError(
            f"{flag} {path} is a Python file: a template is used by its name, as --template --template-dir "
            f"{path.parent} {flag} {path.stem}"
        )
    if text.lstrip().startswith(("[", "{")):
        return _names_of_json(text, f"{flag} {path}")
    if path.suffix.lower() in (".csv", ".tsv"):
        return _names_of_table(text, "\t" if path.suffix.lower() == ".tsv" else ",", f"{flag} {path}")
    return text.splitlines()


def _names_of_json(text: str, what: str) -> list[str]:
    try:
        listed = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{what} looks like JSON and is not ({error})") from error
    names = list(listed.values()) if isinstance(listed, dict) else listed
    if names and all(isinstance(name, list) and name and isinstance(name[-1], str) for name in names):
        names = [name[-1] for name in names]  # ["n01440764", "tench"]
    if names and all(isinstance(name, int) for name in names) and isinstance(listed, dict):
        names = sorted(listed, key=listed.get)  # {"tench": 0}
    if not all(isinstance(name, str) for name in names):
        raise UserError(f'{what} is JSON and no list of class names: give ["name", …] or {{"id": "name", …}}')
    return names


def _names_of_table(text: str, delimiter: str, what: str) -> list[str]:
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    header = [name.strip().lower() for name in rows[0]] if rows else []
    column = next((header.index(name) for name in NAME_COLUMNS if name in header), None)
    if column is not None:
        return [row[column] for row in rows[1:] if len(row) > column]
    if all(len(row) == 1 for row in rows):
        return [row[0] for row in rows]
    raise UserError(f"{what} has the columns {', '.join(rows[0])}: call the one with the class names `class`")


def check_names(names: list[str], flag: str) -> None:
    """Refuse names that were meant otherwise than they are written.

    Raises:
        UserError: names the class and the way out.
    """
    for name in names:
        if any(quote in name for quote in CURLY_QUOTES):
            raise UserError(
                f'{flag}: class {name!r} has typographic quotes: leave them out, or write " where a query needs them'
            )
