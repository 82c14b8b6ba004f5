"""Fetch the image index of LAION-2B-en (ViT-L/14, PQ128): 55 parts, to be merged by merge_knn_indices.py.

In:  a server (or several mirrors) that holds knn.index00 … knn.index54.
Out: the files in --output-dir. One is there only when it is whole; a run that was stopped goes on within the file.

The published address is dead: the-eye.eu took the files down and its certificate has expired. It remains the default
because it says what is meant; give --base-url the address of a copy (http, https, or
hf://datasets/OWNER/NAME[@REVISION]/FOLDER for one at Hugging Face that you have access to).

    MIRROR=https://mirror.example/laion2B-en-imagePQ128/
    python knn_indices_helper/download_img_indices_concurrent.py --w laion-indices --base-url $MIRROR
    python knn_indices_helper/download_img_indices_concurrent.py --w laion-indices --base-url $MIRROR --dry-run
"""

import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, add_array_flags, array_place, array_share, command, parse_flags, parser_for, say
from retrieval.fetch import Download, add_fetch_flags, fetch_all, print_missing, report, with_checksums
from retrieval.files import writable_folder

BASE_URLS = (  # as LAION published them: one server by two names
    "https://the-eye.eu/public/AI/cah/laion5b/indices/vit-l-14/laion2B-en-imagePQ128/",
    "https://mystic.the-eye.eu/public/AI/cah/laion5b/indices/vit-l-14/laion2B-en-imagePQ128/",
)
FILE_COUNT = 55  # parts; 2.3 billion codes of 128 bytes and an id of 8: about 6 GB each
WORKERS = 8  # few and large files


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--output-dir", "--w", type=Path, default=Path("laion-indices"), help="(default: %(default)s)")
    parser.add_argument("--base-url", action="append", metavar="URL", help="where the parts are; more: mirrors")
    parser.add_argument("--start", type=int, default=0, help="first part (default: %(default)s)")
    parser.add_argument("--end", type=int, default=FILE_COUNT, help="the part after the last (default: %(default)s)")
    add_fetch_flags(parser, WORKERS)
    add_array_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    job_idx, total_jobs = array_place(args.job_idx, args.total_jobs)
    if not 0 <= args.start < args.end:
        raise UserError(f"--start {args.start} and --end {args.end} hold no part: the first is 0, --end is left out")
    if args.workers < 1:
        raise UserError(f"--workers {args.workers}: at least 1")
    bases = [base.rstrip("/") + "/" for base in args.base_url or BASE_URLS]
    names = [f"knn.index{number:02d}" for number in array_share(range(args.start, args.end), job_idx, total_jobs)]
    downloads = [Download(tuple(base + name for base in bases), args.output_dir / name) for name in names]
    try:
        downloads = with_checksums(downloads, args.checksums)
    except ValueError as error:
        raise UserError(f"--checksums {error}") from error
    if args.dry_run:
        return print_missing(downloads, args.workers, say)
    writable_folder(args.output_dir, "--output-dir")
    return report(downloads, fetch_all(downloads, args.workers, retries=args.retries), say)


if __name__ == "__main__":
    sys.exit(main())
