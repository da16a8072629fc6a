"""What was left of budgets when a journal row was decided, as far as it bore on the decision (I9).

How much was left then is kept nowhere, and need not be: with just what the row drew left of each budget, and with 1 of
that of a rule which fired and drew nothing, the message comes out the same. What a rule wants beyond its draw it did
not get then either, and a budget of which nothing was drawn stops the rules that did not fire.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from cext._kernel import Programme
from cext.programme_table import Effect
from cext.reference.counters import unpack

_KNOWN_MAX = 256
_BUDGET = int(Effect.BUDGET)


class _Budgets(NamedTuple):
    """The slots of a table's budgets, by their index, and the budget of each rule that has one."""

    slots: tuple[int, ...]
    of_rule: Mapping[int, int]


@lru_cache(_KNOWN_MAX)
def _budgets_of(programme: Programme) -> _Budgets:
    _, _, rules, effects, *_ = programme.table
    slots: dict[int, int] = {}
    of_rule: dict[int, int] = {}
    for rule, (_, _, _, start, end, *_) in enumerate(rules):
        for effect, budget, _, _, slot in effects[start:end]:
            if effect == _BUDGET:
                slots[budget] = slot
                of_rule[rule] = budget
    return _Budgets(tuple(slots.get(index, 0) for index in range(max(slots, default=-1) + 1)), of_rule)


def budgets_then(programme: Programme, rules: bytes | None, counters_moved: bytes | None) -> tuple[int, ...]:
    """`Request.budgets` for the message of a row that this programme decided."""
    slots, of_rule = _budgets_of(programme)
    if not slots:
        return ()
    moved = {slot: count for slot, _, count in unpack(counters_moved or b"")}
    left = [max(0, moved.get(slot, 0)) for slot in slots]
    fired = rules or b""
    for at in range(0, len(fired), 2):
        budget = of_rule.get(int.from_bytes(fired[at : at + 2], "big"))
        if budget is not None and left[budget] == 0:
            left[budget] = 1
    return tuple(left)
