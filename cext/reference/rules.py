"""Which rules fire, in plain Python, and which grants a purchase gives."""

from cext.programme_table import Occasion
from cext.reference.budgets import Budgets
from cext.reference.conditions import Programme, holds, worked_out
from cext.reference.counters import Counters
from cext.reference.effects import effects_of, is_priced
from cext.reference.facts import Facts
from cext.reference.grants import Grants


def fired(
    programme: Programme, occasion: Occasion, facts: Facts, counters: Counters, grants: Grants, budgets: Budgets
) -> list[int]:
    """The rules that fire, in the order of evaluation; of an exclusive group the first.

    A rule that fires uses up its grant and counts in its limits at once, so that the next rule sees it.
    """
    indexes = []
    groups_taken = set()
    for index, (start, end, group, _, _, fires_on, grant, limits_start, limits_end) in enumerate(programme.rules):
        limits = programme.limits[limits_start:limits_end]
        slot = programme.grants[grant - 1][0] if grant else 0
        if (
            fires_on != occasion
            or group in groups_taken
            or (slot and grants.live(slot) is None)
            or _is_empty(programme, index, budgets)
            or any(counters.value(counter, period) >= most for counter, period, most in limits)
            or not holds(programme, start, end, *facts)
        ):
            continue
        indexes.append(index)
        if group:
            groups_taken.add(group)
        if slot:
            grants.use(slot)
        for counter, period, _ in limits:
            counters.add(counter, period, 1)
    return indexes


def _is_empty(programme: Programme, index: int, budgets: Budgets) -> bool:
    """Whether nothing is left of a rule's budget."""
    budget = programme.budget_of[index]
    return budget >= 0 and budgets.left(budget) <= 0


def refusal_of_reward(programme: Programme, facts: Facts, budgets: Budgets, indexes: list[int]) -> str:
    """Why none of these rules, which fired, gives the reward that the till asked for: a DE39, "" if one does.

    65: its condition holds and its budget is not empty, but it was had as often as may be; 05: anything else.
    """
    priced = [index for index in range(len(programme.rules)) if is_priced(effects_of(programme, [index]))]
    if any(index in indexes for index in priced):
        return ""
    for index in priced:
        start, end, _, _, _, occasion, *_ = programme.rules[index]
        if occasion != Occasion.PURCHASE or _is_empty(programme, index, budgets):
            continue
        if holds(programme, start, end, *facts):
            return "65"
    return "05"


def give(programme: Programme, facts: Facts, grants: Grants) -> None:
    """Give each grant whose condition holds, its values frozen; a fault in a value is as good as a condition's."""
    for slot, start, end, life_days, values_start, values_end in programme.grants:
        if not grants.may_give(slot) or not holds(programme, start, end, *facts):
            continue
        values = [worked_out(programme, index, *facts) for index in range(values_start, values_end)]
        known = tuple(value for value in values if value is not None)
        if len(known) == len(values):
            grants.give(slot, life_days, known)
