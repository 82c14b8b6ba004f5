"""The page's two charts as PNG, for slides and papers: rows per class, and rows found against the number of prompts."""

import logging
import warnings
from pathlib import Path

import numpy as np

from retrieval.files import complete_file

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # before the import, which would say where it caches fonts
from matplotlib.figure import Figure  # noqa: E402  without pyplot it opens no display

LABELLED = 60  # bars with names that can still be read
SKEWED = 30  # if the largest class has more than this many times the median, the axis is logarithmic
LONGEST_NAME, LONGEST_TITLE = 50, 120  # characters
INK, BAR, BAND = "#1b2130", "#3f74bd", "#3f74bd33"


def write_plots(folder: Path, data: dict) -> list[Path]:
    """Draw what `describe_selection` or `describe_dataset` found; returns the files written.

    ImageFolder, timm and load_dataset would take a plot inside a dataset's folder for an image of the dataset, so it is
    written beside that folder.
    """
    folder = folder.resolve()
    if data["stage"] == "download":
        totals = {name: sum(counts["sources"].values()) for name, counts in data["classes"].items()}
        return [draw_classes(folder.with_name(f"{folder.name}-classes.png"), data["title"], totals, "images")]
    kept = "kept" if data["stage"] == "semantic" else "records"
    totals = {name: counts[kept] for name, counts in data["classes"].items()}
    plots = [draw_classes(folder / "classes.png", data["title"], totals, "records")]
    news = [counts.get("new_by_prompt") for counts in data["classes"].values()]
    if data["stage"] == "semantic" and all(news) and len(news[0]) > 1:
        plots.append(draw_prompts(folder / "prompts.png", data["title"], news))
    return plots


def draw_classes(path: Path, title: str, totals: dict[str, int], noun: str) -> Path:
    """One bar per class, largest first, with the names beside the bars if there are few enough."""
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    names, counts = [name for name, _ in ranked], [count for _, count in ranked]
    median = sorted(counts)[len(counts) // 2]
    skewed = counts[0] > SKEWED * max(1, median)
    if len(names) <= LABELLED:
        figure, axes = new_figure(7, 1.2 + 0.2 * len(names))
        axes.barh(range(len(names)), counts, color=BAR)
        axes.set_yticks(range(len(names)), [plain(name, LONGEST_NAME) for name in names], fontsize=8)
        axes.set_ylim(len(names) - 0.4, -0.6)
        count_axis, label = axes.xaxis, axes.set_xlabel
        if skewed:
            axes.set_xscale("symlog", linthresh=1)
    else:
        figure, axes = new_figure(9, 4)
        axes.bar(range(1, len(names) + 1), counts, width=1.0, color=BAR)
        axes.set_xlim(0.5, len(names) + 0.5)
        axes.set_xlabel(f"{len(names):,} classes by rank; {sum(count == 0 for count in counts):,} with none")
        axes.axhline(median, color=INK, linewidth=0.8, linestyle="--")
        axes.annotate(f"median {median:,}", (len(names), median), ha="right", va="bottom", fontsize=8)
        count_axis, label = axes.yaxis, axes.set_ylabel
        if skewed:
            axes.set_yscale("symlog", linthresh=1)
    count_axis.set_major_formatter("{x:,.0f}")
    label(f"{noun} per class")
    return save(figure, axes, path, f"{title[:LONGEST_NAME]}: {sum(counts):,} {noun} in {len(names):,} classes")


def draw_prompts(path: Path, title: str, news: list[list[int]]) -> Path:
    """Share of a class's rows that its first 1, 2, … prompts found: the median, and the middle half of the classes.

    Args:
        news: per class, the rows that each prompt was the first to find.
    """
    width = max(map(len, news))  # classes with seed images have more
    found = np.array([values + [0] * (width - len(values)) for values in news if sum(values)]).cumsum(axis=1)
    shares = found / found[:, -1:]
    low, middle, high = np.quantile(shares, (0.25, 0.5, 0.75), axis=0)
    numbers = np.arange(1, width + 1)
    figure, axes = new_figure(7, 4)
    axes.fill_between(numbers, low, high, color=BAND, linewidth=0, label="middle half of the classes")
    axes.plot(numbers, middle, color=BAR, marker="." if width <= LABELLED else None, label="median class")
    axes.plot(numbers, found.sum(axis=0) / found[:, -1].sum(), color=INK, linestyle=":", label="all classes together")
    axes.set(
        xlim=(1, width), ylim=(0, 1.02), xlabel="number of prompts", ylabel="share of the rows that all prompts find"
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.legend(frameon=False, loc="lower right")
    return save(figure, axes, path, f"{title[:LONGEST_NAME]}: {found[:, -1].sum():,} rows, {width:,} prompts per class")


def new_figure(width: float, height: float):
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    return figure, figure.subplots()


def plain(text: str, most: int) -> str:
    """A class name or title as one line of ordinary letters: no formulas, no line breaks, no halves of characters."""
    letters = text[:most].encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in letters).replace("$", r"\$")


def save(figure, axes, path: Path, title: str) -> Path:
    axes.set_title(plain(title, LONGEST_TITLE), fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    with complete_file(path) as beside, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class name in letters that the font lacks
        figure.savefig(beside, format="png", metadata={"Software": None})  # the same bytes with every version
    return path
