"""Rules whose cost has no bound."""

import pytest

from switch.programme import Severity
from tests.switch.programme.programmes import HEAD, ONE_RULE, load, rules

SHARE = "the cost has no bound: a share of any amount"
EVENT = "the cost has no bound: an event costs nothing"
UNBOUNDED = [
    ("then: {discount: 15%}", SHARE),
    ("then: {credit: 1/3}", SHARE),
    ("when: amount >= 5 and hour < 3, then: {credit: 3%}", SHARE),
    ("when: amount < 500 or hour < 3, then: {credit: 3%}", SHARE),
    ("when: visits != 0, then: {credit: 3%}", SHARE),
    ("then: {points: {per: 1000}}", "points worth 10% of any amount"),
    ("then: {points: {per: 500, points: 2}}", "points worth 40% of any amount"),
    ("when: event == 'x', then: {points: 5}", EVENT),
    ("when: event == 'x', then: {credit: 5}", EVENT),
    ("when: event == 'x', then: {ticket: {draw: d, count: 1}}", EVENT),
]
BOUNDED = [
    "then: {discount: 15%, cap: 9}",
    "cap: 9, then: {discount: 15%}",
    "uses: {month: 1}, then: {credit: 1%}",
    "holdout: 5%, then: {discount: 15%}",
    "grant: {if: visits > 3, lives: 3 days}, then: {discount: 15%}",
    "when: amount < 500, then: {discount: 15%}",
    "when: 'hour < 3 and (amount <= 500 and visits > 2)', then: {discount: 15%}",
    "when: visits == 0, then: {discount: 15%}",
    "then: {points: {per: 1001}}",
    "then: {points: 1}",
    "then: {discount: 500, multiply: 2}",
    "then: {stamp: {key: k, need: 3, reward: {discount: 50%}}}",
    "when: event == 'x', uses: {day: 1}, then: {points: 5}",
    "when: event == 'x', then: {message: {en: Hi}}",
]


@pytest.mark.parametrize(("rule", "reason"), UNBOUNDED)
def test_a_cost_without_a_bound_is_warned_of(rule, reason):
    (warning,) = load(rules(f"id: a, {rule}")).warnings
    assert reason in warning.reason
    assert (warning.line, warning.severity) == (7, Severity.WARNING)
    assert warning.path.startswith("rules[0].then.")


@pytest.mark.parametrize("rule", BOUNDED)
def test_what_is_bounded_is_not(rule):
    assert load(rules(f"id: a, {rule}")).warnings == ()


def test_each_effect_is_named_by_itself():
    found = load(HEAD + "rules:\n  - id: a\n    then:\n      credit: 3%\n      discount: 5%\n").warnings
    assert sorted((warning.line, warning.path) for warning in found) == [
        (9, "rules[0].then.credit"),
        (10, "rules[0].then.discount"),
    ]


@pytest.mark.parametrize(
    ("reward", "warnings"),
    [
        ("points: 0, then: {credit: 5}", 1),
        ("points: 0, then: {credit: 5}, uses: {year: 1}", 0),
        ("points: 0, message: {en: Hi}", 1),
        ("points: 1, then: {discount: 50%}", 0),
    ],
)
def test_a_reward_for_nothing_needs_a_limit(reward, warnings):
    found = load(ONE_RULE + f"rewards:\n  - {{code: A, {reward}}}\n").warnings
    assert [(warning.line, warning.path) for warning in found] == [(10, "rewards[0].points")] * warnings
