"""Templates: class names, prompts and caption queries of a target dataset. Each template is one module of pure data.

A module holds `classes` (list of str), `templates` (prompts with one `{}`) and optionally
    synonyms      class -> list of names that people write for it; captions with any of them are found
    class_map     class -> caption query, for a class whose own name is ambiguous or is not what people write
    definitions   class -> one phrase: what a name with several meanings means here; score_captions.py reads them
    based_on      another template of ours, which gives what is missing: the prompts, and entries of classes that it has
retrieval/queries.py defines the query language.

    from retrieval_templates import load_template
    template = load_template("DTD")
    template.prompts("banded")      # ['a photo of a banded texture.', ...]
    template.query("banded")        # '"banded texture" OR "banded pattern" OR ...'
    template.names("banded")        # ('banded', ...): the name and its synonyms
"""

import importlib.util
from dataclasses import dataclass, field, replace
from pathlib import Path

from retrieval.class_lists import check_names, looks_like_a_path, read_class_list
from retrieval.cli import UserError
from retrieval.queries import Query, class_query
from retrieval_templates._checks import (
    Refusals,
    bad_queries_of,
    warn_of_misspelt,
    warn_of_repeats,
    warn_of_shared_names,
)

HERE = Path(__file__).parent
ENTRIES = ("class_map", "synonyms", "definitions")  # a template's dictionaries, by class
DEFAULT_PROMPT = (
    "a photo of a {}."  # for classes given as a list: CLIP's own default (Radford et al. 2021, section 3.1.4)
)


@dataclass(frozen=True)
class Template:
    """A target dataset, checked at load: every class has an output folder of its own, and a query that parses.

    `bad_queries` says of the other classes, in words, why their class_map query does not parse.
    """

    name: str
    classes: tuple[str, ...]
    templates: tuple[str, ...]
    class_map: dict[str, str] = field(default_factory=dict)
    bad_queries: dict[str, str] = field(default_factory=dict)
    synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)

    def query(self, class_name: str) -> str | None:
        """The class_map entry of a class, or None where its names alone are searched."""
        return self.class_map.get(class_name)

    def caption_query(self, class_name: str, mode: str) -> Query:
        """What is searched for a class in a match mode.

        Raises:
            QueryError: the class_map entry does not parse.
        """
        return class_query(class_name, self.query(class_name), mode, self.synonyms.get(class_name, ()))

    def names(self, class_name: str) -> tuple[str, ...]:
        """The class's own name, then its synonyms."""
        return (class_name, *self.synonyms.get(class_name, ()))

    def prompts(self, *names: str) -> list[str]:
        """The CLIP prompts of a class: the first entry of `templates` with each name, then the second entry, ...

        str.format is not used because a name may hold braces.
        """
        return [prompt.replace("{}", name) for prompt in self.templates for name in names]


def template_names(template_dir: Path | str | None = None) -> list[str]:
    """The names that `load_template` knows, including those in the user's folder."""
    folders = [HERE] + ([Path(template_dir)] if template_dir else [])
    return sorted({path.stem for folder in folders for path in folder.glob("*.py") if not path.stem.startswith("_")})


def load_template(name: str, template_dir: Path | str | None = None) -> Template:
    """Load and check one template. A module in `template_dir` is preferred to ours of the same name.

    Raises:
        UserError: unknown name (lists the known ones), or the template, the class and the reason for the refusal.
    """
    template = _read_template(name, template_dir)
    refuse_bad_queries(template)
    return template


def _read_template(name: str, template_dir: Path | str | None) -> Template:
    if template_dir and not Path(template_dir).is_dir():
        raise UserError(f"--template-dir {template_dir} is not a folder")
    known = template_names(template_dir)
    if name not in known and Path(name).is_file() and not name.endswith(".py"):
        raise UserError(f"{name} is a file of class names and no template: --query takes it without --template")
    if name not in known:
        raise UserError(
            f"there is no template {name!r}{_meant(name, known)}; known: {', '.join(known)} "
            "(--template-dir DIR adds a folder of your own; class names go as a|b|c or as a file, without --template)"
        )
    own = Path(template_dir) / f"{name}.py" if template_dir else None
    return check_template(name, **_held(name, own if own and own.exists() else HERE / f"{name}.py"))


def _meant(name: str, known: list[str]) -> str:
    """The known name that a mistyped one is nearest to, as a question."""
    import difflib  # a mistyped name is rare, and each start would take a millisecond longer

    written = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), written, 1)
    return f" (did you mean {written[near[0]]}?)" if near else ""


def _held(name: str, path: Path) -> dict:
    """The variables of a template's module, with those of the template that it is based on."""
    module = _load_module(name, path)
    warn_of_misspelt(name, vars(module), ("classes", "templates", *ENTRIES, "based_on"))
    held = {key: getattr(module, key, {}) for key in ENTRIES}
    held |= {"classes": getattr(module, "classes", None), "templates": getattr(module, "templates", None)}
    base = getattr(module, "based_on", None)
    if base is None:
        return held
    if not isinstance(base, str) or base not in template_names():
        raise UserError(f"template {name}: based_on is {base!r}; known: {', '.join(template_names())}")
    base = _load_module(base, HERE / f"{base}.py")
    classes = held["classes"] if isinstance(held["classes"], (list, tuple)) else ()
    for key in ENTRIES:
        if isinstance(held[key], dict):  # anything else is refused by check_template
            held[key] = {each: value for each, value in getattr(base, key, {}).items() if each in classes} | held[key]
    return held | {"templates": held["templates"] or base.templates}


def _load_module(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(f"retrieval_templates.{name}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a user's file may fail in any way: say which file and how
        raise UserError(f"template {name} ({path}) does not load: {type(error).__name__}: {error}") from error
    return module


def choose_template(
    query: str,
    flag: str = "--query",
    template_dir: Path | str | None = None,
    is_template: bool = False,
    only: list[str] | None = None,
) -> Template:
    """What a filter's --query means: a template's name, a|b|c, or a file of class names. The same in both filters.

    A template with `bad_queries` is not refused here: kNN search needs no queries.

    Args:
        flag: what the refusals name.
        is_template: --template was given.
        only: --classes.

    Raises:
        UserError: what was given is none of them.
    """
    if is_template or query in template_names(template_dir):
        template = _read_template(query, template_dir)
    elif template_dir and "|" not in query and not Path(query).is_file():
        _read_template(query, template_dir)  # refuses it, with the names that are known
    else:
        template = template_from_names(query, flag)
    return only_classes(template, only) if only else template


def template_from_names(classes: str, flag: str = "--query") -> Template:
    """A template from `a|b|c`, or from a file of class names. Its only prompt is `DEFAULT_PROMPT`.

    Raises:
        UserError: no name, a file that is not there, or two names that would share an output folder.
    """
    if "|" not in classes and Path(classes).is_file():
        names = read_class_list(Path(classes), flag)
    elif "|" not in classes and looks_like_a_path(classes):
        raise UserError(f"{flag} {classes} is not there: give a file with one name per line, or the names as a|b|c")
    elif "|" not in classes and "," in classes:
        meant = "|".join(name.strip() for name in classes.split(","))
        raise UserError(f"{flag} {classes!r} is one class with a comma: separate classes by |, as {meant!r}, or put a "
                        "name that holds a comma into a file")  # fmt: skip
    elif classes.lower() in (ours := {name.lower(): name for name in template_names()}):
        raise UserError(f"{flag} {classes} is no template: did you mean {ours[classes.lower()]}? (A class of this "
                        "name goes into a file.)")  # fmt: skip
    else:
        names = classes.split("|")
    names = [name.strip() for name in names if name.strip()]
    if not names:
        raise UserError(f"{flag} {classes!r} names no class: give a|b|c, a file with one name per line, or a template")
    check_names(names, flag)
    return check_template(flag, names, [DEFAULT_PROMPT])


def only_classes(template: Template, wanted: list[str]) -> Template:
    """The template with only the classes `wanted`, in the template's order.

    Raises:
        UserError: a wanted class is not in the template.
    """
    if unknown := [name for name in wanted if name not in template.classes]:
        raise UserError(f"--classes: template {template.name} has no class {unknown[0]!r}")
    return _reduced(template, set(wanted))


def _reduced(template: Template, wanted: set[str]) -> Template:
    classes = tuple(name for name in template.classes if name in wanted)
    of_classes = {
        key: {name: held for name, held in getattr(template, key).items() if name in wanted}
        for key in ("class_map", "bad_queries", "synonyms", "definitions")
    }
    return replace(template, classes=classes, **of_classes)


def refuse_bad_queries(template: Template) -> None:
    """Refuse a template in which a class_map query does not parse.

    Raises:
        UserError: names all such classes, and why.
    """
    if not template.bad_queries:
        return
    reasons = "; ".join(f"class {name!r}: its class_map query {why}" for name, why in template.bad_queries.items())
    count = f"{len(template.bad_queries):,} classes cannot be searched: " if len(template.bad_queries) > 1 else ""
    raise UserError(
        f"template {template.name}: {count}{reasons}. Mend the class_map, or leave such classes out with "
        "--skip-bad-queries, or search for all names without class_map with --names-only"
    )


def without_bad_queries(template: Template) -> Template:
    """The template with only the classes that can be searched. Its `bad_queries` are those of the classes left out.

    Raises:
        UserError: no class is left.
    """
    wanted = set(template.classes) - template.bad_queries.keys()
    if not wanted:
        refuse_bad_queries(template)
    return replace(_reduced(template, wanted), bad_queries=template.bad_queries)


def names_only(template: Template, which: str) -> Template:
    """The template without its queries: each class is searched by its own name ("own"), or by all its names ("all")."""
    synonyms = {} if which == "own" else template.synonyms
    return replace(template, class_map={}, bad_queries={}, synonyms=synonyms)


def check_template(name: str, classes, templates, class_map=None, synonyms=None, definitions=None) -> Template:
    """Refuse a template that would fail hours later, or mix up two classes.

    Raises:
        UserError: names the template, the class and the reason.
    """
    class_map, synonyms, definitions = class_map or {}, synonyms or {}, definitions or {}
    check = Refusals(name, classes)
    check.prompts(templates)
    check.class_map(class_map)
    check.synonyms(synonyms)
    check.definitions(definitions)
    check.shared_folders()
    warn_of_repeats(name, classes)
    classes = tuple(dict.fromkeys(classes))
    synonyms = {
        class_name: tuple(synonym for synonym in dict.fromkeys(names) if synonym != class_name)
        for class_name, names in synonyms.items()
    }
    warn_of_shared_names(f"template {name}", {each: (each, *synonyms.get(each, ())) for each in classes})
    bad_queries = bad_queries_of(class_map)
    return Template(name, classes, tuple(templates), dict(class_map), bad_queries, synonyms, dict(definitions))
