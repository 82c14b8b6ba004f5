"""What a folder of embeddings holds of other inputs: rows that a run would replace, and files that would stay.

Both helpers that embed number their files. So two inputs in one folder have files of the same names, and an index of
the folder would hold rows of both.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from retrieval.cli import say
from retrieval.embeddings import numeric_order
from retrieval.remote_address import RemoteFile


def made_from(source: Path | RemoteFile, column: str | None, model: str) -> dict[str, str | None]:
    """What a state file says of where embeddings come from.

    Args:
        source: the shard, the tar or the ImageFolder.
        column: of a shard; None where there is none.
    """
    place = str(source) if isinstance(source, RemoteFile) else os.path.abspath(source)
    return {"input": os.fsencode(place).decode("utf-8", "replace"), "column": column, "model": model}


def say_replaced(states: Iterable[tuple[dict, dict]], folder: Path) -> None:
    """Name an input, a column or a model whose embeddings this run replaces. A changed input may be embedded again.

    Args:
        states: for each file that is to be written, what its state file says ({} where there is none), and what this
            run will write there.
    """
    for held, ours in states:
        for name, value in ours.items():
            if name in held and held[name] != value:
                say(f"warning: {folder} held the embeddings of {name} {held[name]}, which are replaced by those of "
                    f"{name} {value}: give each input, column and model folders of their own")  # fmt: skip
                return


def say_strays(pattern: str, ours: Iterable[str], folder: Path) -> None:
    """Say which embeddings in the folder are of no input of this run.

    Args:
        pattern: of the embeddings' names.
        ours: the names that this run's inputs have.
    """
    there = {path.name for path in folder.glob(pattern)} - set(ours)
    if there:
        say(f"warning: {folder} holds {len(there):,} files that are of no input of this run "
            f"({min(there, key=lambda name: numeric_order(Path(name)))} …): an index of this folder would hold their "
            "rows too")  # fmt: skip
