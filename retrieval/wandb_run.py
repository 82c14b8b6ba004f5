"""--wandb: log what a stage counted as a run of Weights & Biases. wandb is imported only with --wandb.

The run's configuration is the settings, its summary the counts, and it has a table with one row per class. WANDB_MODE,
WANDB_DIR and wandb's other variables work as usual. With WANDB_MODE=offline the run waits in the folder for
`wandb sync`.
"""

import contextlib
import os
from pathlib import Path

from retrieval.cli import UserError, say_always


def add_wandb_flags(parser) -> None:
    group = parser.add_argument_group("Weights & Biases")
    group.add_argument("--wandb", action="store_true", help="log a run with the stage's counts")
    group.add_argument("--wandb-project", default="visual-category-retrieval", help="default %(default)s")


def check_wandb(flags) -> None:
    """Check in the first second that there is an account to log to.

    Raises:
        UserError: there is none, and wandb is not offline.
    """
    if flags.wandb and os.environ.get("WANDB_MODE", "online") == "online" and not _key():
        raise UserError("--wandb has no account: run `wandb login` first, or set WANDB_MODE=offline")


def _key() -> str | None:
    import netrc

    with contextlib.suppress(OSError, netrc.NetrcParseError):
        host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").partition("://")[2].strip("/")
        if found := netrc.netrc().authenticators(host):
            return found[2]
    return os.environ.get("WANDB_API_KEY")


def log_manifest(flags, folder: Path, manifest) -> None:
    """Log a job of a filter: settings (without the lists of classes and queries), counts and coverage."""
    settings = {key: value for key, value in manifest.settings.items() if not isinstance(value, (list, dict))}
    name = folder.name if manifest.total_jobs == 1 else f"{folder.name}-{manifest.job_idx}-of-{manifest.total_jobs}"
    coverage = manifest.coverage | {"missing": len(manifest.coverage["missing"])}
    log_counts(flags, folder, manifest.stage, name, settings, manifest.counts | {"coverage": coverage})


def log_counts(flags, folder: Path, stage: str, name: str, settings: dict, counts: dict) -> None:
    """Log one run if --wandb is given. A failure of wandb is a warning: the stage itself has succeeded.

    Args:
        folder: where wandb keeps its files, unless WANDB_DIR is set.
        counts: numbers, and dictionaries of numbers. Of `classes`, {class: {...}}, the numbers become the table.
    """
    if not flags.wandb:
        return
    import wandb

    classes = counts.get("classes", {})
    columns = [key for key, value in next(iter(classes.values()), {}).items() if isinstance(value, (int, float))]
    summary = {key: value for key, value in counts.items() if key != "classes"}
    try:
        with wandb.init(
            project=flags.wandb_project,
            job_type=stage,
            name=name,
            config=settings,
            dir=os.environ.get("WANDB_DIR", str(folder)),
            settings=wandb.Settings(silent=True, console="off"),
        ) as run:
            rows = [[class_name, *(of_class.get(key) for key in columns)] for class_name, of_class in classes.items()]
            run.log({"classes": wandb.Table(columns=["class", *columns], data=rows)})
            run.summary.update(summary)
    except wandb.errors.Error as error:
        say_always(f"warning: wandb logged nothing: {error}")
