"""The flags of the substring filter, and what they alone can get wrong. Standard library only."""

from pathlib import Path

from retrieval.cli import UserError, add_array_flags, add_talk_flags, array_place
from retrieval.columns import add_column_flags, add_list_flag
from retrieval.files import writable_folder
from retrieval.queries import MATCH_MODES
from retrieval.run_folder import add_overwrite_flag
from retrieval.substring.shard_sources import read_sources
from retrieval.wandb_run import add_wandb_flags, check_wandb


def add_flags(parser) -> None:
    parser.add_argument("-o", "--output", metavar="FOLDER", help="folder for the chunks and the manifest")
    _add_class_flags(parser.add_argument_group("the classes"))
    parser.add_argument("-d", "--pool", "--dbs", dest="dbs", nargs="+", required=True, metavar="SHARD",
                        help="shards: paths, addresses (hf:// https:// s3:// gs://), quoted globs of both")  # fmt: skip
    _add_match_flags(parser.add_argument_group("which rows"))
    _add_work_flags(parser.add_argument_group("how the work is done"))
    _add_check_flags(parser.add_argument_group("a look at the classes before the run"))
    add_overwrite_flag(parser)
    add_array_flags(parser)
    add_talk_flags(parser)
    add_wandb_flags(parser)


def _add_class_flags(group) -> None:
    group.add_argument(
        "-q", "--query", metavar="NAMES",
        help="a template's name (with --template), a|b|c, or a file with one class name per line",
    )  # fmt: skip
    group.add_argument("--template", action="store_true", help="--query is a template's name")
    group.add_argument("--template-dir", metavar="FOLDER", help="a folder with your own templates")
    group.add_argument("--classes", nargs="+", metavar="CLASS", help="only these classes of the template")
    group.add_argument(
        "--names-only", nargs="?", const="own", choices=("own", "all"), help="search for names as they are, without "
        "class_map: each class's own name (own, the same as nothing), or its synonyms too (all)"
    )  # fmt: skip
    group.add_argument(
        "--language", metavar="CODE", help="search for a template's classes by their names in this language: de, ja … "
        "(ImageNet has 92)"
    )  # fmt: skip
    group.add_argument(
        "--skip-bad-queries", action="store_true", help="leave out classes whose class_map query does not parse, and "
        "end with exit code 1"
    )  # fmt: skip


def _add_match_flags(group) -> None:
    group.add_argument(
        "--match",
        choices=MATCH_MODES,
        default="substring",
        help="what counts as a match, see docs/match_modes.md (default: %(default)s)",
    )
    add_column_flags(group)
    add_list_flag(group)
    group.add_argument(
        "--where", metavar="SQL", help="keep only rows where this DuckDB expression over the pool's own columns holds: "
        "\"least(width, height) >= 200 AND language = 'en'\"; NULL is dropped"
    )  # fmt: skip
    group.add_argument("-n", "--quantity", type=int, metavar="N", help="keep only the first N records of each class")
    group.add_argument(
        "--select-random", type=int, metavar="N", help="instead of --query: a uniform sample of N rows of the pool"
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="random seed of --select-random (default: %(default)s)"
    )


def _add_work_flags(group) -> None:
    group.add_argument("--workers", type=int, metavar="N", help="number of processes (default: one per core)")
    group.add_argument("--tmp", metavar="DIR", help="copy each shard to this fast disk while it is scanned")
    group.add_argument("--download-dbs", action="store_true", help="download missing shards (with gdrive)")
    group.add_argument(
        "--shard-sources", type=Path, metavar="FILE", help="JSON {shard name: Drive id | https://… | path}"
    )
    group.add_argument("--do-cleanup", action="store_true", help="remove downloaded shards after their scan")
    group.add_argument(
        "--no-hits", action="store_true", help="remove OUTPUT/.hits when all is done: half the disk, and a run with "
        "more shards later scans all of them again"
    )  # fmt: skip


def _add_check_flags(group) -> None:
    group.add_argument(
        "--check", action="store_true", help="write nothing: search a sample and print what is wrong with the classes"
    )
    group.add_argument(
        "--suggest-names", action="store_true", help="with --check: propose names that people may write for each class"
    )
    group.add_argument(
        "--wordnet", type=Path, metavar="DIR", help="with --check: the folder of WordNet's index.noun and data.noun "
        "(default: /usr/share/wordnet, if it is there)"
    )  # fmt: skip
    group.add_argument(
        "--pool-rows", type=int, metavar="N", help="with --check: estimate counts for N rows (default: those of --dbs)"
    )


# ---- what is wrong ----


def check_flags(args) -> tuple[int, int]:
    """(job_idx, total_jobs), after everything that the flags alone can get wrong.

    Raises:
        UserError: names the flag and the way out.
    """
    place = array_place(args.job_idx, args.total_jobs)
    if not args.output and not args.check:
        raise UserError("give --output, the folder for the chunks and the manifest (only --check writes nothing)")
    _refuse_around_check(args)
    _refuse_selections(args, total_jobs=place[1])
    if (args.shard_sources or args.do_cleanup) and not args.download_dbs:
        raise UserError("--shard-sources and --do-cleanup are about downloaded shards: add --download-dbs")
    if args.shard_sources:
        read_sources(args.shard_sources)
    check_wandb(args)
    if args.tmp:
        writable_folder(args.tmp, "--tmp")
    return place


def _refuse_around_check(args) -> None:
    """Flags that --check cannot obey, and those that only it can."""
    if args.check and (args.query is None or args.download_dbs):
        raise UserError(
            "--check looks for --query's classes in shards that are there: leave --select-random and --download-dbs out"
        )
    if (args.suggest_names or args.wordnet) and not args.check:
        raise UserError("--suggest-names and --wordnet are about a sample of captions: add --check")
    if args.check and args.where:
        raise UserError("--check looks at captions alone: leave --where out")


def _refuse_selections(args, total_jobs: int) -> None:
    """Flags that contradict each other about what is selected: classes or a sample, and how much of it."""
    if (args.query is None) == (args.select_random is None):
        raise UserError("give either --query (what to look for) or --select-random N (a control set)")
    for flag in ("quantity", "select_random", "workers"):
        value = getattr(args, flag)
        if value is not None and value < 1:
            raise UserError(f"--{flag.replace('_', '-')} must be at least 1, not {value}")
    if args.quantity and total_jobs > 1:
        raise UserError("-n keeps the first of all shards in order, which the jobs of an array do not see: "
                        "run one job, or leave -n out and cap classes in download_urls_img2dataset.py --n")  # fmt: skip
    if args.select_random and (args.names_only or args.skip_bad_queries or args.language):
        raise UserError("--names-only, --language and --skip-bad-queries are about classes, and --select-random has "
                        "none: leave them out")  # fmt: skip
    if args.language and args.names_only:
        raise UserError("--language takes the names of that language, without queries: leave --names-only out")
    if args.quantity and args.select_random:
        raise UserError("-n is per class and --select-random has no classes: leave one out")
