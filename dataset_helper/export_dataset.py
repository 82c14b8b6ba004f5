"""Write what published trainers and converters read of a finished dataset.

In:  DATASET, the ImageFolder that download_urls_img2dataset.py made.
Out: --output, one file:
     filtered-ids    one key (a file's stem) per line
     swat            `path label source` per line: paths from DATASET, labels from 0, source 0 for retrieved images, as
                     SWAT's lists T2T500.txt have them
     datacomp-uids   the rows' DataComp uids as a sorted .npy of pairs of uint64, as DataComp's resharder takes them
     label-map       JSON: class -> label
     rebuild         a folder with chunk_0.json: each image's URL, class, caption and the sha256 of the file that the
                     URL answered with. Another lab downloads and verifies it (below)

    python dataset_helper/export_dataset.py outputs/dataset --format swat --output T2T500.txt --links outputs/linked
    python dataset_helper/export_dataset.py outputs/dataset --format label-map --output labels.json --template DTD

    python dataset_helper/export_dataset.py outputs/dataset --format rebuild --output rebuild
    python download_urls_img2dataset.py --r rebuild --w work --dataset-output again
    img2dataset --url_list rebuild --input_format json --url_col URL --caption_col TEXT --verify_hash '["SHA256","sha256"]' --output_folder again

The hash is of the file as the server sent it (without its Content-Encoding), not of the stored JPEG, which is encoded
anew. So a URL that answers with another file today is counted, and not kept. Our downloader makes the same stored bytes
with the same --image-size, --resize-mode and --encode-quality, and the same versions of img2dataset and OpenCV.

A label is a class's position in the template that the filters ran with, or in --template. (torchvision's ImageFolder
numbers the folders by their names.)
"""  # noqa: E501 - commands as they are typed

import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, command, parse_flags, parser_for, say, say_always
from retrieval.files import writable_file, writable_folder

FORMATS = ("filtered-ids", "swat", "datacomp-uids", "label-map", "rebuild")


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="an ImageFolder that the downloader made")
    parser.add_argument("--format", choices=FORMATS, required=True, help="what to write")
    parser.add_argument("--output", type=Path, required=True, metavar="PATH", help="where to write it")
    parser.add_argument("--split", choices=("train", "val"), help="only images of this split (default: all)")
    parser.add_argument("--template", metavar="NAME", help="number the classes as this template does")
    parser.add_argument("--template-dir", metavar="DIR", help="a folder with your own templates")
    parser.add_argument("--links", type=Path, metavar="FOLDER",
                        help="swat: list links in FOLDER, <label>/<key>.jpg, and not the images; needed where a class "
                        "folder's name has a space, at which SWAT's reader splits a line")  # fmt: skip
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    if flags.links and flags.format != "swat":
        raise UserError("--links is for --format swat: leave it out")

    from retrieval.dataset import export
    from retrieval.dataset.dataset_folder import class_order, images_of, refuse_inside
    from retrieval_templates import load_template

    template = load_template(flags.template, flags.template_dir) if flags.template else None
    writable = writable_folder if flags.format == "rebuild" else writable_file
    refuse_inside(flags.dataset, "--output", flags.output, is_folder=flags.format == "rebuild")
    refuse_inside(flags.dataset, "--links", flags.links, is_folder=True)
    writable(flags.output, "--output")
    images = images_of(flags.dataset, flags.split)
    labels = export.numbered(list(template.classes) if template else class_order(flags.dataset), flags.template)
    if flags.format == "filtered-ids":
        written, skipped = export.write_ids(images, flags.output), 0
    elif flags.format == "swat":
        written, skipped = export.write_swat(images, labels, flags.dataset, flags.output, flags.links), 0
    elif flags.format == "datacomp-uids":
        written, skipped = export.write_datacomp_uids(images, flags.output)
    elif flags.format == "rebuild":
        written, skipped = export.write_rebuild_list(images, flags.output)
        say(f"to rebuild: {export.rebuild_command(flags.dataset, flags.output)}")
    else:
        written, skipped = export.write_label_map(labels, flags.output), 0
    what = "classes" if flags.format == "label-map" else "images"
    if skipped:
        lack = "a SAMPLE_ID that is no DataComp uid"
        if flags.format == "rebuild":
            lack = "no sha256 in metadata.jsonl, or come from a tar and have no URL"
        say_always(f"error: {skipped:,} images have {lack}: they are left out")
    say_always(f"{written:,} {what} in {flags.output}")
    return 1 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
