"""Write docs/flags.md, the table of all flags of the three stages, from their parsers.

    python docs/write_flags.py

Run it after every change of a flag or of its help text: tests/test_docs.py compares the page with the parsers.
"""

import argparse
from pathlib import Path

import _root  # noqa: F401 - the repository's root on the path

import download_urls_img2dataset
import filter_laion_metadata_semantic
import filter_laion_metadata_substring

STAGES = (filter_laion_metadata_substring, filter_laion_metadata_semantic, download_urls_img2dataset)
HEAD = """# Every flag of the three stages

Written by `docs/write_flags.py` from what `--help` says. Flags are spelt with `-` or `_`.
"""


def page() -> str:
    parts = [HEAD]
    for stage in STAGES:
        parts.append(f"## {Path(stage.__file__).name}\n\n| flag | |\n|---|---|")
        parser = stage.make_parser()
        formatter = parser._get_formatter()
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            flags = ", ".join(action.option_strings)
            value = "" if action.nargs == 0 else formatter._format_args(action, action.dest.upper())
            parts.append(f"| `{cell(f'{flags} {value}'.strip())}` | {cell(formatter._expand_help(action))} |")
        parts.append("")
    return "\n".join(parts)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    (Path(__file__).parent / "flags.md").write_text(page(), encoding="utf-8")
