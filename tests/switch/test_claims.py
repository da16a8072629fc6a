"""Offers that a till claims: which names are read, and why a decision does not bring one."""

import pytest

from cext._kernel import Account, Decision
from cext.reference import grants
from cext.reference.grants import Grant
from switch.claims import (
    ENDED,
    NOT_NOW,
    NOT_OPEN,
    UNKNOWN,
    USED,
    read_claims,
    refusal_of,
)
from switch.programme import load
from switch.refusals import Refusal
from switch.replies import REASON_LENGTH_MAX
from switch.wishes import REPEATS_MAX

TODAY = 20_000
COMPILED = load(
    """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: sooner
    grant: {if: visits >= 5, set: {goal: 2 * mean_amount}, lives: 30 days}
    when: amount >= grant.goal
    then: {credit: 20%, cap: 1000000}
""",
    ids=lambda _kind, _name: 1,
)
SLOT = COMPILED.grants[0].slot


def account(*held: Grant) -> Account:
    return Account(0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, TODAY, b"", grants=grants.pack(list(held)))


def test_what_fires_is_brought() -> None:
    decision = Decision("00", rules=b"\0\0")
    assert [COMPILED.rules[index].id for index in decision.rule_list]
    names = [COMPILED.rules[index].id for index in decision.rule_list]
    assert refusal_of(names, COMPILED, account(), TODAY, decision) is None


@pytest.mark.parametrize(
    ("name", "held", "refusal"),
    [
        ("nothing", [], UNKNOWN),
        ("base", [], NOT_NOW),
        ("sooner", [], NOT_OPEN),
        ("sooner", [Grant(SLOT, TODAY, 0, (5,))], NOT_NOW),
        ("sooner", [Grant(SLOT, TODAY, grants.USED, (5,))], USED),
        ("sooner", [Grant(SLOT, TODAY - 1, 0, (5,))], ENDED),
        ("sooner", [Grant(SLOT + 1, TODAY, 0, (5,))], NOT_OPEN),
    ],
)
def test_what_does_not_fire_has_a_reason(name: str, held: list[Grant], refusal: Refusal) -> None:
    assert refusal_of([name], COMPILED, account(*held), TODAY, Decision("00")) == refusal
    assert len(refusal.reason) <= REASON_LENGTH_MAX


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([f"a{n}" for n in range(REPEATS_MAX + 1)], "DE48 has more than 5 OF"),
        (["base", "base"], "DE48 has one OF twice"),
        ([""], "DE48 OF is not a name"),
        (["a b"], "DE48 OF is not a name"),
        (["پیشنهاد"], "DE48 OF is not a name"),
        (["a" * 81], "DE48 OF is not a name"),
    ],
)
def test_a_name_that_is_none_is_a_format_error(names: list[str], reason: str) -> None:
    assert read_claims(names) == Refusal("30", reason)
    assert len(reason) <= REASON_LENGTH_MAX


def test_names_are_rules() -> None:
    assert read_claims(["base", "coffee.reward", "rewards.LIP-5"]) == ("base", "coffee.reward", "rewards.LIP-5")
