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

import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import quote

from retrieval.cli import UserError, command, parse_flags, parser_for, say
from retrieval.files import complete_file
from retrieval.records import read_manifests
from retrieval.report_dataset import describe_dataset
from retrieval.report_selection import describe_selection

PAGE_START = b"<!doctype html>"
LEAST_CLASSES_FOR_PLOTS = 10  # with fewer, the page's table says it all


def _refuse_what_is_no_page(to: Path) -> None:
    if to.is_file():
        with open(to, "rb") as file:
            if file.read(len(PAGE_START)).lower() not in (PAGE_START, b""):
                raise UserError(f"{to} is there and is no page: give the page another name, such as page.html")


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
        UserError: no stage wrote the folder, or `to` is a file that is no page, such as the records.
    """
    folder = Path(folder)
    to = Path(to) if to else folder / "report.html"
    to = to / "report.html" if to.is_dir() else to
    _refuse_what_is_no_page(to)
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
    to.parent.mkdir(parents=True, exist_ok=True)
    with complete_file(to) as beside:
        beside.write_bytes(page_of(data, records))
    if plots and len(data["classes"]) >= LEAST_CLASSES_FOR_PLOTS:
        from retrieval.plots import write_plots  # matplotlib

        write_plots(folder, data)
    return to


def page_of(data: dict, records: bytes) -> bytes:
    """The page, which holds its numbers and records as JSON."""
    template = (Path(__file__).parent / "report_page.html").read_bytes()
    before, between, after = re.split(b"@data@|@records@", template)
    # In JSON "<" occurs only inside strings. Escaped, no caption can end the script element that holds it.
    numbers, records = (text.replace(b"<", b"\\u003c") for text in (json.dumps(data).encode(), records))
    return b"".join((before, numbers, between, records, after))


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
