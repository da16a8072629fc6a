"""What rules give, as rows of the table, and the texts and goods that the rows only number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from cext.programme_table import NO_CAP, Effect, EffectRow
from switch.programme.model import Choice, Message, PointsPer, Reward, Rule, Stamp, Then, Ticket, gifts_of
from switch.programme.names import Names

NO_SLOT = 0
BUDGET = "budget"
"""The kind of a budget's slot."""

Thing = TypeVar("Thing")


@dataclass(slots=True)
class Gifts:
    """Makes effects. `free_skus` and `messages` are numbered from 0 by first mention, and so
    are `budgets`, by slot; `tiers` from 1.
    """

    names: Names
    tiers: Mapping[str, int]
    free_skus: dict[str, int] = field(default_factory=dict)
    messages: dict[Message, int] = field(default_factory=dict)
    budgets: dict[int, int] = field(default_factory=dict)

    def of_rule(self, rule: Rule) -> Iterator[EffectRow]:
        """What a rule gives when it fires, but for a stamp card's reward."""
        then = rule.then
        yield from self._bounded(then, _cap(rule.bound))
        if gifts_of(then):
            yield from self._budget(rule)
        if then.stamp is not None:
            yield self._counted("stamp", then.stamp.key, 1)
        if then.ticket is not None:
            yield self._ticket(then.ticket)
        if then.tier is not None:
            yield int(Effect.TIER_SET), self.tiers[then.tier], 1, NO_CAP, NO_SLOT
        yield from self._message(then.message)
        yield from self._counted_use(rule)

    def of_reward(self, rule: Rule, card: Stamp) -> Iterator[EffectRow]:
        """What a full stamp card gives, and the stamps that it takes."""
        yield from self._bounded(card.reward, _cap(card.reward.cap))
        yield from self._budget(rule)
        yield self._counted("stamp", card.key, -card.need)
        yield from self._message(card.reward.message)
        yield from self._counted_use(rule)

    def of_choice(self, choice: Choice) -> Iterator[EffectRow]:
        """What a reward of the catalogue costs and gives."""
        yield int(Effect.PRICE), choice.points, 1, NO_CAP, NO_SLOT
        yield from self.of_rule(choice.rule)

    def _bounded(self, given: Then | Reward, cap: int) -> Iterator[EffectRow]:
        """The effects that a cap may bound, in the order of evaluation."""
        if given.discount is not None:
            yield _share(given.discount, Effect.DISCOUNT_RATE, Effect.DISCOUNT_AMOUNT, cap)
        if given.free is not None:
            yield int(Effect.FREE_ITEM), _number_in(self.free_skus, given.free), 1, cap, NO_SLOT
        if isinstance(given.points, PointsPer):
            yield int(Effect.POINTS_PER), given.points.points, given.points.per, cap, NO_SLOT
        elif given.points is not None:
            yield int(Effect.POINTS_FIXED), given.points, 1, cap, NO_SLOT
        if isinstance(given, Then) and given.multiply is not None:
            yield int(Effect.MULTIPLY), given.multiply.numerator, given.multiply.denominator, cap, NO_SLOT
        if given.credit is not None:
            yield _share(given.credit, Effect.CREDIT_RATE, Effect.CREDIT_AMOUNT, cap)

    def _budget(self, rule: Rule) -> Iterator[EffectRow]:
        """A budget is of a rule, whichever of a stamp card's two rows draws it."""
        if rule.budget is not None:
            slot = self.names.slot(BUDGET, f"{rule.id}/{rule.budget.unit}")
            yield int(Effect.BUDGET), self.budgets.setdefault(slot, len(self.budgets)), 1, NO_CAP, slot

    def _counted(self, kind: str, name: str, count: int) -> EffectRow:
        return int(Effect.COUNTER_FIXED), count, 1, NO_CAP, self.names.slot(kind, name)

    def _ticket(self, ticket: Ticket) -> EffectRow:
        count = ticket.count or 1
        if ticket.per is None:
            return self._counted("ticket", ticket.draw, count)
        return int(Effect.COUNTER_PER), count, ticket.per, NO_CAP, self.names.slot("ticket", ticket.draw)

    def _message(self, message: Message | None) -> Iterator[EffectRow]:
        if message is not None:
            yield int(Effect.MESSAGE), _number_in(self.messages, message), 1, NO_CAP, NO_SLOT

    def _counted_use(self, rule: Rule) -> Iterator[EffectRow]:
        """A rule whose uses are asked for is counted even if nothing limits them; a limit counts by itself."""
        if rule.id in self.names.counted and (rule.uses is None or rule.uses.life is None):
            slot = self.names.uses_slot(rule.id, "life")
            yield int(Effect.COUNTER_FIXED), 1, 1, NO_CAP, slot


def _number_in(things: dict[Thing, int], thing: Thing) -> int:
    return things.setdefault(thing, len(things))


def _cap(cap: int | None) -> int:
    return NO_CAP if cap is None else cap


def _share(share: Fraction | int, rate: Effect, amount: Effect, cap: int) -> EffectRow:
    if isinstance(share, int):
        return int(amount), share, 1, cap, NO_SLOT
    return int(rate), share.numerator, share.denominator, cap, NO_SLOT
