"""Reasons as plain texts, for a screen or a program."""

from dataclasses import dataclass
from enum import StrEnum

from switch.programme.why import RuleWhy, Why
from switch.programme.why_words import Words


class Outcome(StrEnum):
    """What became of a rule."""

    FIRED = "fired"
    NEARLY = "nearly"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class CheckTold:
    """A comparison with what its sides were, such as `amount 180,000 ≥ 200,000`."""

    text: str
    held: bool


@dataclass(frozen=True, slots=True)
class RuleTold:
    """A rule: what became of it, its comparisons, and what stood in its way, each with what would have been needed."""

    id: str
    outcome: Outcome
    checks: tuple[CheckTold, ...]
    hindrances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Why a message was decided as it was. `note`: why nothing can be told, or what to mind; "" if there is nothing.

    `facts` are those that the programme's rules look at, as they were when the message came, with their units.
    """

    note: str
    facts: tuple[tuple[str, str], ...] = ()
    rules: tuple[RuleTold, ...] = ()


def told(why: Why, words: Words, note: str = "") -> Told:
    """All reasons in words."""
    return Told(
        note,
        tuple((look.name, words.value(look, number)) for look, number in why.facts),
        tuple(_rule(rule, words) for rule in why.rules),
    )


def _rule(rule: RuleWhy, words: Words) -> RuleTold:
    outcome = Outcome.FIRED if rule.fired else Outcome.NEARLY if rule.nearly else Outcome.NOT
    return RuleTold(
        rule.id,
        outcome,
        tuple(CheckTold(words.comparison(check), check.held) for check in rule.checks),
        tuple(map(words.hindrance, rule.hindrances)),
    )
