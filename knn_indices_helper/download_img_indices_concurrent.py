"""Fetch the image index of LAION-2B-en (ViT-L/14, PQ128): 55 parts, to be merged by merge_knn_indices.py.

In:  a server (or several mirrors) that holds knn.index00 … knn.index54.
Out: the files in --output-dir. A file has its name only when it is whole; a run that was stopped goes on within it.

The published address is dead: the-eye.eu took the files down, and its certificate has expired. It is still the default
because it says which files are meant. Give --base-url the address of a copy: http, https, or
hf://datasets/OWNER/NAME[@REVISION]/FOLDER for one at Hugging Face that you have access to.

    MIRROR=https://mirror.example/laion2B-en-imagePQ128/
    python knn_indices_helper/download_img_indices_concurrent.py --w laion-indices --base-url $MIRROR
    python knn_indices_helper/download_img_indices_concurrent.py --w laion-indices --base-url $MIRROR --dry-run
"""

import sys

import _root  # noqa: F401

from retrieval.cli import command, parse_flags, parser_for
from retrieval.indexing.published_files import Published, add_published_flags, check_published_flags, fetch_published

PARTS = Published(
    base_urls=(  # one server by two names
        "https://the-eye.eu/public/AI/cah/laion5b/indices/vit-l-14/laion2B-en-imagePQ128/",
        "https://mystic.the-eye.eu/public/AI/cah/laion5b/indices/vit-l-14/laion2B-en-imagePQ128/",
    ),
    file_count=55,  # 2.3 billion codes of 128 bytes and an id of 8: about 6 GB each
    workers=8,  # few and large files
)


def make_parser():
    parser = parser_for(__doc__, __file__)
    add_published_flags(parser, PARTS, output_dir="laion-indices")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    numbers = check_published_flags(args)
    return fetch_published(args, PARTS, [f"knn.index{number:02d}" for number in numbers])


if __name__ == "__main__":
    sys.exit(main())
