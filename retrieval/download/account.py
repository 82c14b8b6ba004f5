"""What the downloader says of its plan, and what it counts at the end: every row that was read ends in one count."""

import itertools
from collections import Counter
from pathlib import Path, PurePosixPath

from retrieval.cli import say, say_always, say_more
from retrieval.download import plan, plan_choice, plan_drops, plan_fetch, plan_outcome, tar_answers
from retrieval.download.settings import Choice
from retrieval.records import read_manifests
from retrieval.table_lines import listed

HOSTS_SHOWN = 100
INPUTS_TOLD = 20  # files of a pool that report.json names
CLASSES_SHOWN = 20  # of the class table on the terminal
LONGEST_NAME = 40  # characters of a class in that table


def say_plan(database, rows_read: int, choice: Choice) -> None:
    wanted, classes = plan_choice.count_wanted(database)
    dropped = plan_choice.count_dropped(database)
    say(f"rows read: {rows_read:,}")
    for reason, count in dropped.most_common():
        say(f"    {reason}: {count:,}")
    to_fetch, in_tars = plan_fetch.count_to_fetch(database)
    from_tars = f", {in_tars:,} of them from files of the pool" if in_tars else ""
    say(f"wanted: {wanted:,} images of {classes:,} classes; {to_fetch:,} URLs to fetch{from_tars}")
    if dropped[plan.PRIVATE_HOST]:
        say(f"note: {dropped[plan.PRIVATE_HOST]:,} rows have a private address: if the server is your own, "
            "--allow-private-hosts fetches them")  # fmt: skip
    if dropped[plan.UNTAGGED]:
        say(f"note: {dropped[plan.UNTAGGED]:,} rows have no NSFW tag: --allow-untagged fetches them too")
    if leaving := plan_choice.count_leaving(database):
        say(f"to remove: {leaving:,} images of earlier runs that this run does not want; they stay in --w")
    if choice.diverse:
        pairs, embedded = plan_choice.count_embedded(database)
        say(f"--diverse: {embedded:,} of these {pairs:,} have an embedding; others come after them in their class")
    if choice.fill:
        say(f"--fill {choice.fill}: of these as many as give each class {choice.fill:,} live images")


def say_drops(database, work: Path, new_lines: list[str]) -> None:
    """Say which lines of --drop name nothing, and how to keep out what was removed from the folders by hand."""
    if missed := [line for line in new_lines if line in plan_drops.lines_without_image(database)]:
        say_always(
            f"warning: --drop: {len(missed):,} of {len(new_lines):,} lines name no image of these rows or of the "
            f"folder (first: {missed[0]})"
        )
    if gone := plan_drops.list_gone(database, work):
        say(f"note: {gone:,} images that metadata.jsonl lists were removed from their folders, and come back: add "
            f"--drop {work / plan_drops.GONE} to leave them out")  # fmt: skip


def count_totals(database, rows_read: int, images: int, folders: dict[str, str]) -> dict:
    """The numbers of report.json.

    Args:
        images: images in the dataset folder.
        folders: class -> its folder.

    Raises:
        RuntimeError: a row that was read is in no count, or in two.
    """
    kept, failed = plan_outcome.count_outcome(database)
    dropped = plan_choice.count_dropped(database) + failed
    if rows_read != kept + sum(dropped.values()):
        raise RuntimeError(f"{rows_read:,} rows read, but {kept:,} kept and {sum(dropped.values()):,} dropped")
    classes = plan_outcome.count_classes(database)
    return {
        "rows_read": rows_read,
        "kept": kept,
        "dropped": dict(sorted(dropped.items())),
        "urls": plan_outcome.count_urls(database),
        "images": images,
        "classes": {name: counts | {"folder": folders[name]} for name, counts in classes.items()},
    }


def describe_run(
    database, folders: dict[str, str], sources: list[Path], choice: dict, earlier_order: list[str]
) -> dict:
    """The rest of report.json: what was chosen, the class folders, the hosts that failed most, the filters' counts.

    Args:
        earlier_order: the class order of the dataset's earlier run.
    """
    return {
        "choice": choice,
        "folders": dict(sorted(folders.items())),
        "class_order": _class_order(sources, earlier_order, folders),
        "hosts": plan_outcome.count_hosts(database, HOSTS_SHOWN),
        "opt_outs": (
            {"kept_to": False} if choice["ignore_opt_outs"] else plan_outcome.count_opt_outs(database, HOSTS_SHOWN)
        ),
        "stages": _filter_counts(sources),
    }


def _class_order(sources: list[Path], earlier_order: list[str], folders: dict[str, str]) -> list[str]:
    """The classes in the order of the filters' template, then what earlier runs had, then other tools' by name."""
    order = []
    for folder in sources:
        if manifests := read_manifests(folder):
            settings = manifests[0]["settings"]
            order += settings.get("classes") or settings.get("queries") or []
    return list(dict.fromkeys([*order, *earlier_order, *sorted(folders)]))


def _filter_counts(sources: list[Path]) -> list[dict]:
    """Rows that each filter read and records that it wrote, from its manifests, for the report's funnel."""
    found = []
    for folder in sources:
        if manifests := read_manifests(folder):
            counts = [manifest["counts"] for manifest in manifests]
            sums = {name: sum(count.get(name) or 0 for count in counts) for name in ("rows", "records")}
            found.append({"stage": manifests[0]["stage"]} | sums | _how_it_ran(manifests))
    return found


def _how_it_ran(manifests: list[dict]) -> dict:
    """What the dataset's card says of a filter's run: what was asked, its command, the first of its pool's files with
    the version of each. Of a local file only the name is told; how --dbs named all of them follows from their paths."""
    first, inputs = (
        manifests[0],
        {name: version for manifest in manifests for name, version in manifest["inputs"].items()},
    )
    command = first.get("command")
    if command and first["stage"] == "substring":
        command = [*command, "--dbs", *_named_together(sorted(inputs))]
    asked = first["settings"].get("query") or first["settings"].get("template")
    told = dict(itertools.islice(sorted(inputs.items()), INPUTS_TOLD))
    return {
        "asked": asked,
        **({"command": command} if command else {}),
        "input_count": len(inputs),
        "inputs": {name if "://" in name else Path(name).name: _version_of(told[name]) for name in told},
    }


def _version_of(fingerprint) -> str:
    """A fingerprint of files.file_fingerprint in words."""
    if not isinstance(fingerprint, dict):
        return ""
    version = fingerprint.get("commit") or fingerprint.get("identity") or fingerprint.get("edges") or ""
    return f"{fingerprint.get('bytes', 0):,} bytes" + (f", version {version}" if version else "")


def _named_together(paths: list[str]) -> list[str]:
    """The paths, or if they are many a pattern per folder and suffix."""
    if len(paths) <= INPUTS_TOLD:
        return paths
    return sorted({f"{path.rpartition('/')[0]}/*{PurePosixPath(path).suffix}" for path in paths})


def say_classes(classes: dict[str, dict], least: int) -> None:
    """Say a table of the classes, those with the fewest images first, and name every class with fewer than `least`."""
    by_size = sorted(classes.items(), key=lambda item: (item[1]["kept"], item[0]))
    shown, rest = by_size[:CLASSES_SHOWN], by_size[CLASSES_SHOWN:]
    width = max((len(_shown(name)) for name, _ in shown), default=0)
    say(f"{'class':{width}}  {'asked':>9} {'alive':>9} {'kept':>9}")
    for name, counts in shown:
        say(_class_line(name, counts, width))
    if short := [f"{_shown(name)} ({counts['kept']:,})" for name, counts in rest if counts["kept"] < least]:
        say(f"{len(short):,} more with fewer than {least:,}: {', '.join(short)}")
    if full := [counts["kept"] for _, counts in rest if counts["kept"] >= least]:
        say(f"{len(full):,} more with {full[0]:,} to {full[-1]:,} images")
    for name, counts in rest:
        say_more(_class_line(name, counts, width))


def say_empty(order: list[str], folders: dict[str, str], used: list[str]) -> None:
    """Name the classes without an image: no loader gives them a number, so labels are not places in the template.

    Args:
        order: all classes that the filters searched for.
        folders: class -> its folder; used: the folders that hold images.
    """
    if empty := [_shown(name) for name in order if folders.get(name) not in used]:
        before = f"{len(empty):,} of {len(order):,} classes have no image, and loaders number only the others: "
        for line in listed(before, empty):
            say(line)


def _class_line(name: str, counts: dict, width: int) -> str:
    return f"{_shown(name):{width}}  {counts['asked']:9,} {counts['live']:9,} {counts['kept']:9,}"


def _shown(name: str) -> str:
    """A class name in one line without control characters."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def say_uneven(folders: list[str]) -> None:
    """Name classes of which a split has no image: an ImageFolder takes their empty folders only when it is told so."""
    if folders:
        say(f"note: {len(folders):,} classes have images in one split only (first: {folders[0]}): in the other their "
            "folder is empty, which torchvision's ImageFolder takes with allow_empty=True")  # fmt: skip


def say_removed(left: Counter, lookalikes: int) -> None:
    """Say which images of earlier runs are no longer in the dataset folder."""
    if lookalikes:
        say(f"removed: {lookalikes:,} images that an earlier run placed, for --exclude or --near-duplicates")
    if left:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left.most_common())
        say(f"removed: {left.total():,} images that earlier runs placed and this run does not want ({reasons}); they "
            "are in --w, so a run that wants them fetches nothing")  # fmt: skip


def say_advice(totals: dict, temporary: tuple[str, ...]) -> None:
    """Name the flag that asks again for what failed for a reason that may pass (`temporary`)."""
    passing = {reason: totals["dropped"][reason] for reason in temporary if reason in totals["dropped"]}
    if passing:
        say(f"note: {sum(passing.values()):,} failures may pass ({', '.join(passing)}): "
            "--retry-failed asks again for them")  # fmt: skip


def say_lost_tars(database) -> bool:
    """Name the tars of the pool that could not be read; returns whether there are any."""
    lost = plan_fetch.lost_tars(database, tar_answers.TAR_FAULTS)
    for tar, fault, images in lost:
        way_out = "if the server is your own, add --allow-private-hosts" if fault == tar_answers.PRIVATE else (
            "the same command tries again; if the tar has moved or is another now, run the filter again on it"
        )  # fmt: skip
        say_always(f"error: {tar}: {images:,} images were not read ({fault}): {way_out}; --pixels web asks the URLs")
    return bool(lost)


def say_no_image(totals: dict) -> bool:
    """Say it where rows were read and none of them became an image; returns whether that is so.

    Dead links are normal on the web, but a run whose links are all dead has met a fault that is nearer.
    """
    urls = totals["urls"]
    if totals["kept"] or not totals["rows_read"]:
        return False
    if urls["asked"] and not urls["live"]:
        say_always(
            f"error: none of {urls['asked']:,} URLs gave an image, for the reasons in the last line: if they are DNS, "
            "connection or timeout, check the network and its proxy, and add --retry-failed"
        )
    else:
        say_always("error: no row became an image that is kept, for the reasons in the last line")
    return True


def say_totals(totals: dict, lost: int) -> int:
    """Say the last line, in which the counts add up; returns the exit code.

    Args:
        lost: URLs that img2dataset lost.
    """
    if lost:
        say_always(f"error: {lost:,} URLs were lost by img2dataset: the same command asks for them again")
    has_none = not lost and say_no_image(totals)
    reasons = "".join(f" + {count:,} {reason}" for reason, count in Counter(totals["dropped"]).most_common())
    say_always(f"{totals['rows_read']:,} rows read = {totals['kept']:,} kept{reasons}")
    return int(lost > 0 or has_none)
