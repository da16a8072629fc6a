"""Works conditions out, as terms: the truth that the kernel's walk over their code finds, comparison by comparison.

A fault (a fact that does not exist yet, a division by zero, a number outside 64 bits) makes a whole condition false,
whatever stands around it; what a short circuit skips is not looked at (`cext.programme_table`).
"""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cext.programme_table import Opcode
from cext.reference.facts import Facts
from switch.programme.expression import INT64_MAX, INT64_MIN
from switch.programme.terms import (
    All,
    Arithmetic,
    Comparison,
    Constant,
    Either,
    Look,
    Negative,
    Truth,
    Value,
    looks_of,
)

_RELATIONS: tuple[Callable[[int, int], bool], ...] = (
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
)
"""In the order of `Relation`."""
_OPERATIONS: dict[Opcode, Callable[[int, int], int]] = {
    Opcode.ADD: operator.add,
    Opcode.SUBTRACT: operator.sub,
    Opcode.MULTIPLY: operator.mul,
    Opcode.FLOOR_DIVIDE: operator.floordiv,
    Opcode.MODULO: operator.mod,
}


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison as it came out. A side is None if it could not be worked out; `held` is False then.

    `missing` are facts that were not there.
    """

    comparison: Comparison
    left: int | None
    right: int | None
    missing: tuple[Look, ...]
    held: bool

    @property
    def faulted(self) -> bool:
        """Whether it made the whole condition false, had it been looked at."""
        return self.left is None or self.right is None or bool(self.missing)


Choice = tuple[Check, ...]
"""Comparisons of which any one would do."""


def worked_out(value: Value, facts: Facts) -> int | None:
    """The number that a value is; None on a fault."""
    match value:
        case Constant():
            return value.value
        case Look():
            numbers, absent = facts
            return None if value.conditional and value.number in absent else numbers[value.number]
        case Negative(operand):
            inner = worked_out(operand, facts)
            return None if inner is None else _bounded(-inner)
        case Arithmetic(opcode, left, right):
            first, second = worked_out(left, facts), worked_out(right, facts)
            if first is None or second is None:
                return None
            if second == 0 and opcode in (Opcode.FLOOR_DIVIDE, Opcode.MODULO):
                return None
            return _bounded(_OPERATIONS[opcode](first, second))


def _bounded(number: int) -> int | None:
    return number if INT64_MIN <= number <= INT64_MAX else None


def check(comparison: Comparison, facts: Facts) -> Check:
    """Work out a comparison."""
    absent = facts[1]
    missing = {look.number: look for look in looks_of(comparison) if look.conditional and look.number in absent}
    left, right = worked_out(comparison.left, facts), worked_out(comparison.right, facts)
    held = left is not None and right is not None and _RELATIONS[comparison.relation](left, right)
    return Check(comparison, left, right, tuple(missing.values()), held)


def checks(truth: Truth, facts: Facts) -> Iterator[Check]:
    """Every comparison of a condition, in the order of writing, whether a short circuit skips it or not."""
    match truth:
        case Comparison():
            yield check(truth, facts)
        case All(parts) | Either(parts):
            for part in parts:
                yield from checks(part, facts)


def holds(truth: Truth, facts: Facts) -> bool:
    """Whether a condition holds, as the kernel walks it."""
    return _walk(truth, facts) is True


def _walk(truth: Truth, facts: Facts) -> bool | None:
    """True or False; None on a fault."""
    match truth:
        case Comparison():
            came_out = check(truth, facts)
            return None if came_out.faulted else came_out.held
        case All(parts):
            for part in parts:
                found = _walk(part, facts)
                if found is not True:
                    return found
            return True
        case Either(parts):
            for part in parts:
                found = _walk(part, facts)
                if found is not False:
                    return found
            return False


def in_the_way(truth: Truth, facts: Facts) -> tuple[Choice, ...]:
    """The fewest comparisons that would have to come out otherwise for the condition to hold; none if it holds."""
    return () if holds(truth, facts) else tuple(_fewest(truth, facts))


def _fewest(truth: Truth, facts: Facts) -> list[Choice]:
    match truth:
        case Comparison():
            came_out = check(truth, facts)
            return [] if came_out.held else [(came_out,)]
        case All(parts):
            return [found for part in parts for found in _fewest(part, facts)]
        case Either(parts):
            return _of_choices(parts, facts)


def _of_choices(parts: tuple[Truth, ...], facts: Facts) -> list[Choice]:
    """What lacks least. A fault in an earlier choice stands in the way of every later one."""
    choices: list[list[Choice]] = []
    faults: list[Choice] = []
    for part in parts:
        lacking = _fewest(part, facts)
        choices.append(faults + lacking)
        faults = faults + [found for found in lacking if any(each.faulted for each in found)]
    least = min(choices, key=len)
    if len(least) == 1:
        return [tuple(dict.fromkeys(each for choice in choices if len(choice) == 1 for each in choice[0]))]
    return least
