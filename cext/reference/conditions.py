"""The plain-Python reference of a compiled programme, and of the walk over its conditions and values."""

import operator
from collections.abc import Callable

from cext.programme_table import TARGET_FALSE, Effect, Fact, Opcode, Table
from cext.reference.table_checks import INT64_MAX, INT64_MIN, check

FACTS = tuple(fact.name.lower() for fact in Fact)

_RELATIONS: tuple[Callable[[int, int], bool], ...] = (
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
)
_BINARY: dict[int, Callable[[int, int], int]] = {
    Opcode.ADD: operator.add,
    Opcode.SUBTRACT: operator.sub,
    Opcode.MULTIPLY: operator.mul,
    Opcode.FLOOR_DIVIDE: operator.floordiv,
    Opcode.MODULO: operator.mod,
}

# Plain ints, as a look-up of an enumeration's member in every step would slow the walk for no one's benefit.
_LAST_FACT_COMPARISON = int(Opcode.FACT_GE)
_FIRST_STACK_COMPARISON = int(Opcode.STACK_EQ)
_LAST_STACK_COMPARISON = int(Opcode.STACK_GE)
_REQUIRE = int(Opcode.REQUIRE)
_PUSH_FACT = int(Opcode.PUSH_FACT)
_PUSH_CONSTANT = int(Opcode.PUSH_CONSTANT)
_NEGATE = int(Opcode.NEGATE)
_BUDGET = int(Effect.BUDGET)


class Programme:
    """A compiled programme (`cext.programme_table`). Raises ValueError for a table that is unsafe to walk."""

    def __init__(self, table: Table) -> None:
        check(table)
        header, code, rules, effects, lookups, limits, grants, values, tiers = table
        self.table = table
        self.currency, self.point_value, self.expiry_months, deficit, most, of = header[:6]
        self.pending_days, self.tier_year_month, self.tier_grace_days = header[6:]
        self.deficit_allowed = bool(deficit)
        self.max_discount = (most, of)
        self.code = code
        self.rules = rules
        self.effects = effects
        self.budget_of = [
            next((n for effect, n, *_ in effects[start:end] if effect == _BUDGET), -1)
            for _, _, _, start, end, *_ in rules
        ]
        """Of each rule the index of its budget; -1: none."""
        self.lookups = lookups
        self.limits = limits
        self.grants = grants
        self.values = values
        self.tiers = tiers
        self.recalls = any(fact == Fact.SPEND_30D for _, fact, _, _ in code)
        """Whether accounts keep the spend of the last days."""


def holds(programme: Programme, start: int, end: int, facts: list[int], absent: frozenset[int]) -> bool:
    """Walk one condition. A fault (see `cext.programme_table`) is false."""
    return _walk(programme, start, end, facts, absent) is not None


def worked_out(programme: Programme, index: int, facts: list[int], absent: frozenset[int]) -> int | None:
    """The number that a value's code leaves; None on a fault."""
    start, end = programme.values[index]
    stack = _walk(programme, start, end, facts, absent)
    return None if stack is None else stack[0]


def _walk(programme: Programme, start: int, end: int, facts: list[int], absent: frozenset[int]) -> list[int] | None:
    """What is left on the stack; None if a comparison made the condition false, and on a fault."""
    code = programme.code
    stack: list[int] = []
    at = start
    while at < end:
        opcode, fact, constant, target = code[at]
        at += 1
        if opcode <= _LAST_STACK_COMPARISON:
            if opcode <= _LAST_FACT_COMPARISON:
                held = _RELATIONS[opcode](facts[fact], constant)
            else:
                right = stack.pop()
                held = _RELATIONS[opcode - _FIRST_STACK_COMPARISON](stack.pop(), right)
            if not held:
                if target == TARGET_FALSE:
                    return None
                at = target
        elif opcode == _REQUIRE:
            if fact in absent:
                return None
        elif opcode == _PUSH_FACT:
            stack.append(facts[fact])
        elif opcode == _PUSH_CONSTANT:
            stack.append(constant)
        elif not _calculate(opcode, stack):
            return None
    return stack


def _calculate(opcode: int, stack: list[int]) -> bool:
    """One step of arithmetic on the stack; False on a fault."""
    right = stack.pop()
    if opcode == _NEGATE:
        result = -right
    elif right == 0 and opcode in (Opcode.FLOOR_DIVIDE, Opcode.MODULO):
        return False
    else:
        result = _BINARY[opcode](stack.pop(), right)
    stack.append(result)
    return INT64_MIN <= result <= INT64_MAX
