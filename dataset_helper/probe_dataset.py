"""Does it train? A linear probe of one or more datasets, tested on your own test set.

In:  DATASET …, ImageFolders: of download_urls_img2dataset.py, of judge_images.py, or any other
     --test, an ImageFolder with your test images
     --model, the CLIP whose image features the probe sees; --template for the prompts of zero-shot
Out: --output/probe.json and probe.html: accuracy with a 95 % interval (Wilson's), zero-shot accuracy beside it, per
     class, what is taken for what, and accuracy by number of pictures per class
     the same table of accuracies on stdout

    python dataset_helper/probe_dataset.py outputs/substring outputs/semantic outputs/both --test dtd/test --model ViT-L/14 --template DTD --output outputs/probe

The probe is multinomial logistic regression. One picture in five of a dataset, or its val/ split, chooses the
regularisation; then it trains on all of them. Each picture is embedded once, and kept beside its dataset.

A folder of --test, or of a DATASET that the downloader did not make, means the class of its name ("tiger_shark" is
"tiger shark"); if all are numbers, they count the classes of --template from 0. A test class of which a dataset has no
picture is named, and its test pictures count as wrong.
"""  # noqa: E501 - commands as they are typed

import sys
from pathlib import Path

import _root  # noqa: F401

from retrieval.cli import UserError, add_talk_flags, command, parse_flags, parser_for, say, say_always
from retrieval.clip_names import DEFAULT_MODEL, check_model_name
from retrieval.dataset.dataset_folder import refuse_inside
from retrieval.files import writable_folder, write_json

NAMED = 10  # classes that a message names


def make_parser():
    parser = parser_for(__doc__, __file__)
    parser.add_argument("datasets", nargs="+", type=Path, metavar="DATASET", help="ImageFolders to train on")
    parser.add_argument("--test", type=Path, required=True, metavar="FOLDER", help="an ImageFolder to test on")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where the results go")
    parser.add_argument("--model", default=DEFAULT_MODEL,
                        help="the CLIP that embeds the pictures, as the other helpers name it "
                        "(default %(default)s)")  # fmt: skip
    parser.add_argument(
        "--template", metavar="NAME", help='whose prompts zero-shot takes (default "a photo of a {}." alone)'
    )
    parser.add_argument("--template-dir", metavar="DIR", help="a folder with your own templates")
    parser.add_argument("--test-names", type=Path, metavar="FILE",
                        help="JSON that says which class each folder of --test means: {folder: class}")  # fmt: skip
    parser.add_argument("--features", type=Path, metavar="FOLDER",
                        help="where all features are kept (default: DATASET.features, beside each, and those of --test "
                        "in --output)")  # fmt: skip
    parser.add_argument("--device", help="cuda, cuda:1, cpu … (default: a GPU if there is one)")
    add_talk_flags(parser)
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    flags = parse_flags(make_parser(), argv)
    check(flags)
    template = chosen_template(flags.template, flags.template_dir)
    class_of, labels = match_classes(flags, template)
    folders, classes = list(class_of), list(class_of.values())
    writable_folder(flags.output, "--output")

    # What computes is imported once all that can be refused without it has been refused.
    from retrieval.clip_model import load_clip
    from retrieval.dataset import image_features, probe, probe_page
    from retrieval.torch_threads import use_all_cores

    # Embed.
    use_all_cores()
    model = load_clip(flags.model, flags.device)
    embedded_test = image_features.embed_folder(flags.test, model, flags.features or flags.output / "features")
    embedded = {path: image_features.embed_folder(path, model, flags.features) for path in flags.datasets}

    # Probe.
    tested = probe.pictures_of_test(embedded_test, folders)
    numbers, right = [], {}
    for (path, of_dataset), name in zip(embedded.items(), short_names(flags.datasets), strict=True):
        say(f"{path}: training")
        trained, unused = probe.pictures_of_dataset(path, of_dataset, classes, labels[path])
        found, right[name] = probe.probe_dataset(trained, tested, len(classes), model.device)
        numbers.append({"name": name, "folder": str(path)} | found | gaps_of(found, classes, unused))
    zero, right["zero-shot"] = probe.zero_shot(model, [template.prompts(name) for name in classes], tested)

    # Report.
    lost = sum(len(some.lost) for some in embedded.values())
    result = {
        "model": flags.model,
        "prompts": list(template.templates),
        "test": {
            "folder": str(flags.test), "pictures": len(tested.labels), "unreadable": len(embedded_test.lost),
            "classes": [{"class": class_of[folder], "folder": folder} for folder in folders],
        },
        "unreadable": lost,
        "zero_shot": zero,
        "datasets": numbers,
        "pairs": probe.pairs_of(right),
    }  # fmt: skip
    write_json(flags.output / "probe.json", result)
    probe_page.write_page(result, flags.output / "probe.html")
    print_table(result)
    say_gaps(result, template if flags.template else None)
    say(f"to look at: {flags.output / 'probe.html'}")
    return say_totals(result)


# ---- check ----


def check(flags) -> None:
    check_model_name(flags.model)
    if len({path.resolve() for path in flags.datasets}) < len(flags.datasets):
        raise UserError("a DATASET is given twice: give each once")
    for folder in (flags.test, *flags.datasets):
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder: give an ImageFolder, FOLDER/CLASS/IMAGE")
        if folder.resolve() in (flags.output.resolve(), *flags.output.resolve().parents):
            raise UserError(f"--output {flags.output} is inside {folder}, where each folder is a class: give another")
        refuse_inside(folder, "--features", flags.features, is_folder=True)
    test = flags.test.resolve()
    for dataset in flags.datasets:
        trained = dataset.resolve()
        if test.is_relative_to(trained) or trained.is_relative_to(test):  # such as DATASET/val
            held = "is a DATASET too" if test == trained else f"shares its pictures with {dataset}"
            raise UserError(f"--test {flags.test} {held}: a probe is tested on pictures that it has not seen")
    if flags.test_names and not flags.test_names.is_file():
        raise UserError(f"--test-names {flags.test_names} is no file")


def chosen_template(name: str | None, folder: str | None):
    from retrieval_templates import DEFAULT_PROMPT, Template, load_template

    return load_template(name, folder) if name else Template("", (), (DEFAULT_PROMPT,))


def match_classes(flags, template) -> tuple[dict[str, str], dict[Path, dict[str, str]]]:
    """(folder of --test -> its class, by folder; of each dataset, class folder -> its class).

    Raises:
        UserError: a dataset has none of the test's classes.
    """
    from retrieval.dataset.dataset_folder import class_of_labels, labelled_images
    from retrieval.dataset.folder_classes import class_of_folders, named_folders

    folders = sorted({label for _, label in labelled_images(flags.test)})
    known, labels = set(template.classes), {dataset: class_of_labels(dataset) for dataset in flags.datasets}
    known |= {name for of in labels.values() for name in of.values()}
    for dataset in (dataset for dataset, of in labels.items() if not of):  # of others: folders named by their makers
        found = sorted({label for _, label in labelled_images(dataset)})
        labels[dataset] = class_of_folders(found, sorted(known), list(template.classes), flag=None)
        known |= set(labels[dataset].values())
    if flags.test_names:
        class_of = named_folders(folders, flags.test_names)
    else:
        class_of = class_of_folders(folders, sorted(known), list(template.classes))
    for dataset, of in labels.items():
        if not set(of.values()) & set(class_of.values()):
            raise UserError(
                f"{dataset}: none of its classes is a class of --test (the first are {min(of.values())!r} and "
                f"{min(class_of.values())!r}): give --test-names FILE, which says each test folder's class"
            )
    return class_of, labels


# ---- report ----


def short_names(datasets: list[Path]) -> list[str]:
    """The folders' own names, or their paths if two have one name."""
    names = [path.resolve().name for path in datasets]
    return names if len(set(names)) == len(names) else list(map(str, datasets))


def gaps_of(found: dict, classes: list[str], unused: dict[str, int]) -> dict:
    """What a dataset lacks of the test's classes, and has beside them."""
    without = [name for name, of in zip(classes, found["classes"], strict=True) if not of["pictures"]]
    return {"without_pictures": without, "unused_classes": unused, "unused_pictures": sum(unused.values())}


def print_table(result: dict) -> None:
    ways = [(of["name"], of["pictures"], of["accuracy"]) for of in result["datasets"]]
    ways.append(("zero-shot", 0, result["zero_shot"]["accuracy"]))
    width = max(len(name) for name, _, _ in ways)
    print(f"{'':{width}} {'pictures':>9} {'accuracy':>9}  95 % interval")
    for name, pictures, of in ways:
        print(f"{name:{width}} {pictures:9,} {of['accuracy']:9.3f}  {of['low']:.3f} to {of['high']:.3f}")


def say_gaps(result: dict, template) -> None:
    """Name what was not trained, or trained for nothing."""
    for of in result["datasets"]:
        if missing := of["without_pictures"]:
            say_always(f"warning: {of['folder']} has no picture of {len(missing):,} test classes, whose test pictures "
                       f"count as wrong: {listed(missing)}")  # fmt: skip
        if unused := of["unused_classes"]:
            say(f"note: {of['folder']}: {of['unused_pictures']:,} pictures of {len(unused):,} classes that are not in "
                f"--test were not used: {listed(list(unused))}")  # fmt: skip
    if result["unreadable"]:
        say(f"note: {result['unreadable']:,} pictures of the datasets do not decode and were left out")
    if template:
        unknown = [each["class"] for each in result["test"]["classes"] if each["class"] not in template.classes]
        if unknown:
            say(f"note: {len(unknown):,} test classes are not in the template {template.name}: {listed(unknown)}")


def listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:NAMED])) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")


def say_totals(result: dict) -> int:
    test = result["test"]
    lost = f" + {test['unreadable']:,} that do not decode" if test["unreadable"] else ""
    say_always(f"{test['pictures'] + test['unreadable']:,} test pictures = {test['pictures']:,} tested{lost}")
    return 1 if test["unreadable"] else 0


if __name__ == "__main__":
    sys.exit(main())
