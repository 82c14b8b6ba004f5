"""Opening the folders that clip-retrieval's back end serves: `indicies.json`, faiss indices, metadata as arrow files.

Row i of `text.index` and of `image.index` is row i of the metadata, the arrow files taken in the order of their names.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

from retrieval.cli import UserError
from retrieval.columns import map_columns
from retrieval.files import file_fingerprint

SOURCES = {"text_index": "text.index", "image_index": "image.index"}  # in the order in which they are asked
BUILDER = "knn_indices_helper/assemble_index_folder.py"


@dataclass(frozen=True)
class IndexEntry:
    """One entry of `indicies.json`: a pool. `folder` exists; what it holds is not opened yet."""

    name: str
    folder: Path
    clip_model: str | None
    memory_mapping: bool


@dataclass(frozen=True)
class Metadata:
    """The pool's rows, memory-mapped: opening them reads no column, whatever their number."""

    readers: tuple  # one pyarrow RecordBatchFileReader a file
    batches: tuple  # (reader's number, batch's number in its file), one a record batch
    starts: object  # int64 (batches + 1,): the first row of each batch, and the number of rows
    columns: dict[str, str]  # ours -> the pool's own, as retrieval.columns.map_columns finds them

    @property
    def rows(self) -> int:
        return int(self.starts[-1])

    def fetch(self, ids, names: list[str]):
        """Rows `ids` (int64, sorted, each once) as a pyarrow Table of the pool's columns `names`.

        Each record batch is visited once, front to back, and only the rows asked for are copied. (Table.take would
        first join a column's chunks, which at two billion rows is the whole column.)
        """
        import numpy as np
        import pyarrow as pa

        if len(ids) == 0:
            return self.readers[0].schema.empty_table().select(names)
        batch_of = np.searchsorted(self.starts, ids, side="right") - 1
        edges = np.flatnonzero(np.r_[True, batch_of[1:] != batch_of[:-1], True])
        tables = []
        for begin, end in itertools.pairwise(edges):
            batch_number = batch_of[begin]
            reader, number = self.batches[batch_number]
            rows = pa.array(ids[begin:end] - self.starts[batch_number])
            tables.append(pa.Table.from_batches([self.readers[reader].get_batch(number).select(names).take(rows)]))
        return pa.concat_tables(tables, promote_options="permissive")


def read_indices_file(path: Path | str, index_name: str | None = None) -> list[IndexEntry]:
    """The pools of an `indicies.json`, all of them or the one named.

    An entry is a folder or {indice_folder, clip_model, enable_faiss_memory_mapping, …}, as clip-retrieval reads it. A
    relative folder is looked for where the command runs (clip-retrieval's way), then beside the file.

    Raises:
        UserError: no such file, no JSON object, no such entry, or a folder that is not there.
    """
    path = Path(path)
    if not path.is_file():
        other = path.with_name("indices.json")
        if path.name != "indicies.json" or not other.is_file():
            raise UserError(
                f"--index-info-path {path} is not there: it is the indicies.json that {BUILDER} writes "
                '({"NAME": {"indice_folder": FOLDER, "clip_model": MODEL}})'
            )
        path = other
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"--index-info-path {path} is not JSON ({error})") from error
    if not isinstance(listed, dict) or not listed:
        raise UserError(f'--index-info-path {path} must hold at least one entry {{"NAME": FOLDER or {{...}}}}')
    if index_name is not None and index_name not in listed:
        raise UserError(f"--index-name {index_name} is not in {path}, which has: {', '.join(listed)}")
    names = [index_name] if index_name is not None else list(listed)
    return [_entry(path, name, listed[name]) for name in names]


def _entry(path: Path, name: str, value) -> IndexEntry:
    value = {"indice_folder": value} if isinstance(value, str) else value
    if not isinstance(value, dict) or not isinstance(value.get("indice_folder"), str):
        raise UserError(f"{path}: entry {name!r} names no indice_folder")
    if value.get("reorder_metadata_by_ivf_index"):
        raise UserError(
            f"{path}: entry {name!r} has reorder_metadata_by_ivf_index: its rows are not its index's ids; "
            f"assemble the folder with {BUILDER}, which keeps them in order"
        )
    folder = Path(value["indice_folder"])
    if not folder.is_dir() and not folder.is_absolute():
        folder = path.parent / folder
    if not folder.is_dir():
        raise UserError(f"{path}: entry {name!r} points to {value['indice_folder']}, which is not a folder")
    return IndexEntry(name, folder, value.get("clip_model"), bool(value.get("enable_faiss_memory_mapping")))


def index_paths(entry: IndexEntry, wanted: list[str]) -> dict[str, Path]:
    """Source -> the file faiss reads, for those `wanted` (of SOURCES) that the folder has.

    Raises:
        UserError: the folder has none of them.
    """
    found = {}
    for source in wanted:
        path = entry.folder / SOURCES[source]
        if path.is_dir():
            path = path / "populated.index"
        if path.is_file():
            found[source] = path
    if not found:
        expected = " or ".join(SOURCES[source] for source in wanted)
        raise UserError(f"{entry.folder} (entry {entry.name!r}) has no {expected}: {BUILDER} puts it there")
    return found


def fingerprints(searched: list, folder: Path) -> dict[str, dict]:
    """File -> files.file_fingerprint, of everything that decides the answers: what is searched (files and lists of
    files), and the folder's metadata."""
    files = list(metadata_files(folder))
    for each in searched:
        files += each if isinstance(each, list) else sorted(each.parent.glob("*")) if _merged(each) else [each]
    return {str(file): file_fingerprint(file) for file in files}


def open_index(path: Path, memory_mapping: bool):
    """Open an index as clip-retrieval would: lists merged on disk stay there, others where the entry says so.

    Raises:
        UserError: faiss cannot read the file, or its vectors are not compared by inner product.
    """
    import faiss

    flags = faiss.IO_FLAG_ONDISK_SAME_DIR if _merged(path) else 0
    if memory_mapping and not flags:
        flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
    try:
        index = faiss.read_index(str(path), flags)
    except RuntimeError as error:
        raise UserError(f"{path} cannot be read as a faiss index ({str(error).splitlines()[0]})") from error
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise UserError(f"{path} compares by L2 distance, CLIP by inner product: build it again with metric_type ip")
    return index


def _merged(path: Path) -> bool:
    return path.name == "populated.index"


def metadata_files(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "metadata").glob("**/*")) if path.is_file()]  # clip-retrieval's order


def open_metadata(folder: Path, allow_untagged: bool) -> Metadata:
    """Memory-map the folder's metadata.

    Raises:
        UserError: no arrow file, a file of another format, no URL column, or no safety column (--allow-untagged).
    """
    import numpy as np
    import pyarrow as pa

    files = metadata_files(folder)
    if not files:
        raise UserError(f"{folder}/metadata has no arrow file: {BUILDER} writes it")
    readers, batches, sizes = [], [], []
    for file in files:
        try:
            reader = pa.ipc.open_file(pa.memory_map(str(file), "r"))
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(
                f"{file} is not a complete arrow file ({error}): {BUILDER} makes them of parquet"
            ) from error
        for number in range(reader.num_record_batches):
            batches.append((len(readers), number))
            sizes.append(reader.get_batch(number).num_rows)
        readers.append(reader)
    names = readers[0].schema.names
    if (
        lacking := next((i for i, reader in enumerate(readers) if set(reader.schema.names) != set(names)), None)
    ) is not None:
        raise UserError(f"{files[lacking]} has other columns than {files[0]}: they are not one pool's metadata")
    columns = map_columns(names)
    if "URL" not in columns:
        raise UserError(f"{folder}/metadata has no URL column; it has: {', '.join(names)}")
    if not {"NSFW", "punsafe"} & columns.keys() and not allow_untagged:
        raise UserError(
            f"{folder}/metadata has no NSFW column and no punsafe score (it has: {', '.join(names)}), so nothing can "
            "be rejected as unsafe: keep one when the metadata is made, or add --allow-untagged"
        )
    return Metadata(tuple(readers), tuple(batches), np.cumsum([0, *sizes]), columns)
