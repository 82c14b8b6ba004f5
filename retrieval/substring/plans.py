"""Plans: queries with phrases as numbers, and the few phrases that each needs. Standard library only.

    plan = make_plan(query, number_of, empty)
    cover = cheapest_cover(plan, costs)

`crane AND (bird OR water)` needs "crane": captions without a crane need no search for birds and water. So all captions
are searched for what the queries need, and only those that are left for the other phrases. Of an AND, the part is
needed whose phrases are rarest in a sample of the captions. A poor sample costs time and changes no result.
"""

from collections.abc import Sequence

from retrieval.queries import And, Not, Or, Phrase, Query

# A query with phrases as numbers, and without what is empty. And, Or and Not are those of retrieval.queries.
Plan = int | And | Or | Not


def make_plan(query: Query, number_of: dict[Phrase, int], empty: set[Phrase]) -> Plan | None:
    """The query with phrases as numbers and without what is empty. None where it matches nothing."""
    match query:
        case Phrase():
            return None if query in empty else number_of[query]
        case And(parts, implicit):
            plans = [make_plan(part, number_of, empty) for part in parts if not (implicit and part in empty)]
            if not plans or None in plans:
                return None
            return plans[0] if len(plans) == 1 else And(tuple(plans))
        case Or(parts):
            plans = [make_plan(part, number_of, empty) for part in parts]
            plans = [plan for plan in plans if plan is not None]
            if not plans:
                return None
            return plans[0] if len(plans) == 1 else Or(tuple(plans))
        case Not(wanted, unwanted):
            plans = [make_plan(part, number_of, empty) for part in (wanted, unwanted)]
            return plans[0] if None in plans else Not(*plans)


def cheapest_cover(plan: Plan, costs: Sequence[float]) -> tuple[int, ...]:
    """Numbers of phrases, one of which holds wherever the plan does; the cheapest by their `costs`."""
    match plan:
        case int():
            return (plan,)
        case And(parts):
            covers = [cheapest_cover(part, costs) for part in parts]
            return min(covers, key=lambda cover: sum(costs[number] for number in cover))
        case Or(parts):
            return tuple(dict.fromkeys(phrase for part in parts for phrase in cheapest_cover(part, costs)))
        case Not(wanted):
            return cheapest_cover(wanted, costs)
