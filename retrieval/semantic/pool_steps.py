"""The steps of a run with --pool: its shards are planned, those without a unit searched, then classes are selected.

What computes is imported only where there is something to do: a run that is complete says so in a second.
"""

from pathlib import Path

from retrieval.cli import progress, say
from retrieval.columns import column_choice
from retrieval.semantic.plan import ClassPlan, ModelUse
from retrieval.semantic.pool_units import Unit
from retrieval.semantic.run_settings import search_settings
from retrieval.shard_paths import kept_listing


def plan_shards(args, sources: list[str], model: ModelUse):
    """The shards of --pool (pool_plan.PoolPlan), and what of them is searched, which is said."""
    from retrieval.semantic.feature_plan import FeatureWishes
    from retrieval.semantic.pool_plan import plan_pool

    keys = {"text_index": args.text_features, "image_index": args.image_features}
    folder = Path(args.features) if args.features else None
    wishes = FeatureWishes(model.source, tuple(sources), keys, folder, {}, args.allow_untagged, column_choice(args))
    listing = kept_listing(args.pool, args.output_dir, "--output-dir", args.overwrite)
    return plan_pool(args.pool, wishes, args.where, listing)


def search_missing(plan, units: list[Unit], classes: list[ClassPlan], k: int, model: ModelUse) -> None:
    """Search the shards of these units that have not been searched: the k best rows of each query."""
    if all(unit.is_done for unit in units):
        return
    from retrieval.semantic.pool_run import search_units

    search_units(plan, units, classes, k, model)


def select_pending(args, classes: list[ClassPlan], units: list[Unit], sources: list[str], width: int) -> None:
    """Select the classes that have no hit file yet from all units.

    Args:
        width: of the features.
    """
    pending = [each for each in classes if not each.hits_file.exists()]
    if not pending:
        return
    from retrieval.semantic.pool_merge import open_units, select_classes

    settings = search_settings(args)
    pool = open_units(units, sources, width, has_condition=settings.where is not None)
    with progress(len(pending), "classes", "selecting") as more:
        for line in select_classes(pending, classes, units, pool, settings):
            say(line)
            more()
