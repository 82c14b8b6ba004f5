"""--seed-images: which image files each class has. Standard library only; seed_images.py opens them."""

from pathlib import Path

from retrieval.class_folders import class_folders
from retrieval.cli import UserError, say
from retrieval.files import check_names_are_text
from retrieval_templates import Template

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"}  # common formats that PIL reads


def find_seed_images(folder: str | None, template: Template) -> dict[str, list[Path]]:
    """Class -> its images in an ImageFolder (FOLDER/CLASS/IMAGE); none for a class that has no folder there.

    Raises:
        UserError: not a folder, or one without an image of any class, or a file's name is no UTF-8.
    """
    if folder is None:
        return {name: [] for name in template.classes}
    if not Path(folder).is_dir():
        raise UserError(f"--seed-images {folder} is not a folder: it must hold {folder}/CLASS/IMAGE")
    seeds = {
        name: sorted(file for file in (Path(folder) / class_folder).glob("*") if is_seed(file))
        for name, class_folder in class_folders(template.classes).items()
    }
    check_names_are_text((str(file) for files in seeds.values() for file in files), "--seed-images")
    lacking = [name for name, files in seeds.items() if not files]
    if len(lacking) == len(seeds):
        raise UserError(f"--seed-images {folder} has no image of any class: it must hold {folder}/CLASS/IMAGE")
    if lacking:
        say(
            f"note: --seed-images has none for {len(lacking):,} classes (first: {lacking[0]}): "
            "only their prompts are searched for"
        )
    return seeds


def is_seed(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES and file.is_file() and not file.name.startswith(".")
