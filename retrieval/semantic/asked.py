"""What is asked for each class: its prompts, its seed images, and where its result is kept. Standard library only."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from retrieval.files import file_fingerprint
from retrieval.semantic.hit_files import hits_path
from retrieval.semantic.plan import Asked, ClassPlan, QueryStyle
from retrieval.semantic.prompt_names import names_in_prompts
from retrieval.semantic.seed_files import find_seed_images
from retrieval_templates import Template, choose_template, only_classes


def find_asked(args, sources: list[str]) -> Asked:
    """What the flags ask for, in each of the sources (text_index, image_index)."""
    template = find_template(args)
    names, seeds = names_in_prompts(args, template), find_seed_images(args.seed_images, template)
    negative = (args.negative, args.negative_weight) if args.negative else (None, 0.0)
    return Asked(template, names, seeds, sources, QueryStyle(args.prompt_ensemble, *negative))


def find_template(args) -> Template:
    template = choose_template(args.query_dataset, "--query-dataset", args.template_dir, only=args.classes)
    return only_classes(template, list(template.classes[: args.subset])) if args.subset else template


def plan_classes(asked: Asked, classes: Sequence[str]) -> list[ClassPlan]:
    """A plan for each of these classes. Their hit files are named when the inputs are known (with_hit_files)."""
    plans = []
    for name in classes:
        names = asked.names[name]
        prompts = asked.template.prompts(*names)
        plans.append(ClassPlan(name, prompts, asked.seeds[name], style=asked.style, names=len(names)))
    return plans


def with_hit_files(classes: list[ClassPlan], folder: Path, settings: dict, inputs: dict) -> list[ClassPlan]:
    """The same plans, each with its hit file in the folder.

    Args:
        settings, inputs: what decides the result, as hits_path takes them.
    """
    plans = []
    for each in classes:
        seeds = {seed.name: file_fingerprint(seed) for seed in each.seeds}
        plans.append(replace(each, hits_file=hits_path(folder, each.name, settings, inputs, seeds)))
    return plans


def seed_fingerprints(classes: list[ClassPlan]) -> dict:
    return {str(seed): file_fingerprint(seed) for each in classes for seed in each.seeds}
