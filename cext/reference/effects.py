"""The plain-Python reference of the kernel's effects: what the rules that fired come to."""

from cext.programme_table import LEG_MAX, NO_CAP, Effect, EffectRow, Period
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


def _capped(value: int, cap: int) -> int:
    return value if cap == NO_CAP else min(value, cap)


def effects_of(programme: Programme, indexes: list[int]) -> list[EffectRow]:
    """The effects of the rules that fired, in their order."""
    rows: list[EffectRow] = []
    for index in indexes:
        _, _, _, start, end, *_ = programme.rules[index]
        rows.extend(programme.effects[start:end])
    return rows


def price_of(effects: list[EffectRow]) -> int:
    """Points that are taken for what the till asked for."""
    return sum(_capped(n, cap) for effect, n, _, cap, _ in effects if effect == _PRICE)


def discount_of(programme: Programme, indexes: list[int], request: Request, amount: int) -> int:
    """All discounts on `amount` (minor units): what is bought for points in full, the rest at most its share of it."""
    given = bought = 0
    for index in indexes:
        effects = effects_of(programme, [index])
        total = sum(_taken_off(row, request, amount) for row in effects)
        if is_priced(effects):
            bought += total
        else:
            given += total
    most, of = programme.max_discount
    return min(amount, min(given, amount * most // of) + bought)


def is_priced(effects: list[EffectRow]) -> bool:
    """Whether these are of a rule that takes points for what it gives."""
    return any(effect == _PRICE for effect, *_ in effects)


def _taken_off(row: EffectRow, request: Request, amount: int) -> int:
    effect, n, d, cap, _ = row
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


def points_of(effects: list[EffectRow], paid: int, multiplier: tuple[int, int]) -> int:
    """Points for `paid` minor units: the base, the multipliers one after another, the tier's, then the fixed ones.

    Above `LEG_MAX` the sum is not worked out any further, as the message is declined.
    """
    base = sum(_capped(paid // d * n, cap) for effect, n, d, cap, _ in effects if effect == _POINTS_PER)
    for effect, n, d, cap, _ in effects:
        if base > LEG_MAX:
            return base
        if effect == _MULTIPLY:
            base += _capped(base * n // d - base, cap)
    if base > LEG_MAX:
        return base
    n, d = multiplier
    base = base * n // d
    return base + sum(_capped(n, cap) for effect, n, _, cap, _ in effects if effect == _POINTS_FIXED)


def credit_of(effects: list[EffectRow], paid: int) -> int:
    """Club credit granted for `paid` minor units."""
    total = 0
    for effect, n, d, cap, _ in effects:
        if effect == _CREDIT_RATE:
            total += _capped(paid * n // d, cap)
        elif effect == _CREDIT_AMOUNT:
            total += _capped(n, cap)
    return total


def count(effects: list[EffectRow], paid: int, counters: Counters) -> None:
    """Move the counters of stamps and tickets, in the rules' order."""
    for effect, n, d, cap, slot in effects:
        if effect == _COUNTER_FIXED:
            counters.add(slot, Period.LIFE, _capped(n, cap))
        elif effect == _COUNTER_PER:
            counters.add(slot, Period.LIFE, _capped(paid // d * n, cap))
