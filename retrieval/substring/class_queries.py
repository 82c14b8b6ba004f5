"""The classes that a run searches for, and the query of each.

Standard library only: a run is planned before its workers are forked (scan_workers.start_method).
"""

from retrieval.cli import UserError, say, say_always
from retrieval.columns import column_choice
from retrieval.queries import QueryError, is_quoted_whole, lower_case_operators
from retrieval.substring.search_units import RANDOM, Search
from retrieval.substring.tally import first_few
from retrieval_templates import Template, choose_template, names_only, refuse_bad_queries, without_bad_queries
from retrieval_templates.languages import in_language


def load_classes(args) -> Template:
    """The classes to search for. Their `bad_queries` are those of classes left out."""
    if args.select_random:
        return Template(RANDOM, (RANDOM,), ())
    template = choose_template(args.query, "--query", args.template_dir, args.template, args.classes)
    if args.names_only:
        template = names_only(template, args.names_only)
    if args.language:
        template = in_language(template, args.language.lower(), args.match)
    if not args.skip_bad_queries:
        refuse_bad_queries(template)
        return template
    for name, why in template.bad_queries.items():
        say_always(f"left out: class {name!r}: its class_map query {why}")
    return without_bad_queries(template)


def make_search(args, template: Template) -> Search:
    if args.select_random:
        return Search(RANDOM, (RANDOM,), (), column_choice(args), where=args.where)
    try:
        queries = tuple(template.caption_query(name, args.match) for name in template.classes)
    except QueryError as error:
        raise UserError(f"--query {args.query}: {error}") from error
    note_operators(template, args.match)
    note_quoted_queries(template)
    return Search(args.match, template.classes, queries, column_choice(args), args.quantity, args.where)


def note_quoted_queries(template: Template) -> None:
    """Say which class_map queries are one phrase because they have `-` or `/` outside quotes."""
    names = [name for name, query in template.class_map.items() if is_quoted_whole(query)]
    if names:
        say(f"note: a class_map query with - or / and without quotes is searched as one phrase: "
            f"{len(names):,} of {len(template.classes):,} classes: {first_few(names)}")  # fmt: skip


def note_operators(template: Template, mode: str) -> None:
    """Say which classes search for the word "and" where they may mean AND."""
    found: dict[str, list[str]] = {}
    for name in template.classes:
        query = template.query(name) or (name if mode == "fts" else "")
        for word in [] if is_quoted_whole(query) else lower_case_operators(query):
            found.setdefault(word, []).append(name)
    for word, names in found.items():
        say(f"note: {word!r} is searched as a word (the operator is {word.upper()}) in the query of {first_few(names)}")
