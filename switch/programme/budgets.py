"""Budgets of a compiled programme: what all members together may get by a rule, and how it is best dealt out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from switch.programme.gifts import BUDGET
from switch.programme.model import ProgrammeModel, Rule

GIFTS_UNKNOWN = 1_024
"""How many gifts a budget is thought to be good for if nothing bounds a single one."""


@dataclass(frozen=True, slots=True)
class RuleBudget:
    """A rule's budget: `total` in points, or in minor units if the unit is `amount`.

    `slot`: the counter of each account that draws are added to; `gift`: about the most that one message draws.
    """

    rule: str
    slot: int
    unit: Literal["points", "amount"]
    total: int
    gift: int


def budgets_of(
    model: ProgrammeModel, numbers: Mapping[int, int], allotted: Mapping[tuple[str, str], int]
) -> tuple[RuleBudget, ...]:
    """The budgets in the order of `numbers` (slot to number), which `Request.budgets` has them in."""
    return tuple(sorted(_found(model, allotted), key=lambda budget: numbers[budget.slot]))


def _found(model: ProgrammeModel, allotted: Mapping[tuple[str, str], int]) -> Iterator[RuleBudget]:
    for rule in (*model.rules, *(choice.rule for choice in model.rewards)):
        budget = rule.budget
        if budget is not None:
            slot = allotted[BUDGET, f"{rule.id}/{budget.unit}"]
            yield RuleBudget(rule.id, slot, budget.unit, budget.total, _gift(rule, budget.total))


def _gift(rule: Rule, total: int) -> int:
    then = rule.then
    given = [gift for gift in (then.points, then.discount, then.credit) if gift is not None]
    is_open = then.multiply is not None or then.free is not None or then.stamp is not None
    if rule.bound is not None:
        most = rule.bound
    elif given and not is_open and all(isinstance(gift, int) for gift in given):
        most = sum(gift for gift in given if isinstance(gift, int))
    else:
        most = total // GIFTS_UNKNOWN
    return max(1, min(total, most))
