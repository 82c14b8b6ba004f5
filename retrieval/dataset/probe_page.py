"""The page of a probe: probe_page.html with the numbers of probe.json in it, in the style of the stages' pages."""

import json
import re
from pathlib import Path

from retrieval.files import complete_file

STAGES_PAGE = Path(__file__).parent.parent / "report_page.html"


def write_page(numbers: dict, to: Path) -> None:
    """Write the page; it opens from disk without a network, and nothing in it leads elsewhere."""
    page = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
    style = re.search(r"<style>.*?</style>", STAGES_PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    # In JSON "<" occurs only inside strings. Escaped, no class name can end the script element that holds it.
    data = json.dumps(numbers).replace("<", "\\u003c")
    before, between, after = re.split("@style@|@data@", page)
    with complete_file(to) as beside:
        beside.write_text(before + style + between + data + after, encoding="utf-8")
