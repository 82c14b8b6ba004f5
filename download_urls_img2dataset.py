"""Download what the filters selected, into a folder that torchvision's ImageFolder loads.

In:  --r              output folders of filter_laion_metadata_substring.py or …_semantic.py, any number of them
     --w              a work folder: what img2dataset fetched, and what came of every URL
Out: --dataset-output one folder per class with <key>.jpg in it, metadata.json, metadata.jsonl, report.json

    python download_urls_img2dataset.py --r outputs/filtered_metadata_substring/DTD --w /tmp/laion-dl/DTD --dataset-output outputs/retrieved_data_substring/DTD --wandb
    python download_urls_img2dataset.py --r outputs/substring/DTD outputs/semantic/DTD --w /tmp/both --dataset-output outputs/both --combine rrf --fill 500 --dry-run

Rows tagged NSFW, untagged rows, URLs that are not http(s) and hosts of private networks are dropped before any request.
Several --r folders are combined (--combine), and a class has a cap (--max-per-class) or is filled (--fill) with its best
ranked images, with a sample, or with images that differ (--prefer, --diverse). What looks the same is kept once
(--near-duplicates), what looks like a test set's images not at all (--exclude).
Each URL is asked for once, however many rows and classes want it. The same command again goes on where it was stopped;
more --r folders later fetch only what is new. Every row that was read ends in one count of report.json.
"""  # noqa: E501 - commands as they are typed

import contextlib
import errno
import fcntl
import functools
import importlib.util
import json
import os
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from retrieval.class_folders import class_folders
from retrieval.cli import (
    UserError,
    add_talk_flags,
    command,
    parse_flags,
    parser_for,
    progress,
    say,
    say_always,
    say_more,
)
from retrieval.download.fetch_rounds import LOST, PASSING, ROUND_URLS, Picture, Web, close_rounds, run_round
from retrieval.download.image_folder import place, write_metadata
from retrieval.download.perceptual_hash import (
    MOST_BITS,
    NEAR_BITS,
    Looks,
    drop_lookalikes,
    forget_lookalikes,
    hash_excluded,
)
from retrieval.download.plan import (
    Choice,
    begin_fill,
    choose,
    count_classes,
    count_dropped,
    count_embedded,
    count_hosts,
    count_outcome,
    count_to_fetch,
    count_urls,
    end_fill,
    forget_vanished,
    go_further,
    judge,
    kept_entries,
    list_classes,
    open_database,
    read_chunks,
    read_placed,
    read_results,
    still_placed,
    to_place,
    write_url_list,
)
from retrieval.download.tar_shards import write_tars
from retrieval.files import read_json, settings_fingerprint, writable_folder, write_json
from retrieval.records import read_manifests
from retrieval.report import write_report
from retrieval.wandb_run import add_wandb_flags, check_wandb, log_counts

IMAGE_SIZE = 256  # shortest side: what 224-pixel training crops are taken from
ENCODE_QUALITY = 95  # img2dataset's default
THREADS = 64  # a process; img2dataset's default of 256 drowns a small machine's resolver
TIMEOUT = 10  # seconds for one answer of the network; img2dataset's default
DEADLINE = 30  # seconds for one URL in all
MAX_MEGABYTES = 20  # a web photograph has 0.1 to 5; two threads' worth of such answers wait in memory at worst
HOSTS_SHOWN = 100
LOCK_SECONDS = 5  # a fetching process whose run was killed notices within half a second, and lets go of the work folder


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--r", nargs="+", required=True, metavar="FOLDER", help="folders with chunk_*.json")
    parser.add_argument("--w", required=True, metavar="FOLDER", help="work folder; may be on another disk")
    parser.add_argument("--dataset-output", required=True, metavar="FOLDER", help="the ImageFolder to make")
    parser.add_argument("--webdataset", action="store_true", help="make tars instead; the ImageFolder stays in --w")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument("--allow-partial", action="store_true", help="read filter runs that miss jobs or shards")

    group = parser.add_argument_group("what is wanted")
    group.add_argument("--n", type=_at_least(1), help="at most so many images in all")
    group.add_argument("--max-per-class", type=_at_least(1), metavar="N", help="at most so many of each class")
    group.add_argument("--fill", type=_at_least(1), metavar="N",
                       help="go down each class's list (see --prefer, --combine rrf) until N live images are in its "
                       "folder; with --max-per-class M no further than M")  # fmt: skip
    group.add_argument("--diverse", metavar="EMBEDDINGS_DIR",
                       help="what --max-per-class or --fill keeps are images that differ: greedy farthest point over "
                       "the img_emb*.npy (else text_emb*.npy) that the semantic filter's index was built from; rows "
                       "of the substring filter have none and come last")  # fmt: skip
    group.add_argument("--balance", type=_at_least(1), metavar="T",
                       help="keep each of a class's n images with probability T/n (MetaCLIP's balancing)")  # fmt: skip
    group.add_argument("--combine", choices=("union", "intersection", "rrf"), default="union",
                       help="several --r folders: what any of them holds, what all of them hold, or what any holds, "
                       "a cap keeping the best by reciprocal rank fusion (default %(default)s)")  # fmt: skip
    group.add_argument("--prefer", choices=("sample", "score"), default="sample",
                       help="what a cap keeps: a random sample, or the best ranked (default %(default)s)")  # fmt: skip
    group.add_argument("--seed", type=int, default=0, help="of the random sample (default %(default)s)")
    group.add_argument("--conflict", choices=("all", "first", "best", "drop"), default="all",
                       help="an image that several classes ask for goes to all of them, to the first that asked, to "
                       "the one that ranks it best, or to none (default %(default)s)")  # fmt: skip
    group.add_argument("--nsfw-tags", nargs="+", default=["NSFW"], metavar="TAG",
                       help="values of NSFW that are never fetched (default NSFW; LAION also has UNSURE)")  # fmt: skip
    group.add_argument("--max-punsafe", type=float, metavar="P",
                       help="fetch no row whose punsafe score is above P (0 to 1; a pool without tags has those of 0.5 "
                       "and more tagged NSFW already); a row with a score then needs no tag")  # fmt: skip
    group.add_argument("--allow-untagged", action="store_true", help="also fetch rows whose NSFW is null")
    group.add_argument("--allow-private-hosts", action="store_true",
                       help="also fetch from loopback, link-local and private addresses")  # fmt: skip
    group.add_argument("--near-duplicates", nargs="?", type=_at_least(0), const=NEAR_BITS, metavar="BITS",
                       help="of a class's images that look the same, whose perceptual hashes differ in at most BITS of "
                       f"64 bits, keep the first of its list (BITS {NEAR_BITS} where none is given); those that are "
                       "in the folder already come first and lose their own near-duplicates too")  # fmt: skip
    group.add_argument("--exclude", nargs="+", default=[], metavar="FOLDER",
                       help="keep no image that looks like one in these folders, however deep: a test set (within BITS "
                       f"of --near-duplicates, else {NEAR_BITS}); what an earlier run placed is removed, and "
                       "comes back when a later run leaves --exclude out")  # fmt: skip

    group = parser.add_argument_group("img2dataset")
    group.add_argument("--nthreads", type=_at_least(1), default=THREADS, help="a process (default %(default)s)")
    group.add_argument("--distributor", choices=("multiprocessing", "ray", "pyspark"), default="multiprocessing",
                       help="who runs the processes: this machine, or a cluster that shares its disk with it, as "
                       "RAY_ADDRESS or PYSPARK_SUBMIT_ARGS say (default %(default)s)")  # fmt: skip
    group.add_argument("--nprocesses", type=_at_least(1), default=os.cpu_count() or 1, help="default: one a core")
    group.add_argument("--image-size", type=_at_least(1), default=IMAGE_SIZE, help="pixels (default %(default)s)")
    group.add_argument("--resize-mode", default="keep_ratio",
                       choices=("keep_ratio", "keep_ratio_largest", "center_crop", "border", "no"),
                       help="default %(default)s: the shortest side becomes --image-size; border pads")  # fmt: skip
    group.add_argument("--encode-quality", type=_at_least(1), default=ENCODE_QUALITY, help="JPEG (default %(default)s)")
    group.add_argument("--min-image-size", type=_at_least(0), default=0, metavar="PIXELS",
                       help="drop images whose shorter side is less (default: none)")  # fmt: skip
    group.add_argument("--max-aspect-ratio", type=float, default=float("inf"), metavar="RATIO",
                       help="drop images longer than this times their shorter side (default: none)")  # fmt: skip
    group.add_argument("--timeout", type=_at_least(1), default=TIMEOUT, help="seconds a silence (default %(default)s)")
    group.add_argument("--deadline", type=_at_least(1), default=DEADLINE, help="seconds a URL (default %(default)s)")
    group.add_argument("--max-megabytes", type=_at_least(1), default=MAX_MEGABYTES, metavar="MB",
                       help="of one answer (default %(default)s)")  # fmt: skip
    group.add_argument(
        "--retries", type=_at_least(0), default=0, help="at once, of what may pass (default %(default)s)"
    )
    group.add_argument("--retry-failed", nargs="*", metavar="REASON",
                       help="ask again what an earlier run could not get for a reason that may pass (timeouts, DNS, "
                       "connections, HTTP 408, 425, 429 and 5xx), or for the given reasons of report.json")  # fmt: skip
    add_wandb_flags(parser)
    add_talk_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    check(flags)
    choice = Choice(
        tuple(flags.nsfw_tags), flags.allow_untagged, flags.allow_private_hosts, flags.conflict, flags.balance,
        flags.max_per_class, flags.n, flags.prefer, flags.seed, combine=flags.combine, fill=flags.fill,
        max_punsafe=flags.max_punsafe, diverse=bool(flags.diverse),
    )  # fmt: skip
    picture = Picture(
        flags.image_size, flags.resize_mode, flags.encode_quality, flags.min_image_size, flags.max_aspect_ratio
    )
    web = Web(
        flags.distributor, flags.nthreads, flags.nprocesses, flags.timeout, flags.retries, flags.deadline,
        flags.max_megabytes << 20, flags.allow_private_hosts, flags.wandb, flags.wandb_project,
    )  # fmt: skip
    work, output = Path(flags.w).absolute(), Path(flags.dataset_output).absolute()
    dataset = work / "imagefolder" if flags.webdataset else output
    sources = [Path(folder) for folder in flags.r]
    rounds = work / f"images-{settings_fingerprint(asdict(picture))}"
    embeddings = open_diverse(flags.diverse, sources) if flags.diverse else None
    looks = open_looks(flags)

    writable_folder(work, "--w")
    with locked(work, "--w") as lock, contextlib.closing(open_database(work / "plan.duckdb")) as database:
        earlier = earlier_report(dataset, picture)
        read = read_chunks(database, sources, choice, flags.allow_partial)
        read_placed(database, dataset, earlier["folders"])
        unwanted = forget_lookalikes(database, looks, rounds, dataset) if looks else []
        choose(database, choice, embeddings)
        list_classes(database, choice)
        read_results(database, close_rounds(rounds), retried(flags.retry_failed))
        forget_vanished(database, rounds)
        say_plan(database, read, choice)
        if flags.dry_run:
            return 0

        writable_folder(output, "--dataset-output")
        dataset.mkdir(exist_ok=True)
        with locked(dataset, "--dataset-output"):
            clear_remains(dataset, output)
            write_json(dataset / "settings.json", asdict(picture))
            fetch_wanted = functools.partial(fetch, database, rounds, picture, web, lock)
            judge_wanted = functools.partial(judge_images, database, looks, rounds)
            if choice.fill:
                lost = fill(database, choice.fill, fetch_wanted, judge_wanted)
            else:
                lost = fetch_wanted()
                judge_wanted()
            classes = count_classes(database)
            folders = class_folders(classes, earlier["folders"])
            remove(unwanted)
            placed = place_images(database, rounds, dataset, folders)
            images = write_metadata(dataset, kept_entries(database), still_placed(database), folders)
            kept, failed = count_outcome(database)
            dropped = count_dropped(database) + failed
            totals = {
                "rows_read": read,
                "kept": kept,
                "dropped": dict(sorted(dropped.items())),
                "urls": count_urls(database),
                "images": images,
                "classes": {name: counts | {"folder": folders[name]} for name, counts in classes.items()},
            }
            about = {
                "folders": dict(sorted(folders.items())),
                "hosts": count_hosts(database, HOSTS_SHOWN),
                "stages": stages(sources),
            }
            write_json(dataset / "report.json", totals | about)
            page = write_report(dataset)
            if flags.webdataset:
                say(f"{write_tars(dataset, output):,} tars in {output}")
    log_counts(flags, work, "download", output.name, asdict(picture), totals)
    for name, counts in classes.items():
        say_more(f"{name}: {counts['asked']:,} asked, {counts['live']:,} alive, {counts['kept']:,} kept")
    say(f"to look at: {page}")
    return report(dataset, read, kept, dropped, placed, images, lost)


def _at_least(least: int):
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise ValueError
        return value

    number.__name__ = f"whole number from {least}"  # argparse puts it into its sentence
    return number


# ---- check ----


def check(flags) -> None:
    """Refuse in the first second what would fail, or be regretted, later."""
    work, dataset = Path(flags.w).resolve(), Path(flags.dataset_output).resolve()
    if work == dataset or dataset in work.parents:
        raise UserError(f"--w {flags.w} is inside --dataset-output, where each folder is a class: give another one")
    if (dataset / ("settings.json" if flags.webdataset else "classes.txt")).exists():
        kinds = ("an ImageFolder", "tars") if flags.webdataset else ("tars", "an ImageFolder")
        raise UserError(
            f"--dataset-output {flags.dataset_output} holds {kinds[0]}, not {kinds[1]}: give another folder"
        )
    if flags.encode_quality > 100:
        raise UserError("--encode-quality is a JPEG quality from 1 to 100")
    if flags.distributor != "multiprocessing" and not importlib.util.find_spec(flags.distributor):
        raise UserError(
            f"--distributor {flags.distributor} needs a package that is not here: pip install {flags.distributor} "
            "(requirements-cluster.txt has ray)"
        )
    if not flags.max_aspect_ratio >= 1:
        raise UserError("--max-aspect-ratio is longer side over shorter side: 1 or more")
    if flags.diverse and not (flags.max_per_class or flags.fill):
        raise UserError("--diverse says which images a class keeps: say how many with --max-per-class or --fill")
    if (flags.near_duplicates or 0) > MOST_BITS:
        raise UserError(f"--near-duplicates {flags.near_duplicates}: more than {MOST_BITS} bits differ between images "
                        "that have little in common")  # fmt: skip
    for folder in map(Path, flags.exclude):
        if not folder.is_dir():
            raise UserError(f"--exclude {folder} is not a folder")
        for other, flag in ((dataset, "--dataset-output"), (work, "--w")):
            if folder.resolve() in (other, *other.parents) or other in folder.resolve().parents:
                raise UserError(f"--exclude {folder} overlaps with {flag}: its images would exclude themselves")
    if flags.max_punsafe is not None and not 0 <= flags.max_punsafe <= 1:
        raise UserError("--max-punsafe is a probability from 0 to 1")
    if flags.combine == "intersection" and len(flags.r) == 1:
        say("note: --combine intersection changes nothing with one --r folder")
    if flags.combine == "rrf" and not (flags.max_per_class or flags.fill or flags.n or flags.conflict == "best"):
        say("note: --combine rrf says what a cap keeps: without --max-per-class, --fill or --n it changes nothing")
    check_wandb(flags)


def open_looks(flags) -> Looks | None:
    """What --near-duplicates and --exclude drop; None without them."""
    if flags.near_duplicates is None and not flags.exclude:
        return None
    bits = NEAR_BITS if flags.near_duplicates is None else flags.near_duplicates
    excluded = hash_excluded([Path(folder) for folder in flags.exclude], flags.resize_mode)
    return Looks(bits, flags.near_duplicates is not None, excluded)


def open_diverse(folder: str, sources: list[Path]):
    """The embeddings that --diverse compares: the pictures' own where the folder has them, else the captions'.

    Raises:
        UserError: a folder without them, or records of several pools, whose row numbers are not told apart.
    """
    from retrieval.embeddings import embedding_paths, open_embeddings

    pools = {pool for source in sources for run in read_manifests(source) for pool in run["settings"].get("pools", ())}
    if len(pools) > 1:
        raise UserError(f"--diverse has one pool's embeddings, and --r has records of {', '.join(sorted(pools))}")
    found = embedding_paths(folder, ["image_index", "text_index"], "--diverse")
    return open_embeddings(found.get("image_index") or found["text_index"])


@contextlib.contextmanager
def locked(folder: Path, flag: str):
    """Hold the folder for this run alone; gives the lock's file descriptor."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        for seconds_left in reversed(range(LOCK_SECONDS + 1)):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if not seconds_left:
                    raise UserError(f"another run is using {flag} {folder}: wait for it, or give another") from error
                time.sleep(1)
            except OSError:  # a network disk without locks; two runs there are the user's to avoid
                say(f"warning: {folder} cannot be locked: start no second run in it")
                break
        yield descriptor
    finally:
        os.close(descriptor)


def clear_remains(*folders: Path) -> None:
    """Remove what a killed run was writing: complete_file's temporary files, of metadata, of tars, of copied images."""
    for folder in folders:
        for part in (*folder.glob(".*.part"), *folder.glob("*/.*.part")):
            part.unlink(missing_ok=True)


def earlier_report(dataset: Path, picture: Picture) -> dict:
    """What an earlier run left in the dataset folder, or an empty account.

    Raises:
        UserError: its images were made with other settings.
    """
    settings = dataset / "settings.json"
    if settings.exists():
        wanted = json.loads(json.dumps(asdict(picture)))
        for name, value in read_json(settings).items():
            if wanted.get(name) != value:
                raise UserError(
                    f"{dataset} holds images made with --{name.replace('_', '-')} {value}, not {wanted.get(name)}: "
                    "give another --dataset-output"
                )
    report = dataset / "report.json"
    return read_json(report) if report.exists() else {"folders": {}}


def retried(reasons: list[str] | None) -> tuple:
    """What --retry-failed makes the run forget: nothing, what may pass, or the reasons given."""
    if reasons is None:
        return ()
    return tuple(reasons) or (*PASSING, *(f"HTTP {code}" for code in range(500, 600)))


# ---- plan ----


def say_plan(database, read: int, choice: Choice) -> None:
    wanted, classes = database.execute(
        "SELECT count(*), count(DISTINCT class) FROM pairs WHERE bucket IS NULL"
    ).fetchone()
    urls = count_to_fetch(database)
    say(f"rows read: {read:,}")
    for reason, count in count_dropped(database).most_common():
        say(f"    {reason}: {count:,}")
    say(f"wanted: {wanted:,} images of {classes:,} classes; {urls:,} URLs to fetch")
    if choice.diverse:
        pairs, embedded = count_embedded(database)
        say(f"--diverse: {embedded:,} of these {pairs:,} have an embedding; others come after them in their class")
    if choice.fill:
        say(f"--fill {choice.fill}: of these as many as give each class {choice.fill:,} live images")


# ---- do ----


def fill(database, most: int, fetch_wanted, judge_wanted) -> int:
    """Fetch the beginning of each class's list, and more of it where too little was alive, until each class is full.

    Returns:
        int: URLs that were lost.
    """
    begin_fill(database, most)
    while True:
        lost = fetch_wanted()
        judge_wanted()
        if lost or not go_further(database, most):
            break
    end_fill(database, most, judge_wanted)
    short = [name for name, counts in count_classes(database).items() if counts["kept"] < most]
    if short and not lost:
        say(f"--fill {most}: {len(short):,} classes have fewer, as their lists end (first: {short[0]})")
    return lost


def fetch(database, rounds: Path, picture: Picture, web: Web, lock: int) -> int:
    """Fetch what is wanted, a round at a time, until every URL is answered or img2dataset fails.

    Returns:
        int: URLs that were lost.
    """
    with progress(count_to_fetch(database), "URLs", "fetching") as more:
        while True:
            number = 1 + len(list(rounds.glob("round-*.parquet")))
            folder = rounds / f"round-{number:05d}"
            folder.mkdir(parents=True, exist_ok=True)
            urls = write_url_list(database, folder / "urls.parquet", ROUND_URLS)
            if not urls:
                folder.rmdir()
                return 0
            answered, lost = run_round(folder, urls, picture, web, lock, more)
            read_results(database, close_rounds(rounds), ())
            say(f"fetched: {answered:,} of {urls:,} URLs answered")
            if lost:
                return lost


def judge_images(database, looks: Looks | None, rounds: Path) -> None:
    """Say of every wanted pair whether it is kept, or why not."""
    judge(database, LOST)
    if looks:
        drop_lookalikes(database, looks, rounds)


def remove(unwanted: list[Path]) -> None:
    """Remove images that an earlier run placed; no class folder stays empty, as ImageFolder refuses one."""
    for path in unwanted:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty
            path.parent.rmdir()
    if unwanted:
        say(f"removed: {len(unwanted):,} images that an earlier run placed, for --exclude or --near-duplicates")


def place_images(database, rounds: Path, dataset: Path, folders: dict[str, str]) -> int:
    """Give every kept image its place in its class's folder; a URL of several classes is on disk once."""
    placed = 0
    made, last_file, last_target = set(), None, None
    try:
        for key, name, file, placed_folder, placed_key in to_place(database):
            if name not in made:
                (dataset / folders[name]).mkdir(exist_ok=True)
                made.add(name)
            target = dataset / folders[name] / f"{key}.jpg"
            source = dataset / placed_folder / f"{placed_key}.jpg" if placed_folder else rounds / file
            # From the second class on, link to the first one's image: the work folder may be on another disk.
            placed += place(last_target if last_file == source else source, target)
            last_file, last_target = source, target
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise UserError("the disk of --dataset-output is full: make room; the same command goes on") from error
        raise
    return placed


# ---- report ----


def stages(sources: list[Path]) -> list[dict]:
    """What the filters said of themselves, for the report's funnel: rows they read, records they wrote."""
    found = []
    for folder in sources:
        if manifests := read_manifests(folder):
            counts = [manifest["counts"] for manifest in manifests]
            found.append(
                {"stage": manifests[0]["stage"]}
                | {name: sum(count.get(name) or 0 for count in counts) for name in ("rows", "records")}
            )
    return found


def report(dataset: Path, read: int, kept: int, dropped: Counter, placed: int, images: int, lost: int) -> int:
    """The last line reconciles. Dead links are the web's ordinary state; URLs that img2dataset lost are an error."""
    if read != kept + sum(dropped.values()):
        raise RuntimeError(f"{read:,} rows read, but {kept:,} kept and {sum(dropped.values()):,} dropped")
    say(f"placed: {placed:,} new images; {dataset} holds {images:,}")
    if lost:
        say_always(f"error: {lost:,} URLs were lost by img2dataset: the same command asks for them again")
    reasons = "".join(f" + {count:,} {reason}" for reason, count in dropped.most_common())
    say_always(f"{read:,} rows read = {kept:,} kept{reasons}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
