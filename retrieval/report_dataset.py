"""What a page shows of a dataset: the numbers of report.json, and images with small pictures of them."""

import base64
import io
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from retrieval.cli import UserError, say
from retrieval.files import read_object
from retrieval.report_records import MOST_SHOWN, is_number, shortened

THUMBNAIL_PIXELS = 128  # longest side: a person can name a texture at this size; about 2 KB as WebP
THUMBNAILS = 3_000  # for the whole page: 10 to 12 MB with captions, which a browser opens within a second
THUMBNAILS_PER_CLASS = 48
LINKED = 9_000  # images that the page shows from the folder, without a thumbnail: about 5 MB
REVIEWED = 50_000  # images on a page to review, the lowest scored of each class: 35 MB, at the 0.7 KB of the demo's
SCORE_BINS = 100  # per unit of cosine; scores fill 0.15 to 0.45, so about thirty bars (report_page.html has it too)


def describe_dataset(folder: Path, review: dict[str, dict] | None = None) -> tuple[dict, bytes]:
    """The page's numbers, from report.json and metadata.jsonl, and the images that it shows, one per line."""
    totals = read_object(folder / "report.json")
    if missing := {"classes", "rows_read", "kept", "dropped"} - {*totals}:
        raise UserError(f"{folder}/report.json is not the downloader's: it lacks {', '.join(sorted(missing))}")
    settings = read_object(folder / "settings.json") if (folder / "settings.json").exists() else {}
    shown, found = read_images(folder / "metadata.jsonl", len(totals["classes"]), review)
    nothing = {"asked": 0, "live": 0, "kept": 0}  # of a class for which the filters found no row
    searched = dict.fromkeys(totals.get("class_order", ()), nothing)
    classes = {
        name: totals["classes"].get(name, searched.get(name, {}))
        | {kind: dict(sorted(found[kind][name].items())) for kind in ("sources", "matches")}
        for name in sorted({*totals["classes"], *found["sources"], *searched})
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
    from PIL import Image

    from retrieval.shown_image import shown as shown_image

    gone = []

    def shrink(entry: dict) -> dict | None:
        try:
            if not entry.get("thumbnail"):
                os.stat(folder / entry["file_name"])
                return entry
            with Image.open(folder / entry["file_name"]) as image:
                image.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))  # decode a JPEG at a reduced size
                image = shown_image(image).convert("RGB")
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
