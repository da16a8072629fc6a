"""Which rule gave what: a decision knows the rules that fired and the sums; here the sums are dealt out to the rules.

Where one rule alone could give a leg, it gave it. Where several did, each is counted for what it would give by its
effect, and what was really given (after caps, the bound of all discounts, rounding and the tier's multiplier) is split
in that proportion, so that the rules' parts always add up to the leg. A multiplier is counted for what it added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cext.programme_table import NO_CAP, Effect, EffectRow, Table

POINTS, CREDIT, DISCOUNT = 0, 1, 2
LEGS = (POINTS, CREDIT, DISCOUNT)
NO_RULE = -1
"""What no rule of the table can have given."""

LEG_OF = {
    int(Effect.POINTS_FIXED): POINTS,
    int(Effect.POINTS_PER): POINTS,
    int(Effect.MULTIPLY): POINTS,
    int(Effect.DISCOUNT_RATE): DISCOUNT,
    int(Effect.DISCOUNT_AMOUNT): DISCOUNT,
    int(Effect.FREE_ITEM): DISCOUNT,
    int(Effect.CREDIT_RATE): CREDIT,
    int(Effect.CREDIT_AMOUNT): CREDIT,
}
"""The leg that an effect gives; the others give none."""

Shares = dict[int, list[int]]
"""Points, credit and discount of each rule."""


class Given(NamedTuple):
    """What a decision gave: its three legs, and what they were worked out on."""

    points: int
    credit: int
    discount: int
    amount: int
    paid: int


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Deal out a total in proportion to weights of at least 0, by largest remainders, the first of equals first.

    The parts add up to the total, whatever its sign. Without any weight the first gets it all.
    """
    whole = sum(weights)
    if whole <= 0:
        return [total, *[0] * (len(weights) - 1)]
    size = abs(total)
    parts = [size * weight // whole for weight in weights]
    rest = size - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(size * weights[index] % whole), index))
    for index in by_remainder[:rest]:
        parts[index] += 1
    return parts if total >= 0 else [-part for part in parts]


@dataclass(frozen=True, slots=True)
class Combination:
    """Rules that fired together, by their index. `givers`: for each leg those that can have given it, in order.

    `effects`: (rule, its effect) of those that give a leg.
    """

    rules: tuple[int, ...]
    givers: tuple[tuple[int, ...], ...]
    effects: tuple[tuple[int, EffectRow], ...]

    def shares(self, given: Given) -> Shares:
        """What each rule gave."""
        found: Shares = {}
        for leg in LEGS:
            rules, total = self.givers[leg], given[leg]
            if not total:
                continue
            parts = split(total, self._weights(leg, given)) if len(rules) > 1 else [total]
            for rule, part in zip(rules or (NO_RULE,), parts, strict=True):
                found.setdefault(rule, [0, 0, 0])[leg] += part
        return found

    def _weights(self, leg: int, given: Given) -> list[int]:
        """What each giver would give by its effects; the base of the points first, as multipliers work on it."""
        weights = dict.fromkeys(self.givers[leg], 0)
        base = 0
        for rule, (effect, n, d, cap, _) in self.effects:
            if leg == POINTS and effect == Effect.POINTS_PER:
                would = _capped(n * (given.paid // d), cap)
                base += would
                weights[rule] += would
        for rule, (effect, n, d, cap, _) in self.effects:
            if LEG_OF[effect] != leg or effect == Effect.POINTS_PER:
                continue
            if effect == Effect.MULTIPLY:
                would = max(0, _capped(base * n // d - base, cap))
                base += would
            elif effect in (Effect.DISCOUNT_RATE, Effect.CREDIT_RATE):
                would = _capped((given.amount if leg == DISCOUNT else given.paid) * n // d, cap)
            elif effect == Effect.FREE_ITEM:
                would = _capped(given.discount, cap)
            else:
                would = _capped(n, cap)
            weights[rule] += would
        return list(weights.values())


def _capped(value: int, cap: int) -> int:
    return value if cap == NO_CAP else min(value, cap)


NOTHING_KNOWN = Combination((), ((), (), ()), ())


def combination(table: Table, packed: bytes) -> Combination:
    """The rules of a decision's `rules`; indexes that the table does not have are left out."""
    _, _, rules, effects, *_ = table
    indexes = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    fired = tuple(dict.fromkeys(index for index in indexes if index < len(rules)))
    giving = tuple(
        (index, effect)
        for index in fired
        for effect in effects[rules[index][3] : rules[index][4]]
        if effect[0] in LEG_OF
    )
    givers = tuple(tuple(dict.fromkeys(rule for rule, effect in giving if LEG_OF[effect[0]] == leg)) for leg in LEGS)
    return Combination(fired, givers, giving)
