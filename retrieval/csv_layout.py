"""How a list of text is cut into fields: its separator, its quotes, its names. Standard library only.

    layout = find_layout(path, text, asked)     # of its first kilobytes

A comma or semicolon list is quoted as RFC 4180 says. A tab list mostly is not (CC3M, CC12M): there a quote is a sign
like any other, unless the first lines can only be understood with quotes.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from retrieval.cli import UserError
from retrieval.columns import ALIASES, UNSAFE_SCORES, ColumnChoice

SAMPLE_ROWS = 300
SEPARATORS = (",", ";", "\t", "|")
TAB_SUFFIXES = {".tsv", ".tab"}
KNOWN_NAMES = {alias for aliases in ALIASES.values() for alias in aliases} | set(UNSAFE_SCORES)
ADDRESS = re.compile(r"\s*(https?|ftp|s3|gs)://", re.IGNORECASE)
WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,19})")  # 20 digits: an unsigned integer of 64 bits


@dataclass(frozen=True)
class CsvLayout:
    separator: str
    is_quoted: bool
    names: tuple[str, ...]  # of the columns
    has_names: bool  # its first line is the names
    sample: tuple[tuple[str, ...], ...]  # its first rows
    starts_at: int = 0  # its first byte after empty lines, which Arrow would count as the line of names

    def has_whole_numbers(self, name: str) -> bool:
        """Whether the sample's values of a column are integers, as they are written from a column of integers."""
        place = self.names.index(name)
        values = [row[place] for row in self.sample if row[place]]
        return bool(values) and all(map(WHOLE_NUMBER.fullmatch, values))


def find_layout(path: Path, text: str, asked: ColumnChoice) -> CsvLayout:
    """The layout of a list that begins with this text. A last line that is cut is no part of it.

    Raises:
        UserError: it has no line of names, and --columns does not give them; or --columns does not fit it.
    """
    text = text.removeprefix("\ufeff")
    separator = _separator(path, text, asked)
    is_quoted = separator != "\t" or _needs_quotes(text)
    rows = list(islice(_rows(text, separator, is_quoted), SAMPLE_ROWS + 1))
    first = rows[0] if rows else []
    if asked.listed:
        _check_listed(path, first, asked.listed)
        names = asked.listed
    else:
        names = tuple(name.strip() for name in first)
        _check_names(path, names)
    sample = rows if asked.listed else rows[1:]
    return CsvLayout(
        separator, is_quoted, names, not asked.listed, tuple(tuple(row) for row in sample if len(row) == len(names))
    )


def _rows(text: str, separator: str, is_quoted: bool) -> list[list[str]]:
    """The rows of a text, without empty lines, and without the last one where another is whole."""
    quoting = csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE
    rows = [row for row in csv.reader(_lines(text.replace("\0", "")), delimiter=separator, quoting=quoting) if row]
    return rows[:-1] if len(rows) > 1 and not text.endswith(("\n", "\r")) else rows


def _lines(text: str) -> list[str]:
    """Lines with their ends. Not by splitlines, which also cuts at U+2028 and \\x0b."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def _separator(path: Path, text: str, asked: ColumnChoice) -> str:
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if suffixes & TAB_SUFFIXES and "\t" in text.split("\n", 1)[0]:
        return "\t"
    wanted = KNOWN_NAMES | {name.lower() for name in (asked.caption, asked.url) if name}

    def fitness(sign: str) -> tuple:
        rows = _rows(text, sign, sign != "\t")[:20]
        first = rows[0] if rows else []
        known = sum(name.strip().lower() in wanted for name in first)
        alike = sum(len(row) == len(first) for row in rows) if len(first) > 1 else 0
        return (len(first) == len(asked.listed), known, alike, -SEPARATORS.index(sign))

    return max(SEPARATORS, key=fitness)


def _needs_quotes(text: str) -> bool:
    """Whether a tab list is quoted: with quotes each row has as many fields as the first, without them not; or a field
    has doubled quotes between quotes, and none has a quote in another place."""
    with_quotes, without = _rows(text, "\t", True), _rows(text, "\t", False)
    if not without or '"' not in text:
        return False
    fits, fits_without = ({len(row) for row in rows} == {len(rows[0])} for rows in (with_quotes, without))
    if fits and not fits_without:
        return True
    fields = [field for row in without for field in row if '"' in field]
    wrapped = [field for field in fields if re.fullmatch(r'"(?:[^"]|"")*"', field)]
    all_names = all(field.startswith('"') and field.endswith('"') and len(field) > 1 for field in without[0])
    return len(wrapped) == len(fields) and (all_names or any('""' in field[1:-1] for field in wrapped))


def _check_listed(path: Path, first: Sequence[str], listed: tuple[str, ...]) -> None:
    if len(first) != len(listed):
        raise UserError(
            f"shard {path} has {len(first)} columns in its first line and --columns names {len(listed)}: name them all"
        )
    if not any(map(ADDRESS.match, first)) and {name.strip().lower() for name in first} & KNOWN_NAMES:
        raise UserError(
            f"shard {path} has a line of names ({', '.join(first)}), so leave --columns out; to choose among them, "
            "use --url-column and --caption-column"
        )


def _check_names(path: Path, names: tuple[str, ...]) -> None:
    if any(map(ADDRESS.match, names)):
        raise UserError(
            f"shard {path} begins with an address and not with the names of its columns: name them in order, "
            f"as --columns {guessed_names(names)} (DuckDB's read_csv: header=false)"
        )
    if len(names) < 2:
        raise UserError(
            f"shard {path} has one column ({ascii(names[0][:60]) if names else 'no name'}), cut at a comma, semicolon, "
            "tab or |: a list has the address and the caption"
        )


def guessed_names(first: Sequence[str]) -> str:
    """The names of a list's columns as its first row lets guess: the address, and the longest of the others."""
    url = next(place for place, field in enumerate(first) if ADDRESS.match(field))
    others = [place for place in range(len(first)) if place != url]
    caption = max(others, key=lambda place: len(first[place]), default=None)
    return ",".join({url: "url", caption: "caption"}.get(place, f"column{place}") for place in range(len(first)))


def check_order(path: Path, layout: CsvLayout, url: str) -> None:
    """Refuse names that --columns gives in another order than the list has.

    Raises:
        UserError: another column than `url` is the one with addresses in the first rows.
    """
    columns = list(zip(*layout.sample, strict=True))
    with_addresses = [sum(map(bool, map(ADDRESS.match, values))) for values in columns]
    place = layout.names.index(url)
    if with_addresses and not with_addresses[place] and max(with_addresses) > len(layout.sample) / 2:
        other = with_addresses.index(max(with_addresses)) + 1
        raise UserError(
            f"shard {path}: --columns calls column {place + 1} {url!r}, and the addresses are in column {other}: "
            "give the names in the list's order"
        )
