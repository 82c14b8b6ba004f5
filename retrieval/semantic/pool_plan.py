"""The plan of a search without an index (--pool): the shards, their features, and one unit of work per shard."""

from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.cli import UserError, say, say_always
from retrieval.files import file_fingerprint, settings_fingerprint
from retrieval.remote_address import RemoteFile
from retrieval.semantic.feature_plan import FeatureWishes, PoolShard, described, plan_features
from retrieval.semantic.plan import ClassPlan, ModelUse
from retrieval.semantic.pool_units import Unit, plan_unit
from retrieval.shard_condition import ShardCondition
from retrieval.shard_paths import find_shards

NAMED = 12  # shards that are left out, named one by one


@dataclass(frozen=True)
class PoolPlan:
    paths: tuple[str, ...]  # of all shards, sorted
    shards: tuple[PoolShard, ...]  # that can be searched, in the order of their paths
    bad: dict[str, str]  # path of every other -> the reason, one sentence
    fingerprints: dict[str, dict]  # of all files, by path
    where: str | None  # a condition on the rows

    @property
    def embeds_captions(self) -> bool:
        return any(features.kind == "captions" for each in self.shards for features in each.features.values())

    @property
    def files(self) -> list[Path | RemoteFile]:
        """All files that are read, each once."""
        return list(dict.fromkeys(file for each in self.shards for file in each.files()))

    @property
    def lost(self) -> dict[str, list]:
        """Path of a shard with rows that cannot be read -> [how many, which is the first and why]."""
        return {str(each.shard.path): list(each.lost) for each in self.shards if each.lost[0]}

    def settings(self, model: ModelUse) -> dict:
        """The manifest's settings of a pool, beside those of every run."""
        embedding = {"precision": model.precision, "batch_size": model.batch_size}
        return {"pool": True} | (embedding if self.embeds_captions else {})

    def inputs(self, model: ModelUse) -> dict[str, dict]:
        """The manifest's inputs: all files that decide the records, and what is taken of each shard's features."""
        found = self.fingerprints | {str(path): file_fingerprint(path) for path in model.source.files}
        for each in self.shards:
            recipes = {source: features.recipe() for source, features in each.features.items()}
            path = str(each.shard.path)
            found[path] = found[path] | {"features": settings_fingerprint(recipes)}
        return found

    def units(self, classes: list[ClassPlan], k: int, model: ModelUse, hits_folder: Path) -> list[Unit]:
        """One unit per shard, in order."""
        decides = unit_settings(classes, k, model) | self.settings(model)
        decides |= {} if self.where is None else {"where": self.where}
        units = []
        for each in self.shards:
            features = [[source, features.recipe()] for source, features in each.features.items()]
            features.append(each.shard.columns)  # as the user may have named them
            if each.shard.layout and not each.shard.layout.has_names:
                features.append(each.shard.names)
            fingerprints = {str(file): self.fingerprints[str(file)] for file in each.files()}
            units.append(plan_unit(str(each.shard.path), fingerprints, features, decides, hits_folder))
        return units


def plan_pool(patterns: list[str], wishes: FeatureWishes, where: str | None, listing: Path | None) -> PoolPlan:
    """Open all shards and their features' headers; say what is searched.

    Args:
        where: a condition on the pool's own columns (row_condition.py).
        listing: a file in the output folder that keeps which files the addresses mean.

    Raises:
        UserError: none of the shards can be searched, or the first one cannot answer the condition.
    """
    paths = find_shards(patterns, "--pool", listing)
    remote = [path for path in paths if isinstance(path, RemoteFile)]
    if remote and not wishes.folder:
        from retrieval.remote_shards import find_beside  # imported before, where the shards were listed

        wishes = replace(wishes, remote_npz=find_beside(remote, ".npz", "--pool"))
    shards, bad = plan_features(paths, wishes)
    if not shards:
        more = f" (and {len(bad) - 1:,} other shards, which cannot be searched either)" if len(bad) > 1 else ""
        raise UserError(next(iter(bad.values())) + more)
    if where is not None:
        ShardCondition(shards[0].shard, where).check()
    for path in list(bad)[:NAMED]:
        say_always(f"left out, and the others are searched: {path}: {bad[path]}")
    for line in described(shards):
        say(line)
    fingerprints = {str(file): file_fingerprint(file) for each in shards for file in each.files()}
    return PoolPlan(tuple(map(str, paths)), tuple(shards), bad, fingerprints, where)


def unit_settings(classes: list[ClassPlan], k: int, model: ModelUse) -> dict:
    """What decides which rows of a shard are best, beside the shard and its features."""
    style = classes[0].style
    return {
        "queries": settings_fingerprint([[each.name, each.prompts] for each in classes]),
        **({"names": [each.names for each in classes]} if any(each.names > 1 for each in classes) else {}),
        "style": [style.ensemble, style.negative, style.negative_weight],
        "seeds": [[file_fingerprint(seed) for seed in each.seeds] for each in classes if each.seeds],
        "k": k,
        "model": [model.source.identity, [file_fingerprint(path) for path in model.source.files]],
        "prompts_together": model.batch_size,  # batch composition changes float rounding
    }
