"""The settings of a run: what its manifest says of them, and what the search needs of them. Standard library only."""

from retrieval.clip_names import DEFAULT_MODEL, check_model_name
from retrieval.columns import column_choice
from retrieval.semantic.plan import Asked, ModelUse, SearchSettings

HITS_VERSION = 6  # raise it when the same inputs and settings give other records
EXACT_VERSION = 7  # the same, of --exact and --pool
OTHER_SETTINGS = ("where", "url_column", "caption_column", "columns", "text_features", "image_features")


def run_settings(args, asked: Asked, models: dict[str, str]) -> dict:
    """The manifest's settings: everything that decides the records, except the files themselves.

    Args:
        models: name of a pool -> the model that embedded it.
    """
    settings = {
        "version": EXACT_VERSION if args.exact or args.pool else HITS_VERSION,
        "template": asked.template.name,
        "classes": list(asked.template.classes),
        "prompts": list(asked.template.templates),
        "results_per_query": args.results_per_query,
        "dedup_threshold": args.dedup_threshold,
        "pools": list(models),
        "sources": asked.sources,
        "models": models,
        "nprobe": args.nprobe,
        "ef_search": args.ef_search,
        "exact": bool(args.exact),
        "seed_images": bool(args.seed_images),
        "rerank": bool(args.rerank),
        "allow_untagged": args.allow_untagged,
    }
    # Only where they are used, so that folders of earlier versions go on.
    more = {"prompt_ensemble": args.prompt_ensemble, "min_score": args.min_score, "negative": args.negative}
    more |= {flag: getattr(args, flag) for flag in OTHER_SETTINGS}
    more |= {"negative_weight": args.negative_weight if args.negative else None}
    if args.prompt_names != "own":
        more |= {"prompt_names": args.prompt_names, "names": {name: list(names) for name, names in asked.names.items()}}
    return settings | {name: value for name, value in more.items() if value not in (None, False, "")}


def search_settings(args) -> SearchSettings:
    return SearchSettings(
        args.results_per_query,
        args.dedup_threshold,
        args.nprobe,
        args.ef_search,
        args.allow_untagged,
        args.where,
        column_choice(args),
        args.min_score,
    )


def model_of_pool(args) -> ModelUse:
    """--pool: the model of the prompts, and of captions that are embedded now. Its weights are loaded later."""
    return ModelUse(check_model_name(args.model or DEFAULT_MODEL), args.device, args.precision, args.batch_size)
