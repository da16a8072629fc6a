"""The plain-Python reference of the kernel's effects: what the rules that fired come to."""

from cext.programme_table import LEG_MAX, NO_CAP, Effect, Period
from cext.reference.budgets import Budgets
from cext.reference.conditions import Programme
from cext.reference.counters import Counters
from cext.reference.records import Request

# Plain ints, as a look-up of an enumeration's member for every effect would slow the sums for no one's benefit.
_POINTS_FIXED = int(Effect.POINTS_FIXED)
_POINTS_PER = int(Effect.POINTS_PER)
_MULTIPLY = int(Effect.MULTIPLY)
_DISCOUNT_RATE = int(Effect.DISCOUNT_RATE)
_DISCOUNT_AMOUNT = int(Effect.DISCOUNT_AMOUNT)
_CREDIT_RATE = int(Effect.CREDIT_RATE)
_CREDIT_AMOUNT = int(Effect.CREDIT_AMOUNT)
_COUNTER_FIXED = int(Effect.COUNTER_FIXED)
_COUNTER_PER = int(Effect.COUNTER_PER)
_FREE_ITEM = int(Effect.FREE_ITEM)
_PRICE = int(Effect.PRICE)
_BUDGET = int(Effect.BUDGET)

FiredEffect = tuple[int, int, int, int, int, int, bool]
"""An effect of a rule that fired, the index of the rule's budget (-1: none), and whether it takes points for it."""


def _capped(value: int, cap: int) -> int:
    return value if cap == NO_CAP else min(value, cap)


def effects_of(programme: Programme, indexes: list[int]) -> list[FiredEffect]:
    """The effects of the rules that fired, in their order."""
    rows: list[FiredEffect] = []
    for index in indexes:
        _, _, _, start, end, *_ = programme.rules[index]
        budget = programme.budget_of[index]
        priced = any(effect == _PRICE for effect, *_ in programme.effects[start:end])
        rows.extend((*row, budget, priced) for row in programme.effects[start:end])
    return rows


def price_of(effects: list[FiredEffect]) -> int:
    """Points that are taken for what the till asked for."""
    return sum(_capped(n, cap) for effect, n, _, cap, *_ in effects if effect == _PRICE)


def discount_of(programme: Programme, indexes: list[int], request: Request, amount: int, budgets: Budgets) -> int:
    """All discounts on `amount` (minor units): what is bought for points in full, the rest at most its share of it."""
    n, of = programme.max_discount
    most = amount * n // of
    given = bought = 0
    for index in indexes:
        effects = effects_of(programme, [index])
        priced = is_priced(effects)
        for row in effects:
            room = amount - bought if priced else most - given
            taken_off = budgets.draw(row[5], min(_taken_off(row, request, amount), room), in_full=priced)
            if priced:
                bought += taken_off
            else:
                given += taken_off
    return min(amount, given + bought)


def is_priced(effects: list[FiredEffect]) -> bool:
    """Whether these are of a rule that takes points for what it gives."""
    return any(effect == _PRICE for effect, *_ in effects)


def _taken_off(row: FiredEffect, request: Request, amount: int) -> int:
    effect, n, d, cap, *_ = row
    if effect == _DISCOUNT_RATE:
        return _capped(amount * n // d, cap)
    if effect == _DISCOUNT_AMOUNT:
        return _capped(n, cap)
    if effect == _FREE_ITEM:
        return _capped(_free_price(request, n, amount), cap)
    return 0


def _free_price(request: Request, index: int, amount: int) -> int:
    """What an item costs that is free; without a basket it is all that is bought."""
    if index < len(request.free_prices):
        return min(amount, max(0, request.free_prices[index]))
    return 0 if request.has_basket else amount


def points_of(effects: list[FiredEffect], paid: int, multiplier: tuple[int, int], budgets: Budgets) -> int:
    """Points for `paid` minor units: the base, the multipliers one after another, the tier's, then the fixed ones.

    Above `LEG_MAX` the sum is not worked out any further, as the message is declined.
    """
    base = fixed = 0
    for effect, n, d, cap, _, budget, priced in effects:
        if effect == _POINTS_PER:
            base += budgets.draw(budget, _capped(paid // d * n, cap), in_full=priced)
        elif effect == _POINTS_FIXED:
            fixed += budgets.draw(budget, _capped(n, cap), in_full=priced)
        else:
            continue
        if base > LEG_MAX or fixed > LEG_MAX:
            return LEG_MAX + 1
    for effect, n, d, cap, _, budget, priced in effects:
        if effect == _MULTIPLY:
            base += budgets.draw(budget, _capped(base * n // d - base, cap), in_full=priced)
            if base > LEG_MAX:
                return base
    n, d = multiplier
    return base * n // d + fixed


def credit_of(effects: list[FiredEffect], paid: int, budgets: Budgets) -> int:
    """Club credit granted for `paid` minor units."""
    total = 0
    for effect, n, d, cap, _, budget, priced in effects:
        if effect == _CREDIT_RATE:
            total += budgets.draw(budget, _capped(paid * n // d, cap), in_full=priced)
        elif effect == _CREDIT_AMOUNT:
            total += budgets.draw(budget, _capped(n, cap), in_full=priced)
    return total


def count(effects: list[FiredEffect], paid: int, counters: Counters, budgets: Budgets) -> None:
    """Move the counters of stamps, tickets and budgets, in the rules' order."""
    for effect, n, d, cap, slot, *_ in effects:
        if effect == _COUNTER_FIXED:
            counters.add(slot, Period.LIFE, _capped(n, cap))
        elif effect == _COUNTER_PER:
            counters.add(slot, Period.LIFE, _capped(paid // d * n, cap))
        elif effect == _BUDGET:
            counters.add(slot, Period.LIFE, budgets.take(n))
