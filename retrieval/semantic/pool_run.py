"""The work on a pool without an index: the units that are missing are searched, then classes are selected from all."""

from pathlib import Path

import numpy as np

from retrieval.cli import UNFORESEEN, UserError, is_full_disk, progress, say, say_always, unforeseen
from retrieval.clip_model import ClipModel, check_device, load_clip, weights_are_here
from retrieval.files import complete_file, free_bytes, settings_fingerprint
from retrieval.remote_address import ShardChanged
from retrieval.semantic.feature_plan import PoolShard
from retrieval.semantic.laid_proof import check_laid
from retrieval.semantic.plan import ClassPlan, ModelUse
from retrieval.semantic.pool_plan import PoolPlan, unit_settings
from retrieval.semantic.pool_search import Searcher, search_shard
from retrieval.semantic.pool_units import Unit, clear_remains, refuse
from retrieval.semantic.query_vectors import embed_classes
from retrieval.semantic.seed_images import check_seed_images
from retrieval.torch_threads import use_all_cores

HIT_BYTES = 8


def search_units(plan: PoolPlan, units: list[Unit], classes: list[ClassPlan], k: int, model: ModelUse) -> None:
    """Search the shards whose units are not there. A shard that turns out to be bad is named, and the others go on.

    Args:
        units: of this job, in order.
    """
    if any(each.seeds for each in classes):
        check_seed_images(classes)
    hits_folder = units[0].folder.parent
    clear_remains(units)
    shard_of = {str(each.shard.path): each for each in plan.shards}
    todo = [(shard_of[unit.shard], unit) for unit in units if not unit.is_done]
    queries = query_vectors(classes, model, hits_folder)
    say(f"{len(units):,} shards, {len(units) - len(todo):,} searched before; {len(queries):,} queries")
    check_space(todo, len(queries), k, hits_folder)
    prove_laid([each for each, _ in todo], model)
    embeds = any(features.kind == "captions" for each, _ in todo for features in each.features.values())
    embedder = load(model, model.precision) if embeds else None
    device = embedder.device if embedder else check_device(model.device)
    searcher = Searcher(queries, k, device, embedder, model.batch_size, plan.where)
    with progress(sum(each.shard.rows for each, _ in todo), "rows", "searching") as more:
        for each, unit in todo:
            try:
                say(unit_line(unit, search_shard(each, unit, searcher)))
            except (UserError, OSError, *UNFORESEEN) as error:
                if is_full_disk(error):
                    raise
                if isinstance(error, ShardChanged):
                    from retrieval.remote_shards import LISTING, forget  # imported before, where the shard was listed

                    forget(hits_folder.parent / LISTING, each.shard.path)
                reason = str(error) if isinstance(error, UserError) else unforeseen(error, "searched")
                refuse(unit, reason)
                say_always(f"left out, and the others are searched: {unit.shard}: {reason}")
            more(each.shard.rows)


def query_vectors(classes: list[ClassPlan], model: ModelUse, hits_folder: Path) -> np.ndarray:
    """float32 (queries of all classes, width). Kept in a file: the jobs of an array search for the very same."""
    path = hits_folder / f"queries.{settings_fingerprint(unit_settings(classes, 0, model))}.npy"
    if not path.exists():
        vectors = embed_classes(classes, load(model), model.batch_size)
        with complete_file(path) as beside, open(beside, "wb") as file:
            np.save(file, vectors)
    return np.load(path)


def load(model: ModelUse, precision: str = "fp32") -> ClipModel:
    use_all_cores()
    return load_clip(model.source.name, model.device, precision)


def check_space(todo: list[tuple[PoolShard, Unit]], queries: int, k: int, folder: Path) -> None:
    """Refuse a run whose hits alone do not fit on the disk: of many small shards they are larger than the features."""
    needed = sum(HIT_BYTES * queries * min(k, each.shard.rows) * len(each.features) for each, _ in todo)
    free = free_bytes(folder)
    if needed > free:
        raise UserError(
            f"{folder} has {free / 1e9:,.1f} GB left and the shards' best hits take {needed / 1e9:,.1f} GB: "
            "--prompt-ensemble asks one query per class, a smaller --results-per-query keeps fewer"
        )


def prove_laid(shards: list[PoolShard], model: ModelUse) -> None:
    """Where files are laid across shards, the captions of a sample must fit to their rows, if the model is here."""
    if not any(features.is_laid for each in shards for features in each.features.values()):
        return
    if weights_are_here(model.source.name):
        check_laid(shards, load(model))
    else:
        say(
            f"note: embedding files are laid across the shards by their numbers of rows alone: the weights of "
            f"{model.source.name} are not on this machine, so captions and rows are not compared"
        )


def unit_line(unit: Unit, counts: dict) -> str:
    line = f"{unit.shard}: {counts['rows']:,} rows"
    for name, what in (("normalised", "normalised"), ("unusable", "never found (zeros, NaN or infinite)")):
        for source, number in counts[name].items():
            line += f", {number:,} of {source.removesuffix('_index')} {what}" if number else ""
    return line
