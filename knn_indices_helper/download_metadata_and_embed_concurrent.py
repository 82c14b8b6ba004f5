"""Fetch the metadata and the image embeddings of LAION-2B-en (ViT-L/14), or of a mirror laid out like it.

In:  a server (or several mirrors) that holds laion2B-en-metadata/metadata_0000.parquet … metadata_2313.parquet and
     img_emb/img_emb_0000.npy … img_emb_2313.npy; row i of both files of a number is the same picture.
Out: the files in --output-dir. One is there only when it is whole; a run that was stopped goes on within the file.

The published addresses are dead: the-eye.eu took the files down and its certificate has expired, LAION withdrew
LAION-5B in December 2023. They remain the defaults because they say what is meant; give --base-url the address of a
copy (http, https, or hf://datasets/OWNER/NAME[@REVISION]/FOLDER for one at Hugging Face that you have access to).

    MIRROR=https://mirror.example/laion2B-en/
    python knn_indices_helper/download_metadata_and_embed_concurrent.py --mode metadata --w laion --base-url $MIRROR
    python knn_indices_helper/download_metadata_and_embed_concurrent.py --mode both --end 4 --base-url $MIRROR --dry-run
"""

import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, add_array_flags, array_place, array_share, command, parse_flags, parser_for, say
from retrieval.fetch import Download, add_fetch_flags, fetch_all, print_missing, report, with_checksums
from retrieval.files import writable_folder

BASE_URLS = (  # as LAION published them: one server by two names
    "https://the-eye.eu/public/AI/cah/laion5b/embeddings/laion2B-en/",
    "https://mystic.the-eye.eu/public/AI/cah/laion5b/embeddings/laion2B-en/",
)
FILE_COUNT = 2314  # parts of LAION-2B-en, of about a million rows each: 1.4 GB of embeddings, 0.2 GB of metadata
WORKERS = 16  # connections that fill a 10 Gbit/s line without being banned


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--mode", choices=("metadata", "embeds", "both"), default="metadata", help="(%(default)s)")
    parser.add_argument("--output-dir", "--w", type=Path, default=Path("laion-embed"), help="(default: %(default)s)")
    parser.add_argument("--base-url", action="append", metavar="URL", help="where the two folders are; more: mirrors")
    parser.add_argument("--metadata-folder", default="laion2B-en-metadata", help="under --base-url (%(default)s)")
    parser.add_argument("--embed-folder", default="img_emb", help="under --base-url (%(default)s)")
    parser.add_argument("--start", type=int, default=0, help="first number (default: %(default)s)")
    parser.add_argument("--end", type=int, default=FILE_COUNT, help="the number after the last (default: %(default)s)")
    add_fetch_flags(parser, WORKERS)
    add_array_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    if not 0 <= args.start < args.end:
        raise UserError(f"--start {args.start} and --end {args.end} hold no file: the first is 0, --end is left out")
    if args.workers < 1:
        raise UserError(f"--workers {args.workers}: at least 1")
    downloads = plan(args, array_share(range(args.start, args.end), job_idx, total_jobs))
    try:
        downloads = with_checksums(downloads, args.checksums)
    except ValueError as error:
        raise UserError(f"--checksums {error}") from error
    if args.dry_run:
        return print_missing(downloads, args.workers, say)
    writable_folder(args.output_dir, "--output-dir")
    return report(downloads, fetch_all(downloads, args.workers, retries=args.retries), say)


def plan(args, numbers: list[int]) -> list[Download]:
    """Metadata before embeddings: it is small, and enough to start with."""
    kinds = []
    if args.mode in ("metadata", "both"):
        kinds.append((args.metadata_folder, "metadata_{:04d}.parquet"))
    if args.mode in ("embeds", "both"):
        kinds.append((args.embed_folder, "img_emb_{:04d}.npy"))
    bases = [base.rstrip("/") + "/" for base in args.base_url or BASE_URLS]
    downloads = []
    for folder, pattern in kinds:
        for number in numbers:
            name = pattern.format(number)
            path = f"{folder.strip('/')}/{name}".lstrip("/")
            downloads.append(Download(tuple(base + path for base in bases), args.output_dir / name))
    return downloads


if __name__ == "__main__":
    sys.exit(main())
