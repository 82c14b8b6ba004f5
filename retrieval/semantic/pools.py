"""Pools, opened: the indices (or the stored embeddings), the metadata of their rows, and the checks that they fit."""

import json
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from retrieval.cli import UserError
from retrieval.clip_names import check_model_name
from retrieval.embeddings import NAMES, EmbeddingFiles, open_embeddings, source_name
from retrieval.index_folder import SOURCES, lists_are_beside
from retrieval.semantic.knn_search import check_ids, search
from retrieval.semantic.near_duplicates import without_near_duplicates
from retrieval.semantic.plan import DEDUP_THRESHOLD, PoolFiles, SearchSettings
from retrieval.semantic.pool_metadata import Metadata, open_metadata


@dataclass(frozen=True)
class Pool:
    """One pool, opened."""

    files: PoolFiles
    indices: dict[str, faiss.Index | EmbeddingFiles]  # source -> what is searched; with --exact the embeddings
    embeddings: dict[str, EmbeddingFiles]  # source -> what its hits are scored by again (--rerank)
    metadata: Metadata

    def described(self) -> str:
        searched = " and ".join(searched_name(self.files, source) for source in self.indices)
        return f"{self.files.entry.name} ({self.metadata.rows:,} rows: {searched})"


def open_pool(files: PoolFiles, settings: SearchSettings) -> Pool:
    """Open a pool and check that its parts fit to each other and to the model. The model's weights are not needed.

    Raises:
        UserError: names what does not fit, and the way out.
    """
    folder = files.entry.folder
    metadata = open_metadata(folder, settings.allow_untagged, settings.where, settings.columns)
    if files.exact_folder:
        indices = {source: open_embeddings(paths) for source, paths in files.searched.items()}
    else:
        indices = {source: open_index(path, files.entry.memory_mapping) for source, (path,) in files.searched.items()}
    embeddings = {source: open_embeddings(paths) for source, paths in files.reranked.items()}
    for source, vectors in [*indices.items(), *embeddings.items()]:
        if vectors.ntotal != metadata.rows:
            raise UserError(
                f"{folder}: {searched_name(files, source)} holds {vectors.ntotal:,} vectors and the metadata "
                f"{metadata.rows:,} rows: row i of one must be row i of the other; assemble the folder again"
            )
    for stored in [*(indices.values() if files.exact_folder else ()), *embeddings.values()]:
        check_file_order(stored, folder, metadata)
    for source, stored in embeddings.items():
        if stored.d != indices[source].d:
            raise UserError(
                f"--rerank: {files.reranked[source][0]} has {stored.d} dimensions, the index {indices[source].d}"
            )
    if not files.exact_folder:
        for source, index in indices.items():
            set_parameters(index, settings, f"{SOURCES[source]} of {folder}")
            check_own_ids(index, metadata.rows)
            check_vectors_come_back(index, files.searched[source][0])
    check_widths(files, indices)
    return Pool(files, indices, embeddings, metadata)


def check_file_order(stored: EmbeddingFiles, folder: Path, metadata: Metadata) -> None:
    """Refuse embedding files in another order than the folder's metadata: rows would have others' captions.

    assemble_index_folder.py keeps the names of the metadata (metadata.json), and compute_text_embeddings.py those of
    what was embedded. Where these are not there, equal numbers of rows in another order tell it.

    Raises:
        UserError: names an embedding file, and the metadata file that has its place.
    """
    rows, served = list(map(len, stored.arrays)), metadata.rows_of_files()
    if len(rows) != len(served):
        return
    try:
        sources = json.loads((folder / "metadata.json").read_text(encoding="utf-8")).get("sources")
    except (OSError, ValueError, AttributeError):
        sources = None
    names = sources if isinstance(sources, list) and len(sources) == len(served) else [None] * len(served)
    other_rows = sorted(rows) == sorted(served)
    for number, (file, name) in enumerate(zip(stored.files, names, strict=True)):
        source = source_name(file)
        if (name and source and source != name) or (other_rows and rows[number] != served[number]):
            raise UserError(
                f"{file} has the {rows[number]:,} rows of {source or 'another file'}, and in {folder} the metadata of "
                f"{name or metadata.files[number].name} ({served[number]:,} rows) is in its place: assemble the folder "
                "again with these embeddings"
            )


def open_index(path: Path, memory_mapping: bool) -> faiss.Index:
    """Open an index as clip-retrieval does: lists merged on disk stay there, others where the entry says so.

    Raises:
        UserError: faiss cannot read the file, or its vectors are not compared by inner product.
    """
    flags = 0
    if lists_are_beside(path):  # without READ_ONLY, faiss opens the lists for writing
        flags = faiss.IO_FLAG_ONDISK_SAME_DIR | faiss.IO_FLAG_READ_ONLY
    elif memory_mapping:
        flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
    try:
        index = faiss.read_index(str(path), flags)
    except RuntimeError as error:
        raise UserError(f"{path} cannot be read as a faiss index ({str(error).splitlines()[0]})") from error
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise UserError(f"{path} compares by L2 distance, CLIP by inner product: build it again with metric_type ip")
    return index


def set_parameters(index: faiss.Index, settings: SearchSettings, name: str) -> None:
    """Set --nprobe and --ef-search, where they are given.

    Raises:
        UserError: the index (called `name`) is of a kind that has no such parameter.
    """
    parameters = {"nprobe": ("--nprobe", settings.nprobe), "efSearch": ("--ef-search", settings.ef_search)}
    for parameter, (flag, value) in parameters.items():
        if value is not None:
            try:
                faiss.ParameterSpace().set_index_parameter(index, parameter, value)
            except RuntimeError as error:
                raise UserError(f"{flag}: {name} has no such setting") from error


def check_own_ids(index: faiss.Index, rows: int) -> None:
    """Refuse an index with a list of ids of its own (IDMap) that are no rows. An inverted file's are seen at its hits.

    Raises:
        UserError: names such an id.
    """
    if isinstance(index, faiss.IndexIDMap):
        check_ids(faiss.vector_to_array(index.id_map), rows)


def check_vectors_come_back(index: faiss.Index, path: Path) -> None:
    """Search an index once. Some kinds (fast-scan) find neighbours but cannot give their vectors back.

    Raises:
        UserError: with faiss's reason.
    """
    query = np.full((1, index.d), index.d**-0.5)
    try:
        without_near_duplicates(index, search(index, query, 2), DEDUP_THRESHOLD)
    except RuntimeError as error:
        raise UserError(
            f"{path} is an index whose vectors cannot be had back, so near-duplicates cannot be told "
            f"({str(error).rsplit(':', 1)[-1].strip()}): build it without fast-scan (x4fs)"
        ) from error


def check_widths(files: PoolFiles, indices: dict[str, faiss.Index | EmbeddingFiles]) -> None:
    """Compare the vectors' width with the model's, which its configuration tells.

    Raises:
        UserError: names the model, the index and both widths.
    """
    model = check_model_name(files.model)
    for source, index in indices.items():
        if index.d != model.width:
            raise UserError(
                f"{model.name} embeds in {model.width} dimensions and {searched_name(files, source)} of "
                f"{files.entry.folder} has {index.d}: name the model that embedded the pool with --model"
            )


def searched_name(files: PoolFiles, source: str) -> str:
    """What is searched for a source, as the user knows it."""
    return f"{NAMES[source]} in {files.exact_folder}" if files.exact_folder else SOURCES[source]
