"""The work of a run with --index-info-path: the classes without a hit file are searched.

What computes is imported only where there is something to do: a run that is complete says so in milliseconds.
"""

from retrieval.cli import progress, say
from retrieval.semantic.plan import ClassPlan, PoolFiles
from retrieval.semantic.run_settings import search_settings


def search_pending(args, classes: list[ClassPlan], pools: list[PoolFiles]) -> None:
    """Search the classes that have no hit file yet.

    The pools come first: what does not fit is refused in a second, while torch and open_clip take several to import.
    """
    pending = [each for each in classes if not each.hits_file.exists()]
    if not pending:
        return
    from retrieval.semantic.pool_metadata import give_ids_one_type
    from retrieval.semantic.pools import open_pool

    settings = search_settings(args)
    opened = [open_pool(pool, settings) for pool in pools]
    give_ids_one_type([pool.metadata for pool in opened])
    if any(each.seeds for each in pending):
        from retrieval.semantic.seed_images import check_seed_images

        check_seed_images(pending)

    from retrieval.clip_model import load_clip
    from retrieval.semantic.block_search import search_classes
    from retrieval.semantic.caption_check import caption_warning

    encoders = {name: load_clip(name, args.device) for name in {pool.model for pool in pools}}
    say(
        f"{len(classes):,} classes, {len(classes) - len(pending):,} done before; "
        f"searching {', '.join(pool.described() for pool in opened)}"
    )
    for pool in opened:
        if warning := caption_warning(pool, encoders[pool.files.model]):
            say(warning)
    with progress(len(pending), "classes", "searching") as more:
        for line in search_classes(pending, opened, encoders, settings, args.batch_size):
            say(line)
            more()
