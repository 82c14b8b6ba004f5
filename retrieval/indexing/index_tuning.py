"""How much of an index one query looks at: the least that finds nearly all that can be found in about 10 ms.

autofaiss sets the most that takes 10 ms on its machine, so its index differs from run to run. Here the limit is work
instead of time, so the same rows give the same index anywhere.
"""

import faiss

from retrieval.embeddings import EmbeddingFiles
from retrieval.indexing.index_keys import parts_of
from retrieval.indexing.recall import ExactAnswers, recall_of

MOST_WORK = 16_000_000  # multiplications or table look-ups per query: about 10 ms on one core
NEARLY = 0.995  # of the recall that the most work gives
UNTUNED_NPROBE = 64  # what autofaiss sets for OPQ,IVF,PQ before it tunes
LEAST_EF, MOST_EF = 16, 4_096  # rows that a search of a graph keeps in mind


def tune(index: faiss.Index, key: str, embeddings: EmbeddingFiles, exact: ExactAnswers | None) -> str:
    """Set the index's own search parameters; gives them as faiss writes them: "nprobe=16", "efSearch=64" or "".

    Args:
        exact: None: recall is not measured, so nothing is tuned.
    """
    efforts = possible_efforts(key, embeddings.ntotal, embeddings.d)
    if not efforts:
        return ""
    if exact is None:
        untuned = [effort for effort in efforts if effort <= UNTUNED_NPROBE]
        return set_effort(index, key, untuned[-1])
    set_effort(index, key, efforts[-1])
    enough = NEARLY * recall_of(index, embeddings, exact)
    for effort in efforts[:-1]:
        parameters = set_effort(index, key, effort)
        if recall_of(index, embeddings, exact) >= enough:
            return parameters
    return set_effort(index, key, efforts[-1])


def possible_efforts(key: str, rows: int, width: int) -> list[int]:
    """Powers of two that may be tried, ascending: lists to probe, or efSearch of a graph; none for exact search."""
    parts = parts_of(key)
    if "lists" in parts:
        work_per_list = max(1.0, rows / parts["lists"] * parts.get("pq", width))
        least, most = 1, min(parts["lists"], MOST_WORK / work_per_list)
    elif "hnsw" in parts:
        least, most = LEAST_EF, min(MOST_EF, MOST_WORK / (2 * parts["hnsw"] * width))
    else:
        return []
    efforts = [least]
    while efforts[-1] * 2 <= most:
        efforts.append(efforts[-1] * 2)
    return efforts


def set_effort(index: faiss.Index, key: str, effort: int) -> str:
    parts = parts_of(key)
    if "lists" not in parts:
        parameters = f"efSearch={effort}"
    elif "hnsw" in parts:
        parameters = f"nprobe={effort},efSearch={2 * effort}"
    else:
        parameters = f"nprobe={effort}"
    faiss.ParameterSpace().set_index_parameters(index, parameters)
    return parameters
