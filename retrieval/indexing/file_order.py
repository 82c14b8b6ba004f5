"""Which metadata file each embedding file was made from: the order of the metadata comes from names, not from luck.

compute_text_embeddings.py and compute_image_embeddings.py leave a sidecar beside each embedding file. Where there is
none (LAION's own files, clip-retrieval's), the numbers in the names tell it, and else both are taken in numeric order.
tests/test_assemble_index_folder.py has DataComp's names, whose last digits sort differently from the names.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

from retrieval.cli import UserError
from retrieval.embeddings import EmbeddingFiles, name_key, source_name, unpadded
from retrieval.indexing.served_metadata import MetadataPlan


def in_embeddings_order(metadata: MetadataPlan, embeddings: EmbeddingFiles, flag: str) -> MetadataPlan:
    """The metadata in the order of the embedding files: by their sidecars, else by names, else both in numeric order.

    Raises:
        UserError: a sidecar names a file that the metadata lacks, metadata that has no embeddings, or pairs of files
            with different numbers of rows; names both.
    """
    sources = [made_from(file) for file in embeddings.files]
    if None not in sources and len(set(sources)) == len(sources):
        files = named_files(metadata, embeddings.files, sources, flag)
    else:
        files = paired_by_name(embeddings.files, metadata.files)
        check_partly_known(files or list(metadata.files), embeddings.files, sources, flag)
    if files:
        rows = dict(zip(metadata.files, metadata.counts, strict=True))
        metadata = replace(metadata, files=tuple(files), counts=tuple(rows[file] for file in files))
    check_counts(metadata, embeddings, flag)
    return metadata


def made_from(file: Path) -> str | None:
    """The name of the metadata file that an embedding file was made from, as its sidecar says; None without one.

    Image embeddings are written with metadata of their own, under the same number or name.
    """
    name = source_name(file)
    if name is not None and name.endswith(".parquet") and not file.name.startswith("img"):
        return Path(name).name
    try:
        sidecar = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(sidecar, dict) and {"fingerprint", "asked"} <= sidecar.keys()
    return f"metadata_{name_key(file)}.parquet" if ours else None


def named_files(metadata: MetadataPlan, files: tuple[Path, ...], sources: list[str], flag: str) -> list[Path]:
    by_name = {path.name: path for path in metadata.files}
    folder = metadata.files[0].parent
    for file, source in zip(files, sources, strict=True):
        if source not in by_name:
            raise UserError(f"{flag}: {file.name} was made from {source}, which --metadata {folder} does not hold")
    if without := [name for name in by_name if name not in sources]:
        raise UserError(
            f"--metadata {folder} holds {without[0]}, of which {flag} {files[0].parent} has no embeddings: embed it "
            "and build the index again, or take it out"
        )
    return [by_name[source] for source in sources]


def paired_by_name(files: tuple[Path, ...], metadata: tuple[Path, ...]) -> list[Path] | None:
    """The metadata file of each embedding file, told by their names; None where names do not tell all of them.

    text_embed_0007.npy belongs to metadata_7.parquet, to 0007.parquet, or to any other name that ends with this number
    or word.
    """
    by_end: dict[str, set[Path]] = {}
    for path in metadata:
        for end in (path.stem, path.stem.rpartition("_")[2], *re.findall(r"\d+$", path.stem)):
            by_end.setdefault(unpadded(end), set()).add(path)
    found = [by_end.get(unpadded(name_key(file)), set()) for file in files]
    if any(len(paths) != 1 for paths in found):
        return None
    paired = [next(iter(paths)) for paths in found]
    return paired if len(set(paired)) == len(paired) == len(metadata) else None


def check_partly_known(paired: list[Path], files: tuple[Path, ...], sources: list[str | None], flag: str) -> None:
    """Sidecars of some files only must not contradict the order in which the files are taken."""
    if len(paired) != len(files):
        return
    for path, file, source in zip(paired, files, sources, strict=True):
        if source is not None and source != path.name:
            raise UserError(
                f"{flag}: {file.name} was made from {source}, and in the order of the names it would belong to "
                f"{path.name}: some files of {file.parent} have no sidecar (.json) that says so; compute them again"
            )


def check_counts(metadata: MetadataPlan, embeddings: EmbeddingFiles, flag: str) -> None:
    """Equal numbers of rows, in all and in each pair of files."""
    if len(embeddings.files) == len(metadata.files):
        counts = map(len, embeddings.arrays)
        for ours, rows, theirs, count in zip(embeddings.files, counts, metadata.files, metadata.counts, strict=True):
            if rows != count:
                raise UserError(f"{flag}: {ours.name} has {rows:,} rows, and {theirs.name} has {count:,}")
    if embeddings.ntotal != metadata.rows:
        raise UserError(f"{flag} has {embeddings.ntotal:,} rows, and --metadata has {metadata.rows:,}")
