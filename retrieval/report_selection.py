"""What a page shows of a filter's folder: the numbers of its manifests, and a sample of its records."""

import json
import os
import random
import re
import zlib
from collections import Counter, defaultdict
from pathlib import Path

from retrieval.example_records import KNOWN_PLACES, first_records, have_places
from retrieval.records import SCORE_LOSSES, SEMANTIC_LOSSES, chunk_files
from retrieval.report_records import shorter_line
from retrieval.written_names import most_written

SAMPLE_BYTES = 2 << 20  # of a quick sample: about 6,000 records, which a browser shows within half a second
BLOCK_BYTES = 16 << 10  # of a quick sample: about 45 records in a row, so the classes of one caption stay together
SAMPLE_RECORDS = 10_000  # of a thorough sample, about
EXAMPLES = KNOWN_PLACES  # records of a class of which a sample has fewer
MOST_EXAMPLES = 20_000  # for the whole page: about 7 MB
SCAN_BYTES = 1 << 20  # per read when the examples of rare classes are looked for: 0.4 seconds per million records
SEED = 0


def describe_selection(folder: Path, manifests: list[dict], thorough: bool) -> tuple[dict, bytes]:
    """The page's numbers, from the manifests, and its records, one per line."""
    stage, settings, jobs = (manifests[0][name] for name in ("stage", "settings", "total_jobs"))
    counts = [manifest["counts"] for manifest in manifests]
    classes = merged_classes(counts)
    records = sum(count["records"] for count in counts)
    missing = {unit: why for manifest in manifests for unit, why in manifest["coverage"]["missing"].items()}
    skipped = settings.get("skipped_classes", {})
    missing |= {f"class {name}": f"its class_map query {why}" for name, why in skipped.items()}
    missing |= {f"job {idx} of {jobs}": "has not finished" for idx in range(jobs)
                if idx not in {manifest["job_idx"] for manifest in manifests}}  # fmt: skip
    chunks = chunk_files(folder, allow_partial=True)
    if thorough:
        lines, examples, whole = sample_urls(chunks, records, len(classes))
    else:
        totals = {name: of_class.get("kept", of_class.get("records", 0)) for name, of_class in classes.items()}
        lines, whole = sample_blocks(chunks)
        examples = b"" if whole else examples_beside(lines, totals, chunks, folder, manifests)
    data = {
        "stage": stage,
        "settings": {name: value for name, value in settings.items() if not isinstance(value, dict)},
        "coverage": {name: sum(manifest["coverage"][name] for manifest in manifests) for name in ("asked", "done")},
        "missing": missing,
        "records": records,
        "sample": None if whole else "of URLs" if thorough else "at evenly spaced places",
        "funnel": selection_funnel(stage, counts, classes, records),
        "classes": classes,
    }
    return data, lines + (b"\nexamples\n" + examples if examples else b"")


def merged_classes(counts: list[dict]) -> dict[str, dict]:
    """Class -> its counts over all jobs. Jobs of the semantic filter have different classes; those of the substring
    filter have all classes, in different shards."""
    classes: dict[str, dict] = {}
    for of_job in counts:
        for name, more in of_job["classes"].items():
            if not (known := classes.get(name)):
                classes[name] = dict(more)
                continue
            matches = Counter(known["matches"])
            before, added = sum(known["matches"].values()), sum(more["matches"].values())
            matches.update(more["matches"])
            inside = before * known["inside_longer_words"] + added * more["inside_longer_words"]
            known["records"] += more["records"]
            known["matches"] = dict(sorted(matches.items()))
            known["inside_longer_words"] = round(inside / max(1, before + added), 4)
            if "names" in known:
                known["names"] = {text: rows + more["names"][text] for text, rows in known["names"].items()}
                if any(known["names"].values()):
                    known["most_written"] = most_written(known["names"])
    return classes


def selection_funnel(stage: str, counts: list[dict], classes: dict, records: int) -> list[list]:
    """[kind, label, count] per step; the kind is pool (a bar without scale), selected, lost or kept."""
    if stage == "semantic":
        total = {
            name: sum(of_class.get(name, 0) for of_class in classes.values()) for name in ("asked", *SEMANTIC_LOSSES)
        }
        steps = [["lost", label, total[name]] for name, label in SEMANTIC_LOSSES.items() if total[name]]
        return [["selected", "hits asked for", total["asked"]], *steps, ["kept", "records written", records]]
    steps = [["pool", "captions read", sum(count["rows"] for count in counts)]]
    if dropped := sum(count.get("dropped_by_where", 0) for count in counts):
        captions = sum(count["captions"] for count in counts)
        steps += [["selected", "captions that match", captions + dropped], ["lost", "--where", dropped]]
    if any(count.get("captions") for count in counts):
        steps.append(["selected", "captions chosen", sum(count.get("captions", 0) for count in counts)])
    matched = sum(sum(of_class.get("matches", {}).values()) for of_class in classes.values())
    unfit = {label: sum(count.get(name, 0) for count in counts) for name, label in SCORE_LOSSES.items()}
    found = records + sum(unfit.values())
    if matched > records:
        steps.append(["selected", "matches of a class", matched])
    if matched > found:
        steps.append(["lost", "over -n", matched - found])
    steps += [["lost", label, number] for label, number in unfit.items() if number]
    return [*steps, ["kept", "records written", records]]


def examples_wanted(classes: int) -> int:
    """Examples of a class of which the sample has fewer."""
    return min(EXAMPLES, max(1, MOST_EXAMPLES // max(1, classes)))


def sample_blocks(chunks: list[Path]) -> tuple[bytes, bool]:
    """A quick sample: blocks of adjacent records, evenly spaced over the chunks from a random start.

    It takes milliseconds whatever the chunks' size. In the substring filter's chunks the records of one caption are
    adjacent, so a block shows which classes share captions.

    Returns:
        (lines, whole): records, one per line; whether these are all records.
    """
    sizes = [os.path.getsize(chunk) for chunk in chunks]
    if sum(sizes) <= SAMPLE_BYTES:
        return b"\n".join(chunk.read_bytes() for chunk in chunks), True
    step = sum(sizes) * BLOCK_BYTES // SAMPLE_BYTES
    offset = random.Random(SEED).randrange(step)  # in this chunk; beyond its end it is in a later one
    blocks = []
    for chunk, size in zip(chunks, sizes, strict=True):
        with open(chunk, "rb") as file:
            while offset < size:
                file.seek(offset)
                block = file.read(BLOCK_BYTES)
                blocks.append(block[block.find(b"\n") + 1 : block.rfind(b"\n")])  # whole lines only
                offset += step
        offset -= size
    return b"\n".join(blocks), False


def examples_beside(
    lines: bytes, totals: dict[str, int], chunks: list[Path], folder: Path, manifests: list[dict]
) -> bytes:
    """Records of the classes that a quick sample hardly has, one per line.

    Args:
        lines: the sample.
        totals: class -> its number of records.
    """
    seen, most = Counter(CLASS_IN_JSON.findall(lines)), examples_wanted(len(totals))
    wanted = {name: min(most, total) for name, total in totals.items()}
    lacking = {name: count for name, count in wanted.items() if seen[encoded(name)] < count}
    sampled = {*lines.splitlines()}
    if not have_places(manifests):
        return rare_records(chunks, {encoded(name): count for name, count in lacking.items()}, sampled)
    found = (line.rstrip(b"\n") for line in first_records(folder, manifests, lacking))
    return b"\n".join(shorter_line(line) for line in found if line not in sampled)


# The class of a record as it stands in its line. No text holds this key, as quotes are escaped there.
CLASS_IN_JSON = re.compile(rb'"QUERY":("[^"\\]*(?:\\.[^"\\]*)*")')


def encoded(name: str) -> bytes:
    """A class as it stands in a chunk (records.encode_record)."""
    return json.dumps(name, ensure_ascii=False).encode("utf-8", "surrogatepass")


def rare_records(chunks: list[Path], lacking: dict[bytes, int], sampled: set[bytes]) -> bytes:
    """The first records of some classes that are not in the sample, one per line: looked for in all chunks.

    Args:
        lacking: encoded class -> how many records of it the page should have, from 1 to all.
    """
    found = []
    for chunk in chunks:
        with open(chunk, "rb") as file:
            while lacking and (block := file.read(SCAN_BYTES)):
                block += file.readline()
                for record in CLASS_IN_JSON.finditer(block):
                    name = record[1]
                    if name not in lacking:
                        continue
                    line = block[block.rfind(b"\n", 0, record.start()) + 1 : block.find(b"\n", record.end())]
                    if line not in sampled:
                        found.append(shorter_line(line))
                    lacking[name] -= 1
                    if not lacking[name]:
                        del lacking[name]
    return b"\n".join(found)


def sample_urls(chunks: list[Path], records: int, classes: int) -> tuple[bytes, bytes, bool]:
    """A thorough sample: all records of a share of the URLs, chosen by CRC, so a URL keeps all its classes.

    Returns:
        (lines, examples, whole): records, one per line; further records of classes with few in the sample; whether the
        sample is all records.
    """
    every, most = max(1, records // SAMPLE_RECORDS), examples_wanted(classes)
    sampled, seen, spare = [], Counter(), defaultdict(list)
    for chunk in chunks:
        with open(chunk, "rb") as lines:
            for line in lines:
                if not line.startswith(b"{"):
                    continue
                start = line.find(b'"URL":"')
                url = line[start : line.find(b'","TEXT":', start)]
                query = line.rfind(b'"QUERY":"')
                name = line[query : line.find(b'","', query + 9)]
                if zlib.crc32(url) % every == 0:
                    sampled.append(shorter_line(line))
                    seen[name] += 1
                elif len(spare[name]) < most:
                    spare[name].append(shorter_line(line))
    examples = [line for name, lines in spare.items() for line in lines[: max(0, most - seen[name])]]
    return b"".join(sampled), b"".join(examples), every == 1
