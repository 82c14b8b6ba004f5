"""The index folders of a run, each with its model and the files that are searched. Standard library only."""

from pathlib import Path

from retrieval.cli import UserError
from retrieval.clip_names import check_model_name
from retrieval.index_folder import SOURCES, IndexEntry, index_paths, read_indices_file
from retrieval.semantic.command_line import INDEX_INFO
from retrieval.semantic.plan import PoolFiles


def plan_pools(args, sources: list[str]) -> list[PoolFiles]:
    """The pools to search, each with its model and its files."""
    entries = read_indices_file(index_info(args), args.index_name)
    if len(entries) > 1 and (args.exact or args.rerank):
        raise UserError("--exact and --rerank have one pool's embeddings: choose the pool with --index-name")
    return [
        PoolFiles(entry, model_name(args, entry), *files_to_search(args, entry, sources), args.exact)
        for entry in entries
    ]


def files_to_search(args, entry: IndexEntry, sources: list[str]) -> tuple[dict, dict]:
    """`searched` and `reranked` of a PoolFiles."""
    if not (args.exact or args.rerank):
        return index_files(entry, sources), {}
    from retrieval.embeddings import NAMES, embedding_paths

    if args.exact:
        return embedding_paths(args.exact, sources, "--exact"), {}
    searched = index_files(entry, sources)
    reranked = embedding_paths(args.rerank, list(searched), "--rerank")
    for source in searched:
        if source not in reranked:
            raise UserError(
                f"--rerank {args.rerank} has no {NAMES[source]} to score {SOURCES[source]}'s hits by: "
                f"add them, or leave that index out (--no-{source.replace('_', '-')})"
            )
    return searched, reranked


def index_files(entry: IndexEntry, sources: list[str]) -> dict[str, list[Path]]:
    return {source: [path] for source, path in index_paths(entry, sources).items()}


def model_name(args, entry: IndexEntry) -> str:
    """The model that embedded the pool. Its name is checked here, its weights are loaded later."""
    name = args.model or entry.clip_model
    if not name:
        raise UserError(
            f"{index_info(args)}: entry {entry.name!r} has no clip_model: add it, or give --model "
            "(ViT-L/14 for LAION's own embeddings)"
        )
    check_model_name(name)
    return name


def index_info(args) -> str:
    return args.index_info_path or INDEX_INFO
