"""What a run of the semantic filter will do: how it searches, in which pools, for which classes.

The script decides all of it before anything large is opened. Standard library only.
"""

from dataclasses import dataclass
from pathlib import Path

from retrieval.clip_names import ModelSource
from retrieval.columns import NOTHING_SAID, ColumnChoice
from retrieval.index_folder import IndexEntry
from retrieval_templates import Template

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
    min_score: float | None = None


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
class QueryStyle:
    """How a class's prompts become queries."""

    ensemble: bool = False  # one query per class, the mean of its prompts
    negative: str | None = None  # a prompt, perhaps with {}, that every query is moved away from
    negative_weight: float = 0.0


@dataclass(frozen=True)
class Asked:
    """What is looked for."""

    template: Template
    names: dict[str, tuple[str, ...]]  # class -> the names in its prompts
    seeds: dict[str, list[Path]]  # class -> images, asked beside the prompts
    sources: list[str]  # where: text_index, image_index
    style: QueryStyle


@dataclass(frozen=True)
class ClassPlan:
    """One class: what is asked for it, and where its result is kept."""

    name: str
    prompts: list[str]  # the first prompt with each name, then the second, ...
    seeds: list[Path]  # images, asked beside the prompts
    hits_file: Path | None = None  # exists when the class is done; None until the inputs are known
    style: QueryStyle = QueryStyle()
    names: int = 1  # in the prompts: their embeddings are averaged, prompt by prompt

    @property
    def queries(self) -> list[str]:
        """What the records name as MATCHED: the prompts (or their mean), then the seed images' file names."""
        asked = self.prompts[:: self.names]
        if self.style.ensemble and len(self.prompts) > 1:
            asked = [f"{self.name} (mean of {len(self.prompts)} prompts)"]
        elif self.names > 1:
            asked = [f"{prompt} (mean of {self.names} names)" for prompt in asked]
        return asked + [seed.name for seed in self.seeds]

    @property
    def negative(self) -> str | None:
        return self.style.negative and self.style.negative.replace("{}", self.name)


@dataclass(frozen=True)
class ModelUse:
    """A model and how it is loaded, where it is needed at all."""

    source: ModelSource
    device: str | None
    precision: str  # of captions that are embedded now; prompts are embedded in fp32
    batch_size: int
