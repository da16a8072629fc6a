"""Why each rule of a programme fired on a message, or did not: what stood in its way, on the facts that the kernel saw.

Pure: an account as it was before the message and the message go in, reasons come out. The order is the kernel's
(`cext.reference.rules`): a rule that fires takes its group, uses up its offer and counts in its limits before the next
one is looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from cext import _kernel
from cext.programme_table import Fact, Occasion, Period
from cext.reference import conditions, grants, records
from cext.reference.budgets import Budgets
from cext.reference.facts import Facts, facts_of
from cext.reference.outcome import Working, begin, workable
from switch.programme.compile import CompiledProgramme, CompiledRule
from switch.programme.evaluation import Check, Choice, checks, in_the_way
from switch.programme.facts import COUPON, FACTS, HOLDOUT, REWARD
from switch.programme.terms import Constant, Look, Relation, looks_of

PERIOD_WORDS = {Period.DAY: "day", Period.MONTH: "month", Period.YEAR: "year", Period.LIFE: "life"}


@dataclass(frozen=True, slots=True)
class Unmet:
    """A comparison of the rule's condition did not hold; with several, any one of them would have done."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The rule was used `used` times in the `period` (day, month, year, life), and `most` is the limit."""

    period: str
    used: int
    most: int


@dataclass(frozen=True, slots=True)
class NoOffer:
    """The member held no open offer of the rule. `until`: its last day (since 1970-01-01), if there was one once.

    `used`: it was used up and cannot be made again before `until` has passed.
    """

    until: int | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class GroupTaken:
    """Another rule of the exclusive group fired first."""

    group: str
    by: str


@dataclass(frozen=True, slots=True)
class OtherOccasion:
    """The rule fires on events alone, and this was a purchase, or the other way round."""

    wants_event: bool


@dataclass(frozen=True, slots=True)
class NotChosen:
    """It is a reward of the catalogue, and the till did not ask for it."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The member is one of those who never get this rule: it is measured by them."""


@dataclass(frozen=True, slots=True)
class NoCoupon:
    """The rule asks for a coupon of one of these campaigns, and none was taken."""

    campaigns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BudgetUsedUp:
    """Nothing was left of what all members together may get by the rule. Told only if nothing else was in its way."""


Hindrance = Unmet | LimitReached | NoOffer | GroupTaken | OtherOccasion | NotChosen | HeldOut | NoCoupon | BudgetUsedUp


@dataclass(frozen=True, slots=True)
class RuleWhy:
    """A row of the table: every comparison of its condition, and what stood in its way, if anything did."""

    id: str
    checks: tuple[Check, ...]
    hindrances: tuple[Hindrance, ...]

    @property
    def fired(self) -> bool:
        """Whether nothing stood in its way."""
        return not self.hindrances

    @property
    def nearly(self) -> bool:
        """Whether one thing alone did. What is for another occasion, or was not asked for, is not near."""
        return len(self.hindrances) == 1 and not isinstance(self.hindrances[0], OtherOccasion | NotChosen | NoCoupon)


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons of all rules, in the order of evaluation, and the facts that they look at: None is not there yet."""

    rules: tuple[RuleWhy, ...]
    facts: tuple[tuple[Look, int | None], ...]

    @property
    def fired(self) -> tuple[str, ...]:
        """The rows that fired, in order."""
        return tuple(rule.id for rule in self.rules if rule.fired)

    @property
    def near(self) -> tuple[RuleWhy, ...]:
        """The rows that nearly fired."""
        return tuple(rule for rule in self.rules if rule.nearly)


class Reasons:
    """Gives the reasons of one version of a programme. Making it checks the table, so it is kept for many messages."""

    def __init__(self, programme: CompiledProgramme) -> None:
        self._programme = programme
        self._table = conditions.Programme(programme.kernel.table)
        self._looks = tuple(_looks(programme))

    def of(self, account: _kernel.Account, request: _kernel.Request) -> Why | None:
        """Why the rules fired or not on an account as it was before the message.

        None for numbers that the kernel declines (13) before it looks at a rule.
        """
        member, asked = _plain_account(account), _plain_request(request)
        if not workable(member, asked):
            return None
        working = begin(member, asked)
        is_event = asked.kind == records.EVENT
        facts = facts_of(
            self._table,
            member,
            asked,
            amount=0 if is_event else asked.amount,
            live_points=member.points - working.expired,
            counters=working.counters,
            grants=working.grants,
        )
        held = {grant.slot: grant for grant in grants.unpack(member.grants)}
        walk = _Walk(self._programme, self._table, facts, working, held, asked.budgets, is_event=is_event)
        rules = tuple(walk.rule(index) for index in range(len(self._table.rules)))
        return Why(rules, tuple(_values(self._looks, facts, is_event=is_event)))


class _Walk:
    """One pass over the rules of a table."""

    def __init__(
        self,
        programme: CompiledProgramme,
        table: conditions.Programme,
        facts: Facts,
        working: Working,
        held: dict[int, grants.Grant],
        budgets: tuple[int, ...],
        *,
        is_event: bool,
    ) -> None:
        self._programme = programme
        self._table = table
        self._facts = facts
        self._working = working
        self._held = held
        self._budgets = Budgets(budgets)
        self._is_event = is_event
        self._taken: dict[int, str] = {}

    def rule(self, index: int) -> RuleWhy:
        """What a row does; if it fires, what follows sees it."""
        compiled = self._programme.rules[index]
        looked_at = () if compiled.condition is None else tuple(checks(compiled.condition, self._facts))
        hindrances = tuple(self._hindrances(index, compiled))
        budget = self._table.budget_of[index]
        if not hindrances and budget >= 0 and self._budgets.left(budget) <= 0:
            hindrances = (BudgetUsedUp(),)
        reasons = RuleWhy(compiled.id, looked_at, hindrances)
        if reasons.fired:
            self._fire(index, compiled)
        return reasons

    def _hindrances(self, index: int, compiled: CompiledRule) -> Iterator[Hindrance]:
        _, _, group, _, _, occasion, grant, limits_start, limits_end = self._table.rules[index][:9]
        wants_event = occasion == Occasion.EVENT
        if wants_event is not self._is_event:
            yield OtherOccasion(wants_event)
        if group in self._taken:
            yield GroupTaken(compiled.rule.exclusive or "", self._taken[group])
        has_offer = True
        if grant:
            slot = self._table.grants[grant - 1][0]
            has_offer = self._working.grants.live(slot) is not None
            if not has_offer:
                yield self._no_offer(slot)
        for counter, period, most in self._table.limits[limits_start:limits_end]:
            used = self._working.counters.value(counter, period)
            if used >= most:
                yield LimitReached(PERIOD_WORDS[Period(period)], used, most)
        for lacking in () if compiled.condition is None else in_the_way(compiled.condition, self._facts):
            if _is_about(lacking, REWARD):
                yield NotChosen()
            elif _is_about(lacking, HOLDOUT):
                yield HeldOut()
            elif campaigns := _coupons_asked(lacking):
                yield NoCoupon(campaigns)
            # Without the offer its numbers are not there either: that is one reason, not two.
            elif has_offer or not _is_of_offer(lacking):
                yield Unmet(lacking)

    def _no_offer(self, slot: int) -> NoOffer:
        held = self._held.get(slot)
        return NoOffer() if held is None else NoOffer(held.until, held.state == grants.USED)

    def _fire(self, index: int, compiled: CompiledRule) -> None:
        _, _, group, _, _, _, grant, limits_start, limits_end = self._table.rules[index][:9]
        if group:
            self._taken[group] = compiled.id
        if grant:
            self._working.grants.use(self._table.grants[grant - 1][0])
        for counter, period, _ in self._table.limits[limits_start:limits_end]:
            self._working.counters.add(counter, period, 1)


def _is_about(choice: Choice, name: str) -> bool:
    """Whether all that lacks is of a fact that no author writes."""
    return all(isinstance(look := check.comparison.left, Look) and look.name == name for check in choice)


def _coupons_asked(choice: Choice) -> tuple[str, ...]:
    """The campaigns of a choice between nothing but coupons."""
    asked = [check.comparison.right for check in choice if check.comparison.relation is Relation.EQ]
    if not _is_about(choice, COUPON):
        return ()
    return tuple(right.text for right in asked if isinstance(right, Constant) and right.text is not None)


def _is_of_offer(choice: Choice) -> bool:
    return all(check.missing and all(look.name.startswith("grant.") for look in check.missing) for check in choice)


def _looks(programme: CompiledProgramme) -> Iterator[Look]:
    """What the rules' conditions look at, each once: plain facts in their usual order, then the programme's own."""
    found = {
        look.number: look for rule in programme.rules if rule.condition is not None for look in looks_of(rule.condition)
    }
    plain = [look for look in FACTS.values() if look.number in found]
    # `grant.NAME` of two offers has one name, and so have the coupons of two campaigns: the comparisons show it, beside
    # its rule.
    hidden = (REWARD, HOLDOUT, COUPON)
    own = [
        look
        for number, look in found.items()
        if number >= len(Fact) and look.name not in hidden and not look.name.startswith("grant.")
    ]
    yield from (*plain, *own)


def _values(looks: tuple[Look, ...], facts: Facts, *, is_event: bool) -> Iterator[tuple[Look, int | None]]:
    numbers, absent = facts
    for look in looks:
        if look.number == Fact.EVENT and not is_event:
            continue
        yield look, None if look.number in absent else numbers[look.number]


def _plain_account(account: _kernel.Account) -> records.Account:
    return records.Account(**{each.name: getattr(account, each.name) for each in fields(records.Account)})


def _plain_request(request: _kernel.Request) -> records.Request:
    named = {each.name: getattr(request, each.name) for each in fields(records.Request) if each.name != "original"}
    return records.Request(**named)
