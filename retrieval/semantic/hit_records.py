"""Writing a class's hit file: its summary and its encoded records."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retrieval.arrow_values import texts
from retrieval.files import complete_file
from retrieval.index_folder import SOURCES
from retrieval.pool_values import record_values
from retrieval.record_columns import encode_columns, safety_tags
from retrieval.semantic.plan import ClassPlan
from retrieval.semantic.pools import Pool
from retrieval.semantic.selection import Selection


def write_class(plan: ClassPlan, pools: list[Pool], selections: list[Selection]) -> dict:
    """Write what a class selects from each pool.

    Returns:
        dict: the summary, the file's first line. class, the counts, score_mean and score_quartiles (null without a
        record), new_by_prompt (for each prompt the number of rows that no earlier prompt had found).
    """
    summary = summarise(plan, selections)
    with complete_file(plan.hits_file) as beside, open(beside, "wb") as file:
        file.write((json.dumps(summary, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
        for pool, selection in zip(pools, selections, strict=True):
            columns = record_columns(plan, pool, selection)
            if len(pools) > 1:
                columns["INDEX_NAME"] = pool.files.entry.name
            file.write(encode_columns(columns))
    return summary


def summarise(plan: ClassPlan, selections: list[Selection]) -> dict:
    counts = {name: sum(each.counts[name] for each in selections) for name in selections[0].counts}
    summary = {"class": plan.name, **counts, "score_mean": None, "score_quartiles": None}
    scores = np.concatenate([each.hits.scores for each in selections]).astype(float)
    if len(scores):
        summary["score_mean"] = round(float(scores.mean()), 4)
        summary["score_quartiles"] = np.quantile(scores, (0.25, 0.5, 0.75)).round(4).tolist()
    first_found_by = np.concatenate([each.hits.prompts for each in selections])
    summary["new_by_prompt"] = np.bincount(first_found_by, minlength=len(plan.queries)).tolist()
    return summary


def record_columns(plan: ClassPlan, pool: Pool, selection: Selection) -> dict:
    """The records' fields: pyarrow arrays, or one value where all records have the same."""
    hits, rows = selection.hits, selection.rows
    names = {ours: theirs for ours, theirs in pool.metadata.columns.items() if ours != "ROW"}
    columns = {ours: record_values(ours, rows[theirs].combine_chunks()) for ours, theirs in names.items()}
    return columns | {
        "NSFW": safety_tags(rows, names, pool.metadata.name),
        "QUERY": plan.name,
        "SOURCE": pa.array(SOURCES).take(pa.array(hits.sources)),
        "MATCHED": texts(plan.queries).take(pa.array(hits.prompts)),  # a seed's file name need not be UTF-8
        "SCORE": pa.array(hits.scores),
        "RANK": pa.array(hits.ranks),
        "ROW": row_names(pool, selection),
    }


def row_names(pool: Pool, selection: Selection) -> pa.Array:
    """Where each row is: in a shard (a pool without an index knows it), or in the index."""
    if "ROW" in pool.metadata.columns:
        return selection.rows["ROW"].combine_chunks()
    ids = pa.array(selection.hits.ids).cast(pa.string())
    return pc.binary_join_element_wise(f"{pool.files.entry.name}:", ids, "")
