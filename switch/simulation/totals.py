"""The sums of a simulation. Integers only, added up in any order: a report of parts is the report of the whole."""

from dataclasses import dataclass, field
from typing import Self


class Sums:
    """Adds up field by field: integers, and sums of their own."""

    __slots__: tuple[str, ...] = ()

    def add(self, other: Self) -> None:
        """Count another part in."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Sums):
                mine.add(theirs)
            else:
                setattr(self, name, mine + theirs)


@dataclass(slots=True)
class Totals(Sums):
    """What one programme gave, net of what was undone. Money in minor units, points whole.

    `members`: accounts with a message in the period; `reached`: those of them that got points, credit or a discount.
    `paid`: what was left to be paid by other means. `declined`: messages that the programme would not take.
    """

    members: int = 0
    reached: int = 0
    purchases: int = 0
    amount: int = 0
    paid: int = 0
    points_earned: int = 0
    points_redeemed: int = 0
    points_expired: int = 0
    credit_granted: int = 0
    credit_spent: int = 0
    discount: int = 0
    declined: int = 0

    def cost(self, point_value: int) -> int:
        """Discounts, credit and points at what they are worth when spent: before breakage."""
        return self.discount + self.credit_granted + self.points_earned * point_value


@dataclass(slots=True)
class RuleTotals(Sums):
    """What one rule gave, net of what was undone. `members`: accounts for which it fired; `fired`: how often."""

    fired: int = 0
    members: int = 0
    points: int = 0
    credit: int = 0
    discount: int = 0

    def cost(self, point_value: int) -> int:
        """As `Totals.cost`."""
        return self.discount + self.credit + self.points * point_value


@dataclass(slots=True)
class Pair(Sums):
    """What live gave, and what the draft gives."""

    live: Totals = field(default_factory=Totals)
    draft: Totals = field(default_factory=Totals)


@dataclass(slots=True)
class RulePair(Sums):
    """What a rule of this name gave in live, and gives in the draft."""

    live: RuleTotals = field(default_factory=RuleTotals)
    draft: RuleTotals = field(default_factory=RuleTotals)


@dataclass(slots=True)
class Report:
    """A simulation, or a part of it. `broken`: accounts whose journal does not lead to what they are now: left out.

    `segments`: by dimension (`age`, `gender`, `region`, `tier`) and label; `rules`: by id, `""` for what none gave.
    """

    messages: int = 0
    broken: int = 0
    whole: Pair = field(default_factory=Pair)
    segments: dict[tuple[str, str], Pair] = field(default_factory=dict)
    rules: dict[str, RulePair] = field(default_factory=dict)

    def add(self, other: "Report") -> None:
        """Count another part in."""
        self.messages += other.messages
        self.broken += other.broken
        self.whole.add(other.whole)
        for segment, pair in other.segments.items():
            self.segments.setdefault(segment, Pair()).add(pair)
        for rule, rules in other.rules.items():
            self.rules.setdefault(rule, RulePair()).add(rules)
