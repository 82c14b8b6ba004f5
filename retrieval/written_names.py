"""How often people write each name of a class: rows per name, from what a substring run counted per phrase.

    rows_per_name({"tabby*": 7, "tabby cat AND fur": 2, "mackerel tabby": 1}, ("tabby cat", "tabby"))
    # {"tabby cat": 2, "tabby": 7}: the phrase "mackerel tabby" of the class_map query is none of these names

A row is counted for one name: the first that made the query match, and longer names are asked first
(queries.longer_names_first). Standard library only.
"""

from collections.abc import Mapping, Sequence


def rows_per_name(matches: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Name -> rows.

    Args:
        matches: MATCHED of the records -> rows.
        names: the class's own name, then its synonyms.
    """
    name_of = {name.casefold(): name for name in reversed(names)}
    rows = dict.fromkeys(names, 0)
    for phrase, number in matches.items():
        words = phrase.replace("*", "").casefold()
        # In the mode fts, "tiger shark" is the query tiger AND shark; in a class_map query, crane AND bird is a crane.
        written = (phrase.casefold(), words, words.replace(" and ", " "), words.partition(" and ")[0])
        name = next((name_of[text] for text in written if text in name_of), None)
        if name is not None:
            rows[name] += number
    return rows


def most_written(rows: Mapping[str, int]) -> str:
    """The name with the most rows; of equal ones the first, which is the class's own."""
    return max(rows, key=rows.__getitem__)
