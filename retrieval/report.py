"""One page that shows what was selected, why, and what was lost on the way: <dataset>/report.html.

In:  a folder that download_urls_img2dataset.py wrote (report.json, metadata.jsonl, the pictures).
Out: report.html beside them: the funnel from pool to folder with each loss by its reason, a bar per class, the scores,
     the hosts that failed, and a contact sheet per class, each picture with its caption, source, phrase or prompt,
     score and link. The page holds its thumbnails, so it opens from disk with no network and can be mailed.

    python -m retrieval.report outputs/retrieved_data_substring/DTD
    python -m retrieval.report outputs/retrieved_data_substring/DTD --title "DTD from LAION-2B"

The numbers that are drawn are in the page too, as JSON (`<script type="application/json" id="data">`).
"""

import base64
import heapq
import html
import io
import json
import string
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from knn_indices_helper.jobs import UserError, command, complete_file, parse_flags, parser_for, say
from retrieval.records import read_json

THUMBNAIL_PIXELS = 128  # longest side: a person names a texture at this size; about 4 KB as JPEG
THUMBNAILS = 3_000  # for the whole page: about 15 MB with base64, which a browser opens in a second
THUMBNAILS_PER_CLASS = 48
SCORE_BINS = 40
HOSTS_SHOWN = 15
SOURCE_NAMES = {"substring": "caption", "text_index": "text index", "image_index": "image index"}


def write_report(folder: Path | str, title: str | None = None) -> Path:
    """Write the page of one dataset folder; what it shows is read from the folder alone.

    Raises:
        UserError: the folder was not written by the downloader.
    """
    folder = Path(folder)
    if not (folder / "report.json").exists() or not (folder / "metadata.jsonl").exists():
        raise UserError(f"{folder} holds no report.json and metadata.jsonl: give the downloader's --dataset-output")
    totals = read_json(folder / "report.json")
    classes, scores = read_pictures(folder / "metadata.jsonl", classes_asked=len(totals["classes"]))
    for name, counts in totals["classes"].items():
        classes[name]["counts"] = counts
    page = render_page(title or folder.name, totals, dict(sorted(classes.items())), scores, thumbnails(folder, classes))
    with complete_file(folder / "report.html") as beside:
        beside.write_text(page, encoding="utf-8", errors="replace")
    return folder / "report.html"


def read_pictures(jsonl: Path, classes_asked: int) -> tuple[dict, dict]:
    """One pass over metadata.jsonl: what each class got, by source, and a sample of its pictures to show.

    Keys are hashes, so the pictures with the smallest keys are a fair sample, and the same one at every rebuild.
    """
    shown = max(4, min(THUMBNAILS_PER_CLASS, THUMBNAILS // max(1, classes_asked)))
    classes: dict = defaultdict(lambda: {"sources": Counter(), "matched": Counter(), "shown": [], "counts": {}})
    scores: dict = defaultdict(list)
    with open(jsonl, encoding="utf-8") as file:
        for line in file:
            picture = json.loads(line)
            group = classes[picture["QUERY"]]
            found_by = {source["SOURCE"] for source in picture["sources"] if source.get("SOURCE")}
            group["sources"][" + ".join(sorted(found_by)) or "other"] += 1
            group["matched"].update({source["MATCHED"] for source in picture["sources"] if source.get("MATCHED")})
            for source in picture["sources"]:
                if source.get("SCORE") is not None:
                    scores[source["SOURCE"]].append(source["SCORE"])
            # A heap of negated keys: the largest of the kept keys leaves first.
            entry = (_negated(picture["key"]), picture["key"], picture)
            (heapq.heappush if len(group["shown"]) < shown else heapq.heappushpop)(group["shown"], entry)
    for group in classes.values():
        group["shown"] = [picture for _, _, picture in sorted(group["shown"], key=lambda entry: entry[1])]
    return classes, scores


def _negated(key: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in key)


def thumbnails(folder: Path, classes: dict) -> dict[str, str]:
    """File name -> data URI of a small JPEG, for the pictures that are shown; one that is gone is left out."""
    from PIL import Image

    def shrink(file_name: str) -> tuple[str, str | None]:
        try:
            with Image.open(folder / file_name) as picture:
                picture.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))  # decode a JPEG at a reduced size
                picture = picture.convert("RGB")
                picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
                small = io.BytesIO()
                picture.save(small, "JPEG", quality=75)
        except OSError as error:
            say(f"warning: {file_name} is not shown in the report: {error}")
            return file_name, None
        return file_name, "data:image/jpeg;base64," + base64.b64encode(small.getvalue()).decode()

    names = [picture["file_name"] for group in classes.values() for picture in group["shown"]]
    with ThreadPoolExecutor(4) as pool:
        return {name: uri for name, uri in pool.map(shrink, names) if uri}


# ---- the page ----


def render_page(title: str, totals: dict, classes: dict, scores: dict, thumbnail: dict[str, str]) -> str:
    """The whole page as one string; every text that came from the pool is escaped."""
    data = {
        "rows_read": totals["rows_read"],
        "kept": totals["kept"],
        "dropped": totals["dropped"],
        "classes": {name: dict(group["counts"]) | {"sources": group["sources"]} for name, group in classes.items()},
    }
    sections = [
        ("funnel", "From pool to folder", render_funnel(totals)),
        ("classes", "Classes", render_classes(classes)),
        ("scores", "Scores", render_scores(scores)),
        ("hosts", "Hosts that failed", render_hosts(totals.get("hosts", {}))),
        ("pictures", "Pictures", "".join(render_sheet(name, group, thumbnail) for name, group in classes.items())),
    ]
    sections = [(anchor, heading, body) for anchor, heading, body in sections if body]
    page = string.Template((Path(__file__).parent / "report_page.html").read_text(encoding="utf-8"))
    return page.substitute(
        title=html.escape(title),
        lead=f"{totals['kept']:,} pictures in {sum(bool(g['shown']) for g in classes.values()):,} classes, "
        f"from {totals['rows_read']:,} selected rows",
        links="".join(f'<a href="#{anchor}">{heading}</a>' for anchor, heading, _ in sections),
        sections="".join(f'<section id="{a}"><h2>{heading}</h2>{body}</section>' for a, heading, body in sections),
        data=json.dumps(data, ensure_ascii=True).replace("<", "\\u003c"),
    )


def render_funnel(totals: dict) -> str:
    """A step a row, widths to scale with the first selected count (a pool of billions would leave nothing to see)."""
    rows = []
    for stage in totals.get("stages", []):
        if stage.get("rows"):
            rows.append(("pool", f"{stage['stage']}: rows of the pool (bar not to scale)", stage["rows"]))
        rows.append(("selected", f"{stage['stage']}: rows selected", stage["records"]))
    rows.append(("selected", "rows read by the downloader", totals["rows_read"]))
    rows += [("lost", reason, count) for reason, count in sorted(totals["dropped"].items(), key=lambda item: -item[1])]
    rows.append(("kept", "pictures kept", totals["kept"]))
    scale = max([1] + [count for kind, _, count in rows if kind != "pool"])
    return "<table class='bars'><tbody>" + "".join(
        f"<tr class='{kind}'><th scope='row'>{'− ' if kind == 'lost' else ''}{html.escape(label)}</th>"
        f"<td class='number'>{count:,}</td>"
        f"<td class='bar'><i style='width:{min(100, 100 * count / scale):.2f}%'></i></td></tr>"
        for kind, label, count in rows
    ) + "</tbody></table>"  # fmt: skip


def render_classes(classes: dict) -> str:
    """A bar a class, cut by the way that found its pictures; one line a class stays readable at 1,000 of them."""
    most = max([1] + [sum(group["sources"].values()) for group in classes.values()])

    def kind(sources: str) -> str:
        ways = {"caption" if source == "substring" else "knn" for source in sources.split(" + ")}
        return "both" if len(ways) == 2 else ways.pop()

    lines = []
    for name, group in classes.items():
        ways = Counter()
        for sources, count in group["sources"].items():
            ways[kind(sources)] += count
        bars = "".join(
            f"<i class='{way}' style='width:{100 * ways[way] / most:.2f}%' title='{label}: {ways[way]:,}'></i>"
            for way, label in (("caption", "caption only"), ("both", "both ways"), ("knn", "kNN only"))
            if ways[way]
        )
        kept, asked = sum(group["sources"].values()), group["counts"].get("asked", 0)
        lines.append(
            f"<tr data-name='{html.escape(name.lower(), quote=True)}' data-kept='{kept}'>"
            f"<th scope='row'><a href='#{anchor_of(name)}'>{html.escape(name)}</a></th>"
            f"<td class='number'>{asked:,}</td><td class='number'>{kept:,}</td><td class='bar'>{bars}</td></tr>"
        )
    return (
        "<p class='key'><i class='caption'></i> caption only <i class='both'></i> both ways"
        " <i class='knn'></i> kNN only"
        " <label>Find a class <input id='find' type='search'></label>"
        " <label>Order <select id='order'><option value='name'>by name</option><option value='kept'>by pictures kept"
        "</option></select></label></p>"
        "<table class='bars' id='class-table'><thead><tr><th scope='col'>class</th><th scope='col'>asked</th>"
        f"<th scope='col'>kept</th><th scope='col'>found by</th></tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


def render_scores(scores: dict) -> str:
    """A histogram of kNN inner products per index: where the hits of a class thin out is where noise begins."""
    figures = []
    for source, values in sorted(scores.items()):
        low, high = min(values), max(values)
        width = (high - low) / SCORE_BINS or 1.0
        counts = Counter(min(SCORE_BINS - 1, int((value - low) / width)) for value in values)
        top = max(counts.values())
        bars = "".join(
            f"<rect x='{5 * bin}' y='{100 - 100 * count / top:.1f}' width='4' height='{100 * count / top:.1f}'>"
            f"<title>{low + bin * width:.3f} to {low + (bin + 1) * width:.3f}: {count:,}</title></rect>"
            for bin, count in sorted(counts.items())
        )
        label = SOURCE_NAMES.get(source, source)
        figures.append(
            f"<figure class='histogram'><svg viewBox='0 0 {5 * SCORE_BINS} 100' preserveAspectRatio='none' role='img' "
            f"aria-label='scores in the {label}'>{bars}</svg><figcaption>{html.escape(label)}: {len(values):,} hits, "
            f"score {low:.3f} to {high:.3f}</figcaption></figure>"
        )
    return f"<div class='side-by-side'>{''.join(figures)}</div>" if figures else ""


def render_hosts(hosts: dict) -> str:
    """The hosts with most failures, and what they answered."""
    failing = {name: host for name, host in hosts.items() if host.get("failed")}
    worst = heapq.nlargest(HOSTS_SHOWN, failing.items(), key=lambda item: (item[1]["failed"], item[0]))
    lines = [
        f"<tr><th scope='row'>{html.escape(name)}</th><td class='number'>{host['tried']:,}</td>"
        f"<td class='number'>{host['failed']:,}</td>"
        f"<td>{html.escape(', '.join(f'{why}: {n:,}' for why, n in sorted(host.get('reasons', {}).items())))}</td></tr>"
        for name, host in worst
    ]
    if not lines:
        return ""
    return (
        "<table class='bars'><thead><tr><th scope='col'>host</th><th scope='col'>tried</th><th scope='col'>failed</th>"
        f"<th scope='col'>reasons</th></tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


def render_sheet(name: str, group: dict, thumbnail: dict[str, str]) -> str:
    """One class's contact sheet. Lower sheets are laid out by the browser only when they come into view."""
    kept = sum(group["sources"].values())
    shown = [picture for picture in group["shown"] if picture["file_name"] in thumbnail]
    more = f", {len(shown):,} shown" if len(shown) < kept else ""
    matched = ", ".join(f"{html.escape(text)} ({count:,})" for text, count in group["matched"].most_common(6))
    return (
        f"<article id='{anchor_of(name)}'><h3>{html.escape(name)} <small>{kept:,} kept{more}</small></h3>"
        + (f"<p class='matched'>Most found by: {matched}</p>" if matched else "")
        + f"<div class='sheet'>{''.join(render_picture(p, thumbnail[p['file_name']]) for p in shown)}</div></article>"
    )


def render_picture(picture: dict, uri: str) -> str:
    caption = html.escape(picture.get("caption") or "(no caption)")
    why = "".join(
        f"<li>{SOURCE_NAMES.get(source.get('SOURCE'), 'other')}"
        + (f" {source['SCORE']:.3f}" if source.get("SCORE") is not None else "")
        + f": {html.escape(source.get('MATCHED') or '')}</li>"
        for source in sorted(picture["sources"], key=lambda source: -(source.get("SCORE") or 2))[:3]
    )
    if len(picture["sources"]) > 3:
        why += f"<li>and {len(picture['sources']) - 3:,} more</li>"
    url = picture["url"] if picture["url"].lower().startswith(("http://", "https://")) else ""
    return (
        f"<figure><a href='{html.escape(quote(picture['file_name']), quote=True)}'>"
        f"<img src='{uri}' alt='{html.escape(picture.get('caption') or '', quote=True)}' loading='lazy'></a>"
        f"<figcaption><span title='{html.escape(picture.get('caption') or '', quote=True)}'>{caption}</span>"
        f"<ul>{why}</ul><a href='{html.escape(url, quote=True)}' rel='noreferrer noopener'>source</a>"
        "</figcaption></figure>"
    )


def anchor_of(name: str) -> str:
    return "class-" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("folder", help="the downloader's --dataset-output")
    parser.add_argument("--title", help="heading of the page (default: the folder's name)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    print(write_report(flags.folder, flags.title))
    return 0


if __name__ == "__main__":
    sys.exit(main())
