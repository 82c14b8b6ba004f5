"""What a run of the semantic filter will do: how it searches, in which pools, for which classes.

The script decides all of it before anything large is opened. Standard library only.
"""

from dataclasses import dataclass
from pathlib import Path

from retrieval.columns import NOTHING_SAID, ColumnChoice
from retrieval.index_folder import IndexEntry

DEDUP_THRESHOLD = 0.94  # clip-retrieval's: clip_back.py, get_non_uniques


@dataclass(frozen=True)
class SearchSettings:
    """How each prompt is searched, and how its hits are filtered."""

    results_per_query: int  # hits per prompt and index
    dedup_threshold: float  # cosine
    nprobe: int | None  # None: the index's own
    ef_search: int | None
    allow_untagged: bool
    where: str | None = None  # a condition on the pool's own columns (row_condition.py)
    columns: ColumnChoice = NOTHING_SAID


@dataclass(frozen=True)
class PoolFiles:
    """One pool: an entry of indicies.json, the model that embedded it, and the files to search."""

    entry: IndexEntry
    model: str
    searched: dict[str, list[Path]]  # source -> its index (one file), or with --exact its embedding files
    reranked: dict[str, list[Path]]  # source -> the embedding files to score its hits by (--rerank)
    exact_folder: str | None  # of --exact

    def all_searched(self) -> list[Path]:
        return [path for files in (*self.searched.values(), *self.reranked.values()) for path in files]


@dataclass(frozen=True)
class ClassPlan:
    """One class: what is asked for it, and where its result is kept."""

    name: str
    prompts: list[str]
    seeds: list[Path]  # images, asked beside the prompts
    hits_file: Path  # exists when the class is done

    @property
    def queries(self) -> list[str]:
        """What the records name as MATCHED: the prompts, then the seed images' file names."""
        return self.prompts + [seed.name for seed in self.seeds]
