"""What a dataset's README.md says to people: where its images come from, what was left out, how to make it again.

Everything is read from the folder's own report.json and metadata.jsonl. Names and licences come from strangers, so they
stand in code spans, where Markdown has no meaning, and control characters are taken out. Standard library only.
"""

import json
import shlex
from collections import Counter
from pathlib import Path

from retrieval.files import read_object

LISTED = 20  # of licences, reasons, files
LONGEST = 200  # characters of a name
SELECTED, WORK, DATASET = "selected", "work", "dataset"  # folders in the commands


def card_text(folder: Path) -> str:
    """Markdown; empty where the folder has no report.json, as of a folder of tars."""
    if not (folder / "report.json").exists():
        return ""
    report = read_object(folder / "report.json")
    parts = [_sources(report), _counts(report), _licences(folder), _opt_outs(report), _rebuild(report)]
    return "".join(f"\n{part}" for part in parts if part)


def _sources(report: dict) -> str:
    lines = ["## Sources", ""]
    for number, stage in enumerate(report.get("stages", []), 1):
        rows = f" among {stage['rows']:,} rows" if stage.get("rows") else ""
        asked = f", for {_code(stage['asked'])}" if stage.get("asked") else ""
        lines.append(f"{number}. {stage['stage']} filter{asked}: {stage['records']:,} records{rows}")
        inputs = stage.get("inputs", {})
        lines += [f"    - {_code(name)}{f', {version}' if version else ''}" for name, version in inputs.items()]
        if (more := stage.get("input_count", 0) - len(inputs)) > 0:
            lines.append(f"    - and {more:,} more files")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _counts(report: dict) -> str:
    classes, dropped = report.get("classes", {}), report.get("dropped", {})
    with_images = sum(1 for counts in classes.values() if counts["kept"])
    lines = ["## Counts", "", f"{report['kept']:,} images of {with_images:,} classes were kept of "
             f"{report['rows_read']:,} rows."]  # fmt: skip
    most = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    if most:
        lines += ["", "| left out | rows |", "|---|---|", *(f"| {_cell(why)} | {count:,} |" for why, count in most)]
    return "\n".join(lines) + "\n"


def _licences(folder: Path) -> str:
    counts = Counter()
    with open(folder / "metadata.jsonl", encoding="utf-8", errors="replace") as lines:
        counts.update(json.loads(line).get("LICENSE") for line in lines if line.strip())
    if not counts:
        return ""
    most = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    lines = ["## Licences, as the pool records them", "", "Nobody has checked them.",
             "", "| licence | images |", "|---|---|"]  # fmt: skip
    lines += [f"| {'none' if name is None else _cell(name)} | {count:,} |" for name, count in most[:LISTED]]
    if len(most) > LISTED:
        lines.append(f"| {len(most) - LISTED:,} others | {sum(count for _, count in most[LISTED:]):,} |")
    return "\n".join(lines) + "\n"


def _opt_outs(report: dict) -> str:
    found = report.get("opt_outs")
    if not found:
        return ""
    if not found.get("kept_to", True):
        return "## Opt-outs\n\nThis run did not keep to opt-outs (`--ignore-opt-outs`).\n"
    reasons = Counter()
    for of_host in found.get("hosts", {}).values():
        reasons.update(of_host)
    named = ", ".join(f"{_code(why)} {count:,}" for why, count in sorted(reasons.items()))
    return (
        "## Opt-outs\n\nWhere a site asks not to be read, or not to be trained on, its images were left out: "
        f"{found.get('rows', 0):,} rows{f' ({named})' if named else ''}.\n"
    )


def _rebuild(report: dict) -> str:
    """The commands as they were run, with folders of the reader's own."""
    commands, folders = [], []
    for number, stage in enumerate(report.get("stages", []), 1):
        folders.append(f"{SELECTED}-{number}")
        if words := stage.get("command"):
            flag = "--output-dir" if "semantic" in words[0] else "--output"
            commands.append([*words, flag, folders[-1]])
    if not report.get("command") or not commands:
        return ""
    name, *flags = report["command"]
    commands.append([name, "--r", *folders, "--w", WORK, "--dataset-output", DATASET, *flags])
    lines = [f"    python {shlex.join(map(_plain, words))}" for words in commands]
    return (
        "## How to make it again\n\nThe web changes, so some images will be gone. `export_dataset.py --format rebuild` "
        "lists the URLs with the hashes of their files.\n\n" + "\n".join(lines) + "\n"
    )


def _plain(text) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def _code(text) -> str:
    """In a code span. A backtick would end it."""
    text = _plain(text).replace("`", "'").strip() or " "
    return f"`{text[:LONGEST]}…`" if len(text) > LONGEST else f"`{text}`"


def _cell(text) -> str:
    return _code(text).replace("|", "\\|")
