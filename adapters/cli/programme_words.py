"""A programme in plain words: what `programme check` shows of what it understood."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from switch.programme import CompiledProgramme, CompiledRule
from switch.programme.model import GIFTS, Choice, Message, Points, PointsPer, Reward, Rule, Stamp, Then, Ticket

Share = Fraction | int


@dataclass(frozen=True, slots=True)
class RuleInWords:
    """One row of the table, in the order of evaluation."""

    id: str
    when: str
    gives: tuple[str, ...]
    limits: tuple[str, ...]
    facts: tuple[str, ...]


def rules_in_words(programme: CompiledProgramme) -> list[RuleInWords]:
    """Every rule as it was understood."""
    return [_rule(compiled) for compiled in programme.rules]


def document_of(programme: CompiledProgramme) -> dict[str, Any]:
    """The same for machines, with the names and numbers that the rules use."""
    return {
        "programme": programme.name,
        "owner": programme.owner,
        "currency": programme.currency,
        "timezone": programme.timezone,
        "rules": [asdict(rule) for rule in rules_in_words(programme)],
        "tiers": list(programme.tiers),
        "clubs": [club.code for club in programme.clubs],
        "events": list(programme.events),
        "rewards": {code: reward.points for code, reward in programme.rewards.items()},
        "tags": list(programme.tags),
        "budgets": {budget.rule: {budget.unit: budget.total} for budget in programme.budgets},
        "stamps": {card.key: card.need for card in programme.stamps},
        "draws": [draw.name for draw in programme.draws],
        "free_skus": list(programme.free_skus),
        "quantities": [f"{kind} {name}" for kind, name in programme.quantities],
    }


def _rule(compiled: CompiledRule) -> RuleInWords:
    rule = compiled.rule
    if compiled.choice is not None:
        return _choice(compiled, compiled.choice)
    stamp = rule.then.stamp
    is_reward = stamp is not None and compiled.id != rule.id
    when = [" ".join(rule.when.split())] if rule.when is not None else []
    gives: Iterator[str]
    if stamp is not None:
        when.append(f'stamps("{stamp.key}") {">=" if is_reward else "<"} {stamp.need}')
        gives = _reward(stamp) if is_reward else _effects(rule.then, rule.bound)
    else:
        gives = _effects(rule.then, rule.bound)
    joined = " and ".join(f"({part})" if len(when) > 1 and " or " in part else part for part in when)
    return RuleInWords(compiled.id, joined or "always", tuple(gives), tuple(_limits(rule)), compiled.facts)


def _choice(compiled: CompiledRule, choice: Choice) -> RuleInWords:
    """A reward of the catalogue."""
    rule = compiled.rule
    conditions = [f"the till asks for {choice.code}"]
    if choice.min_age is not None:
        conditions.append(f"age >= {choice.min_age}")
    if rule.when is not None:
        conditions.append(f"({' '.join(rule.when.split())})")
    costs = f"costs {choice.points:,} {_plural('point', choice.points)}"
    gives = (costs, *_effects(rule.then, rule.bound))
    return RuleInWords(compiled.id, " and ".join(conditions), gives, tuple(_limits(rule)), compiled.facts)


def _reward(stamp: Stamp) -> Iterator[str]:
    yield from _effects(stamp.reward, stamp.reward.cap)
    yield f"takes {stamp.need} stamps off {stamp.key}"


def _effects(given: Then | Reward, cap: int | None) -> Iterator[str]:
    for gift in GIFTS:
        value = getattr(given, gift, None)
        if value is not None:
            yield _gift(gift, value) + (f", at most {cap:,}" if cap is not None else "")
    if isinstance(given, Then):
        if given.stamp is not None:
            yield f"a stamp on {given.stamp.key}"
        if given.ticket is not None:
            yield _ticket(given.ticket)
        if given.tier is not None:
            yield f"enters tier {given.tier}"
    if given.message is not None:
        yield _message(given.message)


def _gift(gift: str, value: Points | Share | str) -> str:
    if isinstance(value, PointsPer):
        return f"{value.points:,} {_plural('point', value.points)} for each {value.per:,} paid"
    match gift:
        case "points":
            return f"{value:,} {'point' if value == 1 else 'points'}"
        case "multiply":
            return f"points for amounts × {rate_in_words(value) if isinstance(value, Fraction) else value}"
        case "free":
            return f"{value} is free"
    return f"{gift} {_share(value)}"


def _share(value: Points | Share | str) -> str:
    if isinstance(value, Fraction):
        percentage = _exact(value * 100)
        return str(value) if percentage is None else f"{percentage}%"
    return f"{value:,}"


def rate_in_words(rate: Fraction) -> str:
    """A rate as a decimal where that is exact, else as n/d."""
    return _exact(rate) or str(rate)


def _exact(rate: Fraction) -> str | None:
    decimal = Decimal(rate.numerator) / Decimal(rate.denominator)
    return f"{decimal.normalize():f}" if Fraction(decimal) == rate else None


def _ticket(ticket: Ticket) -> str:
    count = ticket.count or 1
    each = f" for each {ticket.per:,} paid" if ticket.per is not None else ""
    return f"{count:,} {_plural('ticket', count)} of {ticket.draw}{each}"


def _message(message: Message) -> str:
    return "says " + " / ".join(f"“{text}”" for text in (message.fa, message.en) if text is not None)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"


def _limits(rule: Rule) -> Iterator[str]:
    if rule.uses is not None:
        for period in ("day", "month", "year", "life"):
            most = getattr(rule.uses, period)
            if most is not None:
                yield f"{most:,} a {period}" if period != "life" else f"{most:,} for life"
    if rule.budget is not None:
        unit = "points" if rule.budget.unit == "points" else "minor units"
        yield f"{rule.budget.total:,} {unit} for all members together"
    if rule.holdout is not None:
        yield f"{rule.holdout}% of the members never get it"
    if rule.grant is not None:
        yield f"needs its offer, made if {' '.join(rule.grant.if_.split())}, alive for {rule.grant.lives} days"
    if rule.exclusive is not None:
        yield f"only the first of {rule.exclusive}"
    if rule.priority:
        yield f"priority {rule.priority}"
