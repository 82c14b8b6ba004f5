"""Fetch the metadata and the image embeddings of LAION-2B-en (ViT-L/14), or of a mirror laid out like it.

In:  a server (or several mirrors) that holds laion2B-en-metadata/metadata_0000.parquet … metadata_2313.parquet and
     img_emb/img_emb_0000.npy … img_emb_2313.npy; row i of both files of a number is the same image.
Out: the files in --output-dir. A file has its name only when it is whole; a run that was stopped goes on within it.

The published addresses are dead: the-eye.eu took the files down, its certificate has expired, and LAION withdrew
LAION-5B in December 2023. They are still the defaults because they say which files are meant. Give --base-url the
address of a copy: http, https, or hf://datasets/OWNER/NAME[@REVISION]/FOLDER for one at Hugging Face that you have
access to.

    MIRROR=https://mirror.example/laion2B-en/
    python knn_indices_helper/download_metadata_and_embed_concurrent.py --mode metadata --w laion --base-url $MIRROR
    python knn_indices_helper/download_metadata_and_embed_concurrent.py --mode both --end 4 --base-url $MIRROR --dry-run
"""

import sys

import _root  # noqa: F401

from retrieval.cli import command, parse_flags, parser_for
from retrieval.indexing.published_files import Published, add_published_flags, check_published_flags, fetch_published

SHARDS = Published(
    base_urls=(  # one server by two names
        "https://the-eye.eu/public/AI/cah/laion5b/embeddings/laion2B-en/",
        "https://mystic.the-eye.eu/public/AI/cah/laion5b/embeddings/laion2B-en/",
    ),
    file_count=2314,  # of about a million rows each: 1.4 GB of embeddings, 0.2 GB of metadata
    workers=16,  # connections that fill a 10 Gbit/s line without being banned
)


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("--mode", choices=("metadata", "embeds", "both"), default="metadata",
                        help="which files (default: %(default)s)")  # fmt: skip
    parser.add_argument("--metadata-folder", default="laion2B-en-metadata",
                        help="of the metadata, under --base-url (default: %(default)s)")  # fmt: skip
    parser.add_argument("--embed-folder", default="img_emb",
                        help="of the embeddings, under --base-url (default: %(default)s)")  # fmt: skip
    add_published_flags(parser, SHARDS, output_dir="laion-embed")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    args = parse_flags(make_parser(), argv)
    numbers = check_published_flags(args)
    paths = []
    if args.mode in ("metadata", "both"):  # first: it is small, and enough to start with
        paths += [f"{args.metadata_folder.strip('/')}/metadata_{number:04d}.parquet" for number in numbers]
    if args.mode in ("embeds", "both"):
        paths += [f"{args.embed_folder.strip('/')}/img_emb_{number:04d}.npy" for number in numbers]
    return fetch_published(args, SHARDS, [path.lstrip("/") for path in paths])


if __name__ == "__main__":
    sys.exit(main())
