"""The flags of the downloader, what they alone can get wrong, and the settings that they mean.

Standard library only.
"""

import contextlib
import importlib.util
import math
import os
import shutil
from pathlib import Path

from retrieval.cli import UserError, add_talk_flags, at_least, say
from retrieval.columns import add_column_flags, column_choice
from retrieval.download.settings import MOST_BITS, NEAR_BITS, Choice, FetchSettings, Manners, ResizeSettings
from retrieval.safety import UnknownSafety, safety_tag
from retrieval.wandb_run import add_wandb_flags, check_wandb

IMAGE_SIZE = 256  # pixels of the shortest side: 224-pixel training crops are taken from it
ENCODE_QUALITY = 95  # img2dataset's default
THREADS = 64  # per process; img2dataset's default of 256 overloads a small machine's DNS resolver
TIMEOUT = 10  # seconds without data; img2dataset's default
DEADLINE = 30  # seconds per URL
USER_AGENT = "Mozilla/5.0 (compatible; image-retrieval; img2dataset)"  # the name that a robots.txt can use for us
MAX_MEGABYTES = 20  # a web photograph has 0.1 to 5; at worst two answers of this size per thread wait in memory


def add_flags(parser) -> None:
    parser.add_argument("--r", nargs="+", required=True, metavar="FOLDER", help="the filters' output folders")
    parser.add_argument("--w", required=True, metavar="FOLDER", help="work folder; may be on another disk")
    parser.add_argument("--dataset-output", required=True, metavar="FOLDER", help="the ImageFolder to make")
    parser.add_argument("--webdataset", action="store_true",
                        help="make WebDataset tars in --dataset-output; the ImageFolder stays in --w")  # fmt: skip
    parser.add_argument("--val-fraction", type=float, metavar="F",
                        help="put this share of the images into val/<class>, and the others into train/<class>; an "
                        "image stays in its split in all later runs (default: no splits, <class> only)")  # fmt: skip
    parser.add_argument("--rename-old-keys", action="store_true",
                        help="give the images of an older version's --dataset-output decimal names")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument("--allow-partial", action="store_true",
                        help="also read the output of filter runs with missing jobs or shards")  # fmt: skip
    add_column_flags(parser.add_argument_group("records of other tools than the filters"))
    _add_choice_flags(parser.add_argument_group("which images"))
    _add_manners_flags(parser.add_argument_group("the servers of others"))
    _add_img2dataset_flags(parser.add_argument_group("img2dataset"))
    add_wandb_flags(parser)
    add_talk_flags(parser)


def _add_choice_flags(group) -> None:
    group.add_argument("--n", type=at_least(1), help="at most N images in all")
    group.add_argument("--max-per-class", type=at_least(1), metavar="N", help="at most N images per class")
    group.add_argument("--fill", type=at_least(1), metavar="N",
                       help="go down each class's list (ordered by --prefer or --combine rrf) until its folder has N "
                       "live images; with --max-per-class M, stop after M of the list")  # fmt: skip
    group.add_argument("--diverse", metavar="EMBEDDINGS_DIR",
                       help="let --max-per-class or --fill keep images that differ: greedy farthest points by the "
                       "img_emb*.npy (else text_emb*.npy) of which the semantic filter's index was built; rows of the "
                       "substring filter have no embedding and come last")  # fmt: skip
    group.add_argument("--balance", type=at_least(1), metavar="T",
                       help="keep each of a class's n images with probability T/n (MetaCLIP's balancing)")  # fmt: skip
    group.add_argument("--combine", choices=("union", "intersection", "rrf"), default="union",
                       help="how to combine several --r folders: union takes images of any folder, intersection those "
                       "in every folder, rrf those of any folder, and caps keep the best by reciprocal rank fusion "
                       "(default %(default)s)")  # fmt: skip
    group.add_argument("--prefer", choices=("sample", "score"), default="sample",
                       help="which images a cap keeps: a random sample, or the best ranked "
                       "(default %(default)s)")  # fmt: skip
    group.add_argument("--min-score", type=float, metavar="X",
                       help="do not fetch rows with a SCORE below X, or with none; for folders with one kind of "
                       "scores, as those of captions and of images differ")  # fmt: skip
    group.add_argument("--seed", type=int, default=0, help="seed of the random sample (default %(default)s)")
    group.add_argument("--conflict", choices=("all", "first", "best", "drop"), default="all",
                       help="which classes get an image that several ask for: all of them, the first that asked, the "
                       "one that ranks it best, or none (drop) (default %(default)s)")  # fmt: skip
    group.add_argument("--nsfw-tags", nargs="+", default=["NSFW"], metavar="TAG",
                       help="never fetch rows whose NSFW is one of these: NSFW, UNSURE, UNLIKELY (default "
                       "NSFW)")  # fmt: skip
    group.add_argument("--max-punsafe", type=float, metavar="P",
                       help="do not fetch rows whose punsafe score is above P (0 to 1); without the flag the score "
                       "tags rows that have no tag: from 0.5 on as NSFW")  # fmt: skip
    group.add_argument("--allow-untagged", action="store_true", help="also fetch rows whose NSFW is null")
    group.add_argument("--pixels", choices=("tar", "web"), default="tar",
                       help="where an image comes from that lies in a webdataset tar of its pool: tar copies it out of "
                       "there, local or remote, and asks no other server; web asks its URL (default "
                       "%(default)s)")  # fmt: skip
    group.add_argument("--allow-private-hosts", action="store_true",
                       help="also fetch from loopback, link-local and private addresses")  # fmt: skip
    group.add_argument("--near-duplicates", nargs="?", type=at_least(0), const=NEAR_BITS, metavar="BITS",
                       help="keep one of a class's images that look the same, the first of its list: images whose "
                       f"64-bit perceptual hashes differ in at most BITS bits (default {NEAR_BITS}); images that are "
                       "in the folder already come first, and near-duplicates among them are removed")  # fmt: skip
    group.add_argument("--drop", metavar="LIST",
                       help="keep none of these images: a file with one image per line, its URL, its key or its file "
                       "name; the work folder remembers the list (dropped.txt) for later runs, and --fill and caps "
                       "take other images instead")  # fmt: skip
    group.add_argument("--exclude", nargs="+", default=[], metavar="FOLDER",
                       help="keep no copy of an image in these folders or their subfolders, such as a test set, also "
                       "if it is cropped, mirrored, framed, turned or marked; such images of earlier runs are removed, "
                       "and come back in a run without --exclude; excluded.jsonl in --w names each copy and its "
                       "original")  # fmt: skip


def _add_manners_flags(group) -> None:
    group.add_argument("--user-agent", metavar="TEXT",
                       help="how each request names you, with an address for questions, such as 'lab-images/1.0 "
                       "(+https://lab.example/images)'; a robots.txt can use its first name for you "
                       f"(default: {USER_AGENT}, which gives no address)")  # fmt: skip
    group.add_argument("--per-host", type=at_least(1), metavar="N",
                       help="connections to one host at a time, of all threads and processes together; a host is a "
                       "name without its port (default 4, and no limit for the private addresses that "
                       "--allow-private-hosts lets in)")  # fmt: skip
    group.add_argument("--per-host-pace", type=float, default=0, metavar="SECONDS",
                       help="wait this long from one request to a host to the next; a host's own Retry-After is kept "
                       "to in any case: up to 10 seconds are waited for, and a host that wants more is left alone "
                       "(default %(default)s)")  # fmt: skip
    group.add_argument("--ignore-opt-outs", action="store_true",
                       help="on your own responsibility, also fetch what a robots.txt, an X-Robots-Tag or a TDM "
                       "reservation asks you to leave alone; report.json and settings.json then say so, and such "
                       "images never get into a dataset that was made without this flag")  # fmt: skip


def _add_img2dataset_flags(group) -> None:
    group.add_argument("--nthreads", type=at_least(1), default=THREADS,
                       help="download threads per process (default %(default)s)")  # fmt: skip
    group.add_argument("--distributor", choices=("multiprocessing", "ray", "pyspark"), default="multiprocessing",
                       help="what runs the processes: this machine, or a Ray or Spark cluster that shares its disk "
                       "with it, found by RAY_ADDRESS or PYSPARK_SUBMIT_ARGS (default %(default)s)")  # fmt: skip
    group.add_argument("--nprocesses", type=at_least(1), default=os.cpu_count() or 1,
                       help="download processes (default: one per core)")  # fmt: skip
    group.add_argument("--image-size", type=at_least(1), default=IMAGE_SIZE,
                       help="size of the stored images in pixels (default %(default)s)")  # fmt: skip
    group.add_argument("--resize-mode", default="keep_ratio",
                       choices=("keep_ratio", "shrink", "keep_ratio_largest", "center_crop", "border", "no"),
                       help="keep_ratio makes the shortest side --image-size, shrink too but enlarges no image; "
                       "keep_ratio_largest makes it the longest; "
                       "center_crop and border make a square, border by padding; no stores the original size "
                       "(default %(default)s)")  # fmt: skip
    group.add_argument("--encode-quality", type=at_least(1), default=ENCODE_QUALITY,
                       help="JPEG quality, 1 to 100 (default %(default)s)")  # fmt: skip
    group.add_argument("--min-image-size", type=at_least(0), default=0, metavar="PIXELS",
                       help="drop images whose shorter side is less (default: keep all)")  # fmt: skip
    group.add_argument("--max-aspect-ratio", type=float, default=float("inf"), metavar="RATIO",
                       help="drop images whose longer side is more than RATIO times their shorter side "
                       "(default: keep all)")  # fmt: skip
    group.add_argument("--timeout", type=at_least(1), default=TIMEOUT, metavar="SECONDS",
                       help="give up on a server after this many seconds without data "
                       "(default %(default)s)")  # fmt: skip
    group.add_argument("--deadline", type=at_least(1), default=DEADLINE, metavar="SECONDS",
                       help="give up on a URL after this many seconds in all (default %(default)s)")  # fmt: skip
    group.add_argument("--max-megabytes", type=at_least(1), default=MAX_MEGABYTES, metavar="MB",
                       help="give up on a URL whose answer is larger (default %(default)s)")  # fmt: skip
    group.add_argument("--retries", type=at_least(0), default=0,
                       help="immediate retries after a temporary failure (default %(default)s)")  # fmt: skip
    group.add_argument("--retry-failed", nargs="*", metavar="REASON",
                       help="ask again for URLs that failed in earlier runs: without REASON those with a temporary "
                       "failure (timeouts, DNS, connections, HTTP 408, 425, 429 and 5xx), else those with one of these "
                       "reasons, as report.json names them")  # fmt: skip


# ---- what is wrong ----


def check_flags(flags) -> None:
    """Refuse in the first second what would fail later, or give a result that nobody wants."""
    _check_folders(flags)
    if flags.val_fraction is not None and not 0 < flags.val_fraction < 1:
        raise UserError("--val-fraction is a share of the images, more than 0 and less than 1")
    if flags.rename_old_keys and flags.dry_run:
        raise UserError("--rename-old-keys renames files and --dry-run changes nothing: leave one of them out")
    if flags.encode_quality > 100:
        raise UserError("--encode-quality is a JPEG quality from 1 to 100")
    if flags.user_agent is not None and not (
        flags.user_agent.isascii() and flags.user_agent[:1].isalpha() and flags.user_agent.isprintable()
    ):
        raise UserError("--user-agent is one line of ASCII that begins with a name: 'lab-images/1.0 (+https://…)'")
    if not 0 <= flags.per_host_pace < float("inf"):
        raise UserError("--per-host-pace is a number of seconds, 0 or more")
    if not flags.max_aspect_ratio >= 1:
        raise UserError("--max-aspect-ratio is longer side over shorter side: 1 or more")
    if flags.diverse and not (flags.max_per_class or flags.fill):
        raise UserError("--diverse says which images a class keeps: say how many with --max-per-class or --fill")
    if (flags.near_duplicates or 0) > MOST_BITS:
        raise UserError(f"--near-duplicates {flags.near_duplicates}: more than {MOST_BITS} bits differ between images "
                        "that have little in common")  # fmt: skip
    if flags.min_score is not None and not math.isfinite(flags.min_score):
        raise UserError(f"--min-score {flags.min_score} is no number: give one, such as 0.3")
    if flags.max_punsafe is not None and not 0 <= flags.max_punsafe <= 1:
        raise UserError("--max-punsafe is a probability from 0 to 1")
    _check_cluster(flags)
    check_wandb(flags)
    _say_notes(flags)


def _check_folders(flags) -> None:
    work, dataset = Path(flags.w).resolve(), Path(flags.dataset_output).resolve()
    for flag, folder in (("--w", work), *(("--r", Path(source).resolve()) for source in flags.r)):
        if folder.is_relative_to(dataset):
            raise UserError(
                f"{flag} {folder} is inside --dataset-output, where each folder is a class: give another "
                f"{'--w' if flag == '--w' else '--dataset-output'}"
            )
    if (dataset / ("settings.json" if flags.webdataset else "classes.txt")).exists():
        kinds = ("an ImageFolder", "tars") if flags.webdataset else ("tars", "an ImageFolder")
        raise UserError(
            f"--dataset-output {flags.dataset_output} holds {kinds[0]}, not {kinds[1]}: give another folder"
        )
    if flags.drop and not Path(flags.drop).is_file():
        raise UserError(f"--drop {flags.drop} is no file: give a list with one URL, key or file name per line")
    for folder in map(Path, flags.exclude):
        if not folder.is_dir():
            raise UserError(f"--exclude {folder} is not a folder")
        for other, flag in ((dataset, "--dataset-output"), (work, "--w")):
            if folder.resolve() in (other, *other.parents) or other in folder.resolve().parents:
                raise UserError(f"--exclude {folder} overlaps with {flag}: its images would exclude themselves")


def _check_cluster(flags) -> None:
    if flags.distributor != "multiprocessing" and not importlib.util.find_spec(flags.distributor):
        raise UserError(
            f"--distributor {flags.distributor} needs a package that is not here: pip install {flags.distributor} "
            "(requirements-cluster.txt has both)"
        )
    if flags.distributor == "pyspark" and not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise UserError("--distributor pyspark needs Java 17 or newer: install it, or set JAVA_HOME")


def _say_notes(flags) -> None:
    if flags.combine == "intersection" and len(flags.r) == 1:
        say("note: --combine intersection changes nothing with one --r folder")
    if flags.combine == "rrf" and not (flags.max_per_class or flags.fill or flags.n or flags.conflict == "best"):
        say("note: --combine rrf says what a cap keeps: without --max-per-class, --fill or --n it changes nothing")
    if not (flags.user_agent or flags.allow_private_hosts or flags.dry_run):
        say("note: the requests name nobody whom a site could write to: add --user-agent 'NAME/1.0 (+https://…)', with "
            "a page or an address of yours")  # fmt: skip


# ---- what they mean ----


def choice_of(flags) -> Choice:
    return Choice(
        nsfw_tags=tuple(map(tag_to_drop, flags.nsfw_tags)),
        allow_untagged=flags.allow_untagged,
        allow_private_hosts=flags.allow_private_hosts,
        conflict=flags.conflict,
        balance=flags.balance,
        max_per_class=flags.max_per_class,
        most=flags.n,
        prefer=flags.prefer,
        seed=flags.seed,
        combine=flags.combine,
        fill=flags.fill,
        max_punsafe=flags.max_punsafe,
        diverse=bool(flags.diverse),
        min_score=flags.min_score,
        pixels=flags.pixels,
        columns=column_choice(flags),
    )


def tag_to_drop(text: str) -> str:
    """One value of --nsfw-tags as LAION's tag."""
    with contextlib.suppress(UnknownSafety):
        if tag := safety_tag(text):
            return tag
    raise UserError(f"--nsfw-tags {text}: give one or more of NSFW, UNSURE, UNLIKELY")


def resize_settings_of(flags) -> ResizeSettings:
    return ResizeSettings(
        image_size=flags.image_size,
        resize_mode=flags.resize_mode,
        encode_quality=flags.encode_quality,
        min_image_size=flags.min_image_size,
        max_aspect_ratio=flags.max_aspect_ratio,
    )


def fetch_settings_of(flags) -> FetchSettings:
    return FetchSettings(
        distributor=flags.distributor,
        threads=flags.nthreads,
        processes=flags.nprocesses,
        timeout=flags.timeout,
        retries=flags.retries,
        deadline_seconds=flags.deadline,
        max_bytes=flags.max_megabytes << 20,
        allow_private_hosts=flags.allow_private_hosts,
        manners=Manners(
            user_agent=flags.user_agent or USER_AGENT,
            opt_outs=not flags.ignore_opt_outs,
            per_host=flags.per_host,
            pace=flags.per_host_pace,
            folder=str(Path(flags.w).absolute() / "hosts"),
        ),
        wandb=flags.wandb,
        wandb_project=flags.wandb_project,
    )
