"""Embed the images of planned units: threads decode ahead, the model embeds, and a unit's files are written together.

The invariant: row i of img_emb_0000.npy is row i of metadata_0000.parquet. An image that does not decode is left out of
both, and counted by its reason. tests/test_image_embeddings.py compares with open_clip's own embeddings.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from retrieval.cli import is_full_disk, progress, say
from retrieval.clip_model import ClipModel, load_clip
from retrieval.embeddings import npy_header
from retrieval.files import complete_file, write_json
from retrieval.image_pixels import refuse_bombs
from retrieval.indexing.image_readers import Batch, Notes, writable
from retrieval.indexing.image_tars import first_words
from retrieval.indexing.image_units import READ_ERRORS, ImageSource, Unit, read_unit
from retrieval.read_ahead import ahead
from retrieval.torch_threads import use_all_cores


def load_model(name: str, device: str | None, precision: str) -> ClipModel:
    use_all_cores()
    model = load_clip(name, device, precision)
    say(f"{name} on {model.device} in {precision}, width {model.width}")
    return model


def embed_units(
    model: ClipModel, todo: list[Unit], fingerprints: dict[str, str], source: ImageSource, workers: int
) -> dict[str, str]:
    """Embed unit after unit, with `workers` threads that decode.

    Returns:
        dict[str, str]: name -> the reason, of each unit that could not be read to its end.
    """
    refuse_bombs()
    lost = {}
    with ThreadPoolExecutor(workers) as threads, progress(None, "images", "embedding") as more:
        for unit in todo:
            notes = Notes()
            batches = decoded(read_unit(unit, source, notes), model, threads)
            try:
                counts = embed_unit(model, unit, batches, more)
            except READ_ERRORS as error:
                if is_full_disk(error):
                    raise
                lost[unit.name] = f"{unit.source}: {first_words(error)}"
                continue
            finish_unit(model, unit, fingerprints[unit.name], counts, notes)
    return lost


def embed_unit(model: ClipModel, unit: Unit, batches: Iterator, more: Callable[[int], None]) -> dict:
    """Write the unit's two files.

    Args:
        batches: what `decoded` gives.
        more: is told how many more images are done.

    Returns:
        dict: asked (int), rows (int), dropped (reason -> int).
    """
    for made_otherwise in (unit.state, unit.embeddings, unit.metadata):
        made_otherwise.unlink(missing_ok=True)
    asked, kept, dropped, writer = 0, 0, Counter(), None
    with (
        complete_file(unit.embeddings) as rows_file,
        complete_file(unit.metadata) as metadata_file,
        contextlib.closing(ahead(batches)) as batches,
    ):
        with open(rows_file, "wb") as rows:
            rows.write(npy_header(0, model.width))
            for table, pixels, reasons in batches:
                writer = writer or pq.ParquetWriter(metadata_file, table.schema)
                asked += len(reasons)
                dropped.update(reason for reason in reasons if reason)
                if pixels is not None:
                    rows.write(model.embed_pixels(pixels).half().cpu().numpy().tobytes())
                    writer.write_table(table.filter(pa.array([reason is None for reason in reasons])))
                    kept += len(pixels)
                more(len(reasons))
            rows.seek(0)
            rows.write(npy_header(kept, model.width))  # of the same length as the one above
        writer.close()  # every unit has a batch, if an empty one
    return {"asked": asked, "rows": kept, "dropped": dict(sorted(dropped.items()))}


def finish_unit(model: ClipModel, unit: Unit, fingerprint: str, counts: dict, notes: Notes) -> None:
    """Write the unit's state, and say what it has; killed before that, the next run does the unit again."""
    noted = {"unread_sidecars": len(notes.sidecars), "hidden": notes.hidden, "damage": notes.damage}
    source = {"source": writable(unit.source.name), **unit.made_from(model.name)}
    write_json(unit.state, {"fingerprint": fingerprint, **counts, **noted, **source})
    reasons = "".join(f", {count:,} {reason}" for reason, count in counts["dropped"].items())
    name = writable(unit.source.name)
    say(f"{unit.embeddings.name}: {counts['rows']:,} of {counts['asked']:,} images of {name}{reasons}")
    if notes.sidecars:
        others = f" and {len(notes.sidecars) - 1:,} others" if len(notes.sidecars) > 1 else ""
        say(f"warning: {name}: {writable(notes.sidecars[0])}{others} cannot be read as JSON objects: "
            "their fields are left out, their images are embedded")  # fmt: skip


def decoded(
    batches: Iterator[Batch], model: ClipModel, threads: Executor
) -> Iterator[tuple[pa.Table, torch.Tensor | None, list[str | None]]]:
    """(table, pixels (n, 3, height, width) of the images that decode, or None; a reason or None for each image)."""
    for table, images in batches:
        yield table, *model.decode_images(images, threads)
