"""Lays the rules of a checked programme out as the kernel's table (`cext.programme_table`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cext.programme_table import (
    BASKET_ITEMS_MAX,
    BUDGETS_MAX,
    EFFECTS_MAX,
    GRANT_ROWS_MAX,
    INSTRUCTIONS_MAX,
    LIMITS_MAX,
    LOOKUPS_MAX,
    RULES_MAX,
    TEXTS_MAX,
    VALUES_MAX,
    EffectRow,
    Fact,
    GrantRow,
    Instruction,
    LimitRow,
    Occasion,
    Period,
    RuleRow,
    Table,
    TierBasis,
    TierRow,
    ValueRow,
)
from switch.programme.checks import in_order
from switch.programme.code import condition_code, number_code
from switch.programme.errors import ExpressionError
from switch.programme.events import events_in
from switch.programme.facts import REWARD
from switch.programme.gifts import Gifts
from switch.programme.holdout import seed_of
from switch.programme.model import ProgrammeModel, Rule, Tier, Uses
from switch.programme.names import Names
from switch.programme.reading import RuleTerms
from switch.programme.terms import All, Comparison, Constant, Look, Relation, Truth, Unit

FREE = "free"
"""The kind of quantity that says whether a free item is there: 1 if it is in the basket, or if there is no basket."""
CHOSEN = "chosen"
"""The same of a free item that the till asked for: 1 only if it is in the basket."""
PERIODS = {"day": Period.DAY, "month": Period.MONTH, "year": Period.YEAR, "life": Period.LIFE}
_REWARD = Look(REWARD, int(Fact.REWARD), Unit.CODE)
_BASES = {"points": TierBasis.TIER_POINTS, "spend": TierBasis.SPEND, "visits": TierBasis.VISITS}


@dataclass(slots=True)
class TableRows:
    """The rows of a table as they grow.

    `rows_of`: for each rule row its id and the rule's place in the file, the catalogue's rewards behind the rules;
    `conditions`: what each row's code says.
    """

    names: Names
    gifts: Gifts
    code: list[Instruction] = field(default_factory=list)
    rules: list[RuleRow] = field(default_factory=list)
    effects: list[EffectRow] = field(default_factory=list)
    limits: list[LimitRow] = field(default_factory=list)
    grants: list[GrantRow] = field(default_factory=list)
    values: list[ValueRow] = field(default_factory=list)
    rows_of: list[tuple[str, int]] = field(default_factory=list)
    per_member: dict[str, int | None] = field(default_factory=dict)
    conditions: list[Truth | None] = field(default_factory=list)
    _groups: dict[str, int] = field(default_factory=dict)

    def add_grants(self, model: ProgrammeModel, terms: Sequence[RuleTerms]) -> None:
        """Offers, in the order of the file, as their numbers are."""
        for rule, read in zip(model.rules, terms, strict=True):
            if rule.grant is None:
                continue
            assert read.offered_if is not None, "a grant whose condition could not be read is an error before"
            offered_if = self._not_held_out(model, rule, read.offered_if)
            assert offered_if is not None, "what narrows a condition leaves one"
            condition = self._emit(condition_code(offered_if, len(self.code)))
            first = len(self.values)
            for value in read.values.values():
                self.values.append(self._emit(number_code(value, len(self.code))))
            slot = self.names.slot("grant", rule.id)
            self.grants.append((slot, *condition, rule.grant.lives, first, len(self.values)))

    def add_rules(self, model: ProgrammeModel, terms: Sequence[RuleTerms]) -> None:
        """Rules, in the order of evaluation."""
        self.per_member = {coupon.id: coupon.per_member for coupon in model.coupons}
        for index in in_order(model.rules):
            rule, read = model.rules[index], terms[index]
            stamp = rule.then.stamp
            fires_when = self._not_held_out(model, rule, read.when)
            if stamp is None:
                when = self._there_is(rule.then.free, fires_when)
                self._add(index, rule.id, rule, read, when, self.gifts.of_rule(rule))
                continue
            have = self.names.stamps(stamp.key)
            is_full = Comparison(Relation.GE, have, Constant(stamp.need))
            is_not_full = Comparison(Relation.LT, have, Constant(stamp.need))
            reward = self.gifts.of_reward(rule, stamp)
            when = self._there_is(stamp.reward.free, _both(fires_when, is_full))
            self._add(index, f"{rule.id}.reward", rule, read, when, reward)
            self._add(index, rule.id, rule, read, _both(fires_when, is_not_full), self.gifts.of_rule(rule))

    def add_rewards(self, model: ProgrammeModel, terms: Sequence[RuleTerms], numbers: Mapping[str, int]) -> None:
        """The catalogue, behind all rules: `numbers` are those of its codes."""
        for place, (choice, read) in enumerate(zip(model.rewards, terms, strict=True), len(model.rules)):
            is_chosen = Comparison(Relation.EQ, _REWARD, Constant(numbers[choice.code], choice.code))
            when: Truth = is_chosen if read.when is None else All((is_chosen, read.when))
            if choice.then is not None and choice.then.free is not None:
                in_basket = self.names.quantity(CHOSEN, choice.then.free)
                when = _both(when, Comparison(Relation.GE, in_basket, Constant(1)))
            rule = choice.rule
            self._add(place, rule.id, rule, read, when, self.gifts.of_choice(choice))

    def _not_held_out(self, model: ProgrammeModel, rule: Rule, when: Truth | None) -> Truth | None:
        """The condition, but not for those who are held out of the rule."""
        if rule.holdout is None:
            return when
        place = self.names.place(seed_of(model.programme, rule.id))
        return _both(when, Comparison(Relation.GE, place, Constant(rule.holdout)))

    def _there_is(self, free: str | None, when: Truth | None) -> Truth | None:
        """What is given for nothing must be there: else the stamps or the use would be taken and nothing given."""
        if free is None:
            return when
        return _both(when, Comparison(Relation.GE, self.names.quantity(FREE, free), Constant(1)))

    def _add(
        self, index: int, row_id: str, rule: Rule, read: RuleTerms, when: Truth | None, effects: Iterable[EffectRow]
    ) -> None:
        condition = self._emit(condition_code(when, len(self.code)) if when is not None else [])
        group = self._groups.setdefault(rule.exclusive, len(self._groups) + 1) if rule.exclusive is not None else 0
        first_effect, first_limit = len(self.effects), len(self.limits)
        self.effects += effects
        self.limits += self._limits(rule)
        self.limits += self._coupon_limits(read)
        is_for_events = read.when is not None and bool(events_in(read.when))
        self.rules.append(
            (
                *condition,
                group,
                first_effect,
                len(self.effects),
                int(Occasion.EVENT if is_for_events else Occasion.PURCHASE),
                0 if read.grant is None else read.grant + 1,
                first_limit,
                len(self.limits),
            )
        )
        self.rows_of.append((row_id, index))
        self.conditions.append(when)

    def _limits(self, rule: Rule) -> list[LimitRow]:
        uses = rule.uses or Uses.model_construct()
        return [
            (self.names.uses_slot(rule.id, word), int(period), most)
            for word, period in PERIODS.items()
            if (most := getattr(uses, word)) is not None
        ]

    def _coupon_limits(self, read: RuleTerms) -> list[LimitRow]:
        return [
            (self.names.slot("coupon", campaign), int(Period.LIFE), most)
            for campaign in read.coupons
            if (most := self.per_member.get(campaign)) is not None
        ]

    def _emit(self, instructions: list[Instruction]) -> tuple[int, int]:
        start = len(self.code)
        self.code += instructions
        return start, len(self.code)

    def table(self, model: ProgrammeModel) -> Table:
        """The whole table. Raises ExpressionError if a part of it is too large."""
        self._check_sizes()
        most = model.max_discount
        header = (
            model.currency,
            model.point.value,
            model.point.expires,
            int(model.deficit == "allow"),
            1 if most is None else most.numerator,
            1 if most is None else most.denominator,
            model.point.pending,
            0 if model.tier_year is None else model.tier_year.month,
            0 if model.tier_year is None else model.tier_year.grace_days,
        )
        return (
            header,
            tuple(self.code),
            tuple(self.rules),
            tuple(self.effects),
            tuple(self.names.lookups),
            tuple(self.limits),
            tuple(self.grants),
            tuple(self.values),
            tuple(map(_tier, model.tiers)),
        )

    def _check_sizes(self) -> None:
        for what, size, most in (
            ("the conditions are too long together", len(self.code), INSTRUCTIONS_MAX),
            ("there are too many rules and rewards; a stamp card counts as two", len(self.rules), RULES_MAX),
            ("the rules have too many effects together", len(self.effects), EFFECTS_MAX),
            ("the rules have too many limits together", len(self.limits), LIMITS_MAX),
            ("too many rules have a grant", len(self.grants), GRANT_ROWS_MAX),
            ("the grants set too many numbers together", len(self.values), VALUES_MAX),
            (
                "too many qty, stamps, uses, grant and tag facts and hold-outs",
                len(self.names.lookups),
                LOOKUPS_MAX,
            ),
            ("too many different free goods", len(self.gifts.free_skus), BASKET_ITEMS_MAX),
            ("too many different qty and coupon facts", len(self.names.quantities), BASKET_ITEMS_MAX),
            ("too many rules have a budget", len(self.gifts.budgets), BUDGETS_MAX),
            ("too many different messages", len(self.gifts.messages), TEXTS_MAX),
        ):
            if size > most:
                raise ExpressionError(what)


def _both(when: Truth | None, also: Comparison) -> Truth:
    return also if when is None else All((when, also))


def _tier(tier: Tier) -> TierRow:
    basis = _BASES[tier.from_.basis or "points"]
    return int(basis), tier.from_.threshold, tier.multiply.numerator, tier.multiply.denominator
