"""The downloader's settings: which rows are wanted, what an image becomes, how it is fetched. Standard library only."""

from dataclasses import dataclass

from retrieval.columns import NOTHING_SAID, ColumnChoice

# Bits of 64 in which the perceptual hashes of two images differ (perceptual_hash.py). Of 28 photographs, JPEG at
# quality 30, half the size, grey or more brightness changed at most 4 bits in at least 25, and cropping 2 % off each
# side changed 2 to 18 bits. No two of the 1,353 textures that `make demo` draws differ in 4 bits or fewer.
NEAR_BITS = 4
MOST_BITS = 16  # half of the distance between unrelated images; with more, a class shrinks to a few images


@dataclass(frozen=True)
class Choice:
    """What decides which rows are wanted."""

    nsfw_tags: tuple[str, ...]
    allow_untagged: bool
    allow_private_hosts: bool
    conflict: str  # "all", "first", "best" or "drop"
    balance: int | None
    max_per_class: int | None
    most: int | None  # --n
    prefer: str  # "sample" or "score"
    seed: int
    combine: str = "union"  # or "intersection", or "rrf"; with "rrf" --prefer is ignored
    fill: int | None = None
    max_punsafe: float | None = None  # a limit for the records' punsafe, from 0 to 1
    diverse: bool = False
    min_score: float | None = None  # a limit for the records' SCORE
    pixels: str = "tar"  # where an image comes from that lies in a tar of its pool: "tar" or "web"
    columns: ColumnChoice = NOTHING_SAID  # the fields of other tools' records


@dataclass(frozen=True)
class ResizeSettings:
    """What decides a stored image's bytes, and which images are stored.

    Names and values of the fields name the work folder's `images-<fingerprint>` and stand in settings.json: a change
    makes existing work folders useless.
    """

    image_size: int  # pixels
    resize_mode: str  # img2dataset's
    encode_quality: int
    min_image_size: int  # pixels, shorter side
    max_aspect_ratio: float


@dataclass(frozen=True)
class Manners:
    """How we behave towards the servers of others."""

    user_agent: str
    opt_outs: bool  # whether to keep to robots.txt, X-Robots-Tag and reservations of text and data mining
    per_host: int | None  # connections to one host at a time; None: as host_turns.py has it
    pace: float  # seconds from one request to a host to the next, at least
    folder: str  # what all processes know of hosts and sites


@dataclass(frozen=True)
class FetchSettings:
    """How to fetch. This does not change what an image becomes."""

    distributor: str
    threads: int  # per process
    processes: int
    timeout: int  # seconds without data
    retries: int
    deadline_seconds: float  # per URL
    max_bytes: int  # per answer
    allow_private_hosts: bool
    manners: Manners
    wandb: bool
    wandb_project: str
