"""One page that shows what a stage selected, why, and what was lost on the way: FOLDER/report.html.

In:  the output folder of any stage: of the two filters (manifests and chunks), or of download_urls_img2dataset.py
     (report.json, metadata.jsonl, the images).
Out: report.html in it: counts per class; the steps from pool to folder, with each loss and its reason; phrases or
     prompts; scores; classes that share rows; hosts; and the captions of each class, or after downloading its images,
     each with its source, phrase or prompt, score and link. The page opens from disk without a network and can be
     mailed. With ten or more classes also classes.png and prompts.png; a dataset's is beside its folder (plots.py).

    python -m retrieval.report outputs/retrieved_data_substring/DTD
    python -m retrieval.report outputs/filtered_metadata_semantic/DTD --title "DTD from LAION-2B"

Counts come from the manifests and report.json. Captions, hosts, scores and shared rows come from the records: from all
of them if they are few, else from a sample, and then the page says so. A script in the page draws the JSON that it
holds: `data`, the numbers, and `records`, one per line (report_page.html).
"""

import base64
import io
import json
import os
import random
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from retrieval.cli import UserError, command, parse_flags, parser_for, say
from retrieval.files import complete_file, read_json
from retrieval.records import SEMANTIC_LOSSES, chunk_files, read_manifests

SAMPLE_BYTES = 4 << 20  # of a quick sample: about 12,000 records, which a browser shows within a second
BLOCK_BYTES = 16 << 10  # of a quick sample: about 45 records in a row, so the classes of one caption stay together
SAMPLE_RECORDS = 10_000  # of a thorough sample, about
EXAMPLES = 3  # records of a class of which a thorough sample has fewer
LONGEST_RECORD = 8 << 10  # bytes; longer captions are lists of keywords, and the page should stay small
SEED = 0
THUMBNAIL_PIXELS = 128  # longest side: a person can name a texture at this size; about 4 KB as JPEG
THUMBNAILS = 3_000  # for the whole page: 15 to 20 MB with base64, which a browser opens in half a second
THUMBNAILS_PER_CLASS = 48
SCORE_BINS = 100  # per unit of cosine; scores fill 0.15 to 0.45, so about thirty bars (report_page.html has it too)
MOST_SHOWN = 100  # hosts, and pairs of classes
LEAST_CLASSES_FOR_PLOTS = 10  # with fewer, the page's table says it all


def write_report(folder: Path | str, title: str | None = None, thorough: bool = True, plots: bool = False) -> Path:
    """Write the page of one output folder. Everything it shows is read from that folder.

    Args:
        thorough: read all records (one second per million), so that each class gets examples and a URL is in the sample
            with all its classes. Otherwise a few milliseconds, and a rare class may have no example.
        plots: draw the plots too, if there are enough classes.

    Raises:
        UserError: no stage wrote the folder.
    """
    folder = Path(folder)
    if (folder / "report.json").exists() and (folder / "metadata.jsonl").exists():
        data, records = describe_dataset(folder)
    elif manifests := read_manifests(folder):
        data, records = describe_selection(folder, manifests, thorough)
    else:
        raise UserError(
            f"{folder} is no stage's output: it holds neither a manifest (job_0_of_1.json) nor report.json and "
            "metadata.jsonl; give a filter's --output or the downloader's --dataset-output"
        )
    data = {"title": title or folder.resolve().name} | data
    page = (Path(__file__).parent / "report_page.html").read_bytes()
    for marker, content in ((b"@data@", json.dumps(data).encode()), (b"@records@", records)):
        # In JSON "<" occurs only inside strings. Escaped, no caption can end the script element that holds it.
        page = page.replace(marker, content.replace(b"<", b"\\u003c"), 1)
    with complete_file(folder / "report.html") as beside:
        beside.write_bytes(page)
    if plots and len(data["classes"]) >= LEAST_CLASSES_FOR_PLOTS:
        from retrieval.plots import write_plots  # matplotlib

        write_plots(folder, data)
    return folder / "report.html"


def write_when_whole(folder: Path, total_jobs: int, thorough: bool) -> None:
    """Write the page of a filter's folder if the last job of its array is done and there is no page yet."""
    if len(list(folder.glob("job_*_of_*.json"))) == total_jobs and not (folder / "report.html").exists():
        try:
            say(f"to look at: {write_report(folder, thorough=thorough, plots=thorough)}")
        except UserError as error:  # another job's files are wrong; this one is done
            say(f"no page: {error}")


# ---- a filter's folder ----


def describe_selection(folder: Path, manifests: list[dict], thorough: bool) -> tuple[dict, bytes]:
    """The page's numbers, from the manifests, and its records, one per line."""
    stage, settings, jobs = (manifests[0][name] for name in ("stage", "settings", "total_jobs"))
    counts = [manifest["counts"] for manifest in manifests]
    classes = merged_classes(counts)
    records = sum(count["records"] for count in counts)
    missing = {unit: why for manifest in manifests for unit, why in manifest["coverage"]["missing"].items()}
    missing |= {f"job {idx} of {jobs}": "has not finished" for idx in range(jobs)
                if idx not in {manifest["job_idx"] for manifest in manifests}}  # fmt: skip
    chunks = chunk_files(folder, allow_partial=True)
    lines, examples, whole = sample_urls(chunks, records) if thorough else sample_blocks(chunks)
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
    if any(count.get("captions") for count in counts):
        steps.append(["selected", "captions chosen", sum(count.get("captions", 0) for count in counts)])
    matched = sum(sum(of_class.get("matches", {}).values()) for of_class in classes.values())
    if matched > records:
        steps += [["selected", "matches of a class", matched], ["lost", "over -n", matched - records]]
    return [*steps, ["kept", "records written", records]]


def sample_blocks(chunks: list[Path]) -> tuple[bytes, bytes, bool]:
    """A quick sample: blocks of adjacent records, evenly spaced over the chunks from a random start.

    It takes milliseconds whatever the chunks' size. In the substring filter's chunks the records of one caption are
    adjacent, so a block shows which classes share captions.

    Returns:
        (lines, examples, whole): records, one per line; nothing; whether these are all records.
    """
    sizes = [os.path.getsize(chunk) for chunk in chunks]
    if sum(sizes) <= SAMPLE_BYTES:
        return b"\n".join(chunk.read_bytes() for chunk in chunks), b"", True
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
    return b"\n".join(blocks), b"", False


def sample_urls(chunks: list[Path], records: int) -> tuple[bytes, bytes, bool]:
    """A thorough sample: all records of a share of the URLs, chosen by CRC, so a URL keeps all its classes.

    Returns:
        (lines, examples, whole): records, one per line; further records of classes with few in the sample; whether the
        sample is all records.
    """
    every = max(1, records // SAMPLE_RECORDS)
    sampled, seen, spare = [], Counter(), defaultdict(list)
    for chunk in chunks:
        with open(chunk, "rb") as lines:
            for line in lines:
                if not line.startswith(b"{") or len(line) > LONGEST_RECORD:
                    continue
                start = line.find(b'"URL":"')
                url = line[start : line.find(b'","TEXT":', start)]
                query = line.rfind(b'"QUERY":"')
                name = line[query : line.find(b'","', query + 9)]
                if zlib.crc32(url) % every == 0:
                    sampled.append(line)
                    seen[name] += 1
                elif len(spare[name]) < EXAMPLES:
                    spare[name].append(line)
    examples = [line for name, lines in spare.items() for line in lines[: max(0, EXAMPLES - seen[name])]]
    return b"".join(sampled), b"".join(examples), every == 1


# ---- the downloader's folder ----


def describe_dataset(folder: Path) -> tuple[dict, bytes]:
    """The page's numbers, from report.json and metadata.jsonl, and the images that it shows, one per line."""
    totals = read_json(folder / "report.json")
    settings = read_json(folder / "settings.json") if (folder / "settings.json").exists() else {}
    shown, found = read_images(folder / "metadata.jsonl", len(totals["classes"]))
    classes = {
        name: totals["classes"].get(name, {})
        | {kind: dict(sorted(found[kind][name].items())) for kind in ("sources", "matches")}
        for name in sorted({*totals["classes"], *found["sources"]})
    }
    hosts = {name: {"kept": count} for name, count in found["hosts"].most_common(MOST_SHOWN)}
    for name, host in totals.get("hosts", {}).items():
        hosts[name] = host | {"kept": found["hosts"][name]}
    data = {
        "stage": "download",
        "settings": {name: str(value) for name, value in settings.items()},  # JSON has no infinity
        "missing": {},
        "records": sum(sum(sources.values()) for sources in found["sources"].values()),
        "rows_read": totals["rows_read"],
        "kept": totals["kept"],
        "dropped": totals["dropped"],
        "sample": None,
        "funnel": download_funnel(totals),
        "classes": classes,
        "scores": {name: sorted(bins.items()) for name, bins in sorted(found["scores"].items())},
        "hosts": hosts,
        "overlap": [[*pair, count] for pair, count in found["shared"].most_common(MOST_SHOWN)],
    }
    return data, b"\n".join(json.dumps(image).encode() for image in with_thumbnails(folder, shown))


def download_funnel(totals: dict) -> list[list]:
    steps = []
    for stage in totals.get("stages", []):
        if stage.get("rows"):
            steps.append(["pool", f"{stage['stage']}: captions read", stage["rows"]])
        steps.append(["selected", f"{stage['stage']}: records written", stage["records"]])
    steps.append(["selected", "rows read by the downloader", totals["rows_read"]])
    steps += [["lost", reason, count] for reason, count in sorted(totals["dropped"].items(), key=lambda item: -item[1])]
    return [*steps, ["kept", "images kept", totals["kept"]]]


def read_images(jsonl: Path, classes: int) -> tuple[dict[str, list], dict]:
    """One pass over metadata.jsonl: the images to show of each class, and counts of all images.

    Keys are hashes and the file is sorted by them, so a class's first images are a fair sample of it.

    Returns:
        shown: class -> entries of metadata.jsonl.
        found: sources, matches {class: Counter}; scores {source: Counter of bins}; hosts; shared {(class, class): n}.
    """
    most = max(1, min(THUMBNAILS_PER_CLASS, THUMBNAILS // max(1, classes)))
    shown = defaultdict(list)
    found = {name: defaultdict(Counter) for name in ("sources", "matches", "scores")}
    found |= {"hosts": Counter(), "shared": Counter()}
    asked_by = Counter()
    with open(jsonl, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            name, sources = entry["QUERY"], entry["sources"]
            if len(shown[name]) < most:
                shown[name].append(entry)
            kinds = {source["SOURCE"] for source in sources if source.get("SOURCE")}
            found["sources"][name][" + ".join(sorted(kinds)) or "other"] += 1
            found["matches"][name].update({source["MATCHED"] for source in sources if source.get("MATCHED")})
            for source in sources:
                if source.get("SCORE") is not None:
                    found["scores"][source["SOURCE"]][int(round(source["SCORE"] * SCORE_BINS, 6) // 1)] += 1
            try:
                found["hosts"][urlsplit(entry["url"]).hostname or "(none)"] += 1
            except ValueError:  # half an IPv6 address
                found["hosts"]["(none)"] += 1
            for other in entry.get("also_asked_by", []):
                asked_by[name, other] += 1
    for pair, count in asked_by.items():  # an image that both classes kept is in both counts
        pair = tuple(sorted(pair))
        found["shared"][pair] = max(found["shared"][pair], count)
    return shown, found


def with_thumbnails(folder: Path, shown: dict[str, list]) -> Iterator[dict]:
    """The entries of metadata.jsonl with `thumbnail`, a small JPEG as a data URI.

    Images that are gone or cannot be read are left out, with a warning.
    """
    from PIL import Image

    gone = []

    def shrink(entry: dict) -> dict | None:
        try:
            with Image.open(folder / entry["file_name"]) as image:
                image.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))  # decode a JPEG at a reduced size
                image = image.convert("RGB")
                image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
                small = io.BytesIO()
                image.save(small, "JPEG", quality=75)
        except OSError as error:
            gone.append(f"{entry['file_name']} ({error})")
            return None
        return entry | {"thumbnail": "data:image/jpeg;base64," + base64.b64encode(small.getvalue()).decode()}

    entries = (entry for name in sorted(shown) for entry in shown[name])
    with ThreadPoolExecutor(4) as threads:
        yield from filter(None, threads.map(shrink, entries))
    if gone:
        say(f"warning: the report lacks {len(gone):,} images of the metadata, the first is {min(gone)}")


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("folder", help="a filter's output folder, or the downloader's --dataset-output")
    parser.add_argument("--title", help="heading of the page (default: the folder's name)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    print(write_report(flags.folder, flags.title, plots=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
