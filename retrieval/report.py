"""One page that shows what a stage selected, why, and what was lost on the way: FOLDER/report.html.

In:  the output folder of any stage: of the two filters (manifests and chunks), or of download_urls_img2dataset.py
     (report.json, metadata.jsonl, the images).
Out: report.html in it: counts per class; the steps from pool to folder, with each loss and its reason; phrases or
     prompts; scores; classes that share rows; hosts; and the captions of each class, or after downloading its images,
     each with its source, phrase or prompt, score and link. The page opens from disk without a network and can be
     mailed: thumbnails are in it, and only the images at their full size are read from the dataset's folder. With ten
     or more classes also classes.png and prompts.png; a dataset's is beside its folder (plots.py).

    python dataset_helper/report.py outputs/retrieved_data_substring/DTD
    python dataset_helper/report.py outputs/dataset --output page.html
    python dataset_helper/report.py outputs/filtered_metadata_semantic/DTD --title "DTD from LAION-2B"

(`python -m retrieval.report` does the same.)

Counts come from the manifests and report.json. Captions, hosts, scores and shared rows come from the records: from all
of them if they are few, else from a sample, and then the page says so. A class of few records has them all in it. A
script in the page draws the JSON that it holds: `data`, the numbers, and `records`, one per line (report_page.html).
"""

import base64
import io
import json
import math
import os
import random
import re
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from retrieval.cli import UserError, command, parse_flags, parser_for, say
from retrieval.example_records import first_records, have_places
from retrieval.files import complete_file, read_object
from retrieval.records import SCORE_LOSSES, SEMANTIC_LOSSES, chunk_files, read_manifests
from retrieval.written_names import most_written

SAMPLE_BYTES = 4 << 20  # of a quick sample: about 12,000 records, which a browser shows within a second
BLOCK_BYTES = 16 << 10  # of a quick sample: about 45 records in a row, so the classes of one caption stay together
SAMPLE_RECORDS = 10_000  # of a thorough sample, about
EXAMPLES = 10  # records of a class of which a sample has fewer; the page lists ten before "Show all"
MOST_EXAMPLES = 20_000  # for the whole page: about 7 MB
SCAN_BYTES = 1 << 20  # per read when the examples of rare classes are looked for: 0.4 seconds per million records
LONGEST_RECORD = 2 << 10  # bytes; longer ones have their texts cut, and the page stays small
LONGEST_TEXT = 1_000  # characters of a caption: longer ones are lists of keywords
LONGEST_URL = 2_000  # characters; a longer one is shown in part and is no link
MOST_SOURCES = 20  # of one image, the best
SEED = 0
THUMBNAIL_PIXELS = 128  # longest side: a person can name a texture at this size; about 2 KB as WebP
THUMBNAILS = 3_000  # for the whole page: 10 to 12 MB with captions, which a browser opens within a second
THUMBNAILS_PER_CLASS = 48
LINKED = 9_000  # images that the page shows from the folder, without a thumbnail: about 5 MB
REVIEWED = 50_000  # images on a page to review, the lowest scored of each class: 35 MB, at the 0.7 KB of the demo's
UNSHOWN = {"key", "sha256", "SAMPLE_ID", "punsafe"}  # of an entry of metadata.jsonl
SCORE_BINS = 100  # per unit of cosine; scores fill 0.15 to 0.45, so about thirty bars (report_page.html has it too)
MOST_SHOWN = 100  # hosts, and pairs of classes
LEAST_CLASSES_FOR_PLOTS = 10  # with fewer, the page's table says it all


def write_report(
    folder: Path | str,
    title: str | None = None,
    thorough: bool = True,
    plots: bool = False,
    to: Path | str | None = None,
    review: dict[str, dict] | None = None,
) -> Path:
    """Write the page of one output folder. Everything it shows is read from that folder.

    Args:
        thorough: read all records (one second per million), so that a URL is in the sample with all its classes.
            Otherwise a few milliseconds, or half a second per million if the sample lacks classes.
        plots: draw the plots too, if there are enough classes.
        to: where to write the page (default: report.html in the folder). Its links lead to the folder from there.
        review: of a dataset, key -> what judge_images.py says of the image. The page then names all images, up to
            REVIEWED, and lets the user mark some.

    Raises:
        UserError: no stage wrote the folder.
    """
    folder = Path(folder)
    to = Path(to) if to else folder / "report.html"
    to = to / "report.html" if to.is_dir() else to
    if (folder / "report.json").exists() and (folder / "metadata.jsonl").exists():
        data, records = describe_dataset(folder, review)
    elif manifests := read_manifests(folder):
        data, records = describe_selection(folder, manifests, thorough)
    else:
        raise UserError(
            f"{folder} is no stage's output: it holds neither a manifest (job_0_of_1.json) nor report.json and "
            "metadata.jsonl; give a filter's --output or the downloader's --dataset-output"
        )
    data = {"title": title or folder.resolve().name, "base": base_path(folder, to)} | data
    template = (Path(__file__).parent / "report_page.html").read_bytes()
    before, between, after = re.split(b"@data@|@records@", template)
    # In JSON "<" occurs only inside strings. Escaped, no caption can end the script element that holds it.
    numbers, records = (text.replace(b"<", b"\\u003c") for text in (json.dumps(data).encode(), records))
    to.parent.mkdir(parents=True, exist_ok=True)
    with complete_file(to) as beside:
        beside.write_bytes(b"".join((before, numbers, between, records, after)))
    if plots and len(data["classes"]) >= LEAST_CLASSES_FOR_PLOTS:
        from retrieval.plots import write_plots  # matplotlib

        write_plots(folder, data)
    return to


def base_path(folder: Path, page: Path) -> str:
    """What stands before a file's name in a link from the page to the folder: "" or "dataset/", percent-encoded."""
    way = os.path.relpath(folder.resolve(), page.resolve().parent)
    return "" if way == "." else quote(os.fsencode(way)) + "/"


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


def shorter_line(line: bytes) -> bytes:
    """A record's line; if it is very long, with its texts cut."""
    if len(line) <= LONGEST_RECORD:
        return line
    try:
        return json.dumps(shortened(json.loads(line.strip().removesuffix(b",")))).encode() + b"\n"
    except ValueError:  # no JSON
        return b""


def shortened(record: dict) -> dict:
    """A record or an entry of metadata.jsonl as the page holds it: long texts cut, of many sources the best."""
    short = {
        name: cut_text(value, name) if isinstance(value, str) else value
        for name, value in record.items()
        if value is not None and name not in UNSHOWN
    }
    if sources := record.get("sources"):
        most = sources if len(sources) <= MOST_SOURCES else best_of_each_kind(sources)[:MOST_SOURCES]
        short |= {"sources": [shortened(source) for source in most], "more_sources": len(sources) - len(most)}
    if others := record.get("also_asked_by"):
        most = [cut_text(name, "") for name in others[:MOST_SHOWN]]
        short |= {"also_asked_by": most, "more_also_asked_by": len(others) - len(most)}
    return {name: value for name, value in short.items() if value != 0 or not name.startswith("more_")}


def best_of_each_kind(sources: list[dict]) -> list[dict]:
    """The best source of each kind, then the others, best first."""
    ranked, bests = sorted(sources, key=best_first), {}
    for source in ranked:
        bests.setdefault(source.get("SOURCE"), source)
    return [*bests.values(), *(source for source in ranked if source is not bests[source.get("SOURCE")])]


def best_first(source: dict) -> float:
    """Sort key: what a caption found first, as it has no score, then the highest scores."""
    score = source.get("SCORE")
    return -score if is_number(score) else -2.0


def is_number(value) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def cut_text(text: str, name: str) -> str:
    if name == "QUERY":  # the page finds a record's class by it
        return text
    if name.lower() == "url":  # a part of a URL is another URL: it must not look like one
        return text if len(text) <= LONGEST_URL else f"({len(text):,} characters) {text[:LONGEST_TEXT]}…"
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text):,} characters)"


# ---- the downloader's folder ----


def describe_dataset(folder: Path, review: dict[str, dict] | None = None) -> tuple[dict, bytes]:
    """The page's numbers, from report.json and metadata.jsonl, and the images that it shows, one per line."""
    totals = read_object(folder / "report.json")
    if missing := {"classes", "rows_read", "kept", "dropped"} - {*totals}:
        raise UserError(f"{folder}/report.json is not the downloader's: it lacks {', '.join(sorted(missing))}")
    settings = read_object(folder / "settings.json") if (folder / "settings.json").exists() else {}
    shown, found = read_images(folder / "metadata.jsonl", len(totals["classes"]), review)
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
        "choice": totals.get("choice", {}),
        "settings": {name: str(value) if isinstance(value, float) else value for name, value in settings.items()},
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
        "excluded": totals.get("excluded"),
        "opt_outs": totals.get("opt_outs", {}),
        "judged": [step["settings"] for step in totals.get("judged", ())],
        "review": review is not None,
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
    steps.append(["kept", "images kept", totals["kept"]])
    for judged in totals.get("judged", ()):  # of judge_images.py
        steps.append(["selected", "images judged", judged["images"]])
        steps += [["lost", why, count] for why, count in sorted(judged["dropped"].items(), key=lambda item: -item[1])]
        steps.append(["kept", "images kept by the judge", judged["kept"]])
    return steps


def read_images(jsonl: Path, classes: int, review: dict[str, dict] | None = None) -> tuple[dict[str, list], dict]:
    """One pass over metadata.jsonl: the images to show of each class, and counts of all images.

    Keys are hashes and the file is sorted by them, so a class's first images are a fair sample of it.

    Returns:
        shown: class -> entries of metadata.jsonl, the first of them with `thumbnail` (True).
        found: sources, matches {class: Counter}; scores {source: Counter of bins}; hosts; shared {(class, class): n}.
    """
    small = max(1, min(THUMBNAILS_PER_CLASS, THUMBNAILS // max(1, classes)))
    small = 0 if review else small  # the page shows the files themselves: to judge takes more than 128 pixels
    most, thumbnails = REVIEWED // max(1, classes) if review else small + LINKED // max(1, classes), 0
    shown = defaultdict(list)
    found = {name: defaultdict(Counter) for name in ("sources", "matches", "scores")}
    found |= {"hosts": Counter(), "shared": Counter()}
    asked_by = Counter()
    for entry in read_entries(jsonl):
        name, sources = entry["QUERY"], entry["sources"]
        if review:
            entry |= review.get(entry.get("key"), {})
            shown[name].append(shortened(entry))
            if len(shown[name]) > 2 * most:
                shown[name] = lowest_scored(shown[name], most)
        elif len(shown[name]) < most:
            with_thumbnail = len(shown[name]) < small and thumbnails < THUMBNAILS
            thumbnails += with_thumbnail
            shown[name].append(shortened(entry) | ({"thumbnail": True} if with_thumbnail else {}))
        kinds = {source["SOURCE"] for source in sources if source.get("SOURCE")}
        found["sources"][name][" + ".join(sorted(kinds)) or "other"] += 1
        found["matches"][name].update({source["MATCHED"] for source in sources if source.get("MATCHED")})
        for source in sources:
            if is_number(score := source.get("SCORE")):
                found["scores"][source.get("SOURCE") or "other"][int(round(score * SCORE_BINS, 6) // 1)] += 1
        try:
            found["hosts"][urlsplit(entry["url"]).hostname or "(none)"] += 1
        except ValueError:  # half an IPv6 address
            found["hosts"]["(none)"] += 1
        for other in entry.get("also_asked_by", []):
            asked_by[name, other] += 1
    if review:
        shown = {name: lowest_scored(entries, most) for name, entries in shown.items()}
    for pair, count in asked_by.items():  # an image that both classes kept is in both counts
        pair = tuple(sorted(pair))
        found["shared"][pair] = max(found["shared"][pair], count)
    return shown, found


def lowest_scored(entries: list[dict], most: int) -> list[dict]:
    """The `most` with the lowest scores, those without one first."""
    return sorted(entries, key=lambda entry: (entry.get("clip_score", -2), entry["file_name"]))[:most]


def read_entries(jsonl: Path) -> Iterator[dict]:
    """The entries of metadata.jsonl.

    Raises:
        UserError: a line is none, or names a file outside the folder, to which no link should lead.
    """
    with open(jsonl, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                name = PurePosixPath(entry["file_name"])
                if name.is_absolute() or ".." in name.parts:
                    raise ValueError(entry["file_name"])
                if not all(isinstance(source, dict) for source in entry["sources"]):
                    raise ValueError("sources")
                entry["QUERY"], entry["url"]
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(f"{jsonl}, line {number}, is not the downloader's: {error!r}") from error
            yield entry


def with_thumbnails(folder: Path, shown: dict[str, list]) -> Iterator[dict]:
    """The entries to show, where `thumbnail` is a small WebP as a data URI. The others have only their file's name.

    Images that are gone or cannot be read are left out, with a warning.
    """
    from PIL import Image, ImageOps

    gone = []

    def shrink(entry: dict) -> dict | None:
        try:
            if not entry.get("thumbnail"):
                os.stat(folder / entry["file_name"])
                return entry
            with Image.open(folder / entry["file_name"]) as image:
                image.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))  # decode a JPEG at a reduced size
                image = ImageOps.exif_transpose(image).convert("RGB")  # upright, as browsers show the file
                image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
                small = io.BytesIO()
                image.save(small, "WEBP", quality=70, method=2)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            gone.append(f"{entry['file_name']} ({error})")
            return None
        return entry | {"thumbnail": "data:image/webp;base64," + base64.b64encode(small.getvalue()).decode()}

    entries = (entry for name in sorted(shown) for entry in shown[name])
    with ThreadPoolExecutor(4) as threads:
        yield from filter(None, threads.map(shrink, entries))
    if gone:
        say(f"warning: the report lacks {len(gone):,} images of the metadata, the first is {min(gone)}")


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("folder", help="a filter's output folder, or the downloader's --dataset-output")
    parser.add_argument("--title", help="heading of the page (default: the folder's name)")
    parser.add_argument("--output", metavar="FILE", help="where to write the page (default: report.html in the folder)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    print(write_report(flags.folder, flags.title, plots=True, to=flags.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
