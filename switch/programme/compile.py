"""From a programme's YAML to what the switch runs: `load`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from cext._kernel import Programme
from cext.programme_table import Fact
from switch.programme.budgets import RuleBudget, budgets_of
from switch.programme.checks import check, check_counts
from switch.programme.document import Document, read
from switch.programme.errors import ExpressionError, Problem, ProgrammeError, Severity
from switch.programme.events import events_in, numbered
from switch.programme.facts import FACTS
from switch.programme.flags import TAG, tag_bit
from switch.programme.gifts import Gifts
from switch.programme.model import Choice, Club, Coupon, Message, Partner, ProgrammeModel, Rule
from switch.programme.names import Declared, Ids, Names, Slots, SlotsInOrder
from switch.programme.problems import invalid, problem_at
from switch.programme.reading import Reading, RuleTerms
from switch.programme.table import TableRows
from switch.programme.terms import All, Comparison, Constant, Relation, Truth, looks_of


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A row of the table: `id` is what the journal shows, `rule` what was written, `facts` what it looks at.

    `condition` is the row's whole one, with what a stamp card, free goods, a hold-out and the catalogue add to `when`;
    None: it always holds. A stamp card makes two rows, `rule.id` + ".reward" and `rule.id`. A reward of the catalogue
    makes one, "rewards." + its code; then `choice` is what was written, and `rule` what it comes to beside its price.
    `coupons`: the campaigns whose coupons it uses up when it fires.
    """

    id: str
    rule: Rule
    facts: tuple[str, ...]
    condition: Truth | None = None
    choice: Choice | None = None
    coupons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StampCard:
    """Its key, the slot of its counter, and how many stamps fill it."""

    key: str
    slot: int
    need: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """Coupons that go together: their terms, and the slot of a member's uses (0: nothing bounds them)."""

    terms: Coupon
    slot: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw's name and the slot of its tickets."""

    name: str
    slot: int


@dataclass(frozen=True, slots=True)
class CatalogueReward:
    """What a till may ask for: its number for `Request.reward`, its price in points, the sku that is free if one is.

    `min_age`: how old the member has to be, whole years; its condition says so as well.
    """

    number: int
    points: int
    free: str | None = None
    min_age: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A grant: its rule, its slot, the names of the numbers that it freezes, its life in days, its words."""

    rule: str
    slot: int
    values: tuple[str, ...]
    life_days: int
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class CompiledProgramme:
    """A programme that is ready to run.

    `point_value` is in minor units of `currency`. `rule_ids` are in the order of evaluation, which is what a
    decision's `rules` count in. `quantities` are what `Request.quantities` holds, ('sku', 'category', 'free',
    'chosen' or 'coupon', name); `free_skus` what `Request.free_prices` holds; `messages` are in the order of their
    numbers; `events` are the numbers for `Request.event`, `rewards` the catalogue by codes of DE48 RW, `tags` the
    bits of `Account.flags`; `tiers` are named from 1 on, 0 being none; `slots` are those in use, by kind and name;
    `budgets` are what `Request.budgets` holds. `source_hash` is the SHA-256 of the text, in hex.
    """

    name: str
    owner: str
    currency: int
    timezone: str
    point_value: int
    kernel: Programme
    rule_ids: tuple[str, ...]
    partners: tuple[Partner, ...]
    source_hash: str
    model: ProgrammeModel
    rules: tuple[CompiledRule, ...]
    quantities: tuple[tuple[str, str], ...]
    free_skus: tuple[str, ...]
    messages: tuple[Message, ...]
    events: Mapping[str, int]
    stamps: tuple[StampCard, ...]
    draws: tuple[Draw, ...]
    tiers: tuple[str, ...]
    grants: tuple[Offer, ...]
    clubs: tuple[Club, ...]
    rewards: Mapping[str, CatalogueReward]
    tags: Mapping[str, int]
    campaigns: Mapping[str, Campaign]
    slots: Mapping[tuple[str, str], int]
    budgets: tuple[RuleBudget, ...]
    warnings: tuple[Problem, ...]

    @property
    def hold_s(self) -> int:
        """How long a hold keeps points and credit back, seconds."""
        return self.model.hold.lives

    @property
    def looks_back(self) -> bool:
        """Whether a rule asks for the spend of the last days, so that accounts keep it."""
        return any(fact == Fact.SPEND_30D for _, fact, _, _ in self.kernel.table[1])


def load(text: str, *, ids: Ids, slots: Slots | None = None) -> CompiledProgramme:
    """Validate and compile a programme's YAML. Raises ProgrammeError, which names every mistake with its
    line.

    `ids(kind, name)` gives the number of a category, merchant, institution or club that a condition names, or
    raises KeyError. `slots(kind, name)` gives a slot; without one they are numbered by first mention.
    """
    document = read(text)
    chosen = slots or SlotsInOrder()
    try:
        model = ProgrammeModel.model_validate(document.content)
    except ValidationError as error:
        conditions = Reading(document, Names(Declared(), ids, SlotsInOrder()))
        raise ProgrammeError([*invalid(document, error), *conditions.problems]) from None
    names = Names(Declared.by(model), ids, chosen)
    tags = _tags(document, model, names)
    reading = Reading(document, names)
    _add_least_ages(model, reading.rewards)
    problems = reading.problems + check(document, model, reading.rules, reading.rewards)
    if _has_errors(problems):
        raise ProgrammeError(problems)
    return _compiled(text, document, model, names, reading, tags, problems)


def _has_errors(problems: Sequence[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _compiled(
    text: str,
    document: Document,
    model: ProgrammeModel,
    names: Names,
    reading: Reading,
    tags: dict[str, int],
    warnings: list[Problem],
) -> CompiledProgramme:
    terms = reading.rules
    events = _number_events(terms)
    rewards = _catalogue(model)
    tiers = tuple(tier.id for tier in model.tiers)
    gifts = Gifts(names, {tier: number for number, tier in enumerate(tiers, 1)})
    rows = TableRows(names, gifts)
    try:
        rows.add_grants(model, terms)
        rows.add_rules(model, terms)
        rows.add_rewards(model, reading.rewards, {code: reward.number for code, reward in rewards.items()})
        table = rows.table(model)
    except ExpressionError as error:
        raise ProgrammeError([problem_at(document, ("rules",), str(error))]) from None
    counters = sum(kind not in ("grant", TAG) for kind, _ in names.allotted)
    problems = [*warnings, *check_counts(document, counters, len(rows.grants))]
    if _has_errors(problems):
        raise ProgrammeError(problems)
    return CompiledProgramme(
        name=model.programme,
        owner=model.owner,
        currency=model.currency,
        timezone=model.timezone,
        point_value=model.point.value,
        kernel=Programme(table),
        rule_ids=tuple(row_id for row_id, _ in rows.rows_of),
        partners=tuple(model.partners),
        source_hash=hashlib.sha256(text.encode()).hexdigest(),
        model=model,
        rules=_rules_of(model, [*terms, *reading.rewards], names, rows),
        quantities=tuple(names.quantities),
        free_skus=tuple(gifts.free_skus),
        messages=tuple(gifts.messages),
        events=events,
        stamps=_stamps_of(model, names),
        draws=tuple(Draw(name, slot) for (kind, name), slot in names.allotted.items() if kind == "ticket"),
        tiers=tiers,
        grants=_offers_of(model, names),
        clubs=tuple(model.clubs),
        rewards=rewards,
        tags=tags,
        campaigns={each.id: Campaign(each, names.allotted.get(("coupon", each.id), 0)) for each in model.coupons},
        slots=dict(names.allotted),
        budgets=budgets_of(model, gifts.budgets, names.allotted),
        warnings=tuple(sorted(problems)),
    )


def _tags(document: Document, model: ProgrammeModel, names: Names) -> dict[str, int]:
    """The bits of the tags: in the order of the file, as far as they have no slot yet."""
    try:
        return {tag: tag_bit(names.slot(TAG, tag)) for tag in model.tags}
    except ExpressionError as error:
        raise ProgrammeError([problem_at(document, ("tags",), str(error))]) from None


def _rules_of(
    model: ProgrammeModel, terms: Sequence[RuleTerms], names: Names, rows: TableRows
) -> tuple[CompiledRule, ...]:
    """What each row was written as; the catalogue's places are behind those of the rules."""
    choices = [*[None] * len(model.rules), *model.rewards]
    written = [*model.rules, *(choice.rule for choice in model.rewards)]
    return tuple(
        CompiledRule(
            row_id, written[at], _facts_of(written[at], terms[at], names), condition, choices[at], terms[at].coupons
        )
        for (row_id, at), condition in zip(rows.rows_of, rows.conditions, strict=True)
    )


def _catalogue(model: ProgrammeModel) -> dict[str, CatalogueReward]:
    """The rewards by their codes, numbered from 1 in alphabetical order."""
    choices = sorted(model.rewards, key=lambda choice: choice.code)
    return {
        choice.code: CatalogueReward(
            number, choice.points, None if choice.then is None else choice.then.free, choice.min_age
        )
        for number, choice in enumerate(choices, 1)
    }


def _add_least_ages(model: ProgrammeModel, rewards: Sequence[RuleTerms]) -> None:
    """Put the least ages of rewards into their conditions: an age that is not known meets none of them."""
    for choice, terms in zip(model.rewards, rewards, strict=True):
        if choice.min_age is not None:
            old_enough = Comparison(Relation.GE, FACTS["age"], Constant(choice.min_age))
            terms.when = old_enough if terms.when is None else All((old_enough, terms.when))


def _number_events(terms: Sequence[RuleTerms]) -> dict[str, int]:
    """Number the events that conditions name, from 1 in alphabetical order, and put the numbers into them."""
    named = frozenset[str]().union(*(events_in(rule.when) for rule in terms if rule.when is not None))
    events = {event: number for number, event in enumerate(sorted(named), 1)}
    for rule in terms:
        if rule.when is not None:
            rule.when = numbered(rule.when, events)
    return events


def _facts_of(rule: Rule, terms: RuleTerms, names: Names) -> tuple[str, ...]:
    """What a rule, its grant and its stamp card look at, each once, in the order of writing."""
    card = rule.then.stamp
    stamps = names.stamps(card.key) if card is not None else None
    looked_at = (terms.offered_if, *terms.values.values(), terms.when, stamps)
    return tuple(dict.fromkeys(look.name for term in looked_at if term is not None for look in looks_of(term)))


def _stamps_of(model: ProgrammeModel, names: Names) -> tuple[StampCard, ...]:
    cards = [rule.then.stamp for rule in model.rules if rule.then.stamp is not None]
    return tuple(StampCard(card.key, names.slot("stamp", card.key), card.need) for card in cards)


def _offers_of(model: ProgrammeModel, names: Names) -> tuple[Offer, ...]:
    """In the order of the table's grants."""
    return tuple(
        Offer(rule.id, names.slot("grant", rule.id), tuple(rule.grant.set_), rule.grant.lives, rule.grant.message)
        for rule in model.rules
        if rule.grant is not None
    )
