"""--where: a condition on a pool's own columns, which DuckDB evaluates on the rows that match.

    condition = parse_condition("least(width, height) >= 200 AND coalesce(pwatermark, 0) < 0.5")
    condition.columns                                  # ("width", "height", "pwatermark")
    with Judge(condition, "a.parquet") as judge:
        judge.holds({"width": …, "height": …, "pwatermark": …})      # bool (n,); NULL does not hold

The text comes from a command that may be copied from anywhere. So DuckDB parses it, the tree must be one expression of
known kinds and functions, and it is evaluated on a connection that reaches no file and whose settings are locked.
"""

import json
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from retrieval.cli import UserError
from retrieval.columns import shown_names

# The kinds of expressions that look at one row and at nothing else; and what to call others.
KNOWN = set("CONSTANT COLUMN_REF COMPARISON CONJUNCTION OPERATOR FUNCTION CAST CASE BETWEEN TYPE".split())  # noqa: SIM905
WHAT = {"SUBQUERY": "a subquery", "STAR": "*", "WINDOW": "a window function", "LAMBDA": "a lambda"}
FUNCTION_NAMES = """
    + - * / // % ^ ** || & | ~ << >> ~~ ~~* !~~ !~~* ~~~ like_escape ilike_escape not_like_escape not_ilike_escape
    least greatest coalesce ifnull nullif if
    abs sign ceil ceiling floor round trunc sqrt cbrt ln log log2 log10 exp pow power mod isnan isinf isfinite
    length strlen len lower lcase upper ucase trim ltrim rtrim strip_accents substring substr left right reverse
    contains starts_with prefix ends_with suffix instr strpos position replace regexp_matches regexp_full_match
    regexp_extract regexp_replace split_part concat concat_ws levenshtein jaccard jaro_winkler_similarity
    list_contains array_contains list_has array_has list_value list_has_any list_has_all array_length
    array_extract list_extract struct_extract map_extract cardinality
    year month day date_part date_trunc typeof hash
"""  # the first line: operators, LIKE, ILIKE, GLOB
FUNCTIONS = frozenset(FUNCTION_NAMES.split())
LONGEST_TEXT = 10_000  # characters; a message repeats them
LOCKED = {"threads": 1, "enable_external_access": "false", "autoinstall_known_extensions": "false"}
PLACES = {"query_location", "query_location_length", "location"}


class ConditionError(UserError):
    """A condition that no shard of this kind can answer: the user's mistake, and not the shard's."""


@dataclass(frozen=True)
class Condition:
    text: str
    columns: tuple[str, ...]  # as it names them


def parse_condition(text: str) -> Condition:
    """The condition, if it is one expression over columns.

    Raises:
        ConditionError: it does not parse, or does more than look at a row.
    """
    if not text.strip():
        raise ConditionError("--where is empty: give one condition, as \"width >= 200 AND language = 'en'\"")
    if len(text) > LONGEST_TEXT:
        raise ConditionError(f"--where has {len(text):,} characters, and at most {LONGEST_TEXT:,} are read")
    tree, plain = (_statement(f"SELECT {sql}\n") for sql in (text, "1"))
    if isinstance(tree, str):
        raise ConditionError(f"--where {text}: {tree}")
    chosen, rest = tree
    if len(chosen) != 1 or rest != plain[1] or chosen[0].get("alias"):
        raise ConditionError(f"--where {text}: give one condition, as \"width >= 200 AND language = 'en'\"")
    columns: dict[str, None] = {}
    _check(chosen[0], text, columns)
    if not columns:
        raise ConditionError(f"--where {text} names no column of the pool")
    return Condition(text, tuple(columns))


def _statement(sql: str) -> tuple[list[dict], dict] | str:
    """What is selected, and all else of the only statement; or why there is none."""
    with duckdb.connect(config=LOCKED) as connection:
        found = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()[0])
    if found["error"] and "Only SELECT" in found.get("error_message", ""):
        return "it is more than one expression"
    if found["error"]:
        return str(found.get("error_message", "it is no expression"))
    if len(found["statements"]) != 1:
        return "it is more than one statement"
    node = _without_places(found["statements"][0]["node"])
    return node.pop("select_list", []), node


def _without_places(node):
    if isinstance(node, dict):
        return {name: _without_places(value) for name, value in node.items() if name not in PLACES}
    return [_without_places(value) for value in node] if isinstance(node, list) else node


def _check(node, text: str, columns: dict[str, None]) -> None:
    if isinstance(node, list):
        for child in node:
            _check(child, text, columns)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind is not None and kind not in KNOWN:
        raise ConditionError(
            f"--where {text}: {WHAT.get(kind, kind.lower())} is not allowed, only a row's own columns are"
        )
    if kind == "COLUMN_REF":
        if len(node["column_names"]) != 1:
            name = ".".join(node["column_names"])
            raise ConditionError(f'--where {text}: name a column alone; one with a dot in quotes, as "{name}"')
        columns[node["column_names"][0]] = None
    if kind == "FUNCTION":
        _check_function(node, text)
    for child in node.values():
        _check(child, text, columns)


def _check_function(node: dict, text: str) -> None:
    name = node["function_name"].lower()
    is_plain = not (node.get("catalog") or node.get("filter") or node.get("distinct"))
    is_plain = is_plain and node.get("schema") in (None, "", "main") and not (node.get("order_bys") or {}).get("orders")
    if name not in FUNCTIONS or not is_plain:
        raise ConditionError(
            f"--where {text}: the function {name} is not allowed, only those that look at a row's values"
        )


class Judge:
    """Evaluates a condition on rows of one shard or pool."""

    def __init__(self, condition: Condition, where: str):
        self.condition, self._where = condition, where
        self._connection = duckdb.connect(config=LOCKED)
        self._connection.execute("SET lock_configuration = true")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def check_types(self, values: dict[str, pa.Array]) -> None:
        """Refuse a condition that cannot be evaluated on columns of these types.

        Raises:
            ConditionError: with DuckDB's reason.
        """
        nulls = {name: pa.nulls(1, column.type) for name, column in values.items()}
        try:  # on a row of nulls: bad constants (a pattern, a number) are refused before a shard is read
            found = self._evaluated(nulls)
            kind = str(found.types[0])
            found.fetchall()
        except duckdb.Error as error:
            raise ConditionError(f"{self._refusal(error)}") from error
        if kind not in ("BOOLEAN", '"NULL"'):
            raise ConditionError(
                f"--where {self.condition.text}: is {kind} and no condition: compare it with something"
            )

    def holds(self, values: dict[str, pa.Array]) -> np.ndarray:
        """Whether the condition holds in each row: bool (n,); where it is NULL it does not.

        Args:
            values: the columns that the condition names, as `comparable` or `typed` gives them.

        Raises:
            UserError: a value that it cannot be evaluated on, as in a cast.
        """
        try:
            found = self._evaluated(values).fetchnumpy()["holds"]
        except duckdb.Error as error:
            raise UserError(self._refusal(error)) from error
        return np.ma.filled(found, False).astype(bool)

    def _evaluated(self, values: dict[str, pa.Array]) -> duckdb.DuckDBPyRelation:
        self._connection.register("pool", pa.table(values))
        return self._connection.sql(f"SELECT (\n{self.condition.text}\n) AS holds FROM pool")

    def _refusal(self, error: Exception) -> str:
        reason = " ".join(str(error).partition("LINE ")[0].split())[:300]
        return f"{self._where}: --where {self.condition.text} cannot be evaluated: {reason}"


def own_names(condition: Condition, names: list[str], where: str) -> dict[str, str]:
    """The condition's name of each column -> the pool's, in any case.

    Raises:
        ConditionError: the pool has no such column.
    """
    found = {}
    for name in condition.columns:
        alike = [own for own in names if own.lower() == name.lower()]
        if not alike:
            raise ConditionError(f"{where} has no column {name!r} (--where); it has {shown_names(names)}")
        if len(alike) > 1:  # SQL does not tell them apart
            raise ConditionError(f"{where} has the columns {shown_names(alike)}, which --where cannot tell apart")
        found[name] = alike[0]
    return found
