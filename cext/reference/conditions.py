"""The plain-Python reference of the kernel's programme: checks a table, walks conditions, adds up effects."""

import operator
from collections.abc import Callable

from cext.programme_table import (
    AMOUNT_MAX,
    EFFECTS_MAX,
    EXPIRY_MONTHS_MAX,
    FACTOR_MAX,
    INSTRUCTIONS_MAX,
    LEG_MAX,
    NO_CAP,
    RULES_MAX,
    STACK_MAX,
    TARGET_FALSE,
    Effect,
    EffectRow,
    Fact,
    Instruction,
    Opcode,
    Table,
)

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

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
_OPCODES = frozenset(int(opcode) for opcode in Opcode)
_EFFECTS = frozenset(int(effect) for effect in Effect)

# Plain ints, as a look-up of an enumeration's member in every step would slow the walk for no one's benefit.
_LAST_FACT_COMPARISON = int(Opcode.FACT_GE)
_FIRST_STACK_COMPARISON = int(Opcode.STACK_EQ)
_LAST_STACK_COMPARISON = int(Opcode.STACK_GE)
_REQUIRE = int(Opcode.REQUIRE)
_PUSH_FACT = int(Opcode.PUSH_FACT)
_PUSH_CONSTANT = int(Opcode.PUSH_CONSTANT)
_NEGATE = int(Opcode.NEGATE)
_POINTS_FIXED = int(Effect.POINTS_FIXED)
_POINTS_PER = int(Effect.POINTS_PER)
_MULTIPLY = int(Effect.MULTIPLY)
_DISCOUNT_RATE = int(Effect.DISCOUNT_RATE)
_DISCOUNT_AMOUNT = int(Effect.DISCOUNT_AMOUNT)
_CREDIT_RATE = int(Effect.CREDIT_RATE)
_CREDIT_AMOUNT = int(Effect.CREDIT_AMOUNT)


class Programme:
    """A compiled programme (`cext.programme_table`). Raises ValueError for a table that is unsafe to walk."""

    def __init__(self, table: Table) -> None:
        header, code, rules, effects = table
        self.table = table
        self.currency, self.point_value, self.expiry_months, deficit = header
        self.deficit_allowed = bool(deficit)
        self.code = code
        self.rules = rules
        self.effects = effects
        _within("currency", self.currency, 0, 999)
        _within("point_value", self.point_value, 1, FACTOR_MAX)
        _within("expiry_months", self.expiry_months, 1, EXPIRY_MONTHS_MAX)
        _within("number of rules", len(rules), 0, RULES_MAX)
        _within("number of instructions", len(code), 0, INSTRUCTIONS_MAX)
        _within("number of effects", len(effects), 0, EFFECTS_MAX)
        for row in code:
            _check_instruction(row, len(code))
        for start, end, group, effects_start, effects_end in rules:
            _within("group", group, 0, RULES_MAX)
            if not (0 <= start <= end <= len(code) and 0 <= effects_start <= effects_end <= len(effects)):
                raise ValueError("a rule points outside the table")
            _check_condition(code, start, end)
        for effect in effects:
            _check_effect(effect)


def _within(what: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise ValueError(f"{what} must be {lowest} to {highest}")


def _check_instruction(row: Instruction, instructions: int) -> None:
    opcode, fact, constant, target = row
    if opcode not in _OPCODES:
        raise ValueError("unknown opcode")
    if not 0 <= fact < len(Fact):
        raise ValueError("unknown fact")
    _within("constant", constant, INT64_MIN, INT64_MAX)
    _within("target", target, TARGET_FALSE, instructions)


def _check_condition(code: tuple[Instruction, ...], start: int, end: int) -> None:
    depth = 0
    empty_at = {start}
    targets = set()
    for at in range(start, end):
        opcode, _, _, target = code[at]
        needs, leaves = _stack_use(opcode)
        if depth < needs:
            raise ValueError("the stack is empty")
        depth += leaves - needs
        if depth > STACK_MAX:
            raise ValueError("the stack is too deep")
        if opcode <= _LAST_STACK_COMPARISON:
            if depth:
                raise ValueError("a comparison leaves something on the stack")
            if target != TARGET_FALSE:
                _within("target", target, at + 1, end)
                targets.add(target)
        if depth == 0:
            empty_at.add(at + 1)
    if depth or not targets <= empty_at:
        raise ValueError("a jump does not meet an empty stack")


def _stack_use(opcode: int) -> tuple[int, int]:
    """How many values an instruction takes from the stack and leaves there."""
    if opcode <= _LAST_FACT_COMPARISON or opcode == _REQUIRE:
        return 0, 0
    if opcode <= _LAST_STACK_COMPARISON:
        return 2, 0
    if opcode in (_PUSH_FACT, _PUSH_CONSTANT):
        return 0, 1
    if opcode == _NEGATE:
        return 1, 1
    return 2, 1


def _check_effect(row: EffectRow) -> None:
    effect, numerator, denominator, cap = row
    if effect not in _EFFECTS:
        raise ValueError("unknown effect")
    if effect in (Effect.POINTS_FIXED, Effect.DISCOUNT_AMOUNT, Effect.CREDIT_AMOUNT):
        _within("effect", numerator, 0, AMOUNT_MAX)
    else:
        _within("numerator", numerator, 0, FACTOR_MAX)
    _within("denominator", denominator, 1, AMOUNT_MAX if effect == Effect.POINTS_PER else FACTOR_MAX)
    _within("cap", cap, NO_CAP, AMOUNT_MAX)


def holds(programme: Programme, start: int, end: int, facts: list[int], absent: frozenset[int]) -> bool:
    """Walk one condition. A fault (see `cext.programme_table`) is false."""
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
                    return False
                at = target
        elif opcode == _REQUIRE:
            if fact in absent:
                return False
        elif opcode == _PUSH_FACT:
            stack.append(facts[fact])
        elif opcode == _PUSH_CONSTANT:
            stack.append(constant)
        elif not _calculate(opcode, stack):
            return False
    return True


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


def fired(programme: Programme, facts: list[int], absent: frozenset[int]) -> list[int]:
    """The rules that fire, in the order of evaluation; of an exclusive group the first."""
    indexes = []
    groups_taken = set()
    for index, (start, end, group, _, _) in enumerate(programme.rules):
        if group in groups_taken or not holds(programme, start, end, facts, absent):
            continue
        indexes.append(index)
        if group:
            groups_taken.add(group)
    return indexes


def _capped(value: int, cap: int) -> int:
    return value if cap == NO_CAP else min(value, cap)


def effects_of(programme: Programme, indexes: list[int]) -> list[EffectRow]:
    """The effects of the rules that fired, in their order."""
    rows: list[EffectRow] = []
    for index in indexes:
        _, _, _, start, end = programme.rules[index]
        rows.extend(programme.effects[start:end])
    return rows


def discount_of(effects: list[EffectRow], amount: int) -> int:
    """All discounts on `amount` (minor units), together at most the amount."""
    total = 0
    for effect, n, d, cap in effects:
        if effect == _DISCOUNT_RATE:
            total += _capped(amount * n // d, cap)
        elif effect == _DISCOUNT_AMOUNT:
            total += _capped(n, cap)
    return min(total, amount)


def points_of(effects: list[EffectRow], paid: int) -> int:
    """Points for `paid` minor units: the base, then the multipliers one after another, then the fixed ones.

    Above `LEG_MAX` the sum is not worked out any further, as the message is declined.
    """
    base = sum(_capped(paid // d * n, cap) for effect, n, d, cap in effects if effect == _POINTS_PER)
    for effect, n, d, cap in effects:
        if base > LEG_MAX:
            return base
        if effect == _MULTIPLY:
            base += _capped(base * n // d - base, cap)
    return base + sum(_capped(n, cap) for effect, n, _, cap in effects if effect == _POINTS_FIXED)


def credit_of(effects: list[EffectRow], paid: int) -> int:
    """Club credit granted for `paid` minor units."""
    total = 0
    for effect, n, d, cap in effects:
        if effect == _CREDIT_RATE:
            total += _capped(paid * n // d, cap)
        elif effect == _CREDIT_AMOUNT:
            total += _capped(n, cap)
    return total
