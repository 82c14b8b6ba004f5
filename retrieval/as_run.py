"""The command of a run, for its account: how to do it again, without secrets. Standard library only.

Left out is what says where a result goes and how fast it comes: so runs with the same records have the same account.
"""

import argparse
import re

from retrieval.remote_address import shown

# The same in all stages: places, speed, talk. `dest` names of argparse. --dbs is known from the manifest's inputs.
OF_NO_RESULT = {
    *(
        "output",
        "output_dir",
        "r",
        "w",
        "dataset_output",
        "tmp",
        "no_hits",
        "overwrite",
        "check",
        "pool_rows",
        "dry_run",
    ),
    *(
        "download_dbs",
        "shard_sources",
        "do_cleanup",
        "retry_failed",
        "rename_old_keys",
        "talk",
        "wandb",
        "wandb_project",
    ),
    *("dbs", "workers", "job_idx", "total_jobs", "nthreads", "nprocesses", "distributor", "device", "batch_size"),
}
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")
_TOKEN = re.compile(r"\b(hf_|Bearer )\w{8,}")


def command_as_run(parser: argparse.ArgumentParser, flags: argparse.Namespace) -> list[str]:
    """The script's name, and its flags that are not the defaults, in the order of --help."""
    words = [parser.prog]
    for action in parser._actions:
        value = getattr(flags, action.dest, action.default)
        if not action.option_strings or action.dest in OF_NO_RESULT or value == action.default:
            continue
        words.append(max(action.option_strings, key=len))
        if action.nargs != 0 and not (action.nargs == "?" and value == action.const):
            words += [without_secrets(str(one)) for one in (value if isinstance(value, list) else [value])]
    return words


def without_secrets(word: str) -> str:
    """A word of a command without the passwords, signatures and tokens of the addresses in it."""
    return _TOKEN.sub("", _ADDRESS.sub(lambda found: shown(found[0]), word))
