"""One run of the downloader: what its flags mean, and where everything is. Standard library only."""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

from retrieval.dataset_files import SPLITS
from retrieval.download.command_line import choice_of, fetch_settings_of, resize_settings_of
from retrieval.download.settings import Choice, FetchSettings, ResizeSettings
from retrieval.files import settings_fingerprint


@dataclass(frozen=True)
class Run:
    """What all steps share. A flag that only one step reads is in `flags`."""

    flags: argparse.Namespace
    choice: Choice
    resize: ResizeSettings
    fetching: FetchSettings
    sources: list[Path]  # --r
    work: Path  # --w
    rounds: Path  # in `work`: what was fetched and stored with these settings
    output: Path  # --dataset-output
    dataset: Path  # the ImageFolder: `output`, or with --webdataset a folder of `work`
    splits: tuple[str, ...]  # with --val-fraction the folders above the class folders


def run_of(flags: argparse.Namespace) -> Run:
    """All that the flags mean.

    Raises:
        UserError: a value of --nsfw-tags is no tag.
    """
    resize = resize_settings_of(flags)
    work, output = Path(flags.w).absolute(), Path(flags.dataset_output).absolute()
    return Run(
        flags=flags,
        choice=choice_of(flags),
        resize=resize,
        fetching=fetch_settings_of(flags),
        sources=[Path(folder) for folder in flags.r],
        work=work,
        rounds=rounds_folder(work, resize, opt_outs=not flags.ignore_opt_outs),
        output=output,
        dataset=work / "imagefolder" if flags.webdataset else output,
        splits=SPLITS if flags.val_fraction else (),
    )


def rounds_folder(work: Path, resize: ResizeSettings, opt_outs: bool) -> Path:
    """Where the rounds of these settings are. What was fetched without heeding opt-outs is kept apart."""
    name = f"images-{settings_fingerprint(asdict(resize))}"
    return work / (name if opt_outs else f"{name}-opt-outs-ignored")


def dataset_settings(run: Run) -> dict:
    """What a dataset folder holds to: the settings of its images, how it is split, whether opt-outs were ignored."""
    others = {"val_fraction": run.flags.val_fraction, "ignore_opt_outs": run.flags.ignore_opt_outs}
    return as_json(run.resize) | {name: value for name, value in others.items() if value}


def as_json(resize: ResizeSettings) -> dict:
    """The settings as JSON values: no limit is null, because JSON has no infinity."""
    return {name: None if value == float("inf") else value for name, value in asdict(resize).items()}
